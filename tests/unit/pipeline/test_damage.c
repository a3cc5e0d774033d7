/* A flipped bit anywhere in a model, a checkpoint or a calibration map is refused as damage, with the file's name. One
 * bit of every byte with $VIC_THOROUGH, else of every 11th. */
#include "eval/calibrate/calibrate.h"
#include "models/files/modelfile.h"

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

static int open_model(const char *path, struct err *err)
{
	struct model m;
	if (model_open(&m, path, err))
		return -1;
	model_release(&m);
	return 0;
}

static int open_checkpoint(const char *path, struct err *err)
{
	struct safetensors st;
	int version;
	if (safetensors_open(&st, path, err))
		return -1;
	int rc = safetensors_version(&st, "vicinal-checkpoint", 2, &version, err);
	safetensors_release(&st);
	return rc;
}

static int open_map(const char *path, struct err *err)
{
	struct calfile f;
	if (calfile_load(&f, path, err))
		return -1;
	calfile_release(&f);
	return 0;
}

static void flip_all(const char *seed, int (*open_file)(const char *path, struct err *err))
{
	struct err err = ERR_NONE;
	char *bytes, path[64];
	size_t n;
	int fd = memfd_create("damage", MFD_CLOEXEC);
	if (io_slurp(seed, 1 << 20, &bytes, &n, &err))
		fail_msg("%s", err.msg);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
	if (open_file(path, &err))
		fail_msg("%s: %s", seed, err.msg);
	for (size_t at = 0; at < n; at += getenv("VIC_THOROUGH") ? 1 : 11) {
		char bad = (char)(bytes[at] ^ 1 << at % 8);
		err = ERR_NONE;
		assert_int_equal(pwrite(fd, &bad, 1, (off_t)at), 1);
		if (!open_file(path, &err) || !strstr(err.msg, "damaged") || !strstr(err.msg, path))
			fail_msg("%s: byte %zu: '%s'", seed, at, err.msg);
		assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
	}
	close(fd);
	free(bytes);
}

static void models(void **state)
{
	(void)state;
	flip_all("tests/fuzz/seeds/model/words", open_model);
	flip_all("tests/fuzz/seeds/model/pictures", open_model);
}

static void checkpoints(void **state)
{
	(void)state;
	flip_all("tests/fuzz/seeds/checkpoint/words", open_checkpoint);
}

static void maps(void **state)
{
	(void)state;
	flip_all("tests/fuzz/seeds/calmap/sealed", open_map);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(models), cmocka_unit_test(checkpoints),
					    cmocka_unit_test(maps) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
