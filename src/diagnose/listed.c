/* diagnose/listed.c: see listed.h. */
#include "diagnose/listed.h"

#include "diagnose/address_find.h"
#include "diagnose/charset.h"
#include "diagnose/wordset.h"

/* Blocklists by what replies call them. What comes first wins. */
static const struct {
	struct bytes mark; /* folded */
	const char  *name, *zone, *delist;
} lists[] = {
	{ B_INIT("dbl.spamhaus"), "Spamhaus DBL", NULL, "https://check.spamhaus.org/" },
	{ B_INIT("spamhaus"), "Spamhaus", "zen.spamhaus.org", "https://check.spamhaus.org/" },
	{ B_INIT("spamcop"), "SpamCop", "bl.spamcop.net", "https://www.spamcop.net/bl.shtml" },
	{ B_INIT("barracudacentral"), "Barracuda Reputation", "b.barracudacentral.org", "https://www.barracudacentral.org/rbl/removal-request" },
	{ B_INIT("prs.proofpoint"), "Proofpoint Dynamic Reputation", NULL, "https://ipcheck.proofpoint.com/" },
	{ B_INIT("proofpoint.com/dnsbl"), "Proofpoint Dynamic Reputation", NULL, "https://ipcheck.proofpoint.com/" },
	{ B_INIT("cloudmark"), "Cloudmark", NULL, "https://csi.cloudmark.com/en/reset/" },
	{ B_INIT("uceprotect"), "UCEPROTECT", "dnsbl-1.uceprotect.net", "https://www.uceprotect.net/en/rblcheck.php" },
	{ B_INIT("abuseat"), "CBL (Spamhaus XBL)", "xbl.spamhaus.org", "https://check.spamhaus.org/" },
	{ B_INIT("invaluement"), "invaluement", NULL, "https://www.invaluement.com/removal/" },
	{ B_INIT("psbl"), "PSBL", "psbl.surriel.com", "https://psbl.org/remove" },
	{ B_INIT("surbl"), "SURBL", NULL, "https://surbl.org/surbl-analysis" },
	{ B_INIT("uribl"), "URIBL", NULL, "https://admin.uribl.com/" },
	{ B_INIT("s3140"), "of Outlook.com (S3140)", NULL, "https://olcsupport.office.com/" },
	{ B_INIT("s3150"), "of Outlook.com (S3150)", NULL, "https://olcsupport.office.com/" },
};

/* Words that a zone follows: "blocked using dnsbl.example.net". What comes first wins. */
static const struct bytes leads[] = { B_INIT("blocked using "), B_INIT("listed in "), B_INIT("listed at "), B_INIT("listed by "), B_INIT("listed on "), B_INIT("rejected by ") };

/* One run of numbers: the lists, then the leads. */
#define WORDS_COUNT (NELEMS(lists) + NELEMS(leads))

static struct bytes
word_of(size_t i)
{
	return i < NELEMS(lists) ? lists[i].mark : leads[i - NELEMS(lists)];
}

struct wordset *
listed_words(void)
{
	struct wordset *t = wordset_new();
	bool            fine = t != NULL;

	for (size_t i = 0; fine && i < WORDS_COUNT; i++)
		fine = wordset_add(t, word_of(i), (uint32_t)i) == RC_OK;
	if (fine && wordset_ready(t) == RC_OK)
		return t;
	wordset_free(t);
	return NULL;
}

/* Where each word ends first; 0: nowhere. */
struct places {
	size_t end[WORDS_COUNT];
	bool   any;
};

static bool
place_hit(void *arg, uint32_t number, size_t end)
{
	struct places *p = arg;

	p->any = true;
	if (p->end[number] == 0)
		p->end[number] = end;
	return true;
}

static struct bytes
zone_in(struct arena *a, struct bytes text, const struct places *p)
{
	for (size_t i = NELEMS(lists); i < WORDS_COUNT; i++) {
		size_t n = 0;
		if (p->end[i] == 0)
			continue;
		struct bytes rest = bytes_from(text, p->end[i]);
		while (rest.len > 0 && (unsigned char)rest.at[0] <= ' ')
			rest = bytes_from(rest, 1);
		while (n < rest.len && (byte_is_alnum(rest.at[n]) || rest.at[n] == '.' || rest.at[n] == '-'))
			n++;
		while (n > 0 && rest.at[n - 1] == '.')
			n--;
		if (host_like(bytes_sub(rest, 0, n)))
			return arena_lower(a, bytes_sub(rest, 0, n));
	}
	return B_NONE;
}

struct listed
listed_find(struct arena *a, const struct wordset *words, struct bytes text)
{
	struct places p = { 0 };

	if (!text_is_plain(text))
		text = text_fold(a, text);
	wordset_scan(words, text, place_hit, &p);
	if (!p.any)
		return (struct listed){ 0 };
	struct bytes zone = zone_in(a, text, &p);
	for (size_t i = 0; i < NELEMS(lists); i++)
		if (p.end[i] != 0)
			return (struct listed){ bytes_of(lists[i].name), zone.len > 0 ? zone : bytes_of(lists[i].zone), bytes_of(lists[i].delist) };
	return (struct listed){ zone, zone, B_NONE };
}
