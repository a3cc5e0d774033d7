/* The numbers of a figure. */
#include "sheet.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adds `name` to a list of texts unless it is there. list: room for all there may be. */
static void add_once(const char **list, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(list[i], name))
			return;
	list[(*n)++] = name;
}

static int is_shown(const struct result *row, const char *figure)
{
	return !strcmp(row->figure, figure) && !strcmp(row->seed, "all") && !strstr(row->metric, " less ");
}

/* The least and most runs behind a number of row's data set and model that has runs, 0 where none has; *folds: whether
 * they are folds. */
static void count_runs(const struct result_table *r, const struct result *row, int *least, int *most, int *folds)
{
	*least = *most = *folds = 0;
	for (size_t i = 0; i < r->n; i++) {
		int runs = 0;
		if (!is_shown(&r->row[i], row->figure) || !result_same_place(&r->row[i], row))
			continue;
		for (size_t k = 0; k < r->n; k++) {
			const struct result *run = &r->row[k];
			if (strcmp(run->metric, r->row[i].metric) || strcmp(run->method, r->row[i].method) ||
			    !result_same_place(run, row) || !strcmp(run->seed, "all"))
				continue;
			runs++;
			*folds |= !strncmp(run->seed, "fold", 4);
		}
		*least = runs && (!*least || runs < *least) ? runs : *least;
		*most = *most > runs ? *most : runs;
	}
}

static int place_heading(struct sheet *s, const struct result_table *r, const struct result *row, struct err *err)
{
	int least, most, folds;
	char runs[64] = "", records[64] = "";
	struct sheet_row *head;
	count_runs(r, row, &least, &most, &folds);
	if (least < most)
		err_phrase(runs, sizeof runs, "%d to %d %s", least, most, folds ? "folds" : "seeds");
	else if (most)
		err_phrase(runs, sizeof runs, "%d %s%s", most, folds ? "fold" : "seed", most > 1 ? "s" : "");
	if (!isnan(row->n))
		err_phrase(records, sizeof records, "%s%.0f records", *runs ? ", " : "", row->n);
	if (sheet_add(s, 1, &head, err) || sheet_keep(s, &head->note, err, "%s%s", runs, records))
		return -1;
	return sheet_keep_place(s, row, &head->head, err);
}

static int method_row(struct sheet *s, const struct result_table *r, const struct claims *c, const char **metric,
		      const struct result *like, struct err *err)
{
	struct sheet_row *line;
	if (sheet_add(s, 0, &line, err))
		return -1;
	line->head = like->method;
	for (size_t i = 0; i < s->columns; i++) {
		const struct result *row = result_find(r, like, like->method, metric[i], "all");
		double paper = row && c ? claims_paper_value(c, row) : NAN;
		if (row && (sheet_keep_number(s, &line->cell[i].text, row->value, err) ||
			    sheet_keep_interval(s, &line->cell[i].small, row->low, row->high, err)))
			return -1;
		if (!isnan(paper) && sheet_keep(s, &line->cell[i].paper, err, "%g", paper))
			return -1;
	}
	return 0;
}

/* Whether no row before i is of the same place (and method). */
static int first_shown(const struct result_table *r, size_t i, int by_method)
{
	for (size_t k = i; k > 0; k--)
		if (is_shown(&r->row[k - 1], r->row[i].figure) && result_same_place(&r->row[k - 1], &r->row[i]) &&
		    (!by_method || !strcmp(r->row[k - 1].method, r->row[i].method)))
			return 0;
	return 1;
}

/* The metrics of a place; metric: room for r->n. */
static size_t metrics_of(const struct result_table *r, const struct result *place, const char **metric)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		if (is_shown(&r->row[i], place->figure) && result_same_place(&r->row[i], place))
			add_once(metric, &n, r->row[i].metric);
	return n;
}

static int same_metrics(const char *const *a, size_t n, const char *const *b, size_t m)
{
	for (size_t i = 0; n == m && i < n; i++)
		if (strcmp(a[i], b[i]))
			return 0;
	return n == m;
}

/* The first row of the part-th place whose metrics no place before it has; r->n: there is none. metric: room for
 * 2 r->n; gets that place's, *n. */
static size_t part_begin(const struct result_table *r, const char *figure, size_t part, const char **metric, size_t *n)
{
	for (size_t i = 0, k; i < r->n; i++) {
		if (!is_shown(&r->row[i], figure) || !first_shown(r, i, 0))
			continue;
		*n = metrics_of(r, &r->row[i], metric);
		for (k = 0; k < i; k++)
			if (is_shown(&r->row[k], figure) && first_shown(r, k, 0) &&
			    same_metrics(metric, *n, metric + r->n, metrics_of(r, &r->row[k], metric + r->n)))
				break;
		if (k == i && !part--)
			return i;
	}
	return r->n;
}

static int part_rows(struct sheet *s, const struct result_table *r, const struct claims *c, size_t from,
		     const char **metric, struct err *err)
{
	const char *figure = r->row[from].figure;
	for (size_t i = from; i < r->n; i++) {
		if (!is_shown(&r->row[i], figure) || !first_shown(r, i, 0) ||
		    !same_metrics(metric, s->columns, metric + r->n, metrics_of(r, &r->row[i], metric + r->n)))
			continue;
		if (place_heading(s, r, &r->row[i], err))
			return -1;
		for (size_t k = i; k < r->n; k++)
			if (is_shown(&r->row[k], figure) && result_same_place(&r->row[k], &r->row[i]) &&
			    first_shown(r, k, 1) && method_row(s, r, c, metric, &r->row[k], err))
				return -1;
	}
	return 0;
}

int sheet_of_figure(struct sheet *s, const struct result_table *r, const struct claims *c, const char *figure,
		    size_t part, struct err *err)
{
	const char **metric;
	size_t n = 0;
	*s = (struct sheet){ .title = figure, .first = "Method" };
	if (mem_alloc(&metric, 2 * r->n, sizeof *metric, err))
		return -1;
	size_t from = part_begin(r, figure, part, metric, &n);
	int rc = from < r->n ? mem_alloc(&s->column, n, sizeof *s->column, err) : 0;
	for (; !rc && from < r->n && s->columns < n; s->columns++) {
		char title[METRIC_TITLE];
		metric_title(title, metric[s->columns]);
		rc = sheet_keep(s, &s->column[s->columns], err, "%s", title);
	}
	if (!rc && from < r->n)
		rc = part_rows(s, r, c, from, metric, err);
	free(metric);
	return rc ? -1 : 0;
}
