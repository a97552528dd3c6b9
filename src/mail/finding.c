/* mail/finding.c: see finding.h. */
#include "mail/finding.h"

static const struct bytes results[] = {
	[RESULT_NONE] = B_INIT("none"),           [RESULT_PASS] = B_INIT("pass"),
	[RESULT_FAIL] = B_INIT("fail"),           [RESULT_SOFTFAIL] = B_INIT("softfail"),
	[RESULT_NEUTRAL] = B_INIT("neutral"),     [RESULT_POLICY] = B_INIT("policy"),
	[RESULT_TEMPERROR] = B_INIT("temperror"), [RESULT_PERMERROR] = B_INIT("permerror"),
};

const char *
method_word(enum method m)
{
	static const char *const words[] = {
		[METHOD_SPF] = "spf",     [METHOD_DKIM] = "dkim",   [METHOD_ARC] = "arc",
		[METHOD_DMARC] = "dmarc", [METHOD_IPREV] = "iprev", [METHOD_FROM] = "from",
	};
	return words[m];
}

const char *
result_word(enum result r)
{
	return results[r].at;
}

bool
result_of(struct bytes word, enum result *result_out)
{
	for (size_t i = 0; i < NELEMS(results); i++)
		if (bytes_eq_nocase(results[i], word)) {
			*result_out = (enum result)i;
			return true;
		}
	return false;
}

enum reason
reason_of_trouble(const struct answer *a, enum reason timeout, enum reason servfail, enum reason bogus)
{
	if (a == NULL || a->status == ANSWER_TIMEOUT)
		return timeout;
	return a->status == ANSWER_BOGUS ? bogus : servfail;
}
