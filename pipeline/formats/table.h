/* table: rows of CSV (RFC 4180, by libcsv, strictly) or TSV (tabs, no quoting), one at a time. A row without any field is an
 * error, except at the end of the file. */
#ifndef VIC_TABLE_H
#define VIC_TABLE_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

struct table;

/* comma: CSV; else TSV. `path` "-" is stdin; borrowed. */
int table_open(struct table **t, const char *path, int comma, struct err *err) VIC_CHECKED;
void table_close(struct table *t); /* NULL is fine */
/* The next row: 1, 0 at the end, -1 on failure. Its fields are NUL-terminated and live until the next call; a NUL byte
 * inside the file is an error. */
int table_row(struct table *t, struct err *err) VIC_CHECKED;
size_t table_fields(const struct table *t);
char *table_field(const struct table *t, size_t i); /* may be written to */
/* Line where the present row ends, from 1. */
uint64_t table_line(const struct table *t);

#endif
