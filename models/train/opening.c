/* A trainer's beginning: its records listed, its network made and compiled, its first weights set. */
#include "trainer.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

static int set_first_weights(struct trainer *t, struct err *err)
{
	struct graph *g = &t->graph;
	for (int p = 0; p < g->n_params; p++) {
		struct param *q = &g->param[p];
		float *w = t->data->text.vector, *mine = NULL;
		if (q->kind != PARAM_TABLE) {
			if (mem_alloc(&mine, param_size(q), sizeof *mine, err))
				return -1;
			t->plan->net->init(t->plan->net, &t->plan->config, q, p, t->plan->seed, mine);
			w = mine;
		}
		int rc = graph_set(g, p, w, err);
		if (!rc && graph_slot_bytes(g, p, GRAPH_AVERAGE))
			rc = graph_slot_set(g, p, GRAPH_AVERAGE, w, err);
		if (!rc && q->kind == PARAM_TABLE && t->plan->config.multichannel)
			rc = graph_fix(g, p, w, err);
		free(mine);
		if (rc)
			return -1;
	}
	return 0;
}

static int list_records(struct trainer *t, struct err *err)
{
	const struct dataset *d = t->data;
	if (d->n > UINT32_MAX)
		return err_set(err, "more than 2^32 records");
	if (mem_alloc(&t->train, d->n, sizeof *t->train, err) || mem_alloc(&t->dev, d->n, sizeof *t->dev, err) ||
	    mem_alloc(&t->order, d->n, sizeof *t->order, err))
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		if (d->split[i] != SPLIT_TRAIN && d->split[i] != SPLIT_DEV)
			continue;
		if (d->label[i] < 0)
			return err_set(err, "record with id %llu is for training but has no label",
				       (unsigned long long)d->id[i]);
		if (d->split[i] == SPLIT_TRAIN)
			t->train[t->n_train++] = (uint32_t)i;
		else
			t->dev[t->n_dev++] = (uint32_t)i;
	}
	if (!t->n_train)
		return dataset_need_train(d, err);
	if (!t->n_dev && (t->plan->stop_top5 > 0 || t->plan->patience))
		return err_usage(err, "%s needs records marked dev; vic-split --dev marks some",
				 t->plan->patience ? "--patience" : "--stop-top5");
	return 0;
}

/* Records of the largest batch of training. */
static int largest_batch(const struct trainer *t)
{
	return (uint32_t)t->plan->batch < t->n_train ? t->plan->batch : (int)t->n_train;
}

/* 1: in batches of `size` some batch, or some shard of one, has one record. */
static int has_single(uint32_t n_train, uint32_t size, int shards)
{
	uint32_t last = (n_train - 1) % size + 1;
	return shard_least((int)last, shards) == 1 || (n_train >= size && shard_least((int)size, shards) == 1);
}

/* Batch normalisation of a single value gives its shift, whatever the value: such a channel learns nothing, and PyTorch
 * refuses it. A whole image of a batch of one is enough. */
static int refuse_single_values(const struct trainer *t, const struct graph *g, struct err *err)
{
	uint32_t n = t->n_train, size = (uint32_t)t->plan->batch, other = size;
	int shards = plan_shards(t->plan), full = n >= size && shard_least((int)size, shards) == 1;
	for (int i = 0; i < g->n_ops; i++) {
		struct shape s = g->value[g->op[i].in[0]].shape;
		if (g->op[i].type != OP_NORM || s.h * s.w > 1 || !has_single(n, size, shards))
			continue;
		if (n == 1)
			return err_set(err, "there is one training record, and the batch normalisation %s needs more "
				       "than one value a channel", g->op[i].name);
		if (n / 2 < (uint32_t)shards)
			return err_usage(err, "--shards %d: there are %u training records, and the batch normalisation "
					 "%s, of images of 1x1 there, needs at least two a shard", shards, n,
					 g->op[i].name);
		for (uint32_t d = 1; other == size; d++)
			other = size > d + 1 && !has_single(n, size - d, shards) ? size - d
				: !has_single(n, size + d, shards)		 ? size + d
										 : size;
		return err_usage(err,
				 "--batch %u: %s%s of the %u training records has one record, and the batch "
				 "normalisation %s, of images of 1x1 there, needs more than one value a channel; "
				 "--batch %u gives it more",
				 size, shards > 1 ? "a shard of " : "", full ? "each batch" : "the last batch", n,
				 g->op[i].name, other);
	}
	return 0;
}

/* Offers the device all images, so that a batch of them need not be brought to it each time. JPEG records are not
 * offered: a set that is kept so has no room there as pixels, or had better be packed. */
static int offer_images(const struct trainer *t, const struct device *dev, struct err *err)
{
	const struct stream_head *h = &t->data->head;
	if (h->kind != STREAM_IMAGES || h->encoding == ENCODING_JPEG || !dev->b->keep || t->data->n > INT32_MAX)
		return 0;
	struct images all = { .count = (int)t->data->n,
			      .h = h->height,
			      .w = h->width,
			      .c = h->channels,
			      .is_float = h->encoding == ENCODING_F32,
			      .pixel = t->data->images.pixel };
	return dev->b->keep(dev->ctx, &all, err) < 0 ? -1 : 0;
}

/* Builds the network and compiles it for the shards of batches of `batch` records. g: zeroed or released. */
static int make_graph(const struct trainer *t, struct graph *g, int batch, struct device *dev, struct err *err)
{
	const struct plan *plan = t->plan;
	struct plan of = *plan;
	of.batch = batch;
	graph_init(g);
	g->max_words = batcher_max_words(t->data, batch); /* a table's gradient has those of all shards in the end */
	return plan->net->build(plan->net, g, &plan->config, err) || refuse_single_values(t, g, err) ||
			       graph_compile(g, dev,
					     plan_room(&of, (uint32_t)batch < t->n_train ? batch : (int)t->n_train),
					     &plan->update, err)
		       ? -1
		       : 0;
}

/* A graph could not be made, and it may be memory that is short: the batch that there is memory for is found by making
 * graphs of smaller ones, and added to the message. Where none can be made, the batch is not the cause. */
static int offer_batch(const struct trainer *t, struct device *dev, struct err *err)
{
	int batch = t->plan->batch;
	struct graph g;
	if (err->cause != CAUSE_SYSTEM)
		return -1;
	for (int n = largest_batch(t) / 2; n >= 1; n /= 2) {
		struct plan of = *t->plan;
		struct err unheard = ERR_NONE;
		char why[sizeof err->msg];
		of.batch = n;
		if (plan_room(&of, n) >= t->eval_batch)
			continue;
		int rc = make_graph(t, &g, n, dev, &unheard);
		double gib = (double)g.arena_bytes * t->eval_batch / (1 << 30);
		graph_release(&g);
		if (rc)
			continue;
		err_phrase(why, sizeof why, "%s", err->msg);
		return err_system(err, "--batch %d takes %.3g GiB for the values of its records: %s; --batch %d fits",
				  batch, gib, why, n);
	}
	return -1;
}

static int open_all(struct trainer *t, struct device *dev, struct err *err)
{
	const struct plan *plan = t->plan;
	int images = t->data->head.kind == STREAM_IMAGES;
	if (list_records(t, err))
		return -1;
	t->eval_batch = plan_room(plan, largest_batch(t));
	if (plan->select == SELECT_DEV_REFINED && t->n_dev &&
	    mem_alloc(&t->judged, (size_t)t->n_dev * (size_t)plan->config.classes, sizeof *t->judged, err))
		return -1;
	return make_graph(t, &t->graph, plan->batch, dev, err) ||
			       turns_open(&t->turns, t->data, images ? &plan->preprocessing : NULL, dev->threads,
					  err) ||
			       offer_images(t, dev, err) || set_first_weights(t, err) ||
			       late_init(&t->late, &t->graph, t->eval_batch, 1, err) ||
			       (plan_shards(plan) > 1 &&
				accumulate_open(&t->accumulate, &t->graph, plan_shards(plan), largest_batch(t), err))
		       ? -1
		       : 0;
}

int trainer_open(struct trainer *t, const struct plan *plan, const struct dataset *data, struct device *dev,
		 struct err *err)
{
	*t = (struct trainer){ .plan = plan, .data = data };
	graph_init(&t->graph);
	if (!open_all(t, dev, err))
		return 0;
	struct trainer failed = *t; /* of which offer_batch reads numbers alone */
	trainer_release(t);
	return offer_batch(&failed, dev, err);
}
