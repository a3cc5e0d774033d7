/* lockstep: a device that stands before another one and makes it prove every call. Each op runs on the device and, from
 * a copy of the same memory, in ref; then
 *  - what the op may write agrees within the tolerance, and everything else in the arena has the bits it had;
 *  - what the op may not read was not a number: whatever the planner holds for dead, and whatever lives for others.
 *    Backward sees of in[] and out only what the planner promises it. A gradient that is to be overwritten was not a
 *    number either;
 *  - guards around every allocation, and between the parameters in one, stand;
 *  - on request the gradients of ref agree with finite differences of its forward.
 * Optimiser steps are compared in the same way. */
#ifndef VIC_TEST_LOCKSTEP_H
#define VIC_TEST_LOCKSTEP_H

#include "lockstep_memory.h"

static double weighted(const struct op_call *f, const float *weight, double *noise)
{
	struct err err = ERR_NONE;
	double sum = 0, square = 0;
	assert_int_equal(backend_ref.forward(NULL, f, &err), 0);
	for (size_t i = 0; i < (size_t)f->n * (size_t)f->out_size; i++) {
		double part = (weight ? (double)weight[i] : 1.0 / f->n) * f->out[i];
		sum += part;
		square += part * part;
	}
	*noise = 6e-8 * sqrt(square); /* the outputs are rounded, each on its own */
	return sum;
}

/* Central differences of sum(weight * out) in a few elements of x against g: 0.3 % of the gradient's size for the
 * curvature, and three times what rounding of the outputs gives. At a kink g must lie between the slopes of both sides.
 * One element may be off: many small kinks look like a curve. */
static void differ(struct backend_ctx *c, const struct op_call *f, const float *weight, float *x, const float *g,
		   size_t n, const char *what)
{
	double size = 0, most = 0.05, noise, here = weighted(f, weight, &noise);
	size_t bad = 0;
	for (size_t i = 0; i < n; i++) {
		size = fmax(size, fabs((double)g[i]));
		most = fmax(most, fabs((double)x[i]));
	}
	for (size_t i = 0; i < n; i += 1 + n / 7) {
		float was = x[i];
		double h = 5e-4 * most, at[2], slope[2], tol = 3e-3 * size + 3 * noise / h;
		for (int side = 0; side < 2; side++) {
			x[i] = (float)(was + (side ? h : -h));
			at[side] = (double)x[i] - (double)was;
			slope[side] = (weighted(f, weight, &noise) - here) / at[side];
		}
		x[i] = was;
		double central = (slope[1] * at[1] - slope[0] * at[0]) / (at[1] - at[0]);
		int kink = fabs(slope[1] - slope[0]) > 2 * tol;
		double low = fmin(slope[0], slope[1]) - tol, high = fmax(slope[0], slope[1]) + tol;
		bad += kink ? !(low <= (double)g[i] && (double)g[i] <= high) : !(fabs(central - (double)g[i]) <= tol);
	}
	if (bad > 1)
		fail_msg("%s: op %s: %zu gradients in %s are no finite differences", c->name, f->op->name, bad, what);
}

/* r: the call that ref's backward has just answered, in expect. */
static void finite_differences(struct backend_ctx *c, const struct op_call *r)
{
	static const char *const names[] = { "in[0]", "in[1]" };
	struct op_call f = *r;
	int i = (int)(r->op - c->g->op), same = r->op->n_in > 1 && r->in[0] == r->in[1];
	float *out = floats((size_t)r->n * (size_t)r->out_size), *running = floats(2 * (size_t)r->out_shape.c);
	const float *weight = r->op->type == OP_XENT ? NULL : r->d_out;
	f.phase = PHASE_TRAIN;
	f.out = out;
	for (int k = 0; k < r->op->n_in; k++)
		f.in[k] = c->kept[i][same ? 0 : k];
	for (int k = 0; r->op->type == OP_NORM && k < 2; k++)
		f.param[2 + k] = running + k * r->out_shape.c;
	for (int k = 0; k < (same ? 1 : r->op->n_in); k++) {
		size_t n = (size_t)r->n * (size_t)r->in_size[k];
		if (!r->d_in[k])
			continue;
		float *g = floats(n);
		for (size_t j = 0; j < n; j++)
			g[j] = r->d_in[k][j] - (r->add[k] ? c->before[r->d_in[k] - c->expect + (ptrdiff_t)j] : 0);
		differ(c, &f, weight, c->kept[i][k], g, n, names[k]);
		free(g);
	}
	for (int k = 0; k < r->op->n_param; k++)
		if (r->d_param[k])
			differ(c, &f, weight, r->param[k], r->d_param[k], param_size(&c->g->param[r->op->param[k]]),
			       c->g->param[r->op->param[k]].name);
	free(out);
	free(running);
}

/* Floats of a gradient; *used of them, if that is not NULL, are what backward must write. */
static size_t gradient_size(const struct backend_ctx *c, const struct param *p, const struct batch *b, size_t *used)
{
	size_t n = param_size(p), row = n / (size_t)p->dim[0];
	int table = p->kind == PARAM_TABLE;
	if (used)
		*used = table ? (size_t)b->words->distinct * row : n;
	return table ? (size_t)c->g->max_words * row : n;
}

/* Host copies of the op's parameters; poison where their gradients go, there and here. */
static void copy_params(struct backend_ctx *c, const struct op_call *call, struct op_call *r, int backward)
{
	for (int k = 0; k < call->op->n_param; k++) {
		size_t n = param_size(&c->g->param[call->op->param[k]]);
		r->param[k] = floats(n);
		down(c, r->param[k], call->param[k], n);
		r->d_param[k] = NULL;
		if (!backward || !call->d_param[k])
			continue;
		n = gradient_size(c, &c->g->param[call->op->param[k]], call->batch, NULL);
		r->d_param[k] = floats(n);
		poison_all(r->d_param[k], n);
		up(c, call->d_param[k], r->d_param[k], n);
	}
}

static void compare_params(struct backend_ctx *c, const struct op_call *call, const struct op_call *r)
{
	for (int k = 0; k < call->op->n_param; k++) {
		const struct param *p = &c->g->param[call->op->param[k]];
		size_t n = param_size(p);
		float *now = floats(n);
		down(c, now, call->param[k], n);
		if (p->kind == PARAM_STATE)
			agree(c, call->op, p->name, now, r->param[k], n);
		else
			assert_memory_equal(now, r->param[k], n * sizeof *now);
		free(now);
		if (!r->d_param[k])
			continue;
		size_t used, all = gradient_size(c, p, call->batch, &used);
		now = floats(all);
		down(c, now, call->d_param[k], all);
		agree(c, call->op, p->name, now, r->d_param[k], used);
		assert_memory_equal(now + used, r->d_param[k] + used, (all - used) * sizeof *now);
		free(now);
	}
}

/* How much after a NORM the rounding of terms grows that cancel: of a channel that hardly varies, 1 / sqrt(eps) = 316
 * times, as 1 over its deviation; 1 where all vary. x: the batch, n rows of channels, as it was before. */
static double norm_grows(const float *x, size_t n, int channels, double eps)
{
	double most = 1;
	for (int k = 0; k < channels; k++) {
		double sum = 0, square = 0, mean;
		for (size_t i = 0; i < n; i++)
			sum += (double)x[i * (size_t)channels + (size_t)k];
		mean = sum / (double)n;
		for (size_t i = 0; i < n; i++)
			square += pow((double)x[i * (size_t)channels + (size_t)k] - mean, 2);
		most = fmax(most, 1 / sqrt(square / (double)n + eps));
	}
	return most < 30 ? 1 : most;
}

/* Fills `before` with what the op may see. */
static void lay_out(struct backend_ctx *c, const struct op_call *call, int backward)
{
	const struct op *op = call->op;
	size_t n = (size_t)call->n;
	poison_all(c->before, arena_size(c));
	for (int k = 0; k < op->n_in; k++) {
		if (!backward || (k == 0 && op_info[op->type].back_reads_in))
			show(c, call->in[k], n * (size_t)call->in_size[k]);
		if (backward && call->d_in[k] && call->add[k])
			show(c, call->d_in[k], n * (size_t)call->in_size[k]);
		if (!backward)
			memcpy(c->kept[op - c->g->op][k], in_copy(c, c->before, call->in[k]),
			       n * (size_t)call->in_size[k] * sizeof(float));
	}
	if (backward && op_back_reads_out(op))
		show(c, call->out, n * (size_t)call->out_size);
	c->least = 1e-3;
	if (backward && op->type != OP_XENT) {
		show(c, call->d_out, n * (size_t)call->out_size);
		for (size_t i = 0; i < n * (size_t)call->out_size; i++)
			c->least = fmax(c->least, fabs((double)in_copy(c, c->before, call->d_out)[i]));
		size_t places = (size_t)(call->out_shape.h * call->out_shape.w);
		c->least *= fmax(1, sqrt((double)(n * places)) / 8);
		if (op->type == OP_NORM)
			c->least *= norm_grows(in_copy(c, c->before, call->in[0]), n * places, call->out_shape.c,
					       op->norm.eps);
	}
	memcpy(c->expect, c->before, arena_size(c) * sizeof(float));
}

static int run_both(struct backend_ctx *c, const struct op_call *call, int backward, struct err *err)
{
	const struct backend *b = c->inner.b;
	int i = (int)(call->op - c->g->op), failed;
	struct op_call r = *call;
	float **host[] = { &c->truth, &c->before, &c->expect, &c->after };
	for (int k = 0; k < 4 && !c->after; k++)
		*host[k] = floats(arena_size(c));
	bury_the_dead(c, backward ? 2 * c->g->n_ops - 1 - i : i, call->n);
	lay_out(c, call, backward);
	copy_params(c, call, &r, backward);
	float *fixed = NULL;
	if (call->fixed) {
		size_t n = param_size(&c->g->param[call->op->param[0]]);
		fixed = floats(n);
		down(c, fixed, call->fixed, n);
	}
	r.fixed = fixed;
	r.state = c->ref_state[i];
	for (int k = 0; k < OP_IN; k++) {
		r.in[k] = in_copy(c, c->expect, call->in[k]);
		r.d_in[k] = in_copy(c, c->expect, call->d_in[k]);
	}
	r.out = in_copy(c, c->expect, call->out);
	r.d_out = in_copy(c, c->expect, call->d_out);
	up(c, c->g->arena, c->before, arena_size(c));
	failed = backward ? b->backward(c->inner.ctx, call, err) : b->forward(c->inner.ctx, call, err);
	failed |= backward ? backend_ref.backward(NULL, &r, err) : backend_ref.forward(NULL, &r, err);
	if (failed)
		return -1;
	down(c, c->after, c->g->arena, arena_size(c));
	compare_params(c, call, &r);
	if (backward && c->differences)
		finite_differences(c, &r);
	only_written(c, call, backward);
	up(c, c->g->arena, c->truth, arena_size(c));
	for (int k = 0; k < c->blocks; k++)
		guards_stand(c, k);
	free(fixed);
	gaps_between_params(c, 1);
	for (int k = 0; k < call->op->n_param; k++) {
		free(r.param[k]);
		free(r.d_param[k]);
	}
	return 0;
}

static int lock_forward(struct backend_ctx *c, const struct op_call *call, struct err *err)
{
	return run_both(c, call, 0, err);
}

static int lock_backward(struct backend_ctx *c, const struct op_call *call, struct err *err)
{
	return run_both(c, call, 1, err);
}

static int lock_update(struct backend_ctx *c, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
		       struct err *err)
{
	struct op what = { 0 };
	struct param q = *p;
	float *now[] = { p->w, p->g, p->s1, p->s2 }, **copy[] = { &q.w, &q.g, &q.s1, &q.s2 };
	size_t n = param_size(p);
	float *after = floats(n);
	for (int k = 0; k < 4; k++)
		if (now[k]) {
			*copy[k] = floats(n);
			down(c, *copy[k], now[k], n);
		}
	snprintf(what.name, sizeof what.name, "%s", p->name);
	if (c->inner.b->update(c->inner.ctx, p, u, rows, n_rows, err) ||
	    backend_ref.update(NULL, &q, u, rows, n_rows, err))
		return -1;
	for (int k = 0; k < 4; k++)
		if (now[k]) {
			down(c, after, now[k], n);
			agree(c, &what, "update", after, *copy[k], n);
			free(*copy[k]);
		}
	free(after);
	gaps_between_params(c, 1);
	return 0;
}

/* Never as one step: each op is looked at. */
static int lock_begin(struct backend_ctx *c, const struct graph *g, const struct batch *b, enum phase phase, int back,
		      const struct update *u, struct err *err)
{
	(void)back;
	(void)u;
	return c->inner.b->begin ? c->inner.b->begin(c->inner.ctx, g, b, phase, 0, NULL, err) : 0;
}

static int lock_end(struct backend_ctx *c, int failed, struct err *err)
{
	return c->inner.b->end ? c->inner.b->end(c->inner.ctx, failed, err) : 0;
}

static const struct backend lockstep = {
	.abi = BACKEND_ABI,
	.name = "lockstep",
	.alloc = lock_alloc,
	.release = lock_release,
	.upload = lock_upload,
	.download = lock_download,
	.begin = lock_begin,
	.end = lock_end,
	.supports = lock_supports,
	.prepare = lock_prepare,
	.unprepare = lock_unprepare,
	.forward = lock_forward,
	.backward = lock_backward,
	.update = lock_update,
};

/* Before graph_compile; g and c->inner stay the caller's. */
static struct device lockstep_open(struct backend_ctx *c, struct device inner, struct graph *g, const char *name,
				   double tol)
{
	*c = (struct backend_ctx){ .inner = inner, .g = g, .name = name, .tol = tol };
	setenv("VIC_CUDA_GRAPHS", "0", 1); /* each op is looked at, also in prediction */
	return (struct device){ .b = &lockstep, .ctx = c };
}

/* Before graph_release of g. */
static void lockstep_close(struct backend_ctx *c)
{
	float *host[] = { c->truth, c->before, c->expect, c->after };
	unsetenv("VIC_CUDA_GRAPHS");
	for (int i = 0; i < c->g->n_ops; i++) {
		if (c->ref_state[i])
			backend_ref.unprepare(NULL, &c->g->op[i], c->ref_state[i]);
		for (int k = 0; k < OP_IN; k++)
			free(c->kept[i][k]);
	}
	for (int k = 0; k < 4; k++)
		free(host[k]);
}

#endif
