/* desk/signin.c: see signin.h. */
#include "desk/signin.h"

#include <crypt.h>
#include <string.h>
#include <sys/random.h>

#include "auth/digest.h"
#include "base/log.h"

#define CRYPT_FUNCTIONS(X) X(crypt_gensalt_rn) X(crypt_rn)

static struct {
	CRYPT_FUNCTIONS(LIBRARY_POINTER)
} lib;
struct library password_library = LIBRARY("libcrypt.so.1", "libcrypt1", CRYPT_FUNCTIONS, &lib);

#define DAY_S 86400
#define SEEN_EVERY_US ((int64_t)60 * 1000000) /* a session's use is written once a minute */

static const struct {
	const char *word;
	enum may    scope;
} scope_words[] = {
	{ "read", MAY_READ },
	{ "explain", MAY_EXPLAIN },
	{ "metrics", MAY_METRICS },
	{ "change", MAY_CHANGE },
};

bool
operator_name_is(struct bytes name)
{
	if (name.len == 0 || name.len > OPERATOR_NAME_MOST || !byte_is_alnum(name.at[0]))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!byte_is_alnum(name.at[i]) && memchr("._-@", name.at[i], 4) == NULL)
			return false;
	return true;
}

/* ---- passwords ---- */

/* Hashing takes as long as it is safe, so it is done for absent operators too. */
static const char nobody[] = "$y$j9T$hDaPsjXVL9Ht8SLNr1IA20$h/1PBsP1G5ikupCPElm24S3Ve5jwbWlkKB0bc9jzWfB";

static struct bytes
crypt_text(struct arena *a, struct bytes password, const char *setting)
{
	struct crypt_data *data = arena_take(a, sizeof(*data));
	char              *phrase = arena_take(a, password.len + 1);
	struct bytes       hash = B_NONE;

	if (library_missing(&password_library) != NULL || data == NULL || phrase == NULL || password.len > PASSWORD_MOST || bytes_has(password, '\0'))
		return B_NONE;
	if (password.len > 0)
		memcpy(phrase, password.at, password.len);
	const char *made = lib.crypt_rn(phrase, setting, data, sizeof(*data));
	if (made != NULL)
		hash = arena_copy(a, bytes_of(made));
	explicit_bzero(phrase, password.len);
	explicit_bzero(data, sizeof(*data));
	return hash;
}

struct bytes
password_hash(struct arena *a, struct bytes password)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (library_missing(&password_library) != NULL || lib.crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) == NULL)
		return B_NONE;
	return crypt_text(a, password, setting);
}

bool
password_fits(struct arena *a, struct bytes password, struct bytes hash)
{
	bool         real = hash.len > 0 && bytes_starts(hash, B("$y$"));
	struct bytes setting = arena_copy(a, real ? hash : bytes_of(nobody));
	struct bytes made = setting.len > 0 ? crypt_text(a, password, setting.at) : B_NONE;

	return secret_eq(made, setting) && real && made.len > 0;
}

enum rc
signin_password(struct store *s, struct arena *a, struct bytes name, struct bytes password, struct store_operator *operator_out)
{
	struct store_operator found = { .state = B("") };
	enum rc               rc = operator_name_is(name) ? operator_get(s, a, name, &found) : RC_LIMIT;

	if (library_missing(&password_library) != NULL)
		return RC_IO; /* the password may be right */
	if (rc != RC_OK && rc != RC_LIMIT)
		return rc;
	bool fits = password_fits(a, password, rc == RC_OK ? found.hash : B_NONE);
	if (!fits || !bytes_eq(found.state, B("active")))
		return RC_LIMIT;
	*operator_out = found;
	return RC_OK;
}

/* ---- secrets ---- */

static struct bytes
hex(struct arena *a, const uint8_t *octets, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char             *text = arena_take(a, len * 2 + 1);

	if (text == NULL)
		return B_NONE;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[octets[i] >> 4];
		text[2 * i + 1] = digits[octets[i] & 15];
	}
	return bytes_make(text, len * 2);
}

struct bytes
secret_new(struct arena *a)
{
	uint8_t octets[SECRET_LEN / 2];

	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		return B_NONE;
	return hex(a, octets, sizeof(octets));
}

struct bytes
secret_hash(struct arena *a, struct bytes secret)
{
	struct digest d;
	uint8_t       hash[DIGEST_LEN];

	digest_begin(&d);
	digest_add(&d, secret);
	return digest_end(&d, hash) ? hex(a, hash, sizeof(hash)) : B_NONE;
}

bool
secret_eq(struct bytes a, struct bytes b)
{
	const volatile char *x = a.at, *y = b.at; /* volatile: or a compiler might stop at the first difference */
	int                  other = 0;

	if (a.len != b.len || a.len == 0)
		return false;
	for (size_t i = 0; i < a.len; i++)
		other |= x[i] ^ y[i];
	return other == 0;
}

/* ---- sessions and tokens ---- */

bool
scopes_parse(struct bytes words, unsigned *scopes_out)
{
	unsigned     scopes = 0;
	struct bytes word;

	while (bytes_cut(&words, ' ', &word)) {
		unsigned one = 0;
		for (size_t i = 0; i < NELEMS(scope_words); i++)
			if (bytes_eq(word, bytes_of(scope_words[i].word)))
				one = scope_words[i].scope;
		if (one == 0 && word.len > 0)
			return false;
		scopes |= one;
	}
	*scopes_out = scopes;
	return true;
}

unsigned
role_scopes(struct bytes role)
{
	if (bytes_eq(role, B(ROLE_ADMIN)))
		return MAY_READ | MAY_EXPLAIN | MAY_METRICS | MAY_CHANGE;
	return bytes_eq(role, B(ROLE_VIEWER)) ? MAY_READ | MAY_EXPLAIN : 0;
}

enum rc
signin_begin(struct store *s, struct arena *a, struct bytes name, struct bytes client, int64_t now_us, int64_t lasts_us,
             struct bytes *secret_out)
{
	struct bytes         secret = secret_new(a);
	struct store_session row = {
		.hash = secret_hash(a, secret),
		.operator = name,
		.csrf = secret_new(a),
		.client = client,
		.created_us = now_us,
		.seen_us = now_us,
		.expires_us = now_us + lasts_us,
	};

	if (secret.len == 0 || row.hash.len == 0 || row.csrf.len == 0)
		return RC_MEMORY;
	enum rc rc = session_add(s, &row);
	if (rc == RC_OK)
		*secret_out = secret;
	return rc;
}

/* What the operator may do now, whatever the session or token was begun with. */
static enum rc
operator_scopes(struct store *s, struct arena *a, struct bytes name, unsigned *scopes_out)
{
	struct store_operator found;
	enum rc               rc = operator_get(s, a, name, &found);

	if (rc == RC_OK && !bytes_eq(found.state, B("active")))
		rc = RC_LIMIT;
	if (rc == RC_OK)
		*scopes_out = role_scopes(found.role);
	return rc;
}

enum rc
signin_session(struct store *s, struct arena *a, struct bytes secret, int64_t now_us, int64_t lasts_us, struct who *who_out)
{
	struct store_session row;
	unsigned             scopes = 0;

	if (secret.len != SECRET_LEN)
		return RC_LIMIT;
	enum rc rc = session_get(s, a, secret_hash(a, secret), now_us, &row);
	if (rc == RC_OK)
		rc = operator_scopes(s, a, row.operator, &scopes);
	if (rc != RC_OK)
		return rc;
	int64_t end = row.created_us + (int64_t)DAY_S * 1000000;
	int64_t longer = now_us + lasts_us < end ? now_us + lasts_us : end;
	if (now_us - row.seen_us > SEEN_EVERY_US && longer > row.expires_us)
		rc = session_seen(s, row.hash, now_us, longer);
	*who_out = (struct who){ .name = row.operator, .scopes = scopes, .csrf = row.csrf, .session = row.hash };
	return rc;
}

enum rc
signin_token(struct store *s, struct arena *a, struct bytes secret, int64_t now_us, struct who *who_out)
{
	struct store_token row;
	unsigned           may = 0, scopes = 0;

	if (secret.len != SECRET_LEN)
		return RC_LIMIT;
	enum rc rc = token_get(s, a, secret_hash(a, secret), &row);
	if (rc == RC_OK && row.expires_us != 0 && row.expires_us <= now_us)
		rc = RC_LIMIT;
	if (rc == RC_OK)
		rc = operator_scopes(s, a, row.operator, &may);
	if (rc != RC_OK)
		return rc;
	if (!scopes_parse(row.scopes, &scopes))
		return RC_LIMIT;
	if (now_us - row.used_us > SEEN_EVERY_US)
		rc = token_used(s, row.hash, now_us);
	*who_out = (struct who){ .name = row.operator, .scopes = scopes & may };
	return rc;
}

/* ---- the audit trail ---- */

bool
row_id(char id[ID_LEN + 1])
{
	uint8_t random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	id_format(random, id);
	return true;
}

void
audit_note(struct store *s, struct bytes operator, const char *deed, struct bytes about, struct bytes detail, struct bytes client)
{
	char id[ID_LEN + 1];

	log_event(AT_INFO, "web.deed", F_TEXT("operator", operator), F_WORD("deed", deed), F_TEXT("about", about), F_TEXT("client", client));
	if (!row_id(id))
		return;
	struct store_deed row = {
		.id = bytes_of(id),
		.at_us = store_now_us(),
		.operator = operator,
		.deed = bytes_of(deed),
		.about = about,
		.detail = detail,
		.client = client,
	};
	if (audit_add(s, &row) != RC_OK)
		log_event(AT_WARNING, "web.audit", F_TEXT("trouble", store_trouble(s)), F_WORD("done", "the deed stands in this log only"));
}
