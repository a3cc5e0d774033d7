/* diagram: a reliability diagram out of characters. */
#ifndef VIC_EVAL_DIAGRAM_H
#define VIC_EVAL_DIAGRAM_H

#include "eval/records/bins.h"

#include <stdio.h>

/* A line a bin, from the most confident down: its range, a bar as long as its accuracy, a mark at its mean
 * confidence, its number of records. Of more than 20 bins as many neighbours are joined as it takes; lines above the
 * highest and below the lowest bin that has records are left out. Too confident shows as a gap behind the bar, too
 * modest as bar beyond the mark.
 * utf8: block characters; else plain ASCII. About 78 columns. */
void diagram_print(const struct bins *b, const char *title, int utf8, FILE *to);

#endif
