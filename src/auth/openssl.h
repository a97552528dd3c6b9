/* auth/openssl.h: libcrypto, as this room calls it: openssl.EVP_DigestUpdate().
 *
 * It has some twenty thousand addresses to be bound, which takes longer than to
 * read a bounce; digest_sha256() opens it, and nothing is called before that. */
#ifndef AUTH_OPENSSL_H
#define AUTH_OPENSSL_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/library.h"

#define OPENSSL_FUNCTIONS(X)                                                                                        \
	X(BN_bin2bn) X(BN_free) X(ERR_clear_error) X(EVP_DigestFinal_ex) X(EVP_DigestInit_ex2) X(EVP_DigestUpdate)          \
	X(EVP_DigestVerify) X(EVP_DigestVerifyInit) X(EVP_MD_CTX_copy_ex) X(EVP_MD_CTX_free) X(EVP_MD_CTX_new)              \
	X(EVP_MD_fetch) X(EVP_PKEY_CTX_free) X(EVP_PKEY_CTX_new_from_name) X(EVP_PKEY_CTX_new_from_pkey)                    \
	X(EVP_PKEY_CTX_set_rsa_padding) X(EVP_PKEY_CTX_set_signature_md) X(EVP_PKEY_free) X(EVP_PKEY_fromdata)              \
	X(EVP_PKEY_fromdata_init) X(EVP_PKEY_new_raw_public_key) X(EVP_PKEY_verify) X(EVP_PKEY_verify_init) X(EVP_sha256)   \
	X(OSSL_LIB_CTX_get0_global_default) X(OSSL_PARAM_BLD_free) X(OSSL_PARAM_BLD_new) X(OSSL_PARAM_BLD_push_BN)          \
	X(OSSL_PARAM_BLD_to_param) X(OSSL_PARAM_free)

extern struct openssl {
	OPENSSL_FUNCTIONS(LIBRARY_POINTER)
} openssl;

extern struct library openssl_library;

#endif
