/* Keys are sorted from the top: what lies between the least and the greatest is cut into buckets of equal width, each
 * of which is cut again while it holds more than a few. So what all keys share costs nothing, however close they are,
 * and the work is done within the cache but for the first cut, whose buckets are put together to CELLS of like size.
 * Confidence keys are rearranged: the correctness bit, which lies above the magnitude, becomes the lowest bit, so that
 * confidence decides and wrong comes before right within a tie. Equal keys cannot be told apart, so the order need not
 * be stable. Ranks (order_falling) must be, and come from a radix sort, least significant digit first. */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* FEW keys are inserted one by one; fewer than MANY fit the cache as they are. */
enum { FEW = 24, MANY = 1 << 17, BITS = 11, TOP_BITS = 16, CELLS = 4096 };

/* Order for sorting: confidence first, correctness as the lowest bit. */
static inline uint64_t turn(conf_key k)
{
	return (k & CONF_UPPER) | (k & CONF_MASK) << 1 | (k >> 62 & 1);
}

static inline conf_key turn_back(uint64_t t)
{
	return (t & CONF_UPPER) | (t & ~CONF_UPPER) >> 1 | (t & 1) << 62;
}

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

/* Keys from lo to hi in at most 2^bits buckets: (key - lo) >> the result. */
static int shift_of(uint64_t lo, uint64_t hi, int bits)
{
	int width = hi > lo ? 64 - __builtin_clzll(hi - lo) : 0;
	return width > bits ? width - bits : 0;
}

/* count[v]: where bucket v begins. */
static void begin_buckets(size_t *count, size_t buckets)
{
	size_t at = 0;
	for (size_t v = 0; v < buckets; v++) {
		size_t c = count[v];
		count[v] = at;
		at += c;
	}
}

/* Sorts from[n], with to[n] as room, and leaves the keys in the one or the other. */
static void sort_within(uint64_t *from, uint64_t *to, size_t n, int in_from)
{
	uint64_t lo = UINT64_MAX, hi = 0, *end = in_from ? from : to;
	size_t count[1 << BITS], begin = 0, first = 0;
	for (size_t i = 0; i < n; i++) {
		lo = from[i] < lo ? from[i] : lo;
		hi = from[i] > hi ? from[i] : hi;
	}
	if (n <= FEW || lo == hi) {
		insert_each(from, end, n);
		return;
	}
	int bits = 64 - __builtin_clzll(n), shift = shift_of(lo, hi, bits < BITS ? bits : BITS);
	size_t buckets = (size_t)((hi - lo) >> shift) + 1;
	memset(count, 0, buckets * sizeof *count);
	for (size_t i = 0; i < n; i++)
		count[(from[i] - lo) >> shift]++;
	begin_buckets(count, buckets);
	for (size_t i = 0; i < n; i++)
		to[count[(from[i] - lo) >> shift]++] = from[i];
	/* count[v] is where it ends now. Neighbours of a few each are inserted together: none goes far. */
	for (size_t v = 0; v < buckets; first = count[v++])
		if (shift && count[v] - first > FEW) {
			insert_each(to + begin, end + begin, first - begin);
			sort_within(to + first, from + first, count[v] - first, !in_from);
			begin = count[v];
		}
	insert_each(to + begin, end + begin, n - begin);
}

/* The first cut of many keys. */
struct cut {
	uint64_t lo;
	int shift;
	size_t bucket[1 << TOP_BITS];	/* how many lie in it */
	uint16_t cell_of[1 << TOP_BITS]; /* which cell it is in */
	size_t cells, end[CELLS + 1];	/* where a cell's keys go next, and in the end where it ends */
};

static inline uint64_t key_at(const uint64_t *key, size_t i, int turned)
{
	return turned ? turn(key[i]) : key[i];
}

static inline __attribute__((always_inline)) void cut_buckets(struct cut *c, const uint64_t *key, size_t n, int turned)
{
	uint64_t lo = UINT64_MAX, hi = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t k = key_at(key, i, turned);
		lo = k < lo ? k : lo;
		hi = k > hi ? k : hi;
	}
	c->lo = lo;
	c->shift = shift_of(lo, hi, TOP_BITS);
	for (size_t i = 0; i < n; i++)
		c->bucket[(key_at(key, i, turned) - lo) >> c->shift]++;
}

/* As many neighbouring buckets as make 1 / CELLS of the keys. */
static void cut_cells(struct cut *c, size_t n)
{
	size_t at = 0, begin = 0, least = n / CELLS + 1;
	for (size_t v = 0; v < 1 << TOP_BITS; v++) {
		if (at - begin >= least) {
			begin = at;
			c->cells++;
		}
		c->end[c->cells] = begin;
		c->cell_of[v] = (uint16_t)c->cells;
		at += c->bucket[v];
	}
	c->cells++;
}

static inline __attribute__((always_inline)) void sort_many(struct cut *c, uint64_t *key, uint64_t *scratch, size_t n,
							    int turned)
{
	size_t begin = 0;
	cut_buckets(c, key, n, turned);
	cut_cells(c, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t k = key_at(key, i, turned);
		scratch[c->end[c->cell_of[(k - c->lo) >> c->shift]]++] = k;
	}
	for (size_t v = 0; v < c->cells; begin = c->end[v++]) {
		sort_within(scratch + begin, key + begin, c->end[v] - begin, 0);
		for (size_t i = begin; turned && i < c->end[v]; i++)
			key[i] = turn_back(key[i]);
	}
}

static inline __attribute__((always_inline)) int sort_keys(uint64_t *key, size_t n, int turned, struct err *err)
{
	struct cut *c = NULL;
	/* Not mem_alloc: every word is written before it is read, and zeroing costs a pass. */
	uint64_t *scratch = malloc(n * sizeof *scratch + 1);
	if (!scratch)
		return err_system(err, "out of memory: %zu keys to sort", n);
	if (n >= MANY && mem_alloc(&c, 1, sizeof *c, err)) {
		free(scratch);
		return -1;
	}
	if (c)
		sort_many(c, key, scratch, n, turned);
	else {
		for (size_t i = 0; turned && i < n; i++)
			key[i] = turn(key[i]);
		sort_within(key, scratch, n, 1);
		for (size_t i = 0; turned && i < n; i++)
			key[i] = turn_back(key[i]);
	}
	free(c);
	free(scratch);
	return 0;
}

int whole_sort(uint64_t *key, size_t n, struct err *err)
{
	return sort_keys(key, n, 0, err);
}

int keys_sort(conf_key *key, size_t n, struct err *err)
{
	return sort_keys(key, n, 1, err);
}

enum { DIGIT = 11, PLACES = 6, VALUES = 1 << DIGIT };

struct keyed {
	uint64_t key;
	uint32_t at;
};

/* Sorts item[n] by the digits whose values were counted; a digit that all share is skipped. Returns where the sorted
 * items are, `item` or `other`. */
static struct keyed *sort_by_digits(struct keyed *item, struct keyed *other, size_t n, size_t (*count)[VALUES])
{
	struct keyed *from = item, *to = other;
	for (int d = 0; d < PLACES; d++) {
		int shared = 0;
		for (int v = 0; v < VALUES; v++)
			shared |= count[d][v] == n;
		if (shared)
			continue;
		begin_buckets(count[d], VALUES);
		for (size_t i = 0; i < n; i++)
			to[count[d][from[i].key >> (d * DIGIT) & (VALUES - 1)]++] = from[i];
		struct keyed *t = from;
		from = to;
		to = t;
	}
	return from;
}

/* Stable, so ties keep the records' order. */
int order_falling(const uint64_t *key, size_t n, uint32_t *order, struct err *err)
{
	struct keyed *a = NULL, *b = NULL;
	size_t(*count)[VALUES] = NULL;
	if (n > UINT32_MAX)
		return err_set(err, "%zu records are more than can be ranked (2^32 - 1)", n);
	int rc = mem_alloc(&a, n, sizeof *a, err) || mem_alloc(&b, n, sizeof *b, err) ||
		 mem_alloc(&count, PLACES, sizeof *count, err);
	if (!rc) {
		for (size_t i = 0; i < n; i++) {
			a[i] = (struct keyed){ ~key[i], (uint32_t)i };
			for (int d = 0; d < PLACES; d++)
				count[d][a[i].key >> (d * DIGIT) & (VALUES - 1)]++;
		}
		const struct keyed *sorted = sort_by_digits(a, b, n, count);
		for (size_t i = 0; i < n; i++)
			order[i] = sorted[i].at;
	}
	free(a);
	free(b);
	free(count);
	return rc ? -1 : 0;
}
