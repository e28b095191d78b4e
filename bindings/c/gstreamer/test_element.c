/* The element on real RTP streams over UDP, one channel of G.711 and two legs in one stream; on files; without a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gio/gio.h>
#include <gst/gst.h>

static void fail(const char *what, const char *why) {
    g_printerr("%s: %s\n", what, why);
    exit(1);
}

typedef struct {
    const char *decision[2]; /* static names of GStreamer's, or NULL */
    gboolean was_synthetic[2], is_final[2], has_error;
    guint n_messages;
    gboolean eos;
} Heard;

static const char *const SYNTHETIC = "synthetic";

static void take(Heard *heard, GstMessage *message, const char *what) {
    switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR: {
        GError *error;
        gst_message_parse_error(message, &error, NULL);
        fail(what, error->message);
        break;
    }
    case GST_MESSAGE_EOS:
        heard->eos = TRUE;
        break;
    case GST_MESSAGE_ELEMENT: {
        const GstStructure *said = gst_message_get_structure(message);
        guint leg;
        gboolean is_final;
        if (!gst_structure_has_name(said, "veravox")) break;
        if (!gst_structure_get_uint(said, "leg", &leg) || leg > 1) fail(what, "a message without a leg");
        gst_structure_get_boolean(said, "is-final", &is_final);
        heard->n_messages++;
        heard->decision[leg] = g_intern_string(gst_structure_get_string(said, "decision"));
        heard->was_synthetic[leg] |= !strcmp(heard->decision[leg], SYNTHETIC);
        heard->is_final[leg] |= is_final;
        heard->has_error |= gst_structure_has_field(said, "error");
        if (heard->was_synthetic[leg]) {
            gdouble llr;
            if (!strcmp(heard->decision[leg], SYNTHETIC) && !(gst_structure_get_double(said, "llr", &llr) && llr > 0)) {
                fail(what, "synthetic without a score above 0");
            }
        }
        break;
    }
    default:
        break;
    }
}

static GstElement *play(const char *words) {
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(words, &error);
    if (error) fail(words, error->message);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    return pipeline;
}

static void wait_for(GstElement *pipeline, Heard *heard, const char *what, guint seconds, gboolean (*enough)(const Heard *)) {
    GstBus *bus = gst_element_get_bus(pipeline);
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    while (!enough(heard)) {
        gint64 left = until - g_get_monotonic_time();
        GstMessage *message = left > 0 ? gst_bus_timed_pop(bus, (GstClockTime)left * 1000) : NULL;
        if (!message) fail(what, "what should come did not");
        take(heard, message, what);
        gst_message_unref(message);
    }
    gst_object_unref(bus);
}

static void end(GstElement *pipeline) {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

static gboolean first_is_synthetic(const Heard *heard) {
    return heard->was_synthetic[0];
}
static gboolean second_is_synthetic(const Heard *heard) {
    return heard->was_synthetic[1];
}
static gboolean is_over(const Heard *heard) {
    return heard->eos;
}

/* A port that is free now. */
static guint free_port(void) {
    GSocket *socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    GInetAddress *loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    GSocketAddress *any = g_inet_socket_address_new(loopback, 0), *bound;
    guint port;
    if (!g_socket_bind(socket, any, FALSE, NULL)) fail("UDP", "no port is free");
    bound = g_socket_get_local_address(socket, NULL);
    port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    g_object_unref(bound);
    g_object_unref(any);
    g_object_unref(loopback);
    g_object_unref(socket);
    return port;
}

/* Two streams at once, at the pace of speech. */
static void streams(void) {
    guint mono_port = free_port(), stereo_port = free_port();
    gchar *mono = g_strdup_printf("udpsrc port=%u address=127.0.0.1 caps=\"application/x-rtp,media=audio,clock-rate=8000,"
                                  "encoding-name=PCMU,payload=0\" ! rtpjitterbuffer ! rtppcmudepay ! mulawdec ! veravox name=v ! "
                                  "fakesink sync=true", mono_port);
    gchar *stereo = g_strdup_printf("udpsrc port=%u address=127.0.0.1 caps=\"application/x-rtp,media=audio,clock-rate=8000,"
                                    "encoding-name=L16,channels=2,payload=96\" ! rtpjitterbuffer ! rtpL16depay ! audioconvert ! "
                                    "veravox ! fakesink sync=true", stereo_port);
    gchar *mono_call = g_strdup_printf("filesrc location=%s/calls/03-bank-card.alaw.wav ! wavparse ! alawdec ! mulawenc ! "
                                       "rtppcmupay ! udpsink host=127.0.0.1 port=%u", TESTDATA, mono_port);
    gchar *stereo_call = g_strdup_printf("filesrc location=%s/calls/12-refund-one-way.alaw.wav ! wavparse ! alawdec ! "
                                         "audioconvert ! rtpL16pay ! udpsink host=127.0.0.1 port=%u", TESTDATA, stereo_port);
    GstElement *receivers[2] = {play(mono), play(stereo)};
    GstElement *senders[2] = {play(mono_call), play(stereo_call)};
    Heard one = {0}, two = {0};
    wait_for(receivers[0], &one, "PCMU", 60, first_is_synthetic);
    wait_for(receivers[1], &two, "L16", 60, second_is_synthetic);
    if (two.was_synthetic[0]) fail("L16", "the silent leg heard the other");

    GstElement *element = gst_bin_get_by_name(GST_BIN(receivers[0]), "v");
    GValue verdicts = G_VALUE_INIT;
    g_value_init(&verdicts, GST_TYPE_ARRAY);
    g_object_get_property(G_OBJECT(element), "verdicts", &verdicts);
    if (gst_value_array_get_size(&verdicts) != 1) fail("PCMU", "expected one verdict among the properties");
    const GstStructure *verdict = g_value_get_boxed(gst_value_array_get_value(&verdicts, 0));
    if (strcmp(gst_structure_get_string(verdict, "decision"), one.decision[0])) fail("PCMU", "property and message differ");
    g_value_unset(&verdicts);
    gst_object_unref(element);

    gst_element_send_event(receivers[0], gst_event_new_eos());
    wait_for(receivers[0], &one, "PCMU", 30, is_over);
    if (!one.is_final[0]) fail("PCMU", "the last verdict comes before the end");
    for (int n = 0; n < 2; n++) end(senders[n]);
    /* In the midst of the call. */
    for (int n = 0; n < 2; n++) end(receivers[n]);
    g_free(mono);
    g_free(stereo);
    g_free(mono_call);
    g_free(stereo_call);
}

/* Audio passes bit by bit as it came, whatever the element hears, and with no model at all. */
static void passes_through(const char *element, gboolean expects_error) {
    gchar *words[2];
    GBytes *came[2];
    for (int n = 0; n < 2; n++) {
        words[n] = g_strdup_printf("filesrc location=%s/calls/12-refund-one-way.alaw.wav ! wavparse ! alawdec ! %s ! filesink "
                                   "location=%s.%d.raw", TESTDATA, n ? element : "identity", g_get_prgname(), n);
        Heard heard = {0};
        GstElement *pipeline = play(words[n]);
        wait_for(pipeline, &heard, words[n], 60, is_over);
        if (n && (heard.has_error != expects_error || !heard.is_final[0] || !heard.is_final[1])) {
            fail(words[n], "every leg has a last word, and an error where there is no model");
        }
        if (n && !expects_error && (!heard.was_synthetic[1] || heard.was_synthetic[0])) fail(words[n], "the second leg is a machine");
        if (n && expects_error && strcmp(heard.decision[0], "inconclusive")) fail(words[n], "no verdict is inconclusive");
        end(pipeline);
        gchar *path = g_strdup_printf("%s.%d.raw", g_get_prgname(), n), *bytes;
        gsize n_bytes;
        if (!g_file_get_contents(path, &bytes, &n_bytes, NULL)) fail(path, "cannot be read");
        came[n] = g_bytes_new_take(bytes, n_bytes);
        remove(path);
        g_free(path);
        g_free(words[n]);
    }
    if (g_bytes_get_size(came[0]) < 100000 || !g_bytes_equal(came[0], came[1])) fail(element, "audio was changed");
    for (int n = 0; n < 2; n++) g_bytes_unref(came[n]);
}

/* Played, paused, sought, stopped and played again. */
static void survives_its_states(void) {
    GstElement *pipeline = play("audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=2 ! veravox ! fakesink");
    GstState states[] = {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL, GST_STATE_PLAYING};
    for (gsize n = 0; n < G_N_ELEMENTS(states); n++) {
        gst_element_set_state(pipeline, states[n]);
        g_usleep(60000);
    }
    end(pipeline);
}

int main(int argc, char **argv) {
    gst_init(&argc, &argv);
    g_set_prgname(argv[0]);
    passes_through("veravox", FALSE);
    passes_through("veravox model=/nowhere", TRUE);
    passes_through("audioconvert ! audio/x-raw,format=F32LE ! veravox ! audioconvert dithering=none ! audio/x-raw,format=S16LE", FALSE);
    survives_its_states();
    streams();
    g_print("element: ok\n");
    return 0;
}
