/* The networks as they are built: published numbers of parameters, first values, what configurations do and which are
 * refused, the list of --list-models. That they compute what they should is in test_nets.c. */
#include "models/nets/nets.h"
#include "models/train/listing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);
	return n >= m && !strcmp(name + n - m, with);
}

static void build_native(struct graph *g, const struct net *net, double width, struct net_config *c)
{
	struct err err = ERR_NONE;
	*c = (struct net_config){ .classes = net->native_classes, .image = net->native, .width_factor = width };
	graph_release(g);
	if (net->build(net, g, c, &err))
		fail_msg("%s: %s", net->name, err.msg);
}

/* Published: github.com/kuangliu/pytorch-cifar's definitions, pytorch-cifar-models (ResNet-20), torchvision;
 * ResNeXt-101 32x4d is torchvision's class with its groups and width; the small network is ours. */
static void counts(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t parameters;
	} published[] = {
		{ "smallcnn", 72666 },		{ "resnet20", 272474 },		 { "vgg16", 14728266 },
		{ "resnet18", 11173962 },	{ "resnet34", 21282122 },	 { "resnet50", 25557032 },
		{ "resnext101-32x4d", 44177704 }, { "preactresnet18", 11172170 }, { "preactresnet34", 21280330 },
	};
	static struct graph g;
	struct net_config c;
	size_t k = 0;
	for (int i = 0; nets[i]; i++) {
		size_t n = 0;
		if (nets[i]->input != NET_IMAGES)
			continue;
		build_native(&g, nets[i], 1, &c);
		for (int p = 0; p < g.n_params; p++)
			n += param_trained(&g.param[p]) ? param_size(&g.param[p]) : 0;
		assert_string_equal(nets[i]->name, published[k].name);
		assert_int_equal(n, published[k++].parameters);
	}
	assert_int_equal(k, sizeof published / sizeof *published);
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
			nets[i]->init(nets[i], &c, q, p, 7, w);
			nets[i]->init(nets[i], &c, q, p, 7, w + n);
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
		int blocks = !strcmp(nets[i]->name, "resnet20")	  ? 9
			     : !strcmp(nets[i]->name, "resnet18") ? 8
			     : !strcmp(nets[i]->name, "resnet34") ? 16
								  : 0;
		assert_int_equal(zeroed, blocks);
		assert_int_equal(zeroed_named, blocks);
	}
}

static void refused(const char *net, const struct net_config *c, const char *why)
{
	static struct graph g;
	struct err err = ERR_NONE;
	graph_release(&g);
	assert_int_equal(net_find(net)->build(net_find(net), &g, c, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' does not say '%s'", net, err.msg, why);
}

static void refusals(void **state)
{
	(void)state;
	struct net_config good = { .classes = 10, .image = { 32, 32, 3 }, .width_factor = 1 }, c = good;
	c.image = (struct shape){ 28, 28, 1 };
	refused("vgg16", &c, "images of 28x28 are too small: only 1x1 is left for features.43");
	c.image = (struct shape){ 3, 40, 3 };
	refused("smallcnn", &c, "images of 3x40 are too small");
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
	refused("preactresnet18", &c, "no residual block ends in batch normalisation");
	refused("vgg16", &c, "no residual block ends in batch normalisation");
}

/* What the options add and what --width does. */
static void options(void **state)
{
	(void)state;
	static struct graph g;
	struct err err = ERR_NONE;
	struct net_config c = {
		.classes = 10, .image = { 32, 32, 3 }, .width_factor = 0.1, .mix_hidden = 1, .dropout = 0.3, .erl = 0.5
	};
	int mix[3] = { 0 }, drops = 0;
	graph_release(&g);
	assert_int_equal(net_find("preactresnet34")->build(net_find("preactresnet34"), &g, &c, &err), 0);
	for (int i = 0; i < g.n_ops; i++) {
		const struct op *op = &g.op[i];
		if (op->type == OP_MIX) {
			mix[op->mix.layer] = i;
			assert_string_equal(g.value[op->in[0]].name,
					    op->mix.layer == 1 ? "layer1.2.sum" : "layer2.3.sum");
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
			assert_true(g.value[v].shape.c == channels[g.value[v].name[5] - '1'] ||
				    ends(g.value[v].name, ".0.bn1"));
}

/* Every network has its line; --batch and --width are heard. */
static void listing(void **state)
{
	(void)state;
	struct train_options o = train_options_none();
	struct err err = ERR_NONE;
	char *text = NULL;
	for (int narrow = 0; narrow < 2; narrow++) {
		size_t size;
		FILE *to = open_memstream(&text, &size);
		assert_non_null(to);
		o.batch = narrow ? 32 : o.batch;
		o.width = narrow ? 0.5 : o.width;
		if (listing_print(to, &o, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(fclose(to), 0);
		for (int i = 0; nets[i]; i++)
			assert_non_null(strstr(text, nets[i]->summary));
		assert_non_null(
			strstr(text, narrow ? "\nresnet18          32x32x3         10    2797610    139.3M     32"
					    : "\nresnet18          32x32x3         10   11173962    555.4M    128"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts), cmocka_unit_test(first_values),
					    cmocka_unit_test(refusals), cmocka_unit_test(options),
					    cmocka_unit_test(listing) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
