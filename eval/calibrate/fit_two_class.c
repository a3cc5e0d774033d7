/* Platt's sigmoid and the beta map: logistic regressions with at most three numbers, by damped Newton.
 *
 * Both are of s, the log-odds of class 1. The beta map's features ln p and -ln(1 - p) are (s - e)/2 - ln 2 and
 * (s + e)/2 + ln 2 with e = 2 ln cosh(s/2), which is even and small where s is: so s and e carry the digits that the
 * two features would lose to one another near p = 1/2. Features are centred and divided by their standard deviation,
 * and the search begins at slope 0, so that neither the unit of s nor its place matters. */
#include "calfit.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3 };

struct logistic {
	size_t n;
	int p;		      /* coefficients, the last is the intercept */
	double *x[MOST - 1];  /* [n] features, standardised */
	double mean[MOST - 1], unit[MOST - 1];
	const double *t;      /* [n] targets in [0, 1] */
};

/* log(1 + exp(u)) and its slope. */
static double softplus_slope(double u, double *slope)
{
	double e = exp(-fabs(u));
	*slope = u > 0 ? 1 / (1 + e) : e / (1 + e);
	return (u > 0 ? u : 0) + log1p(e);
}

static double mean_loss(const struct logistic *m, const double *w, double *g, double h[MOST][MOST])
{
	double sum = 0;
	if (g) {
		memset(g, 0, MOST * sizeof *g);
		memset(h, 0, MOST * sizeof *h);
	}
	for (size_t i = 0; i < m->n; i++) {
		double f[MOST] = { 0 }, u = 0, p;
		for (int j = 0; j < m->p; j++) {
			f[j] = j + 1 < m->p ? m->x[j][i] : 1;
			u += w[j] * f[j];
		}
		sum += (softplus_slope(u, &p) - m->t[i] * u - sum) / (double)(i + 1); /* running mean */
		if (!g)
			continue;
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

/* Half as far along -d until the loss is lower or, where its rounding may hide that, flatter along d. 1: w is there;
 * 0: nowhere. drop: the loss's slope along d. */
static int go(const struct logistic *m, double *w, const double *d, double value, double drop)
{
	double g[MOST], h[MOST][MOST], next[MOST] = { 0 }, step = 1;
	int hidden = drop <= 1e-9 * (1 + fabs(value));
	for (int i = 0; i < 60; i++, step /= 2) {
		double slope = 0;
		for (int j = 0; j < m->p; j++)
			next[j] = w[j] - step * d[j];
		int falls = mean_loss(m, next, hidden ? g : NULL, h) <= value - 1e-4 * step * drop;
		for (int j = 0; hidden && j < m->p; j++)
			slope += g[j] * d[j];
		if (hidden ? fabs(slope) <= 0.9 * drop : falls) {
			memcpy(w, next, (size_t)m->p * sizeof *w);
			return 1;
		}
	}
	return 0;
}

/* w: [MOST], the answer, from slopes of 0. */
static int logistic_fit(const struct logistic *m, double *w, struct calmap_fit *fit, struct err *err)
{
	double g[MOST], h[MOST][MOST], d[MOST];
	memset(w, 0, MOST * sizeof *w);
	for (fit->steps = 0; fit->steps < 200; fit->steps++) {
		double value = mean_loss(m, w, g, h), most = 0, drop = 0;
		for (int j = 0; j < m->p; j++)
			most = fmax(most, fabs(g[j]));
		fit->gradient = most;
		if (solve(h, g, m->p, d))
			return err_set(err,
				       "the log-odds of some records are so much larger than those of others that "
				       "rounding hides the slope; look at the largest, or use --method isotonic");
		for (int j = 0; j < m->p; j++)
			drop += g[j] * d[j];
		/* The loss cannot fall by more than drop/2; rounding alone may keep that above the first. */
		int near = drop < 1e-14 * (1 + fabs(value));
		if (!(drop > 1e-24) || (near && fit->steps >= 50))
			return 0;
		if (!go(m, w, d, value, drop)) {
			if (near)
				return 0;
			break;
		}
	}
	return err_set(err, "the fit did not settle in %d steps (gradient %.2g)", fit->steps, fit->gradient);
}

/* Feature j becomes (x - mean) / unit; 1 where it does not vary. */
static int standardise(struct logistic *m, int j)
{
	double *x = m->x[j], most = 0, mean = 0, square = 0;
	for (size_t i = 0; i < m->n; i++)
		most = fmax(most, fabs(x[i]));
	m->mean[j] = m->unit[j] = 0;
	if (!(most > 0))
		return 1;
	for (size_t i = 0; i < m->n; i++)
		mean += (x[i] / most - mean) / (double)(i + 1);
	for (size_t i = 0; i < m->n; i++)
		square += (x[i] / most - mean) * (x[i] / most - mean) / (double)m->n;
	m->mean[j] = mean * most;
	m->unit[j] = sqrt(square) * most;
	if (!(sqrt(square) > 1e-15)) /* the rounding of a mean */
		return 1;
	for (size_t i = 0; i < m->n; i++)
		x[i] = (x[i] / most - mean) / sqrt(square);
	return 0;
}

/* Slopes and intercept of the features as they were before they were standardised. */
static void undo(const struct logistic *m, const double *w, double *slope, double *intercept)
{
	*intercept = w[m->p - 1];
	for (int j = 0; j + 1 < m->p; j++) {
		slope[j] = w[j] / m->unit[j];
		*intercept -= slope[j] * m->mean[j];
	}
}

/* 2 ln cosh(s/2) */
static double evenness(double s)
{
	double a = fabs(s), h = sinh(a / 2);
	return a < 1 ? log1p(h * h) : a + 2 * log1p(exp(-a)) - 2 * M_LN2;
}

/* The features (s - e)/2, of a alone, (s + e)/2, of b alone, or s and e, of both. */
enum shape { A_ALONE, B_ALONE, BOTH };

struct beta_map {
	double a, b, c, loss;
};

/* 1: fitted, and rising; 0: not so; -1: error. s: [n] log-odds. */
static int beta_shape(struct logistic *m, const double *s, enum shape shape, struct beta_map *to,
		      struct calmap_fit *fit)
{
	double w[MOST], slope[MOST - 1], c;
	struct err unheard; /* of one shape of three: the others may fit */
	m->p = shape == BOTH ? 3 : 2;
	for (size_t i = 0; i < m->n; i++) {
		double e = evenness(s[i]);
		m->x[0][i] = shape == BOTH ? s[i] : s[i] / 2 + (shape == A_ALONE ? -e / 2 : e / 2);
		m->x[1][i] = e;
	}
	for (int j = 0; j + 1 < m->p; j++)
		if (standardise(m, j))
			return 0;
	if (logistic_fit(m, w, fit, &unheard))
		return 0;
	undo(m, w, slope, &c);
	if (shape == BOTH) /* log-odds = (a + b)/2 s + (b - a)/2 (e + 2 ln 2) + c */
		*to = (struct beta_map){ slope[0] - slope[1], slope[0] + slope[1], c - 2 * M_LN2 * slope[1], 0 };
	else if (shape == A_ALONE)
		*to = (struct beta_map){ slope[0], 0, c + M_LN2 * slope[0], 0 };
	else
		*to = (struct beta_map){ 0, slope[0], c - M_LN2 * slope[0], 0 };
	to->loss = mean_loss(m, w, NULL, NULL);
	return to->a >= 0 && to->b >= 0 && isfinite(to->a) && isfinite(to->b) && isfinite(to->c);
}

/* Of records that nearly all have P = 1/2, ln p and c are numbers far larger than what they differ by. 1 where the map,
 * as numbers that are applied, lost so much to that that its loss is not the fit's. */
static int rounded_away(const struct beta_map *map, const struct logistic *m, const double *s)
{
	double loss = 0;
	for (size_t i = 0; i < m->n; i++) {
		double ln_p, ln_rest, p;
		ln_p = -softplus_slope(-s[i], &p);
		ln_rest = -softplus_slope(s[i], &p);
		double u = map->a * ln_p - map->b * ln_rest + map->c;
		loss += (softplus_slope(u, &p) - m->t[i] * u - loss) / (double)(i + 1);
	}
	return !(loss <= map->loss + 1e-6 * (1 + map->loss));
}

/* The least loss with a and b >= 0, which is convex: that of both where they come out so, else the better of the two
 * edges. */
static int beta_fit(struct calmap *map, struct logistic *m, const double *s, struct calmap_fit *fit, struct err *err)
{
	struct beta_map best = { .loss = INFINITY }, one;
	struct calmap_fit how = { 0 };
	for (int shape = BOTH; shape >= A_ALONE; shape--)
		if (beta_shape(m, s, (enum shape)shape, &one, &how) && one.loss < best.loss) {
			best = one;
			fit->steps = how.steps;
			fit->gradient = how.gradient;
			if (shape == BOTH)
				break;
		}
	if (!(best.loss < INFINITY))
		return err_set(err,
			       "no rising beta map fits better than a constant: the scores run against the labels");
	if (rounded_away(&best, m, s))
		return err_set(err,
			       "the two probabilities of every record are so nearly alike that rounding hides a and b; "
			       "take --method platt");
	map->weight[0] = best.a;
	map->weight[1] = best.b;
	map->bias[0] = best.c;
	return 0;
}

/* Data for which no slope is best; what is said is what was found. Platt's targets are never 0 or 1, so there every
 * slope that is told at all has a best. */
static int has_best(const struct fit_data *d, const double *s, int beta, struct err *err)
{
	double lo[2] = { INFINITY, INFINITY }, hi[2] = { -INFINITY, -INFINITY };
	for (size_t i = 0; i < d->n; i++) {
		int y = d->label[i] == 1;
		lo[y] = fmin(lo[y], s[i]);
		hi[y] = fmax(hi[y], s[i]);
	}
	if (fmin(lo[0], lo[1]) == fmax(hi[0], hi[1]))
		return err_set(err, "all records have the same log-odds (%.17g): they tell nothing of a slope",
			       fmin(lo[0], lo[1]));
	if (beta && (lo[0] > hi[0] || lo[1] > hi[1]))
		return err_set(err, "all labels are of one class: no finite optimum; fit on records of both");
	if (beta && hi[0] <= lo[1])
		return err_set(err,
			       "every record of class 1 has log-odds of %.6g or more and every record of class 0 of "
			       "%.6g or less, so the two can be told apart: no finite optimum; fit on more records",
			       lo[1], hi[0]);
	return 0;
}

int fit_two_class(struct calmap *map, const struct fit_data *d, struct calmap_fit *fit, struct err *err)
{
	double *room = NULL, ones = 0, n = (double)d->n;
	int rc = -1, beta = map->method == MAP_BETA;
	if (map->k != 2)
		return err_usage(err, "--method %s is for two classes; there are %d", calmap_method_name(map->method),
				 map->k);
	if (mem_alloc(&room, d->n * 4, sizeof *room, err) || mem_alloc(&map->weight, 2, sizeof *map->weight, err) ||
	    mem_alloc(&map->bias, 1, sizeof *map->bias, err))
		goto out;
	double *s = room, *t = room + d->n;
	struct logistic m = { .n = d->n, .p = 2, .x = { room + 2 * d->n, room + 3 * d->n }, .t = t };
	for (size_t i = 0; i < d->n; i++)
		ones += d->label[i] == 1;
	for (size_t i = 0; i < d->n; i++) {
		m.x[0][i] = s[i] = fit_value(d, i, 1) - fit_value(d, i, 0);
		t[i] = beta ? d->label[i] == 1 : d->label[i] == 1 ? (ones + 1) / (ones + 2) : 1 / (n - ones + 2);
	}
	if (has_best(d, s, beta, err))
		goto out;
	if (beta) {
		rc = beta_fit(map, &m, s, fit, err);
	} else {
		double w[MOST];
		if (standardise(&m, 0))
			err_set(err, "the log-odds of all records are the same but for rounding: they tell nothing of "
				     "a slope");
		else
			rc = logistic_fit(&m, w, fit, err);
		if (!rc)
			undo(&m, w, map->weight, map->bias);
		if (!rc && !(isfinite(map->weight[0]) && isfinite(map->bias[0])))
			rc = err_set(err, "the log-odds are so small that the best slope is beyond float64");
	}
out:
	free(room);
	return rc;
}
