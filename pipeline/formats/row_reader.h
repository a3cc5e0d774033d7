/* row_reader: rows of CSV (RFC 4180, by libcsv) or of plain text between separators, one at a time: the one reader of
 * tables. White space is part of its field. A row ends at LF, CR LF or CR; blank lines are passed over and counted, a
 * byte order mark is dropped and counted, UTF-16 is refused. Packed files are unpacked as they are read. */
#ifndef VIC_ROW_READER_H
#define VIC_ROW_READER_H

#include "pipeline/base/err.h"
#include "pipeline/files/io.h"

enum row_quotes {
	ROW_QUOTES_STRICT, /* quotes stand around whole fields, and are doubled inside */
	ROW_QUOTES_BARE,   /* the same, but in a field that does not begin with one they are characters (a 5" disc) */
	ROW_QUOTES_NONE,   /* a quote is a character, and each line a row */
	/* as MySQL, Python's escapechar and Spark write: in quotes or not, a backslash makes the next quote, backslash,
	 * separator or end of line a character; \n \r \t are those; \N alone is an empty field; others are refused */
	ROW_QUOTES_BACKSLASH,
};

struct row_rules {
	const char *wanted; /* "a CSV table": what the file should be, for messages */
	char separator;     /* 0: comma, or what the file says in Excel's first line "sep=;" */
	enum row_quotes quotes;
	size_t max_fields;  /* a row of more is an error */
	const char *unless; /* what takes HTML, XML and JSON for rows, as sniff_foreign says it */
	int marks; /* 1: a line that begins with '#' and breaks the rules of quotes is a row of one field, '#' */
};
enum { ROW_MAX_FIELD = 64 << 20 }; /* bytes */

/* What was met and is in no row. */
struct row_counts {
	uint64_t boms, blank; /* byte order marks (0 or 1), blank lines */
	uint64_t sep_lines;   /* Excel's first line (0 or 1) */
};

struct row_reader;
/* `path` "-" is stdin; borrowed, as is rules->wanted. Errors: cannot be read; certainly no text, or a document. */
int row_reader_open(struct row_reader **t, const char *path, const struct row_rules *rules,
		    struct err *err) VIC_CHECKED;
void row_reader_close(struct row_reader *t); /* NULL is fine */
/* The next row: 1, 0 at the end, -1 on failure. Its fields live until the next call. Errors name file and line. */
int row_reader_next(struct row_reader *t, struct err *err) VIC_CHECKED;
size_t row_fields(const struct row_reader *t);
/* Field i, which may be written to, with a NUL after it; *n (may be NULL): its bytes, of which none is NUL. */
char *row_field(const struct row_reader *t, size_t i, size_t *n);
/* Line where the present row begins, from 1. */
uint64_t row_line(const struct row_reader *t);
const char *row_file(const struct row_reader *t); /* its name in messages */
char row_separator(const struct row_reader *t);   /* that in use */
/* Of a row of one column: what else may stand between columns, as --separator takes it ("';'", "tab"); or NULL. */
const char *row_other_separator(const struct row_reader *t);
const struct row_counts *row_counts_of(const struct row_reader *t);

#endif
