/* Kim-CNN's convolution on the device (the method, and its kernels: wordconv.h). What depends on the number of distinct
 * words grows when a batch has more of them than any before; the filters are laid side by side again when they may
 * have changed. */
#include "kernels/wordconv.h"

#include "product.h"
#include "record.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

_Static_assert((int)CONV_WIDTHS == (int)WORDCONV_WIDTHS, "what the kernels hold is what an op has");

struct wordconv {
	struct wordconv_args args; /* what does not change: sizes and state */
	int cap;                   /* words there is room for */
	int laid_out;              /* `filters` holds those of `version` */
	uint32_t version;
};

/* Room for so many words. Never while a step is recorded: the same size was queued op by op before. */
static int wordconv_room(struct backend_ctx *ctx, struct wordconv *s, int words, struct err *err)
{
	struct wordconv_args *a = &s->args;
	if (words <= s->cap)
		return 0;
	if (gpu_wait(ctx, err))
		return -1;
	recordings_forget(ctx);
	gpu_free(ctx, a->x);
	gpu_free(ctx, a->projected);
	a->x = a->projected = NULL;
	words = s->cap ? words + words / 4 : words;
	s->cap = 0;
	if (gpu_alloc(ctx, (void **)&a->x, (size_t)words * (size_t)a->dim * sizeof *a->x, err) ||
	    gpu_alloc(ctx, (void **)&a->projected,
		      (size_t)words * (size_t)a->taps * (size_t)a->maps * sizeof *a->projected, err))
		return -1;
	s->cap = words;
	return 0;
}

static void wordconv_unprepare(struct backend_ctx *ctx, void *state)
{
	struct wordconv *s = state;
	void *own[] = { s->args.x, s->args.filters, s->args.projected, s->args.start, s->args.hit, s->args.hits };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		gpu_free(ctx, own[i]);
	free(s);
}

static int wordconv_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n,
			    int training, void **state, struct err *err)
{
	struct wordconv *s;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	struct wordconv_args *a = &s->args;
	a->dim = op->wordconv.dim;
	a->maps = op->wordconv.maps;
	a->widths = op->wordconv.widths;
	a->out = a->widths * a->maps;
	for (int k = 0; k < a->widths; k++) {
		a->width[k] = op->wordconv.width[k];
		a->first[k] = a->taps;
		a->taps += a->width[k];
	}
	size_t filters = (size_t)a->taps * (size_t)a->maps * (size_t)a->dim, features = (size_t)max_n * (size_t)a->out;
	int words = training ? (g->max_words + WORDS_STEP - 1) / WORDS_STEP * WORDS_STEP : 0;
	if (gpu_alloc(ctx, (void **)&a->filters, filters * sizeof *a->filters, err) ||
	    gpu_alloc(ctx, (void **)&a->start, features * sizeof *a->start, err) ||
	    (training && (gpu_alloc(ctx, (void **)&a->hit, features * sizeof *a->hit, err) ||
			  gpu_alloc(ctx, (void **)&a->hits, (size_t)max_n * sizeof *a->hits, err))) ||
	    wordconv_room(ctx, s, words, err)) {
		wordconv_unprepare(ctx, s);
		return -1;
	}
	*state = s;
	return 0;
}

/* What the kernels are told of this call. */
static struct wordconv_args wordconv_call(struct backend_ctx *ctx, const struct op_call *c)
{
	struct wordconv *s = c->state;
	struct wordconv_args a = s->args;
	a.n = c->n;
	a.words = ctx->block.words;
	a.mixed = batch_mixes_at(c->batch, 0);
	a.block = *block_of(ctx);
	a.table = c->param[0];
	a.fixed = c->fixed;
	a.d_table = c->d_param[0];
	for (int k = 0; k < a.widths; k++) {
		a.bias[k] = c->param[2 + 2 * k];
		a.d_filter[k] = c->d_param[1 + 2 * k];
		a.d_bias[k] = c->d_param[2 + 2 * k];
	}
	a.value = c->out;
	a.d_value = c->d_out;
	return a;
}

/* Lays the filters of all widths side by side, so that one product serves them all. Every step of training changes
 * them; in prediction they stay as long as the weights do. */
static int lay_filters(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	const struct wordconv_args *a = &s->args;
	size_t tap = (size_t)a->maps * (size_t)a->dim;
	if (s->laid_out && s->version == c->version && c->phase != PHASE_TRAIN)
		return 0;
	for (int k = 0; k < a->widths; k++)
		if (gpu_status(cudaMemcpyAsync(a->filters + (size_t)a->first[k] * tap, c->param[1 + 2 * k],
					       (size_t)a->width[k] * tap * sizeof *a->filters, cudaMemcpyDeviceToDevice,
					       ctx->stream),
			       "filters", err))
			return -1;
	s->laid_out = 1;
	s->version = c->version;
	return 0;
}

/* projected [words][taps * maps] = x [words][dim] filters' [dim][taps * maps] */
static int project(struct backend_ctx *ctx, const struct wordconv_args *a, struct err *err)
{
	const struct product p = { .m = a->words, .n = a->taps * a->maps, .k = a->dim, .a = a->x, .b = a->filters,
				   .b_across = 1, .c = a->projected };
	return product(ctx, &p, err);
}

static int wordconv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	if (wordconv_room(ctx, c->state, ctx->block.words, err) || lay_filters(ctx, c, err))
		return -1;
	const struct wordconv_args a = wordconv_call(ctx, c);
	if (a.words && (launched(launch_wordconv_gather(&a, ctx->stream), "words' vectors", err) ||
			project(ctx, &a, err)))
		return -1;
	return launched(launch_wordconv_forward(&a, ctx->stream), "max over time", err);
}

static int wordconv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct wordconv_args a = wordconv_call(ctx, c);
	return launched(launch_wordconv_backward(&a, ctx->stream), "gradients of words and filters", err);
}

const struct cuda_op cuda_wordconv = { wordconv_forward, wordconv_backward, wordconv_prepare, wordconv_unprepare };
