/* calibrated: see calibrated.h. */
#include "calibrated.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int calibrated_open(struct calibrated *m, const char *path, const struct model *model, struct err *err)
{
	struct stream_head head = { .n_classes = model->config.classes, .classes = model->classes };
	*m = (struct calibrated){ .path = path, .n = model->config.classes };
	if (calfile_load(&m->file, path, err))
		return -1;
	if (!calfile_fits(&m->file, &head, model->file.name, err) &&
	    !mem_alloc(&m->room, 5 * (size_t)m->n, sizeof *m->room, err) &&
	    !mem_alloc(&m->seen, 1, sizeof *m->seen, err))
		return 0;
	calibrated_release(m);
	return -1;
}

void calibrated_release(struct calibrated *m)
{
	calfile_release(&m->file);
	free(m->room);
	free(m->seen);
	*m = (struct calibrated){ 0 };
}

int calibrated_gives_probs(const struct calibrated *m)
{
	return calmap_gives_probs(m->file.map.method);
}

void calibrated_softmax(const double *z, int n, double *p)
{
	double max = z[0], sum = 0;
	for (int k = 1; k < n; k++)
		max = z[k] > max ? z[k] : max;
	for (int k = 0; k < n; k++)
		sum += p[k] = exp(z[k] - max);
	for (int k = 0; k < n; k++)
		p[k] /= sum;
}

/* What the map is of: z[n], in the first part of the room. */
static const double *logits_of(const struct calibrated *m, const float *logits, int samples)
{
	size_t n = (size_t)m->n;
	double *z = m->room, *p = m->room + n;
	memset(z, 0, n * sizeof *z);
	for (int s = 0; s < samples; s++) {
		for (size_t k = 0; k < n; k++)
			p[k] = (double)logits[(size_t)s * n + k];
		if (samples > 1)
			calibrated_softmax(p, m->n, p);
		for (size_t k = 0; k < n; k++)
			z[k] += samples > 1 ? p[k] / samples : p[k];
	}
	for (size_t k = 0; samples > 1 && k < n; k++)
		z[k] = log(z[k]);
	return z;
}

int calibrated_apply(struct calibrated *m, const float *logits, int samples, double *out, struct err *err)
{
	const double *z = logits_of(m, logits, samples);
	calmap_apply_with(&m->file.map, calibrated_softmax, z, out, m->room + 2 * m->n);
	for (int k = 0; k < m->n; k++)
		if (isnan(out[k]) || out[k] == INFINITY)
			return err_set(err, "%s: the map does not give finite numbers for a record", m->path);
	return 0;
}

int calibrated_refuse_fitted(struct calibrated *m, int last, uint64_t *seen, struct err *err)
{
	if (!last)
		sketch_add(m->seen, record_print(m->room, (size_t)m->n), 1);
	uint64_t n = m->seen->records;
	*seen = 0;
	return last || (n & (n - 1)) == 0 ? calfile_refuse_fitted(&m->file, m->seen, m->path,
								  "predict others with --split, or leave --map out and "
								  "use vic-calibrate --apply --allow-fit-data",
								  seen, err)
					  : 0;
}
