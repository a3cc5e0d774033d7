/* What a file of word vectors is, decided from its first window alone. A first line of two whole numbers is a header
 * only if the next line ends in that many numbers, if binary data follow, if it promises no rows, or if nothing
 * follows; else it is the first row of a file without one. Of the first PROBE_ROWS rows more than half must be a word
 * and as many finite numbers: whatever else the file is, it holds no word vectors, and is called by its name. */
#include "pipeline/stream/sniff.h"
#include "vectors_file.h"

#include <inttypes.h>
#include <string.h>

enum { PROBE_ROWS = 100 };

/* The next line of a window, trimmed; 0 when there is none. *p moves after it. */
static int next_line(const char **p, const char *stop, const char **line, size_t *n)
{
	if (*p == stop)
		return 0;
	const char *lf = memchr(*p, '\n', (size_t)(stop - *p));
	*line = *p;
	*n = (size_t)((lf ? lf : stop) - *p);
	line_trim(line, n);
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
	const char *second = line_last_fields(line, n, 1);
	return second && line_fields(line, n) == 2 && whole_number(line, line_field(line, n), rows) &&
	       whole_number(second, n - (size_t)(second - line), dim) && *dim >= 1 && *dim <= VECTORS_MAX_DIM;
}

/* A byte that no text has, in what follows the header: a row of floats nearly always holds some. */
static int holds_control(const char *p, const char *stop)
{
	for (size_t i = 0; i < SNIFF_BYTES && p + i < stop; i++)
		if ((unsigned char)p[i] < '\t' || ((unsigned char)p[i] > '\r' && (unsigned char)p[i] < 0x1B))
			return 1;
	return 0;
}

struct probe {
	size_t n, best, votes; /* rows; the number of numbers that most of them end in, and how many do */
	size_t joined;	       /* rows whose word ends in a number and its separator: "the,0.1 0.2" */
	int whole;	       /* all those numbers are digits alone */
	const char *odd;       /* the first row that does not, or NULL */
	size_t odd_len, odd_numbers;
	uint64_t odd_line;
};

/* The first rows, from `p` on, which is after line number `line`. asked: the dim that is looked for; 0: the most
 * frequent. */
static int probe_rows(struct probe *b, const struct bytes *s, const char *p, uint64_t line, size_t asked,
		      struct err *err)
{
	size_t numbers[PROBE_ROWS], length[PROBE_ROWS], len;
	const char *stop = s->at + s->n, *text, *row[PROBE_ROWS];
	uint64_t at[PROBE_ROWS];
	int whole[PROBE_ROWS];
	*b = (struct probe){ .whole = 1 };
	while (b->n < PROBE_ROWS && next_line(&p, stop, &text, &len)) {
		line++;
		if (!len || (p == stop && !s->last && b->n))
			continue;
		if (line_numbers(text, len, &numbers[b->n], &whole[b->n], err))
			return -1;
		row[b->n] = text;
		length[b->n] = len;
		at[b->n++] = line;
	}
	for (size_t i = 0; i < b->n; i++) {
		size_t votes = 0;
		for (size_t k = 0; k < b->n; k++)
			votes += numbers[k] == numbers[i];
		if (asked ? numbers[i] == asked : numbers[i] && votes > b->votes) {
			b->best = numbers[i];
			b->votes = votes;
		}
	}
	for (size_t i = b->n; i-- > 0;) {
		int joined = line_fault(row[i], line_field(row[i], length[i])) != NULL;
		b->joined += (size_t)joined;
		if (b->votes && numbers[i] == b->best && !joined) {
			b->whole &= whole[i];
		} else {
			b->odd = row[i];
			b->odd_len = length[i];
			b->odd_line = at[i];
			b->odd_numbers = numbers[i];
		}
	}
	return 0;
}

/* The first row that is no word and numbers, with what is wrong with it. */
static int no_vectors(const struct probe *b, const struct bytes *s, size_t asked, struct err *err)
{
	const char *fault = line_fault(b->odd, b->odd_len);
	if (!fault)
		fault = line_fault(b->odd, line_field(b->odd, b->odd_len));
	char wanted[40] = "as many numbers", numbers[48];
	if (asked)
		err_phrase(wanted, sizeof wanted, "%zu numbers", asked);
	err_phrase(numbers, sizeof numbers, b->odd_numbers ? "ends in %zu number(s)" : "ends in no number",
		   b->odd_numbers);
	err_set(err, "%s: of the first %zu rows %zu are a word and %s%s; line %" PRIu64 " %s: \"%.*s\"%s", s->name,
		b->n, b->votes, wanted, b->votes && !asked ? ", too few to tell how many" : "", b->odd_line,
		fault ? fault : numbers, (int)(b->odd_len < 60 ? b->odd_len : 60), b->odd,
		fault	? ""
		: asked ? "; is --dim right?"
			: "; --dim says how many where rows differ");
	return fault ? -1 : sniff_explain(s->name, "word vectors", err);
}

/* dim by the vote of the first rows. */
static int vote(const struct bytes *s, int asked, int *dim, struct err *err)
{
	struct probe b;
	if (probe_rows(&b, s, s->at, 0, (size_t)asked, err))
		return -1;
	if (!b.n)
		return err_set(err, "%s: holds no word vectors", s->name);
	/* --dim settles a tie */
	if (!b.votes || b.joined * 2 > b.n || (asked ? b.votes * 2 < b.n : b.votes * 2 <= b.n))
		return no_vectors(&b, s, (size_t)asked, err);
	if (b.best > VECTORS_MAX_DIM)
		return err_set(err, "%s: rows of %zu numbers; %d are the most", s->name, b.best, VECTORS_MAX_DIM);
	if (!asked && b.best == 1 && b.whole)
		return err_set(err,
			       "%s: each row is a word and one whole number: counts (GloVe's vocab.txt), no vectors; "
			       "--dim 1 if they are",
			       s->name);
	*dim = (int)b.best;
	return 0;
}

/* Refuses what is certainly something else. What looks like a table may be vectors, or nearly: its rows say. */
static int refuse_others(const struct bytes *s, struct err *err)
{
	struct sniffed kind;
	sniff(&kind, (const unsigned char *)s->at, s->n, s->name);
	if (!kind.known || strstr(kind.what, "word vectors") || !strncmp(kind.what, "a TSV table", 11) ||
	    !strncmp(kind.what, "a CSV table", 11) || !strcmp(kind.what, "plain text")) /* of few numbers a word */
		return 0;
	return sniff_refuse(s->name, s->at, s->n, "word vectors", err);
}

/* What the two numbers of a first line are. A header is followed by rows of its width, by binary or by nothing. */
static int is_true_header(const struct bytes *s, const char *rows_at, uint64_t rows, uint64_t width,
			  enum vectors_format format, int *binary, struct err *err)
{
	const char *p = rows_at, *stop = s->at + s->n, *second;
	size_t n, numbers;
	int whole;
	struct probe b;
	if (*binary || !rows || !next_line(&p, stop, &second, &n))
		return 1;
	if (line_numbers(second, n, &numbers, &whole, err))
		return -1;
	if (format == VECTORS_AUTO && !numbers && holds_control(rows_at, stop))
		return *binary = 1;
	if (probe_rows(&b, s, rows_at, 1, (size_t)width, err))
		return -1;
	return b.votes * 2 > b.n;
}

int vectors_probe(struct bytes *s, enum vectors_format format, int asked, int *dim, struct vectors_counts *c,
		  uint64_t *lines, struct err *err)
{
	const char *p, *line;
	size_t n;
	uint64_t rows = 0, width = 0;
	*lines = 0;
	if (s->n >= 3 && !memcmp(s->at, "\xEF\xBB\xBF", 3)) {
		c->has_bom = 1;
		if (bytes_skip(s, 3, err))
			return -1;
	}
	p = s->at;
	if (!next_line(&p, s->at + s->n, &line, &n))
		return err_set(err, "%s: is empty", s->name);
	if (refuse_others(s, err))
		return -1;
	int two = is_header(line, n, &rows, &width), header = 0;
	c->is_binary = format == VECTORS_WORD2VEC;
	if (!two && c->is_binary)
		return err_set(err, "%s: is no word2vec file: its first line is not \"rows dim\"", s->name);
	if (two && (header = is_true_header(s, p, rows, width, format, &c->is_binary, err)) < 0)
		return -1;
	if (!header) {
		if (vote(s, asked, dim, err))
			return -1;
		return two && *dim > 1 && !asked ?
			       err_set(err, "%s: its first line says %" PRIu64 " numbers a word, its rows have %d; "
					    "remove the line, or give --dim", s->name, width, *dim) :
			       0;
	}
	if (asked && width != (uint64_t)asked)
		return err_set(err, "%s: its header says %" PRIu64 " numbers a word, --dim says %d", s->name, width,
			       asked);
	c->has_header = 1;
	c->header_rows = rows;
	*dim = (int)width;
	*lines = 1;
	return bytes_skip(s, (size_t)(p - s->at), err);
}
