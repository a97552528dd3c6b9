/* fuzz/spf_record_fuzz.c: the SPF record parser and the macros. The first line
 * of the input is HELO, the rest a text that is record, explanation and macro. */
#include <assert.h>

#include "auth/spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expand(struct arena *a, struct bytes text, enum spf_text kind, const struct spf_scope *scope)
{
	struct spf_fault fault;
	struct bytes     out;
	bool             needs_p;

	if (!spf_text_check(text, kind, &needs_p, &fault) || !spf_expand(a, text, scope, &out))
		return;
	assert(out.len <= SPF_EXPANSION_MAX);
	if (spf_name_fit(&out))
		assert(out.len > 0 && out.len <= DNS_NAME_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size), helo;

	if (!bytes_cut(&rest, '\n', &helo) || rest.len > 255)
		return 0;
	struct arena    *a = arena_new((size_t)1 << 20);
	struct spf_scope scope = { .sender = arena_join(a, helo, B("@example.com")),
		                   .local = helo,
		                   .origin = B("example.com"),
		                   .domain = B("a.example.com"),
		                   .client = helo,
		                   .helo = helo,
		                   .receiver = B("example.net"),
		                   .ip = { 6, { 0x20, 0x01, 0x0d, 0xb8 } } };
	char             length = (char)rest.len;
	struct bytes     rdata = arena_join(a, bytes_make(&length, 1), rest);
	struct answer   *answer = answer_new(ANSWER_OK, DNS_TXT, 60, &rdata, 1, B_NONE, B_NONE);

	const struct spf_record *r = answer != NULL ? spf_record_of(a, answer) : NULL;
	for (size_t i = 0; r != NULL && r->valid && i < r->count; i++)
		if (r->terms[i].spec.len > 0)
			expand(a, r->terms[i].spec, SPF_DOMAIN_SPEC, &scope);
	for (int kind = SPF_DOMAIN_SPEC; kind <= SPF_EXPLANATION; kind++)
		expand(a, rest, (enum spf_text)kind, &scope);
	answer_unref(answer);
	arena_free(a);
	return 0;
}
