/* Kernel of IMAGES: from pixels to values in one pass. */
#include "kernels.h"
#include "pack.h"

/* Channel ch of image i at (y, x) of its view, after scale and shift; a pixel outside the image is 0. */
DEVICE float seen(const struct images_args *a, uint32_t i, int y, int x, int ch)
{
	struct step_view v = a->view[i];
	int row = v.y + y, col = v.x + (v.flip ? a->w - 1 - x : x);
	float pixel = 0;
	if (row >= 0 && row < a->from_h && col >= 0 && col < a->from_w) {
		size_t line = (size_t)a->item[i] * (size_t)a->from_h + (size_t)row;
		size_t at = (line * (size_t)a->from_w + (size_t)col) * (size_t)a->c + (size_t)ch;
		pixel = a->is_float ? ((const float *)a->pixel)[at] : (float)((const unsigned char *)a->pixel)[at];
	}
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
