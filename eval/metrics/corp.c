/* CORP by the pool-adjacent-violators algorithm, in one pass over sorted keys: a tie group enters as one block, and
 * blocks are merged while the last is not above the one before it. Accuracies are compared as integers, by
 * cross-multiplying in 128 bits, with no rounding. The isotonic fit's Brier score follows from the blocks alone. */
#include "metrics.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

static size_t size_of(const struct pav_block *b, size_t i)
{
	return b[i].end - (i ? b[i - 1].end : 0);
}

/* One block more, pooled with those before it while it is not above them. Blocks of equal accuracy are pooled too, so
 * accuracies rise strictly and there are few blocks. Returns how many there are now. */
static size_t pool_block(struct pav_block *b, size_t m, struct pav_block next)
{
	size_t begin = m ? b[m - 1].end : 0;
	while (m) {
		size_t before = m > 1 ? b[m - 2].end : 0;
		if ((unsigned __int128)b[m - 1].right * (next.end - begin) <
		    (unsigned __int128)next.right * (begin - before))
			break;
		next.right += b[m - 1].right;
		begin = before;
		m--;
	}
	b[m] = next;
	return m + 1;
}

/* The block that is being put together: records p->begin to p->next.end. */
static int end_block(struct pooling *p, struct err *err)
{
	if (mem_grow(&p->block, &p->cap, p->m + 1, sizeof *p->block, err))
		return -1;
	p->m = pool_block(p->block, p->m, p->next);
	p->begin = p->next.end;
	p->next.right = 0;
	return 0;
}

/* A tie group: `right` of the records up to `to`. */
static int take_group(struct pooling *p, size_t to, uint64_t right, struct err *err)
{
	if (right && p->next.right < p->next.end - p->begin && end_block(p, err))
		return -1;
	p->next.right += right;
	p->next.end = to;
	return 0;
}

/* How many bits in a row are set, from `at` on. */
static unsigned ones_from(uint64_t bits, int at)
{
	uint64_t clear = ~(bits >> at);
	return clear ? (unsigned)__builtin_ctzll(clear) : 64;
}

/* n records without ties, a bit each: blocks end before those that are right and follow a wrong one, so that what is
 * right of a block comes first. */
static int take_singles(struct pooling *p, size_t n, uint64_t right, struct err *err)
{
	size_t from = p->next.end;
	uint64_t all_right = p->next.right == p->next.end - p->begin;
	int begin = 0;
	for (uint64_t at = right & ~(right << 1 | all_right); at; at &= at - 1) {
		int end = __builtin_ctzll(at);
		p->next.right += end > begin ? ones_from(right, begin) : 0; /* the first may be empty */
		p->next.end = from + (size_t)end;
		begin = end;
		if (end_block(p, err))
			return -1;
	}
	p->next.right += ones_from(right, begin);
	p->next.end = from + n;
	return 0;
}

int pooling_add(struct pooling *p, size_t n, const struct key_terms *t, struct err *err)
{
	p->score += (fix)t->square_high * ((fix)1 << 32) + t->square_low;
	if (!t->tied && p->at == p->next.end) {
		p->at += n;
		return take_singles(p, n, t->right, err);
	}
	for (size_t i = 0; i < n; i++) {
		p->group += t->right >> i & 1;
		p->at++;
		if (t->tied >> i & 1)
			continue;
		if (take_group(p, p->at, p->group, err))
			return -1;
		p->group = 0;
	}
	return 0;
}

int pooling_end(struct pooling *p, struct err *err)
{
	return p->next.end > p->begin ? end_block(p, err) : 0;
}

void pooling_release(struct pooling *p)
{
	free(p->block);
	*p = (struct pooling){ 0 };
}

/* Over all of k[n]. */
static int pool_all(struct pooling *p, const conf_key *k, size_t n, struct err *err)
{
	struct key_terms t;
	*p = (struct pooling){ .n = n };
	for (size_t m; (m = keys_terms(k, n, p->at, &t));)
		if (pooling_add(p, m, &t, err)) {
			pooling_release(p);
			return -1;
		}
	if (pooling_end(p, err)) {
		pooling_release(p);
		return -1;
	}
	return 0;
}

int pav(const conf_key *k, size_t n, struct pav_block **block, size_t *n_blocks, struct err *err)
{
	struct pooling p;
	if (pool_all(&p, k, n, err))
		return -1;
	*n_blocks = p.m;
	*block = p.block;
	return 0;
}

size_t pav_blocks(struct pav_block *block, size_t m)
{
	size_t left = 0;
	for (size_t i = 0; i < m; i++)
		left = pool_block(block, left, block[i]);
	return left;
}

/* Scores are put on a grid of 2^-52: doubles hold such numbers below 2 and their sums and differences without rounding,
 * so the three parts add up to the score to the last bit. */
static double on_grid(double v)
{
	return nearbyint(v * 0x1p52) * 0x1p-52;
}

void corp_of_pooling(const struct pooling *p, struct corp *c)
{
	double best = 0, n = (double)p->n;
	uint64_t right = 0;
	for (size_t i = 0; i < p->m; i++) {
		double r = (double)p->block[i].right, s = (double)size_of(p->block, i);
		best += r * (s - r) / s;
		right += p->block[i].right;
	}
	double rate = (double)right / n, base = on_grid(rate * (1 - rate));
	best = fmin(on_grid(best / n), base); /* where all is one block, they are the same but for rounding */
	c->score = on_grid(fix_real(p->score) / n);
	c->miscalibration = c->score - best;
	c->discrimination = base - best;
	c->uncertainty = base;
}

int corp_of(const conf_key *k, size_t n, struct corp *c, struct err *err)
{
	struct pooling p;
	if (pool_all(&p, k, n, err))
		return -1;
	corp_of_pooling(&p, c);
	pooling_release(&p);
	return 0;
}
