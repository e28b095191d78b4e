/* FreeSWITCH: is the voice on a channel a person's, or a machine's?

     <action application="answer"/>
     <action application="veravox"/>        watches from here on, returns at once; data="stop" ends it
     <action application="playback" data="ivr/ivr-welcome.wav"/>
     <condition field="${veravox_status}" expression="^SYNTHETIC$"> ...

   It listens to what the channel receives, by a media bug. The thread that brings audio only copies it into the leg; all the rest
   is done by the threads of libveravox. It never changes audio, never ends a call and never delays one: what goes wrong is
   veravox_status=ERROR, with its cause.

   Sets and keeps up to date: veravox_status (HUMAN, SYNTHETIC, NOTSURE, ERROR), veravox_cause, veravox_score, veravox_speech_ms,
   veravox_stage. Fires CUSTOM veravox::verdict when the verdict becomes firm or changes. API: veravox.

   Built against the headers of FreeSWITCH: make FREESWITCH_SRC=<a configured tree>. */

#include <stdatomic.h>
#include <string.h>

#include <switch.h>

#include "phone_leg.h"

#define EVENT_NAME "veravox::verdict"
#define PRIVATE "_veravox_bug_"
#define MAX_FRAME 4096

SWITCH_MODULE_LOAD_FUNCTION(mod_veravox_load);
SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_veravox_shutdown);
SWITCH_MODULE_DEFINITION(mod_veravox, mod_veravox_load, mod_veravox_shutdown, NULL);

static struct phone_engine *engine;
static atomic_int n_watches;

static void set_variables(switch_channel_t *channel, const struct phone_verdict *verdict)
{
	switch_channel_set_variable(channel, "veravox_status", verdict->status);
	switch_channel_set_variable(channel, "veravox_cause", verdict->cause);
	switch_channel_set_variable(channel, "veravox_score", verdict->score);
	switch_channel_set_variable(channel, "veravox_stage", verdict->stage);
	switch_channel_set_variable_printf(channel, "veravox_speech_ms", "%lu", verdict->speech_ms);
}

static void raise_event(switch_channel_t *channel, const struct phone_verdict *verdict)
{
	switch_event_t *event = NULL;

	if (switch_event_create_subclass(&event, SWITCH_EVENT_CUSTOM, EVENT_NAME) != SWITCH_STATUS_SUCCESS) {
		return;
	}
	switch_channel_event_set_data(channel, event);
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, "Veravox-Status", verdict->status);
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, "Veravox-Stage", verdict->stage);
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, "Veravox-Cause", verdict->cause);
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, "Veravox-Score", verdict->score);
	switch_event_add_header(event, SWITCH_STACK_BOTTOM, "Veravox-Speech-Ms", "%lu", verdict->speech_ms);
	switch_event_fire(&event);
}

/* In libveravox's thread for events. The session may be gone, which is found by its id alone. */
static void tell(void *owner, const struct phone_verdict *verdict, int is_firm, int is_last)
{
	switch_core_session_t *session;

	/* After a hang-up there is nobody to tell. */
	if (is_last && strcmp(verdict->status, "ERROR")) {
		return;
	}
	session = switch_core_session_locate(owner);
	if (!session) {
		return;
	}
	set_variables(switch_core_session_get_channel(session), verdict);
	if (is_firm) {
		raise_event(switch_core_session_get_channel(session), verdict);
	}
	switch_core_session_rwunlock(session);
}

static void free_owner(void *owner)
{
	free(owner);
}

/* The thread that brings the channel's audio: copies, and returns. */
static switch_bool_t hear(switch_media_bug_t *bug, void *user_data, switch_abc_type_t type)
{
	struct phone_leg *leg = user_data;

	if (type == SWITCH_ABC_TYPE_READ_REPLACE) {
		/* Not set in turn: what the channel receives stays as it is. */
		switch_frame_t *frame = switch_core_media_bug_get_read_replace_frame(bug);

		if (frame && frame->data && frame->datalen && frame->rate) {
			const int16_t *samples = frame->data;
			uint32_t n_channels = frame->channels > 1 ? frame->channels : 1;
			uint32_t n = frame->datalen / sizeof(int16_t) / n_channels;

			if (n_channels == 1) {
				phone_leg_push(leg, frame->rate, samples, n);
			} else {
				/* Legs are never mixed: of several channels the first is heard. */
				int16_t first[MAX_FRAME];

				if (n > MAX_FRAME) {
					n = MAX_FRAME;
				}
				for (uint32_t at = 0; at < n; at++) {
					first[at] = samples[at * n_channels];
				}
				phone_leg_push(leg, frame->rate, first, n);
			}
		}
	} else if (type == SWITCH_ABC_TYPE_CLOSE) {
		phone_leg_release(leg);
		atomic_fetch_sub(&n_watches, 1);
	}
	return SWITCH_TRUE;
}

SWITCH_STANDARD_APP(veravox_app)
{
	static const struct phone_verdict failed = { "ERROR", "listening", "internal", "", 0 };
	switch_channel_t *channel = switch_core_session_get_channel(session);
	switch_media_bug_t *bug = switch_channel_get_private(channel, PRIVATE);
	switch_codec_implementation_t read = { 0 };
	struct phone_verdict verdict = failed;
	struct phone_leg *leg;
	char *owner;

	if (data && !strcasecmp(data, "stop")) {
		if (bug) {
			switch_channel_set_private(channel, PRIVATE, NULL);
			switch_core_media_bug_remove(session, &bug);
		}
		return;
	}
	if (bug) {
		return;
	}
	switch_core_session_get_read_impl(session, &read);
	owner = strdup(switch_core_session_get_uuid(session));
	leg = owner ? phone_leg_open(engine, read.actual_samples_per_second ? read.actual_samples_per_second : 8000, tell, owner, free_owner) : NULL;
	if (!leg) {
		free(owner);
		set_variables(channel, &verdict);
		return;
	}
	/* Before anything is heard, and so before any news. */
	phone_leg_read(leg, &verdict);
	set_variables(channel, &verdict);
	atomic_fetch_add(&n_watches, 1);
	if (switch_core_media_bug_add(session, "veravox", NULL, hear, leg, 0, SMBF_READ_REPLACE | SMBF_NO_PAUSE, &bug) != SWITCH_STATUS_SUCCESS) {
		phone_leg_release(leg);
		atomic_fetch_sub(&n_watches, 1);
		verdict = failed;
		set_variables(channel, &verdict);
		return;
	}
	switch_channel_set_private(channel, PRIVATE, bug);
}

SWITCH_STANDARD_API(veravox_api)
{
	vvx_engine_stats stats;

	if (!phone_engine_stats(engine, &stats)) {
		stream->write_function(stream, "-ERR no verdicts: %s\n", phone_engine_error(engine));
		return SWITCH_STATUS_SUCCESS;
	}
	stream->write_function(stream, "+OK veravox %s: %d channels watched, legs refused %lu, failed %lu; windows scored %lu, shed %lu\n",
		vvx_version(), atomic_load(&n_watches), (unsigned long) stats.refused_legs, (unsigned long) stats.failed_legs,
		(unsigned long) stats.scored_windows, (unsigned long) stats.shed_windows);
	return SWITCH_STATUS_SUCCESS;
}

/* veravox.conf: <settings><param name="model" value="phone"/> ..., all of which may be missing. */
static struct phone_engine *start_engine(void)
{
	struct phone_settings settings = { NULL, NULL, 0, 0 };
	switch_xml_t config = NULL, root = switch_xml_open_cfg("veravox.conf", &config, NULL);
	switch_xml_t part = root ? switch_xml_child(config, "settings") : NULL;
	switch_xml_t param = part ? switch_xml_child(part, "param") : NULL;
	struct phone_engine *started;

	for (; param; param = param->next) {
		const char *name = switch_xml_attr_soft(param, "name");
		const char *value = switch_xml_attr_soft(param, "value");

		if (!strcmp(name, "model") && *value) {
			settings.model = value;
		} else if (!strcmp(name, "calibration") && *value) {
			settings.calibration = value;
		} else if (!strcmp(name, "workers")) {
			settings.workers = strtoul(value, NULL, 10);
		} else if (!strcmp(name, "max-calls")) {
			settings.max_calls = strtoul(value, NULL, 10);
		}
	}
	started = phone_engine_start(&settings);
	if (root) {
		switch_xml_free(root);
	}
	return started;
}

SWITCH_MODULE_LOAD_FUNCTION(mod_veravox_load)
{
	switch_application_interface_t *app_interface;
	switch_api_interface_t *api_interface;

	engine = start_engine();
	if (!engine) {
		return SWITCH_STATUS_MEMERR;
	}
	if (phone_engine_error(engine)) {
		switch_log_printf(SWITCH_CHANNEL_LOG, SWITCH_LOG_ERROR, "veravox: calls go on without a verdict: %s\n", phone_engine_error(engine));
	}
	switch_event_reserve_subclass(EVENT_NAME);
	*module_interface = switch_loadable_module_create_module_interface(pool, modname);
	SWITCH_ADD_APP(app_interface, "veravox", "Watch whether a voice is a person's or a machine's", "Sets veravox_status", veravox_app, "[stop]", SAF_NONE);
	SWITCH_ADD_API(api_interface, "veravox", "What veravox does", veravox_api, "");
	return SWITCH_STATUS_SUCCESS;
}

/* Not while channels are watched: they would call into what is gone. */
SWITCH_MODULE_SHUTDOWN_FUNCTION(mod_veravox_shutdown)
{
	if (atomic_load(&n_watches) > 0) {
		return SWITCH_STATUS_NOUNLOAD;
	}
	switch_event_free_subclass(EVENT_NAME);
	phone_engine_free(engine);
	engine = NULL;
	return SWITCH_STATUS_SUCCESS;
}
