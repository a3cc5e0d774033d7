/* Platt's sigmoid and the beta map: logistic regressions with at most three numbers, by damped Newton. */
#include "calfit.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3 };

struct logistic {
	size_t n;
	int p;		 /* coefficients, the last is the intercept */
	const double *x; /* [n][MOST - 1] features */
	const double *t; /* [n] targets in [0, 1] */
};

static double mean_loss(const struct logistic *m, const double *w, double *g, double h[MOST][MOST])
{
	double sum = 0;
	if (g) {
		memset(g, 0, MOST * sizeof *g);
		memset(h, 0, MOST * sizeof *h);
	}
	for (size_t i = 0; i < m->n; i++) {
		double f[MOST] = { 0 }, u = 0;
		for (int j = 0; j < m->p; j++) {
			f[j] = j + 1 < m->p ? m->x[i * (MOST - 1) + (size_t)j] : 1;
			u += w[j] * f[j];
		}
		sum += (softplus(u) - m->t[i] * u - sum) / (double)(i + 1); /* running mean */
		if (!g)
			continue;
		double p = 1 / (1 + exp(-u));
		for (int j = 0; j < m->p; j++) {
			g[j] += (p - m->t[i]) * f[j] / (double)m->n;
			for (int l = 0; l < m->p; l++)
				h[j][l] += p * (1 - p) * f[j] * f[l] / (double)m->n;
		}
	}
	return sum;
}

/* Solves h d = g by Cholesky; -1 where h is not positive definite to working precision. */
static int solve(double h[MOST][MOST], const double *g, int p, double *d)
{
	double l[MOST][MOST] = { { 0 } };
	for (int j = 0; j < p; j++) {
		for (int i = j; i < p; i++) {
			double v = h[i][j];
			for (int q = 0; q < j; q++)
				v -= l[i][q] * l[j][q];
			if (i == j) {
				if (!(v > 1e-14 * h[j][j]))
					return -1;
				l[j][j] = sqrt(v);
			} else {
				l[i][j] = v / l[j][j];
			}
		}
	}
	for (int i = 0; i < p; i++) {
		d[i] = g[i];
		for (int q = 0; q < i; q++)
			d[i] -= l[i][q] * d[q];
		d[i] /= l[i][i];
	}
	for (int i = p; i-- > 0;) {
		for (int q = i + 1; q < p; q++)
			d[i] -= l[q][i] * d[q];
		d[i] /= l[i][i];
	}
	return 0;
}

static int logistic_fit(const struct logistic *m, double *w, struct calmap_fit *fit, struct err *err)
{
	double g[MOST], h[MOST][MOST], d[MOST], next[MOST] = { 0 };
	for (fit->steps = 0; fit->steps < 200; fit->steps++) {
		double value = mean_loss(m, w, g, h), most = 0, drop = 0;
		for (int j = 0; j < m->p; j++)
			most = fmax(most, fabs(g[j]));
		fit->gradient = most;
		if (solve(h, g, m->p, d))
			return err_set(
				err,
				"the two classes can be told apart (or their scores do not vary): no finite optimum; "
				"fit on more records, or use --method temperature");
		for (int j = 0; j < m->p; j++)
			drop += g[j] * d[j];
		/* The loss cannot fall by more than drop/2; of scores that hardly vary, rounding alone may keep that
		 * above the first. */
		if (!(drop > 1e-24) || (fit->steps >= 50 && drop < 1e-14 * (1 + fabs(value))))
			return value < 1e-7
				       ? err_set(err, "the two classes can be told apart perfectly: no finite optimum; "
						      "fit on more records")
				       : 0;
		double step = 1;
		for (int i = 0; i < 60; i++, step /= 2) {
			for (int j = 0; j < m->p; j++)
				next[j] = w[j] - step * d[j];
			if (mean_loss(m, next, NULL, NULL) <= value - 1e-4 * step * drop + 1e-15 * (1 + fabs(value)))
				break;
		}
		memcpy(w, next, (size_t)m->p * sizeof *w);
	}
	return err_set(err, "the fit did not settle in 200 steps (gradient %.2g): fit on more records", fit->gradient);
}

/* Beta: where a slope comes out negative the map would fall; the slope is fixed at 0 and the rest fitted again. */
static int beta_fit(struct calmap *map, struct logistic *m, double *x, struct calmap_fit *fit, struct err *err)
{
	double w[MOST] = { 1, 1, 0 };
	m->p = 3;
	if (logistic_fit(m, w, fit, err))
		return -1;
	if (w[0] < 0 || w[1] < 0) {
		int kept = w[0] < 0; /* the feature that stays; betacal drops a first, then b */
		double v[MOST] = { 1, 0, 0 };
		for (size_t i = 0; i < m->n; i++)
			x[i * (MOST - 1)] = x[i * (MOST - 1) + (size_t)kept];
		m->p = 2;
		if (logistic_fit(m, v, fit, err))
			return -1;
		if (v[0] < 0)
			return err_set(err, "the scores run against the labels: no rising beta map fits");
		w[kept] = v[0];
		w[!kept] = 0;
		w[2] = v[1];
	}
	memcpy(map->weight, w, 2 * sizeof *w);
	map->bias[0] = w[2];
	return 0;
}

int fit_two_class(struct calmap *map, const struct fit_data *d, struct calmap_fit *fit, struct err *err)
{
	double *x = NULL, *t = NULL, ones = 0, n = (double)d->n;
	int rc = -1, beta = map->method == MAP_BETA;
	if (map->k != 2)
		return err_usage(err, "--method %s is for two classes; there are %d", calmap_method_name(map->method),
				 map->k);
	if (mem_alloc(&x, d->n * (MOST - 1), sizeof *x, err) || mem_alloc(&t, d->n, sizeof *t, err) ||
	    mem_alloc(&map->weight, 2, sizeof *map->weight, err) || mem_alloc(&map->bias, 1, sizeof *map->bias, err))
		goto out;
	for (size_t i = 0; i < d->n; i++)
		ones += d->label[i] == 1;
	for (size_t i = 0; i < d->n; i++) {
		double s = fit_value(d, i, 1) - fit_value(d, i, 0);
		if (!isfinite(s)) {
			err_set(err, "record %zu of the fit has a probability of 0; --method %s needs finite logits", i,
				calmap_method_name(map->method));
			goto out;
		}
		t[i] = beta ? d->label[i] == 1 : d->label[i] == 1 ? (ones + 1) / (ones + 2) : 1 / (n - ones + 2);
		x[i * (MOST - 1)] = beta ? -softplus(-s) : s; /* ln p */
		x[i * (MOST - 1) + 1] = softplus(s);	      /* -ln(1 - p) */
	}
	struct logistic m = { d->n, 2, x, t };
	if (beta) {
		rc = beta_fit(map, &m, x, fit, err);
	} else {
		double w[MOST] = { 1, 0, 0 };
		rc = logistic_fit(&m, w, fit, err);
		map->weight[0] = w[0];
		map->bias[0] = w[1];
	}
out:
	free(x);
	free(t);
	return rc;
}
