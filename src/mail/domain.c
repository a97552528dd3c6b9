/* mail/domain.c: see domain.h. libidn2 passes "a..b" and refuses nothing about
 * lengths, so those are checked here; pure ASCII never goes through it. */
#include "mail/domain.h"

#include <idn2.h>
#include <string.h>

#include "base/ask.h"
#include "base/ip.h"
#include "base/utf8.h"

#define IDN2_FUNCTIONS(X) X(idn2_free) X(idn2_lookup_u8)

static struct {
	IDN2_FUNCTIONS(LIBRARY_POINTER)
} lib;
struct library domain_library = LIBRARY("libidn2.so.0", "libidn2-0", IDN2_FUNCTIONS, &lib);

static bool
is_host_octet(char c)
{
	return byte_is_alnum(c) || c == '-' || c == '_';
}

static bool
is_normal(struct bytes name)
{
	struct bytes label;

	if (name.len == 0 || name.len > DNS_NAME_MAX || name.at[name.len - 1] == '.')
		return false;
	while (bytes_cut(&name, '.', &label)) {
		if (label.len == 0 || label.len > DNS_LABEL_MAX)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_host_octet(label.at[i]))
				return false;
	}
	return true;
}

static struct bytes
to_ascii(struct arena *a, struct bytes domain)
{
	char        *out = NULL;
	struct bytes text = arena_copy(a, domain);

	if (text.at == NULL || strlen(text.at) != text.len || !utf8_valid(text))
		return B_NONE;
	int rc = library_missing(&domain_library) == NULL
	             ? lib.idn2_lookup_u8((const uint8_t *)text.at, (uint8_t **)&out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)
	             : IDN2_MALLOC;
	if (rc == IDN2_MALLOC) /* nothing is known of the name then, least of all that it is none */
		arena_spoil(a);
	if (rc != IDN2_OK)
		return B_NONE;
	struct bytes ascii = arena_copy(a, bytes_of(out));
	lib.idn2_free(out);
	return ascii;
}

struct bytes
domain_normal(struct arena *a, struct bytes domain)
{
	struct ip ip;

	if (domain.len > 1 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (domain.len > 1024)
		return B_NONE;
	if (!bytes_is_ascii(domain))
		domain = to_ascii(a, domain);
	if (!is_normal(domain) || ip_parse(domain, &ip))
		return B_NONE;
	for (size_t i = 0; i < domain.len; i++)
		if (domain.at[i] >= 'A' && domain.at[i] <= 'Z')
			return arena_lower(a, domain);
	return domain;
}

bool
domain_is_under(struct bytes domain, struct bytes parent)
{
	if (parent.len == 0 || !bytes_ends_nocase(domain, parent))
		return false;
	return domain.len == parent.len || domain.at[domain.len - parent.len - 1] == '.';
}

size_t
domain_labels(struct bytes domain)
{
	size_t       n = 0;
	struct bytes label;

	if (domain.len == 0)
		return 0;
	while (bytes_cut(&domain, '.', &label))
		n++;
	return n;
}

struct bytes
domain_tail(struct bytes domain, size_t n)
{
	size_t have = domain_labels(domain);

	for (; have > n; have--)
		domain = bytes_from(domain, bytes_index(domain, '.') + 1);
	return domain;
}

struct bytes
address_domain(struct bytes address)
{
	size_t at = bytes_rindex(address, '@');

	return at < address.len ? bytes_from(address, at + 1) : B("");
}
