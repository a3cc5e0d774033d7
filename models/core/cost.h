/* cost: what a pass over a graph must at least compute and move. */
#ifndef VIC_COST_H
#define VIC_COST_H

#include "graph.h"

struct cost {
	double flop;  /* of convolutions and products; a multiply-add is 2 */
	double bytes; /* between the arena, the parameters and the processor */
};

/* Op i of a planned graph (graph_plan) for n samples. Each value that an op reads or makes is moved once, but by a
 * NORM, which goes over what it reads twice, for the statistics and for the rest. A wordconv counts its dense form, at
 * `tokens` tokens a sentence. backward: of an op without a gradient, 0. */
struct cost cost_forward(const struct graph *g, int i, int n, int tokens);
struct cost cost_backward(const struct graph *g, int i, int n, int tokens);
/* The optimiser: `bytes_each` a trained parameter. */
struct cost cost_update(const struct graph *g, double bytes_each);

#endif
