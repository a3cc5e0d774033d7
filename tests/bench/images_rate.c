/* images_rate THREADS: images a second that the cpu backend's OP_IMAGES crops, flips, normalises and mixes, bytes of
 * 32x32x3 in batches of 128. Prints the number. For bench_images_train.py. */
#include "models/core/backend.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE = 32, CHANNELS = 3, IMAGES = 2048, BATCH = 128, ROUNDS = 40 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int measure(struct device *d, double *rate, struct err *err)
{
	static const float scale[CHANNELS] = { 1 / 51.f, 1 / 51.f, 1 / 51.f },
			   shift[CHANNELS] = { -2.45f, -2.4f, -2.25f };
	static struct graph g;
	static struct view view[BATCH];
	static const void *pixel[BATCH];
	static float lambda[BATCH];
	static uint32_t partner[BATCH];
	struct op op = { .type = OP_IMAGES, .name = "images" };
	unsigned char *images;
	int rc = -1;
	if (mem_alloc(&images, IMAGES, SIDE * SIDE * CHANNELS, err))
		return -1;
	for (size_t i = 0; i < (size_t)IMAGES * SIDE * SIDE * CHANNELS; i++)
		images[i] = (unsigned char)(i * 2654435761u >> 24);
	graph_init(&g);
	if (graph_add(&g, &op, (struct shape){ SIDE, SIDE, CHANNELS }, err) < 0 ||
	    graph_compile(&g, d, BATCH, NULL, err))
		goto done;
	struct images images = { BATCH, SIDE, SIDE, CHANNELS, 0, pixel, view, scale, shift };
	struct batch b = { .n = BATCH, .images = &images, .partner = partner, .lambda = lambda };
	double start = now();
	for (int round = 0; round < ROUNDS; round++)
		for (int at = 0; at < IMAGES; at += BATCH) {
			for (int i = 0; i < BATCH; i++) {
				uint32_t draw = (uint32_t)(round * IMAGES + at + i) * 2654435761u;
				pixel[i] = images + (size_t)(at + i) * SIDE * SIDE * CHANNELS;
				view[i] = (struct view){ (int16_t)(draw >> 8 & 7) - 4, (int16_t)(draw >> 16 & 7) - 4,
							 draw >> 31 };
				partner[i] = draw >> 20 & (BATCH - 1);
				lambda[i] = 0.3f;
			}
			if (graph_forward(&g, &b, PHASE_TRAIN, err))
				goto done;
		}
	*rate = IMAGES * ROUNDS / (now() - start);
	rc = 0;
done:
	graph_release(&g);
	free(images);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	struct device d;
	int64_t threads = 1;
	double rate = 0;
	if ((argc > 1 && num_i64("THREADS", argv[1], 1, 1024, &threads, &err)) ||
	    device_open(&d, "cpu", (int)threads, &err)) {
		fprintf(stderr, "images_rate: %s\n", err.msg);
		return 1;
	}
	int rc = measure(&d, &rate, &err);
	device_close(&d);
	if (rc) {
		fprintf(stderr, "images_rate: %s\n", err.msg);
		return 1;
	}
	printf("%.0f\n", rate);
	return 0;
}
