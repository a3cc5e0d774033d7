/* Cuts shards. Items are the shard's records in their order, then the partners that are none of them, in the order of
 * the records that they are mixed into. Words are numbered anew by first appearance, so that a shard looks up no others
 * than its own. */
#include "shard.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

void shard_release(struct shard *s)
{
	void *mine[] = { s->item, s->partner, s->begin, s->local, s->word, s->word_of, s->seen, s->record, s->pixel,
			 s->view };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
	*s = (struct shard){ 0 };
}

/* Which items of the whole batch the shard has; -1, or their number. */
static int list_items(struct shard *s, const struct batch *whole, int from, int n, struct err *err)
{
	int items = n;
	if (mem_grow(&s->item, &s->cap_item, 2 * (size_t)n, sizeof *s->item, err) ||
	    mem_grow(&s->partner, &s->cap_partner, (size_t)n, sizeof *s->partner, err))
		return -1;
	for (int i = 0; i < n; i++)
		s->item[i] = (uint32_t)(from + i);
	for (int i = 0; whole->partner && i < n; i++) {
		uint32_t p = whole->partner[from + i];
		int inside = p >= (uint32_t)from && p < (uint32_t)(from + n);
		if (!inside && whole->mix_at)
			return err_set(err, "hidden values of record %d are mixed with those of %u, of another shard",
				       from + i, p);
		s->partner[i] = inside ? p - (uint32_t)from : (uint32_t)items;
		if (!inside)
			s->item[items++] = p;
	}
	return items;
}

static int cut_images(struct shard *s, const struct images *whole, int items, struct err *err)
{
	size_t n = (size_t)items;
	if (mem_grow(&s->pixel, &s->cap_pixel, n, sizeof *s->pixel, err) ||
	    mem_grow(&s->record, &s->cap_record, n, sizeof *s->record, err) ||
	    mem_grow(&s->view, &s->cap_view, n, sizeof *s->view, err))
		return -1;
	s->images = *whole;
	s->images.count = items;
	s->images.pixel = s->pixel;
	s->images.item = whole->item ? s->record : NULL;
	s->images.view = s->view;
	for (size_t i = 0; i < n; i++) {
		s->pixel[i] = whole->pixel[s->item[i]];
		s->record[i] = whole->item ? whole->item[s->item[i]] : 0;
		s->view[i] = whole->view[s->item[i]];
	}
	s->batch.images = &s->images;
	return 0;
}

/* Number in the shard of a word of the whole batch. */
static uint32_t number_of(struct shard *s, const struct words *whole, uint32_t word)
{
	if (!s->seen[word]) {
		s->word[s->words.distinct] = whole->word[word];
		s->word_of[s->words.distinct] = word;
		s->seen[word] = (uint32_t)++s->words.distinct; /* its number, and 1 */
	}
	return s->seen[word] - 1;
}

static int cut_words(struct shard *s, const struct words *whole, int items, struct err *err)
{
	size_t tokens = 0, distinct = (size_t)whole->distinct;
	for (int i = 0; i < items; i++)
		tokens += whole->begin[s->item[i] + 1] - whole->begin[s->item[i]];
	if (mem_grow(&s->begin, &s->cap_begin, (size_t)items + 1, sizeof *s->begin, err) ||
	    mem_grow(&s->local, &s->cap_local, tokens, sizeof *s->local, err) ||
	    mem_grow(&s->word, &s->cap_word, distinct, sizeof *s->word, err) ||
	    mem_grow(&s->word_of, &s->cap_word_of, distinct, sizeof *s->word_of, err) ||
	    mem_grow(&s->seen, &s->cap_seen, distinct, sizeof *s->seen, err))
		return -1;
	if (distinct)
		memset(s->seen, 0, distinct * sizeof *s->seen);
	s->words = (struct words){ .sentences = items, .begin = s->begin, .local = s->local, .word = s->word };
	s->begin[0] = 0;
	for (int i = 0; i < items; i++) {
		uint32_t at = s->begin[i];
		for (uint32_t t = whole->begin[s->item[i]]; t < whole->begin[s->item[i] + 1]; t++)
			s->local[at++] = number_of(s, whole, whole->local[t]);
		s->begin[i + 1] = at;
	}
	s->batch.words = &s->words;
	return 0;
}

int shard_cut(struct shard *s, const struct batch *whole, int classes, int from, int n, struct err *err)
{
	int items = list_items(s, whole, from, n, err);
	if (items < 0)
		return -1;
	s->batch = *whole;
	s->batch.n = n;
	s->batch.partner = whole->partner ? s->partner : NULL;
	s->batch.lambda = whole->lambda ? whole->lambda + from : NULL;
	s->batch.target = whole->target ? whole->target + (size_t)from * (size_t)classes : NULL;
	s->batch.sample = whole->sample ? whole->sample + from : NULL;
	return whole->images ? cut_images(s, whole->images, items, err) : cut_words(s, whole->words, items, err);
}
