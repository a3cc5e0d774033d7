/* conf: one record's confidence and whether it was right, in 8 bytes that sort by confidence.
 *
 * A confidence p in [0,1] is kept as p where p < 1/2 and as its distance from 1 where p >= 1/2. Doubles hold both
 * exactly, so a softmax that is 1 in float64 still differs from another (down to 1 - p = 1e-308) and records do not tie
 * only because the model is sure. The integer order of keys is the order of p; the correctness bit does not take part
 * in conf_order(). Bit layout, high to low: upper half flag, correct flag, 62 bits of the magnitude (complemented in
 * the upper half). Magnitudes are below 2, so bit 62 of a double is free to hold the flag. */
#ifndef VIC_EVAL_CONF_H
#define VIC_EVAL_CONF_H

#include <stdint.h>
#include <string.h>

typedef uint64_t conf_key;

#define CONF_UPPER ((uint64_t)1 << 63)
#define CONF_RIGHT ((uint64_t)1 << 62)
#define CONF_MASK (CONF_RIGHT - 1)

static inline uint64_t conf_bits(double d)
{
	uint64_t u;
	memcpy(&u, &d, 8);
	return u;
}

static inline double conf_double(uint64_t u)
{
	double d;
	memcpy(&d, &u, 8);
	return d;
}

/* p: the probability; rest: 1 - p, computed without cancellation where that is possible. Both in [0,1]. Only the
 * smaller of the two is kept. */
static inline conf_key conf_pack(double p, double rest, int right)
{
	uint64_t lower = conf_bits(p), upper = CONF_UPPER | (~conf_bits(rest) & CONF_MASK), take = -(uint64_t)(p < 0.5);
	/* No branch: either half is as likely. */
	return (lower & take) | (upper & ~take) | (uint64_t)(right != 0) << 62;
}

static inline int conf_right(conf_key k)
{
	return (int)(k >> 62 & 1);
}

/* p and 1 - p, the latter with full relative precision near 0. No branch: either half is as likely. */
static inline void conf_both(conf_key k, double *p, double *rest)
{
	uint64_t upper = -(k >> 63);
	double v = conf_double((k ^ upper) & CONF_MASK), other = 1 - v;
	*p = conf_double((conf_bits(other) & upper) | (conf_bits(v) & ~upper));
	*rest = conf_double((conf_bits(v) & upper) | (conf_bits(other) & ~upper));
}

static inline double conf_rest(conf_key k)
{
	double p, rest;
	conf_both(k, &p, &rest);
	return rest;
}

static inline double conf_p(conf_key k)
{
	double p, rest;
	conf_both(k, &p, &rest);
	return p;
}

/* right - p, with full relative precision near 0. */
static inline double conf_residual(conf_key k)
{
	uint64_t right = -(uint64_t)conf_right(k);
	double p, rest;
	conf_both(k, &p, &rest);
	return conf_double((conf_bits(rest) & right) | (conf_bits(-p) & ~right));
}

/* The key without correctness: equal exactly where two confidences tie, ascending in confidence. */
static inline uint64_t conf_order(conf_key k)
{
	return k & ~CONF_RIGHT;
}

#endif
