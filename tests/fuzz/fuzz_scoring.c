/* Any bytes as what the evaluator reads: after 'L' a stream, after 'P' a table of posteriors, after 'H' a history of
 * training; after 'F' logits themselves, made into a stream first, so that every kind of number reaches the
 * arithmetic. */
#include "tests/scratch.h"
#include "eval/show/curves.h"
#include "eval/metrics/posterior.h"
#include "eval/metrics/score.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void score(const char *path, int threads)
{
	struct rows w;
	struct err err = ERR_NONE;
	static struct score s;
	struct rows_options ask = { .unlabelled = ROWS_DROP,
				    .columns = COL_NLL | COL_BRIER | COL_MARGIN,
				    .class_bins = 5,
				    .threads = threads };
	struct score_options what = { .bins = { 15, 3 }, .n_bins = 2, .floor_rounds = 3, .rounds = 2, .level = 0.9,
				  .threads = 1 };
	if (rows_read(&w, path, &ask, &err)) {
		if (!err.msg[0])
			abort();
		return;
	}
	uint64_t mix = 0;
	for (size_t i = 0; i < w.n; i++) {
		double p = conf_p(w.key[i]);
		mix = (mix ^ w.key[i]) * 0x9E3779B97F4A7C15u;
		if (!(p >= 0 && p <= 1) || !(w.brier[i] >= 0 && w.brier[i] <= 2.01) || !(w.nll[i] >= 0))
			abort();
	}
	/* The whole table is slow: one input in eight, whatever its records are. */
	what.brief = mix >> 61 != 0;
	if (!score_rows(&s, &w, &what, &err)) {
		double ece = score_find(&s, "ece")->value;
		if (!(ece >= 0 && ece <= 1 + 1e-12))
			abort();
	}
	rows_release(&w);
}

/* Header byte: classes and dtype; then values, a label a record. */
static void floats(const char *path, const uint8_t *data, size_t size)
{
	struct stream_head h = { .kind = STREAM_LOGITS, .values = VALUES_LOGITS, .samples = 1 };
	struct stream_writer *w;
	struct output out;
	struct err err = ERR_NONE;
	const char *name[64];
	int k = 1 + (size ? data[0] % 40 : 0), f64 = size && data[0] & 0x80;
	size_t each = (size_t)k * (f64 ? 8 : 4), i = 0;
	h.dtype = f64 ? DTYPE_F64 : DTYPE_F32;
	for (int c = 0; c < k; c++)
		name[c] = "x";
	if (stream_head_classes(&h, k, name, &err) || output_open(&out, path, &err) ||
	    stream_begin(&w, &out, &h, NULL, NULL, &err))
		abort();
	for (size_t at = 1; at + each <= size; at += each, i++)
		if (stream_add(w, i, data[at] % k, (int)i % 3, data + at, each, &err))
			abort();
	if (stream_finish(w, &err) || output_commit(&out, &err))
		abort();
	stream_writer_free(w);
	output_release(&out);
	stream_head_release(&h);
	score(path, 1 + (int)(size % 2));
}

static void tables(const char *path, int history)
{
	struct posterior p;
	struct err err = ERR_NONE;
	if (history) {
		FILE *to = fopen("/dev/null", "w");
		if (!to || (curve_training("run", path, to, &err) && !err.msg[0]))
			abort();
		fclose(to);
		return;
	}
	if (posterior_read(&p, path, &err)) {
		if (!err.msg[0])
			abort();
		return;
	}
	for (size_t i = 1; i < p.n; i++)
		if (p.id[i] <= p.id[i - 1])
			abort();
	posterior_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[SCRATCH_PATH];
	if (size < 1)
		return 0;
	if (scratch_file(path, "fuzz-scoring"))
		abort();
	if (data[0] == 'F') {
		floats(path, data + 1, size - 1);
	} else {
		FILE *f = fopen(path, "wb");
		if (!f || fwrite(data + 1, 1, size - 1, f) != size - 1 || fclose(f))
			abort();
		if (data[0] == 'L')
			score(path, 2);
		if (data[0] == 'P' || data[0] == 'H')
			tables(path, data[0] == 'H');
	}
	unlink(path);
	return 0;
}
