/* diagnose/reverse.c: see reverse.h. */
#include "diagnose/reverse.h"

static struct checked
leads_back(const struct reverse *r, struct arena *a, const struct answer *answer, struct bytes ip)
{
	struct ip back;

	for (size_t i = 0; answer->status == ANSWER_OK && i < answer->count; i++)
		if (answer_ip(answer, i, &back) && ip_eq(&back, &r->ip))
			return (struct checked){ "ptr", CHECK_FINE, arena_printf(a, "%.*s is called %.*s, and that name leads back to it", B_FMT(ip),
			                                                         B_FMT(r->name)) };
	return (struct checked){ "ptr", CHECK_FAULT, arena_printf(a, "%.*s is called %.*s, but that name does not lead back to it", B_FMT(ip),
	                                                          B_FMT(r->name)) };
}

enum step
reverse_step(struct reverse *r, struct arena *a, const struct answer *answer, struct ask *ask_out, struct checked *checked_out)
{
	char         arpa[IP_ARPA_MAX], text[IP_TEXT_MAX];
	struct bytes ip = arena_copy(a, bytes_make(text, ip_format(&r->ip, text)));

	if (!r->asked) {
		r->asked = true;
		*ask_out = (struct ask){ DNS_PTR, arena_copy(a, bytes_make(arpa, ip_arpa(&r->ip, arpa))) };
		return STEP_ASKS;
	}
	if (answer_is_trouble(answer)) {
		*checked_out = (struct checked){ "ptr", CHECK_UNKNOWN, arena_printf(a, "the reverse DNS of %.*s could not be looked up", B_FMT(ip)) };
		return STEP_DONE;
	}
	if (r->name.len > 0) {
		*checked_out = leads_back(r, a, answer, ip);
		return STEP_DONE;
	}
	r->name = answer->status == ANSWER_OK ? answer_name(a, answer->rdata[0]) : B_NONE;
	if (r->name.len == 0) {
		*checked_out = (struct checked){ "ptr", CHECK_FAULT, arena_printf(a, "%.*s has no reverse DNS name", B_FMT(ip)) };
		return STEP_DONE;
	}
	*ask_out = (struct ask){ r->ip.family == 6 ? DNS_AAAA : DNS_A, r->name };
	return STEP_ASKS;
}
