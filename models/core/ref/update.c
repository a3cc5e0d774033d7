/* Optimisers by their definitions; every row of a table is stepped, touched or not.
 * Adadelta: Zeiler 2012, algorithm 1, without a learning rate (lr = 1), as Kim's code has it.
 * SGD: v = momentum v + g; w -= lr v, or with Nesterov w -= lr (g + momentum v) (Sutskever 2013 in PyTorch's form).
 * Adam: Kingma and Ba 2015, algorithm 1; decoupled: Loshchilov and Hutter 2019, algorithm 2, with the schedule in lr
 * (w -= lr weight_decay w first), as torch.optim.AdamW has it. */
#include "ref.h"

#include <math.h>

struct slots {
	float *w, *s1, *s2;
};

static void step_one(const struct update *u, int decays, struct slots s, double g)
{
	if (u->clip_norm > 0)
		g *= u->scale;
	if (decays && u->decoupled)
		*s.w = (float)(*s.w - u->lr * u->weight_decay * *s.w);
	else if (decays)
		g += u->weight_decay * *s.w;
	if (u->rule == RULE_ADADELTA) {
		double g2 = u->rho * *s.s1 + (1 - u->rho) * g * g;
		double d = -sqrt(*s.s2 + u->eps) / sqrt(g2 + u->eps) * g;
		*s.s1 = (float)g2;
		*s.s2 = (float)(u->rho * *s.s2 + (1 - u->rho) * d * d);
		*s.w = (float)(*s.w + u->lr * d);
	} else if (u->rule == RULE_ADAM) {
		double m = u->beta1 * *s.s1 + (1 - u->beta1) * g, v = u->beta2 * *s.s2 + (1 - u->beta2) * g * g;
		*s.s1 = (float)m;
		*s.s2 = (float)v;
		m /= 1 - pow(u->beta1, u->step);
		v /= 1 - pow(u->beta2, u->step);
		*s.w = (float)(*s.w - u->lr * m / (sqrt(v) + u->eps));
	} else if (u->momentum > 0) {
		double v = u->momentum * *s.s1 + g;
		*s.s1 = (float)v;
		*s.w = (float)(*s.w - u->lr * (u->nesterov ? g + u->momentum * v : v));
	} else {
		*s.w = (float)(*s.w - u->lr * g);
	}
}

static void constrain(struct param *p)
{
	size_t row = param_size(p) / (size_t)p->dim[0];
	for (int64_t r = 0; r < p->dim[0]; r++) {
		double norm = 0;
		for (size_t i = 0; i < row; i++)
			norm += (double)p->w[(size_t)r * row + i] * p->w[(size_t)r * row + i];
		norm = sqrt(norm);
		double scale = (norm < p->max_norm ? norm : p->max_norm) / (1e-7 + norm);
		for (size_t i = 0; i < row; i++)
			p->w[(size_t)r * row + i] = (float)(p->w[(size_t)r * row + i] * scale);
	}
}

double ref_squares(const struct param *p, int n_rows)
{
	size_t n = param_size(p);
	double sum = 0;
	n = p->kind == PARAM_TABLE ? n / (size_t)p->dim[0] * (size_t)n_rows : n;
	for (size_t i = 0; i < n; i++)
		sum += (double)p->g[i] * p->g[i];
	return sum;
}

void ref_update(struct param *p, const struct update *u, const uint32_t *rows, int n_rows)
{
	size_t n = param_size(p), row = n / (size_t)p->dim[0];
	int decays = u->decay_all || p->kind == PARAM_WEIGHT || p->kind == PARAM_TABLE;
	for (size_t i = 0; i < n; i++) {
		double g = 0;
		if (p->kind != PARAM_TABLE)
			g = p->g[i];
		else
			for (int k = 0; k < n_rows; k++)
				if (rows[k] == i / row)
					g = p->g[(size_t)k * row + i % row];
		step_one(u, decays, (struct slots){ p->w + i, p->s1 ? p->s1 + i : NULL, p->s2 ? p->s2 + i : NULL }, g);
	}
	if (p->max_norm > 0)
		constrain(p);
}
