/* Chooses the decoder by an image's first bytes, and holds the limit on size that both share. */
#include "codec.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum codec codec_of(const unsigned char *bytes, size_t len)
{
	if (len >= 3 && !memcmp(bytes, "\xff\xd8\xff", 3))
		return CODEC_JPEG;
	if (len >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8))
		return CODEC_PNG;
	return CODEC_NONE;
}

static int neither(const unsigned char *bytes, size_t len, struct err *err)
{
	struct sniffed s;
	sniff(&s, bytes, len < SNIFF_BYTES ? len : SNIFF_BYTES, "");
	return !len	 ? err_set(err, "is empty")
	       : s.known ? err_set(err, "is %s, neither JPEG nor PNG; %s", s.what, s.remedy)
			 : err_set(err, "is neither JPEG nor PNG");
}

int codec_too_large(const struct codec_options *opt, uint64_t h, uint64_t w, struct err *err)
{
	/* both are below 2^31 in either format */
	if (!h || !w)
		return err_set(err, "has no pixels");
	if (h > 65535 || w > 65535 || h * w > (uint64_t)opt->max_pixels)
		return err_set(err, "announces %" PRIu64 "x%" PRIu64 " pixels; --max-pixels is %" PRId64, w, h,
			       opt->max_pixels);
	return 0;
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
	case CODEC_NONE:
		break;
	}
	return neither(bytes, len, err);
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
	case CODEC_NONE:
		break;
	}
	return neither(bytes, len, err);
}

void codec_scratch_release(struct codec_scratch *s)
{
	image_release(&s->decoded);
	image_release(&s->between);
}

int codec_record(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		 int channels, struct image *out, struct codec_scratch *scratch, struct err *err)
{
	char note[128];
	return codec_decode(bytes, len, opt, want, &scratch->decoded, &scratch->between, note, err) ||
			       image_record(&scratch->decoded, want, channels, out, &scratch->between, err)
		       ? -1
		       : 0;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
const char *codec_libraries(void)
{
#ifdef LIBJPEG_TURBO_VERSION
	return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION) ", libpng " PNG_LIBPNG_VER_STRING;
#else
	return "libjpeg " TEXT(JPEG_LIB_VERSION) ", libpng " PNG_LIBPNG_VER_STRING;
#endif
}
