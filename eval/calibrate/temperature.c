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

/* e[k] exponentials and x[k] of one record: their mass and first three moments, m[4], in eight lanes as the vector unit
 * has them. */
static void moments(const double *e, const double *x, size_t k, double *m)
{
	double lane[4][LANES] = { { 0 } };
	size_t c = 0;
	for (; c + LANES <= k; c += LANES)
		for (int l = 0; l < LANES; l++) {
			double v = x[c + (size_t)l], w = e[c + (size_t)l] * v, u = w * v;
			lane[0][l] += e[c + (size_t)l];
			lane[1][l] += w;
			lane[2][l] += u;
			lane[3][l] += u * v;
		}
	for (; c < k; c++) {
		double w = e[c] * x[c], u = w * x[c];
		lane[0][0] += e[c];
		lane[1][0] += w;
		lane[2][0] += u;
		lane[3][0] += u * x[c];
	}
	for (int i = 0; i < 4; i++) {
		m[i] = 0;
		for (int l = 0; l < LANES; l++)
			m[i] += lane[i][l];
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
			double m[4];
			moments(e + r * k, x + r * k, k, m);
			double mean = m[1] / m[0], second = m[2] / m[0];
			sum[SUM_NLL] += log(m[0]) - own[r];
			sum[SUM_G] += mean - own[r];
			sum[SUM_H] += second - mean * mean;
			sum[SUM_T] += m[3] / m[0] - mean * (3 * second - 2 * mean * mean);
		}
	}
}

/* Of one record's finite logits whose sum is beyond float64. */
static double running_mean(const struct fit_data *d, size_t i)
{
	double mean = 0;
	for (int c = 0, n = 0; c < d->k; c++) {
		double z = fit_value(d, i, c);
		mean += z > -INFINITY ? (z - mean) / ++n : 0;
	}
	return mean;
}

/* What decides whether there is an optimum: limits of g, and how wide the logits lie. */
enum { END_ZERO, END_INFINITE, END_SPREAD, END_BAD, ENDS };

static void limits(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	(void)arg, (void)scratch;
	for (size_t i = from; i < to; i++) {
		double max = -INFINITY, min = INFINITY, all = 0, y = fit_value(d, i, d->label[i]);
		int n = 0;
		for (int c = 0; c < d->k; c++) {
			double z = fit_value(d, i, c);
			if (!(z > -INFINITY))
				continue;
			max = z > max ? z : max;
			min = z < min ? z : min;
			all += z;
			n++;
		}
		if (!(y > -INFINITY)) {
			sum[END_BAD] += 1;
			continue;
		}
		sum[END_ZERO] += max - y;      /* g as beta grows: 0 only where every label has the largest logit */
		sum[END_INFINITE] += (isfinite(all) ? all / n : running_mean(d, i)) - y; /* g at beta = 0 */
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

/* The step of log beta to the root of g: Newton's, near the root Halley's, whose error is about its cube. */
static double step_to_root(const double *sum)
{
	double newton = -sum[SUM_G] / sum[SUM_H], bend = newton * (1 + sum[SUM_T] / sum[SUM_H]) / 2;
	return fabs(bend) < 0.1 ? newton / (1 + bend) : newton;
}

static void take_answer(struct temperature *out, double x, double step, const double *sum, double n)
{
	out->gradient = sum[SUM_G] / exp(x) / n;
	out->after = sum[SUM_NLL] / n;
	out->t = exp(-(x + step));
	out->least = sum[SUM_NLL] + sum[SUM_G] * step / 2;
	out->curvature = sum[SUM_H];
}

/* The root of g, from x, kept in a bracket that every look narrows, and bisection where steps creep. While an end of
 * the bracket has not been looked at, steps towards it double instead. near: a step so small is the last, for what it
 * leaves is rounding; 0: it is looked where it leads. */
static int search(const struct fit_data *d, struct pool *pool, double x, double near, struct temperature *out,
		  struct err *err)
{
	double sum[FIT_SUMS], lo = least_x, hi = most_x, stride = 1, width = hi - lo, last = INFINITY;
	for (int i = 0; i < 200; i++) {
		if (slope_at(d, pool, exp(x), sum, err))
			return -1;
		out->passes++;
		if (sum[SUM_G] > 0)
			hi = x;
		else
			lo = x;
		double step = step_to_root(sum), next = x + step;
		take_answer(out, x, fabs(step) <= near ? step : 0, sum, (double)d->n);
		/* Steps that no longer shrink are the rounding of g, not news. */
		if (!(fabs(step) > 1e-14 * (1 + fabs(x))) || (fabs(step) < 1e-10 && !(fabs(step) < last / 2)) ||
		    fabs(step) <= near)
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

/* Of so many values a sixteenth of the records is looked at first: its best T is so near that of all that two or three
 * looks at those do. */
enum { MANY = 1 << 21, EVERY = 16 };

static int are_many(const struct fit_data *d)
{
	return d->n * (size_t)d->k >= MANY && d->n >= EVERY * EVERY;
}

static int fit_sample(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	struct fit_data part;
	int rc = fit_thin_out(&part, d, EVERY, err) || temperature_fit(&part, pool, out, err);
	free(part.z);
	free(part.label);
	return rc ? -1 : 0;
}

int temperature_roughly(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	struct err unheard;
	return are_many(d) && !fit_sample(d, pool, out, &unheard) ? 0 : temperature_fit(d, pool, out, err);
}

int temperature_end_of(const struct fit_data *d, struct pool *pool, enum temperature_end *end, struct err *err)
{
	struct temperature t = { 0 };
	double spread;
	if (!d->n)
		return err_set(err, "there are no labelled records to fit a temperature on");
	int rc = find_ends(d, pool, &t, &spread, err);
	*end = t.end;
	return rc;
}

int temperature_fit(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err)
{
	struct temperature some;
	struct err unheard;
	double spread = 0;
	*out = (struct temperature){ .t = 1 };
	if (!d->n)
		return err_set(err, "there are no labelled records to fit a temperature on");
	if (find_ends(d, pool, out, &spread, err))
		return -1;
	out->passes = 1;
	if (out->end)
		return 0;
	/* A network's spread is a few units at its best T; starting there makes the search blind to the logits' unit.
	 * A sample that has no best T of its own is of no help. */
	double x = log(4) - log(spread);
	int many = are_many(d);
	if (many && !fit_sample(d, pool, &some, &unheard) && some.end == TEMPERATURE_INSIDE)
		x = -log(some.t);
	return search(d, pool, fmin(fmax(x, least_x), most_x), many ? 1e-8 : 0, out, err);
}

/* The 1/T on one side (-1 below, 1 above) of the best at which 2 (NLL - least) reaches CHI: by Newton, which on a
 * convex function comes from outside and stays there, and near the end by Halley, whose error is about the cube of the
 * step's. The curvature at the best starts it. 0 where no T is that bad. */
static int end_of_interval(const struct fit_data *d, struct pool *pool, const struct temperature *at_best, int side,
			   double *beta, struct err *err)
{
	const double CHI = 3.841458820694124, best = 1 / at_best->t, least = best * 1e-6;
	double sum[FIT_SUMS], x = best * (1 + side * sqrt(CHI / at_best->curvature));
	for (int i = 0; i < 100; i++) {
		int at_end = !(x > least);
		x = at_end ? least : x;
		if (slope_at(d, pool, x, sum, err))
			return -1;
		double over = 2 * (sum[SUM_NLL] - at_best->least) - CHI, newton = over / (2 * sum[SUM_G]);
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

int temperature_interval(const struct fit_data *d, struct pool *pool, const struct temperature *best, double *low,
			 double *high, struct err *err)
{
	double above, below;
	if (end_of_interval(d, pool, best, 1, &above, err) || end_of_interval(d, pool, best, -1, &below, err))
		return -1;
	*low = 1 / above;
	*high = below > 0 ? 1 / below : INFINITY;
	return 0;
}
