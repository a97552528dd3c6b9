/* net/packet_test.c: responses octet by octet, whole ones and hostile ones. */
#include "base/rows.h"

#include <string.h>

#include "net/packet.h"

/* Response, no error; counts of question, answer, authority. */
#define HEAD(q, an, ns) "\x12\x34\x81\x80\0" q "\0" an "\0" ns "\0\0"
#define HEAD_NX(an, ns) "\x12\x34\x81\x83\0\1\0" an "\0" ns "\0\0"
#define QUESTION(type)  "\3www\7example\3com\0\0" type "\0\1" /* www is at 12, example at 16 */
#define TTL             "\0\0\1\x2c" /* 300 */
#define OWN             "\xc0\x0c"
#define SOA_RDATA       "\0\0" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4" "\0\0\0\x3c" /* minimum 60 */

static const struct row {
	const char        *name;
	enum dns_type      type;
	struct bytes       packet;
	enum rc            rc;
	enum answer_status status;
	size_t             count;
	uint32_t           ttl;
	struct bytes       rdata; /* the first */
	const char        *canon;
} rows[] = {
	{ "an address is read", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_OK, ANSWER_OK, 1, 300, B_INIT("\xc0\0\2\1"), "" },
	{ "the lowest ttl of a set counts", DNS_A,
	  B_INIT(HEAD("\1", "\2", "\0") QUESTION("\1") OWN "\0\1\0\1" TTL "\0\4\xc0\0\2\1" OWN "\0\1\0\1\0\0\0\7\0\4\xc0\0\2\2"), RC_OK, ANSWER_OK, 2, 7, B_INIT("\xc0\0\2\1"), "" },
	{ "a ttl with the highest bit set is nought", DNS_A,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\1\0\1\x80\0\0\1\0\4\xc0\0\2\1"), RC_OK, ANSWER_OK, 1, 0, B_INIT("\xc0\0\2\1"), "" },
	{ "the name of an owner may be in upper case", DNS_A,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\3WWW\7EXAMPLE\3COM\0\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_OK, ANSWER_OK, 1, 300, B_INIT("\xc0\0\2\1"), "" },
	{ "records of another name are left", DNS_A,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\xc0\x10\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_OK, ANSWER_EMPTY, 0, UINT32_MAX, B_INIT(""), "" },
	{ "records of another class are left", DNS_A,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\1\0\3" TTL "\0\4\xc0\0\2\1"), RC_OK, ANSWER_EMPTY, 0, UINT32_MAX, B_INIT(""), "" },
	{ "the name in an MX record is uncompressed", DNS_MX,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\x0f") OWN "\0\x0f\0\1" TTL "\0\7\0\x0a\2mx\xc0\x10"), RC_OK, ANSWER_OK, 1, 300,
	  B_INIT("\0\x0a\2mx\7example\3com\0"), "" },
	{ "a CNAME is followed", DNS_A,
	  B_INIT(HEAD("\1", "\2", "\0") QUESTION("\1") OWN "\0\5\0\1\0\0\0\x09\0\4\1z\xc0\x10" "\1z\xc0\x10\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_OK, ANSWER_OK, 1, 9,
	  B_INIT("\xc0\0\2\1"), "z.example.com" },
	{ "a CNAME behind its target is followed", DNS_A,
	  B_INIT(HEAD("\1", "\2", "\0") QUESTION("\1") "\1z\xc0\x10\0\1\0\1" TTL "\0\4\xc0\0\2\1" OWN "\0\5\0\1" TTL "\0\4\1z\xc0\x10"), RC_OK, ANSWER_OK, 1, 300,
	  B_INIT("\xc0\0\2\1"), "z.example.com" },
	{ "a CNAME to itself is SERVFAIL", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\5\0\1" TTL "\0\2" OWN), RC_OK, ANSWER_SERVFAIL, 0, 300, B_INIT(""),
	  "www.example.com" },
	{ "NXDOMAIN takes its ttl from the SOA's last field", DNS_A,
	  B_INIT(HEAD_NX("\0", "\1") QUESTION("\1") "\xc0\x10\0\6\0\1" TTL "\0\x16" SOA_RDATA), RC_OK, ANSWER_NXDOMAIN, 0, 60, B_INIT(""), "" },
	{ "or from its ttl if that is lower", DNS_A,
	  B_INIT(HEAD_NX("\0", "\1") QUESTION("\1") "\xc0\x10\0\6\0\1\0\0\0\5\0\x16" SOA_RDATA), RC_OK, ANSWER_NXDOMAIN, 0, 5, B_INIT(""), "" },
	{ "no data without a SOA has no ttl", DNS_A, B_INIT(HEAD("\1", "\0", "\0") QUESTION("\1")), RC_OK, ANSWER_EMPTY, 0, UINT32_MAX, B_INIT(""), "" },
	{ "a CNAME to nowhere is NXDOMAIN of the target", DNS_A,
	  B_INIT(HEAD_NX("\1", "\0") QUESTION("\1") OWN "\0\5\0\1" TTL "\0\4\1z\xc0\x10"), RC_OK, ANSWER_NXDOMAIN, 0, 300, B_INIT(""), "z.example.com" },
	{ "any other code is SERVFAIL", DNS_A, B_INIT("\x12\x34\x81\x85\0\1\0\0\0\0\0\0" QUESTION("\1")), RC_OK, ANSWER_SERVFAIL, 0, 0, B_INIT(""), "" },
	{ "a query is no response", DNS_A, B_INIT("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION("\1")), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a header cut short is refused", DNS_A, B_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "nothing is refused", DNS_A, B_INIT(""), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a record cut short is refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\1\0\1" TTL "\0\4\xc0\0\2"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "more records than can be there are refused", DNS_A, B_INIT("\x12\x34\x81\x80\0\1\xff\xff\0\0\0\0" QUESTION("\1")), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a pointer to itself is refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\xc0\x21\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a pointer forwards is refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\xc0\x23\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "labels and a pointer in a ring are refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\1a\xc0\x21\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a reserved kind of label is refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") "\x41xx\0\1\0\1" TTL "\0\4\xc0\0\2\1"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a name that runs out of its rdata is refused", DNS_MX,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\x0f") OWN "\0\x0f\0\1" TTL "\0\4\0\x0a\2mx\xc0\x10"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "octets behind the name of a PTR are refused", DNS_PTR,
	  B_INIT(HEAD("\1", "\1", "\0") QUESTION("\x0c") OWN "\0\x0c\0\1" TTL "\0\3" OWN "x"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
	{ "a CNAME that cannot be read is refused", DNS_A, B_INIT(HEAD("\1", "\1", "\0") QUESTION("\1") OWN "\0\5\0\1" TTL "\0\2\xff\xff"), RC_SYNTAX, 0, 0, 0, B_INIT(""), "" },
};

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct ask        ask = { row->type, B("www.example.com") };
	struct answer    *a = NULL;

	assert_int_equal(packet_answer(row->packet, &ask, &a), row->rc);
	if (row->rc != RC_OK) {
		assert_null(a);
		return;
	}
	assert_non_null(a);
	assert_string_equal(answer_status_word(a->status), answer_status_word(row->status));
	assert_int_equal(a->count, row->count);
	assert_int_equal(a->ttl, row->ttl);
	assert_bytes(a->canon, bytes_of(row->canon));
	if (row->count > 0)
		assert_bytes(a->rdata[0], row->rdata);
	answer_unref(a);
}

/* Of every row: no shorter packet may crash or be read beyond its end. */
static void
every_row_cut_short_anywhere_is_survived(void **state)
{
	struct ask ask = { DNS_A, B("www.example.com") };

	(void)state;
	for (size_t i = 0; i < NELEMS(rows); i++)
		for (size_t len = 0; len < rows[i].packet.len; len++) {
			struct answer *a = NULL;
			char          *cut = malloc(len + 1); /* so that ASan sees the end */
			assert_non_null(cut);
			memcpy(cut, rows[i].packet.at, len);
			cut = realloc(cut, len > 0 ? len : 1);
			enum rc rc = packet_answer(bytes_make(cut, len), &ask, &a);
			assert_true(rc == RC_OK ? a != NULL : a == NULL);
			answer_unref(a);
			free(cut);
		}
}

int
main(void)
{
	ROWS_ADD(rows, check_row);
	rows_add("every row cut short anywhere is survived", every_row_cut_short_anywhere_is_survived, NULL);
	return rows_run("packet");
}
