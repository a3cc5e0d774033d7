/* accumulate: a step of training whose batch is computed shard by shard (models/data/shard.h), each as a batch of its
 * own, and whose gradient is the sum of theirs: of shard s of n_s records n_s / n times its mean, in the order of
 * reduce.h. So a NORM has the statistics of a shard (Goyal et al. 2017, section 3), and the step is theirs of as many
 * workers as there are shards. Running statistics: every shard starts from those that the step began with, and what
 * they come to is added up with the same weights. A shard without records counts nothing. */
#ifndef VIC_ACCUMULATE_H
#define VIC_ACCUMULATE_H

#include "models/core/graph.h"
#include "models/data/shard.h"
#include "models/ranks/ranks.h"
#include "models/ranks/reduce.h"

/* Vectors to be added up hold, one after another: gradients as they lie in the graph (but tables'), running statistics,
 * and a table's rows of the words of the whole batch. */
struct accumulate {
	int shards;
	size_t dense, states; /* numbers of the first two */
	struct reduce sum;
	struct shard shard;
	float *state;         /* [states] that the step began with */
	float *rows;          /* [graph's max_words][row] of a shard's table */
	/* of the last step, in the order of the batch's records: [n], hit as target_hit (trainer.h) gives it;
	 * [n][classes] of this rank's shards alone */
	float *loss, *hit, *logits;
};

/* For batches of at most max_n records with at most max_words distinct words of a compiled graph, which is compiled for
 * their shards. */
int accumulate_open(struct accumulate *a, const struct graph *g, int shards, int max_n, int max_words,
		    struct err *err) VIC_CHECKED;
void accumulate_release(struct accumulate *a);
/* In place of graph_step. When it returns, a->loss and a->hit hold how the network did. target: [n][classes], without
 * class weights. r: NULL, or the ranks of the run, each of which computes as many neighbouring shards, has the sums and
 * answers of all, and takes the step; the batch is the same on all. They meet here, with `signal` (ranks_meet). */
int accumulate_step(struct accumulate *a, struct graph *g, const struct batch *b, const float *target,
		    const struct update *u, struct ranks *r, int signal, struct err *err) VIC_CHECKED;

#endif
