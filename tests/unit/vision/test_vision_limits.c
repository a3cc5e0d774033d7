/* What lies just within a limit is taken and what lies just beyond is refused with a reason: sides and pixels, first
 * bytes, orientations, components and scans of a JPEG, the length of files and how many there are, labels. */
#include "vision_files.h"
#include "vision/pixels/formats.h"
#include "vision/records/noisegen.h"

#include <fcntl.h>

#include <jpeglib.h>

static void sides_and_pixels(void **state)
{
	(void)state;
	static const uint64_t sides[] = { 0, 1, 2, 300, 65534, 65535, 65536, UINT32_MAX, (uint64_t)1 << 40 };
	enum { SIDES = sizeof sides / sizeof *sides };
	for (int i = 0; i < SIDES * SIDES * 3 * 2; i++) {
		uint64_t h = sides[i % SIDES], w = sides[i / SIDES % SIDES];
		int more = i / (SIDES * SIDES) % 3 - 1, said = i / (SIDES * SIDES * 3);
		struct codec_options opt = { .max_pixels = (int64_t)(h % 65536 * (w % 65536)) + more,
					     .too_many = said ? "that fit" : NULL };
		struct err err = ERR_NONE;
		char want[128] = "";
		if (!h || !w)
			snprintf(want, sizeof want, "has no pixels");
		else if (h > 65535 || w > 65535)
			snprintf(want, sizeof want,
				 "announces %llux%llu pixels; the longest side that is read is 65535",
				 (unsigned long long)w, (unsigned long long)h);
		else if (more < 0)
			snprintf(want, sizeof want,
				 said ? "announces %llux%llu pixels, more than the %lld that fit"
				      : "announces %llux%llu pixels; --max-pixels is %lld",
				 (unsigned long long)w, (unsigned long long)h, (long long)opt.max_pixels);
		assert_int_equal(codec_too_large(&opt, h, w, &err), *want ? -1 : 0);
		if (*want)
			assert_string_equal(err.msg, want);
	}
}

/* Which bytes at which places make a format, and from how many on. */
static void first_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *must; /* '!': this byte must be so */
		size_t least;
		enum codec is;
	} heads[] = { { "\xff\xd8\xff\xe0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "!!!", 3, CODEC_JPEG },
		      { "\x89PNG\r\n\x1a\n\0\0\0\0\0\0\0\0\0\0\0", "!!!!!!!!", 8, CODEC_PNG },
		      { "RIFF....WEBPVP8 ...", "!!!!    !!!!", 12, CODEC_WEBP },
		      { "II*\0...............", "!!!!", 4, CODEC_TIFF },
		      { "MM\0*...............", "!!!!", 4, CODEC_TIFF },
		      { "II+\0...............", "!!!!", 4, CODEC_TIFF },
		      { "MM\0+...............", "!!!!", 4, CODEC_TIFF },
		      { "BM............\x28\0\0\0.", "!!            !!!!", 18, CODEC_BMP } };
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		for (size_t n = 0; n <= 19; n++)
			for (size_t odd = 0; odd <= n; odd++) { /* n: none */
				unsigned char *b = malloc(n ? n : 1);
				size_t must = strlen(heads[i].must);
				memcpy(b, heads[i].bytes, n);
				if (odd < n)
					b[odd] ^= 0x81;
				int is = n >= heads[i].least &&
					 !(odd < n && odd < must && heads[i].must[odd] == '!');
				if (codec_of(b, n) != (is ? heads[i].is : CODEC_NONE))
					fail_msg("head %zu: %zu bytes, of which %zu is odd", i, n, odd);
				free(b);
			}
	for (int header = 0; header < 256; header++) { /* the headers that there are */
		unsigned char b[18] = { 'B', 'M', [14] = (unsigned char)header };
		int is = header == 12 || header == 16 || header == 40 || header == 52 || header == 56 || header == 64 ||
			 header == 108 || header == 124;
		assert_int_equal(codec_of(b, sizeof b), is ? CODEC_BMP : CODEC_NONE);
	}
}

static void orientations(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * 11; i++) {
		struct codec_options opt = { .as_stored = i / 11 };
		struct picture p = { .opt = &opt };
		int o = i % 11 - 1, turned = !opt.as_stored && o >= 1 && o <= 8 ? o : 1;
		picture_header(&p, 7, 9, 3, o);
		assert_true(p.info.c == 3 && p.info.orientation == turned);
		assert_true(p.info.h == (turned > 4 ? 9 : 7) && p.info.w == (turned > 4 ? 7 : 9));
	}
}

/* A JPEG of 8x8 pixels in so many components; scans > 0: of one component, progressive: its mean, each frequency, and
 * then their last bits one by one. */
static unsigned char *write_jpeg(int components, int scans, unsigned long *len)
{
	struct jpeg_compress_struct j;
	struct jpeg_error_mgr errors;
	static jpeg_scan_info scan[128];
	unsigned char *bytes = NULL, row[8 * 4];
	JSAMPROW at = row;
	for (size_t i = 0; i < sizeof row; i++)
		row[i] = (unsigned char)(i * 37);
	j.err = jpeg_std_error(&errors);
	jpeg_create_compress(&j);
	jpeg_mem_dest(&j, &bytes, len);
	j.image_width = j.image_height = 8;
	j.input_components = components;
	j.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_UNKNOWN;
	jpeg_set_defaults(&j);
	for (int i = 0; i < scans; i++) {
		int k = i < 64 ? i : i - 63;
		scan[i] = (jpeg_scan_info){ .comps_in_scan = 1, .Ss = k, .Se = k, .Ah = i >= 64, .Al = i && i < 64 };
	}
	if (scans) {
		j.scan_info = scan;
		j.num_scans = scans;
	}
	jpeg_start_compress(&j, TRUE);
	while (j.next_scanline < j.image_height)
		jpeg_write_scanlines(&j, &at, 1);
	jpeg_finish_compress(&j);
	jpeg_destroy_compress(&j);
	return bytes;
}

static void components_and_scans(void **state)
{
	(void)state;
	static const struct codec_options opt = { .max_pixels = 64 };
	for (int n = 1; n <= 4; n++) {
		unsigned long len = 0;
		struct image_info info;
		struct err err = ERR_NONE;
		char want[64];
		unsigned char *bytes = write_jpeg(n, 0, &len);
		snprintf(want, sizeof want, "is a JPEG of %d components", n);
		int rc = codec_probe(bytes, len, &opt, &info, &err);
		if (rc != (n == 2 ? -1 : 0) || (rc && strcmp(err.msg, want)))
			fail_msg("%d components: %s", n, err.msg);
		assert_true(rc || info.c == (n == 1 ? 1 : 3));
		free(bytes);
	}
	for (int n = 99; n <= 102; n++) {
		unsigned long len = 0;
		struct image im = { 0 }, scratch = { 0 };
		struct err err = ERR_NONE;
		char note[128];
		unsigned char *bytes = write_jpeg(1, n, &len);
		int rc = codec_decode(bytes, len, &opt, NULL, &im, &scratch, note, &err);
		if (rc != (n > 100 ? -1 : 0) || (rc && strcmp(err.msg, "JPEG: more than 100 scans")))
			fail_msg("%d scans: %s", n, err.msg);
		image_release(&im);
		image_release(&scratch);
		free(bytes);
	}
}

/* A picture's file of 128 MB is still read, be it found in a folder's classes or by its name; it is a hole. */
static void long_files(void **state)
{
	(void)state;
	struct scratch scratch = { 0 };
	put_text("f/a/1.png", "x");
	for (int i = 0; i < 4; i++) {
		struct source s;
		struct source_options so = { .fold = -1 };
		struct err err = ERR_NONE;
		struct item first = { .at = 0 };
		const unsigned char *bytes;
		size_t len;
		char where[SCRATCH_PATH + 8], *path = where;
		int more = i % 2;
		snprintf(where, sizeof where, "%s/f", dir);
		assert_int_equal(truncate(in_dir("f/a/1.png"), (128 << 20) + more), 0);
		assert_int_equal(source_open(&s, i < 2 ? SOURCE_FILES : SOURCE_FOLDER, &path, 1, &so, &err), 0);
		assert_int_equal(s.ops->file(&s, &first, &bytes, &len, &scratch, &err), more ? -1 : 0);
		if (more)
			assert_string_equal(err.msg, "longer than 134217728 bytes");
		else
			assert_int_equal(len, 128 << 20);
		source_release(&s);
	}
	scratch_release(&scratch);
}

static void put_idx(const char *name, int type, int rank, uint32_t value)
{
	unsigned char b[32] = { 0, 0, (unsigned char)type, (unsigned char)rank };
	size_t n = 4 + 4 * (size_t)rank, each = type == 12 ? 4 : 1;
	for (int i = 0; i < rank; i++)
		b[7 + 4 * i] = 1;
	for (size_t i = 0; i < each; i++)
		b[n + i] = (unsigned char)(value >> 8 * (each - 1 - i));
	put(name, b, n + each);
}

static void files_of_idx(void **state)
{
	(void)state;
	struct run r = { .format = SOURCE_IDX, .path = "m" };
	for (int i = 0; i < 65; i++) {
		char name[64];
		snprintf(name, sizeof name, "m/%02d-images-idx3-ubyte", i);
		put_idx(name, 8, 3, (uint32_t)i);
		if (i == 63 && pack(&r, 1))
			fail_msg("%s", r.err.msg);
	}
	refused(&r, "m/64-images-idx3-ubyte: more than 64 image files");
	clean(state);
	put_idx("m/train-images-idx3-ubyte", 8, 3, 9);
	put_idx("m/train-labels-idx1-int", 12, 1, STREAM_MAX_CLASSES);
	refused(&r, "record 0: label 1000000 is outside the classes from 0 on");
	r.so.labels_from = 7;
	put_idx("m/train-labels-idx1-int", 12, 1, 6);
	refused(&r, "record 0: label 6 is outside the classes from 7 on");
	put_idx("m/train-labels-idx1-int", 12, 1, 8);
	assert_int_equal(pack(&r, 1), 0);
}

/* A name on stdin may have 65,536 bytes, though no system opens such a file. */
static void long_names(void **state)
{
	(void)state;
	static char name[65537];
	int was = dup(STDIN_FILENO);
	memset(name, 'n', sizeof name);
	for (size_t n = sizeof name - 1; n <= sizeof name; n++) {
		struct source s;
		struct source_options so = { .fold = -1 };
		struct err err = ERR_NONE;
		char stdin_name[] = "-", *path = stdin_name;
		put("list", name, n);
		int fd = open(in_dir("list"), O_RDONLY);
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
		assert_int_equal(source_open(&s, SOURCE_FILES, &path, 1, &so, &err), -1);
		if (!strstr(err.msg, n > 65536 ? "stdin: a line is longer than 65536 bytes" : "File name too long"))
			fail_msg("%zu: %s", n, err.msg);
		close(fd);
	}
	dup2(was, STDIN_FILENO);
	close(was);
}

/* Noise counts its images in 32 bits; which file it is to be like is looked at later. */
static void numbers_of_noise(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct noise_options o = { .like = in_dir("absent.vic"), .n = (int64_t)UINT32_MAX + more };
		struct err err = ERR_NONE;
		assert_int_equal(noise_like(&o, NULL, NULL, NULL, &err), -1);
		assert_non_null(strstr(err.msg, more ? "--limit: at most 4294967295 noise images" : "absent.vic"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(sides_and_pixels), TEST(first_bytes),	TEST(orientations),
					    TEST(components_and_scans), TEST(long_files), TEST(files_of_idx),
					    TEST(numbers_of_noise),	TEST(long_names) };
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
