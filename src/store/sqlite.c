/* store/sqlite.c: the store in one SQLite file, in WAL mode.
 *
 * Every transaction begins with BEGIN IMMEDIATE: one that reads first and then
 * writes fails at once, whatever the busy timeout, if another wrote in between.
 * synchronous is FULL, since a batch of rows shares one fsync and a row of the
 * quarantine must be on disk before the reply; what a lazy transaction wrote goes
 * to the disk with the next that is not. SQLite takes $n for a name and
 * numbers parameters as they occur, so the place of each is looked up once. */
#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/library.h"

#define BUSY_MS 2000

#define SQLITE_FUNCTIONS(X)                                                                                           \
	X(sqlite3_bind_int64) X(sqlite3_bind_parameter_index) X(sqlite3_bind_text64) X(sqlite3_busy_timeout) X(sqlite3_close) \
	X(sqlite3_column_bytes) X(sqlite3_column_int64) X(sqlite3_column_text) X(sqlite3_errmsg) X(sqlite3_exec)              \
	X(sqlite3_file_control) X(sqlite3_finalize) X(sqlite3_get_autocommit) X(sqlite3_open_v2) X(sqlite3_prepare_v3)        \
	X(sqlite3_reset) X(sqlite3_step) X(sqlite3_wal_checkpoint_v2) X(sqlite3_wal_hook)

static struct {
	SQLITE_FUNCTIONS(LIBRARY_POINTER)
} lib;
static struct library library = LIBRARY("libsqlite3.so.0", "libsqlite3-0", SQLITE_FUNCTIONS, &lib);

struct sqlite {
	sqlite3      *db;
	bool          writes, lazy;
	size_t        log_octets;
	sqlite3_stmt *prepared[SQL_COUNT];
	int           place[SQL_COUNT][STATEMENT_PARAMS];
};

/* The page is larger than usual because a story takes a kilobyte or two. The
 * log is folded into the file when it has 128 MB, since each batch meets the same
 * pages of the day again; the daemon's writer has it done elsewhere and sooner. */
#define PAGE_SIZE 8192
static const char settings_write[] = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                                     "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 134217728; "
                                     "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF";
static const char settings_read[] = "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF";

static enum rc
rc_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return RC_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RC_AGAIN;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return RC_SYNTAX;
	case SQLITE_NOMEM:
		return RC_MEMORY;
	default:
		return RC_IO;
	}
}

static enum rc
sqlite_script(void *db, const char *sql)
{
	struct sqlite *s = db;

	return rc_of(lib.sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

/* Made by us with narrow permissions: it holds who writes to whom. SQLite gives
 * its log the permissions of the file. One that is there is never opened here: to
 * close it would end the POSIX locks that other connections of this process
 * have on it, and another process would then take their log away. */
static bool
make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		return errno == EEXIST;
	close(fd);
	return true;
}

/* A file goes over to WAL once, under a lock that SQLite does not wait for: when
 * several daemons meet on a new file, the later ones try again. */
static enum rc
settle(struct sqlite *s, const char *settings)
{
	enum rc rc = sqlite_script(s, settings);

	for (int waited_ms = 0; rc == RC_AGAIN && waited_ms < BUSY_MS; waited_ms += 10) {
		usleep(10000);
		rc = sqlite_script(s, settings);
	}
	return rc;
}

static enum rc
sqlite_open(const char *where, enum store_mode mode, void **db_out, struct buf *why)
{
	const char    *missing = library_missing(&library);
	struct sqlite *s = calloc(1, sizeof(*s));
	int            flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (mode == STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);

	if (missing != NULL) {
		buf_add_str(why, missing);
		free(s);
		return RC_SYNTAX;
	}
	if (s == NULL)
		return RC_MEMORY;
	*db_out = s;
	s->writes = mode == STORE_WRITE;
	if (s->writes && !make_file(where)) {
		buf_printf(why, "%s: %s", where, strerror(errno));
		return RC_IO;
	}
	enum rc rc = rc_of(lib.sqlite3_open_v2(where, &s->db, flags, NULL));
	if (rc == RC_OK)
		rc = rc_of(lib.sqlite3_busy_timeout(s->db, BUSY_MS));
	if (rc == RC_OK)
		rc = settle(s, s->writes ? settings_write : settings_read);
	if (rc != RC_OK)
		buf_printf(why, "%s: %s", where, s->db != NULL ? lib.sqlite3_errmsg(s->db) : "out of memory");
	return rc;
}

static void
sqlite_close(void *db)
{
	struct sqlite *s = db;

	for (size_t i = 0; i < SQL_COUNT; i++)
		lib.sqlite3_finalize(s->prepared[i]);
	lib.sqlite3_close(s->db);
	free(s);
}

static enum rc
prepare_one(struct sqlite *s, enum statement which)
{
	enum rc rc = rc_of(lib.sqlite3_prepare_v3(s->db, statements[which].sql, -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[which], NULL));

	for (int i = 0; rc == RC_OK && statements[which].params[i] != '\0'; i++) {
		char name[16];
		snprintf(name, sizeof(name), "$%d", i + 1);
		s->place[which][i] = lib.sqlite3_bind_parameter_index(s->prepared[which], name);
	}
	return rc;
}

static enum rc
sqlite_prepare(void *db)
{
	struct sqlite *s = db;
	enum rc        rc = RC_OK;

	for (int i = 0; i < SQL_COUNT && rc == RC_OK; i++)
		if (s->prepared[i] == NULL)
			rc = prepare_one(s, (enum statement)i);
	return rc;
}

static int
bind_all(const struct sqlite *s, enum statement which, const union value *params)
{
	const char *kinds = statements[which].params;
	int         result = SQLITE_OK;

	for (int i = 0; kinds[i] != '\0' && result == SQLITE_OK; i++) {
		int place = s->place[which][i];
		if (kinds[i] == 'i')
			result = lib.sqlite3_bind_int64(s->prepared[which], place, params[i].number);
		else /* no address would be NULL, and our columns take none */
			result = lib.sqlite3_bind_text64(s->prepared[which], place, params[i].text.len > 0 ? params[i].text.at : "",
			                             params[i].text.len, SQLITE_STATIC, SQLITE_UTF8);
	}
	return result;
}

static bool
give_row(sqlite3_stmt *stmt, const char *kinds, row_fn *fn, void *arg)
{
	union value columns[STATEMENT_COLUMNS];

	for (int i = 0; kinds[i] != '\0'; i++) {
		if (kinds[i] == 'i') {
			columns[i].number = lib.sqlite3_column_int64(stmt, i);
			continue;
		}
		const unsigned char *at = lib.sqlite3_column_text(stmt, i);
		columns[i].text = bytes_make((const char *)at, at != NULL ? (size_t)lib.sqlite3_column_bytes(stmt, i) : 0);
	}
	return fn(arg, columns);
}

static enum rc
sqlite_run(void *db, enum statement which, const union value *params, row_fn *fn, void *arg)
{
	struct sqlite *s = db;
	enum rc        rc = s->prepared[which] == NULL ? prepare_one(s, which) : RC_OK;

	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *stmt = s->prepared[which];
	int           result = bind_all(s, which, params);
	while (result == SQLITE_OK || result == SQLITE_ROW) {
		result = lib.sqlite3_step(stmt);
		if (result == SQLITE_ROW && fn != NULL && !give_row(stmt, statements[which].columns, fn, arg)) {
			result = SQLITE_DONE;
			break;
		}
	}
	lib.sqlite3_reset(stmt);
	return rc_of(result);
}

static enum rc
sqlite_begin(void *db, bool lazy)
{
	struct sqlite *s = db;
	int            moved = 0;

	/* A file that was taken away under us would swallow rows in silence. */
	if (s->writes && lib.sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved)
		return RC_IO;
	enum rc rc = lazy != s->lazy ? sqlite_script(db, lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL") : RC_OK;
	if (rc != RC_OK)
		return rc;
	s->lazy = lazy;
	return sqlite_script(db, s->writes ? "BEGIN IMMEDIATE" : "BEGIN");
}

static enum rc
sqlite_commit(void *db)
{
	return sqlite_script(db, "COMMIT");
}

static int
note_log(void *db, sqlite3 *handle, const char *name, int pages)
{
	struct sqlite *s = db;

	(void)handle;
	(void)name;
	s->log_octets = (size_t)pages * PAGE_SIZE;
	return SQLITE_OK;
}

/* Takes the place of the hook by which SQLite folds by itself. */
static void
sqlite_leave_log(void *db)
{
	struct sqlite *s = db;

	lib.sqlite3_wal_hook(s->db, note_log, s);
}

static size_t
sqlite_log_octets(void *db)
{
	const struct sqlite *s = db;

	return s->log_octets;
}

/* On a connection for this once: it waits for nobody and nobody for it. When all
 * that is in the log is in the file, the next writer begins the log anew. */
static enum rc
sqlite_fold(const char *where)
{
	sqlite3 *db = NULL;

	if (library_missing(&library) != NULL)
		return RC_IO;
	enum rc rc = rc_of(lib.sqlite3_open_v2(where, &db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL));

	if (rc == RC_OK) /* a connection that has read nothing knows of no log */
		rc = rc_of(lib.sqlite3_exec(db, "SELECT count(*) FROM schema_version", NULL, NULL, NULL));
	if (rc == RC_OK)
		rc = rc_of(lib.sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
	lib.sqlite3_close(db);
	return rc;
}

static void
sqlite_rollback(void *db)
{
	struct sqlite *s = db;

	if (!lib.sqlite3_get_autocommit(s->db))
		(void)sqlite_script(db, "ROLLBACK");
}

static const char *
sqlite_trouble(void *db)
{
	struct sqlite *s = db;

	return s->db != NULL ? lib.sqlite3_errmsg(s->db) : "not open";
}

const struct engine sqlite_engine = {
	.name = "sqlite",
	.alone = true,
	.open = sqlite_open,
	.close = sqlite_close,
	.script = sqlite_script,
	.prepare = sqlite_prepare,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.trouble = sqlite_trouble,
	.leave_log = sqlite_leave_log,
	.log_octets = sqlite_log_octets,
	.fold = sqlite_fold,
};
