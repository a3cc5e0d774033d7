/* The ROC curve of two sides' sorted keys, walked from the highest score down, a tie group a step. Nothing is kept of
 * it: a walk costs less than the memory. Counts are whole numbers in doubles, exact below 2^53. */
#include "roc.h"
#include "metrics.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t roc_key(double v)
{
	uint64_t u;
	if (v == 0)
		v = 0; /* not -0 */
	memcpy(&u, &v, 8);
	return u >> 63 ? ~u : u | (uint64_t)1 << 63;
}

double roc_score(uint64_t key)
{
	double v;
	uint64_t u = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
	memcpy(&v, &u, 8);
	return v;
}

int roc_open(struct roc *r, size_t n_pos, size_t n_neg, struct err *err)
{
	*r = (struct roc){ .n_pos = n_pos, .n_neg = n_neg };
	if (!n_pos || !n_neg)
		return err_set(err, "a ranking needs both sides: %zu positive and %zu negative records", n_pos, n_neg);
	return mem_alloc(&r->pos, n_pos, sizeof *r->pos, err) || mem_alloc(&r->neg, n_neg, sizeof *r->neg, err) ? -1
														: 0;
}

int roc_sort(struct roc *r, struct err *err)
{
	return whole_sort(r->pos, r->n_pos, err) || whole_sort(r->neg, r->n_neg, err) ? -1 : 0;
}

void roc_release(struct roc *r)
{
	free(r->pos);
	free(r->neg);
	*r = (struct roc){ 0 };
}

struct roc_walk roc_begin(const struct roc *r)
{
	return (struct roc_walk){ r->n_pos, r->n_neg, 0 };
}

int roc_next(const struct roc *r, struct roc_walk *w, double *pos, double *neg)
{
	size_t i = w->i, j = w->j;
	if (!i && !j)
		return 0;
	w->key = !j || (i && r->pos[i - 1] > r->neg[j - 1]) ? r->pos[i - 1] : r->neg[j - 1];
	while (i && r->pos[i - 1] == w->key)
		i--;
	while (j && r->neg[j - 1] == w->key)
		j--;
	*pos = (double)(w->i - i);
	*neg = (double)(w->j - j);
	w->i = i;
	w->j = j;
	return 1;
}

/* Areas under way. scale: what a positive weighs beside a negative. */
struct areas {
	double pos, neg, scale;
	double tp, fp, wins, in, out, fpr95; /* fpr95: -1 until it is reached */
};

static double share(double a, double b)
{
	return a / (a + b);
}

/* p positives and q negatives more, on one threshold. */
static void add_group(struct areas *a, double p, double q)
{
	/* the negatives lose to all positives above them and draw with those beside them */
	a->wins += q * (a->tp + p / 2);
	if (p > 0)
		a->in += p / a->pos * share(a->scale * (a->tp + p), a->fp + q);
	if (q > 0)
		a->out += q / a->neg * share(a->neg - a->fp, a->scale * (a->pos - a->tp));
	a->tp += p;
	a->fp += q;
	if (a->fpr95 < 0 && a->tp * 20 >= a->pos * 19)
		a->fpr95 = a->fp / a->neg;
}

/* The same spread over many thresholds, evenly mixed: precision along the straight line, by Simpson's rule. */
static void add_line(struct areas *a, double p, double q)
{
	double tp = a->tp, fp = a->fp, s = a->scale, pos = a->pos - tp, neg = a->neg - fp;
	double start = tp + fp > 0 ? share(s * tp, fp) : share(s * p, q);
	double end = pos - p + neg - q > 0 ? share(neg - q, s * (pos - p)) : share(q, s * p);
	if (p > 0)
		a->in += p / a->pos / 6 *
			 (start + 4 * share(s * (tp + p / 2), fp + q / 2) + share(s * (tp + p), fp + q));
	if (q > 0)
		a->out += q / a->neg / 6 *
			  (share(neg, s * pos) + 4 * share(neg - q / 2, s * (pos - p / 2)) + end);
	a->tp += p;
	a->fp += q;
	if (a->fpr95 < 0 && a->tp * 20 >= a->pos * 19)
		a->fpr95 = (fp + q * (0.95 * a->pos - tp) / p) / a->neg;
}

/* A sum of shares of precisions, which rounding can take past 1; where both sides lie apart each precision is 1. */
static double mean_precision(double sum, int apart)
{
	return apart ? 1 : fmin(sum, 1);
}

void roc_measure(const struct roc *r, struct roc_numbers *out)
{
	struct areas a = { .pos = (double)r->n_pos, .neg = (double)r->n_neg, .scale = 1, .fpr95 = -1 };
	struct roc_walk w = roc_begin(r);
	double p, q;
	*out = (struct roc_numbers){ 0 };
	while (roc_next(r, &w, &p, &q)) {
		int before = a.fpr95 < 0;
		add_group(&a, p, q);
		if (before && a.fpr95 >= 0)
			out->key95 = w.key;
	}
	out->auroc = a.wins / (a.pos * a.neg);
	int apart = a.wins == a.pos * a.neg;
	out->aupr_pos = mean_precision(a.in, apart);
	out->aupr_neg = mean_precision(a.out, apart);
	out->fpr95 = a.fpr95;
}

double roc_variance(const struct roc *r, double auroc)
{
	struct roc_walk w = roc_begin(r);
	double m = (double)r->n_pos, n = (double)r->n_neg, tp = 0, fp = 0, pos = 0, neg = 0, p, q;
	if (r->n_pos < 2 || r->n_neg < 2)
		return NAN;
	while (roc_next(r, &w, &p, &q)) {
		double above = (n - fp - q + q / 2) / n - auroc, below = (tp + p / 2) / m - auroc;
		pos += p * above * above;
		neg += q * below * below;
		tp += p;
		fp += q;
	}
	return pos / (m - 1) / m + neg / (n - 1) / n;
}

struct cell {
	double pos, neg;
	int one; /* a single tie group */
};

struct resampling {
	const struct roc *roc;
	struct cell *cell;
	size_t n;
	uint64_t seed;
	int rounds;
	double *draw;		 /* [workers][n][2] */
	double shift[ROC_VALUES]; /* of the records as they are: what the cells change */
	double *value;
};

/* How much of a side a cell may hold that begins after `done` of its n records. */
static double cell_limit(double done, double n)
{
	double beyond = done < n - done ? done : n - done, most = fmin(n / 2048, beyond / 64);
	return fmax(1, most);
}

static size_t count_groups(const struct roc *r)
{
	struct roc_walk w = roc_begin(r);
	double p, q;
	size_t n = 0;
	while (n <= ROC_GROUPS && roc_next(r, &w, &p, &q))
		n++;
	return n;
}

static int cut_cells(struct resampling *s, struct err *err)
{
	const struct roc *r = s->roc;
	int each = count_groups(r) <= ROC_GROUPS;
	struct roc_walk w = roc_begin(r);
	double p, q, tp = 0, fp = 0;
	size_t cap = 0;
	while (roc_next(r, &w, &p, &q)) {
		struct cell *c = s->n ? &s->cell[s->n - 1] : NULL;
		double m = (double)r->n_pos, n = (double)r->n_neg;
		if (c && !each && c->pos + p <= cell_limit(tp - c->pos, m) &&
		    c->neg + q <= cell_limit(fp - c->neg, n)) {
			c->pos += p;
			c->neg += q;
			c->one = 0;
		} else {
			if (mem_grow(&s->cell, &cap, s->n + 1, sizeof *s->cell, err))
				return -1;
			s->cell[s->n++] = (struct cell){ p, q, 1 };
		}
		tp += p;
		fp += q;
	}
	return 0;
}

/* draw: [n][2], how often either side of each cell counts. */
static void measure_cells(const struct resampling *s, const double *draw, double value[ROC_VALUES])
{
	struct areas a = { .fpr95 = -1 };
	for (size_t i = 0; i < s->n; i++) {
		a.pos += draw[2 * i];
		a.neg += draw[2 * i + 1];
	}
	value[0] = value[1] = value[2] = NAN;
	if (!(a.pos > 0 && a.neg > 0))
		return;
	a.scale = a.neg * (double)s->roc->n_pos / (a.pos * (double)s->roc->n_neg);
	for (size_t i = 0; i < s->n; i++)
		if (s->cell[i].one)
			add_group(&a, draw[2 * i], draw[2 * i + 1]);
		else if (draw[2 * i] + draw[2 * i + 1] > 0)
			add_line(&a, draw[2 * i], draw[2 * i + 1]);
	value[0] = mean_precision(a.in, 0);
	value[1] = mean_precision(a.out, 0);
	value[2] = a.fpr95;
}

static void roc_round(void *arg, int round, int worker)
{
	const struct resampling *s = arg;
	double *draw = s->draw + (size_t)worker * 2 * s->n, value[ROC_VALUES];
	struct rng r;
	rng_init(&r, s->seed, RNG_BOOTSTRAP, (uint32_t)round, 0);
	for (size_t i = 0; i < s->n; i++) {
		draw[2 * i] = rng_poisson(&r, s->cell[i].pos);
		draw[2 * i + 1] = rng_poisson(&r, s->cell[i].neg);
	}
	measure_cells(s, draw, value);
	for (int v = 0; v < ROC_VALUES; v++)
		s->value[v * s->rounds + round] = value[v] + s->shift[v];
}

int roc_resample(const struct roc *r, int rounds, uint64_t seed, struct pool *pool, double *value, struct err *err)
{
	struct resampling s = { .roc = r, .seed = seed, .rounds = rounds, .value = value };
	struct roc_numbers whole;
	double as_they_are[ROC_VALUES];
	int rc = cut_cells(&s, err) || mem_alloc(&s.draw, (size_t)pool_threads(pool) * 2 * s.n, sizeof *s.draw, err);
	if (!rc) {
		for (size_t i = 0; i < s.n; i++) {
			s.draw[2 * i] = s.cell[i].pos;
			s.draw[2 * i + 1] = s.cell[i].neg;
		}
		measure_cells(&s, s.draw, as_they_are);
		roc_measure(r, &whole);
		s.shift[0] = whole.aupr_pos - as_they_are[0];
		s.shift[1] = whole.aupr_neg - as_they_are[1];
		s.shift[2] = whole.fpr95 - as_they_are[2];
		pool_run(pool, rounds, roc_round, &s);
	}
	free(s.cell);
	free(s.draw);
	return rc ? -1 : 0;
}

/* Newcombe 2006, Statistics in Medicine 25:559, method 5: the variance as a function of the true area t. */
static double newcombe_variance(double t, double m, double n)
{
	double half = (m + n) / 2 - 1;
	return t * (1 - t) * (1 + half * (1 - t) / (2 - t) + half * t / (1 + t)) / (m * n);
}

/* The t on one side of `a` at which |t - a| = z sd(t). */
static double newcombe_limit(double a, double end, double m, double n, double z)
{
	double near = a, far = end;
	for (int i = 0; i < 200; i++) {
		double t = near + (far - near) / 2;
		if (fabs(t - a) < z * sqrt(newcombe_variance(t, m, n)))
			near = t;
		else
			far = t;
	}
	return near;
}

struct interval auroc_interval(double auroc, double variance, size_t n_pos, size_t n_neg, double z)
{
	double half = z * sqrt(variance), m = (double)n_pos, n = (double)n_neg;
	if (variance > 0) {
		struct interval i = { auroc - half, auroc + half };
		i.low = i.low < 0 ? 0 : i.low;
		i.high = i.high > 1 ? 1 : i.high;
		return i;
	}
	return (struct interval){ newcombe_limit(auroc, 0, m, n, z), newcombe_limit(auroc, 1, m, n, z) };
}
