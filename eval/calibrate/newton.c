/* One step of Newton's method, its equations solved by conjugate gradients (Dembo, Eisenstat and Steihaug 1982; Nocedal
 * and Wright 2006, algorithm 7.1), the more exactly the nearer the answer, so that the steps' errors are soon those of
 * Newton's own. Sums are in lanes of a fixed order, so a run is deterministic. */
#include "lanes.h"
#include "minimise.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Products that one step may take: far out its equations are soon other ones. */
enum { TURNS = 250 };

struct newton {
	const struct objective *f;
	double *grad, *dir, *rest, *along, *bent; /* [n] each, in one block that starts at `grad` */
};

/* bent = rest, preconditioned; returns the square of rest's length by it. */
static double length(struct newton *w)
{
	memcpy(w->bent, w->rest, w->f->n * sizeof *w->bent);
	w->f->precondition(w->f->arg, w->bent);
	return lanes_dot(w->rest, w->bent, w->f->n);
}

/* dir: the x of H x = -grad, to 1 digit and, near the answer, 4, which rounding leaves. Where rounding
 * hides the curvature along a turn, what the turns before it gave. */
static int solve(struct newton *w, int most, int *turns, struct err *err)
{
	size_t n = w->f->n;
	for (size_t i = 0; i < n; i++) {
		w->dir[i] = 0;
		w->rest[i] = -w->grad[i];
	}
	double size = length(w), enough = size * fmax(1e-8, fmin(0.01, sqrt(size)));
	memcpy(w->along, w->bent, n * sizeof *w->along);
	for (*turns = 0; *turns < most && size > enough; ++*turns) {
		if (w->f->bend(w->f->arg, w->along, w->bent, err))
			return -1;
		double bend = lanes_dot(w->along, w->bent, n), a = size / bend, was = size;
		if (!(bend > 0) || !isfinite(a))
			return 0;
		for (size_t i = 0; i < n; i++) {
			w->dir[i] += a * w->along[i];
			w->rest[i] -= a * w->bent[i];
		}
		size = length(w);
		for (size_t i = 0; i < n; i++)
			w->along[i] = w->bent[i] + size / was * w->along[i];
	}
	return 0;
}

/* What a step promises to lower the value by, over 1 + |value|, below which rounding may hide that it does. */
static const double close_by = 1e-9;

/* Half as far until the value is lower or, where its rounding may hide that, the slope is less steep: of a convex loss
 * it then is, nearly always. 1, with x, grad and value there; or 0: nowhere. */
static int go(struct newton *w, double *x, double slope, struct minimum *out, struct err *err)
{
	size_t n = w->f->n;
	double *to = w->rest, value, slack = w->f->noise * (1 + fabs(out->value));
	for (double a = 1; a > 1e-12; a /= 2) {
		for (size_t i = 0; i < n; i++)
			to[i] = x[i] + a * w->dir[i];
		out->calls++;
		if (w->f->at(w->f->arg, to, &value, w->bent, err))
			return -1;
		double there = lanes_dot(w->bent, w->dir, n);
		int falls = value <= out->value + 1e-4 * a * slope, flatter = fabs(there) <= -0.9 * slope;
		int near = value <= out->value + slack || -slope <= close_by * (1 + fabs(out->value));
		if (isfinite(value) && isfinite(there) && (falls || (flatter && near))) {
			memcpy(x, to, n * sizeof *x);
			memcpy(w->grad, w->bent, n * sizeof *w->grad);
			out->value = value;
			return 1;
		}
	}
	return 0;
}

static int step(struct newton *w, double *x, double tol, int most, struct minimum *out, struct err *err)
{
	size_t n = w->f->n;
	int turns, moved = 0;
	if (w->f->at(w->f->arg, x, &out->value, w->grad, err) || w->f->curvature(w->f->arg, x, err) ||
	    solve(w, most <= TURNS ? most - 1 : TURNS, &turns, err))
		return -1;
	double slope = lanes_dot(w->grad, w->dir, n);
	out->calls = 1;
	out->steps = turns + 1;
	out->decrement = sqrt(fabs(slope)); /* at the bottom rounding may turn its sign */
	out->converged = out->decrement <= tol;
	if (!out->converged && slope < 0)
		moved = go(w, x, slope, out, err);
	if (!out->converged && !moved) {
		out->stuck = 1;
		out->converged = out->decrement <= 1e-6;
	}
	for (size_t i = 0; i < n; i++)
		out->gradient = fmax(out->gradient, fabs(w->grad[i]));
	return moved < 0 ? -1 : 0;
}

int newton_step(const struct objective *f, double *x, double tol, int most, struct minimum *out, struct err *err)
{
	struct newton w = { .f = f };
	*out = (struct minimum){ 0 };
	if (mem_alloc(&w.grad, 5 * f->n, sizeof *w.grad, err))
		return -1;
	w.dir = w.grad + f->n;
	w.rest = w.dir + f->n;
	w.along = w.rest + f->n;
	w.bent = w.along + f->n;
	int rc = step(&w, x, tol, most, out, err);
	free(w.grad);
	return rc;
}
