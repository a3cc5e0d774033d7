/* The forward pass of wordconv (the method is in wordconv.h): the batch's new words are projected
 * (wordconv_project.c), then each window slides over looked-up rows. A window's sum adds its taps in order, and mixup
 * mixes finished sums. */
#include "wordconv.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int scratch(void *p, size_t *cap, size_t need, size_t size, struct err *err)
{
	void *old;
	if (need <= *cap)
		return 0;
	need += need / 4;
	memcpy(&old, p, sizeof old);
	free(old);
	old = NULL;
	memcpy(p, &old, sizeof old);
	*cap = 0;
	if (mem_alloc(p, need + LANES, size, err))
		return -1;
	*cap = need;
	return 0;
}

int worker_room(struct wordconv *s, int threads, size_t rows, size_t positions, struct err *err)
{
	struct worker_memory *m = &s->worker;
	m->row_room = (rows + 7) / 8 * 8;
	m->next_room = (positions + 15) / 16 * 16;
	if (scratch(&m->row, &m->row_cap, m->row_room * (size_t)threads, sizeof *m->row, err) ||
	    scratch(&m->next, &m->next_cap, m->next_room * (size_t)threads, sizeof *m->next, err))
		return -1;
	return 0;
}

int wordconv_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		     void **state, struct err *err)
{
	struct wordconv *s;
	size_t hits = training ? (size_t)max_n : 0;
	(void)ctx;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->dim = op->wordconv.dim;
	s->dim16 = round16(s->dim);
	s->maps = op->wordconv.maps;
	s->widths = op->wordconv.widths;
	for (int k = 0; k < s->widths; k++) {
		s->width[k] = op->wordconv.width[k];
		s->taps += s->width[k];
	}
	s->stride = round16(s->taps * s->maps);
	s->out = s->widths * s->maps;
	s->vocabulary = (int)g->param[op->param[0]].dim[0];
	for (int k = 0; k < s->widths; k++)
		s->mixed.pad = s->width[k] - 1 > s->mixed.pad ? s->width[k] - 1 : s->mixed.pad;
	s->max_n = max_n;
	if (mem_alloc(&s->cache.slot, (size_t)s->vocabulary, sizeof *s->cache.slot, err) ||
	    mem_alloc(&s->win.row, hits * (size_t)s->out, sizeof *s->win.row, err) ||
	    mem_alloc(&s->win.grad, hits * (size_t)s->out, sizeof *s->win.grad, err) ||
	    mem_alloc(&s->list.feature, hits * (size_t)s->out + 1, sizeof *s->list.feature, err) ||
	    mem_alloc(&s->win.n, (size_t)s->out, sizeof *s->win.n, err) ||
	    mem_alloc(&s->list.filter, hits * (size_t)s->taps * (size_t)s->maps, sizeof *s->list.filter, err) ||
	    mem_alloc(&s->list.grad, hits * (size_t)s->taps * (size_t)s->maps, sizeof *s->list.grad, err) ||
	    mem_alloc(&s->cache.slot_stamp, (size_t)s->vocabulary, sizeof *s->cache.slot_stamp, err) ||
	    mem_alloc(&s->cache.zeros, (size_t)s->stride + LANES, sizeof *s->cache.zeros, err) ||
	    mem_alloc(&s->cache.filters_T, (size_t)s->dim * (size_t)s->stride, sizeof *s->cache.filters_T, err) ||
	    mem_alloc(&s->win.start, (size_t)max_n * (size_t)s->out, sizeof *s->win.start, err) ||
	    mem_alloc(&s->mixed.first, (size_t)max_n, sizeof *s->mixed.first, err)) {
		wordconv_unprepare(s);
		return -1;
	}
	*state = s;
	return 0;
}

void wordconv_unprepare(void *state)
{
	struct wordconv *s = state;
	if (!s)
		return;
	projections_release(s);
	void *own[] = { s->cache.slot,	s->cache.slot_stamp, s->cache.new_word, s->cache.new_vector,
			s->cache.zeros, s->cache.filters_T,  s->win.start,	s->win.n,
			s->win.row,	s->win.grad,	     s->list.feature,	s->list.filter,
			s->list.grad,	s->list.end,	     s->mixed.first,	s->mixed.row,
			s->mixed.d_row, s->where.begin,	     s->where.position, s->where.weight,
			s->worker.row,	s->worker.next };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free(own[i]);
	free(s);
}

/* A sentence's projections by position, with `pad` rows of zeros on both sides and up to length `n`. */
static void rows_of(const struct wordconv *s, const struct words *w, const uint32_t *token, int len, int n, int pad,
		    const float **row)
{
	const struct projection_cache *p = &s->cache;
	for (int t = -pad; t < n + pad; t++)
		row[t + pad] =
			t >= 0 && t < len ? p->row + (size_t)p->slot[w->word[token[t]]] * (size_t)s->stride : p->zeros;
}

struct best {
	vec value;
	ivec at, nan;
};

static inline void keep_best(struct best *b, vec sum, int at)
{
	ivec more = sum > b->value, where = at - (ivec){ 0 };
	b->nan |= sum != sum;
	b->value = (vec)(((ivec)sum & more) | ((ivec)b->value & ~more));
	b->at = (where & more) | (b->at & ~more);
}

/* The sum of one window for 16 maps: row r's tap r. */
static inline __attribute__((always_inline)) vec window_sum(const float *const *row, int width, size_t maps, size_t off)
{
	vec sum = *(const uvec *)(row[0] + off);
	for (int j = 1; j < width; j++)
		sum += *(const uvec *)(row[j] + off + (size_t)j * maps);
	return sum;
}

/* All windows of one width for 16 maps. row0/row1: rows from position -(width - 1) on; row1 NULL without mixup. */
static inline __attribute__((always_inline)) struct best slide(const float *const *row0, const float *const *row1,
							       float l0, float l1, int windows, int width, size_t maps,
							       size_t off)
{
	struct best b = { { 0 }, WINDOW_OF_ZEROS - (ivec){ 0 }, { 0 } };
	for (int i = 0; i < windows; i++) {
		vec sum = window_sum(row0 + i, width, maps, off);
		if (row1)
			sum = l0 * sum + l1 * window_sum(row1 + i, width, maps, off);
		keep_best(&b, sum, i - (width - 1));
	}
	return b;
}

/* The usual widths unrolled. */
static struct best slide_any(const float *const *row0, const float *const *row1, float l0, float l1, int windows,
			     int width, size_t maps, size_t off)
{
	switch (width) {
	case 3: return slide(row0, row1, l0, l1, windows, 3, maps, off);
	case 4: return slide(row0, row1, l0, l1, windows, 4, maps, off);
	case 5: return slide(row0, row1, l0, l1, windows, 5, maps, off);
	default: return slide(row0, row1, l0, l1, windows, width, maps, off);
	}
}

/* ReLU(best + bias) of 16 maps, and the winning windows. */
static void finish(const struct best *b, const float *bias, int n, float *out, int32_t *arg)
{
	for (int i = 0; i < n; i++) {
		float v = b->nan[i] ? NAN : b->value[i] + bias[i];
		out[i] = v < 0 ? 0 : v;
		arg[i] = b->at[i];
	}
}

/* One width of one sample. Tasks go width by width, so that a width's projections stay in the cache. */
static void window_task(void *arg, int task, int worker)
{
	const struct op_call *c = *(const struct op_call **)arg;
	struct wordconv *s = c->state;
	const struct batch *b = c->batch;
	const float **row0 = rows_of_worker(s, worker), **row1 = row0 + s->worker.row_room / 2;
	int k = task / c->n, i = task % c->n, mixed = batch_mixes_at(b, 0), n0, n1 = 0, width = s->width[k];
	const uint32_t *t0 = tokens_of(b, i, 0, &n0), *t1 = mixed ? tokens_of(b, i, 1, &n1) : NULL;
	int n = n0 > n1 ? n0 : n1;
	float l0 = mixed ? b->lambda[i] : 1, l1 = 1 - l0;
	rows_of(s, b->words, t0, n0, n, width - 1, row0);
	if (mixed)
		rows_of(s, b->words, t1, n1, n, width - 1, row1);
	size_t before = 0;
	for (int q = 0; q < k; q++)
		before += (size_t)s->width[q] * (size_t)s->maps;
	for (int f = 0; f < s->maps; f += LANES) {
		struct best best = slide_any(row0, mixed ? row1 : NULL, l0, l1, n + width - 1, width, (size_t)s->maps,
					     before + (size_t)f);
		size_t o = (size_t)i * (size_t)s->out + (size_t)(k * s->maps + f);
		finish(&best, c->param[2 + 2 * k] + f, s->maps - f < LANES ? s->maps - f : LANES, c->out + o,
		       s->win.start + o);
	}
}

int wordconv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	size_t longest = 0;
	for (int i = 0; i < c->batch->words->sentences; i++) {
		size_t len = c->batch->words->begin[i + 1] - c->batch->words->begin[i];
		longest = len > longest ? len : longest;
	}
	if (worker_room(s, pool_threads(ctx->pool), 2 * (longest + 2 * (size_t)s->mixed.pad), 0, err) ||
	    project_words(ctx, c, err))
		return -1;
	pool_run(ctx->pool, c->n * s->widths, window_task, &c);
	return 0;
}
