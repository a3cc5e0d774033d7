/* Ids of one document as numbers of a common set. A word that the document's table lists twice has two ids and one
 * number, so words are equal exactly where their numbers are. The set's counts tell nothing about occurrences in
 * records. */
#include "wordmap.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

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
		if (vocab_add(&m->set, b->word + from, b->word_end[i] - from, &m->number[m->n], err))
			return -1;
		m->origin[m->n++] = b->origin[i];
	}
	return 0;
}

const char *wordmap_word(const struct wordmap *m, uint32_t id, size_t *len)
{
	return vocab_word(&m->set, m->number[id], len);
}

void wordmap_release(struct wordmap *m)
{
	vocab_release(&m->set);
	free(m->number);
	free(m->origin);
	*m = (struct wordmap){ 0 };
}
