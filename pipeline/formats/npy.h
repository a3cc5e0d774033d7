/* npy: arrays in NumPy's file format, versions 1.0, 2.0 and 3.0 (numpy/lib/format.py: "\x93NUMPY", version, length of a
 * Python dictionary literal, the literal, raw values), read and written front to back, so that pipes will do.
 *
 * Read: C order; f2, f4, f8 and all whole numbers of 1 to 8 bytes, of either byte order. Refused with the remedy:
 * Fortran order, structured and object arrays, anything else. */
#ifndef VIC_NPY_H
#define VIC_NPY_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

enum { NPY_MAX_DIMS = 4, NPY_MAX_HEAD = 65536 };

struct npy_head {
	char type; /* 'f', 'i' or 'u' */
	int size;  /* bytes of a value: 1, 2, 4 or 8 */
	int swap;  /* big-endian */
	int dims;  /* 1..NPY_MAX_DIMS */
	uint64_t shape[NPY_MAX_DIMS];
};

/* Values in all; never overflows for a head that npy_parse accepted. */
uint64_t npy_values(const struct npy_head *h);
/* The dictionary literal, n bytes. Errors say what was expected; no file name. */
int npy_parse(const char *text, size_t n, struct npy_head *h, struct err *err) VIC_CHECKED;

struct npy_reader {
	struct input in;
	struct npy_head head;
	uint64_t left; /* values not yet read */
	unsigned char *raw;
	size_t cap;
};

/* Opens `path` ("-": stdin) and reads the head. */
int npy_open(struct npy_reader *r, const char *path, struct err *err) VIC_CHECKED;
void npy_release(struct npy_reader *r); /* a zeroed struct is fine */
/* The next n values, converted exactly (floats of any size to double). The array's type must be 'f'. Errors:
 * truncated. */
int npy_read_reals(struct npy_reader *r, double *to, size_t n, struct err *err) VIC_CHECKED;
/* The same for 'i' and 'u'; an unsigned value above INT64_MAX is an error. */
int npy_read_whole(struct npy_reader *r, int64_t *to, size_t n, struct err *err) VIC_CHECKED;
/* All values were read and no byte follows them; else an error. */
int npy_at_end(struct npy_reader *r, struct err *err) VIC_CHECKED;

/* Writes the head, version 1.0. `descr` as "<f4"; shape: [dims]. What follows is dims' product of raw values. */
int npy_write_head(struct output *out, const char *descr, const uint64_t *shape, int dims, struct err *err) VIC_CHECKED;

/* IEEE 754 half precision as double, exactly. */
double npy_half(uint16_t bits);

#endif
