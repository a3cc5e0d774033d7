/* plans: how a convolution, or batch normalisation, is computed on a device by one of cuDNN's engines, which is chosen
 * once for each shape and batch size. Private to core/cuda. Choosing needs no device, given the properties of one. */
#ifndef VIC_CUDA_PLANS_H
#define VIC_CUDA_PLANS_H

#include "dnn.h"

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
	PLAN_PARTS
};

struct conv_plan {
	struct conv_problem of, asked; /* asked: of conv_plan_of */
	descriptor part[PLAN_PARTS];   /* owned */
	struct engine engine;
};

/* Bytes of workspace that a convolution may have on a card with so many bytes of memory. All ops share one workspace,
 * so the most that any of them uses counts once. With 256 MiB alone, ResNet-50 at 256 images loses the tensor cores of
 * a quarter of its convolutions in tf32 on an A100. */
static inline size_t conv_workspace_most(size_t card_bytes)
{
	const size_t least = (size_t)256 << 20;
	return card_bytes / 32 > least ? card_bytes / 32 : least;
}

/* By the first of cuDNN's engines so made that gives the same bits every time and keeps to the precision
 * (PRECISION_FLOAT32: no tensor cores) and to of->most. from: of engine_choose; NULL: as from 0. */
int conv_plan_make(struct conv_plan *p, const struct conv_problem *of, enum engine_made made, int *from,
		   descriptor properties, cudnnHandle_t dnn, struct err *err) VIC_CHECKED;
void conv_plan_release(struct conv_plan *p);

/* How plans of a problem are tried on the device: run(with) queues all that such a plan asks for, which may use
 * p->engine.workspace bytes of ctx->workspace and `after` more. */
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
void conv_plans_release(struct backend_ctx *ctx);

/* Queues it. Device memory, 16-byte aligned; one of in, filter and out, or its gradient, is the result. bias: read
 * where p->of.bias. The first p->engine.workspace bytes of ctx->workspace are overwritten. */
int conv_plan_run(const struct conv_plan *p, struct backend_ctx *ctx, const void *in, const void *filter,
		  const void *out, const void *bias, struct err *err) VIC_CHECKED;

/* tune.c: makes p the fastest on the device of the first TUNED plans that there are for it, and of the first
 * TUNED_COMPILED that cuDNN compiles, until ctx->compiling is over; where bias, of those that add it too. What cannot
 * run is passed over; -1 where nothing can. Waits; in prepare() alone. */
enum { TUNED = 8, TUNED_COMPILED = 2 };
int conv_tune(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of, int bias,
	      const struct conv_trial *trial, struct err *err) VIC_CHECKED;

/* norm_plans.c: in training out = NORM(in), then + rest, then ReLU; or the gradient of NORM alone. */
enum norm_kind { NORM_TRAIN, NORM_GRADIENT, NORM_KINDS };

/* x, y, rest and their gradients [n][h][w][c], all float, or all bfloat16; all else is float. */
struct norm_problem {
	enum norm_kind kind;
	int n;
	struct shape shape;
	int bf16, rest, relu; /* rest, relu: of NORM_TRAIN; rest only with relu */
	size_t most;          /* bytes of workspace that the engine may use; last */
};

/* What a plan reads and writes, each where the kind has it: on the device, 16-byte aligned, [n][h][w][c] or [c] floats;
 * EPS and MOMENTUM a float of the host, read when the plan is queued. NEXT_*: the running ones afterwards, which may
 * lie where they were. */
enum norm_tensor {
	NORM_X,
	NORM_Y,
	NORM_DY,
	NORM_DX,
	NORM_REST,
	NORM_SCALE,
	NORM_SHIFT,
	NORM_MEAN,
	NORM_INV, /* 1 / sqrt(variance + EPS) */
	NORM_RUNNING_MEAN,
	NORM_RUNNING_VAR,
	NORM_NEXT_MEAN,
	NORM_NEXT_VAR,
	NORM_EPS,
	NORM_MOMENTUM,
	NORM_DSCALE,
	NORM_DSHIFT,
	NORM_TENSORS
};
enum { NORM_PARTS = NORM_TENSORS + 8 };

struct norm_plan {
	struct norm_problem of;
	descriptor part[NORM_PARTS]; /* owned */
	struct engine engine;
};

/* The plan of a problem, as conv_plan_of; cuDNN compiles it, which takes half a second. NULL on failure. */
const struct norm_plan *norm_plan_of(struct backend_ctx *ctx, const struct norm_problem *of,
				     struct err *err) VIC_CHECKED;
void norm_plans_release(struct backend_ctx *ctx);
/* Queues it. The first p->engine.workspace bytes of ctx->workspace are overwritten. */
int norm_plan_run(const struct norm_plan *p, struct backend_ctx *ctx, const void *const at[NORM_TENSORS],
		  struct err *err) VIC_CHECKED;

/* conv.c: of an op's state, the plan of that kind at the largest batch; NULL where there is none. Borrowed. */
const struct conv_plan *conv_planned(const void *state, enum conv_kind kind);
/* norm.c: whether an op's state is of one that cuDNN computes in training. */
int norm_planned(const void *state);

#endif
