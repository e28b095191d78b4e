/* Asterisk: is the voice on a channel a person's, or a machine's?

     exten => 100,1,Answer()
      same => n,Veravox()                      ; watches from here on, returns at once
      same => n,Playback(welcome)
      same => n,GotoIf($["${VERAVOX_STATUS}" = "SYNTHETIC"]?machine)

   It listens to what the channel receives, by an audiohook. The thread that brings audio only copies it into the leg; all the
   rest is done by the threads of libveravox. It never changes audio, never ends a call and never delays one: what goes wrong is
   VERAVOX_STATUS=ERROR, with its cause.

   Built against the headers of Asterisk: make ASTERISK_SRC=<a configured tree>. This file is built of public interfaces of
   Asterisk and, when it is loaded into it, under Asterisk's licence, the GPL version 2. */

#define AST_MODULE "app_veravox"
#define AST_MODULE_SELF_SYM __internal_app_veravox_self

#include "asterisk.h"

#include "asterisk/app.h"
#include "asterisk/audiohook.h"
#include "asterisk/channel.h"
#include "asterisk/cli.h"
#include "asterisk/config.h"
#include "asterisk/datastore.h"
#include "asterisk/format.h"
#include "asterisk/frame.h"
#include "asterisk/json.h"
#include "asterisk/lock.h"
#include "asterisk/module.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis_channels.h"
#include "asterisk/utils.h"

#include "phone_leg.h"

/*** DOCUMENTATION
	<application name="Veravox" language="en_US">
		<synopsis>
			Watch whether the voice on a channel is a person's or a machine's.
		</synopsis>
		<syntax>
			<parameter name="options">
				<optionlist>
					<option name="s">
						<para>Stop watching; the variables keep the last verdict.</para>
					</option>
					<option name="w">
						<argument name="seconds" required="true" />
						<para>Wait until the verdict is firm, or so many seconds. The channel is served meanwhile.</para>
					</option>
				</optionlist>
			</parameter>
		</syntax>
		<description>
			<para>Returns at once and watches what the channel receives until it is hung up. Sets, and keeps up to date:</para>
			<variablelist>
				<variable name="VERAVOX_STATUS">
					<value name="HUMAN" />
					<value name="SYNTHETIC" />
					<value name="NOTSURE" />
					<value name="ERROR" />
				</variable>
				<variable name="VERAVOX_CAUSE"><para>Why it is NOTSURE or ERROR.</para></variable>
				<variable name="VERAVOX_SCORE"><para>Natural-log likelihood ratio, positive speaks for a machine.</para></variable>
				<variable name="VERAVOX_SPEECH_MS"><para>Milliseconds of speech heard.</para></variable>
			</variablelist>
			<para>A UserEvent "Veravox" is raised when the verdict becomes firm or changes.</para>
		</description>
	</application>
	<function name="VERAVOX" language="en_US">
		<synopsis>
			The verdict on a watched channel at this moment.
		</synopsis>
		<syntax>
			<parameter name="field" required="true">
				<para>status, cause, score, speech_ms or stage.</para>
			</parameter>
		</syntax>
	</function>
 ***/

static const char CONFIG[] = "veravox.conf";

/* One watched channel: the data of its datastore. */
struct watch {
	struct ast_audiohook hook; /* the first: the callback gets a pointer to it */
	struct phone_leg *leg;
	int number;
	long heard_until_ms; /* by the timestamps of frames; below 0 where there was none */
	int seqno;           /* of the last frame */
};

/* What news of a leg are for: the channel's name, since holding on to the channel would keep it. */
struct owner {
	int number;
	char uniqueid[];
};

/* The engine that new calls go to, and those of before a reload, whose calls go on. */
AST_MUTEX_DEFINE_STATIC(engines_lock);
static struct phone_engine *engine;
static struct phone_engine *retired[16];
static int n_watches;

/* A hole in the timestamps: packets whose numbers are missing were lost; for the rest of it nothing was sent (discontinuous
   transmission). Less than a packet is rounding; more than ten seconds is a clock that was set anew. */
static void mind_the_gap(struct watch *watch, const struct ast_frame *frame)
{
	long missing = frame->ts - watch->heard_until_ms;

	if (watch->heard_until_ms >= 0 && missing >= 10 && missing <= 10000) {
		long lost = (long) ((frame->seqno - watch->seqno - 1) & 0xffff) * frame->len;

		if (lost > missing) {
			lost = missing;
		}
		if (lost > 0) {
			phone_leg_lost(watch->leg, lost);
		}
		if (missing > lost) {
			phone_leg_silence(watch->leg, missing - lost);
		}
	}
	watch->heard_until_ms = frame->ts + frame->len;
	watch->seqno = frame->seqno;
}

/* The thread that brings the channel's audio, which holds its lock: copies, and returns. At teardown there is no channel and no
   frame. Anything but 0 says that the frame was left as it is. */
static int hear(struct ast_audiohook *hook, struct ast_channel *chan, struct ast_frame *frame, enum ast_audiohook_direction direction)
{
	struct watch *watch = (struct watch *) hook;

	if (!frame || hook->status == AST_AUDIOHOOK_STATUS_DONE) {
		phone_leg_close(watch->leg);
		return -1;
	}
	if (direction != AST_AUDIOHOOK_DIRECTION_READ || frame->frametype != AST_FRAME_VOICE || !frame->data.ptr || frame->samples <= 0) {
		return -1;
	}
	if (ast_test_flag(frame, AST_FRFLAG_HAS_TIMING_INFO)) {
		mind_the_gap(watch, frame);
	}
	phone_leg_push(watch->leg, ast_format_get_sample_rate(frame->subclass.format), frame->data.ptr, frame->samples);
	return -1;
}

/* With the channel gone, or the watching stopped. */
static void destroy_watch(void *data)
{
	struct watch *watch = data;

	ast_audiohook_lock(&watch->hook);
	ast_audiohook_detach(&watch->hook);
	ast_audiohook_unlock(&watch->hook);
	ast_audiohook_destroy(&watch->hook);
	phone_leg_release(watch->leg);
	ast_free(watch);
	ast_atomic_fetchadd_int(&n_watches, -1);
	ast_module_unref(AST_MODULE_SELF);
}

static const struct ast_datastore_info watch_info = {
	.type = "veravox",
	.destroy = destroy_watch,
};

static void set_variables(struct ast_channel *chan, const struct phone_verdict *verdict)
{
	char speech_ms[24];

	snprintf(speech_ms, sizeof(speech_ms), "%lu", verdict->speech_ms);
	pbx_builtin_setvar_helper(chan, "VERAVOX_STATUS", verdict->status);
	pbx_builtin_setvar_helper(chan, "VERAVOX_CAUSE", verdict->cause);
	pbx_builtin_setvar_helper(chan, "VERAVOX_SCORE", verdict->score);
	pbx_builtin_setvar_helper(chan, "VERAVOX_SPEECH_MS", speech_ms);
}

/* To AMI as a UserEvent, to ARI as a ChannelUserevent. With the channel locked. */
static void raise_event(struct ast_channel *chan, const struct phone_verdict *verdict)
{
	struct ast_json *blob = ast_json_pack("{s: s, s: s, s: s, s: s, s: s, s: i}",
		"eventname", "Veravox",
		"Status", verdict->status,
		"Stage", verdict->stage,
		"Cause", verdict->cause,
		"Score", verdict->score,
		"SpeechMs", (int) verdict->speech_ms);

	if (!blob) {
		return;
	}
	ast_multi_object_blob_single_channel_publish(chan, ast_multi_user_event_type(), blob);
	ast_json_unref(blob);
}

/* In libveravox's thread for events. The channel may be gone, or not be watched any more: then its variables stay as they are. */
static void tell(void *data, const struct phone_verdict *verdict, int is_firm, int is_last)
{
	const struct owner *owner = data;
	struct ast_channel *chan;
	struct ast_datastore *datastore;

	/* After a hang-up there is nobody to tell. */
	if (is_last && strcmp(verdict->status, "ERROR")) {
		return;
	}
	chan = ast_channel_get_by_name(owner->uniqueid);
	if (!chan) {
		return;
	}
	ast_channel_lock(chan);
	datastore = ast_channel_datastore_find(chan, &watch_info, NULL);
	if (datastore && ((struct watch *) datastore->data)->number == owner->number) {
		set_variables(chan, verdict);
		if (is_firm) {
			raise_event(chan, verdict);
		}
	}
	ast_channel_unlock(chan);
	ast_channel_unref(chan);
}

static void free_owner(void *owner)
{
	ast_free(owner);
}

/* Sets the variables, whatever comes of it. */
static void start_watching(struct ast_channel *chan)
{
	static const struct phone_verdict no_memory = { "ERROR", "listening", "memory", "", 0 };
	struct ast_datastore *datastore = NULL;
	struct watch *watch = NULL;
	struct phone_verdict verdict = no_memory;
	struct owner *owner = NULL;
	static int n_watched;

	ast_channel_lock(chan);
	if (ast_channel_datastore_find(chan, &watch_info, NULL)) {
		ast_channel_unlock(chan);
		return;
	}
	datastore = ast_datastore_alloc(&watch_info, NULL);
	watch = ast_calloc(1, sizeof(*watch));
	owner = ast_calloc(1, sizeof(*owner) + strlen(ast_channel_uniqueid(chan)) + 1);
	if (datastore && watch && owner) {
		owner->number = watch->number = ast_atomic_fetchadd_int(&n_watched, 1);
		strcpy(owner->uniqueid, ast_channel_uniqueid(chan)); /* Safe: there is room for it. */
		ast_mutex_lock(&engines_lock);
		if (engine) {
			watch->leg = phone_leg_open(engine, ast_format_get_sample_rate(ast_channel_rawreadformat(chan)), tell, owner, free_owner);
		}
		ast_mutex_unlock(&engines_lock);
	}
	if (!watch || !watch->leg || ast_audiohook_init(&watch->hook, AST_AUDIOHOOK_TYPE_MANIPULATE, "Veravox", AST_AUDIOHOOK_MANIPULATE_ALL_RATES)) {
		if (watch && watch->leg) {
			phone_leg_release(watch->leg);
		} else {
			ast_free(owner);
		}
		ast_free(watch);
		if (datastore) {
			ast_datastore_free(datastore);
		}
		ast_channel_unlock(chan);
		set_variables(chan, &verdict);
		return;
	}
	watch->heard_until_ms = -1;
	watch->hook.manipulate_callback = hear;
	phone_leg_read(watch->leg, &verdict);
	/* Before anything is heard, and so before any news. */
	set_variables(chan, &verdict);
	ast_module_ref(AST_MODULE_SELF);
	ast_atomic_fetchadd_int(&n_watches, 1);
	datastore->data = watch;
	ast_channel_datastore_add(chan, datastore);
	ast_audiohook_attach(chan, &watch->hook);
	ast_channel_unlock(chan);
}

static int stop_watching(struct ast_channel *chan)
{
	struct ast_datastore *datastore;
	struct watch *watch;

	ast_channel_lock(chan);
	datastore = ast_channel_datastore_find(chan, &watch_info, NULL);
	if (!datastore) {
		ast_channel_unlock(chan);
		return 0;
	}
	watch = datastore->data;
	ast_channel_datastore_remove(chan, datastore);
	ast_audiohook_remove(chan, &watch->hook);
	ast_channel_unlock(chan);
	ast_datastore_free(datastore);
	return 1;
}

static int read_verdict(struct ast_channel *chan, struct phone_verdict *verdict)
{
	struct ast_datastore *datastore;

	ast_channel_lock(chan);
	datastore = ast_channel_datastore_find(chan, &watch_info, NULL);
	if (datastore) {
		phone_leg_read(((struct watch *) datastore->data)->leg, verdict);
	}
	ast_channel_unlock(chan);
	return datastore != NULL;
}

static int is_settled(const struct phone_verdict *verdict)
{
	return !strcmp(verdict->status, "ERROR") || !strcmp(verdict->stage, "firm") || !strcmp(verdict->stage, "changed");
}

static int veravox_exec(struct ast_channel *chan, const char *data)
{
	const char *options = data ? data : "";
	const char *wait = strchr(options, 'w');
	struct phone_verdict verdict;
	double seconds = 0;

	if (strchr(options, 's')) {
		stop_watching(chan);
		return 0;
	}
	start_watching(chan);
	if (wait && sscanf(wait, "w(%lf)", &seconds) != 1) {
		ast_log(LOG_WARNING, "Veravox: expected w(seconds), got '%s'\n", options);
	}
	for (; seconds > 0; seconds -= 0.1) {
		if (!read_verdict(chan, &verdict) || is_settled(&verdict)) {
			break;
		}
		if (ast_safe_sleep(chan, 100)) {
			return -1; /* hung up */
		}
	}
	if (wait && read_verdict(chan, &verdict)) {
		set_variables(chan, &verdict);
	}
	return 0;
}

static int veravox_read(struct ast_channel *chan, const char *function, char *field, char *buffer, size_t size)
{
	struct phone_verdict verdict = { "ERROR", "listening", "not_watched", "", 0 };

	if (!chan) {
		ast_log(LOG_WARNING, "%s needs a channel\n", function);
		return -1;
	}
	read_verdict(chan, &verdict);
	if (!strcasecmp(field, "status")) {
		snprintf(buffer, size, "%s", verdict.status);
	} else if (!strcasecmp(field, "cause")) {
		snprintf(buffer, size, "%s", verdict.cause);
	} else if (!strcasecmp(field, "score")) {
		snprintf(buffer, size, "%s", verdict.score);
	} else if (!strcasecmp(field, "speech_ms")) {
		snprintf(buffer, size, "%lu", verdict.speech_ms);
	} else if (!strcasecmp(field, "stage")) {
		snprintf(buffer, size, "%s", verdict.stage);
	} else {
		ast_log(LOG_WARNING, "%s: expected status, cause, score, speech_ms or stage, got '%s'\n", function, field);
		return -1;
	}
	return 0;
}

static struct ast_custom_function veravox_function = {
	.name = "VERAVOX",
	.read = veravox_read,
};

/* Frees engines whose calls are over. Not by libveravox's own thread for events, and without the lock: it waits for that thread,
   which may wait for a channel, whose thread may wait for the lock. */
static void free_retired(int all)
{
	struct phone_engine *over[ARRAY_LEN(retired)] = { NULL };
	size_t n;

	ast_mutex_lock(&engines_lock);
	for (n = 0; n < ARRAY_LEN(retired); n++) {
		if (retired[n] && (all || phone_engine_n_legs(retired[n]) == 0)) {
			over[n] = retired[n];
			retired[n] = NULL;
		}
	}
	ast_mutex_unlock(&engines_lock);
	for (n = 0; n < ARRAY_LEN(over); n++) {
		phone_engine_free(over[n]);
	}
}

/* An engine by veravox.conf, for the calls from here on. Those of before stay with theirs. */
static void load_engine(void)
{
	struct ast_flags flags = { 0 };
	struct ast_config *config = ast_config_load2(CONFIG, AST_MODULE, flags);
	int is_read = config && config != CONFIG_STATUS_FILEINVALID;
	struct phone_settings settings = { NULL, NULL, 0, 0 };
	struct phone_engine *fresh;
	size_t n;

	if (is_read) {
		const char *model = ast_variable_retrieve(config, "general", "model");
		const char *calibration = ast_variable_retrieve(config, "general", "calibration");
		const char *workers = ast_variable_retrieve(config, "general", "workers");
		const char *max_calls = ast_variable_retrieve(config, "general", "max_calls");

		settings.model = ast_strlen_zero(model) ? NULL : model;
		settings.calibration = ast_strlen_zero(calibration) ? NULL : calibration;
		settings.workers = workers ? strtoul(workers, NULL, 10) : 0;
		settings.max_calls = max_calls ? strtoul(max_calls, NULL, 10) : 0;
	}
	fresh = phone_engine_start(&settings);
	if (is_read) {
		ast_config_destroy(config);
	}
	if (!fresh) {
		return;
	}
	if (phone_engine_error(fresh)) {
		ast_log(LOG_ERROR, "veravox: calls go on without a verdict: %s\n", phone_engine_error(fresh));
	}
	free_retired(0);
	ast_mutex_lock(&engines_lock);
	for (n = 0; n < ARRAY_LEN(retired) && retired[n]; n++) {
	}
	if (n < ARRAY_LEN(retired)) {
		retired[n] = engine;
		engine = fresh;
		fresh = NULL;
	}
	ast_mutex_unlock(&engines_lock);
	if (fresh) {
		ast_log(LOG_ERROR, "veravox: not reloaded: calls of %d reloads before go on\n", (int) ARRAY_LEN(retired));
		phone_engine_free(fresh);
	}
}

static char *show_status(struct ast_cli_entry *entry, int command, struct ast_cli_args *args)
{
	vvx_engine_stats stats;

	switch (command) {
	case CLI_INIT:
		entry->command = "veravox show status";
		entry->usage = "Usage: veravox show status\n       What the engine does, and did since it was started.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	ast_mutex_lock(&engines_lock);
	if (!engine || !phone_engine_stats(engine, &stats)) {
		ast_cli(args->fd, "veravox %s: no verdicts: %s\n", vvx_version(), engine ? phone_engine_error(engine) : "no memory");
	} else {
		ast_cli(args->fd, "veravox %s: %d channels watched, %u legs\n", vvx_version(), n_watches, phone_engine_n_legs(engine));
		ast_cli(args->fd, "legs refused %lu, failed %lu\n", (unsigned long) stats.refused_legs, (unsigned long) stats.failed_legs);
		ast_cli(args->fd, "windows scored %lu, shed %lu; p99 of their delay %.0f ms\n", (unsigned long) stats.scored_windows,
			(unsigned long) stats.shed_windows, stats.delay_ms_p99);
		ast_cli(args->fd, "seconds of processor: listening %.1f, scoring %.1f\n", stats.hearing_seconds, stats.scoring_seconds);
	}
	ast_mutex_unlock(&engines_lock);
	return CLI_SUCCESS;
}

static struct ast_cli_entry cli[] = {
	AST_CLI_DEFINE(show_status, "What veravox does"),
};

static int load_module(void)
{
	int failed = 0;

	load_engine();
	failed |= ast_register_application_xml("Veravox", veravox_exec);
	failed |= ast_custom_function_register(&veravox_function);
	ast_cli_register_multiple(cli, ARRAY_LEN(cli));
	return failed ? AST_MODULE_LOAD_DECLINE : AST_MODULE_LOAD_SUCCESS;
}

static int reload_module(void)
{
	load_engine();
	return 0;
}

/* Asterisk refuses to unload while channels are watched. Where it is made to, the watching stops first and the calls go on. */
static int unload_module(void)
{
	struct ast_channel_iterator *channels;
	struct ast_channel *chan;
	struct phone_engine *last;
	int n;

	ast_unregister_application("Veravox");
	ast_custom_function_unregister(&veravox_function);
	ast_cli_unregister_multiple(cli, ARRAY_LEN(cli));
	channels = ast_channel_iterator_all_new();
	while (channels && (chan = ast_channel_iterator_next(channels))) {
		if (stop_watching(chan)) {
			pbx_builtin_setvar_helper(chan, "VERAVOX_STATUS", "ERROR");
			pbx_builtin_setvar_helper(chan, "VERAVOX_CAUSE", "stopped");
		}
		ast_channel_unref(chan);
	}
	if (channels) {
		ast_channel_iterator_destroy(channels);
	}
	/* Channels that were hung up and are not gone yet: their datastores come back here. */
	for (n = 0; n < 200 && ast_atomic_fetchadd_int(&n_watches, 0) > 0; n++) {
		usleep(10000);
	}
	if (ast_atomic_fetchadd_int(&n_watches, 0) > 0) {
		ast_log(LOG_ERROR, "veravox: not unloaded: channels still hold on to it\n");
		return -1;
	}
	ast_mutex_lock(&engines_lock);
	last = engine;
	engine = NULL;
	ast_mutex_unlock(&engines_lock);
	phone_engine_free(last);
	free_retired(1);
	return 0;
}

AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_DEFAULT, "Is the voice a person's or a machine's?",
	.support_level = AST_MODULE_SUPPORT_EXTENDED,
	.load = load_module,
	.unload = unload_module,
	.reload = reload_module,
);
