/* Radix sort by 64-bit keys, least significant digit first, DIGIT bits a pass: stable. A digit that all keys share is
 * skipped. Confidence keys are rearranged first: the correctness bit, which lies above the magnitude, becomes the
 * lowest bit, so that confidence decides and wrong comes before right within a tie. Only their high digits are sorted
 * by passes; the runs that share them are finished by insertion or qsort, which is cheaper than three more passes over
 * all keys. Equal keys cannot be told apart, so stability does not matter at the end. */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, PLACES = 6, VALUES = 1 << DIGIT, SKIPPED = 3 };

static inline void count_digits(size_t (*count)[VALUES], uint64_t key, int first)
{
	for (int d = first; d < PLACES; d++)
		count[d][key >> (d * DIGIT) & (VALUES - 1)]++;
}

/* Sorts n items of `size` bytes, each beginning with its key, by the digits from `first` on, whose values were counted.
 * `other`: room for as many. Returns where the sorted items are, `item` or `other`. Inlined to make `size` constant. */
static inline __attribute__((always_inline)) void *sort_by_digits(void *item, void *other, size_t n, size_t size,
								  int first, size_t (*count)[VALUES])
{
	char *from = item, *to = other;
	for (int d = first; d < PLACES; d++) {
		size_t at = 0;
		int shared = 0;
		for (int v = 0; v < VALUES; v++) {
			size_t c = count[d][v];
			shared |= c == n;
			count[d][v] = at;
			at += c;
		}
		if (shared)
			continue;
		for (size_t i = 0; i < n; i++) {
			uint64_t key;
			memcpy(&key, from + i * size, sizeof key);
			memcpy(to + count[d][key >> (d * DIGIT) & (VALUES - 1)]++ * size, from + i * size, size);
		}
		char *t = from;
		from = to;
		to = t;
	}
	return from;
}

/* Order for sorting: confidence first, correctness as the lowest bit. */
static uint64_t turn(conf_key k)
{
	return (k & CONF_UPPER) | (k & CONF_MASK) << 1 | (k >> 62 & 1);
}

static conf_key turn_back(uint64_t t)
{
	return (t & CONF_UPPER) | (t & ~CONF_UPPER) >> 1 | (t & 1) << 62;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* key[n] is in order by the high digits; what is left is runs that share those, mostly of one to three keys. They go to
 * to[n], which may be the same; turned: back to how confidences are kept. */
static inline __attribute__((always_inline)) void finish_runs(uint64_t *key, size_t n, uint64_t *to, int turned)
{
	enum { SHIFT = SKIPPED * DIGIT, FEW = 16 };
	for (size_t from = 0, end; from < n; from = end) {
		for (end = from + 1; end < n && key[end] >> SHIFT == key[from] >> SHIFT; end++)
			;
		if (end - from > FEW)
			qsort(key + from, end - from, sizeof *key, by_value);
		for (size_t i = from + 1; i < end && end - from <= FEW; i++) {
			uint64_t k = key[i];
			size_t j = i;
			for (; j > from && key[j - 1] > k; j--)
				key[j] = key[j - 1];
			key[j] = k;
		}
		for (size_t i = from; i < end; i++)
			to[i] = turned ? turn_back(key[i]) : key[i];
	}
}

/* Of six digits the lowest three are left to finish_runs: 31 bits remain above them (the exponent and 20 bits of
 * mantissa), so few keys share them all. */
static inline __attribute__((always_inline)) int sort_keys(uint64_t *key, size_t n, int turned, struct err *err)
{
	uint64_t *scratch, *sorted;
	size_t(*count)[VALUES];
	if (mem_alloc(&count, PLACES, sizeof *count, err))
		return -1;
	/* Not mem_alloc: every word is written before it is read, and zeroing costs a pass. */
	scratch = malloc(n * sizeof *scratch + 1);
	if (!scratch) {
		free(count);
		return err_system(err, "out of memory: %zu keys to sort", n);
	}
	for (size_t i = 0; i < n; i++) {
		key[i] = turned ? turn(key[i]) : key[i];
		count_digits(count, key[i], SKIPPED);
	}
	sorted = sort_by_digits(key, scratch, n, sizeof *key, SKIPPED, count);
	finish_runs(sorted, n, key, turned);
	free(scratch);
	free(count);
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

struct keyed {
	uint64_t key;
	uint32_t at;
};

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
			count_digits(count, a[i].key, 0);
		}
		const struct keyed *sorted = sort_by_digits(a, b, n, sizeof *a, 0, count);
		for (size_t i = 0; i < n; i++)
			order[i] = sorted[i].at;
	}
	free(a);
	free(b);
	free(count);
	return rc ? -1 : 0;
}
