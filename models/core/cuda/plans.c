/* Convolutions as cuDNN's graphs of one operation, or two where a bias is added, and the choice of an engine. */
#include "plans.h"

#include "pipeline/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cudnnBackendDescriptor_t descriptor;

/* CUDNN_ATTR_EXECUTION_PLAN_HANDLE, which newer versions call deprecated in favour of the properties; older ones may
 * not run a plan without it. */
#define PLAN_HANDLE ((cudnnBackendAttributeName_t)400)

/* What an engine may not be, by its notes. */
#define NOTE(name) (1u << CUDNN_NUMERICAL_NOTE_##name)
static const unsigned refused[] = {
	[PRECISION_FLOAT32] = NOTE(NONDETERMINISTIC) | NOTE(REDUCED_PRECISION_REDUCTION) | NOTE(DOWN_CONVERT_INPUTS) |
			      NOTE(TENSOR_CORE),
	[PRECISION_TF32] = NOTE(NONDETERMINISTIC) | NOTE(REDUCED_PRECISION_REDUCTION) | NOTE(DOWN_CONVERT_INPUTS),
	[PRECISION_BF16] = NOTE(NONDETERMINISTIC) | NOTE(REDUCED_PRECISION_REDUCTION),
};
static const unsigned refused_behaviour = 1u << CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;

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

/* The first reason that cuDNN gives for its last failure: ": " and a line, or nothing. */
static void last_words(char *line, size_t size)
{
	char text[4096] = "";
	cudnnGetLastErrorString(text, sizeof text);
	const char *reason = strstr(text, "Reason: ");
	reason = reason ? reason + strlen("Reason: ") : text;
	int n = (int)strcspn(reason, "\n");
	snprintf(line, size, "%s%.*s", n ? ": " : "", n, reason);
}

int dnn_status(cudnnStatus_t status, const char *what, struct err *err)
{
	char words[512];
	if (status == CUDNN_STATUS_SUCCESS)
		return 0;
	last_words(words, sizeof words);
	return err_system(err, "%s: %s%s", what, cudnnGetErrorString(status), words);
}

struct attribute {
	cudnnBackendAttributeName_t name;
	cudnnBackendAttributeType_t type;
	int64_t n;
	const void *value;
};

/* On failure *d may have been created. */
static cudnnStatus_t descriptor_make(descriptor *d, cudnnBackendDescriptorType_t type, const struct attribute *a, int n)
{
	cudnnStatus_t status = cudnnBackendCreateDescriptor(type, d);
	for (int i = 0; status == CUDNN_STATUS_SUCCESS && i < n; i++)
		status = cudnnBackendSetAttribute(*d, a[i].name, a[i].type, a[i].n, a[i].value);
	return status == CUDNN_STATUS_SUCCESS ? cudnnBackendFinalize(*d) : status;
}
#define MAKE(d, type, attributes)                                                                                      \
	descriptor_make(d, type, attributes, (int)(sizeof(attributes) / sizeof(struct attribute)))

static void descriptor_destroy(descriptor *d)
{
	if (*d)
		cudnnBackendDestroyDescriptor(*d);
	*d = NULL;
}

int device_properties(descriptor *properties, cudnnHandle_t dnn, const char *json, struct err *err)
{
	struct attribute from_handle = { CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &dnn },
			 from_json = { CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
				       json ? (int64_t)strlen(json) : 0, json };
	*properties = NULL;
	if (!dnn_status(descriptor_make(properties, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR,
					dnn ? &from_handle : &from_json, 1),
			"the device's properties", err))
		return 0;
	descriptor_destroy(properties);
	return -1;
}

int dnn_open(struct backend_ctx *ctx, struct err *err)
{
	if (ctx->properties)
		return 0;
	if (ctx->card_text)
		return device_properties(&ctx->properties, NULL, ctx->card_text, err);
	if ((ctx->dnn || !dnn_status(cudnnCreate(&ctx->dnn), "cuDNN", err)) &&
	    !dnn_status(cudnnSetStream(ctx->dnn, ctx->stream), "cuDNN's stream", err) &&
	    !device_properties(&ctx->properties, ctx->dnn, NULL, err))
		return 0;
	dnn_close(ctx);
	return -1;
}

void dnn_close(struct backend_ctx *ctx)
{
	for (size_t i = 0; i < ctx->plans; i++) {
		conv_plan_release(ctx->plan[i]);
		free(ctx->plan[i]);
	}
	free(ctx->plan);
	ctx->plan = NULL;
	ctx->plans = ctx->plans_cap = 0;
	descriptor_destroy(&ctx->properties);
	if (ctx->dnn)
		cudnnDestroy(ctx->dnn);
	ctx->dnn = NULL;
}

/* A tensor of dimensions n, c, h, w that lies as [n][h][w][c]. */
static cudnnStatus_t tensor_make(descriptor *d, enum plan_part id, int n, struct shape s, enum precision precision)
{
	int64_t alignment = 16, dim[] = { n, s.c, s.h, s.w };
	int64_t stride[] = { (int64_t)shape_size(s), 1, (int64_t)s.w * s.c, s.c };
	cudnnDataType_t type = precision == PRECISION_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
	unsigned char lies_nowhere = id == PLAN_SUM; /* cuDNN's bool */
	const struct attribute a[] = {
		{ CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid[id] },
		{ CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type },
		{ CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim },
		{ CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride },
		{ CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment },
		{ CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &lies_nowhere },
	};
	return MAKE(d, CUDNN_BACKEND_TENSOR_DESCRIPTOR, a);
}

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
	return MAKE(d, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, a);
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
	return MAKE(&part[PLAN_OP], operation[of->kind].type, op);
}

/* PLAN_OUT = PLAN_SUM + PLAN_BIAS */
static cudnnStatus_t bias_make(descriptor *part, const struct conv_problem *of)
{
	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
	const struct attribute how[] = {
		{ CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode },
		{ CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type },
	};
	const struct attribute add[] = {
		{ CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
		  &part[PLAN_POINTWISE] },
		{ CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part[PLAN_SUM] },
		{ CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part[PLAN_BIAS] },
		{ CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part[PLAN_OUT] },
	};
	cudnnStatus_t status =
		tensor_make(&part[PLAN_BIAS], PLAN_BIAS, 1, (struct shape){ 1, 1, of->out.c }, of->precision);
	if (status == CUDNN_STATUS_SUCCESS)
		status = MAKE(&part[PLAN_POINTWISE], CUDNN_BACKEND_POINTWISE_DESCRIPTOR, how);
	return status == CUDNN_STATUS_SUCCESS
		       ? MAKE(&part[PLAN_ADD], CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, add)
		       : status;
}

/* All parts up to the graph. */
static cudnnStatus_t graph_make(descriptor *part, const struct conv_problem *of)
{
	struct shape weight = { of->kernel, of->kernel, of->in.c / of->groups };
	cudnnStatus_t status = tensor_make(&part[PLAN_IN], PLAN_IN, of->n, of->in, of->precision);
	if (status == CUDNN_STATUS_SUCCESS)
		status = tensor_make(&part[PLAN_WEIGHT], PLAN_WEIGHT, of->out.c, weight, of->precision);
	if (status == CUDNN_STATUS_SUCCESS)
		status = tensor_make(&part[PLAN_OUT], PLAN_OUT, of->n, of->out, of->precision);
	if (status == CUDNN_STATUS_SUCCESS && of->bias)
		status = tensor_make(&part[PLAN_SUM], PLAN_SUM, of->n, of->out, PRECISION_FLOAT32);
	if (status == CUDNN_STATUS_SUCCESS)
		status = convolution_make(&part[PLAN_CONV], of);
	if (status == CUDNN_STATUS_SUCCESS)
		status = op_make(part, of);
	if (status == CUDNN_STATUS_SUCCESS && of->bias)
		status = bias_make(part, of);
	const descriptor ops[] = { part[PLAN_OP], part[PLAN_ADD] };
	const struct attribute graph[] = { { CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
					     of->bias ? 2 : 1, ops } };
	return status == CUDNN_STATUS_SUCCESS ? MAKE(&part[PLAN_GRAPH], CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph)
					      : status;
}

/* A bit for each of the engine's notes. An attribute that cannot be read counts as all notes. */
static unsigned notes_of(descriptor engine, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type)
{
	enum { NOTES = 32 };
	int note[NOTES]; /* cuDNN's enums */
	int64_t n = 0;
	unsigned bits = 0;
	if (cudnnBackendGetAttribute(engine, name, type, NOTES, &n, note) != CUDNN_STATUS_SUCCESS || n > NOTES)
		return ~0u;
	for (int64_t i = 0; i < n; i++)
		bits |= 1u << note[i];
	return bits;
}

/* 1 when this suggestion is wanted and works; then p has its plan. */
static int config_works(struct conv_plan *p, descriptor config, descriptor properties, cudnnHandle_t dnn)
{
	const struct attribute a[] = {
		{ PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &dnn },
		{ CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config },
		{ CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &properties },
	};
	descriptor engine = NULL;
	int64_t n;
	p->numerical = p->behaviour = ~0u;
	/* notes can be read once the engine was */
	if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) == CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n,
				     &engine) == CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &n, &p->engine) ==
		    CUDNN_STATUS_SUCCESS) {
		p->numerical = notes_of(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE);
		p->behaviour = notes_of(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE);
	}
	descriptor_destroy(&engine);
	if (p->numerical & refused[p->of.precision] || p->behaviour & refused_behaviour)
		return 0;
	descriptor *plan = &p->part[PLAN_PLAN];
	/* without a handle the first attribute is left out */
	if (descriptor_make(plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, a + !dnn, 3 - !dnn) ==
		    CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(*plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &n,
				     &p->workspace) == CUDNN_STATUS_SUCCESS &&
	    p->workspace >= 0 && (size_t)p->workspace <= p->of.most)
		return 1;
	descriptor_destroy(plan);
	return 0;
}

/* 1 when one of the mode's suggestions works after *passed_over that work too; 0 none; -1 on failure. */
static int mode_works(struct conv_plan *p, cudnnBackendHeurMode_t mode, int *passed_over, descriptor properties,
		      cudnnHandle_t dnn, struct err *err)
{
	enum { CONFIGS = 64 };
	const struct attribute a[] = {
		{ CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &p->part[PLAN_GRAPH] },
		{ CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode },
		{ CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &properties },
	};
	descriptor heuristic = NULL, config[CONFIGS] = { NULL };
	int64_t n = 0;
	int found = 0;
	cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
	for (int i = 0; status == CUDNN_STATUS_SUCCESS && i < CONFIGS; i++)
		status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &config[i]);
	/* a heuristic that knows nothing fails, or suggests nothing */
	if (status == CUDNN_STATUS_SUCCESS &&
	    (MAKE(&heuristic, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, a) != CUDNN_STATUS_SUCCESS ||
	     cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, CONFIGS,
				      &n, config) != CUDNN_STATUS_SUCCESS))
		n = 0;
	for (int64_t i = 0; !found && i < n && i < CONFIGS; i++)
		if (!config_works(p, config[i], properties, dnn)) {
			continue;
		} else if ((*passed_over)-- > 0) {
			descriptor_destroy(&p->part[PLAN_PLAN]);
		} else {
			p->part[PLAN_CONFIG] = config[i];
			config[i] = NULL;
			found = 1;
		}
	for (int i = 0; i < CONFIGS; i++)
		descriptor_destroy(&config[i]);
	descriptor_destroy(&heuristic);
	return dnn_status(status, "an engine's configuration", err) ? -1 : found;
}

int conv_plan_make(struct conv_plan *p, const struct conv_problem *of, int passed_over, descriptor properties,
		   cudnnHandle_t dnn, struct err *err)
{
	static const char *const name[] = { "forward", "the gradient of the input", "the gradient of the filter" };
	static const cudnnBackendHeurMode_t mode[] = { CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK };
	int found = 0;
	*p = (struct conv_plan){ .of = *of };
	int failed = dnn_status(graph_make(p->part, of), "a convolution's graph", err);
	for (int i = 0; !failed && !found && i < 2; i++) {
		found = mode_works(p, mode[i], &passed_over, properties, dnn, err);
		failed = found < 0;
	}
	if (!failed && !found) {
		char words[512];
		last_words(words, sizeof words);
		failed = err_no_device(err, "cuDNN %zu has no engine for this device and precision%s",
				       cudnnGetVersion(), words);
	}
	if (!failed)
		return 0;
	conv_plan_release(p);
	return err_context(err, "convolution of %d x %d x %d x %d, kernel %d, stride %d, pad %d, %d groups, to %d: %s",
			   of->n, of->in.h, of->in.w, of->in.c, of->kernel, of->stride, of->pad, of->groups, of->out.c,
			   name[of->kind]);
}

void conv_plan_release(struct conv_plan *p)
{
	for (int i = PLAN_PARTS; i-- > 0;)
		descriptor_destroy(&p->part[i]);
}

int conv_plan_run(const struct conv_plan *p, struct backend_ctx *ctx, const void *in, const void *filter,
		  const void *out, const void *bias, struct err *err)
{
	const void *const at[] = { in, filter, out, bias };
	int64_t n = p->of.bias ? 4 : 3;
	const struct attribute a[] = {
		{ CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n, uid },
		{ CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, n, at },
		{ CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &ctx->workspace },
	};
	descriptor pack = NULL;
	cudnnStatus_t status = MAKE(&pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, a);
	if (status == CUDNN_STATUS_SUCCESS)
		status = cudnnBackendExecute(ctx->dnn, p->part[PLAN_PLAN], pack);
	int rc = dnn_status(status, "a convolution", err);
	descriptor_destroy(&pack);
	return rc;
}
