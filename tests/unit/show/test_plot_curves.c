/* Pictures of curves: the script's data, axes, panels and where they stand, read back and compared with what random
 * tables say. */
#include "eval/show/plot.h"
#include "pipeline/base/memtext.h"
#include "tests/checks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "script_reader.h"

enum { ROWS = 60, BOXES = 40 };
static struct err err;

#define near(got, want)                                                                                                \
	do {                                                                                                           \
		double g_ = (got), w_ = (want);                                                                        \
		if (!(fabs(g_ - w_) <= 2e-8 * (1e-9 + fabs(w_))))                                                      \
			fail_msg("%s:%d: %s is %.12g, not %.12g", __func__, __LINE__, #got, g_, w_);                   \
	} while (0)

static struct plot_row row[ROWS];

/* Groups and quantities by turns or by chance, numbers of any size; shares and counts as the curve has them. */
static void draw(struct plot_table *t, enum curve curve, int fields, int whole, struct rng *r)
{
	static char names[7][4];
	static const char *const quantity[] = { "dev_loss", "lr", "train_loss", "dev_ece" };
	*t = (struct plot_table){ .curve = curve, .fields = fields, .row = row };
	t->n_groups = 1 + (int)rng_below(r, 7);
	double scale = pow(10, (int)rng_below(r, 7) - 3);
	for (int g = 0; g < t->n_groups; g++) {
		snprintf(names[g], sizeof names[g], "s%d", g);
		t->group[g] = names[g];
	}
	t->n_quantities = curve == CURVE_TRAINING ? 1 + (int)rng_below(r, 4) : 0;
	for (int q = 0; q < t->n_quantities; q++)
		t->quantity[q] = (char *)(uintptr_t)quantity[q];
	for (t->n = 0; t->n < (size_t)t->n_groups * 5; t->n++) {
		struct plot_row *to = &row[t->n];
		to->group = t->n < (size_t)t->n_groups ? (int)t->n : (int)rng_below(r, (uint32_t)t->n_groups);
		for (int k = 0; k < fields; k++)
			to->number[k] = k != whole && rng_below(r, 6) == 0 ? NAN : scale * (rng_real(r) + 0.01);
		if (curve == CURVE_TRAINING) {
			to->number[0] = (double)rng_below(r, 9);
			to->number[1] = (double)rng_below(r, (uint32_t)t->n_quantities);
		}
		if (curve == CURVE_HULL || curve == CURVE_ROC)
			to->number[0] = rng_below(r, 4) ? pow(10, 2 * rng_real(r)) : 0;
	}
}

static char *script_of(const struct plot_table *t, const char *title)
{
	struct memtext m;
	char *text;
	const struct plot_look look = { .title = title, .panel = 300, .scale = 2 };
	assert_int_equal(memtext_open(&m, &err), 0);
	plot_script(t, &look, m.to);
	assert_int_equal(memtext_close(&m, &text, NULL, &err), 0);
	title_is_shown_once(text, title != NULL);
	return text;
}

/* Every frame of the script lies in the picture and on no other; those of equal panels are equally large, from left to
 * right and from above. A figure's last frame, of its key, is along the lower edge. Returns how many there are. */
static int check_frames(const char *script, int each, int keyed)
{
	static const char *const side[] = { "set lmargin at screen ", "set rmargin at screen ",
					    "set bmargin at screen ", "set tmargin at screen " };
	double box[BOXES][4];
	int n = 0;
	at = script;
	for (; strstr(at, side[0]); n++) {
		assert_true(n < BOXES);
		for (int k = 0; k < 4; k++) {
			after(side[k]);
			box[n][k] = number();
			assert_true(box[n][k] >= 0 && box[n][k] <= 1);
		}
		assert_true(box[n][0] < box[n][1] && box[n][2] < box[n][3]);
		for (int k = 0; k < n; k++)
			assert_true(box[k][1] < box[n][0] || box[n][1] < box[k][0] || box[k][3] <= box[n][2] ||
				    box[n][3] <= box[k][2]);
	}
	for (int i = each; i < n - keyed; i++) {
		const double *b = box[i], *before = box[i - each];
		assert_true(fabs(b[1] - b[0] - before[1] + before[0]) < 3e-5);
		assert_true(fabs(b[3] - b[2] - before[3] + before[2]) < 3e-5);
		assert_true(b[0] > before[1] ? fabs(b[2] - before[2]) < 3e-5 : b[3] < before[2]);
	}
	int panels = (n - keyed) / each, first = 0;
	for (int i = 0; i < n - keyed; i += each)
		first += fabs(box[i][2] - box[0][2]) < 3e-5;
	assert_int_equal(first, panels < 3 ? panels : panels == 4 ? 2 : 3); /* in the first line of panels */
	if (keyed)
		assert_true(box[n - 1][0] == 0 && box[n - 1][1] == 1 && box[n - 1][2] == 0);
	return n;
}

/* A tick step is 1, 2 or 5 times a power of ten, and there are a few of them. */
static void check_step(double step, double range)
{
	double unit = step / pow(10, floor(log10(step * 1.000001)));
	assert_true(fabs(unit - 1) < 1e-6 || fabs(unit - 2) < 1e-6 || fabs(unit - 5) < 1e-6);
	assert_true(range / step > 2 && range / step < 8);
}

/* The largest share: of a group's records or, of `entropy`, the largest number of the group. */
static double share_of(const struct plot_table *t, int group)
{
	double most = 0;
	for (int g = 0; g < t->n_groups; g++) {
		double sum = 0, largest = 0;
		for (size_t i = 0; i < t->n; i++)
			if (t->row[i].group == g) {
				sum += t->row[i].number[3];
				largest = fmax(largest, t->row[i].number[3]);
			}
		if (group < 0)
			most = fmax(most, largest / sum);
		else if (g == group)
			most = largest;
	}
	return most;
}

static void panels_show_the_table(void **state)
{
	(void)state;
	static const struct {
		enum curve curve;
		int fields, need, frames, keys; /* frames: of a group */
	} kind[] = { { CURVE_BINS, 11, 5, 2, 1 },   { CURVE_HISTOGRAM, 9, 3, 1, 1 }, { CURVE_CORP, 6, 3, 1, 1 },
		     { CURVE_SCATTER, 4, 3, 1, 1 }, { CURVE_DENSITY, 4, 3, 1, 0 },   { CURVE_ENTROPY, 5, 3, 1, 0 } };
	for (int i = 0; i < plain_checks(120); i++) {
		struct rng r;
		struct plot_table t;
		char mark[32];
		int k = i % 6, shares = k < 2 || k == 5;
		plain_rng(&r, (uint32_t)i, 94);
		draw(&t, kind[k].curve, kind[k].fields, shares ? 3 : -1, &r);
		char *script = script_of(&t, i % 4 ? NULL : "a title");
		at = script;
		for (int g = 0; g < t.n_groups; g++) {
			snprintf(mark, sizeof mark, "$g%d << EOD\n", g);
			after(mark);
			for (size_t j = 0; j < t.n; j++) {
				if (row[j].group != g || isnan(row[j].number[kind[k].need]))
					continue;
				for (int f = 0; f < t.fields; f++, is_next(" "))
					if (isnan(row[j].number[f]))
						is_next("?");
					else
						near(number(), row[j].number[f]);
				is_next("\n");
			}
			is_next("EOD\n");
		}
		assert_int_equal(!strstr(at, "set label 1 'a title'"), i % 4 > 0);
		for (int g = 0; g < t.n_groups; g++) {
			snprintf(mark, sizeof mark, "set title '%ss%d'", k == 5 ? "alpha = " : "", g);
			after(mark);
			if (k == 0)
				after("unset title");
			if (!shares)
				continue;
			double most = share_of(&t, k == 5 ? g : -1);
			after("set yrange [0:");
			near(number(), 1.04 * most);
			after("set ytics 0,");
			check_step(number(), most);
		}
		assert_int_equal(check_frames(script, kind[k].frames, kind[k].keys),
				 kind[k].frames * t.n_groups + kind[k].keys);
		free(script);
	}
}

/* What is drawn of a group as panel `n`; widens low..high. Returns how many points that is. */
static int check_line(const struct plot_table *t, int g, int n, int field, double zero, double *low, double *high)
{
	char mark[32];
	int points = 0, trains = t->curve == CURVE_TRAINING;
	snprintf(mark, sizeof mark, "$g%d_%d << EOD\n", g, n);
	after(mark);
	for (size_t i = 0; i < t->n; i++) {
		const double *v = row[i].number;
		double y = trains ? v[2] : v[field];
		if (row[i].group != g || (trains && v[1] != field) || isnan(v[0]) || isnan(y))
			continue;
		near(number(), v[0] == 0 && zero > 0 ? zero : v[0]);
		near(number(), y);
		is_next("\n");
		*low = fmin(*low, y);
		*high = fmax(*high, y);
		points++;
	}
	is_next("EOD\n");
	return points;
}

static void lines_show_the_table(void **state)
{
	(void)state;
	static const struct {
		enum curve curve;
		int fields, n, field[3];
	} kind[] = { { CURVE_TRAINING, 3, 3, { 2, 0, 3 } }, /* train_loss, dev_loss, dev_ece of draw() */
		     { CURVE_HULL, 7, 3, { 2, 5, 6 } },
		     { CURVE_RISK, 6, 1, { 3 } },
		     { CURVE_ROC, 2, 1, { 1 } },
		     { CURVE_PR, 2, 1, { 1 } } };
	int logs = 0, zeros = 0;
	for (int i = 0; i < plain_checks(200); i++) {
		struct rng r;
		struct plot_table t;
		int k = i % 5, n = 0, has_zero = 0;
		double low[3], high[3], least = INFINITY, most = 0;
		plain_rng(&r, (uint32_t)i, 95);
		draw(&t, kind[k].curve, kind[k].fields, -1, &r);
		if (k == 0)
			for (size_t j = 0; j < t.n; j++)
				row[j].number[2] = rng_real(&r);
		for (size_t j = 0; j < t.n; j++) {
			double x = row[j].number[0];
			has_zero |= x == 0;
			least = x > 0 && x < least ? x : least;
			most = x > most ? x : most;
		}
		int is_log = k == 1 && most > 20 * least;
		char *script = script_of(&t, i % 3 ? NULL : "it's");
		at = script;
		assert_int_equal(strstr(at, "set logscale x") != NULL, is_log);
		const char *tic = strstr(at, "set xtics add ('0' ");
		assert_int_equal(tic != NULL, is_log && has_zero);
		if (tic)
			near(strtod(tic + 19, NULL), least / 10);
		logs += is_log;
		zeros += tic != NULL;
		for (int q = 0; q < kind[k].n; q++) {
			int points = 0;
			low[n] = INFINITY;
			high[n] = -INFINITY;
			for (int g = 0; (k || kind[k].field[q] < t.n_quantities) && g < t.n_groups; g++)
				points += check_line(&t, g, n, kind[k].field[q], is_log ? least / 10 : 0, &low[n],
						     &high[n]);
			n += points > 0;
		}
		for (int q = 0; q < n; q++) {
			double range = high[q] > low[q] ? high[q] - low[q] : fabs(high[q]) + 1e-9;
			after("set yrange [");
			assert_true(fabs(number() - (low[q] - 0.04 * range)) < 1e-7 * range);
			is_next(":");
			assert_true(fabs(number() - (high[q] + 0.04 * range)) < 1e-7 * range);
			after("set ytics ");
			if (high[q] > low[q])
				check_step(number(), 1.08 * range);
		}
		assert_int_equal(check_frames(script, 1, 1), n + 1);
		free(script);
	}
	assert_true(logs > 5 && zeros > 3 && zeros < logs);
}

/* A key's entry as the script draws it, in points: its swatch, the middle of which a point marks, and its text. */
struct entry {
	double from, to, y, text, wide;
};

static struct entry read_entry(const struct plot_key *key, int i, double w, double h)
{
	struct entry e = { 0 };
	char want[64];
	size_t letters = 0;
	for (const char *c = key->text; *c; c++)
		letters += (*c & 0xC0) != 0x80;
	e.wide = 6.4 * (double)letters;
	snprintf(want, sizeof want, "set %s %d ",
		 key->mark == 'b'   ? "object"
		 : key->mark == 'l' ? "arrow"
				    : "label",
		 key->mark == 'p' ? i + 100 : i + 1);
	is_next(want);
	is_next(key->mark == 'b' ? "rectangle from screen " : key->mark == 'l' ? "from screen " : "'' at screen ");
	e.from = number() * w;
	is_next(",");
	e.y = number() * h;
	if (key->mark == 'p') {
		e.to = e.from + 15;
		e.from -= 15;
	} else {
		is_next(" to screen ");
		e.to = number() * w;
		is_next(",");
		double y = number() * h;
		assert_true(fabs(y - e.y - (key->mark == 'b' ? 10 : 0)) < 0.02);
		e.y += key->mark == 'b' ? 5 : 0;
	}
	after(key->how);
	snprintf(want, sizeof want, "\nset label %d '%s' at screen ", i + 1, key->text);
	is_next(want);
	e.text = number() * w;
	is_next(",");
	assert_true(fabs(number() * h - e.y) < 0.02);
	after("\n");
	return e;
}

/* Entries stand beside one another as long as the line has room, lines in the middle, below one another. */
static void keys_fill_their_lines(void **state)
{
	(void)state;
	static const char *const text[] = { "a", "mixup 0.4", "b\303\266hm", "a rather long name of a method" };
	for (int i = 0; i < plain_checks(200); i++) {
		struct rng r;
		struct memtext m;
		struct plot_key key[12];
		struct entry e[12] = { 0 };
		char *script;
		plain_rng(&r, (uint32_t)i, 96);
		int n = 1 + (int)rng_below(&r, 12), lines = 1, first = 0;
		for (int k = 0; k < n; k++)
			key[k] = (struct plot_key){ text[rng_below(&r, 4)], "blp"[rng_below(&r, 3)], "lc rgb 'x'" };
		struct plot_canvas c = { .width = 150 + (int)rng_below(&r, 900), .heading = 6 };
		c.key = plot_key_height(key, n, c.width);
		c.height = 200 + c.key;
		assert_int_equal(memtext_open(&m, &err), 0);
		plot_key_draw(key, n, &c, m.to);
		assert_int_equal(memtext_close(&m, &script, NULL, &err), 0);
		at = script;
		for (int k = 0; k < n; k++)
			e[k] = read_entry(&key[k], k, c.width, c.height);
		for (int k = 0; k < n; k++) {
			double end = e[k].text + e[k].wide, next = k + 1 < n ? 30 + 6 + e[k + 1].wide : 0;
			assert_true(fabs(e[k].to - e[k].from - 30) < 0.02 && fabs(e[k].text - e[k].to - 6) < 0.02);
			assert_true(fabs(e[k].y - (c.key - 4 - 9 - 18 * (lines - 1))) < 0.02);
			if (k + 1 < n && e[k + 1].y > e[k].y - 1) {
				assert_true(fabs(e[k + 1].from - end - 18) < 0.02);
				continue;
			}
			/* the last of its line: the line is in the middle, and the next did not fit */
			assert_true(fabs(c.width - end - e[first].from) < 0.02);
			assert_true(first == k || end - e[first].from <= c.width - 18 + 0.02);
			assert_true(k + 1 == n || end - e[first].from + 18 + next + 18 > c.width - 18 - 0.02);
			first = k + 1;
			lines += k + 1 < n;
		}
		assert_int_equal(c.key, lines * 18 + 8);
		free(script);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panels_show_the_table),
		cmocka_unit_test(lines_show_the_table),
		cmocka_unit_test(keys_fill_their_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
