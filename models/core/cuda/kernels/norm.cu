/* Kernels of NORM. A batch is rows of c channels. A block takes a tile: `width` neighbouring groups of vec channels
 * (blockIdx.y), and of its chunk of rows (blockIdx.x) each width-th thread takes every lanes-th; so a thread stays with
 * its channels and neighbours read neighbours.
 *
 * Variance: of each chunk, sums of x - k and (x - k)^2 with k the chunk's first value. As k is one of the values, what
 * cancels in the variance is at most as many times larger as there are values; near the mean, where it most often is,
 * about twice. Chunks are put together by their means and squares (Chan, Golub, LeVeque 1979), again relative to the
 * first. */
#include "kernels.h"
#include "pack.h"

/* A thread's place in its tile. */
struct tile {
	int lane, lanes, channel; /* channel: its first; c or more when it has none */
	size_t begin, end;        /* rows of the chunk */
};
DEVICE struct tile tile_of(const struct norm_args *a, int vec)
{
	struct tile t;
	int thread = (int)threadIdx.x;
	t.lane = thread / a->width;
	t.lanes = BLOCK / a->width;
	t.channel = ((int)blockIdx.y * a->width + thread % a->width) * vec;
	t.begin = blockIdx.x * a->chunk;
	t.end = t.begin + a->chunk < a->rows ? t.begin + a->chunk : a->rows;
	return t;
}

/* Two sums over the lanes of a tile. Of channel *channel, which is c or more where a thread has none to answer for. */
DEVICE void fold_lanes(const struct norm_args *a, const struct pack *s, const struct pack *t, int vec, int *channel,
		       float sum[2])
{
	SHARED float part[2][PACK * BLOCK];
	int thread = (int)threadIdx.x, lanes = BLOCK / a->width, group = thread % a->width, k = thread / a->width;
	for (int j = 0; j < vec; j++) {
		part[0][j * BLOCK + thread] = s->v[j];
		part[1][j * BLOCK + thread] = t->v[j];
	}
	__syncthreads();
	*channel = k < vec ? ((int)blockIdx.y * a->width + group) * vec + k : a->c;
	sum[0] = sum[1] = 0;
	for (int l = 0; l < lanes && k < vec; l++) {
		sum[0] += part[0][k * BLOCK + l * a->width + group];
		sum[1] += part[1][k * BLOCK + l * a->width + group];
	}
}

PACKED_BLOCK_KERNEL(norm_moments, struct norm_args)
{
	struct tile t = tile_of(&a, vec);
	struct pack sum = { { 0 } }, square = { { 0 } };
	size_t c = (size_t)a.c;
	if (t.channel < a.c) {
		struct pack first = pack_get(a.in, t.begin * c + (size_t)t.channel, vec);
		UNROLL_4
		for (size_t row = t.begin + (size_t)t.lane; row < t.end; row += (size_t)t.lanes) {
			struct pack x = pack_get(a.in, row * c + (size_t)t.channel, vec);
			for (int k = 0; k < vec; k++) {
				float d = x.v[k] - first.v[k];
				sum.v[k] += d;
				square.v[k] += d * d;
			}
		}
	}
	int channel;
	float s[2], n = (float)(t.end - t.begin);
	fold_lanes(&a, &sum, &square, vec, &channel, s);
	if (channel < a.c) {
		size_t at = blockIdx.x * c + (size_t)channel;
		a.part[0][at] = get(a.in, t.begin * c + (size_t)channel) + s[0] / n;
		a.part[1][at] = s[1] - s[0] * s[0] / n;
	}
}

DEVICE float rows_of(const struct norm_args *a, size_t chunk)
{
	return (float)((chunk + 1) * a->chunk < a->rows ? a->chunk : a->rows - chunk * a->chunk);
}

DEVICE size_t chunks_of(const struct norm_args *a)
{
	return (a->rows + a->chunk - 1) / a->chunk;
}

/* Second stage. Its lanes take chunks. */
BLOCK_KERNEL(norm_moments_end, struct norm_args)
{
	struct tile t = tile_of(&a, 1);
	struct pack sum = { { 0 } }, square = { { 0 } };
	size_t c = (size_t)a.c;
	for (size_t i = (size_t)t.lane; i < chunks_of(&a) && t.channel < a.c; i += (size_t)t.lanes) {
		size_t at = i * c + (size_t)t.channel;
		float d = a.part[0][at] - a.part[0][t.channel], n = rows_of(&a, i);
		sum.v[0] += n * d;
		square.v[0] += a.part[1][at] + n * d * d;
	}
	int ch;
	float s[2], n = (float)a.rows;
	fold_lanes(&a, &sum, &square, 1, &ch, s);
	if (ch >= a.c)
		return;
	float shift = s[0] / n, var = (s[1] - s[0] * shift) / n, mean = a.part[0][ch] + shift;
	var = var < 0 ? 0 : var;
	a.mean[ch] = mean;
	a.inv[ch] = 1 / sqrtf(var + a.eps);
	a.running_mean[ch] += a.momentum * (mean - a.running_mean[ch]);
	a.running_var[ch] += a.momentum * ((a.rows > 1 ? var * (n / (n - 1)) : var) - a.running_var[ch]);
}

KERNEL(norm_running, struct norm_args)
{
	int ch = (int)thread_index();
	if (ch >= a.c)
		return;
	a.mean[ch] = a.running_mean[ch];
	a.inv[ch] = 1 / sqrtf(a.running_var[ch] + a.eps);
}

PACKED_KERNEL(norm_forward, struct norm_args)
{
	struct tile t = tile_of(&a, vec);
	float mean[PACK], scale[PACK], beta[PACK];
	if (t.channel >= a.c)
		return;
	for (int k = 0; k < vec; k++) {
		mean[k] = a.mean[t.channel + k];
		scale[k] = a.gamma[t.channel + k] * a.inv[t.channel + k];
		beta[k] = a.beta[t.channel + k];
	}
	for (size_t row = t.begin + (size_t)t.lane; row < t.end; row += (size_t)t.lanes) {
		size_t at = row * (size_t)a.c + (size_t)t.channel;
		struct pack x = pack_get(a.in, at, vec);
		for (int k = 0; k < vec; k++)
			x.v[k] = (x.v[k] - mean[k]) * scale[k] + beta[k];
		if (a.rest) {
			struct pack r = pack_get(a.rest, at, vec);
			for (int k = 0; k < vec; k++)
				x.v[k] += r.v[k];
		}
		for (int k = 0; k < vec; k++)
			x.v[k] = a.relu && x.v[k] < 0 ? 0 : x.v[k];
		pack_put(a.out, at, &x, vec);
	}
}

/* d_out, but 0 where the ReLU's output is. */
DEVICE struct pack through(const struct norm_args *a, size_t at, int vec)
{
	struct pack d = pack_get(a->d_out, at, vec);
	if (a->relu) {
		struct pack y = pack_get(a->out, at, vec);
		for (int k = 0; k < vec; k++)
			d.v[k] = y.v[k] <= 0 ? 0 : d.v[k];
	}
	return d;
}

PACKED_BLOCK_KERNEL(norm_sums, struct norm_args)
{
	struct tile t = tile_of(&a, vec);
	struct pack sum = { { 0 } }, product = { { 0 } };
	size_t c = (size_t)a.c;
	if (t.channel < a.c) {
		float mean[PACK];
		for (int k = 0; k < vec; k++)
			mean[k] = a.mean[t.channel + k];
		UNROLL_2
		for (size_t row = t.begin + (size_t)t.lane; row < t.end; row += (size_t)t.lanes) {
			size_t at = row * c + (size_t)t.channel;
			struct pack d = through(&a, at, vec), x = pack_get(a.in, at, vec);
			for (int k = 0; k < vec; k++) {
				sum.v[k] += d.v[k];
				product.v[k] += d.v[k] * (x.v[k] - mean[k]);
			}
		}
	}
	int channel;
	float s[2];
	fold_lanes(&a, &sum, &product, vec, &channel, s);
	if (channel < a.c) {
		a.part[0][blockIdx.x * c + (size_t)channel] = s[0];
		a.part[1][blockIdx.x * c + (size_t)channel] = s[1];
	}
}

BLOCK_KERNEL(norm_sums_end, struct norm_args)
{
	struct tile t = tile_of(&a, 1);
	struct pack sum = { { 0 } }, product = { { 0 } };
	for (size_t i = (size_t)t.lane; i < chunks_of(&a) && t.channel < a.c; i += (size_t)t.lanes) {
		sum.v[0] += a.part[0][i * (size_t)a.c + (size_t)t.channel];
		product.v[0] += a.part[1][i * (size_t)a.c + (size_t)t.channel];
	}
	int ch;
	float s[2];
	fold_lanes(&a, &sum, &product, 1, &ch, s);
	if (ch >= a.c)
		return;
	s[1] *= a.inv[ch];
	a.sum[0][ch] = s[0];
	a.sum[1][ch] = s[1];
	if (a.d_beta)
		a.d_beta[ch] = s[0];
	if (a.d_gamma)
		a.d_gamma[ch] = s[1];
}

PACKED_KERNEL(norm_backward, struct norm_args)
{
	struct tile t = tile_of(&a, vec);
	float mean[PACK], scale[PACK], level[PACK], slope[PACK];
	if (t.channel >= a.c)
		return;
	for (int k = 0; k < vec; k++) {
		int ch = t.channel + k;
		mean[k] = a.mean[ch];
		scale[k] = a.gamma[ch] * a.inv[ch];
		level[k] = a.sum[0][ch] / (float)a.rows;
		slope[k] = a.sum[1][ch] * a.inv[ch] / (float)a.rows;
	}
	for (size_t row = t.begin + (size_t)t.lane; row < t.end; row += (size_t)t.lanes) {
		size_t at = row * (size_t)a.c + (size_t)t.channel;
		struct pack d = through(&a, at, vec);
		if (a.d_in) {
			struct pack x = pack_get(a.in, at, vec);
			for (int k = 0; k < vec; k++)
				x.v[k] = scale[k] * (d.v[k] - level[k] - (x.v[k] - mean[k]) * slope[k]);
			pack_give(a.d_in, at, x, a.add, vec);
		}
		if (a.d_rest)
			pack_give(a.d_rest, at, d, a.add_rest, vec);
	}
}

/* Launchers. */
struct norm_grid {
	struct norm_args a;
	unsigned x, y;
	int packed;
};

/* Tiles of at most `widest` groups; chunks of at least `rows` rows a thread, and more where there would be more than
 * `blocks` blocks. */
static struct norm_grid norm_grid_of(const struct norm_args *a, int packed, int widest, size_t rows, size_t blocks)
{
	struct norm_grid g;
	int groups = packed ? a->c / PACK : a->c, width = 1;
	while (width < groups && width < widest)
		width *= 2;
	size_t lanes = BLOCK / (size_t)width, tiles = ((size_t)groups + (size_t)width - 1) / (size_t)width;
	size_t most = blocks > tiles ? blocks / tiles : 1, chunk = (a->rows + most - 1) / most;
	g.a = *a;
	g.a.width = width;
	g.a.chunk = chunk > lanes * rows ? chunk : lanes * rows;
	g.x = (unsigned)((a->rows + g.a.chunk - 1) / g.a.chunk);
	g.y = (unsigned)tiles;
	g.packed = packed;
	return g;
}

static int norm_packed(const struct norm_args *a, const void *p, const void *q, const void *r, const void *s)
{
	return a->c % PACK == 0 && pack_fits(p) && pack_fits(q) && pack_fits(r) && pack_fits(s);
}

/* Of the second stage: every chunk in one. The first's chunks are what it needs to know of their sizes. */
static struct norm_grid norm_grid_end(const struct norm_grid *first)
{
	struct norm_grid g = norm_grid_of(&first->a, 0, 8, 1, 1);
	g.a.chunk = first->a.chunk;
	g.x = 1;
	return g;
}

int STORAGE(launch_norm_moments)(const struct norm_args *a, cudaStream_t stream)
{
	struct norm_grid g = norm_grid_of(a, norm_packed(a, a->in, NULL, NULL, NULL), WARP, 8, NORM_BLOCKS);
	struct norm_grid end = norm_grid_end(&g);
	int status = LAUNCH_PACKED(norm_moments, g.packed, g.x, g.y, BLOCK, stream, &g.a);
	return status ? status : LAUNCH(norm_moments_end, end.x, end.y, BLOCK, stream, &end.a);
}

int STORAGE(launch_norm_running)(const struct norm_args *a, cudaStream_t stream)
{
	return LAUNCH(norm_running, blocks_for((size_t)a->c), 1, BLOCK, stream, a);
}

int STORAGE(launch_norm_forward)(const struct norm_args *a, cudaStream_t stream)
{
	struct norm_grid g = norm_grid_of(a, norm_packed(a, a->in, a->rest, a->out, NULL), WARP, 4, SIZE_MAX);
	return LAUNCH_PACKED(norm_forward, g.packed, g.x, g.y, BLOCK, stream, &g.a);
}

int STORAGE(launch_norm_sums)(const struct norm_args *a, cudaStream_t stream)
{
	struct norm_grid g = norm_grid_of(a, norm_packed(a, a->in, a->out, a->d_out, NULL), WARP, 8, NORM_BLOCKS);
	struct norm_grid end = norm_grid_end(&g);
	int status = LAUNCH_PACKED(norm_sums, g.packed, g.x, g.y, BLOCK, stream, &g.a);
	return status ? status : LAUNCH(norm_sums_end, end.x, end.y, BLOCK, stream, &end.a);
}

int STORAGE(launch_norm_backward)(const struct norm_args *a, cudaStream_t stream)
{
	int packed = norm_packed(a, a->in, a->out, a->d_out, a->d_in) && pack_fits(a->d_rest);
	struct norm_grid g = norm_grid_of(a, packed, WARP, 4, SIZE_MAX);
	return LAUNCH_PACKED(norm_backward, g.packed, g.x, g.y, BLOCK, stream, &g.a);
}
