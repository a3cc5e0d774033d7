/* One line of a text file of word vectors: its fields, the numbers that it ends in, and what is wrong with one that is
 * no word and numbers. White space is that of ASCII alone, because some words of glove.840B are white space to
 * Unicode. */
#include "decimal.h"
#include "vectors_file.h"

#include <string.h>

void line_trim(const char **line, size_t *n)
{
	while (*n && is_blank((*line)[*n - 1]))
		--*n;
	for (; *n && is_blank(**line); ++*line)
		--*n;
}

size_t line_field(const char *line, size_t n)
{
	size_t i = 0;
	while (i < n && !is_blank(line[i]))
		i++;
	return i;
}

const char *line_last_fields(const char *line, size_t n, size_t fields)
{
	const char *p = line + n;
	while (fields--) {
		while (p > line && is_blank(p[-1]))
			p--;
		if (p == line)
			return NULL;
		while (p > line && !is_blank(p[-1]))
			p--;
	}
	return p;
}

/* Sixteen bytes at a time, counted in bytes that cannot overflow within 255 rounds. */
typedef unsigned char bytes16 __attribute__((vector_size(16)));

static inline bytes16 blank16(const char *p)
{
	bytes16 x;
	memcpy(&x, p, 16);
	return (bytes16)(x == ' ') | (bytes16)(x - '\t' < 5);
}

size_t line_fields(const char *line, size_t n)
{
	size_t total = n > 0, i = 1;
	while (i + 16 <= n) {
		bytes16 sum = { 0 };
		size_t rounds = (n - i) / 16 < 255 ? (n - i) / 16 : 255;
		for (size_t k = 0; k < rounds; k++, i += 16)
			sum -= blank16(line + i) & ~blank16(line + i - 1); /* true is all ones, -1 */
		for (int k = 0; k < 16; k++)
			total += sum[k];
	}
	for (; i < n; i++)
		total += (size_t)(is_blank(line[i]) && !is_blank(line[i - 1]));
	return total;
}

int line_numbers(const char *line, size_t n, size_t *numbers, int *whole, struct err *err)
{
	const char *stop = line + n, *word = line + line_field(line, n);
	*numbers = 0;
	*whole = 1;
	for (;;) {
		const char *p = line_last_fields(line, (size_t)(stop - line), 1), *end;
		float v;
		if (!p || p <= word)
			return 0;
		while (is_blank(stop[-1]))
			stop--;
		enum decimal_result rc = decimal_float(p, (size_t)(stop - p), &end, &v);
		if (rc == DECIMAL_SYSTEM)
			return err_memory(err);
		if (rc != DECIMAL_OK || end != stop)
			return 0;
		++*numbers;
		for (const char *q = p; q < stop; q++)
			*whole &= *q >= '0' && *q <= '9';
		stop = p;
	}
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first of that mark in text[0..n) that has a digit or a sign after it; NULL: none. */
static const char *mark_before_number(const char *text, size_t n, char mark)
{
	for (const char *p = text, *stop = text + n; (p = memchr(p, mark, (size_t)(stop - p))) && p + 1 < stop; p++)
		if (is_digit(p[1]) || p[1] == '-' || p[1] == '.')
			return p;
	return NULL;
}

const char *line_fault(const char *line, size_t n)
{
	static const struct {
		char mark;
		const char *what;
	} marks[] = {
		{ ',', "is separated by commas, not by white space" },
		{ ';', "is separated by semicolons, not by white space" },
		{ '|', "is separated by |, not by white space" },
		{ ':', "holds pairs of an index and a value, not the numbers alone" },
	};
	const char *last = line_last_fields(line, n, 1), *p;
	if (!last)
		return "is empty";
	if (memchr(line, 0, n))
		return "holds NUL bytes: UTF-16 (iconv -f UTF-16 -t UTF-8 recodes it), or no text at all";
	size_t len = (size_t)(line + n - last);
	p = mark_before_number(last, len, ',');
	if (p && last > line && p > last && is_digit(p[-1]) && !memchr(p + 1, ',', (size_t)(line + n - p - 1)))
		return "has decimal commas; write points in their place";
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (mark_before_number(last, len, marks[i].mark))
			return marks[i].what;
	return NULL;
}
