/* Sorts what fits the cache: by vectors where there is AVX-512, else in buckets of equal width between the least and
 * the greatest, each of which is cut again while it holds more than a few. */
#include "sort_kernel.h"

#include <string.h>

#ifndef SORT
#define SORT sort_plain
#endif

static inline __attribute__((always_inline)) struct span span_of(const uint64_t *key, size_t n, int turned)
{
	struct span s = { UINT64_MAX, 0 };
	for (size_t i = 0; i < n; i++) {
		uint64_t k = key_at(key, i, turned);
		s.lo = k < s.lo ? k : s.lo;
		s.hi = k > s.hi ? k : s.hi;
	}
	return s;
}

static struct span span(const uint64_t *key, size_t n, int turned)
{
	return turned ? span_of(key, n, 1) : span_of(key, n, 0);
}

#ifdef __AVX512DQ__
#include "sort_vectors.h"

static void sort_within(uint64_t *key, uint64_t *room, size_t n, int in_room, struct span s)
{
	sort_span(key, room, n, in_room, s);
}
#else
/* FEW keys are inserted one by one. */
enum { FEW = 24, BITS = 11 };

/* Sorts from[n] into to[n], which may be the same. First a pass without a branch, which puts most neighbours in
 * order, so that few branches of the second are a surprise. */
static void insert_each(const uint64_t *from, uint64_t *to, size_t n)
{
	if (!n)
		return;
	uint64_t high = from[0];
	for (size_t i = 1; i < n; i++) {
		uint64_t k = from[i];
		to[i - 1] = k < high ? k : high;
		high = k < high ? high : k;
	}
	to[n - 1] = high;
	for (size_t i = 1; i < n; i++) {
		uint64_t k = to[i];
		size_t j = i;
		for (; j > 0 && to[j - 1] > k; j--)
			to[j] = to[j - 1];
		to[j] = k;
	}
}

/* Sorts from[n], with to[n] as room, and leaves the keys in the one or the other. */
static void sort_buckets(uint64_t *from, uint64_t *to, size_t n, int in_from)
{
	uint64_t *end = in_from ? from : to;
	size_t count[1 << BITS], begin = 0, first = 0;
	struct span s = span_of(from, n, 0);
	if (n <= FEW || s.lo == s.hi) {
		insert_each(from, end, n);
		return;
	}
	int bits = 64 - __builtin_clzll(n), shift = shift_of(s, bits < BITS ? bits : BITS);
	size_t buckets = (size_t)((s.hi - s.lo) >> shift) + 1;
	memset(count, 0, buckets * sizeof *count);
	for (size_t i = 0; i < n; i++)
		count[(from[i] - s.lo) >> shift]++;
	begin_buckets(count, buckets);
	for (size_t i = 0; i < n; i++)
		to[count[(from[i] - s.lo) >> shift]++] = from[i];
	/* count[v] is where it ends now. Neighbours of a few each are inserted together: none goes far. */
	for (size_t v = 0; v < buckets; first = count[v++])
		if (shift && count[v] - first > FEW) {
			insert_each(to + begin, end + begin, first - begin);
			sort_buckets(to + first, from + first, count[v] - first, !in_from);
			begin = count[v];
		}
	insert_each(to + begin, end + begin, n - begin);
}

static void sort_within(uint64_t *key, uint64_t *room, size_t n, int in_room, struct span s)
{
	(void)s; /* each cut looks at what is there */
	sort_buckets(in_room ? room : key, in_room ? key : room, n, !in_room);
}
#endif

const struct sort_ops SORT = { span, sort_within };
