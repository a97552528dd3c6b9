/* test/milter_client.h: the MTA's part of the milter protocol, for tests and
 * measurements: blocking, one socket, frames in and out. */
#ifndef TEST_MILTER_CLIENT_H
#define TEST_MILTER_CLIENT_H

#include "base/buf.h"
#include "front/milter_codec.h"

struct mta {
	int                   fd; /* -1: closed */
	struct buf            out, in; /* not yet sent; not yet heard */
	struct milter_options agreed;
	char                  command; /* of the last frame heard, '\0' after the end of the connection */
	struct bytes          payload; /* of it; until the next is waited for */
};

#define MTA_PATIENCE_MS 10000

void mta_on(struct mta *, int fd); /* the socket is the mta's from now on */
bool mta_connect(struct mta *, const char *unix_path); /* false: errno */
void mta_close(struct mta *);

/* Put a frame, or any octets, behind those that wait; mta_flush() sends them. */
void mta_put(struct mta *, char command, struct bytes payload);
void mta_put_raw(struct mta *, struct bytes);
bool mta_flush(struct mta *);
/* Wait for the next frame; its letter. '\0': the connection has ended, '?': nothing came in time. */
char mta_hear(struct mta *);
char mta_hear_within(struct mta *, int ms);

/* Say, and hear the answer if one is due: 'c', 'y', 't'; '-': none is due. */
char mta_say(struct mta *, char command, struct bytes payload);
/* The negotiation, offering all there is; 'O' on success. */
char mta_negotiate(struct mta *);
/* Negotiation, CONNECT from 192.0.2.1 and HELO; false: something else than go-ahead. */
bool mta_greet(struct mta *);
/* From MAIL to the end; the last answer, changes passed over. */
char mta_message(struct mta *);

#endif
