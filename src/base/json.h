/* base/json.h: writes JSON (RFC 8259), nothing more.
 *
 * Calls must nest rightly (asserted). Text that is not UTF-8 is written with
 * each wrong octet as U+FFFD, so the output is always valid; what would act on a
 * terminal is written as \uXXXX. In an object every
 * value is preceded by json_key(); json_kv_*() do both. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

/* What was written last, within the innermost object or array. */
enum json_state { JSON_OPENED, JSON_KEYED, JSON_VALUED };

struct json {
	struct buf     *out;
	unsigned        depth;
	enum json_state state;
	bool            pretty; /* indented by two spaces */
	bool            lean; /* json_kv_*() leave out members that would be null */
};

struct json json_to(struct buf *, bool pretty);
void        json_open_object(struct json *);
void        json_close_object(struct json *);
void        json_open_array(struct json *);
void        json_close_array(struct json *);
void        json_text(struct json *, struct bytes);
void        json_word(struct json *, struct bytes); /* one of ours, written as it is: nothing in it is escaped */
void        json_text_or_null(struct json *, struct bytes); /* empty is null */
void        json_int(struct json *, int64_t);
void        json_thousandths(struct json *, uint64_t); /* 1204 is 1.204 */
void        json_bool(struct json *, bool);
void        json_null(struct json *);
void        json_raw(struct json *, struct bytes); /* a whole value that is JSON already */

/* Seconds in UTC of a time in microseconds; 0 is null. */
void json_kv_time(struct json *, const char *key, int64_t at_us);

/* Room for a key of so many octets between quotes, with what stands before and behind it written but for `":`; NULL:
 * there is none. For json_key(). */
char *json_key_room(struct json *, size_t len);

/* ---- in line, so that the length of a key in the source is known when it is compiled ---- */

/* One of ours, like the words of json_word(). */
static inline void
json_key(struct json *j, const char *key)
{
	size_t len = strlen(key);
	char  *at = json_key_room(j, len);

	if (at == NULL)
		return;
	memcpy(at, key, len);
	at[len] = '"';
	at[len + 1] = ':';
}

static inline void
json_kv_text(struct json *j, const char *key, struct bytes text)
{
	json_key(j, key);
	json_text(j, text);
}

static inline void
json_kv_null(struct json *j, const char *key)
{
	if (j->lean)
		return;
	json_key(j, key);
	json_null(j);
}

static inline void
json_kv_text_or_null(struct json *j, const char *key, struct bytes text)
{
	if (text.len == 0)
		json_kv_null(j, key);
	else
		json_kv_text(j, key, text);
}

/* NULL is null */
static inline void
json_kv_str(struct json *j, const char *key, const char *s)
{
	if (s == NULL)
		json_kv_null(j, key);
	else
		json_kv_text(j, key, bytes_of(s));
}

/* See json_word(); NULL is null. */
static inline void
json_kv_word(struct json *j, const char *key, const char *word)
{
	if (word == NULL) {
		json_kv_null(j, key);
		return;
	}
	json_key(j, key);
	json_word(j, bytes_of(word));
}

static inline void
json_kv_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

static inline void
json_kv_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

#endif
