/* picture: what every fuzz target of decoded images checks. */
#ifndef VIC_FUZZ_PICTURE_H
#define VIC_FUZZ_PICTURE_H

#include "vision/pixels/codec.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes as an image: refused or decoded, whole and halved, within the pixels allowed, as its header was read. */
static inline void fuzz_picture(const uint8_t *data, size_t size)
{
	static const struct codec_options opt = { .max_pixels = 1 << 14 };
	static const struct want want = { 3, 5, FIT_CROP };
	struct image a = { 0 }, b = { 0 }, c = { 0 };
	struct image_info info;
	struct err err = ERR_NONE;
	char note[128];
	int known = !codec_probe(data, size, &opt, &info, &err);
	if (!codec_decode(data, size, &opt, NULL, &a, &b, note, &err)) {
		if (!known || a.h != info.h || a.w != info.w || a.c != info.c || a.h * a.w > opt.max_pixels)
			abort();
		for (size_t i = 0; i < image_bytes(&a); i++) /* every pixel promised is there */
			a.px[i] ^= 1;
		struct geometry g = geometry_of(a.full_h, a.full_w, want.h, want.w, want.fit);
		if (image_resize(&a, &g, &c, &b, &err) || c.h != 3 || c.w != 5)
			abort();
	}
	if (!codec_decode(data, size, &opt, &want, &a, &b, note, &err)) {
		struct geometry g = geometry_of(a.full_h, a.full_w, want.h, want.w, want.fit);
		if (image_resize(&a, &g, &c, &b, &err) || image_channels(&c, 1, &err) || image_channels(&c, 3, &err))
			abort();
	}
	image_release(&a);
	image_release(&b);
	image_release(&c);
}

#endif
