/* calfit: which fit makes which map. */
#include "calfit.h"
#include "pipeline/base/mem.h"
#include "eval/records/rows.h"
#include "temperature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_optimum(const struct temperature *t, struct err *err)
{
	if (t->end == TEMPERATURE_ANY)
		return err_set(err, "all logits of every record are equal: no temperature changes anything");
	if (t->end == TEMPERATURE_ZERO)
		return err_set(
			err,
			"every label has its record's largest logit, so the loss falls as T falls to 0: there is no "
			"best temperature; fit on records with errors among them, or hold it with --min-temperature");
	return err_set(err, "the logits say nothing about the labels, or the opposite: the loss falls as T grows "
			    "without end; look at the labels, or hold it with --max-temperature");
}

/* *best: within the limits; *t: without them. */
static int best_temperature(double *best, struct temperature *t, const struct fit_data *d,
			    const struct calmap_settings *set, struct pool *pool, struct calmap_fit *fit,
			    struct err *err)
{
	if (temperature_fit(d, pool, t, err))
		return -1;
	fit->steps = t->passes;
	fit->gradient = fabs(t->gradient);
	/* NLL is convex in 1/T: where the optimum lies outside, the nearer limit is the best allowed. */
	fit->held = t->t < set->lowest_t ? -1 : t->t > set->highest_t ? 1 : 0;
	*best = fit->held < 0 ? set->lowest_t : fit->held ? set->highest_t : t->t;
	return t->end == TEMPERATURE_INSIDE || (fit->held && t->end != TEMPERATURE_ANY) ? 0 : no_optimum(t, err);
}

static int fit_temperature(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			   struct pool *pool, struct calmap_fit *fit, struct err *err)
{
	struct temperature t;
	if (mem_alloc(&map->weight, 1, sizeof *map->weight, err) ||
	    best_temperature(map->weight, &t, d, set, pool, fit, err))
		return -1;
	return fit->held ? 0 : temperature_interval(d, pool, &t, &fit->low, &fit->high, err);
}

/* An unpenalised scale runs away on data that is right throughout; better said before the minimiser runs after it. */
static int affine_has_optimum(enum calmap_method method, const struct fit_data *d, const struct calmap_settings *set,
			      struct pool *pool, struct err *err)
{
	enum temperature_end end;
	if (method == MAP_VECTOR && set->l2 != 0)
		return 0;
	if (temperature_end_of(d, pool, &end, err))
		return -1;
	return end == TEMPERATURE_ZERO ? err_set(err,
						 "every label has its record's largest logit: the best %s scale is "
						 "infinite; fit on records with errors among them",
						 calmap_method_name(method))
				       : 0;
}

/* Whether the method works on logarithms of probabilities, and so has no place for a probability of 0 (1: of the
 * label's, 2: of any class). Curves and histogram take probabilities as they are. */
static int wants_finite(enum calmap_method method)
{
	switch (method) {
	case MAP_TEMPERATURE:
	case MAP_ENSEMBLE:
	case MAP_VECTOR:
		return 1;
	case MAP_MATRIX:
	case MAP_STRUCTURED:
	case MAP_DIRICHLET:
	case MAP_PLATT:
	case MAP_BETA:
		return 2;
	case MAP_ISOTONIC:
	case MAP_CENTRED:
	case MAP_HISTOGRAM:
	case MAP_METHODS:
		break;
	}
	return 0;
}

static int refuse_zeros(enum calmap_method method, const struct fit_data *d, struct err *err)
{
	size_t labels = 0, others = 0, first = 0;
	int wanted = wants_finite(method);
	char id[48] = "";
	for (size_t i = 0; wanted && i < d->n; i++) {
		int label = !(fit_value(d, i, d->label[i]) > -INFINITY), any = label;
		for (int c = 0; wanted == 2 && !any && c < d->k; c++)
			any = !(fit_value(d, i, c) > -INFINITY);
		first = any && !labels && !others ? i : first;
		labels += (size_t)label;
		others += (size_t)(any && !label);
	}
	if (!labels && !others)
		return 0;
	if (d->id)
		snprintf(id, sizeof id, ", id %llu", (unsigned long long)d->id[first]);
	return err_set(
		err,
		"record %zu of the fit%s gives %s probability 0 (%zu records do so to their label, %zu to another "
		"class), "
		"whose logarithm --method %s cannot use; look at what gave the 0, or raise such probabilities to "
		"1e-12, say, with --clip 1e-12",
		first, id, fit_value(d, first, d->label[first]) > -INFINITY ? "a class" : "its own label", labels,
		others, calmap_method_name(method));
}

int calmap_fit(struct calmap *map, enum calmap_method method, const struct fit_data *d,
	       const struct calmap_settings *set, struct pool *pool, struct calmap_fit *fit, struct err *err)
{
	struct temperature t;
	int rc = -1;
	*map = (struct calmap){ .method = method, .k = d->k };
	*fit = (struct calmap_fit){ 0 };
	if (!d->n)
		return err_set(err, "there are no records to fit on");
	if (refuse_zeros(method, d, err))
		return -1;
	switch (method) {
	case MAP_TEMPERATURE:
		rc = fit_temperature(map, d, set, pool, fit, err);
		break;
	case MAP_VECTOR:
	case MAP_MATRIX:
		rc = affine_has_optimum(method, d, set, pool, err) || fit_affine(map, d, set, pool, fit, err) ? -1 : 0;
		break;
	case MAP_PLATT:
	case MAP_BETA:
		rc = fit_two_class(map, d, fit, err);
		break;
	case MAP_STRUCTURED:
	case MAP_DIRICHLET:
		rc = fit_log_probabilities(map, d, set, pool, fit, err);
		break;
	case MAP_ENSEMBLE:
		rc = best_temperature(&map->t, &t, d, set, pool, fit, err);
		rc = rc || fit_mixture(map, d, pool, fit, err) ? -1 : 0;
		break;
	case MAP_ISOTONIC:
	case MAP_CENTRED:
	case MAP_HISTOGRAM:
		rc = fit_one_against_rest(map, d, set, err);
		break;
	case MAP_METHODS:
		break;
	}
	if (rc)
		calmap_release(map);
	return rc;
}

void calfit_softmax(const double *z, int k, double *p)
{
	(void)softmax_row(z, k, p);
}

void calmap_apply(const struct calmap *map, const double *z, double *out, double *room)
{
	calmap_apply_with(map, calfit_softmax, z, out, room);
}
