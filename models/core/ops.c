/* What is known of each type of op besides its meaning (graph.h) and its loops (the backends): a row a type. */
#include "graph.h"

static double linear_macs(const struct graph *g, const struct op *op, int tokens)
{
	(void)tokens;
	return (double)param_size(&g->param[op->param[0]]);
}

static double conv_macs(const struct graph *g, const struct op *op, int tokens)
{
	struct shape out = g->value[op->out].shape;
	(void)tokens;
	return (double)param_size(&g->param[op->param[0]]) * out.h * out.w;
}

static double wordconv_macs(const struct graph *g, const struct op *op, int tokens)
{
	double macs = 0;
	for (int k = 0; k < op->wordconv.widths; k++)
		macs += (double)param_size(&g->param[op->param[1 + 2 * k]]) * (tokens + op->wordconv.width[k] - 1);
	return macs;
}

static double bag_macs(const struct graph *g, const struct op *op, int tokens)
{
	return (double)tokens * g->value[op->out].shape.c;
}

const struct op_info op_info[OP_TYPES] = {
	[OP_WORDCONV] = { "wordconv", .back_reads_in = 1, .back_reads_out = 1, .macs = wordconv_macs },
	[OP_DROPOUT] = { "dropout", .macs = NULL },
	[OP_LINEAR] = { "linear", .back_reads_in = 1, .macs = linear_macs },
	[OP_XENT] = { "xent", .back_reads_in = 1, .reads_target = 1 },
	[OP_IMAGES] = { "images", .macs = NULL },
	[OP_CONV] = { "conv", .back_reads_in = 1, .macs = conv_macs },
	[OP_NORM] = { "norm", .back_reads_in = 1, .back_reads_out = 1 },
	[OP_RELU] = { "relu", .back_reads_out = 1 },
	[OP_ADD] = { "add", .macs = NULL },
	[OP_POOL] = { "pool", .macs = NULL },
	[OP_MIX] = { "mix", .macs = NULL },
	[OP_BAG] = { "bag", .macs = bag_macs },
};

int op_back_reads_out(const struct op *op)
{
	return op_info[op->type].back_reads_out && (op->type != OP_NORM || op->norm.relu);
}

double graph_macs(const struct graph *g, int tokens)
{
	double macs = 0;
	for (int i = 0; i < g->n_ops; i++)
		macs += op_info[g->op[i].type].macs ? op_info[g->op[i].type].macs(g, &g->op[i], tokens) : 0;
	return macs;
}
