/* results: the rows that recipes print (pipeline/recipes/lib/rows.sh), a number each. */
#ifndef VIC_RESULTS_H
#define VIC_RESULTS_H

#include "pipeline/base/err.h"

#include <stddef.h>

#define RESULTS_HEADER "figure\tdataset\tmodel\tmethod\tsetting\tseed\tn\tmetric\tvalue\tlow\thigh\tcommand"

/* What was measured; borrowed from the results. */
struct result {
	const char *figure, *dataset, *model;
	const char *method; /* with its setting: "mixup 0.4", "baseline" */
	const char *setting; /* "" where there is none */
	const char *seed;    /* "7", "fold3", or "all" of them */
	const char *metric, *command;
	double n;		 /* records; NaN where none are meant */
	double value, low, high; /* NaN where there is none */
};
struct result_table {
	struct result *row; /* [n], owned; in the order of the files */
	size_t n, cap;
	char **text; /* [n_texts], owned */
	size_t n_texts, cap_texts;
};

/* Adds a file's rows. Errors: no table of results, a field that is no number, the same measurement twice. What was read
 * stays the caller's to release. */
int result_table_read(struct result_table *r, const char *path, struct err *err) VIC_CHECKED;
/* The same of a file's bytes, [len] and a NUL after; takes `text` over, in failure too. */
int result_table_take(struct result_table *r, const char *path, char *text, size_t len, struct err *err) VIC_CHECKED;
void result_table_release(struct result_table *r);

/* The row of `seed` that was measured as `like`, but of that method and metric; NULL: there is none. */
const struct result *result_find(const struct result_table *r, const struct result *like, const char *method,
				  const char *metric, const char *seed);
/* Whether both are of one figure, data set and model. */
int result_same_place(const struct result *a, const struct result *b);

#endif
