/* The backward pass of wordconv: only winning windows carry gradient. For every (sample, feature) with gradient g and window s,
 *   d_filter[tap j][map] += g * mix[s + j]        gathered feature by feature
 *   d_mix[s + j]         += g * filter[tap j][map] gathered sample by sample
 * and a word's gradient is the weighted sum of d_mix over the places where it stands. */
#include "wordconv.h"

#include <string.h>

/* out[16 q] += sum_i weight[i] * row[i][16 q], q vectors held in registers. */
static inline __attribute__((always_inline)) void sum_rows(vec *out, int q, const float *const *row, const float *weight,
							    int n, size_t off)
{
	vec acc[8];
	for (int i = 0; i < q; i++)
		acc[i] = out[i];
	for (int r = 0; r < n; r++) {
		const float *p = row[r] + off;
		float g = weight[r];
		for (int i = 0; i < q; i++)
			acc[i] += g * *(const uvec *)(p + i * LANES);
	}
	for (int i = 0; i < q; i++)
		out[i] = acc[i];
}

/* to[dim] = (add ? to[dim] : 0) + sum_i weight[i] * row[i][dim]; rows are readable to dim16. */
static void weighted_sum(float *to, int dim, int add, const float *const *row, const float *weight, int n)
{
	for (int d = 0; d < dim; d += 8 * LANES) {
		int left = dim - d, q = (left + LANES - 1) / LANES;
		vec out[8] = { { 0 } };
		if (add)
			memcpy(out, to + d, (size_t)(left < 8 * LANES ? left : 8 * LANES) * sizeof *to);
		switch (q) {
		case 1: sum_rows(out, 1, row, weight, n, (size_t)d); break;
		case 2: sum_rows(out, 2, row, weight, n, (size_t)d); break;
		case 3: sum_rows(out, 3, row, weight, n, (size_t)d); break;
		case 4: sum_rows(out, 4, row, weight, n, (size_t)d); break;
		case 5: sum_rows(out, 5, row, weight, n, (size_t)d); break;
		case 6: sum_rows(out, 6, row, weight, n, (size_t)d); break;
		case 7: sum_rows(out, 7, row, weight, n, (size_t)d); break;
		default: sum_rows(out, 8, row, weight, n, (size_t)d); break;
		}
		memcpy(to + d, out, (size_t)(left < 8 * LANES ? left : 8 * LANES) * sizeof *to);
	}
}

struct work {
	struct wordconv *s;
	const struct op_call *c;
};

static int length_of(const struct batch *b, int sample)
{
	int n0, n1 = 0;
	tokens_of(b, sample, 0, &n0);
	if (b->partner)
		tokens_of(b, sample, 1, &n1);
	return n0 > n1 ? n0 : n1;
}

/* Row of the gathered word vectors: in training, fresh[] is the batch's words in order. */
static const float *x_row(const struct wordconv *s, uint32_t local)
{
	return s->x + (size_t)local * (size_t)s->dim16;
}

static void mix_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	const struct batch *b = w->c->batch;
	int n0, n1 = 0;
	(void)worker;
	const uint32_t *t0 = tokens_of(b, task, 0, &n0), *t1 = b->partner ? tokens_of(b, task, 1, &n1) : NULL;
	float l0 = b->partner ? b->lambda[task] : 1, l1 = 1 - l0;
	for (int t = 0; t < length_of(b, task); t++) {
		vec *to = (vec *)(s->mix + (size_t)(s->at[task] + (uint32_t)t) * (size_t)s->dim16);
		const vec *e0 = t < n0 ? (const vec *)x_row(s, t0[t]) : NULL, *e1 = t < n1 ? (const vec *)x_row(s, t1[t]) : NULL;
		for (int d = 0; d < s->dim16 / LANES; d++)
			to[d] = e0 && e1 ? l0 * e0[d] + l1 * e1[d] : e0 ? l0 * e0[d] : l1 * e1[d];
	}
}

/* Lists a sample's windows with gradient. */
static void list_task(void *arg, int b, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	const float *out = w->c->out + (size_t)b * (size_t)s->out, *d_out = w->c->d_out + (size_t)b * (size_t)s->out;
	const int32_t *start = s->arg + (size_t)b * (size_t)s->out;
	struct hit *hit = s->by_sample + (size_t)b * (size_t)s->out;
	int n = 0;
	(void)worker;
	for (int o = 0; o < s->out; o++)
		if (out[o] > 0 && d_out[o] != 0)
			hit[n++] = (struct hit){ start[o], (uint16_t)b, (uint16_t)o, d_out[o] };
	s->sample_hits[b] = n;
}

/* The same by feature, samples in order. */
static void list_by_feature(struct wordconv *s, int n)
{
	memset(s->feature_hits, 0, (size_t)s->out * sizeof *s->feature_hits);
	for (int b = 0; b < n; b++)
		for (int i = 0; i < s->sample_hits[b]; i++) {
			struct hit h = s->by_sample[(size_t)b * (size_t)s->out + (size_t)i];
			s->by_feature[(size_t)h.feature * (size_t)n + (size_t)s->feature_hits[h.feature]++] = h;
		}
}

/* Vectors are worked on in slices of this many floats: a slice of all mixed rows, or of all filters, fits the second-level cache
 * where whole rows do not. Tasks go slice by slice. */
enum { SLICE = 7 * LANES, FILTER_MAPS = 5 };

static int slices(const struct wordconv *s)
{
	return (s->dim + SLICE - 1) / SLICE;
}

static int slice_size(const struct wordconv *s, int slice)
{
	return s->dim - slice * SLICE < SLICE ? s->dim - slice * SLICE : SLICE;
}

static int map_groups(const struct wordconv *s)
{
	return (s->maps + FILTER_MAPS - 1) / FILTER_MAPS;
}

/* One slice of the filters of some maps of one width, and their biases. */
static void filter_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	const struct op_call *c = w->c;
	int per = s->widths * map_groups(s), slice = task / per, k = task % per / map_groups(s);
	int from = task % map_groups(s) * FILTER_MAPS;
	size_t at = (size_t)slice * SLICE;
	(void)worker;
	for (int f = from; f < s->maps && f < from + FILTER_MAPS; f++) {
		int feature = k * s->maps + f, hits = s->feature_hits[feature];
		const struct hit *hit = s->by_feature + (size_t)feature * (size_t)c->n;
		const float *row[1024];
		float weight[1024];
		for (int j = 0; j < s->width[k]; j++) {
			int n = 0;
			for (int i = 0; i < hits; i++) {
				int32_t t = hit[i].start + j, b = hit[i].sample;
				if (hit[i].start == WINDOW_OF_ZEROS || t < 0 || t >= (int32_t)(s->at[b + 1] - s->at[b]))
					continue;
				row[n] = s->mix + (size_t)(s->at[b] + (uint32_t)t) * (size_t)s->dim16 + at;
				weight[n++] = hit[i].g;
			}
			weighted_sum(c->d_param[1 + 2 * k] + ((size_t)j * (size_t)s->maps + (size_t)f) * (size_t)s->dim + at,
				     slice_size(s, slice), 0, row, weight, n);
		}
		double bias = 0;
		for (int i = 0; i < hits; i++)
			bias += hit[i].g;
		if (!slice)
			c->d_param[2 + 2 * k][f] = (float)bias;
	}
}

/* One slice of the gradient of one sample's mixed sentence. Lanes behind dim collect what stands behind a filter's row; nobody
 * reads them. */
static void sample_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	const struct op_call *c = w->c;
	int slice = task / c->n, b = task % c->n, n = (int)(s->at[b + 1] - s->at[b]);
	int q = (slice_size(s, slice) + LANES - 1) / LANES;
	float *d_mix = s->d_mix + (size_t)s->at[b] * (size_t)s->dim16 + (size_t)slice * SLICE;
	const struct hit *hit = s->by_sample + (size_t)b * (size_t)s->out;
	(void)worker;
	for (int t = 0; t < n; t++)
		memset(d_mix + (size_t)t * (size_t)s->dim16, 0, (size_t)q * sizeof(vec));
	for (int i = 0; i < s->sample_hits[b]; i++) {
		int k = hit[i].feature / s->maps, f = hit[i].feature % s->maps;
		const float *from = c->param[1 + 2 * k] + (size_t)f * (size_t)s->dim + (size_t)slice * SLICE;
		for (int j = 0; j < s->width[k] && hit[i].start != WINDOW_OF_ZEROS; j++, from += (size_t)s->maps * (size_t)s->dim) {
			int32_t t = hit[i].start + j;
			if (t < 0 || t >= n)
				continue;
			vec *to = (vec *)(d_mix + (size_t)t * (size_t)s->dim16);
			if (q == SLICE / LANES)
				for (int d = 0; d < SLICE / LANES; d++)
					to[d] += hit[i].g * *(const uvec *)(from + d * LANES);
			else
				for (int d = 0; d < q; d++)
					to[d] += hit[i].g * *(const uvec *)(from + d * LANES);
		}
	}
}

/* Where each word stands, by counting sort: within a word, places come in the batch's order. */
static int find_places(struct wordconv *s, const struct batch *b, int n, struct err *err)
{
	size_t words = (size_t)b->words->distinct, places = 0;
	for (int i = 0; i < n; i++)
		for (int p = 0; p < (b->partner ? 2 : 1); p++) {
			int len;
			tokens_of(b, i, p, &len);
			places += (size_t)len;
		}
	if (scratch(&s->begin, &s->begin_cap, words + 2, sizeof *s->begin, err) ||
	    scratch(&s->position, &s->position_cap, places, sizeof *s->position, err) ||
	    scratch(&s->weight, &s->weight_cap, places, sizeof *s->weight, err))
		return -1;
	memset(s->begin, 0, (words + 2) * sizeof *s->begin);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++)
			for (int p = 0; p < (b->partner ? 2 : 1); p++) {
				int len;
				const uint32_t *t = tokens_of(b, i, p, &len);
				float l = !b->partner ? 1 : p ? 1 - b->lambda[i] : b->lambda[i];
				for (int k = 0; k < len; k++) {
					uint32_t *next = &s->begin[t[k] + 2 - (uint32_t)pass];
					if (pass) {
						s->position[*next] = s->at[i] + (uint32_t)k;
						s->weight[*next] = l;
					}
					++*next;
				}
			}
		for (size_t u = 2; !pass && u < words + 2; u++)
			s->begin[u] += s->begin[u - 1];
	}
	return 0;
}

enum { WORD_ROWS = 32 };

static void word_task(void *arg, int task, int worker)
{
	struct work *w = arg;
	struct wordconv *s = w->s;
	uint32_t from = (uint32_t)task * WORD_ROWS, to = from + WORD_ROWS, all = (uint32_t)w->c->batch->words->distinct;
	(void)worker;
	for (uint32_t u = from; u < to && u < all; u++) {
		float *g = w->c->d_param[0] + (size_t)u * (size_t)s->dim;
		const float *row[256];
		uint32_t i = s->begin[u], end = s->begin[u + 1], first = i;
		do { /* a frequent word may stand in more places than row[] holds: run by run, in order */
			int n = 0;
			uint32_t at = i;
			for (; i < end && n < 256; i++)
				row[n++] = s->d_mix + (size_t)s->position[i] * (size_t)s->dim16;
			weighted_sum(g, s->dim, at > first, row, s->weight + at, n);
		} while (i < end);
	}
}

int wordconv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	struct wordconv *s = c->state;
	struct work w = { s, c };
	if (c->n > 1024)
		return err_set(err, "a training batch of %d samples; wordconv takes at most 1024", c->n);
	s->at[0] = 0;
	for (int b = 0; b < c->n; b++)
		s->at[b + 1] = s->at[b] + (uint32_t)length_of(c->batch, b);
	size_t floats = (size_t)s->at[c->n] * (size_t)s->dim16;
	if (scratch(&s->mix, &s->mix_cap, floats, sizeof *s->mix, err))
		return -1;
	pool_run(ctx->pool, c->n, list_task, &w);
	list_by_feature(s, c->n);
	pool_run(ctx->pool, c->n, mix_task, &w);
	pool_run(ctx->pool, slices(s) * s->widths * map_groups(s), filter_task, &w);
	if (!c->d_param[0])
		return 0;
	if (scratch(&s->d_mix, &s->d_mix_cap, floats, sizeof *s->d_mix, err) || find_places(s, c->batch, c->n, err))
		return -1;
	pool_run(ctx->pool, slices(s) * c->n, sample_task, &w);
	pool_run(ctx->pool, (c->batch->words->distinct + WORD_ROWS - 1) / WORD_ROWS, word_task, &w);
	return 0;
}
