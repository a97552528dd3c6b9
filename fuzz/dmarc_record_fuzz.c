/* fuzz/dmarc_record_fuzz.c: a record is slices of its text; what counts as
 * valid is valid, and writing it down again reads the same. */
#include <assert.h>

#include "auth/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_uris(struct bytes text, const struct bytes *uris, size_t count)
{
	assert(count <= DMARC_URIS);
	for (size_t i = 0; i < count; i++) {
		assert(uris[i].at >= text.at && uris[i].at + uris[i].len <= text.at + text.len);
		assert(bytes_has(uris[i], ':') && !bytes_has(uris[i], '!') && !bytes_has(uris[i], ',') && !bytes_has(uris[i], ' '));
	}
}

static const char *
word_of(enum dmarc_policy p)
{
	return p != POLICY_ABSENT ? policy_word(p) : "";
}

static void
check_again(struct arena *a, const struct dmarc_record *r)
{
	static const char   psd[] = "uny";
	struct dmarc_record again;
	struct bytes        text = arena_printf(a, "v=DMARC1; p=%s; psd=%c; t=%c; adkim=%c; aspf=%c", word_of(r->p), psd[r->psd], r->testing ? 'y' : 'n',
	                                        r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r');

	assert(dmarc_record_parse(text, &again));
	assert(again.p == r->p && again.psd == r->psd && again.testing == r->testing);
	assert(again.strict_dkim == r->strict_dkim && again.strict_spf == r->strict_spf);
	assert(!again.bad_policy == (r->p != POLICY_ABSENT));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena       *a = arena_new((size_t)1 << 20);
	struct bytes        text = bytes_make(data, size);
	struct dmarc_record r;

	if (size > 0 && dmarc_record_parse(text, &r)) {
		assert(bytes_starts_nocase(text, B("v")));
		assert(r.bad_policy || r.p != POLICY_ABSENT);
		check_uris(text, r.rua, r.rua_count);
		check_uris(text, r.ruf, r.ruf_count);
		check_again(a, &r);
	}
	arena_free(a);
	return 0;
}
