/* Optimiser steps of the cuda plug-in, dry ($VIC_BACKENDS names its folder). */
#include "dry.h"
#include "unit/models/update_cases.h"

static void steps_are_the_formulas(void **state)
{
	(void)state;
	steps_on("cuda");
}

static void what_cannot_be_postponed(void **state)
{
	(void)state;
	refuses_on("cuda");
}

static void all_parameters_are_clipped_together(void **state)
{
	(void)state;
	clips_on("cuda");
}

static void averages_are_the_formula(void **state)
{
	(void)state;
	averages_on("cuda");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(steps_are_the_formulas),
					    cmocka_unit_test(what_cannot_be_postponed),
					    cmocka_unit_test(all_parameters_are_clipped_together),
					    cmocka_unit_test(averages_are_the_formula) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
