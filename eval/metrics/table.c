/* Tables of named numbers as text, JSON or TSV. A row is found by its key, linearly, and keeps only the cells up to the
 * last column that set one; cell_at stands in for the rest. Setters always write to the last column. JSON and TSV print
 * doubles so that they read back the same; text rounds for people. Every name and text is escaped on its way out. */
#include "table.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct table_row {
	char *key;
	struct table_cell *cell; /* [n], may be shorter than the table is wide */
	size_t n, cap;
};

static const struct table_cell *cell_at(const struct table_row *r, size_t column)
{
	static const struct table_cell none;
	return column < r->n ? &r->cell[column] : &none;
}

const struct table_cell *table_at(const struct table *t, size_t row, size_t column)
{
	return cell_at(&t->row[row], column);
}

const char *table_key(const struct table *t, size_t row)
{
	return t->row[row].key;
}

int table_column(struct table *t, const char *name, struct err *err)
{
	if (mem_grow(&t->column, &t->cap_columns, t->n_columns + 1, sizeof *t->column, err) ||
	    mem_text(&t->column[t->n_columns], name, strlen(name), err))
		return -1;
	t->n_columns++;
	return 0;
}

/* The cell of the last column in the row of this key. */
static int cell_of(struct table *t, const char *key, struct table_cell **cell, struct err *err)
{
	struct table_row *r = NULL;
	int fresh = t->by_row && t->n_columns == 1;
	for (size_t i = 0; i < t->n_rows && !r && !fresh; i++) {
		struct table_row *next = &t->row[(t->at + 1 + i) % t->n_rows];
		if (!strcmp(next->key, key))
			r = next;
	}
	if (!r) {
		if (mem_grow(&t->row, &t->cap_rows, t->n_rows + 1, sizeof *t->row, err))
			return -1;
		r = &t->row[t->n_rows];
		*r = (struct table_row){ 0 };
		if (mem_text(&r->key, key, strlen(key), err))
			return -1;
		t->n_rows++;
	}
	t->at = (size_t)(r - t->row);
	if (mem_grow(&r->cell, &r->cap, t->n_columns, sizeof *r->cell, err))
		return -1;
	while (r->n < t->n_columns)
		r->cell[r->n++] = (struct table_cell){ 0 };
	*cell = &r->cell[t->n_columns - 1];
	free((*cell)->text);
	**cell = (struct table_cell){ 0 };
	return 0;
}

static int set(struct table *t, const char *key, struct table_cell value, struct err *err)
{
	struct table_cell *c;
	if (cell_of(t, key, &c, err))
		return -1;
	*c = value;
	return 0;
}

int table_count(struct table *t, const char *key, uint64_t value, struct err *err)
{
	return set(t, key, (struct table_cell){ .type = CELL_COUNT, .count = value }, err);
}

int table_real(struct table *t, const char *key, double value, struct err *err)
{
	return set(t, key, (struct table_cell){ .type = CELL_REAL, .value = value }, err);
}

int table_interval(struct table *t, const char *key, double value, double low, double high, struct err *err)
{
	return set(t, key, (struct table_cell){ CELL_INTERVAL, 0, value, low, high, NULL }, err);
}

int table_spread(struct table *t, const char *key, double mean, double sd, struct err *err)
{
	return set(t, key, (struct table_cell){ CELL_SPREAD, 0, mean, sd, 0, NULL }, err);
}

int table_text(struct table *t, const char *key, const char *text, struct err *err)
{
	struct table_cell *c;
	if (cell_of(t, key, &c, err) || mem_text(&c->text, text, strlen(text), err))
		return -1;
	c->type = CELL_TEXT;
	return 0;
}

static json_t *json_number(double v)
{
	if (isnan(v))
		return json_null();
	return isinf(v) ? json_string(v > 0 ? "inf" : "-inf") : json_real(v);
}

static json_t *cell_json(const struct table_cell *c)
{
	switch (c->type) {
	case CELL_COUNT: return json_integer((json_int_t)c->count);
	case CELL_REAL: return json_number(c->value);
	case CELL_INTERVAL:
		return json_pack("{s:o, s:o, s:o}", "value", json_number(c->value), "low", json_number(c->low), "high",
				 json_number(c->high));
	case CELL_SPREAD: return json_pack("{s:o, s:o}", "value", json_number(c->value), "sd", json_number(c->low));
	case CELL_TEXT: return jsontext_name(c->text);
	case CELL_NONE: break;
	}
	return NULL;
}

/* The line of column i, or of row i; *text is the caller's, NULL on failure. */
static int line_json(const struct table *t, size_t i, char **text, struct err *err)
{
	json_t *j = json_object();
	int bad = !j || json_object_set_new(j, "name", jsontext_name(t->by_row ? t->row[i].key : t->column[i]));
	for (size_t k = 0; k < (t->by_row ? t->n_columns : t->n_rows); k++) {
		const struct table_cell *c = t->by_row ? cell_at(&t->row[i], k) : cell_at(&t->row[k], i);
		if (c->type)
			bad |= json_object_set_new(j, t->by_row ? t->column[k] : t->row[k].key, cell_json(c));
	}
	*text = NULL;
	int rc = jsontext_write(text, bad ? NULL : j, JSON_COMPACT | JSON_REAL_PRECISION(17), err);
	json_decref(j);
	return rc;
}

/* All lines are made before the first is printed. */
static int print_json(const struct table *t, FILE *to, struct err *err)
{
	size_t n = t->by_row ? t->n_rows : t->n_columns;
	char **line;
	int rc = mem_alloc(&line, n, sizeof *line, err);
	if (rc)
		return -1;
	for (size_t i = 0; !rc && i < n; i++)
		rc = line_json(t, i, &line[i], err);
	for (size_t i = 0; i < n; i++) {
		if (!rc)
			fprintf(to, "%s\n", line[i]);
		free(line[i]);
	}
	free(line);
	return rc;
}

/* The shortest text that reads back as the same double. */
static void print_exact(double v, FILE *to)
{
	char text[32];
	for (int places = 15; places <= 17; places++) {
		snprintf(text, sizeof text, "%.*g", places, v);
		if (!isfinite(v) || strtod(text, NULL) == v)
			break;
	}
	fputs(text, to);
}

/* A column that has an interval anywhere takes three in TSV: NAME, NAME low, NAME high; with a spread two. */
static enum cell_type width_of(const struct table *t, size_t c)
{
	enum cell_type w = CELL_REAL;
	for (size_t r = 0; r < t->n_rows; r++) {
		enum cell_type type = cell_at(&t->row[r], c)->type;
		if (type == CELL_INTERVAL || (type == CELL_SPREAD && w == CELL_REAL))
			w = type;
	}
	return w;
}

static void print_tsv(const struct table *t, FILE *to)
{
	fputs(t->head ? t->head : "metric", to);
	for (size_t c = 0; c < t->n_columns; c++) {
		static const char *const more[] = { "", " low", " high" };
		enum cell_type w = width_of(t, c);
		for (int i = 0; i < (w == CELL_INTERVAL ? 3 : w == CELL_SPREAD ? 2 : 1); i++) {
			putc('\t', to);
			text_put(to, t->column[c], TEXT_NAME);
			fputs(i && w == CELL_SPREAD ? " sd" : more[i], to);
		}
	}
	putc('\n', to);
	for (size_t r = 0; r < t->n_rows; r++) {
		text_put(to, t->row[r].key, TEXT_NAME);
		for (size_t c = 0; c < t->n_columns; c++) {
			const struct table_cell *v = cell_at(&t->row[r], c);
			enum cell_type w = width_of(t, c);
			int places = w == CELL_INTERVAL ? 3 : w == CELL_SPREAD ? 2 : 1;
			double part[3] = { v->value, v->low, v->high };
			for (int i = 0; i < places; i++) {
				putc('\t', to);
				if (i == 0 && v->type == CELL_COUNT)
					fprintf(to, "%" PRIu64, v->count);
				else if (i == 0 && v->type == CELL_TEXT)
					text_put(to, v->text, TEXT_NAME);
				else if (v->type == CELL_INTERVAL || (v->type == CELL_SPREAD && i < 2) ||
					 (v->type == CELL_REAL && i == 0))
					print_exact(part[i], to);
			}
		}
		putc('\n', to);
	}
}

/* Four significant places below 1, so that an error of 0.0003 is not shown as 0.000. */
static int show_number(char *text, size_t size, double v)
{
	double a = fabs(v);
	if (!isfinite(v))
		return snprintf(text, size, "%s", isnan(v) ? "undefined" : v > 0 ? "inf" : "-inf");
	if (a >= 1e5 || (a > 0 && a < 1e-4))
		return snprintf(text, size, "%.2e", v);
	return snprintf(text, size, "%.*f", a >= 100 ? 1 : a >= 10 ? 2 : a >= 1 ? 3 : a >= 0.01 || a == 0 ? 4 : 5, v);
}

static void cell_show(char *text, size_t size, const struct table_cell *c)
{
	char a[32], b[32], d[32];
	show_number(a, sizeof a, c->value);
	show_number(b, sizeof b, c->low);
	show_number(d, sizeof d, c->high);
	switch (c->type) {
	case CELL_NONE: snprintf(text, size, "-"); break;
	case CELL_COUNT: snprintf(text, size, "%" PRIu64, c->count); break;
	case CELL_REAL: snprintf(text, size, "%s", a); break;
	case CELL_INTERVAL: snprintf(text, size, "%s [%s, %s]", a, b, d); break;
	case CELL_SPREAD: snprintf(text, size, "%s +- %s", a, b); break;
	case CELL_TEXT: break; /* see shown_of */
	}
}

/* Columns on the screen, for UTF-8: continuation bytes take none. */
static int wide(const char *s)
{
	int n = 0;
	for (; *s; s++)
		n += (*s & 0xC0) != 0x80;
	return n;
}

static void print_padded(const char *text, int width, int right, FILE *to)
{
	int gap = width - wide(text);
	fprintf(to, "%*s%s%*s", right && gap > 0 ? gap : 0, "", text, !right && gap > 0 ? gap : 0, "");
}

/* The table as a grid of texts that may be shown: [1 + rows][1 + columns], owned; release with grid_free. */
static void grid_free(char **grid, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(grid[i]);
	free(grid);
}

static int grid_of(const struct table *t, char ***out, struct err *err)
{
	size_t wide_of = 1 + t->n_columns, n = (1 + t->n_rows) * wide_of;
	char **grid, number[128];
	if (mem_alloc(&grid, n, sizeof *grid, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t r = i / wide_of, c = i % wide_of;
		const struct table_cell *cell = r && c ? cell_at(&t->row[r - 1], c - 1) : NULL;
		const char *text = r && !c ? t->row[r - 1].key : c ? t->column[c - 1] : t->head ? t->head : "metric";
		if (cell && cell->type == CELL_TEXT) {
			text = cell->text;
		} else if (cell) {
			cell_show(number, sizeof number, cell);
			text = number;
		}
		if (text_escape(&grid[i], text, TEXT_NAME, err)) {
			grid_free(grid, n);
			return -1;
		}
	}
	*out = grid;
	return 0;
}

static int print_text(const struct table *t, FILE *to, struct err *err)
{
	size_t rows = 1 + t->n_rows, columns = 1 + t->n_columns;
	char **grid;
	int *width;
	if (mem_alloc(&width, columns, sizeof *width, err))
		return -1;
	if (grid_of(t, &grid, err)) {
		free(width);
		return -1;
	}
	for (size_t i = 0; i < rows * columns; i++)
		if (wide(grid[i]) > width[i % columns])
			width[i % columns] = wide(grid[i]);
	for (size_t i = 0; i < rows * columns; i++) {
		fputs(i % columns ? "  " : "", to);
		print_padded(grid[i], width[i % columns], i % columns > 0, to);
		fputs((i + 1) % columns ? "" : "\n", to);
	}
	if (t->note)
		fprintf(to, "%s\n", t->note);
	grid_free(grid, rows * columns);
	free(width);
	return 0;
}

int table_print(const struct table *t, enum table_format format, FILE *to, struct err *err)
{
	int rc = 0;
	if (format == TABLE_JSON)
		rc = print_json(t, to, err);
	else if (format == TABLE_TSV)
		print_tsv(t, to);
	else
		rc = print_text(t, to, err);
	if (!rc && ferror(to))
		return err_sys(err, "stdout: write");
	return rc;
}

void table_release(struct table *t)
{
	for (size_t c = 0; c < t->n_columns; c++)
		free(t->column[c]);
	for (size_t r = 0; r < t->n_rows; r++) {
		for (size_t c = 0; c < t->row[r].n; c++)
			free(t->row[r].cell[c].text);
		free(t->row[r].cell);
		free(t->row[r].key);
	}
	free(t->column);
	free(t->row);
	*t = (struct table){ 0 };
}
