/* auth/spf_test.c: SPF evaluated against zones of our own. */
#include "base/rows.h"

#include <stdio.h>
#include <string.h>

#include "auth/spf.h"
#include "auth/spf_record.h"
#include "base/zone.h"

/* The world around the record under test, which is put at example.com. */
static const char world[] =
	"example.com A 192.0.2.10\n"
	"example.com MX 10 mx1.example.com\n"
	"example.com MX 20 mx2.example.com\n"
	"mx1.example.com A 192.0.2.21\n"
	"mx2.example.com A 192.0.2.22\n"
	"mx2.example.com AAAA 2001:db8::22\n"
	"both.example.org A 198.51.100.1\n"
	"both.example.org AAAA 2001:db8:1::1\n"
	"text.example.org TXT \"nothing of interest\"\n"
	"mapped.example.org AAAA ::ffff:192.0.2.1\n"
	/* records to include and redirect to */
	"pass.example.net TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
	"fail.example.net TXT \"v=spf1 -all\"\n"
	"soft.example.net TXT \"v=spf1 ~all\"\n"
	"open.example.net TXT \"v=spf1 ip4:203.0.113.0/24\"\n"
	"two.example.net TXT \"v=spf1 include:pass.example.net\"\n"
	"broken.example.net TXT \"v=spf1 foo:bar -all\"\n"
	"double.example.net TXT \"v=spf1 -all\"\n"
	"double.example.net TXT \"v=spf1 ?all\"\n"
	"loop.example.net TXT \"v=spf1 include:loop.example.net -all\"\n"
	"round.example.net TXT \"v=spf1 redirect=round.example.net\"\n"
	"local.example.net TXT \"v=spf1 a -all\"\n"
	"local.example.net A 192.0.2.1\n"
	"own.example.net TXT \"v=spf1 a:%{d}\"\n"
	"own.example.net A 192.0.2.1\n"
	"said.example.net TXT \"v=spf1 -all exp=why.example.net\"\n"
	"five.example.net TXT \"v=spf1 a:n.example.org a:both.example.org a:both.example.org a:both.example.org a:both.example.org\"\n"
	"n.example.org A 203.0.113.77\n"
	"alias.example.net CNAME pass.example.net\n"
	/* trouble */
	"slow.example.net ANY !timeout\n"
	"sick.example.net ANY !servfail\n"
	"forged.example.net ANY !bogus\n"
	"mxslow.example.net MX 0 slow.example.net\n"
	/* mail exchangers */
	"ten.example.net MX 1 h1.example.org\nten.example.net MX 2 h2.example.org\nten.example.net MX 3 h3.example.org\n"
	"ten.example.net MX 4 h4.example.org\nten.example.net MX 5 h5.example.org\nten.example.net MX 6 h6.example.org\n"
	"ten.example.net MX 7 h7.example.org\nten.example.net MX 8 h8.example.org\nten.example.net MX 9 h9.example.org\n"
	"ten.example.net MX 10 local.example.net\n"
	"eleven.example.net MX 1 local.example.net\neleven.example.net MX 2 h2.example.org\neleven.example.net MX 3 h3.example.org\n"
	"eleven.example.net MX 4 h4.example.org\neleven.example.net MX 5 h5.example.org\neleven.example.net MX 6 h6.example.org\n"
	"eleven.example.net MX 7 h7.example.org\neleven.example.net MX 8 h8.example.org\neleven.example.net MX 9 h9.example.org\n"
	"eleven.example.net MX 10 h10.example.org\neleven.example.net MX 11 h11.example.org\n"
	"nullmx.example.net MX 0 .\n"
	/* clients and their names */
	"5.2.0.192.in-addr.arpa PTR liar.example.com\n"
	"5.2.0.192.in-addr.arpa PTR host.example.com\n"
	"5.2.0.192.in-addr.arpa PTR host.example.org\n"
	"host.example.com A 192.0.2.5\n"
	"host.example.org A 192.0.2.5\n"
	"liar.example.com A 192.0.2.99\n"
	"host.example.com.by.example.org A 127.0.0.2\n"
	"unknown.by.example.org A 127.0.0.2\n"
	"6.2.0.192.in-addr.arpa PTR !servfail\n"
	"7.2.0.192.in-addr.arpa PTR sub.self.example.net\n"
	"7.2.0.192.in-addr.arpa PTR self.example.net\n"
	"sub.self.example.net A 192.0.2.7\n"
	"self.example.net A 192.0.2.7\n"
	"self.example.net TXT \"v=spf1 exists:%{p}.by.example.org -all\"\n"
	"self.example.net.by.example.org A 127.0.0.2\n"
	/* questions with macros */
	"alice.example.com.192.0.2.1.example.org A 127.0.0.2\n"
	"postmaster.who.example.org A 127.0.0.2\n"
	"1.2.0.192.in-addr.list.example.org A 127.0.0.2\n"
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.list.example.org A 127.0.0.2\n"
	"mail.example.org.helo.example.org A 127.0.0.2\n"
	/* explanations */
	"why.example.net TXT \"%{i} may not send for %{d}, says %{r} at %{t}. Ask %{l}%_please.\"\n"
	"halves.example.net TXT \"See http://example.net/\" \"why?s=%{S}&c=%{c}\"\n"
	"client.example.net TXT \"not from %{p}\"\n"
	"badwhy.example.net TXT \"%{x}\"\n"
	"twowhy.example.net TXT \"one\"\n"
	"twowhy.example.net TXT \"two\"\n"
	"rawwhy.example.net TXT \"\\195\\188ber\"\n";

static const struct row {
	const char *name;
	const char *record;
	enum result result;
	enum reason reason;
	const char *mechanism; /* NULL: none */
	const char *detail; /* NULL: not looked at */
	const char *ip, *from, *helo; /* NULL: 192.0.2.1, alice@example.com, mail.example.org */
	const char *explanation; /* NULL: none */
	unsigned    lookups, voids;
} rows[] = {
	/* mechanisms and qualifiers */
	{ "all passes", "v=spf1 all", RESULT_PASS, REASON_SPF_MATCHED, "all", .detail = "all" },
	{ "-all fails", "v=spf1 -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .detail = "all" },
	{ "~all is softfail", "v=spf1 ~all", RESULT_SOFTFAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "?all is neutral, and a match", "v=spf1 ?all", RESULT_NEUTRAL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "an empty record is neutral, and no match", "v=spf1", RESULT_NEUTRAL, REASON_SPF_NO_MATCH, NULL, .detail = "" },
	{ "the first match decides", "v=spf1 ?ip4:192.0.2.1 +all", RESULT_NEUTRAL, REASON_SPF_MATCHED, .mechanism = "ip4:192.0.2.1" },
	{ "the qualifier is not part of the mechanism", "v=spf1 ~ip4:192.0.2.0/24", RESULT_SOFTFAIL, REASON_SPF_MATCHED,
	  "ip4:192.0.2.0/24", .detail = "ip4:192.0.2.0/24" },
	{ "case does not matter", "V=SPF1 IP4:192.0.2.1 -ALL", RESULT_PASS, REASON_SPF_MATCHED, .mechanism = "IP4:192.0.2.1" },
	{ "ip4 beyond its network does not match", "v=spf1 ip4:192.0.2.2/31 -all", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "ip6 matches", "v=spf1 ip6:2001:db8::/32 -all", RESULT_PASS, REASON_SPF_MATCHED, "ip6:2001:db8::/32", .ip = "2001:db8::7" },
	{ "a mapped client is an IPv4 client", "v=spf1 ip4:192.0.2.1 -all", RESULT_PASS, REASON_SPF_MATCHED, "ip4:192.0.2.1",
	  .ip = "::ffff:192.0.2.1" },
	{ "ip6 of a mapped network matches no IPv4 client", "v=spf1 ip6:::ffff:192.0.2.1 -all", RESULT_FAIL, REASON_SPF_MATCHED,
	  .mechanism = "all" },
	{ "ip6 of half the space includes that of mapped addresses", "v=spf1 ip6:::ffff:192.0.2.1/1 -all", RESULT_PASS,
	  REASON_SPF_MATCHED, "ip6:::ffff:192.0.2.1/1", .ip = "2001:db8::7" },
	{ "a asks for the domain itself", "v=spf1 a -all", RESULT_PASS, REASON_SPF_MATCHED, "a", .ip = "192.0.2.10", .lookups = 1 },
	{ "a with a prefix", "v=spf1 a/24 -all", RESULT_PASS, REASON_SPF_MATCHED, "a/24", .lookups = 1 },
	{ "a with two prefixes, IPv6", "v=spf1 a:both.example.org/32//48 -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "a:both.example.org/32//48", .ip = "2001:db8:1::ffff", .lookups = 1 },
	{ "a mapped address in an AAAA record is no IPv4 address", "v=spf1 a:mapped.example.org -all", RESULT_FAIL, REASON_SPF_MATCHED,
	  "all", .lookups = 1, .voids = 1 },
	{ "mx matches the second host", "v=spf1 mx -all", RESULT_PASS, REASON_SPF_MATCHED, "mx", .ip = "192.0.2.22", .lookups = 1 },
	{ "mx over IPv6 counts one void, not one a host", "v=spf1 mx -all", RESULT_PASS, REASON_SPF_MATCHED, "mx", .ip = "2001:db8::22",
	  .lookups = 1, .voids = 1 },
	{ "no MX means no host", "v=spf1 mx:local.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1, .voids = 1 },
	{ "the null MX has no host", "v=spf1 mx:nullmx.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1 },
	{ "ten MX names are allowed", "v=spf1 mx:ten.example.net -all", RESULT_PASS, REASON_SPF_MATCHED, "mx:ten.example.net",
	  .lookups = 1, .voids = 1 },
	{ "eleven are permerror, even if the first would match", "v=spf1 mx:eleven.example.net -all", RESULT_PERMERROR,
	  REASON_SPF_TOO_MANY_NAMES, NULL, "11 of 10 MX names at eleven.example.net", .lookups = 1 },
	{ "exists asks for A whatever the client", "v=spf1 exists:mx1.example.com -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:mx1.example.com", .ip = "2001:db8::7", .lookups = 1 },
	{ "ptr matches a validated name", "v=spf1 ptr:example.org -all", RESULT_PASS, REASON_SPF_MATCHED, "ptr:example.org",
	  .ip = "192.0.2.5", .lookups = 1 },
	{ "ptr does not believe a name that points elsewhere", "v=spf1 ptr:liar.example.com -all", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .ip = "192.0.2.5", .lookups = 1 },
	{ "ptr does not match the end of a label", "v=spf1 ptr:ample.org -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .ip = "192.0.2.5",
	  .lookups = 1 },
	{ "trouble with PTR is no match", "v=spf1 ptr -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .ip = "192.0.2.6", .lookups = 1 },
	{ "a client without a name is void", "v=spf1 ptr -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1, .voids = 1 },

	/* include and redirect */
	{ "include matches when the other passes", "v=spf1 include:pass.example.net -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "include:pass.example.net", "include:pass.example.net > ip4:192.0.2.0/24", .lookups = 1 },
	{ "the qualifier of include counts, not that within", "v=spf1 ~include:pass.example.net", RESULT_SOFTFAIL, REASON_SPF_MATCHED,
	  "include:pass.example.net", .lookups = 1 },
	{ "fail within is no match", "v=spf1 include:fail.example.net ?all", RESULT_NEUTRAL, REASON_SPF_MATCHED, "all", "all",
	  .lookups = 1 },
	{ "softfail within is no match", "v=spf1 include:soft.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1 },
	{ "neutral within is no match", "v=spf1 include:open.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1 },
	{ "include within include", "v=spf1 include:two.example.net", RESULT_PASS, REASON_SPF_MATCHED, "include:two.example.net",
	  "include:two.example.net > include:pass.example.net > ip4:192.0.2.0/24", .lookups = 2 },
	{ "include of nothing is permerror", "v=spf1 include:gone.example.net -all", RESULT_PERMERROR, REASON_SPF_INCLUDE_NONE, NULL,
	  "include:gone.example.net", .lookups = 1 },
	{ "include of other text is permerror", "v=spf1 include:text.example.org -all", RESULT_PERMERROR, REASON_SPF_INCLUDE_NONE, NULL,
	  .lookups = 1 },
	{ "include of a fault is permerror, and says where", "v=spf1 include:broken.example.net -all", RESULT_PERMERROR, REASON_SPF_SYNTAX,
	  NULL, "foo:bar: no such mechanism (in the record of broken.example.net)", .lookups = 1 },
	{ "include of two records is permerror", "v=spf1 include:double.example.net", RESULT_PERMERROR, REASON_SPF_SEVERAL_RECORDS, NULL,
	  "2 records at double.example.net", .lookups = 1 },
	{ "include follows an alias", "v=spf1 include:alias.example.net", RESULT_PASS, REASON_SPF_MATCHED, "include:alias.example.net",
	  .lookups = 1 },
	{ "redirect takes the other's result", "v=spf1 redirect=pass.example.net", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  "redirect=pass.example.net > all", .ip = "198.51.100.1", .lookups = 1 },
	{ "redirect changes the domain", "v=spf1 redirect=local.example.net", RESULT_PASS, REASON_SPF_MATCHED, "a", .lookups = 2 },
	{ "redirect waits for the mechanisms", "v=spf1 redirect=fail.example.net ip4:192.0.2.1", RESULT_PASS, REASON_SPF_MATCHED,
	  .mechanism = "ip4:192.0.2.1" },
	{ "redirect is not asked behind all", "v=spf1 ?all redirect=slow.example.net", RESULT_NEUTRAL, REASON_SPF_MATCHED,
	  .mechanism = "all" },
	{ "redirect to nothing is permerror", "v=spf1 redirect=gone.example.net", RESULT_PERMERROR, REASON_SPF_INCLUDE_NONE, NULL,
	  "redirect=gone.example.net", .lookups = 1 },
	{ "redirect to a neutral end", "v=spf1 redirect=open.example.net", RESULT_NEUTRAL, REASON_SPF_NO_MATCH, NULL,
	  "redirect=open.example.net", .lookups = 1 },

	/* limits */
	{ "ten lookups are allowed", "v=spf1 a a a a a a a a a a -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 10 },
	{ "the eleventh is permerror, and is named", "v=spf1 a a a a a a a a a a include:pass.example.net -all", RESULT_PERMERROR,
	  REASON_SPF_TOO_MANY_LOOKUPS, NULL, "11 of 10 lookups, at include:pass.example.net", .lookups = 11 },
	{ "redirect is a lookup", "v=spf1 a a a a a a a a a a redirect=pass.example.net", RESULT_PERMERROR, REASON_SPF_TOO_MANY_LOOKUPS,
	  NULL, "11 of 10 lookups, at redirect=pass.example.net", .lookups = 11 },
	{ "a match before the eleventh stands", "v=spf1 a a a a a a a a a a:local.example.net a -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "a:local.example.net", .lookups = 10 },
	{ "lookups within include count", "v=spf1 include:five.example.net include:five.example.net -all", RESULT_PERMERROR,
	  REASON_SPF_TOO_MANY_LOOKUPS, NULL, "11 of 10 lookups, at a:both.example.org (in the record of five.example.net)", .lookups = 11 },
	{ "a loop of includes ends", "v=spf1 include:loop.example.net -all", RESULT_PERMERROR, REASON_SPF_TOO_MANY_LOOKUPS, NULL,
	  .lookups = 11 },
	{ "a loop of redirects ends", "v=spf1 redirect=round.example.net", RESULT_PERMERROR, REASON_SPF_TOO_MANY_LOOKUPS, NULL,
	  .lookups = 11 },
	{ "ip4, ip6 and all cost nothing", "v=spf1 ip4:203.0.113.1 ip6:2001:db8::1 -all", RESULT_FAIL, REASON_SPF_MATCHED,
	  .mechanism = "all" },
	{ "two voids are allowed", "v=spf1 a:no1.example.net exists:no2.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .lookups = 2, .voids = 2 },
	{ "the third is permerror, and is named", "v=spf1 a:no1.example.net a:no2.example.net mx:no3.example.net -all", RESULT_PERMERROR,
	  REASON_SPF_TOO_MANY_VOIDS, NULL, "3 of 2 void lookups, at mx:no3.example.net: MX no3.example.net", .lookups = 3, .voids = 3 },
	{ "a name without the type is void", "v=spf1 a:text.example.org -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .lookups = 1,
	  .voids = 1 },

	/* DNS trouble */
	{ "time-out of a", "v=spf1 a:slow.example.net -all", RESULT_TEMPERROR, REASON_SPF_DNS_TIMEOUT, NULL,
	  "A slow.example.net: timeout (the zone file says so)", .lookups = 1 },
	{ "SERVFAIL of mx", "v=spf1 mx:sick.example.net -all", RESULT_TEMPERROR, REASON_SPF_DNS_SERVFAIL, NULL,
	  "MX sick.example.net: servfail (the zone file says so)", .lookups = 1 },
	{ "bogus answer to exists", "v=spf1 exists:forged.example.net -all", RESULT_TEMPERROR, REASON_SPF_DNS_BOGUS, NULL,
	  "A forged.example.net: bogus (the zone file says so)", .lookups = 1 },
	{ "time-out of an MX host", "v=spf1 mx:mxslow.example.net -all", RESULT_TEMPERROR, REASON_SPF_DNS_TIMEOUT, NULL,
	  "A slow.example.net: timeout (the zone file says so)", .lookups = 1 },
	{ "time-out of include", "v=spf1 include:slow.example.net -all", RESULT_TEMPERROR, REASON_SPF_DNS_TIMEOUT, NULL,
	  "TXT slow.example.net: timeout (the zone file says so)", .lookups = 1 },
	{ "bogus redirect", "v=spf1 redirect=forged.example.net", RESULT_TEMPERROR, REASON_SPF_DNS_BOGUS, NULL, .lookups = 1 },
	{ "trouble behind the match is not seen", "v=spf1 ip4:192.0.2.1 a:slow.example.net", RESULT_PASS, REASON_SPF_MATCHED,
	  .mechanism = "ip4:192.0.2.1" },
	{ "time-out of the record itself", NULL, RESULT_TEMPERROR, REASON_SPF_DNS_TIMEOUT, NULL,
	  "TXT slow.example.net: timeout (the zone file says so)", .from = "a@slow.example.net" },

	/* syntax */
	{ "a fault behind all counts", "v=spf1 +all foo", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL, .detail = "foo: no such mechanism" },
	{ "redirect is no mechanism", "v=spf1 redirect:pass.example.net", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "redirect:pass.example.net: no such mechanism" },
	{ "an address in a is told what it should be", "v=spf1 a:192.0.2.1 -all", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "a:192.0.2.1: that is an address, no domain name; ip4: or ip6: takes addresses" },
	{ "ipv4 is no mechanism", "v=spf1 ipv4:192.0.2.1 -all", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "ipv4:192.0.2.1: no such mechanism" },
	{ "ip4 with a prefix of 33", "v=spf1 ip4:192.0.2.1/33", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "ip4:192.0.2.1/33: an IPv4 prefix length is a number from 0 to 32" },
	{ "ip4 with an IPv6 address", "v=spf1 ip4:2001:db8::1", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "ip6 with an IPv4 address", "v=spf1 ip6:192.0.2.1", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "ip4 without an address", "v=spf1 ip4", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "ip4: a colon and an address are wanted" },
	{ "a with one slash too few", "v=spf1 a/24/64", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "a prefix with a leading zero", "v=spf1 a/024", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "all with something behind it", "v=spf1 -all.", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "include without a domain", "v=spf1 include", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "include with an empty domain", "v=spf1 include:", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "include:: the domain name is missing" },
	{ "a single label is no domain", "v=spf1 a:localhost -all", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "redirect twice", "v=spf1 redirect=pass.example.net redirect=pass.example.net", RESULT_PERMERROR, REASON_SPF_SYNTAX,
	  .mechanism = NULL },
	{ "an unknown modifier is passed over", "v=spf1 rr=all moo.x=%{d}/: ip4:192.0.2.1", RESULT_PASS, REASON_SPF_MATCHED,
	  .mechanism = "ip4:192.0.2.1" },
	{ "an unknown modifier with a bad macro", "v=spf1 moo=%(d) -all", RESULT_PERMERROR, REASON_SPF_MACRO_SYNTAX, .mechanism = NULL },
	{ "a macro letter of explanations in a term", "v=spf1 exists:%{c}.example.net", RESULT_PERMERROR, REASON_SPF_MACRO_SYNTAX, NULL,
	  .detail = "exists:%{c}.example.net: macro letters c, r and t are for the text of exp= only" },
	{ "a macro letter that does not exist", "v=spf1 exists:%{x}.example.net", RESULT_PERMERROR, REASON_SPF_MACRO_SYNTAX, NULL,
	  .detail = "exists:%{x}.example.net: no such macro letter" },
	{ "a macro that keeps nothing", "v=spf1 exists:%{d0}.example.net", RESULT_PERMERROR, REASON_SPF_MACRO_SYNTAX, .mechanism = NULL },
	{ "a tab is no separator", "v=spf1 ip4:192.0.2.1\\009-all", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "an octet above ASCII", "v=spf1 a:\\195\\188.example.net -all", RESULT_PERMERROR, REASON_SPF_SYNTAX, .mechanism = NULL },
	{ "several spaces, and one at the end", "v=spf1   ip4:192.0.2.1  ", RESULT_PASS, REASON_SPF_MATCHED, .mechanism = "ip4:192.0.2.1" },
	{ "strings are joined without a space", "v=spf1 ip4:192.0\" \".2.1 -all", RESULT_PASS, REASON_SPF_MATCHED,
	  .mechanism = "ip4:192.0.2.1" },

	/* finding the record */
	{ "a version of two digits is another thing", "v=spf10 -all", RESULT_NONE, REASON_SPF_NO_RECORD, NULL,
	  .detail = "example.com has no TXT record that begins with v=spf1" },
	{ "two records are permerror", "v=spf1 -all\"\nexample.com TXT \"v=spf1 +all", RESULT_PERMERROR, REASON_SPF_SEVERAL_RECORDS, NULL,
	  .detail = "2 records at example.com" },
	{ "other texts do not matter", "\\255\\000\"\nexample.com TXT \"v=spf1 -all", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "a domain that does not exist", NULL, RESULT_NONE, REASON_SPF_NO_RECORD, NULL, "gone.example.net does not exist",
	  .from = "a@gone.example.net" },

	/* who is checked */
	{ "no local-part is postmaster", "v=spf1 exists:%{l}.who.example.org", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{l}.who.example.org", .from = "@example.com", .lookups = 1 },
	{ "the null sender is postmaster at HELO", "v=spf1 exists:%{l}.who.example.org", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{l}.who.example.org", .from = "", .helo = "Example.COM.", .lookups = 1 },
	{ "the last @ counts", "v=spf1 -all", RESULT_FAIL, REASON_SPF_MATCHED, "all", .from = "\"a@b\"@example.com" },
	{ "a single label is nobody", "v=spf1 -all", RESULT_NONE, REASON_SPF_BAD_DOMAIN, NULL, "localhost", .from = "a@localhost" },
	{ "an address literal is nobody", "v=spf1 -all", RESULT_NONE, REASON_SPF_BAD_DOMAIN, NULL, "[192.0.2.1]", .from = "a@[192.0.2.1]" },
	{ "no @ is nobody", "v=spf1 -all", RESULT_NONE, REASON_SPF_BAD_DOMAIN, NULL, "alice", .from = "alice" },
	{ "an empty label is nobody", "v=spf1 -all", RESULT_NONE, REASON_SPF_BAD_DOMAIN, NULL, .from = "a@example..com" },
	{ "a U-label is asked as an A-label", "v=spf1 -all\"\nxn--bcher-kva.example.com TXT \"v=spf1 +all", RESULT_PASS, REASON_SPF_MATCHED,
	  "all", .from = "a@b\xc3\xbc"
	                 "cher.example.com" },
	{ "a local-part in UTF-8 matches no term with %{l}", "v=spf1 exists:%{l}.who.example.org -all", RESULT_FAIL, REASON_SPF_MATCHED,
	  "all", .from = "j\xc3\xb6rg@example.com", .lookups = 1 },

	/* macros in terms */
	{ "%{l}, %{o} and %{i}", "v=spf1 exists:%{l}.%{o}.%{i}.example.org -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{l}.%{o}.%{i}.example.org", .lookups = 1 },
	{ "%{ir} and %{v} of IPv4", "v=spf1 exists:%{ir}.%{v}.list.example.org -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{ir}.%{v}.list.example.org", .lookups = 1 },
	{ "%{ir} and %{v} of IPv6", "v=spf1 exists:%{ir}.%{v}.list.example.org -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{ir}.%{v}.list.example.org", .ip = "2001:db8::1", .lookups = 1 },
	{ "%{h}", "v=spf1 exists:%{h}.helo.example.org -all", RESULT_PASS, REASON_SPF_MATCHED, "exists:%{h}.helo.example.org",
	  .lookups = 1 },
	{ "%{p} prefers a name below the domain, and costs a lookup", "v=spf1 exists:%{p}.by.example.org -all", RESULT_PASS,
	  REASON_SPF_MATCHED, "exists:%{p}.by.example.org", .ip = "192.0.2.5", .lookups = 2 },
	{ "%{p} prefers the domain itself to a name below it", NULL, RESULT_PASS, REASON_SPF_MATCHED, "exists:%{p}.by.example.org",
	  .ip = "192.0.2.7", .from = "a@self.example.net", .lookups = 2 },
	{ "%{p} without a valid name is unknown", "v=spf1 exists:%{p}.by.example.org -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "exists:%{p}.by.example.org", .ip = "192.0.2.6", .lookups = 2 },
	{ "%{d} within include is the included domain", "v=spf1 include:own.example.net -all", RESULT_PASS, REASON_SPF_MATCHED,
	  "include:own.example.net", .lookups = 2 },
	{ "a target that DNS cannot hold does not match", "v=spf1 a:%{h}.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .helo = "..", .lookups = 1 },
	{ "an include that DNS cannot hold is permerror", "v=spf1 include:%{h}.example.net -all", RESULT_PERMERROR, REASON_SPF_INCLUDE_NONE,
	  NULL, "include:%{h}.example.net: that is not a domain name", .helo = "..", .lookups = 1 },

	/* explanations */
	{ "exp= explains a fail", "v=spf1 -all exp=why.example.net", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .explanation = "192.0.2.1 may not send for example.com, says gate.example.org at 1760000000. Ask alice please." },
	{ "strings are joined and URLs escaped", "v=spf1 -all exp=halves.example.net", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .explanation = "See http://example.net/why?s=alice%40example.com&c=192.0.2.1" },
	{ "exp= may ask for the client's name, free of charge", "v=spf1 -all exp=client.example.net", RESULT_FAIL, REASON_SPF_MATCHED,
	  "all", .ip = "192.0.2.5", .explanation = "not from host.example.com" },
	{ "only fail is explained", "v=spf1 ~all exp=why.example.net", RESULT_SOFTFAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "the included explanation is not used", "v=spf1 include:said.example.net -all", RESULT_FAIL, REASON_SPF_MATCHED, "all",
	  .lookups = 1 },
	{ "the explanation behind redirect is used, with its domain", "v=spf1 redirect=said.example.net exp=halves.example.net",
	  RESULT_FAIL,
	  REASON_SPF_MATCHED, "all",
	  .explanation = "192.0.2.1 may not send for said.example.net, says gate.example.org at 1760000000. Ask alice please.",
	  .lookups = 1 },
	{ "no text, no explanation", "v=spf1 -all exp=gone.example.net", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "two texts, no explanation", "v=spf1 -all exp=twowhy.example.net", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "a bad macro, no explanation", "v=spf1 -all exp=badwhy.example.net", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "not ASCII, no explanation", "v=spf1 -all exp=rawwhy.example.net", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "time-out, no explanation", "v=spf1 -all exp=slow.example.net", RESULT_FAIL, REASON_SPF_MATCHED, .mechanism = "all" },
	{ "a HELO with a line break cannot reach the explanation",
	  "v=spf1 -all exp=helo.example.net\"\nhelo.example.net TXT \"you are %{h}",
	  RESULT_FAIL, REASON_SPF_MATCHED, "all", .helo = "a\r\nb" },
	{ "an empty exp= is permerror", "v=spf1 -all exp=", RESULT_PERMERROR, REASON_SPF_SYNTAX, NULL,
	  .detail = "exp=: the domain name is missing" },
	{ "what the explanation does not find is no void", "v=spf1 a:no1.example.net a:no2.example.net -all exp=client.example.net",
	  RESULT_FAIL, REASON_SPF_MATCHED, "all", .explanation = "not from unknown", .lookups = 2, .voids = 2 },
	{ "voids before do not spoil the explanation", "v=spf1 a:no1.example.net a:no2.example.net -all exp=gone.example.net", RESULT_FAIL,
	  REASON_SPF_MATCHED, "all", .lookups = 2, .voids = 2 },
};

/* ---- the harness ---- */

struct trial {
	struct arena *zone_arena, *arena;
	struct zone  *zone;
	struct spf   *spf;
	unsigned      asked;
};

static struct bytes
or_else(const char *text, const char *otherwise)
{
	return bytes_of(text != NULL ? text : otherwise);
}

static void
trial_begin(struct trial *t, const char *record, size_t limit)
{
	struct bytes why = B_NONE, text;

	*t = (struct trial){ .zone_arena = arena_new((size_t)1 << 20), .arena = arena_new(limit) };
	text = arena_printf(t->zone_arena, "%s%s%s%s", world, record != NULL ? "example.com TXT \"" : "", record != NULL ? record : "",
	                    record != NULL ? "\"\n" : "");
	if (zone_parse(t->zone_arena, text, &t->zone, &why) != RC_OK)
		fail_msg("zone: %.*s", B_FMT(why));
}

static struct finding
trial_run(struct trial *t, const struct spf_query *query, enum spf_identity identity)
{
	const struct answer *answer = NULL;
	struct finding       f = { 0 };
	struct ask           ask;

	t->spf = spf_new(t->arena, query, identity);
	assert_non_null(t->spf);
	while (spf_step(t->spf, answer, &ask, &f) == STEP_ASKS) {
		answer = answer_hold(t->zone_arena, zone_answer(t->zone, &ask));
		assert_non_null(answer);
		assert_true(++t->asked <= 130);
	}
	return f;
}

static void
trial_end(struct trial *t)
{
	arena_free(t->arena);
	arena_free(t->zone_arena);
}

static void
check(void **state)
{
	const struct row *row = *state;
	struct trial      t;
	struct spf_query  q = { .helo = or_else(row->helo, "mail.example.org"),
		                .mail_from = or_else(row->from, "alice@example.com"),
		                .receiver = B("gate.example.org"),
		                .now = 1760000000 };

	assert_true(ip_parse(or_else(row->ip, "192.0.2.1"), &q.ip));
	trial_begin(&t, row->record, (size_t)1 << 20);
	struct finding           f = trial_run(&t, &q, SPF_MAILFROM);
	const struct spf_report *r = spf_report(t.spf);

	assert_int_equal(f.method, METHOD_SPF);
	assert_string_equal(result_word(f.result), result_word(row->result));
	assert_string_equal(reason_word(f.reason), reason_word(row->reason));
	assert_bytes(r->mechanism, bytes_of(row->mechanism));
	assert_bytes(r->explanation, bytes_of(row->explanation));
	if (row->detail != NULL)
		assert_bytes(f.detail, bytes_of(row->detail));
	assert_int_equal(r->lookups, row->lookups);
	assert_int_equal(r->voids, row->voids);
	trial_end(&t);
}

static void
tells_whom(void **state)
{
	struct trial     t;
	struct spf_query q = { .helo = B("Mail.Example.COM"), .mail_from = B("Bob@EXAMPLE.com") };

	(void)state;
	assert_true(ip_parse(B("192.0.2.1"), &q.ip));
	trial_begin(&t, "v=spf1 ip4:192.0.2.1 -all", (size_t)1 << 20);
	struct finding           f = trial_run(&t, &q, SPF_MAILFROM);
	const struct spf_report *r = spf_report(t.spf);
	assert_int_equal(f.result, RESULT_PASS);
	assert_bytes(f.domain, B("example.com"));
	assert_int_equal(r->identity, SPF_MAILFROM);
	assert_bytes(r->domain, B("example.com"));
	assert_bytes(r->sender, B("Bob@example.com"));
	assert_bytes(r->record, B("v=spf1 ip4:192.0.2.1 -all"));
	trial_end(&t);
}

static void
helo_is_another_identity(void **state)
{
	struct trial     t;
	struct spf_query q = { .helo = B("pass.example.net"), .mail_from = B("bob@example.com") };

	(void)state;
	assert_true(ip_parse(B("192.0.2.1"), &q.ip));
	trial_begin(&t, "v=spf1 -all", (size_t)1 << 20);
	struct finding           f = trial_run(&t, &q, SPF_HELO);
	const struct spf_report *r = spf_report(t.spf);
	assert_int_equal(f.result, RESULT_PASS);
	assert_int_equal(f.reason, REASON_SPF_MATCHED);
	assert_int_equal(r->identity, SPF_HELO);
	assert_bytes(r->domain, B("pass.example.net"));
	assert_bytes(r->sender, B("postmaster@pass.example.net"));
	trial_end(&t);
}

/* Every size of arena that is too small ends in "could not find out". */
static void
small_memory(void **state)
{
	struct spf_query q = { .helo = B("mail.example.org"), .mail_from = B("alice@example.com") };
	unsigned         refused = 0, spent = 0, whole = 0;

	(void)state;
	assert_true(ip_parse(B("192.0.2.5"), &q.ip));
	for (size_t limit = 0; limit < 8000; limit += 16) {
		struct trial t;
		trial_begin(&t, "v=spf1 include:said.example.net mx exists:%{p}.%{l}.example.org -all exp=client.example.net", limit);
		struct finding f = { 0 };
		if (spf_new(t.arena, &q, SPF_MAILFROM) == NULL) {
			refused++;
		} else {
			arena_reset(t.arena);
			f = trial_run(&t, &q, SPF_MAILFROM);
			bool memory = f.result == RESULT_TEMPERROR && f.reason == REASON_LIMIT_MEMORY;
			bool right = f.result == RESULT_FAIL && f.reason == REASON_SPF_MATCHED;
			assert_true(memory || right);
			assert_bytes(spf_report(t.spf)->explanation, right ? B("not from host.example.com") : B(""));
			spent += memory;
			whole += right;
		}
		trial_end(&t);
	}
	assert_true(refused > 0 && spent > 0 && whole > 0);
}

static void
silent_resolver(void **state)
{
	struct arena    *a = arena_new(100000);
	struct spf_query q = { .ip.family = 4, .mail_from = B("a@example.com") };
	struct spf      *s = spf_new(a, &q, SPF_MAILFROM);
	struct ask       ask;
	struct finding   f;

	(void)state;
	assert_int_equal(spf_step(s, NULL, &ask, &f), STEP_ASKS);
	assert_int_equal(ask.type, DNS_TXT);
	assert_bytes(ask.name, B("example.com"));
	assert_int_equal(spf_step(s, NULL, &ask, &f), STEP_DONE);
	assert_int_equal(f.result, RESULT_TEMPERROR);
	assert_int_equal(f.reason, REASON_SPF_DNS_TIMEOUT);
	assert_bytes(f.detail, B("TXT example.com: timeout"));
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	rows_add("the report says who was checked", tells_whom, NULL);
	rows_add("HELO is checked as postmaster of itself", helo_is_another_identity, NULL);
	rows_add("too little memory is temperror, never a crash", small_memory, NULL);
	rows_add("a resolver that gives up is a time-out", silent_resolver, NULL);
	return rows_run("spf");
}
