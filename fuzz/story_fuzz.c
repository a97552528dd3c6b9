/* fuzz/story_fuzz.c: a story of any text: what can be read is judged and written again. */
#include "desk/story.h"
#include "policy/judge.h"
#include "session/account_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena      *a = arena_new((size_t)16 << 20);
	struct conf_faults faults = { .count = 0 };
	struct settings   *s = settings_read(a, NULL, B(""), B("mx.example.net"), &faults);
	struct bytes       why;
	struct account    *account = story_read(a, bytes_make(data, size), &why);

	if (account != NULL && s != NULL) {
		struct buf  out = { .limit = (size_t)32 << 20 };
		struct json j = json_to(&out, false);
		account_json(&j, account);
		buf_free(&out);
		(void)judge(a, s, NULL, &account->facts, account->id);
	}
	settings_unref(s);
	arena_free(a);
	return 0;
}
