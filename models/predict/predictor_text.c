/* Words for prediction. The table's rows are the model's words as the model numbers them, then a row of zeros, then
 * words that only the stream has. Word numbers of a text stream go through p->row; tokens are looked up by their
 * letters, and unknown ones get the row of zeros. Records are cut as in training, by the model's max_tokens. */
#include "predictor.h"

#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <string.h>

int predictor_text_open(struct predictor *p, struct err *err)
{
	const struct model *m = p->model;
	uint32_t from = 0;
	if (vocab_init(&p->known, (size_t)m->config.vocabulary, err))
		return -1;
	for (int64_t i = 0; i < m->config.vocabulary; from = m->word_end[i++]) {
		uint32_t number;
		if (vocab_add(&p->known, m->text + from, m->word_end[i] - from, &number, err))
			return -1;
		if (number != i)
			return err_set(err, "%s: word %lld of the vocabulary is there twice", m->file.name,
				       (long long)i);
	}
	return 0;
}

int predictor_text_document(struct predictor *p, const struct stream_head *head, struct err *err)
{
	const struct model *m = p->model;
	struct text_data *t = &p->data.text;
	const struct st_tensor *vectors = safetensors_find(&m->file, "words.vectors");
	size_t rows = (size_t)m->config.vocabulary + 1, dim = (size_t)m->config.dim;
	if (head->kind != STREAM_TEXT && head->kind != STREAM_TOKENS)
		return err_set(err, "is a stream of %s; this model reads text or tokens; %s",
			       stream_kind_name(head->kind), sniff_stream_remedy(stream_kind_name(head->kind)));
	if (head->kind == STREAM_TEXT && !m->net->ngrams && head->dim != m->config.dim)
		return err_set(err, "its word vectors have %d numbers, the model's %d", head->dim, m->config.dim);
	if (mem_grow(&t->vector, &t->cap_vector, rows * dim, sizeof *t->vector, err))
		return -1;
	p->data.head.dim = m->config.dim;
	memcpy(t->vector, vectors->data, (rows - 1) * dim * sizeof *t->vector);
	memset(t->vector + (rows - 1) * dim, 0, dim * sizeof *t->vector);
	t->words = (uint32_t)rows;
	return 0;
}

/* The model's row of a word, or -1. */
static int64_t model_row(const struct predictor *p, const char *word, size_t len)
{
	uint32_t number = vocab_find(&p->known, word, len);
	return number == VOCAB_NONE ? -1 : (int64_t)number;
}

/* Of a network of n-grams: the letters of the document's words. */
static int keep_words(struct predictor *p, const struct block *b, struct err *err)
{
	struct text_data *t = &p->data.text;
	size_t had = p->n_row ? t->word_end[p->n_row - 1] : 0, more = b->n ? b->word_end[b->n - 1] : 0;
	if (had + more > UINT32_MAX)
		return err_set(err, "the word table's text is longer than 4 GiB");
	if (mem_grow(&t->text, &t->cap_text, had + more, 1, err) ||
	    mem_grow(&t->word_end, &t->cap_word_end, p->n_row + b->n, sizeof *t->word_end, err))
		return -1;
	if (more)
		memcpy(t->text + had, b->word, more);
	for (uint32_t i = 0; i < b->n; i++)
		t->word_end[p->n_row++] = (uint32_t)had + b->word_end[i];
	return 0;
}

int predictor_words(struct predictor *p, const struct block *b, struct err *err)
{
	size_t dim = (size_t)p->data.head.dim;
	struct text_data *t = &p->data.text;
	if (p->model->net->ngrams)
		return keep_words(p, b, err);
	if (mem_grow(&p->row, &p->cap_row, p->n_row + b->n, sizeof *p->row, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t from = i ? b->word_end[i - 1] : 0;
		int64_t row = model_row(p, b->word + from, b->word_end[i] - from);
		if (row < 0) {
			if (mem_grow(&t->vector, &t->cap_vector, (t->words + (size_t)1) * dim, sizeof *t->vector, err))
				return -1;
			float *to = t->vector + t->words * dim;
			memcpy(to, b->vector + i * dim, dim * sizeof *to);
			for (size_t d = 0; d < dim && p->model->multichannel; d++)
				to[d] += to[d];
			row = t->words++;
		}
		p->row[p->n_row++] = (uint32_t)row;
	}
	return 0;
}

/* The record's first words into p->line. */
static int read_line(struct predictor *p, const unsigned char *record, size_t len, struct err *err)
{
	const struct text_data *t = &p->data.text;
	int ids = p->data.head.kind == STREAM_TEXT;
	size_t most = p->model->max_tokens ? (size_t)p->model->max_tokens : SIZE_MAX;
	ngrams_begin(&p->line);
	for (size_t at = 0; at < len && p->line.words < most;) {
		const char *word = (const char *)record + at;
		size_t n;
		if (ids) {
			uint32_t id;
			memcpy(&id, record + at, 4);
			word = t->text + (id ? t->word_end[id - 1] : 0);
			n = t->word_end[id] - (id ? t->word_end[id - 1] : 0);
			at += 4;
		} else {
			const char *space = memchr(word, ' ', len - at);
			n = space ? (size_t)(space - word) : len - at;
			at += n + 1;
		}
		if (ngrams_add(&p->line, word, n, err))
			return -1;
	}
	return 0;
}

/* The record's n-grams as rows of the table, in the order of ngrams_dataset. Counted as unknown are words. */
static int add_ngrams(struct predictor *p, const unsigned char *record, size_t len, struct err *err)
{
	struct text_data *t = &p->data.text;
	if (read_line(p, record, len, err))
		return -1;
	size_t n = t->begin[p->data.n], run;
	for (int k = 1; k <= p->model->config.ngrams; k++) {
		uint32_t count = ngrams_count(&p->line, k);
		if (mem_grow(&t->token, &t->cap_token, n + count + 1, sizeof *t->token, err))
			return -1;
		for (uint32_t i = 0; i < count; i++) {
			const char *letters = ngrams_at(&p->line, k, i, &run);
			int64_t row = model_row(p, letters, run);
			p->unknown += k == 1 && row < 0;
			t->token[n++] = row < 0 ? (uint32_t)p->model->config.vocabulary : (uint32_t)row;
		}
	}
	p->tokens += p->line.words;
	t->begin[p->data.n + 1] = n;
	return 0;
}

/* The record's words as rows of the table. */
int predictor_text_add(struct predictor *p, const unsigned char *record, size_t len, struct err *err)
{
	struct text_data *t = &p->data.text;
	int ids = p->data.head.kind == STREAM_TEXT;
	size_t most = p->model->max_tokens ? (size_t)p->model->max_tokens : SIZE_MAX, had, n;
	if (mem_grow(&t->begin, &t->cap_begin, p->data.n + 2, sizeof *t->begin, err))
		return -1;
	if (!p->data.n)
		t->begin[0] = 0;
	if (p->model->net->ngrams)
		return add_ngrams(p, record, len, err);
	n = had = t->begin[p->data.n];
	if (mem_grow(&t->token, &t->cap_token, had + len / (ids ? 4 : 1) + 1, sizeof *t->token, err))
		return -1;
	for (size_t i = 0; ids && i < len / 4 && i < most; i++) {
		uint32_t id;
		memcpy(&id, record + 4 * i, 4);
		t->token[n++] = p->row[id];
	}
	for (size_t at = 0; !ids && at < len && n - had < most;) {
		const unsigned char *space = memchr(record + at, ' ', len - at);
		size_t end = space ? (size_t)(space - record) : len;
		int64_t row = model_row(p, (const char *)record + at, end - at);
		p->unknown += row < 0;
		t->token[n++] = row < 0 ? (uint32_t)p->model->config.vocabulary : (uint32_t)row;
		at = end + 1;
	}
	p->tokens += n - had;
	t->begin[p->data.n + 1] = n;
	return 0;
}
