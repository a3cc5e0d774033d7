/* LINEAR, and matrix products by cuBLAS. */
#include "kernels/kernels_conv.h"
#include "product.h"

int product(struct backend_ctx *ctx, const struct product *p, struct err *err)
{
	/* cuBLAS counts by columns: it is asked for the transposed product of the transposed matrices */
	const float alpha = 1;
	cublasComputeType_t compute =
		ctx->precision == PRECISION_FLOAT32 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_FAST_TF32;
	if (p->type != CUDA_R_32F)
		compute = CUBLAS_COMPUTE_32F;
	int a_stride = p->a_stride ? p->a_stride : p->a_across ? p->m : p->k;
	int b_stride = p->b_stride ? p->b_stride : p->b_across ? p->k : p->n;
	int c_stride = p->c_stride ? p->c_stride : p->n;
	return blas_status(cublasGemmEx(ctx->blas, p->b_across ? CUBLAS_OP_T : CUBLAS_OP_N,
					p->a_across ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->m, p->k, &alpha, p->b,
					p->type, b_stride, p->a, p->type, a_stride, &p->beta, p->c, p->c_type,
					c_stride, compute, CUBLAS_GEMM_DEFAULT),
			   "a product", err);
}

static int linear_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			  void **state, struct err *err)
{
	size_t sums = column_parts((size_t)max_n) * shape_size(g->value[op->out].shape) * sizeof(float);
	*state = NULL;
	return training ? workspace_need(ctx, sums, err) : 0;
}

static int linear_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct product p = { .m = c->n, .n = c->out_size, .k = c->in_size[0], .a = c->in[0], .b = c->param[0],
			     .b_across = 1, .c = c->out };
	struct bias_args bias = { .out = c->out, .bias = c->param[1], .rows = (size_t)c->n,
				  .columns = (size_t)c->out_size };
	if (product(ctx, &p, err))
		return -1;
	return launched(launch_bias_f32(&bias, ctx->stream), "bias", err);
}

static int linear_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct product weight = { .m = c->out_size, .n = c->in_size[0], .k = c->n, .a = c->d_out, .a_across = 1,
				  .b = c->in[0], .c = c->d_param[0] };
	struct product data = { .m = c->n, .n = c->in_size[0], .k = c->out_size, .a = c->d_out, .b = c->param[0],
				.c = c->d_in[0], .beta = (float)c->add[0] };
	struct column_args bias = { .from = c->d_out,
				    .part = ctx->workspace,
				    .sum = c->d_param[1],
				    .rows = (size_t)c->n,
				    .columns = (size_t)c->out_size };
	if ((c->d_param[0] && product(ctx, &weight, err)) ||
	    (c->d_param[1] && launched(launch_column_sum_f32(&bias, ctx->stream), "column_sum", err)))
		return -1;
	return c->d_in[0] ? product(ctx, &data, err) : 0;
}

const struct cuda_op cuda_linear = { linear_forward, linear_backward, linear_prepare, NULL };
