/* CONV and LINEAR of the cuda backend against ref, op by op: kernels, strides, paddings, groups and odd numbers of
 * channels, on each device that devices/ describes. cuDNN plans for the device; the dry plug-in computes from what it
 * was told (interp.h). */
#include "dry.h"
#include "fake.h"
#include "unit/models/image_fixture.h"

#include <dlfcn.h>

static const struct picture_case cases[] = {
	{ .name = "kernels of 1 and 3",
	  .n = 5,
	  .h = 9,
	  .w = 7,
	  .c = 3,
	  .layer = { CONV(0, 17, 1, 1, 0, 1, 1), CONV(1, 5, 3, 1, 1, 1, 0), CONV(2, 16, 3, 2, 1, 1, 1),
		     CONV(3, 1, 3, 1, 2, 1, 1) } },
	{ .name = "kernels of 5 and 7",
	  .n = 4,
	  .h = 13,
	  .w = 11,
	  .c = 1,
	  .layer = { CONV(0, 5, 5, 2, 2, 1, 1), CONV(1, 3, 7, 1, 3, 1, 0), CONV(2, 17, 5, 3, 1, 1, 1) } },
	{ .name = "groups",
	  .n = 3,
	  .h = 8,
	  .w = 10,
	  .c = 3,
	  .layer = { CONV(0, 6, 3, 1, 1, 3, 1), CONV(1, 32, 1, 1, 0, 2, 1), CONV(2, 64, 3, 2, 1, 8, 0),
		     CONV(3, 10, 1, 1, 0, 2, 0) } },
	{ .name = "depth-wise",
	  .n = 2,
	  .h = 7,
	  .w = 9,
	  .c = 5,
	  .layer = { CONV(0, 17, 1, 1, 0, 1, 0), CONV(1, 17, 3, 1, 1, 17, 1), CONV(2, 34, 5, 2, 2, 17, 0),
		     CONV(3, 34, 1, 1, 0, 34, 1) } },
	{ .name = "several readers",
	  .n = 6,
	  .h = 6,
	  .w = 5,
	  .c = 3,
	  .layer = { CONV(0, 16, 3, 1, 1, 1, 0), CONV(1, 8, 3, 2, 1, 1, 0), CONV(1, 8, 1, 2, 0, 1, 1), ADD(2, 3),
		     CONV(4, 8, 3, 1, 1, 1, 0), ADD(5, 4), CONV(6, 3, 1, 1, 0, 1, 0) } },
	{ .name = "one place",
	  .n = 1,
	  .h = 1,
	  .w = 1,
	  .c = 5,
	  .layer = { CONV(0, 7, 3, 1, 1, 1, 1), CONV(1, 3, 1, 1, 0, 1, 1) } },
};
/* The first has every case; what differs between devices is the plan, which `several readers` asks all kinds of. */
static const char *const devices[] = { "h100", "a100", "l4", "b200", "t4" };
enum { EVERYWHERE = 4 };

static void fill_all(struct fixture *f, int salt)
{
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, salt);
}

static void there_and_back(struct fixture *f)
{
	struct err err = ERR_NONE;
	forward(f, PHASE_TRAIN);
	if (graph_backward(&f->g, &f->batch, &err))
		fail_msg("%s", err.msg);
}

/* Sums in double, rounded once; on a card those of float32, in any order. */
static double tolerance(void)
{
	return getenv("DRY") ? 2e-6 : 2e-5;
}

/* A full batch, one sample, a full batch, each with other weights; then prediction, and again when weights changed. And
 * a graph half of whose parameters are frozen. */
static void agrees_with_ref(const struct picture_case *c)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	setup(f, c, "cuda", 1, tolerance());
	for (int i = 0; i < 3; i++) {
		set_n(f, c, i == 1 ? 1 : c->n);
		fill_all(f, i);
		there_and_back(f);
	}
	for (int i = 0; i < 3; i++) {
		forward(f, i == 1 ? PHASE_SAMPLE : PHASE_PREDICT);
		fill_all(f, 3 + i);
	}
	teardown(f);
	setup_for(f, c, "cuda", 1, tolerance(), &sgd, 2);
	there_and_back(f);
	teardown(f);
	free(f);
}

static void predict(struct fixture *f, float *logits)
{
	struct err err = ERR_NONE;
	forward(f, PHASE_PREDICT);
	if (graph_read(&f->g, f->g.logits, f->batch.n, logits, &err))
		fail_msg("%s", err.msg);
}

/* Every parameter again, as it is: whatever was derived from it must be made anew. */
static void set_again(struct graph *g)
{
	struct err err = ERR_NONE;
	for (int p = 0; p < g->n_params; p++) {
		float *w = floats(param_size(&g->param[p]));
		assert_int_equal(graph_get(g, p, w, &err) | graph_set(g, p, w, &err), 0);
		free(w);
	}
}

/* Number i, which begins otherwise than the one before it ended: a whole one; a recorded one, when others were set,
 * whose loss must be theirs; one that is not whole; one without a pass, when others were set. */
static void some_step(struct fixture *f, int i)
{
	struct err err = ERR_NONE;
	struct update u = sgd;
	double loss;
	u.lr = 1e-3;
	u.step = (uint32_t)i + 1;
	if (i == 5 || i == 7)
		fill_all(f, i);
	if (i == 6)
		there_and_back(f);
	if (i == 6 || i == 7 ? graph_update(&f->g, &f->batch, &u, &err) : graph_step(&f->g, &f->batch, &u, &err))
		fail_msg("%s", err.msg);
	if (i == 5) {
		loss = mean_loss(f);
		fill_all(f, i);
		forward(f, PHASE_TRAIN);
		assert_true(loss == mean_loss(f));
	}
}

/* thaw: as of setup_for. max_norm: of every filter. tol > 0: in lockstep. */
static struct fixture *open_with(const struct picture_case *c, struct backend_config config, int thaw, double max_norm,
				 double tol)
{
	struct err err = ERR_NONE;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	if (device_open(&f->dev, "cuda", 1, &err))
		fail_msg("%s", err.msg);
	f->dev.b->close(f->dev.ctx);
	assert_int_equal(f->dev.b->open(&f->dev.ctx, &config, &err), 0);
	graph_init(&f->g);
	build_graph(&f->g, c);
	for (int p = 0; p < f->g.n_params; p++) {
		f->g.param[p].frozen = thaw > 0 && p % thaw != thaw - 1;
		f->g.param[p].max_norm = f->g.param[p].kind == PARAM_WEIGHT ? max_norm : 0;
	}
	f->outer = tol > 0 ? lockstep_open(&f->lock, f->dev, &f->g, c->name, tol) : f->dev;
	if (graph_compile(&f->g, &f->outer, MAX_N, &sgd, &err))
		fail_msg("%s: %s", c->name, err.msg);
	make_batch(f, c);
	fill_all(f, 0);
	return f;
}

static void fixture_close(struct fixture *f)
{
	teardown(f);
	free(f);
}

/* cuDNN reads copies of filters and biases, which the optimiser keeps: after each step they are what the parameters
 * make, bit by bit. */
static void copies_keep_up_in(const struct picture_case *c, enum precision precision, int thaw, double max_norm)
{
	struct fixture *f = open_with(c, (struct backend_config){ .precision = precision }, thaw, max_norm, 0);
	float kept[MAX_N * CLASSES], fresh[MAX_N * CLASSES];
	for (int i = 0; i < 8; i++) {
		some_step(f, i);
		predict(f, kept);
		set_again(&f->g);
		predict(f, fresh);
		assert_true(isfinite(kept[0]));
		assert_memory_equal(kept, fresh, (size_t)f->batch.n * CLASSES * sizeof *kept);
		some_step(f, 8 + i); /* from a copy that nothing has made anew */
	}
	fixture_close(f);
}

static long kernels_of_step(struct fixture *f, const struct fake_counts *counts)
{
	long before = counts->kernels;
	some_step(f, 0);
	assert_true(isfinite(mean_loss(f)));
	return counts->kernels - before;
}

/* A step packs nothing, when only steps changed them. */
static void copies_cost_no_kernels(void)
{
	enum { COPIES = 4 + 3 }; /* of filters and biases of the first case in bf16 */
	struct fixture *f = open_with(&cases[0], (struct backend_config){ .precision = PRECISION_BF16 }, 0, 0, 0);
	const struct fake_counts *counts = dlsym(f->dev.plugin.library, "fake_counts");
	for (int i = 0; counts && i < 4; i++) {
		set_again(&f->g);
		long packed = kernels_of_step(f, counts);
		assert_int_equal(kernels_of_step(f, counts), packed - COPIES);
	}
	fixture_close(f);
}

static void copies_keep_up(void **state)
{
	(void)state;
	unsetenv("VIC_CUDA_GRAPHS"); /* lockstep.h turned recording off */
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		copies_keep_up_in(&cases[c], PRECISION_FLOAT32, 0, 0);
		copies_keep_up_in(&cases[c], PRECISION_BF16, 0, 0);
		copies_keep_up_in(&cases[c], PRECISION_BF16, 2, 0);
		copies_keep_up_in(&cases[c], PRECISION_FLOAT32, 0, 0.5);
	}
	copies_cost_no_kernels();
}

/* Engines chosen by their times, which the fake device draws: whichever it is, results are ref's. */
static void tuned_agree_with_ref(void **state)
{
	(void)state;
	const struct backend_config config = { .tune = 1 };
	for (int i = 0; i < 2; i++)
		for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
			struct fixture *f = open_with(&cases[c], config, 0, 0, tolerance());
			assert_non_null(strstr(device_engine(&f->dev), ", tuned"));
			there_and_back(f);
			set_n(f, &cases[c], 1);
			there_and_back(f);
			forward(f, PHASE_PREDICT);
			fixture_close(f);
		}
}

/* $VIC_GPU_DEVICE names one of devices/; its neighbours take their turns. A card is what it is, and has one. */
static void test_device(void **state)
{
	char path[4096];
	const char *now = getenv("VIC_GPU_DEVICE");
	if (getenv("DRY")) {
		assert_non_null(now);
		snprintf(path, sizeof path, "%.*s/%s.json", (int)(strrchr(now, '/') - now), now, (const char *)*state);
		setenv("VIC_GPU_DEVICE", path, 1);
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (i == EVERYWHERE || !strcmp(*state, devices[0]))
			agrees_with_ref(&cases[i]);
}

int main(void)
{
	struct CMUnitTest tests[sizeof devices / sizeof *devices + 2] = { cmocka_unit_test(copies_keep_up),
									  cmocka_unit_test(tuned_agree_with_ref) };
	size_t n = getenv("DRY") ? sizeof devices / sizeof *devices : 1;
	for (size_t i = 0; i < n; i++)
		tests[i + 2] = (struct CMUnitTest){ devices[i], test_device, NULL, NULL, (void *)devices[i] };
	return _cmocka_run_group_tests("gpu conv", tests, n + 2, NULL, NULL);
}
