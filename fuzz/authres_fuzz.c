/* fuzz/authres_fuzz.c: any field is read without harm, and what we write is one
 * line that reads back as the values it was made of. The input is a field, or
 * values between NULs. */
#include <assert.h>

#include "auth/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_kept(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < ' ' || value.at[i] > '~')
			return false;
	return value.len > 0 && value.len <= 400;
}

static void
write_and_read(struct arena *a, struct bytes input)
{
	struct authres_result r = { .method = METHOD_SPF, .result = RESULT_FAIL };
	struct authres        back;
	struct bytes          value, kept[AUTHRES_PROPS];
	size_t                n = 0;

	bytes_cut(&input, '\0', &r.comment);
	while (r.prop_count < AUTHRES_PROPS && bytes_cut(&input, '\0', &value)) {
		r.props[r.prop_count++] = (struct authres_prop){ "smtp", "mailfrom", value };
		if (is_kept(value))
			kept[n++] = value;
	}
	struct bytes text = authres_fold(a, authres_write(a, B("mx.example.com"), &r, 1));
	if (text.at == NULL)
		return;
	assert(authres_claims(a, text, B("mx.example.com")));
	assert(authres_parse(a, text, &back) || arena_overdrawn(a));
	if (arena_overdrawn(a))
		return;
	assert(back.count == 1 && back.said[0].prop_count == n && bytes_eq(back.said[0].result, B("fail")));
	for (size_t i = 0; i < n; i++)
		assert(bytes_eq(back.said[0].props[i].value, kept[i]));
	assert((r.comment.len > 0) == (back.said[0].comment.len > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena  *a = arena_new((size_t)4 << 20);
	struct bytes   input = bytes_make(data, size);
	struct authres r;

	authres_claims(a, input, B("mx.example.com"));
	if (authres_parse(a, input, &r))
		assert(r.count <= 32);
	if (size > 0)
		write_and_read(a, input);
	arena_free(a);
	return 0;
}
