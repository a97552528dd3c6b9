/* desk/trace_log.c: `trace import-log`: the MTA's log joined to accounts by queue id. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "desk/maillog.h"
#include "desk/store_open.h"
#include "desk/trace_job.h"

/* Lines of one transaction: the daemon waits meanwhile. */
#define BATCH    200
/* A line that is longer says nothing of a delivery. */
#define LINE_MAX_OCTETS 65536

struct import {
	struct trace_job *job;
	uint64_t          lines, deliveries, joined, strangers;
	unsigned          in_batch;
};

static enum rc
add(struct import *im, const struct maillog *m, int64_t at_us)
{
	struct store_delivery d = { .queue_id = m->queue_id, .address = m->to, .status = maillog_status(m->status), .next_hop = m->reply, .at_us = at_us };
	enum rc               rc = store_delivery_add(im->job->store, &d);

	/* Aliases: the recipient that we were told is the one before them. */
	if (rc == RC_LIMIT && m->original.len > 0) {
		d.address = m->original;
		rc = store_delivery_add(im->job->store, &d);
	}
	if (rc == RC_OK)
		im->joined++;
	else if (rc == RC_LIMIT)
		im->strangers++;
	return rc == RC_LIMIT ? RC_OK : rc;
}

static enum rc
take_line(struct import *im, struct bytes line)
{
	struct maillog m;
	int64_t        at_us;
	enum rc        rc = RC_OK;

	im->lines++;
	if (line.len > LINE_MAX_OCTETS || !maillog_parse(line, &m) || !maillog_time(m.stamp, im->job->cli.time, &at_us))
		return RC_OK;
	im->deliveries++;
	if (im->in_batch == 0)
		rc = store_begin(im->job->store);
	if (rc == RC_OK)
		rc = add(im, &m, at_us);
	if (rc == RC_OK && ++im->in_batch == BATCH) {
		rc = store_commit(im->job->store);
		im->in_batch = 0;
	}
	return rc;
}

static enum rc
take_lines(struct import *im, FILE *f)
{
	char   *line = NULL;
	size_t  room = 0;
	ssize_t n;
	enum rc rc = RC_OK;

	while (rc == RC_OK && (n = getline(&line, &room, f)) >= 0)
		rc = take_line(im, bytes_make(line, (size_t)n));
	free(line);
	if (rc == RC_OK && im->in_batch > 0)
		rc = store_commit(im->job->store);
	if (rc != RC_OK)
		store_rollback(im->job->store);
	return rc;
}

int
trace_import_log(struct trace_job *job, const char *path)
{
	struct import im = { .job = job };
	bool          from_input = strcmp(path, "-") == 0;
	FILE         *f = from_input ? stdin : fopen(path, "re");

	if (f == NULL)
		return cli_fault(&job->cli, "%s: %s", path, strerror(errno));
	enum rc rc = take_lines(&im, f);
	bool    bad = ferror(f) != 0;
	if (!from_input)
		fclose(f);
	if (rc != RC_OK)
		return desk_store_fault(&job->cli, job->store, rc);
	if (bad)
		return cli_fault(&job->cli, "%s: %s", path, strerror(errno));
	if (job->cli.json)
		buf_printf(&job->out, "{\"lines\":%llu,\"deliveries\":%llu,\"joined\":%llu,\"unknown\":%llu}\n", (unsigned long long)im.lines,
		           (unsigned long long)im.deliveries, (unsigned long long)im.joined, (unsigned long long)im.strangers);
	else
		buf_printf(&job->out, "%llu lines, %llu deliveries: %llu joined to their accounts, %llu of messages that are not kept\n",
		           (unsigned long long)im.lines, (unsigned long long)im.deliveries, (unsigned long long)im.joined, (unsigned long long)im.strangers);
	return trace_put(job) ? CLI_FINE : cli_fault(&job->cli, "standard output cannot be written");
}
