/* io: byte input and output that cannot fail quietly. "-" is stdin or stdout. */
#ifndef VIC_IO_H
#define VIC_IO_H

#include "pipeline/base/err.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* What a file was, to tell whether it has changed: length and time of the last write. */
struct io_mark {
	int64_t size, s, ns;
};

/* Where bytes come from. Read large blocks straight into the caller's memory; small reads go through a 256 KiB
 * buffer. */
enum { INPUT_BUFFER = 256 * 1024 };
struct input {
	int fd;
	int standard;     /* stdin: not ours to close */
	const char *name; /* "stdin" or the path; borrowed from the caller of input_open */
	uint64_t at;      /* bytes handed out so far */
	unsigned char *buf;
	size_t have, used;
	int eof;
	int as_is;	/* what is packed stays so */
	int begun;	/* something was read, so that `packed` is known */
	struct packed_input *packed; /* NULL: the bytes need no unpacking */
	int regular;         /* a file, which may have changed by the time of its end: an error there */
	struct io_mark mark; /* what it was when it was opened */
};

/* What is packed (unpack.h: gzip, bzip2, xz, Zstandard, a zip of one file) is unpacked while it is read. */
int input_open(struct input *in, const char *path, struct err *err) VIC_CHECKED;
/* The bytes as they lie in the file. */
int input_open_as_is(struct input *in, const char *path, struct err *err) VIC_CHECKED;
/* From where `fd` stands, which stays the caller's; `name` is borrowed, for messages. Unpacks. */
int input_over(struct input *in, int fd, const char *name, struct err *err) VIC_CHECKED;
/* The kind ("gzip") when the bytes are unpacked, so that places in the file are not places in them; else NULL. After
 * the first read. */
const char *input_packed(const struct input *in);
void input_release(struct input *in); /* one that is zeroed, or released, is fine */
/* Up to n bytes; *got < n only at the end of input. */
int input_read(struct input *in, void *to, size_t n, size_t *got, struct err *err) VIC_CHECKED;
/* The same to *buf + at, for a length that may lie: *buf (*cap bytes, from mem_alloc, or NULL) grows by copying, at
 * most doubling, and only as bytes arrive. limit: all that it will ever have to hold, or SIZE_MAX. */
int input_read_grown(struct input *in, unsigned char **buf, size_t *cap, size_t at, size_t n, size_t limit, size_t *got,
		     struct err *err) VIC_CHECKED;
/* The next bytes without taking them: *p points into the input's buffer, valid until the next call; *got < n (at most
 * 16 KiB) only at the end of input. */
int input_peek(struct input *in, size_t n, const unsigned char **p, size_t *got, struct err *err) VIC_CHECKED;
/* One line without its LF (CR stays), as bytes: may hold NUL. *line points into the input's buffer, valid until the
 * next call. Returns 1 with a line, 0 at the end, -1 on failure; a last line without LF is a line. A line longer than
 * `max` bytes is an error. `*lf` (may be NULL) is 1 when the line ended in LF. */
int input_line(struct input *in, size_t max, const char **line, size_t *len, int *lf, struct err *err) VIC_CHECKED;

/* n bytes from `at` on of a file, whatever its offset; safe from several threads. -1: errno says why, 0 that fewer are
 * there. */
int io_read_at(int fd, uint64_t at, void *to, size_t n) VIC_CHECKED;
/* What open() for reading failed with (errno), as an error; of a socket, which is "no such device", what it is. -1. */
int io_cannot_open(const char *path, struct err *err);
/* Opens a file that was found in a folder: a regular one, or a link to one. A FIFO there would be waited for, a device
 * never ends; the error says which. Returns the descriptor, or -1. */
int io_open_regular(const char *path, struct err *err) VIC_CHECKED;
/* 0 when the path leads to a regular file, for what opens it itself; else io_open_regular's errors. */
int io_regular(const char *path, struct err *err) VIC_CHECKED;
/* "a FIFO", "a socket" ... for a message. */
const char *io_kind(mode_t mode);

struct io_mark io_mark_of(const struct stat *st);
/* 0 when the file behind fd is as marked; else -1, and an error (the system's) that names it `name`. */
int io_unchanged(int fd, const struct io_mark *was, const char *name, struct err *err) VIC_CHECKED;

/* Where bytes go.
 *
 * A regular file is written without a name, in the folder where it will lie, and gets its name by output_commit: a
 * reader sees the old file or the new one, whole, and a program that is killed leaves nothing behind. Links are
 * followed: what a link leads to is replaced, not the link. The permissions of a file that is replaced, and where
 * allowed its owner, are the new one's; its other names (hard links) keep the old bytes. Where a file of the name is
 * there, the new one must be given another name for the time of two system calls; where the file system knows no files
 * without a name (O_TMPFILE), it bears one like ".vic-01234567" all along. Every signal but SIGKILL removes such a name
 * first; what SIGKILL leaves in the former case is whole.
 *
 * Written in place, because there is nothing to rename: stdout, a descriptor of this process (/dev/stdout, /dev/fd/3,
 * links to them), FIFOs, devices, what lies in /proc, and a file that is a mount point. */
struct output {
	int fd;
	int standard;      /* stdout: not ours to close */
	int hasty;         /* set by who opened it: no fsync, since a syncfs of all follows */
	char *name;        /* owned: "stdout" or the path, for messages */
	int folder;        /* of a file that is to get its name: a descriptor of its folder, else -1 */
	char *base;        /* and the name; owned, NULL for what is written in place */
	int leftover;      /* number of the name it bears meanwhile, or -1 */
	uint64_t at;       /* bytes accepted so far */
	unsigned char *buf;
	size_t used;
};

int output_open(struct output *out, const char *path, struct err *err) VIC_CHECKED;
/* Whether output_open of this path would succeed now, without opening what cannot be opened for nothing (a FIFO's
 * reader would see its end) and without leaving anything. Errors: as output_open's. */
int output_prove(const char *path, struct err *err) VIC_CHECKED;
/* A file that never gets a name, to be read again through out->fd; it goes with its last descriptor. Not to be
 * committed. */
int output_unnamed(struct output *out, const char *folder, struct err *err) VIC_CHECKED;
/* 1 when bytes are where they go as soon as they are flushed, so that they cannot be written anew. */
int output_in_place(const struct output *out);
int output_write(struct output *out, const void *from, size_t n, struct err *err) VIC_CHECKED;
int output_printf(struct output *out, struct err *err, const char *fmt, ...) VIC_CHECKED
	__attribute__((format(printf, 3, 4)));
int output_flush(struct output *out, struct err *err) VIC_CHECKED;
/* Flushes, closes and gives the file its name, with fsync of the file and of its folder. Errors: full device, closed
 * pipe, rename; the old file is there then, but where the message says that the new one is whole. */
int output_commit(struct output *out, struct err *err) VIC_CHECKED;
/* Frees; a file that was not committed is removed. Safe after commit and on a zeroed struct. */
void output_release(struct output *out);

/* What is left of the input, or the whole file, as one block of memory (owned by the caller, freed with free()), with a
 * NUL after it that *len does not count. Refuses more than `max` bytes. */
int input_slurp(struct input *in, size_t max, char **data, size_t *len, struct err *err) VIC_CHECKED;
int io_slurp(const char *path, size_t max, char **data, size_t *len, struct err *err) VIC_CHECKED;

#endif
