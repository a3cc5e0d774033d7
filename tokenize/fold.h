/* fold: what the rules need of a line before they look at ASCII alone. Private to tokenize/. */
#ifndef VIC_FOLD_H
#define VIC_FOLD_H

#include <stddef.h>

/* FOLD_PTB also gives U+0080..U+009F the meaning that Windows-1252 has for the byte (text that was once misread),
 * curly quotes their ASCII form, the ellipsis three points, the hyphens U+2010 and U+2011 "-". */
enum { FOLD_LOWER = 1, FOLD_PTB = 2 };

/* UTF-8 to UTF-8: Unicode white space becomes a space, letters outside ASCII lower case when asked. ASCII is copied as
 * it is. `out` has rule_room(n) bytes. A byte that is not UTF-8 becomes a space. Returns the bytes written. */
size_t fold_line(const char *line, size_t n, unsigned how, char *out);

/* The character at p (p < end): its bytes, and whether it belongs to a word (letters, marks, numbers, joiners). */
size_t fold_word_char(const char *p, const char *end, int *word);

#endif
