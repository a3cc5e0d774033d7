/* What holds the parameters of the affine maps (pipeline/formats/calmap.h has the losses). */
#include "affine.h"

#include <math.h>

struct affine_pull affine_pull_of(const struct calmap *map, size_t n, const struct calmap_settings *set,
				  struct calmap_fit *fit)
{
	double k = map->k, pairs = fmax(1, k * (k - 1)), l2 = CALMAP_L2_MATRIX(map->k);
	if (map->method == MAP_VECTOR)
		l2 = CALMAP_L2_VECTOR;
	if (map->method == MAP_STRUCTURED)
		l2 = CALMAP_L2_STRUCTURED;
	fit->l2 = set->l2 >= 0 ? set->l2 : l2;
	fit->l2_bias = set->l2_bias >= 0 ? set->l2_bias : fit->l2;
	if (map->method == MAP_STRUCTURED) {
		double each = fit->l2 / (double)n;
		return (struct affine_pull){ each * k, each * pairs, fit->l2_bias / (double)n * k };
	}
	return (struct affine_pull){ map->method == MAP_VECTOR ? fit->l2 / k : 0, fit->l2 / pairs, fit->l2_bias / k };
}
