/* L-BFGS with the last PAIRS pairs of steps and gradient changes. x, grad and value belong to one point: a line search
 * that succeeds sets value and leaves the new point in next and next_grad, and remember() must follow to take them
 * over; one that fails changes none of them. A pair whose s'y is not positive is dropped, which keeps the approximation
 * positive definite. A direction that does not point downhill, or a failed search, drops all pairs and starts again
 * from steepest descent; if that fails too, the search ends. Sums are in index order, so a run is deterministic. */
#include "minimise.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 12 };

struct state {
	const struct objective *f;
	size_t n;
	double *x, *grad, *dir, *next, *next_grad; /* [n] each, in one block that starts at `room` */
	double *s, *y;				   /* [PAIRS][n] */
	double rho[PAIRS];
	int have, newest;
	double value;
	int calls;
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static double largest(const double *a, size_t n)
{
	double m = 0;
	for (size_t i = 0; i < n; i++)
		if (!(fabs(a[i]) <= m)) /* a NaN stays */
			m = fabs(a[i]);
	return m;
}

static void precondition(const struct objective *f, double *v)
{
	if (f->precondition)
		f->precondition(f->arg, v);
}

/* dir = -H grad by the two-loop recursion around the preconditioner, scaled as the newest pair says. */
static void direction(struct state *st)
{
	double alpha[PAIRS], *room = st->next; /* which is free between steps */
	size_t n = st->n;
	for (size_t i = 0; i < n; i++)
		st->dir[i] = -st->grad[i];
	for (int j = 0; j < st->have; j++) {
		int at = (st->newest - j + PAIRS) % PAIRS;
		const double *s = st->s + (size_t)at * n, *y = st->y + (size_t)at * n;
		alpha[at] = st->rho[at] * dot(s, st->dir, n);
		for (size_t i = 0; i < n; i++)
			st->dir[i] -= alpha[at] * y[i];
	}
	precondition(st->f, st->dir);
	if (st->have) {
		const double *y = st->y + (size_t)st->newest * n;
		memcpy(room, y, n * sizeof *room);
		precondition(st->f, room);
		double scale = 1 / (st->rho[st->newest] * dot(y, room, n));
		for (size_t i = 0; i < n; i++)
			st->dir[i] *= scale;
	}
	for (int j = st->have - 1; j >= 0; j--) {
		int at = (st->newest - j + PAIRS) % PAIRS;
		const double *s = st->s + (size_t)at * n, *y = st->y + (size_t)at * n;
		double beta = st->rho[at] * dot(y, st->dir, n);
		for (size_t i = 0; i < n; i++)
			st->dir[i] += (alpha[at] - beta) * s[i];
	}
}

/* Value and slope along dir at step a; the point and its gradient stay in next, next_grad. */
static int along(struct state *st, double a, double *value, double *slope, struct err *err)
{
	for (size_t i = 0; i < st->n; i++)
		st->next[i] = st->x[i] + a * st->dir[i];
	st->calls++;
	if (st->f->at(st->f->arg, st->next, value, st->next_grad, err))
		return -1;
	*slope = dot(st->next_grad, st->dir, st->n);
	return 0;
}

/* Minimum of the parabola through (a, fa) with slope sa and (b, fb), kept off the ends. */
static double between(double a, double fa, double sa, double b, double fb)
{
	double d = b - a, bend = fb - fa - sa * d, t = bend > 0 ? -sa * d / (2 * bend) : 0.5;
	if (!(t >= 0.1 && t <= 0.9))
		t = 0.5;
	return a + t * d;
}

/* 1: next holds a better point; 0: nothing along dir is better by more than rounding; -1: error. Within `slack` of the
 * start values are rounding, and the slopes alone decide (Hager and Zhang 2005): the gradient then still falls by half
 * its digits where the value cannot. */
static int line_search(struct state *st, double first, struct err *err)
{
	const double c1 = 1e-4, c2 = 0.9;
	double slope0 = dot(st->grad, st->dir, st->n), f0 = st->value, slack = st->f->noise * (1 + fabs(f0));
	double lo = 0, flo = f0, slo = slope0, hi = -1, fhi = 0, a = first, f, s;
	for (int i = 0; i < 60; i++) {
		if (along(st, a, &f, &s, err))
			return -1;
		if (!(f <= f0 + c1 * a * slope0 + slack) || (i && hi < 0 && f > flo + slack) || !isfinite(s)) {
			hi = a;
			fhi = f;
		} else if (fabs(s) <= -c2 * slope0) {
			st->value = f;
			return 1;
		} else if (s * ((hi < 0 ? INFINITY : hi) - lo) >= 0) {
			hi = lo;
			fhi = flo;
			lo = a;
			flo = f;
			slo = s;
		} else {
			lo = a;
			flo = f;
			slo = s;
		}
		if (hi < 0)
			a *= 2;
		else
			a = isfinite(fhi) ? between(lo, flo, slo, hi, fhi) : lo + (hi - lo) / 4;
		if (hi >= 0 && !(fabs(hi - lo) > 1e-16 * first))
			break;
	}
	return 0;
}

static void remember(struct state *st)
{
	int at = (st->newest + 1) % PAIRS;
	double *s = st->s + (size_t)at * st->n, *y = st->y + (size_t)at * st->n;
	for (size_t i = 0; i < st->n; i++) {
		s[i] = st->next[i] - st->x[i];
		y[i] = st->next_grad[i] - st->grad[i];
	}
	double sy = dot(s, y, st->n);
	if (sy > 1e-300) {
		st->rho[at] = 1 / sy;
		st->newest = at;
		st->have += st->have < PAIRS;
	}
	memcpy(st->x, st->next, st->n * sizeof *st->x);
	memcpy(st->grad, st->next_grad, st->n * sizeof *st->grad);
}

static double decrement(struct state *st)
{
	memcpy(st->next, st->grad, st->n * sizeof *st->grad);
	precondition(st->f, st->next);
	return sqrt(dot(st->grad, st->next, st->n));
}

int minimise(const struct objective *f, double *x, double tol, int max_steps, struct minimum *out, struct err *err)
{
	struct state st = { .f = f, .n = f->n, .x = x, .newest = PAIRS - 1 };
	double *room;
	*out = (struct minimum){ 0 };
	if (mem_alloc(&room, f->n * (4 + 2 * PAIRS), sizeof *room, err))
		return -1;
	st.grad = room;
	st.dir = room + f->n;
	st.next = room + 2 * f->n;
	st.next_grad = room + 3 * f->n;
	st.s = room + 4 * f->n;
	st.y = st.s + PAIRS * f->n;
	int rc = f->at(f->arg, x, &st.value, st.grad, err);
	st.calls = 1;
	for (; !rc; out->steps++) {
		out->decrement = decrement(&st);
		out->converged = out->decrement <= tol;
		if (out->converged || out->steps >= max_steps)
			break;
		direction(&st);
		if (!(dot(st.grad, st.dir, st.n) < 0)) { /* curvature lost to rounding: begin again downhill */
			st.have = 0;
			direction(&st);
		}
		double g = largest(st.grad, st.n);
		int moved = line_search(&st, st.have || f->precondition || g <= 1 ? 1 : 1 / g, err);
		if (moved < 0)
			rc = -1;
		else if (moved)
			remember(&st);
		else if (st.have)
			st.have = 0; /* once more from steepest descent before giving up */
		else {
			out->stuck = 1;
			out->converged = out->decrement <= 1e-6;
			break;
		}
	}
	out->value = st.value;
	out->gradient = largest(st.grad, st.n);
	out->calls = st.calls;
	free(room);
	return rc;
}
