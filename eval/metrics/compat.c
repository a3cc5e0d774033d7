/* Calibration errors of other tools, reproduced with their rounding. Types and order are the specification: float where
 * the tool has float32, double where it has float64, running sums in the order of the stream, edges as its own linspace
 * makes them. A more exact sum would no longer be the tool's number. netcal bins a record twice, so there are two sets
 * of edges; the others have one. There is one cell more than bins, for torchmetrics' confidence of 1. */
#include "compat.h"
#include "pipeline/base/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

int compat_bins(enum compat c)
{
	return c == COMPAT_NETCAL ? 10 : c == COMPAT_SKLEARN ? 5 : 15;
}

int compat_float32(enum compat c)
{
	return c == COMPAT_GUO || c == COMPAT_TORCHMETRICS || c == COMPAT_TFP;
}

double compat_brier(enum compat c, double brier, int classes)
{
	if (c == COMPAT_TFP)
		return brier - 1;
	return c == COMPAT_SKLEARN && classes == 2 ? brier / 2 : brier;
}

struct cell {
	double n, right, conf;
	double weight;		    /* records that count for the bin; differs from n in netcal only */
	float n32, right32, conf32; /* running sums as float32 has them */
};

/* torch.linspace (2.5, with the fused multiply-add it uses on x86): from both ends to the middle, rounded once to
 * float32. numpy.linspace: i * step, the last one set. */
static void edges_of(enum compat c, int bins, double *edge)
{
	float step32 = 1.0f / (float)bins;
	double step = 1.0 / bins;
	for (int i = 0; i <= bins; i++) {
		if (c == COMPAT_GUO || c == COMPAT_TORCHMETRICS)
			edge[i] = (float)(i < (bins + 1) / 2 ? (double)step32 * i : 1 - (double)step32 * (bins - i));
		else
			edge[i] = i == bins ? 1 : i * step;
	}
}

/* Number of edges[0..n-1] that are < p, or <= p. */
static int edges_below(const double *edge, int n, double p, int or_equal)
{
	int lo = 0, hi = n;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (edge[mid] < p || (or_equal && edge[mid] == p))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* -1: in no bin. There is room for one bin more than `bins`. */
static int bin_of(enum compat c, const double *edge, int bins, double p)
{
	switch (c) {
	case COMPAT_GUO: return edges_below(edge, bins + 1, p, 0) - 1;
	case COMPAT_TORCHMETRICS: return edges_below(edge, bins + 1, p, 1) - 1;
	case COMPAT_NETCAL: {
		int i = edges_below(edge, bins + 1, p, 1) - 1;
		return i == bins ? bins - 1 : i;
	}
	case COMPAT_TFP: {
		int i = (int)floorf((float)bins * (float)p);
		return i < 0 ? 0 : i > bins - 1 ? bins - 1 : i;
	}
	default: return edges_below(edge + 1, bins - 1, p, 0);
	}
}

/* netcal bins twice: numpy counts between float64 edges, scipy averages between edges of the data's dtype. On float32
 * data a record at an edge is averaged in one bin and counted in another. */
static double netcal_edge(double edge, int f32)
{
	return f32 ? (double)(float)edge : edge;
}

static double clipped(enum compat c, double p, int f32)
{
	double eps = f32 ? FLT_EPSILON : DBL_EPSILON, top = 1 - eps;
	if (c != COMPAT_NETCAL)
		return p;
	if (f32)
		p = (float)p;
	return p < eps ? eps : p > top ? top : p;
}

/* A record at p is averaged in one bin and, in netcal alone, may be counted in another. */
static void fill_cells(enum compat c, const conf_key *key, size_t n, int bins, int f32, const double *edge,
		       const double *mean_edge, struct cell *cell)
{
	for (size_t i = 0; i < n; i++) {
		double p = clipped(c, conf_p(key[i]), f32);
		int at = bin_of(c, mean_edge, bins, p), right = conf_right(key[i]);
		if (at < 0)
			continue;
		cell[bin_of(c, edge, bins, p)].weight++;
		cell[at].n++;
		cell[at].right += right;
		cell[at].conf += p;
		cell[at].n32 += 1.0f;
		cell[at].right32 += (float)right;
		cell[at].conf32 += (float)p;
	}
}

/* One bin's share of each tool's sums; n: all records. In float32 throughout, where the tool's tensors are. */
static void add_float32(struct compat_errors *e, float acc, float conf, float weight)
{
	float gap = fabsf(acc - conf);
	e->ece = (float)e->ece + gap * weight;
	e->mce = gap > (float)e->mce ? gap : e->mce;
	e->rmsce = (float)e->rmsce + gap * gap * weight;
}

static void add_guo(struct compat_errors *e, const struct cell *b, double n)
{
	add_float32(e, (float)(b->right / b->n), (float)(b->conf / b->n), (float)(b->n / (float)n));
}

static void add_torchmetrics(struct compat_errors *e, const struct cell *b, double n)
{
	add_float32(e, b->right32 / b->n32, b->conf32 / b->n32, b->n32 / (float)n);
}

static void add_tfp(struct compat_errors *e, const struct cell *b, double n)
{
	float gap = fabsf((float)b->right / (float)b->n - b->conf32 / (float)b->n);
	e->ece = (float)e->ece + (float)b->n / (float)n * gap;
}

static void add_float64(struct compat_errors *e, const struct cell *b, double n)
{
	double gap = b->n > 0 ? fabs(b->right / b->n - b->conf / b->n) : 0;
	e->ace += gap;
	e->ece += b->weight / n * gap;
	e->mce = gap > e->mce ? gap : e->mce;
}

static void (*const add_cell[])(struct compat_errors *, const struct cell *, double) = {
	[COMPAT_GUO] = add_guo,	       [COMPAT_TORCHMETRICS] = add_torchmetrics,
	[COMPAT_NETCAL] = add_float64, [COMPAT_TFP] = add_tfp,
	[COMPAT_SKLEARN] = add_float64,
};

static void sum_cells(enum compat c, const struct cell *cell, int bins, size_t n, struct compat_errors *e)
{
	int filled = 0;
	float n32 = 0;
	*e = (struct compat_errors){ 0 };
	for (int i = 0; i <= bins; i++)
		n32 += cell[i].n32;
	for (int i = 0; i <= bins; i++) {
		if (!(cell[i].weight > 0))
			continue;
		filled++;
		add_cell[c](e, &cell[i], c == COMPAT_TORCHMETRICS ? (double)n32 : (double)n);
	}
	e->ace = c == COMPAT_NETCAL ? e->ace / filled : NAN;
	e->rmsce = c == COMPAT_TORCHMETRICS ? sqrt(e->rmsce) : NAN;
	if (c != COMPAT_NETCAL && c != COMPAT_TORCHMETRICS)
		e->mce = NAN;
}

int compat_errors(enum compat c, const conf_key *key, size_t n, int bins, int f32, struct compat_errors *e,
		  struct err *err)
{
	struct cell *cell;
	double *edge, *mean_edge;
	if (mem_alloc(&cell, (size_t)bins + 1, sizeof *cell, err))
		return -1;
	if (mem_alloc(&edge, 2 * ((size_t)bins + 1), sizeof *edge, err)) {
		free(cell);
		return -1;
	}
	mean_edge = edge + bins + 1;
	edges_of(c, bins, edge);
	for (int i = 0; i <= bins; i++)
		mean_edge[i] = c == COMPAT_NETCAL ? netcal_edge(edge[i], f32) : edge[i];
	fill_cells(c, key, n, bins, f32, edge, mean_edge, cell);
	sum_cells(c, cell, bins, n, e);
	free(cell);
	free(edge);
	return 0;
}
