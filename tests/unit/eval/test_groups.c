/* Groups: the permutation test holds its level at unequal sizes, finds what is there, and is the chi-squared test where
 * that holds; intervals of groups hold together; the worst group in columns, and files of lines with ids, by plain
 * arithmetic. */
#include "eval/groups/differ.h"
#include "eval/groups/id_lines.h"
#include "eval/groups/worst.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"
#include "tests/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 4000 };
static struct err err;
static conf_key key[MOST];
static double nll[MOST], brier[MOST];
static uint32_t group[MOST];

/* n records in groups of 1/8, 2/8 and 5/8; those of the first are wrong more often, by `worse`. */
static struct rows simulate(size_t n, double worse, uint32_t set)
{
	struct rng rng;
	rng_init(&rng, 5, RNG_TEST, set, 0);
	for (size_t i = 0; i < n; i++) {
		double c = 0.5 + rng_real(&rng) / 2;
		group[i] = i % 8 < 1 ? 0 : i % 8 < 3 ? 1 : 2;
		int right = rng_real(&rng) < c - (group[i] ? 0 : worse);
		key[i] = conf_pack(c, 1 - c, right);
		nll[i] = -log(right ? c : 1 - c);
		brier[i] = 2 * (right - c) * (right - c);
	}
	return (struct rows){ .n = n, .key = key, .nll = nll, .brier = brier };
}

static void level_is_held(void **state)
{
	(void)state;
	enum { SETS = 400 };
	int below[DIFFER_METRICS] = { 0 };
	double sum[DIFFER_METRICS] = { 0 };
	for (uint32_t s = 0; s < SETS; s++) {
		struct rows w = simulate(80, 0, s);
		struct differ d;
		assert_int_equal(differ_of(&d, &w, group, 3, 15, s, 1, NULL, &err), 0);
		assert_int_equal(d.rounds, DIFFER_ROUNDS);
		for (int m = 0; m < DIFFER_METRICS; m++) {
			below[m] += d.p[m] <= 0.05;
			sum[m] += d.p[m];
		}
	}
	for (int m = 0; m < DIFFER_METRICS; m++) { /* 20 expected, deviation 4.4; mean 1/2, deviation .0144 */
		assert_true(below[m] >= 5 && below[m] <= 37);
		assert_true(sum[m] / SETS > 0.44 && sum[m] / SETS < 0.58); /* ties of few records count for p */
	}
}

static void a_difference_is_found(void **state)
{
	(void)state;
	struct rows w = simulate(4000, 0.2, 1);
	struct differ d, again;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	for (int m = 0; m < DIFFER_METRICS; m++)
		assert_true(d.p[m] == 0.001);
	assert_int_equal(differ_of(&again, &w, group, 3, 15, 1, 3, NULL, &err), 0);
	assert_memory_equal(&d, &again, sizeof d);
}

static void accuracy_is_chi_squared(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < 5; s++) {
		struct rows w = simulate(4000, 0.01 * s, 10 + s);
		struct differ d;
		double n[3] = { 0 }, right[3] = { 0 }, all = 0, chi = 0;
		for (size_t i = 0; i < w.n; i++) {
			n[group[i]]++;
			right[group[i]] += conf_right(key[i]);
			all += conf_right(key[i]);
		}
		double p = all / (double)w.n;
		for (int g = 0; g < 3; g++)
			chi += (right[g] - n[g] * p) * (right[g] - n[g] * p) / (n[g] * p * (1 - p));
		assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 0, NULL, &err), 0);
		double want = exp(-chi / 2); /* two degrees of freedom */
		assert_true(fabs(d.p[0] - want) <= 0.002 + 4 * sqrt(want * (1 - want) / DIFFER_ROUNDS));
	}
}

/* Of more groups than fit at once the deals are dealt twice, a part at a time: by the definition, deal by deal. */
static void many_groups(void **state)
{
	(void)state;
	enum { GROUPS = 1800, N = 3600 };
	static double right[DIFFER_ROUNDS + 1][GROUPS], mean[GROUPS];
	static uint32_t of[N];
	struct rows w = simulate(N, 0, 3);
	struct differ d, again;
	double t[DIFFER_ROUNDS + 1] = { 0 };
	int as_large = 0;
	for (size_t i = 0; i < N; i++)
		group[i] = (uint32_t)i % GROUPS;
	for (size_t i = 0; i < N / 90; i++) /* some pairs are alike */
		key[i] = key[i + GROUPS];
	assert_int_equal(differ_of(&d, &w, group, GROUPS, 15, 4, 1, NULL, &err), 0);
	assert_int_equal(differ_of(&again, &w, group, GROUPS, 15, 4, 3, NULL, &err), 0);
	assert_memory_equal(&d, &again, sizeof d);
	for (int r = 0; r <= DIFFER_ROUNDS; r++) {
		struct rng rng;
		memcpy(of, group, sizeof of);
		rng_init(&rng, 4, RNG_GROUPS, (uint32_t)r, 0);
		if (r)
			rng_shuffle(&rng, of, N);
		for (size_t i = 0; i < N; i++)
			right[r][of[i]] += conf_right(key[i]) / 2.0;
		for (size_t g = 0; g < GROUPS; g++)
			mean[g] += right[r][g] / (DIFFER_ROUNDS + 1);
	}
	for (int r = 0; r <= DIFFER_ROUNDS; r++) {
		for (size_t g = 0; g < GROUPS; g++)
			t[r] += 2 * (right[r][g] - mean[g]) * (right[r][g] - mean[g]);
		as_large += t[r] >= t[0] * (1 - 1e-9);
	}
	assert_true(as_large > 1 && as_large < DIFFER_ROUNDS);
	assert_true(d.p[0] == as_large / (DIFFER_ROUNDS + 1.0));
}

/* accuracy, ece, oe, nll, brier and gap of the records of one group, by their definitions. */
static void plain_values(const struct rows *w, const uint32_t *of, uint32_t which, int bins, double *v)
{
	double n = 0;
	memset(v, 0, DIFFER_METRICS * sizeof *v);
	for (int b = -1; b < bins; b++) { /* first all of them */
		double conf = 0, right = 0, size = 0;
		for (size_t i = 0; i < w->n; i++) {
			double p = conf_p(w->key[i]);
			if (of[i] != which || (b >= 0 && !(p * bins > b && p * bins <= b + 1)))
				continue;
			size++;
			conf += p;
			right += conf_right(w->key[i]);
			v[3] += b < 0 ? w->nll[i] : 0;
			v[4] += b < 0 ? w->brier[i] : 0;
		}
		if (b < 0) {
			n = size;
			v[0] = right / n;
			v[5] = (conf - right) / n;
		} else if (size > 0) {
			v[1] += fabs(conf - right) / n;
			v[2] += conf / size * fmax(conf - right, 0) / n;
		}
	}
	v[3] /= n;
	v[4] /= n;
}

static void each_metric_by_dealing(void **state)
{
	(void)state;
	enum { ROUNDS = DIFFER_ROUNDS, GROUPS = 4 };
	static double value[ROUNDS + 1][GROUPS][DIFFER_METRICS];
	for (uint32_t set = 0; set < 3; set++) {
		struct rows w = simulate(40 + 20 * set, 0.1, 50 + set);
		struct differ d;
		uint32_t of[MOST], groups = 2 + set % 3;
		double mean[GROUPS][DIFFER_METRICS] = { { 0 } }, size[GROUPS] = { 0 };
		int bins = 3 + 4 * (int)set;
		for (size_t i = 0; i < w.n; i++) {
			group[i] = (uint32_t)i % 7 % groups;
			size[group[i]]++;
		}
		assert_int_equal(differ_of(&d, &w, group, (int)groups, bins, set, 1, NULL, &err), 0);
		for (uint32_t r = 0; r <= ROUNDS; r++) {
			struct rng rng;
			memcpy(of, group, w.n * sizeof *of);
			rng_init(&rng, set, RNG_GROUPS, r, 0);
			if (r)
				rng_shuffle(&rng, of, w.n);
			for (uint32_t g = 0; g < groups; g++) {
				plain_values(&w, of, g, bins, value[r][g]);
				for (int m = 0; m < DIFFER_METRICS; m++)
					mean[g][m] += value[r][g][m] / (ROUNDS + 1);
			}
		}
		for (int m = 0; m < DIFFER_METRICS; m++) {
			double given = 0;
			int as_large = 0;
			for (uint32_t r = 0; r <= ROUNDS; r++) {
				double t = 0;
				for (uint32_t g = 0; g < groups; g++)
					t += size[g] * pow(value[r][g][m] - mean[g][m], 2);
				given = r ? given : t;
				as_large += t >= given * (1 - 1e-9) - 1e-15;
			}
			if (d.p[m] != as_large / (ROUNDS + 1.0))
				fail_msg("set %u, %s: %g, not %g", set, differ_key[m], d.p[m],
					 as_large / (ROUNDS + 1.0));
		}
	}
}

static void what_has_no_answer(void **state)
{
	(void)state;
	struct rows w = simulate(80, 0, 1);
	struct differ d;
	assert_int_equal(differ_of(&d, &w, group, 1, 15, 1, 1, NULL, &err), 0);
	assert_true(isnan(d.p[0]));
	nll[3] = INFINITY;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	assert_true(isnan(d.p[3]) && d.p[4] > 0 && d.p[0] > 0);
	for (size_t i = 0; i < w.n; i++)
		key[i] |= CONF_RIGHT;
	assert_int_equal(differ_of(&d, &w, group, 3, 15, 1, 1, NULL, &err), 0);
	assert_true(d.p[0] == 1); /* all deals are equal */
}

/* Twenty groups of one model: all of their intervals hold the truth in about 95 of 100 sets, not in 0.95^20 = 36. */
static void intervals_hold_together(void **state)
{
	(void)state;
	enum { GROUPS = 20, EACH = 100, SETS = 400 };
	double z = normal_quantile_two_sided(worst_level(0.95, GROUPS));
	int held = 0;
	for (uint32_t s = 0; s < SETS; s++) {
		struct rng rng;
		int all = 1;
		rng_init(&rng, 6, RNG_TEST, s, 0);
		for (int g = 0; g < GROUPS; g++) {
			double k = 0, low, high;
			for (int i = 0; i < EACH; i++)
				k += rng_real(&rng) < 0.7;
			wilson(k, EACH, z, &low, &high);
			all &= low <= 0.7 && 0.7 <= high;
		}
		held += all;
	}
	assert_true(held >= 360 && held <= 396);
}

static void the_worst(void **state)
{
	(void)state;
	static struct score a, b, c;
	const struct score *all[] = { &a, &b, &c };
	static const struct {
		const char *key;
		double of[3];
		int worst;
	} cases[] = { { "accuracy", { 0.7, 0.6, 0.6 }, 1 }, { "ece", { 0.1, NAN, 0.2 }, 2 },
		      { "gap", { -0.3, 0.2, 0 }, 0 },	    { "corp_dsc", { 0.2, 0.1, 0.3 }, 1 },
		      { "corp_unc", { 1, 2, 3 }, -1 },	    { "entropy", { 1, 2, 3 }, -1 },
		      { "oe", { NAN, NAN, NAN }, -1 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct metric *m = metric_table;
		while (strcmp(m->key, cases[i].key))
			m++;
		score_real(&a, m->key, 0, cases[i].of[0]);
		score_real(&b, m->key, 0, cases[i].of[1]);
		score_real(&c, m->key, 0, cases[i].of[2]);
		assert_int_equal(worst_of(all, 3, m, m->key), cases[i].worst);
	}
}

/* The cell of a row that is there. */
static const struct table_cell *cell(const struct table *t, const char *row, size_t column)
{
	for (size_t i = 0; i < t->n_rows; i++)
		if (!strcmp(table_key(t, i), row))
			return table_at(t, i, column);
	fail_msg("no row %s", row);
	return NULL;
}

/* The columns name each metric's worst group, with its value and interval as the group has it. */
static void the_worst_in_columns(void **state)
{
	(void)state;
	static const char *const name[] = { "g1", "g2", "g3", "g4" };
	static const char *const keys[] = { "accuracy", "ece", "entropy", "nll", "oe" };
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		static struct score made[4];
		const struct score *of[4] = { &made[0], &made[1], &made[2], &made[3] };
		double value[4][5];
		struct differ d = { .rounds = 7 };
		struct table t = { 0 };
		rng_init(&r, 14, RNG_TEST, i, 0);
		int n = 1 + (int)rng_below(&r, 4), worst[5];
		assert_int_equal(table_column(&t, "all", &err), 0);
		for (int k = 0; k < 5; k++)
			assert_int_equal(table_real(&t, keys[k], 0, &err), 0);
		for (int m = 0; m < DIFFER_METRICS; m++)
			d.p[m] = (m + 1) / 8.0;
		for (int g = 0; g < n; g++) {
			made[g].n = 0;
			for (int k = 0; k < 5; k++) {
				double v = value[g][k] = rng_below(&r, 5) ? rng_below(&r, 8) / 8.0 : NAN;
				score_real(&made[g], keys[k], 0, v);
				struct score_item *item = &made[g].item[k];
				for (item->metric = metric_table; strcmp(item->metric->key, keys[k]);)
					item->metric++;
				item->kind = rng_below(&r, 2) ? SCORE_INTERVAL : SCORE_REAL;
				item->low = v - 1;
				item->high = v + 1;
			}
		}
		for (int k = 0; k < 5; k++) {
			worst[k] = -1;
			for (int g = 0; g < n && k != 2; g++) {
				double v = value[g][k], most = worst[k] < 0 ? NAN : value[worst[k]][k];
				if (!isnan(v) && (isnan(most) || (k ? v > most : v < most)))
					worst[k] = g;
			}
		}
		assert_int_equal(worst_columns(&t, of, name, n, &d, &err), 0);
		assert_int_equal(t.n_columns, n > 1 ? 4 : 3);
		assert_string_equal(t.column[1], "worst group");
		assert_string_equal(t.column[2], "worst");
		for (int k = 0; k < 5; k++) {
			const struct table_cell *who = cell(&t, keys[k], 1), *got = cell(&t, keys[k], 2);
			if (worst[k] < 0) {
				assert_true(who->type == CELL_NONE && got->type == CELL_NONE);
				continue;
			}
			const struct score_item *want = &made[worst[k]].item[k];
			assert_string_equal(who->text, name[worst[k]]);
			assert_true(got->value == want->value);
			assert_int_equal(got->type, want->kind == SCORE_INTERVAL ? CELL_INTERVAL : CELL_REAL);
			assert_true(want->kind == SCORE_REAL || (got->low == want->low && got->high == want->high));
		}
		if (n > 1)
			assert_true(cell(&t, "permutations", 3)->count == 7 && cell(&t, "accuracy", 3)->value == 0.125);
		table_release(&t);
	}
}

static int count_text(void *arg, char *text, struct err *e)
{
	(void)e;
	*(size_t *)arg += strlen(text);
	return 0;
}

/* Lines of ids in any order, or of none, and records of several documents: each gets its own line, if all have one. */
static void lines_find_their_records(void **state)
{
	(void)state;
	enum { LINES = 40 };
	char path[SCRATCH_PATH];
	int matched = 0;
	assert_int_equal(scratch_file(path, "ids"), 0);
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct id_lines l;
		uint32_t line[LINES], item[LINES], order[LINES];
		uint64_t id[LINES];
		char text[LINES * 24 + 40];
		rng_init(&r, 15, RNG_TEST, i, 0);
		/* fault: 1 a line less, 2 a line more, 3 another id, 4 an id twice; the last two need ids */
		size_t n = 2 + rng_below(&r, LINES - 3), at = 0, letters = 0;
		int with_ids = (int)rng_below(&r, 2), head = with_ids && rng_below(&r, 2);
		uint32_t fault = rng_below(&r, with_ids ? 8 : 5);
		fault = fault > 4 || (!with_ids && fault > 2) ? 0 : fault;
		size_t lines = fault == 1 ? n - 1 : fault == 2 ? n + 1 : n;
		for (uint32_t k = 0; k < LINES; k++) {
			line[k] = k;
			order[k] = k;
			id[k] = 7 * k + rng_below(&r, 7);
		}
		if (with_ids)
			rng_shuffle(&r, order, lines);
		if (head)
			at = (size_t)snprintf(text, sizeof text, "ID\tgroup\n");
		for (size_t k = 0; k < lines; k++) {
			uint64_t own = id[order[k]];
			line[order[k]] = (uint32_t)k;
			own = fault == 3 && !order[k] ? 1000 : fault == 4 && !order[k] ? id[1] : own;
			if (with_ids)
				at += (size_t)snprintf(text + at, sizeof text - at, "%u\tx%s\n", (unsigned)own,
						       k % 3 ? "" : "\r");
			else
				at += (size_t)snprintf(text + at, sizeof text - at, "x\n");
		}
		assert_int_equal(scratch_put(path, text, at), 0);
		int rc = id_lines_read(&l, path, "group", count_text, &letters, &err);
		assert_int_equal(rc, fault == 4 ? -1 : 0);
		assert_int_equal(letters, lines);
		if (rc)
			continue;
		size_t first = rng_below(&r, (uint32_t)n + 1);
		struct rows list[2] = { { .n = first, .id = id, .name = (char *)(uintptr_t) "a" },
					{ .n = n - first, .id = id + first, .name = (char *)(uintptr_t) "b" } };
		rc = id_lines_match(&l, list, 2, item, &err);
		assert_int_equal(rc, fault ? -1 : 0);
		for (size_t k = 0; !rc && k < n; k++)
			assert_int_equal(item[k], line[k]);
		matched += !rc;
		id_lines_release(&l);
	}
	assert_true(matched > 100);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_is_held),
		cmocka_unit_test(a_difference_is_found),
		cmocka_unit_test(accuracy_is_chi_squared),
		cmocka_unit_test(many_groups),
		cmocka_unit_test(each_metric_by_dealing),
		cmocka_unit_test(what_has_no_answer),
		cmocka_unit_test(intervals_hold_together),
		cmocka_unit_test(the_worst),
		cmocka_unit_test(the_worst_in_columns),
		cmocka_unit_test(lines_find_their_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
