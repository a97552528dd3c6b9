/* net/smtp_client.h: hand one message to an SMTP server (RFC 5321), and wait.
 *
 * For verbs and workers, never on a loop. All recipients or none: if one is
 * refused the message is not sent, and each recipient's answer is told. Lines go
 * out with CRLF, whatever the message has, and dots are doubled (4.5.2).
 *
 * A server that is silent for `timeout_ms` is given up, and one that keeps talking
 * after ten times as long. */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include "base/arena.h"
#include "base/rc.h"
#include "net/endpoint.h"

struct smtp_letter {
	struct bytes        helo; /* our name */
	struct bytes        sender; /* without <>; empty: the null sender */
	const struct bytes *recipients; /* without <> */
	size_t              count;
	struct bytes        message; /* header and body */
};

struct smtp_answer {
	unsigned     code; /* 0: was not asked */
	struct bytes text; /* all lines, joined by blanks */
};

/* RC_OK: the server has taken it; `end_out` is what it said to the end of data.
 * RC_SYNTAX: it refused, or an address cannot be said; RC_IO, RC_CLOSED: no
 * connection, or it broke, or took too long; RC_MEMORY; then `why_out` is a
 * sentence. `answers_out` has one entry for each recipient. All in the arena. */
enum rc smtp_send(const struct endpoint *, const struct smtp_letter *, unsigned timeout_ms, struct arena *, struct smtp_answer *answers_out,
                  struct smtp_answer *end_out, struct bytes *why_out) MUST_USE;

/* The same over a connection that is there; it stays open. */
enum rc smtp_send_on(int fd, const struct smtp_letter *, unsigned timeout_ms, struct arena *, struct smtp_answer *answers_out,
                     struct smtp_answer *end_out, struct bytes *why_out) MUST_USE;

#endif
