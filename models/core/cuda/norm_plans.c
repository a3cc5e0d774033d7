/* Batch normalisation as cuDNN's graphs: in training NORM, then what is added to it, then ReLU; and the gradient of
 * NORM alone. cuDNN has no engine for prediction (its phase INFERENCE), for a sum without a ReLU behind it, for ReLU's
 * gradient with NORM's in one graph, nor for a gradient that is added to another. */
#include "plans.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A tensor: its name in a pack; whether it is as large as the batch, or has one number a channel, or is one; the
 * attribute of either kind's NORM that names it, 0 where none does. */
#define FORWARD(name) CUDNN_ATTR_OPERATION_NORM_FWD_##name
#define BACKWARD(name) CUDNN_ATTR_OPERATION_NORM_BWD_##name
static const struct {
	char name;
	enum { WHOLE, CHANNELS, NUMBER } size;
	int attribute[NORM_KINDS];
} tensors[NORM_TENSORS] = {
	[NORM_X] = { 'x', WHOLE, { FORWARD(XDESC), BACKWARD(XDESC) } },
	[NORM_Y] = { 'y', WHOLE, { FORWARD(YDESC), 0 } },
	[NORM_DY] = { 'd', WHOLE, { 0, BACKWARD(DYDESC) } },
	[NORM_DX] = { 'u', WHOLE, { 0, BACKWARD(DXDESC) } },
	[NORM_REST] = { 'r', WHOLE, { 0, 0 } },
	[NORM_SCALE] = { 'g', CHANNELS, { FORWARD(SCALE_DESC), BACKWARD(SCALE_DESC) } },
	[NORM_SHIFT] = { 'b', CHANNELS, { FORWARD(BIAS_DESC), 0 } },
	[NORM_MEAN] = { 'm', CHANNELS, { FORWARD(MEAN_DESC), BACKWARD(MEAN_DESC) } },
	[NORM_INV] = { 'i', CHANNELS, { FORWARD(INV_VARIANCE_DESC), BACKWARD(INV_VARIANCE_DESC) } },
	[NORM_RUNNING_MEAN] = { 'M', CHANNELS, { FORWARD(INPUT_RUNNING_MEAN_DESC), 0 } },
	[NORM_RUNNING_VAR] = { 'V', CHANNELS, { FORWARD(INPUT_RUNNING_VAR_DESC), 0 } },
	[NORM_NEXT_MEAN] = { 'N', CHANNELS, { FORWARD(OUTPUT_RUNNING_MEAN_DESC), 0 } },
	[NORM_NEXT_VAR] = { 'W', CHANNELS, { FORWARD(OUTPUT_RUNNING_VAR_DESC), 0 } },
	[NORM_EPS] = { 'e', NUMBER, { FORWARD(EPSILON_DESC), 0 } },
	[NORM_MOMENTUM] = { 'a', NUMBER, { FORWARD(EXP_AVG_FACTOR_DESC), 0 } },
	[NORM_DSCALE] = { 'G', CHANNELS, { 0, BACKWARD(DSCALE_DESC) } },
	[NORM_DSHIFT] = { 'B', CHANNELS, { 0, BACKWARD(DBIAS_DESC) } },
};

/* The descriptors of a plan: tensors, then these. NORMED and SUMMED lie nowhere: what NORM makes, and that with what is
 * added. */
enum {
	NORMED = NORM_TENSORS,
	SUMMED,
	NORM_OP,
	ADD_HOW,
	ADD_OP,
	RELU_HOW,
	RELU_OP,
	NORM_GRAPH,
};
_Static_assert(NORM_GRAPH + 1 == NORM_PARTS, "plans.h counts them");

static int tensor_used(const struct norm_problem *of, int t)
{
	return tensors[t].attribute[of->kind] || (t == NORM_REST && of->rest);
}

static cudnnStatus_t tensors_make(descriptor *part, const struct norm_problem *of)
{
	cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
	for (int t = 0; t < NORM_TENSORS && status == CUDNN_STATUS_SUCCESS; t++) {
		struct tensor one = { .uid = tensors[t].name, .n = 1, .shape = { 1, 1, 1 } };
		if (!tensor_used(of, t))
			continue;
		if (tensors[t].size == WHOLE)
			one = (struct tensor){ tensors[t].name, of->n, of->shape, of->bf16, LIES_ON_DEVICE };
		else if (tensors[t].size == CHANNELS)
			one.shape.c = of->shape.c;
		else
			one.lies = LIES_ON_HOST;
		status = tensor_make(&part[t], &one);
	}
	const struct tensor nowhere[] = { { 's', of->n, of->shape, 0, LIES_NOWHERE },
					  { 't', of->n, of->shape, 0, LIES_NOWHERE } };
	if (status == CUDNN_STATUS_SUCCESS && of->relu)
		status = tensor_make(&part[NORMED], &nowhere[0]);
	if (status == CUDNN_STATUS_SUCCESS && of->rest)
		status = tensor_make(&part[SUMMED], &nowhere[1]);
	return status;
}

static cudnnStatus_t norm_make(descriptor *part, const struct norm_problem *of)
{
	cudnnBackendNormMode_t mode = CUDNN_BATCH_NORM;
	cudnnBackendNormFwdPhase_t phase = CUDNN_NORM_FWD_TRAINING;
	struct attribute a[NORM_TENSORS + 2];
	int n = 0, forward = of->kind == NORM_TRAIN;
	a[n++] = (struct attribute){ forward ? FORWARD(MODE) : BACKWARD(MODE), CUDNN_TYPE_NORM_MODE, 1, &mode };
	if (forward)
		a[n++] = (struct attribute){ FORWARD(PHASE), CUDNN_TYPE_NORM_FWD_PHASE, 1, &phase };
	for (int t = 0; t < NORM_TENSORS; t++)
		if (tensors[t].attribute[of->kind])
			a[n++] = (struct attribute){ (cudnnBackendAttributeName_t)tensors[t].attribute[of->kind],
						     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
						     &part[t == NORM_Y && part[NORMED] ? NORMED : t] };
	return descriptor_make(&part[NORM_OP],
			       forward ? CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR :
					 CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR,
			       a, n);
}

static cudnnStatus_t norm_graph_make(descriptor *part, const struct norm_problem *of)
{
	descriptor ops[3];
	int n = 0;
	cudnnStatus_t status = tensors_make(part, of);
	if (status == CUDNN_STATUS_SUCCESS)
		status = norm_make(part, of);
	ops[n++] = part[NORM_OP];
	if (status == CUDNN_STATUS_SUCCESS && of->rest) {
		status = pointwise_make(&part[ADD_HOW], &part[ADD_OP], CUDNN_POINTWISE_ADD, &part[NORMED],
					&part[NORM_REST], &part[SUMMED]);
		ops[n++] = part[ADD_OP];
	}
	if (status == CUDNN_STATUS_SUCCESS && of->relu) {
		status = pointwise_make(&part[RELU_HOW], &part[RELU_OP], CUDNN_POINTWISE_RELU_FWD,
					&part[of->rest ? SUMMED : NORMED], NULL, &part[NORM_Y]);
		ops[n++] = part[RELU_OP];
	}
	const struct attribute graph[] = { { CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, n, ops } };
	return status == CUDNN_STATUS_SUCCESS
		       ? DESCRIPTOR_MAKE(&part[NORM_GRAPH], CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph)
		       : status;
}

static void norm_plan_release(struct norm_plan *p)
{
	engine_release(&p->engine);
	for (int i = NORM_PARTS; i-- > 0;)
		descriptor_destroy(&p->part[i]);
}

static int norm_plan_make(const struct backend_ctx *ctx, struct norm_plan *p, const struct norm_problem *of,
			  struct err *err)
{
	const struct engine_limits limits = { ENGINES_INEXACT, ENGINES_EITHER, of->most };
	int from = 0;
	*p = (struct norm_plan){ .of = *of };
	if (!dnn_status(norm_graph_make(p->part, of), "a graph", err) &&
	    !engine_choose(&p->engine, p->part[NORM_GRAPH], &limits, &from, ctx->properties, ctx->dnn, err))
		return 0;
	norm_plan_release(p);
	return err_context(err,
			   "VIC_CUDA_NORM=cudnn, which is compiled at run time (from compute capability 8.0 on, with "
			   "NVIDIA's driver and NVRTC): %s of %d x %d x %d x %d",
			   of->kind == NORM_TRAIN ? "normalisation" : "the gradient of normalisation", of->n,
			   of->shape.h, of->shape.w, of->shape.c);
}

/* As conv_plan_of's. */
static int norm_plan_answers(const struct norm_plan *p, const struct norm_problem *of)
{
	return !memcmp(&p->of, of, offsetof(struct norm_problem, most)) && p->of.most >= of->most &&
	       (size_t)p->engine.workspace <= of->most;
}

const struct norm_plan *norm_plan_of(struct backend_ctx *ctx, const struct norm_problem *of, struct err *err)
{
	struct norm_plan *p;
	for (size_t i = 0; i < ctx->norms; i++)
		if (norm_plan_answers(ctx->norm[i], of))
			return ctx->norm[i];
	if (mem_grow(&ctx->norm, &ctx->norms_cap, ctx->norms + 1, sizeof *ctx->norm, err) ||
	    mem_alloc(&p, 1, sizeof *p, err))
		return NULL;
	if (norm_plan_make(ctx, p, of, err)) {
		free(p);
		return NULL;
	}
	return ctx->norm[ctx->norms++] = p;
}

void norm_plans_release(struct backend_ctx *ctx)
{
	for (size_t i = 0; i < ctx->norms; i++) {
		norm_plan_release(ctx->norm[i]);
		free(ctx->norm[i]);
	}
	free(ctx->norm);
	ctx->norm = NULL;
	ctx->norms = ctx->norms_cap = 0;
}

int norm_plan_run(const struct norm_plan *p, struct backend_ctx *ctx, const void *const at[NORM_TENSORS],
		  struct err *err)
{
	int64_t name[NORM_TENSORS];
	const void *used[NORM_TENSORS];
	int n = 0;
	for (int t = 0; t < NORM_TENSORS; t++)
		if (tensor_used(&p->of, t)) {
			name[n] = tensors[t].name;
			used[n++] = at[t];
		}
	return engine_run(&p->engine, ctx, name, used, n, "normalisation", err);
}
