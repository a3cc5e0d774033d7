/* Outputs: where the bytes go, and how they get their name. */
#include "io.h"
#include "leftover.h"
#include "pipeline/base/mem.h"
#include "place.h"
#include "retry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUT_BUF = 1024 * 1024 };

/* A file of the folder that has no name, or one that goes with the program; -1 with errno. */
static int open_unfinished(struct output *out)
{
	char path[40];
	int fd = retry_open(out->folder, ".", O_TMPFILE | O_RDWR);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd >= 0 && !access(path, F_OK)) /* by which output_commit gives it its name */
		return fd;
	if (fd >= 0)
		close(fd);
	while ((out->leftover = leftover_add(out->folder)) >= 0) {
		fd = retry_open(out->folder, leftover_name(out->leftover), O_CREAT | O_EXCL | O_RDWR);
		if (fd >= 0)
			return fd;
		int why = errno;
		leftover_forget(out->leftover);
		out->leftover = -1;
		errno = why;
		if (why != EEXIST)
			break;
	}
	return -1;
}

/* Whether rename() would be refused at the end: a folder as /tmp is, where a file is its owner's. */
static int is_others(int folder, const struct stat *old)
{
	struct stat st;
	return !fstat(folder, &st) && (st.st_mode & S_ISVTX) && geteuid() && st.st_uid != geteuid() &&
	       old->st_uid != geteuid();
}

/* A file that takes the place of what is there, whole. */
static int open_beside(struct output *out, const struct place *p, const struct stat *old)
{
	char folder[PATH_MAX];
	const char *name = place_split(p->path, folder);
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		errno = EISDIR;
		return -1;
	}
	out->folder = retry_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
	if (out->folder < 0 && errno == EACCES) /* one may write there all the same */
		out->folder = retry_open(AT_FDCWD, folder, O_PATH | O_DIRECTORY);
	if (out->folder < 0 || !(out->base = strdup(name)))
		return -1;
	if (old && is_others(out->folder, old)) {
		errno = EPERM;
		return -1;
	}
	return open_unfinished(out);
}

static int open_descriptor(struct output *out, int fd, struct err *err)
{
	int mode = fcntl(fd, F_GETFL);
	if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY)
		return err_system(err, "%s: is closed, or open for reading alone", out->name);
	out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* shares the place in a file that others write to as well */
	return out->fd < 0 ? err_sys(err, "%s", out->name) : 0;
}

int output_open(struct output *out, const char *path, struct err *err)
{
	struct place p;
	struct stat st;
	*out = (struct output){ .fd = -1, .folder = -1, .leftover = -1, .standard = !strcmp(path, "-") };
	const char *name = out->standard ? "stdout" : path;
	if (mem_room(&out->buf, OUT_BUF, err) || mem_text(&out->name, name, strlen(name), err) ||
	    place_of(&p, path, STDOUT_FILENO, err))
		goto fail;
	if (out->standard) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (p.fd >= 0) {
		if (open_descriptor(out, p.fd, err))
			goto fail;
		return 0;
	}
	int gone = place_stat(&p, &st), there = !gone;
	if (gone < 0)
		out->fd = -1;
	else if (p.special || (there && !S_ISREG(st.st_mode)))
		out->fd = retry_open(AT_FDCWD, p.path, O_WRONLY | O_TRUNC | O_NOCTTY);
	else
		out->fd = open_beside(out, &p, there ? &st : NULL);
	if (out->fd >= 0)
		return 0;
	err_sys(err, "%s", path);
fail:
	output_release(out);
	return -1;
}

/* Closes, and removes what has no name for good. */
static void drop(struct output *out)
{
	if (out->fd >= 0 && !out->standard)
		close(out->fd);
	if (out->leftover >= 0) {
		unlinkat(out->folder, leftover_name(out->leftover), 0);
		leftover_forget(out->leftover);
	}
	if (out->folder >= 0)
		close(out->folder);
	free(out->base);
}

int output_prove(const char *path, struct err *err)
{
	struct output out = { .fd = -1, .folder = -1, .leftover = -1 };
	struct place p;
	struct stat st;
	if (place_of(&p, path, STDOUT_FILENO, err))
		return -1;
	int gone = place_stat(&p, &st), there = !gone, ok = 0;
	if (p.fd < 0 && gone < 0) {
		; /* errno says it */
	} else if (p.fd >= 0) {
		int mode = fcntl(p.fd, F_GETFL);
		ok = mode >= 0;
		if (ok && (mode & O_ACCMODE) == O_RDONLY)
			return err_system(err, "%s: is closed, or open for reading alone",
					  strcmp(path, "-") ? path : "stdout");
	} else if (there && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
	} else if (there && S_ISSOCK(st.st_mode)) {
		return err_system(err, "%s: is a socket, where a file is wanted", path);
	} else if (p.special || (there && !S_ISREG(st.st_mode))) {
		ok = !faccessat(AT_FDCWD, p.path, W_OK, AT_EACCESS);
	} else {
		out.fd = open_beside(&out, &p, there ? &st : NULL);
		ok = out.fd >= 0;
	}
	if (!ok)
		err_sys(err, "%s", strcmp(path, "-") ? path : "stdout");
	drop(&out);
	return ok ? 0 : -1;
}

int output_unnamed(struct output *out, const char *folder, struct err *err)
{
	*out = (struct output){ .fd = -1, .folder = -1, .leftover = -1 };
	if (mem_room(&out->buf, OUT_BUF, err) || mem_text(&out->name, folder, strlen(folder), err))
		goto fail;
	out->folder = retry_open(AT_FDCWD, folder, O_PATH | O_DIRECTORY);
	out->fd = out->folder < 0 ? -1 : open_unfinished(out);
	if (out->fd >= 0 && out->leftover >= 0) {
		unlinkat(out->folder, leftover_name(out->leftover), 0);
		leftover_forget(out->leftover);
		out->leftover = -1;
	}
	if (out->fd >= 0)
		return 0;
	err_sys(err, "%s", folder);
fail:
	output_release(out);
	return -1;
}

static int write_all(struct output *out, const unsigned char *p, size_t n, struct err *err)
{
	return retry_write_all(out->fd, p, n) ? err_sys(err, "%s: write", out->name) : 0;
}

int output_flush(struct output *out, struct err *err)
{
	size_t n = out->used;
	out->used = 0;
	return write_all(out, out->buf, n, err);
}

int output_write(struct output *out, const void *from, size_t n, struct err *err)
{
	out->at += n;
	if (n > OUT_BUF - out->used && output_flush(out, err))
		return -1;
	if (n >= OUT_BUF)
		return write_all(out, from, n, err);
	memcpy(out->buf + out->used, from, n);
	out->used += n;
	return 0;
}

int output_printf(struct output *out, struct err *err, const char *fmt, ...)
{
	char small[512], *big = small;
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof small, fmt, ap), rc = 0;
	if (n < 0)
		rc = err_set(err, "%s: cannot format", out->name);
	else if ((size_t)n >= sizeof small) {
		rc = mem_alloc(&big, (size_t)n + 1, 1, err);
		if (!rc)
			vsnprintf(big, (size_t)n + 1, fmt, again);
		else
			big = small;
	}
	va_end(again);
	va_end(ap);
	if (!rc)
		rc = output_write(out, big, (size_t)n, err);
	if (big != small)
		free(big);
	return rc;
}

/* The permissions and, where allowed, the owner of the file that is there. Who may not give the group to the new file
 * gives the group no more than everybody has. */
static int keep_mode(struct output *out, struct err *err)
{
	struct stat old, st;
	int gone = fstatat(out->folder, out->base, &old, AT_SYMLINK_NOFOLLOW);
	if (gone && errno == ENOENT)
		return 0;
	if (gone || fstat(out->fd, &st))
		return err_sys(err, "%s: its permissions", out->name);
	if (!S_ISREG(old.st_mode))
		return err_system(err, "%s: has become %s while it was made", out->name, io_kind(old.st_mode));
	mode_t mode = old.st_mode & 0777;
	int same = old.st_uid == st.st_uid && old.st_gid == st.st_gid;
	if (!same && fchown(out->fd, old.st_uid, old.st_gid) && old.st_gid != st.st_gid &&
	    fchown(out->fd, (uid_t)-1, old.st_gid))
		mode = (mode & ~(mode_t)070) | ((mode & 07) << 3 & mode);
	return mode == (st.st_mode & 0777) || !fchmod(out->fd, mode)
		       ? 0
		       : err_sys(err, "%s: its permissions", out->name);
}

/* Gives a file without a name its own where that is free, else one to rename from. Returns 1 for the former; -1 with
 * errno. */
static int give_name(struct output *out)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", out->fd);
	if (!linkat(AT_FDCWD, path, out->folder, out->base, AT_SYMLINK_FOLLOW))
		return 1;
	while (errno == EEXIST && (out->leftover = leftover_add(out->folder)) >= 0) {
		if (!linkat(AT_FDCWD, path, out->folder, leftover_name(out->leftover), AT_SYMLINK_FOLLOW))
			return 0;
		int why = errno;
		leftover_forget(out->leftover);
		out->leftover = -1;
		errno = why;
	}
	return -1;
}

/* What was written gets its name. */
static int name_file(struct output *out, struct err *err)
{
	int fd, there = 0;
	if (out->leftover < 0 && (there = give_name(out)) < 0)
		return err_sys(err, "%s: cannot get its name", out->name);
	fd = out->fd;
	out->fd = -1;
	if (retry_close(fd)) {
		err_sys(err, "%s: close", out->name);
		if (there)
			unlinkat(out->folder, out->base, 0);
		return -1;
	}
	if (!there) {
		if (renameat(out->folder, leftover_name(out->leftover), out->folder, out->base))
			return err_sys(err, "%s: rename", out->name);
		leftover_forget(out->leftover);
		out->leftover = -1;
	}
	return 0;
}

/* The name, too, outlives a loss of power, where the folder may be read and its file system can. */
static int sync_folder(const struct output *out, struct err *err)
{
	if (retry_fsync(out->folder) && errno != EBADF && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
		return err_sys(err, "%s: is whole, but its folder: fsync", out->name);
	return 0;
}

static int install_file(struct output *out, struct err *err)
{
	if (!out->hasty && retry_fsync(out->fd))
		return err_sys(err, "%s: fsync", out->name);
	if (keep_mode(out, err) || name_file(out, err))
		return -1;
	return out->hasty ? 0 : sync_folder(out, err);
}

int output_commit(struct output *out, struct err *err)
{
	if (output_flush(out, err))
		return -1;
	if (out->standard)
		return 0; /* stage_main closes it and reports what the device says late */
	if (out->base)
		return install_file(out, err);
	int fd = out->fd;
	out->fd = -1;
	return retry_close(fd) ? err_sys(err, "%s: close", out->name) : 0;
}

int output_in_place(const struct output *out)
{
	return !out->base;
}

void output_release(struct output *out)
{
	if (out->buf || out->name) /* else zeroed, or never opened */
		drop(out);
	free(out->name);
	free(out->buf);
	*out = (struct output){ .fd = -1, .folder = -1, .leftover = -1 };
}
