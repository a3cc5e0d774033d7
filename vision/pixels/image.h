/* image: decoded pixels, 8 bits a channel, as records of kind images hold them. */
#ifndef VIC_IMAGE_H
#define VIC_IMAGE_H

#include "pipeline/base/err.h"

#include <stddef.h>

struct image {
	int h, w, c;		     /* c: 1 grey, 3 RGB */
	unsigned char *px;	     /* [h][w][c], row by row; owned */
	size_t cap;		     /* bytes that px has room for */
	int full_h, full_w, eighths; /* a JPEG decoded at eighths/8 of full_h x full_w; else h, w, 8 */
};

static inline size_t image_bytes(const struct image *im)
{
	return (size_t)im->h * (size_t)im->w * (size_t)im->c;
}

/* Sets the shape and makes room; the pixels are undefined. Memory is kept from use to use. */
int image_shape(struct image *im, int h, int w, int c, struct err *err) VIC_CHECKED;
/* Converts to c channels: grey is repeated; RGB becomes ITU-R BT.601 luma in 16-bit fixed point (0.299, 0.587, 0.114).
 */
int image_channels(struct image *im, int c, struct err *err) VIC_CHECKED;
/* Makes RGB, in place, of four channels that hold 255 less the ink of cyan, magenta, yellow and black: paper's light
 * times black's, channel by channel, as Pillow has it. */
void image_from_inks(struct image *im);
/* Turns an image stored under EXIF orientation 1..8 upright, in place; `scratch` is used and left undefined. Other
 * values change nothing. */
int image_upright(struct image *im, int orientation, struct image *scratch, struct err *err) VIC_CHECKED;
void image_release(struct image *im);

/* Where in which resized image a record lies: the source is resized to rh x rw and the window h x w at (top, left) is
 * kept. */
struct geometry {
	int rh, rw, top, left, h, w;
};
enum image_fit { FIT_CROP, FIT_STRETCH };
/* h x w from a source of sh x sw. FIT_CROP keeps the shape: the smaller scale factor that covers h x w, then the
 * centre, with the roundings of torchvision's Resize and CenterCrop (floor; half to even). FIT_STRETCH takes each axis
 * by itself. */
struct geometry geometry_of(int sh, int sw, int h, int w, enum image_fit fit);

/* A size that is asked for. */
struct want {
	int h, w;
	enum image_fit fit;
};
enum { WANT_MOST = 4096 };
/* What --resize says: "32" or "32x48" (height x width), each 1..WANT_MOST. */
int want_size(const char *text, int *h, int *w, struct err *err) VIC_CHECKED;

/* Resizes by a triangle filter whose support grows with the reduction (antialiased bilinear): columns, then rows,
 * 22-bit fixed point, rounded to 8 bits in between: Pillow's BILINEAR, bit for bit. `scratch` holds what lies between.
 * dst, src and scratch differ. */
int image_resize(const struct image *src, const struct geometry *to, struct image *dst, struct image *scratch,
		 struct err *err) VIC_CHECKED;
/* A decoded image as a record of want's size with 1 or 3 channels, in *out: cut, resized, and its channels converted
 * where there are fewest pixels to convert. `im` is left undefined. */
int image_record(struct image *im, const struct want *want, int channels, struct image *out, struct image *scratch,
		 struct err *err) VIC_CHECKED;

#endif
