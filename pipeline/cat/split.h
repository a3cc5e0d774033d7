/* split: which records train, which choose the epoch and which judge. Pure: from keys, labels and marks to marks. */
#ifndef VIC_SPLIT_H
#define VIC_SPLIT_H

#include "pipeline/base/err.h"
#include "pipeline/base/hash.h"
#include "pipeline/stream/stream.h"

struct split_plan {
	int64_t folds, fold; /* folds 0: no cross-validation */
	double test, dev, calibration; /* shares, 0: none */
	uint64_t seed;
	int stratify;
	/* train, dev and test marks of the input are forgotten first; with calibration also a labelled extra's */
	int remark;
};

/* One entry a record, in the order of the stream. Records with equal keys are copies of each other. */
struct split_records {
	uint32_t n;
	struct hash128 *key; /* [n] */
	int32_t *label;      /* [n]; -1: none */
	uint8_t *split;      /* [n]; enum stream_split: in and out */
	size_t cap_key, cap_label, cap_split;
};

struct split_report {
	uint32_t copies;    /* records of the pool that repeat an earlier one of it */
	uint32_t disagree;  /* of these, with another label */
	uint32_t leaked;    /* records marked test that also occur among those marked train or dev, at the end */
};

/* Rewrites records->split.
 *
 * The pool is what is marked train. Copies of a record form a group that is never parted; a group's class is that of
 * its first record (without `stratify` all are of one class). Classes are visited in order, unlabelled first.
 *
 * folds > 0: in each class the groups, shuffled, larger ones first, go one by one to the fold that has the fewest
 * records
 *   of the class so far, among those to the one with the fewest in all, then to the lowest number. It does not depend
 *   on
 *   `fold`: the K folds are a partition. In a class without copies, and in all, fold sizes differ by at most 1.
 *   Fold number `fold` is marked test.
 * test > 0: round(test x pool) records are marked test: floor(test x n) of each class and one more of the classes with
 * the
 *   largest remainders. Groups are taken in shuffled order as long as they fit; only where copies prevent it are there
 *   fewer.
 * dev > 0: the same of what then remains marked train; calibration > 0: once more, marked extra.
 *
 * Errors: a share that rounds to no record or leaves none to train on; more folds than groups; marks that would be
 * mixed with others (test records in the input with folds or test; dev records with dev; labelled extra ones with
 * calibration), unless `remark`. */
int split_assign(const struct split_plan *plan, struct split_records *records, struct split_report *report,
		 struct err *err) VIC_CHECKED;
int split_records_add(struct split_records *records, struct hash128 key, int32_t label, int split, struct err *err)
	VIC_CHECKED;
void split_records_release(struct split_records *records);

#endif
