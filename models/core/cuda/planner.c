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
	if (rc || card_read(&ctx->card, ctx->card_text, err)) {
		free(ctx->card_text);
		free(ctx);
		return -1;
	}
	ctx->precision = ctx->card.major < 8 ? PRECISION_FLOAT32 : config->precision;
	*out = ctx;
	return 0;
}

static void print_conv(const void *state, FILE *to)
{
	for (int kind = 0; kind < CONV_KINDS; kind++) {
		const struct conv_plan *p = conv_planned(state, (enum conv_kind)kind);
		if (p)
			fprintf(to, "\t%lld, %.1f%s", (long long)p->engine, (double)p->workspace / (1 << 20),
				p->numerical >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1 ? ", tensor cores" : "");
		else
			fputs("\t-", to);
	}
}

static double rate_of(const struct backend_ctx *ctx)
{
	const struct card_spec *s = ctx->spec;
	return ctx->precision == PRECISION_BF16 ? s->bf16 : ctx->precision == PRECISION_TF32 ? s->tf32 : s->float32;
}

static void print_floor(const struct backend_ctx *ctx, const struct graph *g, int n, int tokens, FILE *to)
{
	int element = ctx->precision == PRECISION_BF16 ? 2 : 4;
	struct cost all = cost_update(g, 24);
	for (int i = 0; i < g->n_ops; i++) {
		struct cost f = cost_forward(g, i, n, element, tokens), b = cost_backward(g, i, n, element, tokens);
		all.flop += f.flop + b.flop;
		all.bytes += f.bytes + b.bytes;
	}
	fprintf(to, "arithmetic\t%.1f GFLOP a step\ntraffic\t%.2f GB a step\n", all.flop / 1e9, all.bytes / 1e9);
	if (!ctx->spec)
		return;
	double seconds = all.flop / (rate_of(ctx) * 1e12) + all.bytes / (ctx->spec->bandwidth * 1e12);
	fprintf(to, "floor\t%.3f ms a step, %.0f samples/s (%g TFLOP/s and %g TB/s)\n", seconds * 1e3, n / seconds,
		rate_of(ctx), ctx->spec->bandwidth);
}

void planner_counted(const struct backend_ctx *ctx, size_t *taken, size_t *total)
{
	*taken = ctx->counted;
	*total = ctx->card.bytes;
}

/* What is queued for an op: kernels of ours, and one for each call of a library. */
static int op_launches(const struct graph *g, const struct op *op, int backward)
{
	static const struct {
		int forward, backward;
	} fixed[OP_TYPES] = {
		[OP_WORDCONV] = { 3, 3 }, [OP_DROPOUT] = { 1, 1 }, [OP_XENT] = { 1, 1 }, [OP_IMAGES] = { 1, 0 },
		[OP_NORM] = { 3, 3 },	  [OP_RELU] = { 1, 1 },	   [OP_ADD] = { 1, 1 },	 [OP_POOL] = { 1, 1 },
		[OP_MIX] = { 1, 1 },
	};
	const struct value *in = op->n_in ? &g->value[op->in[0]] : NULL;
	int half = g->value[op->out].element == 2, wide = in && in->element == 2, trained = 0;
	int copies = half || (op->conv.kernel > 1 && in && in->shape.c > op->conv.groups);
	const struct conv_plan *forward =
		op->type == OP_CONV ? conv_planned(g->state[op - g->op], CONV_FORWARD) : NULL;
	int fused = forward && forward->of.bias;
	int bias = op->n_param > 1 && param_trained(&g->param[op->param[1]]);
	trained = op->n_param && param_trained(&g->param[op->param[0]]);
	if (op->type == OP_CONV)
		return backward ? trained * (1 + copies) + 2 * bias + in->wanted : 1 + (op->n_param > 1 && !fused);
	if (op->type == OP_LINEAR)
		return !backward ? 2 + wide : trained * (1 + wide) + 2 * bias + in->wanted * (1 + wide);
	return backward ? fixed[op->type].backward : fixed[op->type].forward;
}

static int step_launches(const struct graph *g)
{
	int n = 1; /* the update of all that are no tables */
	for (int i = 0; i < g->n_ops; i++)
		n += op_launches(g, &g->op[i], 0) + (g->value[g->op[i].out].wanted ? op_launches(g, &g->op[i], 1) : 0);
	for (int p = 0; p < g->n_params; p++)
		n += param_trained(&g->param[p]) * ((g->param[p].kind == PARAM_TABLE) + (g->param[p].max_norm > 0));
	return n;
}

int planner_print(struct backend_ctx *ctx, const struct graph *g, int n, int tokens, FILE *to, struct err *err)
{
	static const char *const precisions[] = { "float32", "tf32", "bf16" };
	(void)err;
	fprintf(to, "card\t%s, compute capability %d.%d, %zu MiB\nprecision\t%s\nbatch\t%d\n", ctx->card.name,
		ctx->card.major, ctx->card.minor, ctx->card.bytes >> 20, precisions[ctx->precision], n);
	fputs("op\ttype\tforward: engine, MiB of workspace\tof its input's gradient\tof its filter's gradient\n", to);
	for (int i = 0; i < g->n_ops; i++) {
		fprintf(to, "%s\t%s", g->op[i].name, op_info[g->op[i].type].name);
		if (g->op[i].type == OP_CONV)
			print_conv(g->state[i], to);
		else
			fputs(g->op[i].type == OP_LINEAR ? "\tcuBLAS\tcuBLAS\tcuBLAS" : "\town\town\town", to);
		fputc('\n', to);
	}
	fprintf(to, "launches\t%d a step\n", step_launches(g));
	print_floor(ctx, g, n, tokens, to);
	return 0;
}
