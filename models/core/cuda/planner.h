/* planner: how a network will run on a card that is not there. The same code prepares the graph as on a device; its
 * memory is counted in place of being taken, and cuDNN chooses engines from the card's description. */
#ifndef VIC_CUDA_PLANNER_H
#define VIC_CUDA_PLANNER_H

#include "cuda.h"

/* backend.open where config->card is set. */
int planner_open(struct backend_ctx **out, const struct backend_config *config, struct err *err) VIC_CHECKED;
/* backend.print_plan. */
int planner_print(struct backend_ctx *ctx, const struct graph *g, const struct update *u, int n, int tokens, FILE *to,
		  struct err *err) VIC_CHECKED;

/* backend.counted. */
void planner_counted(const struct backend_ctx *ctx, const struct graph *g, int n, int tokens, size_t *taken,
		     size_t *total);

#endif
