/* Vector and matrix scaling by L-BFGS, from the best temperature or the identity, whichever has the lower loss. */
#include "affine.h"
#include "calfit.h"
#include "minimise.h"
#include "pipeline/base/mem.h"
#include "temperature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of more records than this an eighth is fitted first, roughly, which brings the search near in an eighth of the time.
 */
enum { MANY_RECORDS = 1 << 12, EVERY = 8 };

/* Largest gradient at the answer: in parameters scaled as these are, the loss is then above the least by about half the
 * sum of the gradient's squares. `enough` is for MANY_VALUES and more, where the last digits would take minutes. */
static const double fine = 1e-9, enough = 1e-6;
enum { MANY_VALUES = 1 << 22 };

/* Puts into y whichever start has the lower loss: the identity, or it over the best temperature. */
static int pick_start(struct affine *a, double *y, struct err *err)
{
	size_t n = affine_parameters(a);
	struct temperature t;
	double *room, value[2] = { INFINITY, INFINITY };
	if (mem_alloc(&room, 2 * n, sizeof *room, err))
		return -1;
	double *grad = room + n, best = 1;
	int rc = temperature_fit(a->d, a->pool, &t, err);
	for (int i = 0; !rc && i < 2; i++) {
		double by = i && t.end == TEMPERATURE_INSIDE ? 1 / t.t : i && t.end == TEMPERATURE_INFINITE ? 0 : 1;
		affine_start(a, by, room);
		rc = affine_loss(a, room, &value[i], grad, err);
		if (i && isfinite(value[1]) && !(value[0] <= value[1]))
			best = by;
	}
	affine_start(a, best, y);
	free(room);
	if (!rc && !isfinite(value[0]) && !isfinite(value[1]))
		return err_set(err,
			       "the loss is beyond the range of float64, as the logits are and at any temperature");
	return rc;
}

static int search(struct affine *a, double *y, int max_steps, struct minimum *m, struct err *err)
{
	struct objective f = { affine_parameters(a), affine_loss, a };
	const struct fit_data *d = a->d;
	struct fit_data some = { 0 };
	int rc, many = d->n >= MANY_RECORDS;
	if (!many)
		return pick_start(a, y, err) || minimise(&f, y, fine, max_steps, m, err) ? -1 : 0;
	rc = fit_thin_out(&some, d, EVERY, err);
	a->d = &some;
	rc = rc || pick_start(a, y, err) || minimise(&f, y, 1e-3, max_steps, m, err);
	a->d = d;
	free(some.z);
	free(some.label);
	return rc || minimise(&f, y, d->n * (size_t)d->k < MANY_VALUES ? fine : enough, max_steps, m, err) ? -1 : 0;
}

static int take_parameters(struct calmap *map, const struct affine *a, const double *y, struct err *err)
{
	size_t k = (size_t)map->k, nw = affine_weights(a);
	int finite = 1;
	for (size_t i = 0; i < nw; i++) {
		map->weight[i] = y[i] * a->per[i];
		finite &= isfinite(map->weight[i]) != 0;
	}
	for (size_t c = 0; c < k; c++) {
		map->bias[c] = y[nw + c] * a->per[nw + c];
		finite &= isfinite(map->bias[c]) != 0;
	}
	return finite ? 0 : err_set(err, "the logits are so small that the best weights are beyond float64");
}

int fit_affine(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set, struct pool *pool,
	       struct calmap_fit *fit, struct err *err)
{
	int matrix = map->method != MAP_VECTOR;
	size_t k = (size_t)map->k, nw = matrix ? k * k : k;
	double *y = NULL;
	struct affine a = { 0 };
	struct minimum m;
	int rc = -1;
	struct affine_pull pull = affine_pull_of(map, d->n, set, fit);
	if (affine_init(&a, d, matrix, &pull, pool, err) || mem_alloc(&y, nw + k, sizeof *y, err) ||
	    mem_alloc(&map->weight, nw, sizeof *map->weight, err) ||
	    mem_alloc(&map->bias, k, sizeof *map->bias, err) ||
	    search(&a, y, set->max_steps, &m, err))
		goto out;
	fit->steps = m.steps;
	fit->gradient = m.gradient;
	if (!m.converged || !isfinite(m.value)) {
		err_set(err,
			"%s scaling did not settle in %d steps (gradient %.2g); a larger --l2 gives the loss a bottom",
			calmap_method_name(map->method), m.steps, m.gradient);
		goto out;
	}
	rc = take_parameters(map, &a, y, err);
out:
	free(y);
	affine_release(&a);
	return rc;
}
