/* What is drawn of a table of results. */
#include "plot_results.h"
#include "eval/results/sheet.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 3 };

static int add_name(const char **list, int *n, int most, const char *name, const char *what, struct err *err)
{
	for (int i = 0; i < *n; i++)
		if (!strcmp(list[i], name))
			return 0;
	if (*n == most)
		return err_set(err, "more than %d %s in one figure", most, what);
	list[(*n)++] = name;
	return 0;
}

static int choose_metrics(struct result_plot *p, struct err *err)
{
	const struct result_table *r = p->results;
	if (!p->ask->metrics) {
		for (size_t i = 0; i < r->n && p->metrics < ASKED; i++)
			if (!strstr(r->row[i].metric, " less ") &&
			    add_name(p->metric, &p->metrics, PLOT_METRICS, r->row[i].metric, "metrics", err))
				return -1;
		return 0;
	}
	if (mem_text(&p->list, p->ask->metrics, strlen(p->ask->metrics), err))
		return -1;
	for (char *at = p->list, *name; (name = text_field(&at, ','));) {
		size_t i = 0;
		while (i < r->n && strcmp(r->row[i].metric, name))
			i++;
		if (i == r->n)
			return err_set(err, "holds no metric '%s'", name);
		if (add_name(p->metric, &p->metrics, PLOT_METRICS, name, "metrics", err))
			return -1;
	}
	return 0;
}

/* Whether the row is of a method that is drawn, and of a metric. */
static int is_drawn(const struct result_plot *p, const struct result *row)
{
	size_t n = strlen(p->ask->settings ? p->ask->method : "");
	int there = 0;
	for (int i = 0; i < p->metrics; i++)
		there |= !strcmp(p->metric[i], row->metric);
	if (!there || strcmp(row->seed, "all"))
		return 0;
	return !p->ask->settings || !strcmp(row->method, "baseline") ||
	       (!strncmp(row->method, p->ask->method, n) && row->method[n] == ' ' && *row->setting &&
		!strcmp(row->method + n + 1, row->setting));
}

/* Keeps the methods in the order of their settings. */
static void place_setting(struct result_plot *p, double setting)
{
	int i = p->methods - 1;
	const char *method = p->method[i];
	for (; i > 0 && p->setting[i - 1] > setting; i--) {
		p->setting[i] = p->setting[i - 1];
		p->method[i] = p->method[i - 1];
	}
	p->setting[i] = setting;
	p->method[i] = method;
}

static int add_row(struct result_plot *p, const struct result *row, struct err *err)
{
	int k = 0, before = p->methods;
	double setting = 0;
	if (p->ask->settings && *row->setting && num_f64("setting", row->setting, 0, INFINITY, &setting, err)) {
		err->status = VIC_DATA;
		return -1;
	}
	while (k < p->places && !result_same_place(p->place[k], row))
		k++;
	if (k == PLOT_GROUPS)
		return err_set(err, "more than %d data sets in one figure", PLOT_GROUPS);
	if (k == p->places)
		p->place[p->places++] = row;
	if (add_name(p->method, &p->methods, PLOT_METHODS, row->method, "methods", err))
		return -1;
	if (p->ask->settings && p->methods > before)
		place_setting(p, setting);
	return 0;
}

int result_plot_choose(struct result_plot *p, const struct result_table *r, const struct plot_ask *ask, struct err *err)
{
	*p = (struct result_plot){ .ask = ask, .results = r };
	int rc = choose_metrics(p, err), of_method = 0;
	for (size_t i = 0; i < r->n && !rc; i++) {
		if (!is_drawn(p, &r->row[i]))
			continue;
		of_method |= *r->row[i].setting != 0;
		rc = add_row(p, &r->row[i], err);
	}
	if (!rc && ask->settings && !of_method)
		rc = err_set(err, "holds no method '%s' with a setting", ask->method);
	if (!rc && !p->places)
		rc = err_set(err, "holds no row of all runs (seed all)");
	if (rc)
		result_plot_release(p);
	return rc ? -1 : 0;
}

void result_plot_release(struct result_plot *p)
{
	free(p->list);
	*p = (struct result_plot){ 0 };
}

void result_plot_describe(const struct result_plot *p, FILE *to)
{
	char title[METRIC_TITLE];
	for (int i = 0; i < p->metrics; i++) {
		metric_title(title, p->metric[i]);
		fprintf(to, "%s%s", i ? ", " : "", title);
	}
	for (int i = 0; i < p->methods; i++)
		fprintf(to, "%s%s", i ? ", " : " of ", p->method[i]);
	for (int i = 0; i < p->places; i++)
		fprintf(to, "%s%s", i ? ", " : " on ", p->place[i]->dataset);
}
