/* Costs by op, from shapes alone. */
#include "cost.h"

/* Bytes of a value, and of its gradient. */
static double moved(const struct graph *g, int v, int n)
{
	return (double)shape_size(g->value[v].shape) * n * g->value[v].element;
}

static double own_params(const struct graph *g, const struct op *op)
{
	double n = 0;
	for (int k = 0; k < op->n_param; k++)
		n += (double)param_size(&g->param[op->param[k]]);
	return n;
}

static double macs_of(const struct graph *g, const struct op *op, int n, int tokens)
{
	return op_info[op->type].macs ? op_info[op->type].macs(g, op, tokens) * n : 0;
}

/* A word table is looked up, not read whole. */
static double param_bytes(const struct graph *g, const struct op *op)
{
	double table = op->type == OP_WORDCONV || op->type == OP_BAG ? (double)param_size(&g->param[op->param[0]]) : 0;
	return (own_params(g, op) - table) * (double)sizeof(float);
}

struct cost cost_forward(const struct graph *g, int i, int n, int tokens)
{
	const struct op *op = &g->op[i];
	double bytes = moved(g, op->out, n);
	for (int k = 0; k < op->n_in; k++)
		bytes += moved(g, op->in[k], n) * (op->type == OP_NORM && k == 0 ? 2 : 1);
	return (struct cost){ 2 * macs_of(g, op, n, tokens), bytes + param_bytes(g, op) };
}

struct cost cost_backward(const struct graph *g, int i, int n, int tokens)
{
	const struct op *op = &g->op[i];
	struct cost c = { 0, 0 };
	if (!g->value[op->out].wanted)
		return c;
	int trained = 0;
	double read = moved(g, op->out, n); /* d_out */
	if (op_info[op->type].back_reads_in)
		read += moved(g, op->in[0], n);
	if (op_back_reads_out(op))
		read += moved(g, op->out, n);
	if (op->type == OP_NORM)
		read *= 2;
	for (int k = 0; k < op->n_param; k++)
		trained |= param_trained(&g->param[op->param[k]]);
	for (int k = 0; k < op->n_in; k++) {
		if (!g->value[op->in[k]].wanted)
			continue;
		c.bytes += moved(g, op->in[k], n);
		if (op->type == OP_CONV || op->type == OP_LINEAR)
			c.flop += 2 * macs_of(g, op, n, tokens);
	}
	if (trained)
		c.flop += 2 * macs_of(g, op, n, tokens) * (op->type == OP_WORDCONV ? 2 : 1);
	c.bytes += read + 2 * param_bytes(g, op);
	return c;
}

struct cost cost_update(const struct graph *g, double bytes_each)
{
	double n = 0;
	for (int p = 0; p < g->n_params; p++)
		n += param_trained(&g->param[p]) ? (double)param_size(&g->param[p]) : 0;
	return (struct cost){ 0, n * bytes_each };
}
