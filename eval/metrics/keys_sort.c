/* Radix sort of confidence keys, DIGIT bits a pass. Keys are rearranged first: the correctness bit, which lies above
 * the magnitude, becomes the lowest bit, so that confidence decides and wrong comes before right within a tie. Only the
 * high digits are sorted by passes; the runs that share them are finished by insertion or qsort, which is cheaper than
 * three more passes over all keys. Equal keys cannot be told apart, so stability does not matter at the end. */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, PLACES = 6, VALUES = 1 << DIGIT, SKIPPED = 3 };

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

/* Keys are in order by their high digits; what is left is runs that share those, mostly of one to three keys. */
static void finish_runs(uint64_t *key, size_t n)
{
	enum { SHIFT = SKIPPED * DIGIT, FEW = 16 };
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && key[to] >> SHIFT == key[from] >> SHIFT; to++)
			;
		if (to - from > FEW) {
			qsort(key + from, to - from, sizeof *key, by_value);
			continue;
		}
		for (size_t i = from + 1; i < to; i++) {
			uint64_t k = key[i];
			size_t j = i;
			for (; j > from && key[j - 1] > k; j--)
				key[j] = key[j - 1];
			key[j] = k;
		}
	}
}

/* Least significant digit first, but for the lowest three: 31 bits remain above them (the exponent and 20 bits of
 * mantissa), so few keys share them all; a digit that all keys share is skipped. */
int keys_sort(conf_key *key, size_t n, struct err *err)
{
	uint64_t *scratch, (*count)[VALUES];
	if (mem_alloc(&count, PLACES, sizeof *count, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t t = turn(key[i]);
		key[i] = t;
		for (int d = SKIPPED; d < PLACES; d++)
			count[d][t >> (d * DIGIT) & (VALUES - 1)]++;
	}
	/* Not mem_alloc: every word is written before it is read, and zeroing costs a pass. */
	scratch = malloc(n * sizeof *scratch + 1);
	if (!scratch) {
		free(count);
		return err_system(err, "out of memory: %zu keys to sort", n);
	}
	uint64_t *from = key, *to = scratch;
	for (int d = SKIPPED; d < PLACES; d++) {
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
		for (size_t i = 0; i < n; i++)
			to[count[d][from[i] >> (d * DIGIT) & (VALUES - 1)]++] = from[i];
		uint64_t *t = from;
		from = to;
		to = t;
	}
	finish_runs(from, n);
	for (size_t i = 0; i < n; i++)
		key[i] = turn_back(from[i]);
	free(scratch);
	free(count);
	return 0;
}
