/* A first pass over JPEG records: that each decodes, and the sums of their pixels, which are whole numbers, so that
 * ranks may share the records and the order of adding is free. */
#include "pictures.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>

enum { LOOK_BYTES = 16 << 20 }; /* of pixels at once */

/* The records that are looked at, cut into pieces. */
struct look {
	struct dataset *d;
	struct pictures *p;
	struct decoding piece[2]; /* one is added up while the other is decoded */
	uint32_t *record, n, size;
};

static int list_records(struct look *l, struct err *err)
{
	const struct dataset *d = l->d;
	size_t fit = LOOK_BYTES / pictures_bytes(d);
	if (d->n > UINT32_MAX)
		return err_set(err, "more than 2^32 records");
	if (mem_alloc(&l->record, d->n, sizeof *l->record, err))
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (d->split[i] == SPLIT_TRAIN || d->split[i] == SPLIT_DEV)
			l->record[l->n++] = (uint32_t)i;
	l->size = fit < 1 ? 1 : fit > 256 ? 256 : (uint32_t)fit;
	return 0;
}

/* Piece number k; none where there is none. */
static int begin(struct look *l, uint64_t k, int slot, struct err *err)
{
	uint64_t at = k * l->size;
	struct decoding *g = &l->piece[slot];
	g->n = at >= l->n ? 0 : l->n - at < l->size ? (int)(l->n - at) : (int)l->size;
	g->data = l->d;
	g->record = l->record + (g->n ? at : 0);
	return pictures_begin(l->p, g, err);
}

static int take(struct look *l, int slot, struct err *err)
{
	struct decoding *g = &l->piece[slot];
	size_t bytes = pictures_bytes(l->d);
	if (pictures_await(l->p, g, err))
		return -1;
	for (int i = 0; i < g->n; i++)
		if (l->d->split[g->record[i]] == SPLIT_TRAIN)
			moments_add(&l->d->images.moments, &l->d->head, g->pixel + (size_t)i * bytes);
	return 0;
}

/* This rank's pieces: number `rank` and every `ranks`th after it. */
static int look_at(struct look *l, int rank, int ranks, struct progress *progress, struct err *err)
{
	uint64_t pieces = (l->n + l->size - 1) / l->size;
	int slot = 0;
	progress->total = l->n;
	if (begin(l, (uint64_t)rank, slot, err))
		return -1;
	for (uint64_t k = (uint64_t)rank; k < pieces; k += (uint64_t)ranks, slot = !slot) {
		if (begin(l, k + (uint64_t)ranks, !slot, err) || take(l, slot, err))
			return -1;
		progress_at(progress, k * l->size, NULL);
	}
	return 0;
}

static void add(struct moments *to, const struct moments *m)
{
	to->n += m->n;
	for (int c = 0; c < STREAM_MAX_CHANNELS; c++) {
		to->sum[c] += m->sum[c];
		to->squares[c] += m->squares[c];
	}
}

/* rc: how looking went here. */
static int add_up(struct moments *m, struct ranks *r, int rc, struct err *err)
{
	struct moments *all = NULL;
	rc = rc || mem_alloc(&all, (size_t)r->size, sizeof *all, err) ? -1 : 0;
	if (!rc)
		all[r->rank] = *m;
	for (int k = 0; k <= r->size; k++)
		r->begin[k] = (size_t)k * sizeof *all;
	if (ranks_meet(r, rc, 0, err) || ranks_gather(r, all, r->begin, err)) {
		free(all);
		return -1;
	}
	*m = (struct moments){ .channels = m->channels };
	for (int k = 0; k < r->size; k++)
		add(m, &all[k]);
	free(all);
	return 0;
}

int pictures_look(struct dataset *d, int threads, struct ranks *r, struct progress *progress, struct err *err)
{
	struct look l = { .d = d };
	struct err unheard = ERR_NONE;
	int several = r && r->size > 1;
	d->images.moments = (struct moments){ .channels = d->head.channels };
	int rc = list_records(&l, err) || pictures_open(&l.p, threads, err) ||
		 look_at(&l, several ? r->rank : 0, several ? r->size : 1, progress, err) ? -1 : 0;
	for (int i = 0; i < 2; i++) {
		if (l.p && pictures_await(l.p, &l.piece[i], &unheard)) /* what was begun beside what failed */
			unheard = ERR_NONE;
		decoding_release(&l.piece[i]);
	}
	pictures_close(l.p);
	free(l.record);
	return several ? add_up(&d->images.moments, r, rc, err) : rc;
}
