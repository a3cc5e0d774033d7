/* key_terms: what the passes over sorted keys add up of each, a chunk of keys at once; compiled into each variant of
 * softmax_kernel.c (softmax.h). Every number is what conf.h's functions give for the key alone. */
#ifndef VIC_EVAL_KEY_TERMS_H
#define VIC_EVAL_KEY_TERMS_H

#include "conf.h"

#include <stddef.h>

enum {
	TERMS = 64,		/* keys of a chunk, at most */
	TERMS_FINE = 1 << 16,	/* equal cells of [0,1] on which smooth ECE lays residuals */
};

struct key_terms {
	/* of the residual right - p, what goes to the lower and to the upper end of the cell that p is in */
	double lower[TERMS], upper[TERMS];
	int64_t cell[TERMS];
	double doubt[TERMS];  /* p (1 - p) */
	int64_t step[TERMS];  /* right - p, p cut to a multiple of 2^-60, in such units */
	/* Sums of p and of (right - p)^2, each term cut to a multiple of 2^-60: low + high 2^32, since 64 terms of 2^60
	 * are more than 64 bits hold. */
	int64_t conf_low, conf_high, square_low, square_high;
	uint64_t right, tied; /* a bit a key, the first lowest: right; in a tie with the key that follows it */
};

/* Of key[n], 1 <= n <= TERMS; key[n] is read too, unless `last`. */
static inline void key_terms_of(const conf_key *key, size_t n, int last, struct key_terms *t)
{
	double off[TERMS], p[TERMS];
	int64_t conf_low = 0, conf_high = 0, square_low = 0, square_high = 0;
	uint64_t right = 0, tied = 0;
	for (size_t i = 0; i < n; i++) {
		double rest;
		conf_both(key[i], &p[i], &rest);
		off[i] = conf_residual(key[i]);
		t->doubt[i] = p[i] * rest;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t conf = (int64_t)(p[i] * 0x1p60), square = (int64_t)(off[i] * off[i] * 0x1p60);
		t->step[i] = (int64_t)(key[i] >> 62 & 1) * ((int64_t)1 << 60) - conf;
		conf_low += conf & 0xffffffff;
		conf_high += conf >> 32;
		square_low += square & 0xffffffff;
		square_high += square >> 32;
	}
	for (size_t i = 0; i < n; i++) {
		double at = p[i] * TERMS_FINE;
		int64_t cell = (int64_t)at;
		cell = cell < TERMS_FINE ? cell : TERMS_FINE - 1;
		double u = at - (double)cell;
		t->cell[i] = cell;
		t->lower[i] = off[i] * (1 - u);
		t->upper[i] = off[i] * u;
	}
	for (size_t i = 0; i < n; i++)
		right |= (key[i] >> 62 & 1) << i;
	for (size_t i = 0; i + (size_t)(last != 0) < n; i++)
		tied |= (uint64_t)(conf_order(key[i]) == conf_order(key[i + 1])) << i;
	t->conf_low = conf_low;
	t->conf_high = conf_high;
	t->square_low = square_low;
	t->square_high = square_high;
	t->right = right;
	t->tied = tied;
}

#endif
