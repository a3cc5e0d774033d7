/* taking: the sets of a threshold, taken for the records of streams, and what they cover. */
#ifndef VIC_TAKING_H
#define VIC_TAKING_H

#include "coverage.h"
#include "sets.h"

struct taking {
	const struct conformal *c; /* these four are the caller's to fill, before taking_init */
	struct output *out;	   /* where sets are written; NULL: nowhere */
	uint64_t seed;		   /* of randomised ones */
	int never_empty;	   /* as sets_take has it */
	struct sets sets;
	struct ranked ranked;
	struct coverage coverage;
	double *p;  /* [2 k], owned */
	uint64_t n; /* records so far */
};

/* groups: how many there are, or 0; json: how sets are written. Release also on failure. */
int taking_init(struct taking *t, const struct stream_head *head, int groups, int json, struct err *err) VIC_CHECKED;
/* The records of `rows` (read with COL_VALUES, COL_ID, COL_LABEL and COL_SPLIT) whose split is `split` or, for
 * ROWS_ALL, all. group: [rows->n], below `groups` or NO_GROUP; or NULL. */
int taking_rows(struct taking *t, const struct rows *rows, const uint32_t *group, int split,
		struct err *err) VIC_CHECKED;
void taking_release(struct taking *t);

#endif
