/* diagnose/addressee.c: see addressee.h. */
#include "diagnose/addressee.h"

#include "base/rc.h"
#include "diagnose/address_find.h"

#define LINES_MAX   400
#define ON_LINE_MAX 8

enum sign { SIGN_RECIPIENT, SIGN_SENDER, SIGN_HELPER };

/* Right before an address. `open`: of a script without blanks between words. */
static const struct {
	struct bytes word;
	enum sign    sign;
	bool         open;
} leads[] = {
	{ B_INIT("to"), SIGN_RECIPIENT, false },
	{ B_INIT("for"), SIGN_RECIPIENT, false },
	{ B_INIT("recipient"), SIGN_RECIPIENT, false },
	{ B_INIT("recipients"), SIGN_RECIPIENT, false },
	{ B_INIT("address"), SIGN_RECIPIENT, false },
	{ B_INIT("mailbox"), SIGN_RECIPIENT, false },
	{ B_INIT("user"), SIGN_RECIPIENT, false },
	{ B_INIT("reach"), SIGN_RECIPIENT, false },
	{ B_INIT("an"), SIGN_RECIPIENT, false },
	{ B_INIT("adresse"), SIGN_RECIPIENT, false },
	{ B_INIT("empf\xc3\xa4nger"), SIGN_RECIPIENT, false },
	{ B_INIT("\xc3\xa0"), SIGN_RECIPIENT, false }, /* French */
	{ B_INIT("destinataire"), SIGN_RECIPIENT, false },
	{ B_INIT("a"), SIGN_RECIPIENT, false }, /* Spanish, Italian */
	{ B_INIT("ao"), SIGN_RECIPIENT, false },
	{ B_INIT("al"), SIGN_RECIPIENT, false },
	{ B_INIT("para"), SIGN_RECIPIENT, false },
	{ B_INIT("destinatario"), SIGN_RECIPIENT, false },
	{ B_INIT("destinat\xc3\xa1rio"), SIGN_RECIPIENT, false },
	{ B_INIT("aan"), SIGN_RECIPIENT, false },
	{ B_INIT("ontvanger"), SIGN_RECIPIENT, false },
	{ B_INIT("till"), SIGN_RECIPIENT, false },
	{ B_INIT("til"), SIGN_RECIPIENT, false },
	{ B_INIT("do"), SIGN_RECIPIENT, false }, /* Polish */
	{ B_INIT("adresata"), SIGN_RECIPIENT, false },
	{ B_INIT("\xd0\xbf\xd0\xbe\xd0\xbb\xd1\x83\xd1\x87\xd0\xb0\xd1\x82\xd0\xb5\xd0\xbb\xd1\x8e"), SIGN_RECIPIENT, false }, /* Russian: to the recipient */
	{ B_INIT("\xd0\xb0\xd0\xb4\xd1\x80\xd0\xb5\xd1\x81\xd0\xb0\xd1\x82\xd1\x83"), SIGN_RECIPIENT, false }, /* to the addressee */
	{ B_INIT("\xe6\x94\xb6\xe4\xbb\xb6\xe4\xba\xba"), SIGN_RECIPIENT, true }, /* Chinese: recipient */
	{ B_INIT("\xe8\x87\xb3"), SIGN_RECIPIENT, true }, /* to */
	{ B_INIT("\xe5\xae\x9b\xe5\x85\x88"), SIGN_RECIPIENT, true }, /* Japanese: to */
	{ B_INIT("from"), SIGN_SENDER, false },
	{ B_INIT("sender"), SIGN_SENDER, false },
	{ B_INIT("sender address"), SIGN_SENDER, false },
	{ B_INIT("by"), SIGN_SENDER, false },
	{ B_INIT("i am"), SIGN_SENDER, false },
	{ B_INIT("hello"), SIGN_SENDER, false },
	{ B_INIT("von"), SIGN_SENDER, false },
	{ B_INIT("absender"), SIGN_SENDER, false },
	{ B_INIT("de"), SIGN_SENDER, false },
	{ B_INIT("par"), SIGN_SENDER, false },
	{ B_INIT("exp\xc3\xa9" "diteur"), SIGN_SENDER, false },
	{ B_INIT("remitente"), SIGN_SENDER, false },
	{ B_INIT("di"), SIGN_SENDER, false },
	{ B_INIT("da"), SIGN_SENDER, false },
	{ B_INIT("mittente"), SIGN_SENDER, false },
	{ B_INIT("remetente"), SIGN_SENDER, false },
	{ B_INIT("van"), SIGN_SENDER, false },
	{ B_INIT("afzender"), SIGN_SENDER, false },
	{ B_INIT("fr\xc3\xa5n"), SIGN_SENDER, false },
	{ B_INIT("fra"), SIGN_SENDER, false },
	{ B_INIT("od"), SIGN_SENDER, false },
	{ B_INIT("nadawca"), SIGN_SENDER, false },
	{ B_INIT("\xd0\xbe\xd1\x82"), SIGN_SENDER, false }, /* Russian: from */
	{ B_INIT("\xd0\x9e\xd1\x82"), SIGN_SENDER, false },
	{ B_INIT("\xe5\xb7\xae\xe5\x87\xba\xe4\xba\xba"), SIGN_SENDER, true }, /* Japanese: from */
	{ B_INIT("\xe5\x8f\x91\xe4\xbb\xb6\xe4\xba\xba"), SIGN_SENDER, true }, /* Chinese: from */
	{ B_INIT("contact"), SIGN_HELPER, false },
	{ B_INIT("e-mail"), SIGN_HELPER, false },
	{ B_INIT("write to"), SIGN_HELPER, false },
	{ B_INIT("report to"), SIGN_HELPER, false },
	{ B_INIT("forward to"), SIGN_HELPER, false },
	{ B_INIT("send mail to"), SIGN_HELPER, false },
	{ B_INIT("report this to"), SIGN_HELPER, false },
};

/* Right behind it. */
static const struct {
	struct bytes words;
	enum sign    sign;
} tails[] = {
	{ B_INIT(": 4"), SIGN_RECIPIENT },
	{ B_INIT(": 5"), SIGN_RECIPIENT },
	{ B_INIT(": host "), SIGN_RECIPIENT },
	{ B_INIT(" could not be"), SIGN_RECIPIENT },
	{ B_INIT(" couldn't be"), SIGN_RECIPIENT },
	{ B_INIT(" was not"), SIGN_RECIPIENT },
	{ B_INIT(" wasn't"), SIGN_RECIPIENT },
	{ B_INIT(" konnte nicht"), SIGN_RECIPIENT },
	{ B_INIT(" n'a pas"), SIGN_RECIPIENT },
	{ B_INIT(" no se p"), SIGN_RECIPIENT },
	{ B_INIT(" \xe3\x81\xb8"), SIGN_RECIPIENT }, /* Japanese: to */
	{ B_INIT("\xe3\x81\xb8"), SIGN_RECIPIENT },
	{ B_INIT(" \xe5\xae\x9b"), SIGN_RECIPIENT },
	{ B_INIT("\xe5\xae\x9b"), SIGN_RECIPIENT },
	{ B_INIT(" \xe3\x81\x8b\xe3\x82\x89"), SIGN_SENDER }, /* from */
	{ B_INIT("\xe3\x81\x8b\xe3\x82\x89"), SIGN_SENDER },
};

/* Who never is one that somebody wrote to by mistake. */
static const struct bytes servants[] = {
	B_INIT("postmaster@"), B_INIT("mailer-daemon@"), B_INIT("maildaemon@"), B_INIT("mailer@"), B_INIT("no-reply@"), B_INIT("noreply@"), B_INIT("microsoftexchange"), B_INIT("bounce"), B_INIT("abuse@"),
	B_INIT("delist@"),
};

static bool
is_servant(struct bytes address)
{
	for (size_t i = 0; i < NELEMS(servants); i++)
		if (bytes_starts_nocase(address, servants[i]))
			return true;
	return false;
}

static bool
is_mark(char c)
{
	return byte_is_space(c) || bytes_has(B("<>\"'([{:;,="), c);
}

/* Which of the words ends the text in front of an address? The longest. NELEMS(leads): none. */
static size_t
lead_of(struct bytes before)
{
	size_t best = NELEMS(leads);

	while (before.len > 0 && is_mark(before.at[before.len - 1]))
		before.len--;
	for (size_t i = 0; i < NELEMS(leads); i++) {
		struct bytes w = leads[i].word;
		if (!bytes_ends_nocase(before, w) || (best < NELEMS(leads) && w.len <= leads[best].word.len))
			continue;
		char edge = before.len > w.len ? before.at[before.len - w.len - 1] : ' ';
		if (leads[i].open || (!byte_is_alnum(edge) && (unsigned char)edge < 0x80))
			best = i;
	}
	return best;
}

/* "To: Ben <ben@example.net>", a field as clients show it: its word. NELEMS(leads): it is none. */
static size_t
label_of(struct bytes line)
{
	struct bytes label = bytes_trim(bytes_sub(line, 0, bytes_index(line, ':')));

	for (size_t i = 0; label.len < line.len && i < NELEMS(leads); i++)
		if (bytes_eq_nocase(label, leads[i].word))
			return i;
	return NELEMS(leads);
}

/* ---- one address on one line ---- */

/* The header of a mail as a client shows it: who is above whom. */
struct shown {
	bool from, by_servant; /* a line "From:" stood above; its address is that of a program */
	int  lines; /* since */
};

static void
note(struct role *r, enum sign sign, int weight)
{
	if (sign == SIGN_RECIPIENT)
		r->good = weight > r->good ? weight : r->good;
	else
		r->bad = -weight < r->bad ? -weight : r->bad;
	r->sender = r->sender || sign == SIGN_SENDER;
}

/* "550 5.1.1 <ben@example.net>: ...": the reply itself names him. */
static bool
follows_code(struct bytes before)
{
	struct bytes t = bytes_trim(before);
	size_t       n = 0;

	for (size_t i = 0; i < t.len; i++)
		n += !byte_is_digit(t.at[i]) && t.at[i] != '.' && t.at[i] != ' ' && t.at[i] != '-' && t.at[i] != '<';
	return n == 0 && t.len >= 3 && (t.at[0] == '4' || t.at[0] == '5') && byte_is_digit(t.at[1]) && byte_is_digit(t.at[2]);
}

static void
weigh(struct bytes line, size_t start, size_t end, struct shown *shown, struct role *r)
{
	struct bytes before = bytes_sub(line, 0, start), after = bytes_from(line, end);
	size_t       label = label_of(line), lead = label < NELEMS(leads) ? label : lead_of(before);

	while (after.len > 0 && bytes_has(B(">\"')]"), after.at[0]))
		after = bytes_from(after, 1);
	if (label < NELEMS(leads) && leads[label].sign == SIGN_SENDER)
		*shown = (struct shown){ true, is_servant(r->address), 0 };
	if (label < NELEMS(leads) && leads[label].sign == SIGN_RECIPIENT && shown->from && shown->by_servant)
		note(r, SIGN_SENDER, 4); /* the report was written to him: he is who sent */
	else if (lead < NELEMS(leads))
		note(r, leads[lead].sign, leads[lead].sign == SIGN_RECIPIENT ? 2 : 4);
	for (size_t i = 0; i < NELEMS(tails); i++)
		if (bytes_starts_nocase(after, tails[i].words))
			note(r, tails[i].sign, tails[i].sign == SIGN_RECIPIENT ? 3 : 4);
	if (follows_code(before))
		note(r, SIGN_RECIPIENT, 3);
	if (is_servant(r->address))
		note(r, SIGN_HELPER, 4);
}

static struct role *
role_of(struct role roles[ROLES_MAX], size_t *count, struct bytes address)
{
	for (size_t i = 0; i < *count; i++)
		if (bytes_eq_nocase(roles[i].address, address))
			return &roles[i];
	if (*count == ROLES_MAX)
		return NULL;
	roles[*count] = (struct role){ .address = address };
	return &roles[(*count)++];
}

size_t
roles_find(struct bytes text, struct role roles[ROLES_MAX])
{
	struct bytes line, address;
	struct shown shown = { .from = false };
	size_t       count = 0;

	for (int n = 0; n < LINES_MAX && bytes_cut_line(&text, &line); n++) {
		size_t from = 0;
		line = bytes_sub(line, 0, 2000);
		if (++shown.lines > 5)
			shown.from = false;
		for (int k = 0; k < ON_LINE_MAX && address_find(line, from, &address, &from); k++) {
			struct role *r = role_of(roles, &count, address);
			if (r != NULL)
				weigh(line, (size_t)(address.at - line.at), from, &shown, r);
		}
	}
	return count;
}

int
role_worth(const struct role *r)
{
	return r->good + r->bad;
}
