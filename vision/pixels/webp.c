/* WebP by libwebp, to RGB without alpha. Of an animation the first frame is taken as it is shown, on transparent black,
 * and it is said. The container's length is checked first, so that a file whose end is missing is called that. */
#include "bytes.h"
#include "formats.h"

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

/* p->len becomes the container's own; what follows it is none of the picture. */
static int look(struct picture *p, WebPBitstreamFeatures *f, struct err *err)
{
	uint64_t own = 8 + (uint64_t)u32_of(p->bytes + 4, 0);
	own += own % 2;
	if (p->len < own)
		return err_set(err, "WebP: is truncated: %zu of %llu bytes", p->len, (unsigned long long)own);
	p->len = (size_t)own;
	VP8StatusCode code = WebPGetFeatures(p->bytes, p->len, f);
	if (code != VP8_STATUS_OK)
		return bad(code, err);
	if (codec_too_large(p->opt, (uint64_t)f->height, (uint64_t)f->width, err))
		return -1;
	picture_header(p, (uint32_t)f->height, (uint32_t)f->width, 3, orientation_of(p->bytes, p->len));
	return 0;
}

static int first_frame(const struct picture *p, struct err *err)
{
	struct image *out = p->out;
	WebPData data = { p->bytes, p->len };
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
			err_phrase(p->note, 128, "an animation: the first of %u frames is taken", info.frame_count);
		rc = 0;
	}
	WebPAnimDecoderDelete(d);
	return rc;
}

static int still(const struct picture *p, struct err *err)
{
	WebPDecoderConfig c;
	if (!WebPInitDecoderConfig(&c))
		return err_set(err, "WebP: libwebp is of another version than its header");
	c.output.colorspace = MODE_RGB;
	c.output.is_external_memory = 1;
	c.output.u.RGBA.rgba = p->out->px;
	c.output.u.RGBA.stride = 3 * p->out->w;
	c.output.u.RGBA.size = image_bytes(p->out);
	VP8StatusCode code = WebPDecode(p->bytes, p->len, &c);
	return code == VP8_STATUS_OK ? 0 : bad(code, err);
}

int webp_read(struct picture *p, struct err *err)
{
	WebPBitstreamFeatures f;
	if (look(p, &f, err))
		return -1;
	if (!p->out)
		return 0;
	size_t pixels = (size_t)f.height * (size_t)f.width;
	if (image_shape(p->out, f.height, f.width, 3, err) ||
	    codec_room((f.has_animation ? 16 : 8) * pixels, err)) /* 4 bytes a pixel, once or more */
		return -1;
	return f.has_animation ? first_frame(p, err) : still(p, err);
}

#endif
