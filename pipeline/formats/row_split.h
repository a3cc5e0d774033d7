/* row_split: a reader of rows as its two halves see it: row_reader.c, which cuts the file into pieces, and row_split.c,
 * which cuts pieces into fields. */
#ifndef VIC_ROW_SPLIT_H
#define VIC_ROW_SPLIT_H

#include "row_reader.h"

#include <csv.h>

enum { CHUNK = 64 * 1024 };

struct row_reader {
	struct input in;
	const char *name;
	struct row_rules rules;
	struct csv_parser csv;
	char *chunk;         /* [CHUNK] of the file */
	size_t have, used;   /* of chunk */
	int eof, finished;   /* the file has ended; and its last row was given out */
	int after_cr;        /* the last byte was a CR */
	uint64_t line, at;   /* lines that have ended; line where the row begins */
	/* ROW_QUOTES_BARE and _BACKSLASH: of the field under way */
	enum { FIELD_BEGIN, FIELD_BARE, FIELD_QUOTED, FIELD_CLOSED, FIELD_NULL } state;
	int escape;          /* the last byte was a backslash that is no character; or, 2, an escaped CR */
	int rows, broken;    /* completed by the piece at hand; an error inside a callback */
	int marked, passing; /* rules.marks: the row's first line begins with '#'; it is passed over to its end */
	int malformed;       /* the last failure is one of the rules of quotes */
	char *text;          /* the row's fields, each with its NUL */
	size_t *end;         /* [fields] where each NUL stands */
	size_t fields, length, cap_text, cap_end;
	struct row_counts counts;
	struct err err;
};

int row_split_begin(struct row_reader *t, struct err *err) VIC_CHECKED;
/* A piece of a row, which ends at its line's end (`ended`) or before. Of a marked line that breaks the rules of quotes
 * "#" alone is left, and the rest passed over. */
int row_split(struct row_reader *t, const char *piece, size_t n, int ended, struct err *err) VIC_CHECKED;
/* The last field of a file without a last line end. What fails leaves its error in t->err and sets t->broken. */
void row_end_field(struct row_reader *t);
/* libcsv's callbacks, for csv_fini. */
void row_take_field(void *text, size_t n, void *reader);
void row_take_row(int end, void *reader);

#endif
