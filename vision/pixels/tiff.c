/* TIFF by libtiff, to 8 bits and 1 or 3 channels without alpha: whole samples are brought to bytes here, block by block
 * (strips or tiles, samples together or in planes), and turned into grey or RGB at the end. The first page is taken,
 * and it is said where there are more. libtiff reads from memory; its errors come to the file's own handlers, and a
 * warning while pixels are decoded is an error, as it is of JPEG: then something was painted over. */
#include "bytes.h"
#include "formats.h"

#ifdef VIC_LIB_tiff

#include "pipeline/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

enum { SAMPLES_MOST = 8, TAKE_MOST = 1 << 28 /* bytes at once, of libtiff's own */, TILE_LEAST = 1 << 20 };

struct source {
	const unsigned char *bytes;
	size_t len, at;
	int decoding; /* pixels, no longer the directory */
	char *note;   /* 128 bytes, or NULL */
	char why[256];
};

static int on_error(TIFF *t, void *arg, const char *module, const char *format, va_list args)
{
	struct source *s = arg;
	char text[256];
	(void)t, (void)module;
	/* Some begin with the file's name, which libtiff was not told. */
	vsnprintf(text, sizeof text, format, args);
	if (!s->why[0]) /* the first is the cause of the others */
		err_phrase(s->why, sizeof s->why, "%s", text + (strncmp(text, ": ", 2) ? 0 : 2));
	return 1;
}

static int on_warning(TIFF *t, void *arg, const char *module, const char *format, va_list args)
{
	struct source *s = arg;
	char text[128];
	if (s->decoding)
		return on_error(t, arg, module, format, args);
	if (!strncmp(format, "Unknown field", 13)) /* others' tags, on which no pixel depends */
		return 1;
	vsnprintf(text, sizeof text, format, args);
	if (s->note && !s->note[0])
		err_phrase(s->note, 128, "%s", text);
	return 1;
}

static tmsize_t on_read(thandle_t arg, void *to, tmsize_t n)
{
	struct source *s = arg;
	size_t left = s->at < s->len ? s->len - s->at : 0, k = (size_t)n < left ? (size_t)n : left;
	memcpy(to, s->bytes + s->at, k);
	s->at += k;
	return (tmsize_t)k;
}

static tmsize_t on_write(thandle_t arg, void *from, tmsize_t n)
{
	(void)arg, (void)from, (void)n;
	return 0;
}

static toff_t on_seek(thandle_t arg, toff_t to, int whence)
{
	struct source *s = arg;
	toff_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->len;
	s->at = from + to > s->len ? s->len : (size_t)(from + to);
	return s->at;
}

static int on_close(thandle_t arg)
{
	(void)arg;
	return 0;
}

static toff_t on_size(thandle_t arg)
{
	return ((struct source *)arg)->len;
}

static int on_map(thandle_t arg, void **base, toff_t *size)
{
	struct source *s = arg;
	*base = (void *)(uintptr_t)s->bytes;
	*size = s->len;
	return 1;
}

static void on_unmap(thandle_t arg, void *base, toff_t size)
{
	(void)arg, (void)base, (void)size;
}

/* What libtiff said, told apart from a lack of memory. */
static int failed(const struct source *s, const char *otherwise, struct err *err)
{
	if (strstr(s->why, "emory") && !strstr(s->why, "limit"))
		return err_memory(err);
	return err_set(err, "TIFF: %s", s->why[0] ? s->why : otherwise);
}

/* What the directory says. */
struct page {
	uint32_t h, w, bh, bw; /* the picture, and a strip or tile */
	uint16_t bits, samples, colours /* kept of them: without what is no colour, with premultiplied alpha */;
	uint16_t photometric, planar, orientation, *map[3];
	int tiles, premultiplied;
};

static int expected(TIFF *t, struct page *p, struct err *err)
{
	uint16_t format = SAMPLEFORMAT_UINT, compression = 0, extras = 0, *extra = NULL;
	int grey = p->photometric == PHOTOMETRIC_MINISBLACK || p->photometric == PHOTOMETRIC_MINISWHITE;
	int jpeg, inks = 1, one = grey || p->photometric == PHOTOMETRIC_PALETTE;
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &format);
	TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &compression);
	TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &extras, &extra);
	if (p->photometric == PHOTOMETRIC_SEPARATED) {
		uint16_t set = INKSET_CMYK;
		TIFFGetFieldDefaulted(t, TIFFTAG_INKSET, &set);
		inks = set == INKSET_CMYK;
	}
	jpeg = compression == COMPRESSION_JPEG;
	if (p->photometric == PHOTOMETRIC_YCBCR && jpeg && p->planar == PLANARCONFIG_CONTIG) {
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
		p->photometric = PHOTOMETRIC_RGB;
	}
	if (!one && p->photometric != PHOTOMETRIC_RGB && (p->photometric != PHOTOMETRIC_SEPARATED || !inks))
		return err_set(err, "TIFF: its colours are of a kind that is not read (photometric %u); write it as "
				    "RGB", p->photometric);
	if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
		return err_set(err, "TIFF: its samples are %s; 8 or 16 bits without sign are read",
			       format == SAMPLEFORMAT_INT ? "signed" : "no whole numbers");
	if (p->bits != 8 && (p->bits != 16 || p->photometric == PHOTOMETRIC_PALETTE) &&
	    !(one && (p->bits == 1 || p->bits == 2 || p->bits == 4)))
		return err_set(err, "TIFF: samples of %u bits are not read; write it with 8 or 16", p->bits);
	p->colours = one ? 1 : p->photometric == PHOTOMETRIC_RGB ? 3 : 4;
	if (p->samples < p->colours || p->samples > SAMPLES_MOST)
		return err_set(err, "TIFF: %u samples a pixel, and %u are its colours", p->samples, p->colours);
	p->premultiplied = p->samples > p->colours && extras && *extra == EXTRASAMPLE_ASSOCALPHA && p->bits >= 8 &&
			   p->colours != 4 && p->photometric != PHOTOMETRIC_PALETTE; /* a number is no colour */
	if (p->photometric == PHOTOMETRIC_PALETTE &&
	    !TIFFGetField(t, TIFFTAG_COLORMAP, &p->map[0], &p->map[1], &p->map[2]))
		return err_set(err, "TIFF: has no palette");
	return 0;
}

/* Blocks: no larger than the picture, or than a tile is anywhere. */
static int blocks(TIFF *t, struct page *p, const struct codec_options *opt, struct err *err)
{
	p->tiles = TIFFIsTiled(t) != 0;
	p->bw = p->w;
	if (!p->tiles) {
		if (!TIFFGetFieldDefaulted(t, TIFFTAG_ROWSPERSTRIP, &p->bh) || p->bh > p->h)
			p->bh = p->h;
	} else if (!TIFFGetField(t, TIFFTAG_TILEWIDTH, &p->bw) || !TIFFGetField(t, TIFFTAG_TILELENGTH, &p->bh)) {
		p->bh = 0;
	}
	if (!p->bh || !p->bw)
		return err_set(err, "TIFF: its blocks have no pixels");
	if (p->bw > 65535 || p->bh > 65535 || ((uint64_t)p->bw * p->bh > TILE_LEAST &&
					      (uint64_t)p->bw * p->bh > (uint64_t)opt->max_pixels))
		return codec_too_large(opt, p->bh, p->bw, err);
	return 0;
}

static int read_page(TIFF *t, struct page *p, const struct codec_options *opt, struct err *err)
{
	uint32_t kind = 0;
	*p = (struct page){ .bits = 1, .samples = 1, .planar = PLANARCONFIG_CONTIG, .orientation = 1 };
	if (!TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &p->w) || !TIFFGetField(t, TIFFTAG_IMAGELENGTH, &p->h))
		return err_set(err, "TIFF: does not say its size");
	if (codec_too_large(opt, p->h, p->w, err))
		return -1;
	TIFFGetFieldDefaulted(t, TIFFTAG_SUBFILETYPE, &kind);
	if (kind & FILETYPE_REDUCEDIMAGE)
		return err_set(err, "TIFF: its first picture is a small one of another in the file, as in a camera's "
				    "raw files; write the picture that is meant as TIFF or PNG");
	if (!TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &p->photometric))
		return err_set(err, "TIFF: does not say what its samples are (photometric)");
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &p->bits);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &p->samples);
	TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &p->planar);
	TIFFGetFieldDefaulted(t, TIFFTAG_ORIENTATION, &p->orientation);
	return expected(t, p, err) || blocks(t, p, opt, err) ? -1 : 0;
}

/* Sample i of a row, as a byte; a palette's number as it is. */
static unsigned char sample(const struct page *p, const unsigned char *row, size_t i)
{
	if (p->bits == 8)
		return row[i];
	if (p->bits == 16) { /* libtiff has brought it to this machine's order; rounded as libpng rounds */
		uint16_t v;
		memcpy(&v, row + 2 * i, 2);
		return (unsigned char)((v * 255u + 32895u) >> 16);
	}
	unsigned most = (1u << p->bits) - 1, v = row[i * p->bits / 8] >> (8 - p->bits - i * p->bits % 8) & most;
	return (unsigned char)(p->photometric == PHOTOMETRIC_PALETTE ? v : v * 255 / most);
}

/* A block's samples to where they belong: all of a pixel's (plane -1), or those of colour `plane`. */
static void put_block(const struct page *p, const unsigned char *block, size_t stride, uint32_t x0, uint32_t y0,
		      int plane, struct image *out)
{
	uint32_t rows = p->h - y0 < p->bh ? p->h - y0 : p->bh, columns = p->w - x0 < p->bw ? p->w - x0 : p->bw;
	size_t keep = (size_t)out->c, each = plane < 0 ? p->samples : 1, n = plane < 0 ? keep : 1;
	for (uint32_t y = 0; y < rows; y++) {
		const unsigned char *row = block + y * stride;
		unsigned char *to = out->px + ((size_t)(y0 + y) * p->w + x0) * keep + (plane < 0 ? 0 : plane);
		for (uint32_t x = 0; x < columns; x++, to += keep)
			for (size_t j = 0; j < n; j++)
				to[j] = sample(p, row, x * each + j);
	}
}

static int read_blocks(TIFF *t, struct source *s, const struct page *p, struct image *out, unsigned char **block,
		       struct err *err)
{
	int apart = p->planar == PLANARCONFIG_SEPARATE, planes = apart ? out->c : 1;
	size_t each = apart ? 1 : p->samples;
	size_t stride = ((size_t)p->bw * each * p->bits + 7) / 8;
	tmsize_t size = (tmsize_t)(stride * p->bh);
	if ((p->tiles ? TIFFTileSize(t) : TIFFVStripSize(t, p->bh)) != size)
		return err_set(err, "TIFF: its samples are packed in a way that is not read");
	if (mem_alloc(block, (size_t)size, 1, err))
		return -1;
	s->decoding = 1;
	for (int plane = 0; plane < planes; plane++)
		for (uint32_t y = 0; y < p->h; y += p->bh)
			for (uint32_t x = 0; x < p->w; x += p->bw) {
				uint16_t of = (uint16_t)plane;
				tmsize_t want = p->tiles || p->h - y >= p->bh ? size : (tmsize_t)(stride * (p->h - y));
				tmsize_t got =
					p->tiles ? TIFFReadEncodedTile(t, TIFFComputeTile(t, x, y, 0, of), *block, size)
						 : TIFFReadEncodedStrip(t, TIFFComputeStrip(t, y, of), *block, want);
				if (got != want || s->why[0])
					return failed(s, "is truncated or damaged", err);
				put_block(p, *block, stride, x, y, apart ? plane : -1, out);
			}
	return 0;
}

/* Samples to grey or RGB. */
static int finish(const struct page *p, struct image *out, struct err *err)
{
	size_t n = (size_t)out->h * (size_t)out->w, c = (size_t)out->c;
	unsigned char *px = out->px;
	if (p->photometric == PHOTOMETRIC_MINISWHITE)
		for (size_t i = 0; i < n; i++)
			px[i * c] = (unsigned char)(255 - px[i * c]);
	if (p->photometric == PHOTOMETRIC_SEPARATED) {
		for (size_t i = 0; i < 4 * n; i++)
			px[i] = (unsigned char)(255 - px[i]);
		image_from_inks(out);
	} else if (p->photometric == PHOTOMETRIC_PALETTE) {
		if (image_channels(out, 3, err))
			return -1;
		for (size_t i = 0; i < 3 * n; i++)
			out->px[i] = (unsigned char)(p->map[i % 3][out->px[i]] >> 8);
	} else if (p->premultiplied) {
		for (size_t i = 0; i < n; i++) {
			unsigned a = px[i * c + c - 1];
			for (size_t j = 0; j < c - 1; j++) {
				unsigned v = px[i * c + j], whole = a ? v * 255 / a : 0;
				px[i * (c - 1) + j] = (unsigned char)(whole < 255 ? whole : 255);
			}
		}
		out->c = (int)c - 1;
	}
	return 0;
}

static int body(TIFF *t, struct source *s, struct picture *to, unsigned char **block, struct err *err)
{
	struct page p;
	struct image *out = to->out;
	if (read_page(t, &p, to->opt, err))
		return s->why[0] ? failed(s, "", err) : -1;
	int grey = p.colours == 1 && p.photometric != PHOTOMETRIC_PALETTE;
	picture_header(to, p.h, p.w, grey ? 1 : 3, p.orientation);
	if (!out)
		return 0;
	if (!TIFFLastDirectory(t))
		err_phrase(s->note, 128, "the first of several pages is taken");
	if (image_shape(out, (int)p.h, (int)p.w, p.colours + p.premultiplied, err) ||
	    codec_room((size_t)p.samples * p.h * p.w, err) || /* a JPEG of several passes */
	    read_blocks(t, s, &p, out, block, err))
		return -1;
	return finish(&p, out, err);
}

int tiff_read(struct picture *p, struct err *err)
{
	struct source s = { .bytes = p->bytes, .len = p->len, .note = p->note };
	unsigned char *block = NULL;
	if (codec_room(4 * p->len, err))
		return -1;
	TIFFOpenOptions *how = TIFFOpenOptionsAlloc();
	if (!how)
		return err_memory(err);
	TIFFOpenOptionsSetMaxSingleMemAlloc(how, TAKE_MOST);
	TIFFOpenOptionsSetErrorHandlerExtR(how, on_error, &s);
	TIFFOpenOptionsSetWarningHandlerExtR(how, on_warning, &s);
	TIFF *t = TIFFClientOpenExt("", "r", &s, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap, how);
	TIFFOpenOptionsFree(how);
	int rc = t ? body(t, &s, p, &block, err) : failed(&s, "is damaged", err);
	if (t)
		TIFFClose(t);
	free(block);
	return rc;
}

#endif
