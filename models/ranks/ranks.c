/* A sum is an all-to-all of slices, a tree over what came, and an all-gather of the slices' sums: the traffic of an
 * all-reduce, in an order that is ours. While a piece of a long sum is added up the slices of the next are on their
 * way. All memory is taken at the start, so that nothing but the transport can fail where others wait. A word of 8
 * bytes a rank is all that a meeting costs where all fare well; the sentence of a failure goes in a second call. */
#include "ranks.h"
#include "reduce.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <stdlib.h>
#include <string.h>

/* How many processes the launcher says that it started; 0: there is none, -1 */
static int64_t launched(struct err *err)
{
	/* Open MPI; Slurm with PMIx; MPICH's and Intel's, and Slurm with their interface */
	static const struct {
		const char *size, *with;
	} launcher[] = { { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK" },
			 { "SLURM_STEP_NUM_TASKS", "PMIX_RANK" },
			 { "PMI_SIZE", "PMI_RANK" },
			 { "SLURM_STEP_NUM_TASKS", "SLURM_PROCID" } };
	enum { LAUNCHERS = sizeof launcher / sizeof *launcher };
	for (int i = 0; i < LAUNCHERS; i++) {
		const char *size = getenv(launcher[i].size);
		int64_t n;
		if (!size || !getenv(launcher[i].with))
			continue;
		if (num_i64(launcher[i].size, size, 1, INT32_MAX, &n, err))
			return -1;
		if (i == LAUNCHERS - 1 && n > 1)
			return err_usage(
				err,
				"srun has started %lld tasks without PMIx, each of which would train alone and "
				"write the same files; srun --mpi=pmix makes them one run, --ranks none keeps "
				"them apart",
				(long long)n);
		return n;
	}
	return 0;
}

/* n: processes that the launcher says it started, or 0. */
static int join(struct ranks *r, int64_t n, struct err *err)
{
	r->c = r->plugin.what;
	if (r->c->open(&r->ctx, &r->rank, &r->size, err)) {
		r->c = NULL;
		return -1;
	}
	if (n && n != r->size)
		return err_set(
			err,
			"the launcher has started %lld processes, and %s sees %d: they are of different kinds; the "
			"plug-in must be built with the launcher's own",
			(long long)n, r->c->describe(r->ctx), r->size);
	if (r->size == 1)
		return 0;
	return mem_alloc(&r->begin, (size_t)r->size + 1, sizeof *r->begin, err) ||
			       mem_alloc(&r->send, RANKS_ROOM, 1, err) || mem_alloc(&r->got, RANKS_ROOM, 1, err)
		       ? -1
		       : 0;
}

int ranks_open(struct ranks *r, enum ranks_by by, struct err *err)
{
	*r = (struct ranks){ .size = 1 };
	int64_t n = by == RANKS_NONE ? 0 : launched(err);
	if (n < 0)
		return -1;
	if (by != RANKS_MPI && n <= 1)
		return 0;
	if (!plugin_open(&r->plugin, "libvic-mpi.so", "vic_comm", COMM_ABI, err))
		return join(r, n, err);
	return n <= 1 ? -1
		      : err_context(err,
				    "a launcher has started %lld processes, and there is no plug-in that makes them "
				    "one run "
				    "(--ranks none keeps them apart)",
				    (long long)n);
}

int ranks_leave(struct ranks *r, int status)
{
	if (r->c && status && !r->over)
		r->c->abort(r->ctx, status);
	if (r->c)
		r->c->close(r->ctx);
	free(r->begin);
	free(r->send);
	free(r->got);
	/* the plug-in stays: its library may have left work for the end of the process */
	*r = (struct ranks){ .size = 1 };
	return status;
}

const char *ranks_describe(const struct ranks *r)
{
	return r->c->describe(r->ctx);
}

static int is_power(int n)
{
	return n > 0 && !(n & (n - 1));
}

int ranks_fit(const struct ranks *r, int shards)
{
	return is_power(r->size) && is_power(shards) && r->size <= shards;
}

static int is_alone(const struct ranks *r)
{
	return !r || r->size <= 1;
}

/* rc: what a call of the transport gave. */
static int lost(struct ranks *r, int rc)
{
	r->lost |= !!rc;
	return rc;
}

/* What a rank brings to a meeting. */
struct word {
	int32_t failed, signal;
};

/* All have another sentence, or fewer than all have one: it is one rank's own. */
static int share_error(struct ranks *r, const struct word *all, int first, int rc, struct err *err)
{
	struct err its = rc ? *err : ERR_NONE;
	int failed = 0, odd;
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *c = its.msg; rc && *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	for (int k = 0; k < r->size; k++)
		failed += !!all[k].failed;
	if (ranks_compare(r, hash, &odd, err) || lost(r, r->c->broadcast(r->ctx, &its, sizeof its, first, err)))
		return -1;
	r->over = 1;
	*err = its;
	if (failed < r->size || odd >= 0)
		err_context(err, "rank %d of %d", first, r->size);
	return -1;
}

int ranks_meet(struct ranks *r, int rc, int signal, struct err *err)
{
	if (r && r->size <= 1)
		r->signal = signal;
	if (is_alone(r) || r->over || r->lost)
		return rc ? -1 : 0;
	struct word mine = { !!rc, signal }, *all = (struct word *)(void *)r->got;
	int first = -1;
	if (lost(r, r->c->allgather(r->ctx, &mine, all, sizeof mine, err)))
		return -1;
	r->signal = 0;
	for (int k = r->size; k-- > 0;) {
		if (all[k].failed)
			first = k;
		if (all[k].signal)
			r->signal = all[k].signal;
	}
	return first < 0 ? 0 : share_error(r, all, first, rc, err);
}

/* Of a sum, and of the memory that its traffic takes: half, so that two pieces are on their way. */
struct piece {
	float *a, *send, *got;
	size_t n, slice;
	int slot;
};

/* Numbers of a piece at most. */
static size_t piece_most(const struct ranks *r)
{
	return RANKS_ROOM / COMM_SLOTS / sizeof(float) / (size_t)r->size * (size_t)r->size;
}

static struct piece piece_of(const struct ranks *r, float *a, size_t n, size_t k)
{
	size_t most = piece_most(r), at = k * most, size = (size_t)r->size;
	struct piece p = { .a = a + at, .n = n - at < most ? n - at : most, .slot = (int)(k % COMM_SLOTS) };
	p.slice = (p.n + size - 1) / size;
	p.send = (float *)(void *)r->send + (size_t)p.slot * most;
	p.got = (float *)(void *)r->got + (size_t)p.slot * most;
	return p;
}

/* The three parts of a piece's sum. */
static int send_slices(struct ranks *r, struct piece p, struct err *err)
{
	memcpy(p.send, p.a, p.n * sizeof *p.a);
	memset(p.send + p.n, 0, (p.slice * (size_t)r->size - p.n) * sizeof *p.a);
	return lost(r, r->c->begin_alltoall(r->ctx, p.slot, p.send, p.got, p.slice * sizeof *p.a, err));
}

static int add_slices(struct ranks *r, struct piece p, struct err *err)
{
	if (lost(r, r->c->wait(r->ctx, p.slot, err)))
		return -1;
	reduce_rows(p.got, r->size, p.slice);
	return lost(r, r->c->begin_allgather(r->ctx, p.slot, p.got, p.send, p.slice * sizeof *p.a, err));
}

static int take_sums(struct ranks *r, struct piece p, struct err *err)
{
	if (lost(r, r->c->wait(r->ctx, p.slot, err)))
		return -1;
	memcpy(p.a, p.send, p.n * sizeof *p.a);
	return 0;
}

int ranks_sum(struct ranks *r, float *a, size_t n, struct err *err)
{
	if (is_alone(r))
		return 0;
	size_t most = piece_most(r), pieces = (n + most - 1) / most;
	for (size_t k = 0; k < pieces + 2; k++)
		if ((k >= 2 && take_sums(r, piece_of(r, a, n, k - 2), err)) ||
		    (k < pieces && send_slices(r, piece_of(r, a, n, k), err)) ||
		    (k >= 1 && k <= pieces && add_slices(r, piece_of(r, a, n, k - 1), err)))
			return -1;
	return 0;
}

/* Bytes of a rank's part that lie in [at, at + some) of it. */
static size_t part(const size_t *begin, int k, size_t at, size_t some)
{
	size_t bytes = begin[k + 1] - begin[k];
	return bytes <= at ? 0 : bytes - at < some ? bytes - at : some;
}

int ranks_gather(struct ranks *r, void *all, const size_t *begin, struct err *err)
{
	if (is_alone(r))
		return 0;
	unsigned char *to = all;
	size_t room = RANKS_ROOM / (size_t)r->size, longest = 0;
	for (int k = 0; k < r->size; k++)
		if (begin[k + 1] - begin[k] > longest)
			longest = begin[k + 1] - begin[k];
	for (size_t at = 0; at < longest; at += room) {
		size_t some = longest - at < room ? longest - at : room, mine = part(begin, r->rank, at, some);
		memcpy(r->send, to + begin[r->rank] + at, mine);
		memset(r->send + mine, 0, some - mine);
		if (lost(r, r->c->allgather(r->ctx, r->send, r->got, some, err)))
			return -1;
		for (int k = 0; k < r->size; k++)
			memcpy(to + begin[k] + at, r->got + (size_t)k * some, part(begin, k, at, some));
	}
	return 0;
}

int ranks_broadcast(struct ranks *r, void *what, size_t bytes, int root, struct err *err)
{
	return is_alone(r) ? 0 : lost(r, r->c->broadcast(r->ctx, what, bytes, root, err));
}

int ranks_lose(struct ranks *r, struct err *err)
{
	if (is_alone(r))
		return -1;
	r->lost = 1;
	return err_context(err, "rank %d of %d", r->rank, r->size);
}

int ranks_compare(struct ranks *r, uint32_t number, int *odd, struct err *err)
{
	int usual = 0, most = 0;
	*odd = -1;
	if (is_alone(r))
		return 0;
	uint32_t *all = (uint32_t *)(void *)r->got;
	if (lost(r, r->c->allgather(r->ctx, &number, all, sizeof number, err)))
		return -1;
	for (int k = 0; k < r->size; k++) {
		int same = 0;
		for (int i = 0; i < r->size; i++)
			same += all[i] == all[k];
		if (same > most) {
			most = same;
			usual = k;
		}
	}
	for (int k = 0; k < r->size && *odd < 0; k++)
		if (all[k] != all[usual])
			*odd = k;
	return 0;
}
