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

/* The workspace: sums for a bias; then, where values have 16 bits, what came in or its gradient as float32. */
static size_t sums_bytes(int n, int out)
{
	return (column_parts((size_t)n) * (size_t)out * sizeof(float) + 255) / 256 * 256;
}

static int linear_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
			  void **state, struct err *err)
{
	const struct value *in = &g->value[op->in[0]];
	size_t wide = in->element == 2 ? (size_t)max_n * shape_size(in->shape) * sizeof(float) : 0;
	*state = NULL;
	(void)training;
	return workspace_need(ctx, sums_bytes(max_n, (int)shape_size(g->value[op->out].shape)) + wide, err);
}

static void *wide_of(const struct backend_ctx *ctx, const struct op_call *c)
{
	return (char *)ctx->workspace + sums_bytes(c->n, c->out_size);
}

/* What came in, as float32. */
static int wide_in(struct backend_ctx *ctx, const struct op_call *c, const void **in, struct err *err)
{
	struct convert_args a = { .from = c->in[0], .to = wide_of(ctx, c), .n = (size_t)c->n * (size_t)c->in_size[0] };
	*in = c->in[0];
	if (c->in_element != 2)
		return 0;
	*in = a.to;
	return launched(launch_widen_bf16(&a, ctx->stream), "widen", err);
}

static int linear_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct product p = { .m = c->n, .n = c->out_size, .k = c->in_size[0], .b = c->param[0], .b_across = 1,
			     .c = c->out };
	struct bias_args bias = { .out = c->out, .bias = c->param[1], .rows = (size_t)c->n,
				  .columns = (size_t)c->out_size };
	if (wide_in(ctx, c, &p.a, err) || product(ctx, &p, err))
		return -1;
	return launched(launch_bias_f32(&bias, ctx->stream), "bias", err);
}

static int weight_gradient(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct product p = { .m = c->out_size, .n = c->in_size[0], .k = c->n, .a = c->d_out, .a_across = 1,
			     .c = c->d_param[0] };
	return wide_in(ctx, c, &p.b, err) || product(ctx, &p, err) ? -1 : 0;
}

static int bias_gradient(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct column_args a = { .from = c->d_out, .part = ctx->workspace, .sum = c->d_param[1],
				 .rows = (size_t)c->n, .columns = (size_t)c->out_size };
	return launched(launch_column_sum_f32(&a, ctx->stream), "column_sum", err);
}

static int data_gradient(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct product p = { .m = c->n, .n = c->in_size[0], .k = c->out_size, .a = c->d_out, .b = c->param[0],
			     .c = c->d_in[0], .beta = (float)c->add[0] };
	struct convert_args narrow = { .from = wide_of(ctx, c), .to = c->d_in[0],
				       .n = (size_t)c->n * (size_t)c->in_size[0], .add = c->add[0] };
	if (c->in_element != 2)
		return product(ctx, &p, err);
	p.c = wide_of(ctx, c);
	p.beta = 0;
	return product(ctx, &p, err) || launched(launch_narrow_bf16(&narrow, ctx->stream), "narrow", err) ? -1 : 0;
}

static int linear_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	return (c->d_param[0] && weight_gradient(ctx, c, err)) || (c->d_param[1] && bias_gradient(ctx, c, err)) ||
			       (c->d_in[0] && data_gradient(ctx, c, err)) ?
		       -1 :
		       0;
}

const struct cuda_op cuda_linear = { linear_forward, linear_backward, linear_prepare, NULL };
