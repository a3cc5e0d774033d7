/* How the loss of affine maps bends: each parameter by itself and a class's own weight with its bias, which any number
 * of parameters can have; or of few parameters the whole second derivative. With p a record's probabilities and f_c the
 * features of class c's logit (all its z, or its own, and 1) it is
 *     sum over records of diag(p_c f_c f_c') - u u',  u = (p_c f_c),
 * so that products of panels do most of it. */
#include "affine.h"
#include "lanes.h"
#include "pipeline/base/mem.h"
#include "product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Share of the curvature that is there before any record is seen (set_scale) that is always counted: where no record
 * bends a parameter now, one may after the next step. */
static const double floor_share = 1e-6;

int affine_curvature(struct affine *a, const double *y, struct err *err)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	double n = (double)a->d->n;
	a->bends = 1;
	int rc = affine_sum_at(a, y, err);
	a->bends = 0;
	for (size_t i = 0; !rc && i < nw + k; i++) {
		double pull = affine_pull_on(a, i);
		double per = a->per[i], by = i < nw ? per * a->unit : per;
		a->inverse[i] = 1 / (a->sum[1 + i] / n * by * by + 2 * pull * per * per + floor_share);
	}
	/* | w x | inverted is | b -x | / (w b - x x): of each class's own weight and bias. */
	for (size_t c = 0; !rc && c < k; c++) {
		size_t i = a->matrix ? c * k + c : c;
		double w = 1 / a->inverse[i], b = 1 / a->inverse[nw + c];
		double x = a->sum[1 + nw + k + c] / n * (a->per[i] * a->unit) * a->per[nw + c], det = w * b - x * x;
		int apart = det > 1e-9 * w * b;
		a->beside[c] = apart ? -x / det : 0;
		a->inverse[i] = apart ? b / det : 1 / w;
		a->inverse[nw + c] = apart ? w / det : 1 / b;
	}
	return rc;
}

/* Parameters, and products of two of them over all records, that a whole second derivative may have. */
enum { WHOLE_MOST = 1100 };
static const double whole_work = 0x1p33;

int affine_can_have_whole(const struct affine *a)
{
	return affine_parameters(a) <= WHOLE_MOST;
}

/* diag(p_c f_c f_c') of one record taken from h's lower half, and u into u. */
static void add_own(const struct affine *a, const double *p, const double *z, double *u, double *h)
{
	size_t k = (size_t)a->d->k, nw = affine_weights(a), all = nw + k, each = nw / k;
	for (size_t c = 0; c < k; c++) {
		const double *f = a->matrix ? z : z + c;
		size_t own = c * each, b = nw + c;
		for (size_t j = 0; j < each; j++) {
			double v = p[c] * f[j], *row = h + (own + j) * all + own;
			u[own + j] = v;
			h[b * all + own + j] -= v;
			for (size_t l = 0; l <= j; l++)
				row[l] -= v * f[l];
		}
		u[b] = p[c];
		h[b * all + b] -= p[c];
	}
}

struct whole_room {
	size_t z, own, left, u, u_left, u_right; /* doubles */
};

static struct whole_room whole_room_of(const struct affine *a)
{
	size_t k = (size_t)a->d->k, rows = affine_block_rows(a), all = affine_parameters(a);
	return (struct whole_room){
		.z = (rows * k + LANES - 1) / LANES * LANES,
		.own = (rows + 7) / 8 * 8,
		.left = (panels_room(rows, k, PRODUCT_LEFT) + 7) / 8 * 8,
		.u = (rows * all + 7) / 8 * 8,
		.u_left = (panels_room(all, rows, PRODUCT_LEFT) + 7) / 8 * 8,
		.u_right = panels_room(all, rows, PRODUCT_RIGHT),
	};
}

/* sum, [parameters][parameters]: less the second derivative of the records' losses in the weights (times unit) and
 * biases, of which the lower half counts. */
static void whole_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct affine *a = arg;
	struct whole_room room = whole_room_of(a);
	size_t k = (size_t)d->k, rows = affine_block_rows(a), all = affine_parameters(a);
	double *z = scratch, *out = z + room.z, *own = out + room.z, *left = own + room.own, *u = left + room.left;
	double *u_left = u + room.u, *u_right = u_left + room.u_left;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		affine_block(a, at, n, z, out, own, left);
		for (size_t r = 0; r < n; r++) {
			double *p = out + r * k, one = 1 / lanes_sum(p, k);
			for (size_t c = 0; c < k; c++)
				p[c] *= one;
			add_own(a, p, z + r * k, u + r * all, sum);
		}
		panels_of_columns(u, all, n, PRODUCT_LEFT, 0, u_left);
		panels_of_columns(u, all, n, PRODUCT_RIGHT, 0, u_right);
		product_add(u_left, all, u_right, all, n, 0, sum);
	}
}

/* From whole_pass's sum over n records to the second derivative of the loss in y. Where nothing bends a parameter a
 * little does, or there were no inverse: of W's rows all alike no softmax takes notice. */
static void whole_in_y(const struct affine *a, size_t n, double *h)
{
	size_t nw = affine_weights(a), all = affine_parameters(a);
	for (size_t i = 0; i < all; i++) {
		double by = a->per[i] * (i < nw ? a->unit : 1) / (double)n;
		for (size_t j = 0; j <= i; j++) {
			double *v = h + i * all + j;
			*v *= -by * a->per[j] * (j < nw ? a->unit : 1);
			if (i >= nw && j >= nw) /* biases are pulled to 0 less their mean */
				*v -= 2 * a->pull.bias / (double)a->d->k * a->per[i] * a->per[j];
		}
		double *own = h + i * all + i;
		*own += 2 * affine_pull_on(a, i) * a->per[i] * a->per[i];
		*own += 1e-13 * *own + 1e-20;
	}
}

/* h's lower half becomes L of L L'; -1 where rounding has left none. */
static int factor(double *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double *row = h + i * n, was = row[i];
		for (size_t j = 0; j <= i; j++) {
			double v = row[j] - lanes_dot(row, h + j * n, j);
			if (j < i)
				row[j] = v / h[j * n + j];
			else if (v > 1e-16 * was)
				row[i] = sqrt(v);
			else
				return -1;
		}
	}
	return 0;
}

/* v becomes the x of L L' x = v. */
static void solve(const double *l, size_t n, double *v)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (v[i] - lanes_dot(l + i * n, v, i)) / l[i * n + i];
	for (size_t i = n; i-- > 0;) {
		v[i] /= l[i * n + i];
		for (size_t j = 0; j < i; j++)
			v[j] -= v[i] * l[i * n + j];
	}
}

int affine_curvature_whole(struct affine *a, const double *y, struct err *err)
{
	size_t all = affine_parameters(a);
	size_t every = (size_t)ceil((double)a->d->n * (double)all * (double)all / whole_work);
	struct whole_room room = whole_room_of(a);
	const struct fit_data *d = a->d;
	struct fit_data some = { 0 };
	double *h = NULL;
	int rc = every > 1 ? fit_thin_out(&some, d, every, err) : 0;
	a->d = every > 1 ? &some : d;
	affine_take(a, y);
	rc = rc || mem_alloc(&h, all * all, sizeof *h, err) ||
	     fit_sum(a->d, a->pool, all * all, whole_pass,
		     2 * room.z + room.own + room.left + room.u + room.u_left + room.u_right, a, h, err);
	if (!rc)
		whole_in_y(a, a->d->n, h);
	if (!rc && !factor(h, all)) {
		free(a->whole);
		a->whole = h;
		h = NULL;
	}
	a->d = d;
	free(h);
	free(some.z);
	free(some.label);
	return rc ? -1 : 0;
}

void affine_precondition(void *arg, double *v)
{
	const struct affine *a = arg;
	size_t k = (size_t)a->d->k, nw = affine_weights(a);
	if (a->whole) {
		solve(a->whole, affine_parameters(a), v);
		return;
	}
	for (size_t c = 0; c < k; c++) {
		size_t i = a->matrix ? c * k + c : c;
		double w = v[i], b = v[nw + c];
		v[nw + c] = a->beside[c] * w + a->inverse[nw + c] * b;
		v[i] = w + a->beside[c] * b / a->inverse[i];
	}
	for (size_t i = 0; i < nw; i++)
		v[i] *= a->inverse[i];
}
