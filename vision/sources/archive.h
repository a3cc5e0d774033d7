/* archive: the files of a data set, whether they lie in a folder, a .tar, a .zip, a .tar.gz (also .xz, .bz2, .zst) or
 * are one file, as one sorted list whose bytes can be read from any thread. The same files give the same list, however
 * they are packed.
 *
 * A .tar is read where it lies (POSIX ustar, GNU long names, pax paths and sizes); tars inside a tar, as ImageNet's
 * training set has them, count as folders. What is compressed, or comes through a pipe, is unpacked to an unnamed
 * temporary file in $TMPDIR first. Names beginning with a dot, and macOS's __MACOSX, are left out and counted. Links
 * inside a tar are refused: an archive comes from others. Links in a folder are followed, wherever they lead: people
 * put data sets together from them, and a folder is its owner's. What then is neither a file nor a folder (a FIFO, a
 * socket, a device) is refused by name, never opened. */
#ifndef VIC_ARCHIVE_H
#define VIC_ARCHIVE_H

#include "pipeline/files/io.h"

#include <stddef.h>
#include <stdint.h>

struct entry {
	char *name;    /* inside its root, components joined by '/'; owned */
	int root;      /* which path it came from */
	uint64_t at;   /* in the tar */
	uint64_t size; /* bytes */
	struct io_mark mark; /* of a file in a folder, when it was listed */
};

struct archive_root {
	const char *path; /* as given; borrowed from the caller; "stdin" for "-" */
	int fd;		  /* the tar or the one file; -1 for a folder */
	int copied;	  /* fd is our own unpacked copy */
	struct io_mark mark; /* of fd when it was opened */
};

struct archive {
	struct archive_root *root; /* [roots] */
	int roots;
	struct entry *entry; /* [n], sorted by root, then by name bytewise */
	size_t n, cap;
	struct entry *folder; /* [folders] that a folder or an archive lists, in no order; names without a last '/' */
	size_t folders, cap_folder;
	size_t hidden; /* names left out */
};

/* paths: [n], n >= 1. Errors: cannot be read, no file in it, a truncated or damaged tar or gzip, one name twice in a
 * tar. */
int archive_open(struct archive *a, char *const *paths, int n, struct err *err) VIC_CHECKED;
void archive_release(struct archive *a);
/* `n` bytes from `at` on. Safe from several threads. Errors: the entry is shorter; the system's: it cannot be opened or
 * read, is no longer there, or was written to since it was listed. */
int archive_read(const struct archive *a, const struct entry *e, uint64_t at, void *to, size_t n,
		 struct err *err) VIC_CHECKED;
/* The whole entry, unpacked when it is packed (unpack.h); *data is the caller's, a NUL after it. Errors: more than
 * `max` bytes. */
int archive_load(const struct archive *a, const struct entry *e, size_t max, unsigned char **data, size_t *len,
		 struct err *err) VIC_CHECKED;
/* Whether a file inside a folder or an archive is an archive by its name, which nobody looks into (but for a .tar in a
 * .tar). */
int archive_is_packed(const char *name);
/* The file `base` in the same folder as `beside` (an entry's name may hold '/'); NULL when there is none. */
const struct entry *archive_beside(const struct archive *a, const struct entry *beside, const char *base);
/* Fails with "PATH: WHAT is not in it" ("no IDX file of images"), and says what the first file is instead. Returns
 * -1. */
int archive_lacks(const struct archive *a, const char *what, struct err *err);
/* Bytes of a name before the ending that packing gives (.gz, .bz2, .xz, .zst); all where there is none. */
size_t archive_stem(const char *name);
/* The last component of a name. */
const char *archive_base(const struct entry *e);
/* Where the entry lies: "FOLDER/name", or of a tar or a single file its name in it. *path is owned by the caller. */
int archive_path(const struct archive *a, const struct entry *e, char **path, struct err *err) VIC_CHECKED;
/* "path: name" for messages; just the path where it is one file. */
void archive_describe(const struct archive *a, const struct entry *e, char *text, size_t size);

#endif
