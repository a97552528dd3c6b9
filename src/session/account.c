/* session/account.c: see account.h. */
#include "session/account.h"

#include "base/buf.h"

/* Answers are shown, not kept whole: a hostile zone may hold kilobytes. */
#define SHOWN_RECORDS 16
#define SHOWN_OCTETS  1024

struct account *
account_new(struct arena *a, const uint8_t random[8], int64_t epoch)
{
	struct account *account = arena_take(a, sizeof(*account));

	if (account == NULL)
		return NULL;
	account->began = epoch;
	id_format(random, account->id);
	return account;
}

static struct account_line *
next_line(struct arena *a, struct account *account)
{
	if (account->line_count == account->line_room) {
		size_t               want = account->line_room == 0 ? 16 : account->line_room * 2;
		struct account_line *wide = arena_grow(a, account->lines, account->line_count, want, sizeof(*wide));
		if (wide == NULL)
			return NULL;
		account->lines = wide;
		account->line_room = want;
	}
	struct account_line *line = &account->lines[account->line_count++];
	*line = (struct account_line){ .check = NULL };
	return line;
}

static struct bytes
record_text(struct arena *a, const struct answer *answer, size_t i)
{
	struct bytes name = B_NONE;
	unsigned     pref;
	struct ip    ip;
	char         text[IP_TEXT_MAX];

	switch (answer->type) {
	case DNS_TXT:
		return bytes_sub(answer_txt(a, answer->rdata[i]), 0, SHOWN_OCTETS);
	case DNS_A:
	case DNS_AAAA:
		if (!answer_ip(answer, i, &ip))
			return B("?");
		return arena_copy(a, bytes_make(text, ip_format(&ip, text)));
	case DNS_MX:
		if (!answer_mx(a, answer->rdata[i], &pref, &name))
			return B("?");
		return arena_printf(a, "%u %.*s", pref, B_FMT(name));
	case DNS_PTR:
	case DNS_NS:
	case DNS_CNAME:
		return answer_name(a, answer->rdata[i]);
	default:
		return arena_printf(a, "%zu octets", answer->rdata[i].len);
	}
}

static struct bytes
answer_text(struct arena *a, const struct answer *answer)
{
	if (answer == NULL)
		return B("no answer in time");
	if (answer->status != ANSWER_OK && answer->why.len > 0)
		return arena_printf(a, "%s (%.*s)", answer_status_word(answer->status), B_FMT(answer->why));
	if (answer->status != ANSWER_OK)
		return bytes_of(answer_status_word(answer->status));
	if (answer->count == 1)
		return record_text(a, answer, 0);

	struct buf text = { .limit = (size_t)SHOWN_RECORDS * (SHOWN_OCTETS + 2) };
	for (size_t i = 0; i < answer->count && i < SHOWN_RECORDS; i++) {
		if (i > 0)
			buf_add_str(&text, ", ");
		buf_add(&text, record_text(a, answer, i));
	}
	if (answer->count > SHOWN_RECORDS)
		buf_printf(&text, ", and %zu more", answer->count - SHOWN_RECORDS);
	struct bytes kept = arena_copy(a, buf_bytes(&text));
	buf_free(&text);
	return kept;
}

void
account_asked(struct arena *a, struct account *account, const char *check, const struct ask *ask, const struct answer *answer,
              uint64_t took_us)
{
	struct account_line *line = next_line(a, account);

	if (line == NULL)
		return;
	line->check = check;
	line->asked = arena_printf(a, "%s %.*s", dns_type_word(ask->type), B_FMT(ask->name));
	line->answer = answer_text(a, answer);
	line->took_us = took_us;
}

void
account_concluded(struct arena *a, struct account *account, const char *check, struct finding finding, uint64_t took_us)
{
	struct account_line *line = next_line(a, account);

	if (line == NULL)
		return;
	line->check = check;
	line->concludes = true;
	line->finding = finding;
	line->took_us = took_us;
}
