/* What both formats of word vectors share: the result, and the checks after the last row. */
#include "vectors.h"
#include "pipeline/base/mem.h"
#include "vectors_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t vectors_garbled(const struct vectors_counts *c)
{
	return c->fields + c->wide + c->numbers + c->nonfinite;
}

int vectors_init(struct vectors *v, int dim, uint32_t n_words, struct err *err)
{
	size_t floats;
	*v = (struct vectors){ .dim = dim };
	if (__builtin_mul_overflow((size_t)n_words, (size_t)dim, &floats))
		return err_memory(err);
	return mem_alloc(&v->row, floats, sizeof *v->row, err) || mem_alloc(&v->found, n_words, 1, err) ? -1 : 0;
}

void vectors_release(struct vectors *v)
{
	free(v->row);
	free(v->found);
	*v = (struct vectors){ 0 };
}

static int read_rows(struct vectors *v, struct bytes *s, uint64_t lines, const struct words *words, struct pool *pool,
		     struct err *err)
{
	if (v->count.is_binary)
		return vectors_binary(v, s, words, err);
	if (vectors_text(v, s, lines, words, pool, err))
		return -1;
	if (v->count.has_header && v->count.rows < v->count.header_rows)
		return err_set(err,
			       "%s: its header says %" PRIu64 " rows and it has %" PRIu64
			       ": cut short, or the first line is wrong",
			       s->name, v->count.header_rows, v->count.rows);
	if (!v->count.rows)
		return err_set(err, "%s: holds no word vectors", s->name);
	return 0;
}

int vectors_read(struct vectors *v, const char *path, enum vectors_format format, int dim, const struct vocab *vocab,
		 struct pool *pool, struct err *err)
{
	struct bytes s;
	struct words words;
	struct vectors_counts c = { 0 };
	uint64_t lines = 0;
	int found_dim = 0, rc;
	*v = (struct vectors){ 0 };
	if (bytes_open(&s, path, err))
		return -1;
	rc = vectors_probe(&s, format, dim, &found_dim, &c, &lines, err) || words_init(&words, vocab, err) ? -1 : 0;
	if (rc) {
		bytes_release(&s);
		return -1;
	}
	rc = vectors_init(v, found_dim, vocab->n, err);
	v->count = c;
	if (!rc)
		rc = read_rows(v, &s, lines, &words, pool, err) || bytes_unchanged(&s, err) ? -1 : 0;
	v->count.bytes = s.bytes;
	words_release(&words);
	bytes_release(&s);
	return rc;
}
