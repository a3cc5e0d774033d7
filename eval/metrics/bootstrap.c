/* Poisson bootstrap. A weight is drawn by inversion: one 32-bit word of Philox against the table of the Poisson(1)
 * distribution function. One Philox block of four words serves records 4k..4k+3 wherever `from` begins, so a weight
 * depends on (seed, b, record) alone and a stream may be cut into any chunks. Table and counter layout are part of what
 * a seed means. */
#include "metrics.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>

/* 2^32 P(Poisson(1) <= k), k = 0..11, rounded; beyond 12 lies less than 2^-32. */
static const uint32_t at_most[12] = { 1580030169u, 3160060337u, 3950075422u, 4213413783u, 4279248374u, 4292415292u,
				      4294609778u, 4294923276u, 4294962463u, 4294966817u, 4294967253u, 4294967292u };

void bootstrap_weights(uint64_t seed, uint32_t b, uint64_t from, size_t n, uint8_t *weight)
{
	uint32_t out[4], key[2] = { (uint32_t)seed ^ RNG_BOOTSTRAP * 0x9E3779B9u, (uint32_t)(seed >> 32) };
	for (size_t i = 0; i < n; i++) {
		uint64_t record = from + i;
		if (i == 0 || record % 4 == 0) {
			uint32_t ctr[4] = { (uint32_t)(record / 4), (uint32_t)(record / 4 >> 32), b, RNG_BOOTSTRAP };
			philox4x32(out, ctr, key);
		}
		uint32_t u = out[record % 4];
		int w = 0;
		for (int k = 0; k < 12; k++)
			w += u >= at_most[k];
		weight[i] = (uint8_t)w;
	}
}

void bootstrap_interval(double *v, int rounds, double estimate, double level, double lo, double hi, double *low,
			double *high)
{
	double side = (1 - level) / 2;
	sort_rising(v, (size_t)rounds);
	*low = fmin(fmax(2 * estimate - quantile_of(v, rounds, 1 - side), lo), hi);
	*high = fmin(fmax(2 * estimate - quantile_of(v, rounds, side), lo), hi);
}
