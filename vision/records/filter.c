/* Which records are kept. The order is part of the meaning: splits, then classes, then limits, so that only records
 * which pass everything else count towards a limit or are drawn from. Limits count by a record's own split and new
 * label; --split marks it afterwards. filter_open replaces the head's classes by those kept, so item labels are old
 * numbers before filter_take and new ones after. */
#include "filter.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

void filter_release(struct filter *f)
{
	free(f->map);
	free(f->of_class);
	free(f->quota);
	*f = (struct filter){ 0 };
}

void filter_reset(struct filter *f)
{
	memset(f->kept, 0, sizeof f->kept);
	memset(f->of_class, 0, SPLIT_COUNT * ((size_t)f->n_new + 1) * sizeof *f->of_class);
	memset(f->marked, 0, sizeof f->marked);
	f->unlabelled = 0;
	for (size_t i = 0; f->quota && i < SPLIT_COUNT * ((size_t)f->n_new + 1); i++) {
		f->quota[i].seen = 0;
		/* none of vic-split's */
		rng_init(&f->quota[i].draws, f->opt->seed, RNG_SPLIT, UINT32_MAX, (uint32_t)i);
	}
}

/* Hands out the quotas of one split's cells. */
static void share_out(const struct filter *f, struct sample_cell *cell, uint64_t all)
{
	uint64_t want = (uint64_t)f->opt->sample < all ? (uint64_t)f->opt->sample : all, given = 0;
	for (int k = 0; k <= f->n_new; k++)
		given += cell[k].quota = (uint32_t)(want * cell[k].n / all);
	while (given < want) {
		int best = -1;
		uint64_t most = 0;
		for (int k = 0; k <= f->n_new; k++) {
			uint64_t rest = want * cell[k].n % all;
			if (cell[k].quota == want * cell[k].n / all && rest > most) {
				most = rest;
				best = k;
			}
		}
		cell[best].quota++;
		given++;
	}
}

int filter_draw(struct filter *f, struct err *err)
{
	size_t cells = (size_t)f->n_new + 1;
	if (mem_alloc(&f->quota, SPLIT_COUNT * cells, sizeof *f->quota, err))
		return -1;
	for (size_t s = 0; s < SPLIT_COUNT; s++) {
		if (f->kept[s] > UINT32_MAX)
			return err_set(err, "--sample: more than %u records of split %s", UINT32_MAX,
				       split_name((int)s));
		for (size_t k = 0; k < cells; k++)
			f->quota[s * cells + k].n = (uint32_t)f->of_class[s * cells + k];
		f->of_split[s] = f->kept[s];
		if (f->kept[s])
			share_out(f, f->quota + s * cells, f->kept[s]);
	}
	filter_reset(f);
	return 0;
}

/* 1 for as many records of a cell as its quota says, each with the same chance. */
static int is_drawn(struct sample_cell *c, uint64_t kept)
{
	uint32_t left = c->n - c->seen++;
	return rng_below(&c->draws, left) < c->quota - kept;
}

int filter_take(struct filter *f, struct item *item)
{
	if (!f->keep[item->split])
		return 0;
	int32_t label = item->label;
	if (f->subset) {
		f->unlabelled += label < 0;
		label = label < 0 ? -1 : f->map[label];
		if (label < 0)
			return 0;
	}
	uint64_t *n = &f->kept[item->split];
	size_t cell = (size_t)item->split * ((size_t)f->n_new + 1) + (size_t)(label < 0 ? f->n_new : label);
	uint64_t *k = &f->of_class[cell];
	if (f->quota && !is_drawn(&f->quota[cell], *k))
		return 0;
	if ((f->opt->limit && *n >= (uint64_t)f->opt->limit) ||
	    (f->opt->per_class && *k >= (uint64_t)f->opt->per_class))
		return 0;
	++*n;
	++*k;
	item->label = label;
	f->marked[item->split] += f->mark >= 0 && f->mark != item->split;
	if (f->mark >= 0)
		item->split = f->mark;
	return 1;
}

static int class_of(const struct stream_head *head, const char *name, struct err *err)
{
	int k = stream_class_of(head, name);
	if (k >= 0)
		return k;
	return err_usage(err, "--class-subset: '%s' is neither a class name nor a number below %d%s%s%s%s", name,
			 head->n_classes, head->n_classes ? " (class 0 is '" : "",
			 head->n_classes ? head->classes[0] : "", head->n_classes ? "')" : "",
			 head->n_classes ? "" : ": the records have no classes");
}

/* The names in text are cut off one by one. */
static int map_classes(struct filter *f, struct stream_head *head, char *text, const char *separators, struct err *err)
{
	const char **kept;
	char *save = NULL;
	int rc = 0, n = 0;
	if (mem_alloc(&kept, (size_t)head->n_classes, sizeof *kept, err))
		return -1;
	for (char *p = strtok_r(text, separators, &save); p && !rc; p = strtok_r(NULL, separators, &save)) {
		int i = class_of(head, p, err);
		if (i < 0) {
			rc = -1;
		} else if (f->map[i] >= 0) {
			rc = err_usage(err, "--class-subset: '%s' is named twice", head->classes[i]);
		} else {
			f->map[i] = n;
			kept[n++] = head->classes[i];
		}
	}
	if (!rc && !n)
		rc = err_usage(err, "--class-subset: names no class");
	f->n_new = n;
	if (!rc)
		rc = stream_head_classes(head, n, kept, err);
	free(kept);
	return rc;
}

static int open_subset(struct filter *f, struct stream_head *head, struct err *err)
{
	char *text = NULL;
	const char *list = f->opt->classes;
	size_t len;
	if (mem_alloc(&f->map, (size_t)head->n_classes, sizeof *f->map, err))
		return -1;
	for (int i = 0; i < head->n_classes; i++)
		f->map[i] = -1;
	f->subset = 1;
	if (*list == '@' ? io_slurp(list + 1, 64 << 20, &text, &len, err) : mem_text(&text, list, strlen(list), err))
		return -1;
	int rc = map_classes(f, head, text, *list == '@' ? "\r\n" : ",", err);
	free(text);
	return rc;
}

static int open_splits(struct filter *f, struct err *err)
{
	f->mark = f->opt->mark ? split_of(f->opt->mark) : -1;
	if (f->opt->mark && f->mark < 0)
		return err_usage(err, "--split: '%s' is none of train, dev, test, extra", f->opt->mark);
	memset(f->keep, !f->opt->only, sizeof f->keep);
	for (const char *p = f->opt->only; p && *p;) {
		char name[16] = "";
		size_t n = strcspn(p, ",");
		if (n < sizeof name)
			memcpy(name, p, n);
		int split = split_of(name);
		if (split < 0)
			return err_usage(err, "--only: '%.*s' is none of train, dev, test, extra", (int)n, p);
		f->keep[split] = 1;
		p += n + (p[n] == ',');
	}
	return 0;
}

int filter_open(struct filter *f, const struct filter_options *opt, struct stream_head *head, struct err *err)
{
	*f = (struct filter){ .opt = opt, .n_old = head->n_classes, .n_new = head->n_classes };
	if (open_splits(f, err) || (opt->classes && open_subset(f, head, err)) ||
	    mem_alloc(&f->of_class, SPLIT_COUNT * ((size_t)f->n_new + 1), sizeof *f->of_class, err)) {
		filter_release(f);
		return -1;
	}
	return 0;
}
