/* Rows of vic-reliability's tables. The header lines stand in the order of enum curve, and vic-plot knows a table by
 * its exact header line: a column that is added or renamed is a change of format, for plot.h's PLOT_FIELDS and the
 * column numbers in eval/plot_*.c too. An undefined number is an empty field. Curves from files and formulas are in
 * curves_paper.c, the bands in bands.c. */
#include "curves.h"
#include "eval/metrics/metrics.h"
#include "eval/records/rows.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/stats.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

const char *curve_header(enum curve c)
{
	static const char *const header[] = {
		("stream\tbin\tlow\thigh\tn\tconfidence\taccuracy\tgap\taccuracy_low\taccuracy_high\t"
		 "band_low\tband_high"),
		"stream\tbin\tlow\thigh\tn\tshare\tright\twrong\tshare_low\tshare_high",
		"stream\tblock\tn\tconfidence\taccuracy\tband_low\tband_high",
		"stream\tgroup\tn\tconfidence\taccuracy",
		"stream\tconfidence\taccuracy\tgroups\tdensity",
		"alpha\tbin\tlow\thigh\tshare\tdensity",
		"run\tepoch\tquantity\tvalue",
		"stream\tmu\tn\taccuracy\taccuracy_low\taccuracy_high\tconfidence\tentropy",
		"stream\tcoverage\tn\tthreshold\trisk\trisk_low\trisk_high",
		"score\tfpr\ttpr\tthreshold",
		"score\trecall\tprecision\tthreshold",
	};
	return header[c];
}

void curve_name(const char *name, FILE *to)
{
	text_put(to, name, TEXT_NAME);
}

/* Empty where there is no number. */
static void number(double v, FILE *to)
{
	if (isnan(v))
		putc('\t', to);
	else
		fprintf(to, "\t%.9g", v);
}

int curve_bins(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
	       struct err *err)
{
	struct bins b;
	double *band = NULL, z = normal_quantile_two_sided(options->level);
	if (bins_init(&b, options->bins, err))
		return -1;
	if (mem_alloc(&band, 2 * (size_t)b.m, sizeof *band, err) ||
	    (options->rounds && null_bands(k, n, b.m, options, band, band + b.m, err))) {
		bins_release(&b);
		free(band);
		return -1;
	}
	bins_add(&b, k, n);
	for (int i = 0; i < b.m; i++) {
		const struct bin *c = &b.bin[i];
		double low = NAN, high = NAN;
		if (c->n)
			wilson((double)c->right, (double)c->n, z, &low, &high);
		curve_name(name, to);
		fprintf(to, "\t%d\t%.9g\t%.9g\t%" PRIu64, i + 1, (double)i / b.m, (double)(i + 1) / b.m, c->n);
		number(c->n ? bin_conf(c) : NAN, to);
		number(c->n ? bin_accuracy(c) : NAN, to);
		number(c->n ? bin_conf(c) - bin_accuracy(c) : NAN, to);
		number(low, to);
		number(high, to);
		number(options->rounds ? band[i] : NAN, to);
		number(options->rounds ? band[b.m + i] : NAN, to);
		putc('\n', to);
	}
	free(band);
	bins_release(&b);
	return 0;
}

int curve_histogram(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
		    struct err *err)
{
	struct bins b, unlabelled;
	double low, high, z = normal_quantile_two_sided(options->level);
	if (bins_init(&b, options->bins, err))
		return -1;
	if (bins_init(&unlabelled, options->bins, err)) {
		bins_release(&b);
		return -1;
	}
	bins_add(&b, k, n);
	for (size_t i = 0; options->label && i < n; i++)
		if (options->label[i] < 0)
			bins_add(&unlabelled, k + i, 1);
	for (int i = 0; i < b.m; i++) {
		const struct bin *c = &b.bin[i];
		wilson((double)c->n, (double)n, z, &low, &high);
		curve_name(name, to);
		fprintf(to, "\t%d\t%.9g\t%.9g\t%" PRIu64 "\t%.9g\t%" PRIu64 "\t%" PRIu64 "\t%.9g\t%.9g\n", i + 1,
			(double)i / b.m, (double)(i + 1) / b.m, c->n, (double)c->n / (double)n, c->right,
			c->n - c->right - unlabelled.bin[i].n, low, high);
	}
	bins_release(&b);
	bins_release(&unlabelled);
	return 0;
}

int curve_corp(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
	       struct err *err)
{
	struct pav_block *block;
	size_t m, *at = NULL;
	double *band = NULL;
	int rc = -1;
	if (pav(k, n, &block, &m, err))
		return -1;
	if (mem_alloc(&at, 2 * m, sizeof *at, err) || mem_alloc(&band, 4 * m, sizeof *band, err))
		goto end;
	for (size_t i = 0; i < m; i++) {
		at[2 * i] = i ? block[i - 1].end : 0;
		at[2 * i + 1] = block[i].end - 1;
	}
	if (options->rounds && pav_bands(k, n, at, 2 * m, options, band, band + 2 * m, err))
		goto end;
	for (size_t i = 0; i < 2 * m; i++) {
		size_t size = at[i | 1] - at[i & ~(size_t)1] + 1;
		curve_name(name, to);
		fprintf(to, "\t%zu\t%zu", i / 2 + 1, size);
		number(conf_p(k[at[i]]), to);
		number((double)block[i / 2].right / (double)size, to);
		number(options->rounds ? band[i] : NAN, to);
		number(options->rounds ? band[2 * m + i] : NAN, to);
		putc('\n', to);
	}
	rc = 0;
end:
	free(block);
	free(at);
	free(band);
	return rc;
}

void curve_hull(const char *name, double mu, const struct rows *w, const struct curve_options *options, FILE *to)
{
	double n = (double)w->n, right = (double)w->sum.right, low, high;
	wilson(right, n, normal_quantile_two_sided(options->level), &low, &high);
	curve_name(name, to);
	fprintf(to, "\t%.9g\t%zu\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\n", mu, w->n, right / n, low, high,
		fix_real(w->sum.conf) / n, fix_real(w->sum.entropy) / n);
}

/* Mean confidence and accuracy of group g; 0 when there is none. */
static int group_at(const conf_key *k, size_t n, size_t size, size_t g, double *conf, double *accuracy, size_t *count)
{
	size_t from = g * size, to = from + size < n ? from + size : n, right = 0;
	fix sum = 0;
	if (from >= n || (to - from < size && g))
		return 0;
	for (size_t i = from; i < to; i++) {
		sum += fix_of(conf_p(k[i]));
		right += (size_t)conf_right(k[i]);
	}
	*count = to - from;
	*conf = fix_real(sum) / (double)*count;
	*accuracy = (double)right / (double)*count;
	return 1;
}

int curve_scatter(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
		  struct err *err)
{
	double conf, accuracy;
	size_t count;
	(void)err;
	for (size_t g = 0; group_at(k, n, (size_t)options->group, g, &conf, &accuracy, &count); g++) {
		curve_name(name, to);
		fprintf(to, "\t%zu\t%zu\t%.9g\t%.9g\n", g + 1, count, conf, accuracy);
	}
	return 0;
}

int curve_density(const char *name, const conf_key *k, size_t n, const struct curve_options *options, FILE *to,
		  struct err *err)
{
	size_t m = (size_t)options->bins, groups = 0, *cell;
	double conf, accuracy;
	size_t count;
	if (mem_alloc(&cell, m * m, sizeof *cell, err))
		return -1;
	for (; group_at(k, n, (size_t)options->group, groups, &conf, &accuracy, &count); groups++)
		cell[(size_t)bin_of(options->bins, conf) * m + (size_t)bin_of(options->bins, accuracy)]++;
	for (size_t x = 0; x < m; x++)
		for (size_t y = 0; y < m; y++) {
			curve_name(name, to);
			fprintf(to, "\t%.9g\t%.9g\t%zu\t%.9g\n", ((double)x + 0.5) / (double)m,
				((double)y + 0.5) / (double)m, cell[x * m + y],
				(double)cell[x * m + y] / (double)groups * (double)m * (double)m);
		}
	free(cell);
	return 0;
}
