/* vocab: words and their numbers. Ids count from 0 in the order in which words were first added; a word is any run of
 * bytes (NUL allowed, the empty word too). Open addressing with 32 bits of hash beside each id, so that a miss rarely
 * touches the text; words lie end to end in one block of memory that the table owns. */
#ifndef VIC_VOCAB_H
#define VIC_VOCAB_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum {
	VOCAB_MAX_WORD = 1 << 24,  /* bytes in one word */
	VOCAB_MAX_WORDS = 1 << 28, /* words in one table */
};
#define VOCAB_NONE UINT32_MAX

struct vocab_slot {
	uint32_t hash, id; /* id VOCAB_NONE: free */
};

struct vocab {
	uint32_t n;      /* words; read-only for users */
	uint32_t *end;   /* [n]: word i is text[end[i-1]..end[i]) */
	uint64_t *count; /* [n]: how often word i was added (vocab_add) */
	char *text;
	struct vocab_slot *slot; /* [mask + 1], a power of two, at most half full */
	uint32_t mask;
	size_t cap_end, cap_count, cap_text;
};

/* An empty table with room for about `expect` words (0: small; a hint, not a limit). A zeroed struct is an empty table
 * too. */
int vocab_init(struct vocab *v, size_t expect, struct err *err) VIC_CHECKED;
/* Frees; safe on a zeroed struct and twice. */
void vocab_release(struct vocab *v);
/* Finds the word or appends a copy of it, and adds 1 to its count. *id (may be NULL) is its number; it was new
 * when v->n has grown. Errors: longer than VOCAB_MAX_WORD, more than VOCAB_MAX_WORDS words or 4 GiB of text,
 * memory; the table is then as it was before. */
int vocab_add(struct vocab *v, const char *word, size_t len, uint32_t *id, struct err *err) VIC_CHECKED;
/* The word's number or VOCAB_NONE. Cannot fail; counts nothing; threads may search one table at once. */
uint32_t vocab_find(const struct vocab *v, const char *word, size_t len);
/* Word `id` (0..n-1), not NUL-terminated, *len bytes. Valid until the next vocab_add or vocab_release. */
const char *vocab_word(const struct vocab *v, uint32_t id, size_t *len);

#endif
