#include "dataset.h"

#include "pipeline/crc.h"
#include "pipeline/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int text_data_add_words(struct text_data *d, const struct block *b, struct err *err)
{
	size_t dim = (size_t)d->head.dim, had = d->words ? d->word_end[d->words - 1] : 0, more = b->n ? b->word_end[b->n - 1] : 0;
	if (had + more > UINT32_MAX)
		return err_set(err, "the word table's text is longer than 4 GiB");
	if (mem_grow(&d->text, &d->cap_text, had + more, 1, err) ||
	    mem_grow(&d->word_end, &d->cap_word_end, d->words + (size_t)b->n, sizeof *d->word_end, err) ||
	    mem_grow(&d->vector, &d->cap_vector, (d->words + (size_t)b->n) * dim, sizeof *d->vector, err))
		return -1;
	memcpy(d->text + had, b->word, more);
	for (uint32_t i = 0; i < b->n; i++)
		d->word_end[d->words + i] = (uint32_t)had + b->word_end[i];
	memcpy(d->vector + d->words * dim, b->vector, b->n * dim * sizeof *d->vector);
	d->words += b->n;
	d->crc = crc32_of(d->crc, b->word, more);
	d->crc = crc32_of(d->crc, b->vector, b->n * dim * sizeof *d->vector);
	return 0;
}

int text_data_add_rows(struct text_data *d, const struct block *b, int max_tokens, struct err *err)
{
	size_t n = d->n + b->n, tokens = d->n ? d->begin[d->n] : 0;
	if (mem_grow(&d->id, &d->cap_id, n, sizeof *d->id, err) || mem_grow(&d->label, &d->cap_label, n, sizeof *d->label, err) ||
	    mem_grow(&d->split, &d->cap_split, n, 1, err) ||
	    mem_grow(&d->begin, &d->cap_begin, n + 1, sizeof *d->begin, err) ||
	    mem_grow(&d->token, &d->cap_token, tokens + b->data_len / 4, sizeof *d->token, err))
		return -1;
	d->begin[d->n] = tokens;
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len, at = d->n + i;
		const unsigned char *record = block_record(b, 0, i, &len);
		size_t count = len / 4;
		if (max_tokens && count > (size_t)max_tokens) {
			count = (size_t)max_tokens;
			d->cut++;
		}
		d->id[at] = b->id[i];
		d->label[at] = b->label[i];
		d->split[at] = b->split[i];
		memcpy(d->token + tokens, record, count * 4);
		tokens += count;
		d->begin[at + 1] = tokens;
	}
	d->n = n;
	d->crc = crc32_of(d->crc, b->data, b->data_len);
	d->crc = crc32_of(d->crc, b->label, b->n * sizeof *b->label);
	d->crc = crc32_of(d->crc, b->split, b->n);
	return 0;
}

int text_data_read(struct text_data *d, struct stream_reader *r, int max_tokens, struct err *err)
{
	struct block b;
	int rc;
	*d = (struct text_data){ 0 };
	if (stream_next_of(r, STREAM_TEXT, err) < 0 || stream_head_copy(&d->head, stream_head_of(r), err))
		return -1;
	d->provenance = json_deep_copy(stream_provenance(r));
	while ((rc = stream_next_block(r, &b, err)) == 1)
		if (b.type == BLOCK_WORDS ? text_data_add_words(d, &b, err) : text_data_add_rows(d, &b, max_tokens, err))
			return -1;
	if (rc < 0)
		return -1;
	if (!d->provenance)
		return err_set(err, "out of memory");
	if (!d->n || !d->words)
		return err_set(err, "%s: there are no records to train on", stream_name(r));
	rc = stream_next_document(r, err);
	if (rc == 1)
		return err_set(err, "%s: holds a second document; give vic-embed all tokens at once", stream_name(r));
	return rc;
}

void text_data_clear_rows(struct text_data *d)
{
	d->n = 0;
	if (d->begin)
		d->begin[0] = 0;
}

void text_data_release(struct text_data *d)
{
	stream_head_release(&d->head);
	json_decref(d->provenance);
	free(d->text);
	free(d->word_end);
	free(d->vector);
	free(d->id);
	free(d->label);
	free(d->split);
	free(d->begin);
	free(d->token);
	*d = (struct text_data){ 0 };
}
