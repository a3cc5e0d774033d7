/* Sheets put together. Texts are made once and live as long as their sheet. */
#include "sheet.h"
#include "eval/metrics/metric_table.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void sheet_release(struct sheet *s)
{
	for (size_t i = 0; i < s->n_texts; i++)
		free(s->text[i]);
	for (size_t i = 0; i < s->n; i++)
		free(s->row[i].cell);
	free(s->text);
	free(s->row);
	free(s->column);
	*s = (struct sheet){ 0 };
}

void sheet_number(char text[SHEET_NUMBER], double v)
{
	if (!isfinite(v))
		snprintf(text, SHEET_NUMBER, "%s", isnan(v) ? "not defined" : v > 0 ? "infinite" : "-infinite");
	else
		snprintf(text, SHEET_NUMBER, v != 0 && fabs(v) < 5e-5 ? "%.1e" : fabs(v) < 100 ? "%.4f" : "%.1f", v);
}

/* What recipes measure beside metric_table. */
static const char *const own_title[][2] = {
	{ "confidence", "Mean confidence" },
	{ "aupr_in", "AUPR, in" },
	{ "aupr_out", "AUPR, out" },
	{ "fpr95", "FPR at 95 % TPR" },
	{ "train_loss", "Training loss" },
	{ "dev_loss", "Dev loss" },
	{ "train_accuracy", "Training accuracy" },
	{ "dev_accuracy", "Dev accuracy" },
	{ "dev_ece", "Dev ECE" },
	{ "label_entropy", "Entropy of labels" },
	{ "dev_oe", "Dev OE" },
	{ "dev_confidence", "Dev confidence" },
};

void metric_title(char text[METRIC_TITLE], const char *metric)
{
	static const char share[] = "above_", rise[] = ":rise";
	char name[METRIC_TITLE];
	size_t n = strlen(metric), end = sizeof rise - 1;
	int rises = n > end && !strcmp(metric + n - end, rise);
	const char *title = name;
	err_phrase(name, sizeof name, "%.*s", (int)(rises ? n - end : n), metric);
	for (const struct metric *m = metric_table; m->key; m++)
		if (!strcmp(m->key, name) && m->label)
			title = m->label;
	for (size_t i = 0; i < sizeof own_title / sizeof *own_title; i++)
		if (!strcmp(own_title[i][0], name))
			title = own_title[i][1];
	if (!strncmp(name, share, sizeof share - 1))
		err_phrase(text, METRIC_TITLE, "Confidence above %s", name + sizeof share - 1);
	else
		err_phrase(text, METRIC_TITLE, "%s%s", title, rises ? ", rise since half-way" : "");
}

int sheet_keep(struct sheet *s, const char **out, struct err *err, const char *fmt, ...)
{
	va_list ap;
	char *text;
	if (mem_grow(&s->text, &s->cap_texts, s->n_texts + 1, sizeof *s->text, err))
		return -1;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_memory(err);
	*out = s->text[s->n_texts++] = text;
	return 0;
}

int sheet_keep_number(struct sheet *s, const char **out, double v, struct err *err)
{
	char text[SHEET_NUMBER];
	sheet_number(text, v);
	return sheet_keep(s, out, err, "%s", text);
}

int sheet_keep_interval(struct sheet *s, const char **out, double low, double high, struct err *err)
{
	char from[SHEET_NUMBER], to[SHEET_NUMBER];
	if (isnan(low) || isnan(high))
		return 0;
	sheet_number(from, low);
	sheet_number(to, high);
	return sheet_keep(s, out, err, "%s to %s", from, to);
}

int sheet_add(struct sheet *s, int heading, struct sheet_row **row, struct err *err)
{
	if (mem_grow(&s->row, &s->cap, s->n + 1, sizeof *s->row, err))
		return -1;
	*row = &s->row[s->n];
	**row = (struct sheet_row){ 0 };
	if (!heading && mem_alloc(&(*row)->cell, s->columns, sizeof *(*row)->cell, err))
		return -1;
	s->n++;
	return 0;
}
int sheet_keep_place(struct sheet *s, const struct result *row, const char **out, struct err *err)
{
	return sheet_keep(s, out, err, "%s%s%s", row->dataset, *row->model ? ", " : "", row->model);
}
