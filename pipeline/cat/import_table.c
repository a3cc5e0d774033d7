/* CSV and TSV of numbers. The first row is a header only by evidence: an option says so, or it cannot be a record (a
 * value is no number, or its label is no class) and it names the label's column, or holds no number at all. A row that
 * can be a record is one. The same holds for lines that begin with '#'. */
#include "fields.h"
#include "import.h"
#include "repeats.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1, SEVERAL = -2 };

struct table {
	struct row_reader *rows;
	struct intake *in;
	const struct import *im;
	size_t width;     /* columns of every row; 0: no row yet */
	long label, id, name; /* columns, from 0, or NONE */
	size_t *value;    /* [in->given] columns of the values */
	char **names;     /* [in->given] for a header */
	struct repeats ids; /* of --id-column */
	int own_fault;    /* the message says what is wrong with a table: it is no file of another kind */
};

static char *trimmed(const struct table *t, size_t i)
{
	return field_trimmed(row_field(t->rows, i, NULL));
}

static int is_number(const struct table *t, size_t i)
{
	return field_is_number(row_field(t->rows, i, NULL), t->im->decimal_comma);
}

static int parse_number(struct table *t, size_t i, double *v, struct err *err)
{
	char room[FIELD_ROOM];
	const char *given = trimmed(t, i), *text = t->im->decimal_comma ? field_with_point(given, room) : given;
	if (!num_f64("a value", text, -INFINITY, DBL_MAX, v, err))
		return 0;
	if (text != given && !is_number(t, i))
		err_set(err, "a value: '%s' is not a number with a decimal comma", given);
	else if (text == given && field_has_comma(given) && (t->own_fault = !t->im->decimal_comma))
		err_set(err, "a value: '%s' is not a number; --decimal comma reads it", given);
	err->status = VIC_DATA; /* the parser speaks of options */
	return -1;
}

/* Column of that name in the present row: the one that has it as it is, else the one that is called so; NONE or
 * SEVERAL. */
static long column_named(const struct table *t, const char *name)
{
	long exact = NONE, called = NONE;
	for (size_t i = 0; i < row_fields(t->rows); i++) {
		const char *field = row_field(t->rows, i, NULL);
		if (!strcmp(field, name))
			exact = exact == NONE ? (long)i : SEVERAL;
		else if (field_is_called(field, name))
			called = called == NONE ? (long)i : SEVERAL;
	}
	return exact != NONE ? exact : called;
}

/* What the labels' column is called where nothing is said. */
static const char *const *label_names(const struct table *t)
{
	static const char *const is[][2] = { { "label", "label" }, { "right", "correct" } };
	return is[t->im->kind == IMPORT_CONFIDENCE];
}

static long default_label(const struct table *t)
{
	long at = column_named(t, label_names(t)[0]);
	return at == NONE ? column_named(t, label_names(t)[1]) : at;
}

static int is_position(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int is_name(const char *option)
{
	return option && strcmp(option, "none") && !is_position(option);
}

/* The column that an option asks for: a number from 1, or a name that the header has. */
static int choose_column(const struct table *t, const char *option, const char *want, int header, long *out,
			 struct err *err)
{
	int64_t k;
	*out = NONE;
	if (!want || !strcmp(want, "none"))
		return 0;
	if (is_position(want)) {
		if (num_i64(option, want, 1, (int64_t)row_fields(t->rows), &k, err))
			return err_context(err, "%zu columns", row_fields(t->rows));
		*out = (long)k - 1;
		return 0;
	}
	*out = header ? column_named(t, want) : NONE;
	if (*out >= 0)
		return 0;
	return err_set(err,
		       *out == SEVERAL ? "several columns are named '%s'; choose with %s NUMBER"
		       : header	       ? "no column is named '%s'; choose with %s NAME or NUMBER"
				       : "without a header there is no column '%s'; choose with %s NUMBER",
		       want, option);
}

/* What may stand between columns where this row has one. */
static int one_column(struct table *t, struct err *err)
{
	const char *text = row_field(t->rows, 0, NULL), *other = row_other_separator(t->rows);
	if (!other && strchr(text, ' ') && strspn(text, "0123456789+-.eE ") == strlen(text))
		other = "space";
	if (other && t->im->form == IMPORT_CSV) {
		t->own_fault = strcmp(other, "tab") != 0; /* what TSV may hold, a look at the file tells better */
		return err_set(err, "has one column; if %s%s stands between columns, say so: --separator %s",
			       *other == '\'' ? "" : "a ", other, other);
	}
	return err_set(err, "has 1 columns; a label and at least one value are needed");
}

/* A column that says which record it is. */
static int is_beside(const struct table *t, long i)
{
	return i == t->id || i == t->name;
}

/* Column number n, from 0, of those that are neither ids nor names. */
static long nth_other(const struct table *t, int n)
{
	long i = 0;
	while (is_beside(t, i) || n-- > 0)
		i++;
	return i;
}

/* Whether a fraction stands where a label is looked for and nobody said so: most likely there is no label. */
static int is_fraction(const struct table *t)
{
	const char *point = t->label == NONE ? NULL : strpbrk(row_field(t->rows, (size_t)t->label, NULL), ".,");
	return point && !t->im->label_column && is_number(t, (size_t)t->label) && strpbrk(point, "123456789");
}

static int no_label(const struct table *t, struct err *err)
{
	return err_set(err,
		       "'%s' stands in the %s column, where a label is looked for; --label-column NAME or NUMBER says "
		       "where they are, --label-column none that there are none",
		       trimmed(t, (size_t)t->label), t->label ? "second" : "first");
}

/* Places label, id, name and values, and sets the classes: of a header by its names. */
static int place_columns(struct table *t, int header, struct err *err)
{
	const struct import *im = t->im;
	size_t n = row_fields(t->rows), k = 0;
	if (n == 1 && !(im->label_column && !strcmp(im->label_column, "none")))
		return one_column(t, err);
	if (choose_column(t, "--id-column", im->id_column, header, &t->id, err) ||
	    choose_column(t, "--name-column", im->name_column, header, &t->name, err))
		return -1;
	if (im->label_column) {
		if (choose_column(t, "--label-column", im->label_column, header, &t->label, err))
			return -1;
	} else {
		long named = header ? default_label(t) : NONE;
		if (named == SEVERAL)
			return err_set(err, "several columns are named '%s'; choose with --label-column NUMBER",
				       label_names(t)[0]);
		t->label = named != NONE ? named : nth_other(t, im->kind == IMPORT_CONFIDENCE);
	}
	if ((t->label == t->id && t->id != NONE) || (t->label == t->name && t->name != NONE))
		return err_usage(err, "label and %s are the same column", t->label == t->id ? "id" : "name");
	free(t->value);
	free(t->names);
	t->value = NULL;
	t->names = NULL;
	if (mem_alloc(&t->value, n, sizeof *t->value, err) || mem_alloc(&t->names, n, sizeof *t->names, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((long)i != t->label && !is_beside(t, (long)i)) {
			t->names[k] = row_field(t->rows, i, NULL);
			t->value[k++] = i;
		}
	if (!k || k > STREAM_MAX_CLASSES || t->label >= (long)n)
		return err_set(err, "has %zu columns; a label and at least one value are needed", n);
	if (k == 1 && !header && is_fraction(t)) /* two values, as it seems, and not one */
		return no_label(t, err);
	for (size_t i = 0; header && i < k; i++)
		if (class_in_header(im, t->names[i], t->value[i] + 1, err))
			return -1;
	return intake_classes(t->in, k, header ? t->names : NULL, err);
}

/* Whether the present row, of which the columns are placed, can be a record. */
static int can_be_record(struct table *t)
{
	struct err err = ERR_NONE;
	uint64_t before = t->in->labels.ignored;
	char *label = NULL;
	int32_t number;
	for (size_t i = 0; i < t->in->given; i++)
		if (!is_number(t, t->value[i]))
			return 0;
	if (t->label == NONE)
		return 1;
	if (mem_text(&label, row_field(t->rows, (size_t)t->label, NULL),
		     strlen(row_field(t->rows, (size_t)t->label, NULL)), &err))
		return 1;
	int rc = label_of(&t->in->labels, label, &number, &err);
	t->in->labels.ignored = before;
	free(label);
	return !rc;
}

/* A comment is a row that begins with '#' and cannot be a record; columns that are not yet known are taken as usual. */
static int is_comment(const struct table *t)
{
	size_t n = row_fields(t->rows);
	if (*row_field(t->rows, 0, NULL) != '#' || n == 1 || (t->width && n != t->width))
		return *row_field(t->rows, 0, NULL) == '#';
	if (t->width) {
		for (size_t i = 0; i < t->in->given; i++)
			if (!is_number(t, t->value[i]))
				return 1;
		return 0;
	}
	for (size_t i = 1; i < n; i++)
		if (!is_number(t, i))
			return 1;
	return n < 2;
}

/* "# label" as numpy.savetxt writes a header: the mark goes, where what is left names the label's column. */
static int unmark(const struct table *t)
{
	const char *const named[] = { is_name(t->im->label_column) ? t->im->label_column : label_names(t)[0],
				      label_names(t)[1] };
	char *text = row_field(t->rows, 0, NULL), *word = text + 1 + strspn(text + 1, " \t");
	for (size_t i = 0; i < 2; i++)
		if (row_fields(t->rows) > 1 && field_is_called(word, named[i])) {
			memmove(text, word, strlen(word) + 1);
			return 1;
		}
	return 0;
}

/* The next row that is no comment. */
static int next_row(struct table *t, int first, struct err *err)
{
	int rc;
	while ((rc = row_reader_next(t->rows, err)) == 1) {
		if (!is_comment(t) || (first && unmark(t)))
			return 1;
		t->in->notes->comments++;
	}
	return rc;
}

/* A field of the row with letters that show nothing, for which its name may not be what it looks like; or NULL. */
static const char *unseen(const struct table *t)
{
	for (size_t i = 0; i < row_fields(t->rows); i++) {
		size_t n;
		const char *text = row_field(t->rows, i, &n);
		if (text_clean(text, n, TEXT_MESSAGE) < n)
			return text;
	}
	return NULL;
}

/* 1: the first row is a header, 0: a record, -1: neither. Columns are placed in the first two. */
static int judge_first(struct table *t, struct err *err)
{
	const struct import *im = t->im;
	int named = is_name(im->label_column) || is_name(im->id_column) || is_name(im->name_column), numbers = 0;
	long label = im->label_column ? NONE : default_label(t);
	if (im->header != IMPORT_HEADER_AUTO || named)
		return im->header == IMPORT_HEADER_NO ? 0 : 1;
	if (place_columns(t, 0, err)) /* a header is told what is wrong with it as one */
		return label != NONE ? 1 : -1;
	if (can_be_record(t))
		return 0;
	for (size_t i = 0; i < t->in->given; i++)
		numbers += is_number(t, t->value[i]);
	if (label != NONE || (!numbers && im->label_column))
		return 1;
	if (numbers)
		return 0; /* its fault is told when it is read */
	const char *odd = unseen(t);
	return err_set(err, "is no record ('%s' is not a number) and no header that names a column '%s'%s%s%s; "
			    "--label-column NAME or NUMBER says where the labels are",
		       trimmed(t, t->value[0]), label_names(t)[0], odd ? " (there is '" : "", odd ? odd : "",
		       odd ? "', with letters that show nothing)" : "");
}

static int parse_id(const struct table *t, uint64_t *id, struct err *err)
{
	if (t->id != NONE)
		return num_id("id", trimmed(t, (size_t)t->id), id, err);
	*id = t->in->records;
	return 0;
}

static int parse_label(struct table *t, int32_t *label, struct err *err)
{
	char *text = row_field(t->rows, (size_t)t->label, NULL);
	if (!label_of(&t->in->labels, text, label, err))
		return 0;
	return is_fraction(t) ? no_label(t, err) : -1;
}

static int parse_row(struct table *t, uint64_t *id, int32_t *label, struct err *err)
{
	size_t n = row_fields(t->rows);
	*label = -1;
	if (n == 1 && t->width != 1)
		return err_set(err, "has one column ('%s'); the first row has %zu",
			       row_field(t->rows, 0, NULL), t->width);
	if (n != t->width)
		return err_set(err, "has %zu columns; the first row has %zu", n, t->width);
	if (parse_id(t, id, err) || (t->label != NONE && parse_label(t, label, err)))
		return -1;
	for (size_t i = 0; i < t->in->given; i++)
		if (parse_number(t, t->value[i], &t->in->value[i], err))
			return -1;
	return 0;
}

static int take_row(struct table *t, struct err *err)
{
	int32_t label;
	uint64_t id = 0;
	if (parse_row(t, &id, &label, err))
		return err_context(err, "%s: line %" PRIu64, t->in->path, row_line(t->rows));
	if (t->id != NONE && repeats_add(&t->ids, id, row_line(t->rows), err))
		return -1;
	t->in->name = t->name == NONE ? NULL : row_field(t->rows, (size_t)t->name, NULL);
	return intake_add(t->in, id, t->in->value, label, err);
}

static int read_rows(struct table *t, const json_t *self, struct output *out, struct err *err)
{
	int header, rc = next_row(t, 1, err);
	if (rc < 1)
		return rc ? -1 : err_set(err, "%s: holds no record", t->in->path);
	header = judge_first(t, err);
	if (header < 0 || place_columns(t, header, err) || intake_refuse_single(t->in, err))
		return err_context(err, "%s: line %" PRIu64, t->in->path, row_line(t->rows));
	t->width = row_fields(t->rows);
	if (intake_begin(t->in, 1, self, out, err))
		return -1;
	rc = header ? next_row(t, 0, err) : 1;
	for (; rc == 1; rc = next_row(t, 0, err))
		if (take_row(t, err))
			return -1;
	return rc;
}

int import_table(struct intake *in, const json_t *self, struct output *out, struct err *err)
{
	const struct import *im = in->im;
	int csv = im->form == IMPORT_CSV;
	struct table t = { .in = in, .im = im };
	const struct row_rules rules = {
		.wanted = csv ? "a CSV table" : "a TSV table",
		.separator = csv ? im->separator : '\t',
		.quotes = csv ? im->quotes : ROW_QUOTES_NONE,
		.max_fields = STREAM_MAX_CLASSES + 3,
		.marks = 1,
	};
	if (row_reader_open(&t.rows, im->path, &rules, err))
		return -1;
	int rc = read_rows(&t, self, out, err);
	if (rc && row_line(t.rows) <= 2 &&
	    !t.own_fault) /* a table further on; one with a fault, not another kind of file */
		sniff_explain(im->path, csv ? "CSV" : "TSV", err);
	in->notes->rows = *row_counts_of(t.rows);
	in->notes->repeated = repeats_count(&t.ids, &in->notes->repeated_id, in->notes->repeated_line);
	repeats_release(&t.ids);
	row_reader_close(t.rows);
	free(t.value);
	free(t.names);
	return rc ? -1 : 0;
}
