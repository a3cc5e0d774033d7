/* Rows of tables. What was read is given to libcsv in pieces that end at each CR or LF, so that no piece completes more
 * than one row. Blank lines never reach it. An LF right after a CR belongs to it when lines are counted; before a row
 * begins it is passed over. */
#include "row_split.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int row_reader_open(struct row_reader **out, const char *path, const struct row_rules *rules, struct err *err)
{
	struct row_reader *t;
	if (mem_alloc(&t, 1, sizeof *t, err))
		return -1;
	t->rules = *rules;
	t->name = !strcmp(path, "-") ? "stdin" : path;
	if (row_split_begin(t, err) || input_open(&t->in, path, err) || mem_alloc(&t->chunk, CHUNK, 1, err)) {
		row_reader_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

void row_reader_close(struct row_reader *t)
{
	if (!t)
		return;
	csv_free(&t->csv);
	input_release(&t->in);
	free(t->chunk);
	free(t->text);
	free(t->end);
	free(t);
}

size_t row_fields(const struct row_reader *t)
{
	return t->fields;
}

char *row_field(const struct row_reader *t, size_t i, size_t *n)
{
	size_t from = i ? t->end[i - 1] + 1 : 0;
	if (n)
		*n = t->end[i] - from;
	return t->text + from;
}

uint64_t row_line(const struct row_reader *t)
{
	return t->at;
}

const char *row_file(const struct row_reader *t)
{
	return t->name;
}

char row_separator(const struct row_reader *t)
{
	return t->rules.separator ? t->rules.separator : ',';
}

const char *row_other_separator(const struct row_reader *t)
{
	static const char *const named[][2] = { { ";", "';'" }, { "\t", "tab" }, { "|", "'|'" } };
	const char *text = row_fields(t) == 1 ? row_field(t, 0, NULL) : "";
	size_t i = 0;
	while (i < 3 && !strchr(text, *named[i][0]))
		i++;
	return i < 3 ? named[i][1] : NULL;
}

const struct row_counts *row_counts_of(const struct row_reader *t)
{
	return &t->counts;
}

/* Excel's own first line, which says what stands between columns. */
static int take_sep_line(struct row_reader *t, struct err *err)
{
	const char *p = t->chunk + t->used;
	if (t->rules.quotes == ROW_QUOTES_NONE || t->have - t->used < 6 || memcmp(p, "sep=", 4) ||
	    !strchr("\r\n", p[5]))
		return 0;
	if (t->rules.separator && t->rules.separator != p[4])
		return err_set(err, "%s: line 1 says that '%c' stands between columns, the command that '%c' does",
			       t->name, p[4], t->rules.separator);
	t->rules.separator = p[4];
	t->used += 5;
	t->counts.sep_lines++;
	return 0;
}

/* The next bytes; the first ones are looked at. */
static int refill(struct row_reader *t, struct err *err)
{
	int first = !t->have;
	t->used = 0;
	if (input_read(&t->in, t->chunk, CHUNK, &t->have, err))
		return -1;
	t->eof = t->have < CHUNK;
	if (!first)
		return 0;
	const char *p = t->chunk;
	size_t n = t->have;
	if (sniff_foreign(t->name, t->chunk, t->have, input_packed(&t->in), t->rules.wanted, t->rules.unless, err))
		return -1;
	if (text_drop_bom(&p, &n, &t->counts.boms, err))
		return err_context(err, "%s", t->name);
	t->used = t->have - n;
	if (take_sep_line(t, err))
		return -1;
	csv_set_delim(&t->csv, (unsigned char)row_separator(t));
	return 0;
}

/* Bytes up to the next CR or LF, with it; all there are where there is none. */
static size_t piece_of(const char *p, size_t n, int *ended)
{
	const char *lf = memchr(p, '\n', n);
	size_t upto = lf ? (size_t)(lf + 1 - p) : n;
	const char *cr = memchr(p, '\r', upto);
	*ended = lf || cr;
	return cr ? (size_t)(cr + 1 - p) : upto;
}

static int finish_file(struct row_reader *t, int begun, struct err *err)
{
	t->finished = 1;
	if (!begun || t->passing)
		return begun;
	if (t->rules.quotes == ROW_QUOTES_BACKSLASH && (t->escape == 1 || t->state == FIELD_QUOTED))
		return err_set(err, "%s: line %" PRIu64 ": the file ends inside quotes or after a backslash", t->name,
			       t->at);
	if (t->rules.quotes == ROW_QUOTES_NONE || t->rules.quotes == ROW_QUOTES_BACKSLASH)
		row_end_field(t);
	else if (csv_fini(&t->csv, row_take_field, row_take_row, t))
		return err_set(err, "%s: line %" PRIu64 ": the file ends inside quotes", t->name, t->at);
	if (t->broken) {
		*err = t->err;
		return -1;
	}
	return 1;
}

int row_reader_next(struct row_reader *t, struct err *err)
{
	int begun = 0;
	t->fields = t->length = 0;
	for (t->rows = 0; !t->finished;) {
		int ended;
		if (t->used == t->have) {
			if (t->eof)
				return finish_file(t, begun, err);
			if (refill(t, err))
				return -1;
			continue;
		}
		const char *piece = t->chunk + t->used;
		size_t n = piece_of(piece, t->have - t->used, &ended);
		int second_half = t->after_cr && *piece == '\n';
		if (!begun && ended && n == 1) {
			t->counts.blank += !second_half && !(t->counts.sep_lines && !t->line);
		} else {
			t->at = begun ? t->at : t->line + 1;
			t->marked = begun ? t->marked : t->rules.marks && *piece == '#';
			begun = 1;
			if (row_split(t, piece, n, ended, err))
				return -1;
		}
		t->used += n;
		t->after_cr = piece[n - 1] == '\r';
		t->line += ended && !(second_half && n == 1);
		if (t->rows)
			return 1;
	}
	return 0;
}
