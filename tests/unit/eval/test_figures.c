/* Reliability diagrams, drawn and as characters, read back and compared with what they are to show: every bar, whisker,
 * step and line from counts, by plain arithmetic. */
#include "eval/show/diagram.h"
#include "eval/report/report.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/base/stats.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

#define near(got, want, tol) \
	do { \
		double g_ = (got), w_ = (want); \
		if (!(fabs(g_ - w_) <= (tol))) \
			fail_msg("%s:%d: %s is %.9g, not %.9g", __func__, __LINE__, #got, g_, w_); \
	} while (0)

/* The two shares t at which k of n would be z deviations off: where |k/n - t| = z sqrt(t (1 - t) / n). */
static double score_limit(double k, double n, double z, int upper)
{
	double inside = k / n, outside = upper;
	for (int i = 0; i < 200; i++) {
		double t = (inside + outside) / 2;
		*(fabs(k / n - t) <= z * sqrt(t * (1 - t) / n) ? &inside : &outside) = t;
	}
	return inside;
}

static void wilson_is_the_score_interval(void **state)
{
	(void)state;
	for (int n = 1; n < 60; n++)
		for (int k = 0; k <= n; k++)
			for (double z = 0.5; z < 4; z += 0.7) {
				double low, high;
				wilson(k, n, z, &low, &high);
				near(low, score_limit(k, n, z, 0), 1e-9);
				near(high, score_limit(k, n, z, 1), 1e-9);
				assert_true((low > 0) == (k > 0) && (high < 1) == (k < n));
			}
}

/* Keys of a few records, some bins empty, sorted; and the counts that the figure is of. */
struct sample {
	struct report_stream p;
	double n[100], right[100], conf[100], all_n, all_right, all_conf;
	int m;
};

static void make(struct sample *s, struct rng *r)
{
	size_t n = 1 + rng_below(r, 200);
	*s = (struct sample){ .m = 1 + (int)rng_below(r, rng_below(r, 4) ? 20 : 100) };
	assert_int_equal(mem_alloc(&s->p.rows.key, n, sizeof(conf_key), &err), 0);
	s->p.rows.n = n;
	s->p.rows.name = (char *)(uintptr_t) "<name>";
	double lowest = rng_real(r) * 0.9, width = (1 - lowest) * rng_real(r);
	for (size_t i = 0; i < n; i++) {
		double p = lowest + width * rng_real(r);
		int right = rng_real(r) < 0.7, b = (int)ceil(p * s->m) - 1;
		b = b < 0 ? 0 : b;
		s->p.rows.key[i] = conf_pack(p, 1 - p, right);
		s->n[b]++;
		s->right[b] += right;
		s->conf[b] += p;
		s->all_n++;
		s->all_right += right;
		s->all_conf += p;
	}
	assert_int_equal(keys_sort(s->p.rows.key, n, &err) | bins_init(&s->p.bins, s->m, &err), 0);
	bins_add(&s->p.bins, s->p.rows.key, n);
	assert_int_equal(pav(s->p.rows.key, n, &s->p.block, &s->p.n_blocks, &err), 0);
}

static void drop(struct sample *s)
{
	free(s->p.rows.key);
	free(s->p.block);
	bins_release(&s->p.bins);
}

/* Behind the next `what`; NULL where there is none. */
static const char *after(const char **at, const char *what)
{
	const char *found = strstr(*at, what);
	if (!found)
		return NULL;
	return *at = found + strlen(what);
}

static int numbers(const char *at, double *v, int most)
{
	int n = 0;
	for (; *at && *at != '>' && n < most; at++) {
		char *end;
		if (strchr("0123456789-.", *at) && (v[n] = strtod(at, &end), end > at)) {
			n++;
			at = end - 1;
		}
	}
	return n;
}

/* Geometry comes from the frame: x, y, width, height of the unit square. */
static double frame[4];

static double x_of(double v)
{
	return frame[0] + frame[2] * v;
}

static double y_of(double v)
{
	return frame[1] + frame[3] * (1 - v);
}

static void check_bars(const struct sample *s, const char *svg, int number)
{
	const char *bars = svg, *gaps = svg, *lines = svg, *at;
	char want[32];
	for (int b = 0; b < s->m; b++) {
		double v[8], acc = s->right[b] / s->n[b], conf = s->conf[b] / s->n[b], wide = frame[2] / s->m,
			     inset = wide > 6 ? 1 : 0;
		if (!(s->n[b] > 0))
			continue;
		assert_non_null(at = after(&bars, "<rect class=\"bar\""));
		assert_int_equal(numbers(at, v, 8), 4);
		near(v[0], x_of((double)b / s->m) + inset, 0.011);
		near(v[1], y_of(acc), 0.011);
		near(v[2], wide - 2 * inset, 0.011);
		near(v[3], frame[3] * acc, 0.011);
		/* hatched from the accuracy to the confidence */
		gaps = bars;
		snprintf(want, sizeof want, "url(#%c%d)\"", conf > acc ? 'o' : 'u', number);
		assert_non_null(at = after(&gaps, conf > acc ? "<rect class=\"over\"" : "<rect class=\"under\""));
		assert_ptr_equal(strstr(bars, "<rect class=") + strlen("<rect class=\"over\"") + !(conf > acc), at);
		assert_true(!strncmp(at, " fill=\"", 7) && !strncmp(at + 7, want, strlen(want)));
		assert_int_equal(numbers(strstr(at, " x="), v, 8), 4);
		near(v[0], x_of((double)b / s->m) + inset, 0.011);
		near(v[1], y_of(fmax(acc, conf)), 0.011);
		near(v[2], wide - 2 * inset, 0.011);
		near(v[3], frame[3] * fabs(acc - conf), 0.011);
		assert_non_null(at = after(&lines, "<path class=\"whisker\" d="));
		assert_int_equal(numbers(at, v, 8), 3);
		near(v[0], x_of((b + 0.5) / s->m), 0.011);
		near(v[1], y_of(score_limit(s->right[b], s->n[b], 1.959963984540054, 0)), 0.011);
		near(v[2], y_of(score_limit(s->right[b], s->n[b], 1.959963984540054, 1)), 0.011);
	}
	assert_null(after(&bars, "<rect class=\"bar\""));
	assert_null(after(&lines, "<path class=\"whisker\""));
}

static void check_steps(const struct sample *s, const char *svg)
{
	static double v[1000];
	const char *at = after(&svg, "<path class=\"corp\" d=");
	size_t from = 0;
	assert_int_equal(numbers(at, v, 1000), 4 * s->p.n_blocks);
	assert_int_equal(strcspn(at, "M"), 1);
	for (size_t i = 0; i < s->p.n_blocks; i++) {
		size_t end = s->p.block[i].end;
		double right = 0;
		for (size_t j = from; j < end; j++)
			right += conf_right(s->p.rows.key[j]);
		near(v[4 * i], x_of(conf_p(s->p.rows.key[from])), 0.011);
		near(v[4 * i + 2], x_of(conf_p(s->p.rows.key[end - 1])), 0.011);
		near(v[4 * i + 1], y_of(right / (double)(end - from)), 0.011);
		near(v[4 * i + 3], v[4 * i + 1], 0);
		from = end;
	}
}

/* Below the frame: bars as high as their share of the fullest one, and a line each at the two means. */
static void check_histogram(const struct sample *s, const char *svg)
{
	const char *bars = svg, *lines = svg, *at;
	double most = 0, v[8], base, high;
	char share[32];
	for (int b = 0; b < s->m; b++)
		most = fmax(most, s->n[b]);
	assert_non_null(at = after(&lines, "<path class=\"frame\" d="));
	assert_int_equal(numbers(at, v, 8), 3);
	near(v[0], frame[0], 0);
	near(v[2], frame[0] + frame[2], 0);
	base = v[1];
	high = 60;
	assert_true(base - high > frame[1] + frame[3]);
	for (int b = 0; b < s->m; b++) {
		double wide = frame[2] / s->m, inset = wide > 6 ? 1 : 0, h = high * s->n[b] / most;
		if (!(s->n[b] > 0))
			continue;
		assert_non_null(at = after(&bars, "<rect class=\"hist\""));
		assert_int_equal(numbers(at, v, 8), 4);
		near(v[0], x_of((double)b / s->m) + inset, 0.011);
		near(v[1], base - h, 0.011);
		near(v[2], wide - 2 * inset, 0.011);
		near(v[3], h, 0.011);
	}
	assert_null(after(&bars, "<rect class=\"hist\""));
	for (int i = 0; i < 2; i++) {
		lines = svg;
		assert_non_null(at = after(&lines, i ? "<path class=\"confline\" d=" : "<path class=\"accline\" d="));
		assert_int_equal(numbers(at, v, 8), 3);
		near(v[0], x_of((i ? s->all_conf : s->all_right) / s->all_n), 0.011);
		assert_true(v[1] < base - high && v[1] > frame[1] + frame[3] && v[2] == base);
	}
	snprintf(share, sizeof share, ">%.0f %%</text>", 100 * most / s->all_n);
	assert_non_null(strstr(svg, share));
}

/* Ticks every fifth, where they say. */
static void check_axes(const char *svg)
{
	double v[8];
	const char *at, *text = svg;
	char label[16];
	for (int i = 0; i <= 5; i++) {
		assert_non_null(at = after(&svg, "<path class=\"grid\" d="));
		assert_int_equal(numbers(at, v, 8), 6);
		near(v[0], x_of(i / 5.0), 0.06);
		near(v[1], frame[1], 0);
		near(v[2], frame[1] + frame[3], 0);
		near(v[3], frame[0], 0);
		near(v[4], y_of(i / 5.0), 0.06);
		near(v[5], frame[0] + frame[2], 0);
		snprintf(label, sizeof label, ">%.1f</text>", i / 5.0);
		for (int side = 0; side < 2; side++) {
			assert_non_null(at = strstr(svg, "<text "));
			svg = at + 1;
			assert_int_equal(numbers(at, v, 8), 2);
			if (side)
				near(v[0], x_of(i / 5.0), 0.06);
			else
				near(v[1], y_of(i / 5.0) + 4, 0.06);
			assert_true(!strncmp(strchr(at, '>'), label, strlen(label)));
		}
	}
	assert_null(after(&svg, "<path class=\"grid\""));
	/* everything lies in the figure */
	for (double box[4]; (at = strstr(text, "<rect ")); text = at + 1) {
		const char *x = strstr(at, " x="), *end = strchr(at, '>');
		if (!x || x > end || numbers(x, box, 4) < 4)
			continue;
		assert_true(box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= 320 && box[1] + box[3] <= 392);
		assert_true(box[2] > 0 && box[3] >= 0);
	}
}

static void check_words(const struct sample *s, const char *svg)
{
	int over = 0, filled = 0, worst = -1;
	double widest = -1;
	char text[400];
	for (int b = 0; b < s->m; b++) {
		double gap = s->n[b] > 0 ? (s->conf[b] - s->right[b]) / s->n[b] : 0;
		filled += s->n[b] > 0;
		over += s->n[b] > 0 && gap > 0;
		if (s->n[b] > 0 && fabs(gap) > widest) {
			widest = fabs(gap);
			worst = b;
		}
	}
	int at = snprintf(text, sizeof text,
			  "%.0f records in %d bins, %d of them filled. Confidence exceeds accuracy in %d. Mean "
			  "confidence %.3f, accuracy %.3f.",
			  s->all_n, s->m, filled, over, s->all_conf / s->all_n, s->all_right / s->all_n);
	snprintf(text + at, sizeof text - (size_t)at, " The widest gap, %.3f, is at confidence %.3f (%.0f records).",
		 widest, s->conf[worst] / s->n[worst], s->n[worst]);
	if (!strstr(svg, text))
		fail_msg("no \"%s\" in %.700s", text, svg);
}

static void check_table(const struct sample *s)
{
	char *html, row[200];
	size_t len;
	FILE *to = open_memstream(&html, &len);
	report_bins_table(to, &s->p);
	fclose(to);
	const char *at = html;
	for (int b = 0; b < s->m; b++) {
		double c = s->conf[b] / s->n[b], a = s->right[b] / s->n[b];
		assert_non_null(after(&at, "<tr><th scope=\"row\">"));
		int n = snprintf(row, sizeof row, "%.3f to %.3f</th>", (double)b / s->m, (b + 1.0) / s->m);
		if (s->n[b] > 0)
			snprintf(row + n, sizeof row - (size_t)n,
				 "<td>%.0f</td><td>%.3f</td><td>%.3f</td><td>%+.3f</td></tr>", s->n[b], c, a, c - a);
		else
			snprintf(row + n, sizeof row - (size_t)n, "<td>0</td><td></td><td></td><td></td></tr>");
		assert_int_equal(strncmp(at, row, strlen(row)), 0);
	}
	assert_null(after(&at, "<tr><th scope=\"row\">"));
	free(html);
}

static void drawn_as_counted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct sample s;
		char *svg;
		size_t len;
		rng_init(&r, 31, RNG_TEST, i, 0);
		make(&s, &r);
		FILE *to = open_memstream(&svg, &len);
		report_diagram(to, &s.p, (int)i);
		fclose(to);
		const char *at = svg;
		assert_non_null(after(&at, "<rect class=\"frame\""));
		assert_int_equal(numbers(at, frame, 4), 4);
		near(frame[2], frame[3], 0);
		check_bars(&s, svg, (int)i);
		check_steps(&s, svg);
		check_histogram(&s, at);
		check_axes(svg);
		check_words(&s, svg);
		check_table(&s);
		free(svg);
		drop(&s);
	}
}

/* One line of characters: a bar to the accuracy, a mark at the confidence. */
static void plain_line(FILE *to, double lo, double hi, double n, double right, double conf, int utf8)
{
	static const char *const ascii[] = { "#", "|", "-", "+" }, *const block[] = { "█", "│", "░", "▓" };
	const char *const *ch = utf8 ? block : ascii;
	fprintf(to, "%.3f-%.3f ", lo, hi);
	if (!(n > 0)) {
		fprintf(to, "%59s\n", "-");
		return;
	}
	long mark = lround(50 * conf / n), bar = lround(50 * right / n);
	for (long i = 0; i <= 50; i++)
		fputs(i == mark		     ? ch[1]
		      : i >= bar && i < mark ? ch[2]
		      : i < bar && i > mark  ? ch[3]
		      : i < bar		     ? ch[0]
					     : " ",
		      to);
	fprintf(to, "%8.0f  %+.3f\n", n, (conf - right) / n);
}

static void written_as_counted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct sample s;
		char *got, *want;
		size_t len;
		int first = -1, last = -1, utf8 = (int)(i % 2);
		rng_init(&r, 32, RNG_TEST, i, 0);
		make(&s, &r);
		int join = s.m <= 20 ? 1 : s.m <= 40 ? 2 : s.m <= 60 ? 3 : s.m <= 80 ? 4 : 5;
		for (int b = 0; b < s.m; b++)
			if (s.n[b] > 0) {
				first = first < 0 ? b / join : first;
				last = b / join;
			}
		FILE *to = open_memstream(&got, &len);
		diagram_print(&s.p.bins, "it", utf8, to);
		fclose(to);
		to = open_memstream(&want, &len);
		fprintf(to, "\nit\nconfidence  0%49s1%8s  conf-acc\n", "accuracy", "n");
		for (int g = last; g >= first; g--) {
			double n = 0, right = 0, conf = 0;
			int end = (g + 1) * join < s.m ? (g + 1) * join : s.m;
			for (int b = g * join; b < end; b++) {
				n += s.n[b];
				right += s.right[b];
				conf += s.conf[b];
			}
			plain_line(to, (double)(g * join) / s.m, (double)end / s.m, n, right, conf, utf8);
		}
		fprintf(to, utf8 ? "            █ accuracy  │ mean confidence  ░ too confident  ▓ too modest\n"
				 : "            # accuracy  | mean confidence  - too confident  + too modest\n");
		fclose(to);
		assert_string_equal(got, want);
		free(got);
		free(want);
		drop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wilson_is_the_score_interval),
		cmocka_unit_test(drawn_as_counted),
		cmocka_unit_test(written_as_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
