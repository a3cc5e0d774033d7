/* The forward pass of wordconv (the method is in wordconv.h): list the batch's new words, gather their vectors,
 * transpose the filters, project, then slide each window over looked-up rows. slot[word] is valid where
 * slot_stamp[word] == stamp; forget() raises the stamp and so drops all. Products run over whole steps of GEMM_WHOLE
 * rows, so a word's projection has the same bytes in any company; the surplus rows lie in slots that are not given out
 * yet, for which proj_bytes keeps room. cache.n counts a batch's words only after their products are made. A window's
 * sum adds its taps in order, and mixup mixes finished sums. */
#include "wordconv.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* Reads run up to a vector past the last row; products are made in whole steps of rows. */
static size_t proj_bytes(const struct wordconv *s, size_t slots)
{
	return ((slots + GEMM_WHOLE) * (size_t)s->stride + LANES) * sizeof(float);
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
	if (s->cache.row)
		munmap(s->cache.row, proj_bytes(s, s->cache.cap));
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

/* Room for `need` slots; growing forgets what was kept. Pages come from the kernel as they are touched, so a prediction
 * cache for the whole vocabulary costs what it holds. */
static int need_slots(struct wordconv *s, size_t need, struct err *err)
{
	size_t most = (size_t)PROJECTION_LIMIT / ((size_t)s->stride * sizeof(float));
	if (need <= s->cache.cap)
		return 0;
	size_t want = (size_t)s->vocabulary < most ? (size_t)s->vocabulary : most;
	want = want < need ? need : want;
	if (s->cache.row)
		munmap(s->cache.row, proj_bytes(s, s->cache.cap));
	s->cache.cap = 0;
	s->cache.row = mmap(NULL, proj_bytes(s, want), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->cache.row == MAP_FAILED) {
		s->cache.row = NULL;
		return err_sys(err, "memory for %zu word projections", want);
	}
	madvise(s->cache.row, proj_bytes(s, want), MADV_HUGEPAGE);
	s->cache.cap = want;
	return 0;
}

/* Lists the batch's words that have no projection yet in new_word. */
static void list_new_words(struct wordconv *s, const struct words *w)
{
	s->cache.n_new = 0;
	for (int i = 0; i < w->distinct; i++)
		if (s->cache.slot_stamp[w->word[i]] != s->cache.stamp)
			s->cache.new_word[s->cache.n_new++] = w->word[i];
}

/* Forgets all projections. */
static void forget(struct wordconv *s)
{
	s->cache.n = 0;
	s->cache.stamp++;
}

/* Finds the words to project and gives them slots. */
static int find_new_words(struct wordconv *s, const struct op_call *c, struct err *err)
{
	const struct words *w = c->batch->words;
	/* In training backward wants the gathered rows in the batch's order, so nothing is kept. */
	if (c->phase == PHASE_TRAIN || s->cache.version != c->version || s->cache.stamp == 0) {
		s->cache.version = c->version;
		forget(s);
	}
	if (scratch(&s->cache.new_word, &s->cache.new_word_cap, (size_t)w->distinct, sizeof *s->cache.new_word, err))
		return -1;
	list_new_words(s, w);
	if (s->cache.n + s->cache.n_new > s->cache.cap) { /* full: begin anew with this batch's words */
		forget(s);
		if (need_slots(s, (size_t)w->distinct, err))
			return -1;
		list_new_words(s, w);
	}
	size_t rows = gemm_whole(s->cache.n_new), dim = (size_t)s->dim16;
	/* before any word is marked */
	if (scratch(&s->cache.new_vector, &s->cache.new_vector_cap, rows * dim, sizeof *s->cache.new_vector, err))
		return -1;
	for (size_t i = 0; i < s->cache.n_new; i++) {
		s->cache.slot_stamp[s->cache.new_word[i]] = s->cache.stamp;
		s->cache.slot[s->cache.new_word[i]] = s->cache.n + (uint32_t)i;
	}
	memset(s->cache.new_vector + s->cache.n_new * dim, 0,
	       (rows - s->cache.n_new) * dim * sizeof *s->cache.new_vector);
	return 0;
}

struct wordconv_work {
	struct wordconv *s;
	const struct op_call *c;
	atomic_int failed;
};

enum { GATHER_ROWS = 128, GEMM_ROWS = 144, GEMM_PARTS = 2 };

/* Words are projected in blocks of equal size, of at most GEMM_ROWS; rows that fill a block up are zeros, and nobody
 * reads their products, which lie in slots not given yet. */
static size_t gemm_blocks(const struct wordconv *s)
{
	return (s->cache.n_new + GEMM_ROWS - 1) / GEMM_ROWS;
}

static int bands(const struct wordconv *s)
{
	return (s->dim + LANES - 1) / LANES;
}

/* Lanes whose number has bit S are exchanged between a and b: a's upper ones for b's lower ones. */
#define LO(l, s) ((l) & (s) ? 16 + (l) - (s) : (l))
#define HI(l, s) ((l) & (s) ? 16 + (l) : (l) + (s))
#define PICK(a, b, f, s) \
	__builtin_shufflevector(a, b, f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s), f(8, s), \
				f(9, s), f(10, s), f(11, s), f(12, s), f(13, s), f(14, s), f(15, s))
#define EXCHANGE(t, s) \
	for (int i = 0; i < LANES; i++) \
		if (!(i & (s))) { \
			vec a = t[i], b = t[i + (s)]; \
			t[i] = PICK(a, b, LO, s); \
			t[i + (s)] = PICK(a, b, HI, s); \
		}

/* to[d][0..15] = from[0..15][d] for 16 rows of 16. */
static void transpose16(float *to, size_t to_stride, const float *from, size_t from_stride, int nd)
{
	vec t[LANES];
	for (int i = 0; i < LANES; i++)
		t[i] = *(const uvec *)(from + (size_t)i * from_stride);
	EXCHANGE(t, 8)
	EXCHANGE(t, 4)
	EXCHANGE(t, 2)
	EXCHANGE(t, 1)
	for (int d = 0; d < nd; d++)
		*(uvec *)(to + (size_t)d * to_stride) = t[d];
}

/* One band of 16 dimensions of every filter row: filters_T[d][row] = filter[row][d]. */
static void transpose_task(void *arg, int task, int worker)
{
	struct wordconv_work *w = arg;
	struct wordconv *s = w->s;
	int d0 = task * LANES, nd = s->dim - d0 < LANES ? s->dim - d0 : LANES;
	float *to = s->cache.filters_T + (size_t)d0 * (size_t)s->stride;
	(void)worker;
	for (int k = 0; k < s->widths; k++) {
		const float *filter = w->c->param[1 + 2 * k] + d0;
		int rows = s->width[k] * s->maps;
		int r = 0;
		for (; r + LANES <= rows; r += LANES)
			transpose16(to + r, (size_t)s->stride, filter + (size_t)r * (size_t)s->dim, (size_t)s->dim, nd);
		for (; r < rows; r++)
			for (int d = 0; d < nd; d++)
				to[(size_t)d * (size_t)s->stride + (size_t)r] =
					filter[(size_t)r * (size_t)s->dim + (size_t)d];
		to += rows;
	}
}

static void gather_task(void *arg, int task, int worker)
{
	struct wordconv_work *w = arg;
	struct wordconv *s = w->s;
	(void)worker;
	size_t from = (size_t)task * GATHER_ROWS,
	       to = from + GATHER_ROWS < s->cache.n_new ? from + GATHER_ROWS : s->cache.n_new;
	for (size_t i = from; i < to; i++) {
		const float *e = w->c->param[0] + (size_t)s->cache.new_word[i] * (size_t)s->dim;
		float *x = s->cache.new_vector + i * (size_t)s->dim16;
		memcpy(x, e, (size_t)s->dim * sizeof *x);
		for (int d = s->dim; d < s->dim16; d++)
			x[d] = 0;
		const float *fixed = w->c->fixed ? w->c->fixed + (size_t)s->cache.new_word[i] * (size_t)s->dim : NULL;
		for (int d = 0; fixed && d < s->dim; d++)
			x[d] += fixed[d];
	}
}

/* Some taps of a block of words: proj[word][tap][map] = x[word] . filter[tap][map]. */
static void project_task(void *arg, int task, int worker)
{
	struct wordconv_work *w = arg;
	struct wordconv *s = w->s;
	size_t blocks = gemm_blocks(s), rows = gemm_whole((s->cache.n_new + blocks - 1) / blocks);
	size_t from = (size_t)(task / GEMM_PARTS) * rows;
	int part = round16((s->stride + GEMM_PARTS - 1) / GEMM_PARTS), at = task % GEMM_PARTS * part;
	int columns = s->taps * s->maps - at < part ? s->taps * s->maps - at : part;
	(void)worker;
	if (from >= s->cache.n_new || columns <= 0)
		return;
	rows = s->cache.n_new - from < rows ? gemm_whole(s->cache.n_new - from) : rows;
	if (gemm_nn((int)rows, columns, s->dim, s->cache.new_vector + from * (size_t)s->dim16, s->dim16,
		    s->cache.filters_T + at, s->stride, s->cache.row + (s->cache.n + from) * (size_t)s->stride + at,
		    s->stride))
		w->failed = 1;
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
	struct wordconv_work *w = arg;
	struct wordconv *s = w->s;
	const struct batch *b = w->c->batch;
	const float **row0 = rows_of_worker(s, worker), **row1 = row0 + s->worker.row_room / 2;
	int k = task / w->c->n, i = task % w->c->n, mixed = b->partner != NULL, n0, n1 = 0, width = s->width[k];
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
		finish(&best, w->c->param[2 + 2 * k] + f, s->maps - f < LANES ? s->maps - f : LANES, w->c->out + o,
		       s->win.start + o);
	}
}

int wordconv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	struct wordconv_work w = { .s = s, .c = c };
	size_t longest = 0;
	for (int i = 0; i < c->batch->words->sentences; i++) {
		size_t len = c->batch->words->begin[i + 1] - c->batch->words->begin[i];
		longest = len > longest ? len : longest;
	}
	if (worker_room(s, pool_threads(ctx->pool), 2 * (longest + 2 * (size_t)s->mixed.pad), 0, err) ||
	    find_new_words(s, c, err))
		return -1;
	pool_run(ctx->pool, (int)((s->cache.n_new + GATHER_ROWS - 1) / GATHER_ROWS), gather_task, &w);
	if (s->cache.filters_version != c->version) {
		pool_run(ctx->pool, bands(s), transpose_task, &w);
		s->cache.filters_version = c->version;
	}
	pool_run(ctx->pool, (int)gemm_blocks(s) * GEMM_PARTS, project_task, &w);
	if (w.failed) {
		forget(s);
		return err_memory(err);
	}
	s->cache.n += (uint32_t)s->cache.n_new;
	pool_run(ctx->pool, c->n * s->widths, window_task, &w);
	return 0;
}
