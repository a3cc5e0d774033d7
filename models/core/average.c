/* The moving average of the weights, and its exchange with them, which goes through the host: it is rare. What lies
 * between parameters is averaged and exchanged with them, and means nothing. */
#include "backend.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

int graph_average(struct graph *g, const struct update *u, struct err *err)
{
	const struct backend *b = g->dev->b;
	double t = u->step, grown = (1 + t) / (10 + t), decay = u->ema < grown ? u->ema : grown;
	if (!(u->ema > 0))
		return 0;
	if (!b->average)
		return err_set(err, "device %s cannot average weights", b->name);
	return b->average(g->dev->ctx, g->params[ARENA_AVERAGE], g->params[ARENA_W], g->params_floats[ARENA_AVERAGE],
			  1 - decay, err);
}

static int exchange_run(const struct device *d, float *a, float *b, float *host_a, float *host_b, size_t n,
			struct err *err)
{
	size_t bytes = n * sizeof *a;
	return d->b->download(d->ctx, host_a, a, bytes, err) || d->b->download(d->ctx, host_b, b, bytes, err) ||
			       d->b->upload(d->ctx, a, host_b, bytes, err) ||
			       d->b->upload(d->ctx, b, host_a, bytes, err)
		       ? -1
		       : 0;
}

int graph_exchange(struct graph *g, struct err *err)
{
	enum { RUN = 1 << 20 };
	size_t all = g->params_floats[ARENA_AVERAGE], room = all < RUN ? all : RUN;
	float *host;
	int rc = 0;
	if (!all)
		return 0;
	if (mem_alloc(&host, 2 * room, sizeof *host, err))
		return -1;
	for (size_t at = 0; at < all && !rc; at += room)
		rc = exchange_run(g->dev, g->params[ARENA_W] + at, g->params[ARENA_AVERAGE] + at, host, host + room,
				  all - at < room ? all - at : room, err);
	free(host);
	g->version++;
	return rc;
}
