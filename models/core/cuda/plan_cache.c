/* The plans of a device's convolutions: one for all that are alike. */
#include "plans.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static unsigned has_tensor_cores(const struct conv_plan *p)
{
	return p->engine.numerical >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1;
}

/* A plan that adds the bias too takes the place of one that does not, where there is one as good. */
static int plan_with_bias(const struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *plain,
			  int bias, struct err *err)
{
	struct err none = ERR_NONE;
	struct conv_plan both;
	struct conv_problem of = *plain;
	if (conv_plan_make(p, plain, ENGINES_PRECOMPILED, NULL, ctx->properties, ctx->dnn, err))
		return -1;
	of.bias = bias;
	if (bias && !conv_plan_make(&both, &of, ENGINES_PRECOMPILED, NULL, ctx->properties, ctx->dnn, &none)) {
		int better = has_tensor_cores(&both) >= has_tensor_cores(p);
		conv_plan_release(better ? p : &both);
		if (better)
			*p = both;
	}
	return 0;
}

/* Whether p is what a search for `of` would end with. The first suggestion within a larger workspace is also the first
 * within a smaller one, if it fits. */
static int plan_answers(const struct conv_plan *p, const struct conv_problem *of)
{
	return !memcmp(&p->asked, of, offsetof(struct conv_problem, most)) && p->asked.most >= of->most &&
	       (size_t)p->engine.workspace <= of->most;
}

const struct conv_plan *conv_plan_of(struct backend_ctx *ctx, const struct conv_problem *of,
				     const struct conv_trial *trial, struct err *err)
{
	struct conv_plan *p;
	struct conv_problem plain = *of;
	plain.bias = 0;
	for (size_t i = 0; i < ctx->plans; i++)
		if (plan_answers(ctx->plan[i], of))
			return ctx->plan[i];
	if (mem_grow(&ctx->plan, &ctx->plans_cap, ctx->plans + 1, sizeof *ctx->plan, err) ||
	    mem_alloc(&p, 1, sizeof *p, err))
		return NULL;
	if (trial ? conv_tune(ctx, p, &plain, of->bias, trial, err)
		  : plan_with_bias(ctx, p, &plain, of->bias, err)) {
		free(p);
		return NULL;
	}
	p->asked = *of;
	return ctx->plan[ctx->plans++] = p;
}

void conv_plans_release(struct backend_ctx *ctx)
{
	for (size_t i = 0; i < ctx->plans; i++) {
		conv_plan_release(ctx->plan[i]);
		free(ctx->plan[i]);
	}
	free(ctx->plan);
	ctx->plan = NULL;
	ctx->plans = ctx->plans_cap = 0;
}
