/* JPEG and PNG decode, and resizing resizes, as Pillow does, bit for bit (tests/oracles/images_pillow.py made the
 * golden files); damaged and oversized images are refused. */
#include "pipeline/base/crc.h"
#include "pipeline/base/crc.h"
#include "pipeline/files/io.h"
#include "vision/pixels/formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <png.h>

#define GOLDEN "tests/golden/images/"
static const struct codec_options plain = { .max_pixels = 1 << 20 };

static int decode(const void *bytes, size_t n, const struct codec_options *opt, const struct want *want,
		  struct image *out, struct err *err)
{
	struct image scratch = { 0 };
	char note[128];
	/* exactly as long as it is: a sanitizer sees a read after it */
	unsigned char *copy = malloc(n ? n : 1);
	memcpy(copy, bytes, n);
	int rc = codec_decode(copy, n, opt, want, out, &scratch, note, err);
	free(copy);
	image_release(&scratch);
	return rc;
}

static void image(struct image *im, int h, int w, int c)
{
	struct err err = ERR_NONE;
	assert_int_equal(image_shape(im, h, w, c, &err), 0);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int k = 0; k < c; k++)
				im->px[(y * w + x) * c + k] = (unsigned char)(x * 7 + y * 13 + k * 85 + x * y % 17);
}

static void agrees_with_pillow(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	char *table, *save = NULL;
	size_t n, files = 0, sizes = 0;
	assert_int_equal(io_slurp(GOLDEN "expected.tsv", 1 << 20, &table, &n, &err), 0);
	for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], path[128];
		int h, w, c;
		unsigned crc;
		struct image im = { 0 }, out = { 0 }, scratch = { 0 };
		assert_int_equal(sscanf(line, "%63s %d %d %d %x", name, &h, &w, &c, &crc), 5);
		if (!strncmp(name, "resize", 6)) {
			struct geometry g = { h, w, 0, 0, h, w };
			image(&im, 53, 37, c);
			assert_int_equal(image_resize(&im, &g, &out, &scratch, &err), 0);
			sizes++;
		} else {
			char *bytes;
			struct image_info info;
			snprintf(path, sizeof path, GOLDEN "%s", name);
			assert_int_equal(io_slurp(path, 1 << 20, &bytes, &n, &err), 0);
			assert_int_equal(codec_probe((unsigned char *)bytes, n, &plain, &info, &err), 0);
			if (decode(bytes, n, &plain, NULL, &out, &err))
				fail_msg("%s: %s", name, err.msg);
			assert_true(info.h == h && info.w == w && info.c == c);
			free(bytes);
			files++;
		}
		if (out.h != h || out.w != w || out.c != c || crc32_of(0, out.px, image_bytes(&out)) != crc)
			fail_msg("%s: %dx%dx%d crc %08x, not Pillow's", name, out.h, out.w, out.c,
				 crc32_of(0, out.px, image_bytes(&out)));
		image_release(&im);
		image_release(&out);
		image_release(&scratch);
	}
	free(table);
	assert_int_equal(files, 25);
	assert_int_equal(sizes, 18);
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	static const char *const names[] = { "rgb420.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "palette.png" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct err err = ERR_NONE;
		struct image out = { 0 };
		char path[128], *bytes;
		size_t n;
		snprintf(path, sizeof path, GOLDEN "%s", names[i]);
		assert_int_equal(io_slurp(path, 1 << 20, &bytes, &n, &err), 0);
		for (size_t keep = 0; keep < n; keep++)
			if (!decode(bytes, keep, &plain, NULL, &out, &err))
				fail_msg("%s decodes from %zu of %zu bytes", names[i], keep, n);
		assert_int_equal(decode(bytes, n, &plain, NULL, &out, &err), 0);
		free(bytes);
		image_release(&out);
	}
}

static void orientation_can_be_left(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct codec_options stored = { .max_pixels = 1 << 20, .as_stored = 1 };
	struct image out = { 0 };
	struct image_info info;
	char *bytes;
	size_t n;
	assert_int_equal(io_slurp(GOLDEN "exif6.jpg", 1 << 20, &bytes, &n, &err), 0);
	assert_int_equal(codec_probe((unsigned char *)bytes, n, &plain, &info, &err), 0);
	assert_true(info.orientation == 6 && info.h == 41 && info.w == 27);
	assert_int_equal(decode(bytes, n, &stored, NULL, &out, &err), 0);
	assert_true(out.h == 27 && out.w == 41);
	free(bytes);
	image_release(&out);
}

/* Writes a PNG: depth 8 or 16, interlaced or not; type 0 grey, 2 RGB. Returns its length. */
struct memory {
	unsigned char *p;
	size_t n;
};
static void put(png_structp png, png_bytep p, size_t n)
{
	struct memory *m = png_get_io_ptr(png);
	m->p = realloc(m->p, m->n + n);
	memcpy(m->p + m->n, p, n);
	m->n += n;
}
static struct memory write_png(const struct image *im, int depth, int interlace)
{
	struct memory m = { 0 };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	png_bytep *row = calloc((size_t)im->h, sizeof *row);
	size_t stride = (size_t)im->w * (size_t)im->c * (size_t)depth / 8;
	unsigned char *px = calloc((size_t)im->h, stride);
	for (size_t i = 0; i < image_bytes(im); i++) {
		px[i * (size_t)depth / 8] = im->px[i];
		if (depth == 16)
			px[i * 2 + 1] = im->px[i]; /* v * 257 */
	}
	for (int y = 0; y < im->h; y++)
		row[y] = px + (size_t)y * stride;
	png_set_write_fn(png, &m, put, NULL);
	png_set_IHDR(png, info, (png_uint_32)im->w, (png_uint_32)im->h, depth, im->c == 1 ? 0 : 2,
		     interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
	png_set_rows(png, info, row);
	png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
	png_destroy_write_struct(&png, &info);
	free(row);
	free(px);
	return m;
}

static void png_depths_and_interlace(void **state)
{
	(void)state;
	for (int c = 1; c <= 3; c += 2)
		for (int depth = 8; depth <= 16; depth += 8)
			for (int interlace = 0; interlace < 2; interlace++) {
				struct err err = ERR_NONE;
				struct image im = { 0 }, out = { 0 };
				image(&im, 19, 23, c);
				struct memory m = write_png(&im, depth, interlace);
				assert_int_equal(decode(m.p, m.n, &plain, NULL, &out, &err), 0);
				assert_int_equal(out.c, c);
				assert_memory_equal(out.px, im.px, image_bytes(&im));
				free(m.p);
				image_release(&im);
				image_release(&out);
			}
}

/* A header that announces 40,000 x 40,000 pixels in a file of some hundred bytes. */
static void bombs_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image im = { 0 }, out = { 0 };
	char *bytes;
	size_t n;
	image(&im, 19, 23, 3);
	struct memory m = write_png(&im, 8, 0);
	memcpy(m.p + 16, "\0\0\x9c\x40\0\0\x9c\x40", 8);
	uint32_t crc = crc32_of(0, m.p + 12, 17);
	for (int i = 0; i < 4; i++)
		m.p[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
	assert_int_equal(decode(m.p, m.n, &plain, NULL, &out, &err), -1);
	assert_non_null(strstr(err.msg, "40000x40000"));
	assert_null(out.px);
	free(m.p);
	assert_int_equal(io_slurp(GOLDEN "rgb420.jpg", 1 << 20, &bytes, &n, &err), 0);
	for (size_t i = 0; i + 9 < n; i++)
		if (!memcmp(bytes + i, "\xff\xc0", 2))
			memcpy(bytes + i + 5, "\x9c\x40\x9c\x40", 4);
	assert_int_equal(decode(bytes, n, &plain, NULL, &out, &err), -1);
	assert_non_null(strstr(err.msg, "40000x40000"));
	assert_null(out.px);
	free(bytes);
	/* one pixel more than allowed, and exactly as many */
	struct codec_options exact = { .max_pixels = 27 * 41 }, less = { .max_pixels = 27 * 41 - 1 };
	assert_int_equal(io_slurp(GOLDEN "rgb420.jpg", 1 << 20, &bytes, &n, &err), 0);
	assert_int_equal(decode(bytes, n, &less, NULL, &out, &err), -1);
	assert_int_equal(decode(bytes, n, &exact, NULL, &out, &err), 0);
	free(bytes);
	image_release(&im);
	image_release(&out);
}

static void other_bytes_are_refused(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image out = { 0 };
	assert_int_equal(decode("", 0, &plain, NULL, &out, &err), -1);
	assert_non_null(strstr(err.msg, "empty"));
	assert_int_equal(decode("GIF89a..........", 16, &plain, NULL, &out, &err), -1);
	assert_non_null(strstr(err.msg, "is plain text, none of JPEG, PNG, WebP, TIFF, BMP"));
	assert_int_equal(decode("\xff\xd8\xff\xd9", 4, &plain, NULL, &out, &err), -1);
	assert_int_equal(decode("\xff\xd8\xff", 3, &plain, NULL, &out, &err), -1);
}

static void exif_bounds(void **state)
{
	(void)state;
	unsigned char tag[] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0";
	size_t n = sizeof tag - 1;
	assert_int_equal(exif_orientation(tag, n), 6);
	for (size_t keep = 0; keep < n; keep++)
		assert_int_equal(exif_orientation(tag, keep), 1);
	tag[7] = 200; /* the directory after the end */
	assert_int_equal(exif_orientation(tag, n), 1);
	unsigned char little[] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\10\0\0\0";
	assert_int_equal(exif_orientation(little, sizeof little - 1), 8);
	assert_int_equal(exif_orientation((const unsigned char *)"http://ns.adobe.com/xap/1.0/", 28), 1);
}

/* A PNG with an eXIf chunk is turned, as a JPEG is; a CMYK JPEG is read alike with Adobe's marker and without. */
static void tags(void **state)
{
	(void)state;
	static const char exif[] = "\0\0\0\26eXIfMM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0";
	struct codec_options opt = { .max_pixels = 1 << 20 };
	struct err err = ERR_NONE;
	struct image out = { 0 }, other = { 0 };
	static char more[1 << 16];
	char *bytes;
	size_t n, chunk = sizeof exif - 1;
	assert_int_equal(io_slurp(GOLDEN "rgb.png", 1 << 15, &bytes, &n, &err), 0);
	memcpy(more, bytes, 33);
	memcpy(more + 33, exif, chunk);
	uint32_t crc = crc32_of(0, exif + 4, chunk - 4);
	for (int i = 0; i < 4; i++)
		more[33 + chunk + (size_t)i] = (char)(crc >> (24 - 8 * i));
	memcpy(more + 37 + chunk, bytes + 33, n - 33);
	assert_int_equal(decode(bytes, n, &opt, NULL, &out, &err), 0);
	assert_int_equal(decode(more, n + chunk + 4, &opt, NULL, &other, &err), 0);
	assert_int_equal(other.h, out.w);
	assert_int_equal(other.w, out.h);
	assert_memory_equal(other.px + 3 * (other.w - 1), out.px, 3); /* the first row is the last column */
	free(bytes);
	assert_int_equal(io_slurp(GOLDEN "cmyk.jpg", 1 << 15, &bytes, &n, &err), 0);
	char *adobe = memmem(bytes, n, "\xFF\xEE\0\16Adobe", 9);
	assert_non_null(adobe);
	size_t at = (size_t)(adobe - bytes);
	memcpy(more, bytes, at);
	memcpy(more + at, bytes + at + 16, n - at - 16);
	assert_int_equal(decode(bytes, n, &opt, NULL, &out, &err), 0);
	assert_int_equal(decode(more, n - 16, &opt, NULL, &other, &err), 0);
	assert_memory_equal(other.px, out.px, image_bytes(&out));
	free(bytes);
	image_release(&out);
	image_release(&other);
}

static void geometry(void **state)
{
	(void)state;
	static const struct {
		int sh, sw, h, w;
		enum image_fit fit;
		struct geometry g;
	} cases[] = {
		{ 333, 500, 224, 224, FIT_CROP, { 224, 336, 0, 56, 224, 224 } },
		{ 500, 333, 224, 224, FIT_CROP, { 336, 224, 56, 0, 224, 224 } },
		{ 375, 500, 64, 64, FIT_CROP, { 64, 85, 0, 10, 64, 64 } },     /* 21 left over: 10.5, to the even 10 */
		{ 100, 121, 100, 98, FIT_CROP, { 100, 121, 0, 12, 100, 98 } }, /* 23 left over: 11.5, to the even 12 */
		{ 333, 500, 224, 100, FIT_STRETCH, { 224, 100, 0, 0, 224, 100 } },
		{ 64, 64, 32, 32, FIT_CROP, { 32, 32, 0, 0, 32, 32 } },
		{ 65535, 1, 4096, 4096, FIT_CROP, { 268431360, 4096, 134213632, 0, 4096, 4096 } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct geometry g = geometry_of(cases[i].sh, cases[i].sw, cases[i].h, cases[i].w, cases[i].fit);
		if (memcmp(&g, &cases[i].g, sizeof g))
			fail_msg("case %zu: %d %d %d %d", i, g.rh, g.rw, g.top, g.left);
	}
}

/* A window of a resized image is the same as the whole resized and cut. */
static void crop_is_a_window(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image im = { 0 }, whole = { 0 }, part = { 0 }, scratch = { 0 };
	image(&im, 60, 80, 3);
	struct geometry all = { 30, 40, 0, 0, 30, 40 }, window = { 30, 40, 7, 9, 12, 20 };
	assert_int_equal(image_resize(&im, &all, &whole, &scratch, &err), 0);
	assert_int_equal(image_resize(&im, &window, &part, &scratch, &err), 0);
	for (int y = 0; y < 12; y++)
		assert_memory_equal(part.px + y * 60, whole.px + ((y + 7) * 40 + 9) * 3, 60);
	image_release(&im);
	image_release(&whole);
	image_release(&part);
	image_release(&scratch);
}

static void halved_while_decoding(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image whole = { 0 }, out = { 0 };
	char *bytes;
	size_t n;
	assert_int_equal(io_slurp(GOLDEN "exif6.jpg", 1 << 20, &bytes, &n, &err), 0);
	struct want small = { 5, 5, FIT_CROP }, half = { 10, 6, FIT_STRETCH }, large = { 20, 20, FIT_CROP };
	assert_int_equal(decode(bytes, n, &plain, &small, &out, &err), 0);
	assert_true(out.h == 21 && out.w == 14 && out.full_h == 41 && out.full_w == 27 && out.eighths == 4);
	assert_int_equal(decode(bytes, n, &plain, &half, &out, &err), 0);
	assert_true(out.h == 21 && out.w == 14);
	assert_int_equal(decode(bytes, n, &plain, &large, &out, &err), 0);
	assert_true(out.h == 41 && out.w == 27 && out.eighths == 8);
	free(bytes);
	for (int i = 0; i < 8 * 12 * 12; i++) { /* the least that leaves twice of both sides, however it lies */
		struct want want = { 1 + i / 12 % 12, 1 + i % 12, FIT_STRETCH };
		char name[64];
		int m = 1;
		snprintf(name, sizeof name, GOLDEN "exif%d.jpg", 1 + i / 144);
		assert_int_equal(io_slurp(name, 1 << 20, &bytes, &n, &err), 0);
		assert_int_equal(decode(bytes, n, &plain, &want, &out, &err), 0);
		while (m < 8 && (out.full_h * m < 2 * 8 * want.h || out.full_w * m < 2 * 8 * want.w))
			m *= 2;
		assert_int_equal(out.eighths, m);
		free(bytes);
	}
	image_release(&whole);
	image_release(&out);
}

/* 27 columns at a half are 13.5: a ramp enlarged again runs as the ramp, to the last of its half pixel. */
static void partial_pixels(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image im = { 0 }, out = { 0 }, scratch = { 0 };
	for (int sideways = 0; sideways < 2; sideways++) {
		assert_int_equal(image_shape(&im, sideways ? 14 : 1, sideways ? 1 : 14, 1, &err), 0);
		for (int i = 0; i < 14; i++)
			im.px[i] = (unsigned char)(10 * i);
		im.full_h = sideways ? 27 : 2;
		im.full_w = sideways ? 2 : 27;
		im.eighths = 4;
		struct geometry g = { im.full_h, im.full_w, 0, 0, im.full_h, im.full_w };
		assert_int_equal(image_resize(&im, &g, &out, &scratch, &err), 0);
		for (int x = 1; x < 27; x++)
			assert_in_range(out.px[sideways ? 2 * x : x], 10 * (x - 0.5) / 2 - 1, 10 * (x - 0.5) / 2 + 1);
	}
	image_release(&im);
	image_release(&out);
	image_release(&scratch);
}

static void grey_and_colour(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct image im = { 0 };
	static const unsigned char rgb[12] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255 };
	assert_int_equal(image_shape(&im, 2, 2, 3, &err), 0);
	memcpy(im.px, rgb, 12);
	assert_int_equal(image_channels(&im, 1, &err), 0);
	assert_memory_equal(im.px, "\x4c\x96\x1d\xff", 4); /* Pillow: 76, 150, 29, 255 */
	assert_int_equal(image_channels(&im, 3, &err), 0);
	assert_memory_equal(im.px, "\x4c\x4c\x4c\x96\x96\x96\x1d\x1d\x1d\xff\xff\xff", 12);
	image_release(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_pillow),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(orientation_can_be_left),
		cmocka_unit_test(png_depths_and_interlace),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(other_bytes_are_refused),
		cmocka_unit_test(exif_bounds), cmocka_unit_test(tags),
		cmocka_unit_test(geometry),
		cmocka_unit_test(crop_is_a_window),
		cmocka_unit_test(halved_while_decoding),
		cmocka_unit_test(partial_pixels),
		cmocka_unit_test(grey_and_colour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
