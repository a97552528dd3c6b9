/* diagnose/reading.h: what a report says, before anybody judges it.
 *
 * A reading is made from a whole message, from the visible text of one, or from
 * a single pasted reply. It says what kind of mail this is, and of each
 * recipient what stands there: the fields of RFC 3464 where there are any, and
 * the passage of the human text that is about him. */
#ifndef DIAGNOSE_READING_H
#define DIAGNOSE_READING_H

#include "base/arena.h"
#include "mail/field.h"

enum bounce_kind {
	KIND_BOUNCE,
	KIND_DELAYED,
	KIND_DELIVERED,
	KIND_FEEDBACK,
	KIND_AUTOREPLY,
	KIND_MDN,
	KIND_CHALLENGE,
	KIND_NOT_A_BOUNCE,
};

/* RFC 3464 2.3.3 */
enum dsn_action { ACTION_NONE, ACTION_FAILED, ACTION_DELAYED, ACTION_DELIVERED, ACTION_RELAYED, ACTION_EXPANDED };

#define SAID_MAX 256 /* recipients of one report that are listed */

struct said {
	struct bytes    recipient; /* address without <>; empty: not named */
	struct bytes    original; /* the address mailed to, where it differs; may be empty */
	enum dsn_action action;
	struct bytes    status; /* "5.1.1"; empty: none */
	struct bytes    diagnostic; /* Diagnostic-Code without its type, unfolded */
	struct bytes    passage; /* the lines of the text about this recipient, as they stand */
	struct bytes    remote; /* Remote-MTA without its type */
	bool            from_smtp; /* the diagnostic has the type smtp */
};

struct said_list {
	struct said *at;
	size_t       count;
	size_t       room;
};

/* NULL when memory is spent or the list is full. */
struct said *said_add(struct arena *, struct said_list *);

struct reading {
	enum bounce_kind kind;
	struct said_list said;
	struct bytes     text; /* what a person reads, up to the returned message; UTF-8 */
	struct bytes     reporter; /* Reporting-MTA, or the host of the sender of the report; may be empty */
	struct bytes     from, to, subject; /* of the report; decoded */
	struct header    header; /* of the report */
	struct header    returned; /* of the message that was returned; count 0: none */
	struct bytes     feedback_type; /* of an ARF report */
	struct bytes     source_ip; /* of an ARF report */
	bool             contradiction; /* set by those who find one */
	bool             worded; /* of what was pasted: it says in words that a mail was not delivered */
};

struct wordset;

/* The words that tell kinds of mail apart, made ready once. NULL when memory is spent. */
struct wordset *reading_words(void);

/* NULL only when memory is spent. `text` is borrowed. */
struct reading *reading_message(struct arena *, const struct wordset *, struct bytes text);
/* What a person pasted: one reply, or the visible text of a report, plain or HTML. */
struct reading *reading_paste(struct arena *, const struct wordset *, struct bytes text);

const char *kind_word(enum bounce_kind);

#endif
