/* session/txn.h: one mail transaction, from MAIL to the verdict.
 *
 * What ends at RSET. It owns the arena of the message; the session owns it. */
#ifndef SESSION_TXN_H
#define SESSION_TXN_H

#include "session/session.h"

/* What the session knows of its client; copied by a transaction. */
struct txn_client {
	struct ip    ip; /* family 0: this host, or unknown */
	bool         unknown;
	struct bytes host, listener, helo;
	struct bytes tls_version, tls_cipher;
	struct bytes login; /* empty: not authenticated */
};

struct txn;

/* Takes a reference on the settings of `env`. NULL only when memory is spent. */
struct txn *txn_new(const struct session_env *, const struct session_host *, void *door, const struct txn_client *, uint32_t generation);
void        txn_free(struct txn *);

void txn_mail(struct txn *, struct bytes path);
void txn_rcpt(struct txn *, struct bytes path);
void txn_header(struct txn *, struct bytes name, struct bytes value);
void txn_header_end(struct txn *);
void txn_body(struct txn *, struct bytes chunk);
void txn_end(struct txn *, struct bytes queue_id);

void txn_answer(struct txn *, uint64_t ticket, const struct answer *);
void txn_late(struct txn *);
bool txn_done(const struct txn *);

/* Once done: the verdict, and, but for VERDICT_DISCARD, one line in the log. The verdict's bytes live as long as the txn. */
void                  txn_decide(struct txn *, struct verdict *);
const struct account *txn_account(const struct txn *);
uint32_t              txn_deadline_ms(const struct txn *);

/* The message as it is to be kept, for a verdict of VERDICT_DISCARD. Once; the
 * value is the caller's. NULL: it cannot be kept. */
struct keep *txn_keep(struct txn *);
/* How that went: the account and the verdict follow, and the line in the log. */
void txn_kept(struct txn *, bool ok, struct verdict *);

/* The verdict when there is not even memory for a txn. */
void txn_no_memory(struct verdict *);

#endif
