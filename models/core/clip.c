/* The factor that keeps the gradient of all parameters within a norm. */
#include "backend.h"

#include <math.h>

int graph_clip_scale(const struct graph *g, const struct batch *b, const struct update *u, double *scale,
		     struct err *err)
{
	const struct backend *back = g->dev->b;
	double all = 0;
	if (!back->squares)
		return err_set(err, "device %s cannot clip gradients", back->name);
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		double one = 0;
		if (param_trained(p) &&
		    back->squares(g->dev->ctx, p, p->kind == PARAM_TABLE ? b->words->distinct : 0, &one, err))
			return -1;
		all += one;
	}
	*scale = u->clip_norm / (sqrt(all) + 1e-6);
	*scale = *scale > 1 ? 1 : *scale;
	return 0;
}
