#include "temperature.h"

#include <math.h>

/* Sums of a pass at one beta. */
enum { SUM_NLL, SUM_G, SUM_H, SUMS };

static void pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum)
{
	double beta = *(const double *)arg;
	for (size_t i = from; i < to; i++) {
		double max = -INFINITY, y = fit_value(d, i, d->label[i]);
		for (int c = 0; c < d->k; c++)
			max = fmax(max, fit_value(d, i, c));
		/* Distances below the largest logit: exact where it matters, and no exponential overflows. */
		double mass = 0, first = 0, second = 0;
		for (int c = 0; c < d->k; c++) {
			double u = fit_value(d, i, c) - max, e = exp(beta * u);
			if (!(e > 0)) /* also -Inf logits, whose 0 x Inf would be NaN */
				continue;
			mass += e;
			first += e * u;
			second += e * u * u;
		}
		double mean = first / mass;
		sum[SUM_NLL] += log(mass) - beta * (y - max);
		sum[SUM_G] += mean - (y - max);
		sum[SUM_H] += second / mass - mean * mean;
	}
}

/* What decides whether there is an optimum: limits of g, and how wide the logits lie. */
enum { END_ZERO, END_INFINITE, END_SPREAD, END_BAD, ENDS };

static void limits(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum)
{
	(void)arg;
	for (size_t i = from; i < to; i++) {
		double max = -INFINITY, min = INFINITY, mean = 0, y = fit_value(d, i, d->label[i]);
		int n = 0;
		for (int c = 0; c < d->k; c++) {
			double z = fit_value(d, i, c);
			if (!(z > -INFINITY))
				continue;
			max = fmax(max, z);
			min = fmin(min, z);
			mean += (z - mean) / ++n;
		}
		if (!(y > -INFINITY)) {
			sum[END_BAD] += 1;
			continue;
		}
		sum[END_ZERO] += max - y;      /* g as beta grows: 0 only where every label has the largest logit */
		sum[END_INFINITE] += mean - y; /* g at beta = 0 */
		sum[END_SPREAD] += max - min;
	}
}

static int look(const struct fit_data *d, struct pool *pool, double beta, double *sum, struct err *err)
{
	return fit_sum(d, pool, SUMS, pass, &beta, sum, err);
}

int temperature_nll(const struct fit_data *d, struct pool *pool, double t, double *nll, struct err *err)
{
	double sum[SUMS];
	if (look(d, pool, 1 / t, sum, err))
		return -1;
	*nll = sum[SUM_NLL] / (double)d->n;
	return 0;
}

/* Moves x outward from `start` in doubling steps until g has the wanted sign; [*lo, *hi] holds the root on return. */
static int bracket(const struct fit_data *d, struct pool *pool, double start, double *lo, double *hi, int *passes,
		   struct err *err)
{
	double sum[SUMS], x = start, step = 1;
	if (look(d, pool, exp(x), sum, err))
		return -1;
	++*passes;
	int up = sum[SUM_G] < 0; /* g rises with x */
	*lo = *hi = x;
	for (int i = 0; i < 12; i++, step *= 2) {
		x += up ? step : -step;
		if (look(d, pool, exp(x), sum, err))
			return -1;
		++*passes;
		if (up) {
			*lo = *hi;
			*hi = x;
		} else {
			*hi = *lo;
			*lo = x;
		}
		if (up ? sum[SUM_G] >= 0 : sum[SUM_G] <= 0)
			return 0;
	}
	return err_set(
		err, "no temperature between exp(-4096) and exp(4096) was found best; the logits' scale is beyond use");
}

int temperature_fit(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	double end[ENDS], sum[SUMS], lo, hi;
	*out = (struct temperature){ .t = 1 };
	if (!d->n)
		return err_set(err, "there are no labelled records to fit a temperature on");
	if (fit_sum(d, pool, ENDS, limits, NULL, end, err) || temperature_nll(d, pool, 1, &out->before, err))
		return -1;
	out->passes = 2;
	if (end[END_BAD] > 0)
		return err_set(
			err,
			"%g records give their own label probability 0: their loss is infinite at every temperature",
			end[END_BAD]);
	double spread = end[END_SPREAD] / (double)d->n;
	if (!(spread > 0))
		return err_set(err, "all logits of every record are equal: no temperature changes anything");
	if (end[END_ZERO] <= 0) {
		out->end = TEMPERATURE_ZERO;
		out->t = 0;
		return 0;
	}
	if (end[END_INFINITE] >= 0) {
		out->end = TEMPERATURE_INFINITE;
		out->t = INFINITY;
		return 0;
	}
	/* A network's spread is a few units at its best T; starting there makes the search blind to the logits' unit.
	 */
	double start = log(4 / spread);
	if (bracket(d, pool, start, &lo, &hi, &out->passes, err))
		return -1;
	double x = lo + (hi - lo) / 2, width = hi - lo, last = INFINITY;
	for (int i = 0; i < 200; i++) {
		double beta = exp(x);
		if (look(d, pool, beta, sum, err))
			return -1;
		out->passes++;
		out->gradient = sum[SUM_G] / (double)d->n;
		out->after = sum[SUM_NLL] / (double)d->n;
		out->t = exp(-x);
		if (sum[SUM_G] > 0)
			hi = x;
		else
			lo = x;
		double step = -sum[SUM_G] / (beta * sum[SUM_H]), next = x + step;
		/* Steps that no longer shrink are the rounding of g, not news. */
		if (!(fabs(step) > 1e-14 * (1 + fabs(x))) || (fabs(step) < 1e-10 && !(fabs(step) < last / 2)))
			return 0;
		last = fabs(step);
		/* Newton crept where curvature vanishes: unless two looks halve the bracket or the step is small,
		 * bisect. */
		int slow = i % 2 && !(hi - lo <= width / 2) && !(fabs(step) <= 1e-3);
		if (i % 2)
			width = hi - lo;
		if (!(next > lo && next < hi) || slow)
			next = lo + (hi - lo) / 2;
		x = next;
	}
	return err_set(err, "the temperature search did not settle in 200 passes (between %g and %g)", exp(-hi),
		       exp(-lo));
}
