/* Isotonic regression and histogram binning, each class against the rest. */
#include "bins.h"
#include "calmap.h"
#include "metrics.h"
#include "pipeline/mem.h"
#include "rows.h"

#include <math.h>
#include <stdlib.h>

/* P(c) of every record beside whether c is its label. */
static int keys_of_class(const struct fit_data *d, int c, conf_key *key, struct err *err)
{
	double *z;
	size_t k = (size_t)d->k;
	if (mem_alloc(&z, 2 * k, sizeof *z, err))
		return -1;
	double *p = z + k;
	for (size_t i = 0; i < d->n; i++) {
		double rest = 0;
		for (int j = 0; j < d->k; j++)
			z[j] = fit_value(d, i, j);
		softmax_row(z, d->k, p);
		for (int j = 0; j < d->k; j++)
			rest += j == c ? 0 : p[j];
		key[i] = conf_pack(p[c], p[c] < 0.5 ? 1 - p[c] : rest, d->label[i] == c);
	}
	free(z);
	return 0;
}

static int isotonic(struct curve *curve, conf_key *key, size_t n, struct err *err)
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
		double value = (double)block[b].right / (double)(block[b].end - from);
		double lo = conf_p(key[from]), hi = conf_p(key[block[b].end - 1]);
		size_t at = curve->n;
		curve->score[at] = lo;
		curve->value[at++] = value;
		if (hi > lo) {
			curve->score[at] = hi;
			curve->value[at++] = value;
		}
		curve->n = at;
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

int fit_one_against_rest(struct calmap *map, const struct fit_data *d, int bins, struct err *err)
{
	conf_key *key = NULL;
	int rc = -1, curves = map->k == 2 ? 1 : map->k, iso = map->method == MAP_ISOTONIC;
	if (mem_alloc(&key, d->n, sizeof *key, err))
		return -1;
	if (iso && mem_alloc(&map->curve, (size_t)curves, sizeof *map->curve, err))
		goto out;
	if (!iso && mem_alloc(&map->bin, (size_t)curves * (size_t)bins, sizeof *map->bin, err))
		goto out;
	map->curves = curves;
	map->bins = iso ? 0 : bins;
	for (int c = 0; c < curves; c++) {
		if (keys_of_class(d, curves == 1 ? 1 : c, key, err) ||
		    (iso ? isotonic(&map->curve[c], key, d->n, err)
			 : histogram(map->bin + (size_t)c * (size_t)bins, bins, key, d->n, err)))
			goto out;
	}
	rc = 0;
out:
	free(key);
	return rc;
}
