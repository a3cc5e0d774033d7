/* How the loss of affine maps bends. With p a record's probabilities and f_c the features of class c's logit (all its
 * z, or its own, and 1) the second derivative is the mean over records of
 *     diag(p_c f_c f_c') - u u',  u = (p_c f_c).
 * affine_bend multiplies by it, at the cost of a pass; no matrix of parameters by parameters is ever formed. What
 * affine_precondition divides by leaves out what is between classes, and of each class's p_c (1 - p_c) f_c f_c' keeps
 * the part of the features' mean, of rank one, and beside it each feature's variance. Without the former, features that
 * hardly vary, as logits of barely trained networks or logarithms of many small probabilities, would be the bias over
 * again, and a search in them endless. A Newton step may have each class's whole block instead (affine_blocks.c). What
 * all classes' weights of one logit have in common changes no softmax: it bends by the pull alone, and is divided by
 * that. */
#include "affine.h"
#include "lanes.h"
#include "pipeline/base/mem.h"
#include "product.h"

#include <math.h>
#include <string.h>

/* Share of the curvature that is there before any record is seen (set_scale), and of a parameter's own, that is always
 * counted: where no record bends a parameter now, one may after the next step. */
static const double floor_share = 1e-9;

struct room {
	size_t z, own, left, right; /* doubles */
};

static struct room room_of(const struct affine *a)
{
	size_t k = (size_t)a->d->k, rows = affine_block_rows(a);
	return (struct room){
		.z = (rows * k + LANES - 1) / LANES * LANES,
		.own = (rows + 7) / 8 * 8,
		.left = a->matrix ? (panels_room(k, rows, PRODUCT_LEFT) + PRODUCT_LEFT * k + 7) / 8 * 8 : 0,
		.right = a->matrix ? panels_room(k, rows, PRODUCT_RIGHT) : 0,
	};
}

/* sum += of n records: each class's out times z. */
static void add_products(const struct affine *a, size_t n, const double *out, const double *z, double *left,
			 double *right, double *sum)
{
	size_t k = (size_t)a->d->k;
	for (size_t r = 0; r < n && !a->matrix; r++)
		for (size_t c = 0; c < k; c++)
			sum[c] += out[r * k + c] * z[r * k + c];
	if (!a->matrix)
		return;
	panels_of_columns(out, k, n, PRODUCT_LEFT, a->narrow, left);
	panels_of_columns(z, k, n, PRODUCT_RIGHT, a->narrow, right);
	product_add(left, k, right, k, n, a->narrow, sum);
}

/* sum: with w = p (1 - p) and x = z less its mean over all records, w x x and w x of each weight, w of each class. */
static void curvature_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct affine *a = arg;
	struct room room = room_of(a);
	size_t k = (size_t)d->k, nw = affine_weights(a), rows = affine_block_rows(a);
	double *z = scratch, *out = z + room.z, *own = out + room.z, *left = own + room.own, *right = left + room.left;
	double *squares = sum, *first = sum + nw, *mass = first + nw;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		affine_block(a, at, n, z, out, own, left);
		for (size_t r = 0; r < n; r++) {
			double *p = out + r * k, *x = z + r * k, one = 1 / lanes_sum(p, k);
			for (size_t c = 0; c < k; c++) {
				p[c] *= one;
				p[c] *= 1 - p[c];
				mass[c] += p[c];
				x[c] -= a->centre[c];
			}
		}
		add_products(a, n, out, z, left, right, first);
		for (size_t i = 0; i < n * k; i++)
			z[i] *= z[i];
		add_products(a, n, out, z, left, right, squares);
	}
}

/* Of class c, [D + q q'] inverted is 1/D less lean lean', lean = q / D / sqrt(1 + q' q / D). */
static void take_class(struct affine *a, size_t c, const double *sum)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a), each = nw / k, most = each + 1;
	double n = (double)a->d->n, mass = sum[2 * nw + c] / n, all = 1;
	for (size_t j = 0; j < most; j++) {
		size_t i = j < each ? c * each + j : nw + c;
		double by = j < each ? a->per[i] * a->unit : a->per[i], mean = 1, spread = 0;
		if (j < each) {
			double off = mass > 0 ? sum[nw + i] / n / mass : 0;
			mean = a->centre[a->matrix ? j : c] + off;
			spread = fmax(0, sum[i] / n - mass * off * off);
		}
		double q = sqrt(mass) * mean * by, bend = spread * by * by;
		double held = 2 * affine_pull_on(a, i) * a->per[i] * a->per[i];
		a->inverse[i] = 1 / (bend + held + floor_share * (1 + bend + q * q));
		a->lean[i] = q * a->inverse[i];
		all += q * a->lean[i];
	}
	for (size_t j = 0; j < most; j++)
		a->lean[j < each ? c * each + j : nw + c] /= sqrt(all);
}

int affine_curvature(void *arg, const double *y, struct err *err)
{
	struct affine *a = arg;
	struct room room = room_of(a);
	size_t k = (size_t)a->d->k;
	affine_take(a, y);
	if (a->whole && affine_blocks_serve(a))
		return affine_blocks_take(a, err);
	if (fit_sum(a->d, a->pool, 2 * affine_weights(a) + k, curvature_pass,
		    2 * room.z + room.own + room.left + room.right, a, a->sum, err))
		return -1;
	for (size_t c = 0; c < k; c++)
		take_class(a, c, a->sum);
	return 0;
}

/* a->common: what all classes' weights of a logit get in common, in the unit of the first class's. */
static void take_common(const struct affine *a, const double *v)
{
	size_t k = (size_t)a->d->k;
	double pull = a->pull.diagonal + (double)(k - 1) * a->pull.off;
	memset(a->common, 0, k * sizeof *a->common);
	for (size_t c = 0; c < k; c++)
		for (size_t j = 0; j < k; j++)
			a->common[j] += v[c * k + j] * (a->per[j] / a->per[c * k + j]);
	for (size_t j = 0; j < k; j++)
		a->common[j] /= fmax(2 * pull * a->per[j] * a->per[j], floor_share);
}

static void one_by_one(const struct affine *a, double *v)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a), each = nw / k;
	for (size_t c = 0; c < k; c++) {
		double *own = v + c * each, *b = v + nw + c;
		const double *lean = a->lean + c * each, *inverse = a->inverse + c * each;
		double by = lanes_dot(lean, own, each) + a->lean[nw + c] * *b;
		for (size_t j = 0; j < each; j++)
			own[j] = own[j] * inverse[j] - by * lean[j];
		*b = *b * a->inverse[nw + c] - by * a->lean[nw + c];
	}
}

/* Without what all k classes have in common, of every step-th number: of slopes in y, or of steps in y. */
static void leave_out(const double *per, double *v, size_t k, size_t step, int slopes)
{
	double mean = 0;
	for (size_t i = 0; i < k * step; i += step)
		mean += (slopes ? v[i] * (per[0] / per[i]) : v[i] * (per[i] / per[0])) / (double)k;
	for (size_t i = 0; i < k * step; i += step)
		v[i] -= mean * (slopes ? per[i] / per[0] : per[0] / per[i]);
}

/* What is common and held by nothing, as that of b always, bends by rounding alone, which CG would divide by. */
static void leave_free_out(const struct affine *a, double *v, int held, int slopes)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	leave_out(a->per + nw, v + nw, k, 1, slopes);
	for (size_t j = 0; a->matrix && !held && j < k; j++)
		leave_out(a->per + j, v + j, k, k, slopes);
}

void affine_precondition(void *arg, double *v)
{
	const struct affine *a = arg;
	size_t k = (size_t)a->d->k;
	int held = a->pull.diagonal > 0 || a->pull.off > 0, shared = a->matrix && held;
	leave_free_out(a, v, held, 1);
	if (shared)
		take_common(a, v);
	if (a->whole && affine_blocks_serve(a))
		affine_blocks_solve(a, v);
	else
		one_by_one(a, v);
	for (size_t c = 0; shared && c < k; c++)
		for (size_t j = 0; j < k; j++)
			v[c * k + j] += a->common[j] * (a->per[j] / a->per[c * k + j]);
	leave_free_out(a, v, held, 0);
}

/* sum: weights (times unit) and biases of the second derivative times a->along, a sum over records. */
static void bend_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct affine *a = arg;
	struct room room = room_of(a);
	size_t k = (size_t)d->k, nw = affine_weights(a), rows = affine_block_rows(a);
	double *z = scratch, *out = z + room.z, *own = out + room.z, *left = own + room.own, *right = left + room.left;
	double *turn = right + room.right;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		affine_block(a, at, n, z, out, own, left);
		for (size_t r = 0; r < n; r++)
			for (size_t c = 0; c < k; c++)
				turn[r * k + c] = a->along[nw + c] + (a->matrix ? 0 : a->along[c] * z[r * k + c]);
		if (a->matrix) /* left still holds z's rows */
			product_add(left, n, a->along_panels, k, k, a->narrow, turn);
		for (size_t r = 0; r < n; r++) {
			double *p = out + r * k, *t = turn + r * k;
			double one = 1 / lanes_sum(p, k), mean = lanes_dot(p, t, k) * one;
			for (size_t c = 0; c < k; c++) {
				p[c] *= one * (t[c] - mean);
				sum[nw + c] += p[c];
			}
		}
		add_products(a, n, out, z, left, right, sum);
	}
}

int affine_bend(void *arg, const double *v, double *out, struct err *err)
{
	struct affine *a = arg;
	struct room room = room_of(a);
	size_t k = (size_t)a->d->k, nw = affine_weights(a), all = nw + k;
	double n = (double)a->d->n;
	if ((!a->along && mem_alloc(&a->along, all, sizeof *a->along, err)) ||
	    (a->matrix && !a->along_panels &&
	     mem_alloc(&a->along_panels, panels_room(k, k, PRODUCT_RIGHT), sizeof *a->along_panels, err)))
		return -1;
	for (size_t i = 0; i < all; i++)
		a->along[i] = v[i] * (i < nw ? a->per[i] * a->unit : a->per[i]);
	double mean = lanes_sum(a->along + nw, k) / (double)k;
	for (size_t c = 0; c < k; c++)
		a->along[nw + c] -= mean;
	if (a->matrix)
		panels_of_rows(a->along, k, k, PRODUCT_RIGHT, a->narrow, a->along_panels);
	if (fit_sum(a->d, a->pool, all, bend_pass, 3 * room.z + room.own + room.left + room.right, a, out, err))
		return -1;
	for (size_t i = 0; i < all; i++) {
		double pull = 2 * affine_pull_on(a, i) * a->per[i];
		if (i < nw)
			out[i] = out[i] / n * (a->per[i] * a->unit) + pull * a->per[i] * v[i];
		else
			out[i] = out[i] / n * a->per[i] + pull * a->along[i];
	}
	return 0;
}
