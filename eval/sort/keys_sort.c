/* Keys are sorted from the top: what lies between the least and the greatest is cut into buckets of equal width, which
 * are put together to CELLS of like size, and each cell is sorted within the cache (sort_kernel.h). So what all keys
 * share costs nothing, however close they are.
 * Confidence keys are rearranged: the correctness bit, which lies above the magnitude, becomes the lowest bit, so that
 * confidence decides and wrong comes before right within a tie. Equal keys cannot be told apart, so the order need not
 * be stable. Ranks (order_falling) must be, and come from a radix sort, least significant digit first. */
#include "keys_sort.h"
#include "eval/records/softmax.h"
#include "pipeline/base/mem.h"
#include "sort_kernel.h"

#include <stdlib.h>

/* Fewer than MANY keys fit the cache as they are. */
enum { MANY = 1 << 17, TOP_BITS = 14, CELLS = 4096 };

const struct sort_ops *sort_variant(int i)
{
	static const struct sort_ops *const variants[] = {
		&sort_plain,
#ifdef VIC_SOFTMAX_X86
		&sort_avx2, &sort_avx512,
#endif
	};
	return softmax_variant(i) ? variants[i] : NULL;
}

const struct sort_ops *sort_ops(void)
{
	return sort_variant(softmax_variants() - 1);
}

/* The first cut of many keys. */
struct cut {
	uint64_t lo;
	int shift;
	size_t bucket[1 << TOP_BITS];	/* how many lie in it */
	uint16_t cell_of[1 << TOP_BITS]; /* which cell it is in */
	size_t cells, end[CELLS + 1];	/* where a cell's keys go next, and in the end where it ends */
};

static inline __attribute__((always_inline)) void cut_buckets(struct cut *c, const uint64_t *key, size_t n,
							      struct span s, int turned)
{
	c->lo = s.lo;
	c->shift = shift_of(s, TOP_BITS);
	for (size_t i = 0; i < n; i++)
		c->bucket[(key_at(key, i, turned) - s.lo) >> c->shift]++;
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

/* The span of a cell's buckets, which begin with `bucket`. Returns the first of the next cell. */
static size_t cell_span(const struct cut *c, size_t cell, size_t bucket, struct span *s)
{
	size_t next = bucket + 1;
	while (next < 1 << TOP_BITS && c->cell_of[next] == cell)
		next++;
	s->lo = c->lo + ((uint64_t)bucket << c->shift);
	s->hi = c->lo + ((uint64_t)next << c->shift) - 1;
	if (s->hi < s->lo)
		s->hi = UINT64_MAX;
	return next;
}

static inline __attribute__((always_inline)) void sort_many(struct cut *c, uint64_t *key, uint64_t *room, size_t n,
							    int turned)
{
	const struct sort_ops *ops = sort_ops();
	size_t begin = 0, bucket = 0;
	cut_buckets(c, key, n, ops->span(key, n, turned), turned);
	cut_cells(c, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t k = key_at(key, i, turned);
		room[c->end[c->cell_of[(k - c->lo) >> c->shift]]++] = k;
	}
	for (size_t v = 0; v < c->cells; begin = c->end[v++]) {
		struct span s;
		bucket = cell_span(c, v, bucket, &s);
		ops->within(key + begin, room + begin, c->end[v] - begin, 1, s);
		for (size_t i = begin; turned && i < c->end[v]; i++)
			key[i] = turn_back(key[i]);
	}
}

static inline __attribute__((always_inline)) int sort_keys(uint64_t *key, size_t n, int turned, struct err *err)
{
	struct cut *c = NULL;
	uint64_t *room = NULL;
	if (mem_pages(&room, n, sizeof *room, err) || (n >= MANY && mem_alloc(&c, 1, sizeof *c, err))) {
		free(room);
		return -1;
	}
	if (c)
		sort_many(c, key, room, n, turned);
	else {
		struct span s = sort_ops()->span(key, n, turned);
		for (size_t i = 0; turned && i < n; i++)
			key[i] = turn(key[i]);
		sort_ops()->within(key, room, n, 0, s);
		for (size_t i = 0; turned && i < n; i++)
			key[i] = turn_back(key[i]);
	}
	free(c);
	free(room);
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
