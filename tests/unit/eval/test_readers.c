/* The evaluator's readers of text: what they take, number for number, and a table of what they refuse and what is
 * said. */
#include "eval/show/curves.h"
#include "eval/show/plot.h"
#include "eval/metrics/posterior.h"
#include "eval/records/rows.h"
#include "eval/metrics/seeds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static struct err err;
static char path[32];
static int fd;

static void put(const char *text)
{
	size_t n = strlen(text);
	assert_true(!ftruncate(fd, 0) && pwrite(fd, text, n, 0) == (ssize_t)n);
	err = ERR_NONE;
}

struct wrong {
	const char *text, *said; /* said: NULL where it is taken */
};

static void judge(const struct wrong *w, int rc)
{
	if (rc != (w->said ? -1 : 0))
		fail_msg("'%s': %s", w->text, rc ? err.msg : "taken");
	if (w->said && !strstr(err.msg, w->said))
		fail_msg("of '%s' was said: %s", w->text, err.msg);
	if (w->said)
		assert_true(strstr(err.msg, path) && err.status == VIC_DATA);
}

static void posteriors(void **state)
{
	(void)state;
	static const struct wrong table[] = {
		{ "record\ta\tb\n1\t0.25\t0.75\n", NULL },
		{ "record\ta\tb\r\n1\t0.25\t0.75\r\n", NULL },
		{ "record\ta\n0\t1\n9223372036854775808\t1\n18446744073709551615\t1\n", NULL },
		{ "record\ta\tb\n1\t0.25\t0.7500009\n", NULL },
		{ "record\ta\tb\n1\t0.25\t0.7500011\n", "line 2: probabilities sum to" },
		{ "record\ta\tb\n1\t0.25\t0.7499989\n", "line 2: probabilities sum to" },
		{ "", "holds no posteriors" },
		{ "record\ta\tb\n", "holds no posteriors" },
		{ "records\ta\tb\n1\t0.25\t0.75\n", "line 1: a table of posteriors begins" },
		{ "record\n1\n", "line 1: names no class" },
		{ "record\ta\tb\n1\t0.25\n", "line 2: 1 probabilities for 2 classes" },
		{ "record\ta\tb\n1\n", "line 2: 0 probabilities for 2 classes" },
		{ "record\ta\tb\n1\t0.25\t0.75\t0\n", "line 2: more than 2 probabilities" },
		{ "record\ta\tb\n1\t0.25\t0.75\t\n", "line 2: more than 2 probabilities" },
		{ "record\ta\tb\nx\t0.25\t0.75\n", "line 2" },
		{ "record\ta\tb\n-1\t0.25\t0.75\n", "line 2" },
		{ "record\ta\tb\n18446744073709551616\t0.25\t0.75\n", "line 2" },
		{ "record\ta\tb\n1\t-0.25\t1.25\n", "line 2" },
		{ "record\ta\tb\n1\t0\t1.0000001\n", "line 2" },
		{ "record\ta\tb\n1\tnan\t0.75\n", "line 2" },
		{ "record\ta\tb\n1\tinf\t0.75\n", "line 2" },
		{ "record\ta\tb\n1\t0.25\t\n", "line 2" },
		{ "record\ta\tb\n1\t0.25\t0.75\n1\t0.5\t0.5\n", "line 3: record 1 is not above" },
		{ "record\ta\tb\n2\t0.25\t0.75\n1\t0.5\t0.5\n", "line 3: record 1 is not above" },
		{ "record\ta\tb\n2\t0.25\t0.75\n\n", "line 3" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct posterior p;
		put(table[i].text);
		int rc = posterior_read(&p, path, &err);
		judge(&table[i], rc);
		if (rc)
			assert_true(!p.n && !p.classes && !p.p && !p.id && !p.name);
		posterior_release(&p);
	}
}

/* Columns by name, records by id; a class that is missing or a record without a line are refused. */
static void truth_by_name_and_number(void **state)
{
	(void)state;
	char *names[] = { (char[]){ "b" }, (char[]){ "a" }, (char[]){ "z" } };
	conf_key key[3] = { conf_pack(0.6, 0.4, 1), conf_pack(0.9, 0.1, 0), conf_pack(0.7, 0.3, 1) };
	uint64_t id[3] = { 7, 3, 5 };
	int32_t predicted[3] = { 0, 1, 0 };
	struct rows w = { .name = names[0], .n = 3, .key = key, .id = id, .predicted = predicted };
	struct posterior p;
	struct truth t;
	w.head.n_classes = 2;
	w.head.classes = names;
	put("record\ta\tx\tb\n3\t0.5\t0.25\t0.25\n4\t1\t0\t0\n5\t0.125\t0\t0.875\n7\t0.25\t0\t0.75\n");
	assert_int_equal(posterior_read(&p, path, &err), 0);
	assert_int_equal(truth_of(&p, &w, 1, &t, &err), 0);
	double truth[3] = { 0.75, 0.5, 0.875 }, conf[3] = { 0.6, 0.9, 0.7 }, mean = 0, off = 0, point = 0;
	for (int i = 0; i < 3; i++) {
		mean += truth[i] / 3;
		off += (truth[i] - conf[i]) / 3;
		point += fabs(truth[i] - conf[i]) / 3;
	}
	assert_true(fabs(t.accuracy - mean) < 1e-15 && fabs(t.ece - fabs(off)) < 1e-15 &&
		    fabs(t.point - point) < 1e-15);
	assert_true(t.smooth <= point + 1e-3 && t.smooth >= fabs(off) - 1e-3);
	assert_int_equal(truth_of(&p, &w, 100, &t, &err), 0); /* each alone in its bin */
	assert_true(fabs(t.ece - point) < 1e-15);
	id[2] = 6;
	assert_int_equal(truth_of(&p, &w, 1, &t, &err), -1);
	assert_non_null(strstr(err.msg, "id 6 has no posterior"));
	id[2] = 5;
	w.head.n_classes = 3;
	assert_int_equal(truth_of(&p, &w, 1, &t, &err), -1);
	assert_non_null(strstr(err.msg, "class 'z' is not in the table"));
	posterior_release(&p);
}

static void histories(void **state)
{
	(void)state;
	static const struct wrong table[] = {
		{ "epoch\tloss\n1\t0.5\n", NULL },
		{ "epoch\tloss\n1\t-\n", NULL },
		{ "epoch\tloss\tacc\n1\t0.5\t-\n2\t-1e300\tinf\n", NULL },
		{ "epoch\n1\n", "line 1: a history begins" },
		{ "Epoch\tloss\n1\t0.5\n", "line 1: a history begins" },
		{ "epoch\tloss\n", "holds no epoch" },
		{ "", "holds no epoch" },
		{ "epoch\tloss\n1\n", "line 2: does not have 2 columns" },
		{ "epoch\tloss\n1\t0.5\t0.5\n", "line 2: does not have 2 columns" },
		{ "epoch\tloss\n1\t0.5\t\n", "line 2: does not have 2 columns" },
		{ "epoch\tloss\n1\t0.5\n2\tx\n", "line 3" },
		{ "epoch\tloss\n-\t0.5\n", "line 2" },
		{ "epoch\tloss\n1\tnan\n", "line 2" },
		{ "epoch\tloss\n1\t\n", "line 2" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char *text;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		put(table[i].text);
		judge(&table[i], curve_training("r\n", path, to, &err));
		fclose(to);
		if (i == 0)
			assert_string_equal(text, "r\\n\t1\tloss\t0.5\n");
		if (i == 1)
			assert_string_equal(text, "");
		if (i == 2)
			assert_string_equal(text, "r\\n\t1\tloss\t0.5\nr\\n\t2\tloss\t-1e300\nr\\n\t2\tacc\tinf\n");
		free(text);
	}
}

static int read_plot(struct plot_table *t, const char *text)
{
	char *copy = strdup(text);
	err = ERR_NONE;
	int rc = plot_read(t, path, copy, strlen(text), &err);
	free(copy);
	return rc;
}

static void tables_to_plot(void **state)
{
	(void)state;
	static const struct wrong table[] = {
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t0.5\t0.25\n", NULL },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t0.5\t0.25", NULL },
		{ "run\tepoch\tquantity\tvalue\nr\t1\tloss\t0.5\n", NULL },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t\t-1e300\n", NULL },
		{ "stream\tgroup\tn\tconfidence\taccuracy\n", "holds no line of numbers" },
		{ "", "holds no line of numbers" },
		{ "stream\tgroup\n", "line 1 is none of the headers" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t0.5\n", "line 2: has fewer fields" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\n", "line 2: has fewer fields" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t0.5\t0.25\t\n", "line 2: has more fields" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t0.5\t0.25\na\t1\tx\t0.5\t0.25\n", "line 3" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\tnan\t0.25\n", "line 2" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\tinf\t0.25\n", "line 2" },
		{ "stream\tgroup\tn\tconfidence\taccuracy\na\t1\t2\t1e301\t0.25\n", "line 2" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct plot_table t;
		int rc = read_plot(&t, table[i].text);
		judge(&table[i], rc);
		if (rc)
			assert_true(!t.n && !t.row && !t.n_groups);
		plot_release(&t);
	}
	struct plot_table t;
	char nul[] = "run\tepoch\tquantity\tvalue\nr\t1\tl\0oss\t0.5\n";
	assert_int_equal(plot_read(&t, path, nul, sizeof nul - 1, &err), -1);
	assert_non_null(strstr(err.msg, "NUL"));
}

static void numbers_where_they_belong(void **state)
{
	(void)state;
	struct plot_table t;
	assert_int_equal(read_plot(&t, "run\tepoch\tquantity\tvalue\na\\tb\t1\tx\t0.5\nc\t2\ty\t-3\na\\tb\t4\ty\t\n"),
			 0);
	assert_true(t.curve == CURVE_TRAINING && t.n == 3 && t.n_groups == 2 && t.n_quantities == 2 && t.fields == 3);
	assert_string_equal(t.group[0], "a\tb");
	assert_string_equal(t.quantity[1], "y");
	static const double want[3][4] = { { 0, 1, 0, 0.5 }, { 1, 2, 1, -3 }, { 0, 4, 1, NAN } };
	for (int i = 0; i < 3; i++) {
		assert_true(t.row[i].group == want[i][0]);
		for (int f = 0; f < 3; f++)
			assert_true(t.row[i].number[f] == want[i][f + 1] ||
				    (isnan(want[i][f + 1]) && isnan(t.row[i].number[f])));
	}
	plot_release(&t);
	for (int more = 0; more < 2; more++) {
		char text[4000] = "stream\tgroup\tn\tconfidence\taccuracy\n";
		for (int i = 0; i < PLOT_GROUPS + more; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "s%d\t1\t2\t0.5\t0.25\n", i);
		assert_int_equal(read_plot(&t, text), more ? -1 : 0);
		assert_int_equal(t.n_groups, more ? 0 : PLOT_GROUPS);
		if (more)
			assert_non_null(strstr(err.msg, "more than 64 streams"));
		plot_release(&t);
	}
	for (int c = 0; c <= CURVE_PR; c++) {
		char text[400];
		int fields = 0;
		for (const char *p = curve_header((enum curve)c); *p; p++)
			fields += *p == '\t';
		snprintf(text, sizeof text, "%s\nname", curve_header((enum curve)c));
		for (int i = 0; i < fields; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "\t%d", i + 1);
		assert_int_equal(read_plot(&t, text), 0);
		assert_true(t.curve == (enum curve)c && t.fields == fields && t.row[0].number[0] == 1);
		if (c != CURVE_TRAINING)
			assert_true(t.row[0].number[fields - 1] == fields);
		plot_release(&t);
	}
}

/* Steps are 1, 2 or 5 times a power of ten and cut a range into about four. */
static void round_steps(void **state)
{
	(void)state;
	for (double range = 1e-6; range < 1e6; range *= 1.07) {
		double step = plot_step(range), unit = step / pow(10, floor(log10(step) + 1e-9));
		assert_true(fabs(unit - 1) < 1e-9 || fabs(unit - 2) < 1e-9 || fabs(unit - 5) < 1e-9);
		assert_true(range / step > 2.23 && range / step < 5.61);
	}
}

static json_t *line(const char *args, const char *more)
{
	char text[400];
	snprintf(text, sizeof text, "{\"program\": \"p\", \"args\": %s%s}", args, more);
	json_t *j = json_loads(text, 0, NULL);
	assert_non_null(j);
	return j;
}

/* Runs of one experiment: the same programs with the same options, but for seeds and paths. */
static void seeds_aside(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b, *more_a, *more_b;
		int same;
	} pairs[] = {
		{ "[]", "[]", "", "", 1 },
		{ "[\"--seed=1\"]", "[\"--seed=2\"]", "", "", 1 },
		{ "[\"--seed=1\", \"x\"]", "[\"y\"]", "", "", 1 },
		{ "[\"-\"]", "[]", "", "", 1 },
		{ "[\"--alpha=1\"]", "[\"--alpha=2\"]", "", "", 0 },
		{ "[\"--alpha=1\"]", "[]", "", "", 0 },
		{ "[]", "[\"--alpha=1\"]", "", "", 0 },
		{ "[\"--alpha=1\", \"-q\"]", "[\"--alpha=1\"]", "", "", 0 },
		{ "[\"--alpha=1\", \"z\"]", "[\"a\", \"--alpha=1\"]", "", "", 1 },
		{ "[\"-q\", \"--alpha=1\"]", "[\"--alpha=1\", \"-q\"]", "", "", 0 },
		{ "[\"--seed\"]", "[]", "", "", 0 },
		{ "[]", "[]", ", \"model\": [{\"program\": \"t\", \"args\": []}]", "", 0 },
		{ "[]", "[]", "", ", \"model\": [{\"program\": \"t\", \"args\": []}]", 0 },
		{ "[]", "[]", ", \"model\": [{\"program\": \"t\", \"args\": [\"--seed=3\"]}]",
		  ", \"model\": [{\"program\": \"t\", \"args\": []}]", 1 },
		{ "[]", "[]", ", \"model\": [{\"program\": \"t\", \"args\": [\"--a=3\"]}]",
		  ", \"model\": [{\"program\": \"t\", \"args\": []}]", 0 },
		{ "[]", "[]", ", \"model\": [{\"program\": \"t\", \"args\": []}]",
		  ", \"model\": [{\"program\": \"u\", \"args\": []}]", 0 },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		for (int extra = 0; extra < 3; extra++) { /* alone, second of two, or one list longer */
			json_t *a = json_array(), *b = json_array();
			if (extra == 1) {
				json_array_append_new(a, line("[]", ""));
				json_array_append_new(b, line("[]", ""));
			}
			json_array_append_new(a, line(pairs[i].a, pairs[i].more_a));
			json_array_append_new(b, line(pairs[i].b, pairs[i].more_b));
			if (extra == 2)
				json_array_append_new(b, line("[]", ""));
			if (seeds_same(a, b) != (pairs[i].same && extra < 2))
				fail_msg("%s and %s, %d", pairs[i].a, pairs[i].b, extra);
			json_decref(a);
			json_decref(b);
		}
	json_t *none = json_array();
	assert_int_equal(seeds_same(none, none), 0);
	assert_int_equal(seeds_same(NULL, NULL), 0);
	json_decref(none);
}

int main(void)
{
	fd = memfd_create("table", 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posteriors),
		cmocka_unit_test(truth_by_name_and_number),
		cmocka_unit_test(histories),
		cmocka_unit_test(tables_to_plot),
		cmocka_unit_test(numbers_where_they_belong),
		cmocka_unit_test(round_steps),
		cmocka_unit_test(seeds_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
