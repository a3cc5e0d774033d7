/* Looking up the words of a file of vectors. Code points below U+0300 are their own form C in any company, so only a
 * word with a byte of 0xCC or more, which begins a later one, goes through utf8proc. */
#include "words.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Every byte of a word decomposes into at most so many code points: U+0390, of two bytes, into three. */
enum { ROOM = 2 * WORDS_MAX_NORMAL };

/* *out: the word in form C, in `buffer` (ROOM + 1 code points), with its length; 0 where it is in it already, is no
 * UTF-8 or too long. */
static size_t normal_form(const char *word, size_t len, utf8proc_int32_t *buffer, const char **out)
{
	const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	int later = 0;
	for (size_t i = 0; i < len && len <= WORDS_MAX_NORMAL; i++)
		later |= (unsigned char)word[i] >= 0xCC;
	if (!later)
		return 0;
	utf8proc_ssize_t n =
		utf8proc_decompose((const utf8proc_uint8_t *)word, (utf8proc_ssize_t)len, buffer, ROOM, how);
	if (n < 0 || n > ROOM || (n = utf8proc_reencode(buffer, n, how)) < 0)
		return 0;
	*out = (const char *)buffer;
	return (size_t)n == len && !memcmp(*out, word, len) ? 0 : (size_t)n;
}

int words_init(struct words *w, const struct vocab *vocab, struct err *err)
{
	utf8proc_int32_t buffer[ROOM + 1];
	*w = (struct words){ .vocab = vocab };
	for (uint32_t i = 0; i < vocab->n; i++) {
		const char *normal;
		size_t len, before = w->normal.n;
		const char *word = vocab_word(vocab, i, &len);
		if (!(len = normal_form(word, len, buffer, &normal)))
			continue;
		if (vocab_add(&w->normal, normal, len, NULL, err) ||
		    mem_grow(&w->id, &w->cap, w->normal.n, sizeof *w->id, err)) {
			words_release(w);
			return -1;
		}
		if (w->normal.n > before) /* of two that are the same in form C the first */
			w->id[before] = i;
	}
	return 0;
}

void words_release(struct words *w)
{
	vocab_release(&w->normal);
	free(w->id);
	*w = (struct words){ 0 };
}

uint32_t words_find(const struct words *w, const char *word, size_t len, struct words_met *met)
{
	utf8proc_int32_t buffer[ROOM + 1];
	uint32_t id = vocab_find(w->vocab, word, len), alias;
	int high = 0;
	for (size_t i = 0; i < len; i++)
		high |= (unsigned char)word[i] & 0x80;
	if (!high)
		return id;
	if (!text_is_utf8(word, len)) {
		met->not_utf8++;
		return id;
	}
	const char *normal = word;
	size_t n = id == VOCAB_NONE ? normal_form(word, len, buffer, &normal) : 0;
	if (id != VOCAB_NONE)
		return id;
	if (n)
		id = vocab_find(w->vocab, normal, n);
	if (id == VOCAB_NONE && w->normal.n &&
	    (alias = vocab_find(&w->normal, n ? normal : word, n ? n : len)) != VOCAB_NONE)
		id = w->id[alias];
	met->renormalised += id != VOCAB_NONE;
	return id;
}
