/* Compares a folder with the facts of a data set. A fact that does not hold is no error: it is counted and reported,
 * and the next one is looked at. Only ENOENT and ENOTDIR mean "missing": a file that may not be looked at is an error
 * and must not pass for an absent one. */
#include "check.h"
#include "command.h"
#include "files.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int find_one_of(const char *folder, const char *names, char **path, struct err *err)
{
	*path = NULL;
	for (const char *p = names; p && *p;) {
		size_t n = strcspn(p, "|");
		char *name;
		if (mem_text(&name, p, n, err))
			return -1;
		int rc = path_join(path, folder, name, err);
		free(name);
		if (rc)
			return -1;
		enum path_kind kind = path_kind(*path);
		if (kind == PATH_FILE || kind == PATH_FOLDER)
			return 0;
		/* a FIFO would be waited for; what cannot be looked at is not missing */
		if (kind == PATH_OTHER)
			rc = io_regular(*path, err);
		else if (errno != ENOENT && errno != ENOTDIR)
			rc = err_sys(err, "%s", *path);
		free(*path);
		*path = NULL;
		if (rc)
			return -1;
		p += n + (p[n] == '|');
	}
	return 0;
}

int check_sum(const char *path, const char *published, char got[160], int *differs, struct err *err)
{
	char kind[16], hex[129];
	snprintf(kind, sizeof kind, "%.*s", (int)strcspn(published, ":"), published);
	if (command_sum(kind, path, hex, err))
		return -1;
	snprintf(got, 160, "%s:%s", kind, hex);
	*differs = strcmp(got, published) != 0;
	return 0;
}

static int measure_fact(const struct fact *f, const char *path, char *line, size_t size, int *ok, struct err *err)
{
	static const char *const unit[] = { "lines", "files", "bytes" };
	uint64_t n = 0;
	int rc = 0;
	char got[160], what[64] = "", short_of[64] = "";
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (f->kind == FACT_SUM) {
		int differs;
		if (check_sum(path, f->arg, got, &differs, err))
			return -1;
		*ok = !differs;
		err_phrase(line, size, *ok ? "%s: %s" : "%s: %s, published is %s", name, got, f->arg);
		return 0;
	}
	if (f->kind == FACT_LINES)
		rc = count_lines(path, f->arg ? f->arg : "", &n, err);
	else if (f->kind == FACT_FILES)
		rc = count_files(path, f->arg, &n, err);
	else
		rc = file_bytes(path, &n, err);
	if (rc)
		return -1;
	*ok = n == f->n;
	if (f->arg)
		snprintf(what, sizeof what, f->kind == FACT_LINES ? " that begin with %s" : " named *%s", f->arg);
	if (!*ok)
		snprintf(short_of, sizeof short_of, ", should be %" PRIu64, f->n);
	err_phrase(line, size, "%s: %" PRIu64 " %s%s%s", f->kind == FACT_FILES ? f->path : name, n, unit[f->kind], what,
		   short_of);
	return 0;
}

int check_holds(const struct dataset *d, const char *folder, int *holds, struct err *err)
{
	*holds = !d->fact->path;
	for (const struct fact *f = d->fact; !*holds && f->path; f++) {
		char *path;
		if (find_one_of(folder, f->path, &path, err))
			return -1;
		*holds = path != NULL;
		free(path);
	}
	return 0;
}

int check_facts(const struct dataset *d, const char *folder, check_say *say, void *arg, int *differ, struct err *err)
{
	*differ = 0;
	for (const struct fact *f = d->fact; f->path; f++) {
		char line[512], *path;
		int ok = 0, rc = 0;
		if (find_one_of(folder, f->path, &path, err))
			return -1;
		if (path)
			rc = measure_fact(f, path, line, sizeof line, &ok, err);
		else
			snprintf(line, sizeof line, "%.*s: is missing", (int)strcspn(f->path, "|"), f->path);
		free(path);
		if (rc)
			return -1;
		*differ += !ok;
		if (say)
			say(arg, ok, line);
	}
	return 0;
}
