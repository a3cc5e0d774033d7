/* The words and records of a text document, end to end. word_end and begin count over all blocks. The checksum
 * covers whole records, so --max-tokens cuts only what is kept. */
#include "dataset.h"

#include "pipeline/base/crc.h"
#include "pipeline/base/mem.h"

#include <string.h>

int text_data_add_words(struct dataset *d, const struct block *b, struct err *err)
{
	struct text_data *t = &d->text;
	size_t dim = (size_t)d->head.dim, had = t->words ? t->word_end[t->words - 1] : 0,
	       more = b->n ? b->word_end[b->n - 1] : 0;
	if (had + more > UINT32_MAX)
		return err_set(err, "the word table's text is longer than 4 GiB");
	if (mem_grow(&t->text, &t->cap_text, had + more, 1, err) ||
	    mem_grow(&t->word_end, &t->cap_word_end, t->words + (size_t)b->n, sizeof *t->word_end, err) ||
	    mem_grow(&t->vector, &t->cap_vector, (t->words + (size_t)b->n) * dim, sizeof *t->vector, err))
		return -1;
	if (more)
		memcpy(t->text + had, b->word, more);
	for (uint32_t i = 0; i < b->n; i++)
		t->word_end[t->words + i] = (uint32_t)had + b->word_end[i];
	memcpy(t->vector + t->words * dim, b->vector, b->n * dim * sizeof *t->vector);
	t->words += b->n;
	d->crc = crc32_of(d->crc, b->word, more);
	d->crc = crc32_of(d->crc, b->vector, b->n * dim * sizeof *t->vector);
	return 0;
}

/* Room for the records of a block, and for at most so many words of theirs. */
static int room_for_rows(struct dataset *d, const struct block *b, size_t words, struct err *err)
{
	struct text_data *t = &d->text;
	size_t tokens = d->n ? t->begin[d->n] : 0;
	if (mem_grow(&t->begin, &t->cap_begin, d->n + b->n + 1, sizeof *t->begin, err) ||
	    mem_grow(&t->token, &t->cap_token, tokens + words, sizeof *t->token, err))
		return -1;
	t->begin[d->n] = tokens;
	return 0;
}

int text_data_add_rows(struct dataset *d, const struct block *b, int max_tokens, struct err *err)
{
	struct text_data *t = &d->text;
	if (room_for_rows(d, b, b->data_len / 4, err))
		return -1;
	size_t tokens = t->begin[d->n];
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len;
		const unsigned char *record = block_record(b, 0, i, &len);
		size_t count = len / 4;
		if (max_tokens && count > (size_t)max_tokens) {
			count = (size_t)max_tokens;
			t->cut++;
		}
		if (count) /* there may be no memory for none */
			memcpy(t->token + tokens, record, count * 4);
		tokens += count;
		t->begin[d->n + i + 1] = tokens;
	}
	return 0;
}

int text_data_add_tokens(struct dataset *d, const struct block *b, int max_tokens, struct err *err)
{
	struct text_data *t = &d->text;
	size_t most = max_tokens ? (size_t)max_tokens : SIZE_MAX;
	if (room_for_rows(d, b, b->data_len, err)) /* a word has a letter, or a space behind it */
		return -1;
	size_t tokens = t->begin[d->n];
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len, at = 0, count = 0;
		const char *record = (const char *)block_record(b, 0, i, &len);
		for (; at < len && count < most; count++) {
			const char *space = memchr(record + at, ' ', len - at);
			size_t n = space ? (size_t)(space - record) - at : len - at;
			if (vocab_add(&d->known, record + at, n, &t->token[tokens + count], err))
				return -1;
			at += n + 1;
		}
		t->cut += at < len;
		tokens += count;
		t->begin[d->n + i + 1] = tokens;
	}
	return 0;
}
