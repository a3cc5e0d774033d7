/* coverage: how many sets hold their label and how large they are: over all records, by class and by size of set. */
#ifndef VIC_COVERAGE_H
#define VIC_COVERAGE_H

#include "eval/metrics/table.h"
#include "pipeline/stream/stream.h"

/* Sizes 0, 1, 2, 3, 4-10, 11-100, 101-1000 and so on to 10^6. */
enum { SIZE_STRATA = 9 };

struct covered {
	uint64_t n, hit, size; /* labelled records, those whose set holds the label, classes in all their sets */
};

struct coverage {
	int k;
	struct covered all, by_size[SIZE_STRATA];
	struct covered *by_class; /* [k], owned */
	struct covered *by_group; /* [groups], owned */
	int groups;
	uint64_t unlabelled, size_unlabelled;
};

/* groups: how many there are, or 0. */
int coverage_init(struct coverage *c, int k, int groups, struct err *err) VIC_CHECKED;
void coverage_release(struct coverage *c);
/* A record's set. label: -1 is only counted. hit: whether the set holds it. group: -1 where there are none. */
void coverage_add(struct coverage *c, int32_t label, int size, int hit, int group);
/* A row "all", one "class NAME" for each class that is a label (where `classes`), one "size N" for each size and one of
 * the name for each group that there is; columns n, coverage with Wilson's interval at `level`, size (mean). Nothing
 * where no record has a label. */
int coverage_table(struct table *t, const struct coverage *c, const struct stream_head *head, char *const *group,
		   int classes, double level, struct err *err) VIC_CHECKED;

#endif
