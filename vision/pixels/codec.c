/* Chooses the decoder by an image's first bytes. */
#include "bytes.h"
#include "formats.h"
#include "pipeline/stream/sniff.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#ifdef VIC_LIB_tiff
#include <tiffio.h>
#endif

/* "BM" begins many a text, so the length of the header after the file's own must be one that there is. */
static int is_bmp(const unsigned char *bytes, size_t len)
{
	static const unsigned char header[] = { 12, 16, 40, 52, 56, 64, 108, 124 };
	return len >= 18 && !memcmp(bytes, "BM", 2) && u32_of(bytes + 14, 0) < 256 &&
	       memchr(header, bytes[14], sizeof header);
}

enum codec codec_of(const unsigned char *bytes, size_t len)
{
	static const char tiff[4][5] = { "II*\0", "MM\0*", "II+\0", "MM\0+" }; /* "+": BigTIFF */
	if (len >= 3 && !memcmp(bytes, "\xff\xd8\xff", 3))
		return CODEC_JPEG;
	if (len >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8))
		return CODEC_PNG;
	if (len >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4))
		return CODEC_WEBP;
	for (int i = 0; len >= 4 && i < 4; i++)
		if (!memcmp(bytes, tiff[i], 4))
			return CODEC_TIFF;
	return is_bmp(bytes, len) ? CODEC_BMP : CODEC_NONE;
}

static const struct format {
	const char *name;
	int (*read)(struct picture *p, struct err *err); /* NULL: the build lacks the library */
	const char *library, *package;
} formats[] = {
	[CODEC_NONE] = { "", NULL, NULL, NULL },
	[CODEC_JPEG] = { "JPEG", jpeg_read, NULL, NULL },
	[CODEC_PNG] = { "PNG", png_read, NULL, NULL },
#ifdef VIC_LIB_webp
	[CODEC_WEBP] = { "WebP", webp_read, NULL, NULL },
#else
	[CODEC_WEBP] = { "WebP", NULL, "libwebp", "libwebp-dev" },
#endif
#ifdef VIC_LIB_tiff
	[CODEC_TIFF] = { "TIFF", tiff_read, NULL, NULL },
#else
	[CODEC_TIFF] = { "TIFF", NULL, "libtiff", "libtiff-dev" },
#endif
	[CODEC_BMP] = { "BMP", bmp_read, NULL, NULL },
};

const char *codec_name(enum codec c)
{
	return formats[c].name;
}

static int none_of_them(const unsigned char *bytes, size_t len, struct err *err)
{
	struct sniffed s;
	sniff(&s, bytes, len < SNIFF_BYTES ? len : SNIFF_BYTES, "");
	return !len	 ? err_set(err, "is empty")
	       : s.known ? err_set(err, "is %s, none of JPEG, PNG, WebP, TIFF, BMP; %s", s.what, s.remedy)
			 : err_set(err, "is none of JPEG, PNG, WebP, TIFF, BMP");
}

static int read_picture(struct picture *p, struct err *err)
{
	p->info = (struct image_info){ .codec = codec_of(p->bytes, p->len), .orientation = 1 };
	const struct format *f = &formats[p->info.codec];
	if (p->info.codec == CODEC_NONE)
		return none_of_them(p->bytes, p->len, err);
	if (!f->read)
		return err_set(err, "is a %s image, which needs %s (Debian and Ubuntu: %s), and this build does "
				    "without; install that and make anew, or write it as PNG",
			       f->name, f->library, f->package);
	return f->read(p, err);
}

int codec_probe(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image_info *info,
		struct err *err)
{
	struct picture p = { .bytes = bytes, .len = len, .opt = opt };
	int rc = read_picture(&p, err);
	*info = p.info;
	return rc;
}

int codec_decode(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		 struct image *out, struct image *scratch, char *note, struct err *err)
{
	struct picture p = { bytes, len, opt, want, out, note, { 0 } };
	note[0] = 0;
	return read_picture(&p, err) ? -1 : image_upright(out, p.info.orientation, scratch, err);
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#ifdef LIBJPEG_TURBO_VERSION
#define JPEG_TEXT "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION)
#else
#define JPEG_TEXT "libjpeg " TEXT(JPEG_LIB_VERSION)
#endif
#ifdef VIC_LIB_webp /* its headers have no version */
#define WEBP_TEXT ", libwebp"
#else
#define WEBP_TEXT ""
#endif
#if defined(TIFFLIB_VERSION_STR_MAJ_MIN_MIC) /* since 4.5.1 */
#define TIFF_TEXT ", libtiff " TIFFLIB_VERSION_STR_MAJ_MIN_MIC
#elif defined(VIC_LIB_tiff)
#define TIFF_TEXT ", libtiff"
#else
#define TIFF_TEXT ""
#endif

const char *codec_libraries(void)
{
	return JPEG_TEXT ", libpng " PNG_LIBPNG_VER_STRING WEBP_TEXT TIFF_TEXT;
}
