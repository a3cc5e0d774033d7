/* Kernels of POOL. Backward is a gather: a place asks the windows that it is in, row by row. */
#include "kernels.h"
#include "pack.h"

/* The sample's value of channel group `ch` at (y, x) of an array w wide; vec channels. */
DEVICE size_t pool_at(size_t sample, int h, int w, int c, int y, int x, int ch)
{
	return ((sample * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)c + (size_t)ch;
}

/* One of the places of an array w wide, in threads of vec channels. */
struct spot {
	int y, x, ch;
};
DEVICE struct spot spot_of(int i, int w, int groups, int vec)
{
	struct spot s;
	int place = i / groups;
	s.ch = (i - place * groups) * vec;
	s.y = place / w;
	s.x = place - s.y * w;
	return s;
}

DEVICE int larger(float v, float than)
{
	return v > than || (v != v && than == than);
}

PACKED_KERNEL(pool, struct pool_args)
{
	int i = sample_index(), groups = a.c / vec;
	if (i >= a.to_h * a.to_w * groups)
		return;
	struct spot o = spot_of(i, a.to_w, groups, vec);
	int top = o.y * a.stride - a.pad, left = o.x * a.stride - a.pad, first = 1;
	struct pack best;
	int place[PACK];
	for (int y = top < 0 ? 0 : top; y < top + a.kernel_h && y < a.h; y++)
		for (int x = left < 0 ? 0 : left; x < left + a.kernel_w && x < a.w; x++, first = 0) {
			struct pack v = pack_get(a.in, pool_at(blockIdx.x, a.h, a.w, a.c, y, x, o.ch), vec);
			for (int k = 0; k < vec; k++) {
				int wins = first || larger(v.v[k], best.v[k]);
				if (a.average)
					best.v[k] = first ? v.v[k] : best.v[k] + v.v[k];
				else
					best.v[k] = wins ? v.v[k] : best.v[k];
				place[k] = wins ? (y - top) * a.kernel_w + x - left : place[k];
			}
		}
	size_t at = pool_at(blockIdx.x, a.to_h, a.to_w, a.c, o.y, o.x, o.ch);
	for (int k = 0; k < vec && a.average; k++)
		best.v[k] /= (float)(a.kernel_h * a.kernel_w);
	pack_put(a.out, at, &best, vec);
	for (int k = 0; k < vec && a.place; k++)
		a.place[at + (size_t)k] = (uint16_t)place[k];
}

/* The windows that hold place y are the first .. last. */
DEVICE int first_window(int y, int kernel, int stride, int pad)
{
	return y + pad < kernel ? 0 : (y + pad - kernel) / stride + 1;
}
DEVICE int last_window(int y, int stride, int pad, int windows)
{
	int last = (y + pad) / stride;
	return last < windows ? last : windows - 1;
}

PACKED_KERNEL(pool_backward, struct pool_args)
{
	int i = sample_index(), groups = a.c / vec;
	if (i >= a.h * a.w * groups)
		return;
	struct spot p = spot_of(i, a.w, groups, vec);
	float share = 1 / (float)(a.kernel_h * a.kernel_w);
	size_t at = pool_at(blockIdx.x, a.h, a.w, a.c, p.y, p.x, p.ch);
	int right = last_window(p.x, a.stride, a.pad, a.to_w), bottom = last_window(p.y, a.stride, a.pad, a.to_h);
	int left = first_window(p.x, a.kernel_w, a.stride, a.pad);
	struct pack sum = { { 0 } };
	if (a.add)
		sum = pack_get(a.out, at, vec);
	for (int y = first_window(p.y, a.kernel_h, a.stride, a.pad); y <= bottom; y++)
		for (int x = left; x <= right; x++) {
			size_t o = pool_at(blockIdx.x, a.to_h, a.to_w, a.c, y, x, p.ch);
			int here = (p.y - (y * a.stride - a.pad)) * a.kernel_w + p.x - (x * a.stride - a.pad);
			struct pack d = pack_get(a.in, o, vec);
			for (int k = 0; k < vec; k++)
				if (a.average)
					sum.v[k] += share * d.v[k];
				else if (a.place[o + (size_t)k] == here)
					sum.v[k] += d.v[k];
		}
	pack_put(a.out, at, &sum, vec);
}

static int whole_channels(const struct pool_args *a)
{
	return a->c % PACK == 0 && pack_fits(a->in) && pack_fits(a->out);
}

int STORAGE(launch_pool)(const struct pool_args *a, cudaStream_t stream)
{
	int packed = whole_channels(a), threads = a->to_h * a->to_w * (packed ? a->c / PACK : a->c);
	return LAUNCH_PACKED(pool, packed, a->n, sample_blocks(threads), sample_threads(threads), stream, a);
}

int STORAGE(launch_pool_backward)(const struct pool_args *a, cudaStream_t stream)
{
	int packed = whole_channels(a), threads = a->h * a->w * (packed ? a->c / PACK : a->c);
	return LAUNCH_PACKED(pool_backward, packed, a->n, sample_blocks(threads), sample_threads(threads), stream, a);
}
