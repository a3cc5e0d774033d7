/* Records are sorted into groups once: pick[] holds the chosen ones group after group, in their order. */
#include "score_groups.h"
#include "eval/groups/worst.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/pool.h"
#include "pipeline/frame/progress.h"

#include <stdatomic.h>
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

/* Groups of few records are scored side by side, those of many one after the other by all threads; and few groups of
 * very many classes at once, since each has its cells of every class. */
enum { SMALL_GROUP = 8192, SMALL_CLASSES = 1000 };

struct scoring {
	struct score_column *column; /* [groups with records] */
	const struct score_groups *groups;
	const struct parts *p;
	const struct rows *in;
	const struct rows_options *rows_options;
	struct score_options options;
	const struct column_asked *asked;
	struct progress progress;
	atomic_uint done;
	struct err *err; /* [threads] */
};

static size_t group_begin(const struct parts *p, size_t k)
{
	return k ? p->end[k - 1] : 0;
}

static int is_small(const struct scoring *s, size_t k)
{
	return s->in->head.n_classes <= SMALL_CLASSES && s->p->end[k] - group_begin(s->p, k) <= SMALL_GROUP;
}

static int score_group(struct scoring *s, size_t k, struct err *err)
{
	const struct parts *p = s->p;
	const char *name = s->groups->grouping->name[k];
	size_t from = group_begin(p, k);
	struct rows part;
	if (rows_subset(&part, s->in, p->pick + from, p->end[k] - from, s->rows_options, err))
		return err_context(err, "%s", name);
	int rc = column_score(&s->column[p->number[k]], &part, name, &s->options, s->asked, err);
	rows_release(&part);
	s->done++;
	return rc;
}

static void score_small(void *arg, int k, int worker)
{
	struct scoring *s = arg;
	const struct parts *p = s->p;
	if (worker == 0)
		progress_at(&s->progress, s->done, NULL);
	if (p->end[k] == group_begin(p, (size_t)k) || !is_small(s, (size_t)k) || s->err[worker].status)
		return;
	if (score_group(s, (size_t)k, &s->err[worker]))
		return; /* said by err */
}

static int score_large(struct scoring *s, size_t groups, struct err *err)
{
	for (size_t k = 0; k < groups; k++) {
		progress_at(&s->progress, s->done, NULL);
		if (s->p->end[k] > group_begin(s->p, k) && !is_small(s, k) && score_group(s, k, err))
			return -1;
	}
	return 0;
}

static int score_each(struct scoring *s, size_t groups, struct err *err)
{
	struct pool *pool;
	int threads = s->options.threads, rc = 0;
	if (pool_open(&pool, threads, err))
		return -1;
	if (mem_alloc(&s->err, (size_t)pool_threads(pool), sizeof *s->err, err)) {
		pool_close(pool);
		return -1;
	}
	s->options.threads = 1;
	pool_run(pool, (int)groups, score_small, s);
	s->options.threads = threads;
	for (int i = 0; i < pool_threads(pool) && !rc; i++)
		if (s->err[i].status) {
			*err = s->err[i];
			rc = -1;
		}
	pool_close(pool);
	free(s->err);
	return rc ? -1 : score_large(s, groups, err);
}

static int add_each(struct score_columns *c, const struct score_groups *groups, const struct parts *p,
		    const struct rows *in, const struct rows_options *rows_options, const struct score_options *options,
		    const struct column_asked *asked, struct err *err)
{
	struct scoring s = { .groups = groups, .p = p, .in = in, .rows_options = rows_options, .options = *options,
			     .asked = asked };
	size_t before = c->n;
	if (columns_reserve(c, (size_t)p->n, err))
		return -1;
	s.column = c->item + before;
	s.options.level = worst_level(options->level, p->n);
	s.options.progress = NULL; /* a group's resamples; the groups have a line */
	progress_begin(&s.progress, options->groups_progress, (uint64_t)p->n, !options->groups_progress);
	int rc = score_each(&s, (size_t)groups->grouping->n, err);
	progress_end(&s.progress);
	return rc;
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
	if (!differ_of(&groups->differ, all, p.group, p.n, options->bins[0], options->seed, options->threads,
		       options->deals_progress, err) &&
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
