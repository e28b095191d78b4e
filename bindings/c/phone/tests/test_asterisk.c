/* What app_veravox.c does, call by call: verdicts, teardown, hang-ups, reloads, missing models, too many calls. */

#include "../app_veravox.c"
#include "../phone_leg.c"

#include <stdarg.h>

#include "../../tests/check.h"

enum { MAX_LIVE = 256, FRAME = 160 };

int n_module_refs;
static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ast_channel *live[MAX_LIVE];
static const char *configured_model, *configured_max_calls;
static int16_t *samples;
static size_t n_samples;

/* --- Asterisk, as far as it is needed --- */

void ast_log(int level, const char *format, ...) {
    va_list words;
    va_start(words, format);
    if (level < 0) vfprintf(stderr, format, words);
    va_end(words);
}

int ast_audiohook_init(struct ast_audiohook *hook, int type, const char *source, int flags) {
    CHECK(type == AST_AUDIOHOOK_TYPE_MANIPULATE && source && flags);
    hook->status = AST_AUDIOHOOK_STATUS_NEW;
    return pthread_mutex_init(&hook->lock, NULL);
}

int ast_audiohook_attach(struct ast_channel *chan, struct ast_audiohook *hook) {
    chan->hook = hook;
    hook->status = AST_AUDIOHOOK_STATUS_RUNNING;
    return 0;
}

int ast_audiohook_remove(struct ast_channel *chan, struct ast_audiohook *hook) {
    ast_channel_lock(chan);
    chan->hook = NULL;
    hook->status = AST_AUDIOHOOK_STATUS_DONE;
    ast_channel_unlock(chan);
    return 0;
}

int ast_audiohook_detach(struct ast_audiohook *hook) {
    CHECK(hook->status == AST_AUDIOHOOK_STATUS_NEW || hook->status == AST_AUDIOHOOK_STATUS_DONE);
    return 0;
}

int ast_audiohook_destroy(struct ast_audiohook *hook) {
    return pthread_mutex_destroy(&hook->lock);
}

struct ast_datastore *ast_datastore_alloc(const struct ast_datastore_info *info, const char *uid) {
    struct ast_datastore *made = calloc(1, sizeof *made);
    CHECK(!uid);
    made->info = info;
    return made;
}

int ast_datastore_free(struct ast_datastore *datastore) {
    if (datastore->data) datastore->info->destroy(datastore->data);
    free(datastore);
    return 0;
}

int ast_channel_datastore_add(struct ast_channel *chan, struct ast_datastore *datastore) {
    CHECK(!chan->datastore);
    chan->datastore = datastore;
    return 0;
}

int ast_channel_datastore_remove(struct ast_channel *chan, struct ast_datastore *datastore) {
    CHECK(chan->datastore == datastore);
    chan->datastore = NULL;
    return 0;
}

struct ast_datastore *ast_channel_datastore_find(struct ast_channel *chan, const struct ast_datastore_info *info, const char *uid) {
    CHECK(info && !uid);
    return chan->datastore;
}

int pbx_builtin_setvar_helper(struct ast_channel *chan, const char *name, const char *value) {
    ast_channel_lock(chan);
    for (size_t n = 0; n < ARRAY_LEN(chan->variables); n++) {
        if (!*chan->variables[n].name || !strcmp(chan->variables[n].name, name)) {
            snprintf(chan->variables[n].name, sizeof chan->variables[n].name, "%s", name);
            snprintf(chan->variables[n].value, sizeof chan->variables[n].value, "%s", value);
            break;
        }
    }
    ast_channel_unlock(chan);
    return 0;
}

struct ast_channel *ast_channel_get_by_name(const char *name) {
    struct ast_channel *found = NULL;
    pthread_mutex_lock(&live_lock);
    for (int n = 0; n < MAX_LIVE && !found; n++) {
        if (live[n] && !strcmp(live[n]->uniqueid, name)) found = live[n];
    }
    if (found) found->n_refs++;
    pthread_mutex_unlock(&live_lock);
    return found;
}

/* The last who holds a channel takes it down: its datastores go with it. */
struct ast_channel *ast_channel_unref(struct ast_channel *chan) {
    pthread_mutex_lock(&live_lock);
    int is_last = --chan->n_refs == 0;
    pthread_mutex_unlock(&live_lock);
    if (is_last) {
        if (chan->datastore) ast_datastore_free(chan->datastore);
        pthread_mutex_destroy(&chan->lock);
        free(chan);
    }
    return NULL;
}

struct ast_channel_iterator { int at; };

struct ast_channel_iterator *ast_channel_iterator_all_new(void) {
    return calloc(1, sizeof(struct ast_channel_iterator));
}

struct ast_channel *ast_channel_iterator_next(struct ast_channel_iterator *iterator) {
    struct ast_channel *found = NULL;
    pthread_mutex_lock(&live_lock);
    while (iterator->at < MAX_LIVE && !(found = live[iterator->at++])) {
    }
    if (found) found->n_refs++;
    pthread_mutex_unlock(&live_lock);
    return found;
}

struct ast_channel_iterator *ast_channel_iterator_destroy(struct ast_channel_iterator *iterator) {
    free(iterator);
    return NULL;
}

struct ast_json { char words[32]; };

struct ast_json *ast_json_pack(const char *format, ...) {
    struct ast_json *made = calloc(1, sizeof *made);
    va_list words;
    va_start(words, format);
    va_arg(words, const char *), va_arg(words, const char *), va_arg(words, const char *);
    snprintf(made->words, sizeof made->words, "%s", va_arg(words, const char *));
    va_end(words);
    return made;
}

void ast_json_unref(struct ast_json *json) {
    free(json);
}

void ast_multi_object_blob_single_channel_publish(struct ast_channel *chan, int type, struct ast_json *blob) {
    CHECK(type == 0);
    chan->n_events++;
    snprintf(chan->last_event, sizeof chan->last_event, "%s", blob->words);
}

struct ast_config *ast_config_load2(const char *file, const char *who, struct ast_flags flags) {
    CHECK(!strcmp(file, "veravox.conf") && who && !flags.flags);
    return (struct ast_config *) (configured_model || configured_max_calls ? &live_lock : NULL);
}

const char *ast_variable_retrieve(struct ast_config *config, const char *category, const char *variable) {
    CHECK(config && !strcmp(category, "general"));
    return !strcmp(variable, "model") ? configured_model : !strcmp(variable, "max_calls") ? configured_max_calls : NULL;
}

void ast_config_destroy(struct ast_config *config) {
    CHECK(config);
}

static int (*application)(struct ast_channel *, const char *);
static struct ast_custom_function *function;

int ast_register_application_xml(const char *name, int (*exec)(struct ast_channel *, const char *)) {
    CHECK(!strcmp(name, "Veravox"));
    application = exec;
    return 0;
}

int ast_custom_function_register(struct ast_custom_function *registered) {
    function = registered;
    return 0;
}

static struct ast_channel *call(void) {
    static int n_calls;
    struct ast_channel *chan = calloc(1, sizeof *chan);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&chan->lock, &attributes);
    chan->format.rate = 8000;
    chan->n_refs = 1;
    pthread_mutex_lock(&live_lock);
    snprintf(chan->uniqueid, sizeof chan->uniqueid, "1700000000.%d", n_calls++);
    for (int n = 0; n < MAX_LIVE; n++) {
        if (!live[n]) {
            live[n] = chan;
            break;
        }
    }
    pthread_mutex_unlock(&live_lock);
    return chan;
}

static void hear_frame(struct ast_channel *chan, size_t frame, long ts, enum ast_audiohook_direction direction) {
    int16_t copy[FRAME];
    struct ast_frame voice = {.frametype = AST_FRAME_VOICE, .samples = FRAME, .flags = AST_FRFLAG_HAS_TIMING_INFO, .ts = ts, .len = 20};
    voice.seqno = (int) (frame & 0xffff);
    memcpy(copy, samples + frame * FRAME % (n_samples - FRAME), sizeof copy);
    voice.subclass.format = &chan->format;
    voice.data.ptr = copy;
    ast_channel_lock(chan);
    if (chan->hook) {
        ast_audiohook_lock(chan->hook);
        /* Anything but 0: the frame is as it was. */
        CHECK(chan->hook->manipulate_callback(chan->hook, chan, &voice, direction) != 0);
        ast_audiohook_unlock(chan->hook);
        CHECK(!memcmp(copy, samples + frame * FRAME % (n_samples - FRAME), sizeof copy));
    }
    ast_channel_unlock(chan);
}

/* As ast_hangup: out of the list, the hooks told with NULL, and gone when nobody holds it any more. */
static void hang_up(struct ast_channel *chan) {
    pthread_mutex_lock(&live_lock);
    for (int n = 0; n < MAX_LIVE; n++) {
        if (live[n] == chan) live[n] = NULL;
    }
    pthread_mutex_unlock(&live_lock);
    ast_channel_lock(chan);
    struct ast_audiohook *hook = chan->hook;
    chan->hook = NULL;
    if (hook) {
        hook->status = AST_AUDIOHOOK_STATUS_DONE;
        hook->manipulate_callback(hook, NULL, NULL, 0);
    }
    ast_channel_unlock(chan);
    ast_channel_unref(chan);
}

int ast_safe_sleep(struct ast_channel *chan, int ms) {
    static _Thread_local size_t frame;
    for (int at = 0; at < ms; at += 20, frame++) {
        hear_frame(chan, frame, (long) frame * 20, AST_AUDIOHOOK_DIRECTION_READ);
        wait_ms(8);
    }
    return 0;
}

static const char *variable(struct ast_channel *chan, const char *name) {
    static _Thread_local char value[256];
    value[0] = 0;
    ast_channel_lock(chan);
    for (size_t n = 0; n < ARRAY_LEN(chan->variables); n++) {
        if (!strcmp(chan->variables[n].name, name)) snprintf(value, sizeof value, "%s", chan->variables[n].value);
    }
    ast_channel_unlock(chan);
    return value;
}

static const char *field(struct ast_channel *chan, const char *name) {
    static _Thread_local char value[256];
    char argument[32];
    snprintf(argument, sizeof argument, "%s", name);
    CHECK(function->read(chan, "VERAVOX", argument, value, sizeof value) == 0);
    return value;
}

static void is_so(struct ast_channel *chan, const char *status, const char *cause) {
    if (strcmp(variable(chan, "VERAVOX_STATUS"), status)) fprintf(stderr, "status %s\n", variable(chan, "VERAVOX_STATUS"));
    CHECK(!strcmp(variable(chan, "VERAVOX_STATUS"), status));
    CHECK(!strcmp(variable(chan, "VERAVOX_CAUSE"), cause));
}

/* --- The tests --- */

static void a_machine_is_found(void) {
    struct ast_channel *chan = call();
    CHECK(!strcmp(field(chan, "status"), "ERROR") && !strcmp(field(chan, "cause"), "not_watched"));
    CHECK(application(chan, "") == 0);
    is_so(chan, "NOTSURE", "too_little_speech");
    CHECK(!strcmp(field(chan, "status"), "NOTSURE") && !strcmp(field(chan, "score"), ""));
    /* A second time: watched once, and waited for. On a machine with no time to score it is waited for again. */
    for (int n = 0; n < 10 && strcmp(variable(chan, "VERAVOX_STATUS"), "SYNTHETIC"); n++) CHECK(application(chan, "w(12)") == 0);
    is_so(chan, "SYNTHETIC", "");
    CHECK(atof(variable(chan, "VERAVOX_SCORE")) > 2 && atol(variable(chan, "VERAVOX_SPEECH_MS")) > 2000);
    CHECK(!strcmp(field(chan, "status"), "SYNTHETIC") && !strcmp(field(chan, "stage"), "firm"));
    for (int n = 0; n < 100 && chan->n_events == 0; n++) wait_ms(10);
    ast_channel_lock(chan);
    CHECK(chan->n_events == 1 && !strcmp(chan->last_event, "SYNTHETIC"));
    ast_channel_unlock(chan);
    char argument[] = "colour", value[8];
    CHECK(function->read(chan, "VERAVOX", argument, value, sizeof value) == -1);
    CHECK(function->read(NULL, "VERAVOX", argument, value, sizeof value) == -1);
    CHECK(application(chan, "s") == 0 && !chan->hook && !chan->datastore);
    is_so(chan, "SYNTHETIC", "");
    CHECK(!strcmp(field(chan, "cause"), "not_watched"));
    CHECK(application(chan, "s") == 0);
    hang_up(chan);
}

/* What the channel sends is not what it receives; what never came is told. */
static void the_other_direction_is_not_heard(void) {
    struct ast_channel *chan = call();
    application(chan, NULL);
    for (size_t frame = 0; frame < 300; frame++) {
        hear_frame(chan, frame, (long) frame * 20, AST_AUDIOHOOK_DIRECTION_WRITE);
        wait_ms(1);
    }
    wait_ms(100);
    CHECK(!strcmp(field(chan, "status"), "NOTSURE") && !strcmp(field(chan, "speech_ms"), "0"));
    /* Nothing was sent, 50 packets and then half of 3 s were lost, the numbers begin anew, and a clock jumped. */
    const struct { size_t frame; long ts; } frames[] = {{0, 0}, {1, 2000}, {52, 3020}, {120, 6020}, {65535, 6040}, {65536, 7000}, {65537, 70000}};
    for (size_t n = 0; n < ARRAY_LEN(frames); n++) hear_frame(chan, frames[n].frame, frames[n].ts, AST_AUDIOHOOK_DIRECTION_READ);
    struct watch *watch = chan->datastore->data;
    CHECK(watch->heard_until_ms == 70020);
    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_leg_finish(watch->leg->leg, 10000, &verdict));
    /* 1.0 s, 67 packets of 20 ms, and (65535 after 120) all of a hole of 0 ms. */
    CHECK(fabs(verdict.lost_seconds - (1.0 + 67 * 0.02)) < 0.001);
    struct ast_frame digit = {.frametype = AST_FRAME_DTMF, .subclass = {&chan->format}};
    CHECK(chan->hook->manipulate_callback(chan->hook, chan, &digit, AST_AUDIOHOOK_DIRECTION_READ) != 0);
    hang_up(chan);
}

static void calls_go_on_without_a_verdict(void) {
    configured_model = "/nowhere";
    CHECK(module.reload() == 0);
    struct ast_channel *chan = call();
    CHECK(application(chan, "w(5)") == 0); /* does not wait: there is nothing to wait for */
    is_so(chan, "ERROR", "model");
    for (size_t frame = 0; frame < 100; frame++) hear_frame(chan, frame, (long) frame * 20, AST_AUDIOHOOK_DIRECTION_READ);
    CHECK(!strcmp(field(chan, "cause"), "model"));
    hang_up(chan);
    configured_model = NULL;
    configured_max_calls = "1";
    CHECK(module.reload() == 0);
    struct ast_channel *first = call(), *second = call();
    application(first, "");
    application(second, "");
    is_so(first, "NOTSURE", "too_little_speech");
    is_so(second, "ERROR", "overloaded");
    hear_frame(second, 0, 0, AST_AUDIOHOOK_DIRECTION_READ);
    hang_up(second);
    hang_up(first);
    configured_max_calls = NULL;
    CHECK(module.reload() == 0);
}

static void *call_and_hang_up(void *argument) {
    int seed = *(int *) argument;
    for (int n = 0; n < 40; n++) {
        struct ast_channel *chan = call();
        application(chan, "");
        for (int frame = 0; frame < n * (seed + 2) % 30; frame++) {
            hear_frame(chan, (size_t) frame, frame * 20, AST_AUDIOHOOK_DIRECTION_READ);
        }
        if (n % 4 == 3) application(chan, "s");
        hang_up(chan);
    }
    return NULL;
}

static void calls_hang_up_at_every_moment_while_it_is_reloaded(void) {
    pthread_t threads[4];
    int seeds[4];
    for (int n = 0; n < 4; n++) {
        seeds[n] = n;
        CHECK(!pthread_create(&threads[n], NULL, call_and_hang_up, &seeds[n]));
    }
    for (int n = 0; n < 3; n++) CHECK(module.reload() == 0);
    for (int n = 0; n < 4; n++) pthread_join(threads[n], NULL);
}

int main(void) {
    WORKS(vvx_runtime_select(VVX_RUNTIME_BUILT_IN, NULL));
    samples = read_wav(testdata("calls/03-bank-card.alaw.wav"), &n_samples);
    CHECK(module.load() == AST_MODULE_LOAD_SUCCESS);
    a_machine_is_found();
    the_other_direction_is_not_heard();
    calls_go_on_without_a_verdict();
    calls_hang_up_at_every_moment_while_it_is_reloaded();
    CHECK(n_module_refs == 0);
    /* Unloaded by force: the watching stops first. */
    struct ast_channel *chan = call();
    application(chan, "");
    CHECK(n_module_refs == 1);
    hear_frame(chan, 0, 0, AST_AUDIOHOOK_DIRECTION_READ);
    CHECK(module.unload() == 0 && n_module_refs == 0 && !chan->hook);
    is_so(chan, "ERROR", "stopped");
    hear_frame(chan, 1, 20, AST_AUDIOHOOK_DIRECTION_READ);
    hang_up(chan);
    free(samples);
    puts("asterisk module: ok");
    return 0;
}
