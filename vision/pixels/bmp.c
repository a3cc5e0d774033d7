/* BMP, of Windows and of OS/2: palettes of 1, 4 and 8 bits, 16, 24 and 32 bits with masks, RLE8 and RLE4, either way
 * up. There is no library for it alone. Values are widened as Pillow widens them; a palette of greys gives one channel.
 * Each offset is compared with the length before it is used, and all rows must be there. */
#include "bytes.h"
#include "formats.h"

#include <string.h>

enum { FILE_HEADER = 14, RGB = 0, RLE8 = 1, RLE4 = 2, MASKS = 3, MASKS_ALPHA = 6 };

/* One colour's bits in a pixel: value = (pixel >> shift) & most. */
struct mask {
	unsigned shift;
	uint32_t most;
};

struct bmp {
	const unsigned char *bytes;
	size_t len, pixels; /* where the rows begin */
	int h, w, upside_down /* the last row comes first, as is usual */, bits, kind, grey;
	size_t colours;
	unsigned char colour[256][3]; /* RGB */
	struct mask mask[3];
};

static int cut_short(const struct bmp *b, uint64_t wanted, struct err *err)
{
	return err_set(err, "BMP: is truncated: %zu of %llu bytes", b->len, (unsigned long long)wanted);
}

static int set_mask(struct mask *m, uint32_t bits, struct err *err)
{
	*m = (struct mask){ 0, bits };
	if (!bits)
		return err_set(err, "BMP: a colour without bits");
	for (; !(m->most & 1); m->shift++)
		m->most >>= 1;
	return m->most & (m->most + 1) ? err_set(err, "BMP: a colour's bits lie apart") : 0;
}

static int read_masks(struct bmp *b, struct err *err)
{
	static const uint32_t usual[2][3] = { { 0x7c00, 0x3e0, 0x1f }, { 0xff0000, 0xff00, 0xff } };
	int own = b->kind == MASKS || b->kind == MASKS_ALPHA;
	if (own && b->bits < 16)
		return err_set(err, "BMP: colour masks for %d bits a pixel", b->bits);
	if (own && b->len < FILE_HEADER + 40 + 12)
		return cut_short(b, FILE_HEADER + 40 + 12, err);
	for (int i = 0; i < 3 && b->bits >= 16; i++) { /* of the short header they follow it, else they are in it */
		uint32_t m = own ? u32_of(b->bytes + FILE_HEADER + 40 + 4 * i, 0) : usual[b->bits != 16][i];
		if (set_mask(&b->mask[i], m, err))
			return -1;
	}
	return 0;
}

static int read_palette(struct bmp *b, size_t header, uint32_t used, struct err *err)
{
	size_t each = header == 12 ? 3 : 4, at = FILE_HEADER + header;
	if (b->bits > 8)
		return 0;
	if (used > 1u << b->bits)
		return err_set(err, "BMP: a palette of %u colours for %d bits a pixel", (unsigned)used, b->bits);
	b->colours = used ? used : 1u << b->bits;
	b->grey = 1;
	if (b->pixels == at) /* some writers forget the palette there */
		b->pixels += each * b->colours;
	if (header == 12 && b->pixels > at && (b->pixels - at) / 3 < b->colours)
		b->colours = (b->pixels - at) / 3;
	if (b->len < at + each * b->colours)
		return cut_short(b, at + each * b->colours, err);
	for (size_t i = 0; i < b->colours; i++) {
		const unsigned char *p = b->bytes + at + each * i;
		for (int j = 0; j < 3; j++)
			b->colour[i][j] = p[2 - j];
		b->grey &= p[0] == p[1] && p[1] == p[2];
	}
	return 0;
}

static size_t row_bytes(const struct bmp *b)
{
	return ((size_t)b->w * (size_t)b->bits + 7) / 8;
}

static int supported(const struct bmp *b, unsigned planes, struct err *err)
{
	int rle = b->kind == RLE8 || b->kind == RLE4;
	if (b->kind == 4 || b->kind == 5)
		return err_set(err, "BMP: holds a %s, which is not read; take it out of it",
			       b->kind == 4 ? "JPEG" : "PNG");
	if (b->kind != RGB && !rle && b->kind != MASKS && b->kind != MASKS_ALPHA)
		return err_set(err, "BMP: compression %d is not read", b->kind);
	if ((b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 && b->bits != 32) ||
	    planes != 1)
		return err_set(err, "BMP: %d bits a pixel in %u planes", b->bits, planes);
	if (rle && (b->bits != (b->kind == RLE8 ? 8 : 4) || !b->upside_down))
		return err_set(err, "BMP: run lengths of %d bits a pixel, %s", b->bits,
			       b->upside_down ? "of which there are none" : "from the top");
	return 0;
}

static int read_header(struct bmp *b, const struct codec_options *opt, struct err *err)
{
	const unsigned char *p = b->bytes;
	if (b->len < FILE_HEADER + 12)
		return cut_short(b, FILE_HEADER + 12, err);
	size_t header = u32_of(p + FILE_HEADER, 0);
	if (b->len < FILE_HEADER + header)
		return cut_short(b, FILE_HEADER + header, err);
	int old = header == 12;
	if (!old && header < 40)
		return err_set(err, "BMP: a header of %zu bytes", header);
	b->pixels = u32_of(p + 10, 0);
	p += FILE_HEADER;
	uint32_t w = old ? u16_of(p + 4, 0) : u32_of(p + 4, 0), h = old ? u16_of(p + 6, 0) : u32_of(p + 8, 0);
	b->upside_down = old || h <= INT32_MAX;
	if (!b->upside_down)
		h = 0u - h;
	if (codec_too_large(opt, h, w, err))
		return -1;
	b->h = (int)h;
	b->w = (int)w;
	b->bits = (int)u16_of(p + (old ? 10 : 14), 0);
	uint32_t kind = old ? RGB : u32_of(p + 16, 0);
	b->kind = kind < 100 ? (int)kind : 100;
	if (supported(b, u16_of(p + (old ? 8 : 12), 0), err) || read_masks(b, err) ||
	    read_palette(b, header, old ? 0 : u32_of(p + 32, 0), err))
		return -1;
	if (b->pixels < FILE_HEADER + header)
		return err_set(err, "BMP: its pixels begin in its header");
	uint64_t all = b->pixels + (row_bytes(b) + 3) / 4 * 4 * (uint64_t)(b->h - 1) + row_bytes(b);
	return (b->kind == RGB || b->kind >= MASKS) && b->len < all ? cut_short(b, all, err) : 0;
}

static int beyond(struct err *err)
{
	return err_set(err, "BMP: a pixel's number is beyond the palette");
}

static int put_colour(const struct bmp *b, unsigned number, unsigned char *to, struct err *err)
{
	if (number >= b->colours)
		return beyond(err);
	memcpy(to, b->colour[number], b->grey ? 1 : 3);
	return 0;
}

static int one_row(const struct bmp *b, const unsigned char *from, unsigned char *to, struct err *err)
{
	size_t each = (size_t)b->bits / 8;
	int c = b->grey ? 1 : 3;
	for (int x = 0; x < b->w; x++, to += c) {
		if (b->bits <= 8) {
			int left = 8 - b->bits - x * b->bits % 8;
			unsigned number = from[(size_t)x * (size_t)b->bits / 8] >> left & ((1u << b->bits) - 1);
			if (put_colour(b, number, to, err))
				return -1;
			continue;
		}
		uint32_t v = 0;
		for (size_t i = 0; i < each; i++)
			v |= (uint32_t)from[(size_t)x * each + i] << 8 * i;
		for (int j = 0; j < 3; j++)
			to[j] = (unsigned char)((uint64_t)(v >> b->mask[j].shift & b->mask[j].most) * 255 /
						b->mask[j].most);
	}
	return 0;
}

/* Where run lengths have come to: x and row from the bottom. */
struct pen {
	const unsigned char *p, *end;
	int x, y;
};

/* n pixels, of numbers in from[] (two a byte with RLE4), again and again the first `cycle` of them. What is beyond the
 * row's end is dropped, as Pillow does. */
static int put_run(const struct bmp *b, struct pen *pen, const unsigned char *from, int n, int cycle, struct image *out,
		   struct err *err)
{
	for (int i = 0; i < n; i++) {
		int k = i % cycle;
		unsigned number = b->kind == RLE8 ? from[k] : k % 2 ? from[k / 2] & 15 : from[k / 2] >> 4;
		if (pen->x >= b->w)
			break;
		size_t at = (size_t)(b->h - 1 - pen->y) * (size_t)b->w + (size_t)pen->x++;
		if (put_colour(b, number, out->px + at * (size_t)out->c, err))
			return -1;
	}
	return 0;
}

/* What follows a 0: 1 at the end of the picture. */
static int escape(const struct bmp *b, struct pen *pen, int code, struct image *out, struct err *err)
{
	if (code == 0) {
		pen->x = 0;
		pen->y++;
		return 0;
	}
	if (code == 1)
		return 1;
	if (code == 2) {
		if (pen->end - pen->p < 2)
			return err_set(err, "BMP: is truncated in its run lengths");
		pen->x += pen->p[0];
		pen->y += pen->p[1];
		pen->p += 2;
		return pen->x > b->w || pen->y > b->h ? err_set(err, "BMP: run lengths leave the picture") : 0;
	}
	int n = b->kind == RLE8 ? code : (code + 1) / 2;
	if (pen->end - pen->p < n)
		return err_set(err, "BMP: is truncated in its run lengths");
	if (put_run(b, pen, pen->p, code, code, out, err))
		return -1;
	pen->p += n + (n % 2 && pen->end - pen->p > n);
	return 0;
}

/* Pixels that no run gives have the palette's first colour. */
static int run_lengths(const struct bmp *b, struct image *out, struct err *err)
{
	struct pen pen = { b->bytes + (b->pixels < b->len ? b->pixels : b->len), b->bytes + b->len, 0, 0 };
	for (size_t i = 0; i < (size_t)b->h * (size_t)b->w; i++)
		if (put_colour(b, 0, out->px + i * (size_t)out->c, err))
			return -1;
	for (;;) {
		if (pen.y >= b->h) /* the picture is full; its end may be marked or not */
			return 0;
		if (pen.end - pen.p < 2 && pen.y == b->h - 1 && pen.x >= b->w)
			return 0;
		if (pen.end - pen.p < 2)
			return err_set(err, "BMP: is truncated in its run lengths");
		int n = pen.p[0], code = pen.p[1];
		pen.p += 2;
		int rc = n ? put_run(b, &pen, pen.p - 1, n, b->kind == RLE8 ? 1 : 2, out, err)
			   : escape(b, &pen, code, out, err);
		if (rc)
			return rc < 0 ? -1 : 0;
	}
}

int bmp_read(struct picture *p, struct err *err)
{
	struct bmp b = { .bytes = p->bytes, .len = p->len };
	struct image *out = p->out;
	if (read_header(&b, p->opt, err))
		return -1;
	picture_header(p, (uint32_t)b.h, (uint32_t)b.w, b.grey ? 1 : 3, 1);
	if (!out)
		return 0;
	if (image_shape(out, b.h, b.w, p->info.c, err))
		return -1;
	if (b.kind == RLE8 || b.kind == RLE4)
		return run_lengths(&b, out, err);
	size_t stride = (row_bytes(&b) + 3) / 4 * 4, row = (size_t)b.w * (size_t)out->c;
	for (int y = 0; y < b.h; y++)
		if (one_row(&b, b.bytes + b.pixels + stride * (size_t)y,
			    out->px + row * (size_t)(b.upside_down ? b.h - 1 - y : y), err))
			return -1;
	return 0;
}
