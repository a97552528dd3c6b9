/* desk/crew_test.c: jobs are done once each, what is too much is refused, and nothing is forgotten at the end. */
#include "base/rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "desk/crew.h"

#define JOBS    64
#define DONE    1
#define DROPPED 100

static atomic_bool gate; /* open: hands go on */
static atomic_int  begun, jobs[JOBS];

static void
work(void *hand, void *job)
{
	(void)hand;
	atomic_fetch_add(&begun, 1);
	while (!atomic_load(&gate))
		usleep(1000);
	atomic_fetch_add((atomic_int *)job, DONE);
}

static void
drop(void *job)
{
	atomic_fetch_add((atomic_int *)job, DROPPED);
}

static struct crew *
crew_of(size_t hands, size_t queue, bool open)
{
	static void *const   nobody[CREW_MOST];
	struct crew_settings with = { "test", queue, nobody, hands, work, drop };
	struct crew         *c = NULL;

	atomic_store(&gate, open);
	atomic_store(&begun, 0);
	for (int i = 0; i < JOBS; i++)
		atomic_store(&jobs[i], 0);
	assert_int_equal(crew_start(&with, &c), RC_OK);
	return c;
}

static void
wait_for_begun(int value)
{
	while (atomic_load(&begun) < value)
		usleep(1000);
}

static void
each_once(void **state)
{
	struct crew *c = crew_of(4, JOBS, true);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		assert_true(crew_put(c, &jobs[i]));
	wait_for_begun(JOBS);
	crew_free(c);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i], DONE);
}

static void
bounded(void **state)
{
	struct crew *c = crew_of(1, 2, false);

	(void)state;
	assert_true(crew_put(c, &jobs[0]));
	wait_for_begun(1); /* the one hand is busy */
	assert_true(crew_put(c, &jobs[1]));
	assert_true(crew_put(c, &jobs[2]));
	assert_false(crew_put(c, &jobs[3]));
	atomic_store(&gate, true);
	wait_for_begun(3);
	assert_true(crew_put(c, &jobs[3]));
	wait_for_begun(4);
	crew_free(c);
	assert_int_equal(jobs[3], DONE);
}

static void *
open_gate(void *arg)
{
	(void)arg;
	usleep(20000);
	atomic_store(&gate, true);
	return NULL;
}

static void
none_forgotten(void **state)
{
	struct crew *c = crew_of(1, JOBS, false);
	pthread_t    opener;

	(void)state;
	for (int i = 0; i + 1 < JOBS; i++)
		assert_true(crew_put(c, &jobs[i]));
	wait_for_begun(1);
	assert_int_equal(pthread_create(&opener, NULL, open_gate, NULL), 0);
	crew_stop(c);
	assert_false(crew_put(c, &jobs[JOBS - 1]));
	crew_free(c);
	pthread_join(opener, NULL);
	assert_int_equal(jobs[0], DONE);
	for (int i = 1; i + 1 < JOBS; i++)
		assert_true(jobs[i] == DONE || jobs[i] == DROPPED);
	assert_int_equal(jobs[JOBS - 1], 0);
}

int
main(void)
{
	rows_add("every job is done, and once", each_once, NULL);
	rows_add("what does not fit into the queue is refused", bounded, NULL);
	rows_add("when it is stopped each job is either done or dropped, and no more are taken", none_forgotten, NULL);
	return rows_run("desk/crew");
}
