/* Whole scores: intervals cover what they should, spreads and orders are right. */
#include "eval/metrics/metrics.h"
#include "eval/metrics/score.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

/* n records of an overconfident model: right with probability c^2, c uniform in [0.4, 1]. */
static void draw(struct rows *w, size_t n, uint32_t time)
{
	struct rng r;
	*w = (struct rows){ .name = (char *)(uintptr_t) "test", .n = n };
	rng_init(&r, 21, RNG_TEST, time, 2);
	assert_int_equal(
		mem_alloc(&w->key, n, 8, &err) | mem_alloc(&w->nll, n, 8, &err) | mem_alloc(&w->brier, n, 8, &err), 0);
	w->sum.n = n;
	for (size_t i = 0; i < n; i++) {
		double c = 0.4 + 0.6 * rng_real(&r);
		int right = rng_real(&r) < c * c;
		w->key[i] = conf_pack(c, 1 - c, right);
		w->nll[i] = -log(right ? c : 1 - c);
		w->brier[i] = 2 * (right ? (1 - c) * (1 - c) : c * c);
		w->sum.right += (uint64_t)right;
		w->sum.conf += fix_of(c);
		w->sum.nll += fix_of(w->nll[i]);
		w->sum.brier += fix_of(w->brier[i]);
	}
	assert_int_equal(mem_alloc(&w->head.classes, 1, sizeof(char *), &err), 0);
	w->head.n_classes = 2;
	w->head.samples = 1;
}

static void release(struct rows *w)
{
	free(w->key);
	free(w->nll);
	free(w->brier);
	free(w->head.classes);
}

static void intervals_cover(void **state)
{
	(void)state;
	enum { TIMES = 200, N = 600, KEYS = 6 };
	static const char *const key[KEYS] = { "accuracy", "gap", "ece", "oe", "nll", "brier" };
	struct score_options options = {
		.bins = { 15 }, .n_bins = 1, .brief = 1, .rounds = 200, .level = 0.9, .seed = 1, .threads = 2
	};
	/* The truth: by integration over c, in the same bins for ECE and OE. */
	double truth[KEYS] = { 0 }, conf[15] = { 0 }, acc[15] = { 0 }, mass[15] = { 0 };
	int steps = 600000, hit[KEYS] = { 0 };
	for (int i = 0; i < steps; i++) {
		double c = 0.4 + 0.6 * (i + 0.5) / steps, p = c * c, d = 1.0 / steps;
		int b = bin_of(15, c);
		truth[0] += p * d;
		truth[1] += (c - p) * d;
		truth[4] += (-p * log(c) - (1 - p) * log(1 - c)) * d;
		truth[5] += 2 * (p * (1 - c) * (1 - c) + (1 - p) * c * c) * d;
		conf[b] += c * d;
		acc[b] += p * d;
		mass[b] += d;
	}
	for (int b = 0; b < 15; b++) {
		truth[2] += fabs(conf[b] - acc[b]);
		truth[3] += mass[b] > 0 ? conf[b] / mass[b] * fmax(0, conf[b] - acc[b]) : 0;
	}
	for (uint32_t t = 0; t < TIMES; t++) {
		struct rows w;
		struct score s;
		draw(&w, N, t);
		options.seed = t;
		assert_int_equal(score_rows(&s, &w, &options, &err), 0);
		for (int k = 0; k < KEYS; k++) {
			const struct score_item *v = score_find(&s, key[k]);
			assert_non_null(v);
			assert_int_equal(v->kind, SCORE_INTERVAL);
			hit[k] += v->low <= truth[k] && truth[k] <= v->high;
		}
		release(&w);
	}
	for (int k = 0; k < KEYS; k++) {
		print_message("%s: truth %.4f, covered by %d of %d intervals of level 0.9\n", key[k], truth[k], hit[k],
			      TIMES);
		assert_in_range(hit[k], 164, 196); /* 180 expected, standard deviation 4.2 */
	}
}

static void spread_over_seeds(void **state)
{
	(void)state;
	static struct score a[3], out;
	const struct score *in[3] = { &a[0], &a[1], &a[2] };
	for (int i = 0; i < 3; i++) {
		score_count(&a[i], "n", 10);
		score_real(&a[i], "ece", 0, i);
		score_text(&a[i], "split", "test");
	}
	score_spread(&out, in, 3);
	assert_int_equal(score_find(&out, "n")->kind, SCORE_COUNT);
	assert_true(score_find(&out, "ece")->value == 1 && score_find(&out, "ece")->low == 1);
	assert_string_equal(score_find(&out, "split")->text, "test");
}

static void every_number_has_its_place(void **state)
{
	(void)state;
	static struct score s;
	struct rows w;
	struct score_options options = {
		.bins = { 15, 100 }, .n_bins = 2, .floor_rounds = 50, .seed = 1, .threads = 1
	};
	static const char *const first[] = { "n", "accuracy", "ece", "oe", "nll", "brier", "gap", "bins" };
	draw(&w, 500, 1);
	assert_int_equal(score_rows(&s, &w, &options, &err), 0);
	for (int i = 0; i < 8; i++)
		assert_string_equal(s.item[i].key, first[i]);
	for (int i = 0; i < s.n; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(s.item[i].key, s.item[j].key);
	assert_true(s.n < SCORE_ITEMS);
	release(&w);
}

static void a_value_without_room_is_no_silent_loss(void **state)
{
	(void)state;
	static struct score s;
	struct table t = { 0 };
	char key[SCORE_KEY];
	for (int i = 0; i < SCORE_ITEMS; i++) {
		snprintf(key, sizeof key, "key%d", i);
		score_count(&s, key, 1);
	}
	assert_int_equal(score_show(&t, "whole", &s, &err), 0);
	score_count(&s, "one more", 2);
	assert_string_equal(s.item[SCORE_ITEMS - 1].key, key);
	assert_int_equal(score_show(&t, "more", &s, &err), -1);
	assert_string_equal(err.msg, "more: 1 values more than the 200 that a table holds");
	table_release(&t);
}

/* Of records of which some have no loss: their mean, and the deviation of that. */
static void loss_of(const double *v, size_t n, double *mean, double *error)
{
	double m = 0, unit = 0, square = 0;
	*mean = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(v[i])) {
			*mean += v[i];
			m++;
		}
	*mean /= m;
	for (size_t i = 0; i < n; i++)
		unit = isnan(v[i]) ? unit : fmax(unit, fabs(v[i] - *mean));
	for (size_t i = 0; i < n; i++)
		square += isnan(v[i]) ? 0 : (v[i] - *mean) / unit * ((v[i] - *mean) / unit);
	*error = unit * sqrt(square) / m;
}

static void near_interval(const struct score *s, const char *key, double mean, double error)
{
	const struct score_item *v = score_find(s, key);
	assert_int_equal(v->kind, SCORE_INTERVAL);
	if (!(fabs(v->low - (mean - 1.645 * error)) < 0.35 * error) ||
	    !(fabs(v->high - (mean + 1.645 * error)) < 0.35 * error))
		fail_msg("%s: %.9g to %.9g, not %.9g -+ %.9g", key, v->low, v->high, mean, 1.645 * error);
}

/* Of so many records that cells are counted, losses have a normal's interval about their mean, however far from 0 that
 * lies and whatever their unit, and shares of right ones nearly so. */
static void means_of_many(void **state)
{
	(void)state;
	static const double unit[] = { 1e200, 1 };
	for (uint32_t i = 0; i < 2; i++) {
		static struct score s;
		struct score_options o = { .bins = { 15 }, .n_bins = 1, .brief = 1, .level = 0.9, .seed = i };
		struct rows w;
		struct rng r;
		double mean, error;
		size_t n = 8193 + 500 * i;
		rng_init(&r, 22, RNG_TEST, i, 0);
		draw(&w, n, 40 + i);
		assert_int_equal(score_rows(&s, &w, &o, &err), 0);
		for (size_t j = 0; j < n; j++) {
			w.nll[j] = j % 9 == i ? NAN : (40 + 0.01 * rng_normal(&r)) * unit[i];
			w.brier[j] = j % 7 == i ? NAN : 0.7 + 1e-5 * rng_normal(&r);
		}
		w.nll[0] = 45 * unit[i]; /* far from all others */
		w.brier[0] = 0.71;
		o.rounds = 120;
		o.threads = 2;
		for (int k = 0; k < s.n; k++) {
			struct score_item *v = &s.item[k];
			if (!strcmp(v->key, "nll") || !strcmp(v->key, "brier"))
				loss_of(*v->key == 'n' ? w.nll : w.brier, n, &v->value, &error);
		}
		assert_int_equal(score_bootstrap(&s, &w, &o, &err), 0);
		loss_of(w.nll, n, &mean, &error);
		near_interval(&s, "nll", mean, error);
		loss_of(w.brier, n, &mean, &error);
		near_interval(&s, "brier", mean, error);
		mean = score_find(&s, "accuracy")->value;
		near_interval(&s, "accuracy", mean, sqrt(mean * (1 - mean) / (double)n));
		release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_value_without_room_is_no_silent_loss),
					    cmocka_unit_test(intervals_cover), cmocka_unit_test(spread_over_seeds),
					    cmocka_unit_test(every_number_has_its_place),
					    cmocka_unit_test(means_of_many) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
