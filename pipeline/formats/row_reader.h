/* row_reader: rows of CSV (RFC 4180, by libcsv, strictly) or TSV (tabs, no quoting), one at a time. A row without any
 * field is an error, except at the end of the file. */
#ifndef VIC_ROW_READER_H
#define VIC_ROW_READER_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

struct row_reader;

/* comma: CSV; else TSV. `path` "-" is stdin; borrowed. */
int row_reader_open(struct row_reader **t, const char *path, int comma, struct err *err) VIC_CHECKED;
void row_reader_close(struct row_reader *t); /* NULL is fine */
/* The next row: 1, 0 at the end, -1 on failure. Its fields are NUL-terminated and live until the next call; a NUL byte
 * inside the file is an error. */
int row_reader_next(struct row_reader *t, struct err *err) VIC_CHECKED;
size_t row_fields(const struct row_reader *t);
char *row_field(const struct row_reader *t, size_t i); /* may be written to */
/* Line where the present row ends, from 1. */
uint64_t row_line(const struct row_reader *t);

#endif
