/* Ids are sorted with their lines, so that equals lie side by side; most tables have them rising already. */
#include "repeats.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

int repeats_add(struct repeats *r, uint64_t id, uint64_t line, struct err *err)
{
	if (mem_grow(&r->at, &r->cap, r->n + 1, sizeof *r->at, err))
		return -1;
	r->unsorted |= r->n && id <= r->at[r->n - 1].id;
	r->at[r->n++] = (struct id_at){ id, line };
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct id_at *x = a, *y = b;
	return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->line > y->line) - (x->line < y->line);
}

uint64_t repeats_count(struct repeats *r, uint64_t *id, uint64_t line[2])
{
	uint64_t count = 0;
	if (!r->unsorted)
		return 0;
	qsort(r->at, r->n, sizeof *r->at, by_id);
	for (size_t i = 1; i < r->n; i++) {
		if (r->at[i].id != r->at[i - 1].id)
			continue;
		if (!count++ || r->at[i].line < line[1]) {
			*id = r->at[i].id;
			line[0] = r->at[i - 1].line;
			line[1] = r->at[i].line;
		}
	}
	return count;
}

void repeats_release(struct repeats *r)
{
	free(r->at);
	*r = (struct repeats){ 0 };
}
