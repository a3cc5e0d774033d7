/* Follows the links of a path's last name, one at a time. realpath() would not do: it wants the last name to exist,
 * and it does not stop where a chain enters /proc, whose links stand for descriptors (/dev/stdout leads to
 * /proc/self/fd/1). Links among the folders are left to the kernel, so the resulting path is not canonical: compare
 * places by stat(). */
#include "place.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; /* as the kernel follows */

static struct place_file replaced[PLACE_REPLACED];
static size_t n_replaced;

const char *place_split(const char *path, char *folder)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (n >= PATH_MAX)
		n = PATH_MAX - 1;
	memcpy(folder, path, n);
	folder[n] = 0;
	if (!n)
		snprintf(folder, PATH_MAX, "%s", slash ? "/" : ".");
	return slash ? slash + 1 : path;
}

/* Nothing is there: anything else that a look at it says is an error, for what is there might be a device. */
static int is_absent(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

/* -1 with errno. */
static int in_proc(const char *folder)
{
	struct statfs fs;
	if (statfs(folder, &fs))
		return is_absent() ? 0 : -1;
	return fs.f_type == PROC_SUPER_MAGIC;
}

/* The number where `name` in `folder` is a descriptor of this process, else -1. */
static int own_descriptor(const char *folder, const char *name)
{
	char here[PATH_MAX], own[PATH_MAX];
	if (!isdigit((unsigned char)*name) || strspn(name, "0123456789") != strlen(name) || strlen(name) > 9)
		return -1;
	if (!realpath(folder, here) || !realpath("/proc/self/fd", own) || strcmp(here, own))
		return -1;
	return (int)strtol(name, NULL, 10);
}

/* A file that is itself a mount point, as in containers: rename() over it fails. */
static int is_mounted(const char *path)
{
#ifdef STATX_ATTR_MOUNT_ROOT
	struct statx st;
	return !statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, &st) && S_ISREG(st.stx_mode) &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
	(void)path;
	return 0;
#endif
}

int place_of(struct place *p, const char *path, int standard, struct err *err)
{
	char folder[PATH_MAX], to[PATH_MAX];
	*p = (struct place){ .fd = -1 };
	if (!strcmp(path, "-")) {
		p->fd = standard;
		return 0;
	}
	if (strlen(path) >= sizeof p->path)
		goto too_long;
	memcpy(p->path, path, strlen(path) + 1);
	for (int hops = 0; hops < MOST_LINKS; hops++) {
		const char *name = place_split(p->path, folder);
		struct stat st;
		int proc = in_proc(folder), gone;
		if (proc < 0)
			return err_sys(err, "%s", path);
		if (proc) {
			p->fd = own_descriptor(folder, name);
			p->special = p->fd < 0;
			return 0;
		}
		gone = *name && lstat(p->path, &st);
		if (gone && !is_absent())
			return err_sys(err, "%s", path);
		if (!*name || gone || !S_ISLNK(st.st_mode)) {
			p->special = is_mounted(p->path);
			return 0;
		}
		ssize_t n = readlink(p->path, to, sizeof to);
		if (n < 0)
			return err_sys(err, "%s", path);
		if ((size_t)n >= sizeof to)
			goto too_long;
		to[n] = 0;
		int k = snprintf(p->path, sizeof p->path, "%s%s%s", *to == '/' ? "" : folder, *to == '/' ? "" : "/",
				 to);
		if (k < 0 || (size_t)k >= sizeof p->path)
			goto too_long;
	}
	errno = ELOOP;
	return err_sys(err, "%s", path);
too_long:
	errno = ENAMETOOLONG;
	return err_sys(err, "%s", path);
}

int place_stat(const struct place *p, struct stat *st)
{
	if (p->fd >= 0 ? fstat(p->fd, st) : stat(p->path, st))
		return is_absent() ? 1 : -1;
	return 0;
}

void place_replaces(const struct place_file *file, size_t n)
{
	n_replaced = n < PLACE_REPLACED ? n : PLACE_REPLACED;
	if (n_replaced)
		memcpy(replaced, file, n_replaced * sizeof *file);
}

int place_reading(int fd, const char *name, struct err *err)
{
	struct stat s;
	if (!n_replaced || fstat(fd, &s) || !S_ISREG(s.st_mode))
		return 0;
	for (size_t i = 0; i < n_replaced; i++)
		if (replaced[i].dev == s.st_dev && replaced[i].ino == s.st_ino)
			return err_system(
				err, "%s: is among what is read, and is where the output goes; write to another file",
				name);
	return 0;
}
