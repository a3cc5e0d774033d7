/* together: a trainer that is one of several ranks of a run (models/ranks/ranks.h). Each rank computes its part of a
 * batch's shards and of the dev batches, has the sums and answers of all, and takes every step itself; so all hold the
 * same weights, state and history at any time, and compare them. */
#ifndef VIC_TOGETHER_H
#define VIC_TOGETHER_H

#include "trainer.h"

/* 1: there are other ranks. */
static inline int trainer_several(const struct trainer *t)
{
	return t->ranks && t->ranks->size > 1;
}

/* 1 where files are written and lines are said: one rank does. */
static inline int trainer_speaks(const struct trainer *t)
{
	return !t->ranks || !t->ranks->rank;
}

/* Makes an open trainer one of these ranks, of which there may be one; `r` is borrowed. Its shards must go round
 * (VIC_USAGE). */
int trainer_join(struct trainer *t, struct ranks *r, struct err *err) VIC_CHECKED;
/* Before the first epoch: all ranks have the same records, options, engine and state. Else an error that names one that
 * is different, and how. Fine alone. */
int together_begin(struct trainer *t, struct err *err) VIC_CHECKED;
/* The same of weights, state and history, after an epoch. */
int together_compare(struct trainer *t, struct err *err) VIC_CHECKED;
/* The network's answers to the records from `at` on, of n, a batch of eval_batch each rank, in one answer for `take`.
 * Returns how many records that were, or -1. */
int together_answer(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, late_take *take, void *ctx,
		    struct err *err) VIC_CHECKED;

#endif
