/* Weighted sums are exact, as the others are: a power of two scales the largest weight into [1/2, 1). A bin has such a
 * factor of its own, for the mean confidence of its records has all digits, however little they weigh beside others. */
#include "weights.h"
#include "eval/records/bins.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct weight_reading {
	struct weights *w;
	size_t cap, n;
};

static int take_weight(void *arg, char *text, struct err *err)
{
	struct weight_reading *r = arg;
	double v;
	size_t digits = strspn(text, "0123456789");
	if (num_f64("a weight", text, 0, DBL_MAX, &v, err)) {
		if (digits && text[digits] && strchr(",;| ", text[digits]))
			err_set(err,
				"a weight: '%s' is not a number (a point stands before decimals, a tab between an id "
				"and its weight)",
				text);
		err->status = VIC_DATA; /* no slip on the command line */
		return -1;
	}
	if (v > 0 && v < DBL_MIN)
		return err_set(err, "a weight: %s has fewer digits than a double; multiply all weights by one number",
			       text);
	if (mem_grow(&r->w->line_weight, &r->cap, r->n + 1, sizeof v, err))
		return -1;
	r->w->line_weight[r->n++] = v;
	return 0;
}

int weights_read(struct weights *w, const char *path, struct err *err)
{
	struct weight_reading r = { .w = w };
	*w = (struct weights){ 0 };
	if (!id_lines_read(&w->lines, path, "weight", take_weight, &r, err))
		return 0;
	weights_release(w);
	return -1;
}

int weights_of(const struct weights *w, const struct rows *rows, double **of, struct err *err)
{
	uint32_t *item;
	if (mem_alloc(&item, rows->n, sizeof *item, err))
		return -1;
	int rc = mem_alloc(of, rows->n, sizeof **of, err);
	if (!rc && id_lines_match(&w->lines, rows, 1, item, err)) {
		free(*of);
		*of = NULL;
		rc = -1;
	}
	for (size_t i = 0; i < rows->n && !rc; i++)
		(*of)[i] = w->line_weight[item[i]];
	free(item);
	return rc;
}

void weights_keep(double *weight, const struct rows *in, const struct rows *chosen)
{
	size_t at = 0;
	for (size_t i = 0; i < in->n; i++)
		if ((chosen->split == ROWS_ALL || in->split_of[i] == chosen->split) && in->label[i] >= 0)
			weight[at++] = weight[i];
}

void weights_release(struct weights *w)
{
	id_lines_release(&w->lines);
	free(w->line_weight);
	*w = (struct weights){ 0 };
}

struct weighted_bin {
	double most, scale; /* of its weights */
	fix weight, right, conf;
};

struct weighted_errors {
	double ece, oe, uce, mce, rmsce;
};

static int errors_of(struct weighted_errors *e, const struct rows *rows, const double *weight, double scale, int bins,
		     struct err *err)
{
	struct weighted_bin *bin;
	fix all = 0;
	*e = (struct weighted_errors){ 0 };
	if (mem_alloc(&bin, (size_t)bins, sizeof *bin, err))
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		struct weighted_bin *b = &bin[bin_of(bins, conf_p(rows->key[i]))];
		b->most = fmax(b->most, weight[i]);
	}
	for (int k = 0; k < bins; k++)
		bin[k].scale = fix_scale(bin[k].most);
	for (size_t i = 0; i < rows->n; i++) {
		double p = conf_p(rows->key[i]);
		struct weighted_bin *b = &bin[bin_of(bins, p)];
		double w = weight[i] * b->scale;
		b->weight += fix_of(w);
		b->right += conf_right(rows->key[i]) ? fix_of(w) : 0;
		b->conf += fix_of(w * p);
		all += fix_of(weight[i] * scale);
	}
	for (int k = 0; k < bins; k++) {
		double w = fix_real(bin[k].weight);
		if (!(w > 0))
			continue;
		double conf = fix_real(bin[k].conf) / w, gap = fix_real(bin[k].conf - bin[k].right) / w;
		double share = w / bin[k].scale * scale / fix_real(all);
		e->ece += share * fabs(gap);
		e->oe += share * conf * fmax(gap, 0);
		e->uce += share * (1 - conf) * fmax(-gap, 0);
		e->mce = fmax(e->mce, fabs(gap));
		e->rmsce += share * gap * gap;
	}
	e->rmsce = sqrt(e->rmsce);
	free(bin);
	return 0;
}

/* Sums over records, as shares of the sum of weights. */
struct weighted_means {
	double weight, n_effective, accuracy, conf, nll, brier, entropy;
};

static void means_of(struct weighted_means *m, const struct rows *rows, const double *weight, double scale)
{
	fix all = 0, square = 0, right = 0, conf = 0, brier = 0, entropy = 0;
	struct rows_sums loss = { 0 };
	for (size_t i = 0; i < rows->n; i++) {
		double w = weight[i] * scale;
		if (!(w > 0))
			continue;
		all += fix_of(w);
		square += fix_of(w * w);
		right += conf_right(rows->key[i]) ? fix_of(w) : 0;
		conf += fix_of(w * conf_p(rows->key[i]));
		brier += fix_of(w * rows->brier[i]);
		entropy += fix_of(w * rows->entropy[i]);
		rows_add_nll(&loss, w * rows->nll[i]);
	}
	double sum = fix_real(all);
	*m = (struct weighted_means){ sum / scale,
				      fmax(1, sum / fix_real(square) * sum), /* 1 but for rounding */
				      fix_real(right) / sum,
				      fix_real(conf) / sum,
				      rows_mean_nll(&loss, sum),
				      fix_real(brier) / sum,
				      fix_real(entropy) / sum };
}

int score_weighted(struct score *s, const struct rows *rows, const double *weight, const struct score_options *options,
		   struct err *err)
{
	struct weighted_means m;
	struct weighted_errors e[SCORE_BINS];
	double most = 0;
	*s = (struct score){ 0 };
	for (size_t i = 0; i < rows->n; i++)
		most = fmax(most, weight[i]);
	if (!(most > 0))
		return err_set(err, "%s: every weight is 0", rows->name);
	double scale = fix_scale(most);
	means_of(&m, rows, weight, scale);
	for (int i = 0; i < options->n_bins; i++)
		if (errors_of(&e[i], rows, weight, scale, options->bins[i], err))
			return -1;
	score_count(s, "n", rows->n);
	score_real(s, "weight", 0, m.weight);
	score_real(s, "n_effective", 0, m.n_effective);
	score_real(s, "accuracy", 0, m.accuracy);
	score_real(s, "ece", 0, e[0].ece);
	score_real(s, "oe", 0, e[0].oe);
	score_real(s, "nll", 0, m.nll);
	score_real(s, "brier", 0, m.brier);
	score_real(s, "gap", 0, m.conf - m.accuracy);
	score_count(s, "bins", (uint64_t)options->bins[0]);
	if (!options->brief) {
		score_real(s, "entropy", 0, m.entropy);
		score_real(s, "uce", 0, e[0].uce);
		score_real(s, "mce", 0, e[0].mce);
		score_real(s, "rmsce", 0, e[0].rmsce);
	}
	for (int i = 1; i < options->n_bins; i++) {
		score_real(s, "ece", options->bins[i], e[i].ece);
		score_real(s, "oe", options->bins[i], e[i].oe);
	}
	return 0;
}
