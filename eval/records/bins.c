/* Sums over equal-width bins. Counts and confidences are summed as integers (fix.h), so neither the order of records
 * nor how they are cut into calls affects the result. Doubles begin in bins_errors, which takes the bins in order. */
#include "bins.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>

int bins_init(struct bins *b, int m, struct err *err)
{
	*b = (struct bins){ .m = m };
	return mem_alloc(&b->bin, (size_t)m, sizeof *b->bin, err);
}

void bins_release(struct bins *b)
{
	free(b->bin);
	*b = (struct bins){ 0 };
}

void bins_add(struct bins *b, const conf_key *key, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double p = conf_p(key[i]);
		struct bin *c = &b->bin[bin_of(b->m, p)];
		c->n++;
		c->right += (uint64_t)conf_right(key[i]);
		c->conf += fix_of(p);
	}
}

size_t bins_end(const conf_key *key, size_t n, size_t from, int m)
{
	int bin = bin_of(m, conf_p(key[from]));
	size_t lo = from, hi = n; /* key[lo] is in the bin; the answer is in lo+1..hi */
	for (size_t step = 1; step < hi - lo; step *= 2) {
		if (bin_of(m, conf_p(key[lo + step])) != bin) {
			hi = lo + step;
			break;
		}
		lo += step;
	}
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (bin_of(m, conf_p(key[mid])) == bin)
			lo = mid;
		else
			hi = mid;
	}
	return lo + 1;
}

void bins_errors(const struct bins *b, struct bin_errors *e)
{
	uint64_t n = 0, right = 0;
	fix conf = 0;
	double square = 0, debiased = 0;
	*e = (struct bin_errors){ 0 };
	for (int i = 0; i < b->m; i++) {
		n += b->bin[i].n;
		right += b->bin[i].right;
		conf += b->bin[i].conf;
	}
	if (!n)
		return;
	for (int i = 0; i < b->m; i++) {
		const struct bin *c = &b->bin[i];
		if (!c->n)
			continue;
		double w = (double)c->n / (double)n, mean = bin_conf(c), acc = bin_accuracy(c), gap = mean - acc;
		double over = gap > 0 ? gap : 0, under = gap < 0 ? -gap : 0;
		e->filled++;
		e->over += w * over;
		e->under += w * under;
		e->oe += w * mean * over;
		e->uce += w * (1 - mean) * under;
		square += w * gap * gap;
		debiased += w * gap * gap;
		if (c->n > 1) /* one record says nothing about its bin's noise */
			debiased -= w * acc * (1 - acc) / (double)(c->n - 1);
		if (over + under > e->mce || !e->mce_n) {
			e->mce = over + under;
			e->mce_n = c->n;
		}
	}
	e->n = n;
	e->accuracy = (double)right / (double)n;
	e->conf = fix_real(conf) / (double)n;
	e->gap = e->conf - e->accuracy;
	e->ece = e->over + e->under;
	e->rmsce = sqrt(square);
	e->l2_debiased = sqrt(debiased > 0 ? debiased : 0);
}
