/* desk/query.h: the filters of a message search, as they stand in a URL. */
#ifndef DESK_QUERY_H
#define DESK_QUERY_H

#include "desk/http.h"
#include "store/search.h"

#define QUERY_PAGE 50
#define QUERY_PAGE_MOST 500

struct query_field {
	const char *name; /* in the URL, and of the API */
	const char *label;
	size_t      at; /* a struct bytes in struct search */
};
extern const struct query_field query_fields[];
extern const size_t             query_field_count;

/* False and a sentence when a value cannot be read; unknown names are passed over. */
bool query_read(const struct http_request *, int64_t now_us, struct search *search_out, const char **why_out);
/* "sender=a%40b&action=reject": the filters, the times as they came, without the cursor. */
void query_write(struct buf *, const struct http_request *);

/* Seconds since 1970, "2026-11-21", "2026-11-21T03:00[:00][Z]" (UTC), or "24h", "7d" before now. */
bool query_time(struct bytes, int64_t now_us, int64_t *at_us_out);

#endif
