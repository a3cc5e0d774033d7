/* gzip: bytes that may be gzipped, unpacked while they are read; the first two bytes tell, not the name. Several
 * members one after the other are one file. What zlib's own gzFile lets pass is an error here: bytes after the last
 * member, and a last member that is cut. */
#ifndef VIC_GZIP_H
#define VIC_GZIP_H

#include "pipeline/base/err.h"
#include <stddef.h>

struct gzip;

/* "-" is stdin; `path` is borrowed, for messages. Errors: cannot be read, is a folder. */
int gzip_open(struct gzip **g, const char *path, struct err *err) VIC_CHECKED;
/* The same from where `fd` stands, which stays the caller's; `name` is borrowed, for messages. */
int gzip_over(struct gzip **g, int fd, const char *name, struct err *err) VIC_CHECKED;
/* Up to n bytes; *got < n only at the end, where all checksums were right. Small reads go through a buffer. Errors:
 * read; gzip data that is damaged, cut short or followed by something else. */
int gzip_read(struct gzip *g, void *to, size_t n, size_t *got, struct err *err) VIC_CHECKED;
/* 1 when the bytes were gzipped. */
int gzip_packed(const struct gzip *g);
void gzip_close(struct gzip *g); /* NULL is fine */

/* Unpacks gzip data that lies in memory. *out is the caller's (free()), with a NUL after it that *out_len does not
 * count. Errors: those of gzip_read; more than `max` bytes. */
int gunzip(const unsigned char *data, size_t len, size_t max, unsigned char **out, size_t *out_len,
	   struct err *err) VIC_CHECKED;

#endif
