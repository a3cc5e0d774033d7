/* Isotonic regression, as it is or centred, and histogram binning, each class against the rest. */
#include "eval/records/bins.h"
#include "calfit.h"
#include "eval/metrics/metrics.h"
#include "pipeline/base/mem.h"
#include "eval/records/rows.h"

#include <math.h>
#include <stdlib.h>

/* Keys of several classes are made in one pass over the records, as many as fit here. */
enum { KEY_ROOM = 1 << 25 };

/* P(c) of every record beside whether c is its label, for classes first..first+m-1. key: [m][n]. */
static int keys_of_classes(const struct fit_data *d, int first, int m, conf_key *key, struct err *err)
{
	double *z;
	size_t k = (size_t)d->k;
	if (mem_alloc(&z, 2 * k, sizeof *z, err))
		return -1;
	double *p = z + k;
	for (size_t i = 0; i < d->n; i++) {
		fit_row(d, i, z);
		softmax_row(z, d->k, p);
		for (int c = first; c < first + m; c++) {
			double rest = 1 - p[c];
			for (int j = 0; p[c] >= 0.5 && j < d->k;
			     j++) /* 1 - p without cancellation; one class at most */
				rest = (j ? rest : 0) + (j == c ? 0 : p[j]);
			key[(size_t)(c - first) * d->n + i] = conf_pack(p[c], rest, d->label[i] == c);
		}
	}
	free(z);
	return 0;
}

static void add_knot(struct curve *c, double score, double value)
{
	c->score[c->n] = score;
	c->value[c->n++] = value;
}

/* Mean of n keys' P, which ascend. */
static double centre_of(const conf_key *key, size_t n)
{
	double low = conf_p(key[0]), off = 0;
	for (size_t i = 1; i < n; i++)
		off += conf_p(key[i]) - low;
	return fmin(low + off / (double)n, conf_p(key[n - 1]));
}

static int isotonic(struct curve *curve, int centred, conf_key *key, size_t n, struct err *err)
{
	struct pav_block *block;
	size_t blocks;
	if (keys_sort(key, n, err) || pav(key, n, &block, &blocks, err))
		return -1;
	if (mem_alloc(&curve->score, 2 * blocks, sizeof *curve->score, err) ||
	    mem_alloc(&curve->value, 2 * blocks, sizeof *curve->value, err)) {
		free(block);
		return -1;
	}
	for (size_t b = 0, from = 0; b < blocks; from = block[b++].end) {
		size_t size = block[b].end - from;
		double value = (double)block[b].right / (double)size;
		double lo = conf_p(key[from]), hi = conf_p(key[block[b].end - 1]);
		if (centred && block[b].right && block[b].right < size) {
			add_knot(curve, centre_of(key + from, size), value);
			continue;
		}
		add_knot(curve, lo, value);
		if (hi > lo)
			add_knot(curve, hi, value);
	}
	free(block);
	return 0;
}

static int histogram(double *value, int bins, const conf_key *key, size_t n, struct err *err)
{
	struct bins b;
	if (bins_init(&b, bins, err))
		return -1;
	bins_add(&b, key, n);
	for (int m = 0; m < bins; m++)
		value[m] = b.bin[m].n ? bin_accuracy(&b.bin[m]) : NAN;
	bins_release(&b);
	return 0;
}

static int one_curve(struct calmap *map, int c, conf_key *key, size_t n, struct err *err)
{
	if (calmap_has_curves(map->method))
		return isotonic(&map->curve[c], map->method == MAP_CENTRED, key, n, err);
	return histogram(map->bin + (size_t)c * (size_t)map->bins, map->bins, key, n, err);
}

int fit_one_against_rest(struct calmap *map, const struct fit_data *d, const struct calmap_settings *set,
			 struct err *err)
{
	conf_key *key = NULL;
	int rc = 0, curves = map->k == 2 ? 1 : map->k, shift = curves == 1, iso = calmap_has_curves(map->method);
	size_t fit = (set->key_room ? set->key_room : KEY_ROOM) / d->n;
	int batch = fit < 1 ? 1 : fit < (size_t)curves ? (int)fit : curves, bins = set->bins;
	if (mem_alloc(&key, (size_t)batch * d->n, sizeof *key, err))
		return -1;
	rc = iso ? mem_alloc(&map->curve, (size_t)curves, sizeof *map->curve, err)
		 : mem_alloc(&map->bin, (size_t)curves * (size_t)bins, sizeof *map->bin, err);
	map->curves = curves;
	map->bins = iso ? 0 : bins;
	for (int from = 0; !rc && from < curves; from += batch) {
		int m = curves - from < batch ? curves - from : batch;
		rc = keys_of_classes(d, from + shift, m, key, err);
		for (int c = 0; !rc && c < m; c++)
			rc = one_curve(map, from + c, key + (size_t)c * d->n, d->n, err);
	}
	free(key);
	return rc ? -1 : 0;
}
