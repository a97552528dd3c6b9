/* front/milter.c: see milter.h. Rows of `rows` say which command is welcome
 * when; each acts by giving one event, sometimes others before it. A frame is
 * taken off the input only when the last of its events is given, so that an
 * event before it may be waited for with the octets still there. */
#include "front/milter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "front/milter_codec.h"

#define OUTPUT_MAX ((size_t)4 << 20)
#define MACROS_MAX ((size_t)64 << 10)

enum phase { FRESH, AGREED, CONNECTED, MAILED };

/* What the session owes: the answer to an event that is only part of the frame
 * at the front of the input, or to the last event of a frame that is gone. */
enum owed { OWES_NOTHING, OWES_PART, OWES_WHOLE };

struct milter {
	const struct session_env  *env;
	const struct session_host *host;
	void                      *door;
	struct session            *session; /* NULL before CONNECT, and when memory was spent there */
	struct milter_options      agreed;
	uint32_t                   wants;
	enum phase                 phase;
	enum owed                  owed;
	uint32_t                   quiet; /* the step that makes the answer to the present frame superfluous */
	char                       macros_for; /* the command that the macros stand before */
	bool                       skip; /* the frame at the front is answered already */
	bool                       data_told, chunk_told; /* of the present message, of the present frame */
	struct buf                 macros, out;
	char                      *tls, *login, *queue_id; /* remembered; NULL: none */
	const char                *why;
};

/* ---- what the session answers ---- */

static bool
is_quiet(const struct milter *m)
{
	return (m->agreed.steps & m->quiet) != 0;
}

/* The end of a transaction, as far as we remember it. */
static void
message_over(struct milter *m)
{
	if (m->phase == MAILED)
		m->phase = CONNECTED;
	m->data_told = false;
	free(m->queue_id);
	m->queue_id = NULL;
}

static enum owed
answered(struct milter *m)
{
	enum owed owed = m->owed;

	assert(owed != OWES_NOTHING);
	m->owed = OWES_NOTHING;
	return owed;
}

static void
on_go_on(void *door)
{
	struct milter *m = door;

	if (answered(m) == OWES_WHOLE && !is_quiet(m))
		milter_write(&m->out, MILTER_CONTINUE);
}

/* A refusal of a part is the answer to the whole frame. */
static void
on_reply(void *door, const struct reply *reply)
{
	struct milter *m = door;

	if (answered(m) == OWES_PART)
		m->skip = true;
	if (!is_quiet(m))
		milter_write_reply(&m->out, reply);
}

static int
by_index_falling(const void *a, const void *b)
{
	const struct edit *const *x = a, *const *y = b;

	return (*x)->index < (*y)->index ? 1 : (*x)->index > (*y)->index ? -1 : 0;
}

/* MTAs differ in whether a field that is inserted or deleted moves the count of
 * those below it. Deleting from the bottom up, before inserting, suits all. */
static bool
write_edits(struct milter *m, const struct edit *edits, size_t count)
{
	const struct edit **deletes = count > 0 ? calloc(count, sizeof(const struct edit *)) : NULL;
	size_t              n = 0;

	if (count > 0 && deletes == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (edits[i].kind == EDIT_DELETE)
			deletes[n++] = &edits[i];
	if (n > 1)
		qsort(deletes, n, sizeof(const struct edit *), by_index_falling);
	for (size_t i = 0; i < n; i++)
		milter_write_delete(&m->out, deletes[i]->index, deletes[i]->name);
	free(deletes);

	bool blank = (m->agreed.steps & MILTER_LEADING_SPACE) != 0;
	for (size_t i = 0; i < count; i++)
		if (edits[i].kind == EDIT_INSERT)
			milter_write_insert(&m->out, 0, edits[i].name, edits[i].value, blank);
	return true;
}

/* False: it cannot be done as decided, and the MTA must not take the message. */
static bool
write_accept(struct milter *m, const struct verdict *v)
{
	if (v->kind == VERDICT_HOLD && !(m->agreed.actions & MILTER_DO_QUARANTINE))
		return false;
	if (!write_edits(m, v->edits, v->edit_count))
		return false;
	if (v->kind == VERDICT_HOLD)
		milter_write_text(&m->out, MILTER_QUARANTINE, v->hold_reason);
	milter_write(&m->out, MILTER_CONTINUE);
	return !m->out.spoilt;
}

static void
on_verdict(void *door, const struct verdict *v)
{
	struct milter *m = door;
	size_t         start = m->out.len;

	enum owed owed = answered(m);
	assert(owed == OWES_WHOLE && m->phase == MAILED);
	message_over(m);
	if (v->kind == VERDICT_REPLY) {
		milter_write_reply(&m->out, &v->reply);
	} else if (v->kind == VERDICT_DISCARD) {
		milter_write(&m->out, MILTER_DISCARD);
	} else if (!write_accept(m, v)) {
		m->out.len = start;
		m->out.spoilt = false;
		milter_write(&m->out, MILTER_TEMPFAIL);
	}
}

static const struct session_face face = { on_go_on, on_reply, on_verdict };

/* ---- what the session needs: passed on to the host of the door ---- */

static uint64_t
host_now_us(void *door)
{
	struct milter *m = door;

	return m->host->now_us(m->door);
}

static int64_t
host_epoch(void *door)
{
	struct milter *m = door;

	return m->host->epoch(m->door);
}

static void
host_random(void *door, uint8_t octets[8])
{
	struct milter *m = door;

	m->host->random(m->door, octets);
}

static const struct answer *
host_look(void *door, const struct ask *ask)
{
	struct milter *m = door;

	return m->host->look(m->door, ask);
}

static bool
host_ask(void *door, const struct ask *ask, uint64_t ticket)
{
	struct milter *m = door;

	return m->host->ask(m->door, ask, ticket);
}

static void
host_deadline(void *door, uint32_t ms)
{
	struct milter *m = door;

	m->host->deadline(m->door, ms);
}

static void
host_told(void *door, const struct account *account)
{
	struct milter *m = door;

	m->host->told(m->door, account);
}

static bool
host_keep(void *door, struct keep *keep, uint64_t ticket)
{
	struct milter *m = door;

	return m->host->keep(m->door, keep, ticket);
}

static const struct session_host relay = {
	host_now_us, host_epoch, host_random, host_look, host_ask, host_deadline, host_told, host_keep,
};

/* ---- giving events ---- */

/* Without a session nothing can be judged; doubt is a 4xx. */
static bool
give_nobody(struct milter *m, const struct event *ev, enum owed owed)
{
	if (owed == OWES_WHOLE && !is_quiet(m))
		milter_write(&m->out, MILTER_TEMPFAIL);
	if (ev->kind == EV_EOM)
		message_over(m);
	return true;
}

/* True when the frame can go on. */
static bool
give(struct milter *m, const struct event *ev, enum owed owed)
{
	if (m->session == NULL)
		return give_nobody(m, ev, owed);
	if (m->wants & EV_BIT(ev->kind)) {
		m->owed = owed;
		session_on(m->session, ev);
		return m->owed == OWES_NOTHING && !m->skip;
	}
	session_on(m->session, ev);
	if (owed == OWES_WHOLE && !is_quiet(m))
		milter_write(&m->out, MILTER_CONTINUE);
	return true;
}

/* An event that is not a frame of its own, or not the last of it. */
static bool
give_part(struct milter *m, const struct event *ev)
{
	return give(m, ev, OWES_PART);
}

static enum rc
give_whole(struct milter *m, const struct event *ev)
{
	give(m, ev, OWES_WHOLE);
	return RC_OK;
}

static enum rc
fault(struct milter *m, enum rc rc, const char *why)
{
	m->why = why;
	return rc;
}

/* ---- macros ---- */

/* The value that came with the present command; empty when it did not. */
static struct bytes
macro(const struct milter *m, char command, const char *name)
{
	struct bytes rest = buf_bytes(&m->macros), key, value, found = B_NONE;

	if (m->macros_for != command)
		return B_NONE;
	while (milter_macro_next(&rest, &key, &value))
		if (bytes_eq(key, bytes_of(name)))
			found = value;
	return found;
}

/* Whether `*kept` says something else than `text`, and then let it say that. */
static bool
remember(char **kept, struct bytes text, bool *changed_out)
{
	char *copy = NULL;

	*changed_out = !bytes_eq(bytes_of(*kept), text);
	if (!*changed_out)
		return true;
	if (text.len > 0) {
		copy = strndup(text.at, text.len);
		if (copy == NULL)
			return false;
	}
	free(*kept);
	*kept = copy;
	return true;
}

/* EV_TLS when HELO or MAIL says something new of it. Postfix does not say it at
 * the end of the message, and a session that has TLS keeps it: so silence means nothing. */
static enum rc
tell_tls(struct milter *m, char command)
{
	struct event ev = { .kind = EV_TLS };
	struct buf   whole = { 0 };
	bool         changed;

	ev.text = macro(m, command, "{tls_version}");
	ev.more = macro(m, command, "{cipher}");
	ev.subject = macro(m, command, "{cert_subject}");
	if (ev.text.len == 0)
		return RC_OK;
	buf_printf(&whole, "%.*s %.*s %.*s", B_FMT(ev.text), B_FMT(ev.more), B_FMT(ev.subject));
	bool kept = !whole.spoilt && remember(&m->tls, buf_bytes(&whole), &changed);
	buf_free(&whole);
	if (!kept)
		return fault(m, RC_MEMORY, "memory is spent");
	return !changed || give_part(m, &ev) ? RC_OK : RC_AGAIN;
}

/* EV_AUTH when MAIL names another login than the one before, or none any more. */
static enum rc
tell_auth(struct milter *m)
{
	struct event ev = { .kind = EV_AUTH };
	bool         changed;

	ev.text = macro(m, MILTER_MAIL, "{auth_authen}");
	ev.more = macro(m, MILTER_MAIL, "{auth_type}");
	if (!remember(&m->login, ev.text, &changed))
		return fault(m, RC_MEMORY, "memory is spent");
	return !changed || give_part(m, &ev) ? RC_OK : RC_AGAIN;
}

/* Postfix has no queue id before the first recipient is accepted; later it says
 * it at every stage. */
static enum rc
note_queue_id(struct milter *m, char command)
{
	struct bytes id = macro(m, command, "i");
	bool         changed;

	if (id.len > 0 && !remember(&m->queue_id, id, &changed))
		return fault(m, RC_MEMORY, "memory is spent");
	return RC_OK;
}

/* ---- commands ---- */

static enum rc
act_options(struct milter *m, struct bytes payload)
{
	struct milter_options offer;
	struct bytes          why;

	if (!milter_options_parse(payload, &offer))
		return fault(m, RC_SYNTAX, "a malformed option negotiation");
	if (!milter_agree(&offer, m->wants, &m->agreed, &why))
		return fault(m, RC_SYNTAX, why.at);
	milter_write_options(&m->out, &m->agreed);
	m->phase = AGREED;
	return RC_OK;
}

static enum rc
act_macro(struct milter *m, struct bytes payload)
{
	struct bytes pairs;
	char         command;

	if (!milter_macro_parse(payload, &command, &pairs))
		return fault(m, RC_SYNTAX, "malformed macros");
	if (command != m->macros_for)
		buf_clear(&m->macros);
	m->macros_for = command;
	if (pairs.len > MACROS_MAX - m->macros.len)
		return fault(m, RC_LIMIT, "too many macros");
	buf_add(&m->macros, pairs);
	return m->macros.spoilt ? fault(m, RC_MEMORY, "memory is spent") : RC_OK;
}

static enum rc
act_connect(struct milter *m, struct bytes payload)
{
	struct event ev;

	if (!milter_connect_parse(payload, &ev))
		return fault(m, RC_SYNTAX, "a malformed CONNECT");
	ev.listener = macro(m, MILTER_CONNECT, "{daemon_name}");
	/* Sendmail names the client after an unconfirmed PTR too, and says so here. */
	struct bytes resolve = macro(m, MILTER_CONNECT, "{client_resolve}");
	if (resolve.len > 0 && !bytes_eq(resolve, B("OK")))
		ev.host = B_NONE;
	m->session = session_new(m->env, &face, &relay, m);
	m->phase = CONNECTED;
	return give_whole(m, &ev);
}

static void
abort_message(struct milter *m)
{
	if (m->phase == MAILED && m->session != NULL)
		session_on(m->session, &(struct event){ .kind = EV_ABORT });
	message_over(m);
}

/* It also ends a message under way, RFC 5321 section 4.1.4. */
static enum rc
act_helo(struct milter *m, struct bytes payload)
{
	struct event ev = { .kind = EV_HELO };

	if (!milter_string_parse(payload, &ev.text))
		return fault(m, RC_SYNTAX, "a malformed HELO");
	abort_message(m);
	enum rc rc = tell_tls(m, MILTER_HELO);
	return rc == RC_OK ? give_whole(m, &ev) : rc;
}

/* MAIL and RCPT: the parameters, joined by blanks as they were in SMTP. */
static enum rc
give_path(struct milter *m, enum event_kind kind, struct bytes payload)
{
	struct event ev = { .kind = kind };
	struct bytes words;
	struct buf   joined = { 0 };

	if (!milter_path_parse(payload, &ev.text, &words))
		return fault(m, RC_SYNTAX, "a malformed MAIL or RCPT");
	if (words.len > 0)
		buf_add(&joined, bytes_sub(words, 0, words.len - 1));
	if (joined.spoilt)
		return fault(m, RC_MEMORY, "memory is spent");
	for (size_t i = 0; i < joined.len; i++)
		if (joined.at[i] == '\0')
			joined.at[i] = ' ';
	ev.more = buf_bytes(&joined);
	give_whole(m, &ev);
	buf_free(&joined);
	return RC_OK;
}

/* Sendmail does not say ABORT after a MAIL that was refused. */
static enum rc
act_mail(struct milter *m, struct bytes payload)
{
	abort_message(m);
	enum rc rc = tell_tls(m, MILTER_MAIL);
	if (rc == RC_OK)
		rc = tell_auth(m);
	if (rc == RC_OK)
		rc = note_queue_id(m, MILTER_MAIL);
	if (rc != RC_OK)
		return rc;
	m->phase = MAILED;
	return give_path(m, EV_MAIL, payload);
}

static enum rc
act_rcpt(struct milter *m, struct bytes payload)
{
	enum rc rc = note_queue_id(m, MILTER_RCPT);

	return rc == RC_OK ? give_path(m, EV_RCPT, payload) : rc;
}

static enum rc
act_data(struct milter *m, struct bytes payload)
{
	enum rc rc = note_queue_id(m, MILTER_DATA);

	(void)payload;
	if (rc != RC_OK)
		return rc;
	m->data_told = true;
	return give_whole(m, &(struct event){ .kind = EV_DATA });
}

/* Before version 4 there is no DATA command; the session hears of it all the same. */
static enum rc
content_begun(struct milter *m, char command)
{
	enum rc rc = note_queue_id(m, command);

	if (rc != RC_OK || m->data_told)
		return rc;
	m->data_told = true;
	return give_part(m, &(struct event){ .kind = EV_DATA }) ? RC_OK : RC_AGAIN;
}

/* A bare LF is made CRLF; the blank that an older MTA ate is put back. */
static bool
value_restore(struct buf *out, struct bytes value, bool blank)
{
	struct bytes line;

	if (blank)
		buf_add_c(out, ' ');
	while (bytes_cut(&value, '\n', &line)) {
		buf_add(out, line);
		if (value.at != NULL)
			buf_add_str(out, line.len > 0 && line.at[line.len - 1] == '\r' ? "\n" : "\r\n");
	}
	return !out->spoilt;
}

static enum rc
act_header(struct milter *m, struct bytes payload)
{
	struct event ev = { .kind = EV_HEADER };
	struct buf   value = { 0 };
	bool         blank = (m->agreed.steps & MILTER_LEADING_SPACE) == 0;

	enum rc rc = content_begun(m, MILTER_HEADER);
	if (rc != RC_OK)
		return rc;
	if (!milter_header_parse(payload, &ev.text, &ev.more))
		return fault(m, RC_SYNTAX, "a malformed HEADER");
	if (blank || bytes_has(ev.more, '\n')) {
		if (!value_restore(&value, ev.more, blank)) {
			buf_free(&value);
			return fault(m, RC_MEMORY, "memory is spent");
		}
		ev.more = buf_bytes(&value);
	}
	give_whole(m, &ev);
	buf_free(&value);
	return RC_OK;
}

static enum rc
act_eoh(struct milter *m, struct bytes payload)
{
	enum rc rc = content_begun(m, MILTER_EOH);

	(void)payload;
	return rc == RC_OK ? give_whole(m, &(struct event){ .kind = EV_EOH }) : rc;
}

static enum rc
act_body(struct milter *m, struct bytes payload)
{
	enum rc rc = content_begun(m, MILTER_BODY);

	return rc == RC_OK ? give_whole(m, &(struct event){ .kind = EV_BODY, .text = payload }) : rc;
}

static enum rc
act_eom(struct milter *m, struct bytes payload)
{
	enum rc rc = content_begun(m, MILTER_EOM);

	if (rc != RC_OK)
		return rc;
	if (payload.len > 0 && !m->chunk_told) {
		m->chunk_told = true;
		if (!give_part(m, &(struct event){ .kind = EV_BODY, .text = payload }))
			return RC_AGAIN;
	}
	return give_whole(m, &(struct event){ .kind = EV_EOM, .text = bytes_of(m->queue_id) });
}

static enum rc
act_unknown(struct milter *m, struct bytes payload)
{
	(void)payload;
	if (!is_quiet(m))
		milter_write(&m->out, MILTER_CONTINUE);
	return RC_OK;
}

static enum rc
act_abort(struct milter *m, struct bytes payload)
{
	(void)payload;
	abort_message(m);
	return RC_OK;
}

static void
session_end(struct milter *m)
{
	if (m->session != NULL)
		session_on(m->session, &(struct event){ .kind = EV_QUIT });
	session_free(m->session);
	m->session = NULL;
	message_over(m);
	free(m->tls);
	free(m->login);
	m->tls = m->login = NULL;
}

static enum rc
act_quit(struct milter *m, struct bytes payload)
{
	(void)payload;
	session_end(m);
	return RC_CLOSED;
}

/* What was agreed stays; the next command is CONNECT. */
static enum rc
act_quit_nc(struct milter *m, struct bytes payload)
{
	(void)payload;
	session_end(m);
	m->phase = AGREED;
	return RC_OK;
}

/* ---- the table ---- */

#define IN(phase)  (1U << (phase))
#define ANYWHERE   (IN(FRESH) | IN(AGREED) | IN(CONNECTED) | IN(MAILED))
#define ONCE_READY (IN(AGREED) | IN(CONNECTED) | IN(MAILED))
#define IN_SESSION (IN(CONNECTED) | IN(MAILED))

/* Only what would leave the session without a beginning is refused: the order
 * within SMTP is the MTA's business. */
static const struct row {
	char     command;
	unsigned welcome;
	uint32_t quiet; /* agreed on: the MTA expects no answer */
	enum rc (*act)(struct milter *, struct bytes payload);
} rows[] = {
	{ MILTER_HEADER, IN(MAILED), MILTER_QUIET_HEADER, act_header },
	{ MILTER_BODY, IN(MAILED), MILTER_QUIET_BODY, act_body },
	{ MILTER_MACRO, ONCE_READY, 0, act_macro },
	{ MILTER_MAIL, IN_SESSION, MILTER_QUIET_MAIL, act_mail },
	{ MILTER_RCPT, IN(MAILED), MILTER_QUIET_RCPT, act_rcpt },
	{ MILTER_DATA, IN(MAILED), MILTER_QUIET_DATA, act_data },
	{ MILTER_EOH, IN(MAILED), MILTER_QUIET_EOH, act_eoh },
	{ MILTER_EOM, IN(MAILED), 0, act_eom },
	{ MILTER_ABORT, ONCE_READY, 0, act_abort },
	{ MILTER_OPTNEG, IN(FRESH), 0, act_options },
	{ MILTER_CONNECT, IN(AGREED), MILTER_QUIET_CONNECT, act_connect },
	{ MILTER_HELO, IN_SESSION, MILTER_QUIET_HELO, act_helo },
	{ MILTER_UNKNOWN, IN_SESSION, MILTER_QUIET_UNKNOWN, act_unknown },
	{ MILTER_QUIT, ANYWHERE, 0, act_quit },
	{ MILTER_QUIT_NC, ONCE_READY, 0, act_quit_nc },
};

static const struct row *
row_of(char command)
{
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (rows[i].command == command)
			return &rows[i];
	return NULL;
}

static enum rc
act(struct milter *m, const struct milter_frame *frame)
{
	const struct row *row = row_of(frame->command);

	if (row == NULL)
		return fault(m, RC_SYNTAX, "a command we do not know");
	if (!(row->welcome & IN(m->phase)))
		return fault(m, RC_SYNTAX, "a command out of order");
	m->quiet = row->quiet;
	return row->act(m, frame->payload);
}

/* The frame is done with; so are the macros that came before it. */
static void
frame_over(struct milter *m, char command)
{
	m->skip = false;
	m->chunk_told = false;
	if (command == MILTER_MACRO)
		return;
	buf_free(&m->macros);
	m->macros_for = '\0';
}

/* While an answer is owed: let ABORT and QUIT, if they are next, overtake it. */
static bool
overtaken(struct milter *m, struct bytes *in)
{
	struct bytes        rest = *in, next;
	struct milter_frame frame, waiting = { 0 };

	if (m->owed == OWES_PART && milter_take(&rest, &waiting) != RC_OK)
		return false;
	next = rest;
	if (milter_take(&rest, &frame) != RC_OK)
		return false;
	if (frame.command != MILTER_ABORT && frame.command != MILTER_QUIT && frame.command != MILTER_QUIT_NC)
		return false;
	m->owed = OWES_NOTHING;
	/* In a message the command itself tells the session; elsewhere it owes nothing of it, but we asked something. */
	if (frame.command == MILTER_ABORT && m->phase != MAILED && m->session != NULL)
		session_on(m->session, &(struct event){ .kind = EV_ABORT });
	frame_over(m, frame.command);
	*in = next;
	return true;
}

enum rc
milter_on(struct milter *m, struct bytes *in)
{
	while (m->owed == OWES_NOTHING || overtaken(m, in)) {
		struct milter_frame frame;
		struct bytes        rest = *in;

		enum rc rc = milter_take(&rest, &frame);
		if (rc == RC_AGAIN)
			return RC_OK;
		if (rc != RC_OK)
			return fault(m, rc, "a frame of impossible length");
		if (!m->skip)
			rc = act(m, &frame);
		if (rc == RC_AGAIN)
			continue;
		*in = rest;
		frame_over(m, frame.command);
		if (m->out.spoilt)
			return fault(m, RC_MEMORY, "the answer does not fit into memory");
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

struct milter *
milter_new(const struct session_env *env, const struct session_host *host, void *door)
{
	struct milter *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->env = env;
	m->host = host;
	m->door = door;
	m->wants = session_wants(env) | EV_BIT(EV_EOM);
	m->out.limit = OUTPUT_MAX;
	return m;
}

void
milter_free(struct milter *m)
{
	if (m == NULL)
		return;
	m->owed = OWES_NOTHING;
	session_end(m);
	buf_free(&m->macros);
	buf_free(&m->out);
	free(m);
}

bool
milter_waits(const struct milter *m)
{
	return m->owed != OWES_NOTHING;
}

bool
milter_busy(const struct milter *m)
{
	return m->phase == MAILED || m->owed != OWES_NOTHING || (m->session != NULL && session_busy(m->session));
}

struct buf *
milter_output(struct milter *m)
{
	return &m->out;
}

struct bytes
milter_why(const struct milter *m)
{
	return bytes_of(m->why);
}

void
milter_answer(struct milter *m, uint64_t ticket, const struct answer *answer)
{
	if (m->session != NULL)
		session_answer(m->session, ticket, answer);
	else
		answer_unref(answer);
}

void
milter_deadline(struct milter *m)
{
	if (m->session != NULL)
		session_deadline(m->session);
}

void
milter_kept(struct milter *m, uint64_t ticket, bool ok)
{
	if (m->session != NULL)
		session_kept(m->session, ticket, ok);
}

bool
milter_env_set(struct milter *m, const struct session_env *env)
{
	if (milter_busy(m) || (session_wants(env) | EV_BIT(EV_EOM)) != m->wants)
		return false;
	m->env = env;
	if (m->session != NULL)
		session_env_set(m->session, env);
	return true;
}
