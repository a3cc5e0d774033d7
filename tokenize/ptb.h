/* ptb: the Penn Treebank's way of taking English apart, in the variant that the vocabulary of GloVe 6B shows
 * (each choice below was looked up in that file): it 's, do n't, ca n't; cannot and gonna whole; brackets, " and % as
 * they are; hyphenated words whole; u.s., mr. and 1,000 with their points; ... also for the one-character ellipsis
 * and for ". . ."; -- for longer runs; curly quotes made straight; every other mark a token. Private to tokenize/. */
#ifndef VIC_PTB_H
#define VIC_PTB_H

#include <stddef.h>

/* PTB_LOWER: ASCII letters in lower case. PTB_SPLIT: well-known is three tokens, well - known. */
enum { PTB_LOWER = 1, PTB_SPLIT = 2 };

/* `line` is what fold_line left: UTF-8 whose white space is ASCII. `out` has rule_room(n) bytes. Returns the bytes
 * written. */
size_t ptb_line(const char *line, size_t n, unsigned how, char *out);

#endif
