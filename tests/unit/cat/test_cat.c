/* What vic-cat shows of random streams of every kind, in one or two documents: counts and picked records against a
 * plain telling of what was put in, and arrays and tables against what reads them back. */
#include "tests/append.h"
#include "pipeline/base/memtext.h"
#include "pipeline/base/philox.h"
#include "pipeline/cat/cat.h"
#include "pipeline/cat/import.h"
#include "pipeline/formats/npy.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 20, WORDS = 7, LONG = 6, VALUES = 12, ROOM = 1 << 16 };

static const char *const word[WORDS] = { "good", "bad", "film", "\xC3\xA9", "a\"b", "x,y", "z" };
static const char *const class_name[] = { "pos", "a,b", "say \"so\"", " x", "tab\there", "two\nlines", "back\\slash" };

struct record {
	uint64_t id;
	int32_t label;
	int split, document, n; /* n: of words */
	uint32_t words[LONG];
	double value[VALUES];
	char name[8];
};
static struct record rec[RECORDS];
static struct stream_head head;
static int n_rec, documents, per_image;
static unsigned char initialised[2][WORDS]; /* by document */

/* Files in memory, by names that lead to them. */
static struct {
	char name[40];
	int fd;
} made, shown, labels;

static void open_memory(void)
{
	char *name[] = { made.name, shown.name, labels.name };
	int *fd[] = { &made.fd, &shown.fd, &labels.fd };
	for (int i = 0; i < 3; i++) {
		*fd[i] = memfd_create("file", MFD_CLOEXEC);
		assert_true(*fd[i] >= 0);
		snprintf(name[i], 40, "/proc/self/fd/%d", *fd[i]);
	}
}

static void anew(int fd)
{
	assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
}

static void draw(struct rng *r, enum stream_kind kind)
{
	struct err err = ERR_NONE;
	int k = 1 + (int)rng_below(r, 4);
	head = (struct stream_head){ .kind = kind, .names = (int)rng_below(r, 2) };
	if (kind == STREAM_TEXT)
		head.dim = 2;
	if (kind == STREAM_LOGITS) {
		k = 2 + (int)rng_below(r, 2);
		head.dtype = rng_below(r, 2) ? DTYPE_F64 : DTYPE_F32;
		head.samples = 1 + (int)rng_below(r, 3);
	}
	if (kind == STREAM_IMAGES) {
		head.height = head.width = 2;
		head.channels = rng_below(r, 2) ? 3 : 1;
		head.encoding = rng_below(r, 2) ? ENCODING_RAW : ENCODING_F32;
	}
	per_image = 4 * head.channels;
	const char *names[4];
	uint32_t from = rng_below(r, 7);
	for (int i = 0; i < k; i++)
		names[i] = class_name[(from + (uint32_t)i) % 7];
	assert_int_equal(stream_head_classes(&head, k, names, &err), 0);
	documents = 1 + (int)rng_below(r, 2);
	n_rec = (int)rng_below(r, RECORDS + 1);
	for (int i = 0; i < n_rec; i++) {
		struct record *x = &rec[i];
		*x = (struct record){ .id = rng_below(r, 500),
				      .label = (int32_t)rng_below(r, (uint32_t)k + 1) - 1,
				      .split = (int)rng_below(r, SPLIT_COUNT),
				      .document = documents > 1 && i >= n_rec / 2,
				      .n = (int)rng_below(r, LONG + 1) };
		for (int j = 0; j < x->n; j++)
			x->words[j] = rng_below(r, WORDS);
		for (int j = 0; j < VALUES; j++) {
			double v = kind == STREAM_IMAGES && head.encoding == ENCODING_RAW ? rng_below(r, 256)
											  : 8 * rng_real(r) - 4;
			x->value[j] = kind == STREAM_LOGITS && head.dtype == DTYPE_F64 ? v : (double)(float)v;
			if (kind == STREAM_LOGITS && j % 2 && rng_below(r, 20) == 0)
				x->value[j] = -INFINITY;
		}
		snprintf(x->name, sizeof x->name, "%s", head.names && rng_below(r, 2) ? "n.png" : "");
	}
	for (int d = 0; d < 2; d++)
		for (int w = 0; w < WORDS; w++)
			initialised[d][w] = (unsigned char)rng_below(r, 2);
}

/* The words' ids are the other way round in the second document. */
static uint32_t id_of(int document, uint32_t w)
{
	return document ? WORDS - 1 - w : w;
}

/* A record's bytes. */
static size_t pack(const struct record *x, unsigned char *to)
{
	size_t n = 0;
	if (head.kind == STREAM_TOKENS)
		for (int j = 0; j < x->n; j++)
			append((char *)to, ROOM, &n, "%s%s", j ? " " : "", word[x->words[j]]);
	for (int j = 0; head.kind == STREAM_TEXT && j < x->n; j++, n += 4) {
		uint32_t id = id_of(x->document, x->words[j]);
		memcpy(to + n, &id, 4);
	}
	int values = head.kind == STREAM_LOGITS	  ? head.n_classes * head.samples
		     : head.kind == STREAM_IMAGES ? per_image
						  : 0;
	for (int j = 0; j < values; j++) {
		float f = (float)x->value[j];
		if (head.kind == STREAM_IMAGES && head.encoding == ENCODING_RAW)
			to[n++] = (unsigned char)x->value[j];
		else if (head.kind == STREAM_LOGITS && head.dtype == DTYPE_F64)
			memcpy(to + n, &x->value[j], 8), n += 8;
		else
			memcpy(to + n, &f, 4), n += 4;
	}
	return n;
}

static void write_stream(void)
{
	struct err err = ERR_NONE;
	struct output out;
	static unsigned char bytes[ROOM];
	anew(made.fd);
	assert_int_equal(output_open(&out, made.name, &err), 0);
	for (int d = 0; d < documents; d++) {
		struct stream_writer *w;
		assert_int_equal(stream_begin(&w, &out, &head, NULL, NULL, &err), 0);
		for (uint32_t k = 0; head.kind == STREAM_TEXT && k < WORDS; k++) {
			uint32_t is = id_of(d, k);
			float v[2] = { (float)is, 1 };
			assert_int_equal(stream_add_word(w, word[is], strlen(word[is]), v,
							 initialised[d][is] ? WORD_INITIALISED : WORD_PRETRAINED, &err),
					 0);
		}
		for (int i = 0; i < n_rec; i++) {
			if (rec[i].document != d)
				continue;
			size_t n = pack(&rec[i], bytes);
			if (head.names)
				assert_int_equal(stream_add_name(w, rec[i].name, strlen(rec[i].name), &err), 0);
			if (stream_add(w, rec[i].id, rec[i].label, rec[i].split, bytes, n, &err))
				fail_msg("%s", err.msg);
			if (rec[i].id % 3 == 0)
				assert_int_equal(stream_flush(w, &err), 0);
		}
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
	}
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
}

/* What shown holds, with a NUL after it; *n bytes. */
static char *read_shown(int fd, size_t *n)
{
	static char text[ROOM];
	ssize_t k = pread(fd, text, ROOM - 1, 0);
	assert_true(k >= 0);
	text[k] = 0;
	*n = (size_t)k;
	return text;
}

/* All documents through one of the functions. */
static void each_document(int (*f)(struct stream_reader *, uint64_t, struct output *, void *, struct err *), void *arg,
			  struct output *out)
{
	struct err err = ERR_NONE;
	struct stream_reader *s;
	int rc;
	assert_int_equal(stream_open(&s, made.name, &err), 0);
	for (uint64_t d = 1; (rc = stream_next_document(s, &err)) == 1; d++)
		if (f(s, d, out, arg, &err))
			fail_msg("%s", err.msg);
	assert_int_equal(rc, 0);
	stream_close(s);
}

static int add_stats(struct stream_reader *s, uint64_t d, struct output *out, void *arg, struct err *err)
{
	(void)d, (void)out;
	return stats_add(arg, s, err);
}

/* A class's name as it is shown; of none nothing. */
static const char *shown_name(int32_t label)
{
	const char *name = label < 0 ? "" : head.classes[label];
	return !strcmp(name, "tab\there")     ? "tab\\there"
	       : !strcmp(name, "two\nlines")  ? "two\\nlines"
	       : !strcmp(name, "back\\slash") ? "back\\\\slash"
					      : name;
}

/* The counts, as --stats prints them; a channel's moments apart. */
static void plain_stats(FILE *to)
{
	uint64_t tokens = 0, longest = 0, empty = 0, types = 0, fresh = 0, split[SPLIT_COUNT] = { 0 }, named = 0,
		 none = 0;
	uint64_t minus = 0;
	double least = INFINITY, greatest = -INFINITY;
	int seen[WORDS] = { 0 }, values = head.n_classes * head.samples;
	for (int i = 0; i < n_rec; i++) {
		const struct record *x = &rec[i];
		tokens += (uint64_t)x->n;
		longest = (uint64_t)x->n > longest ? (uint64_t)x->n : longest;
		empty += !x->n;
		for (int j = 0; j < x->n; j++) {
			types += !seen[x->words[j]]++;
			fresh += initialised[x->document][x->words[j]];
		}
		for (int j = 0; head.kind == STREAM_LOGITS && j < values; j++) {
			minus += isinf(x->value[j]) != 0;
			if (isinf(x->value[j]))
				continue;
			least = fmin(least, x->value[j]);
			greatest = fmax(greatest, x->value[j]);
		}
		split[x->split]++;
		named += x->name[0] != 0;
		none += x->label < 0;
	}
	fprintf(to, "kind %s\ndocuments %d\nrecords %d\n", stream_kind_name(head.kind), documents, n_rec);
	if (head.kind == STREAM_TOKENS || head.kind == STREAM_TEXT)
		fprintf(to, "tokens %" PRIu64 "\ntypes %" PRIu64 "\nlongest %" PRIu64 "\nempty %" PRIu64 "\n", tokens,
			types, longest, empty);
	if (head.kind == STREAM_TEXT)
		fprintf(to, "table %d\ndim 2\ninitialised %" PRIu64 "\n", documents * WORDS, fresh);
	if (head.kind == STREAM_IMAGES)
		fprintf(to, "shape 2x2x%d\nbytes %d\n", head.channels,
			n_rec * per_image * (head.encoding == ENCODING_RAW ? 1 : 4));
	if (head.kind == STREAM_LOGITS)
		fprintf(to, "values logits\ndtype %s\nsamples %d\n", head.dtype == DTYPE_F64 ? "f64" : "f32",
			head.samples);
	if (head.kind == STREAM_LOGITS && n_rec)
		fprintf(to, "least %.9g\ngreatest %.9g\n", least, greatest);
	if (minus)
		fprintf(to, "minus-infinity %" PRIu64 "\n", minus);
	for (int k = 0; k < SPLIT_COUNT; k++)
		if (split[k])
			fprintf(to, "split %s %" PRIu64 "\n", split_name(k), split[k]);
	for (int c = 0; c < head.n_classes; c++) {
		uint64_t n = 0;
		for (int i = 0; i < n_rec; i++)
			n += rec[i].label == c;
		fprintf(to, "class %s %" PRIu64 "\n", shown_name(c), n);
	}
	if (none)
		fprintf(to, "unlabelled %" PRIu64 "\n", none);
	if (named)
		fprintf(to, "named %" PRIu64 "\n", named);
}

/* Takes "channel C mean M sd S" out of the text, and compares. */
static void check_channels(char *text)
{
	char *at;
	int c, channels = 0, used;
	while ((at = strstr(text, "channel "))) {
		double mean, sd, sum = 0, squares = 0, n = 4.0 * n_rec, unit = head.encoding == ENCODING_RAW ? 255 : 1;
		assert_int_equal(sscanf(at, "channel %d mean %lf sd %lf\n%n", &c, &mean, &sd, &used), 3);
		assert_int_equal(c, channels++);
		for (int i = 0; i < n_rec; i++)
			for (int j = c; j < per_image; j += head.channels) {
				sum += rec[i].value[j] / unit;
				squares += rec[i].value[j] / unit * rec[i].value[j] / unit;
			}
		assert_true(fabs(mean - sum / n) < 2e-6);
		assert_true(fabs(sd - sqrt(squares / n - sum / n * (sum / n))) < 1e-5);
		memmove(at, at + used, strlen(at + used) + 1);
	}
	assert_int_equal(channels, head.kind == STREAM_IMAGES && n_rec ? head.channels : 0);
}

static void statistics(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct stats s = { 0 };
		struct output out;
		struct memtext m;
		char *want;
		size_t n;
		rng_init(&r, 34, RNG_TEST, i, 0);
		draw(&r, i % 4);
		write_stream();
		each_document(add_stats, &s, NULL);
		anew(shown.fd);
		assert_int_equal(output_open(&out, shown.name, &err), 0);
		assert_int_equal(stats_print(&s, &out, &err) || output_commit(&out, &err), 0);
		output_release(&out);
		stats_release(&s);
		assert_int_equal(memtext_open(&m, &err), 0);
		plain_stats(m.to);
		assert_int_equal(memtext_close(&m, &want, NULL, &err), 0);
		char *got = read_shown(shown.fd, &n);
		check_channels(got);
		assert_string_equal(got, want);
		free(want);
		stream_head_release(&head);
	}
}

static int show_twin(struct stream_reader *s, uint64_t d, struct output *out, void *arg, struct err *err)
{
	return cat_twin(s, d, arg, out, err);
}

/* Records of a split, so many at most: their ids, splits and tokens. */
static void picked_records(void **state)
{
	static unsigned char tokens[ROOM];
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct output out;
		size_t n;
		rng_init(&r, 35, RNG_TEST, i, 0);
		draw(&r, STREAM_TOKENS);
		write_stream();
		struct pick pick = { .split = (int)rng_below(&r, SPLIT_COUNT + 1) - 1,
				     .limit = rng_below(&r, 2) ? UINT64_MAX : rng_below(&r, 8) };
		struct pick used = pick;
		anew(shown.fd);
		assert_int_equal(output_open(&out, shown.name, &err), 0);
		each_document(show_twin, &used, &out);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		char *got = read_shown(shown.fd, &n), want[300];
		for (int k = 0, taken = 0, document = 0; k < n_rec; k++) {
			while (*got == '#')
				got = strchr(got, '\n') + 1;
			assert_true(document <= rec[k].document);
			if ((pick.split >= 0 && rec[k].split != pick.split) || (uint64_t)taken >= pick.limit)
				continue;
			taken++;
			tokens[pack(&rec[k], tokens)] = 0;
			snprintf(want, sizeof want, "%" PRIu64 "\t%s\t", rec[k].id, split_name(rec[k].split));
			assert_memory_equal(got, want, strlen(want));
			got = strchr(got + strlen(want), '\t') + 1;
			snprintf(want, sizeof want, "%s%s%s\n", (char *)tokens, head.names ? "\t" : "", rec[k].name);
			if (strncmp(got, want, strlen(want)))
				fail_msg("%u: %.40s, not %s", i, got, want);
			got += strlen(want);
		}
		while (*got == '#')
			got = strchr(got, '\n') + 1;
		assert_string_equal(got, "");
		stream_head_release(&head);
	}
}

static int export_all(struct stream_reader *s, uint64_t d, struct output *out, void *arg, struct err *err)
{
	static struct pick pick;
	(void)out;
	if (d == 1)
		pick = (struct pick){ .split = -1, .limit = UINT64_MAX };
	return export_document(arg, s, &pick, err);
}

static void export_as(enum export_form form, const char *to_labels)
{
	struct err err = ERR_NONE;
	struct output out;
	struct export *e;
	anew(shown.fd);
	anew(labels.fd);
	assert_int_equal(output_open(&out, shown.name, &err), 0);
	assert_int_equal(export_open(&e, form, to_labels, &out, &err), 0);
	each_document(export_all, e, &out);
	if (export_finish(e, &err) || output_commit(&out, &err))
		fail_msg("%s", err.msg);
	export_close(e);
	output_release(&out);
}

/* Arrays: the head names the shape, and the values follow it byte for byte. */
static void arrays(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		char shape[60];
		size_t n, used = 0;
		static unsigned char want[ROOM];
		rng_init(&r, 36, RNG_TEST, i, 0);
		draw(&r, i % 2 ? STREAM_LOGITS : STREAM_IMAGES);
		write_stream();
		export_as(EXPORT_NPY, labels.name);
		for (int k = 0; k < n_rec; k++)
			used += pack(&rec[k], want + used);
		char *got = read_shown(shown.fd, &n);
		if (head.kind == STREAM_IMAGES)
			snprintf(shape, sizeof shape, "(%d, 2, 2, %d)", n_rec, head.channels);
		else if (head.samples > 1)
			snprintf(shape, sizeof shape, "(%d, %d, %d)", n_rec, head.samples, head.n_classes);
		else
			snprintf(shape, sizeof shape, "(%d, %d)", n_rec, head.n_classes);
		assert_true(n > used && !memcmp(got + n - used, want, used));
		got[n - used] = 0;
		if (!strstr(got + 10, shape))
			fail_msg("%u: %s, not %s", i, got + 10, shape);
		const char *type = head.kind == STREAM_IMAGES ? (head.encoding == ENCODING_RAW ? "'|u1'" : "'<f4'")
				   : head.dtype == DTYPE_F64  ? "'<f8'"
							      : "'<f4'";
		assert_non_null(strstr(got + 10, type));
		got = read_shown(labels.fd, &n);
		for (int k = 0; k < n_rec; k++) {
			int64_t label;
			memcpy(&label, got + n - (size_t)(n_rec - k) * 8, 8);
			assert_int_equal(label, rec[k].label);
		}
		stream_head_release(&head);
	}
}

/* A field as RFC 4180 has it, quoted where it must be or a reader would drop its blanks; of TSV as it is. */
static void plain_field(FILE *to, const char *text, int csv)
{
	size_t n = strlen(text);
	int quotes = csv && n && (strpbrk(text, ",\"\r\n") || strchr(" \t", text[0]) || strchr(" \t", text[n - 1]));
	fputs(quotes ? "\"" : "", to);
	for (; *text; text++)
		fprintf(to, "%s%c", quotes && *text == '"' ? "\"" : "", *text);
	fputs(quotes ? "\"" : "", to);
}

static void tables_of_texts(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct memtext m;
		char *want;
		size_t n;
		rng_init(&r, 39, RNG_TEST, i, 0);
		draw(&r, i % 2 ? STREAM_TEXT : STREAM_TOKENS);
		write_stream();
		int csv = (int)rng_below(&r, 2);
		export_as(csv ? EXPORT_CSV : EXPORT_TSV, NULL);
		assert_int_equal(memtext_open(&m, &err), 0);
		fputs(csv ? "label,text\n" : "", m.to);
		for (int k = 0; k < n_rec; k++) {
			char text[200] = "";
			size_t used = 0;
			for (int j = 0; j < rec[k].n; j++)
				append(text, sizeof text, &used, "%s%s", j ? " " : "", word[rec[k].words[j]]);
			plain_field(m.to, shown_name(rec[k].label), csv);
			fputc(csv ? ',' : '\t', m.to);
			plain_field(m.to, text, csv);
			fputc('\n', m.to);
		}
		assert_int_equal(memtext_close(&m, &want, NULL, &err), 0);
		assert_string_equal(read_shown(shown.fd, &n), want);
		free(want);
		stream_head_release(&head);
	}
}

/* Tables of logits come back with their names, labels and every bit. */
static void tables(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct output out;
		struct stream_reader *s;
		struct block b;
		int k = 0;
		size_t len;
		rng_init(&r, 37, RNG_TEST, i, 0);
		draw(&r, STREAM_LOGITS);
		head.samples = 1;
		n_rec = n_rec ? n_rec : 1;
		write_stream();
		int csv = (int)rng_below(&r, 2);
		export_as(csv ? EXPORT_CSV : EXPORT_TSV, NULL);
		struct import_notes notes = { 0 };
		struct import im = { .form = csv ? IMPORT_CSV : IMPORT_TSV,
				     .kind = IMPORT_LOGITS,
				     .path = shown.name,
				     .class_axis = IMPORT_LAST_AXIS,
				     .header = IMPORT_HEADER_YES,
				     .dtype = head.dtype,
				     .split = SPLIT_TEST };
		json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "test", "version", "0", "args");
		anew(made.fd);
		assert_int_equal(output_open(&out, made.name, &err), 0);
		if (import_stream(&im, self, &out, &notes, &err) || output_commit(&out, &err))
			fail_msg("%u: %s", i, err.msg);
		json_decref(self);
		output_release(&out);
		assert_int_equal(stream_open(&s, made.name, &err), 0);
		assert_int_equal(stream_next_document(s, &err), 1);
		for (int c = 0; c < head.n_classes; c++)
			assert_string_equal(stream_head_of(s)->classes[c], head.classes[c]);
		while (stream_next_block(s, &b, &err) == 1)
			for (uint32_t j = 0; j < b.n; j++, k++) {
				static unsigned char want[ROOM];
				const unsigned char *got = block_record(&b, stream_record_size(&head), j, &len);
				assert_true(len == pack(&rec[k], want) && !memcmp(got, want, len));
				assert_int_equal(b.label[j], rec[k].label);
			}
		assert_int_equal(k, n_rec);
		stream_close(s);
		stream_head_release(&head);
	}
}

/* A size that went wrong is refused, not taken from memory that nobody touches. A sanitizer's own is far beyond. */
static void no_room_for_mistakes(void)
{
	unsigned long pages = 0;
	const struct rlimit most = { 1 << 30, RLIM_INFINITY };
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%lu", &pages) == 1 && pages < 1 << 16)
		(void)setrlimit(RLIMIT_AS, &most);
	if (f)
		fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(statistics), cmocka_unit_test(picked_records),
					    cmocka_unit_test(arrays), cmocka_unit_test(tables_of_texts),
					    cmocka_unit_test(tables) };
	open_memory();
	no_room_for_mistakes();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
