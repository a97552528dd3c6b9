/* base/ip.c: see ip.h. */
#include "base/ip.h"

#include <stdio.h>
#include <string.h>

struct ip
ip_from_4(const void *octets)
{
	struct ip ip = { .family = 4 };

	memcpy(ip.octet, octets, 4);
	return ip;
}

struct ip
ip_from_16(const void *octets)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct ip            ip = { .family = 6 };

	if (memcmp(octets, mapped, sizeof(mapped)) == 0)
		return ip_from_4((const uint8_t *)octets + 12);
	memcpy(ip.octet, octets, 16);
	return ip;
}

static bool
parse_4(struct bytes text, uint8_t octet[4])
{
	size_t i = 0;

	for (int n = 0; n < 4; n++) {
		unsigned v = 0;
		size_t   from = i;
		for (; i < text.len && byte_is_digit(text.at[i]) && i - from < 3; i++)
			v = v * 10 + (unsigned)(text.at[i] - '0');
		if (i == from || v > 255 || (i - from > 1 && text.at[from] == '0'))
			return false;
		octet[n] = (uint8_t)v;
		if (n < 3 && (i == text.len || text.at[i++] != '.'))
			return false;
	}
	return i == text.len;
}

static bool
parse_group(struct bytes part, uint8_t octet[2])
{
	unsigned v = 0;

	if (part.len == 0 || part.len > 4)
		return false;
	for (size_t i = 0; i < part.len; i++) {
		int digit = byte_hex(part.at[i]);
		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	octet[0] = (uint8_t)(v >> 8);
	octet[1] = (uint8_t)v;
	return true;
}

/* One side of "::": up to eight groups, the last may be a dotted quad. */
static bool
parse_groups(struct bytes text, bool last, uint8_t octet[16], size_t *used_out)
{
	struct bytes part;
	size_t       used = 0;

	if (text.len == 0) {
		*used_out = 0;
		return true;
	}
	while (bytes_cut(&text, ':', &part)) {
		if (last && text.at == NULL && bytes_has(part, '.')) {
			if (used > 12 || !parse_4(part, octet + used))
				return false;
			used += 4;
		} else {
			if (used > 14 || !parse_group(part, octet + used))
				return false;
			used += 2;
		}
	}
	*used_out = used;
	return true;
}

bool
ip_parse(struct bytes text, struct ip *ip_out)
{
	uint8_t head[16], tail[16], octet[16] = { 0 };
	size_t  nhead, ntail = 0;

	if (text.len == 0)
		return false;
	if (!bytes_has(text, ':')) {
		if (!parse_4(text, octet))
			return false;
		*ip_out = ip_from_4(octet);
		return true;
	}
	size_t gap = bytes_find(text, B("::"));
	bool   has_gap = gap < text.len;
	if (!parse_groups(bytes_sub(text, 0, gap), !has_gap, head, &nhead))
		return false;
	if (has_gap && !parse_groups(bytes_from(text, gap + 2), true, tail, &ntail))
		return false;
	if (has_gap ? nhead + ntail > 14 : nhead != 16)
		return false;
	memcpy(octet, head, nhead);
	memcpy(octet + 16 - ntail, tail, ntail);
	*ip_out = ip_from_16(octet);
	return true;
}

bool
ip_net_parse(struct bytes text, bool strict, struct ip_net *net_out)
{
	struct ip_net net;
	struct bytes  addr;
	uint64_t      bits;

	if (!bytes_cut(&text, '/', &addr) || !ip_parse(addr, &net.ip))
		return false;
	bits = net.ip.family == 4 ? 32 : 128;
	if (text.at != NULL) {
		if (!bytes_number(text, bits, &bits) || (net.ip.family == 4 && bytes_has(addr, ':')))
			return false;
	}
	net.bits = (uint8_t)bits;
	for (unsigned i = net.bits; strict && i < (net.ip.family == 4 ? 32U : 128U); i++)
		if (net.ip.octet[i / 8] & (0x80U >> (i % 8)))
			return false;
	*net_out = net;
	return true;
}

bool
ip_port_parse(struct bytes text, uint16_t fallback, struct ip *ip_out, uint16_t *port_out)
{
	uint64_t     port = fallback;
	struct bytes addr = text, number = B_NONE;
	size_t       bracket = bytes_index(text, ']');

	if (text.len > 0 && text.at[0] == '[') {
		if (bracket == text.len)
			return false;
		addr = bytes_sub(text, 1, bracket - 1);
		if (!bytes_has(addr, ':'))
			return false;
		number = bytes_from(text, bracket + 1);
	} else if (bytes_index(text, ':') == bytes_rindex(text, ':')) {
		addr = bytes_sub(text, 0, bytes_index(text, ':'));
		number = bytes_from(text, addr.len);
	}
	if (number.len > 0 && (number.at[0] != ':' || !bytes_number(bytes_from(number, 1), 65535, &port)))
		return false;
	if (port == 0 || !ip_parse(addr, ip_out))
		return false;
	*port_out = (uint16_t)port;
	return true;
}

size_t
ip_format(const struct ip *ip, char text[IP_TEXT_MAX])
{
	const uint8_t *o = ip->octet;
	int            best = -1, best_len = 1;

	text[0] = '\0';
	if (ip->family == 4)
		return (size_t)snprintf(text, IP_TEXT_MAX, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
	if (ip->family != 6)
		return 0;
	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && o[2 * (i + n)] == 0 && o[2 * (i + n) + 1] == 0)
			n++;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	size_t used = 0;
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			used += (size_t)snprintf(text + used, IP_TEXT_MAX - used, "%s", i == 0 ? "::" : ":");
			i += best_len - 1;
			continue;
		}
		unsigned group = (unsigned)o[2 * i] << 8 | o[2 * i + 1];
		used += (size_t)snprintf(text + used, IP_TEXT_MAX - used, i < 7 ? "%x:" : "%x", group);
	}
	return used;
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->octet, b->octet, a->family == 4 ? 4 : 16) == 0;
}

bool
ip_in_net(const struct ip *ip, const struct ip *net, unsigned bits)
{
	if (ip->family != net->family)
		return false;
	if (memcmp(ip->octet, net->octet, bits / 8) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff00U >> (bits % 8));
	return ((ip->octet[bits / 8] ^ net->octet[bits / 8]) & mask) == 0;
}

bool
ip_in_list(const struct ip *ip, const struct ip_net *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ip_in_net(ip, &list[i].ip, list[i].bits))
			return true;
	return false;
}

size_t
ip_arpa(const struct ip *ip, char text[IP_ARPA_MAX])
{
	const uint8_t *o = ip->octet;

	text[0] = '\0';
	if (ip->family == 4)
		return (size_t)snprintf(text, IP_ARPA_MAX, "%u.%u.%u.%u.in-addr.arpa", o[3], o[2], o[1], o[0]);
	if (ip->family != 6)
		return 0;
	size_t used = 0;
	for (int i = 15; i >= 0; i--)
		used += (size_t)snprintf(text + used, IP_ARPA_MAX - used, "%x.%x.", o[i] & 15U, o[i] >> 4);
	used += (size_t)snprintf(text + used, IP_ARPA_MAX - used, "ip6.arpa");
	return used;
}
