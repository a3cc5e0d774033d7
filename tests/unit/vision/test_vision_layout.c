/* Random lists of names, as splits, classes, both and neither: what listing_place makes of them, and what it says, is
 * what plain_layout.h says of each name by itself. */
#include "plain_layout.h"
#include "tests/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static struct rng r;

static int below(int n)
{
	return (int)rng_below(&r, (uint32_t)n);
}

#define ONE_OF(words) (words)[below((int)(sizeof(words) / sizeof *(words)))]
static const char *const split_words[] = { "train", "test", "val", "Train", "seg_test", "extra", "train2017" };
static const char *const hints[] = { "cats_train", "cats_test", "cats_val", "dogs_test", "bullet-train" };
static const char *const words[] = { "a", "b", "a-b", "ab", "a.b", "images", "cats_test", "Test" };
static const char *const shared[] = { "data", "all_of_a_test", "x", "images", "train" };
static const char *const pictures[] = { "1.png", "2.JPG", "0.webp", "z.tiff" };
static const char *const others[] = { "x.txt", "0", "A.txt", "png", "z.gif", "~" };

static const char *word(int kind)
{
	return below(12) == 0 ? ONE_OF(words)
	       : kind == 0    ? ONE_OF(split_words)
	       : kind == 1    ? ONE_OF(hints)
			      : ONE_OF(words);
}

/* Cuts a name into f; last: whether its last part is a file. */
static void cut(struct plain_file *f, const char *name, int is_file)
{
	*f = (struct plain_file){ .folders = 0 };
	PLAIN_SET(f->name, name);
	for (size_t n; *name; name += n + (name[n] == '/')) {
		n = strcspn(name, "/");
		memcpy(f->part[f->folders++], name, n);
	}
	f->folders -= is_file;
	f->picture = is_file && strlen(f->part[f->folders]) > 4;
	for (size_t i = 0; f->picture && i < sizeof others / sizeof *others; i++)
		f->picture = strcmp(f->part[f->folders], others[i]) != 0;
}

static int by_file_name(const void *a, const void *b)
{
	return strcmp(((const struct plain_file *)a)->name, ((const struct plain_file *)b)->name);
}

static void add(struct plain_file *all, int *n, const char *name, int is_file)
{
	for (int i = 0; i < *n; i++)
		if (!strcmp(all[i].name, name))
			return;
	if (*n < PLAIN_FILES)
		cut(&all[(*n)++], name, is_file);
}

/* What stands at each depth is of one kind, but for a file now and then; few words, so that they meet. */
static void draw_set(struct plain_set *s, int number, int flat)
{
	static const char *const ends[] = { "", ".tar", ".tar.gz" };
	const char *top[2], *at[3][3];
	int tops = flat ? 0 : below(3), depth = flat ? 0 : below(3) + (below(3) > 0), kind = below(5);
	int odd = below(3) == 0 ? 4 : 1000, twice = below(4) == 0; /* train/train */
	kind = twice && below(2) ? 0 : kind;
	memset(s, 0, sizeof *s);
	s->packed = below(8) == 0;
	const char *above = below(2) ? "nowhere/up/" : below(2) ? "nowhere/test/" : below(2) ? "/" : "";
	const char *name = below(3) ? word(number % 2) : below(2) ? word(below(3)) : "nobody";
	snprintf(s->path, sizeof s->path, "%s%s%s%s", above, name, *above ? "" : "-nowhere",
		 s->packed ? ONE_OF(ends) : "");
	for (int k = 0; k < 2; k++)
		top[k] = ONE_OF(shared);
	for (int k = 0; k < 9; k++)
		at[k / 3][k % 3] = word(k / 3 == 0   ? (kind < 3 ? kind : 2)
					: k / 3 == 1 ? (kind == 3 ? 0 : 2)
						     : below(3));
	for (int i = 0, n = 1 + below(PLAIN_FILES - 2); i < n; i++) {
		char name_of[PLAIN_NAME] = "";
		int deep = below(odd) ? depth : below(4 - twice), file = below(8) > 0;
		for (int k = 0; k < (below(odd) ? tops : below(3)); k++)
			PLAIN_ADD(name_of, top[k]), PLAIN_ADD(name_of, "/");
		for (int k = 0; k < deep; k++) {
			const char *w = at[k][below(3)];
			for (int again = 0; again <= (twice && !k && below(16)); again++)
				PLAIN_ADD(name_of, w), PLAIN_ADD(name_of, "/");
		}
		if (file)
			PLAIN_ADD(name_of, below(6) ? ONE_OF(pictures) : ONE_OF(others));
		else if (*name_of)
			name_of[strlen(name_of) - 1] = 0;
		if (*name_of)
			add(file ? s->file : s->dir, file ? &s->files : &s->dirs, name_of, file);
	}
	if (!s->files)
		add(s->file, &s->files, "1.png", 1);
	for (int k = tops ? 0 : below(4); k > 0 && !kind && !flat; k--) /* splits without a picture */
		add(s->dir, &s->dirs, ONE_OF(split_words), 0);
	for (int i = 0; i < s->files && !s->packed; i++) /* a folder lists all that is in it */
		for (int k = 1; k <= s->file[i].folders; k++)
			add(s->dir, &s->dirs, plain_join(&s->file[i], 0, k, 0), 0);
	qsort(s->file, (size_t)s->files, sizeof *s->file, by_file_name);
}

/* The same as an archive. */
static void list(struct source *src, struct plain_set *set, int n)
{
	struct archive *a = &src->archive;
	a->roots = n;
	a->root = calloc(PLAIN_SETS, sizeof *a->root);
	a->entry = calloc((size_t)PLAIN_SETS * PLAIN_FILES, sizeof *a->entry);
	a->folder = calloc((size_t)PLAIN_SETS * PLAIN_FILES, sizeof *a->folder);
	for (int i = 0; i < n; i++) {
		a->root[i] = (struct archive_root){ .path = set[i].path, .fd = set[i].packed ? below(2) * 3 : -1 };
		for (int k = 0; k < set[i].files; k++)
			a->entry[a->n++] = (struct entry){ .name = strdup(set[i].file[k].name), .root = i };
		for (int k = 0; k < set[i].dirs; k++)
			a->folder[a->folders++] = (struct entry){ .name = strdup(set[i].dir[k].name), .root = i };
	}
}

static void let_go(struct source *src, struct listing *l)
{
	while (src->archive.n)
		free(src->archive.entry[--src->archive.n].name);
	while (src->archive.folders)
		free(src->archive.folder[--src->archive.folders].name);
	while (src->notes)
		free(src->note[--src->notes]);
	while (l->owns)
		free(l->own[--l->owns]);
	free(src->archive.root);
	free(src->archive.entry);
	free(src->archive.folder);
	free(src->note);
	free(l->own);
	free(l->image);
	free(l->empty);
}

static int is_text(struct part p, const char *text)
{
	return p.p && p.n == strlen(text) && !memcmp(p.p, text, p.n);
}

/* A class that an operand's name gives lies where it stays when the operands are gone. */
static int is_kept(const struct listing *l, struct part class)
{
	for (size_t i = 0; i < l->owns; i++)
		if (l->own[i] == class.p)
			return 1;
	return 0;
}

static void check_pictures(const struct listing *l, const struct plain_set *set, int n, const struct plain_options *o)
{
	size_t at = 0, entry = 0;
	for (int i = 0; i < n; i++)
		for (int k = 0; k < set[i].files; k++, entry++) {
			const struct plain_file *f = &set[i].file[k];
			if (!f->picture)
				continue;
			int home, class = plain_class(&set[i], f, &home);
			const struct placed *p = &l->image[at++];
			const char *named = class >= 0 ? f->part[class] : set[i].own_class ? set[i].name : NULL;
			if (at > l->n || p->entry != entry || p->split != plain_split(&set[i], f, o) ||
			    p->home.root != i || !is_text(p->home.name, plain_join(f, 0, home, 1)) ||
			    (named ? !is_text(p->class, named) : p->class.p != NULL) ||
			    (named == set[i].name && !is_kept(l, p->class)))
				fail_msg("%s: '%s' is of %s, class '%.*s', not of %s, '%s'", set[i].path, f->name,
					 split_name(p->split), (int)p->class.n, p->class.p ? p->class.p : "",
					 split_name(plain_split(&set[i], f, o)), named ? named : "");
		}
	assert_int_equal(at, l->n);
}

/* Each outcome that is counted must have come often. */
enum { PLACED, SPLITS, OF_CLASSES, OWN_CLASS, PEELED, DEEPER, NOTED, EMPTY, ERRORS, BESIDE, IN_PART, KINDS };

static void count(int *seen, const struct plain_set *set, int n, const struct plain_answer *a)
{
	seen[ERRORS] += *a->error != 0;
	seen[BESIDE] += strstr(a->error, "lies beside") != NULL;
	seen[IN_PART] += strstr(a->error, "is read wrongly") != NULL;
	if (*a->error)
		return;
	seen[PLACED]++;
	seen[EMPTY] += a->empties > 0;
	for (int i = 0; i < a->notes; i++) {
		seen[DEEPER] += strstr(a->note[i], "below their class's") != NULL;
		seen[NOTED] += strstr(a->note[i], "--split changes that") != NULL;
	}
	for (int i = 0; i < n; i++) {
		seen[SPLITS] += set[i].kind == PLAIN_SPLITS;
		seen[OF_CLASSES] += set[i].kind == PLAIN_CLASSES_OF_SPLITS;
		seen[OWN_CLASS] += set[i].own_class;
		for (int k = 0; k < set[i].firsts; k++)
			seen[PEELED] += set[i].first[k].peel;
	}
}

static void as_plainly(void **state)
{
	(void)state;
	static struct plain_set set[PLAIN_SETS];
	static struct plain_answer want;
	int checks = plain_checks(6000), seen[KINDS] = { 0 };
	for (int i = 0; i < checks; i++) {
		plain_rng(&r, (uint32_t)i, 70);
		struct plain_options o = { below(8) == 0, below(8) == 0, below(2) };
		struct source src = { .opt = { .no_splits = o.no_splits,
					       .labels = o.labels ? "labels" : NULL,
					       .allow_empty = o.allow_empty } };
		struct listing l = { 0 };
		struct err err = ERR_NONE;
		int n = below(3) ? 1 : 1 + below(PLAIN_SETS), flat = n > 1 && below(2);
		for (int k = 0; k < n; k++)
			draw_set(&set[k], i, flat);
		plain_layout(set, n, &o, &want);
		list(&src, set, n);
		int rc = listing_place(&src, &l, &err);
		if (rc != (*want.error ? -1 : 0) || (rc && strcmp(err.msg, want.error)))
			fail_msg("%d: '%s', not '%s'", i, rc ? err.msg : "", want.error);
		for (int k = 0; !rc && (k < want.notes || k < (int)src.notes); k++)
			if (k >= want.notes || k >= (int)src.notes || strcmp(src.note[k], want.note[k]))
				fail_msg("%d: notes '%s', not '%s'", i, k < (int)src.notes ? src.note[k] : "",
					 k < want.notes ? want.note[k] : "");
		if (!rc) {
			check_pictures(&l, set, n, &o);
			assert_int_equal(src.says_split, want.says_split);
			assert_int_equal(l.empties, want.empties);
			for (int k = 0; k < want.empties; k++)
				assert_true(is_text(l.empty[k], want.empty[k]));
		}
		count(seen, set, n, &want);
		let_go(&src, &l);
	}
	for (int k = 0; k < KINDS; k++)
		if (seen[k] * 400 < checks)
			fail_msg("only %d of %d lists had outcome %d", seen[k], checks, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_plainly) };
	return cmocka_run_group_tests_name("vision_layout", tests, NULL, NULL);
}
