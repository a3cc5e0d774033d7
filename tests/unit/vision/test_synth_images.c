/* The posterior of synthetic images is Bayes' rule done the long way, is calibrated, and goes with the files'
 * records. */
#include "tests/scratch.h"
#include "corpora/synth_images.h"
#include "pipeline/files/io.h"
#include "vision/sources/source.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[SCRATCH_PATH];

/* P(byte | mean) by adding up the density in thousandths of a level; the ends reach to 8 deviations. */
static double by_sum(int byte, double mean)
{
	double from = byte == 0 ? mean - 600 : byte - 0.5, to = byte == 255 ? mean + 600 : byte + 0.5, sum = 0;
	int steps = (int)((to - from) * 200) + 1;
	for (int i = 0; i < steps; i++) {
		double z = (from + (i + 0.5) * (to - from) / steps - mean) / shapes_sigma();
		sum += exp(-z * z / 2);
	}
	return sum * (to - from) / steps / sqrt(2 * 3.14159265358979323846) / shapes_sigma();
}

static void posterior_by_the_long_way(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct shapes *s;
	struct shapes_config c = { 28, 1, 4, 1.3, 0.1, 11 };
	unsigned char px[784];
	double p[4], want[4], table[5][256];
	struct shapes_draw d;
	assert_int_equal(shapes_open(&s, &c, &err), 0);
	double *work = malloc(shapes_work(s) * sizeof *work);
	for (size_t i = 0; i < shapes_work(s); i++)
		work[i] = NAN; /* what is read of it was written */
	for (int level = 0; level < 5; level++)
		for (int byte = 0; byte < 256; byte++)
			table[level][byte] = log(by_sum(byte, level ? shapes_level(s, level - 1) : shapes_ground()));
	for (uint32_t number = 0; number < 8; number++) {
		shapes_image(s, 0, number, px, &d);
		shapes_posterior(s, px, p, work);
		double base = 0, total = 0;
		for (int i = 0; i < 784; i++)
			base += table[0][px[i]];
		for (int y = 0; y < 4; y++) {
			want[y] = 0;
			for (int pose = 0; pose < SHAPE_POSES; pose++)
				for (int k = 0; k < SHAPE_CONTRASTS; k++) {
					double sum = 0;
					for (int i = 0; i < 784; i++)
						sum += table[shapes_covers(s, y, pose, i / 28, i % 28) ? k + 1 : 0]
							    [px[i]];
					want[y] += exp(sum - base);
				}
			total += want[y];
		}
		for (int y = 0; y < 4; y++) {
			double share = want[y] / total;
			assert_true(fabs(p[y] - (0.9 * share + 0.1 * (1 - share) / 3)) < 1e-5);
		}
	}
	free(work);
	shapes_close(s);
}

/* No shape covers a pixel beyond its radius, and each reaches half of it in some way. */
static void shapes_keep_their_size(void **state)
{
	static const int radius[SHAPE_SIZES] = { 5, 7, 9 };
	(void)state;
	struct err err = ERR_NONE;
	struct shapes *s;
	struct shapes_config c = { 28, 1, SHAPES, 1, 0, 1 };
	assert_int_equal(shapes_open(&s, &c, &err), 0);
	for (int shape = 0; shape < SHAPES; shape++)
		for (int pose = 0; pose < SHAPE_POSES; pose++) {
			double r = radius[pose / SHAPE_PLACES] + 0.5, far = 0;
			int place = pose % SHAPE_PLACES;
			for (int i = 0; i < 784; i++) {
				double x = i % 28 - 13.5 - (2 * (place % 4) - 3);
				double y = i / 28 - 13.5 - (2 * (place / 4) - 3);
				if (shapes_covers(s, shape, pose, i / 28, i % 28))
					far = fmax(far, fmax(fabs(x), fabs(y)));
			}
			assert_true(far <= r && far >= r / 2);
		}
	shapes_close(s);
}

/* Over many images: the mean of the highest probability is the accuracy, for every class and for the middle of the
 * scale. */
static void posterior_is_calibrated(void **state)
{
	(void)state;
	enum { N = 2500 };
	for (int channels = 1; channels <= 3; channels += 2) {
		struct err err = ERR_NONE;
		struct shapes *s;
		struct shapes_config c = { channels == 1 ? 28 : 32, channels, 10, 1, 0.05, 3 };
		static unsigned char px[3072];
		double p[10], sum = 0, right = 0, variance = 0, nll = 0, entropy = 0, spread = 0;
		double of_class[10] = { 0 }, count[10] = { 0 }, class_variance[10] = { 0 }, from_shape[10] = { 0 };
		struct shapes_draw d;
		assert_int_equal(shapes_open(&s, &c, &err), 0);
		double *work = malloc(shapes_work(s) * sizeof *work);
		for (uint32_t number = 0; number < N; number++) {
			int best = 0;
			double total = 0, h = 0, h2 = 0;
			shapes_image(s, 1, number, px, &d);
			shapes_posterior(s, px, p, work);
			for (int y = 0; y < 10; y++) {
				best = p[y] > p[best] ? y : best;
				total += p[y];
				of_class[y] += p[y];
				class_variance[y] += p[y] * (1 - p[y]);
				h -= p[y] * log(p[y]);
				h2 += p[y] * log(p[y]) * log(p[y]);
			}
			assert_true(fabs(total - 1) < 1e-12);
			sum += p[best];
			variance += p[best] * (1 - p[best]);
			right += best == d.label;
			count[d.label]++;
			from_shape[(d.label - d.shape + 10) % 10]++;
			nll -= log(p[d.label]);
			entropy += h;
			spread += h2 - h * h;
		}
		assert_true(fabs(right - sum) < 4 * sqrt(variance));
		assert_true(fabs(nll - entropy) < 4 * sqrt(spread));
		assert_in_range((int)(100 * sum / N), 50, 95); /* neither hopeless nor plain */
		for (int y = 0; y < 10; y++)
			assert_true(fabs(count[y] - of_class[y]) < 4 * sqrt(class_variance[y]));
		for (int y = 0; y < 10; y++) { /* a label that is wrong is any other */
			double share = y ? c.noise / 9 : 1 - c.noise;
			assert_true(from_shape[y] > 0 &&
				    fabs(from_shape[y] - N * share) < 4 * sqrt(N * share * (1 - share)));
		}
		free(work);
		shapes_close(s);
	}
}

static void files_and_records(void **state)
{
	(void)state;
	for (int layout = SYNTH_IDX; layout <= SYNTH_CIFAR; layout++) {
		struct err err = ERR_NONE;
		struct synth_images_config c = { (enum synth_layout)layout, 10, 300, 20, 1, 0.05, 9, 2 };
		struct synth_images_summary sum;
		struct source src;
		struct source_options so = { .codec.max_pixels = 1 << 20, .fold = -1 };
		struct item item[400];
		char *paths[1] = { dir }, path[SCRATCH_PATH + 16], note[128];
		int n;
		if (synth_images(&c, dir, &sum, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(sum.n, 320);
		if (source_open(&src, layout == SYNTH_IDX ? SOURCE_IDX : SOURCE_CIFAR10, paths, 1, &so, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(src.ops->next(&src, item, 400, &n, &err), 0);
		assert_int_equal(n, 320);
		/* the image of the file is the image drawn, and its posterior is on its line */
		struct shapes *s;
		struct shapes_config sc = {
			layout == SYNTH_IDX ? 28 : 32, layout == SYNTH_IDX ? 1 : 3, 10, 1, 0.05, 9
		};
		assert_int_equal(shapes_open(&s, &sc, &err), 0);
		double *work = malloc(shapes_work(s) * sizeof *work), p[10];
		struct image im = { 0 };
		struct scratch scratch = { 0 };
		static unsigned char px[3072];
		snprintf(path, sizeof path, "%s/posterior.tsv", dir);
		FILE *f = fopen(path, "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "record%*[^\n]"), 0);
		for (int i = 0; i < n; i++) {
			struct shapes_draw d;
			int line;
			shapes_image(s, i >= 300, (uint32_t)(i >= 300 ? i - 300 : i), px, &d);
			shapes_posterior(s, px, p, work);
			assert_int_equal(item[i].label, d.label);
			assert_int_equal(item[i].split, i >= 300 ? SPLIT_TEST : SPLIT_TRAIN);
			assert_int_equal(src.ops->load(&src, &item[i], NULL, &im, &scratch, note, &err), 0);
			for (int k = 0; k < sc.side * sc.side; k++)
				for (int ch = 0; ch < sc.channels; ch++)
					assert_int_equal(im.px[k * sc.channels + ch], px[ch * sc.side * sc.side + k]);
			assert_int_equal(fscanf(f, "%d", &line), 1);
			assert_int_equal(line, i);
			for (int y = 0; y < 10; y++) {
				double v;
				assert_int_equal(fscanf(f, "%lf", &v), 1);
				assert_true(v == p[y]);
			}
		}
		fclose(f);
		free(work);
		image_release(&im);
		scratch_release(&scratch);
		shapes_close(s);
		source_release(&src);
	}
}

static void same_at_any_threads(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct synth_images_summary sum;
	char path[SCRATCH_PATH + 16], *text[2];
	size_t n[2];
	snprintf(path, sizeof path, "%s/posterior.tsv", dir);
	for (int threads = 1; threads <= 2; threads++) {
		struct synth_images_config c = { SYNTH_IDX, 3, 700, 5, 0.5, 0, 9, threads * 2 - 1 };
		assert_int_equal(synth_images(&c, dir, &sum, &err), 0);
		assert_int_equal(io_slurp(path, 1 << 24, &text[threads - 1], &n[threads - 1], &err), 0);
	}
	assert_int_equal(n[0], n[1]);
	assert_memory_equal(text[0], text[1], n[0]);
	free(text[0]);
	free(text[1]);
	struct synth_images_config c = { SYNTH_CIFAR, 3, 700, 5, 0.5, 0, 9, 1 };
	assert_int_equal(synth_images(&c, dir, &sum, &err), -1);
	assert_non_null(strstr(err.msg, "ten classes, not 3"));
}

static void too_large_is_said(void **state)
{
	(void)state;
	struct shapes *s = NULL;
	struct err err = ERR_NONE;
	const struct shapes_config c = { 33, 1, 10, 1, 0, 1 };
	assert_int_equal(shapes_open(&s, &c, &err), -1);
	assert_int_equal(err.status, VIC_USAGE);
	assert_string_equal(err.msg, "an image of 33 pixels a side; the most is 32");
	shapes_close(s);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int main(void)
{
	if (scratch_folder(dir, "shapes"))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(posterior_by_the_long_way),
					    cmocka_unit_test(shapes_keep_their_size),
					    cmocka_unit_test(posterior_is_calibrated),
					    cmocka_unit_test(files_and_records),
					    cmocka_unit_test(same_at_any_threads),
					    cmocka_unit_test(too_large_is_said) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
