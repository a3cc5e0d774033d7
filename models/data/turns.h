/* turns: the batches of a pass over records, one after another, of two batchers by turns. Of JPEG records each is made
 * a batch ahead, so that it is decoded while the network has the one before; of others when it is asked for. No result
 * depends on it. */
#ifndef VIC_TURNS_H
#define VIC_TURNS_H

#include "batch.h"

struct turns {
	struct batcher batcher[2];
	int turn;                  /* whose batch is at hand */
	uint64_t ahead;            /* 1 + where the other's batch begins; 0: it has none */
	struct pictures *pictures; /* of JPEG records */
};

/* A pass over n records. */
struct turns_pass {
	size_t n, step; /* records of a batch; the last has fewer */
	/* Makes the batch of the records from place `at` on. */
	int (*make)(const struct turns_pass *p, struct batcher *b, size_t at, struct err *err);
	void *ctx;
};

/* `preprocessing`: as in batcher_init; threads: as pool_open. Zeroed, and released also after a failure. */
int turns_open(struct turns *t, const struct dataset *data, const struct preprocessing *preprocessing, int threads,
	       struct err *err) VIC_CHECKED;
void turns_release(struct turns *t);
/* Before the first batch of a pass: what was made ahead in another is no use. */
void turns_begin(struct turns *t);
/* The batch from `at` on, made and decoded. */
int turns_take(struct turns *t, const struct turns_pass *p, size_t at, struct err *err) VIC_CHECKED;

/* Who has the batch that was taken last. */
static inline struct batcher *turns_now(struct turns *t)
{
	return &t->batcher[t->turn];
}

#endif
