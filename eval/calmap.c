#include "calmap.h"
#include "bins.h"
#include "pipeline/mem.h"
#include "rows.h"
#include "temperature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MAP_METHODS] = { "temperature", "vector",   "matrix",   "platt",
						"beta",	       "isotonic", "histogram" };

const char *calmap_method_name(enum calmap_method method)
{
	return names[method];
}

int calmap_gives_probs(enum calmap_method method)
{
	return method == MAP_ISOTONIC || method == MAP_HISTOGRAM;
}

void calmap_release(struct calmap *map)
{
	for (int c = 0; map->curve && c < map->curves; c++) {
		free(map->curve[c].score);
		free(map->curve[c].value);
	}
	free(map->curve);
	free(map->weight);
	free(map->bias);
	free(map->bin);
	*map = (struct calmap){ 0 };
}

static int no_optimum(const struct temperature *t, struct err *err)
{
	if (t->end == TEMPERATURE_ZERO)
		return err_set(
			err,
			"every label has its record's largest logit, so the loss falls as T falls to 0: there is no "
			"best temperature; fit on records with errors among them, or hold it with --min-temperature");
	return err_set(err, "the logits say nothing about the labels, or the opposite: the loss falls as T grows "
			    "without end; look at the labels, or hold it with --max-temperature");
}

static int fit_temperature(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			   struct pool *pool, struct calmap_fit *fit, struct err *err)
{
	struct temperature t;
	if (mem_alloc(&map->weight, 1, sizeof *map->weight, err) || temperature_fit(d, pool, &t, err))
		return -1;
	fit->steps = t.passes;
	fit->gradient = fabs(t.gradient);
	/* NLL is convex in 1/T: where the optimum lies outside, the nearer limit is the best allowed. */
	fit->held = t.t < set->lowest_t ? -1 : t.t > set->highest_t ? 1 : 0;
	map->weight[0] = fit->held < 0 ? set->lowest_t : fit->held ? set->highest_t : t.t;
	if (fit->held)
		return 0;
	return t.end == TEMPERATURE_INSIDE ? temperature_interval(d, pool, t.t, &fit->low, &fit->high, err) : no_optimum(&t, err);
}

/* An unpenalised scale runs away on data that is right throughout; better said before the minimiser runs after it. */
static int affine_has_optimum(enum calmap_method method, const struct fit_data *d, const struct calmap_settings *set,
			      struct pool *pool, struct err *err)
{
	struct temperature t;
	if (method == MAP_VECTOR && set->l2 != 0)
		return 0;
	if (temperature_fit(d, pool, &t, err))
		return -1;
	return t.end == TEMPERATURE_ZERO ? err_set(err,
						   "every label has its record's largest logit: the best %s scale is "
						   "infinite; fit on records with errors among them",
						   names[method])
					 : 0;
}

int calmap_fit(struct calmap *map, enum calmap_method method, const struct fit_data *d,
	       const struct calmap_settings *set, struct pool *pool, struct calmap_fit *fit, struct err *err)
{
	int rc = -1;
	*map = (struct calmap){ .method = method, .k = d->k };
	*fit = (struct calmap_fit){ 0 };
	if (!d->n)
		return err_set(err, "there are no records to fit on");
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
	case MAP_ISOTONIC:
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

double curve_at(const struct curve *c, double p)
{
	size_t lo = 0, hi = c->n - 1;
	if (p <= c->score[0])
		return c->value[0];
	if (p >= c->score[hi])
		return c->value[hi];
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (c->score[mid] <= p)
			lo = mid;
		else
			hi = mid;
	}
	double t = (p - c->score[lo]) / (c->score[hi] - c->score[lo]);
	return c->value[lo] + t * (c->value[hi] - c->value[lo]);
}

static double one_class(const struct calmap *map, int c, double p)
{
	if (map->method == MAP_ISOTONIC)
		return curve_at(&map->curve[c], p);
	double v = map->bin[(size_t)c * (size_t)map->bins + (size_t)bin_of(map->bins, p)];
	return isnan(v) ? p : v;
}

static void apply_curves(const struct calmap *map, const double *z, double *out, double *p)
{
	double sum = 0;
	softmax_row(z, map->k, p);
	if (map->curves == 1) {
		out[1] = one_class(map, 0, p[1]);
		out[0] = 1 - out[1];
		return;
	}
	for (int c = 0; c < map->k; c++)
		sum += out[c] = one_class(map, c, p[c]);
	for (int c = 0; c < map->k; c++)
		out[c] = sum > 0 ? out[c] / sum : 1.0 / map->k;
}

/* log(1 + exp(u)) without overflow. */
static double softplus(double u)
{
	return u > 0 ? u + log1p(exp(-u)) : log1p(exp(u));
}

void calmap_apply(const struct calmap *map, const double *z, double *out, double *room)
{
	size_t k = (size_t)map->k;
	double s = map->k == 2 ? z[1] - z[0] : 0;
	switch (map->method) {
	case MAP_TEMPERATURE:
		for (size_t c = 0; c < k; c++)
			out[c] = z[c] / map->weight[0];
		break;
	case MAP_VECTOR: /* a class ruled out stays so, whatever the sign of its weight */
		for (size_t c = 0; c < k; c++)
			out[c] = z[c] > -INFINITY ? map->weight[c] * z[c] + map->bias[c] : -INFINITY;
		break;
	case MAP_MATRIX:
		for (size_t c = 0; c < k; c++) {
			out[c] = map->bias[c];
			for (size_t j = 0; j < k; j++)
				out[c] += map->weight[c * k + j] * z[j];
		}
		break;
	case MAP_PLATT:
		out[0] = 0;
		out[1] = map->weight[0] * s + map->bias[0];
		break;
	case MAP_BETA:
		out[0] = 0;
		out[1] = -map->weight[0] * softplus(-s) + map->weight[1] * softplus(s) + map->bias[0];
		break;
	case MAP_ISOTONIC:
	case MAP_HISTOGRAM:
	case MAP_METHODS:
		apply_curves(map, z, out, room);
		break;
	}
}
