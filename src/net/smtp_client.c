/* net/smtp_client.c: see smtp_client.h. */
#include "net/smtp_client.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define LINE_LIMIT  4096
#define LINES_LIMIT 100
#define PATIENCE    10 /* waits in all */

struct talk {
	int           fd;
	uint64_t      until_us;
	struct arena *arena;
	struct bytes *why;
	char          room[LINE_LIMIT];
	size_t        from, len; /* what was read and not yet taken */
	bool          eight_bit, utf8; /* what the server offers */
};

static enum rc
fail(struct talk *t, enum rc rc, const char *what)
{
	*t->why = errno != 0 ? arena_printf(t->arena, "%s: %s", what, strerror(errno)) : bytes_of(what);
	return rc;
}

/* Each wait is bounded by the socket, all of them by this. */
static enum rc
check_time(struct talk *t)
{
	errno = 0;
	return clock_mono_us() < t->until_us ? RC_OK : fail(t, RC_CLOSED, "the server takes too long");
}

static enum rc
say(struct talk *t, struct bytes text)
{
	while (text.len > 0) {
		if (check_time(t) != RC_OK)
			return RC_CLOSED;
		ssize_t n = send(t->fd, text.at, text.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(t, RC_CLOSED, "the server takes nothing more");
		bytes_skip(&text, (size_t)n);
	}
	return RC_OK;
}

/* One line without its end; borrowed until the next. */
static enum rc
hear_line(struct talk *t, struct bytes *line_out)
{
	for (;;) {
		struct bytes have = bytes_make(t->room + t->from, t->len - t->from);
		size_t       end = bytes_index(have, '\n');
		if (end < have.len) {
			t->from += end + 1;
			*line_out = bytes_trim(bytes_sub(have, 0, end));
			return RC_OK;
		}
		memmove(t->room, t->room + t->from, have.len);
		t->from = 0;
		t->len = have.len;
		errno = 0;
		if (t->len == sizeof(t->room))
			return fail(t, RC_CLOSED, "the server says lines without end");
		if (check_time(t) != RC_OK)
			return RC_CLOSED;
		ssize_t n = recv(t->fd, t->room + t->len, sizeof(t->room) - t->len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(t, RC_CLOSED, n == 0 ? "the server hung up" : "the server says nothing");
		t->len += (size_t)n;
	}
}

static void
note_offer(struct talk *t, struct bytes text)
{
	t->eight_bit |= bytes_eq_nocase(text, B("8BITMIME"));
	t->utf8 |= bytes_eq_nocase(text, B("SMTPUTF8"));
}

/* One line of a reply (RFC 5321 section 4.2.1): all lines of one bear the same code. */
static bool
read_line(struct bytes line, uint64_t *code, bool *more)
{
	uint64_t was = *code;

	if (!bytes_number(bytes_sub(line, 0, 3), 599, code) || *code < 200 || (was != 0 && *code != was))
		return false;
	*more = line.len > 3 && line.at[3] == '-';
	return line.len == 3 || *more || line.at[3] == ' ';
}

static enum rc
hear(struct talk *t, struct smtp_answer *out)
{
	struct buf   all = { .limit = (size_t)LINE_LIMIT * LINES_LIMIT };
	struct bytes line = B_NONE;
	uint64_t     code = 0;
	enum rc      rc = RC_OK;
	bool         more = true;

	for (int lines = 0; more && rc == RC_OK; lines++) {
		rc = lines < LINES_LIMIT ? hear_line(t, &line) : fail(t, RC_CLOSED, "the server says lines without end");
		if (rc != RC_OK)
			break;
		errno = 0;
		if (!read_line(line, &code, &more)) {
			rc = fail(t, RC_CLOSED, "the server does not speak SMTP");
			break;
		}
		note_offer(t, bytes_from(line, 4));
		if (all.len > 0)
			buf_add_c(&all, ' ');
		buf_add(&all, bytes_from(line, 4));
	}
	if (rc == RC_OK)
		*out = (struct smtp_answer){ (unsigned)code, arena_copy(t->arena, buf_bytes(&all)) };
	buf_free(&all);
	return rc;
}

/* What is said before we ask would be taken for the answer: a message that was
 * refused would count as delivered. */
static enum rc
check_silence(struct talk *t)
{
	errno = 0;
	return t->len == t->from ? RC_OK : fail(t, RC_CLOSED, "the server answers what it was not asked");
}

static enum rc
ask(struct talk *t, struct bytes command, struct smtp_answer *out)
{
	enum rc rc = check_silence(t);

	if (rc == RC_OK && command.len == 0)
		rc = fail(t, RC_MEMORY, "memory is spent");
	if (rc == RC_OK)
		rc = say(t, command);
	return rc == RC_OK ? hear(t, out) : rc;
}

static enum rc
refused(struct talk *t, const char *to, const struct smtp_answer *a)
{
	*t->why = arena_printf(t->arena, "the server answered %u to %s: %.*s", a->code, to, B_FMT(a->text));
	return RC_SYNTAX;
}

/* What would end the command, or the address in it. */
static bool
can_say(struct bytes address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.at[i] < 0x20 || address.at[i] == 0x7f)
			return false;
	return address.len <= 512;
}

static bool
needs_utf8(const struct smtp_letter *l)
{
	bool plain = bytes_is_ascii(l->sender);

	for (size_t i = 0; i < l->count; i++)
		plain = plain && bytes_is_ascii(l->recipients[i]);
	return !plain;
}

static enum rc
greet(struct talk *t, const struct smtp_letter *l)
{
	struct smtp_answer a;
	enum rc            rc = hear(t, &a);

	if (rc != RC_OK || a.code != 220)
		return rc != RC_OK ? rc : refused(t, "the connection", &a);
	rc = ask(t, arena_printf(t->arena, "EHLO %.*s\r\n", B_FMT(l->helo)), &a);
	if (rc == RC_OK && a.code != 250)
		rc = ask(t, arena_printf(t->arena, "HELO %.*s\r\n", B_FMT(l->helo)), &a);
	return rc != RC_OK || a.code == 250 ? rc : refused(t, "EHLO", &a);
}

static enum rc
say_envelope(struct talk *t, const struct smtp_letter *l, struct smtp_answer *answers)
{
	struct smtp_answer a;
	size_t             bad = SIZE_MAX;

	enum rc rc = ask(t, arena_printf(t->arena, "MAIL FROM:<%.*s>%s%s\r\n", B_FMT(l->sender), t->eight_bit ? " BODY=8BITMIME" : "",
	                                 t->utf8 && needs_utf8(l) ? " SMTPUTF8" : ""), &a);
	if (rc != RC_OK || a.code / 100 != 2)
		return rc != RC_OK ? rc : refused(t, "the sender", &a);
	for (size_t i = 0; i < l->count && rc == RC_OK; i++) {
		rc = ask(t, arena_printf(t->arena, "RCPT TO:<%.*s>\r\n", B_FMT(l->recipients[i])), &answers[i]);
		if (rc == RC_OK && answers[i].code / 100 != 2 && bad == SIZE_MAX)
			bad = i;
	}
	if (rc == RC_OK && bad != SIZE_MAX)
		return refused(t, "a recipient", &answers[bad]);
	return rc;
}

/* Bare CR and bare LF are line ends too: what one server takes for a line end
 * another does not, and a message could be smuggled in between. */
static enum rc
say_message(struct talk *t, struct bytes message)
{
	struct buf out = { 0 };
	bool       at_start = true;

	buf_reserve(&out, message.len + message.len / 32 + 64);
	for (size_t i = 0; i < message.len; i++) {
		char c = message.at[i];
		if (at_start && c == '.')
			buf_add_c(&out, '.');
		at_start = c == '\r' || c == '\n';
		if (!at_start) {
			buf_add_c(&out, c);
			continue;
		}
		if (c == '\r' && i + 1 < message.len && message.at[i + 1] == '\n')
			i++;
		buf_add_str(&out, "\r\n");
	}
	buf_add_str(&out, at_start ? ".\r\n" : "\r\n.\r\n");
	errno = 0;
	enum rc rc = out.spoilt ? fail(t, RC_MEMORY, "memory is spent") : say(t, buf_bytes(&out));
	buf_free(&out);
	return rc;
}

static enum rc
converse(struct talk *t, const struct smtp_letter *l, struct smtp_answer *answers, struct smtp_answer *end)
{
	enum rc rc = greet(t, l);

	if (rc == RC_OK)
		rc = say_envelope(t, l, answers);
	if (rc == RC_OK)
		rc = ask(t, B("DATA\r\n"), end);
	if (rc == RC_OK && end->code != 354)
		rc = refused(t, "DATA", end);
	if (rc == RC_OK)
		rc = check_silence(t);
	if (rc == RC_OK)
		rc = say_message(t, l->message);
	if (rc == RC_OK)
		rc = hear(t, end);
	if (rc == RC_OK && end->code / 100 != 2)
		rc = refused(t, "the message", end);
	(void)!send(t->fd, "QUIT\r\n", 6, MSG_NOSIGNAL); /* whatever it says to that */
	return rc;
}

static enum rc
check_addresses(struct talk *t, const struct smtp_letter *l)
{
	bool good = can_say(l->sender) && l->count > 0;

	for (size_t i = 0; i < l->count; i++)
		good = good && can_say(l->recipients[i]) && l->recipients[i].len > 0;
	errno = 0;
	return good ? RC_OK : fail(t, RC_SYNTAX, "an address cannot be said in SMTP");
}

static bool
set_timeout(int fd, unsigned timeout_ms)
{
	struct timeval wait = { .tv_sec = timeout_ms / 1000, .tv_usec = (long)(timeout_ms % 1000) * 1000 };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0;
}

static enum rc
begin(struct talk *t, const struct smtp_letter *l, unsigned timeout_ms, struct smtp_answer *answers, struct smtp_answer *end)
{
	t->until_us = clock_mono_us() + (uint64_t)timeout_ms * 1000 * PATIENCE;
	*end = (struct smtp_answer){ .code = 0 };
	for (size_t i = 0; i < l->count; i++)
		answers[i] = (struct smtp_answer){ .code = 0 };
	return check_addresses(t, l);
}

enum rc
smtp_send_on(int fd, const struct smtp_letter *l, unsigned timeout_ms, struct arena *a, struct smtp_answer *answers_out,
             struct smtp_answer *end_out, struct bytes *why_out)
{
	struct talk t = { .fd = fd, .arena = a, .why = why_out };
	enum rc     rc = begin(&t, l, timeout_ms, answers_out, end_out);

	if (rc == RC_OK && !set_timeout(fd, timeout_ms))
		rc = fail(&t, RC_IO, "the connection cannot be used");
	return rc == RC_OK ? converse(&t, l, answers_out, end_out) : rc;
}

enum rc
smtp_send(const struct endpoint *to, const struct smtp_letter *l, unsigned timeout_ms, struct arena *a, struct smtp_answer *answers_out,
          struct smtp_answer *end_out, struct bytes *why_out)
{
	struct talk t = { .fd = -1, .arena = a, .why = why_out };
	enum rc     rc = begin(&t, l, timeout_ms, answers_out, end_out);

	if (rc != RC_OK)
		return rc;
	t.fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t.fd < 0 || !set_timeout(t.fd, timeout_ms) || connect(t.fd, (const struct sockaddr *)&to->at, to->len) != 0)
		rc = fail(&t, RC_IO, "cannot connect");
	else
		rc = converse(&t, l, answers_out, end_out);
	if (t.fd >= 0)
		close(t.fd);
	return rc;
}
