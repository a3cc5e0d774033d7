/* wide: exact sums of the doubles that fix.h has no room for, in any order. */
#ifndef VIC_EVAL_WIDE_H
#define VIC_EVAL_WIDE_H

#include "fix.h"

enum { WIDE_PARTS = 31 };

/* Part i counts multiples of 2^(32 i - 20): the terms of 2^(32 i + 32) <= v < 2^(32 i + 64), each an integer of at most
 * 84 bits there, so that 2^42 of them fit. All zero: no terms. */
struct wide {
	fix part[WIDE_PARTS];
};

/* v: FIX_LIMIT or more, finite. */
void wide_add(struct wide *w, double v);
void wide_merge(struct wide *to, const struct wide *from);
/* The sum divided by n >= 1; finite wherever the quotient is a double. */
double wide_over(const struct wide *w, double n);

#endif
