/* The same vectors as every other language: reports equal to the byte to those of the command, which the core's tests hold;
   the errors of testdata/bad/expected.tsv and testdata/manifests/expected.tsv.

   vectors REPORTS.jsonl: the command's lines on files of testdata/, made with the built-in runtime. */

#include "check.h"

static vvx_status code_of(const char *name) {
    static const struct {
        const char *name;
        vvx_status code;
    } kinds[] = {
        {"not_found", VVX_STATUS_NOT_FOUND}, {"permission_denied", VVX_STATUS_PERMISSION_DENIED}, {"io", VVX_STATUS_IO},
        {"unsupported_audio", VVX_STATUS_UNSUPPORTED_AUDIO}, {"corrupt_audio", VVX_STATUS_CORRUPT_AUDIO},
        {"limit_exceeded", VVX_STATUS_LIMIT_EXCEEDED}, {"invalid_manifest", VVX_STATUS_INVALID_MANIFEST},
        {"hash_mismatch", VVX_STATUS_HASH_MISMATCH}, {"invalid_model", VVX_STATUS_INVALID_MODEL},
        {"runtime", VVX_STATUS_RUNTIME}, {"invalid_argument", VVX_STATUS_INVALID_ARGUMENT},
    };
    for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        if (!strcmp(kinds[n].name, name)) return kinds[n].code;
    }
    return -1;
}

/* The next line, without its end; NULL after the last. */
static char *next_line(char **rest) {
    char *line = *rest, *end;
    if (!line || !*line) return NULL;
    end = strchr(line, '\n');
    *rest = end ? end + 1 : NULL;
    if (end) *end = 0;
    return line;
}

static void bad_files(vvx_detector *detector) {
    size_t n_bytes, n_files = 0;
    char *table = (char *)read_file(testdata("bad/expected.tsv"), &n_bytes), *rest = table, *line;
    next_line(&rest);
    while ((line = next_line(&rest))) {
        char *name = strtok(line, "\t"), *outcome = strtok(NULL, "\t"), *accepted = strtok(NULL, "\t");
        char path[4096];
        snprintf(path, sizeof path, "%s/bad/%s", TESTDATA, name);
        vvx_report *report;
        vvx_status status = vvx_scan_file(detector, path, NULL, &report);
        if (status == VVX_STATUS_OK) {
            CHECK(strcmp(outcome, "error") != 0 && report != NULL);
            WORKS(vvx_report_free(report));
        } else {
            int known = 0;
            CHECK(strcmp(outcome, "report") != 0 && report == NULL && accepted != NULL && *vvx_last_error());
            for (char *kind = strtok(accepted, ", "); kind; kind = strtok(NULL, ", ")) known |= code_of(kind) == status;
            if (!known) fprintf(stderr, "%s: %s\n", name, vvx_strerror(status));
            CHECK(known);
        }
        n_files++;
    }
    CHECK(n_files > 50);
    free(table);
}

static void bad_models(void) {
    size_t n_bytes, n_models = 0;
    char *table = (char *)read_file(testdata("manifests/expected.tsv"), &n_bytes), *rest = table, *line;
    next_line(&rest);
    while ((line = next_line(&rest))) {
        char *name = strtok(line, "\t"), *kind = strtok(NULL, "\t");
        char path[4096];
        snprintf(path, sizeof path, "%s/manifests/%s", TESTDATA, name);
        vvx_detector_config config = {.struct_size = sizeof config, .model = path};
        vvx_detector *detector;
        vvx_status status = vvx_detector_new(&config, &detector);
        vvx_status expected = kind ? code_of(kind) : VVX_STATUS_OK;
        if (status != expected) fprintf(stderr, "%s: %s, not %s\n", name, vvx_strerror(status), kind ? kind : "ok");
        CHECK(status == expected && (detector == NULL) == (kind != NULL));
        WORKS(vvx_detector_free(detector));
        n_models++;
    }
    CHECK(n_models > 30);
    free(table);
}

/* {"path":"...", and then the report as the library gives it. */
static void reports(vvx_detector *detector, const char *jsonl) {
    size_t n_bytes, n_files = 0;
    char *lines = (char *)read_file(jsonl, &n_bytes), *rest = lines, *line;
    while ((line = next_line(&rest))) {
        static const char start[] = "{\"path\":\"";
        CHECK(!strncmp(line, start, sizeof start - 1));
        char *path = line + sizeof start - 1, *end = strstr(path, "\",");
        CHECK(end != NULL);
        *end = 0;
        char *expected = end + 1;
        *expected = '{';
        vvx_report *report;
        const char *json;
        WORKS(vvx_scan_file(detector, path, NULL, &report));
        WORKS(vvx_report_json(report, &json));
        if (strcmp(json, expected)) fprintf(stderr, "%s:\n%s\n%s\n", path, json, expected);
        CHECK(!strcmp(json, expected));
        WORKS(vvx_report_free(report));
        n_files++;
    }
    CHECK(n_files >= 10);
    free(lines);
}

int main(int n_arguments, char **arguments) {
    CHECK(n_arguments == 2);
    vvx_detector *detector = make_detector();
    bad_files(detector);
    bad_models();
    reports(detector, arguments[1]);
    WORKS(vvx_detector_free(detector));
    puts("vectors: ok");
    return 0;
}
