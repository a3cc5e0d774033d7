/* Optimiser steps of the cpu (what is asked of them: update_cases.h). */
#include "update_cases.h"

static void steps_are_the_formulas(void **state)
{
	(void)state;
	steps_on("cpu");
}

static void what_cannot_be_postponed(void **state)
{
	(void)state;
	refuses_on("cpu");
}

static void all_parameters_are_clipped_together(void **state)
{
	(void)state;
	clips_on("cpu");
}

static void averages_are_the_formula(void **state)
{
	(void)state;
	averages_on("ref");
	averages_on("cpu");
}

static void adamw_and_clipping_are_torchs(void **state)
{
	(void)state;
	as_torch_clips_and_decays("ref");
	as_torch_clips_and_decays("cpu");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(steps_are_the_formulas),
					    cmocka_unit_test(what_cannot_be_postponed),
					    cmocka_unit_test(all_parameters_are_clipped_together),
					    cmocka_unit_test(averages_are_the_formula),
					    cmocka_unit_test(adamw_and_clipping_are_torchs) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
