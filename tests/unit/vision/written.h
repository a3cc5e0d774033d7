/* written: a picture of random samples, the file that a test writes of it, and how what is decoded is compared. For the
 * tests of single formats. */
#ifndef VIC_TEST_WRITTEN_H
#define VIC_TEST_WRITTEN_H

#include "tests/checks.h"
#include "vision/pixels/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 40, SAMPLES = 9, ROOM = 1 << 18 };

static struct rng r;
static uint16_t value[SIDE][SIDE][SAMPLES]; /* the picture that is written */
static unsigned char file[ROOM];
static size_t length;

static inline int below(int n)
{
	return (int)(rng_u32(&r) % (uint32_t)n);
}

static inline void fill(int bits, int samples)
{
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			for (int s = 0; s < samples; s++)
				value[y][x][s] =
					(uint16_t)(below(4) ? rng_u32(&r) & ((1u << bits) - 1)
							    : below(2) * ((1u << bits) - 1)); /* and its ends */
}

static inline int decode(const struct codec_options *opt, struct image *out, char *note, struct err *err)
{
	struct image scratch = { 0 };
	unsigned char *copy = malloc(length); /* exactly as long as it is: a sanitizer sees a read after it */
	memcpy(copy, file, length);
	int rc = codec_decode(copy, length, opt, NULL, out, &scratch, note, err);
	free(copy);
	image_release(&scratch);
	return rc;
}

/* Of an image as it was stored: turned, and compared with what came. */
static inline void expect(const struct image *got, struct image *want, int orientation, int round)
{
	struct image scratch = { 0 };
	struct err err;
	assert_int_equal(image_upright(want, orientation, &scratch, &err), 0);
	if (got->h != want->h || got->w != want->w || got->c != want->c)
		fail_msg("%d: %dx%dx%d, not %dx%dx%d", round, got->h, got->w, got->c, want->h, want->w, want->c);
	for (size_t i = 0; i < image_bytes(want); i++)
		if (got->px[i] != want->px[i])
			fail_msg("%d: byte %zu of %dx%dx%d is %d, not %d", round, i, got->h, got->w, got->c, got->px[i],
				 want->px[i]);
	image_release(&scratch);
}

#endif
