/* Records are gone through twice: those marked train bring the n-grams, then all get their numbers. So what only dev or
 * test records say is no part of a model, and counts among a text's n-grams there as it will in any new text. */
#include "ngrams.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/vocab.h"

#include <stdlib.h>
#include <string.h>

void ngrams_begin(struct ngrams *g)
{
	g->words = 0;
}

int ngrams_add(struct ngrams *g, const char *word, size_t len, struct err *err)
{
	size_t at = g->words ? g->end[g->words - 1] + (size_t)1 : 0;
	if (at + len > UINT32_MAX)
		return err_set(err, "a text is longer than 4 GiB");
	if (mem_grow(&g->text, &g->cap_text, at + len + 1, 1, err) ||
	    mem_grow(&g->end, &g->cap_end, g->words + (size_t)1, sizeof *g->end, err))
		return -1;
	if (at)
		g->text[at - 1] = ' ';
	if (len)
		memcpy(g->text + at, word, len);
	g->end[g->words++] = (uint32_t)(at + len);
	return 0;
}

void ngrams_release(struct ngrams *g)
{
	free(g->text);
	free(g->end);
	*g = (struct ngrams){ 0 };
}

const char *ngrams_at(const struct ngrams *g, int n, uint32_t i, size_t *len)
{
	uint32_t from = i ? g->end[i - 1] + 1 : 0;
	*len = g->end[i + (uint32_t)n - 1] - from;
	return g->text + from;
}

static int read_record(struct ngrams *g, const struct text_data *t, size_t record, struct err *err)
{
	ngrams_begin(g);
	for (size_t k = t->begin[record]; k < t->begin[record + 1]; k++) {
		uint32_t word = t->token[k], from = word ? t->word_end[word - 1] : 0;
		if (ngrams_add(g, t->text + from, t->word_end[word] - from, err))
			return -1;
	}
	return 0;
}

static int learn(struct vocab *v, const struct ngrams *g, int n, struct err *err)
{
	size_t len;
	for (int k = 1; k <= n; k++)
		for (uint32_t i = 0; i < ngrams_count(g, k); i++) {
			const char *run = ngrams_at(g, k, i, &len);
			if (vocab_add(v, run, len, NULL, err))
				return -1;
		}
	return 0;
}

static int number(struct text_data *to, const struct vocab *v, const struct ngrams *g, int n, size_t *at,
		  struct err *err)
{
	size_t len;
	for (int k = 1; k <= n; k++)
		for (uint32_t i = 0; i < ngrams_count(g, k); i++) {
			const char *run = ngrams_at(g, k, i, &len);
			uint32_t found = vocab_find(v, run, len);
			if (mem_grow(&to->token, &to->cap_token, *at + 1, sizeof *to->token, err))
				return -1;
			to->token[(*at)++] = found == VOCAB_NONE ? 0 : found;
		}
	return 0;
}

/* The records of d in n-grams; v: an empty table. */
static int convert(struct text_data *to, const struct dataset *d, int n, struct vocab *v, struct ngrams *g,
		   struct err *err)
{
	size_t at = 0;
	if (vocab_add(v, "", 0, NULL, err) || mem_grow(&to->begin, &to->cap_begin, d->n + 1, sizeof *to->begin, err) ||
	    mem_grow(&to->token, &to->cap_token, 1, sizeof *to->token, err))
		return -1;
	for (size_t r = 0; r < d->n; r++)
		if (d->split[r] == SPLIT_TRAIN && (read_record(g, &d->text, r, err) || learn(v, g, n, err)))
			return -1;
	for (size_t r = 0; r < d->n; r++) {
		to->begin[r] = at;
		if (read_record(g, &d->text, r, err) || number(to, v, g, n, &at, err))
			return -1;
	}
	to->begin[d->n] = at;
	if (v->n == 1)
		return err_set(err, "no record marked train has a word");
	to->words = v->n;
	return mem_alloc(&to->vector, (size_t)v->n * (size_t)d->head.n_classes, sizeof *to->vector, err);
}

int ngrams_dataset(struct dataset *d, int n, struct err *err)
{
	struct text_data to = { .cut = d->text.cut };
	struct vocab v = { 0 };
	struct ngrams g = { 0 };
	int rc = convert(&to, d, n, &v, &g, err);
	if (!rc) { /* the table's memory, and d's old one to be freed */
		to.text = v.text;
		to.word_end = v.end;
		v.text = NULL;
		v.end = NULL;
		struct text_data old = d->text;
		d->text = to;
		to = old;
		d->head.dim = d->head.n_classes;
	}
	void *mine[] = { to.text, to.word_end, to.vector, to.begin, to.token };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
	vocab_release(&v);
	ngrams_release(&g);
	return rc ? -1 : 0;
}
