/* threshold: a fitted conformal threshold as a file, of the form of a calibration map (pipeline/formats/calfile.h):
 * sealed JSON with "vicinal conformal" (the version), "method", "randomised", "alpha", "lambda" and "k_reg" (raps),
 * "threshold" (null: infinite), "complement" (1 - threshold, to its own last digits; --apply uses this one), "rank",
 * "tied", "coverage" [2.5 %, 97.5 % quantile over fits], "classes", "fit", "tool". */
#ifndef VIC_THRESHOLD_H
#define VIC_THRESHOLD_H

#include "conformal.h"
#include "eval/records/rows.h"
#include "pipeline/formats/calfile.h"

struct threshold {
	struct conformal c;
	struct calfile on; /* what it was fitted on; on.map holds no map */
};

/* The text of a file (owned by the caller, freed with free()). rows: what it was fitted on; tool: stage.provenance. */
int threshold_text(char **text, const struct conformal *c, const struct sketch *sketch, const struct rows *rows,
		   const json_t *tool, struct err *err) VIC_CHECKED;
/* Errors name the path and what is wrong. On failure *t is released. */
int threshold_load(struct threshold *t, const char *path, struct err *err) VIC_CHECKED;
/* Whether it may be applied to the records of n streams (read with CALIBRATE_COLUMNS) whose split is `split`. Errors:
 * other classes; records of the fit, unless `allowed`. text: what is worth saying, or empty. */
int threshold_check(const struct threshold *t, const struct rows *list, size_t n, int split, int allowed, char *text,
		    size_t size, struct err *err) VIC_CHECKED;
void threshold_release(struct threshold *t);

#endif
