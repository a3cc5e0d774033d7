/* Small data sets in every format come out of a stream as they went into the files; bad ones are refused with a reason.
 */
#include "pipeline/io.h"
#include "vision/pack.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <png.h>

static char dir[] = "/dev/shm/vic-sources-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][512];
	static int turn;
	char *p = path[turn++ % 4];
	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const void *bytes, size_t n)
{
	char path[512];
	snprintf(path, sizeof path, "%s", in_dir(name));
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0777);
	}
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int clean(void **state)
{
	(void)state;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return mkdir(dir, 0777);
}

/* What a run is asked for, and what came of it. */
struct run {
	enum source_format format;
	const char *path;
	struct source_options so;
	int fold; /* one more than --fold, so that zero is none */
	struct filter_options fo;
	struct pack_options po;
	struct pack_report report;
	struct err err;
};

/* Packs into dir/out.vic. */
static int pack(struct run *r, int threads)
{
	struct source s;
	struct source_options so = r->so;
	struct pool *pool;
	struct output out;
	struct progress progress = { .on = 0 };
	char *paths[1] = { (char *)(uintptr_t)in_dir(r->path) };
	r->err = ERR_NONE;
	so.codec.max_pixels = so.codec.max_pixels ? so.codec.max_pixels : 1 << 20;
	so.fold = r->fold - 1;
	memset(&r->report, 0, sizeof r->report);
	if (source_open(&s, r->format, paths, 1, &so, &r->err))
		return -1;
	assert_int_equal(pool_open(&pool, threads, &r->err), 0);
	assert_int_equal(output_open(&out, in_dir("out.vic"), &r->err), 0);
	int rc = pack_source(&s, &r->fo, &r->po, pool, &out, NULL, &progress, &r->report, &r->err);
	if (!rc)
		assert_int_equal(output_commit(&out, &r->err), 0);
	output_release(&out);
	pool_close(pool);
	source_release(&s);
	stream_head_release(&r->report.head);
	return rc;
}

/* Opens dir/out.vic at its first block (there is one only). */
static struct stream_reader *unpack(struct block *b)
{
	struct err err = ERR_NONE;
	struct stream_reader *r;
	assert_int_equal(stream_open(&r, in_dir("out.vic"), &err), 0);
	assert_int_equal(stream_next_of(r, STREAM_IMAGES, &err), 1);
	assert_int_equal(stream_next_block(r, b, &err), 1);
	return r;
}

static void refused(struct run *r, const char *says)
{
	if (!pack(r, 1))
		fail_msg("%s is taken", r->path);
	if (!strstr(r->err.msg, says))
		fail_msg("'%s' does not say '%s'", r->err.msg, says);
}

/* Value of channel c at (y, x) in record i of the data sets made here. */
static unsigned char value(int i, int c, int y, int x)
{
	return (unsigned char)(i * 31 + c * 80 + y * 3 + x * 2 + (x > y));
}

static void check_pixels(const struct block *b, uint32_t k, int i, int h, int w, int channels)
{
	const unsigned char *px = b->data + (size_t)k * (size_t)(h * w * channels);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int c = 0; c < channels; c++)
				if (*px++ != value(i, c, y, x))
					fail_msg("record %d: pixel %d, %d, %d", i, y, x, c);
}

/* n records of CIFAR's binary form into buf; label[i] (and coarse label 9 - label) in front. Returns bytes. */
static size_t cifar(unsigned char *buf, int first, int n, int hundred)
{
	unsigned char *p = buf;
	for (int i = first; i < first + n; i++) {
		if (hundred)
			*p++ = (unsigned char)(19 - i);
		*p++ = (unsigned char)(i % 10);
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < 32; y++)
				for (int x = 0; x < 32; x++)
					*p++ = value(i, c, y, x);
	}
	return (size_t)(p - buf);
}

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

	put_text("c/batches.meta.txt", "a\nb\nc\r\nd\ne\nf\ng\nh\ni\nj\n\n");
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
	refused(&r, "is no IDX file of bytes");

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

static void copy_golden(const char *golden, const char *to)
{
	struct err err = ERR_NONE;
	char path[512], *bytes;
	size_t n;
	snprintf(path, sizeof path, "tests/golden/images/%s", golden);
	assert_int_equal(io_slurp(path, 1 << 20, &bytes, &n, &err), 0);
	put(to, bytes, n);
	free(bytes);
}

/* "split:class," of each record, classes by name. */
static void layout(char *text, size_t size)
{
	struct block b;
	struct stream_reader *in = unpack(&b);
	size_t n = 0;
	for (uint32_t i = 0; i < b.n; i++)
		n += (size_t)snprintf(text + n, size - n, "%s:%s,", split_name(b.split[i]),
				      b.label[i] < 0 ? "-" : stream_head_of(in)->classes[b.label[i]]);
	stream_close(in);
}

static void folders(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_FOLDER, .path = "f" };
	char text[512];
	copy_golden("rgb.png", "f/top/train/dog/2.png");
	copy_golden("rgb420.jpg", "f/top/train/cat/1.JPG");
	copy_golden("rgb444.jpg", "f/top/train/dog/sub/1.jpeg");
	copy_golden("rgb.png", "f/top/val/eel/1.png");
	copy_golden("rgb.png", "f/top/test/loose.png");
	put_text("f/top/README.txt", "x");
	assert_int_equal(pack(&r, 2), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "test:-,train:cat,train:dog,train:dog,dev:eel,");
	/* no splits, one folder around the classes */
	clean(NULL);
	copy_golden("rgb.png", "f/data/b/1.png");
	copy_golden("rgb.png", "f/data/a/1.png");
	assert_int_equal(pack(&r, 2), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "train:a,train:b,");
	/* one class alone is a class */
	clean(NULL);
	copy_golden("rgb.png", "f/a/1.png");
	copy_golden("rgb.png", "f/a/2.png");
	assert_int_equal(pack(&r, 2), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "train:a,train:a,");
	clean(NULL);
	put_text("f/a.txt", "x");
	refused(&r, "no .jpg, .jpeg or .png");
}

static void tiny_imagenet(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_FOLDER, .path = "f" };
	char text[512];
	put_text("f/t/wnids.txt", "n2\nn1\nn3\n");
	copy_golden("rgb.png", "f/t/train/n1/images/n1_0.png");
	copy_golden("rgb.png", "f/t/train/n2/images/n2_0.png");
	copy_golden("rgb.png", "f/t/val/images/val_0.png");
	copy_golden("rgb.png", "f/t/val/images/val_1.png");
	copy_golden("rgb.png", "f/t/test/images/test_0.png");
	put_text("f/t/val/val_annotations.txt",
		 "val_1.png\tn3\t0\t0\t1\t1\nval_0.png\tn2\t0\t0\t1\t1\nval_9.png\tn1\n");
	assert_int_equal(pack(&r, 1), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "test:-,train:n1,train:n2,dev:n2,dev:n3,");
	struct block b;
	struct stream_reader *in = unpack(&b);
	assert_string_equal(stream_head_of(in)->classes[0], "n2"); /* in the order of wnids.txt */
	stream_close(in);
	put_text("f/t/val/val_annotations.txt", "val_1.png\tn3\nval_0.png\tn4\n");
	refused(&r, "class 'n4' is not in wnids.txt");
	put_text("f/t/val/val_annotations.txt", "val_1.png\tn3\n");
	refused(&r, "val_0.png: val_annotations.txt has no line for it");
	put_text("f/t/val/val_annotations.txt", "val_1.png\tn3\nval_0.png\n");
	refused(&r, "line 2 is not FILE<TAB>CLASS");
	put_text("f/t/val/val_annotations.txt", "val_1.png\tn3\nval_1.png\tn3\n");
	refused(&r, "'val_1.png' is there twice");
}

static void bad_images(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_FOLDER, .path = "f" };
	char *bytes;
	size_t n;
	struct err err = ERR_NONE;
	char text[512];
	assert_int_equal(io_slurp("tests/golden/images/rgb420.jpg", 1 << 20, &bytes, &n, &err), 0);
	put("f/a/1.jpg", bytes, n);
	put("f/a/2.jpg", bytes, n / 2);
	put("f/b/3.jpg", bytes, n);
	put("f/b/4.jpg", "", 0);
	free(bytes);
	for (int encoding = PACK_AUTO; encoding <= PACK_JPEG; encoding++) {
		r.po.encoding = encoding;
		r.po.skip_bad = 0;
		refused(&r, "2.jpg: JPEG: Premature end");
		r.po.skip_bad = 1;
		assert_int_equal(pack(&r, 2), 0);
		assert_int_equal(r.report.bad, 2);
		assert_non_null(strstr(r.report.first_bad, "2.jpg: JPEG: Premature end"));
		layout(text, sizeof text);
		assert_string_equal(text, "train:a,train:b,");
	}
	unlink(in_dir("f/a/1.jpg"));
	unlink(in_dir("f/b/3.jpg"));
	refused(&r, "none of the images decodes; the first: ");
	r.po.encoding = PACK_RAW;
	r.so.codec.max_pixels = 100;
	copy_golden("rgb.png", "f/a/1.png");
	r.po.skip_bad = 0;
	refused(&r, "1.png: announces 41x27 pixels; --max-pixels is 100");
}

static void write_grey_png(const char *name, int h, int w)
{
	png_image im = { .version = PNG_IMAGE_VERSION,
			 .width = (png_uint_32)w,
			 .height = (png_uint_32)h,
			 .format = PNG_FORMAT_GRAY };
	unsigned char *px = calloc((size_t)h, (size_t)w);
	put(name, "", 0);
	assert_true(png_image_write_to_file(&im, in_dir(name), 0, px, 0, NULL));
	free(px);
}

static void mixed_sizes(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_FOLDER, .path = "f" };
	struct block b;
	char *file;
	size_t n, len;
	struct err err = ERR_NONE;
	copy_golden("exif1.jpg", "f/a/1.jpg");
	copy_golden("exif6.jpg", "f/a/2.jpg");
	/* as they are */
	assert_int_equal(pack(&r, 2), 0);
	struct stream_reader *in = unpack(&b);
	assert_int_equal(stream_head_of(in)->encoding, ENCODING_JPEG);
	assert_int_equal(io_slurp("tests/golden/images/exif6.jpg", 1 << 20, &file, &n, &err), 0);
	const unsigned char *record = block_record(&b, 0, 1, &len);
	assert_int_equal(len, n);
	assert_memory_equal(record, file, n);
	free(file);
	stream_close(in);
	/* and decoded from there, the same as from the files */
	r.po.want = (struct want){ 10, 12, FIT_CROP };
	assert_int_equal(rename(in_dir("out.vic"), in_dir("packed.vic")), 0);
	assert_int_equal(pack(&r, 1), 0);
	char *one, *two;
	size_t n1, n2;
	assert_int_equal(io_slurp(in_dir("out.vic"), 1 << 20, &one, &n1, &err), 0);
	struct run again = { .format = SOURCE_STREAM, .path = "packed.vic", .po.want = { 10, 12, FIT_CROP } };
	if (pack(&again, 2))
		fail_msg("%s", again.err.msg);
	assert_int_equal(io_slurp(in_dir("out.vic"), 1 << 20, &two, &n2, &err), 0);
	assert_int_equal(n1, n2);
	assert_memory_equal(one, two, n1);
	free(one);
	free(two);
	again.po.want.h = 0;
	assert_int_equal(pack(&again, 1), 0); /* passed on */
	again.po.encoding = PACK_RAW;
	refused(&again, "packed.vic: record 1: is 41x27 and ");
	r.po.want.h = 0;
	r.po.encoding = PACK_RAW;
	refused(&r, "2.jpg: is 41x27 and ");
	unlink(in_dir("f/a/2.jpg"));
	write_grey_png("f/a/2.png", 41, 41); /* only one side differs */
	refused(&r, "2.png: is 41x41 and ");
	write_grey_png("f/a/2.png", 27, 27);
	refused(&r, "2.png: is 27x27 and ");
	unlink(in_dir("f/a/2.png"));
	copy_golden("exif6.jpg", "f/a/2.jpg");
	r.po.encoding = PACK_AUTO;
	copy_golden("rgb.png", "f/a/3.png");
	refused(&r, "3.png: is a PNG");
	r.po.encoding = PACK_JPEG;
	r.po.channels = 1;
	refused(&r, "--encoding jpeg keeps the files");
	r.format = SOURCE_CIFAR10;
	static unsigned char buf[3073];
	put("f/1.bin", buf, cifar(buf, 0, 1, 0));
	refused(&r, "the records are not JPEG files");
}

static void filters(void **state)
{
	(void)state;
	static unsigned char buf[30 * 3073];
	struct run r = { .format = SOURCE_CIFAR10, .path = "c" };
	char text[512];
	put("c/data_batch_1.bin", buf, cifar(buf, 0, 20, 0));
	put("c/test_batch.bin", buf, cifar(buf, 2, 3, 0));
	static const struct {
		struct filter_options fo;
		const char *want;
	} cases[] = {
		{ { .limit = 2 }, "train:airplane,train:automobile,test:bird,test:cat," },
		{ { .only = "test", .mark = "extra" }, "extra:bird,extra:cat,extra:deer," },
		{ { .only = "train,test", .classes = "cat,bird" },
		  "train:bird,train:cat,train:bird,train:cat,test:bird,test:cat," },
		{ { .classes = "3,dog", .per_class = 1 }, "train:cat,train:dog,test:cat," },
		{ { .classes = "cat,bird", .limit = 3 }, "train:bird,train:cat,train:bird,test:bird,test:cat," },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		r.fo = cases[i].fo;
		assert_int_equal(pack(&r, 1), 0);
		layout(text, sizeof text);
		assert_string_equal(text, cases[i].want);
	}
	struct block b;
	struct stream_reader *in = unpack(&b);
	assert_string_equal(stream_head_of(in)->classes[0], "cat"); /* in the order asked for */
	assert_int_equal(stream_head_of(in)->n_classes, 2);
	assert_int_equal(b.label[0], 1);
	assert_int_equal(b.id[0], 2); /* ids stay */
	stream_close(in);
	put_text("list", "dog\ncat\n");
	char at[600];
	snprintf(at, sizeof at, "@%s", in_dir("list"));
	r.fo = (struct filter_options){ .classes = at, .only = "test" };
	assert_int_equal(pack(&r, 1), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "test:cat,");
	static const struct {
		struct filter_options fo;
		const char *says;
	} wrong[] = {
		{ { .classes = "cat,horze" }, "'horze' is neither a class name nor a number below 10" },
		{ { .classes = "cat,3" }, "'cat' is named twice" },
		{ { .classes = "," }, "names no class" },
		{ { .only = "train,val" }, "--only: 'val' is none of" },
		{ { .mark = "val" }, "--split: 'val' is none of" },
		{ { .only = "dev" }, "no record is left" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		r.fo = wrong[i].fo;
		refused(&r, wrong[i].says);
	}
}

static void sizes_are_parsed(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	int h, w;
	assert_int_equal(pack_size_of("32", &h, &w, &err), 0);
	assert_true(h == 32 && w == 32);
	assert_int_equal(pack_size_of("32x48", &h, &w, &err), 0);
	assert_true(h == 32 && w == 48);
	static const char *const bad[] = { "", "x", "32x", "x32", "0", "4097", "3x3x3", "32 ", "-1", "1000000000" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(pack_size_of(bad[i], &h, &w, &err), -1);
}

#define TEST(f) cmocka_unit_test_setup(f, clean)
int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	const struct CMUnitTest tests[] = {
		TEST(cifar_files),   TEST(cifar_hundred), TEST(stl10_files), TEST(idx_files), TEST(folders),
		TEST(tiny_imagenet), TEST(bad_images),	  TEST(mixed_sizes), TEST(filters),   TEST(sizes_are_parsed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	clean(NULL);
	rmdir(dir);
	return rc;
}
