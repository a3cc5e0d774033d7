/* IMAGES by its definition: crop, resize, flip, normalise, mix. */
#include "ref.h"

#include "models/core/taps.h"

/* A pixel outside the image is 0. */
static double pixel_at(const struct images *m, uint32_t i, int row, int col, int ch)
{
	if (row < 0 || row >= m->h || col < 0 || col >= m->w)
		return 0;
	size_t at = ((size_t)row * (size_t)m->w + (size_t)col) * (size_t)m->c + (size_t)ch;
	return m->is_float ? (double)((const float *)m->pixel[i])[at] : ((const unsigned char *)m->pixel[i])[at];
}

/* The window of image i, resized to `to`, at (y, x). */
static double resized(const struct images *m, uint32_t i, struct shape to, int y, int x, int ch)
{
	const struct view *v = &m->view[i];
	double sum = 0, weights = 0;
	for (int r = 0; r < v->h; r++) {
		int a = tap_weight(r, y, v->h, to.h);
		for (int s = 0; s < v->w && a > 0; s++) {
			int b = tap_weight(s, x, v->w, to.w);
			if (b <= 0)
				continue;
			sum += (double)a * b * pixel_at(m, i, v->y + r, v->x + s, ch);
			weights += (double)a * b;
		}
	}
	return sum / weights;
}

/* Channel ch at (y, x) of image i as it is seen: shift[ch] + scale[ch] * pixel. */
static double seen(const struct op_call *c, uint32_t i, int y, int x, int ch)
{
	const struct images *m = c->batch->images;
	const struct view *v = &m->view[i];
	int from = v->flip ? c->out_shape.w - 1 - x : x;
	double pixel = v->h ? resized(m, i, c->out_shape, y, from, ch) : pixel_at(m, i, v->y + y, v->x + from, ch);
	return (double)m->shift[ch] + (double)m->scale[ch] * pixel;
}

void ref_images_forward(const struct op_call *c)
{
	const struct batch *b = c->batch;
	int mixed = batch_mixes_at(b, 0);
	float *out = c->out;
	for (int i = 0; i < c->n; i++)
		for (int y = 0; y < c->out_shape.h; y++)
			for (int x = 0; x < c->out_shape.w; x++)
				for (int ch = 0; ch < c->out_shape.c; ch++) {
					double v = seen(c, (uint32_t)i, y, x, ch);
					if (mixed) {
						double l = b->lambda[i];
						v = l * v + (1 - l) * seen(c, b->partner[i], y, x, ch);
					}
					*out++ = (float)v;
				}
}
