/* auth/key.c: see key.h.
 *
 * RSA keys are walked here and handed to OpenSSL as numbers: its own decoder
 * costs several times a verification. Sizes are checked before that, so no
 * absurd number is ever computed with (RFC 8301 section 3.2). */
#include "auth/key.h"

#include <stdlib.h>

#include "auth/digest.h"
#include "auth/openssl.h"
#include "base/codec.h"

#define KEY_TEXT_MAX   4096 /* of p=: an RSA key of some 24000 bits */
#define RSA_BITS_MIN   1024
#define RSA_BITS_MAX   4096
#define EXPONENT_MAX   8 /* octets; OpenSSL's own limit for large keys, here for all: it bounds the work */
#define ED25519_OCTETS 32

struct key {
	bool           sound; /* it is a key record */
	enum reason    fault; /* of a sound one that cannot be used: revoked, too short... */
	bool           faulty;
	enum algorithm algorithm;
	bool           sha256; /* h= */
	bool           email; /* s= */
	bool           strict; /* t=s */
	bool           testing; /* t=y */
	unsigned       bits;
	EVP_PKEY      *pkey;
};

struct keyring {
	size_t     count;
	struct key keys[KEY_COUNT_MAX];
};

static void
keyring_free(void *arg)
{
	struct keyring *ring = arg;

	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i].pkey != NULL)
			openssl.EVP_PKEY_free(ring->keys[i].pkey);
	free(ring);
}

/* Take one DER element (definite length) with the given tag. */
static bool
der_take(struct bytes *rest, uint8_t tag, struct bytes *inner_out)
{
	const uint8_t *p = (const uint8_t *)rest->at;
	size_t         head = 2, len;

	if (rest->len < 2 || p[0] != tag)
		return false;
	len = p[1];
	if (len >= 0x80) {
		size_t octets = len - 0x80;
		if (octets < 1 || octets > 3 || rest->len < 2 + octets)
			return false;
		len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | p[2 + i];
		head += octets;
	}
	if (len > rest->len - head)
		return false;
	*inner_out = bytes_sub(*rest, head, len);
	bytes_skip(rest, head + len);
	return true;
}

/* A positive INTEGER, without leading zeros. */
static bool
der_take_number(struct bytes *rest, struct bytes *number_out)
{
	struct bytes n;

	if (!der_take(rest, 0x02, &n) || n.len == 0 || ((unsigned char)n.at[0] & 0x80) != 0)
		return false;
	while (n.len > 0 && n.at[0] == '\0')
		bytes_skip(&n, 1);
	*number_out = n;
	return n.len > 0;
}

/* RFC 6376 section 3.6.1 says RSAPublicKey, everybody publishes a
 * SubjectPublicKeyInfo around it (as its own examples do): both are read. */
static bool
rsa_numbers(struct bytes der, struct bytes *modulus_out, struct bytes *exponent_out)
{
	static const char rsa_encryption[] = { 0x06, 0x09, 0x2a, (char)0x86, 0x48, (char)0x86, (char)0xf7, 0x0d, 0x01, 0x01, 0x01 };
	struct bytes      outer, algorithm, bits, inner;

	if (!der_take(&der, 0x30, &outer) || der.len > 0)
		return false;
	inner = outer;
	if (der_take(&outer, 0x30, &algorithm)) {
		if (!bytes_starts(algorithm, bytes_make(rsa_encryption, sizeof(rsa_encryption))))
			return false;
		/* No bits of the last octet may be unused. */
		if (!der_take(&outer, 0x03, &bits) || outer.len > 0 || bits.len == 0 || bits.at[0] != 0)
			return false;
		bytes_skip(&bits, 1);
		if (!der_take(&bits, 0x30, &inner) || bits.len > 0)
			return false;
	}
	return der_take_number(&inner, modulus_out) && der_take_number(&inner, exponent_out) && inner.len == 0;
}

static bool
is_odd(struct bytes number)
{
	return (number.at[number.len - 1] & 1) != 0;
}

static unsigned
bits_of(struct bytes number)
{
	unsigned bits = (unsigned)(number.len - 1) * 8;

	for (unsigned top = (unsigned char)number.at[0]; top > 0; top >>= 1)
		bits++;
	return bits;
}

static EVP_PKEY *
rsa_make(struct bytes modulus, struct bytes exponent)
{
	EVP_PKEY       *pkey = NULL;
	BIGNUM         *n = openssl.BN_bin2bn((const unsigned char *)modulus.at, (int)modulus.len, NULL);
	BIGNUM         *e = openssl.BN_bin2bn((const unsigned char *)exponent.at, (int)exponent.len, NULL);
	OSSL_PARAM_BLD *build = openssl.OSSL_PARAM_BLD_new();
	OSSL_PARAM     *params = NULL;
	EVP_PKEY_CTX   *ctx = openssl.EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

	if (n != NULL && e != NULL && build != NULL && ctx != NULL && openssl.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    openssl.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = openssl.OSSL_PARAM_BLD_to_param(build);
	if (params != NULL && openssl.EVP_PKEY_fromdata_init(ctx) == 1)
		(void)openssl.EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	openssl.OSSL_PARAM_free(params);
	openssl.OSSL_PARAM_BLD_free(build);
	openssl.EVP_PKEY_CTX_free(ctx);
	openssl.BN_free(n);
	openssl.BN_free(e);
	openssl.ERR_clear_error();
	return pkey;
}

static void
set_fault(struct key *k, enum reason reason)
{
	if (k->faulty)
		return;
	k->faulty = true;
	k->fault = reason;
}

static void
decode_rsa(struct key *k, struct bytes octets)
{
	struct bytes n, e;

	if (!rsa_numbers(octets, &n, &e) || !is_odd(n) || !is_odd(e) || e.len > EXPONENT_MAX || bits_of(e) < 2) {
		set_fault(k, REASON_DKIM_KEY_SYNTAX);
		return;
	}
	k->bits = bits_of(n);
	if (k->bits < RSA_BITS_MIN)
		set_fault(k, REASON_DKIM_KEY_SHORT);
	else if (k->bits > RSA_BITS_MAX)
		set_fault(k, REASON_DKIM_KEY_LONG);
	else
		k->pkey = digest_sha256() != NULL ? rsa_make(n, e) : NULL;
}

static void
decode_ed25519(struct key *k, struct bytes octets)
{
	if (octets.len != ED25519_OCTETS) {
		set_fault(k, REASON_DKIM_KEY_SYNTAX);
		return;
	}
	k->bits = 256;
	if (digest_sha256() == NULL)
		return;
	k->pkey = openssl.EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)octets.at, octets.len);
	openssl.ERR_clear_error();
}

static bool
list_has(const struct tag *tag, struct bytes word)
{
	struct bytes rest = tag != NULL ? tag->value : B_NONE, item;

	while (bytes_cut(&rest, ':', &item))
		if (bytes_eq_nocase(bytes_trim(item), word))
			return true;
	return false;
}

static void
read_type(struct key *k, const struct tag *tag)
{
	if (tag == NULL || bytes_eq_nocase(tag->value, B("rsa")))
		k->algorithm = RSA_SHA256;
	else if (bytes_eq_nocase(tag->value, B("ed25519")))
		k->algorithm = ED25519_SHA256;
	else
		set_fault(k, REASON_DKIM_KEY_TYPE);
}

static void
read_octets(struct arena *a, struct key *k, struct bytes text)
{
	struct bytes octets;

	if (text.len == 0)
		set_fault(k, REASON_DKIM_KEY_REVOKED);
	else if (text.len > KEY_TEXT_MAX || !base64_decode(a, text, &octets))
		set_fault(k, REASON_DKIM_KEY_SYNTAX);
	else if (!k->faulty && k->algorithm == RSA_SHA256)
		decode_rsa(k, octets);
	else if (!k->faulty)
		decode_ed25519(k, octets);
}

/* RFC 6376 section 3.6.1: v=, if it is there, is the first tag, and DKIM1. */
bool
key_is(struct bytes text, struct taglist *list_out)
{
	if (!taglist_parse(text, list_out) || taglist_get(list_out, B("p")) == NULL)
		return false;
	const struct tag *v = taglist_get(list_out, B("v"));
	return v == NULL || (v == list_out->tags && bytes_eq(v->value, B("DKIM1")));
}

static void
key_parse(struct arena *a, struct bytes text, struct key *k)
{
	struct taglist    list;
	const struct tag *h, *s;

	*k = (struct key){ .fault = REASON_DKIM_KEY_SYNTAX };
	k->sound = key_is(text, &list);
	if (!k->sound) {
		k->faulty = true;
		return;
	}
	h = taglist_get(&list, B("h"));
	s = taglist_get(&list, B("s"));
	k->sha256 = h == NULL || list_has(h, B("sha256"));
	k->email = s == NULL || list_has(s, B("email")) || list_has(s, B("*"));
	k->strict = list_has(taglist_get(&list, B("t")), B("s"));
	k->testing = list_has(taglist_get(&list, B("t")), B("y"));
	read_type(k, taglist_get(&list, B("k")));
	read_octets(a, k, taglist_get(&list, B("p"))->value);
}

/* NULL when memory is spent. A ring that could not be made whole is not kept. */
static struct keyring *
keyring_new(struct arena *a, const struct answer *answer, bool *whole_out)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	*whole_out = true;
	if (ring == NULL)
		return NULL;
	for (size_t i = 0; i < answer->count && i < KEY_RECORDS_MAX && ring->count < KEY_COUNT_MAX; i++) {
		struct key *k = &ring->keys[ring->count];
		key_parse(a, answer_txt(a, answer->rdata[i]), k);
		*whole_out = *whole_out && (k->faulty || k->pkey != NULL);
		/* Other people's TXT records do not crowd out a key. */
		if (k->sound || (ring->count == 0 && i + 1 == answer->count))
			ring->count++;
	}
	*whole_out = *whole_out && !arena_overdrawn(a);
	return ring;
}

static const struct keyring *
keyring_of(struct arena *a, const struct answer *answer)
{
	struct keyring *ring = answer_made(answer, keyring_free);
	bool            whole;

	if (ring != NULL)
		return ring;
	ring = keyring_new(a, answer, &whole);
	if (ring == NULL)
		return NULL;
	if (!whole) {
		keyring_free(ring);
		return NULL;
	}
	if (answer_keep(answer, ring, keyring_free))
		return ring;
	/* Another thread was first, or another thinker uses this answer too. */
	return arena_on_free(a, keyring_free, ring) ? ring : NULL;
}

static bool
verify_rsa(EVP_PKEY *pkey, struct bytes b, const uint8_t hash[32])
{
	EVP_PKEY_CTX *ctx = openssl.EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool          agrees = ctx != NULL && openssl.EVP_PKEY_verify_init(ctx) == 1 && openssl.EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	              openssl.EVP_PKEY_CTX_set_signature_md(ctx, digest_sha256()) == 1 &&
	              openssl.EVP_PKEY_verify(ctx, (const unsigned char *)b.at, b.len, hash, DIGEST_LEN) == 1;

	openssl.EVP_PKEY_CTX_free(ctx);
	return agrees;
}

/* RFC 8463 section 3: PureEdDSA over the SHA-256 of the header. */
static bool
verify_ed25519(EVP_PKEY *pkey, struct bytes b, const uint8_t hash[32])
{
	EVP_MD_CTX *ctx = openssl.EVP_MD_CTX_new();
	bool        agrees = ctx != NULL && b.len == 64 && openssl.EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	              openssl.EVP_DigestVerify(ctx, (const unsigned char *)b.at, b.len, hash, DIGEST_LEN) == 1;

	openssl.EVP_MD_CTX_free(ctx);
	return agrees;
}

static struct key_verdict
key_try(const struct key *k, const struct signature *s, const uint8_t hash[32])
{
	struct key_verdict v = { .word = KEY_UNUSABLE, .bits = k->bits, .testing = k->testing };
	bool               agrees;

	if (!k->sound || (k->faulty && k->fault == REASON_DKIM_KEY_REVOKED))
		v.reason = k->fault;
	else if (k->algorithm != s->algorithm)
		v.reason = REASON_DKIM_KEY_TYPE;
	else if (k->faulty)
		v.reason = k->fault;
	else if (!k->sha256)
		v.reason = REASON_DKIM_KEY_HASH;
	else if (!k->email)
		v.reason = REASON_DKIM_KEY_SERVICE;
	else if (k->strict && !bytes_eq(s->identity_domain, s->domain))
		v.reason = REASON_DKIM_KEY_STRICT;
	else {
		agrees = k->algorithm == RSA_SHA256 ? verify_rsa(k->pkey, s->b, hash) : verify_ed25519(k->pkey, s->b, hash);
		if (!agrees)
			openssl.ERR_clear_error();
		v.word = agrees ? KEY_AGREES : KEY_DISAGREES;
	}
	return v;
}

struct key_verdict
key_ask(struct arena *a, const struct answer *answer, const struct signature *s, const uint8_t hash[32])
{
	struct key_verdict    best = { .word = KEY_UNUSABLE, .reason = REASON_DKIM_NO_KEY };
	const struct keyring *ring;

	if (answer->status != ANSWER_OK || answer->count == 0)
		return best;
	ring = keyring_of(a, answer);
	if (ring == NULL) {
		arena_spoil(a);
		return (struct key_verdict){ .word = KEY_NO_MEMORY };
	}
	best.reason = REASON_DKIM_KEY_SYNTAX; /* only records that are no keys */
	for (size_t i = 0; i < ring->count && best.word != KEY_AGREES; i++) {
		struct key_verdict v = key_try(&ring->keys[i], s, hash);
		if (i == 0 || v.word != KEY_UNUSABLE)
			best = v;
	}
	return best;
}
