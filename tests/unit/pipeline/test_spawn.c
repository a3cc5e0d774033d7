/* Children: what they get, what they say, and that nothing of them is left: neither after a limit of time nor after the
 * end of this program. A pipe that they hold open tells who lives: it ends with the last of them. */
#include "pipeline/files/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Runs a script; what it wrote to stdout lies in text. */
static int shell(const char *script, struct spawn s, char text[256], int *status, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, "name", "a b;'$(", NULL };
	struct child c;
	int ends[2];
	size_t n = 0;
	ssize_t k;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	s.argv = argv;
	s.fd[1] = ends[1];
	int rc = spawn_start(&c, &s, err);
	close(ends[1]);
	while (!rc && n < 255 && (k = read(ends[0], text + n, 255 - n)) > 0)
		n += (size_t)k;
	text[n] = 0;
	close(ends[0]);
	return rc ? -1 : spawn_end(&c, status, err);
}

static const struct spawn plain = { .fd = { -1, -1, -1 } };

/* Takes signals 32 and 33, the C library's own, out of the masks in lines of /proc/PID/status. */
static void without_own(char *lines)
{
	for (char *at = lines; (at = strchr(at, '\t')); at++) {
		char digits[17];
		snprintf(digits, sizeof digits, "%016llx", strtoull(at + 1, NULL, 16) & ~(3ull << 31));
		memcpy(at + 1, digits, 16);
	}
}

static void what_it_gets(void **state)
{
	struct err err = ERR_NONE;
	char text[256];
	int status = -1, peer = *state != NULL;
	struct spawn s = plain;
	s.peer = peer;
	assert_int_equal(shell("printf %s \"$1\"; exit 7", s, text, &status, &err), 0);
	assert_string_equal(text, "a b;'$(");
	assert_int_equal(status, 7);
	assert_int_equal(shell("kill -9 $$", s, text, &status, &err), 0);
	assert_int_equal(status, 128 + SIGKILL);
	/* nothing to read, and no descriptor of ours */
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), mine = fcntl(zero, F_DUPFD_CLOEXEC, 200);
	char name[32], want[256] = "", line[128];
	size_t used = 0;
	snprintf(name, sizeof name, "/proc/self/fd/%d", mine);
	assert_int_equal(shell("cat; echo /proc/self/fd/*", s, text, &status, &err), 0);
	close(zero);
	close(mine);
	assert_null(strstr(text, name));
	assert_non_null(strstr(text, "/proc/self/fd/2"));
	/* signals are as this program got them; 32 and 33 are the C library's own */
	FILE *own = fopen("/proc/self/status", "r");
	assert_non_null(own);
	while (fgets(line, sizeof line, own))
		if ((!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6)) && used + strlen(line) < sizeof want) {
			memcpy(want + used, line, strlen(line) + 1);
			used += strlen(line);
		}
	fclose(own);
	assert_int_equal(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status", s, text, &status, &err), 0);
	without_own(text);
	without_own(want);
	assert_string_equal(text, want);
}

static void environment(void **state)
{
	static const char *const without[] = { "VIC_TEST_A=", "VIC_TEST_B", NULL };
	struct err err = ERR_NONE;
	char text[256];
	int status;
	struct spawn s = plain;
	(void)state;
	setenv("VIC_TEST_A", "1", 1);
	setenv("VIC_TEST_AA", "2", 1);
	setenv("VIC_TEST_BB", "3", 1);
	s.without = without;
	assert_int_equal(shell("env | grep VIC_TEST", s, text, &status, &err), 0);
	assert_string_equal(text, "VIC_TEST_AA=2\n");
}

static void descriptors_change_places(void **state)
{
	static const char *const argv[] = { "sh", "-c", "read x; echo \"out $x\"; echo \"err $x\" >&2", NULL };
	struct err err = ERR_NONE;
	char text[3][64] = { "" };
	int in[2], out[2], talk[2], status, old[3];
	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(talk, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++)
		old[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	assert_int_equal(write(in[1], "word\n", 5), 5);
	dup2(out[1], 2);
	dup2(talk[1], 0);
	dup2(in[0], 1);
	struct spawn s = { .argv = argv, .fd = { 1, 2, 0 } };
	int rc = spawn_run(&s, &status, &err);
	for (int i = 0; i < 3; i++)
		dup2(old[i], i);
	assert_int_equal(rc, 0);
	assert_int_equal(status, 0);
	assert_true(read(out[0], text[1], 63) > 0 && read(talk[0], text[2], 63) > 0);
	assert_string_equal(text[1], "out word\n");
	assert_string_equal(text[2], "err word\n");
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
		close(talk[i]);
	}
}

static void missing_programs_are_said(void **state)
{
	static const char *const argv[] = { "no-such-program-anywhere", NULL }, *const not_one[] = { "/dev/null",
												     NULL };
	struct err err = ERR_NONE;
	struct spawn s = { .argv = argv, .fd = { -1, -1, -1 }, .missing = "install it" };
	int status;
	(void)state;
	assert_int_equal(spawn_run(&s, &status, &err), -1);
	assert_string_equal(err.msg, "install it");
	s.missing = NULL;
	assert_int_equal(spawn_run(&s, &status, &err), -1);
	assert_string_equal(err.msg, "no-such-program-anywhere: cannot be started: No such file or directory");
	s.argv = not_one;
	s.missing = "install it";
	assert_int_equal(spawn_run(&s, &status, &err), -1);
	assert_string_equal(err.msg, "/dev/null: cannot be started: Permission denied");
}

/* What hangs is ended, and what it started: else reading its pipe would not end. */
static void time_is_limited(void **state)
{
	struct err err = ERR_NONE;
	char text[256], grown[4096], script[8192];
	int status;
	struct spawn s = plain;
	s.seconds = 1;
	s.peer = *state != NULL;
	assert_int_equal(
		shell(s.peer ? "exec sleep 1000" : "sleep 1000 & trap '' TERM INT; sleep 1000", s, text, &status, &err),
		-1);
	assert_string_equal(err.msg, "sh took longer than 1 seconds and was ended");
	if (s.peer || !getenv("VIC_THOROUGH")) /* seconds */
		return;
	/* what works on its file is let be, until it stops */
	snprintf(grown, sizeof grown, "/tmp/vic-spawn-%d", (int)getpid());
	const char *tmp = getenv("TMPDIR");
	if (tmp && *tmp)
		snprintf(grown, sizeof grown, "%.4000s/vic-spawn-%d", tmp, (int)getpid());
	s.grows = grown;
	s.seconds = 3;
	snprintf(script, sizeof script,
		 "for i in 1 2 3 4 5 6 7 8 9; do echo >>'%s'; sleep 0.5; done; echo done; exec sleep 1000", grown);
	assert_int_equal(shell(script, s, text, &status, &err), -1);
	unlink(grown);
	assert_string_equal(text, "done\n");
	assert_string_equal(err.msg, "sh did nothing more for 3 seconds and was ended");
}

/* What a program left behind goes with it. */
static void nothing_is_left_behind(void **state)
{
	struct err err = ERR_NONE;
	char text[256];
	int status;
	(void)state;
	assert_int_equal(shell("sleep 1000 & exit 3", plain, text, &status, &err), 0);
	assert_int_equal(status, 3);
}

static int victim(int peer)
{
	const char *script =
		peer ? "echo up; exec sleep 1000" : "trap '' TERM INT HUP; sleep 1000 & echo up; sleep 1000";
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct spawn s = { .argv = argv, .fd = { -1, STDOUT_FILENO, -1 }, .peer = peer };
	struct child c;
	struct err err = ERR_NONE;
	int status;
	if (spawn_start(&c, &s, &err))
		return 1;
	close(STDOUT_FILENO);
	return spawn_end(&c, &status, &err);
}

static void nothing_outlives_the_killed(void **state)
{
	static const int sig[] = { SIGTERM, SIGINT, SIGHUP, SIGKILL, SIGSEGV };
	if (getenv("RUNNER")) {
		printf("# SKIP: an emulator does not start the test anew (children.t kills there, too)\n");
		skip();
	}
	for (size_t i = 0; i < sizeof sig / sizeof *sig; i++) {
		int ends[2], status;
		char text[16];
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		pid_t pid = fork();
		if (!pid) {
			dup2(ends[1], STDOUT_FILENO);
			for (int k = 1; k < NSIG; k++)
				signal(k, SIG_DFL);
			/* sanitizers have their own way to end on one */
			setenv("ASAN_OPTIONS", "handle_segv=0", 1);
			setenv("TSAN_OPTIONS", "handle_segv=0", 1);
			execl("/proc/self/exe", "victim", *state ? "peer" : "group", NULL);
			_exit(1);
		}
		close(ends[1]);
		assert_int_equal(read(ends[0], text, sizeof text), 3);
		assert_int_equal(kill(pid, sig[i]), 0);
		assert_int_equal(read(ends[0], text, sizeof text), 0); /* the end: nobody holds it any more */
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == sig[i]);
		close(ends[0]);
	}
}

int main(int argc, char **argv)
{
	static int yes = 1;
	if (argc > 1)
		return victim(!strcmp(argv[1], "peer"));
	alarm(120); /* a read that does not end is a failure, not a wait */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_gets),
		cmocka_unit_test_prestate(what_it_gets, &yes),
		cmocka_unit_test(environment),
		cmocka_unit_test(descriptors_change_places),
		cmocka_unit_test(missing_programs_are_said),
		cmocka_unit_test(time_is_limited),
		cmocka_unit_test_prestate(time_is_limited, &yes),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(nothing_outlives_the_killed),
		cmocka_unit_test_prestate(nothing_outlives_the_killed, &yes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
