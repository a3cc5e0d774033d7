/* A small image network compiled for a device, alone or in lockstep with ref, and its batch: what the tests of image
 * ops run. */
#ifndef VIC_TEST_IMAGE_FIXTURE_H
#define VIC_TEST_IMAGE_FIXTURE_H

#include "image_graphs.h"
#include "lockstep.h"
#include "on_host.h"

struct fixture {
	struct device dev, outer; /* outer: what the graph was compiled for */
	struct backend_ctx lock;
	struct graph g;
	struct images images;
	struct batch batch;
	unsigned char bytes[IMAGES][20 * 20 * 5];
	float real[IMAGES][20 * 20 * 5], scale[17], shift[17];
	const void *pixel[IMAGES];
	struct view view[IMAGES];
	uint32_t partner[MAX_N], sample[MAX_N];
	float lambda[MAX_N], target[MAX_N * CLASSES];
	double lr;
};

static const struct update sgd = { .rule = RULE_SGD, .lr = 0.05, .momentum = 0.9, .nesterov = 1, .weight_decay = 1e-2,
				   .decay_all = 1 };
/* The batch's first n images. Two share a partner, one is its own, one is all its partner, one all itself. */
static inline void set_n(struct fixture *f, const struct picture_case *c, int n)
{
	f->batch.n = n;
	for (int i = 0; i < n; i++)
		f->partner[i] = (uint32_t)(c->partners == BEYOND ? n + (i * 2) % (IMAGES - n) : (i * 2 + 1) % n);
}

/* Everything of a batch that may differ from one pass to the next; the first is number 0. */
static inline void draw_batch(struct fixture *f, const struct picture_case *c, int number)
{
	struct rng r;
	rng_init(&r, 14, RNG_TEST, (uint32_t)number, 0);
	for (int i = 0; i < IMAGES; i++) {
		int k = i + number;
		for (int at = 0; at < f->images.h * f->images.w * c->c; at++) {
			double u = rng_real(&r);
			f->bytes[i][at] = (unsigned char)(256 * u);
			f->real[i][at] = (float)(350 * u - 50);
		}
		f->view[i] = (struct view){ (int16_t)(k % 4 - 1), (int16_t)(2 - k % 5), k % 3 == 1, 0, 0 };
	}
	f->view[1] = (struct view){ 0, -2, 1, 0, 0 };
	f->view[2] = (struct view){ 1, 30, 1, 0, 0 }; /* beyond one side, another, and above */
	f->view[3] = (struct view){ 2, -20, 0, 0, 0 };
	f->view[IMAGES - 1] = (struct view){ (int16_t)-c->h, 0, 0, 0, 0 };
	/* resized: a sample and partners, beside others that are not */
	f->view[0] = (struct view){ 0, 1, number & 1, f->images.h - 1, f->images.w - 1 };
	f->view[4] = (struct view){ f->images.h - 1, f->images.w - 2, 1, 1, 2 };
	f->view[5] = (struct view){ 1, 0, 0, 2 + number % 2, 1 };
	for (int i = 0; i < MAX_N; i++) {
		double t = draw(90, (uint32_t)(i + 10 * number));
		int k = (i + number) % MAX_N;
		f->sample[i] = (uint32_t)(1000 + 7 * i + number);
		f->lambda[i] = (float)(k == 1 ? 1 : k == 2 ? 0 : draw(91, (uint32_t)(i + 10 * number)));
		f->target[i * CLASSES] = (float)t;
		f->target[i * CLASSES + 1] = (float)(k == 3 ? 0 : 1 - t);
	}
	f->batch.seed = 5 + (uint64_t)number * 0x100000001u;
	f->batch.epoch = 1 + (uint32_t)number;
}

static inline void make_batch(struct fixture *f, const struct picture_case *c)
{
	assert_true((size_t)((c->h + 2) * (c->w + 1) * c->c) <= sizeof f->bytes[0]);
	f->images = (struct images){ .count = IMAGES, .h = c->h + 2, .w = c->w + 1, .c = c->c, .is_float = c->is_float,
				     .pixel = f->pixel, .view = f->view, .scale = f->scale, .shift = f->shift };
	for (int i = 0; i < IMAGES; i++)
		f->pixel[i] = c->is_float ? (const void *)f->real[i] : f->bytes[i];
	for (int k = 0; k < c->c; k++) {
		f->scale[k] = (float)(0.01 + 0.004 * k);
		/* far from its deviation */
		f->shift[k] = (float)(-1 - 0.3 * k) + (c->layer[0].type == OP_NORM ? 300 : 0);
	}
	f->batch = (struct batch){ .images = &f->images,
				   .partner = c->partners ? f->partner : NULL,
				   .mix_at = c->mix_at,
				   .lambda = f->lambda,
				   .target = f->target,
				   .sample = f->sample };
	draw_batch(f, c, 0);
	set_n(f, c, c->n);
}

static inline void fill(struct graph *g, int p, int salt)
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
		w[i] = (float)(positive			 ? 1 + 0.5 * u
			       : q->kind == PARAM_WEIGHT ? 2 * u / sqrt((double)fan_in)
							 : 0.4 * u);
	}
	assert_int_equal(graph_set(g, p, w, &err), 0);
	free(w);
}

/* tol > 0: in lockstep. u NULL: for prediction. thaw > 0: all is frozen but every thaw-th parameter. 0,
 * when this processor cannot run the variant that VIC_CPU names. */
static inline int setup_for(struct fixture *f, const struct picture_case *c, const char *device, int threads,
			    double tol, const struct update *u, int thaw)
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
	f->lr = sgd.lr;
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0);
	return 1;
}

static inline int setup(struct fixture *f, const struct picture_case *c, const char *device, int threads, double tol)
{
	return setup_for(f, c, device, threads, tol, &sgd, 0);
}

static inline void teardown(struct fixture *f)
{
	if (f->lock.g)
		lockstep_close(&f->lock);
	graph_release(&f->g);
	device_close(&f->dev);
}

static inline void forward(struct fixture *f, enum phase phase)
{
	struct err err = ERR_NONE;
	if (graph_forward(&f->g, &f->batch, phase, &err))
		fail_msg("%s", err.msg);
}

static inline double mean_loss(struct fixture *f)
{
	struct err err = ERR_NONE;
	float loss[MAX_N];
	double sum = 0;
	assert_int_equal(graph_read(&f->g, f->g.loss, f->batch.n, loss, &err), 0);
	for (int i = 0; i < f->batch.n; i++)
		sum += loss[i];
	return sum / f->batch.n;
}

static inline void step(struct fixture *f, uint32_t number)
{
	struct err err = ERR_NONE;
	struct update u = sgd;
	u.lr = f->lr;
	u.step = number;
	u.decay_all = number != 2;
	u.nesterov = number != 3;
	forward(f, PHASE_TRAIN);
	if (graph_backward(&f->g, &f->batch, &err) || graph_update(&f->g, &f->batch, &u, &err))
		fail_msg("%s", err.msg);
}

/* A full batch, one image, another full batch; then both kinds of prediction. And a graph that only predicts, when its
 * weights change; and one half frozen. differences: ref's gradients are held against finite ones. lr: of the steps. */
static inline void prove(const char *device, const struct picture_case *c, double tol, int differences, double lr)
{
	static double worst;
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	if (setup(f, c, device, 2, tol)) {
		f->lock.differences = differences;
		f->lr = lr;
		step(f, 1);
		f->lock.differences = 0;
		set_n(f, c, 1);
		step(f, 2);
		set_n(f, c, c->n);
		draw_batch(f, c, 1);
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

/* Sizes of windows and of outputs that meet every edge: pixels alone, lines, the same size, many times larger or
 * smaller. The pixels around a window are not a number. */
static inline void random_windows(struct fixture *f, const struct picture_case *c, struct rng *r)
{
	struct images *m = &f->images;
	for (int i = 0; i < IMAGES; i++) {
		struct view *v = &f->view[i];
		int all = !rng_below(r, 4), one = !rng_below(r, 4), same = !rng_below(r, 4);
		v->h = all ? m->h : one ? 1 : same ? c->h : 1 + (int)rng_below(r, (uint32_t)m->h);
		v->w = all ? m->w : one ? 1 : same ? c->w : 1 + (int)rng_below(r, (uint32_t)m->w);
		v->y = (int)rng_below(r, (uint32_t)(m->h - v->h) + 1);
		v->x = (int)rng_below(r, (uint32_t)(m->w - v->w) + 1);
		v->flip = (uint8_t)rng_below(r, 2);
		for (int at = 0; c->is_float && at < m->h * m->w * m->c; at++) {
			int y = at / m->c / m->w - v->y, x = at / m->c % m->w - v->x;
			if (y < 0 || y >= v->h || x < 0 || x >= v->w)
				f->real[i][at] = NAN;
		}
	}
}

static inline void windows_are_resized_on(const char *device, int cases)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct rng r;
	assert_non_null(f);
	rng_init(&r, 16, RNG_TEST, 0, 0);
	for (int k = 0; k < cases; k++) {
		struct picture_case c = { "windows", 1 + k % MAX_N, 1 + (int)rng_below(&r, 17),
					  1 + (int)rng_below(&r, 18), 1 + k % 5, .partners = (enum partners)(k % 3),
					  .is_float = k & 1 };
		/* 255 in float32, of which a weight is a part and a sum a few; 2e-5 elsewhere */
		if (!setup_for(f, &c, device, 2, 3e-6, NULL, 0))
			break;
		for (int batch = 0; batch < 2; batch++) {
			draw_batch(f, &c, batch);
			random_windows(f, &c, &r);
			forward(f, PHASE_TRAIN);
			assert_false(isnan(mean_loss(f)));
		}
		teardown(f);
	}
	free(f);
}

/* As they were at first: running statistics take a NaN in. */
static inline void fill_params(struct fixture *f)
{
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0);
}

/* NaN in a pixel or a parameter reaches the loss, and leaves with it. One in a window, after a ReLU, in a channel of a
 * whole vector or of the rest. */
static inline void nan_pixels_are_seen(struct fixture *f, const char *device)
{
	static const struct picture_case windows_of_all = {
		"NaN", 2, 6, 5, 17, { MAX(0, 3, 2, 1), RELU(1), MIX(2, 1), DROP(3, 0, 1), ADD(4, 4), NORM2(5, 4, 1) },
		ALONE, 0, 1, 0, 0
	};
	setup(f, &windows_of_all, device, 2, 0);
	f->view[0] = (struct view){ 1, 1, 0, 0, 0 };
	for (int at = 0; at < 30 * 17; at += 7) {
		int pixel = ((at / 17 / 5 + 1) * f->images.w + at / 17 % 5 + 1) * 17 + at % 17;
		float was = f->real[0][pixel];
		f->real[0][pixel] = NAN;
		for (int phase = 0; phase < 3; phase++) {
			fill_params(f);
			forward(f, (enum phase)phase);
			if (!isnan(mean_loss(f)))
				fail_msg("%s: NaN in pixel %d is not seen in phase %d", device, pixel, phase);
		}
		f->real[0][pixel] = was;
	}
	teardown(f);
}

/* One in parameter p's last number. */
static inline void nan_parameter_is_seen(struct fixture *f, const char *device, const char *name, int p)
{
	const struct param *q = &f->g.param[p];
	struct err err = ERR_NONE;
	float *w = floats(param_size(q));
	assert_int_equal(graph_get(&f->g, p, w, &err), 0);
	w[param_size(q) - 1] = NAN;
	assert_int_equal(graph_set(&f->g, p, w, &err), 0);
	free(w);
	forward(f, q->kind == PARAM_STATE ? PHASE_PREDICT : PHASE_TRAIN);
	if (!isnan(mean_loss(f)))
		fail_msg("%s: %s: NaN in %s is not seen", device, name, q->name);
	fill_params(f);
	forward(f, PHASE_TRAIN);
	if (isnan(mean_loss(f)))
		fail_msg("%s: %s: NaN stays when it has left %s", device, name, q->name);
}

/* On any device. */
static inline void nan_is_seen_on(const char *device)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	nan_pixels_are_seen(f, device);
	for (int c = 0; c < SMALL_CASES; c++) {
		setup(f, &picture_cases[c], device, 2, 0);
		for (int p = 0; p < f->g.n_params; p++)
			nan_parameter_is_seen(f, device, picture_cases[c].name, p);
		teardown(f);
	}
	free(f);
}

/* The cpu's builds, best first, and the number of the first that this processor runs: the tests must not pass by
 * testing none. */
enum { VARIANTS = 3 };
static const char *const variants[VARIANTS] = { "v4", "v3", "base" };

static inline int first_variant(void)
{
	struct device dev;
	struct err err = ERR_NONE;
	int v = 0;
	for (; v < VARIANTS - 1; v++) {
		setenv("VIC_CPU", variants[v], 1);
		if (!device_open(&dev, "cpu", 1, &err)) {
			device_close(&dev);
			break;
		}
	}
	unsetenv("VIC_CPU");
	return v;
}

#endif
