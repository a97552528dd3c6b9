/* base/json.h: writes JSON (RFC 8259), nothing more.
 *
 * Calls must nest rightly (asserted). Text that is not UTF-8 is written with
 * each wrong octet as U+FFFD, so the output is always valid; what would act on a
 * terminal is written as \uXXXX. In an object every
 * value is preceded by json_key(); json_kv_*() do both. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#define JSON_DEPTH 32

struct json {
	struct buf *out;
	unsigned    depth;
	bool        comma[JSON_DEPTH];
	bool        after_key;
	bool        pretty; /* indented by two spaces */
	bool        lean; /* json_kv_*() leave out members that would be null */
};

struct json json_to(struct buf *, bool pretty);
void        json_open_object(struct json *);
void        json_close_object(struct json *);
void        json_open_array(struct json *);
void        json_close_array(struct json *);
void        json_key(struct json *, const char *); /* one of ours, written as it is: nothing in it is escaped */
void        json_text(struct json *, struct bytes);
void        json_text_or_null(struct json *, struct bytes); /* empty is null */
void        json_int(struct json *, int64_t);
void        json_thousandths(struct json *, uint64_t); /* 1204 is 1.204 */
void        json_bool(struct json *, bool);
void        json_null(struct json *);
void        json_raw(struct json *, struct bytes); /* a whole value that is JSON already */

void json_kv_text(struct json *, const char *key, struct bytes);
void json_kv_text_or_null(struct json *, const char *key, struct bytes);
void json_kv_str(struct json *, const char *key, const char *); /* NULL is null */
void json_kv_int(struct json *, const char *key, int64_t);
void json_kv_bool(struct json *, const char *key, bool);
void json_kv_null(struct json *, const char *key);

#endif
