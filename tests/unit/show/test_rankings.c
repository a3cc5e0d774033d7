/* Curves of a ranking and the surest mistakes, line for line, against looking through all records for each. */
#include "eval/metrics/roc.h"
#include "eval/show/curves.h"
#include "eval/show/worst.h"
#include "pipeline/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/eval/eval_keys.h"

enum { MOST = 4000 };

/* What is written to a file in memory. */
static char *text;
static size_t length;

static FILE *begin(void)
{
	return open_memstream(&text, &length);
}

/* The next line is this one. */
static const char *line_is(const char *at, const char *want)
{
	size_t n = strlen(want);
	if (strncmp(at, want, n) || at[n] != '\n')
		fail_msg("'%.*s', not '%s'", (int)strcspn(at, "\n"), at, want);
	return at + n + 1;
}

/* Of few records every step is shown, and of many the first 1,000 and those a thousandth further than the last. */
static int is_shown(size_t at, size_t shown, size_t n)
{
	return at == n || at <= 1000 || at - shown >= n / 1000;
}

static size_t draw_size(int i)
{
	static const size_t edge[] = { 1, 2, 999, 1000, 1001, 1999, 2000, 2001, 3000, 4000 };
	return i < 20 ? edge[i / 2] : 1 + rng_below(&r, i % 10 ? 60 : MOST);
}

static void risk_against_coverage(void **state)
{
	(void)state;
	static conf_key k[MOST];
	for (int i = 0; i < 80; i++) {
		size_t n = draw_size(i), taken = 0, wrong = 0, shown = 0;
		struct curve_options options = { .level = 0.5 + 0.49 * rng_real(&r) };
		double z = normal_quantile_two_sided(options.level), low, high;
		char want[200];
		sorted(k, n, i % 6, 1);
		FILE *to = begin();
		curve_risk("a\tb", k, n, &options, to);
		fclose(to);
		const char *at = text;
		while (taken < n) {
			double p = conf_p(k[n - 1 - taken]);
			uint64_t same = conf_order(k[n - 1 - taken]);
			for (; taken < n && conf_order(k[n - 1 - taken]) == same; taken++)
				wrong += !conf_right(k[n - 1 - taken]);
			if (!is_shown(taken, shown, n))
				continue;
			shown = taken;
			wilson((double)wrong, (double)taken, z, &low, &high);
			snprintf(want, sizeof want, "a\\tb\t%.9g\t%zu\t%.9g\t%.9g\t%.9g\t%.9g",
				 (double)taken / (double)n, taken, p, (double)wrong / (double)taken, low, high);
			at = line_is(at, want);
		}
		assert_int_equal(*at, 0);
		free(text);
	}
}

static double score_of(uint64_t key, int kind)
{
	return roc_score(key) + kind;
}

static size_t at_least(const double *v, size_t n, double t)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		m += v[i] >= t;
	return m;
}

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x < y) - (x > y);
}

static void thresholds(void **state)
{
	(void)state;
	static double v[MOST], step[MOST];
	for (int i = 0; i < 60; i++) {
		size_t n = draw_size(i) + 1, shown = 0;
		n = n > MOST ? MOST : n;
		size_t p = 1 + rng_below(&r, (uint32_t)n - 1);
		uint32_t values = i % 3 ? 4 * MOST : 5;
		int precision = i % 2, kind = (int)rng_below(&r, 3);
		struct roc roc;
		char want[200];
		for (size_t j = 0; j < n; j++)
			step[j] = v[j] = rng_below(&r, values) / 8.0;
		assert_int_equal(roc_open(&roc, p, n - p, &err), 0);
		for (size_t j = 0; j < n; j++)
			*(j < p ? &roc.pos[j] : &roc.neg[j - p]) = roc_key(v[j]);
		assert_int_equal(roc_sort(&roc, &err), 0);
		FILE *to = begin();
		curve_roc("s", &roc, precision, score_of, kind, to);
		fclose(to);
		const char *at = precision ? text : line_is(text, "s\t0\t0\t");
		qsort(step, n, sizeof *step, falling);
		for (size_t j = 0; j < n; j++) {
			if (j && step[j] == step[j - 1])
				continue;
			double tp = (double)at_least(v, p, step[j]), fp = (double)at_least(v + p, n - p, step[j]);
			if (!is_shown((size_t)(tp + fp), shown, n))
				continue;
			shown = (size_t)(tp + fp);
			double tpr = tp / (double)p, other = precision ? tp / (tp + fp) : fp / (double)(n - p);
			snprintf(want, sizeof want, "s\t%.9g\t%.9g\t%.9g", precision ? tpr : other,
				 precision ? other : tpr, step[j] + kind);
			at = line_is(at, want);
		}
		assert_int_equal(*at, 0);
		free(text);
		roc_release(&roc);
	}
}

/* The surest of those that are wrong and were not named yet, the first of several alike. */
static size_t next_wrong(const struct rows *w, const int *named)
{
	size_t best = w->n;
	for (size_t j = 0; j < w->n; j++)
		if (!named[j] && !conf_right(w->key[j]) &&
		    (best == w->n || conf_order(w->key[j]) > conf_order(w->key[best])))
			best = j;
	return best;
}

static void surest_mistakes(void **state)
{
	(void)state;
	static char names[] = "one\ttwo three";
	char *class[] = { (char *)(uintptr_t) "a", (char *)(uintptr_t) "b\n", (char *)(uintptr_t) "" };
	static const char *const shown[] = { "a", "b\\n", "" };
	static const struct {
		struct row_name at;
		const char *shown;
	} name[] = { { { 0, 3 }, "one" }, { { 0, 7 }, "one\\ttwo" }, { { 8, 5 }, "three" }, { { 4, 0 }, "" } };
	for (int i = 0; i < 200; i++) {
		conf_key k[60];
		uint64_t id[60];
		int32_t label[60], predicted[60];
		struct row_name name_of[60];
		int named[60] = { 0 }, which[60];
		char want[200];
		struct rows w = { .n = 1 + rng_below(&r, 60),
				  .key = k,
				  .id = id,
				  .label = label,
				  .predicted = predicted,
				  .name_of = name_of,
				  .names = names };
		size_t most = rng_below(&r, 30);
		w.head.classes = class;
		make(k, w.n, i % 6, i % 4);
		for (size_t j = 0; j < w.n; j++) {
			id[j] = rng_below(&r, 3) ? rng_below(&r, 1000) : UINT64_MAX - j;
			label[j] = (int32_t)rng_below(&r, 3);
			predicted[j] = (int32_t)rng_below(&r, 3);
			which[j] = (int)rng_below(&r, 4);
			name_of[j] = name[which[j]].at;
		}
		FILE *to = begin();
		assert_int_equal(worst_write("s\t1", &w, most, to, &err), 0);
		fclose(to);
		const char *at = text;
		for (size_t j; most-- > 0 && (j = next_wrong(&w, named)) < w.n; named[j] = 1) {
			snprintf(want, sizeof want, "s\\t1\t%llu\t%s\t%s\t%.9g\t%s", (unsigned long long)id[j],
				 shown[label[j]], shown[predicted[j]], conf_p(k[j]), name[which[j]].shown);
			at = line_is(at, want);
		}
		assert_int_equal(*at, 0);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(risk_against_coverage, seed),
		cmocka_unit_test_setup(thresholds, seed),
		cmocka_unit_test_setup(surest_mistakes, seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
