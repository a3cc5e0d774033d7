/* npy: arrays in NumPy's file format, versions 1.0, 2.0 and 3.0 (numpy/lib/format.py: "\x93NUMPY", version, length of a
 * Python dictionary literal, the literal, raw values), of a file, of a member of an NPZ archive (npz.h) or of memory.
 *
 * Read: f2, f4, f8, bool, text (U, S) and all whole numbers of 1 to 8 bytes, of either byte order, in C or Fortran
 * order; values come in C order whatever the file's. An array in C order is read front to back, so that pipes will do;
 * one in Fortran order is held in memory, and so is one whose axes are moved. Refused by name, with the remedy: long
 * double, complex, dates, Python objects, structured arrays. */
#ifndef VIC_NPY_H
#define VIC_NPY_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

enum { NPY_MAX_DIMS = 8, NPY_MAX_HEAD = 65536, NPY_MAX_TEXT = 65536 };

struct npy_head {
	char type;   /* 'f', 'i', 'u', 'b' (bool), 'U' (UTF-32) or 'S' (bytes) */
	size_t size; /* bytes of a value: 1, 2, 4 or 8; of text up to NPY_MAX_TEXT, may be 0 */
	int swap;    /* big-endian */
	int brain;   /* 'f' of 2 bytes: bfloat16 (safetensors alone) */
	int fortran; /* the file's order; of one dimension it means nothing */
	int dims;    /* 1..NPY_MAX_DIMS */
	uint64_t shape[NPY_MAX_DIMS];
};

/* Values in all; never overflows for a head that npy_parse accepted, nor does their size in bytes. */
uint64_t npy_values(const struct npy_head *h);
/* "[4][3]", cut where it does not fit. */
void npy_shape_text(const struct npy_head *h, char *text, size_t size);
/* The dictionary literal, n bytes. Errors say what was expected; no file name. */
int npy_parse(const char *text, size_t n, struct npy_head *h, struct err *err) VIC_CHECKED;

/* Where an array's bytes come from: up to n bytes to `to`; *got < n only at the end. Errors name the source. */
typedef int npy_source(void *from, void *to, size_t n, size_t *got, struct err *err);

struct npy_reader {
	struct input in;   /* of npy_open; in.buf NULL: none */
	npy_source *read;  /* NULL: not open */
	void *from;
	const char *name;  /* borrowed, for messages */
	struct npy_head head; /* shape as the values come */
	uint64_t left;     /* values not yet read */
	unsigned char *raw; /* values as they come */
	size_t cap;
	/* where they do not come as they lie: all of them, and the way through */
	int scattered;
	unsigned char *all;
	size_t cap_all, offset;
	size_t stride[NPY_MAX_DIMS], at[NPY_MAX_DIMS]; /* in values */
};

/* Opens `path` ("-": stdin) and reads the head. */
int npy_open(struct npy_reader *r, const char *path, struct err *err) VIC_CHECKED;
/* The same of any source; `from` and `name` are borrowed. */
int npy_over(struct npy_reader *r, npy_source *read, void *from, const char *name, struct err *err) VIC_CHECKED;
/* Values without a head, which the caller knows. */
void npy_bare(struct npy_reader *r, npy_source *read, void *from, const char *name, const struct npy_head *head);
void npy_release(struct npy_reader *r); /* a zeroed struct is fine */
/* Has the values come with this axis (from 0) moved to the end; before any is read. */
void npy_move_last(struct npy_reader *r, int axis);
/* The next n values, converted exactly (floats of any size to double). The array's type must be 'f'. Errors:
 * truncated. */
int npy_read_reals(struct npy_reader *r, double *to, size_t n, struct err *err) VIC_CHECKED;
/* The same for 'i', 'u' and 'b'; an unsigned value above INT64_MAX is an error. */
int npy_read_whole(struct npy_reader *r, int64_t *to, size_t n, struct err *err) VIC_CHECKED;
/* The next value of any type but text as double; whole numbers must be exact: beyond 2^53 they are an error. */
int npy_read_number(struct npy_reader *r, double *to, struct err *err) VIC_CHECKED;
/* The next value of type 'U' or 'S' as UTF-8, which is the reader's until the next call. Errors: no such text. */
int npy_read_text(struct npy_reader *r, char **text, struct err *err) VIC_CHECKED;
/* All values were read and no byte follows them; else an error. */
int npy_at_end(struct npy_reader *r, struct err *err) VIC_CHECKED;

/* Writes the head, version 1.0. `descr` as "<f4"; shape: [dims]. What follows is dims' product of raw values. */
int npy_write_head(struct output *out, const char *descr, const uint64_t *shape, int dims, struct err *err) VIC_CHECKED;

/* IEEE 754 half precision as double, exactly. */
double npy_half(uint16_t bits);

#endif
