/* Kernel of IMAGES: from pixels to values in one pass. */
#include "kernels.h"
#include "pack.h"
#include "models/core/taps.h"

/* A pixel of image i; outside it is 0. */
DEVICE float pixel_at(const struct images_args *a, uint32_t i, int row, int col, int ch)
{
	if (row < 0 || row >= a->from_h || col < 0 || col >= a->from_w)
		return 0;
	size_t line = (size_t)a->item[i] * (size_t)a->from_h + (size_t)row;
	size_t at = (line * (size_t)a->from_w + (size_t)col) * (size_t)a->c + (size_t)ch;
	return a->is_float ? ((const float *)a->pixel)[at] : (float)((const unsigned char *)a->pixel)[at];
}

/* The window of image i, resized to the output, at (y, x): a few pixels, two by two where it grows. */
DEVICE float resized(const struct images_args *a, uint32_t i, int y, int x, int ch)
{
	struct step_view v = a->view[i];
	struct taps rows = taps_of(y, v.h, a->h), cols = taps_of(x, v.w, a->w);
	float by_rows = 1 / (float)rows.sum, by_cols = 1 / (float)cols.sum, sum = 0;
	TAPS_LOOP
	for (int r = rows.first; r < rows.end; r++) {
		float line = 0;
		TAPS_LOOP
		for (int s = cols.first; s < cols.end; s++)
			line += (float)tap_weight(s, x, v.w, a->w) * by_cols * pixel_at(a, i, v.y + r, v.x + s, ch);
		sum += (float)tap_weight(r, y, v.h, a->h) * by_rows * line;
	}
	return sum;
}

/* Channel ch of image i at (y, x) of its view, after scale and shift. */
DEVICE float seen(const struct images_args *a, uint32_t i, int y, int x, int ch)
{
	struct step_view v = a->view[i];
	int from = v.flip ? a->w - 1 - x : x;
	float pixel = v.h ? resized(a, i, y, from, ch) : pixel_at(a, i, v.y + y, v.x + from, ch);
	return a->shift[ch] + a->scale[ch] * pixel;
}

KERNEL(images, struct images_args)
{
	int i = sample_index(), size = a.h * a.w * a.pitch;
	uint32_t b = blockIdx.x;
	if (i >= size)
		return;
	int place = i / a.pitch, ch = i - place * a.pitch, y = place / a.w, x = place - y * a.w;
	float v = ch < a.c ? seen(&a, b, y, x, ch) : 0;
	if (a.mixed && ch < a.c)
		v = a.lambda[b] * v + (1 - a.lambda[b]) * seen(&a, a.partner[b], y, x, ch);
	put(a.out, (size_t)b * (size_t)size + (size_t)i, v);
}

int STORAGE(launch_images)(const struct images_args *a, cudaStream_t stream)
{
	int size = a->h * a->w * a->pitch;
	return LAUNCH(images, a->n, sample_blocks(size), sample_threads(size), stream, a);
}
