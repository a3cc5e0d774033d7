/* score_groups: the columns of vic-score --by: all records, a column a group, the worst of them, and whether they
 * differ. */
#ifndef VIC_SCORE_GROUPS_H
#define VIC_SCORE_GROUPS_H

#include "score_columns.h"
#include "eval/groups/differ.h"
#include "eval/groups/grouping.h"

struct score_groups {
	struct grouping *grouping; /* the caller's, opened; columns add their groups to it */
	struct differ differ;
	int without; /* groups that have no record among the chosen */
};

/* Columns of rows_read, with ROWS_ALL and ROWS_KEEP, for `in` below. */
enum { SCORE_GROUPS_COLUMNS = COL_VALUES | COL_ID | COL_LABEL | COL_SPLIT | COL_PREDICTED };
/* Chooses of `in` the records that rows_options wants (its columns and those of the tests) into *all, and scores them,
 * then those of each group that has any. Intervals of groups hold together at options->level. With groups by split,
 * ROWS_AUTO takes all records. *all is the caller's to release, also on failure. */
int groups_add(struct score_columns *c, struct score_groups *groups, struct rows *all, const struct rows *in,
	       const char *name, const struct rows_options *rows_options, const struct score_options *options,
	       const struct column_asked *asked, struct err *err) VIC_CHECKED;
/* After columns_show: the worst group of each metric and the p-values. c: as groups_add left it. */
int groups_show(struct table *t, const struct score_columns *c, const struct score_groups *groups,
		struct err *err) VIC_CHECKED;

#endif
