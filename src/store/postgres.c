/* store/postgres.c: the store in PostgreSQL, so that several gateways share one.
 *
 * libpq is loaded when the first such store is opened: who keeps SQLite pays
 * nothing for it. Within a transaction statements whose rows nobody wants are
 * sent one behind the other (pipeline mode) and their results read later, which
 * doubles what a connection takes in; so trouble of one may show at the next, or
 * at the commit. Parameters and columns travel in binary: text needs no copy,
 * and its type is said, which $n alone would leave open in places. */
#include "store/engine.h"

#ifdef MAILREEVE_LIBPQ

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"

#define LIBPQ_FUNCTIONS(X)                                                                                                  \
	X(PQclear) X(PQcmdStatus) X(PQconnectdbParams) X(PQconninfoFree) X(PQconninfoParse) X(PQenterPipelineMode)         \
	X(PQerrorMessage) X(PQexec) X(PQexecPrepared) X(PQexitPipelineMode) X(PQfinish) X(PQgetResult)         \
	X(PQgetlength) X(PQgetvalue) X(PQntuples) X(PQparameterStatus) X(PQpipelineStatus) X(PQpipelineSync) X(PQprepare)   \
	X(PQresultErrorField) X(PQresultStatus) X(PQsendQueryPrepared) X(PQsetNoticeProcessor) X(PQstatus)

static struct {
	LIBPQ_FUNCTIONS(LIBRARY_POINTER)
} pq;
static struct library library = LIBRARY("libpq.so.5", "libpq5", LIBPQ_FUNCTIONS, &pq);

struct postgres {
	PGconn  *db;
	bool     in_transaction;
	unsigned pending; /* statements sent whose results are not read */
	bool     prepared[SQL_COUNT];
	char     trouble[512];
};

/* From the catalogue of the server: they never change. */
#define OID_INT8 20
#define OID_TEXT 25

/* Results read at least this often: they are small, but they are kept for us. */
#define PENDING_MAX 512

static void
say_nothing(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static void
keep_trouble(struct postgres *p, const char *text)
{
	struct bytes line = bytes_sub(bytes_trim(bytes_of(text)), 0, sizeof(p->trouble) - 1);

	memcpy(p->trouble, line.at != NULL ? line.at : "", line.len);
	p->trouble[line.len] = '\0';
}

static const struct {
	const char *prefix; /* of the SQLSTATE, appendix A of the manual of PostgreSQL */
	enum rc     rc;
} states[] = {
	{ "40", RC_AGAIN }, /* serialization failure, deadlock */
	{ "55P03", RC_AGAIN }, /* lock_timeout */
	{ "57014", RC_AGAIN }, /* statement_timeout */
	{ "42P07", RC_AGAIN }, /* another daemon made the table just now */
	{ "42710", RC_AGAIN }, /* or its type, which comes first */
	{ "22", RC_SYNTAX }, /* data */
	{ "23", RC_SYNTAX }, /* constraint */
	{ "54", RC_SYNTAX }, /* too large for an index or a row */
};

static enum rc
rc_of(struct postgres *p, const PGresult *result)
{
	ExecStatusType status = result != NULL ? pq.PQresultStatus(result) : PGRES_FATAL_ERROR;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC)
		return RC_OK;
	if (status == PGRES_PIPELINE_ABORTED)
		return RC_AGAIN; /* an earlier one failed, and has been judged */
	keep_trouble(p, pq.PQerrorMessage(p->db));
	const char *state = result != NULL ? pq.PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	if (state == NULL || pq.PQstatus(p->db) != CONNECTION_OK)
		return RC_IO;
	for (size_t i = 0; i < NELEMS(states); i++)
		if (bytes_starts(bytes_of(state), bytes_of(states[i].prefix)))
			return states[i].rc;
	return RC_IO;
}

static enum rc
finish(struct postgres *p, PGresult *result)
{
	enum rc rc = rc_of(p, result);

	pq.PQclear(result);
	return rc;
}

static enum rc
lost(struct postgres *p)
{
	keep_trouble(p, pq.PQerrorMessage(p->db));
	return RC_IO;
}

/* Read all results that are due. The first trouble counts; the server skips
 * what stood behind it. */
static enum rc
drain(struct postgres *p)
{
	enum rc  rc = RC_OK;
	bool     synced = false;
	unsigned empty = 0;

	if (pq.PQpipelineStatus(p->db) == PQ_PIPELINE_OFF)
		return RC_OK;
	p->pending = 0;
	if (pq.PQpipelineSync(p->db) != 1)
		return lost(p);
	while (!synced) {
		PGresult *result = pq.PQgetResult(p->db);
		if (result == NULL) { /* stands between any two statements */
			if (pq.PQstatus(p->db) != CONNECTION_OK || ++empty > PENDING_MAX + 8)
				return lost(p);
			continue;
		}
		synced = pq.PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		enum rc one = finish(p, result);
		if (rc == RC_OK)
			rc = one;
	}
	return rc;
}

static enum rc
leave_pipeline(struct postgres *p)
{
	enum rc rc = drain(p);

	if (pq.PQpipelineStatus(p->db) != PQ_PIPELINE_OFF && pq.PQexitPipelineMode(p->db) != 1 && rc == RC_OK)
		return lost(p);
	return rc;
}

static enum rc
command(struct postgres *p, const char *sql)
{
	enum rc rc = leave_pipeline(p);

	return rc != RC_OK ? rc : finish(p, pq.PQexec(p->db, sql));
}

/* Time limits, so that a server that hangs is a store that is away. */
static const char settings_write[] = "SET statement_timeout = 15000; SET lock_timeout = 5000";
static const char settings_read[] = "SET statement_timeout = 15000; SET default_transaction_read_only = on";

static enum rc
postgres_open(const char *where, enum store_mode mode, void **db_out, struct buf *why)
{
	/* What the URL says comes later, and so outweighs what stands before it. */
	static const char *const names[] = { "connect_timeout", "tcp_user_timeout", "application_name", "dbname", "client_encoding", NULL };
	const char *const        values[] = { "5", "10000", "mailreeve", where, "UTF8", NULL };

	const char *missing = library_missing(&library);
	if (missing != NULL) {
		buf_add_str(why, missing);
		return RC_SYNTAX;
	}
	/* Its words would repeat parts of the URL, and there may be a password among them. */
	PQconninfoOption *options = pq.PQconninfoParse(where, NULL);
	if (options == NULL) {
		buf_add_str(why, "the postgres:// URL of the store is not understood");
		return RC_SYNTAX;
	}
	pq.PQconninfoFree(options);
	struct postgres *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return RC_MEMORY;
	*db_out = p;
	p->db = pq.PQconnectdbParams(names, values, 1);
	if (p->db == NULL)
		return RC_MEMORY;
	if (pq.PQstatus(p->db) != CONNECTION_OK) {
		buf_add_str(why, pq.PQerrorMessage(p->db));
		return RC_IO;
	}
	pq.PQsetNoticeProcessor(p->db, say_nothing, NULL);
	if (!bytes_eq(bytes_of(pq.PQparameterStatus(p->db, "server_encoding")), B("UTF8"))) {
		buf_add_str(why, "the database must be made with ENCODING 'UTF8'");
		return RC_SYNTAX;
	}
	enum rc rc = command(p, mode == STORE_WRITE ? settings_write : settings_read);
	if (rc != RC_OK)
		buf_add_str(why, p->trouble);
	return rc;
}

static void
postgres_close(void *db)
{
	struct postgres *p = db;

	pq.PQfinish(p->db); /* takes NULL */
	free(p);
}

static enum rc
postgres_script(void *db, const char *sql)
{
	/* To make an index may take longer than any statement of the day. */
	enum rc rc = command(db, "SET statement_timeout = 0");

	if (rc == RC_OK)
		rc = command(db, sql);
	if (rc == RC_OK)
		rc = command(db, "SET statement_timeout = 15000");
	return rc;
}

static enum rc
prepare_one(struct postgres *p, enum statement which)
{
	const struct statement_row *row = &statements[which];
	Oid                         types[STATEMENT_PARAMS];
	int                         count = 0;
	enum rc                     rc = leave_pipeline(p);

	for (; row->params[count] != '\0'; count++)
		types[count] = row->params[count] == 'i' ? OID_INT8 : OID_TEXT;
	if (rc == RC_OK)
		rc = finish(p, pq.PQprepare(p->db, row->name, row->sql, count, types));
	p->prepared[which] = rc == RC_OK;
	return rc;
}

static enum rc
postgres_prepare(void *db)
{
	struct postgres *p = db;
	enum rc          rc = RC_OK;

	for (int i = 0; i < SQL_COUNT && rc == RC_OK; i++)
		if (!p->prepared[i])
			rc = prepare_one(p, (enum statement)i);
	return rc;
}

/* ---- values on the wire ---- */

struct wire {
	const char   *values[STATEMENT_PARAMS];
	int           lengths[STATEMENT_PARAMS];
	int           formats[STATEMENT_PARAMS];
	unsigned char numbers[STATEMENT_PARAMS][8];
	int           count;
};

static void
wire_fill(struct wire *w, const char *kinds, const union value *params)
{
	for (w->count = 0; kinds[w->count] != '\0'; w->count++) {
		int i = w->count;
		w->formats[i] = 1;
		if (kinds[i] == 'i') {
			uint64_t v = (uint64_t)params[i].number;
			for (int k = 0; k < 8; k++)
				w->numbers[i][k] = (unsigned char)(v >> (56 - 8 * k));
			w->values[i] = (const char *)w->numbers[i];
			w->lengths[i] = 8;
		} else {
			w->values[i] = params[i].text.len > 0 ? params[i].text.at : "";
			w->lengths[i] = (int)params[i].text.len;
		}
	}
}

static int64_t
be64(const char *at)
{
	uint64_t v = 0;

	for (int k = 0; k < 8; k++)
		v = v << 8 | (unsigned char)at[k];
	return (int64_t)v;
}

static enum rc
give_rows(struct postgres *p, const PGresult *result, const char *kinds, row_fn *fn, void *arg)
{
	union value columns[STATEMENT_COLUMNS];

	for (int r = 0; r < pq.PQntuples(result); r++) {
		for (int i = 0; kinds[i] != '\0'; i++) {
			const char *at = pq.PQgetvalue(result, r, i);
			int         len = pq.PQgetlength(result, r, i);
			if (kinds[i] == 'i' && len != 8) {
				keep_trouble(p, "a number came in another size than BIGINT");
				return RC_IO;
			}
			if (kinds[i] == 'i')
				columns[i].number = be64(at);
			else
				columns[i].text = bytes_make(at, (size_t)len);
		}
		if (!fn(arg, columns))
			break;
	}
	return RC_OK;
}

static enum rc
send_one(struct postgres *p, enum statement which, const struct wire *w)
{
	if (pq.PQpipelineStatus(p->db) == PQ_PIPELINE_OFF && pq.PQenterPipelineMode(p->db) != 1)
		return lost(p);
	if (pq.PQsendQueryPrepared(p->db, statements[which].name, w->count, w->values, w->lengths, w->formats, 1) != 1)
		return lost(p);
	return ++p->pending < PENDING_MAX ? RC_OK : drain(p);
}

static enum rc
postgres_run(void *db, enum statement which, const union value *params, row_fn *fn, void *arg)
{
	struct postgres *p = db;
	struct wire      w;
	enum rc          rc = p->prepared[which] ? RC_OK : prepare_one(p, which);

	if (rc != RC_OK)
		return rc;
	wire_fill(&w, statements[which].params, params);
	if (fn == NULL && p->in_transaction)
		return send_one(p, which, &w);
	rc = leave_pipeline(p);
	if (rc != RC_OK)
		return rc;
	PGresult *result = pq.PQexecPrepared(p->db, statements[which].name, w.count, w.values, w.lengths, w.formats, 1);
	rc = rc_of(p, result);
	if (rc == RC_OK && fn != NULL)
		rc = give_rows(p, result, statements[which].columns, fn, arg);
	pq.PQclear(result);
	return rc;
}

/* ---- transactions ---- */

static enum rc
postgres_begin(void *db, bool lazy)
{
	struct postgres *p = db;
	enum rc          rc = command(p, lazy ? "BEGIN; SET LOCAL synchronous_commit = off" : "BEGIN");

	p->in_transaction = rc == RC_OK;
	return rc;
}

/* The server answers COMMIT of a failed transaction with ROLLBACK, not with an error. */
static enum rc
postgres_commit(void *db)
{
	struct postgres *p = db;
	enum rc          rc = leave_pipeline(p);

	if (rc != RC_OK)
		return rc;
	PGresult *result = pq.PQexec(p->db, "COMMIT");
	rc = rc_of(p, result);
	if (rc == RC_OK && !bytes_eq(bytes_of(pq.PQcmdStatus(result)), B("COMMIT"))) {
		keep_trouble(p, "the transaction had failed before its commit");
		rc = RC_AGAIN;
	}
	pq.PQclear(result);
	p->in_transaction = p->in_transaction && rc != RC_OK;
	return rc;
}

static void
postgres_rollback(void *db)
{
	struct postgres *p = db;
	char             kept[sizeof(p->trouble)];

	memcpy(kept, p->trouble, sizeof(kept)); /* why we are here, not how we left */
	(void)leave_pipeline(p);
	if (p->in_transaction)
		(void)finish(p, pq.PQexec(p->db, "ROLLBACK"));
	memcpy(p->trouble, kept, sizeof(kept));
	p->in_transaction = false;
}

static const char *
postgres_trouble(void *db)
{
	struct postgres *p = db;

	return p->trouble;
}

#else

static enum rc
postgres_open(const char *where, enum store_mode mode, void **db_out, struct buf *why)
{
	(void)where;
	(void)mode;
	(void)db_out;
	buf_add_str(why, "this build knows no PostgreSQL (libpq-dev was not there)");
	return RC_IO;
}

#endif

const struct engine postgres_engine = {
	.name = "postgresql",
	.open = postgres_open,
#ifdef MAILREEVE_LIBPQ
	.close = postgres_close,
	.script = postgres_script,
	.prepare = postgres_prepare,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.run = postgres_run,
	.trouble = postgres_trouble,
#endif
};
