/* base/bytes.h: a borrowed run of octets.
 *
 * Mail is not C strings: it holds NUL, it has no end, it belongs to someone
 * else. A struct bytes never owns what it points to, and is copied by value.
 * Letters are ASCII letters whatever the locale. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const char *at; /* may be NULL only when len is 0 */
	size_t      len;
};

#define B_INIT(literal) { (literal), sizeof(literal) - 1 }
#define B(literal)      ((struct bytes)B_INIT(literal))
#define B_NONE          ((struct bytes){ NULL, 0 })

/* For printf's "%.*s". */
#define B_FMT(b)        (int)(b).len, ((b).at != NULL ? (b).at : "")

/* From a C string; NULL gives the empty run. */
static inline struct bytes bytes_of(const char *);
static inline struct bytes bytes_make(const void *at, size_t len);

static inline bool bytes_eq(struct bytes, struct bytes);
static inline bool bytes_eq_nocase(struct bytes, struct bytes);
/* memcmp order, the shorter first. */
int  bytes_order(struct bytes, struct bytes);
static inline bool bytes_starts(struct bytes, struct bytes prefix);
static inline bool bytes_starts_nocase(struct bytes, struct bytes prefix);
static inline bool bytes_ends_nocase(struct bytes, struct bytes suffix);
static inline bool bytes_has(struct bytes, char);

/* Index of the first (last) `c`, or len when there is none. */
static inline size_t bytes_index(struct bytes, char c);
size_t               bytes_rindex(struct bytes, char c);
/* Index of the first `needle`, or len when there is none. An empty needle is at 0. */
size_t bytes_find(struct bytes hay, struct bytes needle);
size_t bytes_find_nocase(struct bytes hay, struct bytes needle);

/* The run from `from`, at most `len` long; never past the end. */
static inline struct bytes bytes_sub(struct bytes, size_t from, size_t len);
static inline struct bytes bytes_from(struct bytes, size_t from);

/* Cut `*rest` at the first `sep`: what stands before goes to `*head_out`, what
 * stands behind stays in `*rest`. Without a `sep` all of it is the head and
 * rest becomes { NULL, 0 }. False, and nothing touched, when rest.at is NULL:
 * so "a," gives "a" and "", and an empty input with an address gives "" once. */
bool bytes_cut(struct bytes *rest, char sep, struct bytes *head_out);

/* Cut one line. The line end (CRLF, or a bare LF) is taken but not returned.
 * False at the end of input. */
bool bytes_cut_line(struct bytes *rest, struct bytes *line_out);

/* Drop `n` octets from the front; `n` must not exceed the length. */
static inline void bytes_skip(struct bytes *, size_t n);

/* Without white space (SP, HTAB, CR, LF) at both ends. */
struct bytes bytes_trim(struct bytes);
/* Without SP and HTAB at the end. */
struct bytes bytes_trim_end(struct bytes);

/* Decimal digits only, the whole run, at most `max`. */
bool bytes_number(struct bytes, uint64_t max, uint64_t *value_out);

/* ---- those that are called for every octet ---- */

/* A table, since of ranges a processor guesses each end, and of mail it guesses wrong. */
enum { BYTE_SPACE = 1, BYTE_DIGIT = 2, BYTE_ALPHA = 4 };
extern const uint8_t byte_classes[256];

static inline bool
byte_is(char c, unsigned classes)
{
	return (byte_classes[(unsigned char)c] & classes) != 0;
}

static inline bool
byte_is_alpha(char c)
{
	return byte_is(c, BYTE_ALPHA);
}

static inline bool
byte_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
byte_is_alnum(char c)
{
	return byte_is(c, BYTE_ALPHA | BYTE_DIGIT);
}

/* SP, HTAB */
static inline bool
byte_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* SP, HTAB, CR, LF */
static inline bool
byte_is_space(char c)
{
	return byte_is(c, BYTE_SPACE);
}

static inline char
byte_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 0 to 15, or -1 */
static inline int
byte_hex(char c)
{
	if (byte_is_digit(c))
		return c - '0';
	c = byte_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline struct bytes
bytes_make(const void *at, size_t len)
{
	return (struct bytes){ at, len };
}

static inline struct bytes
bytes_sub(struct bytes b, size_t from, size_t len)
{
	if (b.at == NULL || from > b.len)
		from = b.len;
	if (len > b.len - from)
		len = b.len - from;
	return (struct bytes){ b.at == NULL ? NULL : b.at + from, len };
}

static inline struct bytes
bytes_from(struct bytes b, size_t from)
{
	return bytes_sub(b, from, SIZE_MAX);
}

static inline struct bytes
bytes_of(const char *s)
{
	return (struct bytes){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Both are `len` octets; for those above. */
bool bytes_same_nocase(const char *a, const char *b, size_t len);

static inline bool
bytes_eq_nocase(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	/* The first octet tells most strangers. */
	return a.len == 0 || (byte_lower(a.at[0]) == byte_lower(b.at[0]) && bytes_same_nocase(a.at, b.at, a.len));
}

static inline bool
bytes_starts(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len && (prefix.len == 0 || memcmp(b.at, prefix.at, prefix.len) == 0);
}

static inline bool
bytes_starts_nocase(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len && bytes_eq_nocase(bytes_sub(b, 0, prefix.len), prefix);
}

static inline bool
bytes_ends_nocase(struct bytes b, struct bytes suffix)
{
	if (b.len < suffix.len || suffix.len == 0)
		return suffix.len == 0;
	/* Here it is the last one that tells. */
	return byte_lower(b.at[b.len - 1]) == byte_lower(suffix.at[suffix.len - 1]) && bytes_same_nocase(b.at + b.len - suffix.len, suffix.at, suffix.len);
}

static inline size_t
bytes_index(struct bytes b, char c)
{
	const char *p = b.len > 0 ? memchr(b.at, c, b.len) : NULL;

	return p != NULL ? (size_t)(p - b.at) : b.len;
}

static inline bool
bytes_has(struct bytes b, char c)
{
	return b.len > 0 && memchr(b.at, c, b.len) != NULL;
}

static inline void
bytes_skip(struct bytes *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->at += n;
	b->len -= n;
}

#endif
