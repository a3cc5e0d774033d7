/* A ring of answers. The oldest is taken when all have been asked for, so that ANSWERS - 1 steps are queued while the
 * host looks at one; a ring of one takes each at once. What is on its way when a caller fails has to arrive before its
 * memory goes. */
#include "late.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t classes_of(const struct late *l)
{
	return shape_size(l->g->value[l->g->logits].shape);
}

int late_init(struct late *l, const struct graph *g, int max_n, int targets, struct err *err)
{
	size_t n = (size_t)max_n;
	*l = (struct late){ .g = g, .room = graph_reads_later(g) ? ANSWERS : 1 };
	for (int i = 0; i < l->room; i++) {
		struct answer *a = &l->answer[i];
		if (mem_alloc(&a->logits, n * classes_of(l), sizeof *a->logits, err) ||
		    (targets && (mem_alloc(&a->target, n * classes_of(l), sizeof *a->target, err) ||
				 mem_alloc(&a->loss, n, sizeof *a->loss, err))))
			return -1;
	}
	return 0;
}

static int answer_arrives(const struct late *l, const struct answer *a, struct err *err)
{
	return graph_arrived(l->g, a->ticket[0], err) || (a->training && graph_arrived(l->g, a->ticket[1], err)) ? -1
														 : 0;
}

static struct answer *oldest(struct late *l)
{
	struct answer *a = &l->answer[l->first];
	l->first = (l->first + 1) % l->room;
	l->waiting--;
	return a;
}

void late_release(struct late *l)
{
	struct err unheard = ERR_NONE;
	while (l->waiting && !answer_arrives(l, oldest(l), &unheard))
		;
	for (int i = 0; i < ANSWERS; i++) {
		free(l->answer[i].logits);
		free(l->answer[i].loss);
		free(l->answer[i].target);
	}
	*l = (struct late){ 0 };
}

void late_begin(struct late *l, late_take *take, void *ctx)
{
	l->take = take;
	l->ctx = ctx;
}

static int take_oldest(struct late *l, struct err *err)
{
	struct answer *a = oldest(l);
	return answer_arrives(l, a, err) || l->take(l->ctx, a, err) ? -1 : 0;
}

int late_add(struct late *l, const struct answer *what, const float *target, struct err *err)
{
	struct answer *a = &l->answer[(l->first + l->waiting) % l->room], mine = *a;
	*a = *what;
	a->logits = mine.logits;
	a->loss = mine.loss;
	a->target = mine.target;
	a->training = 0;
	if (graph_read_later(l->g, l->g->logits, a->n, a->logits, &a->ticket[0], err))
		return -1;
	l->waiting++;
	if (target) {
		memcpy(a->target, target, (size_t)a->n * classes_of(l) * sizeof *target);
		if (graph_read_later(l->g, l->g->loss, a->n, a->loss, &a->ticket[1], err))
			return -1;
		a->training = 1;
	}
	return l->waiting == l->room ? take_oldest(l, err) : 0;
}

int late_finish(struct late *l, struct err *err)
{
	while (l->waiting)
		if (take_oldest(l, err))
			return -1;
	return 0;
}
