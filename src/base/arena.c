/* base/arena.c: see arena.h. Blocks are chained, newest first; the first block
 * lies behind the struct itself, so a small message costs one malloc. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN      alignof(max_align_t)

/* Blocks of a message, and of what is kept for an idle session. */
#define FIRST_SIZE ((size_t)4096)
#define BLOCK_SIZE ((size_t)16384)
#define FIRST_SMALL ((size_t)512)
#define BLOCK_SMALL ((size_t)2048)
#define SMALL_LIMIT ((size_t)65536)
/* Of an arena that may grow very large: one that is used for message after message keeps this. */
#define FIRST_LARGE ((size_t)262144)
#define LARGE_LIMIT ((size_t)64 << 20)

struct block {
	struct block *before;
	size_t        size;
	size_t        used;
	alignas(max_align_t) char data[];
};

struct closing {
	struct closing *before;
	void (*close)(void *);
	void *arg;
};

struct arena {
	struct block   *top;
	struct closing *closings;
	size_t          limit;
	size_t          spent;
	bool            overdrawn;
};

static struct block *
block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->before = NULL;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *
arena_new(size_t limit)
{
	struct block *b = block_new(limit < SMALL_LIMIT ? FIRST_SMALL : limit <= LARGE_LIMIT ? FIRST_SIZE : FIRST_LARGE);

	if (b == NULL)
		return NULL;
	struct arena *a = (struct arena *)(void *)b->data;
	*a = (struct arena){ .top = b, .limit = limit };
	b->used = (sizeof(*a) + ALIGN - 1) & ~(ALIGN - 1);
	return a;
}

void
arena_reset(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->closings != NULL) {
		struct closing *c = a->closings;
		a->closings = c->before;
		c->close(c->arg);
	}
	while (a->top->before != NULL) {
		struct block *b = a->top;
		a->top = b->before;
		free(b);
	}
	a->top->used = (sizeof(*a) + ALIGN - 1) & ~(ALIGN - 1);
	a->spent = 0;
	a->overdrawn = false;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a->top);
}

static void *
take(struct arena *a, size_t size)
{
	if (a == NULL || a->overdrawn)
		return NULL;
	if (size == 0)
		size = 1;
	if (size > a->limit || a->spent > a->limit - size) {
		a->overdrawn = true;
		return NULL;
	}
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (size > a->top->size - a->top->used) {
		size_t        least = a->limit < SMALL_LIMIT ? BLOCK_SMALL : BLOCK_SIZE;
		struct block *b = block_new(size > least ? size : least);
		if (b == NULL) {
			a->overdrawn = true;
			return NULL;
		}
		b->before = a->top;
		a->top = b;
	}
	void *p = a->top->data + a->top->used;
	a->top->used += size;
	a->spent += size;
	return p;
}

void *
arena_take(struct arena *a, size_t size)
{
	void *p = take(a, size);

	return p != NULL ? memset(p, 0, size) : NULL;
}

void *
arena_room(struct arena *a, size_t size)
{
	return take(a, size);
}

void *
arena_take_array(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		arena_spoil(a);
		return NULL;
	}
	return arena_take(a, count * size);
}

void *
arena_grow(struct arena *a, void *old, size_t count, size_t want, size_t size)
{
	if (size != 0 && want > SIZE_MAX / size) {
		arena_spoil(a);
		return NULL;
	}
	char *p = take(a, want * size);
	if (p == NULL)
		return NULL;
	if (count > 0)
		memcpy(p, old, count * size);
	memset(p + count * size, 0, (want - count) * size);
	return p;
}

struct bytes
arena_copy(struct arena *a, struct bytes b)
{
	char *p = b.len < SIZE_MAX ? take(a, b.len + 1) : NULL;

	if (p == NULL)
		return B_NONE;
	if (b.len > 0)
		memcpy(p, b.at, b.len);
	p[b.len] = '\0';
	return bytes_make(p, b.len);
}

struct bytes
arena_lower(struct arena *a, struct bytes b)
{
	struct bytes copy = arena_copy(a, b);
	char        *p = (char *)copy.at;

	for (size_t i = 0; i < copy.len; i++)
		p[i] = byte_lower(p[i]);
	return copy;
}

struct bytes
arena_join(struct arena *a, struct bytes x, struct bytes y)
{
	char *p = take(a, x.len + y.len + 1);

	if (p == NULL)
		return B_NONE;
	if (x.len > 0)
		memcpy(p, x.at, x.len);
	if (y.len > 0)
		memcpy(p + x.len, y.at, y.len);
	p[x.len + y.len] = '\0';
	return bytes_make(p, x.len + y.len);
}

struct bytes
arena_vprintf(struct arena *a, const char *format, va_list ap)
{
	char    small[512];
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), format, ap);
	if (n < 0) {
		va_end(again);
		arena_spoil(a);
		return B_NONE;
	}
	if ((size_t)n < sizeof(small)) {
		va_end(again);
		return arena_copy(a, bytes_make(small, (size_t)n));
	}
	char *p = take(a, (size_t)n + 1);
	if (p != NULL)
		vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p != NULL ? bytes_make(p, (size_t)n) : B_NONE;
}

struct bytes
arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	struct bytes b = arena_vprintf(a, format, ap);
	va_end(ap);
	return b;
}

bool
arena_on_free(struct arena *a, void (*close)(void *), void *arg)
{
	struct closing *c = take(a, sizeof(*c));

	if (c == NULL) {
		close(arg);
		return false;
	}
	*c = (struct closing){ a->closings, close, arg };
	a->closings = c;
	return true;
}

bool
arena_overdrawn(const struct arena *a)
{
	return a == NULL || a->overdrawn;
}

void
arena_spoil(struct arena *a)
{
	if (a != NULL)
		a->overdrawn = true;
}

size_t
arena_used(const struct arena *a)
{
	return a != NULL ? a->spent : 0;
}
