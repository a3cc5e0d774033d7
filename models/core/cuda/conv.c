/* CONV by cuDNN. Parameters keep their filters as [out][in][kernel][kernel]; cuDNN reads a copy as
 * [out][kernel][kernel][in] in the type of values, which lies in the op's state, as that of a bias does. The
 * optimiser's kernel writes them along with the parameters; they are made anew when these were changed otherwise.
 * Where what comes in has pads (value.pitch) cuDNN is told of so many channels, and has weights of zero for those of
 * the pads, whose gradients are dropped. */
#include "kernels/kernels_conv.h"
#include "pipeline/base/mem.h"
#include "plans.h"

#include <stdlib.h>

enum { WORKSPACE_LEAST = 4 << 20, ALIGNED = 256 };

enum { FILTER, BIAS, COPIES }; /* as the op has them */

struct conv_state {
	struct conv_problem of; /* forward at the largest batch; `most`: what every plan may use */
	struct param_copy copy[COPIES];
	const struct conv_plan *plan[CONV_KINDS]; /* at the largest batch; NULL: not wanted */
};

static const struct {
	int (*pack)(const struct filter_args *a, cudaStream_t stream);
	int (*unpack)(const struct filter_args *a, cudaStream_t stream);
	int (*bias)(const struct bias_args *a, cudaStream_t stream);
	int (*column_sum)(const struct column_args *a, cudaStream_t stream);
} launch[] = {
	{ launch_filter_pack_f32, launch_filter_unpack_f32, launch_bias_f32, launch_column_sum_f32 },
	{ launch_filter_pack_bf16, launch_filter_unpack_bf16, launch_bias_bf16, launch_column_sum_bf16 },
};

static int is_bf16(const struct conv_state *s)
{
	return s->of.precision == PRECISION_BF16;
}

static size_t copy_bytes(const struct param_copy *c)
{
	return (size_t)c->out * (size_t)c->places * (size_t)c->pitch * (size_t)c->element;
}

static size_t rows_of(const struct conv_problem *of, int n)
{
	return (size_t)n * (size_t)of->out.h * (size_t)of->out.w;
}

/* The workspace: what a plan uses, then the gradient of the copy, or sums for a bias. */
static void *after_plan(const struct backend_ctx *ctx, const struct conv_state *s)
{
	return (char *)ctx->workspace + s->of.most;
}

/* What cuDNN reads for the k-th parameter. */
static const void *param_of(const struct conv_state *s, float *const *param, int k)
{
	return s->copy[k].to ? s->copy[k].to : param[k];
}

static int forward_run(struct backend_ctx *ctx, const struct conv_state *s, const struct conv_plan *p, const void *in,
		       float *const *param, void *out, struct err *err)
{
	struct bias_args bias = { .out = out, .bias = param[BIAS], .rows = rows_of(&p->of, p->of.n),
				  .columns = (size_t)p->of.out.c };
	if (conv_plan_run(p, ctx, in, param_of(s, param, FILTER), out, param_of(s, param, BIAS), err))
		return -1;
	return s->of.bias && !p->of.bias ? launched(launch[is_bf16(s)].bias(&bias, ctx->stream), "bias", err) : 0;
}

/* Plans are tried where they will run: between the op's values, which hold nothing yet, and their gradients. The
 * filter's gradient goes behind the plan's workspace. */
struct trial {
	const struct conv_state *s;
	void *in, *out, *d_in, *d_out;
	float *param[COPIES];
};

static struct trial trial_of(const struct conv_state *s, const struct op *op, const struct graph *g)
{
	char *arena = g->arena;
	size_t n = (size_t)g->max_n;
	const struct value *in = &g->value[op->in[0]], *out = &g->value[op->out];
	struct trial t = { s, arena + in->at * n, arena + out->at * n, arena + in->d_at * n, arena + out->d_at * n,
			   { NULL } };
	for (int k = 0; k < op->n_param; k++)
		t.param[k] = g->param[op->param[k]].w;
	return t;
}

/* As conv_trial.run. */
static int trial_run(struct backend_ctx *ctx, const struct conv_plan *p, const void *with, struct err *err)
{
	const struct trial *t = with;
	void *after = (char *)ctx->workspace + ((size_t)p->engine.workspace + ALIGNED - 1) / ALIGNED * ALIGNED;
	if (p->of.kind == CONV_FORWARD)
		return forward_run(ctx, t->s, p, t->in, t->param, t->out, err);
	if (p->of.kind == CONV_FILTER)
		return conv_plan_run(p, ctx, t->in, after, t->d_out, NULL, err);
	return conv_plan_run(p, ctx, t->d_in, param_of(t->s, t->param, FILTER), t->d_out, NULL, err);
}

/* The plan for that, borrowed; `tune`: NULL, or where plans are tried. */
static const struct conv_plan *plan_for(struct backend_ctx *ctx, const struct conv_state *s, enum conv_kind kind,
					int n, int add, const struct trial *tune, struct err *err)
{
	struct conv_trial trial = { trial_run, tune, copy_bytes(&s->copy[FILTER]) + ALIGNED };
	struct conv_problem of = s->of;
	of.kind = kind;
	of.n = n;
	of.add = add;
	of.bias = s->of.bias && kind == CONV_FORWARD;
	return conv_plan_of(ctx, &of, tune ? &trial : NULL, err);
}

const struct conv_plan *conv_planned(const void *state, enum conv_kind kind)
{
	return ((const struct conv_state *)state)->plan[kind];
}

static void conv_unprepare(struct backend_ctx *ctx, void *state)
{
	struct conv_state *s = state;
	for (int k = 0; k < COPIES; k++)
		gpu_free(ctx, s->copy[k].to);
	free(s);
}

/* Plans what the graph will ask for, so that failures come here, and lowers `most` to what the largest batch uses:
 * smaller ones must do with it. */
static int plan_all(struct backend_ctx *ctx, struct conv_state *s, const struct op *op, const struct graph *g,
		    int training, struct err *err)
{
	const struct value *in = &g->value[op->in[0]];
	int backward = training && g->value[op->out].wanted, data = backward && in->wanted;
	const struct {
		enum conv_kind kind;
		int needed, add;
	} plan[] = { { CONV_FORWARD, 1, 0 },
		     { CONV_FILTER, backward && param_trained(&g->param[op->param[0]]), 0 },
		     { CONV_DATA, data, 0 },
		     { CONV_DATA, data && in->readers > 1, 1 } };
	struct trial trial = trial_of(s, op, g);
	const struct trial *tune = ctx->tune && g->arena ? &trial : NULL;
	size_t most = WORKSPACE_LEAST;
	for (int i = 0; i < 4; i++) {
		const struct conv_plan *p =
			plan[i].needed ? plan_for(ctx, s, plan[i].kind, s->of.n, plan[i].add, tune, err) : NULL;
		if (plan[i].needed && !p)
			return -1;
		if (!p)
			continue;
		if (!s->plan[plan[i].kind])
			s->plan[plan[i].kind] = p;
		if ((size_t)p->engine.workspace > most)
			most = ((size_t)p->engine.workspace + ALIGNED - 1) / ALIGNED * ALIGNED;
	}
	s->of.most = most;
	return 0;
}

/* Values that stay float32 where others have 16 bits are computed as in tf32. */
static enum precision precision_of(const struct backend_ctx *ctx, const struct value *out)
{
	return ctx->precision == PRECISION_BF16 && out->element != 2 ? PRECISION_TF32 : ctx->precision;
}

/* Where a parameter does not serve as it is: with one place or one channel both layouts are one. */
static int copies_make(struct backend_ctx *ctx, struct conv_state *s, struct err *err)
{
	for (int k = 0; k < COPIES; k++) {
		struct param_copy *c = &s->copy[k];
		int same = !is_bf16(s) && (c->places == 1 || c->in == 1);
		if (!same && (k == FILTER || s->of.bias) && gpu_alloc(ctx, &c->to, copy_bytes(c), err))
			return -1;
	}
	return 0;
}

static int conv_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	struct conv_state *s;
	struct conv_problem of = { .kind = CONV_FORWARD,
				   .n = max_n,
				   .kernel = op->conv.kernel,
				   .stride = op->conv.stride,
				   .pad = op->conv.pad,
				   .groups = op->conv.groups,
				   .in = value_laid(&g->value[op->in[0]]),
				   .out = g->value[op->out].shape,
				   .precision = precision_of(ctx, &g->value[op->out]),
				   .bias = op->n_param > BIAS,
				   .most = conv_workspace_most(ctx->card.bytes) };
	if (dnn_open(ctx, err) || mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->of = of;
	int element = is_bf16(s) ? sizeof(uint16_t) : sizeof(float);
	s->copy[FILTER] = (struct param_copy){ .out = of.out.c, .places = of.kernel * of.kernel,
					       .in = g->value[op->in[0]].shape.c / of.groups,
					       .pitch = of.in.c / of.groups, .element = element };
	s->copy[BIAS] = (struct param_copy){ .out = of.out.c, .places = 1, .in = 1, .pitch = 1, .element = element };
	size_t after = copy_bytes(&s->copy[FILTER]);
	size_t sums = column_parts(rows_of(&of, max_n)) * (size_t)of.out.c * sizeof(float);
	if (copies_make(ctx, s, err) || plan_all(ctx, s, op, g, training, err) ||
	    workspace_need(ctx, s->of.most + (after > sums ? after : sums), err)) {
		conv_unprepare(ctx, s);
		return -1;
	}
	*state = s;
	return 0;
}

static int copy_refresh(struct backend_ctx *ctx, const struct conv_state *s, struct param_copy *c, const float *from,
			uint32_t version, struct err *err)
{
	struct filter_args a = { .from = from, .to = c->to, .out = (size_t)c->out, .in = c->in, .places = c->places,
				 .pitch = c->pitch };
	if (!c->to || c->version == version + 1)
		return 0;
	c->version = version + 1;
	return launched(launch[is_bf16(s)].pack(&a, ctx->stream), "filter_pack", err);
}

/* The state of op i where it is a CONV that was prepared, or NULL. */
static struct conv_state *state_of(const struct graph *g, int i)
{
	return g->state && g->op[i].type == OP_CONV ? g->state[i] : NULL;
}

int copies_refresh(struct backend_ctx *ctx, const struct graph *g, struct err *err)
{
	for (int i = 0; i < g->n_ops; i++) {
		struct conv_state *s = state_of(g, i);
		for (int k = 0; s && k < g->op[i].n_param; k++)
			if (copy_refresh(ctx, s, &s->copy[k], g->param[g->op[i].param[k]].w, g->version, err))
				return err_context(err, "%s", g->op[i].name);
	}
	return 0;
}

const struct param_copy *copy_updated(const struct graph *g, int i, int k)
{
	const struct conv_state *s = state_of(g, i);
	const struct param *p = &g->param[g->op[i].param[k]];
	/* a constraint on norms comes after it */
	return s && s->copy[k].to && param_trained(p) && p->max_norm <= 0 ? &s->copy[k] : NULL;
}

void copies_updated(const struct graph *g, uint32_t version)
{
	for (int i = 0; i < g->n_ops; i++) {
		struct conv_state *s = state_of(g, i);
		for (int k = 0; s && k < g->op[i].n_param; k++) {
			int frozen = !param_trained(&g->param[g->op[i].param[k]]);
			if (copy_updated(g, i, k) || (frozen && s->copy[k].version == version))
				s->copy[k].version = version + 1;
		}
	}
}

static int conv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv_state *s = c->state;
	const struct conv_plan *p = plan_for(ctx, s, CONV_FORWARD, c->n, 0, NULL, err);
	for (int k = 0; k < c->op->n_param; k++)
		if (copy_refresh(ctx, s, &s->copy[k], c->param[k], c->version, err))
			return -1;
	return p ? forward_run(ctx, s, p, c->in[0], c->param, c->out, err) : -1;
}

static int filter_gradient(struct backend_ctx *ctx, struct conv_state *s, const struct op_call *c, struct err *err)
{
	const struct param_copy *f = &s->copy[FILTER];
	void *to = f->to ? after_plan(ctx, s) : c->d_param[FILTER];
	struct filter_args a = { .from = to, .to = c->d_param[FILTER], .out = (size_t)f->out, .in = f->in,
				 .places = f->places, .pitch = f->pitch };
	const struct conv_plan *p = plan_for(ctx, s, CONV_FILTER, c->n, 0, NULL, err);
	if (!p || conv_plan_run(p, ctx, c->in[0], to, c->d_out, NULL, err))
		return -1;
	return f->to ? launched(launch[is_bf16(s)].unpack(&a, ctx->stream), "filter_unpack", err) : 0;
}

static int bias_gradient(struct backend_ctx *ctx, struct conv_state *s, const struct op_call *c, struct err *err)
{
	struct column_args a = { .from = c->d_out,
				 .part = after_plan(ctx, s),
				 .sum = c->d_param[BIAS],
				 .rows = rows_of(&s->of, c->n),
				 .columns = (size_t)s->of.out.c };
	return launched(launch[is_bf16(s)].column_sum(&a, ctx->stream), "column_sum", err);
}

static int conv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv_state *s = c->state;
	if ((c->d_param[FILTER] && filter_gradient(ctx, s, c, err)) ||
	    (s->of.bias && c->d_param[BIAS] && bias_gradient(ctx, s, c, err)))
		return -1;
	if (!c->d_in[0])
		return 0;
	const struct conv_plan *p = plan_for(ctx, s, CONV_DATA, c->n, c->add[0], NULL, err);
	return p ? conv_plan_run(p, ctx, c->d_in[0], param_of(s, c->param, FILTER), c->d_out, NULL, err) : -1;
}

const struct cuda_op cuda_conv = { conv_forward, conv_backward, conv_prepare, conv_unprepare };
