/* CIFAR's, STL-10's and IDX files at random: what is listed of them and said, or why nothing is, by a plain reading of
 * these formats. CIFAR's and STL-10's are holes but for their labels and one byte of each picture. */
#include "vision_files.h"
#include "tests/checks.h"

#include <fcntl.h>

enum { MOST = 8, PLANE_10 = 32 * 32, PLANE_STL = 96 * 96 };

static struct rng rng;

static int below(int n)
{
	return (int)(rng_u32(&rng) % (uint32_t)n);
}

/* A picture's file and what is in it. */
struct data {
	const char *name;
	int split, n, more /* bytes beyond the last record */;
	int label[MOST], coarse[MOST], at[MOST] /* of the byte that is no 0 */, byte[MOST];
};

static void draw_data(struct data *d, const char *name, int split, int planes)
{
	*d = (struct data){ .name = name, .split = split, .n = below(MOST + 1), .more = below(40) ? 0 : 1 };
	for (int i = 0; i < d->n; i++) {
		d->at[i] = below(3 * planes);
		d->byte[i] = 1 + below(255);
	}
}

/* Records of `lead` bytes and three planes. */
static void put_data(const struct data *d, int lead, int planes)
{
	off_t each = lead + 3 * planes;
	put(d->name, "", 0);
	int fd = open(in_dir(d->name), O_WRONLY);
	assert_true(fd >= 0);
	for (int i = 0; i < d->n; i++) {
		unsigned char byte = (unsigned char)d->byte[i],
			      label[2] = { (unsigned char)d->coarse[i], (unsigned char)d->label[i] };
		assert_int_equal(pwrite(fd, label + 2 - lead, (size_t)lead, i * each), lead);
		assert_int_equal(pwrite(fd, &byte, 1, i * each + lead + d->at[i]), 1);
	}
	assert_int_equal(ftruncate(fd, d->n * each + d->more), 0);
	close(fd);
}

/* Opened, and compared: every record of every file in turn (keep NULL: all; else whether record i of the first file is
 * there), or the error's words. */
static void check(enum source_format format, const struct source_options *so, const struct data *d, int files,
		  const unsigned char *keep, const int (*label)[MOST], int side, int turned, const char *why, int round)
{
	struct source s;
	struct scratch scratch = { 0 };
	struct image im = { 0 };
	struct err err = ERR_NONE;
	char where[SCRATCH_PATH + 8], note[128], *path = where;
	size_t n = 0;
	snprintf(where, sizeof where, "%s/d", dir);
	int rc = source_open(&s, format, &path, 1, so, &err);
	if (rc != (why ? -1 : 0) || (why && !strstr(err.msg, why)))
		fail_msg("%d: %s, not %s", round, rc ? err.msg : "is read", why ? why : "read");
	if (rc)
		return;
	for (int k = 0; k < files; k++)
		for (int i = 0; i < d[k].n; i++) {
			if (keep && !k && !keep[i])
				continue;
			struct item item;
			int got;
			assert_int_equal(source_next_indexed(&s, &item, 1, &got, &err), 0);
			if (got != 1 || item.id != n++ || item.label != label[k][i] || item.split != d[k].split)
				fail_msg("%d: record %d of %s: label %d, split %d", round, i, d[k].name, item.label,
					 item.split);
			assert_int_equal(s.ops->load(&s, &item, NULL, &im, &scratch, note, &err), 0);
			assert_string_equal(note, "");
			assert_true(im.h == side && im.w == side && im.c == 3);
			int in = d[k].at[i] % (side * side), c = d[k].at[i] / (side * side);
			int at = (turned ? in % side * side + in / side : in) * 3 + c, sum = 0;
			for (size_t j = 0; j < image_bytes(&im); j++)
				sum += im.px[j] != 0;
			if (im.px[at] != d[k].byte[i] || sum != 1)
				fail_msg("%d: record %d of %s: byte %d is %d", round, i, d[k].name, at, im.px[at]);
		}
	assert_int_equal(s.n, n);
	assert_int_equal(s.head.n_classes, format != SOURCE_CIFAR100 ? 10 : so->coarse ? 20 : 100);
	for (int k = 0; k < s.head.n_classes && format == SOURCE_CIFAR100; k++)
		assert_int_equal(strtol(s.head.classes[k], NULL, 10), k);
	scratch_release(&scratch);
	image_release(&im);
	source_release(&s);
}

static void cifars(void **state)
{
	/* as they are listed: split by split, and by name */
	static const struct {
		const char *name;
		int split;
	} names[] = { { "d/a.bin", SPLIT_TRAIN },
		      { "d/data_batch_1.bin", SPLIT_TRAIN },
		      { "d/data_batch_2.bin", SPLIT_TRAIN },
		      { "d/train.bin", SPLIT_TRAIN },
		      { "d/val.bin", SPLIT_DEV },
		      { "d/test.bin", SPLIT_TEST },
		      { "d/test_batch.bin", SPLIT_TEST } };
	for (int round = 0; round < plain_checks(60); round++) {
		plain_rng(&rng, (uint32_t)round, 21);
		struct data d[7];
		struct source_options so = { .fold = -1, .coarse = below(2) };
		int hundred = below(2), lead = 1 + hundred, top = !hundred ? 10 : so.coarse ? 20 : 100, files = 0;
		int label[7][MOST], all = 0;
		const char *why = NULL;
		clean(state);
		put_text("d/readme.txt", "no pictures");
		for (int k = 0; k < 7; k++) {
			struct data *x = &d[files];
			if (below(2))
				continue;
			draw_data(x, names[k].name, names[k].split, PLANE_10);
			for (int i = 0; i < x->n; i++) {
				x->label[i] = below(below(60) ? hundred ? 100 : 10 : 256);
				x->coarse[i] = below(below(60) ? 20 : 256);
				label[files][i] = hundred && so.coarse ? x->coarse[i] : x->label[i];
			}
			put_data(x, lead, PLANE_10);
			if (!why && x->more)
				why = "no whole number of ";
			for (int i = 0; i < x->n && !why; i++)
				why = label[files][i] >= top ? " is outside the " : NULL;
			all += x->n;
			files++;
		}
		if (!why && !all)
			why = "no .bin file of CIFAR's binary version";
		check(hundred ? SOURCE_CIFAR100 : SOURCE_CIFAR10, &so, d, files, NULL, label, 32, 0, why, round);
	}
}

/* Folds of the n training pictures, a line each; keep: which are of the fold that is asked for. What is wrong of it. */
static const char *put_folds(int n, int fold, unsigned char *keep)
{
	char text[512] = "";
	const char *why = NULL;
	int folds = below(4);
	for (int k = 0; k < folds; k++) {
		for (int i = below(5); i > 0; i--) {
			int v = below(40) && n ? below(n)
				: below(2)     ? n
					       : -1; /* the first number beyond, or one before */
			snprintf(text + strlen(text), 8, "%d ", v);
			if (k == fold && (v < 0 || v >= n))
				why = " is no number of one of the ";
			if (k == fold && !why)
				keep[v] = 1;
		}
		snprintf(text + strlen(text), 2, "\n");
	}
	if (below(10) == 0)
		return "fold_indices.txt is not beside train_X.bin";
	put_text("d/x/fold_indices.txt", text);
	return fold >= folds ? "has no fold " : why;
}

static void stl10s(void **state)
{
	static const char *const names[] = { "d/x/train_X.bin", "d/x/test_X.bin", "d/x/unlabeled_X.bin" };
	static const char *const with[] = { "d/x/train_y.bin", "d/x/test_y.bin", NULL };
	static const int splits[] = { SPLIT_TRAIN, SPLIT_TEST, SPLIT_EXTRA };
	for (int round = 0; round < plain_checks(60); round++) {
		plain_rng(&rng, (uint32_t)round, 22);
		struct data d[3];
		struct source_options so = { .fold = below(4) - 1 };
		int files = 0, trains = 0, all = 0, label[3][MOST];
		unsigned char keep[MOST] = { 0 };
		const char *why = NULL;
		clean(state);
		if (below(2))
			put_text("d/readme.txt", "no pictures");
		for (int k = 0; k < 3; k++) {
			struct data *x = &d[files];
			unsigned char y[MOST + 1] = { 0 };
			if (below(5) == 0)
				continue;
			draw_data(x, names[k], splits[k], PLANE_STL);
			put_data(x, 0, PLANE_STL);
			for (int i = 0; i < x->n; i++) {
				y[i] = (unsigned char)(below(60) ? 1 + below(10) : 11 * below(2));
				label[files][i] = with[k] ? y[i] - 1 : -1;
			}
			const char *own = x->more ? "no whole number of " : NULL;
			int labels = x->n + (below(20) ? 0 : x->n && below(2) ? -1 : 1);
			if (with[k] && below(20))
				put(with[k], y, (size_t)labels);
			else if (with[k] && !own)
				own = "_y.bin is not beside it";
			if (with[k] && !own && labels != x->n)
				own = " labels";
			if (k == 0 && so.fold >= 0) {
				const char *folds = put_folds(x->n, so.fold, keep);
				own = own ? own : folds;
			}
			for (int i = 0; with[k] && !own && i < x->n; i++)
				own = y[i] < 1 || y[i] > 10 ? " is outside 1 to 10" : NULL;
			for (int i = 0; i < x->n; i++)
				all += k || so.fold < 0 || keep[i];
			trains += !k;
			why = why ? why : own;
			files++;
		}
		if (!files)
			put_text("d/readme.txt", "no pictures");
		if (!why && so.fold >= 0 && !trains)
			why = "--fold: there is no train_X.bin";
		if (!why && !all)
			why = "none of train_X.bin, test_X.bin and unlabeled_X.bin";
		check(SOURCE_STL10, &so, d, files, trains && so.fold >= 0 ? keep : NULL, label, 96, 1, why, round);
	}
}

/* An IDX file of n labels (rank 1) or pictures of 1x1 (rank 3). */
static void put_idx(const char *name, int rank, int n, const unsigned char *values)
{
	unsigned char bytes[16 + MOST] = { 0, 0, 8, (unsigned char)rank, 0, 0, 0, (unsigned char)n, 0, 0, 0, 1, 0,
					   0, 0, 1 };
	size_t lead = 4 + 4 * (size_t)rank;
	memcpy(bytes + lead, values, (size_t)n);
	put(name, bytes, lead + (size_t)n);
}

static int says(const struct source *s, const char *words)
{
	int n = 0;
	for (size_t i = 0; i < s->notes; i++)
		n += strstr(s->note[i], words) != NULL;
	return n;
}

/* A file of pictures, beside one of labels or not. */
struct pair {
	char name[64]; /* in the operand; "images" stands last, for which labels have their word */
	int split;     /* -1: nothing is said */
	int n, label[MOST];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

/* Some of the pairs that there could be, in the order of their names: the split is what the name says, else the
 * folder's, else the operand's. */
static int draw_pairs(struct pair *p, int operand)
{
	static const struct {
		const char *name;
		int split;
	} folders[] = { { "", -1 }, { "extra/", SPLIT_EXTRA }, { "train/", SPLIT_TRAIN }, { "x/", -1 } },
	  names[] = { { "emnist", -1 }, { "t10k", SPLIT_TEST }, { "train", SPLIT_TRAIN }, { "val", SPLIT_DEV } };
	int n = 0;
	for (int i = 0; i < 16; i++)
		if (below(4) == 0) {
			struct pair *x = &p[n++];
			*x = (struct pair){ .n = 1 + below(MOST) };
			snprintf(x->name, sizeof x->name, "%s%s-images", folders[i / 4].name, names[i % 4].name);
			x->split = names[i % 4].split >= 0     ? names[i % 4].split
				   : folders[i / 4].split >= 0 ? folders[i / 4].split
							       : operand;
		}
	qsort(p, (size_t)n, sizeof *p, by_name);
	return n;
}

static void put_pair(const char *operand, struct pair *p, int labelled, int from)
{
	char name[128];
	unsigned char values[MOST] = { 0 };
	snprintf(name, sizeof name, "%s/%s-idx3-ubyte", operand, p->name);
	put_idx(name, 3, p->n, values);
	for (int i = 0; i < p->n; i++) {
		p->label[i] = labelled ? below(9) : -1;
		values[i] = (unsigned char)(from + p->label[i]);
	}
	snprintf(name, sizeof name, "%s/%.*slabels-idx1-ubyte", operand, (int)strlen(p->name) - 6, p->name);
	if (labelled)
		put_idx(name, 1, p->n, values);
}

static void idx_folders(void **state)
{
	for (int round = 0; round < plain_checks(60); round++) {
		plain_rng(&rng, (uint32_t)round, 23);
		static struct pair p[16];
		struct source s;
		struct source_options so = { .fold = -1, .labels_from = below(3), .transpose = below(2) };
		struct err err = ERR_NONE;
		const char *operand = below(2) ? "d" : "d_test";
		int n = draw_pairs(p, operand[1] ? SPLIT_TEST : -1), labelled = below(3), others = below(3);
		int unsaid = 0, said = 0, least = 99, top = -1;
		char where[SCRATCH_PATH + 8], file[64], *path = where;
		snprintf(where, sizeof where, "%s/%s", dir, operand);
		clean(state);
		for (int k = 0; k < n; k++) {
			put_pair(operand, &p[k], labelled, so.labels_from);
			unsaid += p[k].split < 0;
			said += p[k].split >= 0;
			for (int i = 0; i < p[k].n; i++) {
				top = p[k].label[i] > top ? p[k].label[i] : top;
				least = p[k].label[i] < least ? p[k].label[i] : least;
			}
		}
		for (int i = 0; i < others && n; i++) {
			snprintf(file, sizeof file, "%s/zz%d.txt", operand, i);
			put_text(file, "no pictures");
		}
		if (!n)
			continue;
		if (source_open(&s, SOURCE_IDX, &path, 1, &so, &err))
			fail_msg("%d: %s", round, err.msg);
		size_t at = 0;
		for (int split = SPLIT_TRAIN; split < SPLIT_COUNT; split++)
			for (int k = 0; k < n; k++)
				for (int i = 0; split == (p[k].split < 0 ? SPLIT_TRAIN : p[k].split) && i < p[k].n;
				     i++, at++)
					if (at >= s.n || s.label[at] != p[k].label[i] || s.split[at] != split)
						fail_msg("%d: record %d of %s", round, i, p[k].name);
		assert_int_equal(s.n, at);
		assert_int_equal(s.head.n_classes, top + 1);
		for (int k = 0; k <= top; k++)
			assert_int_equal(strtol(s.head.classes[k], NULL, 10), so.labels_from + k);
		assert_int_equal(s.says_split, said > 0);
		assert_int_equal(says(&s, "no name says a split"), unsaid > 0);
		assert_int_equal(says(&s, "--labels-from 1 where"), labelled && least > 0);
		assert_int_equal(says(&s, "--transpose turns them"), strstr(p[0].name, "emnist") && !so.transpose);
		assert_int_equal(says(&s, " files passed over, no IDX"), others > 0);
		source_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(cifars), TEST(stl10s), TEST(idx_folders) };
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
