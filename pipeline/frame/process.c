/* State of the whole process: descriptors 0 to 2 are taken, SIGXFSZ is ignored, SIGBUS has a handler. The handler
 * runs in whichever thread met the fault and may make only async-signal-safe calls: the file's name is ready in
 * mapped.h's list, and writev prints it. A fault in no mapped file ends the program as if there were no handler. */
#include "process.h"
#include "pipeline/files/leftover.h"
#include "pipeline/files/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *name; /* of the program; a handler gets no argument of ours */

/* Only what a signal handler may call. Several threads may meet the same end: the first speaks. */
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
	const char *const part[] = { name, ": ", file, ": ", why, "\n" };
	enum { PARTS = sizeof part / sizeof *part };
	struct iovec piece[PARTS];
	for (int i = 0; i < PARTS; i++)
		piece[i] = (struct iovec){ (void *)(uintptr_t)part[i], strlen(part[i]) };
	ssize_t written = writev(STDERR_FILENO, piece, PARTS); /* where stderr is gone, nobody reads either */
	(void)written;
	_exit(VIC_DATA);
}

static void watch_maps(const char *program)
{
	struct sigaction act = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigemptyset(&act.sa_mask);
	name = program;
	sigaction(SIGBUS, &act, NULL);
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
	return 0;
}
