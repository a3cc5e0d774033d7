/* per_class: how a classifier does on each class, from the counts that class-wise errors are made of. */
#ifndef VIC_PER_CLASS_H
#define VIC_PER_CLASS_H

#include "eval/records/rows.h"
#include "eval/metrics/table.h"

/* Of class k, over labelled records; bins are those of rows->class_bins, P(k) against whether the label is k. */
struct class_score {
	uint64_t n, predicted;	    /* records whose label, or predicted class, is k */
	double accuracy, precision; /* share of each that is right; NaN where there are none */
	double ece, oe;		    /* one against the rest, over all records: metrics.h's formulas with P(k) */
	double gap;		    /* mean P(k) - share of labels that are k */
};

/* w: read with class_bins > 0. */
void class_score_of(struct class_score *s, const struct rows *w, int k);
/* A row a class; columns n predicted accuracy precision ece oe gap. */
int class_table(struct table *t, const struct rows *w, struct err *err) VIC_CHECKED;

#endif
