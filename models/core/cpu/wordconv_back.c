/* The backward pass of wordconv: only winning windows carry gradient. For every (sample, feature) with gradient g and
 * window s,
 *   d_filter[tap j][map] += g * mix[s + j]         gathered feature by feature
 *   d_mix[s + j]         += g * filter[tap j][map] gathered position by position
 * and a word's gradient is the weighted sum of d_mix over the positions where it stands. */
#include "wordconv.h"

#include <string.h>

enum { HELD = 14 }; /* vectors of sums that 16 registers hold beside what is added to them */

/* to[0 .. NATIVE q) = (add ? to : 0) + sum_i weight[i] * row[i][off + .], q vectors held in registers; of the last
 * vector only `last` floats are read and stored. */
static inline __attribute__((always_inline)) void sum_rows(float *to, int q, int last, int add, const float *const *row,
							    const float *weight, int n, size_t off)
{
	nvec acc[HELD], end = { 0 };
	if (add) {
		memcpy(&end, to + (q - 1) * NATIVE, (size_t)last * sizeof *to);
		for (int i = 0; i < q - 1; i++)
			acc[i] = *(const unvec *)(to + i * NATIVE);
		acc[q - 1] = end;
	} else
		for (int i = 0; i < q; i++)
			acc[i] = (nvec){ 0 };
	for (int r = 0; r < n; r++) {
		const float *p = row[r] + off;
		float g = weight[r];
		for (int i = 0; i < q; i++)
			acc[i] += g * *(const unvec *)(p + i * NATIVE);
	}
	for (int i = 0; i < q - 1; i++)
		*(unvec *)(to + i * NATIVE) = acc[i];
	if (last == NATIVE) {
		*(unvec *)(to + (q - 1) * NATIVE) = acc[q - 1];
		return;
	}
	end = acc[q - 1];
	for (int i = 0; i < last; i++)
		to[(q - 1) * NATIVE + i] = end[i];
}

/* to[dim] = (add ? to[dim] : 0) + sum_i weight[i] * row[i][off + dim]; rows are readable to a whole vector. */
static void weighted_sum(float *to, int dim, int add, const float *const *row, const float *weight, int n, size_t off)
{
	for (int d = 0; d < dim; d += HELD * NATIVE, off += HELD * NATIVE, to += HELD * NATIVE) {
		int left = dim - d < HELD * NATIVE ? dim - d : HELD * NATIVE, q = (left + NATIVE - 1) / NATIVE,
		    last = left - (q - 1) * NATIVE;
		switch (q) {
		case 1: sum_rows(to, 1, last, add, row, weight, n, off); break;
		case 2: sum_rows(to, 2, last, add, row, weight, n, off); break;
		case 3: sum_rows(to, 3, last, add, row, weight, n, off); break;
		case 4: sum_rows(to, 4, last, add, row, weight, n, off); break;
		case 5: sum_rows(to, 5, last, add, row, weight, n, off); break;
		case 6: sum_rows(to, 6, last, add, row, weight, n, off); break;
		case 7: sum_rows(to, 7, last, add, row, weight, n, off); break;
		case 8: sum_rows(to, 8, last, add, row, weight, n, off); break;
		case 9: sum_rows(to, 9, last, add, row, weight, n, off); break;
		case 10: sum_rows(to, 10, last, add, row, weight, n, off); break;
		case 11: sum_rows(to, 11, last, add, row, weight, n, off); break;
		case 12: sum_rows(to, 12, last, add, row, weight, n, off); break;
		case 13: sum_rows(to, 13, last, add, row, weight, n, off); break;
		default: sum_rows(to, HELD, last, add, row, weight, n, off); break;
		}
	}
}

struct wordconv_back_work {
	struct wordconv *s;
	const struct op_call *c;
};

static int length_of(const struct batch *b, int sample)
{
	int n0, n1 = 0;
	tokens_of(b, sample, 0, &n0);
	if (batch_mixes_at(b, 0))
		tokens_of(b, sample, 1, &n1);
	return n0 > n1 ? n0 : n1;
}

/* Row of the gathered word vectors: in training, new_word[] is the batch's words in order. */
static const float *x_row(const struct wordconv *s, uint32_t local)
{
	return s->cache.new_vector + (size_t)local * (size_t)s->dim16;
}

static void mix_task(void *arg, int task, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	const struct batch *b = w->c->batch;
	int n0, n1 = 0, n = length_of(b, task), mixed = batch_mixes_at(b, 0);
	size_t row = (size_t)s->dim16;
	(void)worker;
	const uint32_t *t0 = tokens_of(b, task, 0, &n0), *t1 = mixed ? tokens_of(b, task, 1, &n1) : NULL;
	float l0 = mixed ? b->lambda[task] : 1, l1 = 1 - l0, *mix = s->mixed.row + s->mixed.first[task] * row;
	if (!task)
		memset(s->mixed.row, 0, (size_t)s->mixed.pad * row * sizeof *mix);
	memset(mix + (size_t)n * row, 0, (size_t)s->mixed.pad * row * sizeof *mix);
	for (int t = 0; t < n; t++) {
		vec *to = (vec *)(mix + (size_t)t * row);
		const vec *e0 = t < n0 ? (const vec *)x_row(s, t0[t]) : NULL,
			  *e1 = t < n1 ? (const vec *)x_row(s, t1[t]) : NULL;
		for (int d = 0; d < s->dim16 / LANES; d++)
			to[d] = e0 && e1 ? l0 * e0[d] + l1 * e1[d] : e0 ? l0 * e0[d] : l1 * e1[d];
	}
}

/* Of feature o of sample b: its gradient after ReLU. */
static inline float gradient_of(const struct op_call *c, const struct wordconv *s, int b, int o)
{
	size_t i = (size_t)b * (size_t)s->out + (size_t)o;
	return c->out[i] > 0 ? c->d_out[i] : 0;
}

enum { FEATURES = 32 };

/* Lists some features' windows, samples in order, and sums their biases' gradients. */
static void list_features_task(void *arg, int task, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	double bias[FEATURES] = { 0 };
	int from = task * FEATURES, to = from + FEATURES < s->out ? from + FEATURES : s->out;
	(void)worker;
	for (int o = from; o < to; o++)
		s->win.n[o] = 0;
	for (int b = 0; b < w->c->n; b++)
		for (int o = from; o < to; o++) {
			float g = gradient_of(w->c, s, b, o);
			int32_t start = s->win.start[(size_t)b * (size_t)s->out + (size_t)o];
			bias[o - from] += g;
			if (g == 0 || start == WINDOW_OF_ZEROS)
				continue;
			size_t at = (size_t)o * (size_t)s->max_n + (size_t)s->win.n[o]++;
			s->win.row[at] = (uint32_t)((int32_t)s->mixed.first[b] + start);
			s->win.grad[at] = g;
		}
	for (int o = from; o < to; o++)
		w->c->d_param[2 + 2 * (o / s->maps)][o % s->maps] = (float)bias[o - from];
}

/* Lists a sample's filter rows by the position they stand on, by counting sort. */
static void list_sample_task(void *arg, int b, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	const struct op_call *c = w->c;
	uint32_t n = (uint32_t)length_of(c->batch, b), *next = s->worker.next + (size_t)worker * s->worker.next_room;
	uint32_t *end = s->list.end + s->mixed.first[b];
	const int32_t *start = s->win.start + (size_t)b * (size_t)s->out;
	const float *d_out = c->d_out + (size_t)b * (size_t)s->out, *out = c->out + (size_t)b * (size_t)s->out;
	size_t part = (size_t)b * (size_t)s->taps * (size_t)s->maps;
	/* The features with gradient, without branches: dropout makes them unpredictable. */
	int *active = s->list.feature + (size_t)b * (size_t)s->out, n_active = 0;
	for (int o = 0; o < s->out; o++) {
		active[n_active] = o;
		n_active += (d_out[o] != 0) & (out[o] > 0) & (start[o] != WINDOW_OF_ZEROS);
	}
	memset(next, 0, (n + 2) * sizeof *next);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n_active; i++) {
			int o = active[i], k = o / s->maps, at = start[o];
			/* taps that stand before or after the sentence are left out */
			int from = at < 0 ? -at : 0, to = (int)n - at;
			to = to < s->width[k] ? to : s->width[k];
			if (!pass) {
				for (int j = from; j < to; j++)
					next[at + j + 1]++;
				continue;
			}
			size_t tap = (size_t)s->maps * (size_t)s->dim;
			const float *row = c->param[1 + 2 * k] + (size_t)(o - k * s->maps) * (size_t)s->dim;
			for (int j = from; j < to; j++) {
				size_t to_at = part + next[at + j]++;
				s->list.filter[to_at] = row + (size_t)j * tap;
				s->list.grad[to_at] = d_out[o];
			}
		}
		for (uint32_t t = 1; !pass && t <= n; t++)
			next[t] += next[t - 1];
	}
	memcpy(end, next, n * sizeof *end); /* the second pass has moved each beginning to its end */
}

/* Vectors are worked on in slices of this many floats: a slice of all mixed rows, or of all filters, fits the
 * second-level cache where whole rows do not. Tasks go slice by slice. */
enum { SLICE = 7 * LANES, FILTER_MAPS = 5 };

static int slices(const struct wordconv *s)
{
	return (s->dim + SLICE - 1) / SLICE;
}

static int slice_size(const struct wordconv *s, int slice)
{
	return s->dim - slice * SLICE < SLICE ? s->dim - slice * SLICE : SLICE;
}

static int whole_vectors(int floats)
{
	return (floats + NATIVE - 1) / NATIVE * NATIVE;
}

static int map_groups(const struct wordconv *s)
{
	return (s->maps + FILTER_MAPS - 1) / FILTER_MAPS;
}

/* One slice of the filters of some maps of one width. */
static void filter_task(void *arg, int task, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	int per = s->widths * map_groups(s), slice = task / per, k = task % per / map_groups(s);
	int from = task % map_groups(s) * FILTER_MAPS;
	size_t at = (size_t)slice * SLICE;
	const float **row = rows_of_worker(s, worker);
	for (int f = from; f < s->maps && f < from + FILTER_MAPS; f++) {
		int o = k * s->maps + f, n = s->win.n[o];
		const float *g = s->win.grad + (size_t)o * (size_t)s->max_n;
		for (int i = 0; i < n; i++)
			row[i] = s->mixed.row +
				 (size_t)s->win.row[(size_t)o * (size_t)s->max_n + (size_t)i] * (size_t)s->dim16 + at;
		for (int j = 0; j < s->width[k]; j++)
			weighted_sum(w->c->d_param[1 + 2 * k] +
					     ((size_t)j * (size_t)s->maps + (size_t)f) * (size_t)s->dim + at,
				     slice_size(s, slice), 0, row, g, n, (size_t)j * (size_t)s->dim16);
	}
}

/* One slice of the gradient of one sample's mixed sentence. */
static void sample_task(void *arg, int task, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	int slice = task / w->c->n, b = task % w->c->n, n = length_of(w->c->batch, b);
	size_t part = (size_t)b * (size_t)s->taps * (size_t)s->maps, at = (size_t)slice * SLICE;
	float *d_mix = s->mixed.d_row + (size_t)s->mixed.first[b] * (size_t)s->dim16 + at;
	const uint32_t *end = s->list.end + s->mixed.first[b];
	(void)worker;
	for (int t = 0; t < n; t++) {
		size_t from = part + (t ? end[t - 1] : 0);
		/* d_mix's rows are whole vectors: what lands after dim is never used */
		weighted_sum(d_mix + (size_t)t * (size_t)s->dim16, whole_vectors(slice_size(s, slice)), 0,
			     s->list.filter + from, s->list.grad + from, (int)(part + end[t] - from), at);
	}
}

/* Where each word stands, by counting sort: within a word, positions come in the batch's order. */
static int find_words(struct wordconv *s, const struct batch *b, int n, struct err *err)
{
	size_t words = (size_t)b->words->distinct, positions = 0;
	int mixed = batch_mixes_at(b, 0);
	for (int i = 0; i < n; i++)
		for (int p = 0; p < (mixed ? 2 : 1); p++) {
			int len;
			tokens_of(b, i, p, &len);
			positions += (size_t)len;
		}
	if (scratch(&s->where.begin, &s->where.begin_cap, words + 2, sizeof *s->where.begin, err) ||
	    scratch(&s->where.position, &s->where.position_cap, positions, sizeof *s->where.position, err) ||
	    scratch(&s->where.weight, &s->where.weight_cap, positions, sizeof *s->where.weight, err))
		return -1;
	memset(s->where.begin, 0, (words + 2) * sizeof *s->where.begin);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++)
			for (int p = 0; p < (mixed ? 2 : 1); p++) {
				int len;
				const uint32_t *t = tokens_of(b, i, p, &len);
				float l = !mixed ? 1 : p ? 1 - b->lambda[i] : b->lambda[i];
				for (int k = 0; k < len; k++) {
					uint32_t *next = &s->where.begin[t[k] + 2 - (uint32_t)pass];
					if (pass) {
						s->where.position[*next] = s->mixed.first[i] + (uint32_t)k;
						s->where.weight[*next] = l;
					}
					++*next;
				}
			}
		for (size_t u = 2; !pass && u < words + 2; u++)
			s->where.begin[u] += s->where.begin[u - 1];
	}
	return 0;
}

enum { WORD_ROWS = 32 };

static void word_task(void *arg, int task, int worker)
{
	struct wordconv_back_work *w = arg;
	struct wordconv *s = w->s;
	uint32_t from = (uint32_t)task * WORD_ROWS, to = from + WORD_ROWS, all = (uint32_t)w->c->batch->words->distinct;
	(void)worker;
	for (uint32_t u = from; u < to && u < all; u++) {
		float *g = w->c->d_param[0] + (size_t)u * (size_t)s->dim;
		const float *row[256];
		uint32_t i = s->where.begin[u], end = s->where.begin[u + 1], first = i;
		do { /* a frequent word may stand in more positions than row[] holds: run by run, in order */
			int n = 0;
			uint32_t at = i;
			for (; i < end && n < 256; i++)
				row[n++] = s->mixed.d_row + (size_t)s->where.position[i] * (size_t)s->dim16;
			weighted_sum(g, s->dim, at > first, row, s->where.weight + at, n, 0);
		} while (i < end);
	}
}

int wordconv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	struct wordconv_back_work w = { s, c };
	size_t rows = (size_t)s->mixed.pad, longest = 0;
	for (int b = 0; b < c->n; b++) {
		size_t len = (size_t)length_of(c->batch, b);
		s->mixed.first[b] = (uint32_t)rows;
		rows += len + (size_t)s->mixed.pad;
		longest = len > longest ? len : longest;
	}
	if (worker_room(s, pool_threads(ctx->pool), (size_t)c->n, longest + 2, 0, err) ||
	    scratch(&s->mixed.row, &s->mixed.row_cap, rows * (size_t)s->dim16, sizeof *s->mixed.row, err))
		return -1;
	pool_run(ctx->pool, (s->out + FEATURES - 1) / FEATURES, list_features_task, &w);
	pool_run(ctx->pool, c->n, mix_task, &w);
	pool_run(ctx->pool, slices(s) * s->widths * map_groups(s), filter_task, &w);
	if (!c->d_param[0])
		return 0;
	if (scratch(&s->mixed.d_row, &s->mixed.d_row_cap, rows * (size_t)s->dim16, sizeof *s->mixed.d_row, err) ||
	    scratch(&s->list.end, &s->list.end_cap, rows, sizeof *s->list.end, err) ||
	    find_words(s, c->batch, c->n, err))
		return -1;
	pool_run(ctx->pool, c->n, list_sample_task, &w);
	pool_run(ctx->pool, slices(s) * c->n, sample_task, &w);
	pool_run(ctx->pool, (c->batch->words->distinct + WORD_ROWS - 1) / WORD_ROWS, word_task, &w);
	return 0;
}
