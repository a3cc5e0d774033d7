/* Floors, running sums, tables and the order of scores against plain versions: what the larger tests look at only
 * through a number or two. */
#include "eval/metrics/metrics.h"
#include "eval/metrics/score.h"
#include "eval/metrics/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "eval_keys.h"

static struct pool *pool;

#define near(got, want, tol) \
	do { \
		double g_ = (got), w_ = (want); \
		if (!(fabs(g_ - w_) <= (tol) * (1 + fabs(w_))) && !(isnan(g_) && isnan(w_))) \
			fail_msg("%s:%d: %s is %.17g, not %.17g", __func__, __LINE__, #got, g_, w_); \
	} while (0)

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* ece, oe, mce, rmsce of bins whose right records are off their confidences by `off`. */
static void errors_of(const double *n, const double *conf, const double *off, size_t stride, int bins, double e[4])
{
	double all = 0;
	for (int b = 0; b < bins; b++)
		all += n[b];
	e[0] = e[1] = e[2] = e[3] = 0;
	for (int b = 0; b < bins; b++) {
		double gap = -off[(size_t)b * stride] / n[b];
		if (!(n[b] > 0))
			continue;
		e[0] += n[b] / all * fabs(gap);
		e[1] += n[b] / all * conf[b] / n[b] * fmax(0, gap);
		e[2] = fmax(e[2], fabs(gap));
		e[3] += n[b] / all * gap * gap;
	}
	e[3] = sqrt(e[3]);
}

static void summed_up(double *v, int n, double seen, const struct floor_of *f)
{
	double sum = 0;
	int above = 0;
	for (int i = 0; i < n; i++) {
		sum += v[i];
		above += v[i] >= seen;
	}
	qsort(v, (size_t)n, sizeof *v, rising);
	near(f->mean, sum / n, 1e-12);
	near(f->p, (1.0 + above) / (n + 1), 1e-15);
	near(f->q95, v[(95 * n + 99) / 100 - 1], 1e-12);
}

static void floors_are_errors_of_the_draws(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		static conf_key k[4000];
		size_t n = 1 + rng_below(&r, i % 6 ? 200 : 4000);
		int bins = 1 + (int)rng_below(&r, 20), rounds = 1 + (int)rng_below(&r, 60);
		double count[20] = { 0 }, conf[20] = { 0 }, right[20] = { 0 }, off[20] = { 0 }, seen[4], e[4];
		double *draws = calloc((size_t)(bins * rounds), sizeof *draws), value[4][60];
		struct floors f;
		sorted(k, n, i % 6, 1.3);
		for (size_t j = 0; j < n; j++) {
			int b = bin_of(bins, conf_p(k[j]));
			count[b]++;
			conf[b] += conf_p(k[j]);
			right[b] += conf_right(k[j]);
		}
		for (int b = 0; b < bins; b++)
			off[b] = right[b] - conf[b];
		errors_of(count, conf, off, 1, bins, seen);
		assert_int_equal(null_draws(k, n, bins, rounds, 5, pool, draws, &err), 0);
		for (int t = 0; t < rounds; t++) {
			errors_of(count, conf, draws + t, (size_t)rounds, bins, e);
			for (int m = 0; m < 4; m++)
				/* a tie counts as above */
				value[m][t] = e[m] + (fabs(e[m] - seen[m]) < 1e-13 ? 1e-12 : 0);
		}
		assert_int_equal(null_floor(k, n, bins, rounds, 5, pool, &f, &err), 0);
		const struct floor_of *of[4] = { &f.ece, &f.oe, &f.mce, &f.rmsce };
		for (int m = 0; m < 4; m++)
			if (i % 6 != 5 && i % 6 != 1) /* where draws tie with what was seen but for rounding */
				summed_up(value[m], rounds, seen[m], of[m]);
		free(draws);
	}
}

/* A draw of a small bin is a count of right records less the sum of confidences; of a large one, a normal with a
 * skew. */
static void draws_by_hand(void **state)
{
	(void)state;
	enum { N = 3000, ROUNDS = 50 };
	static conf_key k[N];
	static double off[2 * ROUNDS];
	for (int i = 0; i < N; i++)
		k[i] = key_of(i < 30 ? 0.25 + 0.005 * i : 0.6 + 0.0001 * i, 1);
	assert_int_equal(null_draws(k, N, 2, ROUNDS, 77, pool, off, &err), 0);
	double sum = 0, variance = 0, third = 0;
	for (int i = 0; i < N; i++) {
		double p = conf_p(k[i]);
		if (i < 30) {
			sum += p;
			continue;
		}
		variance += p * (1 - p);
		third += p * (1 - p) * (1 - 2 * p);
	}
	for (int t = 0; t < ROUNDS; t++) {
		struct rng d;
		near(off[t] + sum, round(off[t] + sum), 1e-12);
		assert_true(off[t] + sum >= 0 && off[t] + sum <= 30);
		rng_init(&d, 77, RNG_FLOOR, (uint32_t)t, 1);
		double z = rng_normal(&d), skew = third / pow(variance, 1.5);
		near(off[ROUNDS + t], sqrt(variance) * (z + skew * (z * z - 1) / 6), 1e-10);
	}
}

static void running_sums(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++) {
		conf_key k[400];
		struct cumulative c;
		size_t n = 1 + rng_below(&r, i % 2 ? 100 : 400);
		double d = 0, low = 0, high = 0, variance = 0, group = 0, square = 0;
		sorted(k, n, i % 5 == 2 ? 0 : i % 5, 1.5);
		if (i % 4 == 2)
			tie_some(k, n);
		for (size_t j = 0; j < n; j++) {
			d += conf_right(k[j]) - conf_p(k[j]);
			variance += conf_p(k[j]) * conf_rest(k[j]);
			group += conf_p(k[j]) * conf_rest(k[j]);
			if (j + 1 < n && conf_order(k[j]) == conf_order(k[j + 1]))
				continue;
			low = fmin(low, d);
			high = fmax(high, d);
			square += group * group;
			group = 0;
		}
		cumulative_of(k, n, &c);
		double sigma = sqrt(variance), most = fmax(high, -low);
		near(c.ks_error, most / (double)n, 1e-12);
		near(c.kuiper_error, (high - low) / (double)n, 1e-12);
		near(c.doubt, variance, 1e-12);
		near(c.doubt_square, square, 1e-12);
		near(c.ks, most > 0 ? most / sigma : 0, 1e-9);
		near(c.kuiper, high > low ? (high - low) / sigma : 0, 1e-9);
		near(c.ks_p, ks_tail(c.ks), 1e-15);
		near(c.kuiper_p, kuiper_tail(c.kuiper), 1e-15);
	}
	conf_key sure[2] = { conf_pack(1, 0, 1), conf_pack(1, 0, 1) };
	struct cumulative c;
	cumulative_of(sure, 2, &c);
	assert_true(c.ks == 0 && c.ks_p == 1 && c.kuiper == 0 && c.kuiper_p == 1 && c.ks_error == 0);
	sure[0] = conf_pack(1, 0, 0); /* cannot be, if calibrated */
	cumulative_of(sure, 2, &c);
	assert_true(isinf(c.ks) && c.ks_p == 0 && isinf(c.kuiper) && c.kuiper_p == 0 && c.ks_error == 0.5);
	assert_true(ks_tail(0) == 1 && kuiper_tail(0) == 1 && ks_tail(40) == 0 && kuiper_tail(40) == 0);
	for (double x = 0; x < 8; x += 0.01) /* tails fall, from 1 to 0 */
		assert_true(ks_tail(x) >= ks_tail(x + 0.01) && kuiper_tail(x) >= kuiper_tail(x + 0.01) &&
			    ks_tail(x) <= 1 && kuiper_tail(x) <= 1);
}

/* AURC and AUGRC record by record; ties are rare, so that some are alone among many that are none. */
static void selective_of_few_ties(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		static conf_key k[600];
		size_t n = 1 + rng_below(&r, 600);
		struct selective s;
		long double aurc = 0, augrc = 0, wrong = 0;
		sorted(k, n, i % 5, 1);
		tie_some(k, i % 4 ? n : 0);
		selective_of(k, n, &s);
		for (size_t left = n, from; left; left = from) {
			long double bad = 0, size;
			for (from = left; from && conf_order(k[from - 1]) == conf_order(k[left - 1]); from--)
				bad += !conf_right(k[from - 1]);
			size = (long double)(left - from);
			for (size_t j = 1; j <= left - from; j++) {
				long double e = wrong + bad * (long double)j / size;
				aurc += e / (long double)(n - left + j);
				augrc += e;
			}
			wrong += bad;
		}
		near(s.aurc, (double)(aurc / (long double)n), 1e-13);
		near(s.augrc, (double)(augrc / (long double)n / (long double)n), 1e-13);
	}
}

static void rows_of(struct rows *w, size_t n, int classes)
{
	*w = (struct rows){ .name = (char *)(uintptr_t) "it",
			    .n = n,
			    .key = calloc(n, sizeof *w->key),
			    .documents = 2,
			    .split = ROWS_ALL };
	make(w->key, n, 4, 1.5);
	w->sum.n = n;
	w->sum.top5 = n / 2;
	w->sum.brier = fix_of(0.5 * (double)n);
	w->sum.nll = fix_of(2.0 * (double)n);
	w->sum.entropy = fix_of(0.25 * (double)n);
	w->sum.mutual = fix_of(0.125 * (double)n);
	w->head.n_classes = classes;
	w->head.samples = 2;
	w->head.dtype = DTYPE_F32;
}

/* Every key in its place, and the values that are only passed on. */
static void scores_in_order(void **state)
{
	(void)state;
	static const char then[] = "ece@7 oe@7 ece_floor@7 ece_floor95@7 ece_p@7 oe_floor@7 oe_floor95@7 split classes "
				   "documents samples values "
				   "floor_draws seed ";
	static struct score s;
	struct rows w;
	struct score_options options = { .bins = { 15, 7 }, .n_bins = 2, .floor_rounds = 20, .seed = 9, .threads = 1 };
	char got[2000] = "", want[2000] = "";
	rows_of(&w, 300, 6);
	assert_int_equal(score_rows(&s, &w, &options, &err), 0);
	for (int i = 0; i < s.n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", s.item[i].key);
	for (const struct metric *row = metric_table; row->key; row++)
		if (row->value && !(row->parts & (PART_CLASS_CELLS | PART_TRUTH)))
			snprintf(want + strlen(want), sizeof want - strlen(want), "%s ", row->key);
	snprintf(want + strlen(want), sizeof want - strlen(want), "%s", then);
	assert_string_equal(got, want);
	near(score_find(&s, "nll")->value, 2, 1e-15);
	near(score_find(&s, "brier")->value, 0.5, 1e-15);
	near(score_find(&s, "entropy")->value, 0.25, 1e-15);
	near(score_find(&s, "mutual")->value, 0.125, 1e-15);
	near(score_find(&s, "top5")->value, 0.5, 1e-15);
	assert_true(score_find(&s, "documents")->value == 2 && score_find(&s, "classes")->value == 6 &&
		    score_find(&s, "seed")->value == 9);
	assert_string_equal(score_find(&s, "split")->text, "all");
	assert_string_equal(score_find(&s, "values")->text, "logits");
	assert_null(score_find(&s, "no such"));
	assert_int_equal(score_columns(&options), 0);
	options.rounds = 2;
	assert_int_equal(score_columns(&options), COL_NLL | COL_BRIER);
	free(w.key);
	rows_of(&w, 50, 5); /* five classes: top-5 is always right */
	w.split = SPLIT_TEST;
	w.head.values = VALUES_PROBS;
	w.head.samples = 1;
	w.sum.infinite = 1;
	options = (struct score_options){ .bins = { 10 }, .n_bins = 1, .threads = 1 };
	assert_int_equal(score_rows(&s, &w, &options, &err), 0);
	assert_true(!score_find(&s, "top5") && !score_find(&s, "mutual") && !score_find(&s, "ece_floor") &&
		    !score_find(&s, "floor_draws"));
	assert_true(isinf(score_find(&s, "nll")->value));
	assert_string_equal(score_find(&s, "split")->text, "test");
	assert_string_equal(score_find(&s, "values")->text, "probs");
	free(w.key);
}

/* As another tool scores it: its own numbers and no others. */
static void scores_of_other_tools(void **state)
{
	(void)state;
	static const struct {
		enum compat c;
		const char *keys;
	} tools[] = {
		{ COMPAT_GUO, "n accuracy ece ece@7 brier bins " },
		{ COMPAT_TORCHMETRICS, "n accuracy ece mce rmsce ece@7 mce@7 rmsce@7 brier bins " },
		{ COMPAT_NETCAL, "n accuracy ece mce ace ece@7 mce@7 ace@7 brier bins " },
		{ COMPAT_TFP, "n accuracy ece ece@7 brier bins " },
		{ COMPAT_SKLEARN, "n accuracy ece ece@7 brier bins " },
	};
	for (size_t t = 0; t < 5; t++)
		for (int classes = 2; classes <= 3; classes++) {
			static struct score s;
			struct rows w;
			struct compat_errors e;
			struct score_options options = {
				.bins = { 15, 7 }, .n_bins = 2, .compat = tools[t].c, .threads = 1
			};
			char got[400] = "";
			double right = 0, brier = tools[t].c == COMPAT_TFP			 ? -0.5
						  : tools[t].c == COMPAT_SKLEARN && classes == 2 ? 0.25
												 : 0.5;
			rows_of(&w, 80, classes);
			for (int i = 0; i < 80; i++)
				right += conf_right(w.key[i]) / 80.0;
			assert_int_equal(compat_errors(tools[t].c, w.key, 80, 7, 1, &e, &err), 0);
			assert_int_equal(score_rows(&s, &w, &options, &err), 0);
			for (int i = 0; i < s.n; i++)
				snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", s.item[i].key);
			assert_string_equal(got, tools[t].keys);
			near(score_find(&s, "accuracy")->value, right, 1e-14);
			near(score_find(&s, "ece@7")->value, e.ece, 0);
			near(score_find(&s, "brier")->value, brier, 1e-15);
			assert_true(score_find(&s, "n")->value == 80);
			free(w.key);
		}
}

/* Means and deviations over seeds; a count that is the same in all stays a count. */
static void spreads(void **state)
{
	(void)state;
	for (int n = 1; n <= 4; n++) {
		static struct score in[4], out;
		const struct score *list[4];
		double v[4], mean = 0, square = 0;
		for (int i = 0; i < n; i++) {
			in[i].n = 0;
			v[i] = rng_real(&r);
			mean += v[i] / n;
			score_count(&in[i], "same", 3);
			score_real(&in[i], "x", 0, v[i]);
			score_count(&in[i], "other", (uint64_t)(i + 1));
			list[i] = &in[i];
		}
		for (int i = 0; i < n; i++)
			square += (v[i] - mean) * (v[i] - mean);
		score_spread(&out, list, n);
		assert_int_equal(out.n, 3);
		assert_true(out.item[0].kind == SCORE_COUNT && out.item[0].value == 3);
		assert_int_equal(out.item[1].kind, SCORE_SPREAD);
		near(out.item[1].value, mean, 1e-14);
		near(out.item[1].low, n > 1 ? sqrt(square / (n - 1)) : NAN, 1e-12);
		assert_int_equal(out.item[2].kind, n > 1 ? SCORE_SPREAD : SCORE_COUNT);
		near(out.item[2].value, (n + 1) / 2.0, 1e-14);
	}
}

/* One table as JSON and as TSV. */
static void tables(void **state)
{
	(void)state;
	static const char *const want[] = {
		NULL,
		("{\"name\":\"a\",\"n\":7,\"x\":0.5,\"i\":{\"value\":0.125,\"low\":-2.0,\"high\":123456.0}}\n"
		 "{\"name\":\"b\\t\",\"i\":\"word\",\"s\":{\"value\":1.5e-5,\"sd\":1234.5},\"none\":null}\n"),
		("metric\ta\ta low\ta high\tb\\t\tb\\t sd\nn\t7\t\t\t\t\nx\t0.5\t\t\t\t\ni\t0.125\t-2\t123456\tword\t\n"
		 "s\t\t\t\t1.5e-05\t1234.5\nnone\t\t\t\tnan\t\n"),
	};
	static const enum table_format format[] = { TABLE_TEXT, TABLE_JSON, TABLE_TSV };
	struct table t = { 0 };
	int bad = table_column(&t, "a", &err) || table_count(&t, "n", 7, &err) || table_real(&t, "x", 0.25, &err) ||
		  table_real(&t, "x", 0.5, &err) /* set again */ || table_interval(&t, "i", 0.125, -2, 123456, &err) ||
		  table_column(&t, "b\t", &err) || table_text(&t, "i", "old", &err) ||
		  table_text(&t, "i", "word", &err) || table_spread(&t, "s", 1.5e-5, 1234.5, &err) ||
		  table_real(&t, "none", NAN, &err);
	assert_false(bad);
	struct table u = { 0 };
	bad = table_column(&u, "a", &err) || table_real(&u, "p", 0.1 + 0.2, &err) ||
	      table_real(&u, "q", -INFINITY, &err);
	assert_false(bad);
	for (int f = 1; f < 3; f++) {
		char *text;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		assert_int_equal(table_print(&t, format[f], to, &err), 0);
		fclose(to);
		assert_string_equal(text, want[f]);
		free(text);
		to = open_memstream(&text, &len);
		assert_int_equal(table_print(&u, format[f], to, &err), 0);
		fclose(to);
		assert_string_equal(text, f == 1 ? "{\"name\":\"a\",\"p\":0.30000000000000004,\"q\":\"-inf\"}\n"
						 : "metric\ta\np\t0.30000000000000004\nq\t-inf\n");
		free(text);
	}
	table_release(&t);
	table_release(&u);
}

/* Four significant places and more, columns as wide as what is in them. */
static void text_tables(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *said;
	} shown[] = {
		{ 0, "0.0000" },       { 0.5, "0.5000" },	 { 0.01, "0.0100" },	{ 0.00999, "0.00999" },
		{ 0.0001, "0.00010" }, { 0.000099, "9.90e-05" }, { 1, "1.000" },	{ 0.99999, "1.0000" },
		{ 9.9, "9.900" },      { 10, "10.00" },		 { 99.5, "99.50" },	{ 100, "100.0" },
		{ 99999, "99999.0" },  { 100000, "1.00e+05" },	 { -0.25, "-0.2500" },	{ -12.5, "-12.50" },
		{ NAN, "undefined" },  { INFINITY, "inf" },	 { -INFINITY, "-inf" },
	};
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		struct table t = { .head = "h\u00e9", .note = i % 2 ? "note" : NULL };
		char *text, want[200];
		size_t len, wide = strlen(shown[i].said);
		wide = wide < 4 ? 4 : wide;
		assert_false(table_column(&t, "col\u00fc", &err) || table_real(&t, "key", shown[i].v, &err) ||
			     table_count(&t, "k", 12, &err));
		FILE *to = open_memstream(&text, &len);
		assert_int_equal(table_print(&t, TABLE_TEXT, to, &err), 0);
		fclose(to);
		snprintf(want, sizeof want, "h\u00e9   %*s\nkey  %*s\nk    %*s\n%s", (int)wide + 1, "col\u00fc",
			 (int)wide, shown[i].said, (int)wide, "12", i % 2 ? "note\n" : "");
		assert_string_equal(text, want);
		free(text);
		table_release(&t);
	}
	struct table t = { 0 };
	char *text;
	size_t len;
	assert_false(table_column(&t, "a", &err) || table_interval(&t, "x", 0.5, 0.25, 0.75, &err) ||
		     table_column(&t, "b", &err) || table_spread(&t, "y", 2, 0.5, &err));
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(table_print(&t, TABLE_TEXT, to, &err), 0);
	fclose(to);
	assert_string_equal(
		text,
		"metric                        a                b\nx       0.5000 [0.2500, 0.7500]                -\n"
		"y                             -  2.000 +- 0.5000\n");
	free(text);
	table_release(&t);
}

/* The last column cannot be written: nor are those before it. */
static void json_whole_or_not_at_all(void **state)
{
	(void)state;
	struct table t = { 0 };
	char *text;
	size_t len;
	assert_false(table_column(&t, "a", &err) || table_real(&t, "x", 0.5, &err) ||
		     table_column(&t, "caf\xe9", &err));
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(table_print(&t, TABLE_JSON, to, &err), -1);
	fclose(to);
	assert_non_null(strstr(err.msg, "is not UTF-8"));
	assert_int_equal(len, 0);
	free(text);
	table_release(&t);
}

int main(void)
{
	if (pool_open(&pool, 2, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(floors_are_errors_of_the_draws, seed),
		cmocka_unit_test_setup(draws_by_hand, seed),
		cmocka_unit_test_setup(running_sums, seed),
		cmocka_unit_test_setup(selective_of_few_ties, seed),
		cmocka_unit_test_setup(scores_in_order, seed),
		cmocka_unit_test_setup(scores_of_other_tools, seed),
		cmocka_unit_test_setup(spreads, seed),
		cmocka_unit_test_setup(tables, seed),
		cmocka_unit_test_setup(text_tables, seed),
		cmocka_unit_test(json_whole_or_not_at_all),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
