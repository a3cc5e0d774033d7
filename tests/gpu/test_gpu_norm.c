/* What cuDNN compiles at run time: NORM (VIC_CUDA_NORM=cudnn) in lockstep with ref, and convolutions that --tune tries;
 * dry, with a driver that takes what is compiled, or on a card. Each plan is compiled, which takes half a second; so
 * there are few shapes. */
#include "dry.h"
#include "fake.h"
#include "unit/models/image_fixture.h"

#include <dlfcn.h>

/* Alone, with a ReLU, with something added too; what was added is read by others before or behind it, by the op itself,
 * or by none; what is normalised is read by two; a sum without a ReLU, for which there is no engine; one row. */
static const struct picture_case cases[] = {
	{ .name = "16 channels",
	  .n = MAX_N,
	  .h = 4,
	  .w = 5,
	  .c = 3,
	  .layer = { CONV(0, 16, 3, 1, 1, 1, 0), NORM(1, 1), CONV(2, 16, 3, 1, 1, 1, 0), NORM2(3, 2, 1),
		     CONV(4, 16, 1, 1, 0, 1, 0), NORM(5, 0), NORM2(6, 4, 0), MEAN(7, 0, 0) },
	  .partners = WITHIN },
	{ .name = "8 channels",
	  .n = MAX_N,
	  .h = 3,
	  .w = 3,
	  .c = 2,
	  .layer = { CONV(0, 8, 3, 1, 1, 1, 0), NORM(1, 1), NORM2(1, 2, 1), NORM2(3, 3, 1), MEAN(4, 0, 0) },
	  .partners = ALONE },
	{ .name = "one row",
	  .n = MAX_N,
	  .h = 1,
	  .w = 1,
	  .c = 3,
	  .layer = { CONV(0, 8, 1, 1, 0, 1, 0), NORM(1, 1) },
	  .partners = ALONE },
};

static const struct picture_case odd = {
	.name = "5 channels", .n = 2, .h = 3, .w = 3, .c = 5, .layer = { NORM(0, 1) }
};

/* Whether the card has engines for it at all. */
static int has_engines(void)
{
	struct err err = ERR_NONE;
	struct device dev;
	struct graph g;
	if (device_open(&dev, "cuda", 1, &err))
		fail_msg("%s", err.msg);
	assert_non_null(strstr(device_engine(&dev), ", norm by cuDNN"));
	graph_init(&g);
	build_graph(&g, &cases[2]);
	int rc = graph_compile(&g, &dev, MAX_N, &sgd, &err);
	graph_release(&g);
	device_close(&dev);
	if (rc && err.status != VIC_NO_DEVICE)
		fail_msg("%s", err.msg);
	if (rc)
		print_message("# SKIP %s\n", err.msg);
	return !rc;
}

static void cudnn_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		prove("cuda", &cases[i], 2e-5, 0, sgd.lr);
}

/* It is cuDNN's graphs that ran, where the dry device counts them. */
static void cudnn_ran(void **state)
{
	(void)state;
	struct fixture *f = calloc(1, sizeof *f);
	struct err err = ERR_NONE;
	assert_non_null(f);
	setup(f, &cases[1], "cuda", 1, 0);
	const long *norms = dlsym(f->dev.plugin.library, "interp_norms");
	long before = norms ? *norms : 0;
	forward(f, PHASE_TRAIN);
	assert_true(!norms || *norms == before + 3);
	assert_int_equal(graph_backward(&f->g, &f->batch, &err), 0);
	assert_true(!norms || *norms == before + 5); /* the first's gradient is added to the second's, by ours */
	forward(f, PHASE_PREDICT);
	assert_true(!norms || *norms == before + 5);
	assert_false(isnan(mean_loss(f)));
	teardown(f);
	free(f);
}

/* In bf16 values are rounded, once each: beside ours, losses and running moments are near. */
static void both_engines_train(void **state)
{
	(void)state;
	const struct backend_config config = { .precision = PRECISION_BF16 };
	double loss[2];
	for (int own = 0; own < 2; own++) {
		struct fixture *f = calloc(1, sizeof *f);
		struct err err = ERR_NONE;
		assert_non_null(f);
		setenv("VIC_CUDA_NORM", own ? "own" : "cudnn", 1);
		if (device_open(&f->dev, "cuda", 1, &err))
			fail_msg("%s", err.msg);
		f->dev.b->close(f->dev.ctx);
		assert_int_equal(f->dev.b->open(&f->dev.ctx, &config, &err), 0);
		graph_init(&f->g);
		build_graph(&f->g, &cases[0]);
		f->outer = f->dev;
		if (graph_compile(&f->g, &f->outer, MAX_N, &sgd, &err))
			fail_msg("%s", err.msg);
		make_batch(f, &cases[0]);
		fill_params(f);
		for (uint32_t i = 0; i < 6; i++) {
			struct update u = sgd;
			u.lr = 1e-3;
			u.step = i + 1;
			if (graph_step(&f->g, &f->batch, &u, &err))
				fail_msg("%s", err.msg);
		}
		forward(f, PHASE_PREDICT);
		loss[own] = mean_loss(f);
		teardown(f);
		free(f);
	}
	setenv("VIC_CUDA_NORM", "cudnn", 1);
	assert_true(fabs(loss[0] - loss[1]) <= 0.01 * fabs(loss[1]));
}

/* What cuDNN has no engine for is refused when the network is prepared, in its words. */
static void what_is_not_there_is_told(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct device dev;
	struct graph g;
	assert_int_equal(device_open(&dev, "cuda", 1, &err), 0);
	graph_init(&g);
	build_graph(&g, &odd);
	assert_int_equal(graph_compile(&g, &dev, 2, &sgd, &err), -1);
	assert_int_equal(err.status, VIC_NO_DEVICE);
	assert_non_null(strstr(err.msg, "VIC_CUDA_NORM=cudnn, which is compiled at run time"));
	assert_non_null(strstr(err.msg, "normalisation of 2 x 3 x 3 x 5: cuDNN "));
	graph_release(&g);
	graph_init(&g);
	build_graph(&g, &odd);
	assert_int_equal(graph_compile(&g, &dev, 2, NULL, &err), 0); /* prediction is ours */
	graph_release(&g);
	device_close(&dev);
}

/* Plans that were tried for both convolutions, forward, where compiling may take so many seconds. */
static int plans_tried(const char *seconds)
{
	static const struct picture_case grouped = { .name = "groups",
						     .n = 2,
						     .h = 7,
						     .w = 7,
						     .c = 3,
						     .layer = { CONV(0, 64, 1, 1, 0, 1, 0),
								CONV(1, 64, 3, 1, 1, 2, 0) } };
	const struct backend_config config = { .precision = PRECISION_TF32, .tune = 1 };
	struct err err = ERR_NONE;
	struct device dev;
	struct graph g;
	int plans = 0;
	setenv("VIC_CUDA_TUNE_SECONDS", seconds, 1);
	setenv("VIC_CUDA_STATS", "1", 1);
	assert_int_equal(device_open(&dev, "cuda", 1, &err), 0);
	dev.b->close(dev.ctx);
	assert_int_equal(dev.b->open(&dev.ctx, &config, &err), 0);
	graph_init(&g);
	build_graph(&g, &grouped);
	if (graph_compile(&g, &dev, 2, NULL, &err))
		fail_msg("%s", err.msg);
	for (const char *note; (note = dev.b->note(dev.ctx));)
		if (!strncmp(note, "tuned: ", 7) && strstr(note, " of "))
			plans += (int)strtol(strstr(note, " of ") + 4, NULL, 10);
	graph_release(&g);
	device_close(&dev);
	unsetenv("VIC_CUDA_TUNE_SECONDS");
	unsetenv("VIC_CUDA_STATS");
	return plans;
}

/* The device's time for compiling ends the search for more of them; the first one ends this. */
static void tuning_tries_compiled_ones(void **state)
{
	(void)state;
	int without = plans_tried("0");
	assert_true(without > 0);
	assert_int_equal(plans_tried("0.001"), without + 1);
}

static void wrong_values_are_told(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct device dev;
	setenv("VIC_CUDA_NORM", "cuDNN", 1);
	assert_int_equal(device_open(&dev, "cuda", 1, &err), -1);
	assert_int_equal(err.status, VIC_USAGE);
	assert_non_null(strstr(err.msg, "VIC_CUDA_NORM=cuDNN: is neither own nor cudnn"));
	assert_int_equal(device_open(&dev, "auto", 1, &err), -1);
	assert_int_equal(err.status, VIC_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cudnn_agrees), cmocka_unit_test(cudnn_ran),
					    cmocka_unit_test(both_engines_train),
					    cmocka_unit_test(what_is_not_there_is_told),
					    cmocka_unit_test(tuning_tries_compiled_ones),
					    cmocka_unit_test(wrong_values_are_told) };
	char driver[4096];
	if (getenv("DRY")) {
		snprintf(driver, sizeof driver, "%s/driver/libcuda.so.1", getenv("DRY"));
		setenv("VIC_GPU_DRIVER", driver, 1);
	}
	setenv("VIC_CUDA_NORM", "cudnn", 1);
	return has_engines() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
