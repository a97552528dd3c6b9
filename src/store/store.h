/* store/store.h: what we remember, in SQLite or PostgreSQL behind one door.
 *
 * A struct store is one connection and belongs to one thread at a time. The
 * daemon opens one for its writer (store/writer.h), which alone adds accounts,
 * and one for each thread that reads. The few rows that people make (store/held.h,
 * store/people.h) may be written over any connection opened with STORE_WRITE. Text and numbers go in and come out as
 * plain rows; what the words in them mean is the business of the rooms above.
 *
 * Times are microseconds since 1970, in UTC. The day of a time (its number since
 * 1970), or the part of it that is a shelf (store/shelf.h), leads every key, so that indexes of past days are at rest, days can be
 * forgotten one by one, and databases that are spread over machines can cut
 * there. Text that is not UTF-8 is kept with U+FFFD in place of each wrong octet
 * and of NUL, in both databases: PostgreSQL takes neither.
 *
 * Results of functions here:
 *   RC_OK
 *   RC_AGAIN   the database asks to try the transaction again (busy, 40001)
 *   RC_SYNTAX  this row is refused and will be refused again
 *   RC_LIMIT   nothing there by that name (where a function says so)
 *   RC_MEMORY
 *   RC_IO      the store is away: close it, and open it again later */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/rc.h"

#define DAY_US ((int64_t)86400 * 1000000)

struct store;

enum store_mode { STORE_READ, STORE_WRITE };

/* `where`: the path of a SQLite file, made when it is absent, or a URL that
 * begins with postgres:// or postgresql://. STORE_WRITE also brings the schema
 * up to date; STORE_READ refuses another version than ours with RC_SYNTAX.
 * `why_out` lies in the arena and names the trouble, never a password. */
enum rc store_open(const char *where, enum store_mode, struct arena *, struct store **store_out, struct bytes *why_out) MUST_USE;
void    store_close(struct store *); /* takes NULL; what is not committed is not kept */
/* What the database said last; borrowed until the next call. */
struct bytes store_trouble(const struct store *);
const char  *store_engine(const struct store *); /* "sqlite" or "postgresql" */

/* Changes between begin and commit are kept together or not at all. After any
 * other result than RC_OK within, or of commit, only store_rollback() helps.
 * When commit gives RC_IO the rows may have been kept, or not. */
enum rc store_begin(struct store *) MUST_USE;
/* The same, but commit does not wait for the disk: for what may be undone by a
 * power cut and is then done again. */
enum rc store_begin_lazy(struct store *) MUST_USE;
enum rc store_commit(struct store *) MUST_USE;
void    store_rollback(struct store *);

/* One recipient of a transaction, with a decision of its own. */
struct store_recipient {
	struct bytes address; /* without <>; kept in lower case */
	struct bytes action, reason;
	struct bytes status; /* what became of it: "delivered", "deferred", "failed", or empty */
	int64_t      delivered_us; /* 0: not known */
	struct bytes next_hop; /* the reply of the next hop */
};

/* One transaction. Text that is searched for (sender, domain, client,
 * message_id, queue_id, action, reason) may be long: see store_key(). */
struct store_account {
	struct bytes id; /* twelve characters */
	int64_t      at_us;
	struct bytes client; /* the address that was judged */
	struct bytes client_name, helo;
	struct bytes peer, listener; /* the address that connected, and to which door */
	struct bytes standing; /* why the client's mail is or is not judged */
	struct bytes sender; /* without <>; kept in lower case, the story has it as it came */
	struct bytes domain; /* of From, or of the sender where there is no From; lower case */
	struct bytes header_from, subject; /* as the settings let them be kept */
	struct bytes message_id, queue_id;
	int64_t      size;
	struct bytes tls, login;
	struct bytes mode; /* "enforce" or "monitor" */
	struct bytes action, reason, rule, override, reply;
	struct bytes spf, spf_reason, dkim, dkim_reason, arc, arc_reason, dmarc, dmarc_reason;
	struct bytes results; /* the body of Authentication-Results */
	int64_t      took_us;
	struct bytes story; /* JSON: all that is needed to tell and to replay it. Empty in lists */

	struct bytes blamed; /* counted among the refused domains; empty: none. Not kept in the row */
	const struct store_recipient *recipients;
	size_t                        recipient_count;
};

/* What the row points to, copied into the arena. */
void store_account_own(struct arena *, struct store_account *);

/* Accounts are added through the writer, which also counts them and says on which
 * shelf they stand. */
enum rc store_account_add(struct store *, int64_t shelf, const struct store_account *) MUST_USE;
/* All of one account, in the arena. RC_LIMIT: there is none. */
enum rc store_account_get(struct store *, struct arena *, struct bytes id, struct store_account *account_out) MUST_USE;

/* What the MTA's log says about one recipient, found by queue id: the newest
 * account with that queue id in the days before. RC_LIMIT: none. */
struct store_delivery {
	struct bytes queue_id, address, status, next_hop;
	int64_t      at_us;
};
enum rc store_delivery_add(struct store *, const struct store_delivery *) MUST_USE;

/* How text is kept where it is searched for. PostgreSQL refuses an index entry
 * of more than a third of a page, and senders choose the length: what is longer
 * than STORE_KEY_MAX octets keeps its beginning, and its end becomes a checksum
 * of the whole. Equal text stays equal and nothing else becomes so. */
#define STORE_KEY_MAX 500
struct bytes store_key(struct arena *, struct bytes, bool lower);

/* SQLite writes into a log, which a commit now and then has to fold into the file
 * and wait for the disk. store_leave_log() says that somebody else will: from a
 * thread of its own, with store_fold(), while others write. For PostgreSQL these
 * do nothing. */
bool    store_has_log(const char *where);
void    store_leave_log(struct store *);
size_t  store_log_octets(const struct store *); /* that were not folded when this connection last wrote */
enum rc store_fold(const char *where) MUST_USE; /* RC_AGAIN: somebody else does */

int64_t store_now_us(void);
int64_t store_day(int64_t at_us);

/* A right that one of several daemons has at a time, such as pruning. True in
 * *held_out: it is ours until `until_us`, ask again before. */
enum rc store_lease(struct store *, struct bytes name, struct bytes holder, int64_t until_us, bool *held_out) MUST_USE;

#endif
