/* net/recursor.c: see recursor.h.
 *
 * What is hard: libunbound tells of a failure only that it was one (rcode 2,
 * whatever happened). But it writes a line of log with the cause just before it
 * calls back, in the same thread; so its log goes into a buffer of the thread,
 * and the callback looks there for a line about its own question. The words are
 * for people; only "server timeout" in them decides anything. */
#include "net/recursor.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/ip.h"
#include "base/library.h"

#define PORT_DNS "53"

#define UNBOUND_FUNCTIONS(X)                                                                             \
	X(ub_ctx_add_ta_file) X(ub_ctx_create_ub_event) X(ub_ctx_debugout) X(ub_ctx_delete) X(ub_ctx_resolvconf) \
	X(ub_ctx_set_fwd) X(ub_ctx_set_option) X(ub_ctx_zone_add) X(ub_resolve_event)

static struct {
	UNBOUND_FUNCTIONS(LIBRARY_POINTER)
} lib;
static struct library library = LIBRARY("libunbound.so.8", "libunbound8", UNBOUND_FUNCTIONS, &lib);

struct recursor {
	struct ub_event_base base; /* first: libunbound hands it back to us */
	struct loop         *loop;
	struct ub_ctx       *ctx;
	struct pending      *pending; /* libunbound forgets them when it ends */
};

/* One question that libunbound works on. */
struct pending {
	void (*fn)(void *, const struct recursor_reply *);
	void            *arg;
	struct pending  *next;
	struct pending **at;
	size_t           name_len;
	char             name[]; /* as libunbound was told it, with a dot at the end */
};

/* ---- events: one of libunbound's is a watch, a timer or both ---- */

struct event {
	struct ub_event ub; /* first, as above */
	struct recursor *owner;
	int             fd;
	short           bits;
	void (*fn)(int, short, void *);
	void         *arg;
	struct watch *watch;
	struct timer *timer;
};

static void
on_ready(void *arg, unsigned got)
{
	struct event *e = arg;
	short         bits = 0;

	if (got & WATCH_READ)
		bits |= UB_EV_READ;
	if (got & WATCH_WRITE)
		bits |= UB_EV_WRITE;
	if (!(e->bits & UB_EV_PERSIST)) {
		watch_free(e->watch);
		e->watch = NULL;
		timer_off(e->timer);
	}
	e->fn(e->fd, bits, e->arg);
}

static void
on_due(void *arg)
{
	struct event *e = arg;

	if (!(e->bits & UB_EV_PERSIST)) {
		watch_free(e->watch);
		e->watch = NULL;
	}
	e->fn(e->fd, UB_EV_TIMEOUT, e->arg);
}

static void
set_timer(struct event *e, const struct timeval *after)
{
	timer_set_us(e->timer, (uint64_t)after->tv_sec * 1000000U + (uint64_t)after->tv_usec);
}

static void
event_add_bits(struct ub_event *ub, short bits)
{
	struct event *e = (struct event *)ub;
	e->bits = (short)(e->bits | bits);
}

static void
event_del_bits(struct ub_event *ub, short bits)
{
	struct event *e = (struct event *)ub;
	e->bits = (short)(e->bits & ~bits);
}

static void
event_set_fd(struct ub_event *ub, int fd)
{
	((struct event *)ub)->fd = fd;
}

static int
event_del(struct ub_event *ub)
{
	struct event *e = (struct event *)ub;

	watch_free(e->watch);
	e->watch = NULL;
	timer_off(e->timer);
	return 0;
}

static void
event_free(struct ub_event *ub)
{
	struct event *e = (struct event *)ub;

	event_del(ub);
	timer_free(e->timer);
	free(e);
}

static int
event_add(struct ub_event *ub, struct timeval *after)
{
	struct event *e = (struct event *)ub;
	unsigned      want = (e->bits & UB_EV_READ ? WATCH_READ : 0U) | (e->bits & UB_EV_WRITE ? WATCH_WRITE : 0U);

	watch_free(e->watch);
	e->watch = NULL;
	if (e->fd >= 0 && want != 0) {
		e->watch = watch_new(e->owner->loop, e->fd, want, on_ready, e);
		if (e->watch == NULL)
			return -1;
	}
	if (after != NULL && (e->bits & UB_EV_TIMEOUT))
		set_timer(e, after);
	else
		timer_off(e->timer);
	return 0;
}

static int
event_add_timer(struct ub_event *ub, struct ub_event_base *base, void (*fn)(int, short, void *), void *arg, struct timeval *after)
{
	struct event *e = (struct event *)ub;

	(void)base;
	e->fn = fn;
	e->arg = arg;
	set_timer(e, after);
	return 0;
}

static int
event_del_timer(struct ub_event *ub)
{
	timer_off(((struct event *)ub)->timer);
	return 0;
}

/* Signals and Windows: never called, but the table must be full. */
static int
event_add_signal(struct ub_event *ub, struct timeval *after)
{
	(void)ub;
	(void)after;
	return -1;
}

static int
event_del_signal(struct ub_event *ub)
{
	(void)ub;
	return -1;
}

static void
event_no_socket(struct ub_event *ub)
{
	(void)ub;
}

static void
event_no_block(struct ub_event *ub, int bit)
{
	(void)ub;
	(void)bit;
}

static struct ub_event_vmt event_table = {
	.add_bits = event_add_bits,
	.del_bits = event_del_bits,
	.set_fd = event_set_fd,
	.free = event_free,
	.add = event_add,
	.del = event_del,
	.add_timer = event_add_timer,
	.del_timer = event_del_timer,
	.add_signal = event_add_signal,
	.del_signal = event_del_signal,
	.winsock_unregister_wsaevent = event_no_socket,
	.winsock_tcp_wouldblock = event_no_block,
};

static struct ub_event *
base_new_event(struct ub_event_base *base, int fd, short bits, void (*fn)(int, short, void *), void *arg)
{
	struct recursor *u = (struct recursor *)base;
	struct event   *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	*e = (struct event){ .ub = { UB_EVENT_MAGIC, &event_table }, .owner = u, .fd = fd, .bits = bits, .fn = fn, .arg = arg };
	e->timer = timer_new(u->loop, on_due, e);
	if (e->timer == NULL) {
		free(e);
		return NULL;
	}
	return &e->ub;
}

static void
base_free(struct ub_event_base *base)
{
	(void)base;
}

static int
base_dispatch(struct ub_event_base *base)
{
	(void)base;
	return -1;
}

static int
base_exit(struct ub_event_base *base, struct timeval *after)
{
	(void)base;
	(void)after;
	return 0;
}

static struct ub_event *
base_no_signal(struct ub_event_base *base, int fd, void (*fn)(int, short, void *), void *arg)
{
	(void)base;
	(void)fd;
	(void)fn;
	(void)arg;
	return NULL;
}

static struct ub_event *
base_no_wsaevent(struct ub_event_base *base, void *wsaevent, void (*fn)(int, short, void *), void *arg)
{
	(void)base;
	(void)wsaevent;
	(void)fn;
	(void)arg;
	return NULL;
}

static struct ub_event_base_vmt base_table = {
	.free = base_free,
	.dispatch = base_dispatch,
	.loopexit = base_exit,
	.new_event = base_new_event,
	.new_signal = base_no_signal,
	.winsock_register_wsaevent = base_no_wsaevent,
};

/* ---- what the library says ---- */

static _Thread_local struct {
	char   text[1024];
	size_t len; /* of the line that is being written */
	size_t last; /* of the line that is complete; 0: none */
	char   line[1024];
} heard;

static ssize_t
hear(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n') {
			memcpy(heard.line, heard.text, heard.len);
			heard.last = heard.len;
			heard.len = 0;
		} else if (heard.len < sizeof(heard.text)) {
			heard.text[heard.len++] = text[i];
		}
	}
	return (ssize_t)len;
}

/* The library has one log for the process, and closes it when a context is made:
 * so each context brings a new one, which is the library's then. Without memory
 * for it there is no log, and no causes. */
static void
open_ear(struct ub_ctx *ctx)
{
	FILE *ear = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = hear });

	if (ear != NULL)
		setvbuf(ear, NULL, _IOLBF, 1024);
	lib.ub_ctx_debugout(ctx, ear);
}

/* "... error: SERVFAIL <name TYPE IN>: cause": the cause, or nothing when the line
 * is about another name (it writes odd ones differently: then there is no cause). */
static struct bytes
heard_cause(struct bytes name)
{
	struct bytes line = bytes_make(heard.line, heard.last), start = B("SERVFAIL <");
	size_t       at = bytes_find(line, start);

	line = bytes_from(line, at + start.len);
	if (!bytes_starts_nocase(line, name))
		return B_NONE;
	at = bytes_find(line, B(">: "));
	return at < line.len ? bytes_from(line, at + 3) : B_NONE;
}

static struct pending *
pending_new(struct recursor *u, struct bytes name, void (*fn)(void *, const struct recursor_reply *), void *arg)
{
	struct pending *p = malloc(sizeof(*p) + name.len);

	if (p == NULL)
		return NULL;
	*p = (struct pending){ .fn = fn, .arg = arg, .next = u->pending, .at = &u->pending, .name_len = name.len };
	memcpy(p->name, name.at, name.len);
	if (p->next != NULL)
		p->next->at = &p->next;
	u->pending = p;
	return p;
}

static void
pending_free(struct pending *p)
{
	*p->at = p->next;
	if (p->next != NULL)
		p->next->at = p->at;
	free(p);
}

/* ---- the context ---- */

/* "address[:port]" as libunbound wants it: "address@port". */
static bool
server_text(struct bytes server, char text[80])
{
	struct bytes port = B(PORT_DNS), host = server;
	struct ip    ip;
	uint64_t     number;

	if (!ip_parse(host, &ip)) {
		size_t colon = bytes_rindex(server, ':');
		host = bytes_sub(server, 0, colon);
		if (colon < server.len)
			port = bytes_from(server, colon + 1);
		if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
			host = bytes_sub(host, 1, host.len - 2);
		else if (bytes_has(host, ':'))
			return false;
	}
	if (!ip_parse(host, &ip) || !bytes_number(port, 65535, &number) || number == 0)
		return false;
	char address[IP_TEXT_MAX];
	ip_format(&ip, address);
	snprintf(text, 80, "%s@%u", address, (unsigned)number);
	return true;
}

/* Each question on the wire has a socket of its own; leave half to the mail. */
static unsigned
affordable(unsigned outgoing)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return outgoing;
	return limit.rlim_cur / 2 < outgoing ? (unsigned)(limit.rlim_cur / 2) : outgoing;
}

static bool
set_number(struct ub_ctx *ctx, const char *option, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return lib.ub_ctx_set_option(ctx, option, text) == 0;
}

static bool
set_options(struct ub_ctx *ctx, const struct recursor_settings *set)
{
	/* Small, because a cache of ours stands in front; full recursion lives on the delegations in them. */
	static const char *const fixed[][2] = {
		{ "do-not-query-localhost:", "no" },
		{ "unblock-lan-zones:", "yes" }, /* else names of private addresses are NXDOMAIN */
		{ "insecure-lan-zones:", "yes" },
		{ "rrset-cache-size:", "8m" },
		{ "msg-cache-size:", "4m" },
		{ "key-cache-size:", "2m" },
		{ "neg-cache-size:", "512k" },
		{ "outgoing-num-tcp:", "64" },
		{ "num-queries-per-thread:", "8192" },
		{ "edns-buffer-size:", "1232" }, /* fragments get lost; what is longer comes by TCP */
		{ "harden-below-nxdomain:", "yes" },
		{ "qname-minimisation:", "yes" },
		{ "use-caps-for-id:", "no" },
		{ "log-servfail:", "yes" }, /* for heard_cause() ... */
		{ "val-log-squelch:", "no" }, /* ... which the library silences by default */
	};
	for (size_t i = 0; i < NELEMS(fixed); i++)
		if (lib.ub_ctx_set_option(ctx, fixed[i][0], fixed[i][1]) != 0)
			return false;
	if ((set->ttl_max > 0 && !set_number(ctx, "cache-max-ttl:", set->ttl_max)) ||
	    (set->negative_max > 0 && !set_number(ctx, "cache-max-negative-ttl:", set->negative_max)))
		return false;
	return lib.ub_ctx_set_option(ctx, "module-config:", set->validate ? "validator iterator" : "iterator") == 0 &&
	       set_number(ctx, "outgoing-range:", affordable(set->outgoing)) && set_number(ctx, "infra-cache-min-rtt:", set->min_rtt_ms);
}

static enum rc
configure(struct ub_ctx *ctx, const struct recursor_settings *set, const char **why_out)
{
	char text[80];

	*why_out = "libunbound does not know an option that it should";
	if (!set_options(ctx, set))
		return RC_IO;
	for (size_t i = 0; i < set->server_count; i++) {
		*why_out = "a DNS server is written as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353";
		if (!server_text(set->servers[i], text) || lib.ub_ctx_set_fwd(ctx, text) != 0)
			return RC_SYNTAX;
	}
	*why_out = "the list of DNS servers (resolv.conf) cannot be read";
	if (set->server_count == 0 && set->resolv_conf != NULL && lib.ub_ctx_resolvconf(ctx, set->resolv_conf) != 0)
		return RC_IO;
	*why_out = "the file of DNSSEC trust anchors cannot be read";
	if (set->validate && lib.ub_ctx_add_ta_file(ctx, set->anchors) != 0)
		return RC_IO;
	/* The names under test. are the only special ones a site may serve itself
	 * (RFC 6761 section 6.2). This ends the setting of options, so it comes last. */
	*why_out = "libunbound does not start: the file of trust anchors may be faulty";
	if (lib.ub_ctx_zone_add(ctx, "test.", "transparent") != 0)
		return RC_IO;
	return RC_OK;
}

enum rc
recursor_new(struct loop *loop, const struct recursor_settings *set, struct recursor **recursor_out, const char **why_out)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct recursor       *u = calloc(1, sizeof(*u));
	const char           *why = library_missing(&library);
	enum rc               rc = RC_IO;

	if (why != NULL)
		goto fail;
	why = "out of memory";
	rc = RC_MEMORY;
	if (u == NULL)
		goto fail;
	*u = (struct recursor){ .base = { UB_EVENT_MAGIC, &base_table }, .loop = loop };
	/* One after the other, for the sake of the log they share. */
	pthread_mutex_lock(&lock);
	u->ctx = lib.ub_ctx_create_ub_event(&u->base);
	if (u->ctx != NULL) {
		open_ear(u->ctx);
		rc = configure(u->ctx, set, &why);
	}
	pthread_mutex_unlock(&lock);
	if (rc != RC_OK)
		goto fail;

	*recursor_out = u;
	return RC_OK;

fail:
	recursor_free(u);
	*why_out = why;
	return rc;
}

void
recursor_free(struct recursor *u)
{
	if (u == NULL)
		return;
	if (u->ctx != NULL)
		lib.ub_ctx_delete(u->ctx);
	while (u->pending != NULL)
		pending_free(u->pending);
	free(u);
}

/* ---- one question ---- */

static void
on_reply(void *arg, int rcode, void *packet, int packet_len, int security, char *why_bogus, int limited)
{
	struct pending      *p = arg;
	struct recursor_reply reply = { .failed = rcode != 0 || packet == NULL || packet_len <= 0 };

	if (reply.failed) {
		reply.why = limited ? B("too many questions about this domain") : heard_cause(bytes_make(p->name, p->name_len));
		reply.silent = bytes_find(reply.why, B(" server timeout")) < reply.why.len;
	} else {
		reply.packet = bytes_make(packet, (size_t)packet_len);
		reply.bogus = security == 1;
		reply.secure = security == 2;
		reply.why = reply.bogus ? bytes_of(why_bogus) : B_NONE;
	}
	heard.last = 0;
	p->fn(p->arg, &reply);
	pending_free(p);
}

/* Presentation form, RFC 1035 section 5.1: whatever is not a letter of host names becomes \DDD. */
static bool
name_text(struct bytes name, char text[4 * DNS_NAME_MAX + 2])
{
	char   wire[256];
	size_t len, used = 0;

	if (!dns_name_to_wire(name, wire, &len))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.at[i];
		if (byte_is_alnum(name.at[i]) || c == '-' || c == '_' || c == '.') {
			text[used++] = (char)c;
			continue;
		}
		text[used++] = '\\';
		text[used++] = (char)('0' + c / 100);
		text[used++] = (char)('0' + c / 10 % 10);
		text[used++] = (char)('0' + c % 10);
	}
	text[used++] = '.';
	text[used] = '\0';
	return true;
}

enum rc
recursor_ask(struct recursor *u, struct bytes name, unsigned type, void (*fn)(void *, const struct recursor_reply *), void *arg)
{
	char text[4 * DNS_NAME_MAX + 2];

	if (!name_text(name, text))
		return RC_SYNTAX;
	struct pending *p = pending_new(u, bytes_of(text), fn, arg);
	if (p == NULL)
		return RC_MEMORY;
	heard.last = 0;
	if (lib.ub_resolve_event(u->ctx, text, (int)type, 1, p, on_reply, NULL) != 0) {
		pending_free(p);
		return RC_IO;
	}
	return RC_OK;
}
