/* The image networks against PyTorch: tests/golden/nets/NAME.txt was written by tests/oracles/make_nets.py, whose head
 * says what the numbers are. Weights, images, targets and mixing weights are drawn here by the same hash. The measure
 * is |ours - PyTorch's| / scale in the Euclidean norm, a tensor at a time: exact for logits and losses, estimated by
 * four random projections for gradients and running statistics (a gradient wrong by ten times the bound passes once in
 * 5,000). */
#include "models/nets/nets.h"
#include "on_host.h"

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
	struct device dev;
	struct graph g;
	uint8_t *pixel;
	float *target, lambda[MOST_N], scale[3], shift[3];
	const void *image[MOST_N];
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
	assert_int_equal(fscanf(file, "net %31s case %d %lf %d %d %d %d %d %d %d %lf parameters %*d", f->net, &f->seed,
				&f->width, &h, &w, &c, &f->n, &classes, &f->mix_at, &bce, &f->bound),
			 11);
	assert_true(f->n <= MOST_N && c <= 3);
	f->config = (struct net_config){ .classes = classes,
					 .bce = bce,
					 .image = { h, w, c },
					 .width_factor = f->width,
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
		f->image[i] = f->pixel + one * (size_t)i;
		f->partner[i] = (uint32_t)((i + 2) % f->n);
		f->sample[i] = (uint32_t)i;
		f->lambda[i] = (float)uniform(fnv("lambda", ""), (size_t)i);
		f->view[i] = (struct view){ .y = i == 2 ? -1 : 0, .x = i == 2 ? 2 : 0, .flip = i == 1 };
		for (int k = 0; k < classes; k++)
			sum += uniform(fnv("target", ""), (size_t)(i * classes + k));
		for (int k = 0; k < classes; k++)
			f->target[i * classes + k] =
				(float)(uniform(fnv("target", ""), (size_t)(i * classes + k)) / sum);
	}
	f->images = (struct images){ .count = f->n,
				     .h = f->config.image.h,
				     .w = f->config.image.w,
				     .c = f->config.image.c,
				     .pixel = f->image,
				     .view = f->view,
				     .scale = f->scale,
				     .shift = f->shift };
	f->batch = (struct batch){ .n = f->n,
				   .images = &f->images,
				   .partner = f->partner,
				   .mix_at = f->mix_at,
				   .lambda = f->lambda,
				   .target = f->target,
				   .seed = 1,
				   .sample = f->sample };
}

static void prepare(struct fixture *f, const char *device)
{
	static const struct update plain = { .rule = RULE_SGD, .lr = 0.1 };
	struct err err = ERR_NONE;
	const struct net *net = net_find(f->net);
	assert_non_null(net);
	graph_init(&f->g);
	if (device_open(&f->dev, device, 2, &err) || net->build(net, &f->g, &f->config, &err) ||
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

/* Value v of the last batch against the `count` numbers after `word`. Returns the relative error. */
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
	char kind[8], name[GRAPH_NAME];
	double most = 0;
	while (fscanf(golden, "%7s %39s", kind, name) == 2) {
		int p = 0, grad = !strcmp(kind, "grad");
		while (p < f->g.n_params && strcmp(f->g.param[p].name, name))
			p++;
		if (p == f->g.n_params || param_trained(&f->g.param[p]) != grad)
			fail_msg("%s: PyTorch has a %s %s", f->net, kind, name);
		const struct param *q = &f->g.param[p];
		float *x = on_host(&f->g, grad ? q->g : q->w, param_size(q));
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
	assert_non_null(
		fgets(line, sizeof line, golden)); /* the rest of the line before, then what float32 PyTorch reaches */
	assert_non_null(fgets(line, sizeof line, golden));
	assert_int_equal(graph_forward(&f.g, &plain, PHASE_PREDICT, &err), 0);
	double predict = values(&f, golden, "predict", f.g.logits, count);
	assert_int_equal(graph_forward(&f.g, &f.batch, PHASE_TRAIN, &err), 0);
	double logits = values(&f, golden, "logits", f.g.logits, count),
	       loss = values(&f, golden, "loss", f.g.loss, f.n);
	assert_int_equal(graph_backward(&f.g, &f.batch, &err), 0);
	if (!(predict <= 1e-4 && logits <= 1e-4 && loss <= 1e-4))
		fail_msg("%s on %s: off by %.2g (predict), %.2g (logits), %.2g (loss)", name, device, predict, logits,
			 loss);
	double most = parameters(&f, golden, &seen, worst, sizeof worst);
	assert_int_equal(seen, f.g.n_params);
	print_message("%s on %s: predict %.1e, logits %.1e, loss %.1e, worst of %d parameters %.1e (%s)\n", name,
		      device, predict, logits, loss, seen, most, worst);
	fclose(golden);
	release(&f);
}

static const char *const cases[] = { "smallcnn", "resnet20",   "vgg16",		 "resnet18",	  "resnet34",
				     "resnet50", "resnext101", "preactresnet18", "preactresnet34" };
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cpu_equals_pytorch),
					    cmocka_unit_test(ref_equals_pytorch) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
