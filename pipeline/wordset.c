#include "wordset.h"
#include "hash.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

const char *wordset_word(const struct wordset *s, uint32_t i, size_t *len)
{
	size_t from = i ? s->end[i - 1] : 0;
	*len = s->end[i] - from;
	return s->text + from;
}

static size_t find(const struct wordset *s, const char *word, size_t len, size_t mask)
{
	size_t at = (size_t)hash128_of(word, len).a & mask, known_len;
	for (; s->slot[at]; at = (at + 1) & mask) {
		const char *known = wordset_word(s, s->slot[at] - 1, &known_len);
		if (known_len == len && (!len || !memcmp(known, word, len)))
			break;
	}
	return at;
}

static int widen(struct wordset *s, struct err *err)
{
	size_t slots = s->slots ? s->slots * 2 : 1024;
	uint32_t *bigger, *old = s->slot;
	if (mem_alloc(&bigger, slots, sizeof *bigger, err))
		return -1;
	s->slot = bigger;
	s->slots = slots;
	for (uint32_t i = 0; i < s->n; i++) {
		size_t len;
		const char *word = wordset_word(s, i, &len);
		s->slot[find(s, word, len, slots - 1)] = i + 1;
	}
	free(old);
	return 0;
}

int wordset_add(struct wordset *s, const char *word, size_t len, uint32_t *number, struct err *err)
{
	if (2 * ((size_t)s->n + 1) > s->slots && widen(s, err))
		return -1;
	size_t at = find(s, word, len, s->slots - 1), text = s->n ? s->end[s->n - 1] : 0;
	if (!s->slot[at]) {
		if (s->n >= INT32_MAX)
			return err_set(err, "more than 2^31 distinct words");
		if (mem_grow(&s->text, &s->cap_text, text + len + 1, 1, err) ||
		    mem_grow(&s->end, &s->cap_end, s->n + 1u, sizeof *s->end, err))
			return -1;
		if (len)
			memcpy(s->text + text, word, len);
		s->end[s->n++] = text + len;
		s->slot[at] = s->n;
	}
	if (number)
		*number = s->slot[at] - 1;
	return 0;
}

int wordset_find(const struct wordset *s, const char *word, size_t len, uint32_t *number)
{
	if (!s->slots)
		return 0;
	uint32_t at = s->slot[find(s, word, len, s->slots - 1)];
	if (at)
		*number = at - 1;
	return at != 0;
}

void wordset_release(struct wordset *s)
{
	free(s->text);
	free(s->end);
	free(s->slot);
	*s = (struct wordset){ 0 };
}

void wordmap_begin(struct wordmap *m)
{
	m->n = 0;
}

int wordmap_add(struct wordmap *m, const struct block *b, struct err *err)
{
	size_t total = (size_t)m->n + b->n;
	if (mem_grow(&m->number, &m->cap_number, total, sizeof *m->number, err) ||
	    mem_grow(&m->origin, &m->cap_origin, total, 1, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t from = i ? b->word_end[i - 1] : 0;
		if (wordset_add(&m->set, b->word + from, b->word_end[i] - from, &m->number[m->n], err))
			return -1;
		m->origin[m->n++] = b->origin[i];
	}
	return 0;
}

const char *wordmap_word(const struct wordmap *m, uint32_t id, size_t *len)
{
	return wordset_word(&m->set, m->number[id], len);
}

void wordmap_release(struct wordmap *m)
{
	wordset_release(&m->set);
	free(m->number);
	free(m->origin);
	*m = (struct wordmap){ 0 };
}
