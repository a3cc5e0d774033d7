/* Vector and matrix scaling by L-BFGS, from the best temperature or the identity, whichever has the lower loss; and
 * where that takes long, by Newton's method. */
#include "affine.h"
#include "calfit.h"
#include "minimise.h"
#include "pipeline/base/mem.h"
#include "temperature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How near the answer is (minimise.h: decrement): the loss is above the least by about 5e-19; by 5e-11 where there are
 * so many values that more digits would take minutes. */
static const double fine = 1e-9, enough = 1e-5;
/* What is taken when all steps were used: 5e-13. */
static const double near_enough = 1e-6;
enum { MANY_VALUES = 1 << 22 };

/* Steps of L-BFGS, of which one costs as much as a product of Newton's method. Most fits need fewer. */
enum { FIRST = 60 };

/* Puts into y whichever start has the lower loss: the identity, or it over the best temperature. */
static int pick_start(struct affine *a, double *y, struct err *err)
{
	size_t n = affine_parameters(a);
	struct temperature t;
	double *room, value[2] = { INFINITY, INFINITY };
	if (mem_alloc(&room, 2 * n, sizeof *room, err))
		return -1;
	double *grad = room + n, best = 1;
	int rc = temperature_roughly(a->d, a->pool, &t, err);
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

static int is_held(const struct affine *a)
{
	return a->pull.diagonal > 0 || a->pull.off > 0 || a->pull.bias > 0;
}

/* Whether W and b at the answer tell every record's label from all other classes, and nothing holds them: twice they
 * are then better still, and the loss has no bottom. A loss that all records together have below ln 2 is proof of it:
 * each label's probability is above 1/2. */
static int told_apart(const struct affine *a, const struct minimum *m)
{
	return !is_held(a) && m->value * (double)a->d->n < M_LN2;
}

static int descend(struct affine *a, double *y, double tol, int max_steps, struct minimum *m, struct err *err)
{
	struct objective f = { affine_parameters(a), affine_loss, affine_precondition, affine_curvature, affine_bend,
			       a,		     a->narrow ? 1e-8 : 1e-14 };
	if (affine_curvature(a, y, err) || minimise(&f, y, tol, max_steps < FIRST ? max_steps : FIRST, m, err))
		return -1;
	int steps = m->steps;
	m->stuck = 0;
	m->converged = m->decrement <= tol;
	/* Little is left, which rounding to float32 would hide. */
	a->narrow = 0;
	a->whole = 1;
	f.noise = 1e-14;
	for (double before = INFINITY; !m->converged && !m->stuck && steps < max_steps && !told_apart(a, m);) {
		double was = m->value;
		if (newton_step(&f, y, tol, max_steps - steps, m, err))
			return -1;
		steps += m->steps;
		/* Where columns are nearly parallel, as logarithms of probabilities may be, weights are large and
		 * cancel, and rounding hides the last digits. */
		m->stuck |= m->decrement > before / 2 && (m->decrement <= near_enough || !(m->value < was));
		before = m->decrement;
	}
	m->steps = steps;
	m->converged |= m->decrement <= (m->stuck ? enough : near_enough);
	return 0;
}

/* A matrix's best start is that of its diagonal alone, which costs a k-th. */
static int search(struct affine *a, double *y, int max_steps, struct minimum *m, struct err *err)
{
	const struct fit_data *d = a->d;
	size_t k = (size_t)d->k;
	struct affine own = { 0 };
	double tol = d->n * k < MANY_VALUES ? fine : enough, *z = NULL;
	int rc = -1;
	if (!a->matrix)
		return pick_start(a, y, err) || descend(a, y, tol, max_steps, m, err) ? -1 : 0;
	if (affine_init(&own, d, 0, &a->pull, a->pool, err) || mem_alloc(&z, 2 * k, sizeof *z, err) ||
	    pick_start(&own, z, err) || descend(&own, z, 1e-2, 20, m, err))
		goto out;
	affine_start(a, 0, y);
	for (size_t c = 0; c < k; c++) {
		y[c * k + c] = z[c] * own.per[c] / a->per[c * k + c];
		y[k * k + c] = z[k + c] * own.per[k + c] / a->per[k * k + c];
	}
	rc = descend(a, y, tol, max_steps, m, err);
out:
	free(z);
	affine_release(&own);
	return rc;
}

static void unsettled(const char *name, const struct affine *a, const struct minimum *m, struct err *err)
{
	if (told_apart(a, m))
		err_set(err,
			"W and b of %s scaling tell all %zu records apart, so the loss falls without end as they grow: "
			"there is no best map; fit on more records, or hold them with a larger --l2",
			name, a->d->n);
	else if (!is_held(a) && m->stuck)
		err_set(err,
			"%s scaling ended at step %d, where rounding hides what is left of the slope (gradient %.2g): "
			"nothing holds W and b, which have grown large; fit on more records, or hold them with a "
			"larger --l2",
			name, m->steps, m->gradient);
	else if (!is_held(a))
		err_set(err,
			"%s scaling did not settle in %d steps (gradient %.2g): nothing holds W and b, which grow "
			"without end where they tell some of the records or classes apart; fit on more records, or "
			"hold them with a larger --l2, or allow more steps with --max-steps",
			name, m->steps, m->gradient);
	else if (m->stuck)
		err_set(err,
			"%s scaling ended at step %d, where rounding hides what is left of the slope (gradient %.2g): "
			"the logits' sizes are too far apart, or from 0, for float64; look at the largest of them",
			name, m->steps, m->gradient);
	else
		err_set(err,
			"%s scaling did not settle in %d steps (gradient %.2g); a larger --l2 has fewer to take, and "
			"--max-steps allows more",
			name, m->steps, m->gradient);
}

/* What calmap.h has for the map's method, of n records; fit gets l2 and l2_bias, as set or by default. */
static struct affine_pull pull_of(const struct calmap *map, size_t n, const struct calmap_settings *set,
				  struct calmap_fit *fit)
{
	double k = map->k, pairs = fmax(1, k * (k - 1)), l2 = CALMAP_L2_MATRIX(map->k);
	if (map->method == MAP_VECTOR)
		l2 = CALMAP_L2_VECTOR;
	if (map->method == MAP_STRUCTURED)
		l2 = CALMAP_L2_STRUCTURED;
	fit->l2 = set->l2 >= 0 ? set->l2 : l2;
	fit->l2_bias = set->l2_bias >= 0 ? set->l2_bias : fit->l2;
	if (map->method == MAP_STRUCTURED) {
		double each = fit->l2 / (double)n;
		return (struct affine_pull){ each * k, each * pairs, fit->l2_bias / (double)n * k };
	}
	return (struct affine_pull){ map->method == MAP_VECTOR ? fit->l2 / k : 0, fit->l2 / pairs, fit->l2_bias / k };
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
	struct affine_pull pull = pull_of(map, d->n, set, fit);
	if (affine_init(&a, d, matrix, &pull, pool, err) || mem_alloc(&y, nw + k, sizeof *y, err) ||
	    mem_alloc(&map->weight, nw, sizeof *map->weight, err) ||
	    mem_alloc(&map->bias, k, sizeof *map->bias, err) ||
	    search(&a, y, set->max_steps, &m, err))
		goto out;
	fit->steps = m.steps;
	fit->gradient = m.gradient;
	if (!m.converged || !isfinite(m.value) || told_apart(&a, &m)) {
		unsettled(calmap_method_name(map->method), &a, &m, err);
		goto out;
	}
	rc = affine_parameters_of(&a, y, map->weight, map->bias)
		     ? 0
		     : err_set(err, "the logits are so small that the best weights are beyond float64");
out:
	free(y);
	affine_release(&a);
	return rc;
}
