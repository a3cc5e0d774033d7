/* Records one by one: probabilities, cut, set, count. */
#include "taking.h"
#include "eval/groups/grouping.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

int taking_init(struct taking *t, const struct stream_head *head, int groups, int json, struct err *err)
{
	int k = head->n_classes;
	return sets_init(&t->sets, head, json, err) || ranked_init(&t->ranked, k, err) ||
			       coverage_init(&t->coverage, k, groups, err) ||
			       mem_alloc(&t->p, 2 * (size_t)k, sizeof *t->p, err)
		       ? -1
		       : 0;
}

void taking_release(struct taking *t)
{
	sets_release(&t->sets);
	ranked_release(&t->ranked);
	coverage_release(&t->coverage);
	free(t->p);
	t->p = NULL;
}

int taking_rows(struct taking *t, const struct rows *rows, const uint32_t *group, int split, struct err *err)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (split != ROWS_ALL && rows->split_of[i] != split)
			continue;
		record_probs(rows, i, t->p, t->p + t->ranked.k);
		ranked_set(&t->ranked, t->p);
		double cut = conformal_cut(t->c, &t->ranked, conformal_u(t->c, t->seed, 1, t->n++));
		int size = sets_take(&t->sets, t->p, cut, t->never_empty);
		int of = group && group[i] != NO_GROUP ? (int)group[i] : -1;
		coverage_add(&t->coverage, rows->label[i], size, sets_hold(&t->sets, size, rows->label[i]), of);
		if (t->out && sets_write(&t->sets, t->out, rows->id[i], rows->label[i], size, err))
			return -1;
	}
	return 0;
}
