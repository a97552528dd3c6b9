/* base/log.h: one event a line, a fixed name and typed fields.
 *
 *     log_event(AT_INFO, "message.decided", F_TEXT("domain", d), F_WORD("reason", "dmarc.reject"), F_INT("rcpts", 2));
 *
 * gives   message.decided domain=example.com reason=dmarc.reject rcpts=2
 *
 * to standard error, with a <N> prefix under systemd, or to syslog. Text is
 * made harmless: control characters and what is not UTF-8 become \xHH, and a
 * value with blanks or quotes is quoted; of more than 512 octets the first are
 * shown, and "...". Bodies, keys and passwords are never fields. A warning ends
 * with what we did about it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level { AT_ERROR, AT_WARNING, AT_INFO, AT_DEBUG };
enum log_to { LOG_STDERR, LOG_SYSLOG };

struct log_field {
	enum { FIELD_TEXT, FIELD_INT, FIELD_USEC } kind;
	const char  *name;
	struct bytes text;
	int64_t      number;
};

#define F_TEXT(name, bytes)  ((struct log_field){ FIELD_TEXT, (name), (bytes), 0 })
#define F_WORD(name, string) ((struct log_field){ FIELD_TEXT, (name), bytes_of(string), 0 })
#define F_INT(name, v)       ((struct log_field){ FIELD_INT, (name), B_NONE, (int64_t)(v) })
/* Microseconds, written as milliseconds with one digit: took=1.4ms */
#define F_USEC(name, v)      ((struct log_field){ FIELD_USEC, (name), B_NONE, (int64_t)(v) })

#define log_event(level, event, ...) \
	log_fields((level), (event), (const struct log_field[]){ __VA_ARGS__ }, \
	           sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

void log_open(enum log_to, enum log_level least);
void log_fields(enum log_level, const char *event, const struct log_field *, unsigned long count);

#endif
