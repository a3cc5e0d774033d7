/* Sums of shards on the device, dry ($VIC_BACKENDS names its folder), beside those of the host: the same bytes, for
 * gradients, running statistics and rows of tables of numbers at random, with shards that have no records; and sums
 * over cards, which begin while backward goes on, beside sums that nothing goes on with. */
#include "dry.h"
#include "models/core/backend.h"
#include "models/nets/blocks.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { WORDS = 40, DIM = 5, DISTINCT = 23, ROWS = 9 /* words of a shard, at most */, SHARDS_MOST_HERE = 16 };

static struct {
	struct device dev;
	struct graph g;
	struct sum *host, *device;
	struct rng rng;
} f;

static int build(const struct net *net, struct graph *g, const struct net_config *config, struct err *err)
{
	struct net_build b = { .g = g, .net = net, .config = config, .err = err };
	int x = net_norm(&b, net_conv(&b, net_begin(&b), "conv1", 8, 3, 1, 1), "bn1", NET_NO_ADD, 1);
	x = net_norm(&b, net_conv(&b, x, "conv2", 40, 3, 2, 1), "bn2", NET_NO_ADD, 1);
	return net_end(&b, x, "fc");
}
static const struct net images = { .name = "images", .input = NET_IMAGES, .build = build };
static const struct net_config of_images = { .classes = 3, .image = { 6, 5, 3 }, .width_factor = 1 };
static const struct net_config of_text = { .classes = 3, .vocabulary = WORDS, .dim = DIM, .maps = 3, .widths = 2,
					   .width = { 2, 3 } };

/* The backend is a copy, which may be changed. */
static void open_all(const struct net *net, const struct net_config *config, int vectors)
{
	struct update u = { .rule = RULE_SGD, .lr = 1 };
	struct err err = ERR_NONE;
	memset(&f, 0, sizeof f);
	rng_init(&f.rng, 12, RNG_TEST, (uint32_t)vectors, 0);
	if (device_open(&f.dev, "cuda", 1, &err))
		fail_msg("%s", err.msg);
	graph_init(&f.g);
	f.g.max_words = net->input == NET_WORDS ? DISTINCT : 0;
	if (net->build(net, &f.g, config, &err) || graph_compile(&f.g, &f.dev, 4, &u, &err) ||
	    host_sums.open(&f.host, &f.g, vectors, &err) ||
	    f.dev.b->sums->open(&f.device, &f.g, vectors, &err))
		fail_msg("%s", err.msg);
}

static void close_all(void)
{
	host_sums.release(f.host);
	f.dev.b->sums->release(f.device);
	graph_release(&f.g);
	device_close(&f.dev);
}

/* Numbers of many sizes, some of them 0, -0 or too small to be normal. */
static float drawn(void)
{
	uint32_t kind = rng_below(&f.rng, 20);
	float x = (float)(rng_normal(&f.rng) * pow(2, (double)rng_below(&f.rng, 40) - 20));
	return kind == 0 ? 0 : kind == 1 ? -0.0f : kind == 2 ? x * 1e-38f : x;
}

static void draw_floats(float *to, size_t n)
{
	struct err err = ERR_NONE;
	float *x = malloc((n + 1) * sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = drawn();
	if (n && f.dev.b->upload(f.dev.ctx, to, x, n * sizeof *x, &err))
		fail_msg("%s", err.msg);
	free(x);
}

/* What a pass leaves. */
static void draw_pass(void)
{
	draw_floats(f.g.params[ARENA_G], f.g.params_floats[ARENA_G]);
	for (int p = 0; p < f.g.n_params; p++)
		if (f.g.param[p].kind == PARAM_STATE)
			draw_floats(f.g.param[p].w, param_size(&f.g.param[p]));
}

static float *fetched(const float *from, size_t n)
{
	struct err err = ERR_NONE;
	float *x = malloc((n + 1) * sizeof *x);
	if (f.dev.b->download(f.dev.ctx, x, from, n * sizeof *x, &err))
		fail_msg("%s", err.msg);
	return x;
}

static void same_floats(const char *what, const float *want, const float *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&want[i], &got[i], sizeof *want))
			fail_msg("%s: number %zu is %a, %a was wanted", what, i, (double)got[i], (double)want[i]);
}

/* All parameters' values, and gradients. */
static void leave(float **w, float **g)
{
	*w = fetched(f.g.params[ARENA_W], f.g.params_floats[ARENA_W]);
	*g = fetched(f.g.params[ARENA_G], f.g.params_floats[ARENA_G]);
}

/* Where the words of a batch are in a shard: in the order of the batch, in every other row. */
static void draw_rows(uint32_t row_of[DISTINCT])
{
	uint32_t rows = 0;
	for (int u = 0; u < DISTINCT; u++)
		row_of[u] = rows < ROWS && rng_below(&f.rng, 3) == 0 ? rows++ : SUMS_NO_ROW;
}

static void step_agrees(const char *what, int vectors, int distinct)
{
	const struct sums *by[] = { &host_sums, f.dev.b->sums };
	struct sum *sum[] = { f.host, f.device };
	struct err err = ERR_NONE;
	uint32_t row_of[DISTINCT];
	float *w[2], *g[2], *of[2], *first, *restored;
	size_t n[2] = { 0, 0 }, all = f.g.params_floats[ARENA_W];
	int rc = 0;
	draw_pass();
	first = fetched(f.g.params[ARENA_W], all);
	for (int k = 0; k < 2; k++)
		rc |= by[k]->begin(sum[k], distinct, &err);
	for (int s = 0; s < vectors && !rc; s++) {
		int empty = vectors > 2 && rng_below(&f.rng, 4) == 0;
		float weight = empty ? 0 : (float)(1 + rng_below(&f.rng, 7)) / 19;
		draw_pass();
		rc |= by[1]->restore(sum[1], &err);
		restored = fetched(f.g.params[ARENA_W], all);
		same_floats("running statistics at a shard's begin", first, restored, all);
		free(restored);
		draw_pass();
		draw_rows(row_of);
		for (int k = 0; k < 2; k++)
			rc |= by[k]->take(sum[k], weight, row_of, empty, &err);
	}
	for (int k = 0; k < 2; k++)
		rc |= by[k]->host(sum[k], &of[k], &n[k], &err);
	if (rc)
		fail_msg("%s: %s", what, err.msg);
	assert_int_equal(n[0], n[1]);
	same_floats(what, of[0], of[1], n[0]);
	float before = of[0][n[0] / 2];
	for (int k = 0; k < 2 && !rc; k++) {
		of[k][n[k] / 2] = before + 1; /* as if other ranks had added to it */
		rc |= by[k]->put(sum[k], &err) || by[k]->give(sum[k], &err);
		leave(&w[k], &g[k]);
		draw_pass(); /* of which nothing may be left but what is no vector's */
	}
	if (rc)
		fail_msg("%s: %s", what, err.msg);
	for (int p = 0; p < f.g.n_params; p++) {
		const struct param *q = &f.g.param[p];
		size_t at = (size_t)(q->w - f.g.params[ARENA_W]), to = (size_t)(q->g - f.g.params[ARENA_G]);
		if (q->kind == PARAM_STATE)
			same_floats(q->name, w[0] + at, w[1] + at, param_size(q));
		else
			same_floats(q->name, g[0] + to, g[1] + to,
				    q->kind == PARAM_TABLE ? (size_t)(distinct * DIM) : param_size(q));
	}
	for (int k = 0; k < 2; k++) {
		free(w[k]);
		free(g[k]);
	}
	free(first);
}

static void sums_agree(const char *what, const struct net *net, const struct net_config *config, int distinct)
{
	for (int vectors = 1; vectors <= SHARDS_MOST_HERE; vectors *= 2) {
		open_all(net, config, vectors);
		for (int step = 0; step < 3; step++)
			step_agrees(what, vectors, distinct ? distinct - 7 * step : 0);
		close_all();
	}
}

static void of_gradients_and_statistics(void **state)
{
	(void)state;
	sums_agree("images", &images, &of_images, 0);
}

static void of_rows_of_tables(void **state)
{
	(void)state;
	sums_agree("text", &net_kimcnn, &of_text, DISTINCT);
}

enum { N = 4, PIXELS = 6 * 5 * 3, CLASSES = 3 };
struct shard_batch {
	float pixels[N][PIXELS], target[N][CLASSES];
	const void *pixel[N];
	struct view view[N];
	struct images images;
	struct batch batch;
};

static void draw_batch(struct shard_batch *b)
{
	static const float scale[3] = { 1, 1, 1 }, shift[3];
	*b = (struct shard_batch){ .images = { .count = N, .h = 6, .w = 5, .c = 3, .is_float = 1, .pixel = b->pixel,
					       .view = b->view, .scale = scale, .shift = shift },
				   .batch = { .n = N, .images = &b->images, .target = b->target[0] } };
	for (int i = 0; i < N; i++) {
		b->pixel[i] = b->pixels[i];
		b->target[i][rng_below(&f.rng, CLASSES)] = 1;
		for (int k = 0; k < PIXELS; k++)
			b->pixels[i][k] = (float)rng_normal(&f.rng);
	}
}

static void draw_weights(void)
{
	struct err err = ERR_NONE;
	for (int p = 0; p < f.g.n_params; p++) {
		size_t n = param_size(&f.g.param[p]);
		float *x = malloc(n * sizeof *x);
		for (size_t i = 0; i < n; i++)
			x[i] = 0.5f + 0.3f * (float)rng_normal(&f.rng);
		if (graph_set(&f.g, p, x, &err))
			fail_msg("%s", err.msg);
		free(x);
	}
}

/* A step of so many shards, the last of them empty or not; without a wait. What it leaves. */
static void whole_sum(const struct sums *by, struct sum *sum, struct shard_batch *b, int shards, int empty, int across,
		      float **w, float **g)
{
	struct err err = ERR_NONE;
	int rc = by->begin(sum, 0, &err);
	for (int s = 0; s < shards && !rc; s++) {
		int none = empty && s == shards - 1;
		rc = by->restore(sum, &err) || (!none && graph_step(&f.g, &b[s].batch, NULL, &err)) ||
		     by->take(sum, none ? 0 : 0.3f, NULL, none, &err);
	}
	if (rc || (across && by->across(sum, &err)) || by->give(sum, &err))
		fail_msg("%s", err.msg);
	leave(w, g);
}

/* One card alone, which sends itself its slices; ranks.t has several. */
static struct sum *join_alone(enum reduction how)
{
	unsigned char id[SUMS_ID];
	struct err err = ERR_NONE;
	struct sum *s;
	const struct sums *by = f.dev.b->sums;
	if (by->open(&s, &f.g, 4, &err) || by->reach(s, &err) || by->id(s, id, &err) ||
	    by->join(s, id, 0, 1, how, &err))
		fail_msg("%s", err.msg);
	return s;
}

/* Buckets of 1024 numbers, of which a convolution's filter has 2880. */
static void sums_begin_early(int seed, enum reduction how)
{
	struct shard_batch b[4];
	char text[12];
	snprintf(text, sizeof text, "%d", seed);
	setenv("VIC_GPU_SEED", text, 1);
	setenv("VIC_CUDA_BUCKET", "4096", 1);
	open_all(&images, &of_images, 4);
	struct sum *joined = join_alone(how);
	draw_weights();
	for (int step = 0; step < 5; step++) {
		float *w[2], *g[2];
		for (int s = 0; s < 4; s++)
			draw_batch(&b[s]);
		whole_sum(&host_sums, f.host, b, 4, step == 3, 0, &w[0], &g[0]);
		struct err err = ERR_NONE;
		if (host_sums.restore(f.host, &err))
			fail_msg("%s", err.msg);
		whole_sum(f.dev.b->sums, joined, b, 4, step == 3, 1, &w[1], &g[1]);
		same_floats("running statistics", w[0], w[1], f.g.params_floats[ARENA_W]);
		same_floats("gradients", g[0], g[1], f.g.params_floats[ARENA_G]);
		for (int k = 0; k < 2; k++) {
			free(w[k]);
			free(g[k]);
		}
	}
	f.dev.b->sums->release(joined);
	close_all();
}

static void over_cards_beside_backward(void **state)
{
	(void)state;
	for (int graphs = 0; graphs < 2; graphs++) {
		if (!graphs)
			setenv("VIC_CUDA_GRAPHS", "0", 1);
		else
			unsetenv("VIC_CUDA_GRAPHS");
		for (int seed = 1; seed <= 8; seed++)
			sums_begin_early(seed, seed == 8 ? REDUCE_FAST : REDUCE_EXACT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(of_gradients_and_statistics),
					    cmocka_unit_test(of_rows_of_tables),
					    cmocka_unit_test(over_cards_beside_backward) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
