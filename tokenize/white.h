/* white: what separates tokens, labels and classes, in every format and by every rule of vic-tokenize: what Python's
 * str.split() splits at. In ASCII that is TAB, LF, VT, FF, CR, FS, GS, RS, US and the space; is_white_point has the
 * rest. The rules of Kim and of the Penn Treebank take other bytes for white space too. Private to tokenize/. */
#ifndef VIC_WHITE_H
#define VIC_WHITE_H

#include <stddef.h>
#include <stdint.h>

static inline int is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

/* White_Space outside ASCII. */
static inline int is_white_point(uint32_t c)
{
	return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Bytes before the first white space of text[0..n). */
static inline size_t word_length(const char *text, size_t n)
{
	size_t i = 0;
	while (i < n && !is_white(text[i]))
		i++;
	return i;
}

#endif
