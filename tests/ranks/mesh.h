/* mesh: processes of one machine that are the ranks of a run, without MPI: forked, with a socket between any two. The
 * transport over it is tests/ranks/mesh_comm.c, a plug-in of MPI's name. */
#ifndef MESH_H
#define MESH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* A rank's socket to rank k is the descriptor MESH_FD + k. */
enum { MESH_MOST = 8, MESH_FD = 100 };

struct mesh {
	int size;
	pid_t pid[MESH_MOST];
	int socket[MESH_MOST][MESH_MOST]; /* [rank][to]; -1: none */
};

static inline void mesh_drop(struct mesh *m)
{
	for (int i = 0; i < MESH_MOST; i++)
		for (int k = 0; k < MESH_MOST; k++)
			if (m->socket[i][k] >= 0)
				close(m->socket[i][k]);
	memset(m->socket, -1, sizeof m->socket);
}

/* Starts the ranks. Returns a rank's number in its process, -1 in the parent, -2 where it fails. */
static inline int mesh_start(struct mesh *m, int size)
{
	m->size = size;
	memset(m->socket, -1, sizeof m->socket);
	for (int i = 0; i < size; i++)
		for (int k = 0; k < i; k++) {
			int pair[2];
			if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
				return -2;
			m->socket[i][k] = pair[0];
			m->socket[k][i] = pair[1];
		}
	for (int i = 0; i < size; i++) {
		char text[16];
		m->pid[i] = fork();
		if (m->pid[i] < 0)
			return -2;
		if (m->pid[i])
			continue;
		for (int k = 0; k < size; k++)
			if (k != i && dup2(m->socket[i][k], MESH_FD + k) < 0)
				_exit(127);
		mesh_drop(m);
		snprintf(text, sizeof text, "%d", size);
		setenv("OMPI_COMM_WORLD_SIZE", text, 1);
		snprintf(text, sizeof text, "%d", i);
		setenv("OMPI_COMM_WORLD_RANK", text, 1);
		return i;
	}
	mesh_drop(m);
	return -1;
}

static inline int mesh_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* As a launcher: waits for all, and once one has failed ends the others by `signal`. Returns the status of the first
 * that failed, after a signal 128 + its number; 0: none did. Of a rank that was killed others may hear, and end, before
 * it can be waited for: the signal is what counts. */
static inline int mesh_wait(struct mesh *m, int signal)
{
	int first = 0, status;
	for (int left = m->size; left > 0; left--) {
		pid_t pid = wait(&status);
		for (int i = 0; i < m->size; i++)
			if (m->pid[i] == pid)
				m->pid[i] = 0;
		if (!status || first)
			continue;
		first = mesh_status(status);
		usleep(100000);
		for (int i = 0; i < m->size; i++) {
			if (!m->pid[i])
				continue;
			if (waitpid(m->pid[i], &status, WNOHANG) != m->pid[i]) {
				kill(m->pid[i], signal);
				continue;
			}
			m->pid[i] = 0;
			left--;
			if (WIFSIGNALED(status))
				first = mesh_status(status);
		}
	}
	return first;
}

#endif
