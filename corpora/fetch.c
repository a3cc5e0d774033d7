/* How a data set gets into place. The order of the steps is what makes TO/NAME complete or absent: lock NAME.part, load
 * or take a local copy, look at an archive's members, unpack into NAME.part/unpacked, look at what was unpacked, check
 * the facts, sync, rename. NAME.part lies beside NAME, so the rename stays within one file system. A loaded FILE.part
 * is renamed to FILE only after its published sum or size was checked, and FILE is not checked again by a later run.
 * What differs from the published data is an error when it was loaded and only reported when it is a local copy.
 * NAME.part stays after a failed download, for the next run, and is removed after a failed --from. The lock lies in
 * NAME.part and goes with it. */
#include "fetch.h"
#include "check.h"
#include "command.h"
#include "files.h"
#include "members.h"
#include "pipeline/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Paths of one fetch; owned. */
struct work {
	const struct dataset *d;
	const struct fetch *f;
	char *goal;  /* TO/NAME */
	char *part;  /* TO/NAME.part */
	char *stage; /* TO/NAME.part/unpacked */
	int lock;
};

static void say(const struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct work *w, const char *fmt, ...)
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

/* Unpacks an archive into the stage, or copies any other file there: what was loaded stays until all of it is installed. */
static int unpack(const struct work *w, const char *path, struct err *err)
{
	const char *name = strrchr(path, '/') + 1;
	const char *const tar[] = { "tar", "-x", "--force-local", "-f", path, "-C", w->stage, "--no-same-owner", "--no-same-permissions",
				    NULL };
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

static int no_network(const struct work *w, const struct remote *r, const char *why, struct err *err)
{
	return err_set(
		err,
		"%s: %s; get %s from %s on a machine with network, put it into a folder and run: vic-corpora fetch %s "
		"--from FOLDER (or make data: vic-corpora synth text)",
		w->d->name, why, r->file, r->url, w->d->name);
}

static int curl_failed(const struct work *w, const struct remote *r, int status, struct err *err)
{
	char why[128];
	switch (status) {
	case 5:
	case 6:
	case 7:
	case 28:
	case 35:
	case 52:
	case 55:
	case 56: /* names, connections, time-outs */
		snprintf(why, sizeof why, "the network cannot be reached (curl's exit status %d)", status);
		return no_network(w, r, why, err);
	case 18:
		return err_set(err, "%s: %s: the transfer broke off; run the same command again, it goes on from there",
			       w->d->name, r->url);
	case 22:
		return err_set(err, "%s: %s: the server answers with an error; has the file moved?", w->d->name,
			       r->url);
	default:
		return err_set(err, "%s: %s: curl failed (exit status %d, see curl(1))", w->d->name, r->url, status);
	}
}

static int curl(const struct work *w, const struct remote *r, const char *part, int resume, int *status,
		struct err *err)
{
	const char *const argv[] = { "curl",
				     "--fail",
				     "--location",
				     "--retry",
				     "3",
				     "--retry-delay",
				     "2",
				     "--connect-timeout",
				     "20",
				     "--speed-limit",
				     "1",
				     "--speed-time",
				     "60",
				     "--continue-at",
				     resume ? "-" : "0",
				     "--output",
				     part,
				     w->f->quiet || !isatty(2) ? "--silent" : "--progress-bar",
				     "--show-error",
				     "--url",
				     r->url,
				     NULL };
	/* curl has its own limits; this one is for a curl that hangs */
	return command_run(&(struct command_ask){ .argv = argv, .grows = part, .seconds = 300 }, NULL, 0, status, err);
}

/* Loads into part, going on where it stopped. What a server cannot continue is loaded anew. */
static int load(const struct work *w, const struct remote *r, const char *part, struct err *err)
{
	uint64_t have = 0;
	int status = 0;
	if (path_kind(part) == PATH_FILE && file_bytes(part, &have, err))
		return -1;
	if (r->bytes && have == r->bytes)
		return 0; /* complete, but the last run ended before it was checked */
	say(w, "loading %s%s", r->url, have ? " (going on)" : "");
	if (curl(w, r, part, have > 0, &status, err))
		return -1;
	if (status && have && (status == 22 || status == 33 || status == 36)) {
		if (unlink(part))
			return err_sys(err, "%s", part);
		if (curl(w, r, part, 0, &status, err))
			return -1;
	}
	return status ? curl_failed(w, r, status, err) : 0;
}

/* A loaded file that is not the published one is removed: going on from it would never make it right. */
static int check_loaded(const struct work *w, const struct remote *r, const char *part, struct err *err)
{
	char got[160];
	int differs = 0;
	uint64_t n;
	if (file_bytes(part, &n, err))
		return -1;
	if (r->sum && check_sum(part, r->sum, got, &differs, err))
		return -1;
	if (differs || (!r->sum && r->bytes && n != r->bytes)) {
		unlink(part);
		return err_set(err, "%s: %s is not the published file (%s, published by %s: %s); removed, try again",
			       w->d->name, r->url, differs ? got : "another size",
			       r->sum_source ? r->sum_source : "nobody", r->sum ? r->sum : "no sum");
	}
	if (!r->sum)
		say(w, "%s: no published checksum is known; it has %" PRIu64 " bytes", r->file, n);
	return 0;
}

static int fetch_one(const struct work *w, const struct remote *r, struct err *err)
{
	char name[256], *file = NULL, *part = NULL;
	int rc = -1;
	snprintf(name, sizeof name, "%s.part", r->file);
	if (path_join(&file, w->part, r->file, err) || path_join(&part, w->part, name, err))
		goto done;
	if (path_kind(file) != PATH_FILE) {
		if (w->f->offline) {
			no_network(w, r, "VIC_OFFLINE is set", err);
			goto done;
		}
		if (load(w, r, part, err) || check_loaded(w, r, part, err))
			goto done;
		if (rename(part, file)) {
			err_sys(err, "%s: rename", file);
			goto done;
		}
	}
	rc = unpack(w, file, err);
done:
	free(file);
	free(part);
	return rc;
}

/* Says how a local file differs from the published one. */
static int note_deviation(const struct work *w, const struct remote *r, const char *path, struct err *err)
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
			say(w, "%s: a known deviation from the original: %s", path, k->what);
			return 0;
		}
	if (r->sum)
		say(w, "%s: is not the published file: %s, published by %s: %s", path, got, r->sum_source, r->sum);
	else
		say(w, "%s: no published checksum is known; sha256:%s", path, hex);
	return 0;
}

/* The folders in which a local copy may lie; three, of which some may be NULL. Owned by the caller. */
static int local_folders(const struct work *w, char *folder[3], struct err *err)
{
	folder[0] = folder[1] = folder[2] = NULL;
	if (path_join(&folder[0], w->f->from, w->d->name, err) ||
	    (w->d->other && path_join(&folder[1], w->f->from, w->d->other, err)) ||
	    mem_text(&folder[2], w->f->from, strlen(w->f->from), err))
		return -1;
	return 0;
}

static int take_packed(const struct work *w, char *const folder[3], int *taken, struct err *err)
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
static int take_unpacked(const struct work *w, char *const folder[3], int *taken, struct err *err)
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
			say(w, "copying %s", inner);
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

static int take_local(const struct work *w, struct err *err)
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
	const struct work *w = arg;
	if (!ok)
		say(w, "%s: differs from the original: %s", w->d->name, line);
}

/* Checks the staged files and puts the folder in its place. */
static int install(struct work *w, struct err *err)
{
	char *inner;
	int differ, rc = -1;
	if (path_join(&inner, w->stage, w->d->top ? w->d->top : "", err))
		return -1;
	if (path_kind(inner) != PATH_FOLDER) { /* copied from an unpacked folder */
		free(inner);
		if (mem_text(&inner, w->stage, strlen(w->stage), err))
			return -1;
	}
	if (check_facts(w->d, inner, say_difference, w, &differ, err))
		goto done;
	if (differ && !w->f->from) {
		err_set(err, "%s: what was loaded is not the data set: %d of its known counts differ", w->d->name,
			differ);
		goto done;
	}
	int fd = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

static int take_lock(struct work *w, struct err *err)
{
	char *path;
	if (path_join(&path, w->part, "lock", err))
		return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	free(path);
	if (fd < 0)
		return err_sys(err, "%s: lock", w->part);
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		w->lock = fd;
		return 0;
	}
	int rc = errno == EWOULDBLOCK ? err_set(err, "%s: another vic-corpora is fetching it", w->d->name)
				      : err_sys(err, "%s: lock", w->part);
	close(fd);
	return rc;
}

static int do_work(struct work *w, struct err *err)
{
	if (make_folders(w->part, err) || take_lock(w, err) || remove_tree(w->stage, err) ||
	    make_folders(w->stage, err))
		return -1;
	if (w->f->from) {
		if (take_local(w, err))
			return -1;
	} else {
		for (const struct remote *r = w->d->remote; r->url; r++)
			if (fetch_one(w, r, err))
				return -1;
	}
	if (members_unpacked(w->stage, err) || install(w, err) || remove_tree(w->part, err))
		return -1;
	say(w, "%s: in %s; cite: %s; terms: %s", w->d->name, w->goal, w->d->citation, w->d->terms);
	return 0;
}

int fetch_dataset(const struct dataset *d, const struct fetch *f, struct err *err)
{
	struct work w = { .d = d, .f = f, .lock = -1 };
	char name[64];
	int rc = -1;
	snprintf(name, sizeof name, "%s.part", d->name);
	if (path_join(&w.goal, f->to, d->name, err) || path_join(&w.part, f->to, name, err) ||
	    path_join(&w.stage, w.part, "unpacked", err))
		goto done;
	if (path_kind(w.goal) != PATH_NONE) {
		say(&w, "%s: is there already (%s); vic-corpora verify %s checks it", d->name, w.goal, d->name);
		rc = 0;
		goto done;
	}
	rc = do_work(&w, err);
	if (rc && f->from && w.lock >= 0) { /* nothing that a later run could go on from; without the lock it is another run's */
		struct err ignored;
		if (remove_tree(w.part, &ignored))
			say(&w, "%s", ignored.msg);
	}
done:
	if (w.lock >= 0)
		close(w.lock);
	free(w.goal);
	free(w.part);
	free(w.stage);
	return rc;
}
