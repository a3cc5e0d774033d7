/* Folders of classes at random: their names in order, the pictures' numbers, and what is said of files that are passed
 * over and of names that differ in case, against counts that look at every name once more. */
#include "tests/checks.h"
#include "vision/sources/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

enum { MOST = 40, NAME = 64, CLASSES = 12 };

static struct rng r;

static int below(int n)
{
	return (int)rng_below(&r, (uint32_t)n);
}

static const char *const classes[CLASSES] = {
	"a", "A", "b", "cat", "Cat", "cat2", "dog", "DOG", "e.e", "f", "zz", "Z"
};
static const char *const kinds[] = {
	".gif", ".GIF",	  ".txt", ".mat",    ".a",     ".b",  ".c",	      ".d",
	".e",	".f",	  ".zip", ".Tar.GZ", ".tar",   ".7z", ".twelve_long", ".thirteen_long",
	"",	".jpg.x", ".rar", ".tgz",    ".jpeg_", "."
};

struct set {
	char name[MOST][NAME];
	int n;
};

/* Whether a name ends so, in any case. */
static int ends(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);
	return n > k && !strcasecmp(name + n - k, end);
}

static int is_picture(const char *name)
{
	return ends(name, ".png") || ends(name, ".jpg") || ends(name, ".webp");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void draw(struct set *s)
{
	static const char *const pictures[] = { ".png", ".PNG", ".jpg", ".Webp" };
	int of = 1 + below(CLASSES), of_kinds = 1 + below((int)(sizeof kinds / sizeof *kinds));
	s->n = 0;
	for (int i = 0, n = 1 + below(MOST - 1); i < n; i++) {
		char *name = s->name[s->n];
		int picture = !i || below(2), loose = !picture && below(4) == 0;
		snprintf(name, NAME, "%s%s%d%s", loose ? "" : classes[below(of)], loose ? "" : "/", below(3),
			 picture ? pictures[below(4)] : kinds[below(of_kinds)]);
		int there = 0;
		for (int k = 0; k < s->n; k++)
			there |= !strcmp(s->name[k], name);
		s->n += !there;
	}
	qsort(s->name, (size_t)s->n, NAME, by_text);
}

/* The names of folders, sorted; their number. */
static int folders(const struct set *s, char class[][NAME], int with_pictures)
{
	int n = 0;
	for (int i = 0; i < s->n; i++) {
		char folder[NAME] = "";
		int known = !strchr(s->name[i], '/') || (with_pictures && !is_picture(s->name[i]));
		if (!known)
			memcpy(folder, s->name[i], strcspn(s->name[i], "/"));
		for (int k = 0; k < n && !known; k++)
			known = !strcmp(class[k], folder);
		if (!known)
			memcpy(class[n++], folder, NAME);
	}
	qsort(class, (size_t)n, NAME, by_text);
	return n;
}

/* "2 pairs of classes ..."; 0: none. Of two classes either may be named first. */
static int say_alike(char class[][NAME], int n, char text[2][1024])
{
	int pairs = 0, one = -1, two = -1;
	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++) {
			if (strcasecmp(class[i], class[k]))
				continue;
			if (!pairs++ || strcasecmp(class[i], class[one]) < 0)
				one = i, two = k;
		}
	for (int t = 0; t < 2 && pairs; t++)
		snprintf(text[t], 1024, "%d pair%s of classes differ in case alone, the first: '%s' and '%s'", pairs,
			 pairs == 1 ? "" : "s", class[t ? two : one], class[t ? one : two]);
	return pairs;
}

/* "5 files passed over, ..."; 0: none. */
static int say_others(const struct set *s, size_t hidden, char *text)
{
	const char *end[MOST];
	int count[MOST], known = 0, rest = 0, all = (int)hidden;
	char list[512] = "";
	for (int i = 0; i < s->n; i++) {
		const char *base = strrchr(s->name[i], '/') ? strrchr(s->name[i], '/') + 1 : s->name[i];
		const char *dot = strrchr(base, '.');
		int k = 0;
		if (is_picture(s->name[i]))
			continue;
		all++;
		while (k < known && dot && strcasecmp(end[k], dot))
			k++;
		if (!dot || strlen(dot) > 12 || k == 8) {
			rest++;
			continue;
		}
		count[k] = k < known ? count[k] + 1 : 1;
		end[k] = k < known ? end[k] : dot;
		known += k == known;
	}
	for (int k = 0; k < known; k++)
		snprintf(list + strlen(list), sizeof list - strlen(list), ", %d %s", count[k], end[k]);
	if (rest)
		snprintf(list + strlen(list), sizeof list - strlen(list), ", %d others", rest);
	if (hidden)
		snprintf(list + strlen(list), sizeof list - strlen(list), ", %zu hidden", hidden);
	snprintf(text, 1024, "%d file%s passed over, no " LISTING_ENDS ": %s", all, all == 1 ? "" : "s", list + 2);
	return all;
}

/* "2 of them are archives, ..."; 0: none. */
static int say_archives(const struct set *s, char *text)
{
	static const char *const packed[] = { ".zip", ".tar.gz", ".tar", ".7z", ".rar", ".tgz" };
	int n = 0;
	const char *first = NULL;
	for (int i = 0; i < s->n; i++) {
		int is = 0;
		for (size_t k = 0; k < sizeof packed / sizeof *packed; k++)
			is |= ends(s->name[i], packed[k]);
		first = is && !n ? s->name[i] : first;
		n += is;
	}
	snprintf(text, 1024,
		 "%d of them %s, which nobody looks into: unpack %s, or give each as a PATH; the first: "
		 "nowhere/set/%s",
		 n, n == 1 ? "is an archive" : "are archives", n == 1 ? "it" : "them", n ? first : "");
	return n;
}

static void list(struct source *src, const struct set *s)
{
	struct archive *a = &src->archive;
	a->root = calloc(1, sizeof *a->root);
	a->entry = calloc(MOST, sizeof *a->entry);
	a->root[0] = (struct archive_root){ .path = "nowhere/set", .fd = -1 };
	a->roots = 1;
	for (int i = 0; i < s->n; i++)
		a->entry[a->n++] = (struct entry){ .name = strdup(s->name[i]), .size = 1 };
}

static void check_notes(const struct source *src, const struct set *s, int i)
{
	char class[CLASSES][NAME] = { "" }, want[4][1024];
	int n = folders(s, class, 0), alike = say_alike(class, n, want);
	int others = say_others(s, src->archive.hidden, want[2]), packed = say_archives(s, want[3]);
	char with[CLASSES][NAME] = { "" };
	size_t at = (size_t)(n - folders(s, with, 1)); /* behind those of classes without a picture */
	assert_int_equal(src->notes, at + (alike > 0) + (others > 0) + (packed > 0));
	if (alike && strcmp(src->note[at], want[0]) && strcmp(src->note[at], want[1]))
		fail_msg("%d: '%s', not '%s'", i, src->note[at], want[0]);
	at += alike > 0;
	if (others && strcmp(src->note[at], want[2]))
		fail_msg("%d: '%s', not '%s'", i, src->note[at], want[2]);
	at += others > 0;
	if (packed && strcmp(src->note[at], want[3]))
		fail_msg("%d: '%s', not '%s'", i, src->note[at], want[3]);
}

static void as_plainly(void **state)
{
	(void)state;
	int checks = plain_checks(2000);
	for (int i = 0; i < checks; i++) {
		static struct set s;
		char class[CLASSES][NAME] = { "" };
		struct source src = { .opt = { .allow_empty = 1 } };
		struct err err = ERR_NONE;
		plain_rng(&r, (uint32_t)i, 72);
		draw(&s);
		list(&src, &s);
		src.archive.hidden = below(3) ? 0 : (size_t)below(3);
		if (folder_open(&src, &err))
			fail_msg("%d: %s", i, err.msg);
		int n = folders(&s, class, 0);
		assert_int_equal(src.head.n_classes, n);
		for (int k = 0; k < n; k++)
			assert_string_equal(src.head.classes[k], class[k]);
		size_t at = 0;
		for (int k = 0; k < s.n; k++) {
			if (!is_picture(s.name[k]))
				continue;
			const char *own = src.head.classes[src.label[at]];
			assert_true(!strncmp(s.name[k], own, strlen(own)) && s.name[k][strlen(own)] == '/');
			assert_true(src.split[at] == SPLIT_TRAIN && src.where[at] == (uint64_t)k);
			at++;
		}
		assert_int_equal(at, src.n);
		check_notes(&src, &s, i);
		source_release(&src);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_plainly) };
	return cmocka_run_group_tests_name("vision_listing", tests, NULL, NULL);
}
