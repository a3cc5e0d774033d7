/* minimise: limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989) with a line search that meets the strong Wolfe
 * conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6), for smooth convex losses; and Newton's method. Both are
 * deterministic. */
#ifndef VIC_MINIMISE_H
#define VIC_MINIMISE_H

#include "pipeline/base/err.h"
#include <stddef.h>

struct objective {
	size_t n;
	/* Value and gradient (grad: [n]) at x. */
	int (*at)(void *arg, const double *x, double *value, double *grad, struct err *err);
	/* v: [n], times an approximation of the inverse of the second derivative, positive definite. NULL: v as it
	 * is, and a first step no longer than 1. */
	void (*precondition)(void *arg, double *v);
	/* For newton_step: takes what precondition needs at x; and out = the second derivative where at was last
	 * called, times v. */
	int (*curvature)(void *arg, const double *x, struct err *err);
	int (*bend)(void *arg, const double *v, double *out, struct err *err);
	void *arg;
	double noise; /* differences of the value below noise (1 + |value|) are rounding: the slopes decide there */
};

struct minimum {
	double value, gradient; /* loss and largest |gradient| entry where it stopped */
	/* Square root of g'Hg, g the gradient, H the preconditioner: the loss is above the least by about half its
	 * square, whatever the parameters' units. */
	double decrement;
	int steps, calls;
	int converged; /* decrement <= tol; or <= 1e-6, where no step was found that lowers the loss */
	int stuck;     /* no such step was found */
};

/* x: [n], the start and then the answer. Errors: what `at` reports, no memory. Not converging within max_steps is no
 * error: look at out->converged. */
int minimise(const struct objective *f, double *x, double tol, int max_steps, struct minimum *out,
	     struct err *err) VIC_CHECKED;
/* One step of Newton's method from x, found in no more than `most` products with the second derivative; out->steps is
 * one more than they were. out->decrement is of x as it came, by the second derivative itself; the rest is of x as it
 * leaves, which is where it came if that has converged or nothing nearby is lower (stuck). Errors: what the functions
 * of f report, no memory. */
int newton_step(const struct objective *f, double *x, double tol, int most, struct minimum *out,
		struct err *err) VIC_CHECKED;

#endif
