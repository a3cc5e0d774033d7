/* The table of metrics, with the function of each above it, and the measuring of what several of them read. */
#include "metric_table.h"

#include <math.h>

#define VALUE(key, expression)                                                                                         \
	static double value_##key(const struct measured *m)                                                            \
	{                                                                                                              \
		return expression;                                                                                     \
	}

static double labelled(const struct measured *m)
{
	return (double)(m->rows->sum.n - m->rows->sum.unlabelled);
}

/* Of classes times bins cells: sum of |confidence - right|, exact, so that the classes' order does not matter. */
static double cells_error(const struct measured *m, const struct rows_cell *cell)
{
	fix sum = 0;
	size_t cells = (size_t)m->rows->head.n_classes * (size_t)m->rows->class_bins;
	for (size_t i = 0; i < cells; i++) {
		fix off = cell[i].conf - (fix)cell[i].right * ((fix)1 << FIX_BITS);
		sum += off < 0 ? -off : off;
	}
	return fix_real(sum);
}

VALUE(n, (double)m->rows->sum.n)
VALUE(accuracy, m->bin.accuracy)
VALUE(ece, m->bin.ece)
VALUE(oe, m->bin.oe)
VALUE(nll, m->nll)
VALUE(brier, m->brier)
VALUE(gap, m->bin.gap)
VALUE(bins, m->bins)
VALUE(ece_floor, m->floor.ece.mean)
VALUE(ece_floor95, m->floor.ece.q95)
VALUE(ece_p, m->floor.ece.p)
VALUE(oe_floor, m->floor.oe.mean)
VALUE(oe_floor95, m->floor.oe.q95)
VALUE(top5, (double)m->rows->sum.top5 / labelled(m))
VALUE(entropy, fix_real(m->rows->sum.entropy) / (double)m->rows->sum.n)
VALUE(mutual, fix_real(m->rows->sum.mutual) / (double)m->rows->sum.n)
VALUE(uce, m->bin.uce)
VALUE(mce, m->bin.mce)
VALUE(mce_n, (double)m->bin.mce_n)
VALUE(rmsce, m->bin.rmsce)
VALUE(l2_debiased, m->bin.l2_debiased)
VALUE(ece_mass, m->mass)
VALUE(ece_sweep, m->sweep)
VALUE(sweep_bins, m->sweep_bins)
VALUE(ece_smooth, m->smooth)
VALUE(ece_class, cells_error(m, m->rows->class_cell) / labelled(m) / (double)m->rows->head.n_classes)
VALUE(ece_top, cells_error(m, m->rows->top_cell) / labelled(m))
VALUE(ks, m->cumulative.ks_error)
VALUE(kuiper, m->cumulative.kuiper_error)
VALUE(kuiper_p, m->walk_p)
VALUE(corp_score, m->corp.score)
VALUE(corp_mcb, m->corp.miscalibration)
VALUE(corp_dsc, m->corp.discrimination)
VALUE(corp_unc, m->corp.uncertainty)
VALUE(aurc, m->selective.aurc)
VALUE(augrc, m->selective.augrc)
VALUE(true_accuracy, m->truth.accuracy)
VALUE(true_ece, m->truth.ece)
VALUE(true_ece_smooth, m->truth.smooth)
VALUE(true_point, m->truth.point)

#define BRIEF METRIC_BRIEF
#define COUNT METRIC_COUNT
#define AT_BINS METRIC_AT_BINS
#define HIGHER METRIC_HIGHER
#define WILSON INTERVAL_WILSON
#define SPREAD INTERVAL_SPREAD
#define RATIO INTERVAL_RATIO
#define ERROR INTERVAL_ERROR
#define NORM INTERVAL_NORM
#define SHOWN(group_, place_, label_, note_) .group = REPORT_##group_, .place = place_, .label = label_, .note = note_

/* In the order of reading: the contract's eight, then each error beside its floor, then the rest.
 * key, function, parts, flags, then kind of interval, least and most. */
const struct metric metric_table[] = {
	{ "n", value_n, PART_ROWS, BRIEF | COUNT, SHOWN(FIRST, 0, "Records", NULL) },
	{ "accuracy", value_accuracy, PART_BINS, BRIEF | HIGHER, WILSON, 0, 1, TEST_MCNEMAR,
	  SHOWN(FIRST, 0, "Accuracy", NULL), .in_text = "accuracy" },
	{ "ece", value_ece, PART_BINS, BRIEF | AT_BINS, NORM, 0, 1, TEST_SWAP,
	  SHOWN(FIRST, 0, "ECE", "expected calibration error") },
	{ "oe", value_oe, PART_BINS, BRIEF | AT_BINS, ERROR, 0, 1, TEST_SWAP,
	  SHOWN(FIRST, 1, "OE", "overconfidence error") },
	{ "nll", value_nll, PART_MEANS, BRIEF, RATIO, 0, INFINITY, TEST_SWAP, SHOWN(FIRST, 3, "NLL", "nats") },
	{ "brier", value_brier, PART_MEANS, BRIEF, RATIO, 0, 2, TEST_SWAP,
	  SHOWN(FIRST, 3, "Brier score", "sum over classes") },
	{ "gap", value_gap, PART_BINS, BRIEF, SPREAD, -1, 1, SHOWN(FIRST, 2, "Gap", "mean confidence less accuracy") },
	{ "bins", value_bins, PART_BINS, BRIEF | COUNT, .group = REPORT_NONE },
	{ "ece_floor", value_ece_floor, PART_FLOOR, AT_BINS,
	  SHOWN(FIRST, 0, "ECE floor", "what chance alone would give") },
	{ "ece_floor95", value_ece_floor95, PART_FLOOR, AT_BINS, .group = REPORT_NONE },
	{ "ece_p", value_ece_p, PART_FLOOR, AT_BINS,
	  SHOWN(TOP_LABEL, 0, "p of calibration", "chance of such an ECE when calibrated") },
	{ "oe_floor", value_oe_floor, PART_FLOOR, AT_BINS,
	  SHOWN(FIRST, 1, "OE floor", "what chance alone would give") },
	{ "oe_floor95", value_oe_floor95, PART_FLOOR, AT_BINS, .group = REPORT_NONE },
	{ "top5", value_top5, PART_SIX_CLASSES, 0, SHOWN(CLASSES, 0, "Top-5 accuracy", NULL) },
	{ "entropy", value_entropy, PART_ROWS, 0, SHOWN(SELECTIVE, 1, "Mean entropy", "nats") },
	{ "mutual", value_mutual, PART_SAMPLES, 0, SHOWN(SELECTIVE, 1, "Mutual information", "nats, between samples") },
	{ "uce", value_uce, PART_BINS, 0, ERROR, 0, 1, SHOWN(TOP_LABEL, 0, "UCE", "underconfidence error") },
	{ "mce", value_mce, PART_BINS, 0, ERROR, 0, 1, SHOWN(TOP_LABEL, 0, "MCE", "largest gap of a bin") },
	{ "mce_n", value_mce_n, PART_BINS, COUNT, .group = REPORT_NONE },
	{ "rmsce", value_rmsce, PART_BINS, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "RMSCE", "root mean square gap") },
	{ "l2_debiased", value_l2_debiased, PART_BINS, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "RMSCE, debiased", NULL),
	  .like = "rmsce" },
	{ "ece_mass", value_ece_mass, PART_MASS, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "ECE, equal mass", NULL) },
	{ "ece_sweep", value_ece_sweep, PART_SWEEP, 0, NORM, 0, 1,
	  SHOWN(TOP_LABEL, 0, "ECE, sweep", "largest monotone number of bins") },
	{ "sweep_bins", value_sweep_bins, PART_SWEEP, COUNT, .group = REPORT_NONE },
	{ "ece_smooth", value_ece_smooth, PART_SMOOTH, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "Smooth ECE", "no bins") },
	{ "ece_class", value_ece_class, PART_CLASS_CELLS, 0,
	  SHOWN(CLASSES, 0, "ECE, class-wise", "mean over classes") },
	{ "ece_top", value_ece_top, PART_CLASS_CELLS, 0, SHOWN(CLASSES, 0, "ECE, top-label", "by predicted class") },
	{ "ks", value_ks, PART_CUMULATIVE, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "KS error", "no bins") },
	{ "kuiper", value_kuiper, PART_CUMULATIVE, 0, NORM, 0, 1, SHOWN(TOP_LABEL, 0, "Kuiper error", "no bins") },
	{ "kuiper_p", value_kuiper_p, PART_WALK, 0,
	  SHOWN(TOP_LABEL, 0, "p of Kuiper", "chance of such a range when calibrated") },
	{ "corp_score", value_corp_score, PART_CORP, 0, RATIO, 0, 1, .group = REPORT_NONE },
	{ "corp_mcb", value_corp_mcb, PART_CORP, 0, ERROR, 0, 1, SHOWN(CORP, 0, "Miscalibration", NULL) },
	{ "corp_dsc", value_corp_dsc, PART_CORP, HIGHER, ERROR, 0, 1,
	  SHOWN(CORP, 0, "Discrimination", "higher is better"), .noise = value_corp_mcb },
	{ "corp_unc", value_corp_unc, PART_CORP, METRIC_NEUTRAL, SPREAD, 0, 1,
	  SHOWN(CORP, 0, "Uncertainty", "the data's own") },
	{ "aurc", value_aurc, PART_SELECTIVE, 0, RATIO, 0, 1, TEST_SWAP,
	  SHOWN(FIRST, 4, "AURC", "does it know when it is wrong") },
	{ "augrc", value_augrc, PART_SELECTIVE, 0, RATIO, 0, 1,
	  SHOWN(SELECTIVE, 0, "AUGRC", "generalised risk and coverage") },
	{ "true_accuracy", value_true_accuracy, PART_TRUTH, BRIEF, .group = REPORT_NONE },
	{ "true_ece", value_true_ece, PART_TRUTH, BRIEF, .group = REPORT_NONE },
	{ "true_ece_smooth", value_true_ece_smooth, PART_TRUTH, BRIEF, .group = REPORT_NONE },
	{ "true_point", value_true_point, PART_TRUTH, BRIEF, .group = REPORT_NONE },
	{ "auroc", NULL, 0, HIGHER, .test = TEST_DELONG, .label = "AUROC" },
	{ "auroc_correct", NULL, 0, HIGHER, .test = TEST_DELONG, .label = "AUROC of being right" },
	{ 0 },
};

unsigned metric_parts(int brief, enum metric_test test)
{
	unsigned parts = 0;
	for (const struct metric *row = metric_table; row->key; row++)
		if ((!brief || row->flags & METRIC_BRIEF) && (!test || row->test == test))
			parts |= row->parts;
	return parts;
}

unsigned metric_parts_resampled(int brief)
{
	unsigned parts = 0;
	for (const struct metric *row = metric_table; row->key; row++)
		if (row->interval && (!brief || row->flags & METRIC_BRIEF))
			parts |= row->parts;
	return parts;
}

static int measure_bins(struct measured *m, const struct running *r, struct err *err)
{
	struct bins b;
	if (bins_init(&b, m->bins, err))
		return -1;
	running_bins(r, &b);
	bins_errors(&b, &m->bin);
	bins_release(&b);
	return 0;
}

/* What comes from sums over ranges of records. */
static int measure_ranges(struct measured *m, const struct running *r, unsigned parts, struct err *err)
{
	if (parts & PART_BINS && measure_bins(m, r, err))
		return -1;
	if (parts & PART_SWEEP)
		ece_sweep(r, &m->sweep, &m->sweep_bins);
	if (parts & PART_MASS)
		m->mass = ece_equal_mass(r, m->bins);
	return 0;
}

/* One pass for all that adds up terms of single records. */
static int measure_terms(struct measured *m, struct running *r, struct smoothing *smooth, struct pooling *pooling,
			 unsigned parts, struct err *err)
{
	struct key_terms t;
	struct drift drift = { 0 };
	double width;
	for (size_t at = 0, n; (n = keys_terms(m->key, m->n, at, &t)); at += n) {
		if (r->before)
			running_add(r, at, &t);
		if (parts & PART_SMOOTH)
			smoothing_add(smooth, n, &t);
		if (parts & PART_CUMULATIVE)
			drift_add(&drift, n, &t);
		if (parts & PART_CORP && pooling_add(pooling, n, &t, err))
			return -1;
	}
	if (parts & PART_SMOOTH)
		smoothing_end(smooth, &m->smooth, &width);
	if (parts & PART_CUMULATIVE)
		drift_end(&drift, m->n, &m->cumulative);
	if (parts & PART_CORP) {
		if (pooling_end(pooling, err))
			return -1;
		corp_of_pooling(pooling, &m->corp);
	}
	return 0;
}

int measure_keys(struct measured *m, const conf_key *sorted, size_t n, int bins, unsigned parts, struct err *err)
{
	struct running r = { 0 };
	struct smoothing smooth = { 0 };
	struct pooling pooling = { .n = n };
	m->key = sorted;
	m->n = n;
	m->bins = bins;
	int rc = (parts & (PART_BINS | PART_SWEEP | PART_MASS) && running_begin(&r, sorted, n, err)) ||
		 (parts & PART_SMOOTH && smoothing_begin(&smooth, n, err));
	rc = rc || measure_terms(m, &r, &smooth, &pooling, parts, err) ||
	     (r.before && measure_ranges(m, &r, parts, err));
	if (!rc && parts & PART_SELECTIVE)
		selective_of(sorted, n, &m->selective);
	running_close(&r);
	smoothing_release(&smooth);
	pooling_release(&pooling);
	return rc ? -1 : 0;
}

void measure_means(struct measured *m, const struct rows *w)
{
	m->nll = rows_mean_nll(&w->sum, (double)w->n);
	m->brier = fix_real(w->sum.brier) / (double)w->n;
}
