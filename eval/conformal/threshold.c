/* Threshold files, written and read. A file of version 1 may have been made by hand, so everything is checked; the
 * complement and the threshold are one number, and must be. */
#include "threshold.h"
#include "eval/calibrate/calibrate.h"
#include "pipeline/formats/seal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number_or_null(double v)
{
	return isinf(v) ? json_null() : json_real(v);
}

int threshold_text(char **text, const struct conformal *c, const struct sketch *sketch, const struct rows *rows,
		   const json_t *tool, struct err *err)
{
	json_t *j = json_pack("{s:i, s:s, s:b, s:f}", CONFORMAL_KEY, CALFILE_VERSION, "method",
			      conformal_name(c->method), "randomised", c->randomised, "alpha", c->alpha);
	json_t *more = json_pack(
		"{s:o, s:o, s:I, s:I, s:[f, f], s:o, s:o, s:O, s:s}", "threshold", number_or_null(1 - c->complement),
		"complement", number_or_null(c->complement), "rank", (json_int_t)c->rank, "tied", (json_int_t)c->tied,
		"coverage", conformal_coverage(c, 0.025), conformal_coverage(c, 0.975), "classes",
		class_names_json(&rows->head), "fit", fitted_json(sketch, rows), "tool", tool, SEAL_KEY, SEAL_BLANK);
	int bad = !j || !more;
	if (c->method == CONFORMAL_RAPS)
		bad |= json_object_set_new(j, "lambda", json_real(c->lambda)) ||
		       json_object_set_new(j, "k_reg", json_integer(c->k_reg));
	bad |= !more || json_object_update(j, more);
	int rc = seal_write(text, bad ? NULL : j, err);
	json_decref(j);
	json_decref(more);
	return rc;
}

/* A number of [lo, hi]. */
static int take_number(double *v, const json_t *j, const char *key, double lo, double hi, struct err *err)
{
	const json_t *n = json_object_get(j, key);
	*v = json_number_value(n);
	if (!json_is_number(n) || !(*v >= lo && *v <= hi))
		return err_set(err, "'%s' is not a number from %g to %g", key, lo, hi);
	return 0;
}

static int take_method(struct conformal *c, const json_t *j, struct err *err)
{
	const char *method = json_string_value(json_object_get(j, "method"));
	const json_t *randomised = json_object_get(j, "randomised");
	int m = 0;
	double k_reg = 0;
	while (method && m < CONFORMAL_METHODS && strcmp(method, conformal_name((enum conformal_method)m)))
		m++;
	if (!method || m == CONFORMAL_METHODS)
		return err_set(err, "'method' is none of %s", CONFORMAL_CHOICES);
	c->method = (enum conformal_method)m;
	c->randomised = json_is_true(randomised);
	if (!json_is_boolean(randomised) || (c->randomised && m == CONFORMAL_LAC))
		return err_set(err, "'randomised' is not true or false, or is true for lac");
	if (m == CONFORMAL_RAPS && (take_number(&c->lambda, j, "lambda", 0, 1e300, err) ||
				    take_number(&k_reg, j, "k_reg", 0, STREAM_MAX_CLASSES, err)))
		return -1;
	c->k_reg = (int64_t)k_reg;
	return take_number(&c->alpha, j, "alpha", 1e-12, 1 - 1e-12, err);
}

static int take_threshold(struct conformal *c, const json_t *j, struct err *err)
{
	double threshold;
	c->complement = -INFINITY;
	if (json_is_null(json_object_get(j, "threshold")) && json_is_null(json_object_get(j, "complement")))
		return 0;
	if (take_number(&threshold, j, "threshold", -1e300, 1e300, err) ||
	    take_number(&c->complement, j, "complement", -1e300, 1e300, err))
		return -1;
	if (!(fabs(1 - c->complement - threshold) <= 1e-12 * fmax(1, fabs(threshold))))
		return err_set(err, "'complement' is not 1 - 'threshold'");
	return 0;
}

int threshold_load(struct threshold *t, const char *path, struct err *err)
{
	json_t *j;
	*t = (struct threshold){ .on.what = "threshold" };
	if (calfile_read(&j, path, CONFORMAL_WHAT, CONFORMAL_KEY, &t->on.version, err))
		return -1;
	int rc = take_method(&t->c, j, err) || take_threshold(&t->c, j, err) || calfile_take_fit(&t->on, j, err) ?
			 err_context(err, "%s", path) : 0;
	json_decref(j);
	if (rc)
		threshold_release(t);
	return rc;
}

int threshold_check(const struct threshold *t, const struct rows *list, size_t n, int split, int allowed, char *text,
		    size_t size, struct err *err)
{
	*text = 0;
	for (size_t d = 0; d < n; d++)
		if (calfile_fits(&t->on, &list[d].head, list[d].name, err))
			return -1;
	return allowed ? 0 : calibrate_refuse_fitted(&t->on, list, n, split, text, size, err);
}

void threshold_release(struct threshold *t)
{
	calfile_release(&t->on);
	*t = (struct threshold){ 0 };
}
