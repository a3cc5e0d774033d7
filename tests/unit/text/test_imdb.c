/* A folder whose listing fails half-way is not taken for one that holds less: every listing fails here. */
#include "tests/scratch.h"
#include "tokenize/formats.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Instead of the C library's. */
struct dirent *readdir(DIR *dir)
{
	(void)dir;
	errno = EIO;
	return NULL;
}

static void refused(const char *path)
{
	struct sink s = { 0 };
	struct err err = ERR_NONE;
	assert_int_equal(read_imdb(&s, path, &err), -1);
	assert_int_equal(err.cause, CAUSE_SYSTEM);
	assert_non_null(strstr(err.msg, strerror(EIO)));
}

static void a_listing_that_fails(void **state)
{
	(void)state;
	static const char *const below[] = { "/train", "/train/neg" };
	char dir[SCRATCH_PATH], path[2][SCRATCH_PATH + 16];
	assert_int_equal(scratch_folder(dir, "imdb"), 0);
	refused(dir); /* looked through for an archive */
	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof path[i], "%s%s", dir, below[i]);
		assert_int_equal(mkdir(path[i], 0777), 0);
	}
	refused(dir); /* and for reviews */
	assert_int_equal(rmdir(path[1]) || rmdir(path[0]) || rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_listing_that_fails) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
