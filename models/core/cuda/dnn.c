/* cuDNN's graphs, as far as they are the same whatever is computed. */
#include "dnn.h"
#include "plans.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* CUDNN_ATTR_EXECUTION_PLAN_HANDLE, which newer versions call deprecated in favour of the properties; older ones may
 * not run a plan without it. */
#define PLAN_HANDLE ((cudnnBackendAttributeName_t)400)

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

cudnnStatus_t descriptor_make(descriptor *d, cudnnBackendDescriptorType_t type, const struct attribute *a, int n)
{
	cudnnStatus_t status = cudnnBackendCreateDescriptor(type, d);
	for (int i = 0; status == CUDNN_STATUS_SUCCESS && i < n; i++)
		status = cudnnBackendSetAttribute(*d, a[i].name, a[i].type, a[i].n, a[i].value);
	return status == CUDNN_STATUS_SUCCESS ? cudnnBackendFinalize(*d) : status;
}

void descriptor_destroy(descriptor *d)
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

/* cuDNN opens its compiler for every engine that might want it and closes it again: 148 times, of 5 seconds 4, in plans
 * of ResNeXt-101 for a B200. While it is held here it stays mapped. Where there is none, nothing is lost. */
static void hold_compiler(struct backend_ctx *ctx)
{
	char name[32];
	snprintf(name, sizeof name, "libnvrtc.so.%d", CUDART_VERSION / 1000);
	if (!ctx->compiler)
		ctx->compiler = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
}

int dnn_open(struct backend_ctx *ctx, struct err *err)
{
	if (ctx->properties)
		return 0;
	hold_compiler(ctx);
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
	conv_plans_release(ctx);
	norm_plans_release(ctx);
	descriptor_destroy(&ctx->properties);
	if (ctx->dnn)
		cudnnDestroy(ctx->dnn);
	ctx->dnn = NULL;
	if (ctx->compiler)
		dlclose(ctx->compiler);
	ctx->compiler = NULL;
}

cudnnStatus_t tensor_make(descriptor *d, const struct tensor *t)
{
	const struct shape *s = &t->shape;
	int64_t alignment = t->lies == LIES_ON_HOST ? sizeof(float) : 16, dim[] = { t->n, s->c, s->h, s->w };
	int64_t stride[] = { (int64_t)shape_size(*s), 1, (int64_t)s->w * s->c, s->c };
	cudnnDataType_t type = t->bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
	unsigned char nowhere = t->lies == LIES_NOWHERE, on_host = t->lies == LIES_ON_HOST; /* cuDNN's bool */
	const struct attribute a[] = {
		{ CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &t->uid },
		{ CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type },
		{ CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim },
		{ CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride },
		{ CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment },
		{ CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &nowhere },
		{ CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &on_host },
	};
	/* the last is left out where it says nothing */
	return descriptor_make(d, CUDNN_BACKEND_TENSOR_DESCRIPTOR, a, on_host ? 7 : 6);
}

cudnnStatus_t pointwise_make(descriptor *how, descriptor *op, cudnnPointwiseMode_t mode, const descriptor *x,
			     const descriptor *b, const descriptor *y)
{
	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	const struct attribute a[] = {
		{ CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode },
		{ CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type },
	};
	const struct attribute of[] = {
		{ CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, how },
		{ CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, x },
		{ CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, y },
		{ CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, b },
	};
	cudnnStatus_t status = DESCRIPTOR_MAKE(how, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, a);
	return status == CUDNN_STATUS_SUCCESS
		       ? descriptor_make(op, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, of, b ? 4 : 3)
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

/* Whether an engine with such a note is one of those. */
static int made_so(unsigned behaviour, enum engine_made made)
{
	int compiled = behaviour >> CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION & 1;
	return made == ENGINES_EITHER || compiled == (made == ENGINES_COMPILED);
}

/* 1 when this suggestion is wanted and works; then e has its plan. */
static int config_works(struct engine *e, descriptor config, const struct engine_limits *limits, descriptor properties,
			cudnnHandle_t dnn)
{
	const struct attribute a[] = {
		{ PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &dnn },
		{ CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config },
		{ CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &properties },
	};
	descriptor engine = NULL;
	int64_t n;
	e->numerical = e->behaviour = ~0u;
	/* notes can be read once the engine was */
	if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) == CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n,
				     &engine) == CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &n, &e->number) ==
		    CUDNN_STATUS_SUCCESS) {
		e->numerical = notes_of(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE);
		e->behaviour = notes_of(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE);
	}
	descriptor_destroy(&engine);
	if (e->numerical & limits->refused || e->behaviour == ~0u || !made_so(e->behaviour, limits->made))
		return 0;
	/* without a handle the first attribute is left out */
	if (descriptor_make(&e->plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, a + !dnn, 3 - !dnn) ==
		    CUDNN_STATUS_SUCCESS &&
	    cudnnBackendGetAttribute(e->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &n,
				     &e->workspace) == CUDNN_STATUS_SUCCESS &&
	    e->workspace >= 0 && (size_t)e->workspace <= limits->most)
		return 1;
	descriptor_destroy(&e->plan);
	return 0;
}

enum { CONFIGS = 64 /* suggestions of a mode */ };

/* 1 when one of the mode's suggestions from number *from on works; 0 none; -1 on failure. *from: after it. */
static int mode_works(struct engine *e, descriptor graph, cudnnBackendHeurMode_t mode,
		      const struct engine_limits *limits, int *from, descriptor properties, cudnnHandle_t dnn,
		      struct err *err)
{
	const struct attribute a[] = {
		{ CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph },
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
	    (DESCRIPTOR_MAKE(&heuristic, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, a) != CUDNN_STATUS_SUCCESS ||
	     cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, CONFIGS,
				      &n, config) != CUDNN_STATUS_SUCCESS))
		n = 0;
	for (; !found && *from < n && *from < CONFIGS; ++*from)
		if (config_works(e, config[*from], limits, properties, dnn)) {
			e->config = config[*from];
			config[*from] = NULL;
			found = 1;
		}
	for (int i = 0; i < CONFIGS; i++)
		descriptor_destroy(&config[i]);
	descriptor_destroy(&heuristic);
	return dnn_status(status, "an engine's configuration", err) ? -1 : found;
}

int engine_choose(struct engine *e, descriptor graph, const struct engine_limits *limits, int *from,
		  descriptor properties, cudnnHandle_t dnn, struct err *err)
{
	static const cudnnBackendHeurMode_t mode[] = { CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK };
	char words[512];
	int found = 0;
	for (int i = *from / CONFIGS; !found && i < 2; i++) {
		int number = i == *from / CONFIGS ? *from % CONFIGS : 0;
		found = mode_works(e, graph, mode[i], limits, &number, properties, dnn, err);
		*from = i * CONFIGS + number;
	}
	if (found)
		return found < 0 ? -1 : 0;
	last_words(words, sizeof words);
	return err_no_device(err, "cuDNN %zu has no engine for this device and precision%s", cudnnGetVersion(), words);
}

void engine_release(struct engine *e)
{
	descriptor_destroy(&e->plan);
	descriptor_destroy(&e->config);
}

int engine_run(const struct engine *e, struct backend_ctx *ctx, const int64_t *uid, const void *const *at, int n,
	       const char *what, struct err *err)
{
	const struct attribute a[] = {
		{ CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n, uid },
		{ CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, n, at },
		{ CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &ctx->workspace },
	};
	descriptor pack = NULL;
	cudnnStatus_t status = DESCRIPTOR_MAKE(&pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, a);
	if (status == CUDNN_STATUS_SUCCESS)
		status = cudnnBackendExecute(ctx->dnn, e->plan, pack);
	int rc = dnn_status(status, what, err);
	descriptor_destroy(&pack);
	return rc;
}
