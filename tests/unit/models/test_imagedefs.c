/* What graph.h says of the image ops, worked by hand on ref; and what the planner promises, on every network. */
#include "models/core/backend.h"
#include "models/core/taps.h"
#include "models/nets/nets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static double state_of[4096];

static struct op_call call_of(const struct op *op, int n, struct shape in, struct shape out, float *to)
{
	struct op_call c = {
		.op = op, .state = state_of, .n = n, .out = to, .out_shape = out, .out_size = (int)shape_size(out)
	};
	for (int k = 0; k < OP_IN; k++) {
		c.in_shape[k] = in;
		c.in_size[k] = (int)shape_size(in);
	}
	return c;
}

static void forward(const struct op_call *c)
{
	struct err err = ERR_NONE;
	assert_int_equal(backend_ref.forward(NULL, c, &err), 0);
}

static void backward(const struct op_call *c)
{
	struct err err = ERR_NONE;
	assert_int_equal(backend_ref.backward(NULL, c, &err), 0);
}

static void equal(const float *a, const double *want, int n)
{
	for (int i = 0; i < n; i++)
		if (!(fabs((double)a[i] - want[i]) <= 1e-6 * fmax(1, fabs(want[i]))))
			fail_msg("[%d] is %.9g, not %.9g", i, (double)a[i], want[i]);
}

static void images(void **state)
{
	(void)state;
	static const unsigned char first[] = { 10, 20, 30, 40, 50, 60 }, second[] = { 1, 2, 3, 4, 5, 6 };
	static const float real[] = { 300, -2, 0.5f, 0, 0, 0 };
	static const float scale = 0.5f, shift = 1, lambda[] = { 0.25f, 1 };
	static const uint32_t partner[] = { 1, 1 };
	const void *pixel[] = { first, second };
	struct view view[] = { { -1, 1, 0, 0, 0 }, { 0, -1, 1, 0, 0 } };
	struct images m = {
		.count = 2, .h = 2, .w = 3, .c = 1, .pixel = pixel, .view = view, .scale = &scale, .shift = &shift
	};
	struct batch b = { .n = 1, .images = &m };
	struct op op = { .type = OP_IMAGES };
	float out[9];
	struct op_call c = call_of(&op, 1, (struct shape){ 0 }, (struct shape){ 3, 3, 1 }, out);
	c.batch = &b;
	forward(&c); /* down by one row of padding; one column of it at the right */
	equal(out, (double[]){ 1, 1, 1, 11, 16, 1, 21 + 5, 31, 1 }, 9);
	view[0].flip = 1; /* what was seen, turned */
	forward(&c);
	equal(out, (double[]){ 1, 1, 1, 1, 16, 11, 1, 31, 26 }, 9);
	b.partner = partner; /* the second is seen as 1.5 1 0 turned: 2 1.5 1 / 3.5 3 1 / 1 1 1 */
	b.lambda = lambda;
	forward(&c);
	equal(out,
	      (double[]){ 1.75, 1.375, 1, 0.25 + 0.75 * 3.5, 4 + 0.75 * 3, 2.75 + 0.75, 1, 7.75 + 0.75, 6.5 + 0.75 },
	      9);
	b.mix_at = 1; /* mixed elsewhere */
	forward(&c);
	equal(out, (double[]){ 1, 1, 1, 1, 16, 11, 1, 31, 26 }, 9);
	pixel[0] = real;
	m.is_float = 1;
	view[0] = (struct view){ 0, 0, 0, 0, 0 };
	forward(&c);
	equal(out, (double[]){ 151, 0, 1.25, 1, 1, 1, 1, 1, 1 }, 9);
}

/* What Pillow makes of windows: tests/oracles/crop_scale.py. */
static const struct {
	int h, w, from_h, from_w;
	struct view view;
	double want[20];
} golden[] = {
	{ 4, 5, 6, 7, { 1, 2, 0, 3, 4 }, { 205, 63.6, 30, 73.2, 111, 121.875, 98.1625, 119.0625, 120.7625,
	  52.25, 118.125, 101.2375, 129.9375, 139.4375, 77.75, 195, 71.8, 59, 123, 179 } },
	{ 4, 5, 6, 7, { 1, 2, 1, 3, 4 }, { 111, 73.2, 30, 63.6, 205, 52.25, 120.7625, 119.0625, 98.1625,
	  121.875, 77.75, 139.4375, 129.9375, 101.2375, 118.125, 179, 123, 59, 71.8, 195 } },
	{ 3, 3, 6, 7, { 5, 6, 0, 1, 1 }, { 97, 97, 97, 97, 97, 97, 97, 97, 97 } },
	{ 3, 4, 6, 7, { 0, 3, 0, 6, 1 }, { 73.85714, 73.85714, 73.85714, 73.85714, 79, 79, 79, 79, 84.14286,
	  84.14286, 84.14286, 84.14286 } },
	{ 2, 4, 6, 7, { 2, 0, 1, 1, 7 }, { 61.09524, 149.44, 77.36, 107.1905, 61.09524, 149.44, 77.36, 107.1905
	  } },
	{ 2, 3, 9, 11, { 0, 0, 0, 9, 11 }, { 109.2624, 122.2044, 115.3066, 118.8857, 128.5266, 136.2378 } },
	{ 5, 2, 9, 11, { 4, 1, 0, 5, 10 }, { 150.7273, 112.2727, 129.7273, 121.1818, 108.7273, 153.3636, 111,
	  139, 136.5455, 147.9091 } },
	{ 1, 1, 9, 11, { 2, 3, 0, 7, 8 }, { 127.1532 } },
};

/* All around is not a number: nothing beyond the window has a part in it. */
static void windows_are_resized(void **state)
{
	(void)state;
	static const float scale = 2, shift = -1;
	struct op op = { .type = OP_IMAGES };
	for (size_t k = 0; k < sizeof golden / sizeof *golden; k++) {
		int w = golden[k].from_w, n = golden[k].h * golden[k].w;
		const struct view *v = &golden[k].view;
		float picture[9 * 11], out[20];
		double want[20];
		const void *pixel[] = { picture };
		struct images m = { .count = 1, .h = golden[k].from_h, .w = w, .c = 1, .is_float = 1, .pixel = pixel,
				    .view = v, .scale = &scale, .shift = &shift };
		struct batch b = { .n = 1, .images = &m };
		struct op_call c = call_of(&op, 1, (struct shape){ 0 },
					   (struct shape){ golden[k].h, golden[k].w, 1 }, out);
		for (int at = 0; at < m.h * w; at++) {
			int y = at / w, x = at % w;
			int inside = y >= v->y && y < v->y + v->h && x >= v->x && x < v->x + v->w;
			picture[at] = inside ? (float)((x * 41 + y * 97 + x * y * 13) % 256) : NAN;
		}
		for (int i = 0; i < n; i++)
			want[i] = 2 * golden[k].want[i] - 1;
		c.batch = &b;
		forward(&c);
		equal(out, want, n);
	}
}

/* Which pixels weigh, and what all weights together are, at any two sizes; the largest too. */
static void taps_are_those_with_a_weight(void **state)
{
	(void)state;
	static const int size[] = { 1, 2, 3, 4, 5, 7, 16, 31, 224, 256, 32766, TAPS_MOST };
	enum { SIZES = sizeof size / sizeof *size };
	for (int k = 0; k < SIZES * SIZES; k++) {
		int from = size[k / SIZES], to = size[k % SIZES];
		for (int o = 0; o < to; o += 1 + to / 300) {
			struct taps t = taps_of(o, from, to);
			int64_t sum = 0;
			assert_in_range(t.first, 0, from - 1);
			assert_in_range(t.end, t.first + 1, from);
			assert_true(!t.first || tap_weight(t.first - 1, o, from, to) <= 0);
			assert_true(t.end == from || tap_weight(t.end, o, from, to) <= 0);
			for (int i = t.first; i < t.end; i++) {
				double reach = from > to ? (double)from / to : 1;
				double apart = fabs(i + 0.5 - (o + 0.5) * from / to), weight = 1 - apart / reach;
				int whole = tap_weight(i, o, from, to);
				assert_true(whole > 0 && fabs(whole / (2.0 * (from > to ? from : to)) - weight) < 1e-9);
				sum += whole;
			}
			assert_true(t.sum == sum);
		}
	}
}

/* The sum as it stands in the textbook, and its derivatives by gathering, where ref scatters. */
static void convolution(void **state)
{
	(void)state;
	enum { N = 2, H = 5, W = 6, C = 4, O = 6, K = 3, G = 2, S = 2, P = 1, OH = 3, OW = 3 };
	static float x[N][H][W][C], w[O][C / G][K][K], bias[O], y[N][OH][OW][O];
	static float d_y[N][OH][OW][O], d_x[N][H][W][C], d_w[O][C / G][K][K], d_b[O];
	static double want[N][OH][OW][O], want_x[N][H][W][C], want_w[O][C / G][K][K], want_b[O];
	float *fill[] = { &x[0][0][0][0], &w[0][0][0][0], bias, &d_y[0][0][0][0] };
	size_t size[] = { sizeof x / 4, sizeof w / 4, O, sizeof d_y / 4 };
	for (int k = 0; k < 4; k++)
		for (size_t i = 0; i < size[k]; i++)
			fill[k][i] = (float)(sin((double)(i * i + i) + k));
	for (int at = 0; at < N * OH * OW * O * (C / G) * K * K; at++) {
		int kx = at % K, ky = at / K % K, i = at / (K * K) % (C / G), o = at / (K * K * (C / G)) % O;
		int q = at / (K * K * (C / G) * O);
		int ox = q % OW, oy = q / OW % OH, n = q / (OW * OH), row = oy * S - P + ky, col = ox * S - P + kx;
		int ch = o / (O / G) * (C / G) + i;
		if (!kx && !ky && !i) {
			want[n][oy][ox][o] += (double)bias[o];
			want_b[o] += (double)d_y[n][oy][ox][o];
		}
		if (row < 0 || row >= H || col < 0 || col >= W)
			continue;
		want[n][oy][ox][o] += (double)w[o][i][ky][kx] * x[n][row][col][ch];
		want_w[o][i][ky][kx] += (double)d_y[n][oy][ox][o] * x[n][row][col][ch];
		want_x[n][row][col][ch] += (double)d_y[n][oy][ox][o] * w[o][i][ky][kx];
	}
	struct op op = { .type = OP_CONV, .n_param = 2, .conv = { K, S, P, G } };
	struct op_call c = call_of(&op, N, (struct shape){ H, W, C }, (struct shape){ OH, OW, O }, &y[0][0][0][0]);
	c.in[0] = &x[0][0][0][0];
	c.param[0] = &w[0][0][0][0];
	c.param[1] = bias;
	forward(&c);
	equal(&y[0][0][0][0], &want[0][0][0][0], N * OH * OW * O);
	c.d_out = &d_y[0][0][0][0];
	c.d_in[0] = &d_x[0][0][0][0];
	c.d_param[0] = &d_w[0][0][0][0];
	c.d_param[1] = d_b;
	backward(&c);
	equal(&d_x[0][0][0][0], &want_x[0][0][0][0], N * H * W * C);
	equal(&d_w[0][0][0][0], &want_w[0][0][0][0], O * (C / G) * K * K);
	equal(d_b, want_b, O);
	c.op = &(struct op){ .type = OP_CONV, .n_param = 1, .conv = { K, S, P, G } };
	c.param[0] = &w[0][0][0][0];
	forward(&c); /* without a bias */
	for (int i = 0; i < N * OH * OW * O; i++)
		(&want[0][0][0][0])[i] -= (double)bias[i % O];
	equal(&y[0][0][0][0], &want[0][0][0][0], N * OH * OW * O);
}

static void norm(void **state)
{
	(void)state;
	float x[] = { 1, 2, 6 }, rest[] = { 0, 5, -9 }, y[3], gamma = 2, beta = -1, mean = 0.5f, var = 2;
	double s = sqrt(14.0 / 3 + 0.25);
	struct op op = {
		.type = OP_NORM, .n_in = 2, .n_param = 4, .norm = { .eps = 0.25, .momentum = 0.1, .relu = 1 }
	};
	struct op_call c = call_of(&op, 3, (struct shape){ 1, 1, 1 }, (struct shape){ 1, 1, 1 }, y);
	c.in[0] = x;
	c.in[1] = rest;
	c.param[0] = &gamma;
	c.param[1] = &beta;
	c.param[2] = &mean;
	c.param[3] = &var;
	c.phase = PHASE_TRAIN;
	forward(&c);
	equal(y, (double[]){ 0, -2 / s - 1 + 5, 0 }, 3);
	equal(&mean, (double[]){ 0.5 + 0.1 * 2.5 }, 1);
	equal(&var, (double[]){ 2 + 0.1 * (7 - 2) }, 1); /* (4 + 1 + 9) / 2, the unbiased one */
	for (int phase = PHASE_PREDICT; phase <= PHASE_SAMPLE; phase++) {
		c.phase = (enum phase)phase;
		forward(&c);
		s = sqrt(2.5 + 0.25);
		equal(y, (double[]){ 0, 2 * 1.25 / s - 1 + 5, 2 * 5.25 / s - 10 > 0 ? 2 * 5.25 / s - 10 : 0 }, 3);
		equal(&mean, (double[]){ 0.75 }, 1);
	}
	c.phase = PHASE_TRAIN;
	c.n = 1; /* one value: its variance is 0, and no unbiased one exists */
	forward(&c);
	equal(&var, (double[]){ 2.25 }, 1);
}

static void pool(void **state)
{
	(void)state;
	float x[] = { -3, -1, -1, -2, -4, -1, -5, -6, -7, -8, -9, -2 }; /* 3 x 4 */
	float y[8], d_x[12], d_y[] = { 1, 2, 4, 8 };
	struct op op = { .type = OP_POOL, .n_in = 1, .pool = { .kernel = 3, .stride = 2, .pad = 1 } };
	struct op_call c = call_of(&op, 1, (struct shape){ 3, 4, 1 }, (struct shape){ 2, 2, 1 }, y);
	c.in[0] = x;
	c.d_in[0] = d_x;
	c.d_out = d_y;
	forward(&c); /* padding is no 0 */
	equal(y, (double[]){ -1, -1, -1, -1 }, 4);
	backward(&c); /* the first of equals */
	equal(d_x, (double[]){ 0, 1 + 2, 0, 0, 0, 4 + 8, 0, 0, 0, 0, 0, 0 }, 12);
	c.add[0] = 1;
	backward(&c);
	equal(d_x, (double[]){ 0, 6, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0 }, 12);
	op.pool.kernel = 2;
	op.pool.pad = 0;
	op.pool.average = 1;
	c = call_of(&op, 1, (struct shape){ 3, 4, 1 }, (struct shape){ 1, 2, 1 }, y);
	c.in[0] = x;
	c.d_in[0] = d_x;
	c.d_out = d_y;
	forward(&c);
	equal(y, (double[]){ -9.0 / 4, -14.0 / 4 }, 2);
	backward(&c);
	equal(d_x, (double[]){ .25, .25, .5, .5, .25, .25, .5, .5, 0, 0, 0, 0 }, 12);
	op.pool.average = op.pool.kernel = 0; /* the whole image */
	c.out_shape.w = c.out_size = 1;
	forward(&c);
	equal(y, (double[]){ -49.0 / 12 }, 1);
}

static void mix(void **state)
{
	(void)state;
	float x[] = { 1, 2, 3, 4, 5, 6 }, y[6], d_y[] = { 1, 1, 2, 2, 4, 4 }, d_x[6];
	static const float lambda[] = { 0.5f, 0.75f, 0.25f };
	static const uint32_t partner[] = { 2, 2, 2 };
	struct batch b = { .n = 3, .partner = partner, .lambda = lambda, .mix_at = 4 };
	struct op op = { .type = OP_MIX, .n_in = 1, .mix = { .layer = 4 } };
	struct op_call c = call_of(&op, 3, (struct shape){ 1, 1, 2 }, (struct shape){ 1, 1, 2 }, y);
	c.batch = &b;
	c.in[0] = x;
	c.d_in[0] = d_x;
	c.d_out = d_y;
	forward(&c);
	equal(y, (double[]){ 3, 4, 3.5, 4.5, 5, 6 }, 6);
	backward(&c);
	equal(d_x, (double[]){ .5, .5, 1.5, 1.5, .5 + .5 + 4, .5 + .5 + 4 }, 6);
	b.mix_at = 0; /* mixed by the op that reads the batch */
	forward(&c);
	equal(y, (double[]){ 1, 2, 3, 4, 5, 6 }, 6);
	backward(&c);
	equal(d_x, (double[]){ 1, 1, 2, 2, 4, 4 }, 6);
}

/* log(1 - p) where p is 1 to 17 digits: from the other logits, z = 40 against log(1 + e^-3) = 0.0485873516. PyTorch's
 * BCELoss ends at -100 (a softmax in float32 gives it there from z = 17 on); this has no such end. */
static void bce(void **state)
{
	(void)state;
	float z[] = { 40, 0, -3, 800, -400, -400, 1, 2, 0 }, t[] = { 0, 1, 0, 0, 0.5f, 0.5f, 0.2f, 0.3f, 0.1f }, y[3],
	      d_z[9];
	struct batch b = { .n = 3, .target = t };
	struct op op = { .type = OP_XENT, .n_in = 1, .xent = { .bce = 1 } };
	struct op_call c = call_of(&op, 3, (struct shape){ 1, 1, 3 }, (struct shape){ 1, 1, 1 }, y);
	double rest = log1p(exp(-3)), p[3], sum = exp(1) + exp(2) + 1, easy = 0;
	for (int k = 0; k < 3; k++) {
		p[k] = exp((double)z[6 + k]) / sum;
		easy -= ((double)t[6 + k] * log(p[k]) + (1 - (double)t[6 + k]) * log(1 - p[k])) / 3;
	}
	c.batch = &b;
	c.in[0] = z;
	c.d_in[0] = d_z;
	forward(&c);
	equal(y, (double[]){ (40 - rest + 40) / 3, (1200 - log(2) + 1200) / 3, easy }, 3);
	backward(&c); /* of (2 log sum - log sum of the others - z_1) / 3, and a third of it for the batch's mean */
	equal(d_z, (double[]){ 2.0 / 9, (-1 / (1 + exp(-3)) - 1) / 9, -exp(-3) / (1 + exp(-3)) / 9 }, 3);
	equal(d_z + 3, (double[]){ 2.0 / 9, -1.0 / 9, -1.0 / 9 }, 3);
}

static struct graph planned;

/* Nothing that must hold at the same time shares memory, and no gradient leads to images. */
static void plans_hold(void **state)
{
	(void)state;
	struct graph *g = &planned;
	for (int i = 0; nets[i]; i++)
		for (int training = 0; training < 2; training++) {
			struct err err = ERR_NONE;
			struct net_config config = { .classes = nets[i]->native_classes,
						     .vocabulary = 10,
						     .dim = 8,
						     .maps = 4,
						     .widths = 1,
						     .width = { 3 },
						     .image = nets[i]->native,
						     .width_factor = 1,
						     .mix_hidden = nets[i]->mix_layers > 0 };
			config.classes = config.classes ? config.classes : 2;
			graph_release(g);
			if (nets[i]->build(nets[i], g, &config, &err))
				fail_msg("%s: %s", nets[i]->name, err.msg);
			clock_t began = clock();
			assert_int_equal(graph_plan(g, training, &err), 0);
			double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
			if (getenv("VIC_TEST_WORST"))
				print_message("# %s: %d ops, planned in %.4f s\n", nets[i]->name, g->n_ops, seconds);
			assert_true(g->op[0].type == OP_WORDCONV || g->op[0].type == OP_BAG ||
				    g->value[g->op[0].out].d_born < 0);
			for (int a = 0; a < 2 * g->n_values; a++)
				for (int b = 0; b < a; b++) {
					const struct value *x = &g->value[a / 2], *y = &g->value[b / 2];
					size_t at = a % 2 ? x->d_at : x->at, to = b % 2 ? y->d_at : y->at;
					int born = a % 2 ? x->d_born : x->born, dies = a % 2 ? x->d_dies : x->dies;
					int other = b % 2 ? y->d_born : y->born, end = b % 2 ? y->d_dies : y->dies;
					if (born < 0 || other < 0 || born > end || other > dies)
						continue;
					if (at < to + 4 * shape_size(y->shape) && to < at + 4 * shape_size(x->shape))
						fail_msg("%s: %s and %s share memory", nets[i]->name, x->name, y->name);
				}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(images),	 cmocka_unit_test(windows_are_resized),
					    cmocka_unit_test(taps_are_those_with_a_weight),
					    cmocka_unit_test(convolution),
					    cmocka_unit_test(norm),	 cmocka_unit_test(pool),
					    cmocka_unit_test(mix),	 cmocka_unit_test(bce),
					    cmocka_unit_test(plans_hold) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
