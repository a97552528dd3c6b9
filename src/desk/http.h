/* desk/http.h: one HTTP daemon with its own thread, RFC 9110, by libmicrohttpd.
 *
 * It listens on loopback or a UNIX socket behind the operator's web server, and
 * bounds what strangers can spend: connections, header, body, time. Requests
 * are served one after another on its thread, so `serve` must be quick and may
 * keep things without locks. Rows that have to wait for others (`slow`) are
 * served by workers, each with things of its own. Paths are rows of a table. */
#ifndef DESK_HTTP_H
#define DESK_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"

#define HTTP_GET  1U /* HEAD too */
#define HTTP_POST 2U

struct http_request {
	struct arena *arena; /* ends with the request */
	unsigned      method;
	struct bytes  path; /* decoded */
	struct bytes  tail; /* what stands behind the path of a row that is a prefix */
	struct bytes  body;
	struct ip     client; /* whom the web server in front names, or who connected; family 0: not known */
	void         *connection; /* NULL: in tests */
	struct bytes  query; /* where there is no connection: as behind the ? of a URL */
};

struct http_response {
	unsigned     status; /* 200 where it is left alone */
	const char  *type; /* "text/html; charset=utf-8" where it is left alone */
	struct bytes location; /* of 303 */
	struct bytes cookie; /* of Set-Cookie */
	const char  *challenge; /* of WWW-Authenticate */
	unsigned     retry_s; /* of Retry-After */
	uint32_t     keep_s; /* how long others may keep it; 0: not at all */
	struct buf   body;
};

struct http_route {
	unsigned    methods;
	const char *path;
	bool        prefix; /* all below too */
	unsigned    access; /* means what `guard` says */
	size_t      body_max;
	void (*serve)(void *arg, const struct http_request *, struct http_response *);
	bool slow; /* may wait: a worker serves it */
};

struct http_settings {
	const char              *name; /* of the thread, for the log */
	int                      fd; /* listening; the daemon makes a copy */
	bool                     forwarded; /* X-Forwarded-For is that of our own web server: its last address counts */
	const struct http_route *routes;
	size_t                   route_count;
	unsigned                 connections;
	/* Before a large body is taken in, from the header alone: false when it has
	 * answered itself. `guard` is asked all the same. */
	bool (*admit)(void *arg, const struct http_route *, const struct http_request *, struct http_response *);
	/* Before `serve`: false when it has answered itself. */
	bool (*guard)(void *arg, const struct http_route *, const struct http_request *, struct http_response *);
	/* What is not there, not so, too large, or too much at once (503): status is set. */
	void (*fault)(void *arg, const struct http_request *, struct http_response *);
	void *arg;
	/* For slow rows: `guard` and `serve` get one of these instead of `arg`, on a
	 * thread of its own; borrowed until http_stop(). */
	void *const *workers;
	size_t       worker_count;
};

struct http;

/* RC_IO or RC_MEMORY. Settings are copied, what they point to is borrowed. */
enum rc http_start(const struct http_settings *, struct http **http_out) MUST_USE;
/* Answers what it has begun. Takes NULL. */
void http_stop(struct http *);

/* Borrowed for the request; empty when absent. Names of headers in any case. */
struct bytes http_header(const struct http_request *, const char *name);
struct bytes http_cookie(const struct http_request *, const char *name);
struct bytes http_query(const struct http_request *, const char *name);
/* A field of an application/x-www-form-urlencoded body, decoded into the arena. */
struct bytes http_form(const struct http_request *, const char *name);

/* The first row that takes path and method. NULL: *fault_out is 404, or 405 when others take the path. */
const struct http_route *http_route_find(const struct http_route *, size_t count, unsigned method, struct bytes path,
                                         struct bytes *tail_out,
                                         unsigned *fault_out);
/* The client in X-Forwarded-For: its last entry is the one that our own web server wrote. */
bool http_forwarded(struct bytes value, struct ip *ip_out);

/* 303 See Other; the location is borrowed until the response has gone: arena or literal. */
void http_see(struct http_response *, struct bytes location);

#endif
