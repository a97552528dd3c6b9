/* net/resolver_test.c: the resolver against a real name server (nsd) with a zone
 * of ours, against servers that misbehave, and from a zone file. Where nsd or the
 * signing tool is absent, the rows that need it are skipped by name. */
#include "base/rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/resolver.h"

extern char **environ;

static char dir[] = "/tmp/mailreeve-dns-XXXXXX";

/* ---- servers ---- */

struct server {
	pid_t    pid; /* of nsd; 0: none */
	int      fd; /* of one of ours; -1: none */
	unsigned port;
};

static struct server plain, root_server, silent, babbling, closed_port;
static bool          have_nsd;

static int
bind_udp(unsigned *port_out)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t          len = sizeof(sin);
	int                fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 || getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		abort();
	*port_out = ntohs(sin.sin_port);
	return fd;
}

static void
write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static pid_t
spawn(char *const argv[], bool quiet)
{
	posix_spawn_file_actions_t actions;
	pid_t                      pid;

	posix_spawn_file_actions_init(&actions);
	if (quiet) {
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	}
	int fault = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return fault == 0 ? pid : 0;
}

static bool
run_command(const char *command)
{
	int   status = -1;
	pid_t pid = spawn((char *const[]){ "sh", "-c", (char *)(uintptr_t)command, NULL }, true);

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* One query for the root's SOA: any answer means that the server is up. */
static bool
answers(unsigned port)
{
	static const char  query[17] = { 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	unsigned           mine;
	int                fd = bind_udp(&mine);
	struct pollfd      p = { .fd = fd, .events = POLLIN };

	sendto(fd, query, sizeof(query), 0, (struct sockaddr *)&to, sizeof(to));
	bool yes = poll(&p, 1, 100) == 1;
	close(fd);
	return yes;
}

static bool
start_nsd(struct server *s, const char *name, const char *zones)
{
	char conf[2048], path[128];
	int  fd = bind_udp(&s->port);

	close(fd);
	snprintf(conf, sizeof(conf),
	         "server:\n ip-address: 127.0.0.1@%u\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"%s\"\n"
	         " database: \"\"\n pidfile: \"%s/%s.pid\"\n xfrdfile: \"%s/%s.xfrd\"\n xfrdir: \"%s\"\n zonelistfile: \"%s/%s.list\"\n"
	         " logfile: \"%s/%s.log\"\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n%s",
	         s->port, dir, dir, name, dir, name, dir, dir, name, dir, name, zones);
	write_file(name, conf);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	s->pid = spawn((char *const[]){ "nsd", "-d", "-c", path, NULL }, true);
	for (int i = 0; s->pid > 0 && i < 50; i++) {
		if (answers(s->port))
			return true;
		usleep(20000);
	}
	return false;
}

static void
end_server(struct server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		waitpid(s->pid, NULL, 0);
	}
	if (s->fd >= 0)
		close(s->fd);
	s->pid = 0;
	s->fd = -1;
}

#define SOA "@ 600 IN SOA ns.example.com. host.example.com. 1 3600 600 86400 30\n@ NS ns.example.com.\n"

static void
write_plain_zone(void)
{
	static char zone[16384];
	size_t      used = 0;

#define PUT(...) used += (size_t)snprintf(zone + used, sizeof(zone) - used, __VA_ARGS__)
	PUT("$ORIGIN example.com.\n$TTL 300\n" SOA "ns A 127.0.0.1\n");
	PUT("@ TXT \"v=spf1 -all\"\n@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 192.0.2.1\nmx1 AAAA 2001:db8::1\n");
	PUT("two TXT \"v=DMARC1; \" \"p=none\"\nfleeting 0 A 192.0.2.3\n");
	PUT("bad\\032name\\192x TXT \"odd\"\n*.wild TXT \"wild\"\n");
	PUT("txtref CNAME two\nnowhere CNAME gone\nloop1 CNAME loop2\nloop2 CNAME loop1\n");
	for (int i = 1; i < 12; i++)
		PUT("c%d CNAME c%d\n", i, i + 1);
	PUT("c12 TXT \"end of the chain\"\nlong TXT");
	for (int i = 0; i < 16; i++)
		PUT(" \"%0254d\"", i);
	PUT("\nmany A 192.0.2.100\n");
	for (int i = 0; i < 60; i++)
		PUT("many A 198.51.100.%d\n", i + 1);
	write_file("plain.zone", zone);
	write_file("reverse.zone", "$ORIGIN 168.192.in-addr.arpa.\n$TTL 300\n" SOA "9.1 PTR printer.example.com.\n");
	write_file("test.zone", "$ORIGIN test.\n$TTL 300\n" SOA "here TXT \"local\"\n");
}

/* A zone of ours signed with a key of ours; then one record is changed behind the signature's back. */
static bool
sign(const char *zone)
{
	char command[1024];

	snprintf(command, sizeof(command),
	         "set -e; cd %s; k=$(ldns-keygen -a ECDSAP256SHA256 -k %s); ldns-signzone -n -o %s signed.zone $k;"
	         "sed 's/192\\.0\\.2\\.66/192.0.2.67/' signed.zone.signed > %s.signed; cat $k.key > %s.anchor",
	         dir, zone, zone, zone[0] == '.' ? "root" : zone, zone[0] == '.' ? "root" : zone);
	return run_command(command);
}

static bool
start_servers(void)
{
	write_plain_zone();
	write_file("signed.zone",
	           "$ORIGIN example.net.\n$TTL 300\n" SOA "good A 192.0.2.65\nbad A 192.0.2.66\nalias CNAME good\n");
	if (!sign("example.net"))
		return false;
	write_file("signed.zone", "$ORIGIN .\n$TTL 300\n@ 600 IN SOA ns. host. 1 3600 600 86400 30\n@ NS ns.\nns A 127.0.0.1\nhost.example A 192.0.2.5\n");
	if (!sign("."))
		return false;
	/* A key of the same shape that signed nothing. */
	write_file("other.anchor", ". IN DS 4711 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	return start_nsd(&plain, "plain",
	                 "zone:\n name: example.com\n zonefile: plain.zone\nzone:\n name: 168.192.in-addr.arpa\n zonefile: reverse.zone\n"
	                 "zone:\n name: test\n zonefile: test.zone\nzone:\n name: example.net\n zonefile: example.net.signed\n"
	                 "zone:\n name: broken.example.org\n zonefile: is-not-there.zone\n") &&
	       start_nsd(&root_server, "root", "zone:\n name: .\n zonefile: root.signed\n");
}

/* Answers each question with its id and nothing else that makes sense. */
static void *
babble(void *arg)
{
	struct server     *s = arg;
	struct sockaddr_in from;
	socklen_t          len = sizeof(from);
	char               packet[1500];

	for (;;) {
		ssize_t n = recvfrom(s->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
		if (n < 3)
			return NULL; /* our own farewell */
		memset(packet + 2, 0xff, (size_t)n - 2);
		sendto(s->fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

/* ---- asking ---- */

enum who { PLAIN, SIGNED, AUTO_SIGNED, AUTO_PLAIN, BABBLING, CLOSED, WHO_COUNT };

static struct resolver *resolvers[WHO_COUNT];

static struct resolver *
open_to(const struct server *s, enum dnssec dnssec, const char *anchors, unsigned min_rtt_ms)
{
	char                     text[32], path[160];
	struct resolver_settings set = resolver_defaults();
	struct resolver         *r = NULL;
	const char              *why = "";

	snprintf(text, sizeof(text), "127.0.0.1:%u", s->port);
	snprintf(path, sizeof(path), "%s/%s", dir, anchors);
	struct bytes server = bytes_of(text);
	set.servers = &server;
	set.server_count = 1;
	set.dnssec = dnssec;
	set.anchors = path;
	set.min_rtt_ms = min_rtt_ms;
	set.ttl_min = 1;
	if (resolver_open(&set, &r, &why) != RC_OK)
		fail_msg("%s", why);
	return r;
}

static struct resolver *
resolver_of(enum who who)
{
	static const struct {
		struct server *server;
		enum dnssec    dnssec;
		const char    *anchors;
	} rows[] = {
		[PLAIN] = { &plain, DNSSEC_OFF, "" },
		[SIGNED] = { &plain, DNSSEC_ON, "example.net.anchor" },
		[AUTO_SIGNED] = { &root_server, DNSSEC_AUTO, "root.anchor" },
		[AUTO_PLAIN] = { &plain, DNSSEC_AUTO, "root.anchor" },
		[BABBLING] = { &babbling, DNSSEC_OFF, "" },
		[CLOSED] = { &closed_port, DNSSEC_OFF, "" },
	};
	if (resolvers[who] == NULL)
		resolvers[who] = open_to(rows[who].server, rows[who].dnssec, rows[who].anchors, 400);
	return resolvers[who];
}

static struct ask
ask_for(enum dns_type type, const char *name)
{
	return (struct ask){ type, bytes_of(name) };
}

static const struct row {
	const char        *name;
	enum who           who;
	enum dns_type      type;
	const char        *ask;
	enum answer_status status;
	size_t             count;
	const char        *text; /* of the first record: joined TXT, name or address */
	const char        *canon;
	bool               secure;
	const char        *why; /* found in answer.why */
} rows[] = {
	{ "a TXT record is found", PLAIN, DNS_TXT, "example.com", ANSWER_OK, 1, "v=spf1 -all", "", false, "" },
	{ "the strings of a TXT record can be joined", PLAIN, DNS_TXT, "two.example.com", ANSWER_OK, 1, "v=DMARC1; p=none", "", false, "" },
	{ "an address is four octets", PLAIN, DNS_A, "mx1.example.com", ANSWER_OK, 1, "192.0.2.1", "", false, "" },
	{ "an IPv6 address is sixteen", PLAIN, DNS_AAAA, "mx1.example.com", ANSWER_OK, 1, "2001:db8::1", "", false, "" },
	{ "names in MX records are uncompressed", PLAIN, DNS_MX, "example.com", ANSWER_OK, 2, "", "", false, "" },
	{ "a name in upper case is the same name", PLAIN, DNS_A, "MX1.Example.COM", ANSWER_OK, 1, "192.0.2.1", "", false, "" },
	{ "a CNAME is followed and the last name told", PLAIN, DNS_TXT, "txtref.example.com", ANSWER_OK, 1, "v=DMARC1; p=none", "two.example.com", false, "" },
	{ "eleven CNAMEs are followed", PLAIN, DNS_TXT, "c1.example.com", ANSWER_OK, 1, "end of the chain", "c12.example.com", false, "" },
	{ "a CNAME itself can be asked for", PLAIN, DNS_CNAME, "c1.example.com", ANSWER_OK, 1, "c2.example.com", "", false, "" },
	{ "a CNAME to nowhere is NXDOMAIN and says where it led", PLAIN, DNS_A, "nowhere.example.com", ANSWER_NXDOMAIN, 0, "", "gone.example.com", false, "" },
	{ "a loop of CNAMEs is SERVFAIL", PLAIN, DNS_A, "loop1.example.com", ANSWER_SERVFAIL, 0, "", "", false, "" },
	{ "a name that is not there is NXDOMAIN", PLAIN, DNS_A, "absent.example.com", ANSWER_NXDOMAIN, 0, "", "", false, "" },
	{ "a name without the type is no data", PLAIN, DNS_AAAA, "ns.example.com", ANSWER_EMPTY, 0, "", "", false, "" },
	{ "a parent without records of its own is no data", PLAIN, DNS_A, "wild.example.com", ANSWER_EMPTY, 0, "", "", false, "" },
	{ "a wildcard answers", PLAIN, DNS_TXT, "any.wild.example.com", ANSWER_OK, 1, "wild", "", false, "" },
	{ "blanks and octets over 127 in a name reach the server", PLAIN, DNS_TXT, "bad name\xc0x.example.com", ANSWER_OK, 1, "odd", "", false, "" },
	{ "sixty-one records come whole", PLAIN, DNS_A, "many.example.com", ANSWER_OK, 61, NULL, "", false, "" },
	{ "the name of a private address can be asked for", PLAIN, DNS_PTR, "9.1.168.192.in-addr.arpa", ANSWER_OK, 1, "printer.example.com", "", false, "" },
	{ "names under test are asked of the server", PLAIN, DNS_TXT, "here.test", ANSWER_OK, 1, "local", "", false, "" },
	{ "a label of 64 octets is NXDOMAIN at once", PLAIN, DNS_A, "a123456789b123456789c123456789d123456789e123456789f123456789g123.example.com", ANSWER_NXDOMAIN, 0, "", "", false, "no domain can have this name" },
	{ "an empty label is NXDOMAIN at once", PLAIN, DNS_A, "a..example.com", ANSWER_NXDOMAIN, 0, "", "", false, "no domain can have this name" },
	{ "REFUSED is SERVFAIL and says so", PLAIN, DNS_A, "refused.example.org", ANSWER_SERVFAIL, 0, "", "", false, "REFUSED" },
	{ "SERVFAIL is SERVFAIL and says so", PLAIN, DNS_A, "broken.example.org", ANSWER_SERVFAIL, 0, "", "", false, "SERVFAIL" },
	{ "without validation nothing is secure", PLAIN, DNS_A, "good.example.net", ANSWER_OK, 1, "192.0.2.65", "", false, "" },
	{ "without validation a broken signature does not matter", PLAIN, DNS_A, "bad.example.net", ANSWER_OK, 1, "192.0.2.67", "", false, "" },
	{ "a signature that holds makes the answer secure", SIGNED, DNS_A, "good.example.net", ANSWER_OK, 1, "192.0.2.65", "", true, "" },
	{ "a chain of signatures too", SIGNED, DNS_A, "alias.example.net", ANSWER_OK, 1, "192.0.2.65", "good.example.net", true, "" },
	{ "a record changed after signing is bogus and has no data", SIGNED, DNS_A, "bad.example.net", ANSWER_BOGUS, 0, "", "", false, "bad.example.net" },
	{ "a proven NXDOMAIN is secure", SIGNED, DNS_A, "absent.example.net", ANSWER_NXDOMAIN, 0, "", "", true, "" },
	{ "a zone without an anchor is answered insecure", SIGNED, DNS_A, "mx1.example.com", ANSWER_OK, 1, "192.0.2.1", "", false, "" },
	{ "auto validates where the root's key does", AUTO_SIGNED, DNS_A, "host.example", ANSWER_OK, 1, "192.0.2.5", "", true, "" },
	{ "auto does without where it does not", AUTO_PLAIN, DNS_A, "mx1.example.com", ANSWER_OK, 1, "192.0.2.1", "", false, "" },
};

static void
assert_text(struct arena *a, const struct answer *answer, const char *want)
{
	char      text[IP_TEXT_MAX];
	struct ip ip;

	if (answer->type == DNS_TXT) {
		assert_bytes(answer_txt(a, answer->rdata[0]), bytes_of(want));
	} else if (answer->type == DNS_A || answer->type == DNS_AAAA) {
		assert_true(answer_ip(answer, 0, &ip));
		ip_format(&ip, text);
		assert_string_equal(text, want);
	} else {
		assert_bytes(answer_name(a, answer->rdata[0]), bytes_of(want));
	}
}

static void
check_row(void **state)
{
	const struct row *row = *state;

	if (!have_nsd)
		skip();
	struct ask     ask = ask_for(row->type, row->ask);
	struct answer *answer = resolver_wait(resolver_of(row->who), &ask, 8000);
	struct arena  *a = arena_new(100000);
	assert_non_null(answer);
	if (answer->status != row->status || bytes_find(answer->why, bytes_of(row->why)) > answer->why.len - strlen(row->why))
		print_error("%s, because \"%.*s\"\n", answer_status_word(answer->status), B_FMT(answer->why));
	assert_string_equal(answer_status_word(answer->status), answer_status_word(row->status));
	assert_int_equal(answer->type, row->type);
	assert_int_equal(answer->count, row->count);
	assert_bytes(answer->canon, bytes_of(row->canon));
	assert_int_equal(answer->secure, row->secure);
	if (row->why[0] != '\0')
		assert_true(bytes_find(answer->why, bytes_of(row->why)) < answer->why.len);
	if (row->count > 0 && row->text != NULL && row->text[0] != '\0')
		assert_text(a, answer, row->text);
	answer_unref(answer);
	arena_free(a);
}

static void
four_kilobytes_of_txt_come_over_tcp(void **state)
{
	struct ask ask = ask_for(DNS_TXT, "long.example.com");

	(void)state;
	if (!have_nsd)
		skip();
	struct answer *answer = resolver_wait(resolver_of(PLAIN), &ask, 8000);
	struct arena  *a = arena_new(100000);
	assert_non_null(answer);
	assert_int_equal(answer->status, ANSWER_OK);
	assert_int_equal(answer->rdata[0].len, 16 * 255);
	assert_int_equal(answer_txt(a, answer->rdata[0]).len, 16 * 254);
	answer_unref(answer);
	arena_free(a);
}

static void
mx_records_hold_preference_and_name(void **state)
{
	struct ask   ask = ask_for(DNS_MX, "example.com");
	unsigned     preference;
	unsigned     sum = 0;
	struct bytes name;

	(void)state;
	if (!have_nsd)
		skip();
	struct answer *answer = resolver_wait(resolver_of(PLAIN), &ask, 8000);
	struct arena  *a = arena_new(100000);
	assert_non_null(answer);
	for (size_t i = 0; i < answer->count; i++) {
		assert_true(answer_mx(a, answer->rdata[i], &preference, &name));
		assert_bytes(name, preference == 10 ? B("mx1.example.com") : B("mx2.example.com"));
		sum += preference;
	}
	assert_int_equal(sum, 30);
	answer_unref(answer);
	arena_free(a);
}

/* ---- what is cached, joined, late, cancelled ---- */

static void
the_second_question_is_answered_by_the_cache(void **state)
{
	static const struct {
		const char *name;
		uint32_t    ttl_most;
	} names[] = { { "mx1.example.com", 300 }, { "ns.example.com", 300 }, { "absent2.example.com", 30 } };

	(void)state;
	if (!have_nsd)
		skip();
	struct resolver *r = open_to(&plain, DNSSEC_OFF, "", 400);
	for (size_t i = 0; i < NELEMS(names); i++) {
		struct ask     ask = ask_for(DNS_A, names[i].name);
		struct answer *first = resolver_wait(r, &ask, 5000);
		struct answer *second = resolver_look(r, &ask);
		assert_non_null(first);
		assert_ptr_equal(first, second);
		assert_in_range(first->ttl, 1, names[i].ttl_most);
		answer_unref(first);
		answer_unref(second);
	}
	struct resolver_stats s = resolver_count(r);
	assert_int_equal(s.questions, 3);
	assert_int_equal(s.hits, 3);
	assert_int_equal(s.cached, 3);
	resolver_forget(r);
	struct ask ask = ask_for(DNS_A, names[0].name);
	assert_null(resolver_look(r, &ask));
	resolver_free(r);
}

static void
a_record_is_kept_no_longer_than_it_says_but_for_the_least_time(void **state)
{
	struct ask ask = ask_for(DNS_A, "fleeting.example.com");

	(void)state;
	if (!have_nsd)
		skip();
	struct resolver *r = open_to(&plain, DNSSEC_OFF, "", 400);
	answer_unref(resolver_wait(r, &ask, 5000));
	struct answer *hit = resolver_look(r, &ask);
	assert_non_null(hit);
	assert_int_equal(hit->ttl, 1);
	answer_unref(hit);
	usleep(1100000);
	assert_null(resolver_look(r, &ask));
	resolver_free(r);
}

static struct loop *loop;
static size_t       came;
static size_t       expected;
static size_t       by_status[ANSWER_BOGUS + 1];

static void
on_answer(void *arg, struct answer *a)
{
	(void)arg;
	assert_non_null(a);
	by_status[a->status]++;
	answer_unref(a);
	if (++came == expected)
		loop_stop(loop);
}

static void
expect(size_t n)
{
	loop = loop_new();
	assert_non_null(loop);
	came = 0;
	expected = n;
	memset(by_status, 0, sizeof(by_status));
}

static void
a_hundred_who_ask_the_same_cause_one_question(void **state)
{
	struct ask ask = ask_for(DNS_TXT, "c2.example.com");

	(void)state;
	if (!have_nsd)
		skip();
	struct resolver *r = open_to(&plain, DNSSEC_OFF, "", 400);
	expect(100);
	for (int i = 0; i < 100; i++)
		assert_non_null(resolver_ask(r, loop, &ask, 5000, on_answer, NULL));
	assert_int_equal(came, 0); /* never from within */
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(by_status[ANSWER_OK], 100);
	struct resolver_stats s = resolver_count(r);
	assert_int_equal(s.requests, 100);
	assert_int_equal(s.questions, 1);
	assert_int_equal(s.answers[ANSWER_OK], 100);
	assert_int_equal(s.in_flight, 0);
	/* And from the cache it comes later, too. */
	came = 0;
	expected = 1;
	assert_non_null(resolver_ask(r, loop, &ask, 5000, on_answer, NULL));
	assert_int_equal(came, 0);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(resolver_count(r).questions, 1);
	resolver_free(r);
	loop_free(loop);
}

static void
a_silent_server_is_a_timeout_when_the_time_is_over(void **state)
{
	struct ask ask = ask_for(DNS_A, "mx1.example.com");

	(void)state;
	struct resolver *r = open_to(&silent, DNSSEC_OFF, "", 400);
	expect(2);
	uint64_t before = clock_mono_us();
	assert_non_null(resolver_ask(r, loop, &ask, 100, on_answer, NULL));
	assert_non_null(resolver_ask(r, loop, &ask, 250, on_answer, NULL));
	assert_int_equal(loop_run(loop), RC_OK);
	uint64_t took_ms = (clock_mono_us() - before) / 1000;
	assert_in_range(took_ms, 250, 1000);
	assert_int_equal(by_status[ANSWER_TIMEOUT], 2);
	struct resolver_stats s = resolver_count(r);
	assert_int_equal(s.late, 2);
	assert_int_equal(s.questions, 1);
	assert_int_equal(s.in_flight, 1); /* it is not given up */
	assert_int_equal(s.cached, 0);
	resolver_free(r);
	loop_free(loop);
}

static void
stopping_fails_those_who_wait(void **state)
{
	struct ask ask = ask_for(DNS_A, "mx1.example.com"), other = ask_for(DNS_TXT, "mx1.example.com");

	(void)state;
	struct resolver *r = open_to(&silent, DNSSEC_OFF, "", 400);
	expect(3);
	assert_non_null(resolver_ask(r, loop, &ask, 60000, on_answer, NULL));
	assert_non_null(resolver_ask(r, loop, &ask, 60000, on_answer, NULL));
	assert_non_null(resolver_ask(r, loop, &other, 60000, on_answer, NULL));
	resolver_cancel(resolver_ask(r, loop, &other, 60000, on_answer, NULL));
	uint64_t before = clock_mono_us();
	resolver_free(r);
	assert_true(clock_mono_us() - before < 1000000);
	assert_int_equal(came, 0);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(by_status[ANSWER_SERVFAIL], 3);
	loop_free(loop);
	assert_int_equal(came, 3);
}

static void
questions_wait_while_the_root_is_probed(void **state)
{
	struct ask ask = ask_for(DNS_A, "mx1.example.com");

	(void)state;
	struct resolver *r = open_to(&silent, DNSSEC_AUTO, "root.anchor", 400);
	if (!have_nsd) {
		resolver_free(r);
		skip();
	}
	struct answer *a = resolver_wait(r, &ask, 100);
	assert_non_null(a);
	assert_int_equal(a->status, ANSWER_TIMEOUT);
	assert_int_equal(resolver_count(r).questions, 0);
	answer_unref(a);
	resolver_free(r);
}

static void
too_many_questions_are_refused(void **state)
{
	struct resolver_settings set = resolver_defaults();
	char                     text[32];
	struct resolver         *r;
	const char              *why;

	(void)state;
	snprintf(text, sizeof(text), "127.0.0.1:%u", silent.port);
	struct bytes server = bytes_of(text);
	set.servers = &server;
	set.server_count = 1;
	set.dnssec = DNSSEC_OFF;
	set.in_flight = 2;
	assert_int_equal(resolver_open(&set, &r, &why), RC_OK);
	expect(3);
	static const char *const names[] = { "a.example.com", "b.example.com", "c.example.com" };
	for (size_t i = 0; i < 3; i++) {
		struct ask ask = ask_for(DNS_A, names[i]);
		assert_non_null(resolver_ask(r, loop, &ask, 100, on_answer, NULL));
	}
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(by_status[ANSWER_SERVFAIL], 1);
	assert_int_equal(by_status[ANSWER_TIMEOUT], 2);
	assert_int_equal(resolver_count(r).refused, 1);
	resolver_free(r);
	loop_free(loop);
}

/* What makes no sense is not for us, says libunbound, and waits on: so both are silence. */
static void
a_server_that_babbles_or_is_not_there_is_a_timeout(void **state)
{
	struct ask ask = ask_for(DNS_A, "mx1.example.com");

	(void)state;
	struct answer *a = resolver_wait(resolver_of(BABBLING), &ask, 4000);
	assert_non_null(a);
	assert_string_equal(answer_status_word(a->status), answer_status_word(ANSWER_TIMEOUT));
	answer_unref(a);
	a = resolver_wait(resolver_of(CLOSED), &ask, 1000);
	assert_non_null(a);
	assert_string_equal(answer_status_word(a->status), answer_status_word(ANSWER_TIMEOUT));
	answer_unref(a);
}

static void
of_two_servers_the_one_that_answers_is_enough(void **state)
{
	struct resolver_settings set = resolver_defaults();
	char                     texts[2][32];
	struct resolver         *r;
	const char              *why;
	struct ask               ask = ask_for(DNS_A, "mx1.example.com");

	(void)state;
	if (!have_nsd)
		skip();
	snprintf(texts[0], sizeof(texts[0]), "127.0.0.1:%u", silent.port);
	snprintf(texts[1], sizeof(texts[1]), "127.0.0.1:%u", plain.port);
	struct bytes servers[2] = { bytes_of(texts[0]), bytes_of(texts[1]) };
	set.servers = servers;
	set.server_count = 2;
	set.dnssec = DNSSEC_OFF;
	set.min_rtt_ms = 200;
	assert_int_equal(resolver_open(&set, &r, &why), RC_OK);
	struct answer *a = resolver_wait(r, &ask, 8000);
	assert_non_null(a);
	assert_string_equal(answer_status_word(a->status), answer_status_word(ANSWER_OK));
	answer_unref(a);
	resolver_free(r);
}

static atomic_int told; /* 0: nothing; else 1 + validates */

static void
on_dnssec(void *arg, bool validates, struct bytes why)
{
	(void)arg;
	assert_true(validates == (why.len == 0));
	atomic_store(&told, 1 + validates);
}

static const struct dnssec_row {
	const char    *name;
	enum dnssec    dnssec;
	struct server *server;
	const char    *anchors;
	int            told;
	bool           validates;
} dnssec_rows[] = {
	{ "auto says that it validates", DNSSEC_AUTO, &root_server, "root.anchor", 2, true },
	{ "auto says that it does not where the root is refused", DNSSEC_AUTO, &plain, "root.anchor", 1, false },
	{ "auto says that it does not where the root has another key", DNSSEC_AUTO, &root_server, "other.anchor", 1, false },
	{ "auto says that it does not without anchors", DNSSEC_AUTO, &root_server, "missing.anchor", 1, false },
	{ "auto says that it does not where nobody answers", DNSSEC_AUTO, &silent, "root.anchor", 1, false },
	{ "on says nothing", DNSSEC_ON, &root_server, "root.anchor", 0, true },
	{ "off says nothing", DNSSEC_OFF, &root_server, "root.anchor", 0, false },
};

static void
check_dnssec(void **state)
{
	const struct dnssec_row *row = *state;
	struct resolver_settings set = resolver_defaults();
	char                     text[32], path[160];
	struct resolver         *r;
	const char              *why;
	struct ask               ask = ask_for(DNS_A, "host.example");

	if (!have_nsd)
		skip();
	snprintf(text, sizeof(text), "127.0.0.1:%u", row->server->port);
	snprintf(path, sizeof(path), "%s/%s", dir, row->anchors);
	struct bytes server = bytes_of(text);
	set.servers = &server;
	set.server_count = 1;
	set.dnssec = row->dnssec;
	set.anchors = path;
	set.on_dnssec = on_dnssec;
	set.probe_ms = 500;
	atomic_store(&told, 0);
	assert_int_equal(resolver_open(&set, &r, &why), RC_OK);
	answer_unref(resolver_wait(r, &ask, 1000)); /* it comes after the decision */
	assert_int_equal(atomic_load(&told), row->told);
	assert_int_equal(resolver_count(r).validates, row->validates);
	resolver_free(r);
}

static void
faulty_settings_are_told(void **state)
{
	static const char *const bad[] = { "dns.example.com", "192.0.2.1:0", "192.0.2.1:", "192.0.2.1:x", "2001:db8::1:x", "[::1", "" };

	(void)state;
	for (size_t i = 0; i < NELEMS(bad); i++) {
		struct resolver_settings set = resolver_defaults();
		struct bytes             server = bytes_of(bad[i]);
		struct resolver         *r = NULL;
		const char              *why = NULL;
		set.servers = &server;
		set.server_count = 1;
		assert_int_equal(resolver_open(&set, &r, &why), RC_SYNTAX);
		assert_null(r);
		assert_non_null(strstr(why, "192.0.2.53:5353"));
	}
	struct resolver_settings set = resolver_defaults();
	struct resolver         *r = NULL;
	const char              *why = NULL;
	set.dnssec = DNSSEC_ON;
	set.anchors = "/nonexistent/root.key";
	assert_int_equal(resolver_open(&set, &r, &why), RC_IO);
	assert_non_null(strstr(why, "anchors"));
	set.dnssec = DNSSEC_OFF;
	set.resolv_conf = "/nonexistent/resolv.conf";
	assert_int_equal(resolver_open(&set, &r, &why), RC_IO);
	assert_non_null(strstr(why, "resolv.conf"));
}

/* ---- the zone file ---- */

static const char zone_text[] = "example.com TXT \"v=spf1 -all\"\n"
				"slow.example.com TXT !timeout\n"
				"fail.example.com TXT !servfail\n"
				"forged.example.com TXT !bogus\n";

static const struct zone_row {
	const char        *name;
	const char        *ask;
	bool               slow;
	enum answer_status status;
	unsigned           least_ms, most_ms;
} zone_rows[] = {
	{ "a zone answers", "example.com", false, ANSWER_OK, 0, 1000 },
	{ "a zone has no other names", "example.org", false, ANSWER_NXDOMAIN, 0, 1000 },
	{ "a zone says SERVFAIL", "fail.example.com", true, ANSWER_SERVFAIL, 0, 1000 },
	{ "a zone says bogus", "forged.example.com", true, ANSWER_BOGUS, 0, 1000 },
	{ "a time-out of a zone comes at once", "slow.example.com", false, ANSWER_TIMEOUT, 0, 1000 },
	{ "a time-out of a slow zone takes the whole time", "slow.example.com", true, ANSWER_TIMEOUT, 1200, 3000 },
};

static void
check_zone(void **state)
{
	const struct zone_row *row = *state;
	struct arena          *a = arena_new(100000);
	struct zone           *zone;
	struct bytes           fault;
	struct resolver       *r;
	const char            *why;
	struct ask             ask = ask_for(DNS_TXT, row->ask);

	assert_int_equal(zone_parse(a, B(zone_text), &zone, &fault), RC_OK);
	assert_int_equal(resolver_open_zone(zone, row->slow, &r, &why), RC_OK);
	uint64_t       before = clock_mono_us();
	struct answer *answer = resolver_wait(r, &ask, 1200);
	assert_in_range((clock_mono_us() - before) / 1000, row->least_ms, row->most_ms);
	assert_non_null(answer);
	assert_string_equal(answer_status_word(answer->status), answer_status_word(row->status));
	answer_unref(answer);
	resolver_free(r);
	arena_free(a);
}

/* ---- many at once ---- */

static void *
ask_a_lot(void *arg)
{
	struct resolver *r = arg;
	uintptr_t        wrong = 0;

	for (int i = 0; i < 300; i++) {
		char name[64];
		snprintf(name, sizeof(name), "n%d.wild.example.com", i % 100);
		struct ask     ask = ask_for(DNS_TXT, name);
		struct answer *a = resolver_wait(r, &ask, 10000);
		if (a == NULL || a->status != ANSWER_OK)
			wrong++;
		answer_unref(a);
	}
	return (void *)wrong;
}

static void
four_threads_get_all_their_answers(void **state)
{
	pthread_t threads[4];
	void     *wrong;

	(void)state;
	if (!have_nsd)
		skip();
	struct resolver *r = open_to(&plain, DNSSEC_OFF, "", 400);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_a_lot, r), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	/* Two threads may ask between the other's answer and its place in the cache. */
	assert_in_range(resolver_count(r).questions, 100, 400);
	resolver_free(r);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
main(void)
{
	pthread_t babbler;

	if (mkdtemp(dir) == NULL)
		return 1;
	plain.fd = root_server.fd = -1;
	have_nsd = start_servers();
	silent.fd = bind_udp(&silent.port);
	babbling.fd = bind_udp(&babbling.port);
	closed_port.fd = -1;
	close(bind_udp(&closed_port.port));
	if (pthread_create(&babbler, NULL, babble, &babbling) != 0)
		return 1;
	if (!have_nsd)
		printf("# nsd or ldns-signzone is absent: the rows that need them are skipped\n");

	ROWS_ADD(rows, check_row);
#define ADD(test) rows_add(#test, test, NULL)
	ADD(four_kilobytes_of_txt_come_over_tcp);
	ADD(mx_records_hold_preference_and_name);
	ADD(the_second_question_is_answered_by_the_cache);
	ADD(a_record_is_kept_no_longer_than_it_says_but_for_the_least_time);
	ADD(a_hundred_who_ask_the_same_cause_one_question);
	ADD(a_silent_server_is_a_timeout_when_the_time_is_over);
	ADD(stopping_fails_those_who_wait);
	ADD(questions_wait_while_the_root_is_probed);
	ADD(too_many_questions_are_refused);
	ADD(a_server_that_babbles_or_is_not_there_is_a_timeout);
	ADD(of_two_servers_the_one_that_answers_is_enough);
	ADD(faulty_settings_are_told);
	ADD(four_threads_get_all_their_answers);
	ROWS_ADD(dnssec_rows, check_dnssec);
	ROWS_ADD(zone_rows, check_zone);
	int failed = rows_run("resolver");

	for (size_t i = 0; i < WHO_COUNT; i++)
		resolver_free(resolvers[i]);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)babbling.port) };
	sendto(babbling.fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to));
	pthread_join(babbler, NULL);
	end_server(&babbling);
	end_server(&silent);
	end_server(&plain);
	end_server(&root_server);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}
