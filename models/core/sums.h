/* sums: who adds up what the shards of a step leave behind (models/train/accumulate.h): the host
 * (models/train/host_sums.c), or a device that can (backend.sums). Both to the same bytes.
 *
 * A vector holds, one after another: gradients as they lie in the graph's arena (but tables'), running statistics, and
 * each table's rows of the distinct words of the whole batch. Vectors are multiplied by their weights and added up as
 * they come, as a full binary tree over their numbers (models/ranks/reduce.h); each product and each sum is rounded to
 * float32. Calls are queued like those of ops, and in a step come in this order: begin; for each shard restore, its
 * pass and take; across or host and put, where there are several ranks; give. A sum over ranks may go on beside the
 * last shard's pass, so its gradients are left as they are between take and give. */
#ifndef VIC_SUMS_H
#define VIC_SUMS_H

#include "graph.h"

enum { SUMS_ID = 136 /* bytes */ };
#define SUMS_NO_ROW UINT32_MAX

/* Who adds up over ranks: `exact` in the order of the tree, so that it gives the bytes of one rank; `fast` in an order
 * of the library's own. */
enum reduction { REDUCE_EXACT, REDUCE_FAST };
#define REDUCE_CHOICES "exact|fast"

/* Of a graph's vectors. */
struct sum_shape {
	size_t dense, states; /* numbers of the first two parts */
	size_t row, longest;  /* of a word in all tables together, and in one */
};
struct sum_shape sum_shape(const struct graph *g);
/* 1: its gradient has rows for the words of a batch. */
static inline int sum_is_table(const struct param *p)
{
	return p->kind == PARAM_TABLE && param_trained(p);
}
/* Numbers of a row of a parameter. */
static inline size_t sum_row(const struct param *p)
{
	return param_size(p) / (size_t)p->dim[0];
}

struct sum; /* each has its own */

struct sums {
	/* For sums of so many vectors (a power of two) of a compiled graph, whose parameters and device are borrowed
	 * (the struct may move), and whose max_words are those of a whole batch. Where it fails, too, *s is to be
	 * released. */
	int (*open)(struct sum **s, const struct graph *g, int vectors, struct err *err);
	void (*release)(struct sum *s); /* before the graph; NULL too */
	/* A step begins, of a batch with so many distinct words. Its running statistics are kept. */
	int (*begin)(struct sum *s, int distinct, struct err *err);
	/* Before a shard's pass: the running statistics are those that the step began with. */
	int (*restore)(struct sum *s, struct err *err);
	/* After it: the vector that it left counts, times `weight`. row: [distinct] which row of a table's gradient
	 * each word of the whole batch has in the shard, or SUMS_NO_ROW; host memory, which may change afterwards.
	 * empty: a shard without records, which had no pass, counts zeros. */
	int (*take)(struct sum *s, float weight, const uint32_t *row, int empty, struct err *err);
	/* The sum of all that was taken, [*n] in host memory that is the sum's own, to be changed; and its way back. */
	int (*host)(struct sum *s, float **sum, size_t *n, struct err *err);
	int (*put)(struct sum *s, struct err *err);
	/* The sum to where a pass over the whole batch would have left it. */
	int (*give)(struct sum *s, struct err *err);

	/* (optional, all or none) Sums over the devices of several ranks. reach: what is needed for it is here, else an
	 * error that says what is not; then name: what it is ("NCCL 2.28.9"), borrowed; id: by one rank, for all to
	 * join by; join: by all ranks at once; across: the sum becomes that of all ranks' sums, queued, on streams
	 * of its own, which `give` waits for and nothing before it. What one rank does not come to keeps the others'
	 * devices waiting until `release`. */
	int (*reach)(struct sum *s, struct err *err);
	const char *(*name)(const struct sum *s);
	int (*id)(struct sum *s, unsigned char id[SUMS_ID], struct err *err);
	int (*join)(struct sum *s, const unsigned char id[SUMS_ID], int rank, int size, enum reduction how,
		    struct err *err);
	int (*across)(struct sum *s, struct err *err);
};

extern const struct sums host_sums;

#endif
