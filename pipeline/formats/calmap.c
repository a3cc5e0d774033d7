/* calmap: see calmap.h. */
#include "calmap.h"
#include "pipeline/base/binof.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MAP_METHODS] = {
	[MAP_TEMPERATURE] = "temperature",
	[MAP_VECTOR] = "vector",
	[MAP_MATRIX] = "matrix",
	[MAP_PLATT] = "platt",
	[MAP_BETA] = "beta",
	[MAP_ISOTONIC] = "isotonic",
	[MAP_HISTOGRAM] = "histogram",
	[MAP_STRUCTURED] = "structured-matrix",
	[MAP_DIRICHLET] = "dirichlet",
	[MAP_CENTRED] = "centred-isotonic",
	[MAP_ENSEMBLE] = "ensemble-temperature",
};

const char *calmap_method_name(enum calmap_method method)
{
	return names[method];
}

int calmap_gives_probs(enum calmap_method method)
{
	return calmap_has_curves(method) || method == MAP_HISTOGRAM || method == MAP_ENSEMBLE;
}

int calmap_is_affine(enum calmap_method method)
{
	return method == MAP_VECTOR || method == MAP_MATRIX || method == MAP_STRUCTURED || method == MAP_DIRICHLET;
}

int calmap_has_curves(enum calmap_method method)
{
	return method == MAP_ISOTONIC || method == MAP_CENTRED;
}

void calmap_release(struct calmap *map)
{
	for (int c = 0; map->curve && c < map->curves; c++) {
		free(map->curve[c].score);
		free(map->curve[c].value);
	}
	free(map->curve);
	free(map->weight);
	free(map->bias);
	free(map->bin);
	*map = (struct calmap){ 0 };
}

double curve_at(const struct curve *c, double p)
{
	size_t lo = 0, hi = c->n - 1;
	if (p <= c->score[0])
		return c->value[0];
	if (p >= c->score[hi])
		return c->value[hi];
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (c->score[mid] <= p)
			lo = mid;
		else
			hi = mid;
	}
	double t = (p - c->score[lo]) / (c->score[hi] - c->score[lo]);
	return c->value[lo] + t * (c->value[hi] - c->value[lo]);
}

static double one_class(const struct calmap *map, int c, double p)
{
	if (calmap_has_curves(map->method))
		return curve_at(&map->curve[c], p);
	double v = map->bin[(size_t)c * (size_t)map->bins + (size_t)bin_of(map->bins, p)];
	return isnan(v) ? p : v;
}

static void apply_curves(const struct calmap *map, void (*softmax)(const double *, int, double *), const double *z,
			 double *out, double *p)
{
	double sum = 0;
	softmax(z, map->k, p);
	if (map->curves == 1) {
		out[1] = one_class(map, 0, p[1]);
		out[0] = 1 - out[1];
		return;
	}
	for (int c = 0; c < map->k; c++)
		sum += out[c] = one_class(map, c, p[c]);
	for (int c = 0; c < map->k; c++)
		out[c] = sum > 0 ? out[c] / sum : 1.0 / map->k;
}

int calmap_clip(double *z, int k, double clip)
{
	double max = -INFINITY, sum = 0;
	int any = 0;
	for (int c = 0; c < k; c++)
		max = z[c] > max ? z[c] : max;
	for (int c = 0; c < k; c++)
		sum += exp(z[c] - max);
	double all = max + log(sum), low = all + log(clip), high = all + log1p(-clip);
	for (int c = 0; c < k; c++) {
		any |= z[c] < low || z[c] > high;
		z[c] = z[c] < low ? low : z[c] > high ? high : z[c];
	}
	return any;
}

/* x[k] = (z - the largest) / t; x may be z. Returns which z is the largest. */
static int over_temperature(const double *z, int k, double t, double *x)
{
	int top = 0;
	for (int c = 1; c < k; c++)
		top = z[c] > z[top] ? c : top;
	double max = z[top];
	for (int c = 0; c < k; c++)
		x[c] = (z[c] - max) / t;
	return top;
}

void calmap_log_softmax(void (*softmax)(const double *, int, double *), const double *z, int k, double t, double *x,
			double *p)
{
	int top = over_temperature(z, k, t, x);
	softmax(x, k, p);
	double lead = log(p[top]);
	for (int c = 0; c < k; c++)
		x[c] += lead;
}

/* out = W x + b. A part of W x is summed before it is added, in the order in which eval/calibrate/apply.c sums it of
 * many records. The sums of FOUR classes do not wait for one another; missing ones repeat the last. */
static void apply_matrix(const struct calmap *map, const double *x, double *out)
{
	enum { FOUR = 4, PART = 256 };
	size_t k = (size_t)map->k;
	memcpy(out, map->bias, k * sizeof *out);
	for (size_t c = 0; c < k; c += FOUR) {
		const double *w[FOUR];
		for (size_t r = 0; r < FOUR; r++)
			w[r] = map->weight + (c + r < k ? c + r : k - 1) * k;
		for (size_t from = 0; from < k; from += PART) {
			double sum[FOUR] = { 0 };
			for (size_t j = from; j < k && j < from + PART; j++)
				for (size_t r = 0; r < FOUR; r++)
					sum[r] += w[r][j] * x[j];
			for (size_t r = 0; r < FOUR && c + r < k; r++)
				out[c + r] += sum[r];
		}
	}
}

static void apply_mixture(const struct calmap *map, void (*softmax)(const double *, int, double *), const double *z,
			  double *out, double *room)
{
	double *scaled = room + map->k;
	softmax(z, map->k, out);
	(void)over_temperature(z, map->k, map->t, scaled);
	softmax(scaled, map->k, room);
	for (int c = 0; c < map->k; c++)
		out[c] = fmin(1, map->weight[0] * room[c] + map->weight[1] * out[c] + map->weight[2] / map->k);
}

void calmap_apply_with(const struct calmap *map, void (*softmax)(const double *, int, double *), const double *z,
		       double *out, double *room)
{
	if (map->clip > 0) {
		memcpy(room + map->k, z, (size_t)map->k * sizeof *z);
		(void)calmap_clip(room + map->k, map->k, map->clip);
		z = room + map->k;
	}
	size_t k = (size_t)map->k;
	double s = map->k == 2 ? z[1] - z[0] : 0;
	switch (map->method) {
	case MAP_TEMPERATURE:
		for (size_t c = 0; c < k; c++)
			out[c] = z[c] / map->weight[0];
		break;
	case MAP_VECTOR: /* a class ruled out stays so, whatever the sign of its weight */
		for (size_t c = 0; c < k; c++)
			out[c] = z[c] > -INFINITY ? map->weight[c] * z[c] + map->bias[c] : -INFINITY;
		break;
	case MAP_MATRIX:
		apply_matrix(map, z, out);
		break;
	case MAP_STRUCTURED:
	case MAP_DIRICHLET:
		calmap_log_softmax(softmax, z, map->k, map->t, room + k, room);
		apply_matrix(map, room + k, out);
		break;
	case MAP_ENSEMBLE:
		apply_mixture(map, softmax, z, out, room);
		break;
	case MAP_PLATT:
		out[0] = 0;
		out[1] = map->weight[0] * s + map->bias[0];
		break;
	case MAP_BETA:
		out[0] = 0;
		out[1] = -map->weight[0] * softplus(-s) + map->weight[1] * softplus(s) + map->bias[0];
		break;
	case MAP_ISOTONIC:
	case MAP_CENTRED:
	case MAP_HISTOGRAM:
	case MAP_METHODS:
		apply_curves(map, softmax, z, out, room);
		break;
	}
}
