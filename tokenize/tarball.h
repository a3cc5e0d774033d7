/* tarball: reads a tar of POSIX's ustar form, gzipped or not, once from front to back. Refuses what it does not
 * understand (GNU long names, sizes beyond octal, a pax header that renames) instead of passing over it. Private to
 * tokenize/. */
#ifndef VIC_TARBALL_H
#define VIC_TARBALL_H

#include "pipeline/err.h"
#include <stddef.h>
#include <stdint.h>

enum { TARBALL_NAME = 257 };

struct tarball;

int tarball_open(struct tarball **a, const char *path, struct err *err) VIC_CHECKED;
/* The next regular file: 1 with its name (NUL-terminated) and size; 0 when the archive is whole and at its end (gzip's
 * checksum was right); -1 when it is damaged or cut. A file that was not read is passed over. */
int tarball_next(struct tarball *a, char name[TARBALL_NAME], uint64_t *size, struct err *err) VIC_CHECKED;
/* The bytes of the present file, all of them: `to` has room for its size. */
int tarball_read(struct tarball *a, void *to, struct err *err) VIC_CHECKED;
void tarball_close(struct tarball *a); /* NULL is fine */

#endif
