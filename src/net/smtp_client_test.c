/* net/smtp_client_test.c: servers that say what they like, on loopback. */
#include "base/rows.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/smtp_client.h"

#define TURNS 8

/* What the server says first and after each command or message of ours. NULL:
 * it hangs up. "...": it says nothing more, and waits. A turn that begins with
 * "~" is said octet by octet. */
static const struct row {
	const char  *name;
	const char  *turns[TURNS];
	enum rc      rc;
	unsigned     end, first, second; /* codes */
	const char  *why; /* within it */
} rows[] = {
	{ "a message is taken", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", "250 taken\r\n" }, RC_OK, 250, 250, 250, "" },
	{ "replies have many lines", { "220-a\r\n220-b\r\n220 c\r\n", "250-a\r\n250-8BITMIME\r\n250 x\r\n", "250-a\r\n250 b\r\n", "250 a\r\n", "250-a\r\n250 a\r\n", "354 a\r\n", "250-taken\r\n250 too\r\n" },
	  RC_OK, 250, 250, 250, "" },
	{ "a reply may be a code alone, and end in LF", { "220\n", "250\r\n", "250\r\n", "250\r\n", "250\r\n", "354\r\n", "250\r\n" }, RC_OK, 250, 250, 250, "" },
	{ "a reply may come octet by octet", { "~220-a\r\n220 b\r\n", "~250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "~354 a\r\n", "~250 taken\r\n" }, RC_OK, 250, 250, 250, "" },
	{ "who knows no EHLO is greeted with HELO", { "220 a\r\n", "502 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", "250 taken\r\n" }, RC_OK, 250, 250, 250, "" },
	{ "a 4xx at the connection", { "421 busy\r\n" }, RC_SYNTAX, 0, 0, 0, "421 to the connection: busy" },
	{ "a 4xx to EHLO and HELO", { "220 a\r\n", "451 a\r\n", "451 not now\r\n" }, RC_SYNTAX, 0, 0, 0, "451 to EHLO: not now" },
	{ "a 4xx to the sender", { "220 a\r\n", "250 a\r\n", "451 not now\r\n" }, RC_SYNTAX, 0, 0, 0, "451 to the sender: not now" },
	{ "one recipient that is refused keeps all back", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "450 full\r\n", "250 a\r\n" }, RC_SYNTAX, 0, 450, 250, "450 to a recipient: full" },
	{ "a 5xx to the last recipient", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "550 who?\r\n" }, RC_SYNTAX, 0, 250, 550, "550 to a recipient: who?" },
	{ "a 4xx to DATA", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "451 a\r\n" }, RC_SYNTAX, 451, 250, 250, "451 to DATA" },
	{ "a 2xx to DATA is no leave to send", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n" }, RC_SYNTAX, 250, 250, 250, "250 to DATA" },
	{ "a 4xx to the message", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", "452-disk\r\n452 full\r\n" }, RC_SYNTAX, 452, 250, 250, "452 to the message: disk full" },
	{ "a server that hangs up at once", { NULL }, RC_CLOSED, 0, 0, 0, "the server hung up" },
	{ "a server that hangs up within a line", { "220 a\r\n", "250 a" }, RC_CLOSED, 0, 0, 0, "" },
	{ "a server that hangs up within a reply", { "220 a\r\n", "250-a\r\n" }, RC_CLOSED, 0, 0, 0, "" },
	{ "a server that hangs up before it has taken the message", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", NULL }, RC_CLOSED, 354, 250, 250, "" },
	{ "a server that says nothing", { "..." }, RC_CLOSED, 0, 0, 0, "the server says nothing" },
	{ "a server that falls silent behind the message", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", "..." }, RC_CLOSED, 354, 250, 250, "the server says nothing" },
	{ "a server that goes on and on", { "~220-for ever" }, RC_CLOSED, 0, 0, 0, "" },
	{ "another protocol", { "HTTP/1.1 400 Bad Request\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "an empty line", { "\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "a code of two digits", { "22 a\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "a code of four digits", { "2200 a\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "a code of no kind that there is", { "120 a\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "a code above all", { "999 a\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "codes that differ within a reply", { "220 a\r\n", "250 a\r\n", "550-no\r\n250 yes\r\n" }, RC_CLOSED, 0, 0, 0, "does not speak SMTP" },
	{ "an answer to what was not asked yet", { "220 a\r\n250 a\r\n" }, RC_CLOSED, 0, 0, 0, "what it was not asked" },
	{ "an acceptance before the message", { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n250 taken\r\n" }, RC_CLOSED, 354, 250, 250, "what it was not asked" },
};

/* ---- the server ---- */

struct server {
	const char *const *turns;
	int                listener;
	struct buf         heard;
	bool               quits; /* it has heard the message or the end */
	const char        *flood; /* said for ever, instead of turns */
	size_t             flood_len;
};

static bool
say(int fd, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '~')
		return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
	for (size_t i = 1; i < len; i++) {
		usleep(1000);
		if (send(fd, text + i, 1, MSG_NOSIGNAL) != 1)
			return false;
	}
	return true;
}

/* All of a command, or of the message behind DATA. */
static bool
listen_to(int fd, struct buf *heard, bool message)
{
	char c;

	for (size_t from = heard->len; recv(fd, &c, 1, 0) == 1;) {
		buf_add_c(heard, c);
		struct bytes new = bytes_from(buf_bytes(heard), from);
		if (message ? bytes_ends_nocase(new, B("\r\n.\r\n")) : c == '\n')
			return true;
	}
	return false;
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int            fd = accept(s->listener, NULL, NULL);
	bool           message = false;

	while (s->flood != NULL && send(fd, s->flood, s->flood_len, MSG_NOSIGNAL) > 0)
		;
	for (size_t i = 0; s->flood == NULL && i < TURNS && s->turns[i] != NULL; i++) {
		const char *turn = s->turns[i];
		if (strcmp(turn, "...") == 0) {
			listen_to(fd, &s->heard, true); /* until it is given up */
			break;
		}
		if (!say(fd, turn))
			break;
		while (strcmp(turn, "~220-for ever") == 0 && say(fd, "~\r\n220-for ever"))
			;
		message = strncmp(turn, "354", 3) == 0 || strncmp(turn, "~354", 4) == 0;
		if (i + 1 < TURNS && (s->turns[i + 1] != NULL || message) && !listen_to(fd, &s->heard, message))
			break;
	}
	close(fd);
	return NULL;
}

static const struct bytes to[] = { B_INIT("rosa@example.net"), B_INIT("ben@example.net") };

struct outcome {
	enum rc            rc;
	struct smtp_answer answers[2], end;
	struct bytes       why;
};

/* Is it to be given up? All others have the time that a loaded machine may need. */
static bool
holds_out(const struct server *s)
{
	bool out = s->flood != NULL;

	for (size_t i = 0; s->flood == NULL && i < TURNS && s->turns[i] != NULL; i++)
		out = out || strcmp(s->turns[i], "...") == 0 || strcmp(s->turns[i], "~220-for ever") == 0;
	return out;
}

static struct outcome
play(struct arena *a, struct server *s, const struct smtp_letter *letter)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t          len = sizeof(at);
	struct endpoint    where = { .len = sizeof(at) };
	struct outcome     o = { .why = B("") };
	pthread_t          thread;

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
	memcpy(&where.at, &at, sizeof(at));
	assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
	o.rc = smtp_send(&where, letter, holds_out(s) ? 100 : 10000, a, o.answers, &o.end, &o.why);
	pthread_join(thread, NULL);
	close(s->listener);
	return o;
}

static struct smtp_letter
letter_of(struct bytes message)
{
	return (struct smtp_letter){ B("gate.example.net"), B("orders@shop.example"), to, 2, message };
}

static void
check_row(void **state)
{
	const struct row  *row = *state;
	struct arena      *a = arena_new((size_t)1 << 20);
	struct server      s = { .turns = row->turns };
	struct smtp_letter letter = letter_of(B("Subject: x\r\n\r\nhello\r\n"));
	struct outcome     o = play(a, &s, &letter);

	assert_bytes(bytes_find(o.why, bytes_of(row->why)) < o.why.len || row->why[0] == '\0' ? B("") : o.why, B(""));
	assert_int_equal(o.rc, row->rc);
	assert_int_equal(o.rc == RC_OK, o.why.len == 0);
	assert_int_equal(o.end.code, row->end);
	assert_int_equal(o.answers[0].code, row->first);
	assert_int_equal(o.answers[1].code, row->second);
	if (o.rc == RC_OK)
		assert_true(bytes_ends_nocase(buf_bytes(&s.heard), B("hello\r\n.\r\n")));
	else if (row->end != 354)
		assert_true(bytes_find(buf_bytes(&s.heard), B("hello")) >= s.heard.len || row->end / 100 == 4);
	buf_free(&s.heard);
	arena_free(a);
}

static const struct flood {
	const char *name;
	struct bytes text;
	const char *why;
} floods[] = {
	{ "a line without end is given up", B_INIT("220-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "lines without end" },
	{ "lines without end are given up", B_INIT("220-a\r\n"), "lines without end" },
	{ "NUL without end is given up", { "\0\0\0\0\0\0\0\0", 8 }, "lines without end" },
	{ "NUL in a line is given up", { "\0\r\n", 3 }, "does not speak SMTP" },
};

static void
check_flood(void **state)
{
	const struct flood *row = *state;
	struct arena       *a = arena_new((size_t)1 << 20);
	struct server       s = { .flood = row->text.at, .flood_len = row->text.len };
	struct smtp_letter  letter = letter_of(B("x\r\n"));
	struct outcome      o = play(a, &s, &letter);

	assert_int_equal(o.rc, RC_CLOSED);
	assert_true(bytes_find(o.why, bytes_of(row->why)) < o.why.len);
	assert_true(arena_used(a) < 10000);
	arena_free(a);
}

static const struct message {
	const char *name;
	struct bytes message, wire;
} messages[] = {
	{ "dots at the start of a line are doubled", B_INIT("a: b\r\n\r\n.\r\n..\r\nx.\r\n"), B_INIT("a: b\r\n\r\n..\r\n...\r\nx.\r\n.\r\n") },
	{ "bare line ends become whole ones", B_INIT("a\n.b\r.c\r\rd\n"), B_INIT("a\r\n..b\r\n..c\r\n\r\nd\r\n.\r\n") },
	{ "a missing line end is added", B_INIT("a"), B_INIT("a\r\n.\r\n") },
	{ "a message smuggled behind a bare dot stays text", B_INIT("a\n.\nMAIL FROM:<x>\r\n"), B_INIT("a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n") },
	{ "octets of any kind go through", { "\0\xff\x1b\r\n", 5 }, { "\0\xff\x1b\r\n.\r\n", 8 } },
};

static void
check_message(void **state)
{
	static const char *const turns[TURNS] = { "220 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "250 a\r\n", "354 a\r\n", "250 taken\r\n" };
	const struct message    *row = *state;
	struct arena            *a = arena_new((size_t)1 << 20);
	struct server            s = { .turns = turns };
	struct smtp_letter       letter = letter_of(row->message);
	struct outcome           o = play(a, &s, &letter);

	assert_int_equal(o.rc, RC_OK);
	struct bytes heard = buf_bytes(&s.heard);
	size_t       data = bytes_find(heard, B("DATA\r\n"));
	assert_true(data < heard.len);
	assert_bytes(bytes_from(heard, data + 6), row->wire);
	buf_free(&s.heard);
	arena_free(a);
}

static const struct address {
	const char  *name;
	struct bytes sender, recipient;
} addresses[] = {
	{ "a sender with a line end is never said", B_INIT("a@b\r\nRCPT TO:<x>"), B_INIT("a@b") },
	{ "a recipient with a line end is never said", B_INIT("a@b"), B_INIT("a@b>\nDATA") },
	{ "a recipient with NUL is never said", B_INIT("a@b"), { "a\0@b", 4 } },
	{ "an empty recipient is never said", B_INIT("a@b"), B_INIT("") },
};

static void
check_address(void **state)
{
	const struct address *row = *state;
	struct arena         *a = arena_new((size_t)1 << 16);
	struct smtp_letter    letter = { B("x"), row->sender, &row->recipient, 1, B("x\r\n") };
	struct smtp_answer    answer, end;
	struct bytes          why = B("");

	assert_int_equal(smtp_send_on(-1, &letter, 100, a, &answer, &end, &why), RC_SYNTAX);
	assert_bytes(why, B("an address cannot be said in SMTP"));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	ROWS_ADD(floods, check_flood);
	ROWS_ADD(messages, check_message);
	ROWS_ADD(addresses, check_address);
	return rows_run("smtp_client");
}
