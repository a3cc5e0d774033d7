/* cells: records counted by neighbouring confidences, so that a resample, or a draw of a calibrated model, costs as
 * much as there are cells and not records.
 *
 * A cell is a tie group, or, where there are more than CELLS_FROM of them, as many neighbours as make 1/4096 of the
 * records and 1/64 of those between them and the nearer end: what stands at the ends weighs most in a ranking. A
 * Poisson resample of a cell's records is a Poisson number of right ones and one of wrong ones (exact, whatever lies in
 * the cell); what is lost is that all of them then have the cell's mean confidence. */
#ifndef VIC_EVAL_CELLS_H
#define VIC_EVAL_CELLS_H

#include "metric_table.h"
#include "pipeline/base/philox.h"

/* More records than these are resampled by cells. */
enum { CELLS_FROM = 8192 };

struct cell {
	size_t end;		/* one past its last record */
	uint64_t right;
	double mean;		/* of confidence p */
	double variance, third; /* of the number right when calibrated: sum p (1 - p), sum p (1 - p) (1 - 2 p) */
};

struct cells {
	const conf_key *key; /* [records] sorted, borrowed */
	size_t records, n;
	struct cell *cell; /* [n], owned */
};

/* No cell crosses an edge of bins[0..n_bins-1] bins of equal width. */
int cells_cut(struct cells *c, const conf_key *sorted, size_t records, const int *bins, int n_bins,
	      struct err *err) VIC_CHECKED;
void cells_release(struct cells *c);

/* Records of cell i. */
static inline size_t cell_size(const struct cells *c, size_t i)
{
	return c->cell[i].end - (i ? c->cell[i - 1].end : 0);
}

/* How many of cell i are right when each is with the probability that it states. Of 64 records or fewer one by one,
 * else from the binomial distribution of the mean, or its normal limit. */
double cell_draw(const struct cells *c, size_t i, struct rng *r);

/* A resample or a draw: how many of a cell's records count, and how many of them are right; whole numbers. */
struct tally {
	double n, right;
};
void cells_resample(const struct cells *c, struct rng *r, struct tally *t);  /* t: [c->n] */
void cells_calibrate(const struct cells *c, struct rng *r, struct tally *t); /* t: [c->n] */

/* measure_keys of a tally that counts records. What is a test's (ks, kuiper and their p-values) is NaN. */
int measure_cells(struct measured *m, const struct cells *c, const struct tally *t, int bins, unsigned parts,
		  struct err *err) VIC_CHECKED;

#endif
