/* Rows of tables. input_line cuts the lines; libcsv takes CSV apart, tsv_line TSV. libcsv gets one line at a time,
 * so a row ends with the line unless a quoted field goes on, and a line that ends two rows holds a bare carriage
 * return. Its callbacks cannot fail: they leave the error in t->err and set `broken`. It drops spaces and tabs
 * around fields without quotes. An empty line is an error only once another line follows, since files may end in
 * some. */
#include "row_reader.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A line may hold a million classes of 17 digits. */
enum { MAX_LINE = 64 << 20 };

struct row_reader {
	struct input in;
	int comma, broken; /* broken: no memory inside a callback */
	struct csv_parser csv;
	uint64_t line;
	char *text;    /* the row's fields, each with its NUL */
	size_t *start; /* [fields] */
	size_t fields, used, cap_text, cap_start;
	int rows;      /* completed by the line at hand */
	struct err err;
};

int row_reader_open(struct row_reader **out, const char *path, int comma, struct err *err)
{
	struct row_reader *t;
	if (mem_alloc(&t, 1, sizeof *t, err))
		return -1;
	t->comma = comma;
	if (input_open(&t->in, path, err)) {
		free(t);
		return -1;
	}
	if (sniff_text(&t->in, comma ? "a CSV table" : "a TSV table", err)) {
		input_release(&t->in);
		free(t);
		return -1;
	}
	if (csv_init(&t->csv, CSV_STRICT)) {
		err_memory(err);
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
	free(t->text);
	free(t->start);
	free(t);
}

size_t row_fields(const struct row_reader *t)
{
	return t->fields;
}

char *row_field(const struct row_reader *t, size_t i)
{
	return t->text + t->start[i];
}

uint64_t row_line(const struct row_reader *t)
{
	return t->line;
}

static void take_field(struct row_reader *t, const char *text, size_t n)
{
	if (t->broken || mem_grow(&t->start, &t->cap_start, t->fields + 1, sizeof *t->start, &t->err) ||
	    mem_grow(&t->text, &t->cap_text, t->used + n + 1, 1, &t->err)) {
		t->broken = 1;
		return;
	}
	t->start[t->fields++] = t->used;
	if (n)
		memcpy(t->text + t->used, text, n);
	t->used += n;
	t->text[t->used++] = 0;
}

static void csv_field(void *text, size_t n, void *table)
{
	take_field(table, text, n);
}

static void csv_row(int end, void *table)
{
	(void)end;
	((struct row_reader *)table)->rows++;
}

static void tsv_line(struct row_reader *t, const char *line, size_t n)
{
	n -= n && line[n - 1] == '\r';
	for (size_t from = 0; from <= n;) {
		const char *gap = memchr(line + from, '\t', n - from);
		size_t to = gap ? (size_t)(gap - line) : n;
		take_field(t, line + from, to - from);
		from = to + 1;
	}
	t->rows = 1;
}

static int malformed(struct row_reader *t, struct err *err)
{
	if (csv_error(&t->csv) == CSV_ENOMEM)
		return err_memory(err);
	return err_set(err, "%s: line %" PRIu64 ": a quote where none belongs", t->in.name, t->line);
}

/* Gives one line to the parser. */
static int feed(struct row_reader *t, const char *line, size_t n, struct err *err)
{
	if (memchr(line, 0, n))
		return err_set(err, "%s: line %" PRIu64 " holds a NUL byte", t->in.name, t->line);
	if (!t->comma)
		tsv_line(t, line, n);
	else if (csv_parse(&t->csv, line, n, csv_field, csv_row, t) < n ||
		 csv_parse(&t->csv, "\n", 1, csv_field, csv_row, t) < 1)
		return malformed(t, err);
	if (t->broken) {
		*err = t->err;
		return -1;
	}
	if (t->rows > 1)
		return err_set(err, "%s: line %" PRIu64 ": a carriage return in the middle", t->in.name, t->line);
	return 0;
}

int row_reader_next(struct row_reader *t, struct err *err)
{
	const char *line;
	size_t n;
	uint64_t blank = 0; /* an empty line, unless only the end follows */
	int inside = 0, rc;
	t->fields = t->used = 0;
	t->rows = 0;
	while ((rc = input_line(&t->in, MAX_LINE, &line, &n, NULL, err)) == 1) {
		t->line++;
		int empty = !inside && (n == 0 || (n == 1 && *line == '\r'));
		if (empty) {
			blank = blank ? blank : t->line;
			continue;
		}
		if (blank)
			return err_set(err, "%s: line %" PRIu64 " is empty", t->in.name, blank);
		if (feed(t, line, n, err))
			return -1;
		if (t->rows)
			return 1;
		inside = 1; /* a quoted field that goes on */
	}
	if (rc < 0)
		return -1;
	if (inside)
		return err_set(err, "%s: ends inside a quoted field", t->in.name);
	return 0;
}
