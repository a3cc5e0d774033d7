/* CSV by libcsv in strict mode. The fields of a row are collected end to end, because libcsv hands them over one by
 * one and its memory is reused. The first row says how many columns there are and whether it is a header. libcsv
 * ends a row at the CR and again at the LF of CR LF: the second end is no blank line. Places in messages are
 * records, since a record may span lines. */
#include "lines.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/stream/sniff.h"
#include "labelled.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, COLUMNS_MAX = 65536, NO_COLUMN = -1 };

/* One file under way. libcsv's callbacks cannot fail, so the first failure is kept and the rest of the chunk
 * passed by. */
struct reader {
	char *chunk; /* [CHUNK] of the file */
	struct labelled *to;
	const struct columns *want;
	struct place at; /* of the record under way: records count from 1, the header is not one */
	char *row;       /* its fields, end to end */
	size_t *end;     /* [fields] */
	size_t fields, cap_end, used, cap_row;
	size_t columns;  /* of every row; 0: no row yet */
	long label, text; /* columns, from 0; label may be NO_COLUMN */
	int last_term, failed;
	struct err *err;
};

/* RFC 4180: "Spaces are considered part of a field". */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static void on_field(void *field, size_t n, void *arg)
{
	struct reader *r = arg;
	r->last_term = 0;
	if (r->failed)
		return;
	if (r->fields >= COLUMNS_MAX) {
		err_set(r->err, "more than %d columns", COLUMNS_MAX);
		r->failed = 1;
		return;
	}
	if (mem_grow(&r->row, &r->cap_row, r->used + n + 1, 1, r->err) ||
	    mem_grow(&r->end, &r->cap_end, r->fields + 1, sizeof *r->end, r->err)) {
		r->failed = 1;
		return;
	}
	if (n)
		memcpy(r->row + r->used, field, n);
	r->used += n;
	r->end[r->fields++] = r->used;
}

static const char *field(const struct reader *r, size_t i, size_t *n)
{
	size_t from = i ? r->end[i - 1] : 0;
	*n = r->end[i] - from;
	return r->row + from;
}

/* Column of that name in the present row, or NO_COLUMN. */
static long column_named(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->fields; i++) {
		size_t n;
		const char *f = field(r, i, &n);
		if (n == strlen(name) && !memcmp(f, name, n))
			return (long)i;
	}
	return NO_COLUMN;
}

static int is_column_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The column that an option asks for: a number, or a name that the header has. */
static int choose_column(const struct reader *r, const char *option, const char *want, int header, long *out,
			 struct err *err)
{
	int64_t k;
	if (is_column_number(want)) {
		if (num_i64(option, want, 1, (int64_t)r->fields, &k, err))
			return err_context(err, "%zu columns", r->fields);
		*out = (long)k - 1;
		return 0;
	}
	*out = header ? column_named(r, want) : NO_COLUMN;
	if (*out != NO_COLUMN)
		return 0;
	return err_set(err, header ? "no column is named \"%s\"; choose with %s NAME or NUMBER"
				   : "without a header there is no column \"%s\"; choose with %s NUMBER", want, option);
}

/* From the first row: is it a header, and where are label and text? Returns 1 for a header, 0 for a record, -1. */
static int first_row(struct reader *r, struct err *err)
{
	const char *label = r->want->label ? r->want->label : "label", *text = r->want->text ? r->want->text : "text";
	int unlabelled = !strcmp(label, "none"), header = r->want->header == HEADER_YES;
	if (r->want->header == HEADER_AUTO)
		header = (unlabelled || column_named(r, is_column_number(label) ? "label" : label) >= 0) &&
			 column_named(r, is_column_number(text) ? "text" : text) >= 0;
	r->columns = r->fields;
	r->to->headless += r->want->header == HEADER_AUTO && !header;
	if (!header && !r->want->label && !r->want->text) { /* nothing said: label,text */
		if (r->fields != 2)
			return err_set(err, "%zu columns, and no header with \"label\" and \"text\"; choose with "
				       "--label-column and --text-column", r->fields);
		r->label = 0;
		r->text = 1;
		return 0;
	}
	r->label = NO_COLUMN;
	if ((!unlabelled && choose_column(r, "--label-column", label, header, &r->label, err)) ||
	    choose_column(r, "--text-column", text, header, &r->text, err))
		return -1;
	if (r->label == r->text)
		return err_usage(err, "label and text are the same column");
	return header;
}

static int row(struct reader *r, struct err *err)
{
	size_t label_len = 0, len;
	const char *label = NULL, *text;
	if (!r->columns) {
		int header = first_row(r, err);
		if (header)
			return header < 0 ? err_context(err, "%s: the first row", r->at.file) : 0;
	}
	r->at.line++;
	if (r->fields != r->columns) {
		err_set(err, "has %zu columns where the first row has %zu", r->fields, r->columns);
		return place_context(&r->at, err);
	}
	if (r->label != NO_COLUMN)
		label = field(r, (size_t)r->label, &label_len);
	text = field(r, (size_t)r->text, &len);
	return labelled_put(r->to, &r->at, label, label_len, text, len, err);
}

/* `term` is the CR or LF that ended the row, or -1 at the end of the file. */
static void on_row(int term, void *arg)
{
	struct reader *r = arg;
	int second_half = term == '\n' && r->last_term == '\r';
	r->last_term = term;
	if (r->failed)
		return;
	if (r->fields)
		r->failed = row(r, r->err) != 0;
	else if (!second_half)
		r->to->blank++;
	r->fields = r->used = 0;
}

/* What libcsv refuses, with the record in which it is. */
static int refused(const struct reader *r, struct csv_parser *csv, const char *what, struct err *err)
{
	int code = csv_error(csv);
	if (code == CSV_EPARSE)
		err_set(err, "%s", what);
	else
		err_set(err, "%s", csv_strerror(code));
	return err_context(err, "%s: record %" PRIu64, r->at.file, r->at.line + 1);
}

static int parse(struct reader *r, struct csv_parser *csv, struct input *in, struct err *err)
{
	size_t got, first = 1;
	do {
		const char *p = r->chunk;
		if (input_read(in, r->chunk, CHUNK, &got, err))
			return -1;
		size_t n = got;
		if (first && drop_bom(&p, &n, &r->to->sink->boms, err))
			return err_context(err, "%s", in->name);
		first = 0;
		if (csv_parse(csv, p, n, on_field, on_row, r) != n && !r->failed)
			return refused(r, csv, "a quote (\") stands where RFC 4180 has none: inside a field it is "
				       "doubled, and the field is quoted", err);
		if (!r->failed && csv_get_buffer_size(csv) > LINE_MAX_BYTES)
			return err_set(err, "%s: record %" PRIu64 ": a field is longer than %d bytes", in->name,
				       r->at.line + 1, LINE_MAX_BYTES);
	} while (got == CHUNK && !r->failed);
	if (!r->failed && csv_fini(csv, on_field, on_row, r))
		return refused(r, csv, "the file ends inside quotes", err);
	return r->failed ? -1 : 0;
}

int read_csv(struct labelled *t, const char *path, const struct columns *want, struct err *err)
{
	struct reader r = { .to = t, .want = want, .at.unit = "record", .err = err };
	struct csv_parser csv;
	struct input in;
	int rc;
	if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL))
		return err_set(err, "libcsv cannot begin");
	csv_set_space_func(&csv, no_space);
	csv_set_blk_size(&csv, CHUNK); /* grows by this much; its 128 bytes make long fields slow */
	if (input_open(&in, path, err)) {
		csv_free(&csv);
		return -1;
	}
	r.at.file = in.name;
	rc = sniff_text(&in, "a CSV table", err) || mem_alloc(&r.chunk, CHUNK, 1, err) || parse(&r, &csv, &in, err) ? -1
														    : 0;
	csv_free(&csv);
	input_release(&in);
	free(r.row);
	free(r.end);
	free(r.chunk);
	return rc;
}
