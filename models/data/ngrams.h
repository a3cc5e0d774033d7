/* ngrams: the n-grams of texts, runs of 1 to n words, told apart by their letters: the words with a space between. */
#ifndef VIC_NGRAMS_H
#define VIC_NGRAMS_H

#include "dataset.h"

enum { NGRAMS_LONGEST = 8 };

/* One text: its words end to end, a space between. Zeroed at first; its memory is kept from text to text. */
struct ngrams {
	char *text;
	uint32_t *end; /* [words] of each word in text */
	uint32_t words;
	size_t cap_text, cap_end;
};

void ngrams_begin(struct ngrams *g);
int ngrams_add(struct ngrams *g, const char *word, size_t len, struct err *err) VIC_CHECKED;
void ngrams_release(struct ngrams *g);
/* How many runs of n words there are. */
static inline uint32_t ngrams_count(const struct ngrams *g, int n)
{
	return g->words < (uint32_t)n ? 0 : g->words - (uint32_t)n + 1;
}
/* The run of n words that begins at word i: its letters. */
const char *ngrams_at(const struct ngrams *g, int n, uint32_t i, size_t *len);

/* Makes the records of a text data set, whole, records of n-grams of 1 to n words, the shorter ones first. Its words
 * are then those n-grams that occur in records marked train, in the order of their first appearance, after the empty
 * one, number 0, which stands for all others; its vectors are zeros, [words][classes], and head.dim is the number of
 * classes. d->crc stays that of what was read. */
int ngrams_dataset(struct dataset *d, int n, struct err *err) VIC_CHECKED;

#endif
