/* RELU, ADD, MIX and DROPOUT. */
#include "cuda.h"
#include "kernels/kernels.h"
#include "models/core/mask.h"

static size_t batch_size(const struct op_call *c)
{
	return (size_t)c->n * (size_t)c->out_size;
}

/* to[0] and to[1] = factor * from, or +=; a NULL is not written. */
static int give_both(struct backend_ctx *ctx, const struct op_call *c, const void *from, float *const to[2],
		     const int add[2], double factor, struct err *err)
{
	struct give_args a = { .in = from,
			       .to = { to[0], to[1] },
			       .add = { add[0], add[1] },
			       .factor = (float)factor,
			       .n = batch_size(c) };
	return launched(STORED(c, launch_give)(&a, ctx->stream), "give", err);
}

/* out = factor * in[0] */
static int scaled_forward(struct backend_ctx *ctx, const struct op_call *c, double factor, struct err *err)
{
	return give_both(ctx, c, c->in[0], (float *const[]){ c->out, NULL }, (const int[2]){ 0 }, factor, err);
}

static int relu_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct relu_args a = { .in = c->in[0], .out = c->out, .n = batch_size(c) };
	return launched(STORED(c, launch_relu)(&a, ctx->stream), "relu", err);
}

static int relu_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct relu_args a = {
		.in = c->d_out, .mask = c->out, .out = c->d_in[0], .n = batch_size(c), .add = c->add[0]
	};
	return c->d_in[0] ? launched(STORED(c, launch_relu_backward)(&a, ctx->stream), "relu_backward", err) : 0;
}

static int add_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct sum_args a = { .in = { c->in[0], c->in[1] }, .out = c->out, .n = batch_size(c) };
	return launched(STORED(c, launch_sum)(&a, ctx->stream), "sum", err);
}

static int add_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return c->d_in[0] || c->d_in[1] ? give_both(ctx, c, c->d_out, c->d_in, c->add, 1, err) : 0;
}

/* MIX. State of one that trains: device memory for mix_args' begin and readers. */
static int mix_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err)
{
	(void)op;
	(void)g;
	return training ? gpu_alloc(ctx, state, (2 * (size_t)max_n + 1) * sizeof(uint32_t), err) : 0;
}

static struct mix_args mix_args_of(const struct backend_ctx *ctx, const struct op_call *c)
{
	const struct step_block *s = block_of(ctx);
	uint32_t *begin = c->state;
	return (struct mix_args){ .n = c->n,
				  .size = c->out_size,
				  .lambda = s->lambda,
				  .partner = s->partner,
				  .begin = begin,
				  .readers = begin ? begin + c->n + 1 : NULL };
}

static int mix_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct mix_args a = mix_args_of(ctx, c);
	if (!batch_mixes_at(c->batch, c->op->mix.layer))
		return scaled_forward(ctx, c, 1, err);
	a.in = c->in[0];
	a.out = c->out;
	return launched(STORED(c, launch_mix)(&a, ctx->stream), "mix", err);
}

static int mix_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct mix_args a = mix_args_of(ctx, c);
	if (!c->d_in[0])
		return 0;
	if (!batch_mixes_at(c->batch, c->op->mix.layer))
		return give_both(ctx, c, c->d_out, (float *const[]){ c->d_in[0], NULL }, c->add, 1, err);
	a.in = c->d_out;
	a.out = c->d_in[0];
	a.add = c->add[0];
	return launched(STORED(c, launch_mix_backward)(&a, ctx->stream), "mix_backward", err);
}

/* DROPOUT */
static double kept_factor(const struct op *op)
{
	return op->dropout.inverted ? 1 / (1 - op->dropout.rate) : 1;
}

static int dropout_pass(struct backend_ctx *ctx, const struct op_call *c, const float *from, float *to, int add,
			struct err *err)
{
	const struct step_block *s = block_of(ctx);
	struct dropout_args a = { .in = from,
				  .out = to,
				  .n = c->n,
				  .size = c->out_size,
				  .add = add,
				  .below = mask_threshold(c->op->dropout.rate),
				  .purpose = RNG_DROPOUT | c->op->dropout.layer << 8,
				  .on = (float)kept_factor(c->op),
				  .step = s->step,
				  .sample = s->sample };
	if (!(c->op->dropout.rate > 0))
		return give_both(ctx, c, from, (float *const[]){ to, NULL }, (const int[2]){ add }, a.on, err);
	return launched(STORED(c, launch_dropout)(&a, ctx->stream), "dropout", err);
}

static int dropout_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	if (c->phase == PHASE_PREDICT)
		return scaled_forward(ctx, c, c->op->dropout.inverted ? 1 : 1 - c->op->dropout.rate, err);
	return dropout_pass(ctx, c, c->in[0], c->out, 0, err);
}

static int dropout_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return c->d_in[0] ? dropout_pass(ctx, c, c->d_out, c->d_in[0], c->add[0], err) : 0;
}

const struct cuda_op cuda_relu = { relu_forward, relu_backward, NULL, NULL };
const struct cuda_op cuda_add = { add_forward, add_backward, NULL, NULL };
const struct cuda_op cuda_mix = { mix_forward, mix_backward, mix_prepare, gpu_free };
const struct cuda_op cuda_dropout = { dropout_forward, dropout_backward, NULL, NULL };
