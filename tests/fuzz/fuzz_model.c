/* Any bytes as a model: refused, or opened and used on a document of text, of tokens and of images, with and without
 * dropout; what it answers are numbers. The mutator changes settings, class names and weights, and seals the file
 * anew. */
#include "sealed.h"

#include "models/predict/predictor.h"

#include <math.h>

/* Documents to use a model on; those of another kind are refused. */
static const char *const documents[] = { "tests/fuzz/seeds/stream/text", "tests/fuzz/seeds/stream/tokens",
					 "tests/fuzz/seeds/stream/images", "tests/fuzz/seeds/stream/logits" };

static int use_block(struct predictor *p, const struct block *b, struct err *err)
{
	if (b->type == BLOCK_WORDS)
		return predictor_words(p, b, err);
	if (predictor_rows(p, b, NULL, err))
		return -1;
	size_t each = (size_t)(p->passes ? p->passes : 1) * (size_t)p->model->config.classes;
	for (size_t i = 0; i < p->data.n * each; i++)
		if (!isfinite(p->logits[i]))
			abort();
	return 0;
}

static int use_document(struct predictor *p, const char *path, struct err *err)
{
	struct stream_reader *r;
	struct block b;
	if (stream_open(&r, path, err) || stream_next_document(r, err) != 1)
		abort();
	int rc = predictor_document(p, stream_head_of(r), err) ? -1 : 1;
	while (rc == 1 && (rc = stream_next_block(r, &b, err)) == 1)
		if (use_block(p, &b, err))
			rc = -1;
	stream_close(r);
	return rc;
}

static void use(const struct model *m, int passes)
{
	struct device dev;
	struct predictor p;
	struct err err = ERR_NONE;
	if (device_open(&dev, "ref", 1, &err))
		abort();
	int rc = predictor_open(&p, m, &dev, passes, 1, &err);
	if (rc && !err.msg[0])
		abort();
	for (size_t i = 0; i < sizeof documents / sizeof *documents && !rc; i++) {
		err = ERR_NONE;
		if (use_document(&p, documents[i], &err) && !err.msg[0])
			abort();
	}
	predictor_release(&p);
	device_close(&dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct model m;
	char path[64];
	int fd = memory_file(path, data, size);
	int rc = model_open(&m, path, &err);
	close(fd);
	if (rc) {
		if (!err.msg[0])
			abort(); /* a refusal has words */
		return 0;
	}
	use(&m, 0);
	use(&m, 2);
	model_release(&m);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t n = seed % 8 ? mutate_tensors(data, size, max, seed) : 0;
	return n ? n : LLVMFuzzerMutate(data, size, max);
}
