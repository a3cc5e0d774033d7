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

int worker_room(struct wordconv *s, int threads, size_t rows, size_t positions, size_t windows, struct err *err)
{
	struct worker_memory *m = &s->worker;
	m->row_room = (rows + 7) / 8 * 8;
	m->next_room = (positions + 15) / 16 * 16;
	m->sum_room = windows * (size_t)round16(s->maps);
	if (scratch(&m->sum, &m->sum_cap, m->sum_room * 2 * (size_t)threads, sizeof *m->sum, err) ||
	    scratch(&m->row, &m->row_cap, m->row_room * (size_t)threads, sizeof *m->row, err) ||
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
			s->worker.row,	s->worker.next,	     s->worker.sum };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		free(own[i]);
	free(s);
}

/* A sentence's projections on one width's taps by position, with `pad` rows of zeros on both sides; the taps begin
 * `first` floats into a row. */
static void rows_of(const struct wordconv *s, const struct words *w, const uint32_t *token, int len, int pad,
		    size_t first, const float **row)
{
	const struct projection_cache *p = &s->cache;
	for (int t = -pad; t < len + pad; t++)
		row[t + pad] = first + (t >= 0 && t < len ?
						p->row + (size_t)p->slot[w->word[token[t]]] * (size_t)s->stride :
						p->zeros);
}

/* sum[windows][maps16]: window i is row i's tap 0 plus row i + 1's tap 1, ..., for all maps, in that order. */
static inline __attribute__((always_inline)) void add_windows(const float *const *row, int windows, int width,
							      size_t maps, size_t maps16, float *sum)
{
	const float *tap[WORDCONV_WIDEST];
	for (int i = 0; i < windows; i++, sum += maps16) {
		for (int j = 0; j < width; j++)
			tap[j] = row[i + j] + (size_t)j * maps;
		for (size_t f = 0; f < maps16; f += NATIVE) {
			nvec v = *(const unvec *)(tap[0] + f);
			for (int j = 1; j < width; j++)
				v += *(const unvec *)(tap[j] + f);
			*(nvec *)(sum + f) = v;
		}
	}
}

/* The usual widths unrolled. */
static void add_windows_of(const float *const *row, int windows, int width, size_t maps, size_t maps16, float *sum)
{
	switch (width) {
	case 3: add_windows(row, windows, 3, maps, maps16, sum); break;
	case 4: add_windows(row, windows, 4, maps, maps16, sum); break;
	case 5: add_windows(row, windows, 5, maps, maps16, sum); break;
	default: add_windows(row, windows, width, maps, maps16, sum);
	}
}

struct best {
	nvec value;
	nivec at, nan;
};

static inline void keep_best(struct best *b, nvec sum, int at)
{
	nivec more = sum > b->value;
	b->nan |= sum != sum;
	b->value = pick(more, sum, b->value);
	b->at = (nivec)pick(more, (nvec)(at - (nivec){ 0 }), (nvec)b->at);
}

/* A sentence's windows: sum[n][maps16]. The first begins width - 1 positions before its first word. */
struct windows {
	const float *sum;
	int n;
};

/* The best window for a vector of maps from `first` on; of the mixture l0 * a + l1 * b where b is there: past a
 * sentence's end its sums are 0. */
static struct best best_window(const struct windows *a, const struct windows *b, float l0, float l1, int width,
			       size_t first, size_t maps16)
{
	struct best best = { { 0 }, WINDOW_OF_ZEROS - (nivec){ 0 }, { 0 } };
	const float *p = a->sum + first, *q = b ? b->sum + first : NULL;
	int i = 0, both = !b || a->n < b->n ? a->n : b->n;
	nvec none = { 0 };
	if (!b) {
		for (; i < a->n; i++, p += maps16)
			keep_best(&best, *(const nvec *)p, i - (width - 1));
		return best;
	}
	for (; i < both; i++, p += maps16, q += maps16)
		keep_best(&best, l0 * *(const nvec *)p + l1 * *(const nvec *)q, i - (width - 1));
	for (; i < a->n; i++, p += maps16)
		keep_best(&best, l0 * *(const nvec *)p + l1 * none, i - (width - 1));
	for (; i < b->n; i++, q += maps16)
		keep_best(&best, l0 * none + l1 * *(const nvec *)q, i - (width - 1));
	return best;
}

/* ReLU(best + bias) of n maps, and the winning windows. */
static void finish(const struct best *b, const float *bias, int n, float *out, int32_t *arg)
{
	for (int i = 0; i < n; i++) {
		float v = b->nan[i] ? NAN : b->value[i] + bias[i];
		out[i] = v < 0 ? 0 : v;
		arg[i] = b->at[i];
	}
}

/* The windows of sample i's sentence (partner 0) or its partner's (1) by width k's filters, in this thread's memory. */
static struct windows windows_of(struct wordconv *s, const struct batch *b, int i, int partner, int k, size_t first,
				 int worker)
{
	const float **row = rows_of_worker(s, worker);
	float *sum = s->worker.sum + ((size_t)worker * 2 + (size_t)partner) * s->worker.sum_room;
	struct windows w = { sum, 0 };
	const uint32_t *token = tokens_of(b, i, partner, &w.n);
	rows_of(s, b->words, token, w.n, s->width[k] - 1, first, row);
	w.n += s->width[k] - 1;
	add_windows_of(row, w.n, s->width[k], (size_t)s->maps, (size_t)round16(s->maps), sum);
	return w;
}

/* One width of one sample. Tasks go width by width, so that a width's projections stay in the cache. */
static void window_task(void *arg, int task, int worker)
{
	const struct op_call *c = *(const struct op_call **)arg;
	struct wordconv *s = c->state;
	const struct batch *b = c->batch;
	int k = task / c->n, i = task % c->n, mixed = batch_mixes_at(b, 0);
	float l0 = mixed ? b->lambda[i] : 1, l1 = 1 - l0;
	struct windows own, partner = { NULL, 0 };
	size_t first = 0;
	for (int q = 0; q < k; q++)
		first += (size_t)s->width[q] * (size_t)s->maps;
	own = windows_of(s, b, i, 0, k, first, worker);
	if (mixed)
		partner = windows_of(s, b, i, 1, k, first, worker);
	for (int f = 0; f < s->maps; f += NATIVE) {
		struct best best = best_window(&own, mixed ? &partner : NULL, l0, l1, s->width[k], (size_t)f,
					       (size_t)round16(s->maps));
		size_t o = (size_t)i * (size_t)s->out + (size_t)(k * s->maps + f);
		finish(&best, c->param[2 + 2 * k] + f, s->maps - f < NATIVE ? s->maps - f : NATIVE, c->out + o,
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
	if (worker_room(s, pool_threads(ctx->pool), longest + 2 * (size_t)s->mixed.pad, 0,
			longest + (size_t)s->mixed.pad, err) ||
	    project_words(ctx, c, err))
		return -1;
	pool_run(ctx->pool, c->n * s->widths, window_task, &c);
	return 0;
}
