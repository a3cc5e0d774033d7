/* ranks: several processes that are one run. A launcher (mpirun, srun) starts them with the same arguments; each is a
 * rank, 0 to size - 1, and all make the calls below in the same order. Sums have an order that is given here and
 * depends on no transport, so that any number of ranks gives the same bytes.
 *
 * Failures. What one rank alone cannot do is told to all when they meet next: ranks_meet hands its error to every rank,
 * and then all of them end with it. So between a meeting and the next sum or gathering nothing may fail on one rank;
 * whoever fails goes on to the next meeting. After a meeting that failed none follows. A process that dies is its
 * launcher's to notice, which ends the others. */
#ifndef VIC_RANKS_H
#define VIC_RANKS_H

#include "comm.h"
#include "models/core/plugin.h"

#include <stdint.h>

enum ranks_by { RANKS_AUTO /* where a launcher has started more than one */, RANKS_MPI, RANKS_NONE };
#define RANKS_CHOICES "auto|mpi|none" /* in the enum's order */

struct ranks {
	int rank, size; /* size 1, or 0: this process is alone, and what follows does nothing */
	int signal;     /* of a rank, as the last meeting heard; 0: none */
	size_t *begin;  /* [size + 1] the caller's, for ranks_gather; NULL where there is one rank */
	/* the rest is this module's */
	const struct comm *c;
	struct comm_ctx *ctx;
	struct plugin plugin;
	int over;                   /* a meeting has failed: all ranks know, and end */
	int lost;                   /* the transport has failed */
	unsigned char *send, *got;  /* [RANKS_ROOM] */
};

/* Bytes that are under way at once; longer sums and gatherings are cut, sums in pieces of half of it. */
enum { RANKS_ROOM = 32 << 20 };

/* Joins the run. Where a launcher has started several processes and they cannot be made one run, that is an error (each
 * would train alone and write the same files): VIC_NO_DEVICE without the plug-in, VIC_USAGE where it is the launcher's
 * arguments. */
int ranks_open(struct ranks *r, enum ranks_by by, struct err *err) VIC_CHECKED;
/* Leaves it, as the last thing a process does: returns `status`, its exit status, when all ranks have come here. One
 * that fails where the others do not know of it ends all of them. */
int ranks_leave(struct ranks *r, int status);
/* What carries, for logs; borrowed. */
const char *ranks_describe(const struct ranks *r);
/* 1 where R ranks can each run the same number of `shards` neighbouring shards: both are powers of two, and R is not
 * larger. */
int ranks_fit(const struct ranks *r, int shards);

/* Of these, r may be NULL: alone.
 * rc: 0, or -1 with *err filled: how this rank fared since the last meeting. Returns 0 when all fared well; else -1 on
 * all, with the error of the lowest rank that failed, which is named where not all failed alike. `signal`: one that
 * came to this rank, or 0; the lowest rank's is r->signal of all. */
int ranks_meet(struct ranks *r, int rc, int signal, struct err *err) VIC_CHECKED;
/* a[n] of all ranks, added element by element as a tree in rank order, ((0 + 1) + (2 + 3)) + ..., to every rank's a. */
int ranks_sum(struct ranks *r, float *a, size_t n, struct err *err) VIC_CHECKED;
/* Rank k holds the bytes begin[k] to begin[k + 1] of `all`; after it every rank holds begin[0] to begin[size]. */
int ranks_gather(struct ranks *r, void *all, const size_t *begin, struct err *err) VIC_CHECKED;
/* what[bytes] of rank `root` is that of all. */
int ranks_broadcast(struct ranks *r, void *what, size_t bytes, int root, struct err *err) VIC_CHECKED;
/* This rank has failed, and the others may be waiting for it where none of these calls is: it meets them no more, and
 * when it leaves with its error, which names it then, all are ended. Returns -1. */
int ranks_lose(struct ranks *r, struct err *err);
/* Compares a number that should be the same everywhere. *odd: the lowest rank that has another than most have (where
 * no number is the most frequent, than the lowest of their ranks), or -1. */
int ranks_compare(struct ranks *r, uint32_t number, int *odd, struct err *err) VIC_CHECKED;

#endif
