/* fitdata: logits and labels in memory, for fits that pass over them many times. */
#ifndef VIC_FITDATA_H
#define VIC_FITDATA_H

#include "pipeline/base/err.h"
#include "pipeline/base/pool.h"
#include <stddef.h>
#include <stdint.h>

/* n records of k logits of any size. Values are finite or -Inf (a class ruled out); the label's own logit is finite,
 * for else the loss is infinite whatever a map does (calmap_fit looks; temperature_fit refuses). */
struct fit_data {
	size_t n;
	int k;
	int is_double;
	void *z;	/* [n][k] float or double */
	int32_t *label; /* [n] 0..k-1 */
	const uint64_t *id; /* [n] borrowed, for messages; NULL: none */
};

static inline double fit_value(const struct fit_data *d, size_t i, int c)
{
	size_t at = i * (size_t)d->k + (size_t)c;
	return d->is_double ? ((const double *)d->z)[at] : (double)((const float *)d->z)[at];
}

/* The whole record: to[k]. */
static inline void fit_row(const struct fit_data *d, size_t i, double *to)
{
	size_t k = (size_t)d->k, at = i * k;
	if (d->is_double) {
		for (size_t c = 0; c < k; c++)
			to[c] = ((const double *)d->z)[at + c];
	} else {
		for (size_t c = 0; c < k; c++)
			to[c] = (double)((const float *)d->z)[at + c];
	}
}

/* Sums of a slice of the records, added to a zeroed sum. scratch: doubles, 64-byte aligned, as many as asked for. */
typedef void fit_slice(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch);

/* Runs f over the records in slices whose cut depends on n, k and m alone, and adds up what the slices
 * return: sum[0..m-1], in slice order, so that any number of threads gives the same bits. scratch: doubles that each
 * call of f gets. Errors: no memory. */
int fit_sum(const struct fit_data *d, struct pool *pool, size_t m, fit_slice *f, size_t scratch, void *arg, double *sum,
	    struct err *err) VIC_CHECKED;

/* Every so many-th record of d, copied; free z and label, on failure too. */
int fit_thin_out(struct fit_data *to, const struct fit_data *d, size_t every, struct err *err) VIC_CHECKED;

#endif
