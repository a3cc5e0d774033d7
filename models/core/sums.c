/* What a vector holds, as the graph's parameters lie (graph.h): tables behind all that are trained and are none. */
#include "sums.h"

struct sum_shape sum_shape(const struct graph *g)
{
	struct sum_shape s = { .dense = g->params_floats[ARENA_G] };
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		if (p->kind == PARAM_STATE)
			s.states += param_size(p);
		if (!sum_is_table(p))
			continue;
		size_t at = (size_t)(p->g - g->params[ARENA_G]), row = sum_row(p);
		s.dense = at < s.dense ? at : s.dense;
		s.row += row;
		s.longest = row > s.longest ? row : s.longest;
	}
	return s;
}
