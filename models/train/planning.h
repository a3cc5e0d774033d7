/* planning: the plan that options and data add up to. */
#ifndef VIC_PLANNING_H
#define VIC_PLANNING_H

#include "options.h"
#include "trainer.h"

/* `o`: settled (options.h). Refuses a network for other records, too few classes, a window that does not fit the
 * images. Of images the training records are measured (preprocessing.mean, .deviation). plan->key is the run's
 * identity. */
int plan_make(struct plan *plan, const struct train_options *o, const struct dataset *data,
	      struct err *err) VIC_CHECKED;
/* A data set without records and names of classes, of the kind, shape and classes that the network of that name (NULL:
 * kimcnn) is published for: a plan can be made for it, to be looked at. *d is zeroed. */
/* What JPEG records come to, by the options and what the stream says; before they are read. An error where neither does
 * (a usage error: options of JPEG records, and these are none). */
int plan_pictures(struct dataset *d, const struct train_options *o, struct err *err) VIC_CHECKED;
/* The channels' moments, of JPEG records when they have been looked at (pictures_look). */
int plan_measure(struct plan *p, const struct dataset *d, struct err *err) VIC_CHECKED;
int plan_native(struct dataset *d, const char *model, struct err *err) VIC_CHECKED;
void plan_release(struct plan *plan);

#endif
