/* auth/spf_macro.h: SPF macros, RFC 7208 section 7: checked when a record is
 * read, expanded when a term is evaluated.
 *
 * What is hard: an expansion is a question to DNS, and its parts (HELO,
 * local-part, the client's PTR names) are the attacker's. So it is bounded, and
 * what comes out is a name only if DNS could hold it. */
#ifndef AUTH_SPF_MACRO_H
#define AUTH_SPF_MACRO_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "mail/reason.h"

/* What an expansion may come to before it is cut to a name: several times a
 * name. What is longer is no name and no explanation. */
#define SPF_EXPANSION_MAX 2048

/* Where the text stands decides which octets and letters it may hold. */
enum spf_text {
	SPF_DOMAIN_SPEC, /* letters s l o d i p h v */
	SPF_MODIFIER, /* the value of a modifier we do not know: any letter */
	SPF_EXPLANATION, /* the text of exp=: also c r t, and spaces */
};

struct spf_fault {
	enum reason reason; /* SPF_SYNTAX or SPF_MACRO_SYNTAX */
	const char *why; /* "no such macro letter" */
};

/* Check a macro-string or, for SPF_DOMAIN_SPEC, a domain-spec (7.1). *needs_p_out:
 * it holds %{p}, for which the client's names must be validated first. */
bool spf_text_check(struct bytes text, enum spf_text kind, bool *needs_p_out, struct spf_fault *fault_out);

/* What the letters stand for (7.2). */
struct spf_scope {
	struct bytes sender; /* s */
	struct bytes local; /* l */
	struct bytes origin; /* o */
	struct bytes domain; /* d */
	struct bytes client; /* p */
	struct bytes helo; /* h */
	struct bytes receiver; /* r */
	struct ip    ip; /* i, c, v */
	int64_t      now; /* t */
};

/* Expand a text that has been checked. False when the result is too long, when
 * memory is spent, or when l or s would bring a local-part that is not ASCII
 * into it: such terms match nothing (RFC 8616 section 4). */
bool spf_expand(struct arena *, struct bytes text, const struct spf_scope *, struct bytes *out);

/* Make a target-name fit for DNS: one trailing dot dropped, labels dropped from
 * the left until 253 octets hold it (7.3). False when it still is no name (4.8). */
bool spf_name_fit(struct bytes *name);

#endif
