/* Structured matrix scaling and Dirichlet calibration: matrices of log softmax(z / T) and of log softmax(z). */
#include "calfit.h"
#include "pipeline/base/mem.h"
#include "temperature.h"

#include <math.h>
#include <stdlib.h>

/* structured: the temperature must be one. dirichlet: its diagonal has no pull, so all must not be right. */
static int scale_of(struct calmap *map, const struct fit_data *d, struct pool *pool, struct err *err)
{
	struct temperature t;
	map->t = 1;
	if (temperature_fit(d, pool, &t, err))
		return -1;
	if (t.end == TEMPERATURE_ZERO)
		return err_set(err,
			       "every label has its record's largest logit: the best %s scale is infinite; fit on "
			       "records with errors among them",
			       calmap_method_name(map->method));
	if (map->method == MAP_DIRICHLET)
		return 0;
	if (t.end == TEMPERATURE_ANY)
		return err_set(err, "all logits of every record are equal: no temperature changes anything");
	if (t.end == TEMPERATURE_INFINITE)
		return err_set(err,
			       "the logits say nothing about the labels, or the opposite: the loss falls as T grows "
			       "without end; look at the labels, or take --method dirichlet, which has no T");
	map->t = t.t;
	return 0;
}

/* to: log softmax(z / t) of d's records, its z allocated. */
static int log_probabilities(struct fit_data *to, const struct fit_data *d, double t, struct err *err)
{
	size_t k = (size_t)d->k;
	double *x, *p;
	*to = *d;
	to->is_double = 1;
	to->z = NULL;
	if (mem_alloc(&x, d->n * k, sizeof *x, err))
		return -1;
	to->z = x;
	if (mem_alloc(&p, k, sizeof *p, err))
		return -1;
	size_t bad = d->n;
	for (size_t i = 0; i < d->n && bad == d->n; i++, x += k) {
		fit_row(d, i, x);
		calmap_log_softmax(calfit_softmax, x, d->k, t, x, p);
		for (size_t c = 0; c < k; c++)
			bad = isfinite(x[c]) ? bad : i;
	}
	free(p);
	return bad == d->n ? 0 : err_set(err, "the logits of record %zu of the fit are so far apart that those over "
					      "the best temperature (%.3g) are beyond float64", bad, t);
}

/* What two records' values of one class must differ by. */
static const double enough = 1e-6;

/* Largest difference between two records' values of one class, or one above `enough`. */
static double spread_of(const struct fit_data *d)
{
	double most = 0;
	for (int c = 0; c < d->k && !(most > enough); c++) {
		double low = INFINITY, high = -INFINITY;
		for (size_t i = 0; i < d->n; i++) {
			low = fmin(low, fit_value(d, i, c));
			high = fmax(high, fit_value(d, i, c));
		}
		most = fmax(most, high - low);
	}
	return most;
}

/* Columns that are all but constant are the intercept's over again: the search would be lost between the two. */
static int tells_weights(const struct fit_data *d, struct err *err)
{
	double spread = spread_of(d);
	if (spread > enough)
		return 0;
	if (spread > 0)
		return err_set(err,
			       "the logarithms of a class's probabilities differ by %.2g at most: too little to tell W "
			       "from b; take --method structured-matrix, which scales them first",
			       spread);
	return err_set(err,
		       "all records (%zu) have the same probabilities: too little to tell W from b; fit on records "
		       "that differ",
		       d->n);
}

int fit_log_probabilities(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			  struct pool *pool, struct calmap_fit *fit, struct err *err)
{
	struct fit_data own = { 0 };
	int rc = scale_of(map, d, pool, err) || log_probabilities(&own, d, map->t, err) || tells_weights(&own, err) ||
		 fit_affine(map, &own, set, pool, fit, err);
	free(own.z);
	return rc ? -1 : 0;
}
