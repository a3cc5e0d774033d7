/* A batch is known by the place of its first record in the pass. */
#include "turns.h"

int turns_open(struct turns *t, const struct dataset *data, const struct preprocessing *preprocessing, int threads,
	       struct err *err)
{
	const struct stream_head *h = &data->head;
	int jpeg = h->kind == STREAM_IMAGES && h->encoding == ENCODING_JPEG;
	if (jpeg && pictures_open(&t->pictures, threads, err))
		return -1;
	for (int i = 0; i <= jpeg; i++) { /* others have no use for a second one */
		if (batcher_init(&t->batcher[i], data, preprocessing, err))
			return -1;
		t->batcher[i].pictures = t->pictures;
	}
	return 0;
}

void turns_release(struct turns *t)
{
	batcher_release(&t->batcher[0]);
	batcher_release(&t->batcher[1]);
	pictures_close(t->pictures);
	*t = (struct turns){ 0 };
}

void turns_begin(struct turns *t)
{
	t->ahead = 0;
}

int turns_take(struct turns *t, const struct turns_pass *p, size_t at, struct err *err)
{
	if (t->ahead == (uint64_t)at + 1)
		t->turn = !t->turn;
	else if (p->make(p, turns_now(t), at, err))
		return -1;
	t->ahead = 0;
	if (t->pictures && p->n - at > p->step) {
		if (p->make(p, &t->batcher[!t->turn], at + p->step, err))
			return -1;
		t->ahead = (uint64_t)at + p->step + 1;
	}
	return batch_ready(turns_now(t), err);
}
