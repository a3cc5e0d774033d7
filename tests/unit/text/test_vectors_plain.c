/* Text files of word vectors against a plain reading of them, line by line with strtof: files of many slices, garbled
 * rows at random, by mapping and by gzip, whose windows end elsewhere. */
#include "embed/oov.h"
#include "embed/vectors.h"
#include "pipeline/base/philox.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

enum { WORDS = 50, DIM = 6, ROOM = 10 << 20 };

static char path[4096], packed[4200];

struct plain {
	struct vectors_counts count;
	float row[WORDS][DIM];
	unsigned char found[WORDS];
};

static void note(struct vectors_counts *c, uint64_t *kind, uint64_t line)
{
	++*kind;
	if (!c->first_bad)
		c->first_bad = line;
}

/* What a field is: 0 a finite number, 1 none, 2 one that is not finite. The fields drawn here leave no doubt. */
static int field(const char *text, float *v)
{
	char *end;
	*v = strtof(text, &end);
	return end == text || *end ? 1 : !isfinite(*v) ? 2 : 0;
}

/* A line of known parts: w < 0: a word that nobody wants; fields of number of them. */
static void read_line(struct plain *p, int w, int spaced, char text[][40], int fields, uint64_t line)
{
	struct vectors_counts *c = &p->count;
	float v[DIM + 2];
	int bad = 0, infinite = 0, dim = DIM;
	c->rows++;
	for (int i = 0; i < fields; i++) {
		int kind = field(text[i], &v[i]);
		bad += kind == 1;
		infinite += kind == 2;
	}
	/* with a space in the word the row's fields must be numbers */
	if (fields < dim || (spaced && (bad || infinite))) {
		note(c, &c->fields, line);
	} else if (spaced) {
		c->spaced++;
	} else if (w >= 0 && p->found[w]) {
		c->repeats++;
	} else if (w >= 0 && bad) {
		note(c, &c->numbers, line);
	} else if (w >= 0 && infinite) {
		note(c, &c->nonfinite, line);
	} else if (w >= 0) {
		p->found[w] = 1;
		memcpy(p->row[w], v, sizeof p->row[w]);
	}
}

static void draw_field(struct rng *r, uint32_t trouble, char to[40])
{
	static const char *const odd[] = { "x", "nan", "inf", "1e99", "1,5", "--1", "", "1e", "-INF" };
	uint32_t kind = rng_below(r, trouble);
	if (kind == 0 && rng_below(r, 4) == 0)
		snprintf(to, 40, "%s", odd[rng_below(r, sizeof odd / sizeof *odd)]);
	else if (kind < 3)
		snprintf(to, 40, "%.*e", (int)rng_below(r, 20),
			 (rng_real(r) - 0.5) * pow(10, (int)rng_below(r, 60) - 30));
	else
		snprintf(to, 40, "%.*f", (int)rng_below(r, 9), 8 * (rng_real(r) - 0.5));
	if (!*to) /* two spaces in a row would make the word longer */
		snprintf(to, 40, "y");
}

/* Draws a file of about `size` bytes and reads it on the way. */
static size_t draw(struct rng *r, size_t size, char *data, struct plain *p)
{
	size_t n = 0;
	uint64_t line = 0;
	uint32_t trouble = rng_below(r, 2) ? 1u << 30 : 60, common = rng_below(r, 2) ? 4 : 3000;
	*p = (struct plain){ .count.rows = 0 };
	while (n < size) {
		char text[DIM + 2][40];
		int w = rng_below(r, common) ? -1 : (int)rng_below(r, WORDS), fields = DIM, spaced = 0;
		line++;
		if (line > 200 && rng_below(r, trouble) == 0)
			fields -= 1 + (int)rng_below(r, DIM);
		if (line > 200 && rng_below(r, 500) == 0) {
			p->count.blank++;
			n += (size_t)snprintf(data + n, 8, "%s\n", line % 2 ? "" : " \r");
			continue;
		}
		if (fields == DIM && rng_below(r, 300) == 0)
			spaced = 1;
		n += (size_t)snprintf(data + n, 64, w < 0 ? "other%d" : "w%d", w < 0 ? (int)rng_below(r, 1000) : w);
		if (spaced)
			n += (size_t)snprintf(data + n, 8, " z");
		for (int i = 0; i < fields; i++) {
			draw_field(r, line > 200 ? trouble : 1u << 30, text[i]);
			n += (size_t)snprintf(data + n, 48, " %s", text[i]);
		}
		n += (size_t)snprintf(data + n, 8, "%s", line % 5 ? "\n" : line % 10 ? " \n" : "\r\n");
		read_line(p, w, spaced, text, fields, line);
	}
	p->count.bytes = n;
	return n;
}

static void same(const struct vectors *v, const struct plain *p)
{
	uint32_t found = 0;
	assert_int_equal(v->dim, DIM);
	for (int w = 0; w < WORDS; w++) {
		assert_int_equal(v->found[w], p->found[w]);
		found += p->found[w];
		for (int k = 0; k < DIM; k++)
			if (!(v->row[w * DIM + k] == (p->found[w] ? p->row[w][k] : 0)))
				fail_msg("word %d, number %d: %g instead of %g", w, k, v->row[w * DIM + k],
					 p->row[w][k]);
	}
	assert_int_equal(v->n_found, found);
	assert_memory_equal(&v->count, &p->count, sizeof v->count);
	assert_int_equal(vectors_garbled(&v->count), p->count.fields + p->count.numbers + p->count.nonfinite);
}

static void as_plain_reading(void **state)
{
	static struct plain p;
	static const size_t size[] = { 20000, 1 << 20, 9 << 20, 1000, 2 << 20 };
	struct err err = ERR_NONE;
	struct vocab words;
	struct pool *pool;
	char *data = malloc(ROOM + 4096), word[8];
	(void)state;
	assert_int_equal(pool_open(&pool, 2, &err) || vocab_init(&words, 0, &err), 0);
	for (int w = 0; w < WORDS; w++)
		assert_int_equal(vocab_add(&words, word, (size_t)snprintf(word, sizeof word, "w%d", w), NULL, &err), 0);
	for (uint32_t round = 0; round < sizeof size / sizeof *size; round++) {
		struct vectors v;
		struct rng r;
		rng_init(&r, 41, RNG_TEST, round, 0);
		size_t n = draw(&r, size[round], data, &p);
		int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
		assert_int_equal(write(fd, data, n), n);
		close(fd);
		gzFile z = gzopen(packed, "wb1");
		assert_int_equal(gzwrite(z, data, (unsigned)n), n);
		assert_int_equal(gzclose(z), Z_OK);
		for (int way = 0; way < 2; way++) {
			if (vectors_read(&v, way ? packed : path, VECTORS_AUTO, way ? DIM : 0, &words, pool, &err))
				fail_msg("%s", err.msg);
			same(&v, &p);
			vectors_release(&v);
		}
	}
	vocab_release(&words);
	pool_close(pool);
	free(data);
}

/* word2vec's rows end nowhere but after their numbers, so a word that goes on for ever is found out by its length. */
static void words_of_any_length(void **state)
{
	enum { MOST = 65535 };
	struct err err = ERR_NONE;
	struct vocab words;
	struct pool *pool;
	char *data = malloc(4 * MOST);
	(void)state;
	assert_int_equal(pool_open(&pool, 1, &err) || vocab_init(&words, 0, &err), 0);
	memset(data, 'a', 2 * MOST);
	assert_int_equal(vocab_add(&words, data, MOST, NULL, &err), 0);
	for (size_t len = MOST; len < MOST + 2; len++) {
		const float v[2] = { 1.5f, -2 };
		struct vectors got;
		size_t n = (size_t)snprintf(data, 16, "2 2\n");
		for (int row = 0; row < 2; row++) {
			memset(data + n, 'a', len);
			n += len;
			data[n++] = ' ';
			memcpy(data + n, v, sizeof v);
			n += sizeof v;
		}
		int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
		assert_int_equal(write(fd, data, n), n);
		close(fd);
		assert_int_equal(vectors_read(&got, path, VECTORS_WORD2VEC, 0, &words, pool, &err),
				 len == MOST ? 0 : -1);
		if (len == MOST)
			assert_true(got.found[0] && got.count.repeats == 1 && got.row[1] == -2);
		else
			assert_non_null(strstr(err.msg, "row 1 has no word of at most 65536 bytes"));
		vectors_release(&got);
	}
	vocab_release(&words);
	pool_close(pool);
	free(data);
}

/* The number k of word w in the file of n rows: a multiple of 1/8, whose sums and squares double holds exactly. */
static double number(int n, int w, int k)
{
	return (w * 37 + k * 11 + n * 5) % 64 / 8.0 - 3;
}

static void write_rows(int n)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0, w; i < n; i++) {
		fprintf(f, "w%d", w = n - 1 - i);
		for (int k = 0; k < DIM; k++)
			fprintf(f, " %g", number(n, w, k));
		fprintf(f, "\n");
	}
	assert_int_equal(fclose(f), 0);
}

/* Each number of wanted rows: a task reads the numbers of 64. The words that are missing are drawn by the standard
 * deviation of the rest, here from one pass of exact sums. */
static void any_number_of_rows(void **state)
{
	enum { MOST = 130, MISSING = 3 };
	struct err err = ERR_NONE;
	struct vocab words;
	struct pool *pool;
	char word[8];
	(void)state;
	assert_int_equal(pool_open(&pool, 2, &err) || vocab_init(&words, 0, &err), 0);
	for (int w = 0; w < MOST + MISSING; w++)
		assert_int_equal(vocab_add(&words, word, (size_t)snprintf(word, sizeof word, "w%d", w), NULL, &err), 0);
	for (int n = 1; n <= MOST; n++) {
		struct oov oov = { .kind = OOV_STD };
		struct vectors v;
		double sum = 0, squares = 0;
		write_rows(n);
		if (vectors_read(&v, path, VECTORS_TEXT, DIM, &words, pool, &err) ||
		    oov_fill(&oov, 1, &words, &v, &err))
			fail_msg("%d rows: %s", n, err.msg);
		assert_int_equal(v.n_found, n);
		for (int w = 0; w < n; w++)
			for (int k = 0; k < DIM; k++) {
				double x = number(n, w, k);
				sum += x;
				squares += x * x;
				if (!(v.row[w * DIM + k] == x))
					fail_msg("%d rows: word %d, number %d is %g", n, w, k, v.row[w * DIM + k]);
			}
		double all = n * (double)DIM, a = sqrt(3 * (squares - sum * sum / all) / all);
		assert_true(fabs(oov.a - a) <= 1e-12 * a);
		for (int i = n * DIM; i < (MOST + MISSING) * DIM; i++)
			assert_true(v.row[i] != 0 && fabs(v.row[i]) <= a);
		vectors_release(&v);
	}
	vocab_release(&words);
	pool_close(pool);
}

/* Whether a file of rows of two numbers, of one, and of two whose word is a pair of numbers joined by a comma is taken:
 * more than half must have as many numbers, half where --dim says how many; joined words, half at most. */
static void votes_of_rows(void **state)
{
	enum { MOST = 4 };
	static const char *const row[][2] = { { "w", " 1.5 2" }, { "w", " 1.5" }, { "", ",5 1.5 2" } };
	struct vocab words;
	struct pool *pool;
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(pool_open(&pool, 1, &err) || vocab_init(&words, 0, &err), 0);
	assert_int_equal(vocab_add(&words, "w0", 2, NULL, &err), 0);
	for (int shape = 1; shape < (MOST + 1) * (MOST + 1) * (MOST + 1); shape++) {
		int of[] = { shape % (MOST + 1), shape / (MOST + 1) % (MOST + 1), shape / (MOST + 1) / (MOST + 1) };
		int all = of[0] + of[1] + of[2], two = of[0] + of[2], left[] = { of[0], of[1], of[2] };
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		for (int i = 0, kind = shape; i < all; i++, kind++) {
			while (!left[kind % 3])
				kind++;
			left[kind % 3]--;
			fprintf(f, "%s%d%s\n", row[kind % 3][0], i, row[kind % 3][1]);
		}
		assert_int_equal(fclose(f), 0);
		for (int asked = 0; asked <= 2; asked++) {
			struct vectors v;
			int votes = asked == 2 ? two : asked == 1 ? of[1] : two > of[1] ? two : of[1];
			int taken = votes && 2 * of[2] <= all && (asked ? 2 * votes >= all : 2 * votes > all);
			int rc = vectors_read(&v, path, VECTORS_TEXT, asked, &words, pool, &err);
			if (rc != (taken ? 0 : -1) || (taken && v.dim != (asked ? asked : two > of[1] ? 2 : 1)))
				fail_msg("%d, %d and %d rows, --dim %d: %s", of[0], of[1], of[2], asked,
					 rc ? err.msg : "taken");
			vectors_release(&v);
		}
	}
	vocab_release(&words);
	pool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_plain_reading),
					    cmocka_unit_test(words_of_any_length),
					    cmocka_unit_test(any_number_of_rows),
					    cmocka_unit_test(votes_of_rows) };
	snprintf(path, sizeof path, "%s/vic-vectors-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	snprintf(packed, sizeof packed, "%s.gz", path);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(packed);
	return rc;
}
