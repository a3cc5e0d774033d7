/* calibrate: from records read to what a map is fitted on, and from a map to records written. For vic-calibrate. */
#ifndef VIC_CALIBRATE_H
#define VIC_CALIBRATE_H

#include "calfit.h"
#include "pipeline/formats/calfile.h"
#include "eval/records/rows.h"
#include "eval/metrics/table.h"

enum { CALIBRATE_COLUMNS = COL_VALUES | COL_LABEL | COL_ID | COL_SPLIT | COL_NLL | COL_BRIER | COL_NAME };

/* The logits a map works on: as they came; of probabilities their logarithms; of several samples the logarithms of
 * their mean probabilities. z: [classes]; room: [classes] of scratch. */
void record_logits(const struct rows *rows, size_t i, double *z, double *room);

/* What was judged: labelled records only. */
struct judged {
	size_t n, cap;
	conf_key *key; /* [n], owned */
	struct rows_sums sum;
};
void judged_release(struct judged *j);

/* Everything a fit needs of rows read with CALIBRATE_COLUMNS, all labelled. data borrows rows->values where they can
 * be used as they lie, so rows must outlive it; *owned says which. Release with fit_data_release. clip: 0, or as
 * struct calmap has it; *clipped counts the records that it changed. The sketch is of the records as they came. */
int fit_data_of(struct fit_data *data, int *owned, struct sketch *sketch, const struct rows *rows, double clip,
		uint64_t *clipped, struct err *err) VIC_CHECKED;
void fit_data_release(struct fit_data *data, int owned);

/* Applies the map to records of rows (read with CALIBRATE_COLUMNS) whose split is `split` or,
 * for ROWS_ALL, to all. Adds to before and after what the labelled ones score. Writes them, float64, as a document to
 * `out` unless that is NULL; history is rows->provenance. Writes nothing where no record was chosen. *written counts
 * records. */
int calibrate_rows(const struct rows *rows, const struct calmap *map, int split, struct output *out, const json_t *self,
		   struct judged *before, struct judged *after, uint64_t *written, struct err *err) VIC_CHECKED;

/* Adds the prints of the records of rows (read with CALIBRATE_COLUMNS) whose split is `split` or, for ROWS_ALL, of
 * all. */
int calibrate_sketch(struct sketch *s, const struct rows *rows, int split, struct err *err) VIC_CHECKED;
/* calfile_refuse_fitted of n streams together, and calfile_seen_text into text. */
int calibrate_refuse_fitted(const struct calfile *f, const struct rows *list, size_t n, int split, char *text,
			    size_t size, struct err *err) VIC_CHECKED;

/* A map's file as text, to its last LF (owned by the caller). rows: what it was fitted on; tool: stage.provenance. */
int calfile_text(char **text, const struct calmap *map, const struct sketch *sketch, const struct rows *rows,
		 const struct calmap_fit *how, const json_t *tool, struct err *err) VIC_CHECKED;

/* What a file says of the records that something was fitted on, its "fit": records, split, name, digest, sketch and
 * provenance; and its "classes". New references; NULL when out of memory. */
json_t *fitted_json(const struct sketch *sketch, const struct rows *rows);
json_t *class_names_json(const struct stream_head *head);

/* Fills a column: n accuracy ece ece_floor oe oe_floor nll brier gap. Sorts j->key. bins: equal width. */
int judged_column(struct table *t, const char *name, struct judged *j, int bins, int rounds, uint64_t seed,
		  struct pool *pool, struct err *err) VIC_CHECKED;

#endif
