/* Folders as Tiny ImageNet has them, at random: classes in the order of wnids.txt or of their names, those of pictures
 * in SPLIT/images by the lines of val_annotations.txt beside, and what is wrong with either, by plain searches. */
#include "vision_files.h"
#include "tests/checks.h"

enum { MOST = 40, CLASSES = 5, BESIDE = 6 };

static struct rng rng;

static int below(int n)
{
	return (int)(rng_u32(&rng) % (uint32_t)n);
}

static const char *const classes[CLASSES] = { "N3", "n1", "n10", "n2", "x" }; /* in the order of names */

/* The pictures in the order of their paths; class NULL: none. */
static struct {
	const char *class;
	int split;
} want[MOST];
static int pictures, unused, has_wnids;
/* What is wrong, by when it is found: with lines, with two of them, with a picture, with the classes. */
static char why[4][128];

static void wrong(int when, const char *begins, const char *name, const char *ends)
{
	if (!*why[when])
		snprintf(why[when], sizeof why[when], "%s%s%s", begins, name, ends);
}

static void add_picture(const char *folder, int number, const char *class, int split)
{
	char path[128];
	snprintf(path, sizeof path, "%s/images/%d.png", folder, number);
	put_text(path, "x");
	want[pictures].class = class;
	want[pictures++].split = split;
}

/* Pictures of a split without folders of classes, with lines for them or not. */
static void put_split(const char *name, int split)
{
	char folder[32], path[64], text[1024] = "", said[64];
	int n = below(BESIDE), annotated = below(4) > 0, lines = 0, twice = BESIDE + 2;
	const char *class[BESIDE + 2] = { NULL };
	snprintf(folder, sizeof folder, "t/%s", name);
	for (int i = n + below(3); annotated && i-- > 0;) { /* the last pictures first, and some that are not there */
		int times = below(25) == 0 ? 0 : below(60) == 0 ? 2 : 1;
		twice = times == 2 ? i : twice;
		unused += i >= n ? times : 0;
		for (int k = 0; k < times; k++, lines++) {
			class[i] = classes[below(CLASSES)];
			snprintf(text + strlen(text), 64, "%d.png\t%s%s%s", i, class[i], below(2) ? "\t0\t62" : "",
				 below(3) ? "\n" : "\r\n");
		}
	}
	if (annotated && below(12) == 0) {
		snprintf(text + strlen(text), 16, "%s", below(2) ? "0.png n1" : below(2) ? "0.png\t" : "\n\tn1\n");
		snprintf(said, sizeof said, "%d", lines + 1);
		wrong(0, "/val_annotations.txt: line ", said, " is not FILE<TAB>CLASS");
	} else if (lines && below(2)) {
		text[strlen(text) - 1] = 0; /* the last line needs no end */
	}
	snprintf(path, sizeof path, "%s/val_annotations.txt", folder);
	if (annotated)
		put_text(path, text);
	if (twice < BESIDE + 2) {
		snprintf(said, sizeof said, "%d", twice);
		wrong(1, "val_annotations.txt: '", said, ".png' is there twice");
	}
	for (int i = 0; i < n; i++) {
		snprintf(said, sizeof said, "%s/images/%d.png", folder, i);
		if (annotated && !class[i])
			wrong(2, "", said, ": val_annotations.txt has no line for it");
		add_picture(folder, i, annotated ? class[i] : has_wnids ? NULL : "images", split);
	}
}

/* Some of the classes and some others, in any order; order[]: what is in the file. Their number. */
static int put_wnids(const char **order)
{
	static const char *const others[] = { "a", "n100", "zz" };
	char text[256] = "";
	int n = 0, twice = below(20) == 0, lacks = below(3) ? 40 : 4; /* one of so many classes is not there */
	for (int i = 0; i < CLASSES + 3; i++)
		if (i < CLASSES ? below(lacks) : below(2))
			order[n++] = i < CLASSES ? classes[i] : others[i - CLASSES];
	for (int i = n - 1; i > 0; i--) {
		int k = below(i + 1);
		const char *kept = order[i];
		order[i] = order[k];
		order[k] = kept;
	}
	if (n > 1 && twice)
		order[n - 1] = order[below(n - 1)];
	for (int i = 0; i < n; i++)
		snprintf(text + strlen(text), 16, "%s%s", order[i], below(3) ? "\n" : "\r\n");
	put_text("t/wnids.txt", text);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < i; k++)
			if (!strcmp(order[i], order[k]))
				wrong(3, "class '", order[i], "' is there twice");
	return n;
}

static int place_of(const char *const *all, int n, const char *class)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(all[i], class))
			return i;
	return -1;
}

/* Whether a picture has the class. */
static int is_used(const char *class)
{
	for (int i = 0; i < pictures; i++)
		if (want[i].class && !strcmp(want[i].class, class))
			return 1;
	return 0;
}

/* Without wnids.txt: the classes that there are, by their names. */
static int used_in_order(const char **order)
{
	int n = 0;
	for (int i = 0; i < CLASSES; i++) {
		if (!strcmp(classes[i], "n1") && is_used("images")) /* stands before it, and after N3 */
			order[n++] = "images";
		if (is_used(classes[i]))
			order[n++] = classes[i];
	}
	return n;
}

static void check(const char *const *order, int n, int round)
{
	struct source s;
	struct source_options so = { .fold = -1, .allow_empty = 1 };
	struct err err = ERR_NONE;
	const char *first = why[0];
	char where[SCRATCH_PATH + 8], *path = where, said[64];
	int notes = 0;
	for (int i = 1; i < 4 && !*first; i++)
		first = why[i];
	snprintf(where, sizeof where, "%s/t", dir);
	int rc = source_open(&s, SOURCE_FOLDER, &path, 1, &so, &err);
	if (rc != (*first ? -1 : 0) || (rc && !strstr(err.msg, first)))
		fail_msg("%d: %s, not '%s'", round, rc ? err.msg : "is read", first);
	if (rc)
		return;
	assert_int_equal(s.head.n_classes, n);
	for (int i = 0; i < n; i++)
		assert_string_equal(s.head.classes[i], order[i]);
	assert_int_equal(s.n, pictures);
	for (int i = 0; i < pictures; i++)
		if (s.split[i] != want[i].split ||
		    s.label[i] != (want[i].class ? place_of(order, n, want[i].class) : -1))
			fail_msg("%d: picture %d: split %d, label %d", round, i, s.split[i], s.label[i]);
	snprintf(said, sizeof said, "%d annotations without an image", unused);
	for (size_t i = 0; i < s.notes; i++)
		notes += !strcmp(s.note[i], said);
	assert_int_equal(notes, unused > 0);
	source_release(&s);
}

static void as_plainly(void **state)
{
	for (int round = 0; round < plain_checks(60); round++) {
		const char *order[CLASSES + 3];
		int n = 0;
		plain_rng(&rng, (uint32_t)round, 53);
		clean(state);
		memset(why, 0, sizeof why);
		pictures = unused = 0;
		has_wnids = below(3) > 0;
		put_text("t/words.txt", "n1\tone\n");
		put_split("test", SPLIT_TEST);
		for (int k = 0; k < CLASSES; k++) {
			char folder[64];
			snprintf(folder, sizeof folder, "t/train/%s", classes[k]);
			for (int i = pictures || k + 1 < CLASSES ? below(3) : 1; i > 0; i--)
				add_picture(folder, 3 - i, classes[k], SPLIT_TRAIN);
		}
		put_split("val", SPLIT_DEV);
		n = has_wnids ? put_wnids(order) : used_in_order(order);
		for (int k = 0; has_wnids && k < CLASSES; k++)
			if (is_used(classes[k]) && place_of(order, n, classes[k]) < 0)
				wrong(3, "class '", classes[k], "' is not in wnids.txt");
		if (!n || !pictures)
			continue;
		check(order, n, round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(as_plainly) };
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
