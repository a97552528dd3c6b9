/* mail/reason.c: see reason.h. */
#include "mail/reason.h"

#include "base/rc.h"

static const struct reason_row rows[REASON_COUNT] = {
#define REASON(symbol, word, owner, line, steps) \
	[REASON_##symbol] = { word, STAGE_NONE, 0, NULL, NULL, NULL, OWNER_##owner, line, steps },
#define REPLY(symbol, word, stage, code, exchange, iana, bounce, owner, line, steps) \
	[REASON_##symbol] = { word, STAGE_##stage, code, exchange, iana, bounce, OWNER_##owner, line, steps },
#include "mail/reason.def"
#undef REASON
#undef REPLY
};

const struct reason_row *
reason_row(enum reason r)
{
	return &rows[r];
}

const char *
reason_word(enum reason r)
{
	return rows[r].word;
}

bool
reason_of(struct bytes word, enum reason *reason_out)
{
	for (size_t i = 0; i < REASON_COUNT; i++)
		if (bytes_eq(bytes_of(rows[i].word), word)) {
			*reason_out = (enum reason)i;
			return true;
		}
	return false;
}

const char *
owner_word(enum owner o)
{
	static const char *const words[] = {
		[OWNER_NOBODY] = "nobody",       [OWNER_SENDER_USER] = "sender-user",         [OWNER_SENDER_ADMIN] = "sender-admin",
		[OWNER_RECIPIENT] = "recipient", [OWNER_RECIPIENT_ADMIN] = "recipient-admin", [OWNER_THIRD_PARTY] = "third-party",
	};
	return words[o];
}

const char *
stage_word(enum stage s)
{
	static const char *const words[] = {
		[STAGE_NONE] = NULL,   [STAGE_CONNECT] = "connect", [STAGE_HELO] = "helo", [STAGE_MAIL] = "mail",
		[STAGE_RCPT] = "rcpt", [STAGE_DATA] = "data",       [STAGE_EOM] = "eom",
	};
	return words[s];
}
