/* Draws images of shapes and computes P(shape | image). Only ratios to the bare ground are needed, since the ground's
 * own probability is common to all hypotheses. A shape's mask is kept as runs of covered pixels in row order, so with
 * prefix sums of log ratios a pose costs two look-ups a run instead of one a pixel; the poses are then added by
 * log-sum-exp. log_byte must describe exactly what shapes_image does to a value (round, then clip): change both or
 * neither. The order of draws in shapes_image is part of what a seed means. */
#include "shapes.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 64, SIDE_MAX = 32 };
static const double ground = 96, sigma = 64, highest = 100;

/* A covered stretch of an image, row by row: pixels from..to-1. */
struct run {
	uint16_t from, to;
};

struct mask {
	int n;
	struct run run[RUNS_MAX];
};

struct shapes {
	struct shapes_config c;
	struct mask mask[SHAPES][SHAPE_POSES];
	/* log P(byte | level) - log P(byte | ground) */
	double ratio[SHAPE_CONTRASTS][256];
};

const char *shapes_name(int shape)
{
	static const char *const names[SHAPES] = { "disc",    "square", "triangle", "plus",  "ring",
						   "diamond", "bar",	"pillar",   "cross", "frame" };
	return names[shape];
}

double shapes_ground(void)
{
	return ground;
}

double shapes_sigma(void)
{
	return sigma;
}

double shapes_level(const struct shapes *s, int contrast)
{
	return ground + highest * s->c.strength * (contrast + 1) / SHAPE_CONTRASTS;
}

/* (u, v): place within the shape's box, -1..1, v downwards. */
static int inside(int shape, double u, double v)
{
	double au = fabs(u), av = fabs(v), r = hypot(u, v);
	switch (shape) {
	case 0:
		return r <= 1;
	case 1:
		return au <= 0.85 && av <= 0.85;
	case 2:
		return v <= 0.9 && au <= (v + 1) / 2;
	case 3:
		return (au <= 0.3 && av <= 1) || (av <= 0.3 && au <= 1);
	case 4:
		return r <= 1 && r >= 0.55;
	case 5:
		return au + av <= 1.1;
	case 6:
		return av <= 0.4 && au <= 1;
	case 7:
		return au <= 0.4 && av <= 1;
	case 8:
		return fabs(u - v) <= 0.45 || fabs(u + v) <= 0.45;
	default:
		return au <= 0.95 && av <= 0.95 && (au >= 0.55 || av >= 0.55);
	}
}

int shapes_covers(const struct shapes *s, int shape, int pose, int y, int x)
{
	static const int radius[SHAPE_SIZES] = { 5, 7, 9 }, shift[4] = { -3, -1, 1, 3 };
	int place = pose % SHAPE_PLACES;
	double r = radius[pose / SHAPE_PLACES] + 0.5, middle = (s->c.side - 1) / 2.0;
	double u = (x - middle - shift[place % 4]) / r, v = (y - middle - shift[place / 4]) / r;
	return fabs(u) <= 1 && fabs(v) <= 1 && inside(shape, u, v);
}

static int make_mask(const struct shapes *s, int shape, int pose, struct mask *m, struct err *err)
{
	int side = s->c.side;
	m->n = 0;
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			if (!shapes_covers(s, shape, pose, y, x))
				continue;
			int from = x;
			while (x < side && shapes_covers(s, shape, pose, y, x))
				x++;
			if (m->n == RUNS_MAX)
				return err_set(err, "shape %d has too many runs", shape);
			m->run[m->n++] = (struct run){ (uint16_t)(y * side + from), (uint16_t)(y * side + x) };
		}
	return 0;
}

/* log P(byte | mean): all that rounds to the byte; the ends take what is clipped to them. Differences are taken on the
 * side of the mean where they keep their digits. */
static double log_byte(int byte, double mean)
{
	double low = (byte - 0.5 - mean) / sigma, high = (byte + 0.5 - mean) / sigma, r = sqrt(0.5);
	if (byte == 0)
		return log(0.5 * erfc(-high * r));
	if (byte == 255)
		return log(0.5 * erfc(low * r));
	return log(low > 0 ? 0.5 * (erfc(low * r) - erfc(high * r)) : 0.5 * (erfc(-high * r) - erfc(-low * r)));
}

int shapes_open(struct shapes **out, const struct shapes_config *config, struct err *err)
{
	struct shapes *s;
	if (config->side > SIDE_MAX)
		return err_usage(err, "an image of %d pixels a side; the most is %d", config->side, SIDE_MAX);
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->c = *config;
	for (int shape = 0; shape < config->classes; shape++)
		for (int pose = 0; pose < SHAPE_POSES; pose++)
			if (make_mask(s, shape, pose, &s->mask[shape][pose], err)) {
				free(s);
				return -1;
			}
	for (int k = 0; k < SHAPE_CONTRASTS; k++)
		for (int byte = 0; byte < 256; byte++)
			s->ratio[k][byte] = log_byte(byte, shapes_level(s, k)) - log_byte(byte, ground);
	*out = s;
	return 0;
}

void shapes_close(struct shapes *s)
{
	free(s);
}

void shapes_image(const struct shapes *s, uint32_t set, uint32_t number, unsigned char *px, struct shapes_draw *d)
{
	struct rng r;
	int n = s->c.side * s->c.side, k = s->c.classes;
	rng_init(&r, s->c.seed, RNG_SYNTH, 0x10000u + set, number);
	d->shape = (int)rng_below(&r, (uint32_t)k);
	d->pose = (int)rng_below(&r, SHAPE_POSES);
	d->contrast = (int)rng_below(&r, SHAPE_CONTRASTS);
	d->channel = (int)rng_below(&r, (uint32_t)s->c.channels);
	d->label = rng_real(&r) < s->c.noise ? (d->shape + 1 + (int)rng_below(&r, (uint32_t)k - 1)) % k : d->shape;
	const struct mask *m = &s->mask[d->shape][d->pose];
	for (int c = 0; c < s->c.channels; c++) {
		const struct run *run = m->run, *end = c == d->channel ? m->run + m->n : m->run;
		for (int i = 0; i < n; i++) {
			while (run < end && i >= run->to)
				run++;
			double mean = run < end && i >= run->from ? shapes_level(s, d->contrast) : ground;
			double v = rint(mean + sigma * rng_normal(&r));
			*px++ = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
		}
	}
}

size_t shapes_work(const struct shapes *s)
{
	return (size_t)s->c.side * (size_t)s->c.side + 1 +
	       (size_t)s->c.classes * SHAPE_POSES * SHAPE_CONTRASTS * (size_t)s->c.channels;
}

/* Of the ways to draw each shape, the logarithms of their probabilities up to a common constant: the sums of `ratio`
 * over the covered pixels, each run a difference of two running sums. */
static void log_ways(const struct shapes *s, const unsigned char *px, double *running, double *way)
{
	size_t n = (size_t)s->c.side * (size_t)s->c.side, ways = SHAPE_POSES * SHAPE_CONTRASTS * (size_t)s->c.channels;
	for (int c = 0; c < s->c.channels; c++)
		for (int k = 0; k < SHAPE_CONTRASTS; k++) {
			running[0] = 0;
			for (size_t i = 0; i < n; i++)
				running[i + 1] = running[i] + s->ratio[k][px[(size_t)c * n + i]];
			size_t at = (size_t)(c * SHAPE_CONTRASTS + k) * SHAPE_POSES;
			for (int shape = 0; shape < s->c.classes; shape++)
				for (int pose = 0; pose < SHAPE_POSES; pose++) {
					const struct mask *m = &s->mask[shape][pose];
					double sum = 0;
					for (int j = 0; j < m->n; j++)
						sum += running[m->run[j].to] - running[m->run[j].from];
					way[(size_t)shape * ways + at + (size_t)pose] = sum;
				}
		}
}

void shapes_posterior(const struct shapes *s, const unsigned char *px, double *p, double *work)
{
	size_t n = (size_t)s->c.side * (size_t)s->c.side, ways = SHAPE_POSES * SHAPE_CONTRASTS * (size_t)s->c.channels;
	double *way = work + n + 1, top = -INFINITY, total = 0;
	int k = s->c.classes;
	log_ways(s, px, work, way);
	for (size_t i = 0; i < (size_t)k * ways; i++)
		top = fmax(top, way[i]);
	for (int y = 0; y < k; y++) {
		p[y] = 0;
		for (size_t i = 0; i < ways; i++)
			p[y] += exp(way[(size_t)y * ways + i] - top);
		total += p[y];
	}
	for (int y = 0; y < k; y++) {
		p[y] /= total;
		p[y] = (1 - s->c.noise) * p[y] + s->c.noise * (1 - p[y]) / (k - 1);
	}
}
