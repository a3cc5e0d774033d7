/* Rows of word2vec's binary format. Floats are copied as they lie, so the machine must be little-endian. A line feed
 * in front of a row belongs to the row before: some writers put one after each row, others none. A row is read only
 * when all of it is in the window. One that does not fit although it stands at the window's front is cut short or no
 * row. The header says how many rows there are, and bytes after the last are an error. */
#include "vectors_file.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { WORD_MAX = 1 << 16 };

static int cut_short(const struct bytes *s, uint64_t row, uint64_t rows, struct err *err)
{
	return err_set(err, "%s: word2vec data is truncated in row %" PRIu64 " of %" PRIu64, s->name, row, rows);
}

static void take_row(struct vectors *v, const char *word, size_t len, const char *numbers, uint64_t number,
		     const struct words *words)
{
	size_t dim = (size_t)v->dim;
	uint32_t id = words_find(words, word, len, &v->count.met);
	if (id == VOCAB_NONE)
		return;
	if (v->found[id]) {
		v->count.repeats++;
		return;
	}
	float *row = v->row + id * dim;
	memcpy(row, numbers, dim * sizeof *row);
	for (size_t i = 0; i < dim; i++) {
		if (!isfinite(row[i])) {
			memset(row, 0, dim * sizeof *row);
			note_bad(&v->count, &v->count.nonfinite, number);
			return;
		}
	}
	v->found[id] = 1;
	v->n_found++;
}

/* One row at at[0..n): its bytes with the line feed before it, 0 where it does not fit. */
static size_t row_size(const char *at, size_t n, size_t dim, const char **word, size_t *len)
{
	size_t lf = n && *at == '\n', window = n - lf < WORD_MAX ? n - lf : WORD_MAX;
	const char *space = memchr(at + lf, ' ', window);
	*word = at + lf;
	if (!space)
		return 0;
	*len = (size_t)(space - *word);
	size_t size = lf + *len + 1 + 4 * dim;
	return size <= n ? size : 0;
}

int vectors_binary(struct vectors *v, struct bytes *s, const struct words *words, struct err *err)
{
	uint64_t rows = v->count.header_rows;
	size_t used = 0, dim = (size_t)v->dim;
	while (v->count.rows < rows) {
		const char *word;
		size_t len, size = row_size(s->at + used, s->n - used, dim, &word, &len);
		if (!size) {
			if (!used && s->n >= WORD_MAX + 2 + 4 * dim)
				return err_set(err,
					       "%s: row %" PRIu64
					       " has no word of at most %d bytes; is it word2vec data?",
					       s->name, v->count.rows + 1, WORD_MAX);
			if (!used)
				return cut_short(s, v->count.rows + 1, rows, err);
			if (bytes_skip(s, used, err))
				return -1;
			used = 0;
			continue;
		}
		v->count.rows++;
		if (len)
			take_row(v, word, len, word + len + 1, v->count.rows, words);
		else
			note_bad(&v->count, &v->count.fields, v->count.rows);
		used += size;
	}
	if (bytes_skip(s, used, err))
		return -1;
	size_t lf = s->n && *s->at == '\n';
	if (s->n > lf)
		return err_set(err, "%s: bytes follow the last of its %" PRIu64 " rows; is it word2vec data?", s->name,
			       rows);
	return bytes_skip(s, lf, err);
}
