/* auth/digest.h: SHA-256 fed through a buffer.
 *
 * Header fields come in words and lines; handing each to OpenSSL costs more
 * than hashing it, so they are gathered first. Plain data, lives on the stack. */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include <openssl/types.h>

#include "base/bytes.h"
#include "base/rc.h"

#define DIGEST_LEN  32
#define DIGEST_ROOM 4096

struct digest {
	EVP_MD_CTX *md; /* NULL: something failed, and digest_end() will say so */
	size_t      used;
	char        room[DIGEST_ROOM];
};

/* SHA-256, fetched once for the process: a fetch for each hash costs more than a short hash. NULL: OpenSSL is missing
 * or found no memory to begin with, and must not be asked for anything, by nobody, until the process ends. */
const EVP_MD *digest_sha256(void);
/* A hash begun, for those who need no buffer; NULL as above, or when memory is spent. */
EVP_MD_CTX *digest_md(void);

void digest_begin(struct digest *);
void digest_add(struct digest *, struct bytes);
/* Another digest that goes on from here; both must be ended. */
void digest_fork(struct digest *from, struct digest *fork_out);
/* False when there is no hash, for want of memory or of OpenSSL. The digest is released either way; a NULL hash only releases. */
bool digest_end(struct digest *, uint8_t hash_out[DIGEST_LEN]);

#endif
