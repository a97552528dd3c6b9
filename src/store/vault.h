/* store/vault.h: copies of messages, one file each, durable before anybody relies on them.
 *
 * A copy is gathered while the message comes in: in memory at first, in a file
 * with a name of its own when it grows. vault_keep() brings it to the disk:
 * written, synced, renamed, and the directory synced. Only then may its row be
 * written (writer_put_now()), and only then the reply be given. So a kill leaves
 * at worst a copy without row, which vault_reconcile() finds and keeps as
 * unconfirmed.
 *
 * Paths are relative to the vault: a day and an id, "20779/4QXYZ7KM2PAC.eml".
 * Others are refused, wherever they come from.
 *
 * Several gateways may share a store, and a vault or not. So a vault has a name, made
 * when it is new and kept in it, and a row says in which its copy lies: nobody
 * touches rows whose copies he does not have. */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include "base/buf.h"
#include "store/held.h"

struct vault;
struct copy;

/* Makes the directory if it is absent, for our eyes only. */
enum rc vault_open(const char *dir, struct arena *, struct vault **vault_out, struct bytes *why_out) MUST_USE;
void    vault_close(struct vault *); /* takes NULL */
/* Borrowed. */
struct bytes vault_name(const struct vault *);

/* A copy to be; NULL when memory is spent. `id` is that of the account. */
struct copy *copy_new(struct vault *, struct bytes id, int64_t at_us) MUST_USE;
struct bytes copy_vault(const struct copy *); /* vault_name() of its vault */
/* More of the message. Trouble is remembered and told by vault_keep(). May write
 * to a file, but never waits for the disk. */
void copy_add(struct copy *, struct bytes);
/* Forget it; a file that was begun is removed. Takes NULL. After vault_keep() too. */
void copy_free(struct copy *);

#define VAULT_NAME_FILE ".name" /* where its name stands, once it has kept something */
#define VAULT_PATH_MAX  48
/* Waits for the disk: for worker threads. RC_IO with errno: nothing was kept. */
enum rc vault_keep(struct copy *, char path_out[VAULT_PATH_MAX]) MUST_USE;
/* Takes what was kept away again: its row is not there, for certain. */
void copy_drop(struct copy *);

/* A copy, of a long one the first `most` octets (0: all). RC_SYNTAX: not a path
 * of ours; RC_IO with errno; RC_MEMORY. */
enum rc vault_read(struct vault *, struct bytes path, size_t most, struct buf *out) MUST_USE;
/* RC_OK also when there was none. Takes what vault_note_sent() left too. */
enum rc vault_remove(struct vault *, struct bytes path) MUST_USE;

/* The MTA has taken a message that is being released: noted beside its copy, at
 * once, since its row is changed only after that and a kill may come between. */
enum rc vault_note_sent(struct vault *, struct bytes path) MUST_USE;

/* A row whose vault does not come back is nobody's: so long behind its time anybody may end it. */
#define ABANDONED_US (7 * DAY_US)

/* Releases that were cut short: rows that are "releasing" for longer than any
 * release takes. The message is released where the MTA is known to have taken it;
 * else it is held again, and perhaps arrives twice, which is better than never.
 * `changed_by` of the row says so. `fn`, if not NULL, is told of each, with its
 * new state. */
#define RELEASE_LONGEST_US ((int64_t)900 * 1000000)
typedef void recover_fn(void *arg, const struct store_held *);
enum rc vault_recover(struct vault *, struct store *, int64_t now_us, recover_fn *fn, void *arg) MUST_USE;

/* At start: removes what was begun and never kept, and copies whose row says that
 * they are done with, and compares copies with rows. `expires_us` is for rows that are made. `fn`, if not NULL, is told of
 * each fault: a row that is held and has no copy, or a copy that had no row and
 * was given one (its state is then "unconfirmed"). Takes no part in mail that
 * runs meanwhile: copies younger than an hour are left alone. */
typedef void vault_fn(void *arg, const struct store_held *, bool has_copy);
enum rc vault_reconcile(struct vault *, struct store *, int64_t now_us, int64_t expires_us, vault_fn *fn, void *arg) MUST_USE;

#endif
