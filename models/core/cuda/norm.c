/* NORM, by our kernels; in training by cuDNN's where VIC_CUDA_NORM=cudnn asks for them (plans.h). Of what cuDNN has no
 * engine for, the gradient behind a ReLU is a pass of ours before it, and that of what was added one after it; ours
 * alone are prediction, sums without a ReLU, batches of one row (whose variance has no unbiased estimate), gradients
 * that are added to another reader's, and those of ops whose parameters are frozen. Both leave the same moments, so
 * either's gradient follows either. */
#include "kernels/kernels.h"
#include "pipeline/base/mem.h"
#include "plans.h"

#include <stdlib.h>
#include <string.h>

enum { WORKSPACE_LEAST = 4 << 20, ALIGNED = 256 };

enum { MEAN, INV, SUM, SUM2, MOMENTS };

struct norm_state {
	float *moments; /* device memory [MOMENTS][row]: norm_args' mean, inv and sum */
	size_t row;     /* channels, up to a multiple of 4: cuDNN takes no others for aligned */
	size_t most;    /* bytes of workspace that cuDNN's plans may use; behind them lie gradients behind a ReLU */
	int by_cudnn;
};

int norm_engine_read(struct backend_ctx *ctx, struct err *err)
{
	const char *engine = getenv("VIC_CUDA_NORM");
	ctx->norm_by_cudnn = engine && !strcmp(engine, "cudnn");
	return !engine || !*engine || ctx->norm_by_cudnn || !strcmp(engine, "own")
		       ? 0
		       : err_usage(err, "VIC_CUDA_NORM=%s: is neither own nor cudnn", engine);
}

int norm_planned(const void *state)
{
	return ((const struct norm_state *)state)->by_cudnn;
}

static void norm_unprepare(struct backend_ctx *ctx, void *state)
{
	struct norm_state *s = state;
	gpu_free(ctx, s->moments);
	free(s);
}

static struct norm_problem problem_of(const struct norm_state *s, const struct op *op, enum norm_kind kind, int n,
				      struct shape shape, int element)
{
	int forward = kind == NORM_TRAIN;
	return (struct norm_problem){ .kind = kind, .n = n, .shape = shape, .bf16 = element == 2,
				      .rest = forward && op->n_in > 1, .relu = forward && op->norm.relu,
				      .most = s->most };
}

/* Plans what training will ask for, so that failures come here, and lowers `most` to what the largest batch uses. */
static int norm_plan_all(struct backend_ctx *ctx, struct norm_state *s, const struct op *op, const struct graph *g,
			 int max_n, struct err *err)
{
	const struct value *out = &g->value[op->out];
	size_t most = WORKSPACE_LEAST, masked = op->norm.relu ? (size_t)max_n * shape_size(out->shape) : 0;
	if (dnn_open(ctx, err))
		return -1;
	s->most = conv_workspace_most(ctx->card.bytes);
	for (int kind = 0; kind < (out->wanted ? NORM_KINDS : 1); kind++) {
		const struct norm_problem of = problem_of(s, op, (enum norm_kind)kind, max_n, out->shape, out->element);
		const struct norm_plan *p = norm_plan_of(ctx, &of, err);
		if (!p)
			return -1;
		if ((size_t)p->engine.workspace > most)
			most = ((size_t)p->engine.workspace + ALIGNED - 1) / ALIGNED * ALIGNED;
	}
	s->most = most;
	return workspace_need(ctx, most + masked * (size_t)out->element, err);
}

static int norm_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	struct norm_state *s;
	size_t rows = (size_t)max_n * shape_size(g->value[op->out].shape) / (size_t)g->value[op->out].shape.c;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->by_cudnn = training && ctx->norm_by_cudnn && rows > 1 && (op->n_in == 1 || op->norm.relu);
	s->row = ((size_t)g->value[op->out].shape.c + 3) / 4 * 4;
	if ((training && workspace_need(ctx, (size_t)2 * NORM_PART * sizeof(float), err)) ||
	    (s->by_cudnn && norm_plan_all(ctx, s, op, g, max_n, err)) ||
	    gpu_alloc(ctx, (void **)&s->moments, s->row * MOMENTS * sizeof(float), err)) {
		norm_unprepare(ctx, s);
		return -1;
	}
	*state = s;
	return 0;
}

static size_t rows_of(const struct op_call *c)
{
	return (size_t)c->n * (size_t)c->out_shape.h * (size_t)c->out_shape.w;
}

static struct norm_args norm_args_of(const struct backend_ctx *ctx, const struct op_call *c)
{
	const struct norm_state *s = c->state;
	float *part = ctx->workspace;
	return (struct norm_args){ .in = c->in[0],
				   .rest = c->op->n_in > 1 ? c->in[1] : NULL,
				   .out = c->out,
				   .rows = rows_of(c),
				   .c = c->out_shape.c,
				   .relu = c->op->norm.relu,
				   .eps = (float)c->op->norm.eps,
				   .momentum = (float)c->op->norm.momentum,
				   .gamma = c->param[0],
				   .beta = c->param[1],
				   .running_mean = c->param[2],
				   .running_var = c->param[3],
				   .mean = s->moments + MEAN * s->row,
				   .inv = s->moments + INV * s->row,
				   .part = { part, part + NORM_PART },
				   .sum = { s->moments + SUM * s->row, s->moments + SUM2 * s->row },
				   .d_out = c->d_out,
				   .d_in = c->d_in[0],
				   .d_rest = c->op->n_in > 1 ? c->d_in[1] : NULL,
				   .add = c->add[0],
				   .add_rest = c->add[1],
				   .d_gamma = c->d_param[0],
				   .d_beta = c->d_param[1] };
}

/* cuDNN's plan for the call. */
static const struct norm_plan *plan_for(struct backend_ctx *ctx, const struct op_call *c, enum norm_kind kind,
					struct err *err)
{
	const struct norm_problem of = problem_of(c->state, c->op, kind, c->n, c->out_shape, c->out_element);
	return norm_plan_of(ctx, &of, err);
}

static int forward_by_cudnn(struct backend_ctx *ctx, const struct norm_args *a, const struct op_call *c,
			    struct err *err)
{
	const void *const at[NORM_TENSORS] = { [NORM_X] = a->in,
					       [NORM_Y] = a->out,
					       [NORM_REST] = a->rest,
					       [NORM_SCALE] = a->gamma,
					       [NORM_SHIFT] = a->beta,
					       [NORM_MEAN] = a->mean,
					       [NORM_INV] = a->inv,
					       [NORM_RUNNING_MEAN] = a->running_mean,
					       [NORM_RUNNING_VAR] = a->running_var,
					       [NORM_NEXT_MEAN] = a->running_mean,
					       [NORM_NEXT_VAR] = a->running_var,
					       [NORM_EPS] = &a->eps,
					       [NORM_MOMENTUM] = &a->momentum };
	const struct norm_plan *p = plan_for(ctx, c, NORM_TRAIN, err);
	return p ? norm_plan_run(p, ctx, at, err) : -1;
}

static int norm_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct norm_state *s = c->state;
	struct norm_args a = norm_args_of(ctx, c);
	if (s->by_cudnn && c->phase == PHASE_TRAIN && a.rows > 1)
		return forward_by_cudnn(ctx, &a, c, err);
	int status = c->phase == PHASE_TRAIN ? STORED(c, launch_norm_moments)(&a, ctx->stream)
					     : STORED(c, launch_norm_running)(&a, ctx->stream);
	if (launched(status, "norm_moments", err))
		return -1;
	return launched(STORED(c, launch_norm_forward)(&a, ctx->stream), "norm_forward", err);
}

/* What comes through the ReLU goes where the gradient of what was added goes, if that is to be overwritten: they are
 * the same. */
static int backward_by_cudnn(struct backend_ctx *ctx, struct norm_args *a, const struct op_call *c, struct err *err)
{
	const struct norm_state *s = c->state;
	void *through = a->d_rest && !a->add_rest ? a->d_rest : (char *)ctx->workspace + s->most;
	struct relu_args mask = { .in = c->d_out, .mask = c->out, .out = through,
				  .n = a->rows * (size_t)c->out_shape.c };
	if (a->relu && launched(STORED(c, launch_relu_backward)(&mask, ctx->stream), "relu_backward", err))
		return -1;
	const void *const at[NORM_TENSORS] = { [NORM_X] = a->in,	   [NORM_DY] = a->relu ? through : c->d_out,
					       [NORM_DX] = a->d_in,	   [NORM_SCALE] = a->gamma,
					       [NORM_MEAN] = a->mean,	   [NORM_INV] = a->inv,
					       [NORM_DSCALE] = a->d_gamma, [NORM_DSHIFT] = a->d_beta };
	const struct norm_plan *p = plan_for(ctx, c, NORM_GRADIENT, err);
	if (!p || norm_plan_run(p, ctx, at, err))
		return -1;
	if (!a->d_rest || (a->relu && through == a->d_rest))
		return 0;
	a->d_in = NULL;
	return launched(STORED(c, launch_norm_backward)(a, ctx->stream), "norm_backward", err);
}

static int norm_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct norm_state *s = c->state;
	struct norm_args a = norm_args_of(ctx, c);
	if (s->by_cudnn && a.rows > 1 && a.d_in && !a.add && a.d_gamma && a.d_beta)
		return backward_by_cudnn(ctx, &a, c, err);
	if ((a.d_in || a.d_gamma || a.d_beta) &&
	    launched(STORED(c, launch_norm_sums)(&a, ctx->stream), "norm_sums", err))
		return -1;
	if (!a.d_in && !a.d_rest)
		return 0;
	return launched(STORED(c, launch_norm_backward)(&a, ctx->stream), "norm_backward", err);
}

const struct cuda_op cuda_norm = { norm_forward, norm_backward, norm_prepare, norm_unprepare };
