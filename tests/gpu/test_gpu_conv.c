/* CONV and LINEAR of the cuda backend against ref, op by op: kernels, strides, paddings, groups and odd numbers of
 * channels, on each device that devices/ describes. cuDNN plans for the device; the dry plug-in computes from what it was
 * told (interp.h). */
#include "../unit/models/image_fixture.h"

static const struct picture_case cases[] = {
	{ .name = "kernels of 1 and 3",
	  .n = 5,
	  .h = 9,
	  .w = 7,
	  .c = 3,
	  .layer = { CONV(0, 17, 1, 1, 0, 1, 1), CONV(1, 5, 3, 1, 1, 1, 0), CONV(2, 16, 3, 2, 1, 1, 1),
		     CONV(3, 1, 3, 1, 2, 1, 1) } },
	{ .name = "kernels of 5 and 7",
	  .n = 4,
	  .h = 13,
	  .w = 11,
	  .c = 1,
	  .layer = { CONV(0, 5, 5, 2, 2, 1, 1), CONV(1, 3, 7, 1, 3, 1, 0), CONV(2, 17, 5, 3, 1, 1, 1) } },
	{ .name = "groups",
	  .n = 3,
	  .h = 8,
	  .w = 10,
	  .c = 3,
	  .layer = { CONV(0, 6, 3, 1, 1, 3, 1), CONV(1, 32, 1, 1, 0, 2, 1), CONV(2, 64, 3, 2, 1, 8, 0),
		     CONV(3, 10, 1, 1, 0, 2, 0) } },
	{ .name = "depth-wise",
	  .n = 2,
	  .h = 7,
	  .w = 9,
	  .c = 5,
	  .layer = { CONV(0, 17, 1, 1, 0, 1, 0), CONV(1, 17, 3, 1, 1, 17, 1), CONV(2, 34, 5, 2, 2, 17, 0),
		     CONV(3, 34, 1, 1, 0, 34, 1) } },
	{ .name = "several readers",
	  .n = 6,
	  .h = 6,
	  .w = 5,
	  .c = 3,
	  .layer = { CONV(0, 16, 3, 1, 1, 1, 0), CONV(1, 8, 3, 2, 1, 1, 0), CONV(1, 8, 1, 2, 0, 1, 1), ADD(2, 3),
		     CONV(4, 8, 3, 1, 1, 1, 0), ADD(5, 4), CONV(6, 3, 1, 1, 0, 1, 0) } },
	{ .name = "one place",
	  .n = 1,
	  .h = 1,
	  .w = 1,
	  .c = 5,
	  .layer = { CONV(0, 7, 3, 1, 1, 1, 1), CONV(1, 3, 1, 1, 0, 1, 1) } },
};
static const char *const devices[] = { "h100", "a100", "l4", "b200", "t4" };

/* Sums of float32 in any order; the devices' own rounding is not seen here. */
static void test_device(void **state)
{
	char path[64];
	snprintf(path, sizeof path, "tests/gpu/devices/%s.json", (const char *)*state);
	setenv("VIC_GPU_DEVICE", path, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		prove("cuda", &cases[i], 2e-6, 0, 0.05);
}

int main(void)
{
	struct CMUnitTest tests[sizeof devices / sizeof *devices];
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		tests[i] = (struct CMUnitTest){ devices[i], test_device, NULL, NULL, (void *)devices[i] };
	return _cmocka_run_group_tests("gpu conv", tests, sizeof devices / sizeof *devices, NULL, NULL);
}
