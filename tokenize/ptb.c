/* The rules of ptb.h, in one pass over the bytes. A line is cut at white space into chunks. A chunk of ASCII letters
 * alone is one token; in any other, word() takes what begins with a letter or digit and mark() the rest, each
 * returning where the next token begins. joins() decides which marks are part of a word. Case is kept until put(),
 * because an initial is told by its capital letter. Output stays within rule_room: a token adds one space and is no
 * longer than its bytes, but for ".." (to "..."). */
#include "ptb.h"
#include "fold.h"

#include <string.h>
#include <strings.h>

/* Where tokens go. A ". . ." that arrives as three tokens is drawn together when the third is put. */
struct tokens {
	char *out;
	size_t o;
	int lower, split, points; /* points: how many tokens "." were just put */
};

static inline int is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static inline int is_letter(unsigned char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline int is_gap(unsigned char c)
{
	return c <= ' ' || c == 0x7F;
}

static inline unsigned char to_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static inline void put_token(struct tokens *t, const char *p, size_t n)
{
	if (t->o)
		t->out[t->o++] = ' ';
	if (t->lower)
		for (size_t i = 0; i < n; i++)
			t->out[t->o + i] = (char)to_lower((unsigned char)p[i]);
	else
		memcpy(t->out + t->o, p, n);
	t->o += n;
	t->points = 0;
}

static void put_points(struct tokens *t, size_t n)
{
	int before = t->points;
	if (n == 1 && before == 2) {
		memcpy(t->out + t->o - 3, "...", 3); /* over ". ." */
		t->points = 3;
	} else if (n == 1 && before == 3) { /* a fourth adds nothing */
		return;
	} else {
		put_token(t, "...", n == 1 ? 1 : 3);
		t->points = n == 1 ? before + 1 : 0;
	}
}

/* The bytes of the character at p if it belongs to a word, else 0. */
static size_t word_char(const char *p, const char *end)
{
	int word;
	size_t k;
	if (p >= end)
		return 0;
	if ((unsigned char)*p < 0x80)
		return is_letter((unsigned char)*p) || is_digit((unsigned char)*p);
	k = fold_word_char(p, end, &word);
	return word ? k : 0;
}

static int digit_at(const char *p, const char *end)
{
	return p < end && is_digit((unsigned char)*p);
}

static int letter_at(const char *p, const char *end)
{
	return p < end && (is_letter((unsigned char)*p) || ((unsigned char)*p >= 0x80 && word_char(p, end)));
}

/* at&t, r&b: both sides of the & at most two letters. */
static int short_around(const char *start, const char *at, const char *end)
{
	const char *p = at + 1;
	while (p < end && is_letter((unsigned char)*p))
		p++;
	return at - start <= 2 && p - at >= 2 && p - at <= 3 && is_letter((unsigned char)at[-1]);
}

static int same(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && !strncasecmp(p, word, n);
}

/* Abbreviations of several letters with a point inside. */
static int is_degree(const char *p, size_t n)
{
	static const char *const known[] = { "ph.d", "m.sc", "b.sc", "d.sc",  "m.phil", "d.phil",
					     "ll.d", "ll.b", "ed.d", "psy.d", "pharm.d" };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (same(p, n, known[i]))
			return 1;
	return 0;
}

/* The point at p: 3.5; u.s, where each part is one letter; ph.d; and before a hyphen that joins: u.s.-based, J.-P. */
static int point_joins(const char *start, const char *p, const char *end, int split)
{
	const char *q = p + 1;
	int letter = is_letter((unsigned char)p[-1]), dotted = p - start > 1 && p[-2] == '.';
	if (q < end && *q == '-')
		return !split && letter_at(q + 1, end) &&
		       ((letter && (dotted || (p - start == 1 && p[-1] >= 'A' && p[-1] <= 'Z'))) ||
			is_degree(start, (size_t)(p - start)));
	if (letter && letter_at(q, end) && (p - start == 1 || dotted) && !word_char(q + word_char(q, end), end))
		return 1;
	while (q < end && q - p < 6 && is_letter((unsigned char)*q))
		q++;
	return p - start < 6 && !word_char(q, end) && is_degree(start, (size_t)(q - start));
}

/* Does the mark at p, inside a word that began at `start`, join what is on its two sides? */
static int joins(const char *start, const char *p, const char *end, int split)
{
	int digits = p > start && is_digit((unsigned char)p[-1]) && digit_at(p + 1, end);
	switch (*p) {
	case '-':
		return !split && word_char(p + 1, end);
	case '_':
		return word_char(p + 1, end) != 0;
	case '\'':
		return letter_at(p + 1, end);
	case '.':
		return digits || point_joins(start, p, end, split);
	case ',':
		return digits && digit_at(p + 2, end) && digit_at(p + 3, end) && !digit_at(p + 4, end);
	case ':':
		return digits && digit_at(p + 2, end) && !digit_at(p + 3, end);
	case '/':
		return digits;
	case '&':
		return short_around(start, p, end);
	default:
		return 0;
	}
}

static const char *word_end(const char *p, const char *end, int split)
{
	const char *start = p;
	for (;;) {
		size_t k = word_char(p, end);
		if (!k && p < end && p > start)
			k = (size_t)joins(start, p, end, split);
		if (!k)
			return p;
		p += k;
	}
}

/* Words that keep a full stop after them. "no." is one only before a number. */
static int is_abbreviation(const char *p, size_t n, const char *end)
{
	static const char *const known[] = {
		"mr",   "mrs",  "ms",  "dr",  "st",   "jr",  "sr",   "vs",  "prof", "rev",  "gen", "sen", "rep", "gov",
		"capt", "lt",   "col", "sgt", "maj",  "hon", "etc",  "inc", "ltd", "corp", "co",  "bros", "dept", "jan",
		"feb",  "aug",  "sept", "oct", "nov", "dec", "ave",  "blvd", "mt",  "est",  "approx", "al",
	};
	const char *after = p + n + 1;
	if (n < 2 || n > 7)
		return 0;
	if (same(p, n, "no"))
		return digit_at(after, end) || (after + 1 < end && *after == ' ' && digit_at(after + 1, end));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (same(p, n, known[i]))
			return 1;
	return is_degree(p, n);
}

/* u.s, a.m, j.-p: one letter, a point, one letter, ...; or a capital letter alone that is an initial (J., not I.). */
static int is_acronym(const char *p, size_t n)
{
	if (n == 1)
		return *p >= 'A' && *p <= 'Z' && *p != 'I';
	for (size_t i = 0;; i++) {
		if (i == n || !is_letter((unsigned char)p[i]))
			return 0;
		if (++i == n)
			return 1;
		if (p[i] != '.')
			return 0;
		i += i + 1 < n && p[i + 1] == '-';
	}
}

/* Length of the clitic with its apostrophe at the end of the n bytes: 's 'm 'd 're 've 'll n't; 0 when there is
 * none, or when nothing would be left in front of it. */
static size_t clitic(const char *p, size_t n)
{
	static const char *const known[] = { "'s", "'m", "'d", "'re", "'ve", "'ll", "n't" };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t k = strlen(known[i]);
		if (n > k && same(p + n - k, k, known[i]))
			return k;
	}
	return 0;
}

/* would've'nt splits from the right, so the pieces are put in order by recursion: at most one level a clitic. */
static void put_word(struct tokens *t, const char *p, size_t n, int depth)
{
	size_t k = depth < 4 && memchr(p, '\'', n) ? clitic(p, n) : 0;
	if (!k) {
		put_token(t, p, n);
		return;
	}
	put_word(t, p, n - k, depth + 1);
	put_token(t, p + n - k, k);
}

static const char *word(struct tokens *t, const char *p, const char *end, const char *line_end)
{
	const char *q = word_end(p, end, t->split);
	if (q < end && *q == '.' && !(q + 1 < end && q[1] == '.') &&
	    (is_acronym(p, (size_t)(q - p)) || is_abbreviation(p, (size_t)(q - p), line_end)))
		q++;
	put_word(t, p, (size_t)(q - p), 0);
	return q;
}

/* An address runs to the end of the chunk, less the marks that close a sentence or a bracket. */
static const char *address(const char *p, const char *end)
{
	static const char *const begins[] = { "http://", "https://", "www." };
	static const char closing[] = ".,;:!?'\")]}>";
	for (size_t i = 0; i < 3; i++) {
		size_t k = strlen(begins[i]);
		if ((size_t)(end - p) > k && !strncasecmp(p, begins[i], k)) {
			while (end > p + k && memchr(closing, end[-1], sizeof closing - 1))
				end--;
			return end;
		}
	}
	return NULL;
}

/* At an apostrophe that begins a token: a clitic that stands alone, 'em 'n 'til, a decade ('70s), '', or the mark. */
static const char *apostrophe(struct tokens *t, const char *p, const char *end)
{
	static const char *const whole[] = { "'s", "'m", "'d", "'re", "'ve", "'ll", "'em", "'n", "'til", "'till" };
	const char *q = p + 1;
	size_t k;
	while ((k = word_char(q, end)))
		q += k;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (same(p, (size_t)(q - p), whole[i])) {
			put_token(t, p, (size_t)(q - p));
			return q;
		}
	if (same(p, (size_t)(q - p), "'tis") || same(p, (size_t)(q - p), "'twas")) {
		put_token(t, p, 2);
		put_token(t, p + 2, (size_t)(q - p) - 2);
		return q;
	}
	if (digit_at(p + 1, end) && digit_at(p + 2, end) && (q == p + 3 || (q == p + 4 && (p[3] | 0x20) == 's'))) {
		put_token(t, p, (size_t)(q - p));
		return q;
	}
	k = p + 1 < end && p[1] == '\'' ? 2 : 1;
	put_token(t, p, k);
	return p + k;
}

static const char *mark(struct tokens *t, const char *start, const char *p, const char *end)
{
	size_t run = 1;
	int word_after;
	if (*p == '.' || *p == '-') /* which take their whole run, so that each byte is looked at once */
		while (p + run < end && p[run] == *p)
			run++;
	switch (*p) {
	case '\'':
		return apostrophe(t, p, end);
	case '`':
		run = p + 1 < end && p[1] == '`' ? 2 : 1; /* `` */
		break;
	case '.':
		if (run == 1 && digit_at(p + 1, end)) { /* .5 */
			const char *q = word_end(p + 1, end, t->split);
			put_token(t, p, (size_t)(q - p));
			return q;
		}
		put_points(t, run);
		return p + run;
	case '-':
		if (run > 1) {
			put_token(t, "--", 2);
			return p + run;
		}
		if (p == start && digit_at(p + 1, end)) { /* -5 */
			const char *q = word_end(p + 1, end, t->split);
			put_token(t, p, (size_t)(q - p));
			return q;
		}
		break;
	default:
		run = (unsigned char)*p < 0x80 ? 1 : fold_word_char(p, end, &word_after);
	}
	put_token(t, p, run);
	return p + run;
}

/* A run of bytes without white space. */
static void chunk(struct tokens *t, const char *p, const char *end, const char *line_end)
{
	const char *start = p, *q;
	while (p < end) {
		if (word_char(p, end)) {
			if (((*p | 0x20) == 'h' || (*p | 0x20) == 'w') && (q = address(p, end))) {
				put_token(t, p, (size_t)(q - p));
				p = q;
			} else {
				p = word(t, p, end, line_end);
			}
		} else {
			p = mark(t, start, p, end);
		}
	}
}

size_t ptb_line(const char *line, size_t n, unsigned how, char *out)
{
	struct tokens t = { .out = out, .lower = (how & PTB_LOWER) != 0, .split = (how & PTB_SPLIT) != 0 };
	const char *p = line, *end = line + n;
	while (p < end) {
		const char *q = p;
		if (is_gap((unsigned char)*p)) {
			p++;
			continue;
		}
		while (q < end && is_letter((unsigned char)*q))
			q++;
		if (q == end || is_gap((unsigned char)*q)) { /* most chunks: letters alone */
			put_token(&t, p, (size_t)(q - p));
			p = q;
			continue;
		}
		while (q < end && !is_gap((unsigned char)*q))
			q++;
		chunk(&t, p, q, end);
		p = q;
	}
	return t.o;
}
