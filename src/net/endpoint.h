/* net/endpoint.h: where a socket is, as administrators write it.
 *
 *     unix:/run/mailreeve/milter.sock      (local: means the same)
 *     inet:127.0.0.1:8891   inet:8891@localhost   inet:*:25
 *     inet6:[::1]:8891      inet6:8891@::1
 *
 * Hosts are addresses, localhost or * (all of the family): names are not looked
 * up, since a mail gateway that starts before DNS does must start all the same. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <sys/socket.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/rc.h"

struct endpoint {
	struct sockaddr_storage at;
	socklen_t               len;
};

/* RC_SYNTAX with a sentence (constant text) in *why_out. */
enum rc endpoint_parse(struct bytes text, struct endpoint *endpoint_out, const char **why_out) MUST_USE;

#define ENDPOINT_TEXT_MAX 128
/* As above, NUL-terminated; returns its length. */
size_t endpoint_format(const struct endpoint *, char text[ENDPOINT_TEXT_MAX]);
bool   endpoint_eq(const struct endpoint *, const struct endpoint *);
/* The address and port of an inet or inet6 endpoint; a family of 0 for others. */
struct ip endpoint_ip(const struct endpoint *, unsigned *port_out);
/* The path of a UNIX endpoint, NUL-terminated; NULL for others. */
const char *endpoint_path(const struct endpoint *);

#endif
