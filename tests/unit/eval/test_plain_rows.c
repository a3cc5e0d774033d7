/* Every sum and column that the evaluator makes of a stream against records worked out one after the other
 * (plain_rows.h): random numbers of records and classes across each limit, random blocks, documents, threads and
 * room. */
#include "eval/metrics/score.h"
#include "eval/records/softmax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plain_rows.h"

static struct err err;
static uint32_t now; /* the check under way */
static struct plain_file file[4];

#define near(got, want, tol) \
	do { \
		long double g_ = (got), w_ = (want); \
		if (!(fabsl(g_ - w_) <= (tol) * (1 + fabsl(w_)))) \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_); \
	} while (0)

struct sums {
	uint64_t n, right, beaten, may_beat, ties, unlabelled, infinite;
	long double conf, nll, brier, entropy, mutual;
	int unsure_ties, unsure_nll;
};

static int chosen_split(const struct plain *d, const struct rows_options *options)
{
	int wanted = options->split == ROWS_AUTO ? SPLIT_TEST : SPLIT_DEV;
	if (options->split != ROWS_AUTO && options->split != ROWS_AUTO_DEV)
		return options->split;
	for (int i = 0; i < d->s.n; i++)
		if (d->r[i].split == wanted)
			return wanted;
	return ROWS_ALL;
}

static int is_chosen(const struct plain_record *r, int split, const struct rows_options *options)
{
	return (split == ROWS_ALL || r->split == split) && (r->label >= 0 || options->unlabelled != ROWS_DROP);
}

/* A probability that underflows in float64 is one in long double. */
static void check_nll(double got, long double want, struct sums *sum)
{
	if (isnan(want)) {
		assert_true(isnan(got));
		return;
	}
	if (want < 690 || isfinite(got)) {
		near(got, want, want < 690 ? 1e-11 : 0.1);
		want = want < 690 ? want : (long double)got;
	}
	if (isfinite(got))
		sum->nll += want;
	else
		sum->infinite++;
}

static void check_column(const double *column, unsigned bit, unsigned asked, size_t i, long double want, double tol)
{
	if (!(asked & bit)) {
		assert_null(column);
		return;
	}
	if (isnan(want))
		assert_true(isnan(column[i]));
	else
		near(column[i], want, tol);
}

static void check_values(const struct rows *w, size_t i, const double *v)
{
	size_t k = (size_t)w->head.n_classes, n = k * (size_t)w->head.samples;
	double got[128];
	for (size_t j = 0; j < n; j++) {
		if (j % k == 0)
			rows_values(w, i, (int)(j / k), got);
		assert_true(got[j % k] == v[j]);
	}
}

static void check_record(const struct rows *w, size_t i, const struct plain *d, const struct plain_record *r,
			 const struct rows_options *options, int one, struct sums *sum)
{
	unsigned asked = options->columns;
	int logits = !d->s.probs, right = one >= 0 ? r->label == one : r->winner == r->label;
	long double conf = one >= 0 ? r->p[one] : r->conf, tol = options->float32 ? 1e-7 : 1e-13;
	assert_int_equal(conf_right(w->key[i]), right);
	near(conf_p(w->key[i]), fminl(1, conf), tol);
	/* what is left of 1 has digits of its own, where the softmax was ours */
	if (logits && !options->float32 && one < 0) {
		long double rest = 0;
		for (int k = 0; k < d->s.classes; k++)
			rest += k == r->winner ? 0 : r->p[k];
		assert_true(fabsl(conf_rest(w->key[i]) - rest) <= 1e-12L * rest + 1e-300L);
	}
	if (asked & COL_ID)
		assert_int_equal(w->id[i], r->id);
	if (asked & COL_LABEL)
		assert_int_equal(w->label[i], r->label);
	if (asked & COL_PREDICTED)
		assert_int_equal(w->predicted[i], r->winner);
	if (asked & COL_SPLIT)
		assert_int_equal(w->split_of[i], r->split);
	if (asked & COL_NLL)
		check_nll(w->nll[i], r->nll, sum);
	check_column(w->brier, COL_BRIER, asked, i, r->brier, 1e-12);
	check_column(w->entropy, COL_ENTROPY, asked, i, r->entropy, 1e-12);
	check_column(w->mutual, COL_MUTUAL, asked, i, r->mutual, 1e-11);
	check_column(w->max_logit, COL_MAX_LOGIT, asked, i, logits ? r->max_logit : NAN, 1e-13);
	check_column(w->energy, COL_ENERGY, asked, i, logits ? r->energy : NAN, 1e-13);
	check_column(w->margin, COL_MARGIN, asked, i, r->margin, 1e-12);
	if (asked & COL_VALUES)
		check_values(w, i, d->v + (size_t)(r - d->r) * (size_t)d->s.classes * (size_t)d->s.samples);
	sum->conf += conf_p(w->key[i]);
}

static void add_record(struct sums *sum, const struct plain *d, const struct plain_record *r)
{
	sum->n++;
	sum->entropy += r->entropy;
	sum->mutual += r->mutual;
	sum->ties += (uint64_t)r->tied;
	sum->unsure_ties |= d->s.samples > 1;
	if (r->label < 0) {
		sum->unlabelled++;
		return;
	}
	sum->right += r->winner == r->label;
	sum->brier += r->brier;
	sum->beaten += r->may_beat < ENOUGH;
	sum->may_beat += r->beaten < ENOUGH;
}

static void check_sums(const struct rows *w, const struct sums *want, const struct rows_options *options)
{
	const struct rows_sums *s = &w->sum;
	double tol = 1e-12;
	assert_int_equal(s->n, want->n);
	assert_int_equal(s->right, want->right);
	assert_int_equal(s->unlabelled, want->unlabelled);
	assert_true(s->top5 >= want->beaten && s->top5 <= want->may_beat);
	if (!want->unsure_ties)
		assert_int_equal(s->ties, want->ties);
	near(fix_real(s->conf), want->conf, tol);
	near(fix_real(s->brier), want->brier, tol);
	near(fix_real(s->entropy), want->entropy, tol);
	near(fix_real(s->mutual), want->mutual, 1e-10);
	if (options->columns & COL_NLL) {
		near(fix_real(s->nll) + wide_over(&s->large, 1), want->nll, 1e-10);
		assert_int_equal(s->infinite, want->infinite);
	}
}

struct cell {
	uint64_t n, right;
	long double conf;
};

static void count(struct cell *c, int bins, int class, long double p, int right)
{
	struct cell *at = &c[class * bins + plain_bin(bins, p)];
	at->n++;
	at->right += (uint64_t)right;
	at->conf += p;
}

static void same_cells(const struct rows_cell *got, const struct cell *want, size_t n, double records)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(got[i].n, want[i].n);
		assert_int_equal(got[i].right, want[i].right);
		assert_true(fabsl(fix_real(got[i].conf) - want[i].conf) <= 2e-14L * (1 + records));
	}
}

/* Class-wise and top-label bins, and the two errors that follow from them. */
static void check_cells(const struct rows *w, const struct plain *d, int split, const struct rows_options *options,
			long double *wise, long double *top)
{
	int k = d->s.classes, bins = options->class_bins;
	size_t n = (size_t)k * (size_t)bins;
	double records = 0;
	struct cell *class = calloc(2 * n, sizeof *class), *label = class + n;
	for (int i = 0; i < d->s.n; i++) {
		const struct plain_record *r = &d->r[i];
		if (r->label < 0 || !is_chosen(r, split, options))
			continue;
		records++;
		for (int c = 0; c < k; c++)
			count(class, bins, c, r->p[c], c == r->label);
		count(label, bins, r->winner, r->conf, r->winner == r->label);
	}
	same_cells(w->class_cell, class, n, records);
	same_cells(w->top_cell, label, n, records);
	*wise = *top = 0;
	for (size_t i = 0; i < n; i++) {
		*wise += fabsl(class[i].conf - class[i].right) / k / records;
		*top += fabsl(label[i].conf - label[i].right) / records;
	}
	free(class);
}

/* The errors over bins, of the chosen records by their definitions. */
static void check_errors(struct score *s, const struct plain *d, int split, const struct rows_options *options)
{
	struct cell bin[PLAIN_BINS] = { { 0 } };
	int m = d->s.bins;
	long double n = 0, ece = 0, oe = 0, uce = 0, mce = 0, square = 0, debiased = 0, conf = 0, right = 0,
		    second = -1;
	uint64_t mce_n = 0;
	for (int i = 0; i < d->s.n; i++)
		if (is_chosen(&d->r[i], split, options)) {
			count(bin, m, 0, d->r[i].conf, d->r[i].winner == d->r[i].label);
			n++;
		}
	for (int b = 0; b < m; b++) {
		long double c = bin[b].n, mean = bin[b].conf / c, acc = bin[b].right / c, gap = mean - acc;
		if (!bin[b].n)
			continue;
		conf += bin[b].conf / n;
		right += bin[b].right / n;
		ece += c / n * fabsl(gap);
		oe += c / n * mean * fmaxl(gap, 0);
		uce += c / n * (1 - mean) * fmaxl(-gap, 0);
		square += c / n * gap * gap;
		debiased += c / n * (gap * gap - (c > 1 ? acc * (1 - acc) / (c - 1) : 0));
		second = fabsl(gap) > mce ? mce : fmaxl(second, fabsl(gap));
		if (fabsl(gap) > mce) {
			mce = fabsl(gap);
			mce_n = bin[b].n;
		}
	}
	near(score_find(s, "accuracy")->value, right, 1e-13);
	near(score_find(s, "gap")->value, conf - right, 1e-12);
	near(score_find(s, "ece")->value, ece, 1e-12);
	near(score_find(s, "oe")->value, oe, 1e-12);
	if (!score_find(s, "uce"))
		return;
	near(score_find(s, "uce")->value, uce, 1e-12);
	near(score_find(s, "mce")->value, mce, 1e-12);
	near(score_find(s, "rmsce")->value, sqrtl(square), 1e-7);
	near(pow(score_find(s, "l2_debiased")->value, 2), fmaxl(0, debiased), 1e-11);
	if (mce - second > 1e-10L)
		assert_true(score_find(s, "mce_n")->value == (double)mce_n);
}

static void check_score(struct rows *w, const struct plain *d, int split, const struct rows_options *options,
			const struct sums *sum, const long double wise[2], int brief)
{
	struct score_options how = { .bins = { d->s.bins, 7 }, .n_bins = 2, .brief = brief, .threads = 1 };
	struct score *s = malloc(sizeof *s);
	assert_int_equal(score_rows(s, w, &how, &err), 0);
	check_errors(s, d, split, options);
	assert_true(score_find(s, "n")->value == (double)sum->n);
	near(score_find(s, "brier")->value, sum->brier / sum->n, 1e-12);
	if (sum->infinite)
		assert_true(isinf(score_find(s, "nll")->value));
	else
		near(score_find(s, "nll")->value, sum->nll / sum->n, 1e-10);
	if (!brief) {
		const struct score_item *top5 = score_find(s, "top5"), *mutual = score_find(s, "mutual");
		assert_int_equal(top5 != NULL, d->s.classes > 5);
		assert_int_equal(mutual != NULL, d->s.samples > 1);
		if (top5)
			near(top5->value, (long double)w->sum.top5 / sum->n, 1e-15);
		if (mutual)
			near(mutual->value, sum->mutual / sum->n, 1e-10);
		near(score_find(s, "entropy")->value, sum->entropy / sum->n, 1e-12);
		near(score_find(s, "ece_class")->value, wise[0], 1e-12);
		near(score_find(s, "ece_top")->value, wise[1], 1e-12);
	}
	free(s);
}

/* 1 where the records are to be refused, as they were. */
static int check_refused(int rc, const struct plain *d, int split, const struct rows_options *options)
{
	int chosen = 0, first = -1, in_split = 0;
	char want[64];
	for (int i = 0; i < d->s.n; i++) {
		int there = split == ROWS_ALL || d->r[i].split == split;
		in_split += there;
		chosen += is_chosen(&d->r[i], split, options);
		if (first < 0 && there && d->r[i].label < 0)
			first = i;
	}
	snprintf(want, sizeof want, "record %d has no label", first);
	if (chosen && (options->unlabelled != ROWS_REFUSE || first < 0))
		return 0;
	assert_int_equal(rc, -1);
	if (!d->s.n)
		assert_non_null(strstr(err.msg, "holds no records"));
	else if (in_split && chosen)
		assert_non_null(strstr(err.msg, want));
	return 1;
}

static void check_rows(struct rows *w, int rc, const struct plain *d, const struct rows_options *options, int one,
		       int brief)
{
	int split = chosen_split(d, options);
	long double wise[2] = { 0, 0 };
	struct sums sum = { 0 };
	uint64_t in_split[SPLIT_COUNT] = { 0 };
	size_t at = 0;
	if (check_refused(rc, d, split, options))
		return;
	if (rc)
		fail_msg("%s", err.msg);
	assert_int_equal(w->split, split);
	for (int i = 0; i < d->s.n; i++) {
		in_split[d->r[i].split]++;
		if (!is_chosen(&d->r[i], split, options))
			continue;
		assert_true(at < w->n);
		check_record(w, at++, d, &d->r[i], options, one, &sum);
		add_record(&sum, d, &d->r[i]);
	}
	assert_int_equal(w->n, at);
	assert_memory_equal(w->in_split, in_split, sizeof in_split);
	check_sums(w, &sum, options);
	if (options->class_bins && sum.n > sum.unlabelled)
		check_cells(w, d, split, options, &wise[0], &wise[1]);
	if (options->class_bins && !sum.unlabelled && !options->float32 && one < 0 && (options->columns & COL_NLL))
		check_score(w, d, split, options, &sum, wise, brief);
	rows_release(w);
}

static int size_near(struct rng *r, int limit)
{
	int n = limit - 2 + (int)rng_below(r, 5);
	return n < 1 ? 1 : n;
}

static struct plain_shape shape_of(struct rng *r, int large)
{
	static const int limits[] = { 1, 2, 8, 16, SMALL_CLASSES, 40, 64 };
	struct plain_shape s = { .samples = rng_below(r, 3) ? 1 : 1 + (int)rng_below(r, 4),
				 .probs = rng_below(r, 4) == 0,
				 .f64 = (int)rng_below(r, 2),
				 .splits = (int)rng_below(r, 4),
				 .kind = (int)rng_below(r, 5) };
	s.classes = rng_below(r, 2) ? 1 + (int)rng_below(r, 12) : size_near(r, limits[rng_below(r, 7)]);
	s.unlabelled = rng_below(r, 2) ? 0 : 1 + (int)rng_below(r, 6);
	s.bins = 1 + (int)rng_below(r, PLAIN_BINS);
	s.scale = pow(10, -1 + 3 * rng_real(r));
	s.n = rng_below(r, 8) ? (int)rng_below(r, 40) : size_near(r, 8 << rng_below(r, 6));
	if (large)
		s.n = size_near(r, 1024 * (1 + (int)rng_below(r, 8)));
	return s;
}

static void ask_of(struct rows_options *options, const struct plain *d, int *one, char name[16], struct rng *r)
{
	static const int split[] = {
		ROWS_AUTO, ROWS_ALL, ROWS_AUTO_DEV, SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLIT_EXTRA
	};
	*options = (struct rows_options){ .split = split[rng_below(r, 7)],
					  .unlabelled = (enum rows_unlabelled)rng_below(r, 3),
					  .columns = rng_below(r, 3) ? 4095 : rng_u32(r) & 4095,
					  .threads = 1 + (int)rng_below(r, 7),
					  .class_bins = rng_below(r, 4) ? d->s.bins : 0,
					  .float32 = rng_below(r, 8) == 0,
					  .class_room = rng_below(r, 4) ? 1 + (int)rng_below(r, 9) : 0,
					  .binary_second = rng_below(r, 4) == 0 };
	*one = options->binary_second && d->s.classes == 2 ? 1 : -1;
	if (rng_below(r, 4) == 0) {
		*one = rng_below(r, 2) ? 0 : (int)rng_below(r, (uint32_t)d->s.classes);
		snprintf(name, 16, "%s%d", rng_below(r, 2) ? "c" : "", *one);
		options->class_name = name;
	}
}

/* Several files whose samples make the records': read each, and together. */
static void ensemble(const struct plain *d, const struct rows_options *options, int one, int m, struct rng *r)
{
	struct rows in[4], w;
	struct rows_options all = { .split = ROWS_ALL,
				    .unlabelled = ROWS_KEEP,
				    .columns = COL_VALUES | COL_ID | COL_LABEL | COL_SPLIT,
				    .threads = options->threads };
	for (int i = 0; i < m; i++) {
		plain_write(d, &file[i], i * d->s.samples / m, d->s.samples / m, 1, 50, r);
		assert_int_equal(rows_read(&in[i], file[i].path, &all, &err), 0);
	}
	int rc = rows_ensemble(&w, in, m, options, &err);
	assert_true(rc || w.documents == (uint64_t)m);
	check_rows(&w, rc, d, options, one, 1);
	for (int i = 0; i < m; i++)
		rows_release(&in[i]);
}

static void one_check(uint32_t number, int large)
{
	struct rng r;
	struct plain d;
	struct rows w;
	struct rows_options options;
	char name[16];
	int one, m = 1;
	now = number;
	plain_rng(&r, number, 40 + (uint32_t)large);
	err = ERR_NONE;
	struct plain_shape s = shape_of(&r, large);
	if (rng_below(&r, 6) == 0 && s.n) {
		m = 2 + (int)rng_below(&r, 3);
		s.samples = m * (1 + (int)rng_below(&r, 2));
	}
	plain_make(&d, &s, &r);
	ask_of(&options, &d, &one, name, &r);
	if (m > 1) {
		ensemble(&d, &options, one, m, &r);
	} else {
		int documents = 1 + (int)rng_below(&r, 3) * (int)rng_below(&r, 2);
		plain_write(&d, &file[0], 0, s.samples, documents, rng_below(&r, 4) ? 1 + (int)rng_below(&r, 60) : 0,
			    &r);
		int rc = rows_read(&w, file[0].path, &options, &err);
		assert_true(rc || w.documents == (uint64_t)documents);
		check_rows(&w, rc, &d, &options, one, rng_below(&r, 64) != 0);
	}
	plain_release(&d);
}

static void against_the_definitions(void **state)
{
	(void)state;
	int n = plain_checks(1200);
	for (int i = 0; i < n; i++) {
		one_check((uint32_t)i, 0);
		if (i % 400 == 0)
			one_check((uint32_t)i, 1);
	}
}

static int last(void **state)
{
	(void)state;
	print_message("the last check was number %u\n", now);
	return 0;
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		plain_file_open(&file[i]);
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(against_the_definitions, last) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
