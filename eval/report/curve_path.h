/* curve_path: curves of a ranking as SVG paths, in a square of side PATH_SIDE with y downwards. Steps that no eye could
 * part are passed over. */
#ifndef VIC_CURVE_PATH_H
#define VIC_CURVE_PATH_H

#include "eval/metrics/metrics.h"
#include "eval/metrics/roc.h"

#include <stdio.h>

enum { PATH_SIDE = 1000 };
/* True positives against false ones or, with `precision`, precision against recall. *path is the caller's. */
int roc_path(char **path, const struct roc *r, int precision, struct err *err) VIC_CHECKED;
/* The share that is wrong of the most confident against their share of all; `most` is at the upper edge, what is above
 * it lies on it. */
void risk_path(FILE *to, const conf_key *sorted, size_t n, double most);

#endif
