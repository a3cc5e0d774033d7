/* minimise: limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989) with a line search that meets the strong Wolfe
 * conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6), for smooth convex losses. Deterministic. */
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

#endif
