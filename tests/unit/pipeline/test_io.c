/* Lines across the edges of the buffer, and files that appear whole or not at all. */
#include "tests/scratch.h"
#include "pipeline/files/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[SCRATCH_PATH];
static char path[SCRATCH_PATH + 8];

static void put(const char *data, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Lines of these lengths are written, and come back as they were. */
static void round_trip(const size_t *len, int n, int last_lf)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < len[i]; k++)
			fputc('a' + (int)((k + (size_t)i) % 26), f);
		if (i + 1 < n || last_lf)
			fputc('\n', f);
	}
	fclose(f);
	put(text, size);
	struct input in;
	struct err err = ERR_NONE;
	const char *line;
	size_t got;
	int lf;
	char *at = text;
	assert_int_equal(input_open(&in, path, &err), 0);
	for (int i = 0; i < n; i++) {
		assert_int_equal(input_line(&in, 1 << 22, &line, &got, &lf, &err), 1);
		assert_int_equal(got, len[i]);
		assert_memory_equal(line, at, got);
		assert_int_equal(lf, i + 1 < n || last_lf);
		at += got + 1;
	}
	assert_int_equal(input_line(&in, 1 << 22, &line, &got, &lf, &err), 0);
	assert_int_equal(in.at, size);
	input_release(&in);
	free(text);
}

static void lines_across_edges(void **state)
{
	(void)state;
	enum { E = INPUT_BUFFER };
	static const size_t around[][4] = { { E - 2, 5, 0, 7 },		{ E - 1, 5, 1, 0 }, { E, 5, 9, 9 },
					    { E + 1, 0, 0, 3 },		{ 10, E, 3, 4 },    { 10, 2 * E, 3, 4 },
					    { 3 * E + 7, E - 1, E, 1 }, { 0, 0, 0, 1 } };
	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		round_trip(around[i], 4, 1);
		round_trip(around[i], around[i][3] ? 4 : 3, around[i][3] ? 0 : 1);
	}
}

static void long_lines_are_refused(void **state)
{
	(void)state;
	struct input in;
	struct err err = ERR_NONE;
	const char *line;
	size_t n;
	put("0123456789\n", 11);
	assert_int_equal(input_open(&in, path, &err), 0);
	assert_int_equal(input_line(&in, 10, &line, &n, NULL, &err), 1);
	input_release(&in);
	assert_int_equal(input_open(&in, path, &err), 0);
	assert_int_equal(input_line(&in, 9, &line, &n, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "a line is longer than 9 bytes"));
	input_release(&in);
	/* a file without any line end must not be swallowed whole first */
	char *big = calloc(1, 4 * INPUT_BUFFER);
	put(big, 4 * INPUT_BUFFER);
	free(big);
	assert_int_equal(input_open(&in, path, &err), 0);
	assert_int_equal(input_line(&in, 1000, &line, &n, NULL, &err), -1);
	assert_true(in.have <= 2 * INPUT_BUFFER);
	input_release(&in);
}

static void bytes_and_lines_mix(void **state)
{
	(void)state;
	struct input in;
	struct err err = ERR_NONE;
	const char *line;
	char bytes[4];
	size_t n;
	put("head\0body\nrest", 14);
	assert_int_equal(input_open(&in, path, &err), 0);
	assert_int_equal(input_line(&in, 100, &line, &n, NULL, &err), 1);
	assert_int_equal(n, 9); /* a NUL is a byte like others */
	assert_int_equal(input_read(&in, bytes, 4, &n, &err), 0);
	assert_memory_equal(bytes, "rest", 4);
	assert_int_equal(input_read(&in, bytes, 4, &n, &err), 0);
	assert_int_equal(n, 0);
	input_release(&in);
}

static void inputs_that_cannot_be(void **state)
{
	(void)state;
	struct input in;
	struct err err = ERR_NONE;
	assert_int_equal(input_open(&in, "/nowhere/at all", &err), -1);
	assert_string_equal(err.msg, "/nowhere/at all: No such file or directory");
	assert_int_equal(input_open(&in, folder, &err), -1);
	assert_non_null(strstr(err.msg, "is a folder"));
	char *data;
	size_t n;
	put("12345", 5);
	assert_int_equal(io_slurp(path, 4, &data, &n, &err), -1);
	assert_int_equal(io_slurp(path, 5, &data, &n, &err), 0);
	assert_string_equal(data, "12345");
	free(data);
}

static int files_in_folder(void)
{
	char command[SCRATCH_PATH + 32], text[32] = "";
	snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
	FILE *p = popen(command, "r");
	assert_non_null(fgets(text, sizeof text, p));
	pclose(p);
	return (int)strtol(text, NULL, 10);
}

static void output_appears_whole(void **state)
{
	(void)state;
	struct output out;
	struct err err = ERR_NONE;
	char *data;
	size_t n;
	put("old", 3);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(output_printf(&out, &err, "%s %d", "new", 7), 0);
	assert_int_equal(output_flush(&out, &err), 0);
	assert_int_equal(io_slurp(path, 100, &data, &n, &err), 0);
	assert_string_equal(data, "old"); /* until it is committed */
	free(data);
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	assert_int_equal(io_slurp(path, 100, &data, &n, &err), 0);
	assert_string_equal(data, "new 7");
	free(data);
	assert_int_equal(files_in_folder(), 1);
	/* permissions are those open() would have given */
	struct stat st;
	mode_t mask = umask(022);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
}

static void output_given_up_leaves_nothing(void **state)
{
	(void)state;
	struct output out;
	struct err err = ERR_NONE;
	char *data;
	size_t n;
	put("old", 3);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(output_write(&out, "new", 3, &err), 0);
	output_release(&out);
	output_release(&out); /* twice is fine */
	assert_int_equal(files_in_folder(), 1);
	assert_int_equal(io_slurp(path, 100, &data, &n, &err), 0);
	assert_string_equal(data, "old");
	free(data);
	assert_int_equal(output_open(&out, "/nowhere/file", &err), -1);
	assert_string_equal(err.msg, "/nowhere/file: No such file or directory");
	output_release(&out);
	/* a device is written in place, and says that it is full */
	assert_int_equal(output_open(&out, "/dev/full", &err), 0);
	assert_int_equal(output_write(&out, "x", 1, &err), 0);
	assert_int_equal(output_commit(&out, &err), -1);
	assert_string_equal(err.msg, "/dev/full: write: No space left on device");
	output_release(&out);
}

static void large_writes(void **state)
{
	(void)state;
	enum { N = 3 << 20 };
	struct output out;
	struct err err = ERR_NONE;
	char *data, *back;
	size_t n;
	data = malloc(N);
	assert_non_null(data);
	for (size_t i = 0; i < N; i++)
		data[i] = (char)(i * 2654435761u >> 24);
	assert_int_equal(output_open(&out, path, &err), 0);
	for (size_t at = 0, step = 1; at < N; at += step, step = step * 3 < N - at ? step * 3 : N - at)
		assert_int_equal(output_write(&out, data + at, step < N - at ? step : N - at, &err), 0);
	assert_int_equal(out.at, N);
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	assert_int_equal(io_slurp(path, N, &back, &n, &err), 0);
	assert_int_equal(n, N);
	assert_memory_equal(back, data, N);
	free(back);
	free(data);
}

int main(void)
{
	if (scratch_folder(folder, "io"))
		return 1;
	snprintf(path, sizeof path, "%s/file", folder);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_across_edges),   cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(bytes_and_lines_mix),  cmocka_unit_test(inputs_that_cannot_be),
		cmocka_unit_test(output_appears_whole), cmocka_unit_test(output_given_up_leaves_nothing),
		cmocka_unit_test(large_writes),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return rc;
}
