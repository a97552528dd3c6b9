/* desk/config_text.c: see config_text.h. */
#include "desk/config_text.h"

#include <string.h>

#include "base/json.h"
#include "policy/schema.h"

static bool
is_in(const struct setting *s, const struct setting_section *section)
{
	return strcmp(s->section, section->name) == 0;
}

/* Words as lines of at most `width`, each behind `lead`. */
static void
add_wrapped(struct buf *out, const char *lead, const char *text, size_t width)
{
	struct bytes rest = bytes_of(text), word;
	size_t       column = 0;

	while (bytes_cut(&rest, ' ', &word)) {
		if (column > 0 && column + 1 + word.len > width) {
			buf_add_c(out, '\n');
			column = 0;
		}
		if (column == 0)
			buf_add_str(out, lead);
		else
			buf_add_c(out, ' ');
		buf_add(out, word);
		column += word.len + (column > 0);
	}
	buf_add_c(out, '\n');
}

/* ---- the manual ---- */

/* scdoc takes these for marks. */
static void
add_scdoc(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (bytes_has(B("\\*_#[]|<>`"), text.at[i]))
			buf_add_c(out, '\\');
		buf_add_c(out, text.at[i]);
	}
}

static void
add_manual_setting(struct buf *out, const struct setting *s)
{
	struct buf what = { 0 };

	setting_describe(s, &what);
	buf_add_str(out, "*");
	add_scdoc(out, bytes_of(s->name));
	buf_add_str(out, "* = ");
	if (s->type != SETTING_CHOICE)
		buf_add_str(out, "_");
	add_scdoc(out, buf_bytes(&what));
	if (s->type != SETTING_CHOICE)
		buf_add_str(out, "_");
	buf_add_str(out, "\n\t");
	add_scdoc(out, bytes_of(s->help));
	if (s->fallback[0] != '\0') {
		buf_add_str(out, " Default: *");
		add_scdoc(out, bytes_of(s->fallback));
		buf_add_str(out, "*.");
	}
	buf_add_str(out, "\n\n");
	buf_free(&what);
}

static void
add_manual_section(struct buf *out, const struct setting_section *section)
{
	if (section->name[0] == '\0') {
		buf_add_str(out, "# SETTINGS OUTSIDE OF SECTIONS\n\n");
	} else {
		buf_printf(out, "# SECTION %s\n\n", section->name);
		add_scdoc(out, bytes_of(section->help));
		buf_add_str(out, "\n\n");
	}
	for (size_t i = 0; i < schema_count; i++)
		if (is_in(&schema[i], section))
			add_manual_setting(out, &schema[i]);
}

static const char manual_head[] =
    "mailreeve.conf(5)\n"
    "\n"
    "# NAME\n"
    "\n"
    "mailreeve.conf - settings of the mailreeve mail policy gateway\n"
    "\n"
    "# SYNOPSIS\n"
    "\n"
    "/etc/mailreeve/mailreeve.conf\n"
    "\n"
    "# DESCRIPTION\n"
    "\n"
    "A file of settings, in UTF-8. Whatever is not set has its default, so an empty file is a good one. "
    "*mailreeve config check* tells every fault with file, line and column, *mailreeve config show* what holds, and "
    "*mailreeve config sample* prints a file with every setting as a comment. "
    "The daemon reads the file again on SIGHUP; if there is a fault in it, the settings stay as they were. "
    "Until the daemon is restarted these hold as they were at its start: the sockets, *user*, *group*, *threads*, *max\\_sessions*, "
    "*idle\\_timeout*, *log*, *log\\_level*, *store* with its *keep\\_days*, *keep\\_size* and *quarantine\\_dir*, and the sections *dns*, *web* and "
    "*explain*. The dashboard and the why page go by all settings as they were then, *release\\_to* and *hostname* among them.\n"
    "\n"
    "# FORM\n"
    "\n"
    "```\n"
    "# A comment goes to the end of its line.\n"
    "hostname = gate.example.net\n"
    "internal_networks = 127.0.0.0/8, ::1, 192.0.2.0/24\n"
    "dmarc {\n"
    "\ton_reject = judge\n"
    "\ttrusted_forwarders = 198.51.100.7\n"
    "}\n"
    "domain example.org { action = quarantine }\n"
    "include conf.d/*.conf\n"
    "```\n"
    "\n"
    "A setting ends with its line or at a semicolon. The words of a list are parted by blanks or commas, and behind a comma "
    "the next line goes on; *none* is the empty list. Text with blanks, commas, semicolons or braces stands in double quotes, "
    "where \\\\\" \\\\\\\\ \\\\n and \\\\t are escapes.\n"
    "\n"
    "A word that begins with @ stands for the text of the file whose path follows, one that begins with $ for a variable of "
    "the environment. Relative paths count from the file in which they stand. *include* reads other files in their place; "
    "a pattern reads all that fit, in the order of their names, and may fit none.\n"
    "\n"
    "Durations have a unit: *500ms*, *30s*, *5m*, *2h*, *1d*. Sizes may have one: *64k*, *25M*, *1G*, where 1k is 1024 octets. "
    "A setting may be made once.\n"
    "\n";

static const char manual_tail[] =
    "# SEE ALSO\n"
    "\n"
    "*mailreeve*(1)\n";

void
config_manual(struct buf *out)
{
	buf_add_str(out, manual_head);
	for (size_t i = 0; i < schema_section_count; i++)
		add_manual_section(out, &schema_sections[i]);
	buf_add_str(out, manual_tail);
}

/* ---- the sample ---- */

/* The default as one would write it; the first word where another section has the default. */
static struct bytes
sample_value(const struct setting *s)
{
	if (s->fallback[0] != '\0')
		return bytes_of(s->fallback);
	if (s->type == SETTING_CHOICE)
		return bytes_sub(bytes_of(s->words), 0, bytes_index(bytes_of(s->words), '|'));
	return setting_is_list(s) ? B("none") : B("\"\"");
}

static void
add_sample_setting(struct buf *out, const struct setting *s, const char *indent)
{
	struct buf what = { 0 };
	char       lead[8];

	memcpy(lead, indent, strlen(indent));
	memcpy(lead + strlen(indent), "# ", 3);
	setting_describe(s, &what);
	buf_add_c(&what, '\0');
	buf_add_c(out, '\n');
	add_wrapped(out, lead, s->help, 90);
	buf_printf(out, "%s(%s)\n", lead, what.at != NULL ? what.at : "");
	buf_printf(out, "%s#%s = %.*s\n", indent, s->name, B_FMT(sample_value(s)));
	buf_free(&what);
}

static const char sample_head[] =
    "# Settings of mailreeve: mailreeve.conf(5). Every setting is here as a comment with\n"
    "# its default. \"mailreeve config check\" tells what is wrong with this file.\n";

void
config_sample(struct buf *out)
{
	buf_add_str(out, sample_head);
	for (size_t i = 0; i < schema_section_count; i++) {
		const struct setting_section *section = &schema_sections[i];
		bool                          top = section->name[0] == '\0', rule = strcmp(section->name, "domain") == 0;
		const char                   *indent = top ? "" : rule ? "#\t" : "\t";
		if (!top) {
			buf_add_c(out, '\n');
			add_wrapped(out, "# ", section->help, 90);
			buf_printf(out, rule ? "#%s example.org {" : "%s {", section->name);
		}
		for (size_t k = 0; k < schema_count; k++)
			if (is_in(&schema[k], section))
				add_sample_setting(out, &schema[k], indent);
		if (!top)
			buf_add_str(out, rule ? "#}\n" : "}\n");
	}
}

/* ---- what holds ---- */

static void
show_section(const struct setting_section *section, const void *base, const char *indent, struct buf *out)
{
	for (size_t i = 0; i < schema_count; i++)
		if (is_in(&schema[i], section)) {
			buf_printf(out, "%s%s = ", indent, schema[i].name);
			setting_write(&schema[i], base, out);
			buf_add_c(out, '\n');
		}
}

void
config_show(const struct settings *s, struct buf *out)
{
	for (size_t i = 0; i < schema_section_count; i++) {
		const struct setting_section *section = &schema_sections[i];
		if (section->name[0] == '\0') {
			show_section(section, s, "", out);
		} else if (strcmp(section->name, "domain") != 0) {
			buf_printf(out, "\n%s {\n", section->name);
			show_section(section, s, "\t", out);
			buf_add_str(out, "}\n");
		} else {
			for (size_t k = 0; k < s->rule_count; k++) {
				buf_printf(out, "\ndomain %.*s {\n", B_FMT(s->rules[k].domain));
				show_section(section, &s->rules[k], "\t", out);
				buf_add_str(out, "}\n");
			}
		}
	}
}

static void
json_section(const struct setting_section *section, const void *base, struct json *j)
{
	for (size_t i = 0; i < schema_count; i++)
		if (is_in(&schema[i], section)) {
			json_key(j, schema[i].name);
			setting_json(&schema[i], base, j);
		}
}

static void
json_rules(const struct settings *s, const struct setting_section *section, struct json *j)
{
	json_open_array(j);
	for (size_t i = 0; i < s->rule_count; i++) {
		json_open_object(j);
		json_kv_text(j, "domain", s->rules[i].domain);
		json_section(section, &s->rules[i], j);
		json_close_object(j);
	}
	json_close_array(j);
}

void
config_show_json(const struct settings *s, struct buf *out)
{
	struct json j = json_to(out, true);

	json_open_object(&j);
	for (size_t i = 0; i < schema_section_count; i++) {
		const struct setting_section *section = &schema_sections[i];
		if (section->name[0] == '\0') {
			json_section(section, s, &j);
			continue;
		}
		json_key(&j, section->name);
		if (strcmp(section->name, "domain") == 0) {
			json_rules(s, section, &j);
		} else {
			json_open_object(&j);
			json_section(section, s, &j);
			json_close_object(&j);
		}
	}
	json_close_object(&j);
	buf_add_c(out, '\n');
}
