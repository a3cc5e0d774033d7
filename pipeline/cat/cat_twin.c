/* The text twin (docs/STREAM.md) and the word table. All that comes from outside is escaped (text.h), so that a
 * record is always one line. An image is shown by size and CRC-32, everything else in full.
 * pick_record counts the records that it accepts: ask it exactly once for each. */
#include "cat.h"
#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/stream/stream_format.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int pick_record(struct pick *p, const struct block *b, uint32_t i)
{
	if ((p->split >= 0 && b->split[i] != p->split) || p->taken >= p->limit)
		return 0;
	p->taken++;
	return 1;
}

int cat_label(struct output *out, const struct stream_head *head, int32_t label, struct err *err)
{
	if (label < 0)
		return output_write(out, "-", 1, err);
	return text_write(out, head->classes[label], strlen(head->classes[label]), TEXT_NAME, err);
}

static int twin_words(struct output *out, const struct wordmap *map, const unsigned char *record, size_t len,
		      struct err *err)
{
	for (size_t at = 0; at < len; at += 4) {
		uint32_t id;
		size_t n;
		memcpy(&id, record + at, 4);
		const char *word = wordmap_word(map, id, &n);
		if ((at && output_write(out, " ", 1, err)) || text_write(out, word, n, TEXT_WORD, err))
			return -1;
	}
	return 0;
}

/* Values a space apart, passes " | " apart; 9 and 17 digits bring every float and double back. */
static int twin_logits(struct output *out, const struct stream_head *head, const unsigned char *record, struct err *err)
{
	size_t k = (size_t)head->n_classes, all = k * (size_t)head->samples;
	for (size_t i = 0; i < all; i++) {
		const char *gap = !i ? "" : i % k ? " " : " | ";
		float f;
		double d;
		int rc;
		if (head->dtype == DTYPE_F64) {
			memcpy(&d, record + 8 * i, 8);
			rc = output_printf(out, err, "%s%.17g", gap, d);
		} else {
			memcpy(&f, record + 4 * i, 4);
			rc = output_printf(out, err, "%s%.9g", gap, (double)f);
		}
		if (rc)
			return -1;
	}
	return 0;
}

static int twin_record(struct output *out, const struct stream_head *head, const struct wordmap *map,
		       const unsigned char *record, size_t len, struct err *err)
{
	switch (head->kind) {
	case STREAM_TOKENS:
		return text_write(out, (const char *)record, len, TEXT_NAME, err);
	case STREAM_TEXT:
		return twin_words(out, map, record, len, err);
	case STREAM_LOGITS:
		return twin_logits(out, head, record, err);
	case STREAM_IMAGES:
		break;
	}
	if (head->encoding == ENCODING_JPEG)
		return output_printf(out, err, "jpeg %zu bytes crc32 %08x", len, crc32_of(0, record, len));
	return output_printf(out, err, "%dx%dx%d%s crc32 %08x", head->height, head->width, head->channels,
			     head->encoding == ENCODING_F32 ? " f32" : "", crc32_of(0, record, len));
}

static int twin_opening(struct stream_reader *r, uint64_t number, struct output *out, struct err *err)
{
	static const char *const contents[] = { "tokens", "words", "image", "values" };
	const struct stream_head *head = stream_head_of(r);
	json_t *j = head_to_json(head);
	char *text;
	int rc = jsontext_write(&text, j, JSON_COMPACT, err) ||
		 output_printf(out, err, "# document %" PRIu64 " %s\n# id\tsplit\tlabel\t%s%s\n", number, text,
			       contents[head->kind], head->names ? "\tname" : "");
	json_decref(j);
	free(text);
	return rc ? -1 : 0;
}

static int twin_block(const struct stream_head *head, const struct block *b, const struct wordmap *map,
		      struct pick *pick, struct output *out, struct err *err)
{
	size_t each = stream_record_size(head), len;
	for (uint32_t i = 0; i < b->n; i++) {
		const unsigned char *record = block_record(b, each, i, &len);
		if (!pick_record(pick, b, i))
			continue;
		if (output_printf(out, err, "%" PRIu64 "\t%s\t", b->id[i], split_name(b->split[i])) ||
		    cat_label(out, head, b->label[i], err) || output_write(out, "\t", 1, err) ||
		    twin_record(out, head, map, record, len, err))
			return -1;
		const char *name = block_name(b, i, &len);
		if ((head->names && (output_write(out, "\t", 1, err) || text_write(out, name, len, TEXT_NAME, err))) ||
		    output_write(out, "\n", 1, err))
			return -1;
	}
	return 0;
}

int cat_twin(struct stream_reader *r, uint64_t number, struct pick *pick, struct output *out, struct err *err)
{
	struct wordmap map = { 0 };
	struct block b;
	int rc = twin_opening(r, number, out, err);
	while (!rc && (rc = stream_next_block(r, &b, err)) == 1)
		rc = b.type == BLOCK_WORDS ? wordmap_add(&map, &b, err)
					   : twin_block(stream_head_of(r), &b, &map, pick, out, err);
	wordmap_release(&map);
	return rc;
}

int cat_words(struct stream_reader *r, struct output *out, struct err *err)
{
	struct block b;
	size_t dim = (size_t)stream_head_of(r)->dim;
	int rc;
	if (stream_head_of(r)->kind != STREAM_TEXT)
		return err_set(err, "%s: is a stream of %s; only text has a word table", stream_name(r),
			       stream_kind_name(stream_head_of(r)->kind));
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		for (uint32_t i = 0; b.type == BLOCK_WORDS && i < b.n; i++) {
			uint32_t from = i ? b.word_end[i - 1] : 0;
			if (text_write(out, b.word + from, b.word_end[i] - from, TEXT_WORD, err) ||
			    output_printf(out, err, "\t%s\t",
					  b.origin[i] == WORD_PRETRAINED ? "pretrained" : "initialised"))
				return -1;
			for (size_t d = 0; d < dim; d++)
				if (output_printf(out, err, d ? " %.9g" : "%.9g", (double)b.vector[i * dim + d]))
					return -1;
			if (output_write(out, "\n", 1, err))
				return -1;
		}
	}
	return rc;
}
