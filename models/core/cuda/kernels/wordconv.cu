/* Kernels of Kim-CNN's convolution; what they compute and their floors: wordconv.h. Threads of a warp lie along what is
 * contiguous: maps in forward, dimensions of a vector in backward. */
#include "wordconv.h"
#include "kernel.h"

enum {
	THREADS = 128,
	PART = 4,                  /* dimensions of one thread, where a row is summed */
	WARPS = BLOCK / WARP,
	NO_ROW = -1,
	NO_START = INT32_MAX
};

/* One block a word. */
KERNEL(gather, struct wordconv_args)
{
	uint32_t u = blockIdx.x;
	int known = u < a.block.step->distinct;
	size_t from = (size_t)(known ? a.block.word[u] : 0) * (size_t)a.dim, to = (size_t)u * (size_t)a.dim;
	for (unsigned d = threadIdx.x; d < (unsigned)a.dim; d += blockDim.x)
		a.x[to + d] = known ? a.table[from + d] + (a.fixed ? a.fixed[from + d] : 0) : 0;
}

/* The words of a sentence, which count within the batch. */
struct sentence {
	const uint32_t *word;
	int n;
	float weight; /* of its vectors in the mixture */
};

/* Of sample b, or of its partner; empty where there is none. */
DEVICE struct sentence sentence_of(const struct wordconv_args *a, int b, int partner)
{
	struct sentence s = { a->block.local, 0, partner ? 0.0f : 1.0f };
	if (partner && !a->mixed)
		return s;
	uint32_t i = partner ? a->block.partner[b] : (uint32_t)b, from = a->block.begin[i];
	s.word += from;
	s.n = (int)(a->block.begin[i + 1] - from);
	if (a->mixed)
		s.weight = partner ? 1 - a->block.lambda[b] : a->block.lambda[b];
	return s;
}

/* Sum of one map's taps over the window at `start`; p: tap 0 of word 0. Taps outside the sentence stand on zeros. */
DEVICE float window_sum(const struct sentence *s, int start, int width, const float *p, size_t word, size_t tap)
{
	int from = start < 0 ? -start : 0, to = s->n - start < width ? s->n - start : width;
	float sum = 0;
	for (int j = from; j < to; j++)
		sum += p[(size_t)s->word[start + j] * word + (size_t)j * tap];
	return sum;
}

/* Max over time: blockIdx.x is the sample, blockIdx.y a tile of one width's maps, of which each thread has one. */
KERNEL(windows, struct wordconv_args)
{
	int tiles = (a.maps + THREADS - 1) / THREADS, b = (int)blockIdx.x, k = (int)blockIdx.y / tiles;
	int f = (int)blockIdx.y % tiles * THREADS + (int)threadIdx.x, width = a.width[k];
	if (f >= a.maps)
		return;
	struct sentence own = sentence_of(&a, b, 0), partner = sentence_of(&a, b, 1);
	int len = own.n > partner.n ? own.n : partner.n, bad = 0;
	size_t tap = (size_t)a.maps, word = (size_t)a.taps * tap;
	const float *p = a.projected + (size_t)a.first[k] * tap + f;
	float best = 0; /* the window of zeros alone, before its bias */
	int32_t at = WINDOW_OF_ZEROS;
	for (int s = 1 - width; s < len; s++) {
		float sum = window_sum(&own, s, width, p, word, tap);
		if (a.mixed)
			sum = own.weight * sum + partner.weight * window_sum(&partner, s, width, p, word, tap);
		bad |= sum != sum;
		if (sum > best) {
			best = sum;
			at = s;
		}
	}
	size_t o = (size_t)b * (size_t)a.out + (size_t)(k * a.maps + f);
	float v = best + a.bias[k][f];
	a.value[o] = bad ? NAN : v < 0 ? 0 : v; /* NaN must not hide behind a maximum */
	a.start[o] = at;
}

/* Gradient of feature o (of the batch) after ReLU. */
DEVICE float gradient_of(const struct wordconv_args *a, size_t o)
{
	return a->value[o] > 0 ? a->d_value[o] : 0;
}

/* Where the winning window of feature o (of the batch) begins; NO_START where it has no gradient. */
DEVICE int32_t hit_start(const struct wordconv_args *a, size_t o)
{
	return gradient_of(a, o) != 0 && a->start[o] != WINDOW_OF_ZEROS ? a->start[o] : NO_START;
}

/* Lists one sample's hits: each finds its place by counting those that come before it. */
BLOCK_KERNEL(list_hits, struct wordconv_args)
{
	SHARED int32_t start[BLOCK];
	size_t sample = (size_t)blockIdx.x * (size_t)a.out;
	unsigned out = (unsigned)a.out, all = 0;
	for (unsigned from = 0; from < out; from += BLOCK) {
		unsigned o = from + threadIdx.x, before = 0;
		int32_t mine = o < out ? hit_start(&a, sample + o) : NO_START;
		all = 0;
		for (unsigned tile = 0; tile < out; tile += BLOCK) {
			unsigned i = tile + threadIdx.x;
			__syncthreads(); /* of the tile before */
			start[threadIdx.x] = i < out ? hit_start(&a, sample + i) : NO_START;
			__syncthreads();
			for (unsigned j = 0; j < BLOCK; j++) {
				before += start[j] < mine || (start[j] == mine && tile + j < o);
				all += start[j] != NO_START;
			}
		}
		if (mine == NO_START)
			continue;
		unsigned k = o / (unsigned)a.maps, f = o % (unsigned)a.maps;
		struct hit h = { mine, (uint32_t)a.width[k], (uint32_t)(a.first[k] * a.maps) + f,
				 gradient_of(&a, sample + o) };
		a.hit[sample + before] = h;
	}
	if (threadIdx.x == 0)
		a.hits[blockIdx.x] = all;
}

/* Row of x that tap `at` of a sentence stands on, or NO_ROW. */
DEVICE int row_at(const struct sentence *s, int at)
{
	return at >= 0 && at < s->n ? (int)s->word[at] : NO_ROW;
}

/* d_filter of one map's tap: blockIdx.x = tap * maps + map, blockIdx.y a tile of dimensions. Samples come in runs of
 * one a thread, each of which finds its sample's two words; then all add them up in the samples' order. */
BLOCK_KERNEL(filter_gradient, struct wordconv_args)
{
	SHARED int row[2][THREADS];
	SHARED float weight[2][THREADS];
	int tap = (int)blockIdx.x / a.maps, f = (int)blockIdx.x % a.maps, k = 0;
	unsigned first = blockIdx.y * THREADS * PART + threadIdx.x;
	float sum[PART] = { 0 }, bias = 0;
	while (k + 1 < a.widths && tap >= a.first[k + 1])
		k++;
	tap -= a.first[k];
	for (int from = 0; from < a.n; from += THREADS) {
		int b = from + (int)threadIdx.x, run = a.n - from < THREADS ? a.n - from : THREADS;
		size_t o = (size_t)b * (size_t)a.out + (size_t)(k * a.maps + f);
		float g = b < a.n ? gradient_of(&a, o) : 0;
		int32_t start = b < a.n ? hit_start(&a, o) : NO_START;
		__syncthreads(); /* of the run before */
		for (int p = 0; p < 2; p++) {
			row[p][threadIdx.x] = NO_ROW;
			if (start == NO_START)
				continue;
			struct sentence s = sentence_of(&a, b, p);
			row[p][threadIdx.x] = row_at(&s, start + tap);
			weight[p][threadIdx.x] = g * s.weight;
		}
		if (tap == 0 && blockIdx.y == 0)
			bias += block_sum(g);
		__syncthreads();
		for (int i = 0; i < run; i++)
			for (int p = 0; p < 2; p++) {
				if (row[p][i] == NO_ROW)
					continue;
				const float *x = a.x + (size_t)row[p][i] * (size_t)a.dim;
				for (unsigned q = 0; q < PART; q++)
					if (first + q * THREADS < (unsigned)a.dim)
						sum[q] += weight[p][i] * x[first + q * THREADS];
			}
	}
	float *to = a.d_filter[k] + ((size_t)tap * (size_t)a.maps + (size_t)f) * (size_t)a.dim;
	for (unsigned q = 0; q < PART; q++)
		if (first + q * THREADS < (unsigned)a.dim)
			to[first + q * THREADS] = sum[q];
	if (tap == 0 && blockIdx.y == 0 && threadIdx.x == 0)
		a.d_bias[k][f] = bias;
}

/* Of n hits by start, the first that begins at `start` or later. */
DEVICE uint32_t first_hit(const struct hit *h, uint32_t n, int32_t start)
{
	uint32_t from = 0;
	while (from < n) {
		uint32_t middle = from + (n - from) / 2;
		if (h[middle].start < start)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

/* d_table of one word: blockIdx.x is the word, blockIdx.y a tile of WARP * PART dimensions. Warp w has the places w,
 * w + WARPS, ... of the word's list, in order; the warps' sums are added in order. */
BLOCK_KERNEL(word_gradient, struct wordconv_args)
{
	SHARED float part[WARPS][WARP * PART];
	unsigned u = blockIdx.x, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, dim = (unsigned)a.dim;
	unsigned tile = blockIdx.y * WARP * PART, widest = 0;
	float sum[PART] = { 0 };
	if (u >= a.block.step->distinct)
		return;
	for (int k = 0; k < a.widths; k++)
		widest = (unsigned)a.width[k] > widest ? (unsigned)a.width[k] : widest;
	for (uint32_t i = a.block.place_begin[u] + warp; i < a.block.place_begin[u + 1]; i += WARPS) {
		struct place p = a.block.place[i];
		uint32_t b = p.sample & ~PLACE_PARTNER, n = a.hits[b];
		const struct hit *h = a.hit + (size_t)b * (size_t)a.out;
		float weight = !a.mixed ? 1 : p.sample & PLACE_PARTNER ? 1 - a.block.lambda[b] : a.block.lambda[b];
		/* those that begin less than the widest width before the place, and not after it */
		uint32_t last = first_hit(h, n, (int32_t)p.at + 1);
		for (uint32_t j = first_hit(h, last, (int32_t)(p.at - widest + 1)); j < last; j++) {
			uint32_t tap = p.at - (uint32_t)h[j].start;
			int covers = tap < h[j].width;
			const float *filter = a.filters + (size_t)(h[j].row + (covers ? tap : 0) * (uint32_t)a.maps) *
								  (size_t)a.dim;
			for (unsigned q = 0; q < PART; q++)
				if (tile + lane + q * WARP < dim && covers)
					sum[q] += weight * h[j].g * filter[tile + lane + q * WARP];
		}
	}
	for (unsigned q = 0; q < PART; q++)
		part[warp][lane + q * WARP] = sum[q];
	__syncthreads();
	unsigned d = threadIdx.x;
	if (d >= WARP * PART || tile + d >= dim)
		return;
	float all = 0;
	for (unsigned w = 0; w < WARPS; w++)
		all += part[w][d];
	a.d_table[(size_t)u * (size_t)a.dim + tile + d] = all;
}

static int tiles_of(int n, int tile)
{
	return (n + tile - 1) / tile;
}

int launch_wordconv_gather(const struct wordconv_args *a, cudaStream_t stream)
{
	return LAUNCH(gather, a->words, 1, THREADS, stream, a);
}

int launch_wordconv_forward(const struct wordconv_args *a, cudaStream_t stream)
{
	return LAUNCH(windows, a->n, a->widths * tiles_of(a->maps, THREADS), THREADS, stream, a);
}

int launch_wordconv_backward(const struct wordconv_args *a, cudaStream_t stream)
{
	int status = LAUNCH(filter_gradient, a->taps * a->maps, tiles_of(a->dim, THREADS * PART), THREADS, stream, a);
	if (status || !a->d_table || !a->words)
		return status;
	status = LAUNCH(list_hits, a->n, 1, BLOCK, stream, a);
	return status ? status : LAUNCH(word_gradient, a->words, tiles_of(a->dim, WARP * PART), BLOCK, stream, a);
}
