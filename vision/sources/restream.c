/* A stream of images read again: to decode its JPEG records, to resize, or to pick classes. It goes forward only,
 * one document at a time: more() puts the next head into the source and chooses the functions by its encoding, since
 * only JPEG records are files. An item's bytes lie in the reader's block, so next() never takes items from two
 * blocks, and items may be gone at the next call. */
#include "source.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct restream {
	struct stream_reader *r;
	struct block b;
	uint32_t at; /* records of b handed out */
	size_t each;
};

static int restream_next(struct source *s, struct item *item, int max, int *n, struct err *err)
{
	struct restream *o = s->own;
	*n = 0;
	while (o->b.type != BLOCK_ROWS || o->at == o->b.n) {
		int rc = stream_next_block(o->r, &o->b, err);
		if (rc <= 0)
			return rc;
		o->at = 0;
	}
	/* never beyond a block: its memory goes with the next one */
	for (; *n < max && o->at < o->b.n; o->at++) {
		size_t len;
		const unsigned char *bytes = block_record(&o->b, o->each, o->at, &len);
		struct item *it = &item[(*n)++];
		*it = (struct item){ .id = o->b.id[o->at], .label = o->b.label[o->at], .split = o->b.split[o->at],
				     .at = (size_t)o->b.first + o->at, .bytes = bytes, .len = len };
		it->name = block_name(&o->b, o->at, &it->name_len);
	}
	return 0;
}

static int restream_load(const struct source *s, const struct item *item, const struct want *want, struct image *out,
		struct scratch *scratch, char *note, struct err *err)
{
	*note = 0;
	if (s->head.encoding == ENCODING_JPEG)
		return codec_decode(item->bytes, item->len, &s->opt.codec, want, out, &scratch->b, note, err);
	if (image_shape(out, s->head.height, s->head.width, s->head.channels, err))
		return -1;
	memcpy(out->px, item->bytes, item->len);
	return 0;
}

static int file(const struct source *s, const struct item *item, const unsigned char **bytes, size_t *len,
		struct scratch *scratch, struct err *err)
{
	(void)s, (void)scratch, (void)err;
	*bytes = item->bytes;
	*len = item->len;
	return 0;
}

static void restream_describe(const struct source *s, const struct item *item, char *text, size_t size)
{
	const struct restream *o = s->own;
	err_phrase(text, size, "%s: record %zu", stream_name(o->r), item->at);
}

static const struct source_ops raw_ops, jpeg_ops;

static int more(struct source *s, struct err *err)
{
	struct restream *o = s->own;
	int rc = stream_next_of(o->r, STREAM_IMAGES, err);
	if (rc <= 0)
		return rc;
	const struct stream_head *h = stream_head_of(o->r);
	stream_head_release(&s->head);
	if (stream_head_copy(&s->head, h, err))
		return -1;
	if (h->encoding == ENCODING_F32)
		return err_set(
			err,
			"%s: holds float images, which are to be predicted on, not to be resized; make them from the "
			"resized images",
			stream_name(o->r));
	if (h->encoding == ENCODING_RAW && h->channels != 1 && h->channels != 3)
		return err_set(err, "%s: images of %d channels", stream_name(o->r), h->channels);
	o->each = stream_record_size(h);
	o->b = (struct block){ .type = BLOCK_END };
	o->at = 0;
	s->history = stream_provenance(o->r);
	s->ops = h->encoding == ENCODING_JPEG ? &jpeg_ops : &raw_ops;
	return 1;
}

static void restream_release(struct source *s)
{
	struct restream *o = s->own;
	if (o)
		stream_close(o->r);
	free(o);
}

static const struct source_ops raw_ops = { .next = restream_next,
					   .load = restream_load,
					   .describe = restream_describe,
					   .more = more,
					   .release = restream_release };
static const struct source_ops jpeg_ops = { .next = restream_next,
					    .load = restream_load,
					    .file = file,
					    .describe = restream_describe,
					    .more = more,
					    .release = restream_release };

int restream_open(struct source *s, const char *path, struct err *err)
{
	struct restream *o;
	if (mem_alloc(&o, 1, sizeof *o, err))
		return -1;
	s->own = o;
	s->says_split = 1;
	s->ops = &raw_ops;
	if (stream_open(&o->r, path, err) || more(s, err) < 0)
		return -1;
	return 0;
}
