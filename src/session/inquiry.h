/* session/inquiry.h: all checks of one message, run side by side.
 *
 * Each check is a thinker that asks or is done. The inquiry steps them, puts
 * their questions to the host, takes the answers back, and writes the story
 * into the account. It decides nothing. */
#ifndef SESSION_INQUIRY_H
#define SESSION_INQUIRY_H

#include "mail/field.h"
#include "session/session.h"

struct inquiry;

/* All borrowed until the arena goes. `generation` marks its tickets, so that
 * the answers of an earlier transaction are known as such. NULL: memory spent. */
struct inquiry *inquiry_new(struct arena *, const struct session_env *, const struct session_host *, void *door, struct account *,
                            uint32_t generation);

/* In this order. The client and the envelope are known (facts.client, helo, mail_from): SPF begins. */
void inquiry_client(struct inquiry *);
/* The header is whole; it is borrowed too: From is read, DKIM and ARC ask for their keys. */
void inquiry_header(struct inquiry *, const struct header *);
void inquiry_body(struct inquiry *, struct bytes chunk);
/* The body is whole: signatures are concluded as their keys come, DMARC last. */
void inquiry_end(struct inquiry *);

/* Takes the reference. A stale ticket is ignored. */
void inquiry_answer(struct inquiry *, uint64_t ticket, const struct answer *);
/* Whatever is still asked gets no answer, now and from now on. */
void inquiry_late(struct inquiry *);
/* All checks have concluded; facts are complete. Never before inquiry_end(). */
bool inquiry_done(const struct inquiry *);

#endif
