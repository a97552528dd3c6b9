/* front/milter_codec.h: the milter protocol, versions 2 to 6, as octets.
 *
 * There is no RFC: what Sendmail's libmilter and Postfix speak is the standard.
 * A frame is a length of four octets (most significant first), a command letter
 * and a payload; the length counts the letter. The MTA speaks first and offers
 * what it can (options); we answer with the part we want, and from then on each
 * of its commands gets one answer, unless we agreed on none.
 *
 * Pure: frames are cut off what was read, answers are added to a buffer. What
 * was taken is borrowed from the input. Nothing here knows what comes after
 * what; front/milter.h does. */
#ifndef FRONT_MILTER_CODEC_H
#define FRONT_MILTER_CODEC_H

#include "base/buf.h"
#include "mail/event.h"
#include "mail/reply.h"

/* Body chunks have at most 65535 octets, but a header field is one frame
 * whatever its length, and Postfix's header_size_limit is the operator's. */
#define MILTER_FRAME_MAX ((size_t)1 << 20)

#define MILTER_VERSION     6
#define MILTER_VERSION_MIN 2

/* What the MTA says. */
enum milter_command {
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACRO = 'D',
	MILTER_EOM = 'E', /* may carry the last octets of the body */
	MILTER_HELO = 'H',
	MILTER_QUIT_NC = 'K', /* the end, but another SMTP client follows on this connection */
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_EOH = 'N',
	MILTER_OPTNEG = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
	MILTER_UNKNOWN = 'U', /* an SMTP command the MTA does not know */
};

/* What we say. CONTINUE, REPLYCODE and TEMPFAIL end the answer to a command;
 * the others come before it, and all but PROGRESS only at the end of a message. */
enum milter_answer {
	MILTER_CONTINUE = 'c',
	MILTER_REPLYCODE = 'y',
	MILTER_TEMPFAIL = 't',
	MILTER_PROGRESS = 'p', /* "still thinking": the MTA's timer begins anew */
	MILTER_INSHEADER = 'i',
	MILTER_CHGHEADER = 'm',
	MILTER_QUARANTINE = 'q',
	MILTER_ADDRCPT = '+',
	MILTER_DELRCPT = '-',
	MILTER_CHGFROM = 'e',
	MILTER_DISCARD = 'd',
};

/* What the MTA lets us do. */
enum {
	MILTER_DO_ADD_HEADER = 0x001, /* inserting included */
	MILTER_DO_ADD_RCPT = 0x004,
	MILTER_DO_DEL_RCPT = 0x008,
	MILTER_DO_CHANGE_HEADER = 0x010, /* deleting included */
	MILTER_DO_QUARANTINE = 0x020,
	MILTER_DO_CHANGE_FROM = 0x040,
	MILTER_DO_SET_MACROS = 0x100,
};

/* How the MTA goes about it. NO_X: the command is not sent. QUIET_X: it is
 * sent, and no answer to it expected. */
enum {
	MILTER_QUIET_HEADER = 0x000080,
	MILTER_NO_UNKNOWN = 0x000100,
	MILTER_QUIET_CONNECT = 0x001000,
	MILTER_QUIET_HELO = 0x002000,
	MILTER_QUIET_MAIL = 0x004000,
	MILTER_QUIET_RCPT = 0x008000,
	MILTER_QUIET_DATA = 0x010000,
	MILTER_QUIET_UNKNOWN = 0x020000,
	MILTER_QUIET_EOH = 0x040000,
	MILTER_QUIET_BODY = 0x080000,
	MILTER_LEADING_SPACE = 0x100000, /* header values keep the blank behind the colon, both ways */
};

struct milter_frame {
	char         command;
	struct bytes payload;
};

struct milter_options {
	uint32_t version;
	uint32_t actions; /* MILTER_DO_ */
	uint32_t steps; /* MILTER_QUIET_ and so on */
};

/* Cut one frame off the front. RC_AGAIN: not all of it is there yet, nothing
 * taken; RC_LIMIT: a length of zero or beyond MILTER_FRAME_MAX. */
enum rc milter_take(struct bytes *in, struct milter_frame *frame_out) MUST_USE;
/* Octets still missing from the frame at the front, which milter_take() found
 * incomplete; 4 or less while the length itself is. */
size_t milter_missing(struct bytes in);

/* The payloads. False when malformed, then nothing is set. */
bool milter_options_parse(struct bytes payload, struct milter_options *offer_out);
/* kind, ip, port and host of the event. No host when the MTA has no name for the
 * client. ip.family 0 for a UNIX socket and for port 0 on loopback: so
 * Postfix presents mail that its sendmail command picked up. An unknown family
 * has no address either, and is `unknown`. */
bool milter_connect_parse(struct bytes payload, struct event *event_out);
/* MAIL and RCPT: the address, and what follows it with a NUL behind each word. */
bool milter_path_parse(struct bytes payload, struct bytes *path_out, struct bytes *words_out);
/* The value as it came: folded with a bare LF. */
bool milter_header_parse(struct bytes payload, struct bytes *name_out, struct bytes *value_out);
/* One string that ends in NUL: HELO. */
bool milter_string_parse(struct bytes payload, struct bytes *text_out);
/* The letter of the command these macros belong to, and the pairs. */
bool milter_macro_parse(struct bytes payload, char *command_out, struct bytes *pairs_out);
/* Cut one pair off; names come with their braces, if they have any. False at the end. */
bool milter_macro_next(struct bytes *pairs, struct bytes *name_out, struct bytes *value_out);

/* What we want of an offer, when the session answers the events of `wants`
 * (EV_BIT). False and a sentence: we cannot work with this MTA. */
bool milter_agree(const struct milter_options *offer, uint32_t wants, struct milter_options *agreed_out, struct bytes *why_out);

/* With the macros we ask for at each stage, if the MTA lets us. */
void milter_write_options(struct buf *, const struct milter_options *agreed);
/* An answer that is a letter and nothing more. */
void milter_write(struct buf *, enum milter_answer);
/* One text: QUARANTINE, ADDRCPT, DELRCPT, CHGFROM. A NUL in it becomes '?'. */
void milter_write_text(struct buf *, enum milter_answer, struct bytes text);
void milter_write_reply(struct buf *, const struct reply *);
/* At `index` (0: the very top); CRLF of folding becomes the LF that MTAs want.
 * A line break that is no folding is made a blank, so that nothing can slip in
 * a field of its own. `blank`: put one before the value (LEADING_SPACE was agreed). */
void milter_write_insert(struct buf *, uint32_t index, struct bytes name, struct bytes value, bool blank);
/* The `index`-th field of this name, from 1. */
void milter_write_delete(struct buf *, uint32_t index, struct bytes name);

#endif
