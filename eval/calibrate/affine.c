/* The loss of affine maps. Records come in blocks of ROWS: logits over their unit, W z + b, exponentials, gradient of
 * the loss in W z + b, and what that adds to the gradients of W and b; for a matrix by products of panels. */
#include "affine.h"
#include "lanes.h"
#include "pipeline/base/mem.h"
#include "product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t affine_block_rows(const struct affine *a)
{
	size_t k = (size_t)a->d->k;
	return a->matrix ? PRODUCT_PART : k < 1024 ? 1024 / k : 1;
}

/* From so many values on, and where no class's logits are far from the unit, the products of a matrix are narrow: what
 * their rounding does to a logit, some 1e-6, cancels over the records, and moves the answer by 1e-11 of the loss. */
enum { NARROW_VALUES = 1 << 22 };

/* Share of a class's mean square logit that varies; with less its weights are nearly its bias, and blocks of them
 * nearly singular. */
#define VARIED 1e-4

size_t affine_weights(const struct affine *a)
{
	size_t k = (size_t)a->d->k;
	return a->matrix ? k * k : k;
}

size_t affine_parameters(const struct affine *a)
{
	return affine_weights(a) + (size_t)a->d->k;
}

int affine_on_diagonal(const struct affine *a, size_t i)
{
	return !a->matrix || i / (size_t)a->d->k == i % (size_t)a->d->k;
}

double affine_pull_on(const struct affine *a, size_t i)
{
	return i >= affine_weights(a) ? a->pull.bias : affine_on_diagonal(a, i) ? a->pull.diagonal : a->pull.off;
}

/* z, [n][k], of the records at `at`, over the unit; out = W z + b, where a class ruled out stays so. Its z becomes 0:
 * it has no part in the gradient. */
static void forward(const struct affine *a, size_t at, size_t n, double *z, double *out, double *panels)
{
	const struct fit_data *d = a->d;
	size_t k = (size_t)d->k, size = d->is_double ? sizeof(double) : sizeof(float);
	const unsigned char *from = (const unsigned char *)d->z + at * k * size;
	const struct fit_ops *ops = fit_ops();
	for (size_t r = 0; r < n; r++)
		ops->affine_in(from + r * k * size, d->is_double, 1 / a->unit, a->matrix ? NULL : a->scaled, a->offset,
			       k, z + r * k, out + r * k);
	if (!a->matrix)
		return;
	panels_of_rows(z, n, k, PRODUCT_LEFT, a->narrow, panels);
	product_add(panels, n, a->panels, k, k, a->narrow, out);
}

/* The label's logit below the largest goes to own, and exponentials of all of them to out. */
static void exponentials(const struct affine *a, size_t at, size_t n, double *out, double *own)
{
	size_t k = (size_t)a->d->k;
	const struct fit_ops *ops = fit_ops();
	for (size_t r = 0; r < n; r++) {
		ops->below_largest(out + r * k, k);
		own[r] = out[r * k + (size_t)a->d->label[at + r]];
	}
	softmax_ops()->exp_many(out, (n * k + LANES - 1) / LANES * LANES);
}

void affine_block(const struct affine *a, size_t at, size_t n, double *z, double *out, double *own, double *panels)
{
	forward(a, at, n, z, out, panels);
	exponentials(a, at, n, out, own);
}

/* sum[0]: loss; sum[1..]: its gradient in the weights (times unit) and biases. */
static void affine_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct affine *a = arg;
	const struct fit_ops *ops = fit_ops();
	size_t k = (size_t)d->k, rows = affine_block_rows(a), room = (rows * k + LANES - 1) / LANES * LANES;
	double *gw = sum + 1, *gb = gw + affine_weights(a), *own_gw = a->matrix ? NULL : gw;
	double *z = scratch, *out = z + room, *own = out + room, *left = own + (rows + 7) / 8 * 8;
	double *right = left + panels_room(k, rows, PRODUCT_LEFT) + PRODUCT_LEFT * k;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		affine_block(a, at, n, z, out, own, left);
		for (size_t r = 0; r < n; r++) {
			double mass = ops->affine_out(out + r * k, z + r * k, k, (size_t)d->label[at + r], gb, own_gw);
			sum[0] += log(mass) - own[r];
		}
		if (a->matrix) {
			panels_of_columns(out, k, n, PRODUCT_LEFT, a->narrow, left);
			panels_of_columns(z, k, n, PRODUCT_RIGHT, a->narrow, right);
			product_add(left, k, right, k, n, a->narrow, gw);
		}
	}
}

static size_t pass_scratch(const struct affine *a)
{
	size_t k = (size_t)a->d->k, rows = affine_block_rows(a), both = 2 * ((rows * k + LANES - 1) / LANES * LANES);
	size_t panels = panels_room(k, rows, PRODUCT_LEFT) + PRODUCT_LEFT * k + panels_room(k, rows, PRODUCT_RIGHT);
	return both + (rows + 7) / 8 * 8 + (a->matrix ? panels : 0);
}

/* weight (parameter - target)^2 and its slope in y. */
static void pull_back(double weight, double off, double per, double *value, double *grad)
{
	if (!(weight > 0))
		return; /* not 0 x Inf */
	*value += weight * off * off;
	*grad += 2 * weight * off * per;
}

static void take_offset(const struct affine *a, const double *y, double *offset)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	for (size_t c = 0; c < k; c++)
		offset[c] = y[nw + c] * a->per[nw + c];
	double mean = lanes_sum(offset, k) / (double)k;
	for (size_t c = 0; c < k; c++)
		offset[c] -= mean;
}

int affine_parameters_of(const struct affine *a, const double *y, double *weight, double *bias)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	int finite = 1;
	take_offset(a, y, bias);
	for (size_t i = 0; i < nw; i++) {
		weight[i] = y[i] * a->per[i];
		finite &= isfinite(weight[i]) != 0;
	}
	for (size_t c = 0; c < k; c++)
		finite &= isfinite(bias[c]) != 0;
	return finite;
}

void affine_take(struct affine *a, const double *y)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	for (size_t i = 0; i < nw; i++)
		a->scaled[i] = y[i] * (a->per[i] * a->unit);
	take_offset(a, y, a->offset);
	if (a->matrix)
		panels_of_rows(a->scaled, k, k, PRODUCT_RIGHT, a->narrow, a->panels);
}

int affine_loss(void *arg, const double *y, double *value, double *grad, struct err *err)
{
	struct affine *a = arg;
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	double n = (double)a->d->n;
	affine_take(a, y);
	if (fit_sum(a->d, a->pool, 1 + nw + k, affine_pass, pass_scratch(a), a, a->sum, err))
		return -1;
	*value = a->sum[0] / n;
	for (size_t i = 0; i < nw; i++) {
		grad[i] = a->sum[1 + i] / n * (a->per[i] * a->unit);
		pull_back(affine_pull_on(a, i), y[i] * a->per[i] - affine_on_diagonal(a, i), a->per[i], value,
			  &grad[i]);
	}
	for (size_t c = 0; c < k; c++) {
		grad[nw + c] = a->sum[1 + nw + c] / n * a->per[nw + c];
		pull_back(a->pull.bias, a->offset[c], a->per[nw + c], value, &grad[nw + c]);
	}
	return 0;
}

/* Sum of the finite |z|, a power of two smaller so that no sum overflows; and their number. In lanes, so that additions
 * do not wait for one another. */
static void sizes(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	double size[LANES] = { 0 }, count[LANES] = { 0 };
	size_t k = (size_t)d->k, whole = (k + LANES - 1) / LANES * LANES;
	(void)arg;
	for (size_t c = k; c < whole; c++)
		scratch[c] = INFINITY;
	for (size_t i = from; i < to; i++) {
		fit_row(d, i, scratch);
		for (size_t c = 0; c < whole; c += LANES)
			for (size_t l = 0; l < LANES; l++) {
				double z = fabs(scratch[c + l]);
				size[l] += z < INFINITY ? z * 0x1p-40 : 0;
				count[l] += z < INFINITY ? 1 : 0;
			}
	}
	for (int l = 0; l < LANES; l++) {
		sum[0] += size[l];
		sum[1] += count[l];
	}
}

/* sum[0..k-1]: squares of the class's finite logits over *arg, the unit; sum[k..]: how often it is the label; sum[2
 * k..]: those logits. */
static void columns(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	double by = 1 / *(const double *)arg;
	(void)scratch;
	for (size_t i = from; i < to; i++) {
		for (int c = 0; c < d->k; c++) {
			double z = fit_value(d, i, c) * by;
			sum[c] += z > -INFINITY ? z * z : 0;
			sum[2 * d->k + c] += z > -INFINITY ? z : 0;
		}
		sum[d->k + d->label[i]] += 1;
	}
}

/* What a class's softmax bends by on the whole is p (1 - p), p its share of the labels; times the square of the logit
 * for a weight. */
static void set_scale(struct affine *a, const double *sum)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	double n = (double)a->d->n;
	for (size_t i = 0; i < nw + k; i++) {
		size_t c = i >= nw ? i - nw : a->matrix ? i / k : i, j = a->matrix ? i % k : c;
		double share = (sum[k + c] + 0.5) / (n + 1), bend = share * (1 - share);
		double pull = affine_pull_on(a, i);
		double data = i >= nw ? sqrt(bend) : sqrt(bend * sum[j] / n) * a->unit;
		double both = hypot(data, sqrt(2 * pull));
		a->per[i] = 1 / (both > 0 ? both : a->unit);
	}
}

int affine_init(struct affine *a, const struct fit_data *d, int matrix, const struct affine_pull *pull,
		struct pool *pool, struct err *err)
{
	*a = (struct affine){ .d = d, .pool = pool, .matrix = matrix, .pull = *pull };
	size_t k = (size_t)d->k, all = affine_parameters(a);
	double size[2];
	if (mem_alloc(&a->per, all, sizeof *a->per, err) ||
	    mem_alloc(&a->scaled, affine_weights(a), sizeof *a->scaled, err) ||
	    mem_alloc(&a->offset, k, sizeof *a->offset, err) ||
	    mem_alloc(&a->sum, 2 * all + k, sizeof *a->sum, err) ||
	    mem_alloc(&a->inverse, all, sizeof *a->inverse, err) || mem_alloc(&a->lean, all, sizeof *a->lean, err) ||
	    mem_alloc(&a->centre, k, sizeof *a->centre, err) || mem_alloc(&a->common, k, sizeof *a->common, err) ||
	    (matrix && mem_alloc(&a->panels, panels_room(k, k, PRODUCT_RIGHT), sizeof *a->panels, err)))
		return -1;
	if (fit_sum(d, pool, 2, sizes, k + LANES, NULL, size, err))
		return -1;
	a->unit = size[0] > 0 ? ldexp(1, (int)fmin(1000, fmax(-1000, floor(log2(size[0] / size[1])) + 40))) : 1;
	if (fit_sum(d, pool, 3 * k, columns, 0, &a->unit, a->sum, err))
		return -1;
	set_scale(a, a->sum);
	for (size_t c = 0; c < k; c++)
		a->centre[c] = a->sum[2 * k + c] / (double)d->n;
	a->narrow = matrix && d->n * k >= NARROW_VALUES;
	a->varied = 1;
	for (size_t c = 0; c < k; c++) {
		double square = a->sum[c] / (double)d->n;
		a->varied &= square - a->centre[c] * a->centre[c] >= VARIED * square;
	}
	for (size_t c = 0; c < k; c++)
		a->narrow &= a->sum[c] > 1e-20 * (double)d->n && a->sum[c] < 1e20;
	return 0;
}

void affine_release(struct affine *a)
{
	free(a->per);
	free(a->scaled);
	free(a->offset);
	free(a->sum);
	free(a->panels);
	free(a->inverse);
	free(a->lean);
	free(a->centre);
	free(a->common);
	free(a->blocks);
	free(a->along);
	free(a->along_panels);
}

void affine_start(const struct affine *a, double t, double *y)
{
	size_t nw = affine_weights(a), all = affine_parameters(a);
	for (size_t i = 0; i < all; i++)
		y[i] = i < nw && affine_on_diagonal(a, i) ? t / a->per[i] : 0;
}
