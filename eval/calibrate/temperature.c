/* The search that temperature.h describes, in x = log beta. limits() runs first: it finds the data sets without an
 * optimum, so the bracket that follows has a root to find. A pass sums NLL, g and its slope at one beta over all
 * records; logits are taken relative to the record's largest, so no exponential overflows, and BATCH values at a time,
 * for the cache and for one call of exp_many. Loops over lanes fix the order of additions, so results do not depend on
 * how they are compiled. A slice without memory makes its sum NaN, which look() reports. The interval's ends are found
 * by Newton in beta. */
#include "temperature.h"
#include "pipeline/base/mem.h"
#include "eval/records/softmax.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Sums of a pass at one beta. */
enum { SUM_NLL, SUM_G, SUM_H, SUMS };

/* Values worked on at a time: they stay in the first-level cache. */
enum { BATCH = 2048 };

/* e[k] exponentials and u[k] distances of one record: their mass, mean and second moment, in eight lanes as the vector
 * unit has them. */
static void moments(const double *e, const double *u, size_t k, double *mass, double *first, double *second)
{
	double lane[3][LANES] = { { 0 } };
	size_t c = 0;
	for (; c + LANES <= k; c += LANES)
		for (int l = 0; l < LANES; l++) {
			double w = e[c + (size_t)l] * u[c + (size_t)l];
			lane[0][l] += e[c + (size_t)l];
			lane[1][l] += w;
			lane[2][l] += w * u[c + (size_t)l];
		}
	for (; c < k; c++) {
		lane[0][0] += e[c];
		lane[1][0] += e[c] * u[c];
		lane[2][0] += e[c] * u[c] * u[c];
	}
	*mass = *first = *second = 0;
	for (int l = 0; l < LANES; l++) {
		*mass += lane[0][l];
		*first += lane[1][l];
		*second += lane[2][l];
	}
}

/* Distances below the largest logit, which are exact where it matters and let no exponential overflow, and beta times
 * them. Where a class is ruled out (-Inf), the exponential will be 0 and the distance does not count. */
static void distances(const struct fit_data *d, size_t i, double beta, double *u, double *x)
{
	size_t k = (size_t)d->k, c = 0;
	double lane[LANES], max;
	fit_row(d, i, u);
	for (int l = 0; l < LANES; l++)
		lane[l] = u[0];
	for (; c + LANES <= k; c += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] = u[c + (size_t)l] > lane[l] ? u[c + (size_t)l] : lane[l];
	for (; c < k; c++)
		lane[0] = u[c] > lane[0] ? u[c] : lane[0];
	max = lane[0];
	for (int l = 1; l < LANES; l++)
		max = lane[l] > max ? lane[l] : max;
	for (c = 0; c + LANES <= k; c += LANES)
		for (int l = 0; l < LANES; l++) {
			double v = u[c + (size_t)l] - max;
			x[c + (size_t)l] = beta * v;
			u[c + (size_t)l] = v > -DBL_MAX ? v : 0;
		}
	for (; c < k; c++) {
		double v = u[c] - max;
		x[c] = beta * v;
		u[c] = v > -DBL_MAX ? v : 0;
	}
}

static void temperature_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum)
{
	double beta = *(const double *)arg;
	size_t k = (size_t)d->k, rows = k < BATCH ? BATCH / k : 1, room = (rows * k + LANES - 1) / LANES * LANES;
	double *u, *x;
	struct err err;
	if (mem_alloc(&u, 2 * room, sizeof *u, &err)) {
		sum[SUM_NLL] = NAN; /* the caller reports it */
		return;
	}
	x = u + room;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		for (size_t r = 0; r < n; r++)
			distances(d, at + r, beta, u + r * k, x + r * k);
		softmax_ops()->exp_many(x, (n * k + LANES - 1) / LANES * LANES);
		for (size_t r = 0; r < n; r++) {
			double mass, first, second, own = u[r * k + (size_t)d->label[at + r]];
			moments(x + r * k, u + r * k, k, &mass, &first, &second);
			double mean = first / mass;
			sum[SUM_NLL] += log(mass) - beta * own;
			sum[SUM_G] += mean - own;
			sum[SUM_H] += second / mass - mean * mean;
		}
	}
	free(u);
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
			max = z > max ? z : max;
			min = z < min ? z : min;
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

static int slope_at(const struct fit_data *d, struct pool *pool, double beta, double *sum, struct err *err)
{
	if (fit_sum(d, pool, SUMS, temperature_pass, &beta, sum, err))
		return -1;
	return isnan(sum[SUM_NLL]) ? err_set(err, "out of memory, or logits beyond the range of arithmetic") : 0;
}

int temperature_nll(const struct fit_data *d, struct pool *pool, double t, double *nll, struct err *err)
{
	double sum[SUMS];
	if (slope_at(d, pool, 1 / t, sum, err))
		return -1;
	*nll = sum[SUM_NLL] / (double)d->n;
	return 0;
}

/* Moves x outward from `start` in doubling steps until g has the wanted sign; [*lo, *hi] holds the root on return. */
static int bracket(const struct fit_data *d, struct pool *pool, double start, double *lo, double *hi, int *passes,
		   struct err *err)
{
	double sum[SUMS], x = start, step = 1;
	if (slope_at(d, pool, exp(x), sum, err))
		return -1;
	++*passes;
	int up = sum[SUM_G] < 0; /* g rises with x */
	*lo = *hi = x;
	for (int i = 0; i < 12; i++, step *= 2) {
		x += up ? step : -step;
		if (slope_at(d, pool, exp(x), sum, err))
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

/* The data sets without a best temperature: refused, or out->end and out->t are set. Else the mean spread of a record's
 * logits. */
static int find_ends(const struct fit_data *d, struct pool *pool, struct temperature *out, double *spread,
		     struct err *err)
{
	double end[ENDS];
	if (fit_sum(d, pool, ENDS, limits, NULL, end, err))
		return -1;
	if (end[END_BAD] > 0)
		return err_set(
			err,
			"%g records give their own label probability 0: their loss is infinite at every temperature",
			end[END_BAD]);
	*spread = end[END_SPREAD] / (double)d->n;
	if (!(*spread > 0))
		return err_set(err, "all logits of every record are equal: no temperature changes anything");
	if (end[END_ZERO] <= 0) {
		out->end = TEMPERATURE_ZERO;
		out->t = 0;
	} else if (end[END_INFINITE] >= 0) {
		out->end = TEMPERATURE_INFINITE;
		out->t = INFINITY;
	}
	return 0;
}

/* The root of g inside [lo, hi]. */
static int newton(const struct fit_data *d, struct pool *pool, double lo, double hi, struct temperature *out,
		  struct err *err)
{
	double sum[SUMS], x = lo + (hi - lo) / 2, width = hi - lo, last = INFINITY;
	for (int i = 0; i < 200; i++) {
		double beta = exp(x);
		if (slope_at(d, pool, beta, sum, err))
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

int temperature_fit(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	double spread = 0, lo, hi;
	*out = (struct temperature){ .t = 1 };
	if (!d->n)
		return err_set(err, "there are no labelled records to fit a temperature on");
	if (temperature_nll(d, pool, 1, &out->before, err) || find_ends(d, pool, out, &spread, err))
		return -1;
	out->passes = 2;
	if (out->end)
		return 0;
	/* A network's spread is a few units at its best T; starting there makes the search blind to the logits' unit.
	 */
	if (bracket(d, pool, log(4 / spread), &lo, &hi, &out->passes, err))
		return -1;
	return newton(d, pool, lo, hi, out, err);
}

/* The 1/T on one side (-1 below, 1 above) of the best at which 2 (NLL - least) reaches CHI: by Newton, which on a
 * convex function comes from outside and stays there. `curvature` of the sum at the best starts it. 0 where no T is
 * that bad. */
static int end_of_interval(const struct fit_data *d, struct pool *pool, double best, int side, double least,
			   double curvature, double *beta, struct err *err)
{
	const double CHI = 3.841458820694124, nothing = best * 1e-6;
	double sum[SUMS], x = best + side * sqrt(CHI / curvature);
	for (int i = 0; i < 100; i++) {
		int at_end = !(x > nothing);
		x = at_end ? nothing : x;
		if (slope_at(d, pool, x, sum, err))
			return -1;
		double over = 2 * (sum[SUM_NLL] - least) - CHI, step = over / (2 * sum[SUM_G]);
		if (at_end && over <= 0) {
			*beta = 0;
			return 0;
		}
		x -= step;
		if (fabs(step) <= 1e-9 * x) {
			*beta = x;
			return 0;
		}
	}
	return err_set(err, "the interval of the temperature did not settle");
}

int temperature_interval(const struct fit_data *d, struct pool *pool, double t, double *low, double *high,
			 struct err *err)
{
	double sum[SUMS], above, below;
	if (slope_at(d, pool, 1 / t, sum, err) ||
	    end_of_interval(d, pool, 1 / t, 1, sum[SUM_NLL], sum[SUM_H], &above, err) ||
	    end_of_interval(d, pool, 1 / t, -1, sum[SUM_NLL], sum[SUM_H], &below, err))
		return -1;
	*low = 1 / above;
	*high = below > 0 ? 1 / below : INFINITY;
	return 0;
}
