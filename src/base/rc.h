/* base/rc.h: what went wrong with the world, and the attributes we build with.
 *
 * A fault of the mail is a finding and a fault of ours is an assert; only a
 * fault of the world (disk, memory, network, a person's input) is an enum rc. */
#ifndef BASE_RC_H
#define BASE_RC_H

#define MUST_USE      __attribute__((warn_unused_result))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

enum rc {
	RC_OK,
	RC_AGAIN, /* not enough input yet, or the other side is busy: call again */
	RC_SYNTAX, /* the input is not what it should be */
	RC_LIMIT, /* the input is larger than we allow */
	RC_MEMORY, /* memory is spent */
	RC_IO, /* the operating system refused */
	RC_CLOSED, /* the other side has gone */
};

#endif
