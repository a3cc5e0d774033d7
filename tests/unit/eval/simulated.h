/* What the coverage of intervals is measured on: models whose truth is known. A record has K logits, normal with a
 * deviation that grows with K; its label is drawn from their softmax, and the model says the softmax of SCALE times
 * them: 1 is calibrated, above it overconfident, below it underconfident. The true value of a metric is its value with
 * the probability of being right in place of right, over many records. */
#ifndef VIC_TEST_SIMULATED_H
#define VIC_TEST_SIMULATED_H

#include "eval/metrics/score.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIMULATED_CLASSES = 100, SIMULATED_BINS = 15 };

struct simulated {
	double p, rest, truth; /* confidence, 1 - p, probability that the winner is the label */
	double nll, brier;     /* of the drawn label, or expected */
	int right;
};

/* drawn: a label; else nll and brier are expectations. */
static inline struct simulated simulated_record(struct rng *r, int classes, double scale, int drawn)
{
	double z[SIMULATED_CLASSES] = { 0 }, q[SIMULATED_CLASSES] = { 0 }, p[SIMULATED_CLASSES] = { 0 }, sum_q = 0,
	       sum_p = 0, square = 0;
	double deviation = 1.6 + 0.5 * log(classes), u, cross = 0, overlap = 0;
	int w = 0, label = classes - 1;
	for (int k = 0; k < classes; k++) {
		z[k] = deviation * rng_normal(r);
		w = z[k] > z[w] ? k : w;
	}
	for (int k = 0; k < classes; k++) {
		sum_q += q[k] = exp(z[k] - z[w]);
		sum_p += p[k] = exp(scale * (z[k] - z[w]));
	}
	u = drawn ? rng_real(r) * sum_q : 0;
	for (int k = 0; k < classes; k++) {
		label = u >= 0 && u < q[k] ? k : label;
		u -= q[k];
		q[k] /= sum_q;
		p[k] /= sum_p;
		square += p[k] * p[k];
		overlap += p[k] * q[k];
		cross -= q[k] * (scale * (z[k] - z[w]) - log(sum_p));
	}
	return (struct simulated){ p[w],
				   (sum_p - 1) / sum_p,
				   q[w],
				   drawn ? log(sum_p) - scale * (z[label] - z[w]) : cross,
				   square + 1 - 2 * (drawn ? p[label] : overlap),
				   drawn && label == w };
}

/* A stream of n records; release with simulated_release. */
static inline int simulated_rows(struct rows *w, size_t n, int classes, double scale, uint32_t set, struct err *err)
{
	struct rng r;
	rng_init(&r, 17, RNG_TEST, set, (uint32_t)classes);
	*w = (struct rows){ .name = (char *)(uintptr_t) "simulated", .n = n };
	w->head.n_classes = classes;
	w->head.samples = 1;
	w->sum.n = n;
	if (mem_alloc(&w->key, n, sizeof *w->key, err) || mem_alloc(&w->nll, n, sizeof *w->nll, err) ||
	    mem_alloc(&w->brier, n, sizeof *w->brier, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct simulated s = simulated_record(&r, classes, scale, 1);
		w->key[i] = conf_pack(s.p, s.rest, s.right);
		w->nll[i] = s.nll;
		w->brier[i] = s.brier;
		w->sum.right += (uint64_t)s.right;
		rows_add_nll(&w->sum, s.nll);
		w->sum.brier += fix_of(s.brier);
	}
	return 0;
}

static inline void simulated_release(struct rows *w)
{
	free(w->key);
	free(w->nll);
	free(w->brier);
}

/* Every metric's true value by its key; not for counts. */
struct simulated_truth {
	double accuracy, ece, oe, nll, brier, gap, uce, mce, rmsce, ece_mass, ece_sweep, ece_smooth, ks, kuiper,
		corp_score, corp_mcb, corp_dsc, corp_unc, aurc, augrc;
};

static inline int simulated_by_confidence(const void *a, const void *b)
{
	double x = ((const struct simulated *)a)->p, y = ((const struct simulated *)b)->p;
	return (x > y) - (x < y);
}

/* Over M groups of equal size, rising in confidence: sums of |gap|, gap^2 and truth^2. */
static inline void simulated_groups(const struct simulated *s, size_t n, size_t groups, double sum[3])
{
	memset(sum, 0, 3 * sizeof *sum);
	for (size_t g = 0; g < groups; g++) {
		double gap = 0, truth = 0, m = 0;
		for (size_t i = g * n / groups; i < (g + 1) * n / groups; i++) {
			gap += s[i].p - s[i].truth;
			truth += s[i].truth;
			m++;
		}
		sum[0] += fabs(gap) / (double)n;
		sum[1] += gap * gap / m / (double)n;
		sum[2] += truth * truth / m / (double)n;
	}
}

static inline void simulated_bins(const struct simulated *s, size_t n, struct simulated_truth *t)
{
	double m[SIMULATED_BINS] = { 0 }, conf[SIMULATED_BINS] = { 0 }, truth[SIMULATED_BINS] = { 0 };
	for (size_t i = 0; i < n; i++) {
		int b = bin_of(SIMULATED_BINS, s[i].p);
		m[b]++;
		conf[b] += s[i].p;
		truth[b] += s[i].truth;
	}
	for (int b = 0; b < SIMULATED_BINS; b++) {
		double gap = m[b] > 0 ? (conf[b] - truth[b]) / m[b] : 0, share = m[b] / (double)n;
		t->ece += share * fabs(gap);
		t->oe += gap > 0 ? share * gap * conf[b] / m[b] : 0;
		t->uce -= gap < 0 ? share * gap * (1 - conf[b] / m[b]) : 0;
		t->mce = fmax(t->mce, fabs(gap));
		t->rmsce += share * gap * gap;
	}
	t->rmsce = sqrt(t->rmsce);
}

static inline void simulated_sums(const struct simulated *s, size_t n, struct simulated_truth *t)
{
	double d = 0, low = 0, high = 0, errors = 0, risk = 0, area = 0, many = (double)n;
	for (size_t i = 0; i < n; i++) {
		double p = s[i].p, a = s[i].truth;
		t->accuracy += a / many;
		t->gap += (p - a) / many;
		t->nll += s[i].nll / many;
		t->brier += s[i].brier / many;
		t->corp_score += (a * (1 - p) * (1 - p) + (1 - a) * p * p) / many;
		d += a - p;
		low = fmin(low, d);
		high = fmax(high, d);
		errors += 1 - s[n - 1 - i].truth;
		risk += errors / (double)(i + 1);
		area += errors;
	}
	t->ks = fmax(-low, high) / many;
	t->kuiper = (high - low) / many;
	t->aurc = risk / many;
	t->augrc = area / many / many;
}

/* Over n records of the same model. */
static inline int simulated_truth(struct simulated_truth *t, size_t n, int classes, double scale, struct err *err)
{
	struct simulated *s;
	double *x, sum[3];
	struct rng r;
	rng_init(&r, 18, RNG_TEST, 0, (uint32_t)classes);
	*t = (struct simulated_truth){ 0 };
	if (mem_alloc(&s, n, sizeof *s, err) || mem_alloc(&x, 2 * n, sizeof *x, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		s[i] = simulated_record(&r, classes, scale, 0);
	qsort(s, n, sizeof *s, simulated_by_confidence);
	for (size_t i = 0; i < n; i++) {
		x[i] = s[i].p;
		x[n + i] = s[i].truth - s[i].p;
	}
	simulated_bins(s, n, t);
	simulated_sums(s, n, t);
	simulated_groups(s, n, SIMULATED_BINS, sum);
	t->ece_mass = sum[0];
	simulated_groups(s, n, n / 400 < 1000 ? n / 400 : 1000, sum);
	t->ece_sweep = sum[0];
	t->corp_mcb = sum[1];
	t->corp_unc = t->accuracy * (1 - t->accuracy);
	t->corp_dsc = sum[2] - t->accuracy * t->accuracy;
	int rc = smooth_residuals(x, x + n, n, n, &t->ece_smooth, err);
	free(s);
	free(x);
	if (scale == 1) /* the probability of being right is the confidence, but for a rounding */
		t->ece = t->oe = t->uce = t->mce = t->rmsce = t->ece_mass = t->ece_sweep = t->ece_smooth = t->ks =
			t->kuiper = t->corp_mcb = t->gap = 0;
	return rc;
}

/* NaN: no such key. */
static inline double simulated_value(const struct simulated_truth *t, const char *key)
{
	const struct {
		const char *key;
		double value;
	} list[] = {
		{ "accuracy", t->accuracy },	 { "ece", t->ece },
		{ "oe", t->oe },		 { "nll", t->nll },
		{ "brier", t->brier },		 { "gap", t->gap },
		{ "uce", t->uce },		 { "mce", t->mce },
		{ "rmsce", t->rmsce },		 { "l2_debiased", t->rmsce },
		{ "ece_mass", t->ece_mass },	 { "ece_sweep", t->ece_sweep },
		{ "ece_smooth", t->ece_smooth }, { "ks", t->ks },
		{ "kuiper", t->kuiper },	 { "corp_score", t->corp_score },
		{ "corp_mcb", t->corp_mcb },	 { "corp_dsc", t->corp_dsc },
		{ "corp_unc", t->corp_unc },	 { "aurc", t->aurc },
		{ "augrc", t->augrc },
	};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (!strcmp(list[i].key, key))
			return list[i].value;
	return NAN;
}

#endif
