/* desk/visit.h: one request at the desk: who asks, and what pages are made of.
 * For the pages of the desk alone. */
#ifndef DESK_VISIT_H
#define DESK_VISIT_H

#include "desk/explainer.h"
#include "desk/html.h"
#include "desk/http.h"
#include "desk/limit.h"
#include "desk/signin.h"
#include "desk/web.h"
#include "store/vault.h"

/* What a row of the routes asks for. API: answers in JSON, and takes tokens. */
#define ACCESS_OPEN    0U
#define ACCESS_READ    ((unsigned)MAY_READ)
#define ACCESS_EXPLAIN ((unsigned)MAY_EXPLAIN)
#define ACCESS_METRICS ((unsigned)MAY_METRICS)
#define ACCESS_CHANGE  ((unsigned)MAY_CHANGE)
#define ACCESS_API     0x100U

/* What may be done only so often; all threads of the web side count together. */
enum limited {
	LIMITED_SIGN_IN_FROM, /* by address */
	LIMITED_SIGN_IN_AS, /* by name */
	LIMITED_WHY, /* pages of the why door, by address */
	LIMITED_LOOK_FROM, /* questions to DNS that somebody waits for, by address */
	LIMITED_LOOK_AT, /* the same, by what they are about */
	LIMITED_LOOK_ALL, /* the same, all of them */
	LIMITED_LIVE, /* the same for operators, by name */
	LIMITED_ASK_FROM, /* tickets, by address */
	LIMITED_ASK_ALL, /* all tickets */
	LIMITED_KINDS
};

/* The state of one web thread: a server's own, or a worker's. */
struct desk {
	struct web_settings  with;
	struct store        *store; /* opened when it is first needed, and again after trouble */
	struct vault        *vault; /* likewise; of workers */
	int64_t              retry_us; /* not before */
	struct who           who; /* of the request at hand */
	struct explainer    *explainer; /* of the desk's workers */
	struct limit *const *limits; /* by enum limited */
};

struct visit {
	struct desk               *desk;
	const struct http_request *request;
	struct http_response      *response;
	struct buf                *out;
	struct arena              *arena;
	const struct who          *who;
	int64_t                    now_us;
};

/* Of the session's cookie: __Host- binds it to this host and to TLS. */
const char *web_cookie_name(const struct settings *);

struct visit visit_of(void *desk, const struct http_request *, struct http_response *);

/* NULL: the store is away. Then, or after `rc`, desk_trouble() answers 503 and
 * lets the connection be opened anew. */
struct store *desk_store(struct desk *, struct arena *);
void          desk_away(struct desk *);
/* Where copies of messages lie. NULL: `why_out` says why. */
struct vault *desk_vault(struct desk *, struct arena *, struct bytes *why_out);
void          visit_trouble(struct visit *, enum rc rc);

/* One deed of a kind that is limited. False: 429 and when to come again are set. */
bool visit_take(struct visit *, enum limited, struct bytes key);
bool visit_take_from(struct visit *, enum limited); /* by the address of who asks */
/* A browser tells whether a foreign page made it send this. */
bool visit_is_foreign(const struct http_request *);

/* The address of who asks, as text in the arena; empty: not known. */
struct bytes visit_client(const struct visit *);

enum nav { NAV_NONE, NAV_OVERVIEW, NAV_MESSAGES, NAV_QUARANTINE, NAV_TICKETS, NAV_EXPLAIN, NAV_REASONS, NAV_HEALTH, NAV_AUDIT };

/* The frame of a page. The title is ours or from outside. */
void page_begin(struct visit *, struct bytes title, enum nav);
void page_end(struct visit *);
/* A frame for those who are not signed in. */
void page_begin_plain(struct buf *, struct bytes title);
void page_end_plain(struct buf *);

/* The hidden field that each form carries. */
void page_csrf(struct visit *);
/* "2026-11-21 03:00:00" in a <time> element; UTC. */
void page_time(struct buf *, int64_t at_us);
/* A reason's word, leading to the catalogue. */
void page_reason(struct buf *, struct bytes word);
/* status and a page of one sentence. */
void page_fault(struct visit *, unsigned status, const char *title, const char *sentence);

/* ---- the pages, one function a route ---- */
void page_overview(void *desk, const struct http_request *, struct http_response *);
void page_messages(void *desk, const struct http_request *, struct http_response *);
void page_find(void *desk, const struct http_request *, struct http_response *);
void page_message(void *desk, const struct http_request *, struct http_response *);
void page_quarantine(void *desk, const struct http_request *, struct http_response *);
void page_held(void *desk, const struct http_request *, struct http_response *);
void page_held_post(void *desk, const struct http_request *, struct http_response *);
void page_tickets(void *desk, const struct http_request *, struct http_response *);
void page_ticket_post(void *desk, const struct http_request *, struct http_response *);
void page_reasons(void *desk, const struct http_request *, struct http_response *);
void page_health(void *desk, const struct http_request *, struct http_response *);
void page_audit(void *desk, const struct http_request *, struct http_response *);
void page_login(void *desk, const struct http_request *, struct http_response *);
void page_login_post(void *desk, const struct http_request *, struct http_response *);
void page_logout(void *desk, const struct http_request *, struct http_response *);
void page_asset(void *desk, const struct http_request *, struct http_response *);
void page_why(void *desk, const struct http_request *, struct http_response *);
void page_why_post(void *desk, const struct http_request *, struct http_response *);

void api_health(void *desk, const struct http_request *, struct http_response *);
void api_overview(void *desk, const struct http_request *, struct http_response *);
void api_messages(void *desk, const struct http_request *, struct http_response *);
void api_message(void *desk, const struct http_request *, struct http_response *);
void api_quarantine(void *desk, const struct http_request *, struct http_response *);
void api_held(void *desk, const struct http_request *, struct http_response *);
void api_held_post(void *desk, const struct http_request *, struct http_response *);
void api_tickets(void *desk, const struct http_request *, struct http_response *);
void api_ticket_post(void *desk, const struct http_request *, struct http_response *);
void api_reasons(void *desk, const struct http_request *, struct http_response *);
void api_metrics(void *desk, const struct http_request *, struct http_response *);
void api_healthz(void *desk, const struct http_request *, struct http_response *);
void page_explain(void *desk, const struct http_request *, struct http_response *);
void api_explain(void *desk, const struct http_request *, struct http_response *);

/* Close it, or open it again, and note that. RC_LIMIT: no such ticket in the other state. */
enum rc ticket_move(struct visit *, struct bytes id, bool close) MUST_USE;

void api_fault(struct http_response *, unsigned status, const char *code, const char *text);

#endif
