/* CONV by its definition: the patch under an output place, in the order of a filter's weights (in, ky, kx), times each
 * filter of its group. Backward is the same walk: a filter's gradient is a sum of patches, a patch's a sum of
 * filters. */
#include "ref.h"

#include <string.h>

/* Double accumulators and the patch at hand, laid out in the op's state. */
struct conv_work {
	int groups, in, out, patch; /* channels of one group; floats of its patch: in x kernel x kernel */
	double *x, *d_x;            /* [patch] and its gradient */
	double *d_w, *d_b;          /* as the parameters */
	double *d_image;            /* one sample of d_in */
};

static struct conv_work work_of(const struct op *op, struct shape in, struct shape out, double *state)
{
	int groups = op->conv.groups;
	struct conv_work k = { .groups = groups, .in = in.c / groups, .out = out.c / groups, .x = state };
	k.patch = k.in * op->conv.kernel * op->conv.kernel;
	k.d_x = k.x + k.patch;
	k.d_w = k.d_x + k.patch;
	k.d_b = k.d_w + (size_t)out.c * (size_t)k.patch;
	k.d_image = k.d_b + out.c;
	return k;
}

size_t ref_conv_state(const struct graph *g, const struct op *op, int max_n, int training)
{
	struct shape in = g->value[op->in[0]].shape, out = g->value[op->out].shape;
	(void)max_n;
	size_t forward = (size_t)(in.c / op->conv.groups) * (size_t)op->conv.kernel * (size_t)op->conv.kernel;
	size_t backward = forward + (size_t)out.c * (forward + 1) + shape_size(in);
	return (forward + (training ? backward : 0)) * sizeof(double);
}

/* Where place (ky, kx) under output (y, x) lies in a sample, or -1 in the padding. */
static ptrdiff_t pixel_at(const struct op_call *c, int y, int x, int ky, int kx)
{
	int row = y * c->op->conv.stride - c->op->conv.pad + ky, col = x * c->op->conv.stride - c->op->conv.pad + kx;
	if (row < 0 || row >= c->in_shape[0].h || col < 0 || col >= c->in_shape[0].w)
		return -1;
	return ((ptrdiff_t)row * c->in_shape[0].w + col) * c->in_shape[0].c;
}

static void unfold(const struct op_call *c, const struct conv_work *k, const float *image, int y, int x, int group)
{
	int kernel = c->op->conv.kernel;
	for (int ky = 0; ky < kernel; ky++)
		for (int kx = 0; kx < kernel; kx++) {
			ptrdiff_t at = pixel_at(c, y, x, ky, kx);
			for (int i = 0; i < k->in; i++)
				k->x[(i * kernel + ky) * kernel + kx] = at < 0 ? 0 : image[at + group * k->in + i];
		}
}

static void fold(const struct op_call *c, const struct conv_work *k, int y, int x, int group)
{
	int kernel = c->op->conv.kernel;
	for (int ky = 0; ky < kernel; ky++)
		for (int kx = 0; kx < kernel; kx++) {
			ptrdiff_t at = pixel_at(c, y, x, ky, kx);
			for (int i = 0; i < k->in && at >= 0; i++)
				k->d_image[at + group * k->in + i] += k->d_x[(i * kernel + ky) * kernel + kx];
		}
}

/* Four sums side by side: one alone waits for itself. */
static double dot(const float *w, const double *x, int n)
{
	double a = 0, b = 0, c = 0, d = 0;
	int i = 0;
	for (; i + 4 <= n; i += 4) {
		a += (double)w[i] * x[i];
		b += (double)w[i + 1] * x[i + 1];
		c += (double)w[i + 2] * x[i + 2];
		d += (double)w[i + 3] * x[i + 3];
	}
	for (; i < n; i++)
		a += (double)w[i] * x[i];
	return a + b + (c + d);
}

void ref_conv_forward(const struct op_call *c)
{
	struct conv_work k = work_of(c->op, c->in_shape[0], c->out_shape, c->state);
	const float *bias = c->op->n_param > 1 ? c->param[1] : NULL;
	float *out = c->out;
	for (int b = 0; b < c->n; b++)
		for (int y = 0; y < c->out_shape.h; y++)
			for (int x = 0; x < c->out_shape.w; x++)
				for (int group = 0; group < k.groups; group++) {
					unfold(c, &k, c->in[0] + (size_t)b * (size_t)c->in_size[0], y, x, group);
					for (int o = group * k.out; o < (group + 1) * k.out; o++)
						*out++ = (float)((bias ? (double)bias[o] : 0) +
								 dot(c->param[0] + (size_t)o * (size_t)k.patch, k.x,
								     k.patch));
				}
}

/* One output place of one group: d_out's part in every gradient that is wanted. */
static void back_place(const struct op_call *c, const struct conv_work *k, const float *image, const float *d_out,
		       int y, int x, int group)
{
	if (c->d_param[0])
		unfold(c, k, image, y, x, group);
	memset(k->d_x, 0, (size_t)k->patch * sizeof *k->d_x);
	for (int o = group * k->out; o < (group + 1) * k->out; o++) {
		const float *w = c->param[0] + (size_t)o * (size_t)k->patch;
		double *d_w = k->d_w + (size_t)o * (size_t)k->patch, d = d_out[o];
		k->d_b[o] += d;
		for (int i = 0; i < k->patch && c->d_param[0]; i++)
			d_w[i] += d * k->x[i];
		for (int i = 0; i < k->patch && c->d_in[0]; i++)
			k->d_x[i] += d * w[i];
	}
	if (c->d_in[0])
		fold(c, k, y, x, group);
}

void ref_conv_backward(const struct op_call *c)
{
	struct conv_work k = work_of(c->op, c->in_shape[0], c->out_shape, c->state);
	size_t weights = (size_t)c->out_shape.c * (size_t)k.patch, size = (size_t)c->in_size[0];
	const float *d_out = c->d_out;
	memset(k.d_w, 0, (weights + (size_t)c->out_shape.c) * sizeof *k.d_w);
	for (int b = 0; b < c->n; b++) {
		memset(k.d_image, 0, size * sizeof *k.d_image);
		for (int y = 0; y < c->out_shape.h; y++)
			for (int x = 0; x < c->out_shape.w; x++, d_out += c->out_shape.c)
				for (int group = 0; group < k.groups; group++)
					back_place(c, &k, c->in[0] + (size_t)b * size, d_out, y, x, group);
		for (size_t i = 0; i < size && c->d_in[0]; i++) {
			float *d = c->d_in[0] + (size_t)b * size + i;
			*d = (float)(k.d_image[i] + (c->add[0] ? (double)*d : 0));
		}
	}
	for (size_t i = 0; i < weights && c->d_param[0]; i++)
		c->d_param[0][i] = (float)k.d_w[i];
	for (int o = 0; o < c->out_shape.c && c->op->n_param > 1 && c->d_param[1]; o++)
		c->d_param[1][o] = (float)k.d_b[o];
}
