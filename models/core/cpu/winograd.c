/* 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(2x2, 3x3) (Lavin and Gray 2016, arXiv 1509.09308,
 * section 4.1): 16 multiplications for a tile of 2x2 outputs where the definition has 36. With g the 3x3 weights and d
 * a 4x4 patch of the input,
 *   Y = A' [(G g G') . (B' d B)] A,
 * summed over input channels between the brackets: 16 products of matrices, tiles x channels by channels x channels.
 * The gradients are those of the same formula: of the input, the convolution of d_Y by transposed weights; of the
 * weights,
 *   d_g = G' [sum over tiles (B' d B) . (A d_Y A')] G.
 * All constants are 0, 1 and 1/2, so what it loses in float is like what the definition loses. */
#include "winograd.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	FETCH = 4096,        /* bytes ahead at a point, at most */
	SCRATCH = 64 << 10, /* bytes of points at a time, but at least */
	LEAST_TILES = 24,    /* tiles, or where there are many weights */
	LEAST_OF_MANY = 128,
	/* floats between points, and between rows a multiple of 512 bytes long: lines of one cache set are few */
	GAP = 16,
	PART = 128           /* channels */
};

static size_t whole_lines(size_t floats)
{
	return (floats + 15) & ~(size_t)15;
}

/* Rows of one tile side. */
static int halves(int n)
{
	return (n + 1) / 2;
}

/* One tile's 16 points from 16 places (or zeros), c channels. B' d B. */
static void input_points(const float *const from[P], int c, float *to, size_t point)
{
	for (int at = 0; at < c; at += N) {
		nvec t[P];
		for (int x = 0; x < 4; x++) {
			nvec d0 = *(const unvec *)(from[x] + at), d1 = *(const unvec *)(from[4 + x] + at);
			nvec d2 = *(const unvec *)(from[8 + x] + at), d3 = *(const unvec *)(from[12 + x] + at);
			t[x] = d0 - d2;
			t[4 + x] = d1 + d2;
			t[8 + x] = d2 - d1;
			t[12 + x] = d1 - d3;
		}
		for (int y = 0; y < P; y += 4) {
			float *p = to + (size_t)y * point + at;
			*(nvec *)p = t[y] - t[y + 2];
			*(nvec *)(p + point) = t[y + 1] + t[y + 2];
			*(nvec *)(p + 2 * point) = t[y + 2] - t[y + 1];
			*(nvec *)(p + 3 * point) = t[y + 1] - t[y + 3];
		}
	}
}

/* One tile's 2x2 outputs from its points: A' m A, plus the bias. to[k] NULL: outside the image. */
static void output_places(const float *from, size_t point, int c, const float *bias, int add, float *const to[4])
{
	for (int at = 0; at < c; at += N) {
		nvec t[8], b = bias ? *(const unvec *)(bias + at) : splat(0), y[4];
		for (int x = 0; x < 4; x++) {
			const float *p = from + (size_t)x * point + at;
			nvec m1 = *(const nvec *)(p + 4 * point), m2 = *(const nvec *)(p + 8 * point);
			t[x] = *(const nvec *)p + m1 + m2;
			t[4 + x] = m1 - m2 - *(const nvec *)(p + 12 * point);
		}
		for (int k = 0; k < 2; k++) {
			y[2 * k] = t[4 * k] + t[4 * k + 1] + t[4 * k + 2] + b;
			y[2 * k + 1] = t[4 * k + 1] - t[4 * k + 2] - t[4 * k + 3] + b;
		}
		for (int k = 0; k < 4; k++)
			if (to[k])
				*(unvec *)(to[k] + at) = add ? *(const unvec *)(to[k] + at) + y[k] : y[k];
	}
}

/* One tile's 16 points from its 2x2 output gradients: A d A'. */
static void gradient_points(const float *const from[4], int c, float *to, size_t point)
{
	for (int at = 0; at < c; at += N) {
		nvec t[8];
		for (int x = 0; x < 2; x++) {
			nvec d0 = *(const unvec *)(from[x] + at), d1 = *(const unvec *)(from[2 + x] + at);
			t[x] = d0;
			t[2 + x] = d0 + d1;
			t[4 + x] = d0 - d1;
			t[6 + x] = -d1;
		}
		for (int y = 0; y < 4; y++) {
			float *p = to + (size_t)(4 * y) * point + at;
			*(nvec *)p = t[2 * y];
			*(nvec *)(p + point) = t[2 * y] + t[2 * y + 1];
			*(nvec *)(p + 2 * point) = t[2 * y] - t[2 * y + 1];
			*(nvec *)(p + 3 * point) = -t[2 * y + 1];
		}
	}
}

/* `rows` tiles of one point by one column block of `vecs` vectors: m = v u. */
static inline __attribute__((always_inline)) void product(int rows, int vecs, int c, const float *v, size_t v_row,
							  const float *u, float *m, size_t m_row)
{
	nvec sum[ROWS][WIDE];
	for (int r = 0; r < rows; r++)
		for (int k = 0; k < vecs; k++)
			sum[r][k] = splat(0);
	for (int i = 0; i < c; i++, u += vecs * N)
		for (int r = 0; r < rows; r++)
			for (int k = 0; k < vecs; k++)
				sum[r][k] += splat(v[(size_t)r * v_row + (size_t)i]) * *(const nvec *)(u + k * N);
	for (int r = 0; r < rows; r++)
		for (int k = 0; k < vecs; k++)
			*(nvec *)(m + (size_t)r * m_row + (size_t)(k * N)) = sum[r][k];
}

static inline __attribute__((always_inline)) void product_rows(int rows, const struct winograd *w, const float *v,
							       const float *u, float *m)
{
	if (w->wide == WIDE * N)
		product(rows, WIDE, w->c, v, w->c_row, u, m, w->o_row);
	else
		product(rows, 1, w->c, v, w->c_row, u, m, w->o_row);
}

/* Prefetches a sixteenth of the next tiles' input and of these tiles' output during each of the 16 products; otherwise
 * the transforms between them stall (ResNet-20's step took 15 % longer). */
struct ahead {
	const char *at[2];
	size_t bytes[2]; /* a point */
};

/* A tile is four pixels of `channels` floats of four bytes: a byte a channel, tile and point. */
static struct ahead ahead_of(const float *a, int a_channels, const float *b, int b_channels, int tiles)
{
	size_t n = (size_t)(tiles * a_channels), m = (size_t)(tiles * b_channels);
	return (struct ahead){ { (const char *)a, (const char *)b }, { n < FETCH ? n : FETCH, m < FETCH ? m : FETCH } };
}

static inline void fetch(const struct ahead *a, int p)
{
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < a->bytes[k]; i += 64)
			__builtin_prefetch(a->at[k] + (size_t)p * a->bytes[k] + i);
}

/* u: the part's first column block of the first point. */
static void products(const struct winograd *w, int tiles, const float *v, const float *u, float *m, struct ahead ahead)
{
	size_t block = (size_t)w->c * (size_t)w->wide;
	for (int p = 0; p < P; p++, v += w->c_point, m += w->o_point, u += (size_t)w->c * (size_t)w->o) {
		fetch(&ahead, p);
		for (int o = 0; o < w->part; o += w->wide) {
			const float *columns = u + (size_t)(o / w->wide) * block;
			int t = 0;
			for (; t + ROWS <= tiles; t += ROWS)
				product_rows(ROWS, w, v + (size_t)t * w->c_row, columns, m + (size_t)t * w->o_row + o);
			/* what is left, in thirds of a block; rows after the last tile are room that nobody reads */
			if (tiles - t > 2 * ROWS / 3)
				product_rows(ROWS, w, v + (size_t)t * w->c_row, columns, m + (size_t)t * w->o_row + o);
			else if (tiles - t > ROWS / 3)
				product_rows(2 * ROWS / 3, w, v + (size_t)t * w->c_row, columns,
					     m + (size_t)t * w->o_row + o);
			else if (tiles > t)
				product_rows(ROWS / 3, w, v + (size_t)t * w->c_row, columns,
					     m + (size_t)t * w->o_row + o);
		}
	}
}

/* GRADIENT_ROWS input channels by a column block: d_u (=, or += when add) sum over tiles of v d. */
static inline __attribute__((always_inline)) void gradient_product(int vecs, int tiles, const float *v, size_t v_row,
								   const float *d, size_t d_row, float *to,
								   size_t to_row, int add)
{
	nvec sum[GRADIENT_ROWS][WIDE];
	for (int r = 0; r < GRADIENT_ROWS; r++)
		for (int k = 0; k < vecs; k++)
			sum[r][k] = add ? *(const nvec *)(to + (size_t)r * to_row + (size_t)(k * N)) : splat(0);
	for (int t = 0; t < tiles; t++, v += v_row, d += d_row)
		for (int r = 0; r < GRADIENT_ROWS; r++)
			for (int k = 0; k < vecs; k++)
				sum[r][k] += splat(v[r]) * *(const nvec *)(d + k * N);
	for (int r = 0; r < GRADIENT_ROWS; r++)
		for (int k = 0; k < vecs; k++)
			*(nvec *)(to + (size_t)r * to_row + (size_t)(k * N)) = sum[r][k];
}

static void gradient_products(const struct winograd *w, int tiles, const float *v, const float *d, float *to, int add,
			      struct ahead ahead)
{
	for (int p = 0; p < P; p++, v += w->c_point, d += w->o_point, to += (size_t)w->c * (size_t)w->o) {
		fetch(&ahead, p);
		for (int i = 0; i < w->part; i += GRADIENT_ROWS)
			for (int o = 0; o < w->o; o += w->wide) {
				float *at = to + (size_t)i * (size_t)w->o + o;
				if (w->wide == WIDE * N)
					gradient_product(WIDE, tiles, v + i, w->c_row, d + o, w->o_row, at,
							 (size_t)w->o, add);
				else
					gradient_product(1, tiles, v + i, w->c_row, d + o, w->o_row, at, (size_t)w->o,
							 add);
			}
	}
}

struct tile {
	int b, y, x; /* image; corner of its outputs */
};

static void next_tile(struct tile *t, struct shape s)
{
	t->x += 2;
	if (t->x < s.w)
		return;
	t->x = 0;
	t->y += 2;
	if (t->y < s.h)
		return;
	t->y = 0;
	t->b++;
}

/* Where `side` x `side` places of an image from (y, x) on lie; outside it, `outside`. */
static inline void locate(const float *base, struct shape s, int b, int y, int x, int side, const float *outside,
			  const float **at)
{
	const float *corner = base + (size_t)b * shape_size(s) + ((ptrdiff_t)y * s.w + x) * s.c;
	if (y >= 0 && y + side <= s.h && x >= 0 && x + side <= s.w) {
		for (int r = 0; r < side; r++)
			for (int k = 0; k < side; k++)
				at[r * side + k] = corner + (r * s.w + k) * s.c;
		return;
	}
	for (int r = 0; r < side; r++)
		for (int k = 0; k < side; k++) {
			int in = y + r >= 0 && y + r < s.h && x + k >= 0 && x + k < s.w;
			at[r * side + k] = in ? corner + (r * s.w + k) * s.c : outside;
		}
}

/* The first place of a tile's lower row, which is new where the upper one is known. May lie after the end: only for
 * fetching. */
static const float *row_behind(const float *base, struct shape s, struct tile t)
{
	return base + (size_t)t.b * shape_size(s) + (size_t)((t.y + 1) * s.w + t.x) * (size_t)s.c;
}

/* FORWARD and DATA. */
static int convolve(const struct conv_kernel *base, int part, int worker, const struct conv_io *io, struct err *err)
{
	const struct winograd *w = (const struct winograd *)base;
	int data = base->kind == CONV_DATA, pad = data ? 2 - base->shape.pad : base->shape.pad, first = part * w->part;
	struct shape in = data ? base->shape.out : base->shape.in, out = data ? base->shape.in : base->shape.out;
	const float *from = data ? io->out : io->in,
		    *bias = base->shape.bias && !data ? (const float *)io->bias + first : NULL;
	const float *weight = (const float *)io->weight + (size_t)first * (size_t)w->c;
	float *to = data ? io->in : io->out, *zeros = io->scratch, *v = zeros + whole_lines((size_t)w->c),
	      *m = v + P * w->c_point;
	int count = base->n * halves(out.h) * halves(out.w);
	struct tile read = { 0 }, made = { 0 };
	(void)worker;
	(void)err;
	memset(zeros, 0, (size_t)w->c * sizeof *zeros);
	for (int begin = 0; begin < count; begin += w->tiles) {
		int tiles = count - begin < w->tiles ? count - begin : w->tiles;
		const float *at[P];
		for (int t = 0; t < tiles; t++, next_tile(&read, out)) {
			locate(from, in, read.b, read.y - pad, read.x - pad, 4, zeros, at);
			input_points(at, w->c, v + (size_t)t * w->c_row, w->c_point);
		}
		products(w, tiles, v, weight, m,
			 ahead_of(row_behind(from, in, read), in.c, row_behind(to, out, made), out.c, tiles));
		for (int t = 0; t < tiles; t++, next_tile(&made, out)) {
			locate(to + first, out, made.b, made.y, made.x, 2, NULL, at);
			output_places(m + (size_t)t * w->o_row, w->o_point, w->part, bias, data && io->add,
				      (float *const *)(void *)at);
		}
	}
	return 0;
}

static void add_bias_gradient(const float *d, size_t places_n, int c, float *to)
{
	for (int at = 0; at < c; at += N) {
		nvec sum = splat(0), part = splat(0);
		for (size_t k = 0; k < places_n; k++) {
			part += *(const unvec *)(d + k * (size_t)c + (size_t)at);
			if (k % 256 == 255 || k + 1 == places_n) {
				sum += part;
				part = splat(0);
			}
		}
		*(unvec *)(to + at) = sum;
	}
}

static int weight_gradient(const struct conv_kernel *base, int part, int worker, const struct conv_io *io,
			   struct err *err)
{
	const struct winograd *w = (const struct winograd *)base;
	struct shape in = base->shape.in, out = base->shape.out;
	int pad = base->shape.pad, first = part * w->part, count = base->n * halves(out.h) * halves(out.w);
	size_t widest = whole_lines((size_t)(w->c > w->o ? w->c : w->o));
	float *zeros = io->scratch, *v = zeros + widest, *d = v + P * w->c_point;
	float *weight = (float *)io->weight + (size_t)first * (size_t)w->o;
	struct tile q = { 0 };
	(void)worker;
	(void)err;
	memset(zeros, 0, widest * sizeof *zeros);
	for (int begin = 0; begin < count; begin += w->tiles) {
		int tiles = count - begin < w->tiles ? count - begin : w->tiles;
		const float *at[P];
		for (int t = 0; t < tiles; t++, next_tile(&q, out)) {
			locate((const float *)io->in + first, in, q.b, q.y - pad, q.x - pad, 4, zeros, at);
			input_points(at, w->part, v + (size_t)t * w->c_row, w->c_point);
			locate(io->out, out, q.b, q.y, q.x, 2, zeros, at);
			gradient_points(at, w->o, d + (size_t)t * w->o_row, w->o_point);
		}
		gradient_products(w, tiles, v, d, weight, begin > 0,
				  ahead_of(row_behind(io->in, in, q), in.c, row_behind(io->out, out, q), out.c, tiles));
	}
	if (base->shape.bias && part == 0)
		add_bias_gradient(io->out, (size_t)base->n * (size_t)(out.h * out.w), out.c, io->bias);
	return 0;
}

static void close_kernel(struct conv_kernel *k)
{
	free(k);
}

int winograd_serves(const struct conv_shape *s)
{
	return s->kernel == 3 && s->stride == 1 && s->groups == 1 && s->pad <= 2 && s->in.c % LANES == 0 &&
	       s->out.c % LANES == 0;
}

/* Parts where the weights are so many that each shard should read them once and shards are few. A part's first channel
 * must begin a column block. */
static int parts_of(int read, int made, int split)
{
	int parts = (size_t)read * (size_t)made < MANY_WEIGHTS ? 1 : split / PART;
	while (parts > 1 && (split % parts || split / parts % (WIDE * N)))
		parts--;
	return parts > 1 ? parts : 1;
}

static size_t row_floats(int channels)
{
	return (size_t)(channels % 128 ? channels : channels + GAP);
}

int winograd_open(struct conv_kernel **out, enum conv_kind kind, const struct conv_shape *s, int n, struct err *err)
{
	struct winograd *w;
	int data = kind == CONV_DATA, split;
	if (mem_alloc(&w, 1, sizeof *w, err))
		return -1;
	w->k = (struct conv_kernel){ .kind = kind, .shape = *s, .n = n, .adds = 1, .name = "Winograd F(2x2, 3x3)",
				     .run = kind == CONV_WEIGHT ? weight_gradient : convolve, .close = close_kernel };
	w->c = data ? s->out.c : s->in.c;
	w->o = data ? s->in.c : s->out.c;
	w->wide = w->o % (WIDE * N) ? N : WIDE * N;
	split = kind == CONV_WEIGHT ? w->c : w->o;
	w->k.parts = parts_of(w->c, w->o, split);
	w->part = split / w->k.parts;
	int in_scratch = w->c + w->o - split + w->part;
	int count = n * halves(data ? s->in.h : s->out.h) * halves(data ? s->in.w : s->out.w);
	w->tiles = SCRATCH / (P * in_scratch * (int)sizeof(float));
	int least = w->c * w->o < MANY_WEIGHTS ? LEAST_TILES : LEAST_OF_MANY;
	w->tiles = w->tiles < least ? least : w->tiles;
	w->tiles = ((w->tiles > count ? count : w->tiles) + ROWS - 1) / ROWS * ROWS;
	w->c_row = row_floats(kind == CONV_WEIGHT ? w->part : w->c);
	w->o_row = row_floats(kind == CONV_WEIGHT ? w->o : w->part);
	w->c_point = (size_t)w->tiles * w->c_row + GAP;
	w->o_point = (size_t)w->tiles * w->o_row + GAP;
	w->k.scratch =
		(whole_lines((size_t)(w->c > w->o ? w->c : w->o)) + P * (w->c_point + w->o_point)) * sizeof(float);
	w->k.layout.floats = (size_t)P * (size_t)w->c * (size_t)w->o;
	w->k.pieces = (kind == CONV_DATA ? s->in.c : s->out.c) / N;
	w->k.lay_out = winograd_lay_out;
	w->k.sum = winograd_sum;
	*out = &w->k;
	return 0;
}
