/* The progress line as a terminal gets it, and when a log is due: the clock is turned back, so that nothing waits. */
#include "pipeline/base/philox.h"
#include "pipeline/frame/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* stderr becomes `to`; what it was. */
static int turn_stderr(int to)
{
	fflush(stderr);
	int was = dup(STDERR_FILENO);
	assert_true(was >= 0 && dup2(to, STDERR_FILENO) >= 0);
	return was;
}

static void turn_back(int was)
{
	fflush(stderr);
	dup2(was, STDERR_FILENO);
	close(was);
}

/* Both ends of a terminal, or of a pipe; what is written to end[1] is read from end[0]. 0 where the system has no
 * terminals to give, as a bare one whose /dev/pts is not there. */
static int open_ends(int end[2], int terminal)
{
	if (!terminal) {
		assert_int_equal(pipe(end), 0);
		return 1;
	}
	end[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (end[0] < 0 || grantpt(end[0]) || unlockpt(end[0]) || !ptsname(end[0]) ||
	    (end[1] = open(ptsname(end[0]), O_RDWR | O_NOCTTY)) < 0) {
		close(end[0]);
		return 0;
	}
	return 1;
}

/* What was written until now. A terminal hands it over when it likes, so it is read up to a mark. */
static const char *said(const int end[2])
{
	static char text[1000];
	size_t n = 0;
	assert_int_equal(write(end[1], "\001", 1), 1);
	while (!n || text[n - 1] != '\001') {
		ssize_t k = read(end[0], text + n, sizeof text - n);
		assert_true(k > 0);
		n += (size_t)k;
	}
	text[n - 1] = 0;
	return text;
}

static void the_line(void **state)
{
	int end[2];
	(void)state;
	if (!open_ends(end, 1)) {
		print_message("# SKIP: this system gives no terminals\n");
		skip();
	}
	for (uint32_t i = 0; i < 300; i++) {
		struct rng r;
		struct progress p;
		char want[200] = "";
		size_t n = 0;
		rng_init(&r, 71, RNG_TEST, i, 0);
		int quiet = rng_below(&r, 4) == 0, due = rng_below(&r, 3) != 0;
		uint64_t done = rng_below(&r, 3) ? 1 + rng_below(&r, 1000000) : 0, times = rng_below(&r, 5);
		uint64_t total = rng_below(&r, 3) ? (done ? done * (1 + times) : 7) : 0;
		if (!total)
			times = 0;
		const char *note = rng_below(&r, 2) ? "loss 0.5" : NULL;
		int was = turn_stderr(end[1]);
		progress_begin(&p, "training", total, quiet);
		int on = p.on, logs = p.logs;
		p.start -= 1000; /* `done` in 1000 s, so the rest in so many times that */
		p.last += due ? -0.2 : 3600;
		progress_at(&p, done, note);
		double next = p.last - p.start;
		p.last += 3600;
		progress_at(&p, done, "too soon");
		progress_end(&p);
		turn_back(was);
		const char *got = said(end), *left = strstr(got, " s left");
		assert_int_equal(on, !quiet);
		assert_int_equal(logs, 0);
		if (!quiet && due) {
			assert_true(next >= 1000); /* counted from this one */
			n = (size_t)snprintf(want, sizeof want, "\r\033[Ktraining: %llu", (unsigned long long)done);
			while (left && left[-1] >= '0' && left[-1] <= '9')
				left--;
			double seconds = left ? strtod(left, NULL) : 0, least = done ? 1000.0 * (double)times : 0;
			assert_true(seconds >= least && seconds <= least + (done ? 100 : 0)); /* the machine's stops */
			if (total)
				n += (size_t)snprintf(want + n, sizeof want - n, " of %llu, %.0f s left",
						      (unsigned long long)total, seconds);
			if (note)
				n += (size_t)snprintf(want + n, sizeof want - n, ", %s", note);
		}
		if (!quiet)
			snprintf(want + n, sizeof want - n, "\r\033[K");
		if (strcmp(got, want))
			fail_msg("%u: %s, not %s", i, got, want);
	}
	close(end[0]);
	close(end[1]);
}

static void what_a_log_gets(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		int end[2], terminal = k & 1, quiet = k >> 1;
		struct progress p;
		if (!open_ends(end, terminal))
			continue;
		int was = turn_stderr(end[1]);
		progress_begin(&p, "training", 0, quiet);
		turn_back(was);
		int logs = !terminal && !quiet;
		assert_int_equal(p.on, terminal && !quiet);
		assert_int_equal(progress_logs(&p), logs); /* at once */
		assert_int_equal(progress_logs(&p), 0);
		p.last -= 15; /* and then every half a minute */
		assert_int_equal(progress_logs(&p), 0);
		p.last -= 16;
		assert_int_equal(progress_logs(&p), logs);
		assert_int_equal(progress_logs(&p), 0);
		if (!terminal) {
			was = turn_stderr(end[1]);
			progress_at(&p, 1, "never");
			progress_end(&p);
			turn_back(was);
		}
		assert_string_equal(said(end), "");
		close(end[0]);
		close(end[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_line), cmocka_unit_test(what_a_log_gets) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
