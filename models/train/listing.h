/* listing: what --list-models prints. */
#ifndef VIC_LISTING_H
#define VIC_LISTING_H

#include "options.h"

/* A header and a line for every network, in columns, at the size it is published for: its input (without the batch),
 * classes, trained parameters (without a table of word vectors), multiply-adds of one sample forward, batch, memory of
 * a training step in 1e6 bytes: values and their gradients as planned for that batch, parameters, their gradients, the
 * optimiser's state; what a device keeps beside them (workspaces, saved masks, copies in its own order) is not counted.
 * `given`: not settled; of it, batch and width count, where they are set. */
int listing_print(FILE *to, const struct train_options *given, struct err *err) VIC_CHECKED;

#endif
