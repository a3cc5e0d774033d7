/* Each class's own block of a matrix's second derivative, of its weights and its bias, for affine_precondition. With
 * fewer records than some tens a weight, and logits far apart, few records bend a class's weights, and together: that
 * each weight has a curvature of its own, as affine_bend.c has it, is then far from true, and a search of thousands of
 * products did not settle. A block's rows are those of a lower triangle, each padded to whole LANES. */
#include "affine.h"
#include "lanes.h"
#include "pipeline/base/mem.h"
#include "product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Classes of which the blocks of all slices (fitdata.c) take 100 MB; and multiplications that taking them may cost. */
enum { MOST_CLASSES = 128 };
static const double most_work = 0x1p34;

/* A record whose p (1 - p) is less counts for the diagonal alone: such are most, and bend little. Those from 1e-4 on
 * were too few in trials, those from 1e-6 on no better. */
static const double counts = 1e-5;

/* What is always counted, as a share of the block's diagonal: along what bends less, rounding would be magnified, and
 * is left to conjugate gradients. */
static const double floor_share = 1e-5;

/* Where row j begins. */
static size_t row_at(size_t j)
{
	size_t whole = j / LANES;
	return LANES * (LANES * (whole * (whole + 1) / 2) + j % LANES * (whole + 1));
}

/* Doubles of a sum: rows, then what is for the diagonal alone. */
static size_t block_room(size_t k)
{
	return row_at(k + 1) + (k + LANES) / LANES * LANES;
}

int affine_blocks_serve(const struct affine *a)
{
	double k = a->d->k;
	return a->matrix && a->varied && a->d->k <= MOST_CLASSES && (double)a->d->n * k * k * k <= most_work;
}

/* b: a block; f: [k + 1], then zeros. */
static void add_record(double *b, const double *f, double w, size_t k)
{
	if (w < counts) {
		double *own = b + row_at(k + 1);
		for (size_t j = 0; j <= k; j++)
			own[j] += w * f[j] * f[j];
		return;
	}
	for (size_t j = 0; j <= k; j++) {
		double by = w * f[j];
		for (size_t g = 0; g <= j / LANES; g++, b += LANES)
			for (size_t l = 0; l < LANES; l++)
				b[l] += by * f[g * LANES + l];
	}
}

static void blocks_pass(const struct fit_data *d, size_t from, size_t to, void *arg, double *sum, double *scratch)
{
	const struct affine *a = arg;
	size_t k = (size_t)d->k, rows = affine_block_rows(a), room = (rows * k + LANES - 1) / LANES * LANES;
	double *z = scratch, *out = z + room, *own = out + room, *f = own + (rows + 7) / 8 * 8;
	double *panels = f + (k + LANES) / LANES * LANES;
	memset(f, 0, (k + LANES) / LANES * LANES * sizeof *f);
	f[k] = 1;
	for (size_t at = from; at < to; at += rows) {
		size_t n = to - at < rows ? to - at : rows;
		affine_block(a, at, n, z, out, own, panels);
		for (size_t r = 0; r < n; r++) {
			const double *p = out + r * k;
			double one = 1 / lanes_sum(p, k);
			memcpy(f, z + r * k, k * sizeof *f);
			for (size_t c = 0; c < k; c++)
				add_record(sum + c * block_room(k), f, p[c] * one * (1 - p[c] * one), k);
		}
	}
}

/* A class's sum becomes L of the block L L'; by: [k + 1], what a feature is times in y; held: [k + 1]. */
static void factorise(double *b, const double *by, const double *held, size_t k)
{
	const double *own = b + row_at(k + 1);
	for (size_t i = 0; i <= k; i++) {
		double *row = b + row_at(i);
		for (size_t j = 0; j <= i; j++) {
			double *other = b + row_at(j), v = row[j] * by[i] * by[j], bend;
			if (j < i) {
				row[j] = (v - lanes_dot(row, other, j)) / other[j];
				continue;
			}
			bend = v + own[i] * by[i] * by[i];
			v = bend + held[i] + floor_share * (1 + bend) - lanes_dot(row, row, i);
			row[i] = sqrt(fmax(v, floor_share));
		}
	}
}

int affine_blocks_take(struct affine *a, struct err *err)
{
	size_t k = (size_t)a->d->k, nw = k * k, rows = affine_block_rows(a), each = block_room(k);
	size_t scratch = 2 * ((rows * k + LANES - 1) / LANES * LANES) + (rows + 7) / 8 * 8 +
			 (k + LANES) / LANES * LANES + panels_room(k, rows, PRODUCT_LEFT) + PRODUCT_LEFT * k;
	double by[MOST_CLASSES + 1], held[MOST_CLASSES + 1];
	if ((!a->blocks && mem_alloc(&a->blocks, k * each, sizeof *a->blocks, err)) ||
	    fit_sum(a->d, a->pool, k * each, blocks_pass, scratch, a, a->blocks, err))
		return -1;
	for (size_t c = 0; c < k; c++) {
		for (size_t j = 0; j <= k; j++) {
			size_t i = j < k ? c * k + j : nw + c;
			by[j] = (j < k ? a->per[i] * a->unit : a->per[i]) / sqrt((double)a->d->n);
			held[j] = 2 * affine_pull_on(a, i) * a->per[i] * a->per[i];
		}
		held[k] *= 1 - 1 / (double)k; /* the pull is on b less its mean */
		factorise(a->blocks + c * each, by, held, k);
	}
	return 0;
}

void affine_blocks_solve(const struct affine *a, double *v)
{
	size_t k = (size_t)a->d->k, nw = k * k;
	double x[MOST_CLASSES + 1];
	for (size_t c = 0; c < k; c++) {
		const double *b = a->blocks + c * block_room(k);
		memcpy(x, v + c * k, k * sizeof *x);
		x[k] = v[nw + c];
		for (size_t j = 0; j <= k; j++)
			x[j] = (x[j] - lanes_dot(b + row_at(j), x, j)) / b[row_at(j) + j];
		for (size_t j = k + 1; j-- > 0;) {
			const double *row = b + row_at(j);
			x[j] /= row[j];
			for (size_t i = 0; i < j; i++)
				x[i] -= row[i] * x[j];
		}
		memcpy(v + c * k, x, k * sizeof *x);
		v[nw + c] = x[k];
	}
}
