/* auth/signature.h: the tags of DKIM-Signature (RFC 6376 section 3.5),
 * ARC-Message-Signature and ARC-Seal (RFC 8617 section 4.1) as values. */
#ifndef AUTH_SIGNATURE_H
#define AUTH_SIGNATURE_H

#include "auth/bodyhash.h"
#include "mail/field.h"
#include "mail/reason.h"

/* Bits: a row of the tag table serves several kinds. */
enum signature_kind { SIGNATURE_DKIM = 1, SIGNATURE_AMS = 2, SIGNATURE_AS = 4 };

enum algorithm { RSA_SHA256, ED25519_SHA256 };
enum chain { CHAIN_NONE, CHAIN_PASS, CHAIN_FAIL };

#define SIGNED_NAMES_MAX 128

struct signature {
	struct bytes   cut; /* of the field's value: the signature with the white space around it */
	enum algorithm algorithm;
	struct bytes   algorithm_text; /* lower case */
	enum canon     header_canon, body_canon;
	struct bytes   b, bh; /* decoded */
	struct bytes   b_text; /* without white space */
	struct bytes   domain, selector; /* normal */
	struct bytes   key_name; /* selector._domainkey.domain */
	struct bytes   identity; /* DKIM's i= as written; "@" d= when it is not there */
	struct bytes   identity_domain; /* normal */
	struct bytes  *names; /* h=, without white space */
	size_t         name_count;
	uint64_t       length; /* l=, BODYHASH_ALL without */
	int64_t        signed_at, expires; /* 0: none */
	unsigned       instance; /* ARC's i= */
	enum chain     chain; /* cv= of an ARC-Seal */
};

/* False: a DKIM_ reason, and the tag that is wrong; all tags that can be read
 * are read, and the others stay zero. Slices of `value` or in the arena. */
bool signature_parse(struct arena *, enum signature_kind, struct bytes value, struct signature *signature_out, enum reason *reason_out,
                     struct bytes *detail_out);

/* SHA-256 over the fields that h= picks and the signature field itself, at
 * `self` in the header (RFC 6376 sections 3.7 and 5.4.2). False when memory is spent. */
bool signature_hash(struct arena *, const struct signature *, const struct header *, size_t self, uint8_t hash_out[32]) MUST_USE;

#endif
