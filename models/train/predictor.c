#include "predictor.h"

#include "pipeline/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PREDICT_BATCH = 512 };

int predictor_open(struct predictor *p, const struct model *model, struct device *dev, int passes, uint64_t seed, struct err *err)
{
	*p = (struct predictor){ .model = model, .dev = dev, .passes = passes, .seed = seed };
	uint32_t from = 0;
	if (vocab_init(&p->known, (size_t)model->config.vocabulary, err))
		return -1;
	for (int64_t i = 0; i < model->config.vocabulary; from = model->word_end[i++]) {
		uint32_t number;
		if (vocab_add(&p->known, model->text + from, model->word_end[i] - from, &number, err))
			return -1;
		if (number != i)
			return err_set(err, "%s: word %lld of the vocabulary is there twice", model->file.name, (long long)i);
	}
	return 0;
}

static void forget_document(struct predictor *p)
{
	graph_release(&p->graph);
	batcher_release(&p->batcher);
	text_data_release(&p->data);
	free(p->label);
	p->label = NULL;
	p->n_row = 0;
	p->ready = 0;
}

void predictor_release(struct predictor *p)
{
	forget_document(p);
	vocab_release(&p->known);
	free(p->row);
	free(p->logits);
	*p = (struct predictor){ 0 };
}

int predictor_document(struct predictor *p, const struct stream_head *head, struct err *err)
{
	const struct model *m = p->model;
	const struct st_tensor *vectors = safetensors_find(&m->file, "words.vectors");
	size_t rows = (size_t)m->config.vocabulary + 1, dim = (size_t)m->config.dim;
	forget_document(p);
	if (head->kind != STREAM_TEXT && head->kind != STREAM_TOKENS)
		return err_set(err, "a stream of %s; this model reads text or tokens", stream_kind_name(head->kind));
	if (head->kind == STREAM_TEXT && head->dim != m->config.dim)
		return err_set(err, "its word vectors have %d numbers, the model's %d", head->dim, m->config.dim);
	if (stream_head_copy(&p->data.head, head, err) || mem_alloc(&p->label, (size_t)head->n_classes, sizeof *p->label, err) ||
	    mem_grow(&p->data.vector, &p->data.cap_vector, rows * dim, sizeof *p->data.vector, err))
		return -1;
	p->data.head.dim = m->config.dim;
	memcpy(p->data.vector, vectors->data, (rows - 1) * dim * sizeof *p->data.vector);
	memset(p->data.vector + (rows - 1) * dim, 0, dim * sizeof *p->data.vector);
	p->data.words = (uint32_t)rows;
	for (int i = 0; i < head->n_classes; i++) {
		p->label[i] = -1;
		for (int k = 0; k < m->config.classes; k++)
			if (!strcmp(head->classes[i], m->classes[k]))
				p->label[i] = k;
	}
	return 0;
}

/* The model's row of a word, or -1. */
static int64_t model_row(const struct predictor *p, const char *word, size_t len)
{
	uint32_t number = vocab_find(&p->known, word, len);
	return number == VOCAB_NONE ? -1 : (int64_t)number;
}

int predictor_words(struct predictor *p, const struct block *b, struct err *err)
{
	size_t dim = (size_t)p->data.head.dim;
	struct text_data *d = &p->data;
	if (mem_grow(&p->row, &p->cap_row, p->n_row + b->n, sizeof *p->row, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t from = i ? b->word_end[i - 1] : 0;
		int64_t row = model_row(p, b->word + from, b->word_end[i] - from);
		if (row < 0) {
			if (mem_grow(&d->vector, &d->cap_vector, (d->words + (size_t)1) * dim, sizeof *d->vector, err))
				return -1;
			memcpy(d->vector + d->words * dim, b->vector + i * dim, dim * sizeof *d->vector);
			row = d->words++;
		}
		p->row[p->n_row++] = (uint32_t)row;
	}
	return 0;
}

static int make_ready(struct predictor *p, struct err *err)
{
	struct net_config c = p->model->config;
	c.vocabulary = p->data.words;
	c.frozen_words = 1;
	graph_init(&p->graph);
	if (p->model->net->build(&p->graph, &c, err) || graph_compile(&p->graph, p->dev, PREDICT_BATCH, NULL, err) ||
	    batcher_init(&p->batcher, &p->data, err))
		return -1;
	for (int i = 0; i < p->graph.n_params; i++) {
		const struct param *q = &p->graph.param[i];
		const struct st_tensor *from;
		size_t shape[4];
		for (int k = 0; k < q->ndim; k++)
			shape[k] = (size_t)q->dim[k];
		if (q->kind == PARAM_TABLE) {
			if (graph_set(&p->graph, i, p->data.vector, err))
				return -1;
		} else if (safetensors_need(&p->model->file, q->name, ST_F32, q->ndim, shape, &from, err) ||
			   graph_set(&p->graph, i, from->data, err))
			return -1;
	}
	p->ready = 1;
	return 0;
}

/* Appends one record's words as rows of the table. */
static int add_tokens(struct predictor *p, const unsigned char *record, size_t len, size_t *n, struct err *err)
{
	struct text_data *d = &p->data;
	size_t most = p->model->max_tokens ? (size_t)p->model->max_tokens : SIZE_MAX, had = *n;
	if (mem_grow(&d->token, &d->cap_token, had + len / (d->head.kind == STREAM_TEXT ? 4 : 1) + 1, sizeof *d->token, err))
		return -1;
	if (d->head.kind == STREAM_TEXT) {
		for (size_t i = 0; i < len / 4 && i < most; i++) {
			uint32_t id;
			memcpy(&id, record + 4 * i, 4);
			d->token[(*n)++] = p->row[id];
		}
		p->tokens += *n - had;
		return 0;
	}
	for (size_t at = 0; at < len && *n - had < most;) {
		const unsigned char *space = memchr(record + at, ' ', len - at);
		size_t end = space ? (size_t)(space - record) : len;
		int64_t row = model_row(p, (const char *)record + at, end - at);
		p->unknown += row < 0;
		d->token[(*n)++] = row < 0 ? (uint32_t)p->model->config.vocabulary : (uint32_t)row;
		at = end + 1;
	}
	p->tokens += *n - had;
	return 0;
}

static int take_records(struct predictor *p, const struct block *b, const unsigned char *keep, struct err *err)
{
	struct text_data *d = &p->data;
	size_t tokens = 0;
	text_data_clear_rows(d);
	if (mem_grow(&d->id, &d->cap_id, b->n, sizeof *d->id, err) || mem_grow(&d->label, &d->cap_label, b->n, sizeof *d->label, err) ||
	    mem_grow(&d->split, &d->cap_split, b->n, 1, err) || mem_grow(&d->begin, &d->cap_begin, b->n + 1u, sizeof *d->begin, err))
		return -1;
	d->begin[0] = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len;
		const unsigned char *record = block_record(b, 0, i, &len);
		if (keep && !keep[i])
			continue;
		if (add_tokens(p, record, len, &tokens, err))
			return -1;
		int label = b->label[i] < 0 ? -1 : p->label[b->label[i]];
		p->strange += b->label[i] >= 0 && label < 0;
		d->id[d->n] = b->id[i];
		d->label[d->n] = label;
		d->split[d->n] = b->split[i];
		d->begin[++d->n] = tokens;
	}
	return 0;
}

int predictor_rows(struct predictor *p, const struct block *b, const unsigned char *keep, struct err *err)
{
	int classes = p->model->config.classes, samples = p->passes ? p->passes : 1;
	size_t row = (size_t)samples * (size_t)classes;
	uint32_t item[PREDICT_BATCH];
	if ((!p->ready && make_ready(p, err)) || take_records(p, b, keep, err) ||
	    mem_grow(&p->logits, &p->cap_logits, p->data.n * row + (size_t)PREDICT_BATCH * (size_t)classes, sizeof *p->logits, err))
		return -1;
	float *part = p->logits + p->data.n * row; /* one pass over one batch */
	for (size_t at = 0; at < p->data.n; at += PREDICT_BATCH) {
		int n = p->data.n - at < PREDICT_BATCH ? (int)(p->data.n - at) : PREDICT_BATCH;
		for (int i = 0; i < n; i++)
			item[i] = (uint32_t)at + (uint32_t)i;
		if (batch_plain(&p->batcher, item, n, err))
			return -1;
		for (int i = 0; i < n; i++) /* a mask depends on the record, not on where its block was cut */
			p->batcher.sample[i] = (uint32_t)p->data.id[at + (size_t)i];
		for (int s = 0; s < samples; s++) {
			p->batcher.batch.seed = p->seed;
			p->batcher.batch.epoch = (uint32_t)s;
			if (graph_forward(&p->graph, &p->batcher.batch, p->passes ? PHASE_SAMPLE : PHASE_PREDICT, err) ||
			    graph_read(&p->graph, p->graph.logits, n, part, err))
				return -1;
			for (int i = 0; i < n; i++)
				memcpy(p->logits + (at + (size_t)i) * row + (size_t)s * (size_t)classes, part + i * classes,
				       (size_t)classes * sizeof *part);
		}
	}
	return 0;
}
