/* The memory planner. The schedule of a training step has 2 * ops steps: op i runs forward in step i and backward in
 * step 2 * ops - 1 - i. A value must hold from the step that makes it to the last one that reads it: in training the
 * backward of its earliest reader or of its maker, where that op's backward reads it (op_info). Intervals that do not
 * overlap share memory: first fit in order of size, the usual greedy bound. */
#include "graph.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

struct slot {
	size_t *at;
	size_t size;
	int born, dies;
};

static int by_size(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->born - y->born;
}

/* Lowest offset at which slot i fits among those placed before it that are alive at the same time. */
static size_t first_fit(const struct slot *slot, int i)
{
	size_t at = 0;
	for (int again = 1; again;) {
		again = 0;
		for (int k = 0; k < i; k++) {
			const struct slot *s = &slot[k];
			int together = s->born <= slot[i].dies && slot[i].born <= s->dies;
			if (together && *s->at < at + slot[i].size && at < *s->at + s->size) {
				at = *s->at + s->size;
				again = 1;
			}
		}
	}
	return at;
}

/* 1 when some op that reads value v has a gradient to hand back. */
static int led_on(const struct graph *g, int v)
{
	for (int i = 0; i < g->n_ops; i++)
		for (int k = 0; k < g->op[i].n_in; k++)
			if (g->op[i].in[k] == v && g->value[g->op[i].out].wanted)
				return 1;
	return 0;
}

/* Gradients that come from the loss and lead to something trained. */
static void want(struct graph *g)
{
	for (int v = 0; v < g->n_values; v++)
		g->value[v].wanted = 0;
	for (int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->op[i];
		int wanted = 0;
		for (int k = 0; k < op->n_param; k++)
			wanted |= param_trained(&g->param[op->param[k]]);
		for (int k = 0; k < op->n_in; k++)
			wanted |= g->value[op->in[k]].wanted;
		g->value[op->out].wanted = wanted;
	}
	for (int i = g->n_ops; i-- > 0;) {
		int v = g->op[i].out;
		g->value[v].wanted = g->value[v].wanted && (v == g->loss || led_on(g, v));
	}
}

static void lifetimes(struct graph *g, int training)
{
	int end = 2 * g->n_ops - 1;
	want(g);
	for (int v = 0; v < g->n_values; v++) {
		struct value *x = &g->value[v];
		x->born = x->made_by < 0 ? 0 : x->made_by;
		x->dies = training && x->made_by >= 0 && op_back_reads_out(&g->op[x->made_by]) ? end - x->made_by
											       : x->born;
		x->d_born = x->d_dies = -1;
		if (training && x->wanted) {
			x->d_born = end - (g->n_ops - 1);
			x->d_dies = end - x->made_by;
		}
	}
	for (int i = 0; i < g->n_ops; i++)
		for (int k = 0; k < g->op[i].n_in; k++) {
			struct value *x = &g->value[g->op[i].in[k]];
			int last = training && k == 0 && op_info[g->op[i].type].back_reads_in ? end - i : i;
			if (last > x->dies)
				x->dies = last;
			if (x->d_born >= 0) /* its gradient begins with its last reader, which runs first in reverse */
				x->d_born = end - i;
		}
	/* What the caller reads after the step stays to its end. */
	int keep[] = { g->logits, g->loss };
	for (int k = 0; k < 2; k++)
		if (keep[k] >= 0)
			g->value[keep[k]].dies = end;
}

int graph_plan(struct graph *g, int training, struct err *err)
{
	static const size_t line = 64; /* bytes: every value starts on a cache line at any batch size */
	struct slot *slot;
	int n = 0;
	if (mem_alloc(&slot, 2 * (size_t)g->n_values, sizeof *slot, err))
		return -1;
	lifetimes(g, training);
	for (int v = 0; v < g->n_values; v++) {
		struct value *x = &g->value[v];
		size_t size = (shape_size(value_laid(x)) * (size_t)x->element + line - 1) / line * line;
		slot[n++] = (struct slot){ &x->at, size, x->born, x->dies };
		if (x->d_born >= 0)
			slot[n++] = (struct slot){ &x->d_at, size, x->d_born, x->d_dies };
	}
	qsort(slot, (size_t)n, sizeof *slot, by_size);
	g->arena_bytes = 0;
	for (int i = 0; i < n; i++) {
		*slot[i].at = first_fit(slot, i);
		if (*slot[i].at + slot[i].size > g->arena_bytes)
			g->arena_bytes = *slot[i].at + slot[i].size;
	}
	free(slot);
	return 0;
}

static void print_shape(const struct graph *g, int v, FILE *to)
{
	struct shape s = g->value[v].shape;
	if (s.h == 1 && s.w == 1)
		fprintf(to, " %s(%d)", g->value[v].name, s.c);
	else
		fprintf(to, " %s(%dx%dx%d)", g->value[v].name, s.h, s.w, s.c);
}

void graph_print(const struct graph *g, FILE *to)
{
	size_t params = 0, values = 0;
	fprintf(to, "op\ttype\treads\tmakes\tparameters\tvalue at\tgradient at (floats a sample)\n");
	for (int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->op[i];
		size_t own = 0;
		for (int k = 0; k < op->n_param; k++)
			own += param_size(&g->param[op->param[k]]);
		params += own;
		fprintf(to, "%d\t%s\t", i, op_info[op->type].name);
		for (int k = 0; k < op->n_in; k++)
			print_shape(g, op->in[k], to);
		fputc('\t', to);
		print_shape(g, op->out, to);
		fprintf(to, "\t%zu\t%zu", own, g->value[op->out].at / sizeof(float));
		if (g->value[op->out].d_born >= 0)
			fprintf(to, "\t%zu", g->value[op->out].d_at / sizeof(float));
		else
			fprintf(to, "\t-");
		fputc('\n', to);
	}
	for (int v = 0; v < g->n_values; v++)
		values += shape_size(g->value[v].shape) * (g->value[v].d_born >= 0 ? 2 : 1);
	fprintf(to, "parameters\t%zu\nactivations\t%zu floats a sample (%zu without reuse)\n", params,
		g->arena_bytes / sizeof(float), values);
}
