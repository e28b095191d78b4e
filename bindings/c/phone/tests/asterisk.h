/* As much of Asterisk's interface as app_veravox.c uses, in the test's own process: what its functions promise, without a switch
   around them. The Makefile makes asterisk/app.h and so on of it. The module is compiled against the real headers, and loaded into
   the real thing, where ASTERISK_SRC is set. */
#ifndef ASTERISK_STUB_H
#define ASTERISK_STUB_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))
#define ast_calloc calloc
#define ast_strdup strdup
#define ast_free free
#define ast_strlen_zero(s) (!(s) || !*(s))
#define ast_atomic_fetchadd_int(p, n) __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST)
#define AST_MUTEX_DEFINE_STATIC(name) static pthread_mutex_t name = PTHREAD_MUTEX_INITIALIZER
#define ast_mutex_lock pthread_mutex_lock
#define ast_mutex_unlock pthread_mutex_unlock
enum { LOG_WARNING, LOG_ERROR };
void ast_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frames. */
struct ast_format { unsigned rate; };
enum { AST_FRAME_VOICE = 2, AST_FRAME_DTMF = 1, AST_FRFLAG_HAS_TIMING_INFO = 1 };
struct ast_frame {
    int frametype, samples, flags, seqno;
    struct { struct ast_format *format; } subclass;
    union { void *ptr; } data;
    long ts, len;
};
#define ast_test_flag(p, flag) ((p)->flags & (flag))
static inline unsigned ast_format_get_sample_rate(const struct ast_format *format) { return format->rate; }

/* Audiohooks: a callback that is called with the channel locked and, at teardown, with neither channel nor frame. */
struct ast_channel;
struct ast_audiohook;
enum ast_audiohook_direction { AST_AUDIOHOOK_DIRECTION_READ, AST_AUDIOHOOK_DIRECTION_WRITE };
enum { AST_AUDIOHOOK_TYPE_MANIPULATE = 2, AST_AUDIOHOOK_MANIPULATE_ALL_RATES = 1 };
enum ast_audiohook_status { AST_AUDIOHOOK_STATUS_NEW, AST_AUDIOHOOK_STATUS_RUNNING, AST_AUDIOHOOK_STATUS_SHUTDOWN, AST_AUDIOHOOK_STATUS_DONE };
struct ast_audiohook {
    pthread_mutex_t lock;
    enum ast_audiohook_status status;
    int (*manipulate_callback)(struct ast_audiohook *, struct ast_channel *, struct ast_frame *, enum ast_audiohook_direction);
};
int ast_audiohook_init(struct ast_audiohook *hook, int type, const char *source, int flags);
int ast_audiohook_attach(struct ast_channel *chan, struct ast_audiohook *hook);
int ast_audiohook_remove(struct ast_channel *chan, struct ast_audiohook *hook);
int ast_audiohook_detach(struct ast_audiohook *hook);
int ast_audiohook_destroy(struct ast_audiohook *hook);
#define ast_audiohook_lock(hook) pthread_mutex_lock(&(hook)->lock)
#define ast_audiohook_unlock(hook) pthread_mutex_unlock(&(hook)->lock)

/* Channels and what hangs on them. */
struct ast_datastore_info { const char *type; void (*destroy)(void *data); };
struct ast_datastore { const struct ast_datastore_info *info; void *data; };
struct ast_channel {
    pthread_mutex_t lock;
    char uniqueid[32];
    struct ast_format format;
    struct ast_datastore *datastore;
    struct ast_audiohook *hook;
    struct { char name[32], value[256]; } variables[8];
    int n_events, n_refs;
    char last_event[32];
};
#define ast_channel_lock(chan) pthread_mutex_lock(&(chan)->lock)
#define ast_channel_unlock(chan) pthread_mutex_unlock(&(chan)->lock)
struct ast_channel *ast_channel_get_by_name(const char *name);
struct ast_channel *ast_channel_unref(struct ast_channel *chan);
static inline const char *ast_channel_uniqueid(struct ast_channel *chan) { return chan->uniqueid; }
static inline struct ast_format *ast_channel_rawreadformat(struct ast_channel *chan) { return &chan->format; }
struct ast_datastore *ast_datastore_alloc(const struct ast_datastore_info *info, const char *uid);
int ast_datastore_free(struct ast_datastore *datastore);
int ast_channel_datastore_add(struct ast_channel *chan, struct ast_datastore *datastore);
int ast_channel_datastore_remove(struct ast_channel *chan, struct ast_datastore *datastore);
struct ast_datastore *ast_channel_datastore_find(struct ast_channel *chan, const struct ast_datastore_info *info, const char *uid);
int pbx_builtin_setvar_helper(struct ast_channel *chan, const char *name, const char *value);
int ast_safe_sleep(struct ast_channel *chan, int ms);
struct ast_channel_iterator;
struct ast_channel_iterator *ast_channel_iterator_all_new(void);
struct ast_channel *ast_channel_iterator_next(struct ast_channel_iterator *iterator);
struct ast_channel_iterator *ast_channel_iterator_destroy(struct ast_channel_iterator *iterator);

/* Events. */
struct ast_json;
struct ast_json *ast_json_pack(const char *format, ...);
void ast_json_unref(struct ast_json *json);
static inline int ast_multi_user_event_type(void) { return 0; }
void ast_multi_object_blob_single_channel_publish(struct ast_channel *chan, int type, struct ast_json *blob);

/* Configuration and the command line. */
struct ast_flags { unsigned flags; };
struct ast_config;
#define CONFIG_STATUS_FILEINVALID ((struct ast_config *) -1)
struct ast_config *ast_config_load2(const char *file, const char *who, struct ast_flags flags);
const char *ast_variable_retrieve(struct ast_config *config, const char *category, const char *variable);
void ast_config_destroy(struct ast_config *config);
enum { CLI_INIT = -2, CLI_GENERATE = -3 };
#define CLI_SUCCESS ((char *) 0)
struct ast_cli_args { int fd; };
struct ast_cli_entry { char *(*handler)(struct ast_cli_entry *, int, struct ast_cli_args *); const char *summary, *command, *usage; };
#define AST_CLI_DEFINE(function, text) { .handler = function, .summary = text }
static inline int ast_cli_register_multiple(struct ast_cli_entry *entries, int n) { return entries && n ? 0 : 0; }
static inline int ast_cli_unregister_multiple(struct ast_cli_entry *entries, int n) { return entries && n ? 0 : 0; }
#define ast_cli dprintf

/* The module. */
struct ast_custom_function {
    const char *name;
    int (*read)(struct ast_channel *, const char *, char *, char *, size_t);
};
int ast_register_application_xml(const char *name, int (*exec)(struct ast_channel *, const char *));
static inline int ast_unregister_application(const char *name) { return name ? 0 : -1; }
int ast_custom_function_register(struct ast_custom_function *function);
static inline int ast_custom_function_unregister(struct ast_custom_function *function) { return function ? 0 : -1; }
#define AST_MODULE_SELF NULL
extern int n_module_refs;
#define ast_module_ref(module) __atomic_fetch_add(&n_module_refs, 1, __ATOMIC_SEQ_CST)
#define ast_module_unref(module) __atomic_fetch_sub(&n_module_refs, 1, __ATOMIC_SEQ_CST)
enum { AST_MODULE_LOAD_SUCCESS, AST_MODULE_LOAD_DECLINE, AST_MODULE_SUPPORT_EXTENDED };
struct module_info { int support_level; int (*load)(void), (*unload)(void), (*reload)(void); };
#define AST_MODULE_INFO(key, flags, description, ...) const struct module_info module = { __VA_ARGS__ }

#endif
