/* rows_block: one block of a logits document into results and exact sums. For eval/records/, and for vic-calibrate,
 * which reads blocks itself. */
#ifndef VIC_EVAL_ROWS_BLOCK_H
#define VIC_EVAL_ROWS_BLOCK_H

#include "classwise.h"
#include "rows.h"
#include "softmax.h"

/* Results of one block, record by record; arrays that were not asked for are NULL. */
struct results {
	conf_key *key, *class_key;
	int32_t *predicted;
	double *nll, *brier, *entropy, *mutual, *max_logit, *energy, *margin;
	uint8_t *fate; /* split, or SPLIT_DROPPED */
	size_t cap;
};
enum { SPLIT_DROPPED = 255 };
int results_room(struct results *r, unsigned asked, size_t n, int classes, struct err *err) VIC_CHECKED;
void results_release(struct results *r);

/* The columns that were asked for: a block's after the `at` records that are there. cap: one for each column and one
 * for the names' bytes, zeroed before the first block. */
enum { ROWS_COLUMNS = 16 };
int rows_append(struct rows *w, size_t cap[ROWS_COLUMNS], unsigned asked, uint64_t at, const struct block *b,
		const struct results *r, struct err *err) VIC_CHECKED;
/* Before the first block, where so many records are expected (0: not known): room for what every record has, of no
 * more than 2^24 (150 MB), since a file may say more than it has. cap: as above. */
int rows_reserve(struct rows *w, size_t cap[ROWS_COLUMNS], uint64_t expected, struct err *err) VIC_CHECKED;
/* Of n records those of `split` (or ROWS_ALL) that are not dropped. */
void rows_keep(struct rows *w, size_t n, int split);
void rows_free_columns(struct rows *w);

/* One record, whichever way its probabilities came. */
struct result {
	double p, rest; /* the winner's probability and what is left, each with its own precision */
	double nll, brier, entropy, mutual, max_logit, energy, margin;
	int32_t winner, above;
	int tied;
};

void result_of_soft(const struct soft *s, int label, struct result *r);
/* Of probabilities p[classes] as they are. by_rest: what is left of the winner is summed from the others instead of
 * subtracted from 1. */
void result_of_probs(const double *p, int classes, int label, int by_rest, struct result *r);

/* What one worker has summed so far, by split. Merging tallies in any order gives the same bits. */
struct split_tally {
	struct rows_sums sum;
	struct soft_sums eights; /* what is not in sum yet, of a block under way */
	uint64_t records, first_unlabelled; /* first_unlabelled: number in the pooled stream, UINT64_MAX: none */
	struct classwise by_class;	    /* all zero until a record comes, and where it was not asked for */
};
struct tally {
	const struct softmax_ops *ops;
	const struct rows_options *options;
	int classes;
	int one_class;	  /* whose probability the key is of; -1: the winner */
	size_t lanes;	  /* LANES: records side by side; 1: one at a time */
	double *x, *mean; /* scratch */
	/* Where a record has several samples, scratch for [samples] of padded(classes) + LANES probabilities, and for
	 * the entropy, largest logit and energy of each. */
	double *pass, *of_pass;
	struct split_tally split[SPLIT_COUNT];
};
int tally_init(struct tally *t, const struct stream_head *head, const struct rows_options *options,
	       struct err *err) VIC_CHECKED;
void tally_release(struct tally *t);
/* `at`: number of the block's first record in the pooled stream. `name` is for messages. */
int tally_block(struct tally *t, const struct stream_head *head, const struct block *b, uint64_t at, struct results *r,
		const char *name, struct err *err) VIC_CHECKED;
/* Stores record i of a block, the `number`th of the stream, in out and the sums of its split. `stride` apart lie its
 * probabilities p. Returns 0 where it is to be dropped. */
int result_store(struct tally *t, struct results *out, size_t i, int split, int label, struct result *r,
		 const double *p, size_t stride, uint64_t number);
/* eights into sum. */
void tally_eights(struct split_tally *s);
/* a += b; b is used up. */
void split_merge(struct split_tally *a, struct split_tally *b);
void split_release(struct split_tally *s);

/* Merges the workers' tallies, decides the split and leaves in *w what was asked for. `records`: read in all. */
int rows_finish(struct rows *w, struct tally *tally, int workers, const struct rows_options *options, uint64_t records,
		const char *name, struct err *err) VIC_CHECKED;

#endif
