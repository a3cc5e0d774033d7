/* Several models' records as the samples of one, and some of one model's records: both judge values in memory. */
#include "pipeline/base/mem.h"
#include "rows_block.h"

#include <stdlib.h>
#include <string.h>

static int same_records(const struct rows *a, const struct rows *b, struct err *err)
{
	struct stream_head as_precise = b->head;
	as_precise.dtype = a->head.dtype; /* float32 is float64, too */
	if (stream_head_same(&a->head, &as_precise, err))
		return err_context(err, "%s and %s are no ensemble", a->name, b->name);
	if (a->n != b->n)
		return err_set(err, "%s and %s are no ensemble: %zu and %zu records", a->name, b->name, a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		if (a->id[i] != b->id[i] || a->label[i] != b->label[i] || a->split_of[i] != b->split_of[i])
			return err_set(err, "%s and %s are no ensemble: record %zu is not the same in both", a->name,
				       b->name, i);
	return 0;
}

/* Which of the records of m results, and room for a block of them. */
struct gathering {
	const struct rows *in;
	int m;
	const uint32_t *pick; /* NULL: all in order */
	enum stream_dtype dtype; /* of the block: float64 where any member's is */
	struct block block;
	size_t step; /* records a block */
};
/* A block has as many records as fit ROOM bytes, but at least eight and at most STEP. */
enum { STEP = 1024, LEAST = 8, ROOM = 1 << 24 };

/* Bytes of a member's record in the block. */
static size_t record_size(const struct gathering *g)
{
	size_t n = (size_t)g->in->head.samples * (size_t)g->in->head.n_classes;
	return n * (g->dtype == DTYPE_F64 ? sizeof(double) : sizeof(float));
}

/* The values of record `at`, which are `each` bytes in the block. */
static void take_values(unsigned char *to, const struct rows *in, size_t at, size_t each)
{
	size_t own = stream_record_size(&in->head);
	if (own == each) {
		memcpy(to, (const unsigned char *)in->values + at * own, own);
		return;
	}
	const float *from = (const float *)in->values + at * (own / sizeof *from);
	for (size_t i = 0; i < own / sizeof *from; i++)
		((double *)(void *)to)[i] = from[i];
}

/* Records pick[from..from+n) of all members as one block: a record's samples are the members', one after the other. */
static void gather_block(struct gathering *g, size_t from, size_t n)
{
	const struct rows *in = g->in;
	struct block *b = &g->block;
	size_t each = record_size(g);
	b->n = (uint32_t)n;
	b->first = from;
	b->data_len = n * (size_t)g->m * each;
	for (size_t i = 0; i < n; i++) {
		size_t at = g->pick ? g->pick[from + i] : from + i;
		b->id[i] = in->id[at];
		b->label[i] = in->label[at];
		b->split[i] = in->split_of[at];
		for (int k = 0; k < g->m; k++)
			take_values(b->data + (i * (size_t)g->m + (size_t)k) * each, &in[k], at, each);
	}
}

static int gather_room(struct gathering *g, struct err *err)
{
	struct block *b = &g->block;
	size_t each = (size_t)g->m * record_size(g), fit = ROOM / each;
	g->step = fit > STEP ? STEP : fit < LEAST ? LEAST : fit / LEAST * LEAST;
	b->type = BLOCK_ROWS;
	return mem_alloc(&b->id, g->step, sizeof *b->id, err) || mem_alloc(&b->label, g->step, sizeof *b->label, err) ||
	       mem_alloc(&b->split, g->step, sizeof *b->split, err) ||
	       mem_alloc(&b->data, g->step, each, err);
}

static void gather_release(struct gathering *g)
{
	free(g->block.id);
	free(g->block.label);
	free(g->block.split);
	free(g->block.data);
}

static int judge_anew(struct rows *out, struct gathering *g, size_t n, const struct rows_options *options,
		      struct err *err)
{
	const struct rows *in = g->in;
	struct tally tally = { 0 };
	struct results results = { 0 };
	size_t caps[ROWS_COLUMNS] = { 0 };
	int rc = -1;
	*out = (struct rows){ 0 };
	if (stream_head_copy(&out->head, &in->head, err))
		return -1;
	out->head.samples *= g->m;
	out->head.dtype = g->dtype;
	if (mem_text(&out->name, in->name, strlen(in->name), err) || tally_init(&tally, &out->head, options, err) ||
	    gather_room(g, err))
		goto end;
	for (size_t from = 0; from < n; from += g->step) {
		gather_block(g, from, n - from < g->step ? n - from : g->step);
		if (tally_block(&tally, &out->head, &g->block, from, &results, out->name, err) ||
		    rows_append(out, caps, options->columns, from, &g->block, &results, err))
			goto end;
	}
	rc = rows_finish(out, &tally, 1, options, n, out->name, err);
end:
	gather_release(g);
	results_release(&results);
	tally_release(&tally);
	if (rc)
		rows_release(out);
	return rc;
}

int rows_ensemble(struct rows *out, const struct rows *in, int m, const struct rows_options *options, struct err *err)
{
	struct gathering g = { .in = in, .m = m, .dtype = in->head.dtype };
	*out = (struct rows){ 0 };
	for (int k = 1; k < m; k++) {
		if (same_records(&in[0], &in[k], err))
			return -1;
		g.dtype = in[k].head.dtype == DTYPE_F64 ? DTYPE_F64 : g.dtype;
	}
	if (judge_anew(out, &g, in->n, options, err))
		return -1;
	out->documents = (uint64_t)m;
	out->provenance = json_incref(in->provenance);
	return 0;
}

int rows_read_ensemble(struct rows *out, char *const *path, int m, const struct rows_options *options, struct err *err)
{
	struct rows_options every = *options;
	struct rows *in;
	char *name = NULL;
	int rc = 0, n = 0;
	every.split = ROWS_ALL;
	every.unlabelled = ROWS_KEEP;
	every.columns = COL_VALUES | COL_ID | COL_LABEL | COL_SPLIT;
	every.class_bins = 0;
	*out = (struct rows){ 0 };
	if (mem_alloc(&in, (size_t)m, sizeof *in, err))
		return -1;
	for (; n < m && !rc; n += !rc)
		rc = rows_read(&in[n], path[n], &every, err);
	rc = rc || rows_ensemble(out, in, n, options, err);
	for (int i = 0; i < n; i++)
		rows_release(&in[i]);
	free(in);
	if (rc)
		return -1;
	if (mem_printf(&name, err, "%s and %d more", out->name, m - 1)) {
		rows_release(out);
		return -1;
	}
	free(out->name);
	out->name = name;
	return 0;
}

int rows_subset(struct rows *out, const struct rows *in, const uint32_t *pick, size_t n,
		const struct rows_options *options, struct err *err)
{
	struct gathering g = { .in = in, .m = 1, .pick = pick, .dtype = in->head.dtype };
	if (judge_anew(out, &g, n, options, err))
		return -1;
	out->documents = in->documents;
	out->names_differ = in->names_differ;
	return 0;
}
