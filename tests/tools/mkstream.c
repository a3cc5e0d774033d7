/* mkstream KIND [RECORDS [DOCUMENTS]]: a small valid stream on stdout, the same every time, so that tests of faults
 * need no data. KIND: tokens, text, images, jpeg, pixels (f32 images), logits, probs, f64, passes (logits of three);
 * behind "named-" each with a name for every record but each fifth; torn: the JPEG file on stdin is each record, but
 * of the last its first half.
 * Half of the records train, a quarter each are dev and test; two classes; label and contents agree, so that a model
 * can learn them. */
#include "pipeline/base/num.h"
#include "pipeline/base/philox.h"
#include "pipeline/frame/stage.h"
#include "pipeline/stream/stream.h"

#include <math.h>
#include <string.h>

enum { WORDS = 12, DIM = 4, SIDE = 8, MAX_TOKENS = 7 };

static const char *const word[WORDS] = { "the",	 "film", "is",	 "a",	 "and",	 "of",
					 "dull", "bad",	 "flat", "good", "warm", "fine" };

static const struct opt opts[] = { { 0 } };
static const struct program prog = {
	.name = "mkstream",
	.summary = "small streams for tests",
	.operands = "KIND [RECORDS [DOCUMENTS]]",
	.description = "KIND: tokens, text, images, jpeg, pixels, logits, probs, f64, passes, or\n"
		       "named- and one of these; torn, with a JPEG file on stdin.",
	.example = "mkstream logits 10",
	.opts = opts,
	.min_operands = 1,
	.max_operands = 3,
	.words = 1,
};

static int head_of(const char *kind, struct stream_head *h, struct err *err)
{
	static const char *const classes[] = { "neg", "pos" }, named[] = "named-";
	if (!strncmp(kind, named, strlen(named))) {
		h->names = 1;
		kind += strlen(named);
	}
	if (!strcmp(kind, "tokens")) {
		h->kind = STREAM_TOKENS;
	} else if (!strcmp(kind, "text")) {
		h->kind = STREAM_TEXT;
		h->dim = DIM;
	} else if (!strcmp(kind, "images") || !strcmp(kind, "jpeg") || !strcmp(kind, "pixels")) {
		h->kind = STREAM_IMAGES;
		h->height = h->width = SIDE;
		h->channels = 3;
		h->encoding = kind[0] == 'i' ? ENCODING_RAW : kind[0] == 'j' ? ENCODING_JPEG : ENCODING_F32;
	} else if (!strcmp(kind, "torn")) {
		h->kind = STREAM_IMAGES;
		h->encoding = ENCODING_JPEG;
	} else if (!strcmp(kind, "logits") || !strcmp(kind, "probs") || !strcmp(kind, "f64") ||
		   !strcmp(kind, "passes")) {
		h->kind = STREAM_LOGITS;
		h->dtype = !strcmp(kind, "f64") ? DTYPE_F64 : DTYPE_F32;
		h->values = !strcmp(kind, "probs") ? VALUES_PROBS : VALUES_LOGITS;
		h->samples = !strcmp(kind, "passes") ? 3 : 1;
	} else {
		return err_usage(err, "no kind '%s'", kind);
	}
	return stream_head_classes(h, 2, classes, err);
}

static int add_words(struct stream_writer *w, struct err *err)
{
	for (uint32_t i = 0; i < WORDS; i++) {
		float v[DIM];
		struct rng r;
		rng_init(&r, 1, RNG_TEST, i, 0);
		for (int d = 0; d < DIM; d++)
			v[d] = (float)(rng_real(&r) - .5);
		if (stream_add_word(w, word[i], strlen(word[i]), v, i % 5 ? WORD_PRETRAINED : WORD_INITIALISED, err))
			return -1;
	}
	return 0;
}

/* Words 6, 7, 8 speak for class 0 and the last three for class 1. */
static int sentence(struct rng *r, int label, uint32_t *id)
{
	int n = 3 + (int)rng_below(r, MAX_TOKENS - 2);
	for (int i = 0; i < n; i++)
		id[i] = rng_below(r, 6);
	id[rng_below(r, (uint32_t)n)] = 6 + 3 * (uint32_t)label + rng_below(r, 3);
	return n;
}

static int add_sentence(struct stream_writer *w, const struct stream_head *h, uint32_t i, int label, int split,
			struct err *err)
{
	uint32_t id[MAX_TOKENS + 2];
	char line[128];
	size_t len = 0;
	struct rng r;
	rng_init(&r, 2, RNG_TEST, i, 0);
	int n = sentence(&r, label, id);
	if (h->kind == STREAM_TEXT)
		return stream_add(w, i, label, split, id, 4 * (size_t)n, err);
	for (int k = 0; k < n; k++)
		len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", k ? " " : "", word[id[k]]);
	return stream_add(w, i, label, split, line, len, err);
}

static int add_image(struct stream_writer *w, const struct stream_head *h, uint32_t i, int label, int split,
		     struct err *err)
{
	enum { VALUES = SIDE * SIDE * 3 };
	unsigned char raw[VALUES];
	float f[VALUES];
	struct rng r;
	rng_init(&r, 3, RNG_TEST, i, 0);
	for (int k = 0; k < VALUES; k++) {
		raw[k] = (unsigned char)(60 + 100 * label + (int)rng_below(&r, 40));
		f[k] = (float)raw[k] / 255;
	}
	if (h->encoding == ENCODING_F32)
		return stream_add(w, i, label, split, f, sizeof f, err);
	/* "jpeg" records here are only bytes of different lengths: what a passing stage sees */
	return stream_add(w, i, label, split, raw, h->encoding == ENCODING_RAW ? sizeof raw : 20 + i % 7, err);
}

static int add_logits(struct stream_writer *w, const struct stream_head *h, uint32_t i, int label, int split,
		      struct err *err)
{
	float f[6];
	double d[6];
	struct rng r;
	rng_init(&r, 4, RNG_TEST, i, 0);
	for (int k = 0; k < 2 * h->samples; k++) {
		d[k] = rng_normal(&r) + (k % 2 == label ? 1 : 0);
		if (h->values == VALUES_PROBS)
			d[k] = k % 2 ? 1 - d[k - 1] : 1 / (1 + exp(-d[k]));
		f[k] = (float)d[k];
	}
	return stream_add(w, i, label, split, h->dtype == DTYPE_F64 ? (void *)d : (void *)f, stream_record_size(h),
			  err);
}

static int add_photo(struct stream_writer *w, uint32_t i, int last, int label, int split, struct err *err)
{
	static unsigned char photo[1 << 16];
	static size_t n;
	n = n ? n : fread(photo, 1, sizeof photo, stdin);
	return stream_add(w, i, label, split, photo, last ? n / 2 : n, err);
}

static int add_record(struct stream_writer *w, const struct stream_head *h, uint32_t i, int last, struct err *err)
{
	static const int splits[] = { SPLIT_TRAIN, SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST };
	int label = (int)(i / 4 + i) % 2, split = splits[i % 4];
	char name[32];
	snprintf(name, sizeof name, "folder/%u\t%.*s.png", i, (int)(i % 9), "nameless");
	if (h->names && i % 5 && stream_add_name(w, name, strlen(name), err))
		return -1;
	if (h->kind == STREAM_IMAGES && !h->height)
		return add_photo(w, i, last, label, split, err);
	if (h->kind == STREAM_IMAGES)
		return add_image(w, h, i, label, split, err);
	if (h->kind == STREAM_LOGITS)
		return add_logits(w, h, i, label, split, err);
	return add_sentence(w, h, i, label, split, err);
}

static int count_of(const struct stage *st, int operand, int64_t *n, struct err *err)
{
	return st->n > operand ? num_i64("a count", st->operand[operand], 0, 1000000, n, err) : 0;
}

static int put_document(const struct stage *st, const struct stream_head *head, int64_t records, struct output *out,
			struct err *err)
{
	struct stream_writer *w;
	if (stream_begin(&w, out, head, NULL, st->provenance, err))
		return -1;
	int rc = head->kind == STREAM_TEXT ? add_words(w, err) : 0;
	for (int64_t i = 0; i < records && !rc; i++)
		rc = add_record(w, head, (uint32_t)i, i == records - 1, err);
	rc = rc || stream_finish(w, err);
	stream_writer_free(w);
	return rc;
}

static int run(struct stage *st, struct err *err)
{
	struct stream_head head = { 0 };
	struct output out = { 0 };
	int64_t records = 16, documents = 1;
	int rc = head_of(st->operand[0], &head, err) || count_of(st, 1, &records, err) ||
		 count_of(st, 2, &documents, err) || output_open(&out, "-", err);
	for (int64_t d = 0; d < documents && !rc; d++)
		rc = put_document(st, &head, records, &out, err);
	rc = rc || output_commit(&out, err);
	output_release(&out);
	stream_head_release(&head);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run);
}
