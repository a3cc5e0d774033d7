/* The image networks against PyTorch: tests/golden/nets/NAME.txt was written by tests/oracles/make_nets.py, whose head says what the
 * numbers are. Weights, pictures, targets and mixing weights are drawn here by the same hash. The measure is |ours - PyTorch's| / scale
 * in the Euclidean norm, a tensor at a time: exact for logits and losses, estimated by four random projections for gradients and running
 * statistics (a gradient wrong by ten times the bound passes once in 5,000). */
#include "models/core/backend.h"
#include "models/nets/nets.h"
#include "pipeline/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_N = 8, PROJECTIONS = 4 };

static uint64_t fnv(const char *a, const char *b)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *a; a++)
		h = (h ^ (unsigned char)*a) * 0x100000001b3u;
	for (; *b; b++)
		h = (h ^ (unsigned char)*b) * 0x100000001b3u;
	return h;
}

static uint64_t hash(uint64_t name, size_t i)
{
	uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u + name;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double uniform(uint64_t name, size_t i)
{
	return (double)(hash(name, i) >> 40) / 16777216;
}

static int ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);
	return n >= m && !strcmp(name + n - m, with);
}

/* make_nets.py: weights(). */
static void draw(const struct param *p, float *w)
{
	uint64_t name = fnv(p->name, "");
	double by = 0.5, from = 0.75;
	if (p->ndim == 4)
		from = -(by = 0.05 * sqrt(6 / (double)(p->dim[1] * p->dim[2] * p->dim[3])));
	else if (p->ndim == 2)
		from = -(by = sqrt(3 / (double)p->dim[1]));
	else if (ends(p->name, "running_var"))
		from = 0.5 * (by = 0.0025);
	else if (ends(p->name, "running_mean"))
		from = -0.5 * (by = 0.05);
	else if (ends(p->name, "bn3.weight"))
		from = by = 0.1;
	else if (p->kind != PARAM_SCALE)
		from = -0.25;
	if (p->ndim > 1)
		by *= 2;
	for (size_t i = 0; i < param_size(p); i++)
		w[i] = (float)(from + by * uniform(name, i));
}

struct fixture {
	char net[32];
	double width, bound;
	struct net_config config;
	int seed, n, mix_at;
	long parameters;
	struct device dev;
	struct graph g;
	uint8_t *pixel;
	float *target, lambda[MOST_N], scale[3], shift[3];
	const void *picture[MOST_N];
	uint32_t partner[MOST_N], sample[MOST_N];
	struct view view[MOST_N];
	struct images images;
	struct batch batch;
};

static FILE *open_golden(const char *name, struct fixture *f)
{
	char path[128];
	int h, w, c, classes, bce;
	memset(f, 0, sizeof *f);
	snprintf(path, sizeof path, "tests/golden/nets/%s.txt", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "net %31s case %d %lf %d %d %d %d %d %d %d %lf parameters %ld", f->net, &f->seed, &f->width, &h, &w,
				&c, &f->n, &classes, &f->mix_at, &bce, &f->bound, &f->parameters), 12);
	assert_true(f->n <= MOST_N && c <= 3);
	f->config = (struct net_config){ .classes = classes, .bce = bce, .image = { h, w, c }, .width_factor = f->width,
					 .mix_hidden = f->mix_at > 0 };
	return file;
}

static void fill_batch(struct fixture *f)
{
	static const float scale[] = { 0.015f, 0.016f, 0.017f }, shift[] = { -1.9f, -2.0f, -1.8f };
	int classes = f->config.classes;
	size_t one = shape_size(f->config.image);
	char image[32];
	f->pixel = malloc(one * (size_t)f->n);
	f->target = malloc((size_t)(f->n * classes) * sizeof(float));
	memcpy(f->scale, scale, sizeof scale);
	memcpy(f->shift, shift, sizeof shift);
	snprintf(image, sizeof image, "image %d", f->seed);
	for (size_t i = 0; i < one * (size_t)f->n; i++)
		f->pixel[i] = (uint8_t)(hash(fnv(image, ""), i) >> 56);
	for (int i = 0; i < f->n; i++) {
		double sum = 0;
		f->picture[i] = f->pixel + one * (size_t)i;
		f->partner[i] = (uint32_t)((i + 2) % f->n);
		f->sample[i] = (uint32_t)i;
		f->lambda[i] = (float)uniform(fnv("lambda", ""), (size_t)i);
		f->view[i] = (struct view){ .y = i == 2 ? -1 : 0, .x = i == 2 ? 2 : 0, .flip = i == 1 };
		for (int k = 0; k < classes; k++)
			sum += uniform(fnv("target", ""), (size_t)(i * classes + k));
		for (int k = 0; k < classes; k++)
			f->target[i * classes + k] = (float)(uniform(fnv("target", ""), (size_t)(i * classes + k)) / sum);
	}
	f->images = (struct images){ .count = f->n, .h = f->config.image.h, .w = f->config.image.w, .c = f->config.image.c,
				     .pixel = f->picture, .view = f->view, .scale = f->scale, .shift = f->shift };
	f->batch = (struct batch){ .n = f->n, .images = &f->images, .partner = f->partner, .mix_at = f->mix_at, .lambda = f->lambda,
				   .target = f->target, .seed = 1, .sample = f->sample };
}

static void prepare(struct fixture *f, const char *device)
{
	static const struct update plain = { .rule = RULE_SGD, .lr = 0.1 };
	struct err err = ERR_NONE;
	const struct net *net = net_find(f->net);
	assert_non_null(net);
	graph_init(&f->g);
	if (device_open(&f->dev, device, 2, &err) || net->build(&f->g, &f->config, &err) ||
	    graph_compile(&f->g, &f->dev, f->n, &plain, &err))
		fail_msg("%s on %s: %s", f->net, device, err.msg);
	for (int p = 0; p < f->g.n_params; p++) {
		float *w = malloc(param_size(&f->g.param[p]) * sizeof *w);
		draw(&f->g.param[p], w);
		assert_int_equal(graph_set(&f->g, p, w, &err), 0);
		free(w);
	}
	fill_batch(f);
}

static void release(struct fixture *f)
{
	graph_release(&f->g);
	device_close(&f->dev);
	free(f->pixel);
	free(f->target);
}

/* Value v of the last batch against the `count` numbers behind `word`. Returns the relative error. */
static double values(struct fixture *f, FILE *golden, const char *word, int v, int count)
{
	char found[32];
	struct err err = ERR_NONE;
	double off = 0, size = 0;
	float *x = malloc((size_t)count * sizeof *x);
	assert_int_equal(graph_read(&f->g, v, f->n, x, &err), 0);
	assert_int_equal(fscanf(golden, "%31s", found), 1);
	assert_string_equal(found, word);
	for (int i = 0; i < count; i++) {
		double want;
		assert_int_equal(fscanf(golden, "%lf", &want), 1);
		off += ((double)x[i] - want) * ((double)x[i] - want);
		size += want * want;
	}
	free(x);
	return sqrt(off / size);
}

/* Parameter `name` against its line, from SCALE on: x is its gradient, or itself. */
static double projected(FILE *golden, const char *name, const float *x, size_t n)
{
	uint64_t salt = fnv("sign ", name);
	double scale, sum[PROJECTIONS] = { 0 }, off = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t h = hash(salt, i);
		for (int k = 0; k < PROJECTIONS; k++)
			sum[k] += h >> k & 1 ? (double)x[i] : -(double)x[i];
	}
	assert_int_equal(fscanf(golden, "%lf", &scale), 1);
	for (int k = 0; k < PROJECTIONS; k++) {
		double want;
		assert_int_equal(fscanf(golden, "%lf", &want), 1);
		off += (sum[k] - want) * (sum[k] - want) / PROJECTIONS;
	}
	return sqrt(off) / scale;
}

/* The rest of the file: every gradient and every running statistic, each once, by name. */
static double parameters(struct fixture *f, FILE *golden, int *seen, char *worst, size_t size)
{
	struct err err = ERR_NONE;
	char kind[8], name[GRAPH_NAME];
	double most = 0;
	while (fscanf(golden, "%7s %39s", kind, name) == 2) {
		int p = 0, grad = !strcmp(kind, "grad");
		while (p < f->g.n_params && strcmp(f->g.param[p].name, name))
			p++;
		if (p == f->g.n_params || param_trained(&f->g.param[p]) != grad)
			fail_msg("%s: PyTorch has a %s %s", f->net, kind, name);
		const struct param *q = &f->g.param[p];
		float *x = malloc(param_size(q) * sizeof *x);
		int rc = grad ? f->dev.b->download(f->dev.ctx, x, q->g, param_size(q) * sizeof *x, &err) : graph_get(&f->g, p, x, &err);
		assert_int_equal(rc, 0);
		double off = projected(golden, name, x, param_size(q));
		free(x);
		++*seen;
		if (!(off <= (grad ? f->bound : 1e-4)))
			fail_msg("%s on %s: %s %s is off by %.2g of its norm", f->net, f->dev.b->name, kind, name, off);
		if (!(off <= most)) {
			most = off;
			snprintf(worst, size, "%s %s", kind, name);
		}
	}
	return most;
}

static void against_pytorch(const char *name, const char *device)
{
	struct fixture f;
	struct err err = ERR_NONE;
	char worst[64] = "", line[256];
	int seen = 0;
	FILE *golden = open_golden(name, &f);
	prepare(&f, device);
	struct batch plain = f.batch;
	plain.partner = NULL;
	plain.target = NULL;
	int count = f.n * f.config.classes;
	assert_non_null(fgets(line, sizeof line, golden)); /* the rest of the line before, then what float32 PyTorch reaches */
	assert_non_null(fgets(line, sizeof line, golden));
	assert_int_equal(graph_forward(&f.g, &plain, PHASE_PREDICT, &err), 0);
	double predict = values(&f, golden, "predict", f.g.logits, count);
	assert_int_equal(graph_forward(&f.g, &f.batch, PHASE_TRAIN, &err), 0);
	double logits = values(&f, golden, "logits", f.g.logits, count), loss = values(&f, golden, "loss", f.g.loss, f.n);
	assert_int_equal(graph_backward(&f.g, &f.batch, &err), 0);
	if (!(predict <= 1e-4 && logits <= 1e-4 && loss <= 1e-4))
		fail_msg("%s on %s: off by %.2g (predict), %.2g (logits), %.2g (loss)", name, device, predict, logits, loss);
	double most = parameters(&f, golden, &seen, worst, sizeof worst);
	assert_int_equal(seen, f.g.n_params);
	print_message("%s on %s: predict %.1e, logits %.1e, loss %.1e, worst of %d parameters %.1e (%s)\n", name, device, predict, logits,
		      loss, seen, most, worst);
	fclose(golden);
	release(&f);
}

static const char *const cases[] = { "smallcnn", "resnet20", "vgg16", "resnet18", "resnet34", "resnet50", "resnext101",
				     "preactresnet18", "preactresnet34" };
static const char *const full[] = { "resnet18-full", "vgg16-full", "resnext101-full" };

static void cpu_equals_pytorch(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		against_pytorch(cases[i], "cpu");
	for (size_t i = 0; getenv("VIC_THOROUGH") && i < sizeof full / sizeof *full; i++)
		against_pytorch(full[i], "cpu");
}

static void ref_equals_pytorch(void **state)
{
	(void)state;
	size_t n = getenv("VIC_THOROUGH") ? sizeof cases / sizeof *cases : 2;
	for (size_t i = 0; i < n; i++)
		against_pytorch(cases[i], "ref");
}

static void build_native(struct graph *g, const struct net *net, double width, struct net_config *c)
{
	struct err err = ERR_NONE;
	*c = (struct net_config){ .classes = net->native_classes, .image = net->native, .width_factor = width };
	graph_init(g);
	if (net->build(g, c, &err))
		fail_msg("%s: %s", net->name, err.msg);
}

/* The published networks have the published numbers of parameters, and every network is in the table of cases. */
static void counts(void **state)
{
	(void)state;
	static struct graph g;
	struct net_config c;
	struct fixture f;
	for (int i = 0; nets[i]; i++) {
		size_t n = 0, k = 0;
		if (nets[i]->input != NET_IMAGES)
			continue;
		build_native(&g, nets[i], 1, &c);
		for (int p = 0; p < g.n_params; p++)
			n += param_trained(&g.param[p]) ? param_size(&g.param[p]) : 0;
		for (; k < sizeof cases / sizeof *cases; k++) {
			fclose(open_golden(cases[k], &f));
			if (!strcmp(f.net, nets[i]->name))
				break;
		}
		assert_true(k < sizeof cases / sizeof *cases);
		assert_int_equal(n, f.parameters);
	}
}

/* Mean and standard deviation of first values, what begins at 0 and 1, and that the seed alone decides. */
static void first_values(void **state)
{
	(void)state;
	static struct graph g;
	struct net_config c;
	for (int i = 0; nets[i]; i++) {
		int zeroed = 0, zeroed_named = 0;
		if (nets[i]->input != NET_IMAGES || nets[i]->native.h > 32)
			continue;
		build_native(&g, nets[i], 0.125, &c);
		c.zero_gamma = 1;
		for (int p = 0; p < g.n_params; p++) {
			const struct param *q = &g.param[p];
			size_t n = param_size(q);
			float *w = malloc(2 * n * sizeof *w);
			double sum = 0, square = 0, std = 0;
			nets[i]->init(&c, q, p, 7, w);
			nets[i]->init(&c, q, p, 7, w + n);
			assert_memory_equal(w, w + n, n * sizeof *w);
			for (size_t k = 0; k < n; k++) {
				sum += (double)w[k];
				square += (double)w[k] * (double)w[k];
			}
			if (q->ndim == 4)
				std = sqrt(2.0 / (double)(q->dim[0] * q->dim[2] * q->dim[3]));
			if (q->ndim == 2)
				std = 1 / sqrt(3.0 * (double)q->dim[1]);
			if (q->ndim > 1) {
				assert_true(fabs(sum / (double)n) < 5 * std / sqrt((double)n));
				assert_true(fabs(sqrt(square / (double)n) / std - 1) < 5 / sqrt((double)n));
			} else if (q->kind == PARAM_SCALE && sum == 0) {
				zeroed++;
				zeroed_named += !strncmp(q->name, "layer", 5) && ends(q->name, "bn2.weight");
			} else {
				int one = q->kind == PARAM_SCALE || ends(q->name, "running_var");
				assert_true(one ? sum == (double)n && square == sum : square == 0);
			}
			free(w);
		}
		int blocks = !strcmp(nets[i]->name, "resnet20") ? 9 : !strcmp(nets[i]->name, "resnet18") ? 8 :
			     !strcmp(nets[i]->name, "resnet34") ? 16 : 0;
		assert_int_equal(zeroed, blocks);
		assert_int_equal(zeroed_named, blocks);
	}
}

static void refused(const char *net, const struct net_config *c, const char *why)
{
	static struct graph g;
	struct err err = ERR_NONE;
	graph_init(&g);
	assert_int_equal(net_find(net)->build(&g, c, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' does not say '%s'", net, err.msg, why);
}

static void refusals(void **state)
{
	(void)state;
	struct net_config good = { .classes = 10, .image = { 32, 32, 3 }, .width_factor = 1 }, c = good;
	c.image = (struct shape){ 28, 28, 1 };
	refused("vgg16", &c, "pictures of 28x28 are too small: only 1x1 is left for features.43");
	c.image = (struct shape){ 3, 40, 3 };
	refused("smallcnn", &c, "pictures of 3x40 are too small");
	c.image = (struct shape){ 0, 40, 3 };
	refused("resnet50", &c, "0x40x3");
	c.image = (struct shape){ 30000, 30000, 3 };
	refused("resnet18", &c, "too large");
	c = good;
	c.width_factor = 0;
	refused("resnet18", &c, "a width of 0");
	c.width_factor = NAN;
	refused("resnet18", &c, "a width of nan");
	c = good;
	c.mix_hidden = 1;
	refused("resnet18", &c, "no place where hidden values are mixed");
	c = good;
	c.zero_gamma = 1;
	refused("preactresnet18", &c, "no residual block that ends in batch normalisation");
	refused("vgg16", &c, "no residual block that ends in batch normalisation");
}

/* What the options add and what --width does. */
static void options(void **state)
{
	(void)state;
	static struct graph g;
	struct err err = ERR_NONE;
	struct net_config c = { .classes = 10, .image = { 32, 32, 3 }, .width_factor = 0.1, .mix_hidden = 1, .dropout = 0.3, .erl = 0.5 };
	int mix[3] = { 0 }, drops = 0;
	graph_init(&g);
	assert_int_equal(net_find("preactresnet34")->build(&g, &c, &err), 0);
	for (int i = 0; i < g.n_ops; i++) {
		const struct op *op = &g.op[i];
		if (op->type == OP_MIX) {
			mix[op->mix.layer] = i;
			assert_string_equal(g.value[op->in[0]].name, op->mix.layer == 1 ? "layer1.2.sum" : "layer2.3.sum");
		}
		if (op->type == OP_DROPOUT) {
			drops++;
			assert_true(op->dropout.inverted && op->dropout.rate == 0.3);
			assert_int_equal(g.op[i + 1].type, OP_LINEAR);
		}
		if (op->type == OP_XENT)
			assert_true(op->xent.erl == 0.5);
	}
	assert_true(mix[1] && mix[2] > mix[1] && drops == 1);
	/* 64, 128, 256, 512 times 0.1, to the nearest 8 */
	static const int channels[] = { 8, 16, 24, 48 };
	for (int v = 0; v < g.n_values; v++)
		if (!strncmp(g.value[v].name, "layer", 5))
			assert_true(g.value[v].shape.c == channels[g.value[v].name[5] - '1'] || ends(g.value[v].name, ".0.bn1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cpu_equals_pytorch), cmocka_unit_test(ref_equals_pytorch),
					    cmocka_unit_test(counts), cmocka_unit_test(first_values), cmocka_unit_test(refusals),
					    cmocka_unit_test(options) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
