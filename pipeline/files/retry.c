/* What is asked again, and when: see retry.h. */
#include "retry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* 1 when the call that failed is to be made again, once the descriptor is ready. */
static int go_on(int fd, short ready)
{
	struct pollfd p = { .fd = fd, .events = ready };
	if (errno == EINTR)
		return 1;
	if (errno != EAGAIN)
		return 0;
	int waited = poll(&p, 1, -1);
	if (waited > 0 || (waited < 0 && errno == EINTR))
		return 1;
	errno = EAGAIN;
	return 0;
}

int retry_open(int folder, const char *path, int flags)
{
	int fd;
	do
		fd = openat(folder, path, flags | O_CLOEXEC, 0666);
	while (fd < 0 && errno == EINTR);
	return fd;
}

DIR *retry_folder(const char *path)
{
	int fd = retry_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d) {
		int why = errno;
		close(fd);
		errno = why;
	}
	return d;
}

ssize_t retry_read(int fd, void *to, size_t n)
{
	ssize_t k;
	do
		k = read(fd, to, n);
	while (k < 0 && go_on(fd, POLLIN));
	return k;
}

ssize_t retry_read_at(int fd, void *to, size_t n, off_t at)
{
	size_t done = 0;
	while (done < n) {
		ssize_t k = pread(fd, (char *)to + done, n - done, at + (off_t)done);
		if (k < 0 && !go_on(fd, POLLIN))
			return -1;
		if (!k)
			break;
		done += k > 0 ? (size_t)k : 0;
	}
	return (ssize_t)done;
}

ssize_t retry_read_all(int fd, void *to, size_t n)
{
	size_t done = 0;
	ssize_t k = 1;
	while (done < n && k) {
		k = retry_read(fd, (char *)to + done, n - done);
		if (k < 0)
			return -1;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

int retry_write_all(int fd, const void *from, size_t n)
{
	const char *p = from;
	while (n) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && !go_on(fd, POLLOUT))
			return -1;
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	return 0;
}

int retry_fsync(int fd)
{
	int rc;
	do
		rc = fsync(fd);
	while (rc && errno == EINTR);
	return rc;
}

int retry_close(int fd)
{
	return close(fd) && errno != EINTR ? -1 : 0;
}
