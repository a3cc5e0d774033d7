/* repeats: ids of a table's records that earlier records have. */
#ifndef VIC_REPEATS_H
#define VIC_REPEATS_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct repeats {
	struct id_at {
		uint64_t id, line;
	} *at; /* [n] owned */
	size_t n, cap;
	int unsorted; /* not every id is above the one before */
};
int repeats_add(struct repeats *r, uint64_t id, uint64_t line, struct err *err) VIC_CHECKED;
/* How many records have an id that stands on an earlier line; of the first such record the id and the lines of the
 * two. Once, after all: the ids change places. */
uint64_t repeats_count(struct repeats *r, uint64_t *id, uint64_t line[2]);
void repeats_release(struct repeats *r);

#endif
