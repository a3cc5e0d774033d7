/* epochs: models of single epochs, beside the one that a run keeps (vic-train --keep-epochs). */
#ifndef VIC_EPOCHS_H
#define VIC_EPOCHS_H

#include "pipeline/frame/stage.h"
#include "models/train/trainer.h"

/* Zero it, then epochs_open. */
struct epochs {
	unsigned char *wanted; /* [last + 1], by number; NULL: none */
	int last;              /* of the run */
	const char *output;    /* the model's path, borrowed: epoch N goes to OUTPUT.epochN */
};

/* list: "all", or numbers of epochs from 1 with commas between; NULL: none. Refuses an epoch that the run does not
 * have, and files that are in the way (roles.h). output: not stdout. */
int epochs_open(struct epochs *e, const struct stage *st, const char *list, const char *output, int last,
		struct err *err) VIC_CHECKED;
void epochs_release(struct epochs *e);
/* Of a run that goes on after `done` epochs: says which models of those are wanted and not there. */
void epochs_say_missing(const struct epochs *e, const struct stage *st, int done);
/* The trainer's last finished epoch, where it is wanted: its weights to its file. */
int epochs_write(const struct epochs *e, const struct trainer *t, struct err *err) VIC_CHECKED;
/* Says which are wanted and were not reached by a run of `done` epochs. */
void epochs_say_left(const struct epochs *e, const struct stage *st, int done);

#endif
