/* Vector and matrix scaling by L-BFGS. */
#include "calfit.h"
#include "minimise.h"
#include "pipeline/base/mem.h"
#include "eval/records/softmax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct affine {
	const struct fit_data *d;
	struct pool *pool;
	int k, matrix;
	double unit, l2, l2_bias; /* weights are searched in multiples of 1/unit, so that steps do not depend on the
				     logits' size */
	double *sum;		  /* [1 + parameters] */
	const double *x;
	struct err *err;
};

static size_t n_weights(const struct affine *a)
{
	return a->matrix ? (size_t)a->k * (size_t)a->k : (size_t)a->k;
}

/* out = W z + b, or w o z + b; returns the largest. A class ruled out stays so. */
static double forward(const struct affine *a, const double *z, double *out)
{
	size_t k = (size_t)a->k;
	const double *w = a->x, *b = a->x + n_weights(a);
	double max = -INFINITY;
	for (size_t c = 0; c < k; c++) {
		if (a->matrix) {
			out[c] = b[c];
			for (size_t j = 0; j < k; j++)
				out[c] += w[c * k + j] * z[j];
		} else {
			out[c] = z[c] > -INFINITY ? w[c] * z[c] + b[c] : -INFINITY;
		}
		max = out[c] > max ? out[c] : max;
	}
	return max;
}

/* sum[0]: loss; sum[1..]: its gradient in the weights (times unit) and biases. */
static void affine_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum)
{
	const struct affine *a = arg;
	size_t k = (size_t)a->k, room = (k + LANES - 1) / LANES * LANES;
	double *gw = sum + 1, *gb = sum + 1 + n_weights(a), *z, *out;
	struct err err;
	if (mem_alloc(&z, 2 * room, sizeof *z, &err)) {
		sum[0] = NAN; /* the caller reports it */
		return;
	}
	out = z + room;
	for (size_t i = from; i < to; i++) {
		double mass = 0;
		size_t y = (size_t)d->label[i];
		fit_row(d, i, z);
		for (size_t c = 0; c < k; c++)
			z[c] /= a->unit;
		double max = forward(a, z, out), own = out[y] - max;
		for (size_t c = 0; c < k; c++)
			out[c] -= max;
		softmax_ops()->exp_many(out, room);
		for (size_t c = 0; c < k; c++)
			mass += out[c];
		sum[0] += log(mass) - own;
		for (size_t c = 0; c < k; c++) {
			double g = out[c] / mass - (c == y);
			gb[c] += g;
			if (!a->matrix)
				gw[c] += z[c] > -INFINITY ? g * z[c] : 0; /* not 0 x Inf */
			else
				for (size_t j = 0; j < k; j++)
					gw[c * k + j] += g * z[j];
		}
	}
	free(z);
}

static int loss(void *arg, const double *x, double *value, double *grad, struct err *err)
{
	struct affine *a = arg;
	size_t k = (size_t)a->k, nw = n_weights(a);
	double n = (double)a->d->n, kk = (double)k, pairs = kk * (kk - 1), one = a->unit;
	a->x = x;
	if (fit_sum(a->d, a->pool, 1 + nw + k, affine_pass, a, a->sum, err))
		return -1;
	if (isnan(a->sum[0]))
		return err_set(err, "out of memory, or logits too large to scale");
	*value = a->sum[0] / n;
	for (size_t i = 0; i < nw + k; i++)
		grad[i] = a->sum[1 + i] / n;
	for (size_t i = 0; i < nw; i++) {
		int diagonal = !a->matrix || i / k == i % k;
		double off = (diagonal ? x[i] - one : x[i]) / one;
		double weight = !a->matrix ? a->l2 / kk : diagonal || pairs <= 0 ? 0 : a->l2 / pairs;
		*value += weight * off * off;
		grad[i] += 2 * weight * off / one;
	}
	for (size_t c = 0; c < k; c++) {
		*value += a->l2_bias / kk * x[nw + c] * x[nw + c];
		grad[nw + c] += 2 * a->l2_bias / kk * x[nw + c];
	}
	return 0;
}

/* Root mean square of the finite logits: the unit of the search. */
static void squares(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum)
{
	(void)arg;
	for (size_t i = from; i < to; i++)
		for (int c = 0; c < d->k; c++) {
			double z = fit_value(d, i, c);
			if (z > -INFINITY) {
				sum[0] += z * z;
				sum[1] += 1;
			} else {
				sum[2] += 1;
			}
		}
}

int fit_affine(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set, struct pool *pool,
	       struct calmap_fit *fit, struct err *err)
{
	struct affine a = { .d = d, .pool = pool, .k = map->k, .matrix = map->method == MAP_MATRIX };
	size_t k = (size_t)map->k, nw = n_weights(&a);
	double s[3], *x = NULL;
	struct minimum m;
	int rc = -1;
	a.l2 = set->l2 >= 0 ? set->l2 : a.matrix ? CALMAP_L2_MATRIX(map->k) : CALMAP_L2_VECTOR;
	a.l2_bias = set->l2_bias >= 0 ? set->l2_bias : a.l2;
	if (fit_sum(d, pool, 3, squares, NULL, s, err))
		return -1;
	if (a.matrix && s[2] > 0)
		return err_set(err, "matrix scaling needs finite logits; %.0f are -Inf", s[2]);
	a.unit = s[0] > 0 ? sqrt(s[0] / s[1]) : 1;
	if (mem_alloc(&x, nw + k, sizeof *x, err) || mem_alloc(&a.sum, 1 + nw + k, sizeof *a.sum, err) ||
	    mem_alloc(&map->weight, nw, sizeof *map->weight, err) || mem_alloc(&map->bias, k, sizeof *map->bias, err))
		goto out;
	for (size_t c = 0; c < k; c++)
		x[a.matrix ? c * k + c : c] = a.unit; /* the identity */
	struct objective f = { nw + k, loss, &a };
	if (minimise(&f, x, 1e-9, set->max_steps, &m, err))
		goto out;
	fit->steps = m.steps;
	fit->gradient = m.gradient;
	fit->l2 = a.l2;
	fit->l2_bias = a.l2_bias;
	if (!m.converged) {
		err_set(err,
			"%s scaling did not settle in %d steps (gradient %.2g); a larger --l2 gives the loss a bottom",
			a.matrix ? "matrix" : "vector", m.steps, m.gradient);
		goto out;
	}
	for (size_t i = 0; i < nw; i++)
		map->weight[i] = x[i] / a.unit;
	memcpy(map->bias, x + nw, k * sizeof *x);
	rc = 0;
out:
	free(x);
	free(a.sum);
	return rc;
}
