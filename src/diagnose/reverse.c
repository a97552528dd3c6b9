/* diagnose/reverse.c: see reverse.h. */
#include "diagnose/reverse.h"

static void
take_names(struct reverse *r, struct arena *a, const struct answer *answer)
{
	for (size_t i = 0; answer->status == ANSWER_OK && i < answer->count && !r->more; i++) {
		struct bytes name = answer_name(a, answer->rdata[i]);
		r->more = name.len > 0 && r->count == REVERSE_NAMES;
		if (name.len > 0 && !r->more)
			r->names[r->count++] = name;
	}
}

static bool
leads_back(const struct reverse *r, const struct answer *answer)
{
	struct ip back;

	for (size_t i = 0; answer->status == ANSWER_OK && i < answer->count; i++)
		if (answer_ip(answer, i, &back) && ip_eq(&back, &r->ip))
			return true;
	return false;
}

/* None of the names led back. */
static struct checked
conclude(const struct reverse *r, struct arena *a, struct bytes ip)
{
	if (r->trouble)
		return (struct checked){ "ptr", CHECK_UNKNOWN, arena_printf(a, "the reverse DNS of %.*s could not be looked up", B_FMT(ip)) };
	if (r->count == 0)
		return (struct checked){ "ptr", CHECK_FAULT, arena_printf(a, "%.*s has no reverse DNS name", B_FMT(ip)) };
	if (r->more)
		return (struct checked){ "ptr", CHECK_UNKNOWN, arena_printf(a, "%.*s has more names than are looked at; none of the first %d leads back to it", B_FMT(ip), REVERSE_NAMES) };
	return (struct checked){ "ptr", CHECK_FAULT, arena_printf(a, "%.*s is called %.*s, but %s", B_FMT(ip), B_FMT(r->names[0]),
	                                                          r->count > 1 ? "neither that name nor another of it leads back to it" :
	                                                                         "that name does not lead back to it") };
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
		r->trouble = true;
	} else if (r->count == 0) {
		take_names(r, a, answer);
	} else if (leads_back(r, answer)) {
		*checked_out = (struct checked){ "ptr", CHECK_FINE, arena_printf(a, "%.*s is called %.*s, and that name leads back to it", B_FMT(ip),
		                                                                 B_FMT(r->names[r->at - 1])) };
		return STEP_DONE;
	}
	if (r->at < r->count) {
		*ask_out = (struct ask){ r->ip.family == 6 ? DNS_AAAA : DNS_A, r->names[r->at++] };
		return STEP_ASKS;
	}
	*checked_out = conclude(r, a, ip);
	return STEP_DONE;
}
