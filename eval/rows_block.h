/* rows_block: one block of a logits document into results and exact sums. Private to eval/rows*.c. */
#ifndef VIC_EVAL_ROWS_BLOCK_H
#define VIC_EVAL_ROWS_BLOCK_H

#include "rows.h"
#include "softmax.h"

/* Results of one block, record by record; arrays that were not asked for are NULL. */
struct results {
	conf_key *key;
	int32_t *predicted;
	double *nll, *brier, *entropy, *mutual, *max_logit, *energy, *margin;
	uint8_t *fate; /* split, or FATE_DROP */
	size_t cap;
};
enum { FATE_DROP = 255 };
int results_room(struct results *r, unsigned columns, size_t n, struct err *err) VIC_CHECKED;
void results_release(struct results *r);

/* A cell of at most SUM_ROWS * LANES records; conf in units of 2^-48. */
struct small_cell {
	uint32_t n, right;
	uint64_t conf;
};
enum { SMALL_SHIFT = 48 };

/* What one worker has summed so far, by split. Merging tallies in any order gives the same bits. */
struct split_tally {
	struct rows_sums sum;
	uint64_t records, first_unlabelled;	 /* first_unlabelled: number in the pooled stream, UINT64_MAX: none */
	struct rows_cell *class_cell, *top_cell; /* [classes][bins]; class_cell: only bins above the first */
	/* The same under way, in half the memory: 1,000 classes then fit the cache that their records run through. */
	struct small_cell *class_small, *top_small;
	uint64_t *pending;			 /* class sums under way: [padded] or [classes][LANES] */
	fix *total;				 /* [classes] sum of P(class) */
	uint64_t *labels;			 /* [classes] records with the label */
	int n_pending;
};
struct tally {
	const struct softmax_ops *ops;
	const struct rows_ask *ask;
	int classes;
	int one_class;	  /* whose probability the key is of; -1: the winner */
	size_t lanes;	  /* LANES: records side by side; 1: one at a time */
	double *x, *mean; /* scratch */
	int32_t *found;
	struct split_tally split[SPLIT_COUNT];
};
int tally_init(struct tally *t, const struct stream_head *head, const struct rows_ask *ask,
	       struct err *err) VIC_CHECKED;
void tally_release(struct tally *t);
/* `at`: number of the block's first record in the pooled stream. `name` is for messages. */
int tally_block(struct tally *t, const struct stream_head *head, const struct block *b, uint64_t at, struct results *r,
		const char *name, struct err *err) VIC_CHECKED;
/* Moves the class sums under way to their totals. */
void flush_pending(struct split_tally *s, int classes, int bins, size_t lanes);
void tally_settle(struct tally *t);
/* a += b, both settled; b may lose its arrays to a. */
void split_merge(struct split_tally *a, struct split_tally *b, size_t classes, size_t bins);
/* Completes class_cell's first bins from the totals. */
void split_close(struct split_tally *s, size_t classes, size_t bins);
void split_release(struct split_tally *s);

/* Merges the workers' tallies, decides the split and leaves in *w what was asked for. `records`: read in all. */
int rows_settle(struct rows *w, struct tally *tally, int workers, const struct rows_ask *ask, uint64_t records,
		const char *name, struct err *err) VIC_CHECKED;

#endif
