/* The words of a batch, numbered by first appearance, so that each distinct word is looked up once. number[w] is
 * valid where seen[w] == stamp; a new batch raises the stamp instead of clearing the marks. */
#include "batch.h"

#include "pipeline/base/mem.h"

#include <string.h>

int batcher_max_words(const struct dataset *data, int n)
{
	const struct text_data *t = &data->text;
	size_t longest = 0;
	for (size_t i = 0; t->begin && i < data->n; i++)
		if (t->begin[i + 1] - t->begin[i] > longest)
			longest = t->begin[i + 1] - t->begin[i];
	size_t most = longest * (size_t)n * 2;
	return (int)(most < t->words ? most : t->words);
}

int batch_text_begin(struct batcher *b, struct err *err)
{
	if (mem_grow(&b->begin, &b->cap_begin, 2, sizeof *b->begin, err))
		return -1;
	if (!++b->stamp) { /* the stamp came round: old marks could be taken for new ones */
		memset(b->seen, 0, b->data->text.words * sizeof *b->seen);
		b->stamp = 1;
	}
	b->words = (struct words){ .begin = b->begin, .local = b->local, .word = b->word };
	b->begin[0] = 0;
	b->batch.words = &b->words;
	return 0;
}

/* Words seen for the first time in this batch get the next number. */
int batch_text_add(struct batcher *b, uint32_t item, struct err *err)
{
	const struct text_data *d = &b->data->text;
	size_t n = d->begin[item + 1] - d->begin[item], at = b->begin[b->words.sentences];
	if (at + n > UINT32_MAX)
		return err_set(err, "a batch has more than 2^32 words");
	if (mem_grow(&b->begin, &b->cap_begin, (size_t)b->words.sentences + 2, sizeof *b->begin, err) ||
	    mem_grow(&b->local, &b->cap_local, at + n, sizeof *b->local, err) ||
	    mem_grow(&b->word, &b->cap_word, (size_t)b->words.distinct + n, sizeof *b->word, err))
		return -1;
	for (size_t t = 0; t < n; t++) {
		uint32_t w = d->token[d->begin[item] + t];
		if (b->seen[w] != b->stamp) {
			b->seen[w] = b->stamp;
			b->number[w] = (uint32_t)b->words.distinct;
			b->word[b->words.distinct++] = w;
		}
		b->local[at + t] = b->number[w];
	}
	b->begin[++b->words.sentences] = (uint32_t)(at + n);
	b->words.begin = b->begin; /* these may have moved */
	b->words.local = b->local;
	b->words.word = b->word;
	return 0;
}
