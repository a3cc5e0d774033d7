/* Sums of pixels: of bytes exact integers, of floats doubles, added in the order of the records. */
#include "moments.h"

void moments_add(struct moments *m, const struct stream_head *head, const unsigned char *data)
{
	size_t pixels = (size_t)head->height * (size_t)head->width, c = (size_t)head->channels;
	m->channels = head->channels;
	m->n += pixels;
	for (size_t k = 0; k < c; k++) {
		if (head->encoding == ENCODING_F32) {
			const float *px = (const float *)(const void *)data;
			for (size_t i = 0; i < pixels; i++) {
				m->fsum[k] += px[i * c + k];
				m->fsquares[k] += (double)px[i * c + k] * px[i * c + k];
			}
			continue;
		}
		uint64_t sum = 0, squares = 0;
		for (size_t i = 0; i < pixels; i++) {
			uint64_t v = data[i * c + k];
			sum += v;
			squares += v * v;
		}
		m->sum[k] += sum;
		m->squares[k] += squares;
	}
}

double moments_mean(const struct moments *m, int k)
{
	return ((double)m->sum[k] / 255 + m->fsum[k]) / (double)m->n;
}

double moments_variance(const struct moments *m, int k)
{
	double mean = moments_mean(m, k),
	       v = ((double)m->squares[k] / (255.0 * 255.0) + m->fsquares[k]) / (double)m->n - mean * mean;
	return v > 0 ? v : 0;
}
