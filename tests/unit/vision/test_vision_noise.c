/* Noise has the moments asked for; a perturbation has the length asked for, along a direction that depends on seed and
 * place only. */
#include "vision/records/noise.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void moments(void **state)
{
	(void)state;
	struct stream_head head = { .kind = STREAM_IMAGES, .height = 1, .width = 2, .channels = 3 };
	struct moments m = { 0 }, f = { 0 };
	static const unsigned char px[2][6] = { { 0, 10, 255, 0, 30, 255 }, { 255, 20, 255, 255, 40, 255 } };
	float as_float[6];
	for (int i = 0; i < 2; i++)
		moments_add(&m, &head, px[i]);
	assert_true(fabs(moments_mean(&m, 0) - 0.5) < 1e-15 && fabs(moments_variance(&m, 0) - 0.25) < 1e-15);
	assert_true(fabs(moments_mean(&m, 1) - 25 / 255.0) < 1e-15);
	assert_true(fabs(moments_variance(&m, 1) - 125 / (255.0 * 255)) < 1e-15);
	assert_true(moments_mean(&m, 2) == 1 && moments_variance(&m, 2) == 0);
	head.encoding = ENCODING_F32;
	for (int i = 0; i < 2; i++) {
		pixels_to_f32(as_float, px[i], 6);
		moments_add(&f, &head, (const unsigned char *)as_float);
	}
	for (int k = 0; k < 3; k++) {
		assert_true(fabs(moments_mean(&f, k) - moments_mean(&m, k)) < 1e-7);
		assert_true(fabs(moments_variance(&f, k) - moments_variance(&m, k)) < 1e-7);
	}
}

static void gaussian(void **state)
{
	(void)state;
	enum { PIXELS = 200000 };
	struct stream_head head = { .kind = STREAM_IMAGES, .height = 1, .width = 2, .channels = 2 };
	struct moments m = { 0 }, got = { 0 };
	static const unsigned char px[4] = { 0, 100, 255, 120 };
	float *a = malloc(PIXELS * 2 * sizeof *a), *b = malloc(PIXELS * 2 * sizeof *b);
	moments_add(&m, &head, px);
	noise_gaussian(a, PIXELS, &m, 7, 3);
	noise_gaussian(b, PIXELS, &m, 7, 3);
	assert_memory_equal(a, b, PIXELS * 2 * sizeof *a);
	noise_gaussian(b, PIXELS, &m, 7, 4);
	assert_memory_not_equal(a, b, 64);
	noise_gaussian(b, PIXELS, &m, 8, 3);
	assert_memory_not_equal(a, b, 64);
	head = (struct stream_head){
		.kind = STREAM_IMAGES, .height = PIXELS, .width = 1, .channels = 2, .encoding = ENCODING_F32
	};
	moments_add(&got, &head, (const unsigned char *)a);
	for (int k = 0; k < 2; k++) {
		double sd = sqrt(moments_variance(&m, k));
		assert_true(fabs(moments_mean(&got, k) - moments_mean(&m, k)) < 5 * sd / sqrt(PIXELS));
		assert_true(fabs(sqrt(moments_variance(&got, k)) / sd - 1) < 5 / sqrt(2.0 * PIXELS));
	}
	/* the two channels and the two sides of the mean */
	double both = 0;
	int beyond = 0;
	for (int i = 0; i < PIXELS; i++) {
		both += (a[2 * i] - 0.5) * (a[2 * i + 1] - moments_mean(&m, 1));
		beyond += a[2 * i] < 0 || a[2 * i] > 1;
	}
	assert_true(fabs(both / PIXELS / 0.5 / sqrt(moments_variance(&m, 1))) < 5 / sqrt(PIXELS));
	assert_true(fabs(beyond / (double)PIXELS - 0.3173) < 0.01); /* not clipped: beyond one sigma */
	free(a);
	free(b);
}

static void perturbation(void **state)
{
	(void)state;
	enum { N = 27648 };
	float *x = malloc(N * sizeof *x), *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b);
	for (int i = 0; i < N; i++)
		x[i] = 0.5f;
	double norm = noise_perturb(a, x, N, 3, 1, 1, 0, 5), length = 0, along = 0, largest = 0, sum = 0;
	assert_true(fabs(norm / sqrt(N / 3.0) - 1) < 0.02);
	noise_perturb(b, x, N, 30, 1, 1, 0, 5);
	for (int i = 0; i < N; i++) {
		double d = a[i] - 0.5;
		length += d * d;
		sum += d;
		along += fabs((b[i] - 0.5) - 10 * d) > 1e-5;
	}
	assert_true(fabs(sqrt(length) - 3) < 1e-4); /* mu is the distance */
	assert_true(along == 0);		    /* and nothing but the distance */
	assert_true(fabs(sum) < 5 * 3);		    /* d has mean 0 */
	noise_perturb(b, x, N, 3, 1, 1, 1, 5);
	assert_memory_not_equal(a, b, 64);
	noise_perturb(b, x, N, 3, 1, 1, 0, 6);
	assert_memory_not_equal(a, b, 64);
	noise_perturb(b, x, N, 3, 1, 2, 0, 5);
	assert_memory_not_equal(a, b, 64);
	noise_perturb(b, x, N, 2, 0, 1, 0, 5); /* not divided: the largest change is mu */
	for (int i = 0; i < N; i++) /* not fmax(): GCC 12 for aarch64 breaks down over it */
		if (!(fabs(b[i] - 0.5) <= largest))
			largest = fabs(b[i] - 0.5);
	assert_true(largest <= 2 && largest > 1.99);
	noise_perturb(b, x, N, 0, 1, 1, 0, 5);
	assert_memory_equal(b, x, N * sizeof *x);
	memcpy(b, x, N * sizeof *x);
	noise_perturb(b, b, N, 3, 1, 1, 0, 5); /* in place */
	assert_memory_equal(a, b, N * sizeof *a);
	free(x);
	free(a);
	free(b);
}

/* By the definitions, of any size and no further: each record's numbers are those of its own sequence. */
static void as_defined(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct rng draw, own;
		struct moments m = { .channels = 1 + (int)(i % 3), .n = 2 };
		float x[64], out[65], want[64];
		double d[64], squares = 0, mu = i % 7, unit = i % 2;
		rng_init(&draw, 3, RNG_TEST, i, 0);
		size_t pixels = 1 + rng_below(&draw, 20), n = pixels * (size_t)m.channels;
		for (size_t k = 0; k < n; k++)
			x[k] = (float)rng_real(&draw);
		for (int k = 0; k < m.channels; k++) {
			m.sum[k] = 100 + (uint64_t)k;
			m.squares[k] = m.sum[k] * m.sum[k];
		}
		rng_init(&own, i, RNG_NOISE, i % 5, i * 3);
		for (size_t k = 0; k < n; k++) {
			d[k] = 2 * rng_real(&own) - 1;
			squares += d[k] * d[k];
		}
		for (size_t k = 0; k < n; k++)
			want[k] = (float)(x[k] + (unit ? mu / sqrt(squares) : mu) * d[k]);
		out[n] = 7;
		double norm = noise_perturb(out, x, n, mu, (int)unit, i, i % 5, i * 3);
		assert_true(fabs(norm - sqrt(squares)) < 1e-12 && out[n] == 7);
		for (size_t k = 0; k < n; k++)
			assert_true(fabsf(out[k] - want[k]) < 1e-6f);
		rng_init(&own, i, RNG_NOISE, UINT32_MAX, i * 3);
		for (size_t k = 0; k < n; k++) {
			int c = (int)k % m.channels;
			want[k] = (float)(moments_mean(&m, c) + sqrt(moments_variance(&m, c)) * rng_normal(&own));
		}
		noise_gaussian(out, pixels, &m, i, i * 3);
		assert_true(out[n] == 7);
		for (size_t k = 0; k < n; k++)
			assert_true(fabsf(out[k] - want[k]) < 1e-6f);
	}
}

static void bytes_and_back(void **state)
{
	(void)state;
	unsigned char all[256], back[256];
	float f[256];
	uint64_t clipped = 0;
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	pixels_to_f32(f, all, 256);
	assert_true(f[0] == 0 && f[255] == 1);
	pixels_to_raw(back, f, 256, &clipped);
	assert_memory_equal(all, back, 256);
	assert_int_equal(clipped, 0);
	static const float out[5] = { -0.01f, 1.01f, 100, -0.001f, 1.001f };
	pixels_to_raw(back, out, 5, &clipped);
	assert_memory_equal(back, "\0\377\377\0\377", 5);
	assert_int_equal(clipped, 3); /* the last two round into range */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(moments), cmocka_unit_test(gaussian),
					    cmocka_unit_test(perturbation), cmocka_unit_test(as_defined),
					    cmocka_unit_test(bytes_and_back) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
