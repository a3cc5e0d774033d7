/* System calls that go on where nothing is wrong: after a signal that interrupted them (EINTR), and on a descriptor
 * that does not wait (EAGAIN: O_NONBLOCK belongs to the open file, so whoever shares a terminal or a pipe may have set
 * it). Each fails as its call does, with errno. All but retry_folder may be called between fork and exec. */
#ifndef VIC_RETRY_H
#define VIC_RETRY_H

#include "pipeline/base/err.h"
#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor of this process alone (O_CLOEXEC is added). `folder` may be AT_FDCWD. */
int retry_open(int folder, const char *path, int flags) VIC_CHECKED;
/* opendir. */
DIR *retry_folder(const char *path) VIC_CHECKED;
/* One read: some bytes, 0 at the end. */
ssize_t retry_read(int fd, void *to, size_t n) VIC_CHECKED;
/* n bytes from `at` on, or as many as there are: reads until it has them. */
ssize_t retry_read_at(int fd, void *to, size_t n, off_t at) VIC_CHECKED;
/* The same from where fd stands. */
ssize_t retry_read_all(int fd, void *to, size_t n) VIC_CHECKED;
/* All n bytes: 0, or -1. */
int retry_write_all(int fd, const void *from, size_t n) VIC_CHECKED;
int retry_fsync(int fd) VIC_CHECKED;
/* Linux has closed an interrupted one all the same, and its number may be another's by now. */
int retry_close(int fd) VIC_CHECKED;

#endif
