/* codec: JPEG (libjpeg-turbo), PNG (libpng), WebP (libwebp), TIFF (libtiff) and BMP bytes to pixels. What the bytes are
 * is told by their first ones, not by a file's name: ImageNet's training set has a PNG called .JPEG. Functions are safe
 * on any bytes, in any thread; what an image announces is bounded before memory is taken for it. A build without
 * libwebp or libtiff knows such pictures, and names what it lacks. */
#ifndef VIC_CODEC_H
#define VIC_CODEC_H

#include "image.h"

#include <stdint.h>

enum codec { CODEC_NONE, CODEC_JPEG, CODEC_PNG, CODEC_WEBP, CODEC_TIFF, CODEC_BMP };

enum { CODEC_MAX_PIXELS = 1 << 26 /* where nobody says otherwise */ };
struct codec_options {
	int64_t max_pixels; /* height x width above this is refused */
	int as_stored;	    /* 1: EXIF orientation is not applied */
	const char *too_many; /* ends "announces 9x9 pixels, more than the 80 ..."; NULL: max_pixels is --max-pixels */
};

struct image_info {
	enum codec codec;
	int h, w, c;	 /* as codec_decode gives it: upright; c 1 or 3 */
	int orientation; /* EXIF, 1..8; 1 with as_stored, or where the tag is absent or invalid */
};

enum codec codec_of(const unsigned char *bytes, size_t len);
/* "PNG" and so on; "" for CODEC_NONE. */
const char *codec_name(enum codec c);
/* Reads the header only. Errors: none of the formats, damaged, more than max_pixels. */
int codec_probe(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image_info *info,
		struct err *err) VIC_CHECKED;
/* Decodes to 1 or 3 channels: palettes are looked up, 16 bits become 8, alpha is dropped, CMYK becomes RGB; of several
 * pages or frames the first is taken, and `note` says so. A JPEG may
 * be decoded at 1/2, 1/4 or 1/8 of its size where that leaves at least twice what `want` needs; NULL decodes it whole.
 * A damaged image (the end missing, wrong codes) is an error. `note` (128 bytes) receives what the decoder remarked
 * without it being damage, or "". */
int codec_decode(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		 struct image *out, struct image *scratch, char *note, struct err *err) VIC_CHECKED;

/* One thread's memory for jpeg_record; zeroed at first, kept from image to image. */
struct jpeg_scratch {
	struct image decoded, between;
};
void jpeg_scratch_release(struct jpeg_scratch *s);
/* A JPEG's bytes to a record of want's size with 1 or 3 channels: decoded, upright, then image_record. */
int jpeg_record(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		int channels, struct image *out, struct jpeg_scratch *scratch, struct err *err) VIC_CHECKED;

/* "libjpeg-turbo 2.1.5, libpng 1.6.39, ..." for --version: those that the build has. */
const char *codec_libraries(void);

#endif
