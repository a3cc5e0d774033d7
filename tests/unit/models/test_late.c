/* Training on a device that computes as late as it may (late.h): the history, the weights and the refusals are those
 * of the same run on ref, bit for bit. test_predictor predicts on it. */
#include "late.h"
#include "train_task.h"

enum { IMAGES = 41, SIDE = 9 };

/* All that a run leaves. */
struct outcome {
	struct epoch_line line[MOST_EPOCHS];
	int epochs, best;
	float *weights;
	size_t n;
	double parts; /* sums at its pauses, added up */
	char error[200];
};

static int every_third(void *ctx)
{
	const struct trainer *t = ctx;
	return t->step % 3 == 0;
}

static void run_task(struct outcome *o, const struct plan *plan, const struct dataset *data, struct device *dev)
{
	struct trainer t;
	struct err err = ERR_NONE;
	float **weights;
	int rc = 0;
	*o = (struct outcome){ 0 };
	if (trainer_open(&t, plan, data, dev, &err))
		fail_msg("%s", err.msg);
	t.pause = every_third;
	t.tick_ctx = &t;
	while (!rc && !trainer_done(&t))
		if ((rc = trainer_epoch(&t, &err)) == TRAINER_PAUSED) {
			o->parts += t.part.loss + 2 * t.part.accuracy + 3 * t.part.label_entropy;
			rc = 0;
		}
	snprintf(o->error, sizeof o->error, "%s", rc ? err.msg : "");
	err = ERR_NONE;
	o->epochs = t.epoch;
	if (t.epoch)
		memcpy(o->line, t.history, (size_t)t.epoch * sizeof *o->line);
	if (!rc) {
		assert_int_equal(trainer_weights(&t, &weights, &o->best, &err), 0);
		for (int p = 0; p < t.graph.n_params; p++) {
			size_t n = param_size(&t.graph.param[p]);
			float *more = realloc(o->weights, (o->n + n) * sizeof *more);
			assert_non_null(more);
			memcpy(more + o->n, weights[p], n * sizeof *more);
			o->weights = more;
			o->n += n;
		}
	}
	trainer_release(&t);
}

/* ref: open; left open. With partners from the whole data set the late device keeps the
 * images that it is offered. */
static void same_on_both(const struct plan *plan, const struct dataset *data, struct device *ref,
			 struct outcome *of_ref)
{
	struct backend_ctx queue = { .keeps = plan->mix_config.partner == PARTNER_DATASET };
	struct device late = late_device(&queue);
	struct outcome a;
	run_task(&a, plan, data, &late);
	assert_int_equal(queue.offers, data->head.kind == STREAM_IMAGES);
	device_close(&late);
	run_task(of_ref, plan, data, ref);
	assert_string_equal(a.error, of_ref->error);
	assert_int_equal(a.epochs, of_ref->epochs);
	assert_true(a.parts == of_ref->parts);
	assert_int_equal(a.best, of_ref->best);
	for (int e = 0; e < a.epochs; e++)
		assert_memory_equal(&a.line[e], &of_ref->line[e], sizeof a.line[e]);
	assert_int_equal(a.n, of_ref->n);
	assert_memory_equal(a.weights, of_ref->weights, a.n * sizeof *a.weights);
	free(a.weights);
	free(of_ref->weights);
}

static void text(void **state)
{
	static struct task task;
	struct outcome o;
	(void)state;
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 120 : 25); i++) {
		make_task(&task, i);
		same_on_both(&task.plan, &task.data, &task.dev, &o);
		assert_string_equal(o.error, "");
		device_close(&task.dev);
	}
}

/* A loss that is not finite is told with the epoch and batch that it came in, though later ones were queued. */
static void overflow(void **state)
{
	static struct task task;
	struct outcome o;
	int told = 0;
	(void)state;
	for (uint32_t i = 0; i < 25; i++) {
		make_task(&task, i);
		task.plan.batch = 2;
		task.plan.update = (struct update){ .rule = RULE_SGD, .lr = 1e20, .momentum = 0.9 };
		same_on_both(&task.plan, &task.data, &task.dev, &o);
		told += strstr(o.error, "the loss became") != NULL;
		device_close(&task.dev);
	}
	assert_true(told > 15);
}

/* *d and *p: images and a run on them. */
static void make_images(struct dataset *d, struct plan *p)
{
	static unsigned char pixels[IMAGES][SIDE * SIDE * 3];
	static const void *pixel[IMAGES];
	static int32_t label[IMAGES];
	static uint8_t split[IMAGES];
	static uint64_t id[IMAGES];
	static char key[] = "images";
	*d = (struct dataset){ .n = IMAGES, .id = id, .label = label, .split = split, .images.pixel = pixel,
			     .head = { .kind = STREAM_IMAGES, .n_classes = 3, .height = SIDE, .width = SIDE,
				       .channels = 3, .encoding = ENCODING_RAW } };
	*p = (struct plan){ .net = &net_smallcnn, .epochs = 2, .batch = 4, .seed = 3, .key = key,
			  .config = { .classes = 3, .image = { 8, 8, 3 }, .width_factor = 0.25 },
			  .preprocessing = { .h = 8, .w = 8, .pad = 1, .flip = 1, .mean = { 100, 120, 130 },
					     .deviation = { 60, 70, 80 } },
			  .update = { .rule = RULE_SGD, .lr = 0.05, .momentum = 0.9, .nesterov = 1 },
			  .mix_config = { .alpha = 0.4, .smoothing = 0.1 } };
	rng_init(&random_state, 52, RNG_TEST, 0, 0);
	for (int i = 0; i < IMAGES; i++) {
		label[i] = below(3);
		split[i] = i % 4 ? SPLIT_TRAIN : SPLIT_DEV;
		id[i] = (uint64_t)i;
		pixel[i] = pixels[i];
		for (int k = 0; k < SIDE * SIDE * 3; k++)
			pixels[i][k] = (unsigned char)below(k % 3 == label[i] ? 256 : 128);
	}
}

static void images(void **state)
{
	struct dataset d;
	struct plan p;
	struct device ref;
	struct outcome o;
	struct err err = ERR_NONE;
	(void)state;
	make_images(&d, &p);
	assert_int_equal(device_open(&ref, "ref", 1, &err), 0);
	for (int partner = 0; partner < 2; partner++) {
		p.mix_config.partner = (enum mix_partner)partner;
		same_on_both(&p, &d, &ref, &o);
		assert_string_equal(o.error, "");
	}
	device_close(&ref);
}

/* A device of so many bytes, and how many were taken at most. */
static size_t room, taken, most;

static int scarce_alloc(struct backend_ctx *c, void **p, size_t bytes, struct err *err)
{
	size_t *block;
	if (bytes > room - taken)
		return err_system(err, "the device has no memory");
	assert_int_equal(mem_alloc(&block, bytes + 64, 1, err), 0);
	*block = bytes;
	*p = (char *)block + 64; /* aligned as before */
	taken += bytes;
	most = taken > most ? taken : most;
	(void)c;
	return 0;
}

static void scarce_release(struct backend_ctx *c, void *p)
{
	(void)c;
	if (!p)
		return;
	taken -= *(size_t *)(void *)((char *)p - 64);
	free((char *)p - 64);
}

/* Where there is memory for a batch of n and no larger one, the batch that is offered is the first of the half, a
 * quarter, ... of what was asked for that is no larger than n. */
static void memory_for_a_smaller_batch(void **state)
{
	struct dataset d;
	struct plan p;
	struct backend scarce = backend_ref;
	struct device dev = { .b = &scarce };
	(void)state;
	scarce.alloc = scarce_alloc;
	scarce.release = scarce_release;
	make_images(&d, &p);
	for (int n = 0; n < 30; n++) {
		struct trainer t;
		struct err err = ERR_NONE;
		char says[64] = "the device has no memory";
		int offered = 15;
		room = n ? SIZE_MAX / 2 : 1;
		taken = most = 0;
		p.batch = n ? n : 1;
		if (n) {
			assert_int_equal(trainer_open(&t, &p, &d, &dev, &err), 0);
			trainer_release(&t);
			assert_int_equal(taken, 0);
			room = most;
		}
		p.batch = 32; /* of 30 records */
		assert_int_equal(trainer_open(&t, &p, &d, &dev, &err), -1);
		assert_int_equal(taken, 0);
		while (offered > n)
			offered /= 2;
		if (n)
			snprintf(says, sizeof says, "the device has no memory; --batch %d fits", offered);
		assert_string_equal(strstr(err.msg, "the device"), says);
		assert_int_equal(strncmp(err.msg, "--batch 32 takes ", 17) == 0, n > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(text), cmocka_unit_test(overflow),
					    cmocka_unit_test(images), cmocka_unit_test(memory_for_a_smaller_batch) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
