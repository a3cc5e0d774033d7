/* The two file formats behind vectors.h. Only embed/vectors*.c include this. */
#ifndef VIC_EMBED_VECTORS_FILE_H
#define VIC_EMBED_VECTORS_FILE_H

#include "bytes.h"
#include "vectors.h"

/* A line without its LF: bytes of it that count, without CR and spaces at its end. */
size_t line_trim(const char *line, size_t n);
/* The text after the first n_spaces spaces from the end of line[0..n): where its last n_spaces fields begin; NULL
 * where it has fewer spaces. */
const char *line_last_fields(const char *line, size_t n, size_t n_spaces);
size_t count_spaces(const char *p, size_t n);

/* Reads rows from the source's window on; the header has been skipped. `line`: lines before the window. */
int vectors_text(struct vectors *v, struct bytes *s, uint64_t line, const struct vocab *words, struct pool *pool,
		 struct err *err) VIC_CHECKED;
int vectors_binary(struct vectors *v, struct bytes *s, const struct vocab *words, struct err *err) VIC_CHECKED;

/* Notes a row that was passed over. */
static inline void note_bad(struct vectors_counts *c, uint64_t *kind, uint64_t line)
{
	++*kind;
	if (!c->first_bad || line < c->first_bad)
		c->first_bad = line;
}

#endif
