/* sheet: a table of results as text, before it becomes HTML, Markdown or LaTeX. */
#ifndef VIC_SHEET_H
#define VIC_SHEET_H

#include "verdict.h"

#include <stdio.h>

struct sheet_cell {
	const char *text, *small; /* a number and its interval; NULL: none */
	const char *paper;	  /* what the paper prints; NULL: nothing */
	int is_verdict;		  /* text is verdict_name of `verdict` */
	enum verdict verdict;
};
/* A line: of the table, or (cell is NULL) a heading of the lines below it. */
struct sheet_row {
	const char *head, *note; /* note: in smaller print; NULL: none */
	struct sheet_cell *cell; /* [columns], owned */
};
struct sheet {
	const char *title, *first; /* caption; heading of the first column */
	const char **column;	   /* [columns], owned as an array */
	struct sheet_row *row;	   /* [n], owned */
	size_t columns, n, cap;
	char **text; /* all the texts, owned */
	size_t n_texts, cap_texts;
};
void sheet_release(struct sheet *s);

/* Numbers of a figure: a line a method, a column a metric, under a heading for each data set and model; rows of all
 * runs alone, without differences. Data sets with other metrics have a sheet of their own: `part` counts them from 0,
 * and a sheet without lines says that there are no more. claims: for what the paper prints. */
int sheet_of_figure(struct sheet *s, const struct result_table *r, const struct claims *c, const char *figure,
		    size_t part, struct err *err) VIC_CHECKED;
/* A line a claim, a column a data set and model. */
int sheet_of_verdicts(struct sheet *s, const struct judgement *list, size_t n, struct err *err) VIC_CHECKED;
/* A heading a claim, a line a data set and model: both values, their difference, what it rests on, the verdict. */
int sheet_of_evidence(struct sheet *s, const struct judgement *list, size_t n, struct err *err) VIC_CHECKED;

/* Errors of `to` are left for its close. */
void sheet_markdown(const struct sheet *s, FILE *to);
/* A table environment, for LaTeX without packages. */
void sheet_latex(const struct sheet *s, FILE *to);
/* Text that comes from tables, safe in each. */
void markdown_text(FILE *to, const char *text);
void latex_text(FILE *to, const char *text);

/* For what puts sheets together. *out: the text, kept by the sheet. */
int sheet_keep(struct sheet *s, const char **out, struct err *err, const char *fmt, ...) VIC_CHECKED
	__attribute__((format(printf, 4, 5)));
int sheet_keep_number(struct sheet *s, const char **out, double v, struct err *err) VIC_CHECKED;
/* Nothing where an end is NaN. */
int sheet_keep_interval(struct sheet *s, const char **out, double low, double high, struct err *err) VIC_CHECKED;
/* "mr, kimcnn" */
int sheet_keep_place(struct sheet *s, const struct result *row, const char **out, struct err *err) VIC_CHECKED;
/* A line with room for its cells, or a heading. */
int sheet_add(struct sheet *s, int heading, struct sheet_row **row, struct err *err) VIC_CHECKED;

/* A number in four decimals or so, as the pages print it. */
enum { SHEET_NUMBER = 32 };
void sheet_number(char text[SHEET_NUMBER], double v);
/* What readers call a metric: "ECE" for "ece"; else the name itself. */
enum { METRIC_TITLE = 64 };
void metric_title(char text[METRIC_TITLE], const char *metric);

#endif
