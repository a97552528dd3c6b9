/* diagnose/mbox.h: the messages of an mbox file, RFC 4155. */
#ifndef DIAGNOSE_MBOX_H
#define DIAGNOSE_MBOX_H

#include "base/bytes.h"

/* It begins with "From " and a line like a separator. */
bool mbox_is(struct bytes text);

/* Cut the next message, without its separator line. A separator is a "From "
 * line with a time after an empty line (or at the front). False at the end. */
bool mbox_cut(struct bytes *rest, struct bytes *message_out);

#endif
