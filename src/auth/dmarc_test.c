/* auth/dmarc_test.c: records, walks, alignment and verdicts against zones. */
#include "base/rows.h"

#include <string.h>

#include "auth/dmarc.h"
#include "auth/dmarc_record.h"
#include "base/zone.h"

/* Suffixes for the comparison and for `discovery = psl`. */
static const char list[] = "// ===BEGIN ICANN DOMAINS===\ncom\norg\nuk\nco.uk\nexample\n// ===END ICANN DOMAINS===\n"
			   "// ===BEGIN PRIVATE DOMAINS===\nhosting.example\n// ===END PRIVATE DOMAINS===\n";

#define REJECT_AT(name) "_dmarc." name " TXT \"v=DMARC1; p=reject\"\n"

static const struct row {
	const char       *name, *zone, *from;
	const char       *spf, *dkim; /* "pass example.com"; dkim: several */
	enum result       result;
	enum reason       reason;
	enum dmarc_policy policy, applied;
	const char       *at, *org, *other; /* NULL: not compared */
	const char       *detail;
	const char       *asked;   /* every question, in order */
	const char       *aligned; /* SPF, then each signature: "y", "n" */
	enum discovery    discovery;
} rows[] = {
	/* alignment, 4.4 and 4.10.2 */
	{ .name = "SPF of the From domain passes",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "pass example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .at = "example.com",
	  .org = "example.com",
	  .other = "",
	  .detail = "SPF pass for example.com, DKIM none; p=reject at example.com",
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "y" },
	{ .name = "a signature of the From domain passes",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "fail example.net",
	  .dkim = "pass example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF fail for example.net, DKIM pass for example.com; p=reject at example.com",
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "ny" },
	{ .name = "a subdomain is aligned, relaxed",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "pass bounce.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.example.com _dmarc.com _dmarc.bounce.example.com",
	  .aligned = "y" },
	{ .name = "a parent is aligned, relaxed",
	  .zone = REJECT_AT("example.com"),
	  .from = "a.example.com",
	  .dkim = "pass example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .at = "example.com",
	  .org = "example.com",
	  .asked = "_dmarc.a.example.com _dmarc.example.com _dmarc.com",
	  .aligned = "ny" },
	{ .name = "siblings are aligned, relaxed",
	  .zone = REJECT_AT("example.com"),
	  .from = "a.example.com",
	  .dkim = "pass b.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .aligned = "ny" },
	{ .name = "strict DKIM wants the same name",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; adkim=s\"\n",
	  .from = "example.com",
	  .dkim = "pass a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF none, DKIM pass for a.example.com (not aligned); p=reject at example.com",
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "nn" },
	{ .name = "strict SPF wants the same name",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=s\"\n",
	  .from = "example.com",
	  .spf = "pass a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .aligned = "n" },
	{ .name = "strict SPF leaves DKIM relaxed",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=s\"\n",
	  .from = "example.com",
	  .spf = "pass a.example.com",
	  .dkim = "pass b.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .aligned = "ny" },
	{ .name = "another domain is not walked and not aligned",
	  .zone = REJECT_AT("example.com") REJECT_AT("example.net"),
	  .from = "example.com",
	  .spf = "pass example.net",
	  .dkim = "pass example.org",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "nn" },
	{ .name = "a name that only ends alike is not aligned",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .dkim = "pass badexample.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .aligned = "nn" },
	{ .name = "an aligned domain that failed does not pass",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "fail example.com",
	  .dkim = "fail example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF fail for example.com, DKIM fail for example.com; p=reject at example.com",
	  .aligned = "ny" },
	{ .name = "softfail does not pass",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "softfail example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .aligned = "n" },
	{ .name = "the second of three signatures suffices",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .dkim = "pass example.net pass example.com fail example.org",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF none, DKIM pass for example.com (of 3); p=reject at example.com",
	  .aligned = "nnyn" },
	/* discovery, 4.10 */
	{ .name = "no record anywhere is none",
	  .zone = "example.com A 192.0.2.1\n",
	  .from = "example.com",
	  .spf = "pass example.com",
	  .result = RESULT_NONE,
	  .reason = REASON_DMARC_NO_RECORD,
	  .detail = "nothing at _dmarc.example.com or above",
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "y" },
	{ .name = "a From of one label is asked once",
	  .zone = "",
	  .from = "localhost",
	  .result = RESULT_NONE,
	  .reason = REASON_DMARC_NO_RECORD,
	  .asked = "_dmarc.localhost" },
	{ .name = "the own record gives p, the parent the organization",
	  .zone = "_dmarc.a.example.com TXT \"v=DMARC1; p=none; sp=reject\"\n" REJECT_AT("example.com"),
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE,
	  .at = "a.example.com",
	  .org = "example.com",
	  .asked = "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "a record between is not used",
	  .zone = "_dmarc.b.example.com TXT \"v=DMARC1; p=none\"\n" REJECT_AT("example.com") "a.b.example.com A 192.0.2.1\n",
	  .from = "a.b.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .at = "example.com",
	  .org = "example.com" },
	{ .name = "psd=n ends the walk and is the organization",
	  .zone = "_dmarc.b.example.com TXT \"v=DMARC1; p=quarantine; psd=n\"\n" REJECT_AT("example.com"),
	  .from = "a.b.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_QUARANTINE,
	  .at = "b.example.com",
	  .org = "b.example.com",
	  .other = "example.com",
	  .asked = "_dmarc.a.b.example.com _dmarc.b.example.com" },
	{ .name = "psd=n cuts alignment with the parent",
	  .zone = "_dmarc.b.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n" REJECT_AT("example.com"),
	  .from = "b.example.com",
	  .dkim = "pass example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "b.example.com",
	  .aligned = "nn" },
	{ .name = "the identifier's own psd=n cuts it off too",
	  .zone = "_dmarc.b.example.com TXT \"v=DMARC1; p=reject; psd=n\"\n" REJECT_AT("example.com"),
	  .from = "example.com",
	  .dkim = "pass b.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "example.com",
	  .asked = "_dmarc.example.com _dmarc.com _dmarc.b.example.com",
	  .aligned = "nn" },
	{ .name = "psd=y makes the name below the organization",
	  .zone = "_dmarc.bank.example TXT \"v=DMARC1; p=reject; psd=y\"\n_dmarc.giant.bank.example TXT \"v=DMARC1; p=quarantine\"\n",
	  .from = "giant.bank.example",
	  .spf = "pass mega.bank.example",
	  .dkim = "pass mail.giant.bank.example",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_QUARANTINE,
	  .at = "giant.bank.example",
	  .org = "giant.bank.example",
	  .aligned = "ny",
	  .asked = "_dmarc.giant.bank.example _dmarc.bank.example _dmarc.mail.giant.bank.example" },
	{ .name = "psd=y gives its policy to names without a record",
	  .zone = "_dmarc.bank.example TXT \"v=DMARC1; p=reject; sp=quarantine; psd=y\"\nx.bank.example A 192.0.2.1\n",
	  .from = "x.bank.example",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_QUARANTINE,
	  .at = "bank.example",
	  .org = "x.bank.example",
	  .detail = "SPF none, DKIM none; sp=quarantine at bank.example" },
	{ .name = "a record between is not used below psd=y either",
	  .zone = "_dmarc.bank.example TXT \"v=DMARC1; p=reject; psd=y\"\n_dmarc.b.c.bank.example TXT \"v=DMARC1; "
		  "p=none\"\na.b.c.bank.example A 192.0.2.1\n",
	  .from = "a.b.c.bank.example",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .at = "bank.example",
	  .org = "c.bank.example" },
	{ .name = "a public suffix itself is its own organization",
	  .zone = "_dmarc.bank.example TXT \"v=DMARC1; p=reject; psd=y\"\n",
	  .from = "bank.example",
	  .spf = "pass x.bank.example",
	  .dkim = "pass bank.example",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "bank.example",
	  .aligned = "ny" },
	{ .name = "a name of eight labels is asked eight times",
	  .zone = REJECT_AT("example.com"),
	  .from = "a.b.c.d.e.f.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.a.b.c.d.e.f.example.com _dmarc.b.c.d.e.f.example.com _dmarc.c.d.e.f.example.com _dmarc.d.e.f.example.com "
		   "_dmarc.e.f.example.com _dmarc.f.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "a name of nine labels too, the second of eight is left out",
	  .zone = REJECT_AT("example.com"),
	  .from = "a.b.c.d.e.f.g.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.a.b.c.d.e.f.g.example.com _dmarc.c.d.e.f.g.example.com _dmarc.d.e.f.g.example.com _dmarc.e.f.g.example.com "
		   "_dmarc.f.g.example.com _dmarc.g.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "a longer name goes on with seven",
	  .zone = REJECT_AT("example.com"),
	  .from = "a.b.c.d.e.f.g.h.i.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.a.b.c.d.e.f.g.h.i.example.com _dmarc.e.f.g.h.i.example.com _dmarc.f.g.h.i.example.com _dmarc.g.h.i.example.com "
		   "_dmarc.h.i.example.com _dmarc.i.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "several records at a name count as none, and the walk goes on",
	  .zone = REJECT_AT("a.example.com") REJECT_AT("a.example.com") "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\n",
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_QUARANTINE,
	  .at = "example.com" },
	{ .name = "several records and no other are none",
	  .zone = REJECT_AT("example.com") "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
	  .from = "example.com",
	  .result = RESULT_NONE,
	  .reason = REASON_DMARC_NO_RECORD,
	  .detail = "2 records at _dmarc.example.com, which count as none" },
	{ .name = "other TXT records do not count",
	  .zone = REJECT_AT("example.com") "_dmarc.example.com TXT \"v=spf1 -all\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	/* which policy, 4.7 and 4.10.1 */
	{ .name = "a subdomain takes sp",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=none\"\na.example.com A 192.0.2.1\n",
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE,
	  .detail = "SPF none, DKIM none; sp=none at example.com",
	  .asked = "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "the domain itself does not",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=none; np=none\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	{ .name = "a subdomain that does not exist takes np",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n",
	  .from = "ghost.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF none, DKIM none; np=reject at example.com",
	  .asked = "_dmarc.ghost.example.com _dmarc.example.com _dmarc.com A:ghost.example.com" },
	{ .name = "one that exists does not, whatever its types",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\na.example.com MX 10 mx.example.com\n",
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE,
	  .asked = "_dmarc.a.example.com _dmarc.example.com _dmarc.com A:a.example.com" },
	{ .name = "an empty non-terminal exists",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\nx.a.example.com A 192.0.2.1\n",
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "a name whose _dmarc exists is not asked for again",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n_dmarc.a.example.com TXT \"other\"\n",
	  .from = "a.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE,
	  .asked = "_dmarc.a.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "np that says what sp says asks nothing",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject; np=reject\"\n",
	  .from = "ghost.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .asked = "_dmarc.ghost.example.com _dmarc.example.com _dmarc.com" },
	{ .name = "existence not found out is temperror",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\na.example.com A !servfail\n",
	  .from = "a.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_SERVFAIL,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE,
	  .detail = "servfail at a.example.com" },
	{ .name = "existence does not matter to what passes",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\na.example.com A !servfail\n",
	  .from = "a.example.com",
	  .spf = "pass a.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "t=y applies reject as quarantine",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=y\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_QUARANTINE,
	  .detail = "SPF none, DKIM none; p=reject at example.com, t=y" },
	{ .name = "t=y applies quarantine as none",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; t=y\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_NONE },
	{ .name = "t=y leaves none",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none; t=y\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "pct is ignored",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=0\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	{ .name = "no p but rua is p=none",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; rua=mailto:d@example.com\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "a bad sp with rua is p=none",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=foo; rua=mailto:d@example.com\"\n",
	  .from = "example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "no p and no rua is permerror",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; adkim=s\"\n",
	  .from = "example.com",
	  .spf = "pass example.com",
	  .result = RESULT_PERMERROR,
	  .reason = REASON_DMARC_RECORD_INVALID,
	  .detail = "at _dmarc.example.com",
	  .aligned = "y" },
	{ .name = "a rua that is no URI does not help",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=block; rua=d@example.com\"\n",
	  .from = "example.com",
	  .result = RESULT_PERMERROR,
	  .reason = REASON_DMARC_RECORD_INVALID },
	{ .name = "without a From domain there is nothing to judge",
	  .zone = "",
	  .from = "",
	  .result = RESULT_PERMERROR,
	  .reason = REASON_DMARC_NO_FROM_DOMAIN,
	  .asked = "" },
	/* trouble, 5.3.6 */
	{ .name = "a time-out at From is temperror",
	  .zone = "_dmarc.example.com TXT !timeout\n",
	  .from = "example.com",
	  .spf = "pass bounce.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_TIMEOUT,
	  .detail = "timeout at _dmarc.example.com",
	  .asked = "_dmarc.example.com",
	  .aligned = "n" },
	{ .name = "the same with the From domain itself authenticated says so",
	  .zone = "_dmarc.example.com TXT !servfail\n",
	  .from = "example.com",
	  .spf = "pass example.com",
	  .dkim = "pass example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_SERVFAIL,
	  .aligned = "yy" },
	{ .name = "a bogus answer is temperror of its own",
	  .zone = "_dmarc.example.com TXT !bogus\n",
	  .from = "example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_BOGUS },
	{ .name = "trouble at a parent without an own record",
	  .zone = "_dmarc.example.com TXT !timeout\na.example.com A 192.0.2.1\n",
	  .from = "a.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_TIMEOUT,
	  .org = "" },
	{ .name = "trouble at a parent is no matter to the same domain",
	  .zone = REJECT_AT("a.example.com") "_dmarc.example.com TXT !timeout\n",
	  .from = "a.example.com",
	  .spf = "pass a.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "" },
	{ .name = "trouble at a parent is no matter when nothing passed",
	  .zone = REJECT_AT("a.example.com") "_dmarc.example.com TXT !timeout\n",
	  .from = "a.example.com",
	  .spf = "fail b.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	{ .name = "trouble at a parent matters to a sibling that passed",
	  .zone = REJECT_AT("a.example.com") "_dmarc.example.com TXT !timeout\n",
	  .from = "a.example.com",
	  .spf = "pass b.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_TIMEOUT,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "timeout at _dmarc.example.com" },
	{ .name = "trouble in the walk of what passed",
	  .zone = REJECT_AT("example.com") "_dmarc.b.example.com TXT !servfail\n",
	  .from = "example.com",
	  .dkim = "pass b.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_DNS_SERVFAIL,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "servfail at _dmarc.b.example.com",
	  .aligned = "nn" },
	{ .name = "trouble in the walk of what failed",
	  .zone = REJECT_AT("example.com") "_dmarc.b.example.com TXT !servfail\n",
	  .from = "example.com",
	  .dkim = "fail b.example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	{ .name = "SPF not found out is undecided under reject",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "temperror example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_UNDECIDED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .detail = "SPF temperror for example.com, DKIM none; p=reject at example.com" },
	{ .name = "a key not found out is undecided under quarantine",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\n",
	  .from = "example.com",
	  .dkim = "temperror a.example.com",
	  .result = RESULT_TEMPERROR,
	  .reason = REASON_DMARC_UNDECIDED,
	  .policy = POLICY_QUARANTINE,
	  .applied = POLICY_QUARANTINE },
	{ .name = "under none it fails",
	  .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
	  .from = "example.com",
	  .spf = "temperror example.com",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_NONE,
	  .applied = POLICY_NONE },
	{ .name = "one that could not be aligned anyway decides nothing",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "temperror example.net",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	{ .name = "a pass outweighs what was not found out",
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .spf = "temperror example.com",
	  .dkim = "pass example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT },
	/* the two discoveries */
	{ .name = "the tree walk crosses a private suffix, and says what the list says",
	  .zone = "_dmarc.hosting.example TXT \"v=DMARC1; p=none\"\n" REJECT_AT("a.hosting.example"),
	  .from = "a.hosting.example",
	  .dkim = "pass b.hosting.example",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "hosting.example",
	  .other = "a.hosting.example",
	  .aligned = "ny" },
	{ .name = "the list does not, and says what the tree walk says",
	  .discovery = DISCOVERY_PSL,
	  .zone = "_dmarc.hosting.example TXT \"v=DMARC1; p=none\"\n" REJECT_AT("a.hosting.example"),
	  .from = "a.hosting.example",
	  .dkim = "pass b.hosting.example",
	  .result = RESULT_FAIL,
	  .reason = REASON_DMARC_NOT_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "a.hosting.example",
	  .other = "hosting.example",
	  .aligned = "nn" },
	{ .name = "by the list a subdomain is aligned without a walk of its own",
	  .discovery = DISCOVERY_PSL,
	  .zone = REJECT_AT("example.com"),
	  .from = "example.com",
	  .dkim = "pass b.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .other = "",
	  .asked = "_dmarc.example.com _dmarc.com",
	  .aligned = "ny" },
	{ .name = "by the list a public suffix asks for itself only",
	  .discovery = DISCOVERY_PSL,
	  .zone = REJECT_AT("uk"),
	  .from = "co.uk",
	  .result = RESULT_NONE,
	  .reason = REASON_DMARC_NO_RECORD,
	  .org = "co.uk",
	  .other = "uk" },
	{ .name = "by the list trouble above the organization is no matter",
	  .discovery = DISCOVERY_PSL,
	  .zone = REJECT_AT("example.com") "_dmarc.com TXT !timeout\n",
	  .from = "a.example.com",
	  .spf = "pass b.example.com",
	  .result = RESULT_PASS,
	  .reason = REASON_DMARC_ALIGNED,
	  .policy = POLICY_REJECT,
	  .applied = POLICY_REJECT,
	  .org = "example.com",
	  .other = "" },
};

/* Pairs "result domain" separated by blanks. */
static size_t
read_identities(const char *text, struct dmarc_identity *out, size_t room)
{
	struct bytes rest = bytes_of(text), word;
	size_t       n = 0;

	while (n < room && bytes_cut(&rest, ' ', &word)) {
		assert_true(result_of(word, &out[n].result));
		assert_true(bytes_cut(&rest, ' ', &out[n].domain));
		n++;
	}
	return n;
}

static struct bytes
asked_too(struct arena *a, struct bytes asked, const struct ask *ask)
{
	const char *type = ask->type == DNS_TXT ? "" : "A:";

	assert_true(ask->type == DNS_TXT || ask->type == DNS_A);
	return arena_printf(a, "%.*s%s%s%.*s", B_FMT(asked), asked.len > 0 ? " " : "", type, B_FMT(ask->name));
}

static void
check_text(struct bytes have, const char *want)
{
	if (want != NULL)
		assert_bytes(have, bytes_of(want));
}

static void
check_aligned(const struct dmarc_report *r, const struct dmarc_query *q, const char *want)
{
	if (want == NULL)
		return;
	assert_int_equal(strlen(want), q->dkim_count + 1);
	assert_int_equal(r->spf_aligned, want[0] == 'y');
	for (size_t i = 0; i < q->dkim_count; i++)
		assert_int_equal(r->dkim_aligned[i], want[i + 1] == 'y');
}

/* What was asked of the From walk is the beginning of all that was asked. */
static void
check_queries(struct arena *a, const struct dmarc_report *r, struct bytes asked)
{
	struct bytes queries = B("");

	assert_true(r->query_count <= 9);
	for (size_t i = 0; i < r->query_count; i++)
		queries = arena_printf(a, "%.*s%s%.*s", B_FMT(queries), i > 0 ? " " : "", B_FMT(r->queries[i]));
	assert_true(bytes_starts(asked, queries));
}

static struct finding
run(struct arena *a, const struct zone *zone, struct dmarc *d, struct bytes *asked)
{
	struct ask     ask;
	struct finding f;
	struct answer *answer = NULL;

	*asked = B("");
	while (dmarc_step(d, answer, &ask, &f) == STEP_ASKS) {
		*asked = asked_too(a, *asked, &ask);
		answer_unref(answer);
		answer = zone_answer(zone, &ask);
	}
	answer_unref(answer);
	return f;
}

static void
check(void **state)
{
	const struct row     *row = *state;
	struct arena         *a = arena_new(1000000);
	struct suffix        *suffix = suffix_new(B(list));
	struct dmarc_identity dkim[8], spf = { B(""), RESULT_NONE };
	struct zone          *zone;
	struct bytes          why, asked;

	assert_int_equal(zone_parse(a, bytes_of(row->zone), &zone, &why), RC_OK);
	read_identities(row->spf, &spf, 1);
	struct dmarc_query q = { bytes_of(row->from), spf, dkim, read_identities(row->dkim, dkim, 8), row->discovery, suffix };
	struct dmarc      *d = dmarc_new(a, &q);
	assert_non_null(d);
	struct finding f = run(a, zone, d, &asked);

	const struct dmarc_report *r = dmarc_report(d);
	assert_string_equal(reason_word(f.reason), reason_word(row->reason));
	assert_int_equal(f.result, row->result);
	assert_int_equal(f.method, METHOD_DMARC);
	assert_bytes(f.domain, bytes_of(row->from));
	assert_int_equal(r->policy, row->policy);
	assert_int_equal(r->applied, row->applied);
	assert_int_equal(r->discovery, row->discovery);
	check_text(r->policy_domain, row->at);
	check_text(r->org_domain, row->org);
	check_text(r->org_domain_other, row->other);
	check_text(f.detail, row->detail);
	check_text(asked, row->asked);
	check_aligned(r, &q, row->aligned);
	check_queries(a, r, asked);
	assert_int_equal(f.result == RESULT_PASS, r->policy != POLICY_ABSENT && (r->spf_aligned || r->dkim_passed));
	suffix_free(suffix);
	arena_free(a);
}

/* One record alone. */
static const struct record_row {
	const char *name, *text;
	bool        is_record;
	const char *want; /* p sp np psd flags rua ruf fo fault */
} record_rows[] = {
	{ "the least record", "v=DMARC1; p=none", true, "p=none psd=0" },
	{ "white space may stand around signs", "v = DMARC1 ;\tp = reject ; rua = mailto:a@example.com , mailto:b@example.com ", true,
	  "p=reject psd=0 rua=mailto:a@example.com rua=mailto:b@example.com" },
	{ "every tag",
	  "v=DMARC1; p=reject; sp=quarantine; np=none; psd=y; t=y; adkim=s; aspf=s; rua=mailto:a@example.com; ruf=mailto:b@example.com; "
	  "fo=1:d:s",
	  true, "p=reject sp=quarantine np=none psd=2 t adkim aspf rua=mailto:a@example.com ruf=mailto:b@example.com fo=1:d:s" },
	{ "values know no case, tag names neither", "V=DMARC1; P=Reject; ADKIM=S; PSD=N", true, "p=reject psd=1 adkim" },
	{ "the version does", "v=dmarc1; p=reject", false, "" },
	{ "the version is whole", "v=DMARC1x; p=reject", false, "" },
	{ "the version stands first", "p=reject; v=DMARC1", false, "" },
	{ "nothing stands before it", " v=DMARC1; p=reject", false, "" },
	{ "an empty text", "", false, "" },
	{ "the version alone", "v=DMARC1", true, "p=- bad psd=0" },
	{ "p anywhere", "v=DMARC1; aspf=s; p=quarantine", true, "p=quarantine psd=0 aspf" },
	{ "semicolons at the end and in a row", "v=DMARC1;; p=none;;", true, "p=none psd=0" },
	{ "unknown and removed tags are passed over", "v=DMARC1; p=none; pct=50; rf=afrf; ri=86400; x-y=z; foo=bar", true, "p=none psd=0" },
	{ "a p that is no word of ours is bad", "v=DMARC1; p=block", true, "p=- bad psd=0 fault=p=block" },
	{ "a bad sp is bad", "v=DMARC1; p=reject; sp=x", true, "p=reject bad psd=0 fault=sp=x" },
	{ "a bad np is bad", "v=DMARC1; p=reject; np=", true, "p=reject bad psd=0 fault=np=" },
	{ "a bad flag has its default", "v=DMARC1; p=reject; adkim=strict; t=yes; psd=maybe", true, "p=reject psd=0 fault=t=yes" },
	{ "an item without = is a fault", "v=DMARC1; p=reject; rua", true, "p=reject psd=0 fault=rua" },
	{ "p twice is no p", "v=DMARC1; p=none; p=reject", true, "p=- bad psd=0 fault=p=reject" },
	{ "a size is cut off", "v=DMARC1; p=none; rua=mailto:a@example.com!10m,mailto:b@example.com!5", true,
	  "p=none psd=0 rua=mailto:a@example.com rua=mailto:b@example.com" },
	{ "a ! that is no size is no URI", "v=DMARC1; p=none; rua=mailto:a@example.com!x", true,
	  "p=none psd=0 fault=rua=mailto:a@example.com!x" },
	{ "the good URIs of a list are kept", "v=DMARC1; p=none; rua=a@example.com,mailto:b@example.com", true,
	  "p=none psd=0 rua=mailto:b@example.com fault=rua=a@example.com,mailto:b@example.com" },
	{ "mailto wants an address", "v=DMARC1; p=none; rua=mailto:example.com", true, "p=none psd=0 fault=rua=mailto:example.com" },
	{ "another scheme is a URI", "v=DMARC1; p=none; rua=https://example.com/d", true, "p=none psd=0 rua=https://example.com/d" },
	{ "fo cannot be 0 and 1", "v=DMARC1; p=none; fo=0:1", true, "p=none psd=0 fault=fo=0:1" },
	{ "fo has nothing twice", "v=DMARC1; p=none; fo=d:d", true, "p=none psd=0 fault=fo=d:d" },
	{ "fo of one", "v=DMARC1; p=none; fo=s", true, "p=none psd=0 fo=s" },
};

static struct bytes
add_word(struct arena *a, struct bytes have, const char *key, struct bytes value)
{
	if (value.len == 0)
		return have;
	return arena_printf(a, "%.*s%s%s%.*s", B_FMT(have), have.len > 0 ? " " : "", key, B_FMT(value));
}

static struct bytes
shown(struct arena *a, const struct dmarc_record *r)
{
	struct bytes s = add_word(a, B(""), "p=", r->p != POLICY_ABSENT ? bytes_of(policy_word(r->p)) : B("-"));

	s = add_word(a, s, "", r->bad_policy ? B("bad") : B(""));
	s = add_word(a, s, "sp=", bytes_of(policy_word(r->sp)));
	s = add_word(a, s, "np=", bytes_of(policy_word(r->np)));
	s = arena_printf(a, "%.*s psd=%d", B_FMT(s), (int)r->psd);
	s = add_word(a, s, "", r->testing ? B("t") : B(""));
	s = add_word(a, s, "", r->strict_dkim ? B("adkim") : B(""));
	s = add_word(a, s, "", r->strict_spf ? B("aspf") : B(""));
	for (size_t i = 0; i < r->rua_count; i++)
		s = add_word(a, s, "rua=", r->rua[i]);
	for (size_t i = 0; i < r->ruf_count; i++)
		s = add_word(a, s, "ruf=", r->ruf[i]);
	s = add_word(a, s, "fo=", r->fo);
	return add_word(a, s, "fault=", r->fault);
}

static void
check_record(void **state)
{
	const struct record_row *row = *state;
	struct arena            *a = arena_new(100000);
	struct dmarc_record      r;

	assert_int_equal(dmarc_record_parse(bytes_of(row->text), &r), row->is_record);
	if (row->is_record) {
		assert_bytes(shown(a, &r), bytes_of(row->want));
		assert_bytes(r.text, bytes_of(row->text));
	}
	arena_free(a);
}

static void
the_record_is_parsed_once_an_answer(void **state)
{
	struct arena *a = arena_new(100000);
	struct ask    ask = { DNS_TXT, B("_dmarc.example.com") };
	struct zone  *zone;
	struct bytes  why;

	(void)state;
	assert_int_equal(zone_parse(a, B(REJECT_AT("example.com")), &zone, &why), RC_OK);
	struct answer            *answer = zone_answer(zone, &ask);
	const struct dmarc_found *first = dmarc_record_find(a, answer);
	assert_non_null(first);
	assert_int_equal(first->count, 1);
	assert_int_equal(first->record.p, POLICY_REJECT);
	assert_ptr_equal(dmarc_record_find(a, answer), first);
	answer_unref(answer);
	arena_free(a);
}

static void
a_resolver_that_gives_up_is_a_time_out(void **state)
{
	struct arena      *a = arena_new(100000);
	struct dmarc_query q = { .from_domain = B("example.com") };
	struct dmarc      *d = dmarc_new(a, &q);
	struct ask         ask;
	struct finding     f;

	(void)state;
	assert_int_equal(dmarc_step(d, NULL, &ask, &f), STEP_ASKS);
	assert_int_equal(dmarc_step(d, NULL, &ask, &f), STEP_DONE);
	assert_int_equal(f.result, RESULT_TEMPERROR);
	assert_int_equal(f.reason, REASON_DMARC_DNS_TIMEOUT);
	arena_free(a);
}

/* With any limit the end is a verdict or a lack of memory, never a wrong one. */
static void
spent_memory_is_temperror(void **state)
{
	unsigned spent = 0, enough = 0;

	(void)state;
	for (size_t limit = 1000; limit < 9000; limit += 16) {
		struct arena         *zone_arena = arena_new(100000), *a = arena_new(limit);
		struct dmarc_identity dkim = { B("b.example.com"), RESULT_PASS };
		struct dmarc_query    q = { .from_domain = B("a.example.com"), .dkim = &dkim, .dkim_count = 1 };
		struct zone          *zone;
		struct bytes          why, asked;

		assert_int_equal(zone_parse(zone_arena, B(REJECT_AT("example.com")), &zone, &why), RC_OK);
		struct dmarc *d = dmarc_new(a, &q);
		if (d != NULL) {
			struct finding f = run(zone_arena, zone, d, &asked);
			assert_int_equal(f.result, arena_overdrawn(a) ? RESULT_TEMPERROR : RESULT_PASS);
			assert_int_equal(f.reason, arena_overdrawn(a) ? REASON_LIMIT_MEMORY : REASON_DMARC_ALIGNED);
			spent += arena_overdrawn(a);
			enough += !arena_overdrawn(a);
		}
		arena_free(a);
		arena_free(zone_arena);
	}
	assert_true(spent > 10 && enough > 10);
}

static void
questions_are_bounded(void **state)
{
	struct arena         *a = arena_new(1000000);
	struct dmarc_identity dkim[100];
	struct zone          *zone;
	struct bytes          why, asked, word;
	size_t                n = 0;

	(void)state;
	for (unsigned i = 0; i < NELEMS(dkim); i++)
		dkim[i] = (struct dmarc_identity){ arena_printf(a, "a.b.c.d.e.f.s%u.example.com", i), RESULT_PASS };
	struct dmarc_query q = { .from_domain = B("example.com"), .dkim = dkim, .dkim_count = NELEMS(dkim) };
	assert_int_equal(zone_parse(a, B(REJECT_AT("example.com")), &zone, &why), RC_OK);
	struct dmarc *d = dmarc_new(a, &q);
	assert_int_equal(run(a, zone, d, &asked).result, RESULT_PASS);
	while (bytes_cut(&asked, ' ', &word))
		n++;
	assert_true(n <= 64);
	arena_free(a);
}

int
main(void)
{
	ROWS_ADD(rows, check);
	ROWS_ADD(record_rows, check_record);
	rows_add("the record is parsed once an answer", the_record_is_parsed_once_an_answer, NULL);
	rows_add("a resolver that gives up is a time-out", a_resolver_that_gives_up_is_a_time_out, NULL);
	rows_add("spent memory is temperror", spent_memory_is_temperror, NULL);
	rows_add("questions are bounded", questions_are_bounded, NULL);
	return rows_run("dmarc");
}
