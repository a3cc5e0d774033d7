/* unpack: compressed bytes as they were before: gzip, bzip2, xz, Zstandard, and the one file of a zip archive. The
 * first bytes tell which, never a name. Several members one after the other are one file. Everything that is read
 * through struct input (io.h) is unpacked by it, so only archives need to call it. */
#ifndef VIC_UNPACK_H
#define VIC_UNPACK_H

#include "pipeline/base/err.h"
#include <stddef.h>

/* Where packed bytes come from. fill: sets p and n to the next ones; n == 0 only at the end. */
struct supply {
	int (*fill)(struct supply *s, struct err *err);
	void *arg;
	const unsigned char *p;
	size_t n;
};

struct unpack;

enum { UNPACK_HEAD = 512 }; /* bytes of a beginning that are looked at */

/* The kind of what begins with these bytes ("gzip", "zip" ...), or NULL. n < UNPACK_HEAD only at the end. A zip of
 * arrays (.npy), of a pickle or of an Office document is none: who reads those reads it. `more` (may be NULL): 1 when
 * further bytes could make it one. */
const char *unpack_kind(const unsigned char *head, size_t n, int *more);
/* 1 when these bytes begin a zip that is an Office document, by the name of its first file. */
int unpack_of_office(const unsigned char *head, size_t n);
/* kind: of unpack_kind. The supply must stay, and may have bytes already. `name` is borrowed, and stands in front of
 * what is said of the data, or is NULL. Errors: a kind that the build does without, no memory. */
int unpack_open(struct unpack **u, const char *kind, struct supply *from, const char *name,
		struct err *err) VIC_CHECKED;
/* Up to n bytes; *got < n only at the end, where all checksums were right. Errors: the supply's; data that is damaged,
 * cut short or followed by something else; a zip of several files. */
int unpack_read(struct unpack *u, void *to, size_t n, size_t *got, struct err *err) VIC_CHECKED;
void unpack_close(struct unpack *u); /* NULL is fine */

/* Packed bytes that lie in memory. *out is the caller's (free()), with a NUL after it that *out_len does not count.
 * Errors: those of unpack_read; more than `max` bytes; not packed. */
int unpack_memory(const unsigned char *data, size_t len, size_t max, unsigned char **out, size_t *out_len,
		  struct err *err) VIC_CHECKED;
/* "liblzma 5.4.1, libzstd 1.5.4 ...": of those that the build has. */
const char *unpack_libraries(void);

#endif
