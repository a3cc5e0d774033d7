/* The floor of a training step: operations of networks as others have counted them, and bytes of one small graph
 * counted by hand. */
#include "models/core/cost.h"
#include "models/nets/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct cost step_of(const struct graph *g, int n)
{
	struct cost all = { 0, 0 };
	for (int i = 0; i < g->n_ops; i++) {
		struct cost f = cost_forward(g, i, n, 0), b = cost_backward(g, i, n, 0);
		all.flop += f.flop + b.flop;
		all.bytes += f.bytes + b.bytes;
	}
	return all;
}

/* ResNet-50 is 4.1 G multiply-adds an image of 224 x 224 forward (He et al. 2016 count 3.8 with the stride elsewhere),
 * ResNet-18 for CIFAR 0.56, and a step is three times the forward pass less the first layer's gradient of its input. */
static void operations_are_those_known(void **state)
{
	static const struct {
		const char *net;
		struct shape image;
		int classes;
		double gmacs; /* of one image forward */
	} known[] = {
		{ "resnet50", { 224, 224, 3 }, 1000, 4.09 },
		{ "resnet18", { 32, 32, 3 }, 10, 0.556 },
		{ "vgg16", { 32, 32, 3 }, 10, 0.313 },
		{ "resnet20", { 32, 32, 3 }, 10, 0.0408 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const struct net *net = net_find(known[i].net);
		struct net_config config = { .classes = known[i].classes, .image = known[i].image, .width_factor = 1 };
		struct graph g;
		struct err err = ERR_NONE;
		graph_init(&g);
		assert_int_equal(net->build(net, &g, &config, &err), 0);
		assert_int_equal(graph_plan(&g, 1, &err), 0);
		double forward = graph_macs(&g, 0) / 1e9, step = step_of(&g, 1).flop / 1e9;
		assert_true(fabs(forward - known[i].gmacs) < 0.01 * known[i].gmacs);
		assert_true(step < 6 * forward && step > 5.8 * forward);
		graph_release(&g);
	}
}

/* images (4 x 4 x 3) -> conv 1x1 to 5, with bias -> norm -> pool -> linear to 2 -> loss, 2 samples, counted by hand. */
static void bytes_are_those_counted(void **state)
{
	struct graph g;
	struct err err = ERR_NONE;
	(void)state;
	graph_init(&g);
	int64_t w[] = { 5, 3, 1, 1 }, c[] = { 5 };
	int pw = graph_param(&g, "w", PARAM_WEIGHT, 4, w, &err), pb = graph_param(&g, "b", PARAM_BIAS, 1, c, &err);
	struct op images = { .type = OP_IMAGES },
		  conv = { .type = OP_CONV, .n_in = 1, .n_param = 2, .param = { pw, pb }, .conv = { 1, 1, 0, 1 } };
	conv.in[0] = graph_add(&g, &images, (struct shape){ 4, 4, 3 }, &err);
	int x = graph_add(&g, &conv, (struct shape){ 4, 4, 5 }, &err);
	struct op norm = { .type = OP_NORM, .n_in = 1, .in = { x }, .norm = { 1e-5, 0.1, 1 } };
	x = graph_add(&g, &norm, (struct shape){ 4, 4, 5 }, &err);
	struct op loss = { .type = OP_XENT, .n_in = 1, .in = { x } };
	g.loss = graph_add(&g, &loss, (struct shape){ 1, 1, 1 }, &err);
	assert_true(g.loss >= 0);
	assert_int_equal(graph_plan(&g, 1, &err), 0);
	int in = 2 * 48, out = 2 * 80, params = 20 * 4;
	g.value[conv.out = g.op[1].out].element = 2; /* what a CONV makes has 16 bits, what it reads 32 */
	struct cost f = cost_forward(&g, 1, 2, 0), b = cost_backward(&g, 1, 2, 0);
	assert_int_equal((int)f.flop, 2 * 15 * 16 * 2);
	assert_int_equal((int)f.bytes, in * 4 + out * 2 + params);
	assert_int_equal((int)b.flop, 2 * 15 * 16 * 2); /* the filter's alone: images have no gradient */
	assert_int_equal((int)b.bytes, out * 2 + in * 4 + 2 * params);
	g.value[conv.out].element = 4;
	f = cost_forward(&g, 2, 2, 0);
	b = cost_backward(&g, 2, 2, 0);
	assert_int_equal((int)f.bytes, (2 * out + out) * 4);
	assert_int_equal((int)b.bytes, (2 * 3 * out + out) * 4);
	assert_int_equal((int)cost_backward(&g, 0, 2, 0).bytes, 0);
	assert_int_equal((int)cost_update(&g, 24).bytes, 20 * 24);
	graph_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(operations_are_those_known),
					    cmocka_unit_test(bytes_are_those_counted) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
