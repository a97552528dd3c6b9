/* base/ip.h: internet addresses and networks, without sockets.
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is read as the IPv4 address it
 * stands for: RFC 7208 section 5 wants that, and nobody wants anything else. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/bytes.h"

struct ip {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t octet[16]; /* network order, the first 4 or all 16 */
};

struct ip_net {
	struct ip ip;
	uint8_t   bits;
};

#define IP_TEXT_MAX 46

struct ip ip_from_4(const void *octets);
struct ip ip_from_16(const void *octets);

/* Text as in RFC 4291 section 2.2 or dotted quad (no leading zeros, no zone
 * id, no brackets, no port), all of it. */
bool ip_parse(struct bytes, struct ip *ip_out);
/* "192.0.2.0/24"; without a slash a single address. Bits beyond the prefix must be zero only if `strict`. */
bool ip_net_parse(struct bytes, bool strict, struct ip_net *net_out);
/* "192.0.2.1:53", "[2001:db8::1]:53", or an address alone, which gets the port `fallback`. Port 0 is refused. */
bool ip_port_parse(struct bytes, uint16_t fallback, struct ip *ip_out, uint16_t *port_out);
/* Canonical text (RFC 5952), NUL-terminated; returns its length. "" for none. */
size_t ip_format(const struct ip *, char text[IP_TEXT_MAX]);
bool   ip_eq(const struct ip *, const struct ip *);
/* False when the families differ. */
bool ip_in_net(const struct ip *, const struct ip *net, unsigned bits);
bool ip_in_list(const struct ip *, const struct ip_net *, size_t count);

/* The name whose PTR is asked: "1.2.0.192.in-addr.arpa"; returns its length. */
#define IP_ARPA_MAX 80
size_t ip_arpa(const struct ip *, char text[IP_ARPA_MAX]);

#endif
