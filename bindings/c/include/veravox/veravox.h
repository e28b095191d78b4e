// libveravox: tells a synthetic voice from a human one in a phone call.
//
// Made of bindings/c/src by cbindgen; do not edit. SPDX-License-Identifier: MIT OR Apache-2.0
//
// A vvx_detector is a model with its settings. A vvx_engine watches many vvx_legs at once, from threads of its own; a leg is
// one direction of a call. vvx_scan_file and vvx_scan_memory score recordings.
//
// Every function answers with a vvx_status; what it makes comes by its last parameters. Nothing unwinds out of a function.
// Null and misaligned pointers, handles of another kind and unknown sizes are answered with a code; a handle that was freed
// is not always known as such, and must not be used. Structures start with struct_size, which the caller sets to sizeof:
// programs and libraries of different versions go together as long as vvx_abi_version() == VVX_ABI_VERSION.
//
// Real-time safe functions allocate nothing, take no lock, make no system call, write no log and wait for nobody; they leave
// vvx_last_error() as it is. Of the others each says why it is not.
//
// No verdict is never "human": what was not heard, or not scored, or failed, is VVX_DECISION_INCONCLUSIVE.


#ifndef VERAVOX_H
#define VERAVOX_H

#include <stddef.h>
#include <stdint.h>

// The version of the binary interface that this header describes; `vvx_abi_version` gives that of the library. They must be
// equal: it rises when a function or a field changes its meaning or goes away. New ones may come without.
#define VVX_ABI_VERSION 1

// What came of a call. Numbers are never given to another meaning; new ones may come.
enum vvx_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It was done.
    VVX_STATUS_OK = 0,
    // A pointer that must not be null is.
    VVX_STATUS_NULL_POINTER = 1,
    // A pointer is not aligned for what it points to.
    VVX_STATUS_MISALIGNED = 2,
    // `struct_size` is none that this library knows: smaller than in the first version, or larger with bytes set that this
    // library has no meaning for.
    VVX_STATUS_STRUCT_SIZE = 3,
    // A pointer is to something else, or to something that was freed (which is seen by luck only).
    VVX_STATUS_BAD_HANDLE = 4,
    // The engine was stopped, or the leg was closed or is over.
    VVX_STATUS_CLOSED = 5,
    // Not now: two threads pushed to one leg at once, or a callback called what waits for callbacks.
    VVX_STATUS_BUSY = 6,
    // As many legs as are admitted are open.
    VVX_STATUS_OVERLOADED = 7,
    // It took longer than the time given.
    VVX_STATUS_TIMEOUT = 8,
    // A bug in veravox. Nothing was done to the caller; what the handle is good for from here on is uncertain: free it.
    VVX_STATUS_PANIC = 9,
    // The file or folder does not exist.
    VVX_STATUS_NOT_FOUND = 20,
    // The operating system refused to open it.
    VVX_STATUS_PERMISSION_DENIED = 21,
    // Reading failed for another reason of the operating system's.
    VVX_STATUS_IO = 22,
    // The bytes are no audio that veravox can read, or a codec that it does not know.
    VVX_STATUS_UNSUPPORTED_AUDIO = 23,
    // The bytes claim to be audio of a known kind and are broken.
    VVX_STATUS_CORRUPT_AUDIO = 24,
    // A limit on duration, channels or sample rate was exceeded.
    VVX_STATUS_LIMIT_EXCEEDED = 25,
    // The model's `manifest.json` breaks one of its rules.
    VVX_STATUS_INVALID_MANIFEST = 26,
    // The ONNX file is not the one that the manifest names.
    VVX_STATUS_HASH_MISMATCH = 27,
    // The ONNX graph does not load, or does not fit its manifest.
    VVX_STATUS_INVALID_MODEL = 28,
    // The inference runtime is missing, broken or failed while running.
    VVX_STATUS_RUNTIME = 29,
    // An argument can not be.
    VVX_STATUS_INVALID_ARGUMENT = 30,
    // The caller asked to stop, or the engine was stopped before the leg ended.
    VVX_STATUS_CANCELLED = 31,
    // An error that is newer than this list.
    VVX_STATUS_OTHER = 32,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_status vvx_status;
#else
typedef int32_t vvx_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened on a leg.
enum vvx_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing new.
    VVX_EVENT_KIND_NONE = 0,
    // A window was scored: `start_seconds`, `end_seconds`, `llr`, `reason`.
    VVX_EVENT_KIND_WINDOW = 1,
    // The verdict is another than before, or better founded.
    VVX_EVENT_KIND_VERDICT = 2,
    // The leg ended; `text` is its report in JSON. Nothing comes after this.
    VVX_EVENT_KIND_ENDED = 3,
    // The leg failed, or the engine was stopped; `text` says why. Nothing comes after this.
    VVX_EVENT_KIND_FAILED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_event_kind vvx_event_kind;
#else
typedef int32_t vvx_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The answer for a leg. Memory that is all zero says "inconclusive", never "human".
enum vvx_decision
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // No answer; the reasons say why.
    VVX_DECISION_INCONCLUSIVE = 0,
    // A machine made this voice, or changed it into another's.
    VVX_DECISION_SYNTHETIC = 1,
    // A person's own voice.
    VVX_DECISION_BONAFIDE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_decision vvx_decision;
#else
typedef int32_t vvx_decision;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How far a verdict is founded.
enum vvx_stage
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Too little speech to say anything.
    VVX_STAGE_LISTENING = 0,
    // What would be said if the leg ended now; the evidence does not suffice.
    VVX_STAGE_PROVISIONAL = 1,
    // The evidence sufficed.
    VVX_STAGE_FIRM = 2,
    // The evidence sufficed, and later it did for the other answer: another voice speaks.
    VVX_STAGE_CHANGED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_stage vvx_stage;
#else
typedef int32_t vvx_stage;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Whether a leg goes on.
enum vvx_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It does; the verdict is the one so far.
    VVX_STATE_OPEN = 0,
    // It ended, and this is its verdict.
    VVX_STATE_ENDED = 1,
    // It failed: there is no verdict, and `error` says why.
    VVX_STATE_FAILED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_state vvx_state;
#else
typedef int32_t vvx_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why an answer is inconclusive: bits of `vvx_verdict.reasons`.
enum vvx_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Less speech than the model needs.
    VVX_REASON_TOO_LITTLE_SPEECH = 1,
    // Digital silence, or next to it.
    VVX_REASON_NO_SIGNAL = 2,
    // Most of what sounds is music, tones or DTMF.
    VVX_REASON_MUSIC_OR_TONES = 4,
    // Speech drowns in noise, or there is nothing but noise.
    VVX_REASON_NOISE = 8,
    // Many samples are cut off at full scale.
    VVX_REASON_CLIPPING = 16,
    // The audio was sampled at a lower rate than the model was made for.
    VVX_REASON_NARROW_BAND = 32,
    // Many samples are not numbers.
    VVX_REASON_INVALID_SAMPLES = 64,
    // Most of the speech is unlike anything that the model was trained on.
    VVX_REASON_UNLIKE_TRAINING = 128,
    // The evidence lies between the thresholds.
    VVX_REASON_UNDECIDED = 256,
    // There was speech, and no time to score it: the engine is overloaded.
    VVX_REASON_NOT_SCORED = 512,
    // A machine spoke on this leg, and later a person.
    VVX_REASON_MIXED_VOICES = 1024,
    // A reason that is newer than this list.
    VVX_REASON_OTHER = 1073741824,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_reason vvx_reason;
#else
typedef uint32_t vvx_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How grave a line of the log is.
enum vvx_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A bug in veravox.
    VVX_LOG_LEVEL_ERROR = 1,
    // A call failed, a leg failed.
    VVX_LOG_LEVEL_WARNING = 2,
    // Which models and which runtime, engines that start and stop.
    VVX_LOG_LEVEL_INFO = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_log_level vvx_log_level;
#else
typedef int32_t vvx_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What runs the models.
enum vvx_runtime
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // ONNX Runtime where one is found (`ORT_DYLIB_PATH`, an active Python environment), the built-in one otherwise.
    VVX_RUNTIME_AUTO = 0,
    // The one that is compiled in.
    VVX_RUNTIME_BUILT_IN = 1,
    // The ONNX Runtime library at the path given.
    VVX_RUNTIME_ONNXRUNTIME = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_runtime vvx_runtime;
#else
typedef int32_t vvx_runtime;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How headerless audio is stored.
enum vvx_encoding
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The audio has a header, which says it.
    VVX_ENCODING_OF_THE_FILE = 0,
    // 16-bit integers, little-endian.
    VVX_ENCODING_S16LE = 1,
    // 32-bit floats in [-1, 1], little-endian.
    VVX_ENCODING_F32LE = 2,
    // G.711 A-law.
    VVX_ENCODING_ALAW = 3,
    // G.711 mu-law.
    VVX_ENCODING_MULAW = 4,
    // GSM 06.10 full rate, 33 bytes for 20 ms of 8,000 Hz.
    VVX_ENCODING_GSM = 5,
    // G.722 at 64 kbit/s, of 16,000 Hz.
    VVX_ENCODING_G722 = 6,
    // G.729 or G.729A, 10 bytes for 10 ms of 8,000 Hz.
    VVX_ENCODING_G729 = 7,
    // G.726 at 16 kbit/s, the first sample in the low bits, as in RTP (RFC 3551).
    VVX_ENCODING_G726_AT16 = 8,
    // G.726 at 24 kbit/s, likewise.
    VVX_ENCODING_G726_AT24 = 9,
    // G.726 at 32 kbit/s, likewise.
    VVX_ENCODING_G726_AT32 = 10,
    // G.726 at 40 kbit/s, likewise.
    VVX_ENCODING_G726_AT40 = 11,
    // G.726 at 16 kbit/s, the first sample in the high bits (ITU-T I.366.2).
    VVX_ENCODING_AAL2_G726_AT16 = 12,
    // G.726 at 24 kbit/s, likewise.
    VVX_ENCODING_AAL2_G726_AT24 = 13,
    // G.726 at 32 kbit/s, likewise.
    VVX_ENCODING_AAL2_G726_AT32 = 14,
    // G.726 at 40 kbit/s, likewise.
    VVX_ENCODING_AAL2_G726_AT40 = 15,
    // Dialogic VOX: OKI ADPCM of 4 bits, of 8,000 or 6,000 Hz.
    VVX_ENCODING_VOX = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_encoding vvx_encoding;
#else
typedef int32_t vvx_encoding;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Which of the thresholds in a `vvx_detector_config` hold.
enum vvx_set
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // `prior` holds.
    VVX_SET_PRIOR = 1,
    // `synthetic_llr` holds.
    VVX_SET_SYNTHETIC_LLR = 2,
    // `bonafide_llr` holds.
    VVX_SET_BONAFIDE_LLR = 4,
    // `target_false_alarm` holds.
    VVX_SET_TARGET_FALSE_ALARM = 8,
    // `cost_false_alarm` holds.
    VVX_SET_COST_FALSE_ALARM = 16,
    // `cost_miss` holds.
    VVX_SET_COST_MISS = 32,
    // `cost_undecided` holds.
    VVX_SET_COST_UNDECIDED = 64,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum vvx_set vvx_set;
#else
typedef uint32_t vvx_set;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A model with its settings. Immutable; any number of threads may use it at once.
typedef struct vvx_detector vvx_detector;

// Watches many legs from a few threads of its own. Any number of threads may use it at once.
typedef struct vvx_engine vvx_engine;

// One leg of a call. One thread at a time brings its audio; any thread reads its verdict.
typedef struct vvx_leg vvx_leg;

// The report on a recording. Immutable; any number of threads may read it at once.
typedef struct vvx_report vvx_report;

// Which model, with which thresholds. All zero but `struct_size`: the built-in models with the thresholds of their manifests.
typedef struct {
    // `sizeof(vvx_detector_config)`.
    size_t struct_size;
    // The name of a built-in model ("phone", "wide"), or the folder of a model of one's own. Null: the built-in models, each for
    // audio of its rate. Read during the call only.
    const char *model;
    // Bits of `vvx_set`: which of the following hold; the others are the model's own.
    uint32_t set;
    // 0.
    uint32_t reserved;
    // Prior probability of a synthetic voice, inside (0, 1).
    double prior;
    // A leg at or above this llr is synthetic.
    double synthetic_llr;
    // A leg at or below this llr is bona fide.
    double bonafide_llr;
    // The file of this site's calibration, as `veravox calibrate` writes it. Null: none. One that was made for another model is
    // refused. Read during the call only.
    const char *calibration;
    // At most this share of the site's people is called synthetic, inside (0, 1); needs a calibration.
    double target_false_alarm;
    // Cost of calling a person synthetic, in any one unit. Where one cost is set the thresholds follow from prior and costs; those
    // not set are 1, and 0.15 for no verdict.
    double cost_false_alarm;
    // Cost of calling a machine bona fide.
    double cost_miss;
    // Cost of no verdict.
    double cost_undecided;
} vvx_detector_config;

// The verdict on a leg, so far or at its end. Set `struct_size` before it is handed over.
typedef struct {
    // In: `sizeof(vvx_verdict)`. Out: how many bytes were filled.
    size_t struct_size;
    // The answer.
    vvx_decision decision;
    // How far it is founded.
    vvx_stage stage;
    // Whether the leg goes on.
    vvx_state state;
    // Why the leg failed; `VVX_STATUS_OK` where it did not.
    vvx_status error;
    // Bits of `vvx_reason`: why the answer is inconclusive.
    uint32_t reasons;
    // Index of the leg in its recording, from 0: the channel. 0 for a live leg.
    uint32_t leg;
    // Natural-log likelihood ratio, positive = synthetic, 0 = neither; NaN before anything was scored.
    double llr;
    // Probability of a synthetic voice, 0 to 1, at the prior in use; NaN before anything was scored.
    double probability;
    // Seconds of voice so far.
    double speech_seconds;
    // Where, in seconds of the leg, it became firm; NaN where it never did, or goes on.
    double firm_at_seconds;
    // Seconds of audio that never came, known at the end.
    double lost_seconds;
    // Seconds on hold, known at the end.
    double held_seconds;
    // Windows that were not scored since there was no time, known at the end.
    uint64_t shed_windows;
    // Windows that were not scored since a newer one was ready, known at the end.
    uint64_t replaced_windows;
} vvx_verdict;
// Of a leg that was just opened.
#define vvx_verdict_NONE (vvx_verdict){ .struct_size = 0, .decision = vvx_decision_Inconclusive, .stage = vvx_stage_Listening, .state = vvx_state_Open, .error = vvx_status_Ok, .reasons = (uint32_t)vvx_reason_TooLittleSpeech, .leg = 0, .llr = f64_NAN, .probability = f64_NAN, .speech_seconds = 0.0, .firm_at_seconds = f64_NAN, .lost_seconds = 0.0, .held_seconds = 0.0, .shed_windows = 0, .replaced_windows = 0 }

// News of a leg. Set `struct_size` before it is handed to `vvx_leg_poll`.
typedef struct {
    // In: `sizeof(vvx_event)`. Out: how many bytes were filled.
    size_t struct_size;
    // What happened.
    vvx_event_kind kind;
    // Of a window: why it does not count, a `vvx_reason`; 0 where it does.
    uint32_t reason;
    // Where the window starts, in seconds of the leg.
    double start_seconds;
    // Where it ends.
    double end_seconds;
    // Its natural-log likelihood ratio, positive = synthetic.
    double llr;
    // The verdict with this event in it; `struct_size` says how far it is filled. Valid during the callback, or until the leg is
    // polled again or freed.
    const vvx_verdict *verdict;
    // Words or JSON, or null. Valid until the leg is freed.
    const char *text;
} vvx_event;

// Takes the events of the legs of an engine, one after the other, in one thread that the engine has for this. It may take its
// time: audio and scores do not wait for it, later events do. It may call everything but `vvx_leg_poll`, `vvx_leg_finish`,
// `vvx_engine_stop` and `vvx_engine_free`; `vvx_leg_free` of the very leg is fine, too. It must not unwind (no C++ exception).
typedef void (*vvx_event_callback)(void *user_data, vvx_leg *leg, const vvx_event *event);

// How an engine works. All zero but `struct_size`: good for calls of 20 ms packets, on every core of the machine; events are
// polled.
typedef struct {
    // `sizeof(vvx_engine_config)`.
    size_t struct_size;
    // Threads that score; 0: as many as there are cores.
    uint32_t workers;
    // Legs that are open at once, beyond which the next is refused; 0: 4,096.
    uint32_t max_legs;
    // Audio that a leg can hold while its worker is busy, in milliseconds, 100 to 60,000; 0: 1,000.
    uint32_t buffer_ms;
    // How long a window waits for its score at most, in milliseconds; 0: 750. One that waits longer is shed.
    uint32_t max_delay_ms;
    // Windows that are scored together at most, 1 to 256; 0: 4.
    uint32_t batch;
    // Events that a leg keeps until they are fetched, 1 to 65,536; 0: 24. A verdict always finds room.
    uint32_t max_events;
    // Milliseconds of speech between two scores, from 100 up to the length of a window; 0: 1,000.
    uint32_t update_ms;
    // A first look after so many milliseconds of speech; 0: 3,000.
    uint32_t first_look_ms;
    // Scored windows that the report at a leg's end lists; 0: 300.
    uint32_t max_windows_kept;
    // 0.
    uint32_t reserved;
    // Takes the events of every leg, in a thread of the engine's own. Null: events are fetched by `vvx_leg_poll`.
    vvx_event_callback on_event;
} vvx_engine_config;

// What an engine does, and did since it was started.
typedef struct {
    // In: `sizeof(vvx_engine_stats)`. Out: how many bytes were filled.
    size_t struct_size;
    // Legs that are open.
    uint64_t legs;
    // Legs that were refused since as many as are admitted were open.
    uint64_t refused_legs;
    // Legs that ended with an error.
    uint64_t failed_legs;
    // Windows that were scored.
    uint64_t scored_windows;
    // Windows that were not, since they had waited for too long.
    uint64_t shed_windows;
    // Windows that were not, since a newer one of the same leg was ready.
    uint64_t replaced_windows;
    // Samples that no leg had room for; their legs count them as lost.
    uint64_t dropped_samples;
    // Window events that nobody fetched in time.
    uint64_t missed_events;
    // Milliseconds from the audio that completes a window to its score: half were no more.
    double delay_ms_p50;
    // 99 of 100 were no more.
    double delay_ms_p99;
    // None was more.
    double delay_ms_max;
    // Seconds that the workers listened to audio.
    double hearing_seconds;
    // Seconds that they scored windows.
    double scoring_seconds;
} vvx_engine_stats;

// Takes a line of the log, which holds no audio and nothing of a call. Called in the thread that has the news, never from a
// function that is real-time safe; several threads may call it at once. It must not unwind, and call nothing of veravox.
typedef void (*vvx_log_callback)(void *user_data, vvx_log_level level, const char *message);

// What a leg is.
typedef struct {
    // `sizeof(vvx_leg_config)`.
    size_t struct_size;
    // Samples a second of the audio that will be pushed.
    uint32_t sample_rate_hz;
    // 0.
    uint32_t reserved;
    // The caller's own, handed to the callback with every event of this leg.
    void *user_data;
} vvx_leg_config;

// Told how far a scan is, after each piece: seconds of audio read, and in all (NaN where the header does not say). Answers 0
// to go on; anything else ends the scan with `VVX_STATUS_CANCELLED`. Called in the thread that scans. It must not unwind.
typedef int32_t (*vvx_progress_callback)(void *user_data, double read_seconds, double total_seconds);

// How a recording is read. All zero but `struct_size`: as its header says.
typedef struct {
    // `sizeof(vvx_scan_options)`.
    size_t struct_size;
    // A `vvx_encoding`, for headerless audio; the next two are needed then, and 0 otherwise.
    int32_t encoding;
    // Samples a second of one channel, of headerless audio.
    uint32_t sample_rate_hz;
    // Channels, interleaved, of headerless audio; of all but PCM and G.711 there is one.
    uint32_t channels;
    // 0.
    uint32_t reserved;
    // Longer recordings are refused; 0: longer than 24 hours.
    double max_duration_seconds;
    // Told how far the scan is; may be null.
    vvx_progress_callback on_progress;
    // The caller's own, handed to `on_progress`.
    void *user_data;
    // What payload types mean in a capture of packets whose signalling does not say it, or says it wrong: texts as
    // "96=opus/48000" and, of AMR whose fields begin at whole bytes, "97=AMR/8000;octet-align=1". Read during the call only.
    const char *const *rtp_map;
    // How many texts `rtp_map` has.
    size_t n_rtp_map;
} vvx_scan_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the binary interface of the library that is loaded. Real-time safe.
uint32_t vvx_abi_version(void);

// The version of the library, as in "0.1.0". Real-time safe; the text is never freed.
const char *vvx_version(void);

// Chooses what runs the models, for the whole process: before the first detector is made, once. Not real-time safe.
//
// `runtime` is a `vvx_runtime`; `library` the path of ONNX Runtime's shared library with `VVX_RUNTIME_ONNXRUNTIME`, and null
// otherwise.
//
// # Safety
// `library` must be null or a text that ends with a zero.
vvx_status vvx_runtime_select(int32_t runtime,
                              const char *library);

// Makes a detector. Not real-time safe: it reads and checks models.
//
// `config` may be null. `detector` is set to null where it fails.
//
// # Safety
// `config` must be null or to a whole structure, `detector` writable.
vvx_status vvx_detector_new(const vvx_detector_config *config, vvx_detector **detector);

// Frees a detector; null is fine. Engines that were started with it go on. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_detector_free(vvx_detector *detector);

// Starts an engine: its threads, and the model for telephone audio. Not real-time safe. A process that forks does so before.
//
// `config` may be null. `engine` is set to null where it fails. The detector may be freed afterwards.
//
// # Safety
// `detector` must be alive, `config` null or to a whole structure, `engine` writable.
vvx_status vvx_engine_start(const vvx_detector *detector,
                            const vvx_engine_config *config,
                            vvx_engine **engine);

// What the engine does and did. Not real-time safe: it takes a lock.
//
// # Safety
// `engine` must be alive, `stats` to a whole structure whose `struct_size` is set.
vvx_status vvx_engine_get_stats(const vvx_engine *engine, vvx_engine_stats *stats);

// Stops the threads of an engine and waits until they have. Legs that are still open fail with `VVX_STATUS_CANCELLED`, which
// the callback has been told when this returns; they are still to be freed. No callback runs afterwards. An engine that is
// stopped stays so. Not real-time safe.
//
// # Safety
// `engine` must be alive.
vvx_status vvx_engine_stop(vvx_engine *engine);

// Stops an engine and frees it; null is fine. Legs outlive it, as after `vvx_engine_stop`. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_engine_free(vvx_engine *engine);

// What the last call of this thread that failed says to people: what was expected, what came. Empty where none failed. It
// holds no audio and nothing of a call. Valid until the next call that fails in this thread. Real-time safe functions leave
// it as it is.
const char *vvx_last_error(void);

// Sends the log of this process to `callback`: lines of `level` and graver. Null ends it: when this returns, no thread is in
// the old callback any more. Not real-time safe: it waits for lines that are being written.
//
// # Safety
// The callback must be good for every thread until it is taken back.
vvx_status vvx_set_log(vvx_log_callback callback,
                       void *user_data,
                       int32_t level);

// Takes the next samples of a leg, 16-bit. **Real-time safe**: it copies them into memory that was taken when the leg was
// opened, and returns; no allocation, no lock, no system call, no log, whatever the engine does meanwhile.
//
// `n_taken`, which may be null, is set to how many found room; the others, where the engine is far behind, count as lost. One
// thread at a time: a second gets `VVX_STATUS_BUSY`, and nothing is taken. `VVX_STATUS_CLOSED` when the leg was closed, is over,
// or the engine was stopped.
//
// # Safety
// `leg` must be alive, `samples` `n_samples` long, `n_taken` null or writable.
vvx_status vvx_leg_push(vvx_leg *leg,
                        const int16_t *samples,
                        size_t n_samples,
                        size_t *n_taken);

// As `vvx_leg_push`, of floats in [-1, 1], which are rounded to 16 bits; what is not a number counts as zero. **Real-time
// safe.**
//
// # Safety
// As `vvx_leg_push`.
vvx_status vvx_leg_push_f32(vvx_leg *leg,
                            const float *samples,
                            size_t n_samples,
                            size_t *n_taken);

// How many samples would find room now: for who brings a recording and may wait, which a call may not. **Real-time safe.** One
// thread at a time, as `vvx_leg_push`. `VVX_STATUS_CLOSED` when there will be no more.
//
// # Safety
// `leg` must be alive, `n_samples` writable.
vvx_status vvx_leg_room(vvx_leg *leg,
                        size_t *n_samples);

// `n_samples` of the leg, at its own rate, never came: packets that were lost. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_lost(vvx_leg *leg,
                        uint64_t n_samples);

// `n_samples` were not sent since the other side was silent (discontinuous transmission). A pause like any other.
// **Real-time safe.** One thread at a time, as `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_silence(vvx_leg *leg, uint64_t n_samples);

// The call is on hold: what is pushed until `vvx_leg_resume` is not listened to. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_hold(vvx_leg *leg);

// The hold is over. **Real-time safe.** One thread at a time, as `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_resume(vvx_leg *leg);

// What is pushed from here on has another sample rate, as after a change of codec. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`. `VVX_STATUS_LIMIT_EXCEEDED` where the rate is out of the limits; the leg goes on at the old one.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_change_rate(vvx_leg *leg,
                               uint32_t sample_rate_hz);

// No more audio comes. **Real-time safe**, and any thread may call it, also while another pushes. The verdict is made by the
// engine and comes as the leg's last event. A leg that is closed stays so.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_close(vvx_leg *leg);

// Opens a leg. All memory that pushing needs is taken here. Not real-time safe: it allocates, and the first leg of a rate may
// load a model.
//
// `leg` is set to null where it fails: `VVX_STATUS_OVERLOADED` when as many legs as are admitted are open. The leg is to be
// freed, also after it ended or failed.
//
// # Safety
// `engine` must be alive, `config` to a whole structure, `leg` writable.
vvx_status vvx_leg_open(const vvx_engine *engine,
                        const vvx_leg_config *config,
                        vvx_leg **leg);

// Frees a leg; null is fine. One that goes on is given up: nothing more is scored, and no event comes. Where its callback runs
// in another thread, this waits until it has returned; in the callback itself it does not. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_leg_free(vvx_leg *leg);

// The verdict of the leg's newest event: of those that went to the callback, or were fetched by `vvx_leg_poll`. Before the
// first it is inconclusive for want of speech. **Real-time safe**, and any thread may call it: no lock; where a new verdict is
// written at that very moment, it reads again.
//
// # Safety
// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_verdict(const vvx_leg *leg,
                           vvx_verdict *verdict);

// Fetches the leg's next event; its kind is `VVX_EVENT_KIND_NONE` where there is none. For engines without a callback. Any
// thread may call it; what an event points to is the business of who fetched it. Not real-time safe: it takes a lock.
//
// # Safety
// `leg` must be alive, `event` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_poll(vvx_leg *leg,
                        vvx_event *event);

// Closes a leg and waits for its verdict, `timeout_ms` at most (`VVX_STATUS_TIMEOUT`); events that were not fetched are passed
// over, a callback gets them. Where the leg failed, the answer is the code it failed with, and the verdict says so too. Not
// real-time safe: it waits.
//
// # Safety
// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_finish(vvx_leg *leg,
                          uint32_t timeout_ms,
                          vvx_verdict *verdict);

// The report on a leg that ended, as JSON: verdict, every window, suspicious stretches. `json` is valid until the leg is freed.
// `VVX_STATUS_BUSY` while the leg goes on or its last event was not fetched. Any thread may call it; not real-time safe.
//
// # Safety
// `leg` must be alive, `json` writable.
vvx_status vvx_leg_json(const vvx_leg *leg,
                        const char **json);

// Scores a recording in a file: any kind of docs/reference/formats.md, as its content says, a capture of packets (pcap, pcapng),
// or headerless audio of a `vvx_encoding`. Each channel is a leg of its own, and so is each stream of a capture. Not real-time safe: it reads the file and does all the work in this thread.
//
// `options` may be null. `report` is set to null where it fails.
//
// # Safety
// `detector` must be alive, `path` a text that ends with a zero, `options` null or to a whole structure, `report` writable.
vvx_status vvx_scan_file(const vvx_detector *detector,
                         const char *path,
                         const vvx_scan_options *options,
                         vvx_report **report);

// Scores a recording in memory: the bytes of a file, or headerless audio. As `vvx_scan_file`; the bytes are read during the
// call only, and not copied.
//
// # Safety
// As `vvx_scan_file`; `bytes` must be `n_bytes` long, and nobody may change them meanwhile.
vvx_status vvx_scan_memory(const vvx_detector *detector,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           const vvx_scan_options *options,
                           vvx_report **report);

// The report as JSON, in the form of `report.schema.json`. `json` is valid until the report is freed. Real-time safe.
//
// # Safety
// `report` must be alive, `json` writable.
vvx_status vvx_report_json(const vvx_report *report, const char **json);

// How many legs the recording has. Real-time safe.
//
// # Safety
// `report` must be alive, `n_legs` writable.
vvx_status vvx_report_n_legs(const vvx_report *report, size_t *n_legs);

// The verdict on a leg, counted from 0. Real-time safe.
//
// # Safety
// `report` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_report_verdict(const vvx_report *report, size_t leg, vvx_verdict *verdict);

// Frees a report; null is fine. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_report_free(vvx_report *report);

// What a status means, in short. Real-time safe; the text is never freed.
const char *vvx_strerror(int32_t status);

// The name of a decision as it stands in reports: "synthetic", "bonafide", "inconclusive". Real-time safe; the text is never
// freed.
const char *vvx_decision_name(int32_t decision);

// The name of a stage as it stands in reports: "listening", "provisional", "firm", "changed". Real-time safe; the text is
// never freed.
const char *vvx_stage_name(int32_t stage);

// The name of one reason, a bit of `vvx_reason`, as it stands in reports: `too_little_speech` and so on; of none or several
// "other". Real-time safe; the text is never freed.
const char *vvx_reason_name(uint32_t reason);

// What a status means, in short. Real-time safe; the text is never freed.
const char *vvx_strerror(int32_t status);

// What the last call of this thread that failed says to people: what was expected, what came. Empty where none failed. It
// holds no audio and nothing of a call. Valid until the next call that fails in this thread. Real-time safe functions leave
// it as it is.
const char *vvx_last_error(void);

// Sends the log of this process to `callback`: lines of `level` and graver. Null ends it: when this returns, no thread is in
// the old callback any more. Not real-time safe: it waits for lines that are being written.
//
// # Safety
// The callback must be good for every thread until it is taken back.
vvx_status vvx_set_log(vvx_log_callback callback,
                       void *user_data,
                       int32_t level);

// The name of a decision as it stands in reports: "synthetic", "bonafide", "inconclusive". Real-time safe; the text is never
// freed.
const char *vvx_decision_name(int32_t decision);

// The name of a stage as it stands in reports: "listening", "provisional", "firm", "changed". Real-time safe; the text is
// never freed.
const char *vvx_stage_name(int32_t stage);

// The name of one reason, a bit of `vvx_reason`, as it stands in reports: `too_little_speech` and so on; of none or several
// "other". Real-time safe; the text is never freed.
const char *vvx_reason_name(uint32_t reason);

// Chooses what runs the models, for the whole process: before the first detector is made, once. Not real-time safe.
//
// `runtime` is a `vvx_runtime`; `library` the path of ONNX Runtime's shared library with `VVX_RUNTIME_ONNXRUNTIME`, and null
// otherwise.
//
// # Safety
// `library` must be null or a text that ends with a zero.
vvx_status vvx_runtime_select(int32_t runtime,
                              const char *library);

// Makes a detector. Not real-time safe: it reads and checks models.
//
// `config` may be null. `detector` is set to null where it fails.
//
// # Safety
// `config` must be null or to a whole structure, `detector` writable.
vvx_status vvx_detector_new(const vvx_detector_config *config, vvx_detector **detector);

// Frees a detector; null is fine. Engines that were started with it go on. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_detector_free(vvx_detector *detector);

// Scores a recording in a file: any kind of docs/reference/formats.md, as its content says, a capture of packets (pcap, pcapng),
// or headerless audio of a `vvx_encoding`. Each channel is a leg of its own, and so is each stream of a capture. Not real-time safe: it reads the file and does all the work in this thread.
//
// `options` may be null. `report` is set to null where it fails.
//
// # Safety
// `detector` must be alive, `path` a text that ends with a zero, `options` null or to a whole structure, `report` writable.
vvx_status vvx_scan_file(const vvx_detector *detector,
                         const char *path,
                         const vvx_scan_options *options,
                         vvx_report **report);

// Scores a recording in memory: the bytes of a file, or headerless audio. As `vvx_scan_file`; the bytes are read during the
// call only, and not copied.
//
// # Safety
// As `vvx_scan_file`; `bytes` must be `n_bytes` long, and nobody may change them meanwhile.
vvx_status vvx_scan_memory(const vvx_detector *detector,
                           const uint8_t *bytes,
                           size_t n_bytes,
                           const vvx_scan_options *options,
                           vvx_report **report);

// The report as JSON, in the form of `report.schema.json`. `json` is valid until the report is freed. Real-time safe.
//
// # Safety
// `report` must be alive, `json` writable.
vvx_status vvx_report_json(const vvx_report *report, const char **json);

// How many legs the recording has. Real-time safe.
//
// # Safety
// `report` must be alive, `n_legs` writable.
vvx_status vvx_report_n_legs(const vvx_report *report, size_t *n_legs);

// The verdict on a leg, counted from 0. Real-time safe.
//
// # Safety
// `report` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_report_verdict(const vvx_report *report, size_t leg, vvx_verdict *verdict);

// Frees a report; null is fine. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_report_free(vvx_report *report);

// Starts an engine: its threads, and the model for telephone audio. Not real-time safe. A process that forks does so before.
//
// `config` may be null. `engine` is set to null where it fails. The detector may be freed afterwards.
//
// # Safety
// `detector` must be alive, `config` null or to a whole structure, `engine` writable.
vvx_status vvx_engine_start(const vvx_detector *detector,
                            const vvx_engine_config *config,
                            vvx_engine **engine);

// What the engine does and did. Not real-time safe: it takes a lock.
//
// # Safety
// `engine` must be alive, `stats` to a whole structure whose `struct_size` is set.
vvx_status vvx_engine_get_stats(const vvx_engine *engine, vvx_engine_stats *stats);

// Stops the threads of an engine and waits until they have. Legs that are still open fail with `VVX_STATUS_CANCELLED`, which
// the callback has been told when this returns; they are still to be freed. No callback runs afterwards. An engine that is
// stopped stays so. Not real-time safe.
//
// # Safety
// `engine` must be alive.
vvx_status vvx_engine_stop(vvx_engine *engine);

// Stops an engine and frees it; null is fine. Legs outlive it, as after `vvx_engine_stop`. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_engine_free(vvx_engine *engine);

// Opens a leg. All memory that pushing needs is taken here. Not real-time safe: it allocates, and the first leg of a rate may
// load a model.
//
// `leg` is set to null where it fails: `VVX_STATUS_OVERLOADED` when as many legs as are admitted are open. The leg is to be
// freed, also after it ended or failed.
//
// # Safety
// `engine` must be alive, `config` to a whole structure, `leg` writable.
vvx_status vvx_leg_open(const vvx_engine *engine,
                        const vvx_leg_config *config,
                        vvx_leg **leg);

// Frees a leg; null is fine. One that goes on is given up: nothing more is scored, and no event comes. Where its callback runs
// in another thread, this waits until it has returned; in the callback itself it does not. Not real-time safe.
//
// # Safety
// Nobody must use it any more.
vvx_status vvx_leg_free(vvx_leg *leg);

// Takes the next samples of a leg, 16-bit. **Real-time safe**: it copies them into memory that was taken when the leg was
// opened, and returns; no allocation, no lock, no system call, no log, whatever the engine does meanwhile.
//
// `n_taken`, which may be null, is set to how many found room; the others, where the engine is far behind, count as lost. One
// thread at a time: a second gets `VVX_STATUS_BUSY`, and nothing is taken. `VVX_STATUS_CLOSED` when the leg was closed, is over,
// or the engine was stopped.
//
// # Safety
// `leg` must be alive, `samples` `n_samples` long, `n_taken` null or writable.
vvx_status vvx_leg_push(vvx_leg *leg,
                        const int16_t *samples,
                        size_t n_samples,
                        size_t *n_taken);

// As `vvx_leg_push`, of floats in [-1, 1], which are rounded to 16 bits; what is not a number counts as zero. **Real-time
// safe.**
//
// # Safety
// As `vvx_leg_push`.
vvx_status vvx_leg_push_f32(vvx_leg *leg,
                            const float *samples,
                            size_t n_samples,
                            size_t *n_taken);

// How many samples would find room now: for who brings a recording and may wait, which a call may not. **Real-time safe.** One
// thread at a time, as `vvx_leg_push`. `VVX_STATUS_CLOSED` when there will be no more.
//
// # Safety
// `leg` must be alive, `n_samples` writable.
vvx_status vvx_leg_room(vvx_leg *leg,
                        size_t *n_samples);

// `n_samples` of the leg, at its own rate, never came: packets that were lost. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_lost(vvx_leg *leg,
                        uint64_t n_samples);

// `n_samples` were not sent since the other side was silent (discontinuous transmission). A pause like any other.
// **Real-time safe.** One thread at a time, as `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_silence(vvx_leg *leg, uint64_t n_samples);

// The call is on hold: what is pushed until `vvx_leg_resume` is not listened to. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_hold(vvx_leg *leg);

// The hold is over. **Real-time safe.** One thread at a time, as `vvx_leg_push`.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_resume(vvx_leg *leg);

// What is pushed from here on has another sample rate, as after a change of codec. **Real-time safe.** One thread at a time, as
// `vvx_leg_push`. `VVX_STATUS_LIMIT_EXCEEDED` where the rate is out of the limits; the leg goes on at the old one.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_change_rate(vvx_leg *leg,
                               uint32_t sample_rate_hz);

// No more audio comes. **Real-time safe**, and any thread may call it, also while another pushes. The verdict is made by the
// engine and comes as the leg's last event. A leg that is closed stays so.
//
// # Safety
// `leg` must be alive.
vvx_status vvx_leg_close(vvx_leg *leg);

// The verdict of the leg's newest event: of those that went to the callback, or were fetched by `vvx_leg_poll`. Before the
// first it is inconclusive for want of speech. **Real-time safe**, and any thread may call it: no lock; where a new verdict is
// written at that very moment, it reads again.
//
// # Safety
// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_verdict(const vvx_leg *leg,
                           vvx_verdict *verdict);

// Fetches the leg's next event; its kind is `VVX_EVENT_KIND_NONE` where there is none. For engines without a callback. Any
// thread may call it; what an event points to is the business of who fetched it. Not real-time safe: it takes a lock.
//
// # Safety
// `leg` must be alive, `event` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_poll(vvx_leg *leg,
                        vvx_event *event);

// Closes a leg and waits for its verdict, `timeout_ms` at most (`VVX_STATUS_TIMEOUT`); events that were not fetched are passed
// over, a callback gets them. Where the leg failed, the answer is the code it failed with, and the verdict says so too. Not
// real-time safe: it waits.
//
// # Safety
// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
vvx_status vvx_leg_finish(vvx_leg *leg,
                          uint32_t timeout_ms,
                          vvx_verdict *verdict);

// The report on a leg that ended, as JSON: verdict, every window, suspicious stretches. `json` is valid until the leg is freed.
// `VVX_STATUS_BUSY` while the leg goes on or its last event was not fetched. Any thread may call it; not real-time safe.
//
// # Safety
// `leg` must be alive, `json` writable.
vvx_status vvx_leg_json(const vvx_leg *leg,
                        const char **json);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VERAVOX_H */
