/* Token numbers follow first appearance while documents are read, since frequencies are known only at the end. The
 * word table is written by frequency, so write_records renumbers every token by `place`, the inverse of `order`. A
 * record keeps only where its tokens end; they begin where those of the record before end. Sorting breaks ties by
 * number, so the order is the same with any qsort. */
#include "corpus.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int corpus_init(struct corpus *c, struct err *err)
{
	*c = (struct corpus){ 0 };
	c->history = json_array();
	return c->history ? vocab_init(&c->vocab, 0, err) : err_memory(err);
}

void corpus_release(struct corpus *c)
{
	vocab_release(&c->vocab);
	stream_head_release(&c->head);
	json_decref(c->history);
	free(c->token);
	free(c->record);
	free(c->name);
	*c = (struct corpus){ 0 };
}

static int add_history(struct corpus *c, const json_t *lines, struct err *err)
{
	size_t i, k;
	json_t *line, *known;
	json_array_foreach(lines, i, line)
	{
		int have = 0;
		json_array_foreach(c->history, k, known) have |= json_equal(line, known);
		if (!have && json_array_append(c->history, line))
			return err_memory(err);
	}
	return 0;
}

/* Tokens are separated by single spaces; an empty record has none. */
static int add_tokens(struct corpus *c, const char *text, size_t n, const char *name, uint64_t number, struct err *err)
{
	size_t at = 0, more = n > 0;
	while (more) {
		const char *space = memchr(text + at, ' ', n - at);
		size_t len = (space ? (size_t)(space - text) : n) - at;
		if (!len)
			return err_set(err, "%s: record %" PRIu64 " has an empty token; one space separates two", name,
				       number);
		if (mem_grow(&c->token, &c->cap_token, c->n_tokens + 1, sizeof *c->token, err))
			return -1;
		if (vocab_add(&c->vocab, text + at, len, &c->token[c->n_tokens], err))
			return err_context(err, "%s: record %" PRIu64, name, number);
		c->n_tokens++;
		more = space != NULL;
		at += len + more;
	}
	return 0;
}

static int add_block(struct corpus *c, const struct block *b, const char *name, struct err *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		size_t len, name_len;
		const char *text = (const char *)block_record(b, 0, i, &len), *own = block_name(b, i, &name_len);
		if (add_tokens(c, text, len, name, b->first + i, err) ||
		    mem_grow(&c->record, &c->cap_record, c->n_records + 1, sizeof *c->record, err) ||
		    mem_grow(&c->name, &c->cap_name, c->n_name + name_len, 1, err))
			return -1;
		if (name_len)
			memcpy(c->name + c->n_name, own, name_len);
		c->n_name += name_len;
		c->record[c->n_records++] =
			(struct record){ b->id[i], c->n_tokens, c->n_name, b->label[i], b->split[i] };
	}
	return 0;
}

static int add_document(struct corpus *c, struct stream_reader *r, struct err *err)
{
	struct block b;
	int rc;
	if (!c->documents++) {
		if (stream_head_copy(&c->head, stream_head_of(r), err))
			return -1;
	} else if (stream_head_same(&c->head, stream_head_of(r), err)) {
		return err_context(err, "%s: does not go with the documents before it", stream_name(r));
	}
	c->head.names |= stream_head_of(r)->names;
	if (add_history(c, stream_provenance(r), err))
		return -1;
	while ((rc = stream_next_block(r, &b, err)) == 1)
		if (add_block(c, &b, stream_name(r), err))
			return -1;
	return rc;
}

int corpus_read(struct corpus *c, const char *path, struct err *err)
{
	struct stream_reader *r;
	int rc;
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_of(r, STREAM_TOKENS, err)) == 1)
		if (add_document(c, r, err)) {
			rc = -1;
			break;
		}
	stream_close(r);
	return rc;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

int corpus_unique_ids(struct corpus *c, struct err *err)
{
	uint64_t *id;
	size_t clash = 0;
	if (c->documents < 2)
		return 0;
	if (mem_alloc(&id, c->n_records, sizeof *id, err))
		return -1;
	for (size_t i = 0; i < c->n_records; i++)
		id[i] = c->record[i].id;
	qsort(id, c->n_records, sizeof *id, compare_u64);
	for (size_t i = 1; i < c->n_records; i++)
		clash += id[i] == id[i - 1];
	free(id);
	c->renumbered = clash > 0;
	for (size_t i = 0; clash && i < c->n_records; i++)
		c->record[i].id = i;
	return 0;
}

struct rank {
	uint64_t count;
	uint32_t id;
};

static int compare_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

int corpus_by_frequency(const struct corpus *c, uint32_t **order, struct err *err)
{
	uint32_t n = c->vocab.n;
	struct rank *rank;
	if (mem_alloc(&rank, n, sizeof *rank, err))
		return -1;
	if (mem_alloc(order, n, sizeof **order, err)) {
		free(rank);
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		rank[i] = (struct rank){ c->vocab.count[i], i };
	qsort(rank, n, sizeof *rank, compare_rank);
	for (uint32_t i = 0; i < n; i++)
		(*order)[i] = rank[i].id;
	free(rank);
	return 0;
}

static int write_words(const struct corpus *c, const uint32_t *order, const struct vectors *vec,
		       struct stream_writer *w, struct err *err)
{
	for (uint32_t k = 0; k < c->vocab.n; k++) {
		uint32_t id = order[k];
		size_t len;
		const char *word = vocab_word(&c->vocab, id, &len);
		int origin = vec->found[id] ? WORD_PRETRAINED : WORD_INITIALISED;
		if (stream_add_word(w, word, len, vec->row + (size_t)id * (size_t)vec->dim, origin, err))
			return -1;
	}
	return 0;
}

static int write_records(const struct corpus *c, const uint32_t *place, struct stream_writer *w, struct err *err)
{
	uint32_t *ids = NULL;
	size_t cap = 0, from = 0, named = 0;
	int rc = 0;
	for (size_t i = 0; i < c->n_records && !rc; i++) {
		const struct record *r = &c->record[i];
		size_t n = (size_t)r->end - from;
		rc = mem_grow(&ids, &cap, n, sizeof *ids, err);
		for (size_t k = 0; k < n && !rc; k++)
			ids[k] = place[c->token[from + k]];
		if (!rc)
			rc = (r->name_end > named &&
			      stream_add_name(w, c->name + named, (size_t)r->name_end - named, err)) ||
			     stream_add(w, r->id, r->label, r->split, ids, n * sizeof *ids, err);
		from = (size_t)r->end;
		named = (size_t)r->name_end;
	}
	free(ids);
	return rc;
}

int corpus_write(const struct corpus *c, const uint32_t *order, const struct vectors *vec, struct output *out,
		 const json_t *self, struct err *err)
{
	struct stream_writer *w = NULL;
	struct stream_head head = c->head; /* borrows its texts */
	uint32_t *place;
	head.kind = STREAM_TEXT;
	head.dim = vec->dim;
	if (mem_alloc(&place, c->vocab.n, sizeof *place, err))
		return -1;
	for (uint32_t k = 0; k < c->vocab.n; k++)
		place[order[k]] = k;
	int rc = stream_begin(&w, out, &head, c->history, self, err);
	if (!rc)
		rc = write_words(c, order, vec, w, err) || write_records(c, place, w, err) || stream_finish(w, err);
	stream_writer_free(w);
	free(place);
	return rc ? -1 : 0;
}
