/* taps: which pixels of an axis weigh how much in one pixel of a resized one, by the triangle filter: bilinear between
 * neighbours where the axis grows, the mean over a wider triangle where it shrinks, as Pillow's BILINEAR and
 * torchvision's antialias have it (align_corners=False). Of `from` pixels, pixel i lies at i + 1/2; output o of `to`
 * lies at (o + 1/2) from / to. Pixel i weighs max(0, 1 - |distance| / reach), reach = max(1, from / to), by the sum of
 * all that there are: none lies beyond the ends, so what is left there weighs more.
 *
 * Times 2 max(from, to) a weight is a whole number, and so it is computed: which pixels have one, and how much, depends
 * on no rounding and is the same in every backend. Sizes are at most 32767, so that nothing here is beyond 31 bits. */
#ifndef VIC_TAPS_H
#define VIC_TAPS_H

#ifdef __CUDACC__
#define TAPS_INLINE static __device__ __forceinline__
#define TAPS_LOOP _Pragma("unroll 1") /* of two turns, most often: registers are worth more */
#else
#define TAPS_INLINE static inline
#define TAPS_LOOP
#endif

enum { TAPS_MOST = 32767 };

/* Of pixel i for output o; 0 or below: it has none. */
TAPS_INLINE int tap_weight(int i, int o, int from, int to)
{
	int apart = (2 * i + 1) * to - (2 * o + 1) * from;
	return 2 * (from > to ? from : to) - (apart < 0 ? -apart : apart);
}

/* Those with a weight: first .. end - 1, one at least; what they add up to. */
struct taps {
	int first, end, sum;
};

TAPS_INLINE struct taps taps_of(int o, int from, int to)
{
	int centre = (2 * o + 1) * from, reach = 2 * (from > to ? from : to);
	int low = centre - reach - to, high = (centre + reach + to - 1) / (2 * to);
	struct taps t = { low < 0 ? 0 : low / (2 * to) + 1, high < from ? high : from, 0 };
	TAPS_LOOP
	for (int i = t.first; i < t.end; i++)
		t.sum += tap_weight(i, o, from, to);
	return t;
}

#endif
