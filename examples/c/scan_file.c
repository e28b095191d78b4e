/* Which legs of a recording hold a synthetic voice: cc scan_file.c $(pkg-config --cflags --libs veravox) -o scan_file */
#include <stdio.h>
#include <veravox/veravox.h>

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vvx_last_error());
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s RECORDING\n", argv[0]);
        return 2;
    }
    vvx_detector *detector;
    if (vvx_detector_new(NULL, &detector) != VVX_STATUS_OK) return failed("no detector");

    vvx_report *report;
    if (vvx_scan_file(detector, argv[1], NULL, &report) != VVX_STATUS_OK) return failed(argv[1]);

    size_t n_legs = 0;
    vvx_report_n_legs(report, &n_legs);
    for (size_t leg = 0; leg < n_legs; leg++) {
        vvx_verdict verdict = {.struct_size = sizeof verdict};
        vvx_report_verdict(report, leg, &verdict);
        printf("leg %zu: %s, llr %+.1f, %.1f s of speech", leg, vvx_decision_name(verdict.decision), verdict.llr,
               verdict.speech_seconds);
        for (uint32_t reason = 1; reason != 0; reason <<= 1) {
            if (verdict.reasons & reason) printf(", %s", vvx_reason_name(reason));
        }
        printf("\n");
    }
    vvx_report_free(report);
    vvx_detector_free(detector);
    return 0;
}
