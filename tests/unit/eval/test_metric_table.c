/* The rows of the table of metrics agree with themselves, whatever rows there are. */
#include "eval/compare/compare.h"
#include "eval/metrics/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void rows_agree(void **state)
{
	(void)state;
	int at_bins = 0, rows = 0;
	for (const struct metric *row = metric_table; row->key; row++) {
		int interval = row->interval != INTERVAL_NONE, is_shown = row->group != REPORT_NONE;
		rows++;
		at_bins += (row->flags & METRIC_AT_BINS) != 0;
		for (const struct metric *other = metric_table; other < row; other++)
			assert_string_not_equal(row->key, other->key);
		assert_true(strlen(row->key) + sizeof "@100000" <= SCORE_KEY);
		assert_true(row->value ? row->parts != 0 : row->test == TEST_DELONG);
		/* a resample has no more than its keys */
		assert_int_equal(interval, row->most > row->least);
		if (interval || row->test == TEST_SWAP)
			assert_int_equal(row->parts & ~(unsigned)PARTS_OF_KEYS, 0);
		assert_true(!row->noise || row->interval >= INTERVAL_ERROR);
		/* a whole number has no interval */
		assert_false(row->flags & METRIC_COUNT && interval);
		if (row->flags & METRIC_AT_BINS)
			assert_int_equal(row->parts & ~(unsigned)(PART_BINS | PART_FLOOR), 0);
		if (is_shown || row->test)
			assert_non_null(row->label);
		assert_true(row->place >= 0 && row->place < REPORT_PLACES && row->group < REPORT_GROUPS);
	}
	/* with sixteen numbers of bins, nine lines of how they came about, and how many seeds */
	assert_true(rows + (SCORE_BINS - 1) * at_bins + 10 <= SCORE_ITEMS);
	assert_true(compared_count() <= COMPARED_MOST && !compared_metric(compared_count()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
