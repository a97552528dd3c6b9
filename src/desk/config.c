/* desk/config.c: see config.h. */
#include "desk/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/near.h"
#include "base/utf8.h"
#include "desk/cli.h"
#include "desk/conf_files.h"
#include "desk/config_text.h"
#include "desk/explain_rules.h"
#include "policy/settings.h"

static const struct cli_verb verb = {
	"config",
	"check [FILE] [--json]\nshow [FILE] [--json]\nsample\nmanual",
	"check: is every setting in FILE (default: --config, else /etc/mailreeve/mailreeve.conf) right? Exit 1 if not.\n"
	"show: what holds, the defaults included. sample: a file with every setting as a comment.\n"
	"manual: the source of mailreeve.conf(5), as scdoc reads it.",
	"mailreeve config check /etc/mailreeve/mailreeve.conf",
	NULL,
	0,
	1,
	2,
};

struct job {
	struct cli        *cli;
	struct arena      *arena;
	const char        *path; /* NULL: defaults */
	struct conf_faults faults;
	struct settings   *settings; /* NULL: faults */
};

/* A file that cannot be read at all is wrong use; what stands in it is a fault. */
static bool
can_read(const struct job *job)
{
	if (strcmp(job->path, "-") == 0)
		return true;
	int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		cli_fault(job->cli, "%s: %s", job->path, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

static bool
read_settings(struct job *job)
{
	char hostname[256] = "";

	if (job->path != NULL && !can_read(job))
		return false;
	if (gethostname(hostname, sizeof(hostname) - 1) != 0)
		hostname[0] = '\0';
	job->settings = settings_read(job->arena, conf_files(), bytes_of(job->path), bytes_of(hostname), &job->faults);
	return true;
}

static void
add_faults(const struct job *job, struct buf *out)
{
	for (size_t i = 0; i < job->faults.count; i++) {
		const struct conf_fault *f = &job->faults.at[i];
		text_add_safe(out, f->at.file);
		buf_printf(out, ":%u:%u: ", f->at.line, f->at.column);
		text_add_safe(out, f->text);
		buf_add_c(out, '\n');
	}
	if (job->faults.more)
		buf_printf(out, "and more: only the first %d faults are told\n", CONF_FAULTS_MAX);
}

static void
add_faults_json(const struct job *job, struct buf *out)
{
	struct json j = json_to(out, true);

	json_open_object(&j);
	json_kv_bool(&j, "ok", job->faults.count == 0);
	json_key(&j, "faults");
	json_open_array(&j);
	for (size_t i = 0; i < job->faults.count; i++) {
		const struct conf_fault *f = &job->faults.at[i];
		json_open_object(&j);
		json_kv_text(&j, "file", f->at.file);
		json_kv_int(&j, "line", f->at.line);
		json_kv_int(&j, "column", f->at.column);
		json_kv_text(&j, "text", f->text);
		json_close_object(&j);
	}
	json_close_array(&j);
	json_close_object(&j);
	buf_add_c(out, '\n');
}

static int
put_or(const struct job *job, struct buf *out, int exit)
{
	int rc = cli_put(job->cli, out);

	return rc != CLI_FINE ? rc : exit;
}

static int
do_check(struct job *job)
{
	struct buf out = { 0 };

	if (job->path == NULL)
		job->path = SETTINGS_FILE;
	if (!read_settings(job))
		return CLI_USE;
	if (job->settings != NULL && job->settings->explain_rules.len > 0)
		rules_free(explain_rules_read(job->arena, job->settings->explain_rules, &job->faults));
	if (job->cli->json)
		add_faults_json(job, &out);
	else if (job->faults.count == 0)
		buf_printf(&out, "%s: no fault\n", job->path);
	else
		add_faults(job, &out);
	return put_or(job, &out, job->faults.count == 0 ? CLI_FINE : CLI_FAULT);
}

/* Without a file that is there, the defaults hold, and are shown. */
static int
do_show(struct job *job)
{
	struct buf out = { 0 };

	if (job->path == NULL && access(SETTINGS_FILE, F_OK) == 0)
		job->path = SETTINGS_FILE;
	if (!read_settings(job))
		return CLI_USE;
	if (job->settings == NULL) {
		add_faults(job, &out);
		fwrite(out.at, 1, out.len, stderr);
		buf_free(&out);
		return CLI_USE;
	}
	if (job->cli->json)
		config_show_json(job->settings, &out);
	else
		config_show(job->settings, &out);
	return put_or(job, &out, CLI_FINE);
}

static int
do_sample(struct job *job)
{
	struct buf out = { 0 };

	config_sample(&out);
	return put_or(job, &out, CLI_FINE);
}

static int
do_manual(struct job *job)
{
	struct buf out = { 0 };

	config_manual(&out);
	return put_or(job, &out, CLI_FINE);
}

static const struct {
	const char *name;
	int (*run)(struct job *);
	int args; /* at most, with its own name */
} jobs[] = {
	{ "check", do_check, 2 },
	{ "show", do_show, 2 },
	{ "sample", do_sample, 1 },
	{ "manual", do_manual, 1 },
};

static int
fault_unknown(const struct cli *cli, const char *name)
{
	struct near near = { .asked = bytes_of(name) };

	for (size_t i = 0; i < NELEMS(jobs); i++)
		near_offer(&near, bytes_of(jobs[i].name));
	if (near.best.len > 0)
		return cli_fault(cli, "no such job: %s (did you mean %.*s?)", name, B_FMT(near.best));
	return cli_fault(cli, "no such job: %s; there are check, show, sample and manual", name);
}

int
desk_config(int argc, char **argv)
{
	struct cli cli;

	if (!cli_parse(&cli, argc, argv, &verb, NULL))
		return cli.exit;
	size_t i = 0;
	while (i < NELEMS(jobs) && strcmp(jobs[i].name, cli.args[0]) != 0)
		i++;
	if (i == NELEMS(jobs))
		return fault_unknown(&cli, cli.args[0]);
	if (cli.arg_count > jobs[i].args)
		return cli_fault(&cli, "\"%s\" is one word too many", cli.args[1]);
	struct job job = { .cli = &cli, .arena = arena_new(CONF_MEMORY_MAX), .path = cli.config };
	if (cli.arg_count > 1)
		job.path = cli.args[1];
	int exit = jobs[i].run(&job);
	settings_unref(job.settings);
	arena_free(job.arena);
	return exit;
}
