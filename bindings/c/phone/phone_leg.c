#include "phone_leg.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct phone_engine {
    vvx_engine *engine; /* NULL where it cannot score */
    vvx_status error;
    char words[256];
    atomic_uint n_legs;
};

struct phone_leg {
    struct phone_engine *engine;
    vvx_leg *leg; /* NULL where it was not opened */
    vvx_status error;
    unsigned rate;
    vvx_stage stage; /* of the last news; of the engine's thread alone */
    vvx_decision decision;
    phone_news news;
    void *owner;
    void (*release)(void *owner);
    atomic_uint n_holders; /* whoever opened it; the engine, until the last news */
};

/* The cause of an error, in one word. */
static const char *cause_of(vvx_status error) {
    switch (error) {
    case VVX_STATUS_OVERLOADED:
        return "overloaded";
    case VVX_STATUS_CLOSED:
    case VVX_STATUS_CANCELLED:
        return "stopped";
    case VVX_STATUS_NOT_FOUND:
    case VVX_STATUS_PERMISSION_DENIED:
    case VVX_STATUS_IO:
    case VVX_STATUS_INVALID_MANIFEST:
    case VVX_STATUS_HASH_MISMATCH:
    case VVX_STATUS_INVALID_MODEL:
        return "model";
    case VVX_STATUS_RUNTIME:
        return "runtime";
    case VVX_STATUS_LIMIT_EXCEEDED:
        return "sample_rate";
    case VVX_STATUS_INVALID_ARGUMENT:
        return "settings";
    default:
        return "internal";
    }
}

static void put_words(const vvx_verdict *from, vvx_status error, struct phone_verdict *to) {
    memset(to, 0, sizeof *to);
    to->stage = vvx_stage_name(from->stage);
    to->speech_ms = (unsigned long)(from->speech_seconds * 1000.0);
    if (!isnan(from->llr)) snprintf(to->score, sizeof to->score, "%.2f", from->llr);
    if (error == VVX_STATUS_OK && from->reasons & VVX_REASON_NOT_SCORED) error = VVX_STATUS_OVERLOADED;
    if (error != VVX_STATUS_OK) {
        to->status = "ERROR";
        snprintf(to->cause, sizeof to->cause, "%s", cause_of(error));
        return;
    }
    switch (from->decision) {
    case VVX_DECISION_SYNTHETIC:
        to->status = "SYNTHETIC";
        return;
    case VVX_DECISION_BONAFIDE:
        to->status = "HUMAN";
        return;
    default:
        to->status = "NOTSURE";
    }
    for (uint32_t reason = 1; reason != 0; reason <<= 1) {
        if (from->reasons & reason) {
            size_t used = strlen(to->cause);
            snprintf(to->cause + used, sizeof to->cause - used, "%s%s", used ? "," : "", vvx_reason_name(reason));
        }
    }
}

static void let_go(struct phone_leg *leg) {
    if (atomic_fetch_sub_explicit(&leg->n_holders, 1, memory_order_acq_rel) != 1) return;
    vvx_leg_free(leg->leg);
    if (leg->release) leg->release(leg->owner);
    atomic_fetch_sub(&leg->engine->n_legs, 1);
    free(leg);
}

static void on_event(void *user_data, vvx_leg *handle, const vvx_event *event) {
    (void)handle;
    if (event->kind != VVX_EVENT_KIND_VERDICT && event->kind != VVX_EVENT_KIND_ENDED && event->kind != VVX_EVENT_KIND_FAILED) return;
    struct phone_leg *leg = user_data;
    const vvx_verdict *verdict = event->verdict;
    struct phone_verdict words;
    put_words(verdict, verdict->error, &words);
    int is_founded = verdict->stage == VVX_STAGE_FIRM || verdict->stage == VVX_STAGE_CHANGED;
    int is_firm = is_founded && (verdict->stage != leg->stage || verdict->decision != leg->decision);
    int is_last = event->kind != VVX_EVENT_KIND_VERDICT;
    leg->stage = verdict->stage;
    leg->decision = verdict->decision;
    if (leg->news) leg->news(leg->owner, &words, is_firm, is_last);
    if (is_last) let_go(leg);
}

struct phone_engine *phone_engine_start(const struct phone_settings *settings) {
    struct phone_engine *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    atomic_init(&made->n_legs, 0);
    if (vvx_abi_version() != VVX_ABI_VERSION) {
        made->error = VVX_STATUS_OTHER;
        snprintf(made->words, sizeof made->words, "libveravox has another binary interface than this module was built for");
        return made;
    }
    vvx_detector *detector = NULL;
    vvx_detector_config model = {
        .struct_size = sizeof model, .model = settings->model, .calibration = settings->calibration};
    made->error = vvx_detector_new(&model, &detector);
    if (made->error == VVX_STATUS_OK) {
        vvx_engine_config config = {.struct_size = sizeof config,
                                    .workers = settings->workers,
                                    .max_legs = settings->max_calls,
                                    .on_event = on_event};
        made->error = vvx_engine_start(detector, &config, &made->engine);
    }
    if (made->error != VVX_STATUS_OK) snprintf(made->words, sizeof made->words, "%s", vvx_last_error());
    vvx_detector_free(detector);
    return made;
}

const char *phone_engine_error(const struct phone_engine *engine) {
    return engine->engine ? NULL : engine->words;
}

unsigned phone_engine_n_legs(const struct phone_engine *engine) {
    return atomic_load(&engine->n_legs);
}

int phone_engine_stats(const struct phone_engine *engine, vvx_engine_stats *stats) {
    stats->struct_size = sizeof *stats;
    return engine->engine && vvx_engine_get_stats(engine->engine, stats) == VVX_STATUS_OK;
}

void phone_engine_free(struct phone_engine *engine) {
    if (!engine) return;
    vvx_engine_free(engine->engine);
    free(engine);
}

struct phone_leg *phone_leg_open(struct phone_engine *engine, unsigned sample_rate_hz, phone_news news, void *owner,
                                 void (*release)(void *owner)) {
    struct phone_leg *leg = calloc(1, sizeof *leg);
    if (!leg) return NULL;
    leg->engine = engine;
    leg->rate = sample_rate_hz;
    leg->news = news;
    leg->owner = owner;
    leg->release = release;
    leg->error = engine->error;
    atomic_fetch_add(&engine->n_legs, 1);
    /* The engine's share is counted before it can give it back. */
    atomic_init(&leg->n_holders, 2);
    if (engine->engine) {
        vvx_leg_config config = {.struct_size = sizeof config, .sample_rate_hz = sample_rate_hz, .user_data = leg};
        leg->error = vvx_leg_open(engine->engine, &config, &leg->leg);
    }
    if (leg->error != VVX_STATUS_OK) atomic_fetch_sub(&leg->n_holders, 1);
    return leg;
}

void phone_leg_push(struct phone_leg *leg, unsigned sample_rate_hz, const int16_t *samples, size_t n_samples) {
    if (!leg->leg) return;
    if (sample_rate_hz != leg->rate && vvx_leg_change_rate(leg->leg, sample_rate_hz) == VVX_STATUS_OK) {
        leg->rate = sample_rate_hz;
    }
    if (sample_rate_hz == leg->rate) vvx_leg_push(leg->leg, samples, n_samples, NULL);
}

void phone_leg_lost(struct phone_leg *leg, unsigned long ms) {
    if (leg->leg) vvx_leg_lost(leg->leg, (uint64_t)ms * leg->rate / 1000);
}

void phone_leg_silence(struct phone_leg *leg, unsigned long ms) {
    if (leg->leg) vvx_leg_silence(leg->leg, (uint64_t)ms * leg->rate / 1000);
}

void phone_leg_read(const struct phone_leg *leg, struct phone_verdict *words) {
    vvx_verdict verdict = {.struct_size = sizeof verdict, .llr = NAN};
    vvx_status error = leg->error;
    if (leg->leg && vvx_leg_verdict(leg->leg, &verdict) == VVX_STATUS_OK) error = verdict.error;
    put_words(&verdict, error, words);
}

void phone_leg_close(struct phone_leg *leg) {
    if (leg->leg) vvx_leg_close(leg->leg);
}

void phone_leg_release(struct phone_leg *leg) {
    if (!leg) return;
    phone_leg_close(leg);
    let_go(leg);
}
