/* Out-of-distribution detection against trying every threshold and every pair, and against resampling in the open. */
#include "eval/metrics/ood.h"
#include "pipeline/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plain_rows.h"

enum { MOST = 60, ROUNDS = 30 };

static struct err err;
static struct pool *pool;

#define near(got, want, tol) \
	do { \
		double g_ = (got), w_ = (want); \
		if (!(fabs(g_ - w_) <= (tol)) && !(isnan(g_) && isnan(w_))) \
			fail_msg("%s:%d: %s is %.17g, not %.17g", __func__, __LINE__, #got, g_, w_); \
	} while (0)

struct side {
	struct rows rows;
	double score[OOD_SCORES][MOST];
};

/* Scores on a coarse or a fine grid; higher is in for all but entropy and mutual information. */
static void draw(struct side *s, size_t n, double shift, int coarse, struct rng *r)
{
	s->rows = (struct rows){ .n = n,
				 .key = calloc(n, 8),
				 .max_logit = calloc(n, 8),
				 .energy = calloc(n, 8),
				 .entropy = calloc(n, 8),
				 .margin = calloc(n, 8),
				 .mutual = calloc(n, 8) };
	s->rows.head.samples = 2;
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < OOD_SCORES; k++) {
			double v = shift + rng_normal(r);
			s->score[k][i] = coarse ? floor(2 * v) / 2 : v;
		}
		double p = 1 / (1 + exp(-s->score[OOD_MSP][i]));
		s->rows.key[i] = conf_pack(p, 1 - p, rng_below(r, 2) != 0);
		s->score[OOD_MSP][i] = conf_p(s->rows.key[i]);
		s->rows.max_logit[i] = s->score[OOD_MAX_LOGIT][i];
		s->rows.energy[i] = s->score[OOD_ENERGY][i];
		s->rows.entropy[i] = -s->score[OOD_ENTROPY][i];
		s->rows.margin[i] = s->score[OOD_MARGIN][i];
		s->rows.mutual[i] = -s->score[OOD_MUTUAL][i];
	}
}

static void drop(struct side *s)
{
	free(s->rows.key);
	free(s->rows.max_logit);
	free(s->rows.energy);
	free(s->rows.entropy);
	free(s->rows.margin);
	free(s->rows.mutual);
}

struct answer {
	double auroc, in, out, fpr95, threshold;
};

/* v: [m] in, then [n] out, each counting w times; 0 where a side is empty. */
static int by_thresholds(const double *v, const int *w, size_t m, size_t n, struct answer *a)
{
	double pos = 0, neg = 0, wins = 0;
	for (size_t i = 0; i < m + n; i++)
		*(i < m ? &pos : &neg) += w[i];
	*a = (struct answer){ .threshold = -INFINITY };
	if (!(pos > 0) || !(neg > 0))
		return 0;
	for (size_t i = 0; i < m; i++)
		for (size_t j = m; j < m + n; j++)
			wins += (v[i] > v[j] ? 1 : v[i] == v[j] ? 0.5 : 0) * w[i] * w[j];
	a->auroc = wins / pos / neg;
	double scale = neg * (double)m / (pos * (double)n);
	for (size_t t = 0; t < m + n; t++) {
		double tp = 0, fp = 0, tn = 0, fn = 0, hits = 0, others = 0;
		int first = 1;
		for (size_t i = 0; i < m + n; i++) {
			first &= !(i < t && v[i] == v[t]);
			*(i < m ? &tp : &fp) += v[i] >= v[t] ? w[i] : 0;
			*(i < m ? &fn : &tn) += v[i] <= v[t] ? w[i] : 0;
			*(i < m ? &hits : &others) += v[i] == v[t] ? w[i] : 0;
		}
		if (first && hits > 0)
			a->in += hits / pos * scale * tp / (scale * tp + fp);
		if (first && others > 0)
			a->out += others / neg * tn / (tn + scale * fn);
		if (20 * tp >= 19 * pos && v[t] > a->threshold) {
			a->threshold = v[t];
			a->fpr95 = fp / neg;
		}
	}
	return 1;
}

/* Hanley and McNeil's components from all pairs, as DeLong has them. */
static double variance(const double *v, size_t m, size_t n, double area)
{
	double s[2] = { 0, 0 };
	for (size_t i = 0; i < m + n; i++) {
		double share = 0;
		for (size_t j = i < m ? m : 0; j < (i < m ? m + n : m); j++) {
			double d = i < m ? v[i] - v[j] : v[j] - v[i];
			share += (d > 0 ? 1 : d == 0 ? 0.5 : 0) / (double)(i < m ? n : m);
		}
		s[i >= m] += (share - area) * (share - area);
	}
	return m < 2 || n < 2 ? NAN : s[0] / (double)(m - 1) / (double)m + s[1] / (double)(n - 1) / (double)n;
}

/* Newcombe's limits: the areas t that lie z deviations of their own from a. */
static double limit(double a, double end, double m, double n, double z)
{
	double in = a, out = end;
	for (int i = 0; i < 300; i++) {
		double t = (in + out) / 2, h = (m + n) / 2 - 1;
		double v = t * (1 - t) / (m * n) * (1 + h * (1 - t) / (2 - t) + h * t / (1 + t));
		*(fabs(t - a) < z * sqrt(v) ? &in : &out) = t;
	}
	return in;
}

static void area_intervals(void **state)
{
	(void)state;
	for (double a = 0; a <= 1.0; a += 0.125)
		for (size_t m = 1; m < 200; m *= 3)
			for (size_t n = 1; n < 200; n *= 4)
				for (int none = 0; none < 2; none++) {
					struct interval i = auroc_interval(a, none ? NAN : 0, m, n, 1.96);
					near(i.low, limit(a, 0, (double)m, (double)n, 1.96), 1e-12);
					near(i.high, limit(a, 1, (double)m, (double)n, 1.96), 1e-12);
					struct interval v = auroc_interval(a, 0.01, m, n, 2);
					near(v.low, fmax(0, a - 0.2), 1e-15);
					near(v.high, fmin(1, a + 0.2), 1e-15);
				}
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* few: records of the smaller side. */
static void logit(const double *v, int n, double point, double level, double few, const struct interval *got)
{
	double mean = 0, square = 0, z = normal_quantile_two_sided(level), centre = few * point;
	for (int i = 0; i < n; i++)
		mean += v[i] / n;
	for (int i = 0; i < n; i++)
		square += (v[i] - mean) * (v[i] - mean);
	double sd = sqrt(square / n);
	if (few < 2 || point > 1 - 1e-11 || sd < 1e-11) {
		double half = z * sqrt(fmax(0, centre * (1 - point)) + z * z / 4);
		near(got->low, (centre + z * z / 2 - half) / (few + z * z), 1e-9);
		near(got->high, fmin(1, (centre + z * z / 2 + half) / (few + z * z)), 1e-9);
		return;
	}
	z = student_quantile_two_sided(level, few - 1);
	for (int side = -1; side <= 1; side += 2) {
		double odds = point / (1 - point) * exp(side * z * sd / (point * (1 - point)));
		near(side < 0 ? got->low : got->high, odds < INFINITY ? odds / (1 + odds) : 1, 1e-9);
	}
}

/* How often each record counts: those of one score and side together as often as a Poisson draw says, from the highest
 * score down, the in-distribution side first. */
static void draw_weights(const double *v, size_t m, size_t n, struct rng *r, int *w)
{
	double last = INFINITY;
	memset(w, 0, (m + n) * sizeof *w);
	for (;;) {
		double next = -INFINITY;
		for (size_t i = 0; i < m + n; i++)
			next = v[i] < last && v[i] > next ? v[i] : next;
		if (!(next > -INFINITY))
			return;
		for (int side = 0; side < 2; side++) {
			size_t count = 0, one = 0;
			for (size_t i = side ? m : 0; i < (side ? m + n : m); i++)
				if (v[i] == next) {
					count++;
					one = i;
				}
			if (count)
				w[one] = (int)rng_poisson(r, (double)count);
		}
		last = next;
	}
}

static void check_resamples(const double *v, size_t m, size_t n, const struct ood_ask *options,
			    const struct answer *whole, const struct ood_result *got)
{
	double value[3][ROUNDS];
	int w[2 * MOST], k = 0;
	for (int t = 0; t < options->rounds; t++) {
		struct answer a;
		struct rng r;
		rng_init(&r, options->seed, RNG_BOOTSTRAP, (uint32_t)t, 0);
		draw_weights(v, m, n, &r, w);
		if (!by_thresholds(v, w, m, n, &a))
			continue;
		value[0][k] = a.in;
		value[1][k] = a.out;
		value[2][k++] = a.fpr95;
	}
	if (!k) {
		assert_true(isnan(got->aupr_in.low) && isnan(got->fpr95.high));
		return;
	}
	for (int i = 0; i < 3; i++)
		qsort(value[i], (size_t)k, sizeof(double), rising);
	double few = (double)(m < n ? m : n);
	logit(value[0], k, whole->in, options->level, few, &got->aupr_in);
	logit(value[1], k, whole->out, options->level, few, &got->aupr_out);
	double tail = (1 - options->level) / 2 * (k - 1);
	near(got->fpr95.low, value[2][(int)floor(tail)], 1e-13);
	near(got->fpr95.high, value[2][(int)ceil(k - 1 - tail)], 1e-13);
}

static void every_score(void **state)
{
	(void)state;
	int checks = plain_checks(200);
	for (int i = 0; i < checks; i++) {
		static struct side in, out;
		static const int once[2 * MOST] = { [0 ... 2 * MOST - 1] = 1 };
		struct rng r;
		plain_rng(&r, (uint32_t)i, 80);
		size_t m = 1 + rng_below(&r, i % 3 ? MOST : 3), n = 1 + rng_below(&r, i % 5 ? MOST : 3);
		struct ood_ask options = { .rounds = i % 4 ? 1 + (int)rng_below(&r, ROUNDS) : 0,
				       .level = 0.5 + 0.49 * rng_real(&r),
				       .seed = rng_u32(&r) };
		draw(&in, m, 4 * rng_real(&r), i % 2, &r);
		draw(&out, n, 0, i % 2, &r);
		for (int s = 0; s < OOD_SCORES; s++) {
			double v[2 * MOST];
			struct ood_result got;
			struct answer want;
			memcpy(v, in.score[s], m * sizeof *v);
			memcpy(v + m, out.score[s], n * sizeof *v);
			assert_int_equal(
				ood_measure(&in.rows, &out.rows, (enum ood_score)s, &options, pool, &got, &err), 0);
			assert_true(by_thresholds(v, once, m, n, &want));
			near(got.value.auroc, want.auroc, 1e-13);
			near(got.value.aupr_pos, want.in, 1e-13);
			near(got.value.aupr_neg, want.out, 1e-13);
			near(got.value.fpr95, want.fpr95, 1e-13);
			near(got.threshold95, want.threshold, 0);
			double z = normal_quantile_two_sided(options.level), var = variance(v, m, n, want.auroc);
			if (var > 1e-20) {
				near(got.auroc.low, fmax(0, want.auroc - z * sqrt(var)), 1e-11);
				near(got.auroc.high, fmin(1, want.auroc + z * sqrt(var)), 1e-11);
			} else {
				near(got.auroc.low, limit(want.auroc, 0, (double)m, (double)n, z), 1e-9);
				near(got.auroc.high, limit(want.auroc, 1, (double)m, (double)n, z), 1e-9);
			}
			if (options.rounds)
				check_resamples(v, m, n, &options, &want, &got);
			else
				assert_true(isnan(got.aupr_in.low) && isnan(got.aupr_out.high) && isnan(got.fpr95.low));
		}
		drop(&in);
		drop(&out);
	}
}

/* Scores of two normal distributions `apart`: intervals of average precision hold that of the distributions, also where
 * many sets are told apart without an error. */
static void precision_is_covered(void **state)
{
	(void)state;
	static const struct {
		size_t m, n;
		double apart, truth;
	} tasks[] = { { 20, 20, 3, 0.9834 }, { 50, 50, 1.5, 0.8538 }, { 20, 200, 3, 0.9003 }, { 200, 20, 3, 0.9982 } };
	struct ood_ask options = { .rounds = 200, .level = 0.95, .seed = 1 };
	enum { SETS = 200 };
	for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
		int held = 0;
		for (uint32_t set = 0; set < SETS; set++) {
			double x[220];
			struct rows in = { .n = tasks[t].m, .max_logit = x }, out = { .n = tasks[t].n };
			struct ood_result got;
			struct rng r;
			out.max_logit = x + in.n;
			plain_rng(&r, set, 81 + (uint32_t)t);
			for (size_t i = 0; i < in.n + out.n; i++)
				x[i] = rng_normal(&r) + (i < in.n ? tasks[t].apart : 0);
			assert_int_equal(ood_measure(&in, &out, OOD_MAX_LOGIT, &options, pool, &got, &err), 0);
			held += got.aupr_in.low <= tasks[t].truth && tasks[t].truth <= got.aupr_in.high;
		}
		if (held < 0.9 * SETS)
			fail_msg("%zu and %zu, %g apart: %d of %d", tasks[t].m, tasks[t].n, tasks[t].apart, held, SETS);
	}
}

/* What a score needs of both sides. */
static void what_scores_lack(void **state)
{
	(void)state;
	for (int s = 0; s < OOD_SCORES; s++)
		for (int i = 0; i < 16; i++) {
			struct rows in = { 0 }, out = { 0 };
			in.head.values = i & 1 ? VALUES_PROBS : VALUES_LOGITS;
			out.head.values = i & 2 ? VALUES_PROBS : VALUES_LOGITS;
			in.head.samples = i & 4 ? 2 : 1;
			out.head.samples = i & 8 ? 2 : 1;
			int lacks = ((s == OOD_MAX_LOGIT || s == OOD_ENERGY) && (i & 3)) ||
				    (s == OOD_MUTUAL && (i & 12) != 12);
			assert_int_equal(ood_score_lacks((enum ood_score)s, &in, &out) != NULL, lacks);
		}
}

int main(void)
{
	if (pool_open(&pool, 2, &err))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(area_intervals), cmocka_unit_test(every_score),
					    cmocka_unit_test(precision_is_covered),
					    cmocka_unit_test(what_scores_lack) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
