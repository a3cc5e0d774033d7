/* sort_kernel: the part of sorting that is done within the cache, private to eval/sort/. One source is compiled for
 * each instruction set, as softmax_kernel.c is; every variant gives the same keys. */
#ifndef VIC_EVAL_SORT_KERNEL_H
#define VIC_EVAL_SORT_KERNEL_H

#include "eval/records/conf.h"

#include <stddef.h>
#include <stdint.h>

/* The least and the greatest of some keys. */
struct span {
	uint64_t lo, hi;
};

struct sort_ops {
	/* What key[n] span, or what they would if they were turned; of none what is below all and above all. */
	struct span (*span)(const uint64_t *key, size_t n, int turned);
	/* Sorts n keys, which lie in room (in_room) or in key, into key. Both: [n], written to. s: holds all keys. */
	void (*within)(uint64_t *key, uint64_t *room, size_t n, int in_room, struct span s);
};

/* Order for sorting confidence keys (conf.h): confidence first, correctness as the lowest bit. */
static inline uint64_t turn(conf_key k)
{
	return (k & CONF_UPPER) | (k & CONF_MASK) << 1 | (k >> 62 & 1);
}

static inline conf_key turn_back(uint64_t t)
{
	return (t & CONF_UPPER) | (t & ~CONF_UPPER) >> 1 | (t & 1) << 62;
}

static inline uint64_t key_at(const uint64_t *key, size_t i, int turned)
{
	return turned ? turn(key[i]) : key[i];
}

/* Keys of s in at most 2^bits buckets: (key - s.lo) >> the result. */
static inline int shift_of(struct span s, int bits)
{
	int width = s.hi > s.lo ? 64 - __builtin_clzll(s.hi - s.lo) : 0;
	return width > bits ? width - bits : 0;
}

/* count[v]: where bucket v begins. */
static inline void begin_buckets(size_t *count, size_t buckets)
{
	size_t at = 0;
	for (size_t v = 0; v < buckets; v++) {
		size_t c = count[v];
		count[v] = at;
		at += c;
	}
}

extern const struct sort_ops sort_plain, sort_avx2, sort_avx512;
/* The fastest variant that this CPU runs. */
const struct sort_ops *sort_ops(void);
/* Variant i, or NULL when there are no more or this CPU lacks it (i from 0). For tests. */
const struct sort_ops *sort_variant(int i);

#endif
