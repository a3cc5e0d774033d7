/* Chooses the decoder by an image's first bytes. */
#include "bytes.h"
#include "codec.h"
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

const char *codec_name(enum codec c)
{
	static const char *const names[] = { [CODEC_NONE] = "",	    [CODEC_JPEG] = "JPEG", [CODEC_PNG] = "PNG",
					     [CODEC_WEBP] = "WebP", [CODEC_TIFF] = "TIFF", [CODEC_BMP] = "BMP" };
	return names[c];
}

int codec_without(const char *kind, const char *library, const char *package, struct err *err)
{
	return err_set(err, "is a %s image, which needs %s (Debian and Ubuntu: %s), and this build does without; "
			    "install that and make anew, or write it as PNG", kind, library, package);
}

static int none_of_them(const unsigned char *bytes, size_t len, struct err *err)
{
	struct sniffed s;
	sniff(&s, bytes, len < SNIFF_BYTES ? len : SNIFF_BYTES, "");
	return !len	 ? err_set(err, "is empty")
	       : s.known ? err_set(err, "is %s, none of JPEG, PNG, WebP, TIFF, BMP; %s", s.what, s.remedy)
			 : err_set(err, "is none of JPEG, PNG, WebP, TIFF, BMP");
}

int codec_probe(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image_info *info,
		struct err *err)
{
	*info = (struct image_info){ .codec = codec_of(bytes, len), .orientation = 1 };
	switch (info->codec) {
	case CODEC_JPEG:
		return jpeg_probe(bytes, len, opt, info, err);
	case CODEC_PNG:
		return png_probe(bytes, len, opt, info, err);
	case CODEC_WEBP:
		return webp_probe(bytes, len, opt, info, err);
	case CODEC_TIFF:
		return tiff_probe(bytes, len, opt, info, err);
	case CODEC_BMP:
		return bmp_probe(bytes, len, opt, info, err);
	case CODEC_NONE:
		break;
	}
	return none_of_them(bytes, len, err);
}

int codec_decode(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		 struct image *out, struct image *scratch, char *note, struct err *err)
{
	note[0] = 0;
	switch (codec_of(bytes, len)) {
	case CODEC_JPEG:
		return jpeg_decode(bytes, len, opt, want, out, scratch, note, err);
	case CODEC_PNG:
		return png_decode(bytes, len, opt, out, scratch, note, err);
	case CODEC_WEBP:
		return webp_decode(bytes, len, opt, out, scratch, note, err);
	case CODEC_TIFF:
		return tiff_decode(bytes, len, opt, out, scratch, note, err);
	case CODEC_BMP:
		return bmp_decode(bytes, len, opt, out, err);
	case CODEC_NONE:
		break;
	}
	return none_of_them(bytes, len, err);
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
