/* The weights of ensemble temperature scaling: the mean of -log(w_1 a + w_2 b + w_3 / k) over records, where a and b
 * are the label's softmax(z / T) and softmax(z), is convex in w. Its quadratic model is minimised over the simplex
 * exactly, face by face, and a line search goes there (Newton's method on mixture proportions: Kim et al. 2020).
 *
 * With g_j = mean(p_j / mixture), the loss lies above the least by at most max_j g_j - 1, which is where it stops. */
#include "calfit.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 3, STEPS = 200 };

struct mixture {
	const struct calmap *map;
	double *part[2]; /* [n]: a, b */
	double w[PARTS];
};

struct mixture_sums {
	double loss, g[PARTS], h[PARTS][PARTS];
};

static void labels_shares(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	struct mixture *m = arg;
	double *z = scratch, *p = scratch + d->k;
	(void)sum;
	for (size_t i = from; i < to; i++) {
		size_t y = (size_t)d->label[i];
		fit_row(d, i, z);
		calfit_softmax(z, d->k, p);
		m->part[1][i] = p[y];
		calmap_log_softmax(calfit_softmax, z, d->k, m->map->t, z, p);
		m->part[0][i] = p[y];
	}
}

/* sum: struct mixture_sums, of the records' sums. */
static void mixture_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct mixture *m = arg;
	struct mixture_sums *s = (struct mixture_sums *)sum;
	(void)scratch;
	for (size_t i = from; i < to; i++) {
		double p[PARTS] = { m->part[0][i], m->part[1][i], 1.0 / d->k };
		double mix = m->w[0] * p[0] + m->w[1] * p[1] + m->w[2] * p[2];
		s->loss -= log(mix);
		for (int j = 0; j < PARTS; j++) {
			p[j] /= mix;
			s->g[j] += p[j];
			for (int l = 0; l <= j; l++)
				s->h[j][l] += p[j] * p[l];
		}
	}
}

static int mixture_at(const struct fit_data *d, struct pool *pool, struct mixture *m, struct mixture_sums *s,
		      struct err *err)
{
	size_t all = sizeof *s / sizeof(double);
	double sum[sizeof *s / sizeof(double)];
	if (fit_sum(d, pool, all, mixture_pass, 0, m, sum, err))
		return -1;
	for (size_t i = 0; i < all; i++)
		sum[i] /= (double)d->n;
	memcpy(s, sum, sizeof *s);
	for (int j = 0; j < PARTS; j++)
		for (int l = j + 1; l < PARTS; l++)
			s->h[j][l] = s->h[l][j];
	return 0;
}

/* The model, but for a constant: v'Hv / 2 - 2 g'v. */
static double model_at(const struct mixture_sums *s, const double *v)
{
	double sum = 0;
	for (int j = 0; j < PARTS; j++) {
		sum -= 2 * s->g[j] * v[j];
		for (int l = 0; l < PARTS; l++)
			sum += s->h[j][l] * v[j] * v[l] / 2;
	}
	return sum;
}

/* v takes the place of best where it is on the simplex and lower. */
static void take_lower(const struct mixture_sums *s, const double *v, double *best, double *least)
{
	for (int j = 0; j < PARTS; j++)
		if (!(v[j] >= 0 && v[j] <= 1))
			return;
	if (!(model_at(s, v) < *least))
		return;
	*least = model_at(s, v);
	memcpy(best, v, PARTS * sizeof *best);
}

/* Where the model is least on the simplex: at a corner, inside an edge, or inside. */
static void model_minimum(const struct mixture_sums *s, double *best)
{
	const double(*h)[PARTS] = s->h;
	double least = INFINITY;
	for (int j = 0; j < PARTS; j++) {
		int l = (j + 1) % PARTS;
		double corner[PARTS] = { 0 }, edge[PARTS] = { 0 };
		corner[j] = 1;
		take_lower(s, corner, best, &least);
		double bend = h[j][j] - 2 * h[j][l] + h[l][l];
		edge[j] = (2 * (s->g[j] - s->g[l]) - h[j][l] + h[l][l]) / bend;
		edge[l] = 1 - edge[j];
		if (bend > 0)
			take_lower(s, edge, best, &least);
	}
	/* v = e_3 + x (e_1 - e_3) + y (e_2 - e_3) */
	double xx = h[0][0] - 2 * h[0][2] + h[2][2], yy = h[1][1] - 2 * h[1][2] + h[2][2];
	double xy = h[0][1] - h[0][2] - h[1][2] + h[2][2], det = xx * yy - xy * xy;
	double rx = 2 * (s->g[0] - s->g[2]) - h[0][2] + h[2][2], ry = 2 * (s->g[1] - s->g[2]) - h[1][2] + h[2][2];
	double inside[PARTS] = { (rx * yy - ry * xy) / det, (ry * xx - rx * xy) / det, 0 };
	inside[2] = 1 - inside[0] - inside[1];
	if (det > 1e-12 * xx * yy)
		take_lower(s, inside, best, &least);
}

static double above_least(const struct mixture_sums *s)
{
	return fmax(0, fmax(s->g[0], fmax(s->g[1], s->g[2])) - 1);
}

/* One step from m->w, where s is the sums, to lower ones; *moved: whether there were any. */
static int mixture_step(const struct fit_data *d, struct pool *pool, struct mixture *m, struct mixture_sums *s,
			int *moved, struct err *err)
{
	double was[PARTS], to[PARTS] = { 0 };
	struct mixture_sums next;
	memcpy(was, m->w, sizeof was);
	model_minimum(s, to);
	*moved = 0;
	for (double step = 1; !*moved && step > 1e-12; step /= 2) {
		for (int j = 0; j < PARTS; j++)
			m->w[j] = step < 1 ? was[j] + step * (to[j] - was[j]) : to[j];
		if (mixture_at(d, pool, m, &next, err))
			return -1;
		/* Near the end rounding hides that the loss falls, but not that it can fall less. */
		*moved = next.loss < s->loss || (next.loss <= s->loss + 1e-14 * (1 + fabs(s->loss)) &&
						 above_least(&next) < above_least(s) / 2);
	}
	if (*moved)
		*s = next;
	else
		memcpy(m->w, was, sizeof was);
	return 0;
}

int fit_mixture(struct calmap *map, const struct fit_data *d, struct pool *pool, struct calmap_fit *fit,
		struct err *err)
{
	struct mixture m = { .map = map, .w = { 1.0 / 3, 1.0 / 3, 1.0 / 3 } };
	struct mixture_sums s;
	double *room, unused;
	int rc = -1, moved = 1;
	if (mem_alloc(&room, 2 * d->n, sizeof *room, err))
		return -1;
	m.part[0] = room;
	m.part[1] = room + d->n;
	if (mem_alloc(&map->weight, PARTS, sizeof *map->weight, err) ||
	    fit_sum(d, pool, 1, labels_shares, 2 * (size_t)d->k, &m, &unused, err) || mixture_at(d, pool, &m, &s, err))
		goto out;
	for (fit->steps = 0; above_least(&s) > 1e-13 && moved && fit->steps < STEPS; fit->steps++)
		if (mixture_step(d, pool, &m, &s, &moved, err))
			goto out;
	fit->gradient = above_least(&s);
	memcpy(map->weight, m.w, sizeof m.w);
	rc = fit->gradient <= 1e-6 ? 0
				   : err_set(err,
					     "the weights did not settle in %d steps (the loss may be %.2g too "
					     "high)",
					     fit->steps, fit->gradient);
out:
	free(room);
	return rc;
}
