/* What measure_keys measures of records, measured of cells in O(cells). A cell counts as one tie group, all of whose
 * records have its mean confidence. */
#include "cells.h"
#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>

static int bins_of_cells(struct measured *m, const struct cells *c, const struct tally *t, struct err *err)
{
	struct bins b;
	if (bins_init(&b, m->bins, err))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		struct bin *bin = &b.bin[bin_of(m->bins, conf_p(c->key[c->cell[i].end - 1]))];
		bin->n += (uint64_t)t[i].n;
		bin->right += (uint64_t)t[i].right;
		bin->conf += fix_of(t[i].n * c->cell[i].mean);
	}
	bins_errors(&b, &m->bin);
	bins_release(&b);
	return 0;
}

/* Counts before cell i, and where to look for the cell in which a share of all records is reached. */
enum { HINTS = 2048, SWEEP_MAX = 1000 };

struct before {
	uint64_t n, right;
	double conf;
};

struct masses {
	struct before *before;	/* [cells + 1] */
	size_t cells, hint[HINTS]; /* of the first cell whose middle is at hint / HINTS of all records, or beyond */
	uint64_t n;
};

/* Twice the middle. */
static uint64_t middle(const struct masses *s, size_t cell)
{
	return s->before[cell].n + s->before[cell + 1].n;
}

static int masses_init(struct masses *s, const struct cells *c, const struct tally *t, struct err *err)
{
	*s = (struct masses){ .cells = c->n };
	if (mem_alloc(&s->before, c->n + 1, sizeof *s->before, err))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct before *b = &s->before[i];
		s->before[i + 1] = (struct before){ b->n + (uint64_t)t[i].n, b->right + (uint64_t)t[i].right,
						    b->conf + t[i].n * c->cell[i].mean };
	}
	s->n = s->before[c->n].n;
	for (size_t k = 0, at = 0; k < HINTS; k++) {
		while (at < c->n && middle(s, at) * HINTS < 2 * s->n * k)
			at++;
		s->hint[k] = at;
	}
	return 0;
}

/* The first cell that is in bin i of `bins` of equal mass, or beyond: as mass_cut. */
static const struct before *cut_of(const struct masses *s, size_t bins, size_t i)
{
	size_t at = i < bins ? s->hint[i * HINTS / bins] : s->cells;
	while (at < s->cells && middle(s, at) * bins < 2 * s->n * i)
		at++;
	return &s->before[at];
}

static double equal_mass(const struct masses *s, size_t bins)
{
	double error = 0;
	const struct before *from = s->before, *to;
	for (size_t i = 1; i <= bins; i++, from = to) {
		to = cut_of(s, bins, i);
		error += fabs(to->conf - from->conf - (double)(to->right - from->right));
	}
	return error / (double)s->n;
}

static int accuracy_rises(const struct masses *s, size_t bins)
{
	double last = -1;
	const struct before *from = s->before, *to;
	for (size_t i = 1; i <= bins; i++, from = to) {
		to = cut_of(s, bins, i);
		if (to->n == from->n)
			continue;
		double accuracy = (double)(to->right - from->right) / (double)(to->n - from->n);
		if (accuracy < last)
			return 0;
		last = accuracy;
	}
	return 1;
}

static int masses_of_cells(struct measured *m, const struct cells *c, const struct tally *t, unsigned parts,
			   struct err *err)
{
	struct masses s;
	size_t bins = 1;
	if (masses_init(&s, c, t, err))
		return -1;
	if (parts & PART_MASS)
		m->mass = equal_mass(&s, (size_t)m->bins);
	if (parts & PART_SWEEP) {
		while (bins < SWEEP_MAX && bins < m->n && accuracy_rises(&s, bins + 1))
			bins++;
		m->sweep_bins = (int)bins;
		m->sweep = equal_mass(&s, bins);
	}
	free(s.before);
	return 0;
}

static int smooth_of_cells(struct measured *m, const struct cells *c, const struct tally *t, struct err *err)
{
	double *x, *off;
	if (mem_alloc(&x, 2 * c->n, sizeof *x, err))
		return -1;
	off = x + c->n;
	for (size_t i = 0; i < c->n; i++) {
		x[i] = c->cell[i].mean;
		off[i] = t[i].right - t[i].n * x[i];
	}
	int rc = smooth_residuals(x, off, c->n, (double)m->n, &m->smooth, err);
	free(x);
	return rc;
}

static int corp_of_cells(struct measured *m, const struct cells *c, const struct tally *t, struct err *err)
{
	struct pav_block *block;
	size_t blocks = 0, end = 0;
	double score = 0, best = 0, all = 0, n = (double)m->n;
	if (mem_alloc(&block, c->n, sizeof *block, err))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		double p = c->cell[i].mean, right = t[i].right;
		score += right * (1 - p) * (1 - p) + (t[i].n - right) * p * p;
		end += (size_t)t[i].n;
		if (t[i].n > 0)
			block[blocks++] = (struct pav_block){ end, (uint64_t)right };
	}
	blocks = pav_blocks(block, blocks);
	for (size_t i = 0; i < blocks; i++) {
		double right = (double)block[i].right, size = (double)(block[i].end - (i ? block[i - 1].end : 0));
		best += right * (size - right) / size;
		all += right;
	}
	free(block);
	m->corp.score = score / n;
	m->corp.uncertainty = all / n * (1 - all / n);
	m->corp.miscalibration = (score - best) / n;
	m->corp.discrimination = m->corp.uncertainty - best / n;
	return 0;
}

static void cumulative_of_cells(struct measured *m, const struct cells *c, const struct tally *t)
{
	double at = 0, low = 0, high = 0, n = (double)m->n;
	for (size_t i = 0; i < c->n; i++) {
		at += t[i].right - t[i].n * c->cell[i].mean;
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	m->cumulative = (struct cumulative){ NAN, NAN, NAN, NAN, fmax(-low, high) / n, (high - low) / n, NAN, NAN };
}

/* 1 + 1/2 + ... + 1/n, n a whole number >= 0: from 16 on by Euler and Maclaurin's series, within 1e-13. */
static double harmonic(double n)
{
	double h = 0, square = 1 / (n * n);
	if (n >= 16)
		return log(n) + 0.577215664901532860607 + 0.5 / n -
		       square * (1.0 / 12 - square * (1.0 / 120 - square / 252));
	for (int k = (int)n; k > 0; k--)
		h += 1.0 / k;
	return h;
}

/* As selective_of: with B records and E errors before a cell of s records, of which a share a is wrong, the mean over
 * its ranks needs sum of (E + a j) / (B + j) = a s + (E - a B) (H(B + s) - H(B)), H the harmonic numbers. */
static void selective_of_cells(struct measured *m, const struct cells *c, const struct tally *t)
{
	double before = 0, errors = 0, risk = 0, area = 0, h = 0, n = (double)m->n;
	for (size_t i = c->n; i-- > 0;) {
		double s = t[i].n, wrong = s - t[i].right, each = wrong / s, next;
		if (!(s > 0))
			continue;
		next = harmonic(before + s);
		risk += wrong + (errors - each * before) * (next - h);
		area += errors * s + wrong * (s + 1) / 2;
		before += s;
		errors += wrong;
		h = next;
	}
	m->selective = (struct selective){ risk / n, area / n / n };
}

int measure_cells(struct measured *m, const struct cells *c, const struct tally *t, int bins, unsigned parts,
		  struct err *err)
{
	m->key = NULL;
	m->n = 0;
	m->bins = bins;
	for (size_t i = 0; i < c->n; i++)
		m->n += (size_t)t[i].n;
	if ((parts & PART_BINS && bins_of_cells(m, c, t, err)) ||
	    (parts & (PART_MASS | PART_SWEEP) && masses_of_cells(m, c, t, parts, err)) ||
	    (parts & PART_SMOOTH && smooth_of_cells(m, c, t, err)) ||
	    (parts & PART_CORP && corp_of_cells(m, c, t, err)))
		return -1;
	if (parts & PART_CUMULATIVE)
		cumulative_of_cells(m, c, t);
	if (parts & PART_SELECTIVE)
		selective_of_cells(m, c, t);
	return 0;
}
