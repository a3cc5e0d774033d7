/* Rules by a table of 256 entries: Kim's clean_str and white space here, PTB in ptb.c. Kim's rules see bytes, so
 * they are spared decoding; the others see UTF-8, and fold_line goes over a line only where it has a byte above
 * 0x7F. A byte is written even where it is then not counted (a second space), which is cheaper than a branch;
 * rule_room has the room for it. */
#include "rules.h"
#include "charset.h"
#include "fold.h"
#include "ptb.h"
#include "white.h"

#include <string.h>

/* Entries of rule_table.to that are no byte to write. A space there is a gap: written once, however many follow. */
enum { PUNCT = 1, APOSTROPHE = 2 };

void rule_table(struct rule_table *t, enum rule rule, int lower)
{
	static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`";
	t->rule = rule;
	t->lower = lower;
	t->split_hyphens = 0;
	memset(t->to, ' ', sizeof t->to);
	if (rule == RULE_KIM) {
		for (const char *p = kept; *p; p++)
			t->to[(unsigned char)*p] = (unsigned char)*p;
		for (const char *p = ",!()?"; *p; p++)
			t->to[(unsigned char)*p] = PUNCT;
		t->to['\''] = APOSTROPHE;
	} else {
		for (int c = 1; c < 256; c++)
			if (!is_white((char)c))
				t->to[c] = (unsigned char)c;
	}
	for (int c = 'A'; lower && c <= 'Z'; c++)
		t->to[c] = (unsigned char)(c | 0x20);
}

/* At an apostrophe: does one of 's 've 're 'd 'll begin here? `next` has the two bytes after it, 0 past the end. */
static int begins_clitic(unsigned char a, unsigned char b)
{
	return a == 's' || a == 'd' || (a == 'v' && b == 'e') || (a == 'r' && b == 'e') || (a == 'l' && b == 'l');
}

/* clean_str's thirteen substitutions in one pass. They cannot disturb one another: each only inserts a space, before an
 * apostrophe, before the n of n't or around a mark, and none of these places is inside another's pattern. So a byte and
 * its neighbours in the original line decide everything, and what is written is already collapsed and stripped. */
static size_t kim_line(const unsigned char *to, const unsigned char *in, size_t n, unsigned char *out)
{
	size_t o = 0, gap = 1; /* gap: out[o-1] is a space, or o is 0 */
	for (size_t i = 0; i < n; i++) {
		unsigned char t = to[in[i]];
		if (__builtin_expect(t > APOSTROPHE, 1)) {
			size_t space = t == ' ';
			out[o] = t;
			o += !(space & gap);
			gap = space;
		} else if (t == PUNCT) {
			out[o] = ' ';
			o += !gap;
			out[o++] = in[i];
			out[o++] = ' ';
			gap = 1;
		} else {
			unsigned char a = i + 1 < n ? in[i + 1] : 0, b = i + 2 < n ? in[i + 2] : 0;
			if (begins_clitic(a, b)) {
				out[o] = ' ';
				o += !gap;
			} else if (a == 't' && i && in[i - 1] == 'n' && o > 1 && out[o - 2] != ' ') {
				out[o - 1] = ' ';
				out[o++] = 'n';
			}
			out[o++] = '\'';
			gap = 0;
		}
	}
	return o && gap ? o - 1 : o;
}

static size_t space_line(const unsigned char *to, const unsigned char *in, size_t n, unsigned char *out)
{
	size_t o = 0, gap = 1;
	for (size_t i = 0; i < n; i++) {
		unsigned char t = to[in[i]];
		size_t space = t == ' ';
		out[o] = t;
		o += !(space & gap);
		gap = space;
	}
	return o && gap ? o - 1 : o;
}

size_t rule_line(const struct rule_table *t, const char *line, size_t n, char *scratch, char *out)
{
	unsigned how = (t->lower ? FOLD_LOWER : 0) | (t->rule == RULE_PTB ? FOLD_PTB : 0);
	if (t->rule == RULE_KIM)
		return kim_line(t->to, (const unsigned char *)line, n, (unsigned char *)out);
	if (charset_scan(line, n) & SCAN_HIGH) {
		n = fold_line(line, n, how, scratch);
		line = scratch;
	}
	if (t->rule == RULE_PTB)
		return ptb_line(line, n, (t->lower ? PTB_LOWER : 0) | (t->split_hyphens ? PTB_SPLIT : 0), out);
	return space_line(t->to, (const unsigned char *)line, n, (unsigned char *)out);
}
