/* net/listen_test.c: endpoints as text, listeners and acceptors. */
#include "base/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listen.h"

/* ---- endpoints ---- */

static const struct endpoint_row {
	const char *name;
	const char *text;
	const char *format; /* NULL: refused */
	const char *why; /* found in the sentence */
} endpoint_rows[] = {
	{ "a UNIX path is taken", "unix:/run/x.sock", "unix:/run/x.sock", "" },
	{ "local is unix", "local:/run/x.sock", "unix:/run/x.sock", "" },
	{ "an IPv4 address and port are taken", "inet:192.0.2.1:8891", "inet:192.0.2.1:8891", "" },
	{ "the milter order of port and host too", "inet:8891@192.0.2.1", "inet:192.0.2.1:8891", "" },
	{ "localhost is 127.0.0.1", "inet:localhost:25", "inet:127.0.0.1:25", "" },
	{ "a star is every address", "inet:*:25", "inet:0.0.0.0:25", "" },
	{ "an IPv6 address stands in brackets", "inet6:[2001:DB8::1]:25", "inet6:[2001:db8::1]:25", "" },
	{ "or behind the port", "inet6:25@2001:db8::1", "inet6:[2001:db8::1]:25", "" },
	{ "localhost is ::1 for inet6", "inet6:localhost:25", "inet6:[::1]:25", "" },
	{ "a star is every IPv6 address", "inet6:*:0", "inet6:[::]:0", "" },
	{ "the kind may be written in upper case", "INET:127.0.0.1:1", "inet:127.0.0.1:1", "" },
	{ "a relative path is refused", "unix:run/x.sock", NULL, "slash" },
	{ "an empty path is refused", "unix:", NULL, "slash" },
	{ "a path of 104 characters is refused", "unix:/123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012 4", NULL, "103" },
	{ "a port of 65536 is refused", "inet:127.0.0.1:65536", NULL, "port" },
	{ "a missing port is refused", "inet:127.0.0.1", NULL, "port" },
	{ "a host name is refused", "inet:mail.example.com:25", NULL, "IPv4 address" },
	{ "an IPv6 address is no inet", "inet:[::1]:25", NULL, "IPv4 address" },
	{ "an IPv4 address is no inet6", "inet6:127.0.0.1:25", NULL, "IPv6 address" },
	{ "a bare port is refused", "8891", NULL, "unix:/path" },
	{ "nothing is refused", "", NULL, "unix:/path" },
};

static void
check_endpoint(void **state)
{
	const struct endpoint_row *row = *state;
	struct endpoint            e, again;
	const char                *why = "";
	char                       text[ENDPOINT_TEXT_MAX];

	enum rc rc = endpoint_parse(bytes_of(row->text), &e, &why);
	assert_int_equal(rc, row->format != NULL ? RC_OK : RC_SYNTAX);
	if (row->format == NULL) {
		assert_non_null(strstr(why, row->why));
		return;
	}
	assert_int_equal(endpoint_format(&e, text), strlen(row->format));
	assert_string_equal(text, row->format);
	assert_int_equal(endpoint_parse(bytes_of(text), &again, &why), RC_OK);
	assert_true(endpoint_eq(&e, &again));
}

static void
the_longest_path_fits(void **state)
{
	char            text[5 + 103 + 1] = "unix:/";
	struct endpoint e;
	const char     *why = "";

	(void)state;
	memset(text + 6, 'x', 102);
	assert_int_equal(endpoint_parse(bytes_make(text, 108), &e, &why), RC_OK);
	assert_int_equal(strlen(endpoint_path(&e)), 103);
	assert_int_equal(endpoint_parse(bytes_make("unix:/\0x", 8), &e, &why), RC_SYNTAX);
}

/* ---- listeners ---- */

static char          dir[] = "/tmp/mailreeve-listen-XXXXXX";
static struct arena *arena;
static struct loop  *loop;
static struct bytes  why;

static const struct listen_rights rights = { (uid_t)-1, (gid_t)-1, 0 };

static void
begin(void)
{
	arena = arena_new(100000);
	loop = loop_new();
	assert_non_null(arena);
	assert_non_null(loop);
}

static void
end(void)
{
	loop_free(loop);
	arena_free(arena);
}

static struct bytes
path_of(const char *name)
{
	return arena_printf(arena, "unix:%s/%s", dir, name);
}

static struct listener *
open_or_fail(struct bytes text)
{
	struct listener *l = NULL;

	if (listener_open(text, &rights, arena, &l, &why) != RC_OK)
		fail_msg("%.*s", B_FMT(why));
	return l;
}

static int
connect_to(const struct listener *l)
{
	const struct endpoint *e = listener_endpoint(l);
	int                    fd = socket(e->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&e->at, e->len), 0);
	return fd;
}

static int             accepted[64];
static size_t          accepted_count;
static size_t          accepted_wanted;
static struct endpoint last_peer;

static void
on_accept(void *arg, int fd, const struct endpoint *peer)
{
	(void)arg;
	accepted[accepted_count++] = fd;
	last_peer = *peer;
	if (accepted_count == accepted_wanted)
		loop_stop(loop);
}

static void
close_accepted(void)
{
	while (accepted_count > 0)
		close(accepted[--accepted_count]);
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void
run_for(unsigned ms)
{
	struct timer *t = timer_new(loop, stop, NULL);

	timer_set(t, ms);
	assert_int_equal(loop_run(loop), RC_OK);
	timer_free(t);
}

static void
a_unix_socket_accepts_and_goes_with_its_listener(void **state)
{
	struct stat st;

	(void)state;
	begin();
	struct listener *l = open_or_fail(path_of("a.sock"));
	assert_int_equal(stat(endpoint_path(listener_endpoint(l)), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	struct acceptor *a = acceptor_new(l, loop, on_accept, NULL);
	assert_non_null(a);
	int clients[40];
	accepted_wanted = NELEMS(clients); /* more than one burst */
	for (size_t i = 0; i < NELEMS(clients); i++)
		clients[i] = connect_to(l);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(accepted_count, NELEMS(clients));
	assert_true(fcntl(accepted[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC);
	socket_quickack(accepted[0]);
	for (size_t i = 0; i < NELEMS(clients); i++)
		close(clients[i]);
	close_accepted();
	acceptor_free(a);
	struct bytes path = bytes_of(endpoint_path(listener_endpoint(l)));
	path = arena_copy(arena, path);
	listener_free(l);
	assert_int_equal(stat(path.at, &st), -1);
	assert_int_equal(errno, ENOENT);
	end();
}

static void
rights_are_set(void **state)
{
	struct listen_rights mine = { getuid(), getgid(), 0600 };
	struct listener     *l;
	struct stat          st;

	(void)state;
	begin();
	assert_int_equal(listener_open(path_of("r.sock"), &mine, arena, &l, &why), RC_OK);
	assert_int_equal(stat(endpoint_path(listener_endpoint(l)), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, getuid());
	listener_free(l);
	end();
}

static void
a_live_socket_is_left_alone(void **state)
{
	struct listener *second = NULL;

	(void)state;
	begin();
	struct listener *l = open_or_fail(path_of("live.sock"));
	assert_int_equal(listener_open(path_of("live.sock"), &rights, arena, &second, &why), RC_IO);
	assert_null(second);
	assert_true(bytes_ends_nocase(why, B("live.sock: somebody is listening there already")));
	close(connect_to(l));
	listener_free(l);
	end();
}

static void
a_dead_socket_is_replaced(void **state)
{
	int status;

	(void)state;
	begin();
	pid_t child = fork();
	if (child == 0) {
		open_or_fail(path_of("dead.sock"));
		raise(SIGKILL); /* not an exit: valgrind would find fault with what is left open */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(access(path_of("dead.sock").at + 5, F_OK), 0);
	struct listener *l = open_or_fail(path_of("dead.sock"));
	close(connect_to(l));
	listener_free(l);
	end();
}

static void
a_path_that_another_has_taken_over_stays_his(void **state)
{
	(void)state;
	begin();
	struct listener *before = open_or_fail(path_of("over.sock"));
	assert_int_equal(unlink(path_of("over.sock").at + 5), 0);
	struct listener *after = open_or_fail(path_of("over.sock"));
	listener_free(before);
	close(connect_to(after));
	listener_free(after);
	end();
}

static void
a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct listener *l = NULL;

	(void)state;
	begin();
	struct bytes text = path_of("file");
	int          fd = open(text.at + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listener_open(text, &rights, arena, &l, &why), RC_IO);
	assert_true(bytes_ends_nocase(why, B("file: there is something that is no socket")));
	unlink(text.at + 5);
	assert_int_equal(listener_open(path_of("no/such/dir"), &rights, arena, &l, &why), RC_IO);
	assert_true(bytes_ends_nocase(why, B("No such file or directory")));
	assert_null(l);
	end();
}

static void
port_nought_gives_a_real_port_and_no_delay(void **state)
{
	unsigned  port, peer_port;
	int       one = 0;
	socklen_t len = sizeof(one);

	(void)state;
	begin();
	struct listener *l = open_or_fail(B("inet:127.0.0.1:0"));
	endpoint_ip(listener_endpoint(l), &port);
	assert_true(port > 0);
	struct acceptor *a = acceptor_new(l, loop, on_accept, NULL);
	accepted_wanted = 1;
	int client = connect_to(l);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(getsockopt(accepted[0], IPPROTO_TCP, TCP_NODELAY, &one, &len), 0);
	assert_int_equal(one, 1);
	struct ip ip = endpoint_ip(&last_peer, &peer_port);
	char      text[IP_TEXT_MAX];
	ip_format(&ip, text);
	assert_string_equal(text, "127.0.0.1");
	assert_true(peer_port > 0);
	socket_quickack(accepted[0]);
	struct listener *second = NULL;
	char             same[ENDPOINT_TEXT_MAX];
	endpoint_format(listener_endpoint(l), same);
	assert_int_equal(listener_open(bytes_of(same), &rights, arena, &second, &why), RC_IO);
	assert_true(bytes_ends_nocase(why, B("somebody is listening there already")));
	close(client);
	close_accepted();
	acceptor_free(a);
	listener_free(l);
	end();
}

static void
inet6_listens_where_there_is_ipv6(void **state)
{
	struct listener *l = NULL;

	(void)state;
	begin();
	if (listener_open(B("inet6:[::1]:0"), &rights, arena, &l, &why) != RC_OK) {
		end();
		skip();
	}
	close(connect_to(l));
	listener_free(l);
	end();
}

static void
a_held_acceptor_takes_nobody_until_let_go(void **state)
{
	(void)state;
	begin();
	struct listener *l = open_or_fail(path_of("held.sock"));
	struct acceptor *a = acceptor_new(l, loop, on_accept, NULL);
	accepted_wanted = 1;
	acceptor_hold(a, true);
	int client = connect_to(l);
	run_for(20);
	assert_int_equal(accepted_count, 0);
	acceptor_hold(a, false);
	assert_int_equal(loop_run(loop), RC_OK);
	assert_int_equal(accepted_count, 1);
	close(client);
	close_accepted();
	acceptor_free(a);
	listener_free(l);
	end();
}

/* Not under valgrind: that has the kernel accept, and then closes what is above the limit. */
static bool
stays_when_refused(int listening)
{
	struct pollfd waiting = { .fd = listening, .events = POLLIN };

	assert_int_equal(accept(listening, NULL, NULL), -1);
	assert_int_equal(errno, EMFILE);
	return poll(&waiting, 1, 0) == 1;
}

static void
out_of_descriptors_it_pauses_and_comes_back(void **state)
{
	struct rlimit before, low;

	(void)state;
	begin();
	struct listener *l = open_or_fail(path_of("full.sock"));
	struct acceptor *a = acceptor_new(l, loop, on_accept, NULL);
	accepted_wanted = 1;
	int client = connect_to(l);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = (rlim_t)client + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	int hole;
	while ((hole = dup(client)) >= 0) /* what is free below the limit */
		accepted[accepted_count++] = hole;
	size_t fillers = accepted_count;
	accepted_wanted = fillers + 1;
	bool is_kept = stays_when_refused(listener_fd(l));
	if (is_kept)
		run_for(250);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(accepted_count, fillers);
	if (is_kept) {
		assert_in_range(acceptor_pauses(a), 1, 4); /* it did not spin */
		assert_int_equal(loop_run(loop), RC_OK);
		assert_int_equal(accepted_count, fillers + 1);
	}
	close(client);
	close_accepted();
	acceptor_free(a);
	listener_free(l);
	end();
	if (!is_kept)
		skip();
}

/* In a child, because systemd's descriptors have fixed numbers. */
static int
use_passed_socket(struct listener *given)
{
	char             text[ENDPOINT_TEXT_MAX], pid[16];
	struct listener *l = NULL;

	endpoint_format(listener_endpoint(given), text);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (dup2(listener_fd(given), 3) != 3)
		return 1;
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", "1", 1); /* somebody else's */
	if (listener_open(bytes_of(text), &rights, arena, &l, &why) != RC_IO)
		return 2;
	setenv("LISTEN_PID", pid, 1);
	if (listener_open(bytes_of(text), &rights, arena, &l, &why) != RC_OK)
		return 3;
	if (listener_fd(l) != 3 || !(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(3, F_GETFL) & O_NONBLOCK))
		return 4;
	listener_free(l);
	return 0;
}

static void
check_passed(void **state)
{
	/* Not on the stack: valgrind would call it lost in a child that never comes back to it, and change its exit status. */
	static struct listener *l;
	int                     status;

	begin();
	struct bytes text = strcmp(*state, "unix") == 0 ? path_of("passed.sock") : B("inet:127.0.0.1:0");
	l = open_or_fail(text);
	pid_t child = fork();
	if (child == 0)
		_exit(use_passed_socket(l));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(connect_to(l)); /* the path is still there: it was not the child's */
	listener_free(l);
	end();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	ROWS_ADD(endpoint_rows, check_endpoint);
#define ADD(test) rows_add(#test, test, NULL)
	ADD(the_longest_path_fits);
	ADD(a_unix_socket_accepts_and_goes_with_its_listener);
	ADD(rights_are_set);
	ADD(a_live_socket_is_left_alone);
	ADD(a_dead_socket_is_replaced);
	ADD(a_path_that_another_has_taken_over_stays_his);
	ADD(a_file_that_is_no_socket_is_left_alone);
	ADD(port_nought_gives_a_real_port_and_no_delay);
	ADD(inet6_listens_where_there_is_ipv6);
	ADD(a_held_acceptor_takes_nobody_until_let_go);
	ADD(out_of_descriptors_it_pauses_and_comes_back);
	rows_add("a UNIX socket passed by systemd is taken", check_passed, "unix");
	rows_add("a TCP socket passed by systemd is taken", check_passed, "inet");
	int failed = rows_run("listen");
	rmdir(dir);
	return failed;
}
