/* CORP by the pool-adjacent-violators algorithm, in one pass over sorted keys: a tie group enters as one block, and
 * blocks are merged while the last is not above the one before it. Accuracies are compared as integers, by
 * cross-multiplying, with no rounding; the products need 128 bits only beyond 2^32 - 1 records. The isotonic fit's
 * Brier score follows from the blocks alone. */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

static size_t size_of(const struct pav_block *b, size_t i)
{
	return b[i].end - (i ? b[i - 1].end : 0);
}

/* Whether the last block's accuracy is not above that of the one before it. */
static int not_above(const struct pav_block *b, size_t m, size_t n)
{
	size_t after = size_of(b, m - 1), before = size_of(b, m - 2);
	if (n <= UINT32_MAX)
		return b[m - 2].right * after >= b[m - 1].right * before;
	return (__int128)b[m - 2].right * after >= (__int128)b[m - 1].right * before;
}

/* One block more, of n records in all, pooled with those before it while it is not above them. Blocks of equal accuracy
 * are pooled too, so accuracies rise strictly and there are few blocks. Returns how many there are now. */
static size_t pool_block(struct pav_block *b, size_t m, struct pav_block next, size_t n)
{
	b[m++] = next;
	while (m > 1 && not_above(b, m, n)) {
		b[m - 2].right += b[m - 1].right;
		b[m - 2].end = b[m - 1].end;
		m--;
	}
	return m;
}

int pav(const conf_key *k, size_t n, struct pav_block **block, size_t *n_blocks, struct err *err)
{
	struct pav_block *b = NULL, next = { 0 };
	size_t m = 0, cap = 0, begin = 0; /* of next */
	for (size_t from = 0; from < n;) {
		size_t to = from;
		uint64_t right = 0, v = conf_order(k[from]);
		while (to < n && conf_order(k[to]) == v)
			right += (uint64_t)conf_right(k[to++]);
		/* Whatever follows records that are all right is pooled with them, and so is what is all wrong with
		 * whatever stands before it. */
		if (right && next.right < next.end - begin) {
			if (mem_grow(&b, &cap, m + 1, sizeof *b, err)) {
				free(b);
				return -1;
			}
			m = pool_block(b, m, next, n);
			begin = next.end;
			next.right = 0;
		}
		next.right += right;
		next.end = from = to;
	}
	if (next.end > begin && mem_grow(&b, &cap, m + 1, sizeof *b, err)) {
		free(b);
		return -1;
	}
	*n_blocks = next.end > begin ? pool_block(b, m, next, n) : m;
	*block = b;
	return 0;
}

size_t pav_blocks(struct pav_block *block, size_t m)
{
	size_t n = m ? block[m - 1].end : 0, left = 0;
	for (size_t i = 0; i < m; i++)
		left = pool_block(block, left, block[i], n);
	return left;
}

/* Scores are put on a grid of 2^-52: doubles hold such numbers below 2 and their sums and differences without rounding,
 * so the three parts add up to the score to the last bit. */
static double on_grid(double v)
{
	return nearbyint(v * 0x1p52) * 0x1p-52;
}

int corp_of(const conf_key *k, size_t n, struct corp *c, struct err *err)
{
	struct pav_block *b;
	size_t m;
	fix score = 0;
	double best = 0;
	uint64_t right = 0;
	if (pav(k, n, &b, &m, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		double miss = conf_residual(k[i]);
		score += (int64_t)(miss * miss * 0x1p60);
	}
	for (size_t i = 0; i < m; i++) {
		double r = (double)b[i].right, s = (double)size_of(b, i);
		best += r * (s - r) / s;
		right += b[i].right;
	}
	free(b);
	double rate = (double)right / (double)n, base = on_grid(rate * (1 - rate));
	best = on_grid(best / (double)n);
	c->score = on_grid(fix_real(score) / (double)n);
	c->miscalibration = c->score - best;
	c->discrimination = base - best;
	c->uncertainty = base;
	return 0;
}
