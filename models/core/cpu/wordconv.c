#include "wordconv.h"

#include "pipeline/mem.h"

#include <math.h>
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

int wordconv_open(struct wordconv **out, const struct op *op, const struct graph *g, int max_n, int training, struct err *err)
{
	struct wordconv *s;
	(void)training;
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	s->dim = op->wordconv.dim;
	s->dim16 = round16(s->dim);
	s->maps = op->wordconv.maps;
	s->maps16 = round16(s->maps);
	s->widths = op->wordconv.widths;
	for (int k = 0; k < s->widths; k++) {
		s->width[k] = op->wordconv.width[k];
		s->taps += s->width[k];
	}
	s->stride = s->taps * s->maps16;
	s->out = s->widths * s->maps;
	s->vocabulary = (int)g->param[op->param[0]].dim[0];
	if (mem_alloc(&s->slot, (size_t)s->vocabulary, sizeof *s->slot, err) ||
	    mem_alloc(&s->seen, (size_t)s->vocabulary, sizeof *s->seen, err) ||
	    mem_alloc(&s->zeros, (size_t)s->stride, sizeof *s->zeros, err) ||
	    mem_alloc(&s->arg, (size_t)max_n * (size_t)s->out, sizeof *s->arg, err) ||
	    mem_alloc(&s->at, (size_t)max_n + 1, sizeof *s->at, err)) {
		wordconv_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void wordconv_close(struct wordconv *s)
{
	if (!s)
		return;
	if (s->proj)
		munmap(s->proj, s->slots_cap * (size_t)s->stride * sizeof(float));
	free(s->slot);
	free(s->seen);
	free(s->x);
	free(s->fresh);
	free(s->zeros);
	free(s->arg);
	free(s->at);
	free(s->mix);
	free(s->d_mix);
	free(s->begin);
	free(s->position);
	free(s->weight);
	free(s);
}

/* Room for `need` slots; growing forgets what was kept. Pages come from the kernel as they are touched, so a prediction cache
 * for the whole vocabulary costs what it holds. */
static int need_slots(struct wordconv *s, size_t need, struct err *err)
{
	size_t bytes = (size_t)s->stride * sizeof(float), most = (size_t)PROJECTION_LIMIT / bytes;
	if (need <= s->slots_cap)
		return 0;
	size_t want = (size_t)s->vocabulary < most ? (size_t)s->vocabulary : most;
	want = want < need ? need : want;
	if (s->proj)
		munmap(s->proj, s->slots_cap * bytes);
	s->slots_cap = 0;
	s->proj = mmap(NULL, want * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->proj == MAP_FAILED) {
		s->proj = NULL;
		return err_sys(err, "memory for %zu word projections", want);
	}
	madvise(s->proj, want * bytes, MADV_HUGEPAGE);
	s->slots_cap = want;
	s->slots = 0;
	s->stamp++;
	return 0;
}

/* Lists the batch's words that have no projection yet in s->fresh and gives them slots. */
static int find_fresh(struct wordconv *s, const struct op_call *c, struct err *err)
{
	const struct words *w = c->batch->words;
	/* In training backward wants the gathered rows in the batch's order, so nothing is kept. */
	if (c->phase == PHASE_TRAIN || s->version != c->version || s->stamp == 0) {
		s->version = c->version;
		s->stamp++;
		s->slots = 0;
	}
	if (s->slots + (size_t)w->distinct > s->slots_cap) {
		s->slots = 0; /* full: begin anew; the words at hand fit or need_slots makes room */
		s->stamp++;
		if (need_slots(s, (size_t)w->distinct, err))
			return -1;
	}
	if (scratch(&s->fresh, &s->fresh_cap, (size_t)w->distinct, sizeof *s->fresh, err))
		return -1;
	s->fresh_n = 0;
	for (int i = 0; i < w->distinct; i++) {
		uint32_t v = w->word[i];
		if (s->seen[v] == s->stamp)
			continue;
		s->seen[v] = s->stamp;
		s->slot[v] = s->slots + (uint32_t)s->fresh_n;
		s->fresh[s->fresh_n++] = v;
	}
	return scratch(&s->x, &s->x_cap, s->fresh_n * (size_t)s->dim16, sizeof *s->x, err);
}

struct work {
	struct wordconv *s;
	const struct op_call *c;
};

enum { GATHER_ROWS = 128, GEMM_ROWS = 512 };

static void gather_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	(void)worker;
	size_t from = (size_t)task * GATHER_ROWS, to = from + GATHER_ROWS < s->fresh_n ? from + GATHER_ROWS : s->fresh_n;
	for (size_t i = from; i < to; i++) {
		const float *e = w->c->param[0] + (size_t)s->fresh[i] * (size_t)s->dim;
		float *x = s->x + i * (size_t)s->dim16;
		memcpy(x, e, (size_t)s->dim * sizeof *x);
		for (int d = s->dim; d < s->dim16; d++)
			x[d] = 0;
		const float *fixed = w->c->fixed ? w->c->fixed + (size_t)s->fresh[i] * (size_t)s->dim : NULL;
		for (int d = 0; fixed && d < s->dim; d++)
			x[d] += fixed[d];
	}
}

/* One tap for a run of words: proj[word][tap] = x[word] . filter[tap][map]. */
static void project_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	int tap = task % s->taps, block = task / s->taps, k = 0, j = tap;
	(void)worker;
	while (j >= s->width[k])
		j -= s->width[k++];
	size_t from = (size_t)block * GEMM_ROWS, left = s->fresh_n - from;
	const float *filter = w->c->param[1 + 2 * k] + (size_t)j * (size_t)s->maps * (size_t)s->dim;
	gemm_nt((int)(left < GEMM_ROWS ? left : GEMM_ROWS), s->maps, s->dim, s->x + from * (size_t)s->dim16, s->dim16, filter,
		s->dim, s->proj + (s->slots + from) * (size_t)s->stride + (size_t)tap * (size_t)s->maps16, s->stride);
}

/* A sentence's projections by position, with `pad` rows of zeros on both sides and up to length `n`. */
static void rows_of(const struct wordconv *s, const struct words *w, const uint32_t *token, int len, int n, int pad,
		    const float **row)
{
	for (int t = -pad; t < n + pad; t++)
		row[t + pad] = t >= 0 && t < len ? s->proj + (size_t)s->slot[w->word[token[t]]] * (size_t)s->stride : s->zeros;
}

struct best {
	vec value;
	ivec at, nan;
};

static inline void take(struct best *b, vec sum, int at)
{
	ivec more = sum > b->value, where = at - (ivec){ 0 };
	b->nan |= sum != sum;
	b->value = (vec)(((ivec)sum & more) | ((ivec)b->value & ~more));
	b->at = (where & more) | (b->at & ~more);
}

/* All windows of one width for 16 maps. row0/row1: rows from position -(width - 1) on; l1 is 0 and row1 NULL without mixup. */
static inline struct best slide(const float *const *row0, const float *const *row1, float l0, float l1, int windows, int width,
				int maps16, size_t off)
{
	struct best b = { { 0 }, WINDOW_OF_ZEROS - (ivec){ 0 }, { 0 } };
	for (int i = 0; i < windows; i++) {
		vec sum = *(const vec *)(row0[i] + off);
		for (int j = 1; j < width; j++)
			sum += *(const vec *)(row0[i + j] + off + (size_t)j * (size_t)maps16);
		if (row1) {
			vec other = *(const vec *)(row1[i] + off);
			for (int j = 1; j < width; j++)
				other += *(const vec *)(row1[i + j] + off + (size_t)j * (size_t)maps16);
			sum = l0 * sum + l1 * other;
		}
		take(&b, sum, i - (width - 1));
	}
	return b;
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

enum { PAD = 64 }; /* most zeros beside a sentence; nets/kimcnn.c keeps widths below it */

static void window_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	const struct batch *b = w->c->batch;
	const float *row0[4096 + 2 * PAD], *row1[4096 + 2 * PAD];
	(void)worker;
	int mixed = b->partner != NULL, n0, n1 = 0;
	const uint32_t *t0 = tokens_of(b, task, 0, &n0), *t1 = mixed ? tokens_of(b, task, 1, &n1) : NULL;
	int n = n0 > n1 ? n0 : n1, pad = 0;
	float l0 = mixed ? b->lambda[task] : 1, l1 = 1 - l0;
	for (int k = 0; k < s->widths; k++)
		pad = s->width[k] - 1 > pad ? s->width[k] - 1 : pad;
	rows_of(s, b->words, t0, n0, n, pad, row0);
	if (mixed)
		rows_of(s, b->words, t1, n1, n, pad, row1);
	size_t off = 0;
	for (int k = 0; k < s->widths; k++) {
		int width = s->width[k], skip = pad - (width - 1), windows = n + width - 1;
		for (int f = 0; f < s->maps; f += LANES, off += LANES) {
			struct best best = slide(row0 + skip, mixed ? row1 + skip : NULL, l0, l1, windows, width, s->maps16, off);
			size_t o = (size_t)task * (size_t)s->out + (size_t)(k * s->maps + f);
			finish(&best, w->c->param[2 + 2 * k] + f, s->maps - f < LANES ? s->maps - f : LANES, w->c->out + o,
			       s->arg + o);
		}
		off += (size_t)(width - 1) * (size_t)s->maps16;
	}
}

int wordconv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	struct work w = { s, c };
	for (int i = 0; i < c->batch->words->sentences; i++)
		if (c->batch->words->begin[i + 1] - c->batch->words->begin[i] > 4096)
			return err_set(err, "a sentence of more than 4096 words reached the convolution; use --max-tokens");
	if (find_fresh(s, c, err))
		return -1;
	pool_run(ctx->pool, (int)((s->fresh_n + GATHER_ROWS - 1) / GATHER_ROWS), gather_task, &w);
	pool_run(ctx->pool, (int)((s->fresh_n + GEMM_ROWS - 1) / GEMM_ROWS) * s->taps, project_task, &w);
	s->slots += (uint32_t)s->fresh_n;
	pool_run(ctx->pool, c->n, window_task, &w);
	return 0;
}
