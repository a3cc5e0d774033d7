/* safetensors: the file format of models (https://github.com/huggingface/safetensors, "Format"), read and written.
 *
 *   u64 little-endian n; n bytes of JSON; the tensors' bytes, end to end.
 *   JSON: { "__metadata__": {text: text}, "NAME": { "dtype": "F32", "shape": [..], "data_offsets": [from, to] }, .. }
 *
 * Offsets count from the end of the JSON. Bytes are row-major, little-endian. The reader is as strict as the format
 * asks: no key twice, no hole, no overlap, nothing after the last tensor, lengths that agree with dtype and shape,
 * bounded header. The writer puts wide elements before narrow ones and ends the header with spaces, so that every
 * tensor is aligned to its element and the first one to 64 bytes in the file.
 *
 * Files of this writer are sealed: the metadata holds "tensors crc32", a JSON object of each tensor's CRC-32 (zlib's, 8
 * hexadecimal digits), and "vicinal crc32", the seal (seal.h) of the 8 bytes of length and the header. A reader refuses
 * a sealed file of which any bit differs; one without either (other writers') is read as it is. Who changes such a file
 * on purpose leaves both out. */
#ifndef VIC_SAFETENSORS_H
#define VIC_SAFETENSORS_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ST_MAX_DIMS = 8,
	ST_MAX_HEADER = 16 << 20, /* bytes of JSON; the reference allows 100 MB, no model of ours needs 1 */
	ST_ALIGN = 64,
};

enum st_dtype {
	ST_BOOL,
	ST_U8,
	ST_I8,
	ST_U16,
	ST_I16,
	ST_F16,
	ST_BF16,
	ST_U32,
	ST_I32,
	ST_F32,
	ST_U64,
	ST_I64,
	ST_F64,
	ST_DTYPES
};

struct st_tensor {
	char *name; /* UTF-8; owned by the struct safetensors */
	enum st_dtype dtype;
	int ndim;		   /* 0: one element */
	size_t shape[ST_MAX_DIMS]; /* [ndim], outermost first; a 0 makes an empty tensor */
	size_t bytes;		   /* of data */
	uint32_t crc;		   /* after safetensors_open of a sealed file */
	const void *data; /* after safetensors_open: owned by the struct, aligned to ST_ALIGN, writable memory */
};

/* Zero-initialise to begin one for writing; safetensors_open fills one from a file. */
struct safetensors {
	struct st_tensor *tensor; /* [n], in the order added, or in the order of their bytes in the file */
	size_t n, cap;
	json_t *meta; /* object of texts, or NULL */
	char *name;   /* the file that was read, for messages; else NULL */
	void *bytes;  /* all tensors read, each at a multiple of ST_ALIGN */
	int sealed;   /* the file that was read has checksums, and they are right */
};

size_t st_dtype_size(enum st_dtype dtype);	/* bytes of one element */
const char *st_dtype_name(enum st_dtype dtype); /* "F32" */

/* Appends a tensor; the name is copied, `data` is borrowed until safetensors_write. Errors: the name is taken, empty or
 * "__metadata__"; ndim above ST_MAX_DIMS; a shape whose size overflows. */
int safetensors_add(struct safetensors *st, const char *name, enum st_dtype dtype, int ndim, const size_t *shape,
		    const void *data, struct err *err) VIC_CHECKED;
/* Sets one metadata text (copied); a key given again is replaced. Errors: not UTF-8. */
int safetensors_set(struct safetensors *st, const char *key, const char *value, struct err *err) VIC_CHECKED;
/* Writes the whole file in one go; the caller commits `out`. Same content, same bytes. Errors: as output_write; a
 * header over ST_MAX_HEADER. */
int safetensors_write(const struct safetensors *st, struct output *out, struct err *err) VIC_CHECKED;

/* Reads `path` ("-": stdin) whole into memory. On failure *st is released; the message names the file. A length that
 * lies costs no memory: a file's size is compared first, a pipe is read in steps. */
int safetensors_open(struct safetensors *st, const char *path, struct err *err) VIC_CHECKED;
/* what is left of `in`; borrowed */
int safetensors_read(struct safetensors *st, struct input *in, struct err *err) VIC_CHECKED;
/* 1 when the file begins as one of these: a length and "{". For telling formats apart. */
int safetensors_begins(const unsigned char *bytes, size_t n);
/* The metadata's "format" must be "FAMILY N" with N from 1 to `newest`; *version gets N. From 2 on the file must be
 * sealed. */
int safetensors_version(const struct safetensors *st, const char *family, int newest, int *version,
			struct err *err) VIC_CHECKED;
/* NULL when there is none. Linear: for a few hundred tensors. */
const struct st_tensor *safetensors_find(const struct safetensors *st, const char *name);
/* As safetensors_find, but a missing tensor, another dtype or another shape is an error that names the file and what
 * differs. */
int safetensors_need(const struct safetensors *st, const char *name, enum st_dtype dtype, int ndim, const size_t *shape,
		     const struct st_tensor **out, struct err *err) VIC_CHECKED;
/* NULL when there is no such key. Borrowed from *st. */
const char *safetensors_meta(const struct safetensors *st, const char *key);
void safetensors_release(struct safetensors *st);

#endif
