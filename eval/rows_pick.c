/* From everything that was read to the records that were asked for. */
#include "pipeline/mem.h"
#include "rows_block.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the items whose fate is the split (or, for ROWS_ALL, any split). */
static void keep(void *array, size_t size, const uint8_t *fate, size_t n, int split)
{
	unsigned char *p = array;
	size_t to = 0;
	if (!p)
		return;
	for (size_t i = 0; i < n; i++)
		if (split == ROWS_ALL ? fate[i] != FATE_DROP : fate[i] == split) {
			if (to != i)
				memcpy(p + to * size, p + i * size, size);
			to++;
		}
}

static void keep_columns(struct rows *w, size_t n, int split)
{
	const uint8_t *fate = w->split_of;
	keep(w->key, 8, fate, n, split);
	keep(w->id, 8, fate, n, split);
	keep(w->label, 4, fate, n, split);
	keep(w->predicted, 4, fate, n, split);
	keep(w->nll, 8, fate, n, split);
	keep(w->brier, 8, fate, n, split);
	keep(w->entropy, 8, fate, n, split);
	keep(w->mutual, 8, fate, n, split);
	keep(w->max_logit, 8, fate, n, split);
	keep(w->energy, 8, fate, n, split);
	keep(w->margin, 8, fate, n, split);
	keep(w->values, stream_record_size(&w->head), fate, n, split);
	keep(w->split_of, 1, fate, n, split);
}

static int no_records(const struct rows *w, int split, uint64_t all, const char *name, struct err *err)
{
	if (!all)
		return err_set(err, "%s: holds no records", name);
	if (split == ROWS_ALL)
		return err_set(err, "%s: holds no labelled records", name);
	return err_set(err,
		       "%s: no record of split %s (train %" PRIu64 ", dev %" PRIu64 ", test %" PRIu64 ", extra %" PRIu64
		       "); choose with --split",
		       name, split_name(split), w->in_split[0], w->in_split[1], w->in_split[2], w->in_split[3]);
}

int rows_settle(struct rows *w, struct tally *tally, int workers, const struct rows_ask *ask, uint64_t records,
		const char *name, struct err *err)
{
	size_t classes = (size_t)w->head.n_classes, bins = (size_t)ask->class_bins;
	struct split_tally *t = tally[0].split, all = { .first_unlabelled = UINT64_MAX };
	for (int i = 0; i < workers; i++)
		tally_settle(&tally[i]);
	for (int i = 1; i < workers; i++)
		for (int s = 0; s < SPLIT_COUNT; s++)
			split_merge(&t[s], &tally[i].split[s], classes, bins);
	for (int s = 0; s < SPLIT_COUNT; s++)
		w->in_split[s] = t[s].records;
	int split = ask->split, wanted = split == ROWS_AUTO ? SPLIT_TEST : SPLIT_DEV;
	if (split == ROWS_AUTO || split == ROWS_AUTO_DEV)
		split = t[wanted].records ? wanted : ROWS_ALL;
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (split == ROWS_ALL || split == s)
			split_merge(&all, &t[s], classes, bins);
	w->split = split;
	if (!all.records || (!all.sum.n && ask->unlabelled == ROWS_DROP)) {
		split_release(&all);
		return no_records(w, split, records, name, err);
	}
	if (ask->unlabelled == ROWS_REFUSE && all.first_unlabelled != UINT64_MAX) {
		uint64_t first = all.first_unlabelled;
		split_release(&all);
		return err_set(err, "%s: record %" PRIu64 " has no label; --unlabelled drop leaves such records out",
			       name, first);
	}
	split_close(&all, classes, bins);
	w->sum = all.sum;
	w->n = all.sum.n;
	w->class_cell = all.class_cell;
	w->top_cell = all.top_cell;
	w->class_bins = ask->class_bins;
	all.class_cell = all.top_cell = NULL;
	split_release(&all);
	if (w->n != records)
		keep_columns(w, records, split);
	if (!(ask->columns & COL_SPLIT)) {
		free(w->split_of);
		w->split_of = NULL;
	}
	return 0;
}

void rows_release(struct rows *w)
{
	stream_head_release(&w->head);
	json_decref(w->provenance);
	free(w->name);
	free(w->key);
	free(w->id);
	free(w->label);
	free(w->predicted);
	free(w->split_of);
	free(w->nll);
	free(w->brier);
	free(w->entropy);
	free(w->mutual);
	free(w->max_logit);
	free(w->energy);
	free(w->margin);
	free(w->values);
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
