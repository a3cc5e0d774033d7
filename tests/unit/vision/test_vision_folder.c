/* Folders of images: which class and split a file has, what becomes of bad ones and of mixed sizes; and the filters.
 */
#include "vision_files.h"
#include "pipeline/base/philox.h"

#include <jpeglib.h>
#include <png.h>

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
	copy_golden("rgb.png", "f/top/test/other.png");
	put_text("f/top/README.txt", "x");
	assert_int_equal(pack(&r, 2), 0);
	layout(text, sizeof text);
	assert_string_equal(text, "test:-,test:-,train:cat,train:dog,train:dog,dev:eel,");
	assert_non_null(strstr(r.report.first_no_label[SPLIT_TEST], "loose.png"));
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
	refused(&r, "no .jpg, .jpeg, .jpe, .jfif, .png, .webp, .tif, .tiff or .bmp");
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

/* Two operands with folders of the same names: each one's annotations are for its own images. */
static void annotations_of_two_roots(void **state)
{
	(void)state;
	struct source_options so = { .codec.max_pixels = 1 << 20, .fold = -1 };
	struct source s;
	struct err err = ERR_NONE;
	copy_golden("rgb.png", "a/val/images/0.png");
	copy_golden("rgb.png", "b/val/images/0.png");
	copy_golden("rgb.png", "b/val/images/1.png");
	put_text("a/val/val_annotations.txt", "0.png\tn1\n");
	put_text("b/val/val_annotations.txt", "0.png\tn2\n1.png\tn1\n");
	char *paths[2] = { (char *)(uintptr_t)in_dir("a"), (char *)(uintptr_t)in_dir("b") };
	if (source_open(&s, SOURCE_FOLDER, paths, 2, &so, &err))
		fail_msg("%s", err.msg);
	static const char *const want[] = { "n1", "n2", "n1" };
	assert_int_equal(s.n, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(s.head.classes[s.label[i]], want[i]);
	source_release(&s);
	/* what one has no annotations for keeps its folder's name */
	assert_int_equal(remove(in_dir("b/val/val_annotations.txt")), 0);
	if (source_open(&s, SOURCE_FOLDER, paths, 2, &so, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(s.head.classes[s.label[1]], "images");
	source_release(&s);
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
		r.po.on_bad = PACK_STOP;
		refused(&r, "2.jpg: JPEG: Premature end");
		r.po.on_bad = PACK_SKIP;
		assert_int_equal(pack(&r, 2), 0);
		assert_int_equal(r.report.bad, 2);
		assert_non_null(strstr(r.report.first_bad, "2.jpg: JPEG: Premature end"));
		layout(text, sizeof text);
		assert_string_equal(text, "train:a,train:b,");
	}
	unlink(in_dir("f/a/1.jpg"));
	refused(&r, "class 'a': none of its images decodes (--allow-empty goes on); the first: ");
	r.po.allow_empty = 1;
	assert_int_equal(pack(&r, 1), 0);
	unlink(in_dir("f/b/3.jpg"));
	refused(&r, "none of the images decodes; the first: ");
	r.po.encoding = PACK_RAW;
	r.so.codec.max_pixels = 100;
	copy_golden("rgb.png", "f/a/1.png");
	r.po.on_bad = PACK_STOP;
	refused(&r, "1.png: announces 41x27 pixels; --max-pixels is 100");
}

static void count_told(void *arg, const char *what)
{
	*(int *)arg += strstr(what, ".jpg: ") != NULL;
}

/* Remarks are counted, the first is kept, and all are told where that is asked for. */
static void remarks(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_FOLDER, .path = "f" };
	struct err err = ERR_NONE;
	char *bytes, odd[4096];
	size_t n;
	assert_int_equal(io_slurp("tests/golden/images/rgb420.jpg", sizeof odd - 2, &bytes, &n, &err), 0);
	memcpy(odd, bytes, n - 2);
	memcpy(odd + n - 2, "xx", 2); /* before the marker that ends it */
	memcpy(odd + n, bytes + n - 2, 2);
	free(bytes);
	put("f/a/1.jpg", odd, n + 2);
	copy_golden("rgb420.jpg", "f/a/2.jpg");
	put("f/a/3.jpg", odd, n + 2);
	put("f/b/4.jpg", odd, n + 2);
	for (int list = 0; list < 2; list++) {
		int told = 0;
		r.po.on_bad = list ? PACK_LIST : PACK_SKIP;
		r.po.tell = count_told;
		r.po.arg = &told;
		assert_int_equal(pack(&r, 2), 0);
		assert_true(r.report.noted == 3 && !r.report.bad && told == 3 * list);
		assert_non_null(strstr(r.report.first_note, "1.jpg: "));
	}
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
	const struct stream_head *head = stream_head_of(in);
	assert_true(head->encoding == ENCODING_JPEG && !head->height && !head->width && !head->channels);
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

static void write_jpeg(const char *name, int h, int w)
{
	struct jpeg_compress_struct j;
	struct jpeg_error_mgr errors;
	unsigned char *bytes = NULL, row[32] = { 0 };
	unsigned long len = 0;
	JSAMPROW at = row;
	j.err = jpeg_std_error(&errors);
	jpeg_create_compress(&j);
	jpeg_mem_dest(&j, &bytes, &len);
	j.image_width = (JDIMENSION)w;
	j.image_height = (JDIMENSION)h;
	j.input_components = 1;
	j.in_color_space = JCS_GRAYSCALE;
	jpeg_set_defaults(&j);
	jpeg_start_compress(&j, TRUE);
	while (j.next_scanline < j.image_height)
		jpeg_write_scanlines(&j, &at, 1);
	jpeg_finish_compress(&j);
	jpeg_destroy_compress(&j);
	put(name, bytes, len);
	free(bytes);
}

/* Pictures of one size become pixels, JPEGs of several stay files, others of several are refused. */
static void encoding_by_sizes(void **state)
{
	struct rng rng;
	rng_init(&rng, 13, RNG_TEST, 0, 0);
	for (int round = 0; round < 40; round++) {
		int n = 1 + (int)(rng_u32(&rng) % 5), h = 0, w = 0, differ = 0, others = 0;
		struct run r = { .format = SOURCE_FOLDER, .path = "f" };
		struct block b;
		clean(state);
		for (int i = 0; i < n; i++) {
			int draw = (int)(rng_u32(&rng) % 6), png = rng_u32(&rng) % 4 == 0;
			int high = 5 + (draw == 1), wide = 7 + (draw == 2); /* most are 5x7, some have one other side */
			char name[32];
			snprintf(name, sizeof name, "f/a/%d.%s", i, png ? "png" : "jpg");
			png ? write_grey_png(name, high, wide) : write_jpeg(name, high, wide);
			others += png;
			h = i ? h : high;
			w = i ? w : wide;
			differ |= high != h || wide != w;
		}
		if (differ && others) {
			refused(&r, ".png: is a PNG among images of different sizes");
			continue;
		}
		assert_int_equal(pack(&r, 2), 0);
		struct stream_reader *in = unpack(&b);
		const struct stream_head *head = stream_head_of(in);
		assert_int_equal(head->encoding, differ ? ENCODING_JPEG : ENCODING_RAW);
		assert_true(head->height == (differ ? 0 : h) && head->width == (differ ? 0 : w) && (int)b.n == n);
		stream_close(in);
	}
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
		assert_int_equal(r.report.marked[SPLIT_TRAIN], 0);
		assert_int_equal(r.report.marked[SPLIT_TEST], cases[i].fo.mark ? 3 : 0);
		for (int k = 0; k < SPLIT_COUNT; k++)
			assert_int_equal(r.report.sampled[k].of, 0);
	}
	r.fo = (struct filter_options){ .sample = 5, .mark = "dev" };
	assert_int_equal(pack(&r, 1), 0);
	assert_true(r.report.sampled[SPLIT_TRAIN].kept == 5 && r.report.sampled[SPLIT_TRAIN].of == 20);
	assert_true(r.report.sampled[SPLIT_TEST].kept == 3 && r.report.sampled[SPLIT_TEST].of == 3);
	assert_true(!r.report.sampled[SPLIT_DEV].of && !r.report.sampled[SPLIT_EXTRA].of);
	assert_true(r.report.marked[SPLIT_TRAIN] == 5 && r.report.marked[SPLIT_TEST] == 3);
	r.fo = cases[4].fo;
	assert_int_equal(pack(&r, 1), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folders), TEST(tiny_imagenet), TEST(annotations_of_two_roots), TEST(bad_images),
		TEST(mixed_sizes), TEST(encoding_by_sizes), TEST(filters), TEST(remarks),
	};
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
