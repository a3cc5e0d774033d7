/* A point is written where it is far enough from the last to be seen. */
#include "curve_path.h"
#include "pipeline/base/memtext.h"

#include <math.h>

struct pen {
	FILE *to;
	double x, y;
	int down;
};

static void pen_to(struct pen *p, double x, double y, int last)
{
	const double least = 1.5;
	x *= PATH_SIDE;
	y = PATH_SIDE * (1 - y);
	if (p->down && !last && fabs(x - p->x) < least && fabs(y - p->y) < least)
		return;
	fprintf(p->to, "%s%.1f %.1f", p->down ? "L" : "M", x, y);
	*p = (struct pen){ p->to, x, y, 1 };
}

int roc_path(char **path, const struct roc *r, int precision, struct err *err)
{
	struct memtext text;
	double pos, neg;
	*path = NULL;
	if (memtext_open(&text, err))
		return -1;
	struct pen p = { .to = text.to };
	if (!precision)
		pen_to(&p, 0, 0, 0);
	for (struct roc_walk w = roc_begin(r); roc_next(r, &w, &pos, &neg);) {
		double tp = (double)(r->n_pos - w.i), fp = (double)(r->n_neg - w.j), recall = tp / (double)r->n_pos;
		int last = !w.i && !w.j;
		pen_to(&p, precision ? recall : fp / (double)r->n_neg, precision ? tp / (tp + fp) : recall, last);
	}
	return memtext_close(&text, path, NULL, err);
}

void risk_path(FILE *to, const conf_key *sorted, size_t n, double most)
{
	struct pen p = { .to = to };
	for (struct risk_step s = { 0 }; risk_next(sorted, n, &s);)
		pen_to(&p, (double)s.taken / (double)n, fmin((double)s.wrong / (double)s.taken / most, 1),
		       s.taken == n);
}
