/**
 * SECTION:element-veravox
 *
 * Passes audio through unchanged and says of each channel whether its voice is a person's or a machine's. Every channel is a leg
 * of its own; legs are never mixed.
 *
 * |[
 * gst-launch-1.0 -m udpsrc port=5004 caps="application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMU" ! rtpjitterbuffer !
 *     rtppcmudepay ! mulawdec ! veravox ! fakesink
 * ]|
 *
 * News of a verdict is an element message whose structure is named "veravox": leg, decision ("synthetic", "bonafide",
 * "inconclusive"), stage, llr (positive = synthetic), probability, speech-seconds, reasons, is-final, and error where there is no
 * verdict. The streaming thread only copies the audio; scores are made by threads that all elements of a process share. Where the source is
 * not live, it waits while they are behind.
 *
 * Fail open: without a model, or with too many legs, audio passes all the same, and a message says that there is no verdict.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <string.h>

#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

#include <veravox/veravox.h>

#ifndef PACKAGE
#define PACKAGE "veravox"
#endif

GST_DEBUG_CATEGORY_STATIC(veravox_debug);
#define GST_CAT_DEFAULT veravox_debug

/* Frames that are taken apart into channels at a time. */
#define PIECE 256

#define GST_TYPE_VERAVOX (gst_veravox_get_type())
G_DECLARE_FINAL_TYPE(GstVeravox, gst_veravox, GST, VERAVOX, GstBaseTransform)

/* An engine that the elements with the same model and calibration share. */
typedef struct {
    gchar *model;
    gchar *calibration;
    vvx_engine *engine;
    guint n_users;
} Shared;

typedef struct {
    GstVeravox *element; /* which outlives its legs */
    guint channel;
    vvx_leg *leg; /* NULL where it could not be opened */
    vvx_status error;
} Leg;

struct _GstVeravox {
    GstBaseTransform parent;

    /* Properties, under the object's lock. */
    gchar *model;
    gchar *calibration;
    guint eos_wait_ms;

    Shared *shared; /* from start to stop; NULL where there is no engine */
    vvx_status error;

    /* Of the streaming thread; `legs` under the object's lock for whoever asks for verdicts. */
    GstAudioInfo info;
    Leg *legs;
    guint n_legs;
    GstClockTime heard_until;
    gboolean is_live;
    union {
        gint16 s16[PIECE];
        gfloat f32[PIECE];
    } piece;
};

G_DEFINE_TYPE(GstVeravox, gst_veravox, GST_TYPE_BASE_TRANSFORM)

enum { PROP_0, PROP_MODEL, PROP_CALIBRATION, PROP_EOS_WAIT, PROP_VERDICTS };

static GMutex engines_lock;
static GList *engines;

#define CAPS                                                                                                       \
    "audio/x-raw, format = (string) { " GST_AUDIO_NE(S16) ", " GST_AUDIO_NE(F32) " }, layout = (string) interleaved, " \
    "rate = (int) [ 4000, 384000 ], channels = (int) [ 1, 16 ]"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static gchar *names_of(guint32 reasons) {
    GString *names = g_string_new(NULL);
    for (guint32 reason = 1; reason != 0; reason <<= 1) {
        if (reasons & reason) g_string_append_printf(names, "%s%s", names->len ? "," : "", vvx_reason_name(reason));
    }
    return g_string_free(names, FALSE);
}

static GstStructure *structure_of(guint channel, const vvx_verdict *verdict, vvx_status error) {
    gchar *reasons = names_of(error == VVX_STATUS_OK ? verdict->reasons : 0);
    GstStructure *structure = gst_structure_new(
        "veravox", "leg", G_TYPE_UINT, channel, "decision", G_TYPE_STRING, vvx_decision_name(verdict->decision), "stage",
        G_TYPE_STRING, vvx_stage_name(verdict->stage), "speech-seconds", G_TYPE_DOUBLE, verdict->speech_seconds, "reasons",
        G_TYPE_STRING, reasons, "is-final", G_TYPE_BOOLEAN, verdict->state != VVX_STATE_OPEN || error != VVX_STATUS_OK, NULL);
    g_free(reasons);
    if (!isnan(verdict->llr)) {
        gst_structure_set(structure, "llr", G_TYPE_DOUBLE, verdict->llr, "probability", G_TYPE_DOUBLE, verdict->probability, NULL);
    }
    if (error != VVX_STATUS_OK) gst_structure_set(structure, "error", G_TYPE_STRING, vvx_strerror(error), NULL);
    return structure;
}

static void post(Leg *leg, const vvx_verdict *verdict, vvx_status error) {
    GstElement *element = GST_ELEMENT(leg->element);
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure_of(leg->channel, verdict, error)));
}

/* In the engine's thread for events. */
static void on_event(void *user_data, vvx_leg *handle, const vvx_event *event) {
    (void)handle;
    if (event->kind != VVX_EVENT_KIND_WINDOW) post(user_data, event->verdict, event->verdict->error);
}

static Shared *take_engine(const gchar *model, const gchar *calibration, vvx_status *error) {
    Shared *shared = NULL;
    g_mutex_lock(&engines_lock);
    for (GList *at = engines; at && !shared; at = at->next) {
        Shared *other = at->data;
        if (g_strcmp0(other->model, model) == 0 && g_strcmp0(other->calibration, calibration) == 0) shared = other;
    }
    *error = VVX_STATUS_OK;
    if (!shared) {
        vvx_detector_config config = {.struct_size = sizeof config, .model = model, .calibration = calibration};
        vvx_engine_config options = {.struct_size = sizeof options, .on_event = on_event};
        vvx_detector *detector = NULL;
        vvx_engine *engine = NULL;
        *error = vvx_detector_new(&config, &detector);
        if (*error == VVX_STATUS_OK) *error = vvx_engine_start(detector, &options, &engine);
        vvx_detector_free(detector);
        if (engine) {
            shared = g_new0(Shared, 1);
            shared->model = g_strdup(model);
            shared->calibration = g_strdup(calibration);
            shared->engine = engine;
            engines = g_list_prepend(engines, shared);
        }
    }
    if (shared) shared->n_users++;
    g_mutex_unlock(&engines_lock);
    return shared;
}

static void give_back_engine(Shared *shared) {
    g_mutex_lock(&engines_lock);
    gboolean is_last = --shared->n_users == 0;
    if (is_last) engines = g_list_remove(engines, shared);
    g_mutex_unlock(&engines_lock);
    if (is_last) {
        /* Waits for the thread for events, which may wait for anything but this lock. */
        vvx_engine_free(shared->engine);
        g_free(shared->model);
        g_free(shared->calibration);
        g_free(shared);
    }
}

static void free_legs(GstVeravox *self) {
    GST_OBJECT_LOCK(self);
    Leg *legs = self->legs;
    guint n_legs = self->n_legs;
    self->legs = NULL;
    self->n_legs = 0;
    GST_OBJECT_UNLOCK(self);
    /* When a leg is freed no callback of it runs, and none will. */
    for (guint n = 0; n < n_legs; n++) vvx_leg_free(legs[n].leg);
    g_free(legs);
}

static void open_legs(GstVeravox *self) {
    guint n_legs = GST_AUDIO_INFO_CHANNELS(&self->info);
    Leg *legs = g_new0(Leg, n_legs);
    GstQuery *query = gst_query_new_latency();
    self->is_live = TRUE;
    if (gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query)) gst_query_parse_latency(query, &self->is_live, NULL, NULL);
    gst_query_unref(query);
    for (guint n = 0; n < n_legs; n++) {
        vvx_leg_config config = {
            .struct_size = sizeof config, .sample_rate_hz = GST_AUDIO_INFO_RATE(&self->info), .user_data = &legs[n]};
        legs[n] = (Leg){.element = self, .channel = n, .error = self->error};
        if (self->shared) legs[n].error = vvx_leg_open(self->shared->engine, &config, &legs[n].leg);
        if (legs[n].error != VVX_STATUS_OK) {
            vvx_verdict none = {.struct_size = sizeof none, .llr = NAN};
            GST_WARNING_OBJECT(self, "leg %u has no verdict: %s", n, self->shared ? vvx_last_error() : vvx_strerror(self->error));
            post(&legs[n], &none, legs[n].error);
        }
    }
    GST_OBJECT_LOCK(self);
    self->legs = legs;
    self->n_legs = n_legs;
    GST_OBJECT_UNLOCK(self);
}

static gboolean start(GstBaseTransform *base) {
    GstVeravox *self = GST_VERAVOX(base);
    GST_OBJECT_LOCK(self);
    gchar *model = g_strdup(self->model);
    gchar *calibration = g_strdup(self->calibration);
    GST_OBJECT_UNLOCK(self);
    self->shared = take_engine(model, calibration, &self->error);
    if (!self->shared) {
        GST_ELEMENT_WARNING(self, LIBRARY, INIT, ("No verdicts: %s", vvx_last_error()), ("audio passes all the same"));
    }
    g_free(model);
    g_free(calibration);
    gst_audio_info_init(&self->info);
    self->heard_until = GST_CLOCK_TIME_NONE;
    return TRUE;
}

static gboolean stop(GstBaseTransform *base) {
    GstVeravox *self = GST_VERAVOX(base);
    free_legs(self);
    if (self->shared) give_back_engine(self->shared);
    self->shared = NULL;
    return TRUE;
}

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out) {
    GstVeravox *self = GST_VERAVOX(base);
    GstAudioInfo info;
    (void)out;
    if (!gst_audio_info_from_caps(&info, in)) return FALSE;
    gboolean same_legs = self->legs && (guint)GST_AUDIO_INFO_CHANNELS(&info) == self->n_legs;
    gboolean same_rate = GST_AUDIO_INFO_RATE(&info) == GST_AUDIO_INFO_RATE(&self->info);
    self->info = info;
    if (!same_legs) {
        free_legs(self);
        open_legs(self);
    } else if (!same_rate) {
        for (guint n = 0; n < self->n_legs; n++) {
            if (self->legs[n].leg) vvx_leg_change_rate(self->legs[n].leg, GST_AUDIO_INFO_RATE(&info));
        }
    }
    return TRUE;
}

static void each_leg(GstVeravox *self, vvx_status (*tell)(vvx_leg *, uint64_t), GstClockTime time) {
    guint64 n_samples = gst_util_uint64_scale_round(time, GST_AUDIO_INFO_RATE(&self->info), GST_SECOND);
    for (guint n = 0; n < self->n_legs; n++) {
        if (self->legs[n].leg) tell(self->legs[n].leg, n_samples);
    }
}

/* A hole between two buffers. Up to a packet may be rounding; more than ten seconds is a clock that was set anew. */
static void mind_the_gap(GstVeravox *self, GstBuffer *buffer, gsize n_frames) {
    GstClockTime at = GST_BUFFER_PTS(buffer);
    if (!GST_CLOCK_TIME_IS_VALID(at)) {
        self->heard_until = GST_CLOCK_TIME_NONE;
        return;
    }
    if (GST_CLOCK_TIME_IS_VALID(self->heard_until) && at > self->heard_until + 15 * GST_MSECOND &&
        at < self->heard_until + 10 * GST_SECOND) {
        each_leg(self, vvx_leg_lost, at - self->heard_until);
    }
    self->heard_until = at + gst_util_uint64_scale(n_frames, GST_SECOND, GST_AUDIO_INFO_RATE(&self->info));
}

/* A recording comes faster than it can be scored, and may wait for it; a call may not. */
static void wait_for_room(GstVeravox *self, vvx_leg *leg, gsize n_samples) {
    gsize room = 0;
    if (self->is_live) return; /* a flush or a stop ends the leg, and with it the wait */
    while (vvx_leg_room(leg, &room) == VVX_STATUS_OK && room < n_samples) g_usleep(2000);
}

/* The streaming thread: copies, and goes on. */
static GstFlowReturn hear(GstBaseTransform *base, GstBuffer *buffer) {
    GstVeravox *self = GST_VERAVOX(base);
    GstMapInfo map;
    if (!self->legs || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_OK;
    guint n_channels = self->n_legs;
    gboolean is_s16 = GST_AUDIO_INFO_FORMAT(&self->info) == GST_AUDIO_FORMAT_S16;
    gsize n_frames = map.size / GST_AUDIO_INFO_BPF(&self->info);
    mind_the_gap(self, buffer, n_frames);
    for (gsize from = 0; from < n_frames; from += PIECE) {
        gsize n = MIN(PIECE, n_frames - from);
        for (guint channel = 0; channel < n_channels; channel++) {
            vvx_leg *leg = self->legs[channel].leg;
            if (!leg) continue;
            wait_for_room(self, leg, n);
            if (is_s16) {
                const gint16 *samples = (const gint16 *)(gpointer)map.data + from * n_channels + channel;
                for (gsize at = 0; at < n; at++) self->piece.s16[at] = samples[at * n_channels];
                vvx_leg_push(leg, self->piece.s16, n, NULL);
            } else {
                const gfloat *samples = (const gfloat *)(gpointer)map.data + from * n_channels + channel;
                for (gsize at = 0; at < n; at++) self->piece.f32[at] = samples[at * n_channels];
                vvx_leg_push_f32(leg, self->piece.f32, n, NULL);
            }
        }
    }
    gst_buffer_unmap(buffer, &map);
    return GST_FLOW_OK;
}

static gboolean sink_event(GstBaseTransform *base, GstEvent *event) {
    GstVeravox *self = GST_VERAVOX(base);
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_EOS: {
        GST_OBJECT_LOCK(self);
        guint wait_ms = self->eos_wait_ms;
        GST_OBJECT_UNLOCK(self);
        for (guint n = 0; n < self->n_legs; n++) vvx_leg_close(self->legs[n].leg);
        /* The last messages come before the end does. */
        for (guint n = 0; n < self->n_legs; n++) {
            vvx_verdict verdict = {.struct_size = sizeof verdict};
            if (self->legs[n].leg && wait_ms > 0) vvx_leg_finish(self->legs[n].leg, wait_ms, &verdict);
        }
        break;
    }
    case GST_EVENT_GAP: {
        /* Nothing was sent, as in discontinuous transmission. */
        GstClockTime at, time;
        gst_event_parse_gap(event, &at, &time);
        if (self->legs && GST_CLOCK_TIME_IS_VALID(time)) {
            each_leg(self, vvx_leg_silence, time);
            self->heard_until = at + time;
        }
        break;
    }
    case GST_EVENT_FLUSH_STOP:
        /* What comes next is from elsewhere: no window holds speech of both. */
        if (self->legs) each_leg(self, vvx_leg_lost, GST_SECOND);
        self->heard_until = GST_CLOCK_TIME_NONE;
        break;
    default:
        break;
    }
    return GST_BASE_TRANSFORM_CLASS(gst_veravox_parent_class)->sink_event(base, event);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
    GstVeravox *self = GST_VERAVOX(object);
    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_MODEL:
        g_free(self->model);
        self->model = g_value_dup_string(value);
        break;
    case PROP_CALIBRATION:
        g_free(self->calibration);
        self->calibration = g_value_dup_string(value);
        break;
    case PROP_EOS_WAIT:
        self->eos_wait_ms = g_value_get_uint(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
    GstVeravox *self = GST_VERAVOX(object);
    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_MODEL:
        g_value_set_string(value, self->model);
        break;
    case PROP_CALIBRATION:
        g_value_set_string(value, self->calibration);
        break;
    case PROP_EOS_WAIT:
        g_value_set_uint(value, self->eos_wait_ms);
        break;
    case PROP_VERDICTS:
        for (guint n = 0; n < self->n_legs; n++) {
            vvx_verdict verdict = {.struct_size = sizeof verdict, .llr = NAN};
            vvx_status error = self->legs[n].error;
            if (self->legs[n].leg && vvx_leg_verdict(self->legs[n].leg, &verdict) == VVX_STATUS_OK) error = verdict.error;
            GValue one = G_VALUE_INIT;
            g_value_init(&one, GST_TYPE_STRUCTURE);
            g_value_take_boxed(&one, structure_of(n, &verdict, error));
            gst_value_array_append_and_take_value(value, &one);
        }
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void finalize(GObject *object) {
    g_free(GST_VERAVOX(object)->model);
    g_free(GST_VERAVOX(object)->calibration);
    G_OBJECT_CLASS(gst_veravox_parent_class)->finalize(object);
}

static void gst_veravox_class_init(GstVeravoxClass *class) {
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(class);

    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    g_object_class_install_property(
        object, PROP_MODEL,
        g_param_spec_string("model", "Model", "Folder of a model or name of a built-in one; the built-in ones by default", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
    g_object_class_install_property(
        object, PROP_CALIBRATION,
        g_param_spec_string("calibration", "Calibration", "File of a site's calibration, as veravox calibrate writes it", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
    g_object_class_install_property(
        object, PROP_EOS_WAIT,
        g_param_spec_uint("eos-wait", "EOS wait", "Milliseconds that the end of the stream waits for the last verdict, at most", 0,
                          G_MAXINT, 10000, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(
        object, PROP_VERDICTS,
        gst_param_spec_array("verdicts", "Verdicts", "The verdict on each channel so far, as in the messages",
                             g_param_spec_boxed("verdict", "Verdict", "The verdict on a channel", GST_TYPE_STRUCTURE,
                                                G_PARAM_READABLE | G_PARAM_STATIC_STRINGS),
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

    gst_element_class_set_static_metadata(element, "Synthetic voice detector", "Filter/Analyzer/Audio",
                                          "Says of each channel whether its voice is a person's or a machine's",
                                          "The veravox developers");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);

    transform->start = start;
    transform->stop = stop;
    transform->set_caps = set_caps;
    transform->transform_ip = hear;
    transform->sink_event = sink_event;
    transform->passthrough_on_same_caps = TRUE;
    transform->transform_ip_on_passthrough = TRUE;
}

static void gst_veravox_init(GstVeravox *self) {
    self->eos_wait_ms = 10000;
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static gboolean plugin_init(GstPlugin *plugin) {
    GST_DEBUG_CATEGORY_INIT(veravox_debug, "veravox", 0, "synthetic voice detector");
    return gst_element_register(plugin, "veravox", GST_RANK_NONE, GST_TYPE_VERAVOX);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, veravox, "Is the voice a person's or a machine's?", plugin_init,
                  VERAVOX_VERSION, "MIT/X11", "veravox", "https://github.com/veravox/veravox")
