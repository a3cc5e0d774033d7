/* feeding: a trainer's batches, one after another. Of JPEG records each is made a batch ahead, so that it is decoded
 * while the network has the one before; of others when it is asked for. No result depends on it. Of several ranks each
 * decodes what its shards need, or its part of an evaluation's records. */
#ifndef VIC_FEEDING_H
#define VIC_FEEDING_H

#include "trainer.h"

/* Before the first batch of a pass over records: what was made ahead of another is no use. */
void feeding_begin(struct trainer *t);
/* Training batch `index` of epoch t->epoch + 1, whose records are in t->order. */
int feeding_train(struct trainer *t, uint32_t index, struct err *err) VIC_CHECKED;
/* Of record[0..n-1], those from `at` on as they are: at most eval_batch, and of several ranks this one's. Returns how
 * many they are, or -1. */
int feeding_plain(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, struct err *err) VIC_CHECKED;

/* Who has the batch that was asked for last. */
static inline struct batcher *feeding_now(struct trainer *t)
{
	return &t->batcher[t->turn];
}

#endif
