/* desk/release.c: see release.h. */
#include "desk/release.h"

#include <errno.h>
#include <string.h>

#include "net/smtp_client.h"

/* Several copies of it are in memory while it is handed on. */
#define RELEASE_MAX ((long long)256 << 20)

bool
release_may_read(const struct store_held *h)
{
	return bytes_eq(h->state, B(HELD_HELD)) || bytes_eq(h->state, B(HELD_UNCONFIRMED)) || bytes_eq(h->state, B(HELD_RELEASING));
}

bool
release_may(const struct store_held *h)
{
	return release_may_read(h) && h->recipients.len > 0;
}

bool
release_may_delete(const struct store_held *h)
{
	return bytes_eq(h->state, B(HELD_HELD)) || bytes_eq(h->state, B(HELD_UNCONFIRMED));
}

/* Takes the step in the store; `why` is for the one who was too late. */
static enum rc
change(const struct release *r, struct arena *a, const struct store_held *h, struct bytes from, const char *to, struct bytes *why_out)
{
	enum rc rc = held_change(r->store, h->id, from, bytes_of(to), store_now_us(), r->by);

	if (rc == RC_LIMIT)
		*why_out = arena_printf(a, "%.*s is not %.*s any more", B_FMT(h->id), B_FMT(from));
	else if (rc != RC_OK)
		*why_out = arena_printf(a, "store: %.*s", B_FMT(store_trouble(r->store)));
	return rc;
}

static bool
is_here(const struct release *r, struct arena *a, const struct store_held *h, struct bytes *why_out)
{
	bool here = bytes_eq(h->vault, vault_name(r->vault));

	if (!here)
		*why_out = arena_printf(a, "%.*s: its copy lies in the quarantine_dir of another gateway, the one with the name %.*s: do this there", B_FMT(h->id), B_FMT(h->vault));
	return here;
}

enum rc
release_read(const struct release *r, struct arena *a, const struct store_held *h, size_t most, struct buf *out, struct bytes *why_out)
{
	if (!is_here(r, a, h, why_out))
		return RC_IO;
	enum rc rc = vault_read(r->vault, h->path, most, out);
	if (rc != RC_OK)
		*why_out = arena_printf(a, "%.*s: its copy cannot be read: %s", B_FMT(h->id), rc == RC_IO ? strerror(errno) : rc == RC_MEMORY ? "memory is spent" : "its name is none of ours");
	return rc == RC_SYNTAX ? RC_IO : rc;
}

/* Ours in front: what a filter behind us goes by. */
static enum rc
make_letter(const struct release *r, struct arena *a, const struct store_held *h, struct buf *message, struct bytes *why_out)
{
	struct store_account row;
	struct buf           copy = { 0 };
	enum rc              rc = release_read(r, a, h, 0, &copy, why_out);

	if (rc == RC_OK) {
		if (store_account_get(r->store, a, h->id, &row) == RC_OK && row.results.len > 0)
			buf_printf(message, "Authentication-Results: %.*s\r\n", B_FMT(row.results));
		buf_printf(message, "X-Mailreeve: released; reason=%.*s; id=%.*s\r\n", B_FMT(h->reason), B_FMT(h->id));
		buf_add(message, buf_bytes(&copy));
		rc = message->spoilt ? RC_MEMORY : RC_OK;
	}
	buf_free(&copy);
	return rc;
}

/* One line for the whole, and one for each recipient that was refused. */
static struct bytes
sentence(struct arena *a, const struct store_held *h, struct bytes why, const struct smtp_letter *letter, const struct smtp_answer *answers)
{
	struct bytes text = arena_printf(a, "%.*s stays held: %.*s", B_FMT(h->id), B_FMT(why));

	for (size_t i = 0; i < letter->count; i++)
		if (answers[i].code / 100 > 3)
			text = arena_printf(a, "%.*s\n  %.*s: %u %.*s", B_FMT(text), B_FMT(letter->recipients[i]), answers[i].code, B_FMT(answers[i].text));
	return text;
}

static enum rc
send_letter(const struct release *r, struct arena *a, const struct store_held *h, const struct endpoint *to, struct bytes *why_out)
{
	struct buf         message = { 0 };
	struct bytes       rest = h->recipients, one, why = B("");
	struct smtp_answer end;
	size_t             count = 1;

	for (size_t i = 0; i < rest.len; i++)
		count += rest.at[i] == '\n';
	struct bytes       *all = arena_take_array(a, count, sizeof(*all));
	struct smtp_answer *answers = arena_take_array(a, count, sizeof(*answers));
	if (all == NULL || answers == NULL) {
		*why_out = B("not enough memory");
		return RC_MEMORY;
	}
	for (count = 0; rest.len > 0 && bytes_cut(&rest, '\n', &one);)
		if (one.len > 0)
			all[count++] = one;
	struct smtp_letter letter = { .helo = r->hostname, .sender = h->sender, .recipients = all, .count = count };
	enum rc            rc = make_letter(r, a, h, &message, why_out);
	if (rc == RC_OK) {
		letter.message = buf_bytes(&message);
		rc = smtp_send(to, &letter, r->wait_ms, a, answers, &end, &why);
		if (rc != RC_OK)
			*why_out = sentence(a, h, why, &letter, answers);
	}
	buf_free(&message);
	return rc == RC_OK || rc == RC_SYNTAX || rc == RC_MEMORY ? rc : RC_IO;
}

/* The state is taken first, so that nobody else releases it too; what a crash in
 * between leaves "releasing" vault_recover() brings back. */
enum rc
release_send(const struct release *r, struct arena *a, const struct store_held *h, const struct endpoint *to, struct bytes *why_out)
{
	struct bytes other = B("");
	enum rc      rc;

	if (bytes_eq(h->state, B(HELD_UNCONFIRMED)) && !release_may(h)) {
		*why_out = arena_printf(a, "%.*s cannot be released: its copy was found without its row, so nobody knows for whom it was", B_FMT(h->id));
		return RC_LIMIT;
	}
	if (!release_may(h)) {
		*why_out = arena_printf(a, "%.*s is %.*s, and cannot be released", B_FMT(h->id), B_FMT(h->state));
		return RC_LIMIT;
	}
	if (bytes_eq(h->state, B(HELD_RELEASING))) {
		*why_out = arena_printf(a, "%.*s is on its way: %.*s releases it. If that was cut short, it is held again after a quarter of an hour", B_FMT(h->id),
		                        B_FMT(h->changed_by));
		return RC_LIMIT;
	}
	if (!is_here(r, a, h, why_out))
		return RC_LIMIT;
	if (h->size > RELEASE_MAX) {
		*why_out = arena_printf(a, "%.*s is larger than %lld MiB, which is more than we hand on", B_FMT(h->id), RELEASE_MAX >> 20);
		return RC_LIMIT;
	}
	rc = change(r, a, h, h->state, HELD_RELEASING, why_out);
	if (rc != RC_OK)
		return rc;
	rc = send_letter(r, a, h, to, why_out);
	if (rc != RC_OK) {
		if (change(r, a, h, B(HELD_RELEASING), bytes_eq(h->state, B(HELD_UNCONFIRMED)) ? HELD_UNCONFIRMED : HELD_HELD, &other) != RC_OK)
			*why_out = arena_printf(a, "%.*s\n  its row stays in the state releasing", B_FMT(*why_out));
		return rc;
	}
	(void)!vault_note_sent(r->vault, h->path); /* without it a crash now would have it sent again */
	rc = change(r, a, h, B(HELD_RELEASING), HELD_RELEASED, why_out);
	if (rc == RC_OK)
		(void)!vault_remove(r->vault, h->path); /* a copy that stays is found at the next start */
	return rc;
}

enum rc
release_delete(const struct release *r, struct arena *a, const struct store_held *h, struct bytes *why_out)
{
	if (!release_may_delete(h)) {
		*why_out = arena_printf(a, "%.*s is %.*s, and cannot be deleted", B_FMT(h->id), B_FMT(h->state));
		return RC_LIMIT;
	}
	if (!is_here(r, a, h, why_out))
		return RC_LIMIT;
	enum rc rc = change(r, a, h, h->state, HELD_DELETED, why_out);
	if (rc == RC_OK && vault_remove(r->vault, h->path) != RC_OK) {
		*why_out = arena_printf(a, "%.*s: its copy cannot be removed: %s", B_FMT(h->id), strerror(errno));
		return RC_IO;
	}
	return rc;
}
