/* What the C tests share: checks that say where they failed, and audio to push. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <veravox/veravox.h>

#define CHECK(holds)                                                                                                  \
    do {                                                                                                              \
        if (!(holds)) {                                                                                               \
            fprintf(stderr, "%s:%d: %s does not hold; last error: %s\n", __FILE__, __LINE__, #holds, vvx_last_error()); \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define GIVES(call, status)                                                                                           \
    do {                                                                                                              \
        vvx_status found_ = (call);                                                                                   \
        if (found_ != (status)) {                                                                                     \
            fprintf(stderr, "%s:%d: %s gives %s, not %s; last error: %s\n", __FILE__, __LINE__, #call,                \
                    vvx_strerror(found_), vvx_strerror(status), vvx_last_error());                                    \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define WORKS(call) GIVES(call, VVX_STATUS_OK)

/* A file of testdata/, whose place the Makefile knows. */
static inline const char *testdata(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", TESTDATA, name);
    return path;
}

static inline unsigned char *read_file(const char *path, size_t *n_bytes) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    *n_bytes = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = (unsigned char *)malloc(*n_bytes + 1);
    if (!bytes || fread(bytes, 1, *n_bytes, file) != *n_bytes) {
        perror(path);
        exit(1);
    }
    bytes[*n_bytes] = 0;
    fclose(file);
    return bytes;
}

/* The samples of a WAV file of one channel, G.711 A-law (G.711, table 1a) or 16-bit. */
static inline int16_t *read_wav(const char *path, size_t *n_samples) {
    size_t n_bytes;
    unsigned char *bytes = read_file(path, &n_bytes);
    size_t at = 12, format = 0;
    while (at + 8 <= n_bytes) {
        size_t size = bytes[at + 4] | bytes[at + 5] << 8 | bytes[at + 6] << 16 | (size_t)bytes[at + 7] << 24;
        if (!memcmp(bytes + at, "fmt ", 4)) format = bytes[at + 8];
        if (!memcmp(bytes + at, "data", 4)) {
            const unsigned char *data = bytes + at + 8;
            if (size > n_bytes - at - 8) size = n_bytes - at - 8;
            *n_samples = format == 6 ? size : size / 2;
            int16_t *samples = (int16_t *)malloc(*n_samples * sizeof *samples);
            for (size_t n = 0; samples && n < *n_samples; n++) {
                if (format == 6) {
                    int code = data[n] ^ 0x55, exponent = (code >> 4) & 7, mantissa = (code & 15) * 16 + 8;
                    int value = exponent == 0 ? mantissa : (mantissa + 256) << (exponent - 1);
                    samples[n] = (int16_t)(code & 0x80 ? value : -value);
                } else {
                    samples[n] = (int16_t)(data[2 * n] | data[2 * n + 1] << 8);
                }
            }
            free(bytes);
            return samples;
        }
        at += 8 + size + (size & 1);
    }
    fprintf(stderr, "%s: no data in it\n", path);
    exit(1);
}

static inline void wait_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* The built-in models, run by the built-in runtime: the same everywhere. */
static inline vvx_detector *make_detector(void) {
    vvx_detector *detector = NULL;
    WORKS(vvx_runtime_select(VVX_RUNTIME_BUILT_IN, NULL));
    WORKS(vvx_detector_new(NULL, &detector));
    CHECK(detector != NULL);
    return detector;
}

#endif
