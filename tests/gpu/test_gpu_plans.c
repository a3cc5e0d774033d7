/* The choice of cuDNN's engines for every described device, and what the interpreter of its graphs refuses: plans.c and
 * interp.c alone, without the plug-in. */
#include "dry.h"
#include "cudnn/interp.h"
#include "models/core/cuda/plans.h"
#include "models/nets/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* No plan is tried here: there is no device. */
int conv_tune(struct backend_ctx *ctx, struct conv_plan *p, const struct conv_problem *of, int bias,
	      const struct conv_trial *trial, struct err *err)
{
	(void)ctx;
	(void)p;
	(void)of;
	(void)bias;
	(void)trial;
	return err_set(err, "nothing to try plans on");
}

static const char *const devices[] = { "h100", "a100", "l4", "b200", "t4" };
static const size_t gib[] = { 80, 80, 24, 180, 16 }; /* of their memory */
enum { DEVICES = sizeof devices / sizeof *devices, MOST = 256 << 20, T4 = DEVICES - 1 };

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* $VIC_GPU_DEVICE names one of devices/. */
static cudnnBackendDescriptor_t properties_of(const char *device)
{
	static char text[8192];
	char path[4096];
	struct err err = ERR_NONE;
	cudnnBackendDescriptor_t d;
	const char *now = getenv("VIC_GPU_DEVICE");
	assert_non_null(now);
	snprintf(path, sizeof path, "%.*s/%s.json", (int)(strrchr(now, '/') - now), now, device);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	if (device_properties(&d, NULL, text, &err))
		fail_msg("%s: %s", path, err.msg);
	return d;
}

static size_t most; /* as its memory allows */

static struct conv_problem problem_of(const struct graph *g, const struct op *op, int n, enum precision precision)
{
	return (struct conv_problem){ .n = n,
				      .kernel = op->conv.kernel,
				      .stride = op->conv.stride,
				      .pad = op->conv.pad,
				      .groups = op->conv.groups,
				      .in = g->value[op->in[0]].shape,
				      .out = g->value[op->out].shape,
				      .precision = precision,
				      .most = most };
}

/* Whether an earlier op of the graph asks the same. Where times are printed all are planned, as in a program. */
static int seen_before(const struct graph *g, int i, const struct conv_problem *p)
{
	for (int k = 0; k < i && !getenv("VIC_TEST_WORST"); k++) {
		struct conv_problem q = g->op[k].type == OP_CONV ? problem_of(g, &g->op[k], p->n, p->precision) : *p;
		if (g->op[k].type == OP_CONV && !memcmp(&q, p, sizeof q))
			return 1;
	}
	return 0;
}

static void holds(const struct conv_plan *p)
{
	unsigned one = 1, notes = p->engine.numerical;
	assert_true(p->engine.workspace >= 0 && (size_t)p->engine.workspace <= p->of.most && p->engine.number >= 0);
	assert_false(notes & one << CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
	assert_false(p->engine.behaviour & one << CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
	if (p->of.precision == PRECISION_FLOAT32)
		assert_false(notes & (one << CUDNN_NUMERICAL_NOTE_TENSOR_CORE |
				      one << CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS));
}

/* All kinds of plans of a network's convolutions; the input's gradient twice, once added; forward twice, once with its
 * bias, for which there is an engine too. Number of plans. */
static int plan_net(const char *name, int n, enum precision precision, cudnnBackendDescriptor_t properties,
		    const char *device)
{
	static const enum conv_kind kinds[] = { CONV_FORWARD, CONV_FILTER, CONV_DATA, CONV_DATA, CONV_FORWARD };
	static struct graph g;
	const struct net *net = net_find(name);
	struct net_config c = { .classes = 10, .image = net->native, .width_factor = 1 };
	struct err err = ERR_NONE;
	double begin = seconds(), tensor = 0, largest = 0;
	int plans = 0, with_bias = 0, as_good = 0;
	graph_release(&g);
	if (net->build(net, &g, &c, &err))
		fail_msg("%s", err.msg);
	for (int i = 0; i < g.n_ops; i++) {
		struct conv_problem of;
		memset(&of, 0, sizeof of);
		if (g.op[i].type != OP_CONV)
			continue;
		of = problem_of(&g, &g.op[i], n, precision);
		unsigned plain = 0;
		for (int k = 0; !seen_before(&g, i, &of) && k < 4 + (g.op[i].n_param > 1); k++) {
			struct conv_plan p;
			struct conv_problem q = of;
			q.kind = kinds[k];
			q.add = k == 3;
			q.bias = k == 4;
			if (conv_plan_make(&p, &q, ENGINES_PRECOMPILED, NULL, properties, NULL, &err))
				fail_msg("%s: %s: %s", device, name, err.msg);
			holds(&p);
			tensor += p.engine.numerical >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1;
			largest = fmax(largest, (double)p.engine.workspace);
			plans++;
			plain = k ? plain : p.engine.numerical & 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
			with_bias += q.bias;
			as_good += q.bias && (p.engine.numerical & 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE) >= plain;
			conv_plan_release(&p);
		}
	}
	if (getenv("VIC_TEST_WORST"))
		print_message("# %s, %s, n %d, precision %d: %d plans, %.2f s, %.0f with tensor cores, at most "
			      "%.0f MiB; %d of %d with a bias as good\n",
			      device, name, n, (int)precision, plans, seconds() - begin, tensor, largest / (1 << 20),
			      as_good, with_bias);
	/* the L4's heuristics prefer others in tf32 */
	if (precision != PRECISION_FLOAT32 && (precision == PRECISION_BF16 || strcmp(device, "l4") != 0))
		assert_true(tensor >= 0.9 * plans);
	graph_release(&g);
	return plans;
}

static void networks_have_plans(void **state)
{
	static const struct {
		const char *name;
		int n;
	} net[] = { { "resnet18", 128 }, { "vgg16", 128 }, { "resnet50", 256 } };
	(void)state;
	for (int d = 0; d < DEVICES; d++) {
		cudnnBackendDescriptor_t properties = properties_of(devices[d]);
		most = conv_workspace_most(gib[d] << 30);
		for (int p = PRECISION_FLOAT32; p <= PRECISION_BF16; p++)
			for (int k = 0; k < 3 && (d != T4 || p == PRECISION_FLOAT32); k++)
				assert_true(plan_net(net[k].name, net[k].n, (enum precision)p, properties,
						     devices[d]) > 20);
		cudnnBackendDestroyDescriptor(properties);
		assert_int_equal(interp_descriptors, 0);
	}
}

static const struct conv_problem small = { .kind = CONV_FORWARD, .n = 2, .kernel = 3, .stride = 2, .pad = 1,
					   .groups = 1, .in = { 7, 6, 4 }, .out = { 4, 3, 8 }, .most = MOST };

/* A workspace that may not be large decides; what no device has is said in cuDNN's words. */
static void limits_are_kept(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct conv_problem of = small;
	struct conv_plan p;
	cudnnBackendDescriptor_t a100 = properties_of("a100"), t4 = properties_of("t4"), none;
	of.n = 64;
	of.in = (struct shape){ 56, 56, 256 };
	of.out = (struct shape){ 28, 28, 64 };
	for (of.most = MOST; of.most; of.most /= 16) {
		assert_int_equal(conv_plan_make(&p, &of, ENGINES_PRECOMPILED, NULL, a100, NULL, &err), 0);
		assert_true((size_t)p.engine.workspace <= of.most);
		conv_plan_release(&p);
	}
	of.precision = PRECISION_BF16;
	of.most = MOST;
	assert_int_equal(conv_plan_make(&p, &of, ENGINES_PRECOMPILED, NULL, t4, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "64 x 56 x 56 x 256, kernel 3, stride 2"));
	assert_non_null(strstr(err.msg, "has no engine for this device and precision: is_bf16"));
	assert_null(strchr(err.msg, '\n'));
	of.out.h++;
	assert_int_equal(conv_plan_make(&p, &of, ENGINES_PRECOMPILED, NULL, a100, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "a convolution's graph: CUDNN_STATUS_BAD_PARAM"));
	assert_int_equal(device_properties(&none, NULL, "{\"warpSize\": 32}", &err), -1);
	assert_non_null(strstr(err.msg, "HasMember"));
	cudnnBackendDestroyDescriptor(a100);
	cudnnBackendDestroyDescriptor(t4);
	assert_int_equal(interp_descriptors, 0);
}

enum { IN = 2 * 7 * 6 * 4, WEIGHT = 8 * 9 * 4, OUT = 2 * 4 * 3 * 8 };

static void fails_with(const struct conv_plan *p, struct backend_ctx *ctx, const void *in, const void *filter,
		       const void *out, const char *words)
{
	struct err err = ERR_NONE;
	assert_int_equal(conv_plan_run(p, ctx, in, filter, out, NULL, &err), -1);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not say '%s'", err.msg, words);
}

/* in[0] is 3, all of the filter 1. */
static void bias_is_added(struct backend_ctx *ctx, const float *in, const float *filter, float *out)
{
	_Alignas(64) static const float bias[8] = { 10, 20, 30, 40, 50, 60, 70, 80 };
	struct conv_problem of = small;
	struct conv_plan p;
	struct err err = ERR_NONE;
	of.bias = 1;
	free(ctx->workspace);
	if (conv_plan_make(&p, &of, ENGINES_PRECOMPILED, NULL, ctx->properties, NULL, &err) ||
	    !(ctx->workspace = calloc(1, (size_t)p.engine.workspace + 1)) ||
	    conv_plan_run(&p, ctx, in, filter, out, bias, &err))
		fail_msg("%s", err.msg);
	assert_true(out[0] == 13 && out[7] == 83 && out[8] == 10 && out[OUT - 1] == 80);
	assert_int_equal(conv_plan_run(&p, ctx, in, filter, out, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "are not the device's"));
	assert_int_equal(conv_plan_run(&p, ctx, in, filter, out, out, &err), -1);
	assert_non_null(strstr(err.msg, "lies on the result"));
	conv_plan_release(&p);
}

/* Wrong pointers, another handle, a plan that was made from a text. */
static void interpreter_refuses(void **state)
{
	(void)state;
	_Alignas(64) static float in[IN], filter[WEIGHT], out[OUT + 1];
	struct err err = ERR_NONE;
	struct backend_ctx ctx = { 0 }, other = { 0 };
	struct conv_plan p;
	if (dnn_open(&ctx, &err) || dnn_open(&other, &err) ||
	    conv_plan_make(&p, &small, ENGINES_PRECOMPILED, NULL, ctx.properties, NULL, &err))
		fail_msg("%s", err.msg);
	ctx.workspace = calloc(1, (size_t)p.engine.workspace + 1);
	other.workspace = ctx.workspace;
	for (int i = 0; i < WEIGHT; i++)
		filter[i] = 1;
	in[0] = 3;
	assert_int_equal(conv_plan_run(&p, &ctx, in, filter, out, NULL, &err), 0);
	assert_true(out[0] == 3 && out[7] == 3 && out[8] == 0);
	fails_with(&p, &other, in, filter, out, "made for another device");
	fails_with(&p, &ctx, in, filter, out + 1, "not aligned to 16 bytes");
	fails_with(&p, &ctx, NULL, filter, out, "are not the device's");
	fails_with(&p, &ctx, out, filter, out, "lies on the result");
	conv_plan_release(&p);
	bias_is_added(&ctx, in, filter, out);
	cudnnBackendDescriptor_t h100 = properties_of("h100");
	assert_int_equal(conv_plan_make(&p, &small, ENGINES_PRECOMPILED, NULL, h100, NULL, &err), 0);
	fails_with(&p, &ctx, in, filter, out, "made for another device");
	conv_plan_release(&p);
	cudnnBackendDestroyDescriptor(h100);
	free(ctx.workspace);
	dnn_close(&ctx);
	dnn_close(&other);
	assert_int_equal(interp_descriptors, 0);
}

/* One plan serves all problems that are alike; a smaller workspace too, where it is enough, and that alone. */
static void alike_share(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct backend_ctx ctx = { .properties = properties_of("a100") };
	struct conv_problem of = small;
	of.in = (struct shape){ 56, 56, 256 };
	of.out = (struct shape){ 28, 28, 64 };
	of.n = 64;
	of.kind = CONV_FILTER;
	const struct conv_plan *p = conv_plan_of(&ctx, &of, NULL, &err), *q;
	assert_non_null(p);
	assert_true(p->engine.workspace > 0);
	of.most = (size_t)p->engine.workspace;
	assert_ptr_equal(conv_plan_of(&ctx, &of, NULL, &err), p);
	of.most--;
	q = conv_plan_of(&ctx, &of, NULL, &err);
	assert_true(q && q != p && (size_t)q->engine.workspace <= of.most);
	of.most = MOST;
	assert_ptr_equal(conv_plan_of(&ctx, &of, NULL, &err), p);
	of.n++;
	q = conv_plan_of(&ctx, &of, NULL, &err);
	assert_true(q && q->of.n == of.n);
	of.n--;
	of.add = 1;
	of.most = 0; /* a larger one is searched for anew */
	q = conv_plan_of(&ctx, &of, NULL, &err);
	assert_true(q && q->of.add);
	of.most = MOST;
	assert_ptr_not_equal(conv_plan_of(&ctx, &of, NULL, &err), q);
	assert_int_equal(ctx.plans, 5);
	dnn_close(&ctx);
	assert_int_equal(interp_descriptors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(networks_have_plans), cmocka_unit_test(limits_are_kept),
					    cmocka_unit_test(interpreter_refuses), cmocka_unit_test(alike_share) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
