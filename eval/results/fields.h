/* fields: small tab-separated tables with a known header line, read whole. */
#ifndef VIC_RESULTS_FIELDS_H
#define VIC_RESULTS_FIELDS_H

#include "pipeline/base/err.h"

#include <stddef.h>

enum { FIELDS_MOST = 16, FIELDS_BYTES = 1 << 28 };

/* Of a file's bytes, [len] and a NUL after, whose first line must be `header` to the byte, calls take(to, field) for
 * each further line, with as many fields as the header has, their escapes undone (pipeline/files/text.h). They point
 * into text, which is cut up. Errors name the path and the line; `own` is what the table is called ("results"). */
int fields_of(const char *path, char *text, size_t len, const char *header, const char *own,
	      int (*take)(void *to, char *const *field, struct err *err), void *to, struct err *err) VIC_CHECKED;
/* A number, "inf" and "-inf" too; NaN for an empty field and for "nan". */
int fields_number(const char *what, const char *field, double *value, struct err *err) VIC_CHECKED;

#endif
