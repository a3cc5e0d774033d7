/* WebP by libwebp, to RGB without alpha. Of an animation the first frame is taken as it is shown, on transparent black,
 * and it is said. The container's length is checked first, so that a file whose end is missing is called that. */
#include "bytes.h"
#include "codec.h"

#ifdef VIC_LIB_webp

#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

enum { HEAD = 12 };

static int bad(VP8StatusCode code, struct err *err)
{
	static const char *const why[] = { [VP8_STATUS_INVALID_PARAM] = "cannot be decoded",
					   [VP8_STATUS_BITSTREAM_ERROR] = "is damaged",
					   [VP8_STATUS_UNSUPPORTED_FEATURE] = "libwebp does not know a feature of it",
					   [VP8_STATUS_NOT_ENOUGH_DATA] = "is truncated" };
	if (code == VP8_STATUS_OUT_OF_MEMORY)
		return err_memory(err);
	const char *text = (size_t)code < sizeof why / sizeof *why ? why[code] : NULL;
	return err_set(err, "WebP: %s", text ? text : "cannot be decoded");
}

/* The EXIF chunk's orientation; some writers put a JPEG's "Exif" and two zeros before it. */
static int orientation_of(const unsigned char *bytes, size_t len)
{
	for (size_t at = HEAD; at + 8 <= len;) {
		size_t n = u32_of(bytes + at + 4, 0);
		const unsigned char *p = bytes + at + 8;
		if (n > len - at - 8)
			return 1;
		if (!memcmp(bytes + at, "EXIF", 4)) {
			size_t skip = n >= 6 && !memcmp(p, "Exif\0\0", 6) ? 6 : 0;
			return exif_orientation(p + skip, n - skip);
		}
		at += 8 + n + n % 2;
	}
	return 1;
}

/* *len becomes the container's own; what follows it is none of the picture. */
static int look(const unsigned char *bytes, size_t *len, const struct codec_options *opt, struct image_info *info,
		int *moves, struct err *err)
{
	WebPBitstreamFeatures f;
	uint64_t own = 8 + (uint64_t)u32_of(bytes + 4, 0);
	own += own % 2;
	if (*len < own)
		return err_set(err, "WebP: is truncated: %zu of %llu bytes", *len, (unsigned long long)own);
	*len = (size_t)own;
	VP8StatusCode code = WebPGetFeatures(bytes, *len, &f);
	if (code != VP8_STATUS_OK)
		return bad(code, err);
	if (codec_too_large(opt, (uint64_t)f.height, (uint64_t)f.width, err))
		return -1;
	int o = opt->as_stored ? 1 : orientation_of(bytes, *len);
	*info = (struct image_info){ CODEC_WEBP, o >= 5 ? f.width : f.height, o >= 5 ? f.height : f.width, 3, o };
	*moves = f.has_animation;
	return 0;
}

static int first_frame(const unsigned char *bytes, size_t len, struct image *out, char *note, struct err *err)
{
	WebPData data = { bytes, len };
	WebPAnimDecoderOptions how;
	WebPAnimInfo info = { 0 };
	uint8_t *frame = NULL;
	int when, rc = -1;
	if (!WebPAnimDecoderOptionsInit(&how))
		return err_set(err, "WebP: libwebp is of another version than its header");
	how.color_mode = MODE_RGBA;
	WebPAnimDecoder *d = WebPAnimDecoderNew(&data, &how);
	if (!d || !WebPAnimDecoderGetInfo(d, &info) || !WebPAnimDecoderGetNext(d, &frame, &when)) {
		err_set(err, "WebP: the animation is damaged, or there is no memory for it");
	} else if ((int)info.canvas_height != out->h || (int)info.canvas_width != out->w) {
		err_set(err, "WebP: is damaged");
	} else {
		for (size_t i = 0; i < (size_t)out->h * (size_t)out->w; i++)
			memcpy(out->px + 3 * i, frame + 4 * i, 3);
		if (info.frame_count > 1)
			err_phrase(note, 128, "an animation: the first of %u frames is taken", info.frame_count);
		rc = 0;
	}
	WebPAnimDecoderDelete(d);
	return rc;
}

static int still(const unsigned char *bytes, size_t len, struct image *out, struct err *err)
{
	WebPDecoderConfig c;
	if (!WebPInitDecoderConfig(&c))
		return err_set(err, "WebP: libwebp is of another version than its header");
	c.output.colorspace = MODE_RGB;
	c.output.is_external_memory = 1;
	c.output.u.RGBA.rgba = out->px;
	c.output.u.RGBA.stride = 3 * out->w;
	c.output.u.RGBA.size = image_bytes(out);
	VP8StatusCode code = WebPDecode(bytes, len, &c);
	return code == VP8_STATUS_OK ? 0 : bad(code, err);
}

int webp_probe(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image_info *info,
	       struct err *err)
{
	int moves;
	return look(bytes, &len, opt, info, &moves, err);
}

int webp_decode(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image *out,
		struct image *scratch, char *note, struct err *err)
{
	struct image_info info;
	int moves;
	if (look(bytes, &len, opt, &info, &moves, err))
		return -1;
	int sideways = info.orientation >= 5;
	if (image_shape(out, sideways ? info.w : info.h, sideways ? info.h : info.w, 3, err) ||
	    codec_room((moves ? 16 : 8) * (size_t)info.h * (size_t)info.w, err) || /* 4 bytes a pixel, once or more */
	    (moves ? first_frame(bytes, len, out, note, err) : still(bytes, len, out, err)))
		return -1;
	return image_upright(out, info.orientation, scratch, err);
}

#else

int webp_probe(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image_info *info,
	       struct err *err)
{
	(void)bytes, (void)len, (void)opt, (void)info;
	return codec_without("WebP", "libwebp", "libwebp-dev", err);
}

int webp_decode(const unsigned char *bytes, size_t len, const struct codec_options *opt, struct image *out,
		struct image *scratch, char *note, struct err *err)
{
	(void)bytes, (void)len, (void)opt, (void)out, (void)scratch, (void)note;
	return codec_without("WebP", "libwebp", "libwebp-dev", err);
}

#endif
