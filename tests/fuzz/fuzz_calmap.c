/* Any bytes as a calibration map: refused, or a map that turns finite logits into numbers that a stream may hold,
 * probabilities that sum to 1, and that is the same after being written and read again. The mutator changes numbers of
 * the JSON and seals the file anew. */
#include "sealed.h"

#include "eval/calibrate/calibrate.h"

#include <math.h>

enum { MOST = 64 };

static void try_map(const struct calmap *map, const double *z, double *out)
{
	double room[2 * MOST], sum = 0;
	calmap_apply(map, z, out, room);
	for (int c = 0; c < map->k; c++) {
		sum += out[c];
		if (calmap_gives_probs(map->method) && !(out[c] >= 0 && out[c] <= 1))
			abort();
	}
	if (calmap_gives_probs(map->method) && !(fabs(sum - 1) < 1e-9))
		abort();
}

static void again(const struct calmap *map, const double *z, const double *out)
{
	struct calmap back;
	struct err err = ERR_NONE;
	double other[MOST];
	json_t *j = calmap_to_json(map);
	char *text = json_dumps(j, JSON_REAL_PRECISION(17));
	json_t *read = json_loads(text, 0, NULL);
	if (calmap_from_json(&back, read, map->k, &err))
		abort();
	try_map(&back, z, other);
	if (memcmp(out, other, (size_t)map->k * sizeof *out))
		abort();
	calmap_release(&back);
	json_decref(j);
	json_decref(read);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct calfile f;
	struct err err = ERR_NONE;
	char path[64];
	double z[MOST], out[MOST];
	int fd = memory_file(path, data, size);
	if (!calfile_load(&f, path, &err)) {
		for (int scale = -1; f.n_classes <= MOST && scale <= 1; scale++) {
			for (int c = 0; c < f.n_classes; c++)
				z[c] = scale * (c % 5 - 2.5) * (scale > 0 ? 100 : 1);
			try_map(&f.map, z, out);
			again(&f.map, z, out);
		}
		calfile_release(&f);
	} else if (!err.msg[0]) {
		abort();
	}
	close(fd);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	char *text = calloc(size + 1, 1), *changed;
	if (!text)
		abort();
	memcpy(text, data, size);
	changed = mutate_json(text, &seed);
	size_t n = strlen(changed);
	if (draw(&seed) % 8 && n <= max) {
		if (seal_check(changed, n, 0) != SEAL_NONE)
			seal_set(changed, n, 0);
		memcpy(data, changed, n);
		size = n;
	} else {
		size = LLVMFuzzerMutate(data, size, max);
	}
	free(text);
	free(changed);
	return size;
}
