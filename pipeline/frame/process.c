/* State of the whole process: descriptors 0 to 2 are taken, SIGXFSZ is ignored, SIGBUS has a handler, and SIGINT,
 * SIGTERM, SIGHUP and SIGXCPU where a program asks for it. A handler runs in whichever thread there is and may make
 * only async-signal-safe calls: a mapped file's name is ready in mapped.h's list, and writev prints it. A fault in
 * no mapped file ends the program as if there were no handler. */
#include "process.h"
#include "pipeline/files/leftover.h"
#include "pipeline/files/mapped.h"
#include "pipeline/files/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *name; /* of the program; a handler gets no argument of ours */

/* "NAME: " and the parts, a line. Only what a signal handler may call. */
static void say(const char *a, const char *b, const char *c)
{
	const char *const part[] = { name, ": ", a, b, c, "\n" };
	enum { PARTS = sizeof part / sizeof *part };
	struct iovec piece[PARTS];
	for (int i = 0; i < PARTS; i++)
		piece[i] = (struct iovec){ (void *)(uintptr_t)part[i], strlen(part[i]) };
	ssize_t written = writev(STDERR_FILENO, piece, PARTS); /* where stderr is gone, nobody reads either */
	(void)written;
}

/* Several threads may meet the same end: the first speaks. */
static void on_bus(int sig, siginfo_t *info, void *context)
{
	static atomic_flag spoken = ATOMIC_FLAG_INIT;
	const char *why, *file = mapped_at(info->si_addr, &why);
	(void)context;
	if (!file) { /* somebody else's: it ends the program as ever */
		leftover_remove();
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	if (atomic_flag_test_and_set(&spoken))
		for (;;)
			pause();
	leftover_remove();
	say(file, ": ", why);
	_exit(VIC_DATA);
}

static _Atomic(const char *) interrupt_says;
static atomic_int interrupted;

static void on_interrupt(int sig)
{
	const char *why = interrupt_says;
	int first = !atomic_exchange(&interrupted, sig);
	if (!why && first)
		return;
	leftover_remove();
	if (why) {
		if (first)
			say(why, "", "");
		_exit(VIC_SIGNAL + sig);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

void process_interrupts(const char *why)
{
	/* a terminal that is closed, and a batch system's limit of processor time, end a run as Ctrl-C does */
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGXCPU };
	struct sigaction now, ours = { .sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_NODEFER) };
	sigemptyset(&ours.sa_mask);
	interrupt_says = why;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (!sigaction(signals[i], NULL, &now) && ((now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_IGN))
			sigaction(signals[i], &ours, NULL);
}

int process_interrupted(void)
{
	return atomic_load(&interrupted);
}

static void watch_maps(const char *program)
{
	struct sigaction act = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigemptyset(&act.sa_mask);
	name = program;
	sigaction(SIGBUS, &act, NULL);
}

/* For stdio, which knows no waiting. 0: errno says why. */
static ssize_t print(void *unused, const char *from, size_t n)
{
	(void)unused;
	return retry_write_all(STDOUT_FILENO, from, n) ? 0 : (ssize_t)n;
}

static int wait_for_stdout(struct err *err)
{
	int mode = fcntl(STDOUT_FILENO, F_GETFL);
	if (mode < 0 || !(mode & O_NONBLOCK))
		return 0;
	FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = print });
	if (!f)
		return err_memory(err);
	stdout = f;
	return 0;
}

int process_begin(const char *program, struct err *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest number that is free is this one. Opened the other way round, each use of it says EBADF. */
		int got = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
		if (got < 0)
			got = open("/", O_PATH);
		if (got != fd)
			return err_sys(err, "descriptor %d is closed, and nothing can be put there", fd);
	}
	signal(SIGXFSZ, SIG_IGN);
	watch_maps(program);
	return wait_for_stdout(err);
}
