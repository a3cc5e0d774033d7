/* Results are few thousands: they are looked through. Only the search for doubles sorts. */
#include "results.h"
#include "fields.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"

#include <stdlib.h>
#include <string.h>

enum { FIGURE, DATASET, MODEL, METHOD, SETTING, SEED, RECORDS, METRIC, VALUE, LOW, HIGH, COMMAND };

static int keep_text(struct result_table *r, char *text, struct err *err)
{
	if (mem_grow(&r->text, &r->cap_texts, r->n_texts + 1, sizeof *r->text, err)) {
		free(text);
		return -1;
	}
	r->text[r->n_texts++] = text;
	return 0;
}

static int take_row(void *to, char *const *field, struct err *err)
{
	struct result_table *r = to;
	char *method;
	if (mem_grow(&r->row, &r->cap, r->n + 1, sizeof *r->row, err))
		return -1;
	struct result *row = &r->row[r->n];
	*row = (struct result){ .figure = field[FIGURE], .dataset = field[DATASET], .model = field[MODEL],
				.setting = strcmp(field[SETTING], "-") ? field[SETTING] : "", .seed = field[SEED],
				.metric = field[METRIC], .command = field[COMMAND] };
	if (!*row->figure || !*row->dataset || !*row->seed || !*row->metric || !*field[METHOD])
		return err_set(err, "figure, dataset, method, seed and metric may not be empty");
	if (fields_number("n", field[RECORDS], &row->n, err) ||
	    fields_number("value", field[VALUE], &row->value, err) ||
	    fields_number("low", field[LOW], &row->low, err) || fields_number("high", field[HIGH], &row->high, err))
		return -1;
	if (mem_printf(&method, err, "%s%s%s", field[METHOD], *row->setting ? " " : "", row->setting) ||
	    keep_text(r, method, err))
		return -1;
	row->method = method;
	r->n++;
	return 0;
}

int result_same_place(const struct result *a, const struct result *b)
{
	return !strcmp(a->dataset, b->dataset) && !strcmp(a->model, b->model) && !strcmp(a->figure, b->figure);
}

static int compare_measured(const void *x, const void *y)
{
	const struct result *a = *(const struct result *const *)x, *b = *(const struct result *const *)y;
	const char *const of_a[] = { a->figure, a->dataset, a->model, a->method, a->seed, a->metric };
	const char *const of_b[] = { b->figure, b->dataset, b->model, b->method, b->seed, b->metric };
	int order = 0;
	for (size_t i = 0; i < sizeof of_a / sizeof *of_a && !order; i++)
		order = strcmp(of_a[i], of_b[i]);
	return order;
}

static int refuse_doubles(const struct result_table *r, struct err *err)
{
	const struct result **sorted;
	int rc = 0;
	if (mem_alloc(&sorted, r->n, sizeof *sorted, err))
		return -1;
	for (size_t i = 0; i < r->n; i++)
		sorted[i] = &r->row[i];
	qsort(sorted, r->n, sizeof *sorted, compare_measured);
	for (size_t i = 1; i < r->n && !rc; i++)
		if (!compare_measured(&sorted[i - 1], &sorted[i]))
			rc = err_set(err, "two rows for %s of %s on %s (%s, seed %s)", sorted[i]->metric,
				     sorted[i]->method, sorted[i]->dataset, sorted[i]->figure, sorted[i]->seed);
	free(sorted);
	return rc;
}

int result_table_take(struct result_table *r, const char *path, char *text, size_t len, struct err *err)
{
	size_t before = r->n;
	if (keep_text(r, text, err))
		return -1;
	int rc = fields_of(path, text, len, RESULTS_HEADER, "results", take_row, r, err);
	if (!rc && r->n == before)
		rc = err_set(err, "%s: holds no row of results", path);
	if (!rc && refuse_doubles(r, err))
		rc = err_context(err, "%s", path);
	return rc;
}

int result_table_read(struct result_table *r, const char *path, struct err *err)
{
	char *text;
	size_t len;
	return io_slurp(path, FIELDS_BYTES, &text, &len, err) || result_table_take(r, path, text, len, err) ? -1 : 0;
}

void result_table_release(struct result_table *r)
{
	for (size_t i = 0; i < r->n_texts; i++)
		free(r->text[i]);
	free(r->text);
	free(r->row);
	*r = (struct result_table){ 0 };
}

const struct result *result_find(const struct result_table *r, const struct result *like, const char *method,
				  const char *metric, const char *seed)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct result *row = &r->row[i];
		if (!strcmp(row->metric, metric) && !strcmp(row->method, method) && !strcmp(row->seed, seed) &&
		    result_same_place(row, like))
			return row;
	}
	return NULL;
}
