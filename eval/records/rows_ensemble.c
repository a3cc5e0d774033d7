/* Several models' records as the samples of one. */
#include "pipeline/base/mem.h"
#include "rows_block.h"

#include <stdlib.h>
#include <string.h>

static int same_records(const struct rows *a, const struct rows *b, struct err *err)
{
	if (stream_head_same(&a->head, &b->head, err))
		return err_context(err, "%s and %s are no ensemble", a->name, b->name);
	if (a->n != b->n)
		return err_set(err, "%s and %s are no ensemble: %zu and %zu records", a->name, b->name, a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		if (a->id[i] != b->id[i] || a->label[i] != b->label[i] || a->split_of[i] != b->split_of[i])
			return err_set(err, "%s and %s are no ensemble: record %zu is not the same in both", a->name,
				       b->name, i);
	return 0;
}

/* Records from..from+n-1 of all members as one block: a record's samples are the members', one after the other. */
static void interleave(const struct rows *in, int m, size_t from, size_t n, struct block *b)
{
	size_t each = stream_record_size(&in->head);
	*b = (struct block){ .type = BLOCK_ROWS,
			     .n = (uint32_t)n,
			     .first = from,
			     .id = in->id + from,
			     .label = in->label + from,
			     .split = in->split_of + from,
			     .data = b->data };
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < m; k++)
			memcpy(b->data + (i * (size_t)m + (size_t)k) * each,
			       (const unsigned char *)in[k].values + (from + i) * each, each);
	b->data_len = n * (size_t)m * each;
}

int rows_ensemble(struct rows *out, const struct rows *in, int m, const struct rows_options *options, struct err *err)
{
	enum { STEP = 1024 };
	struct tally tally = { 0 };
	struct block b = { 0 };
	struct results results = { 0 };
	size_t caps[ROWS_COLUMNS] = { 0 };
	int rc = -1;
	*out = (struct rows){ 0 };
	for (int k = 1; k < m; k++)
		if (same_records(&in[0], &in[k], err))
			return -1;
	if (stream_head_copy(&out->head, &in->head, err))
		return -1;
	out->head.samples *= m;
	if (mem_text(&out->name, in->name, strlen(in->name), err) || tally_init(&tally, &out->head, options, err) ||
	    mem_alloc(&b.data, STEP * (size_t)m, stream_record_size(&in->head), err))
		goto end;
	out->provenance = json_incref(in->provenance);
	out->documents = (uint64_t)m;
	for (size_t from = 0; from < in->n; from += STEP) {
		interleave(in, m, from, in->n - from < STEP ? in->n - from : STEP, &b);
		if (tally_block(&tally, &out->head, &b, from, &results, out->name, err) ||
		    rows_append(out, caps, options->columns, from, &b, &results, err))
			goto end;
	}
	rc = rows_finish(out, &tally, 1, options, in->n, out->name, err);
end:
	free(b.data);
	results_release(&results);
	tally_release(&tally);
	if (rc)
		rows_release(out);
	return rc;
}
