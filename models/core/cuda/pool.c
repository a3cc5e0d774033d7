/* POOL. State of one that trains and takes maxima: device memory for pool_args' place. */
#include "cuda.h"
#include "kernels/kernels.h"

static int averages(const struct op *op)
{
	return op->pool.average || op->pool.kernel == 0;
}

static int pool_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			void **state, struct err *err)
{
	if (!averages(op) && op->pool.kernel > 255)
		return err_set(err, "a maximum over %d x %d places is more than the device keeps", op->pool.kernel,
			       op->pool.kernel);
	if (!training || averages(op))
		return 0;
	return gpu_alloc(ctx, state, shape_size(g->value[op->out].shape) * (size_t)max_n * sizeof(uint16_t), err);
}

static struct pool_args pool_args_of(const struct op_call *c)
{
	int whole = c->op->pool.kernel == 0;
	return (struct pool_args){ .place = c->state,
				   .n = c->n,
				   .c = c->out_shape.c,
				   .h = c->in_shape[0].h,
				   .w = c->in_shape[0].w,
				   .to_h = c->out_shape.h,
				   .to_w = c->out_shape.w,
				   .kernel_h = whole ? c->in_shape[0].h : c->op->pool.kernel,
				   .kernel_w = whole ? c->in_shape[0].w : c->op->pool.kernel,
				   .stride = whole ? 1 : c->op->pool.stride,
				   .pad = whole ? 0 : c->op->pool.pad,
				   .average = averages(c->op) };
}

static int pool_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct pool_args a = pool_args_of(c);
	a.in = c->in[0];
	a.out = c->out;
	return launched(STORED(c, launch_pool)(&a, ctx->stream), "pool", err);
}

static int pool_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct pool_args a = pool_args_of(c);
	if (!c->d_in[0])
		return 0;
	a.in = c->d_out;
	a.out = c->d_in[0];
	a.add = c->add[0];
	return launched(STORED(c, launch_pool_backward)(&a, ctx->stream), "pool_backward", err);
}

const struct cuda_op cuda_pool = { pool_forward, pool_backward, pool_prepare, gpu_free };
