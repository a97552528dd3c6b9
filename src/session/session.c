/* session/session.c: see session.h.
 *
 * The table says what the door allows, not what RFC 5321 wants of a client:
 * behind an MTA, order is the MTA's business. HELO comes again after STARTTLS,
 * an abort is welcome anywhere, a header may be empty. */
#include "session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "session/txn.h"

enum state { NEW, READY, ENVELOPE, CONTENT, BODY, JUDGING, KEEPING, CLOSED, STATE_COUNT };

struct session {
	const struct session_env  *env;
	const struct session_face *face;
	const struct session_host *host;
	void                      *door;
	enum state                 state;
	uint32_t                   generation; /* of transactions */
	struct txn                *txn; /* from MAIL to the verdict */
	struct txn_client          client; /* what survives RSET; its bytes are in `kept` */
	struct arena              *kept;
};

#define IN(state) (1U << (state))
#define ANYWHERE  (IN(NEW) | IN(READY) | IN(ENVELOPE) | IN(CONTENT) | IN(BODY) | IN(JUDGING) | IN(KEEPING))

/* A greeting is small; whoever sends more than this is not worth remembering whole. */
#define CLIENT_MEMORY ((size_t)16384)

static void
end_txn(struct session *s)
{
	if (s->txn == NULL)
		return;
	s->host->deadline(s->door, 0);
	txn_free(s->txn);
	s->txn = NULL;
}

/* ---- the events ---- */

/* A client may say the same thing a thousand times: it is kept once. Should the
 * memory be spent all the same, no transaction begins until the session ends. */
static void
keep(struct session *s, struct bytes *place, struct bytes text)
{
	if (!bytes_eq(*place, text))
		*place = arena_copy(s->kept, text);
}

static void
on_connect(struct session *s, const struct event *ev)
{
	s->client.ip = ev->ip;
	s->client.unknown = ev->unknown;
	keep(s, &s->client.host, ev->host);
	keep(s, &s->client.listener, ev->listener);
}

static void
on_helo(struct session *s, const struct event *ev)
{
	end_txn(s); /* EHLO acts as RSET, RFC 5321 section 4.1.4 */
	keep(s, &s->client.helo, ev->text);
}

static void
on_tls(struct session *s, const struct event *ev)
{
	keep(s, &s->client.tls_version, ev->text);
	keep(s, &s->client.tls_cipher, ev->more);
}

static void
on_auth(struct session *s, const struct event *ev)
{
	keep(s, &s->client.login, ev->text);
}

static void
on_mail(struct session *s, const struct event *ev)
{
	end_txn(s);
	if (arena_overdrawn(s->kept))
		return;
	s->txn = txn_new(s->env, s->host, s->door, &s->client, ++s->generation);
	if (s->txn != NULL)
		txn_mail(s->txn, ev->text);
}

static void
on_rcpt(struct session *s, const struct event *ev)
{
	if (s->txn != NULL)
		txn_rcpt(s->txn, ev->text);
}

static void
on_nothing(struct session *s, const struct event *ev)
{
	(void)s;
	(void)ev;
}

static void
on_header(struct session *s, const struct event *ev)
{
	if (s->txn != NULL)
		txn_header(s->txn, ev->text, ev->more);
}

static void
on_eoh(struct session *s, const struct event *ev)
{
	(void)ev;
	if (s->txn != NULL)
		txn_header_end(s->txn);
}

static void
on_body(struct session *s, const struct event *ev)
{
	if (s->txn != NULL)
		txn_body(s->txn, ev->text);
}

static void
tell_verdict(struct session *s, const struct verdict *verdict)
{
	s->host->deadline(s->door, 0);
	s->state = READY;
	if (txn_account(s->txn) != NULL)
		s->host->told(s->door, txn_account(s->txn));
	s->face->verdict(s->door, verdict);
	end_txn(s);
}

/* A message that is to be kept here is told of when it is on the disk. */
static void
keep_message(struct session *s, struct verdict *verdict)
{
	struct keep *k = txn_keep(s->txn);

	if (k != NULL && s->host->keep(s->door, k, s->generation)) {
		s->state = KEEPING;
		s->host->deadline(s->door, txn_deadline_ms(s->txn));
		return;
	}
	txn_kept(s->txn, false, verdict);
	tell_verdict(s, verdict);
}

static void
tell(struct session *s)
{
	struct verdict verdict;

	txn_decide(s->txn, &verdict);
	if (verdict.kind == VERDICT_DISCARD)
		keep_message(s, &verdict);
	else
		tell_verdict(s, &verdict);
}

/* No memory even to begin: the one answer that needs none. */
static void
tell_no_memory(struct session *s)
{
	struct verdict verdict;

	txn_no_memory(&verdict);
	log_event(AT_ERROR, "message.memory", F_WORD("done", "answered 452, the client will try again"));
	s->state = READY;
	s->face->verdict(s->door, &verdict);
}

static void
on_eom(struct session *s, const struct event *ev)
{
	if (s->txn == NULL) {
		tell_no_memory(s);
		return;
	}
	txn_end(s->txn, ev->text);
	if (txn_done(s->txn))
		tell(s);
	else
		s->host->deadline(s->door, txn_deadline_ms(s->txn));
}

static void
on_abort(struct session *s, const struct event *ev)
{
	(void)ev;
	end_txn(s);
}

/* What each event may follow, what it does, and the state behind it. An abort
 * or a HELO before a connection is known leaves it unknown. */
static const struct row {
	unsigned welcome;
	void (*act)(struct session *, const struct event *);
	enum state next;
} rows[EV_COUNT] = {
	[EV_CONNECT] = { IN(NEW), on_connect, READY },
	[EV_HELO] = { IN(NEW) | IN(READY) | IN(ENVELOPE), on_helo, READY },
	[EV_TLS] = { IN(NEW) | IN(READY) | IN(ENVELOPE), on_tls, STATE_COUNT },
	[EV_AUTH] = { IN(NEW) | IN(READY) | IN(ENVELOPE), on_auth, STATE_COUNT },
	[EV_MAIL] = { IN(NEW) | IN(READY) | IN(ENVELOPE), on_mail, ENVELOPE },
	[EV_RCPT] = { IN(ENVELOPE), on_rcpt, ENVELOPE },
	[EV_DATA] = { IN(ENVELOPE), on_nothing, CONTENT },
	[EV_HEADER] = { IN(ENVELOPE) | IN(CONTENT), on_header, CONTENT },
	[EV_EOH] = { IN(ENVELOPE) | IN(CONTENT), on_eoh, BODY },
	[EV_BODY] = { IN(BODY), on_body, BODY },
	[EV_EOM] = { IN(BODY), on_eom, JUDGING },
	[EV_ABORT] = { ANYWHERE, on_abort, READY },
	[EV_QUIT] = { ANYWHERE, on_abort, CLOSED },
};

static void
answer_unwelcome(struct session *s, const struct event *ev)
{
	static const struct reply not_now = { 503, B_INIT("5.5.1"), { B_INIT("Bad sequence of commands") }, 1 };
	struct verdict            verdict = { .kind = VERDICT_REPLY, .reply = not_now };

	if (ev->kind == EV_EOM)
		s->face->verdict(s->door, &verdict);
	else if (session_wants(s->env) & EV_BIT(ev->kind))
		s->face->reply(s->door, &not_now);
}

void
session_on(struct session *s, const struct event *ev)
{
	assert(ev->kind < EV_COUNT);
	const struct row *row = &rows[ev->kind];

	/* An MTA need not tell the end of an empty header. */
	if (ev->kind == EV_EOM && (IN(s->state) & (IN(ENVELOPE) | IN(CONTENT)))) {
		on_eoh(s, ev);
		s->state = BODY;
	}
	if (!(row->welcome & IN(s->state))) {
		answer_unwelcome(s, ev);
		return;
	}
	if (row->next != STATE_COUNT)
		s->state = row->next;
	row->act(s, ev);
	if (ev->kind != EV_EOM && (session_wants(s->env) & EV_BIT(ev->kind)))
		s->face->go_on(s->door);
}

/* ---- answers and time ---- */

void
session_answer(struct session *s, uint64_t ticket, const struct answer *answer)
{
	if (s->txn == NULL) {
		answer_unref(answer);
		return;
	}
	txn_answer(s->txn, ticket, answer);
	if (s->state == JUDGING && txn_done(s->txn))
		tell(s);
}

void
session_kept(struct session *s, uint64_t ticket, bool ok)
{
	struct verdict verdict;

	if (s->state != KEEPING || s->txn == NULL || ticket != s->generation)
		return;
	txn_kept(s->txn, ok, &verdict);
	tell_verdict(s, &verdict);
}

void
session_deadline(struct session *s)
{
	if (s->state == KEEPING) {
		session_kept(s, s->generation, false);
		return;
	}
	if (s->txn == NULL || s->state != JUDGING)
		return;
	txn_late(s->txn);
	if (txn_done(s->txn))
		tell(s);
}

/* ---- begin and end ---- */

struct session *
session_new(const struct session_env *env, const struct session_face *face, const struct session_host *host, void *door)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct session){ .env = env, .face = face, .host = host, .door = door };
	s->kept = arena_new(CLIENT_MEMORY);
	if (s->kept == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	end_txn(s);
	arena_free(s->kept);
	free(s);
}

uint32_t
session_wants(const struct session_env *env)
{
	(void)env;
	/* Nothing is decided at RCPT yet, but Postfix keeps what needs no answer to
	 * itself until something does: without this question we would hear of a
	 * message at its end only, and SPF would begin when it should be known. */
	return EV_BIT(EV_RCPT) | EV_BIT(EV_EOM);
}

void
session_env_set(struct session *s, const struct session_env *env)
{
	s->env = env;
}

bool
session_busy(const struct session *s)
{
	return s->txn != NULL;
}
