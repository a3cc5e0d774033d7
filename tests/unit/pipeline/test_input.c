/* Every way of reading an input, mixed at random, over files and over pipes that give what they like, against the bytes
 * in memory; and what is spooled, read twice. */
#include "pipeline/files/io.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/spool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST = 1 << 20, PEEK_MOST = 16 << 10 };

static char path[4096];
static unsigned char *data, *back;

static size_t draw(struct rng *r)
{
	size_t n = rng_below(r, rng_below(r, 2) ? MOST : 5000);
	uint32_t apart = rng_below(r, 3) ? 80 : 300000; /* bytes between line ends */
	for (size_t i = 0; i < n; i++)
		data[i] = rng_below(r, apart) ? (unsigned char)(i * 7 % 251) : '\n';
	return n;
}

static void keep(size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

/* A child that writes data[0..n) to stdin's pipe in pieces. */
static pid_t pour(size_t n, uint32_t seed)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (!child) {
		struct rng r;
		rng_init(&r, 51, RNG_TEST, seed, 1);
		close(ends[0]);
		for (size_t at = 0; at < n;) {
			size_t k = 1 + rng_below(&r, rng_below(&r, 2) ? 200000 : 3000);
			ssize_t w = write(ends[1], data + at, k < n - at ? k : n - at);
			if (w < 0)
				_exit(1);
			at += (size_t)w;
		}
		_exit(0);
	}
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	return child;
}

/* One step at `at`: how many bytes it took, or -1 at the end. */
static ptrdiff_t step(struct input *in, struct rng *r, size_t at, size_t n)
{
	struct err err = ERR_NONE;
	size_t left = n - at, want, got;
	const unsigned char *p;
	const char *line;
	int lf, rc;
	switch (rng_below(r, 3)) {
	case 0:
		want = rng_below(r, rng_below(r, 4) ? 3000 : 600000);
		assert_int_equal(input_read(in, back, want, &got, &err), 0);
		assert_int_equal(got, want < left ? want : left);
		assert_int_equal(memcmp(back, data + at, got), 0);
		return want > left ? -1 : (ptrdiff_t)got;
	case 1:
		want = rng_below(r, PEEK_MOST + 1);
		assert_int_equal(input_peek(in, want, &p, &got, &err), 0);
		assert_true(got >= (want < left ? want : left) && got <= left);
		assert_int_equal(memcmp(p, data + at, got), 0);
		return 0;
	default:
		rc = input_line(in, MOST, &line, &got, &lf, &err);
		assert_int_equal(rc, left > 0);
		if (!rc)
			return -1;
		p = memchr(data + at, '\n', left);
		assert_int_equal(lf, p != NULL);
		assert_int_equal(got, p ? (size_t)(p - data) - at : left);
		assert_int_equal(memcmp(line, data + at, got), 0);
		return (ptrdiff_t)got + lf;
	}
}

static void mixed(void **state)
{
	int was = dup(STDIN_FILENO);
	(void)state;
	for (uint32_t round = 0; round < 150; round++) {
		struct err err = ERR_NONE;
		struct input in;
		struct rng r;
		size_t at = 0, rest;
		ptrdiff_t took = 0;
		pid_t child = 0;
		char *slurped;
		rng_init(&r, 50, RNG_TEST, round, 0);
		size_t n = draw(&r);
		if (round % 3)
			keep(n);
		else
			child = pour(n, round);
		assert_int_equal(input_open(&in, child ? "-" : path, &err), 0);
		assert_string_equal(in.name, child ? "stdin" : path);
		for (uint32_t steps = rng_below(&r, 200); took >= 0 && steps; steps--) {
			took = step(&in, &r, at, n);
			at = took < 0 ? n : at + (size_t)took;
			assert_int_equal(in.at, at);
		}
		if (at < n) /* what is left may be refused for its size, or taken */
			assert_int_equal(round % 2 ? 0 : input_slurp(&in, n - at, &slurped, &rest, &err), 0);
		if (at < n && round % 2 == 0) {
			assert_int_equal(rest, n - at);
			assert_int_equal(memcmp(slurped, data + at, rest) || slurped[rest], 0);
			free(slurped);
		} else if (at < n) {
			assert_int_equal(input_slurp(&in, n - at - 1, &slurped, &rest, &err), -1);
			assert_non_null(strstr(err.msg, child ? "stdin" : path));
		}
		input_release(&in);
		if (child) {
			dup2(was, STDIN_FILENO);
			waitpid(child, NULL, 0);
		}
	}
	close(was);
}

static void parts_by_place(void **state)
{
	struct rng r;
	(void)state;
	rng_init(&r, 52, RNG_TEST, 0, 0);
	size_t n = draw(&r) + 100;
	keep(n);
	int fd = open(path, O_RDONLY);
	for (int i = 0; i < 500; i++) {
		size_t at = rng_below(&r, (uint32_t)n + 10), k = rng_below(&r, 5000);
		int rc = io_read_at(fd, at, back, k);
		assert_int_equal(rc, at + k <= n || !k ? 0 : -1);
		if (!rc && at <= n)
			assert_int_equal(memcmp(back, data + at, k), 0);
	}
	close(fd);
}

/* A file from where stdin stands, a file by its name and a pipe: read twice, the same. */
static void spooled(void **state)
{
	int was = dup(STDIN_FILENO);
	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		struct err err = ERR_NONE;
		struct spool s;
		struct output held, out;
		struct rng r;
		pid_t child = 0;
		rng_init(&r, 53, RNG_TEST, round, 0);
		size_t n = draw(&r), skip = round % 3 == 1 ? rng_below(&r, (uint32_t)n + 1) : 0;
		keep(n);
		if (round % 3 == 0) {
			child = pour(n, round);
		} else if (round % 3 == 1) {
			int fd = open(path, O_RDONLY);
			assert_int_equal(lseek(fd, (off_t)skip, SEEK_SET), skip);
			dup2(fd, STDIN_FILENO);
			close(fd);
		}
		assert_int_equal(spool_input(&s, round % 3 == 2 ? path : "-", &err), 0);
		for (int time = 0; time < 3; time++) {
			struct input in;
			size_t got;
			assert_int_equal(time ? spool_rewind(&s, &err) : 0, 0);
			assert_int_equal(input_open(&in, s.path, &err), 0);
			assert_int_equal(input_read(&in, back, MOST, &got, &err), 0);
			assert_int_equal(got, n - skip);
			assert_int_equal(memcmp(back, data + skip, got), 0);
			input_release(&in);
		}
		dup2(was, STDIN_FILENO);
		if (child)
			waitpid(child, NULL, 0);
		/* and an output that is kept and then copied after another's bytes */
		char *whole;
		size_t len;
		assert_int_equal(spool_output(&held, &err) || output_open(&out, path, &err), 0);
		out.hasty = 1;
		assert_int_equal(output_write(&out, "head", 4, &err) || output_write(&held, data, n, &err), 0);
		assert_int_equal(spool_copy(&held, &out, &err) || output_write(&out, "tail", 4, &err), 0);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&held);
		output_release(&out);
		assert_int_equal(io_slurp(path, n + 8, &whole, &len, &err), 0);
		assert_int_equal(len, n + 8);
		assert_int_equal(
			memcmp(whole, "head", 4) || memcmp(whole + 4, data, n) || memcmp(whole + 4 + n, "tail", 4), 0);
		free(whole);
	}
	close(was);
}

/* An input that was never opened has nobody's descriptor, though its number is 0. */
static void never_opened(void **state)
{
	struct input in = { 0 };
	(void)state;
	int had = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
	input_release(&in);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	input_release(&in);
	if (had >= 0)
		dup2(had, STDIN_FILENO);
	close(had);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(mixed), cmocka_unit_test(parts_by_place),
					    cmocka_unit_test(spooled), cmocka_unit_test(never_opened) };
	snprintf(path, sizeof path, "%s/vic-input-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	data = malloc(MOST + 100);
	back = malloc(MOST + 100);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	free(data);
	free(back);
	return rc;
}
