/* Writes streams. Where a block ends depends on the records alone (STREAM_BLOCK bytes or STREAM_BLOCK / 16 records),
 * so that the same records give the same bytes, and on their names only where these are huge; only stream_flush and
 * stream_add_block end one early. Words and records collect in the same `data`, so the word table is closed before the
 * first record is taken. The pieces of put_rows and put_words lie as rows_layout and words_layout (stream_format.h)
 * say: change them together. */
#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "stream_format.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MOST = 32 << 20 /* bytes of a block's names, so that a reader takes it */ };

/* Records collect in columns until the block is full; then the columns are laid out with the padding of rows_layout. */
struct stream_writer {
	struct output *out;
	struct stream_head head;
	size_t each; /* bytes of a record, or 0 */
	uint32_t n;
	uint64_t *id;
	int32_t *label;
	uint8_t *split;
	uint32_t *end;
	size_t cap_id, cap_label, cap_split, cap_end, cap_data, data_len;
	unsigned char *data;
	/* with names: the block's, and behind them the next record's */
	uint32_t *name_end;
	char *name;
	size_t cap_name_end, cap_name, name_len, next_name;
	/* the word table's block under way; ends, origins and vectors */
	uint32_t words, *word_end;
	uint8_t *origin;
	float *vector;
	size_t cap_word_end, cap_origin, cap_vector;
	uint64_t records, blocks;
	uint32_t crcs;
};

void stream_writer_free(struct stream_writer *w)
{
	if (!w)
		return;
	stream_head_release(&w->head);
	free(w->id);
	free(w->label);
	free(w->split);
	free(w->end);
	free(w->data);
	free(w->name_end);
	free(w->name);
	free(w->word_end);
	free(w->origin);
	free(w->vector);
	free(w);
}

struct piece {
	const void *p;
	size_t n;
};

/* Writes a block whose payload is the pieces, each but the last padded to 64 bytes. */
static int put_chunk(struct stream_writer *w, const char *type, uint32_t records, const struct piece *piece, int n,
		     struct err *err)
{
	static const unsigned char zeros[CHUNK_ALIGN];
	unsigned char h[CHUNK_HEADER] = { 0 };
	uint32_t crc = 0;
	uint64_t len = 0;
	for (int i = 0; i < n; i++) {
		size_t pad = i + 1 < n ? pad64(piece[i].n) - piece[i].n : 0;
		crc = crc32_of(crc, piece[i].p ? piece[i].p : zeros, piece[i].n);
		crc = crc32_of(crc, zeros, pad);
		len += piece[i].n + pad;
	}
	if (len > STREAM_MAX_BLOCK)
		return err_set(err, "a block of %llu bytes is longer than a stream may hold", (unsigned long long)len);
	memcpy(h, type, 4);
	memcpy(h + 4, &crc, 4);
	memcpy(h + 8, &len, 8);
	memcpy(h + 16, &records, 4);
	uint32_t own = crc32_of(0, h, 24);
	memcpy(h + 24, &own, 4);
	if (memcmp(type, "DONE", 4))
		w->crcs = crc32_of(w->crcs, &crc, 4);
	if (output_write(w->out, h, sizeof h, err))
		return -1;
	for (int i = 0; i < n; i++)
		if ((piece[i].n && output_write(w->out, piece[i].p, piece[i].n, err)) ||
		    output_write(w->out, zeros, pad64(piece[i].n) - piece[i].n, err))
			return -1;
	return 0;
}

static int put_json(struct stream_writer *w, const char *type, const json_t *j, struct err *err)
{
	char *text;
	if (jsontext_write(&text, j, JSON_COMPACT, err))
		return -1;
	struct piece piece = { text, strlen(text) };
	int rc = piece.n > STREAM_MAX_HEAD ? err_set(err, "class names or provenance of %zu bytes; a stream holds %d",
						     piece.n, STREAM_MAX_HEAD)
					   : put_chunk(w, type, 0, &piece, 1, err);
	free(text);
	return rc;
}

static int put_opening(struct stream_writer *w, const json_t *history, const json_t *self, struct err *err)
{
	unsigned char sig[64] = { 0 };
	memcpy(sig, stream_signature, 8);
	sig[8] = STREAM_MAJOR;
	sig[10] = STREAM_MINOR;
	json_t *head = head_to_json(&w->head), *line;
	size_t i;
	int rc = output_write(w->out, sig, sizeof sig, err) || put_json(w, "HEAD", head, err);
	json_decref(head);
	json_array_foreach(history, i, line)
		rc = rc || put_json(w, "PROV", line, err);
	if (self)
		rc = rc || put_json(w, "PROV", self, err);
	return rc ? -1 : 0;
}

int stream_begin(struct stream_writer **out, struct output *to, const struct stream_head *head, const json_t *history,
		 const json_t *self, struct err *err)
{
	struct stream_writer *w;
	if (mem_alloc(&w, 1, sizeof *w, err))
		return -1;
	w->out = to;
	w->each = stream_record_size(head);
	if (stream_head_copy(&w->head, head, err) || put_opening(w, history, self, err)) {
		stream_writer_free(w);
		return -1;
	}
	*out = w;
	return 0;
}

static int put_rows(struct stream_writer *w, const struct block *b, struct err *err)
{
	struct piece piece[] = { { b->id, 8 * (size_t)b->n },
				 { b->label, 4 * (size_t)b->n },
				 { b->split, b->n },
				 { b->end, b->end ? 4 * (size_t)b->n : 0 },
				 { b->name_end, b->name_end ? 4 * (size_t)b->n : 0 },
				 { b->name, b->name_end && b->n ? b->name_end[b->n - 1] : 0 },
				 { b->data, b->data_len } };
	w->records += b->n;
	w->blocks++;
	return put_chunk(w, "ROWS", b->n, piece, sizeof piece / sizeof *piece, err);
}

static int close_rows(struct stream_writer *w, struct err *err)
{
	struct block b = { .n = w->n, .id = w->id, .label = w->label, .split = w->split, .data = w->data,
			   .data_len = w->data_len, .end = w->each ? NULL : w->end,
			   .name_end = w->head.names ? w->name_end : NULL, .name = w->name };
	if (!w->n)
		return 0;
	int rc = put_rows(w, &b, err);
	if (w->next_name) /* the block was closed before a record whose name came already */
		memmove(w->name, w->name + w->name_len, w->next_name);
	w->n = 0;
	w->data_len = w->name_len = 0;
	return rc;
}

static int put_words(struct stream_writer *w, const struct block *b, struct err *err)
{
	uint32_t fixed[16] = { b->n, (uint32_t)w->head.dim };
	struct piece piece[] = { { fixed, sizeof fixed },
				 { b->word_end, 4 * (size_t)b->n },
				 { b->origin, b->n },
				 { b->word, b->word_end[b->n - 1] },
				 { b->vector, 4 * (size_t)b->n * (size_t)w->head.dim } };
	return put_chunk(w, "WORD", b->n, piece, 5, err);
}

static int close_words(struct stream_writer *w, struct err *err)
{
	struct block b = { .n = w->words, .word_end = w->word_end, .origin = w->origin, .word = (char *)w->data,
			   .vector = w->vector };
	if (!w->words)
		return 0;
	w->words = 0;
	w->data_len = 0;
	return put_words(w, &b, err);
}

int stream_add(struct stream_writer *w, uint64_t id, int32_t label, int split, const void *data, size_t len,
	       struct err *err)
{
	if (w->words && close_words(w, err))
		return -1;
	if (w->each ? len != w->each : len > STREAM_MAX_BLOCK / 2)
		return err_set(err, "record %llu has %zu bytes", (unsigned long long)(w->records + w->n), len);
	if (w->n && (w->data_len + len > STREAM_BLOCK || w->name_len + w->next_name > NAMES_MOST) &&
	    close_rows(w, err))
		return -1;
	if (mem_grow(&w->id, &w->cap_id, w->n + 1u, 8, err) || mem_grow(&w->label, &w->cap_label, w->n + 1u, 4, err) ||
	    mem_grow(&w->split, &w->cap_split, w->n + 1u, 1, err) ||
	    mem_grow(&w->end, &w->cap_end, w->n + 1u, 4, err) ||
	    (w->head.names && mem_grow(&w->name_end, &w->cap_name_end, w->n + 1u, 4, err)) ||
	    mem_grow(&w->data, &w->cap_data, w->data_len + len, 1, err))
		return -1;
	if (len)
		memcpy(w->data + w->data_len, data, len);
	w->data_len += len;
	w->id[w->n] = id;
	w->label[w->n] = label;
	w->split[w->n] = (uint8_t)split;
	w->end[w->n] = (uint32_t)w->data_len;
	w->name_len += w->next_name;
	w->next_name = 0;
	if (w->head.names)
		w->name_end[w->n] = (uint32_t)w->name_len;
	w->n++;
	return w->n >= STREAM_BLOCK / 16 ? close_rows(w, err) : 0;
}

int stream_add_name(struct stream_writer *w, const char *name, size_t len, struct err *err)
{
	if (!w->head.names)
		return 0;
	if (len > STREAM_MAX_NAME)
		return err_set(err, "record %llu has a name of %zu bytes; a stream holds %d",
			       (unsigned long long)(w->records + w->n), len, STREAM_MAX_NAME);
	if (mem_grow(&w->name, &w->cap_name, w->name_len + len, 1, err))
		return -1;
	if (len)
		memcpy(w->name + w->name_len, name, len);
	w->next_name = len;
	return 0;
}

int stream_add_word(struct stream_writer *w, const char *word, size_t len, const float *vector, int origin,
		    struct err *err)
{
	size_t dim = (size_t)w->head.dim, n = w->words;
	if (w->head.kind != STREAM_TEXT || w->records || w->n)
		return err_set(err, "words come before records, in a stream of text");
	if (mem_grow(&w->word_end, &w->cap_word_end, n + 1, 4, err) ||
	    mem_grow(&w->origin, &w->cap_origin, n + 1, 1, err) ||
	    mem_grow(&w->vector, &w->cap_vector, (n + 1) * dim, 4, err) ||
	    mem_grow(&w->data, &w->cap_data, w->data_len + len, 1, err))
		return -1;
	memcpy(w->data + w->data_len, word, len);
	w->data_len += len;
	w->word_end[n] = (uint32_t)w->data_len;
	w->origin[n] = (uint8_t)origin;
	memcpy(w->vector + n * dim, vector, dim * sizeof *vector);
	w->words++;
	return w->data_len + (n + 1) * (dim * 4 + 5) >= STREAM_BLOCK ? close_words(w, err) : 0;
}

int stream_add_block(struct stream_writer *w, const struct block *b, struct err *err)
{
	if (close_words(w, err) || close_rows(w, err))
		return -1;
	if (b->type == BLOCK_WORDS)
		return b->n ? put_words(w, b, err) : 0;
	if (w->head.names != (b->name_end != NULL))
		return err_set(err, "a block with names in a stream without, or the other way round");
	return put_rows(w, b, err);
}

int stream_flush(struct stream_writer *w, struct err *err)
{
	return close_words(w, err) || close_rows(w, err) || output_flush(w->out, err) ? -1 : 0;
}

int stream_finish(struct stream_writer *w, struct err *err)
{
	unsigned char done[24] = { 0 };
	struct piece piece = { done, sizeof done };
	if (close_words(w, err) || close_rows(w, err))
		return -1;
	memcpy(done, &w->records, 8);
	memcpy(done + 8, &w->blocks, 8);
	memcpy(done + 16, &w->crcs, 4);
	return put_chunk(w, "DONE", 0, &piece, 1, err);
}
