/* checkpoint: a trainer between two epochs, or at a pause inside one, as a file. A run that is resumed ends in the same
 * bytes as one that was not cut: weights, optimiser state, the steps that table rows were last touched in, the best
 * weights so far, the history and the sums of an epoch begun are kept; random numbers need nothing kept (philox.h). */
#ifndef VIC_CHECKPOINT_H
#define VIC_CHECKPOINT_H

#include "models/train/trainer.h"

int checkpoint_save(const struct trainer *t, const char *path, struct err *err) VIC_CHECKED;
/* Into a trainer just opened with the same plan and data. Another plan, other data or another kind of file is
 * refused. */
int checkpoint_load(struct trainer *t, const char *path, struct err *err) VIC_CHECKED;

#endif
