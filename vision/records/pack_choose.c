/* What the records of a document are: encoding, size and channels, by options and, where those leave it open, by a look
 * at every picture's header. */
#include "pack_parts.h"

static void look_task(void *arg, int task, int worker)
{
	struct packer *p = arg;
	struct slot *t = &p->slot[task];
	const unsigned char *bytes;
	size_t len;
	t->rc = p->s->ops->file(p->s, &t->item, &bytes, &len, &p->scratch[worker], &t->err) ||
		codec_probe(bytes, len, &p->s->opt.codec, &t->info, &t->err);
}

/* auto: raw where all images have one size, the files' own bytes where not and all are JPEG. Looks at every header. */
static int choose_encoding(struct packer *p, struct err *err)
{
	int differ = 0, h = 0, w = 0;
	char other[1024] = ""; /* a picture that is no JPEG */
	enum codec kind = CODEC_NONE;
	while (!differ || !*other) {
		if (pack_fill(p, err))
			return -1;
		if (!p->n)
			break;
		pool_run(p->pool, p->n, look_task, p);
		for (int i = 0; i < p->n; i++) {
			const struct image_info *info = &p->slot[i].info;
			if (p->slot[i].rc && p->slot[i].err.cause == CAUSE_SYSTEM)
				return pack_bad(p, &p->slot[i], err);
			if (p->slot[i].rc) /* reported when it is decoded, once */
				continue;
			if (info->codec != CODEC_JPEG && !*other) {
				p->s->ops->describe(p->s, &p->slot[i].item, other, sizeof other);
				kind = info->codec;
			}
			if (!h) {
				h = info->h;
				w = info->w;
			}
			differ |= info->h != h || info->w != w;
		}
	}
	if (differ && *other)
		return err_set(err, "%.900s: is a %s among images of different sizes; make them one size, as in "
				    "--resize 64", other, codec_name(kind));
	source_rewind(p->s);
	filter_reset(&p->filter);
	p->encoding = differ ? PACK_JPEG : PACK_RAW;
	if (!differ) {
		p->h = h;
		p->w = w;
	}
	return 0;
}

/* Fails where an option asks for other pixels than the files'. */
static int files_stay(const struct packer *p, struct err *err)
{
	int stored = p->s->opt.codec.as_stored;
	if (!p->want.h && !p->opt->channels && !stored)
		return 0;
	if (p->opt->encoding != PACK_AUTO)
		return err_usage(err, "--encoding jpeg keeps the files as they are: it goes with none of --resize, "
				      "--channels and --as-stored");
	return err_usage(err, "the images %s; with %s make them one size, as in --resize 64",
			 p->s->ops->more ? "are JPEG files" : "are of different sizes",
			 stored ? "--as-stored" : "--channels");
}

int pack_choose(struct packer *p, struct err *err)
{
	const struct stream_head *in = &p->s->head;
	p->want = p->opt->want;
	p->encoding = p->opt->encoding;
	p->channels = p->opt->channels ? p->opt->channels : in->channels ? in->channels : 3;
	p->h = p->want.h ? p->want.h : in->height;
	p->w = p->want.h ? p->want.w : in->width;
	p->batch = BATCH_MIN;
	if (p->encoding == PACK_JPEG && !p->s->ops->file)
		return err_usage(err, "--encoding jpeg: the records are not JPEG files");
	if (p->encoding == PACK_AUTO) {
		if (p->h || !p->s->ops->file)
			p->encoding = PACK_RAW;
		else if (p->s->ops->more) /* a stream cannot be looked at twice */
			p->encoding = PACK_JPEG;
		else if (choose_encoding(p, err))
			return -1;
	}
	if (p->encoding == PACK_JPEG && files_stay(p, err))
		return -1;
	size_t each =
		p->encoding == PACK_RAW && p->h ? (size_t)p->h * (size_t)p->w * (size_t)p->channels : BATCH_BYTES / 64;
	size_t fit = BATCH_BYTES / each;
	p->batch = fit > BATCH_MAX ? BATCH_MAX : fit < BATCH_MIN ? BATCH_MIN : (int)fit;
	return 0;
}
