/* The transport by MPI: collectives of MPI_COMM_WORLD. Errors are returned, not fatal, so that they become a
 * sentence; what MPI can do no more after one is abort. */
#include "models/ranks/comm.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comm_ctx {
	char library[MPI_MAX_LIBRARY_VERSION_STRING];
	MPI_Request under_way[COMM_SLOTS];
};

static int check(int rc, const char *what, struct err *err)
{
	char why[MPI_MAX_ERROR_STRING] = "";
	int n;
	if (rc == MPI_SUCCESS)
		return 0;
	MPI_Error_string(rc, why, &n);
	return err_system(err, "mpi: %s: %s", what, why);
}

/* The library's name and version: the first of what it says of itself, up to a comma or the line's end. */
static void name_library(struct comm_ctx *ctx)
{
	int n;
	MPI_Get_library_version(ctx->library, &n);
	ctx->library[strcspn(ctx->library, ",\n")] = 0;
}

static int mpi_open(struct comm_ctx **ctx, int *rank, int *size, struct err *err)
{
	int level;
	*ctx = calloc(1, sizeof **ctx);
	if (!*ctx)
		return err_memory(err);
	if (check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "init", err) ||
	    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "error handler", err) ||
	    check(MPI_Comm_rank(MPI_COMM_WORLD, rank), "rank", err) ||
	    check(MPI_Comm_size(MPI_COMM_WORLD, size), "size", err)) {
		free(*ctx);
		return -1;
	}
	name_library(*ctx);
	return 0;
}

static void mpi_close(struct comm_ctx *ctx)
{
	MPI_Finalize();
	free(ctx);
}

static const char *mpi_describe(const struct comm_ctx *ctx)
{
	return ctx->library;
}

static int mpi_begin_alltoall(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes, struct err *err)
{
	return check(MPI_Ialltoall(from, (int)bytes, MPI_BYTE, to, (int)bytes, MPI_BYTE, MPI_COMM_WORLD,
				   &ctx->under_way[slot]),
		     "alltoall", err);
}

static int mpi_begin_allgather(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes,
			       struct err *err)
{
	return check(MPI_Iallgather(from, (int)bytes, MPI_BYTE, to, (int)bytes, MPI_BYTE, MPI_COMM_WORLD,
				    &ctx->under_way[slot]),
		     "allgather", err);
}

static int mpi_wait(struct comm_ctx *ctx, int slot, struct err *err)
{
	return check(MPI_Wait(&ctx->under_way[slot], MPI_STATUS_IGNORE), "wait", err);
}

static int mpi_allgather(struct comm_ctx *ctx, const void *from, void *to, size_t bytes, struct err *err)
{
	(void)ctx;
	return check(MPI_Allgather(from, (int)bytes, MPI_BYTE, to, (int)bytes, MPI_BYTE, MPI_COMM_WORLD), "allgather",
		     err);
}

static int mpi_broadcast(struct comm_ctx *ctx, void *what, size_t bytes, int root, struct err *err)
{
	(void)ctx;
	return check(MPI_Bcast(what, (int)bytes, MPI_BYTE, root, MPI_COMM_WORLD), "broadcast", err);
}

static void mpi_abort(struct comm_ctx *ctx, int status)
{
	(void)ctx;
	MPI_Abort(MPI_COMM_WORLD, status);
	abort();
}

static const struct comm mpi = {
	.abi = COMM_ABI,
	.name = "mpi",
	.open = mpi_open,
	.close = mpi_close,
	.describe = mpi_describe,
	.allgather = mpi_allgather,
	.begin_allgather = mpi_begin_allgather,
	.begin_alltoall = mpi_begin_alltoall,
	.wait = mpi_wait,
	.broadcast = mpi_broadcast,
	.abort = mpi_abort,
};

__attribute__((visibility("default"))) const struct comm *vic_comm(void)
{
	return &mpi;
}
