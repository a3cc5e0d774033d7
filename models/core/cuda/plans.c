/* Convolutions as cuDNN's graphs of one operation, or two where a bias is added, and the choice of an engine. */
#include "plans.h"

/* What an engine may not be, by its notes. */
static const unsigned refused[] = {
	[PRECISION_FLOAT32] = ENGINES_INEXACT | NUMERICAL_NOTE(DOWN_CONVERT_INPUTS) | NUMERICAL_NOTE(TENSOR_CORE),
	[PRECISION_TF32] = ENGINES_INEXACT | NUMERICAL_NOTE(DOWN_CONVERT_INPUTS),
	[PRECISION_BF16] = ENGINES_INEXACT,
};

/* The tensors' names in a pack of pointers. */
static const int64_t uid[] = { [PLAN_IN] = 'x', [PLAN_WEIGHT] = 'w', [PLAN_OUT] = 'y', [PLAN_BIAS] = 'b',
			       [PLAN_SUM] = 's' };

/* An operation's attributes: in, filter, out (of CONV_DATA and CONV_FILTER their gradients), and how. */
#define OPERATION(type, in, filter, out, conv)                                                                         \
	{                                                                                                              \
		CUDNN_BACKEND_OPERATION_CONVOLUTION_##type##_DESCRIPTOR,                                               \
			{ CUDNN_ATTR_OPERATION_CONVOLUTION_##in, CUDNN_ATTR_OPERATION_CONVOLUTION_##filter,            \
			  CUDNN_ATTR_OPERATION_CONVOLUTION_##out, CUDNN_ATTR_OPERATION_CONVOLUTION_##conv##_CONV_DESC, \
			  CUDNN_ATTR_OPERATION_CONVOLUTION_##conv##_ALPHA,                                             \
			  CUDNN_ATTR_OPERATION_CONVOLUTION_##conv##_BETA }                                             \
	}
static const struct {
	cudnnBackendDescriptorType_t type;
	cudnnBackendAttributeName_t in_filter_out_conv_alpha_beta[6];
} operation[CONV_KINDS] = {
	[CONV_FORWARD] = OPERATION(FORWARD, FORWARD_X, FORWARD_W, FORWARD_Y, FORWARD),
	[CONV_DATA] = OPERATION(BACKWARD_DATA, BWD_DATA_DX, BWD_DATA_W, BWD_DATA_DY, BWD_DATA),
	[CONV_FILTER] = OPERATION(BACKWARD_FILTER, BWD_FILTER_X, BWD_FILTER_DW, BWD_FILTER_DY, BWD_FILTER),
};

static cudnnStatus_t convolution_make(descriptor *d, const struct conv_problem *of)
{
	int64_t dims = 2, pad[] = { of->pad, of->pad }, stride[] = { of->stride, of->stride }, one[] = { 1, 1 };
	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
	const struct attribute a[] = {
		{ CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims },
		{ CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type },
		{ CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode },
		{ CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad },
		{ CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad },
		{ CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, one },
		{ CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride },
	};
	return DESCRIPTOR_MAKE(d, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, a);
}

/* The convolution itself; its result lies in PLAN_OUT, or with a bias in PLAN_SUM. */
static cudnnStatus_t op_make(descriptor *part, const struct conv_problem *of)
{
	const cudnnBackendAttributeName_t *name = operation[of->kind].in_filter_out_conv_alpha_beta;
	const enum plan_part is[] = { PLAN_IN, PLAN_WEIGHT, of->bias ? PLAN_SUM : PLAN_OUT, PLAN_CONV };
	double alpha = 1, beta = of->add;
	struct attribute op[6];
	for (int i = 0; i < 4; i++)
		op[i] = (struct attribute){ name[i], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part[is[i]] };
	op[4] = (struct attribute){ name[4], CUDNN_TYPE_DOUBLE, 1, &alpha };
	op[5] = (struct attribute){ name[5], CUDNN_TYPE_DOUBLE, 1, &beta };
	return DESCRIPTOR_MAKE(&part[PLAN_OP], operation[of->kind].type, op);
}

/* A tensor of the problem, PLAN_SUM nowhere. */
static cudnnStatus_t part_make(descriptor *part, enum plan_part id, int n, struct shape shape, int bf16)
{
	const struct tensor t = { .uid = uid[id], .n = n, .shape = shape, .bf16 = bf16,
				  .lies = id == PLAN_SUM ? LIES_NOWHERE : LIES_ON_DEVICE };
	return tensor_make(&part[id], &t);
}

/* All parts up to the graph. */
static cudnnStatus_t graph_make(descriptor *part, const struct conv_problem *of)
{
	int bf16 = of->precision == PRECISION_BF16;
	struct shape weight = { of->kernel, of->kernel, of->in.c / of->groups }, bias = { 1, 1, of->out.c };
	cudnnStatus_t status = part_make(part, PLAN_IN, of->n, of->in, bf16);
	if (status == CUDNN_STATUS_SUCCESS)
		status = part_make(part, PLAN_WEIGHT, of->out.c, weight, bf16);
	if (status == CUDNN_STATUS_SUCCESS)
		status = part_make(part, PLAN_OUT, of->n, of->out, bf16);
	if (status == CUDNN_STATUS_SUCCESS && of->bias)
		status = part_make(part, PLAN_SUM, of->n, of->out, 0);
	if (status == CUDNN_STATUS_SUCCESS && of->bias)
		status = part_make(part, PLAN_BIAS, 1, bias, bf16);
	if (status == CUDNN_STATUS_SUCCESS)
		status = convolution_make(&part[PLAN_CONV], of);
	if (status == CUDNN_STATUS_SUCCESS)
		status = op_make(part, of);
	if (status == CUDNN_STATUS_SUCCESS && of->bias) /* PLAN_OUT = PLAN_SUM + PLAN_BIAS */
		status = pointwise_make(&part[PLAN_POINTWISE], &part[PLAN_ADD], CUDNN_POINTWISE_ADD, &part[PLAN_SUM],
					&part[PLAN_BIAS], &part[PLAN_OUT]);
	const descriptor ops[] = { part[PLAN_OP], part[PLAN_ADD] };
	const struct attribute graph[] = { { CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
					     of->bias ? 2 : 1, ops } };
	return status == CUDNN_STATUS_SUCCESS
		       ? DESCRIPTOR_MAKE(&part[PLAN_GRAPH], CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph)
		       : status;
}

int conv_plan_make(struct conv_plan *p, const struct conv_problem *of, enum engine_made made, int *from,
		   descriptor properties, cudnnHandle_t dnn, struct err *err)
{
	static const char *const name[] = { "forward", "the gradient of the input", "the gradient of the filter" };
	const struct engine_limits limits = { .refused = refused[of->precision], .made = made, .most = of->most };
	int first = 0;
	*p = (struct conv_plan){ .of = *of };
	if (!dnn_status(graph_make(p->part, of), "a convolution's graph", err) &&
	    !engine_choose(&p->engine, p->part[PLAN_GRAPH], &limits, from ? from : &first, properties, dnn, err))
		return 0;
	conv_plan_release(p);
	return err_context(err, "convolution of %d x %d x %d x %d, kernel %d, stride %d, pad %d, %d groups, to %d: %s",
			   of->n, of->in.h, of->in.w, of->in.c, of->kernel, of->stride, of->pad, of->groups, of->out.c,
			   name[of->kind]);
}

void conv_plan_release(struct conv_plan *p)
{
	engine_release(&p->engine);
	for (int i = PLAN_PARTS; i-- > 0;)
		descriptor_destroy(&p->part[i]);
}

int conv_plan_run(const struct conv_plan *p, struct backend_ctx *ctx, const void *in, const void *filter,
		  const void *out, const void *bias, struct err *err)
{
	const void *const at[] = { in, filter, out, bias };
	return engine_run(&p->engine, ctx, uid, at, p->of.bias ? 4 : 3, "a convolution", err);
}
