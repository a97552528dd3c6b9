/* base/zone.c: see zone.h. Records are sorted by name, so a look-up is a binary
 * search, and a parent is found as the place where its children would begin. */
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>

#define CNAME_MAX 20

enum trouble { NO_TROUBLE, SAYS_TIMEOUT, SAYS_SERVFAIL, SAYS_NXDOMAIN, SAYS_BOGUS };

struct record {
	struct bytes  name; /* lower case */
	struct bytes  key; /* labels reversed, so that children follow their parent */
	enum dns_type type;
	enum trouble  trouble;
	struct bytes  rdata;
	size_t        line;
};

struct zone {
	struct record *records;
	size_t         count;
};

static struct bytes
cut_word(struct bytes *rest)
{
	while (rest->len > 0 && byte_is_wsp(rest->at[0]))
		bytes_skip(rest, 1);
	size_t n = 0;
	while (n < rest->len && !byte_is_wsp(rest->at[n]))
		n++;
	struct bytes word = bytes_sub(*rest, 0, n);
	bytes_skip(rest, n);
	return word;
}

/* One octet, an escape resolved (RFC 1035 section 5.1). */
static bool
cut_octet(struct bytes *rest, char *octet_out)
{
	if (rest->at[0] != '\\') {
		*octet_out = rest->at[0];
		bytes_skip(rest, 1);
		return true;
	}
	if (rest->len < 2)
		return false;
	if (!byte_is_digit(rest->at[1])) {
		*octet_out = rest->at[1];
		bytes_skip(rest, 2);
		return true;
	}
	uint64_t v;
	if (rest->len < 4 || !bytes_number(bytes_sub(*rest, 1, 3), 255, &v))
		return false;
	*octet_out = (char)v;
	bytes_skip(rest, 4);
	return true;
}

static bool
parse_name(struct arena *a, struct bytes word, struct bytes *name_out)
{
	char  *p = arena_take(a, word.len + 1);
	size_t n = 0;

	if (p == NULL)
		return false;
	if (word.len > 1 && word.at[word.len - 1] == '.' && word.at[word.len - 2] != '\\')
		word.len--;
	while (word.len > 0) {
		char c;
		if (!cut_octet(&word, &c))
			return false;
		p[n++] = byte_lower(c);
	}
	*name_out = bytes_make(p, n);
	return true;
}

/* "a.b.c" becomes "c\0b\0a\0": ordered so, a name is followed by its children. */
static struct bytes
make_key(struct arena *a, struct bytes name)
{
	char  *p = arena_take(a, name.len + 1);
	size_t n = 0;

	if (p == NULL)
		return B_NONE;
	while (name.len > 0) {
		size_t dot = bytes_rindex(name, '.');
		size_t from = dot < name.len ? dot + 1 : 0;
		memcpy(p + n, name.at + from, name.len - from);
		n += name.len - from;
		p[n++] = '\0';
		name.len = from > 0 ? from - 1 : 0;
	}
	return bytes_make(p, n);
}

/* One text as one or more character-strings of at most 255 octets. */
static void
add_string(char *out, size_t *used, struct bytes text)
{
	do {
		size_t n = text.len < 255 ? text.len : 255;
		out[(*used)++] = (char)n;
		if (n > 0)
			memcpy(out + *used, text.at, n);
		*used += n;
		bytes_skip(&text, n);
	} while (text.len > 0);
}

/* "..." strings, or one bare word each. */
static const char *
parse_txt(struct arena *a, struct bytes rest, struct bytes *rdata_out)
{
	char  *out = arena_take(a, rest.len + rest.len / 128 + 16);
	char  *text = arena_take(a, rest.len + 1);
	size_t used = 0;

	if (out == NULL || text == NULL)
		return "out of memory";
	for (;;) {
		while (rest.len > 0 && byte_is_wsp(rest.at[0]))
			bytes_skip(&rest, 1);
		if (rest.len == 0 || rest.at[0] == '#')
			break;
		bool   quoted = rest.at[0] == '"';
		size_t n = 0;
		if (quoted)
			bytes_skip(&rest, 1);
		while (rest.len > 0 && (quoted ? rest.at[0] != '"' : !byte_is_wsp(rest.at[0])))
			if (!cut_octet(&rest, &text[n++]))
				return "a backslash wants one character or three digits up to 255";
		if (quoted) {
			if (rest.len == 0)
				return "a quoted string has no end";
			bytes_skip(&rest, 1);
		}
		add_string(out, &used, bytes_make(text, n));
	}
	if (used == 0)
		return "TXT wants a text in double quotes";
	*rdata_out = bytes_make(out, used);
	return NULL;
}

static const char *
wire_name(struct arena *a, struct bytes prefix, struct bytes word, struct bytes *rdata_out)
{
	struct bytes name;
	char         wire[256];
	size_t       len;

	if (word.len == 0)
		return "a host name is missing";
	if (bytes_eq(word, B(".")))
		name = B("");
	else if (!parse_name(a, word, &name))
		return "that is not a host name";
	if (!dns_name_to_wire(name, wire, &len))
		return "a label is empty or longer than 63, or the name longer than 253";
	*rdata_out = arena_join(a, prefix, bytes_make(wire, len));
	return NULL;
}

static const char *
parse_rdata(struct arena *a, enum dns_type type, struct bytes rest, struct bytes *rdata_out)
{
	struct ip ip;

	switch (type) {
	case DNS_TXT:
		return parse_txt(a, rest, rdata_out);
	case DNS_A:
	case DNS_AAAA: {
		struct bytes word = cut_word(&rest);
		if (!ip_parse(word, &ip))
			return "that is not an address";
		if (type == DNS_A) {
			if (ip.family != 4 || bytes_has(word, ':'))
				return "A wants an IPv4 address";
			*rdata_out = arena_copy(a, bytes_make(ip.octet, 4));
			return NULL;
		}
		if (!bytes_has(word, ':'))
			return "AAAA wants an IPv6 address";
		if (ip.family == 4) {
			uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
			memcpy(mapped + 12, ip.octet, 4);
			*rdata_out = arena_copy(a, bytes_make(mapped, 16));
			return NULL;
		}
		*rdata_out = arena_copy(a, bytes_make(ip.octet, 16));
		return NULL;
	}
	case DNS_MX: {
		uint64_t pref;
		if (!bytes_number(cut_word(&rest), 65535, &pref))
			return "MX wants a preference from 0 to 65535, then a host name";
		char two[2] = { (char)(pref >> 8), (char)pref };
		return wire_name(a, bytes_make(two, 2), cut_word(&rest), rdata_out);
	}
	case DNS_PTR:
	case DNS_NS:
	case DNS_CNAME:
		return wire_name(a, B_NONE, cut_word(&rest), rdata_out);
	default:
		return "records of this type can only be given as trouble (!timeout ...)";
	}
}

static bool
parse_trouble(struct bytes word, enum trouble *trouble_out)
{
	static const struct {
		struct bytes word;
		enum trouble trouble;
	} rows[] = {
		{ B_INIT("!timeout"), SAYS_TIMEOUT },
		{ B_INIT("!servfail"), SAYS_SERVFAIL },
		{ B_INIT("!nxdomain"), SAYS_NXDOMAIN },
		{ B_INIT("!bogus"), SAYS_BOGUS },
	};
	for (size_t i = 0; i < NELEMS(rows); i++)
		if (bytes_eq_nocase(rows[i].word, word)) {
			*trouble_out = rows[i].trouble;
			return true;
		}
	return false;
}

static const char *
parse_line(struct arena *a, struct bytes line, struct record *r)
{
	struct bytes word = cut_word(&line);

	if (!parse_name(a, word, &r->name))
		return arena_overdrawn(a) ? "out of memory" : "a backslash wants one character or three digits up to 255";
	word = cut_word(&line);
	if (word.len == 0)
		return "a line wants a name, a type and a value";
	if (!dns_type_of(word, &r->type))
		return "no such record type; known are A AAAA MX TXT PTR NS CNAME SOA CAA TLSA ANY";
	struct bytes rest = line;
	word = cut_word(&rest);
	if (word.len > 0 && word.at[0] == '!') {
		if (!parse_trouble(word, &r->trouble))
			return "no such trouble; known are !timeout !servfail !nxdomain !bogus";
	} else {
		const char *fault = parse_rdata(a, r->type, line, &r->rdata);
		if (fault != NULL)
			return fault;
	}
	r->key = make_key(a, r->name);
	return arena_overdrawn(a) ? "out of memory" : NULL;
}

static int
order(const void *x, const void *y)
{
	const struct record *a = x, *b = y;
	int                  d = bytes_order(a->key, b->key);

	/* Records of one name keep the order of the file. */
	return d != 0 ? d : (a->line > b->line) - (a->line < b->line);
}

enum rc
zone_parse(struct arena *a, struct bytes text, struct zone **zone_out, struct bytes *why_out)
{
	struct zone *z = arena_take(a, sizeof(*z));
	size_t       room = 0, number = 0;
	struct bytes line;

	while (z != NULL && bytes_cut_line(&text, &line)) {
		number++;
		line = bytes_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (z->count == room) {
			size_t more = room == 0 ? 64 : room * 2;
			z->records = arena_grow(a, z->records, room, more, sizeof(*z->records));
			if (z->records == NULL)
				break;
			room = more;
		}
		struct record r = { .line = number };
		const char   *fault = parse_line(a, line, &r);
		if (fault != NULL) {
			*why_out = arena_printf(a, "%zu: %s", number, fault);
			return arena_overdrawn(a) ? RC_MEMORY : RC_SYNTAX;
		}
		z->records[z->count++] = r;
	}
	if (arena_overdrawn(a)) {
		*why_out = B("the zone is too large");
		return RC_MEMORY;
	}
	if (z->count > 0)
		qsort(z->records, z->count, sizeof(*z->records), order);
	*zone_out = z;
	return RC_OK;
}

static size_t
lower_bound(const struct zone *z, struct bytes key)
{
	size_t low = 0, high = z->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (bytes_order(z->records[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct answer *
trouble_answer(enum trouble t, enum dns_type type)
{
	static const struct {
		enum answer_status status;
		const char        *why;
	} rows[] = {
		[SAYS_TIMEOUT] = { ANSWER_TIMEOUT, "the zone file says so" },
		[SAYS_SERVFAIL] = { ANSWER_SERVFAIL, "the zone file says so" },
		[SAYS_NXDOMAIN] = { ANSWER_NXDOMAIN, NULL },
		[SAYS_BOGUS] = { ANSWER_BOGUS, "the zone file says so" },
	};
	return answer_new(rows[t].status, type, 60, NULL, 0, B_NONE, bytes_of(rows[t].why));
}

/* What one name holds for one type. */
struct found {
	bool          exists;
	enum trouble  trouble;
	struct bytes *rdata; /* NULL: memory is spent */
	size_t        count;
	struct bytes  cname; /* wire; B_NONE: none */
};

static bool
look(const struct zone *z, struct arena *a, struct bytes key, enum dns_type type, struct found *f)
{
	enum trouble any = NO_TROUBLE;
	size_t       i = lower_bound(z, key), end = i;

	while (end < z->count && bytes_eq(z->records[end].key, key))
		end++;
	*f = (struct found){ .rdata = arena_take_array(a, end - i, sizeof(*f->rdata)) };
	f->exists = i < z->count && bytes_starts(z->records[i].key, key);
	for (; i < end && f->rdata != NULL; i++) {
		const struct record *r = &z->records[i];
		if (r->type == type && r->trouble != NO_TROUBLE)
			f->trouble = r->trouble;
		else if (r->type == type)
			f->rdata[f->count++] = r->rdata;
		else if (r->type == DNS_CNAME && r->trouble == NO_TROUBLE)
			f->cname = r->rdata;
		else if (r->type == DNS_ANY && r->trouble != NO_TROUBLE)
			any = r->trouble;
	}
	if (f->trouble == NO_TROUBLE && f->count == 0 && f->cname.at == NULL)
		f->trouble = any;
	return f->exists;
}

struct answer *
zone_answer(const struct zone *z, const struct ask *ask)
{
	struct arena  *a = arena_new(((size_t)1 << 20) + z->count * sizeof(struct bytes));
	struct bytes   name = arena_lower(a, ask->name);
	struct bytes   canon = B_NONE;
	struct answer *answer = NULL;

	for (int hops = 0; answer == NULL; hops++) {
		struct found f;
		struct bytes key = make_key(a, name);
		bool         exists = look(z, a, key, ask->type, &f);
		if (arena_overdrawn(a))
			break;
		if (!exists)
			answer = answer_new(ANSWER_NXDOMAIN, ask->type, 60, NULL, 0, canon, B_NONE);
		else if (f.trouble != NO_TROUBLE)
			answer = trouble_answer(f.trouble, ask->type);
		else if (f.count > 0)
			answer = answer_new(ANSWER_OK, ask->type, 60, f.rdata, f.count, canon, B_NONE);
		else if (f.cname.at == NULL)
			answer = answer_new(ANSWER_EMPTY, ask->type, 60, NULL, 0, canon, B_NONE);
		else if (hops == CNAME_MAX)
			answer = answer_new(ANSWER_SERVFAIL, ask->type, 60, NULL, 0, B_NONE, B("CNAME loop"));
		else
			canon = name = answer_name(a, f.cname);
	}
	arena_free(a);
	return answer;
}
