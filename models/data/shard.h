/* shard: a part of a batch that is computed as a batch of its own. A batch of n records is cut into S shards (a power
 * of two) at n*s/S, so they are of equal size or differ by one record; of fewer records than shards some are empty.
 * What is drawn for a record does not depend on the cut: it has its number in the data set in its shard, too. */
#ifndef VIC_SHARD_H
#define VIC_SHARD_H

#include "models/core/graph.h"

enum { SHARDS_MOST = 1 << 10 };

/* Place in the batch where shard s of `shards` begins; that of s + 1 is its end. */
static inline int shard_begin(int n, int s, int shards)
{
	return (int)((int64_t)n * s / shards);
}

/* Records of the largest shard of a batch of n, and of the smallest that has any; n > 0. */
static inline int shard_most(int n, int shards)
{
	return (n - 1) / shards + 1;
}
static inline int shard_least(int n, int shards)
{
	return n < shards ? 1 : n / shards;
}

/* Zero it before its first cut. */
struct shard {
	/* of n records; valid until the next cut, or until the batch that it was cut from changes */
	struct batch batch;
	uint32_t *word_of;  /* [batch.words->distinct] number that each of its words has in the whole batch */
	/* what batch points to */
	struct words words;
	struct images images;
	uint32_t *item, *partner, *begin, *local, *word, *seen, *record;
	const void **pixel;
	struct view *view;
	size_t cap_item, cap_partner, cap_begin, cap_local, cap_word, cap_word_of, cap_seen, cap_record, cap_pixel,
		cap_view;
};

/* Cuts the n > 0 records from place `from` on out of a batch. Partners from outside of the shard come along as items
 * after its records; where hidden values are mixed (mix_at > 0) there may be none. */
int shard_cut(struct shard *s, const struct batch *whole, int classes, int from, int n, struct err *err) VIC_CHECKED;
void shard_release(struct shard *s);

#endif
