/* A NCCL of the tests, for ranks that are processes of this machine: in the dry plug-in dlopen finds it in the place of
 * libnccl.so.2 (nccl.wrap), unless VIC_FAKE_NCCL=none; with VIC_FAKE_NCCL=fails its ncclAllGather does. A communicator
 * is a socket to each other rank, met by the name in the id. Calls are queued on the fake's streams, and carry their
 * bytes when the stream comes to them; a group is one piece of work. Each message says first how long it is, and that
 * both ranks mean the same call. ncclAllReduce adds in the order of a ring, from another rank on in each part, as NCCL
 * may: other bytes than a tree. */
#include "fake.h"
#include "models/core/cuda/sums/nccl.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 16, OPS = 2 * RANKS, FLOAT = sizeof(float) };
enum kind { SEND = 1, RECEIVE, GATHER, REDUCE };


/* One call. */
struct op {
	enum kind kind;
	struct ncclComm *comm;
	const float *from;
	float *to;
	size_t n;
	int peer;
};
static struct {
	int depth, n;
	struct op op[OPS];
	cudaStream_t stream;
} group;

/* What goes to a rank and comes from it: a header each, then the bytes. */
struct header {
	uint32_t call;
	uint32_t kind;
	uint64_t bytes;
};
struct way {
	const void *out;
	void *in;
	size_t sent, got, out_bytes, in_bytes;
};

static int reached(ssize_t n, size_t *done, int rank)
{
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		fake_die("NCCL: rank %d is gone", rank);
	*done += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* A call that goes on: headers first, then bytes. */
struct talk {
	int on, heard; /* the headers have come */
	struct header mine[RANKS], theirs[RANKS];
	struct way heads[RANKS], ways[RANKS];
	float *all; /* of a reduction: what all ranks have */
};

struct ncclComm {
	int rank, size, aborted;
	int socket[RANKS];
	uint32_t calls; /* that began */
	struct talk talk;
};

/* As far as it goes, or with `block` until all has gone its way; then 1. ways[rank itself] is nothing. */
static int carry(const struct ncclComm *c, struct way ways[RANKS], int block)
{
	for (;;) {
		struct pollfd p[RANKS];
		nfds_t n = 0;
		for (int k = 0; k < c->size; k++) {
			struct way *w = &ways[k];
			short what =
				(short)((w->sent < w->out_bytes ? POLLOUT : 0) | (w->got < w->in_bytes ? POLLIN : 0));
			if (what)
				p[n++] = (struct pollfd){ .fd = c->socket[k], .events = what };
		}
		if (!n)
			return 1;
		if (!poll(p, n, block ? -1 : 0))
			return 0;
		for (int k = 0; k < c->size; k++) {
			struct way *w = &ways[k];
			if (w->sent < w->out_bytes)
				reached(send(c->socket[k], (const char *)w->out + w->sent, w->out_bytes - w->sent,
					     MSG_NOSIGNAL | MSG_DONTWAIT), &w->sent, k);
			if (w->got < w->in_bytes)
				reached(recv(c->socket[k], (char *)w->in + w->got, w->in_bytes - w->got, MSG_DONTWAIT),
					&w->got, k);
		}
	}
}

static void begin_talk(struct ncclComm *c, enum kind kind, const struct way ways[RANKS])
{
	struct talk *t = &c->talk;
	*t = (struct talk){ .on = 1, .all = t->all };
	memcpy(t->ways, ways, sizeof t->ways);
	for (int k = 0; k < c->size; k++) {
		t->mine[k] = (struct header){ c->calls, (uint32_t)kind, ways[k].out_bytes };
		if (ways[k].out_bytes)
			t->heads[k] = (struct way){ .out = &t->mine[k], .out_bytes = sizeof t->mine[k] };
		if (ways[k].in_bytes) {
			t->heads[k].in = &t->theirs[k];
			t->heads[k].in_bytes = sizeof t->theirs[k];
		}
	}
	c->calls++;
}

/* The same with headers before, which must be the same on both sides. Called again until it returns 1. */
static int exchange(struct ncclComm *c, enum kind kind, const struct way ways[RANKS], int block)
{
	struct talk *t = &c->talk;
	if (!t->on)
		begin_talk(c, kind, ways);
	if (!t->heard && !carry(c, t->heads, block))
		return 0;
	t->heard = 1;
	for (int k = 0; k < c->size; k++)
		if (t->ways[k].in_bytes &&
		    (t->theirs[k].call != t->mine[k].call || t->theirs[k].kind != t->mine[k].kind ||
		     t->theirs[k].bytes != t->ways[k].in_bytes))
			fake_die(
				"NCCL: rank %d sends call %u of kind %u with %lu bytes, rank %d awaits call %u of kind "
				"%u with %zu",
				k, t->theirs[k].call, t->theirs[k].kind, (unsigned long)t->theirs[k].bytes, c->rank,
				t->mine[k].call, t->mine[k].kind, t->ways[k].in_bytes);
	t->on = !carry(c, t->ways, block);
	return !t->on;
}

/* Every rank's from[n] at to[rank][n]. */
static int gather(struct ncclComm *c, enum kind kind, const float *from, float *to, size_t n, int block)
{
	struct way ways[RANKS] = { { 0 } };
	for (int k = 0; k < c->size; k++)
		if (k != c->rank)
			ways[k] = (struct way){ .out = from, .in = to + (size_t)k * n, .out_bytes = n * FLOAT,
						.in_bytes = n * FLOAT };
	memmove(to + (size_t)c->rank * n, from, n * FLOAT);
	return exchange(c, kind, ways, block);
}

/* Part k of `size` parts begins with rank k. */
static int reduce(struct ncclComm *c, const float *from, float *to, size_t n, int block)
{
	struct talk *t = &c->talk;
	if (!t->on && !(t->all = malloc((size_t)c->size * n * FLOAT + 1)))
		fake_die("out of memory");
	if (!gather(c, REDUCE, from, t->all, n, block))
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t first = i * (size_t)c->size / n;
		float sum = t->all[first * n + i];
		for (size_t k = 1; k < (size_t)c->size; k++)
			sum += t->all[(first + k) % (size_t)c->size * n + i];
		to[i] = sum;
	}
	free(t->all);
	return 1;
}

struct queued {
	int n;
	struct op op[OPS];
};

static int send_and_receive(const struct queued *q, int block)
{
	struct way ways[RANKS] = { { 0 } };
	struct ncclComm *c = q->op[0].comm;
	struct op own[2] = { { 0 } };
	for (int i = 0; i < q->n; i++) {
		const struct op *op = &q->op[i];
		struct way *w = &ways[op->peer];
		if (op->peer == c->rank)
			own[op->kind == RECEIVE] = *op;
		else if (op->kind == SEND) {
			w->out = op->from;
			w->out_bytes = op->n * FLOAT;
		} else {
			w->in = op->to;
			w->in_bytes = op->n * FLOAT;
		}
	}
	if (own[0].n != own[1].n)
		fake_die("NCCL: a rank sends itself %zu numbers and awaits %zu", own[0].n, own[1].n);
	if (own[0].n)
		memcpy(own[1].to, own[0].from, own[0].n * FLOAT);
	return exchange(c, SEND, ways, block);
}

/* As far as the other ranks have come, who do other things meanwhile, as the cards of this one do. */
static int run_queued(const void *args, int block)
{
	const struct queued *q = args;
	const struct op *op = q->op;
	int through = op->comm->aborted                 ? 1
		      : op->kind == GATHER              ? gather(op->comm, GATHER, op->from, op->to, op->n, block)
		      : op->kind == REDUCE              ? reduce(op->comm, op->from, op->to, op->n, block)
							: send_and_receive(q, block);
	fake_counts.others += through;
	return through;
}

/* ncclUnhandledCudaError, ncclInternalError, ncclInvalidArgument */
enum { CUDA_ERROR = 1, INTERNAL = 3, INVALID = 4 };

static int is_set(const char *to)
{
	const char *is = getenv("VIC_FAKE_NCCL");
	return is && !strcmp(is, to);
}

static int submit(const struct queued *q, cudaStream_t stream)
{
	return fake_submit_attempt(stream, "NCCL", run_queued, q, sizeof *q) ? CUDA_ERROR : 0;
}

/* Device memory that a call reads and writes. */
static int holds(const struct op *op)
{
	size_t whole = op->n * (op->kind == GATHER ? (size_t)op->comm->size : 1);
	return (op->kind == RECEIVE || fake_holds(op->from, op->n * FLOAT)) &&
	       (op->kind == SEND || fake_holds(op->to, whole * FLOAT));
}

static int add(struct op op, int type, cudaStream_t stream)
{
	struct queued alone = { .n = 1, .op = { op } };
	if (type != NCCL_FLOAT32 || op.peer < 0 || op.peer >= op.comm->size || !holds(&op))
		return INVALID;
	if (!group.depth)
		return submit(&alone, stream);
	if (group.n == OPS || op.kind > RECEIVE)
		fake_die("NCCL: more in a group than these tests know");
	group.op[group.n++] = op;
	group.stream = stream;
	return 0;
}

static int fake_ncclGroupStart(void)
{
	group.depth++;
	return 0;
}

static int fake_ncclGroupEnd(void)
{
	struct queued q = { .n = group.n };
	if (--group.depth || !group.n)
		return 0;
	memcpy(q.op, group.op, sizeof q.op);
	group.n = 0;
	return submit(&q, group.stream);
}

static int fake_ncclSend(const void *from, size_t n, int type, int peer, struct ncclComm *comm, cudaStream_t stream)
{
	return add((struct op){ .kind = SEND, .comm = comm, .from = from, .n = n, .peer = peer }, type, stream);
}

static int fake_ncclRecv(void *to, size_t n, int type, int peer, struct ncclComm *comm, cudaStream_t stream)
{
	return add((struct op){ .kind = RECEIVE, .comm = comm, .to = to, .n = n, .peer = peer }, type, stream);
}

static int fake_ncclAllGather(const void *from, void *to, size_t n, int type, struct ncclComm *comm,
			      cudaStream_t stream)
{
	const struct op op = { .kind = GATHER, .comm = comm, .from = from, .to = to, .n = n };
	return is_set("fails") ? INTERNAL : add(op, type, stream);
}

static int fake_ncclAllReduce(const void *from, void *to, size_t n, int type, int op, struct ncclComm *comm,
			      cudaStream_t stream)
{
	return op != NCCL_SUM
		       ? INVALID
		       : add((struct op){ .kind = REDUCE, .comm = comm, .from = from, .to = to, .n = n }, type, stream);
}

static int fake_ncclGetVersion(int *version)
{
	*version = 22809;
	return 0;
}

static const char *fake_ncclGetErrorString(int result)
{
	return result == CUDA_ERROR ? "unhandled cuda error"
	       : result == INVALID  ? "invalid argument"
				    : "internal error";
}

static int fake_ncclGetUniqueId(struct nccl_id *id)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	memset(id, 0, sizeof *id);
	snprintf(id->internal, sizeof id->internal, "vic-nccl-%ld-%ld", (long)getpid(), t.tv_nsec);
	return 0;
}

/* The name, which no file has, of a rank's own socket. */
static socklen_t name_of(struct sockaddr_un *at, const struct nccl_id *id, int rank)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(at->sun_path + 1, sizeof at->sun_path - 1, "%.80s-%d", id->internal, rank);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Each awaits those of higher ranks, and goes to those of lower ones, who may not be there yet. */
static int fake_ncclCommInitRank(struct ncclComm **comm, int size, struct nccl_id id, int rank)
{
	struct ncclComm *c = calloc(1, sizeof *c);
	struct sockaddr_un at;
	socklen_t n = name_of(&at, &id, rank);
	int own = socket(AF_UNIX, SOCK_STREAM, 0);
	if (!c || size > RANKS || own < 0 || bind(own, (struct sockaddr *)&at, n) || listen(own, RANKS))
		return INVALID;
	*c = (struct ncclComm){ .rank = rank, .size = size };
	for (int k = 0; k < rank; k++) {
		n = name_of(&at, &id, k);
		c->socket[k] = socket(AF_UNIX, SOCK_STREAM, 0);
		for (int tries = 0; connect(c->socket[k], (struct sockaddr *)&at, n); tries++) {
			if (tries == 6000)
				fake_die("NCCL: rank %d does not come", k);
			usleep(10000);
		}
		if (write(c->socket[k], &rank, sizeof rank) != sizeof rank)
			fake_die("NCCL: rank %d is gone", k);
	}
	for (int left = size - 1 - rank; left; left--) {
		int who, fd = accept(own, NULL, NULL);
		if (fd < 0 || read(fd, &who, sizeof who) != sizeof who || who <= rank || who >= size)
			fake_die("NCCL: a rank does not say who it is");
		c->socket[who] = fd;
	}
	close(own);
	*comm = c;
	return 0;
}

/* Work that is still queued finds it, and does nothing. */
static int fake_ncclCommAbort(struct ncclComm *comm)
{
	comm->aborted = 1;
	for (int k = 0; k < comm->size; k++)
		if (k != comm->rank)
			close(comm->socket[k]);
	return 0;
}

void *__wrap_dlopen(const char *file, int flags);
void *__real_dlopen(const char *file, int flags);
void *__wrap_dlsym(void *library, const char *name);
void *__real_dlsym(void *library, const char *name);

void *__wrap_dlopen(const char *file, int flags)
{
	if (!file || strcmp(file, "libnccl.so.2"))
		return __real_dlopen(file, flags);
	return is_set("none") ? __real_dlopen("/nowhere/libnccl.so.2", flags) : &group;
}

void *__wrap_dlsym(void *library, const char *name)
{
	static const struct {
		const char *name;
		void (*call)(void);
	} table[] = {
#define NCCL_ROW(call, arguments) { #call, (void (*)(void))fake_##call },
		NCCL_CALLS(NCCL_ROW){ "ncclGetErrorString", (void (*)(void))fake_ncclGetErrorString },
	};
	void *at = NULL;
	if (library != &group)
		return __real_dlsym(library, name);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, name))
			memcpy(&at, &table[i].call, sizeof at);
	return at;
}
