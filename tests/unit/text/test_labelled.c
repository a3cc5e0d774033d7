/* From texts with labels to a stream, against a plain reading of the same: random records are put, checked for what
 * speaks against their labels, sorted and drained; first rows are headers, records or refused by what stands in them;
 * and counts are those of all files together. */
#include "tests/append.h"
#include "pipeline/base/philox.h"
#include "tokenize/evidence.h"
#include "tokenize/formats.h"
#include "tokenize/labelled.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { RECORDS = 40, LISTED = 2000 };

/* Files in memory, by names that lead to them. */
static char made[40], given[2][40];
static int made_fd, given_fd[2];

/* Labels; those with one key differ in case and white space alone; number: what they are, or NAN. */
static const struct {
	const char *name;
	int key, missing, called;
	double number;
} pool[] = {
	{ "a", 1, 0, 0, NAN },
	{ "A", 1, 0, 0, NAN },
	{ " a", 1, 0, 0, NAN },
	{ "a\xC2\xA0", 1, 0, 0, NAN },
	{ "x y", 3, 0, 0, NAN },
	{ "X  Y", 3, 0, 0, NAN },
	{ "x\ty", 3, 0, 0, NAN },
	{ "x\xC2\xA0y", 3, 0, 0, NAN },
	{ "b", 4, 0, 0, NAN },
	{ "B", 4, 0, 0, NAN },
	{ "\xC3\xA9", 5, 0, 0, NAN },
	{ "\xC3\x89", 5, 0, 0, NAN },
	{ "1", 6, 0, 0, 1 },
	{ "1.0", 7, 0, 0, 1 },
	{ "01", 8, 0, 0, 1 },
	{ "-0", 9, 0, 0, 0 },
	{ "0", 10, 0, 0, 0 },
	{ " 1 ", 6, 0, 0, 1 },
	{ "1e400", 12, 0, 0, NAN },
	{ "nan", 13, 1, 0, NAN },
	{ "NULL", 14, 1, 0, NAN },
	{ " n/a ", 15, 1, 0, NAN },
	{ "Nan", 13, 1, 0, NAN },
	{ "stars", 16, 0, 1, NAN },
	{ "Label", 17, 0, 1, NAN },
	{ "\xE2\x80\x8B", 18, 0, 0, NAN },
	{ "\xE2\x80\x8D", 18, 0, 0, NAN },
	{ "c", 19, 0, 0, NAN },
	{ "d", 20, 0, 0, NAN },
	{ "e", 21, 0, 0, NAN },
	{ "f", 22, 0, 0, NAN },
};
enum { POOL = sizeof pool / sizeof *pool };

struct record {
	int label; /* of the pool, or -1 */
	char text[24], name[8];
	int first; /* of a file */
};

static struct record rec[RECORDS];
static int n_rec;

/* Classes in the order met, by number of the pool. */
static int met[POOL], n_met;

static void draw(struct rng *r)
{
	static const char *const word[] = { "good", "bad", "", "good film", "a  b" };
	uint32_t labels = 1 + rng_below(r, rng_below(r, 2) ? 6 : POOL), from = rng_below(r, POOL),
		 texts = 1 + rng_below(r, 60);
	n_rec = (int)rng_below(r, RECORDS + 1);
	int lines = rng_below(r, 10) == 0; /* each record is a file's only one */
	n_met = 0;
	for (int i = 0; i < n_rec; i++) {
		rec[i].label = rng_below(r, 30) ? (int)((from + rng_below(r, labels)) % POOL) : -1;
		snprintf(rec[i].text, sizeof rec[i].text, "%s", word[rng_below(r, 5)]);
		if (rng_below(r, 3))
			snprintf(rec[i].text, sizeof rec[i].text, "text %u", rng_below(r, texts));
		snprintf(rec[i].name, sizeof rec[i].name, "%.*s", (int)rng_below(r, 5), "name");
		rec[i].first = lines || rng_below(r, 10) == 0;
		int seen = rec[i].label < 0;
		for (int k = 0; k < n_met; k++)
			seen |= met[k] == rec[i].label;
		if (!seen)
			met[n_met++] = rec[i].label;
	}
}

static int count_of(int label)
{
	int n = 0;
	for (int i = 0; i < n_rec; i++)
		n += rec[i].label == label;
	return n;
}

/* Its only record, and those like it, are first rows: a header that was taken for a record. */
static int first_rows_are_headers(void)
{
	int first = -1, n = 0;
	for (int i = n_rec; i-- > 0;)
		if (rec[i].first)
			first = rec[i].label;
	if (first < 0 || n_rec < 2 || n_met < 2 || (!pool[first].called && n_rec < 4))
		return 0;
	for (int i = 0; i < n_rec; i++)
		n += rec[i].first && rec[i].label == first;
	for (int k = 0; k < n_met; k++)
		if (met[k] != first && count_of(met[k]) == 1 && !pool[first].called)
			return 0;
	return n == count_of(first);
}

/* As many labels as records, or nearly: they are texts, or numbers of the records. */
static int labels_are_none(void)
{
	int texts = 0, different = 0;
	for (int i = 0; i < n_rec; i++) {
		int again = 0;
		texts += rec[i].text[0] != 0;
		for (int k = 0; k < i; k++)
			again |= !strcmp(rec[i].text, rec[k].text);
		different += rec[i].text[0] && !again;
	}
	if (n_rec < 3 || n_met * 2 <= n_rec)
		return 0;
	return n_rec >= 20 || (n_met * 10 >= 9 * n_rec && different * 4 <= 3 * texts && texts > 2);
}

/* Pairs of classes that are the same by `same`, five at most, as the report has them. */
static void pairs(int (*same)(int, int), char *to)
{
	int shown = 0;
	size_t n = 0;
	to[0] = 0;
	for (int i = 0; i < n_met && shown < 5; i++)
		for (int k = 0; k < i; k++)
			if (same(met[i], met[k])) {
				append(to, LISTED, &n, "%s'%s' and '%s'", shown++ ? ", " : "", pool[met[k]].name,
				       pool[met[i]].name);
				break;
			}
}

static int same_key(int i, int k)
{
	return pool[i].key == pool[k].key;
}

static int same_number(int i, int k)
{
	return pool[i].number == pool[k].number;
}

static void compare_evidence(const struct labelled *t)
{
	char want[LISTED];
	size_t n = 0;
	pairs(same_key, want);
	assert_string_equal(t->alike ? t->alike : "", want);
	pairs(same_number, want);
	assert_string_equal(t->one_number ? t->one_number : "", want);
	want[0] = 0;
	for (int k = 0; k < n_met; k++)
		if (pool[met[k]].missing)
			append(want, LISTED, &n, "%s'%s'", n ? ", " : "", pool[met[k]].name);
	assert_string_equal(t->missing ? t->missing : "", want);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(pool[*(const int *)a].name, pool[*(const int *)b].name);
}

/* The stream has all records as they were put, and the classes in order. */
static void compare_stream(int fixed, int split)
{
	struct err err = ERR_NONE;
	struct stream_reader *s;
	struct block b;
	int i = 0;
	size_t len;
	if (!fixed)
		qsort(met, (size_t)n_met, sizeof *met, by_text);
	assert_int_equal(stream_open(&s, made, &err), 0);
	assert_int_equal(stream_next_document(s, &err), 1);
	const struct stream_head *h = stream_head_of(s);
	assert_int_equal(h->n_classes, fixed ? POOL : n_met);
	for (int k = 0; k < h->n_classes; k++)
		assert_string_equal(h->classes[k], pool[fixed ? k : met[k]].name);
	while (stream_next_block(s, &b, &err) == 1)
		for (uint32_t k = 0; k < b.n; k++, i++) {
			const unsigned char *tokens = block_record(&b, 0, k, &len);
			const char *plain = !strcmp(rec[i].text, "a  b") ? "a b" : rec[i].text;
			assert_true(len == strlen(plain) && !memcmp(tokens, plain, len));
			const char *name = block_name(&b, k, &len);
			assert_true(len == strlen(rec[i].name) && !memcmp(name, rec[i].name, len));
			assert_int_equal(b.id[k], i);
			assert_int_equal(b.split[k], split < 0 ? SPLIT_TRAIN : split);
			if (rec[i].label < 0)
				assert_int_equal(b.label[k], -1);
			else
				assert_string_equal(h->classes[b.label[k]], pool[rec[i].label].name);
		}
	assert_int_equal(i, n_rec);
	stream_close(s);
}

static void compare_counts(const struct sink *s)
{
	uint64_t empty = 0, unlabelled = 0;
	char first[32] = "";
	for (int i = 0; i < n_rec; i++) {
		empty += !rec[i].text[0];
		if (rec[i].label < 0 && !unlabelled++)
			snprintf(first, sizeof first, "f:%d", i + 1);
	}
	int train = s->split < 0 || s->split == SPLIT_TRAIN;
	assert_int_equal(s->n, n_rec);
	assert_int_equal(s->empty, empty);
	assert_int_equal(s->unlabelled, train ? unlabelled : 0);
	assert_string_equal(s->first_unlabelled ? s->first_unlabelled : "", train ? first : "");
	for (int k = 0; k < SPLIT_COUNT; k++)
		assert_int_equal(s->by_split[k], k == (s->split < 0 ? SPLIT_TRAIN : s->split) ? n_rec : 0);
}

static int put_all(struct labelled *t, int given_classes, struct err *err)
{
	for (int i = 0; i < n_rec; i++) {
		struct place at = { "f", (uint64_t)i + 1, NULL };
		const char *label = rec[i].label < 0 ? NULL : pool[rec[i].label].name;
		if (rec[i].first && !given_classes && labelled_first(t, "f", err))
			return -1;
		t->sink->name = rec[i].name;
		t->sink->name_len = strlen(rec[i].name);
		if (labelled_put(t, &at, label, label ? strlen(label) : 0, rec[i].text, strlen(rec[i].text), err))
			return -1;
	}
	return 0;
}

/* Classes before the records, where they are given, or after. */
static int begin(struct labelled *t, struct output *out, struct err *err)
{
	char **names;
	int n;
	struct stream_head head = { .kind = STREAM_TOKENS, .names = 1 };
	if (labelled_classes(t, &names, &n, err))
		return -1;
	int rc = stream_head_classes(&head, n, (const char *const *)names, err) ||
		 sink_begin(t->sink, out, &head, NULL, err);
	free(names);
	stream_head_release(&head);
	return rc ? -1 : 0;
}

static void one_round(uint32_t number)
{
	struct rng r;
	struct err err = ERR_NONE;
	struct labelled t;
	struct sink s = { .split = -1 };
	struct output out;
	char list[LISTED] = "";
	size_t listed = 0;
	rng_init(&r, 51, RNG_TEST, number, 0);
	draw(&r);
	int fixed = rng_below(&r, 3) == 0, header_said = (int)rng_below(&r, 2), label_said = rng_below(&r, 4) != 0;
	if (rng_below(&r, 3) == 0)
		s.split = (int)rng_below(&r, SPLIT_COUNT);
	rule_table(&s.rules, RULE_WHITESPACE, 0);
	assert_int_equal(labelled_init(&t, &s, &err), 0);
	t.header_said = header_said;
	t.label_said = label_said;
	assert_int_equal(ftruncate(made_fd, 0) || lseek(made_fd, 0, SEEK_SET), 0);
	assert_int_equal(output_open(&out, made, &err), 0);
	for (int k = 0; k < POOL; k++)
		append(list, LISTED, &listed, "%s%s", k ? "," : "", pool[k].name);
	if (fixed && (labelled_give(&t, list, &err) || begin(&t, &out, &err)))
		fail_msg("%u: %s", number, err.msg);
	if (put_all(&t, fixed, &err))
		fail_msg("%u: %s", number, err.msg);
	int bad = !fixed && ((!header_said && first_rows_are_headers()) || (!label_said && labels_are_none()));
	if (evidence_check(&t, &err) != (bad ? -1 : 0))
		fail_msg("%u: %s", number, bad ? "is taken" : err.msg);
	if (bad && !header_said && first_rows_are_headers())
		assert_non_null(strstr(err.msg, "f: its first row looks like a header"));
	if (!bad) {
		if (!fixed)
			compare_evidence(&t);
		if (!fixed && (begin(&t, &out, &err) || labelled_drain(&t, &err)))
			fail_msg("%u: %s", number, err.msg);
		assert_int_equal(stream_finish(s.writer, &err) || output_commit(&out, &err), 0);
		compare_counts(&s);
		compare_stream(fixed, s.split);
	}
	output_release(&out);
	labelled_release(&t);
	sink_release(&s);
}

static void labels_come_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++)
		one_round(i);
}

/* A first row of columns that are called as labels are (L), as texts are (T) or otherwise (O). */
static const char *const called[3][3] = { { "label", "Stars", "class" },
					  { "text", " Review", "title" },
					  { "good", "id", "x" } };
enum { L, T, O };

static void tsv_headers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct sink s = { .split = -1 };
		struct labelled t;
		struct columns columns = { .header = rng_below((rng_init(&r, 52, RNG_TEST, i, 0), &r), 3) };
		char file[200], want[80] = "";
		int n = 1 + (int)rng_below(&r, 4), label = -1, text = -1;
		size_t used = 0;
		for (int k = 0; k < n; k++) {
			int is = (int)rng_below(&r, 3);
			label = is == L && label < 0 ? k : label;
			text = is == T && text < 0 ? k : text;
			append(file, sizeof file, &used, "%s%s", k ? "\t" : "", called[is][rng_below(&r, 3)]);
		}
		append(file, sizeof file, &used, "\ngood\tfilm\n");
		assert_int_equal(ftruncate(given_fd[0], 0), 0);
		assert_int_equal(pwrite(given_fd[0], file, used, 0), used);
		rule_table(&s.rules, RULE_WHITESPACE, 0);
		assert_int_equal(labelled_init(&t, &s, &err), 0);
		int rc = read_tsv(&t, given[0], &columns, &err), looks = label >= 0 && text >= 0;
		int header = columns.header == HEADER_YES ||
			     (columns.header == HEADER_AUTO && looks && !label && text == 1 && n == 2);
		if (columns.header == HEADER_AUTO && looks && !header) {
			snprintf(want, sizeof want, "looks like a header of %d columns", n);
			assert_int_equal(rc, -1);
			assert_non_null(strstr(err.msg, want));
			snprintf(want, sizeof want, "--label-column %d --text-column %d reads it", label + 1, text + 1);
			assert_non_null(strstr(err.msg, want));
		} else if (n == 1 && !header) {
			assert_int_equal(rc, -1);
			assert_non_null(strstr(err.msg, "has no TAB"));
		} else {
			assert_int_equal(rc, 0);
			assert_int_equal(t.headers, header);
			assert_int_equal(t.label_said, header);
			assert_int_equal(t.n, 2 - header);
			assert_int_equal(t.n_first, !header);
		}
		labelled_release(&t);
		sink_release(&s);
	}
}

/* What the first row of a table is where nobody says it: 1 a header, 0 a record, -1 there is no telling. The columns
 * that are looked for are those of these names, else what labels and texts usually are called. */
static int plain_header(const int *is, int n, const char *label, const char *text)
{
	int l = -1, t = -1, none = label && !strcmp(label, "none"), exact[2] = { none, 0 };
	for (int k = n; k-- > 0;) {
		l = is[k] / 3 == L ? k : l;
		t = is[k] / 3 == T ? k : t;
		exact[0] |= is[k] == (label && !strcmp(label, "Stars") ? 3 * L + 1 : 3 * L);
		exact[1] |= is[k] == (text && !strcmp(text, "title") ? 3 * T + 2 : 3 * T);
	}
	if (exact[0] && exact[1])
		return 1;
	if (t < 0)
		return 0;
	if (l < 0 && none)
		return -1;
	if (l < 0 && (n != 2 || t != 0 || label || text))
		return 0;
	return label || text ? 1 : -1;
}

static void csv_headers(void **state)
{
	static const char *const labels[] = { NULL, NULL, "1", "Stars", "none" }, *const texts[] = { NULL, NULL, "2",
												     "title" };
	(void)state;
	for (uint32_t i = 0; i < 1500; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct sink s = { .split = -1 };
		struct labelled t;
		rng_init(&r, 53, RNG_TEST, i, 0);
		struct columns columns = { .label = labels[rng_below(&r, 5)], .text = texts[rng_below(&r, 4)] };
		char file[200];
		int n = 1 + (int)rng_below(&r, 3), is[3];
		size_t used = 0;
		for (int k = 0; k < n; k++) {
			is[k] = (int)rng_below(&r, 9);
			append(file, sizeof file, &used, "%s%s", k ? "," : "", called[is[k] / 3][is[k] % 3]);
		}
		append(file, sizeof file, &used, "\n");
		assert_int_equal(ftruncate(given_fd[0], 0), 0);
		assert_int_equal(pwrite(given_fd[0], file, used, 0), used);
		rule_table(&s.rules, RULE_WHITESPACE, 0);
		assert_int_equal(labelled_init(&t, &s, &err), 0);
		int rc = read_csv(&t, given[0], &columns, &err),
		    header = plain_header(is, n, columns.label, columns.text);
		int unsure =
			rc && (strstr(err.msg, "looks like a header, of") || strstr(err.msg, "a header, or a text?"));
		if (unsure != (header < 0) ||
		    (!unsure && (t.headers != (uint64_t)header || t.headless != (uint64_t)!header)))
			fail_msg("%u: %.*s: %d and not %d: %s", i, (int)used - 1, file, unsure ? -1 : (int)t.headers,
				 header, err.msg);
		if (header < 0 && !columns.label) { /* which columns may be meant */
			char want[100];
			int l = -1, text = -1;
			for (int k = n; k-- > 0;) {
				l = is[k] / 3 == L ? k : l;
				text = is[k] / 3 == T ? k : text;
			}
			l = l < 0 ? 1 : l;
			snprintf(want, sizeof want, "of %d columns", n);
			assert_non_null(strstr(err.msg, want));
			snprintf(want, sizeof want, "--label-column \"%s\" --text-column \"%s\"",
				 called[is[l] / 3][is[l] % 3], called[is[text] / 3][is[text] % 3]);
			assert_non_null(strstr(err.msg, want));
		}
		labelled_release(&t);
		sink_release(&s);
	}
}

/* Two files of a format, and what is counted of both. */
static void counts_of_files(void **state)
{
	static const char *const one = "\xEF\xBB\xBFNUM:count\tgood\rfilm\r\nABBR:abb\tbad\n";
	static const char *const two = "ABBR:abb\ta\rb\nNUM:count\tc\rd\n";
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct err err = ERR_NONE;
		struct sink s = { .split = -1 };
		struct labelled t;
		struct output out;
		struct columns columns = { .header = HEADER_NO, .separator = '\t', .quotes = ROW_QUOTES_BACKSLASH };
		struct stream_head head = { .kind = STREAM_TOKENS };
		rule_table(&s.rules, RULE_WHITESPACE, 0);
		assert_int_equal(labelled_init(&t, &s, &err), 0);
		assert_int_equal(stream_head_classes(&head, TREC_FINE, trec_fine, &err), 0);
		assert_int_equal(ftruncate(made_fd, 0) || lseek(made_fd, 0, SEEK_SET), 0);
		assert_int_equal(output_open(&out, made, &err) || sink_begin(&s, &out, &head, NULL, &err), 0);
		for (int k = 0; k < 2; k++) {
			const char *text = k ? two : one;
			assert_int_equal(ftruncate(given_fd[k], 0), 0);
			if (form == 3) /* blank lines are a table's alone */
				text = k ? "ABBR:abb\ta\n\nNUM:count\tb\n\n\n"
					 : "\xEF\xBB\xBFNUM:count\tgood\n\nABBR:abb\tbad\n";
			assert_int_equal(pwrite(given_fd[k], text, strlen(text), 0), strlen(text));
			int rc = form == 0   ? read_lines(&s, given[k], &err)
				 : form == 1 ? read_trec(&s, given[k], 1, &err)
				 : form == 2 ? read_tsv(&t, given[k], &columns, &err)
					     : read_csv(&t, given[k], &columns, &err);
			if (rc)
				fail_msg("%d: %s", form, err.msg);
		}
		assert_int_equal(form < 2 ? s.n : t.n, 4);
		assert_int_equal(s.returns, form == 3 ? 0 : 3);
		assert_int_equal(t.blank, form == 3 ? 4 : 0);
		assert_int_equal(s.boms, 1);
		if (form == 1)
			assert_int_equal(s.by_label[0], 2);
		stream_head_release(&head);
		output_release(&out);
		labelled_release(&t);
		sink_release(&s);
	}
}

static int in_memory(char *name, const char *what)
{
	int fd = memfd_create(what, MFD_CLOEXEC);
	snprintf(name, 40, "/proc/self/fd/%d", fd);
	return fd;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(labels_come_back), cmocka_unit_test(tsv_headers),
					    cmocka_unit_test(csv_headers), cmocka_unit_test(counts_of_files) };
	made_fd = in_memory(made, "made");
	for (int k = 0; k < 2; k++)
		given_fd[k] = in_memory(given[k], "given");
	return made_fd < 0 || given_fd[1] < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
