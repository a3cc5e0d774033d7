/* The ops of image networks in the cuda plug-in, dry ($VIC_BACKENDS names its folder): the networks of test_imageops,
 * and a NORM of many rows, in lockstep with ref; and whole steps, which the plug-in records and plays again, beside
 * ref's. */
#include "dry.h"
#include "unit/models/image_fixture.h"

static int every_case(void)
{
	return PICTURE_CASES - (getenv("VIC_THOROUGH") == NULL);
}

/* As the cpu's in test_imageops.c: sums of float32 against double ones. */
static void cuda_agrees(void **state)
{
	(void)state;
	for (int c = 0; c < every_case(); c++)
		prove("cuda", &picture_cases[c], 2e-5, 0, sgd.lr);
}

static void windows_are_resized(void **state)
{
	(void)state;
	windows_are_resized_on("cuda", 60);
}

/* Rows in many chunks, the last shorter than the others: of one channel, of two tiles, of packs; with too many chunks,
 * which grow then. */
static const struct picture_case tall[] = {
	{ "rows of 1", 9, 61, 67, 1, { NORM(0, 0), NORM2(1, 1, 1), MEAN(2, 0, 0) }, ALONE, 0, 1, 0, 0 },
	{ "rows of 12", 9, 29, 31, 12, { NORM(0, 1), NORM(1, 0), MEAN(2, 0, 0) }, ALONE, 0, 1, 0, 0 },
	{ "rows of 33", 9, 61, 67, 33, { NORM(0, 0), NORM2(1, 0, 1), MEAN(2, 0, 0) }, ALONE, 0, 1, 0, 0 },
};

struct tall_batch {
	struct view view[9];
	const void *pixel[9];
	float scale[33], shift[33], target[9 * CLASSES];
	struct images images;
	struct batch batch;
};

/* Images in `pixels`, with the mean a hundred times the deviation. */
static void tall_batch_of(struct tall_batch *b, const struct picture_case *c, float *pixels)
{
	struct rng r;
	size_t size = (size_t)(c->h * c->w * c->c);
	rng_init(&r, 15, RNG_TEST, 0, 0);
	memset(b, 0, sizeof *b);
	for (int i = 0; i < c->n; i++) {
		b->pixel[i] = pixels + (size_t)i * size;
		b->target[i * CLASSES + i % CLASSES] = 1;
	}
	for (size_t i = 0; i < (size_t)c->n * size; i++)
		pixels[i] = (float)(100 + (1 + 0.1 * (double)(i % (size_t)c->c)) * rng_normal(&r));
	for (int k = 0; k < c->c; k++)
		b->scale[k] = 1;
	b->images = (struct images){ .count = c->n, .h = c->h, .w = c->w, .c = c->c, .is_float = 1,
				     .pixel = b->pixel, .view = b->view, .scale = b->scale, .shift = b->shift };
	b->batch = (struct batch){ .images = &b->images, .target = b->target };
}

static void norm_takes_many_rows(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	for (size_t t = 0; t < sizeof tall / sizeof *tall; t++) {
		const struct picture_case *c = &tall[t];
		float *pixels = floats((size_t)(c->n * c->h * c->w * c->c));
		struct tall_batch b;
		struct device dev, outer;
		struct backend_ctx lock;
		struct graph g;
		tall_batch_of(&b, c, pixels);
		if (device_open(&dev, "cuda", 1, &err))
			fail_msg("%s", err.msg);
		graph_init(&g);
		build_graph(&g, c);
		outer = lockstep_open(&lock, dev, &g, c->name, 2e-5);
		assert_int_equal(graph_compile(&g, &outer, c->n, &sgd, &err), 0);
		for (int p = 0; p < g.n_params; p++)
			fill(&g, p, 0);
		for (int n = c->n; n > 0; n -= 4) {
			b.batch.n = n;
			if (graph_forward(&g, &b.batch, PHASE_TRAIN, &err) || graph_backward(&g, &b.batch, &err))
				fail_msg("%s", err.msg);
		}
		if (getenv("VIC_TEST_WORST"))
			print_message("# %s, %s: %.2g\n", c->name, lock.worst_op, lock.worst);
		lockstep_close(&lock);
		graph_release(&g);
		device_close(&dev);
		free(pixels);
	}
}

/* What a recording may not hold changes with the step's number, and what it is known by, now and then. */
static void whole_step(struct fixture *f, uint32_t number)
{
	struct err err = ERR_NONE;
	struct update u = sgd;
	struct batch b = f->batch;
	u.lr = 1e-3 / number;
	u.step = number;
	u.nesterov = number != 5;
	u.weight_decay = number == 7 ? 0 : u.weight_decay;
	b.partner = number == 4 ? NULL : b.partner;
	if (graph_step(&f->g, &b, &u, &err))
		fail_msg("%s", err.msg);
}

static void parameters_agree(struct fixture *ref, struct fixture *f, const char *name)
{
	struct err err = ERR_NONE;
	for (int k = 0; k < f->g.n_params; k++) {
		size_t n = param_size(&f->g.param[k]);
		float *a = floats(n), *b = floats(n);
		assert_int_equal(graph_get(&ref->g, k, a, &err) | graph_get(&f->g, k, b, &err), 0);
		for (size_t i = 0; i < n; i++)
			if (!(fabs((double)a[i] - (double)b[i]) <= 1e-4 * (1 + fabs((double)a[i]))))
				fail_msg("%s: %s[%zu] is %.9g, ref's is %.9g", name, f->g.param[k].name, i,
					 (double)b[i], (double)a[i]);
		free(a);
		free(b);
	}
}

/* Batches that share nothing but their sizes, so that a number of an earlier step would show; losses are compared (not
 * when nobody is to wait), and what all steps have left in the parameters. A small rate keeps rounding from growing. */
static void follow_the_batch(int wait)
{
	struct fixture *ref = calloc(2, sizeof *ref), *f = ref + 1;
	unsetenv("VIC_CUDA_GRAPHS"); /* lockstep.h turned recording off */
	assert_non_null(ref);
	for (int c = 0; c < SMALL_CASES; c++) {
		const struct picture_case *p = &picture_cases[c];
		if (!p->partners && strcmp(p->name, "pools"))
			continue;
		setup(ref, p, "ref", 1, 0);
		setup(f, p, "cuda", 1, 0);
		for (int i = 0; i < 9; i++) {
			for (int k = 0; k < 2; k++) {
				draw_batch(&ref[k], p, i);
				set_n(&ref[k], p, i % 3 == 2 ? 1 : p->n);
				whole_step(&ref[k], (uint32_t)i + 1);
			}
			double right = wait ? mean_loss(ref) : 0, loss = wait ? mean_loss(f) : 0;
			if (!(fabs(loss - right) <= 1e-4 * (1 + fabs(right))))
				fail_msg("%s: step %d: loss %.9g, ref's is %.9g", p->name, i, loss, right);
		}
		parameters_agree(ref, f, p->name);
		teardown(ref);
		teardown(f);
	}
	free(ref);
}

static void recorded_steps_follow_the_batch(void **state)
{
	(void)state;
	follow_the_batch(1);
}

/* Nine steps are on their way before the first has run. */
static void steps_keep_their_batches(void **state)
{
	(void)state;
	follow_the_batch(0);
}

/* A step as one piece, as a pass and an update, and with backward in no pass. */
static void step_in_parts(struct fixture *f, uint32_t number)
{
	struct err err = ERR_NONE;
	struct update u = sgd;
	int rc;
	u.lr = 1e-3;
	u.step = number;
	if (number % 3 == 0)
		rc = graph_step(&f->g, &f->batch, &u, &err);
	else
		rc = (number % 3 == 1 ? graph_step(&f->g, &f->batch, NULL, &err) :
					graph_forward(&f->g, &f->batch, PHASE_TRAIN, &err) ||
						graph_backward(&f->g, &f->batch, &err)) ||
		     graph_update(&f->g, &f->batch, &u, &err);
	if (rc)
		fail_msg("%s", err.msg);
}

static void parts_of_steps_are_told_apart(void **state)
{
	(void)state;
	struct fixture *ref = calloc(2, sizeof *ref), *f = ref + 1;
	unsetenv("VIC_CUDA_GRAPHS");
	assert_non_null(ref);
	setup(ref, &picture_cases[0], "ref", 1, 0);
	setup(f, &picture_cases[0], "cuda", 1, 0);
	for (int i = 0; i < 15; i++)
		for (int k = 0; k < 2; k++) {
			draw_batch(&ref[k], &picture_cases[0], i);
			step_in_parts(&ref[k], (uint32_t)i + 1);
		}
	parameters_agree(ref, f, picture_cases[0].name);
	teardown(ref);
	teardown(f);
	free(ref);
}

static void nan_is_seen(void **state)
{
	(void)state;
	nan_is_seen_on("cuda");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(windows_are_resized), cmocka_unit_test(cuda_agrees),
					    cmocka_unit_test(norm_takes_many_rows),
					    cmocka_unit_test(recorded_steps_follow_the_batch),
					    cmocka_unit_test(steps_keep_their_batches),
					    cmocka_unit_test(parts_of_steps_are_told_apart),
					    cmocka_unit_test(nan_is_seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
