#include "metrics.h"
#include "pipeline/mem.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, PLACES = 6, VALUES = 1 << DIGIT };

/* Order for sorting: confidence first, correctness as the lowest bit. */
static uint64_t turn(conf_key k)
{
	return (k & CONF_UPPER) | (k & CONF_MASK) << 1 | (k >> 62 & 1);
}

static conf_key turn_back(uint64_t t)
{
	return (t & CONF_UPPER) | (t & ~CONF_UPPER) >> 1 | (t & 1) << 62;
}

/* Least significant digit first; a digit that all keys share is skipped. */
int keys_sort(conf_key *key, size_t n, struct err *err)
{
	uint64_t *scratch, (*count)[VALUES];
	if (mem_alloc(&count, PLACES, sizeof *count, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t t = turn(key[i]);
		key[i] = t;
		for (int d = 0; d < PLACES; d++)
			count[d][t >> (d * DIGIT) & (VALUES - 1)]++;
	}
	/* Not mem_alloc: every word is written before it is read, and zeroing costs a pass. */
	scratch = malloc(n * sizeof *scratch + 1);
	if (!scratch) {
		free(count);
		return err_set(err, "out of memory: %zu keys to sort", n);
	}
	uint64_t *from = key, *to = scratch;
	for (int d = 0; d < PLACES; d++) {
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
	for (size_t i = 0; i < n; i++)
		key[i] = turn_back(from[i]);
	free(scratch);
	free(count);
	return 0;
}
