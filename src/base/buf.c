/* base/buf.c: see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_free(struct buf *b)
{
	free(b->at);
	*b = (struct buf){ .limit = b->limit };
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->spoilt = false;
}

bool
buf_grow(struct buf *b, size_t more)
{
	if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4 || (b->limit != 0 && b->len + more > b->limit)) {
		b->spoilt = true;
		return false;
	}
	size_t room = b->room < 64 ? 64 : b->room;
	while (room < b->len + more)
		room += room / 2;
	char *at = realloc(b->at, room);
	if (at == NULL) {
		b->spoilt = true;
		return false;
	}
	b->at = at;
	b->room = room;
	return true;
}

void
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	size_t  room = b->spoilt || b->at == NULL ? 0 : b->room - b->len;

	va_copy(again, ap);
	int n = vsnprintf(room > 0 ? b->at + b->len : NULL, room, format, again);
	va_end(again);
	if (n < 0 || !buf_reserve(b, (size_t)n + 1))
		return;
	if ((size_t)n >= room)
		vsnprintf(b->at + b->len, (size_t)n + 1, format, ap);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

void
buf_take(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	memmove(b->at, b->at + n, b->len - n);
	b->len -= n;
}
