/* Writes the files of a synthetic image data set. Images are drawn and scored in batches on the pool, each task into
 * its own slot, and written in order by the calling thread: so any number of threads gives the same bytes. Record
 * numbers run on from the training set to the test set. CIFAR's labels lie beside the pixels, so its LABELS file has
 * the class names and there is no TEST_LABELS. */
#include "synth_images.h"
#include "files.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/pool.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS, LABELS, TEST_PIXELS, TEST_LABELS, POSTERIOR, README, N_FILES, BATCH = 256, VALUES_MAX = 3 * 32 * 32 };
static const char *const names[2][N_FILES] = {
	{ "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
	  "posterior.tsv", "README.txt" },
	{ "data_batch_1.bin", "batches.meta.txt", "test_batch.bin", NULL, "posterior.tsv", "README.txt" },
};

struct synth {
	const struct synth_images_config *config;
	struct synth_images_summary *sum;
	struct shapes *shapes;
	struct shapes_config sc;
	size_t values;	     /* of an image */
	uint32_t set, first; /* of the batch */
	unsigned char px[BATCH][VALUES_MAX];
	struct shapes_draw draw[BATCH];
	double p[BATCH][SHAPES];
	double *work; /* [threads][shapes_work] */
	struct output out[N_FILES];
};

static void draw_one(void *arg, int task, int worker)
{
	struct synth *s = arg;
	shapes_image(s->shapes, s->set, s->first + (uint32_t)task, s->px[task], &s->draw[task]);
	shapes_posterior(s->shapes, s->px[task], s->p[task], s->work + (size_t)worker * shapes_work(s->shapes));
}

static int write_one(struct synth *s, int i, uint64_t record, struct err *err)
{
	struct output *pixels = &s->out[s->set ? TEST_PIXELS : PIXELS], *post = &s->out[POSTERIOR];
	unsigned char label = (unsigned char)s->draw[i].label;
	const double *p = s->p[i];
	int k = s->sc.classes, guess = 0;
	if (output_write(s->config->layout == SYNTH_CIFAR ? pixels : &s->out[s->set ? TEST_LABELS : LABELS], &label, 1,
			 err) ||
	    output_write(pixels, s->px[i], s->values, err) || output_printf(post, err, "%" PRIu64, record))
		return -1;
	for (int y = 0; y < k; y++) {
		if (output_printf(post, err, "\t%.17g", p[y]))
			return -1;
		if (p[y] > p[guess])
			guess = y;
		s->sum->entropy -= p[y] > 0 ? p[y] * log(p[y]) : 0;
	}
	s->sum->expected += p[guess];
	s->sum->realised += guess == label;
	s->sum->n++;
	return output_write(post, "\n", 1, err);
}

static int put_u32(struct output *out, uint32_t v, struct err *err)
{
	unsigned char b[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
			       (unsigned char)v };
	return output_write(out, b, 4, err);
}

static int idx_headers(struct synth *s, int set, uint32_t n, struct err *err)
{
	struct output *px = &s->out[set ? TEST_PIXELS : PIXELS], *label = &s->out[set ? TEST_LABELS : LABELS];
	uint32_t side = (uint32_t)s->sc.side;
	return put_u32(px, 0x803, err) || put_u32(px, n, err) || put_u32(px, side, err) || put_u32(px, side, err) ||
	       put_u32(label, 0x801, err) || put_u32(label, n, err);
}

static int write_set(struct synth *s, uint32_t set, uint32_t n, struct pool *pool, struct err *err)
{
	if (s->config->layout == SYNTH_IDX && idx_headers(s, (int)set, n, err))
		return -1;
	s->set = set;
	for (s->first = 0; s->first < n;) {
		int k = n - s->first < BATCH ? (int)(n - s->first) : BATCH;
		pool_run(pool, k, draw_one, s);
		for (int i = 0; i < k; i++)
			if (write_one(s, i, s->sum->n, err))
				return -1;
		s->first += (uint32_t)k;
	}
	return 0;
}

static int write_images(struct synth *s, struct pool *pool, struct err *err)
{
	const struct synth_images_config *c = s->config;
	struct output *post = &s->out[POSTERIOR], *readme = &s->out[README];
	if (output_printf(post, err, "record"))
		return -1;
	for (int y = 0; y < c->classes; y++)
		if (output_printf(post, err, "\t%s", shapes_name(y)) ||
		    (c->layout == SYNTH_CIFAR && output_printf(&s->out[LABELS], err, "%s\n", shapes_name(y))))
			return -1;
	if (output_write(post, "\n", 1, err) || write_set(s, 0, c->train, pool, err) ||
	    write_set(s, 1, c->test, pool, err))
		return -1;
	double n = (double)s->sum->n;
	s->sum->expected /= n;
	s->sum->realised /= n;
	s->sum->entropy /= n;
	return output_printf(
		readme, err,
		"Synthetic images whose P(class | image) is known (posterior.tsv).\n\n"
		"%d shapes, %dx%dx%d, %" PRIu32 " training and %" PRIu32 " test images, seed %" PRIu64 "\n"
		"ground %g, contrasts %g %g %g %g, deviation of the noise %g (levels of 255); label noise %g\n"
		"a shape, one of %d sizes, one of %d places, a contrast and a channel are drawn uniformly;\n"
		"bytes are rounded and clipped\n\n"
		"best possible classifier: accuracy %.6f expected, %.6f on these labels;\n"
		"mean entropy of P(class | image) %.6f nats\n",
		c->classes, s->sc.side, s->sc.side, s->sc.channels, c->train, c->test, c->seed, shapes_ground(),
		shapes_level(s->shapes, 0), shapes_level(s->shapes, 1), shapes_level(s->shapes, 2),
		shapes_level(s->shapes, 3), shapes_sigma(), c->noise, SHAPE_SIZES, SHAPE_PLACES, s->sum->expected,
		s->sum->realised, s->sum->entropy);
}

static int open_files(struct synth *s, const char *folder, struct err *err)
{
	for (int i = 0; i < N_FILES; i++) {
		char *path;
		if (!names[s->config->layout][i])
			continue;
		if (path_join(&path, folder, names[s->config->layout][i], err))
			return -1;
		int rc = output_open(&s->out[i], path, err);
		free(path);
		if (rc)
			return -1;
	}
	return 0;
}

int synth_images(const struct synth_images_config *config, const char *folder, struct synth_images_summary *sum,
		 struct err *err)
{
	struct synth *s;
	struct pool *pool = NULL;
	int cifar = config->layout == SYNTH_CIFAR, is_new = path_kind(folder) == PATH_NONE, rc = -1;
	if (cifar && config->classes != SHAPES)
		return err_usage(err, "CIFAR's files hold ten classes, not %d", config->classes);
	if (mem_alloc(&s, 1, sizeof *s, err))
		return -1;
	*sum = (struct synth_images_summary){ .n = 0 };
	s->config = config;
	s->sum = sum;
	s->sc = (struct shapes_config){ cifar ? 32 : 28,  cifar ? 3 : 1, config->classes,
					config->strength, config->noise, config->seed };
	s->values = (size_t)s->sc.side * (size_t)s->sc.side * (size_t)s->sc.channels;
	if (make_folders(folder, err) || shapes_open(&s->shapes, &s->sc, err) ||
	    pool_open(&pool, config->threads, err) ||
	    mem_alloc(&s->work, (size_t)pool_threads(pool) * shapes_work(s->shapes), sizeof *s->work, err) ||
	    open_files(s, folder, err) || write_images(s, pool, err))
		goto done;
	rc = 0;
	for (int i = 0; !rc && i < N_FILES; i++)
		if (s->out[i].name)
			rc = output_commit(&s->out[i], err);
done:
	for (int i = 0; i < N_FILES; i++)
		output_release(&s->out[i]);
	struct err ignored; /* the first failure is the one to report */
	if (rc && is_new && remove_tree(folder, &ignored))
		rc = -1;
	pool_close(pool);
	shapes_close(s->shapes);
	free(s->work);
	free(s);
	return rc;
}
