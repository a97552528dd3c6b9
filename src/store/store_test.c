/* store/store_test.c: rows go in and come out the same from both databases. */
#include "base/rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/engine.h"
#include "store/held.h"
#include "store/people.h"
#include "store/rig.h"
#include "store/shelf.h"

#define NOON ((int64_t)20000 * DAY_US + DAY_US / 2)

static struct store *s;
static struct arena *a;

static int
begin(void **state)
{
	(void)state;
	rig_where();
	s = rig_open(STORE_WRITE);
	a = arena_new((size_t)1 << 24);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	store_close(s);
	arena_free(a);
	s = NULL;
	a = NULL;
	return 0;
}

static void
keep(const struct store_account *account)
{
	int64_t      day = store_day(account->at_us);
	struct shelf one = { shelf_first(day), day * DAY_US, 1, 1 };

	assert_int_equal(store_begin(s), RC_OK);
	assert_int_equal(store_account_add(s, one.number, account), RC_OK);
	assert_int_equal(shelf_count(s, &one), RC_OK); /* as the writer does */
	assert_int_equal(store_commit(s), RC_OK);
}

/* ---- the schema ---- */

static void
the_schema_is_made_once_and_opened_again(void **state)
{
	(void)state;
	struct store_account account = rig_account(a, 1, NOON), back;
	keep(&account);
	store_close(s);
	s = rig_open(STORE_WRITE);
	assert_int_equal(store_account_get(s, a, account.id, &back), RC_OK);
}

static const char *place; /* of the store that begin() made */

static enum rc
open_again(enum store_mode mode, struct bytes *why)
{
	struct store *other = NULL;
	enum rc       rc = store_open(place, mode, a, &other, why);

	store_close(other);
	return rc;
}

static void
tables_of_another_build_are_refused(void **state)
{
	struct bytes why = B_NONE;

	(void)state;
	assert_true(rig_script("UPDATE schema_version SET checksum = 'another' WHERE version = 1"));
	assert_int_equal(open_again(STORE_WRITE, &why), RC_SYNTAX);
	assert_true(bytes_find(why, B("is not the one we made")) < why.len);
	assert_int_equal(open_again(STORE_READ, &why), RC_SYNTAX);
}

static void
tables_of_a_newer_version_are_refused(void **state)
{
	struct bytes why = B_NONE;

	(void)state;
	assert_true(rig_script("INSERT INTO schema_version (version, checksum, at_us) VALUES (3, 'x', 0)"));
	assert_int_equal(open_again(STORE_WRITE, &why), RC_SYNTAX);
	assert_true(bytes_find(why, B("newer mailreeve")) < why.len);
}

/* As a store looked before there was a quarantine. */
#define TO_VERSION_1                                                                                                              \
	"DROP TABLE held; DROP TABLE ticket; DROP TABLE operator; DROP TABLE token; DROP TABLE web_session; DROP TABLE audit; " \
	"DELETE FROM schema_version WHERE version > 1"

static void
an_old_store_is_brought_up_to_date_and_keeps_its_rows(void **state)
{
	struct store_account account = rig_account(a, 1, NOON), back;
	struct store_held    held = { .id = account.id, .at_us = NOON, .path = B("p"), .state = B(HELD_HELD) };
	struct bytes         why = B_NONE;

	(void)state;
	keep(&account);
	store_close(s);
	s = NULL;
	assert_true(rig_script(TO_VERSION_1));
	assert_int_equal(open_again(STORE_READ, &why), RC_SYNTAX); /* who only reads changes nothing */
	assert_true(bytes_find(why, B("has version 1")) < why.len);
	s = rig_open(STORE_WRITE);
	assert_int_equal(store_account_get(s, a, account.id, &back), RC_OK);
	assert_int_equal(held_add(s, &held), RC_OK);
}

static void *
open_one(void *arg)
{
	struct arena *mine = arena_new(65536);
	struct bytes  why = B_NONE;
	struct store *one = NULL;

	*(enum rc *)arg = store_open(place, STORE_WRITE, mine, &one, &why);
	store_close(one);
	arena_free(mine);
	return NULL;
}

static void
several_daemons_may_start_at_once_on_an_empty_store(void **state)
{
	pthread_t threads[4];
	enum rc   rcs[4];

	(void)state;
	store_close(s);
	s = NULL;
	rig_where();
	for (size_t i = 0; i < NELEMS(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_one, &rcs[i]), 0);
	for (size_t i = 0; i < NELEMS(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(rcs[i], RC_OK);
	}
	s = rig_open(STORE_WRITE);
}

/* As another process sees it: locks are its own business, so ask from one. */
static bool
is_locked(const char *path)
{
	pid_t child = fork();
	int   status = 0;

	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int          fd = open(path, O_RDWR | O_CLOEXEC);
		_exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Else another process that opens and closes the file takes its log away, and what is written after that is lost. */
static void
a_second_connection_leaves_the_locks_of_the_first(void **state)
{
	/* Not on the stack: valgrind would call it lost in a child that never comes back to it, and change its exit status. */
	static struct store *second;

	(void)state;
	if (!rig_is_sqlite())
		return;
	store_close(s);
	const char *path = rig_where();
	s = rig_open(STORE_WRITE);
	assert_true(is_locked(path));
	second = rig_open(STORE_WRITE);
	assert_true(is_locked(path));
	store_close(second);
	assert_true(is_locked(path));
}

static void
a_place_where_nothing_can_be_opened_says_why(void **state)
{
	struct bytes  why = B_NONE;
	struct store *none = NULL;

	(void)state;
	assert_int_equal(store_open("/nonexistent/store.db", STORE_WRITE, a, &none, &why), RC_IO);
	assert_true(bytes_find(why, B("/nonexistent/store.db")) < why.len);
	assert_int_equal(store_open("/nonexistent/store.db", STORE_READ, a, &none, &why), RC_IO);
	assert_null(none);
}

static void
trouble_with_a_url_does_not_show_its_password(void **state)
{
	struct bytes  why = B_NONE;
	struct store *none = NULL;

	(void)state;
	assert_true(store_open("postgres://u:sesame@[bad/db?x=%zz", STORE_WRITE, a, &none, &why) != RC_OK);
	assert_true(why.len > 0);
	assert_int_equal(bytes_find(why, B("sesame")), why.len);
	assert_true(store_open("postgres://u:sesame@/db?host=/nonexistent", STORE_WRITE, a, &none, &why) != RC_OK);
	assert_true(why.len > 0);
	assert_int_equal(bytes_find(why, B("sesame")), why.len);
}

/* ---- accounts ---- */

static void
an_account_comes_back_as_it_went(void **state)
{
	struct store_account in = rig_account(a, 3, NOON), out;

	(void)state;
	keep(&in);
	assert_int_equal(store_account_get(s, a, in.id, &out), RC_OK);
	assert_bytes(out.sender, B("sender3@example.org"));
	assert_bytes(out.domain, B("d3.example.org"));
	in.sender = out.sender;
	in.domain = out.domain;
	for (size_t i = 0; i <= account_column_count; i++) {
		const char *x = (const char *)&in + account_columns[i].offset, *y = (const char *)&out + account_columns[i].offset;
		if (account_columns[i].kind == 'i')
			assert_memory_equal(x, y, sizeof(int64_t));
		else
			assert_bytes(*(const struct bytes *)(const void *)y, *(const struct bytes *)(const void *)x);
	}
	assert_int_equal(out.recipient_count, 2);
	assert_bytes(out.recipients[0].address, B("user3@example.net"));
	assert_bytes(out.recipients[0].action, B("reject"));
	assert_bytes(out.recipients[0].reason, B("dmarc.reject"));
	assert_bytes(out.recipients[1].status, B("delivered"));
	assert_int_equal(out.recipients[1].delivered_us, NOON + 5);
	assert_bytes(out.recipients[1].next_hop, B("250 2.0.0 kept"));
}

static void
an_empty_account_is_kept_too(void **state)
{
	struct store_account in = { .id = B("AAAAAAAAAAAA"), .at_us = NOON }, out;

	(void)state;
	keep(&in);
	assert_int_equal(store_account_get(s, a, in.id, &out), RC_OK);
	assert_int_equal(out.sender.len, 0);
	assert_int_equal(out.recipient_count, 0);
}

static void
an_account_that_is_not_there_is_told_from_trouble(void **state)
{
	struct store_account out;

	(void)state;
	assert_int_equal(store_account_get(s, a, B("AAAAAAAAAAAA"), &out), RC_LIMIT);
	assert_int_equal(store_account_get(s, a, bytes_make("A\0' OR 1=1", 10), &out), RC_LIMIT);
}

static const struct hostile {
	const char  *name;
	struct bytes in, out;
} hostile[] = {
	{ "quotes are only text", B_INIT("'); DROP TABLE account; --\"\\"), B_INIT("'); DROP TABLE account; --\"\\") },
	{ "NUL becomes U+FFFD", { "a\0b", 3 }, B_INIT("a\xEF\xBF\xBD" "b") },
	{ "an octet that is not UTF-8 becomes U+FFFD", B_INIT("a\xFF\xC3"), B_INIT("a\xEF\xBF\xBD\xEF\xBF\xBD") },
	{ "a surrogate is not UTF-8", B_INIT("\xED\xA0\x80"), B_INIT("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
	{ "well-formed text stays", B_INIT("Gr\xC3\xBC\xC3\x9F" "e \xF0\x9F\x93\xA8 $1 %s"), B_INIT("Gr\xC3\xBC\xC3\x9F" "e \xF0\x9F\x93\xA8 $1 %s") },
};

static void
check_hostile(void **state)
{
	const struct hostile *row = *state;
	struct store_account  in, out;

	begin(NULL);
	in = rig_account(a, 1, NOON);
	in.subject = row->in;
	in.message_id = row->in;
	keep(&in);
	assert_int_equal(store_account_get(s, a, in.id, &out), RC_OK);
	assert_bytes(out.subject, row->out);
	assert_bytes(out.message_id, row->out);
	end(NULL);
}

static void
a_key_too_long_for_an_index_is_kept_and_told_from_its_like(void **state)
{
	struct store_account in = rig_account(a, 1, NOON), out;
	char                *text = arena_take(a, 100000);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 100000);
	in.message_id = in.sender = in.client = in.subject = bytes_make(text, 100000);
	keep(&in);
	assert_int_equal(store_account_get(s, a, in.id, &out), RC_OK);
	assert_int_equal(out.subject.len, 100000);
	assert_true(out.sender.len <= STORE_KEY_MAX);
	assert_bytes(out.message_id, store_key(a, in.message_id, false));
	assert_false(bytes_eq(out.message_id, store_key(a, bytes_make(text, 99999), false)));
}

static void
a_long_key_is_not_cut_within_a_character(void **state)
{
	char text[STORE_KEY_MAX * 2];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xC3\xBC", 2);
	for (size_t i = 0; i < 2; i++) {
		text[0] = 'a'; /* so that the cut falls into a character once */
		struct bytes key = store_key(a, bytes_make(text + i, sizeof(text) - i), false);
		assert_true(key.len <= STORE_KEY_MAX);
	}
}

static void
the_same_id_twice_is_refused_and_spoils_nothing_else(void **state)
{
	struct store_account one = rig_account(a, 1, NOON), two = rig_account(a, 2, NOON), out;

	(void)state;
	keep(&one);
	enum rc rc = store_begin(s);
	assert_int_equal(rc, RC_OK);
	rc = store_account_add(s, shelf_first(store_day(NOON)), &one);
	if (rc == RC_OK) /* PostgreSQL says so later */
		rc = store_commit(s);
	assert_int_equal(rc, RC_SYNTAX);
	store_rollback(s);
	keep(&two);
	assert_int_equal(store_account_get(s, a, two.id, &out), RC_OK);
}

static void
what_is_rolled_back_is_not_kept(void **state)
{
	struct store_account one = rig_account(a, 1, NOON), out;

	(void)state;
	assert_int_equal(store_begin(s), RC_OK);
	assert_int_equal(store_account_add(s, shelf_first(store_day(NOON)), &one), RC_OK);
	store_rollback(s);
	assert_int_equal(store_account_get(s, a, one.id, &out), RC_LIMIT);
	keep(&one);
}

static void
a_delivery_finds_its_recipient_by_queue_id_on_a_later_day(void **state)
{
	struct store_account  one = rig_account(a, 4, NOON), out;
	struct store_delivery d = { one.queue_id, B("User4@example.net"), B("delivered"), B("250 ok"), NOON + 2 * DAY_US };

	(void)state;
	keep(&one);
	assert_int_equal(store_delivery_add(s, &d), RC_OK);
	assert_int_equal(store_account_get(s, a, one.id, &out), RC_OK);
	assert_bytes(out.recipients[0].status, B("delivered"));
	assert_bytes(out.recipients[0].next_hop, B("250 ok"));
	assert_int_equal(out.recipients[0].delivered_us, NOON + 2 * DAY_US);
	d.queue_id = B("unknown");
	assert_int_equal(store_delivery_add(s, &d), RC_LIMIT);
	d.queue_id = B_NONE;
	assert_int_equal(store_delivery_add(s, &d), RC_LIMIT);
}

static void
a_lease_is_held_by_one_until_it_ends(void **state)
{
	bool    held = false;
	int64_t now = store_now_us();

	(void)state;
	assert_int_equal(store_lease(s, B("prune"), B("one"), now + DAY_US, &held), RC_OK);
	assert_true(held);
	assert_int_equal(store_lease(s, B("prune"), B("two"), now + DAY_US, &held), RC_OK);
	assert_false(held);
	assert_int_equal(store_lease(s, B("digest"), B("two"), now + DAY_US, &held), RC_OK);
	assert_true(held);
	assert_int_equal(store_lease(s, B("prune"), B("one"), now - 1, &held), RC_OK); /* gives it back */
	assert_true(held);
	assert_int_equal(store_lease(s, B("prune"), B("two"), now + DAY_US, &held), RC_OK);
	assert_true(held);
}

/* ---- quarantine and tickets ---- */

static bool
count_held(void *arg, const struct store_held *held)
{
	(void)held;
	++*(size_t *)arg;
	return true;
}

static void
of_two_who_release_a_message_one_is_told_so(void **state)
{
	struct store_held held = { B("AAAAAAAAAAAA"), NOON, B("V"), B("20000/AAAAAAAAAAAA.eml"), B("S@example.org"), B("a@example.net\nb@example.net"),
		                   B("f"),            B("s"), B("dmarc.reject"), 77, B(HELD_HELD), NOON + DAY_US, 0, B_NONE, 0 };
	struct store_held out;
	size_t            count = 0;

	(void)state;
	assert_int_equal(held_add(s, &held), RC_OK);
	assert_int_equal(held_add(s, &held), RC_SYNTAX);
	assert_int_equal(held_get(s, a, held.id, &out), RC_OK);
	assert_bytes(out.recipients, held.recipients);
	assert_bytes(out.sender, held.sender);
	assert_int_equal(out.size, 77);
	assert_int_equal(held_due(s, B("V"), NOON, 0, 10, count_held, &count), RC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(held_due(s, B("W"), NOON + 2 * DAY_US, NOON + DAY_US, 10, count_held, &count), RC_OK); /* another gateway's */
	assert_int_equal(count, 0);
	assert_int_equal(held_due(s, B("V"), NOON + 2 * DAY_US, 0, 10, count_held, &count), RC_OK);
	assert_int_equal(count, 1);
	assert_int_equal(held_due(s, B("W"), NOON + 9 * DAY_US, NOON + 2 * DAY_US, 10, count_held, &count), RC_OK); /* who did not come back */
	assert_int_equal(count, 2);
	bool any = false;
	assert_int_equal(held_any(s, B("V"), &any), RC_OK);
	assert_true(any);
	assert_int_equal(held_any(s, B("W"), &any), RC_OK);
	assert_false(any);
	assert_int_equal(held_change(s, held.id, B(HELD_HELD), B("releasing"), NOON + 1, B("ann")), RC_OK);
	assert_int_equal(held_change(s, held.id, B(HELD_HELD), B("releasing"), NOON + 1, B("bob")), RC_LIMIT);
	assert_int_equal(held_get(s, a, held.id, &out), RC_OK);
	assert_bytes(out.state, B("releasing"));
	assert_bytes(out.changed_by, B("ann"));
	assert_int_equal(held_told(s, held.id, NOON + 2), RC_OK);
	assert_int_equal(held_told(s, B("BBBBBBBBBBBB"), NOON + 2), RC_LIMIT);
	assert_int_equal(held_get(s, a, held.id, &out), RC_OK);
	assert_true(out.told_us == NOON + 2 && out.changed_us == NOON + 1);
	assert_bytes(out.changed_by, B("ann"));
	assert_int_equal(held_get(s, a, B("BBBBBBBBBBBB"), &out), RC_LIMIT);
}

struct pages {
	size_t  count;
	int64_t last_us;
	char    last_id[16];
};

static bool
page_held(void *arg, const struct store_held *held)
{
	struct pages *p = arg;

	assert_true(p->count == 0 || held->at_us <= p->last_us);
	p->count++;
	p->last_us = held->at_us;
	snprintf(p->last_id, sizeof(p->last_id), "%.*s", B_FMT(held->id));
	return true;
}

static void
the_quarantine_is_listed_in_pages_newest_first(void **state)
{
	struct pages p = { .count = 0 };

	(void)state;
	for (int i = 0; i < 25; i++) {
		struct store_held held = { .id = arena_printf(a, "AAAAAAAAAA%c%c", 'A' + i / 26, 'A' + i % 26), .at_us = NOON + i / 3, .state = B(HELD_HELD) };
		assert_int_equal(held_add(s, &held), RC_OK);
	}
	for (size_t page = 1; page <= 3; page++) {
		struct pages before = p;
		assert_int_equal(held_list(s, B(HELD_HELD), before.last_us, bytes_of(before.last_id), 10, page_held, &p), RC_OK);
		assert_int_equal(p.count, page < 3 ? page * 10 : 25);
	}
}

static bool
check_ticket(void *arg, const struct store_ticket *t)
{
	assert_bytes(t->note, B("<script>alert(1)</script>"));
	++*(size_t *)arg;
	return true;
}

static void
tickets_are_listed_counted_and_closed(void **state)
{
	struct store_ticket t = { B("TAAAAAAAAAAA"), NOON, B("AAAAAAAAAAAA"), B("x@example.org"), B("<script>alert(1)</script>"), B("open"), 0, B_NONE };
	size_t              count = 0;
	int64_t             open = 0;

	(void)state;
	assert_int_equal(ticket_add(s, &t), RC_OK);
	assert_int_equal(ticket_list(s, B("open"), 0, B_NONE, 10, check_ticket, &count), RC_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ticket_waiting(s, 5, &open), RC_OK);
	assert_int_equal(open, 1);
	assert_int_equal(ticket_waiting(s, 0, &open), RC_OK);
	assert_int_equal(open, 0);
	assert_int_equal(ticket_count(s, t.account, &open), RC_OK);
	assert_int_equal(open, 1);
	assert_int_equal(ticket_change(s, t.id, B("open"), B("closed"), NOON, B("ann")), RC_OK);
	assert_int_equal(ticket_change(s, t.id, B("open"), B("closed"), NOON, B("ann")), RC_LIMIT);
	assert_int_equal(ticket_count(s, t.account, &open), RC_OK);
	assert_int_equal(open, 0);
}

/* ---- people ---- */

static bool
count_token(void *arg, const struct store_token *t)
{
	(void)t;
	++*(size_t *)arg;
	return true;
}

static bool
count_deed(void *arg, const struct store_deed *d)
{
	assert_bytes(d->deed, B("release"));
	++*(size_t *)arg;
	return true;
}

static void
an_operator_goes_with_tokens_and_sessions(void **state)
{
	struct store_operator o = { B("ann"), B("$y$hash"), B("admin"), B("active"), NOON, NOON }, o_out;
	struct store_token    t = { B("th"), B("script"), B("ann"), B("explain"), NOON, NOON + DAY_US, 0 }, t_out;
	struct store_session  w = { B("sh"), B("ann"), B("csrf"), B("192.0.2.1"), NOON, NOON, NOON + DAY_US }, w_out;
	size_t                count = 0;

	(void)state;
	assert_int_equal(operator_set(s, &o), RC_OK);
	o.role = B("viewer");
	assert_int_equal(operator_set(s, &o), RC_OK);
	assert_int_equal(operator_get(s, a, B("ann"), &o_out), RC_OK);
	assert_bytes(o_out.role, B("viewer"));
	assert_int_equal(token_add(s, &t), RC_OK);
	assert_int_equal(token_add(s, &t), RC_SYNTAX);
	assert_int_equal(token_used(s, t.hash, NOON + 9), RC_OK);
	assert_int_equal(token_get(s, a, t.hash, &t_out), RC_OK);
	assert_int_equal(t_out.used_us, NOON + 9);
	assert_int_equal(session_add(s, &w), RC_OK);
	assert_int_equal(session_get(s, a, w.hash, NOON, &w_out), RC_OK);
	assert_bytes(w_out.csrf, B("csrf"));
	assert_int_equal(session_get(s, a, w.hash, NOON + DAY_US, &w_out), RC_LIMIT); /* expired */
	assert_int_equal(session_seen(s, w.hash, NOON + 5, NOON + 2 * DAY_US), RC_OK);
	assert_int_equal(session_get(s, a, w.hash, NOON + DAY_US, &w_out), RC_OK);
	assert_int_equal(operator_remove(s, B("ann")), RC_OK);
	assert_int_equal(operator_remove(s, B("ann")), RC_LIMIT);
	assert_int_equal(session_get(s, a, w.hash, NOON, &w_out), RC_LIMIT);
	assert_int_equal(token_list(s, count_token, &count), RC_OK);
	assert_int_equal(count, 0);
}

static void
who_did_what_is_kept_and_listed(void **state)
{
	struct store_deed d = { B("DAAAAAAAAAAA"), NOON, B("ann"), B("release"), B("AAAAAAAAAAAA"), B(""), B("192.0.2.1") };
	size_t            count = 0;

	(void)state;
	assert_int_equal(audit_add(s, &d), RC_OK);
	assert_int_equal(audit_list(s, 0, B_NONE, 10, count_deed, &count), RC_OK);
	assert_int_equal(count, 1);
	assert_int_equal(audit_list(s, NOON, d.id, 10, count_deed, &count), RC_OK);
	assert_int_equal(count, 1); /* behind the last there is none */
}

static void
a_log_is_folded_from_elsewhere_while_its_writer_lives(void **state)
{
	(void)state;
	const char *where = arena_printf(a, "%s/store.db", rig_dir()).at;
	size_t      most = 0;

	if (!rig_is_sqlite()) {
		assert_int_equal(store_log_octets(s), 0);
		return;
	}
	store_leave_log(s);
	for (unsigned n = 0; n < 100; n++) {
		struct store_account account = rig_account(a, n, NOON + n);
		keep(&account);
		assert_true(store_log_octets(s) > most); /* nobody folds it */
		most = store_log_octets(s);
	}
	assert_int_equal(store_fold(where), RC_OK);
	struct store_account account = rig_account(a, 1000, NOON + 1000), back;
	keep(&account);
	assert_true(store_log_octets(s) < most / 2); /* it was begun anew */
	assert_int_equal(store_account_get(s, a, account.id, &back), RC_OK);
	assert_int_equal(store_fold("/nowhere/store.db"), RC_IO);
}

static void
days_are_numbered_also_before_1970(void **state)
{
	(void)state;
	assert_int_equal(store_day(0), 0);
	assert_int_equal(store_day(DAY_US - 1), 0);
	assert_int_equal(store_day(DAY_US), 1);
	assert_int_equal(store_day(-1), -1);
	assert_int_equal(store_day(-DAY_US), -1);
	assert_int_equal(store_day(-DAY_US - 1), -2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_schema_is_made_once_and_opened_again),
		TEST(tables_of_another_build_are_refused),
		TEST(tables_of_a_newer_version_are_refused),
		TEST(an_old_store_is_brought_up_to_date_and_keeps_its_rows),
		TEST(several_daemons_may_start_at_once_on_an_empty_store),
		TEST(a_second_connection_leaves_the_locks_of_the_first),
		TEST(a_place_where_nothing_can_be_opened_says_why),
		TEST(trouble_with_a_url_does_not_show_its_password),
		TEST(an_account_comes_back_as_it_went),
		TEST(an_empty_account_is_kept_too),
		TEST(an_account_that_is_not_there_is_told_from_trouble),
		TEST(a_key_too_long_for_an_index_is_kept_and_told_from_its_like),
		TEST(a_long_key_is_not_cut_within_a_character),
		TEST(the_same_id_twice_is_refused_and_spoils_nothing_else),
		TEST(what_is_rolled_back_is_not_kept),
		TEST(a_delivery_finds_its_recipient_by_queue_id_on_a_later_day),
		TEST(a_lease_is_held_by_one_until_it_ends),
		TEST(of_two_who_release_a_message_one_is_told_so),
		TEST(the_quarantine_is_listed_in_pages_newest_first),
		TEST(tickets_are_listed_counted_and_closed),
		TEST(an_operator_goes_with_tokens_and_sessions),
		TEST(who_did_what_is_kept_and_listed),
		TEST(a_log_is_folded_from_elsewhere_while_its_writer_lives),
		TEST(days_are_numbered_also_before_1970),
	};

	rig_begin(argc, argv);
	place = rig_where();
	for (size_t i = 0; i < NELEMS(tests); i++) {
		rows_add(tests[i].name, tests[i].test_func, NULL);
		rows_tests[rows_count - 1] = tests[i];
	}
	ROWS_ADD(hostile, check_hostile);
	int failed = rows_run("store");
	rig_end();
	return failed;
}
