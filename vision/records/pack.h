/* pack: a source's images, decoded and brought to one size by several threads, written as a stream in the source's
 * order. */
#ifndef VIC_PACK_H
#define VIC_PACK_H

#include "filter.h"
#include "pipeline/base/pool.h"
#include "pipeline/frame/progress.h"
#include "vision/sources/source.h"

enum pack_encoding { PACK_AUTO, PACK_RAW, PACK_JPEG };

/* An image that does not decode ends the run, or is left out and counted, or is told as well. */
enum pack_on_bad { PACK_STOP, PACK_SKIP, PACK_LIST };

struct pack_options {
	int encoding;	  /* enum pack_encoding */
	struct want want; /* h 0: sizes stay */
	int channels;	  /* 1, 3; 0: the source's, or 3 where it has no say */
	int on_bad;	  /* enum pack_on_bad */
	/* PACK_LIST: is told of each, "NAME: why", and of remarks, by one thread at a time */
	void (*tell)(void *arg, const char *what);
	void *arg;
	int allow_empty;  /* all of a class's images may be left out so; else that is an error */
};

struct pack_report {
	uint64_t written[SPLIT_COUNT], bad, noted, unlabelled;
	uint64_t marked[SPLIT_COUNT];		/* records of a split that got another by --split */
	uint64_t no_label[SPLIT_COUNT];		/* written without one */
	char first_bad[1024], first_note[1024]; /* what and why, of the first of each */
	char first_no_label[SPLIT_COUNT][512];	/* which it was */
	struct pack_sampled {
		uint64_t kept, of;
	} sampled[SPLIT_COUNT]; /* what filter_options.sample took, and of how many; `of` 0: no sample */
	int documents;
	struct stream_head head; /* of the last document */
	uint64_t *of_class;	 /* [SPLIT_COUNT][n_classes] records written of it */
	uint64_t *bad_of_class;	 /* [n_classes] left out of it */
};
void pack_report_release(struct pack_report *r);

/* Writes one document for each of the source's. `self`: this stage's provenance. On failure nothing is committed.
 * report is filled as far as it went, and is to be zeroed before. */
int pack_source(struct source *s, const struct filter_options *filter, const struct pack_options *opt,
		struct pool *pool, struct output *out, const json_t *self, struct progress *progress,
		struct pack_report *report, struct err *err) VIC_CHECKED;

#endif
