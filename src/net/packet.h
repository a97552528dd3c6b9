/* net/packet.h: a DNS response (RFC 1035 section 4) made into an answer. Pure. */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "base/ask.h"
#include "base/rc.h"

/* The records of `ask` in the packet, CNAMEs followed (RFC 1034 section 3.6.2),
 * names in rdata uncompressed. Without records: EMPTY or NXDOMAIN by the
 * packet's code, with a ttl after RFC 2308 section 5, or UINT32_MAX where no SOA tells
 * one. Any other code, and a CNAME loop, gives SERVFAIL. RC_SYNTAX when the packet is not
 * a response we can read, RC_MEMORY. The one reference is the caller's. */
enum rc packet_answer(struct bytes packet, const struct ask *, struct answer **answer_out) MUST_USE;

#endif
