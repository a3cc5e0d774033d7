/* apply: a map applied to many records at once. The bits are those of calmap_apply on each; a matrix's product costs a
 * fraction, as its weights pass once for all of them. */
#ifndef VIC_APPLY_H
#define VIC_APPLY_H

#include "calfit.h"

struct applying {
	const struct calmap *map; /* borrowed */
	size_t cap;		  /* records at a time */
	double *weights;	  /* of a matrix, in panels (product.h) */
	double *records;	  /* [cap] of them likewise */
	double *room;		  /* [2 k] of scratch */
};

/* Errors: no memory. *a is released by applying_release either way. */
int applying_init(struct applying *a, const struct calmap *map, size_t cap, struct err *err) VIC_CHECKED;
void applying_release(struct applying *a);
/* z: [n <= cap][k] logits, changed for use as scratch; out: [n][k], another array. */
void apply_records(struct applying *a, double *z, size_t n, double *out);

#endif
