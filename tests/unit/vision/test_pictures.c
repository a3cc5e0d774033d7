/* JPEG records decoded beside what the caller does: the pixels are those of each record by itself, in whatever order
 * and by however many threads, and of records that do not decode the first is named. */
#include "models/data/turns.h"
#include "vision/pixels/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { KINDS = 8, RECORDS = 60, MOST = 1 << 12 };

static unsigned char file[KINDS][MOST];
static const void *bytes[RECORDS];
static uint32_t len[RECORDS], order[RECORDS];
static uint64_t id[RECORDS];
static uint8_t split[RECORDS];
static struct dataset data = {
	.head = { .kind = STREAM_IMAGES, .encoding = ENCODING_JPEG },
	.n = RECORDS,
	.id = id,
	.split = split,
	.images = { .pixel = bytes, .len = len }
};

static int read_files(void **state)
{
	static const char *const name[KINDS] = { "rgb420", "rgb444", "grey", "cmyk", "exif6", "exif3", "progressive",
						 "restart" };
	uint32_t size[KINDS];
	char path[128];
	(void)state;
	for (int i = 0; i < KINDS; i++) {
		snprintf(path, sizeof path, "tests/golden/images/%s.jpg", name[i]);
		FILE *f = fopen(path, "rb");
		if (!f)
			return -1;
		size[i] = (uint32_t)fread(file[i], 1, MOST, f);
		fclose(f);
	}
	for (uint32_t r = 0; r < RECORDS; r++) {
		bytes[r] = file[r * 5 % KINDS];
		len[r] = size[r * 5 % KINDS];
		id[r] = 100 + r;
		split[r] = r % 3 ? SPLIT_TRAIN : r % 2 ? SPLIT_DEV : SPLIT_TEST;
		order[r] = r * 7 % RECORDS;
	}
	return 0;
}

/* Record r alone. */
static void plain(uint32_t r, unsigned char *to)
{
	struct codec_options options = { .max_pixels = 1 << 20 };
	struct want want = { data.head.height, data.head.width, data.images.fit };
	struct jpeg_scratch scratch = { 0 };
	struct image im = { 0 };
	struct err err;
	assert_int_equal(jpeg_record(bytes[r], len[r], &options, &want, data.head.channels, &im, &scratch, &err), 0);
	memcpy(to, im.px, image_bytes(&im));
	image_release(&im);
	jpeg_scratch_release(&scratch);
}

static void form(int h, int w, enum image_fit fit, int channels)
{
	struct want want = { h, w, fit };
	image_data_form(&data, &want, channels);
}

/* Three sets on their way at once, of as many rounds. */
static void each_is_as_alone(void **state)
{
	enum { SETS = 3 };
	unsigned char want[20 * 16 * 3];
	(void)state;
	for (int threads = 1; threads <= 4; threads++) {
		struct pictures *p;
		struct decoding set[SETS] = { 0 };
		struct err err;
		form(8 + threads, 16 - threads, threads % 2 ? FIT_CROP : FIT_STRETCH, threads == 3 ? 1 : 3);
		assert_int_equal(pictures_open(&p, threads, &err), 0);
		for (int i = 0; i < 5 * SETS; i++) {
			struct decoding *d = &set[i % SETS];
			assert_int_equal(pictures_await(p, d, &err), 0);
			for (int k = 0; k < d->n; k++) {
				plain(d->record[k], want);
				assert_memory_equal(d->pixel + (size_t)k * pictures_bytes(&data), want,
						    pictures_bytes(&data));
			}
			d->data = &data;
			d->record = order + 3 * i;
			d->n = i == 4 ? 0 : 1 + i; /* none is fine */
			assert_int_equal(pictures_begin(p, d, &err), 0);
		}
		for (int i = 0; i < SETS; i++) {
			assert_int_equal(pictures_await(p, &set[i], &err), 0);
			decoding_release(&set[i]);
		}
		pictures_close(p);
	}
}

static void the_first_bad_one_is_named(void **state)
{
	struct pictures *p;
	struct decoding d = { .data = &data, .record = order, .n = RECORDS };
	struct err err;
	(void)state;
	form(12, 12, FIT_CROP, 3);
	assert_int_equal(pictures_open(&p, 3, &err), 0);
	uint32_t kept[] = { len[order[50]], len[order[20]], len[order[0]] };
	len[order[50]] = 2;
	len[order[20]] /= 2;
	for (int round = 0; round < 20; round++) {
		char text[64];
		int first = round < 10 ? 20 : 0;
		len[order[0]] = first ? kept[2] : kept[2] / 2;
		assert_int_equal(pictures_begin(p, &d, &err), 0);
		assert_int_equal(pictures_await(p, &d, &err), -1);
		snprintf(text, sizeof text, "record with id %d: JPEG: Premature end", 100 + (int)order[first]);
		assert_int_equal(strncmp(err.msg, text, strlen(text)), 0);
	}
	len[order[50]] = kept[0];
	len[order[20]] = kept[1];
	len[order[0]] = kept[2];
	assert_int_equal(pictures_begin(p, &d, &err), 0);
	assert_int_equal(pictures_await(p, &d, &err), 0);
	decoding_release(&d);
	pictures_close(p);
}

/* The remedy is one that there is: vic-train has no --max-pixels. */
static void too_many_pixels_are_said(void **state)
{
	struct pictures *p;
	struct decoding d = { .data = &data, .record = order, .n = RECORDS };
	struct err err;
	unsigned char copy[MOST];
	uint32_t r = order[20];
	const unsigned char *kept = bytes[r];
	(void)state;
	form(12, 12, FIT_CROP, 3);
	memcpy(copy, kept, len[r]);
	for (size_t i = 0; i + 9 < len[r]; i++)
		if (copy[i] == 0xff && (copy[i + 1] == 0xc0 || copy[i + 1] == 0xc2))
			memcpy(copy + i + 5, "\x9c\x40\x9c\x40", 4);
	bytes[r] = copy;
	assert_int_equal(pictures_open(&p, 2, &err), 0);
	assert_int_equal(pictures_begin(p, &d, &err), 0);
	assert_int_equal(pictures_await(p, &d, &err), -1);
	assert_non_null(strstr(err.msg, "announces 40000x40000 pixels, more than the 67108864 that are decoded here; "
					"vic-images --format stream --resize HxW --max-pixels N makes pixels of such"));
	bytes[r] = kept;
	decoding_release(&d);
	pictures_close(p);
}

/* Instead of the C library's: a second has gone each time that one looks. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	static _Atomic long now;
	(void)clock;
	*t = (struct timespec){ .tv_sec = 1 + now++ };
	return 0;
}

/* Looks at all, on a terminal, which shows how far it is: each piece's first record, in their order. */
static void look_in_pieces(size_t seen, size_t piece)
{
	struct progress progress;
	struct err err;
	char said[4096], *at = said;
	int stderr_now = dup(STDERR_FILENO), fd = memfd_create("said", MFD_CLOEXEC);
	progress_begin(&progress, "looking", 0, 0);
	progress.on = 1;
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	int rc = pictures_look(&data, 2, NULL, &progress, &err);
	fflush(stderr);
	dup2(stderr_now, STDERR_FILENO);
	close(stderr_now);
	ssize_t n = pread(fd, said, sizeof said - 1, 0);
	close(fd);
	assert_true(!rc && n >= 0);
	said[n] = 0;
	for (size_t from = 0; from < seen; from += piece) {
		char want[80];
		snprintf(want, sizeof want, "\r\033[Klooking: %zu of %zu, ", from, seen);
		if (strncmp(at, want, strlen(want)))
			fail_msg("%s, not %s", at, want);
		at = strchr(at + 1, '\r') ? strchr(at + 1, '\r') : at + strlen(at);
	}
	assert_true(!*at);
}

/* The channels' sums are those of the records to train on, of pieces of whatever size and number; dev records are
 * looked at, those for testing are not. */
static void looking(void **state)
{
	static const struct {
		int side;
		size_t seen, piece;
	} cases[] = { { 9, 50, 256 }, { 600, 1, 15 }, { 600, 15, 15 }, { 600, 31, 15 } };
	static unsigned char px[600 * 600 * 3];
	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct moments want = { 0 };
		size_t seen = 0;
		form(cases[k].side, cases[k].side, FIT_CROP, 3);
		for (data.n = 0; data.n < RECORDS && seen < cases[k].seen; data.n++) {
			seen += split[data.n] != SPLIT_TEST;
			if (split[data.n] != SPLIT_TRAIN)
				continue;
			plain((uint32_t)data.n, px);
			moments_add(&want, &data.head, px);
		}
		assert_int_equal(seen, cases[k].seen);
		look_in_pieces(seen, cases[k].piece);
		assert_int_equal(data.images.moments.n, want.n);
		assert_memory_equal(data.images.moments.sum, want.sum, sizeof want.sum);
		assert_memory_equal(data.images.moments.squares, want.squares, sizeof want.squares);
	}
	data.n = RECORDS;
	struct progress progress;
	struct err err;
	uint32_t kept = len[0];
	progress_begin(&progress, "", 0, 1);
	len[0] = 9; /* for testing: nobody looks */
	assert_int_equal(pictures_look(&data, 2, NULL, &progress, &err), 0);
	len[0] = kept;
	len[3] = 9; /* a dev record */
	assert_int_equal(pictures_look(&data, 2, NULL, &progress, &err), -1);
	assert_int_equal(strncmp(err.msg, "record with id 103: ", 20), 0);
}

static size_t made[RECORDS + 1];
static int n_made;

static int make_noted(const struct turns_pass *p, struct batcher *b, size_t at, struct err *err)
{
	assert_true(at < p->n && n_made <= RECORDS);
	made[n_made++] = at;
	return batch_plain(b, order + at, (int)(p->n - at < p->step ? p->n - at : p->step), err);
}

/* The batches of a pass until it is left, each made once, in their order; of JPEG records, `ahead`, one before it is
 * asked for. */
static void pass_by_turns(struct turns *t, const struct turns_pass *p, size_t until, size_t ahead)
{
	unsigned char want[12 * 10 * 3];
	struct err err = ERR_NONE;
	turns_begin(t);
	n_made = 0;
	for (size_t at = 0, i = 1; at < until; at += p->step, i++) {
		size_t n = p->n - at < p->step ? p->n - at : p->step, all = (p->n + p->step - 1) / p->step;
		assert_int_equal(turns_take(t, p, at, &err), 0);
		assert_int_equal(n_made, i + ahead < all ? i + ahead : all);
		assert_int_equal(made[i - 1], at);
		assert_int_equal(turns_now(t)->batch.n, n);
		for (size_t k = 0; k < n && ahead; k++) {
			plain(order[at + k], want);
			assert_memory_equal(turns_now(t)->batch.images->pixel[k], want, pictures_bytes(&data));
		}
	}
}

static void by_turns(void **state)
{
	const struct preprocessing as_is = { .h = 12, .w = 10, .deviation = { 1, 1, 1 } };
	(void)state;
	form(12, 10, FIT_CROP, 3);
	for (int jpeg = 0; jpeg < 2; jpeg++) {
		struct turns t = { .turn = 0 };
		struct err err = ERR_NONE;
		data.head.encoding = jpeg ? ENCODING_JPEG : ENCODING_RAW;
		assert_int_equal(turns_open(&t, &data, &as_is, 2, &err), 0);
		for (size_t step = 1; step <= RECORDS + 1; step += step < 8 ? 1 : 13)
			for (size_t n = 0; n <= RECORDS; n += 12) {
				struct turns_pass p = { .n = n, .step = step, .make = make_noted };
				pass_by_turns(&t, &p, n / 2, (size_t)jpeg); /* left: what is ahead is of no pass */
				pass_by_turns(&t, &p, n, (size_t)jpeg);
			}
		turns_release(&t);
	}
	data.head.encoding = ENCODING_JPEG;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_as_alone),
		cmocka_unit_test(the_first_bad_one_is_named),
		cmocka_unit_test(too_many_pixels_are_said),
		cmocka_unit_test(by_turns),
		cmocka_unit_test(looking),
	};
	return cmocka_run_group_tests(tests, read_files, NULL);
}
