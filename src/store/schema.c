/* store/schema.c: the tables, as numbered migrations that run once and forward.
 *
 * Each is one transaction that first claims its number in schema_version: of two
 * daemons that start on one empty database the second waits there, is refused,
 * looks again and finds the work done. The checksum tells a migration that was
 * changed after it ran. A released migration is never edited: add another.
 *
 * Types are TEXT and BIGINT alone, no column is NULL, keys are led by the day (or
 * the shelf, which is a part of one: store/shelf.h) where rows are many, ids are made by us. No text is unique or sorted by locale
 * in a way that would matter. */
#include "store/engine.h"

#include <inttypes.h>
#include <stdio.h>

/* Accounts, their counters, and who writes them. What is accepted is most of all
 * mail, and found by its time. */
static const char migration_1[] =
    "CREATE TABLE account (shelf BIGINT NOT NULL, id TEXT NOT NULL, at_us BIGINT NOT NULL, client TEXT NOT NULL, client_name TEXT NOT NULL, "
    "helo TEXT NOT NULL, peer TEXT NOT NULL, listener TEXT NOT NULL, standing TEXT NOT NULL, sender TEXT NOT NULL, domain TEXT NOT NULL, "
    "header_from TEXT NOT NULL, subject TEXT NOT NULL, message_id TEXT NOT NULL, queue_id TEXT NOT NULL, size BIGINT NOT NULL, "
    "tls TEXT NOT NULL, login TEXT NOT NULL, mode TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL, "
    "override TEXT NOT NULL, reply TEXT NOT NULL, spf TEXT NOT NULL, spf_reason TEXT NOT NULL, dkim TEXT NOT NULL, "
    "dkim_reason TEXT NOT NULL, arc TEXT NOT NULL, arc_reason TEXT NOT NULL, dmarc TEXT NOT NULL, dmarc_reason TEXT NOT NULL, "
    "results TEXT NOT NULL, took_us BIGINT NOT NULL, story TEXT NOT NULL, PRIMARY KEY (shelf, id));"
    "CREATE INDEX account_time ON account (shelf, at_us);"
    "CREATE INDEX account_sender ON account (shelf, sender, at_us);"
    "CREATE INDEX account_domain ON account (shelf, domain, at_us);"
    "CREATE INDEX account_client ON account (shelf, client, at_us);"
    "CREATE INDEX account_message_id ON account (shelf, message_id, at_us) WHERE message_id <> '';"
    "CREATE INDEX account_queue_id ON account (shelf, queue_id, at_us) WHERE queue_id <> '';"
    "CREATE INDEX account_reason ON account (shelf, reason, at_us);"
    "CREATE INDEX account_action ON account (shelf, action, at_us) WHERE action <> 'accept';"
    "CREATE TABLE recipient (shelf BIGINT NOT NULL, account TEXT NOT NULL, nth BIGINT NOT NULL, at_us BIGINT NOT NULL, address TEXT NOT NULL, "
    "action TEXT NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL, delivered_us BIGINT NOT NULL, next_hop TEXT NOT NULL, "
    "PRIMARY KEY (shelf, at_us, account, nth));"
    "CREATE INDEX recipient_address ON recipient (shelf, address, at_us, account);"
    "CREATE TABLE shelf (shelf BIGINT NOT NULL PRIMARY KEY, from_us BIGINT NOT NULL, accounts BIGINT NOT NULL, octets BIGINT NOT NULL);"
    "CREATE TABLE hourly (day BIGINT NOT NULL, hour BIGINT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, n BIGINT NOT NULL, "
    "PRIMARY KEY (day, hour, action, reason));"
    "CREATE TABLE blamed (day BIGINT NOT NULL, domain TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (day, domain));"
    "CREATE INDEX blamed_n ON blamed (day, n);"
    "CREATE TABLE gap (day BIGINT NOT NULL, id TEXT NOT NULL, from_us BIGINT NOT NULL, to_us BIGINT NOT NULL, n BIGINT NOT NULL, "
    "why TEXT NOT NULL, PRIMARY KEY (day, id));"
    "CREATE TABLE writer (id TEXT NOT NULL PRIMARY KEY, batch BIGINT NOT NULL, at_us BIGINT NOT NULL);"
    "CREATE TABLE lease (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until_us BIGINT NOT NULL);";

/* The quarantine, tickets, and who sits at the desk. */
static const char migration_2[] =
    "CREATE TABLE held (day BIGINT NOT NULL, id TEXT NOT NULL, at_us BIGINT NOT NULL, vault TEXT NOT NULL, path TEXT NOT NULL, sender TEXT NOT NULL, "
    "recipients TEXT NOT NULL, header_from TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, size BIGINT NOT NULL, "
    "state TEXT NOT NULL, expires_us BIGINT NOT NULL, changed_us BIGINT NOT NULL, changed_by TEXT NOT NULL, told_us BIGINT NOT NULL, "
    "PRIMARY KEY (day, id));"
    "CREATE INDEX held_id ON held (id);"
    "CREATE INDEX held_state ON held (state, at_us);"
    "CREATE TABLE ticket (day BIGINT NOT NULL, id TEXT NOT NULL, at_us BIGINT NOT NULL, account TEXT NOT NULL, contact TEXT NOT NULL, "
    "note TEXT NOT NULL, state TEXT NOT NULL, changed_us BIGINT NOT NULL, changed_by TEXT NOT NULL, PRIMARY KEY (day, id));"
    "CREATE INDEX ticket_id ON ticket (id);"
    "CREATE INDEX ticket_state ON ticket (state, at_us);"
    "CREATE INDEX ticket_account ON ticket (account);"
    "CREATE TABLE operator (name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL, state TEXT NOT NULL, "
    "created_us BIGINT NOT NULL, changed_us BIGINT NOT NULL);"
    "CREATE TABLE token (hash TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, operator TEXT NOT NULL, scopes TEXT NOT NULL, "
    "created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL, used_us BIGINT NOT NULL);"
    "CREATE TABLE web_session (hash TEXT NOT NULL PRIMARY KEY, operator TEXT NOT NULL, csrf TEXT NOT NULL, client TEXT NOT NULL, "
    "created_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, expires_us BIGINT NOT NULL);"
    "CREATE TABLE audit (day BIGINT NOT NULL, id TEXT NOT NULL, at_us BIGINT NOT NULL, operator TEXT NOT NULL, deed TEXT NOT NULL, "
    "about TEXT NOT NULL, detail TEXT NOT NULL, client TEXT NOT NULL, PRIMARY KEY (day, id));"
    "CREATE INDEX audit_at ON audit (at_us);";

static const char *const migrations[] = { migration_1, migration_2 };

static const char ledger[] =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, at_us BIGINT NOT NULL)";

/* How often to look again when another daemon brings the same schema. */
#define TRIES 50

uint64_t
store_checksum(struct bytes text)
{
	uint64_t sum = 14695981039346656037U;

	for (size_t i = 0; i < text.len; i++)
		sum = (sum ^ (unsigned char)text.at[i]) * 1099511628211U;
	return sum;
}

struct seen {
	size_t      count;
	struct buf *why;
	bool        wrong;
};

static void
checksum_text(const char *sql, char text[17])
{
	snprintf(text, 17, "%016" PRIx64, store_checksum(bytes_of(sql)));
}

static bool
see_version(void *arg, const union value *columns)
{
	struct seen *seen = arg;
	char         want[17];

	if (columns[0].number != (int64_t)seen->count + 1 || seen->count == NELEMS(migrations)) {
		buf_printf(seen->why, "the store has version %" PRId64 " of our tables and we know %zu: it was made by a newer mailreeve",
		           columns[0].number, NELEMS(migrations));
		seen->wrong = true;
		return false;
	}
	checksum_text(migrations[seen->count], want);
	if (!bytes_eq(columns[1].text, bytes_of(want))) {
		buf_printf(seen->why, "version %zu of the tables is not the one we made: another program or build was here", seen->count + 1);
		seen->wrong = true;
		return false;
	}
	seen->count++;
	return true;
}

static enum rc
look(const struct engine *e, void *db, struct seen *seen)
{
	*seen = (struct seen){ .why = seen->why };
	enum rc rc = e->run(db, SQL_SCHEMA_LIST, NULL, see_version, seen);
	return rc != RC_OK ? rc : seen->wrong ? RC_SYNTAX : RC_OK;
}

static enum rc
migrate(const struct engine *e, void *db, size_t nth)
{
	char        sum[17];
	union value params[3] = { VALUE_INT((int64_t)nth + 1), VALUE_TEXT(B_NONE), VALUE_INT(store_now_us()) };
	enum rc     rc = e->begin(db, false);

	checksum_text(migrations[nth], sum);
	params[1].text = bytes_of(sum);
	if (rc == RC_OK)
		rc = e->run(db, SQL_SCHEMA_ADD, params, NULL, NULL);
	if (rc == RC_OK)
		rc = e->script(db, migrations[nth]);
	if (rc == RC_OK)
		rc = e->commit(db);
	if (rc != RC_OK)
		e->rollback(db);
	return rc;
}

static enum rc
bring(const struct engine *e, void *db, struct seen *seen)
{
	enum rc rc = RC_AGAIN;

	for (unsigned i = 0; i < TRIES && (rc == RC_AGAIN || (rc == RC_SYNTAX && !seen->wrong)); i++) {
		rc = e->script(db, ledger);
		if (rc == RC_OK)
			rc = look(e, db, seen);
		while (rc == RC_OK && seen->count < NELEMS(migrations)) {
			rc = migrate(e, db, seen->count);
			if (rc == RC_OK)
				seen->count++;
		}
	}
	return rc;
}

enum rc
schema_bring(const struct engine *e, void *db, enum store_mode mode, struct buf *why)
{
	struct seen seen = { .why = why };
	enum rc     rc = mode == STORE_WRITE ? bring(e, db, &seen) : look(e, db, &seen);

	if (rc == RC_OK && seen.count < NELEMS(migrations)) {
		buf_printf(why, "the store has version %zu of our tables, not %zu: the daemon brings it up to date when it starts", seen.count,
		           NELEMS(migrations));
		return RC_SYNTAX;
	}
	if (rc != RC_OK && !seen.wrong)
		buf_printf(why, "the tables could not be made or read: %s", e->trouble(db));
	return rc;
}
