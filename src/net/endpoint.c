/* net/endpoint.c: see endpoint.h. */
#include "net/endpoint.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_un *
as_unix(struct endpoint *e)
{
	return (struct sockaddr_un *)(void *)&e->at;
}

static const char *
parse_unix(struct bytes path, struct endpoint *e)
{
	struct sockaddr_un *un = as_unix(e);

	if (path.len == 0 || path.at[0] != '/')
		return "the path of a UNIX socket begins with a slash";
	/* Room is left for the name under which the socket is made ready. */
	if (path.len > sizeof(un->sun_path) - 5)
		return "the path of a UNIX socket may have at most 103 characters";
	if (bytes_has(path, '\0'))
		return "the path of a UNIX socket holds no NUL";
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.at, path.len);
	un->sun_path[path.len] = '\0';
	e->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return NULL;
}

/* "host:port", "[host]:port" or "port@host". */
static bool
split(struct bytes text, struct bytes *host_out, struct bytes *port_out)
{
	size_t at = bytes_index(text, '@');

	if (at < text.len) {
		*port_out = bytes_sub(text, 0, at);
		*host_out = bytes_from(text, at + 1);
	} else {
		size_t colon = bytes_rindex(text, ':');
		if (colon == text.len)
			return false;
		*host_out = bytes_sub(text, 0, colon);
		*port_out = bytes_from(text, colon + 1);
	}
	if (host_out->len >= 2 && host_out->at[0] == '[' && host_out->at[host_out->len - 1] == ']')
		*host_out = bytes_sub(*host_out, 1, host_out->len - 2);
	return true;
}

static const char *
parse_inet(struct bytes text, struct endpoint *e)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&e->at;
	struct bytes        host, port;
	uint64_t            number;
	struct ip           ip;

	if (!split(text, &host, &port) || !bytes_number(port, 65535, &number))
		return "an inet socket is written as inet:127.0.0.1:8891, with a port up to 65535";
	if (bytes_eq(host, B("*")))
		host = B("0.0.0.0");
	else if (bytes_eq_nocase(host, B("localhost")))
		host = B("127.0.0.1");
	if (!ip_parse(host, &ip) || ip.family != 4)
		return "the host of an inet socket is an IPv4 address, localhost or *";
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)number);
	memcpy(&in->sin_addr, ip.octet, 4);
	e->len = sizeof(*in);
	return NULL;
}

static const char *
parse_inet6(struct bytes text, struct endpoint *e)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)&e->at;
	struct bytes         host, port;
	uint64_t             number;
	struct ip            ip;

	if (!split(text, &host, &port) || !bytes_number(port, 65535, &number))
		return "an inet6 socket is written as inet6:[::1]:8891, with a port up to 65535";
	if (bytes_eq(host, B("*")))
		host = B("::");
	else if (bytes_eq_nocase(host, B("localhost")))
		host = B("::1");
	if (!ip_parse(host, &ip) || ip.family != 6)
		return "the host of an inet6 socket is an IPv6 address in brackets, localhost or *";
	in->sin6_family = AF_INET6;
	in->sin6_port = htons((uint16_t)number);
	memcpy(&in->sin6_addr, ip.octet, 16);
	e->len = sizeof(*in);
	return NULL;
}

static const struct {
	struct bytes prefix;
	const char *(*parse)(struct bytes, struct endpoint *);
} kinds[] = {
	{ B_INIT("unix:"), parse_unix },
	{ B_INIT("local:"), parse_unix },
	{ B_INIT("inet:"), parse_inet },
	{ B_INIT("inet6:"), parse_inet6 },
};

enum rc
endpoint_parse(struct bytes text, struct endpoint *endpoint_out, const char **why_out)
{
	struct endpoint e = { .len = 0 };

	for (size_t i = 0; i < NELEMS(kinds); i++) {
		if (!bytes_starts_nocase(text, kinds[i].prefix))
			continue;
		const char *fault = kinds[i].parse(bytes_from(text, kinds[i].prefix.len), &e);
		if (fault != NULL) {
			*why_out = fault;
			return RC_SYNTAX;
		}
		*endpoint_out = e;
		return RC_OK;
	}
	*why_out = "a socket is written as unix:/path, inet:host:port or inet6:[host]:port";
	return RC_SYNTAX;
}

struct ip
endpoint_ip(const struct endpoint *e, unsigned *port_out)
{
	const struct sockaddr_in  *in = (const struct sockaddr_in *)(const void *)&e->at;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&e->at;

	*port_out = 0;
	if (e->len >= sizeof(*in) && e->at.ss_family == AF_INET) {
		*port_out = ntohs(in->sin_port);
		return ip_from_4(&in->sin_addr);
	}
	if (e->len >= sizeof(*in6) && e->at.ss_family == AF_INET6) {
		*port_out = ntohs(in6->sin6_port);
		return ip_from_16(&in6->sin6_addr);
	}
	return (struct ip){ 0 };
}

const char *
endpoint_path(const struct endpoint *e)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&e->at;

	if (e->len <= offsetof(struct sockaddr_un, sun_path) || e->at.ss_family != AF_UNIX || un->sun_path[0] == '\0')
		return NULL;
	return un->sun_path;
}

size_t
endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_MAX])
{
	const char *path = endpoint_path(e);
	unsigned    port;
	struct ip   ip = endpoint_ip(e, &port);
	char        host[IP_TEXT_MAX];
	int         n;

	ip_format(&ip, host);
	if (path != NULL)
		n = snprintf(text, ENDPOINT_TEXT_MAX, "unix:%.108s", path);
	else if (e->at.ss_family == AF_INET)
		n = snprintf(text, ENDPOINT_TEXT_MAX, "inet:%s:%u", host, port);
	else if (e->at.ss_family == AF_INET6)
		n = snprintf(text, ENDPOINT_TEXT_MAX, "inet6:[%s]:%u", host, port);
	else
		n = snprintf(text, ENDPOINT_TEXT_MAX, "unix:");
	return (size_t)n;
}

bool
endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	unsigned    port_a, port_b;
	const char *path_a = endpoint_path(a), *path_b = endpoint_path(b);
	struct ip   ip_a = endpoint_ip(a, &port_a), ip_b = endpoint_ip(b, &port_b);

	if (a->at.ss_family != b->at.ss_family)
		return false;
	if (path_a != NULL || path_b != NULL)
		return path_a != NULL && path_b != NULL && strcmp(path_a, path_b) == 0;
	return ip_a.family != 0 && ip_eq(&ip_a, &ip_b) && port_a == port_b;
}
