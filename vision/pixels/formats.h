/* formats: what the readers of the single image formats share. codec.c chooses among them; whoever wants an image
 * decoded includes codec.h. */
#ifndef VIC_FORMATS_H
#define VIC_FORMATS_H

#include "codec.h"

/* One image that is read: whole, or its header alone. All pointers are the caller's. */
struct picture {
	const unsigned char *bytes;
	size_t len;
	const struct codec_options *opt;
	const struct want *want; /* what a JPEG need not be larger than twice; NULL: all of it */
	struct image *out;	 /* the pixels as they are stored, not yet upright; NULL: only `info` is wanted */
	char *note;		 /* 128 bytes, "" at first: what the decoder remarks; NULL where out is */
	struct image_info info;	 /* filled in by picture_header; `codec` by codec.c */
};

/* Fill in p->info and, where it is wanted, *p->out. Safe on any bytes, whatever is their format. Errors: damaged, more
 * than is read, a kind of the format that is not read. */
int jpeg_read(struct picture *p, struct err *err) VIC_CHECKED;
int png_read(struct picture *p, struct err *err) VIC_CHECKED;
int webp_read(struct picture *p, struct err *err) VIC_CHECKED; /* in builds with libwebp */
int tiff_read(struct picture *p, struct err *err) VIC_CHECKED; /* in builds with libtiff */
int bmp_read(struct picture *p, struct err *err) VIC_CHECKED;

/* p->info from a header that says h x w pixels, c channels and an orientation; any but 1..8, and all where the options
 * say as_stored, mean 1. */
void picture_header(struct picture *p, uint32_t h, uint32_t w, int c, int orientation);
/* An error where one is: no pixels, more than is read. */
int codec_too_large(const struct codec_options *opt, uint64_t h, uint64_t w, struct err *err) VIC_CHECKED;
/* 0 where the system has `bytes` to give, and some beside: asked before libwebp 1.2 or libtiff 4.5 take that much, for
 * where an allocation of theirs fails they read through a null pointer, or call the image damaged. */
int codec_room(size_t bytes, struct err *err) VIC_CHECKED;
/* The orientation 1..8 in EXIF data (in a JPEG after "Exif" and two zeros); 1 where there is none. */
int exif_orientation(const unsigned char *tiff, size_t n);

#endif
