/* A calibration map's method and parameters as JSON, and back. The JSON may have been edited by hand, so all that
 * calmap_apply_with relies on is checked here: lengths, signs, values within [0, 1], knots that do not fall. Numbers
 * need no test for infinity, since jansson refuses a text that overflows. null stands for NaN, in a histogram's bins
 * alone. */
#include "pipeline/base/binof.h"
#include "calmap.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NaN (a bin without data) is null. */
static json_t *reals(const double *v, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++) {
		if (json_array_append_new(list, isnan(v[i]) ? json_null() : json_real(v[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *curves_to_json(const struct calmap *map)
{
	json_t *list = json_array();
	for (int c = 0; list && c < map->curves; c++) {
		json_t *one;
		if (calmap_has_curves(map->method))
			one = json_pack("{s:o, s:o}", "score", reals(map->curve[c].score, map->curve[c].n), "value",
					reals(map->curve[c].value, map->curve[c].n));
		else
			one = reals(map->bin + (size_t)c * (size_t)map->bins, (size_t)map->bins);
		if (json_array_append_new(list, one)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *calmap_to_json(const struct calmap *map)
{
	size_t k = (size_t)map->k;
	json_t *p = NULL;
	switch (map->method) {
	case MAP_TEMPERATURE:
		p = json_pack("{s:f}", "temperature", map->weight[0]);
		break;
	case MAP_STRUCTURED:
		p = json_pack("{s:f, s:o, s:o}", "temperature", map->t, "weight", reals(map->weight, k * k), "bias",
			      reals(map->bias, k));
		break;
	case MAP_ENSEMBLE:
		p = json_pack("{s:f, s:o}", "temperature", map->t, "weights", reals(map->weight, 3));
		break;
	case MAP_VECTOR:
	case MAP_MATRIX:
	case MAP_DIRICHLET:
		p = json_pack("{s:o, s:o}", "weight", reals(map->weight, map->method == MAP_VECTOR ? k : k * k), "bias",
			      reals(map->bias, k));
		break;
	case MAP_PLATT:
		p = json_pack("{s:f, s:f}", "a", map->weight[0], "b", map->bias[0]);
		break;
	case MAP_BETA:
		p = json_pack("{s:f, s:f, s:f}", "a", map->weight[0], "b", map->weight[1], "c", map->bias[0]);
		break;
	case MAP_ISOTONIC:
	case MAP_CENTRED:
	case MAP_HISTOGRAM:
	case MAP_METHODS:
		p = json_pack("{s:o}", "curves", curves_to_json(map));
		break;
	}
	json_t *j = p ? json_pack("{s:s, s:o}", "method", calmap_method_name(map->method), "parameters", p) : NULL;
	if (j && map->clip > 0 && json_object_set_new(j, "clip", json_real(map->clip))) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* n finite numbers; with `holes`, null becomes NaN. *out is allocated. */
static int take_reals(const json_t *j, const char *what, size_t n, int holes, double **out, struct err *err)
{
	if (!json_is_array(j) || json_array_size(j) != n)
		return err_set(err, "'%s' is not a list of %zu numbers", what, n);
	if (mem_alloc(out, n, sizeof **out, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(j, i);
		if (!json_is_number(v) && !(holes && json_is_null(v)))
			return err_set(err, "'%s' holds something that is no number", what);
		(*out)[i] = json_is_null(v) ? NAN : json_number_value(v);
	}
	return 0;
}

static int take_real(const json_t *params, const char *what, double *out, struct err *err)
{
	const json_t *v = json_object_get(params, what);
	if (!json_is_number(v))
		return err_set(err, "'%s' is missing or no number", what);
	*out = json_number_value(v);
	return 0;
}

static int take_temperature(const json_t *p, double *t, struct err *err)
{
	if (take_real(p, "temperature", t, err))
		return -1;
	return *t > 0 ? 0 : err_set(err, "'temperature' is not above 0");
}

static int take_affine(struct calmap *map, const json_t *p, struct err *err)
{
	size_t k = (size_t)map->k, nw = map->method == MAP_VECTOR ? k : k * k;
	map->t = 1;
	if (map->method == MAP_STRUCTURED && take_temperature(p, &map->t, err))
		return -1;
	return take_reals(json_object_get(p, "weight"), "weight", nw, 0, &map->weight, err) ||
	       take_reals(json_object_get(p, "bias"), "bias", k, 0, &map->bias, err) ? -1 : 0;
}

static int take_mixture(struct calmap *map, const json_t *p, struct err *err)
{
	double sum = 0;
	int below = 0;
	if (take_temperature(p, &map->t, err) ||
	    take_reals(json_object_get(p, "weights"), "weights", 3, 0, &map->weight, err))
		return -1;
	for (int j = 0; j < 3; j++) {
		sum += map->weight[j];
		below |= !(map->weight[j] >= 0);
	}
	return !below && fabs(sum - 1) <= 1e-12 ? 0 : err_set(err, "'weights' are below 0 or do not sum to 1");
}

static int take_scalars(struct calmap *map, const json_t *p, struct err *err)
{
	if (mem_alloc(&map->weight, 2, sizeof *map->weight, err) || mem_alloc(&map->bias, 1, sizeof *map->bias, err))
		return -1;
	if (map->method == MAP_TEMPERATURE)
		return take_temperature(p, &map->weight[0], err);
	if (map->k != 2)
		return err_set(err, "a %s map is for two classes", calmap_method_name(map->method));
	if (map->method == MAP_PLATT)
		return take_real(p, "a", &map->weight[0], err) || take_real(p, "b", &map->bias[0], err) ? -1 : 0;
	if (take_real(p, "a", &map->weight[0], err) || take_real(p, "b", &map->weight[1], err) ||
	    take_real(p, "c", &map->bias[0], err))
		return -1;
	return map->weight[0] >= 0 && map->weight[1] >= 0 ? 0 : err_set(err, "a beta map's a and b are not below 0");
}

static int in_unit(const double *v, size_t n, int rising, const char *what, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if ((!isnan(v[i]) && !(v[i] >= 0 && v[i] <= 1)) || (rising && i && !(v[i] >= v[i - 1])))
			return err_set(err, "'%s' leaves [0, 1] or falls", what);
	return 0;
}

static int take_curve(struct curve *c, const json_t *j, struct err *err)
{
	const json_t *score = json_object_get(j, "score");
	c->n = json_array_size(score);
	if (!c->n)
		return err_set(err, "an isotonic curve without knots");
	return take_reals(score, "score", c->n, 0, &c->score, err) ||
			       take_reals(json_object_get(j, "value"), "value", c->n, 0, &c->value, err) ||
			       in_unit(c->score, c->n, 1, "score", err) || in_unit(c->value, c->n, 1, "value", err)
		       ? -1
		       : 0;
}

static int take_curves(struct calmap *map, const json_t *p, struct err *err)
{
	const json_t *list = json_object_get(p, "curves");
	int curves = map->k == 2 ? 1 : map->k;
	size_t bins = json_array_size(json_array_get(list, 0));
	if (!json_is_array(list) || json_array_size(list) != (size_t)curves)
		return err_set(err, "'curves' is not a list of %d", curves);
	map->curves = curves;
	if (calmap_has_curves(map->method)) {
		if (mem_alloc(&map->curve, (size_t)curves, sizeof *map->curve, err))
			return -1;
		for (int c = 0; c < curves; c++)
			if (take_curve(&map->curve[c], json_array_get(list, (size_t)c), err))
				return -1;
		return 0;
	}
	if (!bins || bins > BINS_MAX)
		return err_set(err, "'curves' has %zu bins", bins);
	map->bins = (int)bins;
	if (mem_alloc(&map->bin, (size_t)curves * bins, sizeof *map->bin, err))
		return -1;
	for (int c = 0; c < curves; c++) {
		double *v = NULL;
		int rc = take_reals(json_array_get(list, (size_t)c), "curves", bins, 1, &v, err) ||
			 in_unit(v, bins, 0, "curves", err);
		if (!rc)
			memcpy(map->bin + (size_t)c * bins, v, bins * sizeof *v);
		free(v);
		if (rc)
			return -1;
	}
	return 0;
}

int calmap_from_json(struct calmap *map, const json_t *j, int k, struct err *err)
{
	const char *name = json_string_value(json_object_get(j, "method"));
	const json_t *p = json_object_get(j, "parameters"), *clip = json_object_get(j, "clip");
	int method = 0, rc;
	while (method < MAP_METHODS && !(name && !strcmp(name, calmap_method_name((enum calmap_method)method))))
		method++;
	*map = (struct calmap){ .method = (enum calmap_method)method, .k = k };
	if (method == MAP_METHODS)
		return err_set(err, "'method' is missing or none of %s", CALMAP_CHOICES);
	if (clip && !(json_is_number(clip) && json_number_value(clip) > 0 && json_number_value(clip) < 1.0 / k))
		return err_set(err, "'clip' is no number between 0 and 1/%d", k);
	map->clip = clip ? json_number_value(clip) : 0;
	if (calmap_is_affine(map->method))
		rc = take_affine(map, p, err);
	else if (method == MAP_ENSEMBLE)
		rc = take_mixture(map, p, err);
	else if (calmap_has_curves(map->method) || method == MAP_HISTOGRAM)
		rc = take_curves(map, p, err);
	else
		rc = take_scalars(map, p, err);
	if (rc)
		calmap_release(map);
	return rc ? -1 : 0;
}
