/* diagnose/bounce_facts.c: see bounce_facts.h. */
#include "diagnose/bounce_facts.h"

#include "base/ip.h"
#include "diagnose/address_find.h"
#include "diagnose/explain.h"
#include "diagnose/listed.h"
#include "diagnose/mime.h"
#include "mail/domain.h"

static struct bytes
header_domain(struct arena *a, const struct header *h, struct bytes name, struct bytes *address_out)
{
	struct bytes value = mime_field(a, h, name), address;
	size_t       end, lt = bytes_rindex(value, '<');

	if (!(lt < value.len && address_find(value, lt, &address, &end)) && !address_find(value, 0, &address, &end))
		return B_NONE;
	*address_out = address;
	return address_domain(address);
}

static void
sender_find(struct bounce_facts *f, const struct bounce_verdict *v)
{
	const struct header *returned = &f->reading->returned;
	struct bytes         address = B_NONE;

	f->from_domain = header_domain(f->arena, returned, B("From"), &address);
	f->sender_domain = header_domain(f->arena, returned, B("Return-Path"), &f->sender);
	if (f->sender.len == 0) {
		size_t end;
		f->sender = address.len > 0 ? address : address_find(f->reading->to, 0, &address, &end) ? address : B_NONE;
		f->sender_domain = address_domain(f->sender);
	}
	struct bytes said_domain = B_NONE;
	if (f->from_domain.len == 0) {
		/* "sending domain example.com does not pass": the reply itself may name it. */
		size_t at = bytes_find_nocase(v->reply.text, B("sending domain "));
		if (at < v->reply.text.len) {
			said_domain = bytes_from(v->reply.text, at + 15);
			said_domain = bytes_sub(said_domain, 0, bytes_index(said_domain, ' '));
		}
		f->from_domain = host_like(said_domain) ? said_domain : f->sender_domain;
	}
	if (f->sender_domain.len == 0)
		f->sender_domain = f->from_domain;
}

/* The address of the client that a reply speaks of: the first one in it that is not the speaker's. */
static struct bytes
ip_in(struct bytes text, struct bytes not_this)
{
	struct ip ip;

	for (size_t i = 0; i < text.len; i++) {
		size_t start = i, n = 0;
		while (i < text.len && (byte_is_alnum(text.at[i]) || text.at[i] == '.' || text.at[i] == ':' || text.at[i] == '-'))
			i++;
		if (i - start < 7)
			continue;
		while (start + n < text.len && n < IP_TEXT_MAX && (byte_hex(text.at[start + n]) >= 0 || text.at[start + n] == '.' || text.at[start + n] == ':'))
			n++;
		struct bytes word = bytes_sub(text, start, n);
		while (word.len > 0 && (word.at[word.len - 1] == '.' || word.at[word.len - 1] == ':'))
			word.len--;
		if (word.len >= 7 && !bytes_eq(word, not_this) && ip_parse(word, &ip))
			return word;
	}
	return B_NONE;
}

static void
ip_find(struct bounce_facts *f, const struct bounce_verdict *v)
{
	f->ip = ip_in(v->reply.text, v->reply.ip);
	if (f->ip.len == 0)
		f->ip = f->reading->source_ip;
}

static void
selector_find(struct bounce_facts *f, const struct bounce_verdict *v)
{
	struct bytes signature = mime_field(f->arena, &f->reading->returned, B("DKIM-Signature"));

	(void)v;
	if (signature.len > 0)
		f->selector = mime_param(f->arena, arena_printf(f->arena, ";%.*s", B_FMT(signature)), B("s"));
}

static void
list_find(struct bounce_facts *f, const struct bounce_verdict *v)
{
	bool          matters = v->answer->scope == SCOPE_IP || v->answer->scope == SCOPE_SENDER || v->answer->scope == SCOPE_MESSAGE;
	struct listed l = { 0 };

	for (size_t i = 0; matters && i < f->text_count && l.name.len == 0; i++)
		l = listed_find(f->arena, f->list_words, f->texts[i]);
	f->list = l.name;
	f->list_zone = l.zone;
	f->delist = matters && v->rule != NULL && v->rule->delist != NULL ? bytes_of(v->rule->delist) : l.delist;
}

/* "... restricted to <groups>", as Exchange says behind the restriction. */
static void
groups_find(struct bounce_facts *f, const struct bounce_verdict *v)
{
	static const struct bytes leads[] = { B_INIT("only accepts messages from "), B_INIT("accepts mail only from "), B_INIT("only accepts mail from "), B_INIT("members of ") };

	if (v->answer->scope != SCOPE_RECIPIENT || v->answer->hard)
		return;
	for (size_t i = 0; i < NELEMS(leads); i++) {
		size_t at = bytes_find_nocase(v->reply.text, leads[i]);
		if (at == v->reply.text.len)
			continue;
		struct bytes rest = bytes_sub(v->reply.text, at + leads[i].len, 120);
		rest = bytes_sub(rest, 0, bytes_index(rest, '.'));
		f->groups = arena_printf(f->arena, " (it says: %.*s)", B_FMT(rest));
		return;
	}
}

struct bounce_facts *
bounce_facts_new(struct arena *a, const struct reading *r, const struct bounce_verdict *v, const struct wordset *list_words)
{
	struct bounce_facts *f = arena_take(a, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->arena = a;
	f->reading = r;
	f->list_words = list_words;
	f->recipient = v->said->recipient;
	f->rdomain = address_domain(f->recipient);
	f->host = v->reply.host.len > 0 ? v->reply.host : v->reply.ip;
	f->reporter = r->reporter;
	return f;
}

const struct bounce_facts *
bounce_facts_of(const struct bounce_verdict *v, unsigned parts)
{
	static const struct bounce_facts none;
	static const struct {
		unsigned part;
		void   (*find)(struct bounce_facts *, const struct bounce_verdict *);
	} finders[] = { { FACTS_SENDER, sender_find }, { FACTS_IP, ip_find }, { FACTS_SELECTOR, selector_find }, { FACTS_LIST, list_find }, { FACTS_GROUPS, groups_find } };
	struct bounce_facts *f = v->facts;

	if (f == NULL)
		return &none;
	for (size_t i = 0; (parts & ~f->found) != 0 && i < NELEMS(finders); i++) {
		unsigned part = finders[i].part;
		if ((parts & part & ~f->found) == 0)
			continue;
		f->found |= part;
		finders[i].find(f, v);
	}
	return f;
}
