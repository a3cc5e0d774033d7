/* sweep: runs one command many times, each time with another fault, and says at which one it misbehaved.
 *
 *   sweep cut [-e EVERY] [-o none|text|stream] [-s SHIM] FILE -- COMMAND...
 *     The stream FILE is cut at every length (with -e 7 at every 7th, and always around the edges of blocks). "{}" in
 *     COMMAND is the cut file. Wanted: exit status 1, "truncated" in the message, nothing on stdout
 *     (-o none), text (-o text) or a stream without its closing block (-o stream), nothing new in the folder.
 *   sweep fail [-e EVERY] KIND SHIM -- COMMAND...
 *     From the Nth alloc, read, write, fsync or open on all fail (tests/faults/inject.c), or the Nth alone
 *     (alloc:once), N from 1
 *     until all succeed; -e 7: N grows by a 7th of itself. Wanted: exit status 1 (or 3), a message that
 *     begins with the program's name, nothing new in the folder; and
 *     0 once no call fails. A failed alloc may also leave no trace in the output.
 *
 *   sweep pipe -- COMMAND...
 *     stdout is a pipe that nobody reads, once with SIGPIPE as usual and once ignored. Wanted: death by SIGPIPE or exit
 *     status 1, and at most one line that is about it.
 *
 * With SHIM the command is loaded once, and each run is forked from it (VIC_SERVE of inject.c): the same runs at a
 * third of their cost.
 *
 * Never: another signal, more than 20 seconds, or more than 20 lines on stderr. It works in the present folder, which
 * should hold nothing but the inputs. Prints one line; exit status 0 when all went as wanted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 20, MAX_LINES = 20, MAX_TEXT = 8 << 10, MAX_FILES = 256 };

static const char cut_name[] = ".sweep.cut", out_name[] = ".sweep.out", err_name[] = ".sweep.err",
		  seen_name[] = ".sweep.seen";

struct sweep {
	char **argv;
	const char *stdout_is;
	long every;
	int closed_pipe, ignore_sigpipe;
	char before[MAX_FILES][256]; /* the folder's files at the start */
	int n_before;
	long runs;
	int ask, answer; /* where a loaded command takes orders and reports; -1 without one */
	int out, err; /* what the runs write: one file each, emptied before every run */
	char fail[64]; /* what is to fail, VIC_FAIL's value; "" for nothing */
};

struct outcome {
	int status, signal, late;
	char err[MAX_TEXT];
	size_t err_len;
};

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static char *slurp(const char *path, size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die("sweep: %s: %s", path, strerror(errno));
	char *data = malloc((size_t)st.st_size + 1);
	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		die("sweep: %s: read", path);
	close(fd);
	data[st.st_size] = 0;
	*n = (size_t)st.st_size;
	return data;
}

static int own_file(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, ".sweep.", 7);
}

static void note_folder(struct sweep *s)
{
	DIR *dir = opendir(".");
	struct dirent *e;
	while (dir && (e = readdir(dir)))
		if (!own_file(e->d_name) && s->n_before < MAX_FILES)
			snprintf(s->before[s->n_before++], sizeof *s->before, "%s", e->d_name);
	closedir(dir);
}

/* The first file that was not there before, or NULL. */
static const char *new_file(const struct sweep *s)
{
	static char name[300];
	DIR *dir = opendir(".");
	struct dirent *e;
	int found = 0;
	while (!found && dir && (e = readdir(dir))) {
		int known = own_file(e->d_name);
		for (int i = 0; i < s->n_before && !known; i++)
			known = !strcmp(s->before[i], e->d_name);
		known = known || !rmdir(e->d_name); /* an empty folder is no half result */
		if (!known) {
			snprintf(name, sizeof name, "%s", e->d_name);
			found = 1;
		}
	}
	closedir(dir);
	return found ? name : NULL;
}

static const char *placed(const char *arg)
{
	return strcmp(arg, "{}") ? arg : cut_name;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		die("sweep: %s: %s", path, strerror(errno));
	return fd;
}

static void put(int from, int to)
{
	if (dup2(from, to) < 0)
		_exit(126);
}

/* The command, with its files; it returns only by failing. */
static void start(const struct sweep *s)
{
	put(opened("/dev/null", O_RDONLY), 0);
	if (s->closed_pipe) {
		int ends[2];
		if (pipe(ends))
			_exit(126);
		put(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		signal(SIGPIPE, s->ignore_sigpipe ? SIG_IGN : SIG_DFL);
	} else {
		put(s->out, 1);
	}
	put(s->err, 2);
	for (int i = 0; s->argv[i]; i++)
		s->argv[i] = (char *)(uintptr_t)placed(s->argv[i]);
	execvp(s->argv[0], s->argv);
	_exit(127);
}

/* Loads the command once, under the shim; it then forks the runs. */
static void serve(struct sweep *s, const char *shim)
{
	char preload[64], ends[64];
	int order[2], report[2];
	int shim_fd = open(shim, O_RDONLY); /* by its number: LD_PRELOAD cannot name a file whose path holds a space */
	if (shim_fd < 0 || pipe(order) || pipe(report))
		die("%s: %s", shim, strerror(errno));
	snprintf(preload, sizeof preload, "/proc/self/fd/%d", shim_fd);
	snprintf(ends, sizeof ends, "%d:%d", order[0], report[1]);
	pid_t pid = fork();
	if (pid < 0)
		die("sweep: fork: %s", strerror(errno));
	if (!pid) {
		close(order[1]);
		close(report[0]);
		setenv("LD_PRELOAD", preload, 1);
		setenv("LD_BIND_NOW", "1", 1); /* once, and not in every child */
		setenv("VIC_SERVE", ends, 1);
		setenv("VIC_FAIL_SEEN", seen_name, 1);
		start(s);
	}
	close(order[0]);
	close(report[1]);
	s->ask = order[1];
	s->answer = report[0];
}

/* One run of the loaded command. */
static int run_served(struct sweep *s, struct outcome *o)
{
	struct pollfd ended = { .fd = s->answer, .events = POLLIN };
	int pid, status;
	if (write(s->ask, s->fail, sizeof s->fail) != sizeof s->fail || read(s->answer, &pid, sizeof pid) != sizeof pid)
		die("sweep: %s cannot be loaded under the shim", s->argv[0]);
	if (poll(&ended, 1, SECONDS * 1000) == 0) {
		kill(-pid, SIGKILL);
		o->late = 1;
	}
	if (read(s->answer, &status, sizeof status) != sizeof status)
		die("sweep: %s is gone", s->argv[0]);
	return status;
}

static int run_started(struct sweep *s, struct outcome *o)
{
	int status = 0;
	sigset_t set;
	struct timespec limit = { SECONDS, 0 };
	pid_t pid = fork();
	if (pid < 0)
		die("sweep: fork: %s", strerror(errno));
	if (!pid) {
		setpgid(0, 0);
		start(s);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			o->late = 1;
			break;
		}
	}
	return status;
}

static void run(struct sweep *s, struct outcome *o)
{
	s->runs++;
	*o = (struct outcome){ 0 };
	/* The offset is shared with the runs. */
	if (ftruncate(s->out, 0) || ftruncate(s->err, 0) || lseek(s->out, 0, SEEK_SET) || lseek(s->err, 0, SEEK_SET))
		die("sweep: %s: %s", out_name, strerror(errno));
	int status = s->ask < 0 ? run_started(s, o) : run_served(s, o);
	o->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	o->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	ssize_t n = pread(s->err, o->err, sizeof o->err - 1, 0);
	o->err_len = n < 0 ? 0 : (size_t)n;
}

static int lines_of(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* What no fault excuses. */
static void check_manners(const struct sweep *s, const struct outcome *o, const char *fault)
{
	(void)s;
	if (o->late)
		die("%s: still running after %d seconds", fault, SECONDS);
	if (o->signal)
		die("%s: killed by signal %d: %.300s", fault, o->signal, o->err);
	if (o->status == 126 || o->status == 127)
		die("%s: the command could not be run", fault);
	if (lines_of(o->err) > MAX_LINES)
		die("%s: %d lines on stderr, the first: %.200s", fault, lines_of(o->err), o->err);
}

static void check_refusal(const struct sweep *s, const struct outcome *o, const char *fault)
{
	const char *program = strrchr(s->argv[0], '/') ? strrchr(s->argv[0], '/') + 1 : s->argv[0];
	char said[128];
	/* 3, no such device: a backend that could not be loaded for want of memory */
	if (o->status != 1 && !(o->status == 3 && !strncmp(fault, "alloc", 5)))
		die("%s: exit status %d instead of 1: %.300s", fault, o->status, o->err);
	snprintf(said, sizeof said, strcmp(program, "vic") ? "%s: " : "%s", program); /* vic becomes vic-STAGE */
	if (!strstr(o->err, said))
		die("%s: no message that begins with '%s': %.300s", fault, said, o->err);
	if (new_file(s))
		die("%s: left the file %s behind", fault, new_file(s));
}

static void check_stdout(const struct sweep *s, const char *fault)
{
	size_t n;
	char *text = slurp(out_name, &n);
	if (!strcmp(s->stdout_is, "none") && n)
		die("%s: %zu bytes on stdout: %.100s", fault, n, text);
	/* A closing block is 128 bytes: a header that begins with DONE, and its payload. */
	if (!strcmp(s->stdout_is, "stream") && n >= 128 && !memcmp(text + n - 128, "DONE", 4))
		die("%s: stdout is a stream with its closing block", fault);
	free(text);
}

static uint64_t u64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

/* 1 when `at` is within one byte of where a signature, a header or a payload begins. */
static int near_edge(const char *data, size_t n, size_t at)
{
	for (size_t from = 0; from + 64 <= n;) {
		size_t step = 64;
		if (memcmp(data + from, "\x89VIC", 4)) {
			if (at + 1 >= from + 64 && at <= from + 65)
				return 1;
			step = 64 + (size_t)((u64(data + from + 8) + 63) / 64 * 64);
		}
		if (at + 1 >= from && at <= from + 1)
			return 1;
		from += step;
	}
	return at + 1 >= n;
}

/* Between two documents a cut leaves a whole stream: such a length is no fault. */
static int whole(const char *data, size_t n)
{
	return n >= 128 && !memcmp(data + n - 128, "DONE", 4) && n % 64 == 0;
}

static void sweep_cut(struct sweep *s, const char *path)
{
	size_t n;
	char *data = slurp(path, &n);
	struct outcome o;
	int fd = opened(cut_name, O_WRONLY | O_CREAT | O_TRUNC);
	if (write(fd, data, n) != (ssize_t)n)
		die("sweep: %s: %s", cut_name, strerror(errno));
	run(s, &o); /* whole, it works: the faults below are the cuts' */
	if (o.status || o.signal)
		die("uncut: exit status %d: %.300s", o.status, o.err);
	for (size_t at = n; at-- > 0;) {
		char fault[64];
		if ((at % (size_t)s->every && !near_edge(data, n, at)) || whole(data, at))
			continue;
		snprintf(fault, sizeof fault, "cut at byte %zu of %zu", at, n);
		if (ftruncate(fd, (off_t)at))
			die("sweep: %s: %s", cut_name, strerror(errno));
		run(s, &o);
		check_manners(s, &o, fault);
		check_refusal(s, &o, fault);
		if (!strstr(o.err, at ? "truncated" : "empty"))
			die("%s: the message does not say so: %.300s", fault, o.err);
		check_stdout(s, fault);
	}
	close(fd);
	free(data);
}

static void sweep_pipe(struct sweep *s)
{
	struct outcome o;
	s->closed_pipe = 1;
	for (s->ignore_sigpipe = 0; s->ignore_sigpipe < 2; s->ignore_sigpipe++) {
		const char *fault = s->ignore_sigpipe ? "closed pipe, SIGPIPE ignored" : "closed pipe";
		run(s, &o);
		if (!s->ignore_sigpipe && o.signal == SIGPIPE)
			continue;
		check_manners(s, &o, fault);
		check_refusal(s, &o, fault);
		if (!strstr(o.err, "stdout: write: Broken pipe"))
			die("%s: the message does not say so: %.300s", fault, o.err);
	}
}

/* A library may do without (qsort sorts in place when it gets no room): then nothing but the output of a run without
 * faults will do. */
static int survived(struct sweep *s, const struct outcome *o, const char *fault)
{
	static char *good; /* of the run without faults */
	static size_t good_n;
	size_t n;
	if (o->status)
		return 0;
	if (new_file(s))
		die("%s: exit status 0, having written %s", fault, new_file(s));
	char *text = slurp(out_name, &n);
	if (!good) {
		struct outcome clean;
		s->fail[0] = 0;
		run(s, &clean);
		good = slurp(out_name, &good_n);
	}
	if (n != good_n || memcmp(text, good, n))
		die("%s: exit status 0, and not the output of a run without faults", fault);
	free(text);
	return 1;
}

static void sweep_fail(struct sweep *s, const char *kind)
{
	int word = (int)strcspn(kind, ":");
	for (long n = 1;; n += s->every > 1 ? 1 + n / s->every : 1) {
		char fault[64];
		struct outcome o;
		snprintf(fault, sizeof fault, "%s %ld fails", kind, n);
		snprintf(s->fail, sizeof s->fail, "%.*s:%ld%s", word, kind, n, kind + word);
		unlink(seen_name);
		run(s, &o);
		check_manners(s, &o, fault);
		if (access(seen_name, F_OK)) {
			if (o.status)
				die("no %s fails any more: exit status %d: %.300s", kind, o.status, o.err);
			break;
		}
		if (strncmp(kind, "alloc", 5) || !survived(s, &o, fault))
			check_refusal(s, &o, fault);
	}
	unlink(seen_name);
}

int main(int argc, char **argv)
{
	static struct sweep s = { .every = 1, .stdout_is = "none", .ask = -1 };
	const char *mode = argc > 1 ? argv[1] : "", *shim = NULL;
	int c, operands;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL); /* for sigtimedwait */
	optind = 2;
	while ((c = getopt(argc, argv, "+e:o:s:")) != -1) {
		if (c == 'e')
			s.every = strtol(optarg, NULL, 10);
		else if (c == 'o')
			s.stdout_is = optarg;
		else if (c == 's')
			shim = optarg;
		else
			return 2;
	}
	operands = !strcmp(mode, "cut") ? 1 : !strcmp(mode, "fail") ? 2 : !strcmp(mode, "pipe") ? 0 : -1;
	if (operands == 0) /* getopt has eaten the "--" */
		optind--;
	if (operands < 0 || argc < optind + operands + 2 || strcmp(argv[optind + operands], "--") || s.every < 1) {
		fprintf(stderr,
			"usage: sweep cut [-e N] [-o none|text|stream] [-s SHIM] FILE -- COMMAND...\n"
			"       sweep fail [-e N] alloc|read|write|fsync|open[:once] SHIM -- COMMAND...\n"
			"       sweep pipe -- COMMAND...\n");
		return 2;
	}
	s.argv = argv + optind + operands + 1;
	note_folder(&s);
	s.out = opened(out_name, O_RDWR | O_CREAT | O_TRUNC);
	s.err = opened(err_name, O_RDWR | O_CREAT | O_TRUNC);
	if (operands == 2)
		shim = argv[optind + 1];
	if (shim)
		serve(&s, shim);
	if (operands == 0)
		sweep_pipe(&s);
	else if (operands == 1)
		sweep_cut(&s, argv[optind]);
	else
		sweep_fail(&s, argv[optind]);
	if (shim) {
		close(s.ask);
		wait(NULL);
	}
	printf("%ld runs, all as wanted\n", s.runs);
	return 0;
}
