/* auth/forge.h: for tests only: signs messages, publishes keys.
 *
 * Canonicalization is done here a second time, slowly and plainly, so that a
 * mistake in auth/canon.c or auth/bodyhash.c does not sign what it verifies. */
#ifndef AUTH_FORGE_H
#define AUTH_FORGE_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/ask.h"
#include "base/buf.h"
#include "base/codec.h"
#include "mail/field.h"

struct forge_keys {
	EVP_PKEY *rsa2048, *rsa1024, *rsa512, *ed25519;
	/* Public only: numbers that no honest key has. */
	EVP_PKEY *huge; /* 4104 bits */
	EVP_PKEY *even; /* modulus */
	EVP_PKEY *one; /* exponent 1, under which everything signs itself */
};

static inline EVP_PKEY *
forge_number(int bits, bool odd, unsigned long exponent)
{
	EVP_PKEY       *pkey = NULL;
	BIGNUM         *n = BN_new(), *e = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX   *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

	BN_set_bit(n, bits - 1);
	if (odd)
		BN_set_bit(n, 0);
	BN_set_word(e, exponent);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		abort();
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static inline const struct forge_keys *
forge_keys(void)
{
	static struct forge_keys keys;

	if (keys.rsa2048 == NULL) {
		keys.rsa2048 = EVP_RSA_gen(2048);
		keys.rsa1024 = EVP_RSA_gen(1024);
		keys.rsa512 = EVP_RSA_gen(512);
		keys.ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		keys.huge = forge_number(4104, true, 65537);
		keys.even = forge_number(1024, false, 65537);
		keys.one = forge_number(1024, true, 1);
	}
	return &keys;
}

/* p= of a key: a SubjectPublicKeyInfo for RSA, 32 octets for Ed25519. */
static inline struct bytes
forge_public(struct arena *a, EVP_PKEY *pkey)
{
	unsigned char raw[32], *der = NULL;
	size_t        len = sizeof(raw);

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		EVP_PKEY_get_raw_public_key(pkey, raw, &len);
		return base64_encode(a, bytes_make(raw, len));
	}
	int          n = i2d_PUBKEY(pkey, &der);
	struct bytes text = base64_encode(a, bytes_make(der, (size_t)n));
	OPENSSL_free(der);
	return text;
}

/* The same without the SubjectPublicKeyInfo around it. */
static inline struct bytes
forge_bare(struct arena *a, EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	int            n = i2d_PublicKey(pkey, &der);
	struct bytes   text = base64_encode(a, bytes_make(der, (size_t)n));

	OPENSSL_free(der);
	return text;
}

/* All of `text` with every `from` made `to`. */
static inline struct bytes
forge_replace(struct arena *a, struct bytes text, struct bytes from, struct bytes to)
{
	struct buf b = { 0 };

	for (size_t at; from.len > 0 && (at = bytes_find(text, from)) < text.len;) {
		buf_add(&b, bytes_sub(text, 0, at));
		buf_add(&b, to);
		text = bytes_from(text, at + from.len);
	}
	buf_add(&b, text);
	struct bytes out = arena_copy(a, buf_bytes(&b));
	buf_free(&b);
	return out;
}

/* Fields and body of a message of CRLF lines. */
static inline void
forge_split(struct arena *a, struct bytes text, struct header *header_out, struct bytes *body_out)
{
	size_t end = bytes_find(text, B("\r\n\r\n"));

	*header_out = (struct header){ 0 };
	*body_out = bytes_from(text, end + 4 < text.len ? end + 4 : text.len);
	text = bytes_sub(text, 0, end);
	while (text.len > 0) {
		size_t stop = 0;
		do
			stop += bytes_index(bytes_from(text, stop), '\n') + 1;
		while (stop < text.len && byte_is_wsp(text.at[stop]));
		struct bytes line = bytes_sub(text, 0, stop < text.len ? stop - 2 : text.len);
		size_t       colon = bytes_index(line, ':');
		if (!header_add(a, header_out, bytes_sub(line, 0, colon), bytes_from(line, colon + 1)))
			abort();
		text = bytes_from(text, stop < text.len ? stop : text.len);
	}
}

/* Unfolded, and runs of blanks to one space. */
static inline struct bytes
forge_squeeze(struct arena *a, struct bytes line)
{
	line = forge_replace(a, forge_replace(a, line, B("\r\n"), B("")), B("\t"), B(" "));
	while (bytes_find(line, B("  ")) < line.len)
		line = forge_replace(a, line, B("  "), B(" "));
	return line;
}

static inline struct bytes
forge_canon_field(struct arena *a, bool relaxed, const struct field *f)
{
	if (!relaxed)
		return arena_printf(a, "%.*s:%.*s", B_FMT(f->name), B_FMT(f->value));
	return arena_printf(a, "%.*s:%.*s", B_FMT(arena_lower(a, bytes_trim(f->name))), B_FMT(bytes_trim(forge_squeeze(a, f->value))));
}

static inline struct bytes
forge_canon_body(struct arena *a, bool relaxed, struct bytes body)
{
	struct bytes out = B("");

	while (body.len > 0) {
		size_t       end = bytes_find(body, B("\r\n"));
		struct bytes line = bytes_sub(body, 0, end);
		if (relaxed)
			line = bytes_trim_end(forge_squeeze(a, line));
		out = arena_join(a, arena_join(a, out, line), B("\r\n"));
		body = bytes_from(body, end + 2 < body.len ? end + 2 : body.len);
	}
	while (out.len >= 4 && bytes_eq(bytes_from(out, out.len - 4), B("\r\n\r\n")))
		out.len -= 2;
	if (out.len == 0 && !relaxed)
		return B("\r\n");
	return relaxed && bytes_eq(out, B("\r\n")) ? B("") : out;
}

static inline void
forge_sha256(struct bytes b, uint8_t hash[32])
{
	if (EVP_Digest(b.at, b.len, hash, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

static inline struct bytes
forge_tag(struct bytes tags, const char *name)
{
	struct bytes item, head;

	while (bytes_cut(&tags, ';', &item))
		if (bytes_cut(&item, '=', &head) && bytes_eq(bytes_trim(head), bytes_of(name)))
			return bytes_trim(item);
	return B_NONE;
}

/* b= of what has been canonicalized. */
static inline struct bytes
forge_signature(struct arena *a, EVP_PKEY *pkey, struct bytes text)
{
	unsigned char sig[512];
	uint8_t       hash[32];
	size_t        len = sizeof(sig);
	bool          ed25519 = EVP_PKEY_is_a(pkey, "ED25519");
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	int           fine = EVP_DigestSignInit(ctx, NULL, ed25519 ? NULL : EVP_sha256(), NULL, pkey);

	forge_sha256(text, hash);
	if (ed25519)
		text = bytes_make(hash, sizeof(hash));
	if (fine != 1 || EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text.at, text.len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return base64_encode(a, bytes_make(sig, len));
}

/* The fields that h= names, as they are hashed. */
static inline struct bytes
forge_picked(struct arena *a, const struct header *h, struct bytes names, bool relaxed)
{
	struct bytes out = B(""), name;
	size_t       used[64] = { 0 }, next = 0;

	while (bytes_cut(&names, ':', &name) && next < NELEMS(used)) {
		for (size_t i = h->count; i-- > 0;) {
			bool taken = false;
			for (size_t k = 0; k < next; k++)
				taken = taken || used[k] == i + 1;
			if (taken || !bytes_eq_nocase(bytes_trim(h->fields[i].name), bytes_trim(name)))
				continue;
			used[next++] = i + 1;
			out = arena_printf(a, "%.*s%.*s\r\n", B_FMT(out), B_FMT(forge_canon_field(a, relaxed, &h->fields[i])));
			break;
		}
	}
	return out;
}

/* `field_name: tags; bh=...; b=...` on top of the message. Tags are taken as
 * they are; a bh= among them is kept. */
static inline struct bytes
forge_sign(struct arena *a, EVP_PKEY *pkey, const char *field_name, struct bytes tags, struct bytes message)
{
	struct header h;
	struct bytes  body, c = forge_tag(tags, "c"), l = forge_tag(tags, "l");
	uint8_t       hash[32];
	uint64_t      limit;

	forge_split(a, message, &h, &body);
	bool relaxed = bytes_starts(c, B("relaxed"));
	body = forge_canon_body(a, bytes_ends_nocase(c, B("/relaxed")), body);
	if (bytes_number(l, 100000, &limit))
		body = bytes_sub(body, 0, (size_t)limit);
	forge_sha256(body, hash);
	if (forge_tag(tags, "bh").at == NULL)
		tags = arena_printf(a, "%.*s; bh=%.*s", B_FMT(tags), B_FMT(base64_encode(a, bytes_make(hash, sizeof(hash)))));
	struct field own = field_make(bytes_of(field_name), arena_printf(a, " %.*s; b=", B_FMT(tags)));
	struct bytes text = arena_join(a, forge_picked(a, &h, forge_tag(tags, "h"), relaxed), forge_canon_field(a, relaxed, &own));
	struct bytes b = forge_signature(a, pkey, text);
	return arena_printf(a, "%s:%.*s%.*s\r\n%.*s", field_name, B_FMT(own.value), B_FMT(b), B_FMT(message));
}

/* One ARC set on top of the message (RFC 8617 section 5.1): `results` is what
 * stands behind i= of the ARC-Authentication-Results. */
struct forge_seal {
	EVP_PKEY   *pkey;
	unsigned    instance;
	const char *cv, *domain, *results;
	const char *message_tags; /* added to the ARC-Message-Signature; NULL: c=relaxed/relaxed; h=From:Subject */
};

static inline struct bytes
forge_arc_field(struct arena *a, const struct header *h, const char *name, unsigned instance)
{
	struct bytes start = arena_printf(a, " i=%u;", instance);

	for (size_t i = 0; i < h->count; i++)
		if (field_is(&h->fields[i], bytes_of(name)) && bytes_starts(h->fields[i].value, start))
			return forge_canon_field(a, true, &h->fields[i]);
	return B_NONE;
}

static inline struct bytes
forge_seal(struct arena *a, const struct forge_seal *seal, struct bytes message)
{
	static const char *const parts[] = { "ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal" };
	const char   *algorithm = EVP_PKEY_is_a(seal->pkey, "ED25519") ? "ed25519-sha256" : "rsa-sha256";
	struct bytes  common = arena_printf(a, "i=%u; a=%s; d=%s; s=s1", seal->instance, algorithm, seal->domain), text = B(""), body;
	struct header h;

	message = arena_printf(a, "ARC-Authentication-Results: i=%u; %s\r\n%.*s", seal->instance, seal->results, B_FMT(message));
	message = forge_sign(a, seal->pkey, "ARC-Message-Signature",
	                     arena_printf(a, "%.*s; %s", B_FMT(common), seal->message_tags != NULL ? seal->message_tags : "c=relaxed/relaxed; h=From:Subject"), message);
	forge_split(a, message, &h, &body);
	for (unsigned i = 1; i <= seal->instance; i++)
		for (size_t part = 0; part < NELEMS(parts) && (i < seal->instance || part < 2); part++)
			text = arena_printf(a, "%.*s%.*s\r\n", B_FMT(text), B_FMT(forge_arc_field(a, &h, parts[part], i)));
	struct field own = field_make(B("ARC-Seal"), arena_printf(a, " %.*s; cv=%s; b=", B_FMT(common), seal->cv));
	struct bytes b = forge_signature(a, seal->pkey, arena_join(a, text, forge_canon_field(a, true, &own)));
	return arena_printf(a, "ARC-Seal:%.*s%.*s\r\n%.*s", B_FMT(own.value), B_FMT(b), B_FMT(message));
}

/* A TXT answer of one record a line of `records`; none: NXDOMAIN. "$RSA2048",
 * "$ED25519" and so on stand for the keys' p=, "$BARE1024" for RSA1024 without
 * its SubjectPublicKeyInfo. */
static inline struct answer *
forge_answer(struct arena *a, struct bytes records)
{
	const struct forge_keys *k = forge_keys();
	const struct {
		const char *word;
		EVP_PKEY   *pkey;
	} words[] = {
		{ "$RSA2048", k->rsa2048 }, { "$RSA1024", k->rsa1024 }, { "$RSA512", k->rsa512 }, { "$ED25519", k->ed25519 },
		{ "$HUGE", k->huge },       { "$EVEN", k->even },       { "$ONE", k->one },
	};
	struct bytes rdata[16], line;
	size_t       count = 0;

	for (size_t i = 0; i < NELEMS(words); i++)
		records = forge_replace(a, records, bytes_of(words[i].word), forge_public(a, words[i].pkey));
	records = forge_replace(a, records, B("$BARE1024"), forge_bare(a, k->rsa1024));
	while (records.len > 0 && count < NELEMS(rdata) && bytes_cut(&records, '\n', &line)) {
		struct buf b = { 0 };
		do {
			struct bytes string = bytes_sub(line, 0, 255);
			buf_add_c(&b, (char)string.len);
			buf_add(&b, string);
			line = bytes_from(line, string.len);
		} while (line.len > 0);
		rdata[count++] = arena_copy(a, buf_bytes(&b));
		buf_free(&b);
	}
	return answer_new(count > 0 ? ANSWER_OK : ANSWER_NXDOMAIN, DNS_TXT, 300, rdata, count, B_NONE, B_NONE);
}

#endif
