/* Shapes, channels and orientation of decoded images. Pixel memory only grows. image_shape says "not reduced"
 * (full_h, full_w, eighths), so a decoder that reduced an image says so after it. Grey is computed with Pillow's
 * integers, so that it gives Pillow's bytes. image_upright leaves the result in *im by exchanging the two images'
 * memory. */
#include "image.h"
#include "pipeline/base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int image_shape(struct image *im, int h, int w, int c, struct err *err)
{
	im->h = h;
	im->w = w;
	im->c = c;
	im->full_h = h;
	im->full_w = w;
	im->eighths = 8;
	return mem_grow(&im->px, &im->cap, image_bytes(im), 1, err);
}

void image_release(struct image *im)
{
	free(im->px);
	*im = (struct image){ 0 };
}

int image_channels(struct image *im, int c, struct err *err)
{
	size_t n = (size_t)im->h * (size_t)im->w;
	if (im->c == c)
		return 0;
	if (c == 1) {
		for (size_t i = 0; i < n; i++) {
			const unsigned char *p = im->px + 3 * i;
			im->px[i] = (unsigned char)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
		}
		im->c = 1;
		return 0;
	}
	if (mem_grow(&im->px, &im->cap, 3 * n, 1, err))
		return -1;
	im->c = 3;
	for (size_t i = n; i-- > 0;) /* from the end: the grey pixels lie where the colours will */
		memset(im->px + 3 * i, im->px[i], 3);
	return 0;
}

void image_from_inks(struct image *im)
{
	for (size_t i = 0; i < (size_t)im->h * (size_t)im->w; i++) {
		const unsigned char *p = im->px + 4 * i;
		unsigned k = p[3];
		unsigned char rgb[3];
		for (int j = 0; j < 3; j++)
			rgb[j] = (unsigned char)((p[j] * k + 127) / 255);
		memcpy(im->px + 3 * i, rgb, 3);
	}
	im->c = 3;
}

/* EXIF 2.3, tag 0x0112: where the stored row 0 and column 0 are seen. 5..8 exchange rows and columns. */
int image_upright(struct image *im, int orientation, struct image *scratch, struct err *err)
{
	if (orientation < 2 || orientation > 8)
		return 0;
	int h = im->h, w = im->w, c = im->c, sideways = orientation >= 5;
	int flip_rows = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
	int flip_columns = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
	if (image_shape(scratch, sideways ? w : h, sideways ? h : w, c, err))
		return -1;
	scratch->full_h = sideways ? im->full_w : im->full_h;
	scratch->full_w = sideways ? im->full_h : im->full_w;
	scratch->eighths = im->eighths;
	unsigned char *to = scratch->px;
	for (int y = 0; y < scratch->h; y++)
		for (int x = 0; x < scratch->w; x++, to += c) {
			int fy = flip_rows ? scratch->h - 1 - y : y, fx = flip_columns ? scratch->w - 1 - x : x;
			int sy = sideways ? fx : fy, sx = sideways ? fy : fx;
			memcpy(to, im->px + ((size_t)sy * (size_t)w + (size_t)sx) * (size_t)c, (size_t)c);
		}
	struct image kept = *im;
	*im = *scratch;
	*scratch = kept;
	return 0;
}
