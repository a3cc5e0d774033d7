/* Heads of NPY arrays: a Python literal. The parser takes what numpy writes (one dictionary of three keys in any order,
 * texts without escapes, the long numbers 3L of Python 2) and refuses everything else. shape_literal bounds the product
 * of the dimensions, and npy_parse that with the size of a value, by INT64_MAX / 8, counting zeros as ones, so that no
 * later product of counts and sizes overflows. The values are read in npy_read.c. */
#include "npy.h"

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

void npy_shape_text(const struct npy_head *h, char *text, size_t size)
{
	size_t at = 0;
	*text = 0;
	for (int i = 0; i < h->dims && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "[%" PRIu64 "]", h->shape[i]);
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
		c->p += c->p < c->end && *c->p == 'L';
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

/* Whether values of `type` and `size` bytes are read. */
static int is_read(char type, uint64_t size)
{
	int whole = size == 1 || size == 2 || size == 4 || size == 8;
	return type == 'f' ? whole && size != 1 : type == 'b' ? size == 1 : (type == 'i' || type == 'u') && whole;
}

/* What a type is called by those who save it. */
static const char *type_name(char type, uint64_t size)
{
	static const char *const name[][2] = {
		{ "f", "long double" },	  { "c", "complex numbers" }, { "O", "Python objects" },
		{ "M", "dates" },	  { "m", "times" },	      { "V", "raw bytes, as which bfloat16 is saved" },
		{ "U", "text too long" }, { "S", "text too long" },
	};
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (*name[i][0] == type && (type != 'f' || size > 8))
			return name[i][1];
	return "unknown";
}

static int descr_literal(struct cursor *c, struct npy_head *h, struct err *err)
{
	char d[32], *end = d;
	if (text_literal(c, d, sizeof d))
		return err_set(err, "is a structured array; save the plain array of one field");
	char order = d[0], type = order ? d[1] : 0;
	uint64_t size = type && d[2] >= '0' && d[2] <= '9' ? strtoull(d + 2, &end, 10) : 0;
	int text = type && (type == 'U' || type == 'S' || type == 'a') && d[2] && !*end;
	if (text && size <= NPY_MAX_TEXT / 4) {
		type = type == 'a' ? 'S' : type; /* Python 2's */
		size *= type == 'U' ? 4 : 1;
	} else if (!strchr("<>|=", order) || !size || *end || !is_read(type, size)) {
		return err_set(err, "values of type '%s' (%s) are not read; save float16, float32, float64, whole "
				    "numbers, bool or text (str)", d, type_name(type, size));
	}
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
			h->fortran = eat(&c, "True");
			if (!h->fortran && !eat(&c, "False"))
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
	uint64_t all = h->size ? h->size : 1;
	for (int i = 0; i < h->dims; i++)
		if (__builtin_mul_overflow(all, h->shape[i] ? h->shape[i] : 1, &all) || all > INT64_MAX / 8)
			return err_set(err, "the shape is too large");
	return 0;
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
