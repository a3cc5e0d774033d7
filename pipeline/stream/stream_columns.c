/* A block's payload, whose CRC was right, as columns: where each begins, and that its values are ones that the head
 * allows. Pointers go into the reader's buf. The CRC says that bytes are as written, not that the writer was right. */
#include "stream_reader.h"
#include "pipeline/base/num.h"

#include <inttypes.h>
#include <math.h>

/* Ends must not fall, and the last one is the data's length. */
static int ends_right(const uint32_t *end, size_t n, size_t total)
{
	uint32_t before = 0;
	for (size_t i = 0; i < n; i++) {
		if (end[i] < before)
			return 0;
		before = end[i];
	}
	return before == total;
}

/* Ends that do not fall, of names that are not too long. */
static int names_right(const uint32_t *end, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t before = i ? end[i - 1] : 0;
		if (end[i] < before || end[i] - before > STREAM_MAX_NAME)
			return 0;
	}
	return 1;
}

int columns_of_words(struct stream_reader *r, struct block *b, size_t len, struct err *err)
{
	if (r->head.kind != STREAM_TEXT || r->records)
		return stream_bad(r, "a word table where none belongs", err);
	size_t n = len >= 64 ? u32(r->buf) : 0, dim = (size_t)r->head.dim;
	/* n is bounded by the bytes that are there: each word has at least its 4-byte end. */
	if (len < 64 || n > len / 4 || n != b->n || u32(r->buf + 4) != dim || !all_zero(r->buf + 8, 56))
		return stream_bad(r, "a word block contradicts itself", err);
	struct words_layout at = words_layout(n, 0, dim);
	b->word_end = (uint32_t *)(r->buf + at.end);
	size_t text = at.text <= len && n ? b->word_end[n - 1] : 0;
	at = words_layout(n, text, dim);
	if (at.total != len || !ends_right(b->word_end, n, text))
		return stream_bad(r, "a word block contradicts itself", err);
	b->type = BLOCK_WORDS;
	b->first = r->words;
	b->origin = r->buf + at.origin;
	b->word = (char *)r->buf + at.text;
	b->vector = (float *)(r->buf + at.vector);
	for (size_t i = 0; i < n * dim; i++)
		if (!isfinite(b->vector[i]))
			return err_set(err, "%s: the vector of word %zu is not finite", r->in.name,
				       (size_t)r->words + i / dim);
	r->words += n;
	if (r->words > UINT32_MAX)
		return stream_bad(r, "more than 2^32 words", err);
	return 1;
}

static int check_rows(struct stream_reader *r, const struct block *b, struct err *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->label[i] < -1 || b->label[i] >= r->head.n_classes)
			return err_set(err, "%s: record %" PRIu64 ": label %d is outside the %d classes", r->in.name,
				       b->first + i, b->label[i], r->head.n_classes);
		if (b->split[i] >= SPLIT_COUNT)
			return err_set(err, "%s: record %" PRIu64 ": unknown split %d", r->in.name, b->first + i,
				       b->split[i]);
	}
	if (r->head.kind == STREAM_IMAGES && r->head.encoding == ENCODING_F32) {
		const float *pixel = (const float *)b->data;
		size_t each = stream_record_size(&r->head) / 4;
		for (size_t i = 0; i < b->n * each; i++)
			if (!isfinite(pixel[i]))
				return err_set(err, "%s: record %" PRIu64 ": a pixel is not finite", r->in.name,
					       b->first + i / each);
	}
	if (r->head.kind != STREAM_TEXT)
		return 0;
	const uint32_t *id = (const uint32_t *)b->data;
	for (uint32_t i = 0; i < b->n; i++)
		if (b->end[i] % 4)
			return err_set(err, "%s: record %" PRIu64 " is no list of word ids", r->in.name, b->first + i);
	for (size_t i = 0; i < b->data_len / 4; i++)
		if (id[i] >= r->words)
			return err_set(err,
				       "%s: near record %" PRIu64 ": word id %u but the table has %" PRIu64 " words",
				       r->in.name, b->first, id[i], r->words);
	return 0;
}

int columns_of_rows(struct stream_reader *r, struct block *b, size_t len, struct err *err)
{
	size_t n = b->n, each = stream_record_size(&r->head);
	if (n > STREAM_MAX_ROWS)
		return stream_bad(r, "too many records in one block", err);
	struct rows_layout at = rows_layout(n, !each, r->head.names, 0);
	uint32_t *name_end = r->head.names ? (uint32_t *)(r->buf + at.name_end) : NULL;
	if (name_end && at.data <= len && n)
		at = rows_layout(n, !each, 1, name_end[n - 1]);
	if (at.data > len)
		return stream_bad(r, "a block is shorter than its records", err);
	if (name_end && !names_right(name_end, n))
		return stream_bad(r, "a block's names contradict each other", err);
	b->type = BLOCK_ROWS;
	b->first = r->records;
	b->id = (uint64_t *)(r->buf + at.id);
	b->label = (int32_t *)(r->buf + at.label);
	b->split = r->buf + at.split;
	b->end = each ? NULL : (uint32_t *)(r->buf + at.end);
	b->name_end = name_end;
	b->name = name_end ? (char *)r->buf + at.name : NULL;
	b->data = r->buf + at.data;
	b->data_len = len - at.data;
	if (each ? b->data_len != n * each : !ends_right(b->end, n, b->data_len))
		return stream_bad(r, "a block's length does not fit its records", err);
	if (check_rows(r, b, err))
		return -1;
	r->records += n;
	r->blocks++;
	return 1;
}

int logits_check(const struct stream_head *h, const struct block *b, const char *name, struct err *err)
{
	size_t k = (size_t)h->n_classes, per = k * (size_t)h->samples;
	const float *f = (const float *)b->data;
	const double *d = (const double *)b->data;
	char digits[NUM_TEXT];
	for (uint32_t i = 0; i < b->n; i++) {
		double sum = 0;
		for (size_t j = 0; j < per; j++) {
			double v = h->dtype == DTYPE_F64 ? d[i * per + j] : (double)f[i * per + j];
			int probs = h->values == VALUES_PROBS;
			if (isnan(v) || (probs ? !(v >= 0 && v <= 1) : v == INFINITY)) {
				num_text(digits, v);
				return err_set(err, "%s: record %" PRIu64 ": class %zu has the value %s", name,
					       b->first + i, j % k, digits);
			}
			sum += v;
			if (probs && j % k == k - 1) {
				if (!(fabs(sum - 1) <= 1e-3)) {
					num_text(digits, sum);
					return err_set(err, "%s: record %" PRIu64 ": probabilities sum to %s", name,
						       b->first + i, digits);
				}
				sum = 0;
			}
		}
	}
	return 0;
}
