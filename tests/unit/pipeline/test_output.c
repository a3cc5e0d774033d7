/* Where outputs go: links, descriptors, FIFOs and devices; permissions; and what is left of a program that is killed.
 * Each with and without files that have no name (O_TMPFILE), which not every file system knows. */
#include "pipeline/files/io.h"
#include "pipeline/files/place.h"

#include <dirent.h>
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* self: by which name this test was started, which under qemu is another */
static char folder[PATH_MAX], self[PATH_MAX];
static int named_only;

/* The program's own, in place of the C library's. */
int openat(int at, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (named_only && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void holds(const char *name, const char *text)
{
	char got[64] = "";
	int fd = open(name, O_RDONLY);
	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof got - 1) >= 0);
	close(fd);
	assert_string_equal(got, text);
}

static int entries(const char *name)
{
	DIR *d = opendir(name);
	int n = 0;
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int fill(struct output *out, const char *name, const char *text, struct err *err)
{
	return output_open(out, name, err) || output_write(out, text, strlen(text), err) || output_flush(out, err);
}

static int make(const char *name, const char *text, struct err *err)
{
	struct output out;
	int rc = fill(&out, name, text, err) || output_commit(&out, err);
	output_release(&out);
	return rc ? -1 : 0;
}

static int empty(void **state)
{
	char command[PATH_MAX + 32];
	named_only = *state != NULL;
	snprintf(command, sizeof command, "rm -rf '%s'/*", folder);
	return system(command) || chdir(folder);
}

static void links_are_followed(void **state)
{
	struct err err = ERR_NONE;
	struct stat st;
	(void)state;
	assert_int_equal(mkdir("deep", 0755), 0);
	put("deep/real", "old");
	assert_int_equal(symlink("deep/mid", "link"), 0);
	assert_int_equal(symlink("real", "deep/mid"), 0);
	assert_int_equal(make("link", "new", &err), 0);
	holds("deep/real", "new");
	assert_true(!lstat("link", &st) && S_ISLNK(st.st_mode));
	assert_true(!lstat("deep/mid", &st) && S_ISLNK(st.st_mode));
	/* to nothing: made there */
	assert_int_equal(symlink("deep/fresh", "dangling"), 0);
	assert_int_equal(make("dangling", "made", &err), 0);
	holds("deep/fresh", "made");
	assert_true(!lstat("dangling", &st) && S_ISLNK(st.st_mode));
	assert_int_equal(entries("deep"), 3);
	/* in a ring */
	assert_int_equal(symlink("b", "a"), 0);
	assert_int_equal(symlink("a", "b"), 0);
	assert_int_equal(make("a", "", &err), -1);
	assert_non_null(strstr(err.msg, "a: Too many levels of symbolic links"));
	/* into nowhere, and a folder */
	assert_int_equal(symlink("nowhere/x", "lost"), 0);
	assert_int_equal(make("lost", "", &err), -1);
	assert_string_equal(err.msg, "lost: No such file or directory");
	assert_int_equal(make("deep", "", &err), -1);
	assert_string_equal(err.msg, "deep: Is a directory");
	assert_int_equal(make("new/", "", &err), -1);
}

static void descriptors_are_shared(void **state)
{
	struct err err = ERR_NONE;
	struct stat st;
	char name[32], link[] = "out";
	(void)state;
	int fd = open("log", O_RDWR | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, "before ", 7), 7);
	snprintf(name, sizeof name, "/dev/fd/%d", fd);
	assert_int_equal(make(name, "first ", &err), 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	assert_int_equal(symlink(name, link), 0);
	assert_int_equal(make(link, "second ", &err), 0);
	assert_int_equal(write(fd, "after", 5), 5);
	holds("log", "before first second after");
	assert_true(!lstat(link, &st) && S_ISLNK(st.st_mode));
	close(fd);
	assert_int_equal(make(name, "", &err), -1);
	assert_non_null(strstr(err.msg, "Bad file descriptor"));
	fd = open("log", O_RDONLY);
	snprintf(name, sizeof name, "/dev/fd/%d", fd);
	assert_int_equal(make(name, "", &err), -1);
	assert_non_null(strstr(err.msg, "open for reading alone"));
	close(fd);
}

static void special_files_stay(void **state)
{
	struct err err = ERR_NONE;
	struct stat st;
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	int fd = open("fifo", O_RDONLY | O_NONBLOCK);
	char got[8] = "";
	assert_int_equal(make("fifo", "bytes", &err), 0);
	assert_int_equal(read(fd, got, sizeof got), 5);
	assert_string_equal(got, "bytes");
	close(fd);
	assert_true(!lstat("fifo", &st) && S_ISFIFO(st.st_mode));
	assert_int_equal(symlink("/dev/full", "full"), 0);
	struct output out;
	assert_int_equal(output_open(&out, "full", &err), 0);
	assert_true(output_in_place(&out));
	assert_int_equal(output_write(&out, "x", 1, &err), 0);
	assert_int_equal(output_commit(&out, &err), -1);
	assert_string_equal(err.msg, "full: write: No space left on device");
	output_release(&out);
	assert_true(!lstat("full", &st) && S_ISLNK(st.st_mode));
}

static void permissions_are_kept(void **state)
{
	static const mode_t mode[] = { 0600, 0640, 0666, 0755, 0444 };
	struct err err = ERR_NONE;
	struct stat st;
	(void)state;
	for (size_t i = 0; i < sizeof mode / sizeof *mode; i++) {
		put("file", "old");
		assert_int_equal(chmod("file", mode[i]), 0);
		assert_int_equal(make("file", "new", &err), 0);
		assert_int_equal(stat("file", &st), 0);
		assert_int_equal(st.st_mode & 07777, mode[i]);
		holds("file", "new");
		unlink("file");
	}
	mode_t mask = umask(027);
	assert_int_equal(make("file", "new", &err), 0);
	umask(mask);
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	if (!geteuid()) { /* root gives the file back to whose it was */
		assert_int_equal(chown("file", 12345, 54321), 0);
		assert_int_equal(make("file", "root's", &err), 0);
		assert_int_equal(stat("file", &st), 0);
		assert_true(st.st_uid == 12345 && st.st_gid == 54321 && (st.st_mode & 07777) == 0640);
	}
}

static void others_names_are_not_taken(void **state)
{
	struct err err = ERR_NONE;
	(void)state;
	char name[256];
	memset(name, 'n', 255);
	name[255] = 0;
	for (int i = 0; i < 2; i++) /* as long as a name may be: none is made longer on the way */
		assert_int_equal(make(name, "long", &err), 0);
	holds(name, "long");
	/* made by somebody else meanwhile */
	struct output out;
	assert_int_equal(fill(&out, "late", "ours", &err), 0);
	put("late", "theirs");
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	holds("late", "ours");
	/* the folder is the one that was meant, wherever it went */
	assert_int_equal(mkdir("here", 0755), 0);
	assert_int_equal(fill(&out, "here/file", "x", &err), 0);
	assert_int_equal(rename("here", "there"), 0);
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
	holds("there/file", "x");
	/* a file that cannot be replaced in the end leaves nothing */
	assert_int_equal(fill(&out, "there/block", "x", &err), 0);
	assert_int_equal(mkdir("there/block", 0755), 0);
	assert_int_equal(output_commit(&out, &err), -1);
	assert_non_null(strstr(err.msg, "there/block: "));
	output_release(&out);
	assert_int_equal(entries("there"), 2);
}

/* What the program does that is going to be killed: a program of its own, as cmocka has handlers for signals. */
static int victim(void)
{
	struct output out[3];
	struct err err = ERR_NONE;
	for (int i = 0; i < 3; i++)
		if (fill(&out[i], "file", "half", &err))
			return 1;
	if (write(STDOUT_FILENO, "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void killed_in(int sig, int left)
{
	int ready[2];
	char c;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(ready[1], STDOUT_FILENO);
		for (int i = 1; i < NSIG; i++)
			signal(i, SIG_DFL);
		setenv("ASAN_OPTIONS", "handle_segv=0", 1);
		setenv("TSAN_OPTIONS", "handle_segv=0", 1); /* sanitizers have their own way to end on one */
		execl(self, "victim", named_only ? "named" : "unnamed", NULL);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(kill(pid, sig), 0);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == sig);
	close(ready[0]);
	assert_int_equal(entries("."), 1 + left);
	holds("file", "old");
}

static void nothing_outlives_the_killed(void **state)
{
	static const int sig[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGSEGV, SIGXCPU, SIGUSR1 };
	(void)state;
	put("file", "old");
	for (size_t i = 0; i < sizeof sig / sizeof *sig; i++)
		killed_in(sig[i], 0);
	if (!named_only)
		killed_in(SIGKILL, 0);
}

static void unnamed_files_have_no_name(void **state)
{
	struct err err = ERR_NONE;
	struct output out;
	char got[8] = "";
	(void)state;
	assert_int_equal(output_unnamed(&out, folder, &err), 0);
	assert_int_equal(entries("."), 0);
	assert_int_equal(output_write(&out, "spool", 5, &err), 0);
	assert_int_equal(output_flush(&out, &err), 0);
	assert_int_equal(pread(out.fd, got, sizeof got, 0), 5);
	output_release(&out);
	assert_int_equal(output_unnamed(&out, "/nowhere", &err), -1);
	assert_string_equal(err.msg, "/nowhere: No such file or directory");
}

/* Where unfinished files have names there is room for so many; when it is used up that is said, and a place that
 * becomes free is taken again. */
static void unfinished_files_have_places(void **state)
{
	enum { PLACES = 64 };
	static struct output out[PLACES + 1];
	struct err err = ERR_NONE;
	(void)state;
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(output_open(&out[i], "file", &err), 0);
	assert_int_equal(entries("."), named_only ? PLACES : 0);
	alarm(20);
	int rc = output_open(&out[PLACES], "file", &err);
	assert_int_equal(rc, named_only ? -1 : 0);
	if (rc)
		assert_string_equal(err.msg, "file: Too many open files");
	output_release(&out[PLACES]);
	output_release(&out[7]);
	assert_int_equal(output_open(&out[7], "file", &err), 0);
	alarm(0);
	for (int i = 0; i < PLACES; i++)
		output_release(&out[i]);
	assert_int_equal(entries("."), 0);
}

/* Nothing can be made there, and it is said at once, however the unfinished file would be named. */
static void where_nothing_can_be_made(void **state)
{
	struct err err = ERR_NONE;
	(void)state;
	alarm(20);
	assert_int_equal(symlink("/sys/kernel", "kernel"), 0);
	assert_int_equal(make("kernel/vic-output-test", "", &err), -1);
	assert_non_null(strstr(err.msg, "kernel/vic-output-test: "));
	alarm(0);
}

/* In a folder as /tmp is, the file of another cannot be replaced, and that is said before the work: one's own can, and
 * any where the folder is one's own. In a process of its own, which is nobody's. */
static void a_sticky_folder(void **state)
{
	enum { US = 12345, OTHER = 54321 };
	(void)state;
	if (geteuid()) {
		print_message("# SKIP: only root can give files to others\n");
		skip();
	}
	for (int k = 0; k < 8; k++) {
		int sticky = k & 1, own_folder = k >> 1 & 1, own_file = k >> 2, status;
		assert_int_equal(mkdir("shared", 0777), 0);
		put("shared/file", "old");
		assert_int_equal(chmod("shared/file", 0666) || chown("shared/file", own_file ? US : OTHER, 0), 0);
		assert_int_equal(chown("shared", own_folder ? US : OTHER, 0), 0);
		assert_int_equal(chmod("shared", sticky ? 01777 : 0777), 0);
		pid_t pid = fork();
		if (!pid) {
			struct err err = ERR_NONE;
			if (chdir("shared") || setgid(US) || setuid(US))
				_exit(3);
			if (!output_prove("file", &err))
				_exit(make("file", "new", &err) ? 4 : 0);
			_exit(strcmp(err.msg, "file: Operation not permitted") ? 5 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, sticky && !own_folder && !own_file ? 1 << 8 : 0);
		holds("shared/file", status ? "old" : "new");
		assert_int_equal(unlink("shared/file") || rmdir("shared"), 0);
	}
}

static void paths_are_cut_at_their_last_slash(void **state)
{
	static const char *const cut[][3] = {
		{ "a", ".", "a" }, { "/a", "/", "a" }, { "b/a", "b", "a" }, { "/b/c/a", "/b/c", "a" }, { "b/", "b", "" }
	};
	char to[PATH_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		assert_string_equal(place_split(cut[i][0], to), cut[i][2]);
		assert_string_equal(to, cut[i][1]);
	}
}

int main(int argc, char **argv)
{
	named_only = argc > 1 && !strcmp(argv[1], "named");
	if (argc > 1)
		return victim();
	if (!realpath(argv[0], self))
		return 1;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/vic-output-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return 1;
#define BOTH(f)                                                                                                        \
	cmocka_unit_test_prestate_setup_teardown(f, empty, NULL, NULL),                                                \
		cmocka_unit_test_prestate_setup_teardown(f, empty, NULL, folder)
	const struct CMUnitTest tests[] = {
		BOTH(links_are_followed),
		BOTH(descriptors_are_shared),
		BOTH(special_files_stay),
		BOTH(permissions_are_kept),
		BOTH(others_names_are_not_taken),
		BOTH(nothing_outlives_the_killed),
		BOTH(unnamed_files_have_no_name),
		BOTH(unfinished_files_have_places),
		BOTH(where_nothing_can_be_made),
		BOTH(a_sticky_folder),
		cmocka_unit_test(paths_are_cut_at_their_last_slash),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	void *none = NULL;
	return empty(&none) || rmdir(folder) || rc;
}
