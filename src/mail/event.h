/* mail/event.h: one thing that happened at the door.
 *
 * A front turns its protocol into events and hands them to a session. Members
 * that an event does not name are zero. Bytes are borrowed for the call. */
#ifndef MAIL_EVENT_H
#define MAIL_EVENT_H

#include "base/bytes.h"
#include "base/ip.h"

enum event_kind {
	EV_CONNECT, /* ip, port, host, listener; ip.family 0: submitted on this host, or `unknown` */
	EV_HELO, /* text */
	EV_TLS, /* text: version, more: cipher, subject: CN of a trusted client certificate */
	EV_AUTH, /* text: the login, more: the mechanism. Holds for the session until told otherwise */
	EV_MAIL, /* text: the address, with or without <>, more: the ESMTP parameters */
	EV_RCPT, /* the same */
	EV_DATA,
	EV_HEADER, /* text: name, more: value, leading blank kept, lines joined by CRLF */
	EV_EOH,
	EV_BODY, /* text: the next octets, in any cuts */
	EV_EOM, /* text: the MTA's queue id; empty: not known */
	EV_ABORT, /* the transaction is off; the session goes on */
	EV_QUIT,
	EV_COUNT
};

struct event {
	enum event_kind kind;
	struct ip       ip;
	uint16_t        port;
	bool            unknown; /* nobody knows who the client is; it is judged as a stranger */
	struct bytes    host; /* forward-confirmed name of the client; empty: none */
	struct bytes    listener; /* the MTA's name for the door, such as "smtp"; empty: not known */
	struct bytes    text;
	struct bytes    more;
	struct bytes    subject;
};

#define EV_BIT(kind) (1U << (kind))

#endif
