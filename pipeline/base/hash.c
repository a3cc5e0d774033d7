/* hash128: two lanes of folded multiplication, 8 bytes a step. The length goes into the start, so that the zeros
 * that fill the last word differ from zeros of the data. Values are compared within one run and never stored, and no
 * output depends on their order, so the function may be changed. */
#include "hash.h"

#include <string.h>

/* Fractional bits of the square roots of 2, 3, 5 and 7: odd, and nothing up the sleeve. */
enum { WORD = 8 };
static const uint64_t key[4] = { 0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1 };

struct hash128 hash128_of(const void *data, size_t n)
{
	const unsigned char *p = data;
	struct hash128 h = { key[0] ^ n, key[1] + n };
	for (size_t at = 0; at < n; at += WORD) {
		uint64_t w = 0;
		memcpy(&w, p + at, n - at < WORD ? n - at : WORD);
		uint64_t a = hash_fold(h.a ^ w, key[2]) + h.b;
		h.b = hash_fold(h.b + w, key[3]) ^ (h.a << 23 | h.a >> 41);
		h.a = a;
	}
	uint64_t a = hash_fold(h.a ^ key[3], h.b ^ key[2]);
	h.b = hash_fold(h.b + key[0], h.a ^ key[1]);
	h.a = a;
	return h;
}
