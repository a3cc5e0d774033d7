/* WebP, BMP and TIFF decode as Pillow decodes them (tests/oracles/images_more.py made the golden files); what is cut,
 * damaged, too large or of no kind that is read is refused by its cause. What a build has no library for is passed
 * over, after the library was named. */
#include "pipeline/base/crc.h"
#include "pipeline/files/io.h"
#include "vision/pixels/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#define GOLDEN "tests/golden/images/"
static const struct codec_options plain = { .max_pixels = 1 << 20 };

#ifdef VIC_LIB_webp
enum { HAS_WEBP = 1 };
#else
enum { HAS_WEBP = 0 };
#endif
#ifdef VIC_LIB_tiff
enum { HAS_TIFF = 1 };
#else
enum { HAS_TIFF = 0 };
#endif

static int decode(const void *bytes, size_t n, const struct codec_options *opt, struct image *out, char *note,
		  struct err *err)
{
	struct image scratch = { 0 };
	unsigned char *copy = malloc(n ? n : 1); /* exactly as long as it is: a sanitizer sees a read after it */
	memcpy(copy, bytes, n);
	int rc = codec_decode(copy, n, opt, NULL, out, &scratch, note, err);
	free(copy);
	image_release(&scratch);
	return rc;
}

static char *slurp(const char *name, size_t *n)
{
	struct err err = ERR_NONE;
	char path[128], *bytes;
	snprintf(path, sizeof path, GOLDEN "%s", name);
	if (io_slurp(path, 1 << 20, &bytes, n, &err))
		fail_msg("%s", err.msg);
	return bytes;
}

/* 0 where the build has no library for it, of which it must say which. */
static int served(const char *name)
{
	const char *lib = strstr(name, ".webp") && !HAS_WEBP  ? "needs libwebp (Debian and Ubuntu: libwebp-dev), and "
								"this build does without"
			  : strstr(name, ".tif") && !HAS_TIFF ? "needs libtiff (Debian and Ubuntu: libtiff-dev), and "
								"this build does without"
							      : NULL;
	struct err err = ERR_NONE;
	struct image out = { 0 };
	struct image_info info;
	char note[128];
	size_t n;
	if (!lib)
		return 1;
	char *bytes = slurp(name, &n);
	assert_int_equal(decode(bytes, n, &plain, &out, note, &err), -1);
	assert_non_null(strstr(err.msg, lib));
	assert_int_equal(codec_probe((unsigned char *)bytes, n, &plain, &info, &err), -1);
	assert_non_null(strstr(err.msg, lib));
	free(bytes);
	return 0;
}

static void agrees_with_pillow(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	char *save = NULL;
	size_t n, files = 0, passed_over = 0;
	char *table = slurp("more.tsv", &n);
	for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], said[128], note[128];
		int h, w, c;
		unsigned crc;
		struct image out = { 0 };
		struct image_info info;
		assert_int_equal(sscanf(line, "%63s %d %d %d %x %127[^\n]", name, &h, &w, &c, &crc, said), 6);
		files++;
		if (!served(name)) {
			passed_over++;
			continue;
		}
		char *bytes = slurp(name, &n);
		if (codec_probe((unsigned char *)bytes, n, &plain, &info, &err) ||
		    decode(bytes, n, &plain, &out, note, &err))
			fail_msg("%s: %s", name, err.msg);
		free(bytes);
		if (info.h != h || info.w != w || info.c != c || out.h != h || out.w != w || out.c != c ||
		    crc32_of(0, out.px, image_bytes(&out)) != crc)
			fail_msg("%s: %dx%dx%d crc %08x, not Pillow's", name, out.h, out.w, out.c,
				 crc32_of(0, out.px, image_bytes(&out)));
		if (strcmp(note, strcmp(said, "-") ? said : ""))
			fail_msg("%s: '%s' is said, not '%s'", name, note, said);
		image_release(&out);
	}
	free(table);
	assert_int_equal(files, 52);
	if (passed_over)
		printf("# SKIP: built without %s%s%s: %zu of %zu files\n", HAS_WEBP ? "" : "libwebp",
		       HAS_WEBP || HAS_TIFF ? "" : " and ", HAS_TIFF ? "" : "libtiff", passed_over, files);
	if (passed_over)
		skip();
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t spare; /* bytes at the end that hold no pixel */
	} files[] = { { "lossy.webp", 0 },   { "lossless.webp", 0 }, { "exif6.webp", 0 }, { "moves.webp", 0 },
		      { "rgb.bmp", 1 },	     { "grey.bmp", 3 },	     { "palette4.bmp", 1 }, { "os2.bmp", 1 },
		      { "bits565.bmp", 2 },  { "rle8.bmp", 4 },	     { "rle4.bmp", 5 },	    { "strips.tif", 0 },
		      { "tiles.tif", 0 },    { "planes.tif", 0 },    { "raw.tif", 0 },	    { "lzw.tif", 0 },
		      { "jpeg.tif", 0 },     { "fax.tif", 4 },	     { "palette.tif", 0 },  { "grey16.tif", 0 } };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		const char *name = files[i].name;
		char note[128];
		size_t n;
		if (!served(name))
			continue;
		char *bytes = slurp(name, &n);
		for (size_t keep = 0; keep < n - files[i].spare; keep++)
			if (!decode(bytes, keep, &plain, &out, note, &err))
				fail_msg("%s decodes from %zu of %zu bytes", name, keep, n);
			else if (err.cause != CAUSE_DATA)
				fail_msg("%s, %zu of %zu bytes: %s", name, keep, n, err.msg);
		assert_int_equal(decode(bytes, n, &plain, &out, note, &err), 0);
		free(bytes);
		image_release(&out);
	}
}

/* Where an image's width and height stand, and a size that no memory is taken for. */
static void bombs_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t at;
		const char *bytes;
		size_t n;
	} cases[] = { { "rgb.bmp", 18, "\x40\x9c\0\0\x40\x9c\0\0", 8 },
		      { "rle8.bmp", 18, "\x40\x9c\0\0\x40\x9c\0\0", 8 },
		      { "moves.webp", 24, "\x3f\x9c\0\x3f\x9c\0", 6 }, /* 3 bytes of width - 1, 3 of height - 1 */
		      { "strips.tif", 18, "\x40\x9c", 2 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char note[128];
		size_t n;
		if (!served(cases[i].name))
			continue;
		char *bytes = slurp(cases[i].name, &n);
		memcpy(bytes + cases[i].at, cases[i].bytes, cases[i].n);
		if (strstr(cases[i].name, ".tif")) /* the next entry */
			memcpy(bytes + cases[i].at + 12, cases[i].bytes, cases[i].n);
		assert_int_equal(decode(bytes, n, &plain, &out, note, &err), -1);
		if (!strstr(err.msg, "announces 40000x40000 pixels; --max-pixels is 1048576"))
			fail_msg("%s: %s", cases[i].name, err.msg);
		assert_null(out.px);
		free(bytes);
	}
}

/* One pixel more than allowed, and exactly as many; a side longer than any, which no option changes. */
static void limits(void **state)
{
	(void)state;
	static const char *const names[] = { "lossy.webp", "moves.webp", "rgb.bmp", "raw.tif", "tiles.tif" };
	struct codec_options exact = { .max_pixels = 9 * 13 }, less = { .max_pixels = 9 * 13 - 1 };
	struct codec_options other = { .max_pixels = 9 * 13 - 1, .too_many = "that fit" };
	struct err err = ERR_NONE;
	struct image out = { 0 };
	char note[128];
	size_t n;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!served(names[i]))
			continue;
		char *bytes = slurp(names[i], &n);
		assert_int_equal(decode(bytes, n, &less, &out, note, &err), -1);
		assert_non_null(strstr(err.msg, "announces 13x9 pixels; --max-pixels is 116"));
		assert_int_equal(decode(bytes, n, &other, &out, note, &err), -1);
		assert_non_null(strstr(err.msg, "announces 13x9 pixels, more than the 116 that fit"));
		assert_int_equal(decode(bytes, n, &exact, &out, note, &err), 0);
		free(bytes);
	}
	image_release(&out);
	char *bytes = slurp("rgb.bmp", &n);
	memcpy(bytes + 18, "\0\0\1\0", 4);
	assert_int_equal(decode(bytes, n, &plain, &out, note, &err), -1);
	assert_non_null(strstr(err.msg, "announces 65536x9 pixels; the longest side that is read is 65535"));
	free(bytes);
}

/* A byte of a golden file changed, and what is said of it. */
static void refused_by_cause(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t at;
		int byte;
		const char *said;
	} cases[] = {
		{ "rgb.bmp", 30, 5, "BMP: holds a PNG" },
		{ "rgb.bmp", 30, 4, "BMP: holds a JPEG" },
		{ "rgb.bmp", 30, 9, "BMP: compression 9 is not read" },
		{ "rgb.bmp", 28, 23, "BMP: 23 bits a pixel in 1 planes" },
		{ "rgb.bmp", 26, 3, "BMP: 24 bits a pixel in 3 planes" },
		{ "rgb.bmp", 10, 20, "BMP: its pixels begin in its header" },
		{ "rgb.bmp", 18, 99, "BMP: is truncated" },
		{ "rgb.bmp", 22, 0, "has no pixels" },
		{ "rgb.bmp", 14, 17, "none of JPEG, PNG, WebP, TIFF, BMP" },
		{ "palette4.bmp", 46, 3, "BMP: a pixel's number is beyond the palette" },
		{ "palette4.bmp", 46, 17, "BMP: a palette of 17 colours for 4 bits a pixel" },
		{ "bits565.bmp", 54, 0x55, "BMP: a colour's bits lie apart" },
		{ "rle8.bmp", 28, 4, "BMP: run lengths of 4 bits a pixel" },
		{ "lossless.webp", 12, 'X', "WebP: is damaged" },
		{ "lossless.webp", 4, 1, "WebP: " },
		{ "strips.tif", 8, 0, "TIFF: " },
		{ "strips.tif", 66, 6, "TIFF: its colours are of a kind that is not read (photometric 6)" },
		{ "grey16.tif", 42, 12, "TIFF: samples of 12 bits are not read" },
		{ "reduced.tif", 0, 'I', "TIFF: its first picture is a small one of another" },
		{ "floats.tif", 0, 'I', "TIFF: its samples are no whole numbers" },
		{ "jumps.bmp", 1093, 99, "BMP: run lengths leave the picture" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char note[128];
		size_t n;
		if (!served(cases[i].name))
			continue;
		char *bytes = slurp(cases[i].name, &n);
		bytes[cases[i].at] = (char)cases[i].byte;
		if (!decode(bytes, n, &plain, &out, note, &err))
			fail_msg("%s with byte %zu as %d decodes", cases[i].name, cases[i].at, cases[i].byte);
		if (!strstr(err.msg, cases[i].said) || err.cause != CAUSE_DATA)
			fail_msg("%s with byte %zu as %d: %s, not '%s'", cases[i].name, cases[i].at, cases[i].byte,
				 err.msg, cases[i].said);
		free(bytes);
		image_release(&out);
	}
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static void no_memory(void **state)
{
	(void)state;
	printf("# SKIP: a sanitizer needs more address space than any limit\n");
	skip();
}
#else
/* Where the system has no memory, that is said, by each kind that leaves decoding to a library. The first test: what
 * others have freed would serve. */
static void no_memory(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t behind, room; /* bytes that follow the picture, and that are still to be had */
	} cases[] = { { "lossless.webp", 0, 1 << 19 },
		      { "moves.webp", 0, 1 << 19 },
		      { "lzw.tif", 0, 1 << 19 },
		      { "lzw.tif", 8 << 20, 24 << 20 } }; /* libtiff may take what is a few times the file's length */
	struct rlimit all, tight;
	if (getenv("RUNNER")) {
		printf("# SKIP: what emulates this processor holds to no limit of memory\n");
		skip();
	}
	assert_int_equal(getrlimit(RLIMIT_AS, &all), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char note[128];
		unsigned long pages = 0;
		size_t n;
		if (!served(cases[i].name))
			continue;
		char *bytes = slurp(cases[i].name, &n);
		bytes = realloc(bytes, n + cases[i].behind + 1);
		memset(bytes + n, 0, cases[i].behind);
		n += cases[i].behind;
		FILE *f = fopen("/proc/self/statm", "r");
		assert_true(f && fscanf(f, "%lu", &pages) == 1);
		fclose(f);
		tight = all;
		tight.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + cases[i].room;
		assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
		int rc = decode(bytes, n, &plain, &out, note, &err);
		assert_int_equal(setrlimit(RLIMIT_AS, &all), 0);
		assert_int_equal(rc, -1);
		if (err.cause != CAUSE_SYSTEM || !strstr(err.msg, "memory"))
			fail_msg("%s: %s", cases[i].name, err.msg);
		free(bytes);
		image_release(&out);
	}
}
#endif

static void orientation_can_be_left(void **state)
{
	(void)state;
	static const char *const names[] = { "exif6.webp", "exif6.tif" };
	struct codec_options stored = { .max_pixels = 1 << 20, .as_stored = 1 };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		struct image_info info;
		char note[128];
		size_t n;
		if (!served(names[i]))
			continue;
		char *bytes = slurp(names[i], &n);
		assert_int_equal(codec_probe((unsigned char *)bytes, n, &plain, &info, &err), 0);
		assert_true(info.orientation == 6 && info.h == 13 && info.w == 9);
		assert_int_equal(codec_probe((unsigned char *)bytes, n, &stored, &info, &err), 0);
		assert_true(info.orientation == 1 && info.h == 9 && info.w == 13);
		assert_int_equal(decode(bytes, n, &stored, &out, note, &err), 0);
		assert_true(out.h == 9 && out.w == 13);
		free(bytes);
		image_release(&out);
	}
}

/* What libtiff says of damage is passed on, and is none of the sentences that stand in for it. */
static void libtiff_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t at;
		int byte;
	} cases[] = { { "strips.tif", 8, 0 }, { "strips.tif", 102, 0 /* rows */ }, { "lzw.tif", 100, 0xff } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char note[128];
		size_t n;
		if (!served(cases[i].name))
			continue;
		char *bytes = slurp(cases[i].name, &n);
		bytes[cases[i].at] = (char)cases[i].byte;
		assert_int_equal(decode(bytes, n, &plain, &out, note, &err), -1);
		if (strncmp(err.msg, "TIFF: ", 6) || !strncmp(err.msg, "TIFF: is ", 9) || strlen(err.msg) < 10 ||
		    strstr(err.msg, ": :"))
			fail_msg("%s: '%s'", cases[i].name, err.msg);
		free(bytes);
		image_release(&out);
	}
}

/* Four inks are read where they are CMYK's: cmyk.tif's last tag is made InkSet. */
static void inks_of_a_tiff(void **state)
{
	(void)state;
	if (!served("cmyk.tif")) {
		printf("# SKIP: built without libtiff\n");
		skip();
	}
	size_t n;
	char *bytes = slurp("cmyk.tif", &n);
	assert_memory_equal(bytes + 118, "\x1c\1\3\0\1\0\0\0\1\0", 10); /* PlanarConfiguration 1 */
	memcpy(bytes + 118, "\x4c\1", 2);
	for (int set = 1; set < 3; set++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char note[128];
		bytes[126] = (char)set;
		assert_int_equal(decode(bytes, n, &plain, &out, note, &err), set == 1 ? 0 : -1);
		if (set == 2 && !strstr(err.msg, "its colours are of a kind that is not read (photometric 5)"))
			fail_msg("%s", err.msg);
		image_release(&out);
	}
	free(bytes);
}

static void put_le(unsigned char *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* Tiles of 16 x 16 in columns and rows, of which the last may stand out: each pixel says where it is. */
static void columns_of_tiles(void **state)
{
	(void)state;
	enum { AT = 256, ROOM = AT + 9 * 256 };
	if (!served("tiles.tif")) {
		printf("# SKIP: built without libtiff\n");
		skip();
	}
	for (uint32_t h = 1; h <= 48; h += 5)
		for (uint32_t w = 1; w <= 48; w += h % 2 ? 3 : 4) {
			unsigned char file[ROOM] = "II*\0\10\0\0\0\12";
			uint32_t across = (w + 15) / 16, n = across * ((h + 15) / 16);
			const uint32_t tags[10][4] = { { 256, 4, 1, w },
						       { 257, 4, 1, h },
						       { 258, 3, 1, 8 },
						       { 259, 3, 1, 1 },
						       { 262, 3, 1, 1 },
						       { 277, 3, 1, 1 },
						       { 322, 4, 1, 16 },
						       { 323, 4, 1, 16 },
						       { 324, 4, n, n > 1 ? 140 : AT },
						       { 325, 4, n, n > 1 ? 180 : 256 } };
			struct image out = { 0 };
			struct err err = ERR_NONE;
			char note[128];
			for (int i = 0; i < 40; i++) /* at 0, 2, 4 and 8 of each entry */
				put_le(file + 10 + i / 4 * 12 + (i % 4 ? 1 << i % 4 : 0), tags[i / 4][i % 4],
				       i % 4 < 2 ? 2 : 4);
			for (uint32_t i = 0; i < n; i++) {
				put_le(file + 140 + 4 * i, AT + 256 * i, 4);
				put_le(file + 180 + 4 * i, 256, 4);
				for (uint32_t k = 0; k < 256; k++)
					file[AT + 256 * i + k] = (unsigned char)((i / across * 16 + k / 16) * 5 +
										 (i % across * 16 + k % 16) * 3);
			}
			if (decode(file, AT + 256 * n, &plain, &out, note, &err))
				fail_msg("%ux%u: %s", h, w, err.msg);
			assert_true(out.h == (int)h && out.w == (int)w && out.c == 1);
			for (uint32_t i = 0; i < h * w; i++)
				assert_int_equal(out.px[i], (unsigned char)(i / w * 5 + i % w * 3));
			image_release(&out);
		}
}

/* However a WebP lies, it is seen as its stored pixels are when they are turned so. */
static void turned_webp(void **state)
{
	(void)state;
	if (!served("exif6.webp")) {
		printf("# SKIP: built without libwebp\n");
		skip();
	}
	size_t n, at = 12;
	char *bytes = slurp("exif6.webp", &n);
	while (memcmp(bytes + at, "\x12\1\3\0\1\0\0\0\6\0", 10) && memcmp(bytes + at, "\1\x12\0\3\0\0\0\1\0\6", 10))
		at++;
	for (int o = 1; o <= 8; o++) {
		struct codec_options stored = { .max_pixels = 1 << 20, .as_stored = 1 };
		struct image out = { 0 }, want = { 0 }, scratch = { 0 };
		struct err err = ERR_NONE;
		char note[128];
		bytes[at + 8 + (bytes[at] == 1)] = (char)o;
		assert_int_equal(decode(bytes, n, &plain, &out, note, &err), 0);
		assert_int_equal(decode(bytes, n, &stored, &want, note, &err), 0);
		assert_int_equal(image_upright(&want, o, &scratch, &err), 0);
		assert_true(out.h == want.h && out.w == want.w && out.full_h == want.h && out.full_w == want.w);
		assert_memory_equal(out.px, want.px, image_bytes(&want));
		image_release(&out);
		image_release(&want);
		image_release(&scratch);
	}
	free(bytes);
}

/* Of an animation the first frame is taken, and of several it is said. */
static void frames_of_a_webp(void **state)
{
	(void)state;
	if (!served("moves.webp")) {
		printf("# SKIP: built without libwebp\n");
		skip();
	}
	size_t n;
	int frames = 0;
	unsigned char *bytes = (unsigned char *)slurp("moves.webp", &n);
	struct image all = { 0 }, out = { 0 };
	struct err err = ERR_NONE;
	char note[128], want[64] = "";
	assert_int_equal(decode(bytes, n, &plain, &all, note, &err), 0);
	for (size_t at = 12; at + 8 <= n;) { /* cut behind each frame */
		size_t len = bytes[at + 4] | (size_t)bytes[at + 5] << 8 | (size_t)bytes[at + 6] << 16;
		int is_frame = !memcmp(bytes + at, "ANMF", 4);
		at += 8 + len + len % 2;
		if (!is_frame)
			continue;
		for (int i = 0; i < 4; i++)
			bytes[4 + i] = (unsigned char)((at - 8) >> 8 * i);
		if (++frames > 1)
			snprintf(want, sizeof want, "an animation: the first of %d frames is taken", frames);
		if (decode(bytes, at, &plain, &out, note, &err))
			fail_msg("%d frames: %s", frames, err.msg);
		assert_string_equal(note, want);
		assert_memory_equal(out.px, all.px, image_bytes(&all));
	}
	assert_true(frames > 1);
	free(bytes);
	image_release(&all);
	image_release(&out);
}

/* A chunk that says it is longer than what is left has no orientation, whatever follows its head. */
static void chunk_beyond_the_end(void **state)
{
	(void)state;
	if (!served("exif6.webp")) {
		printf("# SKIP: built without libwebp\n");
		skip();
	}
	size_t n, at = 12;
	unsigned char *bytes = (unsigned char *)slurp("exif6.webp", &n);
	while (memcmp(bytes + at, "EXIF", 4))
		at += 8 + bytes[at + 4] + 256u * bytes[at + 5] + bytes[at + 4] % 2;
	size_t left = n - at - 8;
	for (size_t more = 0; more < 40; more++) {
		struct err err = ERR_NONE;
		struct image_info info;
		bytes[at + 4] = (unsigned char)(left + more);
		assert_true(left + more < 256 && !bytes[at + 5]);
		assert_int_equal(codec_probe(bytes, n, &plain, &info, &err), 0);
		assert_int_equal(info.orientation, more ? 1 : 6);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory),
		cmocka_unit_test(agrees_with_pillow),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(refused_by_cause),
		cmocka_unit_test(orientation_can_be_left),
		cmocka_unit_test(chunk_beyond_the_end),
		cmocka_unit_test(libtiff_says_why),
		cmocka_unit_test(inks_of_a_tiff),
		cmocka_unit_test(turned_webp),
		cmocka_unit_test(frames_of_a_webp),
		cmocka_unit_test(columns_of_tiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
