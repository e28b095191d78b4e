/* Watches a call that goes on, 16-bit samples of 8 kHz on standard input:
   cc live_leg.c $(pkg-config --cflags --libs veravox) -o live_leg; sox call.wav -t s16 -r 8000 -c 1 - | ./live_leg */
#include <stdio.h>
#include <time.h>
#include <veravox/veravox.h>

/* In the engine's thread for events: it may take its time. The thread that pushes never waits for it. */
static void on_event(void *user_data, vvx_leg *leg, const vvx_event *event) {
    (void)leg;
    const char *name = user_data;
    if (event->kind == VVX_EVENT_KIND_VERDICT || event->kind == VVX_EVENT_KIND_ENDED) {
        printf("%s: %s, %s, llr %+.1f after %.1f s of speech\n", name, vvx_stage_name(event->verdict->stage),
               vvx_decision_name(event->verdict->decision), event->verdict->llr, event->verdict->speech_seconds);
    } else if (event->kind == VVX_EVENT_KIND_FAILED) {
        printf("%s: no verdict: %s\n", name, event->text);
    }
}

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vvx_last_error());
    return 1;
}

int main(void) {
    vvx_detector *detector;
    if (vvx_detector_new(NULL, &detector) != VVX_STATUS_OK) return failed("no detector");
    vvx_engine_config config = {.struct_size = sizeof config, .on_event = on_event};
    vvx_engine *engine;
    if (vvx_engine_start(detector, &config, &engine) != VVX_STATUS_OK) return failed("no engine");
    vvx_detector_free(detector);

    vvx_leg_config caller = {.struct_size = sizeof caller, .sample_rate_hz = 8000, .user_data = "caller"};
    vvx_leg *leg;
    if (vvx_leg_open(engine, &caller, &leg) != VVX_STATUS_OK) return failed("no leg");

    int16_t packet[160]; /* 20 ms */
    size_t n_samples;
    while ((n_samples = fread(packet, sizeof *packet, 160, stdin)) > 0) {
        vvx_status status = vvx_leg_push(leg, packet, n_samples, NULL); /* takes a microsecond, and never waits */
        if (status != VVX_STATUS_OK) fprintf(stderr, "not heard: %s\n", vvx_strerror(status));
        nanosleep(&(struct timespec){0, 20000000}, NULL); /* a call comes at its own pace, a file does not */
    }

    vvx_verdict verdict = {.struct_size = sizeof verdict};
    if (vvx_leg_finish(leg, 10000, &verdict) != VVX_STATUS_OK) failed("no verdict");
    vvx_leg_free(leg);
    vvx_engine_free(engine);
    return verdict.decision == VVX_DECISION_SYNTHETIC ? 3 : 0;
}
