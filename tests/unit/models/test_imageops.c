/* The ops of image networks on every backend. Each small network runs in lockstep with ref (lockstep.h says what that
 * proves); ref itself is held against finite differences, op by op and as a whole, and against small cases worked by
 * hand. */
#include "image_fixture.h"

static const struct picture_case *const all = picture_cases;

static int every_case(void)
{
	return PICTURE_CASES - (getenv("VIC_THOROUGH") == NULL);
}

/* Of no interest to the thread sanitizer, which runs ref's loops twenty times slower. */
static int one_thread_alone(void)
{
#ifdef __SANITIZE_THREAD__
	print_message("# SKIP: ref has one thread; the thread sanitizer has nothing to see\n");
	return 1;
#else
	return 0;
#endif
}

static void ref_proves_itself(void **state)
{
	(void)state;
	if (one_thread_alone())
		return;
	for (int c = 0; c < every_case(); c++)
		prove("ref", &all[c], 1e-30, c < SMALL_CASES, sgd.lr);
}

/* Central differences of the whole loss: orders, readers that add, what lies between ops. As in test_ops.c: 2 % of the
 * gradient's size and what rounding of the loss gives; the few elements that meet a kink are let go. */
static void whole_gradients(void **state)
{
	(void)state;
	if (one_thread_alone())
		return;
	struct fixture *f = calloc(1, sizeof *f);
	struct err err = ERR_NONE;
	assert_non_null(f);
	for (int c = 0; c < SMALL_CASES; c++) {
		setup(f, &all[c], "ref", 1, 0);
		forward(f, PHASE_TRAIN);
		assert_int_equal(graph_backward(&f->g, &f->batch, &err), 0);
		for (int p = 0; p < f->g.n_params; p++) {
			struct param *q = &f->g.param[p];
			size_t n = param_size(q), bad = 0, tried = 0;
			double size = 0;
			for (size_t i = 0; q->g && i < n; i++)
				size = fmax(size, fabs((double)q->g[i]));
			for (size_t i = 0; q->g && i < n; i += 1 + n / 2, tried++) {
				float w = q->w[i], h = 2e-3f;
				q->w[i] = w + h;
				forward(f, PHASE_TRAIN);
				double high = mean_loss(f), width = q->w[i];
				q->w[i] = w - h;
				forward(f, PHASE_TRAIN);
				double slope = (high - mean_loss(f)) / (width - (double)q->w[i]);
				q->w[i] = w;
				bad += !(fabs(slope - (double)q->g[i]) <= 0.02 * size + 2e-4);
			}
			if (bad > 1)
				fail_msg("%s: %s: %zu of %zu gradients differ from finite differences", all[c].name,
					 q->name, bad, tried);
		}
		teardown(f);
	}
	free(f);
}

/* 2e-5 of the largest element: sums of up to a few hundred float32 terms against double ones, 1e-6 in most; after a
 * NORM of a channel that does not vary a gradient is 316 times (1 / sqrt(eps)) the difference of two equals. The
 * variants are one source: a quarter of the cases for each but the best that runs here, unless there is time. */
static void cpu_agrees(void **state)
{
	(void)state;
	int first = first_variant();
	for (int v = first; v < VARIANTS; v++) {
		setenv("VIC_CPU", variants[v], 1);
		for (int c = 0; c < every_case(); c++)
			if (v == first || c % 4 == v || getenv("VIC_THOROUGH"))
				prove("cpu", &all[c], 2e-5, 0, sgd.lr);
	}
	unsetenv("VIC_CPU");
}

/* Everything that training leaves behind, bit by bit. */
static void threads_do_not_show(void **state)
{
	(void)state;
	struct fixture *f = calloc(3, sizeof *f);
	assert_non_null(f);
	for (int c = 0; c < every_case(); c++) {
		for (int i = 0; i < 3; i++) {
			setup(&f[i], &all[c], "cpu", 1 + i, 0);
			step(&f[i], 1);
			step(&f[i], 2);
		}
		for (int i = 1; i < 3; i++) {
			for (int p = 0; p < f->g.n_params; p++) {
				const struct param *a = &f[0].g.param[p], *b = &f[i].g.param[p];
				if (memcmp(a->w, b->w, param_size(a) * sizeof(float)) ||
				    (a->g && memcmp(a->g, b->g, param_size(a) * sizeof(float))))
					fail_msg("%s: %s differs between 1 and %d threads", all[c].name, a->name,
						 i + 1);
			}
		}
		for (int i = 0; i < 3; i++)
			teardown(&f[i]);
	}
	free(f);
}

static void windows_are_resized(void **state)
{
	(void)state;
	for (int v = first_variant(); v < VARIANTS; v++) {
		setenv("VIC_CPU", variants[v], 1);
		windows_are_resized_on("cpu", 60);
	}
	unsetenv("VIC_CPU");
}

static void nan_is_seen(void **state)
{
	(void)state;
	nan_is_seen_on("ref");
	nan_is_seen_on("cpu");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ref_proves_itself), cmocka_unit_test(whole_gradients),
					    cmocka_unit_test(cpu_agrees), cmocka_unit_test(threads_do_not_show),
					    cmocka_unit_test(windows_are_resized), cmocka_unit_test(nan_is_seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
