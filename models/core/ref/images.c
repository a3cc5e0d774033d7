/* IMAGES by its definition: crop, flip, normalise, mix. */
#include "ref.h"

/* Channel ch at (y, x) of image i as it is seen: shift[ch] + scale[ch] * pixel, 0 for a pixel outside the image. */
static double seen(const struct op_call *c, uint32_t i, int y, int x, int ch)
{
	const struct images *m = c->batch->images;
	const struct view *v = &m->view[i];
	int row = v->y + y, col = v->x + (v->flip ? c->out_shape.w - 1 - x : x);
	double pixel = 0;
	if (row >= 0 && row < m->h && col >= 0 && col < m->w) {
		size_t at = ((size_t)row * (size_t)m->w + (size_t)col) * (size_t)m->c + (size_t)ch;
		pixel = m->is_float ? (double)((const float *)m->pixel[i])[at]
				    : ((const unsigned char *)m->pixel[i])[at];
	}
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
