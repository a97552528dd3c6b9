/* store/vault_test.c: a copy that was promised is there, whatever befell the process. */
#include "base/rows.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/rig.h"
#include "store/search.h"
#include "store/vault.h"
#include "store/writer.h"

#define NOON ((int64_t)20000 * DAY_US + DAY_US / 2)

static struct arena *a;
static struct vault *v;
static struct store *s;
static char          place[128];

static int
begin(void **state)
{
	static unsigned nth;
	struct bytes    why = B_NONE;

	(void)state;
	rig_where();
	a = arena_new((size_t)1 << 24);
	s = rig_open(STORE_WRITE);
	snprintf(place, sizeof(place), "%s/vault%u", rig_dir(), nth++);
	assert_int_equal(vault_open(place, a, &v, &why), RC_OK);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	vault_close(v);
	store_close(s);
	arena_free(a);
	return 0;
}

static size_t
count_files(const char *day)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", place, day);
	DIR   *d = opendir(path);
	size_t count = 0;
	if (d == NULL)
		return 0;
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.' || (e->d_name[1] != '\0' && e->d_name[1] != '.');
	closedir(d);
	return count;
}

static struct bytes
keep(const char *id, struct bytes text)
{
	struct copy *c = copy_new(v, bytes_of(id), NOON);
	char         path[VAULT_PATH_MAX];

	assert_non_null(c);
	copy_add(c, text);
	assert_int_equal(vault_keep(c, path), RC_OK);
	copy_free(c);
	return arena_copy(a, bytes_of(path));
}

static void
a_copy_comes_back_octet_by_octet(void **state)
{
	struct buf   out = { .limit = 1 << 20 };
	struct bytes text = bytes_make("From: a\r\n\0\xFF\r\n", 13);

	(void)state;
	struct bytes path = keep("AAAAAAAAAAAA", text);
	assert_bytes(path, B("20000/AAAAAAAAAAAA.eml"));
	assert_int_equal(vault_read(v, path, 0, &out), RC_OK);
	assert_bytes(buf_bytes(&out), text);
	assert_int_equal(vault_remove(v, path), RC_OK);
	assert_int_equal(vault_remove(v, path), RC_OK);
	buf_free(&out);
	assert_int_equal(vault_read(v, path, 0, &out), RC_IO);
	buf_free(&out);
}

static void
a_large_copy_comes_back_from_any_cuts(void **state)
{
	struct copy *c = copy_new(v, B("BBBBBBBBBBBB"), NOON);
	struct buf   in = { 0 }, out = { 0 };
	char         path[VAULT_PATH_MAX];

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < 300000; i++)
		buf_printf(&in, "%u ", i);
	for (size_t at = 0, n = 1; at < in.len; at += n, n = n * 7 % 100003 + 1)
		copy_add(c, bytes_sub(buf_bytes(&in), at, n));
	assert_int_equal(vault_keep(c, path), RC_OK);
	copy_free(c);
	assert_int_equal(vault_read(v, bytes_of(path), 0, &out), RC_OK);
	assert_bytes(buf_bytes(&out), buf_bytes(&in));
	buf_free(&out);
	assert_int_equal(vault_read(v, bytes_of(path), 1000, &out), RC_OK);
	assert_bytes(buf_bytes(&out), bytes_sub(buf_bytes(&in), 0, 1000));
	assert_true(out.room < 100000);
	buf_free(&out);
	assert_int_equal(vault_read(v, bytes_of(path), in.len + 1, &out), RC_OK);
	assert_bytes(buf_bytes(&out), buf_bytes(&in));
	buf_free(&in);
	buf_free(&out);
}

static void
a_copy_that_is_not_kept_leaves_nothing(void **state)
{
	struct copy *small = copy_new(v, B("CCCCCCCCCCCC"), NOON), *large = copy_new(v, B("DDDDDDDDDDDD"), NOON);
	char         text[4096] = { 'x' };

	(void)state;
	copy_add(small, B("hello"));
	for (unsigned i = 0; i < 200; i++)
		copy_add(large, bytes_make(text, sizeof(text)));
	assert_int_equal(count_files("20000"), 1); /* the large one was begun */
	copy_free(small);
	copy_free(large);
	assert_int_equal(count_files("20000"), 0);
}

static void
a_vault_that_is_gone_keeps_nothing_and_says_so(void **state)
{
	struct copy *c = copy_new(v, B("EEEEEEEEEEEE"), NOON);
	char         path[VAULT_PATH_MAX] = "untouched";

	(void)state;
	copy_add(c, B("hello"));
	assert_int_equal(unlink(arena_printf(a, "%s/.name", place).at), 0);
	assert_int_equal(rmdir(place), 0);
	errno = 0;
	assert_int_equal(vault_keep(c, path), RC_IO);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(path, "untouched");
	copy_free(c);
}

static void
an_id_that_is_none_is_not_made_a_name(void **state)
{
	struct copy *c = copy_new(v, B("../../../etc"), NOON);
	char         path[VAULT_PATH_MAX];

	(void)state;
	assert_int_equal(vault_keep(c, path), RC_IO);
	copy_free(c);
}

static const struct path_row {
	const char  *name;
	struct bytes path;
} paths[] = {
	{ "a path that leads up is refused", B_INIT("../store.db") },
	{ "a path that leads up behind a day is refused", B_INIT("20000/../../etc/pass") },
	{ "an absolute path is refused", B_INIT("/etc/passwd") },
	{ "a day without a name is refused", B_INIT("20000/") },
	{ "a name that is no id is refused", B_INIT("20000/AAAAAAAAAAA1.eml") },
	{ "another ending is refused", B_INIT("20000/AAAAAAAAAAAA.txt") },
	{ "NUL within is refused", { "20000/AAAAAAAAAAAA\0eml", 22 } },
	{ "nothing is refused", B_INIT("") },
};

static void
check_path(void **state)
{
	const struct path_row *row = *state;
	struct buf             out = { 0 };

	begin(NULL);
	assert_int_equal(vault_read(v, row->path, 0, &out), RC_SYNTAX);
	assert_int_equal(vault_remove(v, row->path), RC_SYNTAX);
	end(NULL);
}

static void
a_link_is_not_followed(void **state)
{
	char       day[160], link[200];
	struct buf out = { 0 };

	(void)state;
	snprintf(day, sizeof(day), "%s/20000", place);
	snprintf(link, sizeof(link), "%s/AAAAAAAAAAAA.eml", day);
	assert_int_equal(mkdir(day, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(vault_read(v, B("20000/AAAAAAAAAAAA.eml"), 0, &out), RC_IO);
	snprintf(link, sizeof(link), "%s/20001", place);
	assert_int_equal(symlink(day, link), 0);
	assert_int_equal(vault_read(v, B("20001/AAAAAAAAAAAA.eml"), 0, &out), RC_IO);
}

/* ---- copies and rows ---- */

struct faults {
	size_t with_copy, without_copy;
	char   last[16];
};

static void
note_fault(void *arg, const struct store_held *held, bool has_copy)
{
	struct faults *f = arg;

	if (has_copy)
		f->with_copy++;
	else
		f->without_copy++;
	snprintf(f->last, sizeof(f->last), "%.*s", B_FMT(held->id));
}

static void
copies_without_rows_are_kept_and_rows_without_copies_told(void **state)
{
	struct store_held held = { .id = B("FFFFFFFFFFFF"), .at_us = NOON, .vault = vault_name(v), .path = B("20000/FFFFFFFFFFFF.eml"), .state = B(HELD_HELD) }, out;
	struct faults     f = { 0 };
	int64_t           later = store_now_us() + 2 * DAY_US;

	(void)state;
	struct bytes found = keep("GGGGGGGGGGGG", B("hello"));
	assert_int_equal(held_add(s, &held), RC_OK);
	/* At once: what is young may be about to get its row. */
	assert_int_equal(vault_reconcile(v, s, store_now_us(), later, note_fault, &f), RC_OK);
	assert_int_equal(f.with_copy, 0);
	assert_int_equal(f.without_copy, 1);
	assert_string_equal(f.last, "FFFFFFFFFFFF");
	f = (struct faults){ 0 };
	assert_int_equal(vault_reconcile(v, s, later, later + DAY_US, note_fault, &f), RC_OK);
	assert_int_equal(f.with_copy, 1);
	assert_string_equal(f.last, "GGGGGGGGGGGG");
	assert_int_equal(held_get(s, a, B("GGGGGGGGGGGG"), &out), RC_OK);
	assert_bytes(out.state, B(HELD_UNCONFIRMED));
	assert_bytes(out.path, found);
	assert_int_equal(out.size, 5);
	/* And again finds nothing new. */
	f = (struct faults){ 0 };
	assert_int_equal(vault_reconcile(v, s, later, later + DAY_US, note_fault, &f), RC_OK);
	assert_int_equal(f.with_copy, 0);
}

static void
a_vault_keeps_its_name(void **state)
{
	struct vault *again;
	struct bytes  why;
	char          command[256];

	(void)state;
	assert_int_equal(vault_open(place, a, &again, &why), RC_OK);
	assert_bytes(vault_name(again), vault_name(v));
	vault_close(again);
	snprintf(command, sizeof(command), "echo something else > %s/.name", place);
	assert_int_equal(system(command), 0);
	assert_int_equal(vault_open(place, a, &again, &why), RC_IO);
	assert_true(bytes_ends_nocase(why, B("/.name: this is not what we wrote there")));
}

static void
what_was_begun_and_never_kept_is_removed(void **state)
{
	char path[200];

	(void)state;
	keep("HHHHHHHHHHHH", B("x"));
	snprintf(path, sizeof(path), "%s/20000/.begun-IIIIIIIIIIII", place);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(count_files("20000"), 2);
	assert_int_equal(vault_reconcile(v, s, store_now_us() + DAY_US, 0, NULL, NULL), RC_OK);
	assert_int_equal(count_files("20000"), 1);
}

/* ---- a release that is cut short ---- */

/* What a release or a deletion does, in this order; a kill may come after each. */
enum deed { TAKE_STATE, HAND_ON, NOTE_SENT, SAY_RELEASED, SAY_DELETED, SAY_EXPIRED, REMOVE_COPY, DEEDS_END };

static const struct cut {
	const char *name;
	enum deed   deeds[6];
	const char *state; /* afterwards */
	bool        has_copy;
	const char *by; /* within changed_by */
} cuts[] = {
	{ "a release that never began leaves it held", { DEEDS_END }, HELD_HELD, true, "root" },
	{ "cut before the MTA has it, it is held again", { TAKE_STATE, DEEDS_END }, HELD_HELD, true, "the release by root was cut short" },
	{ "cut before it is noted that the MTA has it, it is held again", { TAKE_STATE, HAND_ON, DEEDS_END }, HELD_HELD, true, "may have been delivered" },
	{ "cut before the row is changed, it is released all the same", { TAKE_STATE, HAND_ON, NOTE_SENT, DEEDS_END }, HELD_RELEASED, false, "root" },
	{ "cut before the copy is removed, the copy goes", { TAKE_STATE, HAND_ON, NOTE_SENT, SAY_RELEASED, DEEDS_END }, HELD_RELEASED, false, "root" },
	{ "a whole release leaves no copy", { TAKE_STATE, HAND_ON, NOTE_SENT, SAY_RELEASED, REMOVE_COPY, DEEDS_END }, HELD_RELEASED, false, "root" },
	{ "a deletion cut before the copy is removed leaves no copy", { SAY_DELETED, DEEDS_END }, HELD_DELETED, false, "root" },
	{ "an expiry cut before the copy is removed leaves no copy", { SAY_EXPIRED, DEEDS_END }, HELD_EXPIRED, false, "root" },
};

static void
do_deed(enum deed deed, struct bytes id, struct bytes path, int64_t now_us)
{
	static const struct {
		const char *from, *to;
	} changes[DEEDS_END] = {
		[TAKE_STATE] = { HELD_HELD, HELD_RELEASING },
		[SAY_RELEASED] = { HELD_RELEASING, HELD_RELEASED },
		[SAY_DELETED] = { HELD_HELD, HELD_DELETED },
		[SAY_EXPIRED] = { HELD_HELD, HELD_EXPIRED },
	};

	if (changes[deed].from != NULL)
		assert_int_equal(held_change(s, id, bytes_of(changes[deed].from), bytes_of(changes[deed].to), now_us, B("root")), RC_OK);
	else if (deed == NOTE_SENT)
		assert_int_equal(vault_note_sent(v, path), RC_OK);
	else if (deed == REMOVE_COPY)
		assert_int_equal(vault_remove(v, path), RC_OK);
}

static void
count_recovered(void *arg, const struct store_held *held)
{
	(void)held;
	++*(size_t *)arg;
}

static bool
count_due(void *arg, const struct store_held *held)
{
	count_recovered(arg, held);
	return true;
}

/* Of two gateways on one store each has its own copies. */
static void
rows_of_another_vault_are_left_alone(void **state)
{
	static const char *const states[] = { HELD_HELD, HELD_RELEASING, HELD_UNCONFIRMED };
	struct vault            *other;
	struct bytes             why;
	struct faults            f = { 0 };
	struct store_held        out;
	size_t                   count = 0;
	int64_t                  later = store_now_us() + 2 * DAY_US;

	(void)state;
	assert_int_equal(vault_open(arena_printf(a, "%s-other", place).at, a, &other, &why), RC_OK);
	assert_false(bytes_eq(vault_name(other), vault_name(v)));
	for (unsigned n = 0; n < NELEMS(states); n++) {
		struct bytes      id = arena_printf(a, "LLLLLLLLLLL%c", 'A' + n);
		struct store_held held = { .id = id, .at_us = NOON, .vault = vault_name(other), .path = arena_printf(a, "20000/%.*s.eml", B_FMT(id)),
			                   .state = bytes_of(states[n]), .expires_us = NOON, .changed_us = NOON, .changed_by = B("root") };
		assert_int_equal(held_add(s, &held), RC_OK);
	}
	assert_int_equal(vault_recover(v, s, NOON + RELEASE_LONGEST_US + 1, count_recovered, &count), RC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(vault_reconcile(v, s, later, later, note_fault, &f), RC_OK);
	assert_int_equal(f.without_copy, 0);
	assert_int_equal(held_due(s, vault_name(v), later, 0, 10, count_due, &count), RC_OK);
	assert_int_equal(count, 0);
	assert_int_equal(vault_recover(other, s, later, count_recovered, &count), RC_OK);
	assert_int_equal(count, 1);
	vault_close(other);
	/* A copy that was moved here is ours from now on. */
	keep("LLLLLLLLLLLA", B("hello"));
	assert_int_equal(vault_reconcile(v, s, later, later, note_fault, &f), RC_OK);
	assert_int_equal(f.with_copy, 0);
	assert_int_equal(held_get(s, a, B("LLLLLLLLLLLA"), &out), RC_OK);
	assert_bytes(out.vault, vault_name(v));
}

static void
check_cut(void **state)
{
	const struct cut *row = *state;
	struct store_held held = { .id = B("JJJJJJJJJJJJ"), .at_us = NOON, .state = B(HELD_HELD), .changed_by = B("root") }, after;
	struct buf        text = { 0 };
	int64_t           now = store_now_us();
	size_t            count = 0;

	begin(NULL);
	held.path = keep("JJJJJJJJJJJJ", B("hello"));
	held.vault = vault_name(v);
	assert_int_equal(held_add(s, &held), RC_OK);
	for (size_t i = 0; row->deeds[i] != DEEDS_END; i++)
		do_deed(row->deeds[i], held.id, held.path, now);
	/* While it may still be going on nothing is touched. */
	assert_int_equal(vault_recover(v, s, now + RELEASE_LONGEST_US, count_recovered, &count), RC_OK);
	assert_int_equal(count, 0);
	now += RELEASE_LONGEST_US + 1;
	assert_int_equal(vault_recover(v, s, now, count_recovered, &count), RC_OK);
	assert_int_equal(vault_reconcile(v, s, now + DAY_US, now + 9 * DAY_US, NULL, NULL), RC_OK);
	assert_int_equal(held_get(s, a, held.id, &after), RC_OK);
	assert_bytes(after.state, bytes_of(row->state));
	assert_true(bytes_find(after.changed_by, bytes_of(row->by)) < after.changed_by.len);
	assert_int_equal(vault_read(v, held.path, 0, &text), row->has_copy ? RC_OK : RC_IO);
	assert_int_equal(count_files("20000"), row->has_copy ? 1 : 0); /* nor any note */
	/* And once more finds nothing to do. */
	size_t again = 0;
	assert_int_equal(vault_recover(v, s, now + DAY_US, count_recovered, &again), RC_OK);
	assert_int_equal(again, 0);
	buf_free(&text);
	end(NULL);
}

static void
many_releases_that_were_cut_short_are_all_brought_back(void **state)
{
	size_t count = 0;

	(void)state;
	for (unsigned n = 0; n < 250; n++) {
		struct bytes      id = arena_printf(a, "KKKKKKKKK%c%c%c", 'A' + n % 26, 'A' + n / 26, 'A');
		struct store_held held = { .id = id, .at_us = NOON + n / 7, .vault = vault_name(v), .path = arena_printf(a, "20000/%.*s.eml", B_FMT(id)), .state = B(HELD_RELEASING),
			                   .changed_us = n % 5 == 0 ? store_now_us() : NOON, .changed_by = B("root") };
		assert_int_equal(held_add(s, &held), RC_OK);
	}
	assert_int_equal(vault_recover(v, s, store_now_us(), count_recovered, &count), RC_OK);
	assert_int_equal(count, 200);
	assert_int_equal(vault_recover(v, s, store_now_us() + DAY_US, count_recovered, &count), RC_OK);
	assert_int_equal(count, 250);
}

/* ---- killed at any instant ---- */

struct promise {
	char id[ID_LEN + 1], path[VAULT_PATH_MAX];
};

static void
new_id(char id[ID_LEN + 1])
{
	uint8_t random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		_exit(3);
	id_format(random, id);
}

/* The daemon in small: accounts pour in, and now and then a message is held; as
 * soon as it is safe the promise goes out, as the reply would. */
static _Noreturn void
serve(const char *where, int out)
{
	struct writer_settings set = { .where = where, .commit_ms = 5, .commit_rows = 50 };
	struct arena          *mine = arena_new((size_t)1 << 24);
	struct bytes           why;
	struct writer         *w;

	if (writer_start(&set, mine, &w, &why) != RC_OK || why.len > 0)
		_exit(2);
	for (;;) {
		struct promise promise = { .id = "" };
		new_id(promise.id);
		struct store_account account = rig_account(mine, 1, store_now_us());
		for (unsigned i = 0; i < 20; i++) {
			char id[ID_LEN + 1];
			new_id(id);
			account.id = bytes_of(id);
			writer_put(w, &account);
		}
		struct copy *c = copy_new(v, bytes_of(promise.id), NOON);
		copy_add(c, bytes_of(promise.id));
		if (vault_keep(c, promise.path) != RC_OK)
			_exit(4);
		copy_free(c);
		account.id = bytes_of(promise.id);
		struct store_held held = { .id = account.id, .at_us = NOON, .path = bytes_of(promise.path), .state = B(HELD_HELD) };
		if (writer_wait_now(w, &account, &held) != RC_OK || write(out, &promise, sizeof(promise)) != (ssize_t)sizeof(promise))
			_exit(5);
		arena_reset(mine);
	}
}

static size_t
read_promises(int in, struct promise *promises, size_t room)
{
	size_t count = 0;

	while (count < room && read(in, &promises[count], sizeof(*promises)) == (ssize_t)sizeof(*promises))
		count++;
	return count;
}

static void
check_promise(const struct promise *p)
{
	struct arena        *mine = arena_new((size_t)1 << 20);
	struct buf           text = { .limit = 1000 };
	struct store_held    held;
	struct store_account account;

	assert_int_equal(vault_read(v, bytes_of(p->path), 0, &text), RC_OK);
	assert_bytes(buf_bytes(&text), bytes_of(p->id));
	assert_int_equal(held_get(s, mine, bytes_of(p->id), &held), RC_OK);
	assert_bytes(held.path, bytes_of(p->path));
	assert_int_equal(store_account_get(s, mine, bytes_of(p->id), &account), RC_OK);
	assert_int_equal(account.recipient_count, 2); /* all of a transaction, or nothing */
	buf_free(&text);
	arena_free(mine);
}

static int
see_integrity(void *arg, int count, char **columns, char **names)
{
	(void)count;
	(void)names;
	*(bool *)arg = strcmp(columns[0], "ok") == 0;
	return 0;
}

static bool
file_is_whole(const char *path)
{
	sqlite3 *db = NULL;
	bool     whole = false;

	if (sqlite3_open(path, &db) == SQLITE_OK)
		sqlite3_exec(db, "PRAGMA integrity_check", see_integrity, &whole, NULL);
	sqlite3_close(db);
	return whole;
}

struct counted {
	int64_t rows, counted;
};

static bool
add_row(void *arg, const struct store_account *account)
{
	(void)account;
	((struct counted *)arg)->rows++;
	return true;
}

static bool
add_count(void *arg, const struct count *c)
{
	((struct counted *)arg)->counted += c->n;
	return true;
}

static void
counters_agree_with_rows(void)
{
	struct counted    c = { 0 };
	struct search     q = { .limit = SEARCH_LIMIT };
	struct search_end e = { .complete = false };

	while (!e.complete) {
		assert_int_equal(search_run(s, &q, add_row, &c, &e), RC_OK);
		q.after = e.next;
	}
	assert_int_equal(count_reasons(s, 0, store_now_us() + DAY_US, add_count, &c), RC_OK);
	assert_int_equal(c.rows, c.counted);
}

#define KILLS 10

static void
whoever_is_killed_what_was_promised_is_there(void **state)
{
	static struct promise promises[100000];
	char                  where[128];
	size_t                count = 0;

	(void)state;
	if (rig_is_sqlite())
		snprintf(where, sizeof(where), "%s/store.db", rig_dir());
	else
		snprintf(where, sizeof(where), "postgres://mailreeve@/postgres?host=%s&port=5439", rig_dir());
	store_close(s);
	for (unsigned n = 0; n < KILLS; n++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		fflush(NULL);
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			serve(where, ends[1]);
		}
		close(ends[1]);
		/* At least one promise, then at any instant. */
		size_t before = count;
		count += read_promises(ends[0], promises + count, 1);
		assert_int_equal(count, before + 1);
		usleep((useconds_t)((uint64_t)rand() % 60000));
		/* Of PostgreSQL the server dies too, every second time. */
		bool server = !rig_is_sqlite() && n % 2 == 1;
		kill(pid, SIGKILL);
		if (server)
			rig_take_away();
		waitpid(pid, NULL, 0);
		count += read_promises(ends[0], promises + count, NELEMS(promises) - count);
		close(ends[0]);
		if (server)
			rig_bring_back();
	}
	if (rig_is_sqlite())
		assert_true(file_is_whole(where));
	s = rig_open(STORE_WRITE);
	assert_true(count >= KILLS);
	for (size_t i = 0; i < count; i++)
		check_promise(&promises[i]);
	counters_agree_with_rows();
	struct faults f = { 0 };
	assert_int_equal(vault_reconcile(v, s, store_now_us(), 0, note_fault, &f), RC_OK);
	assert_int_equal(f.without_copy, 0); /* nor does any other row lack its copy */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_copy_comes_back_octet_by_octet),
		TEST(a_large_copy_comes_back_from_any_cuts),
		TEST(a_copy_that_is_not_kept_leaves_nothing),
		TEST(a_vault_that_is_gone_keeps_nothing_and_says_so),
		TEST(an_id_that_is_none_is_not_made_a_name),
		TEST(a_link_is_not_followed),
		TEST(copies_without_rows_are_kept_and_rows_without_copies_told),
		TEST(rows_of_another_vault_are_left_alone),
		TEST(a_vault_keeps_its_name),
		TEST(what_was_begun_and_never_kept_is_removed),
		TEST(many_releases_that_were_cut_short_are_all_brought_back),
		TEST(whoever_is_killed_what_was_promised_is_there),
	};

	rig_begin(argc, argv);
	srand((unsigned)clock_mono_us());
	for (size_t i = 0; i < NELEMS(tests); i++) {
		rows_add(tests[i].name, tests[i].test_func, NULL);
		rows_tests[rows_count - 1] = tests[i];
	}
	ROWS_ADD(paths, check_path);
	ROWS_ADD(cuts, check_cut);
	int failed = rows_run("vault");
	rig_end();
	return failed;
}
