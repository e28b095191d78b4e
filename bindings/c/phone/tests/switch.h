/* As much of FreeSWITCH's interface as mod_veravox.c uses, in the test's own process: what its functions promise, without a switch
   around them. The module is compiled against the real headers where FREESWITCH_SRC is set. */
#ifndef SWITCH_STUB_H
#define SWITCH_STUB_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum { SWITCH_STATUS_SUCCESS, SWITCH_STATUS_FALSE, SWITCH_STATUS_MEMERR, SWITCH_STATUS_NOUNLOAD } switch_status_t;
typedef enum { SWITCH_FALSE, SWITCH_TRUE } switch_bool_t;
typedef enum { SWITCH_ABC_TYPE_INIT, SWITCH_ABC_TYPE_READ_REPLACE, SWITCH_ABC_TYPE_CLOSE } switch_abc_type_t;
enum { SMBF_READ_REPLACE = 1, SMBF_NO_PAUSE = 2, SAF_NONE = 0, SWITCH_EVENT_CUSTOM = 0, SWITCH_STACK_BOTTOM = 0 };
enum { SWITCH_LOG_ERROR = 3 };
#define SWITCH_CHANNEL_LOG 0
#define switch_log_printf(where, level, ...) ((void) (level))

typedef struct { void *data; uint32_t datalen, rate, channels; } switch_frame_t;
typedef struct { uint32_t actual_samples_per_second; } switch_codec_implementation_t;
typedef struct switch_media_bug switch_media_bug_t;
typedef switch_bool_t (*switch_media_bug_callback_t)(switch_media_bug_t *, void *, switch_abc_type_t);
struct switch_media_bug { switch_media_bug_callback_t callback; void *user_data; switch_frame_t *frame; };

typedef struct {
    pthread_mutex_t lock;
    struct { char name[32], value[256]; } variables[8];
    void *private_data;
    int n_events;
    char last_event[32];
} switch_channel_t;
typedef struct { switch_channel_t channel; char uuid[40]; switch_media_bug_t *bug; int n_locks, refuses_bugs; } switch_core_session_t;

static inline switch_channel_t *switch_core_session_get_channel(switch_core_session_t *session) { return &session->channel; }
static inline const char *switch_core_session_get_uuid(switch_core_session_t *session) { return session->uuid; }
switch_core_session_t *switch_core_session_locate(const char *uuid);
void switch_core_session_rwunlock(switch_core_session_t *session);
switch_status_t switch_core_session_get_read_impl(switch_core_session_t *session, switch_codec_implementation_t *read);
switch_status_t switch_channel_set_variable(switch_channel_t *channel, const char *name, const char *value);
switch_status_t switch_channel_set_variable_printf(switch_channel_t *channel, const char *name, const char *format, ...);
static inline void *switch_channel_get_private(switch_channel_t *channel, const char *key) { return key ? channel->private_data : NULL; }
static inline void switch_channel_set_private(switch_channel_t *channel, const char *key, void *data) { if (key) channel->private_data = data; }
switch_status_t switch_core_media_bug_add(switch_core_session_t *session, const char *function, const char *target,
                                          switch_media_bug_callback_t callback, void *user_data, long stop_time, int flags,
                                          switch_media_bug_t **bug);
switch_status_t switch_core_media_bug_remove(switch_core_session_t *session, switch_media_bug_t **bug);
static inline switch_frame_t *switch_core_media_bug_get_read_replace_frame(switch_media_bug_t *bug) { return bug->frame; }

typedef struct { char status[32]; switch_channel_t *channel; } switch_event_t;
switch_status_t switch_event_create_subclass(switch_event_t **event, int id, const char *name);
static inline void switch_channel_event_set_data(switch_channel_t *channel, switch_event_t *event) { event->channel = channel; }
void switch_event_add_header_string(switch_event_t *event, int where, const char *name, const char *value);
void switch_event_add_header(switch_event_t *event, int where, const char *name, const char *format, ...);
void switch_event_fire(switch_event_t **event);
static inline switch_status_t switch_event_reserve_subclass(const char *name) { return name ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE; }
static inline switch_status_t switch_event_free_subclass(const char *name) { return name ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_FALSE; }

typedef struct switch_xml { const char *name, *value; struct switch_xml *child, *next; } *switch_xml_t;
switch_xml_t switch_xml_open_cfg(const char *file, switch_xml_t *node, void *params);
switch_xml_t switch_xml_child(switch_xml_t xml, const char *name);
const char *switch_xml_attr_soft(switch_xml_t xml, const char *name);
void switch_xml_free(switch_xml_t xml);

typedef struct switch_stream { switch_status_t (*write_function)(struct switch_stream *, const char *format, ...); char text[512]; } switch_stream_handle_t;
typedef struct { void (*run)(switch_core_session_t *, const char *); } switch_application_interface_t;
typedef struct { switch_status_t (*run)(const char *, switch_core_session_t *, switch_stream_handle_t *); } switch_api_interface_t;
typedef struct { switch_application_interface_t app; switch_api_interface_t api; } switch_loadable_module_interface_t;
typedef void switch_memory_pool_t;
switch_loadable_module_interface_t *switch_loadable_module_create_module_interface(switch_memory_pool_t *pool, const char *name);
#define SWITCH_STANDARD_APP(name) static void name(switch_core_session_t *session, const char *data)
#define SWITCH_STANDARD_API(name) static switch_status_t name(const char *cmd, switch_core_session_t *session, switch_stream_handle_t *stream)
#define SWITCH_MODULE_LOAD_FUNCTION(name) switch_status_t name(switch_loadable_module_interface_t **module_interface, switch_memory_pool_t *pool)
#define SWITCH_MODULE_SHUTDOWN_FUNCTION(name) switch_status_t name(void)
#define SWITCH_MODULE_DEFINITION(name, load, shutdown, runtime) static const char modname[] = #name
#define SWITCH_ADD_APP(interface, name, short_text, long_text, function, syntax, flags) \
    (interface = &(*module_interface)->app, interface->run = function)
#define SWITCH_ADD_API(interface, name, text, function, syntax) (interface = &(*module_interface)->api, interface->run = function)

#endif
