/* Optimiser steps; formulas in ref/update.c. A table's rows are stepped one by one where that is exact:
 *   Adadelta  an untouched row's accumulators only decay, so they are multiplied by rho^k when it is next touched;
 *   SGD       without momentum and weight decay an untouched row does not change.
 * The other rules move every row at every step, and so does this code. */
#include "cpu.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct update_work {
	struct param *p;
	const struct update *u;
	const uint32_t *rows;
	size_t n, row;
	int n_rows;
	const uint32_t *row_of;
	double rate; /* Adam: lr with both bias corrections */
	double root; /* Adam: square root of the second moment's correction */
};

/* The gradient with its decay. Without a scale it is the one product that compilers fuse into the sum: the same bits as
 * ever. */
static inline float decayed(float g, float scale, float decay, float w)
{
	return scale == 1 ? g + decay * w : scale * g + decay * w;
}

static void adadelta(float *restrict w, float *restrict s1, float *restrict s2, const float *restrict g, size_t n,
		     const struct update *u, float decay, float weight_decay, float scale)
{
	float rho = (float)u->rho, rest = (float)(1 - u->rho), eps = (float)u->eps, lr = (float)u->lr;
	for (size_t i = 0; i < n; i++) {
		float grad = decayed(g[i], scale, weight_decay, w[i]);
		float g2 = rho * (decay * s1[i]) + rest * grad * grad, d2 = decay * s2[i];
		float d = -sqrtf((d2 + eps) / (g2 + eps)) * grad;
		s1[i] = g2;
		s2[i] = rho * d2 + rest * d * d;
		w[i] += lr * d;
	}
}

/* g NULL: a gradient of zeros. */
static void sgd(float *restrict w, float *restrict v, const float *restrict g, size_t n, const struct update *u,
		float weight_decay, float scale)
{
	float lr = (float)u->lr, mu = (float)u->momentum;
	for (size_t i = 0; i < n; i++) {
		float grad = decayed(g ? g[i] : 0, scale, weight_decay, w[i]);
		if (!v) {
			w[i] -= lr * grad;
			continue;
		}
		v[i] = mu * v[i] + grad;
		w[i] -= lr * (u->nesterov ? grad + mu * v[i] : v[i]);
	}
}

static void adam(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 const struct update_work *k, float weight_decay, float scale)
{
	float b1 = (float)k->u->beta1, b2 = (float)k->u->beta2, r1 = (float)(1 - k->u->beta1),
	      r2 = (float)(1 - k->u->beta2);
	float rate = (float)k->rate, root = (float)k->root, eps = (float)k->u->eps;
	float keep = k->u->decoupled ? (float)(1 - k->u->lr * (double)weight_decay) : 1,
	      into = k->u->decoupled ? 0 : weight_decay;
	for (size_t i = 0; i < n; i++) {
		float grad = decayed(g ? g[i] : 0, scale, into, w[i]);
		w[i] *= keep;
		m[i] = b1 * m[i] + r1 * grad;
		v[i] = b2 * v[i] + r2 * grad * grad;
		w[i] -= rate * m[i] / (sqrtf(v[i]) / root + eps);
	}
}

enum { RUN = 8192, ROWS = 32 };

static void step(const struct update_work *k, size_t at, size_t n, const float *g, float decay)
{
	struct param *p = k->p;
	float wd = k->u->decay_all || p->kind == PARAM_WEIGHT || p->kind == PARAM_TABLE ? (float)k->u->weight_decay : 0;
	float scale = k->u->clip_norm > 0 ? (float)k->u->scale : 1;
	if (k->u->rule == RULE_ADADELTA)
		adadelta(p->w + at, p->s1 + at, p->s2 + at, g, n, k->u, decay, wd, scale);
	else if (k->u->rule == RULE_ADAM)
		adam(p->w + at, p->s1 + at, p->s2 + at, g, n, k, wd, scale);
	else
		sgd(p->w + at, p->s1 ? p->s1 + at : NULL, g, n, k->u, wd, scale);
}

static void dense_task(void *arg, int task, int worker)
{
	struct update_work *k = arg;
	size_t at = (size_t)task * RUN, n = k->n - at < RUN ? k->n - at : RUN;
	(void)worker;
	step(k, at, n, k->p->g + at, 1);
}

/* Rows of a table that the batch touched. */
static void rows_task(void *arg, int task, int worker)
{
	struct update_work *k = arg;
	(void)worker;
	for (int i = task * ROWS; i < k->n_rows && i < (task + 1) * ROWS; i++) {
		uint32_t r = k->rows[i], missed = k->u->step - 1 - k->p->last[r];
		float decay = k->u->rule == RULE_ADADELTA && missed ? (float)pow(k->u->rho, missed) : 1;
		step(k, r * k->row, k->row, k->p->g + (size_t)i * k->row, decay);
		k->p->last[r] = k->u->step;
	}
}

/* Every row, touched or not. */
static void every_task(void *arg, int task, int worker)
{
	struct update_work *k = arg;
	size_t all = k->n / k->row;
	(void)worker;
	for (size_t r = (size_t)task * ROWS; r < all && r < ((size_t)task + 1) * ROWS; r++)
		step(k, r * k->row, k->row, k->row_of[r] ? k->p->g + (size_t)(k->row_of[r] - 1) * k->row : NULL, 1);
}

static int step_table(struct backend_ctx *ctx, struct update_work *k, struct err *err)
{
	int moves = k->u->weight_decay > 0 || k->u->rule == RULE_ADAM || (k->u->rule == RULE_SGD && k->u->momentum > 0);
	if (!moves) {
		pool_run(ctx->pool, (k->n_rows + ROWS - 1) / ROWS, rows_task, k);
		return 0;
	}
	if (k->u->rule == RULE_ADADELTA)
		return err_set(
			err, "Adadelta with weight decay on a word table is not offered; use --optimizer sgd or adam");
	size_t all = k->n / k->row;
	if (mem_grow(&ctx->row_of, &ctx->row_of_cap, all, sizeof *ctx->row_of, err))
		return -1;
	memset(ctx->row_of, 0, all * sizeof *ctx->row_of);
	for (int i = 0; i < k->n_rows; i++)
		ctx->row_of[k->rows[i]] = (uint32_t)i + 1;
	k->row_of = ctx->row_of;
	pool_run(ctx->pool, (int)((all + ROWS - 1) / ROWS), every_task, k);
	return 0;
}

static void constrain(struct param *p)
{
	size_t row = param_size(p) / (size_t)p->dim[0];
	for (int64_t r = 0; r < p->dim[0]; r++) {
		float *w = p->w + (size_t)r * row;
		double norm = 0;
		for (size_t i = 0; i < row; i++)
			norm += (double)w[i] * w[i];
		norm = sqrt(norm);
		float scale = (float)((norm < p->max_norm ? norm : p->max_norm) / (1e-7 + norm));
		for (size_t i = 0; i < row; i++)
			w[i] *= scale;
	}
}

struct squares_work {
	const float *g;
	size_t n;
	double *sum; /* [tasks] */
};

static void squares_task(void *arg, int task, int worker)
{
	const struct squares_work *k = arg;
	size_t from = (size_t)task * RUN;
	double sum = 0;
	(void)worker;
	for (size_t i = from; i < k->n && i < from + RUN; i++)
		sum += (double)k->g[i] * k->g[i];
	k->sum[task] = sum;
}

int cpu_squares(struct backend_ctx *ctx, const struct param *p, int n_rows, double *sum, struct err *err)
{
	size_t n = param_size(p);
	n = p->kind == PARAM_TABLE ? n / (size_t)p->dim[0] * (size_t)n_rows : n;
	struct squares_work k = { .g = p->g, .n = n };
	int tasks = (int)((n + RUN - 1) / RUN);
	*sum = 0;
	if (mem_alloc(&k.sum, (size_t)tasks, sizeof *k.sum, err))
		return -1;
	pool_run(ctx->pool, tasks, squares_task, &k);
	for (int i = 0; i < tasks; i++) /* in order: threads never show */
		*sum += k.sum[i];
	free(k.sum);
	return 0;
}

int cpu_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
	       struct err *err)
{
	size_t n = param_size(p);
	struct update_work k = { .p = p, .u = u, .rows = rows, .n = n, .row = n / (size_t)p->dim[0], .n_rows = n_rows };
	if (u->rule == RULE_ADAM) {
		k.root = sqrt(1 - pow(u->beta2, u->step));
		k.rate = u->lr / (1 - pow(u->beta1, u->step));
	}
	if (p->kind == PARAM_TABLE) {
		if (step_table(ctx, &k, err))
			return -1;
	} else {
		pool_run(ctx->pool, (int)((n + RUN - 1) / RUN), dense_task, &k);
	}
	if (p->max_norm > 0)
		constrain(p);
	return 0;
}

struct average_work {
	float *average;
	const float *w;
	size_t n;
	float rate;
};

static void average_task(void *arg, int task, int worker)
{
	const struct average_work *k = arg;
	size_t from = (size_t)task * RUN, n = k->n - from < RUN ? k->n - from : RUN;
	float *restrict a = k->average + from;
	const float *restrict w = k->w + from;
	(void)worker;
	for (size_t i = 0; i < n; i++)
		a[i] += k->rate * (w[i] - a[i]);
}

int cpu_average(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate, struct err *err)
{
	struct average_work k = { .average = average, .w = w, .n = n, .rate = (float)rate };
	(void)err;
	pool_run(ctx->pool, (int)((n + RUN - 1) / RUN), average_task, &k);
	return 0;
}
