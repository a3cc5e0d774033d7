/* Convolutions where oneDNN is missing: the windows of an image as rows of a matrix, then a product. Weights lie as
 * [group][o][kernel][kernel][i], so that a window's row is copied in runs of i. */
#include "conv_kernel.h"

#ifndef VIC_ONEDNN
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct conv_engine {
	int workers;
};

int conv_engine_open(struct conv_engine **out, int workers, struct err *err)
{
	if (mem_alloc(out, 1, sizeof **out, err))
		return -1;
	(*out)->workers = workers;
	return 0;
}

void conv_engine_close(struct conv_engine *e)
{
	free(e);
}

static size_t windows(const struct conv_shape *s)
{
	return (size_t)s->out.h * (size_t)s->out.w;
}

/* Floats of a window in one group. */
static int row_of(const struct conv_shape *s)
{
	return s->kernel * s->kernel * (s->in.c / s->groups);
}

/* Group g of image `in` to windows, or the sums of windows back onto the image. */
static void copy_windows(const struct conv_shape *s, int g, float *in, float *col, int back)
{
	size_t ig = (size_t)(s->in.c / s->groups);
	for (int y = 0; y < s->out.h; y++)
		for (int x = 0; x < s->out.w; x++)
			for (int t = 0; t < s->kernel * s->kernel; t++, col += ig) {
				int iy = y * s->stride - s->pad + t / s->kernel,
				    ix = x * s->stride - s->pad + t % s->kernel;
				int inside = iy >= 0 && iy < s->in.h && ix >= 0 && ix < s->in.w;
				float *at = in + ((size_t)(inside ? iy * s->in.w + ix : 0) * (size_t)s->in.c) +
					    (size_t)g * ig;
				if (!back && inside)
					memcpy(col, at, ig * sizeof *col);
				else if (!back)
					memset(col, 0, ig * sizeof *col);
				else
					for (size_t i = 0; inside && i < ig; i++)
						at[i] += col[i];
			}
}

static void add_weight_gradient(const struct conv_kernel *k, float *dw, const float *once, int first)
{
	size_t n = k->layout.floats / (size_t)k->shape.groups;
	for (size_t i = 0; i < n; i++)
		dw[i] = first ? once[i] : dw[i] + once[i];
}

static void bias_gradient(const struct conv_kernel *k, const float *d_out, float *db)
{
	int c = k->shape.out.c;
	for (int o = 0; o < c; o++) {
		double sum = 0;
		for (size_t p = 0; p < windows(&k->shape) * (size_t)k->n; p++)
			sum += d_out[p * (size_t)c + (size_t)o];
		db[o] = (float)sum;
	}
}

static int run_kernel(const struct conv_kernel *k, int part, int worker, const struct conv_io *io, struct err *err)
{
	const struct conv_shape *s = &k->shape;
	int og = s->out.c / s->groups, p = (int)windows(s), row = row_of(s);
	float *col = io->scratch, *once = col + (size_t)p * (size_t)row;
	size_t in_size = shape_size(s->in), out_size = shape_size(s->out);
	(void)part;
	(void)worker;
	if (k->kind == CONV_DATA)
		memset(io->in, 0, in_size * (size_t)k->n * sizeof(float));
	if (k->kind == CONV_WEIGHT && s->bias)
		bias_gradient(k, io->out, io->bias);
	for (int b = 0; b < k->n; b++)
		for (int g = 0; g < s->groups; g++) {
			float *in = (float *)io->in + (size_t)b * in_size;
			float *out = (float *)io->out + (size_t)b * out_size + g * og;
			float *w = (float *)io->weight + (size_t)(g * og) * (size_t)row;
			if (k->kind == CONV_DATA) {
				if (gemm_nn(p, row, og, out, s->out.c, w, row, col, row))
					return err_memory(err);
				copy_windows(s, g, in, col, 1);
				continue;
			}
			copy_windows(s, g, in, col, 0);
			if (k->kind == CONV_FORWARD ? gemm_nt(p, og, row, col, row, w, row, out, s->out.c) :
						      gemm_tn(og, row, p, out, s->out.c, col, row, once, row))
				return err_memory(err);
			if (k->kind == CONV_WEIGHT)
				add_weight_gradient(k, w, once, b == 0);
		}
	for (size_t i = 0; k->kind == CONV_FORWARD && s->bias && i < (size_t)k->n * (size_t)p; i++)
		for (int o = 0; o < s->out.c; o++)
			((float *)io->out)[i * (size_t)s->out.c + (size_t)o] += ((const float *)io->bias)[o];
	return 0;
}
static void close_kernel(struct conv_kernel *k)
{
	conv_layout_close(&k->layout);
	free(k);
}

int conv_kernel_open(struct conv_kernel **out, struct conv_engine *e, enum conv_kind kind,
		     const struct conv_shape *shape, int n, const struct conv_kernel *like, struct err *err)
{
	struct conv_kernel *k;
	int og = shape->out.c / shape->groups, ig = shape->in.c / shape->groups, taps = shape->kernel * shape->kernel;
	(void)e;
	(void)like;
	if (mem_alloc(&k, 1, sizeof *k, err))
		return -1;
	*k = (struct conv_kernel){ .kind = kind, .shape = *shape, .n = n, .parts = 1, .name = "im2col",
				  .run = run_kernel, .close = close_kernel };
	if (conv_layout_open(&k->layout, shape, err)) {
		close_kernel(k);
		return -1;
	}
	for (int g = 0; g < shape->groups; g++)
		k->layout.group[g] = (uint32_t)(g * og * row_of(shape));
	for (int o = 0; o < og; o++)
		k->layout.o[o] = (uint32_t)(o * row_of(shape));
	for (int i = 0; i < ig; i++)
		k->layout.i[i] = (uint32_t)i;
	for (int t = 0; t < taps; t++)
		k->layout.tap[t] = (uint32_t)(t * ig);
	k->layout.floats = (size_t)shape->out.c * (size_t)row_of(shape);
	/* the windows' matrix, and one group's weight gradient */
	k->scratch = (windows(shape) * (size_t)row_of(shape) + (size_t)og * (size_t)row_of(shape)) * sizeof(float);
	*out = k;
	return 0;
}
#else
typedef int conv_by_onednn; /* ISO C wants something in every file */
#endif
