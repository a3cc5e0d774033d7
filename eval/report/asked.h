/* asked: what a page has beside scores and diagrams where it was asked for. The numbers are the tables that vic-score
 * (--per-class, --by, --coverage, --risk), vic-conformal (--apply) and vic-ood print of the same records. */
#ifndef VIC_REPORT_ASKED_H
#define VIC_REPORT_ASKED_H

#include "eval/conformal/conformal.h"
#include "eval/groups/grouping.h"
#include "eval/metrics/ood.h"
#include "eval/metrics/score.h"

struct report_asked {
	int per_class;
	struct grouping *by;		   /* opened, or NULL; the caller's */
	double coverage, risk, confidence; /* selection.h; 0: not asked for */
	int sets, others;		   /* thresholds are given; other streams are */
	int allow_fit_data;		   /* of the thresholds */
	int score;			   /* of the others: 0 all, else one more than an enum ood_score */
};

/* A stream of other records beside the one that the model was made for. */
struct report_other {
	char *name;	    /* owned */
	struct table table; /* vic-ood's: a column a score */
	struct report_apart {
		enum ood_score score;
		char *roc, *pr; /* curves as SVG paths in a square of side 1000, y downwards; owned */
	} curve[OOD_SCORES];
	int n; /* of them */
	unsigned lacks; /* 1 << enum ood_score: left out, though all were asked for */
};

struct report_more {
	struct table classes, groups, sets; /* no columns: not there */
	size_t n_groups; /* columns of `groups` behind that of all records */
	int without;	 /* groups that have no record among the chosen */
	struct score *score; /* with groups: of all records; owned */
	struct conformal threshold;
	uint64_t fitted; /* records that it was fitted on */
	uint64_t unlabelled; /* records with a set and no label */
	char said[256];	     /* of the threshold and these records, or empty */
	struct report_other *other; /* [n_others], owned */
	int n_others;
};

/* What rows_read must have for more_of_values: all records and their values. */
struct rows_options more_values(const struct rows_options *options);
/* Of `in`, read with more_values, *rows as `options` would have read it; and groups and the sets of the threshold at
 * `path` (or NULL), as asked. rows: the caller's to release, also on failure. Errors: grouping_of's, threshold_load's,
 * records that the threshold was fitted on, unless allowed; rows_read's. */
int more_of_values(struct report_more *m, struct rows *rows, const struct rows *in, const struct rows_options *options,
		   const struct score_options *score, const struct report_asked *asked, const char *path,
		   struct err *err) VIC_CHECKED;
/* Classes, and a column of selections. rows: sorted keys. */
int more_of_rows(struct report_more *m, struct table *selections, const struct rows *rows,
		 const struct report_asked *asked, struct err *err) VIC_CHECKED;
/* Another stream, which is read and released. rows: with OOD_COLUMNS. Errors: rows_read's; another number of classes; a
 * score that was asked for by name and cannot be had. */
int more_of_other(struct report_more *m, const struct rows *rows, const char *path, const struct report_asked *asked,
		  const struct score_options *score, struct pool *pool, struct err *err) VIC_CHECKED;
void more_release(struct report_more *m);

#endif
