/* What vic-train's options come to: the defaults of each kind of records, update rule and schedule as the help says
 * them, every combination that means nothing refused, and what a plan makes of them. */
#include "models/train/planning.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct train_options none; /* given */

static struct train_options settle(struct train_options o, enum stream_kind kind)
{
	struct err err = ERR_NONE;
	if (train_options_finish(&o, kind, &err))
		fail_msg("%s", err.msg);
	return o;
}

static void same(const struct train_options *a, const struct train_options *b)
{
	const double *x = &a->mixup, *y = &b->mixup;
	const int *i = &a->mix_mode, *j = &b->mix_mode;
	const int64_t *n = &a->maps, *m = &b->maps;
	for (size_t k = 0; &x[k] <= &a->stop_top5; k++)
		if (x[k] != y[k])
			fail_msg("real option %zu is %g, not %g", k, x[k], y[k]);
	for (size_t k = 0; &i[k] <= &a->decay; k++)
		if (i[k] != j[k])
			fail_msg("choice %zu is %d, not %d", k, i[k], j[k]);
	for (size_t k = 0; &n[k] <= &a->seed; k++)
		if (n[k] != m[k])
			fail_msg("whole option %zu is %lld, not %lld", k, (long long)n[k], (long long)m[k]);
	assert_string_equal(a->model, b->model);
	assert_string_equal(a->filters, b->filters);
	assert_string_equal(a->lr_steps, b->lr_steps);
	assert_true(a->crop_scale == b->crop_scale);
}

/* What settle leaves to plan_make stands as it was. */
#define LATER .flip = -1, .crop_pad = -1, .shards = 1, .seed = 1

static void defaults(void **state)
{
	(void)state;
	struct train_options o = settle(none, STREAM_TEXT);
	same(&o, &(struct train_options){ .model = "kimcnn",
					  .filters = "3,4,5",
					  .lr_steps = "2,60,120,160",
					  .words = WORDS_TUNED,
					  .optimizer = RULE_ADADELTA,
					  .schedule = SCHEDULE_CONSTANT,
					  .nesterov = 0,
					  .decay = DECAY_WEIGHTS,
					  .dropout = 0.5,
					  .max_norm = 3,
					  .width = 1,
					  .lr = 1,
					  .rho = 0.95,
					  .eps = 1e-6,
					  .lr_factor = 0.5,
					  .maps = 100,
					  .ngrams = 2,
					  .max_tokens = 400,
					  .epochs = 25,
					  .batch = 50,
					  LATER });
	struct train_options bow = o, given = none;
	given.model = "bow";
	bow.model = "bow";
	bow.dropout = bow.max_norm = 0;
	bow.lr = 100;
	bow.eps = 1e-8;
	struct train_options got = settle(given, STREAM_TEXT);
	same(&got, &bow);
	given.optimizer = RULE_ADAM;
	got = settle(given, STREAM_TEXT);
	assert_true(got.lr == 0.001 && got.eps == 1e-8);
	o = settle(none, STREAM_IMAGES);
	struct train_options images = { .model = "resnet20",
					.filters = "3,4,5",
					.lr_steps = "2,60,120,160",
					.words = WORDS_TUNED,
					.optimizer = RULE_SGD,
					.schedule = SCHEDULE_STEPS,
					.nesterov = 1,
					.decay = DECAY_ALL,
					.dropout = 0,
					.max_norm = 0,
					.width = 1,
					.lr = 0.1,
					.momentum = 0.9,
					.weight_decay = 5e-4,
					.rho = 0.95,
					.eps = 1e-6,
					.lr_factor = 0.5,
					.maps = 100,
					.ngrams = 2,
					.max_tokens = 400,
					.epochs = 200,
					.batch = 128,
					LATER };
	same(&o, &images);
	o = none;
	o.schedule = SCHEDULE_GOYAL;
	o = settle(o, STREAM_IMAGES);
	images.schedule = SCHEDULE_GOYAL;
	images.lr_steps = "30,60,80";
	images.decay = DECAY_WEIGHTS;
	images.weight_decay = 1e-4;
	images.lr_factor = 0.1;
	images.epochs = 90;
	same(&o, &images);
	o = none;
	o.optimizer = RULE_ADAM;
	o = settle(o, STREAM_IMAGES);
	assert_true(o.lr == 0.001 && o.momentum == 0 && !o.nesterov && o.weight_decay == 0);
	struct train_options adam = o, adamw = none;
	adamw.optimizer = OPTIMIZER_ADAMW;
	got = settle(adamw, STREAM_IMAGES);
	adam.optimizer = OPTIMIZER_ADAMW;
	adam.weight_decay = 0.01; /* this alone is another one */
	same(&got, &adam);
	o = none;
	o.optimizer = RULE_SGD;
	o = settle(o, STREAM_TEXT);
	assert_true(o.lr == 0.1 && o.momentum == 0.9 && !o.nesterov && o.weight_decay == 0);
	o = none;
	o.momentum = 0;
	o = settle(o, STREAM_IMAGES);
	assert_true(!o.nesterov);
}

/* Given options stay; 0 is given. */
static void given(void **state)
{
	(void)state;
	struct train_options o = { .model = "smallcnn",
				   .lr_steps = "7",
				   .flip = 1,
				   .optimizer = RULE_SGD,
				   .schedule = SCHEDULE_STEPS,
				   .nesterov = 0,
				   .decay = DECAY_WEIGHTS,
				   .dropout = 0.25,
				   .max_norm = -1,
				   .width = 0.5,
				   .lr = 3,
				   .momentum = 0.5,
				   .weight_decay = 0.25,
				   .rho = -1,
				   .eps = -1,
				   .lr_factor = 0.75,
				   .max_tokens = -1,
				   .crop_pad = 0,
				   .epochs = 1,
				   .batch = 2,
				   .seed = 9,
				   .words = -1,
				   .mixup = 0.4,
				   .patience = 3 };
	struct train_options want = o, got = settle(o, STREAM_IMAGES);
	want.filters = "3,4,5";
	want.words = WORDS_TUNED;
	want.max_norm = 0;
	want.rho = 0.95;
	want.eps = 1e-6;
	want.max_tokens = 400;
	want.maps = 100;
	want.ngrams = 2;
	same(&got, &want);
	o = none;
	o.max_tokens = 0;
	o.max_norm = 0;
	o.dropout = 0;
	o.words = WORDS_MULTICHANNEL;
	o.filters = "2";
	o.maps = 7;
	got = settle(o, STREAM_TEXT);
	assert_true(got.max_tokens == 0 && got.max_norm == 0 && got.dropout == 0 && got.words == WORDS_MULTICHANNEL &&
		    got.maps == 7);
	assert_string_equal(got.filters, "2");
}

#define ABSENT .words = -1, .flip = -1, .optimizer = -1, .schedule = -1, .nesterov = -1, .decay = -1, \
	       .dropout = -1, .max_norm = -1, .width = -1, .lr = -1, .momentum = -1, .weight_decay = -1, \
	       .rho = -1, .eps = -1, .lr_factor = -1, .max_tokens = -1, .crop_pad = -1, .seed = 1
#pragma GCC diagnostic ignored "-Woverride-init" /* absent, but for what a row gives */
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif
#define GIVEN(...) { ABSENT, __VA_ARGS__ }

static void combinations(void **state)
{
	static const struct {
		enum stream_kind kind;
		const char *says; /* NULL: taken */
		struct train_options o;
	} cases[] = {
		{ STREAM_IMAGES, "--max-norm is for text", GIVEN(.max_norm = 0) },
		{ STREAM_IMAGES, "--words is for text", GIVEN(.words = WORDS_TUNED) },
		{ STREAM_IMAGES, "--filters is for text", GIVEN(.filters = "3") },
		{ STREAM_IMAGES, "--maps is for text", GIVEN(.maps = 1) },
		{ STREAM_IMAGES, "--max-tokens is for text", GIVEN(.max_tokens = 0) },
		{ STREAM_IMAGES, "--ngrams is for text", GIVEN(.ngrams = 1) },
		{ STREAM_TEXT, "--ngrams goes with --model bow", GIVEN(.ngrams = 1) },
		{ STREAM_TEXT, "--ngrams goes with --model bow", GIVEN(.model = "kimcnn", .ngrams = 2) },
		{ STREAM_TEXT, NULL, GIVEN(.model = "bow", .ngrams = 1, .max_tokens = 9, .dropout = 0.1) },
		{ STREAM_TEXT, "--maps goes without --model bow", GIVEN(.model = "bow", .maps = 1) },
		{ STREAM_TEXT, "--filters goes without --model bow", GIVEN(.model = "bow", .filters = "3") },
		{ STREAM_TEXT, "--words goes without --model bow", GIVEN(.model = "bow", .words = WORDS_TUNED) },
		{ STREAM_TEXT, "--max-norm goes without --model bow", GIVEN(.model = "bow", .max_norm = 3) },
		{ STREAM_TEXT, "--width is for images", GIVEN(.width = 0) },
		{ STREAM_TEXT, "--crop is for images", GIVEN(.crop = 1) },
		{ STREAM_TEXT, "--crop-pad is for images", GIVEN(.crop_pad = 0) },
		{ STREAM_TEXT, "--crop-scale is for images", GIVEN(.crop_scale = ".08,1") },
		{ STREAM_TEXT, "--flip is for images", GIVEN(.flip = 0) },
		{ STREAM_TEXT, "--schedule goyal is for images", GIVEN(.schedule = SCHEDULE_GOYAL) },
		{ STREAM_TEXT, "--weight-decay goes with", GIVEN(.weight_decay = 0.1) },
		{ STREAM_TEXT, NULL, GIVEN(.weight_decay = 0) },
		{ STREAM_TEXT, NULL, GIVEN(.weight_decay = 0.1, .optimizer = RULE_ADAM, .decay = DECAY_ALL) },
		{ STREAM_TEXT, "--decay goes with a --weight-decay above 0",
		  GIVEN(.decay = DECAY_ALL, .optimizer = RULE_ADAM) },
		{ STREAM_IMAGES, NULL, GIVEN(.decay = DECAY_ALL) },
		{ STREAM_IMAGES, "--decay goes with a --weight-decay above 0",
		  GIVEN(.decay = DECAY_WEIGHTS, .weight_decay = 0) },
		{ STREAM_TEXT, "--nesterov goes with --optimizer sgd", GIVEN(.nesterov = 0) },
		{ STREAM_TEXT, "--momentum goes with --optimizer sgd", GIVEN(.momentum = 0, .optimizer = RULE_ADAM) },
		{ STREAM_IMAGES, "--nesterov needs a --momentum above 0", GIVEN(.nesterov = 1, .momentum = 0) },
		{ STREAM_IMAGES, NULL, GIVEN(.nesterov = 0, .momentum = 0) },
		{ STREAM_IMAGES, NULL, GIVEN(.nesterov = 1, .momentum = 0.1) },
		{ STREAM_TEXT, "--rho goes with --optimizer adadelta", GIVEN(.rho = 0.5, .optimizer = RULE_ADAM) },
		{ STREAM_TEXT, NULL, GIVEN(.rho = 0) },
		{ STREAM_IMAGES, "--eps goes with --optimizer adadelta, adam or adamw", GIVEN(.eps = 0.1) },
		{ STREAM_IMAGES, NULL, GIVEN(.eps = 0.1, .optimizer = RULE_ADAM) },
		{ STREAM_TEXT, "--lr-steps goes with --schedule steps or goyal", GIVEN(.lr_steps = "1") },
		{ STREAM_TEXT, "--lr-factor goes with --schedule steps or goyal",
		  GIVEN(.lr_factor = 0.1, .schedule = SCHEDULE_COSINE) },
		{ STREAM_IMAGES, NULL, GIVEN(.lr_factor = 0.2, .lr_steps = "1", .schedule = SCHEDULE_GOYAL) },
		{ STREAM_TEXT, "--patience goes without --select last", GIVEN(.patience = 1, .select = SELECT_LAST) },
		{ STREAM_TEXT, NULL, GIVEN(.patience = 1) },
		{ STREAM_TEXT, NULL, GIVEN(.select = SELECT_LAST) },
		{ STREAM_IMAGES, "without --mixup-partner dataset",
		  GIVEN(.mix_mode = MIX_MANIFOLD, .mix_partner = PARTNER_DATASET) },
		{ STREAM_IMAGES, NULL, GIVEN(.mix_mode = MIX_MANIFOLD) },
		{ STREAM_TEXT, "--mixup-mode sentence mixes within the batch",
		  GIVEN(.mix_mode = MIX_SENTENCE, .mix_partner = PARTNER_DATASET) },
		{ STREAM_IMAGES, NULL, GIVEN(.mix_partner = PARTNER_DATASET) },
		{ STREAM_TEXT, "--class-weights go with --loss cross-entropy",
		  GIVEN(.loss = LOSS_BCE, .class_weights = "balanced") },
		{ STREAM_TEXT, NULL, GIVEN(.loss = LOSS_BCE) },
		{ STREAM_TEXT, NULL, GIVEN(.class_weights = "balanced") },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct train_options o = cases[i].o;
		struct err err = ERR_NONE;
		int rc = train_options_finish(&o, cases[i].kind, &err);
		if (!rc != !cases[i].says || (rc && (!strstr(err.msg, cases[i].says) || err.status != VIC_USAGE)))
			fail_msg("case %zu: '%s', not '%s'", i, err.msg, cases[i].says ? cases[i].says : "");
	}
}

/* Records for a plan: `n` of the first class, 3 of the second, 1 of each further one, none of the last. */
static struct dataset records(enum stream_kind kind, int classes, int n, int32_t *label, uint8_t *split,
			      const void **pixel)
{
	static uint8_t image[24 * 16 * 4];
	struct dataset d = {
		.head = { .kind = kind, .n_classes = classes, .dim = 5, .height = 24, .width = 16, .channels = 3 },
		.label = label,
		.split = split,
		.images = { .pixel = pixel }
	};
	for (int k = 0; k < classes - 1; k++)
		for (int i = 0; i < (k == 0 ? n : k == 1 ? 3 : 1); i++) {
			pixel[d.n] = image;
			split[d.n] = SPLIT_TRAIN;
			label[d.n++] = k;
		}
	split[d.n] = SPLIT_DEV; /* counts for nothing */
	pixel[d.n] = image;
	label[d.n++] = 0;
	d.text.words = 9;
	return d;
}

static int32_t label[64];
static uint8_t split[64];
static const void *pixel[64];

static void plans(void **state)
{
	struct dataset d = records(STREAM_IMAGES, 4, 8, label, split, pixel);
	struct train_options o = settle(none, STREAM_IMAGES);
	struct plan p;
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(plan_make(&p, &o, &d, &err), 0);
	assert_true(p.preprocessing.h == 24 && p.preprocessing.w == 16 && p.preprocessing.pad == 2 &&
		    p.preprocessing.flip && !p.cropped);
	assert_true(p.n_steps == 4 && p.step_at[0] == 2 && p.step_at[3] == 160 && p.step_factor == 0.5 &&
		    !p.mix_config.class_weight);
	assert_true(p.update.rule == RULE_SGD && p.update.decay_all == 1 && p.update.nesterov &&
		    p.update.momentum == 0.9);
	assert_true(p.config.image.h == 24 && p.config.image.w == 16 && p.config.image.c == 3 &&
		    p.config.width_factor == 1);
	plan_release(&p);
	d.head.channels = 1;
	assert_int_equal(plan_make(&p, &o, &d, &err), 0); /* grey: nothing is cut or turned */
	assert_true(p.preprocessing.pad == 0 && !p.preprocessing.flip);
	plan_release(&p);
	d.head.channels = 3;
	o.crop_pad = 0; /* given */
	assert_int_equal(plan_make(&p, &o, &d, &err), 0);
	assert_true(p.preprocessing.pad == 0 && p.preprocessing.flip);
	plan_release(&p);
	o.crop_pad = -1;
	o.crop = 16;
	assert_int_equal(plan_make(&p, &o, &d, &err), 0);
	assert_true(p.preprocessing.h == 16 && p.preprocessing.w == 16 && p.preprocessing.pad == 0 &&
		    p.preprocessing.flip && p.cropped);
	plan_release(&p);
	o.crop_pad = 1;
	o.flip = 0;
	assert_int_equal(plan_make(&p, &o, &d, &err), 0);
	assert_true(p.preprocessing.pad == 1 && !p.preprocessing.flip);
	assert_null(strstr(p.key, "crop-scale"));
	plan_release(&p);
	o.crop_pad = -1;
	o.crop_scale = ".08,1"; /* resized to 16x16, and to the images' size: without zeros around them */
	for (; o.crop >= 0; o.crop -= 16) {
		assert_int_equal(plan_make(&p, &o, &d, &err), 0);
		assert_true(p.preprocessing.h == (o.crop ? 16 : 24) && p.preprocessing.w == 16 &&
			    p.cropped == (o.crop > 0));
		assert_true(p.preprocessing.pad == 0 && p.preprocessing.scale_low == 0.08 &&
			    p.preprocessing.scale_high == 1);
		assert_non_null(strstr(p.key, " crop-scale=.08,1 pad=0 "));
		plan_release(&p);
	}
	o.crop_scale = NULL;
	o.crop = 17;
	assert_int_equal(plan_make(&p, &o, &d, &err), -1);
	assert_non_null(strstr(err.msg, "--crop 17: the images are 24x16"));
	plan_release(&p);
}

/* Weights as given in proportion; their mean over the training records is 1. */
static void class_weights(void **state)
{
	static const struct {
		const char *text, *says;
		double want[4];
	} cases[] = {
		/* of 12 records 8, 3 and 1; the fourth class has none */
		{ "balanced", NULL, { 12.0 / 3 / 8, 12.0 / 3 / 3, 12.0 / 3 } },
		{ "1,1,1,1", NULL, { 1, 1, 1, 1 } },
		{ "0,2,0,5", NULL, { 0, 4, 0, 10 } },
		{ "1,1,1", "4 weights are needed", { 0 } },
		{ "1,1,1,1,1", "4 weights are needed", { 0 } },
		{ "0,0,0,1", "no class with training records has a weight above 0", { 0 } },
		{ "1,x,1,1", "--class-weights", { 0 } },
		{ "1,-1,1,1", "--class-weights", { 0 } },
	};
	struct dataset d = records(STREAM_TEXT, 4, 8, label, split, pixel);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct train_options o = none;
		struct plan p;
		struct err err = ERR_NONE;
		o.class_weights = cases[i].text;
		o = settle(o, STREAM_TEXT);
		int rc = plan_make(&p, &o, &d, &err);
		if (!rc != !cases[i].says || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("%s: '%s'", cases[i].text, err.msg);
		for (int k = 0; k < 4 && !rc; k++)
			assert_true(fabs(p.mix_config.class_weight[k] - cases[i].want[k]) < 1e-12);
		plan_release(&p);
	}
}

static void plans_refused(void **state)
{
	static const struct {
		enum stream_kind kind;
		int classes;
		const char *says;
		struct train_options o;
	} cases[] = {
		{ STREAM_TEXT, 3, "'x' is not known", GIVEN(.model = "x") },
		{ STREAM_TEXT, 3, "--model resnet20 is for images; these records are text",
		  GIVEN(.model = "resnet20") },
		{ STREAM_IMAGES, 3, "--model kimcnn is for text; these records are images", GIVEN(.model = "kimcnn") },
		{ STREAM_IMAGES, 3, "these have: preactresnet18, preactresnet34", GIVEN(.mix_mode = MIX_MANIFOLD) },
		{ STREAM_IMAGES, 3, NULL, GIVEN(.mix_mode = MIX_MANIFOLD, .model = "preactresnet18") },
		{ STREAM_IMAGES, 3, "resnet20 encodes no sentence; these do: kimcnn", GIVEN(.mix_mode = MIX_SENTENCE) },
		{ STREAM_TEXT, 3, "bow encodes no sentence; these do: kimcnn",
		  GIVEN(.mix_mode = MIX_SENTENCE, .model = "bow") },
		{ STREAM_TEXT, 3, NULL, GIVEN(.mix_mode = MIX_SENTENCE) },
		{ STREAM_TEXT, 1, "have 1 classes; at least 2", GIVEN(.lr = 1) },
		{ STREAM_TEXT, 2, NULL, GIVEN(.lr = 1) },
		{ STREAM_TEXT, 5, "of 5 classes the likeliest five are always right", GIVEN(.stop_top5 = 0.5) },
		{ STREAM_TEXT, 6, NULL, GIVEN(.stop_top5 = 0.5) },
		{ STREAM_TEXT, 3, "--filters", GIVEN(.filters = "0") },
		{ STREAM_TEXT, 3, "--filters", GIVEN(.filters = "65") },
		{ STREAM_TEXT, 3, "--filters", GIVEN(.filters = "3,") },
		{ STREAM_TEXT, 3, "more than 8 numbers", GIVEN(.filters = "1,2,3,4,5,6,7,8,9") },
		{ STREAM_TEXT, 3, NULL, GIVEN(.filters = "1,2,3,4,5,6,7,64") },
		{ STREAM_IMAGES, 3, "--lr-steps", GIVEN(.lr_steps = "0") },
		{ STREAM_IMAGES, 3, "--crop-scale .5: two shares", GIVEN(.crop_scale = ".5") },
		{ STREAM_IMAGES, 3, "--crop-scale .5,1,1: two shares", GIVEN(.crop_scale = ".5,1,1") },
		{ STREAM_IMAGES, 3, "--crop-scale, LOW: 0 is outside", GIVEN(.crop_scale = "0,1") },
		{ STREAM_IMAGES, 3, "--crop-scale, HIGH: .4 is outside 0.5 to 1", GIVEN(.crop_scale = ".5,.4") },
		{ STREAM_IMAGES, 3, "--crop-scale, HIGH: 1.1 is outside", GIVEN(.crop_scale = ".5,1.1") },
		{ STREAM_IMAGES, 3, "--crop-scale, HIGH", GIVEN(.crop_scale = "1,") },
		{ STREAM_IMAGES, 3, NULL, GIVEN(.crop_scale = "1,1") },
		{ STREAM_IMAGES, 3, NULL, GIVEN(.lr_steps = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,1000000") },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dataset d = records(cases[i].kind, cases[i].classes, 8, label, split, pixel);
		struct train_options o = settle(cases[i].o, cases[i].kind);
		struct plan p;
		struct err err = ERR_NONE;
		int rc = plan_make(&p, &o, &d, &err);
		if (!rc != !cases[i].says || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("case %zu: '%s'", i, err.msg);
		plan_release(&p);
	}
}

/* Each option in the place of a plan that it is for, at random values. */
static void settings(void **state)
{
	struct rng r;
	(void)state;
	rng_init(&r, 61, RNG_TEST, 0, 0);
	for (int i = 0; i < 300; i++) {
		int images = (int)rng_below(&r, 2);
		struct dataset d = records(images ? STREAM_IMAGES : STREAM_TEXT, 7, 8, label, split, pixel);
		struct train_options o = settle((struct train_options)GIVEN(.lr = -1), d.head.kind);
		struct plan p;
		struct err err = ERR_NONE;
		o.model = images ? "preactresnet18" : "kimcnn";
		o.mix_mode = (int)rng_below(&r, images ? MIX_MANIFOLD + 1 : MIX_FEATURES + 1);
		o.mix_mode = !images && rng_below(&r, 3) == 0 ? MIX_SENTENCE : o.mix_mode;
		for (double *x = &o.mixup; x <= &o.stop_top5; x++)
			*x = rng_real(&r);
		o.mixup = rng_below(&r, 2) ? 0 : o.mixup;
		for (int64_t *n = &o.ngrams; n <= &o.seed; n++)
			*n = (n != &o.crop && n != &o.crop_pad) + (int64_t)rng_below(&r, 9);
		o.mix_partner = (int)rng_below(&r, 2);
		o.loss = (int)rng_below(&r, 2);
		o.words = (int)rng_below(&r, 3);
		o.optimizer = (int)rng_below(&r, OPTIMIZER_ADAMW + 1);
		o.schedule = (int)rng_below(&r, SCHEDULE_GOYAL + 1);
		o.select = (int)rng_below(&r, SELECT_DEV_REFINED + 1);
		o.nesterov = (int)rng_below(&r, 2);
		o.decay = (int)rng_below(&r, 2);
		o.reduce = (int)rng_below(&r, 2);
		if (plan_make(&p, &o, &d, &err))
			fail_msg("%s", err.msg);
		const struct net_config *c = &p.config;
		const struct mix_config *m = &p.mix_config;
		const struct update *u = &p.update;
		int hidden = o.mix_mode == MIX_MANIFOLD || o.mix_mode == MIX_SENTENCE;
		int adamw = o.optimizer == OPTIMIZER_ADAMW;
		assert_string_equal(p.net->name, o.model);
		assert_true(p.cropped == (images && o.crop > 0));
		assert_true(p.epochs == o.epochs && p.batch == o.batch && p.shards == o.shards &&
			    p.seed == (uint64_t)o.seed && (int)p.schedule == o.schedule && (int)p.select == o.select &&
			    p.patience == o.patience && p.stop_top5 == o.stop_top5 && p.step_factor == o.lr_factor &&
			    p.max_tokens == o.max_tokens && (int)p.reduce == o.reduce);
		assert_true(c->classes == 7 && c->vocabulary == 9 && c->dim == 5 && c->ngrams == o.ngrams &&
			    c->maps == o.maps && c->dropout == o.dropout && c->max_norm == o.max_norm &&
			    c->erl == o.erl && c->width_factor == o.width && c->bce == (o.loss == LOSS_BCE) &&
			    c->frozen_words == (o.words == WORDS_STATIC) &&
			    c->multichannel == (o.words == WORDS_MULTICHANNEL));
		/* where nothing is mixed, the network gets no ops that mix */
		assert_int_equal(c->mix_hidden, hidden && o.mixup > 0);
		assert_true(c->zero_gamma == (o.schedule == SCHEDULE_GOYAL && p.net->zero_gamma));
		assert_true(m->alpha == o.mixup && (int)m->mode == o.mix_mode && (int)m->partner == o.mix_partner &&
			    m->shards == o.shards && m->smoothing == o.smoothing && !m->class_weight &&
			    m->mix_layers == (o.mix_mode == MIX_SENTENCE ? p.net->sentence_layer : p.net->mix_layers));
		assert_true((int)u->rule == (adamw ? RULE_ADAM : o.optimizer) && u->decoupled == adamw &&
			    u->clip_norm == o.clip_norm && u->ema == o.ema && u->lr == o.lr && u->rho == o.rho &&
			    u->momentum == o.momentum && u->nesterov == o.nesterov && u->eps == o.eps &&
			    u->weight_decay == o.weight_decay && u->decay_all == (o.decay == DECAY_ALL) &&
			    u->beta1 == 0.9 && u->beta2 == 0.999);
		plan_release(&p);
	}
}

/* What decides what a run makes stands in its provenance and in --help. */
static void every_option_is_kept(void **state)
{
	struct train_options o = none;
	struct opt row[TRAIN_OPTIONS];
	(void)state;
	train_options_rows(row, &o);
	for (int i = 0; i < TRAIN_OPTIONS; i++)
		if (row[i].flags & (OPT_LOCAL | OPT_HIDDEN))
			fail_msg("--%s is left out of the provenance or of --help", row[i].name);
}

/* Some options of o, as they could be: often as they were. */
static void change(struct train_options *o, struct rng *r)
{
	static const char *const texts[] = { "3", "2,4", "1,7" };
	struct opt row[TRAIN_OPTIONS];
	train_options_rows(row, o);
	for (int i = 0; i < TRAIN_OPTIONS; i++) {
		void *at = row[i].target;
		if (rng_below(r, 6) || !strcmp(row[i].name, "model"))
			continue;
		if (row[i].type == OPT_TEXT)
			*(const char **)at = texts[rng_below(r, 3)];
		else if (row[i].type == OPT_REAL)
			*(double *)at = rng_below(r, 4) * 0.1;
		else if (row[i].type == OPT_INT)
			*(int64_t *)at = rng_below(r, 3);
		else
			*(int *)at = (int)rng_below(r, 2);
	}
}

/* What two keys hold of an option is the same, or there is none of it. */
static int alike(const struct train_option *a, const struct train_option *b, const struct train_options *o,
		 const struct train_options *p)
{
	if (!a->key)
		return 1;
	if (a->value == &o->epochs)
		return (o->schedule == SCHEDULE_COSINE ? o->epochs : 0) ==
		       (p->schedule == SCHEDULE_COSINE ? p->epochs : 0);
	size_t size = a->opt->type == OPT_REAL || a->opt->type == OPT_INT ? 8 : sizeof(int);
	if (a->opt->type != OPT_TEXT)
		return !memcmp(a->value, b->value, size);
	const char *x = *(const char *const *)a->value, *y = *(const char *const *)b->value;
	return x && y ? !strcmp(x, y) : x == y;
}

/* Of two runs' keys the options that differ are named, and no other. */
static void keys(void **state)
{
	static const char *const models[] = { "kimcnn", "bow", "resnet20" };
	struct rng r;
	int equal = 0;
	(void)state;
	rng_init(&r, 63, RNG_TEST, 0, 0);
	for (int i = 0; i < 400; i++) {
		struct train_options a = { .model = models[i % 3], .filters = "3", .lr_steps = "2", .seed = 1 }, b;
		char *key[2], *text, want[2000] = "", got[2000] = "";
		struct err err = ERR_NONE;
		size_t n = 0, m = 0;
		change(&a, &r);
		b = a;
		if (i % 4)
			change(&b, &r);
		assert_int_equal(train_options_key(&key[0], &a, 16 + (int)a.crop, 8, &err), 0);
		assert_int_equal(train_options_key(&key[1], &b, 16 + (int)b.crop, 8, &err), 0);
		for (int k = 0; k < TRAIN_OPTIONS; k++) {
			struct train_option x = train_option(k, &a), y = train_option(k, &b);
			if (!alike(&x, &y, &a, &b))
				n += (size_t)snprintf(want + n, sizeof want - n, "--%s ", x.opt->name);
		}
		if (strcmp(a.class_weights ? a.class_weights : "", b.class_weights ? b.class_weights : ""))
			snprintf(want + n, sizeof want - n, "--class-weights ");
		equal += !strcmp(key[0], key[1]);
		assert_int_equal(!strcmp(key[0], key[1]), !*want);
		assert_int_equal(train_options_differ(key[0], key[1], &text, &err), 1);
		for (const char *at = *text ? text : NULL; at; at = at ? at + 3 : NULL) {
			m += (size_t)snprintf(got + m, sizeof got - m, "%.*s ", (int)strcspn(at, " "), at);
			at = strstr(at, "), --");
		}
		assert_string_equal(got, want);
		free(text);
		free(key[0]);
		free(key[1]);
	}
	assert_in_range(equal, 100, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(defaults),	     cmocka_unit_test(given),
					    cmocka_unit_test(combinations),  cmocka_unit_test(plans),
					    cmocka_unit_test(class_weights), cmocka_unit_test(plans_refused),
					    cmocka_unit_test(settings),	     cmocka_unit_test(every_option_is_kept),
					    cmocka_unit_test(keys) };
	none = train_options_none();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
