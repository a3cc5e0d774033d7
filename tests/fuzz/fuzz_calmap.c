/* Any bytes as a calibration map: refused, or a map that turns finite logits into numbers that a stream may hold,
 * probabilities that sum to 1, and that is the same after being written and read again. */
#include "eval/calfile.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 64 };

static void try_map(const struct calmap *map, const double *z, double *out)
{
	double room[MOST], sum = 0;
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
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
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
