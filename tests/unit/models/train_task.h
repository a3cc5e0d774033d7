/* Small runs of training at random settings: records of a few words, a plan, the ref device. */
#ifndef VIC_TEST_TRAIN_TASK_H
#define VIC_TEST_TRAIN_TASK_H

#include "models/files/checkpoint.h"
#include "models/train/trainer.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 1300, WORDS = 11, DIM = 3, MOST_CLASSES = 7, MOST_EPOCHS = 6, TOKENS = 5 };

static struct rng random_state;

static inline int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

struct task {
	struct dataset data;
	struct plan plan;
	struct device dev;
	double weight[MOST_CLASSES];
	size_t begin[RECORDS + 1];
	uint32_t token[RECORDS * TOKENS];
	int32_t label[RECORDS];
	uint8_t split[RECORDS];
	uint64_t id[RECORDS];
	float vector[WORDS * DIM];
	char key[16];
};

static inline void make_data(struct task *t)
{
	struct dataset *d = &t->data;
	d->n = (size_t)(below(6) ? 8 + below(50) : RECORDS);
	d->head = (struct stream_head){ .kind = STREAM_TEXT, .n_classes = below(2) ? 3 : MOST_CLASSES, .dim = DIM };
	d->label = t->label;
	d->split = t->split;
	d->id = t->id;
	d->text = (struct text_data){ .words = WORDS, .vector = t->vector, .begin = t->begin, .token = t->token };
	int dev = below(4) > 0;
	for (size_t i = 0; i < d->n; i++) {
		size_t n = (size_t)below(TOKENS);
		t->label[i] = below(d->head.n_classes);
		for (size_t k = 0; k < n; k++) /* the label shows in the words, mostly */
			t->token[t->begin[i] + k] = (uint32_t)(below(3) ? t->label[i] : below(WORDS));
		t->begin[i + 1] = t->begin[i] + n;
		t->split[i] = i == 0 ? SPLIT_TRAIN : i == 1 && dev ? SPLIT_DEV : (uint8_t)below(4);
		if (!dev && t->split[i] == SPLIT_DEV)
			t->split[i] = SPLIT_TEST;
		t->id[i] = i;
	}
	for (int i = 0; i < WORDS * DIM; i++)
		t->vector[i] = (float)rng_normal(&random_state);
}

static inline void make_task(struct task *t, uint32_t number)
{
	struct err err = ERR_NONE;
	memset(t, 0, sizeof *t);
	rng_init(&random_state, 51, RNG_TEST, number, 0);
	make_data(t);
	struct plan *p = &t->plan;
	int classes = t->data.head.n_classes, dev = 0;
	for (size_t i = 0; i < t->data.n; i++)
		dev |= t->split[i] == SPLIT_DEV;
	*p = (struct plan){ .net = &net_kimcnn, .epochs = 2 + below(MOST_EPOCHS - 1), .batch = 1 + below(70),
		.seed = (uint64_t)below(99),
			    .select = (enum select)below(4), .schedule = (enum schedule)below(4), .step_factor = 0.5,
			    .n_steps = 2, .step_at = { 1, 3 }, .key = t->key };
	if (t->data.n == RECORDS)
		p->batch = below(2) ? 200 : 700;
	p->config = (struct net_config){ .classes = classes,
					 .vocabulary = WORDS,
					 .dim = DIM,
					 .maps = 2,
					 .widths = 2,
					 .width = { 1, 2 },
					 .dropout = below(2) ? 0.3 : 0,
					 .max_norm = 3,
					 .frozen_words = below(3) == 0,
					 .multichannel = below(4) == 0 };
	p->update =
		below(2) ? (struct update){ .rule = RULE_SGD, .lr = 0.5, .momentum = below(2) ? 0.9 : 0 }
			 : (struct update){ .rule = RULE_ADAM, .lr = 0.02, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6 };
	p->update.ema = number % 3 == 1 ? number % 2 ? 0.9 : 0.3 : 0;
	p->mix_config = (struct mix_config){ .alpha = below(2) ? 0.4 : 0, .partner = (enum mix_partner)below(2),
					 .smoothing = below(2) ? 0.1 : 0 };
	for (int k = 0; k < classes; k++)
		t->weight[k] = 0.5 + k;
	p->mix_config.class_weight = below(4) ? NULL : t->weight;
	p->shards = p->mix_config.shards = below(2) ? below(2) : 1 << below(5); /* 0 is 1 */
	p->patience = dev && p->select != SELECT_LAST && below(2) ? 1 + below(2) : 0;
	p->stop_top5 = dev && classes > TOP && below(2) ? 0.8 : 0;
	snprintf(t->key, sizeof t->key, "run %u", number);
	if (device_open(&t->dev, "ref", 1, &err))
		fail_msg("%s", err.msg);
}

static inline void open_trainer(struct trainer *t, struct task *task)
{
	struct err err = ERR_NONE;
	if (trainer_open(t, &task->plan, &task->data, &task->dev, &err))
		fail_msg("%s", err.msg);
}

/* An empty file in memory; its name to path[64]. */
static inline int memory_file(char *path)
{
	int fd = memfd_create("checkpoint", MFD_CLOEXEC);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
