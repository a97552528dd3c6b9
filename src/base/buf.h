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
	size_t limit; /* 0: none */
	bool   spoilt;
};

void         buf_free(struct buf *); /* also makes it { 0 } but for the limit */
void         buf_clear(struct buf *); /* keeps the memory */
bool         buf_reserve(struct buf *, size_t more); /* room for `more` octets behind len */
void         buf_add(struct buf *, struct bytes);
void         buf_add_c(struct buf *, char);
void         buf_add_str(struct buf *, const char *);
void         buf_printf(struct buf *, const char *format, ...) PRINTF(2, 3);
void         buf_vprintf(struct buf *, const char *format, va_list);
void         buf_take(struct buf *, size_t n); /* drop `n` octets from the front */
struct bytes buf_bytes(const struct buf *); /* borrowed until the next change */

#endif
