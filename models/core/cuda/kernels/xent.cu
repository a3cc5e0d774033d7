/* Kernels of XENT, a warp a row. float32 in every precision.
 *
 * With m the largest logit, at `top`, and r = sum over all but the top of exp(z - m): log sum exp = m + log1p(r), and
 * log(1 - p_top) = log(r) - log1p(r), which keeps its digits where p_top is near 1. */
#include "kernels.h"
#include "kernel.h"

struct row {
	const float *z, *t;
	int k, top;
	float max, log1, rest; /* log sum exp - max; log(1 - p_top) */
	float entropy, mass;   /* of p; sum of t */
	float odds;            /* bce: sum over all but the top of (1 - t_j) p_j / (1 - p_j) */
};

/* log p_i */
DEVICE float log_p(const struct row *r, int i)
{
	return r->z[i] - r->max - r->log1;
}

/* The largest of a warp's v and where, the first of equals. */
DEVICE void warp_top(float *v, int *at)
{
	for (int mask = WARP / 2; mask; mask /= 2) {
		float other = shuffle_xor(*v, mask);
		int place = (int)shuffle_xor((float)*at, mask);
		if (other > *v || (other == *v && place < *at)) {
			*v = other;
			*at = place;
		}
	}
}

/* The largest logit but that at `skip`, and where; -INFINITY and k where there is none. NaN is never the largest. */
DEVICE float row_top(const struct row *r, int skip, int *at)
{
	float max = -INFINITY;
	*at = r->k;
	for (int i = (int)threadIdx.x; i < r->k; i += WARP)
		if (i != skip && r->z[i] > max) {
			max = r->z[i];
			*at = i;
		}
	warp_top(&max, at);
	return max;
}

DEVICE struct row row_of(const struct xent_args *a)
{
	struct row r;
	size_t at = (size_t)blockIdx.x * (size_t)a->classes;
	int second;
	float sum = 0, entropy = 0, mass = 0, odds = 0;
	r.z = a->logits + at;
	r.t = a->target + at;
	r.k = a->classes;
	r.max = row_top(&r, -1, &r.top);
	float next = row_top(&r, r.top, &second);
	for (int i = (int)threadIdx.x; i < r.k; i += WARP)
		sum += i == r.top ? 0 : expf(r.z[i] - next);
	sum = block_sum(sum);
	r.log1 = sum > 0 || sum != sum ? log1pf(expf(next - r.max) * sum) : 0;
	r.rest = next - r.max + logf(sum) - r.log1;
	for (int i = (int)threadIdx.x; i < r.k; i += WARP) {
		float lp = log_p(&r, i);
		entropy -= expf(lp) * lp;
		mass += r.t[i];
		odds += a->bce && i != r.top ? (1 - r.t[i]) / expm1f(-lp) : 0;
	}
	r.entropy = block_sum(entropy);
	r.mass = block_sum(mass);
	r.odds = block_sum(odds);
	return r;
}

BLOCK_KERNEL(xent, struct xent_args)
{
	struct row r = row_of(&a);
	float loss = 0, part = a.bce ? 1 / (float)r.k : 1;
	for (int i = (int)threadIdx.x; i < r.k; i += WARP) {
		float lp = log_p(&r, i);
		loss -= part * r.t[i] * lp;
		if (a.bce && r.t[i] != 1)
			loss -= part * (1 - r.t[i]) * (i == r.top ? r.rest : log1pf(-expf(lp)));
	}
	loss = block_sum(loss) - a.erl * r.entropy;
	if (threadIdx.x == 0)
		a.loss[blockIdx.x] = loss;
}

/* d/dz_i of -sum_j (1 - t_j) log(1 - p_j): (1 - t_i) p_i - p_i sum over j != i of (1 - t_j) p_j / (1 - p_j). The top's
 * part of the sum is taken as p_i / (1 - p_top), at most 1, first. */
DEVICE float bce_gradient(const struct row *r, int i)
{
	float lp = log_p(r, i), p = expf(lp), d = p * (1 - r->t[i] - r->odds);
	if (i == r->top)
		return d;
	return d + p * (1 - r->t[i]) / expm1f(-lp) - (1 - r->t[r->top]) * expf(log_p(r, r->top)) * expf(lp - r->rest);
}

BLOCK_KERNEL(xent_backward, struct xent_args)
{
	struct row r = row_of(&a);
	for (int i = (int)threadIdx.x; i < r.k; i += WARP) {
		float lp = log_p(&r, i), p = expf(lp), d = p * r.mass - r.t[i];
		if (a.bce)
			d = (d + bce_gradient(&r, i)) / (float)r.k;
		d += a.erl * p * (lp + r.entropy);
		a.d_logits[(size_t)blockIdx.x * (size_t)r.k + (size_t)i] = d / (float)a.n;
	}
}

int launch_xent(const struct xent_args *a, cudaStream_t stream)
{
	return LAUNCH(xent, a->n, 1, WARP, stream, a);
}

int launch_xent_backward(const struct xent_args *a, cudaStream_t stream)
{
	return LAUNCH(xent_backward, a->n, 1, WARP, stream, a);
}
