/* auth/dmarc_record.h: one DMARC policy record, RFC 9989 sections 4.7 and 4.8.
 *
 * Faults are forgiven as section 4.8 says: an item that does not parse gives
 * way to its default. A tag that stands twice has no valid value (RFC 6376
 * section 3.2 would throw away the whole list). pct, rf, ri and the size
 * behind "!" were removed and are ignored. */
#ifndef AUTH_DMARC_RECORD_H
#define AUTH_DMARC_RECORD_H

#include "auth/dmarc.h"

#define DMARC_URIS 10 /* of rua and of ruf; more are ignored */

enum dmarc_psd { PSD_U, PSD_N, PSD_Y };

struct dmarc_record {
	struct bytes      text;
	enum dmarc_policy p, sp, np; /* ABSENT: not there, or not valid */
	bool              bad_policy; /* p missing or not valid, or sp or np not valid (4.10.1) */
	bool              testing; /* t=y */
	bool              strict_spf, strict_dkim;
	enum dmarc_psd    psd;
	struct bytes      rua[DMARC_URIS], ruf[DMARC_URIS]; /* without "!size" */
	size_t            rua_count, ruf_count; /* of valid URIs */
	struct bytes      fo; /* as written; empty: none */
	struct bytes      fault; /* the first item that was ignored because it does not parse; empty: none */
};

/* False when it is no DMARC record: "v=DMARC1" does not stand in front. Slices of `text`. */
bool dmarc_record_parse(struct bytes text, struct dmarc_record *record_out);

/* The DMARC records among the TXT records of an answer. With exactly one, it is
 * kept in the answer's slot and lives as long as the answer. */
struct dmarc_found {
	size_t              count;
	struct dmarc_record record; /* when count is 1 */
};

/* NULL when memory is spent. The answer must be ANSWER_OK. */
const struct dmarc_found *dmarc_record_find(struct arena *, const struct answer *);

#endif
