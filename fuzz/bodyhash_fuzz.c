/* fuzz/bodyhash_fuzz.c: a body hashed whole and in cuts must give one hash,
 * and that of the plain canonicalization of auth/forge.h. The first octet of
 * the input is the size of the cuts. */
#include "auth/bodyhash.h"
#include "auth/forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hash_it(struct bytes body, size_t step, enum canon canon, uint64_t length, uint8_t hash[32])
{
	struct arena    *a = arena_new((size_t)1 << 16);
	struct bodyhash *h = bodyhash_new(a);
	int              handle = bodyhash_want(h, canon, length);
	uint64_t         total;

	for (size_t i = 0; i < body.len; i += step)
		bodyhash_feed(h, bytes_sub(body, i, step));
	bodyhash_end(h);
	bodyhash_value(h, handle, hash, &total);
	arena_free(a);
}

static void
check(struct bytes body, size_t step, enum canon canon, uint64_t length)
{
	struct arena *a = arena_new((size_t)64 << 20);
	uint8_t       whole[32], cut[32], plain[32];

	hash_it(body, body.len + 1, canon, length, whole);
	hash_it(body, step, canon, length, cut);
	if (memcmp(whole, cut, sizeof(cut)) != 0)
		abort();
	if (body.len <= 512) {
		struct bytes text = forge_canon_body(a, canon == CANON_RELAXED, body);
		forge_sha256(length < text.len ? bytes_sub(text, 0, (size_t)length) : text, plain);
		if (memcmp(whole, plain, sizeof(plain)) != 0)
			abort();
	}
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct bytes body = bytes_make(data + 1, size - 1);
	size_t       step = (size_t)data[0] + 1;
	check(body, step, CANON_SIMPLE, BODYHASH_ALL);
	check(body, step, CANON_RELAXED, BODYHASH_ALL);
	check(body, step, CANON_RELAXED, data[0]);
	return 0;
}
