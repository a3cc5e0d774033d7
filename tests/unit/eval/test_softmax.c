/* The hot loops: accuracy against long double, the same bits from every instruction set, nothing lost in the tails. */
#include "eval/records/bins.h"
#include "eval/records/conf.h"
#include "eval/records/fix.h"
#include "eval/records/rows.h"
#include "eval/records/softmax.h"
#include "eval/records/softmax_vec.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ALIGNED __attribute__((aligned(64)))

static struct rng r;

static int seed(void **state)
{
	(void)state;
	rng_init(&r, 7, RNG_TEST, 0, 0);
	return 0;
}

/* Distance in units in the last place of the true value. */
static double ulps(double got, long double want)
{
	double w = (double)want, step = nextafter(fabs(w), INFINITY) - fabs(w);
	return (double)(fabsl((long double)got - want) / step);
}

static void exp_is_accurate(void **state)
{
	(void)state;
	enum { N = 4096, ROUNDS = 500 };
	static double x[N] ALIGNED, y[N] ALIGNED;
	double worst = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double span = round % 3 == 0 ? 708 : round % 3 == 1 ? 30 : 1;
		for (int i = 0; i < N; i++)
			y[i] = x[i] = -span * rng_real(&r);
		softmax_ops()->exp_many(y, N);
		for (int i = 0; i < N; i++)
			worst = fmax(worst, ulps(y[i], expl(x[i])));
	}
	print_message("exp: worst error %.3f ulp\n", worst);
	assert_true(worst < 1.25);
	double edge[8] ALIGNED = { 0, -INFINITY, -708, -709, -1e308, NAN, -1e-300, -0x1p-60 };
	softmax_ops()->exp_many(edge, 8);
	assert_true(edge[0] == 1 && edge[1] == 0 && edge[2] > 0 && edge[3] == 0 && edge[4] == 0);
	assert_true(isnan(edge[5]));
	assert_true(edge[6] == 1 && edge[7] == 1);
}

/* log1p is reached through a record of two classes: rest = exp(-gap). */
static void log1p_is_accurate(void **state)
{
	(void)state;
	double worst = 0, x[8] ALIGNED;
	for (int i = 0; i < 300000; i++) {
		struct soft s;
		int k = 2 + i % 7;
		double z[8] = { 0 };
		for (int j = 1; j < k; j++)
			z[j] = -40 * rng_real(&r) * (i % 2);
		softmax_ops()->row_f64(z, k, 0, x, &s);
		worst = fmax(worst, ulps(s.spread, log1pl(s.rest)));
	}
	print_message("log1p: worst error %.3f ulp\n", worst);
	assert_true(worst < 1.5);
}

static void draw(double *z, int k, int kind)
{
	for (int j = 0; j < k; j++) {
		z[j] = kind % 3 == 0   ? 3 * rng_normal(&r)
		       : kind % 3 == 1 ? 200 * rng_normal(&r)
				       : floor(3 * rng_real(&r));
		if (kind % 5 == 4 && j % 3 == 1)
			z[j] = -INFINITY;
	}
	if (!(z[0] > -INFINITY))
		z[0] = 0;
}

/* To the last bit; of `above` only what is promised. */
static void same(struct soft *a, struct soft *b)
{
	a->above = a->above < ENOUGH ? a->above : ENOUGH;
	b->above = b->above < ENOUGH ? b->above : ENOUGH;
	assert_memory_equal(a, b, sizeof *a);
}

static void variants_agree(void **state)
{
	(void)state;
	enum { K = 1000 };
	static double z[K], x[2][K] ALIGNED;
	static float f[K];
	const struct softmax_ops *plain = softmax_variant(0), *v;
	int seen = 0;
	for (int i = 1; (v = softmax_variant(i)); i++) {
		seen++;
		for (int t = 0; t < 3000; t++) {
			int k = 1 + (int)rng_below(&r, t % 10 ? 60 : K),
			    label = (int)rng_below(&r, (uint32_t)k + 1) - 1;
			struct soft a, b;
			memset(&a, 0, sizeof a);
			memset(&b, 0, sizeof b);
			draw(z, k, t);
			plain->row_f64(z, k, label, x[0], &a);
			v->row_f64(z, k, label, x[1], &b);
			same(&a, &b);
			assert_memory_equal(x[0], x[1], padded(k) * 8);
			for (int j = 0; j < k; j++)
				f[j] = (float)z[j];
			plain->row_f32(f, k, label, x[0], &a);
			v->row_f32(f, k, label, x[1], &b);
			same(&a, &b);
		}
	}
	print_message("%d variants beside the plain one\n", seen);
}

/* What class_sums lists, one after the other, of x as it is after. Returns how many. */
static int list_classes(const double *x, size_t n, const struct class_adds *a, const double *scale,
			const int32_t *winner, const int32_t *label, uint64_t *cell, uint64_t *conf)
{
	int count = 0;
	for (size_t k = 0; k < n; k++) {
		size_t j = k % LANES, class = a->across ? k : k / LANES;
		int wins = scale[j] > 0 && (int32_t)class == winner[j], bin = bin_of(a->bins, x[k]);
		if (!wins && bin == 0)
			continue;
		cell[count] = (class + (wins ? (size_t)a->classes : 0)) * (size_t)a->bins + (size_t)bin;
		cell[count] |= (int32_t)class == label[j] ? FOUND_RIGHT : 0;
		conf[count++] = (uint64_t)nearbyint(x[k] * 0x1p48) + FOUND_BIAS;
	}
	return count;
}

/* Of every variant. Values on edges of bins, one ulp beside them, 1 and next to 0 among them. */
static void class_sums_are_plain(void **state)
{
	(void)state;
	enum { K = 100, N = 1000 };
	static double e[N] ALIGNED, x[N] ALIGNED;
	static uint64_t sum[N] ALIGNED, cell[2][N + LANES], conf[2][N + LANES];
	const struct softmax_ops *v;
	for (int i = 0; (v = softmax_variant(i)); i++)
		for (int t = 0; t < 3000; t++) {
			struct class_adds a = { .across = t % 2, .bins = 1 + (int)rng_below(&r, t % 5 ? 20 : 3000) };
			double scale[LANES];
			int32_t winner[LANES], label[LANES];
			a.classes = 1 + (int)rng_below(&r, K);
			a.edge = 1.0 / a.bins * (1 - 1e-12);
			size_t n = a.across ? padded(a.classes) : (size_t)a.classes * LANES;
			for (int j = 0; j < LANES; j++) {
				int same = a.across && j > 0;
				double by = rng_below(&r, 4) ? 1 : rng_real(&r);
				scale[j] = same ? scale[0] : rng_below(&r, 9) ? by : 0;
				winner[j] = same ? winner[0] : (int32_t)rng_below(&r, (uint32_t)a.classes);
				label[j] = same ? label[0] : (int32_t)rng_below(&r, (uint32_t)a.classes);
			}
			for (size_t k = 0; k < n; k++) {
				double at = (double)rng_below(&r, (uint32_t)a.bins + 1) / a.bins;
				double to = rng_below(&r, 2) ? 2 : -1;
				double p[] = { at, nextafter(at, to), rng_real(&r), rng_real(&r) / a.bins };
				int over = p[t % 4] > 1 || p[t % 4] < 0, pad = a.across && k >= (size_t)a.classes;
				e[k] = pad ? 0 : over ? 1 : p[rng_below(&r, 8) ? t % 4 : 2];
				if (!pad && e[k] < 0x1p-1000) /* a winner's is 1 */
					e[k] = 0x1p-1000;
				sum[k] = k;
			}
			memcpy(x, e, sizeof x);
			int found = v->class_sums(x, n, &a, scale, winner, label, sum,
						  (struct class_found){ cell[0], conf[0] });
			for (size_t k = 0; k < n; k++) {
				double with = x[k] + SUM_BIAS;
				uint64_t bits;
				memcpy(&bits, &with, 8);
				assert_true(x[k] == e[k] * scale[k % LANES]);
				assert_true(sum[k] == bits + k);
			}
			assert_int_equal(found,
					 list_classes(x, n, &a, scale, winner, label, cell[1], conf[1]));
			assert_memory_equal(cell[0], cell[1], (size_t)found * 8);
			assert_memory_equal(conf[0], conf[1], (size_t)found * 8);
		}
}

/* A double whose exponent is within `span` of 0, as often as not with few bits or with one at the far end. */
static double wide_real(int span)
{
	static const double shape[] = { 1.5, 1 + 0x1p-52, 1 + 0x1p-26, 2 - 0x1p-52, 1 };
	double m = rng_below(&r, 2) ? 1 + rng_real(&r) : shape[rng_below(&r, 5)];
	return ldexp(rng_below(&r, 2) ? m : -m, (int)rng_below(&r, 2 * (uint32_t)span + 1) - span);
}

/* As this file is compiled: on x86 without the instruction. c is next to the product, or cancels it, or ties. */
static void fused_is_rounded_once(void **state)
{
	(void)state;
	for (int t = 0; t < 1000000; t++) {
		double a = wide_real(t % 120), b = wide_real(t % 120), c = a * b * wide_real(t % 60);
		double tie = ldexp(a, -53);
		c = t % 3 == 0 ? wide_real(t % 120) : t % 16 == 1 ? -a * b : c;
		vd got = fused(broadcast(a), broadcast(b), broadcast(c));
		vd half = fused(broadcast(tie), broadcast(1 + (t % 5 - 2) * 0x1p-50), broadcast(a));
		assert_true(got[0] == fma(a, b, c) && got[D - 1] == got[0]);
		assert_true(half[0] == fma(tie, 1 + (t % 5 - 2) * 0x1p-50, a));
	}
}

/* A record a lane or lanes across a record: the same numbers but for the order of sums. */
static void lanes_and_rows_agree(void **state)
{
	(void)state;
	enum { K = SMALL_CLASSES - 1 };
	double lane[K * LANES] ALIGNED, again[K * LANES] ALIGNED, x[K + LANES] ALIGNED, z[LANES][K];
	for (int t = 0; t < 20000; t++) {
		int k = 1 + (int)rng_below(&r, K);
		int32_t label[LANES];
		struct soft got[LANES], one, same[LANES];
		memset(got, 0, sizeof got);
		memset(same, 0, sizeof same);
		for (int j = 0; j < LANES; j++) {
			draw(z[j], k, t);
			label[j] = (int32_t)rng_below(&r, (uint32_t)k + 1) - 1;
			for (int c = 0; c < k; c++)
				lane[c * LANES + j] = z[j][c];
		}
		memcpy(again, lane, sizeof lane);
		softmax_ops()->lanes(lane, k, label, got);
		softmax_variant(0)->lanes(again, k, label, same);
		assert_memory_equal(got, same, sizeof got);
		for (int j = 0; j < LANES; j++) {
			softmax_ops()->row_f64(z[j], k, label[j], x, &one);
			assert_int_equal(got[j].winner, one.winner);
			assert_int_equal(got[j].tied, one.tied);
			if (label[j] >= 0)
				assert_int_equal(got[j].above < ENOUGH ? got[j].above : ENOUGH,
						 one.above < ENOUGH ? one.above : ENOUGH);
			assert_true(got[j].max == one.max);
			assert_true(fabs(got[j].rest - one.rest) <= 1e-14 * one.rest);
			assert_true(fabs(got[j].spread - one.spread) <= 1e-14 * one.spread);
			assert_true(label[j] < 0 || got[j].label == one.label);
		}
	}
}

static double sum_of(const struct soft_sums *s, enum soft_sum which)
{
	fix sum = 0;
	for (int j = 0; j < LANES; j++)
		sum += (fix)s->high[which][j] * ((fix)1 << 32) + s->low[which][j];
	return fix_real(sum);
}

/* Eight records where they lie, beside the same in lanes: each number, and the sums of those that count. */
static void eights_are_lanes(void **state)
{
	(void)state;
	enum { K = SMALL_CLASSES - 1, ROWS = 20 };
	static double z[ROWS * K], lane[K * LANES] ALIGNED, x[K * LANES] ALIGNED;
	static float f[ROWS * K];
	const struct softmax_ops *v;
	for (int t = 0; t < 6000; t++) {
		int k = 1 + (int)rng_below(&r, K), n = 1 + (int)rng_below(&r, LANES), wide = t & 1;
		int32_t label[LANES];
		size_t row[LANES];
		struct soft want[LANES];
		memset(lane, 0, sizeof lane);
		for (int j = 0; j < LANES; j++) {
			row[j] = rng_below(&r, ROWS) * (size_t)k;
			label[j] = (int32_t)rng_below(&r, (uint32_t)k);
			draw(z + row[j], k, t);
		}
		for (int i = 0; i < ROWS * k; i++)
			f[i] = (float)z[i];
		for (int i = 0; i < k * LANES; i++) {
			size_t at = row[i % LANES] + (size_t)i / LANES;
			lane[i] = wide ? z[at] : (double)f[at];
		}
		softmax_variant(0)->lanes(lane, k, label, want);
		for (int i = 0; (v = softmax_variant(i)); i++) {
			struct soft_eight s;
			struct soft_sums sums = { 0 };
			fix conf = 0, nll = 0, brier = 0, entropy = 0;
			uint64_t right = 0, top = 0, tied = 0;
			v->eight(wide ? (const void *)z : f, wide, row, k, label, n, x, &s, &sums);
			assert_memory_equal(x, lane, (size_t)k * LANES * sizeof *x);
			assert_int_equal(s.whole, 255);
			for (int j = 0; j < LANES; j++) {
				const struct soft *w = &want[j];
				int is_right = w->winner == label[j], far = j < n && !(w->nll < SOFT_FAR);
				double rest = w->rest * w->scale;
				assert_true(s.p[j] == w->scale && s.rest[j] == rest && s.nll[j] == w->nll);
				assert_true(s.brier[j] == w->brier && s.entropy[j] == w->entropy);
				assert_true(s.max[j] == w->max && s.energy[j] == w->max + w->spread);
				assert_true(s.key[j] == conf_pack(w->scale, rest, is_right));
				assert_int_equal(s.winner[j], w->winner);
				assert_int_equal(s.far >> j & 1, far);
				if (j >= n)
					continue;
				right += (uint64_t)is_right;
				top += w->above < ENOUGH;
				tied += (uint64_t)w->tied;
				conf += fix_of(conf_p(s.key[j]));
				nll += far ? 0 : fix_of(w->nll);
				brier += fix_of(w->brier);
				entropy += fix_of(w->entropy);
			}
			assert_true(sums.right == right && sums.top == top && sums.tied == tied);
			assert_true(sum_of(&sums, SOFT_CONF) == fix_real(conf));
			assert_true(sum_of(&sums, SOFT_NLL) == fix_real(nll));
			assert_true(sum_of(&sums, SOFT_BRIER) == fix_real(brier));
			assert_true(sum_of(&sums, SOFT_ENTROPY) == fix_real(entropy));
		}
	}
}

/* Against the definition, in long double. */
static void rows_are_right(void **state)
{
	(void)state;
	double z[300], x[304] ALIGNED;
	for (int t = 0; t < 5000; t++) {
		int k = 1 + (int)rng_below(&r, 300), label = (int)rng_below(&r, (uint32_t)k), w = 0, above = 0;
		long double rest = 0, square = 0, slope = 0;
		struct soft s;
		draw(z, k, t);
		for (int j = 1; j < k; j++)
			w = z[j] > z[w] ? j : w;
		for (int j = 0; j < k; j++) {
			long double e = expl((long double)z[j] - z[w]);
			above += z[j] > z[label] || (z[j] == z[label] && j < label);
			if (j == w || !(e > 0))
				continue;
			rest += e;
			square += e * e;
			slope += e * ((long double)z[j] - z[w]);
		}
		softmax_ops()->row_f64(z, k, label, x, &s);
		assert_int_equal(s.winner, w);
		if (above < ENOUGH)
			assert_int_equal(s.above, above);
		else
			assert_true(s.above >= ENOUGH);
		assert_true(fabsl(s.rest - rest) <= 1e-13L * rest + 1e-307L);
		assert_true(fabsl(s.square - square) <= 1e-13L * square + 1e-307L);
		assert_true(fabsl(s.slope - slope) <= 1e-13L * fabsl(slope) + 1e-300L);
	}
}

/* The same for who has logits in memory: classes in steps of 512, the winner in any of them. */
static void rows_in_steps(void **state)
{
	(void)state;
	static double z[2100], p[2101];
	for (int t = 0; t < 400; t++) {
		int k = t % 2 ? 1 + (int)rng_below(&r, 20)
			      : 512 * (1 + (int)rng_below(&r, 4)) - 2 + (int)rng_below(&r, 5),
		    w = 0;
		long double rest = 0;
		draw(z, k, t);
		if (t % 3 == 0)
			z[rng_below(&r, (uint32_t)k)] = 40;
		p[k] = 12345;
		for (int j = 1; j < k; j++)
			w = z[j] > z[w] ? j : w;
		for (int j = 0; j < k; j++)
			rest += j == w ? 0 : expl((long double)z[j] - z[w]);
		double log_sum = softmax_row(z, k, p), again = softmax_row(z, k, NULL);
		assert_true(fabsl(log_sum - (z[w] + log1pl(rest))) <= 1e-13L * (1 + fabsl((long double)z[w])));
		assert_true(log_sum == again && p[k] == 12345);
		for (int j = 0; j < k; j++)
			assert_true(fabsl(p[j] - expl((long double)z[j] - z[w]) / (1 + rest)) <= 1e-13L);
	}
}

static void bad_values_show(void **state)
{
	(void)state;
	double x[40] ALIGNED, lane[40 * LANES] ALIGNED;
	int32_t label[LANES] = { 0 };
	for (int k = 1; k < 40; k++)
		for (int at = 0; at < k; at++)
			for (int what = 0; what < 2; what++) {
				double z[40] = { 0 };
				struct soft s, l[LANES];
				z[at] = what ? NAN : INFINITY;
				softmax_ops()->row_f64(z, k, 0, x, &s);
				assert_false(isfinite(s.max) && s.rest >= 0);
				if (k >= SMALL_CLASSES)
					continue;
				for (int c = 0; c < k; c++)
					for (int j = 0; j < LANES; j++)
						lane[c * LANES + j] = j == 5 ? z[c] : 0;
				softmax_ops()->lanes(lane, k, label, l);
				for (int j = 0; j < LANES; j++)
					assert_int_equal(isfinite(l[j].max) && l[j].rest >= 0, j != 5);
			}
}

/* Where float32 says 1 and float64 does too, records still differ and are in order. */
static void sure_records_do_not_tie(void **state)
{
	(void)state;
	double x[8] ALIGNED;
	uint64_t before = 0;
	for (int gap = 1; gap <= 700; gap++) {
		double z[2] = { gap, 0 };
		struct soft s;
		softmax_ops()->row_f64(z, 2, 0, x, &s);
		conf_key k = conf_pack(1 / (1 + s.rest), s.rest / (1 + s.rest), 1);
		assert_true(conf_order(k) > before);
		before = conf_order(k);
		assert_true(conf_p(k) <= 1);
		assert_true(fabs(conf_rest(k) - 1 / (1 + exp(gap))) <= 1e-15 * conf_rest(k));
	}
}

/* Smooth ECE's sums, over parts of a line too, and the same of points of mass. */
static void smooth_sums(void **state)
{
	(void)state;
	enum { CELLS = 256, REACH = 70, N = CELLS + 1 + 2 * REACH + LINE_BEYOND, SIDE = N };
	static double line[N], kernel[REACH + 1], shape[2 * SIDE + 1], mass[N];
	static int32_t at[N];
	const struct softmax_ops *v, *plain = softmax_variant(0);
	for (int t = 0; t < 40; t++) {
		size_t n = 0, cut = rng_below(&r, CELLS), from = rng_below(&r, CELLS);
		double want = 0;
		for (int d = 0; d <= SIDE; d++) {
			double one = d <= REACH ? exp(-d * d / 300.0) : 0;
			shape[SIDE - d] = shape[SIDE + d] = one;
			kernel[d <= REACH ? d : 0] = d <= REACH ? one : kernel[0];
		}
		for (size_t i = 0; i < CELLS + 1 + 2 * REACH; i++) {
			line[i] = rng_below(&r, 30) ? 0 : rng_normal(&r);
			at[n] = (int32_t)i - REACH;
			mass[n] = line[i];
			n += line[i] < 0 || line[i] > 0;
		}
		for (int i = 0; i <= CELLS; i++) {
			double sum = 0;
			for (size_t k = 0; k < n; k++)
				sum += mass[k] * shape[SIDE + i - at[k]];
			want += fabs(sum) * (i % CELLS ? 1 : 0.5);
		}
		double whole = plain->smooth_line(line, kernel, REACH, CELLS, 0, CELLS, 0);
		double points = plain->smooth_points(at, mass, n, shape + SIDE, CELLS);
		double part = plain->smooth_line(line, kernel, REACH, CELLS, from, CELLS, 1);
		assert_true(fabs(whole - want) <= 1e-12 * want && fabs(points - want) <= 1e-12 * want);
		for (int i = 0; (v = softmax_variant(i)); i++) {
			double first = v->smooth_line(line, kernel, REACH, CELLS, 0, cut, 0);
			assert_true(v->smooth_line(line, kernel, REACH, CELLS, cut + 1, CELLS, first) == whole);
			assert_true(v->smooth_line(line, kernel, REACH, CELLS, from, CELLS, 1) == part);
			assert_true(v->smooth_points(at, mass, n, shape + SIDE, CELLS) == points);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(exp_is_accurate, seed),
		cmocka_unit_test_setup(log1p_is_accurate, seed),
		cmocka_unit_test_setup(variants_agree, seed),
		cmocka_unit_test_setup(class_sums_are_plain, seed),
		cmocka_unit_test_setup(fused_is_rounded_once, seed),
		cmocka_unit_test_setup(lanes_and_rows_agree, seed),
		cmocka_unit_test_setup(eights_are_lanes, seed),
		cmocka_unit_test_setup(rows_are_right, seed),
		cmocka_unit_test_setup(rows_in_steps, seed),
		cmocka_unit_test_setup(smooth_sums, seed),
		cmocka_unit_test_setup(bad_values_show, seed),
		cmocka_unit_test_setup(sure_records_do_not_tie, seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
