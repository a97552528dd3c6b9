/* net/listen.c: see listen.h. */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     1024
#define BURST       16 /* connections taken in one round, so that others get theirs */
#define PAUSE_MS    100
#define NEW         ".new" /* behind the path while it is made ready */
#define PASSED_FROM 3 /* the first descriptor that systemd passes */
#define PASSED_MAX  64

struct listener {
	struct endpoint at;
	int             fd;
	bool            ours; /* the path is to be removed */
	dev_t           dev; /* of the path as we made it */
	ino_t           ino;
};

struct acceptor {
	struct listener *listener;
	struct loop     *loop;
	struct watch    *watch;
	struct timer    *pause;
	bool             held;
	uint64_t         pauses;
	void (*fn)(void *, int, const struct endpoint *);
	void *arg;
};

static bool
local_endpoint(int fd, struct endpoint *e)
{
	e->len = sizeof(e->at);
	return getsockname(fd, (struct sockaddr *)&e->at, &e->len) == 0;
}

/* ---- sockets passed by systemd, sd_listen_fds(3) ---- */

static uint64_t
number_in(const char *variable, uint64_t max)
{
	uint64_t n;

	return bytes_number(bytes_of(getenv(variable)), max, &n) ? n : 0;
}

/* A UNIX socket keeps the name it was bound by, so one that another of our
 * processes opened and passed on has the name of bind_unix(). */
static bool
is_at(const struct endpoint *e, const struct endpoint *want)
{
	const char *path = endpoint_path(e), *wanted = endpoint_path(want);

	if (path == NULL || wanted == NULL)
		return endpoint_eq(e, want);
	size_t len = strlen(wanted);
	return strncmp(path, wanted, len) == 0 && (path[len] == '\0' || strcmp(path + len, NEW) == 0);
}

static int
find_passed(const struct endpoint *want)
{
	if (number_in("LISTEN_PID", INT32_MAX) != (uint64_t)getpid())
		return -1;
	int count = (int)number_in("LISTEN_FDS", PASSED_MAX);
	for (int fd = PASSED_FROM; fd < PASSED_FROM + count; fd++) {
		struct endpoint e;
		int             listening = 0;
		socklen_t       len = sizeof(listening);
		if (!local_endpoint(fd, &e) || !is_at(&e, want))
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening)
			continue;
		int flags = fcntl(fd, F_GETFL);
		if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
			return fd;
	}
	return -1;
}

/* ---- opening ---- */

static int
stream_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* What is on the path now: NULL if it may be replaced (or is nothing), else why not. */
static const char *
obstacle(const struct endpoint *e)
{
	const char *path = endpoint_path(e);
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "there is something that is no socket";
	int fd = stream_socket(AF_UNIX);
	if (fd < 0)
		return strerror(errno);
	/* A full queue (EAGAIN) is an answer too. */
	bool dead = connect(fd, (const struct sockaddr *)&e->at, e->len) != 0 && (errno == ECONNREFUSED || errno == ENOENT);
	close(fd);
	return dead ? NULL : "somebody is listening there already";
}

/* The socket gets its rights under another name before it can be connected to,
 * and takes the place of a dead one by rename(): there is no moment without. */
static const char *
bind_unix(struct listener *l, const struct listen_rights *rights)
{
	const char        *path = endpoint_path(&l->at);
	const char        *fault = obstacle(&l->at);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat        st;

	if (fault != NULL)
		return fault;
	snprintf(un.sun_path, sizeof(un.sun_path), "%.103s" NEW, path);
	if (lstat(un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(un.sun_path);
	if (bind(l->fd, (struct sockaddr *)&un, sizeof(un)) != 0)
		return strerror(errno);
	if (chmod(un.sun_path, rights->mode != 0 ? rights->mode : 0660) != 0 ||
	    lchown(un.sun_path, rights->owner, rights->group) != 0 || listen(l->fd, BACKLOG) != 0 || lstat(un.sun_path, &st) != 0 ||
	    rename(un.sun_path, path) != 0) {
		fault = strerror(errno);
		unlink(un.sun_path);
		return fault;
	}
	l->ours = true;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return NULL;
}

static const char *
bind_inet(struct listener *l)
{
	int one = 1;

	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l->at.at.ss_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(l->fd, (struct sockaddr *)&l->at.at, l->at.len) != 0 || listen(l->fd, BACKLOG) != 0)
		return errno == EADDRINUSE ? "somebody is listening there already" : strerror(errno);
	return local_endpoint(l->fd, &l->at) ? NULL : strerror(errno);
}

static const char *
open_socket(struct listener *l, const struct listen_rights *rights)
{
	l->fd = find_passed(&l->at);
	if (l->fd >= 0)
		return NULL;
	l->fd = stream_socket(l->at.at.ss_family);
	if (l->fd < 0)
		return strerror(errno);
	return l->at.at.ss_family == AF_UNIX ? bind_unix(l, rights) : bind_inet(l);
}

enum rc
listener_open(struct bytes text, const struct listen_rights *rights, struct arena *a, struct listener **listener_out,
              struct bytes *why_out)
{
	struct listener *l = calloc(1, sizeof(*l));
	const char      *fault = "out of memory";
	enum rc          rc = RC_MEMORY;

	if (l == NULL)
		goto fail;
	l->fd = -1;
	rc = endpoint_parse(text, &l->at, &fault);
	if (rc != RC_OK)
		goto fail;
	rc = RC_IO;
	fault = open_socket(l, rights);
	if (fault != NULL)
		goto fail;

	*listener_out = l;
	return RC_OK;

fail:
	*why_out = arena_printf(a, "%.*s: %s", B_FMT(text), fault);
	listener_free(l);
	return rc;
}

void
listener_close(struct listener *l)
{
	struct stat st;
	const char *path = endpoint_path(&l->at);

	/* Another process may have put its own there since. */
	if (l->ours && path != NULL && lstat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(path);
	l->ours = false;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	listener_close(l);
	free(l);
}

const struct endpoint *
listener_endpoint(const struct listener *l)
{
	return &l->at;
}

int
listener_fd(const struct listener *l)
{
	return l->fd;
}

/* ---- accepting ---- */

static void
pause_accepting(struct acceptor *a)
{
	a->pauses++;
	watch_want(a->watch, 0);
	timer_set(a->pause, PAUSE_MS);
}

static void
on_pause_over(void *arg)
{
	struct acceptor *a = arg;

	if (!a->held)
		watch_want(a->watch, WATCH_READ);
}

static void
hand_over(struct acceptor *a, int fd, const struct endpoint *peer)
{
	int one = 1;

	if (peer->at.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	a->fn(a->arg, fd, peer);
}

static void
on_connection(void *arg, unsigned got)
{
	struct acceptor *a = arg;

	(void)got;
	for (int i = 0; i < BURST && !a->held; i++) {
		struct endpoint peer = { .len = sizeof(peer.at) };
		int             fd = accept4(a->listener->fd, (struct sockaddr *)&peer.at, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			hand_over(a, fd, &peer);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(a);
			return;
		}
		/* Anything else concerns the one connection, which is gone: accept(2), "Error handling". */
	}
}

struct acceptor *
acceptor_new(struct listener *l, struct loop *loop, void (*fn)(void *, int, const struct endpoint *), void *arg)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct acceptor){ .listener = l, .loop = loop, .fn = fn, .arg = arg };
	a->pause = timer_new(loop, on_pause_over, a);
	if (a->pause != NULL)
		a->watch = watch_new(loop, l->fd, WATCH_READ, on_connection, a);
	if (a->watch != NULL)
		return a;
	acceptor_free(a);
	return NULL;
}

uint64_t
acceptor_pauses(const struct acceptor *a)
{
	return a->pauses;
}

void
acceptor_hold(struct acceptor *a, bool hold)
{
	a->held = hold;
	timer_off(a->pause);
	watch_want(a->watch, hold ? 0 : WATCH_READ);
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	watch_free(a->watch);
	timer_free(a->pause);
	free(a);
}

void
socket_quickack(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}
