/* The memory plan of random graphs against its definition, step by step: what must hold when, that nothing alive at
 * once overlaps, and that everything lies as low as it can in the order of sizes. And the printed plan of a small
 * one. */
#include "models/core/backend.h"
#include "models/nets/nets.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_OPS = 24 };

static struct rng random_state;

static int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

static int has_weights(enum op_type t)
{
	return t == OP_WORDCONV || t == OP_LINEAR || t == OP_CONV || t == OP_NORM;
}

/* Ops of any type that read any values: what they compute is of no interest here. */
static void grow(struct graph *g, int ops)
{
	struct err err = ERR_NONE;
	int64_t dim[] = { 3 };
	graph_init(g);
	for (int i = 0; i < ops; i++) {
		struct op op = { .type = i ? (enum op_type)below(OP_TYPES) : OP_IMAGES };
		if (op.type == OP_XENT || (i && op.type == OP_IMAGES))
			op.type = OP_RELU;
		op.n_in = !i ? 0 : op.type == OP_ADD || (op.type == OP_NORM && below(2)) ? 2 : 1;
		op.norm.relu = below(2);
		for (int k = 0; k < op.n_in; k++)
			op.in[k] = below(3) ? i - 1 : below(i);
		if (has_weights(op.type)) {
			op.param[op.n_param++] = graph_param(g, "w", PARAM_WEIGHT, 1, dim, &err);
			g->param[op.param[0]].frozen = below(3) == 0;
		}
		struct shape shape = { 1 + below(3), 1 + below(5), 1 + below(20) };
		assert_int_equal(graph_add(g, &op, shape, &err), i);
	}
	g->logits = ops - 1;
	struct op loss = { .type = OP_XENT, .n_in = 1, .in = { ops - 1 } };
	g->loss = graph_add(g, &loss, (struct shape){ 1, 1, 1 }, &err);
}

/* 1: a parameter of op `of`, or of one before it that leads to it, is trained. */
static int trained_before(const struct graph *g, int of)
{
	const struct op *op = &g->op[of];
	for (int k = 0; k < op->n_param; k++)
		if (!g->param[op->param[k]].frozen)
			return 1;
	for (int k = 0; k < op->n_in; k++)
		if (trained_before(g, op->in[k]))
			return 1;
	return 0;
}

static int leads_to_loss(const struct graph *g, int v)
{
	int found = v == g->loss;
	for (int i = v + 1; i < g->n_ops && !found; i++)
		for (int k = 0; k < g->op[i].n_in; k++)
			found |= g->op[i].in[k] == v && leads_to_loss(g, i);
	return found;
}

static void holds(const char *what, int v, int born, int dies, int want_born, int want_dies)
{
	if (born != want_born || dies != want_dies)
		fail_msg("%s %d holds from step %d to %d, not from %d to %d", what, v, born, dies, want_born,
			 want_dies);
}

/* Op i is value i's maker. */
static void lifetimes(const struct graph *g, int training)
{
	int end = 2 * g->n_ops - 1;
	for (int v = 0; v < g->n_values; v++) {
		const struct value *x = &g->value[v];
		int dies = training && op_back_reads_out(&g->op[v]) ? end - v : v,
		    wanted = trained_before(g, v) && leads_to_loss(g, v);
		int d_born = end - v;
		for (int i = v + 1; i < g->n_ops; i++)
			for (int k = 0; k < g->op[i].n_in; k++) {
				if (g->op[i].in[k] != v)
					continue;
				int last = training && k == 0 && op_info[g->op[i].type].back_reads_in ? end - i : i;
				dies = last > dies ? last : dies;
				d_born = end - i; /* the last reader is the first to hand back */
			}
		if (v == g->logits || v == g->loss)
			dies = end;
		holds("value", v, x->born, x->dies, v, dies);
		assert_int_equal(x->wanted, wanted);
		if (training && wanted && v == g->loss)
			d_born = x->d_born; /* nobody reads it: the step it is asked for in */
		holds("gradient", v, x->d_born, x->d_dies, training && wanted ? d_born : -1,
		      training && wanted ? end - v : -1);
	}
}

struct piece {
	size_t at, size;
	int born, dies;
};

static int together(const struct piece *a, const struct piece *b)
{
	for (int step = a->born; step <= a->dies; step++)
		if (step >= b->born && step <= b->dies)
			return 1;
	return 0;
}

/* No two pieces that hold in one step overlap; all begin on a cache line; the arena ends with the last; and no piece
 * could lie a line lower but for larger ones, or equal ones that were born before, or it would not have been put
 * there. */
static void places(const struct graph *g)
{
	struct piece p[2 * (MOST_OPS + 1)];
	int n = 0;
	size_t top = 0;
	for (int v = 0; v < g->n_values; v++) {
		const struct value *x = &g->value[v];
		size_t size = (shape_size(x->shape) * (size_t)x->element + 63) / 64 * 64;
		p[n++] = (struct piece){ x->at, size, x->born, x->dies };
		if (x->d_born >= 0)
			p[n++] = (struct piece){ x->d_at, size, x->d_born, x->d_dies };
	}
	for (int i = 0; i < n; i++) {
		assert_int_equal(p[i].at % 64, 0);
		top = p[i].at + p[i].size > top ? p[i].at + p[i].size : top;
		int held = p[i].at == 0; /* by one that is as large at least, and ends where this one begins */
		for (int k = 0; k < n; k++) {
			if (k == i || !together(&p[i], &p[k]))
				continue;
			if (p[i].at < p[k].at + p[k].size && p[k].at < p[i].at + p[i].size)
				fail_msg("pieces %d and %d overlap", i, k);
			held |= p[k].at + p[k].size == p[i].at && p[k].size >= p[i].size;
		}
		assert_true(held);
	}
	assert_int_equal(g->arena_bytes, top);
}

static void random_graphs(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct graph g;
		struct err err = ERR_NONE;
		rng_init(&random_state, 41, RNG_TEST, i, 0);
		grow(&g, 1 + below(MOST_OPS));
		for (int v = 0; v < g.n_values && i % 2; v++)
			g.value[v].element = v == g.logits || v == g.loss || below(2) ? 4 : 2;
		for (int training = 1; training >= 0; training--) {
			assert_int_equal(graph_plan(&g, training, &err), 0);
			lifetimes(&g, training);
			places(&g);
		}
		graph_release(&g);
	}
}

/* Worked out by hand: 5x4x3 images, a 1x1 convolution to 2 channels, a ReLU, logits of two classes. */
static void printed(void **state)
{
	static const char want[] =
		"op\ttype\treads\tmakes\tparameters\tvalue at\tgradient at (floats a sample)\n"
		"0\timages\t\t a(5x4x3)\t0\t0\t-\n"
		"1\tconv\t a(5x4x3)\t b(5x4x2)\t6\t64\t160\n"
		"2\trelu\t b(5x4x2)\t c(5x4x2)\t0\t112\t64\n"
		"3\tlinear\t c(5x4x2)\t d(2)\t82\t208\t160\n"
		"4\txent\t d(2)\t e(1)\t0\t224\t64\n"
		"parameters\t88\n"
		"activations\t240 floats a sample (226 without reuse)\n";
	struct graph g;
	struct err err = ERR_NONE;
	int64_t weight[] = { 2, 3, 1, 1 }, rows[] = { 2, 40 }, bias[] = { 2 };
	struct op op[] = {
		{ .type = OP_IMAGES, .name = "a" },
		{ .type = OP_CONV, .name = "b", .n_in = 1, .in = { 0 }, .n_param = 1, .conv = { 1, 1, 0, 1 } },
		{ .type = OP_RELU, .name = "c", .n_in = 1, .in = { 1 } },
		{ .type = OP_LINEAR, .name = "d", .n_in = 1, .in = { 2 }, .n_param = 2 },
		{ .type = OP_XENT, .name = "e", .n_in = 1, .in = { 3 } }
	};
	struct shape shape[] = { { 5, 4, 3 }, { 5, 4, 2 }, { 5, 4, 2 }, { 1, 1, 2 }, { 1, 1, 1 } };
	char *text;
	size_t size;
	(void)state;
	graph_init(&g);
	op[1].param[0] = graph_param(&g, "w", PARAM_WEIGHT, 4, weight, &err);
	op[3].param[0] = graph_param(&g, "v", PARAM_WEIGHT, 2, rows, &err);
	op[3].param[1] = graph_param(&g, "u", PARAM_BIAS, 1, bias, &err);
	for (int i = 0; i < 5; i++)
		assert_int_equal(graph_add(&g, &op[i], shape[i], &err), i);
	g.logits = 3;
	g.loss = 4;
	assert_int_equal(graph_plan(&g, 1, &err), 0);
	FILE *to = open_memstream(&text, &size);
	graph_print(&g, to);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
	assert_true(graph_macs(&g, 7) == 6 * 20 + 80);
	graph_release(&g);
}

static void halve(const struct backend_ctx *ctx, struct graph *g)
{
	(void)ctx;
	for (int v = 0; v < g->n_values; v++)
		if (v != g->logits && v != g->loss)
			g->value[v].element = 2;
}

/* A device's layout is what is planned, and the host reads nothing but floats. */
static void elements(void **state)
{
	const struct net *net = net_find("resnet20");
	struct net_config c = { .classes = 3, .image = { 8, 8, 3 }, .width_factor = 1 };
	struct backend halves = backend_ref;
	struct device d = { .b = &halves };
	struct err err = ERR_NONE;
	struct graph g;
	float z[64 * 8 * 8];
	size_t bytes[2];
	(void)state;
	for (int half = 0; half < 2; half++) {
		halves.layout = half ? halve : NULL;
		graph_init(&g);
		assert_int_equal(net->build(net, &g, &c, &err), 0);
		assert_int_equal(graph_compile(&g, &d, 1, NULL, &err), 0);
		bytes[half] = g.arena_bytes;
		assert_int_equal(graph_read(&g, g.logits, 1, z, &err), 0);
		assert_int_equal(graph_read(&g, 1, 1, z, &err), half ? -1 : 0);
		assert_true(!half || strstr(err.msg, "channels of 2 bytes"));
		graph_release(&g);
	}
	assert_true(bytes[1] < bytes[0] * 6 / 10);
}

/* An array of a parameter in an arena. */
struct array {
	size_t at, size;
	int class, op; /* 0: trained; 1: a table that is; 2: running statistics; 3: frozen */
};

static int by_place(const void *a, const void *b)
{
	return ((const struct array *)a)->at < ((const struct array *)b)->at ? -1 : 1;
}

static void arrays_of(const struct graph *g, int arena, int expected)
{
	enum { MOST = 400 };
	struct array a[MOST];
	int n = 0;
	for (int i = 0; i < g->n_ops; i++)
		for (int k = 0; k < g->op[i].n_param; k++) {
			const struct param *p = &g->param[g->op[i].param[k]];
			float *const at[ARENAS] = { p->w, p->g, p->s1, p->s2, p->average };
			int table = p->kind == PARAM_TABLE, class = p->frozen ? 3 : p->kind == PARAM_STATE ? 2 : table;
			assert_true((at[arena] != NULL) ==
				    (expected && (class < (arena == ARENA_W ? 4 : arena == ARENA_AVERAGE ? 3 : 2))));
			if (!at[arena])
				continue;
			size_t size = param_size(p);
			if (table && arena == ARENA_G)
				size = size / (size_t)p->dim[0] * (size_t)g->max_words;
			a[n++] = (struct array){ (size_t)(at[arena] - g->params[arena]), size, class, i };
			if (class == 0 || arena == ARENA_AVERAGE)
				assert_true(a[n - 1].at == (size_t)(p->w - g->params[ARENA_W]));
			assert_true(n < MOST);
		}
	qsort(a, (size_t)n, sizeof *a, by_place);
	for (int i = 0; i < n; i++) {
		size_t end = i ? a[i - 1].at + a[i - 1].size : 0;
		assert_int_equal(a[i].at, i ? (end + 15) / 16 * 16 + ARENA_GAP : 0);
		assert_true(!i || a[i].class > a[i - 1].class ||
			    (a[i].class == a[i - 1].class && a[i].op <= a[i - 1].op));
	}
	assert_int_equal(g->params_floats[arena], n ? a[n - 1].at + a[n - 1].size : 0);
	assert_true((g->params[arena] != NULL) == (n > 0));
}

/* Where parameters and what belongs to them lie: graph.h says how. */
static void arenas(void **state)
{
	static const struct {
		int training;
		struct update u;
		int there[ARENAS];
	} rules[] = {
		{ 0, { 0 }, { 1, 0, 0, 0, 0 } },
		{ 1, { .rule = RULE_SGD, .lr = 1, .ema = 0.9 }, { 1, 1, 0, 0, 1 } },
		{ 1, { .rule = RULE_SGD, .lr = 1, .momentum = 0.9 }, { 1, 1, 1, 0, 0 } },
		{ 1, { .rule = RULE_ADAM, .lr = 1 }, { 1, 1, 1, 1, 0 } },
	};
	static const char *const names[] = { "kimcnn", "resnet20", "preactresnet18" };
	struct net_config c = { .classes = 3, .vocabulary = 21, .dim = 7, .maps = 5, .widths = 2, .width = { 2, 3 },
				.image = { 8, 8, 3 }, .width_factor = 0.05 };
	struct device ref;
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(device_open(&ref, "ref", 1, &err), 0);
	for (int i = 0; i < 24; i++) {
		const struct net *net = net_find(names[i % 3]);
		struct graph g;
		graph_init(&g);
		g.max_words = 13;
		assert_int_equal(net->build(net, &g, &c, &err), 0);
		for (int p = 0; p < g.n_params; p++)
			g.param[p].frozen = i >= 12 && p % 3 == 0;
		int r = i / 3 % 4;
		assert_int_equal(graph_compile(&g, &ref, 2, rules[r].training ? &rules[r].u : NULL, &err), 0);
		for (int a = 0; a < ARENAS; a++)
			arrays_of(&g, a, rules[r].there[a]);
		graph_release(&g);
	}
	device_close(&ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_graphs), cmocka_unit_test(printed),
					    cmocka_unit_test(elements), cmocka_unit_test(arenas) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
