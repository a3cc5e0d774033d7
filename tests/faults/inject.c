/* Preloaded into a program, makes calls fail: VIC_FAIL="KIND:N" with KIND one of alloc, read, write, fsync, thread,
 * open, stat and N from 1 counts the calls of that kind. alloc is malloc, calloc, realloc, aligned_alloc and
 * posix_memalign together; it fails with ENOMEM, and from the Nth call on (a machine that has no memory does not find
 * some a moment later). read and pread fail with EIO, write with ENOSPC (EIO for fsync), starting a thread with EAGAIN,
 * opening a file to be read with EMFILE, stat, lstat, fstat, fstatat and statfs with EACCES, from the Nth call on, too;
 * "KIND:N:once" spares all calls but the Nth. write to stderr always works: it carries the message.
 *
 * Three kinds change the file that VIC_FAIL_FILE names instead: map empties it after the Nth mmap of a file, cut after
 * the Nth read of it, swap gives its name to the file of that name with ".new" after it, before the Nth opening of it.
 *
 * Three kinds fail nothing, and no result may change with them: short gives and takes at most N bytes a read, pread or
 * write; eintr interrupts every Nth of these, openat, open, fsync and close; again says EAGAIN to every Nth read and
 * write, as a descriptor does that does not wait.
 *
 * Only calls made after main began are counted, so that the loader and the libraries' constructors live, and none about
 * what is below /proc, of which libraries ask what the processor can, and do without an answer (on aarch64). When
 * VIC_FAIL_SEEN names a file, a byte is put there once a call has failed: how a sweep knows that it is past the last
 * call.
 *
 * VIC_SERVE="IN:OUT" runs the program many times from one that is loaded: before main it reads at descriptor IN what
 * is to fail, VIC_FAIL's value in 64 bytes ("" for nothing), forks a child that goes on to main with the files that are
 * open, and writes at OUT its number and, once it has ended, its status, as two ints; until IN ends. A sweep starts a
 * program some thousand times, and most of such a start is the loader's. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static enum kind { NONE, ALLOC, READ, WRITE, FSYNC, THREAD, OPEN, MAP, SWAP, SHORT, EINTRS, AGAIN, STAT, CUT } failing;
static long nth;
static int once;
static atomic_long calls;
static const char *seen, *victim;

static int fails(enum kind kind)
{
	if (failing != kind)
		return 0;
	long call = atomic_fetch_add(&calls, 1) + 1;
	if (call < nth || (once && call > nth))
		return 0;
	if (seen) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd >= 0) {
			syscall(SYS_write, fd, "1", 1);
			syscall(SYS_close, fd);
		}
		seen = NULL;
	}
	return 1;
}

/* Every nth call of a kind that is asked again. */
static int is_put_off(enum kind kind, int why)
{
	if (failing != kind || (atomic_fetch_add(&calls, 1) + 1) % nth)
		return 0;
	errno = why;
	return 1;
}

static size_t most_of(size_t n)
{
	return failing == SHORT && n > (size_t)nth ? (size_t)nth : n;
}

static enum kind kind_of(const char *name)
{
	static const char *const names[] = { "",	"alloc:", "read:", "write:", "fsync:",
					     "thread:", "open:",  "map:",  "swap:",  "short:", "eintr:", "again:",
					     "stat:",	"cut:" };
	for (int i = ALLOC; i <= CUT; i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return (enum kind)i;
	return NONE;
}

static int serve_report(int out, int value)
{
	return syscall(SYS_write, out, &value, sizeof value) == (long)sizeof value;
}

/* Returns in each child, with what is to fail in its environment. */
static void serve(const char *ends)
{
	int in = -1, out = -1, status;
	char spec[64];
	if (sscanf(ends, "%d:%d", &in, &out) != 2)
		_exit(126);
	while (syscall(SYS_read, in, spec, sizeof spec) == (long)sizeof spec) {
		pid_t pid = fork();
		if (!pid) {
			setpgid(0, 0);
			close(in);
			close(out);
			unsetenv("VIC_SERVE");
			unsetenv("LD_BIND_NOW");
			if (!spec[0])
				unsetenv("LD_PRELOAD");
			if (setenv("VIC_FAIL", spec, 1))
				_exit(126);
			return;
		}
		if (pid < 0 || !serve_report(out, pid) || waitpid(pid, &status, 0) != pid || !serve_report(out, status))
			break;
	}
	_exit(0);
}

/* What stands between the loader and main: the counting begins here. */
int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void),
		    void *);
	void *p = dlsym(RTLD_NEXT, "__libc_start_main");
	memcpy(&real, &p, sizeof p);
	if (getenv("VIC_SERVE"))
		serve(getenv("VIC_SERVE"));
	const char *spec = getenv("VIC_FAIL");
	if (spec && strchr(spec, ':')) {
		nth = strtol(strchr(spec, ':') + 1, NULL, 10);
		seen = getenv("VIC_FAIL_SEEN");
		victim = getenv("VIC_FAIL_FILE");
		once = strstr(spec, ":once") != NULL;
		failing = kind_of(spec);
	}
	return real(main_, argc, argv, init, fini, rtld_fini, stack_end);
}

/* glibc's own names for its allocator: no dlsym, which itself allocates. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t n)
{
	return fails(ALLOC) ? no_memory() : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(ALLOC) ? no_memory() : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails(ALLOC) ? no_memory() : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return fails(ALLOC) ? no_memory() : __libc_memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
	if (fails(ALLOC))
		return ENOMEM;
	*out = __libc_memalign(align, n);
	return *out ? 0 : ENOMEM;
}

/* Descriptors of what is below /proc. */
static unsigned char of_proc[1024];

static int is_proc(int fd)
{
	return fd >= 0 && fd < (int)sizeof of_proc && of_proc[fd];
}

static int is_victim(int fd)
{
	struct stat a, b;
	return failing == CUT && victim && !syscall(SYS_newfstatat, fd, "", &a, AT_EMPTY_PATH) &&
	       !syscall(SYS_newfstatat, AT_FDCWD, victim, &b, 0) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

ssize_t read(int fd, void *to, size_t n)
{
	if (is_proc(fd))
		return syscall(SYS_read, fd, to, n);
	if (fails(READ)) {
		errno = EIO;
		return -1;
	}
	if (is_put_off(EINTRS, EINTR) || is_put_off(AGAIN, EAGAIN))
		return -1;
	ssize_t got = syscall(SYS_read, fd, to, most_of(n));
	if (is_victim(fd) && fails(CUT) && truncate(victim, 0))
		return -1;
	return got;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	if (fails(READ)) {
		errno = EIO;
		return -1;
	}
	if (is_put_off(EINTRS, EINTR))
		return -1;
	return syscall(SYS_pread64, fd, to, most_of(n), at);
}

static int open_at(int folder, const char *path, int flags, int mode)
{
	if (!(flags & O_ACCMODE) && !strncmp(path, "/proc/", 6)) {
		int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
		if (fd >= 0 && fd < (int)sizeof of_proc)
			of_proc[fd] = 1;
		return fd;
	}
	if (is_put_off(EINTRS, EINTR))
		return -1;
	if (victim && !strcmp(path, victim) && fails(SWAP)) {
		char other[4200];
		snprintf(other, sizeof other, "%s.new", victim);
		rename(other, victim);
	}
	if (!(flags & O_ACCMODE) && fails(OPEN)) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	return open_at(folder, path, flags, mode);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
	void *p = (void *)syscall(SYS_mmap, at, n, prot, flags, fd, from);
	if (fd >= 0 && victim && fails(MAP) && truncate(victim, 0))
		return MAP_FAILED;
	return p;
}

ssize_t write(int fd, const void *from, size_t n)
{
	if (fd != STDERR_FILENO && fails(WRITE)) {
		errno = ENOSPC;
		return -1;
	}
	if (fd != STDERR_FILENO && (is_put_off(EINTRS, EINTR) || is_put_off(AGAIN, EAGAIN)))
		return -1;
	return syscall(SYS_write, fd, from, fd == STDERR_FILENO ? n : most_of(n));
}

static int stat_at(int folder, const char *path, struct stat *st, int flags)
{
	if (fails(STAT)) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_newfstatat, folder, path, st, flags);
}

int stat(const char *path, struct stat *st)
{
	return stat_at(AT_FDCWD, path, st, 0);
}

int lstat(const char *path, struct stat *st)
{
	return stat_at(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *st)
{
	return stat_at(fd, "", st, AT_EMPTY_PATH);
}

int fstatat(int folder, const char *path, struct stat *st, int flags)
{
	return stat_at(folder, path, st, flags);
}

int statfs(const char *path, struct statfs *st)
{
	if (fails(STAT)) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_statfs, path, st);
}

int fsync(int fd)
{
	if (fails(FSYNC)) {
		errno = EIO;
		return -1;
	}
	return is_put_off(EINTRS, EINTR) ? -1 : (int)syscall(SYS_fsync, fd);
}

int close(int fd)
{
	int rc = (int)syscall(SYS_close, fd);
	if (is_proc(fd)) {
		of_proc[fd] = 0;
		return rc;
	}
	return is_put_off(EINTRS, EINTR) ? -1 : rc;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	void *p = dlsym(RTLD_NEXT, "pthread_create");
	memcpy(&real, &p, sizeof p);
	return fails(THREAD) ? EAGAIN : real(thread, attr, start, arg);
}
