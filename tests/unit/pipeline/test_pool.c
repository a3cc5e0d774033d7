/* Every task runs exactly once, whatever the number of threads, and their results are the same. Worth running under
 * MODE=tsan. */
#include "pipeline/base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { TASKS = 1000, WIDEST = 8 };

struct work {
	int times[TASKS];    /* how often task i ran; only its runner writes */
	double sum[TASKS];
	double *scratch;     /* [WIDEST][64] */
	int bad_worker, threads;
};

static void task(void *arg, int i, int worker)
{
	struct work *w = arg;
	if (worker < 0 || worker >= w->threads)
		w->bad_worker = 1;
	double *mine = w->scratch + 64 * worker;
	for (int k = 0; k < 64; k++)
		mine[k] = 1.0 / (1 + i + k);
	for (int k = 0; k < 64; k++)
		w->sum[i] += mine[k];
	w->times[i]++;
}

static void every_task_once(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	double expected[TASKS] = { 0 }; /* by one thread */
	for (int threads = 1; threads <= WIDEST; threads++) {
		struct pool *p;
		double scratch[64 * WIDEST];
		assert_int_equal(pool_open(&p, threads, &err), 0);
		assert_int_equal(pool_threads(p), threads);
		for (int n = 0; n <= TASKS; n = n < 4 ? n + 1 : n * 5 / 2) {
			struct work w = { .scratch = scratch, .threads = threads };
			pool_run(p, n, task, &w);
			assert_false(w.bad_worker);
			for (int i = 0; i < TASKS; i++)
				assert_int_equal(w.times[i], i < n);
			if (threads == 1)
				memcpy(expected, w.sum, (size_t)n * sizeof *expected);
			for (int i = 0; i < n; i++)
				assert_true(w.sum[i] == expected[i]);
		}
		pool_close(p);
	}
}

/* Rounds follow each other at once, or after the workers fell asleep: no round may be lost. */
static void rounds_in_a_hurry(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct pool *p;
	double scratch[64 * WIDEST];
	assert_int_equal(pool_open(&p, 4, &err), 0);
	for (int round = 0; round < 2000; round++) {
		struct work w = { .scratch = scratch, .threads = 4 };
		pool_run(p, 7, task, &w);
		for (int i = 0; i < 7; i++)
			assert_int_equal(w.times[i], 1);
		if (round % 500 == 499)
			usleep(20000);
	}
	pool_close(p);
	for (int i = 0; i < 50; i++) { /* closed before, while and after the workers reach their wait */
		assert_int_equal(pool_open(&p, 3, &err), 0);
		pool_close(p);
	}
	pool_close(NULL);
	assert_int_equal(pool_open(&p, 0, &err), 0);
	assert_true(pool_threads(p) >= 1);
	pool_close(p);
}

/* Two tasks that wait for each other: they end only where two threads run them. */
static atomic_int met;

static void meet(void *arg, int i, int worker)
{
	(void)i, (void)worker;
	atomic_fetch_add(&met, 1);
	for (int k = 0; k < 8000 && atomic_load(&met) < 2; k++)
		usleep(1000);
	*(atomic_int *)arg += atomic_load(&met) == 2;
}

static void tasks_run_side_by_side(void **state)
{
	struct err err = ERR_NONE;
	struct pool *p;
	atomic_int together = 0;
	(void)state;
	assert_int_equal(pool_open(&p, 2, &err), 0);
	pool_run(p, 2, meet, &together);
	assert_int_equal(together, 2);
	pool_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_task_once), cmocka_unit_test(rounds_in_a_hurry),
					    cmocka_unit_test(tasks_run_side_by_side) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
