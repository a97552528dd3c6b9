/* net/recursor.h: libunbound on a loop of ours, without libevent.
 *
 * One struct recursor is one libunbound context. It may be touched by the loop's
 * thread only (or before the loop runs). It gives packets; what they mean is
 * net/packet.h's business, and who waits for them the resolver's. */
#ifndef NET_RECURSOR_H
#define NET_RECURSOR_H

#include "base/ask.h"
#include "base/rc.h"
#include "net/loop.h"

struct recursor;

struct recursor_settings {
	/* Forward to these, "192.0.2.53", "192.0.2.53:5353" or "[2001:db8::53]:5353";
	 * without any to those of the file `resolv_conf`; NULL too: ask the root
	 * servers and so on ourselves. */
	const struct bytes *servers;
	size_t              server_count;
	const char         *resolv_conf;
	bool                validate; /* DNSSEC, RFC 4035 section 4 */
	const char         *anchors; /* file with DS or DNSKEY records */
	unsigned            outgoing; /* questions on the wire at once */
	unsigned            min_rtt_ms; /* how long a server may at least take before it is asked again */
	unsigned            ttl_max, negative_max; /* seconds that the library may remember; 0: its own bounds */
};

/* The outcome of one question. `packet` and `why` are borrowed for the call. */
struct recursor_reply {
	bool         failed; /* no usable packet: nobody answered, or nobody said anything good */
	bool         silent; /* failed because nobody answered, as far as the library tells */
	bool         bogus;
	bool         secure;
	struct bytes packet;
	struct bytes why;
};

/* RC_SYNTAX (a server's address), RC_IO (a file), RC_MEMORY, with a sentence in
 * *why_out, which is constant text. */
enum rc recursor_new(struct loop *, const struct recursor_settings *, struct recursor **recursor_out, const char **why_out) MUST_USE;
/* Takes NULL. Callbacks that are outstanding are not called. Not from within one. */
void recursor_free(struct recursor *);

/* Ask; `fn` may be called before this returns. `type` is a number, since the
 * resolver asks also for what no thinker does. RC_SYNTAX: `name` is no domain name. */
enum rc recursor_ask(struct recursor *, struct bytes name, unsigned type, void (*fn)(void *arg, const struct recursor_reply *),
                     void *arg) MUST_USE;

#endif
