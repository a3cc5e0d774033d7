/* From everything that was read to the records that were asked for. */
#include "rows_block.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int rows_split_chosen(int choice)
{
	return choice == 0 ? ROWS_AUTO : choice == 1 ? ROWS_ALL : choice - 2;
}

int rows_split_found(int split, const struct rows *list, size_t n)
{
	for (size_t d = 0; split == ROWS_AUTO && d < n; d++)
		if (list[d].in_split[SPLIT_TEST])
			split = SPLIT_TEST;
	return split == ROWS_AUTO ? ROWS_ALL : split;
}

int rows_split_of(const char *name, int *split, struct err *err)
{
	*split = !strcmp(name, "auto") ? ROWS_AUTO : !strcmp(name, "all") ? ROWS_ALL : split_of(name);
	if (*split == -1 && strcmp(name, "auto"))
		return err_usage(err, "--split: '%s' is not one of auto, all, train, dev, test, extra", name);
	return 0;
}

const char *rows_split_name(int split)
{
	return split == ROWS_ALL ? "all" : split_name(split);
}

/* found: records of the split, none of them labelled. */
static int no_records(const struct rows *w, int split, uint64_t all, uint64_t found, const char *name, struct err *err)
{
	if (!all)
		return err_set(err, "%s: holds no records", name);
	if (split == ROWS_ALL)
		return err_set(err, "%s: holds no labelled records", name);
	if (found)
		return err_set(err, "%s: none of the %" PRIu64 " records of split %s has a label", name, found,
			       split_name(split));
	return err_set(err,
		       "%s: no record of split %s (train %" PRIu64 ", dev %" PRIu64 ", test %" PRIu64 ", extra %" PRIu64
		       "); choose with --split",
		       name, split_name(split), w->in_split[0], w->in_split[1], w->in_split[2], w->in_split[3]);
}

int rows_finish(struct rows *w, struct tally *tally, int workers, const struct rows_options *options, uint64_t records,
		const char *name, struct err *err)
{
	struct split_tally *t = tally[0].split, all = { .first_unlabelled = UINT64_MAX };
	for (int i = 1; i < workers; i++)
		for (int s = 0; s < SPLIT_COUNT; s++)
			split_merge(&t[s], &tally[i].split[s]);
	for (int s = 0; s < SPLIT_COUNT; s++)
		w->in_split[s] = t[s].records;
	int split = options->split, wanted = split == ROWS_AUTO ? SPLIT_TEST : SPLIT_DEV;
	if (split == ROWS_AUTO || split == ROWS_AUTO_DEV)
		split = t[wanted].records ? wanted : ROWS_ALL;
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (split == ROWS_ALL || split == s)
			split_merge(&all, &t[s]);
	w->split = split;
	if (!all.records || (!all.sum.n && options->unlabelled == ROWS_DROP)) {
		uint64_t found = all.records;
		split_release(&all);
		return no_records(w, split, records, found, name, err);
	}
	if (options->unlabelled == ROWS_REFUSE && all.first_unlabelled != UINT64_MAX) {
		uint64_t first = all.first_unlabelled;
		split_release(&all);
		return err_set(err, "%s: record %" PRIu64 " has no label; --unlabelled drop leaves such records out",
			       name, first);
	}
	w->sum = all.sum;
	w->n = all.sum.n;
	w->class_bins = options->class_bins;
	classwise_finish(&all.by_class, &w->class_cell, &w->top_cell);
	if (w->n != records)
		rows_keep(w, records, split);
	if (!(options->columns & COL_SPLIT)) {
		free(w->split_of);
		w->split_of = NULL;
	}
	return 0;
}

uint64_t rows_dropped(const struct rows *w)
{
	uint64_t all = 0;
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (w->split == ROWS_ALL || w->split == s)
			all += w->in_split[s];
	return all - w->n;
}

void rows_release(struct rows *w)
{
	stream_head_release(&w->head);
	json_decref(w->provenance);
	free(w->name);
	rows_free_columns(w);
	free(w->class_cell);
	free(w->top_cell);
	*w = (struct rows){ 0 };
}

void rows_values(const struct rows *w, size_t i, int sample, double *to)
{
	size_t k = (size_t)w->head.n_classes, at = (i * (size_t)w->head.samples + (size_t)sample) * k;
	for (size_t j = 0; j < k; j++)
		to[j] = w->head.dtype == DTYPE_F64 ? ((const double *)w->values)[at + j]
						   : (double)((const float *)w->values)[at + j];
}
