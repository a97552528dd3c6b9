/* base/ask.h: what a thinker asks, and what comes back.
 *
 * Code that decides does no I/O. It hands out a struct ask; whoever hosts it
 * (the daemon's resolver, a zone file, the fuzzer) brings a struct answer. An
 * answer is immutable, counted, and may be shared between threads. It has one
 * opaque slot for what a thinker made of it (a parsed record, a decoded key),
 * so that the cache keeps that work too without knowing what it is.
 *
 * Names are octets with dots between labels: no trailing dot, no escapes,
 * lower case ASCII letters. A label may hold any octet but a dot. */
#ifndef BASE_ASK_H
#define BASE_ASK_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ip.h"

/* Values are those of the IANA registry of resource record types. */
enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
	DNS_CAA = 257,
	DNS_ANY = 255, /* in zone files only: every type */
};

#define DNS_NAME_MAX 253
#define DNS_LABEL_MAX 63

struct ask {
	enum dns_type type;
	struct bytes  name;
};

enum answer_status {
	ANSWER_OK, /* at least one record of the type */
	ANSWER_EMPTY, /* the name exists, the type does not (NODATA) */
	ANSWER_NXDOMAIN,
	ANSWER_TIMEOUT, /* nobody answered in time */
	ANSWER_SERVFAIL, /* a server said it could not, or spoke nonsense */
	ANSWER_BOGUS, /* DNSSEC validation failed */
};

struct answer {
	enum answer_status  status;
	enum dns_type       type;
	uint32_t            ttl; /* seconds */
	bool                secure; /* DNSSEC validated */
	struct bytes        canon; /* the name behind CNAMEs; empty: none */
	struct bytes        why; /* of trouble, for people; may be empty */
	size_t              count;
	const struct bytes *rdata; /* `count` raw rdatas, names in them uncompressed */

	atomic_uint     refs;
	_Atomic(void *) made; /* answer_made(), answer_keep() */
};

/* Everything is copied. NULL when memory is spent. One reference is the caller's. */
struct answer *answer_new(enum answer_status, enum dns_type, uint32_t ttl, const struct bytes *rdata, size_t count,
                          struct bytes canon, struct bytes why) MUST_USE;
struct answer *answer_ref(const struct answer *);
void           answer_unref(const struct answer *); /* takes NULL */
/* Let the arena hold the caller's reference. */
const struct answer *answer_hold(struct arena *, const struct answer *);

/* What was kept in the slot by the thinker that uses `free` as its mark; NULL
 * when nothing, or another thinker's. */
void *answer_made(const struct answer *, void (*free)(void *));
/* Keep `made` in the slot. False when another was first: then `made` is still
 * the caller's, who frees it or goes on using it for himself. The slot is
 * written once and lives as long as the answer. */
bool answer_keep(const struct answer *, void *made, void (*free)(void *));

/* True for time-out, SERVFAIL, bogus, and for NULL (a resolver that gave up). */
bool        answer_is_trouble(const struct answer *);
const char *answer_status_word(enum answer_status); /* "ok", "no data", "nxdomain", "timeout", ... */

/* The strings of one TXT rdata joined; in the rdata itself if there is just
 * one, else in the arena. Malformed rdata gives what precedes the fault. */
struct bytes answer_txt(struct arena *, struct bytes rdata);
/* The name at the front of a PTR, NS or CNAME rdata, lower-cased; the root is
 * empty. B_NONE when malformed or overdrawn. */
struct bytes answer_name(struct arena *, struct bytes rdata);
/* MX: false when malformed. The null MX (RFC 7505) has an empty name. */
bool answer_mx(struct arena *, struct bytes rdata, unsigned *preference_out, struct bytes *name_out);
/* A or AAAA: false when the length is wrong. */
bool answer_ip(const struct answer *, size_t index, struct ip *ip_out);

/* Wire form of a name: false for empty or overlong labels and names. */
bool        dns_name_to_wire(struct bytes name, char wire[256], size_t *len_out);
/* "TXT" and so on, any case; false when we do not know it. */
bool        dns_type_of(struct bytes word, enum dns_type *type_out);
const char *dns_type_word(enum dns_type); /* "TXT"; "TYPE" for one we do not know */

#endif
