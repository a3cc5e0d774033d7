/* words: the data's words, found by the words of a file of vectors. Unicode writes some letters in two ways (é as one
 * code point, or as e and a combining accent): a word of the file that is not among the data's as it stands is looked
 * for again with both sides in normal form C. Private to embed/. */
#ifndef VIC_EMBED_WORDS_H
#define VIC_EMBED_WORDS_H

#include "pipeline/base/vocab.h"

/* Longer words, in bytes, are compared as they stand: to order endless combining marks takes quadratic time. */
enum { WORDS_MAX_NORMAL = 1024 };

struct words {
	const struct vocab *vocab; /* borrowed */
	struct vocab normal;	   /* the data's words that are not in form C, in it */
	uint32_t *id;		   /* [normal.n]: their numbers in vocab */
	size_t cap;
};

/* What a search met. */
struct words_met {
	uint64_t renormalised; /* found in form C alone */
	uint64_t not_utf8;     /* words that are not UTF-8, found or not */
};

int words_init(struct words *w, const struct vocab *vocab, struct err *err) VIC_CHECKED;
void words_release(struct words *w);
/* The number in vocab of the word as the file has it, or VOCAB_NONE. Threads may search at once, each with its own
 * `met`. */
uint32_t words_find(const struct words *w, const char *word, size_t len, struct words_met *met);

#endif
