/* Kernels over values of 16 bits, dry ($VIC_BACKENDS names the plug-in's folder): every op of test_imageops' networks
 * that is a kernel of ours or a convolution, alone, forward and backward, on numbers that bfloat16 holds, against ref.
 * What is computed is float32, so a value may differ by its one rounding, and a statistic or gradient of a parameter by
 * none; a filter's gradient has been a value, and a convolution's bias is added to a rounded value. The loss is float32
 * throughout: it is also tried where digits are easily lost. */
#include "dry.h"
#include "unit/models/image_fixture.h"

static uint16_t to_half(float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float from_half(uint16_t h)
{
	uint32_t bits = (uint32_t)h << 16;
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* An array on the host and on the device, where it has 16 bits when half, and pads up to `pitch` channels. */
struct twin {
	float *host;
	void *device;
	size_t n;
	int half, rounded; /* rounded: it had 16 bits on its way */
	size_t c, pitch;
};

/* Numbers on the device; where number i lies there. */
static size_t twin_laid(const struct twin *t)
{
	return t->n / t->c * t->pitch;
}

static size_t twin_at(const struct twin *t, size_t i)
{
	return i / t->c * t->pitch + i % t->c;
}

static void twin_send(struct device *d, const struct twin *t, float pad)
{
	struct err err = ERR_NONE;
	uint16_t *h = calloc(twin_laid(t), sizeof *h);
	assert_non_null(h);
	for (size_t i = 0; i < twin_laid(t); i++)
		h[i] = to_half(pad);
	for (size_t i = 0; i < t->n; i++)
		h[twin_at(t, i)] = to_half(t->host[i]);
	assert_int_equal(d->b->upload(d->ctx, t->device, t->half ? (const void *)h : t->host,
				      twin_laid(t) * (t->half ? 2 : 4), &err),
			 0);
	free(h);
}

/* Numbers of both signs, some 0; with `positive`, above 1/2. v: NULL, or the value that it is the memory of. */
static struct twin twin_new(struct device *d, size_t n, int half, int positive, uint32_t salt, const struct value *v,
			    float pad)
{
	struct err err = ERR_NONE;
	struct twin t = { .host = floats(n), .n = n, .half = half, .c = v ? (size_t)v->shape.c : 1,
			  .pitch = v ? (size_t)v->pitch : 1 };
	struct rng r;
	rng_init(&r, 16, RNG_TEST, salt, 0);
	for (size_t i = 0; i < n; i++) {
		double drawn = rng_normal(&r);
		drawn = positive ? 0.5 + fabs(drawn) : i % 5 == 0 ? 0 : drawn;
		t.host[i] = from_half(to_half((float)drawn));
	}
	assert_int_equal(d->b->alloc(d->ctx, &t.device, twin_laid(&t) * 4, &err), 0);
	twin_send(d, &t, pad);
	return t;
}

static void twin_free(struct device *d, struct twin *t)
{
	if (t->host)
		d->b->release(d->ctx, t->device);
	free(t->host);
	*t = (struct twin){ 0 };
}

/* scale: of the sums that the array's numbers come from. */
static void twin_agrees(struct device *d, const struct twin *t, double scale, const char *name, const char *what)
{
	struct err err = ERR_NONE;
	size_t laid = twin_laid(t);
	float *now = floats(laid);
	assert_int_equal(d->b->download(d->ctx, now, t->device, laid * (t->half ? 2 : 4), &err), 0);
	for (size_t i = laid; t->half && i-- > 0;) {
		uint16_t h;
		memcpy(&h, (char *)now + 2 * i, sizeof h);
		now[i] = from_half(h);
	}
	for (size_t i = 0; i < laid; i++) {
		size_t ch = i % t->pitch;
		double wanted = ch < t->c ? (double)t->host[i / t->pitch * t->c + ch] : 0;
		if (!(fabs((double)now[i] - wanted) <=
		      (ch < t->c ? 2e-5 * scale : 0) + (t->half || t->rounded ? 1.0 / 256 : 0) * fabs(wanted)))
			fail_msg("%s: %s[%zu] of %zu is %.9g, ref has %.9g", name, what, i, laid, (double)now[i],
				 wanted);
	}
	free(now);
}

/* One op: its call on the host (here), on the device (there), and what they point to. */
struct lone {
	struct op_call here, there;
	struct twin in[OP_IN], out, d_in[OP_IN], d_out, param[4], d_param[2];
	void *state[2];
};

static void lone_values(struct lone *l, struct device *d, const struct graph *g, const struct op *op,
			const struct batch *b)
{
	int half = op->type != OP_XENT;
	size_t n = (size_t)b->n;
	l->here = (struct op_call){ .op = op, .batch = b, .n = b->n, .out_shape = g->value[op->out].shape };
	l->here.out_size = (int)shape_size(l->here.out_shape);
	/* pads are written as zeros; what reads them does as if they were */
	l->out = twin_new(d, n * (size_t)l->here.out_size, half, 0, 1, &g->value[op->out], NAN);
	l->d_out = twin_new(d, l->out.n, half, 0, 2, NULL, 0);
	for (int k = 0; k < op->n_in; k++) {
		l->here.in_shape[k] = g->value[op->in[k]].shape;
		l->here.in_size[k] = (int)shape_size(l->here.in_shape[k]);
		l->here.add[k] = half && (op->out + k) % 2;
		l->in[k] = twin_new(d, n * (size_t)l->here.in_size[k], half, 0, 3 + (uint32_t)k,
				    &g->value[op->in[k]], 1);
		l->d_in[k] = twin_new(d, l->in[k].n, half, 0, 5 + (uint32_t)k, &g->value[op->in[k]], 0);
	}
	for (int k = 0; k < op->n_param; k++) {
		const struct param *p = &g->param[op->param[k]];
		l->param[k] = twin_new(d, param_size(p), 0, k == 0 || k == 3, 7 + (uint32_t)k, NULL, 0);
		if (k < 2)
			l->d_param[k] = twin_new(d, param_size(p), 0, 0, 11, NULL, 0);
	}
	l->d_param[0].rounded = op->type == OP_CONV;
}

static void lone_open(struct lone *l, struct device *d, const struct graph *g, const struct op *op,
		      const struct batch *b)
{
	struct err err = ERR_NONE;
	memset(l, 0, sizeof *l);
	lone_values(l, d, g, op, b);
	assert_int_equal(backend_ref.prepare(NULL, op, g, b->n, 1, &l->state[0], &err), 0);
	assert_int_equal(d->b->prepare(d->ctx, op, g, b->n, 1, &l->state[1], &err), 0);
	l->there = l->here;
	l->there.in_element = op->n_in ? g->value[op->in[0]].element : 0;
	l->there.out_element = g->value[op->out].element;
	l->there.out_pitch = g->value[op->out].pitch;
	for (int side = 0; side < 2; side++) {
		struct op_call *c = side ? &l->there : &l->here;
		c->state = l->state[side];
		c->out = side ? l->out.device : l->out.host;
		c->d_out = side ? l->d_out.device : l->d_out.host;
		for (int k = 0; k < op->n_in; k++) {
			c->in[k] = side ? l->in[k].device : l->in[k].host;
			c->d_in[k] = side ? l->d_in[k].device : l->d_in[k].host;
		}
		for (int k = 0; k < op->n_param; k++)
			c->param[k] = side ? l->param[k].device : l->param[k].host;
		for (int k = 0; k < op->n_param && k < 2; k++)
			c->d_param[k] = side ? l->d_param[k].device : l->d_param[k].host;
	}
}

static void lone_close(struct lone *l, struct device *d)
{
	const struct op *op = l->here.op;
	struct twin *all[] = { &l->in[0],    &l->in[1],	   &l->out,	 &l->d_in[0],  &l->d_in[1],    &l->d_out,
			       &l->param[0], &l->param[1], &l->param[2], &l->param[3], &l->d_param[0], &l->d_param[1] };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		twin_free(d, all[i]);
	backend_ref.unprepare(NULL, op, l->state[0]);
	if (l->state[1])
		d->b->unprepare(d->ctx, op, l->state[1]);
}

/* scale: of values, beside which their difference is judged */
static void lone_runs(struct lone *l, struct device *d, enum phase phase, double scale, const char *name)
{
	struct err err = ERR_NONE;
	const struct op *op = l->here.op;
	double rows = (double)(l->here.n * l->here.out_shape.h * l->here.out_shape.w), most = 0;
	l->here.phase = l->there.phase = phase;
	assert_int_equal(backend_ref.forward(NULL, &l->here, &err), 0);
	if (d->b->forward(d->ctx, &l->there, &err))
		fail_msg("%s: %s", name, err.msg);
	for (size_t i = 0; i < l->out.n; i++)
		most = fmax(most, fabs((double)l->out.host[i]));
	/* a bias is rounded too, or added to what was rounded, and either may be larger than the sum */
	twin_agrees(d, &l->out, op->type == OP_CONV && op->n_param > 1 ? most / 256 / 2e-5 : scale, name, "out");
	for (int k = 2; k < op->n_param; k++)
		twin_agrees(d, &l->param[k], 1, name, "running statistic");
	if (phase != PHASE_TRAIN || op->type == OP_IMAGES)
		return;
	assert_int_equal(backend_ref.backward(NULL, &l->here, &err), 0);
	if (d->b->backward(d->ctx, &l->there, &err))
		fail_msg("%s: %s", name, err.msg);
	for (int k = 0; k < op->n_in; k++)
		twin_agrees(d, &l->d_in[k], op->type == OP_XENT ? 1 : scale, name, "d_in");
	for (int k = 0; k < op->n_param && k < 2; k++)
		twin_agrees(d, &l->d_param[k], scale * sqrt(rows), name, "d_param");
}

static int half_open(struct device *d)
{
	struct err err = ERR_NONE;
	struct backend_config config = { .precision = PRECISION_BF16 };
	if (device_open(d, "cuda", 1, &err))
		fail_msg("%s", err.msg);
	d->b->close(d->ctx);
	if (d->b->open(&d->ctx, &config, &err))
		fail_msg("%s", err.msg);
	return strstr(d->b->engine(d->ctx), "bf16") != NULL;
}

static void ops_round_once(void **state)
{
	(void)state;
	struct device d;
	struct err err = ERR_NONE;
	struct fixture *f = calloc(1, sizeof *f);
	struct lone l;
	int seen = 0, padded = 0;
	assert_non_null(f);
	assert_true(half_open(&d));
	for (int c = 0; c < PICTURE_CASES; c++) {
		char name[100];
		graph_init(&f->g);
		build_graph(&f->g, &picture_cases[c]);
		d.b->layout(d.ctx, &f->g);
		make_batch(f, &picture_cases[c]);
		for (int phase = PHASE_TRAIN; phase <= PHASE_PREDICT; phase++) {
			if (d.b->begin(d.ctx, &f->g, &f->batch, (enum phase)phase, 0, NULL, &err))
				fail_msg("%s", err.msg);
			for (int i = 0; i < f->g.n_ops; i++) {
				const struct op *op = &f->g.op[i];
				if (op->type == OP_LINEAR)
					continue;
				snprintf(name, sizeof name, "%s: %s", picture_cases[c].name, op->name);
				lone_open(&l, &d, &f->g, op, &f->batch);
				lone_runs(&l, &d, (enum phase)phase, 10, name);
				lone_close(&l, &d);
				seen++;
				padded += op->type == OP_CONV && f->g.value[op->in[0]].pitch % 8 == 0 &&
					  f->g.value[op->in[0]].shape.c % 8 > 0;
			}
			assert_int_equal(d.b->end(d.ctx, 0, &err), 0);
		}
		graph_release(&f->g);
	}
	assert_true(seen > 100 && padded > 5);
	device_close(&d);
	free(f);
}

static size_t end_of(const struct value *v)
{
	return v->at + shape_size(value_laid(v)) * (size_t)v->element;
}

/* Values that hold at the same time lie apart, with their pads. */
static void pads_have_room(void **state)
{
	(void)state;
	struct device d;
	struct err err = ERR_NONE;
	assert_true(half_open(&d));
	for (int c = 0; c < PICTURE_CASES; c++) {
		struct graph g;
		graph_init(&g);
		build_graph(&g, &picture_cases[c]);
		d.b->layout(d.ctx, &g);
		assert_int_equal(graph_plan(&g, 1, &err), 0);
		for (int i = 0; i < g.n_values * g.n_values; i++) {
			const struct value *v = &g.value[i / g.n_values], *w = &g.value[i % g.n_values];
			if (v < w && v->born <= w->dies && w->born <= v->dies)
				assert_true(end_of(v) <= w->at || end_of(w) <= v->at);
			assert_true(end_of(v) <= g.arena_bytes);
		}
		graph_release(&g);
	}
	device_close(&d);
}

/* Rows on either side of a warp's width, and logits so far apart that p is 1 to the last digit. Targets are soft, one
 * class has none. */
static void losses_keep_their_digits(void **state)
{
	(void)state;
	static const int classes[] = { 2, 31, 32, 33, 1000 };
	enum { N = 5 };
	struct device d;
	struct err err = ERR_NONE;
	struct lone l;
	float *target = floats(N * 1000);
	char name[100];
	assert_true(half_open(&d));
	for (int i = 0; i < 5 * 2 * 3; i++) {
		int k = classes[i % 5], spread = i / 10 == 0 ? 1 : i / 10 == 1 ? 8 : 60;
		struct graph g;
		struct op op = { .type = OP_XENT, .name = "loss", .n_in = 1, .xent = { .erl = 0.2, .bce = i / 5 % 2 } };
		struct batch b = { .n = N, .target = target };
		graph_init(&g);
		g.logits = graph_value(&g, "logits", (struct shape){ 1, 1, k }, &err);
		assert_true(g.logits >= 0);
		op.in[0] = g.logits;
		assert_true(put_op(&g, &op, (struct shape){ 1, 1, 1 }) >= 0);
		for (int t = 0; t < N * k; t++)
			target[t] = t % k == 1 ? 0 : (float)(2 * draw(92, (uint32_t)t) / (k - 1));
		assert_int_equal(d.b->begin(d.ctx, &g, &b, PHASE_TRAIN, 0, NULL, &err), 0);
		lone_open(&l, &d, &g, &g.op[0], &b);
		for (size_t z = 0; z < l.in[0].n; z++)
			l.in[0].host[z] *= (float)spread;
		twin_send(&d, &l.in[0], 0);
		snprintf(name, sizeof name, "%d classes, spread %d, bce %d", k, spread, op.xent.bce);
		lone_runs(&l, &d, PHASE_TRAIN, spread, name);
		lone_close(&l, &d);
		assert_int_equal(d.b->end(d.ctx, 0, &err), 0);
		graph_release(&g);
	}
	device_close(&d);
	free(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ops_round_once), cmocka_unit_test(pads_have_room),
					    cmocka_unit_test(losses_keep_their_digits) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
