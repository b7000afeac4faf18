/* System messages in the documented form: "TAG: [ID nnnnnn daemon.level] text", to syslog when there is one and to stderr.
 * The ID is a hash of the format text (100000-999999), so the same message always has the same ID. */
#pragma once
#include <syslog.h>

#include "base/macros.h"

#define LOG_TAG_MAX 255         /* bytes; what is longer is cut */

/* tag: "Cluster.RGM.rgmd" and the like; kept by reference.  Lines to stderr carry a time stamp and the tag. */
void log_open(const char *tag);
/* The highest level that is written; LOG_INFO at start, LOG_DEBUG when PARHELION_DEBUG is set. */
void log_set_max_level(int level);
/* To stderr only where there is no syslog. */
void log_set_quiet(void);
/* tag NULL: the one given to log_open().  No newline in fmt. */
void log_tagged(const char *tag, int level, const char *fmt, ...) _printf_(3, 4);
/* The same with a text that was put together elsewhere; id_of: the format that it came from. */
void log_text(const char *tag, int level, const char *id_of, const char *text);
uint32_t log_message_id(const char *fmt);
/* From here on lines are written by a thread of their own: a log disk that is slow, or hangs, holds up nobody who logs.
 * At most LOG_QUEUE_MAX lines wait; when more come, they are counted and the count is logged.  Negative errno. */
#define LOG_QUEUE_MAX 4096
int log_start_thread(void);
/* Waits until what was logged is written, but not longer than that. */
void log_flush(unsigned timeout_ms);

#define log_err(...)    log_tagged(NULL, LOG_ERR, __VA_ARGS__)
#define log_warn(...)   log_tagged(NULL, LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_tagged(NULL, LOG_NOTICE, __VA_ARGS__)
#define log_info(...)   log_tagged(NULL, LOG_INFO, __VA_ARGS__)
#define log_debug(...)  log_tagged(NULL, LOG_DEBUG, __VA_ARGS__)
