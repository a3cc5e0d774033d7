/* The transport of the tests: sockets between processes of one machine (mesh.h), in a plug-in of MPI's name. A rank
 * whose socket closes is gone, and whoever waits for it says so. */
#include "mesh.h"
#include "models/ranks/comm.h"

#include <errno.h>
#include <poll.h>

/* A call that was begun. Its bytes go when it is waited for, so that who changes them before is found out. */
struct begun {
	int (*call)(struct comm_ctx *ctx, const void *from, void *to, size_t bytes, struct err *err);
	const void *from;
	void *to;
	size_t bytes;
};

struct comm_ctx {
	int rank, size;
	struct begun begun[COMM_SLOTS];
};

/* Bytes on their way to a rank and from it. */
struct traffic {
	const unsigned char *out;
	unsigned char *in;
	size_t to_send, to_get;
};

static int gone(int k, struct err *err)
{
	return err_system(err, "rank %d is gone", k);
}

/* One way, as far as it goes. */
static int send_some(struct traffic *t, int k, struct err *err)
{
	ssize_t n = send(MESH_FD + k, t->out, t->to_send, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : gone(k, err);
	t->out += n;
	t->to_send -= (size_t)n;
	return 0;
}

static int get_some(struct traffic *t, int k, struct err *err)
{
	ssize_t n = recv(MESH_FD + k, t->in, t->to_get, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : gone(k, err);
	t->in += n;
	t->to_get -= (size_t)n;
	return 0;
}

/* t[size]: that of this rank itself is nothing. */
static int carry(const struct comm_ctx *ctx, struct traffic *t, struct err *err)
{
	for (;;) {
		struct pollfd p[MESH_MOST];
		nfds_t n = 0;
		for (int k = 0; k < ctx->size; k++) {
			short what = (short)((t[k].to_send ? POLLOUT : 0) | (t[k].to_get ? POLLIN : 0));
			if (what)
				p[n++] = (struct pollfd){ .fd = MESH_FD + k, .events = what };
		}
		if (!n)
			return 0;
		if (poll(p, n, -1) < 0 && errno != EINTR)
			return err_sys(err, "poll");
		for (int k = 0; k < ctx->size; k++)
			if ((t[k].to_send && send_some(&t[k], k, err)) || (t[k].to_get && get_some(&t[k], k, err)))
				return -1;
	}
}

static int mesh_alltoall(struct comm_ctx *ctx, const void *from, void *to, size_t bytes, struct err *err)
{
	struct traffic t[MESH_MOST] = { 0 };
	for (int k = 0; k < ctx->size; k++) {
		const unsigned char *out = (const unsigned char *)from + (size_t)k * bytes;
		unsigned char *in = (unsigned char *)to + (size_t)k * bytes;
		if (k == ctx->rank)
			memcpy(in, out, bytes);
		else
			t[k] = (struct traffic){ out, in, bytes, bytes };
	}
	return carry(ctx, t, err);
}

static int mesh_allgather(struct comm_ctx *ctx, const void *from, void *to, size_t bytes, struct err *err)
{
	struct traffic t[MESH_MOST] = { 0 };
	for (int k = 0; k < ctx->size; k++) {
		unsigned char *in = (unsigned char *)to + (size_t)k * bytes;
		if (k == ctx->rank)
			memcpy(in, from, bytes);
		else
			t[k] = (struct traffic){ from, in, bytes, bytes };
	}
	return carry(ctx, t, err);
}

static int begin(struct comm_ctx *ctx, int slot, const struct begun *what, struct err *err)
{
	if (ctx->begun[slot].call)
		return err_set(err, "a second call in slot %d", slot);
	memset(what->to, 0xff, (size_t)ctx->size * what->bytes); /* NaN to who reads it before */
	ctx->begun[slot] = *what;
	return 0;
}

static int mesh_begin_allgather(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes,
				struct err *err)
{
	return begin(ctx, slot, &(struct begun){ mesh_allgather, from, to, bytes }, err);
}

static int mesh_begin_alltoall(struct comm_ctx *ctx, int slot, const void *from, void *to, size_t bytes,
			       struct err *err)
{
	return begin(ctx, slot, &(struct begun){ mesh_alltoall, from, to, bytes }, err);
}

static int mesh_await(struct comm_ctx *ctx, int slot, struct err *err)
{
	struct begun b = ctx->begun[slot];
	ctx->begun[slot] = (struct begun){ 0 };
	return b.call ? b.call(ctx, b.from, b.to, b.bytes, err) : err_set(err, "nothing was begun in slot %d", slot);
}

static int mesh_broadcast(struct comm_ctx *ctx, void *what, size_t bytes, int root, struct err *err)
{
	struct traffic t[MESH_MOST] = { 0 };
	for (int k = 0; k < ctx->size; k++)
		if (k != ctx->rank && (ctx->rank == root || k == root))
			t[k] = (struct traffic){ what, what, ctx->rank == root ? bytes : 0, k == root ? bytes : 0 };
	return carry(ctx, t, err);
}

static int mesh_open(struct comm_ctx **ctx, int *rank, int *size, struct err *err)
{
	const char *of = getenv("OMPI_COMM_WORLD_SIZE"), *mine = getenv("OMPI_COMM_WORLD_RANK");
	*ctx = calloc(1, sizeof **ctx);
	if (!*ctx)
		return err_memory(err);
	(*ctx)->size = *size = of ? (int)strtol(of, NULL, 10) : 1;
	(*ctx)->rank = *rank = mine ? (int)strtol(mine, NULL, 10) : 0;
	return 0;
}

static void mesh_close(struct comm_ctx *ctx)
{
	struct err unheard = ERR_NONE;
	char mine = 0, all[MESH_MOST];
	int rc = mesh_allgather(ctx, &mine, all, 1, &unheard);
	(void)rc; /* who is gone is waited for no more */
	free(ctx);
}

static const char *mesh_describe(const struct comm_ctx *ctx)
{
	(void)ctx;
	return "sockets";
}

static void mesh_abort(struct comm_ctx *ctx, int status)
{
	(void)ctx;
	_exit(status);
}

const struct comm *vic_comm(void)
{
	static const struct comm mesh = {
		.abi = COMM_ABI,
		.name = "mesh",
		.open = mesh_open,
		.close = mesh_close,
		.describe = mesh_describe,
		.allgather = mesh_allgather,
		.begin_allgather = mesh_begin_allgather,
		.begin_alltoall = mesh_begin_alltoall,
		.wait = mesh_await,
		.broadcast = mesh_broadcast,
		.abort = mesh_abort,
	};
	return &mesh;
}
