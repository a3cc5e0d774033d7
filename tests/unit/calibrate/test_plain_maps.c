/* Maps applied to records: each method's formula, records judged and written in batches of any number, the share of
 * records that a map was fitted on, all against plain versions (plain_rows.h). */
#include "eval/calibrate/apply.h"
#include "eval/calibrate/calibrate.h"
#include "pipeline/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

static struct pool *pool;
static struct err err;
static struct plain_file file[2];

#define near(got, want, tol) \
	do { \
		long double g_ = (got), w_ = (want); \
		if (!(fabsl(g_ - w_) <= (tol) * (1 + fabsl(w_))) && !(isinf(g_) && g_ == w_)) \
			fail_msg("%s:%d: %s is %.17Lg, not %.17Lg", __func__, __LINE__, #got, g_, w_); \
	} while (0)

/* A map of random numbers. Histograms have holes, isotonic curves a few knots. */
static void random_map(struct calmap *m, enum calmap_method method, int k, struct rng *r)
{
	int two = method == MAP_PLATT || method == MAP_BETA, curves = k == 2 ? 1 : k;
	size_t weights = (size_t)k * (size_t)k + 2;
	*m = (struct calmap){ .method = method, .k = two ? 2 : k };
	m->weight = calloc(weights, sizeof *m->weight);
	m->bias = calloc((size_t)k + 2, sizeof *m->bias);
	for (size_t i = 0; i < weights; i++)
		m->weight[i] = method == MAP_TEMPERATURE || method == MAP_BETA ? 0.1 + rng_real(r) : rng_normal(r);
	for (int c = 0; c < k; c++)
		m->bias[c] = rng_normal(r);
	if (method == MAP_ENSEMBLE) {
		double u = rng_real(r), v = rng_real(r);
		m->weight[0] = u;
		m->weight[1] = (1 - u) * v;
		m->weight[2] = (1 - u) * (1 - v);
	}
	m->t = method == MAP_DIRICHLET ? 1 : 0.1 + 3 * rng_real(r);
	if (calmap_has_curves(method)) {
		m->curves = curves;
		m->curve = calloc((size_t)curves, sizeof *m->curve);
		for (int c = 0; c < curves; c++) {
			struct curve *v = &m->curve[c];
			double x = 0, y = 0;
			v->n = 1 + rng_below(r, 4);
			v->score = calloc(v->n, sizeof *v->score);
			v->value = calloc(v->n, sizeof *v->value);
			for (size_t i = 0; i < v->n; i++) {
				v->score[i] = x += 0.01 + 0.2 * rng_real(r);
				v->value[i] = y += rng_below(r, 3) ? 0.2 * rng_real(r) : 0;
			}
		}
	}
	if (method == MAP_HISTOGRAM) {
		m->curves = curves;
		m->bins = 1 + 2 * (int)rng_below(r, 5);
		m->bin = calloc((size_t)curves * (size_t)m->bins, sizeof *m->bin);
		for (int i = 0; i < curves * m->bins; i++)
			m->bin[i] = rng_below(r, 4) ? rng_real(r) * (rng_below(r, 3) != 0) : NAN;
	}
}

static long double line(const struct curve *c, long double p)
{
	for (size_t i = 0; i < c->n; i++)
		if (p < c->score[i]) {
			if (!i)
				return c->value[0];
			long double t = (p - c->score[i - 1]) / ((long double)c->score[i] - c->score[i - 1]);
			return c->value[i - 1] + t * ((long double)c->value[i] - c->value[i - 1]);
		}
	return c->value[c->n - 1];
}

static long double of_class(const struct calmap *m, int c, long double p)
{
	if (calmap_has_curves(m->method))
		return line(&m->curve[c], p);
	double v = m->bin[c * m->bins + plain_bin(m->bins, p)];
	return isnan(v) ? p : v;
}

/* p: [k], softmax(z / t). Returns the logarithm of what exp(z / t) sums to. */
static long double plain_softmax(const long double *z, int k, long double t, long double *p)
{
	long double max = -INFINITY, sum = 0;
	for (int c = 0; c < k; c++)
		max = z[c] > max ? z[c] : max;
	for (int c = 0; c < k; c++)
		sum += p[c] = expl((z[c] - max) / t);
	for (int c = 0; c < k; c++)
		p[c] /= sum;
	return max / t + logl(sum);
}

/* calmap.h's table. */
static void plain_apply(const struct calmap *m, const long double *z, long double *out)
{
	int k = m->k;
	long double sum = 0, s = k == 2 ? z[1] - z[0] : 0, p[64], scaled[64], of;
	(void)plain_softmax(z, k, 1, p);
	of = plain_softmax(z, k, m->t, scaled);
	for (int c = 0; c < k; c++) {
		switch (m->method) {
		case MAP_TEMPERATURE: out[c] = z[c] / m->weight[0]; break;
		case MAP_VECTOR: out[c] = z[c] > -INFINITY ? m->weight[c] * z[c] + m->bias[c] : -INFINITY; break;
		case MAP_MATRIX:
			out[c] = m->bias[c];
			for (int j = 0; j < k; j++)
				out[c] += m->weight[c * k + j] * z[j];
			break;
		case MAP_STRUCTURED:
		case MAP_DIRICHLET:
			out[c] = m->bias[c];
			for (int j = 0; j < k; j++)
				out[c] += m->weight[c * k + j] * (z[j] / m->t - of);
			break;
		case MAP_ENSEMBLE:
			out[c] = m->weight[0] * scaled[c] + m->weight[1] * p[c] + m->weight[2] / k;
			break;
		case MAP_PLATT: out[c] = c ? m->weight[0] * s + m->bias[0] : 0; break;
		case MAP_BETA:
			out[c] = c ? m->weight[0] * logl(p[1]) - m->weight[1] * logl(p[0]) + m->bias[0] : 0;
			break;
		default:
			out[c] = k == 2 ? of_class(m, 0, p[1]) : of_class(m, c, p[c]);
			if (k == 2)
				out[c] = c ? out[c] : 1 - out[c];
			sum += out[c];
		}
	}
	for (int c = 0; c < k && calmap_gives_probs(m->method) && m->method != MAP_ENSEMBLE && k != 2; c++)
		out[c] = sum > 0 ? out[c] / sum : 1.0L / k;
}

static int rules_out(enum calmap_method m)
{
	return m == MAP_TEMPERATURE || m == MAP_VECTOR || calmap_gives_probs(m);
}

static void applied_by_the_table(void **state)
{
	(void)state;
	int n = plain_checks(3000);
	for (int i = 0; i < n; i++) {
		struct rng r;
		struct calmap m;
		double z[64], out[64], room[128];
		long double lz[64], want[64];
		plain_rng(&r, (uint32_t)i, 60);
		random_map(&m, (enum calmap_method)(i % MAP_METHODS), 2 + (int)rng_below(&r, 9), &r);
		for (int c = 0; c < m.k; c++)
			lz[c] = z[c] =
				rules_out(m.method) && c && rng_below(&r, 6) == 0 ? -INFINITY : 4 * rng_normal(&r);
		calmap_apply(&m, z, out, room);
		plain_apply(&m, lz, want);
		for (int c = 0; c < m.k; c++)
			near(out[c], want[c], 1e-12);
		calmap_release(&m);
	}
}

/* Logits that a map works on: as they came, or logarithms of mean probabilities. */
static void plain_logits(const struct plain *d, size_t i, long double *z)
{
	int k = d->s.classes, as_they_are = d->s.samples == 1 && !d->s.probs;
	for (int c = 0; c < k; c++)
		z[c] = as_they_are ? (long double)d->v[i * (size_t)k + (size_t)c] : logl(d->r[i].p[c]);
}

struct totals {
	uint64_t n, right;
	long double nll, brier, conf;
};

static void add(struct totals *t, const long double *p, int k, int label, long double nll)
{
	int winner = 0;
	for (int c = 0; c < k; c++)
		winner = p[c] > p[winner] ? c : winner;
	t->n++;
	t->right += winner == label;
	t->nll += nll;
	t->conf += p[winner];
	for (int c = 0; c < k; c++)
		t->brier += (p[c] - (c == label)) * (p[c] - (c == label));
}

static void judged_as(struct judged *j, const struct totals *t)
{
	struct table table = { 0 };
	char *text;
	size_t len;
	uint64_t right = 0;
	long double conf = 0;
	assert_int_equal(j->n, t->n);
	assert_int_equal(j->sum.n, t->n);
	for (size_t i = 0; i < j->n; i++) {
		right += (uint64_t)conf_right(j->key[i]);
		conf += conf_p(j->key[i]);
	}
	assert_true(right == t->right);
	near(conf, t->conf, 1e-11);
	near(fix_real(j->sum.nll), t->nll, 1e-10);
	near(fix_real(j->sum.brier), t->brier, 1e-11);
	if (!t->n)
		return;
	assert_int_equal(judged_column(&table, "x", j, 1, 50, 1, pool, &err), 0);
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(table_print(&table, TABLE_JSON, to, &err), 0);
	fclose(to);
	json_t *row = json_loads(text, 0, NULL);
	long double n = t->n, gap = t->conf / n - t->right / n;
	near(json_number_value(json_object_get(row, "n")), n, 0);
	near(json_number_value(json_object_get(row, "accuracy")), t->right / n, 1e-14);
	near(json_number_value(json_object_get(row, "nll")), t->nll / n, 1e-10);
	near(json_number_value(json_object_get(row, "brier")), t->brier / n, 1e-11);
	near(json_number_value(json_object_get(row, "gap")), gap, 1e-11);
	near(json_number_value(json_object_get(row, "ece")), fabsl(gap), 1e-11);
	near(json_number_value(json_object_get(row, "oe")), t->conf / n * fmaxl(gap, 0), 1e-11);
	assert_true(json_is_number(json_object_get(row, "ece_floor")) &&
		    json_is_number(json_object_get(row, "oe_floor")));
	json_decref(row);
	table_release(&table);
	free(text);
}

/* What was written, against what a map makes of each chosen record. */
static void check_written(const struct plain *d, const struct calmap *m, int split, uint64_t written)
{
	struct rows w;
	struct rows_options options = { .split = ROWS_ALL,
				.unlabelled = ROWS_KEEP,
				.columns = COL_ID | COL_LABEL | COL_SPLIT | COL_VALUES };
	size_t at = 0;
	double got[64];
	long double z[64], want[64];
	assert_int_equal(rows_read(&w, file[1].path, &options, &err), 0);
	assert_int_equal(w.n, written);
	assert_true(w.head.dtype == DTYPE_F64 && w.head.samples == 1);
	assert_int_equal(w.head.values == VALUES_PROBS, calmap_gives_probs(m->method));
	for (size_t i = 0; i < (size_t)d->s.n; i++) {
		if (split != ROWS_ALL && d->r[i].split != split)
			continue;
		rows_values(&w, at, 0, got);
		plain_logits(d, i, z);
		plain_apply(m, z, want);
		assert_true(w.id[at] == d->r[i].id && w.label[at] == d->r[i].label && w.split_of[at] == d->r[i].split);
		for (int c = 0; c < m->k; c++)
			near(got[c], want[c], 1e-9);
		at++;
	}
	assert_int_equal(at, written);
	rows_release(&w);
}

/* Records enough for several batches now and then; the map must give finite numbers, so no class is ruled out. */
static void calibrated_shape(struct plain_shape *s, struct rng *r, int large)
{
	*s = (struct plain_shape){ .classes = 2 + (int)rng_below(r, 6),
		.samples = 1 + (int)rng_below(r, 2) * (int)rng_below(r, 3),
				   .probs = rng_below(r, 3) == 0, .f64 = 1, .splits = (int)rng_below(r, 4), .scale = 1,
				   .unlabelled = rng_below(r, 2) ? 0 : 5, .n = 1 + (int)rng_below(r, 60) };
	if (large) { /* 65536 values a batch */
		s->classes = 60;
		s->samples = 1;
		s->n = (65536 / 60 + 1) * (1 + (int)rng_below(r, 2)) - 1 + (int)rng_below(r, 3);
		s->splits = 0;
	}
}

static void records_in_batches(void **state)
{
	(void)state;
	int n = plain_checks(250);
	for (int i = 0; i < n; i++) {
		static const int splits[] = { ROWS_ALL, ROWS_ALL, SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST };
		struct rng r;
		struct plain_shape s;
		struct plain d;
		struct calmap m;
		struct rows w;
		struct output out = { 0 };
		struct judged before = { 0 }, after = { 0 };
		struct totals was = { 0 }, is = { 0 };
		uint64_t written = 5, chosen = 0;
		int large = i % 50 == 0, split, write;
		struct rows_options options = {
			.split = ROWS_ALL, .unlabelled = ROWS_KEEP, .columns = CALIBRATE_COLUMNS, .threads = 2
		};
		plain_rng(&r, (uint32_t)i, 61);
		calibrated_shape(&s, &r, large);
		split = splits[rng_below(&r, 5)];
		write = (int)rng_below(&r, 4) > 0;
		plain_make(&d, &s, &r);
		random_map(&m, (enum calmap_method)rng_below(&r, s.classes == 2 ? MAP_PLATT : MAP_MATRIX), s.classes,
			   &r);
		plain_write(&d, &file[0], 0, s.samples, 1, 9, &r);
		assert_int_equal(rows_read(&w, file[0].path, &options, &err), 0);
		assert_true(!ftruncate(file[1].fd, 0) && !lseek(file[1].fd, 0, SEEK_SET));
		assert_int_equal(output_open(&out, file[1].path, &err), 0);
		assert_int_equal(
			calibrate_rows(&w, &m, split, write ? &out : NULL, NULL, &before, &after, &written, &err), 0);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		for (size_t j = 0; j < (size_t)s.n; j++) {
			long double z[64], to[64], p[64], sum = 0, max = -INFINITY;
			if (split != ROWS_ALL && d.r[j].split != split)
				continue;
			chosen++;
			if (d.r[j].label < 0)
				continue;
			add(&was, d.r[j].p, s.classes, d.r[j].label, d.r[j].nll);
			plain_logits(&d, j, z);
			plain_apply(&m, z, to);
			for (int c = 0; c < s.classes; c++)
				max = to[c] > max ? to[c] : max;
			for (int c = 0; c < s.classes; c++)
				sum += p[c] = expl(to[c] - max);
			for (int c = 0; c < s.classes; c++)
				p[c] /= sum;
			add(&is, p, s.classes, d.r[j].label, -logl(p[d.r[j].label]));
		}
		assert_int_equal(written, 5 + chosen);
		if (write && chosen)
			check_written(&d, &m, split, chosen);
		judged_as(&before, &was);
		judged_as(&after, &is);
		judged_release(&before);
		judged_release(&after);
		calmap_release(&m);
		rows_release(&w);
		plain_release(&d);
	}
}

/* NaN and +Inf at any class of any record: refused by its number. -Inf, a class ruled out, is not. */
static void what_is_not_finite_is_refused(void **state)
{
	(void)state;
	static const double bad[] = { NAN, INFINITY, -INFINITY };
	for (int i = 0; i < 60; i++) {
		struct rng r;
		struct plain d;
		struct rows w;
		struct calmap m;
		struct judged before = { 0 }, after = { 0 };
		uint64_t written = 0;
		char want[64];
		struct rows_options options = {
			.split = ROWS_ALL, .unlabelled = ROWS_KEEP, .columns = CALIBRATE_COLUMNS, .threads = 1
		};
		plain_rng(&r, (uint32_t)i, 62);
		struct plain_shape s = { .classes = 2 + (int)rng_below(&r, 5),
					 .samples = 1,
					 .f64 = 1,
					 .scale = 1,
					 .n = 1 + (int)rng_below(&r, 9) };
		plain_make(&d, &s, &r);
		plain_write(&d, &file[0], 0, 1, 1, 0, &r);
		assert_int_equal(rows_read(&w, file[0].path, &options, &err), 0);
		random_map(&m, MAP_VECTOR, s.classes, &r);
		int at = i % 2 ? s.classes - 1 : (int)rng_below(&r, (uint32_t)s.classes), first = i % 3 == 2 ? s.n : 0;
		if (i % 4 == 3) { /* infinite where the logit is above 0 alone */
			m.weight[at] = INFINITY;
			for (first = 0; first < s.n && d.v[first * s.classes + at] < 0; first++)
				;
		} else {
			m.bias[at] = bad[i % 3];
		}
		int rc = calibrate_rows(&w, &m, ROWS_ALL, NULL, NULL, &before, &after, &written, &err);
		snprintf(want, sizeof want, "record %d: the map", first);
		assert_int_equal(rc, first == s.n ? 0 : -1);
		if (rc)
			assert_non_null(strstr(err.msg, want));
		assert_int_equal(written, rc ? 0 : s.n);
		judged_release(&before);
		judged_release(&after);
		calmap_release(&m);
		rows_release(&w);
		plain_release(&d);
	}
}

/* A loss of 2^32 and more is summed apart, exactly, up to the largest of doubles. */
static void losses_at_the_limit(void **state)
{
	(void)state;
	struct plain d = { .s = { .classes = 2, .samples = 1, .f64 = 1, .n = 3 } };
	double v[6] = { 0, -FIX_LIMIT, 0, -(FIX_LIMIT - 1), 0, -1e300 };
	struct plain_record r[3] = { { .id = 1, .label = 1 }, { .id = 2, .label = 1 }, { .id = 3, .label = 1 } };
	struct rng g;
	struct rows w;
	double one = 1;
	struct calmap m = { .method = MAP_TEMPERATURE, .k = 2, .weight = &one };
	struct judged before = { 0 }, after = { 0 };
	uint64_t written = 0;
	struct rows_options options = { .split = ROWS_ALL, .columns = CALIBRATE_COLUMNS, .threads = 1 };
	d.v = v;
	d.r = r;
	plain_rng(&g, 0, 65);
	plain_write(&d, &file[0], 0, 1, 1, 0, &g);
	assert_int_equal(rows_read(&w, file[0].path, &options, &err), 0);
	assert_int_equal(calibrate_rows(&w, &m, ROWS_ALL, NULL, NULL, &before, &after, &written, &err), 0);
	const struct rows_sums *sum[3] = { &w.sum, &before.sum, &after.sum };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sum[i]->infinite, 0);
		assert_true(fix_real(sum[i]->nll) == FIX_LIMIT - 1);
		assert_true(rows_mean_nll(sum[i], 4) == 0.25e300);
	}
	judged_release(&before);
	judged_release(&after);
	rows_release(&w);
}

/* What a fit is of; its sketch, and that of the chosen records of a stream, which neither ids nor labels change. */
static void sketches_are_of_values(void **state)
{
	(void)state;
	static struct sketch fitted, now, want;
	for (int i = 0; i < 60; i++) {
		struct rng r;
		struct plain d;
		struct rows w;
		struct fit_data data;
		uint64_t clipped;
		int owned, split = i % 3 ? ROWS_ALL : SPLIT_DEV;
		struct rows_options options = { .split = ROWS_ALL, .columns = CALIBRATE_COLUMNS, .threads = 1 };
		plain_rng(&r, (uint32_t)i, 64);
		struct plain_shape s = { .classes = 2 + (int)rng_below(&r, 4),
					 .samples = 1 + i % 2,
					 .probs = i % 4 > 1,
					 .scale = 1,
					 .splits = 1,
					 .n = 1 + (int)rng_below(&r, 200) };
		plain_make(&d, &s, &r);
		plain_write(&d, &file[0], 0, s.samples, 1, 9, &r);
		assert_int_equal(rows_read(&w, file[0].path, &options, &err), 0);
		assert_int_equal(fit_data_of(&data, &owned, &fitted, &w, 0, &clipped, &err), 0);
		assert_int_equal(owned, s.probs || s.samples > 1);
		assert_true(data.n == (size_t)s.n && data.k == s.classes && fitted.records == (uint64_t)s.n);
		now = want = (struct sketch){ 0 };
		for (size_t j = 0; j < data.n; j++) {
			long double z[64];
			double row[64];
			plain_logits(&d, j, z);
			for (int c = 0; c < s.classes; c++)
				near(row[c] = fit_value(&data, j, c), z[c], 1e-12);
			if (split == ROWS_ALL || d.r[j].split == split)
				sketch_add(&want, record_print(row, (size_t)s.classes), 1);
			w.id[j] ^= 1u << 20;
			w.label[j] = -1;
		}
		assert_int_equal(calibrate_sketch(&now, &w, split, &err), 0);
		assert_memory_equal(&now, &want, sizeof now);
		if (split == ROWS_ALL)
			assert_memory_equal(&now, &fitted, sizeof now);
		fit_data_release(&data, owned);
		rows_release(&w);
		plain_release(&d);
	}
}

/* --clip: classes beyond it are set to it, in the fit and when the map is applied; other records stay as they are. */
/* Many at a time or one by one: the same bits, in whole panels of classes and records and in parts of them, and where a
 * class's sum is of several parts. */
static void many_at_a_time(void **state)
{
	enum { RECORDS = 7, MOST = 531 };
	static const int classes[] = { 2, 3, 16, 17, 33, MOST };
	(void)state;
	for (size_t i = 0; i < sizeof classes / sizeof *classes * MAP_METHODS; i++) {
		int k = classes[i / MAP_METHODS];
		enum calmap_method method = (enum calmap_method)(i % MAP_METHODS);
		size_t wide = (size_t)k;
		struct rng r;
		struct calmap m;
		struct applying a;
		double *z, *out, *want;
		plain_rng(&r, (uint32_t)i, 67);
		if (k > 2 && (method == MAP_PLATT || method == MAP_BETA))
			continue;
		random_map(&m, method, k, &r);
		m.clip = i % 2 ? 1e-6 : 0;
		assert_int_equal(mem_alloc(&z, (size_t)RECORDS * wide, sizeof *z, &err), 0);
		assert_int_equal(mem_alloc(&out, (size_t)RECORDS * wide, sizeof *out, &err), 0);
		assert_int_equal(mem_alloc(&want, (size_t)(RECORDS + 2) * wide, sizeof *want, &err), 0);
		for (size_t j = 0; j < (size_t)RECORDS * wide; j++)
			z[j] = 3 * rng_normal(&r);
		for (size_t j = 0; j < RECORDS; j++)
			calmap_apply(&m, z + j * wide, want + j * wide, want + (size_t)RECORDS * wide);
		assert_int_equal(applying_init(&a, &m, RECORDS, &err), 0);
		apply_records(&a, z, RECORDS, out);
		assert_memory_equal(out, want, (size_t)RECORDS * wide * sizeof *out);
		applying_release(&a);
		calmap_release(&m);
		free(z);
		free(out);
		free(want);
	}
}

static void clipped_alike(void **state)
{
	(void)state;
	int n = plain_checks(300), any = 0;
	for (int i = 0; i < n; i++) {
		struct rng r;
		struct calmap m;
		double z[64], was[64], out[64], want[64], room[128], mass = 0, beyond = 0, clip;
		plain_rng(&r, (uint32_t)i, 66);
		random_map(&m, i % 2 ? MAP_TEMPERATURE : MAP_MATRIX, 2 + (int)rng_below(&r, 5), &r);
		clip = pow(10, -1 - 6 * rng_real(&r));
		for (int c = 0; c < m.k; c++)
			was[c] = z[c] = c && rng_below(&r, 6) == 0 ? -INFINITY : 6 * rng_normal(&r) + 100;
		for (int c = 0; c < m.k; c++)
			mass += exp(z[c] - 100);
		for (int c = 0; c < m.k; c++) {
			double p = exp(z[c] - 100) / mass;
			beyond += p < clip || p > 1 - clip;
		}
		assert_int_equal(calmap_clip(z, m.k, clip), beyond > 0);
		any += beyond > 0;
		for (int c = 0; c < m.k; c++) {
			double p = exp(was[c] - 100) / mass;
			near(exp(z[c] - 100) / mass, fmin(fmax(p, clip), 1 - clip), 1e-9);
			if (p > clip && p < 1 - clip)
				assert_true(z[c] == was[c]);
		}
		calmap_apply(&m, z, want, room);
		m.clip = clip;
		calmap_apply(&m, was, out, room);
		for (int c = 0; c < m.k; c++)
			near(out[c], want[c], 1e-9);
		calmap_release(&m);
	}
	assert_true(any > n / 4 && any < n);
}

int main(void)
{
	plain_file_open(&file[0]);
	plain_file_open(&file[1]);
	if (pool_open(&pool, 2, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applied_by_the_table),		 cmocka_unit_test(records_in_batches),
		cmocka_unit_test(what_is_not_finite_is_refused), cmocka_unit_test(losses_at_the_limit),
		cmocka_unit_test(sketches_are_of_values),	 cmocka_unit_test(clipped_alike),
		cmocka_unit_test(many_at_a_time),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	pool_close(pool);
	return rc;
}
