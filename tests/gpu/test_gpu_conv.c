/* CONV and LINEAR of the cuda backend against ref, op by op: kernels, strides, paddings, groups and odd numbers of
 * channels, on each device that devices/ describes. cuDNN plans for the device; the dry plug-in computes from what it
 * was told (interp.h). */
#include "dry.h"
#include "unit/models/image_fixture.h"

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
	struct CMUnitTest tests[sizeof devices / sizeof *devices];
	size_t n = getenv("DRY") ? sizeof devices / sizeof *devices : 1;
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ devices[i], test_device, NULL, NULL, (void *)devices[i] };
	return _cmocka_run_group_tests("gpu conv", tests, n, NULL, NULL);
}
