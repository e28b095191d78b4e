/* What the modules for phone systems share: an engine that may be missing, and legs whose verdicts are words.

   Fail open. Nothing here fails a call: an engine without a model, or with too many calls, gives legs that take audio like any
   other and whose status is ERROR, with its cause. No verdict is never HUMAN. */
#ifndef PHONE_LEG_H
#define PHONE_LEG_H

#include <stddef.h>
#include <stdint.h>

#include <veravox/veravox.h>

/* As an administrator sets it; zero or NULL stands for the library's own choice. */
struct phone_settings {
    const char *model;
    const char *calibration; /* the file of a site's calibration */
    unsigned workers;
    unsigned max_calls;
};

/* A verdict in the words of a dialplan. */
struct phone_verdict {
    const char *status; /* "HUMAN", "SYNTHETIC", "NOTSURE" or "ERROR" */
    const char *stage;  /* "listening", "provisional", "firm" or "changed" */
    char cause[256];    /* why it is NOTSURE or ERROR: names with commas between; empty otherwise */
    char score[24];     /* llr, positive = synthetic; empty before anything was scored */
    unsigned long speech_ms;
};

struct phone_engine;
struct phone_leg;

/* News of a leg. `is_firm` where the verdict became firm or changed with them, `is_last` where nothing comes any more. Comes in
   the engine's own thread for events: it may take locks and its time, and must not free the engine. */
typedef void (*phone_news)(void *owner, const struct phone_verdict *verdict, int is_firm, int is_last);

/* Starts an engine. NULL only without memory: one that cannot score is one whose legs say so. */
struct phone_engine *phone_engine_start(const struct phone_settings *settings);

/* Why it cannot score; NULL where it can. */
const char *phone_engine_error(const struct phone_engine *engine);

/* Legs that are not freed yet. */
unsigned phone_engine_n_legs(const struct phone_engine *engine);

/* What it does, if it can score. */
int phone_engine_stats(const struct phone_engine *engine, vvx_engine_stats *stats);

/* Stops it, waits for its threads and frees it. Its legs have their last news by then, and must have been released by whoever
   opened them. Never in news. */
void phone_engine_free(struct phone_engine *engine);

/* Opens a leg. NULL only without memory. `release` frees the owner when the leg is done with: after its last news, and after
   phone_leg_release. */
struct phone_leg *phone_leg_open(struct phone_engine *engine, unsigned sample_rate_hz, phone_news news, void *owner,
                                 void (*release)(void *owner));

/* The next samples. Real-time safe: no allocation, no lock, no system call, no log. One thread at a time. */
void phone_leg_push(struct phone_leg *leg, unsigned sample_rate_hz, const int16_t *samples, size_t n_samples);

/* So many milliseconds never came. Real-time safe; one thread at a time, as phone_leg_push. */
void phone_leg_lost(struct phone_leg *leg, unsigned long ms);

/* For so many milliseconds nothing was sent, since the other side was silent. As phone_leg_lost. */
void phone_leg_silence(struct phone_leg *leg, unsigned long ms);

/* The verdict so far. Real-time safe; any thread. */
void phone_leg_read(const struct phone_leg *leg, struct phone_verdict *verdict);

/* No more audio comes. Real-time safe; any thread. */
void phone_leg_close(struct phone_leg *leg);

/* Closes the leg and lets go of it. It is freed here or, after its last news, in the engine's thread. */
void phone_leg_release(struct phone_leg *leg);

#endif
