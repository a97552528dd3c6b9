/* desk/story_test.c: what is kept tells the same story, and is judged the same. */
#include "base/rows.h"

#include <string.h>

#include "desk/story.h"
#include "policy/judge.h"
#include "session/account_json.h"
#include "session/record.h"
#include "session/stage.h"

static struct zone *zone;
static struct arena *zone_arena;

#define SIGNED(selector) \
	"DKIM-Signature: v=1; a=rsa-sha256; d=reject.example; s=" selector "; h=from;\r\n" \
	" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"

static const struct row {
	const char *name, *ip, *mail_from, *message, *settings;
	const char *other; /* settings to judge under again */
	enum action action; /* under these */
	const char *reason;
} rows[] = {
	{ "an accepted message stays accepted", "192.0.2.1", "a@reject.example", "From: A <a@reject.example>\r\n", "", "", ACTION_ACCEPT, "accept.aligned" },
	{ "a refusal stays one", "203.0.113.5", "a@reject.example", "From: a@reject.example\r\nSubject: Hi\r\nMessage-ID: <1@x>\r\n", "", "", ACTION_REJECT, "dmarc.reject" },
	{ "a trusted forwarder would change it", "203.0.113.5", "a@reject.example", "From: a@reject.example\r\n", "",
	  "dmarc { trusted_forwarders = 203.0.113.0/24 }\n", ACTION_ACCEPT, "accept.trusted-forwarder" },
	{ "a list is known again", "198.51.100.7", "bounce@list.example", "List-Id: Talk <talk.list.example>\r\nFrom: a@reject.example\r\n",
	  "dmarc { list_exception = no }\n", "", ACTION_QUARANTINE, "dmarc.mailing-list" },
	{ "strict would refuse it", "198.51.100.7", "bounce@list.example", "List-Id: Talk <talk.list.example>\r\nFrom: a@reject.example\r\n", "",
	  "dmarc { on_reject = strict }\n", ACTION_REJECT, "dmarc.reject" },
	{ "a domain rule would refuse it", "192.0.2.1", "a@none.example", "From: a@none.example\r\n", "", "domain none.example { action = refuse }\n",
	  ACTION_REJECT, "domain.rule" },
	{ "trouble with a key is remembered", "203.0.113.5", "a@reject.example", SIGNED("t") "From: a@reject.example\r\n", "", "", ACTION_DEFER, "dmarc.temperror" },
	{ "and may be let pass", "203.0.113.5", "a@reject.example", SIGNED("t") "From: a@reject.example\r\n", "", "dmarc { on_temperror = accept }\n",
	  ACTION_ACCEPT, "accept.temperror" },
	{ "two From fields stay two", "203.0.113.5", "a@reject.example", "From: a@reject.example\r\nFrom: b@none.example\r\n", "", "", ACTION_REJECT, "from.several" },
	{ "hostile text is text", "203.0.113.5", "\"\\\"\x1b[31m=cmd|'\xff\"@reject.example",
	  "From: a@reject.example\r\nSubject: =1+1\x1b]0;x\x07\xe2\x80\xae <script>\r\n", "", "", ACTION_REJECT, "dmarc.reject" },
};

/* What the session says when it is told; the account is gone afterwards. */
static struct told {
	struct buf text;
	struct buf lean; /* as it is kept */
	struct buf kept; /* under other rules */
} told;

static void
on_told(void *door, const struct account *account)
{
	struct record_rules  all = { STORE_TEXT_KEEP, STORE_TEXT_KEEP };
	struct record_rules  hash = { STORE_TEXT_HASH, STORE_TEXT_DROP };
	struct store_account row;
	struct arena        *a = arena_new(RECORD_MEMORY);
	struct json          j = json_to(&told.text, false);

	(void)door;
	account_json(&j, account);
	assert_true(record_account(a, &all, account, 1800000000123456, &row));
	buf_add(&told.lean, row.story);
	assert_true(record_account(a, &hash, account, 1800000000123456, &row));
	buf_add(&told.kept, row.story);
	assert_bytes(row.id, bytes_of(account->id));
	assert_bytes(row.action, bytes_of(action_word(account->decision.action)));
	arena_free(a);
}

static void
play(const struct row *row)
{
	struct session_host host = stage_host;
	struct host         h = { .zone = zone };
	struct settings    *s = stage_settings(row->settings);
	struct session_env  env = { .settings = s, .hostname = B("mx.example.net") };
	struct session     *session;

	host.told = on_told;
	told.text.len = told.lean.len = told.kept.len = 0;
	session = session_new(&env, &stage_face, &host, &h);
	h.session = session;
	struct ip ip;
	assert_true(ip_parse(bytes_of(row->ip), &ip));
	session_on(session, &(struct event){ .kind = EV_CONNECT, .ip = ip, .host = B("pc.example.org"), .listener = B("smtp") });
	session_on(session, &(struct event){ .kind = EV_HELO, .text = B("mail.example.org") });
	session_on(session, &(struct event){ .kind = EV_TLS, .text = B("TLSv1.3"), .more = B("AES") });
	session_on(session, &(struct event){ .kind = EV_MAIL, .text = bytes_of(row->mail_from) });
	session_on(session, &(struct event){ .kind = EV_RCPT, .text = B("<r@example.net>") });
	session_on(session, &(struct event){ .kind = EV_DATA });
	stage_fields(session, row->message);
	session_on(session, &(struct event){ .kind = EV_EOH });
	session_on(session, &(struct event){ .kind = EV_BODY, .text = B("text\r\n") });
	session_on(session, &(struct event){ .kind = EV_EOM, .text = B("4abc") });
	stage_end(&h);
	settings_unref(s);
}

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new((size_t)8 << 20);
	struct bytes      why = B("");
	struct buf        again = { 0 };
	struct json       j = json_to(&again, false);

	play(row);
	struct account *account = story_read(a, buf_bytes(&told.text), &why);
	assert_bytes(why, B(""));
	assert_non_null(account);
	account_json(&j, account);
	assert_bytes(buf_bytes(&again), buf_bytes(&told.text));

	/* What is kept leaves out what can be had from the rest. */
	buf_clear(&again);
	j = json_to(&again, false);
	account = story_read(a, buf_bytes(&told.lean), &why);
	assert_non_null(account);
	account_json(&j, account);
	assert_bytes(buf_bytes(&again), buf_bytes(&told.text));
	assert_true(told.lean.len < told.text.len * 9 / 10);

	struct settings *same = stage_settings(row->settings), *other = stage_settings(row->other);
	struct decision  d = judge(a, same, NULL, &account->facts, account->id);
	assert_int_equal(d.action, account->decision.action);
	assert_int_equal(d.reason, account->decision.reason);
	assert_int_equal(d.reply.count, account->decision.reply.count);
	for (size_t i = 0; i < d.reply.count; i++)
		assert_bytes(d.reply.lines[i], account->decision.reply.lines[i]);
	d = judge(a, other, NULL, &account->facts, account->id);
	assert_int_equal(d.action, row->action);
	assert_bytes(bytes_of(reason_word(d.reason)), bytes_of(row->reason));

	/* Without the names of people the decision is the same. */
	account = story_read(a, buf_bytes(&told.kept), &why);
	assert_non_null(account);
	d = judge(a, other, NULL, &account->facts, account->id);
	assert_int_equal(d.action, row->action);
	assert_true(account->subject.len == 0 || bytes_starts(account->subject, B("sha256:")));
	for (size_t i = 0; i < account->from_count; i++)
		assert_true(bytes_starts(account->from_addresses[i], B("@")));
	settings_unref(same);
	settings_unref(other);
	buf_free(&again);
	arena_free(a);
}

static const struct bad_row {
	const char *name, *text, *why;
} bad_rows[] = {
	{ "an empty text is no story", "", "not a story of this version: see its document" },
	{ "a list is no story", "[]", "not a story of this version: see its document" },
	{ "a story has an id", "{}", "not a story of this version: see its id" },
	{ "a word we do not know is a fault", "{\"id\":\"AAAAAAAAAAAA\",\"from_check\":{\"reason\":\"from.telepathy\"}}",
	  "not a story of this version: see its reason" },
	{ "nesting without end is no story", "[[[[[[[[[[[[[[[[[[[[[[[[", "not a story of this version: see its document" },
};

static void
check_bad(void **state)
{
	const struct bad_row *row = *state;
	struct arena         *a = arena_new((size_t)1 << 20);
	struct bytes          why = B("");

	assert_null(story_read(a, bytes_of(row->text), &why));
	assert_bytes(why, bytes_of(row->why));
	arena_free(a);
}

int
main(void)
{
	struct bytes why;

	zone_arena = arena_new((size_t)1 << 20);
	if (zone_parse(zone_arena, bytes_of(stage_zone), &zone, &why) != RC_OK)
		return 1;
	ROWS_ADD(rows, check_row);
	ROWS_ADD(bad_rows, check_bad);
	int failed = rows_run("story");
	buf_free(&told.text);
	buf_free(&told.lean);
	buf_free(&told.kept);
	arena_free(zone_arena);
	return failed;
}
