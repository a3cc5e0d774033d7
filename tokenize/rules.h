/* rules: one line of text to tokens joined by single spaces, without a space at either end. The functions of this
 * header allocate nothing, cannot fail, and write at most rule_room(n) bytes for a line of n. */
#ifndef VIC_RULES_H
#define VIC_RULES_H

#include <stddef.h>

enum rule { RULE_KIM, RULE_PTB, RULE_WHITESPACE };

/* Bytes that `out` and `scratch` must have room for when the line has n. Worst cases: "," becomes ", "; two-byte
 * letters whose lower case has three bytes. */
static inline size_t rule_room(size_t n)
{
	return 2 * n + 32;
}

/* What a rule makes of each byte; filled once by rule_table, then read-only. */
struct rule_table {
	enum rule rule;
	int lower;
	int split_hyphens; /* RULE_PTB: well - known; 0 after rule_table */
	unsigned char to[256];
};
void rule_table(struct rule_table *t, enum rule rule, int lower);

/* Tokenises by t->rule. Returns the bytes written to out.
 *
 * RULE_KIM: clean_str of process_data.py in yoonkim/CNN_sentence (2014), with plain ( ) ? where its Python 2 kept
 * a backslash. Every byte outside A-Za-z0-9(),!?'` is a space; 's 've 're 'd 'll and n't (in lower case only, as
 * there) begin a token; , ! ( ) ? are tokens; `lower` (TREC=False there) comes last. It works on bytes: what is
 * not ASCII is a space in any encoding.
 * RULE_WHITESPACE: UTF-8 split at white space alone (white.h), and NUL.
 * RULE_PTB: UTF-8 taken apart as the Penn Treebank does, see ptb.h. */
size_t rule_line(const struct rule_table *t, const char *line, size_t n, char *scratch, char *out);

#endif
