/* OP_IMAGES: a task a sample. A row of the image is placed, padded and turned round as it is stored, then converted,
 * scaled and mixed in one pass over vectors. */
#include "cpu.h"

#include "pipeline/base/mem.h"

#include <string.h>

/* state: scale and shift of every float of a row, [row] each, then a row of each worker for the image and for its
 * partner, as stored. row: w * c, rounded up to whole vectors. */
int images_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		   void **state, struct err *err)
{
	struct shape s = g->value[op->out].shape;
	(void)max_n;
	(void)training;
	return mem_alloc(state, (size_t)round16(s.w * s.c), (2 + 2 * (size_t)pool_threads(ctx->pool)) * sizeof(float),
			 err);
}

/* Row y of the view of image i, items of `size` bytes, into `to`. */
static void place_row(const struct op_call *c, int i, int y, size_t size, unsigned char *to)
{
	const struct images *im = c->batch->images;
	const struct view *v = &im->view[i];
	size_t pixel = (size_t)im->c * size;
	int w = c->out_shape.w, row = v->y + y, first = v->x < 0 ? -v->x : 0, end = im->w - v->x < w ? im->w - v->x : w;
	const unsigned char *from = im->pixel[i];
	if (row < 0 || row >= im->h || first >= end) {
		memset(to, 0, (size_t)w * pixel);
		return;
	}
	from += ((ptrdiff_t)row * im->w + v->x + first) * (ptrdiff_t)pixel;
	memset(to, 0, (size_t)first * pixel);
	memset(to + (size_t)end * pixel, 0, (size_t)(w - end) * pixel);
	if (!v->flip) {
		memcpy(to + (size_t)first * pixel, from, (size_t)(end - first) * pixel);
		return;
	}
	memset(to, 0, (size_t)(w - end) * pixel);
	memset(to + (size_t)(w - first) * pixel, 0, (size_t)first * pixel);
	to += (size_t)(w - 1 - first) * pixel;
	if (pixel == 3)
		for (int x = first; x < end; x++, from += 3, to -= 3) {
			to[0] = from[0];
			to[1] = from[1];
			to[2] = from[2];
		}
	else
		for (int x = first; x < end; x++, from += pixel, to -= pixel)
			memcpy(to, from, pixel);
}

static void scale_row(int n, int is_float, const void *row, const float *scale, const float *shift, float *to)
{
	const unsigned char *u = row;
	const float *f = row;
	if (is_float)
		for (int k = 0; k < n; k++)
			to[k] = shift[k] + scale[k] * f[k];
	else
		for (int k = 0; k < n; k++)
			to[k] = shift[k] + scale[k] * (float)u[k];
}

static void mix_row(int n, int is_float, const void *row, const void *other, const float *scale, const float *shift,
		    float l, float *to)
{
	const unsigned char *u = row, *v = other;
	const float *f = row, *g = other;
	if (is_float)
		for (int k = 0; k < n; k++)
			to[k] = l * (shift[k] + scale[k] * f[k]) + (1 - l) * (shift[k] + scale[k] * g[k]);
	else
		for (int k = 0; k < n; k++)
			to[k] = l * (shift[k] + scale[k] * (float)u[k]) + (1 - l) * (shift[k] + scale[k] * (float)v[k]);
}

static void image_task(void *arg, int b, int worker)
{
	const struct op_call *c = arg;
	const struct images *im = c->batch->images;
	int n = c->out_shape.w * c->out_shape.c, mixed = batch_mixes_at(c->batch, 0);
	size_t row = (size_t)round16(n), size = im->is_float ? sizeof(float) : 1;
	const float *scale = c->state, *shift = scale + row;
	float *mine = (float *)c->state + (2 + 2 * (size_t)worker) * row, *other = mine + row;
	float *to = c->out + (size_t)b * (size_t)c->out_size;
	for (int y = 0; y < c->out_shape.h; y++, to += n) {
		place_row(c, b, y, size, (unsigned char *)mine);
		if (!mixed) {
			scale_row(n, im->is_float, mine, scale, shift, to);
			continue;
		}
		place_row(c, (int)c->batch->partner[b], y, size, (unsigned char *)other);
		mix_row(n, im->is_float, mine, other, scale, shift, c->batch->lambda[b], to);
	}
}

int images_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct images *im = c->batch->images;
	int n = c->out_shape.w * c->out_shape.c;
	float *scale = c->state, *shift = scale + round16(n);
	if (im->c != c->out_shape.c)
		return err_set(err, "images of %d channels for a network of %d", im->c, c->out_shape.c);
	for (int k = 0; k < n; k++) {
		scale[k] = im->scale[k % im->c];
		shift[k] = im->shift[k % im->c];
	}
	pool_run(ctx->pool, c->n, image_task, (void *)c);
	return 0;
}
