/* worst: the records that a model got wrong and was surest of, to look at. */
#ifndef VIC_EVAL_WORST_H
#define VIC_EVAL_WORST_H

#include "eval/records/rows.h"

#include <stdio.h>

/* What must be asked of rows_read, and the header line of what is written. */
enum { WORST_COLUMNS = COL_ID | COL_LABEL | COL_PREDICTED | COL_NAME };
const char *worst_header(void);
/* The `most` wrong records of the highest confidence, a line each, best first, ties in the order of the stream; of a
 * record without a name, the name is empty. name: the stream's, escaped here as all names are. */
int worst_write(const char *name, const struct rows *w, size_t most, FILE *to, struct err *err) VIC_CHECKED;

#endif
