/* Images are worked on in batches: taken in order, decoded by all threads, written in order, each batch while the
 * next is decoded. The batch's length depends on the images' size alone. Task 0 of work() is the writer: it alone
 * touches the writer, the report and the size that the first image set. An item's bytes may lie in a stream's block
 * that is gone when the next batch is taken, so decoding copies into the slot all that the writer needs. */
#include "pack_parts.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

void pack_report_release(struct pack_report *r)
{
	stream_head_release(&r->head);
	free(r->of_class);
	free(r->bad_of_class);
	r->of_class = r->bad_of_class = NULL;
}

static void packer_release(struct packer *p)
{
	for (int i = 0; p->slot && p->ready && i < BATCH_MAX; i++) {
		image_release(&p->slot[i].im);
		image_release(&p->ready[i].im);
		free(p->slot[i].file);
		free(p->ready[i].file);
		free(p->slot[i].name);
		free(p->ready[i].name);
	}
	for (int i = 0; p->scratch && i < pool_threads(p->pool); i++)
		scratch_release(&p->scratch[i]);
	free(p->slot);
	free(p->ready);
	stream_writer_free(p->writer);
	free(p->scratch);
	filter_release(&p->filter);
}

/* The bytes as they are, after decoding them at an eighth: what is damaged shows now and not in the middle of training.
 */
static int take_file(struct packer *p, struct slot *t, struct scratch *c)
{
	static const struct want least = { 1, 1, FIT_STRETCH };
	const unsigned char *bytes;
	size_t len;
	if (p->s->ops->file(p->s, &t->item, &bytes, &len, c, &t->err))
		return -1;
	enum codec kind = codec_of(bytes, len);
	if (kind != CODEC_JPEG && kind != CODEC_NONE) {
		t->refused = 1;
		return err_set(&t->err, "is a %s, and --encoding jpeg keeps files as they are; --resize or --encoding "
					"raw decodes it", codec_name(kind));
	}
	if (codec_decode(bytes, len, &p->s->opt.codec, &least, &c->a, &c->b, t->note, &t->err) ||
	    mem_grow(&t->file, &t->file_cap, len, 1, &t->err))
		return -1;
	memcpy(t->file, bytes, len);
	t->file_len = len;
	return 0;
}

static int take_pixels(struct packer *p, struct slot *t, struct scratch *c)
{
	const struct want *want = p->want.h ? &p->want : NULL;
	struct image *im = want ? &c->a : &t->im;
	if (p->s->ops->load(p->s, &t->item, want, im, c, t->note, &t->err))
		return -1;
	return want ? image_record(im, want, p->channels, &t->im, &c->b, &t->err)
		    : image_channels(im, p->channels, &t->err);
}

/* A stream's block is gone when the record is written, so its name is copied. */
static int take_name(struct packer *p, struct slot *t)
{
	const struct item *it = &t->item;
	free(t->name);
	t->name = NULL;
	if (!p->s->head.names)
		return 0;
	if (it->name ? mem_text(&t->name, it->name, it->name_len, &t->err)
		     : p->s->ops->name(p->s, it, &t->name, &t->err))
		return -1;
	t->name_len = it->name ? it->name_len : strlen(t->name);
	return 0;
}

int pack_fill(struct packer *p, struct err *err)
{
	struct item item[BATCH_MAX];
	int n;
	p->n = 0;
	do {
		if (p->s->ops->next(p->s, item, p->batch, &n, err))
			return -1;
		for (int i = 0; i < n; i++)
			if (filter_take(&p->filter, &item[i]))
				p->slot[p->n++].item = item[i];
	} while (n && !p->n);
	return 0;
}

int pack_bad(struct packer *p, struct slot *t, struct err *err)
{
	char what[1024];
	p->s->ops->describe(p->s, &t->item, what, sizeof what);
	if (strncmp(t->err.msg, what, strlen(what))) /* an I/O error names the file already */
		err_context(&t->err, "%s", what);
	if (t->err.cause == CAUSE_SYSTEM || t->refused) {
		*err = t->err;
		return -1;
	}
	if (p->opt->on_bad == PACK_STOP)
		return err_set(err, "%s (--on-bad skip leaves such images out)", t->err.msg);
	if (p->opt->on_bad == PACK_LIST)
		p->opt->tell(p->opt->arg, t->err.msg);
	if (t->item.label >= 0)
		p->report->bad_of_class[t->item.label]++;
	if (!p->report->bad++)
		err_phrase(p->report->first_bad, sizeof p->report->first_bad, "%s", t->err.msg);
	return 0;
}

/* Raw records all have the first one's size; without --resize an image of another size is an error, not a bad image. */
static int size_right(struct packer *p, struct slot *t, struct err *err)
{
	char what[1024];
	if (t->im.h == p->h && t->im.w == p->w)
		return 0;
	p->s->ops->describe(p->s, &t->item, what, sizeof what);
	return err_set(
		err, "%.400s: is %dx%d and %.400s %dx%d; make them one size, as in --resize %d (also HxW)",
		what, t->im.h, t->im.w, p->first[0] ? p->first : "others", p->h, p->w, p->h);
}

static int begin_report(struct packer *p, struct err *err)
{
	struct pack_report *r = p->report;
	pack_report_release(r);
	r->documents++;
	size_t n = (size_t)p->s->head.n_classes;
	return stream_head_copy(&r->head, &p->s->head, err) ||
			       mem_alloc(&r->of_class, SPLIT_COUNT * n, sizeof *r->of_class, err) ||
			       mem_alloc(&r->bad_of_class, n, sizeof *r->bad_of_class, err)
		       ? -1
		       : 0;
}

static int begin_document(struct packer *p, struct err *err)
{
	struct stream_head *head = &p->report->head;
	head->encoding = p->encoding == PACK_JPEG ? ENCODING_JPEG : ENCODING_RAW;
	head->height = p->encoding == PACK_JPEG ? 0 : p->h;
	head->width = p->encoding == PACK_JPEG ? 0 : p->w;
	head->channels = p->encoding == PACK_JPEG ? 0 : p->channels;
	if (stream_record_size(head) > STREAM_MAX_BLOCK / 2)
		return err_set(err, "one image of %dx%dx%d is more than a record may hold; --resize makes it smaller",
			       p->h, p->w, p->channels);
	return stream_begin(&p->writer, p->out, head, p->s->history, p->self, err);
}

static int emit(struct packer *p, struct slot *t, struct err *err)
{
	struct pack_report *r = p->report;
	if (t->rc)
		return pack_bad(p, t, err);
	if (t->note[0] && (!r->noted++ || p->opt->on_bad == PACK_LIST)) {
		char what[1024], said[1200];
		p->s->ops->describe(p->s, &t->item, what, sizeof what);
		err_phrase(said, sizeof said, "%s: %s", what, t->note);
		if (p->opt->on_bad == PACK_LIST)
			p->opt->tell(p->opt->arg, said);
		if (r->noted == 1)
			err_phrase(r->first_note, sizeof r->first_note, "%s", said);
	}
	if (p->encoding == PACK_RAW && !p->h) {
		p->h = t->im.h;
		p->w = t->im.w;
	}
	if (!p->first[0])
		p->s->ops->describe(p->s, &t->item, p->first, sizeof p->first);
	if (p->encoding == PACK_RAW && size_right(p, t, err))
		return -1;
	if (!p->writer && begin_document(p, err))
		return -1;
	r->written[t->item.split]++;
	if (t->item.label >= 0)
		r->of_class[(size_t)t->item.split * (size_t)r->head.n_classes + (size_t)t->item.label]++;
	else if (!r->no_label[t->item.split]++)
		p->s->ops->describe(p->s, &t->item, r->first_no_label[t->item.split], 512);
	if (t->name && stream_add_name(p->writer, t->name, t->name_len, err))
		return -1;
	return p->encoding == PACK_JPEG
		       ? stream_add(p->writer, t->item.id, t->item.label, t->item.split, t->file, t->file_len, err)
		       : stream_add(p->writer, t->item.id, t->item.label, t->item.split, t->im.px, image_bytes(&t->im),
				    err);
}

/* Task 0 writes the batch before; the others decode an image each. */
static void pack_task(void *arg, int task, int worker)
{
	struct packer *p = arg;
	if (!task) {
		for (int i = 0; !p->failed && i < p->n_ready; i++)
			p->failed = emit(p, &p->ready[i], &p->err) != 0;
		return;
	}
	struct slot *t = &p->slot[task - 1];
	t->note[0] = 0;
	t->refused = 0;
	t->rc = take_name(p, t) || (p->encoding == PACK_JPEG ? take_file(p, t, &p->scratch[worker])
							     : take_pixels(p, t, &p->scratch[worker]));
}

/* Damaged images that were left out may have been all of a class. */
static int classes_left(const struct packer *p, struct err *err)
{
	const struct pack_report *r = p->report;
	for (int k = 0; !p->opt->allow_empty && r->bad && k < r->head.n_classes; k++) {
		uint64_t n = 0;
		for (int i = 0; i < SPLIT_COUNT; i++)
			n += r->of_class[i * r->head.n_classes + k];
		if (!n && r->bad_of_class[k])
			return err_set(err,
				       "class '%s': none of its images decodes (--allow-empty goes on); the first: "
				       "%.600s",
				       r->head.classes[k], r->first_bad);
	}
	return 0;
}

/* Of a sample all records are counted first. */
static int draw_sample(struct packer *p, struct err *err)
{
	p->batch = BATCH_MAX;
	do {
		if (pack_fill(p, err))
			return -1;
	} while (p->n);
	source_rewind(p->s);
	return filter_draw(&p->filter, err);
}

static int one_document(struct packer *p, struct progress *progress, struct err *err)
{
	uint64_t done = 0;
	int rc = begin_report(p, err) || (p->filter.opt->sample && draw_sample(p, err)) || pack_choose(p, err) ? -1 : 0;
	while (!rc) {
		rc = pack_fill(p, err);
		if (rc || (!p->n && !p->n_ready))
			break;
		pool_run(p->pool, 1 + p->n, pack_task, p);
		if (p->failed) {
			*err = p->err;
			rc = -1;
		}
		struct slot *written = p->ready;
		p->ready = p->slot;
		p->slot = written;
		progress_at(progress, done += (uint64_t)p->n_ready, NULL);
		p->n_ready = p->n;
	}
	if (!rc && !p->writer)
		rc = err_set(err,
			     p->report->bad
				     ? "none of the images decodes; the first: %.600s"
				     : "no record is left: --only, --class-subset and --limit together keep nothing%s",
			     p->report->bad ? p->report->first_bad : "");
	if (!rc)
		rc = classes_left(p, err) || stream_finish(p->writer, err) ? -1 : 0;
	p->report->unlabelled += p->filter.unlabelled;
	for (int i = 0; i < SPLIT_COUNT; i++)
		p->report->marked[i] += p->filter.marked[i];
	for (int i = 0; p->filter.quota && i < SPLIT_COUNT; i++)
		p->report->sampled[i] = (struct pack_sampled){ p->filter.kept[i], p->filter.of_split[i] };
	return rc;
}

int pack_source(struct source *s, const struct filter_options *filter, const struct pack_options *opt,
		struct pool *pool, struct output *out, const json_t *self, struct progress *progress,
		struct pack_report *report, struct err *err)
{
	int rc, more = 1;
	do {
		struct packer p = { .s = s, .opt = opt, .report = report, .pool = pool, .out = out, .self = self };
		rc = filter_open(&p.filter, filter, &s->head, err) ||
		     mem_alloc(&p.slot, BATCH_MAX, sizeof *p.slot, err) ||
		     mem_alloc(&p.ready, BATCH_MAX, sizeof *p.ready, err) ||
		     mem_alloc(&p.scratch, (size_t)pool_threads(pool), sizeof *p.scratch, err) ||
		     one_document(&p, progress, err);
		packer_release(&p);
		if (!rc)
			more = source_more(s, err);
	} while (!rc && more == 1);
	return rc || more < 0 ? -1 : 0;
}
