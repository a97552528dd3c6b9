/* mail/received_test.c: who gave us a message, in the words of several MTAs. */
#include "base/rows.h"

#include "mail/received.h"

static const struct received_row {
	const char *name, *value;
	const char *ip, *helo; /* "" for none */
	const char *id; /* NULL: none */
} rows[] = {
	{ "Postfix names the client in a comment", " from mail.example.org (mail.example.org [192.0.2.1])\r\n\tby mx.example.net (Postfix) with ESMTP id 4X",
	  "192.0.2.1", "mail.example.org", "4X" },
	{ "a queue id may end its line", " from a.example (a.example [192.0.2.1])\r\n\tby b.example (Postfix) with ESMTPS\r\n\tid 4ABC123\r\n\tfor <id@b.example>; Sun, 22 Nov 2026 04:00:00 +0000",
	  "192.0.2.1", "a.example", "4ABC123" },
	{ "what a client calls itself is no queue id", " from id (unknown [192.0.2.1] id 4FORGED) by b.example with ESMTP id 4ABC123", "192.0.2.1", "id", "4ABC123" },
	{ "an IPv6 address is tagged", " from a.example (unknown [IPv6:2001:db8::1]) by b.example", "2001:db8::1", "a.example", NULL },
	{ "a HELO that is an address literal is not the client", " from [127.0.0.1] (unknown [203.0.113.66]) by mx.example.net with ESMTP", "203.0.113.66",
	  "[127.0.0.1]", NULL },
	{ "a HELO that is a bare address is not the client", " from 127.0.0.1 (unknown [203.0.113.66]) by mx.example.net with ESMTP", "203.0.113.66",
	  "127.0.0.1", NULL },
	{ "an address literal beside a comment without address counts, as Exim writes it", " from [203.0.113.66] (helo=[127.0.0.1])\r\n\tby mx with esmtp",
	  "203.0.113.66", "[127.0.0.1]", NULL },
	{ "Exim tells name, address and HELO", " from mail.example.org ([203.0.113.66] helo=[127.0.0.1]) by mx with esmtps", "203.0.113.66", "[127.0.0.1]", NULL },
	{ "Exim may tell the port", " from mail.example.org ([203.0.113.66]:4711 helo=x.example) by mx with esmtps", "203.0.113.66", "x.example", NULL },
	{ "the HELO of qmail's first comment is not the client", " from unknown (HELO [127.0.0.1]) (203.0.113.66) by mx with SMTP", "203.0.113.66",
	  "[127.0.0.1]", NULL },
	{ "Exchange has a bare address", " from mail.example.org (203.0.113.66) by MX.example.net (203.0.113.1) with Microsoft SMTP Server", "203.0.113.66",
	  "mail.example.org", NULL },
	{ "a name that is an address does not outrank the address in brackets", " from x (127.0.0.1 [203.0.113.66]) by mx", "203.0.113.66", "x", NULL },
	{ "Sendmail's ident stands before the address", " from x (IDENT:a [127.0.0.1] b@h.example [203.0.113.66]) by mx", "203.0.113.66", "x", NULL },
	{ "what a certificate says is not the client",
	  " from x (unknown [203.0.113.66]) (Client CN \"[127.0.0.1]\", Issuer \"[127.0.0.1]\" (not verified)) by mx", "203.0.113.66", "x", NULL },
	{ "the receiver's own address is not the client", " from x by mx.example.net (mx [192.0.2.9]) with SMTP", "", "x", NULL },
	{ "local submission has no client", " by mx.example.net (Postfix, from userid 1000) id 4X; Sun, 22 Nov 2026 04:00:00 +0000", "", "", "4X" },
	{ "an unfinished comment is read to its end", " from x (unknown [203.0.113.66", "203.0.113.66", "x", NULL },
	{ "nothing is read of nothing", "", "", "", NULL },
};

static void
check_received(void **state)
{
	const struct received_row *row = *state;
	struct arena              *a = arena_new(10000);
	struct received            got = received_parse(a, bytes_of(row->value));
	char                       ip[IP_TEXT_MAX];

	assert_bytes(bytes_make(ip, ip_format(&got.ip, ip)), bytes_of(row->ip));
	assert_bytes(got.helo, bytes_of(row->helo));
	assert_bytes(got.id, bytes_of(row->id));
	arena_free(a);
}

int
main(void)
{
	return ROWS_RUN("received", rows, check_received);
}
