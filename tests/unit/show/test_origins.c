/* Where a stream came from, as the page of vic-report tells it: its records, how they were made, a map in words. */
#include "eval/report/report.h"
#include "tests/checks.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "page_reader.h"

/* What is told of a stream, each where it is so. */
static void check_origin(const struct rows *w)
{
	assert_non_null(after(page, "<h3>s&lt;1</h3><p>%zu records (split: %s), %d classes, %s of float%d", w->n,
			      rows_split_name(w->split), w->head.n_classes,
			      w->head.values == VALUES_PROBS ? "probabilities" : "logits",
			      w->head.dtype == DTYPE_F64 ? 64 : 32));
	assert_int_equal(after(page, ", %d samples a record, probabilities averaged.", w->head.samples) != NULL,
			 w->head.samples > 1);
	assert_int_equal(after(page, " %" PRIu64 " documents were pooled", w->documents) != NULL, w->documents > 1);
	assert_int_equal(after(page, " %" PRIu64 " records without a label were left out", w->sum.unlabelled) != NULL,
			 w->sum.unlabelled > 0);
	assert_int_equal(after(page, "does not say how it was made") != NULL, !json_array_size(w->provenance));
	assert_int_equal(count(page, "<li>"), json_array_size(w->provenance));
	assert_int_equal(count(page, "<pre><code>"), json_array_size(w->provenance) > 0);
}

static void origins_are_told(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < (uint32_t)plain_checks(60); i++) {
		struct rng r;
		char name[] = "s<1";
		struct report_stream p = { .rows = { .name = name } };
		struct rows *w = &p.rows;
		plain_rng(&r, i, 72);
		w->n = rng_below(&r, 3);
		w->split = rng_below(&r, 2) ? ROWS_ALL : (int)rng_below(&r, SPLIT_COUNT);
		w->head.n_classes = 2 + (int)rng_below(&r, 3);
		w->head.values = rng_below(&r, 2) ? VALUES_PROBS : VALUES_LOGITS;
		w->head.dtype = rng_below(&r, 2) ? DTYPE_F64 : DTYPE_F32;
		w->head.samples = 1 + (int)rng_below(&r, 3);
		w->documents = rng_below(&r, 4);
		w->sum.unlabelled = rng_below(&r, 3);
		w->provenance = rng_below(&r, 4) ? json_array() : NULL;
		for (uint32_t k = rng_below(&r, 4); w->provenance && k; k--)
			assert_int_equal(
				json_array_append_new(w->provenance, json_pack("{s:s, s:s, s:[s]}", "program", "vic-a",
									       "version", "3", "args", "x")),
				0);
		FILE *to = open_page();
		report_provenance(to, &p);
		fclose(to);
		check_origin(w);
		json_decref(w->provenance);
	}
}

/* What is beside program, version, arguments and model is noted, and a map in words. */
static void notes_are_told(void **state)
{
	(void)state;
	char name[] = "s";
	struct report_stream p = { .rows = { .name = name } };
	p.rows.provenance =
		json_pack("[{s:s, s:s, s:[s], s:{s:i}, s:i, s:[i, f], s:{s:s, s:f, s:I, s:s, s:s, s:[s, s]}}, {s:[s], "
			  "s:s}, {s:s, "
			  "s:{s:s, s:i}}]",
			  "program", "vic-a<", "version", "3", "args", "x", "model", "hidden", 1, "seed", 7, "list", 1,
			  0.123456789, "map", "method", "temp<", "temperature", 1.23456789, "records", (json_int_t)12,
			  "name", "n&m", "split", "dev", "args", "--map", "a b", "args", "y", "map", "none", "program",
			  "vic-b", "map", "method", "beta", "temperature", 3);
	assert_non_null(p.rows.provenance);
	FILE *to = open_page();
	report_provenance(to, &p);
	fclose(to);
	const char *at = after(page, "<li>vic-a&lt; 3<br><span class=\"note\">seed: 7</span>");
	at = after(at, "<br><span class=\"note\">list: [1, 0.123457]</span>");
	at = after(at, "<br><span class=\"note\">map: temp&lt; 1.2346, fitted on 12 records of n&amp;m (split dev) by "
		       "vic-calibrate --map a b</span></li>");
	at = after(at, "<li>(unnamed program) <br><span class=\"note\">map: &quot;none&quot;</span></li>");
	at = after(at, "<li>vic-b <br><span class=\"note\">map: beta, fitted on 0 records of ? (split ?) by "
		       "vic-calibrate</span></li></ol>");
	assert_non_null(at);
	assert_int_equal(count(page, "class=\"note\""), 5);
	assert_null(strstr(page, "hidden"));
	free(page);
	page = NULL;
	json_decref(p.rows.provenance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_told),
		cmocka_unit_test(notes_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
