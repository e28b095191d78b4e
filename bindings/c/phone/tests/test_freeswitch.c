/* What mod_veravox.c does, call by call: verdicts, teardown, hang-ups, missing models, too many calls. */

#include "../mod_veravox.c"

#include <stdarg.h>

#include "../../tests/check.h"

enum { FRAME = 160 };

static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static switch_core_session_t *live[64];
static struct switch_xml settings[3], model_param = {"model", "/nowhere", NULL, NULL}, max_calls_param = {"max-calls", "1", NULL, NULL};
static switch_xml_t configured;
static int16_t *samples;
static size_t n_samples;
static switch_loadable_module_interface_t interface, *loaded;

/* --- FreeSWITCH, as far as it is needed --- */

switch_core_session_t *switch_core_session_locate(const char *uuid) {
    switch_core_session_t *found = NULL;
    pthread_mutex_lock(&live_lock);
    for (size_t n = 0; n < 64 && !found; n++) {
        if (live[n] && !strcmp(live[n]->uuid, uuid)) found = live[n];
    }
    if (found) found->n_locks++;
    pthread_mutex_unlock(&live_lock);
    return found;
}

void switch_core_session_rwunlock(switch_core_session_t *session) {
    pthread_mutex_lock(&live_lock);
    session->n_locks--;
    pthread_mutex_unlock(&live_lock);
}

switch_status_t switch_core_session_get_read_impl(switch_core_session_t *session, switch_codec_implementation_t *read) {
    CHECK(session);
    read->actual_samples_per_second = 8000;
    return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_channel_set_variable(switch_channel_t *channel, const char *name, const char *value) {
    pthread_mutex_lock(&channel->lock);
    for (size_t n = 0; n < 8; n++) {
        if (!*channel->variables[n].name || !strcmp(channel->variables[n].name, name)) {
            snprintf(channel->variables[n].name, sizeof channel->variables[n].name, "%s", name);
            snprintf(channel->variables[n].value, sizeof channel->variables[n].value, "%s", value);
            break;
        }
    }
    pthread_mutex_unlock(&channel->lock);
    return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_channel_set_variable_printf(switch_channel_t *channel, const char *name, const char *format, ...) {
    char text[64];
    va_list words;
    va_start(words, format);
    vsnprintf(text, sizeof text, format, words);
    va_end(words);
    return switch_channel_set_variable(channel, name, text);
}

switch_status_t switch_core_media_bug_add(switch_core_session_t *session, const char *of, const char *target,
                                          switch_media_bug_callback_t callback, void *user_data, long stop_time, int flags,
                                          switch_media_bug_t **bug) {
    CHECK(of && !target && !stop_time && flags & SMBF_READ_REPLACE && !session->bug);
    if (session->refuses_bugs) return SWITCH_STATUS_FALSE;
    *bug = session->bug = calloc(1, sizeof **bug);
    (*bug)->callback = callback;
    (*bug)->user_data = user_data;
    CHECK(callback(*bug, user_data, SWITCH_ABC_TYPE_INIT) == SWITCH_TRUE);
    return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_core_media_bug_remove(switch_core_session_t *session, switch_media_bug_t **bug) {
    CHECK(*bug == session->bug);
    (*bug)->callback(*bug, (*bug)->user_data, SWITCH_ABC_TYPE_CLOSE);
    free(*bug);
    *bug = session->bug = NULL;
    return SWITCH_STATUS_SUCCESS;
}

switch_status_t switch_event_create_subclass(switch_event_t **event, int id, const char *name) {
    CHECK(id == SWITCH_EVENT_CUSTOM && !strcmp(name, "veravox::verdict"));
    *event = calloc(1, sizeof **event);
    return SWITCH_STATUS_SUCCESS;
}

void switch_event_add_header_string(switch_event_t *event, int where, const char *name, const char *value) {
    CHECK(where == SWITCH_STACK_BOTTOM);
    if (!strcmp(name, "Veravox-Status")) snprintf(event->status, sizeof event->status, "%s", value);
}

void switch_event_add_header(switch_event_t *event, int where, const char *name, const char *format, ...) {
    CHECK(event && where == SWITCH_STACK_BOTTOM && !strcmp(name, "Veravox-Speech-Ms") && format);
}

void switch_event_fire(switch_event_t **event) {
    switch_channel_t *channel = (*event)->channel;
    pthread_mutex_lock(&channel->lock);
    channel->n_events++;
    snprintf(channel->last_event, sizeof channel->last_event, "%s", (*event)->status);
    pthread_mutex_unlock(&channel->lock);
    free(*event);
    *event = NULL;
}

switch_xml_t switch_xml_open_cfg(const char *file, switch_xml_t *node, void *params) {
    CHECK(!strcmp(file, "veravox.conf") && !params);
    settings[0].child = &settings[1];
    settings[1].child = configured;
    *node = &settings[0];
    return configured ? &settings[2] : NULL;
}

switch_xml_t switch_xml_child(switch_xml_t xml, const char *name) {
    CHECK(!strcmp(name, "settings") || !strcmp(name, "param"));
    return xml->child;
}

const char *switch_xml_attr_soft(switch_xml_t xml, const char *name) {
    return !strcmp(name, "name") ? xml->name : xml->value;
}

void switch_xml_free(switch_xml_t xml) {
    CHECK(xml == &settings[2]);
}

switch_loadable_module_interface_t *switch_loadable_module_create_module_interface(switch_memory_pool_t *pool, const char *name) {
    CHECK(!pool && !strcmp(name, "mod_veravox"));
    return &interface;
}

static switch_core_session_t *call(void) {
    static int n_calls;
    switch_core_session_t *session = calloc(1, sizeof *session);
    pthread_mutex_init(&session->channel.lock, NULL);
    pthread_mutex_lock(&live_lock);
    snprintf(session->uuid, sizeof session->uuid, "call-%d", n_calls++);
    for (size_t n = 0; n < 64; n++) {
        if (!live[n]) {
            live[n] = session;
            break;
        }
    }
    pthread_mutex_unlock(&live_lock);
    return session;
}

static void hear_frame(switch_core_session_t *session, size_t number, uint32_t n_channels) {
    int16_t copy[2 * FRAME];
    const int16_t *from = samples + number * FRAME % (n_samples - FRAME);
    switch_frame_t frame = {copy, (uint32_t) (FRAME * n_channels * sizeof *copy), 8000, n_channels};
    for (size_t n = 0; n < FRAME * n_channels; n++) copy[n] = n % n_channels ? 0 : from[n / n_channels];
    if (!session->bug) return;
    session->bug->frame = &frame;
    CHECK(session->bug->callback(session->bug, session->bug->user_data, SWITCH_ABC_TYPE_READ_REPLACE) == SWITCH_TRUE);
    session->bug->frame = NULL;
}

/* Out of the list first; the session goes when nobody has it locked. */
static void hang_up(switch_core_session_t *session) {
    int n_locks;
    pthread_mutex_lock(&live_lock);
    for (size_t n = 0; n < 64; n++) {
        if (live[n] == session) live[n] = NULL;
    }
    pthread_mutex_unlock(&live_lock);
    if (session->bug) switch_core_media_bug_remove(session, &session->bug);
    do {
        wait_ms(1);
        pthread_mutex_lock(&live_lock);
        n_locks = session->n_locks;
        pthread_mutex_unlock(&live_lock);
    } while (n_locks > 0);
    pthread_mutex_destroy(&session->channel.lock);
    free(session);
}

static const char *variable(switch_core_session_t *session, const char *name) {
    static _Thread_local char value[256];
    value[0] = 0;
    pthread_mutex_lock(&session->channel.lock);
    for (size_t n = 0; n < 8; n++) {
        if (!strcmp(session->channel.variables[n].name, name)) snprintf(value, sizeof value, "%s", session->channel.variables[n].value);
    }
    pthread_mutex_unlock(&session->channel.lock);
    return value;
}

static void is_so(switch_core_session_t *session, const char *status, const char *cause) {
    if (strcmp(variable(session, "veravox_status"), status)) fprintf(stderr, "status %s\n", variable(session, "veravox_status"));
    CHECK(!strcmp(variable(session, "veravox_status"), status));
    CHECK(!strcmp(variable(session, "veravox_cause"), cause));
}

/* --- The tests --- */

static void load(switch_xml_t config) {
    configured = config;
    CHECK(mod_veravox_load(&loaded, NULL) == SWITCH_STATUS_SUCCESS);
}

static void a_machine_is_found(uint32_t n_channels) {
    switch_core_session_t *session = call();
    loaded->app.run(session, NULL);
    loaded->app.run(session, "");
    is_so(session, "NOTSURE", "too_little_speech");
    CHECK(mod_veravox_shutdown() == SWITCH_STATUS_NOUNLOAD);
    for (size_t n = 0; n < 5000 && strcmp(variable(session, "veravox_stage"), "firm"); n++) {
        hear_frame(session, n, n_channels);
        wait_ms(8);
    }
    is_so(session, "SYNTHETIC", "");
    CHECK(atof(variable(session, "veravox_score")) > 2 && atol(variable(session, "veravox_speech_ms")) > 2000);
    for (int n = 0; n < 100; n++) wait_ms(session->channel.n_events ? 0 : 10);
    CHECK(session->channel.n_events == 1 && !strcmp(session->channel.last_event, "SYNTHETIC"));
    loaded->app.run(session, "stop");
    loaded->app.run(session, "stop");
    CHECK(!session->bug && !session->channel.private_data);
    hang_up(session);
}

static switch_status_t write_text(switch_stream_handle_t *stream, const char *format, ...) {
    va_list words;
    va_start(words, format);
    vsnprintf(stream->text, sizeof stream->text, format, words);
    va_end(words);
    return SWITCH_STATUS_SUCCESS;
}

static void calls_go_on_without_a_verdict(void) {
    load(&model_param);
    switch_core_session_t *session = call();
    loaded->app.run(session, "");
    is_so(session, "ERROR", "model");
    hear_frame(session, 0, 1);
    switch_stream_handle_t stream = {.write_function = write_text};
    loaded->api.run("", NULL, &stream);
    CHECK(strstr(stream.text, "manifest") != NULL);
    hang_up(session);
    CHECK(mod_veravox_shutdown() == SWITCH_STATUS_SUCCESS);

    load(&max_calls_param);
    switch_core_session_t *first = call(), *second = call(), *third = call();
    loaded->app.run(first, "");
    loaded->app.run(second, "");
    is_so(first, "NOTSURE", "too_little_speech");
    is_so(second, "ERROR", "overloaded");
    third->refuses_bugs = 1;
    loaded->app.run(third, "");
    is_so(third, "ERROR", "internal");
    hang_up(third);
    hang_up(second);
    hang_up(first);
    CHECK(mod_veravox_shutdown() == SWITCH_STATUS_SUCCESS);
}

static void *call_and_hang_up(void *argument) {
    int seed = *(int *) argument;
    for (int n = 0; n < 40; n++) {
        switch_core_session_t *session = call();
        loaded->app.run(session, "");
        for (int frame = 0; frame < n * (seed + 2) % 30; frame++) hear_frame(session, (size_t) frame, 1);
        hang_up(session);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    int seeds[4];
    WORKS(vvx_runtime_select(VVX_RUNTIME_BUILT_IN, NULL));
    samples = read_wav(testdata("calls/03-bank-card.alaw.wav"), &n_samples);
    calls_go_on_without_a_verdict();
    load(NULL);
    a_machine_is_found(1);
    a_machine_is_found(2);
    for (int n = 0; n < 4; n++) {
        seeds[n] = n;
        CHECK(!pthread_create(&threads[n], NULL, call_and_hang_up, &seeds[n]));
    }
    for (int n = 0; n < 4; n++) pthread_join(threads[n], NULL);
    switch_stream_handle_t stream = {.write_function = write_text};
    loaded->api.run("", NULL, &stream);
    CHECK(strstr(stream.text, "+OK") && strstr(stream.text, "0 channels watched"));
    CHECK(mod_veravox_shutdown() == SWITCH_STATUS_SUCCESS);
    free(samples);
    puts("freeswitch module: ok");
    return 0;
}
