/* psnr EXACT APPROXIMATE: two streams of raw images. For each record of EXACT, the record of APPROXIMATE with the
 * highest peak signal-to-noise ratio among the first 60 of the same class; prints lowest, highest and mean in dB. */
#include "pipeline/stream/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct images {
	size_t n, each;
	int label[20000];
	unsigned char *px;
};

static int load(const char *path, struct images *im)
{
	struct err err = ERR_NONE;
	struct stream_reader *r;
	struct block b;
	int rc;
	if (stream_open(&r, path, &err) || stream_next_of(r, STREAM_IMAGES, &err) != 1)
		goto fail;
	im->each = stream_record_size(stream_head_of(r));
	while ((rc = stream_next_block(r, &b, &err)) == 1) {
		unsigned char *more = realloc(im->px, (im->n + b.n) * im->each);
		if (!more || im->n + b.n > 20000)
			return -1;
		im->px = more;
		memcpy(im->px + im->n * im->each, b.data, b.data_len);
		for (uint32_t i = 0; i < b.n; i++)
			im->label[im->n++] = b.label[i];
	}
	stream_close(r);
	if (!rc)
		return 0;
fail:
	fprintf(stderr, "psnr: %s\n", err.msg);
	return -1;
}

static double squares(const unsigned char *a, const unsigned char *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

int main(int argc, char **argv)
{
	static struct images exact, other;
	double low = INFINITY, high = 0, sum = 0;
	if (argc != 3 || load(argv[1], &exact) || load(argv[2], &other) || exact.each != other.each || !exact.n)
		return 1;
	for (size_t i = 0; i < exact.n; i++) {
		double best = INFINITY;
		int tried = 0;
		for (size_t j = 0; j < other.n && tried < 60; j++) {
			if (other.label[j] != exact.label[i])
				continue;
			tried++;
			best = fmin(best, squares(exact.px + i * exact.each, other.px + j * exact.each, exact.each));
		}
		double psnr = 10 * log10(255.0 * 255.0 * (double)exact.each / best);
		low = fmin(low, psnr);
		high = fmax(high, psnr);
		sum += psnr;
	}
	printf("%.1f %.1f %.1f\n", low, high, sum / (double)exact.n);
	free(exact.px);
	free(other.px);
	return 0;
}
