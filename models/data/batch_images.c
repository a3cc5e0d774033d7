/* The images of a batch: a pointer and a window for each; the op `images` cuts, flips and normalises. A window
 * depends on seed, epoch and record, never on the batch, so a partner is cut as it is in its own batch. The order of
 * the draws (y, x, flip; of windows that are resized area and ratio before them, again until they fit) is part of the
 * results. In prediction the window is the middle. JPEG records have their places in memory before there are pixels. */
#include "batch.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>

void batch_images_begin(struct batcher *b)
{
	struct err unheard = ERR_NONE;
	if (batch_ready(b, &unheard)) /* of the batch before, which nobody took */
		unheard = ERR_NONE;
	b->decoding.n = 0;
	const struct stream_head *head = &b->data->head;
	int is_float = head->encoding == ENCODING_F32;
	for (int c = 0; c < head->channels; c++) { /* floats have 1 where bytes have 255 */
		b->scale[c] = (float)((is_float ? 255.0 : 1.0) / b->preprocessing.deviation[c]);
		b->shift[c] = (float)(-b->preprocessing.mean[c] / b->preprocessing.deviation[c]);
	}
	b->images = (struct images){ .h = head->height, .w = head->width, .c = head->channels, .is_float = is_float,
				     .pixel = b->pixel, .item = b->record, .view = b->view, .scale = b->scale,
				     .shift = b->shift };
	b->batch.images = &b->images;
}

/* As get_params of torchvision.transforms.RandomResizedCrop draws it and, where ten draws are too large, takes it. */
static struct view draw_resized(struct rng *r, int h, int w, double low, double high)
{
	const double widest = 4.0 / 3;
	for (int i = 0; i < 10; i++) {
		double area = (double)h * w * (low + (high - low) * rng_real(r));
		double ratio = exp(log(widest) * (2 * rng_real(r) - 1));
		double wide = rint(sqrt(area * ratio)), tall = rint(sqrt(area / ratio));
		if (wide < 1 || wide > w || tall < 1 || tall > h)
			continue;
		struct view v = { .h = (int)tall, .w = (int)wide };
		v.y = (int)rng_below(r, (uint32_t)(h - v.h) + 1);
		v.x = (int)rng_below(r, (uint32_t)(w - v.w) + 1);
		return v;
	}
	struct view v = { .h = h, .w = w };
	if (w * widest < h)
		v.h = (int)rint(w * widest);
	else if (w > h * widest)
		v.w = (int)rint(h * widest);
	v.y = (h - v.h) / 2;
	v.x = (w - v.w) / 2;
	return v;
}

int batch_images_add(struct batcher *b, uint32_t item, struct err *err)
{
	const struct preprocessing *f = &b->preprocessing;
	size_t at = (size_t)b->images.count;
	int h = b->images.h - f->h, w = b->images.w - f->w; /* rows and columns to spare */
	struct view v = { .y = h / 2, .x = w / 2 };
	if (mem_grow(&b->pixel, &b->cap_pixel, at + 1, sizeof *b->pixel, err) ||
	    mem_grow(&b->record, &b->cap_record, at + 1, sizeof *b->record, err) ||
	    mem_grow(&b->view, &b->cap_view, at + 1, sizeof *b->view, err))
		return -1;
	if (b->training) {
		struct rng r;
		rng_init(&r, b->seed, RNG_AUGMENT, b->epoch, item);
		if (f->scale_high > 0) {
			v = draw_resized(&r, b->images.h, b->images.w, f->scale_low, f->scale_high);
		} else {
			v.y = (int)rng_below(&r, (uint32_t)(h + 2 * f->pad) + 1) - f->pad;
			v.x = (int)rng_below(&r, (uint32_t)(w + 2 * f->pad) + 1) - f->pad;
		}
		v.flip = f->flip && rng_u32(&r) >> 31;
	}
	b->pixel[at] = b->pictures ? NULL : b->data->images.pixel[item];
	b->record[at] = item;
	b->view[at] = v;
	b->images.count++;
	b->images.pixel = b->pixel; /* these may have moved */
	b->images.item = b->record;
	b->images.view = b->view;
	return 0;
}

/* The image at this place of the batch is one that is decoded. */
static void want(struct batcher *b, uint32_t at)
{
	int k = b->decoding.n++;
	b->place[k] = at;
	b->wanted[k] = b->record[at];
}

int batch_images_decode(struct batcher *b, struct err *err)
{
	size_t most = (size_t)b->images.count, bytes = pictures_bytes(b->data);
	int from = b->to ? b->from : 0, to = b->to ? b->to : b->batch.n;
	if (mem_grow(&b->place, &b->cap_place, most, sizeof *b->place, err) ||
	    mem_grow(&b->wanted, &b->cap_wanted, most, sizeof *b->wanted, err))
		return -1;
	for (int i = from; i < to; i++)
		want(b, (uint32_t)i);
	/* no two records have one partner */
	for (int i = from; b->batch.partner && i < to; i++)
		if (b->batch.partner[i] < (uint32_t)from || b->batch.partner[i] >= (uint32_t)to)
			want(b, b->batch.partner[i]);
	b->decoding.data = b->data;
	b->decoding.record = b->wanted;
	if (pictures_begin(b->pictures, &b->decoding, err))
		return -1;
	for (int k = 0; k < b->decoding.n; k++)
		b->pixel[b->place[k]] = b->decoding.pixel + (size_t)k * bytes;
	return 0;
}
