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

/* The blocks so far, and the one that is being put together: records begin..next.end. Whatever follows records that are
 * all right is pooled with them, and so is what is all wrong with whatever stands before it; so a block ends only where
 * a right record, or a tie group with one, follows a wrong one. */
struct pooling {
	struct pav_block *block, next;
	size_t m, cap, begin, n;
};

static int end_block(struct pooling *p, struct err *err)
{
	if (mem_grow(&p->block, &p->cap, p->m + 1, sizeof *p->block, err))
		return -1;
	p->m = pool_block(p->block, p->m, p->next, p->n);
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

/* CHUNK records without ties, a bit each: blocks end before those that are right and follow a wrong one. */
enum { CHUNK = 64 };
static int take_singles(struct pooling *p, uint64_t right, struct err *err)
{
	size_t from = p->next.end;
	uint64_t all_right = p->next.right == p->next.end - p->begin;
	for (uint64_t at = right & ~(right << 1 | all_right); at; at &= at - 1) {
		int i = __builtin_ctzll(at);
		uint64_t before = ((uint64_t)1 << i) - 1;
		p->next.right += (uint64_t)__builtin_popcountll(right & before);
		p->next.end = from + (size_t)i;
		right &= ~before;
		if (end_block(p, err))
			return -1;
	}
	p->next.right += (uint64_t)__builtin_popcountll(right);
	p->next.end = from + CHUNK;
	return 0;
}

/* Whether key[CHUNK + 1] are all of different confidence; *right: a bit for each of the first CHUNK. */
static int singles(const conf_key *k, uint64_t *right)
{
	uint64_t tied = 0, bits = 0;
	for (size_t i = 0; i < CHUNK; i++) {
		tied |= conf_order(k[i]) == conf_order(k[i + 1]);
		bits |= (uint64_t)conf_right(k[i]) << i;
	}
	*right = bits;
	return !tied;
}

int pav(const conf_key *k, size_t n, struct pav_block **block, size_t *n_blocks, struct err *err)
{
	struct pooling p = { .n = n };
	int rc = 0;
	for (size_t from = 0; from < n && !rc;) {
		uint64_t right;
		if (from + CHUNK < n && singles(k + from, &right)) {
			rc = take_singles(&p, right, err);
			from += CHUNK;
			continue;
		}
		/* As far as a chunk with a tie in it goes, and to the end of its last group. */
		size_t stop = from + CHUNK < n ? from + CHUNK : n;
		for (right = 0; from < stop && !rc; right = 0) {
			for (uint64_t v = conf_order(k[from]); from < n && conf_order(k[from]) == v; from++)
				right += (uint64_t)conf_right(k[from]);
			rc = take_group(&p, from, right, err);
		}
	}
	rc = rc || (p.next.end > p.begin && end_block(&p, err));
	if (rc) {
		free(p.block);
		return -1;
	}
	*n_blocks = p.m;
	*block = p.block;
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

fix corp_score(const struct key_terms *t)
{
	return (fix)t->square_high * ((fix)1 << 32) + t->square_low;
}

int corp_of(const conf_key *k, size_t n, struct corp *c, struct err *err)
{
	struct key_terms t;
	fix score = 0;
	for (size_t at = 0, m; (m = keys_terms(k, n, at, &t)); at += m)
		score += corp_score(&t);
	return corp_of_score(k, n, score, c, err);
}

int corp_of_score(const conf_key *k, size_t n, fix score, struct corp *c, struct err *err)
{
	struct pav_block *b;
	size_t m;
	double best = 0;
	uint64_t right = 0;
	if (pav(k, n, &b, &m, err))
		return -1;
	for (size_t i = 0; i < m; i++) {
		double r = (double)b[i].right, s = (double)size_of(b, i);
		best += r * (s - r) / s;
		right += b[i].right;
	}
	free(b);
	double rate = (double)right / (double)n, base = on_grid(rate * (1 - rate));
	best = fmin(on_grid(best / (double)n), base); /* where all is one block, they are the same but for rounding */
	c->score = on_grid(fix_real(score) / (double)n);
	c->miscalibration = c->score - best;
	c->discrimination = base - best;
	c->uncertainty = base;
	return 0;
}
