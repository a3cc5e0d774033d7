/* The search that temperature.h describes, in x = log beta. find_ends() runs first: it finds the data sets without an
 * optimum, so that there is a root to find. A pass works with beta times each logit's distance below its record's
 * largest, which is a pure number whatever the logits' unit: no exponential, square or product of them overflows for
 * logits of 1e300 or is lost for those of 1e-300. BATCH values at a time, for the cache and for one call of exp_many.
 * Loops over lanes fix the order of additions, so results do not depend on how they are compiled. The interval's ends
 * are found by Newton in beta. */
#include "temperature.h"
#include "fit_kernel.h"
#include "lanes.h"
#include "pipeline/base/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Values worked on at a time: they stay in the first-level cache. */
enum { BATCH = 2048 };

/* e[k] exponentials and x[k] of one record: their mass, mean and second moment, in eight lanes as the vector unit has
 * them. */
static void moments(const double *e, const double *x, size_t k, double *mass, double *first, double *second)
{
	double lane[3][LANES] = { { 0 } };
	size_t c = 0;
	for (; c + LANES <= k; c += LANES)
		for (int l = 0; l < LANES; l++) {
			double w = e[c + (size_t)l] * x[c + (size_t)l];
			lane[0][l] += e[c + (size_t)l];
			lane[1][l] += w;
			lane[2][l] += w * x[c + (size_t)l];
		}
	for (; c < k; c++) {
		lane[0][0] += e[c];
		lane[1][0] += e[c] * x[c];
		lane[2][0] += e[c] * x[c] * x[c];
	}
	*mass = *first = *second = 0;
	for (int l = 0; l < LANES; l++) {
		*mass += lane[0][l];
		*first += lane[1][l];
		*second += lane[2][l];
	}
}

/* x and e, [k]: beta times how far each logit lies below the largest, no lower than FIT_NOTHING. Returns the label's,
 * however low. A class ruled out (-Inf) is FIT_NOTHING too. */
static double distances(const struct fit_data *d, size_t i, double beta, double *x, double *e)
{
	size_t k = (size_t)d->k;
	fit_row(d, i, x);
	double max = lanes_largest(x, k), own = beta * (x[d->label[i]] - max);
	for (size_t c = 0; c < k; c++) {
		double v = beta * (x[c] - max);
		e[c] = x[c] = v > FIT_NOTHING ? v : FIT_NOTHING;
	}
	return own;
}

struct look {
	double beta;
	size_t rows, room; /* records and values of a batch */
};

/* Few classes: eight records at once, a record a lane. Returns the first record that is in no whole eight. */
static size_t eights_pass(const struct fit_data *d, size_t from, size_t to, double beta, double *sum, double *z)
{
	double lane[FIT_SUMS * LANES] = { 0 }, own[LANES];
	size_t k = (size_t)d->k;
	for (; from + LANES <= to; from += LANES) {
		for (size_t l = 0; l < LANES; l++) {
			for (size_t c = 0; c < k; c++)
				z[c * LANES + l] = fit_value(d, from + l, (int)c);
			own[l] = fit_value(d, from + l, d->label[from + l]);
		}
		fit_ops()->temperature(z, own, d->k, beta, lane);
	}
	for (size_t i = 0; i < FIT_SUMS * LANES; i++)
		sum[i / LANES] += lane[i];
	return from;
}

static void temperature_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct look *look = arg;
	size_t k = (size_t)d->k;
	double *x = scratch, *e = x + look->room, *own = e + look->room;
	if (k < SMALL_CLASSES)
		from = eights_pass(d, from, to, look->beta, sum, x);
	for (size_t at = from; at < to; at += look->rows) {
		size_t n = to - at < look->rows ? to - at : look->rows;
		for (size_t r = 0; r < n; r++)
			own[r] = distances(d, at + r, look->beta, x + r * k, e + r * k);
		softmax_ops()->exp_many(e, (n * k + LANES - 1) / LANES * LANES);
		for (size_t r = 0; r < n; r++) {
			double mass, first, second;
			moments(e + r * k, x + r * k, k, &mass, &first, &second);
			double mean = first / mass;
			sum[SUM_NLL] += log(mass) - own[r];
			sum[SUM_G] += mean - own[r];
			sum[SUM_H] += second / mass - mean * mean;
		}
	}
}

/* What decides whether there is an optimum: limits of g, and how wide the logits lie. */
enum { END_ZERO, END_INFINITE, END_SPREAD, END_BAD, ENDS };

static void limits(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	(void)arg, (void)scratch;
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

/* Far out, SUM_NLL and SUM_G may be infinite, which is what they are; never NaN. */
static int slope_at(const struct fit_data *d, struct pool *pool, double beta, double *sum, struct err *err)
{
	size_t k = (size_t)d->k, rows = k < BATCH ? BATCH / k : 1;
	struct look look = { beta, rows, (rows * k + LANES - 1) / LANES * LANES };
	return fit_sum(d, pool, FIT_SUMS, temperature_pass, 2 * look.room + rows, &look, sum, err);
}

int temperature_nll(const struct fit_data *d, struct pool *pool, double t, double *nll, struct err *err)
{
	double sum[FIT_SUMS];
	if (slope_at(d, pool, 1 / t, sum, err))
		return -1;
	*nll = sum[SUM_NLL] / (double)d->n;
	return 0;
}

/* The data sets without a best temperature: refused, or out->end and out->t are set. Else the mean spread of a record's
 * logits. */
static int find_ends(const struct fit_data *d, struct pool *pool, struct temperature *out, double *spread,
		     struct err *err)
{
	double end[ENDS];
	if (fit_sum(d, pool, ENDS, limits, 0, NULL, end, err))
		return -1;
	if (end[END_BAD] > 0)
		return err_set(
			err,
			"%.0f records give their own label probability 0: their loss is infinite at every temperature",
			end[END_BAD]);
	*spread = end[END_SPREAD] / (double)d->n;
	if (!(*spread > 0)) {
		out->end = TEMPERATURE_ANY;
	} else if (end[END_ZERO] <= 0) {
		out->end = TEMPERATURE_ZERO;
		out->t = 0;
	} else if (end[END_INFINITE] >= 0) {
		out->end = TEMPERATURE_INFINITE;
		out->t = INFINITY;
	}
	return 0;
}

/* log beta that float64 holds, with room to spare. */
static const double least_x = -708, most_x = 708;

/* The root of g, from x: Newton, kept in a bracket that every look narrows, and bisection where Newton creeps. While an
 * end of the bracket has not been looked at, steps towards it double instead. */
static int search(const struct fit_data *d, struct pool *pool, double x, struct temperature *out, struct err *err)
{
	double sum[FIT_SUMS], lo = least_x, hi = most_x, stride = 1, width = hi - lo, last = INFINITY;
	for (int i = 0; i < 200; i++) {
		double beta = exp(x);
		if (slope_at(d, pool, beta, sum, err))
			return -1;
		out->passes++;
		out->gradient = sum[SUM_G] / beta / (double)d->n;
		out->after = sum[SUM_NLL] / (double)d->n;
		out->t = exp(-x);
		if (sum[SUM_G] > 0)
			hi = x;
		else
			lo = x;
		double step = -sum[SUM_G] / sum[SUM_H], next = x + step;
		/* Steps that no longer shrink are the rounding of g, not news. */
		if (!(fabs(step) > 1e-14 * (1 + fabs(x))) || (fabs(step) < 1e-10 && !(fabs(step) < last / 2)))
			return isfinite(out->after) ? 0 : err_set(err, "the loss is beyond the range of float64");
		if (x <= least_x || x >= most_x)
			break;
		last = fabs(step);
		/* Newton crept where curvature vanishes: unless two looks halve the bracket or the step is small,
		 * bisect. */
		int slow = i % 2 && !(hi - lo <= width / 2) && !(fabs(step) <= 1e-2);
		int open = lo <= least_x || hi >= most_x;
		if (i % 2)
			width = hi - lo;
		if (open && !(fabs(step) <= stride)) {
			next = x + (sum[SUM_G] > 0 ? -stride : stride);
			stride *= 2;
		} else if (!open && (!(next > lo && next < hi) || slow)) {
			next = lo + (hi - lo) / 2;
		}
		x = fmin(fmax(next, least_x), most_x);
	}
	return err_set(err, "the best temperature was not found between %g and %g: the logits' sizes are too far apart",
		       exp(-hi), exp(-lo));
}

/* Of so many records a sixteenth is looked at first: its best T is so near that of all that a few looks at those do. */
enum { MANY = 1 << 18, EVERY = 16 };

static int sample_start(const struct fit_data *d, struct pool *pool, double *x, struct err *err)
{
	struct temperature some = { 0 };
	struct fit_data part;
	if (d->n < MANY)
		return 0;
	int rc = fit_thin_out(&part, d, EVERY, err) || search(&part, pool, *x, &some, err);
	free(part.z);
	free(part.label);
	if (!rc)
		*x = -log(some.t);
	return rc ? -1 : 0;
}

int temperature_fit(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	double spread = 0;
	*out = (struct temperature){ .t = 1 };
	if (!d->n)
		return err_set(err, "there are no labelled records to fit a temperature on");
	if (temperature_nll(d, pool, 1, &out->before, err) || find_ends(d, pool, out, &spread, err))
		return -1;
	out->passes = 2;
	if (out->end)
		return 0;
	/* A network's spread is a few units at its best T; starting there makes the search blind to the logits' unit.
	 * A sample that has no best T of its own is of no help. */
	double x = fmin(fmax(log(4) - log(spread), least_x), most_x);
	struct err unheard;
	(void)!sample_start(d, pool, &x, &unheard);
	return search(d, pool, x, out, err);
}

/* The 1/T on one side (-1 below, 1 above) of the best at which 2 (NLL - least) reaches CHI: by Newton, which on a
 * convex function comes from outside and stays there, and near the end by Halley, whose error is about the cube of the
 * step's. at_best: the sums there, whose curvature starts it. 0 where no T is that bad. */
static int end_of_interval(const struct fit_data *d, struct pool *pool, double best, int side, const double *at_best,
			   double *beta, struct err *err)
{
	const double CHI = 3.841458820694124, least = best * 1e-6;
	double sum[FIT_SUMS], x = best * (1 + side * sqrt(CHI / at_best[SUM_H]));
	for (int i = 0; i < 100; i++) {
		int at_end = !(x > least);
		x = at_end ? least : x;
		if (slope_at(d, pool, x, sum, err))
			return -1;
		double over = 2 * (sum[SUM_NLL] - at_best[SUM_NLL]) - CHI, newton = over / (2 * sum[SUM_G]);
		double bend = newton * sum[SUM_H] / (2 * sum[SUM_G]), left = fabs(newton);
		int near = fabs(bend) < 0.1;
		double step = x * (near ? newton / (1 - bend) : newton);
		if (at_end && over <= 0) {
			*beta = 0;
			return 0;
		}
		if (near)
			left *= bend * bend * 4;
		x -= step;
		if (left <= 1e-9) {
			*beta = x;
			return 0;
		}
		if (!isfinite(x))
			break;
	}
	return err_set(err, "the interval of the temperature did not settle");
}

int temperature_interval(const struct fit_data *d, struct pool *pool, double t, double *low, double *high,
			 struct err *err)
{
	double sum[FIT_SUMS], above, below;
	if (slope_at(d, pool, 1 / t, sum, err) || end_of_interval(d, pool, 1 / t, 1, sum, &above, err) ||
	    end_of_interval(d, pool, 1 / t, -1, sum, &below, err))
		return -1;
	*low = 1 / above;
	*high = below > 0 ? 1 / below : INFINITY;
	return 0;
}
