/* diagnose/mx.c: see mx.h. */
#include "diagnose/mx.h"

#include "base/ip.h"
#include "diagnose/address_find.h"
#include "mail/domain.h"

#define HOSTS_MAX 8 /* that are looked at */
#define SHOWN_MAX 4

struct mx_host {
	struct bytes name;
	unsigned     preference;
	uint32_t     providers;
	bool         trouble, alive, refused; /* refused: it has the address of the one who refused */
};

struct mx {
	struct arena  *arena;
	struct bytes   domain, host;
	struct ip      ip;
	bool           route;
	struct mx_host hosts[HOSTS_MAX];
	size_t         count, at; /* at: whose address is asked for */
	enum dns_type  asked;
	bool           null_among, more;
	bool           own; /* no MX: hosts[0] is the domain itself (RFC 5321 section 5.1) */
};

struct mx *
mx_new(struct arena *a, struct bytes domain, struct bytes host, struct bytes ip, bool route)
{
	struct mx *m = arena_take(a, sizeof(*m));

	if (m == NULL)
		return NULL;
	*m = (struct mx){ .arena = a, .domain = domain_normal(a, domain), .host = host_like(host) ? domain_normal(a, host) : B_NONE, .route = route };
	if (!ip_parse(ip, &m->ip))
		m->ip = (struct ip){ 0 };
	return m->domain.len > 0 ? m : NULL;
}

/* ---- who belongs together ---- */

/* Registries sell names below these: the label in front counts, too. */
static bool
is_shared(struct bytes label)
{
	static const struct bytes shared[] = { B_INIT("co"), B_INIT("com"), B_INIT("net"), B_INIT("org"), B_INIT("ne"), B_INIT("or"), B_INIT("ac"), B_INIT("gov"), B_INIT("edu"), B_INIT("go") };

	for (size_t i = 0; i < NELEMS(shared); i++)
		if (bytes_eq(label, shared[i]))
			return true;
	return false;
}

/* Only to tell hosts of one house from those of another: the Public Suffix List would be too much for that. */
static struct bytes
house_of(struct bytes name)
{
	struct bytes two = domain_tail(name, 2);

	return is_shared(bytes_sub(two, 0, bytes_index(two, '.'))) ? domain_tail(name, 3) : two;
}

static bool
same_house(struct bytes a, struct bytes b)
{
	return (provider_of_host(a) & provider_of_host(b)) != 0 || bytes_eq(house_of(a), house_of(b));
}

/* ---- asking ---- */

static void
take_hosts(struct mx *m, const struct answer *answer)
{
	struct bytes name;
	unsigned     preference;

	for (size_t i = 0; i < answer->count; i++) {
		if (!answer_mx(m->arena, answer->rdata[i], &preference, &name))
			continue;
		m->null_among |= name.len == 0;
		m->more |= name.len > 0 && m->count == HOSTS_MAX;
		if (name.len > 0 && m->count < HOSTS_MAX)
			m->hosts[m->count++] = (struct mx_host){ .name = name, .preference = preference, .providers = provider_of_host(name) };
	}
}

static void
take_addresses(struct mx *m, const struct answer *answer)
{
	struct mx_host *h = &m->hosts[m->at];
	struct ip       ip;

	h->trouble = h->trouble || answer_is_trouble(answer);
	for (size_t i = 0; !answer_is_trouble(answer) && answer->status == ANSWER_OK && i < answer->count; i++)
		if (answer_ip(answer, i, &ip)) {
			h->alive = true;
			h->refused = h->refused || (m->ip.family != 0 && ip_eq(&ip, &m->ip));
		}
}

/* ---- concluding ---- */

struct found {
	struct arena *arena;
	struct bytes  faults;
};

static void
add_fault(struct found *f, struct bytes sentence)
{
	f->faults = arena_printf(f->arena, "%.*s%s%.*s", B_FMT(f->faults), f->faults.len > 0 ? "; " : "", B_FMT(sentence));
}

static void
find_dead(struct mx *m, struct found *f)
{
	size_t dead = 0;

	for (size_t i = 0; i < m->count; i++) {
		const struct mx_host *h = &m->hosts[i];
		if (h->alive || h->trouble)
			continue;
		if (dead++ < SHOWN_MAX)
			add_fault(f, arena_printf(f->arena, "%.*s has no address: that record is stale", B_FMT(h->name)));
	}
}

/* All mail of a domain at a hosting provider is meant to go there; what comes in beside it passes his filter by, or is refused. */
static void
find_stray(struct mx *m, struct found *f)
{
	const struct mx_host *hosted = NULL, *other = NULL;

	for (size_t i = 0; i < m->count && hosted == NULL; i++)
		hosted = m->hosts[i].providers != 0 ? &m->hosts[i] : NULL;
	for (size_t i = 0; hosted != NULL && i < m->count && other == NULL; i++)
		other = same_house(m->hosts[i].name, hosted->name) ? NULL : &m->hosts[i];
	if (other != NULL)
		add_fault(f, arena_printf(f->arena, "%.*s is of %s and %.*s is not: mostly only one of them is meant", B_FMT(hosted->name), provider_name(hosted->providers), B_FMT(other->name)));
}

/* False: it cannot be told. */
static bool
find_stranger(struct mx *m, struct found *f)
{
	bool trouble = m->more;

	if (m->host.len == 0)
		return true;
	for (size_t i = 0; i < m->count; i++) {
		if (m->hosts[i].refused || same_house(m->hosts[i].name, m->host))
			return true;
		trouble = trouble || m->hosts[i].trouble;
	}
	if (trouble || !m->route)
		return !trouble;
	add_fault(f, arena_printf(f->arena, "%.*s, which refused, is none of them: the MX was another when the mail was sent, or a server on your side has a fixed route to it", B_FMT(m->host)));
	return true;
}

static struct bytes
hosts_text(struct mx *m)
{
	struct bytes text = B_NONE;

	for (size_t i = 0; i < m->count; i++)
		text = arena_printf(m->arena, "%.*s%s%u %.*s", B_FMT(text), i > 0 ? ", " : "", m->hosts[i].preference, B_FMT(m->hosts[i].name));
	return text;
}

/* The domain is its own host: what is said of MX records does not hold. */
static void
conclude_own(struct mx *m, enum check_state *state_out, struct bytes *evidence_out)
{
	const struct mx_host *h = &m->hosts[0];
	struct found          f = { .arena = m->arena };
	bool                  known = h->alive && find_stranger(m, &f);

	if (h->alive && f.faults.len == 0) {
		*state_out = known ? CHECK_FINE : CHECK_UNKNOWN;
		*evidence_out = arena_printf(m->arena, "%.*s has no MX record; mail goes to its own address%s", B_FMT(m->domain),
		                             known ? "" : "; not all of its addresses could be looked up");
	} else if (h->alive) {
		*state_out = CHECK_FAULT;
		*evidence_out = arena_printf(m->arena, "%.*s has no MX record, so mail goes to its own address; %.*s", B_FMT(m->domain), B_FMT(f.faults));
	} else {
		*state_out = h->trouble ? CHECK_UNKNOWN : CHECK_FAULT;
		*evidence_out = arena_printf(m->arena, h->trouble ? "%.*s has no MX record, and its address could not be looked up" : "%.*s has neither MX record nor address",
		                             B_FMT(m->domain));
	}
}

static void
conclude(struct mx *m, enum check_state *state_out, struct bytes *evidence_out)
{
	struct found f = { .arena = m->arena };
	bool         known = true;

	find_dead(m, &f);
	if (m->null_among)
		add_fault(&f, B("a null MX stands beside them, which must stand alone (RFC 7505 3)"));
	find_stray(m, &f);
	known = find_stranger(m, &f);
	for (size_t i = 0; i < m->count; i++)
		known = known && (m->hosts[i].alive || !m->hosts[i].trouble);
	*state_out = f.faults.len > 0 ? CHECK_FAULT : known ? CHECK_FINE : CHECK_UNKNOWN;
	*evidence_out = arena_printf(m->arena, "mail for %.*s goes to: %.*s%s%s%.*s", B_FMT(m->domain), B_FMT(hosts_text(m)), m->more ? " and more" : "",
	                             f.faults.len > 0 ? "; " : known ? "" : "; not all of them could be looked up", B_FMT(f.faults));
}

/* True: the MX itself says it all. */
static bool
conclude_early(struct mx *m, const struct answer *answer, enum check_state *state_out, struct bytes *evidence_out)
{
	const char *why = NULL;

	*state_out = CHECK_FAULT;
	if (answer_is_trouble(answer)) {
		*state_out = CHECK_UNKNOWN;
		*evidence_out = arena_printf(m->arena, "the MX of %.*s could not be looked up", B_FMT(m->domain));
		return true;
	}
	if (answer->status == ANSWER_NXDOMAIN) {
		*evidence_out = arena_printf(m->arena, "the domain %.*s does not exist", B_FMT(m->domain));
		return true;
	}
	if (answer->status == ANSWER_OK)
		take_hosts(m, answer);
	if (answer->status == ANSWER_EMPTY) {
		m->own = true;
		m->hosts[m->count++] = (struct mx_host){ .name = m->domain, .providers = provider_of_host(m->domain) };
	}
	if (m->count > 0)
		return false;
	why = m->null_among ? "takes no mail (null MX)" : "has an MX record that cannot be read";
	*evidence_out = arena_printf(m->arena, "%.*s %s", B_FMT(m->domain), why);
	return true;
}

enum step
mx_step(struct mx *m, const struct answer *answer, struct ask *ask_out, enum check_state *state_out, struct bytes *evidence_out)
{
	switch (m->asked) {
	case DNS_MX:
		if (conclude_early(m, answer, state_out, evidence_out))
			return STEP_DONE;
		m->asked = DNS_A;
		break;
	case DNS_A:
		take_addresses(m, answer);
		m->asked = DNS_AAAA;
		break;
	case DNS_AAAA:
		take_addresses(m, answer);
		m->asked = DNS_A;
		m->at++;
		break;
	default:
		m->asked = DNS_MX;
		*ask_out = (struct ask){ DNS_MX, m->domain };
		return STEP_ASKS;
	}
	if (m->at == m->count) {
		(m->own ? conclude_own : conclude)(m, state_out, evidence_out);
		return STEP_DONE;
	}
	*ask_out = (struct ask){ m->asked, m->hosts[m->at].name };
	return STEP_ASKS;
}
