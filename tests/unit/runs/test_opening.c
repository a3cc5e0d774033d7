/* Which sizes of batches and shards a network of images refuses, by counting the records of every shard of every batch;
 * and what others it offers. Pictures and networks as they stand in a plan before it is made. */
#include "models/train/planning.h"
#include "models/train/trainer.h"
#include "pipeline/base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 40 };

static struct rng random_state;

static int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

/* Records of an epoch, in batches of `batch` that are dealt to shards one by one: 1 when a shard gets a single one. */
static int plain_single(int records, int batch, int shards)
{
	for (; records > 0; records -= batch) {
		int n = records < batch ? records : batch;
		for (int s = 0; s < shards; s++)
			if ((n + shards - 1 - s) / shards == 1)
				return 1;
	}
	return 0;
}

/* The batch nearest to it, and of two the smaller, that leaves no shard a single record. */
static int plain_offer(int records, int batch, int shards)
{
	for (int d = 1;; d++) {
		if (batch - d > 1 && !plain_single(records, batch - d, shards))
			return batch - d;
		if (!plain_single(records, batch + d, shards))
			return batch + d;
	}
}

static void says(const struct err *err, int n, int batch, int shards)
{
	char want[200];
	int first = plain_single(n < batch ? 0 : batch, batch, shards);
	if (n == 1)
		snprintf(want, sizeof want, "there is one training record, and the batch normalisation bn5 needs more");
	else if (n < 2 * shards)
		snprintf(want, sizeof want,
			 "--shards %d: there are %d training records, and the batch normalisation bn5", shards, n);
	else
		snprintf(want, sizeof want,
			 "--batch %d: %s%s of the %d training records has one record, and the batch "
			 "normalisation bn5",
			 batch, shards > 1 ? "a shard of " : "", first ? "each batch" : "the last batch", n);
	if (strncmp(err->msg, want, strlen(want)))
		fail_msg("'%s', not '%s'", err->msg, want);
	if (n > 1 && n >= 2 * shards) {
		snprintf(want, sizeof want, "a channel; --batch %d gives it more", plain_offer(n, batch, shards));
		if (!strstr(err->msg, want))
			fail_msg("'%s' offers another than '%s'", err->msg, want);
	}
}

static void single_records(void **state)
{
	static const unsigned char pixels[64];
	static const void *pixel[MOST];
	static int32_t label[MOST];
	static uint8_t split[MOST];
	static uint64_t id[MOST];
	int refused = 0;
	(void)state;
	for (int i = 0; i < 250; i++) {
		struct err err = ERR_NONE;
		struct device dev;
		struct trainer t;
		int n = 0, side = below(4) ? 4 : 8, records = 1 + below(MOST),
		    batch = 1 + below(below(2) ? 6 : MOST + 5);
		struct dataset d = {
			.n = (size_t)records,
			.label = label,
			.split = split,
			.id = id,
			.head = { .kind = STREAM_IMAGES, .n_classes = 2, .height = side, .width = side, .channels = 1 },
			.images = { .pixel = pixel }
		};
		struct plan p = { .net = &net_smallcnn,
				  .epochs = 1,
				  .batch = batch,
				  .shards = 1 << below(4),
				  .select = SELECT_LAST,
				  .update = { .rule = RULE_SGD, .lr = 0.1 },
				  .preprocessing = { .h = side, .w = side, .deviation = { 1 } },
				  .config = { .classes = 2, .image = { side, side, 1 }, .width_factor = 0.125 } };
		p.shards = p.shards == 1 ? below(2) : p.shards; /* 0 is 1 */
		for (int k = 0; k < records; k++) {
			pixel[k] = pixels;
			split[k] = k == 0 || below(8) ? SPLIT_TRAIN : (uint8_t)(1 + below(3));
			n += split[k] == SPLIT_TRAIN;
		}
		assert_int_equal(device_open(&dev, "ref", 1, &err), 0);
		int rc = trainer_open(&t, &p, &d, &dev, &err), shards = p.shards ? p.shards : 1;
		int want = side == 4 && plain_single(n, batch, shards);
		if (rc != -want)
			fail_msg("%d of %d, shards %d: %s", batch, n, shards, rc ? err.msg : "taken");
		if (rc)
			says(&err, n, batch, shards);
		else
			trainer_release(&t);
		refused += want;
		device_close(&dev);
	}
	assert_in_range(refused, 60, 190);
}

/* JPEG records: their size and channels are the options', else the stream's, else three channels. */
static void pictures(void **state)
{
	static char sizes[][8] = { "7", "5x9", "0x4", "x" };
	int h[] = { 7, 5 }, w[] = { 7, 9 };
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct err err = ERR_NONE;
		struct train_options o = { .channels = below(4), .fit = below(2) };
		struct dataset d = { .head = { .kind = below(4) ? STREAM_IMAGES : STREAM_TEXT,
					       .encoding = below(3),
					       .height = below(3) * 2,
					       .width = below(3) * 3,
					       .channels = below(5) } };
		struct stream_head was = d.head;
		int size = below(5) - 1, jpeg = was.kind == STREAM_IMAGES && was.encoding == ENCODING_JPEG;
		int c = o.channels ? (int)o.channels : was.channels ? was.channels : 3;
		int tall = size < 0   ? was.height
			   : size < 2 ? h[size]
				      : 0,
		    wide = size < 0   ? was.width
			   : size < 2 ? w[size]
				      : 0;
		o.resize = size < 0 ? NULL : sizes[size];
		int rc = plan_pictures(&d, &o, &err), taken = tall && wide && (c == 1 || c == 3);
		assert_int_equal(rc, (jpeg ? taken : size < 0) ? 0 : -1);
		if (rc && !jpeg)
			assert_non_null(strstr(err.msg, "--resize is for JPEG records; these are images of "));
		else if (rc && size < 2)
			assert_non_null(strstr(err.msg, !tall || !wide
								? "whatever size; --resize HxW brings them to one"
							: o.channels ? "--channels is 0, 1 or 3"
								     : " channels; --channels makes them 1 or 3"));
		if (rc || !jpeg) {
			assert_memory_equal(&d.head, &was, sizeof was);
			continue;
		}
		assert_true(d.head.height == tall && d.head.width == wide && d.head.channels == c);
		assert_int_equal(d.images.fit, o.fit);
	}
}

/* A network without records: those that it is published for. */
static void as_published(void **state)
{
	(void)state;
	for (int i = -1; i < 0 || nets[i]; i++) {
		struct err err = ERR_NONE;
		struct dataset d = { .n = 0 };
		const struct net *net = i < 0 ? &net_kimcnn : nets[i];
		assert_int_equal(plan_native(&d, i < 0 ? NULL : net->name, &err), 0);
		assert_int_equal(d.head.kind, net->input == NET_IMAGES ? STREAM_IMAGES : STREAM_TEXT);
		assert_true(d.head.n_classes == net->native_classes && d.head.dim == net->native_dim &&
			    d.head.height == net->native.h && d.head.width == net->native.w &&
			    d.head.channels == net->native.c && (int)d.text.words == net->native_words);
		for (int k = 0; k < d.head.n_classes; k++)
			assert_null(d.head.classes[k]);
		free(d.head.classes);
		assert_int_equal(plan_native(&d, "no such", &err), -1);
		assert_int_equal(err.status, VIC_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(single_records), cmocka_unit_test(pictures),
					    cmocka_unit_test(as_published) };
	rng_init(&random_state, 83, RNG_TEST, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
