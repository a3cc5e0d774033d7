/* Two shards against PyTorch's DistributedDataParallel of two processes: tests/golden/ddp.txt was written by
 * tests/oracles/ddp_steps.py, whose head says what is computed. Weights and images are drawn here by the same hash. */
#include "models/data/batch.h"
#include "models/nets/blocks.h"
#include "models/train/accumulate.h"
#include "tests/unit/models/on_host.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 5, N = 13, CLASSES = 3, C = 2, H = 6, W = 5, ONE = H * W * C };

static uint32_t mixed(uint32_t j)
{
	uint32_t z = (j + 1) * 2654435761u;
	z = (z ^ z >> 15) * 2246822519u;
	return z ^ z >> 13;
}

static int build(const struct net *net, struct graph *g, const struct net_config *config, struct err *err)
{
	struct net_build b = { .g = g, .net = net, .config = config, .err = err };
	int x = net_norm(&b, net_conv(&b, net_begin(&b), "conv1", 4, 3, 1, 1), "bn1", NET_NO_ADD, 1);
	x = net_norm(&b, net_conv(&b, x, "conv2", 4, 3, 2, 1), "bn2", NET_NO_ADD, 1);
	return net_end(&b, x, "fc");
}

static const struct net net = { .name = "ddp", .input = NET_IMAGES, .build = build };
static const struct net_config config = { .classes = CLASSES, .image = { H, W, C }, .width_factor = 1 };
/* In the order of PyTorch's state_dict. */
static const char *const names[] = { "conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
				     "conv2.weight", "bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var",
				     "fc.weight", "fc.bias" };
enum { NAMES = sizeof names / sizeof *names };

struct run {
	struct device dev;
	struct graph g;
	struct accumulate a;
	struct batch batch;
	struct images images;
	unsigned char byte[N][ONE];
	const void *pixel[N];
	struct view view[N];
	uint32_t partner[N], sample[N];
	float lambda[N], target[N * CLASSES], scale[C], shift[C];
};

static int named(const struct graph *g, const char *name)
{
	for (int p = 0; p < g->n_params; p++)
		if (!strcmp(g->param[p].name, name))
			return p;
	fail_msg("there is no %s", name);
	return -1;
}

static void draw_weights(struct graph *g)
{
	struct err err = ERR_NONE;
	for (uint32_t i = 0; i < NAMES; i++) {
		int p = named(g, names[i]);
		const char *end = strrchr(names[i], '.') + 1;
		int around_one = !strcmp(end, "running_var") || (names[i][0] == 'b' && !strcmp(end, "weight"));
		float w[256];
		for (uint32_t k = 0; k < param_size(&g->param[p]); k++) {
			double u = (mixed(100000 * (i + 1) + k) >> 8) / 16777216.0;
			w[k] = (float)(around_one ? u + 0.5 : u - 0.5);
		}
		assert_int_equal(graph_set(g, p, w, &err), 0);
	}
}

static void fill_batch(struct run *r, uint32_t step)
{
	r->images = (struct images){ .count = N, .h = H, .w = W, .c = C, .pixel = r->pixel, .view = r->view,
				     .scale = r->scale, .shift = r->shift };
	r->batch = (struct batch){ .n = N, .images = &r->images, .partner = r->partner, .lambda = r->lambda,
				   .target = r->target, .sample = r->sample };
	for (int c = 0; c < C; c++) {
		r->scale[c] = 1.f / 64;
		r->shift[c] = -2;
	}
	memset(r->target, 0, sizeof r->target);
	for (uint32_t i = 0; i < N; i++) {
		for (uint32_t k = 0; k < ONE; k++)
			r->byte[i][k] = (unsigned char)(mixed((step * N + i) * ONE + k) >> 24);
		r->pixel[i] = r->byte[i];
		r->sample[i] = i;
		r->partner[i] = (i * 5 + step) % N;
		r->lambda[i] = 0.25f + 0.125f * (float)step;
		r->target[i * CLASSES + (i * 7 + step) % CLASSES] += r->lambda[i];
		r->target[i * CLASSES + (r->partner[i] * 7 + step) % CLASSES] += 1 - r->lambda[i];
	}
}

/* A line of the golden file against x[n]: the largest difference by the largest value. */
static void compare(FILE *golden, const char *device, const char *name, int step, const float *x, size_t n)
{
	char found[32], label[64];
	double off = 0, most = 0;
	int number = -1;
	assert_int_equal(fscanf(golden, "%31s", found), 1);
	if (step >= 0)
		assert_int_equal(fscanf(golden, "%d", &number), 1);
	assert_string_equal(found, name);
	assert_int_equal(number, step);
	for (size_t i = 0; i < n; i++) {
		double want;
		assert_int_equal(fscanf(golden, "%lf", &want), 1);
		double d = fabs((double)x[i] - want);
		off = d > off || isnan(d) ? d : off;
		most = fabs(want) > most ? fabs(want) : most;
	}
	snprintf(label, sizeof label, step < 0 ? "%s" : "%s %d", name, step);
	if (!(off <= 1e-5 * most))
		fail_msg("%s: %s is off by %.2g of %.2g", device, label, off, most);
}

static void against_pytorch(const char *device, int threads)
{
	static struct run r;
	struct update u = { .rule = RULE_SGD, .lr = 0.05, .momentum = 0.9, .nesterov = 1, .weight_decay = 5e-4,
			    .decay_all = 1 };
	struct err err = ERR_NONE;
	FILE *golden = fopen("tests/golden/ddp.txt", "r");
	assert_non_null(golden);
	memset(&r, 0, sizeof r);
	graph_init(&r.g);
	if (device_open(&r.dev, device, threads, &err) || build(&net, &r.g, &config, &err) ||
	    graph_compile(&r.g, &r.dev, shard_most(N, 2), &u, &err) || accumulate_open(&r.a, &r.g, 2, N, &err))
		fail_msg("%s: %s", device, err.msg);
	draw_weights(&r.g);
	for (int step = 0; step < STEPS; step++) {
		fill_batch(&r, (uint32_t)step);
		u.step = (uint32_t)step + 1;
		if (accumulate_step(&r.a, &r.g, &r.batch, r.batch.target, &u, NULL, 0, &err))
			fail_msg("%s: %s", device, err.msg);
		compare(golden, device, "loss", step, r.a.loss, N);
		compare(golden, device, "logits", step, r.a.logits, N * CLASSES);
	}
	for (int i = 0; i < NAMES; i++) {
		int p = named(&r.g, names[i]);
		float *w = weights_on_host(&r.g, p);
		compare(golden, device, names[i], -1, w, param_size(&r.g.param[p]));
		free(w);
	}
	fclose(golden);
	accumulate_release(&r.a);
	graph_release(&r.g);
	device_close(&r.dev);
}

static void ref_equals_pytorch(void **state)
{
	(void)state;
	against_pytorch("ref", 1);
}

static void cpu_equals_pytorch(void **state)
{
	(void)state;
	against_pytorch("cpu", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ref_equals_pytorch),
					    cmocka_unit_test(cpu_equals_pytorch) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
