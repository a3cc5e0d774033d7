/* OP_CONV, its plan: the cut of the batch, kernels, memory. The cut depends on sizes alone: a shard's values, in and
 * out, should stay in a core's second-level cache, while its arithmetic must be large beside reading the weights once a
 * shard. */
#include "conv.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES = 512 << 10, MOST_GRADIENT_SHARDS = 8, ENOUGH_SHARDS = 4 };

int conv_layout_open(struct conv_layout *l, const struct conv_shape *s, struct err *err)
{
	memset(l, 0, sizeof *l);
	return mem_alloc(&l->group, (size_t)s->groups, sizeof *l->group, err) ||
			       mem_alloc(&l->o, (size_t)(s->out.c / s->groups), sizeof *l->o, err) ||
			       mem_alloc(&l->i, (size_t)(s->in.c / s->groups), sizeof *l->i, err) ||
			       mem_alloc(&l->tap, (size_t)(s->kernel * s->kernel), sizeof *l->tap, err) ?
		       -1 :
		       0;
}

void conv_layout_close(struct conv_layout *l)
{
	free(l->group);
	free(l->o);
	free(l->i);
	free(l->tap);
	memset(l, 0, sizeof *l);
}

void conv_layout_put(const struct conv_kernel *k, const float *weight, int o, float *to)
{
	const struct conv_shape *s = &k->shape;
	const struct conv_layout *l = &k->layout;
	int og = s->out.c / s->groups, ig = s->in.c / s->groups, taps = s->kernel * s->kernel;
	weight += (size_t)o * (size_t)(ig * taps);
	to += l->group[o / og] + l->o[o % og];
	for (int i = 0; i < ig; i++)
		for (int t = 0; t < taps; t++)
			to[l->i[i] + l->tap[t]] = *weight++;
}

void conv_layout_sum(const struct conv_kernel *k, const float *partial, int shards, size_t stride, int o, float *to)
{
	const struct conv_shape *s = &k->shape;
	const struct conv_layout *l = &k->layout;
	int og = s->out.c / s->groups, ig = s->in.c / s->groups, taps = s->kernel * s->kernel;
	to += (size_t)o * (size_t)(ig * taps);
	partial += l->group[o / og] + l->o[o % og];
	for (int i = 0; i < ig; i++)
		for (int t = 0; t < taps; t++) {
			size_t at = l->i[i] + l->tap[t];
			float sum = partial[at];
			for (int n = 1; n < shards; n++)
				sum += partial[at + (size_t)n * stride];
			*to++ = sum;
		}
}

static int share(struct backend_ctx *ctx, struct err *err)
{
	struct conv_shared *s;
	if (ctx->conv)
		return 0;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->workers = pool_threads(ctx->pool);
	if (mem_alloc(&s->scratch, (size_t)s->workers, sizeof *s->scratch, err) ||
	    conv_engine_open(&s->engine, s->workers, err)) {
		conv_shared_close(s);
		return -1;
	}
	ctx->conv = s;
	return 0;
}

void conv_shared_close(struct conv_shared *s)
{
	if (!s)
		return;
	for (int i = 0; s->scratch && i < s->workers; i++)
		free(s->scratch[i]);
	conv_engine_close(s->engine);
	free(s->scratch);
	free(s->weight);
	free(s->partial);
	free(s);
}

/* Each takes the new before it gives up the old: another graph of the device may live on after a failure here. */
static int need_scratch(struct conv_shared *s, size_t bytes, struct err *err)
{
	if (bytes <= s->scratch_bytes)
		return 0;
	for (int i = 0; i < s->workers; i++) {
		char *more;
		if (mem_alloc(&more, bytes, 1, err))
			return -1;
		free(s->scratch[i]);
		s->scratch[i] = more;
	}
	s->scratch_bytes = bytes;
	return 0;
}

static int need_floats(float **p, size_t *have, size_t want, struct err *err)
{
	float *more;
	if (want <= *have)
		return 0;
	if (mem_alloc(&more, want, sizeof *more, err))
		return -1;
	free(*p);
	*p = more;
	*have = want;
	return 0;
}

/* A gradient that is added to what is there goes through scratch, after the kernel's own, where the kernel does not
 * add. */
int conv_kernel_for(struct conv *v, enum conv_kind kind, int n, struct err *err)
{
	struct shards *s = &v->kind[kind];
	struct conv_kernel **k = &s->kernel[n];
	size_t own = kind == CONV_DATA ? (size_t)n * shape_size(v->shape.in) * sizeof(float) : 0;
	if (*k)
		return 0;
	if (winograd_serves(&v->shape)) {
		own = 0;
		if (winograd_open(k, kind, &v->shape, n, err))
			return -1;
	} else if (conv_kernel_open(k, v->shared->engine, kind, &v->shape, n, n == s->of ? NULL : s->kernel[s->of],
				    err)) {
		return -1;
	} else {
		(*k)->pieces = v->shape.out.c;
		(*k)->lay_out = conv_layout_put;
		(*k)->sum = conv_layout_sum;
	}
	return need_scratch(v->shared, round_line((*k)->scratch) + own, err);
}

static int many_weights(const struct conv_shape *s)
{
	return (size_t)s->in.c * (size_t)s->out.c >= MANY_WEIGHTS;
}

/* Images a shard: what fits the cache, but so many that reading the weights, once a shard, is cheap beside the
 * arithmetic, a multiply-add a weight and place. Where a kernel has parts they give the threads work, else some shards
 * must. */
static int shard_size(const struct conv_shape *s, int max_n)
{
	size_t image = (shape_size(s->in) + shape_size(s->out)) * sizeof(float);
	int parts = winograd_serves(s) && many_weights(s), least = parts ? 1024 : winograd_serves(s) ? 512 : 256;
	int positions = s->out.h * s->out.w, of = (int)(CACHE_BYTES / image),
	    most = parts ? max_n : shards_of(max_n, ENOUGH_SHARDS);
	of = of < shards_of(least, positions) ? shards_of(least, positions) : of;
	of = of > most ? most : of;
	return of > 1 ? of : 1;
}

/* Partial sums are written and read once a shard: few enough that this stays below a tenth of the arithmetic. */
static int gradient_shard_size(const struct conv_shape *s, int max_n)
{
	int winograd = winograd_serves(s), each = !winograd ? 512 : many_weights(s) ? 2048 : 1024;
	int shards = max_n * s->out.h * s->out.w / each, least = winograd && many_weights(s) ? 1 : 2;
	shards = shards > MOST_GRADIENT_SHARDS ? MOST_GRADIENT_SHARDS : shards;
	return shards_of(max_n, shards < least ? least : shards);
}

int conv_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		 void **state, struct err *err)
{
	struct conv *v;
	size_t weights;
	if (share(ctx, err) || mem_alloc(&v, 1, sizeof *v, err))
		return -1;
	v->shared = ctx->conv;
	v->shape = (struct conv_shape){ g->value[op->in[0]].shape,
					g->value[op->out].shape,
					op->conv.kernel,
					op->conv.stride,
					op->conv.pad,
					op->conv.groups,
					op->n_param > 1 };
	int trained =
		param_trained(&g->param[op->param[0]]) || (op->n_param > 1 && param_trained(&g->param[op->param[1]]));
	int wanted[CONV_KINDS] = { 1, training && g->value[op->in[0]].wanted, training && trained };
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		struct shards *s = &v->kind[kind];
		if (!wanted[kind])
			continue;
		s->of = kind == CONV_WEIGHT ? gradient_shard_size(&v->shape, max_n) : shard_size(&v->shape, max_n);
		if (mem_alloc(&s->kernel, (size_t)s->of + 1, sizeof *s->kernel, err) ||
		    conv_kernel_for(v, (enum conv_kind)kind, s->of, err))
			goto fail;
		weights = s->kernel[s->of]->layout.floats;
		if (kind == CONV_WEIGHT) {
			if (need_floats(&v->shared->partial, &v->shared->partial_floats,
					partial_floats(s->kernel[s->of]) * (size_t)shards_of(max_n, s->of), err))
				goto fail;
		} else if (training ? need_floats(&v->shared->weight, &v->shared->weight_floats, weights, err) :
				      mem_alloc(&v->weight, weights, sizeof *v->weight, err)) {
			goto fail;
		}
	}
	*state = v;
	return 0;
fail:
	conv_unprepare(v);
	return -1;
}

void conv_unprepare(void *state)
{
	struct conv *v = state;
	if (!v)
		return;
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		for (int n = 0; v->kind[kind].kernel && n <= v->kind[kind].of; n++)
			if (v->kind[kind].kernel[n])
				v->kind[kind].kernel[n]->close(v->kind[kind].kernel[n]);
		free(v->kind[kind].kernel);
	}
	free(v->weight);
	free(v);
}
