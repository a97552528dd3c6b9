/* desk/html.h: HTML written so that nothing from outside can be markup.
 *
 *     html_put(out, "<td><a href=\"/message/$\">$</a></td>", H_URL(id), H_TEXT(domain));
 *
 * Each $ takes the next value, and a value is made harmless for text and for
 * attributes in double quotes alike; the template itself is ours. Control
 * characters, direction overrides and what is not UTF-8 are shown as \xHH. */
#ifndef DESK_HTML_H
#define DESK_HTML_H

#include "base/buf.h"
#include "base/bytes.h"

struct html_value {
	enum { HTML_TEXT, HTML_URL, HTML_NUMBER, HTML_PLAIN, HTML_REAL, HTML_MARKUP } kind;
	struct bytes text;
	int64_t      number;
	double       real;
};

#define H_TEXT(bytes)   ((struct html_value){ HTML_TEXT, (bytes), 0, 0 })
#define H_STR(string)   ((struct html_value){ HTML_TEXT, bytes_of(string), 0, 0 })
#define H_URL(bytes)    ((struct html_value){ HTML_URL, (bytes), 0, 0 }) /* one part of a URL, percent-encoded */
#define H_NUM(v)        ((struct html_value){ HTML_NUMBER, B_NONE, (int64_t)(v), 0 }) /* 1,234,567 */
#define H_INT(v)        ((struct html_value){ HTML_PLAIN, B_NONE, (int64_t)(v), 0 }) /* 1234567 */
#define H_REAL(v)       ((struct html_value){ HTML_REAL, B_NONE, 0, (v) }) /* one digit behind the point */
#define H_MARKUP(const_string) ((struct html_value){ HTML_MARKUP, B("" const_string), 0, 0 }) /* a literal of ours */

#define html_put(out, template, ...) \
	html_fill((out), (template), (const struct html_value[]){ __VA_ARGS__ }, \
	          sizeof((const struct html_value[]){ __VA_ARGS__ }) / sizeof(struct html_value))

/* As many values as there are $ (asserted). */
void html_fill(struct buf *, const char *template, const struct html_value *, size_t count);

void html_text(struct buf *, struct bytes);
void html_url(struct buf *, struct bytes);
void html_number(struct buf *, int64_t);

#endif
