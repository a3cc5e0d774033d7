/* Counts of covered labels, and the table of them. The table is filled column by column, so every part of it is a row
 * of one list. */
#include "coverage.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"

#include <math.h>
#include <stdlib.h>

static const struct stratum {
	int from, to;
	const char *name;
} strata[SIZE_STRATA] = {
	{ 0, 0, "size 0" },	    { 1, 1, "size 1" },		 { 2, 2, "size 2" },
	{ 3, 3, "size 3" },	    { 4, 10, "size 4-10" },	 { 11, 100, "size 11-100" },
	{ 101, 1000, "size 101-1000" }, { 1001, 10000, "size 1001-10000" }, { 10001, 1000000, "size 10001-1000000" },
};

int coverage_init(struct coverage *c, int k, int groups, struct err *err)
{
	*c = (struct coverage){ .k = k, .groups = groups };
	return mem_alloc(&c->by_class, (size_t)k, sizeof *c->by_class, err) ||
	       mem_alloc(&c->by_group, (size_t)groups, sizeof *c->by_group, err);
}

void coverage_release(struct coverage *c)
{
	free(c->by_class);
	free(c->by_group);
	*c = (struct coverage){ 0 };
}

static void count_set(struct covered *c, int size, int hit)
{
	c->n++;
	c->hit += (uint64_t)hit;
	c->size += (uint64_t)size;
}

void coverage_add(struct coverage *c, int32_t label, int size, int hit, int group)
{
	int s = 0;
	if (label < 0) {
		c->unlabelled++;
		c->size_unlabelled += (uint64_t)size;
		return;
	}
	while (size > strata[s].to)
		s++;
	count_set(&c->all, size, hit);
	count_set(&c->by_class[label], size, hit);
	count_set(&c->by_size[s], size, hit);
	if (group >= 0)
		count_set(&c->by_group[group], size, hit);
}

/* Row i of the table: its counts and, where `key` is asked for, its name (owned). */
static int row_of(const struct coverage *c, const struct stream_head *head, char *const *group, int i,
		  const struct covered **row, char **key, struct err *err)
{
	const char *before = "", *name = "all";
	*row = &c->all;
	if (i > c->k + SIZE_STRATA) {
		*row = &c->by_group[i - c->k - 1 - SIZE_STRATA];
		name = group[i - c->k - 1 - SIZE_STRATA];
	} else if (i > c->k) {
		*row = &c->by_size[i - c->k - 1];
		name = strata[i - c->k - 1].name;
	} else if (i) {
		*row = &c->by_class[i - 1];
		before = "class ";
		name = head->classes[i - 1];
	}
	return mem_printf(key, err, "%s%s", before, name);
}

/* Of no record with a label the sets have a size all the same. */
static int fill_cell(struct table *t, const char *key, const struct coverage *c, const struct covered *r, int column,
		     double z, struct err *err)
{
	double n = (double)r->n, low, high;
	if (column == 0)
		return table_count(t, key, r->n, err);
	if (column == 2)
		return table_real(t, key, (double)(r->n ? r->size : c->size_unlabelled) /
					  (r->n ? n : (double)c->unlabelled), err);
	if (!r->n)
		return table_real(t, key, NAN, err);
	wilson((double)r->hit, n, z, &low, &high);
	return table_interval(t, key, (double)r->hit / n, low, high, err);
}

int coverage_table(struct table *t, const struct coverage *c, const struct stream_head *head, char *const *group,
		   int classes, double level, struct err *err)
{
	static const char *const column[] = { "n", "coverage", "size" };
	double z = normal_quantile_two_sided(level);
	t->head = "records";
	t->by_row = 1;
	for (int j = 0; j < 3; j++) {
		if (table_column(t, column[j], err))
			return -1;
		for (int i = 0; i < 1 + c->k + SIZE_STRATA + c->groups; i++) {
			const struct covered *r;
			char *key;
			if (!classes && i > 0 && i <= c->k)
				continue;
			if (row_of(c, head, group, i, &r, &key, err))
				return -1;
			int rc = (r->n || (!i && c->unlabelled)) && fill_cell(t, key, c, r, j, z, err);
			free(key);
			if (rc)
				return -1;
		}
	}
	return 0;
}
