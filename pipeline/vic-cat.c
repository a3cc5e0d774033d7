/* vic-cat: reads streams and shows, checks, counts or exports records; --from reads logits and writes a stream. */
#include "pipeline/cat/cat.h"
#include "pipeline/frame/stage.h"

#include <csv.h>
#include <inttypes.h>

enum mode { SHOW_TWIN, SHOW_HEAD, SHOW_CHECK, SHOW_PROVENANCE, SHOW_STATS, SHOW_WORDS };

static struct {
	int mode, to, from, kind, split, dtype;
	int64_t limit;
	const char *labels, *classes, *name;
} o = { .limit = INT64_MAX, .dtype = DTYPE_F64 };

static const struct opt opts[] = {
	{ "head", 0, OPT_FLAG, &o.mode, NULL, "head, counts and provenance, as JSON, a line a document",
	  .value = SHOW_HEAD },
	{ "check", 'c', OPT_FLAG, &o.mode, NULL, "read all of it, values included; print nothing on stdout",
	  .value = SHOW_CHECK },
	{ "provenance", 'p', OPT_FLAG, &o.mode, NULL, "the stages passed, as a shell pipeline",
	  .value = SHOW_PROVENANCE },
	{ "stats", 's', OPT_FLAG, &o.mode, NULL, "counts of records, tokens, types, splits, classes",
	  .value = SHOW_STATS },
	{ "words", 'w', OPT_FLAG, &o.mode, NULL, "the word table of a stream of text, a line a word",
	  .value = SHOW_WORDS },
	{ "to", 't', OPT_CHOICE, &o.to, NULL, "write the records in this form", .choices = "npy|csv|tsv|pnm",
	  .flags = OPT_NO_DEFAULT },
	{ "from", 'f', OPT_CHOICE, &o.from, NULL, "make a stream of logits from FILE in this form",
	  .choices = "npy|csv|tsv", .flags = OPT_NO_DEFAULT },
	{ "kind", 'k', OPT_CHOICE, &o.kind, NULL, "what the numbers of --from are; never guessed",
	  .choices = "logits|probs", .flags = OPT_NO_DEFAULT },
	{ "labels", 'l', OPT_TEXT, &o.labels, "FILE", "NPY file of the labels, instead of a first column",
	  .flags = OPT_INPUT | OPT_OUTPUT, .reads_with = "from" },
	{ "classes", 0, OPT_TEXT, &o.classes, "A,B,C", "class names for --from (default: the header's, else 0,1,2...)",
	  .flags = OPT_NAME },
	{ "name", 0, OPT_TEXT, &o.name, "TITLE", "title for tables, for --from", .flags = OPT_NAME },
	{ "dtype", 0, OPT_CHOICE, &o.dtype, NULL, "how --from csv and tsv keep numbers", .choices = "f32|f64" },
	{ "split", 0, OPT_CHOICE, &o.split, NULL,
	  "with --from: mark the records so (default: train); else: show only these", .choices = "train|dev|test|extra",
	  .flags = OPT_NO_DEFAULT },
	{ "limit", 'n', OPT_INT, &o.limit, "N", "show at most N records (the rest is still read and checked)", .lo = 0,
	  .hi = INT64_MAX, .flags = OPT_NO_DEFAULT },
	{ 0 },
};

static const char *libraries(void)
{
	return "libcsv 3";
}

static const struct program prog = {
	.name = "vic-cat",
	.summary = "show, check, count and convert streams",
	.operands = "[FILE...]",
	.description =
		"Without an option it prints the text twin of its streams: '#' lines with each\n"
		"document's head and the columns' names, then a line a record: id, split,\n"
		"label, contents, separated by tabs. Tokens are shown as they are, text by its\n"
		"words, logits with the digits that bring every value back, images by shape and\n"
		"checksum. Control characters are written \\t, \\n and \\xHH.\n"
		"\n"
		"--to csv and tsv put the label in front: its class name, then a value a class\n"
		"(with a header that names them) or the tokens. --to npy does the same in one\n"
		"array, [records][1 + classes] with the label's number first, or with --labels\n"
		"FILE writes [records][classes] (images: [records][h][w][c]) and the labels\n"
		"into FILE as int64. --to pnm writes raw images as portable pixmaps, one after\n"
		"another.\n"
		"\n"
		"--from reads the same forms and writes a stream of logits. A first row that\n"
		"begins with 'label' names the classes. A label is a class name or, unless\n"
		"classes are named like numbers, its number from 0; empty or -1 is none. NPY\n"
		"may be float16 (kept as f32), float32 or float64; with --labels also\n"
		"[records][passes][classes].\n"
		"\n"
		"A stream that is cut or damaged gives exit status 1, whatever the options;\n"
		"--stats, --head, --to npy and --check print nothing before all of it was read.\n"
		"\n"
		"--check also reads models and checkpoints (vic-train) and calibration maps\n"
		"(vic-calibrate): every bit of them is under a checksum.\n"
		"\n"
		"Given a file that is no stream, it (like every program) says what the file is\n"
		"and\n"
		"which program reads it: tables, arrays, images, archives, word vectors, texts.",
	.example =
		"vic-cat mr.tokens | head\n"
		"vic-cat --check mr.text && vic-cat --provenance mr.text\n"
		"vic-cat --from csv --kind probs --classes neg,pos theirs.csv | vic-score",
	.see_also = "vic-split(1), vic-score(1)",
	.opts = opts,
	.min_operands = 0,
	.max_operands = -1,
	.libraries = libraries,
};

/* Every combination that would have ignored an option. */
static int refuse_idle(const struct stage *st, struct err *err)
{
	static const char *const only_from[] = { "kind", "classes", "name", "dtype" };
	int from = stage_given(st, "from"), to = stage_given(st, "to");
	if (from + to + (o.mode != SHOW_TWIN) > 1)
		return err_usage(err,
				 "--from, --to, --head, --check, --provenance, --stats and --words exclude each other");
	for (size_t i = 0; i < sizeof only_from / sizeof *only_from; i++)
		if (!from && stage_given(st, only_from[i]))
			return err_usage(err, "--%s goes with --from", only_from[i]);
	if (from && !stage_given(st, "kind"))
		return err_usage(err, "--from needs --kind logits or --kind probs: it is never guessed");
	if (from && st->n > 1)
		return err_usage(err, "--from takes one file");
	if (from && o.from == EXPORT_NPY && stage_given(st, "dtype"))
		return err_usage(err, "--dtype goes with csv and tsv; an NPY file has its own");
	if (o.labels && !to && !from)
		return err_usage(err, "--labels goes with --to npy and --from npy");
	if (from && o.labels && o.from != EXPORT_NPY)
		return err_usage(err, "--labels goes with npy; the first column of csv and tsv is the label");
	if (o.mode != SHOW_TWIN && stage_given(st, "split"))
		return err_usage(err, "--split goes with the text twin, --to and --from");
	if ((o.mode != SHOW_TWIN || from) && stage_given(st, "limit"))
		return err_usage(err, "--limit goes with the text twin and --to");
	return 0;
}

struct totals {
	/* others: files that are no streams; of these, without checksums */
	uint64_t documents, records, others, unsealed;
	struct pick pick;
	struct stats stats;
	struct export *export;
};

static int show_document(struct totals *t, struct stream_reader *r, struct output *out, struct err *err)
{
	if (t->export)
		return export_document(t->export, r, &t->pick, err);
	switch ((enum mode)o.mode) {
	case SHOW_HEAD:
		return cat_head(r, out, err);
	case SHOW_CHECK:
		return check_document(r, err);
	case SHOW_PROVENANCE:
		return (t->documents && output_write(out, "\n", 1, err)) || cat_provenance(r, out, err) ? -1 : 0;
	case SHOW_STATS:
		return stats_add(&t->stats, r, err);
	case SHOW_WORDS:
		return cat_words(r, out, err);
	case SHOW_TWIN:
		break;
	}
	return cat_twin(r, t->documents + 1, &t->pick, out, err);
}

static int show_file(struct totals *t, const char *path, struct output *out, struct err *err)
{
	struct stream_reader *r;
	int sealed, rc = o.mode == SHOW_CHECK ? check_open(&r, path, &sealed, err) : stream_open(&r, path, err);
	if (rc < 0)
		return -1;
	if (rc) {
		t->others++;
		t->unsealed += !sealed;
		return 0;
	}
	while ((rc = stream_next_document(r, err)) == 1) {
		if (show_document(t, r, out, err)) {
			rc = -1;
			break;
		}
		t->documents++;
		t->records += stream_records(r);
	}
	stream_close(r);
	return rc;
}

static void say_checked(const struct stage *st, const struct totals *t)
{
	char streams[96] = "", others[96] = "";
	if (t->documents || !t->others)
		snprintf(streams, sizeof streams, "%" PRIu64 " record%s in %" PRIu64 " document%s", t->records,
			 t->records == 1 ? "" : "s", t->documents, t->documents == 1 ? "" : "s");
	if (t->others)
		snprintf(others, sizeof others, "%s%" PRIu64 " model%s or map%s", *streams ? ", " : "", t->others,
			 t->others == 1 ? "" : "s", t->others == 1 ? "" : "s");
	stage_say(st, "all right: %s%s", streams, others);
	if (t->unsealed)
		stage_say(st, "%" PRIu64 " of these ha%s no checksums: damage to values would not be seen", t->unsealed,
			  t->unsealed == 1 ? "s" : "ve");
}

static int show_streams(struct stage *st, struct output *out, struct err *err)
{
	struct totals t = { .pick = { .split = stage_given(st, "split") ? o.split : -1, .limit = (uint64_t)o.limit } };
	int rc = 0, n = st->n ? st->n : 1;
	if (stage_given(st, "to"))
		rc = export_open(&t.export, (enum export_form)o.to, o.labels, out, err);
	for (int i = 0; i < n && !rc; i++)
		rc = show_file(&t, stage_operand(st, i), out, err);
	if (!rc && t.export)
		rc = export_finish(t.export, err);
	if (!rc && o.mode == SHOW_STATS)
		rc = stats_print(&t.stats, out, err);
	if (!rc && o.mode == SHOW_CHECK)
		say_checked(st, &t);
	export_close(t.export);
	stats_release(&t.stats);
	return rc;
}

/* What was read and is in no record. */
static void say_notes(const struct stage *st, const struct import_notes *notes)
{
	const struct {
		uint64_t n;
		const char *what;
	} note[] = {
		{ notes->rows.boms, "byte order marks were dropped" },
		{ notes->rows.blank, "blank lines were passed over" },
		{ notes->rows.sep_lines, "first line says what stands between columns (sep=), as Excel writes it" },
	};
	for (size_t i = 0; i < sizeof note / sizeof *note; i++)
		if (note[i].n)
			stage_say(st, "%" PRIu64 " %s", note[i].n, note[i].what);
}

static int run_cat(struct stage *st, struct err *err)
{
	struct output out;
	int rc;
	if (refuse_idle(st, err) || output_open(&out, "-", err))
		return -1;
	if (stage_given(st, "from")) {
		struct import im = { .form = (enum export_form)o.from, .path = stage_operand(st, 0), .labels = o.labels,
				     .classes = o.classes, .name = o.name, .values = o.kind, .dtype = o.dtype,
				     .split = o.split };
		struct import_notes notes = { 0 };
		rc = import_stream(&im, st->provenance, &out, &notes, err);
		if (!rc)
			say_notes(st, &notes);
	} else {
		rc = show_streams(st, &out, err);
	}
	rc = rc || output_commit(&out, err) ? -1 : 0;
	output_release(&out);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_cat);
}
