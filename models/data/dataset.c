/* Reads one document into memory. crc covers, in the order read, all that training depends on: words with their
 * vectors, records as they came (before --max-tokens cuts them), labels and splits; ids are not in it. A block is
 * added by its kind's function first, which takes d->n for the number of its first record; dataset_add_rows then
 * raises d->n. */
#include "dataset.h"

#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <stdlib.h>
#include <string.h>

int dataset_begin(struct dataset *d, const struct stream_reader *r, struct err *err)
{
	*d = (struct dataset){ 0 };
	const struct stream_head *head = stream_head_of(r);
	if (head->kind == STREAM_LOGITS)
		return err_set(err, "%s: is a stream of %s; this program reads text or images; %s", stream_name(r),
			       stream_kind_name(head->kind), sniff_stream_remedy(stream_kind_name(head->kind)));
	if (head->kind == STREAM_IMAGES && image_data_usable(head, err))
		return err_context(err, "%s", stream_name(r));
	if (stream_head_copy(&d->head, head, err))
		return -1;
	d->tokens = head->kind == STREAM_TOKENS;
	if (d->tokens) {
		d->head.kind = STREAM_TEXT;
		d->head.dim = 0;
	}
	d->provenance = jsontext_copy(stream_provenance(r));
	return d->provenance ? 0 : err_memory(err);
}

uint32_t dataset_crc(uint32_t crc, const void *data, size_t bytes, const int32_t *label, const uint8_t *split,
		     uint32_t n)
{
	crc = crc32_of(crc, data, bytes);
	crc = crc32_of(crc, label, n * sizeof *label);
	return crc32_of(crc, split, n);
}

int dataset_add_rows(struct dataset *d, const struct block *b, struct err *err)
{
	size_t n = d->n + b->n;
	if (mem_grow(&d->id, &d->cap_id, n, sizeof *d->id, err) ||
	    mem_grow(&d->label, &d->cap_label, n, sizeof *d->label, err) ||
	    mem_grow(&d->split, &d->cap_split, n, 1, err))
		return -1;
	memcpy(d->id + d->n, b->id, b->n * sizeof *d->id);
	memcpy(d->label + d->n, b->label, b->n * sizeof *d->label);
	memcpy(d->split + d->n, b->split, b->n);
	d->n = n;
	d->crc = dataset_crc(d->crc, b->data, b->data_len, b->label, b->split, b->n);
	return 0;
}

static int add_block(struct dataset *d, struct stream_reader *r, const struct block *b, int max_tokens, struct err *err)
{
	if (b->type == BLOCK_WORDS)
		return text_data_add_words(d, b, err);
	int rc = d->tokens			? text_data_add_tokens(d, b, max_tokens, err)
		 : d->head.kind == STREAM_TEXT	? text_data_add_rows(d, b, max_tokens, err)
						: image_data_add_rows(d, r, b, err);
	return rc ? rc : dataset_add_rows(d, b, err);
}

int dataset_read(struct dataset *d, struct stream_reader *r, int max_tokens, struct err *err)
{
	struct block b;
	int rc;
	while ((rc = stream_next_block(r, &b, err)) == 1)
		if (add_block(d, r, &b, max_tokens, err))
			return -1;
	if (rc < 0)
		return -1;
	int text = d->head.kind == STREAM_TEXT;
	if (d->tokens) {
		d->text.words = d->known.n;
		d->text.text = d->known.text;
		d->text.word_end = d->known.end;
		d->known.text = NULL;
		d->known.end = NULL;
		vocab_release(&d->known);
	}
	if (!d->n)
		return err_set(err,
			       "%s: holds no record at all: what wrote it found none, or passed over all of them "
			       "(vic-cat --provenance shows what that was)",
			       stream_name(r));
	if (text && !d->text.words)
		return err_set(err, "%s: all %zu records are empty: there is no word to train on", stream_name(r),
			       d->n);
	rc = stream_next_document(r, err);
	if (rc == 1)
		return err_set(err, "%s: holds a second document; give %s at once", stream_name(r),
			       text ? "vic-embed all tokens" : "vic-images all files");
	return rc;
}

int dataset_need_train(const struct dataset *d, struct err *err)
{
	size_t count[SPLIT_COUNT] = { 0 };
	char marked[160];
	int at = 0;
	for (size_t i = 0; i < d->n; i++)
		count[d->split[i]]++;
	if (count[SPLIT_TRAIN])
		return 0;
	for (int k = 0; k < SPLIT_COUNT; k++)
		if (count[k])
			at += snprintf(marked + at, sizeof marked - (size_t)at, "%s%zu %s", at ? ", " : "", count[k],
				       split_name(k));
	return err_set(err,
		       "none of the %zu records is marked train, which are trained on (%s); vic-split --remark, with "
		       "--test or --dev, marks them anew",
		       d->n, marked);
}

void dataset_release(struct dataset *d)
{
	struct text_data *t = &d->text;
	void *mine[] = { d->id, d->label, d->split, t->text, t->word_end, t->vector, t->begin, t->token };
	stream_head_release(&d->head);
	vocab_release(&d->known);
	json_decref(d->provenance);
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
	image_data_release(&d->images);
	*d = (struct dataset){ 0 };
}
