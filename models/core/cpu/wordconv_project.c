/* The words' projections of wordconv (the method is in wordconv.h): list the batch's new words, gather their vectors,
 * transpose the filters, project. slot[word] is valid where slot_stamp[word] == stamp; forget() raises the stamp and so
 * drops all. Products run over whole steps of GEMM_WHOLE rows, so a word's projection has the same bytes in any
 * company; the surplus rows lie in slots that are not given out yet, for which proj_bytes keeps room. cache.n counts a
 * batch's words only after their products are made. */
#include "wordconv.h"

#include "pipeline/base/mem.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* Reads run up to a vector past the last row; products are made in whole steps of rows. */
static size_t proj_bytes(const struct wordconv *s, size_t slots)
{
	return ((slots + GEMM_WHOLE) * (size_t)s->stride + LANES) * sizeof(float);
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

struct projection_work {
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
	struct projection_work *w = arg;
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
	struct projection_work *w = arg;
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
	struct projection_work *w = arg;
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

int project_words(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	struct projection_work w = { .s = s, .c = c };
	if (find_new_words(s, c, err))
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
	return 0;
}

void projections_release(struct wordconv *s)
{
	if (s->cache.row)
		munmap(s->cache.row, proj_bytes(s, s->cache.cap));
}
