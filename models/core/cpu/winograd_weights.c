/* Weights to and from the points of winograd.c, 16 channels or however many a vector has at once. */
#include "winograd.h"

/* G g G' of 16 channels at once. */
static void weight_points(const nvec g[9], float *to, size_t point)
{
	nvec t[12], half = splat(0.5f);
	for (int x = 0; x < 3; x++) {
		nvec ends = (g[x] + g[6 + x]) * half, middle = g[3 + x] * half;
		t[x] = g[x];
		t[3 + x] = ends + middle;
		t[6 + x] = ends - middle;
		t[9 + x] = g[6 + x];
	}
	for (int y = 0; y < 4; y++) {
		nvec *r = t + 3 * y, ends = (r[0] + r[2]) * half, middle = r[1] * half;
		float *p = to + (size_t)(4 * y) * point;
		*(nvec *)p = r[0];
		*(nvec *)(p + point) = ends + middle;
		*(nvec *)(p + 2 * point) = ends - middle;
		*(nvec *)(p + 3 * point) = r[2];
	}
}

void winograd_lay_out(const struct conv_kernel *k, const float *weight, int block, float *to)
{
	const struct winograd *w = (const struct winograd *)k;
	int data = k->kind == CONV_DATA, in = k->shape.in.c, made = block * N;
	size_t lane = data ? 9 : 9 * (size_t)in, step = data ? 9 * (size_t)in : 9;
	weight += (size_t)made * lane;
	to += (size_t)(made / w->wide * w->wide) * (size_t)w->c + (size_t)(made % w->wide);
	for (int r = 0; r < w->c; r++, weight += step, to += w->wide) {
		nvec g[9];
		for (int l = 0; l < N; l++)
			for (int t = 0; t < 9; t++)
				g[data ? 8 - t : t][l] = weight[(size_t)l * lane + (size_t)t];
		weight_points(g, to, (size_t)w->c * (size_t)w->o);
	}
}

/* G' u G of 16 channels at once. */
static void weight_taps(const nvec u[P], nvec g[9])
{
	nvec t[12], half = splat(0.5f);
	for (int x = 0; x < 4; x++) {
		nvec sum = (u[4 + x] + u[8 + x]) * half;
		t[x] = u[x] + sum;
		t[4 + x] = (u[4 + x] - u[8 + x]) * half;
		t[8 + x] = u[12 + x] + sum;
	}
	for (int y = 0; y < 3; y++) {
		nvec *r = t + 4 * y, sum = (r[1] + r[2]) * half;
		g[3 * y] = r[0] + sum;
		g[3 * y + 1] = (r[1] - r[2]) * half;
		g[3 * y + 2] = r[3] + sum;
	}
}

void winograd_sum(const struct conv_kernel *k, const float *partial, int shards, size_t stride, int block, float *to)
{
	const struct winograd *w = (const struct winograd *)k;
	size_t point = (size_t)w->c * (size_t)w->o, lane = 9 * (size_t)w->c;
	partial += block * N;
	to += (size_t)(block * N) * lane;
	for (int i = 0; i < w->c; i++, partial += w->o, to += 9) {
		nvec u[P], g[9];
		for (int p = 0; p < P; p++) {
			u[p] = *(const nvec *)(partial + (size_t)p * point);
			for (int s = 1; s < shards; s++)
				u[p] += *(const nvec *)(partial + (size_t)p * point + (size_t)s * stride);
		}
		weight_taps(u, g);
		for (int l = 0; l < N; l++)
			for (int t = 0; t < 9; t++)
				to[(size_t)l * lane + (size_t)t] = g[t][l];
	}
}
