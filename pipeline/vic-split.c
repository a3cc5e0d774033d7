/* vic-split: reads a stream twice and writes the same records with new marks: train, dev, test, extra. */
#include "pipeline/base/mem.h"
#include "pipeline/files/spool.h"
#include "pipeline/cat/split.h"
#include "pipeline/frame/stage.h"
#include "pipeline/stream/wordmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_SHOWN = 20 };

static struct {
	int64_t folds, fold, seed;
	double test, dev, calibration;
	int stratify, remark;
} o = { .stratify = 1 };

static const struct opt opts[] = {
	{ "cv", 0, OPT_INT, &o.folds, "K", "cross-validation: cut the training records into K folds", .lo = 2,
	  .hi = 1000000, .flags = OPT_NO_DEFAULT },
	{ "fold", 0, OPT_INT, &o.fold, "I", "the fold that is marked test, from 0", .lo = 0, .hi = 999999,
	  .with = "cv" },
	{ "test", 0, OPT_REAL, &o.test, "SHARE", "mark this share of the training records test", .flo = 0, .fhi = 1 },
	{ "dev", 0, OPT_REAL, &o.dev, "SHARE", "then mark this share of the remaining ones dev", .flo = 0, .fhi = 1 },
	{ "calibration", 0, OPT_REAL, &o.calibration, "SHARE",
	  "then this share of what remains extra: for vic-calibrate --split extra", .flo = 0, .fhi = 1 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "which of the many splits", .lo = 0, .hi = INT64_MAX },
	{ "stratify", 0, OPT_FLAG, &o.stratify, NULL, "keep the classes' shares in every part (the default)",
	  .value = 1 },
	{ "no-stratify", 0, OPT_FLAG, &o.stratify, NULL, "draw without regard to classes", .zero = 1 },
	{ "remark", 0, OPT_FLAG, &o.remark, NULL, "forget the input's train, dev and test marks first", .value = 1 },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-split",
	.summary = "divide records into train, dev, test and folds",
	.operands = "[FILE]",
	.description =
		"Reads a stream of any kind and writes the same records in the same order with\n"
		"their splits (train, dev, test, extra) rewritten. An unmarked stream is all\n"
		"train; records that come marked test, dev or extra keep their split.\n"
		"\n"
		"Copies of a record (equal contents) always get the same split. The folds of\n"
		"--cv are\n"
		"the same for every I: ten runs with --fold 0 to 9 test each record once. In\n"
		"each class, fold sizes differ by at most one, or by what the copies force.\n"
		"--dev and --test are exact: the share of all, rounded, spread over the classes\n"
		"by largest remainder. The same seed gives the same splits.\n"
		"\n"
		"The dev records choose the epoch, so the model looks better on them than it\n"
		"is: a temperature fitted on them is off for other records, the more so the\n"
		"fewer they are. The records of --calibration are neither trained on nor choose\n"
		"anything.\n"
		"\n"
		"The input is read twice; one that is not a regular file is first copied to a\n"
		"temporary file in $TMPDIR (else /tmp). Memory: about 40 bytes a record.",
	.example =
		"vic-split --cv 10 --fold 0 --dev 0.1 mr.text > mr.0.text\n"
		"vic-split --dev 0.1 --seed 7 < trec.text | vic-cat --stats\n"
		"vic-split --test 0.2 --dev 0.1 --calibration 0.1 mr.text > parts.text",
	.see_also = "vic-cat(1), vic-train(1), vic-calibrate(1)",
	.opts = opts,
	.min_operands = 0,
	.max_operands = 1,
	.stream_operand = 1,
};

static int refuse_idle(const struct stage *st, struct err *err)
{
	int cv = stage_given(st, "cv");
	if (stage_given(st, "fold") != cv)
		return err_usage(err, cv ? "--cv needs --fold" : "--fold goes with --cv");
	if (cv && o.fold >= o.folds)
		return err_usage(err, "--fold %" PRId64 ": folds are numbered 0 to %" PRId64, o.fold, o.folds - 1);
	if (cv && stage_given(st, "test"))
		return err_usage(err, "--cv and --test exclude each other: the fold is the test");
	if (!cv && !(o.test > 0) && !(o.dev > 0) && !(o.calibration > 0))
		return err_usage(err, "nothing to do: give --cv K --fold I, --test, --dev or --calibration SHARE");
	return 0;
}

/* A record's identity. Text of two documents is compared by words: their ids need not mean the same. */
static int key_of(const struct wordmap *map, int is_text, const unsigned char *record, size_t len, uint32_t **ids,
		  size_t *cap, struct hash128 *key, struct err *err)
{
	if (is_text) {
		if (mem_grow(ids, cap, len / 4, sizeof **ids, err))
			return -1;
		for (size_t i = 0; i < len / 4; i++) {
			uint32_t id;
			memcpy(&id, record + 4 * i, 4);
			(*ids)[i] = map->number[id];
		}
		record = (const unsigned char *)*ids;
	}
	*key = hash128_of(record, len);
	return 0;
}

static int note_block(struct split_records *records, const struct stream_head *head, const struct wordmap *map,
		      const struct block *b, struct err *err)
{
	size_t each = stream_record_size(head), len, cap = 0;
	uint32_t *ids = NULL;
	int rc = 0;
	for (uint32_t i = 0; i < b->n && !rc; i++) {
		struct hash128 key;
		const unsigned char *record = block_record(b, each, i, &len);
		rc = key_of(map, head->kind == STREAM_TEXT, record, len, &ids, &cap, &key, err) ||
		     split_records_add(records, key, b->label[i], b->split[i], err);
	}
	free(ids);
	return rc ? -1 : 0;
}

/* What each document was at the first reading, to be compared with the second: content, not counts. */
struct digests {
	uint32_t *crc; /* owned */
	size_t n, cap;
};

static int digests_add(struct digests *d, uint32_t crc, struct err *err)
{
	if (mem_grow(&d->crc, &d->cap, d->n + 1, sizeof *d->crc, err))
		return -1;
	d->crc[d->n++] = crc;
	return 0;
}

/* First reading: keys, labels and marks of all records; the head of the first document, which all must share. */
static int note_all(const char *path, struct split_records *records, struct digests *digests, struct stream_head *head,
		    struct err *err)
{
	struct stream_reader *r;
	struct wordmap map = { 0 };
	struct block b;
	int rc, documents = 0;
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_document(r, err)) == 1) {
		if (!documents++)
			rc = stream_head_copy(head, stream_head_of(r), err);
		else if ((rc = stream_head_same(head, stream_head_of(r), err)))
			err_context(err, "%s", stream_name(r));
		if (rc)
			break;
		wordmap_begin(&map);
		while ((rc = stream_next_block(r, &b, err)) == 1)
			if (b.type == BLOCK_WORDS ? wordmap_add(&map, &b, err)
						  : note_block(records, head, &map, &b, err)) {
				rc = -1;
				break;
			}
		if (rc || (rc = digests_add(digests, stream_digest(r), err)))
			break;
	}
	wordmap_release(&map);
	stream_close(r);
	return rc;
}

static int changed(const struct stream_reader *r, struct err *err)
{
	return err_system(err, "%s: changed between its two readings", stream_name(r));
}

static int copy_document(struct stream_reader *r, struct stream_writer *w, const struct split_records *records,
			 uint64_t *at, uint32_t digest, struct err *err)
{
	struct block b;
	int rc;
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		if (b.type == BLOCK_ROWS) {
			if (b.n > records->n - *at)
				return changed(r, err);
			if (b.n)
				memcpy(b.split, records->split + *at, b.n);
			*at += b.n;
		}
		if (stream_add_block(w, &b, err))
			return -1;
	}
	if (!rc && stream_digest(r) != digest)
		return changed(r, err);
	return rc ? rc : stream_finish(w, err);
}

/* Second reading: every document goes out with its new marks. */
static int mark_all(const char *path, const struct split_records *records, const struct digests *digests,
		    const json_t *self, struct output *out, struct err *err)
{
	struct stream_reader *r;
	uint64_t at = 0;
	size_t document = 0;
	int rc;
	if (stream_open(&r, path, err))
		return -1;
	while ((rc = stream_next_document(r, err)) == 1) {
		struct stream_writer *w;
		if (document == digests->n) {
			rc = changed(r, err);
			break;
		}
		if (stream_begin(&w, out, stream_head_of(r), stream_provenance(r), self, err)) {
			rc = -1;
			break;
		}
		rc = copy_document(r, w, records, &at, digests->crc[document++], err);
		stream_writer_free(w);
		if (rc)
			break;
	}
	if (!rc && (at != records->n || document != digests->n))
		rc = changed(r, err);
	stream_close(r);
	return rc;
}

/* One line of counts, of one class or (class -2) of all. */
static void say_counts(const struct stage *st, const struct split_records *r, int class, const char *name)
{
	uint32_t count[SPLIT_COUNT] = { 0 }, n = 0;
	char text[160];
	int used = 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (class == -2 || r->label[i] == class) {
			count[r->split[i]]++;
			n++;
		}
	for (int s = 0; s < SPLIT_COUNT; s++)
		if (count[s])
			used += snprintf(text + used, sizeof text - (size_t)used, "%s%s %u", used ? ", " : "",
					 split_name(s), count[s]);
	if (n)
		stage_say(st, "%s: %s", name, text);
}

static void say_all(const struct stage *st, const struct split_records *r, const struct stream_head *head,
		    const struct split_report *report)
{
	char all[64];
	snprintf(all, sizeof all, "%u record%s", r->n, r->n == 1 ? "" : "s");
	say_counts(st, r, -2, all);
	for (int i = 0; i < head->n_classes && head->n_classes <= CLASSES_SHOWN; i++)
		say_counts(st, r, i, head->classes[i]);
	if (head->n_classes <= CLASSES_SHOWN && head->n_classes)
		say_counts(st, r, -1, "unlabelled");
	if (report->copies)
		stage_say(st, "%u record%s repeat%s an earlier one and %s kept on its side (%u under another label)",
			  report->copies, report->copies == 1 ? "" : "s", report->copies == 1 ? "s" : "",
			  report->copies == 1 ? "is" : "are", report->disagree);
	if (report->leaked)
		stage_say(st, "%u test record%s also occur%s in train or dev, as the input has them marked",
			  report->leaked, report->leaked == 1 ? "" : "s", report->leaked == 1 ? "s" : "");
}

static int run_split(struct stage *st, struct err *err)
{
	const struct split_plan plan = { .folds = o.folds,
					 .fold = o.fold,
					 .test = o.test,
					 .dev = o.dev,
					 .calibration = o.calibration,
					 .seed = (uint64_t)o.seed,
					 .stratify = o.stratify,
					 .remark = o.remark };
	struct split_records records = { 0 };
	struct digests digests = { 0 };
	struct stream_head head = { 0 };
	struct split_report report;
	struct spool in;
	struct output out = { 0 };
	int rc = refuse_idle(st, err) || spool_input(&in, stage_operand(st, 0), err) ||
		 note_all(in.path, &records, &digests, &head, err) || split_assign(&plan, &records, &report, err) ||
		 spool_rewind(&in, err) || output_open(&out, "-", err) ||
		 mark_all(in.path, &records, &digests, st->provenance, &out, err) || output_commit(&out, err);
	if (!rc)
		say_all(st, &records, &head, &report);
	output_release(&out);
	split_records_release(&records);
	free(digests.crc);
	stream_head_release(&head);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_split);
}
