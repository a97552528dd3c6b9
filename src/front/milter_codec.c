/* front/milter_codec.c: see milter_codec.h. */
#include "front/milter_codec.h"

#include <string.h>

static uint32_t
be32(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

enum rc
milter_take(struct bytes *in, struct milter_frame *frame_out)
{
	if (in->len < 4)
		return RC_AGAIN;
	uint32_t n = be32(in->at);
	if (n == 0 || n > MILTER_FRAME_MAX)
		return RC_LIMIT;
	if (in->len - 4 < n)
		return RC_AGAIN;

	frame_out->command = in->at[4];
	frame_out->payload = bytes_make(in->at + 5, n - 1);
	bytes_skip(in, 4 + (size_t)n);
	return RC_OK;
}

size_t
milter_missing(struct bytes in)
{
	if (in.len < 4)
		return 4 - in.len;
	size_t whole = 4 + (size_t)be32(in.at);
	return whole > in.len ? whole - in.len : 0;
}

bool
milter_options_parse(struct bytes payload, struct milter_options *offer_out)
{
	if (payload.len < 12)
		return false;
	offer_out->version = be32(payload.at);
	offer_out->actions = be32(payload.at + 4);
	offer_out->steps = be32(payload.at + 8);
	return true;
}

/* Cut a string and its NUL. */
static bool
string_cut(struct bytes *rest, struct bytes *text_out)
{
	size_t n = bytes_index(*rest, '\0');

	if (n == rest->len)
		return false;
	*text_out = bytes_sub(*rest, 0, n);
	bytes_skip(rest, n + 1);
	return true;
}

static bool
is_loopback(const struct ip *ip)
{
	static const unsigned char six[16] = { [15] = 1 };

	return ip->family == 4 ? ip->octet[0] == 127 : memcmp(ip->octet, six, sizeof(six)) == 0;
}

/* Postfix says "unknown" or "[192.0.2.1]" when it has no name, Sendmail the latter. */
static struct bytes
host_of(struct bytes name)
{
	if (bytes_starts(name, B("[")) || bytes_eq(name, B("unknown")))
		return B_NONE;
	return name;
}

/* Behind the family: port, address, NUL. */
static bool
peer_parse(struct bytes rest, struct event *event)
{
	struct bytes address;

	if (rest.len < 3)
		return false;
	event->port = (uint16_t)((unsigned char)rest.at[0] << 8 | (unsigned char)rest.at[1]);
	bytes_skip(&rest, 2);
	if (!string_cut(&rest, &address))
		return false;
	/* Sendmail tags IPv6 addresses as RFC 5321 section 4.1.3 does. */
	if (bytes_starts_nocase(address, B("IPv6:")))
		bytes_skip(&address, 5);
	return ip_parse(address, &event->ip);
}

bool
milter_connect_parse(struct bytes payload, struct event *event_out)
{
	struct event event = { .kind = EV_CONNECT };
	struct bytes name;

	if (!string_cut(&payload, &name) || payload.len == 0)
		return false;
	event.host = host_of(name);
	char family = payload.at[0];
	bytes_skip(&payload, 1);
	if (family == '4' || family == '6') {
		if (!peer_parse(payload, &event))
			return false;
		if (event.port == 0 && is_loopback(&event.ip))
			event.ip = (struct ip){ 0 };
	} else if (family == 'U') {
		event.unknown = true; /* no address is no proof of being ours */
	} else if (family != 'L') {
		return false;
	}
	*event_out = event;
	return true;
}

bool
milter_path_parse(struct bytes payload, struct bytes *path_out, struct bytes *words_out)
{
	if (payload.len == 0 || payload.at[payload.len - 1] != '\0')
		return false;
	string_cut(&payload, path_out);
	*words_out = payload;
	return true;
}

bool
milter_header_parse(struct bytes payload, struct bytes *name_out, struct bytes *value_out)
{
	struct bytes name;

	if (!string_cut(&payload, &name) || payload.len == 0 || payload.at[payload.len - 1] != '\0')
		return false;
	*name_out = name;
	*value_out = bytes_sub(payload, 0, payload.len - 1);
	return true;
}

bool
milter_string_parse(struct bytes payload, struct bytes *text_out)
{
	return string_cut(&payload, text_out);
}

bool
milter_macro_parse(struct bytes payload, char *command_out, struct bytes *pairs_out)
{
	if (payload.len == 0 || (payload.len > 1 && payload.at[payload.len - 1] != '\0'))
		return false;
	*command_out = payload.at[0];
	*pairs_out = bytes_from(payload, 1);
	return true;
}

bool
milter_macro_next(struct bytes *pairs, struct bytes *name_out, struct bytes *value_out)
{
	struct bytes rest = *pairs, name, value;

	if (!string_cut(&rest, &name) || !string_cut(&rest, &value))
		return false;
	*pairs = rest;
	*name_out = name;
	*value_out = value;
	return true;
}

/* Which events need no answer, if nobody in the session gives one. */
static const struct quiet {
	enum event_kind kind;
	uint32_t        step;
} quiets[] = {
	{ EV_CONNECT, MILTER_QUIET_CONNECT }, { EV_HELO, MILTER_QUIET_HELO }, { EV_MAIL, MILTER_QUIET_MAIL },
	{ EV_RCPT, MILTER_QUIET_RCPT },       { EV_DATA, MILTER_QUIET_DATA }, { EV_HEADER, MILTER_QUIET_HEADER },
	{ EV_EOH, MILTER_QUIET_EOH },         { EV_BODY, MILTER_QUIET_BODY },
};

bool
milter_agree(const struct milter_options *offer, uint32_t wants, struct milter_options *agreed_out, struct bytes *why_out)
{
	const uint32_t must = MILTER_DO_ADD_HEADER | MILTER_DO_CHANGE_HEADER;
	uint32_t       steps = MILTER_NO_UNKNOWN | MILTER_QUIET_UNKNOWN | MILTER_LEADING_SPACE;

	if (offer->version < MILTER_VERSION_MIN) {
		*why_out = B("the MTA speaks a milter protocol older than version 2");
		return false;
	}
	/* Without these a forged Authentication-Results field could not be removed. */
	if ((offer->actions & must) != must) {
		*why_out = B("the MTA does not let us add and delete header fields");
		return false;
	}
	for (size_t i = 0; i < NELEMS(quiets); i++)
		if (!(wants & EV_BIT(quiets[i].kind)))
			steps |= quiets[i].step;
	agreed_out->version = offer->version < MILTER_VERSION ? offer->version : MILTER_VERSION;
	agreed_out->actions = offer->actions & (must | MILTER_DO_QUARANTINE | MILTER_DO_SET_MACROS);
	agreed_out->steps = offer->steps & steps;
	return true;
}

/* Room for a frame of `n` payload octets, letter written; the caller adds
 * exactly `n` more. */
static void
frame_begin(struct buf *out, char letter, size_t n)
{
	uint32_t len = (uint32_t)n + 1;
	char     head[5] = { (char)(len >> 24), (char)(len >> 16 & 0xff), (char)(len >> 8 & 0xff), (char)(len & 0xff), letter };

	if (buf_reserve(out, n + sizeof(head)))
		buf_add(out, bytes_make(head, sizeof(head)));
}

static void
add_be32(struct buf *out, uint32_t v)
{
	char octets[4] = { (char)(v >> 24), (char)(v >> 16 & 0xff), (char)(v >> 8 & 0xff), (char)(v & 0xff) };

	buf_add(out, bytes_make(octets, sizeof(octets)));
}

/* Asking replaces the list of the MTA's own settings, and with Postfix that of
 * every stage: so each stage that we take something from is named. TLS is asked
 * for twice because HELO may come without TLS and MAIL always comes. */
static const struct symbols {
	uint32_t     stage;
	struct bytes names;
} symbols[] = {
	{ 0, B_INIT("{daemon_name} {client_resolve}") }, /* CONNECT */
	{ 1, B_INIT("{tls_version} {cipher} {cert_subject}") }, /* HELO */
	{ 2, B_INIT("i {auth_type} {auth_authen} {tls_version} {cipher} {cert_subject}") }, /* MAIL */
	{ 3, B_INIT("i") }, /* RCPT */
	{ 4, B_INIT("i") }, /* DATA */
	{ 5, B_INIT("i") }, /* end of message */
};

void
milter_write_options(struct buf *out, const struct milter_options *agreed)
{
	bool   ask = (agreed->actions & MILTER_DO_SET_MACROS) != 0;
	size_t n = 12;

	for (size_t i = 0; ask && i < NELEMS(symbols); i++)
		n += 4 + symbols[i].names.len + 1;
	frame_begin(out, MILTER_OPTNEG, n);
	add_be32(out, agreed->version);
	add_be32(out, agreed->actions);
	add_be32(out, agreed->steps);
	for (size_t i = 0; ask && i < NELEMS(symbols); i++) {
		add_be32(out, symbols[i].stage);
		buf_add(out, symbols[i].names);
		buf_add_c(out, '\0');
	}
}

void
milter_write(struct buf *out, enum milter_answer answer)
{
	frame_begin(out, (char)answer, 0);
}

/* One string with its NUL; what would end it early becomes '?'. */
static void
add_string(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_c(out, text.at[i] == '\0' ? '?' : text.at[i]);
	buf_add_c(out, '\0');
}

void
milter_write_text(struct buf *out, enum milter_answer answer, struct bytes text)
{
	frame_begin(out, (char)answer, text.len + 1);
	add_string(out, text);
}

/* Set the length of the frame that began at `start` to what was added since. */
static void
frame_end(struct buf *out, size_t start)
{
	if (out->spoilt)
		return;
	uint32_t n = (uint32_t)(out->len - start - 4);
	for (int i = 0; i < 4; i++)
		out->at[start + (size_t)i] = (char)(n >> (24 - 8 * i) & 0xff);
}

/* Postfix and Sendmail take "%%" for one per cent sign, and lose a single one. */
static void
add_doubled(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '%')
			buf_add_c(out, '%');
		buf_add_c(out, text.at[i]);
	}
}

void
milter_write_reply(struct buf *out, const struct reply *reply)
{
	struct buf text = { 0 };
	size_t     start = out->len;

	reply_write(&text, reply, false);
	if (text.spoilt)
		out->spoilt = true;
	frame_begin(out, MILTER_REPLYCODE, text.len + 1);
	add_doubled(out, buf_bytes(&text));
	buf_add_c(out, '\0');
	frame_end(out, start);
	buf_free(&text);
}

/* A value as MTAs want it, see milter_write_insert(). */
static void
add_value(struct buf *out, struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		char next = i + 1 < value.len ? value.at[i + 1] : '\0';
		if (c == '\r' && next == '\n')
			continue;
		if (c == '\r' || (c == '\n' && !byte_is_wsp(next)))
			c = ' ';
		buf_add_c(out, c == '\0' ? '?' : c);
	}
	buf_add_c(out, '\0');
}

void
milter_write_insert(struct buf *out, uint32_t index, struct bytes name, struct bytes value, bool blank)
{
	size_t start = out->len;

	frame_begin(out, MILTER_INSHEADER, 4 + name.len + value.len + 3);
	add_be32(out, index);
	add_string(out, name);
	if (blank)
		buf_add_c(out, ' ');
	add_value(out, value);
	frame_end(out, start);
}

void
milter_write_delete(struct buf *out, uint32_t index, struct bytes name)
{
	frame_begin(out, MILTER_CHGHEADER, 4 + name.len + 2);
	add_be32(out, index);
	add_string(out, name);
	buf_add_c(out, '\0');
}
