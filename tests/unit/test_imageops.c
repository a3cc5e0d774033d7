/* The ops of image networks on every backend. Each small network runs in lockstep with ref (lockstep.h says what that
 * proves); ref itself is held against finite differences, op by op and as a whole, and against small cases worked by hand. */
#include "image_graphs.h"
#include "lockstep.h"

struct fixture {
	struct device dev, outer; /* outer: what the graph was compiled for */
	struct backend_ctx lock;
	struct graph g;
	struct images images;
	struct batch batch;
	unsigned char bytes[PICTURES][20 * 20 * 5];
	float real[PICTURES][20 * 20 * 5], scale[17], shift[17];
	const void *pixel[PICTURES];
	struct view view[PICTURES];
	uint32_t partner[MAX_N], sample[MAX_N];
	float lambda[MAX_N], target[MAX_N * CLASSES];
};

static const struct update sgd = { .rule = RULE_SGD, .lr = 0.05, .momentum = 0.9, .nesterov = 1, .weight_decay = 1e-2,
				   .decay_all = 1 };
static const struct picture_case *const all = picture_cases;

static int every_case(void)
{
	return PICTURE_CASES - (getenv("VIC_THOROUGH") == NULL);
}

/* The batch's first n pictures. Two share a partner, one is its own, one is all its partner, one all itself. */
static void set_n(struct fixture *f, const struct picture_case *c, int n)
{
	f->batch.n = n;
	for (int i = 0; i < n; i++)
		f->partner[i] = (uint32_t)(c->partners == BEYOND ? n + (i * 2) % (PICTURES - n) : (i * 2 + 1) % n);
}

static void make_batch(struct fixture *f, const struct picture_case *c)
{
	assert_true((size_t)((c->h + 2) * (c->w + 1) * c->c) <= sizeof f->bytes[0]);
	f->images = (struct images){ .count = PICTURES, .h = c->h + 2, .w = c->w + 1, .c = c->c, .is_float = c->is_float,
				     .pixel = f->pixel, .view = f->view, .scale = f->scale, .shift = f->shift };
	struct rng r;
	rng_init(&r, 14, RNG_TEST, 0, 0);
	for (int i = 0; i < PICTURES; i++) {
		for (int k = 0; k < f->images.h * f->images.w * c->c; k++) {
			double u = rng_real(&r);
			f->bytes[i][k] = (unsigned char)(256 * u);
			f->real[i][k] = (float)(350 * u - 50);
		}
		f->pixel[i] = c->is_float ? (const void *)f->real[i] : f->bytes[i];
		f->view[i] = (struct view){ (int16_t)(i % 4 - 1), (int16_t)(2 - i % 5), i % 3 == 1 };
	}
	f->view[1] = (struct view){ 0, -2, 1 };
	f->view[2] = (struct view){ 1, 30, 1 }; /* beyond one side, another, and above */
	f->view[3] = (struct view){ 2, -20, 0 };
	f->view[PICTURES - 1] = (struct view){ (int16_t)-c->h, 0, 0 };
	for (int k = 0; k < c->c; k++) {
		f->scale[k] = (float)(0.01 + 0.004 * k);
		f->shift[k] = (float)(-1 - 0.3 * k) + (c->layer[0].type == OP_NORM ? 300 : 0); /* far from its deviation */
	}
	for (int i = 0; i < MAX_N; i++) {
		double t = draw(90, (uint32_t)i);
		f->sample[i] = (uint32_t)(1000 + 7 * i);
		f->lambda[i] = (float)(i == 1 ? 1 : i == 2 ? 0 : draw(91, (uint32_t)i));
		f->target[i * CLASSES] = (float)t;
		f->target[i * CLASSES + 1] = (float)(i == 3 ? 0 : 1 - t);
	}
	f->batch = (struct batch){ .images = &f->images, .partner = c->partners ? f->partner : NULL, .mix_at = c->mix_at,
				   .lambda = f->lambda, .target = f->target, .seed = 5, .epoch = 1, .sample = f->sample };
	set_n(f, c, c->n);
}

static void fill(struct graph *g, int p, int salt)
{
	struct err err = ERR_NONE;
	const struct param *q = &g->param[p];
	size_t n = param_size(q), fan_in = n / (size_t)q->dim[0];
	float *w = floats(n);
	struct rng r;
	rng_init(&r, 13, RNG_TEST, (uint32_t)p, (uint32_t)salt);
	int positive = q->kind == PARAM_SCALE || (q->kind == PARAM_STATE && strstr(q->name, "variance"));
	for (size_t i = 0; i < n; i++) {
		double u = 2 * rng_real(&r) - 1;
		w[i] = (float)(positive ? 1 + 0.5 * u : q->kind == PARAM_WEIGHT ? 2 * u / sqrt((double)fan_in) : 0.4 * u);
	}
	assert_int_equal(graph_set(g, p, w, &err), 0);
	free(w);
}

/* tol > 0: in lockstep. u NULL: for prediction. thaw > 0: all is frozen but every thaw-th parameter. 0,
 * when this processor cannot run the variant that VIC_CPU names. */
static int setup_for(struct fixture *f, const struct picture_case *c, const char *device, int threads, double tol,
		     const struct update *u, int thaw)
{
	struct err err = ERR_NONE;
	memset(f, 0, sizeof *f);
	if (device_open(&f->dev, device, threads, &err)) {
		if (strstr(err.msg, "does not run it"))
			return 0;
		fail_msg("%s", err.msg);
	}
	graph_init(&f->g);
	build_graph(&f->g, c);
	for (int p = 0; p < f->g.n_params; p++)
		f->g.param[p].frozen = thaw > 0 && p % thaw != thaw - 1;
	f->outer = tol > 0 ? lockstep_open(&f->lock, f->dev, &f->g, c->name, tol) : f->dev;
	if (graph_compile(&f->g, &f->outer, MAX_N, u, &err))
		fail_msg("%s: %s", c->name, err.msg);
	make_batch(f, c);
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0);
	return 1;
}

static int setup(struct fixture *f, const struct picture_case *c, const char *device, int threads, double tol)
{
	return setup_for(f, c, device, threads, tol, &sgd, 0);
}

static void teardown(struct fixture *f)
{
	if (f->lock.g)
		lockstep_close(&f->lock);
	graph_release(&f->g);
	device_close(&f->dev);
}

static void forward(struct fixture *f, enum phase phase)
{
	struct err err = ERR_NONE;
	if (graph_forward(&f->g, &f->batch, phase, &err))
		fail_msg("%s", err.msg);
}

static double mean_loss(struct fixture *f)
{
	struct err err = ERR_NONE;
	float loss[MAX_N];
	double sum = 0;
	assert_int_equal(graph_read(&f->g, f->g.loss, f->batch.n, loss, &err), 0);
	for (int i = 0; i < f->batch.n; i++)
		sum += loss[i];
	return sum / f->batch.n;
}

static void step(struct fixture *f, uint32_t number)
{
	struct err err = ERR_NONE;
	struct update u = sgd;
	u.step = number;
	u.decay_all = number != 2;
	u.nesterov = number != 3;
	forward(f, PHASE_TRAIN);
	if (graph_backward(&f->g, &f->batch, &err) || graph_update(&f->g, &f->batch, &u, &err))
		fail_msg("%s", err.msg);
}

/* A full batch, one picture, a full batch; then both kinds of prediction. And a graph that only predicts, when its weights
 * change; and one half frozen. */
static void prove(const char *device, const struct picture_case *c, double tol)
{
	static double worst;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	if (setup(f, c, device, 2, tol)) {
		f->lock.differences = !strcmp(device, "ref") && c < all + SMALL_CASES;
		step(f, 1);
		f->lock.differences = 0;
		set_n(f, c, 1);
		step(f, 2);
		set_n(f, c, c->n);
		step(f, 3);
		assert_false(isnan(mean_loss(f)));
		forward(f, PHASE_PREDICT);
		f->batch.target = NULL;
		forward(f, PHASE_SAMPLE);
		if (f->lock.worst > worst && getenv("VIC_TEST_WORST")) {
			worst = f->lock.worst;
			print_message("# %s, %s, %s: %.2g\n", device, c->name, f->lock.worst_op, worst);
		}
		teardown(f);
	}
	if (setup_for(f, c, device, 2, tol, NULL, 0)) {
		forward(f, PHASE_PREDICT);
		for (int p = 0; p < f->g.n_params; p++)
			fill(&f->g, p, 1);
		forward(f, PHASE_PREDICT);
		set_n(f, c, 1);
		forward(f, PHASE_PREDICT);
		teardown(f);
	}
	if (setup_for(f, c, device, 2, tol, &sgd, 2)) {
		step(f, 1);
		teardown(f);
	}
	free(f);
}

/* Of no interest to the thread sanitizer, which runs ref's loops twenty times slower. (cmocka's skip() is "not ok" to prove.) */
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
		prove("ref", &all[c], 1e-30);
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
				fail_msg("%s: %s: %zu of %zu gradients differ from finite differences", all[c].name, q->name, bad, tried);
		}
		teardown(f);
	}
	free(f);
}

static const char *const variants[] = { "v4", "v3", "base" };

/* 2e-5 of the largest element: sums of up to a few hundred float32 terms against double ones, 1e-6 in most; behind a NORM of a
 * channel that does not vary a gradient is 316 times (1 / sqrt(eps)) the difference of two equals. The variants
 * are one source: a quarter of the cases for each of the slower two, unless there is time. */
static void cpu_agrees(void **state)
{
	(void)state;
	for (int v = 0; v < 3; v++) {
		setenv("VIC_CPU", variants[v], 1);
		for (int c = 0; c < every_case(); c++)
			if (v == 0 || c % 4 == v || getenv("VIC_THOROUGH"))
				prove("cpu", &all[c], 2e-5);
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
					fail_msg("%s: %s differs between 1 and %d threads", all[c].name, a->name, i + 1);
			}
		}
		for (int i = 0; i < 3; i++)
			teardown(&f[i]);
	}
	free(f);
}

/* One NaN in a window, behind a ReLU, in a channel of a whole vector or of the rest; and one in each parameter. */
static void nan_is_seen(void **state)
{
	(void)state;
	static const char *const device[] = { "ref", "cpu" };
	static const struct picture_case windows_of_all = {
		"NaN", 2, 6, 5, 17, { MAX(0, 3, 2, 1), RELU(1), MIX(2, 1), DROP(3, 0, 1), ADD(4, 4), NORM2(5, 4, 1) }, ALONE, 0, 1, 0, 0
	};
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	for (int d = 0; d < 2; d++) {
		setup(f, &windows_of_all, device[d], 2, 0);
		f->view[0] = (struct view){ 1, 1, 0 };
		for (int at = 0; at < 30 * 17; at += 7) {
			int pixel = ((at / 17 / 5 + 1) * f->images.w + at / 17 % 5 + 1) * 17 + at % 17;
			float was = f->real[0][pixel];
			f->real[0][pixel] = NAN;
			for (int phase = 0; phase < 3; phase++) {
				for (int p = 0; p < f->g.n_params; p++)
					fill(&f->g, p, 0); /* running statistics took the NaN in */
				forward(f, (enum phase)phase);
				if (!isnan(mean_loss(f)))
					fail_msg("%s: NaN in pixel %d is not seen in phase %d", device[d], pixel, phase);
			}
			f->real[0][pixel] = was;
		}
		teardown(f);
		for (int c = 0; c < SMALL_CASES; c++) {
			setup(f, &all[c], device[d], 2, 0);
			for (int p = 0; p < f->g.n_params; p++) {
				struct param *q = &f->g.param[p];
				size_t last = param_size(q) - 1;
				float was = q->w[last];
				q->w[last] = NAN;
				f->g.version++;
				forward(f, q->kind == PARAM_STATE ? PHASE_PREDICT : PHASE_TRAIN);
				if (!isnan(mean_loss(f)))
					fail_msg("%s: %s: NaN in %s is not seen", device[d], all[c].name, q->name);
				q->w[last] = was;
				for (int k = 0; k < f->g.n_params; k++)
					fill(&f->g, k, 0);
				forward(f, PHASE_TRAIN);
				if (isnan(mean_loss(f)))
					fail_msg("%s: %s: NaN stays when it has left %s", device[d], all[c].name, q->name);
			}
			teardown(f);
		}
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ref_proves_itself), cmocka_unit_test(whole_gradients),
					    cmocka_unit_test(cpu_agrees), cmocka_unit_test(threads_do_not_show),
					    cmocka_unit_test(nan_is_seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
