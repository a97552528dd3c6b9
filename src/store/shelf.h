/* store/shelf.h: accounts stand on shelves, so that what they cost does not grow
 * with the day.
 *
 * A shelf is a span of one day, and its number leads every key of accounts and
 * recipients. Half of the indexes are by text that comes in no order, and each row
 * changes a page of theirs: those of a shelf are few enough to be met again by the
 * next rows of a batch, those of a long day are not. A shelf that is full ends
 * behind the last time that stands on it, and the next begins there. So shelves
 * follow each other in time as days do, and a search walks them.
 *
 * Only who writes alone can know that last time. Where several write at once
 * (PostgreSQL) a day is one shelf. */
#ifndef STORE_SHELF_H
#define STORE_SHELF_H

#include "store/store.h"

/* Fewer cost less to write and more to search: each is asked once by a search. */
#define SHELF_ROWS 30000

struct shelf {
	int64_t number;
	int64_t from_us; /* its first instant; it ends where the next of the day begins */
	int64_t accounts, octets; /* that stand there */
};

int64_t shelf_first(int64_t day), shelf_last(int64_t day);
int64_t shelf_day(int64_t number);

/* Those of some days, newest first; borrowed for the call. False ends it. */
typedef bool shelf_fn(void *arg, const struct shelf *);
enum rc shelf_list(struct store *, int64_t first_day, int64_t last_day, shelf_fn *, void *arg) MUST_USE;
/* Add to what is counted, or take from it; makes the shelf where it is new. */
enum rc shelf_count(struct store *, const struct shelf *more) MUST_USE;

/* The shelves that one transaction writes to. */
struct shelves {
	struct store *store;
	struct arena *arena;
	struct shelf *at; /* accounts, octets: what the transaction adds */
	size_t        count, room;
};

/* Where an account of that time stands, and count it there: 1, or -1 to take it away. */
enum rc shelf_take(struct shelves *, int64_t at_us, int64_t accounts, int64_t octets, int64_t *number_out) MUST_USE;
/* Write what was counted. */
enum rc shelves_write(struct shelves *) MUST_USE;

#endif
