/* store/engine.h: what a database must be able to do; for the room store alone.
 *
 * One struct of functions and one file per database. SQL stands in
 * statement.def, one text for both, and is prepared once; an engine never puts
 * SQL together. Results as in store.h. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "base/buf.h"
#include "store/store.h"

enum statement {
#define STATEMENT(name, params, columns, sql) SQL_##name,
#include "store/statement.def"
#undef STATEMENT
	SQL_COUNT
};

/* `params` and `columns` have one letter for each $n and each column: t is
 * TEXT, i is BIGINT. There is no NULL in our tables: empty, or 0. */
struct statement_row {
	const char *name;
	const char *params;
	const char *columns;
	const char *sql;
};
extern const struct statement_row statements[SQL_COUNT];

#define STATEMENT_PARAMS  48
#define STATEMENT_COLUMNS 48

union value {
	int64_t      number;
	struct bytes text;
};

/* One row of a result; borrowed for the call. False: no more rows are wanted. */
typedef bool row_fn(void *arg, const union value *columns);

struct engine {
	const char *name;
	bool alone; /* between begin and commit nobody else writes */
	/* *db_out is set whenever there is something to close, on failure too. */
	enum rc (*open)(const char *where, enum store_mode mode, void **db_out, struct buf *why);
	void (*close)(void *db);
	enum rc (*script)(void *db, const char *sql); /* several statements, no parameters */
	enum rc (*prepare)(void *db); /* all of them; their tables are there */
	enum rc (*begin)(void *db, bool lazy); /* lazy: as store_begin_lazy() */
	enum rc (*commit)(void *db);
	void (*rollback)(void *db);
	/* `fn` NULL: no rows are wanted, and trouble may show as late as in commit. */
	enum rc (*run)(void *db, enum statement which, const union value *params, row_fn *fn, void *arg);
	const char *(*trouble)(void *db);
	/* Of an engine that writes into a log first, else NULL. See store_fold(). */
	void (*leave_log)(void *db);
	size_t (*log_octets)(void *db);
	enum rc (*fold)(const char *where);
};

extern const struct engine sqlite_engine, postgres_engine;

/* A member of a row struct, in the order of parameters or columns. */
struct column {
	char   kind; /* t: struct bytes; k: the same as a key; l: as a key, in lower case; i: int64_t */
	size_t offset;
};
#define COLUMN(kind, type, member) { (kind), offsetof(struct type, member) }

/* Run with parameters taken from a struct, after `lead` (or none). */
enum rc store_run(struct store *, enum statement, const union value *params, row_fn *, void *arg) MUST_USE;
enum rc store_run_row(struct store *, enum statement, const union value *lead, size_t lead_count, const struct column *, size_t count,
                      const void *row) MUST_USE;
/* The other way: columns into a struct; text is borrowed. */
void store_fill(const struct column *, size_t count, const union value *columns, void *row);
/* Copy the text of a struct into the arena. */
void store_own(struct arena *, const struct column *, size_t count, void *row);

/* When a shelf is full; 0: never. To be set by tests alone. */
int64_t store_shelf_rows(const struct store *);
void    store_set_shelf_rows(struct store *, int64_t rows);

/* Bring the schema up to date, or only look whether it is (store/schema.c). */
enum rc schema_bring(const struct engine *, void *db, enum store_mode, struct buf *why) MUST_USE;
/* 64-bit FNV-1a: tells texts apart, keeps no secrets. */
uint64_t store_checksum(struct bytes);

extern const struct column account_columns[];
extern const size_t        account_column_count; /* without the story, which is the last */

#define VALUE_INT(v)  ((union value){ .number = (v) })
#define VALUE_TEXT(b) ((union value){ .text = (b) })

#endif
