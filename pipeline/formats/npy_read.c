/* Values of NPY arrays. They come from a source front to back; where they are not wanted in that order, all are held
 * in memory and gathered axis by axis. A zeroed reader has descriptor 0, which is stdin: in.buf, not in.fd, tells
 * whether it has a file of its own. */
#include "npy.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int truncated(const struct npy_reader *r, struct err *err)
{
	return err_set(err, "%s: truncated: %" PRIu64 " of %" PRIu64 " values are missing", r->name, r->left,
		       npy_values(&r->head));
}

static int read_head(struct npy_reader *r, struct err *err)
{
	unsigned char start[12] = { 0 };
	size_t got, len;
	if (r->read(r->from, start, 8, &got, err))
		return -1;
	if (got < 8 || memcmp(start, "\x93NUMPY", 6))
		return r->in.buf ? sniff_refuse_input(&r->in, start, got, "an NPY array", err)
				 : sniff_refuse(r->name, start, got, "an NPY array", err);
	if (start[6] < 1 || start[6] > 3 || start[7])
		return err_set(err, "%s: NPY version %d.%d; 1.0, 2.0 and 3.0 are read", r->name, start[6], start[7]);
	size_t wide = start[6] == 1 ? 2 : 4;
	if (r->read(r->from, start + 8, wide, &got, err))
		return -1;
	len = (size_t)start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
	if (got < wide)
		return err_set(err, "%s: truncated inside its head", r->name);
	if (len > NPY_MAX_HEAD)
		return err_set(err, "%s: a head of %zu bytes is longer than %d", r->name, len, NPY_MAX_HEAD);
	char *text;
	if (mem_alloc(&text, len, 1, err))
		return -1;
	int rc = r->read(r->from, text, len, &got, err);
	if (!rc && got < len)
		rc = err_set(err, "%s: truncated inside its head", r->name);
	else if (!rc && npy_parse(text, len, &r->head, err))
		rc = err_context(err, "%s", r->name);
	free(text);
	return rc;
}

/* Where each axis steps in the file. */
static void find_strides(struct npy_reader *r)
{
	size_t step = 1;
	for (int i = 0; i < r->head.dims; i++) {
		int axis = r->head.fortran ? i : r->head.dims - 1 - i;
		r->stride[axis] = step;
		step *= r->head.shape[axis];
	}
	r->scattered = r->head.fortran && r->head.dims > 1;
	r->left = npy_values(&r->head);
}

static int read_input(void *from, void *to, size_t n, size_t *got, struct err *err)
{
	return input_read(from, to, n, got, err);
}

int npy_open(struct npy_reader *r, const char *path, struct err *err)
{
	*r = (struct npy_reader){ 0 };
	if (input_open(&r->in, path, err)) {
		*r = (struct npy_reader){ 0 };
		return -1;
	}
	r->read = read_input;
	r->from = &r->in;
	r->name = r->in.name;
	if (read_head(r, err)) {
		npy_release(r);
		return -1;
	}
	find_strides(r);
	return 0;
}

int npy_over(struct npy_reader *r, npy_source *read, void *from, const char *name, struct err *err)
{
	*r = (struct npy_reader){ .read = read, .from = from, .name = name };
	if (read_head(r, err)) {
		npy_release(r);
		return -1;
	}
	find_strides(r);
	return 0;
}

void npy_bare(struct npy_reader *r, npy_source *read, void *from, const char *name, const struct npy_head *head)
{
	*r = (struct npy_reader){ .read = read, .from = from, .name = name, .head = *head };
	find_strides(r);
}

void npy_release(struct npy_reader *r)
{
	if (r->in.buf)
		input_release(&r->in);
	free(r->raw);
	free(r->all);
	*r = (struct npy_reader){ 0 };
}

void npy_move_last(struct npy_reader *r, int axis)
{
	int last = r->head.dims - 1;
	uint64_t n = r->head.shape[axis];
	size_t stride = r->stride[axis];
	for (int i = axis; i < last; i++) {
		r->head.shape[i] = r->head.shape[i + 1];
		r->stride[i] = r->stride[i + 1];
	}
	r->head.shape[last] = n;
	r->stride[last] = stride;
	r->scattered |= axis != last;
}

/* All values into memory, which grows as they come: a head may lie. */
static int hold_all(struct npy_reader *r, struct err *err)
{
	enum { STEP = 8 << 20 };
	size_t all = (size_t)r->left * r->head.size, done = 0, got;
	while (done < all) {
		size_t step = all - done < STEP ? all - done : STEP;
		if (mem_grow(&r->all, &r->cap_all, done + step, 1, err) ||
		    r->read(r->from, r->all + done, step, &got, err))
			return -1;
		done += got;
		if (got < step) {
			r->left -= done / r->head.size;
			return truncated(r, err);
		}
	}
	return 0;
}

/* The next n values of an array whose values do not come as they lie, to r->raw. */
static void gather(struct npy_reader *r, size_t n)
{
	size_t size = r->head.size;
	for (size_t i = 0; i < n; i++) {
		memcpy(r->raw + i * size, r->all + r->offset * size, size);
		for (int axis = r->head.dims - 1; axis >= 0; axis--) {
			r->offset += r->stride[axis];
			if (++r->at[axis] < r->head.shape[axis])
				break;
			r->offset -= r->stride[axis] * r->head.shape[axis];
			r->at[axis] = 0;
		}
	}
}

static void swap_bytes(unsigned char *value, size_t n)
{
	for (size_t a = 0, b = n - 1; a < b; a++, b--) {
		unsigned char t = value[a];
		value[a] = value[b];
		value[b] = t;
	}
}

/* n values to r->raw, little-endian. */
static int read_raw(struct npy_reader *r, size_t n, struct err *err)
{
	size_t size = r->head.size, unit = r->head.type == 'U' ? 4 : size, got;
	if (n > r->left)
		return err_set(err, "%s: has no more values", r->name);
	if (mem_grow(&r->raw, &r->cap, n * size + 1, 1, err))
		return -1;
	if (r->scattered) {
		if (!r->all && hold_all(r, err))
			return -1;
		gather(r, n);
	} else {
		if (r->read(r->from, r->raw, n * size, &got, err))
			return -1;
		if (got < n * size)
			return truncated(r, err);
	}
	for (size_t i = 0; r->head.swap && unit > 1 && i < n * size; i += unit)
		swap_bytes(r->raw + i, unit);
	r->left -= n;
	return 0;
}

/* Value i of r->raw, a float. */
static double real_of(const struct npy_reader *r, size_t i)
{
	const unsigned char *v = r->raw + i * r->head.size;
	double d;
	float f;
	if (r->head.size == 8) {
		memcpy(&d, v, 8);
		return d;
	}
	if (r->head.size == 4) {
		memcpy(&f, v, 4);
		return (double)f;
	}
	uint16_t half = (uint16_t)(v[0] | v[1] << 8);
	if (!r->head.brain)
		return npy_half(half);
	uint32_t wide = (uint32_t)half << 16;
	memcpy(&f, &wide, 4);
	return (double)f;
}

int npy_read_reals(struct npy_reader *r, double *to, size_t n, struct err *err)
{
	if (r->head.type != 'f')
		return err_set(err, "%s: holds %s where float16, float32 or float64 are needed", r->name,
			       strchr("US", r->head.type) ? "text" : "whole numbers");
	if (read_raw(r, n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		to[i] = real_of(r, i);
	return 0;
}

int npy_read_whole(struct npy_reader *r, int64_t *to, size_t n, struct err *err)
{
	if (!strchr("iub", r->head.type))
		return err_set(err, "%s: holds %s where whole numbers are needed", r->name,
			       r->head.type == 'f' ? "floats" : "text");
	if (read_raw(r, n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int bits = 8 * (int)r->head.size;
		uint64_t u = 0;
		memcpy(&u, r->raw + i * r->head.size, r->head.size);
		if (r->head.type == 'b' && u > 1)
			return err_set(err, "%s: %" PRIu64 " is neither true nor false", r->name, u);
		if (r->head.type == 'u' && u > INT64_MAX)
			return err_set(err, "%s: value %" PRIu64 " is too large", r->name, u);
		if (r->head.type == 'i' && bits < 64 && u >> (bits - 1))
			u |= ~(uint64_t)0 << bits; /* sign */
		to[i] = (int64_t)u;
	}
	return 0;
}

int npy_read_number(struct npy_reader *r, double *to, struct err *err)
{
	int64_t whole;
	if (r->head.type == 'f')
		return npy_read_reals(r, to, 1, err);
	if (npy_read_whole(r, &whole, 1, err))
		return -1;
	*to = (double)whole;
	/* Beyond 2^53 some are none of doubles; the least of 64 bits, which NaN becomes as a whole number, is one. */
	if (*to >= 0x1p63 || (int64_t)*to != whole)
		return err_set(err, "%s: value %" PRId64 " is too large", r->name, whole);
	return 0;
}

/* Writes a code point as UTF-8; the bytes it took, 0 for what is none. */
static size_t put_point(char *to, uint32_t c)
{
	static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3F));
	to[0] = (char)(lead[n] | c);
	return n;
}

/* UTF-32 in place: a letter of UTF-8 is never longer. */
static int narrow_text(const struct npy_reader *r, char *text, size_t n, size_t *len, struct err *err)
{
	int ended = 0;
	*len = 0;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t c;
		memcpy(&c, text + i, 4);
		size_t took = c ? put_point(text + *len, c) : 0;
		if (c && ended)
			return err_set(err, "%s: a text holds a NUL byte", r->name);
		if (c && !took)
			return err_set(err, "%s: a text holds %" PRIu32 ", which is no letter of Unicode", r->name, c);
		ended = !c;
		*len += took;
	}
	return 0;
}

int npy_read_text(struct npy_reader *r, char **text, struct err *err)
{
	size_t n = r->head.size;
	if (!strchr("US", r->head.type))
		return err_set(err, "%s: holds numbers where text is needed", r->name);
	if (read_raw(r, 1, err))
		return -1;
	*text = (char *)r->raw;
	if (r->head.type == 'U' && narrow_text(r, *text, n, &n, err))
		return -1;
	while (n && !(*text)[n - 1])
		n--;
	(*text)[n] = 0;
	return strlen(*text) == n ? 0 : err_set(err, "%s: a text holds a NUL byte", r->name);
}

int npy_at_end(struct npy_reader *r, struct err *err)
{
	unsigned char more;
	size_t got;
	if (r->left)
		return err_set(err, "%s: %" PRIu64 " values were not used", r->name, r->left);
	if (r->read(r->from, &more, 1, &got, err))
		return -1;
	return got ? err_set(err, "%s: bytes follow the last value", r->name) : 0;
}

