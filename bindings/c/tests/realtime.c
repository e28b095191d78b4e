/* What is called real-time safe makes no system call, which a lock or a wait would, and takes no memory. A thread of this test
   first gives up the right to any system call but its own end (seccomp, strict), and then brings a call, with errors. */

#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

/* All memory of the process, the library's too, comes from here. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static _Thread_local long n_taken_here;

void *malloc(size_t size) {
    n_taken_here++;
    return __libc_malloc(size);
}
void *calloc(size_t n, size_t size) {
    n_taken_here++;
    return __libc_calloc(n, size);
}
void *realloc(void *old, size_t size) {
    n_taken_here++;
    return __libc_realloc(old, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
    n_taken_here++;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : 12;
}

static int16_t *samples;
static size_t n_samples;
static vvx_leg *leg, *small;
static vvx_detector *detector;
static atomic_int came_so_far = 0, n_wrong = 0;
static atomic_long n_allocations = -1;

#define MUST(call, status) ((call) == (status) ? 0 : atomic_fetch_add(&n_wrong, 1))

static void *bring_a_call(void *nothing) {
    (void)nothing;
    static float floats[160];
    long before = n_taken_here;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) return NULL;
    for (size_t frame = 0; (frame + 1) * 160 <= n_samples; frame++) {
        size_t n;
        vvx_verdict verdict;
        verdict.struct_size = sizeof verdict;
        MUST(vvx_leg_push(leg, samples + frame * 160, 160, &n), VVX_STATUS_OK);
        MUST(vvx_leg_verdict(leg, &verdict), VVX_STATUS_OK);
        MUST(vvx_leg_room(leg, &n), VVX_STATUS_OK);
        if (frame % 50 == 7) MUST(vvx_leg_lost(leg, 160), VVX_STATUS_OK);
        if (frame % 50 == 9) MUST(vvx_leg_silence(leg, 160), VVX_STATUS_OK);
        if (frame % 50 == 11) MUST(vvx_leg_hold(leg), VVX_STATUS_OK);
        if (frame % 50 == 12) MUST(vvx_leg_resume(leg), VVX_STATUS_OK);
        if (frame % 50 == 13) MUST(vvx_leg_change_rate(leg, frame % 100 == 13 ? 16000 : 8000), VVX_STATUS_OK);
        /* Far more than finds room. */
        MUST(vvx_leg_push_f32(small, floats, 160, NULL), VVX_STATUS_OK);
        MUST(vvx_leg_lost(small, 1), VVX_STATUS_OK);
        /* What goes wrong is no slower. */
        MUST(vvx_leg_push(NULL, samples, 160, NULL), VVX_STATUS_NULL_POINTER);
        MUST(vvx_leg_push((vvx_leg *)detector, samples, 160, NULL), VVX_STATUS_BAD_HANDLE);
        MUST(vvx_leg_change_rate(leg, 1), VVX_STATUS_LIMIT_EXCEEDED);
        if (vvx_strerror(VVX_STATUS_BUSY)[0] != 'b') atomic_fetch_add(&n_wrong, 1);
    }
    MUST(vvx_leg_close(leg), VVX_STATUS_OK);
    MUST(vvx_leg_push(leg, samples, 160, NULL), VVX_STATUS_CLOSED);
    atomic_store(&n_allocations, n_taken_here - before);
    atomic_store(&came_so_far, 1);
    /* The thread's usual end would want more. */
    syscall(SYS_exit, 0);
    return NULL;
}

int main(void) {
    detector = make_detector();
    samples = read_wav(testdata("calls/03-bank-card.alaw.wav"), &n_samples);
    vvx_engine *engine;
    vvx_engine_config config = {.struct_size = sizeof config, .workers = 1};
    WORKS(vvx_engine_start(detector, &config, &engine));
    vvx_leg_config of = {.struct_size = sizeof of, .sample_rate_hz = 8000};
    WORKS(vvx_leg_open(engine, &of, &leg));
    WORKS(vvx_leg_open(engine, &of, &small));
    CHECK(n_taken_here > 100);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, bring_a_call, NULL));
    pthread_join(thread, NULL);
    if (!came_so_far) fprintf(stderr, "the thread was killed at a system call, or may give up none here\n");
    CHECK(came_so_far && n_wrong == 0 && n_allocations == 0);
    WORKS(vvx_leg_free(leg));
    WORKS(vvx_leg_free(small));
    WORKS(vvx_engine_free(engine));
    WORKS(vvx_detector_free(detector));
    puts("realtime: ok");
    return 0;
}
