/* POOL by its definition. */
#include "ref.h"

#include <math.h>

/* A window: the positions of one sample that it covers, without the padding. kernel 0 covers the image. */
struct window {
	int top, left, bottom, right; /* the last two exclusive */
};

static struct window window_of(const struct op_call *c, int y, int x)
{
	struct shape in = c->in_shape[0];
	int k = c->op->pool.kernel, stride = c->op->pool.stride, pad = c->op->pool.pad;
	int top = y * stride - pad, left = x * stride - pad;
	if (k == 0)
		return (struct window){ 0, 0, in.h, in.w };
	return (struct window){ top < 0 ? 0 : top, left < 0 ? 0 : left, top + k > in.h ? in.h : top + k,
				left + k > in.w ? in.w : left + k };
}

static double average(const struct op_call *c, const float *in, struct window w, int ch)
{
	double sum = 0;
	for (int row = w.top; row < w.bottom; row++)
		for (int col = w.left; col < w.right; col++)
			sum += in[(row * c->in_shape[0].w + col) * c->in_shape[0].c + ch];
	return sum / ((w.bottom - w.top) * (w.right - w.left));
}

/* Where in the sample the largest lies: the first of equals, or the first NaN. */
static int32_t largest(const struct op_call *c, const float *in, struct window w, int ch)
{
	int32_t best = -1;
	for (int row = w.top; row < w.bottom; row++)
		for (int col = w.left; col < w.right; col++) {
			int32_t at = (row * c->in_shape[0].w + col) * c->in_shape[0].c + ch;
			if (best < 0 || in[at] > in[best] || (isnan(in[at]) && !isnan(in[best])))
				best = at;
		}
	return best;
}

static int averages(const struct op *op)
{
	return op->pool.average || op->pool.kernel == 0;
}

void ref_pool_forward(const struct op_call *c)
{
	int32_t *arg = c->state;
	size_t o = 0;
	for (int b = 0; b < c->n; b++) {
		const float *in = c->in[0] + (size_t)b * (size_t)c->in_size[0];
		for (int y = 0; y < c->out_shape.h; y++)
			for (int x = 0; x < c->out_shape.w; x++)
				for (int ch = 0; ch < c->out_shape.c; ch++, o++) {
					struct window w = window_of(c, y, x);
					if (averages(c->op)) {
						c->out[o] = (float)average(c, in, w, ch);
					} else {
						arg[o] = largest(c, in, w, ch);
						c->out[o] = in[arg[o]];
					}
				}
	}
}

/* A place gets the gradients of the windows that it is in: of those whose maximum it is, or of all, divided by their
 * size. */
void ref_pool_backward(const struct op_call *c)
{
	const int32_t *arg = c->state;
	size_t o = 0, size = (size_t)c->in_size[0];
	for (int b = 0; b < c->n && c->d_in[0]; b++) {
		float *d_in = c->d_in[0] + (size_t)b * size;
		for (size_t i = 0; i < size && !c->add[0]; i++)
			d_in[i] = 0;
		for (int y = 0; y < c->out_shape.h; y++)
			for (int x = 0; x < c->out_shape.w; x++)
				for (int ch = 0; ch < c->out_shape.c; ch++, o++) {
					struct window w = window_of(c, y, x);
					double share = 1.0 / ((w.bottom - w.top) * (w.right - w.left));
					if (!averages(c->op))
						d_in[arg[o]] += c->d_out[o];
					for (int row = w.top; row < w.bottom && averages(c->op); row++)
						for (int col = w.left; col < w.right; col++)
							d_in[(row * c->in_shape[0].w + col) * c->in_shape[0].c + ch] +=
								(float)(share * c->d_out[o]);
				}
	}
}
