/* test/door_test.c: the milter door with its threads, over sockets, with a
 * session that is told what to do. */
#include "base/rows.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/zone.h"
#include "front/door.h"
#include "front/scripted.h"
#include "milter_client.h"
#include "net/listen.h"

#define USUAL (EV_BIT(EV_MAIL) | EV_BIT(EV_RCPT) | EV_BIT(EV_EOM))
#define MANY  1000

static atomic_uint released, told;

static void
release(void *arg)
{
	(void)arg;
	atomic_fetch_add(&released, 1);
}

static void
on_told(void *arg, const struct account *account)
{
	(void)arg, (void)account;
	atomic_fetch_add(&told, 1);
}

/* ---- a door for one test ---- */

struct scene {
	struct door     *door;
	struct resolver *resolver;
	struct arena    *arena;
};

static const struct session_env env = { .hostname = B_INIT("gate.example.net") };

static struct door_settings
quick(void)
{
	struct door_settings s = door_defaults();

	s.loops = 2;
	s.drain_ms = 5000;
	s.quiet_ms = 20;
	s.told = on_told;
	return s;
}

static void
scene_begin(struct scene *sc, struct door_settings settings, const struct scripted_rule *rules, size_t count, const char *zone_text)
{
	struct zone *zone;
	struct bytes why = B_NONE;
	const char  *because;

	*sc = (struct scene){ .arena = arena_new((size_t)1 << 20) };
	scripted_begin(USUAL, rules, count);
	scripted_log_keep(false);
	atomic_store(&released, 0);
	atomic_store(&told, 0);
	if (zone_text != NULL) {
		assert_int_equal(zone_parse(sc->arena, bytes_of(zone_text), &zone, &why), RC_OK);
		assert_int_equal(resolver_open_zone(zone, true, &sc->resolver, &because), RC_OK);
	}
	sc->door = door_new(&settings, sc->resolver, &env, release, NULL);
	assert_non_null(sc->door);
}

static void
scene_run(struct scene *sc)
{
	assert_int_equal(door_run(sc->door), RC_OK);
}

static void
scene_end(struct scene *sc)
{
	door_drain(sc->door);
	door_wait(sc->door);
	resolver_free(sc->resolver);
	door_free(sc->door);
	arena_free(sc->arena);
	assert_int_equal(scripted_alive(), 0);
	assert_int_equal(atomic_load(&released), 1);
}

static struct mta
dial(struct scene *sc)
{
	struct mta m;
	int        pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	door_take(sc->door, pair[0]);
	mta_on(&m, pair[1]);
	return m;
}

static void
wait_until_open(struct scene *sc, uint64_t n)
{
	for (int i = 0; i < 5000 && door_count(sc->door).open != n; i++)
		usleep(1000);
	assert_int_equal(door_count(sc->door).open, n);
}

/* ---- the cases ---- */

static void
messages_pass_over_a_listener(void **state)
{
	char             dir[] = "/tmp/door_test.XXXXXX", address[64], *path = address + 5;
	struct listener *listener;
	struct bytes     why;
	struct scene     sc;
	struct mta       m;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(address, sizeof(address), "unix:%s/sock", dir);
	scene_begin(&sc, quick(), NULL, 0, NULL);
	struct listen_rights rights = { (uid_t)-1, (gid_t)-1, 0 };
	assert_int_equal(listener_open(bytes_of(address), &rights, sc.arena, &listener, &why), RC_OK);
	assert_int_equal(door_listen(sc.door, listener), RC_OK);
	scene_run(&sc);
	for (int i = 0; i < 4; i++) {
		assert_true(mta_connect(&m, path));
		assert_true(mta_greet(&m));
		assert_int_equal(mta_message(&m), 'c');
		assert_int_equal(mta_message(&m), 'c');
		assert_int_equal(mta_say(&m, 'Q', B_NONE), '-');
		assert_int_equal(mta_hear(&m), '\0');
		mta_close(&m);
	}
	wait_until_open(&sc, 0);
	struct door_stats stats = door_count(sc.door);
	assert_int_equal(stats.opened, 4);
	assert_int_equal(stats.messages, 8);
	assert_int_equal(stats.actions[ACTION_ACCEPT], 8);
	assert_int_equal(stats.faults, 0);
	assert_int_equal(atomic_load(&told), 8);

	door_drain(sc.door);
	door_wait(sc.door);
	listener_free(listener);
	assert_false(mta_connect(&m, path));
	door_free(sc.door);
	arena_free(sc.arena);
	rmdir(dir);
}

static void
connections_beyond_the_limit_are_closed(void **state)
{
	char                 dir[] = "/tmp/door_test.XXXXXX", address[64], *path = address + 5;
	struct door_settings settings = quick();
	struct listener     *listener;
	struct bytes         why;
	struct scene         sc;
	struct mta           first, second;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(address, sizeof(address), "unix:%s/sock", dir);
	settings.max_sessions = 1;
	scene_begin(&sc, settings, NULL, 0, NULL);
	struct listen_rights rights = { (uid_t)-1, (gid_t)-1, 0 };
	assert_int_equal(listener_open(bytes_of(address), &rights, sc.arena, &listener, &why), RC_OK);
	assert_int_equal(door_listen(sc.door, listener), RC_OK);
	scene_run(&sc);
	assert_true(mta_connect(&first, path));
	assert_true(mta_greet(&first));
	assert_true(mta_connect(&second, path));
	assert_int_equal(mta_negotiate(&second), '\0');
	assert_int_equal(mta_message(&first), 'c');
	assert_int_equal(door_count(sc.door).turned_away, 1);
	mta_close(&first);
	mta_close(&second);
	door_drain(sc.door);
	door_wait(sc.door);
	listener_free(listener);
	door_free(sc.door);
	arena_free(sc.arena);
	rmdir(dir);
}

static void
a_refusal_has_all_its_lines(void **state)
{
	static const struct scripted_rule rule = { EV_EOM, "", DO_REPLY };
	struct scene                      sc;

	(void)state;
	scene_begin(&sc, quick(), &rule, 1, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_message(&m), 'y');
	assert_bytes(m.payload, B("550-5.7.1 one\r\n550 5.7.1 two\0"));
	assert_int_equal(door_count(sc.door).actions[ACTION_REJECT], 1);
	mta_close(&m);
	scene_end(&sc);
}

static void
a_thousand_connections_at_once(void **state)
{
	static struct mta all[MANY];
	struct scene      sc;

	(void)state;
	struct rlimit files = { 4096, 4096 };
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	scene_begin(&sc, quick(), NULL, 0, NULL);
	scene_run(&sc);
	for (int i = 0; i < MANY; i++) {
		all[i] = dial(&sc);
		assert_true(mta_greet(&all[i]));
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(mta_message(&all[i]), 'c');
	assert_int_equal(door_count(sc.door).open, MANY);
	assert_int_equal(door_count(sc.door).messages, MANY);
	for (int i = 0; i < MANY; i++)
		mta_close(&all[i]);
	wait_until_open(&sc, 0);
	scene_end(&sc);
}

static void
a_question_is_answered_from_the_resolver(void **state)
{
	static const struct scripted_rule rule = { EV_MAIL, "", DO_ASK };
	struct scene                      sc;

	(void)state;
	scene_begin(&sc, quick(), &rule, 1, "example.com TXT \"x\"\n");
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_message(&m), 'c');
	mta_close(&m);
	scene_end(&sc);
}

static void
a_question_without_an_answer_is_a_4xx(void **state)
{
	static const struct scripted_rule rule = { EV_MAIL, "", DO_ASK };
	struct door_settings              settings = quick();
	struct scene                      sc;

	(void)state;
	settings.dns_ms = 50;
	scene_begin(&sc, settings, &rule, 1, "example.com TXT !timeout\n");
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_message(&m), 'y');
	assert_bytes(m.payload, B("451 4.4.3 late\0"));
	mta_close(&m);
	scene_end(&sc);
}

static void
without_a_resolver_too(void **state)
{
	static const struct scripted_rule rule = { EV_EOM, "", DO_ASK };
	struct scene                      sc;

	(void)state;
	scene_begin(&sc, quick(), &rule, 1, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_message(&m), 'y');
	assert_bytes(m.payload, B("451 4.4.3 late\0"));
	mta_close(&m);
	scene_end(&sc);
}

static void
the_mta_may_go_while_a_question_is_open(void **state)
{
	static const struct scripted_rule rule = { EV_MAIL, "", DO_ASK };
	struct scene                      sc;

	(void)state;
	scene_begin(&sc, quick(), &rule, 1, "example.com TXT !timeout\n");
	scene_run(&sc);
	for (int i = 0; i < 20; i++) {
		struct mta m = dial(&sc);
		assert_true(mta_greet(&m));
		mta_put(&m, 'M', B("<a@example.org>\0"));
		assert_true(mta_flush(&m));
		assert_int_equal(mta_hear_within(&m, 5), '?');
		mta_close(&m);
	}
	wait_until_open(&sc, 0);
	assert_int_equal(scripted_alive(), 0);
	scene_end(&sc);
}

static void
a_deadline_of_the_session_comes_in_time(void **state)
{
	static const struct scripted_rule rule = { EV_EOM, "", DO_WAIT };
	struct scene                      sc;

	(void)state;
	scene_begin(&sc, quick(), &rule, 1, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	uint64_t began = clock_mono_us();
	assert_int_equal(mta_message(&m), 'y');
	uint64_t took = clock_mono_us() - began;
	assert_bytes(m.payload, B("451 4.4.3 late\0"));
	assert_true(took >= 19000 && took < 2000000);
	mta_close(&m);
	scene_end(&sc);
}

static void
nonsense_is_hung_up_on(void **state)
{
	static const struct bytes nonsense[] = { B_INIT("GET / HTTP/1.1\r\n\r\n"), B_INIT("\0\0\0\0"), B_INIT("\0\0\0\1z") };
	struct scene              sc;

	(void)state;
	scene_begin(&sc, quick(), NULL, 0, NULL);
	scene_run(&sc);
	for (size_t i = 0; i < NELEMS(nonsense); i++) {
		struct mta m = dial(&sc);
		mta_put_raw(&m, nonsense[i]);
		assert_int_equal(mta_hear(&m), '\0');
		mta_close(&m);
	}
	assert_int_equal(door_count(sc.door).faults, NELEMS(nonsense));
	scene_end(&sc);
}

static void
a_field_of_a_megabyte_passes_and_a_larger_one_does_not(void **state)
{
	static char  big[(1 << 20) - 1];
	struct scene sc;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[1] = '\0';
	big[sizeof(big) - 1] = '\0';
	scene_begin(&sc, quick(), NULL, 0, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_say(&m, 'M', B("<a@example.org>\0")), 'c');
	assert_int_equal(mta_say(&m, 'L', bytes_make(big, sizeof(big))), '-');
	assert_int_equal(mta_say(&m, 'E', B_NONE), 'c');
	mta_put_raw(&m, B("\0\x10\0\1L"));
	assert_int_equal(mta_hear(&m), '\0');
	mta_close(&m);
	scene_end(&sc);
}

static void
an_mta_that_is_silent_too_long_is_left(void **state)
{
	struct door_settings settings = quick();
	struct scene         sc;

	(void)state;
	settings.idle_ms = 50;
	scene_begin(&sc, settings, NULL, 0, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_hear(&m), '\0');
	mta_close(&m);
	scene_end(&sc);
}

static void
an_mta_that_takes_no_answers_is_left(void **state)
{
	struct door_settings settings = quick();
	struct scene         sc;

	(void)state;
	settings.write_ms = 50;
	scene_begin(&sc, settings, NULL, 0, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	mta_put(&m, 'O', B("\0\0\0\6\0\0\1\xff\0\0\0\0")); /* each command is answered */
	mta_put(&m, 'C', B("x\0U"));
	for (int i = 0; i < 20000; i++)
		mta_put(&m, 'H', B("x\0"));
	bool sent = true;
	for (int i = 0; i < 200 && sent; i++) {
		for (int k = 0; k < 2000; k++)
			mta_put(&m, 'H', B("x\0"));
		sent = mta_flush(&m);
	}
	assert_false(sent);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	mta_close(&m);
	wait_until_open(&sc, 0);
	assert_int_equal(door_count(sc.door).faults, 1);
	scene_end(&sc);
}

static void
a_drain_lets_a_message_end_and_closes_what_is_idle(void **state)
{
	struct scene sc;

	(void)state;
	scene_begin(&sc, quick(), NULL, 0, NULL);
	scene_run(&sc);
	struct mta idle = dial(&sc), busy = dial(&sc);
	assert_true(mta_greet(&idle));
	assert_true(mta_greet(&busy));
	assert_int_equal(mta_say(&busy, 'M', B("<a@example.org>\0")), 'c');
	door_drain(sc.door);
	assert_int_equal(mta_hear(&idle), '\0');
	assert_int_equal(mta_say(&busy, 'R', B("<r@example.com>\0")), 'c');
	assert_int_equal(mta_say(&busy, 'E', B_NONE), 'c');
	assert_int_equal(mta_hear(&busy), '\0');
	door_wait(sc.door);
	assert_int_equal(door_count(sc.door).cut_off, 0);
	assert_int_equal(door_count(sc.door).messages, 1);
	struct mta late = dial(&sc);
	mta_close(&idle);
	mta_close(&busy);
	door_free(sc.door);
	assert_int_equal(mta_hear(&late), '\0');
	mta_close(&late);
	arena_free(sc.arena);
	assert_int_equal(scripted_alive(), 0);
	assert_int_equal(atomic_load(&released), 1);
}

static void
a_drain_has_an_end(void **state)
{
	struct door_settings settings = quick();
	struct scene         sc;

	(void)state;
	settings.drain_ms = 50;
	scene_begin(&sc, settings, NULL, 0, NULL);
	scene_run(&sc);
	struct mta m = dial(&sc);
	assert_true(mta_greet(&m));
	assert_int_equal(mta_say(&m, 'M', B("<a@example.org>\0")), 'c');
	door_drain(sc.door);
	door_wait(sc.door);
	assert_int_equal(mta_hear(&m), '\0');
	assert_int_equal(door_count(sc.door).cut_off, 1);
	mta_close(&m);
	door_free(sc.door);
	arena_free(sc.arena);
	assert_int_equal(scripted_alive(), 0);
}

static void
old_settings_go_with_their_last_message(void **state)
{
	static const struct session_env other = { .hostname = B_INIT("other.example.net") };
	struct scene                    sc;

	(void)state;
	scene_begin(&sc, quick(), NULL, 0, NULL);
	scene_run(&sc);
	struct mta idle = dial(&sc), busy = dial(&sc);
	assert_true(mta_greet(&idle));
	assert_true(mta_greet(&busy));
	assert_int_equal(mta_say(&busy, 'M', B("<a@example.org>\0")), 'c');
	assert_int_equal(door_reload(sc.door, &other, NULL, NULL), RC_OK);
	assert_int_equal(mta_message(&idle), 'c');
	assert_int_equal(atomic_load(&released), 0);
	assert_int_equal(mta_say(&busy, 'E', B_NONE), 'c');
	for (int i = 0; i < 5000 && atomic_load(&released) == 0; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&released), 1);
	assert_int_equal(mta_message(&busy), 'c');
	mta_close(&idle);
	mta_close(&busy);
	scene_end(&sc);
}

static void
a_door_that_never_ran_is_freed(void **state)
{
	struct scene sc;

	(void)state;
	scene_begin(&sc, quick(), NULL, 0, NULL);
	struct mta m = dial(&sc);
	door_free(sc.door);
	assert_int_equal(mta_hear(&m), '\0');
	mta_close(&m);
	arena_free(sc.arena);
	assert_int_equal(atomic_load(&released), 1);
}

int
main(void)
{
	rows_add("messages pass over a listener, and the socket goes with it", messages_pass_over_a_listener, NULL);
	rows_add("connections beyond the limit are closed", connections_beyond_the_limit_are_closed, NULL);
	rows_add("a refusal has all its lines", a_refusal_has_all_its_lines, NULL);
	rows_add("a thousand connections at once", a_thousand_connections_at_once, NULL);
	rows_add("a question is answered from the resolver", a_question_is_answered_from_the_resolver, NULL);
	rows_add("a question without an answer is a 4xx", a_question_without_an_answer_is_a_4xx, NULL);
	rows_add("a question without a resolver is a 4xx", without_a_resolver_too, NULL);
	rows_add("the MTA may go while a question is open", the_mta_may_go_while_a_question_is_open, NULL);
	rows_add("a deadline of the session comes in time", a_deadline_of_the_session_comes_in_time, NULL);
	rows_add("nonsense is hung up on", nonsense_is_hung_up_on, NULL);
	rows_add("a field of a megabyte passes, and a larger one does not", a_field_of_a_megabyte_passes_and_a_larger_one_does_not, NULL);
	rows_add("an MTA that is silent too long is left", an_mta_that_is_silent_too_long_is_left, NULL);
	rows_add("an MTA that takes no answers is left", an_mta_that_takes_no_answers_is_left, NULL);
	rows_add("a drain lets a message end and closes what is idle", a_drain_lets_a_message_end_and_closes_what_is_idle, NULL);
	rows_add("a drain has an end", a_drain_has_an_end, NULL);
	rows_add("old settings go with their last message", old_settings_go_with_their_last_message, NULL);
	rows_add("a door that never ran is freed", a_door_that_never_ran_is_freed, NULL);
	return rows_run("door");
}
