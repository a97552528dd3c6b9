/* base/conf.h: reads settings as text: what is written where, not what it means.
 *
 *     listen = unix:/run/mailreeve/milter.sock      # a comment
 *     internal_networks = 127.0.0.0/8, ::1/128      # blanks or commas part the words;
 *                                                   # behind a comma the next line goes on
 *     why_url = "https://example.com/why/"          # \" \\ \n \t inside quotes
 *     password = @password-file                     # from a file; $NAME: from the environment
 *     dmarc { on_reject = strict; list_exception = no }
 *     domain example.org {
 *             action = accept
 *     }
 *     include extra/more.conf                       # a pattern may name several
 *
 * Pure: files, names and variables come through struct conf_host. All faults
 * are collected, up to CONF_FAULTS_MAX, each with file, line and column. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/arena.h"
#include "base/bytes.h"

#define CONF_FAULTS_MAX  50
#define CONF_DEPTH_MAX   4 /* sections within sections */
#define CONF_NESTED_MAX  8 /* files that include files */
#define CONF_FILES_MAX   256
#define CONF_FILE_MAX    ((size_t)1 << 20) /* octets of one file */
#define CONF_ITEMS_MAX   50000
#define CONF_MEMORY_MAX  ((size_t)64 << 20) /* enough for all that the limits allow */

struct conf_place {
	struct bytes file;
	unsigned     line, column; /* from 1; columns count characters */
};

struct conf_word {
	struct bytes      text; /* escapes resolved, file or variable put in */
	bool              literal; /* quoted or fetched: never a keyword */
	bool              fetched; /* from a file or the environment: perhaps a secret */
	struct conf_place at;
};

struct conf_item {
	struct bytes      name;
	struct conf_place at;
	bool              is_section;
	struct conf_word *words; /* of a setting: its values; of a section: none or one, its name */
	size_t            count;
	struct conf_item *first; /* of a section: what stands in it, in order */
	struct conf_item *last;
	struct conf_item *next; /* behind this one in the same section */
};

struct conf_fault {
	struct conf_place at;
	struct bytes      text; /* a sentence without full stop */
};

struct conf_faults {
	struct conf_fault at[CONF_FAULTS_MAX];
	size_t            count;
	bool              more; /* there were others */
};

struct conf_host {
	/* The text of a file, into the arena; false and a few words why not ("no such file"). */
	bool (*file)(void *arg, struct arena *, struct bytes path, struct bytes *text_out, struct bytes *why_out);
	/* The files that an include names, in order, canonical so that a loop is
	 * seen. A pattern may give none; a plain path gives itself, there or not. */
	bool (*names)(void *arg, struct arena *, struct bytes pattern, struct bytes **paths_out, size_t *count_out);
	/* A variable of the environment; false: not set. */
	bool (*variable)(void *arg, struct arena *, struct bytes name, struct bytes *value_out);
	void *arg;
};

/* Read `path` and what it includes. Always gives a root (a section without
 * name), with all that could be understood, or NULL when memory is spent; it is
 * good only if faults->count stayed as it was. Everything lies in the arena. */
struct conf_item *conf_read(struct arena *, const struct conf_host *, struct bytes path, struct conf_faults *) MUST_USE;

/* Add a fault; the sentence is made in the arena. */
void conf_fault(struct conf_faults *, struct arena *, struct conf_place, const char *format, ...) PRINTF(4, 5);

/* A path that stands in `file`: a relative one counts from the folder of that file. */
struct bytes conf_beside(struct arena *, struct bytes file, struct bytes path);

/* The values of words, all of it. */
bool conf_bool(struct bytes, bool *value_out); /* yes no on off true false */
bool conf_msec(struct bytes, uint64_t *msec_out); /* 500ms 30s 5m 2h 1d; 0 needs no unit */
bool conf_size(struct bytes, uint64_t *octets_out); /* 4096 4k 25M 1G, 1k being 1024 */

/* The shortest text that is read as the same: "5m", "8M". NUL-terminated. */
#define CONF_UNIT_TEXT 24
const char *conf_msec_text(uint64_t msec, char text[CONF_UNIT_TEXT]);
const char *conf_size_text(uint64_t octets, char text[CONF_UNIT_TEXT]);

#endif
