/* net/packet.c: see packet.h. libunbound writes these packets, but out of octets
 * that strangers chose, so nothing about them is believed. */
#include "net/packet.h"

#include <string.h>

#define HEADER       12
#define JUMPS_MAX    64
#define CNAMES_MAX   24
#define RECORDS_MAX  2048
#define ARENA_LIMIT  ((size_t)2 << 20)
#define RCODE_NXDOMAIN 3

/* An owner name, lower case, no dot at the end. Labels keep their octets. */
struct name {
	size_t len;
	char   at[DNS_NAME_MAX + 1];
};

struct record {
	struct name name;
	unsigned    type;
	unsigned    klass;
	uint32_t    ttl;
	size_t      data; /* offset of the rdata */
	size_t      len;
};

static unsigned
be16(struct bytes p, size_t at)
{
	return (unsigned)(unsigned char)p.at[at] << 8 | (unsigned char)p.at[at + 1];
}

static uint32_t
be32(struct bytes p, size_t at)
{
	return (uint32_t)be16(p, at) << 16 | be16(p, at + 2);
}

/* Copy the name at `*at` uncompressed to `wire` (256 octets) and move `*at` behind
 * it. A pointer must go backwards (RFC 1035 section 4.1.4); what loops all the same
 * ends at the greatest length of a name or of a chain of pointers. */
static bool
take_wire(struct bytes p, size_t *at, char *wire, size_t *len_out)
{
	size_t   from = *at, used = 0, behind = 0;
	unsigned jumps = 0;

	for (;;) {
		if (from >= p.len)
			return false;
		unsigned n = (unsigned char)p.at[from];
		if (n >= 0xc0) {
			if (from + 1 >= p.len || ++jumps > JUMPS_MAX)
				return false;
			if (behind == 0)
				behind = from + 2;
			size_t to = be16(p, from) & 0x3fff;
			if (to >= from)
				return false;
			from = to;
			continue;
		}
		if (n > DNS_LABEL_MAX || from + 1 + n > p.len || used + 1 + n > 255)
			return false;
		memcpy(wire + used, p.at + from, n + 1);
		used += n + 1;
		from += n + 1;
		if (n == 0)
			break;
	}
	*at = behind > 0 ? behind : from;
	*len_out = used;
	return true;
}

static bool
take_name(struct bytes p, size_t *at, struct name *name_out)
{
	char   wire[256];
	size_t len, used = 0;

	if (!take_wire(p, at, wire, &len))
		return false;
	for (size_t i = 0; wire[i] != 0; i += (size_t)(unsigned char)wire[i] + 1) {
		if (used > 0)
			name_out->at[used++] = '.';
		for (size_t k = 0; k < (unsigned char)wire[i]; k++)
			name_out->at[used++] = byte_lower(wire[i + 1 + k]);
	}
	name_out->len = used;
	return true;
}

static bool
take_record(struct bytes p, size_t *at, struct record *r)
{
	if (!take_name(p, at, &r->name) || p.len - *at < 10)
		return false;
	r->type = be16(p, *at);
	r->klass = be16(p, *at + 2);
	r->ttl = be32(p, *at + 4);
	if (r->ttl > INT32_MAX)
		r->ttl = 0; /* RFC 2181 section 8 */
	r->len = be16(p, *at + 8);
	r->data = *at + 10;
	if (p.len - r->data < r->len)
		return false;
	*at = r->data + r->len;
	return true;
}

/* Types whose rdata may hold compressed names (RFC 3597 section 4): so many fixed
 * octets, so many names, so many octets at the end. */
static const struct layout {
	unsigned type;
	unsigned before, names, after;
} layouts[] = {
	{ DNS_NS, 0, 1, 0 }, { DNS_CNAME, 0, 1, 0 }, { DNS_PTR, 0, 1, 0 }, { DNS_MX, 2, 1, 0 }, { DNS_SOA, 0, 2, 20 },
};

static const struct layout *
layout_of(unsigned type)
{
	for (size_t i = 0; i < NELEMS(layouts); i++)
		if (layouts[i].type == type)
			return &layouts[i];
	return NULL;
}

static bool
copy_rdata(struct arena *a, struct bytes p, const struct record *r, struct bytes *rdata_out)
{
	const struct layout *lay = layout_of(r->type);

	if (lay == NULL) {
		*rdata_out = bytes_make(p.at + r->data, r->len);
		return true;
	}
	char   out[2 + 2 * 256 + 20];
	size_t used = lay->before, at = r->data + lay->before, len;
	size_t end = r->data + r->len;
	if (r->len < lay->before)
		return false;
	memcpy(out, p.at + r->data, lay->before);
	for (unsigned i = 0; i < lay->names; i++) {
		if (!take_wire(p, &at, out + used, &len) || at > end)
			return false;
		used += len;
	}
	if (end - at != lay->after)
		return false;
	memcpy(out + used, p.at + at, lay->after);
	*rdata_out = arena_copy(a, bytes_make(out, used + lay->after));
	return rdata_out->at != NULL;
}

struct reading {
	struct arena  *arena;
	struct bytes   packet;
	struct record *records;
	size_t         answers; /* the first so many are the answer section */
	size_t         count; /* then the authority section */
	struct bytes  *rdata;
	size_t         found;
	uint32_t       ttl;
	struct name    name; /* that we look for, behind the CNAMEs so far */
	bool           renamed;
};

static bool
take_section(struct reading *rd, size_t *at, unsigned count)
{
	for (; count > 0; count--) {
		if (rd->count == RECORDS_MAX || !take_record(rd->packet, at, &rd->records[rd->count]))
			return false;
		rd->count++;
	}
	return true;
}

static bool
is_ours(const struct reading *rd, const struct record *r)
{
	return r->klass == 1 && bytes_eq(bytes_make(r->name.at, r->name.len), bytes_make(rd->name.at, rd->name.len));
}

static void
lower_ttl(struct reading *rd, uint32_t ttl)
{
	if (ttl < rd->ttl)
		rd->ttl = ttl;
}

static enum rc
collect(struct reading *rd, enum dns_type type)
{
	for (size_t i = 0; i < rd->answers; i++) {
		const struct record *r = &rd->records[i];
		if (r->type != (unsigned)type || !is_ours(rd, r))
			continue;
		if (!copy_rdata(rd->arena, rd->packet, r, &rd->rdata[rd->found]))
			return arena_overdrawn(rd->arena) ? RC_MEMORY : RC_SYNTAX;
		rd->found++;
		lower_ttl(rd, r->ttl);
	}
	return RC_OK;
}

/* True when there is a CNAME to follow; RC in *rc_out if it cannot be read. */
static bool
rename_by_cname(struct reading *rd, enum rc *rc_out)
{
	for (size_t i = 0; i < rd->answers; i++) {
		const struct record *r = &rd->records[i];
		size_t               at = r->data;
		if (r->type != DNS_CNAME || !is_ours(rd, r))
			continue;
		lower_ttl(rd, r->ttl);
		rd->renamed = true;
		if (!take_name(rd->packet, &at, &rd->name))
			*rc_out = RC_SYNTAX;
		return *rc_out == RC_OK;
	}
	return false;
}

/* RFC 2308 section 5: the SOA's own ttl or its last field, the lower. */
static uint32_t
negative_ttl(const struct reading *rd)
{
	for (size_t i = rd->answers; i < rd->count; i++) {
		const struct record *r = &rd->records[i];
		if (r->type != DNS_SOA || r->len < 22)
			continue;
		uint32_t minimum = be32(rd->packet, r->data + r->len - 4);
		return minimum < r->ttl ? minimum : r->ttl;
	}
	return UINT32_MAX;
}

static enum rc
follow(struct reading *rd, const struct ask *ask, unsigned rcode, struct answer **answer_out)
{
	enum answer_status status = ANSWER_OK;
	const char        *why = NULL;
	enum rc            rc = RC_OK;

	for (unsigned hops = 0;; hops++) {
		rc = collect(rd, ask->type);
		if (rc != RC_OK || rd->found > 0 || !rename_by_cname(rd, &rc))
			break;
		if (hops == CNAMES_MAX) {
			status = ANSWER_SERVFAIL;
			why = "the chain of CNAMEs is a loop or too long";
			break;
		}
	}
	if (rc != RC_OK)
		return rc;
	struct bytes canon = rd->renamed ? bytes_make(rd->name.at, rd->name.len) : B_NONE;
	if (rd->found == 0 && status == ANSWER_OK) {
		status = rcode == RCODE_NXDOMAIN ? ANSWER_NXDOMAIN : ANSWER_EMPTY;
		lower_ttl(rd, negative_ttl(rd));
	}
	*answer_out = answer_new(status, ask->type, rd->ttl, rd->rdata, rd->found, canon, bytes_of(why));
	return *answer_out != NULL ? RC_OK : RC_MEMORY;
}

static enum rc
read_packet(struct reading *rd, const struct ask *ask, struct answer **answer_out)
{
	struct bytes p = rd->packet;
	size_t       at = HEADER;
	struct name  question;

	if (p.len < HEADER || !(be16(p, 2) & 0x8000) || be16(p, 4) > 1)
		return RC_SYNTAX;
	unsigned rcode = be16(p, 2) & 15;
	if (rcode != 0 && rcode != RCODE_NXDOMAIN) {
		*answer_out = answer_new(ANSWER_SERVFAIL, ask->type, 0, NULL, 0, B_NONE, B("the server answered with an error"));
		return *answer_out != NULL ? RC_OK : RC_MEMORY;
	}
	if (be16(p, 4) == 1 && (!take_name(p, &at, &question) || p.len - at < 4))
		return RC_SYNTAX;
	if (be16(p, 4) == 1)
		at += 4;
	/* Count what can be there at all before taking memory for it. */
	size_t most = (size_t)be16(p, 6) + be16(p, 8);
	if (most > (p.len - at) / 11 || most > RECORDS_MAX)
		return RC_SYNTAX;
	rd->records = arena_take_array(rd->arena, most + 1, sizeof(*rd->records));
	rd->rdata = arena_take_array(rd->arena, most + 1, sizeof(*rd->rdata));
	if (rd->records == NULL || rd->rdata == NULL)
		return RC_MEMORY;
	if (!take_section(rd, &at, be16(p, 6)))
		return RC_SYNTAX;
	rd->answers = rd->count;
	if (!take_section(rd, &at, be16(p, 8)))
		return RC_SYNTAX;
	return follow(rd, ask, rcode, answer_out);
}

enum rc
packet_answer(struct bytes packet, const struct ask *ask, struct answer **answer_out)
{
	struct reading rd = { .packet = packet, .ttl = UINT32_MAX };

	if (ask->name.len > DNS_NAME_MAX)
		return RC_SYNTAX;
	for (size_t i = 0; i < ask->name.len; i++)
		rd.name.at[i] = byte_lower(ask->name.at[i]);
	rd.name.len = ask->name.len;
	rd.arena = arena_new(ARENA_LIMIT);
	if (rd.arena == NULL)
		return RC_MEMORY;
	enum rc rc = read_packet(&rd, ask, answer_out);
	arena_free(rd.arena);
	return rc;
}
