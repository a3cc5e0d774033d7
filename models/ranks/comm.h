/* comm: the seam to what carries bytes between the processes of one run. A transport is a plug-in (a shared object with
 * one exported function, vic_comm), opened where a launcher has started several processes; `mpi` is one. All processes
 * ("ranks", 0 to size - 1) make the same calls in the same order, from one thread; each returns when its bytes are
 * there. Sums are none of a transport's business: in which order it would add is its own, so whoever wants one byte for
 * byte moves the addends and adds them up (ranks.h).
 *
 * Memory is the host's and the caller's; areas of one call do not overlap. A call that fails leaves the transport in no
 * state to be used but by abort(). */
#ifndef VIC_COMM_H
#define VIC_COMM_H

#include "pipeline/base/err.h"

#include <stddef.h>

enum {
	COMM_ABI = 2,
	COMM_SLOTS = 2,
	COMM_MOST = 1 << 30 /* bytes that one call moves from a rank to another, at most */
};

struct comm_ctx;

struct comm {
	int abi;          /* COMM_ABI */
	const char *name; /* "mpi" */

	/* Joins the run that the launcher began. Once in a process. */
	int (*open)(struct comm_ctx **ctx, int *rank, int *size, struct err *err);
	/* Leaves it: returns when all have come to it. */
	void (*close)(struct comm_ctx *ctx);
	/* What carries ("Open MPI v4.1.4"). Borrowed from ctx. */
	const char *(*describe)(const struct comm_ctx *ctx);
	/* Rank k's from[bytes] is to[k] of all. */
	int (*allgather)(struct comm_ctx *ctx, const void *from, void *to, size_t bytes, struct err *err);
	/* The same, begun: it goes on while the caller does other things, who may touch neither area before `wait` of
	 * the same slot. In each of COMM_SLOTS one is under way at most. */
	int (*begin_allgather)(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes,
			       struct err *err);
	/* Likewise: of from[size][bytes] the k-th part goes to rank k, which puts it at its to[this rank]. */
	int (*begin_alltoall)(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes,
			      struct err *err);
	int (*wait)(struct comm_ctx *ctx, int slot, struct err *err);
	/* what[bytes] of rank `root` is that of all. */
	int (*broadcast)(struct comm_ctx *ctx, void *what, size_t bytes, int root, struct err *err);
	/* Ends all processes of the run with this exit status, without waiting for any. Does not return. */
	void (*abort)(struct comm_ctx *ctx, int status);
};

/* What a plug-in exports. */
const struct comm *vic_comm(void);

#endif
