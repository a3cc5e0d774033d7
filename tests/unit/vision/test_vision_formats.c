/* TIFFs and PNGs at random, written plainly here sample by sample, decode to what their samples mean: every depth, kind
 * of colour, byte order, cut into strips or tiles, and what may stand beside the colours. */
#include "written.h"

#include <jpeglib.h>
#include <png.h>

/* Any depth as a byte: the nearest of 16 bits, and what repeats the pattern of fewer. */
static int byte_of(unsigned v, int bits)
{
	return bits == 16 ? (int)(v / 257.0 + 0.5) : (int)(v * 255 / ((1u << bits) - 1));
}

#ifdef VIC_LIB_tiff

enum { WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, INKS = 5, YCC, TAGS = 24 };

/* How a picture is written. */
struct tiff {
	int big, h, w, bits, samples, kind, format, apart, tiled, bh, bw, orientation, extras, extra[SAMPLES];
	int pages, unsorted, odd /* ResolutionUnit has two values */;
	int lies; /* one of its colours is said to be premultiplied alpha */
	int jpeg; /* its strips are JPEGs, whose colours have a sample for so many pixels a side */
	uint32_t map[3 * 256];
	int tags;
	unsigned char tag[TAGS][12];
};

static void put(const struct tiff *t, unsigned char *to, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[t->big ? bytes - 1 - i : i] = (unsigned char)(v >> 8 * i);
}

/* A tag of n numbers of two bytes (SHORT) or four (LONG): in the entry, or where there is no room behind the pixels. */
static void add_tag(struct tiff *t, int name, int bytes, int n, const uint32_t *v)
{
	unsigned char *entry = t->tag[t->tags++], *to = entry + 8;
	assert_true(t->tags <= TAGS);
	memset(entry, 0, 12);
	put(t, entry, (uint32_t)name, 2);
	put(t, entry + 2, bytes == 2 ? 3 : 4, 2);
	put(t, entry + 4, (uint32_t)n, 4);
	if (n * bytes > 4) {
		put(t, to, (uint32_t)length, 4);
		to = file + length;
		length += (size_t)(n * bytes);
	}
	for (int i = 0; i < n; i++)
		put(t, to + i * bytes, v[i], bytes);
}

static void add_number(struct tiff *t, int name, uint32_t v)
{
	add_tag(t, name, v > 65535 || below(2) ? 4 : 2, 1, &v);
}

/* One row of a block, its samples without gaps, from the highest bit down. */
static void put_row(const struct tiff *t, int y, int x0, int from, int n)
{
	int bit = 0;
	for (int x = x0; x < x0 + t->bw; x++)
		for (int s = from; s < from + n; s++, bit += t->bits) {
			unsigned v = y < t->h && x < t->w ? value[y][x][s] : 0x5a5a & ((1u << t->bits) - 1);
			if (t->bits == 16)
				put(t, file + length + bit / 8, v, 2);
			for (int k = 0; k < t->bits && t->bits != 16; k++)
				file[length + (size_t)(bit + k) / 8] |=
					(unsigned char)((v >> (t->bits - 1 - k) & 1) << (7 - (bit + k) % 8));
		}
	length += (size_t)(bit + 7) / 8;
}

static unsigned char seen[SIDE * SIDE * 3]; /* the strips' JPEGs, read as such */

/* Rows y to y + n as a JPEG. */
static void put_jpeg(const struct tiff *t, int y, int n)
{
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	struct jpeg_compress_struct j;
	struct jpeg_error_mgr errors;
	struct image im = { 0 }, scratch = { 0 };
	struct err err;
	unsigned char *bytes = NULL, row[SIDE * 3];
	char note[128];
	unsigned long len = 0;
	JSAMPROW at = row;
	j.err = jpeg_std_error(&errors);
	jpeg_create_compress(&j);
	jpeg_mem_dest(&j, &bytes, &len);
	j.image_width = (JDIMENSION)t->w;
	j.image_height = (JDIMENSION)n;
	j.input_components = t->samples;
	j.in_color_space = t->samples == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&j);
	jpeg_set_colorspace(&j, t->samples == 1 ? JCS_GRAYSCALE : t->kind == YCC ? JCS_YCbCr : JCS_RGB);
	j.comp_info[0].h_samp_factor = j.comp_info[0].v_samp_factor = t->jpeg;
	jpeg_start_compress(&j, TRUE);
	for (int k = 0; k < n; k++) {
		for (int i = 0; i < t->w * t->samples; i++)
			row[i] = (unsigned char)value[y + k][i / t->samples][i % t->samples];
		jpeg_write_scanlines(&j, &at, 1);
	}
	jpeg_finish_compress(&j);
	jpeg_destroy_compress(&j);
	assert_int_equal(codec_decode(bytes, len, &plain, NULL, &im, &scratch, note, &err), 0);
	assert_true(im.h == n && im.w == t->w && im.c == t->samples);
	memcpy(seen + y * t->w * t->samples, im.px, image_bytes(&im));
	memcpy(file + length, bytes, len);
	length += len;
	free(bytes);
	image_release(&im);
	image_release(&scratch);
}

/* The blocks, and the two tags that say where they are. */
static void put_blocks(struct tiff *t)
{
	uint32_t at[SIDE * SAMPLES], size[SIDE * SAMPLES];
	int n = 0;
	for (int plane = 0; plane < (t->apart ? t->samples : 1); plane++)
		for (int y = 0; y < t->h; y += t->bh)
			for (int x = 0; x < t->w; x += t->bw) {
				at[n] = (uint32_t)length;
				if (t->jpeg)
					put_jpeg(t, y, t->h - y < t->bh ? t->h - y : t->bh);
				for (int k = 0; k < t->bh && !t->jpeg && (t->tiled || y + k < t->h); k++)
					put_row(t, y + k, x, t->apart ? plane : 0, t->apart ? 1 : t->samples);
				size[n] = (uint32_t)length - at[n];
				n++;
			}
	add_tag(t, t->tiled ? 324 : 273, 4, n, at);
	add_tag(t, t->tiled ? 325 : 279, 4, n, size);
}

static int by_name(const void *a, const void *b)
{
	const unsigned char *x = a, *y = b;
	int little = y[2] || x[2]; /* of the type, which is 3 or 4 */
	return little ? (x[0] | x[1] << 8) - (y[0] | y[1] << 8) : (x[1] | x[0] << 8) - (y[1] | y[0] << 8);
}

/* The directory, behind all else. */
static void end_tiff(struct tiff *t)
{
	qsort(t->tag, (size_t)t->tags, sizeof *t->tag, by_name);
	if (t->unsorted) {
		unsigned char *last = t->tag[t->tags - 1], kept[12];
		memcpy(kept, last, 12);
		memcpy(last, last - 12, 12);
		memcpy(last - 12, kept, 12);
	}
	length += length % 2;
	put(t, file + 4, (uint32_t)length, 4);
	put(t, file + length, (uint32_t)t->tags, 2);
	memcpy(file + length + 2, t->tag, (size_t)t->tags * 12);
	length += 2 + (size_t)t->tags * 12 + 4;
	put(t, file + length - 4, t->pages ? 8 : 0, 4);
	assert_true(length < ROOM);
}

static void write_tiff(struct tiff *t)
{
	uint32_t extra[SAMPLES], bits[SAMPLES], odd[2] = { 2, 2 }, pixels[2];
	memset(file, 0, sizeof file);
	memcpy(file, t->big ? "MM" : "II", 2);
	put(t, file + 2, 42, 2);
	length = 8;
	t->tags = 0;
	for (int i = 0; i < SAMPLES; i++) {
		bits[i] = (uint32_t)t->bits;
		extra[i] = (uint32_t)t->extra[i];
	}
	pixels[0] = pixels[1] = (uint32_t)t->jpeg;
	put_blocks(t);
	add_number(t, 254, below(2) ? 2 : 0); /* a page, or nothing: no reduced picture */
	add_number(t, 256, (uint32_t)t->w);
	add_number(t, 257, (uint32_t)t->h);
	add_number(t, 259, t->jpeg ? 7 : 1);
	add_number(t, 262, (uint32_t)t->kind);
	if (t->bits > 1 || t->kind == PALETTE || below(2)) /* what is the default may be left out */
		add_tag(t, 258, 2, t->samples, bits);
	if (t->orientation != 1 || below(2))
		add_number(t, 274, (uint32_t)t->orientation);
	if (t->samples > 1 || below(2))
		add_number(t, 277, (uint32_t)t->samples);
	if (t->apart || below(2))
		add_number(t, 284, t->apart ? 2 : 1);
	if (t->format != 1 || below(2)) {
		uint32_t format[SAMPLES];
		for (int i = 0; i < SAMPLES; i++)
			format[i] = (uint32_t)t->format;
		add_tag(t, 339, 2, t->samples, format);
	}
	if (t->tiled) {
		add_number(t, 322, (uint32_t)t->bw);
		add_number(t, 323, (uint32_t)t->bh);
	} else if (t->bh < t->h || below(2)) {
		add_number(t, 278, (uint32_t)t->bh + (t->bh >= t->h ? (uint32_t)below(3) : 0));
	}
	if (t->kind == PALETTE)
		add_tag(t, 320, 2, 3 << t->bits, t->map);
	if (t->extras > 0 || t->lies)
		add_tag(t, 338, 2, t->lies ? 1 : t->extras, extra);
	if (t->odd)
		add_tag(t, 296, 2, 2, odd);
	if (t->kind == YCC)
		add_tag(t, 530, 2, 2, pixels);
	add_number(t, 65001, 7); /* others' tags, on which nothing depends */
	add_number(t, 65002, 7);
	end_tiff(t);
}

static int colours_of(const struct tiff *t)
{
	return t->kind == INKS ? 4 : t->kind == RGB ? 3 : 1;
}

/* What its samples mean. */
static void meaning(const struct tiff *t, struct image *want)
{
	struct err err;
	int n = t->kind == RGB || t->kind == INKS ? 3 : 1, c = t->kind == PALETTE ? 3 : n, colours = colours_of(t);
	int whole = t->extras > 0 && t->extra[0] == 1 && t->bits >= 8 && t->kind != PALETTE && t->kind != INKS;
	assert_int_equal(image_shape(want, t->h, t->w, c, &err), 0);
	for (int y = 0; y < t->h; y++)
		for (int x = 0; x < t->w; x++)
			for (int j = 0; j < c; j++) {
				const uint16_t *v = value[y][x];
				int b = byte_of(v[t->kind == PALETTE ? 0 : j], t->bits);
				if (t->kind == WHITE_IS_0)
					b = 255 - b;
				if (t->kind == PALETTE)
					b = (int)(t->map[(j << t->bits) + v[0]] >> 8);
				if (t->kind == INKS) /* what paper and black let through, to the nearest */
					b = ((255 - b) * (255 - byte_of(v[3], t->bits)) + 127) / 255;
				if (whole) { /* colours that were multiplied by alpha are divided by it */
					int a = byte_of(v[colours], t->bits);
					b = !a ? 0 : b * 255 / a > 255 ? 255 : b * 255 / a;
				}
				want->px[(y * t->w + x) * c + j] = (unsigned char)b;
			}
}

/* Which are read: by the words of the errors that say what is not. */
static const char *not_read(const struct tiff *t)
{
	int one = t->kind == WHITE_IS_0 || t->kind == BLACK_IS_0 || t->kind == PALETTE;
	if (!one && t->kind != RGB && t->kind != INKS)
		return "its colours are of a kind that is not read";
	if (t->format == 2 || t->format == 3)
		return t->format == 2 ? "signed" : "no whole numbers";
	if (t->bits == 8 || (t->bits == 16 && t->kind != PALETTE) ||
	    (one && (t->bits == 1 || t->bits == 2 || t->bits == 4)))
		return t->samples > 8 ? "samples a pixel, and " : NULL;
	return "bits are not read";
}

static void draw_tiff(struct tiff *t, int round)
{
	static const int kinds[] = { WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, INKS, 8 /* Lab */ };
	static const int depths[] = { 1, 2, 4, 8, 16, 8, 16, 3, 12 };
	int odd = round % 8 == 0; /* of these some are not read */
	memset(t, 0, sizeof *t);
	t->big = below(2);
	t->h = 1 + below(round % 3 ? 12 : SIDE);
	t->w = 1 + below(round % 3 ? 12 : SIDE);
	t->kind = kinds[below(odd ? 6 : 5)];
	t->bits = t->kind == PALETTE ? 1 << below(4) : t->kind <= BLACK_IS_0 ? depths[below(5)] : 8 << below(2);
	t->bits = odd ? depths[t->kind == PALETTE ? below(4) : below(9)] : t->bits;
	t->format = odd && below(3) == 0 ? 1 + below(4) : below(6) ? 1 : 4;
	t->extras = below(2) ? 0 : odd ? 1 + below(6) : 1 + below(2);
	t->extras = colours_of(t) + t->extras > SAMPLES ? 0 : t->extras;
	t->samples = colours_of(t) + t->extras;
	for (int i = 0; i < t->extras; i++)
		t->extra[i] = below(3);
	t->lies = !t->extras && below(8) == 0;
	t->extra[0] = t->lies ? 1 : t->extra[0];
	t->apart = below(2);
	t->tiled = below(2);
	t->bh = t->tiled ? 16 * (1 + below(2)) : 1 + below(t->h);
	t->bw = t->tiled ? 16 * (1 + below(2)) : t->w;
	t->orientation = below(2) ? 1 : 1 + below(8);
	for (int i = 0; i < 3 * 256; i++)
		t->map[i] = rng_u32(&r) & 65535;
	t->pages = below(8) == 0;
	t->unsorted = below(8) == 0;
	t->odd = below(8) == 0;
}

static void tiffs(void **state)
{
	(void)state;
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	static struct tiff t;
	struct image out = { 0 }, want = { 0 };
	for (int round = 0; round < plain_checks(1000); round++) {
		struct err err = ERR_NONE;
		struct image_info info;
		char note[128];
		plain_rng(&r, (uint32_t)round, 31);
		draw_tiff(&t, round);
		fill(t.bits, t.samples);
		write_tiff(&t);
		const char *why = not_read(&t);
		int rc = decode(&plain, &out, note, &err);
		if (rc != (why ? -1 : 0) || (why && !strstr(err.msg, why)))
			fail_msg("%d, kind %d, %d samples of %d bits, format %d: %s", round, t.kind, t.samples, t.bits,
				 t.format, rc ? err.msg : "is read");
		if (why)
			continue;
		meaning(&t, &want);
		assert_int_equal(codec_probe(file, length, &plain, &info, &err), 0);
		expect(&out, &want, t.orientation, round);
		assert_true(info.h == out.h && info.w == out.w && info.c == out.c && info.orientation == t.orientation);
		const char *said = t.pages	? "the first of several pages is taken"
				   : t.unsorted ? "not sorted" /* libtiff sees this before it reads a tag */
				   : t.odd	? "ResolutionUnit"
						: "";
		if (!strstr(note, said) || !*note != !*said)
			fail_msg("%d: '%s' is said, not '%s'", round, note, said);
	}
	image_release(&out);
	image_release(&want);
}

/* Strips that are JPEGs are what these are. */
static void jpegs_in_tiffs(void **state)
{
	(void)state;
	static const int kinds[] = { BLACK_IS_0, RGB, YCC };
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	static struct tiff t;
	struct image out = { 0 }, want = { 0 };
	for (int round = 0; round < plain_checks(100); round++) {
		struct err err = ERR_NONE;
		char note[128];
		plain_rng(&r, (uint32_t)round, 34);
		memset(&t, 0, sizeof t);
		t.big = below(2);
		t.h = 1 + below(SIDE);
		t.bw = t.w = 1 + below(SIDE);
		t.kind = kinds[below(3)];
		t.samples = t.kind == BLACK_IS_0 ? 1 : 3;
		t.bits = 8;
		t.format = t.orientation = 1;
		t.jpeg = t.kind == YCC ? 1 + below(2) : 1;
		t.bh = below(3) ? 16 : t.h;
		fill(8, t.samples);
		write_tiff(&t);
		if (decode(&plain, &out, note, &err))
			fail_msg("%d: %s", round, err.msg);
		assert_string_equal(note, "");
		assert_int_equal(image_shape(&want, t.h, t.w, t.samples, &err), 0);
		memcpy(want.px, seen, image_bytes(&want));
		expect(&out, &want, 1, round);
	}
	image_release(&out);
	image_release(&want);
}

/* A tile of up to a million pixels is read whatever may be read, a larger one where as many pixels may be. */
static void large_tiles(void **state)
{
	(void)state;
	static const struct {
		int h, w;
		int64_t may;
		int taken;
	} tiles[] = { { 1024, 1024, 1, 1 },	      { 1024, 1040, 1, 0 },	{ 1040, 1024, 1024 * 1040 - 1, 0 },
		      { 1024, 1040, 1024 * 1040, 1 }, { 16, 65520, 1, 1 },	{ 65520, 16, 1, 1 },
		      { 16, 65552, 1 << 30, 0 },      { 65552, 16, 1 << 30, 0 } };
	static struct tiff t;
	for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
		struct codec_options opt = { .max_pixels = tiles[i].may };
		struct image out = { 0 };
		struct err err = ERR_NONE;
		char note[128];
		t = (struct tiff){ .h = 1, .w = 1, .bits = 1, .samples = 1, .kind = BLACK_IS_0, .format = 1 };
		t.orientation = t.tiled = 1;
		t.bh = tiles[i].h;
		t.bw = tiles[i].w;
		fill(1, 1);
		write_tiff(&t);
		int rc = decode(&opt, &out, note, &err);
		if (rc != (tiles[i].taken ? 0 : -1))
			fail_msg("%dx%d, %lld: %s", t.bh, t.bw, (long long)opt.max_pixels, rc ? err.msg : "is read");
		if (!rc)
			assert_true(out.h == 1 && out.w == 1 && out.px[0] == 255 * value[0][0][0]);
		image_release(&out);
	}
}

#else
static void tiffs(void **state)
{
	(void)state;
	printf("# SKIP: built without libtiff\n");
	skip();
}
#define jpegs_in_tiffs tiffs
#define large_tiles tiffs
#endif

static void append(png_structp png, png_bytep p, size_t n)
{
	(void)png;
	assert_true(length + n <= ROOM);
	memcpy(file + length, p, n);
	length += n;
}

/* A PNG of the picture: rows of samples from the highest bit down, two bytes of 16 the high one first. */
static void write_png(int h, int w, int type, int bits, int samples, int woven, png_colorp palette, int late)
{
	static unsigned char row[SIDE][SIDE * 8];
	png_bytep at[SIDE];
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	memset(row, 0, sizeof row);
	for (int y = 0; y < h; y++)
		for (int i = 0; i < w * samples * bits; i++) {
			int s = i / bits, v = value[y][s / samples][s % samples] >> (bits - 1 - i % bits) & 1;
			row[y][i / 8] |= (unsigned char)(v << (7 - i % 8));
		}
	for (int y = 0; y < h; y++)
		at[y] = row[y];
	length = 0;
	png_set_write_fn(png, NULL, append, NULL);
	png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, bits, type, woven ? PNG_INTERLACE_ADAM7 : 0, 0, 0);
	if (palette)
		png_set_PLTE(png, info, palette, 1 << bits);
	if (late) { /* transparency is left out, be it of a colour or of the palette */
		png_color_16 clear = { 1, 1, 1, 1, 1 };
		png_byte alpha[1] = { 9 };
		png_set_tRNS(png, info, palette ? alpha : NULL, palette ? 1 : 0, palette ? NULL : &clear);
	}
	png_set_rows(png, info, at);
	png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
	png_destroy_write_struct(&png, &info);
}

static void pngs(void **state)
{
	(void)state;
	static const int types[] = { 0, 2, 3, 4, 6 }, of_type[] = { 1, 3, 1, 2, 4 };
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	struct image out = { 0 }, want = { 0 };
	for (int round = 0; round < plain_checks(500); round++) {
		plain_rng(&r, (uint32_t)round, 32);
		int h = 1 + below(SIDE), w = 1 + below(SIDE), k = below(5), type = types[k], samples = of_type[k];
		int bits = type == 0 ? 1 << below(5) : type == 3 ? 1 << below(4) : 8 << below(2);
		int c = type == 0 || type == 4 ? 1 : 3;
		struct err err = ERR_NONE;
		png_color map[256];
		char note[128];
		for (int i = 0; i < 256; i++)
			map[i] = (png_color){ (png_byte)below(256), (png_byte)below(256), (png_byte)below(256) };
		fill(bits, samples);
		write_png(h, w, type, bits, samples, below(2), type == 3 ? map : NULL, type < 4 && below(3) == 0);
		assert_int_equal(image_shape(&want, h, w, c, &err), 0);
		for (int i = 0; i < h * w * c; i++) {
			unsigned v = value[i / c / w][i / c % w][type == 3 ? 0 : i % c];
			want.px[i] = (unsigned char)(type != 3	  ? byte_of(v, bits)
						     : i % 3 == 0 ? map[v].red
						     : i % 3 == 1 ? map[v].green
								  : map[v].blue);
		}
		if (decode(&plain, &out, note, &err))
			fail_msg("%d: %s", round, err.msg);
		assert_string_equal(note, "");
		expect(&out, &want, 1, round);
	}
	image_release(&out);
	image_release(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tiffs), cmocka_unit_test(jpegs_in_tiffs),
					    cmocka_unit_test(large_tiles), cmocka_unit_test(pngs) };
	return cmocka_run_group_tests_name("vision_formats", tests, NULL, NULL);
}
