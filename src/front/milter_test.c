/* front/milter_test.c: conversations with an MTA, octet by octet, against a
 * session that is told what to do. Each row runs with the input whole, in
 * single octets and in cuts of seven. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "front/milter.h"
#include "front/milter_codec.h"
#include "front/scripted.h"

/* ---- a door without a socket ---- */

static struct door {
	uint64_t ticket; /* 0: nothing asked */
	uint32_t deadline_ms;
	unsigned told;
} door;

static uint64_t
now_us(void *d)
{
	(void)d;
	return 1;
}

static int64_t
epoch(void *d)
{
	(void)d;
	return 1;
}

static void
random_octets(void *d, uint8_t octets[8])
{
	(void)d;
	memset(octets, 7, 8);
}

static const struct answer *
look(void *d, const struct ask *ask)
{
	(void)d, (void)ask;
	return NULL;
}

static bool
ask(void *d, const struct ask *question, uint64_t ticket)
{
	(void)d;
	assert_bytes(question->name, B("example.com"));
	door.ticket = ticket;
	return true;
}

static void
deadline(void *d, uint32_t ms)
{
	(void)d;
	door.deadline_ms = ms;
}

static void
told(void *d, const struct account *account)
{
	(void)d, (void)account;
	door.told++;
}

static const struct session_host host = { now_us, epoch, random_octets, look, ask, deadline, told, NULL };

/* ---- what the MTA says, and what it hears, as text ---- */

struct say {
	char         command;
	struct bytes payload;
};

static void
add_frame(struct buf *out, char command, struct bytes payload)
{
	uint32_t n = (uint32_t)payload.len + 1;
	char     head[5] = { (char)(n >> 24), (char)(n >> 16 & 0xff), (char)(n >> 8 & 0xff), (char)(n & 0xff), command };

	buf_add(out, bytes_make(head, 5));
	buf_add(out, payload);
}

/* One line an answer: the letter and the payload made safe; of the negotiation the letter. */
static void
show_answers(struct buf *out, struct bytes in)
{
	struct milter_frame frame;

	while (milter_take(&in, &frame) == RC_OK) {
		buf_add_c(out, frame.command);
		if (frame.command != MILTER_OPTNEG)
			text_add_safe(out, frame.payload);
		buf_add_c(out, '\n');
	}
	assert_int_equal(in.len, 0);
}

#define OFFER(version) { 'O', B_INIT("\0\0\0" version "\0\0\1\xff\0\x1f\xff\xff") }
#define CONNECT        { 'C', B_INIT("mail.example.org\0" "4\x04\xd2" "192.0.2.1\0") }
#define HELO           { 'H', B_INIT("mail.example.org\0") }
#define MAIL           { 'M', B_INIT("<a@example.org>\0SIZE=10\0BODY=8BITMIME\0") }
#define RCPT           { 'R', B_INIT("<r@example.com>\0") }
#define DATA           { 'T', B_INIT("") }
#define HEADER         { 'L', B_INIT("Subject\0 a\n\tb\0") }
#define EOH            { 'N', B_INIT("") }
#define BODY           { 'B', B_INIT("text\r\n") }
#define EOM            { 'E', B_INIT("") }
#define ABORT          { 'A', B_INIT("") }
#define QUIT           { 'Q', B_INIT("") }
#define BEGIN          OFFER("\6"), CONNECT, HELO
#define HEARD_BEGIN    "connect 192.0.2.1 1234 mail.example.org\nhelo mail.example.org\n"
#define HEARD_MAIL     "mail <a@example.org> SIZE=10 BODY=8BITMIME\n"
#define HEARD_RCPT     "rcpt <r@example.com>\n"
#define HEARD_CONTENT  "data\nheader Subject:  a\\x0d\\x0a\\x09b\neoh\nbody text\\x0d\\x0a\n"
#define REPLY_TEXT     "y550-5.7.1 one\\x0d\\x0a550 5.7.1 two\\x00\n"
#define DEFER_TEXT     "y451 4.4.3 late\\x00\n"
#define ALL_EVENTS     (EV_BIT(EV_COUNT) - 1 - EV_BIT(EV_ABORT) - EV_BIT(EV_QUIT))
#define USUAL          (EV_BIT(EV_MAIL) | EV_BIT(EV_RCPT) | EV_BIT(EV_EOM))

enum then { GIVE_NOTHING, GIVE_ANSWER, GIVE_TROUBLE, GIVE_DEADLINE };

static const struct row {
	const char          *name;
	uint32_t             wants;
	struct scripted_rule rule; /* on 0 with act 0: go on with everything */
	enum then            then; /* when the session waits and the input has come to its end or stands still */
	const char          *heard, *answers;
	enum rc              rc;
	const char          *why;
	unsigned             told;
	struct say           says[24];
} rows[] = {
	{ .name = "a message is heard in order and accepted; only what is wanted is answered",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL HEARD_RCPT HEARD_CONTENT "eom\nquit\n",
	  .answers = "O\nc\nc\nc\n",
	  .rc = RC_CLOSED,
	  .told = 1,
	  .says = { BEGIN, MAIL, RCPT, DATA, HEADER, EOH, BODY, EOM, QUIT } },
	{ .name = "an MTA without quiet steps gets an answer to each command",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL HEARD_RCPT HEARD_CONTENT "eom\n",
	  .answers = "O\nc\nc\nc\nc\nc\nc\nc\nc\nc\n",
	  .told = 1,
	  .says = { { 'O', B_INIT("\0\0\0\6\0\0\0\x3f\0\x10\0\x7f") }, CONNECT, HELO, MAIL, RCPT, DATA, HEADER, EOH, BODY, EOM } },
	{ .name = "version 2 has no DATA and eats the blank; the session hears both",
	  .wants = EV_BIT(EV_EOM),
	  .heard = HEARD_BEGIN HEARD_MAIL HEARD_RCPT "data\nheader Subject:  a\neoh\neom\n",
	  .answers = "O\nc\nc\nc\nc\nc\nc\nc\n",
	  .told = 1,
	  .says = { { 'O', B_INIT("\0\0\0\2\0\0\0\x3f\0\0\0\x7f") }, CONNECT, HELO, MAIL, RCPT, { 'L', B_INIT("Subject\0a\0") }, EOH, EOM } },
	{ .name = "every event may be answered",
	  .wants = ALL_EVENTS,
	  .heard = HEARD_BEGIN "tls TLSv1.3 AES mx\nauth user PLAIN\n" HEARD_MAIL HEARD_RCPT HEARD_CONTENT "body more\neom Q1\n",
	  .answers = "O\nc\nc\nc\nc\nc\nc\nc\nc\nc\n",
	  .told = 1,
	  .says = { BEGIN,
	            { 'D', B_INIT("M{tls_version}\0TLSv1.3\0{cipher}\0AES\0{cert_subject}\0mx\0{auth_type}\0PLAIN\0{auth_authen}\0user\0") },
	            MAIL, RCPT, DATA, HEADER, EOH, BODY, { 'D', B_INIT("Ei\0Q1\0") }, { 'E', B_INIT("more") } } },
	{ .name = "two messages a connection, without anything between them",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL HEARD_RCPT "data\neoh\neom\n" HEARD_MAIL HEARD_RCPT "data\neoh\neom\n",
	  .answers = "O\nc\nc\nc\nc\nc\nc\n",
	  .told = 2,
	  .says = { BEGIN, MAIL, RCPT, DATA, EOH, EOM, MAIL, RCPT, DATA, EOH, EOM } },
	{ .name = "ABORT after the end of a message says nothing new",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\n",
	  .answers = "O\nc\nc\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM, ABORT, ABORT } },
	{ .name = "MAIL in the midst of a message ends that one first",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL HEARD_RCPT "abort\n" HEARD_MAIL,
	  .answers = "O\nc\nc\nc\n",
	  .says = { BEGIN, MAIL, RCPT, MAIL } },
	{ .name = "HELO comes again after STARTTLS, with TLS told before it and only once",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN "tls TLSv1.3 AES\nhelo mail.example.org\n" HEARD_MAIL,
	  .answers = "O\nc\n",
	  .says = { BEGIN, { 'D', B_INIT("H{tls_version}\0TLSv1.3\0{cipher}\0AES\0") }, HELO,
	            { 'D', B_INIT("M{tls_version}\0TLSv1.3\0{cipher}\0AES\0") }, MAIL } },
	{ .name = "HELO in the midst of a message ends it",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL "abort\nhelo mail.example.org\n",
	  .answers = "O\nc\n",
	  .says = { BEGIN, MAIL, HELO } },
	{ .name = "the login holds until MAIL comes without it",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN "auth user PLAIN\n" HEARD_MAIL "abort\n" HEARD_MAIL "abort\nauth\n" HEARD_MAIL "abort\n" HEARD_MAIL,
	  .answers = "O\nc\nc\nc\nc\n",
	  .says = { BEGIN, { 'D', B_INIT("M{auth_type}\0PLAIN\0{auth_authen}\0user\0") }, MAIL, ABORT,
	            { 'D', B_INIT("M{auth_type}\0PLAIN\0{auth_authen}\0user\0") }, MAIL, ABORT, MAIL, ABORT, MAIL } },
	{ .name = "macros of another command are not taken for those of this one",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL,
	  .answers = "O\nc\n",
	  .says = { BEGIN, { 'D', B_INIT("R{auth_authen}\0user\0") }, MAIL } },
	{ .name = "macros may come in two frames",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN "auth user PLAIN\n" HEARD_MAIL,
	  .answers = "O\nc\n",
	  .says = { BEGIN, { 'D', B_INIT("M{auth_type}\0PLAIN\0") }, { 'D', B_INIT("M{auth_authen}\0user\0") }, MAIL } },
	{ .name = "the queue id is remembered to the end of its message and not beyond",
	  .wants = EV_BIT(EV_EOM),
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom 4QABC\n" HEARD_MAIL "data\neoh\neom\n",
	  .answers = "O\nc\nc\n",
	  .told = 2,
	  .says = { BEGIN, MAIL, { 'D', B_INIT("Ti\0" "4QABC\0") }, DATA, EOH, EOM, MAIL, DATA, EOH, EOM } },
	{ .name = "the door's name is told, and an unconfirmed name of the client is not",
	  .wants = USUAL,
	  .heard = "connect 192.0.2.1 1234 smtp\n",
	  .answers = "O\n",
	  .says = { OFFER("\6"), { 'D', B_INIT("C{daemon_name}\0smtp\0{client_resolve}\0FORGED\0") }, CONNECT } },
	{ .name = "a confirmed name is told",
	  .wants = USUAL,
	  .heard = "connect 192.0.2.1 1234 mail.example.org smtp\n",
	  .answers = "O\n",
	  .says = { OFFER("\6"), { 'D', B_INIT("C{daemon_name}\0smtp\0{client_resolve}\0OK\0") }, CONNECT } },
	{ .name = "CRLF that an MTA sends within a value stays CRLF, and the last line may be empty",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\nheader X: a\\x0d\\x0a b\\x0d\\x0a\n",
	  .answers = "O\nc\n",
	  .says = { BEGIN, MAIL, { 'L', B_INIT("X\0a\r\n b\n\0") } } },
	{ .name = "one recipient is refused, the next is not",
	  .wants = USUAL,
	  .rule = { EV_RCPT, "bad", DO_REPLY },
	  .heard = HEARD_BEGIN HEARD_MAIL "rcpt <bad@example.com>\n" HEARD_RCPT,
	  .answers = "O\nc\n" REPLY_TEXT "c\n",
	  .says = { BEGIN, MAIL, { 'R', B_INIT("<bad@example.com>\0") }, RCPT } },
	{ .name = "the message is refused at its end",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_REPLY },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\n" HEARD_MAIL,
	  .answers = "O\nc\n" REPLY_TEXT "c\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM, ABORT, MAIL } },
	{ .name = "hold puts the message into the hold queue",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_HOLD },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\n",
	  .answers = "O\nc\nqlook at it\\x00\nc\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM } },
	{ .name = "an MTA that cannot hold is told to try later",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_HOLD },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\n",
	  .answers = "O\nc\nt\n",
	  .told = 1,
	  .says = { { 'O', B_INIT("\0\0\0\6\0\0\0\x11\0\x1f\xff\xff") }, CONNECT, HELO, MAIL, EOH, EOM } },
	{ .name = "deletes go from the bottom up, inserts follow",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_EDIT },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\n",
	  .answers = "O\nc\nm\\x00\\x00\\x00\\x03X-Old\\x00\\x00\nm\\x00\\x00\\x00\\x01X-Old\\x00\\x00\n"
	             "i\\x00\\x00\\x00\\x00X-New\\x00 a;\\x0a\\x09b\\x00\nc\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM } },
	{ .name = "frames wait while a question is open, and go on after its answer",
	  .wants = USUAL,
	  .rule = { EV_MAIL, "", DO_ASK },
	  .then = GIVE_ANSWER,
	  .heard = HEARD_BEGIN HEARD_MAIL "answer\n" HEARD_RCPT "data\neoh\neom\n",
	  .answers = "O\nc\nc\nc\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, RCPT, EOH, EOM } },
	{ .name = "no answer to the question of the end is a 4xx",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_ASK },
	  .then = GIVE_TROUBLE,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\nno answer\n" HEARD_MAIL,
	  .answers = "O\nc\n" DEFER_TEXT "c\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM, MAIL } },
	{ .name = "a deadline is passed on",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_WAIT },
	  .then = GIVE_DEADLINE,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\ndeadline\n",
	  .answers = "O\nc\n" DEFER_TEXT,
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, EOM } },
	{ .name = "ABORT overtakes an open question, and no answer follows",
	  .wants = USUAL,
	  .rule = { EV_EOM, "", DO_ASK },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\neom\nabort\n" HEARD_MAIL,
	  .answers = "O\nc\nc\n",
	  .says = { BEGIN, MAIL, EOH, EOM, ABORT, MAIL } },
	{ .name = "ABORT overtakes one outside of a message too",
	  .wants = EV_BIT(EV_CONNECT) | EV_BIT(EV_EOM),
	  .rule = { EV_CONNECT, "", DO_ASK },
	  .heard = "connect 192.0.2.1 1234 mail.example.org\nabort\nhelo mail.example.org\n" HEARD_MAIL,
	  .answers = "O\n",
	  .says = { OFFER("\6"), CONNECT, ABORT, HELO, MAIL } },
	{ .name = "QUIT overtakes an open question",
	  .wants = USUAL,
	  .rule = { EV_MAIL, "", DO_ASK },
	  .heard = HEARD_BEGIN HEARD_MAIL "quit\n",
	  .answers = "O\n",
	  .rc = RC_CLOSED,
	  .says = { BEGIN, MAIL, QUIT } },
	{ .name = "ABORT overtakes a question about part of a frame, and drops the frame",
	  .wants = EV_BIT(EV_BODY) | EV_BIT(EV_EOM),
	  .rule = { EV_BODY, "", DO_ASK },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\nbody end\nabort\n",
	  .answers = "O\n",
	  .says = { BEGIN, MAIL, EOH, { 'E', B_INIT("end") }, ABORT } },
	{ .name = "the end waits for the answer to the last octets it brought",
	  .wants = EV_BIT(EV_BODY) | EV_BIT(EV_EOM),
	  .rule = { EV_BODY, "", DO_ASK },
	  .then = GIVE_ANSWER,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\nbody end\nanswer\neom\n",
	  .answers = "O\nc\n",
	  .told = 1,
	  .says = { BEGIN, MAIL, EOH, { 'E', B_INIT("end") } } },
	{ .name = "a refusal of the last octets is the answer to the end",
	  .wants = EV_BIT(EV_BODY) | EV_BIT(EV_EOM),
	  .rule = { EV_BODY, "", DO_REPLY },
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\nbody end\nabort\n" HEARD_MAIL,
	  .answers = "O\n" REPLY_TEXT,
	  .says = { BEGIN, MAIL, EOH, { 'E', B_INIT("end") }, ABORT, MAIL } },
	{ .name = "a late refusal of the last octets too",
	  .wants = EV_BIT(EV_BODY) | EV_BIT(EV_EOM),
	  .rule = { EV_BODY, "", DO_ASK },
	  .then = GIVE_TROUBLE,
	  .heard = HEARD_BEGIN HEARD_MAIL "data\neoh\nbody end\nno answer\nabort\n" HEARD_MAIL,
	  .answers = "O\n" DEFER_TEXT,
	  .says = { BEGIN, MAIL, EOH, { 'E', B_INIT("end") }, MAIL } },
	{ .name = "another SMTP client may follow on the connection, and inherits nothing",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN "auth user\n" HEARD_MAIL "quit\n" HEARD_BEGIN "auth user\n" HEARD_MAIL,
	  .answers = "O\nc\nc\n",
	  .says = { BEGIN, { 'D', B_INIT("M{auth_authen}\0user\0") }, MAIL, { 'K', B_INIT("") }, CONNECT, HELO,
	            { 'D', B_INIT("M{auth_authen}\0user\0") }, MAIL } },
	{ .name = "a command the MTA does not know is passed over",
	  .wants = USUAL,
	  .heard = HEARD_BEGIN HEARD_MAIL,
	  .answers = "O\nc\n",
	  .says = { BEGIN, { 'U', B_INIT("FOO\0") }, MAIL } },
#define REFUSED(sentence, because, heard_text, answer_text, ...) \
	{ .name = sentence, .wants = USUAL, .heard = heard_text, .answers = answer_text, .rc = RC_SYNTAX, .why = because, .says = { __VA_ARGS__ } }
	REFUSED("nothing comes before the negotiation", "a command out of order", "", "", CONNECT),
	REFUSED("the negotiation comes once", "a command out of order", "", "O\n", OFFER("\6"), OFFER("\6")),
	REFUSED("a short negotiation is malformed", "a malformed option negotiation", "", "", { 'O', B_INIT("\0\0\0\6\0\0\1\xff") }),
	REFUSED("version 1 is refused", "the MTA speaks a milter protocol older than version 2", "", "", OFFER("\1")),
	REFUSED("CONNECT comes once", "a command out of order", "connect 192.0.2.1 1234 mail.example.org\n", "O\n", OFFER("\6"), CONNECT, CONNECT),
	REFUSED("MAIL does not come before CONNECT", "a command out of order", "", "O\n", OFFER("\6"), MAIL),
	REFUSED("RCPT does not come before MAIL", "a command out of order", HEARD_BEGIN, "O\n", BEGIN, RCPT),
	REFUSED("the end of a message does not come before MAIL", "a command out of order", HEARD_BEGIN, "O\n", BEGIN, EOM),
	REFUSED("a malformed CONNECT is refused", "a malformed CONNECT", "", "O\n", OFFER("\6"), { 'C', B_INIT("x") }),
	REFUSED("a malformed HELO is refused", "a malformed HELO", HEARD_BEGIN, "O\n", BEGIN, { 'H', B_INIT("x") }),
	REFUSED("a malformed MAIL is refused", "a malformed MAIL or RCPT", HEARD_BEGIN, "O\n", BEGIN, { 'M', B_INIT("x") }),
	REFUSED("malformed macros are refused", "malformed macros", HEARD_BEGIN, "O\n", BEGIN, { 'D', B_INIT("Mi\0x") }),
	REFUSED("a malformed header is refused", "a malformed HEADER", HEARD_BEGIN HEARD_MAIL "data\n", "O\nc\n", BEGIN, MAIL, { 'L', B_INIT("x\0") }),
	REFUSED("an unknown letter is refused", "a command we do not know", HEARD_BEGIN, "O\n", BEGIN, { 'z', B_INIT("x") }),
};

/* ---- running a row ---- */

struct talk {
	struct milter *m;
	struct buf     in, answers; /* read but not worked off; all that was written */
	enum rc        rc;
};

static void
collect(struct talk *t)
{
	struct buf *out = milter_output(t->m);

	buf_add(&t->answers, buf_bytes(out));
	buf_free(out);
}

static void
work(struct talk *t)
{
	struct bytes rest = buf_bytes(&t->in);

	if (t->rc != RC_OK)
		return;
	t->rc = milter_on(t->m, &rest);
	buf_take(&t->in, t->in.len - rest.len);
	collect(t);
}

static void
give_then(struct talk *t, enum then then)
{
	uint64_t ticket = door.ticket;

	door.ticket = 0;
	if (then == GIVE_DEADLINE && door.deadline_ms != 0) {
		assert_int_equal(door.deadline_ms, 20);
		door.deadline_ms = 0;
		milter_deadline(t->m);
	} else if (then == GIVE_ANSWER && ticket != 0) {
		struct bytes rdata = B("\1x");
		milter_answer(t->m, ticket, answer_new(ANSWER_OK, DNS_TXT, 1, &rdata, 1, B_NONE, B_NONE));
	} else if (then == GIVE_TROUBLE && ticket != 0) {
		milter_answer(t->m, ticket, NULL);
	}
	collect(t);
}

static void
run(struct talk *t, const struct say *says, size_t count, size_t cut, enum then then)
{
	struct buf all = { 0 };

	for (size_t i = 0; i < count && says[i].command != 0; i++)
		add_frame(&all, says[i].command, says[i].payload);
	for (size_t from = 0; from < all.len; from += cut) {
		buf_add(&t->in, bytes_sub(buf_bytes(&all), from, cut));
		work(t);
	}
	while (t->rc == RC_OK && milter_waits(t->m) && then != GIVE_NOTHING) {
		give_then(t, then);
		work(t);
	}
	buf_free(&all);
}

static void
begin(struct talk *t)
{
	static const struct session_env env = { .hostname = B_INIT("gate.example.net") };

	door = (struct door){ 0 };
	*t = (struct talk){ .m = milter_new(&env, &host, &door) };
	assert_non_null(t->m);
}

static void
end(struct talk *t)
{
	milter_free(t->m);
	buf_free(&t->in);
	buf_free(&t->answers);
	assert_int_equal(scripted_alive(), 0);
}

static void
check_row(void **state)
{
	static const size_t cuts[] = { SIZE_MAX / 2, 1, 7 };
	const struct row   *row = *state;
	struct buf          shown = { 0 };
	struct talk         t;

	for (size_t i = 0; i < NELEMS(cuts); i++) {
		scripted_begin(row->wants, &row->rule, row->rule.has != NULL ? 1 : 0);
		begin(&t);
		run(&t, row->says, NELEMS(row->says), cuts[i], row->then);
		assert_int_equal(t.rc, row->rc);
		assert_bytes(milter_why(t.m), bytes_of(row->why));
		buf_clear(&shown);
		show_answers(&shown, buf_bytes(&t.answers));
		assert_bytes(buf_bytes(&shown), bytes_of(row->answers));
		assert_bytes(scripted_log(), bytes_of(row->heard));
		assert_int_equal(door.told, row->told);
		end(&t);
	}
	buf_free(&shown);
}

/* ---- what is no row ---- */

static void
abort_is_welcome_after_every_command(void **state)
{
	static const struct say message[] = { MAIL, RCPT, DATA, HEADER, EOH, BODY };
	static const struct say start[] = { BEGIN };
	static const struct say again[] = { ABORT, MAIL, EOH, EOM };
	struct talk             t;

	(void)state;
	for (size_t n = 0; n <= NELEMS(message); n++) {
		scripted_begin(USUAL, NULL, 0);
		begin(&t);
		run(&t, start, NELEMS(start), 9, GIVE_NOTHING);
		run(&t, message, n, 9, GIVE_NOTHING);
		run(&t, again, NELEMS(again), 9, GIVE_NOTHING);
		assert_int_equal(t.rc, RC_OK);
		assert_int_equal(door.told, 1);
		assert_int_equal(bytes_find(scripted_log(), B("abort\n")) < scripted_log().len, n > 0);
		assert_false(milter_busy(t.m));
		end(&t);
	}
}

static void
the_end_of_a_connection_ends_an_open_message(void **state)
{
	static const struct say      says[] = { BEGIN, MAIL };
	static struct scripted_rule rule = { EV_MAIL, "", DO_ASK };
	struct talk                  t;

	(void)state;
	scripted_begin(USUAL, &rule, 1);
	begin(&t);
	run(&t, says, NELEMS(says), 9, GIVE_NOTHING);
	assert_true(milter_waits(t.m));
	assert_true(milter_busy(t.m));
	end(&t);
	assert_bytes(scripted_log(), B(HEARD_BEGIN HEARD_MAIL "quit\n"));
}

static void
without_memory_for_a_session_everything_is_deferred(void **state)
{
	static const struct say says[] = { BEGIN, MAIL, RCPT, EOH, EOM };
	struct buf              shown = { 0 };
	struct talk             t;

	(void)state;
	scripted_begin(USUAL, NULL, 0);
	scripted_spend(true);
	begin(&t);
	run(&t, says, NELEMS(says), 9, GIVE_NOTHING);
	show_answers(&shown, buf_bytes(&t.answers));
	assert_bytes(buf_bytes(&shown), B("O\nt\nt\nt\n"));
	assert_int_equal(t.rc, RC_OK);
	buf_free(&shown);
	end(&t);
}

static void
macros_have_a_limit(void **state)
{
	static const struct say start[] = { OFFER("\6") };
	static char             big[33000];
	const struct say        more = { 'D', { big, sizeof(big) } };
	struct talk             t;

	(void)state;
	memset(big, 'M', sizeof(big));
	big[100] = big[sizeof(big) - 1] = '\0';
	scripted_begin(USUAL, NULL, 0);
	begin(&t);
	run(&t, start, 1, 99, GIVE_NOTHING);
	run(&t, &more, 1, SIZE_MAX / 2, GIVE_NOTHING);
	assert_int_equal(t.rc, RC_OK);
	run(&t, &more, 1, SIZE_MAX / 2, GIVE_NOTHING);
	assert_int_equal(t.rc, RC_LIMIT);
	assert_bytes(milter_why(t.m), B("too many macros"));
	end(&t);
}

static void
a_frame_of_impossible_length_is_refused(void **state)
{
	static const struct say start[] = { BEGIN };
	struct talk             t;

	(void)state;
	scripted_begin(USUAL, NULL, 0);
	begin(&t);
	run(&t, start, NELEMS(start), 99, GIVE_NOTHING);
	buf_add(&t.in, B("\x10\0\0\0L"));
	work(&t);
	assert_int_equal(t.rc, RC_LIMIT);
	assert_bytes(milter_why(t.m), B("a frame of impossible length"));
	end(&t);
}

static void
another_env_is_taken_between_messages_only(void **state)
{
	static const struct session_env other = { .hostname = B_INIT("other.example.net") };
	static const struct say         says[] = { BEGIN, MAIL };
	static const struct say         rest[] = { ABORT };
	struct talk                     t;

	(void)state;
	scripted_begin(USUAL, NULL, 0);
	begin(&t);
	run(&t, says, NELEMS(says), 99, GIVE_NOTHING);
	assert_false(milter_env_set(t.m, &other));
	run(&t, rest, NELEMS(rest), 99, GIVE_NOTHING);
	assert_true(milter_env_set(t.m, &other));
	scripted_begin(USUAL | EV_BIT(EV_HELO), NULL, 0);
	assert_false(milter_env_set(t.m, &other)); /* HELO was agreed to be quiet */
	end(&t);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	rows_add("ABORT is welcome after every command", abort_is_welcome_after_every_command, NULL);
	rows_add("the end of a connection ends an open message", the_end_of_a_connection_ends_an_open_message, NULL);
	rows_add("without memory for a session everything is deferred", without_memory_for_a_session_everything_is_deferred, NULL);
	rows_add("macros have a limit", macros_have_a_limit, NULL);
	rows_add("a frame of impossible length is refused", a_frame_of_impossible_length_is_refused, NULL);
	rows_add("another env is taken between messages only", another_env_is_taken_between_messages_only, NULL);
	int failed = rows_run("milter");
	scripted_end();
	return failed;
}
