/* desk/http.c: see http.h.
 *
 * What is hard: libmicrohttpd calls the handler several times for one request:
 * once with the header, then for each piece of the body, then with nothing. A
 * slow request is suspended there and belongs to its worker until it is resumed,
 * after which the handler is called once more. */
#include "desk/http.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/library.h"
#include "base/log.h"
#include "desk/crew.h"
#include "desk/form.h"

#define REQUEST_MEMORY ((size_t)48 << 20)
#define HEADER_MEMORY  ((size_t)32 << 10)
#define SILENCE_S      30U
#define BUSY_S         10U
#define SLOW_WAITING   32 /* requests, besides those at work */
#define RESPONSE_MAX   ((size_t)64 << 20)
#define BODY_LARGE     ((size_t)64 << 10) /* strangers send no more */

#define MHD_FUNCTIONS(X)                                                                        \
	X(MHD_add_response_header) X(MHD_create_response_from_buffer) X(MHD_destroy_response)          \
	X(MHD_get_connection_info) X(MHD_get_connection_values) X(MHD_lookup_connection_value_n)       \
	X(MHD_queue_response) X(MHD_resume_connection) X(MHD_start_daemon) X(MHD_stop_daemon)          \
	X(MHD_suspend_connection)

static struct {
	MHD_FUNCTIONS(LIBRARY_POINTER)
} mhd;
static struct library library = LIBRARY("libmicrohttpd.so.12", "libmicrohttpd12", MHD_FUNCTIONS, &mhd);

struct http {
	struct http_settings with;
	struct MHD_Daemon   *daemon;
	struct crew         *crew; /* NULL: no row is slow */
	int                  fd;
};

struct exchange {
	struct http_request      request;
	const struct http_route *route;
	unsigned                 fault; /* a status that is answered instead */
	struct buf               body;
	const struct http       *http;
	struct http_response     response;
	bool                     served; /* `response` is there */
};

/* ---- the request ---- */

static struct bytes
value_of(const struct http_request *r, enum MHD_ValueKind kind, const char *name)
{
	const char *at = NULL;
	size_t      len = 0;

	if (r->connection == NULL || mhd.MHD_lookup_connection_value_n(r->connection, kind, name, strlen(name), &at, &len) != MHD_YES)
		return B("");
	return bytes_make(at != NULL ? at : "", at != NULL ? len : 0);
}

struct bytes
http_header(const struct http_request *r, const char *name)
{
	return value_of(r, MHD_HEADER_KIND, name);
}

struct bytes
http_cookie(const struct http_request *r, const char *name)
{
	return value_of(r, MHD_COOKIE_KIND, name);
}

struct bytes
http_query(const struct http_request *r, const char *name)
{
	return r->connection != NULL ? value_of(r, MHD_GET_ARGUMENT_KIND, name) : form_field(r->arena, r->query, name);
}

struct bytes
http_form(const struct http_request *r, const char *name)
{
	return form_field(r->arena, r->body, name);
}

void
http_see(struct http_response *r, struct bytes location)
{
	r->status = MHD_HTTP_SEE_OTHER;
	r->location = location;
}

bool
http_forwarded(struct bytes value, struct ip *ip_out)
{
	size_t comma = bytes_rindex(value, ',');

	return ip_parse(bytes_trim(comma < value.len ? bytes_from(value, comma + 1) : value), ip_out);
}

/* Some web servers write a field of their own behind that of the client: the last is theirs. */
static enum MHD_Result
note_forwarded(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (strcasecmp(name, "X-Forwarded-For") == 0)
		*(const char **)cls = value;
	return MHD_YES;
}

static struct ip
client_of(const struct http *h, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = mhd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr          *at = info != NULL ? info->client_addr : NULL;
	struct ip                       ip = { 0 };
	const char                     *forwarded = NULL;

	if (h->with.forwarded)
		mhd.MHD_get_connection_values(c, MHD_HEADER_KIND, note_forwarded, &forwarded);
	if (forwarded != NULL && http_forwarded(bytes_of(forwarded), &ip))
		return ip;
	if (at != NULL && at->sa_family == AF_INET)
		return ip_from_4(&((const struct sockaddr_in *)(const void *)at)->sin_addr);
	if (at != NULL && at->sa_family == AF_INET6)
		return ip_from_16(&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr);
	return ip;
}

static unsigned
method_of(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return HTTP_GET;
	return strcmp(method, "POST") == 0 ? HTTP_POST : 0;
}

static bool
route_fits(const struct http_route *row, struct bytes path, struct bytes *tail_out)
{
	struct bytes at = bytes_of(row->path);

	if (row->prefix ? !bytes_starts(path, at) : !bytes_eq(path, at))
		return false;
	*tail_out = bytes_from(path, at.len);
	return true;
}

const struct http_route *
http_route_find(const struct http_route *rows, size_t count, unsigned method, struct bytes path, struct bytes *tail_out,
                unsigned *fault_out)
{
	*fault_out = MHD_HTTP_NOT_FOUND;
	for (size_t i = 0; i < count; i++) {
		struct bytes tail;
		if (!route_fits(&rows[i], path, &tail))
			continue;
		if (rows[i].methods & method) {
			*tail_out = tail;
			return &rows[i];
		}
		*fault_out = MHD_HTTP_METHOD_NOT_ALLOWED;
	}
	return NULL;
}

static void
find_route(const struct http *h, struct exchange *x)
{
	unsigned fault;

	x->route = http_route_find(h->with.routes, h->with.route_count, x->request.method, x->request.path, &x->request.tail, &fault);
	x->fault = x->route != NULL ? 0 : fault;
}

static struct exchange *
exchange_new(const struct http *h, struct MHD_Connection *c, const char *url, const char *method)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->request = (struct http_request){ .arena = arena_new(REQUEST_MEMORY), .method = method_of(method), .connection = c };
	x->http = h;
	x->response.body.limit = RESPONSE_MAX;
	x->request.path = arena_copy(x->request.arena, bytes_of(url));
	x->request.client = client_of(h, c);
	if (arena_overdrawn(x->request.arena)) {
		arena_free(x->request.arena);
		free(x);
		return NULL;
	}
	find_route(h, x);
	return x;
}

static void
exchange_end(void *cls, struct MHD_Connection *c, void **with, enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *with;

	(void)cls;
	(void)c;
	(void)code;
	if (x == NULL)
		return;
	arena_free(x->request.arena);
	buf_free(&x->body);
	buf_free(&x->response.body);
	free(x);
	*with = NULL;
}

/* ---- the response ---- */

/* No script or style but our own files, no frame around us, no form elsewhere:
 * what a sender wrote could do nothing even if it became markup. */
static const struct {
	const char *name, *value;
} always[] = {
	{ "Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
	                             "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "X-Robots-Tag", "noindex, nofollow" },
};

static void
add_header(struct MHD_Response *to, const char *name, struct bytes value)
{
	char   line[1024];
	size_t n = value.len < sizeof(line) ? value.len : 0;

	if (n == 0 || bytes_has(value, '\n') || bytes_has(value, '\r') || bytes_has(value, '\0'))
		return;
	memcpy(line, value.at, n);
	line[n] = '\0';
	(void)mhd.MHD_add_response_header(to, name, line);
}

static void
add_headers(struct MHD_Response *to, const struct http_response *r)
{
	char text[64];

	for (size_t i = 0; i < NELEMS(always); i++)
		(void)mhd.MHD_add_response_header(to, always[i].name, always[i].value);
	add_header(to, "Content-Type", bytes_of(r->type != NULL ? r->type : "text/html; charset=utf-8"));
	add_header(to, "Location", r->location);
	add_header(to, "Set-Cookie", r->cookie);
	add_header(to, "WWW-Authenticate", bytes_of(r->challenge));
	if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_header(to, "Allow", B("GET, HEAD, POST"));
	if (r->retry_s > 0) {
		snprintf(text, sizeof(text), "%u", r->retry_s);
		add_header(to, "Retry-After", bytes_of(text));
	}
	snprintf(text, sizeof(text), "public, max-age=%u, immutable", r->keep_s);
	add_header(to, "Cache-Control", r->keep_s > 0 ? bytes_of(text) : B("no-store"));
}

/* The response's body is the library's from here on. */
static enum MHD_Result
respond(struct MHD_Connection *c, struct http_response *r)
{
	if (r->body.spoilt) {
		buf_free(&r->body);
		r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
		r->type = "text/plain";
	}
	if (r->status == 0)
		r->status = MHD_HTTP_OK;
	void                *at = r->body.at;
	struct MHD_Response *to = at != NULL ? mhd.MHD_create_response_from_buffer(r->body.len, at, MHD_RESPMEM_MUST_FREE) :
	                                       mhd.MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	if (to == NULL) {
		buf_free(&r->body);
		return MHD_NO;
	}
	add_headers(to, r);
	enum MHD_Result result = mhd.MHD_queue_response(c, r->status, to);
	mhd.MHD_destroy_response(to);
	return result;
}

static void
serve(void *arg, struct exchange *x)
{
	const struct http *h = x->http;

	x->request.body = buf_bytes(&x->body);
	if (x->fault != 0) {
		x->response.status = x->fault;
		h->with.fault(arg, &x->request, &x->response);
	} else if (h->with.guard == NULL || h->with.guard(arg, x->route, &x->request, &x->response)) {
		x->route->serve(arg, &x->request, &x->response);
	}
	x->served = true;
}

static enum MHD_Result
answer(const struct http *h, struct MHD_Connection *c, struct exchange *x)
{
	if (!x->served)
		serve(h->with.arg, x);
	log_event(AT_DEBUG, "web.answered", F_WORD("at", h->with.name), F_TEXT("path", x->request.path), F_INT("status", x->response.status));
	enum MHD_Result result = respond(c, &x->response);
	x->response.body = (struct buf){ .limit = RESPONSE_MAX };
	return result;
}

/* ---- slow rows ---- */

/* On a worker's thread. */
static void
work(void *hand, void *job)
{
	struct exchange *x = job;

	serve(hand, x);
	mhd.MHD_resume_connection(x->request.connection);
}

/* On the thread of the server, or of the one who stops it. */
static void
too_much(void *job)
{
	struct exchange *x = job;

	x->fault = MHD_HTTP_SERVICE_UNAVAILABLE;
	x->response.retry_s = BUSY_S;
	mhd.MHD_resume_connection(x->request.connection);
}

/* Suspended first: a worker may be done before we look again. */
static enum MHD_Result
hand_over(const struct http *h, struct MHD_Connection *c, struct exchange *x)
{
	mhd.MHD_suspend_connection(c);
	if (!crew_put(h->crew, x))
		too_much(x);
	return MHD_YES;
}

static enum rc
start_crew(struct http *h)
{
	struct crew_settings with = {
		.name = h->with.name,
		.queue = SLOW_WAITING,
		.hands = h->with.workers,
		.count = h->with.worker_count,
		.work = work,
		.drop = too_much,
	};

	return h->with.worker_count > 0 ? crew_start(&with, &h->crew) : RC_OK;
}

/* False when the body is too large for the row, by its own word. */
static bool
body_may_come(const struct exchange *x)
{
	struct bytes length = http_header(&x->request, "Content-Length");
	uint64_t     n = 0;

	return length.len == 0 || (bytes_number(length, UINT64_MAX, &n) && n <= x->route->body_max);
}

/* A stranger must not make us hold megabytes only to be told to sign in. */
static bool
is_turned_away(const struct http *h, struct exchange *x)
{
	if (x->fault != 0 || x->route->body_max <= BODY_LARGE || h->with.admit == NULL)
		return false;
	x->served = !h->with.admit(h->with.arg, x->route, &x->request, &x->response);
	return x->served;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *size,
       void **with)
{
	struct http     *h = cls;
	struct exchange *x = *with;

	(void)version;
	if (x == NULL) {
		x = exchange_new(h, c, url, method);
		*with = x;
		if (x == NULL)
			return MHD_NO;
		if (x->fault == 0 && !body_may_come(x))
			x->fault = MHD_HTTP_CONTENT_TOO_LARGE;
		return x->fault != 0 || is_turned_away(h, x) ? answer(h, c, x) : MHD_YES;
	}
	if (*size == 0)
		return x->route != NULL && x->route->slow && !x->served && x->fault == 0 ? hand_over(h, c, x) : answer(h, c, x);
	if (*size > x->route->body_max || x->body.len > x->route->body_max - *size)
		return MHD_NO; /* sent in chunks, and more than it may be */
	buf_add(&x->body, bytes_make(data, *size));
	*size = 0;
	return x->body.spoilt ? MHD_NO : MHD_YES;
}

/* ---- the daemon ---- */

static void
log_line(void *cls, const char *format, va_list ap)
{
	const struct http *h = cls;
	char               text[512];

	vsnprintf(text, sizeof(text), format, ap);
	log_event(AT_DEBUG, "web.library", F_WORD("at", h->with.name), F_TEXT("says", bytes_trim(bytes_of(text))));
}

enum rc
http_start(const struct http_settings *with, struct http **http_out)
{
	const char *missing = library_missing(&library);

	if (missing != NULL) {
		log_event(AT_ERROR, "web.library", F_WORD("at", with->name), F_WORD("says", missing));
		return RC_IO;
	}
	struct http *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return RC_MEMORY;
	h->with = *with;
	h->fd = dup(with->fd);
	if (h->fd < 0)
		goto fail;
	if (start_crew(h) != RC_OK)
		goto fail;
	h->daemon = mhd.MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, h,
	                             MHD_OPTION_EXTERNAL_LOGGER, log_line, h, MHD_OPTION_LISTEN_SOCKET, h->fd,
	                             MHD_OPTION_NOTIFY_COMPLETED, exchange_end, NULL, MHD_OPTION_CONNECTION_LIMIT, with->connections,
	                             MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_MEMORY,
	                             MHD_OPTION_END);
	if (h->daemon == NULL)
		goto fail;
	*http_out = h;
	return RC_OK;

fail:
	crew_free(h->crew);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
	return RC_IO;
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	crew_stop(h->crew); /* first: nothing may be suspended then */
	mhd.MHD_stop_daemon(h->daemon); /* closes h->fd too */
	crew_free(h->crew);
	free(h);
}
