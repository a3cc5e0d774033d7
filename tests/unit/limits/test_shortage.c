/* Each allocation fails in its turn: records read and measured, maps fitted, thresholds, groups and weights. */
#include "shortage.h"

#include "eval/calibrate/calibrate.h"
#include "eval/conformal/taking.h"
#include "eval/conformal/threshold.h"
#include "eval/groups/grouping.h"
#include "eval/groups/weights.h"

static int reading(void)
{
	struct rows w;
	if (rows_read(&w, stream.path, &whole, &err))
		return -1;
	rows_release(&w);
	return 0;
}

static int reading_each(void)
{
	struct rows *list;
	size_t n;
	if (rows_read_each(&list, &n, two_documents.path, &whole, &err))
		return -1;
	for (size_t i = 0; i < n; i++)
		rows_release(&list[i]);
	free(list);
	return 0;
}

static int reading_many(void)
{
	struct rows w;
	char *paths[] = { stream.path, other.path };
	if (rows_read_ensemble(&w, paths, 2, &whole, &err))
		return -1;
	rows_release(&w);
	return 0;
}

static int a_part(void)
{
	static const uint32_t pick[] = { 3, 1, 9 };
	struct rows w;
	if (rows_subset(&w, &in, pick, 3, &whole, &err))
		return -1;
	rows_release(&w);
	return 0;
}

static int by_label(void)
{
	struct grouping g;
	uint32_t *of;
	if (grouping_open(&g, "predicted", &err))
		return -1;
	int rc = grouping_of(&g, &in, 1, &of, &err);
	if (!rc)
		free(of);
	grouping_release(&g);
	return rc;
}

static int weighing(void)
{
	static struct score s;
	struct weights w;
	double *of;
	char text[N * 20];
	size_t at = 0;
	for (size_t i = 0; i < N; i++)
		at += (size_t)snprintf(text + at, 20, "%u\t%u\n", (unsigned)in.id[N - 1 - i], (unsigned)i);
	put(text);
	if (weights_read(&w, path, &err))
		return -1;
	int rc = weights_of(&w, &in, &of, &err);
	if (!rc) {
		rc = score_weighted(&s, &in, of, &full, &err);
		free(of);
	}
	weights_release(&w);
	return rc;
}

/* A map of each method is fitted, applied and put into a file. */
static int fitting(enum calmap_method method, const struct rows *w)
{
	const struct calmap_settings set = { .l2 = 1, .l2_bias = 1, .bins = 4, .highest_t = INFINITY, .max_steps = 100,
					     .key_room = N };
	struct fit_data d = { 0 };
	struct calmap map = { 0 };
	struct calmap_fit how;
	struct judged before = { 0 }, after = { 0 };
	struct table t = { 0 };
	static struct sketch sketch;
	int owned = 0;
	char *text = NULL;
	uint64_t n = 0, clipped;
	sketch = (struct sketch){ 0 };
	int rc = fit_data_of(&d, &owned, &sketch, w, 1e-6, &clipped, &err) ||
		 calmap_fit(&map, method, &d, &set, pool, &how, &err);
	if (!rc) {
		how.cautions = 1;
		rc = calibrate_rows(w, &map, ROWS_ALL, NULL, NULL, &before, &after, &n, &err) ||
		     judged_column(&t, "a", &after, BINS, 3, 1, pool, &err) ||
		     calfile_text(&text, &map, &sketch, w, &how, w->provenance, &err);
	}
	fit_data_release(&d, owned);
	calmap_release(&map);
	judged_release(&before);
	judged_release(&after);
	free(text);
	table_release(&t);
	return rc ? -1 : 0;
}

static int fits(void)
{
	static int at;
	int m = at, rc = fitting((enum calmap_method)m, m == MAP_PLATT || m == MAP_BETA ? &two : &in);
	at = rc ? at : at + 1;
	return rc;
}

static int conformal(void)
{
	struct conformal c = { .method = CONFORMAL_RAPS, .alpha = 0.2, .lambda = 0.1, .k_reg = 1 };
	struct threshold t;
	struct taking taking = { .c = &c };
	struct table table = { 0 };
	static struct sketch s;
	double complement[N];
	static uint32_t group[N];
	char *text = NULL, *name[] = { path }, said[256];
	for (size_t i = 0; i < N; i++)
		complement[i] = (double)i / N;
	s = (struct sketch){ 0 };
	sketch_add(&s, 77, 1);
	json_t *tool = json_pack("{s:s, s:[s]}", "program", "vic-conformal", "args", "--alpha=0.2");
	int bad = conformal_fit(&c, complement, N, &err) || threshold_text(&text, &c, &s, &in, tool, &err);
	json_decref(tool);
	if (bad)
		return -1;
	put(text);
	free(text);
	if (threshold_load(&t, path, &err))
		return -1;
	int rc = threshold_check(&t, &in, 1, ROWS_ALL, 0, said, sizeof said, &err) ||
		 taking_init(&taking, &in.head, 1, 1, &err) || taking_rows(&taking, &in, group, ROWS_ALL, &err) ||
		 coverage_table(&table, &taking.coverage, &in.head, name, 1, 0.9, &err);
	taking_release(&taking);
	threshold_release(&t);
	return print(&table, rc ? -1 : 0);
}

static void memory_runs_out(void **state)
{
	static const struct shortage_case cases[] = {
		{ "reading", reading, 1 },
		{ "reading each document", reading_each, 1 },
		{ "reading an ensemble", reading_many, 1 },
		{ "a part", a_part, 1 },
		{ "by label", by_label, 1 },
		{ "weights", weighing, 1 },
		{ "fits", fits, MAP_METHODS },
		{ "conformal", conformal, 1 },
	};
	(void)state;
	each_allocation_fails(cases, sizeof cases / sizeof *cases, getenv("VIC_THOROUGH") ? LONG_MAX : 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(memory_runs_out) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
