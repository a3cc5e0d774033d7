/* What both formats of word vectors share: helpers on lines, a look at the first lines, and the checks after the
 * last row. look() decides from the first window alone. A first line of two whole numbers is a header only if the
 * next line ends in that many numbers, if binary data follow, if it promises no rows, or if nothing follows; else it
 * is the first row of a file without one. Where there is no header the first PROBE_ROWS rows vote on the number of
 * dimensions. look() leaves the source at the first row. */
#include "vectors.h"
#include "decimal.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"
#include "vectors_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_ROWS = 100 };

uint64_t vectors_garbled(const struct vectors_counts *c)
{
	return c->fields + c->numbers + c->nonfinite;
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

size_t line_trim(const char *line, size_t n)
{
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	return n;
}

const char *line_last_fields(const char *line, size_t n, size_t n_spaces)
{
	const char *p = line + n;
	while (n_spaces) {
		if (p == line)
			return NULL;
		n_spaces -= *--p == ' ';
	}
	return p + 1;
}

/* Sixteen bytes at a time, counted in bytes that cannot overflow within 255 rounds: with the search for LF this reads a
 * file in the page cache at about 9 GB/s a core. */
typedef unsigned char bytes16 __attribute__((vector_size(16)));

size_t count_spaces(const char *p, size_t n)
{
	const bytes16 space = { ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' };
	size_t total = 0, i = 0;
	while (n - i >= 16) {
		bytes16 sum = { 0 }, x;
		size_t rounds = (n - i) / 16 < 255 ? (n - i) / 16 : 255;
		for (size_t k = 0; k < rounds; k++, i += 16) {
			memcpy(&x, p + i, 16);
			sum -= (bytes16)(x == space); /* true is all ones, -1 */
		}
		for (int k = 0; k < 16; k++)
			total += sum[k];
	}
	for (; i < n; i++)
		total += p[i] == ' ';
	return total;
}

/* The next line of a window, trimmed; 0 when there is none. *p moves after it. */
static int next_line(const char **p, const char *stop, const char **line, size_t *n)
{
	if (*p == stop)
		return 0;
	const char *lf = memchr(*p, '\n', (size_t)(stop - *p));
	*line = *p;
	*n = line_trim(*p, (size_t)((lf ? lf : stop) - *p));
	*p = lf ? lf + 1 : stop;
	return 1;
}

static int whole_number(const char *p, size_t n, uint64_t *out)
{
	uint64_t x = 0;
	if (!n || n > 18)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		x = x * 10 + (uint64_t)(p[i] - '0');
	}
	*out = x;
	return 1;
}

/* "rows dim" and nothing else. */
static int is_header(const char *line, size_t n, uint64_t *rows, uint64_t *dim)
{
	const char *space = memchr(line, ' ', n);
	return space && whole_number(line, (size_t)(space - line), rows) &&
	       whole_number(space + 1, n - (size_t)(space + 1 - line), dim) && *dim >= 1 && *dim <= VECTORS_MAX_DIM;
}

/* 1 or 0; -1: no memory. */
static int ends_in_numbers(const char *line, size_t n, size_t dim, struct err *err)
{
	const char *p = line_last_fields(line, n, dim);
	float *scratch;
	if (!p || p - line < 2)
		return 0;
	if (mem_alloc(&scratch, dim, sizeof *scratch, err))
		return -1;
	enum decimal_result rc = decimal_row(p, n - (size_t)(p - line), dim, scratch);
	free(scratch);
	return rc == DECIMAL_SYSTEM ? err_memory(err) : rc == DECIMAL_OK;
}

/* dim by the vote of the first rows. */
static int vote(const struct bytes *s, const char *from, int asked, int *dim, struct err *err)
{
	size_t seen[PROBE_ROWS], n = 0, len;
	const char *p = from, *stop = s->at + s->n, *line;
	while (n < PROBE_ROWS && next_line(&p, stop, &line, &len))
		if (len && (p < stop || s->last))
			seen[n++] = count_spaces(line, len);
	if (!n)
		return err_set(err, "%s: holds no word vectors", s->name);
	size_t best = 0, best_votes = 0;
	for (size_t i = 0; i < n; i++) {
		size_t votes = 0;
		for (size_t k = 0; k < n; k++)
			votes += seen[k] == seen[i];
		if (asked ? seen[i] == (size_t)asked : votes > best_votes) {
			best = seen[i];
			best_votes = votes;
		}
	}
	if (asked && !best_votes)
		return err_set(err, "%s: no row of the first %zu has %d numbers (the first has %zu); is --dim right?",
			       s->name, n, asked, seen[0]);
	if (!asked && (best_votes * 2 <= n || !best || best > VECTORS_MAX_DIM))
		return err_set(
			err,
			"%s: the first %zu rows do not agree on how many numbers a word has (first: %zu); give --dim",
			s->name, n, seen[0]);
	*dim = (int)best;
	return 0;
}

/* Looks at the first lines: header, format, dim. The source is left at the first row; *lines is how many were skipped.
 */
static int find_format(struct bytes *s, enum vectors_format format, int asked, int *dim, struct vectors_counts *c,
		uint64_t *lines, struct err *err)
{
	const char *p, *stop, *line, *second;
	size_t n, n2;
	uint64_t rows = 0, width = 0;
	if (s->n >= 3 && !memcmp(s->at, "\xEF\xBB\xBF", 3)) {
		c->has_bom = 1;
		if (bytes_skip(s, 3, err))
			return -1;
	}
	p = s->at;
	stop = s->at + s->n;
	if (!next_line(&p, stop, &line, &n))
		return err_set(err, "%s: is empty", s->name);
	struct sniffed kind;
	sniff(&kind, (const unsigned char *)s->at, s->n, s->name);
	if (kind.known && !strstr(kind.what, "word vectors") &&
	    strcmp(kind.what, "plain text")) /* of few numbers a word */
		return sniff_refuse(s->name, s->at, s->n, "word vectors", err);
	int header = is_header(line, n, &rows, &width);
	const char *next = p;
	int more = next_line(&p, stop, &second, &n2);
	/* "7 3" could be the word 7 of a one-dimensional file: a header is followed by a row of its width, or by
	 * binary. */
	int text_row = header && more ? ends_in_numbers(second, n2, (size_t)width, err) : 0;
	int number_behind =
		format == VECTORS_AUTO && header && more && !text_row ? ends_in_numbers(second, n2, 1, err) : 1;
	if (text_row < 0 || number_behind < 0)
		return -1;
	c->is_binary = format == VECTORS_WORD2VEC || !number_behind;
	if (!header && c->is_binary)
		return err_set(err, "%s: is no word2vec file: its first line is not \"rows dim\"", s->name);
	if (header && (text_row || c->is_binary || rows == 0 || !more)) {
		if (asked && width != (uint64_t)asked)
			return err_set(err, "%s: its header says %" PRIu64 " numbers a word, --dim says %d", s->name,
				       width, asked);
		c->has_header = 1;
		c->header_rows = rows;
		*dim = (int)width;
		*lines = 1;
		return bytes_skip(s, (size_t)(next - s->at), err);
	}
	*lines = 0;
	return vote(s, s->at, asked, dim, err) ? sniff_explain(s->name, "word vectors", err) : 0;
}

static int read_rows(struct vectors *v, struct bytes *s, uint64_t lines, const struct vocab *words, struct pool *pool,
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

int vectors_read(struct vectors *v, const char *path, enum vectors_format format, int dim, const struct vocab *words,
		 struct pool *pool, struct err *err)
{
	struct bytes s;
	struct vectors_counts c = { 0 };
	uint64_t lines = 0;
	int found_dim = 0, rc;
	*v = (struct vectors){ 0 };
	if (bytes_open(&s, path, err))
		return -1;
	rc = find_format(&s, format, dim, &found_dim, &c, &lines, err);
	if (!rc)
		rc = vectors_init(v, found_dim, words->n, err);
	v->count = c;
	if (!rc)
		rc = read_rows(v, &s, lines, words, pool, err) || bytes_unchanged(&s, err) ? -1 : 0;
	v->count.bytes = s.bytes;
	bytes_release(&s);
	return rc;
}
