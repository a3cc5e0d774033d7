/* No number of a record depends on the order of its classes or of its samples: every permutation gives the same bits,
 * with every instruction set, a record at a time or eight side by side. */
#include "eval/records/rows_block.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 1000, ROOM = MOST + LANES };
#define ALIGNED __attribute__((aligned(64)))

/* Logits of a few kinds: near one another, far apart, on a grid with ties, some -Inf. */
static void draw_logits(struct rng *r, double *z, int k, int kind)
{
	for (int j = 0; j < k; j++) {
		z[j] = (kind % 4 == 0 ? 1 : kind % 4 == 1 ? 30 : 300) * rng_normal(r);
		if (kind % 4 == 3)
			z[j] = rng_below(r, 5) ? floor(z[j] / 200) : -INFINITY;
	}
	z[rng_below(r, (uint32_t)k)] = 1;
}

static void same_soft(const struct soft *a, const struct soft *b)
{
	const double x[] = { a->max, a->rest, a->square, a->slope, a->spread, a->scale, a->label, a->label_e };
	const double y[] = { b->max, b->rest, b->square, b->slope, b->spread, b->scale, b->label, b->label_e };
	assert_memory_equal(x, y, sizeof x);
	assert_int_equal(a->tied, b->tied);
}

/* The kernels: a record of k logits and permutations of it, as float and double, in rows and in lanes. */
static void kernels_do_not_see_it(void **state)
{
	(void)state;
	static double z[MOST], moved[MOST], x[ROOM] ALIGNED, lane[MOST * LANES] ALIGNED;
	static float f[MOST];
	static uint32_t at[MOST];
	const struct softmax_ops *ops;
	struct rng r;
	rng_init(&r, 11, RNG_TEST, 0, 0);
	for (int v = 0; (ops = softmax_variant(v)); v++)
		for (int t = 0; t < 400; t++) {
			int k = 2 + (int)rng_below(&r, t % 8 ? 60 : MOST - 1), label = (int)rng_below(&r, (uint32_t)k);
			struct soft first[3], again, eight[LANES];
			draw_logits(&r, z, k, t);
			for (int j = 0; j < k; j++)
				z[j] = (float)z[j];
			for (uint32_t j = 0; j < (uint32_t)k; j++)
				at[j] = j;
			for (int round = 0; round < 8; round++) {
				int32_t labels[LANES] = { 0 };
				for (int j = 0; j < k; j++) {
					moved[j] = z[at[j]];
					f[j] = (float)moved[j];
				}
				for (int j = 0; j < k; j++)
					if (at[j] == (uint32_t)label)
						labels[0] = j;
				ops->row_f64(moved, k, labels[0], x, &again);
				first[0] = round ? first[0] : again;
				same_soft(&first[0], &again);
				ops->row_f32(f, k, labels[0], x, &again);
				first[1] = round ? first[1] : again;
				same_soft(&first[1], &again);
				if (k < SMALL_CLASSES) {
					for (int j = 0; j < LANES; j++)
						labels[j] = labels[0];
					for (int j = 0; j < k * LANES; j++)
						lane[j] = moved[j / LANES];
					ops->lanes(lane, k, labels, eight);
					first[2] = round ? first[2] : eight[0];
					same_soft(&first[2], &eight[round]);
				}
				rng_shuffle(&r, at, (size_t)k);
			}
		}
}

struct shape {
	int classes, samples;
	enum stream_values values;
	enum stream_dtype dtype;
};

/* n records, values [n][samples][classes] as doubles, into results. */
static void score_records(const struct shape *s, const double *value, const int32_t *label, uint32_t n,
			  struct results *out)
{
	const struct rows_options options = { .columns = COL_PREDICTED | COL_NLL | COL_BRIER | COL_ENTROPY |
							 COL_MUTUAL | COL_MAX_LOGIT | COL_ENERGY | COL_MARGIN };
	struct stream_head head = { .kind = STREAM_LOGITS,
				    .n_classes = s->classes,
				    .samples = s->samples,
				    .values = s->values,
				    .dtype = s->dtype };
	size_t all = (size_t)n * (size_t)s->samples * (size_t)s->classes;
	float *narrow = calloc(all, sizeof *narrow);
	uint8_t *split = calloc(n, 1);
	uint64_t *id = calloc(n, sizeof *id);
	struct err err = ERR_NONE;
	struct tally tally = { 0 };
	for (size_t i = 0; i < all; i++)
		narrow[i] = (float)value[i];
	struct block b = { .type = BLOCK_ROWS, .n = n, .id = id, .label = (int32_t *)(uintptr_t)label, .split = split };
	b.data = s->dtype == DTYPE_F64 ? (unsigned char *)(uintptr_t)value : (unsigned char *)narrow;
	*out = (struct results){ 0 };
	assert_int_equal(tally_init(&tally, &head, &options, &err), 0);
	assert_int_equal(tally_block(&tally, &head, &b, 0, out, "test", &err), 0);
	tally_release(&tally);
	free(narrow);
	free(split);
	free(id);
}

static void to_probabilities(double *z, int k)
{
	double max = -INFINITY, sum = 0;
	for (int j = 0; j < k; j++)
		max = fmax(max, z[j]);
	for (int j = 0; j < k; j++)
		sum += z[j] = exp(z[j] - max);
	for (int j = 0; j < k; j++)
		z[j] = (float)(z[j] / sum);
}

/* All records of a batch are one record whose classes, and whose samples, were shuffled. */
static void one_shape(const struct shape *s, struct rng *r, int kind)
{
	enum { N = 19 };
	size_t k = (size_t)s->classes, m = (size_t)s->samples;
	double *z = calloc(m * k, sizeof *z), *value = calloc(N * m * k, sizeof *value);
	uint32_t *at = calloc(k, sizeof *at), *pass = calloc(m, sizeof *pass);
	int32_t label[N] = { 0 };
	struct results out;
	uint32_t y = rng_below(r, (uint32_t)k);
	for (uint32_t j = 0; j < k; j++)
		at[j] = j;
	for (uint32_t i = 0; i < m; i++) {
		pass[i] = i;
		draw_logits(r, z + i * k, (int)k, kind);
		if (s->values == VALUES_PROBS)
			to_probabilities(z + i * k, (int)k);
	}
	for (size_t n = 0; n < N; n++) {
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < k; j++)
				value[(n * m + i) * k + j] = z[pass[i] * k + at[j]];
		for (size_t j = 0; j < k; j++)
			if (at[j] == y)
				label[n] = (int32_t)j;
		rng_shuffle(r, at, k);
		rng_shuffle(r, pass, m);
	}
	score_records(s, value, label, N, &out);
	double *const column[] = { out.nll, out.brier, out.entropy, out.mutual, out.max_logit, out.energy, out.margin };
	for (size_t n = 1; n < N; n++) {
		assert_true(conf_order(out.key[n]) == conf_order(out.key[0]));
		for (size_t c = 0; c < sizeof column / sizeof *column; c++)
			assert_memory_equal(&column[c][n], &column[c][0], sizeof(double));
	}
	results_release(&out);
	free(z);
	free(value);
	free(at);
	free(pass);
}

static void records_do_not_see_it(void **state)
{
	(void)state;
	struct rng r;
	rng_init(&r, 12, RNG_TEST, 0, 0);
	for (int t = 0; t < 600; t++) {
		const struct shape s = { 2 + (int)rng_below(&r, t % 9 ? 50 : 600), t % 3 == 0 ? 1 : 2 + t % 7,
					 t % 2 ? VALUES_LOGITS : VALUES_PROBS, t % 5 < 2 ? DTYPE_F64 : DTYPE_F32 };
		one_shape(&s, &r, t / 2);
	}
}

/* For who has logits in memory. */
static void softmax_row_does_not_see_it(void **state)
{
	(void)state;
	static double z[MOST], moved[MOST], p[MOST];
	static uint32_t at[MOST];
	struct rng r;
	rng_init(&r, 13, RNG_TEST, 0, 0);
	for (int t = 0; t < 300; t++) {
		int k = 2 + (int)rng_below(&r, MOST - 1);
		double energy = 0, first = 0;
		draw_logits(&r, z, k, t);
		for (uint32_t j = 0; j < (uint32_t)k; j++)
			at[j] = j;
		for (int round = 0; round < 5; round++) {
			for (int j = 0; j < k; j++)
				moved[j] = z[at[j]];
			double e = softmax_row(moved, k, p);
			for (int j = 0; j < k; j++)
				if (at[j] == 0) {
					energy = round ? energy : e;
					first = round ? first : p[j];
					assert_memory_equal(&first, &p[j], sizeof first);
				}
			assert_memory_equal(&e, &energy, sizeof e);
			rng_shuffle(&r, at, (size_t)k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_do_not_see_it),
		cmocka_unit_test(records_do_not_see_it),
		cmocka_unit_test(softmax_row_does_not_see_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
