/* The word table: open addressing, linear probing, at most half full, and nothing is ever removed. Ids depend on the
 * order of vocab_add alone, so the hash function may be changed. vocab_add takes all memory before it changes
 * anything, so that after a failure the table holds what it held. Its word must not lie in the same table, whose
 * text may move. */
#include "vocab.h"
#include "hash.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 64 };

static uint64_t load64(const char *p)
{
	uint64_t x;
	memcpy(&x, p, 8);
	return x;
}

static uint32_t load32(const char *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return x;
}

/* Folded multiplication over 16 bytes a step; the last step reads its two halves so that they overlap, never past the
 * end. The two odd constants are digits of pi and of the golden ratio. */
static uint32_t hash_of(const char *p, size_t n)
{
	const uint64_t k0 = 0x243F6A8885A308D3u, k1 = 0x9E3779B97F4A7C15u;
	uint64_t h = k0 ^ n, a, b;
	while (n > 16) {
		h = hash_fold(load64(p) ^ k1, load64(p + 8) ^ h);
		p += 16;
		n -= 16;
	}
	if (n >= 8) {
		a = load64(p);
		b = load64(p + n - 8);
	} else if (n >= 4) {
		a = load32(p);
		b = load32(p + n - 4);
	} else {
		a = n ? (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
				(unsigned char)p[n - 1]
		      : 0;
		b = 0;
	}
	h = hash_fold(hash_fold(a ^ k1, b ^ h), k0);
	return (uint32_t)(h ^ h >> 32);
}

static int make_slots(struct vocab_slot **slot, size_t n, struct err *err)
{
	if (mem_alloc(slot, n, sizeof **slot, err))
		return -1;
	memset(*slot, 0xFF, n * sizeof **slot); /* every id VOCAB_NONE */
	return 0;
}

int vocab_init(struct vocab *v, size_t expect, struct err *err)
{
	size_t n = SLOTS_MIN;
	*v = (struct vocab){ 0 };
	while (n < VOCAB_MAX_WORDS && n / 2 < expect)
		n *= 2;
	v->mask = (uint32_t)(n - 1);
	return make_slots(&v->slot, n, err);
}

void vocab_release(struct vocab *v)
{
	free(v->slot);
	free(v->end);
	free(v->count);
	free(v->text);
	*v = (struct vocab){ 0 };
}

const char *vocab_word(const struct vocab *v, uint32_t id, size_t *len)
{
	uint32_t from = id ? v->end[id - 1] : 0;
	*len = v->end[id] - from;
	return v->text + from;
}

/* The slot that holds the word, or the free one where it belongs. At most half of the slots are taken, so it ends. */
static uint32_t locate(const struct vocab *v, const char *word, size_t len, uint32_t hash)
{
	for (uint32_t at = hash & v->mask;; at = (at + 1) & v->mask) {
		const struct vocab_slot *s = &v->slot[at];
		if (s->id == VOCAB_NONE)
			return at;
		if (s->hash == hash) {
			size_t n;
			const char *w = vocab_word(v, s->id, &n);
			if (n == len && (!n || !memcmp(w, word, n)))
				return at;
		}
	}
}

uint32_t vocab_find(const struct vocab *v, const char *word, size_t len)
{
	return v->slot ? v->slot[locate(v, word, len, hash_of(word, len))].id : VOCAB_NONE;
}

static int grow_slots(struct vocab *v, struct err *err)
{
	size_t n = ((size_t)v->mask + 1) * 2;
	struct vocab_slot *slot;
	if (make_slots(&slot, n, err))
		return -1;
	for (uint32_t i = 0; i <= v->mask; i++) {
		if (v->slot[i].id == VOCAB_NONE)
			continue;
		uint32_t at = v->slot[i].hash & (uint32_t)(n - 1);
		while (slot[at].id != VOCAB_NONE)
			at = (at + 1) & (uint32_t)(n - 1);
		slot[at] = v->slot[i];
	}
	free(v->slot);
	v->slot = slot;
	v->mask = (uint32_t)(n - 1);
	return 0;
}

int vocab_add(struct vocab *v, const char *word, size_t len, uint32_t *id, struct err *err)
{
	if (!v->slot && vocab_init(v, 0, err))
		return -1;
	uint32_t hash = hash_of(word, len), at = locate(v, word, len, hash), found = v->slot[at].id;
	if (found == VOCAB_NONE) {
		size_t used = v->n ? v->end[v->n - 1] : 0;
		if (len > VOCAB_MAX_WORD)
			return err_set(err, "a word of %zu bytes is longer than a vocabulary holds (%d)", len,
				       VOCAB_MAX_WORD);
		if (v->n >= VOCAB_MAX_WORDS || used + len > UINT32_MAX)
			return err_set(err, "a vocabulary holds at most %d words and 4 GiB of text", VOCAB_MAX_WORDS);
		if (mem_grow(&v->end, &v->cap_end, v->n + 1u, sizeof *v->end, err) ||
		    mem_grow(&v->count, &v->cap_count, v->n + 1u, sizeof *v->count, err) ||
		    mem_grow(&v->text, &v->cap_text, used + len + 1, 1, err))
			return -1;
		if (v->n + 1 > v->mask / 2) {
			if (grow_slots(v, err))
				return -1;
			at = locate(v, word, len, hash);
		}
		if (len)
			memcpy(v->text + used, word, len);
		found = v->n++;
		v->end[found] = (uint32_t)(used + len);
		v->count[found] = 0;
		v->slot[at] = (struct vocab_slot){ hash, found };
	}
	v->count[found]++;
	if (id)
		*id = found;
	return 0;
}
