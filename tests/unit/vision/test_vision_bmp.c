/* BMPs at random, written plainly here: headers, depths, palettes, masks, either way up, and run lengths that may say
 * anything. */
#include "written.h"

enum { RLE8 = 1, RLE4 = 2, MASKS = 3 };

/* How a BMP is written. */
struct bmp {
	int header, h, w, bits, kind, from_top, colours, grey, forgot /* the palette, where its pixels begin */;
	unsigned char colour[256][3]; /* blue, green, red */
	uint32_t mask[3];
	unsigned char runs[400];
	int n_runs;
};

static void add_le(uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		file[length++] = (unsigned char)(i < 4 ? v >> 8 * i : 0);
}

static void draw_bmp(struct bmp *b)
{
	static const int headers[] = { 12, 40, 40, 56, 108, 124 }, depths[] = { 1, 4, 8, 16, 24, 32 };
	memset(b, 0, sizeof *b);
	b->header = headers[below(6)];
	b->h = 1 + below(9);
	b->w = 1 + below(below(2) ? 9 : SIDE);
	b->bits = depths[below(6)];
	b->kind = b->header == 12 ? 0 : b->bits == 8 && below(2) ? RLE8 : b->bits == 4 && below(2) ? RLE4 : 0;
	b->kind = b->bits >= 16 && b->bits != 24 && b->header > 12 && below(2) ? MASKS : b->kind;
	b->from_top = b->header > 12 && (b->kind == 0 || b->kind == MASKS) && below(2);
	b->colours = b->bits > 8 ? 0 : below(2) ? 1 << b->bits : 1 + below(1 << b->bits);
	b->forgot = below(6) == 0 && (b->header > 12 || (b->bits <= 8 && b->colours == 1 << b->bits));
	b->grey = b->bits <= 8 && below(2);
	for (int i = 0; i < 256; i++)
		for (int j = 0; j < 3; j++)
			b->colour[i][j] = j && b->grey ? b->colour[i][0] : (unsigned char)below(256);
	for (int j = 0, at = below(3); j < 3; j++) { /* some bits after one another, in an order of its own */
		int n = 1 + below(b->bits == 16 ? 4 : 9);
		b->mask[(j + b->h) % 3] = ((1u << n) - 1) << at;
		at += n + below(2);
	}
	b->n_runs = below(4) ? 40 + below(360) : below(40);
	for (int i = 0; i < b->n_runs; i++) /* escapes, short runs of numbers that are in the palette, any byte */
		b->runs[i] = (unsigned char)(below(4) == 0 ? below(4) : below(60) ? below(b->colours + 1) : below(256));
}

static void write_bmp(const struct bmp *b, int gap)
{
	int all = b->bits <= 8 ? 1 << b->bits : 0, palette = b->colours * (b->header == 12 ? 3 : 4);
	int masks = b->kind == MASKS && b->header == 40 ? 12 : 0, begin = 14 + b->header + masks;
	length = 0;
	memset(file, 0, 256);
	add_le('B' | 'M' << 8, 2);
	add_le(0, 8);
	add_le((uint32_t)(begin + (b->forgot ? 0 : palette + gap)), 4);
	add_le((uint32_t)b->header, 4);
	add_le((uint32_t)b->w, b->header == 12 ? 2 : 4);
	add_le((uint32_t)(b->from_top ? -b->h : b->h), b->header == 12 ? 2 : 4);
	add_le(1, 2);
	add_le((uint32_t)b->bits, 2);
	if (b->header > 12) {
		add_le((uint32_t)b->kind, 4);
		add_le(0, 12);
		add_le(b->colours == all ? 0 : (uint32_t)b->colours, 4);
		add_le(0, 4);
		for (int j = 0; j < 3 && b->kind == MASKS; j++)
			add_le(b->mask[j], 4);
		length = (size_t)begin;
	}
	for (int i = 0; i < b->colours; i++)
		add_le(b->colour[i][0] | (uint32_t)b->colour[i][1] << 8 | (uint32_t)b->colour[i][2] << 16,
		       b->header == 12 ? 3 : 4);
	for (int i = 0; i < gap && !b->forgot; i++)
		file[length++] = (unsigned char)below(256);
	if (b->kind == RLE8 || b->kind == RLE4) {
		memcpy(file + length, b->runs, (size_t)b->n_runs);
		length += (size_t)b->n_runs;
		return;
	}
	for (int k = 0; k < b->h; k++) {
		int y = b->from_top ? k : b->h - 1 - k, wide = (b->w * b->bits + 31) / 32 * 4;
		memset(file + length, 0, (size_t)wide);
		for (int x = 0; x < b->w && b->bits > 8; x++)
			for (int i = 0; i < b->bits / 8; i++)
				file[length + (size_t)(x * b->bits / 8 + i)] =
					(unsigned char)(value[y][x][i / 2] >> 8 * (i % 2));
		for (int i = 0; i < b->w * b->bits && b->bits <= 8; i++)
			file[length + (size_t)i / 8] |=
				(unsigned char)((value[y][i / b->bits][0] >> (b->bits - 1 - i % b->bits) & 1)
						<< (7 - i % 8));
		length += (size_t)wide;
	}
}

/* What runs say, into value[][][0]: a number a pixel, and 0 where nothing is said. What is wrong of them. */
static const char *follow_runs(const struct bmp *b)
{
	int x = 0, up = 0, at = 0, beyond = 0;
	memset(value, 0, sizeof value);
	while (up < b->h && !beyond) {
		if (b->n_runs - at < 2)
			return up == b->h - 1 && x >= b->w ? NULL : "is truncated in its run lengths";
		int n = b->runs[at], code = b->runs[at + 1], bytes = b->kind == RLE8 ? code : (code + 1) / 2;
		const unsigned char *from = n ? b->runs + at + 1 : b->runs + at + 2;
		at += 2;
		if (!n && code == 1)
			return NULL;
		if (!n && code == 0) {
			x = 0;
			up++;
			continue;
		}
		if (!n && b->n_runs - at < (code == 2 ? 2 : bytes))
			return "is truncated in its run lengths";
		if (!n && code == 2) {
			x += from[0];
			up += from[1];
			at += 2;
			if (x > b->w || up > b->h)
				return "run lengths leave the picture";
			continue;
		}
		for (int i = 0; i < (n ? n : code); i++, x++) {
			int k = !n ? i : b->kind == RLE8 ? 0 : i % 2;
			int number = b->kind == RLE8 ? from[k] : from[k / 2] >> (k % 2 ? 0 : 4) & 15;
			if (x < b->w)
				value[b->h - 1 - up][x][0] = (uint16_t)number;
			beyond |= x < b->w && number >= b->colours;
		}
		x = x < b->w ? x : b->w; /* what lies beyond the row is dropped */
		at += n ? 0 : bytes + (bytes % 2 && b->n_runs > at + bytes);
	}
	return beyond ? "a pixel's number is beyond the palette" : NULL;
}

/* The channels of one pixel. */
static void mean_pixel(const struct bmp *b, const uint16_t *v, unsigned char *to)
{
	static const uint32_t of_16[3] = { 0x7c00, 0x3e0, 0x1f }, of_more[3] = { 0xff0000, 0xff00, 0xff };
	const uint32_t *mask = b->kind == MASKS ? b->mask : b->bits == 16 ? of_16 : of_more;
	uint32_t whole = v[0] | (b->bits > 16 ? (uint32_t)v[1] << 16 : 0);
	for (int j = 0; j < (b->grey ? 1 : 3); j++)
		to[j] = b->bits <= 8 ? b->colour[v[0]][2 - j]
				     : (unsigned char)((uint64_t)(whole & mask[j]) * 255 / mask[j]);
}

static void bmps(void **state)
{
	(void)state;
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	static struct bmp b;
	struct image out = { 0 }, want = { 0 };
	for (int round = 0; round < plain_checks(1500); round++) {
		struct err err = ERR_NONE;
		char note[128];
		const char *why = NULL;
		plain_rng(&r, (uint32_t)round, 33);
		draw_bmp(&b);
		fill(b.bits <= 8 ? b.bits : 16, 2);
		for (int i = 0; i < b.h * b.w && b.bits <= 8;
		     i++) { /* one number in some files is beyond the palette */
			uint16_t *v = value[i / b.w][i % b.w];
			*v = below(400) ? *v % b.colours : *v;
			why = *v >= b.colours ? "a pixel's number is beyond the palette" : why;
		}
		write_bmp(&b, below(3));
		if (b.kind == RLE8 || b.kind == RLE4)
			why = follow_runs(&b);
		int rc = decode(&plain, &out, note, &err), c = b.grey ? 1 : 3;
		if (rc != (why ? -1 : 0) || (why && !strstr(err.msg, why)))
			fail_msg("%d, header of %d, %d bits, kind %d: %s, not %s", round, b.header, b.bits, b.kind,
				 rc ? err.msg : "is read", why ? why : "read");
		if (why)
			continue;
		assert_int_equal(image_shape(&want, b.h, b.w, c, &err), 0);
		for (int i = 0; i < b.h * b.w; i++)
			mean_pixel(&b, value[i / b.w][i % b.w], want.px + i * c);
		expect(&out, &want, 1, round);
	}
	image_release(&out);
	image_release(&want);
}

/* The first bytes that are looked for in vain when the file ends after n: its headers, masks, palette, and rows, of
 * which the last needs no bytes beyond its pixels. 0: all are there. */
static size_t wanted(const struct bmp *b, size_t n)
{
	size_t row = ((size_t)b->w * (size_t)b->bits + 7) / 8, head = 14 + (size_t)b->header;
	const size_t need[] = { 26, head, b->kind == MASKS ? 66 : 0,
				b->bits > 8 ? 0 : head + (b->header == 12 ? 3 : 4) * (size_t)b->colours,
				length - (row + 3) / 4 * 4 + row };
	for (size_t i = 0; i < sizeof need / sizeof *need; i++)
		if (n < need[i])
			return need[i];
	return 0;
}

static void cuts(void **state)
{
	(void)state;
	struct codec_options plain = { .max_pixels = SIDE * SIDE };
	static struct bmp b;
	struct image out = { 0 };
	for (int round = 0; round < plain_checks(1500); round++) {
		struct err err = ERR_NONE;
		char note[128], want[96];
		plain_rng(&r, (uint32_t)round, 34);
		draw_bmp(&b);
		if (b.kind == RLE8 || b.kind == RLE4)
			continue;
		memset(value, 0, sizeof value);
		write_bmp(&b, below(3));
		/* of fewer than 18 bytes nobody knows what they are; half of the ends are at a part's or one before */
		size_t all = length, n = 18 + (size_t)below((int)all - 17), lacks = wanted(&b, n);
		if (lacks > 18 && below(2))
			n = lacks - (size_t)below(2);
		lacks = wanted(&b, n);
		length = n;
		int rc = decode(&plain, &out, note, &err);
		snprintf(want, sizeof want, "BMP: is truncated: %zu of %zu bytes", length, lacks);
		if (rc != (lacks ? -1 : 0) || (lacks && strcmp(err.msg, want)))
			fail_msg("%d, header of %d, %d bits, kind %d, %zu of %zu bytes: %s, not %s", round, b.header,
				 b.bits, b.kind, length, all, rc ? err.msg : "is read",
				 lacks ? want : "read");
	}
	image_release(&out);
}

/* A palette that the pixels begin in is read whole, but for OS/2's, whose length is told by where they begin. */
static void pixels_in_the_palette(void **state)
{
	(void)state;
	struct codec_options plain = { .max_pixels = 1 };
	struct image out = { 0 };
	for (int i = 0; i < 2 * 256; i++) {
		struct err err = ERR_NONE;
		char note[128];
		int number = i % 256, old = i >= 256, each = old ? 3 : 4, head = 14 + (old ? 12 : 40);
		int at = head + 128 * each, known = !old || number < 128;
		length = 0;
		memset(file, 0, 2048);
		add_le('B' | 'M' << 8, 10);
		add_le((uint32_t)at, 4);
		add_le(old ? 12 : 40, 4);
		add_le(1, old ? 2 : 4);
		add_le(1, old ? 2 : 4);
		add_le(1, 2);
		add_le(8, 2);
		length = (size_t)head;
		for (int k = 0; k < 256; k++)
			add_le((uint32_t)(k ^ 0x55) | (uint32_t)k << 8 | (uint32_t)(255 - k) << 16, each);
		file[at] = (unsigned char)number; /* the blue of a colour, too */
		int rc = decode(&plain, &out, note, &err);
		if (rc != (known ? 0 : -1) || (rc && !strstr(err.msg, "a pixel's number is beyond the palette")))
			fail_msg("%d: %s", i, rc ? err.msg : "is read");
		assert_true(rc || (out.px[0] == 255 - number && out.px[1] == number));
	}
	image_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bmps), cmocka_unit_test(cuts),
					    cmocka_unit_test(pixels_in_the_palette) };
	return cmocka_run_group_tests_name("vision_bmp", tests, NULL, NULL);
}
