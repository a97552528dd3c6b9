/* desk/trace_view.h: one kept account as a line for a person, a row of a
 * spreadsheet, or JSON. Senders chose most of what stands in it. */
#ifndef DESK_TRACE_VIEW_H
#define DESK_TRACE_VIEW_H

#include "base/json.h"
#include "desk/cli.h"
#include "store/search.h"

/* 2026-11-21 03:00:00  4QXYZ7KM2PAC  reject      dmarc.reject          198.51.100.66    a@example.com */
void view_line(struct buf *, const struct cli *, const struct store_account *);

/* RFC 4180: CRLF, quotes doubled. The first columns are those of Exchange
 * Online's extended message trace; one row for each recipient. */
void view_csv_head(struct buf *);
void view_csv(struct buf *, const struct store_account *);
/* One cell. A spreadsheet takes what begins with = + - @ (or their wide forms)
 * for a formula: an apostrophe in front makes it text. Control characters become \xHH. */
void view_cell(struct buf *, struct bytes);

/* An object of all columns, with recipients as far as they are there. */
void view_json(struct json *, const struct store_account *);

/* "2026-11-21T03:00:00.123456Z" */
#define VIEW_TIME_MAX 40
void view_time(int64_t at_us, char text[VIEW_TIME_MAX]);

#endif
