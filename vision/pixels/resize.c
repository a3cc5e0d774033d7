/* Pillow's BILINEAR (src/libImaging/Resample.c), bit for bit: the same weights in 22-bit fixed point, columns before
 * rows, and rounding to 8 bits in between; geometry_of has torchvision's roundings. Of the first pass only the rows
 * that the second reads are made. The source may be a JPEG decoded at eighths: its extent is then a fraction of
 * pixels, and weights are computed from that. */
#include "image.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Half of what is left over, halves to even. */
static int half(int d)
{
	return d / 2 + (d % 2 && d / 2 % 2);
}

struct geometry geometry_of(int sh, int sw, int h, int w, enum image_fit fit)
{
	struct geometry g = { h, w, 0, 0, h, w };
	if (fit == FIT_CROP && (int64_t)sh * w <= (int64_t)sw * h)
		g.rw = (int)((int64_t)sw * h / sh);
	else if (fit == FIT_CROP)
		g.rh = (int)((int64_t)sh * w / sw);
	g.top = half(g.rh - h);
	g.left = half(g.rw - w);
	return g;
}

int want_size(const char *text, int *h, int *w, struct err *err)
{
	char part[2][8] = { "", "" };
	int64_t v[2];
	size_t n = strcspn(text, "x"), m = text[n] ? strlen(text + n + 1) : n;
	if (n >= sizeof part[0] || m >= sizeof part[1])
		return err_usage(err, "--resize: '%s' is neither N nor HxW", text);
	memcpy(part[0], text, n);
	memcpy(part[1], text[n] ? text + n + 1 : text, m);
	for (int i = 0; i < 2; i++)
		if (num_i64("--resize", part[i], 1, WANT_MOST, &v[i], err))
			return -1;
	*h = (int)v[0];
	*w = (int)v[1];
	return 0;
}

enum { FRACTION = 22 }; /* 32 bits less 8 for the value and 2 for sums of weights beyond 1 */

/* The weights of one axis: output i is the sum of weight[i * most + k] * input[from[i] + k], k < count[i]. */
struct axis {
	int most, *from, *count;
	int32_t *weight;
};

static void axis_release(struct axis *a)
{
	free(a->from);
	free(a->count);
	free(a->weight);
}

/* Outputs first..first+n-1 of an axis resized from `extent` (at most `in`: the last pixel may be a partial one) to
 * `out`. */
static int axis_make(struct axis *a, int in, double extent, int out, int first, int n, struct err *err)
{
	double scale = extent / out, wide = scale > 1 ? scale : 1;
	a->most = (int)ceil(wide) * 2 + 1;
	*a = (struct axis){ .most = a->most };
	double *w = NULL;
	if (mem_alloc(&a->from, (size_t)n, sizeof *a->from, err) ||
	    mem_alloc(&a->count, (size_t)n, sizeof *a->count, err) ||
	    mem_alloc(&a->weight, (size_t)n * (size_t)a->most, sizeof *a->weight, err) ||
	    mem_alloc(&w, (size_t)a->most, sizeof *w, err))
		return -1;
	for (int i = 0; i < n; i++) {
		double centre = (first + i + 0.5) * scale, sum = 0;
		int from = (int)(centre - wide + 0.5), to = (int)(centre + wide + 0.5);
		if (from < 0)
			from = 0;
		if (to > in)
			to = in;
		for (int k = 0; k < to - from; k++) {
			double d = fabs((k + from - centre + 0.5) * (1 / wide));
			w[k] = d < 1 ? 1 - d : 0;
			sum += w[k];
		}
		for (int k = 0; k < to - from; k++)
			a->weight[i * a->most + k] = (int32_t)(0.5 + w[k] / sum * (1 << FRACTION));
		a->from[i] = from;
		a->count[i] = to - from;
	}
	free(w);
	return 0;
}

static unsigned char rounded(int32_t sum)
{
	int v = (sum + (1 << (FRACTION - 1))) >> FRACTION;
	return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Columns: rows y0.. of src to dst [h][w][c]. */
static void columns(const struct image *src, int y0, const struct axis *a, struct image *dst)
{
	int c = src->c;
	for (int y = 0; y < dst->h; y++) {
		const unsigned char *row = src->px + (size_t)(y0 + y) * (size_t)src->w * (size_t)c;
		unsigned char *out = dst->px + (size_t)y * (size_t)dst->w * (size_t)c;
		for (int x = 0; x < dst->w; x++, out += c) {
			const unsigned char *p = row + (size_t)a->from[x] * (size_t)c;
			const int32_t *w = a->weight + (size_t)x * (size_t)a->most;
			int32_t s0 = 0, s1 = 0, s2 = 0;
			if (c == 1) {
				for (int k = 0; k < a->count[x]; k++)
					s0 += w[k] * p[k];
				out[0] = rounded(s0);
				continue;
			}
			for (int k = 0; k < a->count[x]; k++, p += 3) {
				s0 += w[k] * p[0];
				s1 += w[k] * p[1];
				s2 += w[k] * p[2];
			}
			out[0] = rounded(s0);
			out[1] = rounded(s1);
			out[2] = rounded(s2);
		}
	}
}

/* Rows: the values of one output row are summed side by side, which the compiler does several at a time. sum: [w * c].
 */
static void rows(const struct image *src, int y0, const struct axis *a, struct image *dst, int32_t *sum)
{
	size_t n = (size_t)dst->w * (size_t)dst->c;
	for (int y = 0; y < dst->h; y++) {
		memset(sum, 0, n * sizeof *sum);
		for (int k = 0; k < a->count[y]; k++) {
			const unsigned char *p = src->px + (size_t)(a->from[y] - y0 + k) * n;
			int32_t w = a->weight[(size_t)y * (size_t)a->most + (size_t)k];
			for (size_t i = 0; i < n; i++)
				sum[i] += w * p[i];
		}
		for (size_t i = 0; i < n; i++)
			dst->px[(size_t)y * n + i] = rounded(sum[i]);
	}
}

int image_resize(const struct image *src, const struct geometry *to, struct image *dst, struct image *scratch,
		 struct err *err)
{
	struct axis ax = { 0 }, ay = { 0 };
	int32_t *sum = NULL;
	int rc = -1;
	if (axis_make(&ax, src->w, src->full_w * src->eighths / 8.0, to->rw, to->left, to->w, err) ||
	    axis_make(&ay, src->h, src->full_h * src->eighths / 8.0, to->rh, to->top, to->h, err) ||
	    mem_alloc(&sum, (size_t)to->w * (size_t)src->c, sizeof *sum, err))
		goto done;
	int y0 = ay.from[0], y1 = ay.from[to->h - 1] + ay.count[to->h - 1];
	const struct image *between = src;
	/* Where the width stays, columns are not touched: a filter of width one would only copy them. */
	if (to->rw != src->full_w || src->eighths != 8 || to->left || to->w != src->w) {
		if (image_shape(scratch, y1 - y0, to->w, src->c, err))
			goto done;
		columns(src, y0, &ax, scratch);
		between = scratch;
	} else {
		y0 = 0;
	}
	if (image_shape(dst, to->h, to->w, src->c, err))
		goto done;
	rows(between, y0, &ay, dst, sum);
	rc = 0;
done:
	axis_release(&ax);
	axis_release(&ay);
	free(sum);
	return rc;
}

int image_record(struct image *im, const struct want *want, int channels, struct image *out, struct image *scratch,
		 struct err *err)
{
	struct geometry g = geometry_of(im->full_h, im->full_w, want->h, want->w, want->fit);
	return (channels == 1 && image_channels(im, 1, err)) || image_resize(im, &g, out, scratch, err) ||
			       image_channels(out, channels, err)
		       ? -1
		       : 0;
}
