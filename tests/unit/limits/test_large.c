/* Data so large, or so wide, that they are handled in another way: on either side of each limit the answer is the one
 * that a slow plain reference gives. */
#include "eval/calibrate/affine.h"
#include "eval/calibrate/temperature.h"
#include "eval/metrics/cells.h"
#include "eval/show/score_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct err err;
static struct pool *pool;

#define near(got, want, tol)                                                                                           \
	do {                                                                                                           \
		long double g_ = (got), w_ = (want);                                                                   \
		if (!(fabsl(g_ - w_) <= (tol)) && !(isinf(g_) && g_ == w_) && !(isnan(g_) && isnan(w_)))               \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_);                 \
	} while (0)

/* A cell of n records that are right with probability p: how many are is binomial, so each count comes as often as its
 * probability says, up to five deviations, and in the normal limit mean, variance and skewness do. */
static void draws_of_a_cell(void **state)
{
	(void)state;
	enum { DRAWS = 10000 };
	static const struct {
		size_t n;
		double p;
	} cell[] = { { 64, 0.1 }, { 65, 0.1 }, { 65, 0.95 }, { 65, 0.5 }, { 200, 0.45 }, { 199, 0.52 }, { 210, 0.6 },
		     { 6000, 0.01 }, { 6000, 0.99 } };
	static conf_key key[6000];
	for (size_t c = 0; c < sizeof cell / sizeof *cell; c++) {
		struct cells cells;
		struct rng r;
		static int times[6001];
		size_t n = cell[c].n;
		double p = cell[c].p, q = 1 - p, variance = (double)n * p * q, mean = 0, square = 0, cube = 0;
		memset(times, 0, sizeof times);
		rng_init(&r, 1, RNG_TEST, (uint32_t)c, 0);
		for (size_t i = 0; i < n; i++)
			key[i] = conf_pack(p, q, 0);
		assert_int_equal(cells_cut(&cells, key, n, (int[]){ 1 }, 1, &err), 0);
		assert_int_equal(cells.n, 1);
		for (int i = 0; i < DRAWS; i++) {
			double v = cell_draw(&cells, 0, &r), off = v - (double)n * p;
			assert_true(v >= 0 && v <= (double)n && v == rint(v));
			times[(int)v]++;
			mean += off / DRAWS;
			square += off * off / DRAWS;
			cube += off * off * off / DRAWS;
		}
		double sd = sqrt(variance), skew = (q - p) / sd;
		near(mean, 0, 4 * sd / sqrt(DRAWS));
		near(square, variance, 5 * variance * sqrt(2.0 / DRAWS));
		near(cube / (sd * sd * sd), skew, 5 * sqrt(15.0 / DRAWS));
		for (size_t k = 0; k <= n; k++) {
			double share = exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) +
					   (double)k * log(p) + (double)(n - k) * log(q));
			double want = share * DRAWS, off = variance > 50 ? 0.05 * want : 0;
			near(times[k], want, 5 * sqrt(want) + 1 + off);
		}
		cells_release(&cells);
	}
}

/* Cells of records so many that not each is one: cut where the header says, however ties lie. */
static void cells_of_many(void **state)
{
	(void)state;
	enum { MOST = 20000 };
	static conf_key key[MOST];
	for (uint32_t i = 0; i < 8; i++) {
		struct rng r;
		struct cells c;
		rng_init(&r, 2, RNG_TEST, i, 0);
		size_t n = CELLS_FROM + (size_t[]){ 0, 1, 2, 9000 }[i % 4], ties = i < 4 ? 1 : 3, from = 0, at = 0;
		int bins = 1 + (int)rng_below(&r, 9);
		for (size_t k = 0; k < n; k++) {
			double p = (double)(k / ties * ties + 1) / (double)(n + ties);
			key[k] = conf_pack(p, 1 - p, (int)rng_below(&r, 2));
		}
		size_t groups = (n + ties - 1) / ties;
		assert_int_equal(cells_cut(&c, key, n, &bins, 1, &err), 0);
		for (size_t j = 0; j < c.n; j++) {
			size_t beyond = from < n - from ? from : n - from, most = beyond / 64, end = from;
			most = most < n / 4096 ? most : n / 4096;
			/* whole groups of ties, the first always, while they fit and lie in its bin */
			do {
				size_t group = at + 1;
				while (group < n && conf_order(key[group]) == conf_order(key[at]))
					group++;
				int crosses = plain_bin(bins, conf_p(key[at])) != plain_bin(bins, conf_p(key[from]));
				if (end > from && (groups <= CELLS_FROM || group - from > most || crosses))
					break;
				end = at = group;
			} while (at < n);
			long double right = 0, sum = 0, doubt = 0;
			for (size_t k = from; k < end; k++) {
				right += conf_right(key[k]);
				sum += conf_p(key[k]);
				doubt += conf_p(key[k]) * conf_rest(key[k]);
			}
			assert_int_equal(c.cell[j].end, end);
			assert_int_equal(c.cell[j].right, right);
			near(c.cell[j].mean, sum / (long double)(end - from), 1e-15);
			near(c.cell[j].variance, doubt, 1e-12);
			from = end;
		}
		assert_int_equal(from, n);
		cells_release(&c);
	}
}

/* The p-value of a walk is the limit's where the walk has more than a thousand records' doubt and no group of ties has
 * a thousandth of it: else it is one of a thousand ranks. */
static void long_walks(void **state)
{
	(void)state;
	enum { MOST = 4200 };
	static conf_key key[MOST];
	static const struct {
		size_t n, tied;
		int is_long;
	} walk[] = { { 3990, 1, 0 }, { 4020, 1, 1 }, { 4020, 40, 0 }, { 4200, 4, 1 } };
	for (size_t w = 0; w < sizeof walk / sizeof *walk; w++) {
		struct cumulative c;
		double p;
		struct rng r;
		rng_init(&r, 9, RNG_TEST, (uint32_t)w, 0);
		for (size_t i = 0; i < walk[w].n; i++) {
			double x = 0.5 + 1e-6 * (double)(i / walk[w].tied);
			key[i] = conf_pack(x, 1 - x, rng_real(&r) < x);
		}
		cumulative_of(key, walk[w].n, &c);
		assert_true(c.kuiper_p > 0.001 && c.kuiper_p < 0.999);
		assert_int_equal(null_walk(key, walk[w].n, &c, 1, 1, pool, &p, &err), 0);
		assert_true((p == c.kuiper_p) == walk[w].is_long);
		near(p, c.kuiper_p, 0.1);
		if (!walk[w].is_long)
			near(1000 * p, rint(1000 * p), 1e-9);
		assert_int_equal(null_walk(key, walk[w].n, &c, 0, 1, pool, &p, &err), 0);
		assert_true(p == c.kuiper_p);
	}
}

/* The range of the walk over tie groups, of n records that are right where a bit of `right` is set. */
static double range_of(const conf_key *key, int n, unsigned right)
{
	double at = 0, low = 0, high = 0;
	for (int i = 0; i < n; i++) {
		at += (right >> i & 1) - conf_p(key[i]);
		if (i + 1 < n && conf_order(key[i]) == conf_order(key[i + 1]))
			continue;
		low = fmin(low, at);
		high = fmax(high, at);
	}
	return high - low;
}

/* Few records: their walk's p-value is between the chances of a longer range and of one as long at least, by adding up
 * every way in which they may be right. A group of ties is one step. */
static void short_walks(void **state)
{
	(void)state;
	enum { MOST = 9 };
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct cumulative c;
		conf_key key[MOST];
		unsigned right = 0;
		double p, above = 0, equal = 0, x = 0.3 * rng_real((rng_init(&r, 10, RNG_TEST, i, 0), &r));
		int n = 1 + (int)rng_below(&r, MOST);
		for (int k = 0; k < n; k++) {
			x += rng_below(&r, 2) ? (0.95 - x) * rng_real(&r) : 0;
			unsigned is = rng_below(&r, 2);
			right |= is << k;
			key[k] = conf_pack(x, 1 - x, (int)is);
		}
		double range = range_of(key, n, right);
		for (unsigned way = 0; way < 1u << n; way++) {
			double chance = 1, d = range_of(key, n, way) - range;
			for (int k = 0; k < n; k++)
				chance *= way >> k & 1 ? conf_p(key[k]) : conf_rest(key[k]);
			above += d > 1e-9 ? chance : 0;
			equal += fabs(d) <= 1e-9 ? chance : 0;
		}
		cumulative_of(key, (size_t)n, &c);
		assert_int_equal(null_walk(key, (size_t)n, &c, 1, 1, pool, &p, &err), 0);
		near(p, above + equal / 2, equal / 2 + 0.05);
	}
}

/* Records so wide that a block holds fewer, or no more than eight: judged anew, each is as it is alone. */
static void wide_records(void **state)
{
	(void)state;
	static const struct {
		int classes, samples;
		size_t n;
	} shape[] = { { 3, 1, 1025 }, { 100, 50, 839 }, { 100, 50, 833 }, { 1000, 600, 9 } };
	static float spare[1 << 16];
	struct rng r;
	rng_init(&r, 3, RNG_TEST, 0, 0);
	for (size_t i = 0; i < sizeof spare / sizeof *spare; i++)
		spare[i] = (float)(4 * rng_real(&r));
	for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
		const struct rows_options o = { .split = ROWS_ALL,
						.columns = COL_NLL | COL_PREDICTED | COL_ENTROPY | COL_ID };
		size_t n = shape[s].n, each = (size_t)shape[s].classes * (size_t)shape[s].samples;
		struct plain_shape head = { .classes = shape[s].classes };
		struct rows in = { .name = (char *)(uintptr_t) "s", .n = n }, out, one;
		float *v = in.values = malloc(n * each * sizeof *v);
		in.id = calloc(n, sizeof *in.id);
		in.label = calloc(n, sizeof *in.label);
		in.split_of = calloc(n, 1);
		plain_head(&in.head, &head, shape[s].samples, &err);
		for (size_t i = 0; i < n; i++) {
			in.id[i] = i;
			in.label[i] = (int32_t)(i % (size_t)shape[s].classes);
			for (size_t at = 0; at < each; at += 1000) {
				size_t m = each - at < 1000 ? each - at : 1000;
				memcpy(v + i * each + at, spare + rng_below(&r, (1 << 16) - 1000), m * sizeof *v);
			}
		}
		assert_int_equal(rows_subset(&out, &in, NULL, n, &o, &err), 0);
		assert_int_equal(out.n, n);
		for (size_t i = 0; i < n; i += i < n - 12 && i > 12 ? 101 : 1) {
			const uint32_t pick = (uint32_t)i;
			assert_int_equal(rows_subset(&one, &in, &pick, 1, &o, &err), 0);
			assert_int_equal(out.id[i], i);
			assert_int_equal(out.key[i], one.key[0]);
			assert_int_equal(out.predicted[i], one.predicted[0]);
			assert_true(out.nll[i] == one.nll[0] && out.entropy[i] == one.entropy[0]);
			rows_release(&one);
		}
		rows_release(&out);
		in.name = NULL;
		rows_release(&in);
	}
}

/* Logits of n records of k classes, double or float. */
static struct fit_data fit_data(struct rng *r, size_t n, int k, int is_double)
{
	struct fit_data d = { .n = n, .k = k, .is_double = is_double, .z = malloc(n * (size_t)k * 8),
			      .label = malloc(n * sizeof(int32_t)) };
	for (size_t i = 0; i < n; i++) {
		d.label[i] = (int32_t)rng_below(r, (uint32_t)k);
		for (size_t c = 0; c < (size_t)k; c++) {
			double v = rng_normal(r) + (c == (size_t)d.label[i] ? 2 : 0);
			if (is_double)
				((double *)d.z)[i * (size_t)k + c] = v;
			else
				((float *)d.z)[i * (size_t)k + c] = (float)v;
		}
	}
	return d;
}

static void drop(struct fit_data *d)
{
	free(d->z);
	free(d->label);
}

/* Loss and gradient of weights by class and of a bias, at the identity over t, and the slope at the best temperature:
 * of more classes than a batch or a block holds. */
static void many_classes(void **state)
{
	(void)state;
	static const int classes[] = { 31, 32, 1023, 1024, 1100, 2047, 2048, 2050 };
	for (size_t s = 0; s < sizeof classes / sizeof *classes; s++) {
		struct rng r;
		struct affine a = { 0 };
		struct temperature best;
		const struct affine_pull none = { 0 };
		rng_init(&r, 4, RNG_TEST, (uint32_t)s, 0);
		size_t k = (size_t)classes[s], n = 5 + rng_below(&r, 9);
		struct fit_data d = fit_data(&r, n, (int)k, s % 2 == 0);
		double *y = calloc(2 * k, sizeof *y), *grad = calloc(2 * k, sizeof *y), value, t = 1.5;
		long double *want = calloc(2 * k, sizeof *want), *e = calloc(k, sizeof *e), loss = 0, slope = 0;
		assert_int_equal(affine_init(&a, &d, 0, &none, pool, &err), 0);
		affine_start(&a, 1 / t, y);
		assert_int_equal(affine_loss(&a, y, &value, grad, &err), 0);
		assert_int_equal(temperature_fit(&d, pool, &best, &err), 0);
		for (int at_best = 0; at_best < 2; at_best++)
			for (size_t i = 0; i < n; i++) {
				long double max = -INFINITY, sum = 0, by = at_best ? best.t : t;
				for (size_t c = 0; c < k; c++)
					max = fmaxl(max, fit_value(&d, i, (int)c) / by);
				for (size_t c = 0; c < k; c++)
					sum += e[c] = expl(fit_value(&d, i, (int)c) / by - max);
				loss -= at_best ? 0 : logl(e[d.label[i]] / sum) / n;
				for (size_t c = 0; c < k; c++) {
					long double off = (e[c] / sum - ((size_t)d.label[i] == c)) / n;
					long double z = fit_value(&d, i, (int)c);
					slope += at_best ? off * z : 0;
					want[c] += at_best ? 0 : off * z;
					want[k + c] += at_best ? 0 : off;
				}
			}
		near(value, loss, 1e-12);
		for (size_t j = 0; j < 2 * k; j++)
			near(grad[j], want[j] * a.per[j], 1e-11 * (1 + fabsl(want[j] * a.per[j])));
		assert_int_equal(best.end, TEMPERATURE_INSIDE);
		near(slope, 0, 1e-8);
		affine_release(&a);
		drop(&d);
		free(y);
		free(grad);
		free(want);
		free(e);
	}
}

static void every_so_many_th(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct rng r;
		struct fit_data some;
		rng_init(&r, 5, RNG_TEST, i, 0);
		size_t n = 1 + rng_below(&r, 40), every = 1 + rng_below(&r, 7);
		struct fit_data d = fit_data(&r, n, 3, i % 2 == 0);
		assert_int_equal(fit_thin_out(&some, &d, every, &err), 0);
		assert_int_equal(some.n, n / every);
		for (size_t j = 0; j < some.n; j++) {
			assert_int_equal(some.label[j], d.label[j * every]);
			for (int c = 0; c < 3; c++)
				assert_true(fit_value(&some, j, c) == fit_value(&d, j * every, c));
		}
		drop(&some);
		drop(&d);
	}
}

/* Blocks of counts so large that their products take more than 64 bits: pooled as fractions are compared. */
static void counts_of_many_records(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct pav_block b[12];
		struct { uint64_t n, right; } want[12];
		rng_init(&r, 6, RNG_TEST, i, 0);
		size_t m = 1 + rng_below(&r, 12), left = 0, got, end = 0;
		int bits = (int[]){ 4, 28, 31, 40 }[i % 4];
		for (size_t j = 0; j < m; j++) {
			uint64_t n = ((uint64_t)1 << bits) + rng_below(&r, 3), right = n / (1 + rng_below(&r, 3));
			right = rng_below(&r, 2) && right ? right - 1 : right;
			end += n;
			b[j] = (struct pav_block){ end, right };
			want[left].n = n;
			want[left++].right = right;
			while (left > 1 && (unsigned __int128)want[left - 2].right * want[left - 1].n >=
						   (unsigned __int128)want[left - 1].right * want[left - 2].n) {
				want[left - 2].n += want[left - 1].n;
				want[left - 2].right += want[left - 1].right;
				left--;
			}
		}
		got = pav_blocks(b, m);
		assert_int_equal(got, left);
		for (size_t j = 0; j < left; j++) {
			assert_int_equal(b[j].end - (j ? b[j - 1].end : 0), want[j].n);
			assert_int_equal(b[j].right, want[j].right);
		}
	}
}

/* Keys of every class, of records that go eight at a time, one at a time, and by means of samples. */
static void keys_of_classes(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (uint32_t i = 0; i < 24; i++) {
		struct rng r;
		struct plain d;
		struct rows w;
		const struct rows_options o = { .split = ROWS_ALL, .columns = COL_CLASS_KEYS | COL_LABEL };
		struct plain_shape s = { .classes = (int[]){ 2, 9, 31, 32, 33, 40 }[i % 6],
					 .samples = 1 + (int)(i / 6 % 2),
					 .probs = (int)(i / 12),
					 .f64 = (int)(i % 2),
					 .n = 19,
					 .scale = 2 };
		rng_init(&r, 7, RNG_TEST, i, 0);
		plain_make(&d, &s, &r);
		plain_write(&d, &file, 0, s.samples, 1, 5, &r);
		assert_int_equal(rows_read(&w, file.path, &o, &err), 0);
		for (int j = 0; j < s.n; j++)
			for (int k = 0; k < s.classes; k++) {
				conf_key key = w.class_key[j * s.classes + k];
				assert_int_equal(conf_right(key), d.r[j].label == k);
				near(conf_p(key), d.r[j].p[k], 1e-7 * d.r[j].p[k] + 1e-15);
			}
		rows_release(&w);
		plain_release(&d);
	}
	close(file.fd);
}

/* Groups are scored side by side or, where there are more than a thousand classes, by all threads: each as alone. */
static void groups_of_many_classes(void **state)
{
	(void)state;
	struct plain_file file;
	plain_file_open(&file);
	for (int classes = 1000; classes <= 1001; classes++) {
		struct rng r;
		struct plain d;
		struct grouping g;
		struct score_groups groups = { .grouping = &g };
		struct score_columns c = { 0 };
		const struct column_asked asked = { 0 };
		const struct score_options o = { .bins = { 7 }, .n_bins = 1, .brief = 1, .level = 0.9, .threads = 2 };
		const struct plain_shape shape = { .classes = classes, .samples = 1, .scale = 4, .splits = 1, .n = 30 };
		const struct rows_options all_of = { .split = ROWS_ALL, .columns = SCORE_GROUPS_COLUMNS },
					  own = { .split = ROWS_ALL };
		struct rows in, all;
		rng_init(&r, 8, RNG_TEST, 0, 0);
		plain_make(&d, &shape, &r);
		plain_write(&d, &file, 0, 1, 1, 0, &r);
		assert_int_equal(rows_read(&in, file.path, &all_of, &err), 0);
		assert_int_equal(grouping_open(&g, "split", &err), 0);
		assert_int_equal(groups_add(&c, &groups, &all, &in, "s", &own, &o, &asked, &err), 0);
		assert_int_equal(c.n, 1 + (size_t)g.n - (size_t)groups.without);
		for (size_t k = 1; k < c.n; k++) {
			long double n = 0, nll = 0;
			for (int j = 0; j < shape.n; j++)
				if (!strcmp(split_name(d.r[j].split), strchr(c.item[k].name, '=') + 1)) {
					n++;
					nll += d.r[j].nll;
				}
			assert_int_equal(score_find(&c.item[k].score, "n")->value, n);
			near(score_find(&c.item[k].score, "nll")->value, nll / n, 1e-9);
		}
		columns_release(&c);
		grouping_release(&g);
		rows_release(&all);
		rows_release(&in);
		plain_release(&d);
	}
	close(file.fd);
}

static int set_up(void **state)
{
	(void)state;
	return pool_open(&pool, 2, &err);
}

static int tear_down(void **state)
{
	(void)state;
	pool_close(pool);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_of_a_cell),	  cmocka_unit_test(cells_of_many),
		cmocka_unit_test(long_walks),		  cmocka_unit_test(wide_records),
		cmocka_unit_test(many_classes),		  cmocka_unit_test(every_so_many_th),
		cmocka_unit_test(counts_of_many_records), cmocka_unit_test(keys_of_classes),
		cmocka_unit_test(groups_of_many_classes), cmocka_unit_test(short_walks),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
