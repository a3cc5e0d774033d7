/* Predicts a document block by block. The data set holds the records of the block at hand, but the word table of the
 * whole document; so the graph is built at the first rows, when all word blocks have been read. A batch has as
 * many records as ARENA has room for, up to a fixed number. */
#include "predictor.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records at once: sentences, images; fewer where their activations would take more than ARENA bytes. */
enum { TEXT_BATCH = 512, IMAGE_BATCH = 64, ARENA = 256 << 20 };

static int of_words(const struct predictor *p)
{
	return p->model->net->input == NET_WORDS;
}

int predictor_open(struct predictor *p, const struct model *model, struct device *dev, int passes, uint64_t seed,
		   struct err *err)
{
	*p = (struct predictor){ .model = model, .dev = dev, .passes = passes, .seed = seed };
	if (passes && !(model->config.dropout > 0))
		return err_usage(
			err, "--mc-dropout: the model was trained without dropout, so all passes would be the same; "
			     "vic-train --dropout P");
	return of_words(p) ? predictor_text_open(p, err) : 0;
}

static void forget_document(struct predictor *p)
{
	late_release(&p->late);
	graph_release(&p->graph);
	turns_release(&p->turns);
	dataset_release(&p->data);
	free(p->label);
	p->label = NULL;
	p->n_row = 0;
	p->ready = 0;
}

void predictor_release(struct predictor *p)
{
	forget_document(p);
	vocab_release(&p->known);
	ngrams_release(&p->line);
	free(p->row);
	free(p->logits);
	*p = (struct predictor){ 0 };
}

int predictor_document(struct predictor *p, const struct stream_head *head, struct err *err)
{
	const struct model *m = p->model;
	forget_document(p);
	if (stream_head_copy(&p->data.head, head, err) ||
	    (!of_words(p) && predictor_images_document(p, head, err)) ||
	    mem_alloc(&p->label, (size_t)head->n_classes, sizeof *p->label, err) ||
	    (of_words(p) && predictor_text_document(p, head, err)))
		return -1;
	for (int i = 0; i < head->n_classes; i++) {
		p->label[i] = -1;
		for (int k = 0; k < m->config.classes; k++)
			if (!strcmp(head->classes[i], m->classes[k]))
				p->label[i] = k;
	}
	return 0;
}

/* Records at once; needs the graph's plan. */
static int batch_size(const struct graph *g, int most)
{
	size_t fit = ARENA / g->arena_bytes;
	return fit < 1 ? 1 : fit < (size_t)most ? (int)fit : most;
}

static int set_weights(struct predictor *p, struct err *err)
{
	for (int i = 0; i < p->graph.n_params; i++) {
		const struct param *q = &p->graph.param[i];
		const struct st_tensor *from;
		size_t shape[4];
		for (int k = 0; k < q->ndim; k++)
			shape[k] = (size_t)q->dim[k];
		if (q->kind == PARAM_TABLE) {
			if (graph_set(&p->graph, i, p->data.text.vector, err))
				return -1;
		} else if (safetensors_need(&p->model->file, q->name, ST_F32, q->ndim, shape, &from, err) ||
			   graph_set(&p->graph, i, from->data, err))
			return -1;
	}
	return 0;
}

static int make_ready(struct predictor *p, struct err *err)
{
	struct net_config c = p->model->config;
	c.vocabulary = p->data.text.words;
	c.frozen_words = 1;
	graph_init(&p->graph);
	if (p->model->net->build(p->model->net, &p->graph, &c, err) || graph_plan(&p->graph, 0, err))
		return -1;
	p->batch = batch_size(&p->graph, of_words(p) ? TEXT_BATCH : IMAGE_BATCH);
	if (graph_compile(&p->graph, p->dev, p->batch, NULL, err) ||
	    turns_open(&p->turns, &p->data, of_words(p) ? NULL : &p->model->preprocessing, p->dev->threads, err) ||
	    set_weights(p, err) || late_init(&p->late, &p->graph, p->batch, 0, err))
		return -1;
	p->ready = 1;
	return 0;
}

static int take_records(struct predictor *p, const struct block *b, const unsigned char *keep, struct err *err)
{
	struct dataset *d = &p->data;
	size_t each = stream_record_size(&d->head);
	d->n = 0;
	if (mem_grow(&d->id, &d->cap_id, b->n, sizeof *d->id, err) ||
	    mem_grow(&d->label, &d->cap_label, b->n, sizeof *d->label, err) ||
	    mem_grow(&d->split, &d->cap_split, b->n, 1, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len;
		const unsigned char *record = block_record(b, each, i, &len);
		if (keep && !keep[i])
			continue;
		if (of_words(p) ? predictor_text_add(p, record, len, err) : predictor_images_add(p, record, len, err))
			return -1;
		int label = b->label[i] < 0 ? -1 : p->label[b->label[i]];
		p->unknown_labels += b->label[i] >= 0 && label < 0;
		d->id[d->n] = b->id[i];
		d->label[d->n] = label;
		d->split[d->n++] = b->split[i];
	}
	return 0;
}

/* One pass of some records; the passes of a record stand side by side. */
static int take_pass(void *ctx, const struct answer *a, struct err *err)
{
	struct predictor *p = ctx;
	size_t classes = (size_t)p->model->config.classes, row = classes * (size_t)(p->passes ? p->passes : 1);
	for (size_t i = 0; i < (size_t)a->n * classes; i++)
		if (!isfinite(a->logits[i]))
			return err_set(err, "record with id %llu: the network answers %g",
				       (unsigned long long)p->data.id[a->first + i / classes], (double)a->logits[i]);
	for (size_t i = 0; i < (size_t)a->n; i++)
		memcpy(p->logits + (a->first + i) * row + (size_t)a->pass * classes, a->logits + i * classes,
		       classes * sizeof *p->logits);
	return 0;
}

/* The batch of the block's records from `at` on. */
static int make_batch(const struct turns_pass *pass, struct batcher *b, size_t at, struct err *err)
{
	const struct predictor *p = pass->ctx;
	uint32_t item[TEXT_BATCH] = { 0 };
	int n = (int)(pass->n - at < pass->step ? pass->n - at : pass->step);
	for (int i = 0; i < n; i++)
		item[i] = (uint32_t)at + (uint32_t)i;
	if (batch_plain(b, item, n, err))
		return -1;
	for (int i = 0; i < n; i++) /* a mask depends on the record, not on where its block was cut */
		b->sample[i] = (uint32_t)p->data.id[at + (size_t)i];
	return 0;
}

/* b's records, from `at` on, through the network, once a pass. */
static int one_batch(struct predictor *p, struct batcher *b, size_t at, struct err *err)
{
	for (int s = 0; s < (p->passes ? p->passes : 1); s++) {
		b->batch.seed = p->seed;
		b->batch.epoch = (uint32_t)s;
		if (graph_forward(&p->graph, &b->batch, p->passes ? PHASE_SAMPLE : PHASE_PREDICT, err) ||
		    late_add(&p->late, &(struct answer){ .n = b->batch.n, .first = at, .pass = s }, NULL, err))
			return -1;
	}
	return 0;
}

/* All records of the block. */
static int all_batches(struct predictor *p, struct err *err)
{
	struct turns_pass pass = { p->data.n, (size_t)p->batch, make_batch, p };
	turns_begin(&p->turns);
	for (size_t at = 0; at < pass.n; at += pass.step)
		if (turns_take(&p->turns, &pass, at, err) || one_batch(p, turns_now(&p->turns), at, err))
			return -1;
	return 0;
}

int predictor_rows(struct predictor *p, const struct block *b, const unsigned char *keep, struct err *err)
{
	size_t row = (size_t)p->model->config.classes * (size_t)(p->passes ? p->passes : 1);
	if ((!p->ready && make_ready(p, err)) || take_records(p, b, keep, err) ||
	    mem_grow(&p->logits, &p->cap_logits, p->data.n * row, sizeof *p->logits, err))
		return -1;
	late_begin(&p->late, take_pass, p);
	return all_batches(p, err) ? -1 : late_finish(&p->late, err);
}
