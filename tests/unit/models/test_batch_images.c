/* Batches of images: where windows lie, what they depend on, how channels are measured, in which layer is mixed; and
 * learning rates of the schedules. */
#include "models/data/batch.h"
#include "models/train/trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RECORDS = 50, H = 9, W = 7, C = 3, CLASSES = 4 };

static uint8_t byte[RECORDS][H * W * C];
static float real[RECORDS][H * W * C];
static const void *bytes_at[RECORDS], *reals_at[RECORDS];
static int32_t label[RECORDS];
static uint8_t split[RECORDS];
static uint32_t item[RECORDS];
static struct dataset data = {
	.head = { .kind = STREAM_IMAGES, .n_classes = CLASSES, .height = H, .width = W, .channels = C },
	.n = RECORDS,
	.label = label,
	.split = split,
	.images = { .pixel = bytes_at }
};
static struct dataset floats;
static const struct preprocessing preprocessing = {
	.h = H, .w = W, .pad = 2, .flip = 1, .mean = { 100, 50, 25 }, .deviation = { 10, 20, 5 }
};

static int make_data(void **state)
{
	(void)state;
	for (uint32_t r = 0; r < RECORDS; r++) {
		for (uint32_t i = 0; i < H * W * C; i++) {
			byte[r][i] = (uint8_t)((r * 31 + i * 17 + i % C * 60) % 256);
			real[r][i] = (float)byte[r][i] / 255;
		}
		bytes_at[r] = byte[r];
		reals_at[r] = real[r];
		label[r] = (int32_t)(r % CLASSES);
		split[r] = r % 5 ? SPLIT_TRAIN : SPLIT_DEV;
		item[r] = (r * 11) % RECORDS;
	}
	floats = data;
	floats.head.encoding = ENCODING_F32;
	floats.images.pixel = reals_at;
	return 0;
}

/* Of 40,000 cuts every place and both sides come up, about equally often, and none outside the frame. */
static void windows_are_drawn_evenly(void **state)
{
	(void)state;
	struct batcher b;
	struct err err;
	struct mix_config v = { 0 };
	struct preprocessing f = preprocessing;
	int seen[7][6] = { { 0 } }, flips = 0, n = 0;
	f.h = H - 2; /* 3 + 4 places down, 2 + 4 across */
	f.w = W - 1;
	assert_int_equal(batcher_init(&b, &data, &f, &err), 0);
	for (uint32_t epoch = 1; epoch <= 800; epoch++) {
		assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, 7, epoch, 0, &err), 0);
		assert_int_equal(b.batch.images->count, RECORDS);
		for (int i = 0; i < RECORDS; i++, n++) {
			struct view w = b.batch.images->view[i];
			assert_in_range(w.y + 2, 0, 6);
			assert_in_range(w.x + 2, 0, 5);
			seen[w.y + 2][w.x + 2]++;
			flips += w.flip;
		}
	}
	for (int y = 0; y < 7; y++)
		for (int x = 0; x < 6; x++) /* 5 standard deviations of a count */
			assert_true(fabs(seen[y][x] - n / 42.0) <= 5 * sqrt(n / 42.0));
	assert_true(fabs(flips - n / 2.0) <= 5 * sqrt(n / 4.0));
	batcher_release(&b);
}

/* The largest images, the largest padding and the smallest window that options allow. */
static void windows_of_large_pictures(void **state)
{
	(void)state;
	enum { SIDE = 32767, PAD = 16383 };
	struct batcher b;
	struct err err;
	struct mix_config v = { 0 };
	struct dataset large = data;
	struct preprocessing f = preprocessing;
	int beyond = 0;
	large.head.height = large.head.width = SIDE;
	f.h = f.w = 1;
	f.pad = PAD;
	assert_int_equal(batcher_init(&b, &large, &f, &err), 0);
	for (uint32_t epoch = 1; epoch <= 10; epoch++) {
		assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, 7, epoch, 0, &err), 0);
		for (int i = 0; i < RECORDS; i++) {
			struct view w = b.batch.images->view[i];
			assert_in_range(w.y + PAD, 0, SIDE - 1 + 2 * PAD);
			assert_in_range(w.x + PAD, 0, SIDE - 1 + 2 * PAD);
			beyond += w.y >= SIDE;
		}
	}
	assert_in_range(beyond, 75, 175); /* a quarter of 500 */
	batcher_release(&b);
}

/* Of pictures of 400 x 300 none of these is refused, so area and the ratio's logarithm are even, and so is where each
 * lies within what its size leaves. */
static void resized_windows_are_drawn_evenly(void **state)
{
	(void)state;
	enum { TALL = 400, WIDE = 300, EPOCHS = 200 };
	struct batcher b;
	struct err err;
	struct mix_config v = { 0 };
	struct dataset large = data;
	struct preprocessing f = { .h = H, .w = W, .flip = 1, .deviation = { 1, 1, 1 }, .scale_low = 0.1,
				   .scale_high = 0.4 };
	double n = EPOCHS * RECORDS, area = 0, spread = 0, ratio = 0, width = 0, y = 0, x = 0, flips = 0;
	large.head.height = TALL;
	large.head.width = WIDE;
	assert_int_equal(batcher_init(&b, &large, &f, &err), 0);
	for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
		assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, 7, epoch, 0, &err), 0);
		for (int i = 0; i < RECORDS; i++) {
			struct view w = b.batch.images->view[i];
			double share = (double)w.h * w.w / (TALL * WIDE), logarithm = log((double)w.w / w.h);
			assert_true(w.y >= 0 && w.x >= 0 && w.y + w.h <= TALL && w.x + w.w <= WIDE);
			assert_true(share > 0.1 * 0.98 && share < 0.4 * 1.02);
			assert_true(fabs(logarithm) < log(4.0 / 3) + 0.01);
			area += share / n;
			spread += (share - 0.25) * (share - 0.25) / n;
			ratio += logarithm / n;
			width += logarithm * logarithm / n;
			y += (w.y + 0.5) / (TALL - w.h + 1) / n;
			x += (w.x + 0.5) / (WIDE - w.w + 1) / n;
			flips += w.flip / n;
		}
	}
	/* 5 standard deviations of a mean of 10,000; of squares 3 % */
	assert_true(fabs(area - 0.25) < 0.0044 && fabs(spread * 12 / 0.09 - 1) < 0.03);
	assert_true(fabs(ratio) < 0.0084 && fabs(width * 3 / pow(log(4.0 / 3), 2) - 1) < 0.03);
	assert_true(fabs(y - 0.5) < 0.0145 && fabs(x - 0.5) < 0.0145 && fabs(flips - 0.5) < 0.025);
	batcher_release(&b);
}

/* A whole picture whose ratio is none that is drawn, and one of 1 pixel; prediction takes its middle as ever. */
static void windows_that_do_not_fit(void **state)
{
	(void)state;
	static const struct {
		int h, w;
		struct view want;
	} of[] = { { 9, 200, { 0, 94, 0, 9, 12 } }, { 200, 9, { 94, 0, 0, 12, 9 } }, { 1, 1, { 0, 0, 0, 1, 1 } } };
	struct batcher b;
	struct err err;
	struct mix_config v = { 0 };
	struct dataset oblong = data;
	struct preprocessing f = { .h = 1, .w = 1, .deviation = { 1, 1, 1 }, .scale_low = 1, .scale_high = 1 };
	for (int k = 0; k < 3; k++) {
		oblong.head.height = of[k].h;
		oblong.head.width = of[k].w;
		assert_int_equal(batcher_init(&b, &oblong, &f, &err), 0);
		assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, 7, 1, 0, &err), 0);
		for (int i = 0; i < RECORDS; i++) {
			struct view w = b.batch.images->view[i], want = of[k].want;
			assert_true(w.y == want.y && w.x == want.x && w.h == want.h && w.w == want.w && !w.flip);
		}
		assert_int_equal(batch_plain(&b, item, 1, &err), 0);
		assert_int_equal(b.view[0].h, 0);
		assert_int_equal(b.view[0].x, (of[k].w - 1) / 2);
		batcher_release(&b);
	}
}

static int same_view(struct view a, struct view b)
{
	return a.y == b.y && a.x == b.x && a.flip == b.flip && a.h == b.h && a.w == b.w;
}

static void depends_on_seed_epoch_and_record(const struct preprocessing *drawn)
{
	struct batcher a, b;
	struct err err;
	struct mix_config v = { .alpha = 0.4 }, far = { .alpha = 0.4, .partner = PARTNER_DATASET };
	struct view of[RECORDS];
	int differ[2] = { 0 };
	assert_int_equal(batcher_init(&a, &data, drawn, &err) || batcher_init(&b, &data, drawn, &err), 0);
	assert_int_equal(batch_mixed(&a, &v, item, RECORDS, item, RECORDS, 7, 3, 0, &err), 0);
	for (int i = 0; i < RECORDS; i++)
		of[a.sample[i]] = a.view[i];
	/* Another batch of another size with partners from everywhere: the same windows, for partners too. */
	assert_int_equal(batch_mixed(&b, &far, item + 20, 13, item, RECORDS, 7, 3, 5, &err), 0);
	assert_int_equal(b.batch.images->count, 26);
	for (int i = 0; i < 26; i++) {
		assert_true(same_view(b.view[i], of[b.sample[i]]));
		assert_ptr_equal(b.batch.images->pixel[i], bytes_at[b.sample[i]]);
	}
	for (int k = 0; k < 2; k++) {
		assert_int_equal(batch_mixed(&b, &v, item, RECORDS, item, RECORDS, k ? 8 : 7, k ? 3 : 4, 0, &err), 0);
		for (int i = 0; i < RECORDS; i++)
			differ[k] += !same_view(b.view[i], of[b.sample[i]]);
		assert_true(differ[k] > RECORDS / 2);
	}
	/* Prediction takes the middle, and nothing turned. */
	struct preprocessing f = *drawn;
	f.h = H - 4;
	f.w = W - 2;
	batcher_release(&b);
	assert_int_equal(batcher_init(&b, &data, &f, &err), 0);
	assert_int_equal(batch_plain(&b, item, 10, &err), 0);
	for (int i = 0; i < 10; i++)
		assert_true(b.view[i].y == 2 && b.view[i].x == 1 && !b.view[i].flip && !b.view[i].h);
	assert_null(b.batch.target);
	batcher_release(&a);
	batcher_release(&b);
}

static void a_window_depends_on_seed_epoch_and_record(void **state)
{
	(void)state;
	struct preprocessing f = preprocessing;
	depends_on_seed_epoch_and_record(&f);
	f.pad = 0;
	f.scale_low = 0.08;
	f.scale_high = 1;
	depends_on_seed_epoch_and_record(&f);
}

/* Against the definition, and floats against the bytes they were made of. */
static void channels_are_measured(void **state)
{
	(void)state;
	struct err err;
	double mean[STREAM_MAX_CHANNELS], deviation[STREAM_MAX_CHANNELS];
	double mean_f[STREAM_MAX_CHANNELS], deviation_f[STREAM_MAX_CHANNELS];
	assert_int_equal(image_data_moments(&data, mean, deviation, &err), 0);
	assert_int_equal(image_data_moments(&floats, mean_f, deviation_f, &err), 0);
	for (int c = 0; c < C; c++) {
		double n = 0, sum = 0, spread = 0;
		for (int pass = 0; pass < 2; pass++)
			for (int r = 0; r < RECORDS; r++)
				for (int i = c; split[r] == SPLIT_TRAIN && i < H * W * C; i += C) {
					double v = byte[r][i];
					n += !pass;
					sum += pass ? 0 : v;
					spread += pass ? (v - sum / n) * (v - sum / n) : 0;
				}
		assert_true(fabs(mean[c] - sum / n) <= 1e-12 * mean[c]);
		assert_true(fabs(deviation[c] - sqrt(spread / n)) <= 1e-12 * deviation[c]);
		assert_true(fabs(mean_f[c] - mean[c]) <= 1e-6 * mean[c]);
		assert_true(fabs(deviation_f[c] - deviation[c]) <= 1e-6 * deviation[c]);
	}
	/* Scale and shift bring both encodings to the same values. */
	struct batcher a, b;
	assert_int_equal(
		batcher_init(&a, &data, &preprocessing, &err) || batcher_init(&b, &floats, &preprocessing, &err), 0);
	assert_int_equal(batch_plain(&a, item, 2, &err) || batch_plain(&b, item, 2, &err), 0);
	assert_true(!a.images.is_float && b.images.is_float);
	for (int c = 0; c < C; c++)
		for (int i = c; i < H * W * C; i += C) {
			double x = a.shift[c] + a.scale[c] * (double)byte[1][i],
			       y = b.shift[c] + b.scale[c] * (double)real[1][i];
			assert_true(fabs(x - (byte[1][i] - preprocessing.mean[c]) / preprocessing.deviation[c]) < 1e-5);
			assert_true(fabs(x - y) < 1e-5);
		}
	batcher_release(&a);
	batcher_release(&b);
	/* A channel of one value has no deviation: 1, and no division by 0. */
	static uint8_t flat[H * W * C];
	struct dataset one = data;
	const void *at = flat;
	uint8_t train = SPLIT_TRAIN;
	memset(flat, 77, sizeof flat);
	one.n = 1;
	one.split = &train;
	one.images.pixel = &at;
	assert_int_equal(image_data_moments(&one, mean, deviation, &err), 0);
	assert_true(mean[2] == 77 && deviation[2] == 1);
	flat[2] = 78; /* and one that hardly varies has its own */
	assert_int_equal(image_data_moments(&one, mean, deviation, &err), 0);
	assert_true(fabs(deviation[2] - sqrt(H * W - 1) / (H * W)) < 1e-12 && deviation[1] == 1);
	train = SPLIT_TEST;
	assert_int_equal(image_data_moments(&one, mean, deviation, &err), -1);
}

static void manifold_draws_every_layer(void **state)
{
	(void)state;
	struct batcher b;
	struct err err;
	struct mix_config v = { .alpha = 2, .mode = MIX_MANIFOLD, .mix_layers = 2 };
	int seen[3] = { 0 };
	assert_int_equal(batcher_init(&b, &data, &preprocessing, &err), 0);
	for (uint32_t index = 0; index < 600; index++) {
		assert_int_equal(batch_mixed(&b, &v, item, 4, item, RECORDS, 7, 1, index, &err), 0);
		assert_in_range(b.batch.mix_at, 0, 2);
		assert_non_null(b.batch.partner);
		assert_true(b.label_entropy >= 0);
		seen[b.batch.mix_at]++;
	}
	for (int i = 0; i < 3; i++)
		assert_true(abs(seen[i] - 200) < 60); /* 5 standard deviations */
	v.mode = MIX_SENTENCE; /* is at one layer always */
	for (uint32_t index = 0; index < 20; index++) {
		assert_int_equal(batch_mixed(&b, &v, item, 4, item, RECORDS, 7, 1, index, &err), 0);
		assert_true(b.batch.mix_at == 2 && b.batch.partner);
	}
	v.alpha = 0;
	assert_int_equal(batch_mixed(&b, &v, item, 4, item, RECORDS, 7, 1, 0, &err), 0);
	assert_true(!b.batch.mix_at && !b.batch.partner);
	batcher_release(&b);
}

static void learning_rates(void **state)
{
	(void)state;
	struct plan p = { .schedule = SCHEDULE_STEPS,
			  .step_at = { 2, 60, 120, 160 },
			  .n_steps = 4,
			  .step_factor = 0.5,
			  .epochs = 200,
			  .batch = 128,
			  .update = { .lr = 0.1 } };
	static const struct {
		int epoch;
		double lr;
	} paper[] = { { 1, 0.1 },    { 2, 0.1 },      { 3, 0.05 },     { 60, 0.05 },
		      { 61, 0.025 }, { 121, 0.0125 }, { 161, 0.00625 } };
	for (size_t i = 0; i < sizeof paper / sizeof *paper; i++)
		assert_true(fabs(plan_lr(&p, paper[i].epoch, 3, 10) - paper[i].lr) < 1e-15);
	p = (struct plan){ .schedule = SCHEDULE_GOYAL,
			   .step_at = { 30, 60, 80 },
			   .n_steps = 3,
			   .step_factor = 0.1,
			   .epochs = 90,
			   .batch = 8192,
			   .update = { .lr = 0.1 } };
	assert_true(fabs(plan_lr(&p, 1, 0, 100) - 0.1) < 1e-15);
	for (uint32_t i = 1; i < 500; i++) { /* equal steps from batch to batch, over the epochs' ends */
		double step = plan_lr(&p, 1 + (int)(i / 100), i % 100, 100) -
			      plan_lr(&p, 1 + (int)((i - 1) / 100), (i - 1) % 100, 100);
		assert_true(fabs(step - 3.1 / 500) < 1e-12);
	}
	assert_true(fabs(plan_lr(&p, 6, 0, 100) - 3.2) < 1e-12); /* 0.1 * 8192 / 256 */
	assert_true(fabs(plan_lr(&p, 31, 0, 100) - 0.32) < 1e-12 && fabs(plan_lr(&p, 90, 0, 100) - 0.0032) < 1e-12);
	p.batch = 64; /* no warm-up downwards */
	assert_true(fabs(plan_lr(&p, 1, 0, 100) - 0.025) < 1e-15 && fabs(plan_lr(&p, 6, 0, 100) - 0.025) < 1e-15);
	/* half of a cosine's period, from the rate given to nothing: rates as far from either end add up to it */
	p = (struct plan){ .schedule = SCHEDULE_COSINE, .epochs = 30, .update = { .lr = 0.4 } };
	static const struct {
		int epoch;
		double lr;
	} cosine[] = { { 1, 0.4 }, { 6, 0.2 + 0.1 * 1.7320508075688772 }, { 11, 0.3 }, { 16, 0.2 }, { 21, 0.1 } };
	for (size_t i = 0; i < sizeof cosine / sizeof *cosine; i++)
		assert_true(fabs(plan_lr(&p, cosine[i].epoch, 3, 10) - cosine[i].lr) < 1e-15);
	for (int epoch = 2; epoch <= 30; epoch++)
		assert_true(fabs(plan_lr(&p, epoch, 0, 10) + plan_lr(&p, 32 - epoch, 9, 10) - 0.4) < 1e-15);
	p.schedule = SCHEDULE_CONSTANT;
	for (int epoch = 1; epoch <= 30; epoch++)
		assert_true(plan_lr(&p, epoch, 0, 10) == 0.4);
}

/* The label among the likeliest five; of equals the lower number is the likelier. */
static void top_five(void **state)
{
	(void)state;
	struct scores s = { 0 };
	float z[8] = { 1, 7, 6, 5, 4, 3, 3, 0 };
	for (int k = 0; k < 8; k++)
		scores_add(&s, z, 8, k);
	assert_int_equal(s.top5, 5); /* 1 to 5; 6 has the value of 5 and comes after it */
	assert_int_equal(s.right, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_drawn_evenly),	cmocka_unit_test(windows_of_large_pictures),
		cmocka_unit_test(resized_windows_are_drawn_evenly),
		cmocka_unit_test(windows_that_do_not_fit),
		cmocka_unit_test(a_window_depends_on_seed_epoch_and_record),
		cmocka_unit_test(channels_are_measured),	cmocka_unit_test(manifold_draws_every_layer),
		cmocka_unit_test(learning_rates),		cmocka_unit_test(top_five),
	};
	return cmocka_run_group_tests(tests, make_data, NULL);
}
