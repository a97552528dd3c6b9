/* auth/spf.c: see spf.h. check_host() of RFC 7208 section 4 as a machine with
 * its own stack: an include opens a frame, a redirect replaces the record of
 * one. Both spend one of the ten lookups, so frames are bounded.
 *
 * What is hard: a term may need %{p} (7.3), and so may exp= and its text. Then
 * the client's names are looked up first, once for the whole evaluation, and
 * the term is begun again. */
#include "auth/spf.h"

#include <assert.h>

#include "auth/spf_macro.h"
#include "auth/spf_record.h"
#include "base/utf8.h"
#include "mail/domain.h"

#define LOOKUPS_MAX 10 /* 4.6.4 */
#define VOIDS_MAX 2
#define NAMES_MAX 10 /* of one mx term, and of the client */
#define FRAMES_MAX (LOOKUPS_MAX + 1)
#define SHOWN_MAX 160 /* octets of a term in a detail */

struct frame {
	const struct spf_record *record;
	struct bytes             domain; /* <domain> */
	struct bytes             via; /* the redirect that brought this record; empty: none */
	size_t                   next; /* the current term; count: the redirect */
};

/* What is done when nothing is being waited for. */
enum part { PART_TERMS, PART_EXP_NAME, PART_EXP_TEXT };

enum go { GO_ON, GO_ASK, GO_DONE };

struct spf {
	struct arena     *arena;
	struct spf_report report;
	struct spf_scope  scope;
	struct finding    finding;
	enum part         part;
	enum go (*resume)(struct spf *, const struct answer *); /* takes the answer to `ask` */
	struct ask   ask;
	struct frame frames[FRAMES_MAX];
	size_t       depth;
	size_t       deepest; /* the frame of the last term that matched by itself */
	bool         spent; /* the current term has paid its lookup */
	bool         missed; /* the current term has counted as void */
	struct bytes names[NAMES_MAX]; /* hosts of an mx, or names of the client, to be asked for */
	size_t       name_count, name_next;
	bool         client_known;
	struct bytes clients[NAMES_MAX]; /* validated names of the client, 5.5 */
	size_t       client_count;
	struct bytes exp_text;
	bool         exp_needs_p;
};

static struct frame *
top(struct spf *s)
{
	return &s->frames[s->depth];
}

static const struct spf_term *
current(struct spf *s)
{
	struct frame *f = top(s);

	return f->next < f->record->count ? &f->record->terms[f->next] : &f->record->redirect;
}

/* ---- ends ---- */

static struct bytes
shown(struct bytes b)
{
	return bytes_sub(b, 0, SHOWN_MAX);
}

static enum go
done(struct spf *s, enum result result, enum reason reason, struct bytes detail)
{
	s->finding.result = result;
	s->finding.reason = reason;
	s->finding.detail = detail;
	return GO_DONE;
}

/* Where the fault is, if not in the record of the domain itself. */
static enum go
permerror(struct spf *s, enum reason reason, struct bytes detail)
{
	if (s->frames[0].record != NULL && !bytes_eq(top(s)->domain, s->report.domain))
		detail = arena_printf(s->arena, "%.*s (in the record of %.*s)", B_FMT(detail), B_FMT(top(s)->domain));
	return done(s, RESULT_PERMERROR, reason, detail);
}

static enum go
temperror(struct spf *s, const struct answer *a)
{
	enum reason  reason = reason_of_trouble(a, REASON_SPF_DNS_TIMEOUT, REASON_SPF_DNS_SERVFAIL, REASON_SPF_DNS_BOGUS);
	const char  *word = answer_status_word(a != NULL ? a->status : ANSWER_TIMEOUT);
	struct bytes why = a != NULL ? a->why : B_NONE;

	return done(s, RESULT_TEMPERROR, reason,
	            arena_printf(s->arena, "%s %.*s: %s%s%.*s%s", dns_type_word(s->ask.type), B_FMT(s->ask.name), word,
	                         why.len > 0 ? " (" : "", B_FMT(shown(why)), why.len > 0 ? ")" : ""));
}

/* "include:a > redirect=b > ip4:192.0.2.0/24": how we came to the term that matched. */
static struct bytes
path(struct spf *s, bool matched)
{
	struct bytes text = B("");

	for (size_t i = 0; i <= s->deepest; i++) {
		struct frame *f = &s->frames[i];
		if (f->via.len > 0)
			text = arena_printf(s->arena, "%.*s%.*s%s", B_FMT(text), B_FMT(shown(f->via)), matched ? " > " : "");
		if (matched)
			text = arena_printf(s->arena, "%.*s%.*s%s", B_FMT(text), B_FMT(shown(f->record->terms[f->next].text)),
			                    i < s->deepest ? " > " : "");
	}
	return text;
}

static enum go
conclude(struct spf *s, enum result result, bool matched)
{
	if (!matched)
		s->deepest = 0;
	done(s, result, matched ? REASON_SPF_MATCHED : REASON_SPF_NO_MATCH, path(s, matched));
	if (matched)
		s->report.mechanism = current(s)->text;
	/* 6.2: only of the record that failed, never of one included. */
	if (result != RESULT_FAIL || top(s)->record->exp.text.len == 0)
		return GO_DONE;
	s->part = PART_EXP_NAME;
	return GO_ON;
}

/* ---- moving on ---- */

static enum go
ask(struct spf *s, enum dns_type type, struct bytes name, enum go (*resume)(struct spf *, const struct answer *))
{
	s->ask = (struct ask){ type, name };
	s->resume = resume;
	return GO_ASK;
}

static enum go
no_match(struct spf *s)
{
	top(s)->next++;
	s->spent = s->missed = false;
	return GO_ON;
}

/* A frame has its result: 5.2's table says what that means to the include. */
static enum go
leave(struct spf *s, enum result result, bool matched)
{
	while (s->depth > 0) {
		s->depth--;
		if (result != RESULT_PASS)
			return no_match(s);
		result = current(s)->qualifier;
	}
	return conclude(s, result, matched);
}

static enum go
match(struct spf *s)
{
	s->deepest = s->depth;
	return leave(s, current(s)->qualifier, true);
}

static bool
spend(struct spf *s)
{
	return ++s->report.lookups <= LOOKUPS_MAX;
}

static enum go
overspent(struct spf *s)
{
	return permerror(s, REASON_SPF_TOO_MANY_LOOKUPS,
	                 arena_printf(s->arena, "%u of %d lookups, at %.*s", s->report.lookups, LOOKUPS_MAX,
	                              B_FMT(shown(current(s)->text))));
}

/* 4.6.4 limits the terms that find nothing, so a term counts once. False: one
 * too many. The explanation is free. */
static bool
count_void(struct spf *s, const struct answer *a)
{
	if (s->part != PART_TERMS || s->missed || (a->status != ANSWER_EMPTY && a->status != ANSWER_NXDOMAIN))
		return true;
	s->missed = true;
	return ++s->report.voids <= VOIDS_MAX;
}

static enum go
too_many_voids(struct spf *s)
{
	return permerror(s, REASON_SPF_TOO_MANY_VOIDS,
	                 arena_printf(s->arena, "%u of %d void lookups, at %.*s: %s %.*s", s->report.voids, VOIDS_MAX,
	                              B_FMT(shown(current(s)->text)), dns_type_word(s->ask.type), B_FMT(s->ask.name)));
}

/* ---- names ---- */

/* 7.3: the domain itself, else one below it, else any. */
static struct bytes
client_name(struct spf *s, struct bytes domain)
{
	struct bytes best = s->client_count > 0 ? s->clients[0] : B("unknown");

	for (size_t i = s->client_count; i > 0; i--) {
		if (bytes_eq(s->clients[i - 1], domain))
			return domain;
		if (domain_is_under(s->clients[i - 1], domain))
			best = s->clients[i - 1];
	}
	return best;
}

static bool
expand(struct spf *s, struct bytes text, struct bytes *out)
{
	s->scope.domain = top(s)->domain;
	s->scope.client = client_name(s, s->scope.domain);
	return spf_expand(s->arena, text, &s->scope, out);
}

/* <target-name> of 4.8. False: it is no name that DNS could hold. */
static bool
target(struct spf *s, const struct spf_term *t, struct bytes *name_out)
{
	if (t->spec.len == 0 || t->fixed) {
		*name_out = t->spec.len == 0 ? top(s)->domain : t->name;
		return name_out->len > 0;
	}
	struct bytes name;
	if (!expand(s, t->spec, &name) || !spf_name_fit(&name))
		return false;
	*name_out = arena_lower(s->arena, name);
	return name_out->at != NULL;
}

/* ---- the client's names: PTR, then the addresses of the first ten (5.5) ---- */

static enum dns_type
address_type(const struct spf *s)
{
	return s->scope.ip.family == 4 ? DNS_A : DNS_AAAA;
}

static enum go take_client(struct spf *, const struct answer *);

static enum go
next_client(struct spf *s)
{
	if (s->name_next < s->name_count)
		return ask(s, address_type(s), s->names[s->name_next++], take_client);
	s->client_known = true;
	return GO_ON;
}

static enum go
take_client(struct spf *s, const struct answer *a)
{
	struct ip ip;

	for (size_t i = 0; !answer_is_trouble(a) && i < a->count; i++)
		if (answer_ip(a, i, &ip) && ip_eq(&ip, &s->scope.ip)) {
			s->clients[s->client_count++] = s->ask.name;
			break;
		}
	return next_client(s);
}

static enum go
take_ptr(struct spf *s, const struct answer *a)
{
	s->name_count = s->name_next = 0;
	if (!answer_is_trouble(a)) {
		if (!count_void(s, a))
			return too_many_voids(s);
		for (size_t i = 0; i < a->count && i < NAMES_MAX; i++) {
			struct bytes name = answer_name(s->arena, a->rdata[i]);
			if (name.len > 0)
				s->names[s->name_count++] = name;
		}
	}
	return next_client(s);
}

static enum go
know_client(struct spf *s)
{
	char text[IP_ARPA_MAX];

	if (s->scope.ip.family == 0) {
		s->client_known = true;
		return GO_ON;
	}
	return ask(s, DNS_PTR, arena_copy(s->arena, bytes_make(text, ip_arpa(&s->scope.ip, text))), take_ptr);
}

/* ---- mechanisms ---- */

/* Any address of the answer in the client's network? A mapped address in an
 * AAAA record stays what it is: the client is not one (section 5). */
static bool
addresses_match(const struct spf *s, const struct answer *a, const struct spf_term *t)
{
	const struct ip *ip = &s->scope.ip;
	size_t           want = ip->family == 4 ? 4 : 16;
	unsigned         bits = ip->family == 4 ? t->bits4 : t->bits6;

	for (size_t i = 0; ip->family != 0 && i < a->count; i++) {
		if (a->rdata[i].len != want)
			continue;
		struct ip net = { .family = ip->family };
		for (size_t k = 0; k < want; k++)
			net.octet[k] = (uint8_t)a->rdata[i].at[k];
		if (ip_in_net(ip, &net, bits))
			return true;
	}
	return false;
}

static enum go
start_all(struct spf *s, const struct spf_term *t)
{
	(void)t;
	return match(s);
}

static enum go
start_ip(struct spf *s, const struct spf_term *t)
{
	return ip_in_net(&s->scope.ip, &t->ip, t->kind == SPF_IP4 ? t->bits4 : t->bits6) ? match(s) : no_match(s);
}

static enum go
take_addresses(struct spf *s, const struct answer *a)
{
	if (answer_is_trouble(a))
		return temperror(s, a);
	if (!count_void(s, a))
		return too_many_voids(s);
	return addresses_match(s, a, current(s)) ? match(s) : no_match(s);
}

static enum go
start_a(struct spf *s, const struct spf_term *t)
{
	struct bytes name;

	if (!target(s, t, &name))
		return no_match(s);
	return ask(s, address_type(s), name, take_addresses);
}

static enum go
take_exists(struct spf *s, const struct answer *a)
{
	if (answer_is_trouble(a))
		return temperror(s, a);
	if (!count_void(s, a))
		return too_many_voids(s);
	return a->status == ANSWER_OK && a->count > 0 ? match(s) : no_match(s);
}

static enum go
start_exists(struct spf *s, const struct spf_term *t)
{
	struct bytes name;

	if (!target(s, t, &name))
		return no_match(s);
	return ask(s, DNS_A, name, take_exists); /* for IPv6 clients too, 5.7 */
}

static enum go take_mx_addresses(struct spf *, const struct answer *);

static enum go
next_mx(struct spf *s)
{
	if (s->name_next == s->name_count)
		return no_match(s);
	return ask(s, address_type(s), s->names[s->name_next++], take_mx_addresses);
}

static enum go
take_mx_addresses(struct spf *s, const struct answer *a)
{
	if (answer_is_trouble(a))
		return temperror(s, a);
	if (!count_void(s, a))
		return too_many_voids(s);
	return addresses_match(s, a, current(s)) ? match(s) : next_mx(s);
}

/* More than ten is refused at once, whatever the first ten would say: the
 * order of an answer is nobody's intention. */
static enum go
take_mx(struct spf *s, const struct answer *a)
{
	if (answer_is_trouble(a))
		return temperror(s, a);
	if (!count_void(s, a))
		return too_many_voids(s);
	if (a->count > NAMES_MAX)
		return permerror(s, REASON_SPF_TOO_MANY_NAMES,
		                 arena_printf(s->arena, "%zu of %d MX names at %.*s", a->count, NAMES_MAX, B_FMT(s->ask.name)));
	s->name_count = s->name_next = 0;
	for (size_t i = 0; i < a->count; i++) {
		unsigned     preference;
		struct bytes name;
		if (answer_mx(s->arena, a->rdata[i], &preference, &name) && name.len > 0)
			s->names[s->name_count++] = name;
	}
	return next_mx(s);
}

static enum go
start_mx(struct spf *s, const struct spf_term *t)
{
	struct bytes name;

	if (!target(s, t, &name))
		return no_match(s);
	return ask(s, DNS_MX, name, take_mx);
}

static enum go
start_ptr(struct spf *s, const struct spf_term *t)
{
	struct bytes name;

	if (!s->client_known)
		return know_client(s);
	if (!target(s, t, &name))
		return no_match(s);
	for (size_t i = 0; i < s->client_count; i++)
		if (domain_is_under(s->clients[i], name))
			return match(s);
	return no_match(s);
}

/* ---- records ---- */

static enum go
no_record(struct spf *s, const struct answer *a)
{
	if (s->frames[0].record != NULL)
		return permerror(s, REASON_SPF_INCLUDE_NONE, shown(current(s)->text));
	return done(s, RESULT_NONE, REASON_SPF_NO_RECORD,
	            arena_printf(s->arena, "%.*s %s", B_FMT(s->ask.name),
	                         a->status == ANSWER_NXDOMAIN ? "does not exist" : "has no TXT record that begins with v=spf1"));
}

static void
enter(struct spf *s, const struct spf_record *record)
{
	bool first = s->frames[0].record == NULL;
	bool redirected = !first && current(s)->kind == SPF_REDIRECT;

	struct frame f = { .record = record, .domain = s->ask.name };
	if (redirected)
		f.via = current(s)->text;
	else if (!first)
		s->depth++;
	assert(s->depth < FRAMES_MAX);
	s->frames[s->depth] = f;
	s->spent = s->missed = false;
	if (first)
		s->report.record = record->text;
}

static enum go
take_record(struct spf *s, const struct answer *a)
{
	if (answer_is_trouble(a))
		return temperror(s, a);
	if (answer_hold(s->arena, answer_ref(a)) == NULL)
		return GO_DONE;
	const struct spf_record *record = spf_record_of(s->arena, a);
	if (record == NULL)
		return GO_DONE;
	if (record->found == 0)
		return no_record(s, a);
	if (record->found > 1)
		return permerror(s, REASON_SPF_SEVERAL_RECORDS,
		                 arena_printf(s->arena, "%zu records at %.*s", record->found, B_FMT(s->ask.name)));
	enter(s, record);
	if (!record->valid)
		return permerror(s, record->fault.reason,
		                 arena_printf(s->arena, "%.*s: %s", B_FMT(shown(record->fault_term)), record->fault.why));
	return GO_ON;
}

/* include and redirect: to find nothing is a fault, so a name that DNS cannot
 * hold is one too (5.2, 6.1). */
static enum go
start_record(struct spf *s, const struct spf_term *t)
{
	struct bytes name;

	if (!target(s, t, &name))
		return permerror(s, REASON_SPF_INCLUDE_NONE,
		                 arena_printf(s->arena, "%.*s: that is not a domain name", B_FMT(shown(t->text))));
	return ask(s, DNS_TXT, name, take_record);
}

static enum go (*const starts[])(struct spf *, const struct spf_term *) = {
	[SPF_ALL] = start_all, [SPF_INCLUDE] = start_record, [SPF_A] = start_a,
	[SPF_MX] = start_mx,   [SPF_PTR] = start_ptr,        [SPF_IP4] = start_ip,
	[SPF_IP6] = start_ip,  [SPF_EXISTS] = start_exists,  [SPF_REDIRECT] = start_record,
};

/* Begin the current term, or begin it again when the client's names are known. */
static enum go
run_term(struct spf *s)
{
	const struct spf_term *t = current(s);

	if (t->text.len == 0)
		return leave(s, RESULT_NEUTRAL, false); /* 4.7 */
	if (t->costs && !s->spent) {
		s->spent = true;
		if (!spend(s))
			return overspent(s);
	}
	if (t->needs_p && !s->client_known) {
		/* 4.6.4: the PTR question of %{p} is included in the ten. */
		if (!spend(s))
			return overspent(s);
		return know_client(s);
	}
	return starts[t->kind](s, t);
}

/* ---- the explanation (6.2): free, and any trouble means none ---- */

static bool
is_printable(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < ' ' || b.at[i] > '~')
			return false;
	return true;
}

static enum go
explain(struct spf *s)
{
	struct bytes text;

	if (s->exp_needs_p && !s->client_known)
		return know_client(s);
	/* It will be shown to people and stand in a reply: the macros may bring
	 * what the check of the text has not seen. */
	if (expand(s, s->exp_text, &text) && is_printable(text))
		s->report.explanation = text;
	return GO_DONE;
}

static enum go
take_exp(struct spf *s, const struct answer *a)
{
	struct spf_fault fault;

	if (answer_is_trouble(a) || a->status != ANSWER_OK || a->count != 1)
		return GO_DONE;
	s->exp_text = arena_copy(s->arena, answer_txt(s->arena, a->rdata[0]));
	if (!spf_text_check(s->exp_text, SPF_EXPLANATION, &s->exp_needs_p, &fault))
		return GO_DONE;
	s->part = PART_EXP_TEXT;
	return GO_ON;
}

static enum go
ask_exp(struct spf *s)
{
	const struct spf_term *t = &top(s)->record->exp;
	struct bytes           name;

	if (t->needs_p && !s->client_known)
		return know_client(s);
	if (!target(s, t, &name))
		return GO_DONE;
	return ask(s, DNS_TXT, name, take_exp);
}

/* ---- from outside ---- */

static struct ip
unmapped(struct ip ip)
{
	return ip.family == 6 ? ip_from_16(ip.octet) : ip;
}

/* 4.3 and 2.4: the local-part may be missing, the sender too. */
static void
set_sender(struct spf *s, const struct spf_query *q, enum spf_identity identity)
{
	bool         null = identity == SPF_HELO || q->mail_from.len == 0;
	size_t       at = bytes_rindex(q->mail_from, '@');
	struct bytes said = null ? q->helo : address_domain(q->mail_from);
	struct bytes local = null || at == q->mail_from.len ? B_NONE : bytes_sub(q->mail_from, 0, at);
	struct bytes domain = domain_normal(s->arena, said);

	if (local.len == 0)
		local = B("postmaster");
	s->scope.local = local;
	s->report.domain = domain.at != NULL ? domain : B("");
	s->scope.origin = s->report.domain;
	s->scope.sender = arena_join(s->arena, arena_join(s->arena, local, B("@")), domain.at != NULL ? domain : said);
	s->report.sender = s->scope.sender;
	/* 4.3 wants a name of several labels. */
	if (domain_labels(domain) < 2)
		done(s, RESULT_NONE, REASON_SPF_BAD_DOMAIN, shown(said.len > 0 ? said : q->mail_from));
}

struct spf *
spf_new(struct arena *a, const struct spf_query *q, enum spf_identity identity)
{
	struct spf *s = arena_take(a, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->arena = a;
	s->finding = (struct finding){ .method = METHOD_SPF, .result = RESULT_NEUTRAL, .reason = REASON_SPF_NO_MATCH };
	s->report.identity = identity;
	s->scope = (struct spf_scope){ .ip = unmapped(q->ip), .now = q->now, .helo = q->helo, .receiver = q->receiver };
	if (s->scope.receiver.len == 0)
		s->scope.receiver = B("unknown");
	if (!bytes_is_ascii(q->helo)) {
		struct bytes helo = domain_normal(a, q->helo);
		if (helo.len > 0)
			s->scope.helo = helo;
	}
	set_sender(s, q, identity);
	s->finding.domain = s->report.domain;
	return arena_overdrawn(a) ? NULL : s;
}

static enum go
begin(struct spf *s)
{
	if (s->finding.reason == REASON_SPF_BAD_DOMAIN)
		return GO_DONE;
	return ask(s, DNS_TXT, s->report.domain, take_record);
}

enum step
spf_step(struct spf *s, const struct answer *answer, struct ask *ask_out, struct finding *finding_out)
{
	static enum go (*const parts[])(struct spf *) = {
		[PART_TERMS] = run_term,
		[PART_EXP_NAME] = ask_exp,
		[PART_EXP_TEXT] = explain,
	};
	enum go go = s->resume == NULL ? begin(s) : s->resume(s, answer);

	while (go == GO_ON && !arena_overdrawn(s->arena))
		go = parts[s->part](s);
	if (arena_overdrawn(s->arena)) {
		go = done(s, RESULT_TEMPERROR, REASON_LIMIT_MEMORY, B("no memory is left for this message"));
		s->report.explanation = B_NONE;
	}
	if (go == GO_ASK) {
		*ask_out = s->ask;
		return STEP_ASKS;
	}
	*finding_out = s->finding;
	return STEP_DONE;
}

const struct spf_report *
spf_report(const struct spf *s)
{
	return &s->report;
}
