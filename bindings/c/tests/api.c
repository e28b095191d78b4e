/* What every function answers to what it cannot take, and that it says so in words. */

#include "check.h"

static void versions(void) {
    CHECK(vvx_abi_version() == VVX_ABI_VERSION);
    CHECK(strchr(vvx_version(), '.') != NULL);
}

/* Where the fields lie is part of the interface: these lines only grow. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(vvx_detector_config) >= 48 && offsetof(vvx_detector_config, bonafide_llr) == 40, "layout");
_Static_assert(sizeof(vvx_engine_config) >= 56 && offsetof(vvx_engine_config, on_event) == 48, "layout");
_Static_assert(sizeof(vvx_leg_config) >= 24 && offsetof(vvx_leg_config, user_data) == 16, "layout");
_Static_assert(sizeof(vvx_scan_options) >= 48 && offsetof(vvx_scan_options, user_data) == 40, "layout");
_Static_assert(sizeof(vvx_scan_options) >= 64 && offsetof(vvx_scan_options, n_rtp_map) == 56, "layout");
_Static_assert(sizeof(vvx_verdict) >= 96 && offsetof(vvx_verdict, llr) == 32 && offsetof(vvx_verdict, replaced_windows) == 88, "layout");
_Static_assert(sizeof(vvx_event) >= 56 && offsetof(vvx_event, text) == 48, "layout");
_Static_assert(sizeof(vvx_engine_stats) >= 112 && offsetof(vvx_engine_stats, scoring_seconds) == 104, "layout");
#endif

/* Numbers are never given to another meaning: this list only grows. */
static void codes_stay(void) {
    static const struct {
        int code;
        const char *words;
    } codes[] = {
        {0, "ok"}, {1, "null pointer"}, {2, "misaligned pointer"}, {3, "unknown struct_size"},
        {4, "not a handle of this kind"}, {5, "closed"}, {6, "busy"}, {7, "overloaded"}, {8, "timeout"},
        {9, "bug in veravox"}, {20, "not found"}, {21, "permission denied"}, {22, "input or output failed"},
        {23, "unsupported audio"}, {24, "corrupt audio"}, {25, "limit exceeded"}, {26, "invalid manifest"},
        {27, "hash mismatch"}, {28, "invalid model"}, {29, "runtime failed"}, {30, "invalid argument"},
        {31, "cancelled"}, {32, "other error"},
    };
    for (size_t n = 0; n < sizeof codes / sizeof *codes; n++) CHECK(!strcmp(vvx_strerror(codes[n].code), codes[n].words));
    CHECK(!strcmp(vvx_strerror(-1), "unknown status") && !strcmp(vvx_strerror(1000), "unknown status"));
    CHECK(VVX_DECISION_INCONCLUSIVE == 0 && VVX_DECISION_SYNTHETIC == 1 && VVX_DECISION_BONAFIDE == 2);
    CHECK(!strcmp(vvx_decision_name(VVX_DECISION_SYNTHETIC), "synthetic"));
    CHECK(!strcmp(vvx_decision_name(77), "inconclusive"));
    CHECK(!strcmp(vvx_stage_name(VVX_STAGE_FIRM), "firm") && !strcmp(vvx_stage_name(-3), "listening"));
    CHECK(!strcmp(vvx_reason_name(VVX_REASON_NO_SIGNAL), "no_signal") && !strcmp(vvx_reason_name(3), "other"));
}

static void detectors(void) {
    vvx_detector *detector = (vvx_detector *)1;
    GIVES(vvx_detector_new(NULL, NULL), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_detector_new(NULL, (vvx_detector **)((char *)&detector + 1)), VVX_STATUS_MISALIGNED);

    vvx_detector_config config = {.struct_size = sizeof config, .model = "telegraph"};
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_NOT_FOUND);
    CHECK(detector == NULL && strlen(vvx_last_error()) > 10);
    config.model = "phone";
    config.set = VVX_SET_PRIOR;
    config.prior = 2;
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(vvx_last_error(), "prior") != NULL);
    config.set = 1u << 20;
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);

    config.set = VVX_SET_TARGET_FALSE_ALARM;
    config.target_false_alarm = 0.01;
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(vvx_last_error(), "calibration") != NULL);

    config.set = 0;
    size_t first_size = offsetof(vvx_detector_config, bonafide_llr) + sizeof config.bonafide_llr;
    for (size_t size = 0; size < first_size; size++) {
        config.struct_size = size;
        GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_STRUCT_SIZE);
    }
    config.struct_size = SIZE_MAX;
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_STRUCT_SIZE);

    /* A caller from the past, whose structure ends where the first version's did. */
    config.struct_size = first_size;
    config.calibration = "/nowhere";
    WORKS(vvx_detector_new(&config, &detector));
    WORKS(vvx_detector_free(detector));

    /* A caller from the future: what it does not use is fine, what it uses is not passed over in silence. */
    struct {
        vvx_detector_config now;
        double then;
    } future = {{.struct_size = sizeof future, .model = "phone"}, 0};
    WORKS(vvx_detector_new(&future.now, &detector));
    WORKS(vvx_detector_free(detector));
    future.then = 1;
    GIVES(vvx_detector_new(&future.now, &detector), VVX_STATUS_STRUCT_SIZE);

    WORKS(vvx_detector_free(NULL));
    GIVES(vvx_detector_free((vvx_detector *)3), VVX_STATUS_MISALIGNED);
    uint64_t something_else[8] = {0};
    GIVES(vvx_detector_free((vvx_detector *)something_else), VVX_STATUS_BAD_HANDLE);
}

/* A site's calibration holds for its model alone, and reports name it; thresholds follow from costs. */
static void calibrations(const char *file) {
    const char *json = NULL;
    vvx_detector *detector = NULL;
    vvx_report *report = NULL;
    vvx_detector_config config = {.struct_size = sizeof config, .model = "wide", .calibration = file};
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(vvx_last_error(), "made for the model phone") != NULL);
    config.calibration = testdata("README.md");
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);

    config = (vvx_detector_config){.struct_size = sizeof config, .model = "phone", .calibration = file};
    WORKS(vvx_detector_new(&config, &detector));
    WORKS(vvx_scan_file(detector, testdata("calls/03-bank-card.alaw.wav"), NULL, &report));
    WORKS(vvx_report_json(report, &json));
    CHECK(strstr(json, "\"calibration\":{\"name\":\"here\"") != NULL);
    WORKS(vvx_report_free(report));
    WORKS(vvx_detector_free(detector));

    config = (vvx_detector_config){.struct_size = sizeof config,
                                   .model = "phone",
                                   .set = VVX_SET_PRIOR | VVX_SET_COST_FALSE_ALARM | VVX_SET_COST_UNDECIDED,
                                   .prior = 0.5,
                                   .cost_false_alarm = 2,
                                   .cost_undecided = 0.5};
    WORKS(vvx_detector_new(&config, &detector));
    WORKS(vvx_scan_file(detector, testdata("calls/03-bank-card.alaw.wav"), NULL, &report));
    WORKS(vvx_report_json(report, &json));
    /* ln(.75 / .25) */
    CHECK(strstr(json, "\"synthetic_llr\":1.0986") != NULL);
    WORKS(vvx_report_free(report));
    WORKS(vvx_detector_free(detector));
    config.cost_undecided = 0;
    GIVES(vvx_detector_new(&config, &detector), VVX_STATUS_INVALID_ARGUMENT);
}

static void runtimes(void) {
    GIVES(vvx_runtime_select(9, NULL), VVX_STATUS_INVALID_ARGUMENT);
    GIVES(vvx_runtime_select(VVX_RUNTIME_ONNXRUNTIME, NULL), VVX_STATUS_INVALID_ARGUMENT);
    GIVES(vvx_runtime_select(VVX_RUNTIME_BUILT_IN, "x"), VVX_STATUS_INVALID_ARGUMENT);
    WORKS(vvx_runtime_select(VVX_RUNTIME_BUILT_IN, NULL));
    WORKS(vvx_runtime_select(VVX_RUNTIME_AUTO, NULL));
    GIVES(vvx_runtime_select(VVX_RUNTIME_ONNXRUNTIME, "/nowhere/libonnxruntime.so"), VVX_STATUS_RUNTIME);
}

static int32_t stop_at_once(void *user_data, double read_seconds, double total_seconds) {
    CHECK(read_seconds > 0 && (total_seconds > 0 || isnan(total_seconds)));
    return ++*(int *)user_data >= 2;
}

static void scans(vvx_detector *detector) {
    const char *call = testdata("calls/03-bank-card.alaw.wav");
    vvx_report *report = (vvx_report *)1;
    GIVES(vvx_scan_file(NULL, call, NULL, &report), VVX_STATUS_NULL_POINTER);
    CHECK(report == NULL);
    GIVES(vvx_scan_file(detector, NULL, NULL, &report), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_scan_file(detector, call, NULL, NULL), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_scan_file(detector, "/nowhere/call.wav", NULL, &report), VVX_STATUS_NOT_FOUND);
    GIVES(vvx_scan_memory(detector, NULL, 10, NULL, &report), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_scan_memory(detector, NULL, 0, NULL, &report), VVX_STATUS_UNSUPPORTED_AUDIO);
    GIVES(vvx_scan_memory(detector, (const uint8_t *)call, SIZE_MAX, NULL, &report), VVX_STATUS_INVALID_ARGUMENT);

    vvx_scan_options options = {.struct_size = sizeof options, .sample_rate_hz = 8000};
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    options = (vvx_scan_options){.struct_size = sizeof options, .encoding = VVX_ENCODING_MULAW, .sample_rate_hz = 8000};
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    options = (vvx_scan_options){.struct_size = sizeof options, .encoding = 99};
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    options = (vvx_scan_options){.struct_size = sizeof options, .max_duration_seconds = NAN};
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    options.max_duration_seconds = 1;
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_LIMIT_EXCEEDED);
    int n_calls = 0;
    options = (vvx_scan_options){.struct_size = sizeof options, .on_progress = stop_at_once, .user_data = &n_calls};
    GIVES(vvx_scan_file(detector, call, &options, &report), VVX_STATUS_CANCELLED);
    CHECK(n_calls == 2 && report == NULL);

    WORKS(vvx_scan_file(detector, call, NULL, &report));
    size_t n_legs = 0;
    const char *json = NULL;
    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_report_n_legs(report, &n_legs));
    WORKS(vvx_report_json(report, &json));
    WORKS(vvx_report_verdict(report, 0, &verdict));
    CHECK(n_legs == 1 && strstr(json, "\"decision\":\"synthetic\"") != NULL);
    CHECK(verdict.decision == VVX_DECISION_SYNTHETIC && verdict.state == VVX_STATE_ENDED && verdict.reasons == 0);
    CHECK(verdict.llr > 2 && verdict.probability > 0.8 && verdict.speech_seconds > 8 && verdict.firm_at_seconds > 0);
    GIVES(vvx_report_verdict(report, 1, &verdict), VVX_STATUS_INVALID_ARGUMENT);
    verdict.struct_size = 8;
    GIVES(vvx_report_verdict(report, 0, &verdict), VVX_STATUS_STRUCT_SIZE);
    GIVES(vvx_report_json((vvx_report *)detector, &json), VVX_STATUS_BAD_HANDLE);
    GIVES(vvx_report_n_legs(report, NULL), VVX_STATUS_NULL_POINTER);
    WORKS(vvx_report_free(report));
    WORKS(vvx_report_free(NULL));

    /* A caller from the past, whose options end where the first version's did: what lies behind is not read. */
    const char *nonsense[] = {"opus"};
    options = (vvx_scan_options){.struct_size = offsetof(vvx_scan_options, user_data) + sizeof options.user_data,
                                 .rtp_map = nonsense, .n_rtp_map = 1};
    WORKS(vvx_scan_file(detector, call, &options, &report));
    WORKS(vvx_report_free(report));

    /* The same bytes from memory give the same report. */
    size_t n_bytes;
    unsigned char *bytes = read_file(call, &n_bytes);
    vvx_report *of_file, *of_memory;
    const char *other;
    WORKS(vvx_scan_file(detector, call, NULL, &of_file));
    WORKS(vvx_scan_memory(detector, bytes, n_bytes, NULL, &of_memory));
    free(bytes);
    WORKS(vvx_report_json(of_file, &json));
    WORKS(vvx_report_json(of_memory, &other));
    CHECK(!strcmp(json, other));
    WORKS(vvx_report_free(of_file));
    WORKS(vvx_report_free(of_memory));
}

/* Headerless audio of every encoding, as it is when its file says what it is. */
static void headerless(vvx_detector *detector) {
    static const struct {
        const char *file;
        vvx_encoding encoding;
        uint32_t sample_rate_hz;
        const char *codec;
    } clips[] = {
        {"formats/clip.8000hz.s16le.raw", VVX_ENCODING_S16LE, 8000, "\"codec\":\"pcm_s16le\""},
        {"formats/clip.al", VVX_ENCODING_ALAW, 8000, "\"codec\":\"pcm_alaw\""},
        {"formats/clip.ulaw", VVX_ENCODING_MULAW, 8000, "\"codec\":\"pcm_mulaw\""},
        {"formats/clip.gsm", VVX_ENCODING_GSM, 8000, "\"codec\":\"gsm\""},
        {"formats/clip.g722", VVX_ENCODING_G722, 16000, "\"codec\":\"g722\""},
        {"formats/clip.g729", VVX_ENCODING_G729, 8000, "\"codec\":\"g729\""},
        {"formats/clip.g726_16.g726", VVX_ENCODING_G726_AT16, 8000, "\"codec\":\"g726\""},
        {"formats/clip.g726_24.g726", VVX_ENCODING_G726_AT24, 8000, "\"codec\":\"g726\""},
        {"formats/clip.g726_32.g726", VVX_ENCODING_G726_AT32, 8000, "\"codec\":\"g726\""},
        {"formats/clip.g726_40.g726", VVX_ENCODING_G726_AT40, 8000, "\"codec\":\"g726\""},
        {"formats/clip.aal2_32.g726", VVX_ENCODING_AAL2_G726_AT32, 8000, "\"codec\":\"g726\""},
        {"formats/clip.vox", VVX_ENCODING_VOX, 8000, "\"codec\":\"adpcm_oki\""},
    };
    vvx_report *report;
    const char *json;
    for (size_t n = 0; n < sizeof clips / sizeof *clips; n++) {
        vvx_scan_options options = {.struct_size = sizeof options, .encoding = clips[n].encoding,
                                    .sample_rate_hz = clips[n].sample_rate_hz, .channels = 1};
        WORKS(vvx_scan_file(detector, testdata(clips[n].file), &options, &report));
        WORKS(vvx_report_json(report, &json));
        CHECK(strstr(json, clips[n].codec) != NULL);
        WORKS(vvx_report_free(report));
    }
    vvx_scan_options options = {.struct_size = sizeof options, .encoding = VVX_ENCODING_G722, .sample_rate_hz = 8000, .channels = 1};
    GIVES(vvx_scan_file(detector, testdata("formats/clip.g722"), &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(vvx_last_error(), "16000 Hz") != NULL);
    options = (vvx_scan_options){.struct_size = sizeof options, .encoding = VVX_ENCODING_VOX + 1, .sample_rate_hz = 8000, .channels = 1};
    GIVES(vvx_scan_file(detector, testdata("formats/clip.vox"), &options, &report), VVX_STATUS_INVALID_ARGUMENT);
}

/* A capture of packets: a leg for each stream, and payload types that the caller has to say. */
static void captures(vvx_detector *detector) {
    vvx_report *report;
    size_t n_legs;
    const char *unannounced = testdata("captures/opus.unannounced.pcap");
    GIVES(vvx_scan_file(detector, unannounced, NULL, &report), VVX_STATUS_UNSUPPORTED_AUDIO);
    CHECK(strstr(vvx_last_error(), "payload type 97") != NULL);

    const char *maps[] = {"97=opus/48000"};
    vvx_scan_options options = {.struct_size = sizeof options, .rtp_map = maps, .n_rtp_map = 1};
    WORKS(vvx_scan_file(detector, unannounced, &options, &report));
    WORKS(vvx_report_n_legs(report, &n_legs));
    CHECK(n_legs >= 1);
    WORKS(vvx_report_free(report));

    const char *wrong[] = {"97=opus/48000", "300=opus/48000"};
    options = (vvx_scan_options){.struct_size = sizeof options, .rtp_map = wrong, .n_rtp_map = 2};
    GIVES(vvx_scan_file(detector, unannounced, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(vvx_last_error(), "300=opus/48000") != NULL);
    wrong[1] = NULL;
    GIVES(vvx_scan_file(detector, unannounced, &options, &report), VVX_STATUS_NULL_POINTER);
    wrong[1] = "\xff";
    GIVES(vvx_scan_file(detector, unannounced, &options, &report), VVX_STATUS_INVALID_ARGUMENT);
    options.rtp_map = NULL;
    GIVES(vvx_scan_file(detector, unannounced, &options, &report), VVX_STATUS_NULL_POINTER);

    WORKS(vvx_scan_file(detector, testdata("captures/g711.ethernet.pcap"), NULL, &report));
    WORKS(vvx_report_n_legs(report, &n_legs));
    CHECK(n_legs == 2);
    WORKS(vvx_report_free(report));
}

static void engines(vvx_detector *detector) {
    vvx_engine *engine = (vvx_engine *)1;
    GIVES(vvx_engine_start(NULL, NULL, &engine), VVX_STATUS_NULL_POINTER);
    CHECK(engine == NULL);
    vvx_engine_config config = {.struct_size = sizeof config, .workers = 100000};
    GIVES(vvx_engine_start(detector, &config, &engine), VVX_STATUS_INVALID_ARGUMENT);
    config = (vvx_engine_config){.struct_size = sizeof config, .workers = 1, .max_legs = 1};
    WORKS(vvx_engine_start(detector, &config, &engine));

    vvx_leg *leg = (vvx_leg *)1, *second;
    vvx_leg_config of = {.struct_size = sizeof of, .sample_rate_hz = 100};
    GIVES(vvx_leg_open(engine, NULL, &leg), VVX_STATUS_NULL_POINTER);
    CHECK(leg == NULL);
    GIVES(vvx_leg_open(engine, &of, &leg), VVX_STATUS_LIMIT_EXCEEDED);
    of.sample_rate_hz = 8000;
    WORKS(vvx_leg_open(engine, &of, &leg));
    GIVES(vvx_leg_open(engine, &of, &second), VVX_STATUS_OVERLOADED);
    CHECK(second == NULL && strstr(vvx_last_error(), "max_legs") != NULL);
    vvx_engine_stats stats = {.struct_size = sizeof stats};
    WORKS(vvx_engine_get_stats(engine, &stats));
    CHECK(stats.legs == 1 && stats.refused_legs == 1);

    int16_t silence[160] = {0};
    size_t n_taken = 9;
    GIVES(vvx_leg_push(NULL, silence, 160, NULL), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_leg_push(leg, NULL, 160, NULL), VVX_STATUS_NULL_POINTER);
    GIVES(vvx_leg_push(leg, (int16_t *)((char *)silence + 1), 10, NULL), VVX_STATUS_MISALIGNED);
    GIVES(vvx_leg_push((vvx_leg *)detector, silence, 160, NULL), VVX_STATUS_BAD_HANDLE);
    GIVES(vvx_leg_push(leg, silence, SIZE_MAX, NULL), VVX_STATUS_INVALID_ARGUMENT);
    WORKS(vvx_leg_push(leg, NULL, 0, &n_taken));
    CHECK(n_taken == 0);
    WORKS(vvx_leg_room(leg, &n_taken));
    CHECK(n_taken >= 800);
    WORKS(vvx_leg_push(leg, silence, 160, &n_taken));
    CHECK(n_taken == 160);
    GIVES(vvx_leg_room(leg, NULL), VVX_STATUS_NULL_POINTER);
    float floats[160] = {0};
    WORKS(vvx_leg_push_f32(leg, floats, 160, &n_taken));
    WORKS(vvx_leg_lost(leg, 160));
    WORKS(vvx_leg_silence(leg, 160));
    WORKS(vvx_leg_hold(leg));
    WORKS(vvx_leg_resume(leg));
    GIVES(vvx_leg_change_rate(leg, 1), VVX_STATUS_LIMIT_EXCEEDED);
    WORKS(vvx_leg_change_rate(leg, 16000));

    vvx_verdict verdict = {.struct_size = sizeof verdict};
    WORKS(vvx_leg_verdict(leg, &verdict));
    CHECK(verdict.decision == VVX_DECISION_INCONCLUSIVE && verdict.state == VVX_STATE_OPEN && isnan(verdict.llr));
    CHECK(verdict.reasons == VVX_REASON_TOO_LITTLE_SPEECH);
    const char *json = "";
    GIVES(vvx_leg_json(leg, &json), VVX_STATUS_BUSY);
    CHECK(json == NULL);
    vvx_event event = {.struct_size = 1};
    GIVES(vvx_leg_poll(leg, &event), VVX_STATUS_STRUCT_SIZE);
    event.struct_size = sizeof event;
    WORKS(vvx_leg_poll(leg, &event));
    GIVES(vvx_leg_poll(leg, NULL), VVX_STATUS_NULL_POINTER);

    /* A result structure that was smaller in the caller's version is filled as far as it goes; here there is no smaller one,
       and a larger one is told how much of it this library knows. */
    struct {
        vvx_verdict now;
        double then;
    } future = {{.struct_size = sizeof future}, 7};
    WORKS(vvx_leg_verdict(leg, &future.now));
    CHECK(future.now.struct_size == sizeof(vvx_verdict) && future.then == 7);

    WORKS(vvx_leg_finish(leg, 60000, &verdict));
    CHECK(verdict.state == VVX_STATE_ENDED && verdict.decision == VVX_DECISION_INCONCLUSIVE);
    CHECK(verdict.reasons & VVX_REASON_NO_SIGNAL);
    WORKS(vvx_leg_json(leg, &json));
    CHECK(strstr(json, "no_signal") != NULL);
    GIVES(vvx_leg_push(leg, silence, 160, &n_taken), VVX_STATUS_CLOSED);
    CHECK(n_taken == 0);
    GIVES(vvx_leg_hold(leg), VVX_STATUS_CLOSED);
    WORKS(vvx_leg_close(leg));
    WORKS(vvx_leg_finish(leg, 0, &verdict));
    WORKS(vvx_leg_free(leg));
    WORKS(vvx_leg_free(NULL));

    /* The engine is stopped under a leg: no verdict, and never "human". */
    do {
        wait_ms(1);
    } while (vvx_leg_open(engine, &of, &leg) == VVX_STATUS_OVERLOADED);
    WORKS(vvx_engine_stop(engine));
    WORKS(vvx_engine_stop(engine));
    GIVES(vvx_leg_push(leg, silence, 160, NULL), VVX_STATUS_CLOSED);
    GIVES(vvx_leg_finish(leg, 1000, &verdict), VVX_STATUS_CANCELLED);
    CHECK(verdict.state == VVX_STATE_FAILED && verdict.error == VVX_STATUS_CANCELLED);
    CHECK(verdict.decision == VVX_DECISION_INCONCLUSIVE && strstr(vvx_last_error(), "stopped") != NULL);
    GIVES(vvx_leg_json(leg, &json), VVX_STATUS_CANCELLED);
    GIVES(vvx_leg_open(engine, &of, &second), VVX_STATUS_CLOSED);
    GIVES(vvx_engine_get_stats(engine, &stats), VVX_STATUS_CLOSED);
    WORKS(vvx_engine_free(engine));
    WORKS(vvx_engine_free(NULL));
    WORKS(vvx_leg_free(leg));
}

static void remember(void *user_data, vvx_log_level level, const char *message) {
    CHECK(level >= VVX_LOG_LEVEL_ERROR && level <= VVX_LOG_LEVEL_INFO);
    snprintf((char *)user_data, 1000, "%s", message);
}

static void logs(void) {
    char line[1000] = "";
    vvx_detector *detector = NULL;
    WORKS(vvx_set_log(remember, line, VVX_LOG_LEVEL_WARNING));
    vvx_detector_config config = {.struct_size = sizeof config, .model = "/nowhere"};
    CHECK(vvx_detector_new(&config, &detector) != VVX_STATUS_OK);
    CHECK(!strcmp(line, vvx_last_error()));
    WORKS(vvx_set_log(remember, line, VVX_LOG_LEVEL_INFO));
    WORKS(vvx_detector_new(NULL, &detector));
    CHECK(strstr(line, "phone") != NULL && strstr(line, "rten") != NULL);
    WORKS(vvx_set_log(NULL, NULL, 0));
    line[0] = 0;
    WORKS(vvx_detector_free(detector));
    CHECK(vvx_detector_new(&config, &detector) != VVX_STATUS_OK && line[0] == 0);
}

int main(int n_arguments, char **arguments) {
    CHECK(n_arguments == 2); /* a site's calibration, made by the command */
    versions();
    codes_stay();
    runtimes();
    detectors();
    calibrations(arguments[1]);
    vvx_detector *detector = make_detector();
    scans(detector);
    headerless(detector);
    captures(detector);
    engines(detector);
    logs();
    WORKS(vvx_detector_free(detector));
    puts("api: ok");
    return 0;
}
