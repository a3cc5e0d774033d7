/* Kernels of the optimisers; what they are told: update.h. */
#include "update.h"
#include "kernel.h"

enum { ADADELTA, SGD, ADAM };

/* What a step has of the step block. */
struct rates {
	float lr, adam_rate, adam_root;
};

DEVICE struct rates rates_of(const struct step *s)
{
	struct rates r = { s->lr, s->adam_rate, s->adam_root };
	return r;
}

/* Number i into the copy. */
DEVICE void copy_put(const struct segment *s, size_t i, float w)
{
	unsigned row = (unsigned)i / (unsigned)s->row, at = (unsigned)i - row * (unsigned)s->row;
	unsigned channel = at / s->places, place = at % s->places;
	size_t to = ((size_t)row * s->places + place) * s->pitch + channel;
	if (s->element == 2)
		((uint16_t *)s->copy)[to] = bf16_of(w);
	else
		((float *)s->copy)[to] = w;
}

/* One number, whose gradient is g. decay: of Adadelta's states, for the steps that the row missed. */
DEVICE void step_one(const struct update_args *a, struct rates r, const struct segment *s, size_t i, float g,
		     float decay)
{
	float w = s->w[i];
	g *= a->scale ? *a->scale : a->factor;
	if (a->decoupled)
		w *= 1 - r.lr * s->weight_decay;
	else
		g += s->weight_decay * w;
	if (a->rule == ADADELTA) {
		float g2 = a->rho * (decay * s->s1[i]) + a->rho_rest * g * g, d2 = decay * s->s2[i];
		float d = -sqrtf((d2 + a->eps) / (g2 + a->eps)) * g;
		s->s1[i] = g2;
		s->s2[i] = a->rho * d2 + a->rho_rest * d * d;
		w += r.lr * d;
	} else if (a->rule == ADAM) {
		float m = a->beta1 * s->s1[i] + a->beta1_rest * g, v = a->beta2 * s->s2[i] + a->beta2_rest * g * g;
		s->s1[i] = m;
		s->s2[i] = v;
		w -= r.adam_rate * m / (sqrtf(v) / r.adam_root + a->eps);
	} else if (a->momentum > 0) {
		float v = a->momentum * s->s1[i] + g;
		s->s1[i] = v;
		w -= r.lr * (a->nesterov ? g + a->momentum * v : v);
	} else {
		w -= r.lr * g;
	}
	s->w[i] = w;
	if (s->copy)
		copy_put(s, i, w);
}

KERNEL(step_all, struct update_args)
{
	struct segment s = a.segment ? a.segment[a.segment_of[blockIdx.x]] : a.one;
	struct rates r = rates_of(a.step);
	size_t from = (blockIdx.x - s.first) * UPDATE_RUN;
	for (size_t i = from + threadIdx.x; i < s.n && i < from + UPDATE_RUN; i += BLOCK)
		step_one(&a, r, &s, i, s.g[i], 1);
}

/* One block a listed row. */
BLOCK_KERNEL(step_rows, struct update_args)
{
	const struct segment s = a.one;
	struct rates r = rates_of(a.step);
	if (blockIdx.x >= a.step->distinct)
		return;
	size_t row = a.word[blockIdx.x], from = (size_t)blockIdx.x * s.row;
	uint32_t now = a.step->update, missed = now - 1 - s.last[row];
	float decay = a.rule == ADADELTA && missed ? exp2f((float)missed * a.rho_log2) : 1;
	__syncthreads(); /* all have read it */
	if (threadIdx.x == 0)
		s.last[row] = now;
	for (size_t d = threadIdx.x; d < s.row; d += BLOCK)
		step_one(&a, r, &s, row * s.row + d, s.g[from + d], decay);
}

/* One block for EVERY rows: looks which of them are listed, then steps all. */
BLOCK_KERNEL(step_every, struct update_args)
{
	SHARED uint32_t listed[EVERY]; /* number in the list, + 1 */
	const struct segment s = a.one;
	struct rates r = rates_of(a.step);
	size_t first = (size_t)blockIdx.x * EVERY;
	if (threadIdx.x < EVERY)
		listed[threadIdx.x] = 0;
	__syncthreads();
	for (uint32_t i = threadIdx.x; i < a.step->distinct; i += BLOCK)
		if (a.word[i] >= first && a.word[i] < first + EVERY)
			listed[a.word[i] - first] = i + 1;
	__syncthreads();
	for (unsigned k = 0; k < EVERY && (first + k) * s.row < s.n; k++) {
		const float *g = listed[k] ? s.g + (listed[k] - 1) * s.row : NULL;
		for (size_t d = threadIdx.x; d < s.row; d += BLOCK)
			step_one(&a, r, &s, (first + k) * s.row + d, g ? g[d] : 0, 1);
	}
}

/* A block's share of the squares: a run of a segment, or after those of all segments a listed row of the table. */
BLOCK_KERNEL(squares, struct update_args)
{
	int listed = blockIdx.x >= a.blocks;
	struct segment s = listed ? a.one : a.segment[a.segment_of[blockIdx.x]];
	size_t row = blockIdx.x - a.blocks, from = listed ? row * s.row : (blockIdx.x - s.first) * UPDATE_RUN;
	size_t to = listed ? (row < a.step->distinct ? from + s.row : from) :
			     (s.n < from + UPDATE_RUN ? s.n : from + UPDATE_RUN);
	float sum = 0;
	for (size_t i = from + threadIdx.x; i < to; i += BLOCK)
		sum += s.g[i] * s.g[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		a.partial[blockIdx.x] = sum;
}

/* One block for all. */
BLOCK_KERNEL(clip, struct update_args)
{
	float sum = 0;
	for (size_t i = threadIdx.x; i < a.blocks + a.rows; i += BLOCK)
		sum += a.partial[i];
	sum = block_sum(sum);
	float scale = a.clip_norm / (sqrtf(sum) + 1e-6f);
	if (threadIdx.x == 0)
		*a.found = scale > 1 ? 1 : scale;
}

/* Kim's constraint: one block a row. */
BLOCK_KERNEL(norms, struct update_args)
{
	float *w = a.one.w + (size_t)blockIdx.x * a.one.row, sum = 0;
	for (size_t d = threadIdx.x; d < a.one.row; d += BLOCK)
		sum += w[d] * w[d];
	float norm = sqrtf(block_sum(sum));
	float scale = (norm < a.one.max_norm ? norm : a.one.max_norm) / (1e-7f + norm);
	for (size_t d = threadIdx.x; d < a.one.row; d += BLOCK)
		w[d] *= scale;
}

KERNEL(average, struct average_args)
{
	size_t i = thread_index();
	if (i < a.n)
		a.average[i] += a.rate * (a.w[i] - a.average[i]);
}

int launch_average(const struct average_args *a, cudaStream_t stream)
{
	return LAUNCH(average, blocks_for(a->n), 1, BLOCK, stream, a);
}

int launch_clip(const struct update_args *a, cudaStream_t stream)
{
	int status = LAUNCH(squares, a->blocks + a->rows, 1, BLOCK, stream, a);
	return status ? status : LAUNCH(clip, 1, 1, BLOCK, stream, a);
}

int launch_update_all(const struct update_args *a, cudaStream_t stream)
{
	return LAUNCH(step_all, a->blocks, 1, BLOCK, stream, a);
}

int launch_update_one(const struct update_args *a, cudaStream_t stream)
{
	return LAUNCH(step_all, (a->one.n + UPDATE_RUN - 1) / UPDATE_RUN, 1, BLOCK, stream, a);
}

int launch_update_rows(const struct update_args *a, cudaStream_t stream)
{
	return LAUNCH(step_rows, a->rows, 1, BLOCK, stream, a);
}

int launch_update_every(const struct update_args *a, cudaStream_t stream)
{
	return LAUNCH(step_every, (a->one.n / a->one.row + EVERY - 1) / EVERY, 1, BLOCK, stream, a);
}

int launch_update_norms(const struct update_args *a, cudaStream_t stream)
{
	return LAUNCH(norms, a->one.n / a->one.row, 1, BLOCK, stream, a);
}
