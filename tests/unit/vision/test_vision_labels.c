/* Lists of names and classes, written at random and spoilt now and then: listing_label gives each picture the class,
 * and refuses a list, as the plain rules below say, which look for every name of every picture in every line. */
#include "tests/checks.h"
#include "tests/scratch.h"
#include "vision/sources/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PICTURES = 8, LINES = 12, WORD = 64, SAYS = 1024 };

static struct rng r;
static char path[SCRATCH_PATH];

static int below(int n)
{
	return (int)rng_below(&r, (uint32_t)n);
}

/* A picture, and what the rules say of it. */
struct picture {
	char name[WORD]; /* in its operand */
	int root, split;
	const char *class; /* or NULL */
};

/* A line as it is meant. */
struct meant {
	char name[WORD], class[WORD];
	int number, used;
};

struct set {
	struct picture picture[PICTURES];
	struct meant line[LINES];
	int pictures, lines, packed[2];
	const char *root[2];
	char text[LINES * 4 * WORD];
	size_t len;
	char error[SAYS], note[2][SAYS];
	int notes;
};

static const char *pick(const char *const *word, int n)
{
	return word[below(n)];
}

static void draw_pictures(struct set *s)
{
	static const char *const folders[] = { "", "", "a/", "a/b/", "b/", "val/" };
	static const char *const names[] = { "1", "2", "10", "x", "name", "x.y", "1.0", "id" };
	static const char *const ends[] = { ".png", ".jpg", ".JPEG" };
	s->root[0] = "top/set";
	s->root[1] = "b";
	s->packed[0] = below(4) == 0;
	s->packed[1] = below(4) == 0;
	for (int i = 0, n = 1 + below(PICTURES); i < n; i++) {
		struct picture p = { .root = below(4) == 0, .split = below(5) ? below(2) : below(SPLIT_COUNT) };
		snprintf(p.name, sizeof p.name, "%s%s%s", pick(folders, 6), pick(names, 8), pick(ends, 3));
		int there = 0;
		for (int k = 0; k < s->pictures; k++)
			there |= !strcmp(s->picture[k].name, p.name) && s->picture[k].root == p.root;
		if (!there)
			s->picture[s->pictures++] = p;
	}
}

/* Path of a picture: its folder's and its own, or its own in an archive. */
static void whole_name(const struct set *s, const struct picture *p, char *name)
{
	snprintf(name, SAYS, "%s%s%s", s->packed[p->root] ? "" : s->root[p->root], s->packed[p->root] ? "" : "/",
		 p->name);
}

/* Whether `name` is the path, less folders from the left, with or without the ending. */
static int names(const char *name, const char *whole)
{
	size_t n = strlen(name), end = (size_t)(strrchr(whole, '.') - whole);
	for (const char *p = whole; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (!strcmp(p, name) || (n == end - (size_t)(p - whole) && !strncmp(p, name, n)))
			return 1;
	return 0;
}

static int names_any(const struct set *s, const char *name)
{
	for (int i = 0; i < s->pictures; i++)
		if (names(name, s->picture[i].name))
			return 1;
	return 0;
}

static void put(struct set *s, const char *text)
{
	size_t n = strlen(text);
	assert_true(s->len + n < sizeof s->text);
	memcpy(s->text + s->len, text, n + 1);
	s->len += n;
}

/* Puts a field into the list: blanks around, or quotes. */
static void put_field(struct set *s, const char *text, int plain)
{
	const char *quote = !plain && below(5) == 0 ? "\"" : "";
	put(s, plain || below(8) ? "" : "  ");
	put(s, quote);
	put(s, text);
	put(s, quote);
	put(s, plain || below(8) ? "" : " ");
}

static void end_line(struct set *s)
{
	put(s, below(6) ? "\n" : below(2) ? "\r\n" : "  \n");
	if (below(12) == 0)
		put(s, below(2) ? "\n" : " \r\n");
}

static int line_number(const struct set *s)
{
	int n = 1;
	for (size_t i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	return n;
}

/* The list; 0 when a line of it is none, which s->error then says. */
static int draw_lines(struct set *s, const char *list)
{
	static const char *const classes[] = { "cat", "dog", "7", "a b", "x;y", "1.png", "q,r", "\"" };
	static const char *const wrong[] = { "1.png", "x,", ",cat", "1,cat,3", "a b c", "x\ty\tz", ";cat", "x;y;z" };
	static const char *const other[] = { "unseen", "u1", "name", "set/2", "2.5", "9th" };
	int turned = below(12) == 0;
	if (below(6) == 0)
		put(s, "\xef\xbb\xbf");
	for (int i = 0, n = below(40) ? s->pictures + below(3) : 0, left = below(25) == 0; i < n; i++) {
		char whole[SAYS];
		const char *sep = below(2) ? "," : below(3) == 0 ? "\t" : below(2) ? ";" : " ";
		struct meant one = { .number = line_number(s) };
		whole_name(s, &s->picture[i % s->pictures], whole);
		const char *name = whole;
		for (int k = below(4); k && strchr(name, '/'); k--)
			name = strchr(name, '/') + 1;
		snprintf(one.name, sizeof one.name, "%s", (i && i < s->pictures) || below(3) ? name : pick(other, 6));
		if (below(2) && strrchr(one.name, '.') && strlen(strrchr(one.name, '.')) > 3)
			*strrchr(one.name, '.') = 0;
		do
			snprintf(one.class, sizeof one.class, "%s", pick(classes, 8));
		while (strstr(one.class, sep) || (*sep == ';' && strchr(one.class, ',')) ||
		       (*sep == ' ' && strpbrk(one.class, ",;")));
		if (turned && *sep != ' ') {
			memcpy(one.class, one.name, sizeof one.class);
			snprintf(one.name, sizeof one.name, "%s", below(2) ? "cat" : "dog");
		}
		if (left && below(n) == 0) {
			put(s, pick(wrong, 8)), put(s, "\n");
			snprintf(s->error, SAYS, "%s: line %d is not NAME,CLASS (also with TAB, ; or a space)", list,
				 one.number);
			return 0;
		}
		put_field(s, one.name, *sep == ' ');
		put(s, sep);
		put_field(s, one.class, *sep == ' ' || *one.class == '"');
		s->line[s->lines++] = one;
		end_line(s);
	}
	if (below(40) == 0 && !strchr("0123456789", *s->text)) { /* two numbers would be word vectors */
		s->text[s->len++] = 0;
		snprintf(s->error, SAYS, "%s: holds a NUL byte", list);
		return 0;
	}
	if (s->len && s->lines && below(3) == 0 && s->text[s->len - 1] == '\n')
		s->len--; /* no end of line at the end */
	return 1;
}

/* What is wrong with the list as a whole; and its header, which is taken off. */
static int read_plainly(struct set *s, const char *list)
{
	if (!s->lines) {
		snprintf(s->error, SAYS, "%s: holds no line", list);
		return 0;
	}
	const struct meant *last = &s->line[s->lines - 1];
	if (!names_any(s, last->name) && names_any(s, last->class)) {
		snprintf(s->error, SAYS, "%s: line %d has the picture, '%s', behind its class; NAME,CLASS is read",
			 list, last->number, last->class);
		return 0;
	}
	if (!strpbrk(s->line[0].name, "0123456789./") && !names_any(s, s->line[0].name)) {
		snprintf(s->note[s->notes++], SAYS, "%s: its first line is a header", list);
		memmove(s->line, s->line + 1, sizeof *s->line * (size_t)--s->lines);
	}
	return 1;
}

/* Two lines of one name: of the names the first in order, and of its lines the first two. */
static int no_twins(struct set *s, const char *list)
{
	const struct meant *one = NULL, *two = NULL;
	for (int i = 0; i < s->lines; i++)
		for (int k = i + 1; k < s->lines; k++)
			if (!strcmp(s->line[i].name, s->line[k].name) &&
			    (!one || strcmp(s->line[i].name, one->name) < 0)) {
				one = &s->line[i];
				two = &s->line[k];
			}
	if (one)
		snprintf(s->error, SAYS, "%s: '%s' is there twice, in lines %d and %d", list, one->name, one->number,
			 two->number);
	return !one;
}

/* The line of the longest name that a picture has; with its ending before without. */
static struct meant *line_for(struct set *s, const char *whole)
{
	size_t end = (size_t)(strrchr(whole, '.') - whole);
	for (const char *p = whole; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		for (int less = 0; less < 2; less++)
			for (int i = 0; i < s->lines; i++) {
				size_t n = less ? end - (size_t)(p - whole) : strlen(p);
				if (strlen(s->line[i].name) == n && !strncmp(s->line[i].name, p, n))
					return &s->line[i];
			}
	return NULL;
}

static void label_plainly(struct set *s, const char *list)
{
	char whole[SAYS];
	int unused = 0, labelled[SPLIT_COUNT] = { 0 };
	for (int i = 0; i < s->pictures; i++) {
		struct picture *p = &s->picture[i];
		whole_name(s, p, whole);
		struct meant *line = line_for(s, whole);
		p->class = line ? line->class : NULL;
		labelled[p->split] += line != NULL;
		if (line && line->used++) {
			snprintf(s->error, SAYS, "%s: line %d ('%s') means two pictures, one of them %s%s%s", list,
				 line->number, line->name, s->root[p->root], s->packed[p->root] ? ": " : "/", p->name);
			return;
		}
	}
	for (int i = 0; i < s->pictures; i++) {
		struct picture *p = &s->picture[i];
		if (p->class || (!labelled[p->split] && p->split != SPLIT_TRAIN))
			continue;
		snprintf(s->error, SAYS, "%s%s%s: %s has no line for it", s->root[p->root],
			 s->packed[p->root] ? ": " : "/", p->name, list);
		return;
	}
	for (int i = 0; i < s->lines; i++)
		unused += !s->line[i].used;
	if (unused)
		snprintf(s->note[s->notes++], SAYS, "%s: %d of its lines name no picture here", list, unused);
}

/* The same through listing_label. */
static void check(struct set *s, int number)
{
	struct source src = { .opt = { .labels = path } };
	struct listing l = { 0 };
	struct err err = ERR_NONE;
	struct entry entry[PICTURES] = { { 0 } };
	struct placed placed[PICTURES] = { { 0 } };
	struct archive_root root[2] = { { .path = s->root[0], .fd = s->packed[0] ? 3 : -1 },
					{ .path = s->root[1], .fd = s->packed[1] ? 4 : -1 } };
	src.archive = (struct archive){ .root = root, .roots = 2, .entry = entry, .n = (size_t)s->pictures };
	for (int i = 0; i < s->pictures; i++) {
		entry[i] = (struct entry){ .name = s->picture[i].name, .root = s->picture[i].root };
		placed[i] = (struct placed){ .entry = (size_t)i, .split = s->picture[i].split };
	}
	l.image = placed;
	l.n = (size_t)s->pictures;
	assert_int_equal(scratch_put(path, s->text, s->len), 0);
	int rc = listing_label(&src, &l, &err);
	if (rc != (*s->error ? -1 : 0) || (rc && strncmp(err.msg, s->error, strlen(s->error))))
		fail_msg("%d: '%s', not '%s'; of\n%s", number, rc ? err.msg : "", s->error, s->text);
	for (int i = 0; !rc && i < s->pictures; i++) {
		struct part c = placed[i].class;
		const char *want = s->picture[i].class;
		if (want ? !c.p || c.n != strlen(want) || memcmp(c.p, want, c.n) : c.p != NULL)
			fail_msg("%d: '%s' is '%.*s', not '%s'; of\n%s", number, entry[i].name, (int)c.n,
				 c.p ? c.p : "", want ? want : "", s->text);
	}
	for (int i = 0; !rc && (i < s->notes || i < (int)src.notes); i++)
		if (i >= s->notes || i >= (int)src.notes || strcmp(s->note[i], src.note[i]))
			fail_msg("%d: '%s', not '%s'", number, i < (int)src.notes ? src.note[i] : "",
				 i < s->notes ? s->note[i] : "");
	while (src.notes)
		free(src.note[--src.notes]);
	while (l.owns)
		free(l.own[--l.owns]);
	free(src.note);
	free(l.own);
}

static void as_plainly(void **state)
{
	(void)state;
	static struct set s;
	static const char *const outcome[] = {
		"not NAME,CLASS",     "no line", "behind its class", "there twice", "means two pictures",
		"has no line for it", "holds a NUL byte", ""
	};
	int checks = plain_checks(4000), seen[8] = { 0 };
	for (int i = 0; i < checks; i++) {
		plain_rng(&r, (uint32_t)i, 71);
		memset(&s, 0, sizeof s);
		draw_pictures(&s);
		if (draw_lines(&s, path) && read_plainly(&s, path) && no_twins(&s, path))
			label_plainly(&s, path);
		check(&s, i);
		for (int k = 0; k < 8; k++)
			seen[k] += *outcome[k] ? strstr(s.error, outcome[k]) != NULL : !*s.error;
	}
	for (int k = 0; k < 8; k++)
		if (seen[k] * 200 < checks)
			fail_msg("'%s' came in %d of %d lists", outcome[k], seen[k], checks);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_plainly) };
	if (scratch_file(path, "labels"))
		return 1;
	int rc = cmocka_run_group_tests_name("vision_labels", tests, NULL, NULL);
	unlink(path);
	return rc;
}
