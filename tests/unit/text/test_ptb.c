/* The Penn Treebank rules against a slow second reading of them: a line as cells, one a character, tokens as a list.
 * And what fold_line does before them, over every code point. */
#include "pipeline/base/philox.h"
#include "tokenize/fold.h"
#include "tokenize/ptb.h"
#include "tokenize/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>
#include <utf8proc.h>

enum { MAX = 200, ROOM = 2 * MAX + 32 };

/* A character: its bytes; w: belongs to a word; d: digit; l: letter of ASCII. */
struct cell {
	char text[5];
	int len, w, d, l;
};

struct list {
	char token[MAX][MAX];
	int n, points;
};

static int cells_of(const char *p, size_t n, struct cell *c)
{
	int k = 0;
	for (size_t i = 0; i < n; k++) {
		c[k] = (struct cell){ .len = 1 };
		if ((unsigned char)p[i] >= 0x80) {
			utf8proc_int32_t point;
			c[k].len = (int)utf8proc_iterate((const utf8proc_uint8_t *)p + i, (utf8proc_ssize_t)(n - i),
							 &point);
			assert_true(c[k].len > 0);
			const char *category = utf8proc_category_string(point);
			c[k].w = strchr("LMN", category[0]) || !strcmp(category, "Cf") || !strcmp(category, "Cn") ||
				 !strcmp(category, "Co");
		}
		memcpy(c[k].text, p + i, (size_t)c[k].len);
		c[k].d = c[k].len == 1 && strchr("0123456789", p[i]) && p[i];
		c[k].l = c[k].len == 1 && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", p[i]) && p[i];
		c[k].w |= c[k].d || c[k].l;
		i += (size_t)c[k].len;
	}
	c[k] = (struct cell){ .len = 0 }; /* and some more after the end, which are nothing */
	for (int i = 1; i < 6; i++)
		c[k + i] = c[k];
	return k;
}

static int is(const struct cell *c, const char *mark)
{
	return c->len == 1 && c->text[0] == *mark;
}

/* Text after text; there is room. */
static char *append(char *to, const char *text)
{
	memcpy(to + strlen(to), text, strlen(text) + 1);
	return to;
}

static char *put(char *to, const char *text)
{
	*to = 0;
	return append(to, text);
}

static void glue(const struct cell *c, int from, int to, char *out)
{
	*out = 0;
	for (int i = from; i < to; i++)
		append(out, c[i].text);
}

static void say(struct list *t, const char *token)
{
	assert_true(t->n < MAX && *token);
	put(t->token[t->n++], token);
	t->points = 0;
}

static int equal(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

static int among(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (equal(text, *list))
			return 1;
	return 0;
}

static const char *const degrees[] = { "ph.d", "m.sc", "b.sc", "d.sc", "m.phil", "d.phil", "ll.d",
				       "ll.b", "ed.d", "psy.d", "pharm.d", NULL };

/* Cells s to e, where there are so many before the end, are an abbreviation with a point inside. */
static int is_degree(const struct cell *c, int s, int e)
{
	char word[MAX];
	if (e - s > 7)
		return 0;
	glue(c, s, e, word);
	return among(word, degrees);
}

static int point_joins(const struct cell *c, int s, int i, int split)
{
	const struct cell *a = c + i - 1, *z = c + i + 1;
	int e = i + 1, part = a->l && i - s > 1 && is(c + i - 2, "."), initial = a->l && i - s == 1;
	if (a->d && z->d)
		return 1;
	if (is(z, "-") && (split || !z[1].w || z[1].d))
		return 0;
	if (is(z, "-"))
		return part || (initial && a->text[0] <= 'Z') || is_degree(c, s, i);
	if ((part || initial) && z->w && !z->d && !z[1].w)
		return 1;
	while (c[e].l)
		e++;
	return !c[e].w && is_degree(c, s, e);
}

/* Does the mark at c[i] join what is on both sides, in a word that began at c[s]? */
static int joins(const struct cell *c, int s, int i, int split)
{
	const struct cell *a = c + i - 1, *m = c + i, *z = c + i + 1;
	if (is(m, "-"))
		return !split && z->w;
	if (is(m, "_"))
		return z->w;
	if (is(m, "'"))
		return z->w && !z->d;
	if (is(m, "."))
		return point_joins(c, s, i, split);
	if (is(m, ","))
		return a->d && z->d && z[1].d && z[2].d && !z[3].d;
	if (is(m, ":"))
		return a->d && z->d && z[1].d && !z[2].d;
	if (is(m, "/"))
		return a->d && z->d;
	if (is(m, "&")) {
		int letters = 0, before = 0;
		while (z[letters].l)
			letters++;
		for (int k = s; k < i; k++)
			before += c[k].len;
		return a->l && before <= 2 && letters >= 1 && letters <= 2;
	}
	return 0;
}

static int word_stop(const struct cell *c, int s, int split)
{
	int i = s;
	while (c[i].w || (i > s && joins(c, s, i, split)))
		i++;
	return i;
}

static int keeps_point(const struct cell *c, int s, int e, int next_is_number)
{
	static const char *const known[] = {
		"mr",  "mrs",  "ms",   "dr",   "st",   "jr",	 "sr",	"vs",	"prof", "rev", "gen",
		"sen", "rep",  "gov",  "capt", "lt",   "col",	 "sgt", "maj",	"hon",	"etc", "inc",
		"ltd", "corp", "co",   "bros", "dept", "jan",	 "feb", "aug",	"sept", "oct", "nov",
		"dec", "ave",  "blvd", "mt",   "est",  "approx", "al",	NULL,
	};
	char word[MAX];
	int single = 1;
	glue(c, s, e, word);
	if (equal(word, "no"))
		return next_is_number;
	if (among(word, known) || among(word, degrees))
		return 1;
	if (e - s == 1)
		return c[s].l && *word >= 'A' && *word <= 'Z' && *word != 'I';
	for (int i = s; i < e; i++) /* letters, points, and hyphens right after points, in turn */
		single &= i == s ? c[i].l
			  : c[i].l ? is(c + i - 1, ".") || (is(c + i - 1, "-") && i - s > 2)
			  : is(c + i, "-") ? is(c + i - 1, ".")
					   : is(c + i, ".") && c[i - 1].l;
	return single && c[e - 1].l;
}

static void say_word(struct list *t, const char *word)
{
	static const char *const clitic[] = { "'s", "'m", "'d", "'re", "'ve", "'ll", "n't" };
	char left[MAX], piece[5][8];
	int pieces = 0, again = 1;
	put(left, word);
	while (again && pieces < 4) {
		again = 0;
		for (size_t i = 0; i < sizeof clitic / sizeof *clitic && !again; i++) {
			size_t k = strlen(clitic[i]), n = strlen(left);
			if (n > k && equal(left + n - k, clitic[i])) {
				put(piece[pieces++], left + n - k);
				left[n - k] = 0;
				again = 1;
			}
		}
	}
	say(t, left);
	while (pieces)
		say(t, piece[--pieces]);
}

/* Up to where an address that begins at c[i] goes; i where none does. */
static int address_stop(const struct cell *c, int i, int n)
{
	static const char *const begins[] = { "http://", "https://", "www." };
	for (int b = 0; b < 3; b++) {
		int k = (int)strlen(begins[b]), e = n, same = 1;
		if (n - i < k + 1)
			continue;
		for (int j = 0; j < k; j++)
			same &= c[i + j].len == 1 && !strncasecmp(c[i + j].text, begins[b] + j, 1);
		if (!same)
			continue;
		while (e > i + k && c[e - 1].len == 1 && strchr(".,;:!?'\")]}>", c[e - 1].text[0]))
			e--;
		return e;
	}
	return i;
}

static int say_apostrophe(struct list *t, const struct cell *c, int i)
{
	static const char *const whole[] = {
		"'s", "'m", "'d", "'re", "'ve", "'ll", "'em", "'n", "'til", "'till", NULL
	};
	char word[MAX];
	int e = i + 1;
	while (c[e].w)
		e++;
	glue(c, i, e, word);
	if (among(word, whole)) {
		say(t, word);
		return e;
	}
	if (equal(word, "'tis") || equal(word, "'twas")) {
		char first[3] = { word[0], word[1], 0 };
		say(t, first);
		say(t, word + 2);
		return e;
	}
	if (c[i + 1].d && c[i + 2].d && (e == i + 3 || (e == i + 4 && equal(c[i + 3].text, "s")))) {
		say(t, word);
		return e;
	}
	say(t, is(c + i + 1, "'") ? "''" : "'");
	return i + (is(c + i + 1, "'") ? 2 : 1);
}

static void say_points(struct list *t, int run)
{
	int before = t->points;
	if (run > 1) {
		say(t, "...");
	} else if (before == 2) {
		put(t->token[t->n-- - 2], "...");
		t->points = 3;
	} else if (before < 2) {
		say(t, ".");
		t->points = before + 1;
	}
}

static int say_mark(struct list *t, const struct cell *c, int i, int split)
{
	int run = 1;
	if (is(c + i, "'"))
		return say_apostrophe(t, c, i);
	if (is(c + i, "`")) {
		say(t, is(c + i + 1, "`") ? "``" : "`");
		return i + (is(c + i + 1, "`") ? 2 : 1);
	}
	while ((is(c + i, ".") || is(c + i, "-")) && is(c + i + run, c[i].text))
		run++;
	if (run == 1 && c[i + 1].d && (is(c + i, ".") || (is(c + i, "-") && i == 0))) {
		char number[MAX];
		int e = word_stop(c, i + 1, split);
		glue(c, i, e, number);
		say(t, number);
		return e;
	}
	if (is(c + i, "."))
		say_points(t, run);
	else
		say(t, run > 1 ? "--" : c[i].text);
	return i + run;
}

static void say_chunk(struct list *t, const char *text, size_t n, int number_behind, int split)
{
	struct cell c[MAX + 8];
	int k = cells_of(text, n, c);
	for (int i = 0, e; i < k; i = e) {
		char word[MAX];
		if (!c[i].w) {
			e = say_mark(t, c, i, split);
			continue;
		}
		e = address_stop(c, i, k);
		if (e > i) {
			glue(c, i, e, word);
			say(t, word);
			continue;
		}
		e = word_stop(c, i, split);
		if (is(c + e, ".") && !is(c + e + 1, ".") &&
		    keeps_point(c, i, e, c[e + 1].d || (e + 1 == k && number_behind)))
			e++;
		glue(c, i, e, word);
		say_word(t, word);
	}
}

static size_t slow(const char *line, size_t n, unsigned how, char *out)
{
	static struct list t;
	t.n = t.points = 0;
	for (size_t i = 0; i < n;) {
		size_t e = i;
		while (e < n && !((unsigned char)line[e] <= ' ' || line[e] == 0x7F))
			e++;
		/* "no. 5": one space and a digit after the chunk */
		int number = e + 1 < n && line[e] == ' ' && line[e + 1] >= '0' && line[e + 1] <= '9';
		if (e > i)
			say_chunk(&t, line + i, e - i, number, how & PTB_SPLIT);
		i = e + 1;
	}
	*out = 0;
	for (int i = 0; i < t.n; i++) {
		if (i)
			append(out, " ");
		append(out, t.token[i]);
	}
	for (char *p = out; how & PTB_LOWER && *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	return strlen(out);
}

/* A line of pieces that the rules know and bytes that they do not. */
static size_t draw(struct rng *r, char *line)
{
	static const char *const piece[] = {
		" ",
		" ",
		" ",
		" ",
		"\t",
		".",
		".",
		".",
		"..",
		"'",
		"'",
		"-",
		"-",
		"--",
		"`",
		",",
		":",
		"/",
		"&",
		"_",
		"!",
		"\"",
		"(",
		")",
		">",
		"a",
		"b",
		"Q",
		"I",
		"n't",
		"N'T",
		"'s",
		"'ll",
		"'Ve",
		"'re",
		"'m",
		"'d",
		"'em",
		"'n",
		"'til",
		"'till",
		"'tis",
		"'TWAS",
		"s",
		"7",
		"42",
		"123",
		"0",
		"'70s",
		"'98",
		"no",
		"No",
		"Mr",
		"ph.d",
		"Ph.D.-",
		"m.sc",
		"U.S.",
		".-",
		"approx",
		"etc",
		"al",
		"http://",
		"HTTPS://",
		"www.",
		"h",
		"wwx",
		"u.s",
		"J",
		"\xc3\xa9",
		"\xc3\x89",
		"\xe6\x97\xa5",
		"\xe2\x82\xac",
		"\xe2\x80\x93",
		"\x7f",
		"\x01",
		"\xcc\x81",
		"ab",
		"]",
		"}",
		"?",
	};
	/* what must follow itself: points, and endings of words */
	static const char *const again[] = { " .", ".", "'s", "n't", "'ll", " ..", "-" };
	const char *two[2] = { again[rng_below(r, 7)], again[rng_below(r, 7)] };
	size_t n = 0, parts = rng_below(r, 14), narrow = rng_below(r, 8) == 0;
	for (size_t i = 0; i < parts; i++) {
		const char *p = piece[rng_below(r, sizeof piece / sizeof *piece)],
			   any[2] = { (char)(1 + rng_below(r, 127)), 0 };
		p = narrow ? (i ? two[rng_below(r, 4) == 0] : "a") : rng_below(r, 4) ? p : any;
		size_t k = strlen(p);
		if (n + k > MAX / 2)
			break;
		memcpy(line + n, p, k);
		n += k;
	}
	return n;
}

static void treebank_as_reference(void **state)
{
	char line[MAX], want[ROOM], *got;
	struct rng r;
	(void)state;
	rng_init(&r, 11, RNG_TEST, 0, 0);
	for (int k = 0; k < 200000; k++) {
		size_t n = draw(&r, line), len;
		unsigned how = rng_below(&r, 4);
		char *in = malloc(n + 1); /* of just that size: a sanitizer sees what reads on */
		memcpy(in, line, n);
		in[n] = "5.'`-a&/:, s\xc3"[rng_below(&r, 14)]; /* not part of the line */
		got = malloc(rule_room(n));
		len = ptb_line(in, n, how, got);
		size_t want_len = slow(line, n, how, want);
		if (len != want_len || memcmp(got, want, len))
			fail_msg("\"%.*s\" (%u): \"%.*s\" instead of \"%s\"", (int)n, line, how, (int)len, got, want);
		free(in);
		free(got);
	}
}

static int in_table(const utf8proc_int32_t *table, utf8proc_int32_t c)
{
	for (; *table; table++)
		if (*table == c)
			return 1;
	return 0;
}

/* fold_line of one character, from the description in fold.h. */
static size_t slow_fold(utf8proc_int32_t c, unsigned how, char *out)
{
	static const utf8proc_int32_t space[] = {
		0x85,	0xA0,	0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
		0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0,
	};
	static const utf8proc_int32_t apostrophe[] = { 0x2018, 0x2019, 0x201A, 0x201B, 0x2BC, 0xB4, 0 },
				      quote[] = { 0x201C, 0x201D, 0x201E, 0x201F, 0 }, hyphen[] = { 0x2010, 0x2011, 0 };
	/* 80..9F of Windows-1252 whose meaning is folded further; the rest stands for itself */
	static const utf8proc_int32_t cp1252[32] = {
		0x20AC, 0xFFFD, 0x201A, 0x192,	0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,	0x2030, 0x160,
		0x2039, 0x152,	0xFFFD, 0x17D,	0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
		0x2013, 0x2014, 0x2DC,	0x2122, 0x161,	0x203A, 0x153,	0xFFFD, 0x17E,	0x178,
	};
	if (how & FOLD_PTB) {
		if (c >= 0x80 && c < 0xA0)
			c = cp1252[c - 0x80];
		const char *text = in_table(apostrophe, c) ? "'" : in_table(quote, c) ? "\"" : in_table(hyphen, c) ? "-"
				   : c == 0x2026 ? "..." : c == 0xFFFD ? " " : NULL;
		if (text) {
			put(out, text);
			return strlen(text);
		}
	}
	if (in_table(space, c)) {
		*out = ' ';
		return 1;
	}
	return (size_t)utf8proc_encode_char(how & FOLD_LOWER ? utf8proc_tolower(c) : c, (utf8proc_uint8_t *)out);
}

static void every_code_point(void **state)
{
	(void)state;
	for (utf8proc_int32_t c = 0x80; c < 0x110000; c++) {
		char in[8] = "A", got[48], want[8] = "A";
		if (c >= 0xD800 && c < 0xE000)
			continue;
		size_t n = 1 + (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)in + 1);
		in[n] = 'b';
		for (unsigned how = 0; how < 4; how++) {
			size_t len = fold_line(in, n + 1, how, got), k = 1 + slow_fold(c, how, want + 1);
			want[k] = 'b';
			if (len != k + 1 || memcmp(got, want, len))
				fail_msg("U+%04X, %u", (unsigned)c, how);
		}
		int word;
		const char *category = utf8proc_category_string(c);
		assert_int_equal(fold_word_char(in + 1, in + n, &word), n - 1);
		assert_int_equal(word, strchr("LMN", category[0]) || !strcmp(category, "Cf") ||
					       !strcmp(category, "Cn") || !strcmp(category, "Co"));
		if (c == 0x2FFF)
			c = 0x4DFE; /* past blocks that are all alike */
		if (c == 0x5000)
			c = 0x9F00;
		if (c == 0x20000)
			c = 0xDFFFF;
		if (c == 0xF0010)
			c = 0x10FF00;
	}
	char out[40];
	assert_int_equal(fold_line("a\xff\xc3", 3, FOLD_LOWER, out), 3);
	assert_memory_equal(out, "a  ", 3);
	int word = 1;
	assert_int_equal(fold_word_char("\xff", (const char *)"\xff" + 1, &word), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(treebank_as_reference),
					    cmocka_unit_test(every_code_point) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
