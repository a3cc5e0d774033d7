/* What a signal handler must know lies in memory that it can reach: the one list here. */
#include "leftover.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

static struct {
	atomic_int state; /* 0 free, 1 being filled, 2 to be removed */
	int folder;
	char name[LEFTOVER_NAME];
} file[MOST];
static _Atomic pid_t owner; /* a child between fork and exec owns none of them */

void leftover_remove(void)
{
	if (getpid() == owner)
		for (int i = 0; i < MOST; i++)
			if (atomic_load(&file[i].state) == 2)
				unlinkat(file[i].folder, file[i].name, 0);
}

static void remove_all(int sig)
{
	leftover_remove();
	raise(sig); /* SA_RESETHAND: this one ends the program as the signal would have */
}

/* Each signal that would end the program, but those that somebody handles or the caller has switched off (nohup). */
static void install_handlers(void)
{
	static const int fatal[] = { SIGHUP,  SIGINT,  SIGQUIT,	  SIGILL,  SIGABRT, SIGBUS,  SIGFPE,
				     SIGSEGV, SIGPIPE, SIGALRM,	  SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU,
				     SIGSYS,  SIGTRAP, SIGVTALRM, SIGPROF, SIGIO };
	struct sigaction now, ours = { .sa_handler = remove_all, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	owner = getpid();
	sigemptyset(&ours.sa_mask);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		if (!sigaction(fatal[i], NULL, &now) && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
			sigaction(fatal[i], &ours, NULL);
}

int leftover_add(int folder)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char r[8];
	pthread_once(&once, install_handlers);
	/* early in a machine's life: not secret, but another each time */
	if (getrandom(r, sizeof r, GRND_NONBLOCK) != sizeof r) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		unsigned long long mix =
			(unsigned long long)t.tv_nsec * 0x9E3779B97F4A7C15u + (unsigned long long)getpid();
		for (size_t i = 0; i < sizeof r; i++)
			r[i] = (unsigned char)(mix >> 8 * i);
	}
	for (int i = 0; i < MOST; i++) {
		int wanted = 0;
		if (!atomic_compare_exchange_strong(&file[i].state, &wanted, 1))
			continue;
		file[i].folder = folder;
		snprintf(file[i].name, sizeof file[i].name, ".vic-%02x%02x%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2],
			 r[3], r[4], r[5], r[6], r[7]);
		atomic_store(&file[i].state, 2);
		return i;
	}
	errno = EMFILE;
	return -1;
}

const char *leftover_name(int number)
{
	return file[number].name;
}

void leftover_forget(int number)
{
	atomic_store(&file[number].state, 0);
}
