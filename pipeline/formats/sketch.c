/* Prints lie in map files, so record_print is part of their format: with another constant, or its inputs in another
 * order, an old map would not recognise its own records, and no error would show it. */
#include "sketch.h"
#include "pipeline/base/hash.h"

#include <math.h>
#include <string.h>

/* Values that came more often than this, in both sets together, weigh next to nothing and are left out. */
enum { MOST_OFTEN = 16 };

static uint64_t stir(uint64_t h, uint64_t w)
{
	return hash_fold(h ^ w, 0x9E3779B97F4A7C15u) + 0xD1B54A32D192ED03u;
}

uint64_t record_print(const double *v, size_t n)
{
	uint64_t h = 0x243F6A8885A308D3u, u;
	for (size_t i = 0; i < n; i++) {
		double d = v[i] == 0 ? 0 : v[i];
		memcpy(&u, &d, 8);
		h = stir(h, (u + (1u << 28)) >> 29);
	}
	h = stir(h, n);
	return stir(h, h >> 32); /* the smallest prints are kept, so the high bits must be as stirred as the low ones */
}

/* The first place whose print is not below. */
static size_t place_of(const struct sketch *s, uint64_t print)
{
	size_t lo = 0, hi = s->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->at[mid].print < print)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void sketch_add(struct sketch *s, uint64_t print, uint64_t count)
{
	s->records += count;
	s->sum += print * count;
	if (s->n == SKETCH && print > s->at[SKETCH - 1].print)
		return;
	size_t at = place_of(s, print);
	if (at < s->n && s->at[at].print == print) {
		s->at[at].count += count;
		return;
	}
	s->n += s->n < SKETCH;
	memmove(s->at + at + 1, s->at + at, (s->n - 1 - at) * sizeof *s->at);
	s->at[at] = (struct sketch_print){ print, count };
}

/* Values by how often they came in both sets together, and how many of them lie in both. */
struct groups {
	double values[MOST_OFTEN + 1], mixed;
};

/* The probability that g records, dealt to sets of n and m, do not all go to one. */
static double mixed_by_chance(double n, double m, int g)
{
	double one = 1, other = 1;
	for (int i = 0; i < g; i++) {
		one *= fmax(0, n - i) / (n + m - i);
		other *= fmax(0, m - i) / (n + m - i);
	}
	return fmin(1, fmax(0, 1 - one - other));
}

/* log P(as many or more in both) <= sum over values of log(1 - r + r e^t) - t mixed, at every t >= 0. */
static double bound_at(const struct groups *g, const double *r, double t)
{
	double sum = -t * g->mixed;
	for (int i = 2; i <= MOST_OFTEN; i++)
		sum += g->values[i] * log1p(r[i] * expm1(t));
	return sum;
}

/* The least of the bounds, which is convex in t, by golden section. */
static double chance_of(const struct groups *g, double n, double m)
{
	double r[MOST_OFTEN + 1], lo = 0, hi = 40;
	for (int i = 2; i <= MOST_OFTEN; i++)
		r[i] = mixed_by_chance(n, m, i);
	for (int i = 0; i < 60; i++) {
		double a = lo + (hi - lo) * 0.381966011250105, b = hi - (hi - lo) * 0.381966011250105;
		if (bound_at(g, r, a) < bound_at(g, r, b))
			hi = b;
		else
			lo = a;
	}
	return fmin(0, bound_at(g, r, lo));
}

void sketch_overlap(const struct sketch *fitted, const struct sketch *now, struct overlap *o)
{
	struct groups g = { 0 };
	uint64_t bound = UINT64_MAX, records = 0, found = 0;
	const struct sketch *both[2] = { fitted, now };
	size_t at[2] = { 0, 0 };
	*o = (struct overlap){ 0 };
	for (int i = 0; i < 2; i++)
		if (both[i]->n == SKETCH && both[i]->at[SKETCH - 1].print < bound)
			bound = both[i]->at[SKETCH - 1].print;
	for (;;) {
		uint64_t count[2] = { 0, 0 }, print = UINT64_MAX;
		for (int i = 0; i < 2; i++)
			if (at[i] < both[i]->n && both[i]->at[at[i]].print < print)
				print = both[i]->at[at[i]].print;
		if (print >= bound)
			break;
		for (int i = 0; i < 2; i++)
			if (at[i] < both[i]->n && both[i]->at[at[i]].print == print)
				count[i] = both[i]->at[at[i]++].count;
		int mixed = count[0] && count[1];
		records += count[0];
		found += mixed ? count[0] : 0;
		o->seen += (uint64_t)mixed;
		if (count[0] + count[1] > MOST_OFTEN)
			continue;
		g.values[count[0] + count[1]] += 1;
		g.mixed += mixed;
	}
	o->shared = records ? (double)found / (double)records * (double)fitted->records : 0;
	o->log_p = chance_of(&g, (double)fitted->records, (double)now->records);
}
