#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int process_begin(struct err *err)
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
	return 0;
}
