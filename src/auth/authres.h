/* auth/authres.h: the Authentication-Results field, RFC 8601: written, read,
 * and recognised when a stranger wrote it in our name (section 5). */
#ifndef AUTH_AUTHRES_H
#define AUTH_AUTHRES_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/field.h"
#include "mail/finding.h"

/* One property: ptype.name=value, such as header.d=example.com. */
struct authres_prop {
	const char  *ptype; /* "smtp", "header", "policy" */
	const char  *name; /* "mailfrom" */
	struct bytes value; /* any octets: quoted as needed; left out when empty, over 400 octets, or holding controls or non-ASCII */
};

#define AUTHRES_PROPS 6

struct authres_result {
	enum method         method;
	enum result         result;
	struct bytes        comment; /* of parts of our catalogue and the mail; made harmless; empty: none */
	struct authres_prop props[AUTHRES_PROPS];
	size_t              prop_count;
};

/* The field body, unfolded: "id; spf=pass (...) smtp.mailfrom=...; ...". No results: "id; none". */
struct bytes authres_write(struct arena *, struct bytes authserv_id, const struct authres_result *, size_t count);
/* The same, folded with CRLF TAB before each method (and where a line would
 * grow over 998 octets), for a header. */
struct bytes authres_fold(struct arena *, struct bytes body);

/* Does this Authentication-Results value claim our authserv-id? Comments,
 * quotes, white space, a version and case are seen through (section 5). A value
 * that breaks off before the id is ours if ours stands anywhere in it: some
 * reader may find it there. */
bool authres_claims(struct arena *, struct bytes value, struct bytes authserv_id);

/* What somebody else's field (or an ARC-Authentication-Results value behind its
 * i=) says. Results with methods we do not know are skipped. At most 32. */
struct authres_said {
	struct bytes method; /* lower case */
	struct bytes result; /* lower case */
	struct bytes reason; /* reason="..." ; empty: none */
	struct bytes comment; /* first comment; empty: none */
	struct {
		struct bytes name; /* "header.from", lower case */
		struct bytes value;
	} props[8];
	size_t prop_count;
};

struct authres {
	struct bytes         authserv_id;
	struct authres_said *said;
	size_t               count;
};

/* False when it does not parse or memory is spent; *authres_out then holds the
 * results before the fault. A field without authserv-id, as some providers
 * write it, has an empty one. */
bool authres_parse(struct arena *, struct bytes value, struct authres *authres_out);

#endif
