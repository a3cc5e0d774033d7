/* OP_POOL over NHWC: a task an image, channels by vectors. A row of channels that is no multiple of 16 ends in single
 * steps. */
#include "cpu.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <string.h>

enum { MOST_KERNEL = 255 }; /* a place within a window has 16 bits */
typedef uint16_t places_vec __attribute__((vector_size(NATIVE * sizeof(uint16_t)), aligned(2)));

int pool_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		 void **state, struct err *err)
{
	(void)ctx;
	if (op->pool.kernel > MOST_KERNEL)
		return err_set(err, "%s: a pooling window of %d is wider than %d", op->name, op->pool.kernel,
			       MOST_KERNEL);
	if (!training || op->pool.average || op->pool.kernel == 0)
		return 0;
	return mem_alloc(state, (size_t)max_n * shape_size(g->value[op->out].shape) + NATIVE, sizeof(uint16_t), err);
}

/* The window of one output: rows y .. y + h - 1 and columns of the image, inside it. */
struct window {
	int y0, y1, x0, x1; /* half-open */
	int y, x;           /* its corner, may lie outside */
};

static struct window window_of(const struct op_call *c, int y, int x)
{
	struct shape in = c->in_shape[0];
	int k = c->op->pool.kernel, s = c->op->pool.stride, p = c->op->pool.pad;
	if (k == 0)
		return (struct window){ 0, in.h, 0, in.w, 0, 0 };
	struct window w = { .y = y * s - p, .x = x * s - p };
	w.y0 = w.y < 0 ? 0 : w.y;
	w.x0 = w.x < 0 ? 0 : w.x;
	w.y1 = w.y + k < in.h ? w.y + k : in.h;
	w.x1 = w.x + k < in.w ? w.x + k : in.w;
	return w;
}

static void max_window(const struct op_call *c, struct window w, const float *in, float *out, uint16_t *place)
{
	int channels = c->in_shape[0].c, kernel = c->op->pool.kernel, at = 0;
	for (; at + NATIVE <= channels; at += NATIVE) {
		nvec best = splat(-INFINITY);
		nivec where = { 0 };
		int first = 1;
		for (int y = w.y0; y < w.y1; y++)
			for (int x = w.x0; x < w.x1; x++) {
				nvec v = *(const unvec *)(in +
							  ((size_t)y * (size_t)c->in_shape[0].w + (size_t)x) *
								  (size_t)channels +
							  (size_t)at);
				nivec more = first ? ~(nivec){ 0 } : (v > best) | ((v != v) & (best == best));
				int here = (y - w.y) * kernel + x - w.x;
				best = pick(more, v, best);
				where = (more & ((nivec){ 0 } + here)) | (~more & where);
				first = 0;
			}
		*(unvec *)(out + at) = best;
		if (place)
			*(places_vec *)(place + at) = __builtin_convertvector(where, places_vec);
	}
	for (; at < channels; at++) {
		float best = -INFINITY;
		int where = 0, first = 1;
		for (int y = w.y0; y < w.y1; y++)
			for (int x = w.x0; x < w.x1; x++) {
				float v = in[((size_t)y * (size_t)c->in_shape[0].w + (size_t)x) * (size_t)channels +
					     (size_t)at];
				if (first || v > best || (v != v && best == best)) {
					best = v;
					where = (y - w.y) * kernel + x - w.x;
				}
				first = 0;
			}
		out[at] = best;
		if (place)
			place[at] = (uint16_t)where;
	}
}

static void mean_window(const struct op_call *c, struct window w, const float *in, float *out)
{
	int channels = c->in_shape[0].c, at = 0;
	float by = 1 / (float)((w.y1 - w.y0) * (w.x1 - w.x0));
	for (; at < channels; at += NATIVE) {
		nvec sum = { 0 };
		int left = channels - at < NATIVE ? channels - at : NATIVE;
		for (int y = w.y0; y < w.y1; y++)
			for (int x = w.x0; x < w.x1; x++) /* may read, not use, up to a vector past the row */
				sum += *(const unvec *)(in +
							((size_t)y * (size_t)c->in_shape[0].w + (size_t)x) *
								(size_t)channels +
							(size_t)at);
		sum *= splat(by);
		memcpy(out + at, &sum, (size_t)left * sizeof *out);
	}
}

static void pool_forward_task(void *arg, int b, int worker)
{
	const struct op_call *c = arg;
	int channels = c->out_shape.c, maximum = !c->op->pool.average && c->op->pool.kernel > 0;
	const float *in = c->in[0] + (size_t)b * (size_t)c->in_size[0];
	size_t at = (size_t)b * (size_t)c->out_size;
	(void)worker;
	for (int y = 0; y < c->out_shape.h; y++)
		for (int x = 0; x < c->out_shape.w; x++, at += (size_t)channels) {
			struct window w = window_of(c, y, x);
			if (maximum)
				max_window(c, w, in, c->out + at, c->state ? (uint16_t *)c->state + at : NULL);
			else
				mean_window(c, w, in, c->out + at);
		}
}

int pool_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	pool_run(ctx->pool, c->n, pool_forward_task, (void *)c);
	return 0;
}

static void max_back(const struct op_call *c, struct window w, const float *d_out, const uint16_t *place, float *d_in)
{
	int channels = c->in_shape[0].c, kernel = c->op->pool.kernel;
	for (int y = w.y0; y < w.y1; y++)
		for (int x = w.x0; x < w.x1; x++) {
			float *to = d_in + ((size_t)y * (size_t)c->in_shape[0].w + (size_t)x) * (size_t)channels;
			int here = (y - w.y) * kernel + x - w.x, at = 0;
			for (; at + NATIVE <= channels; at += NATIVE) {
				nivec mine = __builtin_convertvector(*(const places_vec *)(place + at), nivec) ==
					     (nivec){ 0 } + here;
				*(unvec *)(to + at) += pick(mine, *(const unvec *)(d_out + at), splat(0));
			}
			for (; at < channels; at++)
				to[at] += place[at] == here ? d_out[at] : 0;
		}
}

static void mean_back(const struct op_call *c, struct window w, const float *d_out, float *d_in)
{
	int channels = c->in_shape[0].c;
	float by = 1 / (float)((w.y1 - w.y0) * (w.x1 - w.x0));
	for (int y = w.y0; y < w.y1; y++)
		for (int x = w.x0; x < w.x1; x++) {
			float *to = d_in + ((size_t)y * (size_t)c->in_shape[0].w + (size_t)x) * (size_t)channels;
			for (int at = 0; at < channels; at++)
				to[at] += by * d_out[at];
		}
}

static void pool_backward_task(void *arg, int b, int worker)
{
	const struct op_call *c = arg;
	int channels = c->out_shape.c, maximum = !c->op->pool.average && c->op->pool.kernel > 0;
	float *d_in = c->d_in[0] + (size_t)b * (size_t)c->in_size[0];
	size_t at = (size_t)b * (size_t)c->out_size;
	(void)worker;
	if (!c->add[0])
		memset(d_in, 0, (size_t)c->in_size[0] * sizeof *d_in);
	for (int y = 0; y < c->out_shape.h; y++)
		for (int x = 0; x < c->out_shape.w; x++, at += (size_t)channels) {
			struct window w = window_of(c, y, x);
			if (maximum)
				max_back(c, w, c->d_out + at, (const uint16_t *)c->state + at, d_in);
			else
				mean_back(c, w, c->d_out + at, d_in);
		}
}

int pool_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)err;
	if (c->d_in[0])
		pool_run(ctx->pool, c->n, pool_backward_task, (void *)c);
	return 0;
}
