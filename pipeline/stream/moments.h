/* moments: mean and variance (divided by n) of each channel over all pixels of the images added, in units where 1.0 is
 * a byte's
 * 255. Variance is the mean square less the squared mean: good for values near [0, 1], not for a mean far above the
 *      std. */
#ifndef VIC_MOMENTS_H
#define VIC_MOMENTS_H

#include "stream.h"

/* A zeroed struct is empty. */
struct moments {
	int channels;
	uint64_t n; /* pixels of one channel */
	/* of bytes, in units of a byte: exact up to 2.8e14 pixels */
	uint64_t sum[STREAM_MAX_CHANNELS], squares[STREAM_MAX_CHANNELS];
	double fsum[STREAM_MAX_CHANNELS], fsquares[STREAM_MAX_CHANNELS]; /* of floats */
};

/* data: one record of a raw or f32 images stream with this head. */
void moments_add(struct moments *m, const struct stream_head *head, const unsigned char *data);
double moments_mean(const struct moments *m, int channel);
double moments_variance(const struct moments *m, int channel);

#endif
