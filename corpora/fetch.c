/* How a data set gets into place. The order of the steps is what makes TO/NAME complete or absent: lock NAME.part, load
 * (download.c) or take a local copy, look at an archive's members, unpack into NAME.part/unpacked, look at what was
 * unpacked, check the facts, sync, rename. NAME.part lies beside NAME, so the rename stays within one file system.
 * What differs from the published data is an error when it was loaded and only reported when it is a local copy.
 * NAME.part stays after a failed download, for the next run, and is removed after a failed --from. The lock lies in
 * NAME.part and goes with it. */
#include "check.h"
#include "command.h"
#include "download.h"
#include "files.h"
#include "members.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void fetch_say(const struct fetch_work *w, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	err_vphrase(line, sizeof line, fmt, ap);
	va_end(ap);
	w->f->say(w->f->arg, line);
}

static int ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);
	return n >= k && !strcmp(name + n - k, suffix);
}

static int is_tar(const char *name)
{
	return ends_in(name, ".tar.gz") || ends_in(name, ".tgz") || ends_in(name, ".tar");
}

/* Unpacks an archive into the stage, or copies any other file there: what was loaded stays until all of it is
 * installed. */
static int unpack(const struct fetch_work *w, const char *path, struct err *err)
{
	const char *name = strrchr(path, '/') + 1;
	const char *const tar[] = {
		"tar", "-x", "--force-local", "-f", path, "-C", w->stage, "--no-same-owner", "--no-same-permissions",
		NULL
	};
	const char *const zip[] = { "unzip", "-q", "-o", path, "-d", w->stage, NULL };
	char *to;
	if (is_tar(name))
		return members_of_tar(path, err) || command_must(tar, path, err) ? -1 : 0;
	if (ends_in(name, ".zip") && *path == '-')
		return err_usage(err, "%s: unzip takes this for an option; write ./%s", path, path);
	if (ends_in(name, ".zip"))
		return members_of_zip(path, err) || command_must(zip, path, err) ? -1 : 0;
	if (path_join(&to, w->stage, name, err))
		return -1;
	int rc = copy_file(path, to, err);
	free(to);
	return rc;
}

static int fetch_one(const struct fetch_work *w, const struct remote *r, struct err *err)
{
	char *file;
	int rc = download(w, r, &file, err) || unpack(w, file, err);
	free(file);
	return rc ? -1 : 0;
}

/* Says how a local file differs from the published one. */
static int note_deviation(const struct fetch_work *w, const struct remote *r, const char *path, struct err *err)
{
	char got[160], hex[129];
	int differs = 0;
	if (r->sum && check_sum(path, r->sum, got, &differs, err))
		return -1;
	if (r->sum && !differs)
		return 0;
	if (command_sum("sha256", path, hex, err))
		return -1;
	for (const struct deviation *k = w->d->deviation; k->sha256; k++)
		if (!strcmp(k->sha256, hex)) {
			fetch_say(w, "%s: a known deviation from the original: %s", path, k->what);
			return 0;
		}
	if (r->sum)
		fetch_say(w, "%s: is not the published file: %s, published by %s: %s", path, got, r->sum_source,
			  r->sum);
	else
		fetch_say(w, "%s: no published checksum is known; sha256:%s", path, hex);
	return 0;
}

/* The folders in which a local copy may lie; three, of which some may be NULL. Owned by the caller. */
static int local_folders(const struct fetch_work *w, char *folder[3], struct err *err)
{
	folder[0] = folder[1] = folder[2] = NULL;
	if (path_join(&folder[0], w->f->from, w->d->name, err) ||
	    (w->d->other && path_join(&folder[1], w->f->from, w->d->other, err)) ||
	    mem_text(&folder[2], w->f->from, strlen(w->f->from), err))
		return -1;
	return 0;
}

static int take_packed(const struct fetch_work *w, char *const folder[3], int *taken, struct err *err)
{
	*taken = 0;
	for (const struct remote *r = w->d->remote; r->url; r++) {
		char *path = NULL, names[512];
		snprintf(names, sizeof names, "%s%s%s", r->file, r->other ? "|" : "", r->other ? r->other : "");
		for (int i = 0; i < 3 && !path; i++)
			if (folder[i] && find_one_of(folder[i], names, &path, err))
				return -1;
		if (!path) {
			*taken = 0;
			return 0;
		}
		int rc = note_deviation(w, r, path, err) || unpack(w, path, err);
		free(path);
		if (rc)
			return -1;
		++*taken;
	}
	return 0;
}

/* A copy that is unpacked already: a folder, or its `top`, in which a file of the data set lies. */
static int take_unpacked(const struct fetch_work *w, char *const folder[3], int *taken, struct err *err)
{
	const char *top = w->d->top ? w->d->top : "";
	for (int i = 0; i < 6 && !*taken; i++) {
		char *inner, *probe = NULL;
		if (!folder[i / 2])
			continue;
		if (path_join(&inner, folder[i / 2], i % 2 ? top : "", err))
			return -1;
		int rc = path_kind(inner) == PATH_FOLDER ? find_one_of(inner, w->d->fact->path, &probe, err) : 0;
		if (!rc && probe) {
			fetch_say(w, "copying %s", inner);
			rc = remove_tree(w->stage, err) || copy_tree(inner, w->stage, err);
			*taken = 1;
		}
		free(probe);
		free(inner);
		if (rc)
			return -1;
	}
	return 0;
}

static int take_local(const struct fetch_work *w, struct err *err)
{
	char *folder[3];
	int taken = 0, rc = -1;
	if (!local_folders(w, folder, err) && !take_packed(w, folder, &taken, err) &&
	    (taken || !take_unpacked(w, folder, &taken, err)))
		rc = taken ? 0
			   : err_set(err,
				     "%s: %s holds no copy of it (looked for %s in %s/, %s/%s/ and for the unpacked "
				     "files)",
				     w->d->name, w->f->from, w->d->remote->file, w->f->from, w->f->from, w->d->name);
	for (int i = 0; i < 3; i++)
		free(folder[i]);
	return rc;
}

static void say_difference(void *arg, int ok, const char *line)
{
	const struct fetch_work *w = arg;
	if (!ok)
		fetch_say(w, "%s: differs from the original: %s", w->d->name, line);
}

/* Checks the staged files and puts the folder in its place. */
static int install_dataset(struct fetch_work *w, struct err *err)
{
	char *inner;
	int differ, holds, rc = -1;
	if (path_join(&inner, w->stage, w->d->top ? w->d->top : "", err))
		return -1;
	if (path_kind(inner) != PATH_FOLDER) { /* copied from an unpacked folder */
		free(inner);
		if (mem_text(&inner, w->stage, strlen(w->stage), err))
			return -1;
	}
	if (check_holds(w->d, inner, &holds, err))
		goto done;
	if (!holds) {
		err_set(err, "%s: none of its files is in what was unpacked, as %.*s", w->d->name,
			(int)strcspn(w->d->fact->path, "|"), w->d->fact->path);
		goto done;
	}
	if (check_facts(w->d, inner, say_difference, w, &differ, err))
		goto done;
	if (differ && !w->f->from) {
		err_set(err, "%s: what was loaded is not the data set: %d of its known counts differ", w->d->name,
			differ);
		goto done;
	}
	int fd = retry_open(AT_FDCWD, inner, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || syncfs(fd)) {
		err_sys(err, "%s: sync", inner);
		if (fd >= 0)
			close(fd);
		goto done;
	}
	close(fd);
	rc = rename(inner, w->goal) ? err_sys(err, "%s: rename", w->goal) : 0;
done:
	free(inner);
	return rc;
}

static int take_lock(struct fetch_work *w, struct err *err)
{
	char *path;
	struct stat st = { 0 };
	int fd = -1, rc = -1;
	if (path_join(&path, w->part, "lock", err))
		return -1;
	do { /* its holder may remove it, with its folder, between our opening and our locking it */
		if (fd >= 0)
			close(fd);
		fd = -1;
		if (make_folders(w->part, err))
			goto done;
		fd = retry_open(AT_FDCWD, path, O_RDWR | O_CREAT);
		if (fd < 0) {
			err_sys(err, "%s: lock", w->part);
			goto done;
		}
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			if (errno == EWOULDBLOCK)
				err_set(err, "%s: another vic-corpora is fetching it", w->d->name);
			else
				err_sys(err, "%s: lock", w->part);
			goto done;
		}
	} while (!fstat(fd, &st) && !st.st_nlink);
	w->lock = fd;
	fd = -1;
	rc = 0;
done:
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int do_work(struct fetch_work *w, struct err *err)
{
	if (take_lock(w, err) || remove_tree(w->stage, err) || make_folders(w->stage, err))
		return -1;
	if (w->f->from) {
		if (take_local(w, err))
			return -1;
	} else {
		for (const struct remote *r = w->d->remote; r->url; r++)
			if (fetch_one(w, r, err))
				return -1;
	}
	if (members_unpacked(w->stage, err) || install_dataset(w, err) || remove_tree(w->part, err))
		return -1;
	fetch_say(w, "%s: in %s; cite: %s; terms: %s", w->d->name, w->goal, w->d->citation, w->d->terms);
	return 0;
}

int fetch_dataset(const struct dataset *d, const struct fetch *f, struct err *err)
{
	struct fetch_work w = { .d = d, .f = f, .lock = -1 };
	char name[64];
	int rc = -1;
	snprintf(name, sizeof name, "%s.part", d->name);
	if (path_join(&w.goal, f->to, d->name, err) || path_join(&w.part, f->to, name, err) ||
	    path_join(&w.stage, w.part, "unpacked", err))
		goto done;
	if (path_kind(w.goal) != PATH_NONE) {
		fetch_say(&w, "%s: is there already (%s); vic-corpora verify %s checks it", d->name, w.goal, d->name);
		rc = 0;
		goto done;
	}
	rc = do_work(&w, err);
	/* nothing that a later run could go on from; without the lock it is another run's */
	if (rc && f->from && w.lock >= 0) {
		struct err ignored;
		if (remove_tree(w.part, &ignored))
			fetch_say(&w, "%s", ignored.msg);
	}
done:
	if (w.lock >= 0)
		close(w.lock);
	free(w.goal);
	free(w.part);
	free(w.stage);
	return rc;
}
