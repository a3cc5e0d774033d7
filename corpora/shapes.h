/* shapes: images of ten shapes in noise, drawn from a model whose P(shape | image) can be computed exactly.
 *
 * An image is a grey ground; a shape of one of three sizes at one of sixteen places, brighter than the ground by one
 * of four contrasts, in one of the channels; and normal noise on every value, rounded and clipped to bytes. Shape,
 * size, place, contrast and channel are drawn uniformly and independently. A byte's probability given the mean under it
 * is a difference of two values of the normal distribution function, so P(image | shape) is a sum over the 192 x
 * channels ways to draw the shape, and P(shape | image) follows by Bayes' rule. */
#ifndef VIC_SHAPES_H
#define VIC_SHAPES_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { SHAPES = 10, SHAPE_PLACES = 16, SHAPE_SIZES = 3, SHAPE_POSES = SHAPE_PLACES * SHAPE_SIZES, SHAPE_CONTRASTS = 4 };

struct shapes_config {
	int side;	 /* 28 or 32 */
	int channels;	 /* 1 or 3 */
	int classes;	 /* the first so many shapes, 2..10 */
	double strength; /* the highest contrast is 100 * strength levels of 255; the noise's deviation is 64 */
	double noise;	 /* probability that the label is another shape's, 0..1 */
	uint64_t seed;
};

/* How one image was drawn. */
struct shapes_draw {
	int shape, pose, contrast, channel;
	int label; /* the shape, or another by --noise */
};

struct shapes;
int shapes_open(struct shapes **s, const struct shapes_config *config, struct err *err) VIC_CHECKED;
void shapes_close(struct shapes *s); /* NULL is fine */
const char *shapes_name(int shape);
/* Image `number` of set `set` (0 training, 1 test): px [channels][side][side]. Any thread. */
void shapes_image(const struct shapes *s, uint32_t set, uint32_t number, unsigned char *px, struct shapes_draw *draw);
/* P(label | px), label noise included: p [classes]. Any thread. `work`: shapes_work() doubles. */
void shapes_posterior(const struct shapes *s, const unsigned char *px, double *p, double *work);
size_t shapes_work(const struct shapes *s);
/* 1 where the shape covers the pixel. */
int shapes_covers(const struct shapes *s, int shape, int pose, int y, int x);
/* Mean of the ground, and of the shape at a contrast, in levels. */
double shapes_ground(void);
double shapes_level(const struct shapes *s, int contrast);
double shapes_sigma(void);

#endif
