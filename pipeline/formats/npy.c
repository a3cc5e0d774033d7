/* NPY arrays. The head is a Python literal; the parser takes what numpy writes (one dictionary of three keys in any
 * order, texts without escapes) and refuses everything else. shape_literal bounds the product of the dimensions by
 * INT64_MAX / 8, counting zeros as ones, so that no later product of counts and sizes overflows. Swapped to
 * little-endian where need be, values are then taken as they lie.
 * A zeroed reader has descriptor 0, which is stdin: in.buf, not in.fd, tells whether it is open. */
#include "npy.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t npy_values(const struct npy_head *h)
{
	uint64_t n = 1;
	for (int i = 0; i < h->dims; i++)
		n *= h->shape[i];
	return n;
}

double npy_half(uint16_t bits)
{
	int e = bits >> 10 & 31, m = bits & 1023;
	double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
	return bits & 0x8000 ? -v : v;
}

/* The literal, read from left to right. */
struct cursor {
	const char *p, *end;
};

static void blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t'))
		c->p++;
}

/* 1 and past it when the next thing is `what`. */
static int eat(struct cursor *c, const char *what)
{
	size_t n = strlen(what);
	blanks(c);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, what, n))
		return 0;
	c->p += n;
	return 1;
}

static int text_literal(struct cursor *c, char *to, size_t size)
{
	blanks(c);
	if (c->p >= c->end || (*c->p != '\'' && *c->p != '"'))
		return -1;
	char quote = *c->p++;
	size_t n = 0;
	for (; c->p < c->end && *c->p != quote; c->p++) {
		if (*c->p == '\\' || n + 1 >= size)
			return -1;
		to[n++] = *c->p;
	}
	if (c->p >= c->end)
		return -1;
	c->p++;
	to[n] = 0;
	return 0;
}

static int shape_literal(struct cursor *c, struct npy_head *h, struct err *err)
{
	uint64_t all = 1;
	if (!eat(c, "("))
		return err_set(err, "the shape is not a tuple");
	while (!eat(c, ")")) {
		uint64_t v = 0;
		blanks(c);
		if (c->p >= c->end || *c->p < '0' || *c->p > '9')
			return err_set(err, "the shape is not a tuple of whole numbers");
		for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
			if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*c->p - '0'), &v))
				return err_set(err, "the shape is too large");
		if (h->dims == NPY_MAX_DIMS)
			return err_set(err, "has more than %d dimensions", NPY_MAX_DIMS);
		h->shape[h->dims++] = v;
		/* Zeros must not hide a product that would overflow. */
		if (__builtin_mul_overflow(all, v ? v : 1, &all) || all > INT64_MAX / 8)
			return err_set(err, "the shape is too large");
		if (!eat(c, ",")) {
			if (!eat(c, ")"))
				return err_set(err, "the shape is not a tuple of whole numbers");
			break;
		}
	}
	return h->dims ? 0 : err_set(err, "is a single value, not an array");
}

static int descr_literal(struct cursor *c, struct npy_head *h, struct err *err)
{
	char d[32];
	if (text_literal(c, d, sizeof d))
		return err_set(err, "is a structured array; save the plain array of one field");
	char order = d[0], type = order ? d[1] : 0;
	int size = type && d[2] >= '1' && d[2] <= '8' && !d[3] ? d[2] - '0' : 0;
	int size_right = size == 2 || size == 4 || size == 8 || (size == 1 && type != 'f');
	if (!strchr("<>|=", order) || !type || !strchr("fiu", type) || !size_right)
		return err_set(err, "values of type '%s' are not read; save float16, float32, float64 or whole numbers",
			       d);
	h->type = type;
	h->size = size;
	h->swap = order == '>';
	return 0;
}

int npy_parse(const char *text, size_t n, struct npy_head *h, struct err *err)
{
	struct cursor c = { text, text + n };
	int have_descr = 0, have_order = 0, have_shape = 0;
	*h = (struct npy_head){ 0 };
	if (!eat(&c, "{"))
		return err_set(err, "the head is not a dictionary");
	while (!eat(&c, "}")) {
		char key[32];
		if (text_literal(&c, key, sizeof key) || !eat(&c, ":"))
			return err_set(err, "the head is not a dictionary");
		if (!strcmp(key, "descr") && !have_descr++) {
			if (descr_literal(&c, h, err))
				return -1;
		} else if (!strcmp(key, "fortran_order") && !have_order++) {
			if (eat(&c, "True"))
				return err_set(err, "is in Fortran order; save numpy.ascontiguousarray(a)");
			if (!eat(&c, "False"))
				return err_set(err, "the head's fortran_order is neither True nor False");
		} else if (!strcmp(key, "shape") && !have_shape++) {
			if (shape_literal(&c, h, err))
				return -1;
		} else {
			return err_set(err, "the head has '%s' twice or where it does not belong", key);
		}
		if (!eat(&c, ",")) {
			if (!eat(&c, "}"))
				return err_set(err, "the head is not a dictionary");
			break;
		}
	}
	blanks(&c);
	if (c.p != c.end)
		return err_set(err, "bytes follow the head's dictionary");
	if (!have_descr || !have_order || !have_shape)
		return err_set(err, "the head lacks descr, fortran_order or shape");
	return 0;
}

static int truncated(struct npy_reader *r, struct err *err)
{
	return err_set(err, "%s: truncated: %" PRIu64 " of %" PRIu64 " values are missing", r->in.name, r->left,
		       npy_values(&r->head));
}

static int read_head(struct npy_reader *r, struct err *err)
{
	unsigned char start[12] = { 0 };
	size_t got, len;
	if (input_read(&r->in, start, 8, &got, err))
		return -1;
	if (got < 8 || memcmp(start, "\x93NUMPY", 6))
		return sniff_refuse_input(&r->in, start, got, "an NPY array", err);
	if (start[6] < 1 || start[6] > 3 || start[7])
		return err_set(err, "%s: NPY version %d.%d; 1.0, 2.0 and 3.0 are read", r->in.name, start[6], start[7]);
	size_t wide = start[6] == 1 ? 2 : 4;
	if (input_read(&r->in, start + 8, wide, &got, err))
		return -1;
	len = (size_t)start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
	if (got < wide)
		return err_set(err, "%s: truncated inside its head", r->in.name);
	if (len > NPY_MAX_HEAD)
		return err_set(err, "%s: a head of %zu bytes is longer than %d", r->in.name, len, NPY_MAX_HEAD);
	char *text;
	if (mem_alloc(&text, len, 1, err))
		return -1;
	int rc = input_read(&r->in, text, len, &got, err);
	if (!rc && got < len)
		rc = err_set(err, "%s: truncated inside its head", r->in.name);
	else if (!rc && npy_parse(text, len, &r->head, err))
		rc = err_context(err, "%s", r->in.name);
	free(text);
	return rc;
}

int npy_open(struct npy_reader *r, const char *path, struct err *err)
{
	*r = (struct npy_reader){ 0 };
	if (input_open(&r->in, path, err))
		return -1;
	if (read_head(r, err)) {
		npy_release(r);
		return -1;
	}
	r->left = npy_values(&r->head);
	return 0;
}

void npy_release(struct npy_reader *r)
{
	if (r->in.buf)
		input_release(&r->in);
	free(r->raw);
	*r = (struct npy_reader){ 0 };
}

/* n raw values of the file as little-endian u64, widened with zeros. */
static int read_raw(struct npy_reader *r, size_t n, struct err *err)
{
	size_t size = (size_t)r->head.size, got;
	if (n > r->left)
		return err_set(err, "%s: has no more values", r->in.name);
	if (mem_grow(&r->raw, &r->cap, n * size, 1, err) || input_read(&r->in, r->raw, n * size, &got, err))
		return -1;
	if (got < n * size)
		return truncated(r, err);
	if (r->head.swap) {
		for (size_t i = 0; i < n; i++) {
			unsigned char *v = r->raw + i * size;
			for (size_t a = 0, b = size - 1; a < b; a++, b--) {
				unsigned char t = v[a];
				v[a] = v[b];
				v[b] = t;
			}
		}
	}
	r->left -= n;
	return 0;
}

int npy_read_reals(struct npy_reader *r, double *to, size_t n, struct err *err)
{
	if (r->head.type != 'f')
		return err_set(err, "%s: holds whole numbers where float16, float32 or float64 are needed", r->in.name);
	if (read_raw(r, n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const unsigned char *v = r->raw + i * (size_t)r->head.size;
		float f;
		if (r->head.size == 8) {
			memcpy(&to[i], v, 8);
		} else if (r->head.size == 4) {
			memcpy(&f, v, 4);
			to[i] = (double)f;
		} else {
			to[i] = npy_half((uint16_t)(v[0] | v[1] << 8));
		}
	}
	return 0;
}

int npy_read_whole(struct npy_reader *r, int64_t *to, size_t n, struct err *err)
{
	if (r->head.type == 'f')
		return err_set(err, "%s: holds floats where whole numbers are needed", r->in.name);
	if (read_raw(r, n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int bits = 8 * r->head.size;
		uint64_t u = 0;
		memcpy(&u, r->raw + i * (size_t)r->head.size, (size_t)r->head.size);
		if (r->head.type == 'u' && u > INT64_MAX)
			return err_set(err, "%s: value %" PRIu64 " is too large", r->in.name, u);
		if (r->head.type == 'i' && bits < 64 && u >> (bits - 1))
			u |= ~(uint64_t)0 << bits; /* sign */
		to[i] = (int64_t)u;
	}
	return 0;
}

int npy_at_end(struct npy_reader *r, struct err *err)
{
	unsigned char more;
	size_t got;
	if (r->left)
		return err_set(err, "%s: %" PRIu64 " values were not used", r->in.name, r->left);
	if (input_read(&r->in, &more, 1, &got, err))
		return -1;
	return got ? err_set(err, "%s: bytes follow the last value", r->in.name) : 0;
}

int npy_write_head(struct output *out, const char *descr, const uint64_t *shape, int dims, struct err *err)
{
	char text[256];
	int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
	for (int i = 0; i < dims; i++) /* Python writes a tuple of one as (3,) */
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%" PRIu64 "%s", i ? ", " : "", shape[i],
			      dims == 1 ? "," : "");
	n += snprintf(text + n, sizeof text - (size_t)n, "), }");
	int len = (10 + n + 1 + 63) / 64 * 64 - 10; /* values begin at a multiple of 64 */
	unsigned char start[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(len & 255),
				    (unsigned char)(len >> 8) };
	if (output_write(out, start, sizeof start, err))
		return -1;
	return output_printf(out, err, "%-*s\n", len - 1, text);
}
