/* Logits into results: right, the same at any thread count and any cut into blocks, and refused when they are not fit.
 */
#include "tests/scratch.h"
#include "eval/records/rows.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[SCRATCH_PATH];
static struct err err;

enum {
	ALL_COLUMNS = COL_ID | COL_LABEL | COL_PREDICTED | COL_NLL | COL_BRIER | COL_ENTROPY | COL_MUTUAL |
		      COL_MAX_LOGIT | COL_ENERGY | COL_MARGIN | COL_VALUES | COL_SPLIT
};

struct shape {
	int classes, samples, probs, f64, n, documents, splits, unlabelled, flush;
	double scale;
};

static int seed(void **state)
{
	(void)state;
	err = ERR_NONE;
	return 0;
}

static void head_of(struct stream_head *h, const struct shape *s)
{
	char text[16];
	const char **names = calloc((size_t)s->classes, sizeof *names);
	*h = (struct stream_head){ .kind = STREAM_LOGITS,
				   .dtype = s->f64 ? DTYPE_F64 : DTYPE_F32,
				   .values = s->probs ? VALUES_PROBS : VALUES_LOGITS,
				   .samples = s->samples };
	for (int k = 0; k < s->classes; k++) {
		snprintf(text, sizeof text, "c%d", k);
		names[k] = strdup(text);
	}
	assert_int_equal(stream_head_classes(h, s->classes, names, &err), 0);
	for (int k = 0; k < s->classes; k++)
		free((void *)(uintptr_t)names[k]);
	free(names);
}

/* scale INFINITY: one class has all of the probability, the same in each sample. */
static void fill(double *v, const struct shape *s, struct rng *r)
{
	size_t classes = (size_t)s->classes, sure = isinf(s->scale) ? rng_below(r, (uint32_t)classes) : 0;
	for (size_t i = 0; isinf(s->scale) && i < classes * (size_t)s->samples; i++)
		v[i] = i % classes == sure ? (s->probs ? 1 : 3.5) : s->probs ? 0 : -INFINITY;
	if (isinf(s->scale))
		return;
	for (int i = 0; i < s->samples; i++) {
		double sum = 0, *z = v + (size_t)i * (size_t)s->classes;
		for (int k = 0; k < s->classes; k++) {
			z[k] = s->scale * rng_normal(r);
			sum += exp(z[k]);
		}
		for (int k = 0; s->probs && k < s->classes; k++)
			z[k] = exp(z[k]) / sum;
	}
}

static void write_stream(const struct shape *s)
{
	struct output out;
	size_t n = (size_t)s->classes * (size_t)s->samples;
	double *v = malloc(n * 8);
	float *f = malloc(n * 4);
	assert_int_equal(output_open(&out, path, &err), 0);
	for (int d = 0; d < s->documents; d++) {
		struct stream_head h;
		struct stream_writer *w;
		head_of(&h, s);
		assert_int_equal(stream_begin(&w, &out, &h, NULL, NULL, &err), 0);
		for (int i = 0; i < s->n; i++) {
			struct rng r;
			rng_init(&r, 3, RNG_TEST, (uint32_t)(d * s->n + i), 9);
			fill(v, s, &r);
			for (size_t k = 0; k < n; k++)
				f[k] = (float)v[k];
			int label = s->unlabelled && i % 7 == 3 ? -1 : (int)rng_below(&r, (uint32_t)s->classes);
			int split = s->splits ? i % 3 : SPLIT_TRAIN;
			assert_int_equal(stream_add(w, (uint64_t)i + 1000, label, split, s->f64 ? (void *)v : f,
						    n * (s->f64 ? 8 : 4), &err),
					 0);
			if (s->flush && rng_below(&r, (uint32_t)s->flush) == 0)
				assert_int_equal(stream_flush(w, &err), 0);
		}
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
		stream_head_release(&h);
	}
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	free(v);
	free(f);
}

static struct rows_options ask_for(int threads)
{
	return (struct rows_options){ .split = ROWS_AUTO,
				      .unlabelled = ROWS_KEEP,
				      .columns = ALL_COLUMNS,
				      .class_bins = 15,
				      .threads = threads };
}

static int close_to(double got, long double want, double tol)
{
	return fabsl(got - want) <= (long double)tol * (1 + fabsl(want));
}

/* Every column of a record from its values, in long double. */
static void check_record(const struct rows *w, size_t i)
{
	int k = w->head.n_classes, s_n = w->head.samples, y = w->label[i], win = 0;
	double *z = malloc((size_t)k * 8);
	long double *p = calloc((size_t)k, sizeof *p), entropy = 0, inside = 0, brier = 0, second = 0, energy = 0,
		    top = 0;
	double tol = 1e-12;
	for (int s = 0; s < s_n; s++) {
		long double sum = 0, max = -INFINITY;
		rows_values(w, i, s, z);
		for (int c = 0; c < k; c++)
			max = z[c] > max ? z[c] : max;
		for (int c = 0; c < k; c++)
			sum += w->head.values == VALUES_PROBS ? 0 : expl(z[c] - max);
		for (int c = 0; c < k; c++) {
			long double q = w->head.values == VALUES_PROBS ? (long double)z[c] : expl(z[c] - max) / sum;
			p[c] += q / s_n;
			inside -= q > 0 ? q * logl(q) / s_n : 0;
		}
		energy += (max + logl(sum)) / s_n;
		top += max / s_n;
	}
	for (int c = 1; c < k; c++)
		win = p[c] > p[win] ? c : win;
	for (int c = 0; c < k; c++) {
		entropy -= p[c] > 0 ? p[c] * logl(p[c]) : 0;
		brier += (p[c] - (c == y)) * (p[c] - (c == y));
		second = c != win && p[c] > second ? p[c] : second;
	}
	assert_int_equal(w->predicted[i], win);
	assert_int_equal(conf_right(w->key[i]), win == y);
	assert_true(close_to(conf_p(w->key[i]), p[win], tol));
	assert_true(close_to(w->entropy[i], entropy, tol));
	assert_true(close_to(w->mutual[i], s_n > 1 ? entropy - inside : 0, 1e-10));
	assert_true(close_to(w->margin[i], p[win] - second, tol));
	if (w->head.values == VALUES_LOGITS) {
		assert_true(close_to(w->energy[i], energy, tol));
		assert_true(close_to(w->max_logit[i], top, tol));
	}
	if (y < 0) {
		assert_true(isnan(w->nll[i]) && isnan(w->brier[i]));
	} else {
		assert_true(close_to(w->nll[i], -logl(p[y]), 1e-10));
		assert_true(close_to(w->brier[i], brier, tol));
	}
	free(z);
	free(p);
}

static void check_cells(const struct rows *w)
{
	/* class-wise cells hold every labelled record once for each class */
	size_t k = (size_t)w->head.n_classes;
	uint64_t labelled = w->sum.n - w->sum.unlabelled;
	double all = 0;
	for (size_t c = 0; c < k; c++) {
		uint64_t n = 0;
		for (int b = 0; b < w->class_bins; b++) {
			const struct rows_cell *cell = &w->class_cell[c * (size_t)w->class_bins + (size_t)b];
			n += cell->n;
			all += fix_real(cell->conf);
			assert_true(cell->right <= cell->n);
			double mean = cell->n ? fix_real(cell->conf) / (double)cell->n : (b + 0.5) / w->class_bins;
			assert_true(mean >= (double)b / w->class_bins - 1e-9 &&
				    mean <= (double)(b + 1) / w->class_bins + 1e-9);
		}
		assert_int_equal(n, labelled);
	}
	/* given float32 probabilities sum to 1 within their rounding only */
	assert_true(fabs(all - (double)labelled) <= 1e-6 * (double)labelled);
}

static const struct shape shapes[] = {
	{ 10, 1, 0, 0, 999, 1, 0, 0, 0, 2 },  { 10, 1, 0, 1, 500, 2, 1, 1, 50, 9 },
	{ 2, 1, 0, 0, 1001, 1, 1, 0, 3, 30 }, { 40, 1, 0, 0, 400, 1, 1, 1, 20, 3 },
	{ 1000, 1, 0, 0, 60, 3, 0, 0, 7, 3 }, { 7, 5, 0, 0, 300, 1, 0, 1, 11, 2 },
	{ 3, 1, 1, 1, 400, 2, 1, 0, 9, 2 },   { 50, 3, 1, 0, 100, 1, 0, 0, 0, 1 },
	{ 1, 1, 0, 0, 20, 1, 0, 0, 0, 1 },    { 31, 1, 0, 1, 333, 1, 1, 1, 5, 300 },
};

static void results_are_right(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof shapes / sizeof *shapes; t++) {
		struct rows w;
		struct rows_options options = ask_for(2);
		write_stream(&shapes[t]);
		assert_int_equal(rows_read(&w, path, &options, &err), 0);
		assert_int_equal(w.documents, shapes[t].documents);
		assert_int_equal(w.split, shapes[t].splits ? SPLIT_TEST : ROWS_ALL);
		assert_int_equal(w.n, shapes[t].splits ? shapes[t].n / 3 * shapes[t].documents
						       : shapes[t].n * shapes[t].documents);
		double nll = 0, conf = 0, brier = 0, entropy = 0;
		uint64_t right = 0;
		for (size_t i = 0; i < w.n; i++) {
			check_record(&w, i);
			conf += conf_p(w.key[i]);
			right += (uint64_t)conf_right(w.key[i]);
			entropy += w.entropy[i];
			nll += w.label[i] < 0 ? 0 : w.nll[i];
			brier += w.label[i] < 0 ? 0 : w.brier[i];
			if (shapes[t].splits)
				assert_int_equal(w.split_of[i], SPLIT_TEST);
		}
		assert_int_equal(w.sum.n, w.n);
		assert_int_equal(w.sum.right, right);
		assert_true(close_to(fix_real(w.sum.conf), conf, 1e-12));
		assert_true(close_to(fix_real(w.sum.nll), nll, 1e-12));
		assert_true(close_to(fix_real(w.sum.brier), brier, 1e-12));
		assert_true(close_to(fix_real(w.sum.entropy), entropy, 1e-12));
		check_cells(&w);
		rows_release(&w);
	}
}

static void same_rows(const struct rows *a, const struct rows *b)
{
	size_t n = a->n, cells = (size_t)a->head.n_classes * (size_t)a->class_bins;
	assert_int_equal(a->n, b->n);
	assert_memory_equal(&a->sum, &b->sum, sizeof a->sum);
	assert_memory_equal(a->key, b->key, n * 8);
	assert_memory_equal(a->id, b->id, n * 8);
	assert_memory_equal(a->label, b->label, n * 4);
	assert_memory_equal(a->predicted, b->predicted, n * 4);
	assert_memory_equal(a->nll, b->nll, n * 8);
	assert_memory_equal(a->brier, b->brier, n * 8);
	assert_memory_equal(a->entropy, b->entropy, n * 8);
	assert_memory_equal(a->mutual, b->mutual, n * 8);
	assert_memory_equal(a->margin, b->margin, n * 8);
	assert_memory_equal(a->values, b->values, n * stream_record_size(&a->head));
	assert_memory_equal(a->class_cell, b->class_cell, cells * sizeof *a->class_cell);
	assert_memory_equal(a->top_cell, b->top_cell, cells * sizeof *a->top_cell);
}

static void threads_and_blocks_do_not_show(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof shapes / sizeof *shapes; t++) {
		struct rows first, w;
		struct shape s = shapes[t];
		struct rows_options options = ask_for(1);
		write_stream(&s);
		assert_int_equal(rows_read(&first, path, &options, &err), 0);
		for (int threads = 1; threads <= 5; threads++) {
			s.flush = threads * 13 - 12; /* 1: a block a record */
			write_stream(&s);
			options = ask_for(threads);
			assert_int_equal(rows_read(&w, path, &options, &err), 0);
			same_rows(&first, &w);
			rows_release(&w);
		}
		rows_release(&first);
	}
}

static void documents_apart(void **state)
{
	(void)state;
	struct shape s = { 5, 1, 0, 0, 100, 3, 0, 0, 7, 2 };
	struct rows_options options = ask_for(3);
	struct rows *list, all;
	size_t n;
	write_stream(&s);
	assert_int_equal(rows_read_each(&list, &n, path, &options, &err), 0);
	assert_int_equal(rows_read(&all, path, &options, &err), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].n, 100);
		assert_memory_equal(list[i].key, all.key + 100 * i, 800);
		rows_release(&list[i]);
	}
	free(list);
	rows_release(&all);
}

static void fates(void **state)
{
	(void)state;
	struct shape s = { 4, 1, 0, 0, 70, 1, 1, 1, 0, 2 };
	struct rows w;
	struct rows_options options = ask_for(2);
	write_stream(&s);
	options.unlabelled = ROWS_REFUSE;
	assert_int_equal(rows_read(&w, path, &options, &err), -1);
	assert_non_null(strstr(err.msg, "record 17 has no label")); /* the first of split test */
	options.unlabelled = ROWS_DROP;
	assert_int_equal(rows_read(&w, path, &options, &err), 0);
	for (size_t i = 0; i < w.n; i++)
		assert_true(w.label[i] >= 0);
	assert_int_equal(w.sum.unlabelled, 0);
	rows_release(&w);
	options.split = SPLIT_EXTRA;
	assert_int_equal(rows_read(&w, path, &options, &err), -1);
	assert_non_null(strstr(err.msg, "no record of split extra"));
	options.split = ROWS_ALL;
	options.unlabelled = ROWS_KEEP;
	assert_int_equal(rows_read(&w, path, &options, &err), 0);
	assert_int_equal(w.n, 70);
	assert_int_equal(w.sum.unlabelled, 10);
	rows_release(&w);
}

static void one_class(void **state)
{
	(void)state;
	for (size_t t = 0; t < 6; t++) {
		struct rows w;
		struct rows_options options = ask_for(1);
		options.class_name = t % 2 ? "c1" : "0";
		if (shapes[t].classes < 2)
			continue;
		write_stream(&shapes[t]);
		assert_int_equal(rows_read(&w, path, &options, &err), 0);
		int c = t % 2;
		double *z = malloc((size_t)w.head.n_classes * 8), *p = malloc((size_t)w.head.n_classes * 8);
		for (size_t i = 0; i < w.n; i++) {
			double mean = 0;
			for (int s = 0; s < w.head.samples; s++) {
				rows_values(&w, i, s, z);
				softmax_row(z, w.head.n_classes, p);
				mean += p[c] / w.head.samples;
			}
			assert_true(close_to(conf_p(w.key[i]), mean, 1e-12));
			assert_int_equal(conf_right(w.key[i]), w.label[i] == c);
		}
		free(z);
		free(p);
		rows_release(&w);
	}
}

/* Where a class has all of the probability every number is exact: nothing is left over, not even a rounding. */
static void sure_records(void **state)
{
	(void)state;
	for (int t = 0; t < 24; t++) {
		const struct shape s = { 2 + t % 3, 1 + t / 3 % 2, t / 6 % 2, t / 12, 40, 1, 0, 1, 0, INFINITY };
		struct rows w;
		struct rows_options options = ask_for(1);
		write_stream(&s);
		assert_int_equal(rows_read(&w, path, &options, &err), 0);
		for (size_t i = 0; i < w.n; i++) {
			int right = w.label[i] == w.predicted[i];
			assert_true(conf_p(w.key[i]) == 1 && conf_rest(w.key[i]) == 0 && conf_right(w.key[i]) == right);
			assert_true(w.entropy[i] == 0 && w.mutual[i] == 0 && w.margin[i] == 1);
			assert_true(w.label[i] < 0 ? isnan(w.nll[i]) : w.nll[i] == (right ? 0 : INFINITY));
			assert_true(w.label[i] < 0 ? isnan(w.brier[i]) : w.brier[i] == (right ? 0 : 2));
		}
		rows_release(&w);
	}
}

/* A bad value somewhere: refused by the number of its record, the first one where there are two, at any thread count.
 */
static void bad_records_are_named(void **state)
{
	(void)state;
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	for (int t = 0; t < 60; t++) {
		int documents = 1 + t / 4 % 2, first = documents == 2 ? 7 : 0; /* 7 records that are fine */
		int k = t % 2 ? 3 : 50, at = (t * 37) % 900, later = at + 1 + (t * 91) % (999 - at), all = t % 3 == 2;
		struct stream_head h;
		struct stream_writer *w;
		struct output out;
		struct shape s = { k, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
		float z[50] = { 0 };
		char want[SCRATCH_PATH + 64];
		struct rows rows;
		struct rows_options options = ask_for(1 + t % 4);
		head_of(&h, &s);
		assert_int_equal(output_open(&out, path, &err), 0);
		assert_int_equal(stream_begin(&w, &out, &h, NULL, NULL, &err), 0);
		for (int i = 0; i < first; i++)
			assert_int_equal(stream_add(w, 0, 0, 0, z, (size_t)k * 4, &err), 0);
		if (first) {
			assert_int_equal(stream_finish(w, &err), 0);
			stream_writer_free(w);
			assert_int_equal(stream_begin(&w, &out, &h, NULL, NULL, &err), 0);
		}
		for (int i = 0; i < 1000; i++) {
			for (int c = 0; c < k; c++)
				z[c] = (i == at || i == later) && (all || c == t % k) ? bad[t % 3] : (float)(c % 5);
			assert_int_equal(stream_add(w, (uint64_t)i, 0, 0, z, (size_t)k * 4, &err), 0);
			if (i % 100 == 99)
				assert_int_equal(stream_flush(w, &err), 0);
		}
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		stream_head_release(&h);
		assert_int_equal(rows_read(&rows, path, &options, &err), -1);
		snprintf(want, sizeof want, "%s: record %d: ", first ? ": document 2" : path, at);
		if (!strstr(err.msg, want))
			print_message("%s, wanted %s\n", err.msg, want);
		assert_non_null(strstr(err.msg, want));
	}
}

int main(void)
{
	if (scratch_file(path, "rows"))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(results_are_right, seed),
		cmocka_unit_test_setup(threads_and_blocks_do_not_show, seed),
		cmocka_unit_test_setup(documents_apart, seed),
		cmocka_unit_test_setup(fates, seed),
		cmocka_unit_test_setup(one_class, seed),
		cmocka_unit_test_setup(sure_records, seed),
		cmocka_unit_test_setup(bad_records_are_named, seed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
