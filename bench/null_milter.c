/* bench/null_milter.c: a milter that accepts everything and looks at nothing.
 *
 *     null_milter /path/of/socket
 *
 * One loop, no answer agreed on before the end of the message: what the milter
 * protocol costs with this MTA, and so what a filter can at best come to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/milter_codec.h"
#include "net/listen.h"

struct guest {
	struct watch *watch;
	struct buf    in, out;
	int           fd;
};

static struct loop *loop;
static char         scratch[65536];

static void
hang_up(struct guest *g)
{
	watch_free(g->watch);
	close(g->fd);
	buf_free(&g->in);
	buf_free(&g->out);
	free(g);
}

/* False: this was the end. */
static bool
on_frame(struct guest *g, const struct milter_frame *frame)
{
	struct milter_options offer, agreed;
	struct bytes          why;

	if (frame->command == MILTER_OPTNEG) {
		if (!milter_options_parse(frame->payload, &offer) || !milter_agree(&offer, EV_BIT(EV_EOM), &agreed, &why))
			return false;
		milter_write_options(&g->out, &agreed);
	} else if (frame->command == MILTER_EOM) {
		milter_write(&g->out, MILTER_CONTINUE);
	}
	return frame->command != MILTER_QUIT;
}

static bool
work(struct guest *g, struct bytes read)
{
	struct milter_frame frame;
	bool                goes_on = true;
	enum rc             rc = RC_OK;

	buf_add(&g->in, read);
	struct bytes rest = buf_bytes(&g->in);
	while (goes_on && (rc = milter_take(&rest, &frame)) == RC_OK)
		goes_on = on_frame(g, &frame);
	if (!goes_on || rc == RC_LIMIT || g->in.spoilt || g->out.spoilt)
		return false;
	buf_take(&g->in, g->in.len - rest.len);
	/* Answers are a few octets: a socket that does not take them is broken. */
	if (g->out.len > 0 && send(g->fd, g->out.at, g->out.len, MSG_NOSIGNAL) != (ssize_t)g->out.len)
		return false;
	buf_clear(&g->out);
	return true;
}

static void
on_ready(void *arg, unsigned got)
{
	struct guest *g = arg;
	ssize_t       n = recv(g->fd, scratch, sizeof(scratch), MSG_DONTWAIT);

	(void)got;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !work(g, bytes_make(scratch, (size_t)n)))
		hang_up(g);
}

static void
on_accept(void *arg, int fd, const struct endpoint *peer)
{
	struct guest *g = calloc(1, sizeof(*g));

	(void)arg;
	(void)peer;
	if (g == NULL) {
		close(fd);
		return;
	}
	g->fd = fd;
	g->watch = watch_new(loop, fd, WATCH_READ, on_ready, g);
	if (g->watch == NULL)
		hang_up(g);
}

int
main(int argc, char **argv)
{
	struct listen_rights rights = { (uid_t)-1, (gid_t)-1, 0666 };
	struct arena        *a = arena_new(65536);
	struct listener     *listener;
	struct bytes         why = B_NONE;

	if (argc != 2) {
		fprintf(stderr, "usage: null_milter SOCKET\n");
		return 2;
	}
	loop = loop_new();
	struct bytes at = arena_printf(a, "unix:%s", argv[1]);
	if (loop == NULL || listener_open(at, &rights, a, &listener, &why) != RC_OK || acceptor_new(listener, loop, on_accept, NULL) == NULL) {
		fprintf(stderr, "null_milter: %.*s\n", B_FMT(why));
		return 1;
	}
	return loop_run(loop) == RC_OK ? 0 : 1;
}
