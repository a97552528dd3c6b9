/* diagnose/peel.h: the innermost SMTP reply in a text that quotes it, perhaps
 * through several servers: who said it, with which codes, at which stage. */
#ifndef DIAGNOSE_PEEL_H
#define DIAGNOSE_PEEL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "mail/reason.h"

struct reply_found {
	struct bytes host; /* that gave the reply, or could not be reached; may be empty */
	struct bytes ip; /* of that host */
	struct bytes code; /* "550"; empty: no reply is quoted */
	struct bytes enhanced; /* "5.1.1"; empty: none */
	struct bytes text; /* the reply without codes and without quoting, one line */
	struct bytes whole; /* all of the input on one line */
	enum stage   stage; /* STAGE_NONE: not said */
};

struct wordset;

/* The words that it looks for, made ready once. NULL when memory is spent. */
struct wordset *peel_words(void);

struct reply_found peel(struct arena *, const struct wordset *, struct bytes text);

/* "5.7.509" at the front of a text; its length or 0. */
size_t enhanced_length(struct bytes);

#endif
