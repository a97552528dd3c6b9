/* base/buf.h: a byte buffer that grows on the heap, up to a limit.
 *
 * Plain data; { 0 } is an empty buffer without a limit. Any refusal (memory or
 * limit) sets `spoilt` and later appends do nothing: ask once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/bytes.h"
#include "base/rc.h"

struct buf {
	char  *at;
	size_t len;
	size_t room;
	size_t limit; /* 0: none; asked for when the buffer grows, so that half as much again may come in */
	bool   spoilt;
};

void         buf_free(struct buf *); /* also makes it { 0 } but for the limit */
void         buf_clear(struct buf *); /* keeps the memory */
static inline bool buf_reserve(struct buf *, size_t more); /* room for `more` octets behind len */
static inline void buf_add(struct buf *, struct bytes);
static inline void buf_add_c(struct buf *, char);
static inline void buf_add_str(struct buf *, const char *);
void         buf_printf(struct buf *, const char *format, ...) PRINTF(2, 3);
void         buf_vprintf(struct buf *, const char *format, va_list);
void         buf_take(struct buf *, size_t n); /* drop `n` octets from the front */
static inline struct bytes buf_bytes(const struct buf *); /* borrowed until the next change */

/* ---- those that are called for every octet ---- */

/* More memory; for buf_reserve(). */
bool buf_grow(struct buf *, size_t more);

static inline bool
buf_reserve(struct buf *b, size_t more)
{
	return !b->spoilt && (more <= b->room - b->len || buf_grow(b, more));
}

static inline void
buf_add(struct buf *b, struct bytes x)
{
	if (x.len == 0 || !buf_reserve(b, x.len))
		return;
	memcpy(b->at + b->len, x.at, x.len);
	b->len += x.len;
}

static inline void
buf_add_c(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->at[b->len++] = c;
}

static inline void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, bytes_of(s));
}

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_make(b->at, b->len);
}

#endif
