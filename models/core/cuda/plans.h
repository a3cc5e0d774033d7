/* plans: how a convolution is computed on a device: by one of cuDNN's engines, chosen once for each shape and batch
 * size. Private to core/cuda. Choosing needs no device, given the properties of one. cuDNN's words for things are those
 * of its backend API (docs.nvidia.com/deeplearning/cudnn, "Graph API"). */
#ifndef VIC_CUDA_PLANS_H
#define VIC_CUDA_PLANS_H

#include "cuda.h"

/* What is computed: out; the gradient of in; the gradient of the filter. */
enum conv_kind { CONV_FORWARD, CONV_DATA, CONV_FILTER, CONV_KINDS };

/* in [n][h][w][c], filter [out.c][kernel][kernel][in.c / groups], out [n][h][w][c], bias [out.c], all float, or all
 * bfloat16. */
struct conv_problem {
	enum conv_kind kind;
	int n, kernel, stride, pad, groups;
	struct shape in, out;
	enum precision precision;
	int add;     /* the result is added to what its memory holds */
	int bias;    /* CONV_FORWARD: out = the convolution + bias, rounded once */
	size_t most; /* bytes of workspace that the engine may use; last, see conv_plan_of */
};

/* in that order the descriptors that a plan is made of; PLAN_SUM, which lies nowhere, is what the bias is added to */
enum plan_part {
	PLAN_IN,
	PLAN_WEIGHT,
	PLAN_OUT,
	PLAN_BIAS,
	PLAN_SUM,
	PLAN_CONV,
	PLAN_OP,
	PLAN_POINTWISE,
	PLAN_ADD,
	PLAN_GRAPH,
	PLAN_CONFIG,
	PLAN_PLAN,
	PLAN_PARTS
};

struct conv_plan {
	struct conv_problem of, asked; /* asked: of conv_plan_of */
	cudnnBackendDescriptor_t part[PLAN_PARTS]; /* owned */
	int64_t engine, workspace;                 /* cuDNN's number of it; bytes */
	unsigned numerical, behaviour; /* bit i: note i of cudnnBackendNumericalNote_t, of cudnnBackendBehaviorNote_t */
};

/* Bytes of workspace that a convolution may have on a card with so many bytes of memory. All ops share one workspace,
 * so the most that any of them uses counts once. With 256 MiB alone, ResNet-50 at 256 images loses the tensor cores of
 * a quarter of its convolutions in tf32 on an A100. */
static inline size_t conv_workspace_most(size_t card_bytes)
{
	const size_t least = (size_t)256 << 20;
	return card_bytes / 32 > least ? card_bytes / 32 : least;
}

/* 0, or -1 and "<what>: cuDNN's words". */
int dnn_status(cudnnStatus_t status, const char *what, struct err *err) VIC_CHECKED;

/* The properties of the handle's device, or where dnn is NULL of the one that `json` describes (what cuDNN itself makes
 * of a device: CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION). Released by cudnnBackendDestroyDescriptor. */
int device_properties(cudnnBackendDescriptor_t *properties, cudnnHandle_t dnn, const char *json,
		      struct err *err) VIC_CHECKED;

/* Opens ctx->dnn on ctx->stream and reads ctx->properties, once; the first convolution pays for it. dnn_close releases
 * all plans too. */
int dnn_open(struct backend_ctx *ctx, struct err *err) VIC_CHECKED;
void dnn_close(struct backend_ctx *ctx);

/* The first of cuDNN's suggestions, or the next after `passed_over` of them, that gives the same bits every time, needs
 * no compiler at run time, keeps to the precision (PRECISION_FLOAT32: no tensor cores) and to of->most, and is there
 * for this device. dnn: the handle that the plan will run with; NULL where it will not run. */
int conv_plan_make(struct conv_plan *p, const struct conv_problem *of, int passed_over,
		   cudnnBackendDescriptor_t properties, cudnnHandle_t dnn, struct err *err) VIC_CHECKED;
void conv_plan_release(struct conv_plan *p);

/* How plans of a problem are tried on the device: run(with) queues all that such a plan asks for, which may use
 * p->workspace bytes of ctx->workspace and `after` more. */
struct conv_trial {
	int (*run)(struct backend_ctx *ctx, const struct conv_plan *p, const void *with, struct err *err);
	const void *with;
	size_t after;
};

/* plan_cache.c: the plan of a problem, for ctx's device, made when it is first asked for: convolutions that are alike
 * share one. It belongs to ctx and holds until dnn_close. A bias is left to the caller (of.bias is 0 in the plan) where
 * no engine that adds it is as good as one that does not. trial: NULL, or the choice is by the clock. NULL on
 * failure. */
const struct conv_plan *conv_plan_of(struct backend_ctx *ctx, const struct conv_problem *of,
				     const struct conv_trial *trial, struct err *err) VIC_CHECKED;

/* Queues it. Device memory, 16-byte aligned; one of in, filter and out, or its gradient, is the result. bias: read
 * where p->of.bias. The first p->workspace bytes of ctx->workspace are overwritten. */
int conv_plan_run(const struct conv_plan *p, struct backend_ctx *ctx, const void *in, const void *filter,
		  const void *out, const void *bias, struct err *err) VIC_CHECKED;

/* tune.c: makes p the fastest on the device of the first TUNED plans that there are for it; where bias, of those that
 * add it too. What cannot run is passed over; -1 where nothing can. Waits; in prepare() alone. */
enum { TUNED = 8 };
int conv_tune(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of, int bias,
	      const struct conv_trial *trial, struct err *err) VIC_CHECKED;

/* conv.c: of an op's state, the plan of that kind at the largest batch; NULL where there is none. Borrowed. */
const struct conv_plan *conv_planned(const void *state, enum conv_kind kind);

#endif
