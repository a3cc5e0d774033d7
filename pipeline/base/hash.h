/* hash: 128 bits of any bytes, the same on every little-endian machine; this project runs on no other.
 * For tables and for telling records apart, not against an adversary: two of ten million distinct records agree with
 * probability about 1e-25. The mixing step is the folded 64 x 64 -> 128 bit product (as in Wang Yi's wyhash, 2019). */
#ifndef VIC_HASH_H
#define VIC_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The two halves of the 64 x 64 -> 128 bit product, folded. */
static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
	unsigned __int128 p = (unsigned __int128)x * y;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

struct hash128 {
	uint64_t a, b;
};

struct hash128 hash128_of(const void *data, size_t n);

#endif
