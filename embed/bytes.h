/* bytes: the bytes of a file of word vectors, as windows of memory. A regular file is mapped and is one window; a
 * packed one (unpack.h, whatever its name) and stdin or a pipe pass through a buffer of fixed size, so
 * memory stays bounded. */
#ifndef VIC_EMBED_BYTES_H
#define VIC_EMBED_BYTES_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"
#include "pipeline/files/mapped.h"
#include <stddef.h>
#include <stdint.h>

/* A window that is not the last holds at least this many bytes. */
enum { BYTES_WINDOW = 8 << 20 };

struct bytes {
	const char *name; /* for messages; borrowed from the caller of bytes_open, or "stdin" */
	const char *at;	  /* the window: at[0..n); valid until the next bytes_skip */
	size_t n;
	int last;	/* nothing follows the window */
	uint64_t bytes; /* skipped so far, decompressed */
	/* private */
	struct mapped map;
	struct input in; /* what is not mapped, and the buffer that its windows lie in */
	char *buf;       /* [2 * BYTES_WINDOW] */
};

/* Opens `path` ("-": stdin) and fills the first window. Errors: cannot be read, is a folder, what is packed is bad.
 */
int bytes_open(struct bytes *s, const char *path, struct err *err) VIC_CHECKED;
/* Drops the window's first `used` bytes (<= n) and reads on. Errors: read, packed data that is damaged, cut short or
 * followed by something else. */
int bytes_skip(struct bytes *s, size_t used, struct err *err) VIC_CHECKED;
/* 0 when what was read from a mapped file is still there; ask before the words found in it are given out. */
int bytes_unchanged(const struct bytes *s, struct err *err) VIC_CHECKED;
/* Safe on a zeroed struct and twice. */
void bytes_release(struct bytes *s);

#endif
