/* Rows of text, read in parallel. A window is cut into slices at line ends, by size alone; each is scanned by one
 * task, which notes the rows of wanted words. Then, in the file's order, the first row of each word is picked, and
 * the numbers of the picked rows are read, HITS_PER_TASK rows a task. Where they are bad the word's next row has its
 * turn. Hits point into the window, so their numbers are read before it moves on. Line numbers count from the
 * slice's first line until gather() adds the lines before it. found[] is PENDING only inside take_hits. */
#include "decimal.h"
#include "pipeline/base/mem.h"
#include "vectors_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 1 << 20, WINDOW_MAX = 256 << 20, HITS_PER_TASK = 64 };

struct hit {
	const char *numbers; /* dim fields */
	uint32_t len, id;
	uint64_t line;
	unsigned char result; /* enum decimal_result */
};

struct slice {
	const char *from, *stop;
	struct hit *hit;
	size_t n, cap;
	struct vectors_counts count; /* first_bad counts from the slice's first line, 1 */
	uint64_t lines;
	int failed;
	struct err err;
};

struct scan {
	struct vectors *v;
	const struct words *words;
	struct slice *slice;
	struct hit **todo; /* picked rows */
	size_t n_todo;
};

/* word: line[0..word_len); numbers: the row's last dim fields, which end with the line. */
static int note_hit(struct scan *sc, struct slice *sl, const char *line, size_t word_len, const char *numbers,
		    size_t n)
{
	uint32_t id = words_find(sc->words, line, word_len, &sl->count.met);
	if (id == VOCAB_NONE)
		return 0;
	if (mem_grow(&sl->hit, &sl->cap, sl->n + 1, sizeof *sl->hit, &sl->err))
		return -1;
	sl->hit[sl->n++] = (struct hit){
		.numbers = numbers, .len = (uint32_t)(n - (size_t)(numbers - line)), .id = id, .line = sl->lines
	};
	return 0;
}

/* A row with more than dim + 1 fields: where the last dim are numbers and the field before them is none, its word has
 * spaces. scratch: [dim]. */
static int long_row(struct scan *sc, struct slice *sl, const char *line, size_t n, float *scratch)
{
	size_t dim = (size_t)sc->v->dim;
	const char *numbers = line_last_fields(line, n, dim), *before, *end;
	enum decimal_result rc = decimal_row(numbers, n - (size_t)(numbers - line), dim, scratch);
	if (rc == DECIMAL_SYSTEM)
		return err_memory(&sl->err);
	if (rc != DECIMAL_OK) {
		note_bad(&sl->count, &sl->count.fields, sl->lines);
		return 0;
	}
	size_t word = (size_t)(numbers - line);
	while (is_blank(line[word - 1]))
		word--;
	before = line_last_fields(line, word, 1);
	rc = decimal_float(before, (size_t)(line + word - before), &end, scratch);
	if (rc == DECIMAL_SYSTEM)
		return err_memory(&sl->err);
	if (rc != DECIMAL_BAD && end == line + word) {
		note_bad(&sl->count, &sl->count.wide, sl->lines);
		return 0;
	}
	sl->count.spaced++;
	return note_hit(sc, sl, line, word, numbers, n);
}

static int scan_line(struct scan *sc, struct slice *sl, const char *line, size_t n, float **scratch)
{
	size_t dim = (size_t)sc->v->dim, fields;
	sl->lines++;
	if (n > VECTORS_MAX_LINE)
		return err_set(&sl->err, "longer than %d bytes", VECTORS_MAX_LINE);
	line_trim(&line, &n);
	if (!n) {
		sl->count.blank++;
		return 0;
	}
	sl->count.rows++;
	fields = line_fields(line, n);
	if (fields > dim + 1) {
		if (!*scratch && mem_alloc(scratch, dim, sizeof **scratch, &sl->err))
			return -1;
		return long_row(sc, sl, line, n, *scratch);
	}
	if (fields <= dim) {
		note_bad(&sl->count, &sl->count.fields, sl->lines);
		return 0;
	}
	size_t word = line_field(line, n), at = word;
	while (is_blank(line[at]))
		at++;
	return note_hit(sc, sl, line, word, line + at, n);
}

static void scan_slice(void *arg, int task, int worker)
{
	struct scan *sc = arg;
	struct slice *sl = &sc->slice[task];
	float *scratch = NULL;
	(void)worker;
	for (const char *p = sl->from; p < sl->stop && !sl->failed;) {
		const char *lf = memchr(p, '\n', (size_t)(sl->stop - p)), *end = lf ? lf : sl->stop;
		sl->failed = scan_line(sc, sl, p, (size_t)(end - p), &scratch);
		p = end + 1;
	}
	free(scratch);
}

static void read_numbers(void *arg, int task, int worker)
{
	struct scan *sc = arg;
	size_t dim = (size_t)sc->v->dim, from = (size_t)task * HITS_PER_TASK, to = from + HITS_PER_TASK;
	(void)worker;
	for (size_t i = from; i < to && i < sc->n_todo; i++) {
		struct hit *h = sc->todo[i];
		float *row = sc->v->row + h->id * dim;
		h->result = (unsigned char)decimal_row(h->numbers, h->len, dim, row);
		if (h->result != DECIMAL_OK)
			memset(row, 0, dim * sizeof *row);
	}
}

/* Takes the hits in order. A word's first row is read; where it turns out to be garbled, the next one gets its turn. */
static int take_hits(struct scan *sc, struct hit **hit, size_t n, struct pool *pool, struct err *err)
{
	struct vectors *v = sc->v;
	enum { PENDING = 2 };
	if (mem_alloc(&sc->todo, n, sizeof *sc->todo, err))
		return -1;
	while (n) {
		size_t later = 0;
		sc->n_todo = 0;
		for (size_t i = 0; i < n; i++) {
			unsigned char *state = &v->found[hit[i]->id];
			if (*state == 1) {
				v->count.repeats++;
			} else if (*state == PENDING) {
				hit[later++] = hit[i];
			} else {
				*state = PENDING;
				sc->todo[sc->n_todo++] = hit[i];
			}
		}
		pool_run(pool, (int)((sc->n_todo + HITS_PER_TASK - 1) / HITS_PER_TASK), read_numbers, sc);
		for (size_t i = 0; i < sc->n_todo; i++) {
			const struct hit *h = sc->todo[i];
			if (h->result == DECIMAL_SYSTEM) {
				free(sc->todo);
				sc->todo = NULL;
				return err_memory(err);
			}
			v->found[h->id] = h->result == DECIMAL_OK;
			v->n_found += h->result == DECIMAL_OK;
			if (h->result == DECIMAL_BAD)
				note_bad(&v->count, &v->count.numbers, h->line);
			else if (h->result == DECIMAL_NONFINITE)
				note_bad(&v->count, &v->count.nonfinite, h->line);
		}
		n = later;
	}
	free(sc->todo);
	sc->todo = NULL;
	return 0;
}

/* Adds the slices' counts in their order; *line becomes the number of lines up to the window's end. */
static int gather_hits(struct scan *sc, size_t n_slices, const char *name, uint64_t *line, struct hit ***out,
		       size_t *n_out, struct err *err)
{
	struct vectors_counts *c = &sc->v->count;
	size_t n = 0, k = 0;
	for (size_t i = 0; i < n_slices; i++)
		n += sc->slice[i].n;
	if (mem_alloc(out, n, sizeof **out, err))
		return -1;
	for (size_t i = 0; i < n_slices; i++) {
		struct slice *sl = &sc->slice[i];
		if (sl->failed) {
			*err = sl->err;
			return err_context(err, "%s: line %" PRIu64, name, *line + sl->lines);
		}
		for (size_t j = 0; j < sl->n; j++) {
			sl->hit[j].line += *line;
			(*out)[k++] = &sl->hit[j];
		}
		c->rows += sl->count.rows;
		c->blank += sl->count.blank;
		c->spaced += sl->count.spaced;
		c->fields += sl->count.fields;
		c->wide += sl->count.wide;
		c->met.renormalised += sl->count.met.renormalised;
		c->met.not_utf8 += sl->count.met.not_utf8;
		if (sl->count.first_bad && (!c->first_bad || *line + sl->count.first_bad < c->first_bad))
			c->first_bad = *line + sl->count.first_bad;
		*line += sl->lines;
	}
	*n_out = n;
	return 0;
}

/* Cuts text[0..n) after line ends. */
static int cut_slices(struct scan *sc, const char *text, size_t n, size_t *n_slices, struct err *err)
{
	size_t k = 0;
	const char *p = text, *stop = text + n;
	if (mem_alloc(&sc->slice, n / SLICE + 1, sizeof *sc->slice, err))
		return -1;
	while (p < stop) {
		const char *lf = stop - p > SLICE ? memchr(p + SLICE, '\n', (size_t)(stop - p - SLICE)) : NULL;
		const char *end = lf ? lf + 1 : stop;
		sc->slice[k++] = (struct slice){ .from = p, .stop = end };
		p = end;
	}
	*n_slices = k;
	return 0;
}

static int read_window(struct scan *sc, const char *text, size_t n, const char *name, uint64_t *line, struct pool *pool,
		       struct err *err)
{
	size_t n_slices = 0, n_hits = 0;
	struct hit **hit = NULL;
	int rc = cut_slices(sc, text, n, &n_slices, err);
	if (!rc) {
		pool_run(pool, (int)n_slices, scan_slice, sc);
		rc = gather_hits(sc, n_slices, name, line, &hit, &n_hits, err);
	}
	if (!rc)
		rc = take_hits(sc, hit, n_hits, pool, err);
	for (size_t i = 0; i < n_slices; i++)
		free(sc->slice[i].hit);
	free(hit);
	free(sc->slice);
	sc->slice = NULL;
	return rc;
}

int vectors_text(struct vectors *v, struct bytes *s, uint64_t line, const struct words *words, struct pool *pool,
		 struct err *err)
{
	struct scan sc = { .v = v, .words = words };
	while (s->n) {
		size_t n = s->n < WINDOW_MAX ? s->n : WINDOW_MAX;
		if (n < s->n || !s->last) {
			const char *lf = memrchr(s->at, '\n', n);
			if (!lf)
				return err_set(err, "%s: line %" PRIu64 ": longer than %d bytes", s->name, line + 1,
					       VECTORS_MAX_LINE);
			n = (size_t)(lf + 1 - s->at);
		}
		if (read_window(&sc, s->at, n, s->name, &line, pool, err) || bytes_skip(s, n, err))
			return -1;
	}
	return 0;
}
