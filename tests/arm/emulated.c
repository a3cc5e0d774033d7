/* Stands where a program for another processor is wanted, and runs it under qemu: named DIR/NAME, it runs DIR/.NAME.
 * Linked statically, so that what $LD_PRELOAD names reaches the program alone. QEMU and SYSROOT come from
 * tests/arm/run.sh. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char self[PATH_MAX], program[PATH_MAX + 1];
	char **run = calloc((size_t)argc + 6, sizeof *run);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (!run || n < 0)
		return 126;
	self[n] = 0;
	char *name = strrchr(self, '/') + 1;
	snprintf(program, sizeof program, "%.*s.%s", (int)(name - self), self, name);
	const char *head[] = { QEMU, "-L", SYSROOT, "-0", argv[0], program };
	for (int i = 0; i < 6; i++)
		run[i] = (char *)head[i];
	memcpy(run + 6, argv + 1, (size_t)argc * sizeof *run - sizeof *run);
	execv(QEMU, run);
	perror(QEMU);
	return 126;
}
