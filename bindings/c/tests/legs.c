/* Legs that go on: events by polling and by callback, many threads, hang-ups at every moment. Built under AddressSanitizer,
   ThreadSanitizer and run under valgrind as well. */

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { FRAME = 160 };

/* valgrind is slow: a round of each suffices there. */
static int is_short;

static int16_t *samples;
static size_t n_samples;

/* As long a buffer as there is: audio comes as fast as it can be pushed, and all of it is to be scored. */
static vvx_engine *start(vvx_detector *detector, vvx_event_callback on_event) {
    vvx_engine_config config = {
        .struct_size = sizeof config, .workers = 2, .buffer_ms = 60000, .max_delay_ms = 60000, .on_event = on_event};
    vvx_engine *engine;
    WORKS(vvx_engine_start(detector, &config, &engine));
    return engine;
}

static vvx_leg *open_leg(vvx_engine *engine, void *user_data) {
    vvx_leg_config config = {.struct_size = sizeof config, .sample_rate_hz = 8000, .user_data = user_data};
    vvx_leg *leg;
    WORKS(vvx_leg_open(engine, &config, &leg));
    return leg;
}

static void push_call(vvx_leg *leg, size_t n_frames) {
    for (size_t frame = 0; frame < n_frames && (frame + 1) * FRAME <= n_samples; frame++) {
        size_t n_taken;
        WORKS(vvx_leg_push(leg, samples + frame * FRAME, FRAME, &n_taken));
        CHECK(n_taken == FRAME);
    }
}

static void an_engines_voice_is_found_by_polling(vvx_detector *detector) {
    vvx_engine *engine = start(detector, NULL);
    vvx_leg *leg = open_leg(engine, NULL);
    push_call(leg, SIZE_MAX / FRAME - 1);
    WORKS(vvx_leg_close(leg));
    int n_windows = 0, n_firm = 0, over = 0;
    for (int n = 0; n < 60000 && !over; n++) {
        vvx_event event = {.struct_size = sizeof event};
        WORKS(vvx_leg_poll(leg, &event));
        switch (event.kind) {
        case VVX_EVENT_KIND_WINDOW:
            CHECK(event.start_seconds < event.end_seconds && !isnan(event.llr));
            n_windows++;
            break;
        case VVX_EVENT_KIND_VERDICT:
            CHECK(event.verdict->struct_size == sizeof(vvx_verdict) && event.verdict->state == VVX_STATE_OPEN);
            n_firm += event.verdict->stage == VVX_STAGE_FIRM;
            break;
        case VVX_EVENT_KIND_ENDED:
            CHECK(event.verdict->state == VVX_STATE_ENDED && strstr(event.text, "\"windows\":[") != NULL);
            over = 1;
            break;
        default:
            CHECK(event.kind == VVX_EVENT_KIND_NONE);
            wait_ms(1);
        }
    }
    CHECK(over && n_windows >= 5 && n_firm >= 1);
    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_leg_verdict(leg, &verdict));
    CHECK(verdict.decision == VVX_DECISION_SYNTHETIC && verdict.llr > 2 && verdict.lost_seconds == 0);
    CHECK(verdict.firm_at_seconds > 0 && verdict.speech_seconds > 8 && verdict.shed_windows == 0);
    WORKS(vvx_leg_free(leg));
    WORKS(vvx_engine_free(engine));
}

/* What a callback and the threads of a test share. The library hands it from one thread to the other; ThreadSanitizer, which
   does not see into it, is shown that by the lock. */
struct call {
    pthread_mutex_t lock;
    vvx_engine *engine;
    int n_events, ended, failed;
    vvx_decision decision;
    int frees_itself;
};

static pthread_mutex_t handing_over = PTHREAD_MUTEX_INITIALIZER;

static void hand_over(void) {
    pthread_mutex_lock(&handing_over);
    pthread_mutex_unlock(&handing_over);
}

static void hear(void *user_data, vvx_leg *leg, const vvx_event *event) {
    hand_over();
    struct call *call = user_data;
    pthread_mutex_lock(&call->lock);
    call->n_events++;
    CHECK(event->struct_size == sizeof *event && event->verdict != NULL);
    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_leg_verdict(leg, &verdict));
    CHECK(verdict.decision == event->verdict->decision && verdict.state == event->verdict->state);
    /* What would wait for callbacks says so, and does not. */
    GIVES(vvx_leg_finish(leg, 1000, &verdict), VVX_STATUS_BUSY);
    GIVES(vvx_engine_stop(call->engine), VVX_STATUS_BUSY);
    vvx_event other = {.struct_size = sizeof other};
    GIVES(vvx_leg_poll(leg, &other), VVX_STATUS_INVALID_ARGUMENT);
    if (event->kind == VVX_EVENT_KIND_ENDED) {
        const char *json;
        WORKS(vvx_leg_json(leg, &json));
        CHECK(!strcmp(json, event->text));
        call->ended++;
        call->decision = verdict.decision;
    }
    if (event->kind == VVX_EVENT_KIND_FAILED) {
        CHECK(verdict.error == VVX_STATUS_CANCELLED && verdict.decision == VVX_DECISION_INCONCLUSIVE);
        call->failed++;
    }
    if (call->frees_itself && verdict.state != VVX_STATE_OPEN) WORKS(vvx_leg_free(leg));
    pthread_mutex_unlock(&call->lock);
}

static struct call *new_call(vvx_engine *engine, int frees_itself) {
    struct call *call = calloc(1, sizeof *call);
    pthread_mutex_init(&call->lock, NULL);
    call->engine = engine;
    call->frees_itself = frees_itself;
    hand_over();
    return call;
}

static int is_over(struct call *call) {
    pthread_mutex_lock(&call->lock);
    int over = call->ended + call->failed;
    pthread_mutex_unlock(&call->lock);
    return over;
}

static void free_call(struct call *call) {
    /* Its callback may still hold the lock. */
    pthread_mutex_lock(&call->lock);
    pthread_mutex_unlock(&call->lock);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static void an_engines_voice_is_found_by_callback(vvx_detector *detector) {
    vvx_engine *engine = start(detector, hear);
    struct call *call = new_call(engine, 0);
    vvx_leg *leg = open_leg(engine, call);
    push_call(leg, SIZE_MAX / FRAME - 1);
    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_leg_finish(leg, 120000, &verdict));
    CHECK(verdict.decision == VVX_DECISION_SYNTHETIC);
    /* When this returns no callback of the leg runs, and none will. */
    WORKS(vvx_leg_free(leg));
    CHECK(is_over(call));
    CHECK(call->ended == 1 && call->failed == 0 && call->n_events >= 5 && call->decision == VVX_DECISION_SYNTHETIC);
    free_call(call);

    /* The leg is freed by its own last callback: how a module does it whose channel is gone by then. */
    call = new_call(engine, 1);
    leg = open_leg(engine, call);
    push_call(leg, 200);
    WORKS(vvx_leg_close(leg));
    while (!is_over(call)) wait_ms(1);
    WORKS(vvx_engine_free(engine));
    CHECK(call->ended == 1);
    free_call(call);
}

static void an_engine_that_stops_tells_every_leg(vvx_detector *detector) {
    vvx_engine *engine = start(detector, hear);
    struct call *calls[20];
    vvx_leg *legs[20];
    for (int n = 0; n < 20; n++) {
        calls[n] = new_call(engine, 0);
        legs[n] = open_leg(engine, calls[n]);
        push_call(legs[n], (size_t)n);
    }
    WORKS(vvx_engine_stop(engine));
    for (int n = 0; n < 20; n++) {
        CHECK(is_over(calls[n]));
        CHECK(calls[n]->failed == 1 && calls[n]->ended == 0);
        GIVES(vvx_leg_push(legs[n], samples, FRAME, NULL), VVX_STATUS_CLOSED);
    }
    WORKS(vvx_engine_free(engine));
    for (int n = 0; n < 20; n++) {
        WORKS(vvx_leg_free(legs[n]));
        free_call(calls[n]);
    }
}

struct shared_leg {
    vvx_leg *leg;
    atomic_int go_on;
    atomic_long n_pushed, n_busy, n_read;
};

static void *push_at_once(void *argument) {
    struct shared_leg *shared = argument;
    for (size_t n = 0; n < 400; n++) {
        vvx_status status = vvx_leg_push(shared->leg, samples + n * FRAME, FRAME, NULL);
        CHECK(status == VVX_STATUS_OK || status == VVX_STATUS_BUSY || status == VVX_STATUS_CLOSED);
        atomic_fetch_add(status == VVX_STATUS_OK ? &shared->n_pushed : &shared->n_busy, 1);
    }
    return NULL;
}

static void *read_all_the_time(void *argument) {
    struct shared_leg *shared = argument;
    while (atomic_load(&shared->go_on)) {
        vvx_verdict verdict = {.struct_size = sizeof verdict};
        WORKS(vvx_leg_verdict(shared->leg, &verdict));
        /* Never half of one verdict and half of another. */
        CHECK(verdict.decision == VVX_DECISION_INCONCLUSIVE || (!isnan(verdict.llr) && verdict.reasons == 0));
        atomic_fetch_add(&shared->n_read, 1);
    }
    return NULL;
}

static void *poll_all_the_time(void *argument) {
    struct shared_leg *shared = argument;
    while (atomic_load(&shared->go_on)) {
        vvx_event event = {.struct_size = sizeof event};
        WORKS(vvx_leg_poll(shared->leg, &event));
        wait_ms(1);
    }
    return NULL;
}

/* Two that push, two that read, two that poll, and one that closes in the midst of it. */
static void threads_do_as_they_like(vvx_detector *detector) {
    vvx_engine *engine = start(detector, NULL);
    for (int round = 0; round < (is_short ? 2 : 6); round++) {
        struct shared_leg shared = {.leg = open_leg(engine, NULL)};
        atomic_init(&shared.go_on, 1);
        pthread_t threads[6];
        void *(*const work[6])(void *) = {push_at_once, push_at_once, read_all_the_time, read_all_the_time,
                                          poll_all_the_time, poll_all_the_time};
        for (int n = 0; n < 6; n++) CHECK(!pthread_create(&threads[n], NULL, work[n], &shared));
        if (round % 2) {
            wait_ms(round);
            WORKS(vvx_leg_close(shared.leg));
        }
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        vvx_verdict verdict = {.struct_size = sizeof verdict};
        WORKS(vvx_leg_finish(shared.leg, 120000, &verdict));
        CHECK(verdict.state == VVX_STATE_ENDED);
        atomic_store(&shared.go_on, 0);
        for (int n = 2; n < 6; n++) pthread_join(threads[n], NULL);
        CHECK(shared.n_read > 0 && shared.n_pushed + shared.n_busy == 800);
        WORKS(vvx_leg_free(shared.leg));
    }
    WORKS(vvx_engine_free(engine));
}

struct lines {
    vvx_engine *engine;
    int seed;
};

static void *call_and_hang_up(void *argument) {
    struct lines *lines = argument;
    for (int n = 0; n < (is_short ? 6 : 25); n++) {
        int frees_itself = (n + lines->seed) % 2;
        struct call *call = new_call(lines->engine, frees_itself);
        vvx_leg *leg = open_leg(lines->engine, call);
        push_call(leg, (size_t)(n * (lines->seed + 3) % 60));
        if (frees_itself) {
            WORKS(vvx_leg_close(leg));
            while (!is_over(call)) wait_ms(1);
        } else {
            if (n % 3) WORKS(vvx_leg_close(leg));
            WORKS(vvx_leg_free(leg));
        }
        free_call(call);
    }
    return NULL;
}

static void calls_hang_up_at_every_moment(vvx_detector *detector) {
    vvx_engine *engine = start(detector, hear);
    pthread_t threads[4];
    struct lines lines[4];
    for (int n = 0; n < 4; n++) {
        lines[n] = (struct lines){engine, n};
        CHECK(!pthread_create(&threads[n], NULL, call_and_hang_up, &lines[n]));
    }
    for (int n = 0; n < 4; n++) pthread_join(threads[n], NULL);
    WORKS(vvx_engine_free(engine));
}

int main(int n_arguments, char **arguments) {
    is_short = n_arguments > 1 && !strcmp(arguments[1], "--short");
    vvx_detector *detector = make_detector();
    samples = read_wav(testdata("calls/03-bank-card.alaw.wav"), &n_samples);
    an_engines_voice_is_found_by_polling(detector);
    an_engines_voice_is_found_by_callback(detector);
    an_engine_that_stops_tells_every_leg(detector);
    threads_do_as_they_like(detector);
    calls_hang_up_at_every_moment(detector);
    free(samples);
    WORKS(vvx_detector_free(detector));
    puts("legs: ok");
    return 0;
}
