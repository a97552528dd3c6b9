/* base/arena.h: memory that is given back all at once.
 *
 * A transaction owns one arena. Everything learnt about its message lives there
 * and leaves with it; handles that are not memory register their closing.
 * An arena has a limit. Spending it, or being refused by malloc, marks it
 * overdrawn: every later take gives NULL or an empty run, and whoever decides
 * asks arena_overdrawn() once. Takes of nothing give a usable address. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/bytes.h"
#include "base/rc.h"

struct arena;

/* `limit` counts octets of all takes, rounding included. NULL when memory is
 * spent. All calls below accept a NULL arena and treat it as overdrawn. */
struct arena *arena_new(size_t limit) MUST_USE;
void          arena_free(struct arena *);
/* Run the closings and forget all takes, keep the first block and the limit. */
void          arena_reset(struct arena *);

/* Zeroed, aligned for any type; NULL when overdrawn. */
void        *arena_take(struct arena *, size_t size) MUST_USE;
/* The same with whatever was there before: for what is written before it is read. */
void        *arena_room(struct arena *, size_t size) MUST_USE;
void        *arena_take_array(struct arena *, size_t count, size_t size) MUST_USE;
/* Larger copy of `old` (which holds `count` items); the old place stays valid. */
void        *arena_grow(struct arena *, void *old, size_t count, size_t want, size_t size) MUST_USE;
/* The copy is followed by a NUL that its length does not count. */
struct bytes arena_copy(struct arena *, struct bytes);
struct bytes arena_lower(struct arena *, struct bytes);
struct bytes arena_printf(struct arena *, const char *format, ...) PRINTF(2, 3);
struct bytes arena_vprintf(struct arena *, const char *format, va_list);
struct bytes arena_join(struct arena *, struct bytes, struct bytes);

/* Call `close(arg)` when the arena is reset or freed, last registered first.
 * When the arena is overdrawn it is called at once, so nothing leaks; then false. */
bool arena_on_free(struct arena *, void (*close)(void *), void *arg);

bool   arena_overdrawn(const struct arena *);
/* Mark it so by hand: something about this message is lost. */
void   arena_spoil(struct arena *);
size_t arena_used(const struct arena *);

#endif
