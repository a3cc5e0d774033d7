/* accumulate: a step of training whose batch is computed shard by shard (models/data/shard.h), each as a batch of its
 * own, and whose gradient is the sum of theirs: of shard s of n_s records n_s / n times its mean, in the order of a
 * full binary tree (models/core/sums.h). So a NORM has the statistics of a shard (Goyal et al. 2017, section 3), and
 * the step is theirs of as many workers as there are shards. Running statistics: every shard starts from those that
 * the step began with, and what they come to is added up with the same weights. A shard without records counts
 * nothing. */
#ifndef VIC_ACCUMULATE_H
#define VIC_ACCUMULATE_H

#include "models/core/backend.h"
#include "models/data/shard.h"
#include "models/ranks/ranks.h"

struct accumulate {
	int shards;
	const struct sums *by; /* the device, where it can, or the host */
	struct sum *sum;       /* of this rank's shards */
	int joined;            /* devices add up over ranks: accumulate_join */
	int across;            /* they have begun to: from then on beside the last shard's backward */
	char lacks[200];       /* what they would need where they do not, if anything was hoped for */
	struct shard shard;
	/* [graph's max_words] of a word of the whole batch: its number in the shard, or SUMS_NO_ROW */
	uint32_t *row_of;
	/* of the last step, in the order of the batch's records: [n], hit as target_hit (trainer.h) gives it;
	 * [n][classes] of this rank's shards alone */
	float *loss, *hit, *logits;
	uint64_t ticket[LATE]; /* losses and logits on their way: the oldest of `reads` is at `oldest` */
	int reads, oldest;
};

/* For batches of at most max_n records of a compiled graph, whose parameters and device are borrowed; it is compiled
 * for their shards, but for the words of the whole batch. */
int accumulate_open(struct accumulate *a, const struct graph *g, int shards, int max_n, struct err *err) VIC_CHECKED;
void accumulate_release(struct accumulate *a); /* before the graph */
/* Of several ranks, each of which has as many shards; all at once. Sums over ranks are the devices' where all of them
 * can, else the hosts', to the same bytes. VIC_USAGE: `how` is fast, which hosts do not offer. */
int accumulate_join(struct accumulate *a, const struct graph *g, struct ranks *r, enum reduction how,
		    struct err *err) VIC_CHECKED;
/* What adds up over ranks: "NCCL 2.28.9", or NULL: the hosts. */
const char *accumulate_by(const struct accumulate *a);
/* In place of graph_step. When it returns, a->loss and a->hit hold how the network did. target: [n][classes], without
 * class weights. r: NULL, or the ranks of the run, each of which computes as many neighbouring shards, has the sums and
 * answers of all, and takes the step; the batch is the same on all. They meet here, with `signal` (ranks_meet). */
int accumulate_step(struct accumulate *a, struct graph *g, const struct batch *b, const float *target,
		    const struct update *u, struct ranks *r, int signal, struct err *err) VIC_CHECKED;
/* Before ranks meet, `rc` saying how this one fared with its device. read: it has waited for the device since its last
 * sum; where not it does now, so that a sum that failed is known. A device that has failed may keep the others' waiting
 * for it, who then come to no meeting: so this rank does not, either, but ends the run (ranks_lose). Returns rc, or
 * -1. */
int accumulate_fared(const struct accumulate *a, const struct graph *g, struct ranks *r, int rc, int read,
		     struct err *err) VIC_CHECKED;

#endif
