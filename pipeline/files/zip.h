/* zip: the files of a zip archive from front to back, as they lie in it, so that a pipe serves. Stored and deflated
 * ones (PKWARE's APPNOTE 6.3: methods 0 and 8), with zip64 sizes. Each one's checksum and length are checked, and at
 * the end that the archive's own list is whole and names as many. */
#ifndef VIC_ZIP_H
#define VIC_ZIP_H

#include "unpack.h"

#include <stdint.h>

struct zip;

/* Errors: no memory. `name` as in unpack_open. */
int zip_open(struct zip **z, struct supply *from, const char *name, struct err *err) VIC_CHECKED;
/* 1 and the next one's name, valid until the next call (a folder's ends in '/'; folders
 * that Windows parted by backslashes are parted by '/'); 0 at the archive's end. What was not
 * read is passed over. Errors: the supply's; truncated, damaged, encrypted, packed by another method, split. */
int zip_next(struct zip *z, const char **name, struct err *err) VIC_CHECKED;
/* Up to n bytes of it; *got < n only at its end. */
int zip_read(struct zip *z, void *to, size_t n, size_t *got, struct err *err) VIC_CHECKED;
void zip_close(struct zip *z); /* NULL is fine */

#endif
