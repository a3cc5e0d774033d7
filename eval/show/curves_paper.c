/* Curves that are not drawn from logits: entropies of mixed labels, and histories of training. */
#include "curves.h"
#include "pipeline/files/io.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/base/stats.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double entropy(double l)
{
	return l > 0 && l < 1 ? -l * log(l) - (1 - l) * log1p(-l) : 0;
}

/* The lambda in [0, 1/2] whose label has entropy h; entropy rises there. */
static double lambda_of(double h)
{
	double lo = 0, hi = 0.5;
	if (h >= M_LN2)
		return 0.5;
	for (int i = 0; i < 1100 && lo < hi;
	     i++) { /* towards 0 the exponent is halved, so small lambdas are reached too */
		double mid = lo > 0 ? (lo + hi) / 2 : hi / 2;
		if (mid <= lo || mid >= hi)
			break;
		if (entropy(mid) < h)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

int curve_entropy(double alpha, double same, const struct curve_options *options, FILE *to, struct err *err)
{
	double before = 0, width = M_LN2 / options->bins;
	(void)err;
	for (int i = 0; i < options->bins; i++) {
		double high = i + 1 == options->bins ? M_LN2 : width * (i + 1);
		double upto = alpha > 0 ? 2 * beta_inc(alpha, alpha, lambda_of(high)) : 1;
		double share = (1 - same) * (upto - before) + (i ? 0 : same);
		fprintf(to, "%.9g\t%d\t%.9g\t%.9g\t%.9g\t%.9g\n", alpha, i + 1, width * i, high, share, share / width);
		before = upto;
	}
	return 0;
}

struct header {
	char *line;
	char **name;
	size_t n, cap;
};

static int read_header(struct header *h, const char *line, size_t len, const char *path, struct err *err)
{
	if (mem_text(&h->line, line, len, err))
		return -1;
	for (char *at = h->line, *name; (name = text_field(&at, '\t'));) {
		if (mem_grow(&h->name, &h->cap, h->n + 1, sizeof *h->name, err))
			return -1;
		text_restore(name);
		h->name[h->n++] = name;
	}
	if (h->n < 2 || strcmp(h->name[0], "epoch")) {
		err_set(err, "%s: line 1: a history begins with 'epoch' and the names of its columns", path);
		return sniff_explain(path, "history", err);
	}
	return 0;
}

static int one_epoch(const struct header *h, const char *run, char *line, const char *path, uint64_t number, FILE *to,
		     struct err *err)
{
	char what[256];
	const char *epoch = line;
	char *at = line;
	size_t i = 0;
	double v;
	err_phrase(what, sizeof what, "%s: line %" PRIu64, path, number);
	for (char *text; i < h->n && (text = text_field(&at, '\t')); i++) {
		int none = !strcmp(text, "-") && i;
		if (!none && num_f64(what, text, -INFINITY, INFINITY, &v, err)) {
			err->status = VIC_DATA;
			return -1;
		}
		if (i && !none) {
			curve_name(run, to);
			fprintf(to, "\t%s\t", epoch);
			curve_name(h->name[i], to);
			fprintf(to, "\t%s\n", text);
		}
	}
	return i == h->n && !at ? 0 : err_set(err, "%s: does not have %zu columns", what, h->n);
}

int curve_history(const char *name, struct input *in, FILE *to, struct err *err)
{
	enum { LONGEST = 1 << 20 };
	struct header h = { 0 };
	const char *line;
	size_t len;
	uint64_t number = 1;
	int rc;
	for (; (rc = input_line(in, LONGEST, &line, &len, NULL, err)) == 1; number++) {
		char *copy = NULL;
		rc = number == 1 ? read_header(&h, line, len, in->name, err) : mem_text(&copy, line, len, err);
		if (!rc && number > 1)
			rc = one_epoch(&h, name, copy, in->name, number, to, err);
		free(copy);
		if (rc)
			break;
	}
	if (!rc && number < 3)
		rc = err_set(err, "%s: holds no epoch", in->name);
	free(h.line);
	free(h.name);
	return rc;
}

int curve_training(const char *name, const char *path, FILE *to, struct err *err)
{
	struct input in;
	if (input_open(&in, path, err))
		return -1;
	int rc = curve_history(name, &in, to, err);
	input_release(&in);
	return rc;
}
