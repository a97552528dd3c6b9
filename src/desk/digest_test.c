/* desk/digest_test.c: the letter to a recipient. Who gets one is tested end to end. */
#include "base/rows.h"

#include "desk/digest.h"

#define NOON ((int64_t)1795262400 * 1000000) /* Sat, 21 Nov 2026 12:00:00 */

static const struct store_held held[] = {
	{ .id = B_INIT("AAAAAAAAAAAA"), .at_us = NOON - 60000000, .expires_us = NOON + 30 * DAY_US, .sender = B_INIT("orders@shop.example"),
	  .header_from = B_INIT("orders@shop.example"), .subject = B_INIT("Your order\033[31m = now"), .reason = B_INIT("dmarc.quarantine") },
	{ .id = B_INIT("BBBBBBBBBBBB"), .at_us = NOON - DAY_US, .expires_us = NOON + 29 * DAY_US, .sender = B_INIT("x@example.com"), .subject = B_INIT(""), .reason = B_INIT("") },
};

static struct bytes
letter(struct buf *out, size_t count, struct bytes recipient, bool second_fresh)
{
	static const struct store_held *all[300];
	static bool                     fresh[300];

	for (size_t i = 0; i < count; i++) {
		all[i] = &held[i == 1];
		fresh[i] = i != 1 || second_fresh;
	}
	struct digest_letter l = { B("gate.example.net"), recipient, all, fresh, count, NOON, "CCCCCCCCCCCC" };
	digest_write(out, &l);
	assert_false(out->spoilt);
	return buf_bytes(out);
}

static bool
has(struct bytes text, const char *words)
{
	return bytes_find(text, bytes_of(words)) < text.len;
}

static void
header(void **state)
{
	struct buf   out = { 0 };
	struct bytes text = letter(&out, 2, B("rosa@example.net"), false);

	(void)state;
	assert_true(bytes_starts(text, B("Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nFrom: Mail gateway <postmaster@gate.example.net>\r\nTo: <rosa@example.net>\r\n"
	                                 "Subject: 1 message is kept for you at gate.example.net\r\nMessage-ID: <CCCCCCCCCCCC.digest@gate.example.net>\r\n"
	                                 "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n")));
	buf_free(&out);
}

static void
body(void **state)
{
	struct buf   out = { 0 };
	struct bytes text = letter(&out, 2, B("rosa@example.net"), false);

	(void)state;
	assert_true(has(text, "NEW\r\n\r\nAAAAAAAAAAAA   2026-11-21 11:59 UTC\r\n    From     orders@shop.example\r\n    Subject  Your order\\x1b[31m =3D now\r\n    Why      From is not"));
	assert_true(has(text, "TOLD BEFORE\r\n\r\nBBBBBBBBBBBB   2026-11-20 12:00 UTC\r\n    From     x@example.com\r\n    Deleted  2026-12-20"));
	assert_true(has(text, "postmaster@example.net\r\n"));
	buf_free(&out);
}

static void
long_list(void **state)
{
	struct buf   out = { 0 };
	struct bytes text = letter(&out, 300, B("rosa@example.net"), true);
	size_t       ids = 0;

	(void)state;
	for (struct bytes line; bytes_cut_line(&text, &line);) {
		assert_true(line.len <= 76);
		ids += bytes_starts(line, B("AAAAAAAAAAAA")) || bytes_starts(line, B("BBBBBBBBBBBB"));
	}
	assert_int_equal(ids, 100);
	assert_true(has(buf_bytes(&out), "(and 200 more)"));
	buf_free(&out);
}

static void
forged_recipient(void **state)
{
	struct buf   out = { 0 };
	struct bytes text = letter(&out, 1, B("a@example.net\r\nBcc: x"), true);

	(void)state;
	assert_false(has(text, "\nBcc:"));
	buf_free(&out);
}

int
main(void)
{
	rows_add("the header says who, to whom and how many are new", header, NULL);
	rows_add("what is new stands before what was told, as safe text", body, NULL);
	rows_add("a long list is cut, and says so", long_list, NULL);
	rows_add("a recipient adds no field to the header", forged_recipient, NULL);
	return rows_run("digest");
}
