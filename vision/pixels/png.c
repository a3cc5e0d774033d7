/* PNG by libpng, to 8 bits and 1 or 3 channels without alpha. Its errors come back by longjmp to guarded(): what
 * body() takes must hang on its arguments, where it is freed whatever happens. libpng takes its memory through
 * on_malloc, so that a lack of it is told apart from damage. */
#include "formats.h"
#include "pipeline/base/mem.h"

#include <setjmp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

enum { CHUNK_MAX = 8 << 20 }; /* bytes of one ancillary chunk when unpacked: profiles and texts */

struct source {
	const unsigned char *bytes;
	size_t len, at;
	char *note; /* 128 bytes or NULL */
	png_bytep *rows;
	int no_memory; /* an allocation has failed: what libpng says after that is not the image's fault */
	char why[200];
};

static void on_error(png_structp png, png_const_charp text)
{
	struct source *s = png_get_error_ptr(png);
	err_phrase(s->why, sizeof s->why, "%s", text);
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
	struct source *s = png_get_error_ptr(png);
	if (s->note && !s->note[0])
		err_phrase(s->note, 128, "%s", text);
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t n)
{
	struct source *s = png_get_mem_ptr(png);
	void *p = malloc(n);
	s->no_memory |= !p;
	return p;
}

static void on_free(png_structp png, png_voidp p)
{
	(void)png;
	free(p);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
	struct source *s = png_get_io_ptr(png);
	if (n > s->len - s->at)
		png_error(png, "ends too early");
	memcpy(to, s->bytes + s->at, n);
	s->at += n;
}

static void read_header(png_structp png, png_infop info)
{
	png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* codec_too_large says it better, before memory is taken */
	png_set_chunk_malloc_max(png, CHUNK_MAX);
	png_set_chunk_cache_max(png, 128);
	png_read_info(png, info);
}

/* Of an eXIf chunk before the pixels, as Pillow writes it. */
static int orientation_of(png_structp png, png_infop info)
{
#ifdef PNG_eXIf_SUPPORTED
	png_bytep exif;
	png_uint_32 n;
	if (png_get_eXIf_1(png, info, &n, &exif))
		return exif_orientation(exif, n);
#endif
	(void)png, (void)info;
	return 1;
}

/* Everything that may jump back; what it allocates hangs on its arguments. */
static int body(png_structp png, png_infop info, struct picture *p, struct source *s, struct err *err)
{
	read_header(png, info);
	png_uint_32 w = png_get_image_width(png, info), h = png_get_image_height(png, info);
	int type = png_get_color_type(png, info), c = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
	if (codec_too_large(p->opt, h, w, err))
		return -1;
	picture_header(p, h, w, c, orientation_of(png, info));
	if (!p->out)
		return 0;
	png_set_scale_16(png);
	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(png);
	else if (c == 1 && png_get_bit_depth(png, info) < 8)
		png_set_expand_gray_1_2_4_to_8(png);
	png_set_strip_alpha(png);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
	size_t stride = png_get_rowbytes(png, info);
	if (stride != (size_t)w * (size_t)c)
		return err_set(err, "PNG: rows of %zu bytes for %u pixels", stride, w);
	if (image_shape(p->out, (int)h, (int)w, c, err) || mem_alloc(&s->rows, h, sizeof *s->rows, err))
		return -1;
	for (png_uint_32 y = 0; y < h; y++)
		s->rows[y] = p->out->px + y * stride;
	png_read_image(png, s->rows);
	png_read_end(png, NULL);
	return 0;
}

/* Only here is setjmp called, in a function that changes no variable of its own. */
static int guarded(png_structp png, png_infop info, struct picture *p, struct source *s, struct err *err)
{
	if (setjmp(png_jmpbuf(png)))
		return err_set(err, "PNG: %s", s->why);
	png_set_read_fn(png, s, on_read);
	return body(png, info, p, s, err);
}

int png_read(struct picture *p, struct err *err)
{
	struct source s = { .bytes = p->bytes, .len = p->len, .note = p->note };
	png_structp png =
		png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s, on_malloc, on_free);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int rc = info ? guarded(png, info, p, &s, err) : -1;
	if (!info || s.no_memory)
		rc = err_memory(err);
	png_destroy_read_struct(&png, &info, NULL);
	free(s.rows);
	return rc;
}
