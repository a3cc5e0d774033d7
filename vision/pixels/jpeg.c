/* JPEG by libjpeg. Its errors come back by longjmp to guarded(): what body() takes must hang on its arguments, where
 * it is freed whatever happens. A warning is an error, but for three that say nothing of the image. A lack of memory
 * is told apart from damage. `want` speaks of the upright image, so where orientation transposes it, its sides are
 * exchanged before the reduction while decoding is chosen. */
#include "formats.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* libjpeg calls error_exit, which must not return; its warnings come through emit_message. */
struct reader {
	struct jpeg_error_mgr mgr; /* first: libjpeg hands back a pointer to it */
	struct jpeg_progress_mgr progress;
	jmp_buf back;
	int no_memory;
	char *note; /* 128 bytes or NULL */
	char why[JMSG_LENGTH_MAX];
};

static void on_error(j_common_ptr jpeg)
{
	struct reader *r = (struct reader *)(void *)jpeg->err;
	r->mgr.format_message(jpeg, r->why);
	r->no_memory = r->mgr.msg_code == JERR_OUT_OF_MEMORY;
	longjmp(r->back, 1);
}

/* libjpeg paints over what it cannot decode and calls that a warning. Half an image is no training example: only
 * remarks about bytes between segments are let pass. */
static void on_message(j_common_ptr jpeg, int level)
{
	struct reader *r = (struct reader *)(void *)jpeg->err;
	if (level >= 0)
		return;
	switch (r->mgr.msg_code) {
	case JWRN_EXTRANEOUS_DATA:
	case JWRN_TOO_MUCH_DATA:
	case JWRN_ADOBE_XFORM:
		if (r->note && !r->note[0]) {
			r->mgr.format_message(jpeg, r->why);
			err_phrase(r->note, 128, "%s", r->why);
		}
		return;
	default:
		on_error(jpeg);
	}
}

/* A progressive file of a few kilobytes can name thousands of scans over a large image: minutes of work for nothing. */
static void on_progress(j_common_ptr jpeg)
{
	struct reader *r = (struct reader *)(void *)jpeg->err;
	if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > 100) {
		snprintf(r->why, sizeof r->why, "more than 100 scans");
		longjmp(r->back, 1);
	}
}

static int orientation_of(const struct jpeg_decompress_struct *jpeg)
{
	for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
		if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && !memcmp(m->data, "Exif\0\0", 6))
			return exif_orientation(m->data + 6, m->data_length - 6);
	return 1;
}

static int read_header(struct jpeg_decompress_struct *jpeg, struct picture *p, struct err *err)
{
	int n = jpeg->num_components;
	if (n != 1 && n != 3 && n != 4)
		return err_set(err, "is a JPEG of %d components", n);
	if (codec_too_large(p->opt, jpeg->image_height, jpeg->image_width, err))
		return -1;
	picture_header(p, jpeg->image_height, jpeg->image_width, n == 1 ? 1 : 3, orientation_of(jpeg));
	return 0;
}

/* The smallest of 1/8, 1/4, 1/2, 1 that leaves twice h x w: the triangle filter then does the last halving or more, and
 * the result is at least 46 dB from that of a whole decode (47 ImageNet files to 64x64; 30 dB where h x w itself is
 * enough). Other eighths have no SIMD code in libjpeg-turbo. */
static unsigned eighths(const struct jpeg_decompress_struct *jpeg, int h, int w)
{
	unsigned m = 1;
	while (m < 8 && ((uint64_t)jpeg->image_height * m < (uint64_t)h * 16 ||
			 (uint64_t)jpeg->image_width * m < (uint64_t)w * 16))
		m *= 2;
	return m;
}

/* Everything during which libjpeg may jump. */
static int body(struct jpeg_decompress_struct *jpeg, struct reader *r, struct picture *p, struct err *err)
{
	jpeg_create_decompress(jpeg);
	r->progress.progress_monitor = on_progress;
	jpeg->progress = &r->progress;
	jpeg_mem_src(jpeg, p->bytes, (unsigned long)p->len);
	jpeg_save_markers(jpeg, JPEG_APP0 + 1, 65535);
	jpeg_read_header(jpeg, TRUE);
	if (read_header(jpeg, p, err))
		return -1;
	if (!p->out)
		return 0;
	int sideways = p->info.orientation >= 5, cmyk = jpeg->num_components == 4;
	jpeg->out_color_space = cmyk ? JCS_CMYK : p->info.c == 1 ? JCS_GRAYSCALE : JCS_RGB;
	if (p->want) {
		struct geometry g = geometry_of(p->info.h, p->info.w, p->want->h, p->want->w, p->want->fit);
		jpeg->scale_num = eighths(jpeg, sideways ? g.rw : g.rh, sideways ? g.rh : g.rw);
		jpeg->scale_denom = 8;
	}
	jpeg_start_decompress(jpeg);
	if (image_shape(p->out, (int)jpeg->output_height, (int)jpeg->output_width, cmyk ? 4 : p->info.c, err))
		return -1;
	size_t stride = (size_t)jpeg->output_width * (size_t)jpeg->output_components;
	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row[8];
		JDIMENSION n = 0;
		for (; n < 8 && jpeg->output_scanline + n < jpeg->output_height; n++)
			row[n] = p->out->px + (jpeg->output_scanline + n) * stride;
		jpeg_read_scanlines(jpeg, row, n);
	}
	jpeg_finish_decompress(jpeg);
	p->out->full_h = (int)jpeg->image_height;
	p->out->full_w = (int)jpeg->image_width;
	p->out->eighths = (int)(jpeg->scale_denom == 8 ? jpeg->scale_num : 8);
	if (cmyk) /* Adobe writes them as image_from_inks wants them, and Pillow and browsers read all so */
		image_from_inks(p->out);
	return 0;
}

/* Only here is setjmp called, in a function that changes no variable of its own. */
static int guarded(struct jpeg_decompress_struct *jpeg, struct reader *r, struct picture *p, struct err *err)
{
	if (setjmp(r->back))
		return r->no_memory ? err_memory(err) : err_set(err, "JPEG: %s", r->why);
	return body(jpeg, r, p, err);
}

int jpeg_read(struct picture *p, struct err *err)
{
	struct jpeg_decompress_struct jpeg;
	struct reader r = { .note = p->note };
	memset(&jpeg, 0, sizeof jpeg);
	jpeg.err = jpeg_std_error(&r.mgr);
	r.mgr.error_exit = on_error;
	r.mgr.emit_message = on_message;
	int rc = guarded(&jpeg, &r, p, err);
	jpeg_destroy_decompress(&jpeg);
	return rc;
}

void jpeg_scratch_release(struct jpeg_scratch *s)
{
	image_release(&s->decoded);
	image_release(&s->between);
}

int jpeg_record(const unsigned char *bytes, size_t len, const struct codec_options *opt, const struct want *want,
		int channels, struct image *out, struct jpeg_scratch *scratch, struct err *err)
{
	char note[128] = "";
	struct image *decoded = &scratch->decoded, *between = &scratch->between;
	struct picture p = { bytes, len, opt, want, decoded, note, { .codec = CODEC_JPEG } };
	return jpeg_read(&p, err) || image_upright(decoded, p.info.orientation, between, err) ||
			       image_record(decoded, want, channels, out, between, err)
		       ? -1
		       : 0;
}
