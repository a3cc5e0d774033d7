/* temperature: the T that minimises the mean negative log-likelihood of softmax(z / T) (Guo et al. 2017), exactly.
 *
 * NLL is convex in beta = 1/T, not in T. Its derivative g(beta) = mean(E_p[z] - z_y) rises with slope mean(Var_p[z]),
 * so the optimum is the one root of g. It is found by Halley's steps in log beta inside a bracket that bisection keeps
 * shrinking, for logits of any size. Some data sets have no such root, and the answer says so instead of giving the
 * number at which a search stopped: */
#ifndef VIC_TEMPERATURE_H
#define VIC_TEMPERATURE_H

#include "fitdata.h"

enum temperature_end {
	TEMPERATURE_INSIDE,   /* a finite optimum */
	TEMPERATURE_ZERO,     /* every label has its record's largest logit: NLL falls as T falls to 0 */
	TEMPERATURE_INFINITE, /* the logits tell nothing or the wrong thing: NLL falls as T grows without end */
	TEMPERATURE_ANY,      /* all logits of every record are equal: no T changes anything; t is 1 */
};

struct temperature {
	double t; /* 0 or INFINITY at an end */
	enum temperature_end end;
	int passes;	      /* over the data */
	double gradient; /* g at the last look, less than 1e-8 of T from the answer, in logits; 0 at an end */
	double after;	 /* mean NLL in nats at t; at an end 0, not computed */
	/* Sum of the losses at t and 1/T^2 times its second derivative in 1/T, for temperature_interval. */
	double least, curvature;
};

/* Errors: no records; a label's logit of -Inf; logits whose sizes are so far apart that no T is found; no memory. */
int temperature_fit(const struct fit_data *d, struct pool *pool, struct temperature *out, struct err *err) VIC_CHECKED;
/* Which end there is, or none, without looking for an optimum. Errors: no records, a label's logit of -Inf. */
int temperature_end_of(const struct fit_data *d, struct pool *pool, enum temperature_end *end,
		       struct err *err) VIC_CHECKED;
/* As temperature_fit, where there are many values of every so many-th record alone: as good for a start. */
int temperature_roughly(const struct fit_data *d, struct pool *pool, struct temperature *out,
			struct err *err) VIC_CHECKED;

/* How well the records know T: the 95 % profile likelihood interval, every T with
 *
 *   2 n (NLL(T) - NLL(t)) <= 3.841 (the 95 % quantile of chi-squared with one degree of freedom)       Wilks 1938
 *
 * T is the likelihood's only parameter, so the profile is the likelihood. *low > 0; *high is INFINITY where logits that
 * tell nothing are within. best: an optimum that temperature_fit found inside. It says how far other records of the
 * same kind would move T. It cannot say what is wrong with these: a model that was chosen by them, or labels that
 * depend on one another. */
int temperature_interval(const struct fit_data *d, struct pool *pool, const struct temperature *best, double *low,
			 double *high, struct err *err) VIC_CHECKED;

/* Mean NLL at one temperature > 0. */
int temperature_nll(const struct fit_data *d, struct pool *pool, double t, double *nll, struct err *err) VIC_CHECKED;

#endif
