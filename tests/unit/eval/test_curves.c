/* Curves as tables: every field of every line against its definition, bands against drawing and sorting in the open. */
#include "eval/show/curves.h"
#include "eval/metrics/metrics.h"
#include "eval/records/rows.h"
#include "pipeline/base/stats.h"

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
			fail_msg("%s:%d: %s is %.12g, not %.12g", __func__, __LINE__, #got, g_, w_); \
	} while (0)

/* A table read back: fields after the name; an empty one is NaN. */
struct lines {
	size_t n, fields;
	double v[4000][12];
};

static struct lines table;

static void read_table(char *text, const char *name)
{
	table.n = table.fields = 0;
	for (char *line = text, *end; *line; line = end + 1) {
		size_t f = 0;
		end = strchr(line, '\n');
		*end = 0;
		assert_true(!strncmp(line, name, strlen(name)) && line[strlen(name)] == '\t');
		for (char *at = strchr(line, '\t'); at; at = strchr(at, '\t')) {
			at++;
			assert_true(f < 12 && table.n < 4000);
			table.v[table.n][f++] = *at == '\t' || !*at ? NAN : strtod(at, NULL);
		}
		assert_true(!table.n || f == table.fields);
		table.fields = f;
		table.n++;
	}
	free(text);
}

static void draw_curve(int (*curve)(const char *, const conf_key *, size_t, const struct curve_options *, FILE *,
				    struct err *),
		       const conf_key *k, size_t n, const struct curve_options *options)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	if (curve("na\tme", k, n, options, to, &err))
		fail_msg("%s", err.msg);
	fclose(to);
	read_table(text, "na\\tme");
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Linear between order statistics. */
static double quantile(double *v, int n, double q)
{
	qsort(v, (size_t)n, sizeof *v, rising);
	double at = q * (n - 1), part = at - floor(at);
	return v[(int)floor(at)] * (1 - part) + v[(int)ceil(at)] * part;
}

/* The z that a normal passes on either side with chance 1 - level. */
static double z_of(double level)
{
	double z = 0;
	for (double step = 16; step > 1e-15; step /= 2)
		if (erfc((z + step) / sqrt(2)) > 1 - level)
			z += step;
	return z;
}

static struct curve_options ask_of(int i)
{
	return (struct curve_options){ .bins = 1 + (int)rng_below(&r, 20),
				   .group = 1 + (int)rng_below(&r, 30),
				   .rounds = i % 3 ? 2 + (int)rng_below(&r, 30) : 0,
				   .level = 0.5 + 0.49 * rng_real(&r),
				   .seed = rng_u32(&r),
				   .pool = pool };
}

static void bins_and_histogram(void **state)
{
	(void)state;
	for (int i = 0; i < 150; i++) {
		conf_key k[300];
		size_t n = 1 + rng_below(&r, 300);
		struct curve_options options = ask_of(i);
		double count[20] = { 0 }, right[20] = { 0 }, conf[20] = { 0 }, low, high;
		double *off = calloc((size_t)(options.bins * (options.rounds + 1)), sizeof *off);
		sorted(k, n, 4, 1.5);
		for (size_t j = 0; j < n; j++) {
			int b = (int)ceil(conf_p(k[j]) * options.bins) - 1;
			b = b < 0 ? 0 : b;
			count[b]++;
			right[b] += conf_right(k[j]);
			conf[b] += conf_p(k[j]);
		}
		if (options.rounds)
			assert_int_equal(null_draws(k, n, options.bins, options.rounds, options.seed, pool, off, &err),
					 0);
		draw_curve(curve_bins, k, n, &options);
		assert_true(table.n == (size_t)options.bins && table.fields == 11);
		for (int b = 0; b < options.bins; b++) {
			double *v = table.v[b], c = count[b], *o = off + b * options.rounds;
			near(v[0], b + 1, 0);
			near(v[1], (double)b / options.bins, 1e-8);
			near(v[2], (b + 1.0) / options.bins, 1e-8);
			near(v[3], c, 0);
			near(v[4], conf[b] / c, 1e-8);
			near(v[5], right[b] / c, 1e-8);
			near(v[6], (conf[b] - right[b]) / c, 1e-8);
			low = high = NAN;
			if (c > 0)
				wilson(right[b], c, z_of(options.level), &low, &high);
			near(v[7], low, 1e-8);
			near(v[8], high, 1e-8);
			int there = c > 0 && options.rounds;
			near(v[9],
			     there ? fmax(0, (conf[b] + quantile(o, options.rounds, (1 - options.level) / 2)) / c)
				   : NAN,
			     1e-8);
			near(v[10],
			     there ? fmin(1, (conf[b] + quantile(o, options.rounds, (1 + options.level) / 2)) / c)
				   : NAN,
			     1e-8);
		}
		free(off);
		int32_t label[300];
		double without[20] = { 0 };
		for (size_t j = 0; j < n; j++) {
			int b = (int)ceil(conf_p(k[j]) * options.bins) - 1;
			label[j] = conf_right(k[j]) || rng_below(&r, 3) ? 0 : -1;
			without[b < 0 ? 0 : b] += label[j] < 0;
		}
		options.label = label;
		draw_curve(curve_histogram, k, n, &options);
		assert_true(table.n == (size_t)options.bins && table.fields == 9);
		for (int b = 0; b < options.bins; b++) {
			double want[] = { b + 1,
					  (double)b / options.bins,
					  (b + 1.0) / options.bins,
					  count[b],
					  count[b] / (double)n,
					  right[b],
					  count[b] - right[b] - without[b] };
			for (int f = 0; f < 7; f++)
				near(table.v[b][f], want[f], 1e-8);
			wilson(count[b], (double)n, z_of(options.level), &low, &high);
			near(table.v[b][7], low, 1e-8);
			near(table.v[b][8], high, 1e-8);
		}
	}
}

/* Isotonic regression at record i by the min-max formula over groups of ties. */
static double min_max(const conf_key *k, const int *right, size_t n, size_t i)
{
	double best = -1;
	for (size_t a = 0; a <= i; a++) {
		double least = 2, sum = 0;
		if (a && conf_order(k[a]) == conf_order(k[a - 1]))
			continue;
		for (size_t b = a; b < n; b++) {
			sum += right[b];
			if (b >= i && (b + 1 == n || conf_order(k[b]) != conf_order(k[b + 1])))
				least = fmin(least, sum / (double)(b - a + 1));
		}
		best = fmax(best, least);
	}
	return best;
}

static void isotonic_with_bands(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		conf_key k[40];
		int right[40];
		size_t n = 1 + rng_below(&r, 40), line = 0;
		struct curve_options options = ask_of(i);
		static double fit[40], drawn[40][64];
		sorted(k, n, i % 2, 1.5);
		for (size_t j = 0; j < n; j++)
			right[j] = conf_right(k[j]);
		for (size_t j = 0; j < n; j++)
			fit[j] = min_max(k, right, n, j);
		for (int t = 0; t < options.rounds; t++) {
			struct rng d;
			rng_init(&d, options.seed, RNG_FLOOR, (uint32_t)t, UINT32_MAX);
			for (size_t j = 0; j < n; j++)
				right[j] = rng_real(&d) < conf_p(k[j]);
			for (size_t j = 0; j < n; j++)
				drawn[j][t] = min_max(k, right, n, j);
		}
		draw_curve(curve_corp, k, n, &options);
		assert_int_equal(table.fields, 6);
		for (size_t from = 0, to, block = 1; from < n; from = to, block++) {
			for (to = from + 1; to < n && fabs(fit[to] - fit[from]) < 1e-12; to++)
				;
			for (int end = 0; end < 2; end++) {
				size_t at = end ? to - 1 : from;
				double *v = table.v[line++];
				near(v[0], (double)block, 0);
				near(v[1], (double)(to - from), 0);
				near(v[2], conf_p(k[at]), 1e-8);
				near(v[3], fit[from], 1e-8);
				near(v[4],
				     options.rounds ? quantile(drawn[at], options.rounds, (1 - options.level) / 2)
						    : NAN,
				     1e-8);
				near(v[5],
				     options.rounds ? quantile(drawn[at], options.rounds, (1 + options.level) / 2)
						    : NAN,
				     1e-8);
			}
		}
		assert_int_equal(table.n, line);
	}
}

/* More confidences than cells: the band must lie where drawing every record and pooling them all puts it. */
static void bands_of_many(void **state)
{
	(void)state;
	enum { N = 40000, POINTS = 41, ROUNDS = 300 };
	static conf_key k[N], drawn[N];
	static double low[POINTS], high[POINTS], v[POINTS][ROUNDS];
	const struct curve_options options = { .rounds = ROUNDS, .level = 0.8, .seed = 4, .pool = pool };
	size_t at[POINTS];
	for (size_t i = 0; i < N; i++) {
		double p = 1 / (1 + exp(-3 * rng_normal(&r)));
		k[i] = conf_pack(p, 1 - p, 0);
	}
	assert_int_equal(keys_sort(k, N, &err), 0);
	for (size_t i = 0; i < POINTS; i++)
		at[i] = i * (N - 1) / (POINTS - 1);
	assert_int_equal(pav_bands(k, N, at, POINTS, &options, low, high, &err), 0);
	for (int t = 0; t < ROUNDS; t++) {
		struct pav_block *block;
		size_t m, b = 0;
		for (size_t i = 0; i < N; i++)
			drawn[i] = conf_order(k[i]) | (rng_real(&r) < conf_p(k[i]) ? CONF_RIGHT : 0);
		assert_int_equal(pav(drawn, N, &block, &m, &err), 0);
		for (size_t i = 0; i < POINTS; i++) {
			while (block[b].end <= at[i])
				b++;
			v[i][t] = (double)block[b].right / (double)(block[b].end - (b ? block[b - 1].end : 0));
		}
		free(block);
	}
	double off = 0, width = 0;
	for (size_t i = 0; i < POINTS; i++) {
		double want_low = quantile(v[i], ROUNDS, 0.1), want_high = quantile(v[i], ROUNDS, 0.9);
		near(low[i], want_low, 0.4 * (want_high - want_low) + 1e-3);
		near(high[i], want_high, 0.4 * (want_high - want_low) + 1e-3);
		off += fabs(low[i] - want_low) + fabs(high[i] - want_high);
		width += want_high - want_low;
	}
	print_message("%.1f %% of the band's width apart on average\n", 50 * off / width);
	assert_true(off < 0.15 * width);
}

/* Groups of consecutive records; a last one that is short counts where it is the only one. */
static void groups(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		conf_key k[200];
		size_t n = 1 + rng_below(&r, 200);
		struct curve_options options = ask_of(i);
		size_t size = (size_t)options.group, whole = n < size ? 1 : n / size;
		static double cell[20][20];
		memset(cell, 0, sizeof cell);
		make(k, n, i % 5, 1.3);
		draw_curve(curve_scatter, k, n, &options);
		assert_true(table.n == whole && table.fields == 4);
		for (size_t g = 0; g < whole; g++) {
			size_t m = n < size ? n : size;
			double conf = 0, right = 0;
			for (size_t j = g * size; j < g * size + m; j++) {
				conf += conf_p(k[j]);
				right += conf_right(k[j]);
			}
			near(table.v[g][0], (double)(g + 1), 0);
			near(table.v[g][1], (double)m, 0);
			near(table.v[g][2], conf / (double)m, 1e-8);
			near(table.v[g][3], right / (double)m, 1e-8);
			/* exact in long double: edges belong to the bin below */
			int x = (int)ceill((long double)(conf / (double)m) * options.bins) - 1,
			    y = (int)ceill((long double)(right / (double)m) * options.bins) - 1;
			cell[x < 0 ? 0 : x][y < 0 ? 0 : y]++;
		}
		draw_curve(curve_density, k, n, &options);
		assert_true(table.n == (size_t)(options.bins * options.bins) && table.fields == 4);
		for (size_t j = 0, groups_seen = 0; j < table.n; j++) {
			size_t x = j / (size_t)options.bins, y = j % (size_t)options.bins;
			groups_seen += (size_t)table.v[j][2];
			near(table.v[j][0], ((double)x + 0.5) / options.bins, 1e-8);
			near(table.v[j][1], ((double)y + 0.5) / options.bins, 1e-8);
			if (i % 5 == 2 || i % 5 == 4) /* elsewhere a mean may pass an edge by a rounding */
				near(table.v[j][2], cell[x][y], 0);
			near(table.v[j][3], table.v[j][2] / (double)whole * options.bins * options.bins, 1e-8);
			assert_true(j + 1 < table.n || groups_seen == whole);
		}
	}
}

static void one_point_of_the_hull(void **state)
{
	(void)state;
	struct rows w = { .n = 40, .sum = { .n = 40, .right = 30 } };
	struct curve_options options = { .level = 0.95 };
	char *text;
	size_t len;
	double low, high;
	w.sum.conf = fix_of(32);
	w.sum.entropy = fix_of(10);
	FILE *to = open_memstream(&text, &len);
	curve_hull("it", 2.5, &w, &options, to);
	fclose(to);
	read_table(text, "it");
	wilson(30, 40, 1.959963984540054, &low, &high);
	double want[] = { 2.5, 40, 0.75, low, high, 0.8, 0.25 };
	for (int f = 0; f < 7; f++)
		near(table.v[0][f], want[f], 1e-8);
}

/* I_x(a, b) where it has a closed form: whole numbers are a binomial's tail, halves the arc sine. */
static void beta_in_closed_form(void **state)
{
	(void)state;
	for (int a = 1; a < 12; a++)
		for (int b = 1; b < 12; b++)
			for (double x = 0.01; x < 1; x += 0.03) {
				double tail = 0;
				int n = a + b - 1;
				for (int j = a; j <= n; j++)
					tail += exp(lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1)) * pow(x, j) *
						pow(1 - x, n - j);
				near(beta_inc(a, b, x), tail, 1e-12);
			}
	for (double x = 0.001; x < 1; x += 0.013) {
		near(beta_inc(0.5, 0.5, x), 2 / M_PI * asin(sqrt(x)), 1e-12);
		near(beta_inc(0.5, 1, x), sqrt(x), 1e-12);
		near(beta_inc(0.1, 1, x), pow(x, 0.1), 1e-12);
		near(beta_inc(1, 0.3, x), 1 - pow(1 - x, 0.3), 1e-12);
		for (double a = 0.05; a < 60; a *= 1.7) /* both ends by one fraction each */
			near(beta_inc(a, a, x) + beta_inc(a, a, 1 - x), 1, 1e-11);
	}
	assert_true(beta_inc(2, 3, 0) == 0 && beta_inc(2, 3, 1) == 1 && beta_inc(2, 3, -1) == 0 &&
		    beta_inc(2, 3, 2) == 1);
	near(beta_inc(1e4, 1e4, 0.5), 0.5, 1e-9);
}

static double label_entropy(double l)
{
	return l <= 0 || l >= 1 ? 0 : -l * log(l) - (1 - l) * log(1 - l);
}

/* P(lambda or 1 - lambda below l), lambda of Beta(alpha, alpha), for alphas with a closed form. */
static double both_ends(double alpha, double l)
{
	if (alpha == 0.5)
		return 4 / M_PI * asin(sqrt(l));
	return alpha == 1 ? 2 * l : 2 * (3 * l * l - 2 * l * l * l);
}

static void entropies_of_mixed_labels(void **state)
{
	(void)state;
	static const double alphas[] = { 0, 0.5, 1, 2 };
	for (int i = 0; i < 60; i++) {
		double alpha = alphas[i % 4], same = i % 3 ? rng_real(&r) : 0, before = 0, all = 0;
		struct curve_options options = { .bins = 1 + (int)rng_below(&r, 30) };
		char *text, name[16];
		size_t len;
		FILE *to = open_memstream(&text, &len);
		assert_int_equal(curve_entropy(alpha, same, &options, to, &err), 0);
		fclose(to);
		snprintf(name, sizeof name, "%.9g", alpha);
		read_table(text, name);
		assert_true(table.n == (size_t)options.bins && table.fields == 5);
		for (int b = 0; b < options.bins; b++) {
			double high = M_LN2 * (b + 1) / options.bins, l = 0.5, upto;
			if (b + 1 < options.bins)
				for (double lo = l = 0, hi = 0.5; hi - lo > 1e-16; l = (lo + hi) / 2)
					*(label_entropy((lo + hi) / 2) < high ? &lo : &hi) = (lo + hi) / 2;
			upto = alpha > 0 ? both_ends(alpha, l) : 1;
			double share = (1 - same) * (upto - before) + (b ? 0 : same);
			near(table.v[b][0], b + 1, 0);
			near(table.v[b][1], M_LN2 * b / options.bins, 1e-8);
			near(table.v[b][2], high, 1e-8);
			near(table.v[b][3], share, 1e-7);
			near(table.v[b][4], share / M_LN2 * options.bins, 1e-7);
			all += table.v[b][3];
			before = upto;
		}
		near(all, 1, 1e-7);
	}
}

/* Errors that no one reads are still to be right: mass near 0 that doubles hold only as tiny lambdas. */
static void small_alphas_keep_their_mass(void **state)
{
	(void)state;
	struct curve_options options = { .bins = 10 };
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(curve_entropy(0.001, 0, &options, to, &err), 0);
	fclose(to);
	read_table(text, "0.001");
	double all = 0;
	for (int b = 0; b < 10; b++)
		all += table.v[b][3];
	near(all, 1, 1e-8);
	assert_true(table.v[0][3] > 0.99);
}

int main(void)
{
	struct err none = ERR_NONE;
	if (pool_open(&pool, 2, &none))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bins_and_histogram, seed),
		cmocka_unit_test_setup(isotonic_with_bands, seed),
		cmocka_unit_test_setup(bands_of_many, seed),
		cmocka_unit_test_setup(groups, seed),
		cmocka_unit_test_setup(one_point_of_the_hull, seed),
		cmocka_unit_test_setup(beta_in_closed_form, seed),
		cmocka_unit_test_setup(entropies_of_mixed_labels, seed),
		cmocka_unit_test_setup(small_alphas_keep_their_mass, seed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
