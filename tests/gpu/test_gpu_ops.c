/* The ops of image networks in the cuda plug-in, dry ($VIC_BACKENDS names its folder): the networks of test_imageops, in
 * lockstep with ref. */
#include "unit/models/image_nan.h"

/* As the cpu's in test_imageops.c: sums of float32 against double ones. */
static void cuda_agrees(void **state)
{
	(void)state;
	for (int c = 0; c < PICTURE_CASES - (getenv("VIC_THOROUGH") == NULL); c++)
		prove("cuda", &picture_cases[c], 2e-5, 0, sgd.lr);
}

static void nan_is_seen(void **state)
{
	(void)state;
	nan_is_seen_on("cuda");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cuda_agrees), cmocka_unit_test(nan_is_seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
