/* Takes records to a fit, and a fitted map to records. record_logits is the one definition of what a map works on: the
 * fit, the sketches and the application all use it, or a record's print would not be found again. "Before"
 * is summed from the columns that were read; "after" is computed from the mapped values by tally_block, the code that
 * every stream is read with, so it is what vic-score says of the written document. Records are mapped in batches of
 * about BATCH_VALUES values. */
#include "calibrate.h"
#include "apply.h"
#include "eval/metrics/metrics.h"
#include "pipeline/base/mem.h"
#include "eval/records/rows_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records mapped and judged at a time. */
enum { BATCH_VALUES = 1 << 16 };

void record_logits(const struct rows *rows, size_t i, double *z, double *room)
{
	int k = rows->head.n_classes, samples = rows->head.samples, probs = rows->head.values == VALUES_PROBS;
	if (samples == 1) {
		rows_values(rows, i, 0, z);
	} else {
		double *p = room, *mean = z;
		memset(mean, 0, (size_t)k * sizeof *mean);
		for (int s = 0; s < samples; s++) {
			rows_values(rows, i, s, p);
			if (!probs)
				softmax_row(p, k, p);
			for (int c = 0; c < k; c++)
				mean[c] += p[c] / samples;
		}
		probs = 1;
	}
	for (int c = 0; probs && c < k; c++)
		z[c] = log(z[c]);
}

void judged_release(struct judged *j)
{
	free(j->key);
	*j = (struct judged){ 0 };
}

int fit_data_of(struct fit_data *data, int *owned, struct sketch *sketch, const struct rows *rows, double clip,
		uint64_t *clipped, struct err *err)
{
	size_t k = (size_t)rows->head.n_classes;
	double *z = NULL, *room = NULL, *all = NULL;
	*data = (struct fit_data){
		.n = rows->n, .k = rows->head.n_classes, .label = rows->label, .id = rows->id
	};
	*owned = !(rows->head.values == VALUES_LOGITS && rows->head.samples == 1) || clip > 0;
	*sketch = (struct sketch){ 0 };
	*clipped = 0;
	if (mem_alloc(&z, 2 * k, sizeof *z, err))
		return -1;
	room = z + k;
	if (*owned && mem_alloc(&all, rows->n * k, sizeof *all, err)) {
		free(z);
		return -1;
	}
	for (size_t i = 0; i < rows->n; i++) {
		record_logits(rows, i, z, room);
		sketch_add(sketch, record_print(z, k), 1);
		if (clip > 0)
			*clipped += (uint64_t)calmap_clip(z, (int)k, clip);
		if (*owned)
			memcpy(all + i * k, z, k * sizeof *z);
	}
	free(z);
	data->z = *owned ? all : rows->values;
	data->is_double = *owned || rows->head.dtype == DTYPE_F64;
	return 0;
}

void fit_data_release(struct fit_data *data, int owned)
{
	if (owned)
		free(data->z);
	*data = (struct fit_data){ 0 };
}

static int keep_key(struct judged *j, conf_key key, struct err *err)
{
	if (mem_grow(&j->key, &j->cap, j->n + 1, sizeof *j->key, err))
		return -1;
	j->key[j->n++] = key;
	return 0;
}

/* A record as it was read, judged then by what vic-score would say of it. */
static int judge_as_read(struct judged *j, const struct rows *rows, size_t i, struct err *err)
{
	if (rows->label[i] < 0)
		return 0;
	j->sum.n++;
	rows_add_nll(&j->sum, rows->nll[i]);
	j->sum.brier += fix_of(rows->brier[i]);
	return keep_key(j, rows->key[i], err);
}

/* Records waiting to be mapped, judged and written. */
struct batch {
	size_t n, cap, k;
	size_t *number; /* in rows */
	uint64_t *id;
	int32_t *label;
	uint8_t *split;
	double *from, *to; /* [cap][k] */
	struct applying map;
};

static void batch_release(struct batch *b)
{
	free(b->number);
	free(b->id);
	free(b->label);
	free(b->split);
	free(b->from);
	free(b->to);
	applying_release(&b->map);
	*b = (struct batch){ 0 };
}

static int batch_init(struct batch *b, const struct calmap *map, struct err *err)
{
	size_t k = (size_t)map->k;
	*b = (struct batch){ .k = k, .cap = BATCH_VALUES / k + 1 };
	if (!mem_alloc(&b->number, b->cap, sizeof *b->number, err) && !mem_alloc(&b->id, b->cap, sizeof *b->id, err) &&
	    !mem_alloc(&b->label, b->cap, sizeof *b->label, err) && !mem_alloc(&b->split, b->cap, 1, err) &&
	    !mem_alloc(&b->from, b->cap * k, sizeof *b->from, err) &&
	    !mem_alloc(&b->to, b->cap * k, sizeof *b->to, err) && !applying_init(&b->map, map, b->cap, err))
		return 0;
	batch_release(b);
	return -1;
}

/* Judges a batch by the same arithmetic that every stream is judged by. */
static int judge(struct judged *j, const struct batch *b, const struct stream_head *head, struct err *err)
{
	static const struct rows_options options = { .split = ROWS_ALL, .unlabelled = ROWS_DROP };
	struct block block = { .type = BLOCK_ROWS,
			       .n = (uint32_t)b->n,
			       .id = b->id,
			       .label = b->label,
			       .split = b->split,
			       .data = (unsigned char *)b->to,
			       .data_len = b->n * b->k * sizeof *b->to };
	struct tally t = { 0 };
	struct results r = { 0 };
	int rc = tally_init(&t, head, &options, err) || tally_block(&t, head, &block, 0, &r, "calibrated records", err);
	for (size_t i = 0; !rc && i < b->n; i++)
		rc = r.fate[i] != SPLIT_DROPPED && keep_key(j, r.key[i], err);
	for (int s = 0; !rc && s < SPLIT_COUNT; s++)
		rows_add_sums(&j->sum, &t.split[s].sum);
	results_release(&r);
	tally_release(&t);
	return rc ? -1 : 0;
}

/* The batch through the map. Errors: a result that is NaN or +Inf. */
static int map_batch(struct batch *b, const struct rows *rows, struct err *err)
{
	apply_records(&b->map, b->from, b->n, b->to);
	for (size_t i = 0; i < b->n * b->k; i++)
		if (!(b->to[i] < INFINITY))
			return err_set(err,
				       "%s: record %zu: the map does not give finite numbers there (a class of "
				       "probability 0? a map fitted with --clip takes it)",
				       rows->name, b->number[i / b->k]);
	return 0;
}

static int flush_batch(struct batch *b, const struct rows *rows, const struct stream_head *head,
		       struct stream_writer *w, struct judged *after, struct err *err)
{
	int rc = b->n && (map_batch(b, rows, err) || judge(after, b, head, err));
	for (size_t i = 0; !rc && w && i < b->n; i++) {
		const struct row_name *name = &rows->name_of[b->number[i]];
		rc = (name->len && stream_add_name(w, rows->names + name->from, name->len, err)) ||
		     stream_add(w, b->id[i], b->label[i], b->split[i], b->to + i * b->k, b->k * sizeof *b->to, err);
	}
	b->n = 0;
	return rc ? -1 : 0;
}

/* room: [k] of scratch. */
static void one_record(struct batch *b, const struct rows *rows, size_t i, double *room)
{
	size_t at = b->n++;
	b->number[at] = i;
	b->id[at] = rows->id[i];
	b->label[at] = rows->label[i];
	b->split[at] = rows->split_of[i];
	record_logits(rows, i, b->from + at * b->k, room);
}

static int head_of_output(struct stream_head *head, const struct rows *rows, const struct calmap *map, struct err *err)
{
	if (stream_head_copy(head, &rows->head, err))
		return -1;
	head->samples = 1;
	head->dtype = DTYPE_F64;
	head->values = calmap_gives_probs(map->method) ? VALUES_PROBS : VALUES_LOGITS;
	char *before = head->name;
	head->name = NULL;
	int rc = mem_printf(&head->name, err, "%s%s%s", before ? before : "", before ? " + " : "",
			    calmap_method_name(map->method));
	free(before);
	return rc;
}

int calibrate_rows(const struct rows *rows, const struct calmap *map, int split, struct output *out, const json_t *self,
		   struct judged *before, struct judged *after, uint64_t *written, struct err *err)
{
	struct stream_head head = { 0 };
	struct stream_writer *w = NULL;
	struct batch b = { 0 };
	double *room = NULL;
	uint64_t chosen = 0;
	int rc = -1;
	for (size_t i = 0; i < rows->n; i++)
		chosen += split == ROWS_ALL || rows->split_of[i] == split;
	if (!chosen)
		return 0;
	if (batch_init(&b, map, err) || mem_alloc(&room, (size_t)map->k, sizeof *room, err) ||
	    head_of_output(&head, rows, map, err))
		goto out;
	if (out && stream_begin(&w, out, &head, rows->provenance, self, err))
		goto out;
	for (size_t i = 0; i < rows->n; i++) {
		if (split != ROWS_ALL && rows->split_of[i] != split)
			continue;
		one_record(&b, rows, i, room);
		if (judge_as_read(before, rows, i, err) ||
		    (b.n == b.cap && flush_batch(&b, rows, &head, w, after, err)))
			goto out;
	}
	if (flush_batch(&b, rows, &head, w, after, err) || (w && stream_finish(w, err)))
		goto out;
	*written += chosen;
	rc = 0;
out:
	stream_writer_free(w);
	stream_head_release(&head);
	batch_release(&b);
	free(room);
	return rc;
}

int calibrate_sketch(struct sketch *s, const struct rows *rows, int split, struct err *err)
{
	double *z = NULL;
	size_t k = (size_t)rows->head.n_classes;
	if (mem_alloc(&z, 2 * k, sizeof *z, err))
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		if (split != ROWS_ALL && rows->split_of[i] != split)
			continue;
		record_logits(rows, i, z, z + k);
		sketch_add(s, record_print(z, k), 1);
	}
	free(z);
	return 0;
}

int judged_column(struct table *t, const char *name, struct judged *j, int bins, int rounds, uint64_t seed,
		  struct pool *pool, struct err *err)
{
	struct bins b = { 0 };
	struct bin_errors e;
	struct floors f;
	double n = (double)j->n;
	if (keys_sort(j->key, j->n, err) || bins_init(&b, bins, err))
		return -1;
	bins_add(&b, j->key, j->n);
	bins_errors(&b, &e);
	bins_release(&b);
	if (null_floor(j->key, j->n, bins, rounds, seed, pool, &f, err))
		return -1;
	return table_column(t, name, err) || table_count(t, "n", j->n, err) ||
			       table_real(t, "accuracy", e.accuracy, err) || table_real(t, "ece", e.ece, err) ||
			       table_real(t, "ece_floor", f.ece.mean, err) || table_real(t, "oe", e.oe, err) ||
			       table_real(t, "oe_floor", f.oe.mean, err) ||
			       table_real(t, "nll", rows_mean_nll(&j->sum, n), err) ||
			       table_real(t, "brier", fix_real(j->sum.brier) / n, err) ||
			       table_real(t, "gap", e.gap, err)
		       ? -1
		       : 0;
}

int calibrate_refuse_fitted(const struct calfile *f, const struct rows *list, size_t n, int split, char *text,
			    size_t size, struct err *err)
{
	struct sketch *now = NULL;
	uint64_t seen = 0;
	int rc = mem_alloc(&now, 1, sizeof *now, err);
	for (size_t d = 0; !rc && d < n; d++)
		rc = calibrate_sketch(now, &list[d], split, err);
	rc = rc || calfile_refuse_fitted(f, now, list[0].name,
					 "apply it to others with --split, or allow it with --allow-fit-data", &seen,
					 err);
	free(now);
	if (!rc)
		calfile_seen_text(f, seen, text, size);
	return rc ? -1 : 0;
}
