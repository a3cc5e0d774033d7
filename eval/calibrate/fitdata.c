/* Sums over slices of records, for the fits. The cut depends on n, k and m and never on the threads, and the slices'
 * sums are added in slice order: so any number of threads gives the same bits. Memory for all slices is taken before
 * the first runs, so that none of them can fail. */
#include "fitdata.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct slices {
	const struct fit_data *d;
	size_t each, m, room;
	fit_slice *f;
	void *arg;
	double *sum;	 /* [slices][m] */
	double *scratch; /* [workers][room] */
};

static void one_slice(void *arg, int task, int worker)
{
	const struct slices *s = arg;
	size_t from = (size_t)task * s->each, to = from + s->each < s->d->n ? from + s->each : s->d->n;
	s->f(s->d, from, to, s->arg, s->sum + (size_t)task * s->m, s->scratch + (size_t)worker * s->room);
}

int fit_sum(const struct fit_data *d, struct pool *pool, size_t m, fit_slice *f, size_t scratch, void *arg, double *sum,
	    struct err *err)
{
	/* About 64 Ki values a slice, and never more than 256 slices, which bounds what the sums of a large fit take.
	 */
	size_t each = ((size_t)1 << 16) / (size_t)d->k + 1, least = (d->n + 255) / 256;
	each = each > least ? each : least;
	size_t n = (d->n + each - 1) / each;
	if (m > 4096) { /* a K x K gradient for each slice would outgrow the data */
		n = n > 8 ? 8 : n;
		each = n ? (d->n + n - 1) / n : 1;
	}
	struct slices s = { d, each, m, (scratch + 7) / 8 * 8, f, arg, NULL, NULL };
	if (mem_alloc(&s.sum, n * m, sizeof *s.sum, err))
		return -1;
	if (mem_alloc(&s.scratch, (size_t)pool_threads(pool) * s.room, sizeof *s.scratch, err)) {
		free(s.sum);
		return -1;
	}
	pool_run(pool, (int)n, one_slice, &s);
	memset(sum, 0, m * sizeof *sum);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			sum[j] += s.sum[i * m + j];
	free(s.sum);
	free(s.scratch);
	return 0;
}

int fit_thin_out(struct fit_data *to, const struct fit_data *d, size_t every, struct err *err)
{
	size_t row = (size_t)d->k * (d->is_double ? sizeof(double) : sizeof(float));
	unsigned char *z;
	*to = *d;
	to->n = d->n / every;
	to->z = NULL;
	to->label = NULL;
	to->id = NULL;
	if (mem_alloc(&z, to->n, row, err))
		return -1;
	to->z = z;
	if (mem_alloc(&to->label, to->n, sizeof *to->label, err))
		return -1;
	for (size_t i = 0; i < to->n; i++) {
		memcpy(z + i * row, (const unsigned char *)d->z + i * every * row, row);
		to->label[i] = d->label[i * every];
	}
	return 0;
}
