/* The two file formats behind vectors.h. Only embed/vectors*.c include this. */
#ifndef VIC_EMBED_VECTORS_FILE_H
#define VIC_EMBED_VECTORS_FILE_H

#include "bytes.h"
#include "vectors.h"
#include "words.h"

/* What separates the fields of a line: ASCII's white space but LF, which ends the line. */
static inline int is_blank(char c)
{
	return c == ' ' || (unsigned char)(c - '\t') < 5;
}

/* A line without its LF: takes the white space at both ends away. */
void line_trim(const char **line, size_t *n);
/* The rest is of trimmed lines. How many fields there are, and the bytes of the first. */
size_t line_fields(const char *line, size_t n);
size_t line_field(const char *line, size_t n);
/* Where the last `fields` (at least 1) fields begin; NULL where the line has fewer. */
const char *line_last_fields(const char *line, size_t n, size_t fields);
/* How many finite numbers the line ends in, the first field, a word whatever it holds, apart; *whole: all are digits
 * alone. Errors: memory. */
int line_numbers(const char *line, size_t n, size_t *numbers, int *whole, struct err *err) VIC_CHECKED;
/* Why a line is no word and numbers, where that can be told: "has decimal commas; ..."; else NULL. */
const char *line_fault(const char *line, size_t n);

/* Looks at the first lines: header, format, dim. asked: what --dim says, or 0. The source is left at the first row;
 * *lines is how many were skipped. */
int vectors_probe(struct bytes *s, enum vectors_format format, int asked, int *dim, struct vectors_counts *c,
		  uint64_t *lines, struct err *err) VIC_CHECKED;
/* Reads rows from the source's window on; the header has been skipped. `line`: lines before the window. */
int vectors_text(struct vectors *v, struct bytes *s, uint64_t line, const struct words *words, struct pool *pool,
		 struct err *err) VIC_CHECKED;
int vectors_binary(struct vectors *v, struct bytes *s, const struct words *words, struct err *err) VIC_CHECKED;

/* Notes a row that was passed over. */
static inline void note_bad(struct vectors_counts *c, uint64_t *kind, uint64_t line)
{
	++*kind;
	if (!c->first_bad || line < c->first_bad)
		c->first_bad = line;
}

#endif
