/* CSV of texts. The first row says how many columns there are and whether it is a header; the rows are
 * pipeline/formats/row_reader.h's. */
#include "pipeline/base/num.h"
#include "pipeline/formats/row_reader.h"
#include "evidence.h"

#include <string.h>

enum { COLUMNS_MAX = 65536, NO_COLUMN = -1, SEVERAL = -2 };

/* One file under way. */
struct reader {
	struct row_reader *rows;
	struct labelled *to;
	const struct columns *want;
	size_t columns;   /* of every row; 0: no row yet */
	long label, text, name; /* columns, from 0; label and name may be NO_COLUMN */
};

/* Column of that name in the present row: exactly, or the one that has it but for case and white space around; else
 * NO_COLUMN, or SEVERAL. */
static long column_named(const struct reader *r, const char *name)
{
	long exact = NO_COLUMN, same = NO_COLUMN;
	for (size_t i = 0; i < row_fields(r->rows); i++) {
		size_t n;
		const char *f = row_field(r->rows, i, &n);
		if (n == strlen(name) && !memcmp(f, name, n))
			exact = exact == NO_COLUMN ? (long)i : SEVERAL;
		else if (column_same(f, n, name))
			same = same == NO_COLUMN ? (long)i : SEVERAL;
	}
	return exact != NO_COLUMN ? exact : same;
}

/* The first column that is called what labels or texts usually are, or NO_COLUMN. */
static long column_called(const struct reader *r, enum column_name is)
{
	for (size_t i = 0; i < row_fields(r->rows); i++) {
		size_t n;
		const char *f = row_field(r->rows, i, &n);
		if (column_name(f, n) == is)
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
	if (r->want->asked_by && !strcmp(option, "--text-column"))
		option = r->want->asked_by;
	if (is_column_number(want)) {
		if (num_i64(option, want, 1, (int64_t)row_fields(r->rows), &k, err))
			return err_context(err, "%zu columns", row_fields(r->rows));
		*out = (long)k - 1;
		return 0;
	}
	*out = header ? column_named(r, want) : NO_COLUMN;
	if (*out >= 0)
		return 0;
	return err_set(err,
		       *out == SEVERAL ? "several columns are named \"%s\"; choose with %s NUMBER"
		       : header	       ? "no column is named \"%s\"; choose with %s NAME or NUMBER"
				       : "without a header there is no column \"%s\"; choose with %s NUMBER",
		       want, option);
}

/* Is a first row whose columns are not named a header all the same? It is one where two columns are called what labels
 * and texts usually are, or where of two the first, the label's, is called so as texts are. Where none was chosen there
 * is no telling which is which. */
static int guess_header(const struct reader *r, struct err *err)
{
	long label = column_called(r, NAME_LABEL), text = column_called(r, NAME_TEXT);
	if (text == NO_COLUMN)
		return 0;
	/* texts alone: a name in their column may be a text of one word */
	if (label == NO_COLUMN && r->want->label && !strcmp(r->want->label, "none"))
		return err_set(err, "column %ld is \"%.60s\": a header, or a text? --header or --no-header says it",
			       text + 1, row_field(r->rows, (size_t)text, NULL));
	if (label == NO_COLUMN && (r->columns != 2 || text || r->want->label || r->want->text))
		return 0;
	if (r->want->label || r->want->text)
		return 1;
	const char *which = label == NO_COLUMN ? "" : " of which none is \"label\" or \"text\"";
	label = label == NO_COLUMN ? 1 : label;
	return err_set(err,
		       "looks like a header, of %zu columns%s; is it "
		       "--label-column \"%.60s\" --text-column \"%.60s\"? (--no-header makes it a record)",
		       r->columns, which, row_field(r->rows, (size_t)label, NULL),
		       row_field(r->rows, (size_t)text, NULL));
}

/* From the first row: is it a header, and where are label and text? Returns 1 for a header, 0 for a record, -1. */
static int first_row(struct reader *r, struct err *err)
{
	const char *label = r->want->label ? r->want->label : "label", *text = r->want->text ? r->want->text : "text";
	int unlabelled = !strcmp(label, "none"), header = r->want->header == HEADER_YES;
	r->columns = row_fields(r->rows);
	r->name = NO_COLUMN;
	if (r->want->header == HEADER_AUTO) {
		header = (unlabelled || column_named(r, is_column_number(label) ? "label" : label) != NO_COLUMN) &&
			 column_named(r, is_column_number(text) ? "text" : text) != NO_COLUMN;
		if (!header && (header = guess_header(r, err)) < 0)
			return -1;
		r->to->headless += !header;
	}
	r->to->headers += (uint64_t)header;
	r->to->label_said |= header; /* it names them */
	if (!header && labelled_first(r->to, row_file(r->rows), err))
		return -1;
	const char *other = row_other_separator(r->rows);
	if (other && !(r->want->text && is_column_number(r->want->text)))
		return err_set(err, "has one column; if %s%s stands between columns, say so: --separator %s",
			       *other == '\'' ? "" : "a ", other, other);
	if (r->want->name && choose_column(r, "--name-column", r->want->name, header, &r->name, err))
		return -1;
	if (!header && !r->want->label && !r->want->text) { /* nothing said: label,text */
		if (r->columns != 2)
			return err_set(err, "%zu columns, and no header with \"label\" and \"text\"; choose with "
				       "--label-column and --text-column", r->columns);
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

/* The byte order mark of a file that others were put in front of. */
static void drop_mark(struct reader *r, size_t column, const char **field, size_t *n)
{
	if (column == 0 && *n >= 3 && !memcmp(*field, "\xEF\xBB\xBF", 3)) {
		*field += 3;
		*n -= 3;
		r->to->sink->boms++;
	}
}

static int take_row(struct reader *r, struct err *err)
{
	size_t label_len = 0, len;
	struct place at = { row_file(r->rows), row_line(r->rows), "line" };
	const char *label = NULL, *text;
	if (!r->columns) {
		int header = first_row(r, err);
		if (header)
			return header < 0 ? err_context(err, "%s: the first row", at.file) : 0;
	}
	if (row_fields(r->rows) != r->columns) {
		err_set(err, "has %zu columns where the first row has %zu", row_fields(r->rows), r->columns);
		return place_context(&at, err);
	}
	if (r->label != NO_COLUMN) {
		label = row_field(r->rows, (size_t)r->label, &label_len);
		drop_mark(r, (size_t)r->label, &label, &label_len);
	}
	text = row_field(r->rows, (size_t)r->text, &len);
	drop_mark(r, (size_t)r->text, &text, &len);
	if (r->name != NO_COLUMN)
		r->to->sink->name = row_field(r->rows, (size_t)r->name, &r->to->sink->name_len);
	return labelled_put(r->to, &at, label, label_len, text, len, err);
}

int read_csv(struct labelled *t, const char *path, const struct columns *want, struct err *err)
{
	struct reader r = { .to = t, .want = want };
	const struct row_rules rules = { .wanted = "a CSV table", .separator = want->separator, .quotes = want->quotes,
					 .max_fields = COLUMNS_MAX, .unless = t->sink->documents };
	int got;
	if (row_reader_open(&r.rows, path, &rules, err))
		return -1;
	while ((got = row_reader_next(r.rows, err)) == 1)
		if (take_row(&r, err)) {
			got = -1;
			break;
		}
	t->blank += row_counts_of(r.rows)->blank;
	t->sink->boms += row_counts_of(r.rows)->boms;
	row_reader_close(r.rows);
	if (got < 0 && want->quotes == ROW_QUOTES_STRICT && !want->asked_by && strstr(err->msg, "RFC 4180 has none:")) {
		size_t used = strlen(err->msg);
		if (sizeof err->msg - used > 64)
			err_phrase(err->msg + used, sizeof err->msg - used, "; --quotes bare takes it as a character");
	}
	return got;
}
