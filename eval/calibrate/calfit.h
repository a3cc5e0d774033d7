/* calfit: fits a calibration map (pipeline/formats/calmap.h) to logits and labels. */
#ifndef VIC_CALFIT_H
#define VIC_CALFIT_H

#include "fitdata.h"
#include "pipeline/formats/calmap.h"

struct calmap_settings {
	double l2, l2_bias;	    /* of the affine ones; negative: CALMAP_L2_* below */
	int bins;		    /* histogram */
	double lowest_t, highest_t; /* temperature, ensemble: T is held within; 0 and INFINITY: free */
	int max_steps;		    /* of the affine ones */
	size_t key_room;	    /* isotonic, histogram: keys at a time; 0 but in tests that it does not show */
};
/* Matrix, dirichlet: as a normal prior of standard deviation 0.1 on each off-diagonal weight would weigh on 5,000
 * records. */
#define CALMAP_L2_VECTOR 1e-3
#define CALMAP_L2_STRUCTURED 1
#define CALMAP_L2_MATRIX(k) ((k) * ((k)-1.0) / 100)

/* How a fit went. */
struct calmap_fit {
	int steps;	    /* passes (temperature) or steps of the minimiser */
	double gradient;    /* largest entry of the gradient at the answer; ensemble: how far the loss may be above the
			     * least; 0 for isotonic, centred and histogram */
	int held;	    /* temperature, ensemble: -1 held at lowest_t, 1 at highest_t, 0 inside */
	double low, high;   /* temperature, inside: temperature_interval; else 0, 0 */
	double l2, l2_bias; /* as used */
	unsigned cautions;  /* set by the caller: cautions_of */
};

/* Fits on d. What is returned has a finite loss; that of temperature, ensemble and the affine ones is no higher than
 * without a map (each with its pull). Errors: no optimum (every label right with nothing to hold the scale, or
 * separable), two-class methods on other than two classes, a label of -Inf or other -Inf where the method cannot take
 * it (the first record is named), not converged, no memory. */
int calmap_fit(struct calmap *map, enum calmap_method method, const struct fit_data *d,
	       const struct calmap_settings *set, struct pool *pool, struct calmap_fit *fit,
	       struct err *err) VIC_CHECKED;
/* For calmap_fit; each fills weight and bias, which it allocates. Of ensemble map->t is there. */
int fit_affine(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set, struct pool *pool,
	       struct calmap_fit *fit, struct err *err) VIC_CHECKED;
int fit_log_probabilities(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			  struct pool *pool, struct calmap_fit *fit, struct err *err) VIC_CHECKED;
int fit_mixture(struct calmap *map, const struct fit_data *d, struct pool *pool, struct calmap_fit *fit,
		struct err *err) VIC_CHECKED;
int fit_two_class(struct calmap *map, const struct fit_data *d, struct calmap_fit *fit, struct err *err) VIC_CHECKED;
int fit_one_against_rest(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			 struct err *err) VIC_CHECKED;

/* The softmax that every stream is judged by, as calmap_apply_with wants one. */
void calfit_softmax(const double *z, int k, double *p);
/* room: [2 k]. calmap_apply_with the softmax that every stream is judged by. */
void calmap_apply(const struct calmap *map, const double *z, double *out, double *room);

#endif
