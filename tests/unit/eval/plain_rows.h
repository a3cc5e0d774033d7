/* What tests of the evaluator compare it with: random records written as streams, cut at random, and what they come to
 * by the definitions, one record after the other, in long double, without a line of eval/.
 *
 * Where two roundings may fall on different sides (a bin's edge, a tie of means), the reference gives both answers or
 * the record is drawn again: what is compared is never a matter of the last bit. */
#ifndef VIC_TEST_PLAIN_ROWS_H
#define VIC_TEST_PLAIN_ROWS_H

#include "tests/checks.h"
#include "eval/records/rows.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLAIN_BINS = 24 };

struct plain_shape {
	int classes, samples, probs, f64, n, bins;
	int splits;	 /* 0: all train; 1: any of the four; 2: no test records; 3: train and extra only */
	int unlabelled;	 /* one record in so many; 0: none */
	int kind;	 /* of values: 0 normal, 1 a grid with ties, 2 classes ruled out, 3 nearly sure, 4 far apart */
	double scale;
};

struct plain_record {
	uint64_t id;
	int label, split;
	long double *p; /* [classes] mean probabilities */
	int winner;
	long double conf, nll, brier, entropy, mutual, max_logit, energy, margin;
	int beaten, may_beat; /* classes that beat the label for certain, and perhaps */
	int tied;	      /* -1: cannot be told */
};

struct plain {
	struct plain_shape s;
	double *v; /* [n][samples][classes] as they are written */
	struct plain_record *r;
	long double *p; /* [n][classes] */
};

/* Bin b of m: b/m < p <= (b+1)/m. */
static inline int plain_bin(int m, long double p)
{
	int b = (int)ceill(p * m) - 1;
	return b < 0 ? 0 : b >= m ? m - 1 : b;
}

/* Whether p lies so near an edge between two bins that a rounding decides. */
static inline int plain_near_edge(int m, long double p)
{
	long double x = p * m, edge = roundl(x);
	return edge >= 1 && edge <= m - 1 && fabsl(x - edge) < 1e-8L;
}

static inline double plain_value(const struct plain_shape *s, struct rng *r)
{
	double z = s->scale * rng_normal(r);
	if (s->kind == 1)
		return floor(2 * rng_real(r) * s->scale) / 2;
	if (s->kind == 2 && rng_below(r, 3) == 0)
		return -INFINITY;
	if (s->kind == 4)
		return rng_below(r, 4) ? z : ldexp(z, (int)rng_below(r, 90));
	return s->kind == 3 ? z + (rng_below(r, (uint32_t)s->classes) ? 0 : 60) : z;
}

static inline void plain_draw(const struct plain_shape *s, struct rng *r, double *z)
{
	double sum = 0;
	for (int k = 0; k < s->classes; k++)
		z[k] = plain_value(s, r);
	z[rng_below(r, (uint32_t)s->classes)] = s->scale; /* one at least is finite */
	if (s->probs) {
		for (int k = 0; k < s->classes; k++)
			sum += z[k] = exp(fmax(-80, fmin(80, z[k])));
		for (int k = 0; k < s->classes; k++)
			z[k] /= sum;
	}
	for (int k = 0; k < s->classes && !s->f64; k++)
		z[k] = (float)z[k];
}

/* A record's mean probabilities and what is averaged over samples. */
static inline void plain_means(const struct plain_shape *s, const double *v, struct plain_record *r,
			       long double *inside)
{
	*inside = r->max_logit = r->energy = 0;
	for (int k = 0; k < s->classes; k++)
		r->p[k] = 0;
	for (int i = 0; i < s->samples; i++, v += s->classes) {
		long double max = -INFINITY, sum = 0;
		for (int k = 0; k < s->classes; k++)
			max = v[k] > max ? v[k] : max;
		for (int k = 0; k < s->classes; k++)
			sum += expl(v[k] - max);
		for (int k = 0; k < s->classes; k++) {
			long double q = s->probs ? (long double)v[k] : expl(v[k] - max) / sum;
			r->p[k] += q / s->samples;
			*inside -= q > 0 ? q * logl(q) / s->samples : 0;
		}
		r->max_logit += max / s->samples;
		r->energy += (max + logl(sum)) / s->samples;
	}
}

/* Whether a class is before another: exactly where the values themselves say, else where means part clearly. */
static inline int plain_above(const struct plain_shape *s, const double *v, const long double *p, int a, int b)
{
	if (s->samples == 1)
		return v[a] > v[b] || (v[a] == v[b] && a < b) ? 1 : 0;
	return p[a] - p[b] > 1e-13L ? 1 : p[b] - p[a] > 1e-13L ? 0 : -1;
}

/* 0: the record cannot be decided and must be drawn again. */
static inline int plain_work(const struct plain *d, const double *v, struct plain_record *r)
{
	const struct plain_shape *s = &d->s;
	long double inside, second = 0;
	plain_means(s, v, r, &inside);
	r->winner = 0;
	for (int k = 1; k < s->classes; k++)
		if (plain_above(s, v, r->p, k, r->winner) == 1)
			r->winner = k;
	for (int k = 0; k < s->classes; k++)
		if (k != r->winner && plain_above(s, v, r->p, r->winner, k) < 0)
			return 0;
	r->conf = r->p[r->winner];
	r->entropy = r->brier = 0;
	r->beaten = r->may_beat = r->tied = 0;
	for (int k = 0; k < s->classes; k++) {
		long double off = r->p[k] - (k == r->label);
		int before = r->label >= 0 && k != r->label ? plain_above(s, v, r->p, k, r->label) : 0;
		r->entropy -= r->p[k] > 0 ? r->p[k] * logl(r->p[k]) : 0;
		r->brier += off * off;
		second = k != r->winner && r->p[k] > second ? r->p[k] : second;
		r->beaten += before == 1;
		r->may_beat += before != 0;
		r->tied |= s->samples == 1 && k != r->winner && v[k] == v[r->winner];
		if (s->bins && plain_near_edge(s->bins, r->p[k]))
			return 0;
	}
	r->mutual = s->samples > 1 ? fmaxl(0, r->entropy - inside) : 0;
	r->margin = r->conf - second;
	r->nll = r->label < 0 ? NAN : -logl(r->p[r->label]);
	if (r->label >= 0 && s->samples == 1 && !s->probs) /* exact where the probability is 0 in any float */
		r->nll = r->energy - v[r->label];
	if (r->label < 0)
		r->brier = NAN;
	return 1;
}

static inline int plain_split(const struct plain_shape *s, struct rng *r)
{
	static const int without_test[] = { SPLIT_TRAIN, SPLIT_DEV, SPLIT_EXTRA },
			 outer[] = { SPLIT_TRAIN, SPLIT_EXTRA };
	switch (s->splits) {
	case 1: return (int)rng_below(r, SPLIT_COUNT);
	case 2: return without_test[rng_below(r, 3)];
	case 3: return outer[rng_below(r, 2)];
	default: return SPLIT_TRAIN;
	}
}

/* Records of a shape; bins may become 1 where the shape's own cannot be kept off the edges. */
static inline void plain_make(struct plain *d, const struct plain_shape *s, struct rng *r)
{
	size_t k = (size_t)s->classes, each = k * (size_t)s->samples, n = (size_t)s->n;
	*d = (struct plain){ *s, calloc(n * each + 1, sizeof(double)), calloc(n + 1, sizeof *d->r),
			     calloc(n * k + 1, sizeof *d->p) };
	for (size_t i = 0; i < n; i++) {
		struct plain_record *at = &d->r[i];
		double *v = d->v + i * each;
		*at = (struct plain_record){ .id = 7 * i + rng_below(r, 7), .p = d->p + i * k,
			.split = plain_split(s, r) };
		at->label = s->unlabelled && rng_below(r, (uint32_t)s->unlabelled) == 0
				    ? -1
				    : (int)rng_below(r, (uint32_t)k);
		int tries = 0;
		do
			for (int j = 0; j < s->samples; j++)
				plain_draw(&d->s, r, v + (size_t)j * k);
		while (!plain_work(d, v, at) && ++tries < 50);
		if (tries == 50) { /* ties that no drawing avoids: other values, no edges */
			d->s.kind = 0;
			d->s.scale = 1;
			d->s.bins = d->s.bins ? 1 : 0;
			i = (size_t)-1;
		}
	}
}

static inline void plain_release(struct plain *d)
{
	free(d->v);
	free(d->r);
	free(d->p);
}

static inline void plain_head(struct stream_head *h, const struct plain_shape *s, int samples, struct err *err)
{
	char text[16];
	const char **name = malloc((size_t)s->classes * sizeof *name);
	*h = (struct stream_head){ .kind = STREAM_LOGITS, .dtype = s->f64 ? DTYPE_F64 : DTYPE_F32,
				   .values = s->probs ? VALUES_PROBS : VALUES_LOGITS, .samples = samples };
	for (int k = 0; k < s->classes; k++) {
		snprintf(text, sizeof text, "c%d", k);
		name[k] = strdup(text);
	}
	if (stream_head_classes(h, s->classes, name, err))
		abort();
	for (int k = 0; k < s->classes; k++)
		free((void *)(uintptr_t)name[k]);
	free((void *)name);
}

/* A file in memory and the path it is opened by. */
struct plain_file {
	int fd;
	char path[32];
};

static inline void plain_file_open(struct plain_file *f)
{
	f->fd = memfd_create("records", 0);
	snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
}

/* Writes samples first..first+m-1 of the records, in documents and blocks that end at random. */
static inline void plain_write(const struct plain *d, const struct plain_file *file, int first, int m, int documents,
			       int cut, struct rng *r)
{
	const struct plain_shape *s = &d->s;
	size_t k = (size_t)s->classes, n = k * (size_t)m;
	struct output out;
	struct err err = ERR_NONE;
	float *f = malloc(n * sizeof *f + 1);
	int bad = ftruncate(file->fd, 0) || lseek(file->fd, 0, SEEK_SET) || output_open(&out, file->path, &err), i = 0;
	for (int doc = 0; doc < documents && !bad; doc++) {
		struct stream_head h;
		struct stream_writer *w = NULL;
		int end = doc + 1 == documents ? s->n : i + (int)rng_below(r, (uint32_t)(s->n - i) + 1);
		plain_head(&h, s, m, &err);
		bad = bad || stream_begin(&w, &out, &h, NULL, NULL, &err);
		for (; i < end && !bad; i++) {
			const double *v = d->v + ((size_t)i * (size_t)s->samples + (size_t)first) * k;
			for (size_t j = 0; j < n; j++)
				f[j] = (float)v[j];
			bad = stream_add(w, d->r[i].id, d->r[i].label, d->r[i].split, s->f64 ? (const void *)v : f,
					 n * (s->f64 ? 8 : 4), &err);
			if (cut && rng_below(r, (uint32_t)cut) == 0)
				bad = bad || stream_flush(w, &err);
		}
		bad = bad || stream_finish(w, &err);
		stream_writer_free(w);
		stream_head_release(&h);
	}
	bad = bad || output_commit(&out, &err);
	output_release(&out);
	free(f);
	if (bad) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
}

#endif
