/* session/keeper_test.c: whatever becomes of a message that is to be kept, copy and
 * row are both there, or neither. */
#include "base/rows.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "session/keeper.h"

static char          folder[] = "/tmp/mailreeve-keeper-XXXXXX";
static struct vault *vault;

static const struct row {
	const char *name;
	bool        ok;
	bool        away; /* there is no store */
	bool        taken; /* its id is in the store already */
	bool        busy; /* somebody else writes for longer than the deadline */
	unsigned    deadline_ms;
} rows[] = {
	{ "what is kept has its copy and its row", true, false, false, false, 0 },
	{ "what is kept in time has them too", true, false, false, false, 60000 },
	{ "of what is too late nothing stays, and its id is free for the deferral", false, false, false, true, 100 },
	{ "while the store is away no copy stays behind", false, true, false, false, 60000 },
	{ "of a row that the store refuses no copy stays", false, false, true, false, 60000 },
};

struct outcome {
	pthread_mutex_t lock;
	pthread_cond_t  came;
	unsigned        times;
	bool            ok;
};

static void
take_outcome(void *arg, bool ok)
{
	struct outcome *out = arg;

	pthread_mutex_lock(&out->lock);
	out->times++;
	out->ok = ok;
	pthread_cond_signal(&out->came);
	pthread_mutex_unlock(&out->lock);
}

static struct keep *
message(struct bytes id, unsigned deadline_ms)
{
	struct arena *a = arena_new(65536);
	struct keep  *k = arena_take(a, sizeof(*k));

	assert_non_null(k);
	k->arena = a;
	k->copy = copy_new(vault, id, store_now_us());
	copy_add(k->copy, B("From: a@example.org\r\n\r\nhello\r\n"));
	k->row = (struct store_account){ .id = id, .action = B("quarantine"), .reason = B("dmarc.quarantine") };
	k->held = (struct store_held){ .id = id, .recipients = B("b@example.net\n"), .state = B(HELD_HELD), .changed_by = B("mailreeve") };
	k->deadline_ms = deadline_ms;
	return k;
}

static unsigned
copies(void)
{
	char           path[128];
	struct dirent *e;
	unsigned       count = 0;

	snprintf(path, sizeof(path), "%s/vault/%lld", folder, (long long)store_day(store_now_us()));
	DIR *d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		count += e->d_name[0] != '.' || e->d_name[1] == 'b';
	if (d != NULL)
		closedir(d);
	return count;
}

static void
check_row(void **state)
{
	const struct row *row = *state;
	struct arena     *a = arena_new((size_t)1 << 20);
	struct bytes      id = arena_printf(a, "4QXYZ7KM2PA%c", (int)("ABCDE"[row - rows])), why;
	struct outcome    out = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false };
	struct store_account account = { .id = id, .at_us = store_now_us(), .action = B("defer") };
	struct writer_settings set = { .where = arena_printf(a, "%s/%s/store.db", folder, row->away ? "absent" : ".").at, .commit_ms = 10 };
	struct writer    *w;
	unsigned          before = copies();

	assert_int_equal(writer_start(&set, a, &w, &why), RC_OK);
	struct keeper *k = keeper_start(w, 1);
	assert_non_null(k);
	if (row->taken)
		assert_int_equal(writer_wait_now(w, &account, NULL), RC_OK);
	struct store *other = NULL;
	if (row->busy) {
		assert_int_equal(store_open(set.where, STORE_WRITE, a, &other, &why), RC_OK);
		assert_int_equal(store_begin(other), RC_OK);
	}
	assert_true(keeper_put(k, message(id, row->deadline_ms), take_outcome, &out));
	if (row->busy) {
		usleep(300000);
		store_rollback(other);
		store_close(other);
	}
	pthread_mutex_lock(&out.lock);
	while (out.times == 0)
		pthread_cond_wait(&out.came, &out.lock);
	pthread_mutex_unlock(&out.lock);
	assert_int_equal(out.ok, row->ok);
	if (!row->ok && !row->taken) /* what the session puts then */
		assert_true(writer_put(w, &account));
	keeper_stop(k);
	struct writer_stats stats;
	if (!row->away)
		assert_true(writer_flush(w, 20000));
	writer_count(w, &stats);
	assert_int_equal(stats.refused, row->taken);
	writer_stop(w, 0);
	assert_int_equal(out.times, 1);
	assert_int_equal(copies() - before, row->ok);
	arena_free(a);
}

int
main(void)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct bytes  why;
	char          command[80];

	if (mkdtemp(folder) == NULL || vault_open(arena_printf(a, "%s/vault", folder).at, a, &vault, &why) != RC_OK)
		return 1;
	int failed = ROWS_RUN("keeper", rows, check_row);
	vault_close(vault);
	arena_free(a);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || failed;
}
