/* The convolution of interp.h: tensors are brought into one order, as doubles, and back. */
#include "interp.h"

#include <stdlib.h>
#include <string.h>

size_t interp_extent(const struct interp_tensor *t)
{
	int64_t last = 0;
	for (int i = 0; i < 4; i++)
		last += (t->dim[i] - 1) * t->stride[i];
	return (size_t)(last + 1) * (t->bf16 ? 2 : 4);
}

double interp_load(const struct interp_tensor *t, int64_t at)
{
	union {
		uint32_t bits;
		float f;
	} u;
	if (!t->bf16)
		return ((const float *)t->at)[at];
	u.bits = (uint32_t)((const uint16_t *)t->at)[at] << 16;
	return u.f;
}

/* bfloat16: to the nearest, ties to even. */
void interp_store(const struct interp_tensor *t, int64_t at, double v)
{
	union {
		float f;
		uint32_t bits;
	} u = { .f = (float)v };
	if (!t->bf16)
		((float *)t->at)[at] = u.f;
	else if (u.f != u.f)
		((uint16_t *)t->at)[at] = (uint16_t)(u.bits >> 16 | 0x40);
	else
		((uint16_t *)t->at)[at] = (uint16_t)((u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16);
}

/* Calls for each element with its place in memory and its number in the order n, h, w, c. */
#define EACH(t, at, i, statement)                                                                                      \
	do {                                                                                                           \
		size_t i = 0;                                                                                          \
		for (int64_t n_ = 0; n_ < (t)->dim[0]; n_++)                                                           \
			for (int64_t h_ = 0; h_ < (t)->dim[2]; h_++)                                                   \
				for (int64_t w_ = 0; w_ < (t)->dim[3]; w_++)                                           \
					for (int64_t c_ = 0; c_ < (t)->dim[1]; c_++, i++) {                            \
						int64_t at = n_ * (t)->stride[0] + c_ * (t)->stride[1] +               \
							     h_ * (t)->stride[2] + w_ * (t)->stride[3];                \
						statement;                                                             \
					}                                                                              \
	} while (0)

static double *dense(const struct interp_tensor *t, int zero)
{
	double *a = calloc((size_t)(t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3]) + 1, sizeof *a);
	if (!a)
		abort();
	if (!zero)
		EACH(t, at, i, a[i] = interp_load(t, at));
	return a;
}

static double dot(const double *a, const double *b, int64_t n)
{
	double sum[4] = { 0 };
	int64_t i = 0;
	for (; i + 4 <= n; i += 4)
		for (int k = 0; k < 4; k++)
			sum[k] += a[i + k] * b[i + k];
	for (; i < n; i++)
		sum[0] += a[i] * b[i];
	return sum[0] + sum[1] + (sum[2] + sum[3]);
}

static void add(double *restrict to, double factor, const double *restrict from, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		to[i] += factor * from[i];
}

/* One place of y, under one place of the filter: x is the place's channels, w the filter's. */
static void place(const struct interp_conv *c, double *x, double *w, double *y)
{
	int64_t each = c->w.dim[1], groups = c->x.dim[1] / each, filters = c->w.dim[0] / groups;
	int64_t next = c->w.dim[2] * c->w.dim[3] * each;
	for (int64_t k = 0; k < c->w.dim[0]; k++, w += next) {
		double *channels = x + k / filters * each;
		if (c->kind == INTERP_Y)
			y[k] += dot(channels, w, each);
		else if (c->kind == INTERP_X)
			add(channels, y[k], w, each);
		else
			add(w, y[k], channels, each);
	}
}

static void walk(const struct interp_conv *c, double *x, double *w, double *y)
{
	for (int64_t n = 0; n < c->y.dim[0]; n++)
		for (int64_t p = 0; p < c->y.dim[2]; p++)
			for (int64_t q = 0; q < c->y.dim[3]; q++, y += c->y.dim[1])
				for (int64_t r = 0; r < c->w.dim[2]; r++)
					for (int64_t s = 0; s < c->w.dim[3]; s++) {
						int64_t row = p * c->step[0] - c->pad[0] + r * c->dilation[0];
						int64_t col = q * c->step[1] - c->pad[1] + s * c->dilation[1];
						if (row < 0 || row >= c->x.dim[2] || col < 0 || col >= c->x.dim[3])
							continue;
						place(c,
						      x + ((n * c->x.dim[2] + row) * c->x.dim[3] + col) * c->x.dim[1],
						      w + (r * c->w.dim[3] + s) * c->w.dim[1], y);
					}
}

void interp_conv_run(const void *conv)
{
	const struct interp_conv *c = conv;
	const struct interp_tensor *result = c->kind == INTERP_Y ? &c->y : c->kind == INTERP_X ? &c->x : &c->w;
	double *x = dense(&c->x, result == &c->x), *w = dense(&c->w, result == &c->w),
	       *y = dense(&c->y, result == &c->y), *sum = result == &c->y ? y : result == &c->x ? x : w;
	walk(c, x, w, y);
	interp_ran(&c->workspace);
	/* with beta 0 the result is not read */
	size_t channels = (size_t)result->dim[1];
	EACH(result, at, i,
	     interp_store(result, at,
		   c->alpha * sum[i] + (c->beta != 0 ? c->beta * interp_load(result, at) : 0) +
			   (c->biased ? interp_load(&c->bias, (int64_t)(i % channels) * c->bias.stride[1]) : 0)));
	free(x);
	free(w);
	free(y);
}
