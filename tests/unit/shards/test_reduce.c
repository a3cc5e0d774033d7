/* The order of additions of sums over shards: pinned by formulas, and kept wherever the tree is cut. Products and sums
 * are rounded one by one here, by volatile. */
#include "models/ranks/reduce.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 64, N = 37 };

static float v[MOST][N], weight[MOST];

static void draw(uint32_t number)
{
	struct rng r;
	rng_init(&r, 61, RNG_TEST, number, 0);
	for (int s = 0; s < MOST; s++) {
		weight[s] = (float)rng_real(&r);
		for (int i = 0; i < N; i++)
			v[s][i] = (float)rng_normal(&r) * (rng_below(&r, 4) ? 1 : 1e3f);
	}
}

static float times(int s, int i)
{
	volatile float p = v[s][i] * weight[s];
	return p;
}

static float plus(float a, float b)
{
	volatile float sum = a + b;
	return sum;
}

/* The definition. */
static float tree(int first, int n, int i)
{
	return n == 1 ? times(first, i) : plus(tree(first, n / 2, i), tree(first + n / 2, n / 2, i));
}

/* Of vectors first, first + 1, ...; to[n]. */
static void sum_up(int first, int vectors, size_t n, float *to)
{
	struct reduce r;
	struct err err = ERR_NONE;
	assert_int_equal(reduce_open(&r, vectors, N, &err), 0);
	for (int again = 0; again < 2; again++) { /* the second sum knows nothing of the first */
		reduce_begin(&r, n);
		for (int s = 0; s < vectors; s++) {
			memcpy(reduce_next(&r), v[first + s], n * sizeof *to);
			reduce_add(&r, weight[first + s]);
		}
	}
	memcpy(to, reduce_sum(&r), n * sizeof *to);
	reduce_release(&r);
}

static void eight_by_formula(void **state)
{
	int in_turn = 0;
	(void)state;
	for (uint32_t number = 0; number < 10; number++) {
		float got[N];
		draw(number);
		sum_up(0, 8, N, got);
		for (int i = 0; i < N; i++) {
			float a = plus(plus(times(0, i), times(1, i)), plus(times(2, i), times(3, i)));
			float b = plus(plus(times(4, i), times(5, i)), plus(times(6, i), times(7, i)));
			float want = plus(a, b), one = times(0, i);
			for (int s = 1; s < 8; s++)
				one = plus(one, times(s, i));
			assert_memory_equal(&got[i], &want, sizeof want);
			in_turn += one != want;
		}
	}
	assert_in_range(in_turn, 50, 370); /* another order shows */
}

static void any_number(void **state)
{
	(void)state;
	for (int vectors = 1; vectors <= MOST; vectors *= 2) {
		float got[N];
		draw((uint32_t)vectors);
		sum_up(0, vectors, N - 5, got);
		for (int i = 0; i < N - 5; i++) {
			float want = tree(0, vectors, i);
			assert_memory_equal(&got[i], &want, sizeof want);
		}
	}
}

/* R parts add up their own vectors; the rest of the tree is reduce_rows'. Rows are cut into slices, as where each part
 * adds up one: */
static void cut_anywhere(void **state)
{
	(void)state;
	for (int parts = 1; parts <= 16; parts *= 2)
		for (int slices = 1; slices <= 3; slices++) {
			static float row[16 * N];
			float whole[N], got[N];
			size_t n = N / (size_t)slices;
			draw((uint32_t)(100 + parts));
			sum_up(0, 16, N, whole);
			for (int k = 0; k < slices; k++) {
				for (int p = 0; p < parts; p++) {
					float mine[N];
					sum_up(p * (16 / parts), 16 / parts, N, mine);
					memcpy(row + (size_t)p * n, mine + (size_t)k * n, n * sizeof *mine);
				}
				reduce_rows(row, parts, n);
				memcpy(got + (size_t)k * n, row, n * sizeof *got);
			}
			assert_memory_equal(got, whole, n * (size_t)slices * sizeof *got);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(eight_by_formula), cmocka_unit_test(any_number),
					    cmocka_unit_test(cut_anywhere) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
