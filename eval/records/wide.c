/* Large terms by their exponents. Integers add exactly; the parts are joined from the largest down, so the result does
 * not depend on the order of terms. */
#include "wide.h"

#include <math.h>

void wide_add(struct wide *w, double v)
{
	int exponent;
	double m = frexp(v, &exponent); /* v = m 2^exponent, 1/2 <= m < 1, exponent 33..1024 */
	w->part[(exponent - 33) / 32] += (fix)(int64_t)(m * 0x1p53) * ((fix)1 << (exponent - 33) % 32);
}

void wide_merge(struct wide *to, const struct wide *from)
{
	for (int i = 0; i < WIDE_PARTS; i++)
		to->part[i] += from->part[i];
}

double wide_over(const struct wide *w, double n)
{
	double sum = 0;
	for (int i = WIDE_PARTS; i-- > 0;)
		sum += ldexp((double)w->part[i] / n, 32 * i - 20);
	return sum;
}
