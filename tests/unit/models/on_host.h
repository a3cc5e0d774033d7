/* Parameters and their gradients where a test can look at them: device memory may not be followed. */
#ifndef VIC_TEST_ON_HOST_H
#define VIC_TEST_ON_HOST_H

#include "models/core/backend.h"
#include "pipeline/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* n floats of device memory; the caller's, freed with free(). */
static inline float *on_host(const struct graph *g, const float *from, size_t n)
{
	struct err err = ERR_NONE;
	float *to;
	assert_int_equal(mem_alloc(&to, n, sizeof *to, &err), 0);
	assert_int_equal(g->dev->b->download(g->dev->ctx, to, from, n * sizeof *to, &err), 0);
	return to;
}

static inline float *weights_on_host(const struct graph *g, int p)
{
	return on_host(g, g->param[p].w, param_size(&g->param[p]));
}

/* Changes element i of parameter p; what it was. */
static inline float set_element(struct graph *g, int p, size_t i, float to)
{
	struct err err = ERR_NONE;
	float *w = weights_on_host(g, p), was = w[i];
	w[i] = to;
	assert_int_equal(graph_set(g, p, w, &err), 0);
	free(w);
	return was;
}

/* n floats of both gradients, or of both parameters where `weights`, have the same bits. */
static inline int same_bits(const struct graph *a, const struct graph *b, int p, size_t n, int weights)
{
	float *x = on_host(a, weights ? a->param[p].w : a->param[p].g, n),
	      *y = on_host(b, weights ? b->param[p].w : b->param[p].g, n);
	int same = !memcmp(x, y, n * sizeof *x);
	free(x);
	free(y);
	return same;
}

#endif
