/* fuzz/explain_fuzz.c: any octets as a report, as pasted text and as a line of
 * JSON; everything that is printed is made too. */
#include "base/json.h"
#include "diagnose/claim.h"
#include "diagnose/explain.h"
#include "diagnose/mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_all(struct arena *a, const struct explained *x)
{
	struct buf  out = { 0 };
	struct json j = json_to(&out, false);
	struct claim claim;

	if (x == NULL)
		return;
	explained_json(&j, a, x, FOR_ADMIN, NULL);
	(void)!claim_take(a, x, &claim);
	explained_text(&out, a, x, FOR_USER);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *rules;
	struct arena        *a = arena_new((size_t)8 << 20);
	struct bytes         text = bytes_make(data, size), rest = text, message;

	if (rules == NULL)
		rules = rules_new();
	write_all(a, explain_message(a, rules, text));
	write_all(a, explain_paste(a, rules, text));
	write_all(a, explain_line(a, rules, text));
	while (mbox_cut(&rest, &message))
		;
	arena_free(a);
	return 0;
}
