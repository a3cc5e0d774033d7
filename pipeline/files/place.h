/* place: where a path leads, every link followed: what -o writes to, and whether two paths are one file. */
#ifndef VIC_PLACE_H
#define VIC_PLACE_H

#include "pipeline/base/err.h"

#include <limits.h>
#include <sys/stat.h>

struct place {
	/* "-", /dev/stdout, /dev/fd/3: the descriptor of this process that the path stands for; else -1 */
	int fd;
	/* lies in /proc (another process's descriptor), or a file is mounted there: nothing can take its place */
	int special;
	char path[PATH_MAX]; /* without fd: behind all links. The last name need not exist */
};

/* `path` as an option names it; standard: the descriptor that "-" stands for. Errors: a ring of links, a path too long.
 * A folder that is not there is left to be found out by whoever opens it. */
int place_of(struct place *p, const char *path, int standard, struct err *err) VIC_CHECKED;
/* stat() of the place: 0; 1 when nothing is there; -1 with errno when that cannot be told. */
int place_stat(const struct place *p, struct stat *st) VIC_CHECKED;
/* Cuts path in two: folder[PATH_MAX] ("." where it names none) and the last name, which points into path and is empty
 * where the path ends in a slash. */
const char *place_split(const char *path, char *folder);

/* The files that this run is about to replace; a process has one command line, so there is one such list (roles_check
 * makes it). */
enum { PLACE_REPLACED = 16 };
struct place_file {
	dev_t dev;
	ino_t ino;
};
void place_replaces(const struct place_file *file, size_t n);
/* For every file that is opened for reading, also those that no option names (found in a folder, in a list): an error
 * where it is what an output of this run is about to replace. It is not the data's fault, so never a reason to pass
 * over the file. name: for the message. */
int place_reading(int fd, const char *name, struct err *err) VIC_CHECKED;

#endif
