/* wordset: distinct words and their numbers, and, over it, the word table of a text document.
 *
 * Words are bytes of any length. Numbers count from 0 in the order of first sight. */
#ifndef VIC_WORDSET_H
#define VIC_WORDSET_H

#include "err.h"
#include "stream.h"

struct wordset {
	uint32_t n;    /* words */
	char *text;    /* all words, end to end; owned */
	size_t *end;   /* [n] word i is text[end[i-1]..end[i]) */
	uint32_t *slot; /* [slots] word number + 1, or 0; slots is a power of two */
	size_t slots, cap_text, cap_end;
};

/* A zeroed struct is an empty set. *number (may be NULL) is the word's. Errors: memory, more than 2^31 words. */
int wordset_add(struct wordset *s, const char *word, size_t len, uint32_t *number, struct err *err) VIC_CHECKED;
/* 1 and *number when the set has the word, else 0; adds nothing. */
int wordset_find(const struct wordset *s, const char *word, size_t len, uint32_t *number);
/* Word i of 0..n-1; valid until the next wordset_add. */
const char *wordset_word(const struct wordset *s, uint32_t i, size_t *len);
void wordset_release(struct wordset *s);

/* The word table of the document that is being read: its ids as numbers of one set that outlives the document, so that
 * records of two documents with different tables can be compared word by word. */
struct wordmap {
	struct wordset set;
	uint32_t n;       /* words of this document so far */
	uint32_t *number; /* [n] number of id i in `set`; owned */
	uint8_t *origin;  /* [n] enum word_origin; owned */
	size_t cap_number, cap_origin;
};

/* Forgets the document, keeps the set. */
void wordmap_begin(struct wordmap *m);
/* Takes a block of type BLOCK_WORDS. */
int wordmap_add(struct wordmap *m, const struct block *b, struct err *err) VIC_CHECKED;
const char *wordmap_word(const struct wordmap *m, uint32_t id, size_t *len);
void wordmap_release(struct wordmap *m);

#endif
