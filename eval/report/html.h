/* html: what the pages of vic-report are written with. Text that comes from streams or options goes through html_text
 * alone. */
#ifndef VIC_REPORT_HTML_H
#define VIC_REPORT_HTML_H

#include "eval/metrics/table.h"

#include <stdio.h>

/* &, <, >, quotes; what may not be shown is escaped (pipeline/files/text.h) */
void html_text(FILE *to, const char *text);
/* Four places, fewer than 0.00005 as a power of ten. */
void html_number(FILE *to, double v);
/* The small print under a value. */
void html_interval(FILE *to, double low, double high);

/* A table that other programs print, or a part of it, as lines. */
struct html_view {
	const char *caption;	/* also what is read aloud of the region */
	const char *of;		/* the stream; behind the caption there */
	const char *head;	/* title of the lines' names */
	int by_column;		/* lines are the table's columns, not its rows */
	int of_metrics;		/* lines are metrics; else what they are told in is */
	int names_of_streams;	/* stand over the columns, and may be long */
	size_t from, to;	/* columns of the table that are shown; to = 0: all from there */
	const char *const *key; /* rows of the table that are shown, few, NULL at the end; NULL: all */
	/* Of more than HTML_LINES lines the furthest in this column (or row, by_column) are shown, the rest is folded;
	 * NULL: the first. Of more than HTML_FOLDED it is only counted, and `elsewhere` says where they are. */
	const char *furthest, *elsewhere;
};
enum { HTML_LINES = 20, HTML_FOLDED = 1000 };
void html_table(FILE *to, const struct table *t, const struct html_view *view);

#endif
