/* Writes streams of noise and of perturbed images. A batch's records are made by all threads and written in order by
 * one; each record has its own random stream, so the cut into batches does not show. `number` counts kept
 * records over all documents. Records read are used where they lie in the block, so a batch never spans two. */
#include "noisegen.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_VALUES = 4 << 20, BATCH_RECORDS = 1024 };

/* Records of a batch: made by all threads, written in order. */
struct batch {
	const struct stream_head *in, *out;
	size_t values; /* of one record */
	int cap, n;
	float *f;	    /* [cap][values] */
	unsigned char *raw; /* [cap][values], or NULL */
	uint64_t *clipped;  /* [cap] */
	double *length;	    /* [cap] */
	uint64_t first;	    /* number of the batch's first record */
	const struct moments *moments;
	const struct perturb_options *perturb;
	const unsigned char **from; /* [cap] records read */
	uint32_t *row, *number, *copy; /* [cap] row of the block read; of the record, and its direction */
	uint64_t seed;
};

static void batch_release(struct batch *b)
{
	free(b->f);
	free(b->raw);
	free(b->clipped);
	free(b->length);
	free(b->from);
	free(b->row);
	free(b->number);
	free(b->copy);
}

static int batch_open(struct batch *b, size_t values, int raw, struct err *err)
{
	size_t cap = BATCH_VALUES / values;
	cap = cap < 1 ? 1 : cap > BATCH_RECORDS ? BATCH_RECORDS : cap;
	b->values = values;
	b->cap = (int)cap;
	if (mem_alloc(&b->f, cap * values, sizeof *b->f, err) || (raw && mem_alloc(&b->raw, cap * values, 1, err)) ||
	    mem_alloc(&b->clipped, cap, sizeof *b->clipped, err) ||
	    mem_alloc(&b->length, cap, sizeof *b->length, err) || mem_alloc(&b->from, cap, sizeof *b->from, err) ||
	    mem_alloc(&b->row, cap, sizeof *b->row, err) ||
	    mem_alloc(&b->number, cap, sizeof *b->number, err) || mem_alloc(&b->copy, cap, sizeof *b->copy, err))
		return -1;
	return 0;
}

static void finish_one(struct batch *b, int i)
{
	b->clipped[i] = 0;
	if (b->raw)
		pixels_to_raw(b->raw + (size_t)i * b->values, b->f + (size_t)i * b->values, b->values, &b->clipped[i]);
}

static const void *record_of(const struct batch *b, int i)
{
	return b->raw ? (const void *)(b->raw + (size_t)i * b->values) : (const void *)(b->f + (size_t)i * b->values);
}

/* The moments of the train records, and a copy of the head; *history is the reader's provenance (a new reference). */
static int read_moments(const char *path, struct moments *m, struct stream_head *head, json_t **history,
			struct err *err)
{
	struct stream_reader *r;
	struct block b;
	int rc, documents = 0;
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_of(r, STREAM_IMAGES, err)) == 1) {
		const struct stream_head *h = stream_head_of(r);
		rc = documents++ ? stream_head_same(head, h, err) : stream_head_copy(head, h, err);
		if (!rc && h->encoding == ENCODING_JPEG)
			rc = err_set(err, "%s: holds JPEG files; vic-images --format stream --resize HxW decodes them",
				     stream_name(r));
		if (!rc && !*history)
			rc = (*history = jsontext_copy(stream_provenance(r))) ? 0 : err_memory(err);
		while (!rc && (rc = stream_next_block(r, &b, err)) == 1) {
			rc = 0;
			for (uint32_t i = 0; i < b.n; i++) {
				size_t len;
				const unsigned char *px = block_record(&b, stream_record_size(h), i, &len);
				if (b.split[i] == SPLIT_TRAIN)
					moments_add(m, h, px);
			}
		}
		if (rc < 0)
			break;
	}
	if (!rc && !m->n)
		rc = err_set(err, "%s: has no record of split train to take mean and variance from", stream_name(r));
	stream_close(r);
	return rc;
}

static void gaussian_one(void *arg, int task, int worker)
{
	struct batch *b = arg;
	(void)worker;
	noise_gaussian(b->f + (size_t)task * b->values, b->values / (size_t)b->out->channels, b->moments, b->seed,
		       (uint32_t)(b->first + (uint64_t)task));
	finish_one(b, task);
}

static int write_noise(const struct noise_options *opt, const struct moments *m, const struct stream_head *head,
		       const json_t *history, struct pool *pool, struct output *out, const json_t *self,
		       struct err *err)
{
	struct stream_writer *w = NULL;
	struct batch b = { .out = head, .moments = m, .seed = opt->seed };
	int split = opt->mark ? split_of(opt->mark) : SPLIT_TEST;
	int rc = batch_open(&b, (size_t)head->height * (size_t)head->width * (size_t)head->channels, opt->raw, err) ||
		 stream_begin(&w, out, head, history, self, err);
	for (uint64_t n = (uint64_t)opt->n; !rc && b.first < n; b.first += (uint64_t)b.n) {
		b.n = n - b.first < (uint64_t)b.cap ? (int)(n - b.first) : b.cap;
		pool_run(pool, b.n, gaussian_one, &b);
		for (int i = 0; !rc && i < b.n; i++)
			rc = stream_add(w, b.first + (uint64_t)i, -1, split, record_of(&b, i), stream_record_size(head),
					err);
	}
	if (!rc)
		rc = stream_finish(w, err);
	stream_writer_free(w);
	batch_release(&b);
	return rc;
}

int noise_like(const struct noise_options *opt, struct pool *pool, struct output *out, const json_t *self,
	       struct err *err)
{
	struct moments m = { 0 };
	struct stream_head head = { 0 };
	json_t *history = NULL;
	const char *name = opt->name ? opt->name : "Gaussian noise";
	if (opt->mark && split_of(opt->mark) < 0)
		return err_usage(err, "--split: '%s' is none of train, dev, test, extra", opt->mark);
	if (opt->n > UINT32_MAX)
		return err_usage(err, "--limit: at most %u noise images", UINT32_MAX);
	int rc = read_moments(opt->like, &m, &head, &history, err);
	free(head.name);
	head.name = NULL;
	head.names = 0;
	head.encoding = opt->raw ? ENCODING_RAW : ENCODING_F32;
	if (!rc)
		rc = mem_text(&head.name, name, strlen(name), err) ||
		     write_noise(opt, &m, &head, history, pool, out, self, err);
	stream_head_release(&head);
	json_decref(history);
	return rc ? -1 : 0;
}

static void perturb_one(void *arg, int task, int worker)
{
	struct batch *b = arg;
	const struct perturb_options *p = b->perturb;
	float *f = b->f + (size_t)task * b->values;
	const float *x = f;
	(void)worker;
	if (b->in->encoding == ENCODING_F32)
		x = (const float *)(const void *)b->from[task];
	else
		pixels_to_f32(f, b->from[task], b->values);
	b->length[task] = noise_perturb(f, x, b->values, p->mu, p->unit, p->seed, b->copy[task], b->number[task]);
	finish_one(b, task);
}

/* All kept records of one block, each `directions` times. *number: of the next record read and kept. */
static int perturb_block(struct batch *b, const struct block *in, int only, uint64_t *number, struct pool *pool,
			 struct stream_writer *w, struct perturb_report *report, struct err *err)
{
	size_t each = stream_record_size(b->in), len;
	uint64_t copies = (uint64_t)b->perturb->directions, total = (uint64_t)in->n * copies;
	int rc = 0;
	for (uint64_t k = 0; !rc && k < total;) {
		for (b->n = 0; b->n < b->cap && k < total; k++) {
			uint32_t i = (uint32_t)(k / copies), copy = (uint32_t)(k % copies);
			if (only >= 0 && in->split[i] != only)
				continue;
			if (*number >= UINT32_MAX)
				return err_set(err, "more than %u records", UINT32_MAX);
			b->row[b->n] = i;
			b->number[b->n] = (uint32_t)*number;
			b->copy[b->n] = copy;
			b->from[b->n++] = block_record(in, each, i, &len);
			*number += copy + 1 == copies;
		}
		pool_run(pool, b->n, perturb_one, b);
		for (int j = 0; !rc && j < b->n; j++) {
			uint32_t i = b->row[j];
			report->records++;
			report->clipped += b->clipped[j];
			report->values += b->values;
			report->length += b->length[j];
			const char *name = block_name(in, i, &len);
			rc = stream_add_name(w, name, len, err) ||
			     stream_add(w, in->id[i], in->label[i], in->split[i], record_of(b, j),
					stream_record_size(b->out), err);
		}
	}
	return rc;
}

static int perturb_document(struct stream_reader *r, const struct perturb_options *opt, int only, uint64_t *number,
			    struct pool *pool, struct output *out, const json_t *self, struct perturb_report *report,
			    struct err *err)
{
	struct stream_head head = { 0 };
	struct stream_writer *w = NULL;
	const struct stream_head *in = stream_head_of(r);
	struct batch b = { .in = in, .out = &head, .perturb = opt };
	struct block block;
	if (in->encoding == ENCODING_JPEG)
		return err_set(err, "%s: holds JPEG files; vic-images --format stream --resize HxW decodes them",
			       stream_name(r));
	if (stream_head_copy(&head, in, err))
		return -1;
	head.encoding = opt->raw ? ENCODING_RAW : ENCODING_F32;
	int rc = batch_open(&b, (size_t)in->height * (size_t)in->width * (size_t)in->channels, opt->raw, err) ||
		 stream_begin(&w, out, &head, stream_provenance(r), self, err);
	while (!rc && (rc = stream_next_block(r, &block, err)) == 1)
		rc = perturb_block(&b, &block, only, number, pool, w, report, err);
	if (!rc)
		rc = stream_finish(w, err);
	stream_writer_free(w);
	batch_release(&b);
	stream_head_release(&head);
	return rc;
}

int perturb_stream(const char *path, const struct perturb_options *opt, struct pool *pool, struct output *out,
		   const json_t *self, struct perturb_report *report, struct err *err)
{
	struct stream_reader *r;
	uint64_t number = 0;
	int rc, only = opt->only ? split_of(opt->only) : -1;
	if (opt->only && only < 0)
		return err_usage(err, "--only: '%s' is none of train, dev, test, extra", opt->only);
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_of(r, STREAM_IMAGES, err)) == 1) {
		rc = perturb_document(r, opt, only, &number, pool, out, self, report, err);
		if (rc)
			break;
	}
	if (!rc && !report->records)
		rc = err_set(err, "%s: no record of split %s", stream_name(r), opt->only ? opt->only : "any");
	stream_close(r);
	if (report->records)
		report->length /= (double)report->records;
	return rc ? -1 : 0;
}
