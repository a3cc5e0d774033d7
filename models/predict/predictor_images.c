/* Images for prediction: what fits the model is settled by the document's head; records are used where they lie in
 * the block. */
#include "predictor.h"

#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"

/* What the model's JPEG records were brought to. */
static int take_form(struct predictor *p, struct err *err)
{
	const struct model *m = p->model;
	if (!m->picture.h)
		return err_set(err,
			       "its records are JPEG files, and the model's were pixels of %dx%d; vic-images --format "
			       "stream, with --resize as for these, decodes them",
			       m->config.image.h, m->config.image.w);
	image_data_form(&p->data, &m->picture, m->config.image.c);
	return 0;
}

int predictor_images_document(struct predictor *p, const struct stream_head *head, struct err *err)
{
	struct shape s = p->model->config.image;
	int cropped = p->model->cropped;
	if (head->kind != STREAM_IMAGES)
		return err_set(err, "is a stream of %s; this model reads images; %s", stream_kind_name(head->kind),
			       sniff_stream_remedy(stream_kind_name(head->kind)));
	if (image_data_usable(head, err))
		return -1;
	if (head->encoding == ENCODING_JPEG)
		return take_form(p, err);
	if (head->channels != s.c)
		return err_set(err, "its images have %d channel%s, the model's %d; vic-images --channels changes that",
			       head->channels, head->channels == 1 ? "" : "s", s.c);
	if (cropped ? head->height < s.h || head->width < s.w : head->height != s.h || head->width != s.w)
		return err_set(err, "its images are %dx%d, the model reads %dx%d%s; vic-images --resize changes that",
			       head->height, head->width, s.h, s.w, cropped ? " of the middle" : "");
	return 0;
}

/* The pixels stay where they are: in the block, which outlives the batches made of it. */
int predictor_images_add(struct predictor *p, const unsigned char *record, size_t len, struct err *err)
{
	struct image_data *m = &p->data.images;
	if (mem_grow(&m->pixel, &m->cap_pixel, p->data.n + 1, sizeof *m->pixel, err) ||
	    mem_grow(&m->len, &m->cap_len, p->data.n + 1, sizeof *m->len, err))
		return -1;
	m->pixel[p->data.n] = record;
	m->len[p->data.n] = (uint32_t)len;
	return 0;
}
