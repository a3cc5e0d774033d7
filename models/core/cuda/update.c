/* Optimiser steps on the device. All parameters that are no tables take theirs in one launch, from a list of them in
 * device memory, which is made with a graph's first step and kept as long as it holds. A table's rows are stepped one
 * by one where that is exact, as in cpu/update.c; the other rules move every row at every step. */
#include "kernels/update.h"

#include "cuda.h"
#include "record.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(RULE_ADADELTA == 0 && RULE_SGD == 1 && RULE_ADAM == 2, "the kernels know the rules by number");

/* The parameters of one graph; a context has those of all graphs that it stepped. */
struct segments {
	struct segments *next;
	size_t n, blocks;
	struct segment *list;   /* [n], and on the device: */
	struct segment *device;
	uint32_t *of;           /* [blocks] segment of each block */
	float *partial, *found; /* launch_clip's, made with the first step that clips */
	size_t room;            /* of partial */
};

static void segments_free(struct backend_ctx *ctx, struct segments *s)
{
	gpu_free(ctx, s->device);
	gpu_free(ctx, s->of);
	gpu_free(ctx, s->partial);
	gpu_free(ctx, s->found);
	free(s->list);
	free(s);
}

void segments_release(struct backend_ctx *ctx)
{
	while (ctx->segments) {
		struct segments *next = ctx->segments->next;
		segments_free(ctx, ctx->segments);
		ctx->segments = next;
	}
}

static struct segment segment_of(const struct param *p, const struct param_copy *copy, const struct update *u)
{
	size_t n = param_size(p);
	int decays = u->decay_all || p->kind == PARAM_WEIGHT || p->kind == PARAM_TABLE;
	return (struct segment){ .w = p->w, .g = p->g, .s1 = p->s1, .s2 = p->s2, .last = p->last,
				 .copy = copy->to, .places = (uint32_t)copy->places, .pitch = (uint32_t)copy->pitch,
				 .element = (uint32_t)copy->element, .n = n,
				 .row = n / (size_t)p->dim[0], .weight_decay = decays ? (float)u->weight_decay : 0,
				 .max_norm = (float)p->max_norm };
}

static const struct param_copy no_copy;

static int segments_list(const struct graph *g, const struct update *u, struct segments *s, struct err *err)
{
	if (mem_alloc(&s->list, (size_t)g->n_params, sizeof *s->list, err))
		return -1;
	for (int i = 0; i < g->n_ops; i++)
		for (int k = 0; k < g->op[i].n_param; k++) {
			const struct param *p = &g->param[g->op[i].param[k]];
			const struct param_copy *copy = copy_updated(g, i, k);
			if (!param_trained(p) || p->kind == PARAM_TABLE)
				continue;
			s->list[s->n] = segment_of(p, copy ? copy : &no_copy, u);
			s->list[s->n].first = (uint32_t)s->blocks;
			s->blocks += (s->list[s->n++].n + UPDATE_RUN - 1) / UPDATE_RUN;
		}
	return 0;
}

/* Copies the list to the device, and which segment each block is of. */
static int segments_send(struct backend_ctx *ctx, struct segments *s, struct err *err)
{
	uint32_t *of;
	size_t bytes = s->n * sizeof *s->list;
	if (mem_alloc(&of, s->blocks, sizeof *of, err))
		return -1;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = s->list[i].first; k < (i + 1 < s->n ? s->list[i + 1].first : s->blocks); k++)
			of[k] = (uint32_t)i;
	int rc = gpu_alloc(ctx, (void **)&s->device, bytes, err) ||
		 gpu_alloc(ctx, (void **)&s->of, s->blocks * sizeof *of, err) ||
		 gpu_status(cudaMemcpyAsync(s->device, s->list, bytes, cudaMemcpyHostToDevice, ctx->stream),
			    "the list of parameters", err) ||
		 gpu_status(cudaMemcpyAsync(s->of, of, s->blocks * sizeof *of, cudaMemcpyHostToDevice, ctx->stream),
			    "the list of parameters", err) ||
		 gpu_status(cudaStreamSynchronize(ctx->stream), "the list of parameters", err);
	free(of);
	return rc ? -1 : 0;
}

/* The list that this graph's parameters have on the device; made where there is none like it. */
static struct segments *segments_of(struct backend_ctx *ctx, const struct graph *g, const struct update *u,
				    struct err *err)
{
	struct segments *s;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return NULL;
	if (segments_list(g, u, s, err)) {
		segments_free(ctx, s);
		return NULL;
	}
	for (struct segments *old = ctx->segments; old; old = old->next)
		if (old->n == s->n && !memcmp(old->list, s->list, s->n * sizeof *s->list)) {
			segments_free(ctx, s);
			return old;
		}
	if (segments_send(ctx, s, err)) {
		segments_free(ctx, s);
		return NULL;
	}
	s->next = ctx->segments;
	ctx->segments = s;
	return s;
}

static struct update_args update_args(const struct backend_ctx *ctx, const struct update *u)
{
	return (struct update_args){ .rule = u->rule,
				     .nesterov = u->nesterov,
				     .momentum = (float)u->momentum,
				     .rho = (float)u->rho,
				     .rho_rest = (float)(1 - u->rho),
				     .rho_log2 = (float)log2(u->rho),
				     .beta1 = (float)u->beta1,
				     .beta1_rest = (float)(1 - u->beta1),
				     .beta2 = (float)u->beta2,
				     .beta2_rest = (float)(1 - u->beta2),
				     .eps = (float)u->eps,
				     .decoupled = u->decoupled,
				     .factor = 1,
				     .clip_norm = (float)u->clip_norm,
				     .step = block_of(ctx)->step,
				     .word = block_of(ctx)->word };
}

/* a->one is a table, whose gradient has at most a->rows rows. */
static int step_table(struct backend_ctx *ctx, const struct update_args *a, const struct update *u, struct err *err)
{
	int moves = u->weight_decay > 0 || u->rule == RULE_ADAM || (u->rule == RULE_SGD && u->momentum > 0);
	if (!moves)
		return a->rows ? launched(launch_update_rows(a, ctx->stream), "a table's rows", err) : 0;
	if (u->rule == RULE_ADADELTA)
		return err_set(
			err, "Adadelta with weight decay on a word table is not offered; use --optimizer sgd or adam");
	return launched(launch_update_every(a, ctx->stream), "a table", err);
}

static int constrain(struct backend_ctx *ctx, const struct update_args *a, struct err *err)
{
	return a->one.max_norm > 0 ? launched(launch_update_norms(a, ctx->stream), "a parameter's norms", err) : 0;
}

/* Room for the sums of so many blocks. Never while a step is recorded: the same size was queued op by op before. */
static int clip_room(struct backend_ctx *ctx, struct segments *s, size_t blocks, struct err *err)
{
	if (s->found && blocks <= s->room)
		return 0;
	if (gpu_wait(ctx, err))
		return -1;
	recordings_forget(ctx);
	gpu_free(ctx, s->partial);
	s->partial = NULL;
	s->room = 0;
	if ((!s->found && gpu_alloc(ctx, (void **)&s->found, sizeof *s->found, err)) ||
	    gpu_alloc(ctx, (void **)&s->partial, blocks * sizeof *s->partial, err))
		return -1;
	s->room = blocks;
	return 0;
}

/* Queues what finds the factor of all gradients. */
static int clip_all(struct backend_ctx *ctx, const struct graph *g, struct segments *s, const struct update *u,
		    struct update_args *a, struct err *err)
{
	struct update_args of = *a;
	of.rows = 0;
	for (int i = 0; i < g->n_params; i++)
		if (param_trained(&g->param[i]) && g->param[i].kind == PARAM_TABLE) { /* there is one at most */
			of.one = segment_of(&g->param[i], &no_copy, u);
			of.rows = a->rows;
		}
	if (clip_room(ctx, s, of.blocks + of.rows, err))
		return -1;
	of.partial = s->partial;
	of.found = s->found;
	a->scale = s->found;
	return launched(launch_clip(&of, ctx->stream), "the gradients' norm", err);
}

int cuda_update_all(struct backend_ctx *ctx, struct graph *g, const struct batch *b, const struct update *u,
		    struct err *err)
{
	struct update_args a = update_args(ctx, u);
	struct segments *s = segments_of(ctx, g, u, err);
	(void)b;
	if (!s)
		return -1;
	a.segment = s->device;
	a.segment_of = s->of;
	a.blocks = s->blocks;
	a.rows = (size_t)ctx->block.words;
	if (u->clip_norm > 0 && clip_all(ctx, g, s, u, &a, err))
		return -1;
	if (a.blocks && launched(launch_update_all(&a, ctx->stream), "an optimiser step", err))
		return -1;
	for (int i = 0; i < g->n_params; i++) {
		const struct param *p = &g->param[i];
		if (!param_trained(p))
			continue;
		a.one = segment_of(p, &no_copy, u);
		if ((p->kind == PARAM_TABLE && step_table(ctx, &a, u, err)) ||
		    constrain(ctx, &a, err))
			return err_context(err, "parameter %s", p->name);
	}
	copies_updated(g, g->version);
	return 0;
}

int cuda_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
		struct err *err)
{
	if (block_rates(ctx, u, rows, n_rows, err))
		return -1;
	struct update_args a = update_args(ctx, u);
	a.factor = u->clip_norm > 0 ? (float)u->scale : 1;
	a.one = segment_of(p, &no_copy, u);
	a.rows = (size_t)n_rows;
	if (p->kind == PARAM_TABLE ? step_table(ctx, &a, u, err) :
				     launched(launch_update_one(&a, ctx->stream), "an optimiser step", err))
		return -1;
	return constrain(ctx, &a, err);
}

int cuda_average(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate, struct err *err)
{
	struct average_args a = { .average = average, .w = w, .n = n, .rate = (float)rate };
	return n ? launched(launch_average(&a, ctx->stream), "the average of the weights", err) : 0;
}
