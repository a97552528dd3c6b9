/* desk/digest.c: see digest.h. */
#include "desk/digest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "desk/signin.h"
#include "mail/quoted.h"
#include "mail/reason.h"
#include "net/smtp_client.h"

#define ROWS_MAX    10000 /* newest kept messages that are looked at */
#define SHOWN_MAX   100 /* in one letter */
#define WORDS_SHOWN 200 /* octets of a From or a subject */
#define WAIT_MS     20000

/* ---- the letter ---- */

/* RFC 5322 section 3.3; the first of 1970 was a Thursday. */
static void
add_date(struct buf *out, int64_t now_us)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char                     text[CLOCK_TEXT_MAX];
	uint64_t                 month = 1;

	clock_format(now_us / 1000000, text);
	(void)!bytes_number(bytes_make(text + 5, 2), 12, &month);
	buf_printf(out, "Date: %s, %.2s %s %.4s %.8s +0000\r\n", days[store_day(now_us) % 7], text + 8, months[(month + 11) % 12], text,
	           text + 11);
}

static void
add_header(struct buf *out, const struct digest_letter *l, size_t fresh)
{
	add_date(out, l->now_us);
	buf_printf(out, "From: Mail gateway <postmaster@%.*s>\r\n", B_FMT(l->hostname));
	if (bytes_is_ascii(l->recipient) && !bytes_has(l->recipient, '\r') && !bytes_has(l->recipient, '\n'))
		buf_printf(out, "To: <%.*s>\r\n", B_FMT(l->recipient));
	buf_printf(out, "Subject: %zu %s kept for you at %.*s\r\n", fresh, fresh == 1 ? "message is" : "messages are", B_FMT(l->hostname));
	buf_printf(out, "Message-ID: <%s.digest@%.*s>\r\n", l->id, B_FMT(l->hostname));
	buf_add_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
}

static void
add_word(struct buf *out, const char *name, struct bytes value)
{
	if (value.len == 0)
		return;
	buf_printf(out, "    %-9s", name);
	text_add_safe(out, bytes_sub(value, 0, WORDS_SHOWN));
	buf_add_c(out, '\n');
}

static void
add_message(struct buf *out, const struct store_held *h)
{
	char        came[CLOCK_TEXT_MAX], goes[CLOCK_TEXT_MAX];
	enum reason reason;

	clock_format(h->at_us / 1000000, came);
	clock_format(h->expires_us / 1000000, goes);
	buf_printf(out, "\n%.*s   %.10s %.5s UTC\n", B_FMT(h->id), came, came + 11);
	add_word(out, "From", h->header_from.len > 0 ? h->header_from : h->sender);
	add_word(out, "Subject", h->subject);
	if (reason_of(h->reason, &reason))
		add_word(out, "Why", bytes_of(reason_row(reason)->line));
	buf_printf(out, "    %-9s%.10s, if nobody releases it before\n", "Deleted", goes);
}

/* One half: what is new, or what was told before. */
static void
add_messages(struct buf *out, const struct digest_letter *l, bool fresh, const char *heading, size_t *left)
{
	size_t more = 0;
	bool   begun = false;

	for (size_t i = 0; i < l->count; i++) {
		if (l->fresh[i] != fresh)
			continue;
		if (*left == 0) {
			more++;
			continue;
		}
		if (!begun)
			buf_printf(out, "\n%s\n", heading);
		begun = true;
		(*left)--;
		add_message(out, l->held[i]);
	}
	if (more > 0)
		buf_printf(out, "\n(and %zu more)\n", more);
}

void
digest_write(struct buf *out, const struct digest_letter *l)
{
	struct buf   text = { 0 };
	struct bytes domain = bytes_from(l->recipient, bytes_rindex(l->recipient, '@'));
	size_t       fresh = 0, left = SHOWN_MAX;

	for (size_t i = 0; i < l->count; i++)
		fresh += l->fresh[i];
	add_header(out, l, fresh);
	buf_printf(&text, "The mail gateway %.*s keeps these messages instead of delivering them to\n", B_FMT(l->hostname));
	text_add_safe(&text, l->recipient);
	buf_add_str(&text, ", because it could not be shown that they come from\nwhom they name as their author.\n\n"
	                   "If you expected one of them, ask the postmaster to release it and give its id,\nthe twelve characters in front of "
	                   "its date: postmaster");
	text_add_safe(&text, domain);
	buf_add_str(&text, "\nThe others need nothing of you.\n");
	add_messages(&text, l, true, "NEW", &left);
	add_messages(&text, l, false, "TOLD BEFORE", &left);
	quoted_add(out, buf_bytes(&text));
	out->spoilt |= text.spoilt;
	buf_free(&text);
}

/* ---- who is told what ---- */

bool
digest_is_due(struct store *s, uint32_t every_ms, int64_t now_us)
{
	char id[ID_LEN + 1];
	bool ours = false;

	/* Each try has a name of its own, so that the lease is ours only when the last one is over. */
	return every_ms > 0 && row_id(id) && store_lease(s, B("digest"), bytes_of(id), now_us + (int64_t)every_ms * 1000, &ours) == RC_OK && ours;
}

struct pair {
	struct bytes recipient; /* in lower case */
	struct bytes address; /* as it came */
	size_t       row;
};

struct gathering {
	struct arena      *arena;
	struct store_held *rows;
	bool              *fresh, *failed; /* by row */
	size_t             count, room;
	size_t             pairs, cost; /* in memory, of recipients */
};

/* A row may have ten thousand recipients, and a sender may see to it that many have.
 * Where there is no room for all only the newest are told of; else nobody would be. */
static bool
has_room(struct gathering *g, struct bytes recipients)
{
	size_t lines = 1;

	for (size_t i = 0; i < recipients.len; i++)
		lines += recipients.at[i] == '\n';
	g->pairs += lines;
	g->cost += 2 * recipients.len + lines * (sizeof(struct pair) + 16);
	return g->cost < DIGEST_MEMORY / 2;
}

static bool
gather(void *arg, const struct store_held *h)
{
	struct gathering  *g = arg;
	struct store_held *row = &g->rows[g->count];

	if (!has_room(g, h->recipients))
		return false;
	*row = (struct store_held){ .at_us = h->at_us, .expires_us = h->expires_us };
	row->id = arena_copy(g->arena, h->id);
	row->sender = arena_copy(g->arena, h->sender);
	row->recipients = arena_copy(g->arena, h->recipients);
	row->header_from = arena_copy(g->arena, bytes_sub(h->header_from, 0, WORDS_SHOWN));
	row->subject = arena_copy(g->arena, bytes_sub(h->subject, 0, WORDS_SHOWN));
	row->reason = arena_copy(g->arena, h->reason);
	g->fresh[g->count] = h->told_us == 0;
	return ++g->count < g->room;
}

static int
by_recipient(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int                order = bytes_order(x->recipient, y->recipient);

	return order != 0 ? order : x->row < y->row ? -1 : x->row > y->row;
}

static size_t
pair_up(const struct gathering *g, struct pair *pairs)
{
	size_t count = 0;

	for (size_t i = 0; i < g->count; i++) {
		struct bytes rest = g->rows[i].recipients, one;
		while (rest.len > 0 && bytes_cut(&rest, '\n', &one))
			if (one.len > 0)
				pairs[count++] = (struct pair){ arena_lower(g->arena, one), one, i };
	}
	qsort(pairs, count, sizeof(*pairs), by_recipient);
	return count;
}

enum fate { SENT, FAILED, REFUSED };

/* A recipient or a letter that the server refuses for good is refused the next
 * time too. One that refuses us, by its policy or for want of a log-in, may be set
 * up wrongly today (RFC 3463 3.8, RFC 4954 6). */
static enum fate
fate_of(enum rc rc, const struct smtp_answer *answer, const struct smtp_answer *end)
{
	const struct smtp_answer *last = end->code / 100 == 5 ? end : answer;
	bool                      us = bytes_starts(last->text, B("5.7.")) || last->code == 530 || last->code == 535;

	return rc == RC_OK ? SENT : rc == RC_SYNTAX && last->code / 100 == 5 && !us ? REFUSED : FAILED;
}

/* Pairs of one recipient. */
static enum fate
send_one(const struct digest_run *d, const struct gathering *g, const struct endpoint *to, const struct pair *pairs, size_t count)
{
	struct arena             *a = arena_new((size_t)4 << 20);
	const struct store_held **held = arena_take_array(a, count, sizeof(*held)); /* of pointers */
	bool                     *fresh = arena_take_array(a, count, sizeof(*fresh));
	char                      id[ID_LEN + 1];
	struct buf                message = { 0 };
	struct smtp_answer        answer = { .code = 0 }, end = { .code = 0 };
	struct bytes              why = B("memory is spent");
	enum rc                   rc = held != NULL && fresh != NULL && row_id(id) ? RC_OK : RC_MEMORY;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		held[i] = &g->rows[pairs[i].row];
		fresh[i] = g->fresh[pairs[i].row];
	}
	if (rc == RC_OK) {
		struct digest_letter l = { d->settings->hostname, pairs[0].address, held, fresh, count, d->now_us, id };
		digest_write(&message, &l);
		struct smtp_letter letter = { .helo = d->settings->hostname, .sender = B(""), .recipients = &pairs[0].address, .count = 1 };
		letter.message = buf_bytes(&message);
		rc = message.spoilt ? RC_MEMORY : smtp_send(to, &letter, WAIT_MS, a, &answer, &end, &why);
	}
	enum fate fate = fate_of(rc, &answer, &end);
	if (fate != SENT)
		log_event(AT_WARNING, "quarantine.digest", F_TEXT("recipient", pairs[0].address), F_TEXT("trouble", why),
		          F_WORD("done", fate == REFUSED ? "counts as told" : "tried again the next time"));
	buf_free(&message);
	arena_free(a);
	return fate;
}

static bool
any_fresh(const struct gathering *g, const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (g->fresh[pairs[i].row])
			return true;
	return false;
}

static bool
is_stopped(const struct digest_run *d)
{
	return d->stop != NULL && atomic_load(d->stop);
}

static void
send_all(const struct digest_run *d, struct gathering *g, const struct endpoint *to, const struct pair *pairs, size_t count,
         struct digest_count *n)
{
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && bytes_eq(pairs[next].recipient, pairs[i].recipient);)
			next++;
		if (!any_fresh(g, &pairs[i], next - i))
			continue;
		enum fate fate = is_stopped(d) ? FAILED : send_one(d, g, to, &pairs[i], next - i);
		n->sent += fate == SENT;
		n->failed += fate == FAILED;
		n->refused += fate == REFUSED;
		for (size_t k = i; k < next && fate == FAILED; k++)
			g->failed[pairs[k].row] = true;
	}
}

/* Who could not be told of a message will be the next time, and so will its other recipients. */
static enum rc
note_told(const struct digest_run *d, const struct gathering *g)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < g->count && (rc == RC_OK || rc == RC_LIMIT); i++)
		if (g->fresh[i] && !g->failed[i])
			rc = held_told(d->store, g->rows[i].id, d->now_us);
	return rc == RC_LIMIT ? RC_OK : rc; /* it was pruned meanwhile */
}

enum rc
digest_send(const struct digest_run *d, struct arena *a, struct digest_count *n, struct bytes *why_out)
{
	const struct bytes_list *set = &d->settings->store_release_to;
	struct gathering         g = { .arena = a, .room = ROWS_MAX, .rows = arena_take_array(a, ROWS_MAX, sizeof(*g.rows)) };
	struct endpoint          to;
	const char              *sentence = "set release_to in store { ... }";

	*n = (struct digest_count){ .sent = 0 };
	g.fresh = arena_take_array(a, ROWS_MAX, sizeof(*g.fresh));
	g.failed = arena_take_array(a, ROWS_MAX, sizeof(*g.failed));
	if (set->count == 0 || endpoint_parse(set->at[0], &to, &sentence) != RC_OK) {
		*why_out = arena_printf(a, "there is nobody to hand the letters to: %s", sentence);
		return RC_SYNTAX;
	}
	enum rc rc = g.rows == NULL || g.fresh == NULL || g.failed == NULL ? RC_MEMORY : RC_OK;
	if (rc == RC_OK)
		rc = held_list(d->store, B(HELD_HELD), 0, B(""), ROWS_MAX, gather, &g);
	struct pair *pairs = rc == RC_OK ? arena_take_array(a, g.pairs, sizeof(*pairs)) : NULL;
	size_t       count = pairs != NULL && !arena_overdrawn(a) ? pair_up(&g, pairs) : 0;
	/* Asked once more: recipients without a name would be one, and get what is another's. */
	if (rc == RC_OK && (pairs == NULL || arena_overdrawn(a)))
		rc = RC_MEMORY;
	if (rc == RC_OK) {
		send_all(d, &g, &to, pairs, count, n);
		rc = note_told(d, &g);
	}
	if (rc != RC_OK)
		*why_out = rc == RC_MEMORY ? B("memory is spent") : arena_copy(a, store_trouble(d->store));
	return rc;
}
