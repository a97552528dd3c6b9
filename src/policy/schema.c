/* policy/schema.c: see schema.h. A type is a row of functions: one reads a word,
 * one writes the value, one describes it. */
#include "policy/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/domain.h"
#include "policy/settings.h"

/* How the offset of a field is told, by TYPE: the mirror of CELL_* in settings.h. */
#define NAME_FLAG(name)    name
#define NAME_NUMBER(name)  name
#define NAME_MSEC(name)    name##_ms
#define NAME_SIZE(name)    name
#define NAME_MODE(name)    name
#define NAME_NAME(name)    name
#define NAME_PATH(name)    name
#define NAME_URL(name)     name
#define NAME_HOST(name)    name
#define NAME_ID(name)      name
#define NAME_DOORS(name)   name
#define NAME_DOMAINS(name) name
#define NAME_NETS(name)    name
#define NAME_SERVERS(name) name
#define NAME_STORE(name)   name

const struct setting schema[] = {
#define SETTING(name, type, min, max, fallback, help) \
	{ "", #name, SETTING_##type, min, max, fallback, NULL, help, offsetof(struct settings, NAME_##type(name)) },
#define CHOICE(name, tag, fallback, words, help) \
	{ "", #name, SETTING_CHOICE, 0, 0, fallback, words, help, offsetof(struct settings, name) },
#define MEMBER(section, name, type, min, max, fallback, help) \
	{ #section, #name, SETTING_##type, min, max, fallback, NULL, help, offsetof(struct settings, NAME_##type(section##_##name)) },
#define MEMBER_CHOICE(section, name, tag, fallback, words, help) \
	{ #section, #name, SETTING_CHOICE, 0, 0, fallback, words, help, offsetof(struct settings, section##_##name) },
#define RULE_CHOICE(name, tag, fallback, words, help) \
	{ "domain", #name, SETTING_CHOICE, 0, 0, fallback, words, help, offsetof(struct domain_rule, name) },
#include "policy/settings.def"
};
const size_t schema_count = NELEMS(schema);

const struct setting_section schema_sections[] = {
#define SECTION(name, help) { name, help },
#include "policy/settings.def"
};
const size_t schema_section_count = NELEMS(schema_sections);

/* What reading one word needs, and where it says what is wrong. */
struct reading {
	struct arena           *arena;
	struct arena           *work; /* for sentences */
	const struct setting   *setting;
	const struct conf_word *word;
	struct bytes            why;
};

static bool refuse(struct reading *r, const char *format, ...) PRINTF(2, 3);

/* `"threads" is a number from 0 to 256, not "many"`; a secret is not repeated. */
static bool
refuse(struct reading *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	struct bytes want = arena_vprintf(r->work, format, ap);
	va_end(ap);
	if (r->word->fetched)
		r->why = arena_printf(r->work, "\"%s\" %.*s", r->setting->name, B_FMT(want));
	else
		r->why = arena_printf(r->work, "\"%s\" %.*s, not \"%.*s\"", r->setting->name, B_FMT(want), B_FMT(r->word->text));
	return false;
}

static bool
in_bounds(const struct setting *s, uint64_t v)
{
	return v >= s->min && v <= s->max;
}

/* ---- reading ---- */

static bool
read_flag(struct reading *r, void *field)
{
	return conf_bool(r->word->text, field) || refuse(r, "is yes or no");
}

static bool
read_number(struct reading *r, void *field)
{
	const struct setting *s = r->setting;
	uint64_t              v;

	if (!bytes_number(r->word->text, UINT32_MAX, &v) || !in_bounds(s, v))
		return refuse(r, "is a number from %" PRIu64 " to %" PRIu64, s->min, s->max);
	*(uint32_t *)field = (uint32_t)v;
	return true;
}

static bool
read_msec(struct reading *r, void *field)
{
	const struct setting *s = r->setting;
	char                  min[CONF_UNIT_TEXT], max[CONF_UNIT_TEXT];
	uint64_t              v;

	if (!conf_msec(r->word->text, &v))
		return refuse(r, "is a duration such as 500ms, 30s, 5m, 2h or 1d");
	if (!in_bounds(s, v))
		return refuse(r, "is a duration from %s to %s", conf_msec_text(s->min, min), conf_msec_text(s->max, max));
	*(uint32_t *)field = (uint32_t)v;
	return true;
}

static bool
read_size(struct reading *r, void *field)
{
	const struct setting *s = r->setting;
	char                  min[CONF_UNIT_TEXT], max[CONF_UNIT_TEXT];
	uint64_t              v;

	if (!conf_size(r->word->text, &v))
		return refuse(r, "is a size such as 4096, 64k, 25M or 1G");
	if (!in_bounds(s, v))
		return refuse(r, "is a size from %s to %s", conf_size_text(s->min, min), conf_size_text(s->max, max));
	*(uint64_t *)field = v;
	return true;
}

static bool
read_mode(struct reading *r, void *field)
{
	struct bytes text = r->word->text;
	uint32_t     v = 0;

	for (size_t i = 0; i < text.len; i++)
		v = text.at[i] >= '0' && text.at[i] <= '7' && v <= 07777 ? v << 3 | (uint32_t)(text.at[i] - '0') : UINT32_MAX;
	if (text.len == 0 || !in_bounds(r->setting, v))
		return refuse(r, "is a mode in octal such as 0660");
	*(uint32_t *)field = v;
	return true;
}

static bool
store_text(struct reading *r, struct bytes text, void *field)
{
	*(struct bytes *)field = arena_copy(r->arena, text);
	return true;
}

/* "" takes a text back to none. */
static bool
read_text(struct reading *r, void *field, bool (*fits)(struct bytes), const char *want)
{
	struct bytes text = r->word->text;

	if (text.len > 0 && (!in_bounds(r->setting, text.len) || !fits(text)))
		return refuse(r, "%s", want);
	return store_text(r, text, field);
}

static bool
fits_name(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!byte_is_alnum(text.at[i]) && text.at[i] != '_' && (i == 0 || (text.at[i] != '-' && text.at[i] != '.')))
			return false;
	return true;
}

static bool
read_name(struct reading *r, void *field)
{
	return read_text(r, field, fits_name, "is the name of a user or group");
}

/* Relative paths count from the file that says so, not from where the daemon was started. */
static bool
read_path(struct reading *r, void *field)
{
	struct bytes path = r->word->text;

	if (!in_bounds(r->setting, path.len) && path.len > 0)
		return refuse(r, "is a path of at most %" PRIu64 " octets", r->setting->max);
	if (bytes_has(path, '\0'))
		return refuse(r, "is a path");
	return store_text(r, conf_beside(r->work, r->word->at.file, path), field);
}

/* A file of one of the two special names is written ./none. */
static bool
read_store(struct reading *r, void *field)
{
	struct bytes text = r->word->text;
	bool         special = bytes_eq(text, B("auto")) || bytes_eq(text, B("none"));
	size_t       scheme = bytes_find(text, B("://"));

	if (special || bytes_starts(text, B("postgres://")) || bytes_starts(text, B("postgresql://")))
		return bytes_has(text, '\0') ? refuse(r, "is a path or an address") : store_text(r, text, field);
	if (text.len == 0 || scheme < text.len)
		return refuse(r, "is auto, none, a path, or an address such as postgres://db.example.net/mailreeve");
	return read_path(r, field);
}

/* '%' would be eaten by Postfix and Sendmail on its way into a reply. */
static bool
fits_url(struct bytes text)
{
	if (!bytes_starts(text, B("https://")) && !bytes_starts(text, B("http://")))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f || text.at[i] == '%')
			return false;
	return true;
}

static bool
read_url(struct reading *r, void *field)
{
	return read_text(r, field, fits_url, "is an address such as https://gate.example.net/why, without blanks and percent signs");
}

static bool
read_host(struct reading *r, void *field)
{
	struct bytes name = r->word->text;

	if (name.len > 0) {
		name = domain_normal(r->work, name);
		if (name.at == NULL)
			return refuse(r, "is a domain name such as mx.example.net");
	}
	return store_text(r, name, field);
}

static bool
fits_id(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!byte_is_alnum(text.at[i]) && text.at[i] != '.' && text.at[i] != '-' && text.at[i] != '_')
			return false;
	return true;
}

static bool
read_id(struct reading *r, void *field)
{
	return read_text(r, field, fits_id, "is a name of letters, digits, dots and dashes such as mx.example.net");
}

static bool
is_door(struct bytes text)
{
	struct bytes rest = text, kind;
	struct ip    ip;
	uint16_t     port;

	if (!bytes_cut(&rest, ':', &kind) || bytes_has(text, '\0'))
		return false;
	if (bytes_eq(kind, B("unix")))
		return rest.len > 1 && rest.len < 108 && rest.at[0] == '/'; /* sun_path */
	if (bytes_eq(kind, B("inet6")))
		return rest.len > 0 && rest.at[0] == '[' && bytes_index(rest, ']') + 1 < rest.len && ip_port_parse(rest, 0, &ip, &port);
	if (!bytes_eq(kind, B("inet")))
		return false;
	size_t   colon = bytes_rindex(rest, ':');
	uint64_t number;
	return colon > 0 && colon < rest.len && !bytes_has(bytes_sub(rest, 0, colon), ':') &&
	       bytes_number(bytes_from(rest, colon + 1), 65535, &number) && number > 0;
}

static bool
read_door(struct reading *r, void *item)
{
	if (!is_door(r->word->text))
		return refuse(r, "is unix:/path, inet:address:port or inet6:[address]:port");
	return store_text(r, r->word->text, item);
}

static bool
read_domain(struct reading *r, void *item)
{
	struct bytes name = domain_normal(r->work, r->word->text);

	if (name.at == NULL)
		return refuse(r, "is a list of domain names such as example.com");
	return store_text(r, name, item);
}

static bool
read_net(struct reading *r, void *item)
{
	struct ip_net net;

	if (ip_net_parse(r->word->text, true, item))
		return true;
	if (!ip_net_parse(r->word->text, false, &net))
		return refuse(r, "is a list of addresses and networks such as 192.0.2.0/24");
	for (unsigned i = net.bits; i < 128; i++)
		net.ip.octet[i / 8] &= (uint8_t) ~(0x80U >> (i % 8));
	char text[IP_TEXT_MAX];
	ip_format(&net.ip, text);
	return refuse(r, "has a network with bits behind its prefix; write %s/%u", text, net.bits);
}

static bool
read_server(struct reading *r, void *item)
{
	struct ip ip;
	uint16_t  port;
	char      text[IP_TEXT_MAX];

	if (!ip_port_parse(r->word->text, 53, &ip, &port))
		return refuse(r, "is a list of name servers such as 192.0.2.53 or 127.0.0.1:5353");
	ip_format(&ip, text);
	return store_text(r, arena_printf(r->work, ip.family == 6 ? "[%s]:%u" : "%s:%u", text, port), item);
}

/* The n-th word of "a|b|c"; empty behind the last. */
static struct bytes
choice_word(const char *words, unsigned n)
{
	struct bytes rest = bytes_of(words), word = B_NONE;

	for (unsigned i = 0; i <= n; i++)
		if (!bytes_cut(&rest, '|', &word))
			return B_NONE;
	return word;
}

static struct bytes
list_words(struct arena *a, const char *words)
{
	struct bytes all = choice_word(words, 0), word;

	for (unsigned i = 1; (word = choice_word(words, i)).len > 0; i++) {
		bool last = choice_word(words, i + 1).len == 0;
		all = arena_join(a, arena_join(a, all, last ? B(" or ") : B(", ")), word);
	}
	return all;
}

static bool
read_choice(struct reading *r, void *field)
{
	struct bytes word;
	bool         flag;

	/* "list_exception" is a choice of no and yes, but off is no as everywhere. */
	if (strcmp(r->setting->words, "no|yes") == 0 && conf_bool(r->word->text, &flag)) {
		*(unsigned *)field = flag;
		return true;
	}
	for (unsigned i = 0; (word = choice_word(r->setting->words, i)).len > 0; i++)
		if (bytes_eq_nocase(word, r->word->text)) {
			*(unsigned *)field = i;
			return true;
		}
	return refuse(r, "is %.*s", B_FMT(list_words(r->work, r->setting->words)));
}

/* ---- writing ---- */

static void
write_flag(struct buf *out, const struct setting *s, const void *field)
{
	(void)s;
	buf_add_str(out, *(const bool *)field ? "yes" : "no");
}

static void
write_number(struct buf *out, const struct setting *s, const void *field)
{
	(void)s;
	buf_printf(out, "%" PRIu32, *(const uint32_t *)field);
}

static void
write_msec(struct buf *out, const struct setting *s, const void *field)
{
	char text[CONF_UNIT_TEXT];

	(void)s;
	buf_add_str(out, conf_msec_text(*(const uint32_t *)field, text));
}

static void
write_size(struct buf *out, const struct setting *s, const void *field)
{
	char text[CONF_UNIT_TEXT];

	(void)s;
	buf_add_str(out, conf_size_text(*(const uint64_t *)field, text));
}

static void
write_mode(struct buf *out, const struct setting *s, const void *field)
{
	(void)s;
	buf_printf(out, "%04" PRIo32, *(const uint32_t *)field);
}

/* Quoted where a bare word would be read as something else. */
static void
write_text(struct buf *out, const struct setting *s, const void *field)
{
	struct bytes text = *(const struct bytes *)field;
	bool         bare = text.len > 0 && bytes_index(B("@$#"), text.at[0]) == 3;

	(void)s;
	for (size_t i = 0; bare && i < text.len; i++)
		bare = (unsigned char)text.at[i] > ' ' && text.at[i] != 0x7f && !bytes_has(B(",;{}\""), text.at[i]);
	if (bare) {
		buf_add(out, text);
		return;
	}
	buf_add_c(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			buf_add_c(out, '\\');
		buf_add_c(out, text.at[i]);
	}
	buf_add_c(out, '"');
}

static void
write_net(struct buf *out, const struct setting *s, const void *item)
{
	const struct ip_net *net = item;
	char                 text[IP_TEXT_MAX];

	(void)s;
	ip_format(&net->ip, text);
	buf_add_str(out, text);
	if (net->bits != (net->ip.family == 4 ? 32 : 128))
		buf_printf(out, "/%u", net->bits);
}

static void
write_choice(struct buf *out, const struct setting *s, const void *field)
{
	buf_add(out, choice_word(s->words, *(const unsigned *)field));
}

/* ---- the types ---- */

enum json_shape { JSON_TEXT, JSON_NUMBER_32, JSON_NUMBER_64, JSON_FLAG };

static const struct type {
	bool (*read)(struct reading *, void *field);
	void (*write)(struct buf *, const struct setting *, const void *field);
	const char     *what; /* for people; NULL: made from the bounds */
	size_t          item; /* of a list: size of one; 0: no list */
	enum json_shape shape;
} types[SETTING_TYPES] = {
	[SETTING_FLAG] = { read_flag, write_flag, "yes or no", 0, JSON_FLAG },
	[SETTING_NUMBER] = { read_number, write_number, NULL, 0, JSON_NUMBER_32 },
	[SETTING_MSEC] = { read_msec, write_msec, NULL, 0, JSON_NUMBER_32 },
	[SETTING_SIZE] = { read_size, write_size, NULL, 0, JSON_NUMBER_64 },
	[SETTING_MODE] = { read_mode, write_mode, "an octal mode", 0, JSON_TEXT },
	[SETTING_NAME] = { read_name, write_text, "a name", 0, JSON_TEXT },
	[SETTING_PATH] = { read_path, write_text, "a path; a relative one counts from the file that says so", 0, JSON_TEXT },
	[SETTING_URL] = { read_url, write_text, "an address of the web", 0, JSON_TEXT },
	[SETTING_HOST] = { read_host, write_text, "a domain name", 0, JSON_TEXT },
	[SETTING_ID] = { read_id, write_text, "a name", 0, JSON_TEXT },
	[SETTING_DOORS] = { read_door, write_text, "a list of sockets", sizeof(struct bytes), JSON_TEXT },
	[SETTING_DOMAINS] = { read_domain, write_text, "a list of domain names", sizeof(struct bytes), JSON_TEXT },
	[SETTING_NETS] = { read_net, write_net, "a list of addresses and networks", sizeof(struct ip_net), JSON_TEXT },
	[SETTING_SERVERS] = { read_server, write_text, "a list of name servers", sizeof(struct bytes), JSON_TEXT },
	[SETTING_STORE] = { read_store, write_text, "auto, none, a path, or postgres://...", 0, JSON_TEXT },
	[SETTING_CHOICE] = { read_choice, write_choice, NULL, 0, JSON_TEXT },
};

/* All lists have this shape: where the items are, and how many. */
struct list {
	const void *at;
	size_t      count;
};

static struct list
list_at(const void *field)
{
	struct list list;

	memcpy(&list, field, sizeof(list));
	return list;
}

_Static_assert(sizeof(struct list) == sizeof(struct bytes_list) && sizeof(struct list) == sizeof(struct net_list), "lists are all alike");

static bool
set_list(struct reading *r, const struct conf_word *words, size_t count, void *field, size_t *word_out)
{
	size_t size = types[r->setting->type].item;
	char  *items;

	if (count == 1 && !words[0].literal && bytes_eq(words[0].text, B("none")))
		count = 0;
	if (count < r->setting->min || count > r->setting->max) {
		r->why = count == 0 ? arena_printf(r->work, "\"%s\" wants at least one value", r->setting->name) :
		                      arena_printf(r->work, "\"%s\" has more than %" PRIu64 " values", r->setting->name, r->setting->max);
		return false;
	}
	items = arena_take_array(r->arena, count, size);
	if (items == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		r->word = &words[i];
		*word_out = i;
		if (!types[r->setting->type].read(r, items + i * size))
			return false;
	}
	memcpy(field, &(struct list){ items, count }, sizeof(struct list));
	return true;
}

bool
setting_set(struct arena *a, struct arena *work, const struct setting *s, const struct conf_word *words, size_t count, void *base,
            size_t *word_out, struct bytes *why_out)
{
	struct reading r = { .arena = a, .work = work, .setting = s, .word = words };
	void          *field = (char *)base + s->at;
	bool           is_list = types[s->type].item != 0, good = false;

	*word_out = 0;
	if (count == 0)
		r.why = arena_printf(work, is_list ? "\"%s\" wants a value; none is an empty list" : "\"%s\" wants a value", s->name);
	else if (is_list)
		good = set_list(&r, words, count, field, word_out);
	else if (count > 1) {
		r.why = arena_printf(work, "\"%s\" takes one value; put quotes around a text with blanks or commas", s->name);
		*word_out = 1;
	} else
		good = types[s->type].read(&r, field);
	if (!good)
		*why_out = r.why;
	return good;
}

void
setting_set_default(struct arena *a, const struct setting *s, void *base)
{
	struct conf_word words[8];
	struct bytes     rest = bytes_of(s->fallback), word, why;
	size_t           count = 0, at;

	while (rest.len > 0 && count < NELEMS(words) && bytes_cut(&rest, ' ', &word))
		words[count++] = (struct conf_word){ .text = word };
	if (count > 0 && !setting_set(a, a, s, words, count, base, &at, &why))
		arena_spoil(a);
}

/* ---- showing ---- */

void
setting_write(const struct setting *s, const void *base, struct buf *out)
{
	const struct type *type = &types[s->type];
	const void        *field = (const char *)base + s->at;

	if (type->item == 0) {
		type->write(out, s, field);
		return;
	}
	struct list list = list_at(field);
	if (list.count == 0)
		buf_add_str(out, "none");
	for (size_t i = 0; i < list.count; i++) {
		buf_add_str(out, i > 0 ? " " : "");
		type->write(out, s, (const char *)list.at + i * type->item);
	}
}

/* One text; the bytes of texts as they are, all else as it is written. */
static void
json_item(const struct setting *s, const void *field, struct json *j)
{
	struct buf text = { 0 };

	if (types[s->type].write == write_text) {
		json_text_or_null(j, *(const struct bytes *)field);
		return;
	}
	types[s->type].write(&text, s, field);
	json_text(j, buf_bytes(&text));
	buf_free(&text);
}

void
setting_json(const struct setting *s, const void *base, struct json *j)
{
	const struct type *type = &types[s->type];
	const void        *field = (const char *)base + s->at;

	if (type->item != 0) {
		struct list list = list_at(field);
		json_open_array(j);
		for (size_t i = 0; i < list.count; i++)
			json_item(s, (const char *)list.at + i * type->item, j);
		json_close_array(j);
	} else if (type->shape == JSON_FLAG)
		json_bool(j, *(const bool *)field);
	else if (type->shape == JSON_NUMBER_32)
		json_int(j, *(const uint32_t *)field);
	else if (type->shape == JSON_NUMBER_64)
		json_int(j, (int64_t) * (const uint64_t *)field);
	else
		json_item(s, field, j);
}

bool
setting_is_list(const struct setting *s)
{
	return types[s->type].item != 0;
}

void
setting_describe(const struct setting *s, struct buf *out)
{
	char min[CONF_UNIT_TEXT], max[CONF_UNIT_TEXT];

	switch (s->type) {
	case SETTING_NUMBER:
		buf_printf(out, "a number from %" PRIu64 " to %" PRIu64, s->min, s->max);
		return;
	case SETTING_MSEC:
		buf_printf(out, "a duration from %s to %s", conf_msec_text(s->min, min), conf_msec_text(s->max, max));
		return;
	case SETTING_SIZE:
		buf_printf(out, "a size from %s to %s", conf_size_text(s->min, min), conf_size_text(s->max, max));
		return;
	case SETTING_CHOICE:
		for (unsigned i = 0; choice_word(s->words, i).len > 0; i++) {
			bool last = choice_word(s->words, i + 1).len == 0;
			buf_printf(out, "%s%.*s", i == 0 ? "" : last ? " or " : ", ", B_FMT(choice_word(s->words, i)));
		}
		return;
	default:
		buf_add_str(out, types[s->type].what);
	}
}
