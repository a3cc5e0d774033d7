/* Paired differences of areas: DeLong's, and by influence values where the two sides differ in what is positive. */
#include "compare.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>

/* One stream's area; `influence` [n] by record: DeLong's placements less the area, over the size of the side. `key` [n]
 * rising with the score, `positive` [n], `given`: the order of the keys, falling, or NULL. O(n) once the order is there
 * (Sun and Xu 2014). 1: there is none (one side empty). */
static int area_of(const uint64_t *key, const uint8_t *positive, const uint32_t *given, size_t n, double *area,
		   double *influence, struct err *err)
{
	uint32_t *made = NULL;
	const uint32_t *order = given;
	double pos = 0, neg, tp = 0, fp = 0, wins = 0;
	for (size_t i = 0; i < n; i++)
		pos += positive[i];
	neg = (double)n - pos;
	if (!(pos > 0) || !(neg > 0))
		return 1;
	if (!given) {
		if (mem_alloc(&made, n, sizeof *made, err) || order_falling(key, n, made, err)) {
			free(made);
			return -1;
		}
		order = made;
	}
	for (size_t from = 0, to; from < n; from = to) {
		double p = 0, q;
		for (to = from; to < n && key[order[to]] == key[order[from]]; to++)
			p += positive[order[to]];
		q = (double)(to - from) - p;
		for (size_t j = from; j < to; j++)
			influence[order[j]] = positive[order[j]] ? (neg - fp - q / 2) / neg : (tp + p / 2) / pos;
		wins += q * (tp + p / 2);
		tp += p;
		fp += q;
	}
	*area = wins / (pos * neg);
	for (size_t i = 0; i < n; i++)
		influence[i] = (influence[i] - *area) / (positive[i] ? pos : neg);
	free(made);
	return 0;
}

/* Variance of the difference. Influences sum to 0 over either side, so with equal sides and the factor m/(m - 1) of
 * each this is DeLong's; where they differ, n/(n - 1) stands for both. */
static double variance(const double *a, const double *b, const uint8_t *positive, int same, size_t n)
{
	double side[2] = { 0, 0 }, count[2] = { 0, 0 }, all = 0;
	for (size_t i = 0; i < n; i++) {
		double d = b[i] - a[i];
		side[positive[i]] += d * d;
		count[positive[i]]++;
		all += d * d;
	}
	if (!same)
		return all * (double)n / (double)(n - 1);
	return side[0] * count[0] / (count[0] - 1) + side[1] * count[1] / (count[1] - 1);
}

static int one_area(const uint64_t *const key[2], const uint8_t *const positive[2], const uint32_t *const order[2],
		    int same, size_t n, double level, struct difference *d, struct err *err)
{
	double *influence;
	if (mem_alloc(&influence, 2 * n, sizeof *influence, err))
		return -1;
	int rc = area_of(key[0], positive[0], order[0], n, &d->a, influence, err);
	int other = rc < 0 ? rc : area_of(key[1], positive[1], order[1], n, &d->b, influence + n, err);
	rc = other ? other : rc;
	if (!rc) {
		double v = variance(influence, influence + n, positive[0], same, n), sd = sqrt(v), diff = d->b - d->a;
		d->there = isfinite(v);
		double half = normal_quantile_two_sided(level) * sd;
		d->low = diff - half;
		d->high = diff + half;
		d->p = sd > 0 ? erfc(fabs(diff) / sd / sqrt(2)) : diff == 0 ? 1 : 0;
	}
	free(influence);
	return rc < 0 ? -1 : 0;
}

/* P(class 1) of a two-class record, in the order of conf.h, from the winner's. */
static uint64_t class_one(const struct rows *r, size_t i)
{
	conf_key k = r->key[i];
	return conf_order(r->predicted[i] == 1 ? k : conf_pack(conf_rest(k), conf_p(k), 0));
}

int compare_auroc(const struct rows *a, const struct rows *b, const uint32_t *const order[2], double level,
		  struct comparison *c, struct err *err)
{
	static const uint32_t *const none[2] = { NULL, NULL };
	const struct rows *rows[2] = { a, b };
	uint64_t *key[2] = { NULL, NULL };
	uint8_t *positive[2] = { NULL, NULL };
	size_t n = a->n;
	int rc = 0;
	for (int s = 0; s < 2; s++)
		rc = rc || mem_alloc(&key[s], n, sizeof *key[s], err) || mem_alloc(&positive[s], n, 1, err);
	for (int by_class = 1; !rc && by_class >= 0; by_class--) {
		if (by_class && a->head.n_classes != 2)
			continue;
		for (int s = 0; s < 2; s++)
			for (size_t i = 0; i < n; i++) {
				key[s][i] = by_class ? class_one(rows[s], i) : conf_order(rows[s]->key[i]);
				positive[s][i] =
					by_class ? rows[s]->label[i] == 1 : (uint8_t)conf_right(rows[s]->key[i]);
			}
		rc = one_area((const uint64_t *const *)key, (const uint8_t *const *)positive, by_class ? none : order,
			      by_class, n, level, difference_of(c, by_class ? "auroc" : "auroc_correct"), err);
	}
	for (int s = 0; s < 2; s++) {
		free(key[s]);
		free(positive[s]);
	}
	return rc ? -1 : 0;
}
