/* Records are sorted into groups once: pick[] holds the chosen ones group after group, in their order. */
#include "score_groups.h"
#include "eval/groups/worst.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

struct parts {
	uint32_t *of;	 /* [records of the stream] group */
	uint32_t *group; /* [chosen] group, in the order of the chosen */
	uint32_t *pick;	 /* [chosen] records, group by group */
	size_t *end;	 /* [groups] in pick */
	uint32_t *number; /* [groups] among those that have records */
	int n;		 /* groups with records */
};

static int is_chosen(const struct rows *in, size_t i, const struct rows *all, const uint32_t *of)
{
	return (all->split == ROWS_ALL || in->split_of[i] == all->split) && in->label[i] >= 0 && of[i] != NO_GROUP;
}

static int parts_of(struct parts *p, const struct grouping *g, const struct rows *in, const struct rows *all,
		    struct err *err)
{
	size_t before = 0, at = 0, groups = (size_t)g->n;
	if (mem_alloc(&p->group, all->n, sizeof *p->group, err) || mem_alloc(&p->pick, all->n, sizeof *p->pick, err) ||
	    mem_alloc(&p->end, groups, sizeof *p->end, err) || mem_alloc(&p->number, groups, sizeof *p->number, err))
		return -1;
	for (size_t i = 0; i < in->n; i++)
		if (is_chosen(in, i, all, p->of))
			p->end[p->of[i]]++;
	for (size_t k = 0; k < groups; k++) {
		size_t n = p->end[k];
		p->number[k] = (uint32_t)p->n;
		p->n += n > 0;
		p->end[k] = before;
		before += n;
	}
	for (size_t i = 0; i < in->n; i++)
		if (is_chosen(in, i, all, p->of)) {
			p->group[at++] = p->number[p->of[i]];
			p->pick[p->end[p->of[i]]++] = (uint32_t)i;
		}
	return 0;
}

static void parts_release(struct parts *p)
{
	free(p->of);
	free(p->group);
	free(p->pick);
	free(p->end);
	free(p->number);
}

static int add_each(struct score_columns *c, const struct score_groups *groups, const struct parts *p,
		    const struct rows *in, const struct rows_options *rows_options, const struct score_options *options,
		    const struct column_asked *asked, struct err *err)
{
	struct score_options own = *options;
	own.level = worst_level(options->level, p->n);
	for (size_t k = 0, from = 0; k < (size_t)groups->grouping->n; from = p->end[k++]) {
		struct rows part;
		if (p->end[k] == from)
			continue;
		if (rows_subset(&part, in, p->pick + from, p->end[k] - from, rows_options, err))
			return err_context(err, "%s", groups->grouping->name[k]);
		int rc = columns_add(c, &part, groups->grouping->name[k], &own, asked, err);
		rows_release(&part);
		if (rc)
			return -1;
	}
	return 0;
}

int groups_add(struct score_columns *c, struct score_groups *groups, struct rows *all, const struct rows *in,
	       const char *name, const struct rows_options *rows_options, const struct score_options *options,
	       const struct column_asked *asked, struct err *err)
{
	struct rows_options own = *rows_options;
	struct parts p = { 0 };
	int rc = -1;
	*all = (struct rows){ 0 };
	if (in->n > UINT32_MAX)
		return err_set(err, "%s: more than 2^32 records cannot be grouped", in->name);
	own.columns |= score_columns(options) | COL_NLL | COL_BRIER;
	if (groups->grouping->by == BY_SPLIT && own.split == ROWS_AUTO)
		own.split = ROWS_ALL;
	if (grouping_of(groups->grouping, in, 1, &p.of, err) || rows_subset(all, in, NULL, in->n, &own, err) ||
	    parts_of(&p, groups->grouping, in, all, err))
		goto end;
	groups->without = groups->grouping->n - p.n;
	own.split = all->split;
	if (!differ_of(&groups->differ, all, p.group, p.n, options->bins[0], options->seed, options->threads, err) &&
	    !columns_add(c, all, name, options, asked, err) &&
	    !add_each(c, groups, &p, in, &own, options, asked, err))
		rc = 0;
end:
	parts_release(&p);
	return rc;
}

int groups_show(struct table *t, const struct score_columns *c, const struct score_groups *groups, struct err *err)
{
	size_t n = c->n - 1;
	const struct score **score;
	const char **name;
	if (mem_alloc(&score, n, sizeof *score, err))
		return -1;
	if (mem_alloc(&name, n, sizeof *name, err)) {
		free(score);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		score[i] = &c->item[i + 1].score;
		name[i] = c->item[i + 1].name;
	}
	int rc = worst_columns(t, score, name, (int)n, &groups->differ, err);
	free(score);
	free(name);
	return rc;
}
