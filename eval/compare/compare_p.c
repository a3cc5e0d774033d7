/* p-values of several tests together, and of exchanges. */
#include "compare.h"

#include <math.h>

int compare_least_rounds(double level)
{
	return (int)ceil(compared_count() / (1 - level));
}

void holm(double *p, int n)
{
	int order[COMPARED_MOST], m = 0;
	double most = 0;
	for (int i = 0; i < n; i++) {
		if (isnan(p[i]))
			continue;
		int at = m++;
		for (; at > 0 && p[order[at - 1]] > p[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (int i = 0; i < m; i++) {
		most = fmax(most, fmin(1, p[order[i]] * (m - i)));
		p[order[i]] = most;
	}
}

double swap_p(const double *v, int rounds, double difference, double slack)
{
	int far = 0;
	for (int i = 0; i < rounds; i++)
		far += !(fabs(v[i]) < fabs(difference) - slack);
	return (1.0 + far) / (rounds + 1);
}
