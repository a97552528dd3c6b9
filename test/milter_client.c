/* test/milter_client.c: see milter_client.h. */
#include "milter_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
mta_on(struct mta *m, int fd)
{
	*m = (struct mta){ .fd = fd };
}

bool
mta_connect(struct mta *m, const char *unix_path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct bytes       path = bytes_of(unix_path);

	*m = (struct mta){ .fd = -1 };
	if (path.len >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(at.sun_path, path.at, path.len);
	m->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (m->fd >= 0 && connect(m->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return true;
	mta_close(m);
	return false;
}

void
mta_close(struct mta *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	buf_free(&m->out);
	buf_free(&m->in);
}

void
mta_put_raw(struct mta *m, struct bytes octets)
{
	buf_add(&m->out, octets);
}

void
mta_put(struct mta *m, char command, struct bytes payload)
{
	uint32_t n = (uint32_t)payload.len + 1;
	char     head[5] = { (char)(n >> 24), (char)(n >> 16 & 0xff), (char)(n >> 8 & 0xff), (char)(n & 0xff), command };

	buf_add(&m->out, bytes_make(head, sizeof(head)));
	buf_add(&m->out, payload);
}

bool
mta_flush(struct mta *m)
{
	while (m->out.len > 0) {
		ssize_t n = send(m->fd, m->out.at, m->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		buf_take(&m->out, (size_t)n);
	}
	return true;
}

/* What was heard last is dropped from the buffer only now, since it is borrowed. */
static bool
next_frame(struct mta *m)
{
	struct milter_frame frame;
	struct bytes        rest = buf_bytes(&m->in);

	if (milter_take(&rest, &frame) != RC_OK)
		return false;
	m->command = frame.command;
	m->payload = frame.payload;
	return true;
}

char
mta_hear_within(struct mta *m, int ms)
{
	char chunk[8192];

	if (!mta_flush(m))
		return m->command = '\0';
	if (m->payload.at != NULL)
		buf_take(&m->in, (size_t)(m->payload.at + m->payload.len - m->in.at));
	m->payload = B_NONE;
	while (!next_frame(m)) {
		struct pollfd p = { .fd = m->fd, .events = POLLIN };
		if (poll(&p, 1, ms) == 0)
			return m->command = '?';
		ssize_t n = recv(m->fd, chunk, sizeof(chunk), 0);
		if (n <= 0)
			return m->command = '\0';
		buf_add(&m->in, bytes_make(chunk, (size_t)n));
	}
	return m->command;
}

char
mta_hear(struct mta *m)
{
	return mta_hear_within(m, MTA_PATIENCE_MS);
}

static uint32_t
quiet_step(char command)
{
	switch (command) {
	case MILTER_CONNECT:
		return MILTER_QUIET_CONNECT;
	case MILTER_HELO:
		return MILTER_QUIET_HELO;
	case MILTER_MAIL:
		return MILTER_QUIET_MAIL;
	case MILTER_RCPT:
		return MILTER_QUIET_RCPT;
	case MILTER_DATA:
		return MILTER_QUIET_DATA;
	case MILTER_HEADER:
		return MILTER_QUIET_HEADER;
	case MILTER_EOH:
		return MILTER_QUIET_EOH;
	case MILTER_BODY:
		return MILTER_QUIET_BODY;
	default:
		return 0;
	}
}

char
mta_say(struct mta *m, char command, struct bytes payload)
{
	mta_put(m, command, payload);
	if (command == MILTER_MACRO || command == MILTER_ABORT || command == MILTER_QUIT || (m->agreed.steps & quiet_step(command)))
		return '-';
	return mta_hear(m);
}

char
mta_negotiate(struct mta *m)
{
	char c = mta_say(m, MILTER_OPTNEG, B("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"));

	if (c == MILTER_OPTNEG && !milter_options_parse(m->payload, &m->agreed))
		return '!';
	return c;
}

static bool
went_on(char c)
{
	return c == '-' || c == MILTER_CONTINUE;
}

bool
mta_greet(struct mta *m)
{
	return mta_negotiate(m) == MILTER_OPTNEG && went_on(mta_say(m, MILTER_CONNECT, B("mail.example.org\0"
	                                                                                 "4\x04\xd2"
	                                                                                 "192.0.2.1\0"))) &&
	       went_on(mta_say(m, MILTER_HELO, B("mail.example.org\0")));
}

char
mta_message(struct mta *m)
{
	static const struct {
		char         command;
		struct bytes payload;
	} says[] = {
		{ MILTER_MAIL, B_INIT("<a@example.org>\0") },
		{ MILTER_RCPT, B_INIT("<r@example.com>\0") },
		{ MILTER_DATA, B_INIT("") },
		{ MILTER_HEADER, B_INIT("From\0 a@example.org\0") },
		{ MILTER_HEADER, B_INIT("Subject\0 a\n\tb\0") },
		{ MILTER_EOH, B_INIT("") },
		{ MILTER_BODY, B_INIT("text\r\n") },
	};

	for (size_t i = 0; i < NELEMS(says); i++) {
		char c = mta_say(m, says[i].command, says[i].payload);
		if (!went_on(c))
			return c;
	}
	char c = mta_say(m, MILTER_EOM, B(""));
	while (c == MILTER_INSHEADER || c == MILTER_CHGHEADER || c == MILTER_QUARANTINE || c == MILTER_PROGRESS)
		c = mta_hear(m);
	return c;
}
