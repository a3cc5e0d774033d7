/* sort_vectors: keys sorted eight at a time by AVX-512, for sort_kernel.c. A range of keys is parted at the middle of
 * what it spans, so that 64 partings are enough whatever the keys are. Up to LEAF keys are sorted in eight registers:
 * each lane's eight by Batcher's odd-even network, and lanes merged with lanes by his bitonic one (Batcher 1968). */
#ifndef VIC_EVAL_SORT_VECTORS_H
#define VIC_EVAL_SORT_VECTORS_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { EIGHT = 8, LEAF = EIGHT * EIGHT };

/* Lane by lane the smaller in *a and the larger in *b. */
static inline void order_two(__m512i *a, __m512i *b)
{
	__mmask8 less = _mm512_cmplt_epu64_mask(*a, *b);
	__m512i low = _mm512_mask_mov_epi64(*b, less, *a);
	*b = _mm512_mask_mov_epi64(*a, less, *b);
	*a = low;
}

/* Each lane of v against its partner in w: the larger stays where `upper` has a bit. */
static inline __m512i order_lanes(__m512i v, __m512i w, __mmask8 upper)
{
	return _mm512_mask_mov_epi64(v, _kxor_mask8(_mm512_cmplt_epu64_mask(w, v), upper), w);
}

static inline __m512i reversed(__m512i v)
{
	return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v);
}

/* Registers at a distance of `step` in every lane. */
static inline void order_far(__m512i *v, int step)
{
	for (int i = 0; i < EIGHT; i++)
		if (!(i & step))
			order_two(&v[i], &v[i + step]);
}

/* Every lane by itself, from v[0] down. */
static inline void sort_lanes(__m512i *v)
{
	for (int i = 0; i < EIGHT; i += 4) {
		order_two(&v[i], &v[i + 1]);
		order_two(&v[i + 2], &v[i + 3]);
		order_two(&v[i], &v[i + 2]);
		order_two(&v[i + 1], &v[i + 3]);
		order_two(&v[i + 1], &v[i + 2]);
	}
	for (int i = 0; i < 4; i++)
		order_two(&v[i], &v[i + 4]);
	order_two(&v[2], &v[4]);
	order_two(&v[3], &v[5]);
	for (int i = 1; i < 7; i += 2)
		order_two(&v[i], &v[i + 1]);
}

/* Of sorted groups of `half` lanes each two neighbours into one. A group is read lane by lane, each from v[0] down. */
static inline void merge_lanes(__m512i *v, int half)
{
	for (int i = 0; i < EIGHT / 2; i++) {
		__m512i a = v[i], b = v[EIGHT - 1 - i];
		if (half == 1) {
			v[i] = order_lanes(a, _mm512_permutex_epi64(b, 0xb1), 0xaa);
			v[EIGHT - 1 - i] = order_lanes(b, _mm512_permutex_epi64(a, 0xb1), 0xaa);
		} else if (half == 2) {
			v[i] = order_lanes(a, _mm512_permutex_epi64(b, 0x1b), 0xcc);
			v[EIGHT - 1 - i] = order_lanes(b, _mm512_permutex_epi64(a, 0x1b), 0xcc);
		} else {
			v[i] = order_lanes(a, reversed(b), 0xf0);
			v[EIGHT - 1 - i] = order_lanes(b, reversed(a), 0xf0);
		}
	}
	for (int i = 0; i < EIGHT; i++) {
		if (half == 4)
			v[i] = order_lanes(v[i], _mm512_permutex_epi64(v[i], 0x4e), 0xcc);
		if (half >= 2)
			v[i] = order_lanes(v[i], _mm512_permutex_epi64(v[i], 0xb1), 0xaa);
	}
	order_far(v, 4);
	order_far(v, 2);
	order_far(v, 1);
}

/* Lane i of v[j] to lane j of v[i]. */
static inline void transpose(__m512i *v)
{
	__m512i two[EIGHT], four[EIGHT];
	for (int i = 0; i < EIGHT; i += 2) {
		two[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
		two[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
	}
	/* Each two lanes of 128 bits: of the first pair of registers 0 and 2, then 1 and 3. */
	for (int i = 0; i < EIGHT; i += 4)
		for (int j = 0; j < 2; j++) {
			four[i + j] = _mm512_shuffle_i64x2(two[i + j], two[i + j + 2], 0x88);
			four[i + j + 2] = _mm512_shuffle_i64x2(two[i + j], two[i + j + 2], 0xdd);
		}
	for (int j = 0; j < 2; j++) {
		v[j] = _mm512_shuffle_i64x2(four[j], four[j + 4], 0x88);
		v[j + 4] = _mm512_shuffle_i64x2(four[j], four[j + 4], 0xdd);
		v[j + 2] = _mm512_shuffle_i64x2(four[j + 2], four[j + 6], 0x88);
		v[j + 6] = _mm512_shuffle_i64x2(four[j + 2], four[j + 6], 0xdd);
	}
}

static inline __mmask8 lanes_below(size_t n)
{
	return (__mmask8)(n < EIGHT ? (1u << n) - 1 : 0xff);
}

/* Of n keys those that the ith eight has. */
static inline __mmask8 lanes_left(size_t n, size_t i)
{
	return lanes_below(n > i * EIGHT ? n - i * EIGHT : 0);
}

/* At most LEAF keys; what is missing counts as the largest there is. */
static inline void sort_leaf(const uint64_t *from, uint64_t *to, size_t n)
{
	__m512i v[EIGHT];
	for (size_t i = 0; i < EIGHT; i++)
		v[i] = _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), lanes_left(n, i), from + i * EIGHT);
	sort_lanes(v);
	merge_lanes(v, 1);
	merge_lanes(v, 2);
	merge_lanes(v, 4);
	transpose(v);
	for (size_t i = 0; i < EIGHT; i++)
		_mm512_mask_storeu_epi64(to + i * EIGHT, lanes_left(n, i), v[i]);
}

/* Of from[n], which is low or high, keys below `middle` go to low and the others to high, both from their beginning;
 * [n] each. As many are written to each as were read, of which the last are no keys, over what was read before.
 * Returns how many went to low. */
static inline size_t part(const uint64_t *from, size_t n, uint64_t middle, uint64_t *low, uint64_t *high)
{
	const __m512i pivot = _mm512_set1_epi64((int64_t)middle);
	size_t lows = 0, i = 0;
	for (; i + EIGHT <= n; i += EIGHT) {
		__m512i v = _mm512_loadu_si512(from + i);
		__mmask8 below = _mm512_cmplt_epu64_mask(v, pivot);
		_mm512_storeu_si512(low + lows, _mm512_maskz_compress_epi64(below, v));
		_mm512_storeu_si512(high + (i - lows), _mm512_maskz_compress_epi64((__mmask8)~below, v));
		lows += (unsigned)_mm_popcnt_u32(below);
	}
	__mmask8 there = lanes_below(n - i);
	__m512i v = _mm512_maskz_loadu_epi64(there, from + i);
	__mmask8 below = _mm512_mask_cmplt_epu64_mask(there, v, pivot);
	_mm512_mask_storeu_epi64(low + lows, there, _mm512_maskz_compress_epi64(below, v));
	_mm512_mask_storeu_epi64(high + (i - lows), there, _mm512_maskz_compress_epi64((__mmask8)(there & ~below), v));
	return lows + (unsigned)_mm_popcnt_u32(below);
}

/* Keys of `s`, which lie in room (in_room) or in key, into key. */
static void sort_span(uint64_t *key, uint64_t *room, size_t n, int in_room, struct span s)
{
	const uint64_t *from = in_room ? room : key;
	while (n > LEAF && s.lo < s.hi) {
		uint64_t middle = s.lo + (s.hi - s.lo) / 2 + 1;
		size_t lows = part(from, n, middle, key, room), highs = n - lows;
		struct span low = { s.lo, middle - 1 }, high = { middle, s.hi };
		/* Where the middle told little, what is spanned is looked at anew. */
		if (lows && highs < n / 8)
			low = span_of(key, lows, 0);
		if (highs && lows < n / 8)
			high = span_of(room, highs, 0);
		sort_span(key, room + highs, lows, 0, low);
		key += lows;
		n = highs;
		from = room;
		s = high;
	}
	if (n <= LEAF)
		sort_leaf(from, key, n);
	else if (from != key)
		memcpy(key, from, n * sizeof *key);
}

#endif
