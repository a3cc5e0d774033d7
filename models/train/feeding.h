/* feeding: a trainer's batches, one after another (turns.h). Of several ranks each decodes what its shards need, or its
 * part of an evaluation's records. */
#ifndef VIC_FEEDING_H
#define VIC_FEEDING_H

#include "trainer.h"

/* Training batch `index` of epoch t->epoch + 1, whose records are in t->order, to t->turns. */
int feeding_train(struct trainer *t, uint32_t index, struct err *err) VIC_CHECKED;
/* Of record[0..n-1], those from `at` on as they are: at most eval_batch, and of several ranks this one's. Returns how
 * many they are, or -1. */
int feeding_plain(struct trainer *t, const uint32_t *record, uint32_t at, uint32_t n, struct err *err) VIC_CHECKED;

#endif
