/* What readers of image formats say of a header, and the limits that they ask for before they take memory. Apart from
 * codec.c, so that a program that decodes JPEG alone is linked with that library alone. */
#include "formats.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SIDE_MAX = 65535, BESIDE = 1 << 20 /* tables and rows that do not grow with the picture */ };

int codec_room(size_t bytes, struct err *err)
{
	unsigned char *p = NULL;
	size_t cap = 0;
	if (mem_grow(&p, &cap, bytes + BESIDE, 1, err)) /* which clears nothing */
		return -1;
	free(p);
	return 0;
}

int codec_too_large(const struct codec_options *opt, uint64_t h, uint64_t w, struct err *err)
{
	if (!h || !w)
		return err_set(err, "has no pixels");
	if (h > SIDE_MAX || w > SIDE_MAX)
		return err_set(err, "announces %" PRIu64 "x%" PRIu64 " pixels; the longest side that is read is %d", w,
			       h, SIDE_MAX);
	if (h * w <= (uint64_t)opt->max_pixels)
		return 0;
	return opt->too_many ? err_set(err, "announces %" PRIu64 "x%" PRIu64 " pixels, more than the %" PRId64 " %s", w,
				       h, opt->max_pixels, opt->too_many)
			     : err_set(err, "announces %" PRIu64 "x%" PRIu64 " pixels; --max-pixels is %" PRId64, w, h,
				       opt->max_pixels);
}

void picture_header(struct picture *p, uint32_t h, uint32_t w, int c, int orientation)
{
	int o = p->opt->as_stored || orientation < 1 || orientation > 8 ? 1 : orientation, sideways = o >= 5;
	p->info.h = (int)(sideways ? w : h);
	p->info.w = (int)(sideways ? h : w);
	p->info.c = c;
	p->info.orientation = o;
}
