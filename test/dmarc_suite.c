/* test/dmarc_suite.c: judges cases from plain text with auth/dmarc, for
 * dmarc_suite.py, which compares.
 *
 * Standard input is lines "key value": `zone` begins a zone whose lines follow
 * until `end`; then from ADDRESS, spf RESULT DOMAIN, dkim RESULT DOMAIN (any
 * number), and `judge NAME`, which prints a line of fields between tabs: name,
 * result, policy, applied, policy_domain, org_domain, queries, rua, reason. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/dmarc.h"
#include "base/file.h"
#include "base/zone.h"
#include "mail/address.h"
#include "mail/domain.h"

struct suite {
	struct arena         *arena; /* of one case */
	struct zone          *zone;
	struct bytes          from;
	struct dmarc_identity spf, dkim[16];
	size_t                dkim_count;
};

static void
die(struct bytes why)
{
	fprintf(stderr, "%.*s\n", B_FMT(why));
	exit(2);
}

static void
begin(struct suite *s, struct bytes *rest)
{
	struct bytes why;
	size_t       n = bytes_find(*rest, B("\nend\n"));

	arena_free(s->arena);
	*s = (struct suite){ .arena = arena_new((size_t)1 << 24), .spf = { B(""), RESULT_NONE } };
	/* A zone without lines is "end" at once. */
	if (bytes_starts(*rest, B("end\n")))
		n = 0;
	if (zone_parse(s->arena, bytes_sub(*rest, 0, n + (n > 0)), &s->zone, &why) != RC_OK)
		die(why);
	bytes_skip(rest, n > 0 ? n + 5 : 4);
}

/* The domain of the From field that holds this address; empty when it is refused. */
static struct bytes
from_domain(struct suite *s, struct bytes address)
{
	struct header  h = { 0 };
	struct mailbox m = { .domain = B("") };

	if (!header_add(s->arena, &h, B("From"), address))
		die(B("memory is spent"));
	from_of(s->arena, &h, &m);
	return m.domain;
}

static struct dmarc_identity
identity(struct suite *s, struct bytes value)
{
	struct bytes          word = B("");
	struct dmarc_identity id = { B(""), RESULT_NONE };

	bytes_cut(&value, ' ', &word);
	if (!result_of(word, &id.result))
		die(word);
	id.domain = domain_normal(s->arena, value);
	return id;
}

static void
print_list(const struct bytes *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s%.*s", i > 0 ? " " : "", B_FMT(list[i]));
	putchar('\t');
}

static void
judge(struct suite *s, struct bytes name)
{
	struct dmarc_query q = { s->from, s->spf, s->dkim, s->dkim_count, DISCOVERY_TREEWALK, NULL };
	struct dmarc      *d = dmarc_new(s->arena, &q);
	struct answer     *answer = NULL;
	struct ask         ask;
	struct finding     f;

	if (d == NULL)
		die(B("memory is spent"));
	while (dmarc_step(d, answer, &ask, &f) == STEP_ASKS) {
		answer_unref(answer);
		answer = zone_answer(s->zone, &ask);
	}
	answer_unref(answer);
	const struct dmarc_report *r = dmarc_report(d);
	const char                *policy = policy_word(r->policy), *applied = policy_word(r->applied);
	printf("%.*s\t%s\t%s\t%s\t%.*s\t%.*s\t", B_FMT(name), result_word(f.result), policy != NULL ? policy : "", applied != NULL ? applied : "",
	       B_FMT(r->policy_domain), B_FMT(r->org_domain));
	print_list(r->queries, r->query_count);
	print_list(r->rua, r->rua_count);
	puts(reason_word(f.reason));
}

int
main(void)
{
	struct buf   in = { 0 };
	struct suite s = { 0 };
	struct bytes line, key;

	if (file_read_fd(0, &in) != RC_OK)
		die(B("standard input cannot be read"));
	struct bytes rest = buf_bytes(&in);
	while (bytes_cut_line(&rest, &line)) {
		bytes_cut(&line, ' ', &key);
		if (bytes_eq(key, B("zone")))
			begin(&s, &rest);
		else if (bytes_eq(key, B("from")))
			s.from = from_domain(&s, line);
		else if (bytes_eq(key, B("spf")))
			s.spf = identity(&s, line);
		else if (bytes_eq(key, B("dkim")) && s.dkim_count < NELEMS(s.dkim))
			s.dkim[s.dkim_count++] = identity(&s, line);
		else if (bytes_eq(key, B("judge")))
			judge(&s, line);
		else
			die(arena_printf(s.arena, "no such line: %.*s", B_FMT(key)));
	}
	arena_free(s.arena);
	buf_free(&in);
	return 0;
}
