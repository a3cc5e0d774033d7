/* table: one column a stream, one row a number; printed for people, as JSON or as TSV. Nothing is printed before all of
 * it is there, so a failure leaves stdout empty.
 *
 *   struct table t = { 0 };
 *   table_column(&t, "baseline", err);
 *   table_real(&t, "ece", 0.143, err); table_interval(&t, "oe", 0.132, 0.120, 0.144, err);
 *   table_print(&t, TABLE_TEXT, stdout, err); table_release(&t); */
#ifndef VIC_EVAL_TABLE_H
#define VIC_EVAL_TABLE_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum table_format { TABLE_TEXT, TABLE_JSON, TABLE_TSV };

enum cell_type { CELL_NONE, CELL_COUNT, CELL_REAL, CELL_INTERVAL, CELL_SPREAD, CELL_TEXT };
struct table_cell {
	enum cell_type type;
	uint64_t count;
	double value, low, high; /* CELL_SPREAD: low is the deviation */
	char *text;
};

struct table {
	char **column; /* owned names */
	struct table_row *row;
	size_t n_columns, cap_columns, n_rows, cap_rows;
	const char *head; /* TSV and text: title of the first column; NULL: "metric" */
	const char *note; /* text only: a line below the table, or NULL */
	/* JSON: an object a row, {"name": key, column: value, ...}; the first column names every row, once */
	int by_row;
	size_t at;	  /* row set last: the next is most often the one after it */
};

/* Begins a column; what is set after it goes there. A row exists from the first time its key is named; a cell that was
 * never set prints as "-" (text, TSV: empty) and is absent from JSON. Keys and texts are copied. */
int table_column(struct table *t, const char *name, struct err *err) VIC_CHECKED;
int table_count(struct table *t, const char *key, uint64_t value, struct err *err) VIC_CHECKED;
int table_real(struct table *t, const char *key, double value, struct err *err) VIC_CHECKED;
/* JSON: {"value":..,"low":..,"high":..}; TSV: three columns; text: value [low, high]. */
int table_interval(struct table *t, const char *key, double value, double low, double high,
		   struct err *err) VIC_CHECKED;
/* JSON: {"value":..,"sd":..}; text: value +- sd. */
int table_spread(struct table *t, const char *key, double mean, double sd, struct err *err) VIC_CHECKED;
int table_text(struct table *t, const char *key, const char *text, struct err *err) VIC_CHECKED;

/* JSON: one object a column and line, {"name": column, key: value, ...}; a number that is not finite prints as null
 * (NaN) or as the text "inf" / "-inf". TSV: a header line, a line a row; "inf", "nan" as they are. Names and texts are
 * escaped (pipeline/files/text.h; in JSON as \uXXXX). Errors: out of memory; JSON: a name that is not UTF-8; what the
 * stream says. */
int table_print(const struct table *t, enum table_format format, FILE *to, struct err *err) VIC_CHECKED;
/* What was set: a cell, CELL_NONE where nothing was; and a row's key. Borrowed. */
const struct table_cell *table_at(const struct table *t, size_t row, size_t column);
const char *table_key(const struct table *t, size_t row);
void table_release(struct table *t);

#endif
