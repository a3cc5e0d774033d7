/* Poisson bootstrap, coins and draws, and intervals from them. A weight is drawn by inversion: one 32-bit word of
 * Philox against the table of the Poisson(1) distribution function. One Philox block of four words serves records
 * 4k..4k+3 wherever `from` begins, so a weight depends on (seed, b, record) alone and a stream may be cut into any
 * chunks. Table and counter layout are part of what a seed means. */
#include "metric_table.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdio.h>

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

int bootstrap_too_few(int rounds, double level, char text[TOO_FEW_TEXT])
{
	int least = (int)ceil(2 / (1 - level) * (1 - 1e-12)); /* 40 at 0.95, whose double is not quite that */
	snprintf(text, TOO_FEW_TEXT, "caution: %d resamples are too few for intervals at %g, which take %d", rounds,
		 level, least);
	return rounds && rounds < least;
}

uint32_t bootstrap_round(uint64_t seed, uint32_t round, size_t n)
{
	enum { FEW = 64 }; /* more records are all left out once in 10^27 rounds */
	uint8_t weight[FEW];
	for (uint32_t again = 0; again < 256 && n < FEW; again++) {
		uint32_t b = round + (again << 24);
		bootstrap_weights(seed, b, 0, n, weight);
		for (size_t i = 0; i < n; i++)
			if (weight[i])
				return b;
	}
	return round;
}

void calibrated_keys(conf_key *to, const conf_key *sorted, size_t n, uint64_t seed, uint32_t draw)
{
	struct rng r;
	rng_init(&r, seed, RNG_NULL, draw, 0);
	for (size_t i = 0; i < n; i++)
		to[i] = conf_order(sorted[i]) | (rng_real(&r) < conf_p(sorted[i]) ? CONF_RIGHT : 0);
}

void swap_coins(uint64_t seed, uint32_t b, size_t n, uint8_t *swap)
{
	uint32_t out[4], key[2] = { (uint32_t)seed ^ RNG_SWAP * 0x9E3779B9u, (uint32_t)(seed >> 32) };
	for (uint64_t block = 0; block * 128 < n; block++) {
		uint32_t ctr[4] = { (uint32_t)block, (uint32_t)(block >> 32), b, RNG_SWAP };
		philox4x32(out, ctr, key);
		for (int i = 0; i < 16; i++)
			swap[16 * block + (unsigned)i] = (uint8_t)(out[i / 4] >> i % 4 * 8);
	}
}

double mean_of(const double *v, int n, double *sd)
{
	double mean = 0, most = 0, square = 0;
	for (int i = 0; i < n; i++)
		mean += v[i] / n;
	for (int i = 0; i < n; i++)
		most = fmax(most, fabs(v[i] - mean));
	for (int i = 0; i < n && most > 0; i++) /* scaled: a square of 1e200 is no double */
		square += (v[i] - mean) / most * ((v[i] - mean) / most);
	*sd = most * sqrt(square / n);
	return mean;
}

double interval_sd(const struct interval_data *d)
{
	double sd, own = 0;
	mean_of(d->resampled, d->rounds, &sd);
	if (d->draws)
		mean_of(d->drawn, d->draws, &own);
	sd *= sqrt((double)d->n / ((double)d->n - 1)); /* what n records say of a spread is too little by that */
	return fmax(sd, own);
}

double interval_t(double level, size_t n)
{
	return n > 1 ? student_quantile_two_sided(level, (double)n - 1) : INFINITY;
}

/* Of all kinds but Wilson's. */
static void interval_by_spread(const struct metric *metric, double value, const struct interval_data *d, double *low,
			       double *high)
{
	enum metric_interval kind = metric->interval;
	double sd = interval_sd(d), noise = 0, unused;
	if (kind == INTERVAL_NORM)
		sd = fmax(sd, d->gap_sd);
	if (d->draws && kind >= INTERVAL_ERROR)
		noise = mean_of(d->noise, d->draws, &unused);
	double spread = d->t * sd, factor = exp(spread / value);
	int ratio = kind == INTERVAL_RATIO && value > 0;
	*low = ratio ? value / factor : value - noise - spread;
	*high = ratio ? value * factor : value + spread;
}

void interval_of(const struct metric *metric, double value, const struct interval_data *d, double *low, double *high)
{
	*low = metric->least;
	*high = metric->most;
	if (d->n < 2)
		return;
	if (metric->interval == INTERVAL_WILSON)
		wilson(round(value * (double)d->n), (double)d->n, normal_quantile_two_sided(d->level), low, high);
	else
		interval_by_spread(metric, value, d, low, high);
	/* within the range, and about the value: Wilson's may miss it, and it its range, by a rounding */
	*low = fmin(fmax(*low, metric->least), value);
	*high = fmax(fmin(*high, metric->most), value);
}
