/* filter: which records of a source are kept, decided before anything is decoded: splits, classes, counts. */
#ifndef VIC_IMAGE_FILTER_H
#define VIC_IMAGE_FILTER_H

#include "pipeline/base/philox.h"
#include "vision/sources/source.h"

struct filter_options {
	const char *only;    /* splits to keep, comma-separated; NULL: all */
	const char *mark;    /* split that every kept record then bears; NULL: its own */
	const char *classes; /* names or numbers to keep, comma-separated, or @FILE with one a line; NULL: all */
	int64_t limit;	     /* records of each split; 0: all */
	int64_t per_class;   /* records of each class in each split; 0: all */
	int64_t sample;	     /* records of each split, drawn by seed; 0: all. Without limit and per_class */
	uint64_t seed;
};

struct filter {
	const struct filter_options *opt; /* borrowed */
	unsigned char keep[SPLIT_COUNT];
	int mark;     /* or -1 */
	int32_t *map; /* [n_old]: new label, -1: dropped */
	int n_old, n_new, subset;
	uint64_t kept[SPLIT_COUNT], *of_class; /* [SPLIT_COUNT][n_new + 1], the last for no label */
	uint64_t unlabelled;		       /* dropped because a subset of classes was asked for */
	uint64_t marked[SPLIT_COUNT];	       /* records of this split that got another by --split */
	/* a sample: cells are splits and classes, as in of_class */
	struct sample_cell {
		uint32_t n, quota, seen; /* records in all, of these kept, gone by */
		struct rng draws;
	} *quota; /* NULL until filter_draw */
	uint64_t of_split[SPLIT_COUNT]; /* records that the sample is of */
};

/* For a source with this head; with a subset the head's classes become those kept, in the order asked for. */
int filter_open(struct filter *f, const struct filter_options *opt, struct stream_head *head,
		struct err *err) VIC_CHECKED;
void filter_release(struct filter *f);
/* 1 when the item is kept; its label and split are then as they will be written. Counts it. */
int filter_take(struct filter *f, struct item *item);
/* After filter_take was asked of every item: draws the sample from those kept, so that of the same items, asked once
 * more in the same order, `sample` of each split are kept, or all where there are fewer. A class keeps its share: of n
 * records in the split floor(sample * n / all), and one more where the largest remainders are (ties: the lowest class,
 * no label last); which ones is even (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S). */
int filter_draw(struct filter *f, struct err *err) VIC_CHECKED;
/* Forgets the counts. */
void filter_reset(struct filter *f);

#endif
