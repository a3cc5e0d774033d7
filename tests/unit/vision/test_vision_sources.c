/* Small data sets in CIFAR, STL-10 and IDX files come out of a stream as they went into the files; bad ones are refused
 * with a reason. */
#include "vision_files.h"
#include "pipeline/base/philox.h"

#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

static void cifar_files(void **state)
{
	(void)state;
	static unsigned char buf[10 * 3074];
	struct run r = { .format = SOURCE_CIFAR10, .path = "c" };
	struct block b;
	put("c/test_batch.bin", buf, cifar(buf, 7, 2, 0));
	put("c/data_batch_2.bin", buf, cifar(buf, 4, 3, 0));
	put("c/data_batch_1.bin", buf, cifar(buf, 0, 4, 0));
	put_text("c/readme.html", "x");
	assert_int_equal(pack(&r, 1), 0);
	struct stream_reader *in = unpack(&b);
	assert_string_equal(stream_head_of(in)->classes[3], "cat");
	assert_int_equal(b.n, 9);
	for (uint32_t i = 0; i < 9; i++) {
		assert_int_equal(b.id[i], i);
		assert_int_equal(b.label[i], i);
		assert_int_equal(b.split[i], i < 7 ? SPLIT_TRAIN : SPLIT_TEST);
		check_pixels(&b, i, (int)i, 32, 32, 3);
	}
	stream_close(in);

	put_text("c/batches.meta.txt", "a\nb\nc\r\nd\ne\nf\ng\nh\ni\nj\r\n\r\n");
	assert_int_equal(pack(&r, 1), 0);
	in = unpack(&b);
	assert_string_equal(stream_head_of(in)->classes[2], "c");
	stream_close(in);
	put_text("c/batches.meta.txt", "a\nb\n");
	refused(&r, "2 names for 10 classes");
	put_text("c/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\na\n");
	refused(&r, "'a' is there twice");
	unlink(in_dir("c/batches.meta.txt"));

	size_t n = cifar(buf, 4, 3, 0);
	put("c/data_batch_2.bin", buf, n - 1);
	refused(&r, "no whole number of 3073-byte records");
	buf[3073] = 10;
	put("c/data_batch_2.bin", buf, n);
	refused(&r, "data_batch_2.bin: record 1: label 10 is outside the 10 classes");
}

/* Labels are read some hundred records at a time. */
static void cifar_of_many(void **state)
{
	static unsigned char buf[513 * 3073];
	static const int sizes[] = { 255, 256, 257, 512, 513 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct source s;
		struct source_options so = { .fold = -1 };
		struct err err = ERR_NONE;
		char where[SCRATCH_PATH + 8], *path = where;
		clean(state);
		snprintf(where, sizeof where, "%s/c", dir);
		for (int k = 0; k < sizes[i]; k++)
			buf[3073 * k] = (unsigned char)((k + k / 256) % 10);
		put("c/data_batch_1.bin", buf, 3073 * (size_t)sizes[i]);
		if (source_open(&s, SOURCE_CIFAR10, &path, 1, &so, &err))
			fail_msg("%d: %s", sizes[i], err.msg);
		assert_int_equal(s.n, sizes[i]);
		for (int k = 0; k < sizes[i]; k++)
			assert_int_equal(s.label[k], (k + k / 256) % 10);
		source_release(&s);
	}
}

static void cifar_hundred(void **state)
{
	(void)state;
	static unsigned char buf[10 * 3074];
	struct run r = { .format = SOURCE_CIFAR100, .path = "c" };
	struct block b;
	put("c/train.bin", buf, cifar(buf, 0, 4, 1));
	put("c/test.bin", buf, cifar(buf, 4, 2, 1));
	assert_int_equal(pack(&r, 2), 0);
	struct stream_reader *in = unpack(&b);
	assert_int_equal(stream_head_of(in)->n_classes, 100);
	assert_int_equal(b.n, 6);
	assert_int_equal(b.label[5], 5);
	assert_int_equal(b.split[5], SPLIT_TEST);
	check_pixels(&b, 5, 5, 32, 32, 3);
	stream_close(in);
	r.so.coarse = 1;
	assert_int_equal(pack(&r, 1), 0);
	in = unpack(&b);
	assert_int_equal(stream_head_of(in)->n_classes, 20);
	assert_int_equal(b.label[5], 14);
	check_pixels(&b, 5, 5, 32, 32, 3);
	stream_close(in);
	/* CIFAR-10's files read as CIFAR-100's, and the other way round */
	put("c/train.bin", buf, cifar(buf, 0, 4, 0));
	refused(&r, "no whole number");
}

static size_t stl(unsigned char *buf, int first, int n)
{
	unsigned char *p = buf;
	for (int i = first; i < first + n; i++)
		for (int c = 0; c < 3; c++)
			for (int x = 0; x < 96; x++)
				for (int y = 0; y < 96; y++)
					*p++ = value(i, c, y, x);
	return (size_t)(p - buf);
}

static void stl10_files(void **state)
{
	(void)state;
	static unsigned char buf[8 * 27648];
	struct run r = { .format = SOURCE_STL10, .path = "s" };
	struct block b;
	put("s/x/train_X.bin", buf, stl(buf, 0, 4));
	put("s/x/train_y.bin", "\1\2\3\12", 4);
	put("s/x/test_X.bin", buf, stl(buf, 4, 2));
	put("s/x/test_y.bin", "\5\6", 2);
	put("s/other/test_y.bin", "\5\6\7", 3);
	put("s/x/unlabeled_X.bin", buf, stl(buf, 6, 1));
	put_text("s/x/fold_indices.txt", "3 1 \n0 2 \n");
	assert_int_equal(pack(&r, 1), 0);
	struct stream_reader *in = unpack(&b);
	static const int labels[7] = { 0, 1, 2, 9, 4, 5, -1 };
	static const int splits[7] = { 0, 0, 0, 0, SPLIT_TEST, SPLIT_TEST, SPLIT_EXTRA };
	assert_int_equal(b.n, 7);
	for (uint32_t i = 0; i < 7; i++) {
		assert_int_equal(b.label[i], labels[i]);
		assert_int_equal(b.split[i], splits[i]);
		check_pixels(&b, i, (int)i, 96, 96, 3);
	}
	stream_close(in);
	r.fold = 2;
	r.fo.only = "train";
	assert_int_equal(pack(&r, 1), 0);
	in = unpack(&b);
	assert_int_equal(b.n, 2);
	check_pixels(&b, 1, 2, 96, 96, 3);
	stream_close(in);
	r.fold = 3;
	refused(&r, "has no fold 2");
	r.fold = 2;
	put_text("s/x/fold_indices.txt", "3 1 \n0 4 \n");
	refused(&r, "fold 1: '4' is no number of one of the 4 training images");
	r.fold = 0;
	r.fo.only = NULL;
	put("s/x/test_y.bin", "\5\13", 2);
	refused(&r, "record 1: label 11 is outside 1 to 10");
	put("s/x/test_y.bin", "\5", 1);
	refused(&r, "2 images, but test_y.bin has 1 labels");
	unlink(in_dir("s/x/test_y.bin"));
	refused(&r, "test_y.bin is not beside it");
	put("s/x/test_X.bin", buf, 27647);
	refused(&r, "no whole number");
}

/* An IDX header: rank 1, 3 or 4. */
static size_t idx(unsigned char *buf, int rank, int a, int b, int c, int d)
{
	const int dim[4] = { a, b, c, d };
	memset(buf, 0, 4);
	buf[2] = 8;
	buf[3] = (unsigned char)rank;
	for (int i = 0; i < rank; i++) {
		memset(buf + 4 + 4 * i, 0, 4);
		buf[7 + 4 * i] = (unsigned char)dim[i];
		buf[6 + 4 * i] = (unsigned char)(dim[i] >> 8);
	}
	return 4 + 4 * (size_t)rank;
}

static size_t idx_images(unsigned char *buf, int first, int n, int h, int w, int channels)
{
	unsigned char *p = buf + idx(buf, channels == 1 ? 3 : 4, n, h, w, channels);
	for (int i = first; i < first + n; i++)
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++)
				for (int c = 0; c < channels; c++)
					*p++ = value(i, c, y, x);
	return (size_t)(p - buf);
}

static void idx_files(void **state)
{
	(void)state;
	static unsigned char buf[4096];
	struct run r = { .format = SOURCE_IDX, .path = "m" };
	struct block b;
	put("m/t10k-images-idx3-ubyte", buf, idx_images(buf, 3, 2, 5, 7, 1));
	put("m/train-images-idx3-ubyte", buf, idx_images(buf, 0, 3, 5, 7, 1));
	size_t n = idx(buf, 1, 3, 0, 0, 0);
	memcpy(buf + n, "\2\0\3", 3);
	put("m/train-labels-idx1-ubyte", buf, n + 3);
	n = idx(buf, 1, 2, 0, 0, 0);
	memcpy(buf + n, "\1\1", 2);
	put("m/t10k-labels-idx1-ubyte", buf, n + 2);
	assert_int_equal(pack(&r, 1), 0);
	struct stream_reader *in = unpack(&b);
	static const int labels[5] = { 2, 0, 3, 1, 1 };
	assert_int_equal(stream_head_of(in)->n_classes, 4);
	assert_int_equal(stream_head_of(in)->height, 5);
	assert_int_equal(stream_head_of(in)->width, 7);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(b.label[i], labels[i]);
		assert_int_equal(b.split[i], i < 3 ? SPLIT_TRAIN : SPLIT_TEST);
		check_pixels(&b, i, (int)i, 5, 7, 1);
	}
	stream_close(in);
	r.so.classes = "a,b,c,d,e";
	assert_int_equal(pack(&r, 1), 0);
	in = unpack(&b);
	assert_string_equal(stream_head_of(in)->classes[4], "e");
	stream_close(in);
	r.so.classes = "a,b,c";
	refused(&r, "3 names for 4 classes");
	r.so.classes = NULL;

	n = idx_images(buf, 3, 2, 5, 7, 1);
	put("m/t10k-images-idx3-ubyte", buf, n - 1);
	refused(&r, "truncated: its header promises 70 bytes, it has 69");
	put("m/t10k-images-idx3-ubyte", buf, n + 1);
	refused(&r, "too long");
	put("m/t10k-images-idx3-ubyte", buf, idx_images(buf, 3, 2, 7, 5, 1));
	refused(&r, "7x5x1 after 5x7x1");
	put("m/t10k-images-idx3-ubyte", buf, idx_images(buf, 3, 1, 5, 7, 1));
	refused(&r, "2 labels for the 1 images");
	n = idx_images(buf, 3, 2, 5, 7, 1);
	memset(buf + 4, 0xff, 12);
	put("m/t10k-images-idx3-ubyte", buf, n);
	refused(&r, "overflows");
	buf[2] = 0x0d; /* floats */
	put("m/t10k-images-idx3-ubyte", buf, n);
	refused(&r, "is no IDX file of images (bytes, rank 3 or 4)");

	clean(NULL);
	put("m/images-idx3-ubyte", buf, idx_images(buf, 0, 3, 5, 7, 1));
	n = idx(buf, 2, 3, 0, 0, 0);
	buf[2] = 12;
	put("m/labels-idx2-int", buf, n);
	refused(&r, "labels-idx2-int: its labels have no column");

	/* without labels, in colour */
	clean(NULL);
	put("m/train-images-idx4-ubyte", buf, idx_images(buf, 0, 3, 5, 7, 3));
	assert_int_equal(pack(&r, 1), 0);
	in = unpack(&b);
	assert_int_equal(stream_head_of(in)->n_classes, 0);
	assert_int_equal(b.label[2], -1);
	check_pixels(&b, 2, 2, 5, 7, 3);
	stream_close(in);
}

/* Puts m/NAME as it is, as NAME.gz, or as both, of which the packed one is passed over. */
static void put_packed(const char *name, const unsigned char *bytes, size_t n, uint32_t form)
{
	char path[SCRATCH_PATH];
	snprintf(path, sizeof path, "m/%s", name);
	put(path, bytes, n);
	if (!form)
		return;
	snprintf(path, sizeof path, "%s.gz", in_dir(path));
	gzFile f = gzopen(path, "wb");
	assert_true(f && gzwrite(f, bytes, (unsigned)n) == (int)n);
	assert_int_equal(gzclose(f), Z_OK);
	path[strlen(path) - 3] = 0;
	if (form == 1)
		assert_int_equal(unlink(path), 0);
}

/* Pictures of any size, upright and lying, grey and in colour, packed or not, beside each form of labels. */
static void idx_at_random(void **state)
{
	static unsigned char buf[4096];
	static const char *const named[] = { NULL, "train-labels-idx1-ubyte", "train-labels-idx1-int",
					     "train-labels-idx2-int" };
	for (uint32_t i = 0; i < 80; i++) {
		struct rng r;
		rng_init(&r, 21, RNG_TEST, i, 0);
		int n = 1 + (int)rng_below(&r, 6), h = 1 + (int)rng_below(&r, 9), w = 1 + (int)rng_below(&r, 9),
		    c = rng_below(&r, 2) ? 3 : 1, lying = (int)rng_below(&r, 2), kind = (int)rng_below(&r, 4),
		    columns = kind == 3 ? 1 + (int)rng_below(&r, 4) : 1,
		    from = kind < 2 ? (int)rng_below(&r, 2) : (int)rng_below(&r, 5) - 3,
		    low = kind && (kind > 1 || from) && !rng_below(&r, 5) ? (int)rng_below(&r, (uint32_t)n) : -1;
		struct run run = { .format = SOURCE_IDX, .path = "m", .so.transpose = lying, .so.labels_from = from };
		struct block b;
		int32_t label[6];
		clean(state);
		unsigned char *p = buf + idx(buf, c == 1 ? 3 : 4, n, lying ? w : h, lying ? h : w, c);
		for (int k = 0; k < n; k++)
			for (int s = 0; s < (lying ? w : h); s++)
				for (int t = 0; t < (lying ? h : w); t++)
					for (int d = 0; d < c; d++)
						*p++ = value(k, d, lying ? t : s, lying ? s : t);
		put_packed(c == 1 ? "train-images-idx3-ubyte" : "train-images-idx4-ubyte", buf, (size_t)(p - buf),
			   rng_below(&r, 3));
		p = buf + idx(buf, kind == 3 ? 2 : 1, n, columns, 0, 0);
		buf[2] = kind > 1 ? 12 : 8;
		for (int k = 0; k < n; k++) {
			label[k] = kind ? (int32_t)rng_below(&r, 9) : -1;
			uint32_t v = (uint32_t)(from + (k == low ? -1 : label[k]));
			for (int s = kind > 1 ? 24 : 0; s >= 0; s -= 8)
				*p++ = (unsigned char)(v >> s);
			for (int s = 0; s < 4 * (columns - 1); s++)
				*p++ = (unsigned char)rng_u32(&r);
		}
		if (kind)
			put_packed(named[kind], buf, (size_t)(p - buf), rng_below(&r, 3));
		if (low >= 0) {
			char says[128];
			snprintf(says, sizeof says, "record %d: label %d is outside the classes from %d on", low,
				 from - 1, from);
			refused(&run, says);
			continue;
		}
		if (pack(&run, 1))
			fail_msg("%s", run.err.msg);
		assert_int_equal(run.report.noted, 0);
		struct stream_reader *in = unpack(&b);
		const struct stream_head *head = stream_head_of(in);
		assert_true(head->height == h && head->width == w && head->channels == c && b.n == (uint32_t)n);
		for (int k = 0; k < n; k++) {
			assert_int_equal(b.label[k], label[k]);
			check_pixels(&b, (uint32_t)k, k, h, w, c);
		}
		stream_close(in);
	}
}

/* Which types and ranks are labels, whatever the file is called: bytes in one dimension, integers in one or two, behind
 * two zeros. */
static void idx_kinds(void **state)
{
	static unsigned char buf[256];
	for (int type = 8; type < 15; type++)
		for (int turn = 3; turn < 12; turn++) {
			int rank = turn / 3, odd = turn % 3; /* 1, 2: that byte is none of the two zeros */
			struct run run = { .format = SOURCE_IDX, .path = "m" };
			struct block b;
			size_t each = type < 11 ? 1 : type == 11 ? 2 : type == 14 ? 8 : 4;
			int labels = !odd && ((type == 8 && rank == 1) || (type == 12 && rank < 3));
			if (type == 8 && rank == 3) /* pictures */
				continue;
			clean(state);
			put("m/pictures", buf, idx_images(buf, 0, 3, 5, 7, 1));
			size_t n = idx(buf, rank, 3, 1, 1, 0);
			buf[2] = (unsigned char)type;
			buf[odd ? odd - 1 : 0] = odd != 0;
			memset(buf + n, 0, 3 * each);
			put("m/classes", buf, n + 3 * each);
			if (pack(&run, 1))
				fail_msg("type %d, rank %d: %s", type, rank, run.err.msg);
			struct stream_reader *in = unpack(&b);
			if (b.label[2] != (labels ? 0 : -1))
				fail_msg("type %d, rank %d", type, rank);
			stream_close(in);
		}
}

/* The labels' file beside the pictures, else the only one of its name; what is none of them is counted. */
static void idx_neighbours(void **state)
{
	static const struct {
		const char *labels[3]; /* each says its own number, from 1 */
		int label;
	} sets[] = { { { "m/b/train-labels-idx1-ubyte" }, 1 },
		     { { "m/b/train-labels-idx1-ubyte", "m/c/train-labels-idx1-ubyte" }, -1 },
		     { { "m/b/train-labels-idx1-ubyte", "m/a/train-labels-idx1-ubyte", "m/c/train-labels-idx1-ubyte" },
		       2 },
		     { { "m/b/train-labels-idx1-ubyte", "m/b/other-labels-idx1-ubyte" }, 1 },
		     { { "m/z/train-labels-idx1-ubyte", "m/b/other-labels-idx1-ubyte" }, 1 } };
	static unsigned char buf[256];
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct source s;
		int from = i % 2;
		struct source_options so = { .fold = -1, .labels_from = from };
		struct err err = ERR_NONE;
		char where[SCRATCH_PATH + 8], *path = where, says[64], none[96];
		snprintf(where, sizeof where, "%s/m", dir);
		clean(state);
		put("m/a/train-images-idx3-ubyte", buf, idx_images(buf, 0, 1, 2, 3, 1));
		for (int k = 0; k < 3 && sets[i].labels[k]; k++) {
			size_t n = idx(buf, 1, 1, 0, 0, 0);
			buf[n] = (unsigned char)(k + 1);
			put(sets[i].labels[k], buf, n + 1);
		}
		for (size_t k = 0; k < i; k++)
			put_text(k % 2 ? "m/1.txt" : "m/2.txt", "x");
		int rc = source_open(&s, SOURCE_IDX, &path, 1, &so, &err);
		if (sets[i].label < 0) {
			assert_int_equal(rc, -1);
			assert_non_null(strstr(err.msg, "none of the 2 files of labels is named like it"));
			continue;
		}
		if (rc)
			fail_msg("%zu: %s", i, err.msg);
		assert_int_equal(s.label[0], sets[i].label - from);
		snprintf(none, sizeof none, "no label is %d; --labels-from 1 where classes are counted from 1", from);
		snprintf(says, sizeof says, "%zu files passed over, no IDX", i < 2 ? i : 2);
		int said = 0, said_none = 0;
		for (size_t k = 0; k < s.notes; k++) {
			said += !strcmp(s.note[k], says);
			said_none += !strcmp(s.note[k], none);
		}
		assert_int_equal(said, i > 0);
		assert_int_equal(said_none, s.label[0] > 0);
		source_release(&s);
	}
}

/* Where neither the file's name nor its folder's says a split, the operand's does. */
static void idx_split_of_operand(void **state)
{
	static unsigned char buf[256];
	static const char *const operands[] = { "test", "test/", "x_test//", "train", "nothing" };
	static const int split[] = { SPLIT_TEST, SPLIT_TEST, SPLIT_TEST, SPLIT_TRAIN, SPLIT_TRAIN };
	for (int i = 0; i < 5; i++) {
		struct source s;
		struct source_options so = { .fold = -1 };
		struct err err = ERR_NONE;
		char where[SCRATCH_PATH + 16], *path = where, file[64];
		snprintf(where, sizeof where, "%s/%s", dir, operands[i]);
		clean(state);
		snprintf(file, sizeof file, "%s/images-idx3-ubyte", operands[i]);
		put(file, buf, idx_images(buf, 0, 1, 2, 3, 1));
		if (source_open(&s, SOURCE_IDX, &path, 1, &so, &err))
			fail_msg("%s: %s", operands[i], err.msg);
		assert_int_equal(s.split[0], split[i]);
		assert_int_equal(s.says_split, i < 4);
		source_release(&s);
	}
}

/* Files by name: a folder's pictures in order, the others counted; a list on stdin with whatever ends a line. */
static void files_by_name(void **state)
{
	(void)state;
	struct source_options so = { .fold = -1 };
	struct err err = ERR_NONE;
	struct source s;
	char text[4 * SCRATCH_PATH], where[SCRATCH_PATH + 8], stdin_name[] = "-", *from[2] = { where, stdin_name };
	snprintf(where, sizeof where, "%s/f", dir);
	put_text("f/b.png", "x");
	put_text("f/a/2.JPG", "x");
	put_text("f/.hidden/3.png", "x");
	put_text("f/.x", "x");
	put_text("f/notes.txt", "x");
	put_text("odd.name", "x");
	if (source_open(&s, SOURCE_FILES, from, 1, &so, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.notes, 1);
	assert_non_null(strstr(s.note[0], "3 files or hidden folders passed over"));
	struct scratch scratch = { .cap = 0 };
	struct item first = { .at = 0 };
	const unsigned char *bytes;
	size_t len;
	assert_int_equal(s.ops->file(&s, &first, &bytes, &len, &scratch, &err), 0);
	assert_true(len == 1 && *bytes == 'x');
	put_text("f/a/2.JPG", "y, and longer"); /* changed since it was listed, whatever failed before */
	errno = EIO;
	assert_int_equal(s.ops->file(&s, &first, &bytes, &len, &scratch, &err), -1);
	scratch_release(&scratch);
	source_release(&s);
	int n = snprintf(text, sizeof text, "%s\r\n\n\r\n%s\n", in_dir("odd.name"), in_dir("f/b.png"));
	put_text("list", text);
	snprintf(text, sizeof text, "%s", in_dir("f/b.png"));
	int was = dup(STDIN_FILENO), fd = open(in_dir("list"), O_RDONLY);
	for (int last = 0; last < 2; last++) { /* without an end of line, too */
		assert_int_equal(truncate(in_dir("list"), n - last), 0);
		assert_true(dup2(fd, STDIN_FILENO) == STDIN_FILENO && lseek(STDIN_FILENO, 0, SEEK_SET) == 0);
		if (source_open(&s, SOURCE_FILES, &from[1], 1, &so, &err))
			fail_msg("%s", err.msg);
		struct item item[4];
		char *name;
		int got;
		assert_int_equal(s.ops->next(&s, item, 4, &got, &err), 0);
		assert_int_equal(got, 2);
		assert_int_equal(s.ops->name(&s, &item[1], &name, &err), 0);
		assert_string_equal(name, text);
		assert_true(item[1].label == -1 && item[1].split == SPLIT_TEST && item[1].id == 1);
		free(name);
		source_release(&s);
	}
	assert_int_equal(truncate(in_dir("list"), 0), 0);
	assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
	assert_int_equal(source_open(&s, SOURCE_FILES, &from[1], 1, &so, &err), -1);
	assert_string_equal(err.msg, "stdin: holds no name of a file");
	dup2(was, STDIN_FILENO);
	close(was);
	close(fd);
}

/* What cannot be read any more is not passed over, whatever its name. */
static void idx_that_changed(void **state)
{
	(void)state;
	static unsigned char buf[4096];
	char *path = (char *)(uintptr_t)in_dir("m");
	struct source s = { .head.kind = STREAM_IMAGES };
	struct err err = ERR_NONE;
	put("m/pictures", buf, idx_images(buf, 0, 3, 5, 7, 1));
	put("m/train-images-idx3-ubyte", buf, idx_images(buf, 0, 3, 5, 7, 1)); /* with which it could go on */
	assert_int_equal(archive_open(&s.archive, &path, 1, &err), 0);
	put("m/pictures", buf, idx_images(buf, 0, 2, 5, 7, 1));
	assert_int_equal(idx_open(&s, &err), -1);
	assert_non_null(strstr(err.msg, "pictures"));
	assert_int_equal(err.cause, CAUSE_SYSTEM);
	source_release(&s);
}

/* n names, of which the last is that of number `as`; the caller's. */
static char *names(size_t n, size_t as)
{
	char *text = malloc(n * 8), *p = text;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		p += snprintf(p, 8, "%zx%s", i + 1 < n ? i : as, i + 1 < n ? "," : "");
	return text;
}

static void class_names(void **state)
{
	(void)state;
	static unsigned char buf[4096];
	static const struct {
		size_t n, as;
		const char *says;
	} bad[] = { { 12000, 11000, "class '2af8' is there twice" },
		    { 3, 0, "class '0' is there twice" },
		    { STREAM_MAX_CLASSES + 1, STREAM_MAX_CLASSES, "more than 1000000 classes" } };
	struct run r = { .format = SOURCE_IDX, .path = "m" };
	put("m/images-idx3-ubyte", buf, idx_images(buf, 0, 3, 5, 7, 1));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *text = names(bad[i].n, bad[i].as);
		r.so.classes = text;
		refused(&r, bad[i].says);
		free(text);
	}
	r.so.classes = "a,,b";
	refused(&r, "class 1 has no name");
}

static void sizes_are_parsed(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	int h, w;
	assert_int_equal(want_size("32", &h, &w, &err), 0);
	assert_true(h == 32 && w == 32);
	assert_int_equal(want_size("32x48", &h, &w, &err), 0);
	assert_true(h == 32 && w == 48);
	static const char *const bad[] = { "", "x", "32x", "x32", "0", "4097", "3x3x3", "32 ", "-1", "1000000000" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(want_size(bad[i], &h, &w, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cifar_files),	TEST(cifar_hundred),  TEST(stl10_files),	  TEST(idx_files),
		TEST(idx_at_random),	TEST(idx_kinds),      TEST(idx_that_changed),	  TEST(class_names),
		TEST(sizes_are_parsed), TEST(idx_neighbours), TEST(idx_split_of_operand), TEST(files_by_name),
		TEST(cifar_of_many),
	};
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
