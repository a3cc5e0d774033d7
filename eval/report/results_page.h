/* results_page: results of several recipes on one page, beside what the paper says: HTML, Markdown, LaTeX, and the
 * verdicts as a table. The same results give the same bytes. */
#ifndef VIC_RESULTS_PAGE_H
#define VIC_RESULTS_PAGE_H

#include "eval/results/verdict.h"

#include <stdio.h>

/* A picture in a file's bytes. */
struct picture {
	const char *name; /* the file's, without folders; borrowed */
	char *data;	  /* [len], owned */
	size_t len;
	int png; /* else SVG */
};
/* Errors: neither SVG nor PNG. */
int picture_read(struct picture *p, const char *path, struct err *err) VIC_CHECKED;
/* An <img> that needs no other file; its text is the SVG's own title, else the name. */
void picture_html(FILE *to, const struct picture *p);

struct results_page {
	const char *title;
	const char *note;    /* how the results were made, a paragraph; NULL: none */
	const char *version; /* of vicinal */
	struct result_table results;
	struct claims claims;	   /* none: no verdicts */
	struct judgement *verdict; /* [n_verdicts], owned */
	size_t n_verdicts;
	struct picture *picture; /* [n_pictures], owned */
	size_t n_pictures;
};
enum results_format { RESULTS_HTML, RESULTS_MARKDOWN, RESULTS_LATEX, RESULTS_TSV };
void results_page_release(struct results_page *p);
/* Errors: out of memory; those of `to` are left for its close. */
int results_page_write(const struct results_page *p, enum results_format format, FILE *to, struct err *err) VIC_CHECKED;

/* Parts of it. */
/* The n-th figure named in the results, in order of appearance; NULL: there are fewer. */
const char *results_page_figure(const struct results_page *p, size_t n);
/* How many of the verdicts are v. */
size_t results_page_count(const struct results_page *p, enum verdict v);
/* The rule behind the verdicts, as paragraphs; ends with NULL. */
extern const char *const results_page_rule[];
int results_page_html(const struct results_page *p, FILE *to, struct err *err) VIC_CHECKED;

#endif
