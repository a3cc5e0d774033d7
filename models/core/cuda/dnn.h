/* dnn: what of cuDNN is the same whatever is computed: the device it plans for, descriptors, the choice of an engine
 * for a graph of operations, and its run. Private to core/cuda. cuDNN's words for things are those of its backend API
 * (docs.nvidia.com/deeplearning/cudnn, "Graph API"). */
#ifndef VIC_CUDA_DNN_H
#define VIC_CUDA_DNN_H

#include "cuda.h"

typedef cudnnBackendDescriptor_t descriptor;

/* 0, or -1 and "<what>: cuDNN's words". */
int dnn_status(cudnnStatus_t status, const char *what, struct err *err) VIC_CHECKED;

/* The properties of the handle's device, or where dnn is NULL of the one that `json` describes (what cuDNN itself makes
 * of a device: CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION). Released by descriptor_destroy. */
int device_properties(descriptor *properties, cudnnHandle_t dnn, const char *json, struct err *err) VIC_CHECKED;

/* Opens ctx->dnn on ctx->stream and reads ctx->properties, once; what first asks for a graph pays for it. dnn_close
 * releases all plans too. */
int dnn_open(struct backend_ctx *ctx, struct err *err) VIC_CHECKED;
void dnn_close(struct backend_ctx *ctx);

struct attribute {
	cudnnBackendAttributeName_t name;
	cudnnBackendAttributeType_t type;
	int64_t n;
	const void *value; /* [n] of that type */
};

/* Makes and finalises one with these n attributes. On failure *d may have been created. */
cudnnStatus_t descriptor_make(descriptor *d, cudnnBackendDescriptorType_t type, const struct attribute *a, int n);
#define DESCRIPTOR_MAKE(d, type, attributes)                                                                           \
	descriptor_make(d, type, attributes, (int)(sizeof(attributes) / sizeof(struct attribute)))
void descriptor_destroy(descriptor *d); /* NULL too; it is NULL then */

/* Of dimensions n, c, h, w; lies as [n][h][w][c], float or bfloat16. */
struct tensor {
	int64_t uid; /* its name in a pack of pointers */
	int n;
	struct shape shape;
	int bf16;
	enum tensor_lies {
		LIES_ON_DEVICE,
		LIES_NOWHERE, /* between two operations */
		LIES_ON_HOST, /* a number, read when the graph is queued */
	} lies;
};
cudnnStatus_t tensor_make(descriptor *d, const struct tensor *t);
/* y = x and b by that mode, in float; b: NULL where it takes x alone. how: of the mode, kept as long as op. */
cudnnStatus_t pointwise_make(descriptor *how, descriptor *op, cudnnPointwiseMode_t mode, const descriptor *x,
			     const descriptor *b, const descriptor *y);

/* What an engine may not be. */
struct engine_limits {
	unsigned refused; /* bit i: numerical note i */
	enum engine_made {
		ENGINES_PRECOMPILED,
		ENGINES_COMPILED, /* for this graph, by NVRTC: about half a second each */
		ENGINES_EITHER,
	} made;
	size_t most; /* bytes of workspace */
};
#define NUMERICAL_NOTE(name) (1u << CUDNN_NUMERICAL_NOTE_##name)
/* Those that do not give the same bits every time, or sum in less than float. */
#define ENGINES_INEXACT (NUMERICAL_NOTE(NONDETERMINISTIC) | NUMERICAL_NOTE(REDUCED_PRECISION_REDUCTION))

struct engine {
	descriptor config, plan;   /* owned */
	int64_t number, workspace; /* cuDNN's number of it; bytes */
	unsigned numerical, behaviour; /* bit i: note i of cudnnBackendNumericalNote_t, of cudnnBackendBehaviorNote_t */
};
static inline int engine_is_compiled(const struct engine *e)
{
	return e->behaviour >> CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION & 1;
}

/* The first of cuDNN's suggestions for the graph that keeps to the limits and is there for this device. *from: 0, or
 * where the last call ended: the next one after it. dnn: the handle that it will run with; NULL where it will not run.
 * -1, as err_no_device, where there is none. */
int engine_choose(struct engine *e, descriptor graph, const struct engine_limits *limits, int *from,
		  descriptor properties, cudnnHandle_t dnn, struct err *err) VIC_CHECKED;
void engine_release(struct engine *e);
/* Queues it with n tensors, named uid [n], at `at` [n]. The first e->workspace bytes of ctx->workspace are overwritten.
 * what: of a message. */
int engine_run(const struct engine *e, struct backend_ctx *ctx, const int64_t *uid, const void *const *at, int n,
	       const char *what, struct err *err) VIC_CHECKED;

#endif
