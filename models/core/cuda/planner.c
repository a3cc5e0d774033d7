/* Opens a card by its description, and prints what was prepared for it. */
#include "planner.h"
#include "plans.h"

#include "models/core/cost.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/jsontext.h"

#include <stdlib.h>
#include <string.h>

/* What cuDNN's description says that is used here. */
static int card_read(struct card *card, const char *text, struct err *err)
{
	json_t *j;
	if (jsontext_parse(&j, text, strlen(text), NULL, err))
		return err_context(err, "the card's description");
	const char *name = json_string_value(json_object_get(j, "deviceName"));
	int version = (int)json_integer_value(json_object_get(j, "deviceVer"));
	*card = (struct card){ .major = version / 100, .minor = version / 10 % 10,
			       .bytes = (size_t)json_integer_value(json_object_get(j, "totalGlobalMem")) };
	snprintf(card->name, sizeof card->name, "%.63s", name ? name : "");
	json_decref(j);
	return version && card->bytes ? 0 : err_set(err, "the card's description lacks deviceVer or totalGlobalMem");
}

int planner_open(struct backend_ctx **out, const struct backend_config *config, struct err *err)
{
	struct backend_ctx *ctx;
	char names[128];
	if (mem_alloc(&ctx, 1, sizeof *ctx, err))
		return -1;
	ctx->spec = card_find(config->card);
	int rc = ctx->spec ? card_json(ctx->spec, &ctx->card_text, err) :
		 config->card[0] == '{' ? mem_text(&ctx->card_text, config->card, strlen(config->card), err) :
					  1;
	if (rc > 0) {
		card_names(names, sizeof names);
		rc = err_usage(err, "'%s' is no card that is known (%s), nor the description of one", config->card,
			       names);
	}
	if (rc || card_read(&ctx->card, ctx->card_text, err) ||
	    card_precision(&ctx->card, config->precision, &ctx->precision, err) || norm_engine_read(ctx, err) ||
	    gpu_alloc(ctx, &ctx->blas_workspace, BLAS_WORKSPACE, err)) {
		free(ctx->card_text);
		free(ctx);
		return -1;
	}
	*out = ctx;
	return 0;
}

enum { NAME_WIDTH = 22, CELL = 19 };

/* "30 tensor, 16 MiB": cuDNN's engine, whether it computes on tensor cores, its workspace where that is not tiny. */
static void print_conv(const struct op *op, const void *state, FILE *to)
{
	fprintf(to, "%-*s", NAME_WIDTH, op->name);
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		const struct conv_plan *p = conv_planned(state, (enum conv_kind)kind);
		char cell[64] = "-";
		int n = !p ? 0 : snprintf(cell, sizeof cell, "%lld%s", (long long)p->engine.number,
					  p->engine.numerical >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1 ? " tensor" : "");
		if (p && p->engine.workspace >= 1 << 19)
			snprintf(cell + n, sizeof cell - (size_t)n, ", %.0f MiB",
				 (double)p->engine.workspace / (1 << 20));
		fprintf(to, " %-*s", kind < CONV_KINDS - 1 ? CELL - 1 : 0, cell);
	}
	fputc('\n', to);
}

static int is_norm_of_cudnn(const struct graph *g, int i)
{
	return g->op[i].type == OP_NORM && norm_planned(g->state[i]);
}

/* How many ops there are of each type that runs on our kernels; NORMs of cuDNN first, where there are any. */
static void print_rest(const struct graph *g, FILE *to)
{
	const char *comma = "";
	int norms = 0;
	for (int i = 0; i < g->n_ops; i++)
		norms += is_norm_of_cudnn(g, i);
	if (norms)
		fprintf(to, "compiled by cuDNN, but for what it has no engine for: %d norm\n", norms);
	fputs("kernels of our own: ", to);
	for (int type = 0; type < OP_TYPES; type++) {
		int n = 0;
		for (int i = 0; i < g->n_ops; i++)
			n += (int)g->op[i].type == type && !is_norm_of_cudnn(g, i);
		if (!n || type == OP_CONV || type == OP_LINEAR)
			continue;
		fprintf(to, "%s%d %s", comma, n, op_info[type].name);
		comma = ", ";
	}
	fputs("\n\n", to);
}

static double rate_of(const struct backend_ctx *ctx)
{
	const struct card_spec *s = ctx->spec;
	return ctx->precision == PRECISION_BF16 ? s->bf16 : ctx->precision == PRECISION_TF32 ? s->tf32 : s->float32;
}

static void print_floor(const struct backend_ctx *ctx, const struct graph *g, const struct update *u, int n, int tokens,
			FILE *to)
{
	struct cost all = cost_update(g, 24 + (u->clip_norm > 0 ? 4 : 0) + (u->ema > 0 ? 12 : 0));
	for (int i = 0; i < g->n_ops; i++) {
		struct cost f = cost_forward(g, i, n, tokens), b = cost_backward(g, i, n, tokens);
		all.flop += f.flop + b.flop;
		all.bytes += f.bytes + b.bytes;
	}
	fprintf(to, "arithmetic     %.1f GFLOP a step\n", all.flop / 1e9);
	fprintf(to, "traffic        %.2f GB a step\n", all.bytes / 1e9);
	if (!ctx->spec)
		return;
	double seconds = all.flop / (rate_of(ctx) * 1e12) + all.bytes / (ctx->spec->bandwidth * 1e12);
	fprintf(to, "floor          %.3f ms a step, %.0f samples/s (at %g TFLOP/s and %g TB/s)\n", seconds * 1e3,
		n / seconds, rate_of(ctx), ctx->spec->bandwidth);
}

void planner_counted(const struct backend_ctx *ctx, const struct graph *g, int n, int tokens, size_t *taken,
		     size_t *total)
{
	struct block_counts c = { .n = (size_t)n,
				  .classes = g->logits < 0 ? 0 : shape_size(g->value[g->logits].shape) };
	for (int i = 0; i < g->n_ops; i++) {
		struct shape out = g->value[g->op[i].out].shape;
		if (g->op[i].type == OP_IMAGES) { /* bytes, which a batch brings */
			c.images = (size_t)n;
			c.image = shape_size(out);
			c.channels = (size_t)out.c;
		} else if (g->op[i].type == OP_WORDCONV) { /* with partners */
			c.sentences = (size_t)n;
			c.tokens = (size_t)n * (size_t)tokens;
			c.places = 2 * c.tokens;
			c.words = (size_t)g->max_words + WORDS_STEP;
		}
	}
	*taken = ctx->counted + block_bytes(&c);
	*total = ctx->card.bytes;
}

/* Whether op i's gradient in its k-th input is added to that of an op behind it, or of an input before. */
static int gradient_adds(const struct graph *g, int i, int k)
{
	int adds = k > 0 && g->op[i].in[0] == g->op[i].in[k];
	for (int later = i + 1; later < g->n_ops; later++)
		for (int j = 0; j < g->op[later].n_in; j++)
			adds |= g->op[later].in[j] == g->op[i].in[k] && g->value[g->op[later].out].wanted;
	return adds;
}

/* As norm.c has it: ReLU's gradient, that of NORM, and where they are not the first's that of what was added. */
static int norm_launches(const struct graph *g, int i, int backward)
{
	const struct op *op = &g->op[i];
	int rest = op->n_in > 1 && g->value[op->in[1]].wanted;
	int trained = param_trained(&g->param[op->param[0]]) && param_trained(&g->param[op->param[1]]);
	if (!is_norm_of_cudnn(g, i) ||
	    (backward && (!trained || !g->value[op->in[0]].wanted || gradient_adds(g, i, 0))))
		return 3;
	return !backward ? 1 : op->norm.relu + 1 + (rest && gradient_adds(g, i, 1));
}

/* What is queued for an op: kernels of ours, and one for each call of a library. */
static int op_launches(const struct graph *g, const struct op *op, int backward)
{
	static const struct {
		int forward, backward;
	} fixed[OP_TYPES] = {
		[OP_WORDCONV] = { 3, 1 }, [OP_DROPOUT] = { 1, 1 }, [OP_XENT] = { 1, 1 }, [OP_IMAGES] = { 1, 0 },
		[OP_RELU] = { 1, 1 },	  [OP_ADD] = { 1, 1 },	   [OP_POOL] = { 1, 1 }, [OP_MIX] = { 1, 1 },
	};
	const struct value *in = op->n_in ? &g->value[op->in[0]] : NULL;
	int half = g->value[op->out].element == 2, wide = in && in->element == 2;
	int copies = half || (op->conv.kernel > 1 && in && in->shape.c > op->conv.groups);
	const struct conv_plan *forward =
		op->type == OP_CONV ? conv_planned(g->state[op - g->op], CONV_FORWARD) : NULL;
	int fused = forward && forward->of.bias;
	int bias = op->n_param > 1 && param_trained(&g->param[op->param[1]]);
	int trained = op->n_param && param_trained(&g->param[op->param[0]]);
	if (op->type == OP_CONV)
		return backward ? trained * (1 + copies) + 2 * bias + in->wanted : 1 + (op->n_param > 1 && !fused);
	if (op->type == OP_LINEAR)
		return !backward ? 2 + wide : trained * (1 + wide) + 2 * bias + in->wanted * (1 + wide);
	if (op->type == OP_NORM)
		return norm_launches(g, (int)(op - g->op), backward);
	/* the gradient of words is two kernels more */
	return !backward ? fixed[op->type].forward :
			   fixed[op->type].backward + (op->type == OP_WORDCONV ? 2 * trained : 0);
}

static int step_launches(const struct graph *g, const struct update *u)
{
	/* the update of all that are no tables; what clips, in two; what averages */
	int n = 1 + 2 * (u->clip_norm > 0) + (u->ema > 0);
	for (int i = 0; i < g->n_ops; i++)
		n += op_launches(g, &g->op[i], 0) + (g->value[g->op[i].out].wanted ? op_launches(g, &g->op[i], 1) : 0);
	for (int p = 0; p < g->n_params; p++)
		n += param_trained(&g->param[p]) * ((g->param[p].kind == PARAM_TABLE) + (g->param[p].max_norm > 0));
	return n;
}

/* A step's is the least; where hidden values are mixed, one MIX takes one kernel more. */
static void print_launches(const struct graph *g, const struct update *u, FILE *to)
{
	int n = step_launches(g, u), mixes = 0;
	for (int i = 0; i < g->n_ops; i++)
		mixes |= g->op[i].type == OP_MIX;
	fprintf(to, "launches       %d a step", n);
	if (mixes)
		fprintf(to, ", %d where hidden values are mixed", n + 1);
	fputc('\n', to);
}

int planner_print(struct backend_ctx *ctx, const struct graph *g, const struct update *u, int n, int tokens, FILE *to,
		  struct err *err)
{
	int convs = 0, products = 0;
	size_t dnn = cudnnGetVersion();
	(void)err;
	fprintf(to, "card           %s, compute capability %d.%d\nprecision      %s\nbatch          %d\n",
		ctx->card.name, ctx->card.major, ctx->card.minor, precision_names[ctx->precision], n);
	fprintf(to, "planned by     cuDNN %zu.%zu.%zu\n\n", dnn / 10000, dnn / 100 % 100, dnn % 100);
	for (int i = 0; i < g->n_ops; i++) {
		convs += g->op[i].type == OP_CONV;
		products += g->op[i].type == OP_LINEAR;
	}
	if (convs)
		fprintf(to, "%-*s %-*s %-*s filter's gradient\n", NAME_WIDTH, "convolution: engine", CELL - 1,
			"forward", CELL - 1, "input's gradient");
	for (int i = 0; i < g->n_ops; i++)
		if (g->op[i].type == OP_CONV)
			print_conv(&g->op[i], g->state[i], to);
	fprintf(to, "products of cuBLAS: %d linear\n", products);
	print_rest(g, to);
	print_launches(g, u, to);
	print_floor(ctx, g, u, n, tokens, to);
	return 0;
}
