/* The sheets of a figure, line for line: which places share one, their metrics, methods, runs and numbers, against
 * lists that are put together in the open from random tables. */
#include "eval/results/sheet.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PLACES = 5, METHODS = 4, METRICS = 4 };
static struct err err;

static const struct {
	const char *dataset, *model, *head;
} places[PLACES] = {
	{ "a", "m", "a, m" }, { "a", "n", "a, n" }, { "b", "m", "b, m" }, { "c", "m", "c, m" }, { "c", "n", "c, n" }
};
static const char *const methods[METHODS][3] = { { "baseline", "-", "baseline" },
						 { "mixup", "0.4", "mixup 0.4" },
						 { "mixup", "1", "mixup 1" },
						 { "erl", "", "erl" } };
static const char *const metrics[METRICS][2] = {
	{ "ece", "ECE" }, { "nll", "NLL" }, { "oe", "OE" }, { "accuracy", "Accuracy" }
};

/* A figure's rows in the order in which they come, and what each place has, in the order of its first. */
struct made {
	int n_rows, row[PLACES * METHODS * METRICS][3]; /* place, method, metric */
	double value[PLACES][METHODS][METRICS];
	int least[PLACES], most[PLACES]; /* runs behind a number that has runs */
	int folds[PLACES], records[PLACES];
};

/* Adds v to a list unless it is there; returns the list's length. */
static int add_once(int *list, int n, int v)
{
	for (int i = 0; i < n; i++)
		if (list[i] == v)
			return n;
	list[n] = v;
	return n + 1;
}

static int list_of(const struct made *m, int place, int of, int *list)
{
	int n = 0;
	for (int i = 0; i < m->n_rows; i++)
		if (m->row[i][0] == place)
			n = add_once(list, n, m->row[i][of]);
	return n;
}

static void write_row(FILE *to, const char *figure, const int *row, const char *seed, const char *more, int records,
		      double v)
{
	char n[16] = "";
	if (records)
		snprintf(n, sizeof n, "%d", records);
	fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s%s\t%.9g\t", figure, places[row[0]].dataset, places[row[0]].model,
		methods[row[1]][0], methods[row[1]][1], seed, n, metrics[row[2]][0], more, v);
	fprintf(to, row[1] == 1 ? "%.9g\t%.9g\tc\n" : "\t\tc\n", v - 1, v + 1);
}

/* Rows of the figure, and among them those of another, of single runs and of differences, which it does not show. */
static void make(struct made *m, struct rng *r, struct result_table *t)
{
	char *text, seed[16];
	size_t len;
	FILE *to = open_memstream(&text, &len);
	uint32_t order[PLACES * METHODS * METRICS], keep = 2 + rng_below(r, 6), every = rng_below(r, 3);
	int lacks[PLACES], runs[PLACES];
	*m = (struct made){ 0 };
	for (int p = 0; p < PLACES; p++) {
		lacks[p] = (int)rng_below(r, METRICS);
		runs[p] = (int)rng_below(r, 4); /* 3: other runs, or none, behind each number */
		m->folds[p] = (int)rng_below(r, 2);
		m->records[p] = (int)rng_below(r, 3) * 1000;
	}
	for (uint32_t i = 0; i < PLACES * METHODS * METRICS; i++)
		order[i] = i;
	if (every)
		rng_shuffle(r, order, PLACES * METHODS * METRICS);
	fprintf(to, "%s\n", RESULTS_HEADER);
	for (int i = 0; i < PLACES * METHODS * METRICS; i++) {
		int row[3] = { (int)order[i] / METRICS / METHODS, (int)order[i] / METRICS % METHODS,
			       (int)order[i] % METRICS };
		double v = rng_below(r, 9999) / 1e4;
		/* places that lack one metric each share a sheet or differ in any one of theirs */
		if (every == 2 ? rng_below(r, keep) == 0 : row[2] == lacks[row[0]])
			continue;
		memcpy(m->row[m->n_rows++], row, sizeof row);
		m->value[row[0]][row[1]][row[2]] = v;
		write_row(to, "f", row, "all", "", m->records[row[0]], v);
		if (rng_below(r, 3) == 0)
			write_row(to, "g", row, "all", "", 7, v);
		if (rng_below(r, 3) == 0)
			write_row(to, "f", row, "all", " less baseline", 7, v);
		int p = row[0], n = runs[p] < 3 ? runs[p] : (int)rng_below(r, 4);
		if (n)
			m->least[p] = m->least[p] && m->least[p] < n ? m->least[p] : n;
		m->most[p] = n > m->most[p] ? n : m->most[p];
		for (int k = 0; k < n; k++) {
			snprintf(seed, sizeof seed, m->folds[p] ? "fold%d" : "%d", k);
			write_row(to, "f", row, seed, "", 7, v);
		}
	}
	fclose(to);
	*t = (struct result_table){ 0 };
	if (result_table_take(t, "t", text, len, &err))
		fail_msg("%s", err.msg);
}

static int has_row(const struct made *m, int place, int method, int metric)
{
	for (int i = 0; i < m->n_rows; i++)
		if (m->row[i][0] == place && m->row[i][1] == method && m->row[i][2] == metric)
			return 1;
	return 0;
}

/* A place's heading and its methods; returns the line after them. */
static size_t check_place(const struct made *m, const struct sheet *s, size_t at, int place, const int *metric)
{
	int method[METHODS], n = list_of(m, place, 1, method);
	char note[80] = "", number[SHEET_NUMBER];
	assert_true(at + (size_t)n < s->n);
	assert_null(s->row[at].cell);
	assert_string_equal(s->row[at].head, places[place].head);
	if (m->least[place] < m->most[place])
		snprintf(note, sizeof note, "%d to %d %ss", m->least[place], m->most[place],
			 m->folds[place] ? "fold" : "seed");
	else if (m->most[place])
		snprintf(note, sizeof note, "%d %s%s", m->most[place], m->folds[place] ? "fold" : "seed",
			 m->most[place] > 1 ? "s" : "");
	if (m->records[place])
		snprintf(note + strlen(note), 40, "%s%d records", *note ? ", " : "", m->records[place]);
	assert_string_equal(s->row[at].note, note);
	for (int i = 0; i < n; i++) {
		const struct sheet_row *line = &s->row[++at];
		assert_string_equal(line->head, methods[method[i]][2]);
		assert_non_null(line->cell);
		for (size_t k = 0; k < s->columns; k++) {
			const struct sheet_cell *c = &line->cell[k];
			assert_null(c->paper);
			if (!has_row(m, place, method[i], metric[k])) {
				assert_null(c->text);
				continue;
			}
			sheet_number(number, m->value[place][method[i]][metric[k]]);
			assert_string_equal(c->text, number);
			assert_int_equal(c->small != NULL, method[i] == 1);
		}
	}
	return at + 1;
}

static void sheets_of_a_figure(void **state)
{
	(void)state;
	int shared = 0, several = 0;
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct made m;
		struct result_table t;
		struct sheet s;
		int order[PLACES], list[PLACES][METRICS], n[PLACES], done[PLACES] = { 0 }, n_places = 0;
		size_t part = 0;
		rng_init(&r, 18, RNG_TEST, i, 0);
		make(&m, &r, &t);
		for (int k = 0; k < m.n_rows; k++)
			n_places = add_once(order, n_places, m.row[k][0]);
		for (int p = 0; p < n_places; p++)
			n[p] = list_of(&m, order[p], 2, list[p]);
		for (int p = 0; p < n_places; p++) {
			size_t at = 0;
			if (done[p])
				continue;
			assert_int_equal(sheet_of_figure(&s, &t, NULL, "f", part++, &err), 0);
			assert_string_equal(s.title, "f");
			assert_string_equal(s.first, "Method");
			assert_int_equal(s.columns, n[p]);
			for (int k = 0; k < n[p]; k++)
				assert_string_equal(s.column[k], metrics[list[p][k]][1]);
			for (int q = p; q < n_places; q++)
				if (n[q] == n[p] && !memcmp(list[q], list[p], (size_t)n[p] * sizeof **list)) {
					done[q] = 1;
					shared += q > p;
					at = check_place(&m, &s, at, order[q], list[p]);
				}
			assert_int_equal(s.n, at);
			sheet_release(&s);
		}
		several += part > 1;
		assert_int_equal(sheet_of_figure(&s, &t, NULL, "f", part, &err), 0);
		assert_int_equal(s.n, 0);
		sheet_release(&s);
		result_table_release(&t);
	}
	assert_true(shared > 30 && several > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sheets_of_a_figure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
