/* Everything that resamples, against resampling in the open: weights drawn from their distribution's table made here,
 * each resample written out record by record and measured by definition, quantiles by sorting. */
#include "eval/compare/compare.h"
#include "eval/metrics/metrics.h"
#include "eval/metrics/ood.h"
#include "eval/metrics/score.h"
#include "pipeline/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plain_rows.h"

enum { MOST = 9000, ROUNDS = 40, DRAWS = 200 /* compare.c's */ };

static struct err err;
static struct pool *pool;

#define near(got, want, tol) \
	do { \
		long double g_ = (got), w_ = (want); \
		if (!(fabsl(g_ - w_) <= (tol) * (1 + fabsl(w_))) && !(isnan(g_) && isnan(w_)) && g_ != w_) \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_); \
	} while (0)

/* Poisson(1) by inversion of 32 random bits. */
static int weight_of(uint64_t seed, uint32_t round, uint64_t record)
{
	uint32_t out[4], key[2] = { (uint32_t)seed ^ RNG_BOOTSTRAP * 0x9E3779B9u, (uint32_t)(seed >> 32) };
	uint32_t ctr[4] = { (uint32_t)(record / 4), (uint32_t)(record / 4 >> 32), round, RNG_BOOTSTRAP };
	long double below = expl(-1), term = expl(-1), u;
	int w = 0;
	philox4x32(out, ctr, key);
	u = out[record % 4];
	for (; w < 12 && u >= floorl(below * 0x1p32L + 0.5L); w++) {
		term /= w + 1;
		below += term;
	}
	return w;
}

static void weights_are_drawn_by_their_table(void **state)
{
	(void)state;
	static const uint64_t from[] = { 0, 1, 3, 4, 4095, 4096, UINT64_C(17179869181), UINT64_C(1) << 40 };
	for (uint32_t i = 0; i < 400; i++) {
		uint8_t w[400];
		uint64_t seed = i % 2 ? i : (uint64_t)i << 33 | 5, at = from[i % 8] + i / 8 % 4;
		bootstrap_weights(seed, i / 3, at, 400, w);
		for (size_t j = 0; j < 400; j++)
			assert_int_equal(w[j], weight_of(seed, i / 3, at + j));
	}
}

/* The round that stands for `round` of n records: one that draws some. */
static uint32_t round_of(uint64_t seed, uint32_t round, int n)
{
	for (;; round += 1u << 24)
		for (int j = 0; j < n; j++)
			if (weight_of(seed, round, (uint64_t)j))
				return round;
}

struct record {
	double p, nll, brier;
	int right, label, predicted;
};

/* Measures of records, one list that says how often each counts. */
struct measures {
	long double accuracy, gap, ece, oe, uce, mce, rmsce, nll, brier, aurc, augrc;
};

static const struct record *compared;

static int by_confidence(const void *a, const void *b)
{
	double x = compared[*(const int *)a].p, y = compared[*(const int *)b].p;
	return (x < y) - (x > y);
}

/* Risks over coverages; a tie group in random order. */
static void risks(const struct record *r, const int *w, int n, struct measures *m)
{
	static int order[MOST];
	long double seen = 0, wrong = 0, total = 0;
	for (int i = 0; i < n; i++) {
		order[i] = i;
		total += w[i];
	}
	compared = r;
	qsort(order, (size_t)n, sizeof *order, by_confidence);
	for (int a = 0, b; a < n; a = b) {
		long double size = 0, bad = 0;
		for (b = a; b < n && r[order[b]].p == r[order[a]].p; b++) {
			size += w[order[b]];
			bad += w[order[b]] * !r[order[b]].right;
		}
		for (int j = 1; j <= size; j++) {
			m->aurc += (wrong + bad * j / size) / (seen + j) / total;
			m->augrc += (wrong + bad * j / size) / total / total;
		}
		seen += size;
		wrong += bad;
	}
}

/* 0: nothing was drawn. */
static int measure(const struct record *r, const int *w, int n, int bins, struct measures *m)
{
	long double total = 0, count[PLAIN_BINS] = { 0 }, conf[PLAIN_BINS] = { 0 }, right[PLAIN_BINS] = { 0 };
	*m = (struct measures){ 0 };
	for (int i = 0; i < n; i++) {
		int b = plain_bin(bins, r[i].p);
		total += w[i];
		count[b] += w[i];
		conf[b] += w[i] * (long double)r[i].p;
		right[b] += w[i] * r[i].right;
		m->nll += w[i] ? w[i] * (long double)r[i].nll : 0;
		m->brier += w[i] * (long double)r[i].brier;
	}
	if (!(total > 0))
		return 0;
	for (int b = 0; b < bins; b++) {
		long double gap = (conf[b] - right[b]) / count[b], share = count[b] / total;
		if (!(count[b] > 0))
			continue;
		m->accuracy += right[b] / total;
		m->gap += share * gap;
		m->ece += share * fabsl(gap);
		m->oe += share * conf[b] / count[b] * fmaxl(0, gap);
		m->uce += share * (1 - conf[b] / count[b]) * fmaxl(0, -gap);
		m->mce = fmaxl(m->mce, fabsl(gap));
		m->rmsce += share * gap * gap;
	}
	m->rmsce = sqrtl(m->rmsce);
	m->nll /= total;
	m->brier /= total;
	risks(r, w, n, m);
	return 1;
}

static long double mean(const long double *v, int n)
{
	long double sum = 0;
	for (int i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

static long double deviation(const long double *v, int n)
{
	long double square = 0, m = mean(v, n);
	for (int i = 0; i < n; i++)
		square += (v[i] - m) * (v[i] - m);
	return sqrtl(square / n);
}

/* A calibrated model with the confidences of sorted: [n]. */
static void calibrate(struct record *to, const struct record *sorted, int n, uint64_t seed, uint32_t draw)
{
	struct rng g;
	rng_init(&g, seed, RNG_NULL, draw, 0);
	for (int j = 0; j < n; j++) {
		to[j] = sorted[j];
		to[j].right = rng_real(&g) < sorted[j].p;
	}
}

static void draw(struct record *r, struct rows *w, int n, int ties, struct rng *g)
{
	*w = (struct rows){ .name = (char *)(uintptr_t) "it",
			    .n = (size_t)n,
			    .key = calloc((size_t)n, sizeof *w->key),
			    .nll = calloc((size_t)n, sizeof *w->nll),
			    .brier = calloc((size_t)n, sizeof *w->brier),
			    .label = calloc((size_t)n, sizeof *w->label),
			    .predicted = calloc((size_t)n, sizeof *w->predicted) };
	w->head.n_classes = 3;
	w->head.samples = 1;
	w->sum.n = (uint64_t)n;
	for (int i = 0; i < n; i++) {
		double p = ties ? (5 + rng_below(g, 6)) / 16.0 + 0.2 : 0.4 + 0.59 * rng_real(g);
		r[i] = (struct record){ .p = p, .right = rng_real(g) < p * p };
		r[i].label = (int)rng_below(g, 3);
		r[i].predicted = (r[i].label + !r[i].right) % 3;
		r[i].nll = r[i].right ? -log(p) : -log(1 - p);
		r[i].brier = rng_real(g);
		w->key[i] = conf_pack(p, 1 - p, r[i].right);
		r[i].p = conf_p(w->key[i]);
		w->nll[i] = r[i].nll;
		w->brier[i] = r[i].brier;
		w->label[i] = r[i].label;
		w->predicted[i] = r[i].predicted;
		w->sum.nll += fix_of(r[i].nll);
		w->sum.brier += fix_of(r[i].brier);
		w->sum.right += (uint64_t)r[i].right;
	}
}

static void drop(struct rows *w)
{
	free(w->key);
	free(w->nll);
	free(w->brier);
	free(w->label);
	free(w->predicted);
}

static int by_rank(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : x->right - y->right;
}

/* key in the order of struct measures' members. */
static const struct {
	const char *key;
	enum metric_interval kind;
	double least, most;
} keys[] = { { "accuracy", INTERVAL_WILSON, 0, 1 }, { "gap", INTERVAL_SPREAD, -1, 1 },
	     { "ece", INTERVAL_NORM, 0, 1 },	    { "oe", INTERVAL_ERROR, 0, 1 },
	     { "uce", INTERVAL_ERROR, 0, 1 },	    { "mce", INTERVAL_ERROR, 0, 1 },
	     { "rmsce", INTERVAL_NORM, 0, 1 },	    { "nll", INTERVAL_RATIO, 0, INFINITY },
	     { "brier", INTERVAL_RATIO, 0, 2 },	    { "aurc", INTERVAL_RATIO, 0, 1 },
	     { "augrc", INTERVAL_RATIO, 0, 1 } };
enum { KEYS = sizeof keys / sizeof *keys };

/* Of key k; resampled, drawn: [KEYS][rounds]. */
static long double spread_of(int k, long double (*resampled)[ROUNDS], long double (*drawn)[ROUNDS], int rounds, int n)
{
	long double sd = deviation(resampled[k], rounds) * sqrtl(n / (n - 1.0L));
	return k == 7 || k == 8 ? sd : fmaxl(sd, deviation(drawn[k], rounds));
}

static void ends_of(int k, long double value, long double (*resampled)[ROUNDS], long double (*drawn)[ROUNDS],
		    int rounds, int n, double level, long double *low, long double *high)
{
	long double sd = spread_of(k, resampled, drawn, rounds, n), t, noise = 0;
	if (keys[k].kind == INTERVAL_NORM)
		sd = fmaxl(sd, spread_of(1, resampled, drawn, rounds, n));
	t = n > 1 ? student_quantile_two_sided(level, n - 1) * sd : INFINITY;
	if (keys[k].kind >= INTERVAL_ERROR)
		noise = mean(drawn[k], rounds);
	*low = value - noise - t;
	*high = value + t;
	if (keys[k].kind == INTERVAL_RATIO && value > 0) {
		*low = value / expl(t / value);
		*high = value * expl(t / value);
	}
	if (keys[k].kind == INTERVAL_WILSON && n > 1) {
		long double z = normal_quantile_two_sided(level), zz = z * z / n, p = value;
		t = z / (1 + zz) * sqrtl(p * (1 - p) / n + zz / (4 * n));
		*low = (p + zz / 2) / (1 + zz) - t;
		*high = (p + zz / 2) / (1 + zz) + t;
	}
	*low = n > 1 ? fmaxl(*low, keys[k].least) : keys[k].least;
	*high = n > 1 ? fminl(*high, keys[k].most) : keys[k].most;
}

static void intervals_of_scores(void **state)
{
	(void)state;
	static struct record r[MOST], sorted[MOST], null[MOST];
	static int w[MOST];
	static struct score s;
	int checks = plain_checks(60), again = 0;
	for (int i = 0; i < checks; i++) {
		struct rng g;
		struct rows rows;
		struct measures m, means;
		static long double value[KEYS][ROUNDS], drawn[KEYS][ROUNDS];
		long double whole[KEYS], low, high;
		plain_rng(&g, (uint32_t)i, 70);
		int n = i % 30 == 7  ? 4094 + (int)rng_below(&g, 4000) /* to CELLS_FROM */
			: i % 5 == 0 ? 1 + (int)rng_below(&g, 5)
				     : 5 + (int)rng_below(&g, 60);
		struct score_options options = { .bins = { 1 + 2 * (int)rng_below(&g, 10) },
					 .n_bins = 1,
					 .brief = i % 10 != 3,
					 .level = 0.5 + 0.49 * rng_real(&g),
					 .rounds = n > 100 ? 3 : 2 + (int)rng_below(&g, ROUNDS - 1),
					 .seed = rng_u32(&g),
					 .threads = 1 + (int)rng_below(&g, 3) };
		draw(r, &rows, n, (int)rng_below(&g, 2), &g);
		memcpy(sorted, r, (size_t)n * sizeof *r);
		qsort(sorted, (size_t)n, sizeof *sorted, by_rank);
		for (int t = -1; t < options.rounds; t++) {
			uint32_t round = t < 0 ? 0 : round_of(options.seed, (uint32_t)t, n);
			again += t >= 0 && round != (uint32_t)t;
			for (int j = 0; j < n; j++)
				w[j] = t < 0 ? 1 : weight_of(options.seed, round, (uint64_t)j);
			/* keys are sorted before they are drawn, columns stay as they came */
			assert_true(measure(sorted, w, n, options.bins[0], &m) &&
				    measure(r, w, n, options.bins[0], &means));
			m.nll = means.nll;
			m.brier = means.brier;
			for (int k = 0; k < KEYS; k++)
				*(t < 0 ? &whole[k] : &value[k][t]) = ((long double *)&m)[k];
		}
		for (int t = 0; t < options.rounds; t++) {
			for (int j = 0; j < n; j++)
				w[j] = 1;
			calibrate(null, sorted, n, options.seed, (uint32_t)t);
			assert_true(measure(null, w, n, options.bins[0], &m));
			for (int k = 0; k < KEYS; k++)
				drawn[k][t] = ((long double *)&m)[k];
		}
		assert_int_equal(score_rows(&s, &rows, &options, &err), 0);
		for (int k = 0; k < KEYS; k++) {
			const struct score_item *v = score_find(&s, keys[k].key);
			assert_int_equal(v != NULL, !options.brief || k < 4 || k == 7 || k == 8);
			if (!v)
				continue;
			assert_int_equal(v->kind, SCORE_INTERVAL);
			near(v->value, whole[k], 1e-12);
			ends_of(k, whole[k], value, drawn, options.rounds, n, options.level, &low, &high);
			near(v->low, fminl(low, v->value), 1e-9);
			near(v->high, fmaxl(high, v->value), 1e-9);
			assert_true(v->low <= v->value && v->value <= v->high);
		}
		drop(&rows);
	}
	assert_true(again > 0);
}

/* P-values adjusted after Holm by the definition: the largest of those up to each one's rank. */
static double holm_of(const double *p, int n, int at)
{
	double most_yet = 0;
	int m = 0;
	for (int i = 0; i < n; i++)
		m += !isnan(p[i]);
	for (int i = 0; i < n; i++) {
		int before = 0;
		if (isnan(p[i]) || p[i] > p[at])
			continue;
		for (int j = 0; j < n; j++)
			before += p[j] < p[i] || (p[j] == p[i] && j < i);
		if (p[i] < p[at] || i <= at)
			most_yet = fmax(most_yet, fmin(1, p[i] * (m - before)));
	}
	return isnan(p[at]) ? NAN : most_yet;
}

static long double chance(int n, int k)
{
	long double c = 1;
	for (int i = 1; i <= k; i++)
		c *= (long double)(n - k + i) / i;
	return c * powl(0.5L, n);
}

static void mcnemar_and_holm(void **state)
{
	(void)state;
	for (int b = 0; b < 40; b++)
		for (int c = 0; c < 40; c++) {
			long double sum = 0;
			for (int k = 0; k <= (b < c ? b : c); k++)
				sum += 2 * chance(b + c, k);
			near(mcnemar_exact((uint64_t)b, (uint64_t)c), fminl(1, sum), 1e-12);
		}
	for (uint32_t i = 0; i < 500; i++) {
		struct rng g;
		double p[COMPARED_MOST], got[COMPARED_MOST];
		plain_rng(&g, i, 71);
		int n = 1 + (int)rng_below(&g, (uint32_t)compared_count());
		for (int j = 0; j < n; j++)
			got[j] = p[j] = rng_below(&g, 4) ? rng_below(&g, 20) / 40.0 : NAN;
		holm(got, n);
		for (int j = 0; j < n; j++)
			near(got[j], holm_of(p, n, j), 1e-15);
	}
	for (double level = 0.5; level < 0.999; level += 0.03) {
		near(erfc(normal_quantile_two_sided(level) / sqrt(2)), 1 - level, 1e-14);
		int n = compare_least_rounds(level), m = compared_count();
		assert_true(1.0 / n * m <= 1 - level + 1e-12 && 1.0 / (n - 1) * m > 1 - level - 1e-12);
	}
	near(student_quantile_two_sided(0.95, 1), 12.706204736174698L, 1e-11);
	near(student_quantile_two_sided(0.95, 4), 2.7764451051977987L, 1e-11);
	near(student_quantile_two_sided(0.5, 49), 0.6795296452626588L, 1e-9);
	near(student_quantile_two_sided(0.95, 1e7), 1.959963984540054L, 1e-6);
	assert_true(isinf(student_quantile_two_sided(0.95, 0)));
}

/* v: resamples, swaps, A calibrated, B calibrated; of which the last two matter to errors alone. */
static void check_swaps(const struct difference *d, long double (*v)[DRAWS], int rounds, int is_error, long double a,
			long double b, int n, double level)
{
	int far[2] = { 0, 0 }; /* at the least and at the most: what is as far but for rounding may be on either side */
	for (int t = 0; t < rounds; t++) {
		far[0] += fabsl(v[1][t]) > fabsl(b - a) + 1e-11L;
		far[1] += fabsl(v[1][t]) > fabsl(b - a) - 1e-11L;
	}
	long double t = n > 1 ? student_quantile_two_sided(level, n - 1) * deviation(v[0], rounds) *
					  sqrtl(n / (n - 1.0L))
			      : INFINITY;
	near(d->a, a, 1e-12);
	near(d->b, b, 1e-12);
	assert_true(d->there);
	near(d->low, b - a - t - (is_error ? mean(v[3], DRAWS) : 0), 1e-9);
	near(d->high, b - a + t + (is_error ? mean(v[2], DRAWS) : 0), 1e-9);
	assert_true(d->p >= (1.0 + far[0]) / (rounds + 1) - 1e-14 && d->p <= (1.0 + far[1]) / (rounds + 1) + 1e-14);
}

static int coin_of(uint64_t seed, uint32_t round, uint64_t record)
{
	uint32_t out[4], key[2] = { (uint32_t)seed ^ RNG_SWAP * 0x9E3779B9u, (uint32_t)(seed >> 32) };
	uint32_t ctr[4] = { (uint32_t)(record / 128), (uint32_t)(record / 128 >> 32), round, RNG_SWAP };
	philox4x32(out, ctr, key);
	return out[record % 128 / 32] >> record % 32 & 1;
}

/* ece, oe, nll, brier, aurc: the five that are tested so. */
static void tested(const struct measures *m, long double *to)
{
	const long double v[] = { m->ece, m->oe, m->nll, m->brier, m->aurc };
	memcpy(to, v, sizeof v);
}

static void comparisons(void **state)
{
	(void)state;
	static struct record side[2][MOST], other[2][MOST], sorted[2][MOST], *a = side[0], *b = side[1];
	static int w[MOST];
	static const char *const key[5] = { "ece", "oe", "nll", "brier", "aurc" };
	int checks = plain_checks(60);
	for (int i = 0; i < checks; i++) {
		struct rng g;
		struct rows ra, rb;
		struct comparison c;
		struct measures m;
		static long double v[5][4][DRAWS];
		long double all[2][5], got[2][5];
		double p[COMPARED_MOST], only[2] = { 0 }, accuracy[2];
		int lost = i % 7 == 3;
		plain_rng(&g, (uint32_t)i, 72);
		int n = i % 5 == 0 ? 1 + (int)rng_below(&g, 4) : 4 + (int)rng_below(&g, i % 3 ? 80 : 300);
		struct compare_options options = { .bins = 1 + 2 * (int)rng_below(&g, 8),
					   .rounds = 2 + (int)rng_below(&g, ROUNDS - 1),
					   .level = 0.5 + 0.49 * rng_real(&g),
					   .seed = (uint64_t)rng_u32(&g) << 20 };
		draw(a, &ra, n, (int)rng_below(&g, 2), &g);
		draw(b, &rb, n, (int)rng_below(&g, 2), &g);
		if (lost) { /* a label of probability 0 */
			rb.nll[n - 1] = INFINITY;
			rb.sum.infinite = 1;
		}
		memcpy(sorted, side, sizeof side);
		for (int s = 0; s < 2; s++)
			qsort(sorted[s], (size_t)n, sizeof **sorted, by_rank);
		for (int t = 0; t < 2 * options.rounds + DRAWS + 1; t++) {
			int kind = t < options.rounds		    ? 0
				   : t < 2 * options.rounds	    ? 1
				   : t < 2 * options.rounds + DRAWS ? 2
								    : 3;
			uint32_t at = (uint32_t)(t - kind * options.rounds), round = round_of(options.seed, at, n);
			for (int j = 0; j < n; j++) {
				int coin = kind == 1 && coin_of(options.seed, at, (uint64_t)j);
				w[j] = kind ? 1 : weight_of(options.seed, round, (uint64_t)j);
				other[0][j] = side[coin][j];
				other[1][j] = side[!coin][j];
			}
			for (int s = 0; s < 2; s++) {
				if (kind == 2)
					calibrate(other[s], sorted[s], n, options.seed, at);
				assert_true(measure(other[s], w, n, options.bins, &m));
				tested(&m, kind == 3 ? all[s] : got[s]);
				accuracy[s] = (double)m.accuracy;
				for (int k = 0; k < 5 && kind == 2; k++)
					v[k][2 + s][at] = got[s][k];
			}
			for (int k = 0; k < 5 && kind < 2; k++)
				v[k][kind][at] = got[1][k] - got[0][k];
		}
		assert_int_equal(compare_rows(&ra, &rb, &options, pool, &c, &err), 0);
		const struct difference *nll = difference_of(&c, "nll"), *area = difference_of(&c, "auroc");
		for (int k = 0; k < 5; k++)
			if (k != 2 || !lost)
				check_swaps(difference_of(&c, key[k]), v[k], options.rounds, k < 2, all[0][k],
					    all[1][k], n, options.level);
		assert_true(!lost || (!nll->there && isinf(nll->b) && isnan(nll->holm)));
		for (int j = 0; j < n; j++) {
			only[0] += a[j].right && !b[j].right;
			only[1] += b[j].right && !a[j].right;
		}
		const struct difference *d = difference_of(&c, "accuracy");
		double x = only[0] + 0.5, y = only[1] + 0.5, four = n + 2, mid = (y - x) / four;
		double half = normal_quantile_two_sided(options.level) * sqrt(((x + y) / four - mid * mid) / four);
		assert_true(c.only_a == only[0] && c.only_b == only[1] && c.n == (size_t)n);
		near(d->a, accuracy[0], 1e-12);
		near(d->b, accuracy[1], 1e-12);
		near(d->p, mcnemar_exact((uint64_t)only[0], (uint64_t)only[1]), 1e-15);
		near(d->low, fmax(-1, mid - half), 1e-12);
		near(d->high, fmin(1, mid + half), 1e-12);
		assert_true(!area->there && isnan(area->a)); /* three classes */
		for (int k = 0; k < compared_count(); k++)
			p[k] = c.of[k].there ? c.of[k].p : NAN;
		for (int k = 0; k < compared_count(); k++)
			near(c.of[k].holm, holm_of(p, compared_count(), k), 1e-15);
		drop(&ra);
		drop(&rb);
	}
}

/* Two streams are compared only where every record is the same: the first and the last are looked at too. */
static void the_same_records(void **state)
{
	(void)state;
	static const char *const said[] = { NULL,
					    "classes and",
					    "class 0 is",
					    "class 1 is",
					    "record 0 is number",
					    "record 2 is number",
					    "record 0 (number 5) has label",
					    "record 2 (number 7) has label",
					    "the first 3 agree",
					    "the first 2 agree" };
	for (int i = 0; i < 10; i++) {
		uint64_t id[2][4] = { { 5, 6, 7, 8 }, { 5, 6, 7, 8 } };
		int32_t label[2][4] = { { 0, 1, 0, 1 }, { 0, 1, 0, 1 } };
		char one[] = "one", two[] = "two", other[] = "other",
		     *names[2][2] = { { one, two }, { i == 2 ? other : one, i == 3 ? other : two } };
		struct rows w[2];
		for (int s = 0; s < 2; s++) {
			w[s] = (struct rows){ .name = s ? two : one, .n = 3, .id = id[s], .label = label[s] };
			w[s].head.n_classes = 2;
			w[s].head.classes = names[s];
		}
		w[1].head.n_classes = i == 1 ? 1 : 2;
		id[1][i == 4 ? 0 : i == 5 ? 2 : 3]++;
		label[1][i == 6 ? 0 : i == 7 ? 2 : 3]++;
		w[i % 2].n += i == 8 ? 1 : i == 9 ? (size_t)-1 : 0;
		assert_int_equal(compare_same_records(&w[0], &w[1], &err), i ? -1 : 0);
		if (i && !strstr(err.msg, said[i]))
			fail_msg("%d: %s", i, err.msg);
	}
}

int main(void)
{
	if (pool_open(&pool, 3, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_drawn_by_their_table),
		cmocka_unit_test(intervals_of_scores),
		cmocka_unit_test(mcnemar_and_holm),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(the_same_records),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
