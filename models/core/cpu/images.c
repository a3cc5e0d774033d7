/* OP_IMAGES: a task a sample. A row of the image is placed, padded and turned round as it is stored, then converted,
 * scaled and mixed in one pass over vectors. A window that is resized is placed as floats: the sum of its rows, which
 * vectors do, then of columns, by weights that were computed once for the image. */
#include "cpu.h"

#include "models/core/taps.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Of a window that is resized: the pixels from .. from + n - 1 of a line, by weight[at ..], make a column. */
struct column {
	int from, n, at;
};
struct resizing {
	struct column *column; /* [w of the output] */
	float *weight, *line;  /* line: the sum of rows */
	size_t cap_column, cap_weight, cap_line;
};

/* row: w * c, rounded up to whole vectors. */
struct images_state {
	float *rows; /* scale and shift of every float of a row, then two rows of each worker: the image, its partner */
	struct resizing *resizing; /* [workers][2] */
	int n;
};

void images_unprepare(void *state)
{
	struct images_state *s = state;
	for (int i = 0; s->resizing && i < s->n; i++) {
		free(s->resizing[i].column);
		free(s->resizing[i].weight);
		free(s->resizing[i].line);
	}
	free(s->resizing);
	free(s->rows);
	free(s);
}

int images_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		   void **state, struct err *err)
{
	struct shape shape = g->value[op->out].shape;
	struct images_state *s;
	(void)max_n;
	(void)training;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->n = 2 * pool_threads(ctx->pool);
	if (mem_alloc(&s->rows, (size_t)round16(shape.w * shape.c), (size_t)(2 + s->n) * sizeof(float), err) ||
	    mem_alloc(&s->resizing, (size_t)s->n, sizeof *s->resizing, err)) {
		images_unprepare(s);
		return -1;
	}
	*state = s;
	return 0;
}

/* Room for the widest window of the batch, in each worker's memory. A triangle is twice its reach wide. */
static int resizing_room(const struct op_call *c, struct err *err)
{
	struct images_state *s = c->state;
	const struct images *im = c->batch->images;
	size_t to = (size_t)c->out_shape.w, from = 0;
	for (int i = 0; i < im->count; i++)
		if (im->view[i].h && (size_t)im->view[i].w > from)
			from = (size_t)im->view[i].w;
	for (int i = 0; i < s->n && from; i++) {
		struct resizing *z = &s->resizing[i];
		if (mem_grow(&z->column, &z->cap_column, to, sizeof *z->column, err) ||
		    mem_grow(&z->weight, &z->cap_weight, 2 * (from > to ? from : to) + to, sizeof *z->weight, err) ||
		    mem_grow(&z->line, &z->cap_line, from * (size_t)im->c, sizeof *z->line, err))
			return -1;
	}
	return 0;
}

static void columns_of(struct resizing *z, int from, int to)
{
	int at = 0;
	for (int x = 0; x < to; x++) {
		struct taps t = taps_of(x, from, to);
		z->column[x] = (struct column){ t.first, t.end - t.first, at };
		for (int i = t.first; i < t.end; i++)
			z->weight[at++] = (float)((double)tap_weight(i, x, from, to) / t.sum);
	}
}

/* line (first: has nothing yet) += weight * row */
static void add_row(int n, int is_float, const void *row, float weight, int first, float *line)
{
	const unsigned char *u = row;
	const float *f = row;
	if (first)
		memset(line, 0, (size_t)n * sizeof *line);
	if (is_float)
		for (int k = 0; k < n; k++)
			line[k] += weight * f[k];
	else
		for (int k = 0; k < n; k++)
			line[k] += weight * (float)u[k];
}

static void sum_columns(const struct resizing *z, int w, int c, int flip, float *to)
{
	int step = flip ? -c : c;
	to += flip ? (size_t)(w - 1) * (size_t)c : 0;
	for (int x = 0; x < w; x++, to += step) {
		const struct column *k = &z->column[x];
		const float *weight = z->weight + k->at, *from = z->line + (size_t)k->from * (size_t)c;
		if (c == 3) {
			float s0 = 0, s1 = 0, s2 = 0;
			for (int i = 0; i < k->n; i++, from += 3) {
				s0 += weight[i] * from[0];
				s1 += weight[i] * from[1];
				s2 += weight[i] * from[2];
			}
			to[0] = s0;
			to[1] = s1;
			to[2] = s2;
			continue;
		}
		for (int ch = 0; ch < c; ch++) {
			float sum = 0;
			for (int i = 0; i < k->n; i++)
				sum += weight[i] * from[i * c + ch];
			to[ch] = sum;
		}
	}
}

/* Row y of the view of image i, a window that is resized. */
static void resize_row(const struct op_call *c, int i, int y, const struct resizing *z, float *to)
{
	const struct images *im = c->batch->images;
	const struct view *v = &im->view[i];
	struct taps t = taps_of(y, v->h, c->out_shape.h);
	size_t pixel = (size_t)im->c * (im->is_float ? sizeof(float) : 1);
	const unsigned char *from = im->pixel[i];
	for (int r = t.first; r < t.end; r++)
		add_row(v->w * im->c, im->is_float,
			from + ((size_t)(v->y + r) * (size_t)im->w + (size_t)v->x) * pixel,
			(float)((double)tap_weight(r, y, v->h, c->out_shape.h) / t.sum), r == t.first, z->line);
	sum_columns(z, c->out_shape.w, im->c, v->flip, to);
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

/* The same or a window that is resized, as floats where `as_float`. */
static void see_row(const struct op_call *c, int i, int y, int as_float, const struct resizing *z, float *to)
{
	const struct images *im = c->batch->images;
	const unsigned char *u = (const unsigned char *)to;
	if (im->view[i].h) {
		resize_row(c, i, y, z, to);
		return;
	}
	place_row(c, i, y, im->is_float ? sizeof(float) : 1, (unsigned char *)to);
	for (int k = c->out_shape.w * c->out_shape.c; as_float && !im->is_float && k-- > 0;) /* beside one that is */
		to[k] = u[k];
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
	const struct images_state *s = c->state;
	int n = c->out_shape.w * c->out_shape.c, mixed = batch_mixes_at(c->batch, 0);
	int image[2] = { b, mixed ? (int)c->batch->partner[b] : b }, as_float = im->is_float;
	size_t row = (size_t)round16(n);
	const float *scale = s->rows, *shift = scale + row;
	float *mine = s->rows + (2 + 2 * (size_t)worker) * row, *other = mine + row;
	float *to = c->out + (size_t)b * (size_t)c->out_size;
	struct resizing *z = s->resizing + 2 * (size_t)worker;
	for (int k = 0; k <= mixed; k++)
		if (im->view[image[k]].h) {
			columns_of(&z[k], im->view[image[k]].w, c->out_shape.w);
			as_float = 1;
		}
	for (int y = 0; y < c->out_shape.h; y++, to += n) {
		see_row(c, b, y, as_float, &z[0], mine);
		if (!mixed) {
			scale_row(n, as_float, mine, scale, shift, to);
			continue;
		}
		see_row(c, image[1], y, as_float, &z[1], other);
		mix_row(n, as_float, mine, other, scale, shift, c->batch->lambda[b], to);
	}
}

int images_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct images *im = c->batch->images;
	const struct images_state *s = c->state;
	int n = c->out_shape.w * c->out_shape.c;
	float *scale = s->rows, *shift = scale + round16(n);
	if (im->c != c->out_shape.c)
		return err_set(err, "images of %d channels for a network of %d", im->c, c->out_shape.c);
	if (resizing_room(c, err))
		return -1;
	for (int k = 0; k < n; k++) {
		scale[k] = im->scale[k % im->c];
		shift[k] = im->shift[k % im->c];
	}
	pool_run(ctx->pool, c->n, image_task, (void *)c);
	return 0;
}
