/* AUROC, average precision and FPR at 95 % TPR from one order of the records. The order comes from a stable radix sort
 * of (key, record), so ties are in order of record number and the result is reproducible. Every measure is one pass
 * that acts only at the ends of tie groups (ends[]). Counts are whole numbers in doubles, exact below 2^53. DeLong's
 * variance is taken from the placements, O(n) once the order is there (Sun and Xu 2014). */
#include "ranking.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t ranking_key(double v)
{
	uint64_t u;
	if (v == 0)
		v = 0; /* not -0 */
	memcpy(&u, &v, 8);
	return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

int ranking_init(struct ranking *r, const uint64_t *key, size_t n_pos, size_t n_neg, struct err *err)
{
	size_t n = n_pos + n_neg;
	*r = (struct ranking){ .n_pos = n_pos, .n_neg = n_neg };
	if (!n_pos || !n_neg)
		return err_set(err, "a ranking needs both sides: %zu positive and %zu negative records", n_pos, n_neg);
	if (mem_alloc(&r->order, n, sizeof *r->order, err) || mem_alloc(&r->ends, n, 1, err) ||
	    order_falling(key, n, r->order, err)) {
		ranking_release(r);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		r->ends[i] = i + 1 == n || key[r->order[i]] != key[r->order[i + 1]];
	return 0;
}

void ranking_release(struct ranking *r)
{
	free(r->order);
	free(r->ends);
	*r = (struct ranking){ 0 };
}

/* Average precision of the negatives, from the lowest score up. scale: what a positive weighs beside a negative. */
static double precision_from_below(const struct ranking *r, const uint32_t *weight, double neg, double scale)
{
	double seen_neg = 0, seen_pos = 0, sum = 0, before = 0;
	for (size_t i = r->n_pos + r->n_neg; i-- > 0;) {
		uint32_t at = r->order[i], w = weight ? weight[at] : 1;
		*(at >= r->n_pos ? &seen_neg : &seen_pos) += w;
		if ((i == 0 || r->ends[i - 1]) && seen_neg > before) {
			sum += (seen_neg - before) / neg * (seen_neg / (seen_neg + scale * seen_pos));
			before = seen_neg;
		}
	}
	return sum;
}

void ranking_measure(const struct ranking *r, const uint32_t *weight, struct ranking_numbers *out)
{
	size_t n = r->n_pos + r->n_neg;
	double pos = 0, neg = 0;
	if (weight) {
		uint64_t p = 0, q = 0;
		for (size_t i = 0; i < r->n_pos; i++)
			p += weight[i];
		for (size_t i = r->n_pos; i < n; i++)
			q += weight[i];
		pos = (double)p;
		neg = (double)q;
	} else {
		pos = (double)r->n_pos;
		neg = (double)r->n_neg;
	}
	*out = (struct ranking_numbers){ NAN, NAN, NAN, NAN, 0 };
	if (!(pos > 0 && neg > 0))
		return;
	/* Counts are whole and below 2^53 in all sums but `wins`, whose rounding is far below the last printed digit.
	 */
	double scale = weight ? neg * (double)r->n_pos / (pos * (double)r->n_neg) : 1;
	double tp = 0, fp = 0, tp_before = 0, fp_before = 0, wins = 0, area = 0, fpr95 = -1;
	for (size_t i = 0; i < n; i++) {
		uint32_t at = r->order[i], w = weight ? weight[at] : 1;
		if (at < r->n_pos)
			tp += w;
		else
			fp += w;
		if (!r->ends[i])
			continue;
		/* the group's negatives lose to all positives above them and draw with those beside them */
		wins += (fp - fp_before) * (tp_before + (tp - tp_before) / 2);
		if (tp > tp_before)
			area += (tp - tp_before) / pos * (scale * tp / (scale * tp + fp));
		if (fpr95 < 0 && tp * 20 >= pos * 19) {
			fpr95 = fp / neg;
			out->at95 = at;
		}
		tp_before = tp;
		fp_before = fp;
	}
	out->auroc = wins / (pos * neg);
	out->aupr_pos = area;
	out->aupr_neg = precision_from_below(r, weight, neg, scale);
	out->fpr95 = fpr95;
}

void ranking_placements(const struct ranking *r, double *place)
{
	size_t n = r->n_pos + r->n_neg;
	double pos = (double)r->n_pos, neg = (double)r->n_neg, tp = 0, fp = 0;
	for (size_t i = 0, from = 0; i < n; i++) {
		if (!r->ends[i])
			continue;
		double p = 0, q = 0;
		for (size_t j = from; j <= i; j++) {
			if (r->order[j] < r->n_pos)
				p++;
			else
				q++;
		}
		for (size_t j = from; j <= i; j++)
			place[r->order[j]] = r->order[j] < r->n_pos ? (neg - fp - q + q / 2) / neg : (tp + p / 2) / pos;
		tp += p;
		fp += q;
		from = i + 1;
	}
}

static double variance_of(const double *a, const double *b, size_t n)
{
	double mean = 0, sum = 0;
	for (size_t i = 0; i < n; i++)
		mean += a[i] - (b ? b[i] : 0);
	mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = a[i] - (b ? b[i] : 0) - mean;
		sum += d * d;
	}
	return sum / (double)(n - 1);
}

double delong_variance(const double *a, const double *b, size_t n_pos, size_t n_neg)
{
	if (n_pos < 2 || n_neg < 2)
		return NAN;
	return variance_of(a, b, n_pos) / (double)n_pos +
	       variance_of(a + n_pos, b ? b + n_pos : NULL, n_neg) / (double)n_neg;
}

/* Newcombe 2006, Statistics in Medicine 25:559, method 5: the variance as a function of the true area t. */
static double newcombe_variance(double t, double m, double n)
{
	double half = (m + n) / 2 - 1;
	return t * (1 - t) * (1 + half * (1 - t) / (2 - t) + half * t / (1 + t)) / (m * n);
}

/* The t on one side of `a` at which |t - a| = z sd(t). */
static double newcombe_limit(double a, double end, double m, double n, double z)
{
	double near = a, far = end;
	for (int i = 0; i < 200; i++) {
		double t = near + (far - near) / 2;
		if (fabs(t - a) < z * sqrt(newcombe_variance(t, m, n)))
			near = t;
		else
			far = t;
	}
	return near;
}

struct interval auroc_interval(double auroc, double variance, size_t n_pos, size_t n_neg, double z)
{
	double half = z * sqrt(variance), m = (double)n_pos, n = (double)n_neg;
	if (variance > 0) {
		struct interval i = { auroc - half, auroc + half };
		i.low = i.low < 0 ? 0 : i.low;
		i.high = i.high > 1 ? 1 : i.high;
		return i;
	}
	return (struct interval){ newcombe_limit(auroc, 0, m, n, z), newcombe_limit(auroc, 1, m, n, z) };
}
