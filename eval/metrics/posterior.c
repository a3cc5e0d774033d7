/* Reads a table of posteriors and measures a stream against it. Ids must rise in the table, since records are found by
 * binary search; classes are matched by name, since the two may order them differently. truth_of needs each key beside
 * its id and prediction, so it must run before the keys are sorted; it sorts pairs of its own, and a bin is then one
 * run. */
#include "posterior.h"
#include "eval/records/bins.h"
#include "metrics.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/files/text.h"
#include "eval/records/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 << 20 };

static int read_header(struct posterior *p, char *line, const char *path, struct err *err)
{
	size_t cap = 0;
	char *f = text_field(&line, '\t');
	if (strcmp(f, "record")) {
		err_set(err, "%s: line 1: a table of posteriors begins with 'record' and the class names", path);
		return sniff_explain(path, "posteriors", err);
	}
	while ((f = text_field(&line, '\t'))) {
		text_restore(f);
		if (mem_grow(&p->name, &cap, (size_t)p->classes + 1, sizeof *p->name, err) ||
		    mem_text(&p->name[p->classes], f, strlen(f), err))
			return -1;
		p->classes++;
	}
	return p->classes ? 0 : err_set(err, "%s: line 1: names no class", path);
}

static int record(struct posterior *p, size_t caps[2], char *line, const char *path, uint64_t number, struct err *err)
{
	char what[256];
	size_t k = (size_t)p->classes;
	double sum = 0;
	err_phrase(what, sizeof what, "%s: line %" PRIu64, path, number);
	if (mem_grow(&p->id, &caps[0], p->n + 1, sizeof *p->id, err) ||
	    mem_grow(&p->p, &caps[1], (p->n + 1) * k, sizeof *p->p, err))
		return -1;
	if (num_id(what, text_field(&line, '\t'), &p->id[p->n], err))
		return -1;
	for (size_t c = 0; c < k; c++) {
		const char *f = text_field(&line, '\t');
		double *v = &p->p[p->n * k + c];
		if (!f)
			return err_set(err, "%s: %zu probabilities for %zu classes", what, c, k);
		if (num_f64(what, f, 0, 1, v, err))
			goto data;
		sum += *v;
	}
	if (line)
		return err_set(err, "%s: more than %zu probabilities", what, k);
	if (!(fabs(sum - 1) <= 1e-6))
		return err_set(err, "%s: probabilities sum to %.9g", what, sum);
	if (p->n && p->id[p->n] <= p->id[p->n - 1])
		return err_set(err, "%s: record %" PRIu64 " is not above the one before it", what, p->id[p->n]);
	p->n++;
	return 0;
data: /* a bad number in a file is no slip on the command line */
	err->status = VIC_DATA;
	return -1;
}

int posterior_read(struct posterior *p, const char *path, struct err *err)
{
	struct input in;
	const char *line;
	char *copy = NULL;
	size_t len, caps[2] = { 0 };
	uint64_t boms = 0;
	int rc;
	*p = (struct posterior){ 0 };
	if (input_open(&in, path, err))
		return -1;
	for (uint64_t number = 1; (rc = input_line(&in, LINE_MAX_BYTES, &line, &len, NULL, err)) == 1; number++) {
		free(copy);
		copy = NULL;
		rc = number == 1 && text_drop_bom(&line, &len, &boms, err) < 0 ? -1 :
		     mem_text(&copy, line, len - (len && line[len - 1] == '\r'), err);
		if (!rc)
			rc = number == 1 ? read_header(p, copy, path, err) : record(p, caps, copy, path, number, err);
		if (rc)
			break;
	}
	if (!rc && !p->n)
		rc = err_set(err, "%s: holds no posteriors", path);
	free(copy);
	input_release(&in);
	if (rc)
		posterior_release(p);
	return rc;
}

void posterior_release(struct posterior *p)
{
	for (int i = 0; i < p->classes; i++)
		free(p->name[i]);
	free(p->name);
	free(p->id);
	free(p->p);
	*p = (struct posterior){ 0 };
}

struct pair {
	double conf, truth;
};

static int by_conf(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->conf, y = ((const struct pair *)b)->conf;
	return (x > y) - (x < y);
}

static int by_id(const void *key, const void *item)
{
	uint64_t k = *(const uint64_t *)key, v = *(const uint64_t *)item;
	return (k > v) - (k < v);
}

/* Column of each of the stream's classes in the table. */
static int match_classes(const struct posterior *p, const struct rows *w, int *column, struct err *err)
{
	for (int k = 0; k < w->head.n_classes; k++) {
		column[k] = -1;
		for (int c = 0; c < p->classes; c++)
			if (!strcmp(p->name[c], w->head.classes[k]))
				column[k] = c;
		if (column[k] < 0)
			return err_set(err, "%s: class '%s' is not in the table of posteriors", w->name,
				       w->head.classes[k]);
	}
	return 0;
}

static int pairs_of(const struct posterior *p, const struct rows *w, const int *column, struct pair *pair,
		    struct err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		const uint64_t *at = bsearch(&w->id[i], p->id, p->n, sizeof *p->id, by_id);
		if (!at)
			return err_set(err, "%s: record with id %" PRIu64 " has no posterior", w->name, w->id[i]);
		pair[i].conf = conf_p(w->key[i]);
		pair[i].truth = p->p[(size_t)(at - p->id) * (size_t)p->classes + (size_t)column[w->predicted[i]]];
	}
	return 0;
}

static int measure_truth(const struct pair *pair, size_t n, int bins, struct truth *t, struct err *err)
{
	double *x, *off;
	*t = (struct truth){ 0 };
	if (mem_alloc(&x, 2 * n, sizeof *x, err))
		return -1;
	off = x + n;
	for (size_t i = 0; i < n; i++) {
		x[i] = pair[i].conf;
		off[i] = pair[i].truth - pair[i].conf;
		t->accuracy += pair[i].truth / (double)n;
		t->point += fabs(off[i]) / (double)n;
	}
	for (size_t from = 0; from < n;) {
		int b = bin_of(bins, x[from]);
		double sum = 0;
		for (; from < n && bin_of(bins, x[from]) == b; from++)
			sum += off[from];
		t->ece += fabs(sum) / (double)n;
	}
	int rc = smooth_residuals(x, off, n, (double)n, &t->smooth, err);
	free(x);
	return rc;
}

int truth_of(const struct posterior *p, const struct rows *w, int bins, struct truth *t, struct err *err)
{
	struct pair *pair;
	int *column, rc = -1;
	if (mem_alloc(&pair, w->n, sizeof *pair, err))
		return -1;
	if (mem_alloc(&column, (size_t)w->head.n_classes, sizeof *column, err)) {
		free(pair);
		return -1;
	}
	if (!match_classes(p, w, column, err) && !pairs_of(p, w, column, pair, err)) {
		qsort(pair, w->n, sizeof *pair, by_conf);
		rc = measure_truth(pair, w->n, bins, t, err);
	}
	free(pair);
	free(column);
	return rc;
}
