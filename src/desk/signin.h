/* desk/signin.h: who sits at the desk: passwords, web sessions, API tokens.
 *
 * Passwords are kept as yescrypt hashes of libcrypt. What a browser or a program
 * holds is 256 random bits; the store has only their SHA-256. */
#ifndef DESK_SIGNIN_H
#define DESK_SIGNIN_H

#include "base/codec.h"
#include "base/library.h"
#include "store/people.h"

#define ROLE_ADMIN  "admin" /* may do all */
#define ROLE_VIEWER "viewer" /* may look, and have bounces explained */

/* What one may do; a token has some of them, written as words. */
enum may { MAY_READ = 1, MAY_EXPLAIN = 2, MAY_METRICS = 4, MAY_CHANGE = 8 };

#define SECRET_LEN      64 /* hexadecimal */
#define PASSWORD_LEAST  10
#define PASSWORD_MOST   512
#define OPERATOR_NAME_MOST 64

struct who {
	struct bytes name; /* empty: nobody */
	unsigned     scopes;
	struct bytes csrf; /* of a web session; empty: a token */
	struct bytes session; /* its hash */
};

/* Letters, digits, and . _ - @ within; the name goes into logs and tables. */
bool operator_name_is(struct bytes);

extern struct library password_library;

/* B_NONE when libcrypt or memory fails. NUL-terminated. */
struct bytes password_hash(struct arena *, struct bytes password);
/* Takes as long for a wrong hash, or none, as for a right one. */
bool password_fits(struct arena *, struct bytes password, struct bytes hash);

/* RC_OK; RC_LIMIT: no such operator, locked, or another password; RC_IO: libcrypt is
 * missing; else the store's trouble. */
enum rc signin_password(struct store *, struct arena *, struct bytes name, struct bytes password,
                        struct store_operator *operator_out) MUST_USE;

/* A new session; *secret_out is the cookie's. */
enum rc signin_begin(struct store *, struct arena *, struct bytes name, struct bytes client, int64_t now_us, int64_t lasts_us,
                     struct bytes *secret_out) MUST_USE;
/* RC_LIMIT: it is over, or never was, or its operator may not any more. Each use makes it last longer, up to a day. */
enum rc signin_session(struct store *, struct arena *, struct bytes secret, int64_t now_us, int64_t lasts_us, struct who *who_out) MUST_USE;
enum rc signin_token(struct store *, struct arena *, struct bytes secret, int64_t now_us, struct who *who_out) MUST_USE;

/* 256 random bits, and what the store keeps of a secret. B_NONE when there is no randomness, or no memory. */
struct bytes secret_new(struct arena *);
struct bytes secret_hash(struct arena *, struct bytes secret);
/* Compared in a time that tells nothing. */
bool secret_eq(struct bytes, struct bytes);

/* "read explain"; false: a word that is no scope. */
bool     scopes_parse(struct bytes words, unsigned *scopes_out);
unsigned role_scopes(struct bytes role);

/* A random id for a row that people make. False: there is no randomness. */
bool row_id(char id[ID_LEN + 1]);

/* Into the audit trail. What cannot be written is logged. */
void audit_note(struct store *, struct bytes operator, const char *deed, struct bytes about, struct bytes detail, struct bytes client);

#endif
