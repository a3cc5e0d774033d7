/* The choice of a convolution's engine by the clock: each plan is queued once, then RUNS times between two events, and
 * the median counts. Nothing but the times decides. Engines that cuDNN compiles for it are tried too, after the others,
 * as long as the compiler has not taken its time. */
#include "plans.h"

#include "pipeline/base/num.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5 };

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Milliseconds of one run between the events. */
static int run_timed(struct backend_ctx *ctx, const struct conv_plan *p, const struct conv_trial *trial,
		     const cudaEvent_t event[2], float *ms, struct err *err)
{
	if (gpu_status(cudaEventRecord(event[0], ctx->stream), "an event", err) ||
	    trial->run(ctx, p, trial->with, err) ||
	    gpu_status(cudaEventRecord(event[1], ctx->stream), "an event", err) ||
	    gpu_status(cudaEventSynchronize(event[1]), "a convolution", err))
		return -1;
	return gpu_status(cudaEventElapsedTime(ms, event[0], event[1]), "a convolution's time", err);
}

/* Milliseconds of a run, as a rule. */
static int plan_time(struct backend_ctx *ctx, const struct conv_plan *p, const struct conv_trial *trial,
		     const cudaEvent_t event[2], float *ms, struct err *err)
{
	float all[RUNS + 1];
	for (int i = 0; i <= RUNS; i++)
		if (run_timed(ctx, p, trial, event, &all[i], err))
			return -1;
	qsort(all + 1, RUNS, sizeof *all, by_size); /* the first one loads what the others use */
	*ms = all[1 + RUNS / 2];
	return 0;
}

int tune_time_read(struct backend_ctx *ctx, struct err *err)
{
	const char *most = getenv("VIC_CUDA_TUNE_SECONDS");
	ctx->compiling_most = 60;
	return most && *most ? num_f64("VIC_CUDA_TUNE_SECONDS", most, 0, 1e6, &ctx->compiling_most, err) : 0;
}

/* $VIC_CUDA_STATS=1: notes what was chosen. */
static int choice_note(struct backend_ctx *ctx, const struct conv_plan *p, int tried, float ms, struct err *err)
{
	static const char *const kind[] = { "forward", "the gradient of the input", "the gradient of the filter" };
	const char *stats = getenv("VIC_CUDA_STATS");
	if (!stats || strcmp(stats, "1"))
		return 0;
	return note_add(ctx, err,
			"tuned: %d x %d x %d x %d, kernel %d, stride %d, %d groups, to %d: %s: engine %lld%s%s of %d "
			"plans, %.4f ms",
			p->of.n, p->of.in.h, p->of.in.w, p->of.in.c, p->of.kernel, p->of.stride, p->of.groups,
			p->of.out.c, kind[p->of.kind], (long long)p->engine.number,
			engine_is_compiled(&p->engine) ? " (compiled)" : "", p->of.bias ? " with the bias" : "", tried,
			(double)ms);
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The next plan for it; a compiled one, while there is time for compiling. */
static int plan_next(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of, enum engine_made made,
		     int *from)
{
	struct err none = ERR_NONE;
	double began = seconds_now();
	if (made == ENGINES_COMPILED && ctx->compiling >= ctx->compiling_most)
		return -1;
	int rc = conv_plan_make(p, of, made, from, ctx->properties, ctx->dnn, &none);
	if (made == ENGINES_COMPILED)
		ctx->compiling += seconds_now() - began;
	return rc;
}

/* Tries the first plans of one problem, at most so many; *p is the best of *tried so far, with the time *least. */
static void plans_try(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of,
		      enum engine_made made, int most, const struct conv_trial *trial, const cudaEvent_t event[2],
		      int *tried, float *least)
{
	struct conv_plan next;
	int from = 0;
	for (int i = 0; i < most && !plan_next(ctx, &next, of, made, &from); i++) {
		struct err none = ERR_NONE;
		float ms;
		if (workspace_need(ctx, (size_t)next.engine.workspace + trial->after, &none) ||
		    plan_time(ctx, &next, trial, event, &ms, &none)) {
			conv_plan_release(&next);
			continue;
		}
		int slower = *tried && ms >= *least;
		if (*tried)
			conv_plan_release(slower ? &next : p);
		if (!slower) {
			*p = next;
			*least = ms;
		}
		++*tried;
	}
}

int conv_tune(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of, int bias,
	      const struct conv_trial *trial, struct err *err)
{
	cudaEvent_t event[2] = { NULL, NULL };
	struct conv_problem one = *of;
	size_t had = ctx->workspace_bytes;
	float least = 0;
	int tried = 0, rc = 0;
	for (int i = 0; i < 2 && !rc; i++)
		rc = gpu_status(cudaEventCreateWithFlags(&event[i], cudaEventDefault), "an event", err);
	for (one.bias = bias; !rc && one.bias >= 0; one.bias--)
		plans_try(ctx, p, &one, ENGINES_PRECOMPILED, TUNED, trial, event, &tried, &least);
	for (one.bias = bias; !rc && one.bias >= 0; one.bias--)
		plans_try(ctx, p, &one, ENGINES_COMPILED, TUNED_COMPILED, trial, event, &tried, &least);
	for (int i = 0; i < 2; i++)
		if (event[i])
			cudaEventDestroy(event[i]);
	/* a try that found no memory has given back what there was */
	if (!rc)
		rc = workspace_need(ctx, had, err);
	if (!rc && tried)
		rc = choice_note(ctx, p, tried, least, err);
	if (rc && tried)
		conv_plan_release(p);
	if (!rc && !tried)
		rc = err_no_device(err, "none of cuDNN's engines for a convolution could be run");
	return rc;
}
