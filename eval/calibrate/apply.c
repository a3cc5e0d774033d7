/* Maps that are W x + b go by panels; their sums run in the order of calmap.c's apply_matrix. The others go record by
 * record. */
#include "apply.h"
#include "product.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static int is_matrix(const struct calmap *map)
{
	return calmap_is_affine(map->method) && map->method != MAP_VECTOR;
}

int applying_init(struct applying *a, const struct calmap *map, size_t cap, struct err *err)
{
	size_t k = (size_t)map->k;
	*a = (struct applying){ .map = map, .cap = cap };
	if (mem_alloc(&a->room, 2 * k, sizeof *a->room, err))
		return -1;
	if (!is_matrix(map))
		return 0;
	if (mem_alloc(&a->weights, panels_room(k, k, PRODUCT_RIGHT), sizeof *a->weights, err) ||
	    mem_alloc(&a->records, panels_room(cap, k, PRODUCT_LEFT), sizeof *a->records, err))
		return -1;
	panels_of_rows(map->weight, k, k, PRODUCT_RIGHT, 0, a->weights);
	return 0;
}

void applying_release(struct applying *a)
{
	free(a->weights);
	free(a->records);
	free(a->room);
	*a = (struct applying){ 0 };
}

void apply_records(struct applying *a, double *z, size_t n, double *out)
{
	const struct calmap *map = a->map;
	size_t k = (size_t)map->k;
	for (size_t r = 0; r < n; r++) {
		double *x = z + r * k, *to = out + r * k;
		if (!a->weights) {
			calmap_apply(map, x, to, a->room);
			continue;
		}
		if (map->clip > 0)
			(void)calmap_clip(x, map->k, map->clip);
		if (map->method != MAP_MATRIX)
			calmap_log_softmax(calfit_softmax, x, map->k, map->t, x, a->room);
		memcpy(to, map->bias, k * sizeof *to);
	}
	if (!a->weights)
		return;
	panels_of_rows(z, n, k, PRODUCT_LEFT, 0, a->records);
	product_add(a->records, n, a->weights, k, k, 0, out);
}
