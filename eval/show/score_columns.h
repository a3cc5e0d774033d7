/* score_columns: the columns of vic-score's table: a stream, a document, an ensemble or a group each. */
#ifndef VIC_SCORE_COLUMNS_H
#define VIC_SCORE_COLUMNS_H

#include "eval/conformal/selection.h"
#include "eval/metrics/score.h"

#include <stdio.h>

/* What a column holds beside its score. */
struct column_asked {
	double coverage, risk, confidence; /* of selection.h; 0: not asked for */
	int diagrams;			   /* columns_diagrams will come */
};

struct score_column {
	char *name; /* owned */
	json_t *provenance;
	struct score score;
	struct bins bins;
	struct selection at_coverage, at_risk;
};
struct score_columns {
	struct score_column *item; /* owned */
	size_t n, cap;
};

/* Empty columns, to be filled by column_score in any order. */
int columns_reserve(struct score_columns *c, size_t n, struct err *err) VIC_CHECKED;
/* Scores w, whose keys are sorted in place. */
int column_score(struct score_column *col, struct rows *w, const char *name, const struct score_options *options,
		 const struct column_asked *asked, struct err *err) VIC_CHECKED;
/* Both, of one more. */
int columns_add(struct score_columns *c, struct rows *w, const char *name, const struct score_options *options,
		const struct column_asked *asked, struct err *err) VIC_CHECKED;
/* A column each; seeds: those that differ in their seed alone as one column of mean and deviation. *related: whether
 * there are such. */
int columns_show(struct table *t, const struct score_columns *c, const struct column_asked *asked, int seeds,
		 int *related, struct err *err) VIC_CHECKED;
/* Reliability diagrams, one below the other. */
void columns_diagrams(const struct score_columns *c, int utf8, FILE *to);
void columns_release(struct score_columns *c);

#endif
