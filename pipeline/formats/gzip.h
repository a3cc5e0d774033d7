/* gzip: an input behind a pointer, read by blocks: bytes that may be packed, unpacked while they are read. All of it is
 * struct input's (io.h), with its errors; what is known as packed is in unpack.h. */
#ifndef VIC_GZIP_H
#define VIC_GZIP_H

#include "pipeline/base/err.h"
#include <stddef.h>

struct gzip;

/* "-" is stdin; `path` is borrowed, for messages. Errors: cannot be read, is a folder. */
int gzip_open(struct gzip **g, const char *path, struct err *err) VIC_CHECKED;
/* The same from where `fd` stands, which stays the caller's; `name` is borrowed, for messages. */
int gzip_over(struct gzip **g, int fd, const char *name, struct err *err) VIC_CHECKED;
/* Up to n bytes; *got < n only at the end, where all checksums were right. */
int gzip_read(struct gzip *g, void *to, size_t n, size_t *got, struct err *err) VIC_CHECKED;
/* 1 when the bytes were packed. After the first read. */
int gzip_packed(const struct gzip *g);
void gzip_close(struct gzip *g); /* NULL is fine */

#endif
