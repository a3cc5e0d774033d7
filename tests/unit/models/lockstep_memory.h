/* What lockstep.h does with memory: guards around every allocation, a copy of the arena in which nothing but what an op
 * may read is a number, and the comparison afterwards. */
#ifndef VIC_TEST_LOCKSTEP_MEMORY_H
#define VIC_TEST_LOCKSTEP_MEMORY_H

#include "models/core/backend.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GUARD = 64 /* floats */, BLOCKS = 512, OPS = 512 };

struct backend_ctx { /* of the lockstep device; the one behind it has its own */
	struct device inner;
	struct graph *g;
	const char *name;   /* of the case at hand, for messages */
	double tol;         /* of the largest element of an array, or of `least` where that is more */
	/* in backward the largest of d_out: sums that cancel keep the rounding of their terms, which grows with the
	 * root of their number (from 64 on; there are parts of sums) */
	double least;
	int differences;    /* compare ref's gradients with finite differences */
	void *ref_state[OPS];
	float *truth, *before, *expect, *after; /* the arena on the host */
	float *kept[OPS][OP_IN];                /* inputs of the last forward, [max_n] */
	struct {
		char *base;
		size_t floats;
	} block[BLOCKS];
	int blocks;
	double worst; /* largest difference seen, of the largest element of its array */
	const char *worst_op;
};

/* A NaN that arithmetic does not make. */
static inline float poison(void)
{
	uint32_t bits = 0x7fc0dead;
	float f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static inline void poison_all(float *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] = poison();
}

static inline float *floats(size_t n)
{
	struct err err = ERR_NONE;
	float *a;
	assert_int_equal(mem_alloc(&a, n, sizeof *a, &err), 0);
	return a;
}

static inline void down(struct backend_ctx *c, float *to, const float *from, size_t n)
{
	struct err err = ERR_NONE;
	assert_int_equal(c->inner.b->download(c->inner.ctx, to, from, n * sizeof *to, &err), 0);
}

static inline void up(struct backend_ctx *c, float *to, const float *from, size_t n)
{
	struct err err = ERR_NONE;
	assert_int_equal(c->inner.b->upload(c->inner.ctx, to, from, n * sizeof *to, &err), 0);
}

/* Memory */
static int lock_alloc(struct backend_ctx *c, void **p, size_t bytes, struct err *err)
{
	float guard[GUARD];
	void *base;
	size_t n = (bytes + 3) / 4;
	if (c->inner.b->alloc(c->inner.ctx, &base, (n + 2 * (size_t)GUARD) * 4, err))
		return -1;
	poison_all(guard, GUARD);
	up(c, base, guard, GUARD);
	up(c, (float *)base + GUARD + n, guard, GUARD);
	assert_true(c->blocks < BLOCKS);
	c->block[c->blocks].base = base;
	c->block[c->blocks++].floats = n;
	*p = (float *)base + GUARD;
	return 0;
}

static void guards_stand(struct backend_ctx *c, int i)
{
	float guard[GUARD], now[2 * GUARD];
	poison_all(guard, GUARD);
	down(c, now, (float *)c->block[i].base, GUARD);
	down(c, now + GUARD, (float *)c->block[i].base + GUARD + c->block[i].floats, GUARD);
	if (memcmp(now, guard, sizeof guard) || memcmp(now + GUARD, guard, sizeof guard))
		fail_msg("%s: something was written beside a buffer of %zu floats", c->name, c->block[i].floats);
}

/* What lies between parameters, which one allocation holds (graph.h): from the end of each array of a parameter to the
 * next one's line and gap, unless the allocation ends with it. Poisons it, or with `stand` sees that the poison is
 * still there. */
static void gaps_between_params(struct backend_ctx *c, int stand)
{
	float gap[ARENA_GAP + 15], now[ARENA_GAP + 15];
	poison_all(gap, ARENA_GAP + 15);
	for (int p = 0; p < c->g->n_params; p++)
		for (int a = 0; a < ARENAS; a++) {
			const struct param *q = &c->g->param[p];
			float *const at[ARENAS] = { q->w, q->g, q->s1, q->s2, q->average };
			size_t rows = a == ARENA_G && q->kind == PARAM_TABLE ? (size_t)c->g->max_words
									      : (size_t)q->dim[0];
			if (!at[a])
				continue;
			size_t end = (size_t)(at[a] - c->g->params[a]) + param_size(q) / (size_t)q->dim[0] * rows,
			       n = (end + 15) / 16 * 16 - end + ARENA_GAP;
			if (end == c->g->params_floats[a])
				continue;
			if (!stand) {
				up(c, c->g->params[a] + end, gap, n);
				continue;
			}
			down(c, now, c->g->params[a] + end, n);
			if (memcmp(now, gap, n * sizeof *now))
				fail_msg("%s: something was written beside %s", c->name, q->name);
		}
}

static void lock_release(struct backend_ctx *c, void *p)
{
	for (int i = 0; i < c->blocks; i++)
		if (c->block[i].base + GUARD * 4 == p) {
			guards_stand(c, i);
			c->inner.b->release(c->inner.ctx, c->block[i].base);
			c->block[i] = c->block[--c->blocks];
			return;
		}
	fail_msg("released what was never taken");
}

static int lock_upload(struct backend_ctx *c, void *to, const void *from, size_t bytes, struct err *err)
{
	return c->inner.b->upload(c->inner.ctx, to, from, bytes, err);
}

static int lock_download(struct backend_ctx *c, void *to, const void *from, size_t bytes, struct err *err)
{
	return c->inner.b->download(c->inner.ctx, to, from, bytes, err);
}

/* Ops */
static int lock_supports(struct backend_ctx *c, const struct op *op, const struct graph *g)
{
	return !c->inner.b->supports || c->inner.b->supports(c->inner.ctx, op, g);
}

static int lock_prepare(struct backend_ctx *c, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	assert_true(op - g->op < OPS);
	if (op == g->op)
		gaps_between_params(c, 0);
	for (int k = 0; k < op->n_in; k++)
		c->kept[op - g->op][k] = floats(shape_size(g->value[op->in[k]].shape) * (size_t)max_n);
	if (backend_ref.prepare(NULL, op, g, max_n, training, &c->ref_state[op - g->op], err))
		return -1;
	return c->inner.b->prepare ? c->inner.b->prepare(c->inner.ctx, op, g, max_n, training, state, err) : 0;
}

static void lock_unprepare(struct backend_ctx *c, const struct op *op, void *state)
{
	c->inner.b->unprepare(c->inner.ctx, op, state);
}

/* Floats: of what is not one (value.element) lockstep knows nothing, and offers no layout(). */
static size_t arena_size(const struct backend_ctx *c)
{
	return c->g->arena_bytes / sizeof(float) * (size_t)c->g->max_n;
}

/* Device pointer into the arena -> the same place of a host copy. */
static float *in_copy(const struct backend_ctx *c, float *copy, const float *p)
{
	return p ? copy + (p - (const float *)c->g->arena) : NULL;
}

static void bury_the_dead(struct backend_ctx *c, int step, int n)
{
	size_t size = arena_size(c);
	unsigned char *live = calloc(size, 1);
	assert_non_null(live);
	for (int v = 0; v < c->g->n_values; v++) {
		const struct value *x = &c->g->value[v];
		size_t floats_of = shape_size(x->shape) * (size_t)n;
		if (x->born < step && step <= x->dies)
			memset(live + x->at / sizeof(float) * (size_t)c->g->max_n, 1, floats_of);
		if (x->d_born < step && step <= x->d_dies)
			memset(live + x->d_at / sizeof(float) * (size_t)c->g->max_n, 1, floats_of);
	}
	for (size_t i = 0; i < size; i++)
		if (!live[i])
			c->truth[i] = poison();
	free(live);
}

static void show(struct backend_ctx *c, const float *p, size_t n)
{
	memcpy(in_copy(c, c->before, p), in_copy(c, c->truth, p), n * sizeof(float));
}

static void agree(struct backend_ctx *c, const struct op *op, const char *what, const float *a, const float *ref,
		  size_t n)
{
	double size = c->least;
	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs((double)ref[i]));
	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - ref[i]) / size;
		if (!(d <= c->tol))
			fail_msg("%s: op %s: %s[%zu] of %zu is %.9g, ref has %.9g (largest %.3g)", c->name, op->name,
				 what, i, n, (double)a[i], (double)ref[i], size);
		if (d > c->worst) {
			c->worst = d;
			c->worst_op = op->name;
		}
	}
}

/* The written places of `a` agree with ref's; elsewhere both have the bits of before. */
static void only_written(struct backend_ctx *c, const struct op_call *call, int backward)
{
	const float *at[OP_IN] = { backward ? call->d_in[0] : call->out, backward ? call->d_in[1] : NULL };
	static const char *const name[] = { "d_in[0]", "d_in[1]" };
	float *judged = c->before; /* what was judged gets poison in all three, and is equal then */
	for (int k = 0; k < OP_IN; k++) {
		size_t n = (size_t)(backward ? call->in_size[k] : call->out_size) * (size_t)call->n;
		if (!at[k] || (k && at[k] == at[0]))
			continue;
		agree(c, call->op, backward ? name[k] : "out", in_copy(c, c->after, at[k]),
		      in_copy(c, c->expect, at[k]), n);
		memcpy(in_copy(c, c->truth, at[k]), in_copy(c, c->after, at[k]), n * sizeof(float));
		poison_all(in_copy(c, c->after, at[k]), n);
		poison_all(in_copy(c, c->expect, at[k]), n);
		poison_all(in_copy(c, judged, at[k]), n);
	}
	for (int r = 0; r < 2; r++)
		if (memcmp(judged, r ? c->expect : c->after, arena_size(c) * sizeof(float)))
			fail_msg("%s: op %s, %s: %s wrote where it may not", c->name, call->op->name,
				 backward ? "backward" : "forward", r ? "ref" : c->inner.b->name);
}

#endif
