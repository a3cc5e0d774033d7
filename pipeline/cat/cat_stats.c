/* vic-cat --stats: counts over all documents of all inputs, which must share one head. Text is counted by the
 * numbers of a wordmap, since ids of two documents need not mean the same; `seen` is indexed by these numbers and
 * grows with the set. */
#include "cat.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int count_tokens(struct stats *s, const char *text, size_t len, struct err *err)
{
	uint64_t n = 0;
	for (size_t from = 0; from < len; n++) {
		const char *gap = memchr(text + from, ' ', len - from);
		size_t to = gap ? (size_t)(gap - text) : len;
		if (vocab_add(&s->types, text + from, to - from, NULL, err))
			return -1;
		from = to + 1;
	}
	s->tokens += n;
	s->empty += !n;
	if (n > s->longest)
		s->longest = n;
	return 0;
}

static int count_words(struct stats *s, const unsigned char *record, size_t len, struct err *err)
{
	uint64_t n = len / 4;
	size_t had = s->cap_seen;
	if (mem_grow(&s->seen, &s->cap_seen, s->map.set.n, 1, err))
		return -1;
	if (s->cap_seen > had)
		memset(s->seen + had, 0, s->cap_seen - had);
	for (size_t i = 0; i < n; i++) {
		uint32_t id;
		memcpy(&id, record + 4 * i, 4);
		unsigned char *seen = &s->seen[s->map.number[id]];
		s->n_seen += !*seen;
		*seen = 1;
		s->initialised += s->map.origin[id] == WORD_INITIALISED;
	}
	s->tokens += n;
	s->empty += !n;
	if (n > s->longest)
		s->longest = n;
	return 0;
}

static void count_image(struct stats *s, const unsigned char *record, size_t len)
{
	s->bytes += len;
	if (s->head.encoding != ENCODING_JPEG)
		moments_add(&s->moments, &s->head, record);
}

static void count_logits(struct stats *s, const unsigned char *record)
{
	size_t n = (size_t)s->head.n_classes * (size_t)s->head.samples;
	for (size_t i = 0; i < n; i++) {
		float f;
		double v;
		if (s->head.dtype == DTYPE_F64) {
			memcpy(&v, record + 8 * i, 8);
		} else {
			memcpy(&f, record + 4 * i, 4);
			v = (double)f;
		}
		if (isinf(v))
			s->minus_inf++;
		else if (v < s->least)
			s->least = v;
		if (!isinf(v) && v > s->greatest)
			s->greatest = v;
	}
}

static int count_record(struct stats *s, const unsigned char *record, size_t len, struct err *err)
{
	switch (s->head.kind) {
	case STREAM_TOKENS:
		return count_tokens(s, (const char *)record, len, err);
	case STREAM_TEXT:
		return count_words(s, record, len, err);
	case STREAM_IMAGES:
		count_image(s, record, len);
		return 0;
	case STREAM_LOGITS:
		count_logits(s, record);
	}
	return 0;
}

static int count_block(struct stats *s, const struct block *b, struct err *err)
{
	size_t each = stream_record_size(&s->head), len;
	for (uint32_t i = 0; i < b->n; i++) {
		const unsigned char *record = block_record(b, each, i, &len);
		if (count_record(s, record, len, err))
			return -1;
		s->split[b->split[i]]++;
		(void)block_name(b, i, &len);
		s->named += len > 0;
		if (b->label[i] < 0)
			s->unlabelled++;
		else
			s->labelled[b->label[i]]++;
	}
	s->records += b->n;
	return 0;
}

static int begin_stats(struct stats *s, const struct stream_head *head, struct err *err)
{
	if (s->documents++)
		return stream_head_same(&s->head, head, err);
	s->least = INFINITY;
	s->greatest = -INFINITY;
	return stream_head_copy(&s->head, head, err) ||
		       mem_alloc(&s->labelled, (size_t)head->n_classes, sizeof *s->labelled, err) ? -1 : 0;
}

int stats_add(struct stats *s, struct stream_reader *r, struct err *err)
{
	struct block b;
	int rc;
	if (begin_stats(s, stream_head_of(r), err))
		return err_context(err, "%s", stream_name(r));
	wordmap_begin(&s->map);
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		if (b.type == BLOCK_WORDS) {
			s->table += b.n;
			if (wordmap_add(&s->map, &b, err))
				return -1;
		} else if ((s->head.kind == STREAM_LOGITS && logits_check(&s->head, &b, stream_name(r), err)) ||
			   count_block(s, &b, err)) {
			return -1;
		}
	}
	return rc;
}

static int print_kind(const struct stats *s, struct output *out, struct err *err)
{
	const struct stream_head *h = &s->head;
	if (h->kind == STREAM_TOKENS || h->kind == STREAM_TEXT) {
		uint64_t types = h->kind == STREAM_TOKENS ? s->types.n : s->n_seen;
		if (output_printf(out, err,
				  "tokens %" PRIu64 "\ntypes %" PRIu64 "\nlongest %" PRIu64 "\nempty %" PRIu64 "\n",
				  s->tokens, types, s->longest, s->empty))
			return -1;
	}
	if (h->kind == STREAM_TEXT)
		return output_printf(out, err, "table %" PRIu64 "\ndim %d\ninitialised %" PRIu64 "\n", s->table, h->dim,
				     s->initialised);
	if (h->kind == STREAM_IMAGES) {
		if (output_printf(out, err, "shape %dx%dx%d\nbytes %" PRIu64 "\n", h->height, h->width, h->channels,
				  s->bytes))
			return -1;
		for (int c = 0; c < s->moments.channels; c++)
			if (output_printf(out, err, "channel %d mean %.6f sd %.6f\n", c, moments_mean(&s->moments, c),
					  sqrt(moments_variance(&s->moments, c))))
				return -1;
	}
	if (h->kind == STREAM_LOGITS) {
		if (output_printf(out, err, "values %s\ndtype %s\nsamples %d\n",
				  h->values == VALUES_PROBS ? "probs" : "logits", h->dtype == DTYPE_F64 ? "f64" : "f32",
				  h->samples))
			return -1;
		if (s->least <= s->greatest &&
		    output_printf(out, err, "least %.9g\ngreatest %.9g\n", s->least, s->greatest))
			return -1;
		if (s->minus_inf && output_printf(out, err, "minus-infinity %" PRIu64 "\n", s->minus_inf))
			return -1;
	}
	return 0;
}

int stats_print(const struct stats *s, struct output *out, struct err *err)
{
	if (output_printf(out, err, "kind %s\ndocuments %" PRIu64 "\nrecords %" PRIu64 "\n",
			  stream_kind_name(s->head.kind), s->documents, s->records) ||
	    print_kind(s, out, err))
		return -1;
	for (int i = 0; i < SPLIT_COUNT; i++)
		if (s->split[i] && output_printf(out, err, "split %s %" PRIu64 "\n", split_name(i), s->split[i]))
			return -1;
	for (int i = 0; i < s->head.n_classes; i++)
		if (output_write(out, "class ", 6, err) || cat_label(out, &s->head, i, err) ||
		    output_printf(out, err, " %" PRIu64 "\n", s->labelled[i]))
			return -1;
	if (s->unlabelled && output_printf(out, err, "unlabelled %" PRIu64 "\n", s->unlabelled))
		return -1;
	return s->named ? output_printf(out, err, "named %" PRIu64 "\n", s->named) : 0;
}

void stats_release(struct stats *s)
{
	stream_head_release(&s->head);
	free(s->labelled);
	vocab_release(&s->types);
	wordmap_release(&s->map);
	free(s->seen);
	*s = (struct stats){ 0 };
}
