/* mesh N PROGRAM ARGUMENT...: starts a program N times as the ranks of one run, as mpirun would, over the sockets of
 * tests/ranks/mesh.h. Its plug-in is found by VIC_BACKENDS. When one ends badly the others are ended; its status is
 * this program's. With MESH_PIDS=FILE the ranks' process numbers are written there, a line each; in the environment of
 * rank MESH_RANK the variable MESH_SET is set as it says ("NAME=VALUE"). */
#include "tests/ranks/mesh.h"

#include <signal.h>

static int write_pids(const struct mesh *m, const char *path)
{
	char part[4096];
	snprintf(part, sizeof part, "%s.part", path);
	FILE *f = fopen(part, "w");
	if (!f)
		return -1;
	for (int i = 0; i < m->size; i++)
		fprintf(f, "%ld\n", (long)m->pid[i]);
	return fclose(f) || rename(part, path) ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct mesh m;
	int size = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	const char *pids = getenv("MESH_PIDS"), *set = getenv("MESH_SET"), *rank = getenv("MESH_RANK");
	if (size < 1 || size > MESH_MOST) {
		fprintf(stderr, "usage: mesh N PROGRAM ARGUMENT...\n");
		return 2;
	}
	int k = mesh_start(&m, size);
	if (k == -2) {
		perror("mesh");
		return 1;
	}
	if (k >= 0) {
		if (set && rank && strtol(rank, NULL, 10) == k)
			putenv(strdup(set));
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pids && write_pids(&m, pids)) {
		perror(pids);
		return 1;
	}
	return mesh_wait(&m, SIGKILL);
}
