/* CONV by cuDNN. Parameters keep their filters as [out][in][kernel][kernel]; cuDNN reads a copy as
 * [out][kernel][kernel][in] in the type of values, which lies in the op's state. The optimiser's kernel writes it along
 * with the filter; it is made anew when the parameters were changed otherwise. */
#include "kernels/kernels_conv.h"
#include "pipeline/base/mem.h"
#include "plans.h"

#include <stdlib.h>

enum { WORKSPACE_MOST = 256 << 20, WORKSPACE_LEAST = 4 << 20 };

struct conv_state {
	struct conv_problem of; /* forward at the largest batch; `most`: what every plan may use */
	struct filter_copy copy;
	struct conv_plan *plan; /* one for each kind, batch size and add that was met */
	size_t plans, cap;
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

/* Channels that the copy of a filter has. */
static int filter_channels(const struct conv_problem *of)
{
	return of->in.c / of->groups;
}

static size_t filter_bytes(const struct conv_problem *of)
{
	size_t size = (size_t)of->out.c * (size_t)(of->kernel * of->kernel) * (size_t)filter_channels(of);
	return size * (of->precision == PRECISION_BF16 ? sizeof(uint16_t) : sizeof(float));
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

/* The plan for that, made when it is first asked for. Borrowed until the next call. */
static const struct conv_plan *plan_for(struct backend_ctx *ctx, struct conv_state *s, enum conv_kind kind, int n,
					int add, struct err *err)
{
	struct conv_problem of = s->of;
	for (size_t i = 0; i < s->plans; i++) {
		const struct conv_problem *p = &s->plan[i].of;
		if (p->kind == kind && p->n == n && p->add == add)
			return &s->plan[i];
	}
	of.kind = kind;
	of.n = n;
	of.add = add;
	if (mem_grow(&s->plan, &s->cap, s->plans + 1, sizeof *s->plan, err) ||
	    conv_plan_make(&s->plan[s->plans], &of, ctx->properties, err))
		return NULL;
	return &s->plan[s->plans++];
}

const struct conv_plan *conv_planned(const void *state, enum conv_kind kind)
{
	const struct conv_state *s = state;
	for (size_t i = 0; i < s->plans; i++)
		if (s->plan[i].of.kind == kind && s->plan[i].of.n == s->of.n)
			return &s->plan[i];
	return NULL;
}

static void conv_unprepare(struct backend_ctx *ctx, void *state)
{
	struct conv_state *s = state;
	for (size_t i = 0; i < s->plans; i++)
		conv_plan_release(&s->plan[i]);
	gpu_free(ctx, s->copy.to);
	free(s->plan);
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
	size_t most = WORKSPACE_LEAST;
	for (int i = 0; i < 4; i++) {
		const struct conv_plan *p = plan[i].needed ? plan_for(ctx, s, plan[i].kind, s->of.n, plan[i].add, err)
							   : NULL;
		if (plan[i].needed && !p)
			return -1;
		if (p && (size_t)p->workspace > most)
			most = ((size_t)p->workspace + 255) / 256 * 256;
	}
	s->of.most = most;
	return 0;
}

/* Values that stay float32 where others have 16 bits are computed as in tf32. */
static enum precision precision_of(const struct backend_ctx *ctx, const struct value *out)
{
	return ctx->precision == PRECISION_BF16 && out->element != 2 ? PRECISION_TF32 : ctx->precision;
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
				   .in = g->value[op->in[0]].shape,
				   .out = g->value[op->out].shape,
				   .precision = precision_of(ctx, &g->value[op->out]),
				   .most = WORKSPACE_MOST };
	if (dnn_open(ctx, err) || mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->of = of;
	s->copy.places = of.kernel * of.kernel;
	s->copy.element = is_bf16(s) ? sizeof(uint16_t) : sizeof(float);
	/* with one place or one channel both layouts are one */
	int same = !is_bf16(s) && (of.kernel == 1 || filter_channels(&of) == 1);
	size_t after = filter_bytes(&of), sums = column_parts(rows_of(&of, max_n)) * (size_t)of.out.c * sizeof(float);
	if (plan_all(ctx, s, op, g, training, err) ||
	    (!same && gpu_alloc(ctx, &s->copy.to, filter_bytes(&of), err)) ||
	    workspace_need(ctx, s->of.most + (after > sums ? after : sums), err)) {
		conv_unprepare(ctx, s);
		return -1;
	}
	*state = s;
	return 0;
}

static int copy_refresh(struct backend_ctx *ctx, struct conv_state *s, const float *from, uint32_t version,
			struct err *err)
{
	struct filter_args a = { .from = from,
				 .to = s->copy.to,
				 .out = (size_t)s->of.out.c,
				 .in = filter_channels(&s->of),
				 .places = s->copy.places };
	if (!s->copy.to || s->copy.version == version + 1)
		return 0;
	s->copy.version = version + 1;
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
		if (s && copy_refresh(ctx, s, g->param[g->op[i].param[0]].w, g->version, err))
			return err_context(err, "%s", g->op[i].name);
	}
	return 0;
}

const struct filter_copy *copy_updated(const struct graph *g, int i)
{
	const struct conv_state *s = state_of(g, i);
	const struct param *p = s ? &g->param[g->op[i].param[0]] : NULL;
	/* a constraint on norms comes after it */
	return p && s->copy.to && param_trained(p) && p->max_norm <= 0 ? &s->copy : NULL;
}

void copies_updated(const struct graph *g, uint32_t version)
{
	for (int i = 0; i < g->n_ops; i++) {
		struct conv_state *s = state_of(g, i);
		int frozen = s && !param_trained(&g->param[g->op[i].param[0]]);
		if (copy_updated(g, i) || (frozen && s->copy.version == version))
			s->copy.version = version + 1;
	}
}

static const void *filter_of(const struct conv_state *s, const struct op_call *c)
{
	return s->copy.to ? s->copy.to : c->param[0];
}

static int conv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv_state *s = c->state;
	struct bias_args bias = { .out = c->out, .bias = c->param[1], .rows = rows_of(&s->of, c->n),
				  .columns = (size_t)s->of.out.c };
	const struct conv_plan *p = plan_for(ctx, s, CONV_FORWARD, c->n, 0, err);
	if (!p || copy_refresh(ctx, s, c->param[0], c->version, err) ||
	    conv_plan_run(p, ctx, c->in[0], filter_of(s, c), c->out, err))
		return -1;
	return c->op->n_param > 1 ? launched(launch[is_bf16(s)].bias(&bias, ctx->stream), "bias", err) : 0;
}

static int filter_gradient(struct backend_ctx *ctx, struct conv_state *s, const struct op_call *c, struct err *err)
{
	void *to = s->copy.to ? after_plan(ctx, s) : c->d_param[0];
	struct filter_args a = { .from = to,
				 .to = c->d_param[0],
				 .out = (size_t)s->of.out.c,
				 .in = filter_channels(&s->of),
				 .places = s->copy.places };
	const struct conv_plan *p = plan_for(ctx, s, CONV_FILTER, c->n, 0, err);
	if (!p || conv_plan_run(p, ctx, c->in[0], to, c->d_out, err))
		return -1;
	return s->copy.to ? launched(launch[is_bf16(s)].unpack(&a, ctx->stream), "filter_unpack", err) : 0;
}

static int bias_gradient(struct backend_ctx *ctx, struct conv_state *s, const struct op_call *c, struct err *err)
{
	struct column_args a = { .from = c->d_out,
				 .part = after_plan(ctx, s),
				 .sum = c->d_param[1],
				 .rows = rows_of(&s->of, c->n),
				 .columns = (size_t)s->of.out.c };
	return launched(launch[is_bf16(s)].column_sum(&a, ctx->stream), "column_sum", err);
}

static int conv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct conv_state *s = c->state;
	if ((c->d_param[0] && filter_gradient(ctx, s, c, err)) ||
	    (c->op->n_param > 1 && c->d_param[1] && bias_gradient(ctx, s, c, err)))
		return -1;
	if (!c->d_in[0])
		return 0;
	const struct conv_plan *p = plan_for(ctx, s, CONV_DATA, c->n, c->add[0], err);
	return p ? conv_plan_run(p, ctx, c->d_in[0], filter_of(s, c), c->d_out, err) : -1;
}

const struct cuda_op cuda_conv = { conv_forward, conv_backward, conv_prepare, conv_unprepare };
