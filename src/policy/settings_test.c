/* policy/settings_test.c: defaults, values, domain rules, and the sentence of every fault. */
#include "base/rows.h"

#include <string.h>

#include "policy/schema.h"
#include "policy/settings.h"

static bool
one_file(void *arg, struct arena *a, struct bytes path, struct bytes *text_out, struct bytes *why_out)
{
	(void)a;
	if (bytes_eq(path, B("dir/secret")))
		*text_out = B("hush\n");
	else if (bytes_eq(path, B("dir/test.conf")))
		*text_out = bytes_of(arg);
	else
		*why_out = B("no such file");
	return text_out->at != NULL;
}

static bool
no_names(void *arg, struct arena *a, struct bytes pattern, struct bytes **paths_out, size_t *count_out)
{
	(void)arg, (void)a, (void)pattern, (void)paths_out, (void)count_out;
	return false;
}

static bool
no_variable(void *arg, struct arena *a, struct bytes name, struct bytes *value_out)
{
	(void)arg, (void)a, (void)name, (void)value_out;
	return false;
}

static struct settings *
read_text(struct arena *a, const char *text, struct conf_faults *faults)
{
	struct conf_host host = { one_file, no_names, no_variable, (void *)(uintptr_t)text };

	return settings_read(a, &host, text != NULL ? B("dir/test.conf") : B(""), B("Mx.Example.net"), faults);
}

static const struct fault_row {
	const char *name, *text, *want;
} fault_rows[] = {
	{ "a mistyped setting gets its neighbour", "lisetn = unix:/x", "1:1: unknown setting \"lisetn\"; did you mean \"listen\"?" },
	{ "a strange setting is told", "xyzzy = 1", "1:1: unknown setting \"xyzzy\"" },
	{ "a mistyped setting in a section gets its neighbour there", "dns {\n  time_out = 1s\n}", "2:3: unknown setting \"time_out\"; did you mean \"timeout\"?" },
	{ "a setting in the wrong section is sent home", "spf { dnssec = on }", "1:7: \"dnssec\" belongs into the section dns { ... }" },
	{ "a setting of a section is not outside", "trusted_sealers = example.com", "1:1: \"trusted_sealers\" belongs into the section arc { ... }" },
	{ "a setting of no section is not in one", "dns { hostname = a.example }", "1:7: \"hostname\" stands outside of all sections" },
	{ "a section is no setting", "dmarc = strict", "1:1: \"dmarc\" is a section: dmarc { ... }" },
	{ "a setting is no section", "listen { a = b }", "1:1: \"listen\" is a setting: listen = ..." },
	{ "a mistyped section gets its neighbour", "dmrac { }", "1:1: unknown section \"dmrac\"; did you mean \"dmarc\"?" },
	{ "a strange section is told", "xyzzy { }", "1:1: unknown section \"xyzzy\"" },
	{ "the word section is left out", "section dns { timeout = 1s }", "1:1: write dns { ... } without the word section" },
	{ "only domain has a name", "dns example.com { }", "1:5: the section \"dns\" has no name" },
	{ "sections do not nest", "dns { spf { } }", "1:7: a section cannot stand in the section \"dns\"" },
	{ "a setting is made once", "threads = 1\nthreads = 2", "2:1: \"threads\" is set twice; the first is at dir/test.conf:1" },
	{ "a setting wants a value", "threads =", "1:1: \"threads\" wants a value" },
	{ "a list wants a value", "trusted_hops =", "1:1: \"trusted_hops\" wants a value; none is an empty list" },
	{ "one value is enough", "hostname = a.example b.example", "1:22: \"hostname\" takes one value; put quotes around a text with blanks or commas" },
	{ "a number is one", "threads = many", "1:11: \"threads\" is a number from 0 to 256, not \"many\"" },
	{ "a number keeps its bounds", "dkim { minimum_bits = 512 }", "1:23: \"minimum_bits\" is a number from 1024 to 4096, not \"512\"" },
	{ "a duration has a unit", "message_deadline = 25", "1:20: \"message_deadline\" is a duration such as 500ms, 30s, 5m, 2h or 1d, not \"25\"" },
	{ "a duration keeps its bounds", "dns { timeout = 1h }", "1:17: \"timeout\" is a duration from 100ms to 30s, not \"1h\"" },
	{ "a size is one", "message_memory = big", "1:18: \"message_memory\" is a size such as 4096, 64k, 25M or 1G, not \"big\"" },
	{ "a size keeps its bounds", "message_memory = 1k", "1:18: \"message_memory\" is a size from 256k to 1G, not \"1k\"" },
	{ "a mode is octal", "socket_mode = 0680", "1:15: \"socket_mode\" is a mode in octal such as 0660, not \"0680\"" },
	{ "a mode has permissions only", "socket_mode = 4755", "1:15: \"socket_mode\" is a mode in octal such as 0660, not \"4755\"" },
	{ "a flag is yes or no", "spf { helo_check = maybe }", "1:20: \"helo_check\" is yes or no, not \"maybe\"" },
	{ "a choice names its words", "mode = dry-run", "1:8: \"mode\" is enforce or monitor, not \"dry-run\"" },
	{ "a choice of more names them all", "log_level = loud", "1:13: \"log_level\" is error, warning, info or debug, not \"loud\"" },
	{ "a user is a name", "user = \"no body\"", "1:8: \"user\" is the name of a user or group, not \"no body\"" },
	{ "a host is a domain name", "hostname = 192.0.2.1", "1:12: \"hostname\" is a domain name such as mx.example.net, not \"192.0.2.1\"" },
	{ "an id cannot break a field", "authserv_id = \"a; b\"", "1:15: \"authserv_id\" is a name of letters, digits, dots and dashes such as mx.example.net, not \"a; b\"" },
	{ "a link has no percent sign", "why_url = https://a.example/%20", "1:11: \"why_url\" is an address such as https://gate.example.net/why, without blanks and percent signs, not \"https://a.example/%20\"" },
	{ "a link is of the web", "why_url = gate.example.net", "1:11: \"why_url\" is an address such as https://gate.example.net/why, without blanks and percent signs, not \"gate.example.net\"" },
	{ "a socket names its kind", "listen = /run/x.sock", "1:10: \"listen\" is unix:/path, inet:address:port or inet6:[address]:port, not \"/run/x.sock\"" },
	{ "a TCP socket has a port", "listen = unix:/a, inet:127.0.0.1", "1:19: \"listen\" is unix:/path, inet:address:port or inet6:[address]:port, not \"inet:127.0.0.1\"" },
	{ "a socket is needed", "listen = none", "1:10: \"listen\" wants at least one value" },
	{ "a network is one", "internal_networks = 10.0.0.0/8 local", "1:32: \"internal_networks\" is a list of addresses and networks such as 192.0.2.0/24, not \"local\"" },
	{ "a network with bits behind its prefix is shown without", "trusted_hops = 192.0.2.1/24", "1:16: \"trusted_hops\" has a network with bits behind its prefix; write 192.0.2.0/24, not \"192.0.2.1/24\"" },
	{ "the same for IPv6", "trusted_hops = 2001:db8::1/32", "1:16: \"trusted_hops\" has a network with bits behind its prefix; write 2001:db8::/32, not \"2001:db8::1/32\"" },
	{ "a sealer is a domain", "arc { trusted_sealers = a..b }", "1:25: \"trusted_sealers\" is a list of domain names such as example.com, not \"a..b\"" },
	{ "a name server is an address", "dns { resolver = dns.example.net }", "1:18: \"resolver\" is a list of name servers such as 192.0.2.53 or 127.0.0.1:5353, not \"dns.example.net\"" },
	{ "the store is a path or a database we know", "store = mysql://db.example/x", "1:9: \"store\" is auto, none, a path, or an address such as postgres://db.example.net/mailreeve, not \"mysql://db.example/x\"" },
	{ "the store is somewhere", "store = \"\"", "1:9: \"store\" is auto, none, a path, or an address such as postgres://db.example.net/mailreeve, not \"\"" },
	{ "what is kept of a subject has three words", "store { subject = some }", "1:19: \"subject\" is keep, hash or drop, not \"some\"" },
	{ "keeping messages needs a store", "store = none\ndmarc { quarantine = store }", "1:1: \"quarantine = store\" needs a store" },
	{ "so it does for one domain", "store = none\ndomain a.example { quarantine = store }", "1:1: \"quarantine = store\" needs a store" },
	{ "a question is quicker than a message", "dns { timeout = 30s }", "1:7: one DNS question may take as long as a whole message; make timeout in dns shorter than message_deadline" },
	{ "a zone file needs no name server", "dns { resolver = 192.0.2.1; zone_file = zone }", "1:7: zone_file answers all questions; remove it or resolver" },
	{ "a domain rule has a domain", "domain { action = accept }", "1:1: domain wants a name: domain example.com { ... }" },
	{ "the domain of a rule is one", "domain *.example.com { }", "1:8: domain wants a domain name, or one behind a dot for all below it, not \"*.example.com\"" },
	{ "a domain has one rule", "domain example.com { }\ndomain EXAMPLE.com. { }", "2:8: there are two rules for \"example.com\"" },
	{ "a rule makes a setting once", "domain a.example { action = accept; action = judge }", "1:37: \"action\" is set twice; the first is at dir/test.conf:1" },
	{ "a rule knows its words", "domain a.example { action = drop }", "1:29: \"action\" is judge, accept, refuse or quarantine, not \"drop\"" },
	{ "a secret is not repeated", "threads = @secret", "1:11: \"threads\" is a number from 0 to 256" },
	{ "faults of form are faults", "threads = 1\n}", "2:1: this brace closes nothing" },
	{ "faults come in the order of the file", "a = 1\nb = 2", "1:1: unknown setting \"a\"\n2:1: unknown setting \"b\"" },
};

static void
check_fault(void **state)
{
	const struct fault_row *row = *state;
	struct arena           *a = arena_new((size_t)1 << 20);
	struct conf_faults      faults = { .count = 0 };
	struct buf              out = { 0 };

	assert_null(read_text(a, row->text, &faults));
	for (size_t i = 0; i < faults.count; i++) {
		assert_bytes(faults.at[i].at.file, B("dir/test.conf"));
		buf_printf(&out, "%s%u:%u: %.*s", i > 0 ? "\n" : "", faults.at[i].at.line, faults.at[i].at.column, B_FMT(faults.at[i].text));
	}
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
	arena_free(a);
}

static const struct value_row {
	const char *name, *text, *section, *setting, *want;
} value_rows[] = {
	{ "a list is parted by blanks or commas", "listen = unix:/a inet:127.0.0.1:25,inet6:[::1]:25", "", "listen", "unix:/a inet:127.0.0.1:25 inet6:[::1]:25" },
	{ "a single address is a network", "trusted_hops = 192.0.2.1 2001:DB8::/32", "", "trusted_hops", "192.0.2.1 2001:db8::/32" },
	{ "none is the empty list", "internal_networks = none", "", "internal_networks", "none" },
	{ "a host is made normal", "hostname = GATE.Example.NET.", "", "hostname", "gate.example.net" },
	{ "the id follows the host", "hostname = gate.example.net", "", "authserv_id", "gate.example.net" },
	{ "the id may be another", "authserv_id = inbound-1", "", "authserv_id", "inbound-1" },
	{ "the host is the one we are told", "", "", "hostname", "mx.example.net" },
	{ "a name server has port 53", "dns { resolver = 192.0.2.1 [2001:db8::1]:5353 }", "dns", "resolver", "192.0.2.1:53 [2001:db8::1]:5353" },
	{ "a relative path counts from the file", "dns { zone_file = zones/all }", "dns", "zone_file", "dir/zones/all" },
	{ "an absolute path stays", "dns { zone_file = /zones/all }", "dns", "zone_file", "/zones/all" },
	{ "sealers are made normal", "arc { trusted_sealers = B\xc3\xbc" "cher.example }", "arc", "trusted_sealers", "xn--bcher-kva.example" },
	{ "a mode keeps its zero", "socket_mode = 666", "", "socket_mode", "0666" },
	{ "a duration is shown in its largest unit", "idle_timeout = 120m", "", "idle_timeout", "2h" },
	{ "a choice is read in any case", "mode = Monitor", "", "mode", "monitor" },
	{ "a section may come in two parts", "dns { timeout = 1s }\ndns { dnssec = off }", "dns", "dnssec", "off" },
	{ "stories are kept where there is a place for them", "", "", "store", "auto" },
	{ "a store beside the file", "store = stories.db", "", "store", "dir/stories.db" },
	{ "a store may be a database", "store = postgres://db.example.net/mailreeve", "", "store", "postgres://db.example.net/mailreeve" },
	{ "a store may be none", "store = none", "", "store", "none" },
	{ "a setting and a section may have one name", "store = none\nstore { keep_days = 7 }", "store", "keep_days", "7" },
	{ "a value may come from a file", "user = @secret", "", "user", "hush" },
};

static const struct setting *
row_of(const char *section, const char *name)
{
	for (size_t i = 0; i < schema_count; i++)
		if (strcmp(schema[i].section, section) == 0 && strcmp(schema[i].name, name) == 0)
			return &schema[i];
	fail_msg("no setting %s %s", section, name);
	return NULL;
}

static struct settings *
must_read(struct arena *a, const char *text)
{
	struct conf_faults faults = { .count = 0 };
	struct settings   *s = read_text(a, text, &faults);

	if (faults.count > 0)
		assert_bytes(faults.at[0].text, B("no fault"));
	assert_non_null(s);
	return s;
}

static void
check_value(void **state)
{
	const struct value_row *row = *state;
	struct arena           *a = arena_new((size_t)1 << 20);
	struct settings        *s = must_read(a, row->text);
	struct buf              out = { 0 };

	setting_write(row_of(row->section, row->setting), s, &out);
	assert_bytes(buf_bytes(&out), bytes_of(row->want));
	buf_free(&out);
	settings_unref(s);
	arena_free(a);
}

/* The defaults in the words of the one who relies on them. */
static void
defaults(void **state)
{
	struct arena    *a = arena_new((size_t)1 << 20);
	struct settings *s = must_read(a, NULL);
	struct ip        ip;

	(void)state;
	assert_int_equal(s->listen.count, 1);
	assert_bytes(s->listen.at[0], B("unix:/run/mailreeve/milter.sock"));
	assert_int_equal(s->socket_mode, 0660);
	assert_int_equal(s->threads, 0);
	assert_int_equal(s->mode, MODE_ENFORCE);
	assert_int_equal(s->code_style, STYLE_EXCHANGE);
	assert_int_equal(s->log, LOG_STDERR);
	assert_int_equal(s->log_level, AT_INFO);
	assert_true(ip_parse(B("127.0.0.2"), &ip) && ip_in_list(&ip, s->internal_networks.at, s->internal_networks.count));
	assert_true(ip_parse(B("::1"), &ip) && ip_in_list(&ip, s->internal_networks.at, s->internal_networks.count));
	assert_true(ip_parse(B("192.0.2.1"), &ip) && !ip_in_list(&ip, s->internal_networks.at, s->internal_networks.count));
	assert_int_equal(s->message_deadline_ms, 25000);
	assert_true(s->message_memory == (size_t)8 << 20);
	assert_int_equal(s->dns_timeout_ms, 5000);
	assert_int_equal(s->dns_dnssec, USE_DNSSEC_AUTO);
	assert_true(s->spf_helo_check);
	assert_int_equal(s->dkim_minimum_bits, 1024);
	assert_int_equal(s->dkim_max_signatures, 10);
	assert_int_equal(s->dmarc_discovery, DISCOVERY_TREEWALK);
	assert_int_equal(s->dmarc_on_reject, ON_REJECT_JUDGE);
	assert_int_equal(s->dmarc_on_temperror, ON_TEMPERROR_DEFER);
	assert_int_equal(s->dmarc_quarantine, QUARANTINE_TAG);
	assert_true(s->dmarc_list_exception);
	assert_int_equal(s->why_url.len, 0);
	assert_int_equal(s->rule_count, 0);
	assert_bytes(s->authserv_id, B("mx.example.net"));
	settings_unref(s);
	arena_free(a);
}

static const char rules_text[] = "domain example.com { action = accept }\n"
                                 "domain .example.com { action = refuse; quarantine = hold }\n"
                                 "domain .deep.example.com { on_temperror = accept; list_exception = off }\n"
                                 "dmarc { on_reject = strict; on_temperror = defer }\n";

static const struct rule_row {
	const char *name, *domain, *want; /* NULL: no rule */
} rule_rows[] = {
	{ "a domain has its own rule", "example.com", "example.com" },
	{ "a subdomain has the rule behind the dot", "a.example.com", ".example.com" },
	{ "a subdomain of a subdomain too", "b.a.example.com", ".example.com" },
	{ "the nearest rule counts", "a.deep.example.com", ".deep.example.com" },
	{ "a rule for subdomains is not for the domain", "deep.example.com", ".example.com" },
	{ "a part of a label is no parent", "badexample.com", NULL },
	{ "a parent has no rule", "com", NULL },
	{ "nothing has no rule", "", NULL },
};

static void
check_rule(void **state)
{
	const struct rule_row    *row = *state;
	struct arena             *a = arena_new((size_t)1 << 20);
	struct settings          *s = must_read(a, rules_text);
	const struct domain_rule *rule = settings_rule(s, bytes_of(row->domain));

	if (row->want == NULL)
		assert_null(rule);
	else
		assert_bytes(rule->domain, bytes_of(row->want));
	settings_unref(s);
	arena_free(a);
}

static void
rules_take_the_rest_from_dmarc(void **state)
{
	struct arena             *a = arena_new((size_t)1 << 20);
	struct settings          *s = must_read(a, rules_text);
	const struct domain_rule *rule = settings_rule(s, B("a.example.com")), *deep = settings_rule(s, B("a.deep.example.com"));

	(void)state;
	assert_int_equal(rule->action, RULE_REFUSE);
	assert_int_equal(rule->quarantine, QUARANTINE_HOLD);
	assert_int_equal(rule->on_reject, ON_REJECT_STRICT);
	assert_int_equal(rule->on_temperror, ON_TEMPERROR_DEFER);
	assert_int_equal(rule->list_exception, LIST_EXCEPTION_YES);
	assert_int_equal(deep->action, RULE_JUDGE);
	assert_int_equal(deep->quarantine, QUARANTINE_TAG);
	assert_int_equal(deep->on_temperror, ON_TEMPERROR_ACCEPT);
	assert_int_equal(deep->list_exception, LIST_EXCEPTION_NO);
	settings_unref(s);
	arena_free(a);
}

/* Whatever is written can be read again, and gives the same. */
static void
what_is_written_reads_the_same(void **state)
{
	struct arena    *a = arena_new((size_t)4 << 20);
	struct settings *s = must_read(a, "why_url = https://a.example/#x\nthreads = 3\nmessage_memory = 1536k\nlisten = unix:/a,unix:/b\n"
	                                  "trusted_hops = 192.0.2.0/25 2001:db8::1\nuser = \"\"\n");
	struct buf       text = { 0 }, again = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct buf *out = round == 0 ? &text : &again;
		for (size_t i = 0; i < schema_count; i++)
			if (schema[i].section[0] == '\0') {
				buf_printf(out, "%s = ", schema[i].name);
				setting_write(&schema[i], s, out);
				buf_add_c(out, '\n');
			}
		settings_unref(s);
		buf_add_c(&text, '\0');
		if (round == 0)
			s = must_read(a, text.at);
	}
	text.len = strlen(text.at);
	assert_bytes(buf_bytes(&again), buf_bytes(&text));
	buf_free(&text);
	buf_free(&again);
	arena_free(a);
}

static void
references_keep_a_snapshot(void **state)
{
	struct arena    *a = arena_new((size_t)1 << 20);
	struct settings *s = must_read(a, "threads = 7"), *other = settings_ref(s);

	(void)state;
	arena_free(a); /* nothing of a snapshot may lie in the work space */
	settings_unref(s);
	assert_int_equal(other->threads, 7);
	assert_bytes(other->hostname, B("mx.example.net"));
	settings_unref(other);
	settings_unref(NULL);
}

static void
spent_memory_is_a_fault(void **state)
{
	(void)state;
	for (size_t limit = 64; limit < 20000; limit += 64) {
		struct arena      *a = arena_new(limit);
		struct conf_faults faults = { .count = 0 };
		struct settings   *s = read_text(a, rules_text, &faults);
		assert_true((s != NULL) == (faults.count == 0));
		settings_unref(s);
		arena_free(a);
	}
}

static void
a_nameless_host_is_localhost(void **state)
{
	static const char *const names[] = { "", "a..b", "192.0.2.1", "no name" };

	(void)state;
	for (size_t i = 0; i < NELEMS(names); i++) {
		struct arena      *a = arena_new((size_t)1 << 20);
		struct conf_host   host = { one_file, no_names, no_variable, NULL };
		struct conf_faults faults = { .count = 0 };
		struct settings   *s = settings_read(a, &host, B(""), bytes_of(names[i]), &faults);
		assert_non_null(s);
		assert_bytes(s->hostname, B("localhost"));
		assert_bytes(s->authserv_id, B("localhost"));
		settings_unref(s);
		arena_free(a);
	}
}

static void
every_default_is_a_value(void **state)
{
	struct arena *a = arena_new((size_t)1 << 20);

	(void)state;
	for (size_t i = 0; i < schema_count; i++) {
		union {
			struct settings    s;
			struct domain_rule rule;
		} base = { .s = { .arena = a } };
		setting_set_default(a, &schema[i], &base);
		if (arena_overdrawn(a))
			fail_msg("the default of %s does not read", schema[i].name);
	}
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(fault_rows, check_fault);
	ROWS_ADD(value_rows, check_value);
	ROWS_ADD(rule_rows, check_rule);
	rows_add("defaults are what the manual says", defaults, NULL);
	rows_add("rules take the rest from dmarc", rules_take_the_rest_from_dmarc, NULL);
	rows_add("what is written reads the same", what_is_written_reads_the_same, NULL);
	rows_add("references keep a snapshot", references_keep_a_snapshot, NULL);
	rows_add("spent memory is a fault", spent_memory_is_a_fault, NULL);
	rows_add("a host without a name is localhost", a_nameless_host_is_localhost, NULL);
	rows_add("every default is a value", every_default_is_a_value, NULL);
	return rows_run("settings");
}
