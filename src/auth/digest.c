/* auth/digest.c: see digest.h. */
#include "auth/digest.h"

#include <string.h>
#include <threads.h>

#include "auth/openssl.h"

static const EVP_MD *sha256;
static once_flag     sha256_once = ONCE_FLAG_INIT;

/* Where OpenSSL had no memory to begin with, it never has an own context again,
 * and whoever asks for a thing in it brings the process down. */
static void
fetch(void)
{
	if (library_missing(&openssl_library) != NULL || openssl.OSSL_LIB_CTX_get0_global_default() == NULL)
		return;
	sha256 = openssl.EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		sha256 = openssl.EVP_sha256();
}

const EVP_MD *
digest_sha256(void)
{
	call_once(&sha256_once, fetch);
	return sha256;
}

static void
spoil(struct digest *d)
{
	if (d->md != NULL)
		openssl.EVP_MD_CTX_free(d->md);
	d->md = NULL;
}

EVP_MD_CTX *
digest_md(void)
{
	const EVP_MD *md = digest_sha256();

	if (md == NULL)
		return NULL;
	EVP_MD_CTX *ctx = openssl.EVP_MD_CTX_new();
	if (ctx != NULL && openssl.EVP_DigestInit_ex2(ctx, md, NULL) == 1)
		return ctx;
	openssl.EVP_MD_CTX_free(ctx);
	return NULL;
}

void
digest_begin(struct digest *d)
{
	d->used = 0;
	d->md = digest_md();
}

static void
flush(struct digest *d)
{
	if (d->md != NULL && openssl.EVP_DigestUpdate(d->md, d->room, d->used) != 1)
		spoil(d);
	d->used = 0;
}

void
digest_add(struct digest *d, struct bytes b)
{
	if (b.len > sizeof(d->room) - d->used) {
		flush(d);
		if (b.len > sizeof(d->room)) {
			if (d->md != NULL && openssl.EVP_DigestUpdate(d->md, b.at, b.len) != 1)
				spoil(d);
			return;
		}
	}
	if (b.len > 0)
		memcpy(d->room + d->used, b.at, b.len);
	d->used += b.len;
}

void
digest_fork(struct digest *from, struct digest *fork_out)
{
	flush(from);
	fork_out->used = 0;
	fork_out->md = from->md != NULL ? openssl.EVP_MD_CTX_new() : NULL;
	if (fork_out->md != NULL && openssl.EVP_MD_CTX_copy_ex(fork_out->md, from->md) != 1)
		spoil(fork_out);
}

bool
digest_end(struct digest *d, uint8_t hash_out[DIGEST_LEN])
{
	flush(d);
	bool whole = d->md != NULL && hash_out != NULL && openssl.EVP_DigestFinal_ex(d->md, hash_out, NULL) == 1;
	spoil(d);
	return whole;
}
