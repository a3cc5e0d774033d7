/* What a program settles with the system, each case in a process of its own: descriptors that are closed, signals that
 * are remembered, that end it, or that were switched off. */
#include "tests/scratch.h"
#include "pipeline/frame/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Runs f in a process of its own, in which a failed check is another status; what it said lies in text. */
static int status_of(void (*f)(int), int arg, char text[200])
{
	int ends[2], status;
	size_t n = 0;
	ssize_t k;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (int sig = 1; sig < SIGRTMIN; sig++)
			signal(sig, SIG_DFL); /* whoever runs the tests may have switched some off */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		dup2(ends[1], STDERR_FILENO);
		f(arg);
		_exit(0);
	}
	close(ends[1]);
	while ((k = read(ends[0], text + n, 199 - n)) > 0)
		n += (size_t)k;
	text[n] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void must(int holds, int which)
{
	if (!holds)
		_exit(10 + which);
}

/* closed: a bit a descriptor. */
static void begin_without(int closed)
{
	struct err err = ERR_NONE;
	struct stat before[3], now;
	char byte = 0;
	for (int fd = 0; fd < 3; fd++)
		must(!(closed >> fd & 1 ? close(fd) : fstat(fd, &before[fd])), 0);
	must(!process_begin("vic-test", &err), 1);
	for (int fd = 0; fd < 3; fd++) {
		if (closed >> fd & 1) {
			must(fcntl(fd, F_GETFD) >= 0, 2);
			ssize_t k = fd ? write(fd, &byte, 1) : read(fd, &byte, 1);
			must(k < 0 && errno == EBADF, 3);
		} else {
			must(!fstat(fd, &now) && now.st_ino == before[fd].st_ino && now.st_dev == before[fd].st_dev, 4);
		}
	}
	must(open("/dev/null", O_RDONLY) > STDERR_FILENO, 5);
	/* a write beyond the limit says EFBIG */
	struct rlimit none = { 0, RLIM_INFINITY };
	char name[SCRATCH_PATH];
	int fd = mkstemp(scratch_template(name, "process"));
	must(fd >= 0 && !unlink(name) && !setrlimit(RLIMIT_FSIZE, &none), 6);
	must(write(fd, &byte, 1) < 0 && errno == EFBIG, 7);
}

static void closed_descriptors(void **state)
{
	char text[200];
	(void)state;
	for (int closed = 0; closed < 8; closed++)
		assert_int_equal(status_of(begin_without, closed, text), 0);
}

static void remembers(int sig)
{
	struct err err = ERR_NONE;
	must(!process_begin("vic-test", &err), 0);
	process_interrupts(NULL);
	must(!process_interrupted(), 1);
	raise(sig);
	must(process_interrupted() == sig, 2);
	raise(sig); /* ends it as ever */
	_exit(3);
}

static void says_why(int sig)
{
	struct err err = ERR_NONE;
	must(!process_begin("vic-test", &err), 0);
	process_interrupts("stopped, and nothing is lost");
	raise(sig);
	_exit(3);
}

static void is_switched_off(int sig)
{
	struct err err = ERR_NONE;
	must(!process_begin("vic-test", &err), 0);
	signal(sig, SIG_IGN);
	process_interrupts("never said");
	raise(sig);
	must(!process_interrupted(), 1);
}

static void signals(void **state)
{
	static const int each[] = { SIGINT, SIGTERM, SIGHUP, SIGXCPU };
	char text[200];
	(void)state;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		int sig = each[i], status = status_of(remembers, sig, text);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == sig);
		assert_string_equal(text, "");
		status = status_of(says_why, sig, text);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == VIC_SIGNAL + sig);
		assert_string_equal(text, "vic-test: stopped, and nothing is lost\n");
		assert_int_equal(status_of(is_switched_off, sig, text), 0);
		assert_string_equal(text, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(closed_descriptors), cmocka_unit_test(signals) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
