/* planned: what a network will take and how it will run, printed without training it. */
#ifndef VIC_PLANNED_H
#define VIC_PLANNED_H

#include "trainer.h"

/* Ops, shapes, parameters, and where values lie in memory. */
int planned_print(const struct plan *plan, FILE *to, struct err *err) VIC_CHECKED;
/* How the plan's network trains at the plan's batch on a graphics card that need not be there: `card` is its name, or
 * the name of a file (it holds a "/" or ends in ".json") with cuDNN's description of one. `data`: what it trains on,
 * with or without records. Needs the cuda plug-in. */
int planned_print_card(const struct plan *plan, const struct dataset *data, const char *card, enum precision precision,
		       FILE *to, struct err *err) VIC_CHECKED;

#endif
