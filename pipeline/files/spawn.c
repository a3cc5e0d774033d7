/* Starts programs with two forks: this process starts the guard, the guard starts the program. One pipe carries the
 * guard's report. The other carries the errno of a failed exec; a successful exec closes it, and so spawn_start
 * knows.
 * This process may have threads, so nothing after a fork may allocate or take a lock. Signals are blocked from
 * before the first fork until the guard has its handlers and the program its own mask. The guard kills the program's
 * group before it reaps the program, while the number cannot have been given to another.
 * PR_SET_PDEATHSIG follows the thread that forked, not the process: call spawn_start from a thread that outlives the
 * program. */
#include "spawn.h"
#include "pipeline/base/mem.h"
#include "retry.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What the guard says of the program's end. */
struct report {
	int status; /* as waitpid has it */
	int late;   /* ended for its limit */
};

/* The guard's own; a process of its own has nothing else. */
static struct {
	pid_t target; /* the program, or minus its group */
	volatile sig_atomic_t late;
	int seconds;
	const char *grows;
	struct stat last;
} guard;

static void parent_is_gone(int sig)
{
	(void)sig;
	kill(guard.target, SIGKILL);
	_exit(1);
}

static void time_is_over(int sig)
{
	struct stat now;
	int saved = errno;
	(void)sig;
	if (guard.grows && !stat(guard.grows, &now) &&
	    (now.st_size != guard.last.st_size || now.st_mtim.tv_sec != guard.last.st_mtim.tv_sec ||
	     now.st_mtim.tv_nsec != guard.last.st_mtim.tv_nsec)) {
		guard.last = now;
		alarm((unsigned)guard.seconds);
	} else {
		guard.late = 1;
		kill(guard.target, SIGKILL);
	}
	errno = saved;
}

static void close_others(int kept)
{
	/* Held open here, a pipe would never end for who reads it. */
#ifdef SYS_close_range
	if ((kept == 3 || !syscall(SYS_close_range, 3u, (unsigned)kept - 1, 0u)) &&
	    !syscall(SYS_close_range, (unsigned)kept + 1, ~0u, 0u))
		return;
#endif
	for (int fd = 3, most = (int)sysconf(_SC_OPEN_MAX); fd < most; fd++)
		if (fd != kept)
			close(fd);
}

/* Between fork and exec: only what a signal handler might do. */
static void become(const struct spawn *s, const int fd[3], char **env, const sigset_t *mask, int told)
{
	if (!s->peer)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0 && dup2(fd[i], i) < 0)
			goto fail;
	signal(SIGXFSZ, SIG_DFL); /* ignored here, as process.h says */
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvpe(s->argv[0], (char *const *)s->argv, env);
fail:;
	int why = errno;
	_exit(retry_write_all(told, &why, sizeof why) ? 126 : 127);
}

static void stand_guard(const struct spawn *s, pid_t program, pid_t parent, const sigset_t *mask, int report)
{
	struct report r = { 0 };
	guard.target = s->peer ? program : -program;
	guard.seconds = s->seconds;
	guard.grows = s->grows;
	if (!s->peer)
		setpgid(program, program); /* whoever comes first */
	if (s->grows)
		(void)!stat(s->grows, &guard.last);
	close_others(report);
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN); /* from the terminal: the parent decides, or its end does */
	signal(SIGTERM, parent_is_gone);
	signal(SIGALRM, time_is_over);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		parent_is_gone(0);
	sigset_t open = *mask;
	sigdelset(&open, SIGTERM);
	sigdelset(&open, SIGALRM);
	sigprocmask(SIG_SETMASK, &open, NULL);
	alarm((unsigned)s->seconds);
	siginfo_t ended;
	while (waitid(P_PID, (id_t)program, &ended, WEXITED | WNOWAIT) && errno == EINTR)
		;
	alarm(0);
	r.late = guard.late;
	if (!s->peer)
		kill(-program, SIGKILL); /* what it left behind; its number is still its own */
	while (waitpid(program, &r.status, 0) < 0 && errno == EINTR)
		;
	_exit(retry_write_all(report, &r, sizeof r) ? 1 : 0);
}

/* The environment less what s->without says. *env is freed by the caller; the texts are not copied. */
static int environment(char ***env, const struct spawn *s, struct err *err)
{
	size_t n = 0, kept = 0;
	while (environ && environ[n])
		n++;
	if (mem_alloc(env, n + 1, sizeof **env, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *const *w = s->without;
		while (w && *w && strncmp(environ[i], *w, strlen(*w)))
			w++;
		if (!w || !*w)
			(*env)[kept++] = environ[i];
	}
	return 0;
}

/* Above 2, so that putting one in its place overwrites no other. All are of this process alone. */
static int gather_descriptors(int fd[3], const struct spawn *s, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int from = s->fd[i];
		if (from < 0 && i)
			continue;
		fd[i] = from < 0 ? retry_open(AT_FDCWD, "/dev/null", O_RDONLY) : fcntl(from, F_DUPFD_CLOEXEC, 3);
		if (fd[i] >= 0 && fd[i] < 3) {
			int low = fd[i];
			fd[i] = fcntl(low, F_DUPFD_CLOEXEC, 3);
			close(low);
		}
		if (fd[i] < 0)
			return err_sys(err, "%s: cannot be started", s->argv[0]);
	}
	return 0;
}

static void close_all(int *fd, int n)
{
	for (int i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* In the guard. Never returns. */
static void fork_program(const struct spawn *s, const int fd[3], char **env, const sigset_t *mask, pid_t parent,
			 const int pipes[4])
{
	pid_t program = fork();
	if (!program)
		become(s, fd, env, mask, pipes[3]);
	if (program < 0) {
		int why = errno;
		_exit(retry_write_all(pipes[3], &why, sizeof why) ? 1 : 0);
	}
	stand_guard(s, program, parent, mask, pipes[1]);
	_exit(1);
}

int spawn_start(struct child *c, const struct spawn *s, struct err *err)
{
	int pipes[4] = { -1, -1, -1, -1 }, fd[3] = { -1, -1, -1 }; /* pipes: the guard's report; the errno of exec */
	char **env = NULL;
	int why = 0, rc = -1;
	sigset_t all, mask;
	pid_t parent = getpid();
	if (environment(&env, s, err) || gather_descriptors(fd, s, err))
		goto done;
	if (pipe2(pipes, O_CLOEXEC) || pipe2(pipes + 2, O_CLOEXEC)) {
		err_sys(err, "pipe");
		goto done;
	}
	fflush(stdout); /* _exit leaves a copied buffer alone, but the thread sanitizer's writes it out */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	*c = (struct child){ fork(), -1, s->seconds, s->grows != NULL, s->argv[0] };
	if (!c->guard)
		fork_program(s, fd, env, &mask, parent, pipes);
	why = c->guard < 0 ? errno : 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(pipes[1]);
	close(pipes[3]);
	pipes[1] = pipes[3] = -1;
	if (!why) {
		if (retry_read_all(pipes[2], &why, sizeof why) > 0)
			while (waitpid(c->guard, NULL, 0) < 0 && errno == EINTR)
				;
	}
	if (!why) {
		c->report = pipes[0];
		pipes[0] = -1;
		rc = 0;
	} else if (why == ENOENT && s->missing) {
		err_system(err, "%s", s->missing);
	} else {
		errno = why;
		err_sys(err, "%s: cannot be started", s->argv[0]);
	}
done:
	close_all(fd, 3);
	close_all(pipes, 4);
	free(env);
	return rc;
}

int spawn_end(struct child *c, int *status, struct err *err)
{
	struct report r;
	ssize_t k = retry_read_all(c->report, &r, sizeof r);
	close(c->report);
	while (waitpid(c->guard, NULL, 0) < 0 && errno == EINTR)
		;
	if (k != sizeof r)
		return err_system(err, "%s: the process that waited for it was killed", c->name);
	if (r.late)
		return err_system(err, "%s %s %d seconds and was ended", c->name,
				  c->grows ? "did nothing more for" : "took longer than", c->seconds);
	*status = WIFEXITED(r.status) ? WEXITSTATUS(r.status) : 128 + WTERMSIG(r.status);
	return 0;
}

int spawn_run(const struct spawn *s, int *status, struct err *err)
{
	struct child c;
	return spawn_start(&c, s, err) || spawn_end(&c, status, err) ? -1 : 0;
}
