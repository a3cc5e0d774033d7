/* wordmap: the word table of the document that is being read: its ids as numbers of one vocabulary that outlives the
 * document, so that records of two documents with different tables can be compared word by word. */
#ifndef VIC_WORDMAP_H
#define VIC_WORDMAP_H

#include "pipeline/base/err.h"
#include "stream.h"
#include "pipeline/base/vocab.h"

struct wordmap {
	struct vocab set;
	uint32_t n;       /* words of this document so far */
	uint32_t *number; /* [n] number of id i in `set`; owned */
	uint8_t *origin;  /* [n] enum word_origin; owned */
	size_t cap_number, cap_origin;
};

/* Forgets the document, keeps the set. A zeroed struct has neither. */
void wordmap_begin(struct wordmap *m);
/* Takes a block of type BLOCK_WORDS. Errors: as vocab_add. */
int wordmap_add(struct wordmap *m, const struct block *b, struct err *err) VIC_CHECKED;
/* The word of the document's `id`, as vocab_word gives it. */
const char *wordmap_word(const struct wordmap *m, uint32_t id, size_t *len);
void wordmap_release(struct wordmap *m);

#endif
