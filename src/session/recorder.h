/* session/recorder.h: from the end of a transaction to the store's writer.
 *
 * recorder_told() may be called from any thread and waits for nothing: an
 * account that finds no room is counted by the writer, and told as a gap. */
#ifndef SESSION_RECORDER_H
#define SESSION_RECORDER_H

#include "session/record.h"
#include "store/writer.h"

struct recorder;

/* As writer_start(). */
enum rc recorder_start(const char *where, const struct settings *, struct arena *, struct recorder **recorder_out, struct bytes *why_out) MUST_USE;
/* What is kept of people from now on, after a reload. */
void recorder_renew(struct recorder *, const struct settings *);
/* For struct session_host: `arg` is the recorder; does nothing without one. */
void recorder_told(void *arg, const struct account *);
/* Writes what is queued, for `drain_ms` at most. Accounts that were lost. Takes NULL. */
size_t recorder_stop(struct recorder *, unsigned drain_ms);

struct writer *recorder_writer(struct recorder *);

#endif
