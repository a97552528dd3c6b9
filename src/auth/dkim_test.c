/* auth/dkim_test.c: messages signed, published and altered in every way we
 * could think of; each row checks the result and the reason. */
#include "base/rows.h"

#include "auth/dkim.h"
#include "auth/forge.h"

#define NOW 1700000000

#define MAIL                                                                                                                               \
	"From: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: two\r\n words\r\nSubject : one mark\r\n"                             \
	"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nHello  Bob,\t \r\n\r\nbye mark\r\n\r\n\r\n"

#define RSA "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From:To:Subject:Date"
#define KEY "v=DKIM1; k=rsa; p=$RSA1024"

enum signer { BY_1024, BY_2048, BY_512, BY_ED };

static const struct row {
	const char *name;
	const char *tags;
	const char *key; /* records, one a line; NULL: NXDOMAIN */
	enum result result;
	enum reason reason;
	const char *from, *to; /* what is replaced after signing; NULL: nothing */
	enum signer signer;
} rows[] = {
	/* what passes */
	{ "relaxed/relaxed verifies", RSA, KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "simple/simple verifies", "v=1; a=rsa-sha256; c=simple/simple; d=example.com; s=s1; h=From:Subject", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "relaxed/simple verifies", "v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=s1; h=From:Subject", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "simple/relaxed verifies", "v=1; a=rsa-sha256; c=simple/relaxed; d=example.com; s=s1; h=From:Subject", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "c=relaxed means relaxed/simple", "v=1; a=rsa-sha256; c=relaxed; d=example.com; s=s1; h=From", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "no c= means simple/simple", "v=1; a=rsa-sha256; d=example.com; s=s1; h=From", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "a key of 2048 bits in two strings verifies", RSA, "v=DKIM1; p=$RSA2048", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_2048 },
	{ "Ed25519 verifies", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From", "v=DKIM1; k=ed25519; p=$ED25519", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_ED },
	{ "a key record of nothing but p= will do", RSA, "p=$RSA1024", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "unknown tags in signature and key are passed over", RSA "; zz=1; z9_=a b", KEY "; n=a note; zz=;", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "white space and folding between tags and inside h= do not matter", "v = 1;\r\n\ta=rsa-sha256 ; c=relaxed/relaxed;\r\n d=example.com; s=s1; h= From :\r\n  To", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "a semicolon at the end is allowed", RSA "; q=dns/txt; x=1700000001; t=1600000000", KEY ";", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "i= below d= is allowed", RSA "; i=joe@mail.example.com", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "i= of d= itself agrees with t=s", RSA "; i=@example.com", KEY "; t=s", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "a testing key verifies all the same", RSA, KEY "; t=y", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "h= of the key may list sha256 among others", RSA, KEY "; h=sha1:sha256", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "s= of the key may be email or *", RSA, KEY "; s=tlsrpt : *", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "d= is compared without case", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=Example.COM; i=@example.com; s=S1; h=From", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "an unknown query method beside dns/txt is passed over", RSA "; q=carrier/pigeon:dns/txt", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "l= of the whole body passes", RSA "; l=24", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "x= in the last second is in time", RSA "; x=1700000000", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },

	/* fields: relaxed and simple, from the bottom, oversigned */
	{ "relaxed survives white space, folding and case of names", RSA, KEY, RESULT_PASS, REASON_DKIM_VERIFIED, "To: bob", "TO \t:\r\n   bob", BY_1024 },
	{ "simple does not", "v=1; a=rsa-sha256; c=simple/simple; d=example.com; s=s1; h=From:To", KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "To: bob", "To:  bob", BY_1024 },
	{ "fields of one name are taken from the bottom", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From:Subject", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, "two", "2", BY_1024 },
	{ "the upper one is signed when h= has the name twice", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=Subject:From:subject", KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "two", "2", BY_1024 },
	{ "a field added on top of an unsigned rest goes unseen", RSA, KEY, RESULT_PASS, REASON_DKIM_VERIFIED, "Alice <alice@example.com>\r\n", "Alice <alice@example.com>\r\nX-New: 1\r\n", BY_1024 },
	{ "a second From is seen where From is oversigned", RSA ":from", KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "To: bob", "From: eve@example.org\r\nTo: bob", BY_1024 },
	{ "a second From above is not seen where it is not", RSA, KEY, RESULT_PASS, REASON_DKIM_VERIFIED, "DKIM-Signature", "From: eve@example.org\r\nDKIM-Signature", BY_1024 },
	{ "a name in h= that is not there stands for nothing", RSA ":X-Missing:X-Missing", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "and adding it breaks the signature", RSA ":X-Missing", KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "To: bob", "X-Missing: a\r\nTo: bob", BY_1024 },
	{ "dkim-signature in h= is not the signature itself", RSA ":DKIM-Signature", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "b= inside another tag is not mistaken for the signature", "v=1; ab=b=1; a=rsa-sha256; c=simple/simple; d=example.com; s=s1; h=From", KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },

	/* altered on the way */
	{ "a changed body under a good b= was really signed", RSA, KEY, RESULT_FAIL, REASON_DKIM_BODY_CHANGED, "bye", "-- \r\nfooter", BY_1024 },
	{ "a changed field breaks b=", RSA, KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "one mark", "two mark", BY_1024 },
	{ "both changed: never signed", RSA, KEY, RESULT_FAIL, REASON_DKIM_NEVER_SIGNED, "mark", "work", BY_1024 },
	{ "another key signed", RSA, "p=$RSA2048", RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, NULL, NULL, BY_1024 },
	{ "Ed25519 over a changed field", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From:To", "k=ed25519; p=$ED25519", RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "bob@", "rob@", BY_ED },
	{ "a changed tag breaks b=", RSA, KEY, RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, "h=From:To:Subject:Date", "h=From:To:Subject:Date:X", BY_1024 },
	{ "a relaxed body survives trailing blanks and lines", RSA, KEY, RESULT_PASS, REASON_DKIM_VERIFIED, "bye", "bye  \t", BY_1024 },
	{ "a simple body does not", "v=1; a=rsa-sha256; d=example.com; s=s1; h=From", KEY, RESULT_FAIL, REASON_DKIM_BODY_CHANGED, "bye", "bye  \t", BY_1024 },

	/* l= */
	{ "l= shorter than the body does not pass", RSA "; l=5", KEY, RESULT_FAIL, REASON_DKIM_LENGTH_SHORT, NULL, NULL, BY_1024 },
	{ "what is appended behind l= does not pass", RSA "; l=24", KEY, RESULT_FAIL, REASON_DKIM_LENGTH_SHORT, "mark\r\n\r\n", "mark\r\nbuy this\r\n", BY_1024 },
	{ "l=0 does not pass", RSA "; l=0", KEY, RESULT_FAIL, REASON_DKIM_LENGTH_SHORT, NULL, NULL, BY_1024 },
	{ "l= with a change inside is a changed body", RSA "; l=5", KEY, RESULT_FAIL, REASON_DKIM_BODY_CHANGED, "Hello", "Hallo", BY_1024 },
	{ "l= beyond the body", RSA "; l=25", KEY, RESULT_FAIL, REASON_DKIM_LENGTH_LONG, NULL, NULL, BY_1024 },
	{ "l= beyond all numbers", RSA "; l=99999999999999999999999999999999", KEY, RESULT_FAIL, REASON_DKIM_LENGTH_LONG, NULL, NULL, BY_1024 },
	{ "l= of 77 digits does not parse", RSA "; l=00000000000000000000000000000000000000000000000000000000000000000000000000000", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },

	/* fields that do not parse, 6.1.1 */
	{ "a tag twice is refused", RSA "; d=example.com", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "two semicolons are refused", RSA ";;t=1", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "a tag without = is refused", RSA "; nothing", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "a tag name that begins with a digit is refused", RSA "; 1a=b", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "a control character is refused", RSA "; zz=a\001", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "tag names know case: D= is not d=", "v=1; a=rsa-sha256; D=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "v= must be there", "a=rsa-sha256; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "v= must be 1", "v=2; a=rsa-sha256; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_VERSION, NULL, NULL, BY_1024 },
	{ "a= must be there", "v=1; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "h= must be there", "v=1; a=rsa-sha256; d=example.com; s=s1", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "s= must be there", "v=1; a=rsa-sha256; d=example.com; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "d= must be there", "v=1; a=rsa-sha256; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, NULL, NULL, BY_1024 },
	{ "bh= must be there", RSA, KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, "bh=", "bx=", BY_1024 },
	{ "b= must be there", RSA, KEY, RESULT_PERMERROR, REASON_DKIM_MISSING_TAG, "; b=", "; bb=", BY_1024 },
	{ "b= must not be empty", RSA, KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "; b=", "; b=; zz=", BY_1024 },
	{ "b= must be base64", RSA, KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, "; b=", "; b=*", BY_1024 },
	{ "bh= must be 32 octets", RSA "; bh=AAAA", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "rsa-sha1 is refused with its own reason", "v=1; a=rsa-sha1; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_RSA_SHA1, NULL, NULL, BY_1024 },
	{ "an unknown algorithm is refused", "v=1; a=rsa-sha512; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_ALGORITHM, NULL, NULL, BY_1024 },
	{ "an unknown canonicalization is refused", "v=1; a=rsa-sha256; c=nowsp; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_CANON, NULL, NULL, BY_1024 },
	{ "an unknown body canonicalization is refused", "v=1; a=rsa-sha256; c=simple/; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_CANON, NULL, NULL, BY_1024 },
	{ "i= beside d= is refused", RSA "; i=@example.org", KEY, RESULT_PERMERROR, REASON_DKIM_IDENTITY, NULL, NULL, BY_1024 },
	{ "i= that only ends like d= is refused", RSA "; i=@badexample.com", KEY, RESULT_PERMERROR, REASON_DKIM_IDENTITY, NULL, NULL, BY_1024 },
	{ "i= above d= is refused", "v=1; a=rsa-sha256; d=mail.example.com; i=@example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_IDENTITY, NULL, NULL, BY_1024 },
	{ "i= without @ is refused", RSA "; i=example.com", KEY, RESULT_PERMERROR, REASON_DKIM_IDENTITY, NULL, NULL, BY_1024 },
	{ "From must be signed", "v=1; a=rsa-sha256; d=example.com; s=s1; h=To:Subject:X-From", KEY, RESULT_PERMERROR, REASON_DKIM_FROM_NOT_SIGNED, NULL, NULL, BY_1024 },
	{ "an empty name in h= is refused", RSA "::X", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "a top level domain signs nothing", "v=1; a=rsa-sha256; d=com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "d= that is no domain is refused", "v=1; a=rsa-sha256; d=exam ple.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "s= that is no name is refused", "v=1; a=rsa-sha256; d=example.com; s=a..b; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "an empty s= is refused", "v=1; a=rsa-sha256; d=example.com; s=; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "an expired signature fails", RSA "; x=1699999999", KEY, RESULT_FAIL, REASON_DKIM_EXPIRED, NULL, NULL, BY_1024 },
	{ "x=0 has expired too", RSA "; x=0", KEY, RESULT_FAIL, REASON_DKIM_EXPIRED, NULL, NULL, BY_1024 },
	{ "x= must be later than t=", RSA "; t=1800000000; x=1800000000", KEY, RESULT_PERMERROR, REASON_DKIM_TIMESTAMPS, NULL, NULL, BY_1024 },
	{ "t= must be a number", RSA "; t=yesterday", KEY, RESULT_PERMERROR, REASON_DKIM_SYNTAX, NULL, NULL, BY_1024 },
	{ "q= must have a method we know", RSA "; q=carrier/pigeon", KEY, RESULT_PERMERROR, REASON_DKIM_QUERY, NULL, NULL, BY_1024 },

	/* keys, 6.1.2 */
	{ "no record, no key", RSA, NULL, RESULT_PERMERROR, REASON_DKIM_NO_KEY, NULL, NULL, BY_1024 },
	{ "an empty p= is a revoked key", RSA, "v=DKIM1; k=rsa; p=", RESULT_PERMERROR, REASON_DKIM_KEY_REVOKED, NULL, NULL, BY_1024 },
	{ "p= must be there", RSA, "v=DKIM1; k=rsa", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "p= must be base64", RSA, "v=DKIM1; p=***", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "p= must be a key", RSA, "v=DKIM1; p=AAAA", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "a key with something behind it is refused", RSA, "v=DKIM1; p=$RSA1024 MA==", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "v= of the key must be DKIM1", RSA, "v=DKIM2; p=$RSA1024", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "v= of the key must be first", RSA, "p=$RSA1024; v=DKIM1", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "a record that is no key at all", RSA, "v=spf1 -all", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "an unknown k= is refused", RSA, "v=DKIM1; k=rsa-sha256; p=$RSA1024", RESULT_PERMERROR, REASON_DKIM_KEY_TYPE, NULL, NULL, BY_1024 },
	{ "an Ed25519 key does not verify RSA", RSA, "k=ed25519; p=$ED25519", RESULT_PERMERROR, REASON_DKIM_KEY_TYPE, NULL, NULL, BY_1024 },
	{ "an RSA key does not verify Ed25519", "v=1; a=ed25519-sha256; d=example.com; s=s1; h=From", KEY, RESULT_PERMERROR, REASON_DKIM_KEY_TYPE, NULL, NULL, BY_ED },
	{ "an Ed25519 key of the wrong length is refused", "v=1; a=ed25519-sha256; d=example.com; s=s1; h=From", "k=ed25519; p=AAAA", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_ED },
	{ "h= of the key without sha256 refuses", RSA, KEY "; h=sha1", RESULT_PERMERROR, REASON_DKIM_KEY_HASH, NULL, NULL, BY_1024 },
	{ "a key for TLS reports does not verify mail", RSA, KEY "; s=tlsrpt", RESULT_PERMERROR, REASON_DKIM_KEY_SERVICE, NULL, NULL, BY_1024 },
	{ "t=s refuses i= of a subdomain", RSA "; i=@sub.example.com", KEY "; t=y : s", RESULT_PERMERROR, REASON_DKIM_KEY_STRICT, NULL, NULL, BY_1024 },
	{ "a key of 512 bits is too short", RSA, "p=$RSA512", RESULT_PERMERROR, REASON_DKIM_KEY_SHORT, NULL, NULL, BY_512 },
	{ "a key of 4104 bits is too long", RSA, "p=$HUGE", RESULT_PERMERROR, REASON_DKIM_KEY_LONG, NULL, NULL, BY_1024 },
	{ "a bare RSAPublicKey is read too", RSA, "p=$BARE1024", RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "an even modulus is no key", RSA, "p=$EVEN", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "exponent 1 is no key", RSA, "p=$ONE", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "a key beside other people's records is found", RSA, "v=spf1 -all\ngoogle-site=x\n" KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "the second of two keys verifies", RSA, "p=$RSA2048\n" KEY, RESULT_PASS, REASON_DKIM_VERIFIED, NULL, NULL, BY_1024 },
	{ "a key that disagrees counts more than a revoked one", RSA, "p=\np=$RSA2048", RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, NULL, NULL, BY_1024 },
	{ "in whatever order they come", RSA, "p=$RSA2048\np=", RESULT_FAIL, REASON_DKIM_BAD_SIGNATURE, NULL, NULL, BY_1024 },
	{ "a key with v= behind p= is none", RSA, "p=$RSA1024; v=DKIM1; t=y", RESULT_PERMERROR, REASON_DKIM_KEY_SYNTAX, NULL, NULL, BY_1024 },
	{ "a fifth key is not tried", RSA, "p=\np=\np=\np=\n" KEY, RESULT_PERMERROR, REASON_DKIM_KEY_REVOKED, NULL, NULL, BY_1024 },
};

static EVP_PKEY *
key_of(enum signer signer)
{
	const struct forge_keys *k = forge_keys();
	EVP_PKEY *const          all[] = { k->rsa1024, k->rsa2048, k->rsa512, k->ed25519 };

	return all[signer];
}

struct outcome {
	struct finding            finding;
	const struct dkim_report *report;
	struct ask                ask; /* name empty: nothing was asked */
};

static struct outcome
verify(struct arena *a, struct bytes message, const struct answer *answer)
{
	struct header   *h = arena_take(a, sizeof(*h));
	struct bytes     body;
	struct outcome   out = { 0 };
	struct bodyhash *hash = bodyhash_new(a);

	forge_split(a, message, h, &body);
	struct dkim *d = dkim_new(a, h, header_find(h, B("dkim-signature"), 0), hash, NOW);
	assert_non_null(d);
	enum step step = dkim_step(d, NULL, &out.ask, &out.finding);
	bodyhash_feed(hash, body);
	bodyhash_end(hash);
	if (step == STEP_ASKS)
		step = dkim_step(d, answer, &out.ask, &out.finding);
	assert_int_equal(step, STEP_DONE);
	out.report = dkim_report(d);
	return out;
}

static void
expect(struct outcome out, enum result result, enum reason reason)
{
	assert_int_equal(out.finding.method, METHOD_DKIM);
	assert_string_equal(reason_word(out.finding.reason), reason_word(reason));
	assert_string_equal(result_word(out.finding.result), result_word(result));
}

static void
check(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new(4000000);
	struct bytes      message = forge_sign(a, key_of(row->signer), "DKIM-Signature", bytes_of(row->tags), B(MAIL));
	struct answer    *answer = forge_answer(a, bytes_of(row->key));

	if (row->from != NULL)
		message = forge_replace(a, message, bytes_of(row->from), bytes_of(row->to));
	expect(verify(a, message, answer), row->result, row->reason);
	/* Once more with what the slot of the answer keeps, if a key was looked at. */
	if (row->result == RESULT_PASS)
		assert_non_null(atomic_load(&answer->made));
	expect(verify(a, message, answer), row->result, row->reason);
	answer_unref(answer);
	arena_free(a);
}

/* RFC 6376 appendix A.2's message, signed anew in RFC 8463 appendix A. */
#define RFC8463_ED                                                                                                                         \
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"                  \
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"                     \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"               \
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
#define RFC8463_RSA                                                                                                                        \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"                      \
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n"                         \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"               \
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
#define RFC8463_MAIL                                                                                                                       \
	"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n"           \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"                 \
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

static const struct standard {
	const char *name, *message, *key, *key_name;
	unsigned    bits;
} standards[] = {
	{ "the Ed25519 example of RFC 8463 appendix A verifies", RFC8463_ED RFC8463_MAIL,
	  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "brisbane._domainkey.football.example.com", 256 },
	{ "the RSA example of RFC 8463 appendix A verifies", RFC8463_RSA RFC8463_MAIL,
	  "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/"
	  "byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
	  "test._domainkey.football.example.com", 1024 },
};

static void
check_standard(void **state)
{
	const struct standard *row = *state;
	struct arena          *a = arena_new(1000000);
	struct answer         *answer = forge_answer(a, bytes_of(row->key));
	struct outcome         out = verify(a, bytes_of(row->message), answer);

	expect(out, RESULT_PASS, REASON_DKIM_VERIFIED);
	assert_bytes(out.ask.name, bytes_of(row->key_name));
	assert_int_equal(out.report->bits, row->bits);
	assert_int_equal(out.report->signed_at, 1528637909);
	assert_bytes(out.report->identity, B("@football.example.com"));
	answer_unref(answer);
	arena_free(a);
}

static const struct trouble {
	const char        *name;
	enum answer_status status;
	enum result        result;
	enum reason        reason;
} troubles[] = {
	{ "a time-out is temperror", ANSWER_TIMEOUT, RESULT_TEMPERROR, REASON_DKIM_DNS_TIMEOUT },
	{ "SERVFAIL is temperror", ANSWER_SERVFAIL, RESULT_TEMPERROR, REASON_DKIM_DNS_SERVFAIL },
	{ "failed DNSSEC is temperror", ANSWER_BOGUS, RESULT_TEMPERROR, REASON_DKIM_DNS_BOGUS },
	{ "a name without TXT is no key", ANSWER_EMPTY, RESULT_PERMERROR, REASON_DKIM_NO_KEY },
	{ "no such name is no key", ANSWER_NXDOMAIN, RESULT_PERMERROR, REASON_DKIM_NO_KEY },
};

static void
check_trouble(void **state)
{
	const struct trouble *row = *state;
	struct arena         *a = arena_new(1000000);
	struct answer        *answer = answer_new(row->status, DNS_TXT, 0, NULL, 0, B_NONE, B_NONE);
	struct bytes          message = forge_sign(a, key_of(BY_1024), "DKIM-Signature", B(RSA), B(MAIL));

	expect(verify(a, message, answer), row->result, row->reason);
	answer_unref(answer);
	arena_free(a);
}

static void
a_silent_resolver_is_a_time_out(void **state)
{
	struct arena *a = arena_new(1000000);

	(void)state;
	expect(verify(a, forge_sign(a, key_of(BY_1024), "DKIM-Signature", B(RSA), B(MAIL)), NULL), RESULT_TEMPERROR, REASON_DKIM_DNS_TIMEOUT);
	arena_free(a);
}

static void
the_report_says_what_the_field_says(void **state)
{
	struct arena  *a = arena_new(1000000);
	struct answer *answer = forge_answer(a, B(KEY "; t=y"));
	struct bytes   tags = B("v=1; a=RSA-sha256; c=relaxed/relaxed; d=Example.com; s=1.2.3.4; h=From; t=5; x=1800000000; i=joe@a.example.com");
	struct outcome out = verify(a, forge_sign(a, key_of(BY_1024), "DKIM-Signature", tags, B(MAIL)), answer);

	(void)state;
	expect(out, RESULT_PASS, REASON_DKIM_VERIFIED);
	assert_bytes(out.finding.domain, B("example.com"));
	assert_bytes(out.report->domain, B("example.com"));
	assert_bytes(out.report->selector, B("1.2.3.4"));
	assert_bytes(out.report->identity, B("joe@a.example.com"));
	assert_bytes(out.report->algorithm, B("rsa-sha256"));
	assert_int_equal(out.report->bits, 1024);
	assert_true(out.report->testing);
	assert_int_equal(out.report->signature.len, 172);
	assert_int_equal(out.report->signed_at, 5);
	assert_int_equal(out.report->expires, 1800000000);
	answer_unref(answer);
	arena_free(a);
}

/* RFC 8616: the key of a U-label is asked for at its A-label. */
static void
a_u_label_is_asked_for_as_a_label(void **state)
{
	struct arena  *a = arena_new(1000000);
	struct answer *answer = forge_answer(a, B(KEY));
	struct bytes   tags = B("v=1; a=rsa-sha256; c=relaxed/relaxed; d=b\xc3\xbc" "cher.example; s=\xc3\xa4; i=@b\xc3\xbc" "cher.example; h=From");
	struct outcome out = verify(a, forge_sign(a, key_of(BY_1024), "DKIM-Signature", tags, B(MAIL)), answer);

	(void)state;
	expect(out, RESULT_PASS, REASON_DKIM_VERIFIED);
	assert_bytes(out.ask.name, B("xn--4ca._domainkey.xn--bcher-kva.example"));
	assert_bytes(out.finding.domain, B("xn--bcher-kva.example"));
	answer_unref(answer);
	arena_free(a);
}

static void
a_field_that_does_not_parse_still_names_its_domain(void **state)
{
	struct arena  *a = arena_new(1000000);
	struct outcome out = verify(a, B("DKIM-Signature: v=1; d=example.com; s=s1; d=x\r\nFrom: a@example.com\r\n\r\n"), NULL);

	(void)state;
	expect(out, RESULT_PERMERROR, REASON_DKIM_SYNTAX);
	assert_bytes(out.finding.domain, B("example.com"));
	assert_int_equal(out.ask.name.len, 0);
	arena_free(a);
}

/* A message with the given name 128 or more times in h=. */
static void
names_in_h_are_bounded(void **state)
{
	static const struct {
		size_t      extra;
		enum result result;
		enum reason reason;
	} cases[] = { { 127, RESULT_PASS, REASON_DKIM_VERIFIED }, { 128, RESULT_PERMERROR, REASON_DKIM_SYNTAX } };

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct arena  *a = arena_new(8000000);
		struct answer *answer = forge_answer(a, B(KEY));
		struct bytes   tags = B("v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From");
		for (size_t n = 0; n < cases[i].extra; n++)
			tags = arena_join(a, tags, B(":X"));
		expect(verify(a, forge_sign(a, key_of(BY_1024), "DKIM-Signature", tags, B(MAIL)), answer), cases[i].result, cases[i].reason);
		answer_unref(answer);
		arena_free(a);
	}
}

/* As signers do that begin with Ed25519: both algorithms, one body hash for both. */
static void
two_signatures_of_one_message_verify(void **state)
{
	struct arena    *a = arena_new(1000000);
	struct bodyhash *hash = bodyhash_new(a);
	struct header    h;
	struct bytes     body;
	struct ask       ask;
	struct outcome   out;

	(void)state;
	forge_split(a, B(RFC8463_ED RFC8463_RSA RFC8463_MAIL), &h, &body);
	struct dkim *both[2] = { dkim_new(a, &h, 0, hash, NOW), dkim_new(a, &h, 1, hash, NOW) };
	bodyhash_feed(hash, body);
	bodyhash_end(hash);
	for (size_t i = 0; i < 2; i++) {
		struct answer *answer = forge_answer(a, bytes_of(standards[i].key));
		assert_int_equal(dkim_step(both[i], NULL, &ask, &out.finding), STEP_ASKS);
		assert_bytes(ask.name, bytes_of(standards[i].key_name));
		assert_int_equal(dkim_step(both[i], answer, &ask, &out.finding), STEP_DONE);
		expect(out, RESULT_PASS, REASON_DKIM_VERIFIED);
		answer_unref(answer);
	}
	arena_free(a);
}

static void
body_hashes_are_bounded(void **state)
{
	struct arena    *a = arena_new(1000000);
	struct bodyhash *hash = bodyhash_new(a);
	struct header    h;
	struct bytes     body;
	struct ask       ask;
	struct outcome   out;

	(void)state;
	forge_split(a, forge_sign(a, key_of(BY_1024), "DKIM-Signature", B(RSA), B(MAIL)), &h, &body);
	for (uint64_t length = 0; length < BODYHASH_WISHES; length++)
		assert_true(bodyhash_want(hash, CANON_SIMPLE, length) >= 0);
	assert_int_equal(dkim_step(dkim_new(a, &h, 0, hash, NOW), NULL, &ask, &out.finding), STEP_DONE);
	expect(out, RESULT_POLICY, REASON_DKIM_TOO_MANY);
	arena_free(a);
}

/* Whatever the arena refuses, the end is NULL, temperror or the right verdict. */
static void
no_memory_is_never_a_wrong_verdict(void **state)
{
	struct arena  *keep = arena_new(1000000);
	struct bytes   message = forge_sign(keep, key_of(BY_1024), "DKIM-Signature", B(RSA), B(MAIL));
	struct header  h;
	struct bytes   body;
	size_t         passed = 0;

	(void)state;
	forge_split(keep, message, &h, &body);
	for (size_t limit = 0; limit < 40000; limit += 64) {
		struct arena    *aside = arena_new(100000);
		struct answer   *answer = forge_answer(aside, B(KEY));
		struct arena    *a = arena_new(limit);
		struct bodyhash *hash = bodyhash_new(a);
		struct dkim     *d = hash != NULL ? dkim_new(a, &h, 0, hash, NOW) : NULL;
		struct ask       ask;
		struct finding   f;
		if (d != NULL) {
			assert_int_equal(dkim_step(d, NULL, &ask, &f), STEP_ASKS);
			bodyhash_feed(hash, body);
			bodyhash_end(hash);
			assert_int_equal(dkim_step(d, answer, &ask, &f), STEP_DONE);
			assert_true(f.result == RESULT_PASS || (f.result == RESULT_TEMPERROR && f.reason == REASON_LIMIT_MEMORY && arena_overdrawn(a)));
			passed += f.result == RESULT_PASS;
		} else {
			assert_true(arena_overdrawn(a));
		}
		arena_free(a);
		answer_unref(answer);
		arena_free(aside);
	}
	assert_true(passed > 0);
	arena_free(keep);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	ROWS_ADD(standards, check_standard);
	ROWS_ADD(troubles, check_trouble);
	rows_add("a silent resolver is a time-out", a_silent_resolver_is_a_time_out, NULL);
	rows_add("the report says what the field says", the_report_says_what_the_field_says, NULL);
	rows_add("a U-label is asked for as an A-label", a_u_label_is_asked_for_as_a_label, NULL);
	rows_add("a field that does not parse still names its domain", a_field_that_does_not_parse_still_names_its_domain, NULL);
	rows_add("128 names in h= are read, 129 refused", names_in_h_are_bounded, NULL);
	rows_add("two signatures of one message verify", two_signatures_of_one_message_verify, NULL);
	rows_add("a signature that wants one body hash too many is not checked", body_hashes_are_bounded, NULL);
	rows_add("without memory there is never a wrong verdict", no_memory_is_never_a_wrong_verdict, NULL);
	return rows_run("dkim");
}
