/* auth/dmarc_record.c: see dmarc_record.h. */
#include "auth/dmarc_record.h"

#include <stdlib.h>
#include <string.h>

static bool
is_absolute_uri(struct bytes uri)
{
	size_t colon = bytes_index(uri, ':');

	if (colon == 0 || colon + 1 >= uri.len || !byte_is_alpha(uri.at[0]))
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!byte_is_alnum(uri.at[i]) && !bytes_has(B("+-."), uri.at[i]))
			return false;
	for (size_t i = colon; i < uri.len; i++)
		if (uri.at[i] <= ' ' || uri.at[i] >= 0x7f || bytes_has(B("!\"<>\\^`{|}"), uri.at[i]))
			return false;
	return true;
}

static bool
is_report_uri(struct bytes uri)
{
	static const struct bytes mailto = B_INIT("mailto:");

	if (!is_absolute_uri(uri))
		return false;
	if (!bytes_starts_nocase(uri, mailto))
		return true;
	struct bytes to = bytes_sub(uri, mailto.len, bytes_index(uri, '?') - mailto.len);
	size_t       at = bytes_index(to, '@');
	return at > 0 && at + 1 < to.len && bytes_rindex(to, '@') == at;
}

/* obs-dmarc-report-size: "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static struct bytes
without_size(struct bytes uri)
{
	size_t mark = bytes_rindex(uri, '!');
	size_t end = uri.len;

	if (mark == uri.len)
		return uri;
	if (bytes_has(B("kmgt"), byte_lower(uri.at[end - 1])))
		end--;
	for (size_t i = mark + 1; i < end; i++)
		if (!byte_is_digit(uri.at[i]))
			return uri;
	return end > mark + 1 ? bytes_sub(uri, 0, mark) : uri;
}

static bool
take_uris(struct bytes value, struct bytes *uris, size_t *count)
{
	struct bytes uri;
	bool         good = true;

	while (bytes_cut(&value, ',', &uri)) {
		uri = without_size(bytes_trim(uri));
		if (!is_report_uri(uri))
			good = false;
		else if (*count < DMARC_URIS)
			uris[(*count)++] = uri;
	}
	return good;
}

static bool
set_rua(struct dmarc_record *r, struct bytes value)
{
	return take_uris(value, r->rua, &r->rua_count);
}

static bool
set_ruf(struct dmarc_record *r, struct bytes value)
{
	return take_uris(value, r->ruf, &r->ruf_count);
}

/* ABNF literals know no case, RFC 5234 section 2.3. */
static bool
set_policy(enum dmarc_policy *policy, struct bytes value)
{
	for (enum dmarc_policy p = POLICY_NONE; p <= POLICY_REJECT; p++)
		if (bytes_eq_nocase(value, bytes_of(policy_word(p)))) {
			*policy = p;
			return true;
		}
	return false;
}

static bool
set_p(struct dmarc_record *r, struct bytes value)
{
	return set_policy(&r->p, value);
}

static bool
set_sp(struct dmarc_record *r, struct bytes value)
{
	return set_policy(&r->sp, value);
}

static bool
set_np(struct dmarc_record *r, struct bytes value)
{
	return set_policy(&r->np, value);
}

/* One letter of `letters`; its place there. */
static bool
letter_of(struct bytes value, const char *letters, int *place_out)
{
	const char *found = value.len == 1 && value.at[0] != '\0' ? strchr(letters, byte_lower(value.at[0])) : NULL;

	if (found == NULL)
		return false;
	*place_out = (int)(found - letters);
	return true;
}

static bool
set_flag(bool *flag, const char *no_yes, struct bytes value)
{
	int place;

	if (!letter_of(value, no_yes, &place))
		return false;
	*flag = place == 1;
	return true;
}

static bool
set_adkim(struct dmarc_record *r, struct bytes value)
{
	return set_flag(&r->strict_dkim, "rs", value);
}

static bool
set_aspf(struct dmarc_record *r, struct bytes value)
{
	return set_flag(&r->strict_spf, "rs", value);
}

static bool
set_t(struct dmarc_record *r, struct bytes value)
{
	return set_flag(&r->testing, "ny", value);
}

static bool
set_psd(struct dmarc_record *r, struct bytes value)
{
	int place;

	if (!letter_of(value, "uny", &place))
		return false;
	r->psd = (enum dmarc_psd)place;
	return true;
}

/* dmarc-fo: each of 0 1 d s at most once, 0 and 1 not both. */
static bool
set_fo(struct dmarc_record *r, struct bytes value)
{
	struct bytes option, rest = value;
	unsigned     seen = 0;
	int          place;

	while (bytes_cut(&rest, ':', &option)) {
		if (!letter_of(bytes_trim(option), "01ds", &place) || (seen & 1u << place))
			return false;
		seen |= 1u << place;
	}
	if ((seen & 3) == 3)
		return false;
	r->fo = value;
	return true;
}

/* RFC 9989 section 4.8, table 2. */
static const struct tag_rule {
	struct bytes name;
	bool (*set)(struct dmarc_record *, struct bytes value);
} rules[] = {
	{ B_INIT("p"), set_p },     { B_INIT("t"), set_t },         { B_INIT("psd"), set_psd },   { B_INIT("np"), set_np },
	{ B_INIT("sp"), set_sp },   { B_INIT("adkim"), set_adkim }, { B_INIT("aspf"), set_aspf }, { B_INIT("rua"), set_rua },
	{ B_INIT("ruf"), set_ruf }, { B_INIT("fo"), set_fo },
};

enum { RULE_P, RULE_NP = 3, RULE_SP = 4 };

struct tag_seen {
	unsigned     times;
	struct bytes item, value;
};

static void
note_fault(struct dmarc_record *r, struct bytes item)
{
	if (r->fault.len == 0)
		r->fault = item;
}

static void
take_item(struct dmarc_record *r, struct tag_seen *seen, struct bytes item)
{
	struct bytes value = item, name;

	if (item.len == 0)
		return;
	bytes_cut(&value, '=', &name);
	name = bytes_trim(name);
	if (value.at == NULL || name.len == 0)
		note_fault(r, item);
	for (size_t i = 0; i < NELEMS(rules); i++)
		if (bytes_eq_nocase(name, rules[i].name)) {
			seen[i].times++;
			seen[i].item = item;
			seen[i].value = bytes_trim(value);
		}
}

static bool
is_version(struct bytes item)
{
	struct bytes name;

	if (item.len == 0 || byte_is_space(item.at[0]))
		return false;
	bytes_cut(&item, '=', &name);
	return bytes_eq_nocase(bytes_trim(name), B("v")) && bytes_eq(bytes_trim(item), B("DMARC1"));
}

bool
dmarc_record_parse(struct bytes text, struct dmarc_record *record_out)
{
	struct dmarc_record r = { .text = text, .fo = B(""), .fault = B("") };
	struct tag_seen     seen[NELEMS(rules)] = { 0 };
	struct bytes        item, rest = text;
	bool                good[NELEMS(rules)];

	if (!bytes_cut(&rest, ';', &item) || !is_version(item))
		return false;
	while (bytes_cut(&rest, ';', &item))
		take_item(&r, seen, bytes_trim(item));
	for (size_t i = 0; i < NELEMS(rules); i++) {
		good[i] = seen[i].times == 1 && rules[i].set(&r, seen[i].value);
		if (seen[i].times > 0 && !good[i])
			note_fault(&r, seen[i].item);
	}
	r.bad_policy = !good[RULE_P] || (seen[RULE_SP].times > 0 && !good[RULE_SP]) || (seen[RULE_NP].times > 0 && !good[RULE_NP]);
	*record_out = r;
	return true;
}

/* The slot holds this, with the text of the record behind it. */
struct made {
	struct dmarc_found found;
	char               text[];
};

static void
free_made(void *made)
{
	free(made);
}

/* Parse what there is once more from a copy that belongs to the slot. */
static struct made *
made_new(size_t count, struct bytes text)
{
	struct made *m = calloc(1, sizeof(*m) + text.len + 1);

	if (m == NULL)
		return NULL;
	m->found.count = count;
	if (count == 1) {
		memcpy(m->text, text.at, text.len);
		dmarc_record_parse(bytes_make(m->text, text.len), &m->found.record);
	}
	return m;
}

const struct dmarc_found *
dmarc_record_find(struct arena *a, const struct answer *answer)
{
	struct made        *m = answer_made(answer, free_made);
	struct dmarc_record record;
	struct bytes        text = B("");
	size_t              count = 0;

	if (m != NULL)
		return &m->found;
	for (size_t i = 0; i < answer->count; i++) {
		struct bytes one = answer_txt(a, answer->rdata[i]);
		if (dmarc_record_parse(one, &record)) {
			text = one;
			count++;
		}
	}
	m = arena_overdrawn(a) ? NULL : made_new(count, text);
	if (m == NULL) {
		arena_spoil(a);
		return NULL;
	}
	if (!answer_keep(answer, m, free_made) && !arena_on_free(a, free_made, m))
		return NULL;
	return &m->found;
}
