/* tar: the entries of a tar archive from front to back: POSIX ustar, GNU long names and sizes, pax paths and sizes.
 * Either as a stream, gzipped or not, or over a part of an open file, where only the headers are read. Every header's
 * checksum is checked; a stream's gzip checksum too, at its end. */
#ifndef VIC_TAR_H
#define VIC_TAR_H

#include "pipeline/base/err.h"
#include <stdint.h>

struct tar_entry {
	const char *name; /* as it stands in the archive, at most 1 MiB; valid until the next tar_next or tar_close */
	int type;         /* '0' a file, '5' a folder, else ustar's byte for a link, a device ... */
	uint64_t at;      /* of its bytes: in the file that tar_over got, or in the unpacked stream */
	uint64_t size;    /* bytes; 0 for links and devices */
};

struct tar;

/* A stream ("-" is stdin). `path` is borrowed; all later messages begin with it. Errors: cannot be read. */
int tar_open(struct tar **t, const char *path, struct err *err) VIC_CHECKED;
/* The `size` bytes at `at` of `fd`, which stays the caller's; its offset is neither used nor moved. */
int tar_over(struct tar **t, int fd, uint64_t at, uint64_t size, struct err *err) VIC_CHECKED;
/* 1 and the next entry; 0 when the archive is whole and at its end. What was not read is passed over. Errors: read, a
 * damaged header, a truncated archive, something after its end, a sparse file, a pax header that names all files. */
int tar_next(struct tar *t, struct tar_entry *e, struct err *err) VIC_CHECKED;
/* 0 for a file or a folder; a link or a device is an error: reading on without it would leave its data out. */
int tar_plain(const struct tar_entry *e, struct err *err) VIC_CHECKED;
/* The bytes of the entry that tar_next gave last, all of them and once: `to` has room for its size. */
int tar_read(struct tar *t, void *to, struct err *err) VIC_CHECKED;
void tar_close(struct tar *t); /* NULL is fine */

/* 1 when fd begins with a tar header, 0 when not; -1 when that cannot be read. */
int tar_is(int fd, struct err *err) VIC_CHECKED;

#endif
