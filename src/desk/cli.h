/* desk/cli.h: the command line of one verb: the switches all verbs share, its
 * own, and the words that are left.
 *
 *     static const struct cli_option own[] = {
 *             { "ip", CLI_TEXT, "ADDRESS", "address of the SMTP client", offsetof(struct my, ip) },
 *     };
 *     static const struct cli_verb verb = { "spf", "--ip A [--helo H]", "Check ...", "mailreeve spf ...", own, NELEMS(own), 0, 0 };
 *
 *     struct my  my = { 0 };
 *     struct cli cli;
 *     if (!cli_parse(&cli, argc, argv, &verb, &my))
 *             return cli.exit;
 *
 * A switch is --name VALUE or --name=VALUE, before or behind other words; it is
 * never shortened, or a new one would change what an old script means. The
 * value is the next word whatever it begins with: senders choose some of them.
 * Behind "--" nothing is a switch; "-" never is. */
#ifndef DESK_CLI_H
#define DESK_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rc.h"

/* What a verb's process ends with. */
enum cli_exit {
	CLI_FINE = 0,
	CLI_FAULT = 1, /* a fault was found */
	CLI_USE = 2, /* wrong use or unreadable input; never together with a document */
	CLI_UNKNOWN = 75, /* could not find out: try again */
};

#define CLI_TEXTS_MAX 10000

/* The values of a switch that may be given again. */
struct cli_texts {
	const char *at[CLI_TEXTS_MAX];
	size_t      count;
};

enum cli_kind {
	CLI_FLAG, /* bool */
	CLI_TEXT, /* const char *; the last one given counts */
	CLI_TEXTS, /* struct cli_texts */
	CLI_NUMBER, /* int64_t, 0 or more */
};

struct cli_option {
	const char   *name; /* without the dashes */
	enum cli_kind kind;
	const char   *value; /* "FILE"; NULL for a flag */
	const char   *help;
	size_t        at; /* offsetof() in the verb's own struct */
};

struct cli_verb {
	const char              *name; /* "config", "check" */
	const char              *usage; /* what follows the name: "check [FILE] [--json]"; more lines: more forms */
	const char              *about; /* a sentence or two */
	const char              *example; /* a command that works, or several lines */
	const struct cli_option *own;
	size_t                   own_count;
	int                      args_least, args_most; /* words that are no switch; most -1: any number */
};

struct cli {
	const struct cli_verb *verb;
	const char            *config; /* --config FILE; NULL: not given */
	const char            *dns; /* --dns ZONEFILE; NULL: not given */
	const char            *resolver; /* --resolver IP:PORT as written; NULL: not given */
	int64_t                time; /* --time EPOCH, else the clock's */
	bool                   time_given;
	bool                   json;
	bool                   help;
	bool                   colour; /* standard output is a terminal, and NO_COLOR is not set */
	char                 **args;
	int                    arg_count;
	int                    exit; /* what to end with when cli_parse() says false */
};

/* argv[0] is the verb. Puts the words of argv in another order. `own` is the
 * struct that the offsets of verb->own count in; may be NULL without own
 * options. False when the verb is over: help was printed (exit 0) or a fault
 * was told on standard error (exit 2). */
bool cli_parse(struct cli *, int argc, char **argv, const struct cli_verb *verb, void *own) MUST_USE;

/* "mailreeve VERB: sentence" on standard error, made safe to show. Returns CLI_USE. */
int cli_fault(const struct cli *, const char *format, ...) PRINTF(2, 3);

/* All of it to standard output; CLI_FINE, or CLI_USE with a word on standard
 * error when it could not be written or the buffer is spoilt. Frees the buffer. */
int cli_put(const struct cli *, struct buf *);

/* The help text of a verb, as --help prints it. */
void cli_help(const struct cli_verb *, struct buf *out);

/* Text in a colour, or plain without one. The text is made safe to show. */
enum cli_paint { CLI_GOOD, CLI_BAD, CLI_DOUBT, CLI_STRONG, CLI_FAINT };
void cli_paint(const struct cli *, struct buf *out, enum cli_paint, struct bytes text);

#endif
