/* running: a run of vic-train from its first epoch to its files, with what it says on the way. */
#ifndef VIC_RUNNING_H
#define VIC_RUNNING_H

#include "pipeline/frame/stage.h"
#include "models/train/trainer.h"

/* Where they lie; NULL: not asked for. */
struct running_files {
	const char *output; /* the model; "-": stdout */
	const char *history, *checkpoint;
	const char *keep_epochs; /* as of epochs_open */
	const char *resume; /* a checkpoint to go on from; one that is not there yet begins the run */
	/* the checkpoint is written inside epochs too, after so many batches, or seconds; both 0: it is not */
	int64_t every_batches;
	double every_seconds;
};

/* Fills in the last two from "500" (batches), "90s", "10min" or "2h". */
int running_every(struct running_files *f, const char *text, struct err *err) VIC_CHECKED;

/* Trains until trainer_done and writes the model. `t`: just opened and joined (together.h); of several ranks the first
 * writes and speaks. Where an epoch cannot be finished (a loss of NaN, no memory, a signal of process_interrupts), the
 * model of the epochs before is written, and err says so; its status is that of the cause, after a signal VIC_SIGNAL +
 * the signal's number. */
int running_train(struct stage *st, struct trainer *t, const struct running_files *f, struct err *err) VIC_CHECKED;

#endif
