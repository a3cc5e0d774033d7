/* XENT. */
#include "cuda.h"
#include "kernels/kernels.h"

static struct xent_args xent_args_of(const struct backend_ctx *ctx, const struct op_call *c)
{
	return (struct xent_args){ .logits = c->in[0],
				   .target = block_of(ctx)->target,
				   .loss = c->out,
				   .d_logits = c->d_in[0],
				   .n = c->n,
				   .classes = c->in_size[0],
				   .bce = c->op->xent.bce,
				   .erl = (float)c->op->xent.erl };
}

static int xent_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct xent_args a = xent_args_of(ctx, c);
	return launched(launch_xent(&a, ctx->stream), "xent", err);
}

static int xent_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct xent_args a = xent_args_of(ctx, c);
	return c->d_in[0] ? launched(launch_xent_backward(&a, ctx->stream), "xent_backward", err) : 0;
}

const struct cuda_op cuda_xent = { xent_forward, xent_backward, NULL, NULL };
