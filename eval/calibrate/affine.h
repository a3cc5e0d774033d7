/* affine: the loss of maps softmax(W z + b) and how its search is scaled; private to the fits of eval/calibrate. */
#ifndef VIC_AFFINE_H
#define VIC_AFFINE_H

#include "calfit.h"

/* What holds the parameters: their weights in the loss, sum of weight (parameter - target)^2. Targets: 1 on the
 * diagonal, else 0. */
struct affine_pull {
	double diagonal, off, bias;
};

struct affine {
	const struct fit_data *d;
	struct pool *pool;
	int varied; /* each class's logits vary beside their mean */
	int whole;  /* from the next affine_curvature on each class's whole block, where affine_blocks_serve */
	int narrow; /* products in float32 (product.h) */
	int matrix; /* W is k x k, [class][logit]; else its diagonal alone, [k] */
	struct affine_pull pull;
	double unit; /* the power of two at or below the mean size of the finite logits */
	/* The search is in y, [parameters()], weights first: a parameter is y x per, and per is chosen so that the loss
	 * bends about as much in every y, whatever the logits' unit. */
	double *per;	/* [parameters] */
	double *scaled; /* [weights] W x unit, of the y at hand */
	double *offset; /* [k] b, of the y at hand */
	double *panels; /* matrix: scaled, as product.h has it */
	double *centre; /* [k] mean of each class's logits, over unit */
	double *sum;	/* [2 parameters + k] of a pass */
	/* affine_curvature's, for affine_precondition: the inverse of a class's curvature is diag(inverse) less
	 * lean lean', both of the class's weights and bias. */
	double *inverse, *lean; /* [parameters] */
	double *blocks;		/* of `whole`, which affine_blocks_take fills; NULL before the first */
	double *common;		/* [k] affine_precondition's room */
	/* affine_bend's: what it is to multiply, as W x unit and b; NULL before the first. */
	double *along, *along_panels;
};

/* The logits of a matrix are finite. Errors: no memory. *a is released by affine_release either way. */
int affine_init(struct affine *a, const struct fit_data *d, int matrix, const struct affine_pull *pull,
		struct pool *pool, struct err *err) VIC_CHECKED;
void affine_release(struct affine *a);
size_t affine_weights(const struct affine *a);
size_t affine_parameters(const struct affine *a);
/* Whether parameter i < weights is one of a class for its own logit; the weight of parameter i's pull. */
int affine_on_diagonal(const struct affine *a, size_t i);
double affine_pull_on(const struct affine *a, size_t i);
/* y of W = t times the identity, b = 0. */
void affine_start(const struct affine *a, double t, double *y);
/* W and b of y. The mean of b, which changes no softmax, is 0. Returns 0 where one is beyond float64. */
int affine_parameters_of(const struct affine *a, const double *y, double *weight, double *bias);
/* Takes the loss's curvature at y for affine_precondition. Errors: no memory. */
int affine_curvature(void *affine, const double *y, struct err *err) VIC_CHECKED;
/* out = the loss's second derivative times v, both [parameters], where affine_curvature or affine_loss was last.
 * Errors: no memory. */
int affine_bend(void *affine, const double *v, double *out, struct err *err) VIC_CHECKED;
/* v, [parameters], times an approximation of the inverse of the loss's second derivative in y, for minimise.h. */
void affine_precondition(void *affine, double *v);
/* The loss at y and its gradient (grad: [parameters]), for minimise.h; not finite where y is too far out. */
int affine_loss(void *affine, const double *y, double *value, double *grad, struct err *err);

/* Between affine.c and affine_bend.c. What passes at y read. */
void affine_take(struct affine *a, const double *y);
/* Records of a block: many where a product is to pay, few where classes are many and there is none. */
size_t affine_block_rows(const struct affine *a);
/* n records from number `at` on: z, [n][k], are their logits over the unit; out, [n][k], exponentials of W z + b below
 * the largest; own, [n], the label's before its exponential. z and out have room for whole LANES; panels, of a matrix:
 * z's rows in PRODUCT_LEFT. */
void affine_block(const struct affine *a, size_t at, size_t n, double *z, double *out, double *own, double *panels);

/* Between affine_bend.c and affine_blocks.c: whether blocks are to be had, and affordable; takes them where affine_take
 * was last; v times their inverse. Errors: no memory. */
int affine_blocks_serve(const struct affine *a);
int affine_blocks_take(struct affine *a, struct err *err) VIC_CHECKED;
void affine_blocks_solve(const struct affine *a, double *v);

#endif
