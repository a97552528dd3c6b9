/* auth/openssl.c: see openssl.h. */
#include "auth/openssl.h"

struct openssl openssl;
struct library openssl_library = LIBRARY("libcrypto.so.3", "libssl3", OPENSSL_FUNCTIONS, &openssl);
